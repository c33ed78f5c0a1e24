"""How sure are the effects if rows hang together, or the model is only roughly right? The sandwich variance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError
from crmkit.models.survival.data.observed import group_codes
from crmkit.models.survival.data.riskset import Moments, Rows
from crmkit.models.survival.regression.cox import CoxFit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def with_robust_errors(fit: CoxFit, *, cluster: ArrayLike | None = None) -> CoxFit:
    """The same fit with standard errors that hold when rows of one customer (or account) are not independent.

    Parameters
    ----------
    fit : CoxFit
        By the path "rows" or "lifelines".
    cluster : array_like, shape (n,), optional
        To whom each row belongs; each row (each customer of a weighted row) stands for itself where left out.

    Returns
    -------
    CoxFit
        With `covariance` replaced.

    Raises
    ------
    ModelError
        For a fit on cells, which no longer knows single rows.

    Notes
    -----
    V (sum of u u') V with u the score residuals summed over a cluster, V the model's own covariance.

    References
    ----------
    Lin & Wei (1989), doi:10.1080/01621459.1989.10478874.
    """
    if not all(isinstance(block, Rows) for block in fit.blocks):
        raise ModelError("Cox model: a fit on cells has no single rows; fit with engine='rows' for robust standard errors")
    n = sum(len(block.origin) for block in fit.blocks if isinstance(block, Rows))
    score, weight = np.zeros((n, len(fit.coefficients))), np.ones(n)
    for block, m in zip(fit.blocks, fit.at, strict=True):
        if isinstance(block, Rows):
            score[block.origin] = _score_residuals(block, m, fit.coefficients * fit.scale, fit.ties).T
            weight[block.origin] = block.weight
    if cluster is None:
        meat = (score * weight[:, None]).T @ score
    else:
        codes, labels = group_codes(cluster, n, what="cluster")
        summed = np.zeros((len(labels), score.shape[1]))
        np.add.at(summed, codes, score * weight[:, None])
        meat = summed.T @ summed
    bread = fit.covariance * fit.scale[:, None]  # the scores are those of the scaled columns
    return replace(fit, covariance=bread.T @ meat @ bread)


def _score_residuals(block: Rows, m: Moments, beta: Floats, ties: str) -> Floats:
    at = (block.leave, block.join, block.who, block.when)
    return row_scores(block.X, at, deaths=block.deaths, m=m, beta=beta, ties=ties)


def row_scores(X: Floats, at: tuple[Ints, Ints, Ints, Ints], *, deaths: Floats, m: Moments, beta: Floats, ties: str) -> Floats:
    """Each row's part of the score, shape (p, n): what it adds when it leaves, minus what was expected while it stayed.

    Parameters
    ----------
    X : array, shape (p, n)
        Scaled columns of rows of one stratum; they need not be those of the fit.
    at : tuple of arrays of int
        At risk at the times of leaving with position `join <= k < leave` (leave and join, one per row); rows that leave,
        and the position of their time.
    deaths : array, shape (k,)
        Who leaves at each time, in the fit.
    m : Moments
        Of the stratum, at the coefficients `beta` of the scaled columns.
    ties : {"efron", "breslow"}
    """
    leave, join, who, when = at
    S1, D1 = m.sums.S1, m.sums.D1
    risk = np.exp(beta @ X)
    hazard = np.concatenate([[0.0], np.cumsum(m.a1)])
    if ties == "efron":
        means, center = m.b0 * S1 - m.b1 * D1, (m.a1 * S1 - m.a2 * D1) / deaths
    else:
        means, center = m.a1 * S1 / m.sums.S0, S1 / m.sums.S0
    path = np.hstack([np.zeros((len(S1), 1)), np.cumsum(means, axis=1)])
    stayed = X * (hazard[leave] - hazard[join]) - (path[:, leave] - path[:, join])
    score = -risk * stayed
    score[:, who] += X[:, who] - center[:, when]
    if ties == "efron":  # tied leavers are only partly at risk at their own time
        score[:, who] += risk[who] * (X[:, who] * m.a2[when] - (m.b1 * S1 - m.b2 * D1)[:, when])
    return np.asarray(score)
