"""Indicators of input and output, worked out by hand."""

import pytest

from crmkit.analyses.audit import Rules
from crmkit.analyses.audit.indicators.estimate import NO_COLUMN, NO_DATA, RUN_FIRST


@pytest.fixture
def costs(frame):
    """In each quarter: 100 of labour, 20 of marketing and 999 of material a month; a year before half of labour."""
    months = [f"{year}-{month:02d}-01" for year in (2024, 2025) for month in range(1, 13)]
    rows = [(day, "labour", 100 if day >= "2025" else 50) for day in months]
    return frame(
        "period category amount",
        *rows,
        *[(day, "marketing", 20) for day in months],
        *[(day, "material", 999) for day in months],
    )


@pytest.fixture
def monthly_sales(frame):
    months = [f"{year}-{month:02d}-15" for year in (2024, 2025) for month in range(1, 13)]
    return frame("customer_id ordered_at amount", *[(name, day, 200) for day in months for name in "ab"])


def test_spend_per_active_customer_and_month(measure, make_past, costs, contracts):
    # 1,119 a month over 7, 6 and 4 customers
    found = measure("I-INV", make_past({"costs": costs, "subscriptions": contracts}))
    assert (found.value, found.n) == (pytest.approx(3 * 1119 / 17), 3)


def test_cost_in_sales_beside_a_year_before(measure, make_past, costs, monthly_sales):
    found = measure("I-COST", make_past({"costs": costs, "transactions": monthly_sales}))
    assert (found.value, found.reference) == (pytest.approx(120 / 400), pytest.approx(70 / 400))
    assert found.low == found.high == pytest.approx(0.3)  # every month is alike


def test_value_over_cost_to_win_a_customer(measure, make_past, costs, frame, reading):
    created = [f"2025-{month:02d}-10" for month in range(1, 13)] * 2
    customers = frame("customer_id created_at", ("old", "2024-01-01"), *[(f"c{i}", day) for i, day in enumerate(created)])
    past = make_past({"costs": costs, "customers": customers})
    totals = frame("group measure value low high n unit method", ("x", "clv", 1000.0, 800.0, 1250.0, 25.0, "money", "m"))
    # 240 of marketing for 24 customers; a customer is worth 40
    found = measure("I-CAC", past, owned={"clv": reading(clv_totals=totals)})
    assert (found.value, found.n) == (pytest.approx(40 / 10), 24)
    assert found.low < 4 * 0.8 < 4 * 1.25 < found.high
    assert measure("I-CAC", past).reason == RUN_FIRST
    # below 1 of the money, too
    little = measure("I-CAC", past, owned={"clv": reading(clv_totals=totals.assign(value=10.0, low=8.0, high=12.5))})
    assert little.value == pytest.approx(0.4 / 10)
    nothing = measure("I-CAC", past, owned={"clv": reading(clv_totals=totals.assign(value=0.0, low=0.0, high=0.0))})
    assert not nothing.known


def test_mismatch_of_service_and_value(measure, make_past, frame):
    # ten customers: the best two bring 60 %, the next three 30 %, the rest 10 %; tickets 20 %, 30 %, 50 %
    amounts = {"a": 30, "b": 30, "c": 10, "d": 10, "e": 10, "f": 2, "g": 2, "h": 2, "i": 2, "j": 2}
    sales = frame("customer_id ordered_at amount", *[(name, "2025-05-05", amount) for name, amount in amounts.items()])
    opened = frame("ticket_id customer_id opened_at", *[(f"k{name}", name, "2025-06-06 08:00") for name in amounts])
    found = measure("I-CTS", make_past({"transactions": sales, "tickets": opened}))
    assert (found.value, found.n) == (pytest.approx((0.4 + 0 + 0.4) / 2), 10)
    hundredfold = measure("I-CTS", make_past({"transactions": sales.assign(amount=sales["amount"] * 100), "tickets": opened}))
    assert (hundredfold.value, hundredfold.low) == (pytest.approx(found.value), pytest.approx(found.low))


@pytest.fixture
def campaign(frame):
    """Treated customers buy for 30 on average, the others for 10; the offer costs 40."""
    exposures = frame(
        "campaign_id customer_id arm exposed_at",
        *[("x", f"t{i}", "treated", "2025-06-01") for i in range(4)],
        *[("x", f"u{i}", "control", "2025-06-01") for i in range(2)],
    )
    sales = frame(
        "customer_id ordered_at amount",
        ("t0", "2025-06-01", 40), ("t1", "2025-06-10", 40), ("t2", "2025-07-10", 40), ("u0", "2025-06-10", 20),
        ("t0", "2025-05-31", 500), ("t0", "2025-08-30", 500),
    )  # fmt: skip
    return {"exposures": exposures, "transactions": sales, "campaigns": frame("campaign_id cost", ("x", 40), ("y", 1000))}


def test_return_on_campaigns(measure, make_past, campaign):
    found = measure("I-ROI", make_past(campaign))
    # 4 x (30 - 10) - 40 over 40
    assert (found.value, found.n) == (pytest.approx(1.0), 6)
    half = measure("I-ROI", make_past(campaign, rules=Rules(margin=0.5)))
    assert half.value == pytest.approx(0.0)
    # variances: (30, 40, 40, 40 less their means): treated 400, control 200
    assert (found.high - found.low) / 2 == pytest.approx(1.959966 * 4 * (400 / 4 + 200 / 2) ** 0.5 / 40, rel=1e-4)
    # of the treated two have bought within twenty days, for 80; of the control one, for 20
    short = measure("I-ROI", make_past(campaign, rules=Rules(effect_days=20)))
    assert short.value == pytest.approx((4 * (80 / 4 - 20 / 2) - 40) / 40)
    treated = campaign["exposures"].assign(arm="treated")
    assert measure("I-ROI", make_past(campaign | {"exposures": treated})).reason == NO_DATA
    free = campaign | {"campaigns": campaign["campaigns"].drop(columns="cost")}
    assert measure("I-ROI", make_past(free)).reason == NO_COLUMN
