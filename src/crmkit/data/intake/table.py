"""How does one table of a client come from its source to a checked, typed relation, and what was left out on the way?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from crmkit.core.errors import DataError, Problem, did_you_mean
from crmkit.core.language import Locale, say
from crmkit.core.results import Quantity, Text
from crmkit.core.settings import Settings, TableSettings
from crmkit.data.intake import answers as survey_items
from crmkit.data.intake import choice, derived, exchange, ids, rejects, words
from crmkit.data.intake.headers import Matched, match_columns
from crmkit.data.intake.macros import MONEY
from crmkit.data.intake.notation import find_conventions, still_running
from crmkit.data.intake.parse import PLAIN, Convention, not_ended, reading
from crmkit.data.sources import readers
from crmkit.data.sources.engine import identifier, literal, query
from crmkit.data.sources.files import Source, Stamp, find_files, stamp_of
from crmkit.data.sources.readers import Raw
from crmkit.data.tables import TABLES, TableContract

SOLVED_FIRST = Text("{n} {n:ticket was|tickets were} solved before {n:its|their} first answer; both times count as they are")
ONE_ROW = Text("one row per response, {n} {n:answer|answers} in each")
SQL_TYPES = {"boolean": "BOOLEAN", "integer": "BIGINT"}
TOTAL_STARTS = ("gr", "su", "to", "ge", "zw", "in", "so", "ra", "ce", "ит", "вс")
TOTAL_SIGNS = "合总總総小汇"
BETWEEN = "\x1e"
ALL_OTHERS = Text("row {row} holds in {column} the sum of all other rows; is it a line of totals?")
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
    read = _read(con, table, contract=contract, settings=settings, place=place)
    if read is None:
        return None
    raw, stamps = read
    wide = survey_items.is_answers(contract) and survey_items.ITEM not in raw.types
    if wide:
        contract, settings = survey_items.wide_contract(contract, settings, params=place.params(table))
    names = tuple(stamp.path.name for stamp in stamps) if not place.source.database else (settings.table or table,)
    words.check_words(con, contract, settings, params=place.params(table))
    money = exchange.find_exchange(con, raw, contract=contract, settings=settings, currency=place.settings.currency)
    ways, problems = find_conventions(
        con,
        raw,
        contract=contract,
        settings=settings,
        money=money,
        table=table,
        params=place.params(table),
    )
    problems += _wrong_types(raw, contract=contract, table=table)
    if problems:
        raise DataError(problems)
    computed = derived.worked_out(raw.types, contract=contract, as_of=place.settings.as_of, where=f"{table}: {names[0]}")
    pointed, noted = ids.find_spoils(con, raw.relation, raw.types, contract)
    noted += words.empty_notes(con, raw.relation, raw.types, contract)
    shape = Shape(raw, contract, settings, ways, computed, pointed, money)
    columns = _type(con, table, shape)
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
    loaded = Loaded(f"typed_{table}", columns, stamps, intake, items)
    return _keep(con, loaded, shape, place=place)


def _read(
    con: Any, table: str, *, contract: TableContract, settings: TableSettings, place: Place
) -> tuple[Raw, tuple[Stamp, ...]] | None:
    def match(headers: Sequence[str], where: str) -> Matched:
        params, ways = place.params(table), (contract, settings)
        if survey_items.is_wide(contract, headers, settings=settings):
            ways = survey_items.wide_contract(contract, settings, params=params)
        relaxed = derived.relax(ways[0], headers, settings=ways[1])
        matched = match_columns(headers, contract=relaxed, settings=ways[1], where=where, params=f"{params}.columns")
        lines = not contract.unique and contract.repeats in matched.positions
        return choice.carry(matched, headers, table=table, settings=settings, where=where, lines=lines)

    if place.source.database:
        if table not in place.settings.tables and table not in readers.database_tables(con):
            return None
        return readers.read_database(con, table, settings=settings, match=match), (stamp_of(place.source.path),)
    paths = find_files(table, source=place.source, settings=place.settings.tables.get(table))
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


@dataclass(frozen=True)
class Shape:
    """What is to be made of the relation as found, and how.

    ``ways`` says how a column of text is written, ``computed`` which columns follow from others, ``pointed`` of which ids
    ``.0`` is taken off, ``money`` what the rows' currencies are worth.
    """

    raw: Raw
    contract: TableContract
    settings: TableSettings
    ways: Mapping[str, Convention]
    computed: Mapping[str, str]
    pointed: Collection[str]
    money: exchange.Exchange

    @property
    def present(self) -> list[str]:
        """Our columns that were found or worked out."""
        return [*self.raw.types, *self.computed]

    @property
    def wide(self) -> bool:
        return survey_items.ITEM not in self.raw.types


def _type(con: Any, table: str, shape: Shape) -> tuple[str, ...]:
    """The relation ``typed_<table>``: each column read, its text beside it as ``<column>__raw``, rows of no content marked."""
    raw, contract = shape.raw, shape.contract
    clean = _already_clean(con, raw, contract=contract)
    chosen = [
        "__file",
        "__row",
        "__fields",
        "__first",
        "__line",
        "__common",
        *(f"__also_{at}" for at in range(len(raw.matched.also))),
    ]
    texts = []
    for name, found in raw.types.items():
        text, columns = _read_column(con, shape, name, found, clean=name in clean)
        texts.append(f"{text} AS {identifier(f'{name}__raw')}")
        chosen += columns
    added = [name for name, column in contract.columns.items() if column.default is not None and name not in raw.types]
    chosen += [f"NULL::{SQL_TYPES[contract.columns[name].kind]} AS {identifier(name)}" for name in added]
    beside = [
        f"{sql} AS {identifier(name)}, NULL::VARCHAR AS {identifier(f'{name}__raw')}" for name, sql in shape.computed.items()
    ]
    adjusted = _defaults(shape, [*shape.present, *added])
    aside, by = _aside(shape)
    everything = f"* REPLACE ({', '.join(adjusted)})" if adjusted else "*"
    # text is read once and held; what is lazy stays so
    query(
        con,
        f"CREATE OR REPLACE {'VIEW' if raw.lazy else 'TABLE'} typed_{table} AS SELECT {everything}, {aside} AS __aside,"
        f" {by} AS __by FROM (SELECT {', '.join(['*', *beside])} FROM (SELECT {', '.join(chosen)}"
        f" FROM (SELECT {', '.join(['*', *texts])} FROM {raw.relation})))",
    )
    if not raw.lazy:
        query(con, f"DROP TABLE {raw.relation}")
    return tuple(name for name in contract.columns if name in (*shape.present, *added))


def _read_column(con: Any, shape: Shape, name: str, found: str, *, clean: bool) -> tuple[str, list[str]]:
    """The SQL of the text of one column, and over it that of its value: words first, then the type."""
    column, x, own = shape.contract.columns[name], identifier(name), shape.settings.values.get(name, {})

    def read(text: str) -> str:
        if clean:
            return text
        if column.kind == "id" and found == "VARCHAR":
            return ids.id_reading(text, pointed=name in shape.pointed)
        return str(reading(text, kind=column.kind, found=found, convention=shape.ways.get(name, PLAIN)))

    nothing = "false" if clean else words.is_nothing(x, column=column, found=found, words=own)
    # a day that means "not ended" is no value that could not be read
    ended = not_ended(x, found=found, convention=shape.ways.get(name, PLAIN))
    nothing = nothing if ended == "false" else ended if nothing == "false" else f"({nothing}) OR ({ended})"
    # a text that stands for nothing is no text; said once, because the engine would work it out for every use
    text, raw = x if nothing == "false" else f"CASE WHEN NOT ({nothing}) THEN {x} END", identifier(f"{name}__raw")
    value, chosen = words.replaced(read(raw), x, column=column, words=own), []
    if name == exchange.CURRENCY and shape.money.word:
        value = shape.money.code
    if column.kind == "score":
        settings, wide, table = shape.settings, shape.wide, shape.contract
        code = survey_items.not_applicable(name, value, x, settings=settings, wide=wide, table=table)
        as_found = survey_items.not_applicable(name, read(x), x, settings=settings, wide=wide, table=table)
        value = survey_items.in_numbers(
            con,
            shape.raw.relation,
            name,
            value,
            number=read(x),
            other=f"({nothing}) OR ({as_found})",
            settings=settings,
            wide=wide,
            table=table,
        )
        chosen += [f"{code} AS {identifier(f'{name}__na')}"]
        value = f"CASE WHEN NOT ({code}) THEN {value} END" if code != "false" else value
    chosen += [raw, f"{value} AS {x}"]
    return text, chosen + ([f"{value} AS {identifier(f'{name}__read')}"] if column.default is not None else [])


def _unknown_columns(contract: TableContract, settings: TableSettings, *, params: str) -> list[Problem]:
    """Columns that ``values`` and ``items`` name and that the table does not have."""
    scores = [name for name, column in contract.columns.items() if column.kind == "score"]
    wide = settings.items if survey_items.is_answers(contract) else {}
    values = [name for name in settings.values if name not in contract.columns and name not in wide]
    items = [] if survey_items.is_answers(contract) else [name for name in settings.items if name not in scores]
    return [
        *(
            Problem(f"{params}.values:", f"unknown column {name!r}", hint=did_you_mean(name, contract.columns))
            for name in values
        ),
        *(Problem(f"{params}.items:", f"{name!r} is no column of scores", hint=did_you_mean(name, scores)) for name in items),
    ]


def _already_clean(con: Any, raw: Raw, *, contract: TableContract) -> set[str]:
    """Text columns of a lazy source that need no stripping, so that later scans need not do it again."""
    names = [
        name
        for name, found in raw.types.items()
        if raw.lazy and found == "VARCHAR" and contract.columns[name].kind in ("id", "text")
    ]
    if not names:
        return set()
    written = {
        name: ids.reads_as_written(identifier(name))
        if contract.columns[name].kind == "id"
        else f"crm_text({identifier(name)}) IS NOT DISTINCT FROM {identifier(name)}"
        for name in names
    }
    tests = ", ".join(f"count(*) FILTER (NOT ({test}))" for test in written.values())
    differing = query(con, f"SELECT {tests} FROM {raw.relation}")[0]
    return {name for name, count in zip(names, differing, strict=True) if not count}


def _defaults(shape: Shape, present: list[str]) -> list[str]:
    """What an empty flag means, the client's own currency, and the sign of an amount: a return is below zero."""
    contract, settings = shape.contract, shape.settings
    replaced = {
        name: f"coalesce({identifier(name)}, {str(column.default).lower()})"
        for name, column in contract.columns.items()
        if column.default is not None and name in present
    }
    replaced |= shape.money.columns(present, contract=contract)
    if contract.returns:
        flag = identifier(contract.returns[1])
        amount = replaced.get(contract.returns[0], identifier(contract.returns[0]))
        replaced[contract.returns[1]] = (
            f"coalesce({flag}, {derived.returns_test(present, contract=contract, settings=settings)})"
        )
    if contract.returns and contract.returns[0] in present:
        replaced[contract.returns[0]] = (
            f"CAST(CASE WHEN {replaced[contract.returns[1]]} THEN -abs({amount}) ELSE {amount} END AS {MONEY})"
        )
    replaced |= derived.monthly(present, settings)
    if survey_items.ITEM in present:
        renamed = survey_items.rename_items(settings)
        replaced |= {survey_items.ITEM: renamed} if renamed is not None else {}
    if survey_items.NOT_APPLICABLE in present and survey_items.SCORE in present:
        said, score = (identifier(name) for name in (survey_items.NOT_APPLICABLE, survey_items.SCORE))
        replaced[survey_items.NOT_APPLICABLE] = f"coalesce({said}, false) OR {identifier(f'{survey_items.SCORE}__na')}"
        replaced[survey_items.SCORE] = f"CASE WHEN NOT coalesce({said}, false) THEN {score} END"
    return [f"{value} AS {identifier(name)}" for name, value in replaced.items()]


