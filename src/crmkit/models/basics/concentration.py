"""How unequally is value spread over customers? Lorenz curve, Gini coefficient, share of the top, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError
from crmkit.core.results import Text
from crmkit.models.basics.estimates import critical

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """A measure with its interval: value, low, high (same unit), n customers."""

    value: float
    low: float
    high: float
    n: int


def lorenz(values: ArrayLike, *, points: int = 101) -> tuple[Floats, Floats]:
    """Which share of all value do the customers hold who are worth least?

    Parameters
    ----------
    values : array of shape (n,)
        Value of each customer, 0 or more, in any unit of money.
    points : int
        Points of the curve, both ends included.

    Returns
    -------
    population, value : arrays of shape (points,)
        Cumulative shares (0 to 1), customers sorted from the least to the most valuable.

    Raises
    ------
    ModelError
        When a value is negative or missing, or all are 0.

    Examples
    --------
    >>> lorenz([1.0, 1.0, 2.0], points=4)[1].round(3).tolist()
    [0.0, 0.25, 0.5, 1.0]
    """
    ordered = _sorted(values)
    cumulative = np.concatenate([[0.0], np.cumsum(ordered)])
    share = np.linspace(0.0, 1.0, points)
    return share, np.interp(share, np.linspace(0.0, 1.0, len(cumulative)), cumulative) / cumulative[-1]


def gini(values: ArrayLike, *, confidence: float = 0.95) -> Measure:
    """How unequal are customers in value, from 0 (all equal) to 1 (one has it all)?

    Parameters
    ----------
    values : array of shape (n,)
        Value of each customer, 0 or more.
    confidence : float
        Coverage of the interval, between 0 and 1.

    Returns
    -------
    Measure
        The Gini coefficient with the correction n/(n-1) for small samples, and its normal interval cut to [0, 1].

    Raises
    ------
    ModelError
        When a value is negative or missing, all are 0, or there are fewer than two.

    Notes
    -----
    With values sorted, ``G = sum((2i - n - 1) x_i) / (n sum(x))``. The variance is that of the estimator's linear
    approximation, so customers are taken as an independent sample from one distribution.

    References
    ----------
    Davidson (2009), Reliable inference for the Gini index, doi:10.1016/j.jeconom.2008.11.004.

    Examples
    --------
    >>> round(gini([0.0, 0.0, 0.0, 1.0]).value, 6)
    1.0
    """
    x = _sorted(values)
    n = len(x)
    if n < 2:
        raise ModelError(Text("Gini coefficient: one customer has no distribution; at least two are needed"))
    rank = np.arange(1, n + 1)
    plain = float(((2 * rank - n - 1) * x).sum() / (n * x.sum()))
    influence = -(plain + 1) * x + (2 * rank - 1) / n * x - 2 / n * np.cumsum(x)
    spread = float(np.sqrt(((influence - influence.mean()) ** 2).sum())) / (n * x.mean())
    # values that are equal may give a rounding error below 0
    return _measure(max(plain * n / (n - 1), 0.0), spread, n, confidence)


def top_share(values: ArrayLike, *, top: float = 0.2, confidence: float = 0.95) -> Measure:
    """Which share of all value do the most valuable customers hold?

    Parameters
    ----------
    values : array of shape (n,)
        Value of each customer, 0 or more.
    top : float
        Share of customers that count as the top, between 0 and 1.
    confidence : float
        Coverage of the interval, between 0 and 1.

    Returns
    -------
    Measure
        Share of value (0 to 1) with its interval; where ``top * n`` is no whole number the last customer counts in part.

    Raises
    ------
    ModelError
        As for :func:`lorenz`.

    Notes
    -----
    One minus the Lorenz curve at ``1 - top``. The variance comes from the influence function of the Lorenz ordinate.

    References
    ----------
    Beach & Davidson (1983), Distribution-free statistical inference with Lorenz curves and income shares,
    doi:10.2307/2297772.

    Examples
    --------
    >>> top_share([1.0, 1.0, 1.0, 7.0], top=0.25).value
    0.7
    """
    x = _sorted(values)
    n = len(x)
    cumulative = np.concatenate([[0.0], np.cumsum(x)])
    held = 1.0 - float(np.interp((1.0 - top) * n, np.arange(n + 1), cumulative) / cumulative[-1])
    threshold = x[min(n - 1, int(np.floor((1.0 - top) * n)))]
    mean = float(x.mean())
    above = np.where(x > threshold, x - threshold, 0.0) + top * threshold
    influence = (above - held * x) / mean
    spread = float(influence.std() / np.sqrt(n))
    return _measure(held, spread, n, confidence)


def capture(forecast: Floats, actual: Floats, *, top: float = 0.2, confidence: float = 0.95) -> Measure:
    """Which share of what came was made by the customers ranked highest beforehand?

    Parameters
    ----------
    forecast, actual : arrays, shape (customers,)
    top : float
        Share of customers that are ranked highest; ties at the border count in part.
    confidence : float

    Returns
    -------
    Measure
        Share between 0 and 1 with its interval; a ratio of sums, its variance by linearisation with the ranking held fixed.
        Not a number where nothing came.

    Examples
    --------
    >>> capture(np.array([3.0, 2.0, 1.0, 0.0, 0.0]), np.array([4.0, 3.0, 2.0, 1.0, 0.0])).value
    0.4
    """
    n, wanted = len(forecast), top * len(forecast)
    threshold = np.sort(forecast)[::-1][min(n - 1, int(wanted))]
    above, at = forecast > threshold, forecast == threshold
    weight = above + at * ((wanted - above.sum()) / at.sum())
    total = float(actual.sum())
    if not total:
        return Measure(float("nan"), float("nan"), float("nan"), n)
    value = float((weight * actual).sum()) / total
    spread = float(np.sqrt(((actual * (weight - value)) ** 2).sum())) / total
    return _measure(value, spread, n, confidence)


def _measure(value: float, standard_error: float, n: int, confidence: float) -> Measure:
    reach = critical(confidence) * standard_error
    return Measure(value, max(0.0, value - reach), min(1.0, value + reach), n)


def _sorted(values: ArrayLike) -> Floats:
    x = np.sort(np.asarray(values, dtype=np.float64))
    if not len(x) or not np.isfinite(x).all() or x[0] < 0:
        raise ModelError("concentration of value: values must be numbers of 0 or more, at least one")
    if x[-1] == 0:
        raise ModelError(Text("concentration of value: every customer is worth 0, so nothing can be shared out"))
    return x
