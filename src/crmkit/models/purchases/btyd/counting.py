"""How many purchases will be counted before a customer leaves, whatever the parameters?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESCALE = 1e200
TINY_SHARE = 45.0  # exp(-45) = 3e-20


def counted_purchases(shape: Floats, ratio: Floats, a: float, b: Floats, k: int, j: int) -> Floats:
    """How many purchases are expected, by summing over the number of phases that pass?

    Parameters
    ----------
    shape, ratio : array, shape (rows,)
        The number n of phases is negative binomial: shape, and horizon over scale.
    a : float
        Of the beta distribution of leaving at a purchase.
    b : array, shape (rows,)
        Of staying.
    k, j : int
        A purchase takes k phases, and j have passed already: n phases make floor((n + j) / k) purchases.

    Notes
    -----
    The m-th purchase counts if the customer did not leave at one of the m - 1 before it. All terms are positive, so nothing
    cancels, and sizes are carried as logarithms, so nothing under- or overflows, whatever the parameters. Rows that need the
    most terms come first, so that the others drop out of the loop.
    """
    mean = shape * ratio
    with np.errstate(divide="ignore"):
        tail = TINY_SHARE / np.log1p(1 / ratio)
    last = np.ceil(mean + 11 * np.sqrt(mean * (1 + ratio)) + tail) + k
    order = np.argsort(-last, kind="stable")
    shape, ratio, b, ends = shape[order], ratio[order], b[order], last[order]
    z = ratio / (1 + ratio)
    log_size = -shape * np.log1p(ratio)
    chance, sums = np.ones_like(shape), np.zeros_like(shape)
    counted, stays = np.zeros_like(shape), np.ones_like(shape)
    rows, made = len(shape), 0
    for n in range(int(ends.max(initial=0.0)) + 1):
        if n % 16 == 0:
            rows = int(np.searchsorted(-ends, -n, side="right"))
            big = np.flatnonzero(chance[:rows] > RESCALE)
            chance[big], sums[big], log_size[big] = chance[big] / RESCALE, sums[big] / RESCALE, log_size[big] + np.log(RESCALE)
        if (n + j) % k == 0 and n + j > 0:
            counted[:rows] += stays[:rows]
            stays[:rows] *= (b[:rows] + made) / (a + b[:rows] + made)
            made += 1
        sums[:rows] += chance[:rows] * counted[:rows]
        chance[:rows] *= (shape[:rows] + n) / (n + 1) * z[:rows]
    out = np.empty_like(shape)
    with np.errstate(divide="ignore"):
        out[order] = np.exp(np.log(sums) + log_size)
    return out
