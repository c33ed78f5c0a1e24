"""What was known of a table on a day? Rows that had begun by then, and of these only what had happened by then.

A subscription that ended in March was a running one in February, and nobody knew its reason. The tables declare which columns
become known with which date (:attr:`crmkit.data.tables.TableContract.known`); the cut of a client's data at ``as_of`` and every
earlier cut-off of a back-test hide the same columns, by the same expressions: where the engine needs SQL, it is made from them.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from crmkit.core.periods import cycle_start
from crmkit.data.sources.engine import to_frame
from crmkit.data.tables import TABLES

if TYPE_CHECKING:
    import ibis


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


def _after(table: ibis.Table, date: str, day: dt.date) -> Any:
    import ibis

    return table[date].cast("date") > ibis.literal(day)
