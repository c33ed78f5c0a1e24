"""Writes an export into a project: text in many forms, a workbook, Parquet, a database."""

from __future__ import annotations

import datetime as dt
import gzip
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from exports.model import Export

# the Arrow type of each kind, where a source has types
TYPED = "typed"
# what a sheet holds as numbers, days, yes and no
CELLS = ("money", "number", "integer", "score", "date", "timestamp", "boolean")


def write(export: Export, home: Path) -> None:
    """``params/acme.yml`` and the files of its one table."""
    for folder in ("params", "data/acme", "notebooks"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    declared = dict(export.declared)
    source = "data/acme"
    if export.source == "duckdb":
        source = "data/acme.duckdb"
        _database(export, home / source)
    elif export.source == "parquet":
        _parquet(export, home / source / f"{export.table}.parquet")
    elif export.source == "xlsx":
        _workbook(export, home / source / f"{export.table}.xlsx")
    else:
        _texts(export, home / source, declared)
    said = {"client": "acme", "title": "ACME", "source": source, **export.client, "tables": {export.table: declared}}
    if not declared and export.source != "duckdb":
        del said["tables"]
    (home / "params" / "acme.yml").write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")


def lines(export: Export) -> list[list[str]]:
    """The header line and the rows, as texts."""
    head = [] if export.form.get("headless") else [list(export.headers.values())]
    body = []
    for row in export.rows:
        if "line" in row.cells:
            body.append(list(row.cells["line"]))
        else:
            cells = [row.cells.get(name, "") for name in export.headers]
            body.append([*map(str, cells), *row.cells.get("more", [])])
    return [*export.form.get("above", []), *head, *body, *export.form.get("below", [])]


def is_writable(export: Export) -> bool:
    """Whether its encoding has a sign for every letter."""
    try:
        "".join(cell for line in lines(export) for cell in line).encode(export.form.get("encoding", "utf-8"))
    except UnicodeEncodeError:
        return False
    return True


def _texts(export: Export, folder: Path, declared: dict[str, Any]) -> None:
    form = export.form
    every = lines(export)
    parts = {f"{export.table}{form.get('suffix', '.csv')}": every}
    if form.get("parts"):
        head, body = every[:1], every[1:]
        cut = len(body) // 2
        parts = {f"{export.table}_1.csv": head + body[:cut], f"{export.table}_2.csv": head + body[cut:]}
        declared["file"] = f"{export.table}_*.csv"
    for name, part in parts.items():
        separator, end = form.get("separator", ","), form.get("end", "\n")
        text = end.join(separator.join(_field(cell, separator, form) for cell in line) for line in part)
        text += "" if form.get("cut_end") else end
        content = text.encode(form.get("encoding", "utf-8"))
        if form.get("gzip"):
            content = gzip.compress(content)
        (folder / name).write_bytes(content)


def _field(cell: str, separator: str, form: dict[str, Any]) -> str:
    if form.get("bare"):
        return cell
    if form.get("quoted") or any(sign in cell for sign in (separator, '"', "\n", "\r")) or cell != cell.strip():
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _workbook(export: Export, path: Path) -> None:
    import xlsxwriter

    form = export.form
    options = {"date_1904": True} if form.get("from_1904") else {}
    with xlsxwriter.Workbook(path, options) as book:
        day, moment = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for name in form.get("sheets_before", []):
            other = book.add_worksheet(name)
            other.write_row(0, 0, ["customer_id", "ordered_at", "amount"])
            other.write_row(1, 0, ["HIDDEN", "2024-01-01", "77"])
            if form.get("hidden"):
                other.hide()
        sheet = book.add_worksheet(form.get("sheet", "Sheet1"))
        if form.get("sheets_before"):
            sheet.activate()
            sheet.set_first_sheet()
        top = 1 if form.get("headless") else 0
        for at, line in enumerate(lines(export)):
            row = (
                export.rows[at - 1 + top - len(form.get("above", ()))]
                if 0 <= at - 1 + top - len(form.get("above", ())) < len(export.rows)
                else None
            )
            for place, cell in enumerate(line):
                name = list(export.headers)[place] if place < len(export.headers) else ""
                value: Any = cell
                if row is not None and form.get(TYPED) and "line" not in row.cells and export.kinds.get(name) in CELLS:
                    value = row.truth.get(name) if row.cells.get(name) != "" else ""
                if form.get(TYPED) and isinstance(value, bool):
                    sheet.write_boolean(at, place, value)
                elif isinstance(value, dt.datetime):
                    sheet.write_datetime(at, place, value, moment)
                elif isinstance(value, dt.date):
                    sheet.write_datetime(at, place, dt.datetime.combine(value, dt.time()), day)
                elif isinstance(value, Decimal | int | float) and not isinstance(value, bool):
                    sheet.write_number(at, place, float(value))
                elif row is not None and isinstance(row.cells.get(name), tuple):
                    formula, result = row.cells[name]
                    sheet.write_formula(at, place, formula, None, result)
                elif value not in ("", None):
                    sheet.write_string(at, place, str(value))


def _arrow(export: Export) -> Any:
    import pyarrow as pa

    typed = export.form.get(TYPED, {})
    arrays, names = [], []
    for name, header in export.headers.items():
        values = [row.cells.get(name, "") for row in export.rows]
        if name in typed:
            how, kind = typed[name]
            arrays.append(pa.array([how(row) for row in export.rows], type=kind))
        else:
            arrays.append(pa.array([None if value == "" else str(value) for value in values], type=pa.string()))
        names.append(header)
    return pa.table(arrays, names=names)


def _parquet(export: Export, path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(_arrow(export), path)


def _database(export: Export, path: Path) -> None:
    import duckdb

    table = _arrow(export)
    with duckdb.connect(str(path)) as con:
        con.register("made", table)
        con.execute(f'CREATE TABLE "{export.table}" AS SELECT * FROM made')
