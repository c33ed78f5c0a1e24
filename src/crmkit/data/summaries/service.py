"""What is known of tickets and of the events of their cases, in the rows that the service needs?

What can be counted by day is counted inside the engine. Waits have to be known ticket by ticket where they run in business
hours, so those leave it, with no more columns than are there and only for the time reported. Only operations that agree on
every supported engine are used; every summary is ordered by its key.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from crmkit.data.sources.engine import to_frame

if TYPE_CHECKING:
    import ibis
    import pandas as pd

GROUPS = ("channel", "team", "priority", "category", "kind")
OF_CUSTOMER = ("size",)
MOMENTS = ("first_response_at", "resolved_at", "closed_notice_at")
OTHERS = ("agent_id", "handoffs", "reopened", "escalated", "csat")
UNKNOWN = "unknown"


def handled(tickets: ibis.Table, *, since: dt.date, customers: ibis.Table | None = None) -> pd.DataFrame:
    """How was each ticket handled that was opened since a day?

    Parameters
    ----------
    tickets : ibis.Table
    since : date
    customers : ibis.Table or None
        Whose ``size`` is told with their tickets.

    Returns
    -------
    DataFrame
        ``ticket_id, customer_id, opened_at`` and those columns of the table that are there, a row per ticket, ordered by it.
        Groupings are texts, ``unknown`` where the table says nothing; what is not known else is missing.
    """
    import ibis

    names = [name for name in (*GROUPS, *MOMENTS, *OTHERS) if name in tickets.columns]
    rows = tickets.filter(tickets.opened_at.cast("date") >= ibis.literal(since))
    rows = rows.select("ticket_id", "customer_id", "opened_at", *names)
    of_customer = [name for name in OF_CUSTOMER if customers is not None and name in customers.columns]
    if customers is not None and of_customer:
        # a customer who stands there twice must not make two tickets of one
        one = customers.group_by("customer_id").agg(**{name: customers[name].max() for name in of_customer})
        kept = [rows[name] for name in rows.columns]
        rows = rows.left_join(one, "customer_id").select(*kept, *[one[name] for name in of_customer])
    texts = [name for name in rows.columns if name in (*GROUPS, *OF_CUSTOMER)]
    rows = rows.mutate(**{name: rows[name].fill_null(UNKNOWN) for name in texts})
    return to_frame(rows.order_by("ticket_id"))


def flow_by_day(tickets: ibis.Table) -> pd.DataFrame:
    """How many tickets came in, and how many were finished, on each day?

    Parameters
    ----------
    tickets : ibis.Table
        With ``resolved_at``.

    Returns
    -------
    DataFrame
        ``day, opened, resolved``, a row per day on which something happened, since the first ticket.
    """
    import ibis

    come = tickets.select(day=tickets.opened_at.cast("date"), opened=ibis.literal(1), resolved=ibis.literal(0))
    gone = tickets.filter(tickets.resolved_at.notnull())
    gone = gone.select(day=gone.resolved_at.cast("date"), opened=ibis.literal(0), resolved=ibis.literal(1))
    both = come.union(gone)
    counted = both.group_by("day").agg(opened=both.opened.sum().cast("int64"), resolved=both.resolved.sum().cast("int64"))
    return to_frame(counted.order_by("day"))


def orders_by_day(transactions: ibis.Table, *, since: dt.date) -> pd.DataFrame:
    """How many orders were made on each day since a day? Every row that is no return, as in an audit.

    Returns
    -------
    DataFrame
        ``day, orders``.
    """
    import ibis

    rows = transactions.filter(transactions.ordered_at.cast("date") >= ibis.literal(since))
    if "is_return" in rows.columns:
        rows = rows.filter(~rows.is_return.fill_null(False))
    rows = rows.mutate(day=rows.ordered_at.cast("date"))
    return to_frame(rows.group_by("day").agg(orders=rows.count()).order_by("day"))


def open_ages(tickets: ibis.Table, *, as_of: dt.date) -> pd.DataFrame:
    """How old are the tickets that are open?

    Returns
    -------
    DataFrame
        ``days`` (whole days since opening), ``n``.
    """
    import ibis

    rows = tickets.filter(tickets.resolved_at.isnull())
    rows = rows.select(days=ibis.literal(as_of).delta(rows.opened_at.cast("date"), unit="day"))
    return to_frame(rows.group_by("days").agg(n=rows.count()).order_by("days"))
