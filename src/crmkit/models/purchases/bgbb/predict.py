"""Who is still active, how many of the next occasions will each customer use, and what is that worth?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln, gammaln

from crmkit.core.errors import ModelError, Problem
from crmkit.models.purchases.bgbb.cells import TITLE, read
from crmkit.models.purchases.bgbb.fitting import log_likelihood_of, values
from crmkit.models.purchases.btyd.model import Fitted
from crmkit.models.purchases.btyd.staying import worth_by_row

Floats = NDArray[np.float64]


def probability_alive(fit: Fitted, frequency: ArrayLike, recency: ArrayLike, occasions: ArrayLike) -> Floats:
    """How probable is it that each customer is still active at the next occasion, n + 1?

    Parameters
    ----------
    fit : Fit or Known
        Model and parameters.
    frequency, recency, occasions : array_like
        Histories as for :func:`cells`.

    Returns
    -------
    array of float64
        Shares, 0 to 1.

    References
    ----------
    Fader, Hardie, Shang (2010), https://doi.org/10.1287/mksc.1100.0580, equation (11).

    Examples
    --------
    >>> from crmkit.models.purchases.bgbb import Known
    >>> donors = Known("bgbb", {"alpha": 1.204, "beta": 0.750, "gamma": 0.657, "delta": 2.783})
    >>> probability_alive(donors, [0, 2, 6], [0, 4, 6], 6).round(2).tolist()
    [0.11, 0.59, 0.93]
    """
    params, (x, tx, n) = values(fit), read(frequency, recency, occasions)
    return np.asarray(np.exp(_log_alive(params, x, n, n + 1) - log_likelihood_of(params, x, tx, n)))


def expected_purchases(
    fit: Fitted, periods: int, frequency: ArrayLike, recency: ArrayLike, occasions: ArrayLike, *, discount_rate: float = 0.0
) -> Floats:
    """How many of the next occasions will each customer use?

    Parameters
    ----------
    fit : Fit or Known
        Model and parameters.
    periods : int >= 0
        Occasions to come.
    frequency, recency, occasions : array_like
        Histories as for :func:`cells`.
    discount_rate : float >= 0
        Per period, effective: the occasion i periods ahead counts 1 / (1 + rate)^i.

    Returns
    -------
    array of float64
        Expected occasions used, discounted.

    Notes
    -----
    P(active and buys at n + i | x, t_x, n), added up over i; no term is negative, so gamma = 1 is no special case.

    References
    ----------
    Fader, Hardie, Shang (2010), https://doi.org/10.1287/mksc.1100.0580, equation (13).

    Examples
    --------
    >>> from crmkit.models.purchases.bgbb import Known
    >>> donors = Known("bgbb", {"alpha": 1.204, "beta": 0.750, "gamma": 0.657, "delta": 2.783})
    >>> expected_purchases(donors, 5, [0, 6], [0, 6], 6).round(2).tolist()
    [0.07, 3.75]
    """
    params, (x, tx, n) = values(fit), read(frequency, recency, occasions)
    if not (periods >= 0 and periods == int(periods) and np.isfinite(discount_rate) and discount_rate >= 0):
        raise ModelError(f"{TITLE}: periods is {periods}, discount_rate {discount_rate}; a whole number and a rate >= 0.")
    alpha, beta, gamma, delta = params
    stays, out = np.ones(x.shape), np.zeros(x.shape)
    for i in range(1, int(periods) + 1):
        out += stays / (1 + discount_rate) ** i
        stays = stays * (delta + n + i) / (gamma + delta + n + i)
    share = (alpha + x) / (alpha + beta + n)
    return np.asarray(probability_alive(fit, x, tx, n) * share * out)


def discounted_expected_purchases(
    fit: Fitted, frequency: ArrayLike, recency: ArrayLike, occasions: ArrayLike, *, discount_rate: float
) -> Floats:
    """What is the present value, in purchases, of all occasions to come, without end (DERT)?

    Parameters
    ----------
    fit : Fit or Known
        Model and parameters.
    frequency, recency, occasions : array_like
        Histories as for :func:`cells`.
    discount_rate : float >= 0
        Per period, effective.

    Returns
    -------
    array of float64
        Discounted purchases.

    Raises
    ------
    ModelError
        Without a discount where gamma <= 1: customers leave so slowly that the sum is infinite.

    References
    ----------
    Fader, Hardie, Shang (2010), https://doi.org/10.1287/mksc.1100.0580, equation (14).
    """
    params, (x, tx, n) = values(fit), read(frequency, recency, occasions)
    alpha, beta, gamma, delta = params
    if not (np.isfinite(discount_rate) and discount_rate >= 0):
        raise ModelError(Problem(f"{TITLE}: discount_rate", f"is {discount_rate}", "it is a rate >= 0 per period"))
    if discount_rate == 0 and gamma <= 1:
        raise ModelError(
            f"{TITLE}: without a discount the expected purchases for ever are infinite, because customers leave too slowly "
            f"(gamma = {gamma:.4g}, and it would have to be above 1); give a number of periods or a discount_rate above 0."
        )
    if discount_rate == 0:
        endless = (gamma + delta + n) / (gamma - 1)
    else:
        endless = worth_by_row(gamma, delta + n + 1, float(np.log1p(discount_rate))) / (1 + discount_rate)
    share = (alpha + x) / (alpha + beta + n)
    return np.asarray(probability_alive(fit, x, tx, n) * share * endless)


def expected_purchases_new(fit: Fitted, occasions: ArrayLike) -> Floats:
    """How many of the first `occasions` will a new customer use? E[X(n)]."""
    alpha, beta, gamma, delta = values(fit)
    n = np.asarray(occasions, dtype=np.float64)
    if not ((n >= 0) & (n == np.rint(n))).all():
        raise ModelError(f"{TITLE}: occasions must be whole numbers >= 0.")
    i = np.arange(1, int(n.max(initial=0.0)) + 1)
    active = np.concatenate([[0.0], np.cumsum(np.exp(betaln(gamma, delta + i) - betaln(gamma, delta)))])
    return np.asarray(alpha / (alpha + beta) * active[n.astype(np.int64)])


def probability_purchases(fit: Fitted, x: ArrayLike, occasions: int) -> Floats:
    """How probable is it that a new customer uses exactly `x` of the first `occasions`? Over x = 0 .. n they sum to 1."""
    alpha, beta, gamma, delta = values(fit)
    count, n = np.asarray(x, dtype=np.float64), int(occasions)
    if not ((count >= 0) & (count == np.rint(count))).all() or n < 0:
        raise ModelError(f"{TITLE}: x and occasions must be whole numbers >= 0.")
    lived = np.arange(n + 1)  # occasions before the customer left; n: stayed
    ends = np.where(lived < n, betaln(gamma + 1, delta + lived), betaln(gamma, delta + n)) - betaln(gamma, delta)
    rest = lived - count[..., None]
    safe = np.maximum(rest, 0.0)
    ways = gammaln(lived + 1.0) - gammaln(count[..., None] + 1) - gammaln(safe + 1)
    buys = betaln(alpha + count[..., None], beta + safe) - betaln(alpha, beta)
    return np.asarray(np.where(rest >= 0, np.exp(ways + buys + ends), 0.0).sum(-1))


def simulate(fit: Fitted, occasions: ArrayLike, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """What histories do customers with these parameters leave? Returns frequency and recency."""
    alpha, beta, gamma, delta = values(fit)
    n = np.asarray(occasions, dtype=np.int64)
    p, theta = rng.beta(alpha, beta, n.shape), rng.beta(gamma, delta, n.shape)
    x, tx, active = np.zeros(n.shape), np.zeros(n.shape), np.ones(n.shape, dtype=bool)
    for i in range(1, int(n.max(initial=0)) + 1):
        active &= rng.random(n.shape) >= theta
        buys = active & (i <= n) & (rng.random(n.shape) < p)
        x, tx = x + buys, np.where(buys, i, tx)
    return x, tx


def draw_purchases(
    fit: Fitted,
    periods: int,
    frequency: ArrayLike,
    recency: ArrayLike,
    occasions: ArrayLike,
    *,
    draws: int,
    rng: np.random.Generator,
) -> Floats:
    """How many of the next `periods` occasions might each customer use? Whole numbers, shape (draws, rows)."""
    alpha, beta, gamma, delta = values(fit)
    x, tx, n = (np.atleast_1d(column) for column in read(frequency, recency, occasions))
    shape = (draws, x.size)
    active = rng.random(shape) < probability_alive(fit, x, tx, n)
    p, theta = rng.beta(alpha + x, beta + n - x, shape), rng.beta(gamma, delta + n + 1, shape)
    lasts = 1 + np.floor(np.log1p(-rng.random(shape)) / np.log1p(-np.clip(theta, 1e-300, 1 - 1e-16)))
    used = np.minimum(lasts, periods).astype(np.int64)
    return np.asarray(np.where(active, rng.binomial(used, p), 0), dtype=np.float64)


def _log_alive(params: Floats, x: Floats, n: Floats, until: Floats) -> Floats:
    alpha, beta, gamma, delta = params
    buys = betaln(alpha + x, beta + n - x) - betaln(alpha, beta)
    return np.asarray(buys + betaln(gamma, delta + until) - betaln(gamma, delta))
