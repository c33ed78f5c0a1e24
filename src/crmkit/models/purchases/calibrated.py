"""How sure is a weighted mean? Standard errors that know which weights were made to meet margins, and which were not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError
from crmkit.core.language import mark
from crmkit.models.basics.estimates import Floats, critical
from crmkit.models.survey.weighting import Raking, effective_n


@dataclass(frozen=True)
class Mean:
    """A weighted mean with its interval.

    Parameters
    ----------
    value, low, high : float
        In the unit of the values.
    standard_error : float
        In the unit of the values.
    n : int
        Answers.
    effective_n : float
        Kish's effective number of answers.
    method : str
        How the interval was made.
    """

    value: float
    low: float
    high: float
    standard_error: float
    n: int
    effective_n: float
    method: str


def weighted_mean(
    values: ArrayLike,
    weights: Raking | ArrayLike | None = None,
    *,
    among: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    drawn_from: float | None = None,
    scale: str = "linear",
    confidence: float = 0.95,
) -> Mean:
    """What is the mean (or share, or score) of all customers, and within which limits?

    Parameters
    ----------
    values : array of shape (n,)
        Answers; 0 and 1 for a share, -100, 0 and 100 for a net promoter score. nan = no answer, left out.
    weights : Raking, or array of shape (n,), optional
        A raking gives calibrated standard errors; plain weights are taken as they are; none = all equal.
    among : array of bool, shape (n,), optional
        The respondents that the mean is about, for example one segment.
    clusters : array of shape (n,), optional
        What was drawn as a whole (the company, where several of its people answer); each counts as one draw.
    drawn_from : float, optional
        How many respondents (clusters) there were to draw from, all with the same chance; narrows the interval where a large
        part was drawn.
    scale : {"linear", "logit"}
        Scale of the interval; logit for shares keeps it within 0 and 1.
    confidence : float
        Coverage of the interval, between 0 and 1.

    Returns
    -------
    Mean

    Raises
    ------
    ModelError
        When fewer than two answers (or clusters) are left, or a logit interval is asked of a mean outside 0 to 1.

    Notes
    -----
    Linearised: ``z = (y - mean) / N`` for those who count and 0 for the rest; after raking, z is replaced by what is left of
    it after a regression on the margins with the design weights; ``SE^2 = m/(m-1) sum((w z - average)^2)`` over the m
    respondents or clusters. Taking raked weights for fixed ones overstates the error of whatever the margins explain. The
    deviate is Student's with m - 1 degrees of freedom.

    References
    ----------
    Deville & Särndal (1992), doi:10.1080/01621459.1992.10475217.

    Examples
    --------
    >>> found = weighted_mean([1.0, 2.0, 3.0, 4.0])
    >>> found.value, round(found.standard_error, 6)
    (2.5, 0.645497)
    """
    from scipy.special import stdtrit

    critical(confidence)
    y = np.asarray(values, dtype=np.float64)
    w = _weights(weights, len(y))
    counts = ~np.isnan(y) & (w > 0)
    if among is not None:
        counts &= np.asarray(among, dtype=bool)
    n = int(counts.sum())
    if n < 2:
        raise ModelError(f"weighted mean: {n} answers have no spread; at least two are needed")
    held = w * counts
    # a mean of equal answers is that answer, not a hair beside it
    mean = float(np.clip(held @ np.where(counts, y, 0.0) / held.sum(), y[counts].min(), y[counts].max()))
    z = np.where(counts, np.where(counts, y, 0.0) - mean, 0.0) / held.sum()
    if isinstance(weights, Raking):
        z = _left_over(z, weights)
    error, draws = _error(w * z, clusters)
    if drawn_from is not None:
        if drawn_from < draws:
            raise ModelError(
                f"weighted mean: {draws} draws from {drawn_from:g} are impossible; drawn_from is the number of all"
            )
        error *= float(np.sqrt(1 - draws / drawn_from))
    deviate = float(stdtrit(draws - 1, 0.5 + confidence / 2))
    low, high = _interval(mean, error, deviate, scale)
    raked = mark("calibrated") if isinstance(weights, Raking) else mark("linearised")
    return Mean(mean, low, high, error, n, effective_n(w[counts]), raked)


def _weights(weights: Raking | ArrayLike | None, n: int) -> Floats:
    if weights is None:
        return np.ones(n)
    w = weights.weights if isinstance(weights, Raking) else np.asarray(weights, dtype=np.float64)
    if len(w) != n:
        raise ModelError(f"weighted mean: {n} values but {len(w)} weights; one weight for each respondent of the raking")
    return w


def _left_over(z: Floats, raking: Raking) -> Floats:
    """What the margins do not explain of z: a weighted regression that only needs the sums of each combination."""
    d, cells, levels = raking.design_weights, raking.cells, raking.levels
    held = np.bincount(cells, d)
    mean = np.bincount(cells, d * z) / held
    dummies = [np.ones((len(levels), 1))]
    dummies += [(column[:, None] == np.arange(1, column.max() + 1)).astype(np.float64) for column in levels.T]
    design = np.column_stack(dummies)
    root = np.sqrt(held)[:, None]
    found = np.linalg.lstsq(design * root, mean * root[:, 0], rcond=None)[0]
    return z - (design @ found)[cells]


def _error(parts: Floats, clusters: ArrayLike | None) -> tuple[float, int]:
    """Standard error of a sum of parts, and the number of independent draws behind it."""
    if clusters is not None:
        _, number = np.unique(np.asarray(clusters), return_inverse=True)
        parts = np.bincount(number, parts).astype(np.float64)
    m = len(parts)
    if m < 2:
        raise ModelError("weighted mean: all answers come from one cluster; at least two are needed")
    deviations: NDArray[np.float64] = parts - parts.mean()
    return float(np.sqrt(m / (m - 1) * (deviations @ deviations))), m


def _interval(mean: float, error: float, deviate: float, scale: str) -> tuple[float, float]:
    if scale == "linear":
        return mean - deviate * error, mean + deviate * error
    if scale != "logit":
        raise ModelError(f"weighted mean: scale is '{scale}'; there are 'linear' and 'logit'")
    if not 0 <= mean <= 1:
        raise ModelError(f"weighted mean: {mean:g} is no share, so it has no logit interval; use scale='linear'")
    if mean in (0.0, 1.0):
        return mean, mean
    middle, reach = np.log(mean / (1 - mean)), deviate * error / (mean * (1 - mean))
    return float(1 / (1 + np.exp(reach - middle))), float(1 / (1 + np.exp(-reach - middle)))
