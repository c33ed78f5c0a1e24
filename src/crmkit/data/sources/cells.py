"""What does a workbook that is not of the usual form (xls, xlsb, ods) say of its cells besides their values?

The reader of cells gives an empty text for an error and for a formula that nobody calculated, and a bare number for a day
without a format; which of these it was stands in the file alone.
"""

from __future__ import annotations

import io
import posixpath
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

Place = tuple[int, int]
Formulas = dict[Place, float | str | None]
# of the formulas their values, of the cells their errors, whether formulas were calculated, whether days count from 1904
Found = tuple[Formulas, dict[Place, str], bool, bool]
CODES = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}
# LibreOffice has numbers for errors of its own
NUMBERED = frozenset(f"Err:{number}" for number in range(501, 541))
# in the names of what LibreOffice says beside the standard
OWN_WORDS = "documentfoundation"
COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
NO_SECTOR = 0xFFFFFFFA
NOTHING: Found = ({}, {}, False, False)


def look_into(path: Path, sheet: str) -> Found:
    """What a file says of a sheet; nothing where it is of a form that is not known."""
    try:
        return _look_into(path, sheet)
    except (struct.error, IndexError, UnicodeError):
        return NOTHING


def _look_into(path: Path, sheet: str) -> Found:
    with path.open("rb") as file:
        start = file.read(len(COMPOUND))
    if start == COMPOUND:
        return _of_records(_stream(path.read_bytes()), sheet)
    if not zipfile.is_zipfile(path):
        return NOTHING
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        if {"xl/workbook.bin", "xl/_rels/workbook.bin.rels"} <= names:
            return _of_binary(archive, names, sheet)
        if "content.xml" in names and "xl/workbook.xml" not in names:
            return _of_document(archive.read("content.xml"), sheet)
    return NOTHING


def _stream(data: bytes) -> bytes:
    """The stream of a compound file that holds the workbook; empty where there is none."""
    size, small = (1 << shift for shift in struct.unpack_from("<HH", data, 30))
    sectors, first, cutoff, mini, more = (struct.unpack_from("<I", data, at)[0] for at in (44, 48, 56, 60, 68))

    def sector(number: int) -> bytes:
        return data[(number + 1) * size : (number + 2) * size]

    listed = list(struct.unpack_from("<109I", data, 76))
    while more < NO_SECTOR and len(listed) < sectors + size:
        *numbers, more = struct.unpack(f"<{size // 4}I", sector(more))
        listed += numbers
    table = [next_ for number in listed[:sectors] for next_ in struct.unpack(f"<{size // 4}I", sector(number))]

    def chain(number: int) -> bytes:
        parts: list[bytes] = []
        while number < len(table) and len(parts) <= len(table):
            parts.append(sector(number))
            number = table[number]
        return b"".join(parts)

    entries = list(_entries(chain(first)))
    where, length = next(((at, long) for name, at, long in entries if name in ("Workbook", "Book")), (NO_SECTOR, 0))
    if length >= cutoff:
        return chain(where)[:length]
    small_table = struct.unpack(f"<{len(chain(mini)) // 4}I", chain(mini))
    whole, read = chain(entries[0][1]), b""
    while where < len(small_table) and len(read) < length:
        read += whole[where * small : (where + 1) * small]
        where = small_table[where]
    return read[:length]


def _entries(folder: bytes) -> Iterator[tuple[str, int, int]]:
    """Name, first sector and length of what a compound file holds."""
    for at in range(0, len(folder), 128):
        (length,) = struct.unpack_from("<H", folder, at + 64)
        first, size = struct.unpack_from("<II", folder, at + 116)
        yield folder[at : at + max(0, length - 2)].decode("utf-16-le", "replace"), first, size


