"""Which share leaves within one whole period? The discrete-time model where there is a single time to look at."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from crmkit.core.errors import ModelError
from crmkit.models.basics.estimates import Floats
from crmkit.models.survival import DiscreteFit
from crmkit.models.survival.data.design import check_columns, encode, make_design

if TYPE_CHECKING:
    import pandas as pd

STILL = 1e-10


def fit_one_period(event_observed: ArrayLike, covariates: pd.DataFrame, *, cluster: ArrayLike | None = None) -> DiscreteFit:
    """How does the share that leaves within a period depend on covariates?

    Parameters
    ----------
    event_observed : array_like of 0/1, shape (n,)
        Whether the customer left; everybody was watched for the whole period.
    covariates : DataFrame of n rows
    cluster : array_like, shape (n,), optional
        Customer of each row, where customers stand in several; their errors then count once.

    Returns
    -------
    DiscreteFit
        Of one period: the coefficient of the period is 0 without any variance, its place is that of other fits.

    Raises
    ------
    ModelError
        When a column parts leavers from stayers, and as for :func:`~crmkit.models.survival.fit_discrete`.

    Notes
    -----
    log(-log(1 - h)) = a + xb, started from the share that left, so that the fit also ends where most leave: the Cox model of
    times that are known by period, for one period (Prentice & Gloeckler 1978, doi:10.2307/2529588). Covariance by clusters
    (Liang & Zeger 1986, doi:10.1093/biomet/73.1.13) between the expected information, without a correction for few clusters.

    Examples
    --------
    >>> import pandas as pd
    >>> fit = fit_one_period([1, 0, 1, 1, 0, 0, 1, 0], pd.DataFrame({"x": [0, 0, 0, 0, 1, 1, 1, 1]}))
    >>> np.round(1 - np.exp(-np.exp(fit.coefficients[0] + fit.coefficients[2] * (np.array([0, 1]) - 0.5))), 6).tolist()
    [0.75, 0.25]
    """
    import statsmodels.api as sm

    left = np.asarray(event_observed, dtype=np.float64)
    design = make_design(covariates)
    X = encode(design, covariates)
    check_columns(design, X, weight=np.ones(len(X)), events=left)
    center, scale = X.mean(axis=0), X.std(axis=0)
    Z = np.column_stack([np.ones(len(X)), (X - center) / scale])
    share = float(left.mean())
    start = np.concatenate([[np.log(-np.log1p(-share))], np.zeros(X.shape[1])])
    model = sm.GLM(left, Z, family=sm.families.Binomial(sm.families.links.CLogLog()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether the maximum was reached is asked below
        fitted = model.fit(start_params=start, tol=STILL, tol_criterion="params", maxiter=100)
    if not fitted.converged:
        raise ModelError("churn model: no finite effects fit; a column separates leavers from stayers")
    unit = np.concatenate([[1.0], scale])
    beta = np.insert(np.asarray(fitted.params) / unit, 1, 0.0)
    spread = np.zeros((len(beta), len(beta)))
    place = np.array([0, *range(2, len(beta))])
    spread[np.ix_(place, place)] = _covariance(model, fitted, cluster) / np.outer(unit, unit)
    return DiscreteFit(
        design=design,
        names=("constant", "period 1", *design.columns),
        coefficients=beta,
        covariance=spread,
        center=center,
        knots=np.array([1.0]),
        changing=(),
        middle=1.0,
        last=1,
        log_likelihood=float(fitted.llf),
        n=float(len(left)),
        events=float(left.sum()),
    )


def _covariance(model: Any, fitted: Any, cluster: ArrayLike | None) -> Floats:
    """Of the coefficients; statsmodels' own cov_type="cluster" takes the observed in place of the expected information."""
    from statsmodels.stats.sandwich_covariance import cov_cluster

    expected = np.asarray(fitted.cov_params())
    if cluster is None:
        return expected
    codes = np.unique(np.asarray(cluster), return_inverse=True)[1]
    return np.asarray(cov_cluster((model.score_obs(fitted.params), expected), codes, use_correction=False))
