"""What becomes of a table as found: each column read as what it is to be, lines that hold nothing of the table marked?

A table of few rows is read once and held. Of others columns of plain values are read by one cast each, whenever they are asked
for. Of a large table with a few odd values the rows that hold them are read the long way and held; of any other table all are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from crmkit.core.settings import TableSettings
from crmkit.data.intake import answers as survey_items
from crmkit.data.intake import choice, derived, exchange, ids, words
from crmkit.data.intake.parse import PLAIN, Convention, not_ended, reading
from crmkit.data.intake.phrases import MONEY
from crmkit.data.intake.plain import TOTAL_STARTS, Look, is_plain, plain_reading
from crmkit.data.sources import readers
from crmkit.data.sources.engine import identifier, literal, query
from crmkit.data.sources.readers import Raw
from crmkit.data.tables import Column, TableContract

REFUNDED = "refunded"
SQL_TYPES = {"boolean": "BOOLEAN", "integer": "BIGINT"}
TOTAL_SIGNS = "合总總総小汇"
BETWEEN = "\x1e"


@dataclass(frozen=True)
class Shape:
    """What is to be made of the relation as found, and how.

    ``look`` says which columns need no reading, ``ways`` how a column of text is written, ``computed`` which columns follow
    from others, ``pointed`` of which ids ``.0`` is taken off, ``money`` what the rows' currencies are worth.
    """

    raw: Raw
    contract: TableContract
    settings: TableSettings
    look: Look
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

    @property
    def few_odd(self) -> bool:
        """Whether all rows but those that were set apart hold plain values only."""
        usual = replace(self, look=self.look.usual())
        return bool(self.look.apart and self.raw.held) and all(map(usual.plain, self.raw.types))

    def plain(self, name: str) -> bool:
        """Whether every text of a column is its value, or one cast away from it."""
        converted = name == exchange.CURRENCY and bool(self.money.word)
        return self.look.plain(name) and not self.ways.get(name, PLAIN).still and not converted


def type_columns(con: Any, table: str, shape: Shape) -> tuple[tuple[str, ...], list[Callable[[], object]]]:
    """The relation ``typed_<table>``: each column read, its text beside it as ``<column>__raw``, rows of no content marked.

    Its columns, and what ends it and all that it is made of. What costs next to nothing to read is read whenever
    it is asked for; all else once, and held.
    """
    raw, typed, values = shape.raw, f"typed_{table}", f"values_{table}"

    def drop(what: str) -> Callable[[], object]:
        return partial(query, con, f"DROP {what}")

    added = [name for name, column in shape.contract.columns.items() if column.default is not None and name not in raw.types]
    columns = tuple(name for name in shape.contract.columns if name in (*shape.present, *added))
    if raw.few:
        query(con, f"CREATE OR REPLACE TABLE {typed} AS {_select(con, shape, raw.relation, added=added)}")
        readers.forget(con, raw)
        return columns, [drop(f"TABLE {typed}")]
    if raw.lazy or all(map(shape.plain, raw.types)):
        query(con, f"CREATE OR REPLACE VIEW {typed} AS {_select(con, shape, raw.relation, added=added)}")
        return columns, [] if raw.lazy else [drop(f"VIEW {typed}"), partial(readers.forget, con, raw)]
    if shape.few_odd:
        query(con, f"CREATE OR REPLACE TABLE {values} AS {_select(con, shape, shape.look.apart, added=added)}")
        query(con, f"DELETE FROM {raw.held} WHERE rowid IN (SELECT __at FROM {shape.look.apart})")
        usual = _select(con, replace(shape, look=shape.look.usual()), raw.relation, added=added)
        query(con, f"CREATE OR REPLACE VIEW {typed} AS {usual} UNION ALL FROM {values}")
        query(con, f"DROP TABLE {shape.look.apart}")
        return columns, [drop(f"VIEW {typed}"), drop(f"TABLE {values}"), partial(readers.forget, con, raw)]
    # of a plain word the text is the value
    adjusted = _defaults(shape, [*shape.present, *added])
    same = [name for name in raw.types if shape.plain(name) and name not in adjusted and _is_word(shape.contract.columns[name])]
    twice = ", ".join(identifier(f"{name}__raw") for name in same)
    again = ", ".join(f"{identifier(name)} AS {identifier(f'{name}__raw')}" for name in same)
    select = _select(con, shape, raw.relation, added=added)
    query(con, f"CREATE OR REPLACE TABLE {values} AS SELECT *{f' EXCLUDE ({twice})' if same else ''} FROM ({select})")
    query(con, f"CREATE OR REPLACE VIEW {typed} AS SELECT *{f', {again}' if same else ''} FROM {values}")
    readers.forget(con, raw)
    if shape.look.apart:
        query(con, f"DROP TABLE {shape.look.apart}")
    return columns, [drop(f"VIEW {typed}"), drop(f"TABLE {values}")]


def _select(con: Any, shape: Shape, relation: str, *, added: Sequence[str]) -> str:
    """The SQL that reads a relation as found."""
    raw, contract = shape.raw, shape.contract
    clean = _already_clean(con, shape)
    chosen = ["__file", "__row", "__fields", "__first", "__label", "__line", "__common"]
    chosen += [f"__also_{at}" for at in range(len(raw.matched.also))]
    texts = []
    for name, found in raw.types.items():
        text, columns = _read_column(con, shape, name, found, clean=name in clean)
        texts.append(f"{text} AS {identifier(f'{name}__raw')}")
        chosen += columns
    chosen += [f"NULL::{SQL_TYPES[contract.columns[name].kind]} AS {identifier(name)}" for name in added]
    beside = [
        f"{sql} AS {identifier(name)}, NULL::VARCHAR AS {identifier(f'{name}__raw')}" for name, sql in shape.computed.items()
    ]
    adjusted = _defaults(shape, [*shape.present, *added])
    everything = f"* REPLACE ({', '.join(f'{value} AS {identifier(name)}' for name, value in adjusted.items())})"
    aside, by = _aside(shape)
    return (
        f"SELECT {everything if adjusted else '*'}, {aside} AS __aside, {by} AS __by"
        f" FROM (SELECT {', '.join(['*', *beside])} FROM (SELECT {', '.join(chosen)}"
        f" FROM (SELECT {', '.join(['*', *texts])} FROM {relation})))"
    )


def _is_word(column: Column) -> bool:
    return column.kind in ("id", "text") and not column.choices


def _read_column(con: Any, shape: Shape, name: str, found: str, *, clean: bool) -> tuple[str, list[str]]:
    """The SQL of the text of one column, and over it that of its value: words first, then the type."""
    column, ours, own = shape.contract.columns[name], identifier(name), shape.settings.values.get(name, {})
    x = ids.first_of(ours, shape.settings.first_of[name]) if name in shape.settings.first_of else ours
    raw, read_too = identifier(f"{name}__raw"), column.default is not None
    if shape.plain(name):
        value = words.replaced(plain_reading(raw, column.kind), x, column=column, words={})
        return x, [raw, f"{value} AS {ours}", *([f"{value} AS {identifier(f'{name}__read')}"] if read_too else [])]
    # where most are plain, each is asked first
    likely = shape.look.mostly(name)

    def read(text: str) -> str:
        if clean:
            return text
        if column.kind == "id" and found == "VARCHAR":
            value = ids.id_reading(text, pointed=name in shape.pointed)
            return f"CASE WHEN {is_plain(text, 'id')} THEN {text} ELSE {value} END" if likely else value
        return str(reading(text, kind=column.kind, found=found, convention=shape.ways.get(name, PLAIN)))

    nothing = "false" if clean else words.is_nothing(x, column=column, found=found, words=own)
    # a day that means "not ended" is no value that could not be read
    ended = not_ended(x, found=found, convention=shape.ways.get(name, PLAIN))
    nothing = nothing if ended == "false" else ended if nothing == "false" else f"({nothing}) OR ({ended})"
    # a text that stands for nothing is no text; said once, because the engine would work it out for every use
    first = f"WHEN {is_plain(x, column.kind)} THEN {x} " if likely and ended == "false" else ""
    text = x if nothing == "false" else f"CASE {first}WHEN NOT ({nothing}) THEN {x} END"
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
            # the header line once more is no answer
            other=f"({nothing}) OR ({as_found}) OR {words.word_of(x)} = {literal(shape.raw.matched.headers[name])}",
            settings=settings,
            wide=wide,
            table=table,
        )
        chosen += [f"{code} AS {identifier(f'{name}__na')}"]
        value = f"CASE WHEN NOT ({code}) THEN {value} END" if code != "false" else value
    chosen += [raw, f"{value} AS {ours}"]
    return text, chosen + ([f"{value} AS {identifier(f'{name}__read')}"] if read_too else [])


def _already_clean(con: Any, shape: Shape) -> set[str]:
    """Text columns of a lazy source that need no stripping, so that later scans need not do it again."""
    raw, contract = shape.raw, shape.contract
    names = [
        name
        for name, found in raw.types.items()
        if raw.stays and found == "VARCHAR" and contract.columns[name].kind in ("id", "text") and not shape.plain(name)
    ]
    if not names:
        return set()
    written = {
        name: ids.reads_as_written(identifier(name))
        if contract.columns[name].kind == "id"
        else words.text_reads_as_written(identifier(name))
        for name in names
    }
    tests = ", ".join(f"count(*) FILTER (NOT ({test}))" for test in written.values())
    differing = query(con, f"SELECT {tests} FROM {raw.relation}")[0]
    return {name for name, count in zip(names, differing, strict=True) if not count}


def _defaults(shape: Shape, present: list[str]) -> dict[str, str]:
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
        back = f" - coalesce({replaced.get(REFUNDED, REFUNDED)}, 0)" if REFUNDED in present else ""
        replaced[contract.returns[0]] = (
            f"CAST(CASE WHEN {replaced[contract.returns[1]]} THEN -abs({amount}) ELSE {amount}{back} END AS {MONEY})"
        )
    replaced |= derived.monthly(present, settings)
    if survey_items.ITEM in present:
        renamed = survey_items.rename_items(settings)
        replaced |= {survey_items.ITEM: renamed} if renamed is not None else {}
    if survey_items.NOT_APPLICABLE in present and survey_items.SCORE in present:
        said, score = (identifier(name) for name in (survey_items.NOT_APPLICABLE, survey_items.SCORE))
        replaced[survey_items.NOT_APPLICABLE] = f"coalesce({said}, false) OR {identifier(f'{survey_items.SCORE}__na')}"
        replaced[survey_items.SCORE] = f"CASE WHEN NOT coalesce({said}, false) THEN {score} END"
    return replaced


def _aside(shape: Shape) -> tuple[str, str]:
    """Which rows hold nothing of the table - the header line once more, a line of totals, an empty line - or do not count?

    The SQL of the reason and of the column or header that shows it.
    """
    raw = shape.raw
    chosen = choice.left_out(tuple(raw.matched.also), raw.types, settings=shape.settings)
    cases = [(condition, reason, literal(header)) for condition, reason, header in chosen]
    if not raw.lazy:
        cases = [*((condition, code, "''") for condition, code in _nothing(shape)), *cases]
    if not cases:
        return "NULL::VARCHAR", "''"
    why = " ".join(f"WHEN {condition} THEN {reason}" for condition, reason, _ in cases)
    by = " ".join(f"WHEN {condition} THEN {header}" for condition, _, header in cases)
    return f"CASE {why} END", f"CASE {by} ELSE '' END" if chosen else "''"


def _nothing(shape: Shape) -> list[tuple[str, str]]:
    """When a line is empty, the header once more or a line of totals, as far as a look at the columns has left it open."""
    raw, contract, look = shape.raw, shape.contract, shape.look
    blank = {name: f"coalesce({words.word_of(f'{name}__raw')}, '') = ''" for name in raw.types}
    found = []
    if not any(map(look.solid, raw.types)):
        found.append((_all_of(list(blank.values())), "'empty'"))
    if shape.settings.names is None and not any(look.excludes(name, header) for name, header in raw.matched.headers.items()):
        same = [f"coalesce({words.word_of(f'{name}__raw')}, '') = {literal(raw.matched.headers[name])}" for name in raw.types]
        found.append((_all_of(same), "'header'"))
    labels = {f"{name}__raw": "true" for name in raw.types if contract.columns[name].kind == "id" and not look.plain(name)}
    named = raw.first in raw.types and contract.columns[raw.first].kind == "id" and look.plain(raw.first)
    if not (named or (contract.event in raw.types and look.solid(contract.event))):
        labels = {"__first": blank.get(contract.event, "true"), "__label": "true", **labels}
    return [*found, *([(_is_total(labels), "'total'")] if labels else [])]


def _all_of(tests: Sequence[str]) -> str:
    """Whether all hold; each is worked out only where those before it do, which AND would not see to."""
    joined = "true"
    for test in reversed(tests):
        joined = f"CASE WHEN {test} THEN {joined} ELSE false END"
    return joined


def _is_total(labels: Mapping[str, str]) -> str:
    """Whether one of these cells, each under its condition, is a word for totals; by one pattern, and only where one may be."""
    starts, signs = (", ".join(map(literal, each)) for each in (TOTAL_STARTS, TOTAL_SIGNS))
    likely = []
    for name, condition in labels.items():
        label = identifier(name)
        may_be = f"lower(left(ltrim({label}), 2)) IN ({starts}) OR left(ltrim({label}), 1) IN ({signs})"
        word = f"CASE WHEN {condition} THEN {words.word_of(label)} END"
        likely.append(f"CASE WHEN {may_be} THEN {word if condition != 'true' else words.word_of(label)} END")
    listed = f"concat_ws({literal(BETWEEN)}, {', '.join(likely)})"
    pattern = literal(f"(?i)(?:^|{BETWEEN}){words.TOTAL_WORDS}(?:{BETWEEN}|$)")
    return f"CASE WHEN {listed} <> '' THEN regexp_matches({listed}, {pattern}) ELSE false END"
