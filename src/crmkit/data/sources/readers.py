"""How does a table get into the engine? Text and sheets are loaded as text; Parquet and databases stay where they are.

Whatever the source, a relation ``raw_<table>`` comes out: our columns with their values as found, and some of our own:
``__file`` (name), ``__row`` (number in the file), ``__fields`` (how many, where a line has too many), ``__first`` (the field
of the line in which a totals row says that it is one), ``__line`` (a hash of the columns that nobody asked for), ``__common``
(the same of those that every file has, where they differ) and ``__also_0`` ... (the headers by which rows are chosen).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from crmkit.core.errors import DataError, Problem, did_you_mean
from crmkit.core.results import Text
from crmkit.core.settings import TableSettings
from crmkit.data.intake.headers import Matched, visible
from crmkit.data.intake.words import TOTAL_WORDS, word_of
from crmkit.data.sources import text, workbook
from crmkit.data.sources.engine import identifier, literal, query
from crmkit.data.sources.files import PARQUET, SUFFIXES, WORKBOOK, content_hash
from crmkit.data.sources.layout import EMPTY, Match, Row, left_out, match_head

# rows that are handed to the engine at a time: this many, or so many letters
BATCH_ROWS, BATCH_LETTERS = 1 << 15, 1 << 24
ARRIVING = "arriving_rows"
OWN = "__file VARCHAR, __row BIGINT, __fields BIGINT, __first VARCHAR, __line UBIGINT, __common UBIGINT"
ATTACHED = "crm_source"
DAMAGED_DATABASE = ("Corrupt", "enough bytes", "not a valid DuckDB", "checksum", "Serialization", "deserialize")
# what the engine calls its own errors where a source is damaged
OF_DAMAGE = ("InvalidInputException", "SerializationException", "InternalException", "FatalException")
PACKED = {
    b"\x1f\x8b": "a gzip archive",
    b"PK\x03\x04": "a zip archive or a workbook",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a rar archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"PAR1": "a Parquet file",
    b"\xd0\xcf\x11\xe0": "a workbook",
}


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
        if path.stat().st_size == 0:
            raise DataError(f"{table}: {path.name} {EMPTY}")
        _refuse_packed(path, where=f"{table}: {path.name}")
    kinds = {_kind(path) for path in files}
    if len(kinds) > 1:
        raise DataError(f"{table}: {', '.join(path.name for path in files)} are of different kinds; one kind is expected")
    if kinds == {"parquet"}:
        _no_lines(settings, where=f"{table}: {files[0].name}")
        return _read_parquet(con, table, files, match=match)
    read = _read_sheets if kinds == {"workbook"} else _read_texts
    return read(con, table, files, settings=settings, match=match, spill=spill)


def attach(con: Any, path: Path) -> None:
    """Open a DuckDB file beside the client's own engine, for reading only."""
    import duckdb

    try:
        query(con, f"ATTACH {literal(path)} AS {ATTACHED} (READ_ONLY)")
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as err:
        said = str(err).splitlines()[0].replace(str(path), path.name)
        if any(word in said for word in DAMAGED_DATABASE):
            said = "it is damaged, cut off or something else; copy it again"
        raise DataError(f"{path.name} cannot be opened as a DuckDB database: {said}") from err


@contextmanager
def telling_damage(con: Any, paths: Callable[[], Sequence[Path]], *, where: str = "") -> Iterator[None]:
    """Name the Parquet or DuckDB file that the engine cannot read to its end; whatever else goes wrong passes through.

    Raises
    ------
    DataError
        When one of the files that ``paths`` gives is damaged.
    """
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as err:
        files = paths()
        lazy = [path for path in files if _kind(path) == "parquet" or path.suffix.casefold() not in SUFFIXES]
        worst = next((path for path in lazy if _is_damaged(con, path)), None)
        # a disk that is full is no damage, nor is a statement that is wrong
        said = (
            type(err) is duckdb.Error or type(err).__name__ in OF_DAMAGE or any(word in str(err) for word in DAMAGED_DATABASE)
        )
        if not lazy or (worst is None and not said):
            raise
        named = worst.name if worst is not None else ", ".join(path.name for path in lazy)
        raise DataError(f"{where}{named} is damaged, it cannot be read to its end; export it again") from err


def _is_damaged(con: Any, path: Path) -> bool:
    import duckdb

    try:
        if _kind(path) == "parquet":
            query(con, f"SELECT max(hash(COLUMNS(*))) FROM read_parquet({literal(path)})")
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        return True
    return False


