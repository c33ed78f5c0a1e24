"""The index of a client and the portfolio: every report, how it stands, what it says first, and links that work."""

import re

import pytest

from crmkit.report.folders import RECORD, REPORT, note_attempt, read_json, reports_folder, write_json
from crmkit.report.site import Value, client_lines, write_site


@pytest.fixture
def leave(tmp_path):
    """Leaves behind what a run of a notebook leaves."""

    def left(
        client,
        as_of,
        analysis="tiny",
        run="r1",
        status="ok",
        severity="warning",
        value="1,190",
        title="ACME <b>",
        language="en",
    ):
        folder = reports_folder(tmp_path) / client / as_of / "runs" / run / analysis
        (folder / "lists").mkdir(parents=True)
        (folder / "lists" / "late.csv").write_text("customer_id\n")
        (folder / f"{analysis}.html").write_text(f"page of {run}")
        record = {"run": run, "status": status, "message": "amount: bad <i>", "seconds": 1.0, "finished_at": "2026-01-01"}
        write_json(folder / RECORD, record | {"question": f"What about {analysis}?"})
        if status == "ok":
            report = {"title": title, "language": language, "currency": "EUR", "headline": ["a", "b"]}
            findings = [
                {"id": "a", "severity": "good", "text": "All well"},
                {"id": "b", "severity": severity, "text": "12% late"},
            ]
            unled = {"id": "c", "severity": "critical", "text": "not in the headline"}
            values = [{"label": "Orders", "value": 1190, "unit": "count", "text": value}]
            write_json(folder / REPORT, report | {"findings": [*findings, unled], "values": values})
        note_attempt(folder, record, home=tmp_path, client=client, as_of=as_of, analysis=analysis)

    return left


def links(path):
    return [path.parent / link for link in re.findall(r'href="([^"#]+)"', path.read_text())]


def test_all_links_lead_somewhere_and_texts_are_escaped(tmp_path, leave):
    leave("acme", "2025-12-31")
    leave("acme", "2025-06-30", run="r0")
    leave("beta", "2025-12-31", title="Beta")
    leave("beta", "2025-12-31", run="r2", status="failed")
    portfolio = write_site(tmp_path)
    pages = [portfolio, *(portfolio.parent / name / "index.html" for name in ("acme", "beta"))]
    for page in pages:
        assert links(page)
        assert not [link for link in links(page) if not link.is_file()]
        assert "<i>" not in page.read_text()
        assert "Content-Security-Policy" in page.read_text()
    text = portfolio.read_text()
    assert "ACME &lt;b&gt;" in text
    assert "12% late" in text
    assert "not in the headline" not in text
    assert re.findall(r'<tr id="([^"]+)"', text) == ["client-acme", "client-beta"], "a row for each client"
    assert 'href="acme/2025-12-31/tiny.html"' in text, "of its newest date"
    assert 'href="acme/2025-06-30/tiny.html"' not in text


def test_short_pages_are_linked_under_their_readers_names(tmp_path, leave):
    leave("acme", "2025-12-31")
    folder = reports_folder(tmp_path) / "acme" / "2025-12-31" / "runs" / "r1" / "tiny"
    for reader in ("executive", "department-a"):
        (folder / f"tiny-{reader}.html").write_text(reader)
    write_json(
        folder / REPORT, read_json(folder / REPORT) | {"briefs": {"department-a": "<i>客服</i>", "department-b": "gone"}}
    )
    note_attempt(folder, read_json(folder / RECORD), home=tmp_path, client="acme", as_of="2025-12-31", analysis="tiny")
    (line,) = client_lines(tmp_path, "acme")
    assert line.briefs == (
        ("For executives", "2025-12-31/tiny-executive.html"),
        ("<i>客服</i>", "2025-12-31/tiny-department-a.html"),
    )
    index = write_site(tmp_path).parent / "acme" / "index.html"
    assert not [link for link in links(index) if not link.is_file()]
    assert "&lt;i&gt;客服&lt;/i&gt;</a>" in index.read_text()


def test_the_newest_date_comes_first(tmp_path, leave):
    leave("acme", "2025-06-30")
    leave("acme", "2025-12-31")
    leave("acme", "2025-12-31", analysis="churn")
    assert [(line.as_of, line.analysis) for line in client_lines(tmp_path, "acme")] == [
        ("2025-12-31", "churn"),
        ("2025-12-31", "tiny"),
        ("2025-06-30", "tiny"),
    ]


def test_a_failed_run_leaves_the_last_good_page_and_is_named(tmp_path, leave):
    leave("acme", "2025-12-31", run="r1")
    leave("acme", "2025-12-31", run="r2", status="failed")
    (line,) = client_lines(tmp_path, "acme")
    assert (line.status, line.page, line.failed) == ("ok", "2025-12-31/tiny.html", "amount: bad <i>")
    assert line.failed_page == "2025-12-31/runs/r2/tiny/tiny.html"
    assert line.lists == (("late.csv", "2025-12-31/runs/r1/tiny/lists/late.csv"),)
    assert (reports_folder(tmp_path) / "acme" / "2025-12-31" / "tiny.html").read_text() == "page of r1"


