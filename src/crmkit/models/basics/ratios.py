"""How sure is a sum over another sum, and a rate of things counted? Ratios and Poisson counts with their intervals."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from crmkit.core.errors import ModelError
from crmkit.models.basics.concentration import Measure
from crmkit.models.basics.estimates import critical


def ratio_of_sums(top: ArrayLike, bottom: ArrayLike, *, confidence: float = 0.95) -> Measure:
    """What is the sum of one quantity over the sum of another, and how sure is that?

    Parameters
    ----------
    top, bottom : arrays of shape (n,)
        Both quantities of each unit: a customer, a month.
    confidence : float
        Coverage of the interval, between 0 and 1.

    Returns
    -------
    Measure
        The ratio with its normal interval; nan limits where there is one unit only.

    Raises
    ------
    ModelError
        When the sum below is 0.

    Notes
    -----
    Linearised: the variance is that of the sum of ``top - ratio * bottom`` over units drawn at random, divided by the square of
    the sum below.

    References
    ----------
    Cochran (1977), Sampling Techniques, 3rd ed., section 6.3.

    Examples
    --------
    >>> found = ratio_of_sums([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])
    >>> found.value, round(found.low, 6), round(found.high, 6)
    (0.5, 0.5, 0.5)
    """
    above, below = (np.atleast_1d(np.asarray(one, dtype="float64")) for one in (top, bottom))
    n, whole = len(below), float(below.sum())
    if whole == 0:
        raise ModelError("ratio of sums: the sum below is 0")
    value = float(above.sum()) / whole
    if n < 2:
        return Measure(value, float("nan"), float("nan"), n)
    left = above - value * below
    error = float(np.sqrt(n / (n - 1) * (left**2).sum())) / abs(whole)
    reach = critical(confidence) * error
    return Measure(value, value - reach, value + reach, n)


def poisson_limits(count: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Between which limits lies the mean of a Poisson count?

    Parameters
    ----------
    count : int
        What was counted, 0 or more.
    confidence : float
        Coverage of the interval, between 0 and 1.

    Returns
    -------
    low, high : float
        Exact limits; the lower one is 0 where nothing was counted.

    References
    ----------
    Garwood (1936), Fiducial limits for the Poisson distribution, doi:10.1093/biomet/28.3-4.437.

    Examples
    --------
    >>> [round(limit, 3) for limit in poisson_limits(10)]
    [4.795, 18.39]
    """
    from scipy.stats import chi2

    outside = (1 - confidence) / 2
    low = float(chi2.ppf(outside, 2 * count)) / 2 if count else 0.0
    return low, float(chi2.ppf(1 - outside, 2 * count + 2)) / 2
