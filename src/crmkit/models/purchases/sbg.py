"""How long do subscribers stay, when every period they renew or leave? (shifted beta-geometric, sBG)

At each renewal a customer leaves with a probability of their own, drawn from Beta(alpha, beta). Those likely to leave go first,
so the retention rate of a cohort rises with age though nobody changes; a constant churn rate would undervalue old customers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln, digamma

from crmkit.core.errors import ModelError, Problem
from crmkit.core.results import Quantity, Text
from crmkit.models.basics.draws import Interval, Known, ParameterDraws
from crmkit.models.basics.edges import chance_edges, highest, require_inside
from crmkit.models.basics.estimates import critical
from crmkit.models.basics.optimise import Objective, log_covariance
from crmkit.models.purchases.btyd.bootstrap import refit_from, resampled
from crmkit.models.purchases.btyd.fitting import FEWEST_CUSTOMERS
from crmkit.models.purchases.btyd.model import Fitted
from crmkit.models.purchases.btyd.staying import worth_by_row
from crmkit.models.purchases.btyd.tuples import dot

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

__all__ = [
    "PARAMETERS",
    "Cohorts",
    "Fit",
    "Fitted",
    "Interval",
    "Known",
    "ParameterDraws",
    "cohorts",
    "draw_remaining",
    "expected_remaining",
    "fit_alike",
    "fit_sbg",
    "parameter_draws",
    "remaining_limits",
    "retention",
    "survival",
]

PARAMETERS = ("alpha", "beta")
TITLE = "sBG"
SMALLEST = 1e-12
# alpha + beta of the limit in which customers do not differ: sBG and limit agree to six digits within five years of months
EQUAL = 1e8
STEP = 1e-4  # of a log-parameter


@dataclass(frozen=True, eq=False)
class Cohorts:
    """Subscribers by how long they stayed.

    Parameters
    ----------
    period : array of float64, shape (k,)
        The renewal, from 1, at which they left; or the last one they made.
    stays : array of bool, shape (k,)
        Whether they were still subscribers at the end.
    n : array of int64, shape (k,)
        How many.
    before : array of float64, shape (k,)
        Renewals that they had made when they came under observation; customers who left earlier are not in the data. 0: seen
        from their first day.
    """

    period: Floats
    stays: NDArray[np.bool_]
    n: Ints
    before: Floats

    @property
    def customers(self) -> int:
        """How many customers are there?"""
        return int(self.n.sum())


@dataclass(frozen=True, eq=False)
class Fit:
    """The sBG with the parameters of highest likelihood; fields as in :class:`crmkit.models.purchases.btyd.Fit`."""

    params: Mapping[str, float]
    standard_errors: Mapping[str, float]
    covariance: Floats
    log_likelihood: float
    n: int
    gradient_norm: float
    model: str = "sbg"
    names: tuple[str, ...] = PARAMETERS
    fixed: Mapping[str, float] = field(default_factory=dict)

    @property
    def aic(self) -> float:
        """Akaike's information criterion: -2 log L + 2 * 2."""
        return 4 - 2 * self.log_likelihood


def cohorts(survivors: Sequence[ArrayLike]) -> Cohorts:
    """Who left at which renewal, from the survivors of each cohort?

    Parameters
    ----------
    survivors : sequence of array_like of whole numbers
        One entry per cohort: the customers at the start, then those left after renewal 1, 2, ... as far as it was observed.
        Cohorts may differ in length.

    Returns
    -------
    Cohorts

    Raises
    ------
    ModelError
        A cohort that grows, is shorter than two numbers, or does not hold counts.

    Examples
    --------
    >>> found = cohorts([[100, 63, 47], [50, 30]])
    >>> found.period.tolist(), found.stays.tolist(), found.n.tolist()
    ([1.0, 2.0, 2.0, 1.0, 1.0], [False, False, True, False, True], [37, 16, 47, 20, 30])
    """
    period: list[Floats] = []
    stays: list[NDArray[np.bool_]] = []
    n: list[Floats] = []
    for number, given in enumerate(survivors, start=1):
        alive = np.asarray(given, dtype=np.float64)
        counts = alive.ndim == 1 and bool(np.isfinite(alive).all()) and bool((alive == np.rint(alive)).all())
        if not counts or len(alive) < 2 or alive.min() < 0 or (np.diff(alive) > 0).any():
            raise ModelError(
                Problem(f"{TITLE}: cohort {number}", f"is {alive.tolist()}", "two counts or more that never rise are needed")
            )
        last = len(alive) - 1
        period.append(np.append(np.arange(1.0, last + 1), last))
        stays.append(np.append(np.zeros(last, dtype=bool), True))
        n.append(np.append(-np.diff(alive), alive[-1]))
    if not n:
        raise ModelError(f"{TITLE}: there is no cohort.")
    every = np.concatenate(n)
    kept = every > 0
    ends = np.concatenate(period)[kept]
    return Cohorts(ends, np.concatenate(stays)[kept], every[kept].astype(np.int64), np.zeros(len(ends)))


