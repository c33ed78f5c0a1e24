"""Tables, boxes and findings as HTML: right numbers, right structure, and nothing of the data becomes markup."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.core.errors import ReportError
from crmkit.core.language import Locale
from crmkit.core.results import Column, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.show.tables import (
    exhibit_html,
    exhibit_text,
    finding_words,
    findings_html,
    findings_text,
    not_assessed_html,
    table_html,
    values_html,
)

HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "=cmd|' /C calc'!A0",
    "</td></tr></table><h1>",
    "&lt;b&gt;",
    "{title} {0} %s",
    "\x00\x1b[2J\u202e",
]
ALLOWED = {
    "div", "table", "caption", "strong", "span", "thead", "tbody", "tr", "th", "td", "p", "dl", "dt", "dd", "ul", "li",
}  # fmt: skip


class Seen(HTMLParser):
    """Tags, attributes and text of a piece of a page; a tag that is not closed in its turn is an error."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.words, self.open = [], [], [], []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def body(html: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", html.split("<tbody>")[1])
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


@pytest.fixture
def shares() -> Result:
    north = {"group": "North", "measure": "Share", "value": 0.254, "low": 0.203, "high": 0.302, "n": 400, "unit": "share"}
    south = {"group": "South", "measure": "Value", "value": 1234.5, "n": 80, "unit": "money"}
    table = estimates([north | {"method": "Wilson"}, south | {"method": "Wilson"}])
    return Result("shares", "table", Text("Shares by region"), table, note=Text("n = 480"))


def test_an_estimate_table_shows_value_interval_and_n(shares, english):
    html = table_html(shares, english)
    assert body(html) == [["North", "Share", "25.4%", "20.3% to 30.2%", "400"], ["South", "Value", "€1,234", "–", "80"]]
    assert re.findall(r'<th scope="col"[^>]*>(.*?)</th>', html) == ["Group", "Measure", "Value", "95% interval", "n"]
    assert html.count('<td class="num">') == 6
    assert html.count('<th scope="row">') == 2
    assert '<p class="note">Method: Wilson</p><p class="note">n = 480</p>' in html
    assert '<div class="table-wrap" tabindex="0" role="region" aria-label="Shares by region"><table class="data">' in html
    assert '<caption><strong class="title">Shares by region</strong></caption>' in html


def test_the_level_of_the_interval_is_that_of_the_table(shares, english):
    shares.table.attrs["confidence"] = 0.8
    assert "80% interval" in table_html(shares, english)


def test_limits_that_are_no_interval_have_a_name_of_their_own(shares, english):
    shares.table.attrs["limits"] = Text("possible scores")
    html = table_html(shares, english)
    assert "possible scores" in html
    assert "interval" not in html


def test_columns_that_say_nothing_are_left_out(shares, english):
    table = shares.table.assign(method=None, low=float("nan"), high=float("nan"), group="")
    html = table_html(replace(shares, table=table), english)
    assert re.findall(r'<th scope="col"[^>]*>(.*?)</th>', html) == ["Measure", "Value", "n"]


def test_declared_columns_are_shown_in_their_order(shares, english):
    columns = (Column("n", "Customers", "count"), Column("interval", "Interval"), Column("group", "Region"))
    html = table_html(replace(shares, columns=columns), english)
    assert body(html) == [["400", "20.3% to 30.2%", "North"], ["80", "–", "South"]]


def test_a_column_that_is_not_there_is_named(shares, english):
    with pytest.raises(ReportError, match="exhibit 'shares': its table has no column 'share'"):
        table_html(replace(shares, columns=(Column("share", "Share"),)), english)


def test_customers_stand_by_pseudonym(make, english):
    result = make.customers()
    assert body(table_html(result, english, name=lambda one: f"P{one[-1]}"))[0] == ["P7", "a", "€1,234"]
    for shown in (table_html(result, english), exhibit_text(result, english)):
        assert "C0017" not in shown
        assert "withheld" in shown


