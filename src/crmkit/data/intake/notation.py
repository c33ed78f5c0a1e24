"""In which of two ways is a column of text written? The one that reads every value; where both do, nobody guesses."""

from __future__ import annotations

import re
from typing import Any

from crmkit.core.errors import Problem
from crmkit.core.settings import TableSettings
from crmkit.data.intake.parse import Convention
from crmkit.data.sources.engine import identifier, query
from crmkit.data.sources.readers import Raw
from crmkit.data.sources.workbook import NUMERIC_CELL
from crmkit.data.tables import TableContract

NUMBERS = ("money", "score", "number", "integer")
MOMENTS = ("date", "timestamp", "month")
WHOLE_NUMBER = r"-?[0-9]+"
ISO_DATE = r"\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2}(?::\d{2})?)?"
FORMS = (
    (r"\d{4}-\d{1,2}-\d{1,2}.*", "yyyy-mm-dd"),
    (r"\d{4}[/.]\d{1,2}[/.]\d{1,2}.*", "yyyy/mm/dd"),
    (r"\d{4}\s*年.*", "yyyy年m月d日"),
    (r"\d{8}", "yyyymmdd"),
    (r"\d{1,2}\.\s?\d{1,2}\.\s?\d{4}.*", "dd.mm.yyyy"),
)


def find_conventions(
    con: Any, raw: Raw, *, contract: TableContract, settings: TableSettings, table: str, params: str
) -> tuple[dict[str, Convention], list[Problem]]:
    """How is each column of text to be read, and of which can that not be said?

    Parameters
    ----------
    con : ibis.backends.duckdb.Backend
    raw : Raw
    contract : TableContract
    settings : TableSettings
        Its ``decimal``, ``dayfirst`` and ``date_format`` come first.
    table, params : str
        What to name in a message: the table, and its place in the params file.

    Returns
    -------
    conventions : dict of str to Convention
        One per column of text that holds numbers or dates.
    problems : list of Problem
    """
    found: dict[str, Convention] = {}
    problems = []
    for ours, kind in ((ours, contract.columns[ours].kind) for ours, sql in raw.types.items() if sql == "VARCHAR"):
        if kind not in (*NUMBERS, *MOMENTS):
            continue
        decide = _decimal if kind in NUMBERS else _order
        decided = decide(con, raw, ours, settings=settings, place=f"{table}: column {ours!r}", params=params)
        if isinstance(decided, Problem):
            problems.append(decided)
        else:
            found[ours] = decided
    return found, problems


def _decimal(con: Any, raw: Raw, ours: str, *, settings: TableSettings, place: str, params: str) -> Convention | Problem:
    if settings.decimal is not None:
        return Convention(decimal=settings.decimal)
    if _all_are(con, raw, ours, WHOLE_NUMBER):
        return Convention()
    only_dot, only_comma, both, dot, comma = _compare(con, raw, ours, "crm_dot(x)", "crm_comma(x)")
    declare = f"declare decimal: '.' or decimal: ',' in {params}"
    if only_dot and only_comma:
        return Problem(place, f"is written in two ways, {only_dot!r} and {only_comma!r}", declare)
    if both and not only_dot and not only_comma:
        return Problem(place, f"can be read in two ways, {both!r} is {_plain(dot)} or {_plain(comma)}", declare)
    return Convention(decimal="," if only_comma else ".")


def _order(con: Any, raw: Raw, ours: str, *, settings: TableSettings, place: str, params: str) -> Convention | Problem:
    if settings.date_format is not None:
        return Convention(form=settings.date_format, date_format=settings.date_format)
    if _all_are(con, raw, ours, ISO_DATE):
        return Convention(dayfirst=settings.dayfirst is not False, form=FORMS[0][1])
    only_day, only_month, both, day, month = _compare(con, raw, ours, "crm_date(x, true)", "crm_date(x, false)")
    slashed = only_day or only_month or both
    if settings.dayfirst is None:
        declare = f"declare dayfirst: true or dayfirst: false in {params}"
        if only_day and only_month:
            return Problem(place, f"is written in two ways, {only_day!r} and {only_month!r}", declare)
        if both and not only_day and not only_month:
            return Problem(place, f"can be read in two ways, {both!r} is {day} or {month}", declare)
    dayfirst = settings.dayfirst if settings.dayfirst is not None else not only_month
    if slashed:
        return Convention(dayfirst=dayfirst, form="dd/mm/yyyy" if dayfirst else "mm/dd/yyyy")
    return Convention(dayfirst=dayfirst, form=_form(con, raw, ours))


def _compare(con: Any, raw: Raw, ours: str, one: str, other: str) -> tuple[Any, ...]:
    """Of two readings: a text that only the first reads, one that only the second reads, one that they read differently."""
    differ = "a <> b"
    return tuple(
        query(
            con,
            "SELECT min(x) FILTER (a IS NOT NULL AND b IS NULL), min(x) FILTER (b IS NOT NULL AND a IS NULL),"
            f" min(x) FILTER ({differ}), arg_min(a, x) FILTER ({differ}), arg_min(b, x) FILTER ({differ})"
            # dates and scores are few, however many rows there are
            f" FROM (SELECT x, {one} AS a, {other} AS b FROM (SELECT DISTINCT {identifier(ours)} AS x FROM {raw.relation}))",
        )[0]
    )


def _all_are(con: Any, raw: Raw, ours: str, pattern: str) -> bool:
    """Whether every text of a column has the usual form, which can be read in one way only; false where there is none."""
    name = identifier(ours)
    (said,) = query(con, f"SELECT bool_and(regexp_full_match({name}, '{pattern}')) FROM {raw.relation} WHERE {name} <> ''")[0]
    return bool(said)


def _form(con: Any, raw: Raw, ours: str) -> str:
    name = identifier(ours)
    (example,) = query(
        con, f"SELECT min(x) FILTER (crm_date(x, true) IS NOT NULL) FROM (SELECT DISTINCT {name} AS x FROM {raw.relation})"
    )[0]
    if example is None or example.startswith(NUMERIC_CELL):
        return "" if example is None else "serial"
    return next((form for pattern, form in FORMS if re.fullmatch(pattern, example.strip())), "")


def _plain(number: Any) -> str:
    return f"{number.normalize():f}"
