"""How does a table get into the engine? Text is loaded as text, the cells of a sheet are looked at as text where they are;
Parquet and databases stay in their files, where they have many rows.

Whatever the source, a relation ``raw_<table>`` comes out: our columns with their values as found, and some of our own:
``__file`` (name), ``__row`` (number in the file), ``__fields`` (how many, where a line has too many), ``__first`` (the first
field of the line) and ``__label`` (another), in which a totals row says that it is one, ``__line`` (a hash of the columns that
nobody asked for), ``__common`` (the same of those that every file has, where they differ) and ``__also_0`` ... (the headers by
which rows are chosen); of lines that are held also ``__at``, their place.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from crmkit.core.errors import DataError, Problem, did_you_mean, with_quotes
from crmkit.core.results import Text
from crmkit.core.settings import TableSettings
from crmkit.data.intake.headers import Matched, visible
from crmkit.data.intake.words import TOTAL_WORDS, word_of
from crmkit.data.sources import text, workbook
from crmkit.data.sources.damage import DAMAGED_DATABASE, refuse_packed
from crmkit.data.sources.engine import identifier, literal, query
from crmkit.data.sources.files import content_hash, kind_of
from crmkit.data.sources.layout import EMPTY, Match, Row, left_out, match_head

# rows that are handed to the engine at a time: this many, or so many letters
BATCH_ROWS, BATCH_LETTERS = 1 << 15, 1 << 24
ARRIVING = "arriving_rows"
# what is held beside the columns; the number of a row is its place among all that are held, and how far that is off
OWN = ("__file VARCHAR", "__off BIGINT", "__fields BIGINT", "__label VARCHAR", "__line UBIGINT", "__common UBIGINT")
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
    first : str
        Which of our columns is the first field of every line; empty where none is.
    held : str
        The table that holds its lines; empty where they lie elsewhere.
    registered : str
        Under which the engine looks at cells that lie in the memory of Python; empty where there are none.
    few : bool
        Whether it costs less to hold its rows than to say twice how they are read.
    """

    relation: str
    types: dict[str, str]
    lazy: bool
    matched: Matched
    encoding: str = ""
    separator: str = ""
    notes: tuple[Text, ...] = ()
    first: str = ""
    held: str = ""
    registered: str = ""
    few: bool = False

    @property
    def stays(self) -> bool:
        """Whether rows are read in their source whenever they are asked for."""
        return self.lazy and not self.few


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
        refuse_packed(path, where=f"{table}: {path.name}")
    kinds = {kind_of(path) for path in files}
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

    name, there = settings.table or table, database_tables(con)
    _no_lines(settings, where=f"{table}: {name}")
    if name not in there:
        raise DataError(Problem(f"{table}:", f"the database has no table {name!r}", hint=did_you_mean(name, there)))
    schema, base = query(
        con,
        "SELECT table_schema, table_type = 'BASE TABLE' FROM information_schema.tables"
        f" WHERE table_catalog = {literal(ATTACHED)} AND table_name = {literal(name)} ORDER BY 1",
    )[0]
    scan = f"{ATTACHED}.{identifier(schema)}.{identifier(name)}"
    if not base:
        # the rows of a view have no number until they are held
        view, scan = scan, f"held_{table}"
        try:
            query(con, f"CREATE OR REPLACE TABLE {scan} AS FROM {view}")
        except (duckdb.BinderException, duckdb.CatalogException, duckdb.ConversionException) as err:
            said = with_quotes(str(err).splitlines()[0])
            raise DataError(f"{table}: the view {name!r} cannot be computed: {said}") from err
    return _lazy(con, table, scan, file=literal(name), row="rowid + 1", match=match, where=f"{table}: {name}")


def _no_lines(settings: TableSettings, *, where: str) -> None:
    said = [key for key in ("header", "skip", "footer", "sheet") if getattr(settings, key)]
    if said:
        raise DataError(Problem(where, f"has no lines for {said[0]}", "it is for text files and workbooks"))


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
    head.append("NULL::VARCHAR AS __label")
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
    notes: list[Text] = []
    opened: list[tuple[Path, str, text.TextFile, Matched]] = []
    for path in files:
        where = f"{table}: {path.name}"
        found = text.inspect(path, settings=settings, spill=spill, where=where)
        readings = partial(text.first_rows, found, where=where)
        matched = match_head(match, found.head, readings, settings=settings, table=table, where=where)
        if opened:
            _same_as_first(opened[0][-1], matched, where=where)
        opened.append((path, where, found, matched))
        if found.guessed:
            notes.append(Text("{file}: the encoding {encoding} is a guess", {"file": path.name, "encoding": found.encoding}))
    shared = _shared([(matched, found.head.headers) for *_, found, matched in opened])
    first = opened[0][2]
    raw = _first(con, table, shared[0], alone=len(files) == 1, encoding=first.encoding, separator=first.separator)
    for (path, where, found, _), matched in zip(opened, shared, strict=True):
        before = _held(con, table) if len(files) > 1 else 0
        if not (found.line_end and _insert_directly(con, raw, found, matched=matched, name=path.name, before=before)):
            rows = text.text_rows(found, settings=settings, where=where)
            width = len(found.head.headers)
            _insert_rows(con, raw, _batches(rows, width=width), width=width, matched=matched, name=path.name, before=before)
        notes += left_out(settings, found.head, file=path.name)
    return replace(raw, notes=tuple(notes))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Cells are many and hold no cycles: to look for some after each seven hundred takes as long as to read them."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@_uncollected()
