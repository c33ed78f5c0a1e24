"""Who are the best, the new, the sleeping and the lost customers, by recency, frequency and money?

Each customer gets a score from 1 to 5 on three scales; each of the 125 combinations belongs to exactly one named segment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, ParamError, Problem, did_you_mean, rows
from crmkit.core.language import mark
from crmkit.models.basics.shares import wilson

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SCORES = 5
SCALES = ("recency", "frequency", "monetary")
# from the best to the worst; a move up the list is a gain
SEGMENTS = (
    mark("Champions"),
    mark("Loyal customers"),
    mark("Big spenders"),
    mark("Potential loyalists"),
    mark("New customers"),
    mark("Promising"),
    mark("Need attention"),
    mark("About to sleep"),
    mark("Cannot lose"),
    mark("At risk"),
    mark("Hibernating"),
    mark("Lost"),
)
# the scores of recency, frequency and money that each segment takes: boxes without overlap
BOXES: tuple[tuple[str, str, str, str], ...] = (
    ("Champions", "45", "45", "45"),
    ("Loyal customers", "45", "45", "123"),
    ("Loyal customers", "3", "45", "12345"),
    ("Big spenders", "45", "23", "45"),
    ("Potential loyalists", "45", "23", "123"),
    ("New customers", "5", "1", "12345"),
    ("Promising", "4", "1", "12345"),
    ("Need attention", "3", "23", "12345"),
    ("Need attention", "3", "1", "45"),
    ("About to sleep", "3", "1", "123"),
    ("Cannot lose", "12", "45", "45"),
    ("At risk", "12", "45", "123"),
    ("At risk", "12", "123", "45"),
    ("Hibernating", "12", "23", "123"),
    ("Hibernating", "2", "1", "123"),
    ("Lost", "1", "1", "123"),
)
NEW = mark("New")
GONE = mark("Gone")


@dataclass(frozen=True)
class Rules:
    """Where each score begins, so that another date can be scored by the same rules.

    Parameters
    ----------
    recency : tuple of 4 floats
        Most days since the last purchase for scores 2, 3, 4, 5: falling.
    frequency, monetary : tuple of 4 floats
        Least value for scores 2, 3, 4, 5: rising. Infinite where nobody reaches a score.
    """

    recency: tuple[float, ...]
    frequency: tuple[float, ...]
    monetary: tuple[float, ...]

    def __post_init__(self) -> None:
        problems = []
        for name in SCALES:
            cuts = np.asarray(getattr(self, name), dtype=np.float64)
            rising = cuts if name != "recency" else -cuts
            if cuts.shape != (SCORES - 1,) or not (rising[1:] >= rising[:-1]).all():
                way = "fall" if name == "recency" else "rise"
                problems.append(Problem(f"rfm: cuts of {name}", f"are {list(getattr(self, name))}", f"four numbers that {way}"))
        if problems:
            raise ParamError(problems)


def rules(days_since_last: ArrayLike, frequency: ArrayLike, monetary: ArrayLike) -> Rules:
    """Where does each score begin, so that each takes a fifth of the customers as nearly as ties allow?

    Parameters
    ----------
    days_since_last, frequency, monetary : array_like, shape (customers,)
        Days since the last purchase; purchases; money. For own cut points make a :class:`Rules` directly.

    Returns
    -------
    Rules

    Raises
    ------
    ModelError
        No customers, columns of different length, or a missing value.

    Notes
    -----
    By rank, and equal values get equal scores: a customer has score s when at least (s - 1)/5 of all customers do strictly
    worse. Where many are equal, for example one-time buyers, they share the lower score and the next value jumps over some.

    Examples
    --------
    >>> rules([1, 2, 3, 4, 5], [1, 1, 1, 2, 9], [10, 20, 30, 40, 50]).frequency
    (2.0, 2.0, 2.0, 9.0)
    """
    columns = _read(days_since_last, frequency, monetary)
    if not columns[0].size:
        raise ModelError("rfm: there are no customers to rank.")
    recency = tuple(-cut for cut in _cuts(-columns[0]))
    return Rules(recency, _cuts(columns[1]), _cuts(columns[2]))


def scores(rule: Rules, days_since_last: ArrayLike, frequency: ArrayLike, monetary: ArrayLike) -> tuple[Ints, Ints, Ints]:
    """Which scores from 1 to 5 does each customer get for recency, frequency and money?

    Parameters
    ----------
    rule : Rules
        From :func:`rules`, perhaps of an earlier date, or own cut points.
    days_since_last, frequency, monetary : array_like, shape (customers,)
        As for :func:`rules`.

    Returns
    -------
    recency, frequency, monetary : arrays of int64
        1 to 5; 5 is best, so recency 5 has bought last.

    Examples
    --------
    >>> rule = Rules((90, 60, 30, 7), (2, 3, 5, 10), (20, 50, 100, 500))
    >>> [one.tolist() for one in scores(rule, [3, 60, 400], [12, 2, 1], [700, 50, 5])]
    [[5, 3, 1], [5, 2, 1], [5, 3, 1]]
    """
    days, often, money = _read(days_since_last, frequency, monetary)
    falling = -np.asarray(rule.recency, dtype=np.float64)
    return (
        _score(falling, -days),
        _score(np.asarray(rule.frequency, dtype=np.float64), often),
        _score(np.asarray(rule.monetary, dtype=np.float64), money),
    )


def segment_map() -> Mapping[tuple[int, int, int], str]:
    """Which segment does each of the 125 combinations of scores belong to? Each to exactly one.

    Examples
    --------
    >>> len(segment_map()), segment_map()[5, 5, 5], segment_map()[5, 1, 1], segment_map()[1, 1, 1]
    (125, 'Champions', 'New customers', 'Lost')
    """
    made: dict[tuple[int, int, int], str] = {}
    for name, *box in BOXES:
        for r, f, m in product(*box):
            made[int(r), int(f), int(m)] = name
    return MappingProxyType(made)


def segments(recency: ArrayLike, frequency: ArrayLike, monetary: ArrayLike) -> NDArray[np.str_]:
    """Which segment does each customer belong to, given the three scores?

    Raises
    ------
    ModelError
        Where a score is not a whole number from 1 to 5.

    Examples
    --------
    >>> segments([5, 1], [5, 4], [5, 5]).tolist()
    ['Champions', 'Cannot lose']
    """
    given = [np.asarray(score) for score in (recency, frequency, monetary)]
    bad = np.flatnonzero(~np.logical_and.reduce([(one >= 1) & (one <= SCORES) & (one == np.rint(one)) for one in given]))
    if len(bad):
        raise ModelError(Problem("rfm: scores", f"are not whole numbers from 1 to 5 ({rows(bad[:5].tolist(), len(bad))})"))
    table = np.empty((SCORES,) * 3, dtype=f"<U{max(map(len, SEGMENTS))}")
    for cell, name in segment_map().items():
        table[tuple(score - 1 for score in cell)] = name
    r, f, m = (one.astype(np.int64) - 1 for one in given)
    return np.asarray(table[r, f, m])


def grid(
    recency: ArrayLike, frequency: ArrayLike, *, value: ArrayLike | None = None, p_alive: ArrayLike | None = None
) -> pd.DataFrame:
    """How many customers, how much value and which chance to be active are in each combination of recency and frequency?

    Returns
    -------
    DataFrame
        25 rows: ``recency, frequency`` (scores), ``n``, and where given ``value`` (sum) and ``p_alive`` (mean share, nan in an
        empty cell).
    """
    import pandas as pd

    r, f = (np.asarray(score, dtype=np.int64) - 1 for score in (recency, frequency))
    cell = r * SCORES + f
    n = np.bincount(cell, minlength=SCORES**2)
    every = np.arange(SCORES**2)
    made = {"recency": every // SCORES + 1, "frequency": every % SCORES + 1, "n": n}
    if value is not None:
        made["value"] = np.bincount(cell, np.asarray(value, dtype=np.float64), SCORES**2)
    if p_alive is not None:
        alive = np.bincount(cell, np.asarray(p_alive, dtype=np.float64), SCORES**2)
        made["p_alive"] = np.divide(alive, n, out=np.full(SCORES**2, np.nan), where=n > 0)
    return pd.DataFrame(made)


def migration(
    before: Sequence[str | None],
    after: Sequence[str | None],
    *,
    value_before: ArrayLike | None = None,
    value_after: ArrayLike | None = None,
    order: Sequence[str] = SEGMENTS,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Who moved from which segment to which between two dates, scored by the rules of the first?

    Parameters
    ----------
    before, after : sequence of str or None, shape (customers,)
        Segment of each customer at the two dates; None where the customer was not there yet (new), or no longer (gone).
    value_before, value_after : array_like, shape (customers,), optional
        Money at the two dates, 0 where the customer was not there.
    order : sequence of str
        Segments from the best to the worst.
    confidence : float
        Coverage of the Wilson intervals.

    Returns
    -------
    DataFrame
        A row for each pair that could occur, empty ones too: ``before, after, n``, ``of`` (customers in `before`),
        ``share, low, high`` (of these, Wilson), ``direction`` (up, down, same, new, gone), and the sums ``value_before``,
        ``value_after``, ``change``. The row ``New`` holds who came, the column ``Gone`` who left; every customer is counted
        exactly once.

    Raises
    ------
    ModelError
        Columns of different length, or a customer who was there at neither date.
    ParamError
        A segment that `order` does not have.

    Examples
    --------
    >>> table = migration(["A", "A", None, "B"], ["A", "B", "B", None], order=["A", "B"])
    >>> table.loc[table["n"] > 0, ["before", "after", "n", "direction"]].values.tolist()
    [['A', 'A', 1, 'same'], ['A', 'B', 1, 'down'], ['B', 'Gone', 1, 'gone'], ['New', 'B', 1, 'new']]
    """
    import pandas as pd

    start, end = _places(before, order, len(order)), _places(after, order, len(order))
    if start.shape != end.shape:
        raise ModelError(f"migration: there are {start.size} customers before and {end.size} after; give the same ones twice.")
    if ((start == len(order)) & (end == len(order))).any():
        raise ModelError("migration: a customer was there at neither date; leave those out.")
    size = len(order) + 1
    cell = start * size + end
    n = np.bincount(cell, minlength=size**2).reshape(size, size)
    of = np.broadcast_to(n.sum(1, keepdims=True), n.shape)
    share = wilson(n, of, confidence=confidence)
    moved = {}
    for name, given in (("value_before", value_before), ("value_after", value_after)):
        money = np.zeros(cell.shape) if given is None else np.asarray(given, dtype=np.float64)
        if money.shape != cell.shape:
            raise ModelError(f"migration: {name} has {money.size} values for {cell.size} customers.")
        moved[name] = np.bincount(cell, money, size**2) if given is not None else np.full(size**2, np.nan)
    i, j = (place.ravel() for place in np.indices(n.shape))
    table = pd.DataFrame(
        {
            "before": np.array([*order, NEW], dtype=object)[i],
            "after": np.array([*order, GONE], dtype=object)[j],
            "n": n.ravel(),
            "of": of.ravel(),
            "share": share.value.ravel(),
            "low": share.low.ravel(),
            "high": share.high.ravel(),
            "direction": _directions(i, j, size - 1),
            **moved,
            "change": moved["value_after"] - moved["value_before"],
        }
    )
    return table[(i < size - 1) | (j < size - 1)].reset_index(drop=True)


