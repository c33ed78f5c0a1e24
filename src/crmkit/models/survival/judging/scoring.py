"""Who leaves next? The probability of leaving within a horizon of those who are still here, per customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, ParamError, Problem, counted, did_you_mean
from crmkit.models.basics.estimates import critical
from crmkit.models.survival.data.design import encode
from crmkit.models.survival.regression.baseline import Baseline, baselines
from crmkit.models.survival.regression.cox import CoxFit

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK = 50_000


def churn_probability(
    fit: CoxFit,
    covariates: pd.DataFrame,
    *,
    elapsed: ArrayLike,
    horizon: float,
    strata: Any = None,
    baseline: str = "efron",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How probable is it that a customer who is still here leaves within the horizon?

    Parameters
    ----------
    fit : CoxFit
    covariates : pandas.DataFrame of n rows
        As they are today, with the columns of the fit.
    elapsed : array_like >= 0, shape (n,) or a number
        How long each customer has been here, in the unit of the fit.
    horizon : float > 0
        How far to look ahead, in the same unit.
    strata : array_like or pandas.DataFrame, optional
        Stratum of each customer; needed where the fit has strata.
    baseline : {"efron", "breslow"}
        As for :func:`~crmkit.models.survival.regression.baseline.baselines`.
    confidence : float

    Returns
    -------
    pandas.DataFrame
        In the order of the customers: `log_hazard_ratio` (against the average customer), `probability`, `low`, `high`
        (0 to 1; nan where not estimable), `beyond_support` (the horizon ends after the last time at which a customer of the
        stratum has left, so the probability is not estimable, and certainly not 0), `missing_inputs` (a covariate is missing
        or has a level that the model has not seen).

    Raises
    ------
    ModelError
        For missing columns, an unknown stratum, a negative or missing `elapsed`.
    ParamError
        For a horizon that is not above 0.

    Notes
    -----
    p = 1 - exp(-(H(t + h) - H(t)) exp(xb)), H the cumulative baseline hazard. The interval is that of the customer's
    probability (not of whether they leave): delta method on the log of the difference of cumulative hazards, with the variance
    of the baseline and of the coefficients and their covariance. Its limits are nan where nobody has left at these times.
    Memory grows with the customers times the columns, never with the times.
    """
    import pandas as pd

    if not (np.isfinite(horizon) and horizon > 0):
        raise ParamError(Problem("horizon", f"is {horizon}", "it is a time above 0, in the unit of the fit"))
    reach, since = critical(confidence), elapsed_of(elapsed, len(covariates))
    stratum = stratum_of(fit, strata, len(covariates))
    bases = baselines(fit, method=baseline)
    out = {name: np.full(len(since), np.nan) for name in ("log_hazard_ratio", "probability", "low", "high")}
    beyond = np.zeros(len(since), dtype=bool)
    for start in range(0, len(since), CHUNK):
        part = slice(start, start + CHUNK)
        X = (encode(fit.design, covariates.iloc[part], strict=False) - fit.center) / fit.scale
        for s in np.unique(stratum[part]):
            rows = np.flatnonzero(stratum[part] == s)
            at = start + rows
            Z = X if len(rows) == len(X) else X[rows]
            columns, out_of_reach = _score(fit, bases[s], Z, since[at], horizon, reach)
            beyond[at] = out_of_reach
            for name, values in columns.items():
                out[name][at] = values
    missing = np.isnan(out["log_hazard_ratio"])
    return pd.DataFrame(out | {"beyond_support": beyond, "missing_inputs": missing}, index=covariates.index)


def expected_remaining(
    fit: CoxFit,
    covariates: pd.DataFrame,
    *,
    elapsed: ArrayLike,
    limit: float,
    strata: Any = None,
    baseline: str = "efron",
    discount_rate: float = 0.0,
) -> Floats:
    """How much more time is each customer expected to stay, of the next `limit`?

    Parameters
    ----------
    fit, covariates, elapsed, strata, baseline
        As for :func:`churn_probability`.
    limit : float > 0
        Only this much time ahead counts; the model says nothing on what comes after the longest time observed.
    discount_rate : float
        Continuous rate per unit of time at which later time counts less; with it the result times margin per unit of time is
        the present value of what the customer brings in while staying.

    Returns
    -------
    array of float64, shape (n,)
        Time, at most `limit`; nan where `elapsed + limit` lies beyond the last time at which a customer has left, or inputs
        are missing.

    Notes
    -----
    The integral of the conditional survival function, exact for the step function; O(n) memory, in chunks.
    """
    if not (np.isfinite(limit) and limit > 0):
        raise ParamError(Problem("limit", f"is {limit}", "it is a time above 0, in the unit of the fit"))
    since = elapsed_of(elapsed, len(covariates))
    stratum = stratum_of(fit, strata, len(covariates))
    bases = baselines(fit, method=baseline)
    out = np.full(len(since), np.nan)
    beta = fit.coefficients * fit.scale
    for start in range(0, len(since), CHUNK):
        part = slice(start, start + CHUNK)
        eta = (encode(fit.design, covariates.iloc[part], strict=False) - fit.center) / fit.scale @ beta
        for s, t in sorted(set(zip(stratum[part].tolist(), since[part].tolist(), strict=True))):
            rows = np.flatnonzero((stratum[part] == s) & (since[part] == t))
            out[start + rows] = _remaining(bases[s], t, limit, discount_rate, eta[rows])
    return out


