// Opens pages in a real browser and says, as one line of JSON each, what happened there.
// node look.js <requests.json>: [{file, width, scheme, axe, print, script}, ...]
const fs = require("fs");
const puppeteer = require("puppeteer-core");

const RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"];
const QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"];

const watch = () => {
  window.refused = [];
  document.addEventListener("securitypolicyviolation", (event) => window.refused.push(event.violatedDirective + " " + event.blockedURI));
};

async function look(browser, axe, wanted) {
  const page = await browser.newPage();
  const seen = {requests: [], dialogs: [], errors: []};
  page.on("request", (one) => { if (!/^(file|data):/.test(one.url())) seen.requests.push(one.url()); });
  page.on("dialog", (one) => { seen.dialogs.push(one.message()); one.dismiss(); });
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("console", (one) => { if (one.type() === "error") seen.errors.push(one.text()); });
  await page.evaluateOnNewDocument(watch);
  await page.setViewport({width: wanted.width, height: 900});
  await page.emulateMediaFeatures([{name: "prefers-color-scheme", value: wanted.scheme || "light"}]);
  await page.goto("file://" + wanted.file, {waitUntil: "load"});
  const found = await page.evaluate(() => {
    const [times] = performance.getEntriesByType("navigation");
    return {
      ready_ms: times.domContentLoadedEventEnd,
      title: document.title,
      pwned: Boolean(window.pwned),
      refused: window.refused,
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      pictures: [...document.images].filter((one) => !one.complete || !one.naturalWidth || !one.alt).length,
      doubled: [...document.querySelectorAll("[id]")].map((one) => one.id).filter((id, place, all) => all.indexOf(id) !== place),
      dead: [...document.querySelectorAll("a[href^='#']")].map((one) => decodeURIComponent(one.hash.slice(1)))
        .filter((id) => !document.getElementById(id)),
    };
  });
  if (wanted.script) found.answer = await page.evaluate(wanted.script);
  if (wanted.keys) {
    await page.focus(wanted.keys.focus);
    for (const key of wanted.keys.press) await page.keyboard.press(key);
    found.answer = await page.evaluate(wanted.keys.then);
  }
  if (wanted.axe) {
    await page.evaluate(axe);
    const result = await page.evaluate((rules) => axe.run(document, {runOnly: rules}), RULES);
    found.violations = result.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
    found.passes = result.passes.length;
  }
  if (wanted.print) {
    await page.emulateMediaType("print");
    await page.setViewport({width: Math.round(176 / 25.4 * 96), height: 900});
    found.tallest = await page.evaluate(() => Math.max(0, ...[...document.querySelectorAll("figure, .values, li.finding")]
      .map((one) => one.getBoundingClientRect().height)));
    found.cut = await page.evaluate(() => [...document.querySelectorAll("table, figure img, figure svg")]
      .filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1).length);
    await page.pdf({path: wanted.print, preferCSSPageSize: true, printBackground: true});
  }
  await page.close();
  return {...seen, ...found};
}

(async () => {
  const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
  const browser = await puppeteer.launch({executablePath: process.env.CHROMIUM, args: QUIET});
  try {
    for (const wanted of JSON.parse(fs.readFileSync(process.argv[2], "utf8"))) {
      console.log(JSON.stringify(await look(browser, axe, wanted)));
    }
  } finally {
    await browser.close();
  }
})().catch((error) => { console.error(error); process.exit(1); });
