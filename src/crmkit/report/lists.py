"""Which customers are on a list: the only writer of rows about single customers, for spreadsheets and other systems.

A cell that a spreadsheet would take for a formula is written as text.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmkit.core.language import Locale, translate

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.core.results import Column, Result

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
NUMBER_FORMATS = {"share": "0.0%", "money": "#,##0.00", "count": "#,##0", "number": "0.00", "days": "#,##0"}
TEXT_UNITS = frozenset({"text", "customer"})


def guard(value: Any) -> Any:
    """A value that no spreadsheet runs: texts that start like a formula get an apostrophe in front.

    Examples
    --------
    >>> guard("=HYPERLINK(1)"), guard("R00017"), guard(-3.5)
    ("'=HYPERLINK(1)", 'R00017', -3.5)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


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
    safe = table.map(guard)
    csv = folder / f"{result.name}.csv"
    safe.to_csv(csv, index=False, encoding="utf-8-sig", lineterminator="\n")
    book = folder / f"{result.name}.xlsx"
    _write_workbook(safe, result.columns, book, locale)
    return [csv, book]


def _write_workbook(table: pd.DataFrame, columns: tuple[Column, ...], path: Path, locale: Locale) -> None:
    import xlsxwriter

    options = {"strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": False, "constant_memory": False}
    with xlsxwriter.Workbook(path, options) as book:
        sheet = book.add_worksheet("list")
        sheet.freeze_panes(1, 0)
        heading = book.add_format({"bold": True, "text_wrap": True})
        for place, column in enumerate(columns):
            label = translate(column.label, locale.language)
            style = book.add_format({"num_format": NUMBER_FORMATS.get(column.unit, "General")})
            sheet.set_column(place, place, max(12, len(label)), style)
            sheet.write_string(0, place, label, heading)
            for row, value in enumerate(table[column.name], start=1):
                _write_cell(sheet, row, place, value, column)


def _write_cell(sheet: Any, row: int, place: int, value: Any, column: Column) -> None:
    if value is None or value != value:
        return
    if column.unit in TEXT_UNITS or isinstance(value, str):
        sheet.write_string(row, place, str(value))
    elif column.unit == "date":
        sheet.write_string(row, place, str(value)[:10])
    else:
        sheet.write_number(row, place, float(value))
