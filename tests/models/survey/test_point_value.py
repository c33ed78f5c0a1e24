"""What a point is worth: on customers whose rate of leaving is known, and on scores that were given after the decision."""

import numpy as np
import pandas as pd
import pytest

from crmkit.core.errors import ModelError, ParamError
from crmkit.models.survey.point_value import fit_point, hazard_ratio, point_value, refuse_separation

PERIODS, PERIOD_DAYS, RATE = 13, 28, 0.1
SLOPE, HAZARD = -0.45, 0.05
SEGMENT = np.array([0.5, 0.0, -0.6])


def discounted_days(hazard):
    """Exact for a constant rate: days within each period, discounted from its middle."""
    period = np.arange(1, PERIODS + 1)
    within = np.exp(-np.outer(hazard, period - 1)) * (-np.expm1(-hazard) / hazard)[:, None]
    return PERIOD_DAYS * within @ (1 + RATE) ** (-(period - 0.5) * PERIOD_DAYS / 365.25)


def simulate(seed, n=20_000, *, follow=True):
    """Answers, and when customers leave: content and long customers stay longer, and are in the better segments."""
    rng = np.random.default_rng(seed)
    segment, tenure = rng.integers(0, 3, n), rng.integers(0, 6, n)
    score = np.clip(np.round(3.5 + 0.5 * (segment - 1) + 0.2 * (tenure - 2.5) + rng.normal(0, 1, n)), 1, 5)
    hazard = HAZARD * np.exp(SLOPE * (score - 3) + SEGMENT[segment] - 0.2 * (tenure - 2.5))
    per_day = np.array([1.0, 2.0, 4.0])[segment] * rng.gamma(4, 0.25, n)
    time, seen = rng.exponential(1 / hazard), np.full(n, PERIODS) if follow else rng.integers(1, PERIODS + 1, n)
    left = time < seen
    table = pd.DataFrame(
        {"score": score, "tenure": np.array(list("abcdef"))[tenure], "segment": np.array(list("xyz"))[segment]}
    )
    now, then = discounted_days(hazard), discounted_days(hazard * np.exp(SLOPE))
    gain = np.where(score < 5, per_day * (then - now), 0.0)
    truth = {
        "each": gain[score < 5].mean(),
        "share": gain.sum() / (per_day * now).sum(),
        "days": (then - now)[score < 5].mean(),
    }
    return np.where(left, np.ceil(time), seen), left, table, per_day, truth


@pytest.fixture(scope="module")
def truth():
    """Over 400,000 customers."""
    return simulate(10**6, 400_000)[4]


def estimate(seed, n=20_000, *, columns=("score", "tenure", "segment"), **options):
    time, left, table, per_day, _ = simulate(seed, n, **options)
    fit = fit_point(time, left, table[list(columns)])
    return point_value(
        fit, table, per_day, highest=5, period_days=PERIOD_DAYS, periods=PERIODS, per_day=True, base=per_day.sum(),
        discount_rate=RATE,
    )  # fmt: skip


def test_money_per_point_is_within_five_percent_of_the_truth(truth):
    found = estimate(0)
    assert found.per_customer.value == pytest.approx(truth["each"], rel=0.05)
    assert found.share.value == pytest.approx(truth["share"], rel=0.05)
    assert found.days.value == pytest.approx(truth["days"], rel=0.05)
    assert found.hazard_ratio.value == pytest.approx(np.exp(SLOPE), rel=0.05)


def test_without_adjusting_it_would_not_be(truth):
    found = estimate(0, columns=("score",))
    assert found.hazard_ratio.value < np.exp(SLOPE) * 0.93
    assert found.days.value > truth["days"] * 1.1


def covered(seeds, truth, n):
    hits = []
    for seed in seeds:
        found = estimate(seed, n, follow=False)
        pairs = [(found.per_customer, truth["each"]), (found.share, truth["share"]), (found.days, truth["days"])]
        pairs.append((found.hazard_ratio, np.exp(SLOPE)))
        hits.append([one.low <= true <= one.high for one, true in pairs])
    return np.mean(hits, axis=0)


