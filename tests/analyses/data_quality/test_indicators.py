"""Nine measures of data quality, worked out by hand."""

import math

import pytest

from crmkit.analyses.audit.catalogue import load_catalogue
from crmkit.analyses.data_quality import Agreed
from crmkit.analyses.data_quality.indicators import MEASURES, NO_COLUMN, NO_KEY, NO_TABLE, earlier, measured
from crmkit.analyses.data_quality.standards import KIT, standards
from crmkit.core.errors import ParamError
from typed_tables import frame


@pytest.fixture
def customers():
    """Eight records with one fault or none."""
    return frame(
        "customer_id name email phone region created_at updated_at source_system department consent_at consent_purpose",
        ("a", "A", "a@x.org", "+49 3012345", "N", "2025-01-01", "2025-12-31", "CRM; ERP", "sales;service", "2025-01-01", "x"),
        ("b", "B", "B@x.org ", "030 7654321", "North", "2025-01-01", "2025-12-21", "ERP;CRM", "sales", "2025-01-01", "news"),
        ("c", "B", "b@x.org", "030-7654321", None, "2025-01-01", "2025-12-11", "CRM", "service", "2025-01-01", None),
        ("d", "D", "no mail", "1234567890", "South", "2025-01-01", "2025-12-01", "CRM;ERP", "sales;service", None, "news"),
        ("e", "E", "e@x.org", "12345", "South", "2025-01-01", "2025-11-21", "CRM;ERP", "sales;service", "2025-01-01", "news"),
        ("f", "F", None, None, None, "2025-05-01", "2025-04-01", None, None, "2025-01-01", "news"),
        ("g", "G", "g@x.org", "030 7654321", "West", "2025-01-01", None, "CRM;ERP", "sales;service", "2025-01-01", "news"),
        ("h", None, "h@x.org", "0301112223", "West", "2025-01-01", "2025-10-01", "CRM;ERP", "sales;service", "2025-01-01", "x"),
    )  # fmt: skip


SALES = frame("customer_id ordered_at amount", *[(one, "2025-05-05", 10) for one in "abbz"])
CALLS = frame("customer_id occurred_at", *[(one, "2025-05-05") for one in "cdyz"])


@pytest.mark.parametrize(
    ("name", "value", "n", "concerned", "money"),
    [
        ("D-COMP", 27 / 32, 8, 3, 0.0),  # f lacks three cells, c and h one; none of them bought
        ("D-VALID", 5 / 8, 8, 3, 0.0),  # d's address, e's number, f was updated before it was made
        ("D-CONS", 6 / 8, 8, 2, 0.0),  # c has no purpose, d no date
        ("D-DUP", 2 / 8, 8, 3, 20.0),  # b, c and g are one person: b and c by both, g by the number; b bought twice
        ("D-MATCH", 4 / 6, 6, 2, 10.0),  # a, b, c and d, not y and z, who bought
        ("D-SILO", 1 / 6, 6, 1, 20.0),  # b, c and g are one person, whom sales and service know apart
        ("D-FRESH", 35.0, 8, 2, None),  # 0, 10, 20, 30, 40, 91, 274 (f) and 364 (g, since it was made): between 30 and 40
    ],
)
def test_records(checked, customers, name, value, n, concerned, money):
    found = MEASURES[name](checked({"customers": customers, "transactions": SALES, "interactions": CALLS}))
    assert (found.value, found.n, found.customers) == (pytest.approx(value), n, concerned)
    assert found.low <= found.value <= found.high
    assert money is None or found.money == pytest.approx(money)


@pytest.mark.parametrize(
    ("purposes", "given"),
    [
        ((), 6),  # any purpose
        (("news",), 4),  # b, e, f, g
        (("News ",), 4),
        (("new",), 0),  # no part of a word
        (("news", "x"), 0),
        (("x",), 2),  # a, h
    ],
)
def test_consent_is_for_the_purpose_used(checked, customers, purposes, given):
    work = checked({"customers": customers}, purposes=purposes)
    assert MEASURES["D-CONS"](work).value == given / 8


def test_consent_without_purpose_says_so(checked, customers):
    work = checked({"customers": customers.drop(columns="consent_purpose")}, purposes=("news",))
    found = MEASURES["D-CONS"](work)
    assert (found.reason, found.needs) == (NO_COLUMN, "customers.consent_purpose")
    # where nobody has said what data are used for, the consent counts
    assert MEASURES["D-CONS"](checked({"customers": customers.drop(columns="consent_purpose")})).value == 7 / 8


@pytest.mark.parametrize(("column", "name"), [("phone", "D-COMP"), ("updated_at", "D-FRESH"), ("consent_at", "D-CONS")])
def test_a_missing_column_is_named(checked, customers, column, name):
    found = MEASURES[name](checked({"customers": customers.drop(columns=column)}))
    assert (found.reason, found.needs) == (NO_COLUMN, f"customers.{column}")


