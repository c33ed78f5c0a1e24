"""How does one table of a client come from its source to a checked, typed relation, and what was left out on the way?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from crmkit.core.errors import DataError, Problem, did_you_mean
from crmkit.core.language import Locale, say
from crmkit.core.results import Quantity, Text
from crmkit.core.settings import Settings, TableSettings
from crmkit.data.intake import answers as survey_items
from crmkit.data.intake import rejects
from crmkit.data.intake.headers import Matched, match_columns
from crmkit.data.intake.macros import MONEY
from crmkit.data.intake.notation import find_conventions, still_running
from crmkit.data.intake.parse import PLAIN, Convention, not_ended, reading
from crmkit.data.sources import readers
from crmkit.data.sources.engine import identifier, literal, query
from crmkit.data.sources.files import Source, find_files
from crmkit.data.sources.readers import Raw
from crmkit.data.tables import TABLES, Column, TableContract

ONE_ROW = Text("one row per response, {n} answers in each")
SQL_TYPES = {"boolean": "BOOLEAN", "integer": "BIGINT"}
TOTAL_WORDS = "(grand ?total|sub-?total|totals?|sum|summe|gesamt|gesamtsumme|zwischensumme|insgesamt|合计|总计|小计|总和|汇总)"
TOTAL_STARTS = ("gr", "su", "to", "ge", "zw", "in", "合计", "总计", "小计", "总和", "汇总")


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
        Rows by reason; the rejected and those that hold nothing of the table. A row with two reasons counts in both.
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
    paths: tuple[Path, ...]
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
    raw, paths = read
    wide = survey_items.is_answers(contract) and survey_items.ITEM not in raw.types
    if wide:
        contract, settings = survey_items.wide_contract(contract, settings, params=place.params(table))
    names = tuple(path.name for path in paths) if not place.source.database else (settings.table or table,)
    ways, problems = find_conventions(
        con,
        raw,
        contract=contract,
        settings=settings,
        currency=place.settings.currency,
        table=table,
        params=place.params(table),
    )
    problems += _wrong_types(raw, contract=contract, table=table)
    if problems:
        raise DataError(problems)
    columns = _type(con, table, raw, contract=contract, settings=settings, ways=ways)
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
        ),
    )
    loaded = Loaded(f"typed_{table}", columns, tuple(paths), intake, items)
    return _keep(con, loaded, raw, contract=contract, settings=settings, place=place)


def _read(
    con: Any, table: str, *, contract: TableContract, settings: TableSettings, place: Place
) -> tuple[Raw, list[Path]] | None:
    def match(headers: Sequence[str], where: str) -> Matched:
        params, ways = place.params(table), (contract, settings)
        if survey_items.is_wide(contract, headers, settings=settings):
            ways = survey_items.wide_contract(contract, settings, params=params)
        return match_columns(headers, contract=ways[0], settings=ways[1], where=where, params=f"{params}.columns")

    if place.source.database:
        if table not in place.settings.tables and table not in readers.database_tables(con):
            return None
        return readers.read_database(con, table, settings=settings, match=match), [place.source.path]
    paths = find_files(table, source=place.source, settings=place.settings.tables.get(table))
    if not paths:
        return None
    return readers.read_files(con, table, paths, settings=settings, match=match, spill=place.spill), paths


def _wrong_types(raw: Raw, *, contract: TableContract, table: str) -> list[Problem]:
    return [
        Problem(f"{table}: column {name!r}", f"is of type {found}", f"{rejects.NOUNS[contract.columns[name].kind]} is expected")
        for name, found in raw.types.items()
        if reading("x", kind=contract.columns[name].kind, found=found) is None
    ]


def _type(
    con: Any,
    table: str,
    raw: Raw,
    *,
    contract: TableContract,
    settings: TableSettings,
    ways: dict[str, Convention],
) -> tuple[str, ...]:
    """The relation ``typed_<table>``: each column read, its text beside it as ``<column>__raw``, rows of no content marked."""
    clean = _already_clean(con, raw, contract=contract)
    chosen = ["__file", "__row", "__fields", "__first"]
    for name, found in raw.types.items():
        x, column = identifier(name), contract.columns[name]
        value = x if name in clean else reading(x, kind=column.kind, found=found, convention=ways.get(name, PLAIN))
        value = _own_words(str(value), column, settings.values.get(name, {}))
        if column.kind == "score":
            wide = survey_items.ITEM not in raw.types
            code = survey_items.not_applicable(name, str(value), x, settings=settings, wide=wide, table=contract)
            chosen += [f"{code} AS {identifier(f'{name}__na')}"]
            value = f"CASE WHEN NOT ({code}) THEN {value} END" if code != "false" else value
        # a day that means "not ended" is no value that could not be read
        ended = not_ended(x, found=found, convention=ways.get(name, PLAIN))
        kept = x if ended == "false" else f"CASE WHEN NOT ({ended}) THEN {x} END"
        chosen += [f"{kept} AS {identifier(f'{name}__raw')}", f"{value} AS {x}"]
        chosen += [f"{value} AS {identifier(f'{name}__read')}"] if column.default is not None else []
    added = [name for name, column in contract.columns.items() if column.default is not None and name not in raw.types]
    chosen += [f"NULL::{SQL_TYPES[contract.columns[name].kind]} AS {identifier(name)}" for name in added]
    adjusted = _defaults(contract, [*raw.types, *added], settings=settings)
    aside = _aside(raw, contract=contract, settings=settings) if not raw.lazy else "NULL::VARCHAR"
    everything = f"* REPLACE ({', '.join(adjusted)})" if adjusted else "*"
    # text is read once and held; what is lazy stays so
    query(
        con,
        f"CREATE OR REPLACE {'VIEW' if raw.lazy else 'TABLE'} typed_{table} AS SELECT {everything}, {aside} AS __aside"
        f" FROM (SELECT {', '.join(chosen)} FROM {raw.relation})",
    )
    if not raw.lazy:
        query(con, f"DROP TABLE {raw.relation}")
    return tuple(name for name in contract.columns if name in raw.types or name in added)


def _unknown_columns(contract: TableContract, settings: TableSettings, *, params: str) -> list[Problem]:
    """Columns that ``values`` and ``items`` name and that the table does not have."""
    scores = [name for name, column in contract.columns.items() if column.kind == "score"]
    values = [name for name in settings.values if name not in contract.columns]
    items = [] if survey_items.is_answers(contract) else [name for name in settings.items if name not in scores]
    return [
        *(
            Problem(f"{params}.values:", f"unknown column {name!r}", hint=did_you_mean(name, contract.columns))
            for name in values
        ),
        *(Problem(f"{params}.items:", f"{name!r} is no column of scores", hint=did_you_mean(name, scores)) for name in items),
    ]


def _own_words(value: str, column: Column, words: Mapping[str, str]) -> str:
    """A word of the export as the kit's own."""
    if words:
        cases = " ".join(f"WHEN {literal(theirs)} THEN nullif({literal(ours)}, '')" for theirs, ours in words.items())
        value = f"CASE {value} {cases} ELSE {value} END"
    return f"lower({value})" if column.choices else value