def fit_sbg(data: Cohorts) -> Fit:
    """Which sBG explains how long subscribers stayed?

    Parameters
    ----------
    data : Cohorts
        From :func:`cohorts`; one model for all of them, at least 20 customers and two periods.

    Returns
    -------
    Fit
        alpha and beta with standard errors; mean probability of leaving alpha / (alpha + beta).

    Raises
    ------
    ModelError
        Too few customers or periods, nobody left, or no maximum: then customers do not differ, and a constant rate will do.

    References
    ----------
    Fader, Hardie (2007), How to project customer retention, Journal of Interactive Marketing 21(1),
    https://doi.org/10.1002/dir.20074.

    Examples
    --------
    >>> found = fit_sbg(cohorts([[1000, 631, 468, 382, 326, 289, 262, 241]]))
    >>> round(found.params["alpha"], 3), round(found.params["beta"], 3)
    (0.704, 1.182)
    """
    left = int(data.n[~data.stays].sum())
    if data.customers < FEWEST_CUSTOMERS or data.period.max() < 2 or not left:
        raise ModelError(
            Text(
                "{model} cannot be fitted: {customers} customers over {periods} periods, {left} of whom left; at least "
                "{fewest_customers} customers, two periods and some who leave are needed.",
                {
                    "model": TITLE,
                    "customers": Quantity(data.customers, "count"),
                    "periods": Quantity(data.period.max(), "count"),
                    "left": Quantity(left, "count"),
                    "fewest_customers": Quantity(FEWEST_CUSTOMERS, "count"),
                },
            )
        )
    objective = _objective(data)
    optimum = highest(objective, np.zeros(2), data.customers)
    require_inside(objective, optimum, data.customers, PARAMETERS, chance_edges(2, 0, 1, nobody=False), TITLE)
    params = np.exp(optimum.theta)
    covariance = log_covariance(optimum, data.customers)
    errors = params * np.sqrt(np.diag(covariance))
    return Fit(
        params=MappingProxyType(dict(zip(PARAMETERS, params.tolist(), strict=True))),
        standard_errors=MappingProxyType(dict(zip(PARAMETERS, errors.tolist(), strict=True))),
        covariance=covariance,
        log_likelihood=-optimum.value * data.customers,
        n=data.customers,
        gradient_norm=optimum.gradient_norm,
    )


def fit_alike(data: Cohorts) -> Fit:
    """Which one rate of leaving for everybody explains how long subscribers stayed?

    Parameters
    ----------
    data : Cohorts
        From :func:`cohorts`; some who left and some who renewed.

    Returns
    -------
    Fit
        The limit of the sBG in which customers do not differ, as a sBG of which alpha + beta is 1e8: its rate is
        alpha / (alpha + beta). One parameter is estimated.

    Raises
    ------
    ModelError
        Where nobody left, or nobody renewed.

    Examples
    --------
    >>> found = fit_alike(cohorts([[1000, 900, 810, 729]]))
    >>> round(found.params["alpha"] / EQUAL, 6), survival(found, [1, 12]).round(4).tolist()
    (0.1, [0.9, 0.2824])
    """
    left, renewed = _left_and_renewed(data)
    if not left or not renewed:
        raise ModelError(f"{TITLE}: one rate for everybody needs some who left and some who renewed.")
    rate, due = left / (left + renewed), left + renewed
    params = dict(zip(PARAMETERS, (rate * EQUAL, (1 - rate) * EQUAL), strict=True))
    # both log-parameters move with the rate alone
    slope = np.array([1 / rate, -1 / (1 - rate)])
    covariance = np.outer(slope, slope) * rate * (1 - rate) / due
    errors = {name: params[name] * float(np.sqrt(covariance[at, at])) for at, name in enumerate(PARAMETERS)}
    likelihood = left * np.log(rate) + renewed * np.log1p(-rate)
    return Fit(MappingProxyType(params), MappingProxyType(errors), covariance, float(likelihood), data.customers, 0.0)


def _left_and_renewed(data: Cohorts) -> tuple[float, float]:
    """How many left, and how often a customer renewed while under observation."""
    renewed = np.where(data.stays, data.period, data.period - 1) - data.before
    return float(data.n[~data.stays].sum()), float((data.n * renewed).sum())


