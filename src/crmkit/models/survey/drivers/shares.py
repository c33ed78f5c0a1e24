"""Which part of what is explained belongs to which driver, when drivers go together?"""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError
from crmkit.core.results import Text

Floats = NDArray[np.float64]

MOST_EXACT = 18
SINGULAR = 1e-10
CELLS = 8_000_000


def lmg(covariance: ArrayLike, *, controls: int = 0) -> Floats:
    """How much of the outcome's variance does each driver explain, averaged over all orders of the drivers?

    Parameters
    ----------
    covariance : array of shape (..., 1 + controls + p, 1 + controls + p)
        Covariances (weighted or not) of the outcome, then the controls, then the drivers; leading axes are batches.
    controls : int
        Variables that come first in every order; their part is not shared out.

    Returns
    -------
    array of shape (..., p)
        Parts of R squared, 0 to 1; they add up to R squared less that of the controls.

    Raises
    ------
    ModelError
        With more than 18 drivers (use :func:`johnson`), none, or an outcome without variance.

    Notes
    -----
    ``part_i = sum over subsets S without i of |S|! (p-|S|-1)!/p! (R2(S + i) - R2(S))``, Shapley's value of R squared. All 2^p
    subsets come from one recursion: each driver is swept out of one copy of the matrices and dropped from the other, so a
    subset costs a few multiplications, for all batches at once. A driver that others determine adds nothing after them.

    References
    ----------
    Lindeman, Merenda & Gold (1980), Introduction to Bivariate and Multivariate Analysis, p. 119. Grömping (2006),
    doi:10.18637/jss.v017.i01.

    Examples
    --------
    >>> lmg([[1.0, 0.6, 0.3], [0.6, 1.0, 0.0], [0.3, 0.0, 1.0]]).round(4).tolist()
    [0.36, 0.09]
    """
    matrices, shape = _ready(covariance, controls)
    p = matrices.shape[-1] - 1
    if p > MOST_EXACT:
        raise ModelError(f"drivers: {p} have {2.0**p:,.0f} subsets; beyond {MOST_EXACT} use relative weights (johnson)")
    batch = max(1, CELLS // (6 << p))
    parts = [_lmg(matrices[first : first + batch]) for first in range(0, len(matrices), batch)]
    return np.concatenate(parts).reshape(*shape, p)


def johnson(covariance: ArrayLike, *, controls: int = 0) -> Floats:
    """How much does each driver explain, when there are too many for all orders?

    Parameters
    ----------
    covariance, controls
        As for :func:`lmg`, any number of drivers.

    Returns
    -------
    array of shape (..., p)
        Parts of R squared; they add up to R squared less that of the controls.

    Raises
    ------
    ModelError
        Without drivers, or with an outcome without variance.

    Notes
    -----
    Relative weights: the outcome is regressed on the orthogonal variables nearest to the drivers, and what these explain is
    handed back by squared loadings.

    References
    ----------
    Johnson (2000), doi:10.1207/S15327906MBR3501_1. Genizi (1993), Decomposition of R2 in multiple regression with correlated
    regressors, Statistica Sinica 3, 407-420.

    Examples
    --------
    >>> johnson([[1.0, 0.6, 0.3], [0.6, 1.0, 0.0], [0.3, 0.0, 1.0]]).round(4).tolist()
    [0.36, 0.09]
    """
    matrices, shape = _ready(covariance, controls)
    total = matrices[:, -1, -1]
    inner, outer = matrices[:, :-1, :-1], matrices[:, :-1, -1]
    spread = np.sqrt(np.maximum(np.einsum("bii->bi", inner), SINGULAR))
    values, vectors = np.linalg.eigh(inner / spread[:, :, None] / spread[:, None, :])
    values = np.clip(values, 0, None)
    turned = np.einsum("bij,bi->bj", vectors, outer / spread)
    weight = np.where(values > SINGULAR, 1 / np.sqrt(np.maximum(values, SINGULAR)), 0.0)
    nearest = np.einsum("bij,bj,bj->bi", vectors, weight, turned)
    loadings = np.einsum("bij,bj,bkj->bik", vectors, np.sqrt(values), vectors)
    parts: Floats = np.einsum("bik,bk->bi", loadings**2, nearest**2) * total[:, None]
    return parts.reshape(*shape, inner.shape[-1])


def _ready(covariance: ArrayLike, controls: int) -> tuple[Floats, tuple[int, ...]]:
    """Correlations with the outcome last and the controls swept out; the outcome's variance stays in its total's unit."""
    full = np.asarray(covariance, dtype=np.float64)
    if full.shape[-1] < 2 + controls:
        raise ModelError("drivers: at least one driver is needed besides the outcome and the controls")
    shape = full.shape[:-2]
    full = full.reshape(-1, *full.shape[-2:])
    # what does not vary in a sample may come out as a little less than nothing
    spread = np.sqrt(np.maximum(np.einsum("bii->bi", full), 0.0))
    if not (spread[:, 0] > 0).all():
        raise ModelError(Text("drivers: the outcome has no variance, all answers are equal; there is nothing to explain"))
    spread = np.where(spread > 0, spread, 1.0)
    r = full / spread[:, :, None] / spread[:, None, :]
    r = np.roll(r, (-1, -1), (1, 2))
    for _ in range(controls):
        r = _swept(r)
    return r, shape


def _swept(r: Floats) -> Floats:
    """What is left of the others after a regression on the first variable; nothing changes where the others determine it."""
    pivot = r[..., 0, 0]
    inverse = np.where(pivot > SINGULAR, 1 / np.where(pivot > SINGULAR, pivot, 1.0), 0.0)
    row = r[..., 0, 1:]
    return r[..., 1:, 1:] - row[..., :, None] * (row * inverse[..., None])[..., None, :]


def _lmg(r: Floats) -> Floats:
    p = r.shape[-1] - 1
    left = r[None]  # subsets first: bit k of a subset's number tells whether driver k is in it
    for _ in range(p):
        left = np.concatenate([left[..., 1:, 1:], _swept(left)])
    explained = -left[..., 0, 0].T  # up to a constant that differences do not see
    sizes = np.zeros(1, dtype=np.intp)
    for _ in range(p):
        sizes = np.concatenate([sizes, sizes + 1])
    weight = np.array([1 / (p * comb(p - 1, size)) for size in range(p)] + [0.0])[sizes]
    parts = np.empty((len(r), p))
    for driver in range(p):
        pairs = explained.reshape(len(r), -1, 2, 1 << driver)
        shares = weight.reshape(-1, 2, 1 << driver)[:, 0]
        parts[:, driver] = ((pairs[:, :, 1] - pairs[:, :, 0]) * shares).sum((1, 2))
    return parts
