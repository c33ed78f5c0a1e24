"""What do we know of a client? One call opens the data: found, read, checked, typed and cut at one day.

``open_client`` is the only door. Whatever is wrong with the source, a table, a column or a row comes out of it as one error
that lists everything, before any model has worked.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from crmkit.core.dates import parse_iso
from crmkit.core.errors import STEPS, CrmkitError, DataError, ParamError, Problem, did_you_mean
from crmkit.core.nested_params import refuse_injected
from crmkit.core.privacy import client_key
from crmkit.core.results import Quantity, Text
from crmkit.core.settings import LANGUAGES, Settings, TableSettings, find_home, read_settings, rejects_folder
from crmkit.data.as_of import begun, count_later, cut, last_event, span_notes
from crmkit.data.intake.answers import OF_ANSWERS, answer_notes, answers, is_answers
from crmkit.data.intake.copy import Copy, copy_of
from crmkit.data.intake.merges import merge_stamp, read_merge
from crmkit.data.intake.phrases import set_zone
from crmkit.data.intake.table import Intake, Loaded, Place, load_table
from crmkit.data.sources.damage import telling_damage
from crmkit.data.sources.engine import connect, disconnect, identifier, query
from crmkit.data.sources.files import Source, Stamp, find_files, is_as_it_was, open_source
from crmkit.data.sources.readers import attach, database_tables
from crmkit.data.tables import MAIN_TABLE, TABLES
from crmkit.data.tables.check import contract_problems, keeps_contract

if TYPE_CHECKING:
    import ibis

AFTER_SHARE = 0.5
PACKED = (".gz", ".zip", ".bz2", ".xz", ".zst", ".7z", ".rar")
SPAN_FROM = (MAIN_TABLE, "subscriptions")
LATER = Text(
    "{column} lies after {day} in {rows} {rows:row|rows}, which {rows:is seen as it was|are seen as they were} on that day"
)
FOUND = Text("as_of {day} was found, not declared: the last day before today on which anything happened")
UNKNOWN = Text(
    "{rows} {rows:row names|rows name} {ids} {ids:customer|customers} in {column} that the table "
    "customers lacks; {rows:it is|they are} kept"
)
CUSTOMERS_FROM = (MAIN_TABLE, "subscriptions", "tickets", "interactions")


@dataclass(frozen=True)
class Client:
    """One client, opened.

    Parameters
    ----------
    name, title, currency, language, timezone : str
        As in the params file; ``language`` may have been asked for otherwise.
    as_of : date
        Last day that counts; the intake says so where it was found and not declared.
    tables : dict of str to ibis.Table
        The canonical tables that the client has, checked, typed, without rows after ``as_of``.
    intake : tuple of Intake
        What came in and what was left out, per table.
    fingerprint : str
        SHA-256 over the content of the source files, how they are read, and ``as_of``.
    settings : Settings
        The params file.
    home : Path
        Project root.
    con : ibis.backends.duckdb.Backend
        The engine that computes the tables.
    stamps : tuple of Stamp
        How the source files were when they were opened.
    """

    name: str
    title: str
    currency: str
    language: str
    timezone: str
    as_of: dt.date
    tables: dict[str, ibis.Table]
    intake: tuple[Intake, ...]
    fingerprint: str
    settings: Settings = field(repr=False)
    home: Path = field(repr=False)
    con: Any = field(repr=False, compare=False)
    stamps: tuple[Stamp, ...] = field(default=(), repr=False)

    def key(self) -> bytes:
        """The secret that this client's pseudonyms are made with; made on first use."""
        return client_key(self.name, home=self.home)

    def unchanged(self) -> None:
        """Whether the source files still are what they were when they were opened.

        Raises
        ------
        DataError
            Naming the files that are not: what was computed before and after need not come from one export.
        """
        changed = sorted({stamp.path.name for stamp in self.stamps if not is_as_it_was(stamp)})
        if changed:
            raise DataError(f"{', '.join(changed)} changed while the data were open; run again when nothing writes to them")

    def close(self) -> None:
        """End the engine; the tables cannot be read any more."""
        disconnect(self.con)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True)
