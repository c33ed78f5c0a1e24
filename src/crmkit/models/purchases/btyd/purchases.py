"""How many purchases does a customer make who may leave, now or with a discount, and how many in a new customer's first t?

Integrals behind the predictions, for a customer who is alive at T; they depend on frequency and T only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln, exprel, hyp2f1, xlogy

import crmkit.models.purchases.btyd.erlang as erlang
from crmkit.models.basics.quadrature import CUT, panels
from crmkit.models.purchases.btyd.counting import counted_purchases

Floats = NDArray[np.float64]

CANCELS = 0.02  # below this share of its parts a difference has lost two digits
BELOW_ONE = 1 - 2.0**-53  # where 2F1 may have a pole
ROWS = 4096
ALIKE = 50.0  # above, customers hardly differ in how they leave, and 2F1 overflows


def geometric_purchases(params: Floats, x: Floats, T: Floats, t: Floats) -> Floats:
    """How many purchases does a customer alive at T make up to T + t? BG/NBD; for MBG/NBD give b + 1 for b.

    Notes
    -----
    The textbook form is (a + b + x - 1) / (a - 1) * (1 - (...)^(r + x) * 2F1(r + x, b + x; a + b + x - 1; z)). Its series
    overflows from x of about 1,000, so Euler's transformation of it is used: 1 - (1 - z)^(a - 1) *
    2F1(a + b - 1 - r, a - 1; a + b + x - 1; z), z = t / (alpha + T + t). Where that difference cancels (a near 1, t short)
    or a + b + x - 1 is not clearly positive (x = 0, small a and b), the rate of purchases is integrated over time instead;
    it has no pole.

    References
    ----------
    Fader, Hardie, Lee (2005), https://doi.org/10.1287/mksc.1040.0098, equation (10).
    """
    r, alpha, a, b = params
    if a > ALIKE:
        return counted_purchases(r + x, t / (alpha + T), a, b + x, 1, 0)
    c = a + b + x - 1
    z = np.minimum(t / (alpha + T + t), BELOW_ONE)
    safe = c > 0.05
    kept = np.exp((1 - a) * np.log1p(t / (alpha + T)))
    kept = kept * _hypergeometric(a + b - 1 - r, a - 1, np.where(safe, c, 1.0), z)
    rest = 1 - kept
    safe &= np.abs(rest) > CANCELS * np.maximum(1.0, np.abs(kept))
    out = np.empty(np.broadcast_shapes(x.shape, T.shape, t.shape))
    out[safe] = (c * rest / (a - 1 if a != 1 else 1.0))[safe]
    if not safe.all():
        out[~safe] = geometric_discounted(params, x[~safe], T[~safe], t[~safe], 0.0)
    return out


def geometric_discounted(params: Floats, x: Floats, T: Floats, t: Floats, rate: float) -> Floats:
    """The same with each purchase discounted by exp(-rate * time after T); t may be infinite where the rate is above 0.

    Notes
    -----
    A customer alive at T leaves with p ~ Beta(a, b + x) after each purchase and buys with lambda ~ Gamma(r + x, alpha + T), so
    the rate of purchases at T + u is (r + x) / (alpha + T) * E[(1 + p * v)^-(r + x + 1)], v = u / (alpha + T), which equals
    (1 + v)^-a * 2F1(a, a + b - r - 1; a + b + x; v / (1 + v)). In w = log(1 + v) it is smooth.
    """
    r, alpha, a, b = params
    if a > ALIKE:
        return erlang.discounted(np.array([r, alpha, a, b - 1, 1.0]), x, T, T, t, rate)
    out = np.empty(x.shape)
    for first in range(0, x.size, ROWS):
        i = slice(first, first + ROWS)
        k, span = r + x[i], alpha + T[i]
        decay = rate * span
        with np.errstate(divide="ignore"):
            length = np.minimum(np.log1p(t[i] / span), np.log1p(CUT / decay))
        falls = np.minimum(a - 1, k)  # the integrand falls at least as exp(-falls * w) in the end
        length = np.where(falls > 0, np.minimum(length, (CUT + np.log1p(k)) / np.maximum(falls, 1e-9)), length)
        points, weights = _short_panels(length, falls)
        w = length[:, None] * points
        f = np.exp((1 - a) * w - decay[:, None] * np.expm1(w))
        f = f * _hypergeometric(a, a + b - r - 1, (a + b + x[i])[:, None], np.minimum(-np.expm1(-w), BELOW_ONE))
        out[i] = k * length * np.einsum("ij,j->i", f, weights)
    return out


def geometric_for_ever(params: Floats, x: Floats, T: Floats) -> Floats:
    """How many purchases does a customer alive at T still make, where a > 1? BG/NBD; for MBG/NBD give b + 1 for b."""
    _, _, a, b = params
    return np.asarray((a + b + x - 1) / (a - 1) + 0.0 * T)


def pareto_for_ever(params: Floats, x: Floats, T: Floats) -> Floats:
    """How many purchases does a customer alive at T still make, where s > 1? Pareto/NBD."""
    r, alpha, s, beta = params
    return np.asarray((r + x) / (alpha + T) * (beta + T) / (s - 1))


def pareto_purchases(params: Floats, x: Floats, T: Floats, t: Floats) -> Floats:
    """How many purchases does a customer alive at T make up to T + t? Pareto/NBD.

    Notes
    -----
    (r + x) / (alpha + T) * integral over u from 0 to t of (1 + u / (beta + T))^-s, written so that s = 1 is no special case.
    """
    r, alpha, s, beta = params
    log_span = np.log1p(t / (beta + T))
    return np.asarray((r + x) * (beta + T) / (alpha + T) * log_span * exprel((1 - s) * log_span))


def pareto_discounted(params: Floats, x: Floats, T: Floats, t: Floats, rate: float) -> Floats:
    """The same with each purchase discounted by exp(-rate * time after T); t may be infinite where the rate is above 0.

    References
    ----------
    For the infinite horizon: Fader, Hardie, Lee (2005), Journal of Marketing Research 42(4),
    https://doi.org/10.1509/jmkr.2005.42.4.415, there with Tricomi's function.
    """
    r, alpha, s, beta = params
    span = beta + T
    with np.errstate(divide="ignore"):
        length = np.minimum(np.log1p(t / span), np.log1p(CUT / (rate * span)))
    if s > 1:
        length = np.minimum(length, CUT / (s - 1))
    points, weights = _short_panels(length, s - 1)
    w = length[:, None] * points
    f = np.exp((1 - s) * w - (rate * span)[:, None] * np.expm1(w))
    return np.asarray((r + x) / (alpha + T) * span * length * np.einsum("ij,j->i", f, weights))


def geometric_probability(params: Floats, x: Floats, t: Floats, modified: bool) -> Floats:
    """How probable are exactly x purchases in a new customer's first t? BG/NBD or MBG/NBD.

    Notes
    -----
    Alive after x purchases and no more came, or left with the x-th: the chance that at least x came by then is an incomplete
    beta function.
    """
    r, alpha, a, b = params
    chances = x + 1 if modified else x  # occasions on which the customer could leave
    stayed = np.exp(betaln(a, b + chances) - betaln(a, b) + _log_negative_binomial(r, alpha, x, t))
    left = np.exp(betaln(a + 1, b + np.maximum(chances - 1, 0.0)) - betaln(a, b))
    reached = np.where(x > 0, betainc(np.maximum(x, 1.0), r, t / (alpha + t)), 1.0 if modified else 0.0)
    return np.asarray(stayed + left * reached)


def pareto_probability(params: Floats, x: Floats, t: Floats) -> Floats:
    """How probable are exactly x purchases in a new customer's first t? Pareto/NBD.

    Notes
    -----
    Alive at t, or left at u < t having bought x times by then: the integral runs over y = log(t / u), where its mass lies near
    0 for large x.
    """
    r, alpha, s, beta = params
    alive = np.exp(_log_negative_binomial(r, alpha, x, t) - s * np.log1p(t / beta))
    points, weights = panels(16, 32)
    # towards short lives the chance of x purchases falls, but that of such a life rises, at most by this much
    cut = CUT + (s + 1) * np.log1p(t / beta) + r * np.log1p(t / alpha)
    with np.errstate(over="ignore", divide="ignore"):
        falls = np.log1p((alpha + t) / alpha * np.expm1(np.minimum(cut / x, 700.0)))
    length = np.minimum(cut, falls)
    u = t[:, None] * np.exp(-length[:, None] * points)
    f = _log_negative_binomial(r, alpha, x[:, None], u) - (s + 1) * np.log1p(u / beta)
    return np.asarray(alive + s / beta * length * np.einsum("ij,j->i", np.exp(f) * u, weights))


def _hypergeometric(A: float, B: float, C: Floats, z: Floats) -> Floats:
    """Gauss's 2F1, also where scipy gives nan: z > 0.9 and C - A - B a whole number above about 100.

    There the mean of two neighbours stands in; the function is smooth in C, and the mean is off by some 1e-16.
    """
    value = np.asarray(hyp2f1(A, B, C, z))
    lost = ~np.isfinite(value)
    if lost.any():
        c, at = np.broadcast_to(C, value.shape)[lost], np.broadcast_to(z, value.shape)[lost]
        value[lost] = (hyp2f1(A, B, c * (1 - 1e-8), at) + hyp2f1(A, B, c * (1 + 1e-8), at)) / 2
    return value


def _short_panels(length: Floats, falls: Floats | float) -> tuple[Floats, Floats]:
    """Nodes for integrands on a logarithmic axis that fall like exp(-falls * w), and by exp(-CUT) at the end of a discount."""
    longest = length.max(initial=0.0)
    steepest = (np.maximum(falls, 0.0) * length).max(initial=0.0)
    return panels(max(1, int(np.ceil(max(longest / 1.25, steepest / 20)))), 20)


def _log_negative_binomial(r: float, alpha: float, x: Floats, t: Floats) -> Floats:
    """The log-probability of x purchases in t of a customer who stays."""
    many = np.maximum(x, 1.0)
    ways = np.where(x > 0, -np.log(many) - betaln(r, many), 0.0)
    return np.asarray(ways - r * np.log1p(t / alpha) + xlogy(x, t / (alpha + t)))
