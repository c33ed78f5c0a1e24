"""How sure is a share, which differences of shares are real, and which could be seen at all?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from crmkit.core.errors import ModelError, ParamError
from crmkit.core.language import mark
from crmkit.models.basics.estimates import Differences, Estimates, Floats, critical, same_shape

NDBool = NDArray[np.bool_]
HALVINGS = 60
MOST_DEVIATES = 37.0  # beyond, p is below 1e-299


def wilson(count: ArrayLike, n: ArrayLike, *, confidence: float = 0.95) -> Estimates:
    """Which share of all customers is it, given the share of those who answered?

    Parameters
    ----------
    count : array, 0 to n
        Answers that count, for example in the two top boxes. With weights: weighted share times effective n.
    n : array, 0 or more
        All answers; effective n with weights. Groups without answers get nan.
    confidence : float
        Coverage of the interval, between 0 and 1.

    Returns
    -------
    Estimates
        Shares, 0 to 1, with Wilson's score interval.

    Raises
    ------
    ModelError
        When a count is negative, or larger than its n.

    Notes
    -----
    The interval holds every share p with ``|count/n - p| <= z sqrt(p (1 - p) / n)``. It never leaves 0 to 1 and has a sound
    width at 0 of n and n of n.

    References
    ----------
    Wilson (1927), doi:10.1080/01621459.1927.10502953. Brown, Cai & DasGupta (2001), doi:10.1214/ss/1009213286.

    Examples
    --------
    >>> found = wilson([81, 0], [263, 20])
    >>> found.low.round(6).tolist(), found.high.round(6).tolist()
    ([0.255289, 0.0], [0.36621, 0.161125])
    """
    k, total = _checked(count, n)
    low, share, high = _limits(k, total, _alpha(confidence))
    return Estimates(share, low, high, total, mark("Wilson"))


def newcombe(
    count_first: ArrayLike, n_first: ArrayLike, count_second: ArrayLike, n_second: ArrayLike, *, confidence: float = 0.95
) -> Differences:
    """By how much does the second share exceed the first, and could it be chance?

    Parameters
    ----------
    count_first, n_first : arrays
        Answers that count and all answers, first wave or segment.
    count_second, n_second : arrays
        The same of the second.
    confidence : float
        Coverage of the interval, between 0 and 1.

    Returns
    -------
    Differences
        Second minus first, as a difference of shares (-1 to 1).

    Raises
    ------
    ModelError
        As for :func:`wilson`.

    Notes
    -----
    Square-and-add: the two Wilson intervals are joined, ``low = d - sqrt((p2 - l2)^2 + (u1 - p1)^2)``. The p-value is one
    minus the confidence at which the interval just touches 0, so interval and test never contradict each other.

    References
    ----------
    Newcombe (1998), method 10, doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.

    Examples
    --------
    >>> found = newcombe(48, 80, 56, 70)
    >>> found.low.round(6).item(), found.high.round(6).item()
    (0.052431, 0.333873)
    """
    k1, n1, k2, n2 = same_shape("difference of shares", count_first, n_first, count_second, n_second)
    _checked(k1, n1)
    _checked(k2, n2)
    alpha = _alpha(confidence)
    low1, p1, high1 = _limits(k1, n1, alpha)
    low2, p2, high2 = _limits(k2, n2, alpha)
    value = p2 - p1
    low = value - np.hypot(p2 - low2, high1 - p1)
    high = value + np.hypot(high2 - p2, p1 - low1)
    return Differences(value, low, high, _newcombe_p(k1, n1, k2, n2), n1, n2, mark("Newcombe"))


def detectable_share(
    share: ArrayLike,
    n_first: ArrayLike,
    n_second: ArrayLike,
    *,
    confidence: float = 0.95,
    power: float = 0.8,
    comparisons: int = 1,
) -> Floats:
    """Which change of a share would have been noticed?

    Parameters
    ----------
    share : array, 0 to 1
        Share in the first group or wave.
    n_first, n_second : arrays
        Answers, or effective answers, on each side.
    confidence : float
        1 - chance of a false alarm of one comparison, or of the family when `comparisons` is more than 1.
    power : float
        Chance that a change of the returned size is noticed.
    comparisons : int
        Size of the family; the first and hardest step of Holm's procedure is used.

    Returns
    -------
    array
        Smallest difference, as a share, that is noticed with the given chance upwards and downwards (the larger of the two
        where both are possible); nan where no possible change would be noticed.

    Raises
    ------
    ParamError
        When power, confidence or comparisons are out of range.

    Notes
    -----
    Solves ``d = z_a sqrt(m (1 - m)(1/n1 + 1/n2)) + z_b sqrt(p1 q1/n1 + p2 q2/n2)`` with m the pooled share; for equal n this is
    the rule behind R's power.prop.test.

    References
    ----------
    Fleiss, Levin & Paik (2003), Statistical Methods for Rates and Proportions, chapter 4, doi:10.1002/0471445428.

    Examples
    --------
    >>> detectable_share(0.5, 77, 77, power=0.9).round(3).item()
    0.25
    """
    p, n1, n2 = same_shape("detectable change", share, n_first, n_second)
    z_a, z_b = _deviates(confidence, power, comparisons)
    up, down = _smallest_step(p, n1, n2, z_a, z_b, 1.0), _smallest_step(p, n1, n2, z_a, z_b, -1.0)
    return np.fmax(up, down)


def detectable_mean(
    deviation: ArrayLike,
    n_first: ArrayLike,
    n_second: ArrayLike,
    *,
    confidence: float = 0.95,
    power: float = 0.8,
    comparisons: int = 1,
) -> Floats:
    """Which change of a mean score would have been noticed?

    Parameters
    ----------
    deviation : array, 0 or more
        Standard deviation of one answer, in points. For NPS: ``100 sqrt(p + d - (p - d)^2)``.
    n_first, n_second : arrays
        Answers, or effective answers, on each side.
    confidence, power, comparisons
        As for :func:`detectable_share`.

    Returns
    -------
    array
        Smallest difference, in points; nan where a side has no answers.

    Raises
    ------
    ParamError
        When power, confidence or comparisons are out of range.

    Examples
    --------
    >>> detectable_mean(1.0, 100, 100).round(4).item()
    0.3962
    """
    sd, n1, n2 = same_shape("detectable change", deviation, n_first, n_second)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = sum(_deviates(confidence, power, comparisons)) * sd * np.sqrt(1 / n1 + 1 / n2)
    return np.where(np.isfinite(found), found, np.nan)


def _alpha(confidence: float) -> float:
    critical(confidence)
    return 1 - confidence


def _checked(count: ArrayLike, n: ArrayLike) -> tuple[Floats, Floats]:
    k, total = same_shape("shares", count, n)
    wrong = ~((k >= 0) & (k <= total * (1 + 1e-12)))
    if wrong.any():
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ModelError(f"shares: {k[first]:g} of {total[first]:g} is no share (group {first[0]}); counts go from 0 to n")
    return k, total


def _limits(count: Floats, n: Floats, alpha: float | Floats) -> tuple[Floats, Floats, Floats]:
    """Wilson's lower limit, the share, the upper limit; nan without answers."""
    from statsmodels.stats.proportion import proportion_confint

    with np.errstate(divide="ignore", invalid="ignore"):
        share = count / n
        low, high = proportion_confint(count, n, alpha=alpha, method="wilson")
    # at 0 of n and n of n the limit is exact, rounding would leave it a hair off
    return np.where(count == 0, share, low), share, np.where(count == n, share, high)


