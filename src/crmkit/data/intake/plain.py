"""Of which columns is every value written so plainly that it needs no reading? One look at all decides on the short ways.

Most exports hold ids of letters and digits, days as 2024-12-31, numbers with a dot. Such a value is taken by one cast, and no
rule about blanks, signs, totals or words for "nothing" can apply to it. The patterns are narrower than what can be read: where
one value of a column does not fit, the column is read the long way, value by value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from crmkit.core.settings import TableSettings
from crmkit.data.intake.phrases import BLANKS, FIRST_DAY, LAST_DAY, MONEY, USUAL_FALSE, USUAL_TRUE
from crmkit.data.sources.engine import identifier, literal, query
from crmkit.data.sources.workbook import NUMERIC_CELL
from crmkit.data.tables import Column, TableContract

# how a line of totals may begin: a longer word in an id that begins so may be one
TOTAL_STARTS = ("gr", "su", "to", "ge", "zw", "in", "so", "ra", "ce", "ит", "вс")
DAY = r"(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}"
TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?"
# thirteen digits before the sign can be rounded without becoming too long for money
WHOLE = r"-?(?:0|[1-9][0-9]{0,12})"
# a dot with three digits behind it may stand between thousands
DOT = r"-?(?:0\.[0-9]{1,12}|[1-9][0-9]{3,12}\.[0-9]{1,12}|[1-9][0-9]{0,2}\.(?:[0-9]{1,2}|[0-9]{4,12}))"


def _beginnings() -> str:
    """Letters at the beginning of an id that are no word for totals: three at most, or such that none begins with them."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    longer = []
    for first in letters:
        avoided = {start[1] for start in TOTAL_STARTS if start[0] == first}
        longer.append(f"{first}[{''.join(one for one in letters if one not in avoided)}]" if avoided else f"{first}[a-z]")
    # of three letters there is only "sum"
    return f"(?i:[a-z]{{0,2}}|[a-rt-z][a-z]{{2}}|s[a-tv-z][a-z]|su[a-ln-z]|(?:{'|'.join(longer)})[a-z]{{2,}})"


# with a digit: no word for "nothing", of which none has one, and no exponent with a sign
ID = rf"{_beginnings()}[-_/]?[0-9][A-Za-z0-9_/-]*"
# a number of a sheet has a dot in any case
CELL, CELL_WHOLE = rf"{NUMERIC_CELL}-?[0-9]{{1,13}}(?:\.[0-9]{{1,16}})?", rf"{NUMERIC_CELL}-?[0-9]{{1,13}}"
# "(空)", "<NA>" and "\\N" stand for nothing
TEXT = f"(?s)[^{BLANKS}'(<\\\\](?:.*[^{BLANKS}])?"
PATTERNS = {
    "id": ID,
    "text": TEXT,
    "date": DAY,
    "timestamp": f"{DAY}(?: {TIME})?",
    "money": f"{WHOLE}|{DOT}|{CELL}",
    "number": f"{WHOLE}|{DOT}|{CELL}",
    "integer": f"{WHOLE}|{CELL_WHOLE}",
    "boolean": "|".join((*USUAL_TRUE, *USUAL_FALSE)),
}
NUMBERS = ("money", "number", "integer")
# of a large table the few rows that are not plain are looked at by themselves
APART_FROM, APART_SHARE = 20_000, 0.1


@dataclass(frozen=True)
class Look:
    """What one look at a relation as found has shown.

    Parameters
    ----------
    rows : int
        Of the relation.
    filled : dict of str to int
        Our column: its values that are there.
    odd : dict of str to int
        Our column, of those that have a plain form: values that are there and are not plain.
    kinds : dict of str to str
        Our column: what it is to become.
    apart : str
        The relation of the rows that hold an odd value; empty where it was not made.
    """

    rows: int
    filled: Mapping[str, int] = field(default_factory=dict)
    odd: Mapping[str, int] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    apart: str = ""

    def plain(self, name: str) -> bool:
        """Whether every value of a column that is there is plain."""
        return self.odd.get(name) == 0

    def solid(self, name: str) -> bool:
        """Whether a column has a plain value in every row."""
        return self.plain(name) and self.filled[name] == self.rows

    def mostly(self, name: str) -> bool:
        """Whether so many values are plain that it pays to ask each of them."""
        return 0 < 2 * self.odd.get(name, 0) < self.filled.get(name, 0)

    def near(self, names: Iterable[str], relation: str) -> str:
        """The relation that holds every odd value of these columns: that of the rows set apart, else the whole."""
        return self.apart if self.apart and all(name in self.odd for name in names) else relation

    def usual(self) -> Look:
        """The same of the rows that were not set apart."""
        return replace(self, odd=dict.fromkeys(self.odd, 0), apart="")

    def excludes(self, name: str, text: str) -> bool:
        """Whether no row can have this text in a column."""
        return self.solid(name) and re.fullmatch(PATTERNS[self.kinds[name]], text) is None


