"""Which purchase histories are there, and how many customers share each?

The likelihood of a buy-till-you-die model depends on a customer only through (frequency, recency, T), and times come in whole
days, so a million customers have some ten thousand different histories. Everything downstream works on these tuples.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, Problem, rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Days as such, as weeks, months or years, and times rounded to two decimals: each becomes a whole number when multiplied.
UNITS_PER_TIME = (1.0, 7.0, 30.4375, 365.25, 100.0)
DENSE_CELLS = 4_000_000


class Codes(NamedTuple):
    """One column as positions in its sorted different values."""

    position: Ints
    values: Floats


class Groups(NamedTuple):
    """Rows that agree in every column: the codes of each group per column, its size, and the group of each row."""

    columns: tuple[Codes, ...]
    size: Ints
    inverse: Ints


@dataclass(frozen=True, eq=False)
class Tuples:
    """The different purchase histories of a customer base.

    Parameters
    ----------
    frequency : array of float64, shape (k,)
        Repeat purchases: days (or other merged occasions) with a purchase after the first.
    recency : array of float64, shape (k,)
        Time from the first to the last purchase, in the unit of `T`; 0 where there is no repeat purchase.
    T : array of float64, shape (k,)
        Time from the first purchase to the end of observation.
    n : array of int64, shape (k,)
        Customers with this history.
    codes : tuple of Codes
        `frequency`, `recency` and `T` as positions in their sorted different values, so that a special function runs once
        per different value.

    Notes
    -----
    Sorted by frequency, then recency, then T, whatever the order of the rows they were made from.
    """

    frequency: Floats
    recency: Floats
    T: Floats
    n: Ints
    codes: tuple[Codes, Codes, Codes] = field(repr=False)

    @property
    def customers(self) -> int:
        """How many customers are there?"""
        return int(self.n.sum())

    @property
    def repeat_buyers(self) -> int:
        """How many customers bought more than once?"""
        return int(self.n[self.frequency > 0].sum())

    def __len__(self) -> int:
        return len(self.n)


def tuples(frequency: ArrayLike, recency: ArrayLike, T: ArrayLike, n: ArrayLike | None = None) -> Tuples:
    """Which different (frequency, recency, T) histories are there, and how many customers share each?

    Parameters
    ----------
    frequency : array_like of whole numbers >= 0, shape (rows,)
        Repeat purchases of each customer.
    recency : array_like, shape (rows,)
        Time from first to last purchase, 0 <= recency <= T, and 0 exactly where frequency is 0.
    T : array_like, shape (rows,)
        Time from first purchase to the end of observation, in the same unit (weeks as days / 7, or days).
    n : array_like of whole numbers >= 1, shape (rows,), optional
        Customers per row, where rows are already grouped, for example by a ``GROUP BY``; 1 when left out.

    Returns
    -------
    Tuples
        One entry per different history, in the unit of time given.

    Raises
    ------
    ModelError
        Where a row cannot be a purchase history; says what is wrong, in how many rows, and in which.

    Notes
    -----
    Columns of whole days (also divided by 7, 30.4375 or 365.25) are packed into one integer and counted, without sorting the
    rows; other times are hashed.

    Examples
    --------
    >>> t = tuples([0, 2, 0, 2], [0, 30, 0, 30], [39, 39, 39, 38])
    >>> t.frequency.tolist(), t.T.tolist(), t.n.tolist()
    ([0.0, 2.0, 2.0], [39.0, 38.0, 39.0], [2, 1, 1])
    """
    x, tx, age = check_histories(frequency, recency, T)
    weights = None if n is None else _check_counts(n, len(x))
    if not len(x):
        raise ModelError(Problem("purchase histories:", "there are no rows", "at least one customer is needed"))
    groups = group_rows((x, tx, age), weights)
    coded = groups.columns
    made = [column.values[column.position] for column in coded]
    for array in (*made, groups.size, *(part for column in coded for part in column)):
        array.flags.writeable = False
    return Tuples(made[0], made[1], made[2], groups.size, (coded[0], coded[1], coded[2]))


def check_histories(frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Are these possible purchase histories? Returns them as float64 arrays of one shape.

    Raises
    ------
    ModelError
        All faults at once, each with the number of rows and the first five positions.
    """
    try:
        x, tx, age = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (frequency, recency, T)))
    except ValueError as err:
        raise ModelError(
            f"purchase histories: frequency, recency and T must be numbers in columns of one length; {err}."
        ) from err
    finite = np.isfinite(x) & np.isfinite(tx) & np.isfinite(age)
    faults: list[Problem] = []

    def refuse(bad: NDArray[np.bool_], column: str, what: str, allowed: str) -> None:
        if bad.any():
            found = np.flatnonzero(bad)
            text = f"{what} in {len(found)} of {bad.size} rows ({rows(found[:5].tolist(), len(found))})"
            faults.append(Problem(f"purchase histories: {column}", text, allowed))

    refuse(~finite, "frequency, recency or T", "is missing or infinite", "leave these customers out and count them")
    refuse(finite & ((x < 0) | (x != np.rint(x))), "frequency", "is not a whole number >= 0", "count the repeat purchases")
    refuse(finite & (tx < 0), "recency", "is negative", "it is the time from the first to the last purchase")
    refuse(finite & (tx > age), "recency", "is above T", "the last purchase lies before the end of observation")
    refuse(
        finite & (tx >= 0) & ((x == 0) != (tx == 0)),
        "recency",
        "and frequency disagree",
        "recency is 0 exactly where there is no repeat purchase",
    )
    if faults:
        raise ModelError(faults)
    return x, tx, age


