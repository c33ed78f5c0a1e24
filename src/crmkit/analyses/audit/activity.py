"""Which customers were active in which month?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

YEAR = 12


class Stretch(Protocol):
    """Some months, counted back from the day of the audit, the newest first."""

    @property
    def months(self) -> tuple[int, ...]:
        """Their numbers."""


@dataclass(frozen=True, eq=False)
class Activity:
    """Customers by month.

    Parameters
    ----------
    customers : array of str
    active : array of bool, shape (months, customers)
        Whether a customer is active at the end of a month, month 0 first.
    source : str
        The table that says so.
    reach : int
        How many months back this is known.
    """

    customers: NDArray[np.str_]
    active: NDArray[np.bool_]
    source: str
    reach: int

    def at_end(self, window: Stretch) -> NDArray[np.bool_] | None:
        """Who is active at the end of a window; None where that is not known."""
        month = window.months[0]
        return self.active[month] if month < self.reach else None

    def months(self, window: Stretch) -> float:
        """Customer-months in a window, at the ends of its months, as far as they are known."""
        known = [month for month in window.months if month < self.reach]
        return float(self.active[known].sum()) if known else 0.0


def activity(frames: Mapping[str, pd.DataFrame], covered: Mapping[str, int], months: int) -> Activity | None:
    """Who was active: by contract, else whoever bought within twelve months, else whoever had become a customer by then.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        Of ``contracts, purchases, arrivals`` those that there are.
    covered : mapping of str to int
        How many months back each table reaches.
    months : int
        How many months there are.
    """
    if "contracts" in frames:
        customers, active = _by_contract(frames["contracts"], months)
        return Activity(customers, active, "subscriptions", covered["subscriptions"])
    if "purchases" in frames:
        customers, active = _by_purchase(frames["purchases"], months)
        # the first year of the data does not show who had bought in the year before
        reach = max(covered["transactions"] - YEAR + 1, min(covered["transactions"], 1))
        return Activity(customers, active, "transactions", reach)
    if "arrivals" in frames:
        came = frames["arrivals"].set_index("month")["n"].reindex(range(months + 1), fill_value=0).to_numpy()
        known = np.repeat(np.arange(months + 1), came.astype(int))
        active = known[None, :] >= np.arange(months)[:, None]
        return Activity(np.array([], dtype=str), active, "customers", covered["customers"])
    return None


def _by_contract(contracts: pd.DataFrame, months: int) -> tuple[NDArray[np.str_], NDArray[np.bool_]]:
    customers, number = np.unique(contracts["customer_id"].to_numpy(dtype=str), return_inverse=True)
    first = contracts["first"].to_numpy(dtype="int64")
    # a contract that runs ends in no month, that is, in the month after the newest
    last = contracts["last"].fillna(-1).to_numpy(dtype="int64")
    # between a contract and its follower nobody is gone
    follows = contracts["follows"].to_numpy(dtype=bool)
    active = np.zeros((months, len(customers)), dtype=bool)
    for month in range(months):
        active[month, number[(first >= month) & ((last < month) | (follows & (last == month)))]] = True
    return customers, active


def _by_purchase(purchases: pd.DataFrame, months: int) -> tuple[NDArray[np.str_], NDArray[np.bool_]]:
    bought = purchases[purchases["orders"] > 0]
    customers, number = np.unique(bought["customer_id"].to_numpy(dtype=str), return_inverse=True)
    month = bought["month"].to_numpy(dtype="int64")
    active = np.zeros((months, len(customers)), dtype=bool)
    for back in range(YEAR):
        seen = month - back >= 0
        active[month[seen] - back, number[seen]] = True
    return customers, active