def _records(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at + 4 <= len(data):
        kind, length = struct.unpack_from("<HH", data, at)
        yield kind, data[at + 4 : at + 4 + length]
        at += 4 + length


def _of_records(data: bytes, sheet: str) -> Found:
    """Of a sheet of xls."""
    from_1904, calculated, old, begins = False, False, False, None
    for kind, body in _records(data, 0):
        if kind == 0x0A:
            break
        if kind == 0x809:
            old = body[:2] == b"\x00\x05"
        elif kind == 0x22:
            from_1904 = body[:1] == b"\x01"
        elif kind == 0x1C1:
            calculated = True
        elif kind == 0x85:
            name = body[7:].decode("latin-1") if old else body[8:].decode("utf-16-le" if body[7] & 1 else "latin-1", "replace")
            if name[: body[6]] == sheet:
                (begins,) = struct.unpack_from("<I", body)
    formulas: Formulas = {}
    errors: dict[Place, str] = {}
    depth = 0
    for kind, body in _records(data, begins) if begins is not None else ():
        depth += (kind == 0x809) - (kind == 0x0A)
        if depth == 0:
            break
        if depth > 1 or kind not in (0x06, 0x205):
            continue
        place: Place = struct.unpack_from("<HH", body)
        if kind == 0x205 and body[7]:
            errors[place] = CODES.get(body[6], "#VALUE!")
        elif kind == 0x06:
            formulas[place] = "" if body[12:14] == b"\xff\xff" else struct.unpack_from("<d", body, 6)[0]
            if body[12:14] == b"\xff\xff" and body[6] == 2:
                errors[place] = formulas[place] = CODES.get(body[8], "#VALUE!")
            elif body[12:14] == b"\xff\xff" and body[6] in (0, 1):
                formulas[place] = "a text" if body[6] == 0 else str(bool(body[8]))
    return formulas, errors, calculated, from_1904


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and content of the records of a part of xlsb; both lengths are written in groups of seven bits."""
    at = 0
    while at < len(data):
        numbers = []
        for most in (2, 4):
            number = 0
            for place in range(most):
                byte = data[at] if at < len(data) else 0
                at += 1
                number |= (byte & 0x7F) << (7 * place)
                if byte < 0x80:
                    break
            numbers.append(number)
        kind, length = numbers
        yield kind, data[at : at + length]
        at += length


def _wide(body: bytes, at: int) -> tuple[str, int]:
    """A text of xlsb and where it ends."""
    (length,) = struct.unpack_from("<I", body, at)
    end = at + 4 + 2 * length
    return body[at + 4 : end].decode("utf-16-le", "replace"), end


def _of_binary(archive: zipfile.ZipFile, names: set[str], sheet: str) -> Found:
    """Of a sheet of xlsb."""
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.bin.rels"))
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    from_1904, target = False, ""
    for kind, body in _parts(archive.read("xl/workbook.bin")):
        if kind == 153:
            from_1904 = bool(body[0] & 1)
        elif kind == 156:
            link, end = _wide(body, 8)
            if _wide(body, end)[0] == sheet:
                target = targets.get(link, "")
    part = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")
    formulas: Formulas = {}
    errors: dict[Place, str] = {}
    row = 0
    for kind, body in _parts(archive.read(part) if part in names else b""):
        if kind == 0:
            (row,) = struct.unpack_from("<I", body)
        elif kind in (3, 8, 9, 10, 11):
            place = (row, struct.unpack_from("<I", body)[0])
            if kind in (3, 11):
                errors[place] = CODES.get(body[8], "#VALUE!")
            if kind == 9:
                formulas[place] = struct.unpack_from("<d", body, 8)[0]
            elif kind != 3:
                formulas[place] = _wide(body, 8)[0] if kind == 8 else str(body[8])
    return formulas, errors, "xl/calcChain.bin" in names, from_1904


def _of_document(data: bytes, sheet: str) -> Found:
    """Of a sheet of ods."""
    from_1904 = b'date-value="1904-01-01' in data
    if b"table:formula" not in data and b'value-type="error"' not in data:
        return {}, {}, True, from_1904
    formulas: Formulas = {}
    errors: dict[Place, str] = {}
    inside, row = False, 0
    for event, element in ElementTree.iterparse(io.BytesIO(data), events=("start", "end")):
        name = element.tag.rpartition("}")[2]
        if name == "table" and event == "start":
            inside = _said(element, "name") == sheet
            row = 0
        elif name == "table-row" and event == "end":
            for column, cell in _cells(element) if inside else ():
                text = "".join(cell.itertext())
                kind = _said(cell, "value-type")
                if "error" in (kind, _of_libreoffice(cell)) or text in NUMBERED or text in CODES.values():
                    errors[row, column] = text
                if _said(cell, "formula"):
                    value = _said(cell, "value")
                    formulas[row, column] = text or kind if value is None else float(value)
            row += int(_said(element, "number-rows-repeated") or 1)
            element.clear()
    return formulas, errors, True, from_1904


def _cells(row: ElementTree.Element) -> Iterator[tuple[int, Any]]:
    at = 0
    for cell in row:
        if cell.tag.endswith(("}table-cell", "}covered-table-cell")):
            if len(cell) or _said(cell, "formula"):
                yield at, cell
            at += int(_said(cell, "number-columns-repeated") or 1)


def _said(element: ElementTree.Element, name: str) -> str | None:
    return next((value for key, value in element.items() if key.endswith(f"}}{name}") and OWN_WORDS not in key), None)


def _of_libreoffice(cell: ElementTree.Element) -> str | None:
    return next((value for key, value in cell.items() if key.endswith("}value-type") and OWN_WORDS in key), None)
