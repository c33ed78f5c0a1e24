"""What is in a sheet of a workbook? Its cells as text, each number and date marked as what it was."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crmkit.core.errors import DataError, did_you_mean

# stands before the text of a numeric cell, whose decimal sign is known and which may be the serial number of a date
NUMERIC_CELL = "\x1f"


def read_sheet(path: Path, *, sheet: str | None, names: list[str] | None, where: str) -> tuple[list[str], int, list[list[Any]]]:
    """Headers, row number of the header line, and all rows of a sheet.

    Raises
    ------
    DataError
        When the workbook cannot be read, the sheet is not there, or it is empty.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            if sheet is not None and sheet not in book.sheet_names:
                raise DataError(f"{where} has no sheet {sheet!r}; {did_you_mean(sheet, book.sheet_names)}")
            chosen = sheet if sheet is not None else book.sheet_names[0]
            cells = book.get_sheet_by_name(chosen).to_python(skip_empty_area=False)
    except (CalamineError, OSError) as err:
        raise DataError(f"{where} cannot be read as a workbook: {err}") from err
    if names is not None:
        return list(names), 0, cells
    top = next((number for number, row in enumerate(cells) if any(cell != "" for cell in row)), None)
    if top is None:
        raise DataError(f"{where} is empty; a header line and at least one row are expected")
    return [_text(cell).removeprefix(NUMERIC_CELL).strip() for cell in cells[top]], top + 1, cells


def sheet_rows(cells: list[list[Any]], *, skip: int) -> Iterator[tuple[int, list[str]]]:
    """Row number and cells, as text, of each row after the header line that is not empty."""
    for number, row in enumerate(cells[skip:], start=skip + 1):
        if any(cell != "" for cell in row):
            yield number, [_text(cell) for cell in row]


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        # repr gives the shortest text that reads back as the same number; 7.0 is the number 7 of the sheet
        return NUMERIC_CELL + (str(int(cell)) if float(cell).is_integer() else repr(cell))
    if isinstance(cell, dt.datetime | dt.date | dt.time):
        return cell.isoformat()
    return str(cell).replace(NUMERIC_CELL, " ")
