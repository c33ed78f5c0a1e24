"""What may customers do from now on? Expectations under other parameters, and futures drawn by chance, customer by customer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from crmkit.analyses.clv.contracts import months_ahead
from crmkit.analyses.clv.values import Terms
from crmkit.core.dates import DAYS_PER_MONTH
from crmkit.core.errors import ModelError
from crmkit.models.purchases import btyd, sbg
from crmkit.models.purchases.btyd.future import draw_purchases
from crmkit.models.purchases.spend import SpendFit, draw_spend, expected_spend

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Model = btyd.Fitted | btyd.CovariateFit

SMALLEST = 1e-12


HISTORY = ("frequency", "recency_days", "T_days")


@dataclass(frozen=True, eq=False)
class Histories:
    """The different purchase histories of some customers, each once.

    Parameters
    ----------
    columns : array, shape (3, rows)
        Repeat purchases, recency, T, in units of the models.
    inverse, n : arrays
        Which row each customer has, and how many customers have each row.
    kind : array, shape (rows,)
        Which kind of customer each row belongs to, where the models have covariates.
    kinds : sequence of mapping
        Covariates of each kind.
    """

    columns: Floats
    inverse: NDArray[np.int64]
    n: NDArray[np.int64]
    kind: NDArray[np.int64]
    kinds: Sequence[Mapping[str, float]] = ()

    @property
    def everyone(self) -> Histories:
        """The same with a row per customer."""
        place = np.arange(len(self.inverse))
        return Histories(self.columns[:, self.inverse], place, np.ones_like(place), self.kind[self.inverse], self.kinds)

    def each(self, model: Model, function: Callable[..., ArrayLike]) -> Floats:
        """A function of a model and histories, for every row, with the parameters of its kind."""
        if isinstance(model, btyd.CovariateFit):
            parts = [(model.at(covariates), self.kind == number) for number, covariates in enumerate(self.kinds)]
        else:
            return np.asarray(function(model, *self.columns), dtype="float64")
        found = [(own, np.asarray(function(one, *self.columns[:, own]), dtype="float64")) for one, own in parts if own.any()]
        out = np.empty((*found[0][1].shape[:-1], self.columns.shape[1]))
        for own, values in found:
            out[..., own] = values
        return out


def histories(table: pd.DataFrame, per: float, kinds: Sequence[Mapping[str, float]] = ()) -> Histories:
    """The different histories of customers; those of different kinds are kept apart (column ``kind``)."""
    keys = [*HISTORY, *(["kind"] if kinds else [])]
    grouped = table[keys].groupby(keys, sort=True)
    sizes = grouped.size()
    rows = np.array(sizes.index.to_list(), dtype="float64")
    kind = rows[:, 3].astype("int64") if kinds else np.zeros(len(rows), dtype="int64")
    inverse = grouped.ngroup().to_numpy().astype("int64")
    return Histories((rows[:, :3] / np.array([1.0, per, per])).T, inverse, sizes.to_numpy().astype("int64"), kind, kinds)


class Futures(Protocol):
    """Some customers, with the parameters that could as well have come out; each function gives counts, and money or None."""

    def expected(self, turn: int) -> tuple[Floats, Floats | None]:
        """What each is expected to do with one draw of the parameters; shape (customers,)."""

    def drawn(self, turn: int, rng: np.random.Generator, times: int = 1) -> tuple[Floats, Floats | None]:
        """What each may then really do; shape (times, customers)."""


@dataclass(frozen=True, eq=False)
class Purchases:
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
    What a purchase is worth today, and what keeping a customer costs, is that of the estimate (``discounted_purchases``,
    ``years_kept``): other parameters move the moments of the purchases within the horizon by next to nothing.
    """

    models: Sequence[Model]
    spends: Sequence[SpendFit]
    terms: Terms
    per: float
    who: pd.DataFrame
    kinds: Sequence[Mapping[str, float]] = ()

    @cached_property
    def _histories(self) -> Histories:
        # found once: looking for equal rows costs more than their forecast
        return histories(self.who, self.per, self.kinds)

    @cached_property
    def _worth(self) -> Floats:
        """A purchase to come, in purchases today."""
        expected = self.who["expected_purchases"].to_numpy()
        worth = self.who["discounted_purchases"].to_numpy()
        return np.asarray(np.divide(worth, expected, out=np.ones(len(expected)), where=expected > 0))

    def expected(self, turn: int) -> tuple[Floats, Floats | None]:
        """As :class:`Futures` says."""
        horizon, found = self.terms.horizon_days / self.per, self._histories
        count = found.each(self.models[turn], lambda fit, *history: btyd.expected_purchases(fit, horizon, *history))
        count = count[found.inverse]
        if not self.spends:
            return count, None
        return count, self._net(count * expected_spend(self.spends[turn], self.who["frequency"], self.who["monetary_value"]))

    def drawn(self, turn: int, rng: np.random.Generator, times: int = 1) -> tuple[Floats, Floats | None]:
        """As :class:`Futures` says."""
        horizon, found = self.terms.horizon_days / self.per, self._histories.everyone
        count = found.each(
            self.models[turn], lambda fit, *history: draw_purchases(fit, horizon, *history, draws=times, rng=rng)
        )
        if not self.spends:
            return count, None
        return count, self._net(draw_spend(self.spends[turn], self.who["frequency"], self.who["monetary_value"], count, rng))

    def _net(self, spent: Floats) -> Floats:
        kept = self.who["years_kept"].to_numpy()
        return np.asarray(self.terms.margin * spent * self._worth - self.terms.retention_cost * kept)


