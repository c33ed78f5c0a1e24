"""How long do tickets wait, those that still wait included? Kaplan-Meier for thousands of cells at once.

A dashboard takes the tickets that are closed. Those that take long are still open, so the newest figures look too good. Here a
ticket that is open has waited at least until now (it is censored), and every cell of channel, team, priority and kind has its
median, its ninth decile and its share within the target, each with an interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError
from crmkit.models.basics.estimates import critical
from crmkit.models.basics.shares import wilson

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# of a share that lies on a step exactly: sums of a million logarithms keep ten digits
TIE = 1e-9


@dataclass(frozen=True, eq=False)
class Steps:
    """Curves of all cells, one after the other.

    Parameters
    ----------
    cell : array of int
        Cell of each step, rising.
    x : array
        Time of the step, rising within the cell.
    done, left : array
        Tickets that came to their end then; those that still waited just before.
    value, low, high : array
        Share still waiting after it, with log-log limits (nan where all or none wait).
    first, last : array of int, one per cell
        Its steps are ``first`` to ``last``, the end excluded.
    """

    cell: Ints
    x: Floats
    done: Floats
    left: Floats
    value: Floats
    low: Floats
    high: Floats
    first: Ints
    last: Ints


def cell_waits(
    durations: ArrayLike,
    event_observed: ArrayLike,
    cell: ArrayLike | None = None,
    *,
    cells: int | None = None,
    weights: ArrayLike | None = None,
    target: float = float("nan"),
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How long do the tickets of each cell wait?

    Parameters
    ----------
    durations : array_like >= 0, shape (n,)
        Time to the end of the wait, or until now for who still waits, in any unit.
    event_observed : array_like of 0/1, shape (n,)
        Whether the wait has ended.
    cell : array_like of int >= 0, shape (n,), optional
        Which cell; one for all when left out.
    cells : int, optional
        How many cells there are; those without a ticket have a row of nan.
    weights : array_like > 0, shape (n,), optional
        Tickets per row.
    target : float
        Time within which a wait ought to end, in the unit of the durations; nan: none.
    confidence : float
        Coverage of every interval.

    Returns
    -------
    pandas.DataFrame
        A row per cell, by its number: ``n, ended`` (tickets), ``median, median_low, median_high, p90, p90_low, p90_high`` (nan:
        not reached in the time observed), ``within, within_low, within_high`` (share ended by the target; nan where nobody was
        watched so long), ``ended_median`` (of those ended alone, as dashboards show it), ``ended_within`` (likewise), ``gap``
        (``median`` less ``ended_median``).

    Raises
    ------
    ModelError
        For a duration that is negative or missing, or lengths that differ.

    Notes
    -----
    The share still waiting is the product over time of ``1 - ended / waiting``; its limits are symmetric on the scale
    ``log(-log)`` (Greenwood); those of a quantile are where the limits of the curve cross it (Brookmeyer & Crowley). A share of
    0 or 1 has Wilson's limits. Assumes that who still waits would have gone on as the others did.

    References
    ----------
    Kaplan & Meier (1958), doi:10.1080/01621459.1958.10501452. Brookmeyer & Crowley (1982), doi:10.2307/2530286.

    Examples
    --------
    >>> found = cell_waits([1, 2, 3, 9, 9], [1, 1, 1, 0, 0], target=2)
    >>> found[["n", "median", "ended_median", "within", "ended_within"]].round(4).values.tolist()
    [[5.0, 3.0, 2.0, 0.4, 0.6667]]
    """
    import pandas as pd

    steps, n, ended = _steps(durations, event_observed, cell, cells, weights, confidence)
    columns: dict[str, Floats] = {"n": n, "ended": ended}
    for name, share in (("median", 0.5), ("p90", 0.1)):
        for end, limit in (("", steps.value), ("_low", steps.low), ("_high", steps.high)):
            columns[name + end] = _crossing(steps, limit, share)
    columns |= _within(steps, n, target, confidence)
    closed = _closed_only(steps, ended, target)
    columns |= closed | {"gap": columns["median"] - closed["ended_median"]}
    return pd.DataFrame(columns)


def _steps(
    durations: ArrayLike,
    event_observed: ArrayLike,
    cell: ArrayLike | None,
    cells: int | None,
    weights: ArrayLike | None,
    confidence: float,
) -> tuple[Steps, Floats, Floats]:
    time = np.asarray(durations, dtype=np.float64)
    event = np.asarray(event_observed, dtype=bool)
    where = np.zeros(len(time), dtype=np.int64) if cell is None else np.asarray(cell, dtype=np.int64)
    weight = np.ones(len(time)) if weights is None else np.asarray(weights, dtype=np.float64)
    if not len(time) == len(event) == len(where) == len(weight):
        raise ModelError("waits: durations, ends, cells and weights have different lengths; give one of each per row")
    if not (time >= 0).all():
        at = int(np.flatnonzero(~(time >= 0))[0])
        raise ModelError(
            f"waits: row {at + 1} waited {time[at]}; a wait is a number of 0 or more: an end lies before its start"
        )
    count = int(where.max()) + 1 if cells is None and len(where) else cells or 1
    order = _by_cell_and_time(where, time)
    where, time, event, weight = where[order], time[order], event[order], weight[order]
    begins = np.empty(len(time), dtype=bool)
    begins[:1] = True
    begins[1:] = (where[1:] != where[:-1]) | (time[1:] != time[:-1])
    starts = np.flatnonzero(begins)
    done, all_there = (np.add.reduceat(one, starts) if len(starts) else np.zeros(0) for one in (weight * event, weight))
    where, time = where[starts], time[starts]
    first, last = np.searchsorted(where, np.arange(count)), np.searchsorted(where, np.arange(count), side="right")
    n = np.bincount(where, weights=all_there, minlength=count).astype(np.float64)
    ended = np.bincount(where, weights=done, minlength=count).astype(np.float64)
    passed = np.cumsum(all_there) - all_there
    left = n[where] - (passed - passed[first[where]]) if len(where) else np.zeros(0)
    value, low, high = _product_limit(done, left, where, first, critical(confidence))
    return Steps(where, time, done, left, value, low, high, first, last), n, ended


