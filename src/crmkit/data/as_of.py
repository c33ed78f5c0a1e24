"""What was known of a table on a day? Rows that had begun by then, and of these only what had happened by then.

A subscription that ended in March was a running one in February, and nobody knew its reason. The tables declare which columns
become known with which date (:attr:`crmkit.data.tables.TableContract.known`); the cut of a client's data at ``as_of``, in the
engine's own words, and every earlier cut-off of a back-test, an expression, hide the same columns: a test compares both.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from crmkit.core.periods import cycle_start, cycle_start_in
from crmkit.core.results import Quantity, Text
from crmkit.data.sources.engine import identifier, literal, query
from crmkit.data.tables import TABLES

if TYPE_CHECKING:
    import ibis

# tables of which there usually is a row every few days
STEADY = ("transactions", "interactions", "tickets")
NEW = "subscriptions"
STALE_DAYS, PAUSE_DAYS, PAUSE_ROWS = 31, 7, 20
STALE = Text("the newest row lies {lag} before as_of {day}: is the export complete?")
BEGUN = Text(
    "{n} {n:contract begins|contracts begin} on {day}, the last day; nothing has been seen of {n:it|them} "
    "yet, so no rate counts {n:it|them}"
)
GAPS = Text("{n} {n:gap|gaps} without any row, the longest of {days}, {first} to {last}: is a part of the export missing?")


def known_at(table: ibis.Table, *, name: str, day: dt.date) -> ibis.Table:
    """What was known of a table at the end of a day?

    Parameters
    ----------
    table : ibis.Table
        One of a client's tables.
    name : str
        Its name, for example ``"subscriptions"``.
    day : date

    Returns
    -------
    ibis.Table
        Rows whose event lies on or before the day, or has no date; columns that became known later are empty, flags with a
        default are that default.
    """
    return seen_at(begun_by(table, name=name, day=day), name=name, day=day)


def begun_by(table: ibis.Table, *, name: str, day: dt.date) -> ibis.Table:
    """The rows of a table whose event lies on or before a day, or has no date."""
    import ibis

    event = event_of(table, name=name)
    return table if event is None else table.filter((event <= ibis.literal(day)) | event.isnull())


def seen_at(table: ibis.Table, *, name: str, day: dt.date) -> ibis.Table:
    """The same rows, without what became known of them after a day."""
    import ibis

    contract, hidden = TABLES[name], dict[str, Any]()
    for date, columns in contract.known.items():
        if date not in table.columns:
            continue
        later = _after(table, date, day).fill_null(False)
        for column in (one for one in columns if one in table.columns):
            declared = contract.columns[column]
            empty = ibis.null(table[column].type()) if declared.default is None else ibis.literal(declared.default)
            hidden[column] = ibis.ifelse(later, declared.until_known or empty, table[column])
    return table.mutate(**hidden) if hidden else table


def event_of(table: ibis.Table, *, name: str) -> Any:
    """The day that decides whether a row counts; None where the table has no such column."""
    import ibis

    contract = TABLES[name]
    days = [
        cycle_start(table[column]) if contract.columns[column].kind == "cycle" else table[column].cast("date")
        for column in (contract.event, contract.event_else)
        if column in table.columns
    ]
    return ibis.coalesce(*days) if days else None


def cut(name: str, columns: Sequence[str], *, relation: str, day: dt.date, keep: Sequence[str]) -> str:
    """The query of what was known of a relation at the end of a day: :func:`known_at` in the engine's own words.

    The door opens many tables, and an expression takes longer to be put together than the engine takes for a small table.

    Parameters
    ----------
    name : str
        Name of the table.
    columns, keep : sequence of str
        Columns of the relation, and those that come out.
    relation : str
        Its name inside the engine.
    day : date
    """
    shown = _shown(name, columns, day)
    parts = ", ".join(f"{shown[one]} AS {identifier(one)}" if one in shown else identifier(one) for one in keep)
    return f"SELECT {parts} FROM {relation}{begun(name, columns, day)}"


def begun(name: str, columns: Sequence[str], day: dt.date) -> str:
    """The condition of rows whose event lies on or before a day, or has no date; empty where every row counts."""
    event = event_in(name, columns)
    return f" WHERE ({event}) <= {_on(day)} OR ({event}) IS NULL" if event else ""


def event_in(name: str, columns: Sequence[str]) -> str:
    """The day that decides whether a row counts, in the engine's words; empty where the table has no such column."""
    contract = TABLES[name]
    days = [
        cycle_start_in(identifier(column))
        if contract.columns[column].kind == "cycle"
        else f"CAST({identifier(column)} AS DATE)"
        for column in (contract.event, contract.event_else)
        if column in columns
    ]
    return f"coalesce({', '.join(days)})" if days else ""


def _shown(name: str, columns: Sequence[str], day: dt.date) -> dict[str, str]:
    """Column: what is seen of it on a day, for those that became known with a date."""
    contract, shown = TABLES[name], dict[str, str]()
    for date, hidden in contract.known.items():
        if date not in columns:
            continue
        for column in (one for one in hidden if one in columns):
            declared = contract.columns[column]
            usual = "NULL" if declared.default is None else str(declared.default)
            before = literal(declared.until_known) if declared.until_known else usual
            shown[column] = f"CASE WHEN {_later(date, day)} THEN {before} ELSE {identifier(column)} END"
    return shown


