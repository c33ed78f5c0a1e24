"""How does the engine read a text as a number, a date, a duration, yes or no? The macros that :func:`reading` is made of.

What most exports hold has a short way: one pattern or one cast. Everything else goes the long way, in which a text is brought
step by step into one form; ``_let`` gives each step a name, so that it is worked out once per value.
"""

from __future__ import annotations

from typing import Any

from crmkit.core.periods import cycle_macros
from crmkit.data.intake.currencies import CODE, SIGN
from crmkit.data.sources.engine import literal
from crmkit.data.sources.workbook import NUMERIC_CELL

MONEY = "DECIMAL(18, 4)"
# blanks that str.strip would take off, and the byte order mark
BLANKS = " \t\r\n\x0b\x0c\x1f\xa0\u2009\u200b\u202f\u3000\ufeff"
# blanks of print (between groups of digits, before a currency, before AM and PM) are plain ones, which patterns know
PRINTED_BLANKS = "\xa0\u2007\u2009\u202f"
WIDE = "０１２３４５６７８９，．－＋（）／：￥＄％　−＇" + PRINTED_BLANKS
NARROW = "0123456789,.-+()/:¥$% -'" + " " * len(PRINTED_BLANKS)
GROUP_BLANKS = " "
APOSTROPHES = "'’"
TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?"
TRUE = ("true", "t", "yes", "y", "1", "ja", "j", "wahr", "是", "真", "✓", "x")
FALSE = ("false", "f", "no", "n", "0", "nein", "falsch", "否", "假")
USUAL_TRUE, USUAL_FALSE = ("True", "true", "TRUE", "1"), ("False", "false", "FALSE", "0")
FIRST_DAY, LAST_DAY = "1900-01-01", "2100-12-31"
MONTH_NAME = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?:uary|ruary|ch|il|e|y|ust|t|tember|ober|ember)?\.?"


class Macros:
    """The readings of an engine: those of words at once, all others when the first value is found that needs them.

    Parameters
    ----------
    con : ibis.backends.duckdb.Backend
    timezone : str
        Where timestamps with an offset are converted to.
    """

    def __init__(self, con: Any, *, timezone: str) -> None:
        self._con, self._zone = con, literal(timezone)
        cell = literal(NUMERIC_CELL)
        self._later = [*_number_macros(cell), *_date_macros(cell, self._zone), *_duration_macros(), *cycle_macros()]
        self._define([*_text_macros(cell), _boolean_macro()])

    def define(self) -> None:
        """Define what is not yet defined."""
        self._define(self._later)
        self._later = []

    def _define(self, statements: list[str]) -> None:
        for statement in statements:
            self._con.raw_sql(f"CREATE OR REPLACE TEMP MACRO {statement}").fetchall()


def install(con: Any, *, timezone: str) -> None:
    """Define the readings as macros of the engine; ``timezone`` is where timestamps with an offset are converted to."""
    Macros(con, timezone=timezone).define()


def _let(name: str, value: str, body: str) -> str:
    """An expression in which ``name`` stands for a value that is worked out once."""
    return f"list_transform([{value}], lambda {name}: {body})[1]"


def _text_macros(cell: str) -> list[str]:
    # no blank at either end, no apostrophe in front: nothing to take off
    clean, unpadded = (literal(f"(?s)[^{BLANKS}{mark}](?:.*[^{BLANKS}])?") for mark in ("'", ""))
    return [
        # without blanks around it: to look whether there are any costs a sixth of taking them off
        f"crm_trimmed(x) AS CASE WHEN regexp_full_match(x, {unpadded}) THEN x ELSE nullif(trim(x, {literal(BLANKS)}), '') END",
        # the text of a cell, without blanks around it, without the apostrophe that keeps a spreadsheet from reading it
        f"crm_text(x) AS nullif(regexp_replace(trim(x, {literal(BLANKS)}), '^''([0-9+-].*)$', '\\1'), '')",
        f"crm_word(x) AS CASE WHEN regexp_full_match(x, {clean}) THEN x ELSE crm_text(x) END",
        f"crm_narrow(x) AS crm_text(translate(x, {literal(WIDE)}, {literal(NARROW)}))",
        f"crm_whole(x) AS CASE WHEN starts_with(x, {cell}) THEN substr(x, 2) ELSE crm_narrow(x) END",
    ]


