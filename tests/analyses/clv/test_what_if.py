"""What changes in value when leaving, frequency or spend do: against the models computed anew, and identities."""

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses import clv
from crmkit.core.errors import ParamError
from crmkit.models.purchases import btyd

TERMS = clv.Terms(365, 0.1, 0.4)


@pytest.fixture(scope="module")
def study(make_company, simulated):
    past = clv.read(make_company(simulated, min_cell=1), holdout_days=0)
    return past, clv.fit_models(past, compare=[])


def gains(past, models, terms, *, draws=0, change=0.1):
    values = clv.customer_values(past, models, terms, draws=draws)
    return values, clv.what_if(past, models, values, change=change).table.set_index("group")


def test_more_often_and_more_spend_are_a_tenth_of_the_value(study):
    values, table = gains(*study, TERMS)
    assert table.loc["They buy more often", "value"] == pytest.approx(0.1 * values.clv.value)
    assert table.loc["They spend more per purchase", "value"] == pytest.approx(0.1 * values.clv.value)
    slower = table.loc["They leave more slowly", "value"]
    assert 0 < slower < values.clv.value
    assert table.loc["All three", "value"] == pytest.approx(1.21 * (values.clv.value + slower) - values.clv.value)


def test_slower_leaving_is_what_a_slower_rate_would_bring(study):
    # who was certainly active buys at known rates: gamma draws of rate and of leaving, integrated by hand
    past, models = study
    values, table = gains(past, models, clv.Terms(365, 0.0, 1.0), change=0.5)
    fit, who = models.final.fits["pareto_nbd"], values.customers
    per, horizon = past.days_per_unit, 365 / past.days_per_unit
    p = fit.params
    x, age = who["frequency"].to_numpy(dtype="float64"), who["T_days"].to_numpy() / per
    alive = np.asarray(btyd.probability_alive(fit, x, who["recency_days"].to_numpy() / per, age))
    rng = np.random.default_rng(0)
    rate = (p["r"] + x) / (p["alpha"] + age)
    # of the active leaving is gamma(s, beta + age); half as fast, purchases are the mean of (1 - exp(-m h / 2)) / (m / 2)
    leaving = rng.gamma(p["s"], 1.0, (4000, 1)) / (p["beta"] + age)
    count = alive * rate * ((1 - np.exp(-leaving * horizon / 2)) / (leaving / 2)).mean(axis=0)
    base = alive * rate * ((1 - np.exp(-leaving * horizon)) / leaving).mean(axis=0)
    expected = float(((count - base) * who["expected_spend"]).sum())
    assert table.loc["They leave more slowly", "value"] == pytest.approx(expected, rel=0.02)


def test_intervals_come_from_the_refits(study):
    _, table = gains(*study, TERMS, draws=20)
    assert (table["low"] < table["value"]).all()
    assert (table["value"] < table["high"]).all()


def test_keeping_longer_costs_longer(study):
    free, _ = gains(*study, TERMS), None
    dear = gains(*study, clv.Terms(365, 0.1, 0.4, 2.0))
    assert dear[1].loc["They leave more slowly", "value"] < free[1].loc["They leave more slowly", "value"]


def test_under_contract_leaving_less_often_pays_longer(company):
    rng = np.random.default_rng(5)
    months = np.minimum(rng.geometric(rng.beta(1.0, 9.0, 400)), 24)
    start = pd.Timestamp("2024-01-01")
    ended = [pd.NaT if m >= 24 else start + pd.Timedelta(days=round(m * 30.4375) - 1) for m in months]
    ids = [f"k{i}" for i in range(400)]
    table = pd.DataFrame({"customer_id": ids, "started_at": start, "ended_at": ended, "mrr": 10.0})
    client = company(tables={"subscriptions": table}, as_of="2025-12-31", privacy={"min_cell": 1})
    past = clv.read(client, holdout_days=0)
    models = clv.fit_models(past)
    values, rows = gains(past, models, TERMS)
    assert rows.index.tolist() == ["They leave more slowly", "They spend more per purchase"]
    assert rows.loc["They spend more per purchase", "value"] == pytest.approx(0.1 * values.clv.value, rel=0.01)
    assert 0 < rows.loc["They leave more slowly", "value"] < 0.1 * values.clv.value


@pytest.mark.parametrize("change", [0.0, 1.0, -0.1])
def test_a_change_that_is_none_is_refused(study, change):
    with pytest.raises(ParamError, match="a share above 0 and below 1 is needed"):
        clv.what_if(*study, None, change=change)


def test_without_values_it_says_why(study):
    assert not clv.what_if(*study, None).assessed
