"""Do two ratings of the same things differ, and by how much? Paired differences with a bootstrap interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from crmkit.core.errors import ModelError
from crmkit.models.basics.estimates import critical

FEWEST = 3


@dataclass(frozen=True)
class Paired:
    """A mean difference: `value`, `low`, `high` in points, `p_value` (two-sided, of no difference), `n` pairs."""

    value: float
    low: float
    high: float
    p_value: float
    n: int


def paired_difference(
    first: ArrayLike, second: ArrayLike, *, draws: int = 2000, confidence: float = 0.95, seed: int = 0
) -> Paired:
    """By how much is the first rating above the second, on average?

    Parameters
    ----------
    first, second : arrays of shape (n,)
        Points; pairs in which one is missing are left out.
    draws : int
        Bootstrap resamples of pairs.
    confidence : float
    seed : int

    Returns
    -------
    Paired

    Raises
    ------
    ModelError
        When the arrays differ in length, or fewer than three pairs are complete.

    Notes
    -----
    Bootstrap-t: each resample is measured in its own standard error, which few pairs need; the p-value is that of the interval
    that just leaves out 0. Where all differences are equal the limits are the value itself, and the p-value is that of as many
    equal signs.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 12.

    Examples
    --------
    >>> found = paired_difference([4, 5, 4, 3, 5, 4], [3, 3, 4, 2, 3, 3])
    >>> round(found.value, 3), found.low > 0
    (1.167, True)
    """
    critical(confidence)
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ModelError(f"paired difference: shapes {a.shape} and {b.shape}; two lists of equal length are needed")
    gap = (a - b)[~np.isnan(a - b)]
    n = len(gap)
    if n < FEWEST:
        raise ModelError(f"paired difference: {n} complete pairs; at least {FEWEST} are needed")
    value, se = float(gap.mean()), float(gap.std(ddof=1) / np.sqrt(n))
    if se < 1e-12:
        return Paired(value, value, value, 1.0 if abs(value) < 1e-12 else 2.0 ** (1 - n), n)
    drawn = gap[np.random.default_rng(seed).integers(0, n, (draws, n))]
    spread = drawn.std(axis=1, ddof=1) / np.sqrt(n)
    # a resample of one pair only has no standard error; half the smallest of the others stands in, so that it counts as extreme
    t = (drawn.mean(1) - value) / np.maximum(spread, spread[spread > 1e-12].min() / 2)
    low_t, high_t = np.quantile(t, [(1 - confidence) / 2, (1 + confidence) / 2])
    above, below = np.mean(t >= value / se), np.mean(t <= value / se)
    p = min(1.0, 2 * (min(float(above), float(below)) * draws + 1) / (draws + 1))
    return Paired(value, value - float(high_t) * se, value - float(low_t) * se, p, n)
