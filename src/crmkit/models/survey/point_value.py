"""What is a point of satisfaction worth? Leaving per point, from a score that was given before, times what customers bring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, ParamError, Problem
from crmkit.core.language import mark
from crmkit.core.results import Quantity, Text
from crmkit.models.basics.estimates import critical
from crmkit.models.survival import DiscreteFit, audit_leakage, fit_discrete
from crmkit.models.survival.data.design import encode, natural_spline
from crmkit.models.survival.regression.one_period import fit_one_period

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SCORE = "score"
FEWEST_EVENTS = 30
FEWEST_AT_A_LEVEL = 10
EXPECTED = 10.0
DAYS_PER_YEAR = 365.25
TOO_FEW = Text("needs {needed} customers who left after an answer, there {found:is|are} {found}")
ALL_LEFT = Text(
    "everybody who answered {score} or less left ({n} of {n}): such an answer is given by who has already decided, so it says "
    "nothing about what a better one would be worth"
)
NONE_LEFT = Text(
    "nobody who answered {score} or more left, of {n}: a score that parts leavers from stayers without exception was not given "
    "before the decision"
)
KNOWS = Text(
    "the score tells leavers from stayers almost alone ({value}, limit {limit}): it was probably given, or changed, when the "
    "decision was made"
)
EMPTY_ARM = Text("needs answers of two customers or more in both groups")
ONE_SCORE = Text("all answers are equal, so nothing can depend on them")


@dataclass(frozen=True)
class Value:
    """An estimate with its interval; p is two-sided, for "nothing", nan where it is not tested."""

    value: float
    low: float
    high: float
    p: float = float("nan")


@dataclass(frozen=True)
class PointValue:
    """What goes with a point more.

    Parameters
    ----------
    hazard_ratio : Value
        Factor of the rate of leaving.
    days : Value
        Discounted days that a customer stays longer within the time looked at, of those who can rise by a point.
    per_customer : Value
        Money per customer who rises by a point.
    share : Value
        Of the value of all customers, if everybody who can rises by a point; 0 to 1.
    total : Value
        Money of all customers then.
    n, events : int
        Answers, and how many were followed by leaving.
    customers : int
        Over whom the money is averaged.
    """

    hazard_ratio: Value
    days: Value
    per_customer: Value
    share: Value
    total: Value
    n: int
    events: int
    customers: int


def refuse_separation(score: ArrayLike, event_observed: ArrayLike, durations: ArrayLike) -> None:
    """Could the score have been given after the decision to leave?

    Parameters
    ----------
    score : array_like, shape (n,)
    event_observed : array_like of 0/1, shape (n,)
    durations : array_like, shape (n,)
        Time from the answer to leaving or to the end of observation.

    Raises
    ------
    ModelError
        When nobody or too few left, all answers are equal, all customers up to some score left (ten or more, watched for at
        least the usual time to leaving), none from some score on did although ten would be expected, or the score alone tells
        leavers from stayers (AUC or C above .90).

    Examples
    --------
    >>> refuse_separation([1] * 40 + [5] * 60, [1] * 40 + [0] * 60, [3] * 40 + [9] * 60)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    crmkit.core.errors.ModelError: everybody who answered 1 or less left (40 of 40): such an answer is given by who has ...
    """
    import pandas as pd

    given, left, time = (np.asarray(one, dtype=np.float64) for one in (score, event_observed, durations))
    gone = left > 0
    if gone.sum() < FEWEST_EVENTS:
        raise ModelError(Text(TOO_FEW.template, {"needed": _count(FEWEST_EVENTS), "found": _count(int(gone.sum()))}))
    if np.ptp(given) == 0:
        raise ModelError(ONE_SCORE)
    watched = gone | (time >= np.median(time[gone]))
    rate = gone[watched].mean()
    for level in np.unique(given)[:-1]:
        below, above = watched & (given <= level), given > level
        if below.sum() >= FEWEST_AT_A_LEVEL and gone[below].all():
            raise ModelError(Text(ALL_LEFT.template, {"score": _score(level), "n": _count(int(below.sum()))}))
        if not gone[above].any() and (watched & above).sum() * rate >= EXPECTED:
            first = given[above].min()
            raise ModelError(Text(NONE_LEFT.template, {"score": _score(first), "n": _count(int(above.sum()))}))
    hits = audit_leakage(pd.DataFrame({SCORE: given}), time, gone)
    hits = hits[hits["rule"] == "alone"]
    if len(hits):
        numbers = {name: Quantity(float(hits[name].iloc[0]), "score") for name in ("value", "limit")}
        raise ModelError(Text(KNOWS.template, numbers))


def fit_point(durations: ArrayLike, event_observed: ArrayLike, table: pd.DataFrame, *, after: int = 0) -> DiscreteFit:
    """How does leaving per period depend on a score, everything else in the table held?

    Parameters
    ----------
    durations : array_like of whole numbers >= 1
        Period after the answer in which the customer left or was last seen.
    event_observed : array_like of 0/1
    table : DataFrame
        ``score`` and what it is adjusted for (tenure, segment), a row per answer.
    after : int
        Periods after the answer that do not count: what happened in them may have been decided when the answer was given.

    Returns
    -------
    DiscreteFit

    Raises
    ------
    ModelError
        As for :func:`refuse_separation` and :func:`~crmkit.models.survival.fit_discrete`.
    """
    time, left = np.asarray(durations, dtype=np.float64), np.asarray(event_observed, dtype=np.float64)
    rows = time > after
    refuse_separation(table.loc[rows, SCORE], left[rows], time[rows])
    if time[rows].max() == 1:
        return fit_one_period(left[rows], table[rows])
    return fit_discrete(time[rows], left[rows], table[rows], entry=np.full(int(rows.sum()), float(after)) if after else None)


def point_value(
    fit: DiscreteFit,
    customers: pd.DataFrame,
    worth: ArrayLike,
    *,
    highest: float,
    period_days: int,
    periods: int,
    per_day: bool,
    base: float,
    discount_rate: float = 0.0,
    at_once: bool = False,
    confidence: float = 0.95,
) -> PointValue:
    """What would a point more be worth, per customer and in all, if what goes with the score comes with it?

    Parameters
    ----------
    fit : DiscreteFit
        From :func:`fit_point`.
    customers : DataFrame
        Customers of today with their score and what it is adjusted for; a sample of all.
    worth : array_like, shape (n,)
        Money: per day that the customer stays, or of the whole time looked at.
    highest : float
        End of the scale; who is there cannot rise.
    period_days, periods : int
        Length and number of the periods looked at; no more are used than somebody was seen to leave in.
    per_day : bool
        Which of the two `worth` is.
    base : float
        The same worth, of all customers of today together.
    discount_rate : float
        Per year.
    at_once : bool
        Whether who leaves in a period brings nothing in it, as who buys nothing does; else half of it, about.
    confidence : float

    Returns
    -------
    PointValue

    Raises
    ------
    ModelError
        When nobody can rise by a point, or there is no value.

    Notes
    -----
    The rate of leaving of who rises by a point is multiplied by the hazard ratio, in each period; the area under the curve of
    staying, discounted, gives days. Money is these days times the worth per day, or the relative gain of days times the worth.
    Intervals add the variance of the coefficients (delta method) and that of the customers as a sample.
    """
    value = np.asarray(worth, dtype=np.float64)
    rises = np.minimum(1.0, highest - customers[SCORE].to_numpy(dtype=np.float64)) > 1e-9
    if not 0 <= discount_rate < 10:
        raise ParamError(Problem("discount_rate:", f"is {discount_rate}", "a rate per year of 0 or more is needed"))
    if not rises.any() or not value.sum() > 0:
        raise ModelError(Text("no customer with a known value could rise by a point"))
    X, code = np.unique(encode(fit.design, customers), axis=0, return_inverse=True)
    step = np.minimum(1.0, highest - X[:, fit.design.columns.index(SCORE)])
    weight = np.bincount(code, weights=value, minlength=len(X))
    raised = np.bincount(code, weights=rises, minlength=len(X))
    money = np.bincount(code, weights=value * rises, minlength=len(X))
    last = min(periods, fit.last)

    def measures(beta: Floats) -> Floats:
        """Days and money per customer who rises; money of all over their worth, and over their value."""
        now, gained, factor = gains(beta)
        sums = money @ factor
        value_now = weight @ now if per_day else weight.sum()
        return np.array([raised @ gained / raised.sum(), sums / raised.sum(), sums / weight.sum(), sums / value_now])

    def gains(beta: Floats) -> tuple[Floats, Floats, Floats]:
        """Of each pattern: days, days gained, and what a unit of worth gains."""
        now, then = (_days(fit, X, beta, s, last, period_days, discount_rate, at_once) for s in (np.zeros(len(X)), step))
        return now, then - now, then - now if per_day else then / now - 1

    at = measures(fit.coefficients)
    variance = _model_variance(measures, fit)
    now, gained, factor = (one[code] for one in gains(fit.coefficients))
    own, had = value * factor * rises, value * now if per_day else value
    variance += [_variance(gained[rises]), _variance(own[rises]), _variance_of_ratio(own, value), _variance_of_ratio(own, had)]
    reach = critical(confidence) * np.sqrt(variance)
    days, money_each, of_worth, share = (Value(float(a), float(a - r), float(a + r)) for a, r in zip(at, reach, strict=True))
    total = Value(base * of_worth.value, base * of_worth.low, base * of_worth.high)
    ratio = hazard_ratio(fit, confidence=confidence)
    return PointValue(ratio, days, money_each, share, total, int(fit.n), int(fit.events), len(value))


def hazard_ratio(fit: DiscreteFit, *, confidence: float = 0.95) -> Value:
    """By which factor does the rate of leaving change per point?"""
    from scipy.special import ndtr

    place = fit.names.index(SCORE)
    slope, error = float(fit.coefficients[place]), float(fit.standard_errors[place])
    reach = critical(confidence) * error
    limits = np.exp([slope, slope - reach, slope + reach])
    return Value(float(limits[0]), float(limits[1]), float(limits[2]), float(2 * ndtr(-abs(slope / error))))


@dataclass(frozen=True)
class Difference:
    """Treated less control, with interval, two-sided p and the number of customers in both arms."""

    value: float
    low: float
    high: float
    p: float
    n: int
    method: str


@dataclass(frozen=True)
class PerPoint:
    """What a campaign changed, and per point of the score.

    Parameters
    ----------
    score : Difference
        In points, of those who answered.
    outcome : Difference
        Of all, as assigned.
    ratio : Difference or None
        Outcome per point; None where the score did not move beyond chance.
    """

    score: Difference
    outcome: Difference
    ratio: Difference | None


def effect_per_point(outcome: ArrayLike, score: ArrayLike, treated: ArrayLike, *, confidence: float = 0.95) -> PerPoint:
    """By how much does an outcome change per point of a score that a campaign moved?

    Parameters
    ----------
    outcome : array of shape (n,)
        Of each customer, 0 or 1 for leaving, or a number.
    score : array of shape (n,)
        Answer after the campaign; nan where there is none.
    treated : array of bool, shape (n,)
        As drawn by lot, whoever was reached.
    confidence : float

    Returns
    -------
    PerPoint

    Raises
    ------
    ModelError
        With fewer than two answers in an arm.

    Notes
    -----
    The difference of means between the arms, of the outcome over that of the score (Wald's estimator of an instrument). Its
    interval is Fieller's, which holds when the score moved little; where the score did not move beyond chance it has no end,
    and no ratio is given. It is the effect of a point if the campaign acts on the outcome through the score alone.

    References
    ----------
    Fieller (1954), doi:10.1111/j.2517-6161.1954.tb00159.x; Angrist, Imbens & Rubin (1996), doi:10.1080/01621459.1996.10476902.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> arm = np.arange(4000) % 2 == 0
    >>> points = rng.normal(3.5, 1, 4000) + 0.5 * arm
    >>> found = effect_per_point(2.0 * points + rng.normal(0, 1, 4000), points, arm)
    >>> bool(found.ratio.low < 2 < found.ratio.high)
    True
    """
    y, s, arm = np.asarray(outcome, dtype=np.float64), np.asarray(score, dtype=np.float64), np.asarray(treated, dtype=bool)
    said = np.isfinite(s)
    if min((said & arm).sum(), (said & ~arm).sum()) < 2:
        raise ModelError(EMPTY_ARM)
    reach = critical(confidence)
    of_score, of_outcome = _difference(s[said], arm[said], reach), _difference(y, arm, reach)
    if of_score.low <= 0 <= of_score.high:
        return PerPoint(of_score, of_outcome, None)
    # who answered is in both means: their covariance, spread over all of the arm
    covariance = sum(float(np.cov(y[own & said], s[own & said])[0, 1]) / own.sum() for own in (arm, ~arm))
    errors = [(one.high - one.low) / (2 * reach) for one in (of_outcome, of_score)]
    ratio = _fieller(of_outcome.value, of_score.value, errors[0] ** 2, errors[1] ** 2, covariance, reach)
    method = mark("ratio of differences, Fieller")
    return PerPoint(of_score, of_outcome, Difference(*ratio, of_outcome.p, len(y), method))


def _days(
    fit: DiscreteFit, X: Floats, beta: Floats, step: Floats, last: int, period_days: int, rate: float, at_once: bool
) -> Floats:
    """Discounted days that customers of each pattern stay within the periods, with a score higher by `step`."""
    period = np.arange(1, last + 1, dtype=np.float64)
    spline = natural_spline(period, fit.knots)
    time = beta[0] + spline @ beta[1 : 1 + spline.shape[1]]
    columns = beta[1 + spline.shape[1] :]
    score = columns[fit.design.columns.index(SCORE)]
    hazard = np.exp(time[None, :] + ((X - fit.center) @ columns + step * score)[:, None])
    stay = np.exp(-np.cumsum(hazard, axis=1))
    before = np.hstack([np.ones((len(X), 1)), stay[:, :-1]])
    # within a period the rate is constant, so who leaves in it does so about halfway
    within = stay if at_once else before * -np.expm1(-hazard) / hazard
    discount = (1 + rate) ** (-(period - 0.5) * period_days / DAYS_PER_YEAR)
    return np.asarray(period_days * (within @ discount))


def _model_variance(measures: Callable[[Floats], Floats], fit: DiscreteFit) -> Floats:
    """Variance of each measure by the delta method.

    Derivatives are taken along the axes of the covariance, by central differences of a thousandth of a standard error: single
    coefficients of a spline move a measure far although together they hardly do.
    """
    size, axes = np.linalg.eigh(fit.covariance)
    steps = 1e-3 * axes * np.sqrt(np.maximum(size, 0.0))
    slopes = [(measures(fit.coefficients + step) - measures(fit.coefficients - step)) / 2e-3 for step in steps.T]
    return np.asarray(np.sum(np.square(slopes), axis=0), dtype=np.float64)


def _variance(each: Floats) -> float:
    """Of the mean of a sample of customers."""
    return float(np.var(each, ddof=1) / len(each)) if len(each) > 1 else 0.0


def _variance_of_ratio(each: Floats, of: Floats) -> float:
    """Of the ratio of two sums over a sample of customers."""
    return _variance(each - each.sum() / of.sum() * of) / float(of.mean()) ** 2


def _count(n: int) -> Quantity:
    return Quantity(n, "count")


def _score(level: float) -> Quantity:
    return Quantity(float(level), "number")


def _difference(values: Floats, arm: Bools, reach: float) -> Difference:
    from scipy.special import ndtr

    parts = [values[arm], values[~arm]]
    value = float(parts[0].mean() - parts[1].mean())
    error = float(np.sqrt(sum(part.var(ddof=1) / len(part) for part in parts)))
    p = float(2 * ndtr(-abs(value / error))) if error > 0 else float(value == 0)
    return Difference(value, value - reach * error, value + reach * error, p, len(values), mark("difference of means by group"))


def _fieller(a: float, b: float, va: float, vb: float, cov: float, reach: float) -> tuple[float, float, float]:
    """a / b and its limits; b differs from 0 beyond chance, so that they are finite."""
    z2 = reach**2
    lead, middle, rest = b**2 - z2 * vb, a * b - z2 * cov, a**2 - z2 * va
    root = float(np.sqrt(max(middle**2 - lead * rest, 0.0)))
    return a / b, (middle - root) / lead, (middle + root) / lead
