"""How sure is what follows from a model with covariates? Other parameters and coefficients, by the normal approximation."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from crmkit.core.errors import ModelError, Problem
from crmkit.models.purchases.btyd.covariates import CovariateFit


def shifted(fitted: CovariateFit, step: ArrayLike) -> CovariateFit:
    """What would the model be with other parameters?

    Parameters
    ----------
    fitted : CovariateFit
        From :func:`fit_covariates`.
    step : array_like, shape (parameters + coefficients,)
        Added to the logarithms of the parameters, and to the coefficients, in the order of ``fitted.covariance``.

    Returns
    -------
    CovariateFit
        To predict with; what it says of its errors and likelihood is still that of the estimate.

    Raises
    ------
    ModelError
        When there are more or fewer steps than parameters.
    """
    steps = np.asarray(step, dtype=np.float64)
    k = len(fitted.base)
    if steps.shape != (k + len(fitted.coefficients),):
        raise ModelError(Problem("covariates: step", f"has shape {steps.shape}", f"{k + len(fitted.coefficients)} numbers"))
    base = {name: value * float(np.exp(by)) for (name, value), by in zip(fitted.base.items(), steps[:k], strict=True)}
    moved = tuple(replace(one, value=one.value + float(by)) for one, by in zip(fitted.coefficients, steps[k:], strict=True))
    return replace(fitted, base=MappingProxyType(base), coefficients=moved)


def covariate_draws(fitted: CovariateFit, *, draws: int = 200, seed: int = 0) -> tuple[CovariateFit, ...]:
    """Which other parameters and coefficients could as well have come out? (Laplace's approximation)

    Parameters
    ----------
    fitted : CovariateFit
    draws, seed : int
        How many, and what makes them repeatable.

    Returns
    -------
    tuple of CovariateFit

    Raises
    ------
    ModelError
        When there is no draw to make.

    Examples
    --------
    >>> from crmkit.models.purchases.btyd import fit_covariates, known, patterns, simulate
    >>> rng = np.random.default_rng(0)
    >>> x, tx, T = simulate(known("pareto_nbd", {"r": 0.6, "alpha": 10, "s": 0.6, "beta": 11}), np.full(4000, 39.0), rng)
    >>> found = fit_covariates(patterns(x, tx, T, {"online": np.arange(4000) % 2}), "pareto_nbd", leaving=[])
    >>> values = [one.coefficients[0].value for one in covariate_draws(found, draws=2000)]
    >>> bool(abs(np.std(values) / found.coefficients[0].standard_error - 1) < 0.1)
    True
    """
    if draws < 1:
        raise ModelError(Problem("covariates: draws", f"is {draws}", "at least 1"))
    steps = np.random.default_rng(seed).multivariate_normal(np.zeros(len(fitted.covariance)), fitted.covariance, size=draws)
    return tuple(shifted(fitted, step) for step in steps)
