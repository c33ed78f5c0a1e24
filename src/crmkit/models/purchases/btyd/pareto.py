"""How likely is a purchase history if customers may leave at any moment? (Pareto/NBD)

A customer buys at random with rate lambda ~ Gamma(r, alpha) and leaves after an exponential lifetime with rate
mu ~ Gamma(s, beta); neither is seen, only the purchases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, expit, gammaln

from crmkit.models.basics.optimise import Objective
from crmkit.models.basics.quadrature import decay_integrals, gauss_legendre
from crmkit.models.purchases.btyd.tuples import Codes, Tuples, dot, total

Floats = NDArray[np.float64]

PANEL_NODES = 16
SMALLEST = 1e-12  # of s: below, nobody leaves
TABLE_GAIN = 4  # a table entry costs less than a tuple's own quadrature


class Deaths(NamedTuple):
    """The odds of having left, divided by s, per history, and what the gradient needs.

    Everything is relative to the alive branch at tx, which is exp(rise) times that at T, so that nothing overflows:
    odds = s * integral * exp(rise).
    """

    rise: Floats
    integral: Floats
    log_purchase: Floats
    log_lifetime: Floats
    over_purchase: Floats
    over_lifetime: Floats


def log_death_odds(params: Floats, x: Floats, tx: Floats, T: Floats) -> Floats:
    """What are the log-odds that a customer has left, given the history?

    Notes
    -----
    odds = s * integral from tx to T of ((alpha + T) / (alpha + u))^(r + x) * ((beta + T) / (beta + u))^s / (beta + u) du.
    """
    r, alpha, s, beta = params
    A, B = np.asarray(alpha + tx), np.asarray(beta + tx)
    integral = decay_integrals(A, r + x, B, np.asarray(s + 1), T - tx)[0]
    rise = (r + x) * np.log1p((T - tx) / A) + s * np.log1p((T - tx) / B)
    with np.errstate(divide="ignore"):  # a purchase on the last day leaves no time to leave in: odds 0
        return np.asarray(np.log(s * integral / B) + rise)


def log_likelihood(params: Floats, x: Floats, tx: Floats, T: Floats) -> Floats:
    """How likely is each history, as a natural logarithm? The alive branch, and log(1 + odds of having left)."""
    r, alpha, s, beta = params
    alive = gammaln(r + x) - gammaln(r) - r * np.log1p(T / alpha) - x * np.log(alpha + T) - s * np.log1p(T / beta)
    return np.asarray(alive + np.logaddexp(0.0, log_death_odds(params, x, tx, T)))


def probability_alive(params: Floats, x: Floats, tx: Floats, T: Floats) -> Floats:
    """How probable is it that a customer has not left?"""
    return np.asarray(expit(-log_death_odds(params, x, tx, T)))


def log_start() -> Floats:
    """Where does the search begin, in units of the mean T?"""
    return np.asarray(np.log([0.5, 0.3, 0.7, 0.4]))


def objective(histories: Tuples, scale: float, *, exact: bool = False) -> Objective:
    """What is the mean negative log-likelihood of the tuples, with its gradient, in log-parameters?

    Parameters
    ----------
    histories : Tuples
        Who bought when.
    scale : float
        Unit of time used inside; alpha and beta are in this unit.
    exact : bool
        Integrate for each tuple by itself, also where a table of (frequency, time) would be cheaper.
    """
    (ix, ux), (_, ut), (iT, uT) = histories.codes
    w = histories.n.astype(np.float64)
    customers = w.sum()
    tx, T, x = histories.recency / scale, histories.T / scale, histories.frequency
    per_x, per_T = total(ix, w, len(ux)), total(iT, w, len(uT))
    x_per_T = total(iT, w * x, len(uT))
    uT = uT / scale
    times = np.union1d(ut / scale, uT)
    table = not exact and len(ux) * len(times) < TABLE_GAIN * len(histories)
    places = (Codes(ix, ux), Codes(np.searchsorted(times, tx), times), Codes(np.searchsorted(times, T), times))

    def at(theta: Floats) -> tuple[float, Floats]:
        params = np.exp(theta)
        r, alpha, s, beta = params
        deaths = _deaths_by_table(params, *places) if table else _deaths_one_by_one(params, x, tx, T)
        whole = np.exp(-deaths.rise) + s * deaths.integral
        log_A, log_B = np.log1p(uT / alpha), np.log1p(uT / beta)
        value = dot(per_x, gammaln(r + ux) - gammaln(r)) - x_per_T.sum() * theta[1]
        value -= dot(r * per_T + x_per_T, log_A) + s * dot(per_T, log_B)
        value += dot(w, np.log(whole) + deaths.rise)

        part = w / whole
        over_A, over_B = (1 / (alpha + uT))[iT], (1 / (beta + uT))[iT]
        d_r = dot(per_x, digamma(r + ux) - digamma(r)) - dot(per_T, log_A) - s * dot(part, deaths.log_purchase)
        d_alpha = r * customers / alpha - dot(r * per_T + x_per_T, 1 / (alpha + uT))
        d_alpha -= s * dot(part * (r + x), deaths.over_purchase - deaths.integral * over_A)
        d_s = -dot(per_T, log_B) + dot(part, deaths.integral - s * deaths.log_lifetime)
        d_beta = s * customers / beta - s * dot(per_T, 1 / (beta + uT))
        d_beta -= s * dot(part, (s + 1) * deaths.over_lifetime - s * deaths.integral * over_B)
        gradient = np.array([d_r * r, d_alpha * alpha, d_s * s, d_beta * beta])
        return -value / customers, -gradient / customers

    return at


def scores(histories: Tuples, scale: float) -> Callable[[Floats], Floats]:
    """What does each tuple alone say of the parameters: one customer's part of the gradient of :func:`objective`?

    Returns
    -------
    callable
        From log-parameters to an array with a row per tuple; the mean over customers, by their counts, is the gradient.
    """
    tx, T, x = histories.recency / scale, histories.T / scale, histories.frequency
    (ix, ux), (_, ut), (_, uT) = histories.codes
    times = np.union1d(ut / scale, uT / scale)
    table = len(ux) * len(times) < TABLE_GAIN * len(histories)
    places = (Codes(ix, ux), Codes(np.searchsorted(times, tx), times), Codes(np.searchsorted(times, T), times))

    def at(theta: Floats) -> Floats:
        params = np.exp(theta)
        deaths = _deaths_by_table(params, *places) if table else _deaths_one_by_one(params, x, tx, T)
        return -_slopes(params, x, T, deaths)

    return at


def objectives(groups: Sequence[Tuples], scale: float) -> Callable[[Floats], tuple[Floats, Floats]]:
    """What is :func:`objective` of each of many small groups, all of them worked out at once?

    Parameters
    ----------
    groups : sequence of Tuples
    scale : float
        As for :func:`objective`.

    Returns
    -------
    callable
        From log-parameters, a row per group, to a value per group and a row of its gradient.
    """
    of = np.repeat(np.arange(len(groups)), [len(one) for one in groups])
    first = np.searchsorted(of, np.arange(len(groups)))
    x, tx, T, w = (np.concatenate([getattr(one, name) for one in groups]) for name in ("frequency", "recency", "T", "n"))
    tx, T = tx / scale, T / scale
    share = w / np.add.reduceat(w, first)[of]

    def at(theta: Floats) -> tuple[Floats, Floats]:
        params = np.exp(theta).T[:, of]
        r, alpha, s, beta = params
        deaths = _deaths_one_by_one(params, x, tx, T)
        value = gammaln(r + x) - gammaln(r) - x * theta[of, 1] - (r + x) * np.log1p(T / alpha) - s * np.log1p(T / beta)
        value += np.log(np.exp(-deaths.rise) + s * deaths.integral) + deaths.rise
        found = -np.add.reduceat(np.column_stack([value, _slopes(params, x, T, deaths)]) * share[:, None], first)
        return found[:, 0], found[:, 1:]

    return at


def _slopes(params: Floats, x: Floats, T: Floats, deaths: Deaths) -> Floats:
    """How does the log-likelihood of each history change with each log-parameter? A row per history."""
    r, alpha, s, beta = params
    part = 1 / (np.exp(-deaths.rise) + s * deaths.integral)
    d_r = digamma(r + x) - digamma(r) - np.log1p(T / alpha) - s * part * deaths.log_purchase
    d_alpha = r / alpha - (r + x) / (alpha + T)
    d_alpha -= s * part * (r + x) * (deaths.over_purchase - deaths.integral / (alpha + T))
    d_s = part * (deaths.integral - s * deaths.log_lifetime) - np.log1p(T / beta)
    d_beta = s / beta - s / (beta + T)
    d_beta -= s * part * ((s + 1) * deaths.over_lifetime - s * deaths.integral / (beta + T))
    return np.stack([d_r * r, d_alpha * alpha, d_s * s, d_beta * beta], axis=1)


def _deaths_one_by_one(params: Floats, x: Floats, tx: Floats, T: Floats) -> Deaths:
    r, alpha, s, beta = params
    A, B = alpha + tx, beta + tx
    to_T, to_T_B = np.log1p((T - tx) / A), np.log1p((T - tx) / B)
    whole, log_A, log_B, over_A, over_B = decay_integrals(A, r + x, B, np.asarray(s + 1), T - tx, moments=True) / B
    return Deaths((r + x) * to_T + s * to_T_B, whole, log_A - to_T * whole, log_B - to_T_B * whole, over_A, over_B)


def _deaths_by_table(params: Floats, x: Codes, tx: Codes, T: Codes) -> Deaths:
    """The same from a table with a line per frequency and a column per time: two look-ups per history.

    Notes
    -----
    The integral from tx to T is that from tx to the last time, less that from T. The table is filled backwards, each entry
    relative to the alive branch at its own time, so that no entry under- or overflows and the difference cancels only where the
    integral is itself a small part of the likelihood.
    """
    r, alpha, s, beta = params
    line = r + x.values
    times = tx.values
    step_A = np.log1p(np.diff(times) / (alpha + times[:-1]))
    step_B = np.log1p(np.diff(times) / (beta + times[:-1]))
    table = _fill_table(_panel_moments(params, line, times), line, s, step_A, step_B)

    from_tx = table[:, tx.position, x.position]
    from_T = table[:, T.position, x.position]
    to_T = np.log1p((times[T.position] - times[tx.position]) / (alpha + times[tx.position]))
    to_T_B = np.log1p((times[T.position] - times[tx.position]) / (beta + times[tx.position]))
    rise = line[x.position] * to_T + s * to_T_B
    whole, log_A, log_B, over_A, over_B = from_tx - from_T * np.exp(-rise)
    return Deaths(rise, whole, log_A - to_T * from_tx[0], log_B - to_T_B * from_tx[0], over_A, over_B)


def _panel_moments(params: Floats, line: Floats, times: Floats) -> Floats:
    """The integrals between neighbouring times, shape (5, panels, lines), relative to the left end of each."""
    _, alpha, s, beta = params
    points, weights = gauss_legendre(PANEL_NODES)
    left = times[:-1, None]
    least = min(alpha, beta) + left
    length = np.log1p(np.diff(times)[:, None] / least)
    u = least * np.expm1(length * points)
    log_A, log_B = np.log1p(u / (alpha + left)), np.log1p(u / (beta + left))
    decay_B = np.exp(length * points - (s + 1) * log_B) * length * least * weights / (beta + left)
    f = np.exp(-line[None, :, None] * log_A[:, None, :]) * decay_B[:, None, :]
    by = np.stack([np.ones_like(u), log_A, log_B, 1 / (alpha + left + u), 1 / (beta + left + u)], axis=1)
    return np.asarray(np.einsum("jxn,jmn->mjx", f, by))


def _fill_table(panel: Floats, line: Floats, s: float, step_A: Floats, step_B: Floats) -> Floats:
    table = np.zeros((5, len(step_A) + 1, len(line)))
    fall = np.exp(-np.outer(step_A, line) - s * step_B[:, None])
    for j in range(len(step_A) - 1, -1, -1):
        beyond = table[:, j + 1] * fall[j]
        beyond[1] += step_A[j] * beyond[0]
        beyond[2] += step_B[j] * beyond[0]
        table[:, j] = panel[:, j] + beyond
    return table


def objective_of_limit(histories: Tuples, scale: float, fixed: Mapping[str, float]) -> Objective:
    """What is the mean negative log-likelihood, with its gradient, in the logarithms of the parameters that are not fixed?

    Parameters
    ----------
    histories : Tuples
        Who bought when.
    scale : float
        Unit of time used inside; alpha and beta are in this unit.
    fixed : mapping of str to float
        Some of r, alpha, s and beta; with s next to 0 nobody leaves.
    """
    if "beta" in fixed and fixed["s"] < SMALLEST:
        return objective_of_stayers(histories, scale, fixed.get("r"))
    whole, names = objective(histories, scale), ("r", "alpha", "s", "beta")
    units = np.array([1.0, scale, 1.0, scale])
    free = np.array([name not in fixed for name in names])
    every = np.log(np.array([fixed.get(name, 1.0) for name in names]) / units)

    def at(theta: Floats) -> tuple[float, Floats]:
        point = every.copy()
        point[free] = theta
        value, gradient = whole(point)
        return value, gradient[free]

    return at


def objective_of_stayers(histories: Tuples, scale: float, r: float | None = None) -> Objective:
    """What is the mean negative log-likelihood where nobody leaves, with its gradient, in log r and log alpha?

    Parameters
    ----------
    histories : Tuples
        Who bought when; when they bought last says nothing here.
    scale : float
        Unit of time used inside; alpha is in this unit.
    r : float or None
        Where it is given, in log alpha alone.

    Notes
    -----
    The limit of Pareto/NBD as the rate of leaving goes to 0, the negative binomial model: the product over customers of
    Gamma(r + x) / Gamma(r) * alpha^r / (alpha + T)^(r + x).
    """
    (ix, ux), _, (iT, uT) = histories.codes
    uT = uT / scale
    w = histories.n.astype(np.float64)
    customers = w.sum()
    per_x, per_T, x_per_T = total(ix, w, len(ux)), total(iT, w, len(uT)), total(iT, w * ux[ix], len(uT))

    def at(theta: Floats) -> tuple[float, Floats]:
        shape, alpha = (np.exp(theta[0]), np.exp(theta[1])) if r is None else (r, np.exp(theta[0]))
        # in differences, so that nothing large cancels where customers hardly differ
        on_x = gammaln(shape + ux) - gammaln(shape)
        later = np.log1p(uT / alpha)
        value = dot(per_x, on_x - ux * np.log(alpha)) - dot(shape * per_T + x_per_T, later)
        d_alpha = dot(shape * per_T + x_per_T, uT / (alpha * (alpha + uT))) - dot(per_x, ux) / alpha
        slopes = [d_alpha * alpha]
        if r is None:
            slopes.insert(0, (dot(per_x, digamma(shape + ux) - digamma(shape)) - dot(per_T, later)) * shape)
        return -value / customers, -np.array(slopes) / customers

    return at
