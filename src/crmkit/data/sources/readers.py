"""How does a table get into the engine? Text and sheets are loaded as text; Parquet and databases stay where they are.

Whatever the source, a relation ``raw_<table>`` comes out: our columns with their values as found, and some of our own:
``__file`` (name), ``__row`` (number in the file), ``__fields`` (how many, where a line has too many), ``__first`` (the first
field of the line, in which a totals row says that it is one), ``__line`` (a hash of the columns that nobody asked for) and
``__also_0`` ... (the headers by which rows are chosen).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crmkit.core.errors import DataError, Problem, did_you_mean
from crmkit.core.results import Text
from crmkit.core.settings import TableSettings
from crmkit.data.intake.headers import Matched
from crmkit.data.sources import text, workbook
from crmkit.data.sources.engine import identifier, literal, query
from crmkit.data.sources.files import PARQUET, WORKBOOK, content_hash

Match = Callable[[Sequence[str], str], Matched]
OWN = "__file VARCHAR, __row BIGINT, __fields BIGINT, __first VARCHAR, __line UBIGINT"
ATTACHED = "crm_source"


@dataclass(frozen=True)
class Raw:
    """A table as found: the relation that holds it and how it was written.

    Parameters
    ----------
    relation : str
        Name inside the engine.
    types : dict of str to str
        Our column: type as found, ``VARCHAR`` for everything that was text.
    lazy : bool
        Whether the rows stay in the source.
    matched : Matched
        Of the first file.
    encoding, separator : str
        As found; empty where there is none.
    notes : tuple of Text
        What a reader should know of it.
    """

    relation: str
    types: dict[str, str]
    lazy: bool
    matched: Matched
    encoding: str = ""
    separator: str = ""
    notes: tuple[Text, ...] = ()


def read_files(con: Any, table: str, files: Sequence[Path], *, settings: TableSettings, match: Match, spill: Path) -> Raw:
    """The rows of one or several files of one kind.

    Raises
    ------
    DataError
        When a file cannot be read, its checksum is another, or the files do not go together.
    """
    for path in files:
        if settings.sha256 is not None and content_hash(path) != settings.sha256:
            raise DataError(f"{table}: {path.name} does not have the declared sha256; it is not the file that was meant")
    kinds = {_kind(path) for path in files}
    if len(kinds) > 1:
        raise DataError(f"{table}: {', '.join(path.name for path in files)} are of different kinds; one kind is expected")
    if kinds == {"parquet"}:
        return _read_parquet(con, table, files, match=match)
    read = _read_sheets if kinds == {"workbook"} else _read_texts
    return read(con, table, files, settings=settings, match=match, spill=spill)


def attach(con: Any, path: Path) -> None:
    """Open a DuckDB file beside the client's own engine, for reading only."""
    import duckdb

    try:
        query(con, f"ATTACH {literal(path)} AS {ATTACHED} (READ_ONLY)")
    except duckdb.Error as err:
        raise DataError(f"{path.name} cannot be opened as a DuckDB database: {str(err).splitlines()[0]}") from err


def database_tables(con: Any) -> list[str]:
    """Names of the tables and views of the attached database."""
    found = query(con, f"SELECT table_name FROM information_schema.tables WHERE table_catalog = {literal(ATTACHED)} ORDER BY 1")
    return [name for (name,) in found]


def read_database(con: Any, table: str, *, settings: TableSettings, match: Match) -> Raw:
    """The rows of a table or view of the attached database.

    Raises
    ------
    DataError
        When there is none of this name; the nearest is offered.
    """
    name = settings.table or table
    if name not in database_tables(con):
        raise DataError(
            Problem(f"{table}:", f"the database has no table {name!r}", hint=did_you_mean(name, database_tables(con)))
        )
    schema, base = query(
        con,
        "SELECT table_schema, table_type = 'BASE TABLE' FROM information_schema.tables"
        f" WHERE table_catalog = {literal(ATTACHED)} AND table_name = {literal(name)} ORDER BY 1",
    )[0]
    scan = f"{ATTACHED}.{identifier(schema)}.{identifier(name)}"
    if base:
        return _lazy(con, table, scan, file=literal(name), row="rowid + 1", match=match, where=f"{table}: {name}")
    # the rows of a view have no number until they are held
    held = f"held_{table}"
    query(con, f"CREATE OR REPLACE TABLE {held} AS FROM {scan}")
    return _lazy(con, table, held, file=literal(name), row="rowid + 1", match=match, where=f"{table}: {name}")


def _kind(path: Path) -> str:
    suffix = path.suffix.casefold()
    return "parquet" if suffix in PARQUET else "workbook" if suffix in WORKBOOK else "text"


def _read_parquet(con: Any, table: str, files: Sequence[Path], *, match: Match) -> Raw:
    import duckdb

    names = ", ".join(literal(path) for path in files)
    scan = f"read_parquet([{names}], union_by_name=true, file_row_number=true, filename='__path')"
    try:
        return _lazy(
            con,
            table,
            scan,
            file="parse_filename(__path)",
            row="file_row_number + 1",
            match=match,
            where=f"{table}: {files[0].name}",
            own=("file_row_number", "__path"),
        )
    except duckdb.Error as err:
        raise DataError(f"{table}: {files[0].name} cannot be read as Parquet: {str(err).splitlines()[0]}") from err