def _refuse_packed(path: Path, *, where: str) -> None:
    """A file that has to be unpacked before anybody can read it."""
    if _kind(path) != "text":
        return
    with path.open("rb") as file:
        start = file.read(8)
    packed = next((name for mark, name in PACKED.items() if start.startswith(mark)), "")
    if packed:
        raise DataError(f"{where} is no text file but {packed}; unpack it, or name it by what it is")


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
    import duckdb

    name = settings.table or table
    _no_lines(settings, where=f"{table}: {name}")
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
    try:
        query(con, f"CREATE OR REPLACE TABLE {held} AS FROM {scan}")
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ConversionException) as err:
        raise DataError(f"{table}: the view {name!r} cannot be computed: {str(err).splitlines()[0]}") from err
    return _lazy(con, table, held, file=literal(name), row="rowid + 1", match=match, where=f"{table}: {name}")


def _no_lines(settings: TableSettings, *, where: str) -> None:
    said = [key for key in ("header", "skip", "footer", "sheet") if getattr(settings, key)]
    if said:
        raise DataError(Problem(where, f"has no lines for {said[0]}", "it is for text files and workbooks"))


def _kind(path: Path) -> str:
    suffix = path.suffix.casefold()
    return "parquet" if suffix in PARQUET else "workbook" if suffix in WORKBOOK else "text"


def _read_parquet(con: Any, table: str, files: Sequence[Path], *, match: Match) -> Raw:
    import duckdb

    names = ", ".join(literal(path) for path in files)
    scan = f"read_parquet([{names}], union_by_name=true, file_row_number=true, filename='__path')"
    for path in files:
        try:
            query(con, f"SELECT count(*) FROM parquet_file_metadata({literal(path)})")
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as err:
            raise DataError(f"{table}: {path.name} is cut off or no Parquet file; export it again") from err
    try:
        raw = _lazy(
            con,
            table,
            scan,
            file="parse_filename(__path)",
            row="file_row_number + 1",
            match=match,
            where=f"{table}: {files[0].name}",
            own=("file_row_number", "__path"),
            common=_shared_columns(con, files) if len(files) > 1 else None,
        )
    except duckdb.BinderException as err:
        raise DataError(f"{table}: {files[0].name} cannot be read as Parquet: {str(err).splitlines()[0]}") from err
    _same_columns(con, table, files, headers=raw.matched.headers)
    return raw


def _shared_columns(con: Any, files: Sequence[Path]) -> set[str]:
    described = (query(con, f"DESCRIBE SELECT * FROM read_parquet({literal(path)})") for path in files)
    return set[str].intersection(*({name for name, *_ in columns} for columns in described))


def _same_columns(con: Any, table: str, files: Sequence[Path], *, headers: dict[str, str]) -> None:
    """A column that only some of several Parquet files have would be read as empty for the others."""
    for path in files[1:] and files:
        found = query(con, f"DESCRIBE SELECT * FROM read_parquet({literal(path)})")
        there = {visible(name) for name, *_ in found}
        missing = [ours for ours, header in headers.items() if header not in there]
        if missing:
            raise _other_columns(f"{table}: {path.name}", missing[0], has=False)


def _other_columns(where: str, ours: str, *, has: bool) -> DataError:
    what = f"has the column {ours!r}, which the files before it lack" if has else f"has no column {ours!r}, as other files have"
    return DataError(Problem(where, what, "all files of a table need the same columns"))


def _lazy(
    con: Any,
    table: str,
    scan: str,
    *,
    file: str,
    row: str,
    match: Match,
    where: str,
    own: tuple[str, ...] = (),
    common: set[str] | None = None,
) -> Raw:
    """Rows that stay in their source; ``common`` are the columns that all files have, where there are several."""
    described = query(con, f"DESCRIBE SELECT * FROM {scan}")
    columns = [(name, kind) for name, kind, *_ in described if name not in own]
    matched = match([visible(name) for name, _ in columns], where)
    chosen = [f"{identifier(columns[at][0])} AS {identifier(ours)}" for ours, at in matched.positions.items()]
    head = [f"{file} AS __file", f"{row} AS __row", "NULL::BIGINT AS __fields", "NULL::VARCHAR AS __first"]
    rest = [identifier(columns[at][0]) for at in matched.rest]
    head.append(f"{_line(rest)} AS __line")
    differ = common is not None and not {name for name, _ in columns} <= common
    shared = [one for one in rest if one in {identifier(name) for name in common or ()}]
    head.append(f"{_common(shared, differ=differ)} AS __common")
    chosen += [f"CAST({identifier(columns[at][0])} AS VARCHAR) AS __also_{n}" for n, at in enumerate(matched.also.values())]
    relation = f"raw_{table}"
    query(con, f"CREATE OR REPLACE VIEW {relation} AS SELECT {', '.join([*head, *chosen])} FROM {scan}")
    types = {ours: columns[at][1] for ours, at in matched.positions.items()}
    return Raw(relation, types, lazy=True, matched=matched)


