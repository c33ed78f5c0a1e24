"""Gaps of shops of which little can be said: what they cannot carry is said in words; closed days are no silence."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmkit.core.errors import ModelError
from crmkit.core.language import Locale, say
from crmkit.models.survival.gaps import choose_horizon, closures, gap_curves, gap_support, open_days

ORIGIN = dt.date(2022, 1, 1)


def frame(customers):
    """Gaps of customers who buy on these days, up to day 400."""
    rows = []
    for name, days in customers.items():
        for k, day in enumerate(days):
            last = k + 1 == len(days)
            rows.append((name, k + 1, day, np.nan if last else days[k + 1], 400 - day if last else days[k + 1] - day, not last,
                         day - days[k - 1] if k else np.nan, (day - days[0]) / k if k else np.nan, 10.0))  # fmt: skip
    names = [
        "customer_id",
        "number",
        "a",
        "b",
        "duration_days",
        "event_observed",
        "previous_gap_days",
        "mean_gap_days",
        "amount",
    ]
    found = pd.DataFrame(rows, columns=names)
    origin = pd.Timestamp(ORIGIN)
    return found.assign(
        started_at=origin + pd.to_timedelta(found["a"], unit="D"), ended_at=origin + pd.to_timedelta(found["b"], unit="D")
    )


AS_OF = ORIGIN + dt.timedelta(days=400)


def support(gaps):
    return gap_support(gaps["duration_days"], gaps["event_observed"], gaps["number"], gaps["customer_id"])


def test_one_purchase_each():
    gaps = frame({f"c{k}": [k] for k in range(200)})
    with pytest.raises(ModelError, match=r"^no gap between purchases has ended; nobody has bought twice"):
        support(gaps)


def test_all_on_one_day():
    gaps = frame({f"c{k}": [7] for k in range(200)})
    with pytest.raises(ModelError, match=r"^all purchases lie on one day, so nobody can have bought again"):
        support(gaps)


def test_returns_only():
    with pytest.raises(ModelError, match=r"^there is no purchase, so there is no gap between purchases"):
        support(frame({"a": [1, 2]}).iloc[:0])


def test_one_customer_with_half_of_the_purchases():
    rng = np.random.default_rng(0)
    usual = {f"c{k}": [d for d in np.cumsum(rng.integers(40, 160, 6)).tolist() if d <= 400] for k in range(120)}
    gaps = frame(usual | {"big": list(range(400))})
    found = support(gaps)
    assert found.largest_share == pytest.approx(0.5, abs=0.02)
    assert say(found.warnings[0], Locale()).startswith("one customer made 48.9% of the purchases")
    assert support(frame(usual)).warnings == ()
    # naive errors take their 399 gaps for 399 customers; errors by customer do not
    curve = gap_curves(gaps["duration_days"], gaps["event_observed"], customer=gaps["customer_id"])
    naive = gap_curves(gaps["duration_days"], gaps["event_observed"])
    assert curve["standard_error"].iloc[3] > 5 * naive["standard_error"].iloc[3]


def test_a_year_closed_in_the_middle():
    """A gap common to all is no silence of customers: found, and taken out of the lengths."""
    rng = np.random.default_rng(1)
    usual = {f"c{k}": np.cumsum(rng.integers(5, 25, 25)) + rng.integers(0, 20) for k in range(150)}
    shut = {name: [int(day) if day < 150 else int(day) + 60 for day in days if day < 340] for name, days in usual.items()}
    days = pd.Series([day for own in shut.values() for day in own]).value_counts().sort_index()
    found = closures(np.datetime64(ORIGIN) + days.index.to_numpy(), days.to_numpy())
    assert len(found) == 1
    first, last = ((day - ORIGIN).days for day in found[0])
    assert 145 <= first <= 150
    assert 209 <= last <= 212
    gaps = frame(shut)
    spans = gaps["event_observed"] & (gaps["a"] < first) & (gaps["b"] > last)
    assert gaps.loc[spans, "duration_days"].min() >= 60
    inside = open_days(gaps["started_at"], gaps["ended_at"].fillna(pd.Timestamp(AS_OF)), found)
    assert inside[spans].max() < 30
    assert (inside[~spans] == gaps.loc[~spans, "duration_days"]).all()


def test_usual_is_the_mean_of_sixty_days_on_each_side_and_no_more():
    """One purchase a day for just 60 days before and after 20 closed days: 20 would have been usual, with a 61st day fewer."""
    at = np.array([*range(0, 40, 5), *range(40, 100), *range(120, 180), *range(184, 220, 5)])
    days, one = np.datetime64(ORIGIN) + at, np.ones(len(at))
    assert [((a - ORIGIN).days, (b - ORIGIN).days) for a, b in closures(days, one)] == [(100, 119)]
    assert closures(days, one, least_expected=20.01) == []


def test_too_few_gaps_for_a_horizon_are_said():
    gaps = frame({"a": [0, 10, 30], "b": [5, 9]})
    with pytest.raises(ModelError, match="too few for any horizon, 20 are needed"):
        choose_horizon(gaps["duration_days"], gaps["event_observed"])
