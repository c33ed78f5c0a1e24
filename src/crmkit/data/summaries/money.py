"""What was spent, what did goods cost, who came, and what was bought together? Sums that the pages on money rest on."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.purchases import MONEY

if TYPE_CHECKING:
    import ibis
    import pandas as pd


def monthly_costs(costs: ibis.Table, *, until: dt.date) -> pd.DataFrame:
    """What was spent in each month, on what, and for which channel?

    Parameters
    ----------
    costs : ibis.Table
        ``period, category, amount`` and, where there is one, ``channel``.
    until : date
        Last day that counts.

    Returns
    -------
    pandas.DataFrame
        ``period`` (first day of the month), ``category, channel`` (empty where nobody wrote it down), ``amount``; ordered.
    """
    import ibis

    seen = costs.filter(costs.period <= ibis.literal(until))
    channel = seen.channel.fill_null("") if "channel" in costs.columns else ibis.literal("")
    seen = seen.mutate(channel=channel, money=seen.amount.cast(MONEY))
    keys = ["period", "category", "channel"]
    return to_frame(seen.group_by(keys).agg(amount=seen.money.sum().cast("float64")).order_by(keys))


def goods_by_customer(transactions: ibis.Table, *, after: dt.date, until: dt.date) -> pd.DataFrame:
    """What did each customer pay in a period, and what did the goods cost?

    Parameters
    ----------
    transactions : ibis.Table
        ``customer_id, ordered_at, amount, cost`` and, where there is one, ``is_return``; returns do not count.
    after, until : date
        The period runs from the day after ``after`` to ``until``.

    Returns
    -------
    pandas.DataFrame
        ``customer_id, paid, cost`` of the rows that tell their cost, ``without`` (what was paid in the other rows); ordered.
    """
    import ibis

    day = transactions.ordered_at.cast("date")
    seen = transactions.filter((day > ibis.literal(after)) & (day <= ibis.literal(until)))
    if "is_return" in transactions.columns:
        seen = seen.filter(~seen.is_return.fill_null(False))
    told = seen.cost.notnull()
    seen = seen.mutate(money=seen.amount.cast(MONEY), goods=seen.cost.cast(MONEY), told=told)
    sums = {
        "paid": seen.money.sum(where=seen.told).fill_null(0).cast("float64"),
        "cost": seen.goods.sum(where=seen.told).fill_null(0).cast("float64"),
        "without": seen.money.sum(where=~seen.told).fill_null(0).cast("float64"),
    }
    return to_frame(seen.group_by("customer_id").agg(**sums).order_by("customer_id"))


def spend_by_month(transactions: ibis.Table, *, until: dt.date) -> pd.DataFrame:
    """What was spent in each month, and by how many customers?

    Parameters
    ----------
    transactions : ibis.Table
        ``customer_id, ordered_at, amount`` and, where there is one, ``is_return``; returns do not count.
    until : date
        Last day that counts.

    Returns
    -------
    pandas.DataFrame
        ``year, month, amount, customers``; only months in which something was bought, the oldest first.
    """
    import ibis

    day = transactions.ordered_at.cast("date")
    seen = transactions.filter(day <= ibis.literal(until))
    if "is_return" in transactions.columns:
        seen = seen.filter(~seen.is_return.fill_null(False))
    day = seen.ordered_at.cast("date")
    seen = seen.mutate(year=day.year(), month=day.month(), money=seen.amount.cast(MONEY))
    sums = {"amount": seen.money.sum().cast("float64"), "customers": seen.customer_id.nunique()}
    return to_frame(seen.group_by("year", "month").agg(**sums).order_by("year", "month"))


def bought_by_customer(transactions: ibis.Table, *, column: str, until: dt.date) -> pd.DataFrame:
    """Which categories, or products, has each customer ever bought?

    Parameters
    ----------
    transactions : ibis.Table
        ``customer_id, ordered_at`` and ``column``; returns do not count.
    column : str
    until : date
        Last day that counts.

    Returns
    -------
    pandas.DataFrame
        ``customer_id`` and ``column``, each pair once; ordered.
    """
    import ibis

    seen = transactions.filter((transactions.ordered_at.cast("date") <= ibis.literal(until)) & transactions[column].notnull())
    if "is_return" in transactions.columns:
        seen = seen.filter(~seen.is_return.fill_null(False))
    return to_frame(seen.select("customer_id", column).distinct().order_by("customer_id", column))
