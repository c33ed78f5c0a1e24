"""The horizon: counts by hand, what it gets wrong where the truth is known, and that it says when there is none."""

import numpy as np
import pytest

from crmkit.core.errors import ModelError, ParamError
from crmkit.core.language import Locale, say
from crmkit.models.survival import kaplan_meier
from crmkit.models.survival.gaps import choose_horizon, horizon_table

# 100 gaps: 10 end on each of the days 10, 20, ..., 60, and 40 are open on day 200
GAPS = np.repeat([*range(10, 70, 10), 200], [10] * 6 + [40])
ENDED = np.repeat([1] * 6 + [0], [10] * 6 + [40])


def test_shares_are_those_counted_by_hand():
    table = horizon_table(GAPS, ENDED, horizons=[9, 10, 45, 60, 100, 150]).set_index("horizon")
    assert table["called"].tolist() == [100, 90, 60, 40, 40, 40]
    assert table["returned"].tolist() == [60, 50, 20, 0, 0, 0]
    assert table["false_share"].tolist() == pytest.approx([0.6, 5 / 9, 1 / 3, 0, 0, 0])
    assert table["called_share"].tolist() == pytest.approx([1, 0.9, 0.6, 0.4, 0.4, 0.4])
    assert table["allowed"].tolist() == [True] * 5 + [False]
    assert (table["followed"] == 200).all()
    assert table.loc[45, "usual_gaps"] == 1.5
    inside = table.loc[[9, 10, 45]]
    assert ((inside["low"] < inside["false_share"]) & (inside["false_share"] < inside["high"])).all()


def test_the_shortest_horizon_within_the_limit():
    found = choose_horizon(GAPS, ENDED, limit=0.35)
    assert (found.days, found.false_share) == (40, pytest.approx(1 / 3))
    assert choose_horizon(GAPS, ENDED, limit=0.3).days == 50
    sure = choose_horizon(GAPS, ENDED, limit=0.35, require="high")
    assert (sure.days, sure.high < 0.35) == (50, True)
    assert 0 < choose_horizon(GAPS, ENDED, limit=0.1).high < 0.1  # nobody of 40 has come back: that may be chance
    assert choose_horizon(GAPS, ENDED, limit=0.35, step=7).days == 42
    assert found.reason is None
    assert found.warnings == ()
    assert found.longest == 100


def test_open_gaps_are_not_taken_for_lost_customers():
    """Most gaps are seen for only a while: the share is that of gaps seen to the end, not of those seen by chance."""
    rng = np.random.default_rng(0)
    length = np.where(rng.random(40_000) < 0.3, np.inf, rng.exponential(30, 40_000))
    end = np.where(rng.random(40_000) < 0.2, 300.0, rng.uniform(0, 90, 40_000))
    time, ended = np.ceil(np.minimum(length, end)), length <= end
    truth = ((length > 60) & np.isfinite(length)).sum() / (length > 60).sum()
    row = horizon_table(time, ended, horizons=[60]).iloc[0]
    assert row["low"] < truth < row["high"]
    assert row["returned"] / row["called"] < truth - 0.03


def test_without_censoring_customers_and_weights_change_errors_only():
    plain = horizon_table(GAPS, ENDED, horizons=[25, 45])
    folded = horizon_table([*range(10, 70, 10), 200], [1] * 6 + [0], horizons=[25, 45], copies=[10] * 6 + [40])
    assert plain.equals(folded)
    own = horizon_table(GAPS, ENDED, horizons=[25, 45], customer=np.arange(100))
    assert own["low"].tolist() == pytest.approx(plain["low"].tolist(), abs=1e-9)  # each gap a customer: Greenwood
    paired = horizon_table(np.tile(GAPS, 2), np.tile(ENDED, 2), horizons=[25, 45], customer=np.tile(np.arange(100), 2))
    assert paired["low"].tolist() == pytest.approx(plain["low"].tolist(), abs=1e-9)


def test_where_all_come_back_at_once_the_limits_are_exact():
    row = horizon_table(np.full(100, 50.0), np.ones(100), horizons=[25]).iloc[0]
    assert row[["false_share", "low", "high"]].tolist() == pytest.approx([1.0, 0.025 ** (1 / 100), 1.0], rel=1e-12)


def test_where_everybody_comes_back_there_is_none():
    rng = np.random.default_rng(1)
    time = np.ceil(rng.gamma(2, 15, 3000))
    found = choose_horizon(np.minimum(time, 400), time <= 400)
    assert found.days is None
    assert say(found.reason, Locale()).startswith("no horizon up to ")
    assert found.false_share > 0.9