def _already_clean(con: Any, raw: Raw, *, contract: TableContract) -> set[str]:
    """Text columns of a lazy source that need no stripping, so that later scans need not do it again."""
    names = [
        name
        for name, found in raw.types.items()
        if raw.lazy and found == "VARCHAR" and contract.columns[name].kind in ("id", "text")
    ]
    if not names:
        return set()
    tests = ", ".join(f"count(*) FILTER (crm_text({identifier(name)}) IS DISTINCT FROM {identifier(name)})" for name in names)
    differing = query(con, f"SELECT {tests} FROM {raw.relation}")[0]
    return {name for name, count in zip(names, differing, strict=True) if not count}


def _defaults(contract: TableContract, present: list[str], *, settings: TableSettings) -> list[str]:
    """What an empty flag means, and the sign of an amount: a return is below zero, whichever way it was exported."""
    replaced = {
        name: f"coalesce({identifier(name)}, {str(column.default).lower()})"
        for name, column in contract.columns.items()
        if column.default is not None and name in present
    }
    if contract.returns:
        amount, flag = (identifier(name) for name in contract.returns)
        if settings.negative_amounts == "returns":
            replaced[contract.returns[1]] = f"coalesce({flag}, {amount} < 0, false)"
        replaced[contract.returns[0]] = (
            f"CAST(CASE WHEN {replaced[contract.returns[1]]} THEN -abs({amount}) ELSE {amount} END AS {MONEY})"
        )
    if survey_items.ITEM in present:
        renamed = survey_items.rename_items(settings)
        replaced |= {survey_items.ITEM: renamed} if renamed is not None else {}
    if survey_items.NOT_APPLICABLE in present and survey_items.SCORE in present:
        said, score = (identifier(name) for name in (survey_items.NOT_APPLICABLE, survey_items.SCORE))
        replaced[survey_items.NOT_APPLICABLE] = f"coalesce({said}, false) OR {identifier(f'{survey_items.SCORE}__na')}"
        replaced[survey_items.SCORE] = f"CASE WHEN NOT coalesce({said}, false) THEN {score} END"
    return [f"{value} AS {identifier(name)}" for name, value in replaced.items()]


