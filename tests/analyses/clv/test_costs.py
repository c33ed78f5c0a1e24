"""Costs by month, kind and channel: sums, limits, the cost of winning a customer, and what is missing."""

import datetime as dt

import pandas as pd
import pytest

from crmkit.analyses import clv
from crmkit.core.language import Locale, say

MONTHS = pd.date_range("2024-01-01", "2025-12-01", freq="MS")


def costs_of(months=MONTHS, *, channel=True, last=0.0):
    """Labour of 300 to 320 each month, marketing of 60 for search and 30 for social."""
    rows = []
    for place, month in enumerate(months):
        dear = last if place == len(months) - 1 else 0.0
        rows += [
            (month.date(), "labour", 300.0 + 10 * (place % 3) + dear, None),
            (month.date(), "marketing", 60.0, "search"),
            (month.date(), "marketing", 30.0, "social"),
        ]
    table = pd.DataFrame(rows, columns=["period", "category", "amount", "channel"])
    return table if channel else table.drop(columns="channel")


@pytest.fixture(scope="module")
def customers():
    """Twelve by search and forty-eight by social in the last year, twenty before it."""
    rows = [(f"s{i}", "2025-03-05", "search") for i in range(12)] + [(f"o{i}", "2025-04-05", "social") for i in range(48)]
    rows += [(f"e{i}", "2024-03-05", "search") for i in range(20)]
    return pd.DataFrame(rows, columns=["customer_id", "created_at", "acquisition_channel"])


@pytest.fixture
def study(make_company, customers):
    def make(costs, *, as_of=dt.date(2025, 12, 31)):
        sales = customers.assign(ordered_at=customers["created_at"], amount=20.0)[["customer_id", "ordered_at", "amount"]]
        tables = {"customers": customers} | ({} if costs is None else {"costs": costs})
        company = make_company(sales, as_of=as_of, min_cell=1, **tables)
        return company, clv.read(company, holdout_days=0)

    return make


def test_each_kind_has_its_share_and_its_limits(study):
    company, past = study(costs_of())
    table = clv.costs(company, past, active_days=365).table.set_index("category")
    assert table.loc["labour", "amount"] == 12 * 310
    assert table.loc["marketing", "amount"] == 12 * 90
    assert table.loc["labour", "value"] + table.loc["marketing", "value"] == pytest.approx(1.0)
    assert table.loc["labour", "low"] < 31 / 40 < table.loc["labour", "high"]
    assert table.loc["all costs", "amount"] == 12 * 400
    # sixty of eighty customers have bought within a year
    assert table.loc["all costs", "each"] == 12 * 400 / 60
    assert table.loc["labour", "limit_low"] < 300
    assert table.loc["labour", "limit_high"] > 320
    assert table["beyond"].sum() == 0


def test_a_month_outside_its_limits_is_told(study):
    quiet, loud = (clv.cost_months(*study(costs_of(last=last))) for last in (0.0, 200.0))
    assert quiet.finding.passed
    assert not loud.finding.passed
    assert say(loud.finding.text, Locale()) == "Costs of labour left their limits in 1 of the last 6 months."


def test_a_month_that_is_not_over_does_not_count(study):
    company, past = study(costs_of(), as_of=dt.date(2025, 12, 30))
    assert clv.costs(company, past, active_days=365).table["amount"].iloc[-1] == 12 * 400
    assert clv.cost_months(company, past).table["x"].max() == pd.Timestamp("2025-11-01")


def test_winning_a_customer_costs_what_was_spent_over_who_came(study):
    company, past = study(costs_of())
    result = clv.acquisition(company, past, None)
    table = result.table.set_index("group")
    assert table.loc["search", ["n", "spent", "value"]].tolist() == [12, 720, 60]
    assert table.loc["social", ["n", "spent", "value"]].tolist() == [48, 360, 7.5]
    assert table.loc["all channels", ["n", "spent", "value"]].tolist() == [60, 1080, 18]
    assert (table["low"] < table["value"]).all()
    assert (table["value"] < table["high"]).all()
    # Garwood's limits of 12 are 6.2006 and 20.9616
    assert table.loc["search", "high"] == pytest.approx(720 / 6.2006, rel=1e-4)
    assert "€7.50 by social, €60.00 by search" in say(result.finding.text, Locale())


def test_without_channels_the_whole_is_told_and_what_is_lacking(study):
    company, past = study(costs_of(channel=False))
    result = clv.acquisition(company, past, None)
    assert result.table.set_index("group").loc["all channels", "value"] == 18
    assert result.table.set_index("group").loc["search", "value"] != result.table["value"].iloc[-1]
    assert "no cost names its channel" in say(result.finding.text, Locale())
    assert "a column channel in costs" in say(result.note, Locale())


def test_no_costs_costs_without_a_month_and_too_few_months_are_said(study):
    company, past = study(None)
    for result in (
        clv.costs(company, past, active_days=365),
        clv.cost_months(company, past),
        clv.acquisition(company, past, None),
    ):
        assert say(result.reason, Locale()) == "needs costs: what was spent, on what, in which month"
    empty = costs_of(MONTHS[:1]).assign(period=None)
    undated = clv.costs(*study(pd.concat([costs_of([pd.Timestamp("2025-12-01")]), empty])), active_days=365)
    assert undated.table["amount"].iloc[-1] == 390  # what names no month is left out
    company, past = study(costs_of([pd.Timestamp("2025-12-01")]), as_of=dt.date(2025, 12, 30))
    assert "no cost names a whole month" in say(clv.costs(company, past, active_days=365).reason, Locale())
    assert "limits need 4 whole months" in say(clv.cost_months(*study(costs_of(MONTHS[-3:]))).reason, Locale())


def test_a_company_without_marketing_has_no_cost_of_winning(study):
    company, past = study(costs_of().query("category != 'marketing'"))
    assert say(clv.acquisition(company, past, None).reason, Locale()) == "no cost is of the kind marketing"
