"""Errors of earlier forecasts: levels are found, ranges cover, and what came later changes nothing."""

import numpy as np
import pytest
from scipy.stats import t

from crmkit.models.basics.past_errors import GROWTH, USUAL, WORTH, Learned, learn, log_errors

DAYS = np.arange(12) * 45.0


def test_without_a_past_the_usual_error_is_taken():
    found = learn([], [], horizon=90, ahead=90, own=0.08)
    assert (found.shift, found.freedom, found.n) == (0.0, WORTH, 0)
    assert found.spread == pytest.approx(np.hypot(USUAL, 0.08))
    reach = t.ppf(0.975, WORTH) * found.spread
    value, low, high = found.of(1000.0)
    assert (value, low, high) == pytest.approx((1000.0, 1000.5 * np.exp(-reach) - 0.5, 1000.5 * np.exp(reach) - 0.5))


def test_by_hand():
    """Two forecasts a horizon apart: the prior is worth six, the two errors differ by .2 from each other."""
    found = learn([0.1, 0.3], [0, 90], horizon=90, ahead=90, own=0.0, level=1e9)
    variance = (6 * 0.06**2 + 0.02) / 7
    assert (found.shift, found.freedom, found.n) == pytest.approx((0.2, 7.0, 2))
    assert found.spread == pytest.approx((variance * 1.5) ** 0.5)


def test_forecasts_that_overlap_count_as_fewer():
    errors = [0.1, 0.2, 0.1, 0.2]
    apart, close = (learn(errors, DAYS[:4] * step, horizon=90, ahead=90, own=0.02) for step in (2, 0.1))
    assert (apart.freedom, close.freedom) == pytest.approx((9.0, 6.0 + 13.5 / 90))
    assert abs(close.shift) < abs(apart.shift)


def test_a_level_of_nothing_moves_nothing_and_a_longer_look_is_wider():
    errors = [0.2, 0.21, 0.19, 0.2]
    assert learn([0.02, 0.01, 0.02, 0.01], DAYS[:4] * 2, horizon=90, ahead=90, own=0.02, level=0.0).shift == 0.0
    near, far = (learn(errors, DAYS[:4] * 2, horizon=90, ahead=ahead, own=0.02) for ahead in (90, 360))
    # as far as the level is no chance, four times the time may bring four times the level
    variance = (6 * (0.06**2 + 0.02**2) + 4 * np.var(errors)) / 9
    sure = 1 - 2 * variance / (4 * 0.2**2)
    assert far.shift == near.shift
    assert far.spread == pytest.approx(np.hypot(near.spread, near.shift * np.hypot(GROWTH * np.log(4), 1.5 * sure)))
    doubtful = [learn([0.2, -0.1, 0.05], DAYS[:3] * 2, horizon=90, ahead=ahead, own=0.1) for ahead in (90, 360)]
    grown = GROWTH * doubtful[0].shift * np.log(4)
    assert doubtful[1].spread == pytest.approx(np.hypot(doubtful[0].spread, grown))


def test_a_level_that_is_off_by_far_is_no_chance():
    """All four were a third too high: a prior that holds levels for right within 4 % gives way."""
    errors = [-0.4, -0.41, -0.39, -0.4]
    found = learn(errors, DAYS[:4] * 2, horizon=90, ahead=90, own=0.02, level=0.04)
    variance = (6 * (0.06**2 + 0.02**2) + 2e-4) / 9
    assert found.shift == pytest.approx(-0.4 * (1 - 2 * variance / (4 * 0.16)))


def test_nothing_that_comes_to_nothing_is_below_zero():
    value, low, high = Learned(0.1, 0.5, 8, 3).of(0.0)
    assert value == low == 0.0
    assert 0 < high < 2
    assert log_errors([0.0], [0.0]).tolist() == [0.0]


@pytest.mark.parametrize(("level", "sd"), [(0.0, 0.03), (0.25, 0.08), (0.25, 0.03)])
def test_ranges_cover_what_comes(level, sd):
    """Errors about a level that is drawn anew in each company; at each day only the forecasts that are over are known."""
    rng, held, seen = np.random.default_rng(5), 0, 0
    for _ in range(400):
        off = rng.normal(0, level) if level else 0.0
        errors = off + rng.normal(0, sd, 12)
        for place in range(4, 12):
            known = DAYS[place] >= DAYS + 90
            found = learn(errors[known], DAYS[known], horizon=90, ahead=90, own=0.01)
            _, low, high = found.of(1000.0)
            held += low <= 1000.5 * np.exp(errors[place]) - 0.5 <= high
            seen += 1
    assert held / seen >= 0.93
    # where errors are smaller than usual, ranges learn it slowly
    assert held / seen <= (0.98 if sd > 0.05 else 1.0)
