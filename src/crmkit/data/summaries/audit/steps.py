"""Which way does a case take: how many steps, how many hand-offs, how much waiting, in the declared order or not?

A case is a ticket; it counts once it is resolved, because one that runs has not taken all its steps. Only operations that
agree on every supported engine are used; the summary is ordered by its key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.audit.months import month_of

if TYPE_CHECKING:
    import ibis
    import pandas as pd

HOUR = 3600
OF_TICKET = ("category", "kind")


def case_counts(
    events: ibis.Table,
    *,
    starts: Sequence[dt.date],
    tickets: ibis.Table | None = None,
    processes: pd.DataFrame | None = None,
    idle_hours: float = 1.0,
) -> pd.DataFrame:
    """What way did the cases of each customer take?

    Parameters
    ----------
    events : ibis.Table
        ``ticket_id, occurred_at, activity`` and, where there is one, ``team``.
    starts : sequence of date
        From :func:`crmkit.data.summaries.audit.months.month_starts`; a case belongs to the month of its first event.
    tickets : ibis.Table or None
        Who the customer is, whether the case is resolved, and its kind or category; None: every case counts.
    processes : DataFrame or None
        ``process, step, position``: the declared order. Where there are several processes, a case has the one that is named
        like its category or kind.
    idle_hours : float
        A gap between two events that is longer is waiting.

    Returns
    -------
    DataFrame
        ``month, customer_id`` (the case, where the customer is not known), ``cases, steps`` (events), ``handoffs`` (changes of
        team, where there are teams), ``flow, idle`` (seconds from the first to the last event, and of them those in gaps that
        are waiting), ``timed`` (cases that take time), and of the cases with a declared process ``declared_of`` (cases),
        ``declared_steps`` (events in them), ``declared`` (steps declared), ``conform`` (cases whose events are the declared
        steps in their order).
    """
    import ibis

    rows = _with_case(events, tickets, processes)
    window = ibis.window(group_by="ticket_id", order_by=[rows.occurred_at, rows.place, rows.activity])
    seconds = rows.occurred_at.epoch_seconds()
    rows = rows.mutate(
        before=rows.place.lag().over(window),
        number=ibis.row_number().over(window),
        gap=seconds - seconds.lag().over(window),
    )
    rows = rows.mutate(changed=_changed(rows, window), wrong=_wrong(rows))
    case = rows.group_by("ticket_id").agg(
        day=rows.occurred_at.cast("date").min(),
        customer_id=rows.customer_id.max(),
        steps=rows.count(),
        handoffs=rows.changed.sum(),
        flow=rows.gap.sum().fill_null(0),
        idle=rows.gap.sum(where=rows.gap > int(idle_hours * HOUR)).fill_null(0),
        declared=rows.declared.max(),
        wrong=rows.wrong.max(),
        furthest=rows.place.max(),
    )
    case = case.mutate(month=month_of(case.day, starts=starts))
    case = case.filter(case.month < len(starts))
    keys, known = ["month", "customer_id"], case.declared.notnull()
    counts = {
        "cases": case.count(),
        "steps": case.steps.sum().cast("int64"),
        **({"handoffs": case.handoffs.sum().cast("int64")} if "team" in events.columns else {}),
        "declared_of": case.count(where=known),
        "declared_steps": case.steps.sum(where=known).fill_null(0).cast("int64"),
        "declared": case.declared.sum().fill_null(0).cast("int64"),
        "conform": case.count(where=known & (case.wrong == 0) & (case.furthest == case.declared)),
        "flow": case.flow.sum().cast("int64"),
        "idle": case.idle.sum().cast("int64"),
        "timed": case.count(where=case.flow > 0),
    }
    return to_frame(case.group_by(keys).agg(**counts).order_by(keys))


def case_events(
    events: ibis.Table, *, since: dt.date, tickets: ibis.Table | None = None, processes: pd.DataFrame | None = None
) -> pd.DataFrame:
    """What happened to each case that began since a day and is resolved?

    Parameters
    ----------
    events : ibis.Table
    since : date
        Of the first event.
    tickets, processes
        As for :func:`case_counts`, which counts the same cases.

    Returns
    -------
    DataFrame
        ``ticket_id, occurred_at, activity``, ``team, event_id`` where they are there, ``place`` (of the step in its process,
        missing where it has none) and ``declared`` (steps of the process); ordered by case and moment.
    """
    import ibis

    rows: Any = _with_case(events, tickets, processes)
    rows = rows.mutate(first=rows.occurred_at.min().over(ibis.window(group_by="ticket_id")).cast("date"))
    rows = rows.filter(rows.first >= ibis.literal(since))
    names = [name for name in ("team", "event_id") if name in rows.columns]
    rows = rows.select("ticket_id", "occurred_at", "activity", *names, "place", "declared")
    return to_frame(rows.order_by(["ticket_id", "occurred_at", "place", *names[-1:], "activity"]))


def _with_case(events: Any, tickets: Any, processes: pd.DataFrame | None) -> Any:
    """Events with their customer, the place of their step, and the number of steps declared; see :func:`case_counts`."""
    import ibis

    rows = events.select(
        "ticket_id", "occurred_at", "activity", *[one for one in ("team", "event_id") if one in events.columns]
    )
    beside: list[str] = []
    if tickets is None:
        rows = rows.mutate(customer_id=rows.ticket_id)
    else:
        beside = [name for name in OF_TICKET if name in tickets.columns]
        done = tickets.filter(tickets.resolved_at.notnull()) if "resolved_at" in tickets.columns else tickets
        right = done.select("ticket_id", "customer_id", *beside)
        joined = rows.inner_join(right, "ticket_id")
        rows = joined.select(*[rows[name] for name in rows.columns], *[right[name] for name in ("customer_id", *beside)])
    if processes is None or processes.empty:
        empty = ibis.null("int64")
        return rows.mutate(place=empty, declared=empty)
    declared, length = _declared(processes)
    names = sorted(length)
    kinds = [ibis.ifelse(rows[name].isin(names), rows[name], ibis.null("string")) for name in beside]
    several = ibis.coalesce(*kinds) if kinds else ibis.null("string")
    rows = rows.mutate(process=ibis.literal(names[0]) if len(names) == 1 else several)
    steps = ibis.memtable(declared, schema={"of_process": "string", "step": "string", "place": "int64"})
    kept = [rows[name] for name in rows.columns]
    on = [rows.process == steps.of_process, rows.activity == steps.step]
    rows = rows.left_join(steps, on).select(*kept, place=steps.place)
    return rows.mutate(declared=ibis.cases(*((rows.process == name, length[name]) for name in names)).cast("int64"))


def _declared(processes: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Process, step and place (1, 2, ...), and how many steps each process has."""
    ordered = processes.sort_values(["process", "position", "step"]).drop_duplicates(["process", "step"])
    place = ordered.groupby("process")["position"].rank(method="dense").astype("int64")
    table = ordered[["process", "step"]].rename(columns={"process": "of_process"}).assign(place=place)
    return table.reset_index(drop=True), {str(name): int(n) for name, n in ordered.groupby("process")["step"].nunique().items()}


def _changed(rows: Any, window: Any) -> Any:
    """1 where another team takes over, else 0."""
    import ibis

    if "team" not in rows.columns:
        return ibis.literal(0)
    return ibis.ifelse((rows.team != rows.team.lag().over(window)).fill_null(False), 1, 0)


def _wrong(rows: Any) -> Any:
    """1 where an event is neither the step before it once more nor the next declared step, else 0."""
    import ibis

    first = (rows.number == 0) & (rows.place == 1)
    step = rows.place - rows.before
    follows = (rows.number > 0) & ((step == 0) | (step == 1))
    return ibis.ifelse(first.fill_null(False) | follows.fill_null(False), 0, 1)