def _lazy(con: Any, table: str, scan: str, *, file: str, row: str, match: Match, where: str, own: tuple[str, ...] = ()) -> Raw:
    described = query(con, f"DESCRIBE SELECT * FROM {scan}")
    columns = [(name, kind) for name, kind, *_ in described if name not in own]
    matched = match([name for name, _ in columns], where)
    chosen = [f"{identifier(columns[at][0])} AS {identifier(ours)}" for ours, at in matched.positions.items()]
    head = [f"{file} AS __file", f"{row} AS __row", "NULL::BIGINT AS __fields", "NULL::VARCHAR AS __first"]
    head.append(f"{_line([identifier(columns[at][0]) for at in matched.rest])} AS __line")
    chosen += [f"CAST({identifier(columns[at][0])} AS VARCHAR) AS __also_{n}" for n, at in enumerate(matched.also.values())]
    relation = f"raw_{table}"
    query(con, f"CREATE OR REPLACE VIEW {relation} AS SELECT {', '.join([*head, *chosen])} FROM {scan}")
    types = {ours: columns[at][1] for ours, at in matched.positions.items()}
    return Raw(relation, types, lazy=True, matched=matched)


def _read_texts(con: Any, table: str, files: Sequence[Path], *, settings: TableSettings, match: Match, spill: Path) -> Raw:
    raw: Raw | None = None
    notes: list[Text] = []
    for path in files:
        where = f"{table}: {path.name}"
        found = text.inspect(path, settings=settings, spill=spill, where=where)
        matched = match(found.headers, where)
        raw = _first(con, table, raw, matched, where=where, encoding=found.encoding, separator=found.separator)
        if found.guessed:
            notes.append(Text("{file}: the encoding {encoding} is a guess", {"file": path.name, "encoding": found.encoding}))
        if not (found.regular and _insert_directly(con, raw, found, matched=matched, name=path.name)):
            copy = spill / f"{len(list(spill.iterdir()))}-rows.csv"
            text.write_rows(text.text_rows(found, where=where), width=len(found.headers), to=copy)
            _insert_copy(con, raw, copy, width=len(found.headers), matched=matched, name=path.name)
            copy.unlink()
    return _finished(raw, notes)


def _read_sheets(con: Any, table: str, files: Sequence[Path], *, settings: TableSettings, match: Match, spill: Path) -> Raw:
    raw: Raw | None = None
    for path in files:
        where = f"{table}: {path.name}"
        headers, skip, cells = workbook.read_sheet(path, sheet=settings.sheet, names=settings.names, where=where)
        matched = match(headers, where)
        raw = _first(con, table, raw, matched, where=where)
        copy = spill / f"{len(list(spill.iterdir()))}-rows.csv"
        text.write_rows(workbook.sheet_rows(cells, skip=skip), width=len(headers), to=copy)
        _insert_copy(con, raw, copy, width=len(headers), matched=matched, name=path.name)
        copy.unlink()
    return _finished(raw, [])


def _first(
    con: Any, table: str, raw: Raw | None, matched: Matched, *, where: str, encoding: str = "", separator: str = ""
) -> Raw:
    """The empty table that the first file's columns ask for; a later file must have the same."""
    if raw is not None:
        if set(raw.matched.positions) != set(matched.positions):
            raise DataError(f"{where} does not have the columns of the other files of this table")
        return raw
    relation = f"raw_{table}"
    names = [*map(identifier, matched.positions), *(f"__also_{at}" for at in range(len(matched.also)))]
    columns = ", ".join(f"{name} VARCHAR" for name in names)
    query(con, f"CREATE OR REPLACE TABLE {relation} ({OWN}, {columns})")
    types = dict.fromkeys(matched.positions, "VARCHAR")
    return Raw(relation, types, lazy=False, matched=matched, encoding=encoding, separator=separator)


def _finished(raw: Raw | None, notes: list[Text]) -> Raw:
    if raw is None:
        raise DataError("no file to read")
    return replace(raw, notes=tuple(notes))


def _insert_directly(con: Any, raw: Raw, found: text.TextFile, *, matched: Matched, name: str) -> bool:
    """Let the engine read the file; False, with nothing inserted, where a line does not fit the header."""
    import duckdb

    try:
        _insert(
            con,
            raw,
            _scan(found.path, width=len(found.headers), separator=found.separator, skip=found.skip),
            head=f"{literal(name)}, row_number() OVER () + {found.skip}, NULL, c0",
            columns=_chosen(raw, matched, first=0),
        )
    except duckdb.Error:
        return False
    return True


def _insert_copy(con: Any, raw: Raw, copy: Path, *, width: int, matched: Matched, name: str) -> None:
    scan = _scan(copy, width=width + 2, separator=",", skip=0)
    _insert(con, raw, scan, head=f"{literal(name)}, c0::BIGINT, c1::BIGINT, c2", columns=_chosen(raw, matched, first=2))


def _chosen(raw: Raw, matched: Matched, *, first: int) -> list[str]:
    """What is taken of a line, in the order of the table; ``first`` is the position of its first field."""
    ours = [matched.positions[name] for name in raw.matched.positions]
    also = [matched.also[header] for header in raw.matched.also]
    return [_line([f"c{at + first}" for at in matched.rest]), *(f"c{at + first}" for at in (*ours, *also))]


def _line(columns: list[str]) -> str:
    return f"hash({', '.join(f'trim(CAST({one} AS VARCHAR))' for one in columns)})" if columns else "NULL::UBIGINT"


def _insert(con: Any, raw: Raw, scan: str, *, head: str, columns: list[str]) -> None:
    # the order of lines is what makes their numbers right
    query(con, "SET preserve_insertion_order = true")
    try:
        query(con, f"INSERT INTO {raw.relation} SELECT {', '.join([head, *columns])} FROM {scan}")
    finally:
        query(con, "SET preserve_insertion_order = false")


def _scan(path: Path, *, width: int, separator: str, skip: int) -> str:
    columns = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(width))
    return (
        f"read_csv({literal(path)}, auto_detect=false, header=false, skip={skip}, delim={literal(separator)},"
        f" quote='\"', escape='\"', columns={{{columns}}})"
    )
