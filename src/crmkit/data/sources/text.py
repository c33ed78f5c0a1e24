"""What is in a text file: its encoding, its separator, its header line, and its rows with their numbers.

A row number counts as a spreadsheet does: the header line is row 1, blank lines count, a quoted field that spans lines is
one row. Values stay text here; :mod:`crmkit.data.intake.parse` reads numbers and dates.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from crmkit.core.errors import DataError
from crmkit.core.settings import TableSettings
from crmkit.data.sources.workbook import NUMERIC_CELL

SEPARATORS = (",", ";", "\t", "|")
SEPARATOR_WORDS = {"tab": "\t"}
WHITESPACE = "whitespace"
CHUNK = 1 << 22
SAMPLE = 1 << 18
FIELD_LIMIT = 1 << 27
# longest first: the mark of UTF-32 begins with that of UTF-16
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
BLANK_LINE = re.compile(rb"\n[ \t]*\r?\n")
BLANK_FIRST_LINE = re.compile(rb"[ \t]*\r?\n")
SEPARATOR_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class TextFile:
    """A text file that is ready to be read: UTF-8, its layout known.

    Parameters
    ----------
    path : Path
        The file itself, or its copy in UTF-8.
    encoding : str
        What the file was written in.
    guessed : bool
        Whether the encoding is a guess.
    separator : str
        One character, or ``"whitespace"``.
    headers : tuple of str
        Column names, as written.
    skip : int
        Lines before the first row.
    regular : bool
        Whether every line is one row, so that the engine may read it alone.
    """

    path: Path
    encoding: str
    guessed: bool
    separator: str
    headers: tuple[str, ...]
    skip: int
    regular: bool


def inspect(path: Path, *, settings: TableSettings, spill: Path, where: str) -> TextFile:
    """How is this file written?

    Parameters
    ----------
    path : Path
    settings : TableSettings
        What was declared of it; everything else is found by looking.
    spill : Path
        Folder for a copy in UTF-8, where the file is written in something else.
    where : str
        What to name in a message, for example ``"transactions: orders.csv"``.

    Raises
    ------
    DataError
        When the file is empty, or its encoding or layout cannot be found.
    """
    if path.stat().st_size == 0:
        raise DataError(f"{where} is empty; a header line and at least one row are expected")
    encoding, guessed = find_encoding(path, declared=settings.encoding, where=where)
    readable = path if encoding in ("utf-8", "utf-8-sig") else _transcode(path, encoding=encoding, spill=spill)
    with open(readable, encoding="utf-8-sig", newline="") as file:
        first = file.readline(CHUNK)
        mark = SEPARATOR_LINE.fullmatch(first)
        if mark:
            first = file.readline(CHUNK)
        separator = _separator(first, settings=settings, found=mark.group(1) if mark else "")
        found = TextFile(readable, encoding, guessed, separator, (), int(bool(mark)), regular=False)
        if settings.names is not None:
            return replace(found, headers=tuple(settings.names), regular=_regular(found))
    header = next(((number, fields) for number, fields in _records(found, where=where) if any(fields)), None)
    if header is None:
        raise DataError(f"{where} is empty; a header line and at least one row are expected")
    number, fields = header
    return replace(
        found,
        headers=tuple(field.strip() for field in fields),
        skip=number,
        regular=_regular(found) and not any("\n" in field or "\r" in field for field in fields),
    )


def find_encoding(path: Path, *, declared: str | None, where: str) -> tuple[str, bool]:
    """In what is a file encoded, and is that a guess?

    A byte order mark says it; else UTF-8 where every byte fits; else GB18030 where every byte fits and most characters are
    common Chinese ones (bytes of a western encoding often fit by chance); else charset-normalizer guesses.

    Raises
    ------
    DataError
        When nothing fits; ``encoding`` can be declared.
    """
    if declared:
        return _known_encoding(path, declared, where=where), False
    with open(path, "rb") as file:
        head = file.read(SAMPLE)
    for mark, name in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return _known_encoding(path, name, where=where), False
    if _decodes(path, "utf-8"):
        return "utf-8", False
    if _decodes(path, "gb18030") and _looks_chinese(path):
        return "gb18030", True
    from charset_normalizer import from_bytes

    best = from_bytes(head).best()
    if best is None or not _decodes(path, best.encoding):
        raise DataError(f"{where} is in no encoding that was recognised; declare it, for example encoding: cp1252")
    return best.encoding, True


def text_rows(file: TextFile, *, where: str) -> Iterator[tuple[int, list[str]]]:
    """Row number and fields of each row after the header line; blank lines are counted and left out."""
    for number, fields in _records(file, where=where):
        if number > file.skip and fields:
            # a mark of ours that came from outside is the blank that it is for everybody else
            yield number, [field.replace(NUMERIC_CELL, " ") if NUMERIC_CELL in field else field for field in fields]


def write_rows(rows: Iterable[tuple[int, list[str]]], *, width: int, to: Path) -> int:
    """Rows as a plain CSV file that the engine reads alone: row number, number of fields where too many, the fields.

    Returns
    -------
    int
        How many rows were written.
    """
    count = 0
    with open(to, "w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        for number, fields in rows:
            spare = any(field.strip() for field in fields[width:])
            padded = fields[:width] + [""] * (width - len(fields))
            writer.writerow([number, len(fields) if spare else "", *padded])
            count += 1
    return count


def _records(file: TextFile, *, where: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(FIELD_LIMIT)
    with open(file.path, encoding="utf-8-sig", newline="" if file.separator != WHITESPACE else None) as handle:
        if file.separator == WHITESPACE:
            yield from ((number, line.split()) for number, line in enumerate(handle, start=1))
            return
        # a line 'sep=;' is read as a row of its own, which keeps the count
        reader = csv.reader(handle, delimiter=file.separator, strict=True)
        number = 0
        try:
            for fields in reader:
                number += 1
                if number > 1 or not SEPARATOR_LINE.fullmatch(file.separator.join(fields)):
                    yield number, fields
        except csv.Error as err:
            raise DataError(f"{where}, row {number + 1}: a quotation mark is not closed, or stands inside a field") from err


def _separator(line: str, *, settings: TableSettings, found: str) -> str:
    if settings.separator:
        return SEPARATOR_WORDS.get(settings.separator, settings.separator)
    if found:
        return found
    unquoted = re.sub(r'"[^"]*"', "", line)
    counts = {separator: unquoted.count(separator) for separator in SEPARATORS}
    return max(SEPARATORS, key=lambda separator: counts[separator])


def _regular(file: TextFile) -> bool:
    """Whether lines end in one way, none is blank (the engine would not count it), and none holds a mark of ours."""
    if file.separator == WHITESPACE:
        return False
    carried = b""
    feeds = returns = both = 0
    with open(file.path, "rb") as handle:
        while chunk := handle.read(CHUNK):
            data = carried + chunk
            if NUMERIC_CELL.encode() in chunk:
                return False
            if BLANK_LINE.search(data) or (not carried and BLANK_FIRST_LINE.match(data)):
                return False
            feeds, returns, both = feeds + chunk.count(b"\n"), returns + chunk.count(b"\r"), both + data.count(b"\r\n")
            carried = data[-64:] if b"\n" in data[-64:] else data[-1:]
            both -= carried.count(b"\r\n")
    both += carried.count(b"\r\n")
    return returns in (0, both) and both in (0, feeds)


def _known_encoding(path: Path, declared: str, *, where: str) -> str:
    try:
        name = codecs.lookup(declared).name
    except LookupError as err:
        raise DataError(f"{where} is declared as encoding {declared!r}, which Python does not know") from err
    if not _decodes(path, name):
        raise DataError(f"{where} is declared as encoding {declared!r}, but some of its bytes do not fit")
    return name


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with open(path, "rb") as handle:
        try:
            while chunk := handle.read(CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _looks_chinese(path: Path) -> bool:
    with open(path, encoding="gb18030") as handle:
        wide = [char for char in handle.read(CHUNK) if ord(char) > 0x7F]
    common = sum(1 for char in wide if _in_gb2312(char))
    return common >= 0.8 * len(wide)


def _in_gb2312(char: str) -> bool:
    try:
        char.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _transcode(path: Path, *, encoding: str, spill: Path) -> Path:
    """A copy in UTF-8, because the engine reads nothing else without an extension from the network."""
    copy = spill / f"{len(list(spill.iterdir()))}-utf8.txt"
    with open(path, encoding=encoding, newline="") as source, open(copy, "w", encoding="utf-8", newline="") as target:
        while chunk := source.read(CHUNK):
            target.write(chunk)
    return copy