def test_persons_are_left_out_of_a_table_without_columns(make, english):
    result = replace(make.customers(name=["Ann", "Bo"], email=["a@example.com", "b@example.com"]), columns=())
    html = table_html(result, english)
    assert re.findall(r'<th scope="col"[^>]*>(.*?)</th>', html) == ["customer id", "segment", "clv"]
    assert not re.search(r"C0017|Ann|example", html)


def test_small_groups_are_hidden_with_a_footnote(shares, english):
    html = table_html(replace(shares, table=shares.table.assign(suppressed=[False, True])), english)
    assert body(html)[1] == ["South", "Value", "–", "–", "–"]
    assert html.count('<td class="num suppressed">–</td>') == 3
    assert "too few customers" in html
    assert "too few customers" not in table_html(shares, english)


def test_long_tables_say_how_many_rows_are_left(make, english):
    table = pd.DataFrame({"segment": [f"s{i}" for i in range(1234)]})
    html = table_html(Result("long", "table", Text("Long"), table), english, max_rows=34)
    assert len(body(html)) == 34
    assert "and 1,200 more rows" in html


def test_amounts_under_each_other_are_rounded_alike(english):
    table = pd.DataFrame({"group": ["a", "b", "c"], "x": [2.94, 85828.4, 999.5], "y": [2.94, 1.5, 0.0], "z": [0.2, 0.995, 1]})
    columns = (
        Column("group", "G"),
        Column("x", "X", "money"),
        Column("y", "Y", "money"),
        Column("z", "Z", "share"),
    )
    html = table_html(Result("t", "table", Text("T"), table, columns=columns), english)
    assert body(html) == [
        ["a", "€3", "€2.94", "20.0%"],
        ["b", "€85,828", "€1.50", "99.5%"],
        ["c", "€1,000", "€0.00", "100.0%"],
    ]


def test_amounts_of_different_things_are_rounded_each_for_itself(english):
    table = pd.DataFrame({"group": ["per month", "sales"], "x": [2.57, 85828.4]})
    table.attrs["alike"] = False
    html = table_html(
        Result("t", "table", Text("T"), table, columns=(Column("group", "G"), Column("x", "X", "money"))), english
    )
    assert body(html) == [["per month", "€2.57"], ["sales", "€85,828"]]


def test_limits_are_rounded_as_their_values_are(english):
    rows = [
        {"group": g, "measure": "m", "value": v, "low": v / 2, "high": 2 * v, "unit": "money"}
        for g, v in (("a", 9), ("b", 3e3))
    ]
    html = table_html(Result("t", "table", Text("T"), estimates(rows)), english)
    assert [row[-1] for row in body(html)] == ["€4 to €18", "€1,500 to €6,000"]


def test_a_whole_value_takes_the_decimals_of_its_limits():
    """All of some hundred and no less than 99.8 percent is not \"100% to 100%\"; and a part of a table looks like the whole."""
    row = {"name": "Consent", "value": 1.0, "low": 0.998, "high": 1.0, "unit": "share"}
    columns = (Column("name", "Indicator"), Column("value", "Value", "number"), Column("interval", "Interval", "number"))
    shown = table_html(Result("a", "table", Text("t"), pd.DataFrame([row]), columns=columns), Locale())
    assert "100.0%" in shown
    assert "99.8% to 100.0%" in shown
    none = pd.DataFrame([row | {"value": 0.0, "low": 0.0, "high": 0.0017}])
    assert "0.00% to 0.17%" in table_html(Result("a", "table", Text("t"), none, columns=columns), Locale())
    none.attrs["decimals"] = {"share": 1}
    assert "0.0% to 0.2%" in table_html(Result("a", "table", Text("t"), none, columns=columns), Locale())


