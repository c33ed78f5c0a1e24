"""What does a value mean: which number, which date, yes or no? Read inside the engine, never guessed.

Numbers are written in one of two ways (1,234.50 or 1.234,50) and dates with slashes in one of two orders. A column is read in
the one way that reads all of its values; where both would, and the values differ, somebody has to say which one is right.
"""

from __future__ import annotations

from dataclasses import dataclass

from crmkit.data.intake import phrases
from crmkit.data.intake.phrases import MONEY
from crmkit.data.sources.engine import literal
from crmkit.data.sources.workbook import NUMERIC_CELL
from crmkit.data.tables import Kind

MONEY_FOUND = "DECIMAL(18,4)"
INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT")
FLOATS = ("FLOAT", "DOUBLE")
HOUR = 3600


@dataclass(frozen=True)
class Convention:
    """How one column is read.

    Parameters
    ----------
    decimal : {".", ","}
        Decimal sign.
    indian : bool
        Whether thousands are grouped as in 12,34,567.
    dayfirst : bool
        Order of dates with slashes.
    date_format : str or None
        As declared.
    form : str
        How dates look, for the reader.
    cells : bool
        Whether the texts may be marked cells of a workbook; a mark in any other source is a blank.
    checked : bool
        Whether days outside the span that is possible occur, where the source has them as dates.
    still : tuple of str
        Texts, or days, that mean that something has not ended.
    still_rows : int
        How many rows say so.
    factors : tuple of (str, str)
        What amounts name as their currency: what one unit is worth in the client's, ``"1"`` for its own, ``""``
        where it is none; no pairs where nothing is to be converted or looked at. With ``currency``: the codes it may mean.
    currency : str
        SQL of the row's currency, which a sign inside the amount must fit; empty: there is none.
    seconds : int
        Of a length of time, seconds in its unit; 0 for every other number.
    """

    decimal: str = "."
    indian: bool = False
    dayfirst: bool = True
    date_format: str | None = None
    form: str = ""
    cells: bool = True
    checked: bool = False
    still: tuple[str, ...] = ()
    still_rows: int = 0
    factors: tuple[tuple[str, str], ...] = ()
    currency: str = ""
    seconds: int = 0


PLAIN = Convention()


def reading(x: str, *, kind: Kind, found: str, convention: Convention = PLAIN) -> str | None:
    """The SQL that reads a value, or None where a column of this type cannot hold it.

    Parameters
    ----------
    x : str
        SQL expression of the value.
    kind : Kind
        What it is to become.
    found : str
        Its type in the engine.
    convention : Convention
        How text is written.
    """
    if kind in ("id", "text"):
        return _read_text(x, found, kind=kind)
    if found == "VARCHAR" and not convention.cells:
        x = f"ltrim({x}, {literal(NUMERIC_CELL)})"
    if kind in ("date", "timestamp", "month"):
        moment = _read_moment(x, kind, found, convention)
        still = not_ended(x, found=found, convention=convention)
        return moment if still == "false" else f"CASE WHEN NOT ({still}) THEN {moment} END"
    if kind in ("money", "score", "number"):
        return _read_money(x, found, convention)
    if kind == "cycle":
        return _read_cycle(x, found)
    return _read_integer(x, found, convention) if kind == "integer" else _read_boolean(x, found)


def not_ended(x: str, *, found: str, convention: Convention) -> str:
    """The SQL that tells whether a value says that something has not ended; ``"false"`` where none does."""
    if not convention.still:
        return "false"
    text = x if found == "VARCHAR" else f"CAST({x} AS VARCHAR)" if found in INTEGERS else f"CAST(CAST({x} AS DATE) AS VARCHAR)"
    return f"coalesce({text} IN ({', '.join(literal(one) for one in convention.still)}), false)"


def _read_text(x: str, found: str, *, kind: Kind) -> str | None:
    nested = found.endswith("]") or found.startswith(("STRUCT", "MAP", "UNION"))
    if nested or found in ("BLOB", "BIT") or (found == "BOOLEAN" and kind == "id"):
        return None
    if found == "VARCHAR":
        return phrases.word(x)
    if found in FLOATS:
        # a whole number became a float where the column has gaps: 7.0 is the id 7
        whole = f"isfinite({x}) AND {x} = trunc({x})"
        return f"CASE WHEN {whole} THEN CAST(CAST({x} AS HUGEINT) AS VARCHAR) ELSE CAST({x} AS VARCHAR) END"
    return f"CAST({x} AS VARCHAR)"


