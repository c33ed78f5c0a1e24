"""Control charts: shapes of signals, known false-alarm rates, bad input."""

import numpy as np
import pytest

from crmkit.core.errors import ModelError, ParamError
from crmkit.models.basics.spc import RULES, c_chart, false_alarm_share, p_chart, run_flags, u_chart, xmr


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
    assert np.flatnonzero(run_flags(np.array(z), (rule,))[rule]).tolist() == at


def test_false_alarm_rates_with_known_limits():
    """One of 370 points beyond; all four rules signal every 91.75 points (Champ & Woodall 1987, table 1)."""
    z = np.random.default_rng(0).normal(size=(4000, 600))
    assert np.mean(np.abs(z) > 3) == pytest.approx(0.0027, abs=1e-4)
    first = np.any(list(run_flags(z, RULES).values()), axis=0).argmax(1) + 1
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


# the first 30 samples of 50 cans, and 26 samples of 100 boards, that Montgomery prints; R package qcc 2.7, type "p", "c", "u"
CANS = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]
BOARDS = [21, 24, 16, 12, 15, 5, 28, 20, 31, 25, 20, 24, 16, 19, 10, 17, 13, 22, 18, 39, 30, 24, 16, 19, 17, 15]


def test_shares_have_the_limits_of_qcc():
    found = p_chart(CANS, [50] * 30)
    assert found.centre == pytest.approx(0.231333333333, abs=5e-13)
    assert found.table["low"].to_numpy() == pytest.approx(0.0524275480719, abs=5e-14)
    assert found.table["high"].to_numpy() == pytest.approx(0.410239118595, abs=5e-13)
    assert (np.flatnonzero(found.table["beyond"]) + 1).tolist() == [15, 23]


def test_counts_and_rates_have_the_limits_of_qcc():
    counts, rates = c_chart(BOARDS), u_chart(BOARDS, [100] * 26)
    assert counts.centre == pytest.approx(19.8461538462, abs=5e-11)
    assert counts.table[["low", "high"]].iloc[0].tolist() == pytest.approx([6.48144716717, 33.2108605251], abs=5e-11)
    assert rates.table[["low", "high"]].iloc[0].tolist() == pytest.approx([0.0648144716717, 0.332108605251], abs=5e-13)


def test_single_values_have_the_limits_of_qcc():
    found = xmr([10, 50, 40, 30])
    assert found.table[["low", "high"]].iloc[0].tolist() == pytest.approx([-20.6914893617, 85.6914893617], abs=5e-11)


def test_limits_follow_the_number_of_tickets_and_stay_possible():
    table = p_chart([1, 0, 9, 2], [10, 4, 90, 20]).table
    assert (table["high"] - table["low"]).idxmin() == 2
    assert (table["low"] >= 0).all()
    assert (u_chart([1, 0, 9, 2], [10, 4, 90, 20]).table["low"] >= 0).all()


def test_overdispersed_shares_get_wider_limits():
    rng = np.random.default_rng(0)
    n = np.full(40, 5000)
    hits = rng.binomial(n, rng.beta(40, 10, 40))
    plain, wide = p_chart(hits, n), p_chart(hits, n, overdispersed=True)
    assert plain.table["beyond"].sum() > 10
    assert wide.table["beyond"].sum() == 0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: p_chart([1, 2, 3, 9], [5, 5, 5, 5]), "point 4 has more hits than tickets"),
        (lambda: u_chart([1, 2, 3, 4], [5, 0, 5, 5]), "point 2 is 0; it needs a size above 0"),
        (lambda: c_chart([1, -2, 3, 4]), "point 2 is -2; it needs a count of 0 or more"),
        (lambda: p_chart([1, 2], [5, 5]), "limits from 2 of 2 points"),
        (lambda: p_chart([1, 2, 3], [5, 5]), "3 counts of 2 sizes"),
    ],
)
def test_counts_that_cannot_be_are_refused(call, said):
    with pytest.raises(ModelError, match=said):
        call()


def test_shares_that_never_vary_signal_nothing():
    assert not p_chart([0, 0, 0, 0], [5, 5, 5, 5]).table["signal"].any()
