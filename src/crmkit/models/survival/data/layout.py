"""In which form do the data go into a Cox model: one row per customer, or counts per pattern and time?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from crmkit.models.survival.data.observed import Observed, group_codes, select, total
from crmkit.models.survival.data.riskset import Block, Cells, Members, Rows, Timeline

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DENSE = 20_000_000  # most numbers in one table of counts
SMALL_RANGE = 10_000
MANY_LEVELS = 5_000


class Patterns(NamedTuple):
    """The different rows of a table: which one each row is, and the first row of each."""

    code: Ints
    first: Ints


def find_patterns(covariates: pd.DataFrame) -> Patterns | None:
    """Which rows agree in every column? None where nearly all differ, or a column has too many levels to be worth counting.

    Missing values are levels of their own here; the design refuses them.
    """
    key, size = np.zeros(len(covariates), dtype=np.int64), 1
    for name in covariates.columns:
        code, levels = _code(covariates[name])
        if levels > MANY_LEVELS:
            return None
        if size * levels > 2**40:
            key, size = _squeeze(key)
        key, size = key * levels + code, size * levels
    code, patterns = _squeeze(key)
    if patterns > max(1000, len(covariates) // 4):
        return None
    first = np.full(patterns, len(code))
    first[code[::-1]] = np.arange(len(code))[::-1]
    return Patterns(code, first)


def strata_codes(strata: Any, length: int) -> tuple[Ints, list[Any]]:
    """Each row's stratum as a number, and the names of the strata; a name is a tuple where several columns make it."""
    import pandas as pd

    if strata is None:
        return np.zeros(length, dtype=np.int64), [""]
    if isinstance(strata, pd.DataFrame):
        joined = pd.MultiIndex.from_frame(strata)
        return group_codes(pd.Series(joined.to_flat_index()), length, what="strata")
    return group_codes(strata, length, what="strata")


def rows_blocks(seen: Observed, X: Floats, stratum: Ints, strata: int) -> tuple[Block, ...]:
    """One row per customer, per stratum; X of shape (n, p) is centred and scaled. Strata without a leaver say nothing."""
    blocks: list[Block] = []
    for s in range(strata):
        members = np.arange(len(stratum)) if strata == 1 else np.flatnonzero(stratum == s)
        order = members[np.argsort(-seen.time[members], kind="stable")]
        blocks.append(_rows(seen, X, order))
    return tuple(blocks)


def cells_blocks(seen: Observed, X: Floats, pattern: Ints, stratum: Ints, strata: int) -> tuple[Block, ...] | None:
    """Counts per pattern and time, per stratum; X of shape (patterns, p). None where the tables would be too large."""
    times, position = _times(seen.time)
    if len(times) * len(X) * strata > DENSE:
        return None
    blocks: list[Block] = []
    for s in range(strata):
        if strata == 1:
            origin, own, where, which = np.arange(len(stratum)), seen, position, pattern
        else:
            origin = np.flatnonzero(stratum == s)
            own, where, which = select(seen, origin), position[origin], pattern[origin]
        blocks.append(_cells(times, where, Members(origin, which, own), X))
    return tuple(blocks)


def _cells(times: Floats, position: Ints, members: Members, X: Floats) -> Cells:
    pattern, seen = members.pattern, members.seen
    event, entry, weight = seen.event, seen.entry, seen.weight
    shape = (len(times), len(X))
    cells = shape[0] * shape[1]
    cell = position * shape[1] + pattern
    plain = bool((weight == 1).all())

    def count(index: Ints, w: Floats) -> Floats:
        counted = np.bincount(index, minlength=cells) if plain else total(index, w, cells)
        return np.asarray(counted.reshape(shape), dtype=np.float64)

    gone, left = count(cell, weight), count(cell[event], weight[event])
    at_risk = np.cumsum(gone[::-1], axis=0)[::-1]
    starts, came = np.zeros(0), np.zeros(0)
    if entry is not None:
        upto = np.searchsorted(times, entry, side="right")  # at risk only after the entry
        late = count(np.minimum(upto, shape[0] - 1) * shape[1] + pattern, weight)
        at_risk = at_risk - (np.cumsum(late[::-1], axis=0)[::-1] - late)
        starts, came = _tally(entry, seen.number)
    deaths = left.sum(1)
    kept = deaths > 0
    squared, tied, last = left, deaths, gone.sum(1)
    if seen.sampled:
        squared, last = count(cell[event], weight[event] ** 2), total(position, seen.number, shape[0])
        tied = total(position[event], seen.number[event], shape[0])
    timeline = Timeline(times, last, starts, came)
    tables = (at_risk[kept], left[kept], squared[kept])
    return Cells(np.ascontiguousarray(X.T), *tables, times[kept], deaths[kept], tied[kept], timeline, members)