def _number_macros(cell: str) -> list[str]:
    usual = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"
    whole = r"-?(?:0|[1-9][0-9]{0,17})"
    money = f"(?:{SIGN}|{CODE})"
    digits = f"[0-9.,][0-9.,{GROUP_BLANKS}{APOSTROPHES}]*(?:[eE][+-]?[0-9]+)?"
    # two codes, or two signs, are two currencies; a sign and a code may go together
    twice = literal(rf"^[-+(\s]*(?:{CODE}.*{money}|{SIGN}.*{SIGN})[-)\s]*$|^¥.*-$")
    # ¥99.50元 names one currency twice
    yuan = r"regexp_replace(x, '^([-+(\s]*)¥(.*)元$', '\1\2元')"
    token = literal(rf"^[-+(\s]*({money})?[-+(\s]*{digits}[-)\s]*({money})?[-)\s]*$")
    front, back = literal(rf"^([+-]?)\s*{money}?\s*([+-]?)\s*"), literal(rf"\s*{money}$")
    # numbers of people to call: a nought in front of many digits, or a plus in front of many or of groups
    phone = rf"^(?:\+[0-9]{{9,}}|\+[0-9]{{1,3}}(?:[{GROUP_BLANKS}][0-9]{{3}}){{2,}}|0[1-9][0-9]{{6,}}|00[1-9][0-9]{{7,}})$"
    return [
        # a minus behind is one, but not in ¥1,000-, where it stands for what is not written
        r"crm_signed(x) AS regexp_replace(regexp_replace(x, '^\((.*)\)$', '-\1'), '^([^¥]*[0-9])\s*-$', '-\1')",
        f"crm_bare(x) AS regexp_replace(regexp_replace(regexp_replace({yuan}, {twice}, '?'), {front}, '\\1\\2'), {back}, '')",
        # the sign may also stand behind the currency inside brackets, so brackets are looked for before and after
        f"crm_plain(x) AS regexp_replace(crm_signed(crm_bare(crm_signed(crm_narrow(x)))), {literal(phone)}, '?')",
        # which currency an amount names; an empty text where it names none
        f"crm_token(x) AS CASE WHEN regexp_full_match(x, '{usual}') THEN '' ELSE "
        + _let("t", f"regexp_extract(crm_narrow(x), {token}, ['a', 'b'])", "upper(trim(t.a || ' ' || t.b))")
        + " END",
        _grouped("dot", ",", r"\."),
        _grouped("comma", r"\.", ","),
        # 12,34,567: the last group has three digits, the others two
        _grouped("indian", ",", r"\.", groups="[1-9][0-9]?(?:,[0-9]{2})*,[0-9]{3}"),
        f"crm_cell(x) AS CASE WHEN starts_with(x, {cell}) THEN try_cast(substr(x, 2) AS DOUBLE) END",
        *(
            f"crm_{name}(x) AS CASE WHEN regexp_full_match(x, '{short}') THEN try_cast(x AS {MONEY})"
            f" WHEN starts_with(x, {cell}) THEN try_cast(substr(x, 2) AS {MONEY})"
            f" WHEN x = '' THEN NULL ELSE crm_{name}_plain(crm_plain(x)) END"
            for name, short in (("dot", usual), ("indian", usual), ("comma", whole))
        ),
    ]


def _grouped(name: str, group: str, decimal: str, groups: str = "") -> str:
    """A number whose thousands stand in groups of one kind, before the decimal sign, without a nought in front."""
    head = "[1-9][0-9]{0,2}"
    kinds = (group, f"[{GROUP_BLANKS}]", f"[{APOSTROPHES}]")
    grouped = groups or "|".join(f"{head}(?:{kind}[0-9]{{3}})+" for kind in kinds)
    pattern = literal(f"^[+-]?(?:[0-9]+|{grouped})?(?:{decimal}[0-9]*)?(?:[eE][+-]?[0-9]+)?$")
    others = GROUP_BLANKS + APOSTROPHES
    out, into = (others + ",", "") if decimal != "," else ("," + others + ".", ".")
    plain = f"translate(regexp_extract(x, {pattern}), {literal(out)}, {literal(into)})"
    return f"crm_{name}_plain(x) AS try_cast({plain} AS {MONEY})"


