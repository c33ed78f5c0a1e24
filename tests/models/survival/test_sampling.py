"""Customers who stand for others: what is right of them in simulations whose truth is known, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.survival import (
    baseline_curve,
    churn_probability,
    fit_cox,
    kaplan_meier,
    logrank,
    proportional_hazards,
    restricted_mean,
)

RATE = 0.03


def drawn(seed, n=1000, *, effect=0.7):
    """A survey of customers: who pays more leaves sooner, and is asked a quarter as often, all the less if a leaver."""
    rng = np.random.default_rng(seed)
    size = 6 * n
    fee, calls = rng.normal(size=size), rng.integers(0, 2, size)
    eta = 0.4 * fee + effect * calls
    time = rng.exponential(1 / (RATE * np.exp(eta)))
    end = rng.uniform(5, 30, size)
    chance = np.where(fee > 0, 0.05, 0.2) * np.where(time < 6, 0.5, 1.0)
    asked = rng.random(size) < chance
    table = pd.DataFrame({"fee": fee, "calls": calls})[asked].reset_index(drop=True)
    return np.minimum(time, end)[asked], (time <= end)[asked], table, 1 / chance[asked]


def held(seeds, **weighting):
    """How often the interval of a probability of leaving holds the true one."""
    hits = 0
    one = pd.DataFrame({"fee": [0.5], "calls": [1]})
    truth = -np.expm1(-RATE * 6 * np.exp(0.4 * 0.5 + 0.7))
    for seed in seeds:
        time, left, table, w = drawn(seed)
        fit = fit_cox(time, left, table, engine="rows", **dict.fromkeys(weighting, w))
        row = churn_probability(fit, one, elapsed=3, horizon=6).iloc[0]
        hits += row["low"] <= truth <= row["high"]
    return hits


def test_probabilities_of_leaving_hold_in_a_few():
    assert 43 <= held(range(50), sampling_weights=True) <= 50  # 99 % band of 50 draws at 95 %
    assert held(range(50)) < 40  # who was asked is not who there is


@pytest.mark.slow
def test_probabilities_of_leaving_hold():
    assert 931 <= held(range(1000), sampling_weights=True) <= 967


def alarms(seeds):
    """How often the test of proportional hazards, the log-rank test and that of the whole model see what is not there."""
    found = np.zeros(3)
    for seed in seeds:
        time, left, table, w = drawn(seed, n=600, effect=0.0)
        fit = fit_cox(time, left, table, sampling_weights=w, engine="rows")
        ph = proportional_hazards(fit, transform="rank").set_index("term")
        alone = fit_cox(time, left, table[["calls"]], sampling_weights=w, engine="rows")
        found += [
            ph.loc["calls", "p"] < 0.05,
            logrank(time, left, group=table["calls"], sampling_weights=w).p < 0.05,
            alone.score_statistic > 3.841458820694124,
        ]
    return found / len(seeds)


@pytest.mark.slow
def test_tests_raise_no_more_alarms_than_they_say():
    assert (alarms(range(1000)) <= 0.067).all()  # one-sided 99 % limit of 1,000 draws at 5 %


def test_a_change_of_effect_is_judged_by_customers_not_by_weights():
    time, left, table, w = drawn(0)
    own, heavy = (proportional_hazards(fit_cox(time, left, table, sampling_weights=w * unit)) for unit in (1, 1000))
    assert np.abs(own["statistic"] - heavy["statistic"]).max() < 1e-6
    cells, rows = (
        proportional_hazards(fit_cox(np.ceil(time), left, table[["calls"]], sampling_weights=w, engine=engine))["statistic"]
        for engine in ("cells", "rows")
    )
    assert np.abs(cells - rows).max() < 1e-8


def test_equal_weights_change_no_curve():
    time, left, table, w = drawn(0)
    plain, weighted = (fit_cox(time, left, table, sampling_weights=given) for given in (None, np.full(len(w), 7.0)))
    assert np.abs(plain.coefficients - weighted.coefficients).max() < 1e-10
    one, two = (baseline_curve(fit)[["value", "at_risk"]].to_numpy() for fit in (plain, weighted))
    assert np.abs(one - two).max() < 1e-10
    people = table.iloc[:20]
    a, b = (churn_probability(fit, people, elapsed=2, horizon=5) for fit in (plain, weighted))
    assert np.abs(a["high"] - b["high"]).max() < 0.01


@pytest.mark.parametrize("function", [kaplan_meier, restricted_mean, logrank, fit_cox])
def test_weights_that_say_nothing_are_refused(function):
    time, left = [1.0, 2, 3, 4, 5, 6], [1, 0, 1, 0, 1, 1]
    more = {
        kaplan_meier: {},
        restricted_mean: {"tau": 4},
        logrank: {"group": list("aabbab")},
        fit_cox: {"covariates": pd.DataFrame({"x": [1, 0, 1, 1, 0, 0]})},
    }[function]
    wrong = {
        "sampling_weights add up to nothing: none of 6 rows is above 0; each is above 0": [0.0] * 6,
        "sampling_weights is missing, infinite, 0 or negative in 1 of 6 rows (row 2)": [1, 1, -1, 1, 1, 1],
        "sampling_weights is missing, infinite, 0 or negative in 2 of 6 rows (rows 0, 5)": [np.nan, 1, 1, 1, 1, 0],
        "sampling_weights has 2 rows, durations has 6": [1, 1],
    }
    for text, weights in wrong.items():
        with pytest.raises(ModelError) as raised:
            function(time, left, sampling_weights=weights, **more)
        assert text in str(raised.value)
        assert str(raised.value).count("sampling_weights") == 1
    with pytest.raises(ModelError, match="sampling_weights are given together with copies"):
        function(time, left, sampling_weights=[1] * 6, copies=[1] * 6, **more)
    with pytest.raises(ModelError, match="copies is missing, 0, negative or no whole number in 6 of 6 rows"):
        function(time, left, copies=[0.5] * 6, **more)
    with pytest.raises(TypeError, match="weights"):  # the word alone could mean either
        function(time, left, weights=[1] * 6, **more)


def test_a_test_needs_more_clusters_than_groups():
    with pytest.raises(ModelError, match="cluster has 1 value; more clusters than groups are needed"):
        logrank([1, 2, 3, 4], [1, 1, 1, 1], group=list("aabb"), cluster=[1, 1, 1, 1])
