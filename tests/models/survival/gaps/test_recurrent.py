"""Gap-time models: known effects are found, errors by customer hold where naive ones do not, cells are rows."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from crmkit.core.errors import ModelError, ParamError
from crmkit.models.survival.gaps import customer_errors, fit_calendar, fit_gap_times, rhythm_prior, stratum_of_number

EFFECT = np.array([0.5, -0.4])
BAND = (0.005, 0.995)


def exact_gaps(rng, customers, *, gaps=4, shape=1.3, scale=(60.0, 40.0, 30.0, 30.0), followed=250.0):
    """Gaps that follow the model: a Weibull baseline for each number, x of the customer, z of the gap; cut by the calendar."""
    x = rng.integers(0, 2, customers).astype(float)
    rows, left = [], np.full(customers, followed) * rng.uniform(0.3, 1, customers)
    running = np.arange(customers)
    for k in range(gaps):
        z = rng.standard_normal(len(running)).round(1)
        rate = np.exp(EFFECT[0] * x[running] + EFFECT[1] * z)
        length = scale[k] * (rng.exponential(1, len(running)) / rate) ** (1 / shape)
        ended = length <= left[running]
        rows.append(pd.DataFrame({"customer": running, "number": k + 1, "x": x[running], "z": z, "length": length,
                                  "left": left[running], "ended": ended}))  # fmt: skip
        left[running] -= length
        running = running[ended]
    d = pd.concat(rows, ignore_index=True)
    return d.assign(time=np.minimum(d["length"], d["left"]))


def stable(rng, n, alpha):
    """A positive stable frailty (Chambers, Mallows & Stuck 1976): gaps that share it have alpha times the effect."""
    angle, e = rng.uniform(0, np.pi, n), rng.exponential(1, n)
    return np.sin(alpha * angle) / np.sin(angle) ** (1 / alpha) * (np.sin((1 - alpha) * angle) / e) ** ((1 - alpha) / alpha)


@pytest.mark.parametrize("runs", [150, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.long
def test_effects_are_found_and_intervals_hold(runs):
    inside, found = np.zeros(2), []
    for seed in range(runs):
        d = exact_gaps(np.random.default_rng(seed), 200)
        fit = fit_gap_times(d["time"], d["ended"], d[["x", "z"]], number=d["number"], customer=d["customer"], engine="rows")
        found.append(fit.cox.coefficients)
        inside += np.abs(fit.cox.coefficients - EFFECT) <= 1.959964 * fit.cox.standard_errors
    low, high = binom.ppf(BAND, runs, 0.95)
    assert ((low <= inside) & (inside <= high)).all()
    assert np.abs(np.mean(found, axis=0) - EFFECT).max() < 0.02


@pytest.mark.parametrize("runs", [150, pytest.param(1000, marks=pytest.mark.slow)])
def test_errors_by_customer_hold_where_gaps_of_a_customer_are_alike(runs):
    alpha, robust, naive = 0.6, 0, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        x = rng.integers(0, 2, 150).astype(float)
        hazard = (stable(rng, 150, alpha) * np.exp(x))[:, None]
        length = (rng.exponential(1, (150, 4)) / hazard).ravel()
        end = rng.exponential(3, 600)
        customer = np.repeat(np.arange(150), 4)
        fit = fit_gap_times(
            np.minimum(length, end), length <= end, pd.DataFrame({"x": np.repeat(x, 4)}),
            number=np.tile(np.arange(1, 5), 150), customer=customer, engine="rows",
        )  # fmt: skip
        apart = abs(fit.cox.coefficients[0] - alpha)
        robust += apart <= 1.959964 * fit.cox.standard_errors[0]
        naive += apart <= 1.959964 * np.sqrt(fit.naive[0, 0])
    low, high = binom.ppf(BAND, runs, 0.95)
    assert low <= robust <= high
    assert naive < low


def test_cells_are_the_rows_and_errors_come_from_a_part_of_the_customers():
    d = exact_gaps(np.random.default_rng(1), 6000).assign(
        time=lambda t: np.ceil(t["time"]), z=lambda t: t["z"].clip(-1, 1).round()
    )
    columns = ["x", "z"]
    rows = fit_gap_times(d["time"], d["ended"], d[columns], number=d["number"], customer=d["customer"], engine="rows")
    folded = d.assign(number=d["number"].clip(upper=4)).groupby(["number", "time", "ended", *columns], as_index=False).size()
    given = {"number": folded["number"], "copies": folded["size"], "engine": "cells"}
    cells = fit_gap_times(folded["time"], folded["ended"], folded[columns], **given)
    assert len(folded) < len(d) / 2
    assert cells.customers is None
    assert np.abs(cells.cox.coefficients - rows.cox.coefficients).max() < 1e-10
    assert np.abs(cells.naive - rows.naive).max() < 1e-12
    every = customer_errors(cells, d["time"], d["ended"], d[columns], number=d["number"], customer=d["customer"])
    assert np.abs(every.cox.covariance - rows.cox.covariance).max() < 1e-12
    assert every.customers == 6000
    some = d[d["customer"] % 3 == 0]
    part = customer_errors(
        cells, some["time"], some["ended"], some[columns], number=some["number"], customer=some["customer"], share=1 / 3
    )
    assert np.abs(part.cox.standard_errors / rows.cox.standard_errors - 1).max() < 0.1


def test_order_of_rows_and_names_of_customers_do_not_matter():
    d = exact_gaps(np.random.default_rng(2), 300)
    mixed = d.sample(frac=1, random_state=0)
    one, other = (
        fit_gap_times(t["time"], t["ended"], t[["x", "z"]], number=t["number"], customer=who, engine="rows")
        for t, who in ((d, d["customer"]), (mixed, mixed["customer"].map("c{}".format)))
    )
    assert np.abs(one.cox.covariance - other.cox.covariance).max() < 1e-12


def test_calendar_and_gap_time_find_the_same_effect_of_a_steady_rate():
    rng = np.random.default_rng(3)
    d = exact_gaps(rng, 3000, shape=1.0, scale=(40.0,) * 4)
    start = d.groupby("customer")["time"].cumsum() - d["time"]
    fit = fit_calendar(start, start + d["time"], d["ended"], d[["x", "z"]], customer=d["customer"])
    assert np.abs(fit.cox.coefficients - EFFECT).max() < 4 * fit.cox.standard_errors.max()
    # an open gap of no length says nothing
    more = pd.concat([d, d.iloc[:1].assign(time=0.0, ended=False)], ignore_index=True)
    begin = pd.concat([start, pd.Series([5.0])], ignore_index=True)
    again = fit_calendar(begin, begin + more["time"], more["ended"], more[["x", "z"]], customer=more["customer"])
    assert np.abs(again.cox.coefficients - fit.cox.coefficients).max() < 1e-10


def test_strata_are_pooled_until_each_has_seen_enough():
    assert stratum_of_number([1, 2, 3, 9], 3).tolist() == [1, 2, 3, 3]
    d = exact_gaps(np.random.default_rng(4), 60, gaps=3)
    fit = fit_gap_times(d["time"], d["ended"], d[["x"]], number=d["number"])
    counts = d.groupby(d["number"].clip(upper=fit.strata))["ended"].sum()
    assert fit.strata == len(fit.cox.strata)
    assert (counts >= 30).all() or fit.strata == 1


def test_a_rhythm_of_ones_own_is_told_from_chance():
    rng = np.random.default_rng(5)
    for spread, low, high in ((0.0, 10, 20), (0.5, 1.5, 3.5), (2.0, 0.05, 0.25)):
        rhythm = 30 * np.exp(spread * rng.standard_normal(2000))
        logs = np.log(rhythm)[:, None] + 0.8 * rng.standard_normal((2000, 5))
        typical, prior = rhythm_prior(np.exp(logs).ravel(), np.ones(10_000), np.repeat(np.arange(2000), 5))
        assert typical == pytest.approx(30, rel=0.15)
        assert low <= prior <= high  # .64 / spread^2, at most 20


def test_faults_are_named():
    X = pd.DataFrame({"x": [0.0, 1.0, 0.0]})
    with pytest.raises(ModelError, match="nobody has bought twice"):
        fit_gap_times([1, 2, 3], [0, 0, 0], X, number=[1, 1, 1])
    with pytest.raises(ModelError, match="take customer_errors"):
        fit_gap_times([1, 2, 3], [1, 1, 0], X, number=[1, 1, 1], customer=[1, 2, 3], copies=[1, 1, 1])
    with pytest.raises(ParamError, match="1 is the gap after the first purchase"):
        fit_gap_times([1, 2, 3], [1, 1, 0], X, number=[0, 1, 1])
    d = exact_gaps(np.random.default_rng(0), 200)
    fit = fit_gap_times(d["time"], d["ended"], d[["x"]], number=d["number"])
    with pytest.raises(ModelError, match="ends when none of the fit does"):
        customer_errors(fit, [1.5], [1], X.iloc[:1], number=[1], customer=["a"])
    with pytest.raises(ParamError, match="a share of the customers"):
        customer_errors(fit, [1.5], [0], X.iloc[:1], number=[1], customer=["a"], share=0)
    with pytest.raises(ModelError, match="the fit has a baseline per purchase number"):
        customer_errors(fit, [1.5], [0], X.iloc[:1], customer=["a"])