def _aside(raw: Raw, *, contract: TableContract, settings: TableSettings) -> str:
    """Which rows hold nothing of the table: the header line once more, a line of totals, an empty line."""
    texts = {name: f"coalesce(trim({identifier(f'{name}__raw')}), '')" for name in raw.types}
    empty = " AND ".join(f"{text} = ''" for text in texts.values())
    header = " AND ".join(f"{text} = {literal(raw.matched.headers[name])}" for name, text in texts.items())
    labels = ["__first", *(f"{identifier(name)}" for name in raw.types if contract.columns[name].kind == "id")]
    starts = ", ".join(literal(start) for start in TOTAL_STARTS)
    total = " OR ".join(
        f"CASE WHEN lower(left(ltrim({label}), 2)) IN ({starts})"
        f" THEN regexp_full_match(trim({label}), '(?i){TOTAL_WORDS}\\s*[:：]?') ELSE false END"
        for label in labels
    )
    undated = f"{texts[contract.event]} = ''" if contract.event in raw.types else "true"
    head = f"WHEN {header} THEN 'header'" if settings.names is None else ""
    return f"CASE WHEN {empty} THEN 'empty' {head} WHEN ({total}) AND {undated} THEN 'total' END"


def _keep(con: Any, loaded: Loaded, raw: Raw, *, contract: TableContract, settings: TableSettings, place: Place) -> Loaded:
    """The relation ``kept_<table>``: the rows that can be used, if the others are few enough."""
    table, typed = loaded.intake.table, loaded.relation
    mapped = list(raw.types)
    long = survey_items.is_answers(contract) and survey_items.ITEM in mapped
    notes = survey_items.check_items(con, typed, settings=settings, table=table) if long else []
    issues = rejects.list_issues(contract, mapped, settings=settings, params=place.params(table), lazy=raw.lazy)
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
    columns = [*loaded.columns, *(f"{item}__na" for item in loaded.items)]
    _store_kept(con, table, typed, columns=columns, lazy=raw.lazy, any_left_out=bool(everything))
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


def _store_kept(con: Any, table: str, typed: str, *, columns: Sequence[str], lazy: bool, any_left_out: bool) -> None:
    names = ", ".join(identifier(name) for name in columns)
    left_out = f" ANTI JOIN rejects_{typed} USING (__file, __row)" if any_left_out else ""
    form = "VIEW" if lazy else "TABLE"
    query(con, f"CREATE OR REPLACE {form} kept_{table} AS SELECT {names} FROM {typed}{left_out}")
    if not lazy:
        query(con, f"DROP TABLE {typed}")
