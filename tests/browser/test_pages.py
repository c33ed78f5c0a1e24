"""Real reports: everybody can read them, at any width, in both languages, in light and dark, on paper, without a network."""

import csv
import io
import re
import shutil
import subprocess
from itertools import product

import pytest

from crmkit.report.page.render import without_provenance

PAGES = ("clv-en", "clv-zh", "client-en", "client-zh", "portfolio-en", "portfolio-zh")
LOOKS = tuple(product((1280, 400), ("light", "dark")))
SORT = """[...document.querySelectorAll("table.sortable")].map((table) => {
  const heads = [...table.tHead.rows[0].cells], place = heads.findIndex((head) => head.classList.contains("num"));
  const column = () => [...table.tBodies[0].rows].map((row) => Number(row.cells[place].dataset.key)).filter((n) => !isNaN(n));
  const button = heads[place].querySelector("button"), seen = [];
  for (let click = 0; click < 2; click++) { button.click(); seen.push([heads[place].getAttribute("aria-sort"), column()]); }
  return seen;
})"""

OPEN = "document.querySelectorAll('details').forEach((fold) => { fold.open = true; })"
UNFOLD = """(() => {
  const folds = [...document.querySelectorAll(".annexed > details")], shut = folds.every((one) => !one.open);
  const link = [...document.querySelectorAll("#contents a")].map((one) => decodeURIComponent(one.hash.slice(1)))
    .find((id) => document.getElementById(id).matches(".annexed"));
  location.hash = link;
  const fold = document.getElementById(link).querySelector("details");
  return new Promise((done) => setTimeout(() => done([shut, fold.open]), 300));
})()"""
CARDS = """(() => {
  document.querySelectorAll("details").forEach((fold) => { fold.open = true; });
  const wide = [...document.querySelectorAll(".table-wrap")].filter((one) => one.scrollWidth > one.clientWidth + 1);
  const tables = [...document.querySelectorAll("table.data")].filter((one) => one.tHead);
  const bare = tables.flatMap((one) => [...one.tBodies[0].querySelectorAll("td:not([colspan])")])
    .filter((one) => !getComputedStyle(one, "::before").content.slice(1, -1));
  return [wide.map((one) => one.parentElement.id), bare.length, tables.length];
})()"""
TAKE = """(() => {
  const taken = [], make = URL.createObjectURL;
  URL.createObjectURL = (blob) => { blob.text().then((text) => taken.push(text)); return make.call(URL, blob); };
  const table = document.querySelector(".exhibit table.data");
  [...table.closest(".exhibit").querySelectorAll(".tools button")].at(-1).click();
  return new Promise((done) => setTimeout(() => done([taken[0], table.rows.length, table.rows[0].cells.length]), 300));
})()"""
SEARCH = """(() => {
  const search = document.querySelector(".tools input"), rows = [...search.closest(".exhibit").querySelectorAll("tbody tr")];
  const wanted = rows[3].cells[0].textContent;
  search.value = wanted.toUpperCase();
  search.dispatchEvent(new Event("input"));
  return [rows.length, rows.filter((row) => !row.hidden).map((row) => row.textContent.includes(wanted))];
})()"""
# what is seen of each drawing that is in sight: its ground, whether a mark speaks, and how tall its smallest letters are
DRAWN = """(() => {
  document.querySelectorAll(".annexed > details").forEach((fold) => { fold.open = true; });
  const light = (colour) => Math.max(...colour.match(/[\\d.]+/g).slice(0, 3).map(Number)) / 255;
  const shown = [...document.querySelectorAll("svg.chart")].filter((one) => one.getClientRects().length);
  return shown.map((one) => {
    const [text, ground] = [[...one.querySelectorAll("text")], getComputedStyle(one.parentElement).backgroundColor];
    const plates = [...one.querySelectorAll("path")].filter((path) => {
      const [box, whole] = [path.getBBox(), one.viewBox.baseVal];
      return getComputedStyle(path).fill !== "none" && box.width * box.height > .8 * whole.width * whole.height;
    });
    return {
      ground: light(ground), ink: light(getComputedStyle(text[0]).fill), plates: plates.length,
      wide: one.matches(".wide"), whole: one.parentElement.matches(".whole"), tips: one.querySelectorAll("title").length,
      letters: Math.min(...text.map((each) => parseFloat(each.getAttribute("font-size"))))
        * one.getBoundingClientRect().width / one.viewBox.baseVal.width,
    };
  });
})()"""
PICTURE = """(() => {
  const saved = [], blobs = [], make = URL.createObjectURL;
  HTMLAnchorElement.prototype.click = function () { saved.push(this.download); };
  URL.createObjectURL = (blob) => { blobs.push(blob); return make.call(URL, blob); };
  const figure = document.querySelector("svg.chart").closest("figure");
  [...figure.querySelectorAll(".tools button")].find((one) => one.textContent === "PNG").click();
  return new Promise((done) => setTimeout(async () => {
    const picture = await createImageBitmap(blobs[0]), canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [picture.width, picture.height];
    const brush = canvas.getContext("2d");
    brush.drawImage(picture, 0, 0);
    const dots = brush.getImageData(0, 0, picture.width, picture.height).data;
    let dark = 0;
    for (let place = 0; place < dots.length; place += 4) dark += dots[place] < 90 && dots[place + 2] < 120;
    done({name: saved[0], id: figure.id, type: blobs[0].type, width: picture.width, height: picture.height,
      corner: [...dots.slice(0, 4)], dark, refused: window.refused});
  }, 1500));
})()"""


