"""What is each customer worth from now on? Chance to be active, expected purchases, discounted value, each per customer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.clv.fitting import NAMES, Models
from crmkit.analyses.clv.history import History
from crmkit.core.dates import DAYS_PER_YEAR
from crmkit.core.errors import ParamError
from crmkit.core.language import mark
from crmkit.core.results import Axis, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.models import btyd
from crmkit.models.spend import SpendFit, expected_spend

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

STEP = 1e-4
BANDS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class Total:
    """A sum over customers with its interval for the uncertainty of the model's parameters."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Values:
    """Every customer's expectations from ``as_of`` on.

    Parameters
    ----------
    model : str
    customers : DataFrame
        The columns of the purchase summary, and ``p_alive`` (share), ``expected_purchases`` (purchase days within the
        horizon), ``expected_spend`` (money per purchase day), ``clv`` (money, discounted, times the margin; nan without a
        spend model).
    alive, purchases, clv : Total
        Sums over all customers.
    horizon_days : int
    discount_rate : float
        Per year, effective.
    margin : float
        Share of revenue that is counted as value.
    """

    model: str
    customers: pd.DataFrame
    alive: Total
    purchases: Total
    clv: Total | None
    horizon_days: int
    discount_rate: float
    margin: float


def customer_values(past: History, models: Models, *, horizon_days: int, discount_rate: float, margin: float) -> Values | None:
    """Who is still active, how often will they buy, and what is that worth today?

    Parameters
    ----------
    past : History
    models : Models
    horizon_days : int
        How far ahead, in days.
    discount_rate : float
        Effective yearly rate, 0 = none; applied continuously as ``ln(1 + rate)``.
    margin : float
        Share of revenue that is kept, above 0 and at most 1.

    Returns
    -------
    Values or None
        None where no model could be fitted.

    Raises
    ------
    ParamError
        When a parameter is out of range.

    Notes
    -----
    ``clv = margin * E[spend] * integral of exp(-d u) dE[Y(u)]`` over the horizon, with spend and frequency independent.
    Expectations are computed once per unique history. The interval of a sum covers what is not known about the parameters
    (delta method on log-parameters, normal on the logarithm of the sum), not the chance of what single customers do.
    """
    _check(horizon_days, discount_rate, margin)
    if not models.final.fits:
        return None
    name = models.chosen if models.chosen in models.final.fits else next(iter(models.final.fits))
    fit, per = models.final.fits[name], past.days_per_unit
    histories = past.customers[["frequency", "recency_days", "T_days"]]
    unique, inverse, n = _unique(histories)
    arrays = (unique[:, 0], unique[:, 1] / per, unique[:, 2] / per)
    horizon, rate = horizon_days / per, math.log1p(discount_rate) / (DAYS_PER_YEAR / per)

    def alive(one: btyd.Fitted) -> NDArray[np.float64]:
        return np.asarray(btyd.probability_alive(one, *arrays))

    def purchases(one: btyd.Fitted) -> NDArray[np.float64]:
        return np.asarray(btyd.expected_purchases(one, horizon, *arrays))

    def discounted(one: btyd.Fitted) -> NDArray[np.float64]:
        return np.asarray(btyd.discounted_expected_purchases(one, *arrays, horizon=horizon, discount_rate=rate))

    table = past.customers.assign(p_alive=alive(fit)[inverse], expected_purchases=purchases(fit)[inverse])
    clv = None
    spend = models.final.spend
    if spend is None:
        table = table.assign(expected_spend=float("nan"), clv=float("nan"))
    else:
        per_purchase = np.asarray(expected_spend(spend, table["frequency"], table["monetary_value"]))
        table = table.assign(expected_spend=per_purchase, clv=margin * per_purchase * discounted(fit)[inverse])
        clv = _clv_total(table, fit, spend, discounted, inverse, margin, past.confidence)
    still = _total(fit, lambda one: float((n * alive(one)).sum()), past.confidence)
    often = _total(fit, lambda one: float((n * purchases(one)).sum()), past.confidence)
    return Values(name, table, still, often, clv, horizon_days, discount_rate, margin)


def _check(horizon_days: int, discount_rate: float, margin: float) -> None:
    problems = []
    if horizon_days < 1:
        problems.append(f"horizon_days: is {horizon_days}; at least 1 day is needed")
    if discount_rate < 0:
        problems.append(f"discount_rate: is {discount_rate}; a yearly rate of 0 or more is needed")
    if not 0 < margin <= 1:
        problems.append(f"margin: is {margin}; a share above 0 and at most 1 is needed")
    if problems:
        raise ParamError(problems)