def _rows(seen: Observed, X: Floats, order: Ints) -> Rows:
    time, event, weight = seen.time[order], seen.event[order], seen.weight[order]
    number = seen.number[order] if seen.sampled else weight
    leavers = np.flatnonzero(event)[::-1]
    times, when = _runs(time[leavers])
    leave = np.searchsorted(times, time, side="right")
    join, by_join = np.zeros(len(order), dtype=np.int64), None
    starts, came = np.zeros(0), np.zeros(0)
    if seen.entry is not None:
        join = np.searchsorted(times, seen.entry[order], side="right")
        by_join = np.argsort(-join, kind="stable") if join.any() else None
        starts, came = _tally(seen.entry[order], number)
    columns = np.empty((X.shape[1], len(order)))
    for j in range(X.shape[1]):
        columns[j] = X[order, j]
    deaths, tied = (total(when, part[leavers], len(times)) for part in (weight, number))
    timeline = Timeline(time[::-1], number[::-1], starts, came)
    return Rows(columns, weight, leave, join, by_join, leavers, when, times, deaths, tied, order, timeline)


def _tally(values: Floats, weight: Floats) -> tuple[Floats, Floats]:
    different, position = np.unique(values, return_inverse=True)
    return different, total(position, weight, len(different))


def _runs(rising: Floats) -> tuple[Floats, Ints]:
    new = np.concatenate([[True], rising[1:] != rising[:-1]]) if len(rising) else np.zeros(0, dtype=bool)
    return rising[new], np.cumsum(new) - 1


def _code(column: pd.Series[Any]) -> tuple[Ints, int]:
    """A column as whole numbers from 0, and how many there can be; small whole numbers need no hash table."""
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        return np.asarray(column.cat.codes, dtype=np.int64) + 1, len(column.cat.categories) + 1
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        values = column.to_numpy()
        found = _small_whole(values)
        if found is not None:
            return found
    codes, levels = pd.factorize(column)
    return np.asarray(codes, dtype=np.int64) + 1, len(levels) + 1


def _small_whole(values: NDArray[Any]) -> tuple[Ints, int] | None:
    if values.dtype == object or not len(values):
        return None
    if values.dtype.kind == "b":
        return values.astype(np.int64), 2
    head = values[:1000].astype(np.float64)
    if not np.isfinite(head).all() or (head != np.rint(head)).any():
        return None
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high)) or high - low > SMALL_RANGE:
        return None
    whole = values.astype(np.int64)
    if values.dtype.kind == "f" and not np.array_equal(whole, values):
        return None
    return whole - int(low), int(high - low) + 1


def _squeeze(key: Ints) -> tuple[Ints, int]:
    """The keys renumbered without gaps, in order of the keys, so that the order of the rows does not matter."""
    import pandas as pd

    size = int(key.max()) + 1 if len(key) else 0
    if size <= max(DENSE, 4 * len(key)):
        used = np.zeros(size, dtype=bool)
        used[key] = True
        renumber = np.cumsum(used) - 1
        return renumber[key], int(used.sum())
    codes, keys = pd.factorize(key)
    rank = np.empty(len(keys), dtype=np.int64)
    rank[np.argsort(keys)] = np.arange(len(keys))
    return rank[codes], len(keys)


def _times(time: Floats) -> tuple[Floats, Ints]:
    found = _small_whole(time)
    if found is None:
        times, position = np.unique(time, return_inverse=True)
        return times, position
    code, size = found
    used = np.bincount(code, minlength=size) > 0
    return np.asarray(np.flatnonzero(used) + float(time.min()), dtype=np.float64), (np.cumsum(used) - 1)[code]
