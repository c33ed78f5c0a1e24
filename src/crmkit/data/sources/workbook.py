"""What is in a sheet of a workbook? Its cells as text, each number and date marked as what it was.

What the reader of cells does not tell - which values are those of formulas, and whether they were ever calculated, which cells
hold errors, from which year days are counted - is looked up in the file itself.
"""

from __future__ import annotations

import datetime as dt
import posixpath
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from crmkit.core.errors import DataError, Problem, counted, did_you_mean
from crmkit.core.errors import rows as listed
from crmkit.core.results import Quantity, Text
from crmkit.core.settings import TableSettings
from crmkit.data.intake.headers import Matched
from crmkit.data.sources.cells import CODES, NUMBERED, look_into
from crmkit.data.sources.layout import LOOKED_AT, Head, Row, find_head, table_rows

# stands before the text of a numeric cell, whose decimal sign is known and which may be the serial number of a date
NUMERIC_CELL = "\x1f"
# a cell keeps fifteen digits of a number
LONGEST_NUMBER = 1e15
# days from the beginning of 1900 as spreadsheets count it to that of 1904
DAYS_1904 = 1462
LAST_SERIAL = 110_000
ERRORS = frozenset((*CODES.values(), *NUMBERED, "#SPILL!", "#CALC!", "#FIELD!"))
OTHERS = Text("{file}: the sheet {sheet} was read; there are also {others}")
HIDDEN = Text("{file}: the sheet {sheet} was read; hidden and not read: {others}")
ERROR_CELLS = Text("{file}: errors such as {example} in {column} count as empty; cells: {n}")
SAVE = "open the file in the spreadsheet program and save it"
FORMULA = re.compile(rb"<(?:\w+:)?c\s([^>]*[^/>])>\s*<(?:\w+:)?f\b(.*?)</(?:\w+:)?c>", re.DOTALL)
ERROR = re.compile(rb"<(?:\w+:)?c\s([^>]*\bt=[\"']e[\"'][^>]*[^/>]|[^>]*\bt=[\"']e[\"'])>(.*?)</(?:\w+:)?c>", re.DOTALL)
VALUE = re.compile(rb"<(?:\w+:)?v(?:\s[^>]*)?>([^<]*)<")
FORMULA_MARKS = (b"<f", b":f")
ERROR_MARKS = (b'="e"', b"='e'")
_NUMBERS = frozenset((int, float))
PLACE = re.compile(rb"\br=[\"']([A-Z]+)([0-9]+)[\"']")
# a length of time as an OpenDocument cell has it, PT60H00M00S
ISO_LENGTH = re.compile(r"P(?:(\d+)D)?T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")
UNITS = (86_400, 3600, 60, 1)
TEXT_CELL = re.compile(rb"\bt=[\"'](?:str|s|inlineStr|b|e)[\"']")


@dataclass(frozen=True)
class Written:
    """What the file says of a sheet besides its values.

    Parameters
    ----------
    formulas : dict of (int, int) to float, str or None
        Row and column, from 0: the value kept of a formula there; None where none is.
    errors : dict of (int, int) to str
        Row and column, from 0: the error in a cell.
    calculated : bool
        Whether a spreadsheet program has gone through the formulas.
    from_1904 : bool
        Whether days are counted from 1904.
    """

    formulas: dict[tuple[int, int], float | str | None] = field(default_factory=dict)
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    calculated: bool = False
    from_1904: bool = False


@dataclass(frozen=True)
class Sheet:
    """One sheet: its cells as found, its header, the columns below it, what else is in the workbook."""

    name: str
    cells: list[list[Any]]
    head: Head
    columns: Sequence[Sequence[Any]]
    written: Written
    others: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()

    def notes(self, file: str) -> list[Text]:
        """Which sheet was read, where there are several."""
        texts = [(OTHERS, self.others), (HIDDEN, self.hidden)]
        return [
            Text(text.template, {"file": file, "sheet": repr(self.name), "others": ", ".join(map(repr, names))})
            for text, names in texts
            if names
        ]