def band(replications, level=0.95):
    """99 % of binomial shares lie in it."""
    from scipy.stats import binom

    return binom.ppf([0.005, 0.995], replications, level) / replications


def test_the_intervals_cover_the_truth(truth):
    low, high = band(60)
    share = covered(range(60), truth, 2000)
    assert ((low <= share) & (share <= high)).all(), share


@pytest.mark.slow
def test_the_intervals_cover_the_truth_in_1000_replications(truth):
    low, high = band(1000)
    share = covered(range(1000), truth, 2000)
    assert ((low <= share) & (share <= high)).all(), share


@pytest.mark.slow
def test_at_20000_customers_the_estimate_is_right_on_average(truth):
    each = [estimate(seed).per_customer.value / truth["each"] - 1 for seed in range(100)]
    assert abs(np.mean(each)) < 0.01
    assert np.mean(np.abs(each) <= 0.05) >= 0.9


def test_value_of_the_whole_time_and_per_day_say_the_same():
    time, left, table, per_day, _ = simulate(1, 4000)
    fit = fit_point(time, left, table)
    options = {"highest": 5, "period_days": PERIOD_DAYS, "periods": PERIODS, "discount_rate": RATE}
    first = point_value(fit, table, per_day, per_day=True, base=1.0, **options)
    hazard = HAZARD * np.exp(SLOPE * (table["score"] - 3) + SEGMENT[table["segment"].map("xyz".index)])
    whole = point_value(fit, table, per_day * discounted_days(hazard.to_numpy()), per_day=False, base=1.0, **options)
    assert whole.share.value == pytest.approx(first.share.value, rel=0.1)
    assert whole.hazard_ratio == first.hazard_ratio
    assert whole.total.value == pytest.approx(whole.share.value, rel=1e-12)


def test_a_point_that_changes_nothing_is_rarely_worth_something():
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        time, left = rng.integers(1, 14, 1000), rng.random(1000) < 0.3
        found.append(hazard_ratio(fit_point(time, left, pd.DataFrame({"score": rng.integers(1, 6, 1000).astype(float)}))))
    assert np.mean([one.p < 0.05 for one in found]) <= band(60, 0.05)[1]
    assert [one.p < 0.05 for one in found] == [not one.low <= 1 <= one.high for one in found]


def test_the_order_of_customers_and_the_unit_of_money_change_nothing():
    time, left, table, per_day, _ = simulate(3, 2000)
    options = {"highest": 5, "period_days": 28, "periods": 13, "per_day": True}
    first = point_value(fit_point(time, left, table), table, per_day, base=per_day.sum(), **options)
    order = np.random.default_rng(0).permutation(2000)
    shuffled = table.iloc[order].reset_index(drop=True)
    again = point_value(
        fit_point(time[order], left[order], shuffled), shuffled, 100 * per_day[order], base=100 * per_day.sum(), **options
    )
    assert again.per_customer.value == pytest.approx(100 * first.per_customer.value, rel=1e-6)
    assert again.total.high == pytest.approx(100 * first.total.high, rel=1e-5)
    assert again.share.low == pytest.approx(first.share.low, rel=1e-5)


def test_leaving_out_the_first_periods_keeps_a_constant_effect():
    time, left, table, _, _ = simulate(4, 8000)
    late = hazard_ratio(fit_point(time, left, table, after=2))
    assert late.low < np.exp(SLOPE) < late.high