class Check:
    """What ``crmkit check`` says of a client's data: the intake of each table that can be read, and every problem."""

    intake: tuple[Intake, ...]
    missing: tuple[str, ...]
    problems: tuple[str, ...]
    as_of: dt.date | None

    @property
    def broken(self) -> tuple[str, ...]:
        """Tables of which something is wrong."""
        named = [re.match(r"(?:params/[^ ]+, tables\.)?(\w+)[:., ]", problem) for problem in self.problems]
        there = {found.group(1) for found in named if found}
        return tuple(table for table in TABLES if table in there)


Found = Callable[[Settings, Mapping[str, "ibis.Table"]], None]


def open_client(
    client: str,
    *,
    as_of: str = "",
    language: str = "",
    home: Path | None = None,
    rejects: Path | None = None,
    found: Found | None = None,
) -> Client:
    """What do we know of this client, up to this day?

    Parameters
    ----------
    client : str
        Name of the params file.
    as_of : str
        Last day that counts, YYYY-MM-DD, inclusive; empty: what the params file says, and where that is empty too, the last
        day before today, in the client's time zone, on which anything happened in any table.
    language : {"", "en", "zh"}
        Empty: what the params file says.
    home : Path or None
        Project root; None: found from the working directory.
    rejects : Path or None
        Folder for the files of rows that were not kept; None: ``work/<client>/rejects``.
    found : callable or None
        Where the data cannot be opened, it is given the settings and the tables as they were found, with the columns that
        are known, before anything is said of them.

    Returns
    -------
    Client

    Raises
    ------
    ParamError
        When the params file or an argument cannot be used, or when a params file was given to plain Papermill, which would
        have run with the defaults.
    DataError
        Everything in which the data cannot be used, over all tables, each with its rows and what to do.

    Notes
    -----
    Timestamps without an offset are local; those with one are converted to the client's time zone; then the day is cut. Pure
    dates are never shifted. A day is complete when it is over, so today never is the last one.
    """
    home = home if home is not None else find_home()
    settings = read_settings(client, home=home)
    refuse_injected(settings, home=home)
    if language not in ("", *LANGUAGES):
        raise ParamError(Problem("language:", f"is {language!r}", hint=did_you_mean(language, LANGUAGES)))
    wanted = as_of or settings.as_of
    day = _declared_day(wanted, timezone=settings.timezone)
    merge = merge_stamp(settings, home=home)
    con, loaded, problems = _load(settings, home=home, rejects=rejects, found=found)
    try:
        if problems:
            raise DataError(problems)
        day, tables, intake = _cut(con, loaded, day, settings=settings)
    except CrmkitError:
        disconnect(con)
        raise
    return Client(
        name=settings.client,
        title=settings.title,
        currency=settings.currency,
        language=language or settings.language,
        timezone=settings.timezone,
        as_of=day,
        tables=tables,
        intake=intake,
        fingerprint=_fingerprint(loaded, merge, settings=settings, as_of=day),
        settings=settings,
        home=home,
        con=con,
        stamps=tuple(stamp for table in loaded.values() for stamp in table.stamps) + ((merge,) if merge else ()),
    )


