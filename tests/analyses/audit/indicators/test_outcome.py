"""Indicators of outcome, worked out by hand."""

import math

import pandas as pd
import pytest

from crmkit.analyses.audit.indicators.estimate import NO_BEFORE, NO_COLUMN, NO_DATA
from crmkit.analyses.audit.read import history


@pytest.fixture
def sales(frame):
    """400 in the last quarter of 2024 and 600 in that of 2025, when one of eight orders came back; nothing between."""
    return frame(
        "customer_id ordered_at amount is_return",
        ("a", "2024-01-02", 10, False),
        ("a", "2024-10-10", 100, False),
        ("b", "2024-11-11", 300, False),
        *[("a", "2025-10-10", 50, False)] * 2,
        *[("b", "2025-11-10", 80, False)] * 5,
        ("c", "2025-12-10", 150, False),
        ("c", "2025-12-12", 50, True),
    )


def test_sales_and_their_growth(measure, make_past, sales):
    past = make_past({"transactions": sales})
    level, growth = measure("R-SALES", past), measure("R-SALESG", past)
    assert (level.value, level.reference) == (pytest.approx(200), pytest.approx(400 / 3))
    assert growth.value == pytest.approx(0.5)
    assert growth.low < 0.5 < growth.high
    assert (level.low / level.reference - 1, level.high / level.reference - 1) == (
        pytest.approx(growth.low),
        pytest.approx(growth.high),
    )
    young = make_past({"transactions": sales[sales["ordered_at"] >= "2025"]})
    assert measure("R-SALESG", young).reason == NO_BEFORE


def test_a_quarter_in_which_all_came_back(measure, make_past, sales):
    """Nothing is left of the sales, and no year before can be reckoned back from that."""
    kept = sales[sales["ordered_at"].astype(str) < "2025"]
    both = sales.tail(1).assign(amount=50, ordered_at=sales["ordered_at"].iloc[-1])
    past = make_past({"transactions": pd.concat([kept, both.assign(is_return=False), both])})
    level, growth = measure("R-SALES", past), measure("R-SALESG", past)
    assert (level.value, level.low, level.high) == (0.0, 0.0, 0.0)
    assert growth.value == pytest.approx(-1.0), growth.reason


def test_returns(measure, make_past, sales):
    found = measure("R-RETURN", make_past({"transactions": sales}))
    assert (found.value, found.n) == (1 / 8, 8)
    assert measure("R-RETURN", make_past({"transactions": sales.drop(columns="is_return")})).reason == NO_COLUMN


def test_orders_per_active_customer_and_year(measure, make_past, sales):
    # active: within twelve months. October 2025: a and b from October, b of November 2024; then c too
    found = measure("R-FREQ", make_past({"transactions": sales}))
    assert found.value == pytest.approx((12 * 2 / 2 + 12 * 5 / 2 + 12 * 1 / 3) / 3)
    assert found.n == 8


def test_customers_now_and_a_year_before(measure, make_past, contracts):
    # a to d now; a, b and e then
    found = measure(
        "R-NCUST", make_past({"subscriptions": contracts, "customers": contracts[["customer_id"]].drop_duplicates()})
    )
    assert (found.value, found.reference) == (4, 3)
    assert found.low < 4 < found.high


@pytest.fixture
def newcomers(frame):
    dates = ["2024-01-05", "2024-10-05", "2024-10-06", "2024-12-06", *["2025-10-01", "2025-11-01", "2025-12-31"] * 2]
    return frame("customer_id created_at", *[(f"c{i}", day) for i, day in enumerate(dates)])


def test_new_customers(measure, make_past, newcomers):
    found = measure("R-NEW", make_past({"customers": newcomers}))
    assert (found.value, found.reference, found.n) == (2.0, pytest.approx(1.0), 6)


def test_who_is_known_from_tickets_alone_is_no_new_customer(measure, company, frame):
    """The day of a first ticket is not the day on which somebody became a customer, and who never wrote is not counted."""
    days = pd.date_range("2024-01-01", "2025-12-20", freq="11D")
    rows = [(f"T{n}", f"C{n}", day.date().isoformat(), "complaint") for n, day in enumerate(days)]
    tickets = frame("ticket_id customer_id opened_at kind", *rows)
    known = frame("customer_id created_at", *[(f"C{n}", "2023-01-01") for n in range(len(days))])
    alone = history(company(tables={"tickets": tickets}, as_of="2025-12-31"), cycle="quarter")
    both = history(company(tables={"tickets": tickets, "customers": known}, as_of="2025-12-31"), cycle="quarter")
    for name in ("R-NEW", "R-NCUST", "P-CMPR"):
        assert not measure(name, alone).known
        assert measure(name, both).known


def test_new_customers_by_referral(measure, make_past, newcomers, frame):
    rows = [
        ("c0", "c4", "2025-10-01"),
        ("c1", "c4", "2025-10-02"),
        ("c0", "c9", "2025-12-01"),
        ("c0", "c1", "2024-12-01"),
        ("c0", "zz", "2025-12-01"),
    ]
    referrals = frame("referrer_id referred_id referred_at", *rows)
    found = measure("R-REF", make_past({"customers": newcomers, "referrals": referrals}))
    assert (found.value, found.n) == (2 / 6, 6)


def test_contracts_renewed(measure, make_past, contracts):
    # four end in the quarter and are no pause: b has a follower, d and g say renewed, e is gone
    found = measure("R-RENEW", make_past({"subscriptions": contracts}))
    assert (found.value, found.n) == (3 / 4, 4)


def test_market_share(measure, make_past, sales, frame):
    market = frame(
        "indicator peer period value source dated_at",
        ("market_size", "all", "2024", 8200, "office", "2024-12-31"),
        ("market_size", "all", "2025", 6000, "office", "2025-11-30"),
        ("P-CSAT", "peer", "2025", 0.8, "study", "2025-12-01"),
    )
    found = measure("R-SHARE", make_past({"transactions": sales, "benchmarks": market}))
    assert (found.value, found.reference) == (pytest.approx(600 / 6000), pytest.approx(410 / 8200))
    assert measure("R-SHARE", make_past({"transactions": sales, "benchmarks": market.tail(1)})).reason == NO_DATA


def test_a_year_before_that_nobody_recorded_is_no_reference(measure, make_past, contracts, newcomers):
    late = make_past({"customers": newcomers[newcomers["created_at"] >= "2025"]})
    assert math.isnan(measure("R-NEW", late).reference)
    started = contracts[contracts["started_at"] >= "2025"]
    assert math.isnan(
        measure("R-NCUST", make_past({"subscriptions": started, "customers": started[["customer_id"]]})).reference
    )
