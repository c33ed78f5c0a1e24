(() => {
  const words = document.body.dataset, LONG = 15;
  const save = (name, href) => {
    const link = document.createElement("a");
    [link.href, link.download] = [href, name];
    link.click();
  };
  const cell = (one) => {
    const text = one.textContent.trim();

    const plain = /^[=+@\t]/.test(text) || /^-(?![\d.,])/.test(text) ? "'" + text : text;
    return /[",\n]/.test(plain) ? '"' + plain.replaceAll('"', '""') + '"' : plain;
  };
  const add = (exhibit, after, label, action) => {
    let tools = exhibit.querySelector(".tools");
    if (!tools) {
      tools = document.createElement("p");
      tools.className = "tools";
      after.after(tools);
    }
    const button = document.createElement("button");
    [button.type, button.textContent] = ["button", label];
    button.addEventListener("click", action);
    tools.append(button);
    return tools;
  };
  const PAINT = ["fill", "stroke", "font-family"], SCALE = 2, PAD = 16;
  const drawn = (chart) => {
    const copy = chart.cloneNode(true), {width, height} = chart.viewBox.baseVal;
    copy.classList.add("on-paper");
    chart.after(copy);
    for (const one of [copy, ...copy.querySelectorAll("*")])
      for (const name of PAINT) one.setAttribute(name, getComputedStyle(one).getPropertyValue(name));
    copy.remove();
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    [["width", width], ["height", height]].forEach(([name, value]) => copy.setAttribute(name, value));
    const picture = new Image(width, height);
    picture.src = "data:image/svg+xml," + encodeURIComponent(new XMLSerializer().serializeToString(copy));
    return picture.decode().then(() => picture);
  };
  const lines = (brush, text, room) => text.split(/(?<=[\s\u3000-\u9fff])/).reduce((all, word) => {
    if (all.length && brush.measureText(all.at(-1) + word).width <= room) all.push(all.pop() + word);
    else all.push(word);
    return all;
  }, []);
  const paint = (exhibit, chart) => drawn(chart).then((picture) => {
    const canvas = document.createElement("canvas"), brush = canvas.getContext("2d"), size = 22;
    const font = `600 ${size}px ${getComputedStyle(exhibit).fontFamily}`;
    brush.font = font;
    const title = lines(brush, exhibit.querySelector(".title").textContent, picture.width - 2 * PAD);
    const top = PAD + title.length * size * 1.3;
    [canvas.width, canvas.height] = [picture.width * SCALE, (top + picture.height) * SCALE];
    brush.scale(SCALE, SCALE);
    brush.fillStyle = "#fff";
    brush.fillRect(0, 0, canvas.width, canvas.height);
    [brush.fillStyle, brush.font] = ["#1f2933", font];
    title.forEach((line, place) => brush.fillText(line, PAD, PAD + (place + .8) * size * 1.3));
    brush.drawImage(picture, 0, top, picture.width, picture.height);
    canvas.toBlob((blob) => save(exhibit.id + ".png", URL.createObjectURL(blob)), "image/png");
  });
  for (const exhibit of document.querySelectorAll("main .exhibit[id]")) {
    const table = exhibit.querySelector("table.data"), picture = exhibit.querySelector("img");
    const chart = exhibit.querySelector("svg.chart");
    if (picture) add(exhibit, picture, "PNG", () => save(exhibit.id + ".png", picture.src));
    if (chart) add(exhibit, chart.parentElement, "PNG", () => paint(exhibit, chart));
    if (!table || !table.tBodies[0].rows[0]) continue;
    const tools = add(exhibit, table.closest(".table-wrap"), "CSV", () => {
      const lines = [...table.rows].map((row) => [...row.cells].map(cell).join(","));
      save(exhibit.id + ".csv", URL.createObjectURL(new Blob(["\ufeff" + lines.join("\r\n") + "\r\n"], {type: "text/csv"})));
    });
    const rows = [...table.tBodies[0].rows];
    if (rows.length < LONG || picture || chart) continue;
    const search = document.createElement("input");
    [search.type, search.placeholder] = ["search", words.search];
    search.setAttribute("aria-label", words.search);
    search.addEventListener("input", () => {
      const wanted = search.value.trim().toLocaleLowerCase();
      for (const row of rows) row.hidden = !row.textContent.toLocaleLowerCase().includes(wanted);
    });
    tools.prepend(search);
  }
})();
