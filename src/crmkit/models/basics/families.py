"""Which finds hold when many questions were asked at once? One correction for each family of tests."""

from __future__ import annotations

import gc
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from crmkit.core.errors import ModelError
from crmkit.models.basics.estimates import Floats


def holm(p_values: ArrayLike) -> Floats:
    """Which p-values hold when many questions were asked at once?

    Parameters
    ----------
    p_values : array of shape (m,)
        One family; nan = not tested, which does not count towards m.

    Returns
    -------
    array of the same shape
        Adjusted p-values: all below 0.05 hold together, with at most 5 % chance of any false one. nan stays nan.

    Raises
    ------
    ModelError
        When a value lies outside 0 to 1.

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure, https://www.jstor.org/stable/4615733.

    Examples
    --------
    >>> holm([0.01, 0.02, 0.03, 0.04, 0.05]).round(2).tolist()
    [0.05, 0.08, 0.09, 0.09, 0.09]
    """
    return _adjusted(p_values, "holm")


def holm_of_logs(log10_p: ArrayLike) -> Floats:
    """The same for p-values that floats cannot hold, such as those of a hundred thousand customers.

    Parameters
    ----------
    log10_p : array of shape (m,)
        Decimal logarithms of the p-values, 0 or less; nan = not tested.

    Returns
    -------
    array of the same shape
        Adjusted p-values; what floats cannot hold becomes the smallest that they can, never 0.

    Raises
    ------
    ModelError
        When a logarithm is above 0.

    Examples
    --------
    >>> holm_of_logs([-2.0, -1.0, float("nan")]).round(6).tolist()
    [0.02, 0.1, nan]
    """
    logs = np.asarray(log10_p, dtype=np.float64)
    tested = ~np.isnan(logs)
    if (logs[tested] > 0).any():
        raise ModelError("logarithms of p-values: they are 0 or less; nan stands for not tested")
    adjusted, given = np.full(logs.shape, np.nan), logs[tested]
    # statsmodels' product of p and the tests that are left becomes a sum
    order = np.argsort(given, kind="stable")
    raised = np.maximum.accumulate(given[order] + np.log10(len(given) - np.arange(len(given))))
    values = np.empty_like(given)
    values[order] = np.maximum(10.0 ** np.minimum(raised, 0.0), np.finfo(np.float64).tiny)
    adjusted[tested] = values
    return adjusted


def benjamini_hochberg(p_values: ArrayLike) -> Floats:
    """Which finds are worth a second look, when one in twenty of them may be false?

    For exploration: a long list of candidates that somebody will test again. No page of today explores so, all of them say
    which differences are there, and that takes :func:`holm`.

    Parameters
    ----------
    p_values : array of shape (m,)
        One family; nan = not tested, which does not count towards m.

    Returns
    -------
    array of the same shape
        Adjusted p-values; among those below 0.05 the expected share of false ones is at most 5 %. nan stays nan.

    Raises
    ------
    ModelError
        When a value lies outside 0 to 1.

    References
    ----------
    Benjamini & Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.02, 0.03, 0.04, 0.05]).round(2).tolist()
    [0.05, 0.05, 0.05, 0.05, 0.05]
    """
    return _adjusted(p_values, "fdr_bh")


def _adjusted(p_values: ArrayLike, method: Literal["holm", "fdr_bh"]) -> Floats:
    from statsmodels.stats.multitest import multipletests

    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1:
        raise ModelError(f"p-values: shape {p.shape}; one family is one row of numbers")
    tested = ~np.isnan(p)
    if ((p[tested] < 0) | (p[tested] > 1)).any():
        raise ModelError("p-values: they lie between 0 and 1; nan stands for not tested")
    adjusted = np.full(p.shape, np.nan)
    if not tested.any():
        return adjusted
    gc.freeze()  # statsmodels collects garbage at each Holm: a tenth of a second over all that a notebook holds
    try:
        adjusted[tested] = multipletests(p[tested], method=method)[1]
    finally:
        gc.unfreeze()
    return adjusted
