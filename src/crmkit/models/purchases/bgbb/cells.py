"""Which histories of discrete occasions are there, and how many customers share each?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, Problem, rows
from crmkit.models.purchases.btyd.tuples import group_rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TITLE = "BG/BB"


@dataclass(frozen=True, eq=False)
class Cells:
    """The different histories of a customer base with discrete occasions.

    Parameters
    ----------
    frequency, recency, occasions : array of float64, shape (k,)
        Occasions used (x), number of the last one used (t_x, 0 where none), and occasions that there were (n).
    n : array of int64, shape (k,)
        Customers with this history.
    """

    frequency: Floats
    recency: Floats
    occasions: Floats
    n: Ints

    @property
    def customers(self) -> int:
        """How many customers are there?"""
        return int(self.n.sum())


def cells(frequency: ArrayLike, recency: ArrayLike, occasions: ArrayLike, n: ArrayLike | None = None) -> Cells:
    """Which different (x, t_x, n) histories are there, and how many customers share each?

    Parameters
    ----------
    frequency : array_like of whole numbers >= 0
        Occasions used after the one that made the customer a customer.
    recency : array_like of whole numbers
        Number of the last occasion used, from 1; 0 exactly where frequency is 0.
    occasions : array_like of whole numbers >= 1
        Occasions that there were for this customer.
    n : array_like of whole numbers >= 1, optional
        Customers per row; 1 when left out.

    Returns
    -------
    Cells
        Sorted by frequency, recency, occasions.

    Raises
    ------
    ModelError
        Where a row cannot be a history; says what is wrong, and in which rows.

    Examples
    --------
    >>> found = cells([0, 2, 0], [0, 3, 0], 6)
    >>> found.frequency.tolist(), found.n.tolist()
    ([0.0, 2.0], [2, 1])
    """
    x, tx, periods = read(frequency, recency, occasions)
    counts = np.ones(x.shape) if n is None else np.asarray(n, dtype=np.float64)
    if counts.shape != x.shape or not ((counts >= 1) & (counts == np.rint(counts))).all():
        raise ModelError(f"{TITLE}: n must be a whole number >= 1 in each of the {x.size} rows.")
    groups = group_rows((x, tx, periods), counts.astype(np.int64))
    made = [column.values[column.position] for column in groups.columns]
    return Cells(made[0], made[1], made[2], groups.size)


def read(frequency: ArrayLike, recency: ArrayLike, occasions: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """The columns as float64 arrays of one shape, if they can be histories."""
    x, tx, n = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (frequency, recency, occasions)))
    whole = np.logical_and.reduce([np.isfinite(v) & (v == np.rint(v)) & (v >= 0) for v in (x, tx, n)])
    bad = np.flatnonzero(~(whole & (tx <= n) & (x <= tx) & ((x == 0) == (tx == 0))))
    if len(bad):
        text = f"cannot be a history in {len(bad)} of {x.size} rows ({rows(bad[:5].tolist(), len(bad))})"
        allowed = "whole numbers, frequency <= recency <= occasions, and recency 0 exactly where frequency is 0"
        raise ModelError(Problem(f"{TITLE}: (frequency, recency, occasions)", text, allowed))
    return x, tx, n