def _by_cell_and_time(cell: Ints, time: Floats) -> Ints:
    """Order by cell, then time; of whole numbers, which minutes are, both are sorted as one number."""
    if len(time) and (time == np.floor(time)).all():
        span = int(time.max()) + 1
        if span * (int(cell.max()) + 1) < 2**62:
            return np.argsort(cell * span + time.astype(np.int64), kind="stable")
    return np.lexsort((time, cell))


def _product_limit(done: Floats, left: Floats, cell: Ints, first: Ints, reach: float) -> tuple[Floats, Floats, Floats]:
    """Share still waiting within each cell and its log-log limits; see :mod:`crmkit.models.survival.curves` for one curve."""
    if not len(done):
        return np.zeros(0), np.zeros(0), np.zeros(0)
    rest = left - done
    none_left = rest <= 1e-12 * left
    logs = np.log1p(-np.where(none_left, 0.0, done / left))
    spread = np.where(none_left, 0.0, done / (left * np.where(none_left, 1.0, rest)))
    start = first[cell]
    log_value = np.cumsum(logs)
    log_value -= (log_value - logs)[start]
    variance = np.cumsum(spread)
    variance -= (variance - spread)[start]
    value = np.where(none_left, 0.0, np.exp(log_value))
    inner = (value > 0) & (log_value < -1e-14)
    low, high = np.full_like(value, np.nan), np.full_like(value, np.nan)
    with np.errstate(under="ignore", over="ignore"):
        ratio = reach * np.sqrt(np.maximum(variance[inner], 0.0)) / log_value[inner]
        low[inner] = np.exp(log_value[inner] * np.exp(-ratio))
        high[inner] = np.exp(log_value[inner] * np.exp(ratio))
    return value, low, high


def _first_of(steps: Steps, on: NDArray[np.bool_]) -> Ints:
    """The first step of each cell that is on; -1 where none is."""
    places = np.append(np.flatnonzero(on), len(on))
    found = places[np.searchsorted(places[:-1], steps.first)]
    return np.where(found < steps.last, found, -1)


def _crossing(steps: Steps, curve: Floats, share: float) -> Floats:
    """When is only a share still waiting? Where the curve stays at it for a while, the middle of that time."""
    with np.errstate(invalid="ignore"):
        reached, below = _first_of(steps, curve <= share + TIE), _first_of(steps, curve < share - TIE)
    x = np.append(steps.x, np.nan)
    found = x[reached]
    level = np.append(curve, np.nan)[reached]
    flat = (np.abs(level - share) <= TIE) & (below >= 0)
    return np.where(flat, (found + x[below]) / 2, found)


def _within(steps: Steps, n: Floats, target: float, confidence: float) -> dict[str, Floats]:
    """Share ended by the target, with limits."""
    until = np.append(0, np.cumsum(steps.x <= target))
    place = steps.first + (until[steps.last] - until[steps.first]) - 1
    before = place < steps.first
    value = np.where(before, 1.0, np.append(steps.value, np.nan)[place])
    low, high = (np.where(before, np.nan, np.append(one, np.nan)[place]) for one in (steps.low, steps.high))
    # watched so long: somebody still waits at the target or later, or nobody does because all have ended
    watched = (n > 0) & ((place + 1 < steps.last) | (value <= 0)) & (target == target)
    last_x = np.append(steps.x, np.nan)[np.maximum(steps.last - 1, 0)] if len(steps.x) else np.full(len(n), np.nan)
    watched |= (n > 0) & (last_x == target)
    waiting = np.where(place + 1 < steps.last, np.append(steps.left, np.nan)[np.minimum(place + 1, len(steps.x))], n)
    ends = np.append(0.0, np.cumsum(steps.done))
    done = ends[np.maximum(place + 1, steps.first)] - ends[steps.first]
    # at 0 or 1 the curve has no spread: Wilson's limits of those who were watched that long, or have ended
    over = value <= 0
    sure = wilson(np.where(over, done, 0.0), np.where(over, done, np.where(n > 0, waiting, 0.0)), confidence=confidence)
    edge = over | (value >= 1)
    found = {
        "within": 1 - value,
        "within_low": np.where(edge, sure.low, 1 - high),
        "within_high": np.where(edge, sure.high, 1 - low),
    }
    return {name: np.where(watched, one, np.nan) for name, one in found.items()}


def _closed_only(steps: Steps, ended: Floats, target: float) -> dict[str, Floats]:
    """What a dashboard shows: median, and share within the target, of the tickets that have ended."""
    total = np.cumsum(steps.done)
    base = np.append(0.0, total)[steps.first]
    x = np.append(steps.x, np.nan)
    places = [
        np.searchsorted(total, base + middle, side="right") for middle in (np.floor((ended - 1) / 2), np.floor(ended / 2))
    ]
    median = (x[np.minimum(places[0], len(steps.x))] + x[np.minimum(places[1], len(steps.x))]) / 2
    in_time = np.append(0.0, np.cumsum(steps.done * (steps.x <= target)))
    timely = in_time[steps.last] - in_time[steps.first]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = timely / ended if target == target else np.full(len(ended), np.nan)
    return {"ended_median": np.where(ended > 0, median, np.nan), "ended_within": np.where(ended > 0, share, np.nan)}