def check_client(
    client: str, *, home: Path | None = None, rejects: Path | None = None, tell: Callable[[str], None] | None = None
) -> Check:
    """Can this client's data be read, and what is wrong with it?

    Parameters
    ----------
    client, home, rejects
        As for :func:`open_client`.
    tell : callable or None
        Is told the name of each table before it is read.

    Returns
    -------
    Check
        ``intake`` of the tables that could be read, names of the tables that are ``missing``, all ``problems`` in the order in
        which they are mended, ``as_of``.

    Raises
    ------
    ParamError
        When the params file cannot be used; problems of the data are returned.
    """
    home = home if home is not None else find_home()
    settings = read_settings(client, home=home)
    con, loaded, problems = _load(settings, home=home, rejects=rejects, tell=tell)
    intake = tuple(table.intake for table in loaded.values())
    day: dt.date | None = None
    try:
        wanted = _declared_day(settings.as_of, timezone=settings.timezone)
        if loaded:
            day, _, intake = _cut(con, loaded, wanted, settings=settings)
    except (DataError, ParamError) as err:
        # a day that is looked for in what is left of broken tables says nothing of its own
        problems = [*problems, *(err.problems if settings.as_of or not problems else ())]
    finally:
        disconnect(con)
    present = {table.table for table in intake}
    return Check(intake, tuple(name for name in TABLES if name not in present), tuple(problems), day)


def _load(
    settings: Settings,
    *,
    home: Path,
    rejects: Path | None,
    found: Found | None = None,
    tell: Callable[[str], None] | None = None,
) -> tuple[Any, dict[str, Loaded], list[str]]:
    """The engine, every table that the client has, and every problem, in the order in which they are mended."""
    where = f"params/{settings.client}.yml"
    problems = [
        str(Problem(f"{where}, tables:", f"unknown table {name!r}", hint=did_you_mean(name, TABLES)))
        for name in settings.tables
        if name not in TABLES
    ]
    loaded: dict[str, Loaded] = {}
    faults: list[tuple[int, str]] = []
    con, spill = connect()
    try:
        source = open_source(settings.source, home=home, where=where)
        if source.database:
            attach(con, source.path)
    except DataError as err:
        return con, loaded, [*problems, *err.problems]
    rejects = rejects or rejects_folder(settings.client, home=home)
    copy = _copy_of(settings, source, home=home, rejects=rejects) if not problems else None
    kept = copy.restore(con) if copy is not None else None
    if kept is not None:
        return con, kept, problems
    set_zone(con, settings.timezone)
    merge = read_merge(con, settings, home=home, spill=spill)
    problems += merge.problems if merge is not None else ()
    there = database_tables(con) if source.database else ()
    place = Place(settings, source, spill, rejects, home, there=there, merge=merge)
    for table in TABLES:
        if tell is not None:
            tell(table)
        try:
            with telling_damage(con, partial(_files, table, place), where=f"{table}: "):
                one = load_table(con, table, place=place)
        except DataError as err:
            faults += [(len(STEPS) if err.step is None else err.step, problem) for problem in err.problems]
        except BaseException as err:
            _tell(con, place, found)
            if isinstance(err, CrmkitError):
                disconnect(con)
            raise
        else:
            loaded |= {table: one} if one is not None else {}
    problems += [problem for _, problem in sorted(faults, key=lambda fault: fault[0])]
    problems += merge.unknown() if merge is not None and loaded and not faults else ()
    if problems:
        _tell(con, place, found)
    if not loaded and not problems:
        problems.append(str(_nothing(source.path, where=where, database=source.database)))
    if copy is not None and not problems:
        copy.save(con, loaded)
    return con, loaded, problems


def _copy_of(settings: Settings, source: Source, *, home: Path, rejects: Path) -> Copy | None:
    """Where the tables may lie as they were read before; what is wrong with the files is said by those who read them."""
    try:
        return copy_of(settings, source, home=home, rejects=rejects)
    except (DataError, OSError):
        return None


def _tell(con: Any, place: Place, found: Found | None) -> None:
    """Hand over the tables as they were found; what is wrong with the data is said also where that does not work."""
    if found is not None:
        with suppress(Exception):
            there = set(con.list_tables())
            tables = {name: relation for name, relation in place.raws.items() if {relation, f"typed_{name}"} & there}
            found(place.settings, {name: _as_found(con, name, relation, there) for name, relation in tables.items()})


