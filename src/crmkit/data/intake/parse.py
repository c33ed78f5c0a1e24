"""What does a text mean: which number, which date, yes or no? Read inside the engine, never guessed.

Numbers are written in one of two ways (1,234.50 or 1.234,50) and dates with slashes in one of two orders. A column is read in
the one way that reads all of its values; where both would, and the values differ, somebody has to say which one is right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crmkit.core.periods import cycle_macros
from crmkit.data.sources.engine import literal
from crmkit.data.sources.workbook import NUMERIC_CELL
from crmkit.data.tables import Kind

MONEY = "DECIMAL(18, 4)"
MONEY_FOUND = "DECIMAL(18,4)"
INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT")
FLOATS = ("FLOAT", "DOUBLE")
# blanks that str.strip would take off, and the byte order mark
BLANKS = " \t\r\n\x0b\x0c\x1f\xa0\u2009\u200b\u202f\u3000\ufeff"
WIDE = "０１２３４５６７８９，．－＋（）／：￥＄％　−＇"
NARROW = "0123456789,.-+()/:¥$% -'"
CURRENCY = r"(?:\p{Sc}|[A-Z]{3}|元|圆|kr\.?|Fr\.?)"
TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?"
TRUE = ("true", "t", "yes", "y", "1", "ja", "j", "wahr", "是", "真", "✓", "x")
FALSE = ("false", "f", "no", "n", "0", "nein", "falsch", "否", "假")
DATE_WORDS = ("%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%d-%b-%Y")


@dataclass(frozen=True)
class Convention:
    """How one column of text is read: its decimal sign, the order of its dates, their declared format, how they look."""

    decimal: str = "."
    dayfirst: bool = True
    date_format: str | None = None
    form: str = ""


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
    if kind in ("date", "timestamp", "month"):
        return _read_moment(x, kind, found, convention)
    if kind in ("money", "score", "number"):
        return _read_money(x, found, convention)
    if kind == "cycle":
        return _read_cycle(x, found)
    return _read_integer(x, found, convention) if kind == "integer" else _read_boolean(x, found)


def _read_text(x: str, found: str, *, kind: Kind) -> str | None:
    nested = found.endswith("]") or found.startswith(("STRUCT", "MAP", "UNION"))
    if nested or found in ("BLOB", "BIT") or (found == "BOOLEAN" and kind == "id"):
        return None
    if found == "VARCHAR":
        return f"crm_word({x})"
    if found in FLOATS:
        # a whole number became a float where the column has gaps: 7.0 is the id 7
        return f"CASE WHEN {x} = trunc({x}) THEN CAST(CAST({x} AS HUGEINT) AS VARCHAR) ELSE CAST({x} AS VARCHAR) END"
    return f"CAST({x} AS VARCHAR)"


def _read_moment(x: str, kind: Kind, found: str, convention: Convention) -> str | None:
    """A day, the first day of a month, or a second, whichever is wanted."""
    if found in INTEGERS:
        x, found = f"CAST({x} AS VARCHAR)", "VARCHAR"
    moment = _find_moment(x, found, convention)
    if moment is None:
        return None
    if kind == "timestamp":
        return f"date_trunc('second', CAST({moment} AS TIMESTAMP))"
    if kind == "month":
        month = f"coalesce({moment}, crm_month({x}))" if found == "VARCHAR" else moment
        return f"CAST(date_trunc('month', {month}) AS DATE)"
    return moment if found == "DATE" else f"CAST({moment} AS DATE)"


def _find_moment(x: str, found: str, convention: Convention) -> str | None:
    if found == "VARCHAR" and convention.date_format is not None:
        moment = f"try_strptime(crm_whole({x}), {literal(convention.date_format)})"
        moment = f"crm_local({moment})" if "%z" in convention.date_format.lower() else moment
        return f"coalesce({moment}, crm_serial({x}))"
    if found == "VARCHAR":
        return f"crm_instant({x}, {str(convention.dayfirst).lower()})"
    if found == "TIMESTAMP WITH TIME ZONE":
        return f"crm_local({x})"
    return x if found == "DATE" or found.startswith("TIMESTAMP") else None


def _read_cycle(x: str, found: str) -> str | None:
    if found in INTEGERS:
        x, found = f"CAST({x} AS VARCHAR)", "VARCHAR"
    return f"crm_cycle({x})" if found == "VARCHAR" else None


def _read_money(x: str, found: str, convention: Convention) -> str | None:
    if found == "VARCHAR":
        return f"crm_dot({x})" if convention.decimal == "." else f"crm_comma({x})"
    if found == MONEY_FOUND:
        return x
    return f"try_cast({x} AS {MONEY})" if found in (*INTEGERS, *FLOATS) or found.startswith("DECIMAL") else None


def _read_integer(x: str, found: str, convention: Convention) -> str | None:
    if found in INTEGERS:
        return f"CAST({x} AS BIGINT)"
    number = _read_money(x, found, convention)
    return f"CASE WHEN {number} = trunc({number}) THEN CAST({number} AS BIGINT) END" if number is not None else None


def _read_boolean(x: str, found: str) -> str | None:
    if found == "BOOLEAN":
        return x
    if found in (*INTEGERS, *FLOATS):
        x, found = f"CAST(try_cast({x} AS BIGINT) AS VARCHAR)", "VARCHAR"
    return f"crm_boolean({x})" if found == "VARCHAR" else None


def install(con: Any, *, timezone: str) -> None:
    """Define the readings as macros of the engine; ``timezone`` is where timestamps with an offset are converted to."""
    zone, cell = literal(timezone), literal(NUMERIC_CELL)
    for statement in (*_number_macros(cell), *_date_macros(cell, zone), *cycle_macros(), _boolean_macro()):
        con.raw_sql(f"CREATE OR REPLACE TEMP MACRO {statement}").fetchall()


def _number_macros(cell: str) -> list[str]:
    groups = r"[ \x{A0}\x{2009}\x{202F}''’]([0-9]{3})"
    dot = r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)?(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?"
    comma = r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+)?(?:,[0-9]*)?(?:[eE][+-]?[0-9]+)?"
    sign = r"^([+-]?)\s*"
    # what most files hold is read by one pattern, not by ten
    usual = r"-?[0-9]+(?:\.[0-9]+)?"
    return [
        # the text of a cell, without blanks around it, without the apostrophe that keeps a spreadsheet from reading it
        f"crm_text(x) AS nullif(regexp_replace(trim(x, {literal(BLANKS)}), '^''([0-9+-].*)$', '\\1'), '')",
        # the same without a pattern for most texts; it names x more than once, so it stands in no other macro
        f"crm_word(x) AS CASE WHEN contains(x, '''') THEN crm_text(x) ELSE nullif(trim(x, {literal(BLANKS)}), '') END",
        f"crm_narrow(x) AS crm_text(translate(x, {literal(WIDE)}, {literal(NARROW)}))",
        r"crm_signed(x) AS regexp_replace(regexp_replace(x, '^\((.*)\)$', '-\1'), '^(.*[0-9])\s*-$', '-\1')",
        f"crm_bare(x) AS regexp_replace(regexp_replace(x, '{sign}{CURRENCY}\\s*([+-]?)\\s*', '\\1\\2'), '\\s*{CURRENCY}$', '')",
        # the sign may also stand behind the currency inside brackets, so brackets are looked for before and after
        f"crm_plain(x) AS regexp_replace(crm_signed(crm_bare(crm_signed(crm_narrow(x)))), '{groups}', '\\1', 'g')",
        f"crm_dot_plain(x) AS CASE WHEN regexp_full_match(x, '{dot}') THEN try_cast(replace(x, ',', '') AS {MONEY}) END",
        f"crm_comma_plain(x) AS CASE WHEN regexp_full_match(x, '{comma}')"
        f" THEN try_cast(replace(replace(x, '.', ''), ',', '.') AS {MONEY}) END",
        f"crm_cell(x) AS CASE WHEN starts_with(x, {cell}) THEN try_cast(substr(x, 2) AS DOUBLE) END",
        f"crm_dot(x) AS CASE WHEN starts_with(x, {cell}) THEN try_cast(substr(x, 2) AS {MONEY})"
        f" WHEN regexp_full_match(x, '{usual}') THEN try_cast(x AS {MONEY}) ELSE crm_dot_plain(crm_plain(x)) END",
        f"crm_comma(x) AS CASE WHEN starts_with(x, {cell}) THEN try_cast(substr(x, 2) AS {MONEY})"
        f" WHEN regexp_full_match(x, '-?[0-9]+') THEN try_cast(x AS {MONEY}) ELSE crm_comma_plain(crm_plain(x)) END",
    ]


def _date_macros(cell: str, zone: str) -> list[str]:
    rest = r"(?:,?[T\s]\s*(.*))?"
    year_first = r"(\d{4})(?:[-/.]|\s*年\s*)(\d{1,2})(?:[-/.]|\s*月\s*)(\d{1,2})\s*日?(?:[T\s]*(\d{1,2}:.*))?"
    compact = rf"(\d{{4}})(\d{{2}})(\d{{2}}){rest}"
    month = r"(\d{4})(?:[-/.]?|\s*年\s*)(\d{1,2})\s*月?"
    dotted = rf"(\d{{1,2}})\.\s?(\d{{1,2}})\.\s?(\d{{4}}){rest}"
    slashed = rf"(\d{{1,2}})[/-](\d{{1,2}})[/-](\d{{4}}){rest}"
    forms = [(year_first, r"\1-\2-\3 \4"), (compact, r"\1-\2-\3 \4"), (dotted, r"\3-\2-\1 \4")]
    cases = " ".join(f"WHEN regexp_full_match(x, '{form}') THEN regexp_replace(x, '^{form}$', '{iso}')" for form, iso in forms)
    words = ", ".join(literal(word) for word in DATE_WORDS)
    offset = r"\s*(?:Z|UTC|GMT|([+-]\d{2})(?::?(\d{2}))?)"
    instant = (
        f"regexp_extract(x, '^(\\S+)', 1) || ' ' || regexp_extract(x, '\\s({TIME})', 1)"
        " || CASE WHEN regexp_matches(x, '\\s\\d+:\\d+:') THEN '' ELSE ':00' END"
        f" || coalesce(nullif(regexp_extract(x, '{TIME}{offset}$', 1), ''), '+00')"
        f" || ':' || coalesce(nullif(regexp_extract(x, '{TIME}{offset}$', 2), ''), '00')"
    )
    return [
        f"crm_slashed(x, dayfirst) AS regexp_replace(x, '^{slashed}$', CASE WHEN dayfirst THEN '\\3-\\2-\\1 \\4'"
        " ELSE '\\3-\\1-\\2 \\4' END)",
        f"crm_is_slashed(x) AS regexp_full_match(crm_narrow(x), '{slashed}')",
        f"crm_iso(x, dayfirst) AS rtrim(CASE {cases} WHEN regexp_full_match(x, '{slashed}') THEN crm_slashed(x, dayfirst) END)",
        # 'y-m-d', 'y-m-d time', 'y-m-d time offset': without offset local, with offset converted
        f"crm_moment(x) AS CASE WHEN regexp_full_match(x, '\\S+') THEN try_cast(x AS TIMESTAMP)"
        f" WHEN regexp_full_match(x, '\\S+ {TIME}') THEN try_cast(replace(x, ',', '.') AS TIMESTAMP)"
        f" WHEN regexp_full_match(x, '\\S+ {TIME}{offset}') THEN timezone({zone}, try_cast({instant} AS TIMESTAMPTZ))"
        f" WHEN regexp_full_match(x, '\\S+ {TIME}\\s*[AaPp]\\.?[Mm]\\.?')"
        f" THEN try_strptime(replace(upper(x), '.', ''), ['%Y-%m-%d %I:%M:%S %p', '%Y-%m-%d %I:%M %p',"
        " '%Y-%m-%d %I:%M:%S%p', '%Y-%m-%d %I:%M%p']) END",
        # the day before 1 January 1900 is 31 December 1899, but spreadsheets count a 29 February 1900 that never was
        "crm_serial(x) AS CASE WHEN crm_cell(x) BETWEEN 61 AND 110000"
        " THEN TIMESTAMP '1899-12-30' + to_microseconds(CAST(round(crm_cell(x) * 86400) AS BIGINT) * 1000000) END",
        f"crm_epoch(x) AS CASE WHEN regexp_full_match(x, '[0-9]{{13}}')"
        f" THEN timezone({zone}, timezone('UTC', epoch_ms(try_cast(x AS BIGINT)))) END",
        f"crm_local(x) AS timezone({zone}, x)",
        f"crm_whole(x) AS CASE WHEN starts_with(x, {cell}) THEN substr(x, 2) ELSE crm_narrow(x) END",
        "crm_any_instant(x, dayfirst) AS coalesce(crm_moment(crm_iso(crm_whole(x), dayfirst)), crm_serial(x),"
        f" crm_epoch(crm_whole(x)), try_strptime(crm_narrow(x), [{words}]))",
        # a date or a time written as the engine itself writes it needs no pattern
        "crm_instant(x, dayfirst) AS CASE WHEN x = '' THEN NULL"
        " WHEN length(x) = 10 AND CAST(try_cast(x AS DATE) AS VARCHAR) = x THEN CAST(x AS TIMESTAMP)"
        " WHEN length(x) = 16 AND strftime(try_cast(x AS TIMESTAMP), '%Y-%m-%d %H:%M') = x THEN CAST(x AS TIMESTAMP)"
        " WHEN length(x) = 19 AND strftime(try_cast(x AS TIMESTAMP), '%Y-%m-%d %H:%M:%S') = x THEN CAST(x AS TIMESTAMP)"
        " ELSE crm_any_instant(x, dayfirst) END",
        "crm_date(x, dayfirst) AS CAST(crm_instant(x, dayfirst) AS DATE)",
        f"crm_month(x) AS CASE WHEN regexp_full_match(crm_whole(x), '{month}')"
        f" THEN try_cast(regexp_replace(crm_whole(x), '^{month}$', '\\1-\\2-01') AS DATE) END",
    ]


def _boolean_macro() -> str:
    true, false = (", ".join(literal(word) for word in words) for words in (TRUE, FALSE))
    lowered = "lower(crm_whole(x))"
    return f"crm_boolean(x) AS CASE WHEN {lowered} IN ({true}) THEN true WHEN {lowered} IN ({false}) THEN false END"
