"""Who leaves next? The probability of leaving within a horizon of those who are still here, per customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, ParamError, Problem, counted, did_you_mean
from crmkit.models.basics.estimates import critical
from crmkit.models.survival.data.design import encode
from crmkit.models.survival.regression.baseline import Baseline, baselines, of_coefficients
from crmkit.models.survival.regression.fitted import CoxFit

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK = 50_000
CELLS = 4_000_000


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
    reach, since = critical(confidence), times_since(elapsed, len(covariates))
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
    confidence: float = 0.95,
) -> pd.DataFrame:
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
    confidence : float

    Returns
    -------
    pandas.DataFrame
        In the order of the customers: `value`, `low`, `high`: time, at most `limit`; nan where `elapsed + limit` lies beyond
        the last time at which a customer has left, or inputs are missing. The limits are those of the expected time, not of
        how long the customer will stay; they are nan where nobody has left within these times.

    Notes
    -----
    The integral of the conditional survival function, exact for the step function; memory does not grow with the customers
    times the times. Interval: delta method on the log odds of the share of the (discounted) limit that is stayed, with the
    variance of the baseline and of the coefficients and their covariance.
    """
    import pandas as pd

    if not (np.isfinite(limit) and limit > 0):
        raise ParamError(Problem("limit", f"is {limit}", "it is a time above 0, in the unit of the fit"))
    reach, since = critical(confidence), times_since(elapsed, len(covariates))
    stratum = stratum_of(fit, strata, len(covariates))
    bases = baselines(fit, method=baseline)
    out = np.full((3, len(since)), np.nan)
    for start in range(0, len(since), CHUNK):
        part = slice(start, start + CHUNK)
        X = (encode(fit.design, covariates.iloc[part], strict=False) - fit.center) / fit.scale
        alike = pd.DataFrame({"stratum": stratum[part], "since": since[part]}).groupby(["stratum", "since"]).indices
        for (s, t), rows in cast("dict[tuple[int, float], Ints]", alike).items():
            if t + limit > bases[s].last_event:
                continue
            ahead = _ahead(bases[s], t, limit, discount_rate)
            most = max(1, CELLS // (len(ahead.hazard) + 1))
            for few in np.array_split(rows, -(-len(rows) // most)):
                out[:, start + few] = _remaining(fit, ahead, X[few], reach)
    return pd.DataFrame(dict(zip(("value", "low", "high"), out, strict=True)), index=covariates.index)


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
    means, together = (np.ascontiguousarray(part.T) for part in (base.means, base.together))
    gap = means[last] - means[first] - X * step[:, None]
    variance = base.variance[last] - base.variance[first] + of_coefficients(fit, gap, together[last] - together[first])
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.exp(reach * np.sqrt(variance) / step)
        found = {
            "log_hazard_ratio": eta,
            "probability": -np.expm1(-rate),
            "low": -np.expm1(-rate / factor),
            "high": -np.expm1(-rate * factor),
        }
    return found, beyond


class _Ahead(NamedTuple):
    """The baseline from a time to the limit: pieces of (discounted) time, and what each time of leaving between them adds."""

    width: Floats  # (k + 1,)
    hazard: Floats  # (k,)
    variance: Floats
    means: Floats  # (k, p)
    together: Floats


def _ahead(base: Baseline, t: float, limit: float, rate: float) -> _Ahead:
    first = int(np.searchsorted(base.times, t, side="right"))
    inside = slice(first, max(first, int(np.searchsorted(base.times, t + limit, side="left"))))
    edges = np.concatenate([[0.0], base.times[inside] - t, [limit]])
    width = np.diff(edges) if rate == 0 else -np.diff(np.exp(-rate * edges)) / rate
    steps = (np.diff(part, prepend=0.0)[..., inside] for part in (base.hazard, base.variance, base.means, base.together))
    hazard, variance, means, together = steps
    return _Ahead(width, hazard, variance, np.ascontiguousarray(means.T), np.ascontiguousarray(together.T))


def _remaining(fit: CoxFit, ahead: _Ahead, X: Floats, reach: float) -> Floats:
    """Expected time and its limits, shape (3, n).

    A step of the hazard takes off the time that is expected after it: with these as weights, the variance is that of a weighted
    sum of the steps.
    """
    ratio = np.exp(X @ (fit.coefficients * fit.scale))
    stay = np.exp(-np.outer(ratio, np.cumsum(np.concatenate([[0.0], ahead.hazard]))))
    pieces = stay * ahead.width
    after = np.cumsum(pieces[:, ::-1], axis=1)[:, -2::-1]  # what is expected after each step
    value, whole = pieces.sum(axis=1), ahead.width.sum()
    gap = after @ ahead.means - X * (after @ ahead.hazard)[:, None]
    variance = ratio**2 * (after**2 @ ahead.variance + of_coefficients(fit, gap, after @ ahead.together))
    share = value / whole
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = np.log(share / (1 - share))
        spread = reach * np.sqrt(variance) / whole / (share * (1 - share))
        low, high = (whole / (1 + np.exp(-odds - side * spread)) for side in (-1, 1))
    some = share < 1
    return np.stack([value, np.where(some, low, np.nan), np.where(some, high, np.nan)])


def times_since(elapsed: ArrayLike, length: int) -> Floats:
    """The times since the start, one per customer; refuses what is missing or negative."""
    since = np.broadcast_to(np.asarray(elapsed, dtype=np.float64), (length,))
    bad = np.flatnonzero(~(np.isfinite(since) & (since >= 0)))
    if len(bad):
        raise ModelError(
            Problem("elapsed", f"is missing or negative for {counted(len(bad), 'customer')}", "it is the time since the start")
        )
    return since