def test_long_tables_can_be_sorted_by_the_numbers_behind_the_words(english):
    table = pd.DataFrame(
        {
            "group": [f"g{i}" for i in range(12)],
            "x": [1234567.8, float("nan"), *range(10)],
            "day": pd.Timestamp("2025-12-31"),
            "suppressed": [False] * 11 + [True],
        }
    )
    columns = (Column("group", "G"), Column("x", "X", "money"), Column("day", "D", "date"))
    result = Result("t", "table", Text("T"), table, columns=columns)
    html = table_html(result, english)
    assert 'class="data sortable"' in html
    assert '<td class="num" data-key="1.23457e+06">€1,234,568</td><td class="num" data-key="20251231">31 Dec 2025</td>' in html
    assert '<td class="num">–</td>' in html
    assert html.count("data-key") == 10 + 11, "nothing for the missing value and the withheld row"
    short = table_html(replace(result, table=table.head(9)), english)
    assert "data-key" not in short
    assert "sortable" not in short


def test_an_empty_table_says_so(shares, english):
    for shown in (replace(shares, table=shares.table.head(0)), replace(shares, table=pd.DataFrame({"a": []}))):
        assert "no rows" in table_html(shown, english)
        assert exhibit_text(shown, english)


def test_words_of_ours_are_translated_and_words_of_the_client_are_not(monkeypatch, chinese):
    from crmkit.core import language

    known = {"Loyal": "忠诚客户", "Segment": "细分", "Region": "地区", "Yes": "是"}
    monkeypatch.setattr(language, "catalogue", lambda *_: known)
    table = pd.DataFrame({"segment": ["Loyal"], "region": ["Loyal"]})
    columns = (Column("segment", "Segment", translate=True), Column("region", "Region"))
    html = table_html(Result("t", "table", Text("T"), table, columns=columns), chinese)
    assert body(html) == [["忠诚客户", "Loyal"]]
    assert '<th scope="col">细分</th>' in html


def test_value_boxes_hold_number_interval_and_basis(shares, english):
    html = values_html(replace(shares, kind="values"), english)
    assert (
        '<div class="value"><dt class="label">North</dt><dd class="number">25.4%</dd>'
        '<dd class="interval">95% interval: 20.3% to 30.2%</dd><dd class="interval basis">n = 400 · Wilson</dd></div>'
        '<div class="value"><dt class="label">South</dt><dd class="number">€1,234</dd>'
        '<dd class="interval basis">n = 80 · Wilson</dd></div>'
    ) in html
    hidden = values_html(replace(shares, table=shares.table.assign(suppressed=True)), english)
    assert re.findall(r'"number">(.*?)<', hidden) == ["–", "–"]
    assert "400" not in hidden


def test_findings_come_worst_first(finding, english):
    worse = replace(finding, severity="critical", text=Text("Worse."), criteria=None, money_at_stake=None, action=None)
    html = findings_html([finding, worse], english)
    assert html == (
        '<ul class="findings"><li class="finding critical" id="clv.top"><span class="severity">Critical</span> '
        '<span class="sentence">Worse.</span></li>'
        '<li class="finding warning" id="clv.top"><span class="severity">Warning</span> '
        '<span class="sentence">The top 20.4% hold it.</span>'
        ' <span class="criteria">Rule: At most half.</span> <span class="stake">At stake: €12,000</span>'
        ' <span class="action">What to do: Look after them.</span></li></ul>'
    )
    assert findings_html([], english) == ""
    assert findings_text([finding, worse], english).splitlines()[0] == "Critical: Worse."


