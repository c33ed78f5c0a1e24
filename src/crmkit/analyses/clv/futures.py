"""What may customers do from now on? Expectations under other parameters, and futures drawn by chance, customer by customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from crmkit.analyses.clv.contracts import months_ahead
from crmkit.analyses.clv.terms import Terms
from crmkit.core.dates import DAYS_PER_MONTH
from crmkit.core.errors import ModelError
from crmkit.models import btyd, sbg
from crmkit.models.btyd.future import draw_purchases
from crmkit.models.spend import SpendFit, draw_spend, expected_spend

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SMALLEST = 1e-12


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

    Notes
    -----
    What a purchase is worth today, and what keeping a customer costs, is that of the estimate (``discounted_purchases``,
    ``years_kept``): other parameters move the moments of the purchases within the horizon by next to nothing.
    """

    models: Sequence[btyd.Fitted]
    spends: Sequence[SpendFit]
    terms: Terms
    per: float
    who: pd.DataFrame

    @cached_property
    def _histories(self) -> tuple[Floats, NDArray[np.int64]]:
        # each different history once, found once: looking for equal rows costs more than their forecast
        unique, inverse, _ = different_histories(self.who)
        return unique / np.array([1.0, self.per, self.per]), inverse

    @cached_property
    def _worth(self) -> Floats:
        """A purchase to come, in purchases today."""
        expected = self.who["expected_purchases"].to_numpy()
        worth = self.who["discounted_purchases"].to_numpy()
        return np.asarray(np.divide(worth, expected, out=np.ones(len(expected)), where=expected > 0))

    def expected(self, turn: int) -> tuple[Floats, Floats | None]:
        """As :class:`Futures` says."""
        unique, inverse = self._histories
        count = np.asarray(btyd.expected_purchases(self.models[turn], self.terms.horizon_days / self.per, *unique.T))[inverse]
        if not self.spends:
            return count, None
        return count, self._net(count * expected_spend(self.spends[turn], self.who["frequency"], self.who["monetary_value"]))

    def drawn(self, turn: int, rng: np.random.Generator, times: int = 1) -> tuple[Floats, Floats | None]:
        """As :class:`Futures` says."""
        unique, inverse = self._histories
        horizon = self.terms.horizon_days / self.per
        count = draw_purchases(self.models[turn], horizon, *unique[inverse].T, draws=times, rng=rng)
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


HISTORY = ("frequency", "recency_days", "T_days")


def different_histories(table: pd.DataFrame) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """The different histories of a purchase summary, in days; which of them each customer has; how many have each."""
    grouped = table[list(HISTORY)].groupby(list(HISTORY), sort=True)
    inverse = grouped.ngroup().to_numpy().astype("int64")
    sizes = grouped.size()
    return np.array(sizes.index.to_list(), dtype="float64"), inverse, sizes.to_numpy().astype("int64")


def paid_months(fit: sbg.Fitted, renewals: NDArray[np.int64], terms: Terms) -> Floats:
    """Discounted months that customers with so many renewals will pay for; nan where they are infinite."""
    try:
        return months_ahead(fit, renewals, horizon_days=terms.horizon_days, yearly_rate=terms.discount_rate)
    except ModelError:
        return np.full(len(renewals), np.nan)
