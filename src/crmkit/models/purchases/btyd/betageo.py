"""How likely is a purchase history if customers may leave for good right after a purchase? (BG/NBD and MBG/NBD)

A customer buys at random with rate lambda ~ Gamma(r, alpha) and leaves with probability p ~ Beta(a, b) after each repeat
purchase (BG/NBD), or after every purchase including the first (MBG/NBD, the modified model).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, digamma, expit, gammaln

from crmkit.models.basics.optimise import Objective
from crmkit.models.purchases.btyd.tuples import Tuples, dot, total

Floats = NDArray[np.float64]


def log_death_odds(params: Floats, x: Floats, tx: Floats, T: Floats, modified: bool) -> Floats:
    """What are the log-odds that a customer has left, given the history?

    Notes
    -----
    BG/NBD: a / (b + x - 1) * ((alpha + T) / (alpha + tx))^(r + x), and 0 (log-odds -inf) for x = 0, since only a repeat
    purchase can be the last. MBG/NBD: b + x in place of b + x - 1, for every x. `b + x - 1` is negative for x = 0 and b < 1, so
    that branch is left out before the logarithm.
    """
    r, alpha, a, b = params
    later = (r + x) * np.log1p((T - tx) / (alpha + tx))
    if modified:
        return np.asarray(np.log(a) - np.log(b + x) + later)
    left = np.log(a) - np.log(np.where(x > 0, b + x - 1, 1.0)) + later
    return np.asarray(np.where(x > 0, left, -np.inf))


def log_likelihood(params: Floats, x: Floats, tx: Floats, T: Floats, modified: bool) -> Floats:
    """How likely is each history, as a natural logarithm? The parts are the alive branch and log(1 + odds of having left)."""
    r, alpha, a, b = params
    survived = b + x + (1.0 if modified else 0.0)
    alive = gammaln(r + x) - gammaln(r) + betaln(a, survived) - betaln(a, b)
    alive = alive - r * np.log1p(T / alpha) - x * np.log(alpha + T)
    return np.asarray(alive + np.logaddexp(0.0, log_death_odds(params, x, tx, T, modified)))


def probability_alive(params: Floats, x: Floats, tx: Floats, T: Floats, modified: bool) -> Floats:
    """How probable is it that a customer has not left?"""
    return np.asarray(expit(-log_death_odds(params, x, tx, T, modified)))


def log_start() -> Floats:
    """Where does the search begin, in units of the mean T?"""
    return np.asarray(np.log([0.5, 0.25, 0.8, 2.0]))


def objective(histories: Tuples, scale: float, modified: bool) -> Objective:
    """What is the mean negative log-likelihood of the tuples, with its gradient, in log-parameters?

    Parameters
    ----------
    histories : Tuples
        Who bought when.
    scale : float
        Unit of time used inside; alpha is in this unit.
    modified : bool
        MBG/NBD instead of BG/NBD.

    Notes
    -----
    Every term that depends on one column only is summed over that column's different values, with weights that are counted
    once, here. A tuple itself costs three look-ups, one exp and one log1p.
    """
    (ix, ux), (it, ut), (iT, uT) = histories.codes
    ut, uT = ut / scale, uT / scale
    w = histories.n.astype(np.float64)
    customers = w.sum()
    per_x = total(ix, w, len(ux))
    per_T = total(iT, w, len(uT))
    x_per_T = total(iT, w * ux[ix], len(uT))
    if not modified:
        may_have_left = histories.frequency > 0
        w, ix, it, iT = w[may_have_left], ix[may_have_left], it[may_have_left], iT[may_have_left]
    x = ux[ix]
    runs = np.flatnonzero(np.diff(ix, prepend=-1))  # tuples are sorted by frequency
    survivals = ux + 1.0 if modified else ux
    # the entry of x = 0 is used by MBG/NBD only; BG/NBD has no tuple there
    risk = ux if modified else np.maximum(ux - 1.0, 0.0)

    def at(theta: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = np.exp(theta)
        log_T, log_t = np.log(alpha + uT), np.log(alpha + ut)
        bx, den = b + survivals, b + risk
        on_x = gammaln(r + ux) - gammaln(r) + betaln(a, bx) - betaln(a, b)
        value = customers * r * theta[1] + dot(per_x, on_x) - dot(r * per_T + x_per_T, log_T)

        shape = r + x
        later = log_T[iT] - log_t[it]
        odds = (theta[2] - np.log(den))[ix] + shape * later
        small = np.exp(-np.abs(odds))
        value += dot(w, np.maximum(odds, 0.0) + np.log1p(small))
        left = w * np.where(odds >= 0, 1.0, small) / (1.0 + small)

        inverse_T = 1 / (alpha + uT)
        d_r = customers * theta[1] + dot(per_x, digamma(r + ux) - digamma(r)) - dot(per_T, log_T) + dot(left, later)
        d_alpha = customers * r / alpha - dot(r * per_T + x_per_T, inverse_T)
        d_alpha += dot(left * shape, inverse_T[iT] - (1 / (alpha + ut))[it])
        both = digamma(a + b) - digamma(a + bx)
        d_a = dot(per_x, both) + float(left.sum()) / a
        d_b = dot(per_x, both + digamma(bx) - digamma(b)) - dot(np.add.reduceat(left, runs), 1 / den[ix[runs]])
        gradient = np.array([d_r * r, d_alpha * alpha, d_a * a, d_b * b])
        return -value / customers, -gradient / customers

    return at


def objectives(groups: Sequence[Tuples], scale: float, modified: bool) -> Callable[[Floats], tuple[Floats, Floats]]:
    """What is :func:`objective` of each of many small groups, all of them worked out at once?

    Parameters
    ----------
    groups : sequence of Tuples
    scale, modified
        As for :func:`objective`.

    Returns
    -------
    callable
        From log-parameters, a row per group, to a value per group and a row of its gradient.

    Notes
    -----
    A term of one column alone is worked out for each tuple again, which costs less than a step of Python for each group as long
    as groups have some hundred tuples.
    """
    of = np.repeat(np.arange(len(groups)), [len(one) for one in groups])
    first = np.searchsorted(of, np.arange(len(groups)))
    x, tx, T, w = (np.concatenate([getattr(one, name) for one in groups]) for name in ("frequency", "recency", "T", "n"))
    tx, T = tx / scale, T / scale
    share = w / np.add.reduceat(w, first)[of]
    may_have_left = np.ones(len(x)) if modified else (x > 0).astype(np.float64)
    survivals = x + 1.0 if modified else x
    risk = x if modified else np.maximum(x - 1.0, 0.0)

    def at(theta: Floats) -> tuple[Floats, Floats]:
        log_alpha, log_a = theta[of, 1], theta[of, 2]
        r, alpha, a, b = np.exp(theta)[of].T
        at_T, at_t, shape, bx, den = alpha + T, alpha + tx, r + x, b + survivals, b + risk
        log_T = np.log(at_T)
        later = log_T - np.log(at_t)
        odds = log_a - np.log(np.where(may_have_left > 0, den, 1.0)) + shape * later
        small = np.exp(-np.abs(odds))
        left = may_have_left * np.where(odds >= 0, 1.0, small) / (1.0 + small)
        value = gammaln(shape) - gammaln(r) + betaln(a, bx) - betaln(a, b) + r * log_alpha - shape * log_T
        value = value + may_have_left * (np.maximum(odds, 0.0) + np.log1p(small))

        d_r = digamma(shape) - digamma(r) + log_alpha - log_T + left * later
        d_alpha = r / alpha - shape / at_T + left * shape * (1 / at_T - 1 / at_t)
        both = digamma(a + b) - digamma(a + bx)
        d_a = both + left / a
        d_b = both + digamma(bx) - digamma(b) - left / np.where(may_have_left > 0, den, 1.0)
        slopes = np.stack([value, d_r * r, d_alpha * alpha, d_a * a, d_b * b], axis=1) * share[:, None]
        found = -np.add.reduceat(slopes, first)
        return found[:, 0], found[:, 1:]

    return at