def _aside(shape: Shape) -> tuple[str, str]:
    """Which rows hold nothing of the table - the header line once more, a line of totals, an empty line - or do not count?

    The SQL of the reason and of the column or header that shows it.
    """
    raw, contract = shape.raw, shape.contract
    chosen = choice.left_out(tuple(raw.matched.also), raw.types, settings=shape.settings)
    cases = [(condition, reason, literal(header)) for condition, reason, header in chosen]
    if not raw.lazy:
        texts = {name: f"coalesce({words.word_of(f'{name}__raw')}, '')" for name in raw.types}
        empty = " AND ".join(f"{text} = ''" for text in texts.values())
        header = " AND ".join(f"{text} = {literal(raw.matched.headers[name])}" for name, text in texts.items())
        undated = f"{texts[contract.event]} = ''" if contract.event in raw.types else "true"
        numbered = [identifier(f"{name}__raw") for name in raw.types if contract.columns[name].kind == "id"]
        total = _is_total({"__first": undated, **dict.fromkeys(numbered, "true")})
        nothing = [(empty, "'empty'"), *([(header, "'header'")] if shape.settings.names is None else []), (total, "'total'")]
        cases = [*((condition, code, "''") for condition, code in nothing), *cases]
    if not cases:
        return "NULL::VARCHAR", "''"
    why = " ".join(f"WHEN {condition} THEN {reason}" for condition, reason, _ in cases)
    by = " ".join(f"WHEN {condition} THEN {header}" for condition, _, header in cases)
    return f"CASE {why} END", f"CASE {by} ELSE '' END" if chosen else "''"