def _date_macros(cell: str, zone: str) -> list[str]:
    month = r"(\d{4})(?:[-/.]?|\s*年\s*)(\d{1,2})\s*月?"
    slashed = rf"(\d{{1,2}})[/-](\d{{1,2}})[/-](\d{{4}}){_rest()}"
    bounds = f"BETWEEN '{FIRST_DAY}' AND '{LAST_DAY}'"
    moments = f"BETWEEN TIMESTAMP '{FIRST_DAY}' AND TIMESTAMP '{LAST_DAY} 23:59:59.999999'"
    short = f"x BETWEEN '{FIRST_DAY}' AND '{LAST_DAY}~' AND length(x)"
    return [
        f"crm_slashed(x, dayfirst) AS regexp_replace(x, '^{slashed}$', CASE WHEN dayfirst THEN '\\3-\\2-\\1 \\4'"
        " ELSE '\\3-\\1-\\2 \\4' END)",
        f"crm_is_slashed(x) AS regexp_full_match(crm_narrow(x), '{slashed}')",
        *_moment_macros(zone),
        # the day before 1 January 1900 is 31 December 1899, but spreadsheets count a 29 February 1900 that never was
        "crm_serial(x) AS CASE WHEN crm_cell(x) BETWEEN 61 AND 2958466"
        " THEN TIMESTAMP '1899-12-30' + to_microseconds(CAST(round(crm_cell(x) * 86400) AS BIGINT) * 1000000) END",
        # ten digits are seconds since 1970, thirteen are milliseconds
        "crm_epoch(x) AS CASE WHEN regexp_full_match(x, '[1-9][0-9]{9}(?:[0-9]{3})?')"
        f" THEN timezone({zone}, timezone('UTC', epoch_ms(try_cast(rpad(x, 13, '0') AS BIGINT)))) END",
        f"crm_local(x) AS timezone({zone}, x)",
        # a date before 1900 or after 2100 is no day of a customer
        "crm_within(x) AS " + _let("t", "x", f"CASE WHEN t {moments} THEN t END"),
        "crm_free_instant(x, dayfirst) AS coalesce(crm_serial(x), "
        + _let("w", "crm_canonical(crm_whole(x), dayfirst)", "coalesce(crm_epoch(w), crm_moment(w))")
        + ")",
        "crm_any_instant(x, dayfirst) AS crm_within(crm_free_instant(x, dayfirst))",
        # a date or a time written as the engine itself writes it needs no pattern
        "crm_instant(x, dayfirst) AS CASE WHEN x = '' THEN NULL"
        f" WHEN {short} = 10 AND CAST(try_cast(x AS DATE) AS VARCHAR) = x THEN CAST(x AS TIMESTAMP)"
        f" WHEN {short} = 16 AND strftime(try_cast(x AS TIMESTAMP), '%Y-%m-%d %H:%M') = x THEN CAST(x AS TIMESTAMP)"
        f" WHEN {short} = 19 AND strftime(try_cast(x AS TIMESTAMP), '%Y-%m-%d %H:%M:%S') = x THEN CAST(x AS TIMESTAMP)"
        " ELSE crm_any_instant(x, dayfirst) END",
        f"crm_date(x, dayfirst) AS CASE WHEN {short} = 10 AND CAST(try_cast(x AS DATE) AS VARCHAR) = x THEN CAST(x AS DATE)"
        " ELSE CAST(crm_instant(x, dayfirst) AS DATE) END",
        "crm_month(x) AS "
        + _let(
            "w",
            "crm_whole(x)",
            f"CASE WHEN regexp_full_match(w, '{month}') AND regexp_extract(w, '^(....)') || '-01-01' {bounds}"
            f" THEN try_cast(regexp_replace(w, '^{month}$', '\\1-\\2-01') AS DATE) END",
        ),
        # the engine takes 'epoch' and 'infinity' for dates whatever the format is: a date has a digit
        "crm_dated(x) AS nullif(regexp_extract(crm_whole(x), '(?s)^.*[0-9].*$'), '')",
    ]


