"""Indicators of data quality, worked out by hand."""

import pandas as pd
import pytest

from crmkit.analyses.audit import Rules
from crmkit.analyses.audit.indicators.data import extra_records
from crmkit.analyses.audit.indicators.estimate import NO_COLUMN, NO_TABLE, SNAPSHOT


@pytest.fixture
def customers(frame):
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


@pytest.mark.parametrize(
    ("name", "value", "n", "missing"),
    [
        ("D-COMP", 27 / 32, 8, 0),  # f lacks three cells, c and h one
        ("D-VALID", 5 / 8, 8, 0),  # d's address, e's number, f was updated before it was made
        ("D-CONS", 6 / 8, 8, 0),  # c has no purpose, d no date
        ("D-DUP", 2 / 8, 8, 0),  # b, c and g are one person: b and c by both, g by the number
        ("D-MATCH", 4 / 6, 6, 0),  # a, b, c and d, not y and z
        ("D-SILO", 1 / 6, 6, 0),  # b, c and g are one person, whom sales and service know apart
        ("D-FRESH", 35.0, 8, 0),  # 0, 10, 20, 30, 40, 91, 274 (f) and 364 (g, since it was made): between 30 and 40
    ],
)
def test_records(measure, make_past, customers, frame, name, value, n, missing):
    sales = frame("customer_id ordered_at amount", *[(one, "2025-05-05", 10) for one in "abbz"])
    calls = frame("customer_id occurred_at", *[(one, "2025-05-05") for one in "cdyz"])
    found = measure(name, make_past({"customers": customers, "transactions": sales, "interactions": calls}))
    assert (found.value, found.n, found.n_missing) == (pytest.approx(value), n, missing)
    assert found.low <= found.value <= found.high


def test_records_of_the_past_are_not_known(book, make_past, customers):
    from crmkit.analyses.audit.indicators import evaluate

    past = make_past({"customers": customers, "surveys": customers[["customer_id"]].assign(response_id="r", item_id="i")})
    for name in ("D-COMP", "D-DUP", "D-VALID", "D-MATCH", "D-SILO", "D-FRESH", "D-CONS"):
        assert evaluate(book[name], past, past.cycles[0], results={}, confidence=0.95).reason == SNAPSHOT


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("phone", "D-COMP"),
        ("updated_at", "D-FRESH"),
        ("consent_at", "D-CONS"),
    ],
)
def test_a_missing_column_is_named(measure, make_past, customers, column, name):
    found = measure(name, make_past({"customers": customers.drop(columns=column)}))
    assert (found.reason, found.needs) == (NO_COLUMN, f"customers.{column}")


def test_required_cells_are_the_companys(measure, make_past, customers):
    past = make_past({"customers": customers}, rules=Rules(required=("email", "department")))
    assert measure("D-COMP", past).value == pytest.approx(14 / 16)


def test_what_tells_nothing_has_no_score(measure, make_past, customers, frame):
    nowhere = make_past({"customers": customers.drop(columns=["source_system", "department"])})
    assert (measure("D-SILO", nowhere).reason, measure("D-SILO", nowhere).needs) == (
        NO_COLUMN,
        "customers.source_system | customers.department",
    )
    assert measure("D-MATCH", nowhere).reason == NO_TABLE  # there is no other table
    # a customer table made from the others knows everybody, and breaks no rule
    made = make_past(
        {
            "customers": customers[["customer_id", "created_at"]],
            "tickets": frame("ticket_id customer_id opened_at", ("k", "a", "2025-05-05")),
        }
    )
    assert (measure("D-MATCH", made).reason, measure("D-MATCH", made).needs) == (NO_TABLE, "customers")
    assert [measure(name, made).reason for name in ("D-VALID", "D-DUP", "D-SILO")] == [NO_COLUMN] * 3


def test_systems_keep_a_person_apart_too(measure, make_past, customers):
    past = make_past({"customers": customers.assign(department="sales")})
    assert measure("D-SILO", past).value == 1 / 6  # b and g are written "ERP;CRM" and "CRM;ERP", c "CRM"


def test_persons_do_not_depend_on_names_or_order():
    chain = pd.DataFrame({"email": ["x", "x", None, "y"], "phone": [None, "1", "1", "1"]})
    assert extra_records(chain) == 3
    assert extra_records(chain.iloc[[2, 0, 3, 1]]) == 3
    assert extra_records(chain.iloc[:0]) == 0


def test_checked_cells(measure, make_past, frame):
    rows = [("a", "email", "2025-06-01", True)] * 7 + [
        ("b", "email", "2025-06-01", False),
        ("b", "phone", "2025-06-01", True),
        ("c", "phone", "2025-06-01", None),
    ]
    found = measure("D-ACC", make_past({"verification": frame("customer_id field checked_at correct", *rows)}))
    assert (found.value, found.n) == (pytest.approx(8 / 9), 9)


def test_use_of_the_system(measure, make_past, frame):
    rows = [("2025-10-01", "sales", 8, 10), ("2025-11-01", "sales", 6, 10), ("2025-12-01", "sales", 7, 10)]
    rows += [("2025-12-01", "service", 2, 20), ("2025-09-01", "sales", 10, 10), ("2025-12-01", "other", 3, None)]
    found = measure("D-USE", make_past({"crm_usage": frame("period module active_users licensed_users", *rows)}))
    assert (found.value, found.n) == (pytest.approx(23 / 50), 4)