@pytest.fixture(scope="module")
def seen(look, reports):
    """What was seen of each page, by name, width and scheme."""
    wanted = [(name, width, scheme) for name in PAGES for width, scheme in LOOKS]
    found = look(
        *({"file": str(reports[name]), "width": width, "scheme": scheme, "axe": True} for name, width, scheme in wanted)
    )
    return dict(zip(wanted, found, strict=True))


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_everybody_can_read_it(seen, name, width, scheme):
    page = seen[name, width, scheme]
    assert page["violations"] == []
    assert page["passes"] >= 15
    assert page["overflow"] <= 0, "wider than the window"
    assert page["pictures"] == 0, "pictures that do not load or that nobody described"
    assert page["doubled"] == []
    assert page["dead"] == [], "links that lead nowhere"


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_loaded_and_nothing_goes_wrong(seen, name):
    for width, scheme in LOOKS:
        page = seen[name, width, scheme]
        assert page["requests"] == []
        assert page["refused"] == []
        assert page["errors"] == []
        assert page["ready_ms"] <= 1000


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_report_is_small(reports, language):
    assert reports[f"clv-{language}"].stat().st_size <= 600_000


def test_the_same_inputs_give_the_same_bytes_but_for_one_block(project, reports):
    project("run", "retailco", "--only", "clv", "--language", "en", "--force")
    again = project.home / "reports" / "retailco" / "2025-12-31" / "clv.html"
    pages = [path.read_text(encoding="utf-8") for path in (again, reports["clv-en"])]
    assert pages[0] != pages[1], "it was not run again"
    assert without_provenance(pages[0]) == without_provenance(pages[1])


def test_long_tables_are_sorted_by_mouse_and_keyboard(look, reports):
    keys = {
        "focus": "table.sortable th button",
        "press": ["Enter", "Space"],
        "then": "document.querySelector('table.sortable th').getAttribute('aria-sort')",
    }
    file = str(reports["clv-en"])
    mouse, board = look(
        {"file": file, "width": 1280, "script": SORT}, {"file": file, "width": 1280, "script": OPEN, "keys": keys}
    )
    assert mouse["answer"]
    for (first, down), (second, up) in mouse["answer"]:
        assert (first, second) == ("descending", "ascending")
        assert len(down) >= 10
        assert down == sorted(down, reverse=True)
        assert up == sorted(up)
    assert board["answer"] == "descending"


def test_the_annex_is_folded_and_a_link_opens_its_section(look, reports):
    (page,) = look({"file": str(reports["clv-en"]), "width": 1280, "script": UNFOLD})
    assert page["answer"] == [True, True]


def test_tables_are_taken_along_and_searched(look, reports):
    file = str(reports["clv-en"])
    taken, searched = look({"file": file, "width": 1280, "script": TAKE}, {"file": file, "width": 1280, "script": SEARCH})
    text, rows, columns = taken["answer"]
    listed = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [len(listed), {len(row) for row in listed}] == [rows, {columns}]
    many, found = searched["answer"]
    assert many >= 15
    assert 1 <= len(found) < many
    assert all(found)


@pytest.fixture(scope="module")
def sheets(project, reports):
    """The sheet for executives, and the audit it belongs to, by language."""
    kept = reports["clv-en"].parent
    folder = project.home / "reports" / "retailco" / "2025-12-31"
    for language in ("en", "zh"):
        project("run", "retailco", "--only", "audit", "--language", language)
        for name in ("audit", "audit-executive", "churn", "satisfaction"):
            shutil.copy(folder / f"{name}.html", kept / f"{name}-{language}.html")
    return {path.stem: path for path in kept.iterdir()}


