"""What counts as value, and what comes out: the terms of the valuation, and every customer's expectations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crmkit.core.dates import DAYS_PER_YEAR
from crmkit.core.errors import ParamError
from crmkit.core.results import Quantity, Text

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.analyses.clv.resampling import Refits

SBG = "sbg"


@dataclass(frozen=True)
class Total:
    """A sum over customers with its interval for the uncertainty of the model's parameters."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Terms:
    """What counts as value.

    Parameters
    ----------
    horizon_days : int
        How far ahead, in days; 0 = for ever.
    discount_rate : float
        Per year, effective; applied continuously as ``ln(1 + rate)``.
    margin : float
        Share of revenue that is kept.
    retention_cost : float
        Money per year that it costs to keep a customer, for as long as they are one.

    Raises
    ------
    ParamError
        When one is out of range.
    """

    horizon_days: int
    discount_rate: float
    margin: float
    retention_cost: float = 0.0

    def __post_init__(self) -> None:
        problems = []
        if self.horizon_days < 0:
            problems.append(f"horizon_days: is {self.horizon_days}; at least 1 day is needed, or 0 for ever")
        if self.discount_rate < 0:
            problems.append(f"discount_rate: is {self.discount_rate}; a yearly rate of 0 or more is needed")
        if not 0 < self.margin <= 1:
            problems.append(f"margin: is {self.margin}; a share above 0 and at most 1 is needed")
        if not 0 <= self.retention_cost < math.inf:
            problems.append(f"retention_cost: is {self.retention_cost}; money per year, 0 or more, is needed")
        if problems:
            raise ParamError(problems)

    def horizon(self, per: float) -> float | None:
        """The horizon in units of ``per`` days; None for ever."""
        return self.horizon_days / per if self.horizon_days else None

    def rate(self, per: float) -> float:
        """The continuous rate per unit of ``per`` days."""
        return math.log1p(self.discount_rate) / (DAYS_PER_YEAR / per)

    def cost(self, per: float) -> float:
        """What keeping a customer costs per unit of ``per`` days."""
        return self.retention_cost / (DAYS_PER_YEAR / per)

    def span(self) -> Text:
        """The time over which value counts, in words."""
        if self.horizon_days:
            return Text("the next {days}", {"days": Quantity(self.horizon_days, "days")})
        return Text("all time to come")


@dataclass(frozen=True)
class Values:
    """Every customer's expectations from ``as_of`` on.

    Parameters
    ----------
    model : str
    customers : DataFrame
        The columns of the purchase summary, and ``p_alive`` (share), ``expected_purchases`` (purchase days within the
        horizon; nan where they are infinite), ``expected_spend`` (money per purchase day), ``clv`` (money, discounted, times
        the margin, less the cost of keeping the customer; nan without a spend model), and what it is made of:
        ``discounted_purchases``, ``years_kept`` (discounted).
    alive, purchases, clv : Total
        Sums over all customers; ``purchases`` is None where customers will buy without end.
    terms : Terms
    refits : Refits or None
        What the intervals of ``purchases`` and ``clv`` are made of; None where they are those of the delta method.
    no_refits : Text or None
        Why there are none, where they were asked for.
    kinds : tuple of mapping
        Covariates of each kind of customer (column ``kind``), where the model has covariates.
    """

    model: str
    customers: pd.DataFrame
    alive: Total
    purchases: Total | None
    clv: Total | None
    terms: Terms
    refits: Refits | None = None
    no_refits: Text | None = None
    kinds: tuple[Mapping[str, float], ...] = ()

    @property
    def under_contract(self) -> bool:
        """Whether customers are bound by contracts, so that nobody has to guess who is still one."""
        return self.model == SBG


BY_CONTRACT = Text("needs transactions; contracts say who is a customer")


def lacking(values: Values | None) -> Text | None:
    """Why nothing can be said of purchases, where nothing can; None where it can."""
    if values is None:
        return Text("no purchase model could be fitted")
    return BY_CONTRACT if values.under_contract else None
