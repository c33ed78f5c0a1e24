"""Who are the customers, when did they come, and when did they go?"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.demo.audited.levels import Levels, levels_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Words = NDArray[np.object_]

AS_OF = dt.date(2025, 12, 31)
MONTHS = 24
FIRST = dt.date(2024, 1, 1)
DAYS = (AS_OF - FIRST).days + 1
MONTH_DAYS = DAYS / MONTHS
STARTS = np.array([(dt.date(2024 + month // 12, month % 12 + 1, 1) - FIRST).days for month in range(MONTHS)] + [DAYS])
REGIONS = ("North", "South", "East", "West")
BEFORE_DAYS = 1500


@dataclass(frozen=True)
class Setting:
    """What is simulated: the problems, and how much of them is there in each month.

    Parameters
    ----------
    problems : dict of str to float
    base : Levels
    at_target : bool
    order_rate : float
        Orders per customer and month.
    steady : bool
        Whether the problems are as great at the beginning as at the end; else they grow for a year.
    """

    problems: dict[str, float]
    base: Levels
    at_target: bool = False
    order_rate: float = 1.0
    steady: bool = False

    @property
    def final(self) -> Levels:
        return levels_of(self.problems, self.base)

    def by_month(self, name: str) -> Floats:
        """A level in each month."""
        return np.array([getattr(levels_of(self.problems, self.base, part=part), name) for part in self.parts])

    @property
    def parts(self) -> Floats:
        return np.ones(MONTHS) if self.steady else np.clip(0.35 + 0.65 * np.arange(MONTHS) / 12, 0, 1)

    def at(self, name: str, day: Any) -> Floats:
        """A level on each of some days."""
        return self.by_month(name)[month_of(day)]


@dataclass(frozen=True)
class People:
    """Customers, one element each: day of coming (negative: before the data), last day, region, traits.

    ``busy`` multiplies the rate of orders, ``halo`` is how content they are by nature, ``known`` is whether the master data
    have them, ``referred`` whether somebody recommended the company.
    """

    ids: Words
    start: Ints
    end: Ints
    region: Ints
    busy: Floats
    halo: Floats
    known: Flags
    referred: Flags

    def there(self, first: Ints | int, last: Ints | int) -> Flags:
        """Who was there on some day from the first to the last."""
        return (self.start <= last) & (self.end >= first)

    def leave(self, end: Ints) -> People:
        """The same, with their last days."""
        return replace(self, end=end)


def month_of(day: Any) -> Ints:
    """Number of the month that a day lies in."""
    return np.clip(np.searchsorted(STARTS, np.asarray(day), side="right") - 1, 0, MONTHS - 1).astype(np.int64)


def draw_people(rng: np.random.Generator, n: int, setting: Setting, prefix: str) -> People:
    """Customers; nobody has left yet."""
    levels = setting.final
    arriving = levels.arriving * (1 + levels.arriving_growth) ** (np.arange(MONTHS) / 12)
    old = max(1, round(n / (1 + arriving.sum())))
    month = rng.choice(MONTHS, n - old, p=arriving / arriving.sum()) if n > old else np.zeros(0, dtype=np.int64)
    span = STARTS[month + 1] - STARTS[month]
    start = np.concatenate([-rng.integers(1, BEFORE_DAYS, old), STARTS[month] + np.floor(rng.random(n - old) * span)])
    return People(
        ids=np.array([f"{prefix}{number:05d}" for number in rng.permutation(n) + 1], dtype=object),
        start=start.astype(np.int64),
        end=np.full(n, DAYS + 10_000),
        region=rng.integers(0, len(REGIONS), n),
        busy=rng.gamma(4.0, 0.25, n),
        halo=rng.normal(0.0, 0.35, n),
        known=rng.random(n) < levels.matched,
        referred=rng.random(n) < levels.referred,
    )


def dates(days: Any) -> Any:
    """Days as dates."""
    import pandas as pd

    return pd.to_datetime(np.datetime64(FIRST, "D") + np.asarray(days).astype("timedelta64[D]"))


def times(seconds: Any) -> Any:
    """Seconds since the first day as text, to the second; empty where there are none."""
    import pandas as pd

    seconds = np.asarray(seconds, dtype=float)
    missing = ~np.isfinite(seconds)
    whole = np.where(missing, 0, seconds).astype("timedelta64[s]")
    text = pd.Series(np.datetime64(FIRST, "s") + whole).dt.strftime("%Y-%m-%d %H:%M:%S")
    return text.mask(missing)
