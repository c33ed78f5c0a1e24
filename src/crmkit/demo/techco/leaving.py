"""When does a customer under contract leave, and why? A hazard that is known, made from what can be seen of the customer.

The hazard is constant for 28 days from a cut-off and depends only on the features that
:func:`crmkit.data.summaries.features.churn_features` makes as of that cut-off, so that whoever
computes these features and knows the coefficients has the truth. Two causes compete: customers who want to leave, and
customers who have to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

PERIOD_DAYS = 28
DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class Leaving:
    """Coefficients of the log hazard per 28 days.

    Parameters
    ----------
    base : float
        Hazard per 28 days of a new customer on the plan ``basic`` without tickets, change of usage or answer.
    plan, size : dict of str to float
        Added for a word of the column.
    tickets, complaints, slow : float
        Added per ticket, complaint and slowly answered ticket of the last 90 days.
    usage : float
        Times the change of usage, held between -1 and 1; a missing change counts as none.
    csat : float
        Times the last answer less 4.
    unanswered : float
        Added for customers without an answer in the last year.
    tenure : tuple of (int, float)
        From that many days of tenure on, added.
    season : float
        Times the cosine of the day of the year, greatest at the turn of the year.
    forced_base : float
        Hazard per 28 days of customers who have to leave.
    forced_plan, forced_size : dict of str to float
        Added to its logarithm.
    """

    base: float = 0.028
    plan: Mapping[str, float] = field(default_factory=lambda: {"basic": 0.0, "pro": -0.5, "enterprise": -1.2})
    size: Mapping[str, float] = field(default_factory=lambda: {"small": 0.2, "medium": 0.0, "large": -0.2})
    tickets: float = 0.15
    complaints: float = 0.6
    slow: float = 0.6
    usage: float = -2.5
    csat: float = -0.45
    unanswered: float = 0.15
    tenure: tuple[tuple[int, float], ...] = ((0, 0.0), (90, -0.2), (180, -0.5), (365, -0.7), (730, -0.9))
    season: float = 0.25
    forced_base: float = 0.0025
    forced_plan: Mapping[str, float] = field(default_factory=lambda: {"basic": 0.3, "pro": 0.0, "enterprise": -0.7})
    forced_size: Mapping[str, float] = field(default_factory=lambda: {"small": 0.4, "medium": 0.0, "large": -0.4})

    def contributions(self, features: Mapping[str, Any], *, day_of_year: Any) -> dict[str, Floats]:
        """What each feature adds to the log hazard of those who want to leave.

        Parameters
        ----------
        features : mapping
            Columns of ``churn_features``: ``plan, size, tickets_recent, complaints_recent, slow_recent, usage_change,
            last_csat, tenure_days``; not-a-number where there is none.
        day_of_year : int or array
            Of the cut-off.

        Returns
        -------
        dict of str to array
        """
        change = np.nan_to_num(np.asarray(features["usage_change"], dtype=float), nan=0.0)
        csat = np.asarray(features["last_csat"], dtype=float)
        starts, added = (np.array(column) for column in zip(*self.tenure, strict=True))
        place = np.searchsorted(starts, np.asarray(features["tenure_days"]), side="right") - 1
        return {
            "plan": _words(features["plan"], self.plan),
            "size": _words(features["size"], self.size),
            "tickets": self.tickets * np.asarray(features["tickets_recent"], dtype=float),
            "complaints": self.complaints * np.asarray(features["complaints_recent"], dtype=float),
            "slow": self.slow * np.asarray(features["slow_recent"], dtype=float),
            "usage": self.usage * np.clip(change, -1.0, 1.0),
            "csat": np.where(np.isnan(csat), self.unanswered, self.csat * (csat - 4.0)),
            "tenure": added[np.maximum(place, 0)],
            "season": np.broadcast_to(self.season * np.cos(2 * np.pi * np.asarray(day_of_year) / DAYS_PER_YEAR), csat.shape),
        }

    def wanted(self, features: Mapping[str, Any], *, day_of_year: Any) -> Floats:
        """Hazard per 28 days of leaving of one's own will."""
        return np.asarray(self.base * np.exp(sum(self.contributions(features, day_of_year=day_of_year).values())))

    def forced(self, features: Mapping[str, Any]) -> Floats:
        """Hazard per 28 days of having to leave."""
        added = _words(features["plan"], self.forced_plan) + _words(features["size"], self.forced_size)
        return np.asarray(self.forced_base * np.exp(added))


def _words(words: Any, coefficients: Mapping[str, float]) -> Floats:
    """The coefficient of each word."""
    found, place = np.unique(np.asarray(words, dtype=str), return_inverse=True)
    return np.array([coefficients[str(word)] for word in found])[place].reshape(np.shape(words))


def draw_ends(rng: np.random.Generator, hazard: Floats, *, start: Ints, cuts: Ints) -> Floats:
    """When does each customer leave?

    Parameters
    ----------
    rng : numpy.random.Generator
    hazard : array, customers x periods
        Per 28 days, constant within a period.
    start : array
        Day of the first contract.
    cuts : array
        Last day before each period, and the last day of the last one.

    Returns
    -------
    array
        Moment, in days; infinite for who stays beyond the last period. The day on which the contract ends is its ceiling.
    """
    until = np.cumsum(hazard * exposures(start, cuts) / PERIOD_DAYS, axis=1)
    due = rng.exponential(size=len(start))
    period = (until < due[:, None]).sum(axis=1)
    left = period < hazard.shape[1]
    at = np.minimum(period, hazard.shape[1] - 1)
    rows = np.arange(len(start))
    before = np.where(at > 0, until[rows, np.maximum(at - 1, 0)], 0.0)
    began = np.maximum(cuts[at], start)
    return np.where(left, began + (due - before) * PERIOD_DAYS / hazard[rows, at], np.inf)


def exposures(start: Ints, cuts: Ints) -> Floats:
    """Days of each period on which each customer was there, customers x periods."""
    return np.clip(cuts[None, 1:] - np.maximum(cuts[None, :-1], start[:, None]), 0, None).astype(float)
