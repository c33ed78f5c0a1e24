"""Real reports: everybody can read them, at any width, in both languages, in light and dark, on paper, without a network."""

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
    mouse, board = look({"file": file, "width": 1280, "script": SORT}, {"file": file, "width": 1280, "keys": keys})
    assert mouse["answer"]
    for (first, down), (second, up) in mouse["answer"]:
        assert (first, second) == ("descending", "ascending")
        assert len(down) >= 10
        assert down == sorted(down, reverse=True)
        assert up == sorted(up)
    assert board["answer"] == "descending"


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