def read_sheet(path: Path, *, settings: TableSettings, where: str) -> Sheet:
    """The cells of a sheet and where its header is.

    Raises
    ------
    DataError
        When the workbook cannot be read, the sheet is not there or holds no cells, or it is empty.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            chosen, others, hidden = _choose(book, settings.sheet, where=where)
            cells = book.get_sheet_by_name(chosen).to_python(skip_empty_area=False)
        written = _look_up(path, chosen)
    except PasswordError as err:
        raise DataError(f"{where} is protected by a password; save it without one") from err
    except (CalamineError, OSError, zipfile.BadZipFile, ElementTree.ParseError) as err:
        raise DataError(f"{where} cannot be read as a workbook: {str(err).replace(str(path), path.name)}") from err
    for (row, column), text in written.errors.items():
        if row < len(cells) and column < len(cells[row]):
            cells[row][column] = text
    head = find_head(_texts(cells), settings=settings, where=f"{where}, sheet {chosen!r}" if others or hidden else where)
    below = cells[head.row :]
    columns = list(zip(*below, strict=True)) if below else [()] * len(head.headers)
    return Sheet(chosen, cells, head, columns, written, others, hidden)


def first_rows(sheet: Sheet) -> Iterator[list[Row]]:
    """The first rows of a sheet."""
    yield list(_texts(sheet.cells[:LOOKED_AT]))


def sheet_problems(sheet: Sheet, matched: Matched, *, settings: TableSettings, where: str) -> list[Problem]:
    """Values that are not what they seem: of formulas that nobody calculated, and of numbers that lost their last digits."""
    problems = []
    first = sheet.head.row
    for ours, at in matched.positions.items():
        place = f"{where}, column {ours!r}"
        if matched.contract.columns[ours].kind == "id":
            cells = sheet.columns[at]
            # most ids are text, which is seen without a look at each
            numeric = not _NUMBERS.isdisjoint(map(type, cells))
            long = [number for number, cell in enumerate(cells, start=first + 1) if _is_long(cell)] if numeric else []
            long = [number for number in long if number not in settings.skip]
            if long:
                what = f"has {counted(len(long), 'number')} of more than 15 digits ({listed(long)}), of which a cell keeps 15"
                problems.append(Problem(place, what, "the ids are lost in this file; export them as text"))
        found = {row + 1: value for (row, column), value in sheet.written.formulas.items() if column == at and row >= first}
        kept = {number: value for number, value in found.items() if number not in settings.skip}
        missing = sorted(number for number, value in kept.items() if value is None)
        if matched.contract.columns[ours].kind not in ("id", "text") and kept and set(kept.values()) <= {None, ""}:
            # xls has no empty cell for a formula that nobody has calculated: it keeps an empty text
            missing = sorted(kept)
        noughts = sorted(number for number, value in kept.items() if value == 0)
        if missing:
            what = f"has {counted(len(missing), 'formula')} of which no value is kept ({listed(missing)})"
            problems.append(Problem(place, what, SAVE))
        elif noughts and len(noughts) == len(kept) and not sheet.written.calculated:
            what = f"has {counted(len(noughts), 'formula')} with the value 0 ({listed(noughts)}), which nobody has calculated"
            problems.append(Problem(place, what, SAVE))
    return problems


def sheet_rows(sheet: Sheet, matched: Matched, *, settings: TableSettings, errors: Counter[tuple[str, str]]) -> Iterator[Row]:
    """Row number and cells, as text, of each row of the table that is not empty.

    ``errors`` counts, by column and error, what counts as empty.
    """
    columns = [(at, ours, matched.contract.columns[ours]) for ours, at in matched.positions.items()]
    moments = [at for at, _, column in columns if column.kind in ("date", "timestamp", "month")]
    moments = moments if sheet.written.from_1904 else []
    seconds = [at for at, ours, _ in columns if ours.endswith("_seconds")]
    # an error where a value is needed is refused by its own words
    lenient = [(at, ours) for at, ours, column in columns if not column.required or column.kind in ("id", "text")]
    for number, row in _numbered(sheet):
        if row.count("") == len(row):
            continue
        fields = [cell if type(cell) is str else _text(cell) for cell in row]
        for at in moments:
            if at < len(row) and type(row[at]) in (int, float) and 0 <= row[at] <= LAST_SERIAL:
                fields[at] = _text(row[at] + DAYS_1904)
        for at in seconds:
            if at < len(row) and isinstance(row[at], dt.timedelta | dt.time):
                fields[at] = _text(_seconds(row[at]))
            elif at < len(row) and (length := ISO_LENGTH.fullmatch(fields[at])):
                fields[at] = _text(round(sum(float(n or 0) * unit for n, unit in zip(length.groups(), UNITS, strict=True))))
        for at, ours in lenient if not ERRORS.isdisjoint(fields) else ():
            if at < len(fields) and fields[at] in ERRORS:
                errors[ours, fields[at]] += number not in settings.skip
                fields[at] = ""
        yield number, fields


def table_of(sheet: Sheet, matched: Matched, *, settings: TableSettings, file: str) -> tuple[Iterator[Row], list[Text]]:
    """The rows of the table, and notes that are complete when all rows have been read."""
    errors: Counter[tuple[str, str]] = Counter()
    notes: list[Text] = []

    def rows() -> Iterator[Row]:
        yield from table_rows(sheet_rows(sheet, matched, settings=settings, errors=errors), sheet.head, settings=settings)
        for column in dict.fromkeys(column for column, _ in errors):
            kinds = {error: n for (name, error), n in errors.items() if name == column and n}
            numbers: dict[str, Quantity | str] = {"file": file, "n": Quantity(sum(kinds.values()), "count"), "column": column}
            if kinds:
                notes.append(Text(ERROR_CELLS.template, {**numbers, "example": min(kinds)}))

    return rows(), notes


def columns_of(sheet: Sheet, matched: Matched, *, settings: TableSettings) -> Any:
    """The rows of the table as a table of Arrow, column by column; None where a cell has to be seen with its row.

    Returns
    -------
    pyarrow.Table or None
        ``number`` of the row, ``place`` among all, ``fields``, empty, ``c0`` ...: texts, what is empty is missing.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    width, start = len(sheet.head.headers), sheet.head.row
    whole = not (settings.skip or settings.footer or sheet.written.errors or sheet.written.from_1904)
    if not whole or len(sheet.columns) != width or any(ours.endswith("_seconds") for ours in matched.positions):
        return None
    # also columns that nobody asked for: one of them may say that a line is one of totals
    texts = {f"c{at}": _string_array(column) for at, column in enumerate(sheet.columns)}
    errors = pa.array(sorted(ERRORS), pa.string())
    if any(
        pc.any(pc.is_in(column, value_set=errors)).as_py() for column in texts.values() if _any(pc.starts_with(column, "#"))
    ):
        return None
    numbers = np.arange(start + 1, len(sheet.cells) + 1)
    if all(column.null_count for column in texts.values()):
        kept = np.array([row.count("") < len(row) for row in sheet.cells[start:]], dtype=bool)
        texts = {name: column.filter(pa.array(kept)) for name, column in texts.items()}
        numbers = numbers[kept]
    places = np.arange(len(numbers))
    return pa.table({"number": numbers, "place": places, "fields": pa.nulls(len(numbers), pa.int64()), **texts})