SCORES = np.repeat([1.0, 2.0, 3.0, 4.0, 5.0], 100)


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        # the Telco sample with satisfaction scores: all who answered 1 or 2 left, none who answered 4 or 5
        ([1, 1, 0.2, 0, 0], "everybody who answered 1 or less left"),
        ([0.9, 1, 0.5, 0.3, 0.2], "tells leavers from stayers|everybody"),
        ([0.4, 0.3, 0.2, 0.1, 0], "nobody who answered 5 or more left, of 100"),
        ([0.98, 0.97, 0.6, 0.02, 0.01], "tells leavers from stayers almost alone"),
    ],
)
def test_scores_given_after_the_decision_are_refused(shares, said):
    left = np.concatenate([np.arange(100) < round(100 * share) for share in shares])
    if shares[0] == 0.9:
        left[:100] = True
    with pytest.raises(ModelError, match=said):
        refuse_separation(SCORES, left, np.where(left, 5, 13))


def test_an_honest_gradient_is_not_refused():
    left = np.concatenate([np.arange(100) < n for n in (40, 30, 20, 12, 8)])
    assert refuse_separation(SCORES, left, np.where(left, 5, 13)) is None


def test_few_answers_at_a_level_are_no_separation():
    score = np.concatenate([np.ones(5), SCORES[SCORES > 1]])
    left = np.concatenate([np.ones(5, bool), *[np.arange(100) < n for n in (30, 20, 12, 8)]])
    assert refuse_separation(score, left, np.where(left, 5, 13)) is None


def test_those_who_were_not_watched_long_enough_make_no_separation():
    """Of the lowest score only leavers are known yet: the others have just answered."""
    left = np.concatenate([np.arange(100) < n for n in (20, 20, 20, 15, 10)])
    time = np.where(left, 5, np.where(SCORES == 1, 6, 13))
    assert refuse_separation(SCORES, left, time) is None


@pytest.mark.parametrize(
    ("score", "left", "said"),
    [
        (SCORES, np.arange(500) < 29, "needs 30 customers who left after an answer, there are 29"),
        (np.full(500, 3.0), np.arange(500) < 100, "all answers are equal"),
    ],
)
def test_what_cannot_be_estimated_is_said(score, left, said):
    with pytest.raises(ModelError, match=said):
        refuse_separation(score, left, np.where(left, 5, 13))


def test_who_cannot_rise_gains_nothing():
    time, left, table, per_day, _ = simulate(5, 2000)
    fit = fit_point(time, left, table)
    top = table.assign(score=5.0)
    options = {"highest": 5, "period_days": 28, "periods": 13, "per_day": True, "base": 1.0}
    with pytest.raises(ModelError, match="could rise by a point"):
        point_value(fit, top, per_day, **options)
    with pytest.raises(ParamError, match="discount_rate: is -1"):
        point_value(fit, table, per_day, **options, discount_rate=-1)


def test_one_whole_period_is_the_model_of_several_with_one():
    """Of two groups the fitted shares are those that left, whatever their size."""
    left = np.concatenate([np.arange(200) < 150, np.arange(100) < 20]).astype(float)
    table = pd.DataFrame({"score": np.repeat([1.0, 2.0], [200, 100])})
    fit = fit_point(np.ones(300), left, table)
    ratio = hazard_ratio(fit)
    assert ratio.value == pytest.approx(np.log(1 - 0.2) / np.log(1 - 0.75), rel=1e-6)
    error = np.log(ratio.high / ratio.low) / (2 * 1.959964)
    # delta method of log(-log(1 - p)), a binomial share of each group
    wanted = sum(p / (n * (1 - p) * np.log(1 - p) ** 2) for p, n in ((0.75, 200), (0.2, 100))) ** 0.5
    assert error == pytest.approx(wanted, rel=1e-4)


def test_who_buys_nothing_brings_nothing_in_the_whole_period():
    left = np.concatenate([np.arange(200) < 150, np.arange(100) < 20]).astype(float)
    table = pd.DataFrame({"score": np.repeat([1.0, 2.0], [200, 100])})
    found = point_value(
        fit_point(np.ones(300), left, table), table, np.ones(300), highest=2, period_days=100, periods=1, per_day=True,
        base=300.0, at_once=True,
    )  # fmt: skip
    assert found.days.value == pytest.approx(100 * (0.8 - 0.25), rel=1e-6)
