"""What is worth most within a budget? The best choice of things, or of customers, that cost money."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, ParamError, Problem
from crmkit.models.basics.estimates import Floats

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

HALVINGS = 80
SEARCH = 80
CLOSE = 1e-6
NEAREST = 100
NODES = 5_000  # of the search; a count and not a time, so that each machine ends at the same choice
SCALE = 1e3  # HiGHS allows a row 1e-7 of its own unit
ROUNDING = 1e-9  # money is added up in another order than the budget was


@dataclass(frozen=True, eq=False)
class Choice:
    """What to take.

    Parameters
    ----------
    chosen : array of bool, shape (n,)
    value, cost : float
        Of all that is chosen, in the units given.
    bound : float
        What no choice within the budget can exceed (linear programme in which things may be taken in part).
    """

    chosen: Bools
    value: float
    cost: float
    bound: float


def choose(value: ArrayLike, cost: ArrayLike, *, budget: float | None = None, count: int | None = None) -> Choice:
    """Which things to take, so that their value is greatest and their cost and number within the budget?

    Parameters
    ----------
    value : array of shape (n,)
        What each thing brings; what brings 0 or less, or nan, is never taken.
    cost : array >= 0, shape (n,)
    budget : float >= 0, optional
        Most cost of all together, in the unit of `cost`; no limit where left out.
    count : int >= 0, optional
        Most things; no limit where left out.

    Returns
    -------
    Choice
        The best there is. Of equally good ones, that which is reached by taking one after the other, the earlier row first.

    Raises
    ------
    ModelError
        For arrays of different length, or a cost that is negative or missing.
    ParamError
        For a budget or count below 0.

    Notes
    -----
    Taken one after the other, by value less price times cost and by value per cost; the price of money is that of the linear
    programme's dual. What stands further from its margin than the best of these is from the bound is in, or out of, every
    better choice; the few things left are decided by branch and bound (HiGHS, through scipy.optimize.milp): exactly up to a
    hundred things, and to a millionth of the bound where there are more.

    References
    ----------
    Dantzig (1957), doi:10.1287/opre.5.2.266; Dembo & Hammer (1980), A reduction algorithm for knapsack problems, Methods of
    Operations Research 36, 49-60; Huangfu & Hall (2018), doi:10.1007/s12532-017-0130-5.

    Examples
    --------
    >>> choose([60, 100, 120], [10, 20, 30], budget=50).chosen.tolist()
    [False, True, True]
    """
    v, c = np.asarray(value, dtype=np.float64), np.asarray(cost, dtype=np.float64)
    able = _checked(v, c)
    limit, purse = len(v) if count is None else int(count), np.inf if budget is None else float(budget)
    if limit < 0 or not purse >= 0:
        raise ParamError(Problem("choice: the budget", f"is {limit} things and {purse:g}", "both are 0 or more"))
    gain, outlay = v[able], c[able]
    price, bound = _dual(gain, outlay, limit, purse)
    with np.errstate(divide="ignore"):
        orders = [np.argsort(-(gain - price * outlay), kind="stable"), np.argsort(-gain / outlay, kind="stable")]
    options = [first_that_fit(order, outlay, budget=purse, count=limit) for order in orders]
    taken = max(options, key=lambda picked: float(gain[picked].sum()))
    if np.isfinite(purse):
        taken = _improved(gain, outlay, taken, price=price, bound=bound, limit=limit, purse=purse)
    chosen = np.zeros(len(v), dtype=bool)
    chosen[able[taken]] = True
    return Choice(chosen, float(v[chosen].sum()), float(c[chosen].sum()), bound)


def first_that_fit(order: Ints, cost: Floats, *, budget: float = np.inf, count: int) -> Ints:
    """Which are the first of an order that the budget pays for, and then those further down that still fit?

    Parameters
    ----------
    order : array of int
        Rows, the first to take first.
    cost : array >= 0
        Of all rows.
    budget : float >= 0
    count : int >= 0
        Most rows.

    Returns
    -------
    array of int
        Rows, in the order in which they are taken.
    """
    if not np.isfinite(budget):
        return order[:count]
    spent = np.cumsum(cost[order])
    whole = min(int(np.searchsorted(spent, budget * (1 + 1e-12), side="right")), count)
    taken, left = order[:whole].tolist(), budget - (spent[whole - 1] if whole else 0.0)
    rest = order[whole:]
    for _ in range(SEARCH):  # a few more, one after the other
        fitting = rest[cost[rest] <= left] if len(taken) < count else rest[:0]
        if not len(fitting):
            break
        taken.append(int(fitting[0]))
        left -= cost[fitting[0]]
        rest = fitting[1:]
    return np.array(taken, dtype=np.int64)


def _checked(v: Floats, c: Floats) -> Ints:
    if v.shape != c.shape or v.ndim != 1:
        raise ModelError(f"choice: shapes {v.shape} and {c.shape}; one value and one cost per thing are needed")
    able = np.flatnonzero(v > 0)
    wrong = int((~(np.isfinite(c[able]) & (c[able] >= 0))).sum())
    if wrong:
        raise ModelError(Problem("choice: cost", f"is negative or missing for {wrong} things", "it is 0 or more"))
    return able


def _dual(g: Floats, c: Floats, limit: int, purse: float) -> tuple[float, float]:
    """The price of money and the bound: least over the price of price * money + the best `limit` of value - price * cost."""

    def at(price: float) -> tuple[float, float]:
        net = g - price * c
        kept = np.flatnonzero(net > 0)
        if len(kept) > limit:
            kept = np.argpartition(-net, limit - 1)[:limit] if limit else kept[:0]
        return float(net[kept].sum()) + (price * purse if price else 0.0), float(c[kept].sum())

    value, spent = at(0.0)
    if not len(g) or spent <= purse:
        return 0.0, value
    low, high = 0.0, float((g / np.maximum(c, 1e-300)).max())
    best, price = np.inf, 0.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        value, spent = at(middle)
        if value < best:
            best, price = value, middle
        low, high = (middle, high) if spent > purse else (low, middle)
    return price, best


def _improved(g: Floats, c: Floats, taken: Ints, *, price: float, bound: float, limit: int, purse: float) -> Ints:
    """The best choice of all, where it is better than the one given."""
    net = g - price * c
    # the last of the `limit` best sets the price of a place
    place = max(0.0, float(np.partition(net, len(net) - limit)[len(net) - limit])) if 0 < limit < len(net) else 0.0
    margin = net - place
    order = np.argsort(np.abs(margin), kind="stable")
    value, slack = float(g[taken].sum()), CLOSE * bound if len(g) > NEAREST else 0.0
    for most in (NEAREST, len(g)):  # the nearest alone come close to the bound, which leaves few for the proof
        gap = bound * (1 + ROUNDING) - value
        open_ones = int(np.searchsorted(np.abs(margin)[order], gap, side="right"))
        if gap <= slack:
            break
        near = np.sort(order[: min(most, open_ones)])
        surely = margin > 0
        surely[near] = False
        left = purse - float(c[surely].sum())
        found = np.concatenate(
            [np.flatnonzero(surely), near[_search(g[near], c[near], limit=limit - int(surely.sum()), purse=left, slack=slack)]]
        )
        fits = len(found) <= limit and float(c[found].sum()) <= purse + ROUNDING * max(1.0, purse)
        if fits and float(g[found].sum()) > value + ROUNDING * max(1.0, value):
            taken, value = found, float(g[found].sum())
        if open_ones <= most:
            break
    return taken


def _search(g: Floats, c: Floats, *, limit: int, purse: float, slack: float) -> Ints:
    """The best whole choice by branch and bound, or one that is worse by `slack` at most; none where nothing fits."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    if not len(g) or limit < 1 or purse <= 0:
        free = np.flatnonzero(c <= 0)
        return free[np.argsort(-g[free], kind="stable")][: max(limit, 0)]
    rows = np.vstack([c * (SCALE / purse), np.ones(len(g))])
    found = milp(
        -g * (SCALE / g.max()),
        integrality=np.ones(len(g)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(rows, ub=[SCALE, min(limit, len(g))]),
        # with its presolve HiGHS prints a line of its own now and then, which a kernel would carry onto the page
        options={"mip_rel_gap": slack / float(g.sum()), "node_limit": NODES, "presolve": False},
    )
    return np.flatnonzero(found.x > 0.5) if found.x is not None else np.array([], dtype=np.int64)