def test_required_cells_are_the_companys(checked, customers):
    assert MEASURES["D-COMP"](checked({"customers": customers}, required=("email", "department"))).value == 14 / 16


def test_what_tells_nothing_has_no_score(checked, customers):
    nowhere = checked({"customers": customers.drop(columns=["source_system", "department"])})
    found = MEASURES["D-SILO"](nowhere)
    assert (found.reason, found.needs) == (NO_COLUMN, "customers.source_system | customers.department")
    assert MEASURES["D-MATCH"](nowhere).reason == NO_TABLE  # there is no other table
    # a customer table made from the others knows everybody, and breaks no rule
    tickets = frame("ticket_id customer_id opened_at", ("k", "a", "2025-05-05"))
    made = checked({"customers": customers[["customer_id", "created_at"]], "tickets": tickets})
    assert (MEASURES["D-MATCH"](made).reason, MEASURES["D-MATCH"](made).needs) == (NO_TABLE, "customers")
    assert [MEASURES[name](made).reason for name in ("D-VALID", "D-DUP", "D-SILO")] == [NO_COLUMN] * 3


def test_systems_without_a_common_number_are_no_score(checked, customers):
    other = frame("customer_id ordered_at amount", *[(f"K{number}", "2025-05-05", 10) for number in range(60)])
    found = MEASURES["D-MATCH"](checked({"customers": customers, "transactions": other}))
    assert (found.reason, found.n) == (NO_KEY, 60)
    assert math.isnan(found.value)


def test_a_column_without_a_value_is_no_crash(checked, customers):
    work = checked({"customers": customers.assign(email=None, phone=None, updated_at=None, consent_at=None)})
    table = measured(work).set_index("indicator")
    assert table.loc["D-COMP", "value"] == pytest.approx(13 / 32)
    assert table.loc["D-CONS", "value"] == 0
    assert table.loc["D-DUP", "value"] == 0


def test_checked_cells(checked):
    rows = [("a", "email", "2025-06-01", True)] * 7 + [
        ("b", "email", "2025-06-01", False),
        ("b", "phone", "2025-06-01", True),
        ("c", "phone", "2025-06-01", None),
    ]
    work = checked({"verification": frame("customer_id field checked_at correct", *rows)})
    found = MEASURES["D-ACC"](work)
    assert (found.value, found.n) == (pytest.approx(8 / 9), 9)
    # of so few cells there is no grade
    assert math.isnan(measured(work).set_index("indicator").loc["D-ACC", "grade"])


def test_use_of_the_system(checked):
    rows = [("2025-10-01", "sales", 8, 10), ("2025-11-01", "sales", 6, 10), ("2025-12-01", "sales", 7, 10)]
    rows += [("2025-12-01", "service", 2, 20), ("2025-09-01", "sales", 10, 10), ("2025-12-01", "other", 3, None)]
    work = checked({"crm_usage": frame("period module active_users licensed_users", *rows)}, cycle="quarter")
    found = MEASURES["D-USE"](work)
    assert (found.value, found.n) == (pytest.approx(23 / 50), 4)
    past = earlier(work)
    newest = past[(past["months"] == 3)].iloc[0]
    assert (newest["value"], newest["n"]) == (found.value, 4)
    before = past[(past["months"] == 1) & (past["month_end"] == "2025-11-30")]
    assert before.empty  # one row says nothing of its spread


def test_targets_and_cuts_are_those_of_the_audit(tmp_path):
    book = load_catalogue()
    for one in KIT:
        theirs = book[one.id]
        assert (one.target, one.cuts, one.direction, one.unit, one.least) == (
            theirs.target, tuple(theirs.cuts), theirs.direction, theirs.unit, theirs.min_n,
        ), one.id  # fmt: skip
        assert theirs.owner == "data_quality"
    (tmp_path / "params" / "acme").mkdir(parents=True)
    (tmp_path / "params" / "acme" / "indicators.yml").write_text(
        "D-COMP: {target: 0.97}\nD-DUP:\n  cuts: [0.3, 0.2, 0.1, 0.05]\n"
    )
    said = standards(client="acme", home=tmp_path)
    assert (said["D-COMP"].target, said["D-COMP"].own, said["D-DUP"].cuts[0]) == (0.97, True, 0.3)
    assert said["D-ACC"] == KIT[6]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"required": []}, "required_fields: is empty; name the columns to be filled, such as name"),
        ({"required": ["e_mail"]}, "required_fields: the table customers has no column 'e_mail'; did you mean 'email'?"),
        ({"owners": {"ticket": "IT"}}, "owners: there is no table 'ticket'; did you mean 'tickets'?"),
        ({"cycle": "year"}, "cycle: is 'year'"),
    ],
)
def test_what_cannot_be_agreed_upon_is_refused(given, said):
    with pytest.raises(ParamError, match=said.replace("?", r"\?")):
        Agreed(**given)
