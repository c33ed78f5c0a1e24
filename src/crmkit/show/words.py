"""Which words does a reader see? Text of the client made harmless, no identifiers of customers, short labels for figures."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crmkit.core.errors import ReportError
from crmkit.core.format import DASH, format_value, missing
from crmkit.core.language import DIRECTION_MARKS, Locale, say, translate
from crmkit.core.results import Column, Quantity, Result, Text, Unit

if TYPE_CHECKING:
    import pandas as pd

Naming = Callable[[str], str]

LONGEST_LABEL = 28
IDENTIFIERS = frozenset({"customer_id", "referrer_id", "referred_id"})
PERSONAL = frozenset({"name", "email", "phone", "comment"})

ESTIMATE_LABELS = (
    Column("group", "Group"),
    Column("measure", "Measure", translate=True),
    Column("value", "Value", "number"),
    Column("interval", "Interval", "number"),
    Column("n", "n", "count"),
    Column("method", "Method", translate=True),
)
WITHHELD = Text("withheld")
YES, NO = Text("yes"), Text("no")


def plain(value: Any) -> str:
    """A value of the client as one line of text, without characters that command a terminal or turn the reading direction.

    Examples
    --------
    >>> plain("Smith\\nand\\x1b[31m Sons")
    'Smith and[31m Sons'
    """
    folded = " ".join(str(value).split())
    return "".join(c for c in folded if unicodedata.category(c) not in ("Cc", "Cs") and c not in DIRECTION_MARKS)


def width(text: str) -> int:
    """Places that a text takes; a Chinese character takes two.

    Examples
    --------
    >>> width("Loyal"), width("华东")
    (5, 4)
    """
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def short(text: str, length: int = LONGEST_LABEL) -> str:
    """A text cut to a length that fits a figure; the cut is shown.

    Examples
    --------
    >>> short("Household goods and garden", 16)
    'Household goods…'
    """
    if width(text) <= length:
        return text
    while width(text) > length - 1:
        text = text[:-1]
    return text.rstrip() + "…"


def folded(text: str, length: int = LONGEST_LABEL) -> str:
    """A label on at most two lines; what is longer is cut, and the cut is shown.

    Examples
    --------
    >>> folded("Household goods and garden", 16)
    'Household goods\\nand garden'
    """
    lines = textwrap.wrap(text, max(4, length * len(text) // max(1, width(text))))
    if len(lines) <= 2:
        return "\n".join(lines)
    return lines[0] + "\n" + short(lines[1], length - 1).removesuffix("…") + "…"


def empty(value: Any) -> bool:
    """Whether there is nothing to show: None, nan, NaT or pandas' NA."""
    return missing(value) or type(value).__name__ == "NAType"


def sentence(text: Text | Quantity | str | None, locale: Locale, naming: Naming | None = None) -> str:
    """A sentence in the reader's language, as plain text in which no customer stands by identifier."""
    return plain(say(_masked(text, locale, naming), locale)) if text is not None else ""


def _masked(text: Any, locale: Locale, naming: Naming | None) -> Any:
    if isinstance(text, Quantity) and text.unit == "customer":
        return customer(text.value, locale, naming)
    if isinstance(text, Text):
        return replace(text, numbers={name: _masked(part, locale, naming) for name, part in text.numbers.items()})
    return text


def customer(value: Any, locale: Locale, naming: Naming | None) -> str:
    """What one customer is called: by ``naming``, and where there is none a word that says so; never the bare identifier."""
    if empty(value):
        return DASH
    return say(WITHHELD, locale) if naming is None else plain(naming(str(value)))


def cell(
    value: Any,
    column: Column,
    locale: Locale,
    *,
    naming: Naming | None = None,
    unit: Unit | None = None,
    decimals: int | None = None,
    exhibit: str = "",
) -> str:
    """One value of a table in words.

    Parameters
    ----------
    value : object
    column : Column
    locale : Locale
    naming : callable or None
        What a customer is called on the page, from the identifier; without it customers are withheld.
    unit : Unit or None
        Instead of the column's own, where each row has its unit.
    decimals : int or None
        Of money and percentages, where they are to look like those above and below; None: by the value's own size.
    exhibit : str
        Name of the exhibit, for a message.

    Raises
    ------
    ReportError
        When the value cannot be read as its unit demands.
    """
    unit = unit or column.unit
    if unit == "customer" or column.name in IDENTIFIERS:
        return customer(value, locale, naming)
    if empty(value):
        return DASH
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return say(YES if value else NO, locale)
    if isinstance(value, Text | Quantity):
        return sentence(value, locale, naming)
    if unit == "text":
        text = plain(value)
        return translate(text, locale.words) if column.translate else text
    try:
        return format_value(value, unit, language=locale.language, currency=locale.currency, decimals=decimals)
    except (TypeError, ValueError) as err:
        raise ReportError(
            f"exhibit '{exhibit}': column '{column.name}' has {plain(value)!r}, which is not a value of unit '{unit}'"
        ) from err


def column_of(result: Result, name: str) -> Column:
    """How a column is shown: as the result declares it, else as estimate tables have it, else as text of the client."""
    for declared in (*result.columns, *ESTIMATE_LABELS):
        if declared.name == name:
            return declared
    return Column(name, name)


def group_words(result: Result, column: str, locale: Locale) -> Callable[[Any], str]:
    """What turns a value of a text column into the label that a figure shows.

    Words of the client are left as they are; words of ours are translated where the result declares the column so.
    """
    declared = column_of(result, column)
    return lambda value: cell(value, declared, locale, exhibit=result.name)


def required(result: Result, *names: str) -> pd.DataFrame:
    """The table of a result, once it is sure that it has the columns that its kind reads.

    Raises
    ------
    ReportError
        Naming the exhibit, its kind and what is missing.
    """
    if result.table is None:
        raise ReportError(f"exhibit '{result.name}': was not assessed and cannot be drawn")
    absent = [name for name in names if name not in result.table.columns]
    if absent:
        raise ReportError(
            f"exhibit '{result.name}': kind '{result.kind}' needs the columns {', '.join(names)}; {', '.join(absent)} not there"
        )
    return result.table


def attribute(table: pd.DataFrame, name: str, default: Any = None) -> Any:
    """What the analysis said beside the rows (``table.attrs``)."""
    attrs: Mapping[Any, Any] = table.attrs
    return attrs.get(name, default)