def parameter_draws(data: Cohorts, fitted: Fit, *, draws: int = 200, seed: int = 0) -> ParameterDraws:
    """Which other parameters could have come out? Refits to samples of the customers with replacement.

    Parameters
    ----------
    data : Cohorts
        The customers of the fit.
    fitted : Fit
        From :func:`fit_sbg` or :func:`fit_alike`.
    draws, seed : int
        How many, and what makes them repeatable.

    Returns
    -------
    ParameterDraws
        For :func:`crmkit.models.basics.draws.interval`, for example of :func:`survival` or :func:`expected_remaining`. A sample
        in which nothing shows that customers differ has the parameters of :func:`fit_alike`.
    """
    start = np.log([fitted.params[name] for name in PARAMETERS])
    alike = sum(fitted.params.values()) > EQUAL / 2

    def refit(counts: Ints) -> Floats:
        hit = counts > 0
        sample = Cohorts(data.period[hit], data.stays[hit], counts[hit], data.before[hit])
        if alike:
            return np.array([*fit_alike(sample).params.values()])
        objective = _objective(sample)
        try:
            return np.asarray(np.exp(refit_from(objective, start, fitted.covariance, fitted.n)))
        except ModelError:
            # the highest point of a sample may be the limit in which customers do not differ
            limit = fit_alike(sample)
            if limit.log_likelihood < -objective(start)[0] * sample.customers:
                raise
            return np.array([*limit.params.values()])

    return resampled(fitted, data.n, refit, draws=draws, seed=seed)


def survival(fit: Fitted, period: ArrayLike) -> Floats:
    """Which share of a cohort is left after so many renewals? 1 at period 0; fractions of a period are interpolated.

    Examples
    --------
    >>> survival(Known("sbg", {"alpha": 0.668, "beta": 3.806}), [1, 7, 12]).round(3).tolist()
    [0.851, 0.489, 0.378]
    """
    alpha, beta = _values(fit)
    t = _periods(period, 0)
    return np.asarray(np.exp(betaln(alpha, beta + t) - betaln(alpha, beta)))


def retention(fit: Fitted, period: ArrayLike) -> Floats:
    """Which share of those who are left renew at this renewal, counted from 1? (beta + t - 1) / (alpha + beta + t - 1)."""
    alpha, beta = _values(fit)
    t = _periods(period, 1)
    return np.asarray((beta + t - 1) / (alpha + beta + t - 1))


def expected_remaining(
    fit: Fitted, renewals: ArrayLike = 0, *, discount_rate: float = 0.0, periods: int | None = None
) -> Floats:
    """How many more periods will a subscriber pay for who has renewed so often already?

    Parameters
    ----------
    fit : Fit or Known
        Model and parameters.
    renewals : array_like of whole numbers >= 0
        Renewals made so far; the next one is due now (DERL).
    discount_rate : float >= 0
        Per period, effective.
    periods : int >= 1, optional
        Count this many renewals only, the one due now included; all to come when left out.

    Returns
    -------
    array of float64
        Discounted expected renewals, the one due now in full: sum over i >= 0 of
        P(renews i + 1 times more) / (1 + rate)^i. Times the margin of a period it is the residual lifetime value.

    Raises
    ------
    ModelError
        Without a discount and an end where alpha <= 1: subscribers leave so slowly that the sum is infinite.

    References
    ----------
    Fader, Hardie (2010), Customer-base valuation in a contractual setting, Marketing Science 29(1),
    https://doi.org/10.1287/mksc.1080.0482.

    Examples
    --------
    >>> expected_remaining(Known("sbg", {"alpha": 0.764, "beta": 1.296}), [0, 4], discount_rate=0.1).round(2).tolist()
    [2.88, 5.68]
    """
    alpha, beta = _values(fit)
    made = _periods(renewals, 0)
    if not (np.isfinite(discount_rate) and discount_rate >= 0):
        raise ModelError(Problem(f"{TITLE}: discount_rate", f"is {discount_rate}", "it is a rate >= 0 per period"))
    first = (beta + made) / (alpha + beta + made)
    if periods is not None:
        stays, out = np.ones(made.shape), np.zeros(made.shape)
        for i in range(int(periods)):
            stays = stays * (beta + made + i) / (alpha + beta + made + i)
            out = out + stays / (1 + discount_rate) ** i
        return np.asarray(out)
    if discount_rate > 0:
        return np.asarray(first * worth_by_row(alpha, beta + made + 1, float(np.log1p(discount_rate))))
    if alpha <= 1:
        raise ModelError(
            Text(
                "{model}: without a discount the expected renewals for ever are infinite, because subscribers leave too slowly "
                "(alpha = {alpha}, and it would have to be above 1); give a number of periods or a discount_rate above 0.",
                {"model": TITLE, "alpha": f"{alpha:.4g}"},
            )
        )
    return np.asarray((beta + made) / (alpha - 1))


