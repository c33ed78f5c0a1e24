"""How sure are the effects if rows hang together or were drawn, or the model is only roughly right? The sandwich variance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.models.survival.data.observed import Observed, group_codes
from crmkit.models.survival.data.riskset import Block, Cells, Moments, moments
from crmkit.models.survival.regression.fitted import CoxFit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK = 100_000


class Scores(NamedTuple):
    """Of some rows of the data: their position, their weight, and their part of the score, shape (p, rows)."""

    origin: Ints
    weight: Floats
    score: Floats


def with_robust_errors(fit: CoxFit, *, cluster: ArrayLike | None = None) -> CoxFit:
    """The same fit with standard errors that hold when rows of one customer (or account) are not independent.

    Parameters
    ----------
    fit : CoxFit
        By any path.
    cluster : array_like, shape (n,), optional
        To whom each row belongs; each row (each customer of a row of copies) stands for itself where left out.

    Returns
    -------
    CoxFit
        With `covariance` and `score_statistic` replaced; the model's own covariance stays as `naive`.

    Notes
    -----
    V (sum of u u') V with u the score residuals summed over a cluster, V the model's own covariance. Of a fit to sampling
    weights u counts by its weight, so that the unit of the weights cancels.

    References
    ----------
    Lin & Wei (1989), doi:10.1080/01621459.1989.10478874; Binder (1992), doi:10.1093/biomet/79.1.139.
    """
    n = sum(len(_origin(block)) for block in fit.blocks)
    codes = None if cluster is None else group_codes(cluster, n, what="cluster")[0]
    beta, zero = fit.coefficients * fit.scale, np.zeros(len(fit.coefficients))
    naive = fit.covariance if fit.naive is None else fit.naive
    bread = naive * fit.scale[:, None]  # the scores are those of the scaled columns
    meat = crossed(_parts(fit.blocks, fit.at, beta, fit.ties), codes, sampled=fit.sampled)[0]
    start = [moments(block, zero, fit.ties) for block in fit.blocks]
    null, score = crossed(_parts(fit.blocks, start, zero, fit.ties), codes, sampled=fit.sampled)
    statistic = score_test(null, score)
    return replace(fit, covariance=bread.T @ meat @ bread, naive=naive, score_statistic=statistic, cluster=codes)


def _parts(blocks: Sequence[Block], at: Sequence[Moments], beta: Floats, ties: str) -> Iterator[Scores]:
    for block, m in zip(blocks, at, strict=True):
        yield from block_scores(block, m, beta, ties)


def crossed(parts: Iterator[Scores], codes: Ints | None, *, sampled: bool) -> tuple[Floats, Floats]:
    """Sum over clusters of u u', u the sum of their weighted scores; and the sum of all. Without clusters a customer is one.

    Parameters
    ----------
    parts : of Scores
    codes : array of int, shape (n,), or None
        Cluster of each row of the data.
    sampled : bool
        Whether a row is one customer who stands for several; otherwise it is copied from several.
    """
    meat: Floats = np.zeros(0)
    score: Floats = np.zeros(0)
    summed: Floats = np.zeros(0)
    for origin, weight, part in parts:
        if not len(score):
            p = len(part)
            meat, score, summed = np.zeros((p, p)), np.zeros(p), np.zeros((0 if codes is None else codes.max() + 1, p))
        score = score + part @ weight
        if codes is None:
            meat = meat + (part * (weight**2 if sampled else weight)) @ part.T
        else:
            for j, row in enumerate(part):
                summed[:, j] += np.bincount(codes[origin], row * weight, len(summed))
    return (meat if codes is None else summed.T @ summed), score


def score_test(variance: Floats, score: Floats) -> float:
    """The statistic of a score test; nan where there are fewer clusters than columns."""
    try:
        found = float(score @ np.linalg.solve(variance, score))
    except np.linalg.LinAlgError:
        return float("nan")
    return found if np.linalg.cond(variance) < 1e14 else float("nan")


def block_scores(block: Block, m: Moments, beta: Floats, ties: str, *, of_time: Floats | None = None) -> Iterator[Scores]:
    """The scores of all rows of a block, in pieces. `of_time` multiplies what each time of leaving adds."""
    if not isinstance(block, Cells):
        at = (block.leave, block.join, block.who, block.when)
        score = row_scores(block.X, at, deaths=block.deaths, m=m, beta=beta, ties=ties, of_time=of_time)
        yield Scores(block.origin, block.weight, score)
        return
    origin, pattern, seen = block.members
    for begin in range(0, len(origin), CHUNK):
        part = slice(begin, begin + CHUNK)
        at = _positions(block.times, seen, part)
        X = np.ascontiguousarray(block.X[:, pattern[part]])
        score = row_scores(X, at, deaths=block.deaths, m=m, beta=beta, ties=ties, of_time=of_time)
        yield Scores(origin[part], seen.weight[part], score)


def _positions(times: Floats, seen: Observed, part: slice) -> tuple[Ints, Ints, Ints, Ints]:
    leave = np.searchsorted(times, seen.time[part], side="right")
    join = np.zeros_like(leave) if seen.entry is None else np.searchsorted(times, seen.entry[part], side="right")
    who = np.flatnonzero(seen.event[part])
    return leave, join, who, leave[who] - 1


def _origin(block: Block) -> Ints:
    return block.members.origin if isinstance(block, Cells) else block.origin


def row_scores(
    X: Floats,
    at: tuple[Ints, Ints, Ints, Ints],
    *,
    deaths: Floats,
    m: Moments,
    beta: Floats,
    ties: str,
    of_time: Floats | None = None,
) -> Floats:
    """Each row's part of the score, shape (p, n): what it adds when it leaves, minus what was expected while it stayed.

    Parameters
    ----------
    X : array, shape (p, n)
        Scaled columns of rows of one stratum; they need not be those of the fit.
    at : tuple of arrays of int
        At risk at the times of leaving with position `join <= k < leave` (leave and join, one per row); rows that leave,
        and the position of their time.
    deaths : array, shape (k,)
        Who leaves at each time, in the fit, by weight.
    m : Moments
        Of the stratum, at the coefficients `beta` of the scaled columns.
    ties : {"efron", "breslow"}
    of_time : array, shape (k,), optional
        By which what each time of leaving adds is multiplied.
    """
    leave, join, who, when = at
    S1, D1 = m.sums.S1, m.sums.D1
    g = np.ones(len(deaths)) if of_time is None else of_time
    risk = np.exp(beta @ X)
    hazard = np.concatenate([[0.0], np.cumsum(g * m.a1)])
    if ties == "efron":
        means, center = m.b0 * S1 - m.b1 * D1, (m.a1 * S1 - m.a2 * D1) / deaths
    else:
        means, center = m.a1 * S1 / m.sums.S0, S1 / m.sums.S0
    path = np.hstack([np.zeros((len(S1), 1)), np.cumsum(g * means, axis=1)])
    stayed = X * (hazard[leave] - hazard[join]) - (path[:, leave] - path[:, join])
    score = -risk * stayed
    score[:, who] += g[when] * (X[:, who] - center[:, when])
    if ties == "efron":  # tied leavers are only partly at risk at their own time
        partly = X[:, who] * m.a2[when] - (m.b1 * S1 - m.b2 * D1)[:, when]
        score[:, who] += g[when] * risk[who] * partly
    return np.asarray(score)