def test_intervals_stand_in_a_line_below_the_sentence(english, shares):
    share, money = Quantity(0.5, "share", 0.4, 0.6), Quantity(1200, "money", 1000, 1500)
    one = Finding("a.b", "info", None, Text("{share} of {n} stay.", {"share": share, "n": Quantity(10, "count")}))
    assert finding_words(one, english)[1:] == [("sentence", "50% of 10 stay."), ("evidence", "Interval: 40% to 60%")]
    inner = Text("{money} {share}", {"share": share, "money": money})
    two = replace(one, text=Text("{inner}, {share}.", {"share": share, "inner": inner}))
    assert finding_words(two, english)[2] == ("evidence", "Intervals: €1,200 (€1,000 to €1,500), 50% (40% to 60%)")
    assert finding_words(two, Locale("zh"))[2] == ("evidence", "区间：€1,200（€1,000至€1,500）、50%（40%至60%）")
    over = table_html(replace(shares, finding=one), english)
    assert '<span class="finding">50% of 10 stay.</span> <span class="note">Interval: 40% to 60%</span>' in over
    gone = replace(one, text=Text("{n}.", {"n": Quantity(1, "count", float("nan"), float("nan"))}))
    assert [kind for kind, _ in finding_words(gone, english)] == ["severity", "sentence"]


def test_rules_that_are_met_are_folded_beneath_what_was_found(english):
    rule = Text("At most 15%.")
    met = [Finding(f"a.{n}", "good", True, Text(f"Check {n}."), criteria=rule) for n in range(3)]
    found = Finding("a.x", "info", None, Text("Found."))
    html = findings_html([*met, found], english)
    front, _, folded = html.partition('<details class="fold checks"><summary>')
    assert folded.startswith("3 checks of these figures were passed.</summary>")
    assert ("Found." in front, "Check" in front, folded.count("<li")) == (True, False, 3)
    # with nothing else to say, or with something to do, a finding stays in sight
    assert "<details" not in findings_html(met, english)
    assert "<details" not in findings_html([met[0], found], english)
    assert "<details" not in findings_html([*(replace(one, action=Text("Do it.")) for one in met), found], english)


def test_what_is_missing_says_why(english):
    missing = not_assessed("tickets", Text("Tickets"), Text("needs {table}", {"table": "tickets"}))
    html = exhibit_html(missing, english)
    assert html == not_assessed_html(missing, english)
    assert '<span class="reason">Not assessed: needs tickets</span>' in html
    assert exhibit_text(missing, english) == "Tickets\nNot assessed: needs tickets"


def test_every_kind_has_html_and_text(make, shares, english):
    for kind in make.kinds:
        assert exhibit_html(make.example(kind), english).startswith('<figure class="exhibit"')
        assert "What the figure shows." in exhibit_text(make.example(kind), english)
    assert exhibit_html(shares, english) == table_html(shares, english)
    assert exhibit_html(replace(shares, kind="values"), english) == values_html(shares, english)
    assert "North: 25.4% (95% interval: 20.3% to 30.2%; n = 400 · Wilson)" in exhibit_text(
        replace(shares, kind="values"), english
    )


def test_text_is_lined_up_for_both_scripts(english):
    table = pd.DataFrame({"group": ["华东", "North"], "n": [7, 1200]})
    lines = exhibit_text(Result("t", "table", Text("T"), table), english).splitlines()
    assert lines == ["T", "group      n", "华东       7", "North  1,200"]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30)), min_size=6, max_size=6))
def test_nothing_of_the_data_becomes_markup(texts):
    english = Locale()
    one, two, three, four, five, six = texts
    table = pd.DataFrame({"group": [one, two], "customer_id": [three, four], "value": [1.0, 2.0]})
    data = Text("{x}: {y}", {"x": five, "y": Quantity(six, "text")})
    finding = Finding(id=one, severity="info", passed=None, text=data, criteria=data, action=data)
    result = Result(one, "table", data, table, finding=finding, note=data, reason=data)
    boxes = estimates([{"group": one, "measure": two, "value": 1, "unit": "count", "method": three}])
    pieces = [
        table_html(result, english, name=lambda identifier: identifier),
        values_html(replace(result, table=boxes), english),
        findings_html([finding], english),
        not_assessed_html(result, english),
    ]
    for html in pieces:
        seen = Seen(html)
        assert set(seen.tags) <= ALLOWED
        assert {name for name, _ in seen.attributes} <= {"class", "id", "scope", "role", "tabindex", "aria-label", "colspan"}
    said = exhibit_text(result, english, name=lambda identifier: identifier)
    assert "\x1b" not in said
    said.encode("utf-8")