def movement(table: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """How many customers, and how much value, moved up, down, came and went?

    Parameters
    ----------
    table : DataFrame
        From :func:`migration`.
    confidence : float
        Coverage of the Wilson intervals.

    Returns
    -------
    DataFrame
        Five rows, ``direction`` = up, same, down, gone, new: ``n``, ``share, low, high`` of the customers there at the first
        date (new: nan), ``value_before, value_after, change``.
    """
    sums = table.groupby("direction", sort=False)[["n", "value_before", "value_after", "change"]].sum(min_count=1)
    made = sums.reindex([mark("up"), mark("same"), mark("down"), mark("gone"), mark("new")]).reset_index()
    made["n"] = made["n"].fillna(0).astype("int64")
    there = int(made.loc[made["direction"] != "new", "n"].sum())
    old = (made["direction"] != "new").to_numpy()
    share = wilson(made["n"].where(old, 0), there, confidence=confidence)
    for name, figures in (("share", share.value), ("low", share.low), ("high", share.high)):
        made[name] = np.where(old, figures, np.nan)
    return made[["direction", "n", "share", "low", "high", "value_before", "value_after", "change"]]


def _directions(i: Ints, j: Ints, outside: int) -> NDArray[np.object_]:
    names = np.array([mark("up"), mark("same"), mark("down"), mark("gone"), mark("new")], dtype=object)
    way = np.sign(j - i) + 1
    way = np.where(j == outside, 3, way)
    return np.asarray(names[np.where(i == outside, 4, way)])


def _cuts(values: Floats) -> tuple[float, ...]:
    """The least value, for each score from 2 on, of which so many fifths do strictly worse."""
    different, size = np.unique(values, return_counts=True)
    worse = (np.cumsum(size) - size) * SCORES  # whole numbers: no fifth is missed by rounding
    made = []
    for score in range(1, SCORES):
        reached = np.flatnonzero(worse >= score * len(values))
        made.append(float(different[reached[0]]) if len(reached) else float("inf"))
    return tuple(made)


def _score(cuts: Floats, values: Floats) -> Ints:
    return np.asarray(1 + np.searchsorted(cuts, values, side="right"), dtype=np.int64)


def _places(labels: Sequence[str | None], order: Sequence[str], absent: int) -> Ints:
    known = {name: place for place, name in enumerate(order)}
    different = {label for label in labels if label is not None and label == label}
    for label in sorted(different - set(known)):
        raise ParamError(Problem(f"migration: segment '{label}'", "is not in the order", did_you_mean(label, known)))
    return np.array([known.get(label, absent) if label is not None else absent for label in labels], dtype=np.int64)


def _read(days_since_last: ArrayLike, frequency: ArrayLike, monetary: ArrayLike) -> tuple[Floats, Floats, Floats]:
    days, often, money = (np.asarray(column, dtype=np.float64) for column in (days_since_last, frequency, monetary))
    if not days.shape == often.shape == money.shape or days.ndim != 1:
        raise ModelError(f"rfm: recency, frequency and money have shapes {days.shape}, {often.shape} and {money.shape}.")
    for name, column in zip(SCALES, (days, often, money), strict=True):
        bad = np.flatnonzero(~np.isfinite(column))
        if len(bad):
            what = f"is missing or infinite ({rows(bad[:5].tolist(), len(bad))})"
            raise ModelError(Problem(f"rfm: {name}", what, "leave these customers out and count them"))
    return days, often, money
