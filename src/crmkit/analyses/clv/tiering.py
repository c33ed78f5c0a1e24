"""Which tier does each customer belong to: by rank, by share of value, or by fixed amounts?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from crmkit.core.errors import ParamError, Problem, did_you_mean
from crmkit.core.results import Text

LETTERS = "ABCDEFGHIJ"
RULES = {
    "value_rank": Text("Tiers end at these shares of customers, the most valuable first: {cuts}."),
    "value_share": Text("Tiers end where customers, the most valuable first, hold these shares of the expected value: {cuts}."),
    "fixed": Text("Tiers end at these values per customer: {cuts}."),
}


def tier_names(cuts: Sequence[float]) -> str:
    """The letters of the tiers, the best first."""
    return LETTERS[: len(cuts) + 1]


def check_tiers(cuts: Sequence[float], *, by: str) -> None:
    """Can these cuts make tiers?

    Raises
    ------
    ParamError
        For an unknown rule, or cuts that do not fit to it.
    """
    if by not in RULES:
        raise ParamError(Problem("tier_by:", f"is {by!r}", hint=did_you_mean(by, list(RULES))))
    if len(cuts) >= len(LETTERS):
        raise ParamError(f"tier_cuts: are {len(cuts)}; at most {len(LETTERS) - 1} can be told apart by letters")
    if by == "fixed":
        if any(not 0 < cut < math.inf for cut in cuts) or any(high <= low for high, low in pairwise(cuts)):
            raise ParamError(
                f"tier_cuts: are {list(cuts)}; with tier_by fixed they are amounts of money above 0 that fall, the best tier "
                "first, for example [500.0, 100.0]"
            )
    elif any(low >= high for low, high in pairwise([0.0, *cuts, 1.0])):
        of = "customers" if by == "value_rank" else "the value"
        raise ParamError(
            f"tier_cuts: are {list(cuts)}; with tier_by {by} they are shares of {of} that rise between 0 and 1, for example "
            "[0.2, 0.5]"
        )


def assign_tiers(worth: Sequence[float] | np.ndarray, cuts: Sequence[float], *, by: str = "value_rank") -> np.ndarray:
    """Which tier does each customer belong to?

    Parameters
    ----------
    worth : array, shape (n,)
        Expected value.
    cuts : sequence of float
        Where tiers end, the best first. ``value_rank``: rising shares of customers between 0 and 1; ``[0.2, 0.5]`` makes A the
        top 20 %, B the next 30 %, C the rest. ``value_share``: rising shares of the value of all; ``[0.5, 0.8]`` makes A the
        customers who hold the first half of it. ``fixed``: falling amounts of money; ``[500, 100]`` makes A those worth 500 or
        more.
    by : {"value_rank", "value_share", "fixed"}

    Returns
    -------
    array of str, shape (n,)
        ``A`` for the best; customers of equal value share the better tier. By share of value, who is worth nothing or less
        than nothing is in the last tier.

    Raises
    ------
    ParamError
        When the cuts do not fit to the rule, or are too many.

    Examples
    --------
    >>> assign_tiers([5.0, 1.0, 3.0, 2.0], [0.25, 0.5]).tolist()
    ['A', 'C', 'B', 'C']
    >>> assign_tiers([5.0, 1.0, 3.0, 2.0], [0.5, 0.8], by="value_share").tolist()
    ['A', 'C', 'A', 'B']
    >>> assign_tiers([5.0, 1.0, 3.0, 2.0], [4.0, 2.0], by="fixed").tolist()
    ['A', 'C', 'B', 'B']
    """
    check_tiers(cuts, by=by)
    values = np.asarray(worth, dtype="float64")
    ordered = np.sort(values)
    if by == "fixed":
        place = np.searchsorted(-np.asarray(cuts, dtype="float64"), -values, side="left")
    elif by == "value_rank":
        ahead = len(values) - np.searchsorted(ordered, values, side="right")
        place = np.searchsorted(np.asarray(cuts), ahead / max(len(values), 1), side="right")
    else:
        positive = np.maximum(ordered, 0.0)
        held = np.append(np.cumsum(positive[::-1])[::-1], 0.0)
        total = held[0]
        before = held[np.searchsorted(ordered, values, side="right")] / (total if total > 0 else 1.0)
        place = np.searchsorted(np.asarray(cuts), before, side="right")
        place = np.where((values <= 0) & (total > 0), len(cuts), place)
    return np.array(list(LETTERS))[place]
