"""What are the renewals of a customer worth who leaves with a probability that is not known exactly?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln, expit, hyp2f1

from crmkit.models.basics.quadrature import CUT

Floats = NDArray[np.float64]

LARGE = 60.0
CELLS = 1 << 18


def worth_of_staying(a: float, b: float, loss: ArrayLike) -> Floats:
    """The sum over m >= 0 of E[q^m] exp(-loss * m) for q ~ Beta(b, a), the probability of staying.

    Parameters
    ----------
    a, b : float > 0
        Of the beta distribution of leaving, and of staying.
    loss : array_like > 0
        Discount from one occasion to the next, as a logarithm.

    Notes
    -----
    It is 2F1(1, b; a + b; z) with z = exp(-loss). scipy gives nan for z near 1 and large or whole parameters; there
    E[1 / (1 - qz)] is integrated over the log-odds of 1 - q by the trapezium rule, which converges exponentially; the lower
    tail, which is geometric, is added in closed form.
    """
    falls = np.atleast_1d(np.asarray(loss, dtype=np.float64))
    if a + b < LARGE:
        value = np.asarray(hyp2f1(1.0, b, a + b, np.minimum(np.exp(-falls), 1 - 2.0**-53)))
        lost = ~np.isfinite(value)
        if lost.any():
            value[lost] = _by_integral(a, b, falls[lost])
    else:
        value = _by_integral(a, b, falls)
    return value.reshape(np.shape(loss))


def worth_by_row(a: float, b: ArrayLike, loss: float) -> Floats:
    """The same for many b and one loss, each different b once."""
    different, position = np.unique(np.asarray(b, dtype=np.float64), return_inverse=True)
    found = np.array([float(worth_of_staying(a, float(one), loss)) for one in different])
    return np.asarray(found[position].reshape(np.shape(b)))


def _by_integral(a: float, b: float, loss: Floats) -> Floats:
    spread = np.sqrt(1 / a + 1 / b)
    step = min(0.25, 0.5 * spread)
    centre = np.log(a / b)
    low = max(centre - CUT / a - 10 * spread, min(np.log(-np.expm1(-loss)).min(), centre) - CUT - 10 * spread)
    high = centre + 10 * spread + CUT / b + np.log1p(CUT / a)
    t = low + step * np.arange(int(np.ceil((high - low) / step)) + 1)
    mass = np.exp(a * t - (a + b) * np.logaddexp(0.0, t) - betaln(a, b))
    mass[0] *= 1 + 1 / np.expm1(min(a * step, 700.0))
    out = np.empty_like(loss)
    size = max(1, CELLS // len(t))
    for first in range(0, len(loss), size):
        i = slice(first, first + size)
        out[i] = step * np.einsum("j,ij->i", mass, 1 / (expit(t) - np.expm1(-loss[i, None]) * expit(-t)))
    return out