def _newcombe_p(k1: Floats, n1: Floats, k2: Floats, n2: Floats) -> Floats:
    """From the deviate at which the square-and-add interval touches 0; the interval always reaches 0 in the end."""
    from scipy.optimize.elementwise import find_root

    swap = k2 * n1 < k1 * n2
    low_k, low_n = np.where(swap, k2, k1), np.where(swap, n2, n1)
    high_k, high_n = np.where(swap, k1, k2), np.where(swap, n1, n2)

    def beyond(z: Floats, k: Floats, n: Floats, more_k: Floats, more_n: Floats) -> Floats:
        alpha = 2 * ndtr(-z)
        _, p_low, upper = _limits(k, n, alpha)
        lower, p_high, _ = _limits(more_k, more_n, alpha)
        return np.asarray(np.hypot(p_high - lower, upper - p_low) - (p_high - p_low))

    groups = (low_k, low_n, high_k, high_n)
    nothing, most = np.zeros_like(k1), np.full_like(k1, MOST_DEVIATES)
    # in its last step, between neighbours among the floats, the search may divide nothing by nothing; its answer stands
    with np.errstate(invalid="ignore", divide="ignore"):
        found = find_root(beyond, (nothing, most), args=groups)
    # equal shares touch at once, which is no change of sign; shares that never touch are further apart than floats can say
    z = np.where(found.success, found.x, np.where(beyond(most, *groups) < 0, np.inf, 0.0))
    none = (n1 <= 0) | (n2 <= 0)
    return np.where(none, np.nan, np.minimum(2 * ndtr(-z), 1.0))


def _deviates(confidence: float, power: float, comparisons: int) -> tuple[float, float]:
    if not 0 < power < 1:
        raise ParamError(f"power is {power}; it must lie between 0 and 1, for example 0.8")
    if comparisons < 1:
        raise ParamError(f"comparisons is {comparisons}; there is at least 1")
    return critical(1 - (1 - confidence) / comparisons), float(ndtri(power))


def _smallest_step(p: Floats, n1: Floats, n2: Floats, z_a: float, z_b: float, sign: float) -> Floats:
    room = 1 - p if sign > 0 else p
    left, right = np.zeros_like(p), room.copy()

    def noticed(step: Floats) -> NDBool:
        other = p + sign * step
        pooled = (p * n1 + other * n2) / (n1 + n2)
        spread = np.sqrt(np.clip(p * (1 - p) / n1 + other * (1 - other) / n2, 0, None))
        return step >= z_a * np.sqrt(np.clip(pooled * (1 - pooled), 0, None) * (1 / n1 + 1 / n2)) + z_b * spread

    with np.errstate(divide="ignore", invalid="ignore"):
        possible = noticed(right) & (right > 0)
        for _ in range(HALVINGS):
            middle = (left + right) / 2
            seen = noticed(middle)
            left, right = np.where(seen, left, middle), np.where(seen, middle, right)
    return np.where(possible, right, np.nan)
