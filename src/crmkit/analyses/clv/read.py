"""What have customers bought so far? All that the value analysis takes from a client."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.core.dates import DAYS_PER, DAYS_PER_MONTH
from crmkit.core.errors import ParamError, did_you_mean
from crmkit.core.results import Text
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries import purchases as summaries
from crmkit.data.summaries.money import spend_by_month
from crmkit.data.summaries.spells import COHORT, observed_since, spells
from crmkit.data.summaries.windows import last_two_gaps, log_gaps, main_of, paid_by_contract, purchase_dates, spend_in_windows

if TYPE_CHECKING:
    import ibis
    import pandas as pd
    from numpy.typing import NDArray

    from crmkit.data.client import Client

CUSTOMER_COLUMNS = ("region", "industry", "size", "acquisition_channel", "department")
BOUGHT_COLUMNS = ("category", "channel")  # of purchases: what the customer needs, and how they behave
GROWTH_DAYS = 365
# of a month: months of the calendar are up to a day and a half longer or shorter than their mean
UNEVEN = 0.05
NO_PURCHASES = Text(
    "needs transactions that are no payments for contracts; customers under contract are valued by how long contracts last"
)
NO_AMOUNTS = Text("the transactions hold no amounts")
NO_PRICES = Text("the contracts have no price per month (mrr)")
NO_VALUE = Text("there is no value per customer, because a model could not be fitted")
# the usual half year gives way to a third of the data where they are short; whoever names another number means it
HOLDOUT_DAYS, SHORTEST_SPAN_DAYS = 182, 84
LONGEST_HOLDOUT = 0.6
SHORTEST_CALIBRATION_DAYS = 28


@dataclass(frozen=True)
class Calibration:
    """What was known at the split, and what came in the days held out after it.

    Parameters
    ----------
    customers : DataFrame
        One row per customer known by the split, and what they bought after it.
    weekly : DataFrame
        Repeat purchases per week of these customers, until the last day.
    arrivals : DataFrame
        New customers per day until the split.
    last_period : DataFrame
        ``customer_id, amount_0, purchase_days_0`` of the days before the split, as many as are held out.
    """

    customers: pd.DataFrame
    weekly: pd.DataFrame
    arrivals: pd.DataFrame
    last_period: pd.DataFrame


@dataclass(frozen=True)
class Rhythm:
    """When purchases follow each other.

    Parameters
    ----------
    waits : DataFrame
        Days to the second purchase day: ``duration_days, event_observed, n``.
    gaps : DataFrame
        Last two intervals between purchases, of customers with three purchase days or more.
    log_gaps : dict
        For the last day and the split, as ISO days: sum of the logarithms of all intervals between purchase days, and how many.
    dates : array of datetime64
        Every day on which anybody bought.
    paid : bool
        Whether the transactions are what contracts cost, at even intervals: then contracts say more, and they are left out.
    """

    waits: pd.DataFrame
    gaps: pd.DataFrame
    log_gaps: Mapping[str, tuple[float, int]]
    dates: NDArray[np.datetime64]
    paid: bool = False


@dataclass(frozen=True)
class Spend:
    """What customers spent lately.

    Parameters
    ----------
    windows : DataFrame
        Spend of each customer in the last two periods of ``growth_days``, the earlier one first.
    growth_days : int
        Length of the period whose spend is compared with that of the one before.
    recent : DataFrame
        ``customer_id, amount``: what was bought in the last ``recent_days``.
    recent_days : int
        A year, or less where the data cover less.
    known : bool
        Whether purchases say what was paid; where they do not, every amount is 0 and nothing may be said of money.
    by_month : DataFrame or None
        ``year, month, amount, customers`` of the purchases; None under contract.
    """

    windows: pd.DataFrame
    growth_days: int
    recent: pd.DataFrame
    recent_days: int
    known: bool = True
    by_month: pd.DataFrame | None = None


@dataclass(frozen=True)
class People:
    """Who the customers are.

    Parameters
    ----------
    attributes : DataFrame
        What is known of each customer: ``customer_id`` and the columns that segments are made by; ``category`` and
        ``channel`` are those that the customer spent most on.
    never_bought : tuple of str
        Customers of the customer table without a purchase until the last day.
    unnamed : pair of int
        Purchases left out because they name no customer, and all rows that were read.
    """

    attributes: pd.DataFrame
    never_bought: tuple[str, ...]
    unnamed: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Purchases:
    """The purchases of one client's customers, as of one day.

    Parameters
    ----------
    as_of, start : date
        Last day that counts and first day with a purchase.
    split : date or None
        Last day of the calibration period; None where nothing is held out.
    unit : str
        Time unit of the models: day, week or month (30.4375 days).
    confidence : float
        Coverage of every interval.
    min_cell : int
        Groups of fewer customers are not shown.
    customers : DataFrame
        One row per customer as of ``as_of``; columns of :func:`crmkit.data.summaries.purchases.purchase_summary`.
    calibration : Calibration or None
        None where nothing is held out, and for customers under contract.
    rhythm : Rhythm
    spend : Spend
    people : People
    contracts : DataFrame or None
        Times under contract, where there are subscriptions and no transactions but payments for them: ``customer_id,
        started_at, duration_days, entry_days`` (of them not observed), ``event_observed, active, mrr, plan, renewals`` (whole
        months passed).
    """

    as_of: dt.date
    start: dt.date
    split: dt.date | None
    unit: str
    confidence: float
    min_cell: int
    customers: pd.DataFrame
    calibration: Calibration | None
    rhythm: Rhythm
    spend: Spend
    people: People
    contracts: pd.DataFrame | None

    @property
    def days_per_unit(self) -> float:
        return DAYS_PER[self.unit]

    @property
    def holdout_days(self) -> int:
        return (self.as_of - self.split).days if self.split else 0


def read(
    company: Client, *, holdout_days: int, unit: str = "week", confidence: float = 0.95, sampling: str = COHORT
) -> Purchases:
    """What have a client's customers bought? The last days are held out to test forecasts on.

    Parameters
    ----------
    company : Client
        With a table ``transactions``, or with ``subscriptions``.
    holdout_days : int
        Days at the end that the models do not see; 0 = none. The usual 182 become fewer, or none, where the data are short.
    unit : {"day", "week", "month"}
        Time unit of the models.
    confidence : float
        Coverage of every interval, between 0 and 1.
    sampling : {"cohort", "last_period"} or str
        Of contracts: whether everybody who ever came is in the data; a date YYYY-MM-DD says that customers who had left before
        it are not.

    Raises
    ------
    ParamError
        When the hold-out would leave too little to learn from, or the unit or the sampling is unknown.
    """
    if unit not in ("day", "week", "month"):
        raise ParamError(f"unit: is {unit!r}; {did_you_mean(unit, ['day', 'week', 'month'])}")
    as_of, paid = company.as_of, paid_by_contract(company.tables, as_of=company.as_of)
    since = observed_since(sampling, as_of=as_of)
    bought, agreed = transactions_of(company, paid=paid), _contracts(company, since, paid=paid)
    customers = to_frame(summaries.purchase_summary(bought, as_of=as_of))
    start = _start(customers, agreed, as_of)
    split = None if customers.empty and agreed is None else _split(start, as_of, holdout_days)
    if agreed is not None and since is not None and split is not None and split <= since:
        split = None
    return Purchases(
        as_of=as_of,
        start=start,
        split=split,
        unit=unit,
        confidence=confidence,
        min_cell=company.settings.privacy.min_cell,
        customers=customers,
        calibration=None if split is None or agreed is not None else _calibration(bought, start, split, as_of),
        rhythm=replace(_rhythm(bought, as_of, split), paid=paid),
        spend=_spend(company, bought, customers, start, under_contract=agreed is not None),
        people=_people(company, bought, customers if agreed is None else agreed),
        contracts=agreed,
    )


def transactions_of(company: Client, *, paid: bool) -> Any:
    """The transactions; where none count, a table without rows, so that every section can say so."""
    if "transactions" in company.tables and not paid:
        return summaries.with_amounts(company.tables["transactions"])
    import ibis

    return ibis.memtable([], schema={"customer_id": "string", "ordered_at": "date", "amount": "decimal(18, 4)"})


def _contracts(company: Client, since: dt.date | None, *, paid: bool) -> pd.DataFrame | None:
    """Each time under contract: start, months passed, renewals made, whether it goes on, price per month."""
    if ("transactions" in company.tables and not paid) or "subscriptions" not in company.tables:
        return None
    table = to_frame(spells(company.tables["subscriptions"], as_of=company.as_of, since=since))
    # who came on the last day is no customer of the time observed, on no page
    table = table[table["duration_days"] > table["entry_days"]].reset_index(drop=True)
    wanted = ["customer_id", "started_at", "duration_days", "entry_days", "event_observed", "mrr", "plan"]
    return table[wanted].assign(
        event_observed=table["event_observed"].astype(bool),
        active=table["ended_at"].isna(),
        renewals=np.floor(table["duration_days"] / DAYS_PER_MONTH + UNEVEN).astype("int64"),
    )


def _start(customers: pd.DataFrame, agreed: pd.DataFrame | None, as_of: dt.date) -> dt.date:
    firsts = customers["first_day"] if agreed is None else agreed["started_at"]
    return as_of if firsts.empty else firsts.min().date()


def _split(start: dt.date, as_of: dt.date, holdout_days: int) -> dt.date | None:
    if holdout_days == 0:
        return None
    span = (as_of - start).days + 1
    if holdout_days > LONGEST_HOLDOUT * span or span - holdout_days < SHORTEST_CALIBRATION_DAYS:
        most = max(0, min(int(LONGEST_HOLDOUT * span), span - SHORTEST_CALIBRATION_DAYS))
        if holdout_days == HOLDOUT_DAYS:
            return as_of - dt.timedelta(days=span // 3) if span // 3 <= most and span >= SHORTEST_SPAN_DAYS else None
        raise ParamError(
            f"holdout_days: is {holdout_days}, but the data cover {span} days; at most {most} can be held out, 0 holds out none"
        )
    return as_of - dt.timedelta(days=holdout_days)


def _calibration(bought: Any, start: dt.date, split: dt.date, as_of: dt.date) -> Calibration:
    return Calibration(
        customers=to_frame(summaries.holdout_summary(bought, split=split, end=as_of)),
        weekly=summaries.purchases_by_period(bought, start=start, end=as_of, acquired_until=split),
        arrivals=summaries.acquisitions(bought, as_of=split),
        last_period=spend_in_windows(bought, edges=[split - (as_of - split), split]),
    )


def _rhythm(bought: Any, as_of: dt.date, split: dt.date | None) -> Rhythm:
    return Rhythm(
        waits=summaries.waits_for_second(bought, as_of=as_of),
        gaps=last_two_gaps(bought, as_of=as_of),
        log_gaps=log_gaps(bought, days=[as_of] if split is None else [as_of, split]),
        dates=purchase_dates(bought, as_of=as_of)["day"].to_numpy().astype("datetime64[D]"),
    )


def _spend(company: Client, bought: Any, customers: pd.DataFrame, start: dt.date, *, under_contract: bool) -> Spend:
    as_of, span = company.as_of, (company.as_of - start).days
    growth_days, recent_days = min(GROWTH_DAYS, span // 2), min(GROWTH_DAYS, span + 1)
    edges = [as_of - dt.timedelta(days=growth_days * back) for back in (2, 1, 0)]
    after = as_of - dt.timedelta(days=recent_days)
    if under_contract:
        recent = paid_in(company.tables["subscriptions"], after=after, until=as_of)
    else:
        recent = spend_in_windows(bought, edges=[after, as_of]).rename(columns={"amount_0": "amount"})
    return Spend(
        windows=spend_in_windows(bought, edges=edges) if growth_days else customers.head(0)[["customer_id"]],
        growth_days=growth_days,
        recent=recent,
        recent_days=recent_days,
        known=under_contract or "transactions" not in company.tables or summaries.has_amounts(company.tables["transactions"]),
        by_month=None if under_contract else spend_by_month(bought, until=as_of),
    )


def paid_in(subscriptions: ibis.Table, *, after: dt.date, until: dt.date) -> pd.DataFrame:
    """What did customers pay in a period by the prices of their contracts? ``customer_id, amount``, ordered."""
    import pandas as pd

    columns = [name for name in ("customer_id", "started_at", "ended_at", "mrr") if name in subscriptions.columns]
    rows = to_frame(subscriptions.select(*columns))
    if "mrr" not in rows:
        return pd.DataFrame({"customer_id": pd.Series(dtype="object"), "amount": pd.Series(dtype="float64")})
    begins, ends = pd.Timestamp(after) + pd.Timedelta(days=1), pd.Timestamp(until)
    first = pd.to_datetime(rows["started_at"]).to_numpy()
    last = pd.to_datetime(rows["ended_at"]) if "ended_at" in rows else pd.Series(pd.NaT, index=rows.index)
    span = np.minimum(last.fillna(ends).to_numpy(), ends.to_numpy()) - np.maximum(first, begins.to_numpy())
    days = np.maximum(span / np.timedelta64(1, "D") + 1, 0.0)
    amount = days / DAYS_PER_MONTH * rows["mrr"].astype("float64").fillna(0.0).to_numpy()
    return pd.DataFrame({"customer_id": rows["customer_id"], "amount": amount}).groupby("customer_id", as_index=False).sum()


def _people(company: Client, bought: Any, ever: pd.DataFrame) -> People:
    """Everybody in the customer table or among the buyers, and who of them is in neither purchases nor contracts."""
    attributes = _attributes(company)
    for column in BOUGHT_COLUMNS:
        if column in bought.columns:
            attributes = attributes.merge(main_of(bought, column=column, as_of=company.as_of), on="customer_id", how="outer")
    never = tuple(sorted(set(attributes["customer_id"]) - set(ever["customer_id"])))
    return People(attributes, never, _unnamed(company))


def _attributes(company: Client) -> pd.DataFrame:
    """The customer table's columns by which segments are made; only ids where the table is derived from purchases."""
    import pandas as pd

    table = company.tables.get("customers")
    if table is None:
        return pd.DataFrame({"customer_id": pd.Series(dtype="object")})
    there = [name for name in CUSTOMER_COLUMNS if name in table.columns]
    return to_frame(table.select("customer_id", *there).order_by("customer_id"))


def _unnamed(company: Client) -> tuple[int, int]:
    """Rows of purchases without a usable customer, and all rows read."""
    for one in getattr(company, "intake", ()):
        if one.table == "transactions":
            own = {"customer_id", one.columns.get("customer_id", "customer_id")}
            return sum(part.rows for part in one.set_aside if part.column in own), one.rows_read
    return 0, 0


def no_value(past: Purchases) -> Text:
    """Why no customer has a value."""
    if past.contracts is not None and past.contracts["mrr"].isna().all():
        return NO_PRICES
    return NO_VALUE if past.spend.known else NO_AMOUNTS


def no_holdout(past: Purchases) -> Text:
    """Why nothing was held out."""
    return NO_PURCHASES if past.customers.empty else Text("nothing is held out: holdout_days is 0, or the data are too short")