def _string_array(cells: Sequence[Any]) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        texts = pa.array(cells, pa.string())
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        texts = _number_texts(cells)
    if texts is None:
        texts = pa.array([cell if type(cell) is str else _text(cell) for cell in cells], pa.string())
    empty = pc.equal(texts, "")
    return pc.if_else(empty, None, texts) if _any(empty) else texts


def _number_texts(cells: Sequence[Any]) -> Any:
    """The texts of cells that are numbers of the usual size, as :func:`_text` gives them; None where others are among them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if set(map(type, cells)) != {float}:
        return None
    numbers = pa.array(cells, pa.float64())
    sizes = pc.abs(numbers)
    # beyond these the two write with an exponent, each in its own way
    if not pc.all(pc.or_(pc.and_(pc.greater(sizes, 1e-3), pc.less(sizes, 1e9)), pc.equal(sizes, 0.0))).as_py():
        return None
    whole = pc.equal(pc.floor(numbers), numbers)
    kept = pc.if_else(whole, pc.cast(pc.floor(numbers), pa.int64()), 0) if _any(whole) else None
    texts = pc.cast(numbers, pa.string())
    texts = texts if kept is None else pc.if_else(whole, pc.cast(kept, pa.string()), texts)
    return pc.binary_join_element_wise(NUMERIC_CELL, texts, "")


def _any(found: Any) -> bool:
    import pyarrow.compute as pc

    return bool(pc.any(found).as_py())


def _choose(book: Any, wanted: str | None, *, where: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The sheet to be read, the others that can be seen, and those that are hidden."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    sheets = book.sheets_metadata
    tables = [one.name for one in sheets if one.typ == SheetTypeEnum.WorkSheet]
    seen = [one.name for one in sheets if one.visible == SheetVisibleEnum.Visible]
    if wanted is not None and wanted not in tables:
        what = f"has no sheet {wanted!r}" if wanted not in book.sheet_names else f"has no cells in the sheet {wanted!r}"
        raise DataError(Problem(where, what, hint=did_you_mean(wanted, tables)))
    first = next((name for name in tables if name in seen), None)
    chosen = wanted if wanted is not None else first
    if chosen is None:
        hint = did_you_mean("", tables)
        raise DataError(Problem(where, "has no sheet of cells that can be seen", "name one with sheet", hint))
    others = tuple(name for name in seen if name != chosen)
    return chosen, others, tuple(one.name for one in sheets if one.name not in seen and one.name != chosen)


def _numbered(sheet: Sheet) -> Iterator[tuple[int, list[Any]]]:
    """The rows below the header with their numbers."""
    return enumerate(islice(sheet.cells, sheet.head.row, None), start=sheet.head.row + 1)


def _is_long(cell: Any) -> bool:
    return type(cell) in _NUMBERS and abs(cell) >= LONGEST_NUMBER


def _texts(cells: Sequence[Sequence[Any]]) -> Iterator[Row]:
    for number, row in enumerate(cells, start=1):
        yield number, [_text(cell).removeprefix(NUMERIC_CELL) for cell in row]


def _look_up(path: Path, sheet: str) -> Written:
    if not zipfile.is_zipfile(path):
        return Written(*look_into(path, sheet))
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
            return Written(*look_into(path, sheet))
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        targets = {link.get("Id"): link.get("Target", "") for link in links}
        parts = {one.get("name"): _attribute(one, "}id") for one in book.iter() if one.tag.endswith("}sheet")}
        part = posixpath.normpath(posixpath.join("/xl", targets.get(parts.get(sheet)) or "")).lstrip("/")
        data = archive.read(part) if part in names else b""
    again = any(_attribute(one, "fullCalcOnLoad") in ("1", "true") for one in book.iter() if one.tag.endswith("}calcPr"))
    dates = [_attribute(one, "date1904") for one in book.iter() if one.tag.endswith("}workbookPr")]
    return Written(
        formulas={_place(cell[1]): _kept(cell) for cell in _cells(FORMULA, data, FORMULA_MARKS)},
        errors={_place(cell[1]): _error(cell[2]) for cell in _cells(ERROR, data, ERROR_MARKS)},
        calculated="xl/calcChain.xml" in names and not again,
        from_1904=any(said in ("1", "true") for said in dates),
    )


def _cells(pattern: re.Pattern[bytes], data: bytes, marks: Sequence[bytes]) -> Iterator[re.Match[bytes]]:
    """The cells of a kind; most sheets have none, which is seen without a pattern."""
    if any(_holds(data, mark) for mark in marks):
        yield from (cell for cell in pattern.finditer(data) if PLACE.search(cell[1]))


def _holds(data: bytes, mark: bytes) -> bool:
    """Whether a few bytes occur; a search for two that begin with "<" or "=" would stop at every element of the sheet."""
    import numpy as np

    if len(data) < len(mark) or mark[-1:] not in data:
        return False
    # the last two bytes are rarer than the first
    two = np.dtype("<u2")
    rare = int.from_bytes(mark[-2:], "little") if len(mark) == 2 else int.from_bytes(mark[1:3], "little")
    views = (np.frombuffer(data, two, (len(data) - start) // 2, start) for start in (0, 1))
    return any(bool((view == rare).any()) for view in views) and mark in data


def _attribute(element: ElementTree.Element, name: str) -> str | None:
    return next((value for key, value in element.items() if key.endswith(name)), None)


def _place(attributes: bytes) -> tuple[int, int]:
    """Row and column of a cell, from 0."""
    found = PLACE.search(attributes)
    letters, digits = found.groups() if found else (b"A", b"1")
    column = 0
    for letter in letters:
        column = column * 26 + letter - 64
    return int(digits) - 1, column - 1


def _kept(cell: re.Match[bytes]) -> float | str | None:
    """The value kept of a formula: a number, a text, or None."""
    found = VALUE.search(cell[2])
    value = found[1].decode("utf-8", "replace") if found else ""
    if TEXT_CELL.search(cell[1]):
        return value if found else None
    try:
        return float(value)
    except ValueError:
        return value or None


def _error(inner: bytes) -> str:
    found = VALUE.search(inner)
    return found[1].decode("utf-8", "replace") if found else "#N/A"


def _seconds(cell: dt.timedelta | dt.time) -> float:
    if isinstance(cell, dt.time):
        return cell.hour * 3600 + cell.minute * 60 + cell.second
    return round(cell.total_seconds())


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        # repr gives the shortest text that reads back as the same number; 7.0 is the number 7 of the sheet
        return NUMERIC_CELL + (str(int(cell)) if float(cell).is_integer() else repr(cell))
    if isinstance(cell, dt.datetime | dt.date | dt.time):
        return cell.isoformat()
    return str(cell).replace(NUMERIC_CELL, " ")
