"""Which customers are on a list: the only writer of rows about single customers, for spreadsheets and other systems.

A cell that a spreadsheet would take for a formula is written as text.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmkit.core.language import Locale, translate
from crmkit.core.results import Column

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.core.results import Result

# what a spreadsheet takes for a formula, in the full-width forms of Chinese keyboards too, after anything it does not show
FORMULA = re.compile(r"[\s\x00-\x20\u200b-\u200f\u2060\ufeff\"']*[=+\-@|%＝＋－＠−]")
TAB_OR_BREAK = re.compile(r"[\t\r\n]")
NUMBER_FORMATS = {"share": "0.0%", "money": "#,##0.00", "count": "#,##0", "number": "0.00", "days": "#,##0"}
TEXT_UNITS = frozenset({"text", "customer"})


def guard(value: Any) -> Any:
    """A value that no spreadsheet runs: texts that start like a formula get an apostrophe in front.

    Tabs and line breaks become blanks, because what follows one may start a cell of its own.

    Examples
    --------
    >>> guard("=HYPERLINK(1)"), guard("R00017"), guard(-3.5), guard("a\\t=1")
    ("'=HYPERLINK(1)", 'R00017', -3.5, 'a =1')
    """
    if not isinstance(value, str):
        return value
    line = TAB_OR_BREAK.sub(" ", value)
    return f"'{line}" if FORMULA.match(line) else line


def write_list(table: pd.DataFrame, result: Result, folder: Path, *, locale: Locale) -> list[Path]:
    """One list as CSV (full precision, our column names) and as a workbook (headings and formats of the reader's language).

    Parameters
    ----------
    table : DataFrame
        One row per customer, identifiers already as they may leave the house.
    result : Result
        Its name and the description of its columns.
    folder : Path
    locale : Locale

    Returns
    -------
    list of Path
        The files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    safe = table.map(guard).rename(columns=guard)
    csv = folder / f"{result.name}.csv"
    safe.to_csv(csv, index=False, encoding="utf-8-sig", lineterminator="\n")
    book = folder / f"{result.name}.xlsx"
    _write_workbook(table.map(guard), _with_limits(result.columns), book, locale)
    return [csv, book]


def _with_limits(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """The limits of a value behind it, in columns of their own: a cell of a workbook holds one number."""
    each = ((one, *_limits_of(one)) for one in columns)
    return tuple(column for listed in each for column in listed)


def _limits_of(one: Column) -> tuple[Column, ...]:
    return () if one.limits is None else (Column(one.limits[0], "from", one.unit), Column(one.limits[1], "to", one.unit))


def _write_workbook(table: pd.DataFrame, columns: tuple[Column, ...], path: Path, locale: Locale) -> None:
    import xlsxwriter

    options = {"strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": False, "constant_memory": False}
    with xlsxwriter.Workbook(path, options) as book:
        sheet = book.add_worksheet("list")
        sheet.freeze_panes(1, 0)
        heading = book.add_format({"bold": True, "text_wrap": True})
        for place, column in enumerate(columns):
            label = translate(column.label, locale.words)
            style = book.add_format({"num_format": NUMBER_FORMATS.get(column.unit, "General")})
            sheet.set_column(place, place, max(12, len(label)), style)
            sheet.write_string(0, place, guard(label), heading)
            for row, value in enumerate(table[column.name], start=1):
                said = translate(value, locale.words) if column.translate and isinstance(value, str) else value
                _write_cell(sheet, row, place, said, column)


def _write_cell(sheet: Any, row: int, place: int, value: Any, column: Column) -> None:
    if value is None or value != value:
        return
    if column.unit in TEXT_UNITS or isinstance(value, str):
        sheet.write_string(row, place, str(value))
    elif column.unit == "date":
        sheet.write_string(row, place, str(value)[:10])
    else:
        sheet.write_number(row, place, float(value))
