"""Which share leaves within one whole period? The discrete-time model where there is a single time to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from crmkit.models.survival import DiscreteFit
from crmkit.models.survival.data.design import check_columns, encode, make_design

if TYPE_CHECKING:
    import pandas as pd

STILL = 1e-10


def fit_one_period(event_observed: ArrayLike, covariates: pd.DataFrame) -> DiscreteFit:
    """How does the share that leaves within a period depend on covariates?

    Parameters
    ----------
    event_observed : array_like of 0/1, shape (n,)
        Whether the customer left; everybody was watched for the whole period.
    covariates : DataFrame of n rows

    Returns
    -------
    DiscreteFit
        Of one period: the coefficient of the period is 0 without any variance, its place is that of other fits.

    Raises
    ------
    ModelError
        As for :func:`~crmkit.models.survival.fit_discrete`.

    Notes
    -----
    log(-log(1 - h)) = a + xb, started from the share that left, so that the fit also ends where most leave.

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
    center = X.mean(axis=0)
    Z = np.column_stack([np.ones(len(X)), X - center])
    share = float(left.mean())
    start = np.concatenate([[np.log(-np.log1p(-share))], np.zeros(X.shape[1])])
    model = sm.GLM(left, Z, family=sm.families.Binomial(sm.families.links.CLogLog()))
    fitted = model.fit(start_params=start, tol=STILL, maxiter=100)
    beta, spread = np.insert(np.asarray(fitted.params), 1, 0.0), np.zeros((Z.shape[1] + 1, Z.shape[1] + 1))
    place = np.array([0, *range(2, Z.shape[1] + 1)])
    spread[np.ix_(place, place)] = np.asarray(fitted.cov_params())
    return DiscreteFit(
        design, ("constant", "period 1", *design.columns), beta, spread, center, np.array([1.0]), (), 1.0, 1,
        float(fitted.llf), float(len(left)), float(left.sum()),
    )  # fmt: skip
