"""What does a point bring, when chance decided who got it? The ratio of two differences between arms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError
from crmkit.core.language import mark
from crmkit.core.results import Text
from crmkit.models.basics.estimates import critical

Floats = NDArray[np.float64]

EMPTY_ARM = Text("needs answers of two customers or more in both arms")


@dataclass(frozen=True)
class Difference:
    """Treated less control, with interval, two-sided p and the number of customers in both arms."""

    value: float
    low: float
    high: float
    p: float
    n: int
    method: str


@dataclass(frozen=True)
class PerPoint:
    """What a campaign changed, and per point of the score.

    Parameters
    ----------
    score : Difference
        In points, of those who answered.
    outcome : Difference
        Of all, as assigned.
    ratio : Difference or None
        Outcome per point; None where the score did not move beyond chance.
    """

    score: Difference
    outcome: Difference
    ratio: Difference | None


def effect_per_point(outcome: ArrayLike, score: ArrayLike, treated: ArrayLike, *, confidence: float = 0.95) -> PerPoint:
    """By how much does an outcome change per point of a score that a campaign moved?

    Parameters
    ----------
    outcome : array of shape (n,)
        Of each customer, 0 or 1 for leaving, or a number.
    score : array of shape (n,)
        Answer after the campaign; nan where there is none.
    treated : array of bool, shape (n,)
        As drawn by lot, whoever was reached.
    confidence : float

    Returns
    -------
    PerPoint

    Raises
    ------
    ModelError
        With fewer than two answers in an arm.

    Notes
    -----
    The difference of means between the arms, of the outcome over that of the score (Wald's estimator of an instrument). Its
    interval is Fieller's, which holds when the score moved little; where the score did not move beyond chance it has no end,
    and no ratio is given. It is the effect of a point if the campaign acts on the outcome through the score alone.

    References
    ----------
    Fieller (1954), doi:10.1111/j.2517-6161.1954.tb00159.x; Angrist, Imbens & Rubin (1996), doi:10.1080/01621459.1996.10476902.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> arm = np.arange(4000) % 2 == 0
    >>> points = rng.normal(3.5, 1, 4000) + 0.5 * arm
    >>> found = effect_per_point(2.0 * points + rng.normal(0, 1, 4000), points, arm)
    >>> bool(found.ratio.low < 2 < found.ratio.high)
    True
    """
    y, s, arm = np.asarray(outcome, dtype=np.float64), np.asarray(score, dtype=np.float64), np.asarray(treated, dtype=bool)
    said = np.isfinite(s)
    if min((said & arm).sum(), (said & ~arm).sum()) < 2:
        raise ModelError(EMPTY_ARM)
    reach = critical(confidence)
    of_score, of_outcome = _difference(s[said], arm[said], reach), _difference(y, arm, reach)
    if of_score.low <= 0 <= of_score.high:
        return PerPoint(of_score, of_outcome, None)
    # who answered is in both means: their covariance, spread over all of the arm
    covariance = sum(float(np.cov(y[own & said], s[own & said])[0, 1]) / own.sum() for own in (arm, ~arm))
    errors = [(one.high - one.low) / (2 * reach) for one in (of_outcome, of_score)]
    ratio = _fieller(of_outcome.value, of_score.value, errors[0] ** 2, errors[1] ** 2, covariance, reach)
    method = mark("ratio of differences, Fieller")
    return PerPoint(of_score, of_outcome, Difference(*ratio, of_outcome.p, len(y), method))


def _difference(values: Floats, arm: NDArray[np.bool_], reach: float) -> Difference:
    from scipy.special import ndtr

    parts = [values[arm], values[~arm]]
    value = float(parts[0].mean() - parts[1].mean())
    error = float(np.sqrt(sum(part.var(ddof=1) / len(part) for part in parts)))
    p = float(2 * ndtr(-abs(value / error))) if error > 0 else float(value == 0)
    return Difference(value, value - reach * error, value + reach * error, p, len(values), mark("difference of means by arm"))


def _fieller(a: float, b: float, va: float, vb: float, cov: float, reach: float) -> tuple[float, float, float]:
    """a / b and its limits; b differs from 0 beyond chance, so that they are finite."""
    z2 = reach**2
    lead, middle, rest = b**2 - z2 * vb, a * b - z2 * cov, a**2 - z2 * va
    root = float(np.sqrt(max(middle**2 - lead * rest, 0.0)))
    return a / b, (middle - root) / lead, (middle + root) / lead