def _read_moment(x: str, kind: Kind, found: str, convention: Convention) -> str | None:
    """A day, the first day of a month, or a second, whichever is wanted."""
    if found in INTEGERS:
        x, found = f"CAST({x} AS VARCHAR)", "VARCHAR"
    if kind == "date" and found == "VARCHAR" and convention.date_format is None:
        return phrases.date(x, str(convention.dayfirst).lower())
    moment = _find_moment(x, found, convention)
    if moment is None:
        return None
    if kind == "timestamp":
        return f"date_trunc('second', CAST({moment} AS TIMESTAMP))"
    if kind == "month":
        moment = f"coalesce({moment}, {phrases.month(x)})" if found == "VARCHAR" else moment
        return f"CAST(date_trunc('month', {moment}) AS DATE)"
    return moment if found == "DATE" and not convention.checked else f"CAST({moment} AS DATE)"


def any_moment(x: str, *, found: str, convention: Convention = PLAIN) -> str | None:
    """The SQL that reads a moment, however long ago or far ahead; None where a column of this type holds none."""
    if found in INTEGERS:
        x, found = f"CAST({x} AS VARCHAR)", "VARCHAR"
    if found == "VARCHAR" and convention.date_format is not None:
        moment = f"try_strptime({phrases.dated(x)}, {literal(convention.date_format)})"
        moment = f"crm_local({moment})" if "%z" in convention.date_format.lower() else moment
        return f"coalesce({moment}, {phrases.serial(x)})"
    if found == "VARCHAR":
        return phrases.free_instant(x, str(convention.dayfirst).lower())
    if found == "TIMESTAMP WITH TIME ZONE":
        return f"crm_local({x})"
    return x if found == "DATE" or found.startswith("TIMESTAMP") else None


def _find_moment(x: str, found: str, convention: Convention) -> str | None:
    if found == "VARCHAR" and convention.date_format is None:
        return phrases.instant(x, str(convention.dayfirst).lower())
    moment = any_moment(x, found=found, convention=convention)
    if moment is None or not (found == "VARCHAR" or convention.checked):
        return moment
    return phrases.within(f"CAST({moment} AS TIMESTAMP)")


def _read_cycle(x: str, found: str) -> str | None:
    if found in INTEGERS:
        x, found = f"CAST({x} AS VARCHAR)", "VARCHAR"
    return phrases.cycle(x) if found == "VARCHAR" else None


def _read_money(x: str, found: str, convention: Convention) -> str | None:
    if found == "VARCHAR":
        sign = "indian" if convention.indian else "dot" if convention.decimal == "." else "comma"
        amount = phrases.number(x, sign)
        if convention.seconds:
            unit = str(convention.seconds >= HOUR).lower()
            return f"coalesce({amount}, CAST({phrases.seconds(x, unit)} / {convention.seconds} AS {MONEY}))"
        return _converted(x, amount, convention) if convention.factors else amount
    if found == MONEY_FOUND:
        return x
    return f"try_cast({x} AS {MONEY})" if found in (*INTEGERS, *FLOATS) or found.startswith("DECIMAL") else None


def _converted(x: str, amount: str, convention: Convention) -> str:
    """An amount in the client's currency; nothing where its sign is none, or another than that of its row."""
    cases = []
    for token, factor in convention.factors:
        if convention.currency:
            codes = ", ".join(literal(code) for code in factor.split())
            cases.append(
                f"WHEN {literal(token)} THEN CASE WHEN {convention.currency} IN ({codes}) THEN {amount} END" if codes else ""
            )
        elif factor == "1":
            cases.append(f"WHEN {literal(token)} THEN {amount}")
        elif factor:
            cases.append(f"WHEN {literal(token)} THEN CAST(round(CAST({amount} AS DOUBLE) * {factor}::DOUBLE, 4) AS {MONEY})")
    return f"CASE {phrases.token(x)} WHEN '' THEN {amount} {' '.join(cases)} END"


def _read_integer(x: str, found: str, convention: Convention) -> str | None:
    if found in INTEGERS:
        return f"CAST({x} AS BIGINT)"
    amount = _read_money(x, found, convention)
    return f"CASE WHEN {amount} = trunc({amount}) THEN CAST({amount} AS BIGINT) END" if amount is not None else None


def _read_boolean(x: str, found: str) -> str | None:
    if found == "BOOLEAN":
        return x
    if found in (*INTEGERS, *FLOATS):
        x, found = f"CAST(try_cast({x} AS BIGINT) AS VARCHAR)", "VARCHAR"
    return phrases.boolean(x) if found == "VARCHAR" else None
