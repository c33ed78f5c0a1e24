"""Who leaves within one period, where only that is seen? A complementary log-log model; errors allow for repeated customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crmkit.core.errors import ModelError
from crmkit.models.basics.estimates import critical
from crmkit.models.survival.data.design import Design, check_columns, encode, make_design

if TYPE_CHECKING:
    import pandas as pd

FEWEST_EVENTS = 10
STEPS, CLOSE = 60, 1e-10


@dataclass(frozen=True, eq=False)
class OnceFit:
    """A complementary log-log model of one period.

    Parameters
    ----------
    design : Design
    coefficients : array, shape (p,)
        Log hazard ratios.
    covariance : array, shape (p + 1, p + 1)
        Of the constant and the coefficients; customers who stand in several rows count once.
    constant : float
        Log hazard of the average row.
    center : array, shape (p,)
    n, events : float
    """

    design: Design
    coefficients: np.ndarray
    covariance: np.ndarray
    constant: float
    center: np.ndarray
    n: float
    events: float

    @property
    def standard_errors(self) -> np.ndarray:
        """Of the coefficients."""
        return np.asarray(np.sqrt(np.diag(self.covariance)[1:]))


def fit_once(left: np.ndarray, covariates: pd.DataFrame, *, cluster: np.ndarray) -> OnceFit:
    """By which factor does each covariate raise the hazard of leaving within the period?

    Parameters
    ----------
    left : array of bool, shape (n,)
    covariates : DataFrame of n rows
    cluster : array, shape (n,)
        Customer of each row.

    Returns
    -------
    OnceFit

    Raises
    ------
    ModelError
        When too few left, or as for the Cox model.

    Notes
    -----
    log(-log(1 - p)) = constant + xb: the Cox model of times that are known by period, for one period (Prentice & Gloeckler
    1978, doi:10.2307/2529588). Covariance by clusters (Liang & Zeger 1986, doi:10.1093/biomet/73.1.13).
    """
    import pandas as pd

    events = int(left.sum())
    if min(events, len(left) - events) < FEWEST_EVENTS:
        raise ModelError(f"churn model: {events} of {len(left)} left; at least {FEWEST_EVENTS} leavers and stayers are needed")
    design = make_design(covariates)
    X = encode(design, covariates)
    check_columns(design, X, weight=np.ones(len(X)), events=left.astype("float64"))
    center, scale = X.mean(axis=0), X.std(axis=0)
    Z = np.column_stack([np.ones(len(X)), (X - center) / scale])
    params, information, score = _maximum(Z, left.astype("float64"))
    codes = pd.factorize(cluster, sort=True)[0]
    summed = np.column_stack([np.bincount(codes, column) for column in score.T])
    inverse = np.linalg.inv(information)
    unit = np.concatenate([[1.0], scale])
    covariance = inverse @ (summed.T @ summed) @ inverse / np.outer(unit, unit)
    params = params / unit
    return OnceFit(design, params[1:], covariance, float(params[0]), center, float(len(left)), float(events))


def _maximum(Z: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients, Fisher information and each row's score at the maximum of the likelihood, by Fisher scoring."""
    beta = np.zeros(Z.shape[1])
    beta[0] = np.log(-np.log1p(-y.mean()))
    for _ in range(STEPS):
        eta = np.clip(Z @ beta, -30.0, 3.5)
        rate = np.exp(eta)
        p = -np.expm1(-rate)
        slope = rate * np.exp(-rate)
        score = Z * ((y - p) * slope / (p * (1 - p)))[:, None]
        information = (Z * (slope**2 / (p * (1 - p)))[:, None]).T @ Z
        step = np.linalg.solve(information, score.sum(axis=0))
        beta = beta + step
        if float(np.abs(step).max()) < CLOSE:
            return beta, information, score
    raise ModelError("churn model: no finite effects fit; a column separates leavers from stayers")


def once_probability(fit: OnceFit, covariates: pd.DataFrame, *, confidence: float) -> pd.DataFrame:
    """How probable is it that each customer leaves within the period? Columns as of ``churn_probability``."""
    import pandas as pd

    X = encode(fit.design, covariates, strict=False) - fit.center
    eta = X @ fit.coefficients
    Z = np.column_stack([np.ones(len(X)), X])
    error = critical(confidence) * np.sqrt(np.einsum("ij,ij->i", Z @ fit.covariance, Z))
    rate = fit.constant + eta
    ends = {"probability": rate, "low": rate - error, "high": rate + error}
    table = {name: -np.expm1(-np.exp(value)) for name, value in ends.items()}
    return pd.DataFrame(
        {"log_hazard_ratio": eta} | table | {"beyond_support": np.zeros(len(X), bool), "missing_inputs": np.isnan(eta)},
        index=covariates.index,
    )
