"""How good are the customer records, who came, who was active, and what did they buy?

Records change in place, so what is said of them holds at ``as_of`` only. Only operations that agree on every supported engine
are used; every summary is ordered by its key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.audit.months import month_of
from crmkit.data.summaries.purchases import MONEY, with_amounts

if TYPE_CHECKING:
    import ibis
    import pandas as pd

FOLLOWS_WITHIN = 31
FOLLOW_UP = ("follow_up", "follow-up", "follow up", "followup", "回访", "回訪")
PLACES = ("source_system", "department")


def record_ages(customers: ibis.Table, *, as_of: dt.date) -> pd.DataFrame:
    """How many days ago was each record last updated, or made where it never was?

    Returns
    -------
    DataFrame
        ``days, n``; days are empty where no date is known.
    """
    import ibis

    dates = [customers[name] for name in ("updated_at", "created_at") if name in customers.columns]
    last = ibis.coalesce(*dates) if dates else ibis.null("date")
    rows = customers.select(days=ibis.literal(as_of).delta(last, unit="day"))
    return to_frame(rows.group_by("days").agg(n=rows.count()).order_by("days"))


def purchases(transactions: ibis.Table, *, starts: Sequence[dt.date]) -> pd.DataFrame:
    """What did each customer buy in each month?

    Returns
    -------
    DataFrame
        ``month, customer_id, orders, returns, amount`` (less returns)``, last_on`` (of the last order).
    """
    import ibis

    transactions = with_amounts(transactions)
    rows = transactions.mutate(month=month_of(transactions.ordered_at, starts=starts))
    rows = rows.filter(rows.month < len(starts))
    back = rows.is_return.fill_null(False) if "is_return" in rows.columns else ibis.literal(False)
    amount = rows.amount.cast(MONEY)
    # a return is written with or without its sign
    rows = rows.mutate(back=back, net=ibis.ifelse(back, -amount.abs(), amount))
    keys = ["month", "customer_id"]
    counts = {
        "orders": rows.count(where=~rows.back),
        "returns": rows.count(where=rows.back),
        "amount": rows.net.sum().cast("float64"),
        "last_on": rows.ordered_at.cast("date").max(where=~rows.back),
    }
    return to_frame(rows.group_by(keys).agg(**counts).order_by(keys))


def contacts(interactions: ibis.Table, *, starts: Sequence[dt.date]) -> pd.DataFrame:
    """How often were customers in contact in each month, and how often did the company follow up?

    Returns
    -------
    DataFrame
        ``month, customer_id, contacts, outbound, followups``; use of a product is no contact.
    """
    import ibis

    has, no = set(interactions.columns), ibis.literal(False)
    rows = interactions.mutate(
        month=month_of(interactions.occurred_at, starts=starts),
        outbound=(interactions.direction == "outbound").fill_null(False) if "direction" in has else no,
        followup=interactions.kind.lower().isin(FOLLOW_UP).fill_null(False) if "kind" in has else no,
        usage=(interactions.kind == "usage").fill_null(False) if "kind" in has else no,
    )
    rows = rows.filter((rows.month < len(starts)) & ~rows.usage)
    keys = ["month", "customer_id"]
    counts = {
        # a row may stand for several contacts
        "contacts": (rows.quantity.sum().fill_null(0) if "quantity" in has else rows.count()).cast("int64"),
        "outbound": rows.count(where=rows.outbound),
        "followups": rows.count(where=rows.followup),
    }
    return to_frame(rows.group_by(keys).agg(**counts).order_by(keys))


def arrivals(customers: ibis.Table, *, starts: Sequence[dt.date], referrals: ibis.Table | None = None) -> pd.DataFrame:
    """How many customers came in each month, and how many of them were referred?

    Returns
    -------
    DataFrame
        ``month, n, referred``; the oldest month holds all who came before, and customers without a date are left out.
    """
    rows = customers.filter(customers.created_at.notnull())
    rows = rows.select("customer_id", month=month_of(rows.created_at, starts=starts))
    found = to_frame(rows.group_by("month").agg(n=rows.count()).order_by("month"))
    if referrals is None:
        return found.assign(referred=float("nan"))
    known = referrals.select(customer_id=referrals.referred_id).distinct()
    came = rows.semi_join(known, "customer_id")
    counted = to_frame(came.group_by("month").agg(referred=came.count()).order_by("month"))
    found = found.merge(counted, on="month", how="left")
    return found.assign(referred=found["referred"].fillna(0.0))


def contract_months(subscriptions: ibis.Table, *, starts: Sequence[dt.date]) -> pd.DataFrame:
    """In which months did contracts begin and end, and were they renewed?

    Returns
    -------
    DataFrame
        ``customer_id, first, last, renewed, follows, paused``, a row per contract: months of the first and of the last day
        (empty while it runs), whether it is said to have been renewed, whether another contract of the customer begins after
        its start and within 31 days of its end, whether it was only paused.
    """
    import ibis

    has = set(subscriptions.columns)
    ended = subscriptions.ended_at if "ended_at" in has else ibis.null("date")
    paused = subscriptions.churn_kind == "paused" if "churn_kind" in has else ibis.literal(False)
    rows = subscriptions.select(
        "customer_id",
        "started_at",
        ended_at=ended,
        renewed=subscriptions.renewed if "renewed" in has else ibis.null("boolean"),
        paused=paused.fill_null(False),
    )
    order = ibis.window(group_by="customer_id", order_by=[rows.started_at, rows.ended_at])
    rows = rows.mutate(following=rows.started_at.lead().over(order))
    gap = rows.following.delta(rows.ended_at, unit="day")
    found = rows.select(
        "customer_id",
        first=month_of(rows.started_at, starts=starts),
        last=ibis.ifelse(rows.ended_at.notnull(), month_of(rows.ended_at, starts=starts), ibis.null("int64")),
        renewed=rows.renewed,
        follows=(gap <= FOLLOWS_WITHIN).fill_null(False),
        paused=rows.paused,
    )
    return to_frame(found.order_by("customer_id", "first", "last", "renewed", "follows", "paused"))


def campaign_results(
    exposures: ibis.Table, transactions: ibis.Table, *, starts: Sequence[dt.date], effect_days: int
) -> pd.DataFrame:
    """What did customers buy after a campaign, those who got it and those who did not?

    Parameters
    ----------
    exposures, transactions : ibis.Table
    starts : sequence of date
    effect_days : int
        Days from the day of exposure on in which purchases count.

    Returns
    -------
    DataFrame
        ``campaign_id, arm, month`` (of exposure)``, n, revenue, squares``: customers, sum and sum of squares of what each
        bought.
    """
    transactions = with_amounts(transactions)
    bought = transactions.select("customer_id", "ordered_at", amount=transactions.amount.cast(MONEY))
    if "is_return" in transactions.columns:
        bought = transactions.filter(~transactions.is_return.fill_null(False))
        bought = bought.select("customer_id", "ordered_at", amount=bought.amount.cast(MONEY))
    seen = exposures.filter(exposures.exposed_at.notnull())
    days = bought.ordered_at.delta(seen.exposed_at, unit="day")
    on = [seen.customer_id == bought.customer_id, days >= 0, days < effect_days]
    pairs = seen.left_join(bought, on)
    names = ["campaign_id", "customer_id", "arm", "exposed_at"]
    pairs = pairs.select(*[seen[name] for name in names], amount=bought.amount)
    each = pairs.group_by(names).agg(spent=pairs.amount.sum().fill_null(0).cast("float64"))
    each = each.mutate(month=month_of(each.exposed_at, starts=starts))
    keys = ["campaign_id", "arm", "month"]
    frame = to_frame(each.select("customer_id", *keys, "spent").order_by("customer_id", *keys))
    frame = frame.assign(squares=frame["spent"] ** 2)
    grouped = frame.groupby(keys, sort=True, as_index=False)
    return grouped.agg(n=("spent", "size"), revenue=("spent", "sum"), squares=("squares", "sum"))