def _rest() -> str:
    return r"(?:,?[T\s]\s*(.*))?"


def _moment_macros(zone: str) -> list[str]:
    """From any form of a date to 'y-m-d', 'y-m-d time', 'y-m-d time offset', and from there to a moment."""
    rest = _rest()
    worded = f"(?i){MONTH_NAME}"
    steps = [
        (r"^(?i)(?:mon|tue|wed|thu|fri|sat|sun)(?:[a-z]{3,6})?\.?,?\s+", ""),
        (r"\s*(?:星期|周)[一二三四五六日天]\s*", " "),
        (rf"\s*上午\s*({TIME})", r" \1 AM"),
        (rf"\s*下午\s*({TIME})", r" \1 PM"),
        (r"([+-]\d{2}:?\d{2})\s*\([^)]*\)$", r"\1"),
        (rf"^(?i)(\d{{1,2}})(?:st|nd|rd|th|\.)?[\s/-]*{MONTH_NAME}[\s,/-]*(\d{{4}}|\d{{2}}){rest}$", r"\3-\2-\1 \4"),
        (rf"^{worded}\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}}|\d{{2}}){rest}$", r"\3-\1-\2 \4"),
        (rf"^(\d{{4}})(\d{{2}})(\d{{2}}){rest}$", r"\1-\2-\3 \4"),
        (rf"^(\d{{1,2}})\.\s?(\d{{1,2}})\.\s?(\d{{4}}){rest}$", r"\3-\2-\1 \4"),
        (
            r"^(\d{4})(?:[-/.]|\s*年\s*)(\d{1,2})(?:[-/.]|\s*月\s*)(\d{1,2})\s*日?(?:[T\s]*(\d{1,2}:.*))?\s*$",
            r"\1-\2-\3 \4",
        ),
    ]
    canonical = "x"
    for pattern, result in steps:
        canonical = f"regexp_replace({canonical}, {literal(pattern)}, {literal(result)})"
    offset = r"Z|(?:UTC|GMT)?\s*[+-]\d{1,2}(?::?\d{2})?|UTC|GMT"
    parts = literal(
        rf"^(\d{{2,4}}-(?:\d{{1,2}}|[A-Za-z]{{3}})-\d{{1,2}})(?:\s+({TIME})\s*([AaPp]\.?[Mm]\.?)?\s*({offset})?)?\s*$"
    )
    day = (
        "CASE WHEN regexp_full_match(x, '[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}') THEN try_cast(x AS DATE)"
        " WHEN regexp_full_match(x, '[0-9]{4}-[A-Za-z]{3}-[0-9]{1,2}') THEN CAST(try_strptime(x, '%Y-%b-%d') AS DATE)"
        " WHEN regexp_full_match(x, '[0-9]{2}-[A-Za-z]{3}-[0-9]{1,2}') THEN CAST(try_strptime(x, '%y-%b-%d') AS DATE) END"
    )
    clock = (
        "CASE WHEN m.t = '' THEN CAST(d AS TIMESTAMP) WHEN m.p = '' THEN try_cast(CAST(d AS VARCHAR) || ' ' || crm_clock(m.t) "
        "AS TIMESTAMP) ELSE try_strptime(CAST(d AS VARCHAR) || ' ' || crm_clock(m.t) || ' ' || upper(replace(m.p, '.', '')), "
        "['%Y-%m-%d %I:%M:%S %p', '%Y-%m-%d %I:%M:%S.%f %p']) END"
    )
    minutes = (
        "CASE WHEN regexp_matches(z, '[0-9]') THEN (CASE WHEN contains(z, '-') THEN -1 ELSE 1 END)"
        " * (CAST(regexp_extract(z, '([0-9]{1,2}?)(?::?([0-9]{2}))?$', 1) AS INTEGER) * 60"
        " + coalesce(try_cast(regexp_extract(z, '([0-9]{1,2}?)(?::?([0-9]{2}))?$', 2) AS INTEGER), 0)) ELSE 0 END"
    )
    return [
        f"crm_canonical(x, dayfirst) AS rtrim(crm_slashed({canonical}, dayfirst))",
        f"crm_day(x) AS {day}",
        "crm_clock(x) AS replace(x, ',', '.') || CASE WHEN regexp_matches(x, ':.*:') THEN '' ELSE ':00' END",
        f"crm_offset(z) AS {minutes}",
        "crm_moment(x) AS "
        + _let(
            "m",
            f"regexp_extract(x, {parts}, ['d', 't', 'p', 'z'])",
            _let(
                "d",
                "crm_day(m.d)",
                _let(
                    "c",
                    clock,
                    f"CASE WHEN m.z = '' THEN c WHEN abs(crm_offset(m.z)) <= 15 * 60"
                    f" THEN timezone({zone}, timezone('UTC', c - to_minutes(crm_offset(m.z)))) END",
                ),
            ),
        ),
    ]


