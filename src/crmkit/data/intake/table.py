"""How does one table of a client come from its source to a checked, typed relation, and what was left out on the way?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from crmkit.core.errors import DataError, Problem, at_step, did_you_mean
from crmkit.core.language import Locale, say
from crmkit.core.results import Quantity, Text
from crmkit.core.settings import Settings, TableSettings
from crmkit.data.intake import answers as survey_items
from crmkit.data.intake import choice, derived, exchange, ids, merges, rejects, words
from crmkit.data.intake.headers import Matched, match_columns
from crmkit.data.intake.notation import find_conventions, still_running
from crmkit.data.intake.parse import reading
from crmkit.data.intake.plain import APART_FROM, look_at
from crmkit.data.intake.typed import Shape, type_columns
from crmkit.data.sources import readers
from crmkit.data.sources.engine import identifier, one_thread, query
from crmkit.data.sources.files import Source, Stamp, find_files, stamp_of
from crmkit.data.sources.readers import Raw
from crmkit.data.tables import TABLES, TableContract

SOLVED_FIRST = Text("{n} {n:ticket was|tickets were} solved before {n:its|their} first answer; both times count as they are")
ONE_ROW = Text("one row per response, {n} {n:answer|answers} in each")
ALL_OTHERS = Text("row {row} holds in {column} the sum of all other rows; is it a line of totals?")
ROWS_OF_A_THREAD = 122_880
# of fewer rows one may well be the sum of the others
FEW_ROWS = 5


@dataclass(frozen=True)
class Intake:
    """What came in of one table, what was left out and why, and how the source was written.

    Parameters
    ----------
    table : str
        Name of the table.
    files : tuple of str
        Files, or the table of a database, that it came from; empty where it was derived.
    rows_read, rows_kept : int
        Rows found, and rows that the reports count.
    rows_rejected : int
        Rows that could not be used and were set aside because their share was allowed.
    set_aside : tuple of SetAside
        Rows by reason; the rejected, those that hold nothing of the table, and those left out on request. A row with two
        reasons counts under the first, so that rows read = rows kept + rows of all reasons.
    rows_after_as_of : int
        Rows left out because they lie after ``as_of``.
    repeats : int
        Rows equal to an earlier one, part of ``set_aside``.
    encoding, separator, decimal, date_form : str
        As found; empty where it does not apply.
    columns : dict of str to str
        Our column: header in the source.
    unmapped : tuple of str
        Headers that are not read.
    notes : tuple of Text
        What a reader should know besides.
    """

    table: str
    files: tuple[str, ...] = ()
    rows_read: int = 0
    rows_kept: int = 0
    rows_rejected: int = 0
    set_aside: tuple[rejects.SetAside, ...] = ()
    rows_after_as_of: int = 0
    repeats: int = 0
    encoding: str = ""
    separator: str = ""
    decimal: str = ""
    date_form: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    unmapped: tuple[str, ...] = ()
    notes: tuple[Text, ...] = ()

    @property
    def rows_set_aside(self) -> dict[str, int]:
        """Rows by reason in English, as the reject file has it."""
        return {say(each.text, Locale()): each.rows for each in self.set_aside}


@dataclass(frozen=True)
class Loaded:
    """A table inside the engine, not yet cut at ``as_of``: its relation, its columns, its files and its intake so far.

    ``items`` are those of a questionnaire whose relation still has one column per item; empty otherwise.
    """

    relation: str
    columns: tuple[str, ...]
    stamps: tuple[Stamp, ...]
    intake: Intake
    items: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where things are, for reading and for messages."""

    settings: Settings
    source: Source
    spill: Path
    rejects: Path
    home: Path
    # relations as they were found, of all tables that were read so far
    raws: dict[str, str] = field(default_factory=dict)
    # of a database, its tables
    there: Sequence[str] = ()
    merge: merges.Merge | None = None

    def params(self, table: str) -> str:
        return f"params/{self.settings.client}.yml, tables.{table}"

    def reject_file(self, table: str) -> str:
        path = self.rejects / f"{table}.csv"
        return path.relative_to(self.home).as_posix() if path.is_relative_to(self.home) else str(path)