def count_later(con: Any, relation: str, columns: Sequence[str], *, name: str, day: dt.date) -> tuple[int, dict[str, int]]:
    """What does the cut at a day leave out?

    Parameters
    ----------
    con, relation, columns
        The engine, the table inside it as it came in, and its columns.
    name : str
        Its name.
    day : date
        Last day that counts.

    Returns
    -------
    rows : int
        Rows whose event lies after the day.
    hidden : dict of str to int
        Date column that makes other columns known: rows that count and of which something is hidden; those with none left out.
    """
    event = event_in(name, columns)
    dates = [date for date in TABLES[name].known if date in columns]
    if not event and not dates:
        return 0, {}
    after = f"coalesce(({event}) > {_on(day)}, false)" if event else "false"
    counts = [after, *(f"NOT {after} AND {_later(date, day)}" for date in dates)]
    counted = ", ".join(f"count(*) FILTER ({condition})" for condition in counts)
    ((left_out, *hidden),) = query(con, f"SELECT {counted} FROM {relation}")
    return left_out, {date: rows for date, rows in zip(dates, hidden, strict=True) if rows}


def last_event(con: Any, relation: str, columns: Sequence[str], *, name: str, before: dt.date) -> dt.date | None:
    """On which day before another did something last happen in a table: a start, an end, an answer, a solution?

    Parameters
    ----------
    con, relation, columns
        The engine, the table inside it as it came in, and its columns.
    name : str
        Its name.
    before : date
        The first day that is not looked at; ends that are planned for later have not happened.

    Returns
    -------
    date or None
        None where there is no such day.
    """
    event = event_in(name, columns)
    days = [event] if event else []
    days += [f"CAST({identifier(date)} AS DATE)" for date in TABLES[name].known if date in columns]
    if not days:
        return None
    newest = ", ".join(f"max({day}) FILTER (({day}) < {_on(before)})" for day in days)
    found: list[dt.date | None] = [*query(con, f"SELECT {newest} FROM {relation}")[0]]
    return max((day for day in found if day is not None), default=None)


def span_notes(con: Any, relation: str, columns: Sequence[str], *, name: str, day: dt.date) -> list[Text]:
    """What a reader should know of the time that a table covers: rows that end long before a day, weeks without any, contracts
    that begin on it.

    Parameters
    ----------
    con, relation, columns
        The engine, the table inside it as it came in, and its columns.
    name : str
        Its name; of tables with few events nothing can be said.
    day : date
        Last day that counts.

    Notes
    -----
    Stale: the newest row lies more than 31 days before the day, where no earlier pause was as long. Gaps: between two rows lie
    more than seven days and as many as usually hold twenty rows; of evenly spread rows that would happen once in e^20 times.
    """
    event = event_in(name, columns) if name in (*STEADY, NEW) else ""
    if not event:
        return []
    if name == NEW:
        ((begun,),) = query(con, f"SELECT count(*) FILTER (({event}) = {_on(day)}) FROM {relation}")
        return [Text(BEGUN.template, {"n": Quantity(begun, "count"), "day": Quantity(day, "date")})] if begun else []
    found = query(con, f"SELECT {event}, count(*) FROM {relation} WHERE ({event}) <= {_on(day)} GROUP BY 1 ORDER BY 1")
    if not found:
        return []
    days = [one for one, _ in found]
    pauses = [(later - earlier).days for earlier, later in itertools.pairwise(days)]
    lag, rows, span = (day - days[-1]).days, sum(n for _, n in found), (days[-1] - days[0]).days + 1
    notes = []
    if lag > STALE_DAYS and lag > max(pauses, default=0):
        notes.append(Text(STALE.template, {"lag": Quantity(lag, "days"), "day": Quantity(day, "date")}))
    usual = max(PAUSE_DAYS, PAUSE_ROWS * span / rows)
    gaps = [(days[at], pause - 1) for at, pause in enumerate(pauses) if pause - 1 > usual] if rows >= PAUSE_ROWS else []
    if gaps:
        longest = max(gaps, key=lambda gap: gap[1])
        numbers = {
            "n": Quantity(len(gaps), "count"),
            "days": Quantity(longest[1], "days"),
            "first": Quantity(longest[0] + dt.timedelta(days=1), "date"),
            "last": Quantity(longest[0] + dt.timedelta(days=longest[1]), "date"),
        }
        notes.append(Text(GAPS.template, numbers))
    return notes


def _later(date: str, day: dt.date) -> str:
    return f"coalesce(CAST({identifier(date)} AS DATE) > {_on(day)}, false)"


def _on(day: dt.date) -> str:
    return f"DATE '{day.isoformat()}'"


def _after(table: ibis.Table, date: str, day: dt.date) -> Any:
    import ibis

    return table[date].cast("date") > ibis.literal(day)
