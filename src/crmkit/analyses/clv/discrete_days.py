"""Do purchases happen only on certain days, as with yearly appeals? Then the model of discrete occasions fits too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crmkit.core.errors import ModelError
from crmkit.models.purchases import bgbb

if TYPE_CHECKING:
    import datetime as dt

    import pandas as pd
    from numpy.typing import NDArray

MOST_DAYS = 60
CUSTOMERS_PER_DAY = 5


@dataclass(frozen=True)
class OccasionFit:
    """BG/BB and what it was fitted to: occasions used, the last one used, and occasions there were, per customer."""

    fit: bgbb.Fit
    frequency: NDArray[np.float64]
    recency: NDArray[np.float64]
    occasions: NDArray[np.float64]

    def expected(self, periods: int) -> NDArray[np.float64]:
        """How many of the next occasions each customer is expected to use."""
        known = self.occasions > 0
        found = np.full(len(known), float(bgbb.expected_purchases_new(self.fit, periods)))
        history = (self.frequency[known], self.recency[known], self.occasions[known])
        found[known] = bgbb.expected_purchases(self.fit, periods, *history)
        return found


def fit_occasions(table: pd.DataFrame, days: NDArray[np.datetime64], *, until: dt.date | None) -> OccasionFit | None:
    """BG/BB, where all purchases fall on few days: at most 60, with many customers on each; else None.

    Parameters
    ----------
    table : DataFrame
        Purchase summary as of ``until``.
    days : array of datetime64
        Every day on which anybody bought, rising.
    until : date or None
        Last day that counts.
    """
    seen = days[days <= np.datetime64(until)] if until is not None else days
    if not 2 <= len(seen) <= MOST_DAYS or len(table) < CUSTOMERS_PER_DAY * len(seen):
        return None
    first = np.searchsorted(seen, table["first_day"].to_numpy().astype("datetime64[D]"))
    last = np.searchsorted(seen, table["last_day"].to_numpy().astype("datetime64[D]"))
    columns = [one.astype("float64") for one in (table["frequency"].to_numpy(), last - first, len(seen) - 1 - first)]
    known = columns[2] > 0
    try:
        fit = bgbb.fit_bgbb(bgbb.cells(*(column[known] for column in columns)))
    except ModelError:
        return None
    return OccasionFit(fit, columns[0], columns[1], columns[2])
