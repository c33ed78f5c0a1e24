"""Which grade from 1 to 5 does a value deserve, and how sure is the grade?"""

from __future__ import annotations

import math
from collections.abc import Sequence

BEST, WORST = 5.0, 1.0
EQUAL = 1e-9


def score(value: float, *, cuts: Sequence[float], direction: str, target: float = math.nan) -> float:
    """Which score does a value deserve?

    Parameters
    ----------
    value : float
    cuts : sequence of 4 floats
        Where the scores 2, 3, 4 and 5 begin: at or above for ``up``, at or below for ``down``; for ``range``, the largest
        distance from the target, as a part of it.
    direction : {"up", "down", "range"}
    target : float
        Needed for ``range``.

    Returns
    -------
    float
        1 to 5; nan where there is no value.

    Examples
    --------
    >>> score(0.85, cuts=[0.6, 0.75, 0.85, 0.95], direction="up"), score(30, cuts=[24, 8, 4, 2], direction="down")
    (4.0, 1.0)
    >>> score(115, cuts=[0.5, 0.3, 0.2, 0.1], direction="range", target=100)
    4.0
    """
    if math.isnan(value):
        return math.nan
    if direction == "range":
        value, direction = distance(value, target), "down"
    room = [EQUAL * max(1.0, abs(cut)) for cut in cuts]
    if direction == "up":
        return WORST + sum(value >= cut - slack for cut, slack in zip(cuts, room, strict=True))
    return WORST + sum(value <= cut + slack for cut, slack in zip(cuts, room, strict=True))


def distance(value: float, target: float) -> float:
    """How far is a value from its target, as a part of it?"""
    return abs(value / target - 1) if target else math.inf


def score_range(
    value: float, low: float, high: float, *, cuts: Sequence[float], direction: str, target: float = math.nan
) -> tuple[float, float]:
    """Which scores are possible, given the interval?

    Parameters
    ----------
    value, low, high : float
        Estimate and limits; a limit that is not a number is as far away as can be.
    cuts, direction, target
        As for :func:`score`.

    Returns
    -------
    tuple of float
        The lowest and the highest score that a value within the interval would have.

    Examples
    --------
    >>> score_range(0.8, 0.74, 0.86, cuts=[0.6, 0.75, 0.85, 0.95], direction="up")
    (2.0, 4.0)
    """
    if math.isnan(value):
        return math.nan, math.nan
    ends = [-math.inf if math.isnan(low) else low, math.inf if math.isnan(high) else high, value]
    if direction == "range" and min(ends) <= target <= max(ends):
        ends.append(target)
    found = [score(end, cuts=cuts, direction=direction, target=target) for end in ends]
    return min(found), max(found)
