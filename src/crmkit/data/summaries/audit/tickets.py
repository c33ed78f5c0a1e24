"""How were tickets handled, in the few numbers that an audit needs?

Every summary counts inside the engine, by the month in which the ticket was opened, and by customer, so that tickets of one
customer need not be taken for independent. Tables are as opened: nothing after ``as_of`` is in them. Only operations that
agree on every supported engine are used; every summary is ordered by its key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.audit.months import month_ends, month_of

if TYPE_CHECKING:
    import ibis
    import pandas as pd

HOUR = 3600
MINUTE = 60
WEEK = 7
COMPLAINT = "complaint"
UNKNOWN = "unknown"


def ticket_counts(
    tickets: ibis.Table,
    *,
    as_of: dt.date,
    starts: Sequence[dt.date],
    sla_hours: float,
    ack_hours: float = 24.0,
    notice_days: int = 7,
) -> pd.DataFrame:
    """How many tickets did each customer have, and how many of them went as they should?

    Parameters
    ----------
    tickets : ibis.Table
    as_of : date
        Last day that counts.
    starts : sequence of date
        From :func:`crmkit.data.summaries.audit.months.month_starts`.
    sla_hours, ack_hours : float
        Hours within which a ticket, and a complaint, ought to be answered.
    notice_days : int
        Days after which it is held against a resolved ticket that its outcome was not reported.

    Returns
    -------
    DataFrame
        ``month, customer_id, tickets, complaints`` and pairs of what went right and of how many that is known: ``answered,
        answered_of``; ``acknowledged, acknowledged_of`` (complaints); ``resolved``; ``at_once, at_once_of``; ``reopened,
        reopened_of``; ``noticed, noticed_of`` (the last three of resolved tickets). A pair is missing where its columns are.

    Notes
    -----
    A ticket counts once the time that it may take is over, whatever has become of it until then: else the quick ones among
    the newest would count and the slow ones not.
    """
    import ibis

    has = set(tickets.columns)
    rows = tickets.mutate(month=month_of(tickets.opened_at.cast("date"), starts=starts))
    rows = rows.filter(rows.month < len(starts))
    over = dt.datetime.combine(as_of, dt.time()) + dt.timedelta(days=1)
    complaint = (rows.kind == COMPLAINT).fill_null(False) if "kind" in has else ibis.literal(False)
    counts: dict[str, Any] = {"tickets": rows.count(), "complaints": rows.count(where=complaint)}
    if "first_response_at" in has:
        waited = rows.first_response_at.epoch_seconds() - rows.opened_at.epoch_seconds()
        for name, hours, which in (("answered", sla_hours, ibis.literal(True)), ("acknowledged", ack_hours, complaint)):
            # the quick ones among the newest must not count either, or the share would be too good
            known = which & (rows.opened_at <= ibis.literal(over - dt.timedelta(hours=hours)))
            counts[name] = rows.count(where=known & (waited <= int(hours * HOUR)).fill_null(False))
            counts[f"{name}_of"] = rows.count(where=known)
    if "resolved_at" in has:
        counts |= _of_resolved(rows, has, over=over, notice_days=notice_days)
    keys = ["month", "customer_id"]
    return to_frame(rows.group_by(keys).agg(**counts).order_by(keys))


def _of_resolved(rows: Any, has: set[str], *, over: dt.datetime, notice_days: int) -> dict[str, Any]:
    import ibis

    resolved = rows.resolved_at.notnull()
    counts: dict[str, Any] = {"resolved": rows.count(where=resolved)}
    if "reopened" in has:
        counts["reopened"] = rows.count(where=resolved & rows.reopened.fill_null(False))
        counts["reopened_of"] = rows.count(where=resolved & rows.reopened.notnull())
    if {"reopened", "handoffs"} <= has:
        counts["at_once"] = rows.count(where=resolved & ~rows.reopened.fill_null(True) & (rows.handoffs == 0).fill_null(False))
        counts["at_once_of"] = rows.count(where=resolved & rows.reopened.notnull() & rows.handoffs.notnull())
    if "closed_notice_at" in has:
        due = resolved & (rows.resolved_at <= ibis.literal(over - dt.timedelta(days=notice_days)))
        counts["noticed"] = rows.count(where=due & rows.closed_notice_at.notnull())
        counts["noticed_of"] = rows.count(where=due)
    return counts


def ticket_waits(tickets: ibis.Table, *, until: str, as_of: dt.date, starts: Sequence[dt.date]) -> pd.DataFrame:
    """How long did tickets wait, and which still do?

    Parameters
    ----------
    tickets : ibis.Table
    until : {"first_response_at", "resolved_at"}
        What they waited for.
    as_of : date
        Last day that counts; who waits at its end has waited until then; who was helped before has waited until they were.
    starts : sequence of date

    Returns
    -------
    DataFrame
        ``month, complaint, minutes, event, n``: whole minutes since opening, whether it came, tickets.
    """
    import ibis

    over = dt.datetime.combine(as_of, dt.time()) + dt.timedelta(days=1)
    # who was helped without an answer that anybody wrote down waits for none any more
    gone = [tickets.resolved_at] if "resolved_at" in tickets.columns else []
    end = ibis.coalesce(*(one.epoch_seconds() for one in (tickets[until], *gone, ibis.literal(over))))
    complaint = (tickets.kind == COMPLAINT).fill_null(False) if "kind" in tickets.columns else ibis.literal(False)
    rows = tickets.select(
        month=month_of(tickets.opened_at.cast("date"), starts=starts),
        complaint=complaint,
        minutes=((end - tickets.opened_at.epoch_seconds()) // MINUTE).cast("int64"),
        event=tickets[until].notnull(),
    )
    rows = rows.filter(rows.month < len(starts))
    keys = ["month", "complaint", "minutes", "event"]
    return to_frame(rows.group_by(keys).agg(n=rows.count()).order_by(keys))


def backlog(tickets: ibis.Table, *, as_of: dt.date, starts: Sequence[dt.date], norm_hours: float) -> pd.DataFrame:
    """How many tickets were open past the norm at the end of each month, and how many came in it?

    Parameters
    ----------
    tickets : ibis.Table
        With ``resolved_at``.
    as_of, starts
        As for :func:`ticket_counts`.
    norm_hours : float
        Hours after which an open ticket is late.

    Returns
    -------
    DataFrame
        ``month, late, inflow, days``, a row per month.
    """
    import ibis
    import pandas as pd

    months = len(starts)
    late = (tickets.opened_at + ibis.interval(seconds=round(norm_hours * HOUR))).cast("date")
    rows = tickets.select(
        opened=month_of(tickets.opened_at.cast("date"), starts=starts),
        late=ibis.ifelse(late <= ibis.literal(as_of), month_of(late, starts=starts), ibis.literal(-1)),
        done=ibis.ifelse(
            tickets.resolved_at.isnull(), ibis.literal(-1), month_of(tickets.resolved_at.cast("date"), starts=starts)
        ),
    )
    keys = ["opened", "late", "done"]
    found = to_frame(rows.group_by(keys).agg(n=rows.count()).order_by(keys))
    # months are counted back: at the end of one, a ticket is late that was so in it or before, and was done after it, if ever
    each, count = pd.RangeIndex(months), found["n"].to_numpy()
    waits = [int(count[(found["late"] >= back) & (found["done"] < back)].sum()) for back in each]
    inflow = found.groupby("opened")["n"].sum().reindex(each, fill_value=0)
    days = [(end - start).days + 1 for start, end in zip(starts, month_ends(as_of, months=months), strict=True)]
    return pd.DataFrame({"month": list(each), "late": waits, "inflow": inflow.astype("int64").tolist(), "days": days})


def closed_by_week(tickets: ibis.Table, *, as_of: dt.date, weeks: int) -> pd.DataFrame:
    """How many tickets of each kind did each agent close in each week?

    Parameters
    ----------
    tickets : ibis.Table
        With ``resolved_at`` and ``agent_id``.
    as_of : date
        Last day of week 0.
    weeks : int
        How many weeks back.

    Returns
    -------
    DataFrame
        ``week, agent_id, kind, n, seconds`` (from opening to resolution, all tickets); weeks are counted back from ``as_of``.
    """
    import ibis

    done = tickets.filter(tickets.resolved_at.notnull() & tickets.agent_id.notnull())
    kind = done.kind.fill_null(UNKNOWN) if "kind" in tickets.columns else ibis.literal(UNKNOWN)
    rows = done.select(
        "agent_id",
        week=ibis.literal(as_of).delta(done.resolved_at.cast("date"), unit="day") // WEEK,
        kind=kind,
        seconds=done.resolved_at.epoch_seconds() - done.opened_at.epoch_seconds(),
    )
    rows = rows.filter(rows.week < weeks)
    keys = ["week", "agent_id", "kind"]
    return to_frame(rows.group_by(keys).agg(n=rows.count(), seconds=rows.seconds.sum().cast("int64")).order_by(keys))


def ratings_by_agent(tickets: ibis.Table, *, starts: Sequence[dt.date]) -> pd.DataFrame:
    """How did customers rate the tickets of each agent?

    Parameters
    ----------
    tickets : ibis.Table
        With ``agent_id`` and ``csat``.
    starts : sequence of date

    Returns
    -------
    DataFrame
        ``month, agent_id, csat, n``: tickets with a rating, by the month in which they were opened.
    """
    rated = tickets.filter(tickets.csat.notnull() & tickets.agent_id.notnull())
    rows = rated.select(
        "agent_id", csat=rated.csat.cast("float64"), month=month_of(rated.opened_at.cast("date"), starts=starts)
    )
    rows = rows.filter(rows.month < len(starts))
    keys = ["month", "agent_id", "csat"]
    return to_frame(rows.group_by(keys).agg(n=rows.count()).order_by(keys))
