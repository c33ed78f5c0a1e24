"""How likely is a purchase history if customers buy more regularly than at random? (MBG/CNBD-k)

The time between two purchases is the sum of k exponential phases of rate lambda ~ Gamma(r, alpha), so k = 1 is chance and a
large k is clockwork; after each purchase, the first included, a customer leaves with probability p ~ Beta(a, b).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln, digamma, expit, gammaln

from crmkit.models.basics.optimise import Objective
from crmkit.models.basics.quadrature import CUT, panels
from crmkit.models.purchases.btyd.counting import counted_purchases
from crmkit.models.purchases.btyd.staying import worth_of_staying
from crmkit.models.purchases.btyd.tuples import Tuples, dot, total

Floats = NDArray[np.float64]

CELLS = 1 << 18


def log_start(k: int) -> Floats:
    """Where does the search begin, in units of the mean T? The rate of phases is k times that of purchases."""
    return np.asarray(np.log([0.5, 0.25 / k, 0.8, 2.0]))


def log_phases(params: Floats, x: Floats, tx: Floats, T: Floats) -> tuple[Floats, Floats]:
    """Log-weights of the phase that a customer alive at T is in, shape (k, rows), and the log-odds of having left.

    Notes
    -----
    The time since the last purchase holds j < k phases; j has weight (r + kx)_j / j! * ((T - tx) / (alpha + T))^j. The branch
    of those who left after the last purchase weighs a / (b + x) * ((alpha + T) / (alpha + tx))^(r + kx) beside them.
    """
    r, alpha, a, b, k = params
    shape = r + k * x
    with np.errstate(divide="ignore"):
        log_z = np.log((T - tx) / (alpha + T))
    rows = [np.zeros(np.broadcast_shapes(x.shape, tx.shape, T.shape))]
    for j in range(1, int(k)):
        rows.append(rows[-1] + np.log((shape + j - 1) / j) + log_z)
    weights = np.array(rows)
    whole = np.logaddexp.reduce(weights, axis=0)
    left = np.log(a) - np.log(b + x) + shape * np.log1p((T - tx) / (alpha + tx))
    return weights - whole, left - whole


def log_likelihood(params: Floats, x: Floats, tx: Floats, T: Floats) -> Floats:
    """How likely is each history, as a natural logarithm, but for the part that the single intervals add?

    Notes
    -----
    Left out is (k - 1) * sum of log(interval) - x * log((k - 1)!), which the parameters do not enter.
    """
    r, alpha, a, b, k = params
    shape = r + k * x
    phases, left = log_phases(params, x, tx, T)
    alive = gammaln(shape) - gammaln(r) - r * np.log1p(T / alpha) - k * x * np.log(alpha + T)
    alive = alive + betaln(a, b + x + 1) - betaln(a, b) - phases[0]  # phase 0 weighs 1 beside all phases
    return np.asarray(alive + np.logaddexp(0.0, left))


def probability_alive(params: Floats, x: Floats, tx: Floats, T: Floats) -> Floats:
    """How probable is it that a customer has not left?"""
    return np.asarray(expit(-log_phases(params, x, tx, T)[1]))


def objective(histories: Tuples, scale: float, k: int) -> Objective:
    """What is the mean negative log-likelihood of the tuples, with its gradient? Without the part of the intervals."""
    (ix, ux), _, (iT, uT) = histories.codes
    w = histories.n.astype(np.float64)
    customers = w.sum()
    x, tx, T = histories.frequency, histories.recency / scale, histories.T / scale
    per_x, ux_k, uT = total(ix, w, len(ux)), k * ux, uT / scale
    per_T, kx_per_T = total(iT, w, len(uT)), total(iT, w * k * x, len(uT))

    def at(theta: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = np.exp(theta)
        shape, later = r + k * x, np.log1p((T - tx) / (alpha + tx))
        z = (T - tx) / (alpha + T)
        term, slope = np.ones_like(x), np.zeros_like(x)
        whole, d_whole_r, d_whole_alpha = term.copy(), np.zeros_like(x), np.zeros_like(x)
        for j in range(1, k):
            term = term * (shape + j - 1) / j * z
            slope = slope + 1 / (shape + j - 1)
            whole += term
            d_whole_r += term * slope
            d_whole_alpha -= term * j
        odds = np.log(a) - np.log(b + x) + shape * later - np.log(whole)
        left = w * expit(odds)
        stay = (w - left) / whole

        log_T = np.log(alpha + uT)
        on_x = gammaln(r + ux_k) - gammaln(r) + betaln(a, b + ux + 1) - betaln(a, b)
        value = customers * r * theta[1] + dot(per_x, on_x) - dot(r * per_T + kx_per_T, log_T)
        value += dot(w, np.log(whole) + np.logaddexp(0.0, odds))

        over_T = 1 / (alpha + T)
        d_r = customers * theta[1] + dot(per_x, digamma(r + ux_k) - digamma(r)) - dot(per_T, log_T)
        d_r += dot(stay, d_whole_r) + dot(left, later)
        d_alpha = customers * r / alpha - dot(r * per_T + kx_per_T, 1 / (alpha + uT))
        d_alpha += dot(stay, d_whole_alpha * over_T) + dot(left * shape, over_T - 1 / (alpha + tx))
        both = digamma(a + b) - digamma(a + b + ux + 1)
        d_a = dot(per_x, both) + float(left.sum()) / a
        d_b = dot(per_x, both + digamma(b + ux + 1) - digamma(b)) - dot(left, 1 / (b + x))
        gradient = np.array([d_r * r, d_alpha * alpha, d_a * a, d_b * b])
        return -value / customers, -gradient / customers

    return at


def purchases(params: Floats, x: Floats, tx: Floats, T: Floats, t: Floats) -> Floats:
    """How many purchases does a customer alive at T make up to T + t?

    Notes
    -----
    In phase j the number of phases to come is negative binomial with shape r + kx + j; n of them make floor((n + j) / k)
    purchases, of which the m-th counts if the customer did not leave at one before it. All terms are positive.
    """
    r, alpha, a, b, k = params
    weights = _phases(params, x, tx, T)
    out = np.zeros(x.shape)
    for j in range(int(k)):
        shape = r + k * x + j
        out += weights[j] * counted_purchases(shape, t / (alpha + T), a, b + x + 1, int(k), j)
    return out


def active(params: Floats, x: Floats, tx: Floats, T: Floats, t: Floats) -> Floats:
    """How probable is a purchase up to T + t by a customer alive at T? In phase j it takes k - j more."""
    r, alpha, _, _, k = params
    weights = _phases(params, x, tx, T)
    z = t / (alpha + T + t)
    return np.asarray(sum(weights[j] * betainc(k - j, r + k * x + j, z) for j in range(int(k))))


def discounted(params: Floats, x: Floats, tx: Floats, T: Floats, t: Floats, rate: float) -> Floats:
    """The purchases with each discounted by exp(-rate * time after T); t may be infinite."""
    if np.isinf(t).all():
        return _discounted_for_ever(params, x, tx, T, rate)
    t = np.minimum(t, CUT / rate)
    # the mean time between two purchases: until some k of them, a regular buyer's curve has steps of this length
    pace = (params[1] + T) * np.minimum(1.0, params[4] / (params[0] + params[4] * x))
    span = np.log1p(t / pace)
    points, weights = panels(max(2, int(np.ceil(span.max(initial=0.0)))), 16)
    out = np.exp(-rate * t) * purchases(params, x, tx, T, t)
    for point, weight in zip(points, weights, strict=True):
        u = pace * np.expm1(span * point)
        out += rate * np.exp(-rate * u) * purchases(params, x, tx, T, u) * span * (pace + u) * weight
    return out


def probability_purchases(params: Floats, x: Floats, t: Floats) -> Floats:
    """How probable are exactly x purchases in a new customer's first t?"""
    r, alpha, a, b, k = params
    z, many = t / (alpha + t), np.maximum(k * x, 1.0)
    reached = np.where(x > 0, betainc(many, r, z), 1.0)
    n = k * x
    now = np.zeros(np.broadcast_shapes(x.shape, t.shape))
    for j in range(int(k)):
        m = np.maximum(n + j, 1.0)
        with np.errstate(divide="ignore"):
            ways = np.where(n + j > 0, -np.log(m) - betaln(r, m) + (n + j) * np.log(z), 0.0)
        now = now + np.exp(ways - r * np.log1p(t / alpha))
    stayed = np.exp(betaln(a, b + x + 1) - betaln(a, b))
    left = np.exp(betaln(a + 1, b + x) - betaln(a, b))
    return np.asarray(stayed * now + left * reached)