def contributions(fit: CoxFit, covariates: pd.DataFrame, *, reference: pd.DataFrame | None = None) -> pd.DataFrame:
    """Which covariates make this customer more or less likely to leave than the reference, and by how much?

    Parameters
    ----------
    fit : CoxFit
    covariates : pandas.DataFrame of n rows
    reference : pandas.DataFrame of one row, optional
        The customer to compare with; the average of all customers of the fit where left out.

    Returns
    -------
    pandas.DataFrame
        A column per covariate (dummies of one covariate added up): its part of the logarithm of the hazard ratio to the
        reference. The columns of a row add up to that logarithm. nan where the covariate is missing.

    Raises
    ------
    ModelError
        For missing columns, or a reference that has not exactly one complete row.

    Notes
    -----
    b_j (x_j - reference_j): additive on the log-hazard scale, given the other covariates. It tells what the model's estimate is
    made of, not what would happen if the covariate were changed.
    """
    import pandas as pd

    at = fit.center
    if reference is not None:
        if len(reference) != 1:
            raise ModelError(Problem("reference:", f"has {counted(len(reference), 'row')}", "one customer is needed"))
        at = encode(fit.design, reference)[0]
    parts = (encode(fit.design, covariates, strict=False) - at) * fit.coefficients
    table = {term.name: parts[:, term.start : term.stop].sum(axis=1) for term in fit.design.terms}
    return pd.DataFrame(table, index=covariates.index)


def stratum_of(fit: CoxFit, strata: Any, length: int) -> Ints:
    """Each customer's stratum as its position in `fit.strata`.

    Raises
    ------
    ModelError
        Where strata are missing, or one is unknown to the fit.
    """
    import pandas as pd

    if len(fit.strata) == 1 and strata is None:
        return np.zeros(length, dtype=np.int64)
    if strata is None:
        raise ModelError("Cox model: the fit has strata; give the stratum of each customer as strata=")
    labels = pd.Series(list(pd.MultiIndex.from_frame(strata)) if isinstance(strata, pd.DataFrame) else np.asarray(strata))
    known = {name: k for k, name in enumerate(fit.strata)}
    found = labels.map(lambda name: known.get(name, -1)).to_numpy(dtype=np.int64)
    if (found < 0).any():
        name = labels[int(np.flatnonzero(found < 0)[0])]
        what = f"'{name}' is unknown to the fit ({int((found < 0).sum())} customers)"
        raise ModelError(Problem("strata:", what, did_you_mean(str(name), map(str, fit.strata))))
    return found


def _score(
    fit: CoxFit, base: Baseline, X: Floats, since: Floats, horizon: float, reach: float
) -> tuple[dict[str, Floats], NDArray[np.bool_]]:
    until = since + horizon
    first = np.searchsorted(base.times, since, side="right") - 1
    last = np.searchsorted(base.times, until, side="right") - 1
    eta = X @ (fit.coefficients * fit.scale)
    step = base.hazard[last] - base.hazard[first]
    rate = step * np.exp(eta)
    beyond = until > base.last_event
    rate = np.where(beyond, np.nan, rate)
    scaled = fit.covariance * np.outer(fit.scale, fit.scale)
    means = np.ascontiguousarray(base.means.T)
    gap = means[last] - means[first] - X * step[:, None]
    variance = base.variance[last] - base.variance[first] + np.einsum("ij,ij->i", gap @ scaled, gap)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.exp(reach * np.sqrt(variance) / step)
        found = {
            "log_hazard_ratio": eta,
            "probability": -np.expm1(-rate),
            "low": -np.expm1(-rate / factor),
            "high": -np.expm1(-rate * factor),
        }
    return found, beyond


def _remaining(base: Baseline, t: float, limit: float, rate: float, eta: Floats) -> Floats:
    if t + limit > base.last_event:
        return np.full(len(eta), np.nan)
    inside = (base.times > t) & (base.times < t + limit)
    edges = np.concatenate([[0.0], base.times[inside] - t, [limit]])
    width = np.diff(edges) if rate == 0 else -np.diff(np.exp(-rate * edges)) / rate
    now = base.hazard[np.searchsorted(base.times, t, side="right") - 1]
    steps = np.concatenate([[0.0], base.hazard[inside] - now])
    ratio = np.exp(eta)
    result = np.zeros(len(eta))
    for w, h in zip(width, steps, strict=True):  # one time after the other: memory stays that of the customers
        result += w * np.exp(-h * ratio)
    return result


def elapsed_of(elapsed: ArrayLike, length: int) -> Floats:
    """How long each customer has been here; a missing or negative time is refused."""
    since = np.broadcast_to(np.asarray(elapsed, dtype=np.float64), (length,))
    bad = np.flatnonzero(~(np.isfinite(since) & (since >= 0)))
    if len(bad):
        raise ModelError(
            Problem("elapsed", f"is missing or negative for {counted(len(bad), 'customer')}", "it is the time since the start")
        )
    return since