def _unique(histories: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    grouped = histories.groupby(list(histories.columns), sort=True)
    inverse = grouped.ngroup().to_numpy().astype("int64")
    sizes = grouped.size()
    return np.array(sizes.index.to_list(), dtype="float64"), inverse, sizes.to_numpy().astype("int64")


def _moved(fit: btyd.Fit, place: int, step: float) -> btyd.Fitted:
    """The same model with one log-parameter moved."""
    params = dict(fit.params)
    name = list(params)[place]
    params[name] *= math.exp(step)
    return btyd.known(fit.model, params)


def _gradient(fit: btyd.Fit, total: Callable[[btyd.Fitted], float]) -> NDArray[np.float64]:
    """Derivatives of a sum with respect to the log-parameters, by central differences."""
    places = range(len(fit.params))
    return np.array([(total(_moved(fit, i, STEP)) - total(_moved(fit, i, -STEP))) / (2 * STEP) for i in places])


def _total(fit: btyd.Fit, total: Callable[[btyd.Fitted], float], confidence: float, extra: float = 0.0) -> Total:
    """A sum with its interval; ``extra`` is variance from elsewhere."""
    from scipy.special import ndtri

    value = total(fit)
    slope = _gradient(fit, total)
    variance = float(np.einsum("i,ij,j->", slope, fit.covariance, slope)) + extra
    reach = float(ndtri(0.5 + confidence / 2)) * math.sqrt(max(variance, 0.0)) / value if value > 0 else 0.0
    return Total(value, value * math.exp(-reach), value * math.exp(reach))


def _clv_total(
    table: pd.DataFrame,
    fit: btyd.Fit,
    spend: SpendFit,
    discounted: Callable[[btyd.Fitted], NDArray[np.float64]],
    inverse: NDArray[np.int64],
    margin: float,
    confidence: float,
) -> Total:
    """The value of all customers; purchases and spend are estimated apart, so their variances add up."""
    worth = margin * table["expected_spend"].to_numpy()
    money = np.bincount(inverse, weights=worth)
    counts = discounted(fit)[inverse]

    def by_spend(params: Mapping[str, float]) -> float:
        moved = replace(spend, params=params)
        return float((margin * counts * expected_spend(moved, table["frequency"], table["monetary_value"])).sum())

    names = list(spend.params)
    slope = np.array(
        [(by_spend(_scaled(spend.params, n, STEP)) - by_spend(_scaled(spend.params, n, -STEP))) / (2 * STEP) for n in names]
    )
    extra = float(np.einsum("i,ij,j->", slope, spend.covariance, slope))
    return _total(fit, lambda one: float((money * discounted(one)).sum()), confidence, extra)


def _scaled(params: Mapping[str, float], name: str, step: float) -> dict[str, float]:
    return {key: value * math.exp(step) if key == name else value for key, value in params.items()}


def totals(past: History, values: Values | None) -> Result:
    """What is to be expected of all customers together? Value boxes."""
    title = Text("Expected from all customers together")
    if values is None:
        return not_assessed("clv_totals", title, Text("no purchase model could be fitted"))
    n = len(values.customers)
    boxes = [
        (mark("Customers still active"), "alive", values.alive, "count"),
        (mark("Expected purchases"), "purchases", values.purchases, "count"),
        (mark("Expected value"), "clv", values.clv, "money"),
    ]
    rows = [
        {
            "group": label,
            "measure": measure,
            "value": one.value,
            "low": one.low,
            "high": one.high,
            "n": n,
            "unit": unit,
            "method": METHOD,
        }
        for label, measure, one, unit in boxes
        if one is not None
    ]
    finding = value_finding(past, values)
    return Result("clv_totals", "values", title, estimates(rows), finding=finding, note=_note(past, values))


METHOD = mark("delta method on the log-parameters")


def _note(past: History, values: Values) -> Text:
    return Text(
        "{model}, next {days}, {rate} yearly discount, {margin} of revenue counted as value; "
        "intervals ({confidence}) cover the uncertainty of the parameters.",
        {
            "model": NAMES[values.model],
            "days": Quantity(values.horizon_days, "days"),
            "rate": Quantity(values.discount_rate, "share"),
            "margin": Quantity(values.margin, "share"),
            "confidence": Quantity(past.confidence, "share"),
        },
    )


def value_finding(past: History, values: Values) -> Finding | None:
    """The value of the customer base in one sentence."""
    if values.clv is None:
        return None
    total = Quantity(values.clv.value, "money", values.clv.low, values.clv.high)
    return Finding(
        id="clv.value",
        severity="info",
        passed=None,
        text=Text(
            "Today's {n} customers are worth {total} over the next {days}.",
            {"n": Quantity(len(values.customers), "count"), "total": total, "days": Quantity(values.horizon_days, "days")},
        ),
        evidence=("clv_totals",),
    )


def alive_finding(values: Values) -> Finding:
    """How many customers are still there, in one sentence."""
    n = len(values.customers)
    return Finding(
        id="clv.alive",
        severity="info",
        passed=None,
        text=Text(
            "{alive} of {n} customers are expected to be still active, {share}.",
            {
                "alive": Quantity(values.alive.value, "count", values.alive.low, values.alive.high),
                "n": Quantity(n, "count"),
                "share": Quantity(values.alive.value / n, "share"),
            },
        ),
        evidence=("clv_alive", "clv_totals"),
    )


def alive(past: History, values: Values | None) -> Result:
    """How sure is it that customers are still active? Customers by their probability."""
    import pandas as pd
    from statsmodels.stats.proportion import proportion_confint

    title = Text("Customers by the probability that they are still active")
    if values is None:
        return not_assessed("clv_alive", title, Text("no purchase model could be fitted"))
    cut = pd.cut(values.customers["p_alive"], BANDS, include_lowest=True, labels=_band_labels())
    counts, n = cut.value_counts(sort=False), len(cut)
    low, high = proportion_confint(counts.to_numpy(), n, alpha=1 - past.confidence, method="wilson")
    rows = [
        {
            "group": label,
            "measure": "share",
            "value": k / n,
            "low": lo,
            "high": hi,
            "n": n,
            "unit": "share",
            "method": mark("Wilson"),
        }
        for label, k, lo, hi in zip(counts.index, counts, low, high, strict=True)
    ]
    return Result(
        "clv_alive",
        "bars",
        title,
        estimates(rows),
        finding=alive_finding(values),
        note=Text(
            "{model}, n = {n}; whiskers are Wilson intervals of the share in each band.",
            {"model": NAMES[values.model], "n": Quantity(n, "count")},
        ),
        alt=Text(
            "Bars: share of customers in five bands of the probability to be still active, from the lowest to the highest."
        ),
        x=Axis("Probability to be still active", "text"),
        y=Axis("Share of customers", "share"),
    )


def _band_labels() -> list[str]:
    return [f"{low:.0%}–{high:.0%}" for low, high in pairwise(BANDS)]