def _as_found(con: Any, name: str, relation: str, there: Collection[str]) -> Any:
    """A table as it was found; once it is typed, its texts stand beside what was read of them."""
    if relation in there:
        return con.table(relation)
    typed = con.table(f"typed_{name}")
    return typed.select(**{column.removesuffix("__raw"): column for column in typed.columns if column.endswith("__raw")})


def _files(table: str, place: Place) -> list[Path]:
    """Where a table is read from."""
    if place.source.database:
        return [place.source.path]
    return find_files(table, source=place.source, tables=place.settings.tables)


def _nothing(path: Path, *, where: str, database: bool) -> Problem:
    there = sorted(entry.name for entry in path.iterdir()) if not database else []
    hint = did_you_mean(f"{MAIN_TABLE}.csv", there)
    packed = [name for name in there if Path(name).suffix.casefold() in PACKED]
    hint = f"unpack {' and '.join(packed)} first" if packed else hint
    return Problem(f"{where}, source:", f"holds no table that is known: {', '.join(TABLES)}", "declare tables", hint)


def _cut(
    con: Any, loaded: Mapping[str, Loaded], as_of: dt.date | None, *, settings: Settings
) -> tuple[dt.date, dict[str, Any], tuple[Intake, ...]]:
    """The tables without rows after ``as_of``, checked against their contracts."""
    with telling_damage(con, lambda: [stamp.path for table in loaded.values() for stamp in table.stamps]):
        return _cut_all(con, loaded, as_of, settings=settings)


def _cut_all(
    con: Any, loaded: Mapping[str, Loaded], as_of: dt.date | None, *, settings: Settings
) -> tuple[dt.date, dict[str, Any], tuple[Intake, ...]]:
    day = as_of or _last_day(con, loaded, settings=settings)
    tables: dict[str, Any] = {}
    intake: list[Intake] = []
    problems: list[str | Problem] = []
    # a day too early shows in what the client's whole time is told by; another table may have been begun late
    telling = next((name for name in SPAN_FROM if name in loaded), None)
    first = next(iter(loaded), "")
    for name, table in loaded.items():
        after, notes = _cut_table(con, name, table, day)
        notes += [Text(FOUND.template, {"day": Quantity(day, "date")})] if as_of is None and name == (telling or first) else []
        judged = name == telling if telling else TABLES[name].tells_span
        if after > AFTER_SHARE * table.intake.rows_kept and judged:
            what = f"has {after} of {table.intake.rows_kept} rows after as_of {day}"
            problems.append(Problem(f"{name}:", what, "no more than half may be left out", "set a later as_of"))
            continue
        notes = [*table.intake.notes, *notes]
        kept = table.intake.rows_kept - after
        intake.append(replace(table.intake, rows_kept=kept, rows_after_as_of=after, notes=tuple(notes)))
        if not kept:
            # of a table that was begun later nothing was known: it is as if the client did not have it
            continue
        tables[name] = con.table(name)
        if is_answers(TABLES[name]):
            notes += answer_notes(con, name, settings=settings.tables.get(name, TableSettings()))
            intake[-1] = replace(intake[-1], notes=tuple(notes))
        if not keeps_contract(con, tables[name], name=name):
            problems += contract_problems(tables[name], name=name)
    if problems:
        raise DataError(problems)
    source = next((name for name in CUSTOMERS_FROM if name in tables), "")
    if "customers" not in tables and source:
        tables["customers"], derived = _derive_customers(con, source)
        intake.append(derived)
    elif "customers" in tables:
        intake = [replace(one, notes=(*one.notes, *_unknown_customers(con, one.table, tables))) for one in intake]
    return day, {name: tables[name] for name in TABLES if name in tables}, tuple(intake)


