"""Simulated shops whose truth is known: rhythms of customers' own, with and without leaving, with season."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

START = dt.date(2022, 1, 1)


@dataclass(frozen=True)
class Shop:
    """All gaps up to the last day, and for each customer the day of the next purchase after it (nan: has left)."""

    gaps: pd.DataFrame
    as_of: dt.date
    next_days: pd.Series


def purchases(rng, customers, *, days, mean, spread, shape, leaving, season, web):
    """Day of each purchase, per customer, until the first one after `days`; nan where a customer has left before."""
    rhythm = mean * np.exp(spread * rng.standard_normal(customers))
    channel = rng.random(customers) < 0.5
    found = []
    for c in range(customers):
        at, own = rng.uniform(0, days * 0.6), []
        while at < days:
            own.append(int(at))
            if rng.random() < leaving:
                at = np.nan
                break
            pace = np.exp(web * channel[c] + season * np.sin(2 * np.pi * at / 365))
            at = int(at) + max(1.0, rng.gamma(shape, rhythm[c] / shape) / pace)
        found.append((sorted(set(own)), at))
    return found, channel


def frame_of(found, channel, rng, days):
    """The columns of `purchase_gaps`, counted here once more."""
    rows = []
    for c, (own, _) in enumerate(found):
        amounts = np.round(np.exp(3 + 0.5 * rng.standard_normal(len(own))), 2)
        for k, day in enumerate(own):
            ended = k + 1 < len(own)
            rows.append(
                (
                    f"c{c:06d}",
                    k + 1,
                    START + dt.timedelta(days=day),
                    START + dt.timedelta(days=own[k + 1]) if ended else None,
                    (own[k + 1] if ended else days) - day,
                    ended,
                    float(day - own[k - 1]) if k else np.nan,
                    (day - own[0]) / k if k else np.nan,
                    day - own[0],
                    amounts[k],
                    amounts[: k + 1].mean(),
                    (START + dt.timedelta(days=day)).month,
                    "web" if channel[c] else "shop",
                )
            )
    names = ["customer_id", "number", "started_at", "ended_at", "duration_days", "event_observed", "previous_gap_days"]
    names += ["mean_gap_days", "known_days", "amount", "mean_amount", "month", "channel"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(started_at=pd.to_datetime(frame["started_at"]), ended_at=pd.to_datetime(frame["ended_at"]))


@pytest.fixture(scope="session")
def shop():
    """Makes a shop of a seed."""

    def make(seed, customers=400, *, days=730, mean=40.0, spread=0.6, shape=2.0, leaving=0.05, season=0.0, web=0.0) -> Shop:
        rng = np.random.default_rng(seed)
        found, channel = purchases(
            rng, customers, days=days, mean=mean, spread=spread, shape=shape, leaving=leaving, season=season, web=web
        )
        following = pd.Series([at - days for _, at in found], index=[f"c{c:06d}" for c in range(customers)])
        return Shop(frame_of(found, channel, rng, days), START + dt.timedelta(days=days), following)

    return make
