"""What of an id is the company's own, what did a spreadsheet add or spoil, and which ids stand for nobody?

Ids are text. An apostrophe before one and ``.0`` behind a whole number come from spreadsheets and go; e-mail addresses used as
ids are read in small letters, so that one person is one customer in every table; ``1.38E+10`` has lost its digits and is
refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crmkit.core.results import Quantity, Text
from crmkit.data.intake.plain import Look
from crmkit.data.intake.words import is_empty_word, word_of
from crmkit.data.sources.engine import identifier, literal, query
from crmkit.data.tables import TableContract

SPOILED = r"[+-]?[0-9](?:[.,][0-9]+)?[eE]\+[0-9]{1,3}"
ADDRESS = r"[^@\s]+@[^@\s]+\.[^@\s]+"
NOBODY = (
    "0",
    "00",
    "000",
    "-1",
    "guest",
    "guests",
    "unknown",
    "unkn.",
    "anonymous",
    "anonym",
    "anon",
    "gast",
    "unbekannt",
    "test",
)
NOBODY_ZH = ("匿名", "匿名用户", "游客", "访客", "未知", "散客")
# one id with that share of the rows, and that many times the rows of the next, is hardly one customer
HEAVY_SHARE, HEAVY_TIMES, HEAVY_ROWS = 0.05, 10, 20
# so that no page names a customer number in full
SHOWN = 7
PLACEHOLDER = Text(
    "'{id}' stands in {n} of {rows} rows of {column}: guests? Name it under no_customer, unless it is one customer"
)
HEAVY = Text(
    "one {column} stands in {n} of {rows} rows, the next in {next} (see row {row}): is that one customer? If not, name it "
    "under no_customer"
)
POINTED = Text("{column}: '.0' behind {n} {n:id|ids} was taken off")
FIRST_OF = Text("{column}: {n} {n:cell names|cells name} several; the first counts")
FOLDED = Text("{column}: {n} e-mail {n:address|addresses} with capital letters, read in small ones")
QUOTED = Text("{column}: an apostrophe before {n} {n:id|ids} was taken off")


def first_of(x: str, separator: str) -> str:
    """The SQL of the first of several values in one cell."""
    return f"split_part({x}, {literal(separator)}, 1)"


def several_notes(con: Any, relation: str, types: Mapping[str, str], separators: Mapping[str, str]) -> list[Text]:
    """In how many cells the first of several values was taken."""
    names = [name for name in separators if types.get(name) == "VARCHAR"]
    if not names:
        return []
    tests = [f"count(*) FILTER (contains({identifier(name)}, {literal(separators[name])}))" for name in names]
    counts = query(con, f"SELECT {', '.join(tests)} FROM {relation}")[0]
    return [
        Text(FIRST_OF.template, {"column": name, "n": Quantity(n, "count")}) for name, n in zip(names, counts, strict=True) if n
    ]


def id_reading(x: str, *, pointed: bool) -> str:
    """The SQL of an id that was found as text; ``pointed``: whether ``.0`` is no part of it."""
    word = word_of(x)
    point = f"WHEN {_is_pointed(x)} THEN regexp_extract({word}, '^[+-]?[0-9]+') " if pointed else ""
    return f"CASE WHEN {_is_address(x)} THEN lower({word}) WHEN {_is_quoted(x)} THEN ltrim({word}, '''') {point}ELSE {word} END"


def find_spoils(
    con: Any, relation: str, types: Mapping[str, str], contract: TableContract, *, look: Look
) -> tuple[set[str], list[Text]]:
    """Of which columns ``.0`` is taken off, and what is said of the ids that are read otherwise than written."""
    texts = [name for name, found in types.items() if found == "VARCHAR" and contract.columns[name].kind == "id"]
    names = [name for name in texts if not look.plain(name)]
    if not names:
        return set(), []
    tests = []
    for name in names:
        x = identifier(name)
        version = _where(f"contains({x}, '.')", f"regexp_full_match({word_of(x)}, '[0-9]+\\.[0-9]*[1-9][0-9]*')")
        folded = _where(_is_address(x), f"lower({x}) <> {x}")
        tests += [f"count(*) FILTER ({test})" for test in (_is_pointed(x), version, folded, _is_quoted(x))]
    counts = query(con, f"SELECT {', '.join(tests)} FROM {look.near(names, relation)}")[0]
    off: set[str] = set()
    notes: list[Text] = []
    for at, name in enumerate(names):
        pointed, versions, folded, quoted = counts[4 * at : 4 * at + 4]
        off |= {name} if pointed and not versions else set()
        said = ((POINTED, 0 if versions else pointed), (FOLDED, folded), (QUOTED, quoted))
        notes += [Text(note.template, {"column": name, "n": Quantity(n, "count")}) for note, n in said if n]
    return off, notes


def is_spoiled(raw: str) -> str:
    """The SQL that says whether an id has lost digits to a spreadsheet."""
    text = f"CAST({raw} AS VARCHAR)"
    return _where(f"contains({text}, '+')", f"regexp_full_match({word_of(text)}, {literal(SPOILED)})")


def nobody_notes(con: Any, typed: str, columns: Sequence[str], *, rows: int) -> list[Text]:
    """Ids that seem to stand for no customer or for many: words for guests, and one id far ahead of all others."""
    notes: list[Text] = []
    for name in columns:
        x = identifier(name)
        listed = ", ".join(literal(word) for word in (*NOBODY, *NOBODY_ZH))
        found = query(
            con,
            f"WITH counted AS (SELECT {x} AS id, count(*) AS n, min(__row) AS first FROM {typed}"
            f" WHERE __aside IS NULL AND {x} IS NOT NULL GROUP BY 1)"
            f" SELECT id, n, first, lower(id) IN ({listed}) AS nobody FROM counted"
            " QUALIFY nobody OR row_number() OVER (ORDER BY n DESC, id) <= 2 ORDER BY n DESC, id",
        )
        numbers: dict[str, Quantity | str] = {"column": name, "rows": Quantity(rows, "count")}
        notes += [
            Text(PLACEHOLDER.template, {**numbers, "id": word[:SHOWN], "n": Quantity(n, "count")})
            for word, n, _, nobody in found
            if nobody
        ]
        if len(found) < 2 or found[0][3]:
            continue
        (_, n, first, _), (_, following, *_) = found[:2]
        if n >= HEAVY_ROWS and n > HEAVY_SHARE * rows and n >= HEAVY_TIMES * following:
            said = {"n": Quantity(n, "count"), "next": Quantity(following, "count"), "row": Quantity(first, "count")}
            notes.append(Text(HEAVY.template, {**numbers, **said}))
    return notes


def reads_as_written(x: str) -> str:
    """The SQL that says whether an id may be taken as it stands."""
    return f"{id_reading(x, pointed=True)} IS NOT DISTINCT FROM {x} AND NOT {is_empty_word(x, 'id', 'VARCHAR')}"


def _is_address(x: str) -> str:
    return _where(f"contains({x}, '@')", f"regexp_full_match({word_of(x)}, {literal(ADDRESS)})")


def _is_pointed(x: str) -> str:
    return _where(f"contains({x}, '.0')", f"regexp_full_match({word_of(x)}, '[+-]?[0-9]+\\.0+')")


def _is_quoted(x: str) -> str:
    return _where(f"contains({x}, '''')", f"regexp_full_match({word_of(x)}, '''+[^'']+')")


def _where(likely: str, test: str) -> str:
    # of AND the engine works out both sides for every row
    return f"CASE WHEN {likely} THEN {test} ELSE false END"
