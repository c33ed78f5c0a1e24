"""Do several items measure one thing well enough to be one index? Cronbach's alpha and McDonald's omega with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, ParamError
from crmkit.core.language import mark
from crmkit.core.results import Quantity, Text
from crmkit.models.basics.estimates import critical

Floats = NDArray[np.float64]

FEWEST_ITEMS, FEWEST_FOR_OMEGA, FEWEST_RESPONDENTS = 2, 3, 10
STEPS = 200
EXACT, SETTLED = 1e-12, 1e-10
SMALLEST_UNIQUENESS = 0.005


@dataclass(frozen=True)
class Reliability:
    """A reliability with its interval, or the reason why there is none.

    Parameters
    ----------
    value, low, high : float
        0 to 1 (alpha can be negative); nan where undefined.
    n : int
        Respondents behind it.
    items : int
    method : str
    reason : Text or None
        Why it is undefined.
    """

    value: float
    low: float
    high: float
    n: int
    items: int
    method: str
    reason: Text | None = None


def cronbach_alpha(items: ArrayLike, *, missing: str = "pairwise", confidence: float = 0.95) -> Reliability:
    """How much of the variance of the sum of these items is common to them?

    Parameters
    ----------
    items : array of shape (n, k), k of 2 or more
        Answers, all keyed in the same direction; nan = missing.
    missing : {"pairwise", "listwise"}
        Pairwise: every covariance from those who answered both items. Listwise: only complete respondents.
    confidence : float
        Coverage of the interval, between 0 and 1.

    Returns
    -------
    Reliability
        Undefined, with the reason, where all answers are equal, an item was never answered, or fewer than 3 respondents are
        left.

    Raises
    ------
    ModelError
        With fewer than two items.

    Notes
    -----
    ``alpha = k/(k-1) (1 - sum of variances / variance of the sum)``. Feldt's interval: (1 - alpha)/(1 - truth) follows F with
    n - 1 and (n - 1)(k - 1) degrees of freedom; it supposes that items are parallel and n complete.

    References
    ----------
    Cronbach (1951), doi:10.1007/BF02310555. Feldt, Woodruff & Salih (1987), doi:10.1177/014662168701100107.

    Examples
    --------
    >>> found = cronbach_alpha([[1, 2], [2, 2], [3, 4], [4, 5]])
    >>> round(found.value, 6)
    0.967033
    """
    critical(confidence)
    x = _items(items)
    cov, n, reason = _covariance(x, missing)
    if reason is not None:
        return Reliability(np.nan, np.nan, np.nan, n, x.shape[1], mark("alpha, Feldt"), reason)
    return alpha_of(cov, n, confidence=confidence)


def alpha_of(covariance: ArrayLike, n: int, *, confidence: float = 0.95) -> Reliability:
    """What is Cronbach's alpha, given the covariances of the items?

    Parameters
    ----------
    covariance : array of shape (k, k)
    n : int
        Respondents behind it.
    confidence : float

    Returns
    -------
    Reliability
        As of :func:`cronbach_alpha`.

    Examples
    --------
    >>> round(alpha_of([[1.0, 0.5], [0.5, 1.0]], 100).value, 6)
    0.666667
    """
    from scipy.stats import f

    cov = np.asarray(covariance, dtype=np.float64)
    k, total = len(cov), float(cov.sum())
    if total <= 0:
        reason = Text("all answers are equal, or the items cancel each other, so nothing varies in their sum")
        return Reliability(np.nan, np.nan, np.nan, n, k, mark("alpha, Feldt"), reason)
    alpha = k / (k - 1) * (1 - float(np.trace(cov)) / total)
    tail = (1 - confidence) / 2
    low, high = (1 - (1 - alpha) * f.ppf([1 - tail, tail], n - 1, (n - 1) * (k - 1))).tolist()
    return Reliability(alpha, low, high, n, k, mark("alpha, Feldt"))


def mcdonald_omega(
    items: ArrayLike, *, missing: str = "listwise", confidence: float = 0.95, draws: int = 1000, seed: int = 0
) -> Reliability:
    """How much of the variance of the sum of these items belongs to their common factor, whatever its weight in each?

    Parameters
    ----------
    items : array of shape (n, k), k of 3 or more
        Answers, all keyed in the same direction; nan = missing.
    missing : {"listwise", "pairwise"}
        As for :func:`cronbach_alpha`.
    confidence : float
        Coverage of the interval, between 0 and 1.
    draws : int
        Bootstrap resamples of respondents.
    seed : int

    Returns
    -------
    Reliability
        Interval from percentiles of the bootstrap. Undefined, with the reason, where an item has no variance or fewer than
        10 respondents are left.

    Raises
    ------
    ModelError
        With fewer than three items: one factor is then not determined.

    Notes
    -----
    ``omega = (sum of loadings)^2 / ((sum of loadings)^2 + sum of unique variances)`` in the unit of the answers, from one
    factor fitted by maximum likelihood. Unlike alpha it does not suppose equal loadings.

    References
    ----------
    McDonald (1999), Test Theory, chapter 6, doi:10.4324/9781410601087. Kelley & Pornprasertmanit (2016),
    doi:10.1037/a0040086.
    """
    critical(confidence)
    x = _items(items)
    if x.shape[1] < FEWEST_FOR_OMEGA:
        raise ModelError(f"omega: {x.shape[1]} items do not determine a factor; at least {FEWEST_FOR_OMEGA} are needed")
    cov, n, reason = _covariance(x, missing)
    if reason is None and not (np.diag(cov) > 0).all():
        reason = Text("all answers to one of the items are equal")
    if reason is None and n < FEWEST_RESPONDENTS:
        reason = Text("{n} complete {n:answer is|answers are} too few", {"n": Quantity(n, "count")})
    if reason is not None:
        return Reliability(np.nan, np.nan, np.nan, n, x.shape[1], mark("omega, bootstrap"), reason)
    if missing == "listwise":
        x = x[~np.isnan(x).any(1)]
    drawn = np.random.default_rng(seed).integers(0, len(x), (draws, len(x)))
    many = np.array([_covariance(x[rows], missing)[0] for rows in drawn])
    usable = np.array([bool(np.isfinite(one).all() and (np.diag(one) > 0).all()) for one in many])
    low, high = np.nanquantile(omega_of(many[usable]), [(1 - confidence) / 2, (1 + confidence) / 2])
    value = float(omega_of(cov[None])[0])
    return Reliability(value, float(low), float(high), n, x.shape[1], mark("omega, bootstrap"))


def omega_of(covariance: ArrayLike) -> Floats:
    """What is McDonald's omega, given covariances of the items?

    Parameters
    ----------
    covariance : array of shape (..., k, k)
        Covariances for the index of plain answers, correlations for one of standardised answers.

    Returns
    -------
    array of shape (...)
        0 to 1; nan where the search for the factor did not settle.

    Examples
    --------
    >>> r = [[1.0, 0.5, 0.5], [0.5, 1.0, 0.5], [0.5, 0.5, 1.0]]
    >>> omega_of(r).round(6).item()
    0.75
    """
    cov = np.asarray(covariance, dtype=np.float64)
    shape = cov.shape[:-2]
    cov = cov.reshape(-1, *cov.shape[-2:])
    spread = np.sqrt(np.einsum("bii->bi", cov))
    loadings, unique, settled = _one_factor(cov / spread[:, :, None] / spread[:, None, :])
    common = (loadings * spread).sum(1) ** 2
    omega = np.where(settled, common / (common + (unique * spread**2).sum(1)), np.nan)
    return np.asarray(omega.reshape(shape))


def _items(items: ArrayLike) -> Floats:
    x = np.asarray(items, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] < FEWEST_ITEMS:
        raise ModelError("reliability: a table of respondents by items is needed, with at least two items")
    return x


def _covariance(x: Floats, missing: str) -> tuple[Floats, int, Text | None]:
    """Covariances, respondents behind them, and the reason why there are none."""
    if missing not in ("pairwise", "listwise"):
        raise ParamError(f"missing is '{missing}'; there are 'pairwise' and 'listwise'")
    known = ~np.isnan(x)
    if missing == "listwise":
        x, known = x[known.all(1)], known[known.all(1)]
    n = int(known.any(1).sum())
    empty = np.full((x.shape[1], x.shape[1]), np.nan)
    if n < 3:
        return empty, n, Text("{n} {n:answer is|answers are} too few", {"n": Quantity(n, "count")})
    mask = known.astype(np.float64)
    pairs = mask.T @ mask
    if (pairs < 2).any():
        return empty, n, Text("some pairs of items were never answered together")
    centre = np.where(known, x, 0.0).sum(0) / np.diag(pairs)
    z = np.where(known, x - centre, 0.0)
    # each covariance with the means of those who answered both
    mine = z.T @ mask / pairs
    cov = (z.T @ z / pairs - mine * mine.T) * pairs / (pairs - 1)
    if float(np.trace(cov)) <= EXACT * float((centre**2).sum() + 1):
        return cov, n, Text("all answers are equal, so nothing varies")
    return cov, n, None


def _one_factor(r: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Loadings and unique variances of one factor by maximum likelihood, for a batch of correlation matrices.

    Newton's method on the logarithms of the unique variances, halving steps that do not improve; unique variances stay
    within 0.005 and 1.
    """
    k = r.shape[-1]
    lowest = np.log(SMALLEST_UNIQUENESS)
    start = (1 - 0.5 / k) / np.einsum("bii->bi", np.linalg.pinv(r, hermitian=True))
    best = np.log(np.clip(start, SMALLEST_UNIQUENESS, 1.0))
    value, gradient, hessian = _concentrated(r, best)
    settled = np.zeros(len(r), dtype=bool)
    step = np.ones(len(r))
    for _ in range(STEPS):
        # at a bound that the gradient pushes against, the others move alone
        held = ((best <= lowest) & (gradient > 0)) | ((best >= 0) & (gradient < 0))
        free = ~held[:, :, None] & ~held[:, None, :]
        direction = np.linalg.solve(np.where(free, hessian, np.eye(k)), -np.where(held, 0.0, gradient)[..., None])[..., 0]
        target = np.clip(best + step[:, None] * np.clip(direction, -1, 1), lowest, 0.0)
        settled |= np.abs(target - best).max(1) < SETTLED
        if settled.all():
            break
        new_value, new_gradient, new_hessian = _concentrated(r, target)
        better = (new_value <= value + 1e-13) & ~settled
        value = np.where(better, new_value, value)
        best, gradient = (np.where(better[:, None], a, b) for a, b in ((target, best), (new_gradient, gradient)))
        hessian = np.where(better[:, None, None], new_hessian, hessian)
        step = np.where(better, 1.0, step / 2)
    return _loadings(r, best), np.exp(best), settled


