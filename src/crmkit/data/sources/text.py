"""What is in a text file: its encoding, its separator, its header line, and its rows with their numbers.

A row number counts as a spreadsheet does: the header line is row 1, blank lines count, a quoted field that spans lines is
one row. Values stay text here; :mod:`crmkit.data.intake.parse` reads numbers and dates.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path

from crmkit.core.errors import DataError
from crmkit.core.settings import TableSettings
from crmkit.data.sources.layout import EMPTY, LOOKED_AT, Head, Row, find_head, header_rows, table_rows
from crmkit.data.sources.workbook import NUMERIC_CELL

SEPARATORS = (",", ";", "\t", "|")
SEPARATOR_WORDS = {"tab": "\t"}
WHITESPACE = "whitespace"
CHUNK = 1 << 22
SAMPLE = 1 << 18
FIELD_LIMIT = 1 << 27
WESTERN = "cp1252"
# those that encodings of central Europe, Turkey and Russia write otherwise are not among them
WESTERN_LETTERS = frozenset("äöüßéèêëàâîïôûùçñáíóú€£§°’‘“”–—…´«»¿¡ºª·\N{NO-BREAK SPACE}")
# Windows before the norm of the same letters
CENTRAL = ("cp1250", "iso8859-2")
# letters of languages that one encoding holds; the same bytes are letters of both
WESTERN_LANGUAGES = tuple(
    map(frozenset, ("äöüß", "àâæçéèêëîïôœùûüÿ", "áéíóúüñ", "àáâãçéêíóôõú", "àèéìíîòóùú", "åäöæøé", "áéèêëïíóöü"))
)
CENTRAL_LANGUAGES = tuple(map(frozenset, ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű")))
# the byte of the backslash is the sign of the yen in these: before a number it means money, never a path
JAPANESE, YEN = ("shift_jis", "cp932"), re.compile(r"\\(?= ?[0-9])")
SIGNS = frozenset("€§°’‘‚„“”–—…´«»·\N{NO-BREAK SPACE}")
WESTERN_SIGNS = SIGNS | frozenset("£¿¡ºª")
# ń, ę, ő, Ł and ż read as western, where no word of western Europe has them; quotation marks that are letters of DOS
FOREIGN = re.compile(r"ñ(?![aeiouyáéíóú])|ê[bdgk]|õ(?!e)|£[^\W\d_]|\w¿|[^\W\d_][‚„“”][^\W\d_]", re.IGNORECASE)
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
    head : Head
        Column names, as written, and where the rows begin.
    line_end : str
        How lines end where every line is one row, so that the engine may read the file alone; empty where it may not.
    """

    path: Path
    encoding: str
    guessed: bool
    separator: str
    head: Head
    line_end: str = ""


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
        raise DataError(f"{where} {EMPTY}")
    encoding, guessed = find_encoding(path, declared=settings.encoding, where=where)
    readable = path if encoding in ("utf-8", "utf-8-sig") else _transcode(path, encoding=encoding, spill=spill)
    if guessed or not encoding.startswith(("utf-16", "utf-32")):
        _refuse_nul(readable, encoding=encoding, where=where)
    lines = _first_lines(readable)
    mark = SEPARATOR_LINE.fullmatch(lines[0]) if lines else None
    separator = _separator(lines[bool(mark) :], settings=settings, found=mark.group(1) if mark else "", marked=bool(mark))
    found = TextFile(readable, encoding, guessed, separator, Head((), 0))
    head = find_head(_records(found, where=where), settings=settings, where=where)
    if not head.row:
        head = replace(head, row=int(bool(mark)))
    as_it_is = head.flat and not settings.skip and not settings.footer
    return replace(found, head=head, line_end=_line_end(found) if as_it_is else "")


