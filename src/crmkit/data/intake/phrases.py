"""How does the engine read a text as a number, a date, a duration, yes or no? The SQL that :func:`reading` is made of.

What most exports hold has a short way: one pattern or one cast. Everything else goes the long way, in which a text is brought
step by step into one form; ``_let`` gives each step a name, so that it is worked out once per value. Each function takes the
SQL of a text and gives that of what it says. They are no macros of the engine, which would go through each of them once more
for every client that is opened.
"""

from __future__ import annotations

from typing import Any

from crmkit.core.periods import cycle_label
from crmkit.data.intake.currencies import CODE, SIGN
from crmkit.data.sources.engine import literal, query
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


CELL = literal(NUMERIC_CELL)


def set_zone(con: Any, timezone: str) -> None:
    """Into which time zone are moments with an offset converted? The macro ``crm_local`` of the engine."""
    query(con, f"CREATE OR REPLACE TEMP MACRO crm_local(x) AS timezone({literal(timezone)}, x)")


def _let(name: str, value: str, body: str) -> str:
    """An expression in which ``name`` stands for a value that is worked out once."""
    return f"list_transform([{value}], lambda {name}: {body})[1]"


# no blank at either end, no apostrophe in front: nothing to take off
_CLEAN, _UNPADDED = (literal(f"(?s)[^{BLANKS}{mark}](?:.*[^{BLANKS}])?") for mark in ("'", ""))


def trimmed(x: str) -> str:
    """A text without blanks around it: to look whether there are any costs a sixth of taking them off."""
    return f"CASE WHEN regexp_full_match({x}, {_UNPADDED}) THEN {x} ELSE nullif(trim({x}, {literal(BLANKS)}), '') END"


def text(x: str) -> str:
    """The text of a cell, without blanks around it, without the apostrophe that keeps a spreadsheet from reading it."""
    return f"nullif(regexp_replace(trim({x}, {literal(BLANKS)}), '^''([0-9+-].*)$', '\\1'), '')"


def word(x: str) -> str:
    """The same as :func:`text`, at less cost where there is nothing to take off."""
    return f"CASE WHEN regexp_full_match({x}, {_CLEAN}) THEN {x} ELSE {text(x)} END"


def _whole(x: str) -> str:
    narrow = text(f"translate({x}, {literal(WIDE)}, {literal(NARROW)})")
    return f"CASE WHEN starts_with({x}, {CELL}) THEN substr({x}, 2) ELSE {narrow} END"


_USUAL, _WHOLE_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", r"-?(?:0|[1-9][0-9]{0,17})"
_MONEY = f"(?:{SIGN}|{CODE})"


def _signed(x: str) -> str:
    # a minus behind is one, but not in ¥1,000-, where it stands for what is not written
    return rf"regexp_replace(regexp_replace({x}, '^\((.*)\)$', '-\1'), '^([^¥]*[0-9])\s*-$', '-\1')"


def _bare(x: str) -> str:
    # two codes, or two signs, are two currencies; a sign and a code may go together
    twice = literal(rf"^[-+(\s]*(?:{CODE}.*{_MONEY}|{SIGN}.*{SIGN})[-)\s]*$|^¥.*-$")
    # ¥99.50元 names one currency twice
    yuan = rf"regexp_replace({x}, '^([-+(\s]*)¥(.*)元$', '\1\2元')"
    front, back = literal(rf"^([+-]?)\s*{_MONEY}?\s*([+-]?)\s*"), literal(rf"\s*{_MONEY}$")
    return f"regexp_replace(regexp_replace(regexp_replace({yuan}, {twice}, '?'), {front}, '\\1\\2'), {back}, '')"


def plain_number(x: str) -> str:
    """The digits and signs of an amount; a mark that no number has where it is none."""
    # numbers of people to call: a nought in front of many digits, or a plus in front of many or of groups
    phone = rf"^(?:\+[0-9]{{9,}}|\+[0-9]{{1,3}}(?:[{GROUP_BLANKS}][0-9]{{3}}){{2,}}|0[1-9][0-9]{{6,}}|00[1-9][0-9]{{7,}})$"
    narrow = text(f"translate({x}, {literal(WIDE)}, {literal(NARROW)})")
    # the sign may also stand behind the currency inside brackets, so brackets are looked for before and after
    return f"regexp_replace({_signed(_bare(_signed(narrow)))}, {literal(phone)}, '?')"


