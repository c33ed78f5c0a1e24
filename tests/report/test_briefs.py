"""Short pages: only what is tagged for an audience stands on them, and nothing is made where there is nothing."""

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from crmkit.report.article import REPORT_MIME
from crmkit.report.briefs import brief_notebook, brief_pages

RECORD = {"language": "en", "title": "ACME", "analysis": "audit", "findings": [], "versions": {}, "parameters": {}}


def cell(html, *tags):
    made = new_code_cell("page.show(x)", outputs=[new_output("display_data", data={"text/html": html, "text/plain": "x"})])
    made.metadata["tags"] = list(tags)
    return made


def notebook(*, record=True, language="en"):
    said = RECORD | {"language": language}
    last = new_code_cell("page.publish()", outputs=[new_output("display_data", data={REPORT_MIME: said, "text/plain": "p"})])
    cells = [new_markdown_cell("# How good?\n\nA word before."), cell("<p>for both</p>", "executive", "department"),
             cell("<p>for the head</p>", "executive"), cell("<p>for nobody</p>"), *([last] if record else [])]  # fmt: skip
    return new_notebook(cells=cells, metadata={"crmkit": {"analysis": "audit"}})


def test_each_audience_sees_its_own_cells():
    pages = brief_pages(notebook())
    assert set(pages) == {"executive", "department"}
    assert "for the head" in pages["executive"]
    assert "for the head" not in pages["department"]
    assert all("for both" in page and "for nobody" not in page and "A word before" not in page for page in pages.values())
    assert "How good? – For executives" in pages["executive"]


def test_the_title_is_in_the_readers_language():
    short = brief_notebook(notebook(language="zh"), "executive")
    assert short.cells[0].source == "# How good? – 管理层版"


def test_nothing_is_made_without_tags_or_record():
    plain = notebook()
    for one in plain.cells:
        one.metadata.pop("tags", None)
    assert brief_pages(plain) == {}
    assert brief_pages(notebook(record=False)) == {}


def test_the_notebook_itself_stays_as_it_is():
    nb = notebook()
    before = nbformat.writes(nb)
    brief_pages(nb)
    assert nbformat.writes(nb) == before
