"""Where will a short series be, how sure is that, how often did earlier ranges hold, and what is the chance to pass a limit?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from crmkit.core.errors import ModelError
from crmkit.models.basics.estimates import Floats, critical
from crmkit.models.outlook.paths import METHODS, Path, season, together

Scale = Literal["plain", "log", "logit", "root"]
# fewer values say nothing of what comes; the first forecast that is tried rests on five
FEWEST, FIRST = 8, 5
# what a method says of its own spread counts as much as so many earlier errors
WORTH = 6.0
# a choice between methods rests on at least so many earlier ranges of each
FEWEST_RANGES = 3
# a method is taken before the mean of all where its score is so much of that
BETTER = 0.9
MISS = 40.0
BOTH = "together"
# shares are kept so far off 0 and 1
EDGE = 0.0005
BEYOND = {"logit": 1.0, "root": np.inf}


@dataclass(frozen=True, eq=False)
class Outlook:
    """A forecast of the next steps, and of what they come to.

    Parameters
    ----------
    value, low, high : arrays, shape (ahead,)
        Of each step, in the unit of the series.
    whole, whole_low, whole_high : float
        Of the mean of the steps from ``skip`` on.
    method : str
        ``last, smoothed, damped, level, line`` or ``together``.
    seasonal : bool
        Whether a season is in it.
    scale : {"plain", "log", "logit", "root"}
    centre, spread, freedom : float
        Student distribution of ``whole`` on that scale.
    tried, held : int
        Earlier ranges of ``whole``, each made of what was known then, and those in which the outcome lay.
    n : int
        Values that it rests on.
    """

    value: Floats
    low: Floats
    high: Floats
    whole: float
    whole_low: float
    whole_high: float
    method: str
    seasonal: bool
    scale: Scale
    centre: float
    spread: float
    freedom: float
    tried: int
    held: int
    n: int

    def above(self, limit: float) -> float:
        """The chance that ``whole`` lies above a limit.

        Examples
        --------
        >>> flat = outlook([4.0, 5.0, 4.5, 5.5, 4.2, 5.1, 4.4, 5.2, 4.8, 5.0], ahead=2)
        >>> flat.above(2.0) > 0.99, flat.above(4.8) < 0.7
        (True, True)
        """
        from scipy.stats import t

        to, _ = scaled(self.scale)
        if self.spread <= 0:
            return float(self.whole > limit)
        return float(t.sf((float(to(np.array([limit]))[0]) - self.centre) / self.spread, self.freedom))


def scaled(scale: Scale) -> tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]:
    """A scale on which errors are about alike for large and small values, and the way back."""
    if scale == "log":
        return (lambda y: np.log(np.maximum(y, 1e-300))), np.exp
    if scale == "logit":
        return _logit, lambda z: 1 / (1 + np.exp(-z))
    if scale == "root":
        return np.sqrt, lambda z: np.square(np.maximum(z, 0.0))
    return (lambda y: np.asarray(y, dtype=np.float64)), (lambda z: z)


def _logit(y: Floats) -> Floats:
    inside = np.clip(y, EDGE, 1 - EDGE)
    return np.asarray(np.log(inside / (1 - inside)))


@dataclass(frozen=True, eq=False)
class _Tries:
    """Forecasts of every method from every earlier step, on the scale; a row of ``shares`` is what is forecast.

    ``forecast, own`` have the shape (origins, methods, rows), ``actual`` (origins, rows), nan where not known yet; origin
    ``k`` has seen ``FIRST + k`` values; the last one has seen them all. ``reach``: steps until a row is known. ``floor``, of
    shape (origins, rows): the measurement's own error.
    """

    names: tuple[str, ...]
    forecast: Floats
    own: Floats
    actual: Floats
    reach: Floats
    floor: Floats
    seasonal: bool
    scale: Scale

    def known(self, origin: int, row: int) -> int:
        """Of how many origins, the first ones, the outcome was known at an origin."""
        return max(0, origin + 1 - int(self.reach[row]))

    def spread(self, origin: int, method: int, row: int) -> tuple[float, float]:
        """Standard deviation of the error and its degrees of freedom, from what was known at an origin."""
        seen = self.known(origin, row)
        own = self.own[origin, method, row] ** 2
        # forecasts that overlap share what came
        apart = min(float(seen), 1 + (seen - 1) / self.reach[row]) if seen else 0.0
        missed = float(np.mean((self.actual[:seen, row] - self.forecast[:seen, method, row]) ** 2)) if seen else 0.0
        variance = (WORTH * own + apart * missed) / (WORTH + apart)
        return float(np.sqrt(max(variance, self.floor[origin, row] ** 2))), WORTH + apart

    def score(self, origin: int, method: int, row: int, confidence: float) -> float:
        """Interval score: width, and forty times the distance by which it missed."""
        reach = self.reached(origin, method, row, confidence)
        off = abs(float(self.actual[origin, row] - self.forecast[origin, method, row]))
        return 2 * reach + MISS * max(0.0, off - reach)

    def reached(self, origin: int, method: int, row: int, confidence: float) -> float:
        """Half the width of the range."""
        from scipy.special import stdtrit

        spread, freedom = self.spread(origin, method, row)
        return float(stdtrit(freedom, (1 + confidence) / 2)) * spread


def outlook(
    values: ArrayLike,
    *,
    ahead: int,
    scale: Scale = "plain",
    period: int = 12,
    errors: ArrayLike | None = None,
    skip: int = 0,
    confidence: float = 0.95,
) -> Outlook:
    """Where will a series be in the next steps, how sure is that, and how often were earlier ranges right?

    Parameters
    ----------
    values : array, shape (n,)
        One value per month or quarter, in order of time, at least eight; none missing. Shares are 0 to 1 for ``logit``,
        positive for ``log``, none negative for ``root``.
    ahead : int, 1 or more
        Steps to look ahead.
    scale : {"plain", "log", "logit", "root"}
        On which the series is taken as even.
    period : int
        Steps of a year; a season is looked for from two years on, 0 or 1: never.
    errors : array, shape (n,), or None
        Standard error of each value, in its unit: how sure a month is that was measured by few.
    skip : int, 0 to ahead - 1
        First steps that are no part of ``whole``: those that are over and not known yet, or all but the last.
    confidence : float

    Returns
    -------
    Outlook

    Raises
    ------
    ModelError
        With fewer than eight values, a value that is missing or does not go with the scale, or no step ahead.

    Notes
    -----
    Rule of choice: of last value, exponential smoothing with and without a damped trend, and level and line with AR(1) errors
    by restricted likelihood, the one whose earlier ranges have the least mean interval score, if that is at most 0.9 of the
    score of the mean of all of them; else, and where fewer than three ranges are known, the mean of all. A range is a Student
    distribution. Its variance is that which the method expects of itself, counted as six errors, and the mean square of its
    own earlier errors, where forecasts that overlap count in part; it is never less than the measurement's own. Each earlier
    range rests on earlier values only.
    Gneiting and Raftery (2007), doi:10.1198/016214506000001437; Hyndman et al. (2002), doi:10.1016/S0169-2070(01)00110-8.

    Examples
    --------
    >>> found = outlook([10, 11, 10, 12, 11, 12, 13, 12, 13, 14, 13, 14], ahead=3, scale="log")
    >>> found.whole_low < 14 < found.whole_high, found.tried
    (True, 2)
    """
    y, noise = _checked(values, errors, ahead, scale, skip)
    critical(confidence)
    tries = _tried(y, noise, ahead=ahead, scale=scale, period=period, skip=skip)
    newest, whole = len(y) - FIRST, ahead
    method = _chosen(tries, newest, whole, confidence)
    _, back = scaled(scale)
    reach = np.array([tries.reached(newest, method, row, confidence) for row in range(ahead + 1)])
    middle = tries.forecast[newest, method]
    low, value, high = (np.asarray(back(middle + side * reach)) for side in (-1, 0, 1))
    spread, freedom = tries.spread(newest, method, whole)
    past = _earlier(tries, whole, confidence)
    held = sum(one.held for one in past)
    return Outlook(
        value=value[:ahead],
        low=low[:ahead],
        high=high[:ahead],
        whole=float(value[whole]),
        whole_low=float(low[whole]),
        whole_high=float(high[whole]),
        method=tries.names[method],
        seasonal=tries.seasonal,
        scale=scale,
        centre=float(middle[whole]),
        spread=spread,
        freedom=freedom,
        tried=len(past),
        held=held,
        n=len(y),
    )


@dataclass(frozen=True)
class Earlier:
    """A range as it was, or would have been, made earlier, and what came; ``seen``: the values it rests on."""

    seen: int
    value: float
    low: float
    high: float
    came: float
    method: str

    @property
    def held(self) -> bool:
        return bool(self.low <= self.came <= self.high)


def earlier(
    values: ArrayLike,
    *,
    ahead: int,
    scale: Scale = "plain",
    period: int = 12,
    errors: ArrayLike | None = None,
    skip: int = 0,
    confidence: float = 0.95,
) -> list[Earlier]:
    """Which ranges would have been printed before, each by what was known then, and what came? As :func:`outlook`.

    Returns
    -------
    list of Earlier
        Of ``whole``, the oldest first: one for each number of values from eight on after which the outcome is known.

    Examples
    --------
    >>> [(one.seen, one.held) for one in earlier([4.0, 5.0, 4.5, 5.5, 4.2, 5.1, 4.4, 5.2, 4.8, 5.0], ahead=1)]
    [(8, True), (9, True)]
    """
    y, noise = _checked(values, errors, ahead, scale, skip)
    critical(confidence)
    return _earlier(_tried(y, noise, ahead=ahead, scale=scale, period=period, skip=skip), ahead, confidence)


def _earlier(tries: _Tries, row: int, confidence: float) -> list[Earlier]:
    _, back = scaled(tries.scale)
    found = []
    for at in range(FEWEST - FIRST, tries.known(len(tries.forecast) - 1, row)):
        method = _chosen(tries, at, row, confidence)
        reach, middle = tries.reached(at, method, row, confidence), tries.forecast[at, method, row]
        value, low, high, came = back(np.array([middle, middle - reach, middle + reach, tries.actual[at, row]])).tolist()
        found.append(Earlier(at + FIRST, value, low, high, came, tries.names[method]))
    return found


def _checked(values: ArrayLike, errors: ArrayLike | None, ahead: int, scale: Scale, skip: int) -> tuple[Floats, Floats]:
    y = np.asarray(values, dtype=np.float64)
    if len(y) < FEWEST:
        raise ModelError(f"outlook: {len(y)} values; at least {FEWEST} are needed")
    if ahead < 1 or not 0 <= skip < ahead:
        raise ModelError(f"outlook: {ahead} steps ahead without the first {skip}; at least 1 is needed")
    if not np.isfinite(y).all():
        raise ModelError(f"outlook: {int((~np.isfinite(y)).sum())} of {len(y)} values are missing; fill or leave them out")
    if (scale == "log" and (y <= 0).any()) or (scale in ("logit", "root") and ((y < 0) | (y > BEYOND[scale])).any()):
        allowed = {"log": "above 0", "logit": "0 to 1"}.get(scale, "0 or more")
        raise ModelError(f"outlook: values from {y.min():g} to {y.max():g} on the scale {scale!r}; {allowed} is allowed")
    sure = np.zeros(len(y)) if errors is None else np.nan_to_num(np.asarray(errors, dtype=np.float64), posinf=0.0)
    # what an error is on the scale, by the slope of the scale
    if scale == "log":
        return y, sure / y
    if scale == "root":
        return y, sure / (2 * np.sqrt(np.maximum(y, y.mean() / 4 + EDGE)))
    inside = np.clip(y, EDGE, 1 - EDGE)
    return y, sure / (inside * (1 - inside)) if scale == "logit" else sure


def _tried(y: Floats, noise: Floats, *, ahead: int, scale: Scale, period: int, skip: int) -> _Tries:
    to, back = scaled(scale)
    z, n = to(y), len(y)
    shares = np.vstack([np.eye(ahead), (np.arange(ahead) >= skip) / (ahead - skip)])
    reach = np.array([*range(1, ahead + 1), ahead], dtype=np.float64)
    names = (*METHODS, BOTH)
    shape = (n - FIRST + 1, len(names), ahead + 1)
    forecast, own, actual = np.empty(shape), np.empty(shape), np.full((shape[0], ahead + 1), np.nan)
    seasonal = False
    for origin, seen in enumerate(range(FIRST, n + 1)):
        paths, seasonal = _paths(z[:seen], ahead, noise[:seen], period)
        for place, path in enumerate(paths):
            forecast[origin, place] = to(shares @ back(path.mean))
            own[origin, place] = np.sqrt(np.maximum(np.einsum("ri,ij,rj->r", shares, path.cover, shares), 0.0))
        for row, steps in enumerate(reach.astype(int)):
            if seen + steps <= n:
                actual[origin, row] = to(shares[row, :steps] @ y[seen : seen + steps])
    newest = np.array([np.mean(noise[max(0, seen - ahead) : seen] ** 2) for seen in range(FIRST, n + 1)])
    floor = np.sqrt(newest[:, None] * (shares**2).sum(1))
    return _Tries(names, forecast, own, actual, reach, floor, seasonal, scale)


def _paths(z: Floats, ahead: int, noise: Floats, period: int) -> tuple[list[Path], bool]:
    effects = season(z, period)
    places = len(effects)
    plain = z - effects[np.arange(len(z)) % places]
    paths = [method(plain, ahead, noise) for method in METHODS.values()]
    paths.append(together(paths))
    added = effects[np.arange(len(z), len(z) + ahead) % places]
    return [Path(path.mean + added, path.cover) for path in paths], bool(effects.any())


def _chosen(tries: _Tries, origin: int, row: int, confidence: float) -> int:
    """The method whose earlier ranges score best, by what was known at an origin; else the mean of all."""
    seen = tries.known(origin, row)
    if seen < FEWEST_RANGES:
        return len(tries.names) - 1
    scores = [np.mean([tries.score(at, method, row, confidence) for at in range(seen)]) for method in range(len(tries.names))]
    best = int(np.argmin(scores))
    return best if scores[best] <= BETTER * scores[-1] else len(tries.names) - 1