def _phases(params: Floats, x: Floats, tx: Floats, T: Floats) -> Floats:
    """The chances of the phases that a customer alive at T may be in, shape (k, rows)."""
    return np.ones((1, *x.shape)) if params[4] == 1 else np.exp(log_phases(params, x, tx, T)[0])


def _discounted_for_ever(params: Floats, x: Floats, tx: Floats, T: Floats, rate: float) -> Floats:
    """Given lambda, the m-th purchase in phase j is worth theta^(mk - j), theta = lambda / (lambda + rate); summed over m.

    Notes
    -----
    The integral over y = log(lambda) runs by the trapezium rule, which converges exponentially for a function that is analytic
    near the real line and falls off on both sides. Customers with equal frequency share the nodes and the sums over m.
    """
    r, alpha, a, b, k = params
    weights = _phases(params, x, tx, T)
    out = np.zeros(x.shape)
    order = np.argsort(x, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(x[order])) + 1):
        shape, spans, count = r + k * x[rows[0]], alpha + T[rows], x[rows[0]]
        wide = np.sqrt(2 * CUT / shape)
        # below the discount rate the worth itself falls like lambda
        sure = np.minimum(np.log(rate * spans / shape), 0.0) - CUT / (shape + 1)
        low = (np.log(shape / spans) + np.maximum(-wide - CUT / shape, sure - wide)).min()
        high = np.log((shape + k) / spans.min()) + wide + np.log1p(CUT / shape)
        step = min(0.25, 0.5 / np.sqrt(shape + k))
        y = low + step * np.arange(int(np.ceil((high - low) / step)) + 1)
        worth = np.log1p(rate * np.exp(-y))
        stays = worth_of_staying(a, b + count + 1, k * worth)
        size = max(1, CELLS // len(y))
        for first in range(0, len(rows), size):
            i, span = rows[first : first + size], spans[first : first + size, None]
            for j in range(int(k)):
                mass = _log_gamma_mass(shape + j, np.log(span) + y)
                out[i] += weights[j, i] * step * np.einsum("ij,j->i", np.exp(mass), np.exp((j - k) * worth) * stays)
    return out


def _log_gamma_mass(shape: float, y: Floats) -> Floats:
    """The log-density of the logarithm of a Gamma(shape, 1) variable, in a form that keeps its digits for large shapes."""
    u = np.minimum(y - np.log(shape), 600.0)
    if shape > 30:  # Stirling
        constant = 0.5 * np.log(shape / (2 * np.pi)) - 1 / (12 * shape) + 1 / (360 * shape**3) - 1 / (1260 * shape**5)
    else:
        constant = shape * np.log(shape) - shape - gammaln(shape)
    return np.asarray(shape * (u - np.expm1(u)) + constant)
