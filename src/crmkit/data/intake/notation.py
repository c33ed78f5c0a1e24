"""In which of two ways is a column of text written? The one that reads every value; where both do, nobody guesses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from crmkit.core.errors import Problem, quoted
from crmkit.core.results import Quantity, Text
from crmkit.core.settings import TableSettings
from crmkit.data.intake import phrases
from crmkit.data.intake.currencies import currencies
from crmkit.data.intake.exchange import Exchange
from crmkit.data.intake.parse import INTEGERS, Convention, any_moment
from crmkit.data.intake.phrases import FIRST_DAY, LAST_DAY
from crmkit.data.intake.plain import Look
from crmkit.data.sources.engine import identifier, literal, query
from crmkit.data.sources.readers import Raw
from crmkit.data.sources.workbook import NUMERIC_CELL
from crmkit.data.tables import Column, TableContract

NUMBERS = ("money", "score", "number", "integer")
MOMENTS = ("date", "timestamp", "month")
# numbers that can be read in one way only
CERTAIN = {
    "whole": r"-?(?:0|[1-9][0-9]*)",
    "dot": r"-?(?:0\.[0-9]+|[1-9][0-9]{3,}\.[0-9]+|[1-9][0-9]{0,2}\.(?:[0-9]{1,2}|[0-9]{4,}))",
    "comma": r"-?(?:0,[0-9]+|[1-9][0-9]{3,},[0-9]+|[1-9][0-9]{0,2},(?:[0-9]{1,2}|[0-9]{4,}))",
}
# how systems write that something has no end, and what the first of them becomes where its hour is converted
NEVER = ("9999-12-31", "2999-12-31", "2099-12-31", "10000-01-01")
NEVER_LIKE = f"9999|2999|2099|10000|^{NUMERIC_CELL}"
STILL = Text("{column}: {rows} {rows:row says|rows say} {value}, which means that it has not ended")
ISO_DATE = r"\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2}(?::\d{2})?)?"
FORMS = (
    (r"\d{4}-\d{1,2}-\d{1,2}.*", "yyyy-mm-dd"),
    (r"\d{4}[/.]\d{1,2}[/.]\d{1,2}.*", "yyyy/mm/dd"),
    (r"\d{4}\s*年.*", "yyyy年m月d日"),
    (r"\d{8}", "yyyymmdd"),
    (r"\d{1,2}\.\s?\d{1,2}\.\s?\d{4}.*", "dd.mm.yyyy"),
)


def find_conventions(
    con: Any,
    raw: Raw,
    *,
    contract: TableContract,
    settings: TableSettings,
    look: Look,
    money: Exchange,
    table: str,
    params: str,
) -> tuple[dict[str, Convention], list[Problem]]:
    """How is each column to be read, and of which can that not be said?

    Parameters
    ----------
    con : ibis.backends.duckdb.Backend
    raw : Raw
    contract : TableContract
    settings : TableSettings
        Its ``decimal``, ``grouping``, ``dayfirst`` and ``date_format`` come first.
    look : Look
        Which columns need no other look.
    money : Exchange
        The client's currency, and what a row says of its own.
    table, params : str
        What to name in a message: the table, and its place in the params file.

    Returns
    -------
    conventions : dict of str to Convention
        One per column that holds numbers or dates.
    problems : list of Problem
    """
    found: dict[str, Convention] = {}
    problems = []
    for ours, sql in raw.types.items():
        column, place = contract.columns[ours], f"{table}: column {ours!r}"
        near = None if look.plain(ours) else replace(raw, relation=look.near([ours], raw.relation))
        decided: Convention | Problem | None = None
        if sql == "VARCHAR" and column.kind in NUMBERS:
            decided = _number(con, raw, ours, column, near, settings=settings, money=money, place=place, params=params)
        elif column.kind in MOMENTS:
            decided = _moment(con, raw, ours, column, near, settings=settings, look=look, place=place, params=params)
        if isinstance(decided, Problem):
            problems.append(decided)
        elif decided is not None:
            found[ours] = replace(decided, cells=not raw.lazy)
    return found, problems


def _number(
    con: Any,
    raw: Raw,
    ours: str,
    column: Column,
    near: Raw | None,
    *,
    settings: TableSettings,
    money: Exchange,
    place: str,
    params: str,
) -> Convention | Problem:
    # plain numbers can be read in one way only, and of a few others among them it is seen whether they agree
    seen = {} if near is None else _witnesses(con, near, ours)
    way = _decimal(con, near or raw, ours, seen, settings=settings, place=place, params=params)
    if near is not None and near.relation != raw.relation and (isinstance(way, Problem) or way.decimal != "."):
        near, seen = raw, _witnesses(con, raw, ours)
        way = _decimal(con, raw, ours, seen, settings=settings, place=place, params=params)
    if isinstance(way, Problem):
        return way
    way = replace(way, seconds=column.seconds)
    if column.kind != "money" or "other" not in seen:
        return way
    return _currencies(con, near or raw, ours, way, settings=settings, money=money, place=place, params=params)


def _witnesses(con: Any, raw: Raw, ours: str) -> dict[str, str]:
    """Which ways of writing occur, each with one text: whole numbers, a decimal dot or comma beyond doubt, all others."""
    name = identifier(ours)
    kinds = " ".join(f"WHEN regexp_full_match({name}, '{pattern}') THEN '{kind}'" for kind, pattern in CERTAIN.items())
    return dict(
        query(
            con,
            f"SELECT CASE {kinds} ELSE 'other' END AS kind, min({name}) FROM {raw.relation} WHERE {name} <> '' GROUP BY 1",
        )
    )


def _decimal(
    con: Any, raw: Raw, ours: str, seen: dict[str, str], *, settings: TableSettings, place: str, params: str
) -> Convention | Problem:
    if settings.grouping == "indian":
        return Convention(indian=True)
    if settings.decimal is not None:
        return Convention(decimal=settings.decimal)
    dot_text, comma_text = seen.get("dot"), seen.get("comma")
    only_dot, only_comma, both, dot, comma = dot_text, comma_text, None, None, None
    indian = western = None
    if "other" in seen:
        found_dot, found_comma, both, dot, comma, indian, western = _compare_numbers(con, raw, ours)
        only_dot, only_comma = _first(dot_text, found_dot), _first(comma_text, found_comma)
    if indian and not only_comma:
        if western:
            declare = f"declare grouping: thousands or grouping: indian in {params}"
            return Problem(place, f"is written in two ways, {quoted(repr(indian))} and {quoted(repr(western))}", declare)
        return Convention(indian=settings.grouping != "thousands")
    declare = f"declare decimal: '.' or decimal: ',' in {params}"
    if only_dot and only_comma:
        return Problem(place, f"is written in two ways, {quoted(repr(only_dot))} and {quoted(repr(only_comma))}", declare)
    if both and not only_dot and not only_comma:
        return Problem(
            place, f"can be read in two ways, {quoted(repr(both))} is {quoted(_plain(dot))} or {quoted(_plain(comma))}", declare
        )
    return Convention(decimal="," if only_comma else ".")


def _first(*texts: str | None) -> str | None:
    return min((text for text in texts if text is not None), default=None)


def _currencies(
    con: Any, raw: Raw, ours: str, way: Convention, *, settings: TableSettings, money: Exchange, place: str, params: str
) -> Convention | Problem:
    """Which currencies do the amounts name themselves, and what is each worth?"""
    name = identifier(ours)
    counted = query(
        con,
        f"SELECT {phrases.token('x')} AS token, CAST(sum(n) AS BIGINT)"
        f" FROM (SELECT {name} AS x, count(*) AS n FROM {raw.relation}"
        f" WHERE {name} <> '' AND NOT regexp_full_match({name}, '{CERTAIN['dot']}') GROUP BY 1)"
        " GROUP BY token HAVING token <> '' ORDER BY token",
    )
    currency = money.own
    if money.word:
        # the column of the row decides; a sign that does not fit it makes the amount unreadable
        fits = [(token, " ".join(currencies(token))) for token, _ in counted]
        return replace(way, factors=tuple(fits), currency=f"coalesce({money.code}, {literal(currency)})")
    factors: dict[str, str] = {}
    others: dict[str, int] = {}
    for token, rows in counted:
        possible = currencies(token)
        rated = [code for code in possible if code in settings.rates]
        if currency in possible:
            factors[token] = "1"
        elif len(rated) == 1:
            factors[token] = repr(settings.rates[rated[0]])
        elif possible or " " not in token:
            others[token] = rows
        else:
            factors[token] = ""
    if others:
        named = ", ".join(f"{token} ({rows} {'row' if rows == 1 else 'rows'})" for token, rows in others.items())
        codes = dict.fromkeys((*currencies(token), token)[0] for token in others)
        example = f"{{{', '.join(f'{code}: ...' for code in codes)}}}"
        what = f"has amounts in {named} beside the client's {currency}"
        ways = (
            f"give what one unit is worth in {currency}, as rates: {example} in {params}, or declare the client's own currency"
        )
        return Problem(place, what, ways)
    return replace(way, factors=tuple(factors.items())) if set(factors.values()) - {"1"} else way


def _moment(
    con: Any,
    raw: Raw,
    ours: str,
    column: Column,
    near: Raw | None,
    *,
    settings: TableSettings,
    look: Look,
    place: str,
    params: str,
) -> Convention | Problem | None:
    found = raw.types[ours]
    way: Convention | Problem
    if near is None:
        way = Convention(dayfirst=settings.dayfirst is not False, form=FORMS[0][1] if look.filled[ours] else "")
    elif found == "VARCHAR":
        way = _order(con, raw, ours, near, settings=settings, place=place, params=params)
        if isinstance(way, Problem):
            return way
    elif (moment := any_moment(identifier(ours), found=found)) is None:
        return None
    else:
        (outside,) = query(
            con, f"SELECT bool_or(CAST({moment} AS DATE) NOT BETWEEN '{FIRST_DAY}' AND '{LAST_DAY}') FROM {raw.relation}"
        )[0]
        way = Convention(checked=bool(outside))
    if not column.open_ended:
        return way
    return _still(con, raw, ours, way, plain=near is None)


def _still(con: Any, raw: Raw, ours: str, way: Convention, *, plain: bool) -> Convention:
    """Which values mean that something has not ended, and how many rows say so?"""
    name, found = identifier(ours), raw.types[ours]
    kept = found == "VARCHAR" or found in INTEGERS
    text = name if kept else f"CAST(CAST({name} AS DATE) AS VARCHAR)"
    moment = "CAST(x AS TIMESTAMP)" if plain else any_moment("x", found=found if kept else "VARCHAR", convention=way)
    days = ", ".join(literal(day) for day in NEVER)
    likely = f"FROM {raw.relation} WHERE regexp_matches(CAST({text} AS VARCHAR), '{NEVER_LIKE}')"
    if not query(con, f"SELECT 1 {likely} LIMIT 1"):
        return way
    counted = query(
        con,
        f"SELECT CAST(x AS VARCHAR), n FROM (SELECT {text} AS x, count(*) AS n {likely} GROUP BY 1)"
        f" WHERE CAST(CAST({moment} AS DATE) AS VARCHAR) IN ({days}) ORDER BY 1",
    )
    return replace(way, still=tuple(text for text, _ in counted), still_rows=sum(rows for _, rows in counted))


def still_running(ways: Mapping[str, Convention]) -> list[Text]:
    """A note for each column in which a day beyond all plans means that something has not ended."""
    return [
        Text(STILL.template, {"column": name, "rows": Quantity(way.still_rows, "count"), "value": way.still[0].strip()})
        for name, way in ways.items()
        if way.still
    ]


def _order(
    con: Any, raw: Raw, ours: str, near: Raw, *, settings: TableSettings, place: str, params: str
) -> Convention | Problem:
    if settings.date_format is not None:
        return Convention(form=settings.date_format, date_format=settings.date_format)
    if _all_are(con, near, ours, ISO_DATE, usual=near.relation != raw.relation):
        return Convention(dayfirst=settings.dayfirst is not False, form=FORMS[0][1])
    only_day, only_month, both, day, month, example = _compare_days(con, near, ours)
    slashed = only_day or only_month or both
    if settings.dayfirst is None:
        declare = f"declare dayfirst: true or dayfirst: false in {params}"
        if only_day and only_month:
            return Problem(place, f"is written in two ways, {quoted(repr(only_day))} and {quoted(repr(only_month))}", declare)
        if both and not only_day and not only_month:
            return Problem(place, f"can be read in two ways, {quoted(repr(both))} is {quoted(day)} or {quoted(month)}", declare)
    dayfirst = settings.dayfirst if settings.dayfirst is not None else not only_month
    if slashed:
        return Convention(dayfirst=dayfirst, form="dd/mm/yyyy" if dayfirst else "mm/dd/yyyy")
    if near.relation != raw.relation:
        *_, example = _compare_days(con, raw, ours)
    return Convention(dayfirst=dayfirst, form=_form(example))


# of two readings: a text that only the first reads, one that only the second reads, one that they read differently
DIFFERING = (
    "min(x) FILTER (a IS NOT NULL AND b IS NULL), min(x) FILTER (b IS NOT NULL AND a IS NULL),"
    " min(x) FILTER (a <> b), arg_min(a, x) FILTER (a <> b), arg_min(b, x) FILTER (a <> b)"
)


def _compare_numbers(con: Any, raw: Raw, ours: str) -> tuple[Any, ...]:
    """Of numbers with a dot and with a comma: :data:`DIFFERING`, and two texts more.

    One that only Indian groups read, and one that reads as a number but not in Indian groups.
    """
    certain = " AND ".join(f"NOT regexp_full_match(x, '{pattern}')" for pattern in CERTAIN.values())
    ways = zip(("a", "b", "c"), ("dot", "comma", "indian"), strict=True)
    read = ", ".join(f"{phrases.number('x', form, plain='p')} AS {name}" for name, form in ways)
    return tuple(
        query(
            con,
            f"SELECT {DIFFERING},"
            " min(x) FILTER (c IS NOT NULL AND a IS NULL AND b IS NULL), min(x) FILTER (a IS NOT NULL AND c IS NULL)"
            f" FROM (SELECT x, {read} FROM (SELECT x, {phrases.plain_number('x')} AS p"
            f" FROM (SELECT DISTINCT {identifier(ours)} AS x FROM {raw.relation}) WHERE {certain}))",
        )[0]
    )


def _compare_days(con: Any, raw: Raw, ours: str) -> tuple[Any, ...]:
    """Of days read with the day first and with the month first: :data:`DIFFERING`, and a text that reads as a day."""
    # said once, with the order as a value: the engine takes longer to understand it than to read a small table
    both = f"list_transform([true, false], lambda first: {phrases.date('x', 'first')})"
    # dates are few, however many rows there are
    texts = f"SELECT DISTINCT {identifier(ours)} AS x FROM {raw.relation}"
    return tuple(
        query(
            con,
            f"SELECT {DIFFERING}, min(x) FILTER (a IS NOT NULL) FROM (SELECT x, r[1] AS a, r[2] AS b"
            f" FROM (SELECT x, {both} AS r FROM ({texts})))",
        )[0]
    )


def _all_are(con: Any, raw: Raw, ours: str, pattern: str, *, usual: bool) -> bool:
    """Whether every text of a column has the usual form, which can be read in one way only; ``usual`` where there is none."""
    name = identifier(ours)
    (said,) = query(con, f"SELECT bool_and(regexp_full_match({name}, '{pattern}')) FROM {raw.relation} WHERE {name} <> ''")[0]
    return usual if said is None else bool(said)


def _form(example: str | None) -> str:
    if example is None or example.startswith(NUMERIC_CELL):
        return "" if example is None else "serial"
    return next((form for pattern, form in FORMS if re.fullmatch(pattern, example.strip())), "")


def _plain(number: Any) -> str:
    return f"{number.normalize():f}"
