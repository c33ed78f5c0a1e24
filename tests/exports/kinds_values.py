"""Ways of writing a value: a whole column in one notation, or one cell that is odd; and what each means."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from email.utils import format_datetime
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from exports.model import REPEATED, USED, Export, Kind, Row

NOUNS = {
    "money": "a number",
    "number": "a number",
    "score": "a number",
    "integer": "a whole number",
    "date": "a date",
    "timestamp": "a date and time",
    "month": "a month",
    "boolean": "yes or no",
}
TEXT = ("csv", "xlsx", "parquet", "duckdb")
NBSP, THIN = "\xa0", "\u202f"
WIDE = str.maketrans("0123456789.,-", "０１２３４５６７８９．，－")
ZONE = ZoneInfo("Asia/Shanghai")


def required(export: Export, name: str) -> bool:
    """Whether every row needs a value there."""
    from crmkit.data.tables import TABLES

    column = TABLES[export.table].columns.get(name)
    return bool(column and column.required)


def some_row(export: Export, rng: Random, *names: str) -> Row | None:
    """A row in which these columns hold a value, not the first one, nor one whose copy is to stay equal to it."""
    copied = [row.cells for row in export.rows if row.fate == REPEATED]
    rows = [
        row
        for row in export.used()[1:]
        if all(row.truth.get(name) is not None for name in names) and "line" not in row.cells and row.cells not in copied
    ]
    return rng.choice(rows) if rows else None


def whole(
    name: str,
    kinds: tuple[str, ...],
    how: Callable[[Any], str],
    *,
    declared: Mapping[str, Any] | None = None,
    client: Mapping[str, Any] | None = None,
    tables: tuple[str, ...] = (),
    sources: tuple[str, ...] = TEXT,
    only: tuple[str, ...] = (),
    made: Callable[[Any], Any] | None = None,
) -> Kind:
    """A column that is written in one way throughout; ``made`` turns its values into such as the notation can hold."""

    def change(export: Export, rng: Random) -> bool:
        names = [one for one in export.free(*kinds) if not only or one in only]
        if not names or ("declared" in export.touched and declared) or ("client" in export.touched and client):
            return False
        # what is declared holds for all columns of these kinds
        if declared and set(export.columns(*kinds)) & export.touched:
            return False
        chosen = rng.choice(names)
        for row in export.rows:
            if made and row.truth.get(chosen) is not None:
                row.truth[chosen] = made(row.truth[chosen])
        export.write_column(chosen, how)
        export.touched |= {chosen} | ({"declared"} if declared else set()) | ({"client"} if client else set())
        if declared:
            alike = [one for one in export.columns(*kinds) if one != chosen]
            for one in alike if {"decimal", "date_format", "grouping"} & set(declared) else []:
                for row in export.rows:
                    if made and row.truth.get(one) is not None:
                        row.truth[one] = made(row.truth[one])
                export.write_column(one, how)
                export.touched.add(one)
            export.declared |= declared
        export.client |= client or {}
        return True

    return Kind(name, change, tables=tables, sources=sources)


def cell(
    name: str,
    kinds: tuple[str, ...],
    text: str | Callable[[Any], str],
    *,
    reads: Any = USED,
    refused: str = "",
    optional: bool = False,
    only: tuple[str, ...] = (),
    tables: tuple[str, ...] = (),
    sources: tuple[str, ...] = TEXT,
) -> Kind:
    """One odd cell: ``reads`` is what is right (default: the value it stands for), ``refused`` why it is refused.

    ``refused="unreadable"`` is the reason that the kind of the column has; ``optional``: only in columns that may be empty.
    """

    def change(export: Export, rng: Random) -> bool:
        names = [one for one in export.free(*kinds) if (not only or one in only) and not (optional and required(export, one))]
        if not names:
            return False
        chosen = rng.choice(names)
        row = some_row(export, rng, chosen)
        if row is None:
            return False
        row.cells[chosen] = text(row.truth[chosen]) if callable(text) else text
        if refused and not (refused == "empty" and not required(export, chosen)):
            row.fate = f"{chosen}: {_reason(export, chosen, refused)}"
        elif refused:
            row.truth[chosen] = None
        elif reads is not USED:
            row.truth[chosen] = reads(row.truth[chosen]) if callable(reads) else reads
        export.touched.add(chosen)
        return True

    return Kind(name, change, stage="row" if refused else "reads", tables=tables, sources=sources)


def _reason(export: Export, name: str, refused: str) -> str:
    if refused == "unreadable":
        return f"cannot be read as {NOUNS[export.kinds[name]]}"
    from crmkit.data.tables import TABLES

    return f"below {TABLES[export.table].columns[name].low}" if refused == "below" else refused


# numbers


def grouped(value: Decimal, group: str, point: str, places: int = 2) -> str:
    """A number with its thousands in groups."""
    whole_part, _, rest = f"{abs(value):.{places}f}".partition(".")
    parts = []
    while len(whole_part) > 3:
        parts.insert(0, whole_part[-3:])
        whole_part = whole_part[:-3]
    return ("-" if value < 0 else "") + group.join([whole_part, *parts]) + (point + rest if places else "")


def lakhs(value: Decimal) -> str:
    """A number with Indian groups."""
    whole_part, _, rest = f"{value:.2f}".partition(".")
    head, tail = whole_part[:-3], whole_part[-3:]
    parts = []
    while len(head) > 2:
        parts.insert(0, head[-2:])
        head = head[:-2]
    return ",".join([*([head] if head else []), *parts, tail]) + "." + rest


NUMBERS = {
    "decimal comma": lambda v: f"{v:.2f}".replace(".", ","),
    "comma groups": lambda v: grouped(v, ",", "."),
    "dot groups, decimal comma": lambda v: grouped(v, ".", ","),
    "blank groups, decimal comma": lambda v: grouped(v, " ", ","),
    "blank groups, decimal dot": lambda v: grouped(v, " ", "."),
    "no-break groups": lambda v: grouped(v, NBSP, ","),
    "narrow groups": lambda v: grouped(v, THIN, ","),
    "apostrophe groups": lambda v: grouped(v, "'", "."),
    "curved apostrophe groups": lambda v: grouped(v, "’", "."),
    "full width": lambda v: f"{v:.2f}".translate(WIDE),
    "full width with groups": lambda v: grouped(v, ",", ".").translate(WIDE),
    "a plus in front": lambda v: f"+{v:.2f}",
    "four decimals": lambda v: f"{v:.4f}",
    "exponent": lambda v: f"{v:.6E}",
    "small exponent": lambda v: f"{v:.6e}".replace("e+", "e"),
    "blanks around": lambda v: f"  {v:.2f} ",
    "apostrophe in front": lambda v: f"'{v:.2f}",
    "noughts in front": lambda v: f"00{v:.2f}",
}
MONEY_SIGNS = {
    "$1,234.50": ("USD", lambda v: "$" + grouped(v, ",", ".")),
    "$ 1,234.50": ("USD", lambda v: "$ " + grouped(v, ",", ".")),
    "US$1,234.50": ("USD", lambda v: "US$" + grouped(v, ",", ".")),
    "1234.50 USD": ("USD", lambda v: f"{v:.2f} USD"),
    "USD 1,234.50": ("USD", lambda v: "USD " + grouped(v, ",", ".")),
    "usd1234.50": ("USD", lambda v: f"usd{v:.2f}"),
    "$1234.50 USD": ("USD", lambda v: f"${v:.2f} USD"),
    "1.234,50 €": ("EUR", lambda v: grouped(v, ".", ",") + " €"),
    "€1,234.50": ("EUR", lambda v: "€" + grouped(v, ",", ".")),
    "EUR 1.234,50": ("EUR", lambda v: "EUR " + grouped(v, ".", ",")),
    "1 234,50 €": ("EUR", lambda v: grouped(v, NBSP, ",") + NBSP + "€"),
    "£1,234.50": ("GBP", lambda v: "£" + grouped(v, ",", ".")),
    "¥1,234.50": ("CNY", lambda v: "¥" + grouped(v, ",", ".")),
    "￥1234.50": ("CNY", lambda v: f"￥{v:.2f}"),
    "1234.50元": ("CNY", lambda v: f"{v:.2f}元"),
    "￥1234.50元": ("CNY", lambda v: f"￥{v:.2f}元"),
    "RMB 1234.50": ("CNY", lambda v: f"RMB {v:.2f}"),
    "人民币1234.50": ("CNY", lambda v: f"人民币{v:.2f}"),
    "¥ of Japan": ("JPY", lambda v: "¥" + grouped(v, ",", ".")),
    "₹1,20,000.00": ("INR", lambda v: "₹" + lakhs(v)),
    "Rs. 1,20,000.00": ("INR", lambda v: "Rs. " + lakhs(v)),
    "R$ 1.234,50": ("BRL", lambda v: "R$ " + grouped(v, ".", ",")),
    "CHF 1'234.50": ("CHF", lambda v: "CHF " + grouped(v, "'", ".")),
    "1 234,50 zł": ("PLN", lambda v: grouped(v, " ", ",") + " zł"),
    "1 234,50 kr": ("SEK", lambda v: grouped(v, " ", ",") + " kr"),
    "1 234,50 Kč": ("CZK", lambda v: grouped(v, NBSP, ",") + " Kč"),
    "HK$1,234.50": ("HKD", lambda v: "HK$" + grouped(v, ",", ".")),
    "NT$1,234.50": ("TWD", lambda v: "NT$" + grouped(v, ",", ".")),
    "A$1,234.50": ("AUD", lambda v: "A$" + grouped(v, ",", ".")),
    "₺1.234,50": ("TRY", lambda v: "₺" + grouped(v, ".", ",")),
    "1 234,50 ₽": ("RUB", lambda v: grouped(v, " ", ",") + " ₽"),
    "৳1,234.50": ("BDT", lambda v: "৳" + grouped(v, ",", ".")),
}
NO_NUMBERS = {
    "digits after a blank group": "1 23456",
    "telephone": "+49 171 90000003",
    "telephone with a nought": "0171 234 567",
    "telephone without blanks": "01712345678",
    "groups after the decimal sign": "1.234 567",
    "two decimal signs": "12..5",
    "three parts": "1.2.3",
    "two signs": "--5",
    "a share": "5%",
    "a fraction": "1/2",
    "words": "twelve",
    "with a unit": "12 kg",
    "hexadecimal": "0x1F",
    "underscores": "1_000",
    "endless": "Infinity",
    "a formula": "=1+1",
    "a date": "2024-03-05",
    "a comma alone": ",",
    "a dot alone": ".",
    "two numbers": "5; 6",
    "groups of two kinds": "1,234'567",
    "Chinese numerals": "五百",
    "too large": "99999999999999999999",
    "approximate": "~50",
    "from to": "10-20",
}


def number_kinds() -> list[Kind]:
    """Numbers: how whole columns are written, odd cells that are read, cells that are refused."""
    kinds = [whole(f"number: {name}", ("money",), how) for name, how in NUMBERS.items()]
    kinds += [
        whole(f"amount: {name}", ("money",), how, client={"currency": currency})
        for name, (currency, how) in MONEY_SIGNS.items()
    ]
    kinds += [
        whole(
            "number: decimal comma declared",
            ("money", "number"),
            lambda v: f"{v:.2f}".replace(".", ","),
            declared={"decimal": ","},
        ),
        whole("number: decimal dot declared", ("money", "number"), lambda v: grouped(v, ",", "."), declared={"decimal": "."}),
        whole("number: Indian groups", ("money",), lakhs, made=lambda v: v * 1000),
        whole("number: Indian groups declared", ("money",), lakhs, made=lambda v: v * 1000, declared={"grouping": "indian"}),
        whole(
            "number: groups only, comma, declared",
            ("money",),
            lambda v: grouped(v, ",", ".", 0),
            made=lambda v: Decimal(int(v) * 1000),
            declared={"decimal": "."},
        ),
        whole("number: integers of floats", ("integer",), lambda v: f"{v}.0"),
        whole("number: integers with a plus", ("integer",), lambda v: f"+{v}"),
        whole("number: integers in full width", ("integer",), lambda v: str(v).translate(WIDE)),
        whole("number: scores with a point", ("score",), lambda v: f"{v}.0"),
        whole("number: scores with a comma", ("score",), lambda v: f"{v},0"),
        whole("number: scores with blanks", ("score",), lambda v: f" {v} "),
        cell(
            "number: groups beside plain ones",
            ("money",),
            lambda v: grouped(v * 0 + Decimal("1234.50"), ",", "."),
            reads=Decimal("1234.50"),
        ),
        cell("number: nought", ("money",), "0", reads=Decimal(0)),
        cell("number: minus nought", ("money",), "-0.00", reads=Decimal(0)),
        cell("number: no digit before the point", ("money",), ".5", reads=Decimal("0.5")),
        cell("number: no digit after the point", ("money",), "5.", reads=Decimal(5)),
        cell("number: more than four decimals", ("money",), "1.23456", reads=Decimal("1.2346")),
        cell("number: 1e3", ("money",), "1e3", reads=Decimal(1000)),
        cell("number: half an integer", ("integer",), "2.5", refused="unreadable"),
        cell("number: an integer in words", ("integer",), "two", refused="unreadable"),
        cell("number: score in words", ("score",), "fine", refused="unreadable"),
        cell("number: below the least", ("money",), "-3.00", refused="below", only=("mrr", "budget", "cost")),
    ]
    kinds += [cell(f"no number: {name}", ("money",), text, refused="unreadable") for name, text in NO_NUMBERS.items()]
    kinds += [
        cell(f"no plain number: {name}", ("number",), NO_NUMBERS[name], refused="unreadable") for name in list(NO_NUMBERS)[:6]
    ]
    kinds += [
        cell(
            f"amount in another currency: {sign}",
            ("money",),
            lambda v, s=sign: s.format(f"{v:.2f}"),
            only=("amount", "mrr", "cost", "budget"),
        )
        for sign in ("€{}", "£{}", "{} CHF", "₹{}", "¥{}", "{} GBP", "R$ {}", "HK${}")
    ]
    return [_other_currency(kind) if kind.name.startswith("amount in another") else kind for kind in kinds]


def _other_currency(kind: Kind) -> Kind:
    def change(export: Export, rng: Random) -> bool:
        before = set(export.touched)
        if not kind.change(export, rng):
            return False
        (name,) = export.touched - before
        export.refused.append((f"column '{name}'", "has amounts in", "(1 row)"))
        return True

    return Kind(kind.name, change, stage="file", tables=kind.tables, sources=kind.sources)


# dates

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LONG_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"
)  # fmt: skip


def noon(day: dt.date) -> dt.datetime:
    """A quarter past two in the afternoon of a day, at the client."""
    return dt.datetime.combine(day, dt.time(14, 3, 5), tzinfo=ZONE)


DATES: dict[str, Callable[[dt.date], str]] = {
    "2024/3/5": lambda d: f"{d.year}/{d.month}/{d.day}",
    "2024-3-5": lambda d: f"{d.year}-{d.month}-{d.day}",
    "2024.03.05": lambda d: f"{d:%Y.%m.%d}",
    "20240305": lambda d: f"{d:%Y%m%d}",
    "2024年3月5日": lambda d: f"{d.year}年{d.month}月{d.day}日",
    "2024年03月05日": lambda d: f"{d:%Y}年{d:%m}月{d:%d}日",
    "2024 年 3 月 5 日": lambda d: f"{d.year} 年 {d.month} 月 {d.day} 日",
    "05.03.2024": lambda d: f"{d:%d.%m.%Y}",
    "5.3.2024": lambda d: f"{d.day}.{d.month}.{d.year}",
    "25/03/2024": lambda d: f"{d:%d/%m/%Y}",
    "03/25/2024": lambda d: f"{d:%m/%d/%Y}",
    "3/25/2024": lambda d: f"{d.month}/{d.day}/{d.year}",
    "25-03-2024": lambda d: f"{d:%d-%m-%Y}",
    "5 Mar 2024": lambda d: f"{d.day} {MONTHS[d.month - 1]} {d.year}",
    "05-Mar-24": lambda d: f"{d:%d}-{MONTHS[d.month - 1]}-{d:%y}",
    "05-Mar-2024": lambda d: f"{d:%d}-{MONTHS[d.month - 1]}-{d.year}",
    "05-MAR-2024": lambda d: f"{d:%d}-{MONTHS[d.month - 1].upper()}-{d.year}",
    "Mar 5, 2024": lambda d: f"{MONTHS[d.month - 1]} {d.day}, {d.year}",
    "March 5, 2024": lambda d: f"{LONG_MONTHS[d.month - 1]} {d.day}, {d.year}",
    "5 March 2024": lambda d: f"{d.day} {LONG_MONTHS[d.month - 1]} {d.year}",
    "Tue, 05 Mar 2024": lambda d: f"{d:%a}, {d:%d} {MONTHS[d.month - 1]} {d.year}",
    "2024-03-05 00:00:00": lambda d: f"{d} 00:00:00",
    "2024-03-05T00:00:00": lambda d: f"{d}T00:00:00",
    "2024-03-05 23:59:59": lambda d: f"{d} 23:59:59",
    "2024-03-05 00:00:00.000": lambda d: f"{d} 00:00:00.000",
    "full width": lambda d: f"{d}".translate(WIDE),
    "blanks around": lambda d: f"  {d} ",
    "2024/3/5 14:03": lambda d: f"{d.year}/{d.month}/{d.day} 14:03",
    "2024/3/5 下午 2:14:03": lambda d: f"{d.year}/{d.month}/{d.day} 下午 2:14:03",
    "2024/3/5 上午 2:14:03": lambda d: f"{d.year}/{d.month}/{d.day} 上午 2:14:03",
    "2024年3月5日 星期二": lambda d: f"{d.year}年{d.month}月{d.day}日 星期{'一二三四五六日'[d.weekday()]}",
    "2024年3月5日 14:03": lambda d: f"{d.year}年{d.month}月{d.day}日 14:03",
    "Mar 5, 2024 3:04 PM": lambda d: f"{MONTHS[d.month - 1]} {d.day}, {d.year} 3:04 PM",
    "3/25/2024 2:14:03 PM": lambda d: f"{d.month}/{d.day}/{d.year} 2:14:03 PM",
    "25.03.2024 14:03": lambda d: f"{d:%d.%m.%Y} 14:03",
    "05-Mar-2024 10:00": lambda d: f"{d:%d}-{MONTHS[d.month - 1]}-{d.year} 10:00",
}
ZONED: dict[str, Callable[[dt.date], str]] = {
    "RFC 2822": lambda d: format_datetime(noon(d)),
    "offset +08:00": lambda d: noon(d).isoformat(),
    "offset +0800": lambda d: noon(d).strftime("%Y-%m-%d %H:%M:%S %z"),
    "UTC with Z": lambda d: noon(d).astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "UTC with milliseconds": lambda d: noon(d).astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    "UTC the evening before": lambda d: (noon(d) - dt.timedelta(hours=13)).astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
    "offset -0500": lambda d: noon(d).astimezone(ZoneInfo("America/Bogota")).strftime("%Y-%m-%d %H:%M:%S -0500"),
    "GMT+8": lambda d: f"{d:%Y/%m/%d} 2:03:05 PM GMT+8",
    "seconds since 1970": lambda d: str(int(noon(d).timestamp())),
    "milliseconds since 1970": lambda d: str(int(noon(d).timestamp()) * 1000),
}
FORMATS = {
    "%d%m%Y": lambda d: f"{d:%d%m%Y}",
    "%y%m%d": lambda d: f"{d:%y%m%d}",
    "%d/%m/%y": lambda d: f"{d:%d/%m/%y}",
    "%m/%d/%y": lambda d: f"{d:%m/%d/%y}",
    "%Y:%m:%d": lambda d: f"{d:%Y:%m:%d}",
    "Day %d of %B %Y": lambda d: f"Day {d:%d} of {LONG_MONTHS[d.month - 1]} {d.year}",
}
NO_DATES = {
    "30 February": "2024-02-30",
    "month 13": "2024-13-01",
    "day 0": "2024-05-00",
    "infinity": "infinity",
    "minus infinity": "-infinity",
    "epoch": "epoch",
    "today": "today",
    "now": "now",
    "tomorrow": "tomorrow",
    "year 24": "0024-08-29",
    "year 1": "0001-01-01",
    "noughts": "0000-00-00",
    "31 December 1899": "1899-12-31",
    "year 2101": "2101-01-01",
    "year 3024": "3024-03-05",
    "two digits alone": "08/03/14",
    "two digits with dots": "05.03.24",
    "a month": "2024-3",
    "a year": "2024",
    "a time": "12:30",
    "words": "soon",
    "25 o'clock": "2024-03-05 25:00",
    "an offset of 25 hours": "2024-03-05T12:00:00+25:00",
    "31.02.2024": "31.02.2024",
    "week": "2024-W10",
    "day of the year": "2024-065",
    "no such month": "5 Foo 2024",
    "Chinese numerals": "二〇二四年三月五日",
    "words behind": "2024-03-05 abc",
    "compact 30 February": "20240230",
    "a question mark": "?",
    "before Christ": "2024-03-05 (BC)",
    "a day beside a day": "2024-03-05 2024-03-06",
}


def date_kinds() -> list[Kind]:
    """Dates and times: how whole columns are written, declared formats, words for no end, cells that are refused."""
    kinds = [whole(f"date: {name}", ("date",), how) for name, how in DATES.items()]
    zone = {"timezone": "Asia/Shanghai"}
    kinds += [whole(f"date: {name}", ("date",), how, client=zone) for name, how in ZONED.items()]
    kinds += [whole(f"date: declared {form}", ("date",), how, declared={"date_format": form}) for form, how in FORMATS.items()]
    kinds += [
        whole("date: dayfirst declared", ("date",), lambda d: f"{d:%d/%m/%Y}", declared={"dayfirst": True}),
        whole("date: monthfirst declared", ("date",), lambda d: f"{d:%m/%d/%Y}", declared={"dayfirst": False}),
        whole(
            "time: 2024/3/5 8:05:07",
            ("timestamp",),
            lambda t: f"{t.year}/{t.month}/{t.day} {t.hour}:{t.minute:02d}:{t.second:02d}",
        ),
        whole("time: ISO with T", ("timestamp",), lambda t: t.isoformat()),
        whole("time: AM and PM", ("timestamp",), lambda t: f"{t:%m/%d/%Y %I:%M:%S %p}"),
        whole(
            "time: 上午 and 下午",
            ("timestamp",),
            lambda t: f"{t.year}/{t.month}/{t.day} {'上午' if t.hour < 12 else '下午'} {t:%I:%M:%S}",
        ),
        whole("time: German", ("timestamp",), lambda t: f"{t:%d.%m.%Y %H:%M:%S}"),
        whole(
            "time: UTC",
            ("timestamp",),
            lambda t: t.replace(tzinfo=ZONE).astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            client=zone,
        ),
        whole("time: month in words", ("timestamp",), lambda t: f"{MONTHS[t.month - 1]} {t.day}, {t.year} {t:%I:%M:%S %p}"),
        whole("time: seconds since 1970", ("timestamp",), lambda t: str(int(t.replace(tzinfo=ZONE).timestamp())), client=zone),
        whole("time: microseconds", ("timestamp",), lambda t: f"{t:%Y-%m-%d %H:%M:%S}.123456"),
        whole("month: 2024-03-05", ("month",), lambda d: f"{d:%Y-%m-15}"),
        whole("month: 2024-03", ("month",), lambda d: f"{d:%Y-%m}"),
        whole("month: 2024/3", ("month",), lambda d: f"{d.year}/{d.month}"),
        whole("month: 202403", ("month",), lambda d: f"{d:%Y%m}"),
        whole("month: 2024年3月", ("month",), lambda d: f"{d.year}年{d.month}月"),
        cell("month: 2024-13", ("month",), "2024-13", refused="unreadable"),
        cell("month: words", ("month",), "spring", refused="unreadable"),
        cell("time: 26 o'clock", ("timestamp",), "2024-03-05 26:00:00", refused="unreadable"),
        cell("time: words", ("timestamp",), "morning", refused="unreadable"),
        *(
            cell(
                f"no end: {day}",
                ("date", "timestamp"),
                day,
                reads=None,
                only=("ended_at", "left_at", "closed_at", "resolved_at"),
            )
            for day in ("9999-12-31", "2999-12-31", "2099-12-31", "9999-12-31 23:59:59", "31.12.9999")
        ),
        _ambiguous(),
        _two_orders(),
    ]
    kinds += [cell(f"no date: {name}", ("date",), text, refused="unreadable") for name, text in NO_DATES.items()]
    return kinds


def _ambiguous() -> Kind:
    def change(export: Export, rng: Random) -> bool:
        names = [name for name in export.free("date") if name in ("ordered_at", "occurred_at", "created_at", "started_at")]
        if not names:
            return False
        name = rng.choice(names)
        for row in export.rows:
            if row.truth.get(name) is not None:
                row.cells[name] = f"{row.truth[name].replace(day=1 + row.truth[name].day % 12):%d/%m/%Y}"
        export.touched.add(name)
        export.refused.append((f"column '{name}'", "can be read in two ways", "dayfirst"))
        return True

    return Kind("date: either order", change, stage="file")


def _two_orders() -> Kind:
    def change(export: Export, rng: Random) -> bool:
        names = export.free("date")
        if not names:
            return False
        name = rng.choice(names)
        rows = [row for row in export.used() if row.truth.get(name) is not None]
        if len(rows) < 2:
            return False
        rows[0].cells[name], rows[1].cells[name] = "25/03/2024", "03/26/2024"
        export.touched.add(name)
        export.refused.append((f"column '{name}'", "is written in two ways", "dayfirst"))
        return True

    return Kind("date: both orders", change, stage="file")


# ids, words, yes and no

EMPTY_WORDS = ("NULL", "(null)", "N/A", "#N/A", "nan", "NaN", "NaT", "None", "<NA>", "\\N", "-", "–", "--")
FLAGS = {
    "yes and no": ("yes", "no"),
    "Y and N": ("Y", "N"),
    "1 and 0": ("1", "0"),
    "是 and 否": ("是", "否"),
    "ja and nein": ("ja", "nein"),
    "wahr and falsch": ("WAHR", "FALSCH"),
    "TRUE and FALSE": ("TRUE", "FALSE"),
    "T and F": ("T", "F"),
    "full width": ("１", "０"),
    "with blanks": (" true ", " false "),
}


def word_kinds() -> list[Kind]:
    """Ids, words for nothing, flags, words of a list."""
    kinds = [
        whole("id: .0 behind", ("id",), lambda v: f"{v}.0", made=lambda v: v[1:]),
        whole("id: .00 behind", ("id",), lambda v: f"{v}.00", made=lambda v: v[1:]),
        whole("id: apostrophe in front", ("id",), lambda v: f"'{v}"),
        whole("id: noughts in front", ("id",), str, made=lambda v: f"000{v[1:]}"),
        whole("id: blanks around", ("id",), lambda v: f" {v}  "),
        whole("id: no-break blank behind", ("id",), lambda v: f"{v}{NBSP}"),
        whole("id: long numbers", ("id",), str, made=lambda v: f"{v[1:]}00012345678901", sources=("csv", "parquet", "duckdb")),
        whole("id: e-mail addresses", ("id",), lambda v: v.title(), made=lambda v: f"{v.lower()}@example.org"),
        whole("id: with a dash", ("id",), str, made=lambda v: f"{v[0]}-{v[1:]}"),
        whole("id: Chinese", ("id",), str, made=lambda v: f"客户{v}"),
        cell("id: a guest", ("id",), "guest", reads="guest", only=("customer_id",), tables=("transactions", "tickets")),
        cell("id: nought", ("id",), "0", reads="0", only=("customer_id",), tables=("transactions",)),
        cell("id: shortened", ("id",), "1.38E+10", refused="a number that a spreadsheet has shortened"),
        cell("id: shortened, comma", ("id",), "1,38E+10", refused="a number that a spreadsheet has shortened"),
        cell(
            "id: empty",
            ("id",),
            "",
            refused="empty",
            only=("customer_id",),
            tables=("transactions", "tickets", "subscriptions"),
        ),
        cell(
            "id: blank",
            ("id",),
            "  ",
            refused="empty",
            only=("customer_id",),
            tables=("transactions", "tickets", "subscriptions"),
        ),
        *(
            cell(f"id: {word}", ("id",), word, refused="empty", only=("customer_id",), tables=("transactions", "tickets"))
            for word in EMPTY_WORDS
        ),
        *(cell(f"date: {word}", ("date", "timestamp"), word, reads=None, optional=True) for word in EMPTY_WORDS),
        *(cell(f"number: {word}", ("money", "number", "integer"), word, reads=None, optional=True) for word in EMPTY_WORDS),
        cell(
            "date: empty",
            ("date", "timestamp"),
            "",
            refused="empty",
            only=("ordered_at", "started_at", "opened_at", "occurred_at"),
        ),
        cell("amount: empty", ("money",), "", refused="empty", only=("amount",), tables=("transactions", "costs")),
        cell("text: N/A stays", ("text",), "N/A", reads="N/A", only=("product", "channel", "region", "plan", "team")),
        cell("text: a formula stays", ("text",), "=1+1", reads="=1+1", only=("product", "region", "plan", "team")),
        cell("text: blanks inside stay", ("text",), "a  b", reads="a  b", only=("product", "region", "plan", "team")),
        cell("text: noughts stay", ("text",), "007", reads="007", only=("product", "region", "plan", "team")),
        cell("text: quotation marks", ("text",), 'the "blue" one', reads='the "blue" one', only=("product", "region", "plan")),
        cell("text: separators", ("text",), "a,b;c|d\te", reads="a,b;c|d\te", only=("product", "region", "plan", "channel")),
        cell("text: a line feed", ("text",), "one\ntwo", reads="one\ntwo", only=("product", "region", "plan", "channel")),
        cell(
            "text: return and feed",
            ("text",),
            "one\r\ntwo",
            reads="one\r\ntwo",
            only=("product", "region", "plan"),
            sources=("csv",),
        ),
        cell("text: a return", ("text",), "one\rtwo", reads="one\rtwo", only=("product", "region", "plan"), sources=("csv",)),
    ]
    for name, (yes, no) in FLAGS.items():
        kinds.append(whole(f"flag: {name}", ("boolean",), lambda v, yes=yes, no=no: yes if v else no))
    for word in ("maybe", "2", "-1", "ok", "yes and no"):
        kinds.append(cell(f"flag: {word!r}", ("boolean",), word, refused="unreadable"))
    return [*kinds, *_choices(), _values_flag(), _values_words()]


def _chosen(export: Export) -> list[str]:
    from crmkit.data.tables import TABLES

    columns = TABLES[export.table].columns
    return [name for name in export.free("text") if name in columns and columns[name].choices]


def _choices() -> list[Kind]:
    def capital(export: Export, rng: Random) -> bool:
        names = _chosen(export)
        if not names:
            return False
        name = rng.choice(names)
        export.write_column(name, lambda value: f" {value.title()} ")
        export.touched.add(name)
        return True

    def unknown(export: Export, rng: Random) -> bool:
        names = _chosen(export)
        row = some_row(export, rng, names[0]) if names else None
        if row is None:
            return False
        row.cells[names[0]] = "zebra"
        row.fate = f"{names[0]}: none of the words of this column"
        export.touched.add(names[0])
        return True

    def mapped(export: Export, rng: Random) -> bool:
        names = _chosen(export)
        if not names or "declared" in export.touched:
            return False
        name = names[0]
        words = sorted({row.truth[name] for row in export.rows if row.truth.get(name)})
        theirs = {word: f"Wort {at}" for at, word in enumerate(words)}
        export.write_column(name, theirs.__getitem__)
        export.declared["values"] = {name: {their: word for word, their in theirs.items()}}
        export.touched |= {name, "declared"}
        return True

    return [
        Kind("word: capital letters and blanks", capital),
        Kind("word: unknown", unknown, stage="row"),
        Kind("word: declared with values", mapped),
    ]


def _values_flag() -> Kind:
    def change(export: Export, rng: Random) -> bool:
        names = export.free("boolean")
        if not names or "declared" in export.touched:
            return False
        name = rng.choice(names)
        export.write_column(name, lambda value: "kept" if value else "lost")
        export.declared["values"] = {name: {"kept": "true", "lost": "false"}}
        export.touched |= {name, "declared"}
        return True

    return Kind("flag: declared with values", change)


def _values_words() -> Kind:
    """A word for nothing in a column of dates, and a word that stands for a number."""

    def change(export: Export, rng: Random) -> bool:
        names = [name for name in export.free("date", "timestamp") if not required(export, name)]
        row = some_row(export, rng, names[0]) if names else None
        if row is None or "declared" in export.touched:
            return False
        row.cells[names[0]], row.truth[names[0]] = "never", None
        export.declared["values"] = {names[0]: {"never": ""}}
        export.touched |= {names[0], "declared"}
        return True

    return Kind("date: a word for nothing, declared", change)