def load_table(con: Any, table: str, *, place: Place) -> Loaded | None:
    """One table, read, typed and rid of what cannot be used; None where the client does not have it.

    Raises
    ------
    DataError
        Everything in which the table cannot be used, at once.
    """
    contract, settings = TABLES[table], place.settings.tables.get(table, TableSettings())
    problems = _unknown_columns(contract, settings, params=place.params(table))
    if problems:
        raise DataError(problems)
    with at_step("reading"):
        read = _read(con, table, contract=contract, settings=settings, place=place)
    if read is None:
        return None
    raw, stamps = read
    place.raws[table] = raw.relation
    # what is no larger than what one thread takes at a time is taken by one
    ((rows,),) = query(con, f"SELECT count(*) FROM {raw.relation}")
    raw = replace(raw, few=rows < APART_FROM)
    with one_thread(con, when=rows <= ROWS_OF_A_THREAD and not raw.stays):
        return _take(con, table, raw, stamps, contract=contract, settings=settings, place=place)


def _take(
    con: Any,
    table: str,
    raw: Raw,
    stamps: tuple[Stamp, ...],
    *,
    contract: TableContract,
    settings: TableSettings,
    place: Place,
) -> Loaded:
    wide = survey_items.is_answers(contract) and survey_items.ITEM not in raw.types
    if wide:
        contract, settings = survey_items.wide_contract(contract, settings, params=place.params(table))
    names = tuple(stamp.path.name for stamp in stamps) if not place.source.database else (settings.table or table,)
    apart = "" if raw.lazy else f"apart_{table}"
    look = look_at(con, raw.relation, raw.types, contract=contract, settings=settings, apart=apart)
    words.check_words(con, contract, settings, params=place.params(table))
    money = exchange.find_exchange(con, raw, contract=contract, settings=settings, currency=place.settings.currency)
    ways, problems = find_conventions(
        con,
        raw,
        contract=contract,
        settings=settings,
        look=look,
        money=money,
        table=table,
        params=place.params(table),
    )
    problems += _wrong_types(raw, contract=contract, table=table)
    if problems:
        raise DataError(problems)
    computed = derived.worked_out(raw.types, contract=contract, as_of=place.settings.as_of, where=f"{table}: {names[0]}")
    pointed, noted = ids.find_spoils(con, raw.relation, raw.types, contract, look=look)
    noted += ids.several_notes(con, raw.relation, raw.types, settings.first_of)
    noted += words.empty_notes(con, raw.relation, raw.types, contract, look=look)
    shape = Shape(raw, contract, settings, look, ways, computed, pointed, money)
    columns, used = type_columns(con, table, shape)
    items = tuple(settings.items) if wide else ()
    intake = Intake(
        table=table,
        files=names,
        encoding=raw.encoding,
        separator=raw.separator,
        decimal=next((way.decimal for name, way in ways.items() if contract.columns[name].kind == "money"), ""),
        date_form=next((way.form for name, way in ways.items() if way.form), ""),
        columns=raw.matched.headers,
        unmapped=raw.matched.unmapped,
        notes=(
            *raw.notes,
            *still_running(ways),
            *([Text(ONE_ROW.template, {"n": Quantity(len(items), "count")})] if wide else []),
            *noted,
        ),
    )
    typed = f"typed_{table}"
    if place.merge is not None:
        typed = merges.merged(con, table, typed, place.merge, contract=contract, present=shape.present)
    loaded = Loaded(typed, columns, stamps, intake, items)
    kept = _keep(con, loaded, shape, place=place)
    if typed == f"merged_{table}" and not raw.stays:
        query(con, f"DROP VIEW {typed}")
    for end in used:
        end()
    return kept