def _eigen(r: Floats, logs: Floats) -> tuple[Floats, Floats, Floats]:
    root = np.exp(logs / 2)
    values, vectors = np.linalg.eigh(r / root[:, :, None] / root[:, None, :])
    return root, np.maximum(values, EXACT), vectors


def _loadings(r: Floats, logs: Floats) -> Floats:
    root, values, vectors = _eigen(r, logs)
    first = vectors[:, :, -1]
    sign = np.where(first.sum(1) < 0, -1.0, 1.0)
    found: Floats = root * first * (np.sqrt(np.maximum(values[:, -1] - 1, 0)) * sign)[:, None]
    return found


def _concentrated(r: Floats, logs: Floats) -> tuple[Floats, Floats, Floats]:
    """Discrepancy with the best loadings for given unique variances, and its derivatives in their logarithms.

    With l and u the eigenvalues and eigenvectors of the scaled correlations, all but the first: sum(l - log l - 1). Derivatives
    follow from dl_j = -l_j u_ij^2 and the usual expression for du_j; where the Hessian has a negative eigenvalue, its expected
    value stands in.
    """
    _, values, vectors = _eigen(r, logs)
    first, rest = values[:, -1:], values[:, :-1]
    u, others = vectors[:, :, -1], vectors[:, :, :-1]
    gradient = np.einsum("bij,bj->bi", others**2, 1 - rest)
    ratio = (1 - rest) * (first + rest) / np.maximum(first - rest, 1e-9)
    plain = others @ others.transpose(0, 2, 1)
    scaled = np.einsum("bij,bj,bkj->bik", others, rest, others)
    towards = np.einsum("bij,bj,bkj->bik", others, ratio, others) * (u[:, :, None] * u[:, None, :])
    hessian = plain * scaled + towards
    expected = plain**2 + 1e-6 * np.eye(r.shape[-1])
    safe = np.linalg.eigvalsh(hessian)[:, 0] > 1e-6
    return (rest - np.log(rest) - 1).sum(1), gradient, np.where(safe[:, None, None], hessian, expected)
