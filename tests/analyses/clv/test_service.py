"""Service by tier: what it costs and brings, with tickets and costs, with one of them, with none; and nothing is lost."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses import clv
from crmkit.analyses.clv.values import tiered
from crmkit.core.language import Locale, say

TIERING = clv.Tiering([0.2, 0.5])
TERMS = clv.Terms(365, 0.1, 0.4)


@pytest.fixture(scope="module")
def tickets(simulated):
    """One ticket each for half of the customers, three for every tenth, and two by somebody who never bought."""
    ids = np.unique(simulated["customer_id"])
    who = np.concatenate([ids[::2], np.repeat(ids[::10], 3), ["stranger", "stranger"]])
    return pd.DataFrame({"customer_id": who, "opened_at": pd.Timestamp("2025-06-01 10:00")})


@pytest.fixture(scope="module")
def costs():
    months = pd.date_range("2024-01-01", "2025-12-01", freq="MS").date
    each = {"labour": 300.0, "technology": 100.0, "marketing": 50.0}
    rows = [(month, kind, amount) for month in months for kind, amount in each.items()]
    return pd.DataFrame(rows, columns=["period", "category", "amount"])


def study(make_company, simulated, **tables):
    company = make_company(simulated, min_cell=1, **tables)
    past = clv.read(company, holdout_days=0)
    return company, past, clv.customer_values(past, clv.fit_models(past, compare=[]), TERMS, tiering=TIERING, draws=0)


def test_costs_and_tickets_add_up(make_company, simulated, tickets, costs):
    company, past, values = study(make_company, simulated, tickets=tickets, costs=costs)
    result = clv.service(company, past, values)
    table = result.table.set_index("tier")
    assert table.index.tolist() == ["A", "B", "C", "no tier"]
    assert table.loc[["A", "B", "C"], "n"].sum() == len(past.customers)
    assert table["tickets"].sum() == len(tickets)
    assert table.loc["no tier", "tickets"] == 2
    # twelve months of 450; labour and technology by ticket, marketing by head
    assert table["cost"].sum() == pytest.approx(5400.0, rel=1e-9)
    assert table["share_cost"].sum() == pytest.approx(1.0, rel=1e-9)
    assert table.loc["no tier", "cost"] == pytest.approx(4800.0 * 2 / len(tickets), rel=1e-9)
    year = simulated[simulated["ordered_at"] > "2024-12-31"]["amount"].sum()
    assert table["brought"].sum() == pytest.approx(0.4 * year, rel=1e-9)
    known = table.drop("no tier")
    assert (known["cost_low"] <= known["cost"]).all()
    assert (known["cost"] <= known["cost_high"]).all()
    assert known["ratio"].tolist() == pytest.approx((known["cost"] / known["brought"]).tolist())


def test_a_tier_that_costs_more_than_it_brings_is_named(make_company, simulated, tickets, costs):
    dear = costs.assign(amount=costs["amount"] * 20)
    company, past, values = study(make_company, simulated, tickets=tickets, costs=dear)
    result = clv.service(company, past, values)
    assert result.finding.passed is False
    said = say(result.finding.text, Locale())
    assert "serving tier" in said
    assert "C" in said
    table = result.table.set_index("tier")
    assert table.loc["A", "level"].startswith("personal")
    assert table.loc["C", "level"].startswith("leaner")
    assert result.finding.money_at_stake.value > 0
    cheap = clv.service(*study(make_company, simulated, tickets=tickets, costs=costs.assign(amount=0.01)))
    assert cheap.finding.passed
    assert cheap.table["level"].tolist()[2].startswith("self-service")


@pytest.mark.parametrize(
    ("there", "said", "columns"),
    [
        ((), "needs tickets or costs", set()),
        (("tickets",), "what serving costs; needs costs", {"tickets_each"}),
        (("costs",), "how often each tier asks for service; needs tickets", {"cost"}),
    ],
)
def test_what_is_missing_is_said(make_company, simulated, tickets, costs, there, said, columns):
    both = {"tickets": tickets, "costs": costs}
    company, past, values = study(make_company, simulated, **{name: both[name] for name in there})
    result = clv.service(company, past, values)
    assert said in say(result.note, Locale())
    assert {column.name for column in result.columns} & {"tickets_each", "cost"} == columns
    assert result.table["level"].tolist()[0].startswith("personal")
    assert not clv.service(company, past, None).assessed


def test_small_tiers_are_hidden(make_company, simulated, tickets, costs):
    company, past, values = study(make_company, simulated, tickets=tickets, costs=costs)
    table = clv.service(company, replace(past, min_cell=40), tiered(values, clv.Tiering([0.01, 0.5]))).table
    assert table.loc[table["suppressed"], ["cost", "brought"]].isna().all().all()
    assert table["suppressed"].sum() >= 2