def test_a_run_that_failed_without_a_date_is_shown_only_until_one_has_a_date(tmp_path, leave):
    leave("acme", "undated", status="failed")
    (line,) = client_lines(tmp_path, "acme")
    assert (line.page, line.day) == ("", "")
    leave("acme", "2025-12-31")
    assert [line.as_of for line in client_lines(tmp_path, "acme")] == ["2025-12-31"]


def test_without_reports_it_says_so(tmp_path):
    reports_folder(tmp_path).mkdir()
    assert "There are no reports yet." in write_site(tmp_path).read_text()


def test_headline_numbers_say_how_far_they_have_moved(tmp_path, leave):
    def counts(as_of, value):
        path = reports_folder(tmp_path) / "acme" / as_of / "runs" / "r1" / "tiny" / REPORT
        report = read_json(path)
        (box,) = report["values"]
        # a number that is not known leaves its place to one that is
        write_json(path, report | {"as_of": as_of, "values": [box | {"label": "New", "value": None}, box | {"value": value}]})

    for as_of, value in (("2025-06-30", 1000), ("2025-12-31", 1190)):
        leave("acme", as_of, value=f"{value:,}")
        counts(as_of, value)
    newer, older = client_lines(tmp_path, "acme")
    assert newer.values == (Value("Orders", "1,190", "+19%", "+190 (+19%) since 30 Jun 2025", "up"),)
    assert older.values == (Value("Orders", "1,000"),)
    portfolio = write_site(tmp_path)
    shown = '<strong>1,190</strong> <span class="change up" title="+190 (+19%) since 30 Jun 2025">+19%</span>'
    row, change = portfolio.read_text(), '<span class="change up" title="+190 (+19%) since 30 Jun 2025">+19%</span>'
    places = [
        row.index(part) for part in ("<strong>1,190</strong>", '<td class="num">1,000</td>', f'<td class="num">{change}</td>')
    ]
    assert places == sorted(places), "now, before, difference"
    page = (portfolio.parent / "acme" / "index.html").read_text()
    assert shown in page
    assert page.index(shown) < page.index("Earlier reports") < page.index("<strong>1,000</strong>")


def test_reports_come_by_weight_and_keep_their_places(tmp_path, leave):
    """First the worst, then the most money; the place of a report does not depend on its run."""

    def stake(analysis, money):
        path = next(tmp_path.rglob(f"runs/r1/{analysis}/{REPORT}"))
        report = read_json(path)
        report["findings"][1]["money_at_stake"] = money
        write_json(path, report)

    for analysis, severity, money in (
        ("a", "info", 9e6),
        ("b", "warning", 5.0),
        ("c", "warning", 700.0),
        ("d", "critical", None),
    ):
        leave("acme", "2025-12-31", analysis=analysis, severity=severity)
        stake(analysis, money)
    leave("acme", "2025-12-31", analysis="e", status="failed")
    page = write_site(tmp_path).parent / "acme" / "index.html"
    assert re.findall(r'<tr id="2025-12-31-(\w+)"', page.read_text()) == ["d", "c", "b", "a", "e"]
    leave("acme", "2025-12-31", analysis="a", run="r2", severity="info")
    write_site(tmp_path)
    assert 'href="2025-12-31/a.html"' in page.read_text()


def test_the_portfolio_names_what_has_become_critical_since_the_last_run(tmp_path, leave):
    leave("acme", "2025-06-30", severity="warning")
    leave("acme", "2025-12-31", severity="critical")
    leave("acme", "2025-12-31", analysis="churn", severity="critical")
    leave("beta", "2025-12-31", severity="critical")
    text = write_site(tmp_path).read_text()
    rows = dict(re.findall(r'<tr id="client-(\w+)">(.*?)</tr>', text, re.DOTALL))
    new = {name: re.findall(r'<a href="([^"]+)#(\w+)">([^<]+)</a>', row) for name, row in rows.items()}
    # "c" is no news: it was critical before; a report without one before it has nothing to compare with
    assert new == {"acme": [("acme/2025-12-31/tiny.html", "b", "12% late")], "beta": []}
    assert '<td class="new" data-key="0">–</td>' in rows["beta"]


def test_indexes_can_be_sorted_and_speak_one_language(tmp_path, leave):
    leave("acme", "2025-12-31", language="zh")
    text = write_site(tmp_path).read_text()
    assert '<html lang="zh-CN">' in text
    assert 'class="data listing portfolio sortable"' in text
    for english in ("Warning", "Status", "Report<", "Complete"):
        assert english not in text


@pytest.mark.parametrize(("language", "shown"), [("en", "CN¥1,234"), ("zh", "¥1,234")])
def test_the_money_of_a_client_is_shown_in_its_language_and_currency(tmp_path, leave, language, shown):
    leave("acme", "2025-12-31", analysis="audit", language=language)
    path = next(tmp_path.rglob(REPORT))
    row = {
        "exhibit": "audit_bridge",
        "group": "Cost",
        "measure": "money",
        "value": 1234.5,
        "low": None,
        "high": None,
        "method": "",
    }
    write_json(path, read_json(path) | {"estimates": [row], "currency": "CNY"})
    write_site(tmp_path)
    assert f'<td class="num">{shown}</td>' in (reports_folder(tmp_path) / "acme" / "index.html").read_text(encoding="utf-8")