def _read_texts(con: Any, table: str, files: Sequence[Path], *, settings: TableSettings, match: Match, spill: Path) -> Raw:
    raw: Raw | None = None
    notes: list[Text] = []
    opened = []
    for path in files:
        where = f"{table}: {path.name}"
        found = text.inspect(path, settings=settings, spill=spill, where=where)
        readings = partial(text.first_rows, found, where=where)
        matched = match_head(match, found.head, readings, settings=settings, table=table, where=where)
        raw = _first(con, table, raw, matched, where=where, encoding=found.encoding, separator=found.separator)
        opened.append((path, where, found, matched))
        if found.guessed:
            notes.append(Text("{file}: the encoding {encoding} is a guess", {"file": path.name, "encoding": found.encoding}))
    shared = _shared([(matched, found.head.headers) for *_, found, matched in opened])
    kept = _finished(raw)
    for (path, where, found, _), matched in zip(opened, shared, strict=True):
        if not (found.line_end and _insert_directly(con, kept, found, matched=matched, name=path.name)):
            rows = text.text_rows(found, settings=settings, where=where)
            _insert_rows(con, kept, rows, width=len(found.head.headers), matched=matched, name=path.name)
        notes += left_out(settings, file=path.name)
    return replace(kept, notes=tuple(notes))


def _read_sheets(con: Any, table: str, files: Sequence[Path], *, settings: TableSettings, match: Match, spill: Path) -> Raw:
    raw: Raw | None = None
    notes: list[Text] = []
    opened = []
    for path in files:
        where = f"{table}: {path.name}"
        sheet = workbook.read_sheet(path, settings=settings, where=where)
        notes += sheet.notes(path.name)
        where = f"{where}, sheet {sheet.name!r}" if sheet.others or sheet.hidden else where
        readings = partial(workbook.first_rows, sheet)
        matched = match_head(match, sheet.head, readings, settings=settings, table=table, where=where)
        problems = workbook.sheet_problems(sheet, matched, settings=settings, where=where)
        if problems:
            raise DataError(problems)
        raw = _first(con, table, raw, matched, where=where)
        opened.append((path, sheet, matched))
    shared = _shared([(matched, sheet.head.headers) for _, sheet, matched in opened])
    kept = _finished(raw)
    for (path, sheet, _), matched in zip(opened, shared, strict=True):
        rows, said = workbook.table_of(sheet, matched, settings=settings, file=path.name)
        _insert_rows(con, kept, rows, width=len(sheet.head.headers), matched=matched, name=path.name)
        notes += [*said, *left_out(settings, file=path.name)]
    return replace(kept, notes=tuple(notes))


def _shared(opened: Sequence[tuple[Matched, Sequence[str]]]) -> list[Matched]:
    """With the columns that nobody asked for and that every file has, where the files differ in them."""
    named = [{visible(headers[at]) for at in matched.rest} for matched, headers in opened]
    shared = set[str].intersection(*named)
    if all(names == shared for names in named):
        return [matched for matched, _ in opened]
    return [
        replace(matched, common=tuple(at for at in matched.rest if visible(headers[at]) in shared))
        for matched, headers in opened
    ]


def _first(
    con: Any, table: str, raw: Raw | None, matched: Matched, *, where: str, encoding: str = "", separator: str = ""
) -> Raw:
    """The empty table that the first file's columns ask for; a later file must have the same."""
    if raw is not None:
        for ours in [*raw.matched.positions, *matched.positions]:
            if (ours in raw.matched.positions) != (ours in matched.positions):
                raise _other_columns(where, ours, has=ours in matched.positions)
        return raw
    relation = f"raw_{table}"
    names = [*map(identifier, matched.positions), *(f"__also_{at}" for at in range(len(matched.also)))]
    columns = ", ".join(f"{name} VARCHAR" for name in names)
    query(con, f"CREATE OR REPLACE TABLE {relation} ({OWN}, {columns})")
    types = dict.fromkeys(matched.positions, "VARCHAR")
    return Raw(relation, types, lazy=False, matched=matched, encoding=encoding, separator=separator)


def _finished(raw: Raw | None) -> Raw:
    if raw is None:
        raise DataError("no file to read")
    return raw


