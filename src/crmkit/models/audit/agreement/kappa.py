"""Do two raters agree beyond chance? Cohen's kappa, weighted where near misses count less."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from crmkit.core.errors import ModelError, ParamError, did_you_mean
from crmkit.core.results import Text
from crmkit.models.audit.agreement.alpha import ALL_EQUAL
from crmkit.models.basics.estimates import critical

WEIGHTS = ("none", "linear", "quadratic")


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa with its interval: 1 perfect agreement, 0 chance; `se` large-sample; nan with a reason where undefined."""

    value: float
    low: float
    high: float
    se: float
    n: int
    weights: str
    reason: Text | None = None


def cohen_kappa(table: ArrayLike, *, weights: str = "none", confidence: float = 0.95) -> Kappa:
    """How far do two raters agree beyond chance?

    Parameters
    ----------
    table : array of shape (categories, categories)
        How often the first rater (rows) and the second (columns) chose which category, in order of the scale.
    weights : {"none", "linear", "quadratic"}
        How disagreement grows with the distance of two categories.
    confidence : float

    Returns
    -------
    Kappa
        Undefined, with the reason, where both raters used one and the same category only.

    Raises
    ------
    ModelError
        When the table is not square, or holds a negative count or none at all.
    ParamError
        For weights that do not exist.

    References
    ----------
    Cohen (1968), doi:10.1037/h0026256. Fleiss, Cohen & Everitt (1969), doi:10.1037/h0028106.

    Examples
    --------
    >>> round(cohen_kappa([[20, 5], [10, 15]]).value, 2)
    0.4
    """
    z = critical(confidence)
    if weights not in WEIGHTS:
        raise ParamError(f"kappa: there are no weights '{weights}'; {did_you_mean(weights, WEIGHTS)}")
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ModelError(f"kappa: the table has shape {counts.shape}; one row and one column per category are needed")
    n = counts.sum()
    if (counts < 0).any() or n <= 0:
        raise ModelError("kappa: counts are 0 or more, and at least one is above 0")
    p = counts / n
    rows, columns = p.sum(1), p.sum(0)
    agree = _weights(len(p), weights)
    observed, chance = float((agree * p).sum()), float(rows @ agree @ columns)
    nan = float("nan")
    if np.isclose(chance, 1.0, rtol=0, atol=1e-15):
        return Kappa(nan, nan, nan, nan, int(n), weights, ALL_EQUAL)
    value = (observed - chance) / (1 - chance)
    mean = (agree @ columns)[:, None] + (agree.T @ rows)[None, :]
    moment = (p * (agree - mean * (1 - value)) ** 2).sum() - (value - chance * (1 - value)) ** 2
    se = float(np.sqrt(max(moment, 0.0) / n) / (1 - chance))
    return Kappa(value, max(-1.0, value - z * se), min(1.0, value + z * se), se, int(n), weights)


def _weights(categories: int, weights: str) -> np.ndarray:
    """How much each pair of categories counts as agreement, 1 on the diagonal."""
    if weights == "none" or categories == 1:
        return np.eye(categories)
    distance = np.abs(np.subtract.outer(np.arange(categories), np.arange(categories))) / (categories - 1)
    return np.asarray(1 - distance ** (1 if weights == "linear" else 2))
