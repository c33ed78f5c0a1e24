"""What happened in single tickets, and to which customers? Rows for the causes that an audit looks for.

Only operations that agree on every supported engine are used; every table is ordered by its key, and has a limit.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from crmkit.data.sources.engine import to_frame

if TYPE_CHECKING:
    import ibis
    import pandas as pd

MOST_TICKETS = 20_000
HOUR = 3600.0
PLAIN = ("channel", "kind", "priority", "team", "category")
OF_CUSTOMERS = ("size", "industry", "region")


def rated_tickets(
    tickets: ibis.Table,
    *,
    since: dt.date,
    events: ibis.Table | None = None,
    customers: ibis.Table | None = None,
    rated: bool = True,
) -> pd.DataFrame:
    """What had customers been through who rated a ticket?

    Parameters
    ----------
    tickets : ibis.Table
    since : date
        First day of opening that counts.
    events, customers : ibis.Table or None
        For the steps taken, and for what is known of the customer.
    rated : bool
        Only tickets with a score.

    Returns
    -------
    DataFrame
        The newest tickets, at most 20,000: ``ticket_id, customer_id, opened_at, csat``; ``delay_hours`` to the first response,
        ``handoffs, steps, reopened``; ``unmatched`` (1: not found in every system, or without address and number); ``channel,
        kind, priority, team, category``; ``size, industry, region`` of the customer. What the tables do not have is left out.
    """
    has = set(tickets.columns)
    rows = tickets.filter(tickets.opened_at.cast("date") >= since)
    if rated:
        rows = rows.filter(rows.csat.notnull())
    columns: dict[str, Any] = {name: rows[name] for name in ("ticket_id", "customer_id", "opened_at")}
    columns |= {name: rows[name] for name in PLAIN if name in has}
    if "csat" in has:
        columns["csat"] = rows.csat.cast("float64")
    if "first_response_at" in has:
        columns["delay_hours"] = (rows.first_response_at.epoch_seconds() - rows.opened_at.epoch_seconds()) / HOUR
    if "handoffs" in has:
        columns["handoffs"] = rows.handoffs.cast("float64")
    if "reopened" in has:
        columns["reopened"] = rows.reopened.cast("int64").cast("float64")
    chosen = rows.select(**columns).order_by([_newest("opened_at"), "ticket_id"]).limit(MOST_TICKETS)
    if events is not None:
        steps = events.group_by("ticket_id").agg(steps=events.count().cast("float64"))
        chosen = chosen.left_join(steps, "ticket_id").drop("ticket_id_right")
    if customers is not None:
        flag = _scattered(customers)
        known = {name: customers[name] for name in OF_CUSTOMERS if name in customers.columns}
        known |= {} if flag is None else {"unmatched": flag.cast("int64").cast("float64")}
        if known:
            chosen = chosen.left_join(customers.select("customer_id", **known), "customer_id").drop("customer_id_right")
    return to_frame(chosen.order_by("ticket_id"))


def scattered_customers(customers: ibis.Table) -> list[str]:
    """Customers who are not found in every system, or have neither address nor number; in order of their ids."""
    flag = _scattered(customers)
    if flag is None:
        return []
    return to_frame(customers.filter(flag).select("customer_id").order_by("customer_id"))["customer_id"].tolist()


def without_consent(customers: ibis.Table) -> list[str]:
    """Customers without consent; in order of their ids."""
    if "consent_at" not in customers.columns:
        return []
    return to_frame(customers.filter(customers.consent_at.isnull()).select("customer_id").order_by("customer_id"))[
        "customer_id"
    ].tolist()


def yearly_fees(subscriptions: ibis.Table) -> pd.DataFrame:
    """What does each customer pay a year for the contracts that run? ``customer_id, worth``."""
    rows = subscriptions.filter(subscriptions.ended_at.isnull()) if "ended_at" in subscriptions.columns else subscriptions
    if "mrr" not in rows.columns:
        return to_frame(rows.select("customer_id").limit(0)).assign(worth=[])
    found = rows.group_by("customer_id").agg(worth=(rows.mrr.sum() * 12).cast("float64"))
    return to_frame(found.order_by("customer_id"))


def case_events(events: ibis.Table, ticket_ids: list[str]) -> pd.DataFrame:
    """The way of single tickets: ``ticket_id, occurred_at, activity, team``, in order of time."""
    names = [name for name in ("ticket_id", "occurred_at", "activity", "team") if name in events.columns]
    rows = events.filter(events.ticket_id.isin(ticket_ids)).select(*names)
    return to_frame(rows.order_by("ticket_id", "occurred_at", "activity"))


def _scattered(customers: Any) -> Any:
    """Whether a customer is missing from a system that others are in, or cannot be reached; None where neither is known."""
    flags: list[Any] = []
    if "source_system" in customers.columns:
        named = customers.source_system.fill_null("")
        systems = named.length() - named.replace(";", "").length()
        most = to_frame(customers.aggregate(most=systems.max()))["most"].iloc[0]
        if most:
            flags.append(systems < int(most))
    contacts = [customers[name].isnull() for name in ("email", "phone") if name in customers.columns]
    if len(contacts) == 2:
        flags.append(contacts[0] & contacts[1])
    if not flags:
        return None
    return flags[0] if len(flags) == 1 else flags[0] | flags[1]


def _newest(column: str) -> Any:
    import ibis

    return ibis.desc(column)