def _insert_directly(con: Any, raw: Raw, found: text.TextFile, *, matched: Matched, name: str) -> bool:
    """Let the engine read the file; False, with nothing inserted, where a line does not fit the header."""
    import duckdb

    try:
        _insert(
            con,
            raw,
            _scan(found),
            head=f"{literal(name)}, row_number() OVER () + {found.head.row}, NULL, {_label(matched, len(found.head.headers))}",
            columns=_chosen(raw, matched),
        )
    except duckdb.Error:
        return False
    return True


def _insert_rows(con: Any, raw: Raw, rows: Iterable[Row], *, width: int, matched: Matched, name: str) -> None:
    """Hand rows to the engine as they are, so that no line break, quotation mark or length of a field can be misread."""
    columns = _chosen(raw, matched)
    for batch in _batches(rows, width=width):
        con.con.register(ARRIVING, batch)
        try:
            _insert(con, raw, ARRIVING, head=f"{literal(name)}, number, fields, {_label(matched, width)}", columns=columns)
        finally:
            con.con.unregister(ARRIVING)


def _chosen(raw: Raw, matched: Matched) -> list[str]:
    """What is taken of a line, in the order of the table."""
    ours = [f"c{matched.positions[name]}" for name in raw.matched.positions]
    also = [f"c{matched.also[header]}" if header in matched.also else "NULL" for header in raw.matched.also]
    common = _common([f"c{at}" for at in matched.common or ()], differ=matched.common is not None)
    return [_line([f"c{at}" for at in matched.rest]), common, *ours, *also]


def _label(matched: Matched, width: int) -> str:
    """The field in which a totals row says that it is one: the first, but any other in a row without a date."""
    dated = matched.positions.get(matched.contract.event)
    if dated is None:
        return "c0"
    pattern = literal(f"(?i){TOTAL_WORDS}")
    others = (f"c{at}" for at in range(1, width) if at != dated)
    cases = " ".join(f"WHEN regexp_full_match({word_of(x)}, {pattern}) THEN {x}" for x in others)
    return f"CASE WHEN {word_of(f'c{dated}')} IS NULL THEN CASE {cases} ELSE c0 END ELSE c0 END" if cases else "c0"


def _line(columns: list[str]) -> str:
    return f"hash({', '.join(f'trim(CAST({one} AS VARCHAR))' for one in columns)})" if columns else "NULL::UBIGINT"


def _common(columns: list[str], *, differ: bool) -> str:
    """The same of the columns that all files have; nothing where that is all of them."""
    return "NULL::UBIGINT" if not differ else _line(columns) if columns else "0::UBIGINT"


def _batches(rows: Iterable[Row], *, width: int) -> Iterator[Any]:
    """Rows as tables of Arrow: row number, number of fields where too many, the fields; what is empty is missing."""
    held: list[Row] = []
    letters = 0
    for row in rows:
        held.append(row)
        letters += sum(map(len, row[1]))
        if len(held) >= BATCH_ROWS or letters >= BATCH_LETTERS:
            yield _batch(held, width=width)
            held, letters = [], 0
    if held:
        yield _batch(held, width=width)


def _batch(rows: Sequence[Row], *, width: int) -> Any:
    import pyarrow as pa

    numbers = [number for number, _ in rows]
    many = [
        len(fields) if len(fields) > width and any(field.strip() for field in fields[width:]) else None for _, fields in rows
    ]
    whole = (fields if len(fields) == width else fields[:width] + [""] * (width - len(fields)) for _, fields in rows)
    columns = zip(*whole, strict=True)
    texts = {f"c{at}": pa.array([field or None for field in column], pa.string()) for at, column in enumerate(columns)}
    return pa.table({"number": pa.array(numbers, pa.int64()), "fields": pa.array(many, pa.int64()), **texts})


def _insert(con: Any, raw: Raw, scan: str, *, head: str, columns: list[str]) -> None:
    # the order of lines is what makes their numbers right
    query(con, "SET preserve_insertion_order = true")
    try:
        query(con, f"INSERT INTO {raw.relation} SELECT {', '.join([head, *columns])} FROM {scan}")
    finally:
        query(con, "SET preserve_insertion_order = false")


def _scan(file: text.TextFile) -> str:
    columns = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(len(file.head.headers)))
    line_end = file.line_end.replace("\r", "\\r").replace("\n", "\\n")
    skip, separator = file.head.row, literal(file.separator)
    return (
        f"read_csv({literal(file.path)}, auto_detect=false, header=false, skip={skip}, delim={separator},"
        f" quote='\"', escape='\"', new_line='{line_end}', columns={{{columns}}})"
    )