def _read(
    con: Any, table: str, *, contract: TableContract, settings: TableSettings, place: Place
) -> tuple[Raw, tuple[Stamp, ...]] | None:
    def match(headers: Sequence[str], where: str) -> Matched:
        with at_step("headers"):
            params, ways = place.params(table), (contract, settings)
            if survey_items.is_wide(contract, headers, settings=settings):
                ways = survey_items.wide_contract(contract, settings, params=params)
            relaxed = derived.relax(ways[0], headers, settings=ways[1])
            matched = match_columns(headers, contract=relaxed, settings=ways[1], where=where, params=f"{params}.columns")
            lines = not contract.unique and contract.repeats in matched.positions
            return choice.carry(matched, headers, table=table, settings=settings, where=where, lines=lines)

    if place.source.database:
        if table not in place.settings.tables and table not in place.there:
            return None
        return readers.read_database(con, table, settings=settings, match=match), (stamp_of(place.source.path),)
    with at_step("files"):
        paths = find_files(table, source=place.source, tables=place.settings.tables)
    if not paths:
        return None
    stamps = tuple(stamp_of(path) for path in paths)
    return readers.read_files(con, table, paths, settings=settings, match=match, spill=place.spill), stamps


def _wrong_types(raw: Raw, *, contract: TableContract, table: str) -> list[Problem]:
    return [
        Problem(f"{table}: column {name!r}", f"is of type {found}", f"{words.NOUNS[contract.columns[name].kind]} is expected")
        for name, found in raw.types.items()
        if reading("x", kind=contract.columns[name].kind, found=found) is None
    ]


def _unknown_columns(contract: TableContract, settings: TableSettings, *, params: str) -> list[Problem]:
    """Columns that ``values`` and ``items`` name and that the table does not have."""
    scores = [name for name, column in contract.columns.items() if column.kind == "score"]
    wide = settings.items if survey_items.is_answers(contract) else {}
    own = [name for name, column in contract.columns.items() if column.kind == "id"]
    first = [name for name in settings.first_of if name not in own]
    values = [name for name in settings.values if name not in contract.columns and name not in wide]
    items = [] if survey_items.is_answers(contract) else [name for name in settings.items if name not in scores]
    return [
        *(
            Problem(f"{params}.values:", f"unknown column {name!r}", hint=did_you_mean(name, contract.columns))
            for name in values
        ),
        *(Problem(f"{params}.first_of:", f"{name!r} is no column of ids", hint=did_you_mean(name, own)) for name in first),
        *(Problem(f"{params}.items:", f"{name!r} is no column of scores", hint=did_you_mean(name, scores)) for name in items),
    ]


def _keep(con: Any, loaded: Loaded, shape: Shape, *, place: Place) -> Loaded:
    """The relation ``kept_<table>``: the rows that can be used, if the others are few enough."""
    table, typed = loaded.intake.table, loaded.relation
    contract, settings, mapped = shape.contract, shape.settings, shape.present
    if settings.repeats == "newest":
        where = f"{place.params(table)}.repeats:"
        typed = rejects.supersede(con, typed, contract=contract, mapped=mapped, where=where)
    long = survey_items.is_answers(contract) and survey_items.ITEM in mapped
    notes = survey_items.check_items(con, typed, settings=settings, table=table) if long else []
    params, lazy = place.params(table), shape.raw.lazy
    issues = rejects.list_issues(contract, mapped, settings=settings, look=shape.look, params=params, lazy=lazy)
    issues += exchange.foreign_issues(con, typed, shape.money, params=params)
    for column, where, item, one in survey_items.scaled_columns(contract, mapped, settings=settings, wide=bool(loaded.items)):
        issues += rejects.off_scale(column, where, item, one, params=params)
    found, some = rejects.find_rejects(con, typed, issues=issues, contract=contract, settings=settings, mapped=mapped)
    reasons, stopping, everything = rejects.count_reasons(con, typed, found) if some else ((), 0, 0)
    rejects.write_rejects(con, typed, to=place.rejects / f"{table}.csv", some=some)
    rows = shape.look.rows
    usable = rows - (everything - stopping)
    files = ", ".join(loaded.intake.files)
    if not rows:
        raise DataError(f"{table}: {files} is empty; a header line and at least one row are expected")
    if not usable or (everything == rows and stopping <= settings.rejects * usable):
        why = ", ".join(f"{each.rows} {say(each.text, Locale())}" for each in reasons)
        raise DataError(f"{table}: {files} has no row that can be used ({why}); see {place.reject_file(table)}")
    if stopping > settings.rejects * usable:
        raise DataError([rejects.explain(each, table=table, file=place.reject_file(table)) for each in found])
    notes += _row_notes(con, typed, shape, rows=rows, as_of=place.settings.as_of)
    notes += merges.merge_notes(con, loaded.relation) if loaded.relation.startswith("merged_") else []
    columns = [*loaded.columns, *(f"{item}__na" for item in loaded.items)]
    _store_kept(con, table, typed, columns=columns, lazy=shape.raw.stays, any_left_out=bool(everything))
    if typed != loaded.relation and not shape.raw.stays:
        query(con, f"DROP TABLE {typed}")
    repeats = sum(each.count for each in found if not each.issue.condition)
    intake = replace(
        loaded.intake,
        rows_read=rows,
        rows_kept=rows - everything,
        rows_rejected=stopping,
        set_aside=reasons,
        repeats=repeats,
        notes=(*loaded.intake.notes, *notes),
    )
    return replace(loaded, relation=f"kept_{table}", intake=intake)


