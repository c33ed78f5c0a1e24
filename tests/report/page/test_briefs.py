"""Short pages: each shows what is meant for its reader and no more, under a name that may be anything."""

import json
from dataclasses import replace
from types import SimpleNamespace

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from crmkit.core.errors import ReportError
from crmkit.core.results import BRIEFS_MIME, REPORT_MIME, Brief, Column, Finding, Result, Text
from crmkit.core.settings import Settings
from crmkit.report.folders import note_attempt, reports_folder
from crmkit.report.guard.html import safe_html
from crmkit.report.page.briefs import brief_pages
from crmkit.report.page.page import Page

RECORD = {"language": "en", "title": "ACME", "analysis": "audit", "findings": [], "versions": {}, "parameters": {}}


def cell(html):
    return new_code_cell("page.show(x)", outputs=[new_output("display_data", data={"text/html": html, "text/plain": "x"})])


def notebook(*, record=True, language="en", briefs=()):
    said = RECORD | {"language": language}
    last = new_code_cell("page.publish()", outputs=[new_output("display_data", data={REPORT_MIME: said, "text/plain": "p"})])
    cells = [new_markdown_cell("# How good?\n\nA word before."), cell("<p>for all</p>"),
             cell("<p>for nobody</p>"), *([last] if record else [])]  # fmt: skip
    if briefs:
        cells[2].outputs[0].data[BRIEFS_MIME] = list(briefs)
    return new_notebook(cells=cells, metadata={"crmkit": {"analysis": "audit"}})


def brief(slug="department-a", name="Service", html="<p>of service</p>"):
    return {"slug": slug, "name": name, "html": html}


def test_a_sheet_holds_nothing_but_what_is_for_its_reader():
    """No contents, no parameters, no annex: those are on the whole report, to which it leads."""
    made = brief_pages(
        notebook(briefs=[brief("executive", "For executives", "<p>for the head</p>") | {"sheet": True}, brief()])
    )
    sheet, page = made["executive"], made["department-a"]
    assert "for the head" in sheet
    assert "How good? – For executives" in sheet
    assert not [word for word in ("for nobody", "A word before", "of service") if word in sheet]
    assert '<body class="sheet"' in sheet
    assert '<a href="audit.html">Whole report</a>' in sheet
    assert not [part for part in ('id="provenance"', 'id="contents"', 'id="data"') if part in sheet]
    assert all(part in page for part in ('id="provenance"', 'id="contents"', "<body data-search"))


def test_each_department_sees_its_own():
    pages = brief_pages(notebook(briefs=[brief(), brief("department-b", "Sales", "<p>of sales</p>")]))
    assert set(pages) == {"department-a", "department-b"}
    assert "<h1>How good? – Sales</h1>" in pages["department-b"]
    assert "of sales" in pages["department-b"]
    assert not [word for word in ("of service", "for all", "for nobody", "A word before") if word in pages["department-b"]]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("[a](javascript:x) ![b](http://evil/c.png) *d* `e` &amp; $f$", None),
        ("# 客服\n\n# two", "# 客服 # two"),
        ("a_b_c \\ d", "a_b_c \\ d"),
    ],
)
def test_a_name_is_shown_as_it_is(name, shown):
    page = brief_pages(notebook(briefs=[brief(name=name)]))["department-a"]
    said = shown or name.replace("&", "&amp;")
    assert f"<h1>How good? – {said}</h1>" in page
    assert "<script>alert" not in page
    assert 'href="javascript' not in page
    assert "<img" not in page


@pytest.mark.parametrize("slug", ["../x", "", "A", "a/b", "a.b", "a--b"])
def test_a_name_of_a_file_that_is_none_is_refused(slug):
    with pytest.raises(ReportError, match="short page"):
        brief_pages(notebook(briefs=[brief(slug)]))


def test_two_pages_of_one_name_are_refused():
    with pytest.raises(ReportError, match="name of its own"):
        brief_pages(notebook(briefs=[brief(), brief()]))


def test_what_is_hostile_in_a_page_is_removed():
    page = brief_pages(notebook(briefs=[brief(html="<p onclick='x()'>a</p><script>b()</script><iframe></iframe>")]))
    assert not [bad for bad in ("onclick", "b()", "<iframe") if bad in page["department-a"]]


