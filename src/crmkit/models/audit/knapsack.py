"""What is worth most within a budget? The best choice of things that cost money."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError

MOST_EXACT = 25


@dataclass(frozen=True, eq=False)
class Choice:
    """What to take: `taken` per thing, `value` and `cost` of all taken, and whether no choice can be better (`exact`)."""

    taken: NDArray[np.bool_]
    value: float
    cost: float
    exact: bool


def choose(value: ArrayLike, cost: ArrayLike, *, budget: float) -> Choice:
    """Which things to take, so that their value is greatest and their cost within the budget?

    Parameters
    ----------
    value, cost : arrays of shape (n,)
        0 or more, in units of their own.
    budget : float
        0 or more.

    Returns
    -------
    Choice
        Exact up to 25 things; beyond, the better of two greedy choices: by value per cost, or the single best thing.

    Raises
    ------
    ModelError
        For arrays of different length, or a number that is negative or missing.

    Notes
    -----
    Exact by meeting in the middle: all choices of one half, sorted by cost, are matched with those of the other. The greedy
    choice is never worse than half of the best one.

    References
    ----------
    Horowitz & Sahni (1974), doi:10.1145/321812.321823.

    Examples
    --------
    >>> choose([60, 100, 120], [10, 20, 30], budget=50).taken.tolist()
    [False, True, True]
    """
    v, c = np.asarray(value, dtype=np.float64), np.asarray(cost, dtype=np.float64)
    if v.shape != c.shape or v.ndim != 1:
        raise ModelError(f"choice: shapes {v.shape} and {c.shape}; one value and one cost per thing are needed")
    if not ((v >= 0).all() and (c >= 0).all() and budget >= 0):
        raise ModelError("choice: values, costs and the budget are 0 or more, and none is missing")
    exact = len(v) <= MOST_EXACT
    taken = _exact(v, c, budget) if exact else _greedy(v, c, budget)
    return Choice(taken, float(v[taken].sum()), float(c[taken].sum()), exact)


def _subsets(n: int) -> NDArray[np.bool_]:
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(bool)


def _exact(v: NDArray[np.float64], c: NDArray[np.float64], budget: float) -> NDArray[np.bool_]:
    half = len(v) // 2
    first, second = _subsets(half), _subsets(len(v) - half)
    cost_a, value_a = first @ c[:half], first @ v[:half]
    cost_b, value_b = second @ c[half:], second @ v[half:]
    order = np.argsort(cost_b, kind="stable")
    best = np.maximum.accumulate(value_b[order])
    # the cheapest of equal values, so that nothing is taken that adds none
    where = np.searchsorted(best, best, side="left")
    # money is added up in another order than the budget was; a billionth is no reason to leave something out
    room = np.searchsorted(cost_b[order], budget - cost_a + 1e-9 * max(1.0, budget), side="right") - 1
    total = np.where(room >= 0, value_a + best[np.maximum(room, 0)], -1.0)
    a = int(np.argmax(total))
    b = int(order[where[room[a]]])
    return np.concatenate([first[a], second[b]])


def _greedy(v: NDArray[np.float64], c: NDArray[np.float64], budget: float) -> NDArray[np.bool_]:
    taken, left = np.zeros(len(v), dtype=bool), budget
    for place in np.argsort(-v / np.maximum(c, 1e-12), kind="stable"):
        if c[place] <= left and v[place] > 0:
            taken[place], left = True, left - c[place]
    alone = np.where(c <= budget, v, -1.0)
    if alone.max() > v[taken].sum():
        taken[:] = False
        taken[int(np.argmax(alone))] = True
    return taken
