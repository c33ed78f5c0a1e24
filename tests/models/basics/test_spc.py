"""Control charts: shapes of signals, known false-alarm rates, bad input."""

import numpy as np
import pytest

from crmkit.core.errors import ModelError, ParamError
from crmkit.models.basics.spc import RULES, _flags, false_alarm_share, xmr


def test_a_shift_is_seen_and_frozen_limits_stay():
    x = [50, 52, 49, 51, 50, 48, 51, 50, 60, 61, 59]
    found = xmr(x, baseline=8)
    assert found.table["signal"].tolist() == [False] * 8 + [True] * 3
    assert found.table["reason"][8] == ("outside the limits",)
    assert xmr([*x, 90], baseline=8).table["high"][0] == found.table["high"][0]
    assert found.centre == np.mean(x[:8])
    assert np.isnan(found.table["moving_range"][0])


@pytest.mark.parametrize(
    ("z", "rule", "at"),
    [
        ([0, 3.1, 0, -3.1], "beyond", [1, 3]),
        ([2.1, 0, 2.1, 0, 0, 2.1], "two_of_three", [2]),
        ([2.1, -2.1, 0], "two_of_three", []),
        ([1.1, 1.1, 0, 1.1, 1.1, 1.1], "four_of_five", [4, 5]),
        ([0.1] * 9, "eight_in_a_row", [7, 8]),
        ([0.1] * 7 + [-0.1] + [0.1] * 7, "eight_in_a_row", []),
    ],
)
def test_rules(z, rule, at):
    assert np.flatnonzero(_flags(np.array(z), (rule,))[rule]).tolist() == at


def test_false_alarm_rates_with_known_limits():
    """One of 370 points beyond; all four rules signal every 91.75 points (Champ & Woodall 1987, table 1)."""
    z = np.random.default_rng(0).normal(size=(4000, 600))
    assert np.mean(np.abs(z) > 3) == pytest.approx(0.0027, abs=1e-4)
    first = np.any(list(_flags(z, RULES).values()), axis=0).argmax(1) + 1
    assert first.mean() == pytest.approx(91.75, abs=2.576 * first.std() / np.sqrt(4000))


def test_charts_of_few_points_rarely_alarm_but_more_rules_do():
    assert false_alarm_share(4) < 0.01
    assert false_alarm_share(12) < false_alarm_share(12, rules=RULES)
    assert false_alarm_share(24, baseline=8) > false_alarm_share(24)


def test_bounds_and_equal_values():
    found = xmr([90, 60, 95, 70], bounds=(-100, 100))
    assert found.table["high"].iloc[0] == 100
    still = xmr([5, 5, 5, 5, 6], baseline=4)
    assert still.table["signal"].tolist() == [False] * 4 + [True]


def test_refuses_bad_input():
    with pytest.raises(ModelError, match="from 3 of 3 points; at least 4"):
        xmr([1, 2, 3])
    with pytest.raises(ModelError, match="point 2 has no value"):
        xmr([1, np.nan, 3, 4])
    with pytest.raises(ParamError, match="did you mean 'beyond'"):
        xmr([1, 2, 3, 4], rules=["beyon"])
