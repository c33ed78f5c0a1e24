"""Which values lie too far from all others, and which customers do something too often? With a stated rate of false alarms."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from crmkit.core.errors import ModelError
from crmkit.models.basics.estimates import Floats

# quartiles of a normal distribution lie so many standard deviations from the middle
QUARTILE = 0.6744897501960817
FEWEST = 50
# variance of the relative error of one side's scale, times n: of quartile less median of a normal table, over its mean squared
ERROR = 3.2


@dataclass(frozen=True)
class Fences:
    """Between which limits do values lie that are like the others? In the unit of the values."""

    low: float
    high: float
    middle: float
    n: int


def fences(lower: float, middle: float, upper: float, n: int, *, false_alarm: float = 0.01) -> Fences:
    """Beyond which limits is a value unlike all others?

    Parameters
    ----------
    lower, middle, upper : float
        Quartiles of the values (or of their logarithms, for what cannot be negative and has a long tail).
    n : int
        Values.
    false_alarm : float
        Chance that a clean table of this size has any value beyond the limits, between 0 and 1.

    Returns
    -------
    Fences
        Infinite where there are fewer than 50 values or the quartiles on a side are equal.

    Notes
    -----
    Each side has its own scale, (middle - lower) / 0.6745 and (upper - middle) / 0.6745, so that a skewed table raises no alarm
    by its skew. The deviate is that of a normal table with Bonferroni's correction for n values on two sides, widened for the
    error of the quartiles: where the scale is known up to a relative variance of 3.2 / n, a value beyond r scales is as rare as
    one beyond r / sqrt(1 + 3.2 r^2 / n) of a known one.

    References
    ----------
    Hubert & Vandervieren (2008), An adjusted boxplot for skewed distributions, doi:10.1016/j.csda.2007.11.008.

    Examples
    --------
    >>> found = fences(-0.67449, 0.0, 0.67449, 100_000)
    >>> round(found.low, 2), round(found.high, 2)
    (-5.33, 5.33)
    """
    if not 0 < false_alarm < 1:
        raise ModelError(f"false alarm: {false_alarm:g} is no chance between 0 and 1")
    if n < FEWEST:
        return Fences(-math.inf, math.inf, middle, n)
    deviate = -float(ndtri(false_alarm / (2 * n)))
    error = ERROR / n
    room = 1 - deviate**2 * error
    reach = deviate / math.sqrt(room) if room > 0 else math.inf
    down, up = (middle - lower) / QUARTILE, (upper - middle) / QUARTILE
    low = middle - reach * down if down > 0 else -math.inf
    high = middle + reach * up if up > 0 else math.inf
    return Fences(low, high, middle, n)


def unusual(hits: ArrayLike, of: ArrayLike, *, times: ArrayLike | None = None) -> Floats:
    """How probable are so many hits, or more, of one customer, if all customers were alike?

    Parameters
    ----------
    hits, of : arrays of equal shape
        Hits and cases of each customer, or of each kind of customer.
    times : array or None
        How many customers are of each kind; None: one.

    Returns
    -------
    array
        p-values, one-sided; the rate that they are compared with is that of all others together.

    Examples
    --------
    >>> unusual([0, 9], [10, 10], times=[99, 1]).round(6).tolist()
    [1.0, 0.0]
    """
    from scipy.special import betainc

    k, n = np.asarray(hits, dtype=np.float64), np.asarray(of, dtype=np.float64)
    many = np.ones_like(k) if times is None else np.asarray(times, dtype=np.float64)
    rest, cases = float(k @ many) - k, float(n @ many) - n
    with np.errstate(divide="ignore", invalid="ignore"):
        # a half hit more, so that a rate of nought among the others is no proof
        rate = np.clip((rest + 0.5) / (cases + 1.0), 0.0, 1.0)
    return np.where(k <= 0, 1.0, betainc(np.maximum(k, 1.0), np.maximum(n - k, 0) + 1.0, rate))


def lone_gap(gaps: ArrayLike) -> float:
    """How probable is it that the longest gap between days with rows exceeds the second longest by so much?

    Parameters
    ----------
    gaps : array
        Days from each day with rows to the next.

    Returns
    -------
    float
        p-value; 1 where there are fewer than ten gaps.

    Notes
    -----
    Of n gaps that are drawn from one exponential law the longest exceeds the second longest by an exponential amount with the
    mean of one gap (Renyi's representation), whatever n is. Where rows come by weeks or waves, the long gaps are alike and the
    difference is small, so a rhythm raises no alarm.

    References
    ----------
    Renyi (1953), On the theory of order statistics, doi:10.1007/BF02127580.

    Examples
    --------
    >>> round(lone_gap([1] * 99 + [8]), 6), lone_gap([7] * 20)
    (0.001442, 1.0)
    """
    found = np.sort(np.asarray(gaps, dtype=np.float64))
    if len(found) < 10:
        return 1.0
    return float(np.exp(-(found[-1] - found[-2]) / found.mean()))