def token(x: str) -> str:
    """Which currency an amount names; an empty text where it names none."""
    digits = f"[0-9.,][0-9.,{GROUP_BLANKS}{APOSTROPHES}]*(?:[eE][+-]?[0-9]+)?"
    named = literal(rf"^[-+(\s]*({_MONEY})?[-+(\s]*{digits}[-)\s]*({_MONEY})?[-)\s]*$")
    narrow = text(f"translate({x}, {literal(WIDE)}, {literal(NARROW)})")
    found = _let("t", f"regexp_extract({narrow}, {named}, ['a', 'b'])", "upper(trim(t.a || ' ' || t.b))")
    return f"CASE WHEN regexp_full_match({x}, '{_USUAL}') THEN '' ELSE {found} END"


def number(x: str, form: str, *, plain: str = "") -> str:
    """An amount in one of three forms, ``dot``, ``comma`` or ``indian``; ``plain`` is what :func:`plain_number` makes of it."""
    return (
        f"CASE WHEN regexp_full_match({x}, '{_WHOLE_NUMBER if form == 'comma' else _USUAL}') THEN try_cast({x} AS {MONEY})"
        f" WHEN starts_with({x}, {CELL}) THEN try_cast(substr({x}, 2) AS {MONEY})"
        f" WHEN {x} = '' THEN NULL ELSE {grouped(plain or plain_number(x), form)} END"
    )


def grouped(x: str, form: str) -> str:
    """A number whose thousands stand in groups of one kind, before the decimal sign, without a nought in front."""
    head = "[1-9][0-9]{0,2}"
    group, decimal = (r"\.", ",") if form == "comma" else (",", r"\.")
    kinds = (group, f"[{GROUP_BLANKS}]", f"[{APOSTROPHES}]")
    # 12,34,567: the last group has three digits, the others two
    indian = "[1-9][0-9]?(?:,[0-9]{2})*,[0-9]{3}"
    groups = indian if form == "indian" else "|".join(f"{head}(?:{kind}[0-9]{{3}})+" for kind in kinds)
    pattern = literal(f"^[+-]?(?:[0-9]+|{groups})?(?:{decimal}[0-9]*)?(?:[eE][+-]?[0-9]+)?$")
    others = GROUP_BLANKS + APOSTROPHES
    out, into = (others + ",", "") if decimal != "," else ("," + others + ".", ".")
    return f"try_cast(translate(regexp_extract({x}, {pattern}), {literal(out)}, {literal(into)}) AS {MONEY})"


def serial(x: str) -> str:
    """The moment of a numeric cell: days since 30 December 1899."""
    # the day before 1 January 1900 is 31 December 1899, but spreadsheets count a 29 February 1900 that never was
    moment = "TIMESTAMP '1899-12-30' + to_microseconds(CAST(round(c * 86400) AS BIGINT) * 1000000)"
    cell = _let("c", f"try_cast(substr({x}, 2) AS DOUBLE)", f"CASE WHEN c BETWEEN 61 AND 2958466 THEN {moment} END")
    return f"CASE WHEN starts_with({x}, {CELL}) THEN {cell} END"


def _epoch(x: str) -> str:
    # ten digits are seconds since 1970, thirteen are milliseconds
    moment = f"crm_local(timezone('UTC', epoch_ms(try_cast(rpad({x}, 13, '0') AS BIGINT))))"
    return f"CASE WHEN regexp_full_match({x}, '[1-9][0-9]{{9}}(?:[0-9]{{3}})?') THEN {moment} END"


def within(x: str) -> str:
    """A moment; nothing before 1900 or after 2100, which is no day of a customer."""
    moments = f"BETWEEN TIMESTAMP '{FIRST_DAY}' AND TIMESTAMP '{LAST_DAY} 23:59:59.999999'"
    return _let("t", x, f"CASE WHEN t {moments} THEN t END")


_REST = r"(?:,?[T\s]\s*(.*))?"
_SLASHED = rf"(\d{{1,2}})[/-](\d{{1,2}})[/-](\d{{4}}){_REST}"