def test_returns_that_go_on_are_said():
    rng = np.random.default_rng(2)
    time = np.ceil(np.where(rng.random(5000) < 0.7, rng.exponential(20, 5000), rng.exponential(2000, 5000)))
    found = choose_horizon(np.minimum(time, 365), time <= 365)
    assert found.days is not None
    assert "customers still come back when the data end" in say(found.warnings[0], Locale())


@pytest.mark.parametrize(("seeds", "customers"), [(6, 600), pytest.param(60, 1000, marks=pytest.mark.slow)])
@pytest.mark.long
def test_false_alarms_are_those_stated(shop, seeds, customers):
    """Of all calls at the horizon chosen, so many are followed by a purchase; the simulator knows how they go on."""
    false, called, stated = 0, 0, []
    for seed in range(seeds):
        made = shop(seed, customers, days=1000, leaving=0.12, mean=30.0, spread=0.4)
        gaps = made.gaps
        found = choose_horizon(gaps["duration_days"], gaps["event_observed"], customer=gaps["customer_id"])
        assert found.days is not None
        long = gaps["duration_days"] > found.days
        back = gaps["event_observed"] | gaps["customer_id"].map(made.next_days).notna()
        false, called = false + int((long & back).sum()), called + int(long.sum())
        stated.append(found.false_share)
    assert false / called == pytest.approx(np.mean(stated), abs=0.03)
    assert false / called < 0.22


@pytest.mark.parametrize("seeds", [25, pytest.param(500, marks=pytest.mark.slow)])
@pytest.mark.long
def test_where_nobody_leaves_hardly_anybody_is_called_lost(shop, seeds):
    """Every call is wrong here; at most the stated share of the customers is called, and where the record is long nobody."""
    none, called = 0, []
    for seed in range(seeds):
        made = shop(seed, 200, days=730, leaving=0.0, mean=40.0, spread=0.6)
        gaps = made.gaps
        found = choose_horizon(gaps["duration_days"], gaps["event_observed"], customer=gaps["customer_id"])
        none += found.days is None
        silence = gaps.loc[~gaps["event_observed"], "duration_days"]
        called.append(0.0 if found.days is None else (silence > found.days).mean())
        if found.days is not None:
            assert called[-1] <= found.limit
    assert np.mean(called) < 0.01
    assert none >= 0.9 * seeds


@pytest.mark.long
def test_coverage_of_the_false_share():
    """Intervals by customer hold where the gaps of a customer are alike."""
    inside, runs = 0, 200
    rng = np.random.default_rng(0)
    for _ in range(runs):
        # four gaps each; a customer is quick or slow in all of them, so naive errors are too small
        slow = rng.random(250) < 0.3
        length = np.where(slow[:, None], rng.exponential(150, (250, 4)), rng.exponential(20, (250, 4))).ravel()
        time = np.minimum(np.ceil(length), 300)
        row = horizon_table(time, length <= 300, horizons=[60], customer=np.repeat(np.arange(250), 4)).iloc[0]

        def still(t):
            return 0.3 * np.exp(-t / 150) + 0.7 * np.exp(-t / 20)

        # ceil: a gap is longer than 60 whole days where it is longer than 60; the last day followed is 299 or 300
        truth = 1 - still(row["followed"] if row["followed"] < 300 else 300) / still(60)
        inside += row["low"] <= truth <= row["high"]
    from scipy.stats import binom

    low, high = binom.ppf([0.005, 0.995], runs, 0.95)
    assert low <= inside <= high


def test_faults_are_named():
    with pytest.raises(ModelError, match="nobody has bought twice"):
        choose_horizon([10, 20], [0, 0])
    with pytest.raises(ModelError, match="the data follow 2 gaps for more than a day; too few for any horizon, 20 are needed"):
        choose_horizon([10, 20], [1, 0])
    with pytest.raises(ParamError, match="limit is 20; a share between 0 and 1"):
        choose_horizon(GAPS, ENDED, limit=20)
    with pytest.raises(ParamError, match="horizons are"):
        horizon_table(GAPS, ENDED, horizons=[0])


def test_the_curve_is_the_kits_own():
    curve = kaplan_meier(GAPS, ENDED)
    table = horizon_table(GAPS, ENDED)
    at = np.searchsorted(curve["x"], table["horizon"], side="right") - 1
    assert np.allclose(table["called_share"], curve["value"].to_numpy()[at])


def test_without_a_question_forty_horizons_are_looked_at():
    """From the day by which half of those who come back are back to the end of what can be followed, evenly."""
    rows = horizon_table(np.arange(1, 1001), np.arange(1, 1001) <= 700)
    asked = rows["horizon"].to_numpy()
    assert len(asked) == 40
    assert np.diff(asked).max() - np.diff(asked).min() <= 1
