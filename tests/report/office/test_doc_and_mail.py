"""The document and the mail: the words and numbers of the reports, what is hostile as text, and the same bytes each time."""

import json
import re
import webbrowser
import zipfile
from html.parser import HTMLParser

import pandas as pd
import pytest
from docx import Document
from docx.shared import Mm

from crmkit.core.language import Locale
from crmkit.core.results import Column, Result, Text
from crmkit.report.exhibits import exhibit_record, read_exhibit
from crmkit.report.office.doc import write_doc
from crmkit.report.office.mail import write_brief
from crmkit.report.office.story import newest_page, read_story
from crmkit.show.figures import draw, png
from crmkit.show.words import plain
from finished import HOSTILE, bars, found, lines, picture, plain_table, quadrants

# in which Word counts
TWIP = 635


def paragraphs(path):
    return [one.text for one in Document(str(path)).paragraphs]


def test_a_document_is_made_of_the_project_that_is_named(whole, tmp_path, monkeypatch):
    monkeypatch.setenv("CRMKIT_HOME", str(tmp_path))
    (path,) = write_doc("acme", home=whole.home).paths
    assert path.is_relative_to(whole.home)


def test_the_document_says_findings_and_shows_figures_and_native_tables(whole):
    (path,) = write_doc("acme").paths
    made, said = Document(str(path)), paragraphs(path)
    reports = [json.loads(one.read_text(encoding="utf-8")) for one in whole.dated.glob("runs/*/*/report.json")]
    for report in reports:
        for finding in report["findings"]:
            assert plain(finding["text"]) in said
    assert "What about churn?" in said
    cells = [[cell.text for cell in row.cells] for table in made.tables for row in table.rows]
    assert ["What was found", "What to do", "At stake"] in cells
    assert ["€27,714 is at risk.", "Call them.", "€27,714"] in cells
    assert ["Value at risk", "€27,714", "What about churn?"] in cells
    assert ["What", "Cost"] in cells
    # one of each figure that the leading findings rest on
    assert len(made.inline_shapes) == 6
    assert all(shape._inline.docPr.get("descr") for shape in made.inline_shapes)


def test_a_picture_is_what_the_figure_of_the_page_looks_like(whole):
    made = zipfile.ZipFile(write_doc("acme").paths[0])
    pictures = {made.read(name) for name in made.namelist() if name.startswith("word/media/")}
    record = json.loads(next(whole.dated.glob("runs/*/churn/report.json")).read_text(encoding="utf-8"))
    folder = next(whole.dated.glob("runs/*/churn"))
    shown = [read_exhibit(one, folder) for one in record["exhibits"] if one["name"] in ("churn_groups", "churn_curve")]
    assert {png(draw(one, Locale())) for one in shown} <= pictures


def test_headings_of_a_table_come_again_and_rows_are_not_torn(whole):
    xml = zipfile.ZipFile(write_doc("acme").paths[0]).read("word/document.xml").decode()
    assert xml.count("<w:tblHeader/>") == xml.count("<w:tbl>") - 1
    assert xml.count("<w:cantSplit/>") == xml.count("<w:tr>")


def test_a_long_table_says_what_is_left_out(whole):
    said = paragraphs(write_doc("acme").paths[0])
    assert "and 28 more; all of them are on the page" in said


def test_nobody_is_named_and_what_is_hostile_is_text(office):
    office(
        "churn",
        [plain_table("churn_a", 3, words=HOSTILE), plain_table("churn_list", 3, customers=True)],
        [found("churn.a", "It is so.", "churn_a"), found("churn.list", "Some leave.", "churn_list")],
        title=HOSTILE,
    )
    (path,) = write_doc("acme").paths
    made = Document(str(path))
    assert made.paragraphs[0].text == plain(HOSTILE)
    assert any(
        cell.text.startswith('=HYPERLINK("http://x","y")<script>') for table in made.tables for cell in table.column_cells(0)
    )
    with zipfile.ZipFile(path) as package:
        content = {name: package.read(name) for name in package.namelist()}
    assert not [name for name, part in content.items() if b"SECRET" in part or b"<script" in part]
    assert b"http://x" not in b"".join(part for name, part in content.items() if name.endswith(".rels"))


def test_the_document_is_a4_and_the_same_reports_give_the_same_bytes(whole):
    (path,) = write_doc("acme").paths
    before = path.read_bytes()
    assert Document(str(path)).sections[0].page_width == pytest.approx(Mm(210), abs=TWIP)
    assert write_doc("acme").paths[0].read_bytes() == before


def test_chinese_has_its_font_in_the_styles(office):
    office("churn", [bars("churn_a", ["北", "南"])], [found("churn.a", "流失客户最多。", "churn_a")], language="zh")
    office.params(language="zh")
    styles = zipfile.ZipFile(write_doc("acme").paths[0]).read("word/styles.xml").decode()
    for name in ("Normal", "Title", "heading 1", "heading 2"):
        style = re.search(f'<w:name w:val="{name}"/>.*?</w:style>', styles, re.DOTALL)[0]
        assert 'w:eastAsia="Microsoft YaHei"' in style
        assert "eastAsiaTheme" not in style


