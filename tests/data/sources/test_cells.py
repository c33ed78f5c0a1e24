"""Workbooks of other forms: errors, formulas that nobody calculated, days from 1904, true and false, lengths of time.

Each file is written here, record by record, so that nothing is asked of the reader that is tested.
"""

from __future__ import annotations

import struct
import zipfile

import pytest

from crmkit.core.errors import as_shown
from crmkit.core.language import Locale, say
from crmkit.data.client import check_client
from crmkit.data.sources.cells import look_into

HEADERS = ("customer_id", "ordered_at", "amount", "cost", "is_return")
# 5 January 2024, counted from 1904
SERIAL = 43834
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"


class Error(str):
    """An error in a cell."""


class Formula:
    """A formula, and what it gives; None where nobody has calculated it."""

    def __init__(self, value):
        self.value = value


ROWS = (
    ("A", SERIAL, 5.5, Error("#N/A"), True),
    ("B", SERIAL, Formula(-6.0), 1.0, True),
    ("C", SERIAL, 7.0, Formula(Error("#DIV/0!")), False),
)
NOT_CALCULATED = (("A", SERIAL, Formula(None), 1.0, False), ("B", SERIAL, Formula(None), 1.0, False))
CODES = {"#N/A": 0x2A, "#DIV/0!": 0x07}


def record(kind, body=b""):
    return struct.pack("<HH", kind, len(body)) + body


def old_cell(row, column, value):
    """A cell of xls."""
    place = struct.pack("<HHH", row, column, 0)
    if isinstance(value, Formula):
        error, number = isinstance(value.value, Error), value.value
        kept = bytes([2, 0, CODES[number], 0, 0, 0, 255, 255]) if error else b"\x03" + b"\0" * 5 + b"\xff\xff"
        kept = struct.pack("<d", number) if isinstance(number, float) else kept
        return record(0x06, place + kept + struct.pack("<HIH", 0, 0, 3) + b"\x1e\x01\x00")
    if isinstance(value, Error):
        return record(0x205, place + bytes([CODES[value], 1]))
    if isinstance(value, bool):
        return record(0x205, place + bytes([value, 0]))
    if isinstance(value, str):
        return record(0x204, place + struct.pack("<HB", len(value), 0) + value.encode("ascii"))
    return record(0x203, place + struct.pack("<d", value))


def old_form(path, rows, *, from_1904=True):
    """A workbook of the form that was usual until 2007: records in a stream in a compound file."""
    begin = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0))
    sheet = record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
    sheet += b"".join(old_cell(r, c, value) for r, row in enumerate(rows) for c, value in enumerate(row)) + record(0x0A)
    book = begin + record(0x22, struct.pack("<H", from_1904))
    at = len(book) + 4 + 8 + len("Orders") + 4
    stream = book + record(0x85, struct.pack("<IBBBB", at, 0, 0, len("Orders"), 0) + b"Orders") + record(0x0A) + sheet
    stream += b"\0" * (-len(stream) % 512 if len(stream) >= 4096 else 4096 - len(stream))
    sectors = len(stream) // 512
    table = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, sectors + 2), 0xFFFFFFFE]
    table += [0xFFFFFFFF] * (128 - len(table))
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 10
    head += struct.pack("<IIIIIIIII", 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0) + b"\xff" * (4 * 108)

    def entry(name, kind, child, first, size):
        written = (name + "\0").encode("utf-16-le")
        beside = struct.pack("<HBBIII", len(written), kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child)
        return written.ljust(64, b"\0") + beside + b"\0" * 36 + struct.pack("<IQ", first, size)

    folder = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry("Workbook", 2, 0xFFFFFFFF, 2, len(stream))
    path.write_bytes(head + struct.pack("<128I", *table) + folder.ljust(512, b"\0") + stream)


def part(kind, body=b""):
    """A record of xlsb."""
    kinds = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    assert len(body) < 0x80 * 0x80
    return kinds + bytes([len(body) & 0x7F | 0x80, len(body) >> 7]) + body


def wide(text):
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def binary_cell(column, value):
    place = struct.pack("<II", column, 0)
    formula = struct.pack("<HII", 0, 0, 0)
    if isinstance(value, Formula):
        if isinstance(value.value, Error):
            return part(11, place + bytes([CODES[value.value]]) + formula)
        return part(9, place + struct.pack("<d", value.value or 0.0) + formula)
    if isinstance(value, Error):
        return part(3, place + bytes([CODES[value]]))
    if isinstance(value, bool):
        return part(4, place + bytes([value]))
    return part(6, place + wide(value)) if isinstance(value, str) else part(5, place + struct.pack("<d", value))


def binary_form(path, rows, *, from_1904=True):
    """A workbook of the form xlsb."""
    sheet = part(129) + part(148, struct.pack("<IIII", 0, len(rows) - 1, 0, 9)) + part(145)
    for number, row in enumerate(rows):
        sheet += part(0, struct.pack("<I", number) + b"\0" * 13)
        sheet += b"".join(binary_cell(column, value) for column, value in enumerate(row))
    book = part(131) + part(153, struct.pack("<II", from_1904, 0) + wide("")) + part(143)
    book += part(156, struct.pack("<II", 0, 1) + wide("rId1") + wide("Orders")) + part(144) + part(132)
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
    link = f'<Relationship Id="rId1" Type="{kind}" Target="worksheets/sheet1.bin"/>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.bin", book)
        archive.writestr("xl/_rels/workbook.bin.rels", f'<Relationships xmlns="{RELATIONS}">{link}</Relationships>')
        archive.writestr("xl/worksheets/sheet1.bin", sheet + part(146) + part(130))


