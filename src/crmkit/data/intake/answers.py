"""Which answers did a questionnaire get: one row per answer, whether the export has a row per answer or a column per question?

The items of the table settings say what each question is. A wide export (one column per question) is read, checked and cut as
it lies in the file, so that messages name its rows; it is turned into one row per answer at the very end. "Not applicable" is
an answer of its own: it never becomes a score, and it is not a missing answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from crmkit.core.errors import DataError, Problem, did_you_mean, with_values
from crmkit.core.masking import named
from crmkit.core.results import Quantity, Text
from crmkit.core.settings import ItemSettings, TableSettings
from crmkit.data.intake import phrases
from crmkit.data.intake.headers import match_columns
from crmkit.data.intake.words import answer_words, is_anchored
from crmkit.data.sources.engine import identifier, literal, query
from crmkit.data.tables import Column, TableContract

ITEM, SCORE, NOT_APPLICABLE = "item_id", "score", "not_applicable"
OF_ANSWERS = (ITEM, SCORE, NOT_APPLICABLE)
# a wave of that many answers without one in the upper half, where a fifth of the others are, is no chance: .8^30 = .001
SCALE_ANSWERS, SCALE_SHARE = 30, 0.2
TWICE = Text("{n} times a customer answered more than once in a wave; all answers are kept")
OTHER_SCALE = Text(
    "no answer of wave {wave} to {item} is above {middle}, but {share} of others are; was it asked on another scale?"
)
UNDECLARED = Text("{n} {n:answer|answers} to {item}, which is not declared under items")


def is_answers(contract: TableContract) -> bool:
    """Whether a table holds answers to items, so that it may also come with one column per item."""
    return {ITEM, NOT_APPLICABLE} <= set(contract.columns)


def is_wide(contract: TableContract, headers: Iterable[str], *, settings: TableSettings) -> bool:
    """Whether an export has one column per item: items are declared, and no header is that of ``item_id``."""
    if not (is_answers(contract) and settings.items):
        return False
    try:
        matched = match_columns(list(headers), contract=_optional(contract), settings=settings, where="", params="")
    except DataError:
        return False
    return ITEM not in matched.positions


def wide_contract(contract: TableContract, settings: TableSettings, *, params: str) -> tuple[TableContract, TableSettings]:
    """The contract and the settings of an export with one column per item.

    Raises
    ------
    DataError
        When an item is named like a column of the table.
    """
    taken = [item for item in settings.items if item in contract.columns]
    if taken:
        what = f"the item {taken[0]!r} is named like a column of the table"
        raise DataError(Problem(f"{params}.items:", what, "give it another id and name its header with column"))
    columns = {name: column for name, column in contract.columns.items() if name not in OF_ANSWERS}
    columns |= {item: Column("score") for item in settings.items}
    named = {item: one.column or item for item, one in settings.items.items()}
    unique = tuple(name for name in contract.unique if name != ITEM)
    headers = {ours: header for ours, header in settings.columns.items() if ours not in OF_ANSWERS}
    return replace(contract, columns=columns, unique=unique), settings.model_copy(update={"columns": headers | named})


def not_applicable(name: str, number: str, text: str, *, settings: TableSettings, wide: bool, table: TableContract) -> str:
    """The SQL that says whether a score is the code of 'not applicable'; ``false`` where no code is declared."""
    if wide or not is_answers(table):
        one = settings.items.get(name)
        return _is_code(number, text, one) if one is not None and one.na else "false"
    coded = {item: one for item, one in settings.items.items() if one.na}
    tests = [f"({_is_item(item, one)} AND {_is_code(number, text, one)})" for item, one in coded.items()]
    return " OR ".join(tests) if tests else "false"


def in_numbers(
    con: Any,
    relation: str,
    name: str,
    value: str,
    *,
    number: str,
    other: str,
    settings: TableSettings,
    wide: bool,
    table: TableContract,
) -> str:
    """The SQL of an answer: a number, a word that is declared as one, or a number with words behind a dash.

    Parameters
    ----------
    name, value : str
        Column of scores, and the SQL of its number.
    number, other : str
        The SQL of the number over the relation as found, and the SQL that says whether a cell is a code, or holds nothing.
    """
    whole = wide or not is_answers(table)
    items = {name: settings.items[name]} if whole and name in settings.items else {} if whole else settings.items
    x = identifier(name)
    for item, one in items.items():
        where = "true" if whole else _is_item(item, one)
        anchored = is_anchored(con, relation, x, number, one, where=where, other=other)
        value = answer_words(x, one, value, where=where, anchored=anchored)
    return value


def rename_items(settings: TableSettings) -> str | None:
    """The SQL that turns the names of a long export into item ids; None where they are the same."""
    renamed = {one.column: item for item, one in settings.items.items() if one.column not in (None, item)}
    if not renamed:
        return None
    cases = " ".join(f"WHEN {literal(str(name))} THEN {literal(item)}" for name, item in renamed.items())
    return f"CASE {identifier(ITEM)} {cases} ELSE {identifier(ITEM)} END"


def scaled_columns(
    contract: TableContract, present: Sequence[str], *, settings: TableSettings, wide: bool
) -> list[tuple[str, str, str, ItemSettings]]:
    """Every item whose answers must lie on a scale: column, condition of its rows, name for a message, settings."""
    if wide or not is_answers(contract):
        return [(item, "true", item, one) for item, one in settings.items.items() if item in present]
    return [(SCORE, f"{identifier(ITEM)} = {literal(item)}", item, one) for item, one in settings.items.items()]


def check_items(con: Any, relation: str, *, settings: TableSettings, table: str) -> list[Text]:
    """Notes on the items of a long export that nobody declared.

    Raises
    ------
    DataError
        When an item is declared and no row has it; the nearest name is offered.
    """
    if not settings.items:
        return []
    counted = f"SELECT {ITEM}, count(*) FROM {relation} WHERE __aside IS NULL AND {ITEM} IS NOT NULL GROUP BY 1 ORDER BY 1"
    found = dict(query(con, counted))
    where = f"{table}: column {ITEM!r}"
    missing = [item for item in settings.items if item not in found]
    if missing:
        raise DataError(
            [
                Problem(where, f"has no row of the item {item!r}", hint=with_values(did_you_mean(item, list(found)), found))
                for item in missing
            ]
        )
    return [
        Text(UNDECLARED.template, {"n": Quantity(rows, "count"), "item": named(item)})
        for item, rows in found.items()
        if item not in settings.items
    ]


def answers(relation: str, columns: Sequence[str], items: Sequence[str]) -> str:
    """The query that makes one row per answer of a wide relation."""
    kept = [name for name in columns if name not in items and name not in OF_ANSWERS]
    head = ", ".join(identifier(name) for name in kept)
    parts = [
        f"SELECT {head}, {literal(item)} AS {ITEM}, {identifier(item)} AS {SCORE},"
        f" {identifier(f'{item}__na')} AS {NOT_APPLICABLE} FROM {relation}"
        for item in items
    ]
    return " UNION ALL ".join(parts)


def answer_notes(con: Any, relation: str, *, settings: TableSettings) -> list[Text]:
    """What a reader should know of answers that are all on their scales: people who answered twice, waves on another scale."""
    present = con.table(relation).columns
    notes: list[Text] = []
    if {"customer_id", "wave"} <= set(present):
        twice = (
            f"SELECT count(*) FROM (SELECT 1 FROM {relation} WHERE customer_id IS NOT NULL AND ({SCORE} IS NOT NULL OR"
            f" {NOT_APPLICABLE}) GROUP BY customer_id, wave HAVING count(DISTINCT response_id) > 1)"
        )
        (people,) = query(con, twice)[0]
        notes += [Text(TWICE.template, {"n": Quantity(people, "count")})] if people else []
    for item, one in settings.items.items() if "wave" in present else ():
        middle = (one.scale[0] + one.scale[1]) / 2
        counted = (
            f"SELECT coalesce(wave, ''), count({SCORE}), count(*) FILTER ({SCORE} > {middle}) FROM {relation}"
            f" WHERE {ITEM} = {literal(item)} GROUP BY 1 ORDER BY 1"
        )
        found = query(con, counted)
        answers, above = (sum(row[at] for row in found) for at in (1, 2))
        notes += [
            Text(
                OTHER_SCALE.template,
                {
                    "wave": wave,
                    "item": item,
                    "middle": Quantity(middle, "number"),
                    "share": Quantity(above / (answers - given), "share"),
                },
            )
            for wave, given, high in found
            if given >= SCALE_ANSWERS and not high and above >= SCALE_SHARE * (answers - given) > 0
        ]
    return notes


def _optional(contract: TableContract) -> TableContract:
    return replace(contract, columns={name: replace(column, required=False) for name, column in contract.columns.items()})


def _is_item(item: str, one: ItemSettings) -> str:
    names = ", ".join(literal(name) for name in dict.fromkeys((item, one.column or item)))
    return f"{phrases.text(f'CAST({identifier(ITEM)} AS VARCHAR)')} IN ({names})"


def _is_code(number: str, text: str, one: ItemSettings) -> str:
    words = [literal(code.casefold()) for code in one.na if isinstance(code, str)]
    numbers = [repr(code) for code in one.na if not isinstance(code, str)]
    tests = [f"lower({phrases.text(f'CAST({text} AS VARCHAR)')}) IN ({', '.join(words)})"] if words else []
    tests += [f"{number} IN ({', '.join(numbers)})"] if numbers else []
    return f"coalesce({' OR '.join(tests)}, false)"
