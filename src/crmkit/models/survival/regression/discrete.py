"""Which share of those still here leaves in each month? The discrete-time model, for times that are counted in periods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, Problem, did_you_mean
from crmkit.core.results import Text
from crmkit.models.basics.estimates import critical
from crmkit.models.survival.data.design import Design, check_columns, encode, make_design, natural_spline
from crmkit.models.survival.data.layout import find_patterns
from crmkit.models.survival.data.observed import check_observed, total

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

SMOOTHNESS = 5


@dataclass(frozen=True, eq=False)
class DiscreteFit:
    """A complementary log-log model of leaving per period.

    Parameters
    ----------
    design : Design
        Of the covariates.
    names : tuple of str
        Of the coefficients: the baseline's, the covariates', and the covariates' times period where they may change.
    coefficients : array, shape (q,)
        Those of covariates are logarithms of hazard ratios, as in a Cox model.
    covariance : array, shape (q, q)
    center : array, shape (p,)
        Mean of each column over the periods at risk.
    knots : array
        Of the spline of the period.
    changing : tuple of int
        Columns whose effect runs linearly with the period.
    middle : float
        Period at which the main effect of a changing column holds.
    last : int
        Last period in which somebody left.
    log_likelihood : float
    n, events : float
        Customers, and how many left.
    """

    design: Design
    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    center: Floats
    knots: Floats
    changing: tuple[int, ...]
    middle: float
    last: int
    log_likelihood: float
    n: float
    events: float = field(default=0.0)

    @property
    def standard_errors(self) -> Floats:
        """Of the coefficients."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))


def fit_discrete(
    durations: ArrayLike,
    event_observed: ArrayLike,
    covariates: pd.DataFrame,
    *,
    entry: ArrayLike | None = None,
    copies: ArrayLike | None = None,
    references: Mapping[str, Any] | None = None,
    changing: Sequence[str] = (),
    smoothness: int = SMOOTHNESS,
) -> DiscreteFit:
    """How does the share that leaves per period depend on the period and on the covariates?

    Parameters
    ----------
    durations : array_like of whole numbers >= 1, shape (n,)
        Number of the period in which the customer left or was last seen.
    event_observed : array_like of 0/1, shape (n,)
    covariates : pandas.DataFrame of n rows
    entry : array_like of whole numbers, shape (n,), optional
        Periods that had passed before the customer was under observation.
    copies : array_like, shape (n,), optional
        Customers per row.
    references : mapping, optional
        As for :func:`~crmkit.models.survival.regression.cox.fit_cox`.
    changing : sequence of str
        Covariates whose effect may run linearly (on the log scale) with the period.
    smoothness : int >= 1
        Columns of the natural spline of the period.

    Returns
    -------
    DiscreteFit

    Raises
    ------
    ModelError
        For durations that are no whole numbers of 1 or more, and as for the Cox model.

    Notes
    -----
    log(-log(1 - h)) = spline(period) + xb: what a Cox model becomes when times are only known by period. Fitted by statsmodels
    to counts per period and pattern, so its cost does not grow with the customers.

    References
    ----------
    Prentice & Gloeckler (1978), doi:10.2307/2529588.
    """
    import statsmodels.api as sm

    seen = check_observed(durations, event_observed, entry=entry, copies=copies)
    _require_periods(seen.time, seen.entry)
    if not seen.event.any():
        raise ModelError(Text("discrete-time model: nobody leaves, so there is nothing to explain"))
    found = find_patterns(covariates)
    code, first = found if found is not None else (np.arange(len(covariates)), np.arange(len(covariates)))
    table = covariates.iloc[first]
    design = make_design(table, references=references)
    X = encode(design, table)
    size, left = (total(code, w, len(first)) for w in (seen.weight, seen.weight * seen.event))
    check_columns(design, X, weight=size, events=left)
    period, pattern, risk, events = _person_periods(seen.time, seen.event, seen.entry, seen.weight, code, len(first))
    center = risk @ X[pattern] / risk.sum()
    knots = _knots(period, events, smoothness)
    middle, moving = float(events @ period / events.sum()), _changing(design, changing)
    Z = _columns(period, X[pattern] - center, knots, moving, middle)
    model = sm.GLM(np.column_stack([events, risk - events]), Z, family=sm.families.Binomial(sm.families.links.CLogLog()))
    fitted = model.fit(tol=1e-12, tol_criterion="deviance", maxiter=100)
    basis = natural_spline(period[:1], knots).shape[1]
    names = ("constant", *[f"period {k + 1}" for k in range(basis)], *design.columns)
    names += tuple(f"{design.columns[j]} x period" for j in moving)
    last = int(period[events > 0].max())
    return DiscreteFit(
        design,
        names,
        np.asarray(fitted.params),
        np.asarray(fitted.cov_params()),
        center,
        knots,
        moving,
        middle,
        last,
        float(_log_likelihood(Z @ np.asarray(fitted.params), events, risk)),
        float(seen.weight.sum()),
        float(events.sum()),
    )