def look_at(
    con: Any, relation: str, types: Mapping[str, str], *, contract: TableContract, settings: TableSettings, apart: str = ""
) -> Look:
    """Which columns of text hold plain values only?

    Parameters
    ----------
    con : ibis.backends.duckdb.Backend
    relation : str
        As found.
    types : dict of str to str
        Our column: type as found.
    contract : TableContract
    settings : TableSettings
        Columns of which words, a form of dates or a decimal comma were declared have no plain form.
    apart : str
        Name of the relation to be made of rows with odd values, where they are few of many; empty: it is never made.
    """
    columns = {name: contract.columns[name] for name, found in types.items() if found == "VARCHAR"}
    tests = {
        name: is_plain(identifier(name), column.kind) for name, column in columns.items() if _may_be(name, column, settings)
    }
    tests = {name: test for name, test in tests.items() if test}
    counts = [f"count({identifier(name)}), count(*) FILTER ({test})" for name, test in tests.items()]
    rows, *found = query(con, f"SELECT {', '.join(['count(*)', *counts])} FROM {relation}")[0]
    filled = dict(zip(tests, found[::2], strict=True))
    # a test that is neither true nor false was not passed
    odd = {name: filled[name] - passed for name, passed in zip(tests, found[1::2], strict=True)}
    look = Look(rows, filled, odd, {name: column.kind for name, column in columns.items()})
    if not apart or rows < APART_FROM or not 0 < sum(odd.values()) <= APART_SHARE * rows:
        return look
    some = [f"{identifier(name)} IS NOT NULL AND ({test}) IS NOT TRUE" for name, test in tests.items() if odd[name]]
    query(con, f"CREATE OR REPLACE TABLE {apart} AS SELECT * FROM {relation} WHERE ({') OR ('.join(some)})")
    return replace(look, apart=apart)


def _may_be(name: str, column: Column, settings: TableSettings) -> bool:
    if name in settings.values:
        return False
    if column.kind in NUMBERS:
        return settings.decimal != ","
    return settings.date_format is None or column.kind not in ("date", "timestamp")


def is_plain(x: str, kind: str) -> str:
    """The SQL that says whether a text is plain; empty where a kind has no plain form."""
    if kind == "date":
        # the engine reads and writes "2024-12-31 (BC)" too
        same = f"length({x}) = 10 AND CAST(try_cast({x} AS DATE) AS VARCHAR) = {x}"
        return f"{x} BETWEEN '{FIRST_DAY}' AND '{LAST_DAY}' AND {same}"
    if kind == "boolean":
        return f"{x} IN ({', '.join(map(literal, (*USUAL_TRUE, *USUAL_FALSE)))})"
    if kind not in PATTERNS:
        return ""
    fits = f"regexp_full_match({x}, {literal(PATTERNS[kind])})"
    return f"{fits} AND try_cast({x} AS TIMESTAMP) IS NOT NULL" if kind == "timestamp" else fits


def plain_reading(x: str, kind: str) -> str:
    """The SQL of the value of a plain text."""
    if kind in ("id", "text"):
        return x
    if kind == "boolean":
        return f"{x} IN ({', '.join(map(literal, USUAL_TRUE))})"
    if kind in ("date", "timestamp"):
        return f"try_cast({x} AS {kind})"
    number = "BIGINT" if kind == "integer" else MONEY
    cell = f"starts_with({x}, {literal(NUMERIC_CELL)}) THEN try_cast(substr({x}, 2) AS {number})"
    return f"CASE WHEN {cell} ELSE try_cast({x} AS {number}) END"
