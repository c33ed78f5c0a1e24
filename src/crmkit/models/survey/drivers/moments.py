"""How do answers vary together, when some are missing and some count more than others?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError
from crmkit.core.results import Text

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.intp]
Step = Callable[[Floats, Floats], tuple[Floats, Floats]]

EXACT, ENOUGH = 1e-10, 1e-5
MOST_STEPS = 2000
CHUNK = 4_000_000
NUDGE, LEAPS = 1e-5, 8


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
    answers: Answers,
    counts: Floats | None = None,
    start: tuple[Floats, Floats] | None = None,
    ahead: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Which means and covariances are the most likely ones?

    Parameters
    ----------
    answers : Answers
    counts : array of shape (n,), optional
        How often each row was drawn, for the bootstrap.
    start : tuple of mean and covariance, optional
        Where the search starts; it then stops at 1e-5 of a standard deviation instead of 1e-10.
    ahead : array of shape (p, p), optional
        How far the whole way is, of which a step of EM is a part, near the start; from :func:`_ahead`.

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
    step = _step_of(answers, w)
    if start is not None and ahead is not None and (found := _leap(step, start, ahead)) is not None:
        return found
    return _em(step, answers.observed.shape[1], start)


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
    ahead = _ahead(_step_of(answers, answers.weights), start) if start is not None else None
    size = max(1, CHUNK // n)
    for first in range(0, draws, size):
        batch = min(size, draws - first)
        drawn = rng.integers(0, n, (batch, n)) + n * np.arange(batch)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=batch * n).reshape(batch, n).astype(np.float64)
        if answers.complete:
            yield _unfold((counts * answers.weights) @ answers.products)
        else:
            found = [moments(answers, one, start, ahead) for one in counts]
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


def _step_of(answers: Answers, weights: Floats) -> Step:
    """The step of EM on these answers: from mean and covariance to the next."""
    q = answers.observed.shape[1]
    sums = np.add.reduceat(weights[:, None] * answers.products, answers.starts)
    observed = answers.observed.astype(np.float64)
    n, s, t = sums[:, 0], sums[:, 1 : q + 1], _square(sums[:, q + 1 :], q)
    both = observed[:, :, None] * observed[:, None, :]
    gaps = (1 - observed)[:, :, None] * np.eye(q)

    def step(mean: Floats, cov: Floats) -> tuple[Floats, Floats]:
        known_mean = observed * mean
        d = s - n[:, None] * known_mean
        dd = t - s[:, :, None] * known_mean[:, None, :] - known_mean[:, :, None] * s[:, None, :]
        dd += n[:, None, None] * known_mean[:, :, None] * known_mean[:, None, :]
        filled = cov @ (np.linalg.inv(both * cov + gaps) * both)  # regression of all values on the known ones
        move = np.einsum("gij,gj->i", filled, d) / n.sum()
        rest = cov - filled @ cov
        spread = (filled @ dd @ filled.transpose(0, 2, 1) + n[:, None, None] * rest).sum(0) / n.sum()
        new = spread - np.outer(move, move)
        return mean + move, (new + new.T) / 2

    return step


def _em(step: Step, q: int, start: tuple[Floats, Floats] | None) -> tuple[Floats, Floats]:
    mean, cov = (np.zeros(q), np.eye(q)) if start is None else start
    tolerance = EXACT if start is None else ENOUGH
    for _ in range(MOST_STEPS):
        later, new = step(mean, cov)
        change = max(np.abs(later - mean).max(), np.abs(new - cov).max())
        mean, cov = later, new
        if change < tolerance:
            return mean, cov
    raise ModelError(Text("covariance: missing answers do not settle; some pairs of items were hardly ever answered together"))


def _ahead(step: Step, start: tuple[Floats, Floats]) -> Floats | None:
    """How much farther than a step of EM is the way to where it ends, near the end of the whole sample?

    Notes
    -----
    Near its end EM is linear: what is left shrinks by a matrix J at each step, so the way is (I - J)^-1 times the step. Another
    sample's J is nearly the same, and what it is off by, the next step tells. None where there is no such inverse.

    References
    ----------
    Louis (1982), doi:10.1111/j.2517-6161.1982.tb01203.x.
    """
    q = len(start[0])
    here, there = _packed(*start), _packed(*step(*start))
    columns = []
    for at in range(len(here)):
        moved = here.copy()
        moved[at] += NUDGE
        columns.append((_packed(*step(*_unpacked(moved, q))) - there) / NUDGE)
    try:
        return np.asarray(np.linalg.inv(np.eye(len(here)) - np.array(columns).T))
    except np.linalg.LinAlgError:
        return None


def _leap(step: Step, start: tuple[Floats, Floats], ahead: Floats) -> tuple[Floats, Floats] | None:
    """The end of EM in a few leaps; None where they do not settle, or lead to what is no covariance."""
    q = len(start[0])
    here = _packed(*start)
    for _ in range(LEAPS):
        mean, cov = _unpacked(here, q)
        if not np.linalg.eigvalsh(cov)[0] > 0:
            return None
        move = _packed(*step(mean, cov)) - here
        here = here + ahead @ move
        # of what was left, the leap leaves a tenth at most
        if np.abs(move).max() < 10 * ENOUGH:
            mean, cov = _unpacked(here, q)
            return (mean, cov) if np.linalg.eigvalsh(cov)[0] > 0 else None
    return None


def _packed(mean: Floats, cov: Floats) -> Floats:
    return np.concatenate([mean, cov[np.triu_indices(len(mean))]])


def _unpacked(packed: Floats, q: int) -> tuple[Floats, Floats]:
    return packed[:q], _square(packed[None, q:], q)[0]