def discrete_probability(
    fit: DiscreteFit,
    covariates: pd.DataFrame,
    *,
    elapsed: ArrayLike,
    horizon: int,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How probable is it that a customer who is still here leaves within the next periods?

    Parameters
    ----------
    fit : DiscreteFit
    covariates : pandas.DataFrame of n rows
    elapsed : array_like of whole numbers >= 0
        Periods completed.
    horizon : int >= 1
        Periods ahead.
    confidence : float

    Returns
    -------
    pandas.DataFrame
        `probability`, `low`, `high`, `beyond_support`, `missing_inputs`, as for
        :func:`~crmkit.models.survival.judging.scoring.churn_probability`.
    """
    import pandas as pd

    reach = critical(confidence)
    since = np.broadcast_to(np.asarray(elapsed, dtype=np.float64), (len(covariates),))
    X = encode(fit.design, covariates, strict=False) - fit.center
    rate, slope = np.zeros(len(X)), np.zeros((len(X), len(fit.coefficients)))
    for ahead in range(1, int(horizon) + 1):
        Z = _columns(since + ahead, X, fit.knots, fit.changing, fit.middle)
        own = np.exp(Z @ fit.coefficients)
        rate += own
        slope += own[:, None] * Z
    slope /= rate[:, None]
    factor = np.exp(reach * np.sqrt(np.einsum("ij,ij->i", slope @ fit.covariance, slope)))
    beyond = since + horizon > fit.last
    rate = np.where(beyond, np.nan, rate)
    table = {"probability": -np.expm1(-rate), "low": -np.expm1(-rate / factor), "high": -np.expm1(-rate * factor)}
    return pd.DataFrame(table | {"beyond_support": beyond, "missing_inputs": np.isnan(X).any(axis=1)}, index=covariates.index)


def _person_periods(
    time: Floats, event: NDArray[np.bool_], entry: Floats | None, weight: Floats, code: NDArray[np.int64], patterns: int
) -> tuple[Floats, NDArray[np.int64], Floats, Floats]:
    """Per period and pattern with somebody at risk: the period, the pattern, how many are at risk and how many leave."""
    last = int(time.max())
    index = (time.astype(np.int64) - 1) * patterns + code
    shape = (last, patterns)
    gone = total(index, weight, last * patterns).reshape(shape)
    events = total(index[event], weight[event], last * patterns).reshape(shape)
    risk = np.cumsum(gone[::-1], axis=0)[::-1]
    if entry is not None:
        late = total(entry.astype(np.int64) * patterns + code, weight, last * patterns).reshape(shape)
        risk = risk - (np.cumsum(late[::-1], axis=0)[::-1] - late)
    period, pattern = np.nonzero(risk > 0.5 * weight.min())
    return (period + 1).astype(np.float64), pattern, risk[period, pattern], events[period, pattern]


def _columns(period: Floats, X: Floats, knots: Floats, moving: tuple[int, ...], middle: float) -> Floats:
    parts = [np.ones((len(period), 1)), natural_spline(period, knots), X]
    parts += [X[:, [j]] * (period - middle)[:, None] for j in moving]
    return np.hstack(parts)


def _knots(period: Floats, events: Floats, smoothness: int) -> Floats:
    order = np.argsort(period, kind="stable")
    share = np.cumsum(events[order]) / events.sum()
    at = period[order][np.minimum(np.searchsorted(share, np.linspace(0, 1, smoothness + 1)), len(period) - 1)]
    return np.unique(at)


def _changing(design: Design, names: Sequence[str]) -> tuple[int, ...]:
    known = {term.name: range(term.start, term.stop) for term in design.terms}
    faults = [
        Problem("changing:", f"'{name}' is no covariate", did_you_mean(name, known)) for name in names if name not in known
    ]
    if faults:
        raise ModelError(faults)
    return tuple(j for name in names for j in known[name])


def _require_periods(time: Floats, entry: Floats | None) -> None:
    bad = (time < 1) | (time != np.rint(time))
    if bad.any():
        what = f"is no whole number of 1 or more in {int(bad.sum())} rows"
        raise ModelError(Problem("discrete-time model: durations", what, "count the period in which somebody left, from 1"))
    if entry is not None and (entry != np.rint(entry)).any():
        raise ModelError(Problem("discrete-time model: entry", "is no whole number", "count the periods that had passed"))


def _log_likelihood(eta: Floats, events: Floats, risk: Floats) -> float:
    stay = -np.exp(eta)
    return float(events @ np.log(-np.expm1(stay)) + (risk - events) @ stay)