def test_a_template_of_word_keeps_its_foot_and_loses_its_text(whole):
    made = Document()
    made.add_paragraph("AN EXAMPLE")
    made.sections[0].footer.paragraphs[0].text = "Street 1"
    made.sections[0].page_width = Mm(180)
    for style in ("List Bullet", "Title"):
        made.styles[style].element.getparent().remove(made.styles[style].element)
    made.save(str(whole.home / "params" / "acme" / "letter.docx"))
    whole.params(brand={"doc": "letter.docx", "confidential": "Secret"})
    (path,) = write_doc("acme").paths
    filled = Document(str(path))
    assert "AN EXAMPLE" not in paragraphs(path)
    assert filled.sections[0].footer.paragraphs[0].text.startswith("Street 1")
    assert filled.sections[0].page_width == pytest.approx(Mm(180), abs=TWIP)
    assert [text for text in paragraphs(path) if text.startswith("• ")]


def test_logo_author_and_confidential_line_are_in_the_document(whole):
    (whole.home / "params" / "acme" / "logo.png").write_bytes(picture())
    whole.params(brand={"logo": "logo.png", "author": "A & B", "confidential": "For ACME only"})
    (path,) = write_doc("acme").paths
    made = Document(str(path))
    assert made.sections[0].footer.paragraphs[0].text.startswith("For ACME only")
    assert "A & B" in paragraphs(path)
    assert len(made.inline_shapes) == 7
    assert made.core_properties.author == "A & B"


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text = set(), set(), []

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}

    def handle_data(self, data):
        self.text.append(data.strip())


def test_the_mail_says_the_same_as_text_and_as_html_without_style(whole):
    text, html = write_brief("acme").paths
    read = Tags()
    read.feed(html.read_text(encoding="utf-8"))
    assert read.tags == {"html", "head", "meta", "title", "body", "p", "strong", "ul", "ol", "li"}
    assert read.attributes == {"lang", "charset"}
    lines_ = [re.sub(r"^(- |\d+\. )", "", line) for line in text.read_text(encoding="utf-8").splitlines() if line]
    assert lines_ == [part for part in read.text if part][1:]
    assert "Value at risk: €27,714" in lines_
    assert "€27,714 is at risk." in lines_
    assert "Call them. €27,714 is at risk. At stake: €27,714" in lines_


def test_the_mail_asks_for_the_decisions_of_the_sheet_for_executives(whole):
    table = pd.DataFrame({"text": ["Call them"], "brings": ["€9 a year"], "cost": [157.94], "owner": ["Service & Co"]})
    columns = (
        Column("text", "Decision"),
        Column("brings", "What it brings"),
        Column("cost", "Cost", "money"),
        Column("owner", "Owner"),
    )
    whole(
        "audit", [Result("audit_decisions", "table", Text("To decide"), table, columns=columns)], [found("audit.a", "So.", "x")]
    )
    text, html = write_brief("acme").paths
    asked = "Call them · What it brings: €9 a year · Cost: €157.94 · Owner: Service & Co"
    assert f"1. {asked}\n" in text.read_text(encoding="utf-8")
    assert f"<ol><li>{asked.replace('&', '&amp;')}</li></ol>" in html.read_text(encoding="utf-8")


def test_what_is_hostile_is_text_in_the_mail(office):
    office("churn", [plain_table("churn_a")], [found("churn.a", "Text", "churn_a")], title=HOSTILE)
    html = write_brief("acme").paths[1].read_text(encoding="utf-8")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "&amp;amp;" in html


def test_an_action_that_two_findings_ask_for_stands_once_under_the_dearer(whole):
    (decision,) = read_story("acme").decisions
    assert (decision.found, decision.action, decision.stake) == ("€27,714 is at risk.", "Call them.", "€27,714")


def test_the_verdict_is_about_money(office):
    findings = [
        found("churn.a", "It is so.", "x"),
        found("churn.b", "Much.", "x", stake=5.0),
        found("churn.risk", "Risk.", "x"),
    ]
    for last, said in ((3, "Risk."), (2, "Much."), (1, "It is so.")):
        office("churn", [bars("x", ["a"])], findings[:last], run=f"r{last}")
        assert read_story("acme").verdict[1]["text"] == said


@pytest.mark.parametrize("there", [True, False])
def test_open_shows_the_newest_page_or_says_where_it_is(whole, command, monkeypatch, there):
    seen = []

    class Browser:
        def open(self, address):
            seen.append(address)

    def get():
        if there:
            return Browser()
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(webbrowser, "get", get)
    for analysis in ("churn", "satisfaction"):
        (whole.dated / f"{analysis}.html").write_text("a page", encoding="utf-8")
    code, out, _ = command("open", "acme")
    # which of the two was finished later is written in the record
    assert (code, out) == (0, f"{whole.dated / 'churn.html'}\n")
    assert seen == ([(whole.dated / "churn.html").as_uri()] if there else [])
    assert newest_page("acme", home=whole.home).name == "churn.html"


@pytest.mark.parametrize(
    "result", [bars("a", ["x"], reference=(1.0, "no effect"), log=True), lines("b"), quadrants("c"), plain_table("d")]
)
def test_an_exhibit_is_read_as_it_was_written(result, tmp_path):
    (tmp_path / "results").mkdir()
    table = result.table.copy()
    table.attrs = {}
    table.to_parquet(tmp_path / "results" / f"{result.name}.parquet", index=False)
    record = json.loads(json.dumps(exhibit_record(result, Locale())))
    again = read_exhibit(record, tmp_path)
    assert again.table.equals(result.table)
    assert again.table.attrs == result.table.attrs
    assert (again.kind, again.x, again.y, again.columns) == (result.kind, result.x, result.y, result.columns)
    assert exhibit_record(again, Locale())["title"] == record["title"]
    assert read_exhibit({**record, "shown": None}, tmp_path) is None
