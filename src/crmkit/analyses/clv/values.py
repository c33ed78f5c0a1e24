"""What counts as value, and what comes out: terms, tiers, every customer's expectations, and how sure they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.core.dates import DAYS_PER_YEAR
from crmkit.core.errors import ParamError, Problem, did_you_mean
from crmkit.core.results import Quantity, Text

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.models.purchases.spend import SpendFit

SBG, CONSTANT = "sbg", "constant"
LETTERS = "ABCDEFGHIJ"
RULES = {
    "value_rank": Text("Tiers end at these shares of customers, the most valuable first: {cuts}."),
    "value_share": Text("Tiers end where customers, the most valuable first, hold these shares of the expected value: {cuts}."),
    "fixed": Text("Tiers end at these values per customer: {cuts}."),
}


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
class Tiering:
    """How customers are put into tiers.

    Parameters
    ----------
    cuts : sequence of float
        Where tiers end, the best first. ``value_rank``: rising shares of customers between 0 and 1; ``[0.2, 0.5]`` makes A the
        top 20 %, B the next 30 %, C the rest. ``value_share``: rising shares of the value of all; ``[0.5, 0.8]`` makes A the
        customers who hold the first half of it. ``fixed``: falling amounts of money; ``[500, 100]`` makes A those worth 500 or
        more. Without cuts all customers are in one tier.
    by : {"value_rank", "value_share", "fixed"}

    Raises
    ------
    ParamError
        For an unknown rule, cuts that do not fit to it, or too many.
    """

    cuts: Sequence[float] = ()
    by: str = "value_rank"

    def __post_init__(self) -> None:
        cuts, by = self.cuts, self.by
        if by not in RULES:
            raise ParamError(Problem("tier_by:", f"is {by!r}", hint=did_you_mean(by, list(RULES))))
        if len(cuts) >= len(LETTERS):
            raise ParamError(f"tier_cuts: are {len(cuts)}; at most {len(LETTERS) - 1} can be told apart by letters")
        if by == "fixed":
            if any(not 0 < cut < math.inf for cut in cuts) or any(high <= low for high, low in pairwise(cuts)):
                raise ParamError(
                    f"tier_cuts: are {list(cuts)}; with tier_by fixed they are amounts of money above 0 that fall, the best "
                    "tier first, for example [500.0, 100.0]"
                )
        elif any(low >= high for low, high in pairwise([0.0, *cuts, 1.0])):
            of = "customers" if by == "value_rank" else "the value"
            raise ParamError(
                f"tier_cuts: are {list(cuts)}; with tier_by {by} they are shares of {of} that rise between 0 and 1, for "
                "example [0.2, 0.5]"
            )

    @property
    def names(self) -> str:
        """The letters of the tiers, the best first."""
        return LETTERS[: len(self.cuts) + 1]


def assign_tiers(worth: Sequence[float] | np.ndarray, tiering: Tiering) -> np.ndarray:
    """Which tier does each customer belong to?

    Parameters
    ----------
    worth : array, shape (n,)
        Expected value.
    tiering : Tiering

    Returns
    -------
    array of str, shape (n,)
        ``A`` for the best; customers of equal value share the better tier. By share of value, who is worth nothing or less
        than nothing is in the last tier.

    Examples
    --------
    >>> assign_tiers([5.0, 1.0, 3.0, 2.0], Tiering([0.25, 0.5])).tolist()
    ['A', 'C', 'B', 'C']
    >>> assign_tiers([5.0, 1.0, 3.0, 2.0], Tiering([0.5, 0.8], by="value_share")).tolist()
    ['A', 'C', 'A', 'B']
    >>> assign_tiers([5.0, 1.0, 3.0, 2.0], Tiering([4.0, 2.0], by="fixed")).tolist()
    ['A', 'C', 'B', 'B']
    """
    cuts, by = tiering.cuts, tiering.by
    values = np.asarray(worth, dtype="float64")
    ordered = np.sort(values)
    if by == "fixed":
        place = np.searchsorted(-np.asarray(cuts, dtype="float64"), -values, side="left")
    elif by == "value_rank":
        ahead = len(values) - np.searchsorted(ordered, values, side="right")
        place = np.searchsorted(np.asarray(cuts), ahead / max(len(values), 1), side="right")
    else:
        positive = np.maximum(ordered, 0.0)
        held = np.append(np.cumsum(positive[::-1])[::-1], 0.0)
        total = held[0]
        before = held[np.searchsorted(ordered, values, side="right")] / (total if total > 0 else 1.0)
        place = np.searchsorted(np.asarray(cuts), before, side="right")
        place = np.where((values <= 0) & (total > 0), len(cuts), place)
    return np.array(list(LETTERS))[place]


@dataclass(frozen=True, eq=False)
class Origins:
    """Forecasts from earlier days beside what came.

    Parameters
    ----------
    table : DataFrame
        ``origin, group, measure, forecast, actual, own, n``: one row per earlier day, group (all customers, each tier) and
        measure; ``own`` is the standard deviation of the forecast by chance, as a share of it, known on that day.
    horizon_days : int
        How far ahead they looked.
    failed : int
        Earlier days on which no model could be fitted.
    cut : bool
        Whether days before these were left out.
    """

    table: pd.DataFrame
    horizon_days: int
    failed: int = 0
    cut: bool = False


@dataclass(frozen=True, eq=False)
class Refits:
    """Parameters that could as well have come out, and the sums that follow from them.

    Parameters
    ----------
    models : sequence of fitted models
        Other parameters of the model that values come from.
    method : {"bootstrap", "normal"}
        Refits to customers drawn with replacement, or the normal approximation (Laplace).
    spends : sequence of SpendFit
        Of the spend model, one per model; empty without one, and for contracts.
    per : float
        Days per unit of time of the model.
    table : DataFrame
        One row per measure and group (all customers, each tier): ``group, measure, value``; ``low, high`` = parameters only;
        ``outcome_low, outcome_high`` = parameters and the chance of what single customers do; ``n`` customers; ``unit``.
    futures : int
        How often the future of every customer was drawn.
    origins : Origins or None
        Earlier forecasts whose errors are in the ranges; None where there are none, and the columns that hold them
        (:func:`crmkit.analyses.clv.origins.with_past_errors`) are not in the table.
    """

    models: Sequence[Any]
    method: str
    spends: Sequence[SpendFit]
    per: float
    table: pd.DataFrame
    futures: int
    origins: Origins | None = None


SURELY, NEARLY_ALL = 0.99, 0.99
PRIOR_GAPS = 2.0


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
        ``discounted_purchases``, ``years_kept`` (discounted). ``tier``: the letter of their tier, by value, or by expected
        purchases without a spend model.
    alive, purchases, clv : Total
        Sums over all customers; ``purchases`` is None where customers will buy without end.
    terms : Terms
    tiering : Tiering
        How ``tier`` was cut.
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
    tiering: Tiering = field(default_factory=Tiering)
    refits: Refits | None = None
    no_refits: Text | None = None
    kinds: tuple[Mapping[str, float], ...] = ()

    @property
    def under_contract(self) -> bool:
        """Whether customers are bound by contracts, so that nobody has to guess who is still one."""
        return self.model in (SBG, CONSTANT)

    @property
    def all_stay(self) -> bool:
        """Whether nothing in the purchases shows that anybody leaves; then silence in own gaps says who is active."""
        return not self.under_contract and nobody_leaves(self.customers["p_alive"].to_numpy())


def nobody_leaves(p_alive: np.ndarray) -> bool:
    """Whether the model calls nearly everybody active for certain, so that it says nothing of who is gone."""
    return bool(len(p_alive)) and float(np.mean(np.asarray(p_alive) > SURELY)) >= NEARLY_ALL


def awake(customers: pd.DataFrame) -> np.ndarray:
    """How active is each customer: the probability to be active, or where that is 1 for everybody, by the silence in own gaps.

    Parameters
    ----------
    customers : DataFrame
        ``p_alive, frequency, recency_days, days_since_last``.

    Returns
    -------
    array, shape (n,)
        Shares. By silence: 1 up to an own gap, a half at three, a quarter at five. The own gap is the mean of the customer's,
        drawn towards the usual one of all, which counts for two.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = {"p_alive": 1.0, "frequency": [98, 98], "recency_days": 980, "days_since_last": [10, 30]}
    >>> awake(pd.DataFrame(rows)).tolist()
    [1.0, 0.5]
    """
    alive = customers["p_alive"].to_numpy(dtype="float64")
    often = customers["frequency"].to_numpy(dtype="float64")
    if not nobody_leaves(alive) or not (often > 0).any():
        return alive
    known = customers["recency_days"].to_numpy(dtype="float64")
    usual = float(np.median(known[often > 0] / often[often > 0]))
    own = np.maximum((PRIOR_GAPS * usual + known) / (PRIOR_GAPS + often), 1.0)
    silence = customers["days_since_last"].to_numpy(dtype="float64") / own
    return np.asarray(np.minimum(1.0, 0.5 ** ((silence - 1) / 2)))


def tiered(values: Values, tiering: Tiering) -> Values:
    """The same with the tier of every customer."""
    worth = values.customers["expected_purchases" if values.clv is None else "clv"]
    return replace(values, customers=values.customers.assign(tier=assign_tiers(worth.to_numpy(), tiering)), tiering=tiering)


BY_CONTRACT = Text("needs transactions; contracts say who is a customer")


def lacking(values: Values | None) -> Text | None:
    """Why nothing can be said of purchases, where nothing can; None where it can."""
    if values is None:
        return Text("no model could be fitted; the section on the models says why")
    return BY_CONTRACT if values.under_contract else None
