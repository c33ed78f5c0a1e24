"""How much has to be read before one knows what to do?

Opens each page of the demo companies in Chromium, 1280 x 900, in both languages, nothing unfolded, and counts what is in
sight: screens, words (Chinese is parted into words as the browser parts it; its characters stand beside them), where the first
action stands, tables that are cut, exhibits that are said to be missing, charts that tell their values and show their rows.
Needs a browser and npm; the companies are run where they have no reports yet.
Run: ``.venv/bin/python benchmarks/pages.py [--home FOLDER]``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from _bench import Bar, finish

ROOT = Path(__file__).parents[1]
BROWSER = ROOT / "tests" / "browser"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LANGUAGES = ("en", "zh")
SCREENS, WORDS, ABSENT, FIRST = 8.0, 1500, 3, 1.0
SCRIPT = r"""(() => {
  const seen = (one) => {
    for (let fold = one.closest("details"); fold; fold = fold.parentElement.closest("details"))
      if (!fold.open && one.closest("summary")?.parentElement !== fold) return false;
    return one.getClientRects().length > 0;
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const word = /[^\s\u3000-\u9fff\uff00-\uffef]*[\p{L}\p{N}][^\s\u3000-\u9fff\uff00-\uffef]*/gu;
  const chinese = new Intl.Segmenter("zh", {granularity: "word"});
  let words = 0, characters = 0;
  while (texts.nextNode()) {
    const parent = texts.currentNode.parentElement;
    if (/^(SCRIPT|STYLE)$/.test(parent.tagName) || !seen(parent)) continue;
    const text = texts.currentNode.textContent;
    words += (text.replace(/[\u3400-\u9fff]+/g, " ").match(word) || []).length;
    for (const run of text.match(/[\u3400-\u9fff]+/g) || []) {
      characters += run.length;
      words += [...chinese.segment(run)].length;
    }
  }
  const all = (selector) => [...document.querySelectorAll(selector)];
  const actions = all("li.finding .action").filter(seen).map((one) => one.getBoundingClientRect().top + scrollY);
  return {
    screens: document.documentElement.scrollHeight / 900, words, characters,
    first: actions.length ? Math.min(...actions) / 900 : null,
    cut: all(".table-wrap").filter((one) => seen(one) && one.scrollWidth > one.clientWidth + 1).length,
    tables: all("table").filter(seen).length, charts: all("figure").filter(seen).length,
    figures: all("figure.exhibit").length, drawn: all("figure.exhibit:has(svg.chart)").length,
    hover: all("figure.exhibit:has(svg.chart title)").length, data: all("figure.exhibit:has(.rows table.data td)").length,
    absent: all(".not-assessed, .absent").filter(seen).length,
    high: all("li.finding:is(.critical, .warning)").filter((one) => !seen(one) && !one.closest("figcaption, caption")).length,
  };
})()"""


def pages(home: Path, language: str) -> list[Path]:
    """The newest page of each analysis of each client in one language."""
    found = []
    for path in sorted((home / "params").glob("*.yml")):
        days = sorted((home / "reports" / path.stem).glob("[0-9]*"))
        found += [page for page in sorted(days[-1].glob("*.html")) if "-" not in page.stem] if days else []
    return [page for page in found if f'<html lang="{language}' in page.read_text(encoding="utf-8")[:200]]


def render(home: Path, language: str) -> None:
    """Run all companies in a language, beside the reports of the project."""
    for name in ("notebooks", "params"):
        shutil.copytree(ROOT / name, home / name, ignore=shutil.ignore_patterns(".*"), dirs_exist_ok=True)
    if not (home / "data").exists():
        (home / "data").symlink_to(ROOT / "data", target_is_directory=True)
    clients = sorted(path.stem for path in (home / "params").glob("*.yml"))
    command = [sys.executable, "-m", "crmkit", "run", *clients, "--language", language]
    subprocess.run(command, check=True, env=os.environ | {"CRMKIT_HOME": str(home)}, stdout=subprocess.DEVNULL)


def look(found: list[Path], chromium: str, folder: Path) -> list[dict[str, Any]]:
    """What is in sight of each page."""
    wanted = [{"file": str(page.resolve()), "width": 1280, "script": SCRIPT} for page in found]
    (folder / "wanted.json").write_text(json.dumps(wanted), encoding="utf-8")
    done = subprocess.run(
        ["node", "look.js", "wanted.json"], cwd=folder, capture_output=True, text=True, env=os.environ | {"CHROMIUM": chromium}
    )
    if done.returncode:
        sys.exit(done.stderr)
    return [json.loads(line)["answer"] for line in done.stdout.splitlines()]


def main() -> None:
    """Print a row per page, then the bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, help="a project whose reports are there already")
    asked = parser.parse_args()
    chromium = os.environ.get("CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)
    if chromium is None or not shutil.which("npm"):
        print("no Chromium or no npm: nothing was measured")
        finish([Bar("page_screens", float("nan"), SCREENS, least=False), Bar("page_words", float("nan"), WORDS, least=False)])
        return
    rows = []
    with tempfile.TemporaryDirectory(prefix="pages-") as name:
        folder = Path(name)
        for one in ("package.json", "package-lock.json", "look.js"):
            shutil.copy(BROWSER / one, folder)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, check=True)
        for language in LANGUAGES:
            home = asked.home or folder / language
            if asked.home is None:
                home.mkdir()
                render(home, language)
            found = pages(home, language)
            rows += [(language, page, seen) for page, seen in zip(found, look(found, chromium, folder), strict=True)]
    print(f"{'page':40} screens words  char.   KB tables charts  cut missing first action")
    for language, page, seen in rows:
        first = "-" if seen["first"] is None else f"{seen['first']:.2f}"
        name = f"{language} {page.parent.parent.name}/{page.stem}"
        numbers = (f"{seen[key]:{width}}" for key, width in (("tables", 6), ("charts", 6), ("cut", 4), ("absent", 7)))
        size = page.stat().st_size / 1024
        print(
            f"{name:40} {seen['screens']:7.1f} {seen['words']:5} {seen['characters']:6} {size:4.0f}", *numbers, f"{first:>12}"
        )
    most = {
        key: max(float(seen[key] or 0) for *_, seen in rows) for key in ("screens", "words", "cut", "absent", "high", "first")
    }
    every = {key: sum(int(seen[key]) for *_, seen in rows) for key in ("figures", "drawn", "hover", "data")}
    print(f"{every['figures']} charts, {every['drawn']} of them drawings, {every['hover']} of these tell their values")
    finish(
        [
            Bar("page_charts_with_hover", every["hover"], every["drawn"]),
            Bar("page_charts_with_data", every["data"], every["figures"]),
            Bar("page_screens", most["screens"], SCREENS, least=False),
            Bar("page_words", most["words"], WORDS, least=False),
            Bar("page_cut_tables", most["cut"], 0, least=False),
            Bar("page_missing", most["absent"], ABSENT, least=False),
            Bar("page_folded_warnings", most["high"], 0, least=False),
            Bar("page_first_action", most["first"], FIRST, least=False),
        ]
    )


if __name__ == "__main__":
    main()