def _canonical(x: str, dayfirst: str) -> str:
    """From any form of a date to 'y-m-d', 'y-m-d time', 'y-m-d time offset'."""
    worded = f"(?i){MONTH_NAME}"
    steps = [
        (r"^(?i)(?:mon|tue|wed|thu|fri|sat|sun)(?:[a-z]{3,6})?\.?,?\s+", ""),
        (r"\s*(?:星期|周)[一二三四五六日天]\s*", " "),
        (rf"\s*上午\s*({TIME})", r" \1 AM"),
        (rf"\s*下午\s*({TIME})", r" \1 PM"),
        (r"([+-]\d{2}:?\d{2})\s*\([^)]*\)$", r"\1"),
        (rf"^(?i)(\d{{1,2}})(?:st|nd|rd|th|\.)?[\s/-]*{MONTH_NAME}[\s,/-]*(\d{{4}}|\d{{2}}){_REST}$", r"\3-\2-\1 \4"),
        (rf"^{worded}\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}}|\d{{2}}){_REST}$", r"\3-\1-\2 \4"),
        (rf"^(\d{{4}})(\d{{2}})(\d{{2}}){_REST}$", r"\1-\2-\3 \4"),
        (rf"^(\d{{1,2}})\.\s?(\d{{1,2}})\.\s?(\d{{4}}){_REST}$", r"\3-\2-\1 \4"),
        (
            r"^(\d{4})(?:[-/.]|\s*年\s*)(\d{1,2})(?:[-/.]|\s*月\s*)(\d{1,2})\s*日?(?:[T\s]*(\d{1,2}:.*))?\s*$",
            r"\1-\2-\3 \4",
        ),
    ]
    for pattern, result in steps:
        x = f"regexp_replace({x}, {literal(pattern)}, {literal(result)})"
    order = f"CASE WHEN {dayfirst} THEN '\\3-\\2-\\1 \\4' ELSE '\\3-\\1-\\2 \\4' END"
    order = {"true": r"'\3-\2-\1 \4'", "false": r"'\3-\1-\2 \4'"}.get(dayfirst, order)
    return f"rtrim(regexp_replace({x}, '^{_SLASHED}$', {order}))"


def _moment(x: str) -> str:
    """From there to a moment."""
    offset = r"(Z|(?:UTC|GMT)?\s*([+-])(\d{1,2})(?::?(\d{2}))?|UTC|GMT)"
    parts = literal(
        rf"^(\d{{2,4}}-(?:\d{{1,2}}|[A-Za-z]{{3}})-\d{{1,2}})(?:\s+({TIME})\s*([AaPp]\.?[Mm]\.?)?\s*{offset}?)?\s*$"
    )
    day = (
        "CASE WHEN substr(m.d, 5, 1) = '-' THEN coalesce(try_cast(m.d AS DATE), CAST(try_strptime(m.d, '%Y-%b-%d') AS DATE))"
        " WHEN substr(m.d, 3, 1) = '-' THEN CAST(try_strptime(m.d, '%y-%b-%d') AS DATE) END"
    )
    # hours and minutes, or seconds too
    clock = (
        "CAST(d AS VARCHAR) || ' ' || replace(m.t, ',', '.') || CASE WHEN contains(substr(m.t, 4), ':') THEN '' ELSE ':00' END"
    )
    moment = (
        "CASE WHEN m.t = '' THEN CAST(d AS TIMESTAMP) WHEN m.p = '' THEN try_cast(c AS TIMESTAMP)"
        " ELSE try_strptime(c || ' ' || upper(replace(m.p, '.', '')),"
        " ['%Y-%m-%d %I:%M:%S %p', '%Y-%m-%d %I:%M:%S.%f %p']) END"
    )
    minutes = "coalesce(try_cast(m.s || m.h AS INTEGER), 0) * 60 + coalesce(try_cast(m.s || m.n AS INTEGER), 0)"
    local = "CASE WHEN m.z = '' THEN i WHEN abs(o) <= 15 * 60 THEN crm_local(timezone('UTC', i - to_minutes(o))) END"
    steps = _let("d", day, _let("c", clock, _let("i", moment, _let("o", minutes, local))))
    return _let("m", f"regexp_extract({x}, {parts}, ['d', 't', 'p', 'z', 's', 'h', 'n'])", steps)


def free_instant(x: str, dayfirst: str) -> str:
    """A moment, however long ago or far ahead; ``dayfirst`` is SQL as well."""
    written = _let("w", _canonical(_whole(x), dayfirst), f"coalesce({_epoch('w')}, {_moment('w')})")
    return f"coalesce({serial(x)}, {written})"


def any_instant(x: str, dayfirst: str) -> str:
    """A moment of a customer, the long way."""
    return within(free_instant(x, dayfirst))


def _short(x: str, length: int) -> str:
    return f"{x} BETWEEN '{FIRST_DAY}' AND '{LAST_DAY}~' AND length({x}) = {length}"


