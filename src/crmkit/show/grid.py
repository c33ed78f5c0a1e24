"""What stands in the cells of a table? Rounded, in the reader's language, no identifier of a customer; not yet HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Any

from crmkit.core.errors import ReportError
from crmkit.core.format import DASH, alike
from crmkit.core.language import Locale, say, translate
from crmkit.core.results import ESTIMATE_COLUMNS, Column, Quantity, Result, Text, Unit
from crmkit.show.words import ESTIMATE_LABELS, IDENTIFIERS, PERSONAL, Naming, attribute, cell, empty, required, sentence, width

if TYPE_CHECKING:
    import pandas as pd

WORDS: frozenset[str] = frozenset({"text", "customer"})
# a list of customers is worked through in its workbook: the page shows with whom it begins
LISTED = 5
# words that repeat in so many rows and are so wide are said once
FEW_ROWS, IN_THE_WAY = 3, 24
OWN_UNIT = ("value", "low", "high", "outcome_low", "outcome_high", "whole_low", "whole_high")
INTERVAL_HEADING = Text("{percent}% interval")
FROM_TO = Text("{low} to {high}")
WITH_LIMITS = Text("{value} ({low} to {high})")
MORE_ROWS = Text("and {n} more {n:row|rows}; all of them are in the results file")
MORE_CUSTOMERS = Text("and {n} more {n:row|rows}; all of them are in the workbook {file}")
TOO_FEW = Text("– not shown: a group of too few customers, or one from which such a group could be worked out")
IN_ALL = Text("{column}, in all rows shown: {words}.")
METHOD = Text("Method: {method}")


@dataclass(frozen=True)
class Grid:
    """A table in words, before it becomes HTML or text for a terminal.

    Parameters
    ----------
    columns : tuple of Column
    headings : tuple of str
    rows : tuple of tuple of str
    keys : tuple of tuple of str
        What the rows are sorted by: the unrounded number of each cell, empty where there is none.
    hidden : tuple of bool
        Per row, whether its numbers are withheld because the group is too small.
    notes : tuple of str
        What has to be said under the table.
    """

    columns: tuple[Column, ...]
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    keys: tuple[tuple[str, ...], ...]
    hidden: tuple[bool, ...]
    notes: tuple[str, ...]


def table_grid(
    result: Result,
    locale: Locale,
    *,
    name: Naming | None = None,
    max_rows: int | None = None,
    like: pd.DataFrame | None = None,
) -> Grid:
    """The words of a table: headings, cells and notes; parameters as in :func:`crmkit.show.tables.table_html`."""
    table = required(result)
    columns, notes = _columns(result, table)
    named = [name for column in columns for name in (column.name, *(column.limits or ())) if name != "interval"]
    absent = [name for name in named if name not in table.columns]
    if absent:
        raise ReportError(f"exhibit '{result.name}': its table has no column {', '.join(repr(one) for one in absent)}")
    own = attribute(table, "rows", LISTED if result.customers else max_rows)
    shown = table if max_rows is None else table.head(min(own, max_rows))
    rows, keys, hidden = [], [], []
    decimals = _decimals(shown if like is None else like, columns)
    for row in shown.to_dict("records"):
        hidden.append(bool(row.get("suppressed", False)))
        rows.append(tuple(_words(row, column, result, locale, name, decimals) for column in columns))
        keys.append(tuple(_key(row, column) for column in columns))
    if any(hidden):
        notes.append(TOO_FEW)
    if len(shown) < len(table):
        more = MORE_CUSTOMERS if result.customers else MORE_ROWS
        notes.insert(0, Text(more.template, {"n": Quantity(len(table) - len(shown), "count"), "file": f"{result.name}.xlsx"}))
    headings = tuple(_heading(column, table, locale) for column in columns)
    said = [sentence(text, locale) for text in notes]
    alike = {
        place: rows[0][place] for place in range(1, len(columns)) if _said_once(columns[place], [row[place] for row in rows])
    }
    said += [say(Text(IN_ALL.template, {"column": headings[place], "words": words}), locale) for place, words in alike.items()]
    blank = {place for place in range(1, len(columns)) if _is_blank(columns[place], [row[place] for row in rows])}
    left = [place for place in range(len(columns)) if place not in blank | set(alike)]
    columns, headings = tuple(columns[place] for place in left), tuple(headings[place] for place in left)
    shown_rows, shown_keys = ([tuple(row[place] for place in left) for row in listed] for listed in (rows, keys))
    return Grid(columns, headings, tuple(shown_rows), tuple(shown_keys), tuple(hidden), tuple(said))


def _is_blank(column: Column, texts: list[str]) -> bool:
    """Whether a column of words has none in any of some rows."""
    return column.unit in WORDS and len(texts) > 1 and set(texts) <= {"", DASH}


def _said_once(column: Column, texts: list[str]) -> bool:
    """Whether the words of a column are the same in each row, and long enough to be in the way there."""
    return column.unit in WORDS and len(texts) >= FEW_ROWS and len(set(texts)) == 1 and width(texts[0]) >= IN_THE_WAY


def _words(
    row: dict[Any, Any],
    column: Column,
    result: Result,
    locale: Locale,
    naming: Naming | None,
    decimals: dict[tuple[str, Unit], int | None],
) -> str:
    if row.get("suppressed", False) and column.unit not in WORDS:
        return DASH
    unit = _unit(row, column)
    places = decimals.get((_measured(column), unit))
    if column.name != "interval" or "interval" in row:
        value = cell(row[column.name], column, locale, naming=naming, unit=unit, decimals=places, exhibit=result.name)
        if column.limits is None or any(empty(row[name]) for name in column.limits):
            return value
        low, high = (cell(row[name], column, locale, unit=unit, decimals=places, exhibit=result.name) for name in column.limits)
        return say(Text(WITH_LIMITS.template, {"value": value, "low": low, "high": high}), locale)
    return interval_words(row, column, locale, exhibit=result.name, decimals=places)


def _unit(row: dict[Any, Any], column: Column) -> Unit:
    """Unit of one cell: the row's own where an estimate table says it, else the column's."""
    own: Unit | None = row["unit"] if column.name in (*OWN_UNIT, "interval") and isinstance(row.get("unit"), str) else None
    return own or column.unit


def _measured(column: Column) -> str:
    """The column whose decimals a column takes: limits are rounded as their value is."""
    return "value" if column.name in (*OWN_UNIT, "interval") else column.name


def _decimals(table: pd.DataFrame, columns: tuple[Column, ...]) -> dict[tuple[str, Unit], int | None]:
    """Decimals of each column, per unit, so that what stands under each other is rounded alike, limits with their value; but
    amounts of money where the table says that its rows are different things (``table.attrs["alike"]``). A table that shows a
    part of others says how those are rounded (``table.attrs["decimals"]``, by unit)."""
    together = bool(attribute(table, "alike", True))
    values: dict[tuple[str, Unit], list[Any]] = {}
    for row in table.to_dict("records"):
        if row.get("suppressed", False):
            continue
        for column in columns:
            if column.name in row:
                values.setdefault((_measured(column), _unit(row, column)), []).append(row[column.name])
            elif column.name == "interval":
                values.setdefault((_measured(column), _unit(row, column)), []).extend((row.get("low"), row.get("high")))
    found = {place: alike(_numbers(listed), place[1]) for place, listed in values.items() if together or place[1] != "money"}
    fixed: dict[Unit, int] = attribute(table, "decimals", {})
    return {place: fixed.get(place[1], shown) if place[0] == "value" else shown for place, shown in found.items()}


def _numbers(values: list[Any]) -> list[float]:
    return [float(value) for value in values if isinstance(value, Real | Decimal) and not isinstance(value, bool)]


def _key(row: dict[Any, Any], column: Column) -> str:
    """What a row is sorted by in one column, where that is not the words shown."""
    if column.unit in WORDS or row.get("suppressed", False):
        return ""
    value = row.get("value") if column.name == "interval" and "interval" not in row else row.get(column.name)
    if empty(value):
        return ""
    if column.unit == "date":
        return "".join(re.findall(r"\d+", str(value)))[:8]
    return f"{float(value):.6g}" if isinstance(value, Real | Decimal) else ""


def interval_words(row: dict[Any, Any], column: Column, locale: Locale, *, exhibit: str, decimals: int | None = None) -> str:
    """Limits of an estimate in words; a dash where there is no interval."""
    low, high = row.get("low"), row.get("high")
    if empty(low) or empty(high):
        return DASH
    unit = _unit(row, column)
    limits = (cell(limit, column, locale, unit=unit, decimals=decimals, exhibit=exhibit) for limit in (low, high))
    return say(Text(FROM_TO.template, dict(zip(("low", "high"), limits, strict=True))), locale)


def interval_heading(table: pd.DataFrame, locale: Locale) -> str:
    """What limits are called: intervals of a level (``table.attrs["confidence"]``, default .95), or what the table says."""
    own = attribute(table, "limits")
    if own is not None:
        return say(own, locale)
    percent = round(100 * float(attribute(table, "confidence", 0.95)), 6)
    return say(Text(INTERVAL_HEADING.template, {"percent": Quantity(percent, "number")}), locale)


def _heading(column: Column, table: pd.DataFrame, locale: Locale) -> str:
    if column.name == "interval" and column.label == "Interval":
        return interval_heading(table, locale)
    return translate(column.label, locale.words)


def _columns(result: Result, table: pd.DataFrame) -> tuple[tuple[Column, ...], list[Text]]:
    """Which columns are shown, and what is said once under the table instead of in every row."""
    if result.columns:
        return result.columns, []
    if set(ESTIMATE_COLUMNS) <= set(table.columns):
        return _estimate_columns(table)
    return tuple(_guessed(table)), []


def _estimate_columns(table: pd.DataFrame) -> tuple[tuple[Column, ...], list[Text]]:
    """Those of an estimate table that say something: no column of blanks, no method that is the same in each row."""
    notes = []
    left = [column for column in ESTIMATE_LABELS if column.name == "interval" or _told(table[column.name])]
    methods = [str(method) for method in table["method"].dropna().unique()]
    if len(methods) == 1:
        left = [column for column in left if column.name != "method"]
        notes = [Text(METHOD.template, {"method": Text(methods[0].replace("{", "{{").replace("}", "}}"))})]
    if not _told(table["low"]):
        left = [column for column in left if column.name != "interval"]
    return tuple(left), notes


def _told(values: pd.Series[Any]) -> bool:
    return bool(values.notna().any() and (values.astype(str).str.strip() != "").any())


def _guessed(table: pd.DataFrame) -> Iterator[Column]:
    """A column for each of a plain table's, by its type; what names a person is left out."""
    from pandas.api import types

    for name, values in table.items():
        if str(name) in PERSONAL or name == "suppressed":
            continue
        unit: Unit = "text"
        if str(name) in IDENTIFIERS:
            unit = "customer"
        elif types.is_datetime64_any_dtype(values):
            unit = "date"
        elif types.is_integer_dtype(values):
            unit = "count"
        elif types.is_float_dtype(values):
            unit = "number"
        yield Column(str(name), str(name).replace("_", " "), unit)
