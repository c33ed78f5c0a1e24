"""What may customers do from now on? Expectations under other parameters, and futures drawn by chance, customer by customer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from crmkit.analyses.clv.values import Terms, Values
from crmkit.core.dates import DAYS_PER_MONTH
from crmkit.core.errors import ModelError
from crmkit.models.purchases import btyd, sbg
from crmkit.models.purchases.spend import SpendFit, draw_spend, expected_spend

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Model = btyd.Fitted | btyd.CovariateFit


class Draws(Protocol):
    """Some customers, with the parameters that could as well have come out; each function gives counts, and money or None."""

    def expected(self, turn: int) -> tuple[Floats, Floats | None]:
        """What each is expected to do with one draw of the parameters; shape (customers,)."""

    def drawn(self, turn: int, rng: np.random.Generator, times: int = 1) -> tuple[Floats, Floats | None]:
        """What each may then really do; shape (times, customers)."""


@dataclass(frozen=True, eq=False)
class PurchaseDraws:
    """Customers without a contract.

    Parameters
    ----------
    models : sequence of fitted models
    spends : sequence of SpendFit
        One per model, or none.
    terms : Terms
        With a horizon that ends.
    per : float
        Days per unit of time of the models.
    who : DataFrame
        From ``Values.customers``.
    kinds : sequence of mapping
        Covariates of each kind of customer, where the models have them.

    Notes
    -----
    What a purchase is worth today, what keeping a customer costs, and by what customers were moved is that of the estimate
    (``discounted_purchases``, ``years_kept``, ``level``): other parameters move the moments of the purchases within the horizon
    by next to nothing.
    """

    models: Sequence[Model]
    spends: Sequence[SpendFit]
    terms: Terms
    per: float
    who: pd.DataFrame
    kinds: Sequence[Mapping[str, float]] = ()

    @cached_property
    def _histories(self) -> btyd.Histories:
        # found once: looking for equal rows costs more than their forecast
        return histories_of(self.who, self.per, self.kinds)

    @cached_property
    def _everyone(self) -> btyd.Histories:
        return self._histories.everyone

    @cached_property
    def _worth(self) -> Floats:
        """A purchase to come, in purchases today."""
        expected = self.who["expected_purchases"].to_numpy()
        worth = self.who["discounted_purchases"].to_numpy()
        return np.asarray(np.divide(worth, expected, out=np.ones(len(expected)), where=expected > 0))

    @cached_property
    def _still(self) -> dict[int, Floats]:
        """Who is still active by the parameters asked for last, per different history: expectation and futures need it both."""
        return {}

    def _alive(self, turn: int) -> Floats:
        if turn not in self._still:
            self._still.clear()
            self._still[turn] = self._histories.each(self.models[turn], btyd.probability_alive)
        return self._still[turn]

    def expected(self, turn: int) -> tuple[Floats, Floats | None]:
        """As :class:`Draws` says."""
        horizon, histories = self.terms.horizon_days / self.per, self._histories

        def ahead(fit: btyd.Fitted, x: Floats, tx: Floats, age: Floats, still: Floats) -> Floats:
            return btyd.expected_purchases(fit, horizon, x, tx, age, still=still)

        count = histories.each(self.models[turn], ahead, self._alive(turn))[histories.inverse]
        if not self.spends:
            return count * self._level("level"), None
        return count * self._level("level"), self._net(
            count * expected_spend(self.spends[turn], self.who["frequency"], self.who["monetary_value"])
        )

    def drawn(self, turn: int, rng: np.random.Generator, times: int = 1) -> tuple[Floats, Floats | None]:
        """As :class:`Draws` says."""
        horizon, histories = self.terms.horizon_days / self.per, self._histories

        def future(fit: btyd.Fitted, x: Floats, tx: Floats, age: Floats, still: Floats) -> Floats:
            return btyd.draw_purchases(fit, horizon, x, tx, age, draws=times, rng=rng, still=still)

        count = self._everyone.each(self.models[turn], future, self._alive(turn)[histories.inverse])
        if not self.spends:
            return count * self._level("level"), None
        return count * self._level("level"), self._net(
            draw_spend(self.spends[turn], self.who["frequency"], self.who["monetary_value"], count, rng)
        )

    def _net(self, spent: Floats) -> Floats:
        kept = self.who["years_kept"].to_numpy()
        earned = self.terms.margin * spent * self._worth * self._level("value_level")
        return np.asarray(earned - self.terms.retention_cost * kept)

    def _level(self, name: str) -> Floats | float:
        """By which factor the expectations of customers were moved, where they were."""
        return self.who[name].to_numpy(dtype="float64") if name in self.who else 1.0


@dataclass(frozen=True, eq=False)
class ContractDraws:
    """Customers under contract: months that they will still pay for, times the price."""

    models: Sequence[sbg.Fitted]
    terms: Terms
    who: pd.DataFrame

    def expected(self, turn: int) -> tuple[Floats, Floats | None]:
        """As :class:`Draws` says."""
        renewals, place = np.unique(self.who["frequency"].to_numpy(dtype="int64"), return_inverse=True)
        plain = Terms(self.terms.horizon_days, 0.0, 1.0)
        worth = paid_months(self.models[turn], renewals, self.terms)[place]
        return paid_months(self.models[turn], renewals, plain)[place], self._net(worth)

    def drawn(self, turn: int, rng: np.random.Generator, times: int = 1) -> tuple[Floats, Floats | None]:
        """As :class:`Draws` says."""
        renewals, periods = self.who["frequency"].to_numpy(), _periods(self.terms.horizon_days)
        months = sbg.draw_remaining(self.models[turn], renewals, periods=periods, draws=times, rng=rng)
        rate = np.expm1(np.log1p(self.terms.discount_rate) / 12)
        return months, self._net(months if rate == 0 else (1 - (1 + rate) ** -months) / (1 - 1 / (1 + rate)))

    def _net(self, months: Floats) -> Floats | None:
        price = self.who["expected_spend"].to_numpy(dtype="float64")
        if not np.isfinite(price).all():
            return None
        return np.asarray((self.terms.margin * price - self.terms.retention_cost / 12) * months)


def draws_of(values: Values, models: Sequence[Any], spends: Sequence[SpendFit], per: float, who: pd.DataFrame) -> Draws:
    """What some customers may do, by the model that values come from."""
    if values.under_contract:
        return ContractDraws(models, values.terms, who)
    return PurchaseDraws(models, spends, values.terms, per, who, values.kinds)


def histories_of(table: pd.DataFrame, per: float, kinds: Sequence[Mapping[str, float]] = ()) -> btyd.Histories:
    """The different histories of customers, times in units of ``per`` days; the kind of each is in column ``kind``."""
    columns = (table["frequency"], table["recency_days"] / per, table["T_days"] / per)
    return btyd.histories(*columns, kind=table["kind"] if kinds else None, kinds=kinds)


def _periods(horizon_days: int) -> int | None:
    """The horizon in months, None for ever."""
    return max(1, round(horizon_days / DAYS_PER_MONTH)) if horizon_days else None


def months_ahead(fit: sbg.Fitted, renewals: NDArray[np.int64], *, horizon_days: int, yearly_rate: float) -> Floats:
    """Discounted months that customers with so many renewals will still pay for; 0 days = for ever.

    Raises
    ------
    ModelError
        Where it is infinite.
    """
    monthly = math.expm1(math.log1p(yearly_rate) / 12)
    different, place = np.unique(renewals, return_inverse=True)
    ahead = sbg.expected_remaining(fit, different, discount_rate=monthly, periods=_periods(horizon_days))
    return np.asarray(ahead)[place]


def paid_months(fit: sbg.Fitted, renewals: NDArray[np.int64], terms: Terms) -> Floats:
    """Discounted months that customers with so many renewals will pay for; nan where they are infinite."""
    try:
        return months_ahead(fit, renewals, horizon_days=terms.horizon_days, yearly_rate=terms.discount_rate)
    except ModelError:
        return np.full(len(renewals), np.nan)
