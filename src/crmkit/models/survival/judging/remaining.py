"""How sure is the time that each customer is expected to stay? Limits of :func:`.scoring.expected_remaining`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ParamError, Problem
from crmkit.models.basics.estimates import critical
from crmkit.models.survival.data.design import encode
from crmkit.models.survival.judging.scoring import CHUNK, elapsed_of, stratum_of
from crmkit.models.survival.regression.baseline import Baseline, baselines
from crmkit.models.survival.regression.cox import CoxFit

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]


def remaining_limits(
    fit: CoxFit,
    covariates: pd.DataFrame,
    *,
    elapsed: ArrayLike,
    limit: float,
    strata: Any = None,
    baseline: str = "efron",
    discount_rate: float = 0.0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How much more time is each customer expected to stay, of the next `limit`, and how sure is that?

    Parameters
    ----------
    fit, covariates, elapsed, limit, strata, baseline, discount_rate
        As for :func:`.scoring.expected_remaining`.
    confidence : float
        Coverage, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        In the order of the customers: `value` as :func:`.scoring.expected_remaining`, `low`, `high`; all nan where that is.
        Limits are those of the expectation, not of how long a customer really stays.

    Notes
    -----
    Delta method on the logit of the share of `limit`. The conditional survival at the k-th time is exp(-h_k exp(xb)). To the
    variance of the sum of w_k S_k the baseline adds dV_m * (sum from m on of w_k S_k)^2, summed over m, since its increments
    are independent; the coefficients add q' Cov q, q the sum of w_k S_k times the derivative of h_k exp(xb). Memory grows with
    the customers times the columns, never with the times.

    References
    ----------
    Therneau, Grambsch (2000), doi:10.1007/978-1-4757-3294-8, section 10.2.
    """
    import pandas as pd

    if not (np.isfinite(limit) and limit > 0):
        raise ParamError(Problem("limit", f"is {limit}", "it is a time above 0, in the unit of the fit"))
    since, reach = elapsed_of(elapsed, len(covariates)), critical(confidence)
    stratum = stratum_of(fit, strata, len(covariates))
    bases = baselines(fit, method=baseline)
    out = {name: np.full(len(since), np.nan) for name in ("value", "low", "high")}
    for start in range(0, len(since), CHUNK):
        part = slice(start, start + CHUNK)
        X = (encode(fit.design, covariates.iloc[part], strict=False) - fit.center) / fit.scale
        for s, t in sorted(set(zip(stratum[part].tolist(), since[part].tolist(), strict=True))):
            rows = np.flatnonzero((stratum[part] == s) & (since[part] == t))
            if t + limit <= bases[s].last_event:
                for name, found in zip(out, _limits(fit, bases[s], X[rows], t, limit, discount_rate, reach), strict=True):
                    out[name][start + rows] = found
    return pd.DataFrame(out, index=covariates.index)


def _limits(
    fit: CoxFit, base: Baseline, X: Floats, t: float, limit: float, rate: float, reach: float
) -> tuple[Floats, Floats, Floats]:
    inside = np.flatnonzero((base.times > t) & (base.times < t + limit))
    edges = np.concatenate([[0.0], base.times[inside] - t, [limit]])
    width = np.diff(edges) if rate == 0 else -np.diff(np.exp(-rate * edges)) / rate
    at = np.searchsorted(base.times, t, side="right") - 1
    ratio = np.exp(X @ (fit.coefficients * fit.scale))
    tail, spread = np.zeros(len(X)), np.zeros(len(X))
    means, hazards = np.zeros_like(X), np.zeros(len(X))
    # from the last time back: the tail holds what an increment of the hazard takes away
    for place, before, wide in zip(inside[::-1], np.concatenate([[at], inside[:-1]])[::-1], width[:0:-1], strict=True):
        hazard = base.hazard[place] - base.hazard[at]
        lasting = wide * np.exp(-hazard * ratio)
        tail += lasting
        spread += (base.variance[place] - base.variance[before]) * tail**2
        means += lasting[:, None] * (base.means[:, place] - base.means[:, at])
        hazards += lasting * hazard
    value, most = width[0] + tail, float(width.sum())
    gap = means - X * hazards[:, None]
    scaled = fit.covariance * np.outer(fit.scale, fit.scale)
    error = ratio * np.sqrt(spread + np.einsum("ij,ij->i", gap @ scaled, gap))
    with np.errstate(divide="ignore", invalid="ignore"):
        logit, step = np.log(value / (most - value)), reach * error * most / (value * (most - value))
        low, high = (np.where(value < most, most / (1 + np.exp(-(logit + sign * step))), value) for sign in (-1, 1))
    return value, low, high
