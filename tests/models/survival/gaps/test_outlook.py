"""The probability of no purchase: against the truth, beyond what was seen, and where nobody has bought."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from crmkit.core.errors import ModelError, ParamError
from crmkit.models.survival import churn_probability
from crmkit.models.survival.gaps import fit_calendar, fit_gap_times, no_purchase_probability

SCALE, SHAPE, EFFECT = np.array([50.0, 30.0]), 0.8, 0.6


def two_gaps(rng, customers=300, followed=300.0):
    x = rng.integers(0, 2, customers).astype(float)
    first, second = (SCALE[k] * (rng.exponential(1, customers) / np.exp(EFFECT * x)) ** (1 / SHAPE) for k in range(2))
    end = followed * rng.uniform(0.2, 1, customers)
    one = pd.DataFrame({"customer": np.arange(customers), "number": 1, "x": x, "time": np.minimum(first, end),
                        "ended": first <= end})  # fmt: skip
    went_on = first <= end
    rest = (end - first)[went_on]
    two = pd.DataFrame({"customer": np.flatnonzero(went_on), "number": 2, "x": x[went_on],
                        "time": np.minimum(second[went_on], rest), "ended": second[went_on] <= rest})  # fmt: skip
    return pd.concat([one, two], ignore_index=True)


def fitted(d, **given):
    return fit_gap_times(
        d["time"], d["ended"], d[["x"]], number=d["number"], customer=d["customer"], strata=2, engine="rows", **given
    )


def truth(x, number, silence, horizon):
    k = SCALE[np.asarray(number) - 1]
    return np.exp(-(((silence + horizon) / k) ** SHAPE - (silence / k) ** SHAPE) * np.exp(EFFECT * np.asarray(x)))


@pytest.mark.parametrize("runs", [150, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.long
def test_intervals_hold(runs):
    asked = pd.DataFrame({"x": [0.0, 1.0, 0.0, 1.0], "number": [1, 1, 2, 2], "silence": [10.0, 0.0, 20.0, 5.0]})
    right = truth(asked["x"], asked["number"], asked["silence"].to_numpy(), 30.0)
    inside = np.zeros(4)
    for seed in range(runs):
        fit = fitted(two_gaps(np.random.default_rng(seed)))
        found = no_purchase_probability(fit, asked[["x"]], silence=asked["silence"], horizon=30, number=asked["number"])
        inside += (found["low"] <= right) & (right <= found["high"])
    low, high = binom.ppf((0.005, 0.995), runs, 0.95)
    assert ((low <= inside) & (inside <= high)).all()


def test_it_is_the_kits_probability_turned_round():
    fit = fitted(two_gaps(np.random.default_rng(0)))
    X = pd.DataFrame({"x": [0.0, 1.0, 1.0]})
    given = {"horizon": 25.0}
    ours = no_purchase_probability(fit, X, silence=[3, 40, 7], number=[1, 2, 9], **given)
    theirs = churn_probability(fit.cox, X, elapsed=[3, 40, 7], strata=[1, 2, 2], **given)
    for mine, other in (("probability", "probability"), ("low", "high"), ("high", "low")):
        np.testing.assert_allclose(ours[mine], 1 - theirs[other], atol=1e-12)


def test_every_customer_may_have_a_horizon_of_their_own():
    fit = fitted(two_gaps(np.random.default_rng(0)))
    X = pd.DataFrame({"x": [0.0, 1.0]})
    both = no_purchase_probability(fit, X, silence=[3, 9], horizon=[10, 50], number=[1, 2])
    for k, ahead in enumerate((10, 50)):
        one = no_purchase_probability(fit, X.iloc[[k]], silence=[3, 9][k], horizon=ahead, number=[k + 1])
        assert one["probability"].iloc[0] == both["probability"].iloc[k]


def test_beyond_the_longest_gap_it_says_so():
    fit = fitted(two_gaps(np.random.default_rng(0)))
    last = [block.times[-1] for block in fit.cox.blocks]
    X = pd.DataFrame({"x": [0.0, 0.0, 0.0]})
    asked = {"silence": [last[0] - 20, last[0] + 5, 5.0], "horizon": 30.0, "number": [1, 1, 1]}
    none = no_purchase_probability(fit, X, **asked)
    assert none["basis"].tolist() == ["not seen", "not seen", "seen"]
    assert none[["probability", "low", "high"]].isna().all(axis=1).tolist() == [True, True, False]
    tail = no_purchase_probability(fit, X, tail="constant", **asked)
    assert tail["basis"].tolist() == ["tail", "tail", "seen"]
    assert tail.loc[2].equals(none.loc[2])
    assert ((tail["low"] > 0) & (tail["low"] < tail["probability"]) & (tail["probability"] < tail["high"])).all()
    assert (tail["high"] < 1).all()


def test_the_tail_is_the_rate_of_the_last_part_with_its_error():
    """A steady rate: the tail goes on with it, and its interval holds the truth as often as it says."""
    inside, runs, values = 0, 150, []
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        length, end = rng.exponential(40, 400), rng.uniform(20, 120, 400)
        x = rng.standard_normal(400)
        fit = fit_gap_times(
            np.minimum(length, end), length <= end, pd.DataFrame({"x": x}), number=np.ones(400), strata=1, engine="rows"
        )
        found = no_purchase_probability(
            fit, pd.DataFrame({"x": [0.0]}), silence=110, horizon=40, number=[1], tail="constant"
        ).iloc[0]
        values.append(found["probability"])
        inside += found["low"] <= np.exp(-1) <= found["high"]
    low, high = binom.ppf((0.005, 0.995), runs, 0.95)
    assert low <= inside <= high
    assert np.median(values) == pytest.approx(np.exp(-1), abs=0.05)


def test_where_nobody_has_bought_it_is_1_with_a_lower_limit():
    time = np.repeat([5.0, 10.0, 100.0, 120.0], [50, 50, 40, 60])
    ended = np.repeat([1, 1, 1, 0], [50, 50, 40, 60])
    x = np.tile([0.0, 1.0], 100)
    fit = fit_gap_times(time, ended, pd.DataFrame({"x": x}), number=np.ones(200), strata=1, engine="rows")
    found = no_purchase_probability(fit, pd.DataFrame({"x": [0.0]}), silence=20, horizon=30, number=[1]).iloc[0]
    assert (found["probability"], found["high"], found["basis"]) == (1.0, 1.0, "seen")
    # of 100 at risk none has bought: a rate that leaves 2.5 % chance of that
    assert 0.95 < found["low"] < 0.98


def test_faults_are_named():
    d = two_gaps(np.random.default_rng(0))
    fit, X = fitted(d), pd.DataFrame({"x": [0.0]})
    with pytest.raises(ParamError, match="horizon is not above 0"):
        no_purchase_probability(fit, X, silence=1, horizon=0, number=[1])
    with pytest.raises(ModelError, match="silence is missing or negative for 1 customer"):
        no_purchase_probability(fit, X, silence=[np.nan], horizon=3, number=[1])
    with pytest.raises(ModelError, match="the fit has strata"):
        no_purchase_probability(fit, X, silence=1, horizon=3)
    with pytest.raises(ParamError, match="did you mean 'constant'"):
        no_purchase_probability(fit, X, silence=1, horizon=3, number=[1], tail="constnt")
    calendar = fit_calendar(np.zeros(len(d)), d["time"], d["ended"], d[["x"]])
    with pytest.raises(ModelError, match="give one of fit_gap_times"):
        no_purchase_probability(calendar, X, silence=1, horizon=3)