def _read_sheets(con: Any, table: str, files: Sequence[Path], *, settings: TableSettings, match: Match, spill: Path) -> Raw:
    notes: list[Text] = []
    opened: list[tuple[Path, workbook.Sheet, Any, Matched]] = []
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
        whole = workbook.columns_of(sheet, matched, settings=settings)
        if whole is not None and len(files) == 1:
            raw = _look_over(con, table, whole, matched=matched, name=path.name, width=len(sheet.head.headers))
            return replace(raw, notes=(*notes, *left_out(settings, sheet.head, file=path.name)))
        if opened:
            _same_as_first(opened[0][-1], matched, where=where)
        opened.append((path, sheet, whole, matched))
    shared = _shared([(matched, sheet.head.headers) for _, sheet, _, matched in opened])
    raw = _first(con, table, shared[0], alone=len(files) == 1)
    for (path, sheet, whole, _), matched in zip(opened, shared, strict=True):
        before = _held(con, table) if len(files) > 1 else 0
        said: list[Text] = []
        batches: Iterable[Any] = [whole]
        width = len(sheet.head.headers)
        if whole is None:
            rows, said = workbook.table_of(sheet, matched, settings=settings, file=path.name)
            batches = _batches(rows, width=width)
        _insert_rows(con, raw, batches, width=width, matched=matched, name=path.name, before=before)
        notes += [*said, *left_out(settings, sheet.head, file=path.name)]
    return replace(raw, notes=tuple(notes))


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


def _first(con: Any, table: str, matched: Matched, *, alone: bool, encoding: str = "", separator: str = "") -> Raw:
    """The lines of a table, none yet, and the relation over them; the first file says which columns there are."""
    names = [*map(identifier, matched.positions), *(f"__also_{at}" for at in range(len(matched.also)))]
    # where the first field is one of our columns it need not be held twice
    first = next((ours for ours, at in matched.positions.items() if at == 0), "") if alone else ""
    held = [*OWN, *([] if first else ["__first VARCHAR"]), *(f"{name} VARCHAR" for name in names)]
    query(con, f"CREATE OR REPLACE TABLE lines_{table} ({', '.join(held)})")
    own = [
        "__file",
        "rowid AS __at",
        "rowid + __off AS __row",
        "__fields",
        f"{identifier(first or '__first')} AS __first",
        "__label",
        "__line",
        "__common",
    ]
    query(con, f"CREATE OR REPLACE VIEW raw_{table} AS SELECT {', '.join([*own, *names])} FROM lines_{table}")
    types = dict.fromkeys(matched.positions, "VARCHAR")
    raw = Raw(f"raw_{table}", types, lazy=False, matched=matched, first=first, held=f"lines_{table}")
    return replace(raw, encoding=encoding, separator=separator)


def _look_over(con: Any, table: str, cells: Any, *, matched: Matched, name: str, width: int) -> Raw:
    """The cells of the only sheet of a table where they are, because a copy of them would take as long as all that follows."""
    registered = f"cells_{table}"
    con.con.register(registered, cells)
    own = [f"{literal(name)} AS __file", "number AS __row", "fields AS __fields", "c0 AS __first"]
    own.append(f"{_label(matched, width)} AS __label")
    chosen = [f"{_line([f'c{at}' for at in matched.rest])} AS __line", "NULL::UBIGINT AS __common"]
    chosen += [f"c{at} AS {identifier(ours)}" for ours, at in matched.positions.items()]
    chosen += [f"c{at} AS __also_{n}" for n, at in enumerate(matched.also.values())]
    query(con, f"CREATE OR REPLACE VIEW raw_{table} AS SELECT {', '.join([*own, *chosen])} FROM {registered}")
    first = next((ours for ours, at in matched.positions.items() if at == 0), "")
    types = dict.fromkeys(matched.positions, "VARCHAR")
    return Raw(f"raw_{table}", types, lazy=False, matched=matched, first=first, registered=registered)


def forget(con: Any, raw: Raw) -> None:
    """Give up what is held of a table as found; what stays in its source stays."""
    if raw.stays:
        return
    query(con, f"DROP VIEW {raw.relation}")
    if raw.registered:
        con.con.unregister(raw.registered)
    elif raw.held:
        query(con, f"DROP TABLE {raw.held}")


