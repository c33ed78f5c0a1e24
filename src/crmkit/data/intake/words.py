"""What does a word of the export stand for, before its type is read: one of our values, a number on a scale, or nothing?

Words are replaced first, then the type is read. What databases and spreadsheets write for "nothing" is read as empty where a
date, a number or an id is expected, and counted; a column of text keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crmkit.core.errors import ParamError, Problem, did_you_mean
from crmkit.core.language import mark
from crmkit.core.masking import named
from crmkit.core.results import Quantity, Text
from crmkit.core.settings import ItemSettings, TableSettings
from crmkit.data.intake import phrases
from crmkit.data.intake.parse import FLOATS, reading
from crmkit.data.intake.plain import Look
from crmkit.data.sources.engine import identifier, literal, query
from crmkit.data.tables import Column, TableContract

NOUNS = {
    "id": mark("text"),
    "text": mark("text"),
    "date": mark("a date"),
    "timestamp": mark("a date and time"),
    "month": mark("a month"),
    "money": mark("a number"),
    "cycle": mark("a quarter, half year, month or year"),
    "score": mark("a number"),
    "number": mark("a number"),
    "integer": mark("a whole number"),
    "boolean": mark("yes or no"),
}
# the last ones are what pivot tables write
EMPTY_WORDS = (
    "null",
    "(null)",
    "n/a",
    "#n/a",
    "nan",
    "nat",
    "none",
    "<na>",
    "\\n",
    "-",
    "--",
    "–",
    "—",
    "(blank)",
    "(leer)",
    "(空白)",
)
# 'not applicable' is an answer of its own, which has to be declared
EMPTY_SCORES = ("null", "(null)", "#n/a", "nan", "nat", "none", "<na>", "\\n")
# what systems of questionnaires write where nothing was written
EMPTY_TEXTS = ("(空)", "(跳过)", "<na>", "\\n")
LONGEST = max(map(len, EMPTY_WORDS))
# "4 - Not so critical": a number of the scale with what it stands for
ANCHOR = r"^([+-]?[0-9]+(?:[.,][0-9]+)?)\s*[-–—:：=]\s*[^0-9\s].*$"
TOTAL_WORDS = (
    r"((?:grand|sub)?[ -]?totals?|(?:sub)?totaal|totale|sum|suma|soma|somme|summe|gesamt(?:summe)?|zwischensumme"
    r"|insgesamt|razem|celkem|toplam|итого|всего|合\s*[计計]|[总總総]\s*[计計]|小\s*[计計]|总\s*和|总\s*额|汇\s*总)"
    # of a year, or with the number of its rows
    r"(?:\s*[(\x{ff08}]?\s*[0-9][0-9.,/ -]*\s*(?:records?|rows?|lines?|items?|orders?|zeilen|datensätze|条|行|笔)?"
    r"\s*[)\x{ff09}]?)?\s*[:\x{ff1a}]?"
)
EMPTIED = Text("{column}: {n} {n:cell|cells} read as empty ({words})")
WORDS_SHOWN = 6


def word_of(x: str) -> str:
    """The SQL of a cell as a word: without blanks around it, without the mark of a numeric cell."""
    return phrases.trimmed(f"CAST({x} AS VARCHAR)")


def is_empty_word(x: str, kind: str, found: str) -> str:
    """The SQL that says whether a cell holds a word for "nothing"; ``false`` where such a word may be meant."""
    if found in FLOATS:
        return f"coalesce(isnan({x}), false)"
    if found != "VARCHAR":
        return "false"
    words = {"text": EMPTY_TEXTS, "score": EMPTY_SCORES}.get(kind, EMPTY_WORDS)
    listed = ", ".join(literal(word) for word in words)
    # the engine works out both sides of AND for every row, but a branch only for those that take it
    return f"CASE WHEN length({x}) <= {LONGEST + 2} THEN coalesce(lower({word_of(x)}) IN ({listed}), false) ELSE false END"


def text_reads_as_written(x: str) -> str:
    """The SQL that says whether a text may be taken as it stands."""
    return f"{phrases.text(x)} IS NOT DISTINCT FROM {x} AND NOT {is_empty_word(x, 'text', 'VARCHAR')}"


def is_nothing(x: str, *, column: Column, found: str, words: Mapping[str, str]) -> str:
    """The SQL that says whether a cell stands for nothing, because its word was declared so or is one for "nothing".

    Parameters
    ----------
    x : str
        SQL of the cell as found.
    column : Column
    found : str
        Its type in the engine.
    words : mapping of str to str
        Word of the export: ours, in the kit's own notation; an empty text stands for nothing.
    """
    word, empty = word_of(x), is_empty_word(x, column.kind, found)
    declared = [literal(theirs) for theirs, ours in words.items() if not ours.strip()]
    tests = [f"coalesce({word} IN ({', '.join(declared)}), false)"] if declared else []
    if empty != "false":
        tests.append(f"({empty} AND {word} NOT IN ({', '.join(map(literal, words))}))" if words else empty)
    return " OR ".join(tests) or "false"


def replaced(value: str, x: str, *, column: Column, words: Mapping[str, str]) -> str:
    """The SQL of a cell in which words stand for our values; ``value`` reads all others."""
    cases = " ".join(
        f"WHEN {literal(theirs)} THEN {reading(literal(ours), kind=column.kind, found='VARCHAR')}"
        for theirs, ours in words.items()
        if ours.strip()
    )
    value = f"CASE {word_of(x)} {cases} ELSE {value} END" if cases else value
    return f"lower({value})" if column.choices else value


def check_words(con: Any, contract: TableContract, settings: TableSettings, *, params: str) -> None:
    """Every word of ours can be read as the type of its column.

    Raises
    ------
    ParamError
        Naming each that cannot.
    """
    problems: list[str | Problem] = []
    for name, words in settings.values.items():
        if name not in contract.columns:
            problems.append(Problem(f"{params}.values:", f"unknown column {name!r}", hint=did_you_mean(name, contract.columns)))
            continue
        kind = contract.columns[name].kind
        for theirs, ours in ((theirs, ours) for theirs, ours in words.items() if ours.strip()):
            (unread,) = query(con, f"SELECT {reading(literal(ours), kind=kind, found='VARCHAR')} IS NULL")[0]
            if unread:
                what = f"{theirs!r} is to be {ours!r}, which cannot be read as {NOUNS[kind]}"
                problems.append(Problem(f"{params}.values.{name}:", what, "an empty text stands for nothing"))
    if problems:
        raise ParamError(problems)


def empty_notes(con: Any, relation: str, types: Mapping[str, str], contract: TableContract, *, look: Look) -> list[Text]:
    """Which words for "nothing" were read as empty, and how often?"""
    unclear = {name: found for name, found in types.items() if not look.plain(name)}
    tests = {name: is_empty_word(identifier(name), contract.columns[name].kind, found) for name, found in unclear.items()}
    tests = {name: test for name, test in tests.items() if test != "false"}
    if not tests:
        return []
    near = look.near(tests, relation)
    counts = query(con, f"SELECT {', '.join(f'count(*) FILTER ({test})' for test in tests.values())} FROM {near}")[0]
    notes = []
    for name, count in zip(tests, counts, strict=True):
        if count:
            word = word_of(identifier(name))
            listed = query(
                con,
                f"SELECT {word}, count(*) FROM {near} WHERE {tests[name]} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {WORDS_SHOWN}",
            )
            notes.append(
                Text(
                    EMPTIED.template,
                    {
                        "column": name,
                        "n": Quantity(count, "count"),
                        "words": ", ".join(f"{one} {rows:,}" for one, rows in listed),
                    },
                )
            )
    return notes


def answer_words(x: str, one: ItemSettings, value: str, *, where: str = "true", anchored: bool = False) -> str:
    """The SQL of an answer of which words were declared, or whose number stands before a dash and words."""
    word = word_of(x)
    cases = [
        f"WHEN {where} AND lower({word}) = {literal(theirs.strip().casefold())} THEN CAST({number!r} AS DECIMAL(18, 4))"
        for theirs, number in one.answers.items()
    ]
    if anchored:
        number = f"replace(regexp_extract({word}, {literal(ANCHOR)}, 1), ',', '.')"
        cases.append(f"WHEN {where} AND regexp_matches({word}, {literal(ANCHOR)}) THEN try_cast({number} AS DECIMAL(18, 4))")
    return f"CASE {' '.join(cases)} ELSE {value} END" if cases else value


def is_anchored(con: Any, relation: str, x: str, value: str, one: ItemSettings, *, where: str, other: str) -> bool:
    """Whether every answer to an item is a number, a number with words behind a dash, or declared; and one has such words.

    ``value`` reads a number, ``other`` says which cells mean something else: a code, or nothing.
    """
    word = word_of(x)
    anchored = f"regexp_matches({word}, {literal(ANCHOR)})"
    declared = ", ".join(literal(theirs.strip().casefold()) for theirs in one.answers)
    listed = f" OR lower({word}) IN ({declared})" if declared else ""
    every, some = query(
        con,
        f"SELECT bool_and({anchored} OR ({value}) IS NOT NULL OR {other}{listed}), bool_or({anchored})"
        f" FROM {relation} WHERE {where} AND {word} IS NOT NULL",
    )[0]
    return bool(every and some)


def listed_words(rows: Sequence[tuple[Any, int]]) -> str:
    """Words with their counts, the first few."""
    shown = ", ".join(f"{'(empty)' if word is None else named(str(word))} {count:,}" for word, count in rows[:WORDS_SHOWN])
    return f"{shown} ..." if len(rows) > WORDS_SHOWN else shown
