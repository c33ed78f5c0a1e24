"""What is each customer worth from now on? Chance to be active, expected purchases, discounted value, each per customer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.clv.contract_value import contract_values
from crmkit.analyses.clv.draws import histories_of
from crmkit.analyses.clv.fit import FitSet, Models, cells, model_of, of_kinds, used
from crmkit.analyses.clv.origins import with_past_errors
from crmkit.analyses.clv.read import Purchases
from crmkit.analyses.clv.resampling import resample
from crmkit.analyses.clv.values import Origins, Terms, Tiering, Total, Values, tiered
from crmkit.core.dates import DAYS_PER_YEAR
from crmkit.core.errors import ModelError, ParamError
from crmkit.core.results import Text
from crmkit.models.basics.estimates import critical
from crmkit.models.purchases import btyd
from crmkit.models.purchases.btyd.bootstrap import parameter_draws
from crmkit.models.purchases.btyd.upkeep import discounted_time_alive
from crmkit.models.purchases.spend import SpendFit, expected_spend

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from crmkit.analyses.clv.draws import Model

STEP = 1e-4


def customer_values(
    past: Purchases,
    models: Models,
    terms: Terms,
    *,
    tiering: Tiering | None = None,
    draws: int = 200,
    origins: Origins | None = None,
) -> Values | None:
    """Who is still active, how often will they buy, and what is that worth today?

    Parameters
    ----------
    past : Purchases
    models : Models
    terms : Terms
        What counts as value, and how far ahead.
    tiering : Tiering or None
        How customers are put into tiers, whose sums get intervals; default: all are in one.
    draws : int
        Refits that the intervals of sums are made of; 0 = by the delta method.
    origins : Origins or None
        Forecasts from earlier days, whose errors widen the ranges of sums; None leaves the error of the model out.

    Returns
    -------
    Values or None
        None where no model could be fitted.

    Raises
    ------
    ParamError
        When the value for ever is infinite: without a discount, and with customers who leave too slowly.

    Notes
    -----
    ``clv = margin * E[spend] * integral of exp(-d u) dE[Y(u)] - cost * integral of exp(-d u) P(alive at u) du`` over the
    horizon, with spend and frequency independent. Expectations are computed once per unique history. The interval of a sum
    covers what is not known about the parameters: refits to samples of the customers (:mod:`.resampling`), or where the horizon
    has no end, and for the number of active customers, the delta method on log-parameters, normal on the logarithm of a
    positive sum.
    """
    tiering = tiering or Tiering()
    if past.contracts is not None:
        return contract_values(past, models.contracts, terms, tiering=tiering, draws=draws)
    if not models.final.fits:
        return None
    name = used(models.chosen, models.final)
    values = tiered(_estimated(past, name, models.final, terms), tiering)
    if not draws:
        return _with_delta(values, past, models.final)
    reason = NO_END
    if values.purchases is not None and terms.horizon_days:
        try:
            others, method = _others(values, models.final, past.days_per_unit, draws)
            resampled = resample(
                values,
                others,
                models.final.spend,
                method=method,
                per=past.days_per_unit,
                confidence=past.confidence,
            )
            return with_past_errors(resampled, origins, confidence=past.confidence)
        except ModelError as err:
            reason = err.text
    return replace(_with_delta(values, past, models.final), no_refits=reason)


NO_END = Text("a range of outcomes needs a horizon, and horizon_days is 0")


def _others(values: Values, fitted: FitSet, per: float, draws: int) -> tuple[Sequence[Model], str]:
    """Other parameters of the model, and where they come from."""
    fit = model_of(values.model, fitted)
    if isinstance(fit, btyd.CovariateFit):
        return btyd.covariate_draws(fit, draws=draws, seed=0), "normal"
    found = parameter_draws(cells(values.customers, per), fit, draws=draws, seed=0)
    return found.fits(), found.method


def _estimated(past: Purchases, name: str, fitted: FitSet, terms: Terms) -> Values:
    """Values without intervals, but for the number of active customers."""
    fit, per = model_of(name, fitted), past.days_per_unit
    customers, kinds = of_kinds(past.customers, fitted, name)
    sums = _Sums(histories_of(customers, per, kinds), terms, per)
    inverse, n = sums.histories.inverse, sums.histories.n
    try:
        discounted, time = sums.discounted(fit), sums.time(fit)
    except ModelError as err:
        raise ParamError(
            f"horizon_days, discount_rate, retention_cost: are {terms.horizon_days}, {terms.discount_rate:g} and "
            f"{terms.retention_cost:g}; {err}"
        ) from err
    bought = sums.purchases(fit)
    table = customers.assign(
        p_alive=sums.alive(fit)[inverse],
        discounted_purchases=discounted[inverse],
        years_kept=time[inverse] * per / DAYS_PER_YEAR,
        expected_purchases=float("nan") if bought is None else bought[inverse],
    )
    spend, clv = fitted.spend, None
    if spend is None:
        table = table.assign(expected_spend=float("nan"), clv=float("nan"))
    else:
        each = np.asarray(expected_spend(spend, table["frequency"], table["monetary_value"]))
        earned = terms.margin * each * table["discounted_purchases"] - terms.retention_cost * table["years_kept"]
        table = table.assign(expected_spend=each, clv=earned)
        clv = Total(float(table["clv"].sum()), float("nan"), float("nan"))
    still = _total(fit, lambda one: float((n * sums.alive(one)).sum()), past.confidence)
    # no more are active than there are
    still = replace(still, low=max(still.low, 0.0), high=min(still.high, float(n.sum())))
    often = None if bought is None else Total(float((n * bought).sum()), float("nan"), float("nan"))
    return Values(name, table, still, often, clv, terms, kinds=kinds)


def _with_delta(values: Values, past: Purchases, fitted: FitSet) -> Values:
    """The same with intervals by the delta method."""
    fit, spend, per = model_of(values.model, fitted), fitted.spend, past.days_per_unit
    sums = _Sums(histories_of(values.customers, per, values.kinds), values.terms, per)
    often = None
    if values.purchases is not None:
        often = _total(fit, sums.all_purchases, past.confidence)
    clv = None if spend is None else _clv_total(values.customers, fit, spend, sums, past.confidence)
    return replace(values, purchases=often, clv=clv)


@dataclass(frozen=True)
class _Sums:
    """Expectations of histories, each history once."""

    histories: btyd.Histories
    terms: Terms
    per: float

    def alive(self, one: Model) -> NDArray[np.float64]:
        return self.histories.each(one, btyd.probability_alive)

    def purchases(self, one: Model) -> NDArray[np.float64] | None:
        """Not discounted; None where they are infinite."""
        try:
            return self._discounted(one, 0.0)
        except ModelError:
            return None

    def all_purchases(self, one: Model) -> float:
        each = self.purchases(one)
        return float("nan") if each is None else float((self.histories.n * each).sum())

    def discounted(self, one: Model) -> NDArray[np.float64]:
        return self._discounted(one, self.terms.rate(self.per))

    def _discounted(self, one: Model, rate: float) -> NDArray[np.float64]:
        horizon = self.terms.horizon(self.per)
        counted = btyd.discounted_expected_purchases
        return self.histories.each(one, lambda fit, *history: counted(fit, *history, horizon=horizon, discount_rate=rate))

    def time(self, one: Model) -> NDArray[np.float64]:
        if not self.terms.retention_cost:
            return np.zeros(len(self.histories.n))
        horizon, rate = self.terms.horizon(self.per), self.terms.rate(self.per)
        return self.histories.each(
            one, lambda fit, *history: discounted_time_alive(fit, *history, horizon=horizon, discount_rate=rate)
        )


def worth_each(table: pd.DataFrame, fitted: FitSet, *, chosen: str, per: float, terms: Terms) -> NDArray[np.float64] | None:
    """The value of each customer of a table of purchase histories by the models given; None without a spend model."""
    if not fitted.fits or fitted.spend is None:
        return None
    name = used(chosen, fitted)
    fit = model_of(name, fitted)
    customers, kinds = of_kinds(table, fitted, name)
    sums = _Sums(histories_of(customers, per, kinds), terms, per)
    inverse = sums.histories.inverse
    try:
        counted, time = sums.discounted(fit)[inverse], sums.time(fit)[inverse]
    except ModelError:
        return None
    each = np.asarray(expected_spend(fitted.spend, table["frequency"], table["monetary_value"]))
    return np.asarray(terms.margin * each * counted - terms.cost(per) * time)


def _moved(fit: btyd.Fit | btyd.CovariateFit, place: int, step: float) -> Model:
    """The same model with one log-parameter, or one coefficient, moved."""
    if isinstance(fit, btyd.CovariateFit):
        return btyd.shifted(fit, step * np.eye(len(fit.covariance))[place])
    params = dict(fit.params)
    params[fit.names[place]] *= math.exp(step)
    return btyd.known(fit.model, params)


def _gradient(fit: btyd.Fit | btyd.CovariateFit, total: Callable[[Model], float]) -> NDArray[np.float64]:
    """Derivatives of a sum with respect to the log-parameters, and coefficients, by central differences."""
    places = range(len(fit.covariance))
    return np.array([(total(_moved(fit, i, STEP)) - total(_moved(fit, i, -STEP))) / (2 * STEP) for i in places])


def _total(fit: btyd.Fit | btyd.CovariateFit, total: Callable[[Model], float], confidence: float, extra: float = 0.0) -> Total:
    """A sum with its interval; ``extra`` is variance from elsewhere."""
    value = total(fit)
    slope = _gradient(fit, total)
    variance = float(np.einsum("i,ij,j->", slope, fit.covariance, slope)) + extra
    reach = critical(confidence) * math.sqrt(max(variance, 0.0))
    if value > 0:
        return Total(value, value * math.exp(-reach / value), value * math.exp(reach / value))
    return Total(value, value - reach, value + reach)


def _clv_total(
    table: pd.DataFrame, fit: btyd.Fit | btyd.CovariateFit, spend: SpendFit, sums: _Sums, confidence: float
) -> Total:
    """The value of all customers; purchases and spend are estimated apart, so their variances add up."""
    margin, cost = sums.terms.margin, sums.terms.cost(sums.per)
    inverse, n = sums.histories.inverse, sums.histories.n
    money = np.bincount(inverse, weights=margin * table["expected_spend"].to_numpy(), minlength=len(n))
    counts = sums.discounted(fit)[inverse]

    def by_spend(params: Mapping[str, float]) -> float:
        moved = replace(spend, params=params)
        return float((margin * counts * expected_spend(moved, table["frequency"], table["monetary_value"])).sum())

    def by_fit(one: Model) -> float:
        return float((money * sums.discounted(one) - cost * n * sums.time(one)).sum())

    names = list(spend.params)
    slope = np.array(
        [(by_spend(_scaled(spend.params, n, STEP)) - by_spend(_scaled(spend.params, n, -STEP))) / (2 * STEP) for n in names]
    )
    extra = float(np.einsum("i,ij,j->", slope, spend.covariance, slope))
    return _total(fit, by_fit, confidence, extra)


def _scaled(params: Mapping[str, float], name: str, step: float) -> dict[str, float]:
    return {key: value * math.exp(step) if key == name else value for key, value in params.items()}
