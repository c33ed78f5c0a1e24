"""Slides and document are held to the pages: what was taken of other numbers is found, and named with its file."""

import json

import pandas as pd
import pytest
from docx import Document
from pptx import Presentation

from crmkit.core.errors import CrmkitError
from crmkit.core.language import Locale
from crmkit.core.results import Column, Quantity, Result, Text
from crmkit.report.check import compare_pages
from crmkit.report.guard import taken
from crmkit.report.guard.agreement import contradictions, statements
from crmkit.report.office.deck import write_deck
from crmkit.report.office.doc import write_doc
from crmkit.show.tables import exhibit_html
from finished import found


@pytest.fixture
def written(whole):
    """A client whose slides and document were written of its pages, which say the findings of their records."""
    for path in whole.dated.glob("runs/*/*/report.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        said = "".join(f'<span class="sentence">{one["text"]}</span>' for one in record["findings"])
        page = whole.dated / f"{path.parent.name}.html"
        facts = '<html lang="en"><p class="client">ACME &amp; Söhne &lt;GmbH&gt;</p><dd>31 Dec 2025</dd>'
        page.write_text(facts + said, encoding="utf-8")
    write_deck("acme")
    write_doc("acme")
    return whole


def differing(written):
    told = contradictions("acme", home=written.home)
    return {one.name: {place for places in one.said.values() for place in places} for one in told}


def test_what_was_taken_of_these_pages_agrees_with_them(written):
    names = {(one.place[-5:], one.name) for one in statements("acme", home=written.home) if one.place.startswith("acme-")}
    for file in (".pptx", ".docx"):
        assert (file, "churn, v") in names, "a headline number"
        assert (file, "€# is at risk.") in names, "a finding"
    assert differing(written) == {}


def runs(deck):
    for slide in deck.slides:
        for shape in slide.shapes:
            frames = [shape.text_frame] if shape.has_text_frame else []
            if shape.has_table:
                frames = [cell.text_frame for row in shape.table.rows for cell in row.cells]
            yield from (run for frame in frames for paragraph in frame.paragraphs for run in paragraph.runs)


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [("€27,714 is at risk.", "€27,741 is at risk.", "€# is at risk."), ("€27,714", "€27,700", "churn, v")],
)
def test_another_number_on_a_slide_is_found(written, old, new, name):
    path = written.dated / "acme-2025-12-31.pptx"
    deck = Presentation(str(path))
    for run in runs(deck):
        run.text = new if run.text == old else run.text
    deck.save(str(path))
    assert path.name in differing(written)[name]


def test_a_cell_of_a_table_is_compared_with_that_of_the_page(office):
    table = pd.DataFrame({"tier": ["A", "B", "C"], "money": [500.0, 60.0, 7.0]})
    columns = (Column("tier", "Tier"), Column("money", "Worth", "money"))
    one = Result("clv_tiers", "table", Text("Tiers"), table, columns=columns)
    office("clv", [one], [found("clv.tiers", "{n} tiers.", "clv_tiers", n=Quantity(3, "count"))])
    page = office.dated / "clv.html"
    page.write_text(exhibit_html(one, Locale()), encoding="utf-8")
    write_deck("acme")
    write_doc("acme")
    told = differing(office)
    assert not [name for name in told if name.startswith("clv_tiers")]
    page.write_text(page.read_text(encoding="utf-8").replace("€60", "€66"), encoding="utf-8")
    assert differing(office)["clv_tiers: B, Worth"] == {"clv.html", "acme-2025-12-31.pptx", "acme-2025-12-31.docx"}


def test_another_number_in_the_document_is_found_and_told_with_what_to_do(written):
    path = written.dated / "acme-2025-12-31.docx"
    made = Document(str(path))
    for table in made.tables:
        for row in table.rows:
            if [cell.text for cell in row.cells][:2] == ["Value at risk", "€27,714"]:
                row.cells[1].paragraphs[0].runs[0].text = "€1"
    made.save(str(path))
    assert differing(written) == {"churn, v": {"churn/report.json", "acme-2025-12-31.pptx", path.name}}
    with pytest.raises(CrmkitError, match=r"write again what was taken of them: crmkit deck acme; crmkit doc acme"):
        compare_pages("acme", home=written.home)


def test_what_cannot_be_read_without_a_library_is_named(written, monkeypatch):
    monkeypatch.setattr(taken, "find_spec", lambda name: None if name == "pptx" else name)
    told = compare_pages("acme", home=written.home)
    assert told.numbers["files"] == "acme-2025-12-31.pptx"
    assert "not read without the extra office" in told.template
