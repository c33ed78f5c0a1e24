"""How do answers vary together, when some are missing and some count more than others?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError
from crmkit.core.results import Text

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.intp]

EXACT, ENOUGH = 1e-10, 1e-5
MOST_STEPS = 2000
CHUNK = 4_000_000


@dataclass(frozen=True, eq=False)
class Answers:
    """Answers made ready for means and covariances: standardised, sorted by which of them are missing. Made by :func:`ready`.

    Parameters
    ----------
    products : array of shape (n, 1 + q + q(q+1)/2)
        One, the values, and the products of pairs of values; 0 where missing.
    observed : array of bool, shape (patterns, q)
        Which values a pattern has.
    starts : array of int, shape (patterns,)
        First row of each pattern.
    weights : array of shape (n,)
        Weights, in the sorted order.
    centre, scale : arrays of shape (q,)
        What the values were standardised with.
    """

    products: Floats
    observed: Bools
    starts: Integers
    weights: Floats
    centre: Floats
    scale: Floats

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return bool(self.observed.all())


def ready(values: ArrayLike, *, weights: ArrayLike | None = None) -> Answers:
    """Which answers are there, and which combinations of missing ones?

    Parameters
    ----------
    values : array of shape (n, q)
        Answers; nan = missing. Rows without any answer are left out.
    weights : array of shape (n,), optional
        Survey weights, 0 or more.

    Returns
    -------
    Answers

    Raises
    ------
    ModelError
        When weights do not fit, or a column has no variance.
    """
    x = np.asarray(values, dtype=np.float64)
    w = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=np.float64)
    if len(w) != len(x) or not np.isfinite(w).all() or (w < 0).any():
        raise ModelError(f"covariance: {len(x)} weights of 0 or more are needed, one for each respondent")
    known = ~np.isnan(x)
    used = known.any(1) & (w > 0)
    x, w, known = x[used], w[used], known[used]
    with np.errstate(invalid="ignore", divide="ignore"):
        held = (w[:, None] * known).sum(0)
        centre = np.where(known, x, 0.0).T @ w / held
        scale = np.sqrt((np.where(known, x - centre, 0.0) ** 2).T @ w / held)
    flat = ~(scale > 1e-12 * np.maximum(np.abs(centre), 1.0))
    if flat.any():
        raise ModelError(f"covariance: columns {np.flatnonzero(flat).tolist()} have no variance, all answers are equal")
    z = np.where(known, (x - centre) / scale, 0.0)
    observed, number = np.unique(known, axis=0, return_inverse=True)
    order = np.argsort(number.ravel(), kind="stable")
    starts = np.searchsorted(number.ravel()[order], np.arange(len(observed)))
    z = z[order]
    upper = np.triu_indices(z.shape[1])
    products = np.column_stack([np.ones(len(z)), z, z[:, upper[0]] * z[:, upper[1]]])
    return Answers(products, observed, starts, w[order], centre, scale)


def moments(
    answers: Answers, counts: Floats | None = None, start: tuple[Floats, Floats] | None = None
) -> tuple[Floats, Floats]:
    """Which means and covariances are the most likely ones?

    Parameters
    ----------
    answers : Answers
    counts : array of shape (n,), optional
        How often each row was drawn, for the bootstrap.
    start : tuple of mean and covariance, optional
        Where the search starts; it then stops at 1e-5 of a standard deviation instead of 1e-10.

    Returns
    -------
    mean : array of shape (q,)
    covariance : array of shape (q, q)
        Both of the standardised answers; divided by the sum of weights.

    Raises
    ------
    ModelError
        When the search for missing values does not settle.

    Notes
    -----
    With missing answers the EM algorithm for the multivariate normal distribution; each pattern of missing answers is one
    batch. Right when whether an answer is missing depends only on answers that were given, which leaving out incomplete
    respondents is not.

    References
    ----------
    Dempster, Laird & Rubin (1977), doi:10.1111/j.2517-6161.1977.tb01600.x.
    """
    w = answers.weights if counts is None else answers.weights * counts
    if answers.complete:
        mean, second = _unfold((w @ answers.products)[None, :])
        return mean[0], second[0]
    sums = np.add.reduceat(w[:, None] * answers.products, answers.starts)
    return _em(sums, answers.observed.astype(np.float64), start)


def bootstrap(answers: Answers, *, draws: int, seed: int) -> Iterator[tuple[Floats, Floats]]:
    """Which means and covariances could other respondents have given? Batches of draws.

    Parameters
    ----------
    answers : Answers
    draws : int
        Resamples of respondents, each with its weight.
    seed : int
        Of the generator; the same seed gives the same draws.

    Yields
    ------
    mean, covariance : arrays of shape (batch, q) and (batch, q, q)
    """
    rng = np.random.default_rng(seed)
    n = len(answers.weights)
    start = None if answers.complete else moments(answers)
    size = max(1, CHUNK // n)
    for first in range(0, draws, size):
        batch = min(size, draws - first)
        drawn = rng.integers(0, n, (batch, n)) + n * np.arange(batch)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=batch * n).reshape(batch, n).astype(np.float64)
        if answers.complete:
            yield _unfold((counts * answers.weights) @ answers.products)
        else:
            found = [moments(answers, one, start) for one in counts]
            yield np.array([mean for mean, _ in found]), np.array([second for _, second in found])


def _unfold(sums: Floats) -> tuple[Floats, Floats]:
    """Means and covariances from sums of (1, values, products of pairs), for a batch of samples."""
    q = int(np.sqrt(2 * sums.shape[1])) - 1
    mean = sums[:, 1 : q + 1] / sums[:, :1]
    second = _square(sums[:, q + 1 :] / sums[:, :1], q)
    return mean, second - mean[:, :, None] * mean[:, None, :]


def _square(packed: Floats, q: int) -> Floats:
    rows, columns = np.triu_indices(q)
    full = np.empty((len(packed), q, q))
    full[:, rows, columns] = packed
    full[:, columns, rows] = packed
    return full


def _em(sums: Floats, observed: Floats, start: tuple[Floats, Floats] | None) -> tuple[Floats, Floats]:
    q = observed.shape[1]
    n, s, t = sums[:, 0], sums[:, 1 : q + 1], _square(sums[:, q + 1 :], q)
    mean, cov = (np.zeros(q), np.eye(q)) if start is None else start
    both = observed[:, :, None] * observed[:, None, :]
    gaps = (1 - observed)[:, :, None] * np.eye(q)
    tolerance = EXACT if start is None else ENOUGH
    for _ in range(MOST_STEPS):
        known_mean = observed * mean
        d = s - n[:, None] * known_mean
        dd = t - s[:, :, None] * known_mean[:, None, :] - known_mean[:, :, None] * s[:, None, :]
        dd += n[:, None, None] * known_mean[:, :, None] * known_mean[:, None, :]
        filled = cov @ (np.linalg.inv(both * cov + gaps) * both)  # regression of all values on the known ones
        step = np.einsum("gij,gj->i", filled, d) / n.sum()
        rest = cov - filled @ cov
        spread = (filled @ dd @ filled.transpose(0, 2, 1) + n[:, None, None] * rest).sum(0) / n.sum()
        new = spread - np.outer(step, step)
        new = (new + new.T) / 2
        change = max(np.abs(step).max(), np.abs(new - cov).max())
        mean, cov = mean + step, new
        if change < tolerance:
            return mean, cov
    raise ModelError(Text("covariance: missing answers do not settle; some pairs of items were hardly ever answered together"))
