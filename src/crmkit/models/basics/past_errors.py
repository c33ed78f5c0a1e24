"""How far were earlier forecasts off? What their errors say of the next one: how to move it, and how wide it must be."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

# what is known of forecasts before any was made here: they miss by 6 % beyond parameters and chance, as sure as six forecasts
USUAL, WORTH = 0.06, 6.0
# how far a group's level may be off for good; the total's is known better than any group's
GROUP, TOTAL = 0.25, 0.04
# so many squared errors of a level are doubt; what it is off by beyond them is taken for what it is
DOUBT = 2.0
# what an error grows by, as a share of the level that is off, when the horizon is e times as long
GROWTH = 0.3
FEWEST = 3
# added to counts and sums, so that 0 has a logarithm
HALF = 0.5


@dataclass(frozen=True)
class Learned:
    """What past errors say of a forecast.

    Parameters
    ----------
    shift : float
        Logarithm of the factor by which the level is moved.
    spread : float
        Standard deviation of the error that is left, of the logarithm: parameters, chance and the model.
    freedom : float
        Degrees of freedom of the Student distribution of that error.
    n : int
        Past forecasts that it was learned from.
    """

    shift: float
    spread: float
    freedom: float
    n: int

    def of(self, value: float, confidence: float = 0.95) -> tuple[float, float, float]:
        """The forecast moved, and the limits between which the outcome should lie; half a purchase keeps 0 possible.

        Examples
        --------
        >>> [round(one, 1) for one in Learned(0.0, 0.1, 8.0, 4).of(1000.0)]
        [1000.0, 794.0, 1259.5]
        """
        from scipy.stats import t

        reach = float(t.ppf((1 + confidence) / 2, self.freedom)) * self.spread
        middle = (value + HALF) * math.exp(self.shift)
        return value * math.exp(self.shift), max(0.0, middle * math.exp(-reach) - HALF), middle * math.exp(reach) - HALF


def log_errors(actual: ArrayLike, forecast: ArrayLike) -> np.ndarray:
    """Logarithms of what came over what was forecast; half a purchase is added to both.

    Examples
    --------
    >>> log_errors([110.0, 0.0], [100.0, 0.0]).round(4).tolist()
    [0.0949, 0.0]
    """
    return np.asarray(np.log(np.asarray(actual, dtype="float64") + HALF) - np.log(np.asarray(forecast, dtype="float64") + HALF))


def learn(errors: ArrayLike, days: ArrayLike, *, horizon: float, ahead: float, own: float, level: float = GROUP) -> Learned:
    """What do the errors of earlier forecasts say of the one that is made now?

    Parameters
    ----------
    errors : array_like, shape (n,)
        Of each earlier forecast :func:`log_errors`; all of one length, all known on the day of the new forecast.
    days : array_like, shape (n,)
        The days on which they were made.
    horizon : float > 0
        Days that they looked ahead.
    ahead : float >= horizon
        Days that the new one looks ahead.
    own : float >= 0
        Standard deviation of the new one's logarithm by parameters and chance alone.
    level : float >= 0
        How far the level may be off for good, as a standard deviation of the logarithm; 0 moves nothing.

    Returns
    -------
    Learned

    Notes
    -----
    Errors are normal about a level of their own, with an unknown variance that is before worth six forecasts with
    ``usual^2 + own^2`` (a scaled inverse chi-square distribution), the level normal about 0. Forecasts that overlap in time
    share what came: n of them count as ``1 + (last - first) / horizon`` that do not, at most n. The level is drawn towards 0
    to the part ``level^2 / (level^2 + variance / n)``, or ``1 - 2 variance / (n mean^2)`` where that is more: a level that is
    off by far is no chance. What is left is a Student distribution. A new forecast that looks further ahead than the earlier
    ones keeps their level, and its variance grows by ``(0.3 level log(ahead / horizon))^2``. As far as that level is no chance,
    it may be a fall or rise that goes on, which over ``ahead / horizon`` of the time comes to as many times the level: half of
    the distance to that is a further standard deviation.
    Box and Tiao (1973), Bayesian inference in statistical analysis, chapter 2, doi:10.1002/9781118033197.

    Examples
    --------
    >>> seen = learn([0.10, 0.14, 0.12, 0.12], [0, 91, 182, 273], horizon=91, ahead=91, own=0.02)
    >>> round(seen.shift, 3), round(seen.spread, 3), seen.freedom, seen.n
    (0.119, 0.059, 9.0, 4)
    """
    known, made = np.asarray(errors, dtype="float64"), np.asarray(days, dtype="float64")
    n = len(known)
    if n == 0:
        return Learned(0.0, math.hypot(USUAL, own), WORTH, 0)
    apart = min(float(n), 1.0 + float(np.ptp(made)) / horizon)
    mean = float(known.mean())
    scatter = float(((known - mean) ** 2).mean()) * apart
    freedom = WORTH + apart - 1
    variance = (WORTH * (USUAL**2 + own**2) + scatter) / freedom
    drawn, sure = level**2 / (level**2 + variance / apart), 0.0
    if mean:
        sure = max(0.0, 1 - DOUBT * variance / (apart * mean**2))
        drawn = max(drawn, sure)
    ratio = max(1.0, ahead / horizon)
    further = sure * (ratio - 1) / 2
    shift = drawn * mean
    grown = shift * math.hypot(GROWTH * math.log(ratio), further)
    return Learned(shift, math.sqrt(variance * (1 + drawn / apart) + grown**2), freedom, n)
