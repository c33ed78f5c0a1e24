"""How a number looks to a reader: rounded to meaning, in the reader's language and the client's currency.

Full precision is kept everywhere else; this is the only place where a number is rounded.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from typing import Any

from crmkit.core.results import Quantity, Unit

DASH = "–"
BABEL_LOCALE = {"en": "en_GB", "zh": "zh_CN"}
# one of them, several of them in English, and any number of them in Chinese
UNITS_OF_TIME: dict[str, tuple[str, str, str]] = {
    "hours": ("{} hour", "{} hours", "{}小时"),
    "days": ("{} day", "{} days", "{}天"),
    "weeks": ("{} week", "{} weeks", "{}周"),
    "months": ("{} month", "{} months", "{}个月"),
    "years": ("{} year", "{} years", "{}年"),
}
INTERVAL = {"en": "{value} ({low} to {high})", "zh": "{value}（{low}至{high}）"}
WHOLE_MONEY_FROM = 1000
SIGNIFICANT = 3


def format_quantity(quantity: Quantity, *, language: str = "en", currency: str = "EUR") -> str:
    """A number in words, with its interval where it has one.

    Examples
    --------
    >>> format_quantity(Quantity(0.1234, "share", 0.1, 0.15))
    '12.3% (10% to 15%)'
    """
    value = format_value(quantity.value, quantity.unit, language=language, currency=currency)
    if quantity.low is None or quantity.high is None or missing(quantity.low) or missing(quantity.high):
        return value
    low, high = (
        format_value(limit, quantity.unit, language=language, currency=currency) for limit in (quantity.low, quantity.high)
    )
    return INTERVAL[language].format(value=value, low=low, high=high)


def format_value(value: Any, unit: Unit, *, language: str = "en", currency: str = "EUR", decimals: int | None = None) -> str:
    """One value as a reader sees it.

    Parameters
    ----------
    value : number, str, date or None
        None, nan and NaT give a dash; shares are 0 to 1.
    unit : Unit
    language : {"en", "zh"}
    currency : str
        ISO code.
    decimals : int or None
        Decimals of money and of percentages, where values stand under each other; None: by the size of this value. Other units
        do not need it.

    Examples
    --------
    >>> format_value(1234.5, "money", currency="EUR"), format_value(12.5, "money", currency="EUR")
    ('€1,234', '€12.50')
    >>> format_value(-0.0004, "money"), format_value(-0.0, "days")
    ('€0.00', '0 days')
    >>> format_value(0.2425945, "number"), format_value(2357, "count"), format_value(None, "share")
    ('0.243', '2,357', '–')
    """
    if unit in ("text", "customer"):
        return DASH if value is None or missing(value) else str(value)
    if missing(value):
        return DASH
    locale = BABEL_LOCALE[language]
    if unit == "date":
        return _date(value, language)
    number = float(value)
    if unit == "p":
        return p_words(number)
    shown = _measured(number, unit, locale, language, currency, alike([number], unit) if decimals is None else decimals)
    # nothing is less than nothing: what is rounded to zero has no sign
    return shown if any(digit in shown for digit in "123456789") else shown.removeprefix("-")


def _measured(number: float, unit: Unit, locale: str, language: str, currency: str, decimals: int | None) -> str:
    from babel import numbers

    if unit == "share":
        return str(numbers.format_percent(number, format=f"#,##0{_places(decimals)}%", locale=locale))
    if unit == "money":
        pattern = f"¤#,##0{_places(decimals)}"
        pattern = f"{pattern};-{pattern}"
        return str(numbers.format_currency(number, currency, format=pattern, currency_digits=False, locale=locale))
    if unit == "count":
        return str(numbers.format_decimal(round(number), format="#,##0", locale=locale))
    if unit in UNITS_OF_TIME:
        text = numbers.format_decimal(number, format="#,##0.#" if abs(number) < 100 else "#,##0", locale=locale)
        one, several, chinese = UNITS_OF_TIME[unit]
        return (chinese if language == "zh" else one if text in ("1", "-1") else several).format(text)
    if unit == "points":
        return str(numbers.format_decimal(number, format="#,##0.0", locale=locale))
    if unit == "score":
        return str(numbers.format_decimal(number, format="#,##0.00", locale=locale))
    return _significant(number, locale)


def missing(value: Any) -> bool:
    """Whether there is no value: None, nan or NaT."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return False


def alike(values: Iterable[Any], unit: Unit) -> int | None:
    """With how many decimals do amounts or shares that stand under each other look alike?

    Money is in whole numbers when any amount is 1000 or more, else in hundredths. Percentages have tenths; none where all are
    whole, because those are mostly chosen, not estimated; hundredths where all are below one percent. Other units: None.

    Examples
    --------
    >>> alike([2.94, 85_828], "money"), alike([0.2, 0.143], "share"), alike([1, 2], "count")
    (0, 1, None)
    """
    sizes = [abs(float(value)) for value in values if not missing(value)] if unit in ("money", "share") else []
    if not sizes:
        return None
    if unit == "money":
        return 0 if max(sizes) >= WHOLE_MONEY_FROM else 2
    if all(abs(size * 100 - round(size * 100)) < 1e-9 for size in sizes):
        return 0
    return 2 if max(sizes) < 0.01 else 1


def p_words(p: float) -> str:
    """A p-value as papers print it.

    Examples
    --------
    >>> p_words(0.04321), p_words(1e-9), p_words(float("nan"))
    ('0.043', '<0.001', '')
    """
    if p != p:
        return ""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _places(decimals: int | None) -> str:
    return "." + "0" * decimals if decimals else ""


def _significant(number: float, locale: str) -> str:
    """Three significant digits, all digits before the point; no exponent between 1e-3 and 1e9."""
    from babel import numbers

    if number == 0 or math.isinf(number):
        return "0" if number == 0 else "∞"
    size = math.floor(math.log10(abs(number)))
    if size < -SIGNIFICANT:
        return f"{number:.2e}"
    decimals = max(0, SIGNIFICANT - 1 - size)
    return str(numbers.format_decimal(round(number, decimals), format="#,##0." + "#" * decimals, locale=locale))


def _date(value: Any, language: str) -> str:
    from babel.dates import format_date

    day = value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value)[:10])
    return str(format_date(day, format="d MMM y" if language == "en" else "y年M月d日", locale=BABEL_LOCALE[language]))