@dataclass(frozen=True, eq=False)
class Contracts:
    """Customers under contract: months that they will still pay for, times the price."""

    models: Sequence[sbg.Fitted]
    terms: Terms
    who: pd.DataFrame

    def expected(self, turn: int) -> tuple[Floats, Floats | None]:
        """As :class:`Futures` says."""
        renewals, place = np.unique(self.who["frequency"].to_numpy(dtype="int64"), return_inverse=True)
        plain = Terms(self.terms.horizon_days, 0.0, 1.0)
        worth = paid_months(self.models[turn], renewals, self.terms)[place]
        return paid_months(self.models[turn], renewals, plain)[place], self._net(worth)

    def drawn(self, turn: int, rng: np.random.Generator, times: int = 1) -> tuple[Floats, Floats | None]:
        """As :class:`Futures` says."""
        renewals = self.who["frequency"].to_numpy(dtype="float64")
        alpha, beta = (self.models[turn].params[name] for name in ("alpha", "beta"))
        leaving = np.clip(rng.beta(alpha, beta + renewals, (times, len(renewals))), SMALLEST, 1 - SMALLEST)
        end = max(1, round(self.terms.horizon_days / DAYS_PER_MONTH)) if self.terms.horizon_days else np.inf
        # the month in which a customer leaves is not paid
        months = np.minimum(np.floor(rng.standard_exponential(leaving.shape) / -np.log1p(-leaving)), end)
        rate = np.expm1(np.log1p(self.terms.discount_rate) / 12)
        return months, self._net(months if rate == 0 else (1 - (1 + rate) ** -months) / (1 - 1 / (1 + rate)))

    def _net(self, months: Floats) -> Floats | None:
        price = self.who["expected_spend"].to_numpy(dtype="float64")
        if not np.isfinite(price).all():
            return None
        return np.asarray((self.terms.margin * price - self.terms.retention_cost / 12) * months)


def paid_months(fit: sbg.Fitted, renewals: NDArray[np.int64], terms: Terms) -> Floats:
    """Discounted months that customers with so many renewals will pay for; nan where they are infinite."""
    try:
        return months_ahead(fit, renewals, horizon_days=terms.horizon_days, yearly_rate=terms.discount_rate)
    except ModelError:
        return np.full(len(renewals), np.nan)