def test_a_list_of_customers_shows_five_and_names_its_workbook():
    table = pd.DataFrame({"customer_id": [f"c{i}" for i in range(8)], "money": range(8, 0, -1)})
    columns = (Column("customer_id", "Customer", "customer"), Column("money", "Money", "money"))
    many = Result("best", "table", Text("Best"), table, columns=columns, customers=True)
    told = table_html(many, Locale(), name=str, max_rows=50)
    assert told.count("<tr>") == 1 + 5
    assert "and 3 more rows; all of them are in the workbook best.xlsx" in told
    # a short page shows what it is given, and so does a table of anything else
    assert table_html(many, Locale(), name=str).count("<tr>") == 1 + 8


def test_the_interval_of_a_value_stands_in_its_cell(english, chinese):
    table = pd.DataFrame({"tier": ["A", "B"], "mean": [52.05, 9.0], "low": [42.1, None], "high": [61.98, None]})
    columns = (Column("tier", "Tier"), Column("mean", "Value", "money", limits=("low", "high")))
    result = Result("x", "table", Text("X"), table, columns)
    html = table_html(result, english)
    assert '<td class="num limits">€52.05 (€42.10 to €61.98)</td>' in html
    assert '<td class="num limits">€9.00</td>' in html
    assert "（" in table_html(result, chinese)
    with pytest.raises(ReportError, match="has no column 'top'"):
        table_html(replace(result, columns=(Column("mean", "Value", "money", limits=("low", "top")),)), english)


def test_words_that_are_the_same_in_each_row_are_said_once_beneath(english):
    columns = (Column("name", "Name"), Column("reason", "Reason"), Column("n", "N", "count"))
    table = pd.DataFrame({"name": list("abc"), "reason": "spent much, and has left probably", "n": [1, 2, 3]})
    result = Result("x", "table", Text("X"), table, columns)
    html = table_html(result, english)
    assert "Reason</th>" not in html
    assert '<p class="note">Reason, in all rows shown: spent much, and has left probably.</p>' in html
    for other in (table.head(2), table.assign(reason="short"), table.assign(reason=[*table["reason"][:2], "another one"])):
        assert "Reason</th>" in table_html(replace(result, table=other), english)


def test_columns_of_many_words_are_given_room(english):
    table = pd.DataFrame({"name": ["a", "b" * 49], "n": [1, 2]})
    html = table_html(Result("x", "table", Text("X"), table, (Column("name", "Name"), Column("n", "N", "count"))), english)
    assert html.count('<th scope="row" class="wordy">') == 2
    assert '<td class="num">' in html


def test_boxes_that_lead_are_in_sight_and_the_others_folded(english, shares):
    table = shares.table.assign(measure=["a", "b"])
    html = values_html(replace(shares, table=table), english)
    assert "<details" not in html
    table.attrs["lead"] = ("b", "absent")
    front, _, folded = values_html(replace(shares, table=table), english).partition("<details")
    assert ("South" in front, "North" in front, "North" in folded) == (True, False, True)
    assert "1 more number<" in folded


def test_columns_of_words_without_a_word_are_left_out(english):
    columns = (Column("name", "Name"), Column("owner", "Owner"), Column("n", "N", "count"))
    table = pd.DataFrame({"name": list("ab"), "owner": [None, ""], "n": [None, None]})
    html = table_html(Result("x", "table", Text("X"), table, columns), english)
    assert "Owner" not in html
    assert "N</th>" in html
    assert "Owner" in table_html(Result("x", "table", Text("X"), table.head(1), columns), english)