def find_encoding(path: Path, *, declared: str | None, where: str) -> tuple[str, bool]:
    """In what is a file encoded, and is that a guess?

    A byte order mark says it; else UTF-8 where every byte fits; else GB18030 where every byte fits and most characters are
    common Chinese ones (bytes of a western encoding often fit by chance); else that of Windows in western Europe where all
    letters are those of one language there; else one of central Europe by the same rule; else that of the west where accents
    stand in words as they do there; else one of central Europe where letters of one language stand beside others; else
    charset-normalizer guesses, which takes a German list with few umlauts for one of an old Macintosh.

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
    wide = _wide_encoding(head)
    if wide and _decodes(path, wide):
        return wide, True
    if _decodes(path, "utf-8"):
        return "utf-8", False
    if _decodes(path, "gb18030") and _looks_chinese(path):
        return "gb18030", True
    western = _decodes(path, WESTERN)
    if western and _looks_western(head, one=True):
        return WESTERN, True
    if central := _central(path, head, alone=True):
        return central, True
    if western and _looks_western(head):
        return WESTERN, True
    if central := _central(path, head, alone=False):
        return central, True
    from charset_normalizer import from_bytes

    best = from_bytes(head).best()
    if best is None or not _decodes(path, best.encoding):
        raise DataError(f"{where} is in no encoding that was recognised; declare it, for example encoding: cp1252")
    return best.encoding, True


def text_rows(file: TextFile, *, settings: TableSettings, where: str) -> Iterator[Row]:
    """Row number and fields of each row of the table; blank lines are counted and left out."""
    # a mark of ours that came from outside is the blank that it is for everybody else
    filled = (
        (number, [field.replace(NUMERIC_CELL, " ") if NUMERIC_CELL in field else field for field in fields])
        for number, fields in _records(file, where=where)
        if fields
    )
    return table_rows(filled, file.head, settings=settings)


def first_rows(file: TextFile, *, where: str) -> Iterator[list[Row]]:
    """The first rows of a file, with the separator found and with each other one."""
    for separator in dict.fromkeys((file.separator, *SEPARATORS)):
        try:
            yield list(islice(_records(replace(file, separator=separator), where=where), LOOKED_AT))
        except DataError:
            continue


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


def _first_lines(path: Path) -> list[str]:
    """The first lines of a file; a quoted field that spans lines is in one."""
    lines: list[str] = []
    with open(path, encoding="utf-8-sig", newline="") as file:
        whole = ""
        while len(lines) < LOOKED_AT and (part := file.readline(CHUNK)):
            whole += part
            if whole.count('"') % 2 == 0 or len(whole) > CHUNK:
                lines.append(whole)
                whole = ""
    return [*lines, whole] if whole else lines


def _separator(lines: Sequence[str], *, settings: TableSettings, found: str, marked: bool) -> str:
    """The most frequent separator of the header line; of the first line that has one, where it is not known which that is."""
    if settings.separator:
        return SEPARATOR_WORDS.get(settings.separator, settings.separator)
    if found:
        return found
    first = max(header_rows(settings), default=1) - 1 - marked
    for line in [*lines[first : first + 1], *lines]:
        unquoted = re.sub(r'"[^"]*"', "", line)
        best = max(SEPARATORS, key=unquoted.count)
        if best in unquoted:
            return best
    return SEPARATORS[0]


def _line_end(file: TextFile) -> str:
    """How lines end, if all in one way, none is blank (the engine would not count it), and none holds a mark of ours."""
    if file.separator == WHITESPACE:
        return ""
    carried = b""
    feeds = returns = both = 0
    with open(file.path, "rb") as handle:
        while chunk := handle.read(CHUNK):
            data = carried + chunk
            if NUMERIC_CELL.encode() in chunk:
                return ""
            if BLANK_LINE.search(data) or (not carried and BLANK_FIRST_LINE.match(data)):
                return ""
            feeds, returns, both = feeds + chunk.count(b"\n"), returns + chunk.count(b"\r"), both + data.count(b"\r\n")
            carried = data[-64:] if b"\n" in data[-64:] else data[-1:]
            both -= carried.count(b"\r\n")
    both += carried.count(b"\r\n")
    if returns not in (0, both) or both not in (0, feeds):
        return ""
    return "\r\n" if both else "\n"


def _refuse_nul(path: Path, *, encoding: str, where: str) -> None:
    read = 0
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            at = chunk.find(b"\0")
            if at >= 0:
                raise DataError(
                    f"{where}, read as {encoding}, holds bytes of value 0, the first at byte {read + at + 1}: it is damaged or"
                    " no text file; export it again, or declare its encoding, for example encoding: utf-16-le."
                )
            read += len(chunk)


def _wide_encoding(head: bytes) -> str:
    """UTF-16 without a byte order mark: of each two bytes of a Latin letter or a digit one is 0, always the same one."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if min(even, odd) > 0.02 * max(even, odd) or max(even, odd) < 0.05 * len(head) / 2:
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


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


def _accented(head: bytes, encoding: str) -> tuple[list[str], set[str]]:
    """Words that are not of plain letters alone, and in small ones what they hold besides."""
    words = [word for word in head.decode(encoding, "replace").split() if not word.isascii()]
    return words, {char for word in words for char in word.lower() if not char.isascii()}


def _looks_like_words(words: Sequence[str]) -> bool:
    """Whether letters with accents are fewer than the others, and none is a capital inside a word of small ones."""
    letters = [char for word in words for char in word if char.isalpha()]
    inside = any(
        before.islower() and not char.isascii() and char.isupper() for word in words for before, char in pairwise(word)
    )
    return 2 * sum(not char.isascii() for char in letters) < len(letters) and not inside


def _looks_western(head: bytes, *, one: bool = False) -> bool:
    """Whether letters with accents are those of western Europe, or of ``one`` language there, and stand as they do there."""
    words, found = _accented(head, WESTERN)
    fits = [found - WESTERN_SIGNS <= each for each in WESTERN_LANGUAGES] if one else [found <= WESTERN_LETTERS]
    return any(fits) and _looks_like_words(words) and not any(FOREIGN.search(word) for word in words)


def _central(path: Path, head: bytes, *, alone: bool) -> str:
    """The encoding in which letters that the west writes otherwise are those of one language of central Europe.

    ``alone``: whether no letter may be of another language. Empty where there is none.
    """
    for encoding in CENTRAL:
        words, found = _accented(head, encoding)
        own = {char for char in found - SIGNS if char.encode(encoding, "replace") != char.encode(WESTERN, "replace")}
        letters = found - SIGNS if alone else own
        shared = alone or found - own <= WESTERN_LETTERS | SIGNS | set("ýšž")
        fits = any(letters <= language for language in CENTRAL_LANGUAGES) and shared
        if own and fits and _looks_like_words(words) and _decodes(path, encoding):
            return encoding
    return ""


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
        # whole lines, so that a sign and the digit after it are seen together
        while chunk := source.read(CHUNK) + source.readline():
            target.write(YEN.sub("¥", chunk) if encoding in JAPANESE else chunk)
    return copy