def test_nothing_is_made_where_no_result_brings_it_or_without_a_record():
    assert brief_pages(notebook()) == {}
    assert brief_pages(notebook(record=False, briefs=[brief()])) == {}


def test_the_notebook_itself_stays_as_it_is():
    nb = notebook(briefs=[brief()])
    before = nbformat.writes(nb)
    brief_pages(nb)
    assert nbformat.writes(nb) == before


@pytest.fixture
def page():
    settings = Settings(client="test", title="Test", source="data/test")
    company = SimpleNamespace(name="test", settings=settings, currency="EUR", language="en", key=lambda: b"k" * 32)
    return Page("audit", company, {})


def test_a_result_brings_its_pages_into_the_notebook_and_leads_to_them(page):
    own = Result("own", "table", Text("Own"), pd.DataFrame({"a": ["<b>x</b>"]}), columns=(Column("a", "A"),))
    told = Brief("department-a", "Ser<vice>", (own,), Text("All of it."))
    table = pd.DataFrame({"who": ["Ser<vice>"], "page": ["audit-department-a.html"]})
    shown = page.show(Result("who", "table", Text("Who"), table, columns=(Column("who", "Who"), Column("page", "Page")),
                             briefs=(told,)))  # fmt: skip
    (carried,) = json.loads(json.dumps(shown._repr_mimebundle_()))[BRIEFS_MIME]
    assert (carried["slug"], carried["name"]) == ("department-a", "Ser<vice>")
    assert "&lt;b&gt;x&lt;/b&gt;" in carried["html"]
    assert "<p>All of it.</p>" in carried["html"]
    assert '<a href="audit-department-a.html">audit-department-a.html</a>' in safe_html(shown.html)
    assert page.show(own)._repr_mimebundle_() == {}


def test_the_verdict_leads_a_sheet_also_where_something_worse_follows(page):
    verdict, worse = (Finding(f"a.{one}", one, None, Text(f"It is {one}.")) for one in ("info", "critical"))
    own = Result("own", "table", Text("Own"), pd.DataFrame({"a": ["x"]}), columns=(Column("a", "A"),))
    sheet = Brief("executive", "E", (own,), findings=(verdict, worse), sheet=True)
    (carried,) = page.show(replace(own, briefs=(sheet,)))._repr_mimebundle_()[BRIEFS_MIME]
    assert carried["sheet"]
    assert carried["html"].index("It is info.") < carried["html"].index("It is critical.") < carried["html"].index("<table")


@pytest.mark.parametrize("target", ["audit-x/../y.html", "//evil.html", "audit-x.html?y", "x:audit-x.html", "audit-x.htm"])
def test_no_other_address_of_a_page_beside_is_let_through(target):
    assert "href" not in safe_html(f'<a href="{target}">a</a>')


def test_pages_of_departments_that_are_gone_do_not_stay(tmp_path):
    def run(name, *readers, status="ok"):
        folder = reports_folder(tmp_path) / "acme" / "2025-12-31" / "runs" / name / "audit"
        folder.mkdir(parents=True)
        for file in ("audit.html", *(f"audit-{reader}.html" for reader in readers)):
            (folder / file).write_text(name, encoding="utf-8")
        record = {"run": name, "status": status, "message": "", "seconds": 1.0, "finished_at": "2026-01-01"}
        note_attempt(folder, record, home=tmp_path, client="acme", as_of="2025-12-31", analysis="audit")

    dated = reports_folder(tmp_path) / "acme" / "2025-12-31"
    run("r1", "executive", "department-a", "department-b")
    (dated / "churn-executive.html").write_text("of another", encoding="utf-8")
    run("r2", "executive", "department-b")
    assert sorted(path.name for path in dated.glob("*.html")) == [
        "audit-department-b.html", "audit-executive.html", "audit.html", "churn-executive.html",
    ]  # fmt: skip
    run("r3", "department-c", status="failed")
    assert (dated / "audit-department-b.html").read_text(encoding="utf-8") == "r2"
    assert not (dated / "audit-department-c.html").exists()