def remaining_limits(
    fit: Fit, renewals: ArrayLike = 0, *, discount_rate: float = 0.0, periods: int | None = None, confidence: float = 0.95
) -> Interval:
    """How sure is :func:`expected_remaining`, as far as it hangs on the parameters?

    Parameters
    ----------
    fit : Fit
        With the covariance of its log-parameters.
    renewals, discount_rate, periods
        As for :func:`expected_remaining`.
    confidence : float
        Coverage, between 0 and 1.

    Returns
    -------
    Interval
        Limits by the delta method, normal on the logarithm, which keeps them positive. What single subscribers do by chance is
        not in them (:func:`draw_remaining`).

    Examples
    --------
    >>> found = fit_sbg(cohorts([[1000, 869, 743, 653, 593, 551, 517, 491]]))
    >>> limits = remaining_limits(found, [0, 4], periods=12)
    >>> bool((limits.low < limits.value).all() and (limits.value < limits.high).all())
    True
    """

    def value(params: Mapping[str, float]) -> Floats:
        return expected_remaining(Known("sbg", params), renewals, discount_rate=discount_rate, periods=periods)

    def moved(name: str, step: float) -> dict[str, float]:
        return {**fit.params, name: fit.params[name] * float(np.exp(step))}

    found = value(fit.params)
    slopes = np.stack([(value(moved(name, STEP)) - value(moved(name, -STEP))) / (2 * STEP) for name in PARAMETERS])
    error = np.sqrt(np.maximum(np.einsum("i...,ij,j...->...", slopes, fit.covariance, slopes), 0.0)) / found
    reach = critical(confidence) * error
    return Interval(found, np.asarray(found * np.exp(-reach)), np.asarray(found * np.exp(reach)), "delta")


def draw_remaining(
    fit: Fitted, renewals: ArrayLike = 0, *, periods: int | None = None, draws: int, rng: np.random.Generator
) -> Floats:
    """How many more periods may each subscriber pay for?

    Parameters
    ----------
    fit : Fit or Known
        Model and parameters; one draw of the parameters for each call, if their uncertainty is to be part of the result.
    renewals : array_like of whole numbers >= 0, shape (rows,)
        Renewals made so far; the next one is due now.
    periods : int >= 1, optional
        Count this many renewals only, the one due now included; all to come when left out.
    draws : int >= 1
        How often each subscriber's future is drawn.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    array of float64, shape (draws, rows)
        Whole numbers; their mean over many draws is :func:`expected_remaining`.

    Notes
    -----
    Who has renewed x times leaves at each renewal with a probability from Beta(alpha, beta + x); the period that begins when
    they leave is not paid.

    Examples
    --------
    >>> known = Known("sbg", {"alpha": 1.5, "beta": 8.0})
    >>> drawn = draw_remaining(known, [3], periods=12, draws=100_000, rng=np.random.default_rng(0))
    >>> drawn.mean().round(1).item(), expected_remaining(known, [3], periods=12).round(1).item()
    (6.5, 6.5)
    """
    alpha, beta = _values(fit)
    made = np.atleast_1d(_periods(renewals, 0))
    leaving = np.clip(rng.beta(alpha, beta + made, (draws, len(made))), SMALLEST, 1 - SMALLEST)
    end = np.inf if periods is None else periods
    return np.asarray(np.minimum(np.floor(rng.standard_exponential(leaving.shape) / -np.log1p(-leaving)), end))


def _objective(data: Cohorts) -> Objective:
    w = data.n.astype(np.float64)
    customers, left = w.sum(), np.where(data.stays, 0.0, 1.0)
    renewed, before = data.period - left, data.before

    def at(theta: Floats) -> tuple[float, Floats]:
        alpha, beta = np.exp(theta)
        value = dot(w, betaln(alpha + left, beta + renewed) - betaln(alpha, beta + before))
        both = digamma(alpha + beta + left + renewed) - digamma(alpha + beta + before)
        d_alpha = dot(w, digamma(alpha + left) - digamma(alpha) - both)
        d_beta = dot(w, digamma(beta + renewed) - digamma(beta + before) - both)
        return -value / customers, -np.array([d_alpha * alpha, d_beta * beta]) / customers

    return at


def _values(fit: Fitted) -> tuple[float, float]:
    alpha, beta = (float(fit.params.get(name, np.nan)) for name in PARAMETERS)
    if fit.model != "sbg" or not (alpha > 0 and beta > 0):
        raise ModelError(f"{TITLE}: needs the parameters alpha and beta, each above 0; got {dict(fit.params)}.")
    return alpha, beta


def _periods(period: ArrayLike, least: int) -> Floats:
    t = np.asarray(period, dtype=np.float64)
    if not (np.isfinite(t).all() and (t >= least).all()):
        raise ModelError(f"{TITLE}: a period is missing, infinite, or below {least}.")
    return t
