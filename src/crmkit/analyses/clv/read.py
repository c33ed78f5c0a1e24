"""What have customers bought so far? The purchase histories that every part of the value analysis starts from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crmkit.analyses.clv.contracts import contract_spells, paid_in
from crmkit.analyses.clv.covariates import BOUGHT_COLUMNS, COLUMNS
from crmkit.core.dates import DAYS_PER
from crmkit.core.errors import ParamError, did_you_mean
from crmkit.core.results import Text
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries import purchases as summaries
from crmkit.data.summaries.purchases import in_one_currency
from crmkit.data.summaries.windows import last_two_gaps, log_gaps, main_of, purchase_dates, spend_in_windows

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from crmkit.data.client import Client

GROWTH_DAYS = 365
NO_PURCHASES = Text("needs transactions; customers under contract are valued by how long contracts last")
LONGEST_HOLDOUT = 0.6
SHORTEST_CALIBRATION_DAYS = 28


@dataclass(frozen=True)
class History:
    """Purchase histories of one client, as of one day.

    Parameters
    ----------
    as_of, start : date
        Last day that counts and first day with a purchase.
    split : date or None
        Last day of the calibration period; None where nothing is held out.
    unit : str
        Time unit of the models: day, week or month (30.4375 days).
    customers : DataFrame
        One row per customer as of ``as_of``; columns of :func:`crmkit.data.summaries.purchases.purchase_summary`.
    calibration : DataFrame or None
        One row per customer known by ``split``, and what they bought after it.
    weekly : DataFrame or None
        Repeat purchases per week of the customers known by ``split``.
    arrivals : DataFrame or None
        New customers per day until ``split``.
    waits : DataFrame
        Days to the second purchase day: ``duration_days, event_observed, n``.
    never_bought : tuple of str
        Customers of the customer table without a purchase until ``as_of``.
    attributes : DataFrame
        What is known of each customer: ``customer_id`` and the columns that segments are made by; ``category`` and
        ``channel`` are those that the customer spent most on.
    windows : DataFrame
        Spend of each customer in the last two periods of ``growth_days``, the earlier one first.
    recent : DataFrame
        ``customer_id, amount``: what was bought in the last ``recent_days``.
    gaps : DataFrame
        Last two intervals between purchases, of customers with three purchase days or more.
    log_gaps : dict
        For ``as_of`` and ``split``, as ISO days: sum of the logarithms of all intervals between purchase days, and how many.
    purchase_dates : array of datetime64
        Every day on which anybody bought.
    last_period : DataFrame or None
        ``customer_id, amount_0, purchase_days_0`` of the days before the split, as many as are held out.
    contracts : DataFrame or None
        Times under contract, where there are subscriptions and no transactions; columns of
        :func:`crmkit.analyses.clv.contracts.contract_spells`.
    growth_days : int
        Length of the period whose spend is compared with that of the one before.
    recent_days : int
        A year, or less where the data cover less.
    min_cell : int
        Groups of fewer customers are not shown.
    confidence : float
        Coverage of every interval.
    unnamed : pair of int
        Purchases left out because they name no customer, and all rows that were read.
    """

    as_of: dt.date
    start: dt.date
    split: dt.date | None
    unit: str
    customers: pd.DataFrame
    calibration: pd.DataFrame | None
    weekly: pd.DataFrame | None
    arrivals: pd.DataFrame | None
    waits: pd.DataFrame
    never_bought: tuple[str, ...]
    attributes: pd.DataFrame
    windows: pd.DataFrame
    recent: pd.DataFrame
    gaps: pd.DataFrame
    log_gaps: Mapping[str, tuple[float, int]]
    purchase_dates: NDArray[np.datetime64]
    last_period: pd.DataFrame | None
    contracts: pd.DataFrame | None
    growth_days: int
    recent_days: int
    min_cell: int
    confidence: float
    unnamed: tuple[int, int] = (0, 0)

    @property
    def days_per_unit(self) -> float:
        return DAYS_PER[self.unit]

    @property
    def holdout_days(self) -> int:
        return (self.as_of - self.split).days if self.split else 0


def history(company: Client, *, holdout_days: int, unit: str = "week", confidence: float = 0.95) -> History:
    """The purchase histories of a client's customers, with the last days held out to test forecasts on.

    Parameters
    ----------
    company : Client
        With a table ``transactions``, or with ``subscriptions``.
    holdout_days : int
        Days at the end that the models do not see; 0 = none.
    unit : {"day", "week", "month"}
        Time unit of the models.
    confidence : float
        Coverage of every interval, between 0 and 1.

    Raises
    ------
    ParamError
        When the hold-out would leave too little to learn from, or the unit is unknown.
    """
    if unit not in ("day", "week", "month"):
        raise ParamError(f"unit: is {unit!r}; {did_you_mean(unit, ['day', 'week', 'month'])}")
    bought, as_of, agreed = _purchases(company), company.as_of, _contracts(company)
    customers = to_frame(summaries.purchase_summary(bought, as_of=as_of))
    start = _start(customers, agreed, as_of)
    split = None if customers.empty and agreed is None else _split(start, as_of, holdout_days)
    held = weekly = arrivals = None
    if split is not None and agreed is None:
        held = to_frame(summaries.holdout_summary(bought, split=split, end=as_of))
        weekly = summaries.purchases_by_period(bought, start=start, end=as_of, acquired_until=split)
        arrivals = summaries.acquisitions(bought, as_of=split)
    waits = summaries.waits_for_second(bought, as_of=as_of)
    attributes = _attributes(company)
    for column in BOUGHT_COLUMNS:
        if column in bought.columns:
            attributes = attributes.merge(main_of(bought, column=column, as_of=as_of), on="customer_id", how="outer")
    bought_by = set(customers["customer_id"]) if agreed is None else set(agreed["customer_id"])
    never = tuple(sorted(set(attributes["customer_id"]) - bought_by))
    growth_days = min(GROWTH_DAYS, (as_of - start).days // 2)
    edges = [as_of - dt.timedelta(days=growth_days * back) for back in (2, 1, 0)]
    windows = spend_in_windows(bought, edges=edges) if growth_days else customers.head(0)[["customer_id"]]
    recent_days = min(GROWTH_DAYS, (as_of - start).days + 1)
    recent = _recent(company, bought, as_of=as_of, days=recent_days, under_contract=agreed is not None)
    cell = company.settings.privacy.min_cell
    return History(
        as_of=as_of,
        start=start,
        split=split,
        unit=unit,
        customers=customers,
        calibration=held,
        weekly=weekly,
        arrivals=arrivals,
        waits=waits,
        never_bought=never,
        attributes=attributes,
        windows=windows,
        recent=recent,
        contracts=agreed,
        gaps=last_two_gaps(bought, as_of=as_of),
        log_gaps=log_gaps(bought, days=[as_of] if split is None else [as_of, split]),
        purchase_dates=purchase_dates(bought, as_of=as_of)["day"].to_numpy().astype("datetime64[D]"),
        last_period=None if split is None else spend_in_windows(bought, edges=[split - (as_of - split), split]),
        growth_days=growth_days,
        recent_days=recent_days,
        min_cell=cell,
        confidence=confidence,
        unnamed=_unnamed(company),
    )


def _unnamed(company: Client) -> tuple[int, int]:
    """Rows of purchases without a usable customer, and all rows read."""
    for one in getattr(company, "intake", ()):
        if one.table == "transactions":
            own = {"customer_id", one.columns.get("customer_id", "customer_id")}
            return sum(part.rows for part in one.set_aside if part.column in own), one.rows_read
    return 0, 0


def _purchases(company: Client) -> Any:
    """The transactions in one currency; where there are none, a table without rows, so that every section can say so."""
    if "transactions" in company.tables:
        return in_one_currency(company)
    import ibis

    return ibis.memtable([], schema={"customer_id": "string", "ordered_at": "date", "amount": "decimal(18, 4)"})


def _contracts(company: Client) -> pd.DataFrame | None:
    if "transactions" in company.tables or "subscriptions" not in company.tables:
        return None
    return contract_spells(company.tables["subscriptions"], as_of=company.as_of)


def _start(customers: pd.DataFrame, agreed: pd.DataFrame | None, as_of: dt.date) -> dt.date:
    firsts = customers["first_day"] if agreed is None else agreed["started_at"]
    return as_of if firsts.empty else firsts.min().date()


def _recent(company: Client, bought: Any, *, as_of: dt.date, days: int, under_contract: bool) -> pd.DataFrame:
    after = as_of - dt.timedelta(days=days)
    if under_contract:
        return paid_in(company.tables["subscriptions"], after=after, until=as_of)
    return spend_in_windows(bought, edges=[after, as_of]).rename(columns={"amount_0": "amount"})


def _attributes(company: Client) -> pd.DataFrame:
    """The customer table's columns by which segments are made; only ids where the table is derived from purchases."""
    import pandas as pd

    table = company.tables.get("customers")
    if table is None:
        return pd.DataFrame({"customer_id": pd.Series(dtype="object")})
    known = [name for name in COLUMNS if name in table.columns]
    return to_frame(table.select("customer_id", *known).order_by("customer_id"))


def _split(start: dt.date, as_of: dt.date, holdout_days: int) -> dt.date | None:
    if holdout_days == 0:
        return None
    span = (as_of - start).days + 1
    if holdout_days > LONGEST_HOLDOUT * span or span - holdout_days < SHORTEST_CALIBRATION_DAYS:
        most = max(0, min(int(LONGEST_HOLDOUT * span), span - SHORTEST_CALIBRATION_DAYS))
        raise ParamError(
            f"holdout_days: is {holdout_days}, but the data cover {span} days; at most {most} can be held out, 0 holds out none"
        )
    return as_of - dt.timedelta(days=holdout_days)


def no_holdout(past: History) -> Text:
    """Why nothing was held out."""
    return NO_PURCHASES if past.customers.empty else Text("nothing is held out (holdout_days is 0)")