def instant(x: str, dayfirst: str) -> str:
    """A moment; one that is written as the engine itself writes it needs no pattern."""
    return (
        f"CASE WHEN {x} = '' THEN NULL"
        f" WHEN {_short(x, 10)} AND CAST(try_cast({x} AS DATE) AS VARCHAR) = {x} THEN CAST({x} AS TIMESTAMP)"
        f" WHEN {_short(x, 16)} AND strftime(try_cast({x} AS TIMESTAMP), '%Y-%m-%d %H:%M') = {x} THEN CAST({x} AS TIMESTAMP)"
        f" WHEN {_short(x, 19)} AND strftime(try_cast({x} AS TIMESTAMP), '%Y-%m-%d %H:%M:%S') = {x} THEN CAST({x} AS TIMESTAMP)"
        f" ELSE {any_instant(x, dayfirst)} END"
    )


def date(x: str, dayfirst: str) -> str:
    """A day."""
    return (
        f"CASE WHEN {_short(x, 10)} AND CAST(try_cast({x} AS DATE) AS VARCHAR) = {x} THEN CAST({x} AS DATE)"
        f" ELSE CAST({instant(x, dayfirst)} AS DATE) END"
    )


def month(x: str) -> str:
    """The first day of a month that is written without a day."""
    form = r"(\d{4})(?:[-/.]?|\s*年\s*)(\d{1,2})\s*月?"
    return _let(
        "w",
        _whole(x),
        f"CASE WHEN regexp_full_match(w, '{form}') AND left(w, 4) || '-01-01' BETWEEN '{FIRST_DAY}' AND '{LAST_DAY}'"
        f" THEN try_cast(regexp_replace(w, '^{form}$', '\\1-\\2-01') AS DATE) END",
    )


def dated(x: str) -> str:
    """A text that has a digit, as a date has: the engine takes 'epoch' and 'infinity' for dates whatever the format is."""
    return f"nullif(regexp_extract({_whole(x)}, '(?s)^.*[0-9].*$'), '')"


def cycle(x: str) -> str:
    """The label of a quarter, half year, month or year."""
    # 上半年 is the first half of a year, 第三季度 the third quarter
    plain = f"translate(upper(regexp_replace({_whole(x)}, '\\s', '', 'g')), '一二三四上下', '123412')"
    return _let("p", plain, cycle_label("p"))


def seconds(x: str, hours: str) -> str:
    """A length of time: 30秒, 5分12秒, 2h 5m, 1:02:03; two parts are minutes and seconds, or ``hours`` and minutes."""
    words = (
        r"^(?i)(?:([0-9]+)\s*(?:d|days?|tage?|天)\s*)?(?:([0-9]+)\s*(?:h|hrs?|hours?|std\.?|stunden?|小时|时)\s*)?"
        r"(?:([0-9]+)\s*(?:m|mins?\.?|minutes?|minuten?|分钟|分)\s*)?"
        r"(?:([0-9]+(?:\.[0-9]+)?)\s*(?:s|secs?\.?|seconds?|sek\.?|sekunden?|秒钟|秒)\s*)?$"
    )
    three, two = r"^([0-9]+):([0-5][0-9]):([0-5][0-9](?:\.[0-9]+)?)$", r"^([0-9]+):([0-5][0-9](?:\.[0-9]+)?)$"
    part = "coalesce(try_cast(p.{part} AS DECIMAL(14, 4)), 0)".format
    in_words = " + ".join(f"{part(part=name)} * {each}" for name, each in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)))
    clock = f"{part(part='h')} * 3600 + {part(part='m')} * 60 + {part(part='s')}"
    short = f"({part(part='m')} * 60 + {part(part='s')}) * (CASE WHEN {hours} THEN 60 ELSE 1 END)"
    ways = (
        (three, ["h", "m", "s"], clock),
        (two, ["m", "s"], short),
        (words, ["d", "h", "m", "s"], f"CASE WHEN w <> '' THEN {in_words} END"),
    )
    cases = (
        f"WHEN regexp_matches(w, {literal(form)}) THEN {_let('p', f'regexp_extract(w, {literal(form)}, {parts})', value)}"
        for form, parts, value in ways
    )
    return _let("w", _whole(x), f"CASE {' '.join(cases)} END")


def boolean(x: str) -> str:
    """Yes or no."""
    true, false, usual_true, usual_false = (
        ", ".join(literal(word) for word in words) for words in (TRUE, FALSE, USUAL_TRUE, USUAL_FALSE)
    )
    slow = _let("w", f"lower({_whole(x)})", f"CASE WHEN w IN ({true}) THEN true WHEN w IN ({false}) THEN false END")
    return (
        f"CASE WHEN {x} IN ({usual_false}) THEN false WHEN {x} IN ({usual_true}) THEN true WHEN {x} = '' THEN NULL"
        f" ELSE {slow} END"
    )
