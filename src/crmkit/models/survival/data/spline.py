"""Smooth curves with few numbers: natural cubic splines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crmkit.core.errors import ModelError

Floats = NDArray[np.float64]


def natural_spline(x: Floats, knots: Floats) -> Floats:
    """A basis of curves that are cubic between the knots and straight beyond the outer ones, without the constant.

    Parameters
    ----------
    x : array, shape (n,)
    knots : array, shape (k,)
        Rising and different.

    Returns
    -------
    array, shape (n, k - 1)
        x itself, and k - 2 truncated cubes, in units of the distance of the outer knots; x alone for fewer than three knots.

    References
    ----------
    Hastie, Tibshirani, Friedman (2009), The Elements of Statistical Learning, section 5.2.1.

    Examples
    --------
    >>> natural_spline(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.0])).shape
    (3, 2)
    """
    at = np.asarray(knots, dtype=np.float64)
    if (np.diff(at) <= 0).any():
        raise ModelError("spline: the knots must rise")
    if len(at) < 3:
        return np.asarray(x, dtype=np.float64)[:, None]
    width = at[-1] - at[0]

    def cubes(k: int) -> Floats:
        return np.asarray((np.maximum(x - at[k], 0) ** 3 - np.maximum(x - at[-1], 0) ** 3) / (at[-1] - at[k]) / width**2)

    last = cubes(len(at) - 2)
    return np.column_stack([x, *[cubes(k) - last for k in range(len(at) - 2)]])