def _is_total(labels: Mapping[str, str]) -> str:
    """Whether one of these cells, each under its condition, is a word for totals; by one pattern, and only where one may be."""
    starts, signs = (", ".join(map(literal, each)) for each in (TOTAL_STARTS, TOTAL_SIGNS))
    likely = [
        f"CASE WHEN (lower(left(ltrim({label}), 2)) IN ({starts}) OR left(ltrim({label}), 1) IN ({signs})) AND {condition}"
        f" THEN {words.word_of(label)} END"
        for label, condition in labels.items()
    ]
    listed = f"concat_ws({literal(BETWEEN)}, {', '.join(likely)})"
    pattern = literal(f"(?i)(?:^|{BETWEEN}){words.TOTAL_WORDS}(?:{BETWEEN}|$)")
    return f"CASE WHEN {listed} <> '' THEN regexp_matches({listed}, {pattern}) ELSE false END"


def _keep(con: Any, loaded: Loaded, shape: Shape, *, place: Place) -> Loaded:
    """The relation ``kept_<table>``: the rows that can be used, if the others are few enough."""
    table, typed = loaded.intake.table, loaded.relation
    contract, settings, mapped = shape.contract, shape.settings, shape.present
    long = survey_items.is_answers(contract) and survey_items.ITEM in mapped
    notes = survey_items.check_items(con, typed, settings=settings, table=table) if long else []
    issues = rejects.list_issues(contract, mapped, settings=settings, params=place.params(table), lazy=shape.raw.lazy)
    issues += exchange.foreign_issues(con, typed, shape.money, params=place.params(table))
    for column, where, item, one in survey_items.scaled_columns(contract, mapped, settings=settings, wide=bool(loaded.items)):
        issues += rejects.off_scale(column, where, item, one, params=place.params(table))
    found = rejects.find_rejects(con, typed, issues=issues, contract=contract, mapped=mapped)
    reasons, stopping, everything = rejects.count_reasons(con, typed, found)
    rejects.write_rejects(con, typed, to=place.rejects / f"{table}.csv")
    (rows,) = query(con, f"SELECT count(*) FROM {typed}")[0]
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
    columns = [*loaded.columns, *(f"{item}__na" for item in loaded.items)]
    _store_kept(con, table, typed, columns=columns, lazy=shape.raw.lazy, any_left_out=bool(everything))
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
        found = query(
            con,
            f"WITH every AS (SELECT sum({amount}) AS whole, count(*) AS n FROM {typed} WHERE __aside IS NULL)"
            f" SELECT __row FROM {typed}, every WHERE __aside IS NULL AND n >= {FEW_ROWS} AND {amount} > 0"
            f" AND 2 * {amount} = whole ORDER BY __file, __row LIMIT 1",
        )
        numbers = {"column": contract.returns[0]}
        notes += [Text(ALL_OTHERS.template, {**numbers, "row": Quantity(row, "count")}) for (row,) in found]
    return notes


def _store_kept(con: Any, table: str, typed: str, *, columns: Sequence[str], lazy: bool, any_left_out: bool) -> None:
    names = ", ".join(identifier(name) for name in columns)
    left_out = f" ANTI JOIN rejects_{typed} USING (__file, __row)" if any_left_out else ""
    form = "VIEW" if lazy else "TABLE"
    query(con, f"CREATE OR REPLACE {form} kept_{table} AS SELECT {names} FROM {typed}{left_out}")
    if not lazy:
        query(con, f"DROP TABLE {typed}")