def _row_notes(con: Any, typed: str, shape: Shape, *, rows: int, as_of: str) -> list[Text]:
    """What a reader should know of the rows that can be used: whose they are, which count, what was worked out of them."""
    contract, settings, types = shape.contract, shape.settings, shape.present
    notes = choice.choice_notes(con, typed, tuple(shape.raw.matched.also), types=types, settings=settings, contract=contract)
    notes += derived.derived_notes(
        con, typed, shape.raw.types, shape.computed, contract=contract, settings=settings, as_of=as_of
    )
    people = [name for name in contract.customers if name in types and name not in contract.unique]
    notes += [*ids.nobody_notes(con, typed, people, rows=rows), *exchange.exchange_notes(con, typed, shape.money)]
    if {"first_response_at", "resolved_at"} <= set(types):
        early = "first_response_at > resolved_at AND NOT (resolved_at = CAST(resolved_at AS DATE) AND"
        early += " CAST(first_response_at AS DATE) = CAST(resolved_at AS DATE))"
        (count,) = query(con, f"SELECT count(*) FILTER (__aside IS NULL AND {early}) FROM {typed}")[0]
        notes += [Text(SOLVED_FIRST.template, {"n": Quantity(count, "count")})] if count else []
    if contract.returns and contract.returns[0] in types:
        amount = identifier(contract.returns[0])
        every = f"SELECT sum({amount}), count(*), max({amount}) FROM {typed} WHERE __aside IS NULL"
        whole, n, greatest = query(con, every)[0]
        possible = n >= FEW_ROWS and greatest is not None and greatest > 0 and 2 * greatest >= whole
        where = f"__aside IS NULL AND {amount} > 0 AND 2 * {amount} = {whole}"
        found = query(con, f"SELECT __row FROM {typed} WHERE {where} ORDER BY __file, __row LIMIT 1") if possible else []
        numbers = {"column": contract.returns[0]}
        notes += [Text(ALL_OTHERS.template, {**numbers, "row": Quantity(row, "count")}) for (row,) in found]
    return notes


def _store_kept(con: Any, table: str, typed: str, *, columns: Sequence[str], lazy: bool, any_left_out: bool) -> None:
    names = ", ".join(identifier(name) for name in columns)
    left_out = f" ANTI JOIN rejects_{typed} USING (__file, __row)" if any_left_out else ""
    form = "VIEW" if lazy else "TABLE"
    query(con, f"CREATE OR REPLACE {form} kept_{table} AS SELECT {names} FROM {typed}{left_out}")
