"""Headers, files, workbooks, and sources with types."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

from crmkit.data.tables import TABLES
from exports.kinds_values import required
from exports.model import AFTER, USED, Export, Kind

CSV, TEXTS, TYPES = ("csv",), ("csv", "xlsx"), ("parquet", "duckdb")
INVISIBLE = ("\ufeff", "\u200b", "\u200e", "\u00ad", "\u2060")


def header_kinds() -> list[Kind]:
    """How the columns are called and where the header stands."""
    kinds = [
        Kind("header: other order", _shuffled),
        Kind("header: capital letters", _renamed(str.upper)),
        Kind("header: blanks around", _renamed(lambda name: f" {name} "), sources=TEXTS),
        Kind("header: full width", _renamed(lambda name: name.replace("_", "＿"))),
        Kind("header: other names, declared", _declared_names),
        Kind("header: Chinese names, declared", _chinese_names),
        Kind("header: by number", _by_number, sources=TEXTS),
        Kind("header: further columns", _further),
        Kind("header: further column without a name", _nameless, sources=TEXTS),
        Kind("header: title lines, declared", _title(True), sources=TEXTS),
        Kind("header: title lines", _title(False), stage="file", sources=TEXTS),
        Kind("header: empty lines above", _empty_above, sources=TEXTS),
        Kind("header: two lines, declared", _two_lines, sources=TEXTS),
        Kind("header: lines to skip", _skipped, sources=TEXTS),
        Kind("header: footer, declared", _footer, sources=TEXTS),
        Kind("header: none, declared", _headless, sources=TEXTS),
        Kind("header: none", _no_header, stage="file", sources=CSV),
        Kind("header: a required column is missing", _missing, stage="file"),
        Kind("header: a column twice", _twice, stage="file", sources=TEXTS),
        Kind("header: an optional column is missing", _optional_missing),
    ]
    kinds += [
        Kind(f"header: U+{ord(sign):04X} inside", _renamed(lambda n, s=sign: f"{n[0]}{s}{n[1:]}"), sources=TEXTS)
        for sign in INVISIBLE
    ]
    return kinds


def _open_header(export: Export) -> bool:
    return not {"header", "file", "lines"} & export.touched and all("line" not in row.cells for row in export.rows)


def _renamed(how: Callable[[str], str]) -> Callable[[Export, Random], bool]:
    def change(export: Export, rng: Random) -> bool:
        if not _open_header(export):
            return False
        export.headers = {name: how(header) for name, header in export.headers.items()}
        export.touched |= {"header", "lines"}
        return True

    return change


def _shuffled(export: Export, rng: Random) -> bool:
    if not _open_header(export):
        return False
    names = list(export.headers)
    rng.shuffle(names)
    export.headers = {name: export.headers[name] for name in names}
    export.touched |= {"header", "lines"}
    return True


def _declared_names(export: Export, rng: Random, prefix: str = "The column of ") -> bool:
    if not _open_header(export) or "declared" in export.touched:
        return False
    items = export.declared.get("items", {})
    for name in export.headers:
        export.headers[name] = f"{prefix}{name}"
    for name in export.kinds:
        if name in items:
            items[name]["column"] = export.headers[name]
        elif name in export.headers:
            export.declared.setdefault("columns", {})[name] = export.headers[name]
    export.touched |= {"header", "declared", "lines"}
    return True


def _chinese_names(export: Export, rng: Random) -> bool:
    return _declared_names(export, rng, "列（中文）")


def _by_number(export: Export, rng: Random) -> bool:
    if not _open_header(export) or "declared" in export.touched:
        return False
    items = export.declared.get("items", {})
    for at, name in enumerate(list(export.headers), start=1):
        export.headers[name] = f"Field {chr(64 + at)}"
        if name in items:
            items[name]["column"] = at
        elif name in export.kinds:
            export.declared.setdefault("columns", {})[name] = at
    export.touched |= {"header", "declared", "lines"}
    return True


def _further(export: Export, rng: Random) -> bool:
    if not _open_header(export):
        return False
    export.headers = {"Note": "Note", **export.headers, "Amount (net)": "Amount (net)"}
    for row in export.rows:
        row.cells["Note"], row.cells["Amount (net)"] = "seen", "n/a"
    export.touched |= {"header", "lines"}
    return True


def _nameless(export: Export, rng: Random) -> bool:
    if not _open_header(export):
        return False
    export.headers["nameless"] = ""
    for row in export.rows:
        row.cells["nameless"] = "?"
    export.touched |= {"header", "lines"}
    return True


def _title(declared: bool) -> Callable[[Export, Random], bool]:
    def change(export: Export, rng: Random) -> bool:
        if not _open_header(export) or "declared" in export.touched:
            return False
        width = len(export.headers) - 1
        export.form["above"] = [["Export of 2025-01-01", *[""] * width], ["all customers", *[""] * width]]
        if declared:
            export.declared["header"] = 3
        else:
            export.refused.append(("header", "3"))
        export.touched |= {"header", "declared", "lines"}
        return True

    return change


def _empty_above(export: Export, rng: Random) -> bool:
    if not _open_header(export):
        return False
    export.form["above"] = [[""] * len(export.headers)] * 2
    export.touched |= {"header", "lines"}
    return True


def _two_lines(export: Export, rng: Random) -> bool:
    if not _open_header(export) or "declared" in export.touched:
        return False
    export.form["above"] = [["Group"] * len(export.headers)]
    items = export.declared.get("items", {})
    for name in export.kinds:
        if name in items:
            items[name]["column"] = f"Group {export.headers[name]}"
        elif name in export.headers:
            export.declared.setdefault("columns", {})[name] = f"Group {export.headers[name]}"
    export.declared["header"] = [1, 2]
    export.touched |= {"header", "declared", "lines"}
    return True


def _skipped(export: Export, rng: Random) -> bool:
    if not _open_header(export) or "declared" in export.touched:
        return False
    export.form["above"] = [list(export.headers.values()), ['{"ImportId":"x"}'] * len(export.headers)]
    export.form["headless"] = True
    export.declared["header"], export.declared["skip"] = 1, [2]
    export.form["unnumbered"] = True
    export.touched |= {"header", "declared", "lines"}
    return True


def _footer(export: Export, rng: Random) -> bool:
    if not _open_header(export) or "declared" in export.touched:
        return False
    width = len(export.headers) - 1
    export.form["below"] = [["Confidential", *[""] * width], ["Copyright 2025", *[""] * width]]
    export.declared["footer"] = 2
    export.touched |= {"header", "declared", "lines"}
    return True


def _headless(export: Export, rng: Random) -> bool:
    if not _open_header(export) or "declared" in export.touched or export.table == "surveys":
        return False
    export.form["headless"] = export.form["unnumbered"] = True
    export.declared["names"] = list(export.headers.values())
    export.touched |= {"header", "declared", "lines"}
    return True


def _no_header(export: Export, rng: Random) -> bool:
    if not _open_header(export):
        return False
    export.form["headless"] = True
    export.refused.append((export.table,))
    return True


def _missing(export: Export, rng: Random) -> bool:
    names = [name for name in export.headers if required(export, name) and name not in ("amount", "started_at")]
    if not _open_header(export) or not names:
        return False
    name = rng.choice(names)
    del export.headers[name]
    export.refused.append((f"has no column {name!r}", "required"))
    return True


def _twice(export: Export, rng: Random) -> bool:
    names = [name for name in export.headers if required(export, name)]
    if not _open_header(export) or not names:
        return False
    name = rng.choice(names)
    export.headers["again"] = export.headers[name]
    for row in export.rows:
        row.cells["again"] = row.cells[name]
    export.refused.append(("has 2 columns with the header", f"'{export.headers[name]}'"))
    return True


def _optional_missing(export: Export, rng: Random) -> bool:
    kept = {TABLES[export.table].event, "order_id", "customer_id", "responded_at"}
    names = [
        name
        for name in export.free("text", "money", "integer", "number", "boolean")
        if not required(export, name) and name not in kept
    ]
    names = [name for name in names if name in export.headers]
    if not _open_header(export) or not names:
        return False
    name = rng.choice(names)
    del export.headers[name], export.kinds[name]
    for row in export.rows:
        row.truth.pop(name)
    export.touched |= {"header", name, "lines"}
    return True


# files of text

FORMS: dict[str, dict[str, Any]] = {
    "semicolons": {"separator": ";"},
    "tabs": {"separator": "\t"},
    "bars": {"separator": "|"},
    "tabs in a .tsv": {"separator": "\t", "suffix": ".tsv"},
    "tabs in a .txt": {"separator": "\t", "suffix": ".txt"},
    "capital suffix": {"suffix": ".CSV"},
    "everything quoted": {"quoted": True},
    "CRLF": {"end": "\r\n"},
    "CR": {"end": "\r"},
    "no end of the last line": {"cut_end": True},
    "UTF-8 with a mark": {"encoding": "utf-8-sig"},
    "UTF-16 with a mark": {"encoding": "utf-16"},
    "UTF-16 with a mark, tabs": {"encoding": "utf-16", "separator": "\t"},
    "CRLF, quoted, with a mark": {"end": "\r\n", "quoted": True, "encoding": "utf-8-sig"},
    "CRLF and semicolons": {"end": "\r\n", "separator": ";"},
    "in two files": {"parts": True},
}


def file_kinds() -> list[Kind]:
    """How a file of text is written."""
    kinds = []
    for name, form in FORMS.items():

        def change(export: Export, rng: Random, form: dict[str, Any] = form) -> bool:
            if "file" in export.touched or (form.get("parts") and {"header", "lines", "declared"} & export.touched):
                return False
            if form.get("parts"):
                export.touched |= {"header", "lines", "declared"}
            export.form |= form
            export.touched.add("file")
            return True

        kinds.append(Kind(f"file: {name}", change, sources=CSV))
    kinds += [
        Kind("file: GB18030", _encoded("gb18030", None), sources=CSV),
        Kind("file: GBK, declared", _encoded("gbk", "gbk"), sources=CSV),
        Kind("file: Latin 1, declared", _encoded("latin-1", "latin-1"), sources=CSV),
        Kind("file: Windows 1252, declared", _encoded("cp1252", "cp1252"), sources=CSV),
        Kind("file: UTF-16 without a mark", _encoded("utf-16-le", None), sources=CSV),
        Kind("file: UTF-16 big end without a mark", _encoded("utf-16-be", None), sources=CSV),
        Kind("file: Big 5, declared", _encoded("big5", "big5"), sources=CSV),
        Kind("file: Shift JIS, declared", _encoded("shift_jis", "shift_jis"), sources=CSV),
        Kind("file: empty", _empty_file, stage="file", sources=CSV),
        Kind("file: a header and no row", _no_rows, stage="file", sources=TEXTS),
        Kind("file: separator declared", _separator_declared, sources=CSV),
        Kind("file: a separator inside the texts", _separator_inside, sources=CSV),
    ]
    return kinds


def _encoded(encoding: str, declared: str | None) -> Callable[[Export, Random], bool]:
    texts = {
        "latin-1": ("Müller", "Café", "Größe"),
        "cp1252": ("Müller – Söhne", "€ Shop", "Größe"),
        "big5": ("茶葉", "咖啡", "客戶服務"),
        "shift_jis": ("お茶", "コーヒー", "書籍"),
    }.get(encoding, ("茶叶与咖啡", "客户服务部门的意见", "北京市东城区"))

    def change(export: Export, rng: Random) -> bool:
        names = [name for name in export.free("text") if not _listed(export, name)]
        if "file" in export.touched or (declared and "declared" in export.touched) or not names:
            return False
        # rows that stand twice still say the same
        firsts: dict[str, int] = {}
        places = [firsts.setdefault(repr(row.cells), at) for at, row in enumerate(export.rows)]
        for name in names:
            for at, row in zip(places, export.rows, strict=True):
                if row.truth.get(name) is not None:
                    text = texts[at % len(texts)]
                    row.truth[name] = row.cells[name] = f"{text}{at}" if name in TABLES[export.table].unique else text
            export.touched.add(name)
        export.form["encoding"] = encoding
        if declared:
            export.declared["encoding"] = declared
            export.touched.add("declared")
        export.touched |= {"file", *(name for name in export.kinds if export.kinds[name] == "text")}
        return True

    return change


def _listed(export: Export, name: str) -> bool:
    return bool(TABLES[export.table].columns[name].choices) if name in TABLES[export.table].columns else True


def _empty_file(export: Export, rng: Random) -> bool:
    export.rows, export.headers = [], {}
    export.form |= {"headless": True, "cut_end": True}
    export.refused.append((export.table, "empty"))
    return True


def _no_rows(export: Export, rng: Random) -> bool:
    export.rows = []
    export.refused.append((export.table, "empty"))
    return True


def _separator_declared(export: Export, rng: Random) -> bool:
    if {"file", "declared"} & export.touched:
        return False
    export.form["separator"] = "^"
    export.declared["separator"] = "^"
    export.touched |= {"file", "declared"}
    return True


def _separator_inside(export: Export, rng: Random) -> bool:
    names = [name for name in export.free("text") if not _listed(export, name) and not TABLES[export.table].unique]
    if "file" in export.touched or not names:
        return False
    for row in export.rows:
        if row.truth.get(names[0]) is not None:
            row.truth[names[0]] = row.cells[names[0]] = "a; b; c; d"
    export.form["separator"] = rng.choice((",", ";"))
    export.touched |= {"file", names[0]}
    return True


# workbooks


def workbook_kinds() -> list[Kind]:
    """Cells with types, sheets, formulas."""
    book = ("xlsx",)
    return [
        Kind("workbook: numbers and dates in cells", _typed_cells, sources=book),
        Kind("workbook: days from 1904", _from_1904, sources=book),
        Kind("workbook: a sheet behind", _sheets(hidden=False, declared=True), sources=book),
        Kind("workbook: a hidden sheet in front", _sheets(hidden=True, declared=False), sources=book),
        Kind("workbook: no such sheet", _no_sheet, stage="file", sources=book),
        Kind("workbook: formulas with a kept value", _formulas, sources=book),
        Kind("workbook: formulas nobody calculated", _uncalculated, stage="file", sources=book),
        Kind("workbook: an error in an optional cell", _error_cell, sources=book),
        Kind("workbook: an id of sixteen digits in a cell", _long_number, stage="file", sources=book),
    ]


def _typed_cells(export: Export, rng: Random) -> bool:
    kinds = ("money", "number", "integer", "score", "date", "timestamp", "boolean")
    if "file" in export.touched or set(export.columns(*kinds)) & export.touched or "lines" in export.touched:
        return False
    if any("line" in row.cells for row in export.rows):
        return False
    export.form["typed"] = True
    export.touched |= {"file", *export.columns(*kinds)}
    return True


def _from_1904(export: Export, rng: Random) -> bool:
    if not _typed_cells(export, rng):
        return False
    export.form["from_1904"] = True
    return True


def _sheets(*, hidden: bool, declared: bool) -> Callable[[Export, Random], bool]:
    def change(export: Export, rng: Random) -> bool:
        if "file" in export.touched or (declared and "declared" in export.touched):
            return False
        export.form |= {"sheets_before": ["Cover"], "hidden": hidden, "sheet": "Orders"}
        if declared:
            export.declared["sheet"] = "Orders"
            export.touched.add("declared")
        export.touched.add("file")
        return True

    return change


def _no_sheet(export: Export, rng: Random) -> bool:
    export.form["sheet"] = "Orders"
    export.declared["sheet"] = "Ordres"
    export.refused.append(("Ordres", "Orders"))
    return True


def _formulas(export: Export, rng: Random, calculated: bool = True) -> bool:
    names = export.free("money")
    if not names or any("line" in row.cells for row in export.rows):
        return False
    name = rng.choice(names)
    for row in export.rows:
        if row.truth.get(name) is not None:
            row.cells[name] = ("=1+1", float(row.truth[name]) if calculated else 0)
    export.touched |= {name, "lines"}
    if not calculated:
        export.refused.append(("formula",))
    return True


def _uncalculated(export: Export, rng: Random) -> bool:
    return _formulas(export, rng, calculated=False)


def _error_cell(export: Export, rng: Random) -> bool:
    names = [name for name in export.free("money", "date") if not required(export, name)]
    if not names:
        return False
    row = rng.choice(export.used()[1:])
    row.cells[names[0]], row.truth[names[0]] = ("=NA()", "#N/A"), None
    export.touched |= {names[0], "lines"}
    return "line" not in row.cells


def _long_number(export: Export, rng: Random) -> bool:
    names = [name for name in export.free("id") if required(export, name)]
    if not names:
        return False
    row = rng.choice(export.used()[1:])
    row.cells[names[0]] = ("=1E15+1234", 1000000000001234.0)
    export.refused.append((f"column '{names[0]}'", "digits"))
    return "line" not in row.cells


# sources with types


def type_kinds() -> list[Kind]:
    """Parquet and databases: what a column may hold."""
    import pyarrow as pa

    def number(row: Any, name: str) -> float | None:
        return None if row.truth.get(name) is None else float(row.truth[name])

    ways: list[tuple[str, tuple[str, ...], Callable[[str], tuple[Callable[[Any], Any], Any]], Callable[[Any], Any] | None]] = [
        ("decimals", ("money",), lambda n: (lambda row: row.truth.get(n), pa.decimal128(18, 4)), None),
        ("short decimals", ("money",), lambda n: (lambda row: row.truth.get(n), pa.decimal128(9, 2)), None),
        ("doubles", ("money",), lambda n: (lambda row: number(row, n), pa.float64()), None),
        ("floats", ("money",), lambda n: (lambda row: number(row, n), pa.float32()), lambda v: Decimal(int(v))),
        ("whole amounts", ("money",), lambda n: (lambda row: row.truth.get(n), pa.int32()), lambda v: Decimal(int(v))),
        ("small integers", ("integer", "score"), lambda n: (lambda row: row.truth.get(n), pa.int8()), None),
        ("unsigned integers", ("integer",), lambda n: (lambda row: row.truth.get(n), pa.uint16()), None),
        ("doubles as scores", ("score",), lambda n: (lambda row: number(row, n), pa.float64()), None),
        ("days", ("date",), lambda n: (lambda row: row.truth.get(n), pa.date32()), None),
        ("times", ("timestamp",), lambda n: (lambda row: row.truth.get(n), pa.timestamp("us")), None),
        ("times in nanoseconds", ("timestamp",), lambda n: (lambda row: row.truth.get(n), pa.timestamp("ns")), None),
        ("times in seconds", ("timestamp",), lambda n: (lambda row: row.truth.get(n), pa.timestamp("s")), None),
        ("a day with a time", ("date",), lambda n: (lambda row: _at(row.truth.get(n), 14), pa.timestamp("ms")), None),
        ("days as integers", ("date",), lambda n: (lambda row: _compact(row.truth.get(n)), pa.int32()), None),
        ("ids as integers", ("id",), lambda n: (lambda row: int(row.truth[n]), pa.int64()), lambda v: v[1:]),
        ("ids as doubles", ("id",), lambda n: (lambda row: float(row.truth[n]), pa.float64()), lambda v: v[1:]),
        ("flags", ("boolean",), lambda n: (lambda row: row.truth.get(n), pa.bool_()), None),
        ("flags as integers", ("boolean",), lambda n: (lambda row: int(row.truth[n]), pa.int8()), None),
        ("dictionaries", ("text",), lambda n: (lambda row: row.truth.get(n), pa.dictionary(pa.int8(), pa.string())), None),
        ("large strings", ("id",), lambda n: (lambda row: row.truth.get(n), pa.large_string()), None),
    ]
    kinds = [Kind(f"type: {name}", _typed(kind, how, made), sources=TYPES) for name, kind, how, made in ways]
    refused = {
        "ids as lists": ("id", lambda n: (lambda row: [row.truth[n]], pa.list_(pa.string()))),
        "ids as flags": ("id", lambda n: (lambda row: True, pa.bool_())),
        "ids as bytes": ("id", lambda n: (lambda row: row.truth[n].encode(), pa.binary())),
        "dates as flags": ("date", lambda n: (lambda row: True, pa.bool_())),
        "dates as doubles": ("date", lambda n: (lambda row: 45000.0, pa.float64())),
        "amounts as flags": ("money", lambda n: (lambda row: True, pa.bool_())),
        "amounts as days": ("money", lambda n: (lambda row: dt.date(2024, 1, 1), pa.date32())),
        "a struct": ("text", lambda n: (lambda row: {"a": 1}, pa.struct([("a", pa.int8())]))),
    }
    kinds += [Kind(f"type: {name}", _wrong(kind, how), stage="file", sources=TYPES) for name, (kind, how) in refused.items()]
    kinds += [
        Kind("type: not a number", _nan, sources=("parquet",)),
        Kind("type: a day before 1900", _old_day, stage="row", sources=TYPES),
    ]
    return kinds


def _at(day: dt.date | None, hour: int) -> dt.datetime | None:
    return None if day is None else dt.datetime.combine(day, dt.time(hour, 3))


def _compact(day: dt.date | None) -> int | None:
    return None if day is None else int(f"{day:%Y%m%d}")


def _typed(
    kinds: tuple[str, ...], how: Callable[[str], tuple[Any, Any]], made: Callable[[Any], Any] | None
) -> Callable[[Export, Random], bool]:
    def change(export: Export, rng: Random) -> bool:
        names = export.free(*kinds)
        if not names or any("line" in row.cells or row.fate not in (USED, AFTER) for row in export.rows):
            return False
        name = rng.choice(names)
        for row in export.rows:
            if made and row.truth.get(name) is not None:
                row.truth[name] = made(row.truth[name])
        export.form.setdefault("typed", {})[name] = how(name)
        export.touched |= {name, "lines"}
        return True

    return change


def _wrong(kind: str, how: Callable[[str], tuple[Any, Any]]) -> Callable[[Export, Random], bool]:
    def change(export: Export, rng: Random) -> bool:
        names = export.free(kind)
        if not names:
            return False
        name = rng.choice(names)
        export.form.setdefault("typed", {})[name] = how(name)
        export.touched.add(name)
        export.refused.append((f"column '{name}'", "is of type"))
        return True

    return change


def _nan(export: Export, rng: Random) -> bool:
    import pyarrow as pa

    names = [name for name in export.free("money", "number") if not required(export, name)]
    if not names:
        return False
    row, name = rng.choice(export.used()), names[0]
    row.truth[name] = None
    export.form.setdefault("typed", {})[name] = (
        lambda one: float("nan") if one.truth.get(name) is None else float(one.truth[name]),
        pa.float64(),
    )
    export.touched |= {name, "lines"}
    return True


def _old_day(export: Export, rng: Random) -> bool:
    import pyarrow as pa

    names = [name for name in export.free("date") if name in export.kinds]
    if not names:
        return False
    name = rng.choice(names)
    row = rng.choice(export.used()[1:])
    if row.truth.get(name) is None:
        return False
    row.truth[name] = dt.date(1899, 12, 30)
    row.fate = f"{name}: cannot be read as a date"
    export.form.setdefault("typed", {})[name] = (lambda one: one.truth.get(name), pa.date32())
    export.touched |= {name, "lines"}
    return True
