"""Evaluation: counting pairs by brute force, perfect and useless predictions, and a stop where too few are observed."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.core.errors import ModelError
from crmkit.models.survival import (
    auc_at,
    brier_score,
    calibration_summary,
    calibration_table,
    concordance,
    integrated_brier_score,
    lift_table,
    population_stability,
)


def brute_force(time, left, risk, weight):
    top = bottom = 0.0
    for i in np.flatnonzero(left):
        for j in range(len(time)):
            if time[j] > time[i] or (time[j] == time[i] and not left[j]):
                bottom += weight[i]
                top += weight[i] * (1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0.0)
    return top, bottom


@given(st.lists(st.tuples(st.integers(1, 6), st.booleans(), st.integers(0, 4)), min_size=2, max_size=40))
@settings(max_examples=100, deadline=None)
def test_pairs_are_counted_as_by_hand(rows):
    time, left, risk = (np.array(column) for column in zip(*rows, strict=True))
    top, bottom = brute_force(time, left, risk, np.ones(len(time)))
    if bottom == 0:
        with pytest.raises(ModelError):
            concordance(time, left, risk)
    else:
        assert concordance(time, left, risk).value == pytest.approx(top / bottom, abs=1e-12)


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(1, 4), st.booleans(), st.integers(0, 3), st.integers(0, 1), st.integers(1, 3)),
        min_size=2,
        max_size=40,
    )
)
@settings(max_examples=100, deadline=None)
def test_pairs_within_strata_of_who_was_there_are_counted_as_by_hand(rows):
    entry, stay, left, risk, stratum, weight = (np.array(column) for column in zip(*rows, strict=True))
    time, top, bottom = entry + stay, 0.0, 0.0
    for i in np.flatnonzero(left):
        for j in np.flatnonzero((stratum == stratum[i]) & (entry < time[i])):
            if time[j] > time[i] or (time[j] == time[i] and not left[j]):
                pair = weight[i] * weight[j]
                bottom += pair
                top += pair * (1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0.0)
    given_ = {"entry": entry, "strata": stratum, "sampling_weights": weight}
    if bottom == 0:
        with pytest.raises(ModelError):
            concordance(time, left, risk, **given_)
    else:
        assert concordance(time, left, risk, **given_).value == pytest.approx(top / bottom, abs=1e-12)


def test_uno_is_refused_where_customers_enter_late():
    with pytest.raises(ModelError, match="weighting is 'uno', and customers enter late"):
        concordance([2, 3, 4], [1, 1, 0], [1, 2, 3], entry=[0, 1, 1], weighting="uno")


def sample(seed=0, n=2000, months=36):
    rng = np.random.default_rng(seed)
    eta = rng.normal(0, 0.8, n)
    time, until = rng.exponential(20 * np.exp(-eta)), rng.uniform(5, months, n)
    return np.minimum(time, until), time <= until, eta, 1 - np.exp(-10 / 20 * np.exp(eta))


def test_perfect_and_opposite_and_useless_orders():
    time = np.arange(1.0, 50)
    assert concordance(time, np.ones(49), -time).value == 1.0
    assert concordance(time, np.ones(49), time).value == 0.0
    assert concordance(time, np.ones(49), np.zeros(49)).value == 0.5
    assert auc_at(time, np.ones(49), -time, horizon=20).value == 1.0


def test_without_censoring_uno_is_harrell():
    time, _, eta, _ = sample()
    one, two = concordance(time, np.ones(2000), eta), concordance(time, np.ones(2000), eta, weighting="uno")
    assert (one.value, one.standard_error) == (pytest.approx(two.value), pytest.approx(two.standard_error))


def test_lifelines_has_the_same_c():
    from lifelines.utils import concordance_index

    time, left, eta, _ = sample(1)
    time = np.ceil(time)
    assert concordance(time, left, eta).value == pytest.approx(concordance_index(time, -eta, left), abs=1e-12)


def test_uno_does_not_depend_on_the_censoring():
    """Same customers, censored late or early: Harrell's C moves, Uno's C stays near that without censoring."""
    rng = np.random.default_rng(0)
    n = 40_000
    eta = rng.normal(0, 1.2, n)
    full = rng.exponential(10 * np.exp(-eta))
    until = rng.exponential(8 * np.exp(0.0 * eta), n)
    time, left = np.minimum(full, until), full <= until
    truth = concordance(np.minimum(full, 15), full <= 15, eta, tau=15).value
    uno = concordance(time, left, eta, weighting="uno", tau=15)
    assert abs(uno.value - truth) < 3 * uno.standard_error
    assert abs(concordance(time, left, eta).value - truth) > 3 * uno.standard_error


@pytest.mark.long
def test_the_interval_of_c_covers():
    """200 samples; truth from one of 400,000. The 99 % band of 200 draws at 95 %."""
    full = sample(10_000, 400_000)
    truth = concordance(*full[:3]).value
    hits = sum((c := concordance(*sample(seed, 500)[:3])).low <= truth <= c.high for seed in range(200))
    assert 181 <= hits <= 198


def test_sksurv_has_the_same_brier_score():
    """scikit-survival 0.28.0, brier_score and cumulative_dynamic_auc, on the sample below (its G has no ties here)."""
    time, left, eta, p = sample(0, 500)
    found = brier_score(time, left, p, horizon=10.0).set_index("measure")
    assert found.loc["Brier score", "value"] == pytest.approx(BRIER_SKSURV, abs=1e-9)
    assert auc_at(time, left, eta, horizon=10.0).value == pytest.approx(AUC_SKSURV, abs=1e-9)


BRIER_SKSURV = 0.200895239825091
AUC_SKSURV = 0.74503316971667


def test_brier_of_the_average_is_the_reference():
    time, left, _, p = sample(2)
    found = brier_score(time, left, p, horizon=10).set_index("measure")["value"]
    average = found["Brier score of the average"]
    assert found["Scaled Brier score"] == pytest.approx(1 - found["Brier score"] / average)
    assert 0.05 < found["Scaled Brier score"] < 0.6
    from crmkit.models.survival import at_risk_table, kaplan_meier

    flat = 1 - at_risk_table(kaplan_meier(time, left), [10])["value"].iloc[0]
    same = brier_score(time, left, np.full(len(time), flat), horizon=10).set_index("measure")["value"]
    assert same["Scaled Brier score"] == pytest.approx(0, abs=1e-12)
    worse = brier_score(time, left, 1 - p, horizon=10).set_index("measure")["value"]
    assert worse["Scaled Brier score"] < 0


def test_integrated_score_is_the_mean_over_time():
    time, left, eta, _ = sample(3)
    times = np.linspace(1, 12, 12)
    p = 1 - np.exp(-times[None, :] / 20 * np.exp(eta)[:, None])
    table = integrated_brier_score(time, left, p, times=times)
    single = [brier_score(time, left, p[:, k], horizon=x)["value"].iloc[0] for k, x in enumerate(times)]
    assert np.allclose(table["value"][:-1], single)
    assert table["value"].iloc[-1] == pytest.approx(np.trapezoid(single, times) / 11)
    low = brier_score(time, left, p[:, 3], horizon=times[3])
    assert table["low"].iloc[3] == pytest.approx(low["low"].iloc[0])
    assert table["scaled_high"].iloc[3] == pytest.approx(low["high"].iloc[2])


def test_limits_of_integrated_scores_are_those_of_other_samples():
    """The spread of the score over 60 samples is what the interval of one says, within 30 %."""
    times = np.linspace(2, 10, 5)
    found = []
    for seed in range(60):
        time, left, eta, _ = sample(seed, 1500)
        p = 1 - np.exp(-times[None, :] / 20 * np.exp(eta)[:, None])
        found.append(integrated_brier_score(time, left, p, times=times).iloc[-1])
    table = pd.DataFrame(found)
    for value, low, high in (("value", "low", "high"), ("scaled", "scaled_low", "scaled_high")):
        half = (table[high] - table[low]).mean() / 2
        assert half == pytest.approx(1.96 * table[value].std(), rel=0.3)


def test_calibration_of_the_truth_and_of_a_wrong_model():
    time, left, _, p = sample(4, 20_000)
    tenths = calibration_table(time, left, p, horizon=10)
    assert len(tenths) == 10
    assert tenths["n"].sum() == 20_000
    inside = ((tenths["low"] <= tenths["predicted"]) & (tenths["predicted"] <= tenths["high"])).sum()
    assert inside >= 8
    good = calibration_summary(time, left, p, horizon=10).set_index("measure")
    assert good.loc["Observed / expected", "low"] < 1 < good.loc["Observed / expected", "high"]
    assert good.loc["Calibration slope", "low"] < 1 < good.loc["Calibration slope", "high"]
    assert good.loc["ICI", "value"] < 0.012
    assert (good["low"] <= good["value"]).all()
    assert good.loc["ICI", "high"] < 0.03
    assert good.loc["E50", "value"] <= good.loc["E90", "value"]
    half = calibration_summary(time, left, p / 2, horizon=10).set_index("measure")
    assert half.loc["Observed / expected", "value"] == pytest.approx(2 * good.loc["Observed / expected", "value"])
    assert half.loc["ICI", "value"] == pytest.approx(p.mean() / 2, abs=0.02)
    timid = calibration_summary(time, left, 1 - np.exp(-np.sqrt(-np.log(1 - p))), horizon=10).set_index("measure")
    assert timid.loc["Calibration slope", "value"] == pytest.approx(good.loc["Calibration slope", "value"] * 2, rel=1e-6)


def test_groups_where_nobody_left_have_an_exact_interval():
    time, left = np.full(200, 12.0), np.zeros(200)
    left[:20] = 1
    time[:20] = 3
    p = np.where(np.arange(200) < 100, 0.2, 0.01)
    table = calibration_table(time, left, p, horizon=10, bins=2)
    assert table["observed"].tolist() == pytest.approx([0.0, 0.2])
    assert table["low"].iloc[0] == 0
    assert table["high"].iloc[0] == pytest.approx(1 - 0.025 ** (1 / 100))


def test_it_stops_where_too_few_are_observed():
    time, left, eta, p = sample(5, 20_000)
    for call in (
        lambda: brier_score(time, left, p, horizon=35.9),
        lambda: auc_at(time, left, eta, horizon=35.9),
        lambda: calibration_table(time, left, p, horizon=35.9),
        lambda: concordance(time, left, eta, weighting="uno", tau=35.9),
    ):
        with pytest.raises(ModelError, match=r"only \d\.\d% of customers would be observed that long; at least 5%"):
            call()
    with pytest.raises(ModelError, match="outside 0 to 1 in 1 places"):
        brier_score(time, left, np.where(np.arange(20_000) == 3, 1.2, p), horizon=10)


# --- lists and drift


def test_lift_by_hand():
    left = np.array([1, 1, 0, 1, 0, 0, 0, 0, 0, 0])
    table = lift_table(left, np.arange(10, 0, -1), value=np.arange(1, 11), shares=(0.2, 0.5, 1.0))
    assert table["precision"].tolist() == [1.0, 0.6, 0.3]
    assert table["lift"].tolist() == pytest.approx([1 / 0.3, 2.0, 1.0])
    assert table["recall"].tolist() == pytest.approx([2 / 3, 1.0, 1.0])
    assert table["value_captured"].tolist() == pytest.approx([3 / 7, 1.0, 1.0])
    assert (table["precision_low"] < table["precision"]).all()


def test_equal_scores_count_in_part():
    left = np.array([1, 0, 1, 0])
    assert lift_table(left, np.zeros(4), shares=(0.25, 0.5))["precision"].tolist() == [0.5, 0.5]
    with pytest.raises(ModelError, match="nobody left"):
        lift_table(np.zeros(4), np.arange(4))


def test_stability_index():
    rng = np.random.default_rng(0)
    before, now = rng.normal(size=20_000), rng.normal(size=20_000)
    assert population_stability(before, now)["psi"].sum() < 0.01
    assert population_stability(before, now + 1)["psi"].sum() > 0.25
    table = population_stability(["a"] * 60 + ["b"] * 40, ["a"] * 40 + ["b"] * 60)
    assert table["psi"].sum() == pytest.approx(2 * 0.2 * np.log(1.5))
    gone = population_stability(before, np.where(np.arange(20_000) < 2000, np.nan, now))
    assert gone.set_index("group").loc["missing", "now"] == pytest.approx(0.1)
    new = population_stability(pd.Series(["a", "b"]), pd.Series(["a", "c"]))
    assert np.isfinite(new["psi"]).all()
    assert list(new["group"]) == ["a", "b", "c"]
