"""What was known of a table on a day? Rows that had begun by then, and of these only what had happened by then.

A subscription that ended in March was a running one in February, and nobody knew its reason. The tables declare which columns
become known with which date (:attr:`crmkit.data.tables.TableContract.known`); the cut of a client's data at ``as_of`` and every
earlier cut-off of a back-test hide the same columns, by the same expressions: where the engine needs SQL, it is made from them.
"""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING, Any

from crmkit.core.periods import cycle_start
from crmkit.core.results import Quantity, Text
from crmkit.data.sources.engine import to_frame
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


def count_later(table: ibis.Table, *, name: str, day: dt.date) -> tuple[int, dict[str, int]]:
    """What does the cut at a day leave out?

    Parameters
    ----------
    table : ibis.Table
        As it came in.
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
    import ibis

    event = event_of(table, name=name)
    after = ibis.literal(False) if event is None else (event > ibis.literal(day)).fill_null(False)
    dates = [date for date in TABLES[name].known if date in table.columns]
    if event is None and not dates:
        return 0, {}
    hidden = {f"hidden_{date}": table.count(where=~after & _after(table, date, day)) for date in dates}
    counted = to_frame(table.aggregate(left_out=table.count(where=after), **hidden)).iloc[0]
    return int(counted["left_out"]), {date: int(rows) for date in dates if (rows := counted[f"hidden_{date}"])}


def last_event(table: ibis.Table, *, name: str, before: dt.date) -> dt.date | None:
    """On which day before another did something last happen in a table: a start, an end, an answer, a solution?

    Parameters
    ----------
    table : ibis.Table
        As it came in.
    name : str
        Its name.
    before : date
        The first day that is not looked at; ends that are planned for later have not happened.

    Returns
    -------
    date or None
        None where there is no such day.
    """
    import ibis

    event = event_of(table, name=name)
    days = [event] if event is not None else []
    days += [table[date].cast("date") for date in TABLES[name].known if date in table.columns]
    if not days:
        return None
    newest = {f"day_{at}": day.max(where=day < ibis.literal(before)) for at, day in enumerate(days)}
    found = to_frame(table.aggregate(**newest)).iloc[0].dropna()
    return max((day.date() for day in found), default=None)


def span_notes(table: ibis.Table, *, name: str, day: dt.date) -> list[Text]:
    """What a reader should know of the time that a table covers: rows that end long before a day, weeks without any, contracts
    that begin on it.

    Parameters
    ----------
    table : ibis.Table
        As it came in.
    name : str
        Its name; of tables with few events nothing can be said.
    day : date
        Last day that counts.

    Notes
    -----
    Stale: the newest row lies more than 31 days before the day, where no earlier pause was as long. Gaps: between two rows lie
    more than seven days and as many as usually hold twenty rows; of evenly spread rows that would happen once in e^20 times.
    """
    import ibis

    event = event_of(table, name=name) if name in (*STEADY, NEW) else None
    if event is None:
        return []
    if name == NEW:
        begun = int(to_frame(table.aggregate(n=table.count(where=event == ibis.literal(day))))["n"].sum())
        return [Text(BEGUN.template, {"n": Quantity(begun, "count"), "day": Quantity(day, "date")})] if begun else []
    counted = table.filter(event <= ibis.literal(day)).group_by(day=event).aggregate(n=lambda rows: rows.count())
    found = to_frame(counted.order_by("day")).dropna()
    if found.empty:
        return []
    days = [one.date() for one in found["day"]]
    pauses = [(later - earlier).days for earlier, later in itertools.pairwise(days)]
    lag, rows, span = (day - days[-1]).days, int(found["n"].sum()), (days[-1] - days[0]).days + 1
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


def _after(table: ibis.Table, date: str, day: dt.date) -> Any:
    import ibis

    return table[date].cast("date") > ibis.literal(day)