def test_executives_get_one_sheet_of_paper(look, sheets, tmp_path):
    for language in ("en", "zh"):
        pdf = tmp_path / f"{language}.pdf"
        file = str(sheets[f"audit-executive-{language}"])
        script = "[document.documentElement.scrollHeight, document.querySelectorAll('.value').length]"
        page, dark = look(
            {"file": file, "width": 1280, "script": script, "axe": True, "print": str(pdf)},
            {"file": file, "width": 400, "scheme": "dark", "axe": True},
        )
        assert len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf.read_bytes())) == 1
        assert page["cut"] == 0
        high, boxes = page["answer"]
        assert high <= 2 * 900, "two screens"
        assert boxes == 3
        assert page["violations"] + dark["violations"] == []
        assert dark["overflow"] <= 0
        # it stays one sheet where names and actions are as long as they may be
        long = tmp_path / f"long-{language}.html"
        text = sheets[f"audit-executive-{language}"].read_text(encoding="utf-8")
        text = re.sub(r'(<p class="client">)[^<]*', r"\1" + "Long name " * 20, text)
        text = re.sub(r'(<th scope="row" class="wordy">)[^<]*', r"\1" + "W" * 11 + " word" * 20, text)
        long.write_text(text, encoding="utf-8")
        look({"file": str(long), "width": 1280, "print": str(pdf)})
        assert len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf.read_bytes())) == 1


@pytest.mark.parametrize("name", ["clv", "churn", "satisfaction", "audit", "audit-executive", "client", "portfolio"])
def test_on_a_phone_tables_are_cards_and_nothing_is_moved_sideways(look, sheets, name):
    wanted = [{"file": str(sheets[f"{name}-{language}"]), "width": 390, "script": CARDS} for language in ("en", "zh")]
    for page in look(*wanted):
        wide, unlabelled, tables = page["answer"]
        assert tables
        assert wide == []
        assert unlabelled == 0, "a value without the words of its head"
        assert page["overflow"] <= 0
        assert page["errors"] + page["refused"] == []


@pytest.mark.parametrize("name", ["clv-en", "clv-zh"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_drawings_follow_the_ground_speak_and_can_be_read_on_a_phone(look, reports, name, scheme):
    wanted = ({"file": str(reports[name]), "width": width, "scheme": scheme, "script": DRAWN} for width in (1280, 390))
    for page, wide in zip(look(*wanted), (True, False), strict=True):
        assert len(page["answer"]) >= 8
        for one in page["answer"]:
            assert one["wide"] == (wide or one["whole"])
            assert one["plates"] == 0
            assert (one["ground"] > 0.9, one["ink"] < 0.4) == ((scheme == "light"),) * 2
            assert one["ground"] < 0.2 or scheme == "light"
            assert one["tips"] >= 3
            assert one["letters"] >= 9
        assert page["refused"] == []
        assert page["errors"] == []


def test_a_drawing_is_taken_along_as_a_picture_on_white(look, reports):
    for scheme in ("light", "dark"):
        (page,) = look({"file": str(reports["clv-en"]), "width": 1280, "scheme": scheme, "script": PICTURE})
        taken = page["answer"]
        assert (taken["name"], taken["type"]) == (f"{taken['id']}.png", "image/png")
        assert taken["width"] > 2000
        assert taken["corner"] == [255, 255, 255, 255]
        assert taken["dark"] > 500, "no dark letters on it"
        assert taken["refused"] == []
        assert page["errors"] == []


def test_it_can_be_printed(look, reports, tmp_path):
    pdf = tmp_path / "page.pdf"
    (page,) = look({"file": str(reports["clv-en"]), "width": 1280, "print": str(pdf)})
    assert page["tallest"] <= 259 / 25.4 * 96, "higher than a sheet"
    assert page["cut"] == 0, "wider than a sheet"
    assert pdf.read_bytes().startswith(b"%PDF")
    try:
        text = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        return
    sheets = text.split("\f")[:-1]
    assert 8 <= len(sheets) <= 30
    assert all("RetailCo (simulated) – What is each customer worth?" in sheet.splitlines()[0] for sheet in sheets[1:])
    assert "params/retailco.yml" in text, "folds are open on paper"