def _cut_table(con: Any, name: str, table: Loaded, day: dt.date) -> tuple[int, list[Text]]:
    """Make the relation of a table's rows up to a day; how many are left out, and what was hidden of the others?"""
    whole, relation, columns = table.columns, table.relation, list(table.columns)
    after, hidden = count_later(con, relation, whole, name=name, day=day)
    if table.items:
        query(con, f"CREATE OR REPLACE VIEW until_{name} AS SELECT * FROM {relation}{begun(name, whole, day)}")
        query(con, f"CREATE OR REPLACE VIEW answers_{name} AS {answers(f'until_{name}', columns, table.items)}")
        relation = f"answers_{name}"
        columns = [column for column in TABLES[name].columns if column in columns or column in OF_ANSWERS]
    query(con, f"CREATE OR REPLACE VIEW {name} AS {cut(name, columns, relation=relation, day=day, keep=columns)}")
    return after, span_notes(con, table.relation, whole, name=name, day=day) + [
        Text(LATER.template, {"column": column, "day": Quantity(day, "date"), "rows": Quantity(rows, "count")})
        for column, rows in hidden.items()
    ]


def _declared_day(wanted: str, *, timezone: str) -> dt.date | None:
    """The day that was asked for, None where none was.

    Raises
    ------
    ParamError
        When it is no date, or has not come yet.
    """
    if not wanted:
        return None
    day, today = parse_iso(wanted, where="as_of"), _today(timezone)
    if day > today:
        raise ParamError(Problem("as_of:", f"is {day}, which is after today, {today}", "nothing is known of a day to come"))
    return day


def _last_day(con: Any, loaded: Mapping[str, Loaded], *, settings: Settings) -> dt.date:
    """The last day before today with any event in any table that tells over which time the company was watched."""
    before = _today(settings.timezone)
    names = [name for name in loaded if TABLES[name].tells_span] or list(loaded)
    found = (last_event(con, loaded[name].relation, loaded[name].columns, name=name, before=before) for name in names)
    days = [day for day in found if day is not None]
    if not days:
        raise DataError(f"as_of: {' and '.join(names)} have no day before today, {before}; set as_of in the params file")
    return max(days)


def _today(timezone: str) -> dt.date:
    return dt.datetime.now(ZoneInfo(timezone)).date()


def _unknown_customers(con: Any, name: str, tables: Mapping[str, Any]) -> list[Text]:
    """Notes on rows that name a customer whom the table ``customers`` does not have; they are kept."""
    notes: list[Text] = []
    present = tables[name].columns if name != "customers" and name in tables else ()
    for column in (one for one in TABLES[name].customers if one in present):
        ours = identifier(column)
        counted = (
            f"SELECT count(*), count(DISTINCT {ours}) FROM {name} AS t WHERE {ours} IS NOT NULL"
            f" AND NOT EXISTS (SELECT 1 FROM customers AS c WHERE c.customer_id = t.{ours})"
        )
        rows, ids = query(con, counted)[0]
        numbers: dict[str, Quantity | str] = {"rows": Quantity(rows, "count"), "ids": Quantity(ids, "count"), "column": column}
        notes += [Text(UNKNOWN.template, numbers)] if rows else []
    return notes


def _derive_customers(con: Any, source: str) -> tuple[Any, Intake]:
    first = f"min(CAST({identifier(TABLES[source].event)} AS DATE))"
    query(
        con, f"CREATE OR REPLACE VIEW customers AS SELECT customer_id, {first} AS created_at FROM {source} GROUP BY customer_id"
    )
    ((count,),) = query(con, "SELECT count(*) FROM customers")
    note = Text("derived from the table {source}; created_at is the day of its first row", {"source": source})
    return con.table("customers"), Intake(table="customers", rows_read=count, rows_kept=count, notes=(note,))


def _fingerprint(loaded: Mapping[str, Loaded], merge: Stamp | None, *, settings: Settings, as_of: dt.date) -> str:
    said = {
        "files": {name: [stamp.sha256 for stamp in table.stamps] for name, table in loaded.items()},
        "tables": {name: table.model_dump(mode="json") for name, table in settings.tables.items()},
        "timezone": settings.timezone,
        "as_of": as_of.isoformat(),
        **({"merge": merge.sha256} if merge is not None else {}),
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
