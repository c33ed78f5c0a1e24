"""Ranges of short series: identities, no look ahead, coverage, chance to pass a limit, the measurement's own error, season."""

import numpy as np
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.outlook.paths import METHODS, season
from crmkit.models.outlook.ranges import FEWEST, FIRST, earlier, outlook

RANGE = ("whole", "whole_low", "whole_high", "method", "spread", "freedom")


def series(seed, n=24, rho=0.4, noise=0.08, added=0.0):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n) * noise
    for at in range(1, n):
        z[at] += rho * z[at - 1]
    return 100 * np.exp(z + added)


def test_a_later_value_changes_no_earlier_range():
    y = series(3)
    past = earlier(y, ahead=3, scale="log")
    changed = y.copy()
    changed[18:] *= 3
    known = [one for one in earlier(changed, ahead=3, scale="log") if one.seen + 3 <= 18]
    assert len(known) == 18 - 3 - FEWEST + 1
    for before, after in zip(past, known, strict=False):
        assert before == after
    # and each is what would have been printed on its day
    then = outlook(y[: past[4].seen], ahead=3, scale="log")
    assert (then.whole, then.whole_low, then.whole_high) == pytest.approx((past[4].value, past[4].low, past[4].high))


def test_the_count_of_earlier_ranges_is_that_of_the_list():
    y = series(5, added=0.02 * np.arange(24))
    found, past = outlook(y, ahead=2, scale="log"), earlier(y, ahead=2, scale="log")
    assert (found.tried, found.held) == (len(past), sum(one.held for one in past))
    assert found.tried == 24 - 2 - FEWEST + 1


@pytest.mark.parametrize("scale", ["plain", "log", "root"])
def test_another_unit_changes_the_unit_only(scale):
    y = series(7)
    one, other = outlook(y, ahead=3, scale=scale), outlook(1000 * y, ahead=3, scale=scale)
    assert other.whole == pytest.approx(1000 * one.whole, rel=1e-3)
    assert other.whole_high == pytest.approx(1000 * one.whole_high, rel=5e-3)


def test_ranges_hold_as_often_as_they_say():
    """Level, trend and walk; the last outcome of each of 40 series is never seen by the range that is judged by it."""
    held = []
    for seed in range(40):
        walk = np.cumsum(np.random.default_rng(1000 + seed).normal(size=24)) * 0.1
        for added in (0.0, 0.02 * np.arange(24), walk):
            held.append(earlier(series(seed, added=added), ahead=1, scale="log")[-1].held)
    # exact 99 % band of 120 draws of .95 is 107 to 119
    assert 107 <= sum(held) <= 120


def test_a_share_stays_between_nothing_and_all():
    y = np.clip(0.97 + 0.02 * np.random.default_rng(2).normal(size=20), 0, 1)
    found = outlook(y, ahead=6, scale="logit")
    assert 0 < found.whole_low < found.whole < found.whole_high < 1
    assert (found.low < found.value).all()
    assert found.above(0.5) > 0.99


def test_a_series_with_zeros_goes_not_below_zero():
    y = np.random.default_rng(4).poisson(0.8, 24).astype(float)
    found = outlook(y, ahead=3, scale="root")
    assert found.whole_low >= 0
    assert found.whole_high > found.whole


def test_the_chance_falls_with_the_limit_and_is_half_at_the_middle():
    found = outlook(series(11), ahead=3, scale="log")
    chances = [found.above(limit) for limit in (50, 80, found.whole, 120, 200)]
    assert chances == sorted(chances, reverse=True)
    assert chances[2] == pytest.approx(0.5)
    assert found.above(found.whole_high) == pytest.approx(0.025)


def test_what_few_measured_is_no_surer_than_its_measurement():
    y = np.full(16, 50.0) + 0.01 * np.arange(16) % 2
    sure, unsure = outlook(y, ahead=1), outlook(y, ahead=1, errors=np.full(16, 5.0))
    assert sure.whole_high - sure.whole_low < 1
    # a normal range of one measurement is 1.96 errors on each side, and Student's is wider
    assert unsure.whole_high - unsure.whole_low > 2 * 1.96 * 5.0


def test_a_season_is_found_from_two_years_on_and_not_where_there_is_none():
    wave = 0.3 * np.sin(2 * np.pi * np.arange(36) / 12)
    y = np.log(series(1, n=36, noise=0.05, added=wave))
    assert not season(y[:23], 12).any()
    found = season(y, 12)
    assert found == pytest.approx(wave[:12], abs=0.1)
    assert found.sum() == pytest.approx(0, abs=1e-9)
    chance = [season(np.log(series(seed, n=36, rho=0.0)), 12).any() for seed in range(300)]
    # the exact 99 % band of 300 draws of .05
    assert 6 <= sum(chance) <= 26
    assert outlook(np.exp(y), ahead=6, scale="log").seasonal


def test_smoothing_is_that_of_statsmodels():
    import pandas as pd
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    z = np.log(series(9))
    model = ETSModel(pd.Series(z), error="add", trend="add", damped_trend=True).fit(disp=False)
    path = METHODS["damped"](z, 4, np.zeros(24))
    assert path.mean == pytest.approx(model.forecast(4).to_numpy(), rel=1e-3)
    # its variances grow as those of statsmodels, which divides by another number of values
    theirs = model.get_prediction(start=24, end=27).forecast_variance
    ours = np.diag(path.cover)
    assert ours / ours[0] == pytest.approx(np.asarray(theirs) / theirs[0], rel=0.02)


def test_the_level_is_the_mean_where_neighbours_are_strangers():
    z = np.tile([1.0, -1.0], 10)
    path = METHODS["level"](z, 2, np.zeros(20))
    assert path.mean == pytest.approx([0.0, 0.0], abs=1e-12)
    # a mean of twenty and a value of its own
    assert path.cover[0, 0] == pytest.approx(z.var(ddof=1) * (1 + 1 / 20))


def test_a_line_goes_on():
    z = 3 + 0.5 * np.arange(12) + 1e-6 * np.random.default_rng(0).normal(size=12)
    assert METHODS["line"](z, 3, np.zeros(12)).mean == pytest.approx([9.0, 9.5, 10.0], abs=1e-4)


def test_a_constant_series_is_said_to_stay():
    found = outlook(np.full(12, 4.0), ahead=3)
    assert (found.whole, found.whole_low, found.whole_high) == (4.0, 4.0, 4.0)
    assert (found.above(3.9), found.above(4.1)) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("values", "given", "said"),
    [
        (np.ones(7), {}, "7 values; at least 8"),
        (np.ones(9), {"ahead": 0}, "0 steps ahead"),
        (np.ones(9), {"skip": 1}, "without the first 1"),
        (np.r_[np.ones(8), np.nan], {}, "1 of 9 values are missing"),
        (np.r_[np.ones(8), 0], {"scale": "log"}, "above 0"),
        (np.r_[np.ones(8), 1.2], {"scale": "logit"}, "0 to 1"),
        (np.r_[np.ones(8), -1], {"scale": "root"}, "0 or more"),
    ],
)
def test_what_cannot_be_forecast_is_refused(values, given, said):
    with pytest.raises(ModelError, match=said):
        outlook(values, **{"ahead": 1} | given)


def test_the_first_forecast_rests_on_few_values():
    assert FIRST < FEWEST
    assert earlier(series(0, n=FEWEST), ahead=1, scale="log") == []