def group_rows(columns: tuple[Floats, ...], weights: Ints | None = None) -> Groups:
    """Which rows agree in every column? Groups are sorted by their columns."""
    coded = [_code_column(column) for column in columns]
    key = coded[0].position
    cells = len(coded[0].values)
    for column in coded[1:]:
        key = key * len(column.values) + column.position
        cells *= len(column.values)
    if cells <= max(4 * len(key), min(DENSE_CELLS, 100 * len(key))):
        filled = np.bincount(key, minlength=cells)
        keys = np.flatnonzero(filled)
        group = np.empty(cells, dtype=np.int64)
        group[keys] = np.arange(len(keys))
        inverse, size = group[key], filled[keys]
    else:
        inverse, keys = _factorize(key)
        size = np.bincount(inverse, minlength=len(keys))
    if weights is not None:
        size = np.rint(total(inverse, weights.astype(np.float64), len(keys))).astype(np.int64)
    unpacked = []
    for column in reversed(coded):
        keys, index = np.divmod(keys, len(column.values))
        unpacked.append(Codes(index, column.values))
    return Groups(tuple(reversed(unpacked)), size, inverse)


def total(position: Ints, weights: Floats, length: int) -> Floats:
    """The sum of the weights per position."""
    return np.asarray(np.bincount(position, weights, length), dtype=np.float64)


def dot(left: Floats, right: Floats) -> float:
    """The sum of products, without BLAS: its threads cost more than they bring on vectors of this length."""
    return float(np.einsum("i,i->", left, right))


def _code_column(values: Floats) -> Codes:
    limit = max(4 * values.size, 1_000_000)
    for scale in UNITS_PER_TIME:
        whole = np.rint(values[:1000] * scale)
        if not np.array_equal(whole / scale, values[:1000]):
            continue
        whole = np.rint(values * scale)
        if whole.max() <= limit and np.array_equal(whole / scale, values):
            positions = whole.astype(np.int64)
            found = np.bincount(positions)
            different = np.flatnonzero(found)
            lookup = np.empty(len(found), dtype=np.int64)
            lookup[different] = np.arange(len(different))
            return Codes(lookup[positions], different / scale)
    return Codes(*_factorize(values))


def _factorize(values: NDArray[Any]) -> tuple[Ints, NDArray[Any]]:
    import pandas as pd  # the hash table is the reason: no sort of the rows, only of the different values

    index, different = pd.factorize(values)
    order = np.argsort(different)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[index], np.asarray(different)[order]


def _check_counts(n: ArrayLike, length: int) -> Ints:
    counts = np.asarray(n, dtype=np.float64)
    if counts.shape != (length,):
        raise ModelError(f"purchase histories: n has shape {counts.shape}, the other columns have {length} rows.")
    bad = np.flatnonzero(~(np.isfinite(counts) & (counts >= 1) & (counts == np.rint(counts))))
    if len(bad):
        where = rows(bad[:5].tolist(), len(bad))
        text = f"is not a whole number >= 1 in {len(bad)} of {length} rows ({where})"
        raise ModelError(Problem("purchase histories: n", text, "it counts the customers of a row"))
    return counts.astype(np.int64)