def _duration_macros() -> list[str]:
    """A length of time in seconds: 30秒, 5分12秒, 2h 5m, 1:02:03; two parts are minutes and seconds, or hours and minutes."""
    words = (
        r"^(?i)(?:([0-9]+)\s*(?:d|days?|tage?|天)\s*)?(?:([0-9]+)\s*(?:h|hrs?|hours?|std\.?|stunden?|小时|时)\s*)?"
        r"(?:([0-9]+)\s*(?:m|mins?\.?|minutes?|minuten?|分钟|分)\s*)?"
        r"(?:([0-9]+(?:\.[0-9]+)?)\s*(?:s|secs?\.?|seconds?|sek\.?|sekunden?|秒钟|秒)\s*)?$"
    )
    three, two = r"^([0-9]+):([0-5][0-9]):([0-5][0-9](?:\.[0-9]+)?)$", r"^([0-9]+):([0-5][0-9](?:\.[0-9]+)?)$"
    number = "coalesce(try_cast(p.{part} AS DECIMAL(14, 4)), 0)".format
    in_words = " + ".join(f"{number(part=part)} * {each}" for part, each in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)))
    clock = f"{number(part='h')} * 3600 + {number(part='m')} * 60 + {number(part='s')}"
    short = f"{number(part='m')} * 60 + {number(part='s')}"
    return [
        "crm_worded_time(x) AS "
        + _let("p", f"regexp_extract(x, {literal(words)}, ['d', 'h', 'm', 's'])", f"CASE WHEN x <> '' THEN {in_words} END"),
        "crm_clock_time(x) AS " + _let("p", f"regexp_extract(x, {literal(three)}, ['h', 'm', 's'])", clock),
        "crm_short_time(x) AS " + _let("p", f"regexp_extract(x, {literal(two)}, ['m', 's'])", short),
        "crm_seconds(x, hours) AS "
        + _let(
            "w",
            "crm_whole(x)",
            f"CASE WHEN regexp_matches(w, {literal(three)}) THEN crm_clock_time(w)"
            f" WHEN regexp_matches(w, {literal(two)}) THEN crm_short_time(w) * (CASE WHEN hours THEN 60 ELSE 1 END)"
            f" WHEN regexp_matches(w, {literal(words)}) THEN crm_worded_time(w) END",
        ),
    ]


def _boolean_macro() -> str:
    true, false, usual_true, usual_false = (
        ", ".join(literal(word) for word in words) for words in (TRUE, FALSE, USUAL_TRUE, USUAL_FALSE)
    )
    slow = _let("w", "lower(crm_whole(x))", f"CASE WHEN w IN ({true}) THEN true WHEN w IN ({false}) THEN false END")
    return (
        f"crm_boolean(x) AS CASE WHEN x IN ({usual_false}) THEN false WHEN x IN ({usual_true}) THEN true WHEN x = '' THEN NULL"
        f" ELSE {slow} END"
    )
