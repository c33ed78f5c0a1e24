"""What was known of a table on a day? Rows that had begun by then, and of these only what had happened by then.

A subscription that ended in March was a running one in February, and nobody knew its reason. The tables declare which columns
become known with which date (:attr:`crmkit.data.tables.TableContract.known`); the cut of a client's data at ``as_of`` and every
earlier cut-off of a back-test hide the same columns.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from crmkit.core.periods import cycle_start, cycle_start_sql
from crmkit.core.results import Quantity, Text
from crmkit.data.sources.engine import identifier, literal
from crmkit.data.tables import TABLES, TableContract

if TYPE_CHECKING:
    import ibis


UNKNOWN = Text("{rows} rows name {ids} customers in {column} that the table customers lacks; they are kept")


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
    import ibis

    contract, end = TABLES[name], ibis.literal(day)
    dates = [_day(contract, table, column) for column in (contract.event, contract.event_else) if column in table.columns]
    if dates:
        event = ibis.coalesce(*dates) if len(dates) > 1 else dates[0]
        table = table.filter((event <= end) | event.isnull())
    hidden: dict[str, Any] = {}
    for date, columns in contract.known.items():
        if date not in table.columns:
            continue
        later = (table[date].cast("date") > end).fill_null(False)
        for column in (one for one in columns if one in table.columns):
            empty = ibis.null(table[column].type()) if contract.columns[column].default is None else False
            hidden[column] = ibis.ifelse(later, contract.columns[column].until_known or empty, table[column])
    return table.mutate(**hidden) if hidden else table


def _day(contract: TableContract, table: ibis.Table, column: str) -> Any:
    return cycle_start(table[column]) if contract.columns[column].kind == "cycle" else table[column].cast("date")


def event_sql(contract: TableContract, present: Sequence[str]) -> str | None:
    """The day that decides whether a row counts, as SQL; None where the table has no such column."""
    days = [
        cycle_start_sql(identifier(name)) if contract.columns[name].kind == "cycle" else f"CAST({identifier(name)} AS DATE)"
        for name in (contract.event, contract.event_else)
        if name in present
    ]
    return f"coalesce({', '.join(days)})" if len(days) > 1 else days[0] if days else None


def as_seen(contract: TableContract, columns: Sequence[str], day: dt.date) -> str:
    """The select list that hides what became known after a day."""
    later = {
        column: f"CAST({identifier(date)} AS DATE) > DATE '{day}'"
        for date, hidden in contract.known.items()
        if date in columns
        for column in hidden
    }
    empty = {name: "NULL" if contract.columns[name].default is None else "false" for name in columns}
    empty |= {name: literal(seen) for name in columns if (seen := contract.columns[name].until_known)}
    return ", ".join(
        f"CASE WHEN {later[name]} THEN {empty[name]} ELSE {identifier(name)} END AS {identifier(name)}"
        if name in later
        else identifier(name)
        for name in columns
    )


def count_later(con: Any, relation: str, contract: TableContract, columns: Sequence[str], day: dt.date) -> dict[str, int]:
    """Date column: rows of which something is hidden."""
    dates = [date for date in contract.known if date in columns]
    if not dates:
        return {}
    counts = ", ".join(f"count(*) FILTER (CAST({identifier(date)} AS DATE) > DATE '{day}')" for date in dates)
    return dict(zip(dates, con.con.execute(f"SELECT {counts} FROM {relation}").fetchone(), strict=True))


def unknown_customers(con: Any, name: str) -> list[Text]:
    """Notes on rows that name a customer whom the table ``customers`` does not have; they are kept."""
    notes: list[Text] = []
    present = con.table(name).columns if name != "customers" else ()
    for column in (one for one in TABLES[name].customers if one in present):
        ours = identifier(column)
        counted = (
            f"SELECT count(*), count(DISTINCT {ours}) FROM {name} AS t WHERE {ours} IS NOT NULL"
            f" AND NOT EXISTS (SELECT 1 FROM customers AS c WHERE c.customer_id = t.{ours})"
        )
        rows, ids = con.con.execute(counted).fetchone()
        numbers: dict[str, Quantity | str] = {"rows": Quantity(rows, "count"), "ids": Quantity(ids, "count"), "column": column}
        notes += [Text(UNKNOWN.template, numbers)] if rows else []
    return notes
