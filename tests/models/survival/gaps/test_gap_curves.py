"""Curves of gaps: counts by hand, errors by customer, medians that are not reached, one gap per customer on a day."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmkit.core.errors import ModelError, ParamError
from crmkit.core.language import Locale, say
from crmkit.models.survival import kaplan_meier
from crmkit.models.survival.curves.influence import clustered_errors, influence, influence_at
from crmkit.models.survival.data.observed import check_observed, total
from crmkit.models.survival.gaps import closures, gap_curves, gap_medians, gaps_on_day, open_days


def some_gaps(n=300, seed=0):
    rng = np.random.default_rng(seed)
    length, end = np.ceil(rng.gamma(2, 10, n)), np.ceil(rng.uniform(1, 60, n))
    return np.minimum(length, end), (length <= end).astype(int), rng.integers(0, n // 4, n)


def test_curve_is_the_kits_own():
    time, ended, customer = some_gaps()
    names = ["x", "value", "at_risk", "events", "censored"]
    ours = gap_curves(time, ended, customer=customer, group=customer % 2)
    theirs = kaplan_meier(time, ended, group=customer % 2)
    pd.testing.assert_frame_equal(ours[names], theirs[names])


def test_a_gap_written_twice_for_one_customer_tells_nothing_new():
    time, ended, customer = some_gaps()
    once = gap_curves(time, ended, customer=customer)
    twice = gap_curves(np.tile(time, 2), np.tile(ended, 2), customer=np.tile(customer, 2))
    for name in ("value", "low", "high", "standard_error"):
        np.testing.assert_allclose(once[name], twice[name], rtol=1e-9, atol=1e-12)
    naive = kaplan_meier(np.tile(time, 2), np.tile(ended, 2))
    assert (naive["standard_error"] < once["standard_error"])[1:-1].mean() > 0.9


@pytest.mark.parametrize("late", [False, True])
def test_running_sums_are_the_sums_over_customers(late):
    time, ended, customer = some_gaps()
    entry = np.floor(np.arange(len(time)) % 4 * (time - 1) / 4) if late else None
    seen = check_observed(time, ended, entry=entry)
    codes = np.unique(customer, return_inverse=True)[1]
    of = influence(seen)
    direct = [np.sqrt((total(codes, influence_at(of, t), codes.max() + 1) ** 2).sum()) for t in of.times]
    fast = clustered_errors(of, codes)
    known = np.isfinite(fast)
    np.testing.assert_allclose(fast[known], np.array(direct)[known], rtol=1e-9)
    assert known[: len(known) - 1].all()


def test_median_not_reached_is_none_with_the_reason():
    curve = gap_curves([5, 10, 30, 40, 40], [1, 1, 0, 0, 0], group=["a", "a", "b", "b", "b"])
    table = gap_medians(curve).set_index("group")
    assert table.loc["a", "value"] == 7.5
    assert table.loc["a", "reason"] is None
    assert table.loc["b", ["value", "low", "high"]].tolist() == [None, None, None]
    assert say(table.loc["b", "reason"], Locale()) == (
        "not reached: after 40 days, the longest time seen, 100% had not bought again"
    )


def test_weights_and_customers_exclude_each_other():
    with pytest.raises(ModelError, match="given with customers"):
        gap_curves([1, 2], [1, 1], customer=[1, 2], copies=[1, 1])


def gaps_of(days_by_customer, end):
    rows = []
    for customer, days in days_by_customer.items():
        for k, day in enumerate(days):
            after = days[k + 1] if k + 1 < len(days) else None
            rows.append((customer, k + 1, day, after))
    frame = pd.DataFrame(rows, columns=["customer_id", "number", "a", "b"])
    origin = pd.Timestamp("2024-01-01")
    return frame.assign(
        started_at=origin + pd.to_timedelta(frame["a"], unit="D"), ended_at=origin + pd.to_timedelta(frame["b"], unit="D")
    ).drop(columns=["a", "b"])


def test_one_gap_per_customer_on_a_day():
    gaps = gaps_of({"a": [0, 5, 9, 40], "b": [3], "c": [30]}, 50)
    day, end = dt.date(2024, 1, 21), dt.date(2024, 2, 20)  # days 20 and 50
    found = gaps_on_day(gaps, day, as_of=end)
    assert found["customer_id"].tolist() == ["a", "b"]
    assert found[["silence_days", "duration_days", "ahead_days"]].values.tolist() == [[11, 31, 20], [17, 47, 30]]
    assert found["event_observed"].tolist() == [True, False]
    # a purchase on the very day begins a new gap
    assert gaps_on_day(gaps, dt.date(2024, 1, 10), as_of=end)["number"].tolist() == [3, 1]
    shut = gaps_on_day(gaps, day, as_of=end, closed=[(dt.date(2024, 1, 15), dt.date(2024, 1, 24))])
    assert shut[["silence_days", "duration_days", "ahead_days"]].values.tolist() == [[4, 21, 17], [10, 37, 27]]
    with pytest.raises(ParamError, match="nothing can have followed"):
        gaps_on_day(gaps, end, as_of=end)
    with pytest.raises(ModelError, match="no purchase"):
        gaps_on_day(gaps, dt.date(2023, 1, 1), as_of=end)


@pytest.mark.long
def test_gaps_met_on_a_day_are_not_longer_than_gaps(shop):
    """Length bias: of gaps met on a day, the whole lengths are too long, and right with the entry at the silence."""
    made = shop(1, 6000, leaving=0.0, spread=0.0, mean=40.0, shape=2.0, days=900)
    met = gaps_on_day(made.gaps, dt.date(2023, 9, 1), as_of=made.as_of)
    assert met["customer_id"].is_unique
    biased = gap_medians(gap_curves(met["duration_days"], met["event_observed"]))["value"].iloc[0]
    entry = gap_curves(met["duration_days"], met["event_observed"], entry=met["silence_days"])
    value = np.interp(33.6, entry["x"], entry["value"])  # median of gamma(2, 20)
    assert biased > 45
    assert abs(value - 0.5) < 0.03


def test_closed_stretches_are_found_and_not_counted():
    at = np.arange("2023-01-01", "2025-01-01", dtype="datetime64[D]")
    open_ = (at < np.datetime64("2023-11-01")) | (at > np.datetime64("2024-03-31"))
    found = closures(at[open_], np.full(open_.sum(), 3.0))
    assert found == [(dt.date(2023, 11, 1), dt.date(2024, 3, 31))]
    assert open_days(np.array(["2023-10-30"]), np.array(["2024-04-02"]), found).tolist() == [3]
    # Sundays, and a shop with a purchase a month, are not closed
    assert closures(at[(at.astype(int) % 7) != 3], np.full(((at.astype(int) % 7) != 3).sum(), 50.0)) == []
    assert closures(at[::30], np.ones(len(at[::30]))) == []
