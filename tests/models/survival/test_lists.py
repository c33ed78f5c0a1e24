"""Lists: the sum of the highest probabilities is what comes, in simulations whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from crmkit.core.errors import ModelError, ParamError
from crmkit.models.survival import churn_probability, fit_cox, list_probability, list_sum

EFFECTS = np.array([0.5, 0.3, 0.2, 0.0])
TOPS = (20, 50, 100)
HORIZON = 90


def running(n, seed, *, shape=1.0, idle=0):
    """Customers who came over four years: what was seen, their covariates, and the true chance of those still here."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    X[:, 3] = rng.integers(0, 2, n)
    rate = (1 / 900) ** shape * np.exp(X @ EFFECTS)
    known = rng.uniform(0, 1460, n)
    left = (rng.exponential(size=n) / rate) ** (1 / shape)
    table = pd.DataFrame(np.column_stack([X, rng.normal(size=(n, idle))])).rename(columns=str)
    time, gone = np.minimum(left, known), left <= known
    fit = fit_cox(time, gone, table, engine="rows")
    here = table[~gone].reset_index(drop=True)
    since = np.minimum(time[~gone], fit.blocks[0].times[-1] - HORIZON)
    truth = -np.expm1(-rate[~gone] * ((since + HORIZON) ** shape - since**shape))
    return fit, here, {"elapsed": since, "horizon": HORIZON}, truth


def tops(n, replications, **world):
    """Per length of list: predicted over true sum less 1, how often the limits held; and the calibration slope."""
    predicted, true, held, slopes = np.zeros(3), np.zeros(3), np.zeros(3), []
    for seed in range(replications):
        fit, here, given, truth = running(n, seed, **world)
        found = list_probability(fit, here, **given)
        p = found["probability"].to_numpy()
        order = np.argsort(-p, kind="stable")
        came = np.random.default_rng([seed, 1]).random(len(truth)) < truth
        for k, top in enumerate(TOPS):
            box = list_sum(fit, found, here, top=top)
            assert box["value"] == pytest.approx(p[order[:top]].sum())
            predicted[k] += box["value"]
            true[k] += truth[order[:top]].sum()
            held[k] += box["low"] <= came[order[:top]].sum() <= box["high"]
        x, y = (np.log(-np.log1p(-q)) for q in (p, truth))
        slopes.append(np.cov(x, y)[0, 1] / x.var(ddof=1))
    return predicted / true - 1, held / replications, float(np.mean(slopes))


def test_the_top_of_a_list_is_not_too_high_in_a_sample():
    bias, held, slope = tops(400, 40)
    assert np.abs(bias).max() < 0.07  # three standard errors of 40 lists of 20
    assert (held >= 0.85).all()
    assert 0.85 < slope < 1.15


@pytest.mark.slow
@pytest.mark.parametrize("world", [{}, {"shape": 0.6}, {"shape": 1.5}, {"idle": 6}], ids=["plain", "falling", "rising", "idle"])
@pytest.mark.parametrize("n", [400, 2000])
def test_the_top_of_a_list_is_not_too_high(n, world):
    bias, held, slope = tops(n, 200, **world)
    assert np.abs(bias).max() <= 0.02, bias
    assert 0.9 <= slope <= 1.1
    assert (held >= 0.905).all(), held  # 99 % band of 200 draws at 95 %


def test_probabilities_of_the_fit_are_too_high_on_top():
    """What the list is for: the highest of the fit's own probabilities are a quarter too high."""
    own = true = 0.0
    for seed in range(40):
        fit, here, given, truth = running(400, seed)
        p = churn_probability(fit, here, **given)["probability"].to_numpy()
        top = np.argsort(-p, kind="stable")[:20]
        own, true = own + p[top].sum(), true + truth[top].sum()
    assert own / true > 1.2


def test_a_month_in_which_many_leave_is_not_smoothed_away():
    """A third leaves within a month after the first year; who comes to it is told apart, as the fit tells them."""
    rng = np.random.default_rng(0)
    n = 4000
    left = np.where(rng.random(n) < 0.35, 365 + rng.uniform(0, 30, n), rng.exponential(2000, n))
    known = rng.uniform(0, 1000, n)
    x = pd.DataFrame({"x": rng.normal(size=n)})
    fit = fit_cox(np.minimum(left, known), left <= known, x, engine="rows")
    two = pd.DataFrame({"x": [0.0, 0.0]})
    p = list_probability(fit, two, elapsed=[350, 500], horizon=60)["probability"].to_numpy()
    own = churn_probability(fit, two, elapsed=[350, 500], horizon=60)["probability"].to_numpy()
    assert p[0] > 5 * p[1]
    assert np.abs(p / own - 1).max() < 0.25


def test_strata_missing_inputs_and_times_that_nobody_has_seen():
    fit, here, given, _ = running(400, 0)
    group = np.arange(len(here)) % 2
    time, gone = np.concatenate([np.arange(1.0, 201), np.arange(1.0, 201)]), np.arange(400) % 3 > 0
    layered = fit_cox(time, gone, pd.DataFrame({"x": np.sin(np.arange(400))}), strata=np.repeat([0, 1], 200))
    asked = pd.DataFrame({"x": [0.1, np.nan, 0.1, 0.1]})
    found = list_probability(layered, asked, elapsed=[5, 5, 5, 195], horizon=20, strata=[0, 0, 1, 1])["probability"]
    assert found.isna().tolist() == [False, True, False, True]
    with pytest.raises(ModelError, match="give the stratum"):
        list_probability(layered, asked, elapsed=5, horizon=20)
    with pytest.raises(ParamError, match="horizon"):
        list_probability(fit, here, elapsed=5, horizon=0)
    with pytest.raises(ParamError, match="top is 0"):
        list_sum(fit, list_probability(fit, here, **given), here, top=0)
    whole = list_sum(fit, list_probability(fit, here, **given), here, top=10_000)
    assert whole["n"] == len(group)


def test_what_goes_with_leavers_has_limits_of_its_own():
    """Twice the money twice the limits; money on few customers is less sure than as much on all."""
    fit, here, given, _ = running(400, 1)
    found, n = list_probability(fit, here, **given), len(here)
    plain, double = (list_sum(fit, found, here, top=n, weights=weight) for weight in (None, np.full(n, 2.0)))
    for name in ("value", "low", "high"):
        assert double[name] == pytest.approx(2 * plain[name])
    few = np.where(np.arange(n) < n // 20, 20.0, 0.0)
    rare = list_sum(fit, found, here, top=n, weights=few)
    p = found["probability"].to_numpy()
    assert rare["value"] == pytest.approx(float((few * p).sum()))
    assert (rare["high"] - rare["low"]) / rare["value"] > 2 * (plain["high"] - plain["low"]) / plain["value"]


def weighted_coverage(replications):
    """How often what went with all leavers lay within the limits; money differs between customers."""
    held = 0
    for seed in range(replications):
        fit, here, given, truth = running(400, seed)
        rng = np.random.default_rng([seed, 2])
        money = rng.lognormal(0, 0.8, len(here))
        box = list_sum(fit, list_probability(fit, here, **given), here, top=len(here), weights=money)
        held += box["low"] <= money[rng.random(len(truth)) < truth].sum() <= box["high"]
    return held / replications


def test_limits_of_money_hold_in_a_sample():
    assert weighted_coverage(60) >= 0.85


@pytest.mark.slow
def test_limits_of_money_hold():
    assert 0.905 <= weighted_coverage(200) <= 0.985  # 99 % band of 200 draws at 95 %
