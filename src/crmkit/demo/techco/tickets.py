"""What does a customer under contract use, and what does it ask the support? Paths that do not depend on who leaves.

Usage is counted for 28 days at a time; it varies around a level of the customer's own and now and then goes down for a while.
Tickets come at random with a rate of the customer's own. Both are drawn for everybody until the end and cut where a customer
left, so that what is true of the future can be computed without knowing who stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crmkit.demo.techco.leaving import PERIOD_DAYS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

KINDS = ("question", "fault", "complaint")
KIND_SHARES = (0.5, 0.32, 0.18)
WINDOW_DAYS = 90
DAY_SECONDS = 86_400
DECLINE_PERIODS = 4
DECLINE = -0.28
FULL_HISTORY = 4


@dataclass(frozen=True)
class Usage:
    """Level of usage: its logarithm around the customer's own level, periods of decline still to come, counts per period."""

    level: Floats
    decline: Ints
    counts: Floats


@dataclass(frozen=True)
class Tickets:
    """Tickets, one element each: the customer's place, the second since the first day, the kind, hours to the first answer."""

    who: Ints
    second: Ints
    kind: Ints
    hours: Floats

    @property
    def day(self) -> Ints:
        return self.second // DAY_SECONDS

    def where(self, keep: Flags) -> Tickets:
        """Those that are wanted."""
        return Tickets(self.who[keep], self.second[keep], self.kind[keep], self.hours[keep])


def draw_usage(rng: np.random.Generator, *, mean: Floats, share: Floats, risk: Floats, level: Floats, decline: Ints) -> Usage:
    """Counts of usage for each customer and period.

    Parameters
    ----------
    mean : array
        Usual count of 28 days, per customer.
    share : array, customers x periods
        Part of the period in which the customer was there.
    risk : array, customers x periods
        Probability that a decline begins.
    level, decline : array
        Where the paths begin.
    """
    counts = np.zeros(share.shape)
    for period in range(share.shape[1]):
        begins = (decline == 0) & (rng.random(len(mean)) < risk[:, period]) & (share[:, period] > 0)
        decline = np.where(begins, DECLINE_PERIODS, decline)
        level = 0.9 * level + np.where(decline > 0, DECLINE, 0.0)
        decline = np.maximum(decline - 1, 0)
        noise = rng.normal(0.0, 0.12, len(mean))
        counts[:, period] = np.rint(mean * share[:, period] * np.exp(level + noise))
    return Usage(level, decline, counts)


def usage_change(counts: Floats) -> Floats:
    """Change of usage at the end of the last of four periods, against the three before it; not-a-number without any before."""
    before = counts[:, -FULL_HISTORY:-1].sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(before > 0, counts[:, -1] * (FULL_HISTORY - 1) / before - 1.0, np.nan)


def draw_tickets(
    rng: np.random.Generator, rate: Floats, fault_share: Floats, median_hours: Floats, *, begin: Ints, first: Floats
) -> Tickets:
    """Tickets of each customer and period.

    Parameters
    ----------
    rate : array, customers x periods
        Expected tickets of a period.
    fault_share : array, customers x periods
        Part of them that are about the defect, on top of the usual kinds.
    median_hours : array, customers x periods
        Usual hours to the first answer.
    begin : array
        Last day before each period.
    first : array, customers x periods
        First day of the period on which the customer was there.
    """
    number = rng.poisson(rate)
    flat = np.repeat(np.arange(rate.size), number.ravel())
    who, period = np.divmod(flat, rate.shape[1])
    last = begin[period] + PERIOD_DAYS
    day = first.ravel()[flat] + np.floor(rng.random(len(who)) * (last - first.ravel()[flat] + 1))
    # support is asked between seven in the morning and ten in the evening
    second = day.astype(np.int64) * DAY_SECONDS + 60 * rng.integers(7 * 60, 22 * 60, len(who))
    kind = rng.choice(len(KINDS), len(who), p=KIND_SHARES)
    kind = np.where(rng.random(len(who)) < fault_share.ravel()[flat], KINDS.index("fault"), kind)
    hours = np.rint(60 * median_hours.ravel()[flat] * np.exp(rng.normal(0.0, 0.9, len(who)))) / 60
    order = np.lexsort((second, who))
    return Tickets(who[order], second[order], kind[order], hours[order])


def count_recent(tickets: Tickets, chosen: Flags, *, customers: int, cuts: Ints, lag: int = 0) -> Floats:
    """Tickets of the last 90 days at each cut-off, customers x cut-offs.

    Parameters
    ----------
    tickets : Tickets
    chosen : array
        Which of them count.
    customers : int
    cuts : array
        Cut-offs, 28 days apart.
    lag : int
        Days before the end of the cut-off from which a ticket counts; 1 for what takes a day to be seen.
    """
    counts = np.zeros((customers, len(cuts)))
    kept = tickets.where(chosen)
    first = -((cuts[0] - kept.day - lag) // PERIOD_DAYS)
    for step in range(WINDOW_DAYS // PERIOD_DAYS + 1):
        at = first + step
        inside = (at >= 0) & (at < len(cuts))
        inside[inside] = kept.day[inside] > cuts[at[inside]] - WINDOW_DAYS
        np.add.at(counts, (kept.who[inside], at[inside]), 1)
    return counts