def open_cell(value):
    if isinstance(value, Formula):
        shown = "" if value.value is None else open_cell(value.value)[len("<table:table-cell") :]
        return f'<table:table-cell table:formula="of:=1"{shown or "/>"}'
    if isinstance(value, Error):
        kind = 'office:value-type="string" office:string-value="" calcext:value-type="error"'
        return f"<table:table-cell {kind}><text:p>{value}</text:p></table:table-cell>"
    kind, name = ("boolean", "boolean-value") if isinstance(value, bool) else ("float", "value")
    if isinstance(value, str):
        kind, name = ("time", "time-value") if value.startswith("PT") else ("string", "string-value")
    written = str(value).lower() if isinstance(value, bool) else value
    return f'<table:table-cell office:value-type="{kind}" office:{name}="{written}"><text:p>{value}</text:p></table:table-cell>'


def open_form(path, rows, *, from_1904=True):
    """A workbook of the form ods."""
    names = "".join(
        f' xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{short}:1.0"' for short in ("office", "table", "text")
    )
    names += ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
    first = '<table:calculation-settings><table:null-date table:date-value="1904-01-01"/></table:calculation-settings>'
    cells = "".join(f"<table:table-row>{''.join(map(open_cell, row))}</table:table-row>" for row in rows)
    sheet = f'{first if from_1904 else ""}<table:table table:name="Orders">{cells}</table:table>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        manifest = 'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"'
        archive.writestr("META-INF/manifest.xml", f"<manifest:manifest {manifest}/>")
        body = f"<office:body><office:spreadsheet>{sheet}</office:spreadsheet></office:body>"
        archive.writestr("content.xml", f"<office:document-content{names}>{body}</office:document-content>")


FORMS = {"xls": old_form, "xlsb": binary_form, "ods": open_form}


@pytest.mark.parametrize("form", FORMS)
def test_errors_booleans_and_days_from_1904(project, form):
    project.table(negative_amounts="returns")
    FORMS[form](project.folder / f"transactions.{form}", (HEADERS, *ROWS))
    table = project.open().tables["transactions"].to_pandas().set_index("customer_id").loc[["A", "B", "C"]]
    assert [str(day)[:10] for day in table["ordered_at"]] == ["2024-01-05"] * 3
    assert table["amount"].astype(float).tolist() == [-5.5, -6, 7]
    assert table["is_return"].tolist() == [True, True, False]
    assert table["cost"].isna().tolist() == [True, False, True]
    said = [say(note, Locale()) for note in check_client("acme", home=project.home).intake[0].notes]
    assert f"transactions.{form}: errors such as #DIV/0! in cost count as empty; cells: 2" in said


@pytest.mark.parametrize("form", FORMS)
def test_an_error_where_a_number_is_needed_is_refused_with_its_row(project, form):
    FORMS[form](project.folder / f"transactions.{form}", (HEADERS, ("A", SERIAL, Error("#DIV/0!"), 1.0, False), ROWS[0]))
    (problem,) = as_shown(check_client("acme", home=project.home).problems)
    assert "column 'amount' has 1 value that cannot be read as a number (row 2): '#DIV/0!'" in problem


@pytest.mark.parametrize("form", FORMS)
def test_formulas_that_nobody_calculated_are_refused(project, form):
    FORMS[form](project.folder / f"transactions.{form}", (HEADERS, *NOT_CALCULATED))
    (problem,) = as_shown(check_client("acme", home=project.home).problems)
    assert "column 'amount' has 2 formulas" in problem
    assert "(rows 2, 3)" in problem
    assert "open the file in the spreadsheet program and save it" in problem


@pytest.mark.parametrize("form", FORMS)
def test_days_that_are_not_counted_from_1904(project, form):
    FORMS[form](project.folder / f"transactions.{form}", (HEADERS, ("A", SERIAL + 1462, 1.0, 1.0, False)), from_1904=False)
    (day,) = project.open().tables["transactions"].to_pandas()["ordered_at"]
    assert str(day)[:10] == "2024-01-05"


def test_a_length_of_time_in_an_open_document(project):
    rows = (
        ("response_id", "item_id", "score", "duration_seconds"),
        ("1", "q", 5.0, "PT00H14M24S"),
        ("2", "q", 4.0, "PT60H00M01S"),
    )
    project.params(as_of="2024-12-31")
    open_form(project.folder / "surveys.ods", rows)
    table = project.open().tables["surveys"].to_pandas().sort_values("response_id")
    assert table["duration_seconds"].tolist() == [864, 216001]


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_is_cut_off_ends_in_one_sentence(project, form):
    path = project.folder / f"transactions.{form}"
    FORMS[form](path, (HEADERS, *ROWS))
    whole = path.read_bytes()
    for share in (0.02, 0.3, 0.6, 0.9, 0.99):
        path.write_bytes(whole[: int(len(whole) * share)])
        check = check_client("acme", home=project.home)
        assert all(f"transactions.{form}" in one and str(project.home) not in one for one in check.problems)
        assert check.problems or form == "xls"
    assert look_into(path, "Orders") is not None