def _same_as_first(first: Matched, matched: Matched, *, where: str) -> None:
    """A later file must have the columns of the first."""
    for ours in [*first.positions, *matched.positions]:
        if (ours in first.positions) != (ours in matched.positions):
            raise _other_columns(where, ours, has=ours in matched.positions)


def _held(con: Any, table: str) -> int:
    (count,) = query(con, f"SELECT count(*) FROM lines_{table}")[0]
    return int(count)


def _insert_directly(con: Any, raw: Raw, found: text.TextFile, *, matched: Matched, name: str, before: int) -> bool:
    """Let the engine read the file; False, with nothing inserted, where a line does not fit the header."""
    import duckdb

    own = [literal(name), str(found.head.row + 1 - before), "NULL"]
    try:
        _insert(con, raw, _scan(found), columns=[*own, *_chosen(raw, matched, width=len(found.head.headers))])
    except duckdb.Error:
        return False
    return True


def _insert_rows(con: Any, raw: Raw, batches: Iterable[Any], *, width: int, matched: Matched, name: str, before: int) -> None:
    """Hand rows to the engine as they are, so that no line break, quotation mark or length of a field can be misread."""
    own = [literal(name), f"number - {before} - place", "fields"]
    for batch in batches:
        con.con.register(ARRIVING, batch)
        try:
            _insert(con, raw, ARRIVING, columns=[*own, *_chosen(raw, matched, width=width)])
        finally:
            con.con.unregister(ARRIVING)


def _chosen(raw: Raw, matched: Matched, *, width: int) -> list[str]:
    """What is taken of a line, in the order of the table."""
    ours = [f"c{matched.positions[name]}" for name in raw.matched.positions]
    also = [f"c{matched.also[header]}" if header in matched.also else "NULL" for header in raw.matched.also]
    common = _common([f"c{at}" for at in matched.common or ()], differ=matched.common is not None)
    first = [] if raw.first else ["c0"]
    return [_label(matched, width), _line([f"c{at}" for at in matched.rest]), common, *first, *ours, *also]


def _label(matched: Matched, width: int) -> str:
    """The field, other than the first, in which a row without a date says that it is one of totals."""
    dated = matched.positions.get(matched.contract.event)
    others = [f"c{at}" for at in range(1, width) if at != dated]
    if dated is None or not others:
        return "NULL::VARCHAR"
    pattern = literal(f"(?i){TOTAL_WORDS}")
    cases = " ".join(f"WHEN regexp_full_match({word_of(x)}, {pattern}) THEN {x}" for x in others)
    # nearly every row has a date, and a date begins with a digit
    day = f"c{dated}"
    return f"CASE WHEN {day} >= '0' AND {day} < ':' THEN NULL WHEN {word_of(day)} IS NULL THEN CASE {cases} END END"


def _line(columns: list[str]) -> str:
    return f"hash({', '.join(f'trim(CAST({one} AS VARCHAR))' for one in columns)})" if columns else "NULL::UBIGINT"


def _common(columns: list[str], *, differ: bool) -> str:
    """The same of the columns that all files have; nothing where that is all of them."""
    return "NULL::UBIGINT" if not differ else _line(columns) if columns else "0::UBIGINT"


def _batches(rows: Iterable[Row], *, width: int) -> Iterator[Any]:
    """Rows as tables of Arrow: number of the row, its place, number of fields where too many, the fields; what is empty is
    missing."""
    held: list[Row] = []
    letters = before = 0
    for row in rows:
        held.append(row)
        letters += sum(map(len, row[1]))
        if len(held) >= BATCH_ROWS or letters >= BATCH_LETTERS:
            yield _batch(held, width=width, before=before)
            held, letters, before = [], 0, before + len(held)
    if held:
        yield _batch(held, width=width, before=before)


def _batch(rows: Sequence[Row], *, width: int, before: int) -> Any:
    import pyarrow as pa

    numbers = [number for number, _ in rows]
    many = [
        len(fields) if len(fields) > width and any(field.strip() for field in fields[width:]) else None for _, fields in rows
    ]
    whole = (fields if len(fields) == width else fields[:width] + [""] * (width - len(fields)) for _, fields in rows)
    columns = zip(*whole, strict=True)
    texts = {f"c{at}": pa.array([field or None for field in column], pa.string()) for at, column in enumerate(columns)}
    places = pa.array(range(before, before + len(rows)), pa.int64())
    return pa.table({"number": pa.array(numbers, pa.int64()), "place": places, "fields": pa.array(many, pa.int64()), **texts})


def _insert(con: Any, raw: Raw, scan: str, *, columns: list[str]) -> None:
    # the order of lines is what makes their numbers right: a count of rows by window takes twice the time of all reading
    query(con, "SET preserve_insertion_order = true")
    try:
        query(con, f"INSERT INTO {raw.held} SELECT {', '.join(columns)} FROM {scan}")
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
