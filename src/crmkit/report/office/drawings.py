"""Which numbers of an exhibit does a chart of a slide hold? Series and categories, from the table behind the page's figure.

A slide's chart is drawn by whoever opens it, from its own data sheet; so this says what is in the sheet and nothing of strokes.
Rows that the page withholds are withheld here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from crmkit.core.format import INTERVAL, alike, format_value
from crmkit.core.language import Locale, mark, say
from crmkit.core.results import ESTIMATE_COLUMNS, Axis, Quantity, Result, Text, Unit
from crmkit.show.boxes import COUNT
from crmkit.show.figures.concentration import EQUAL
from crmkit.show.figures.parts import axis_label
from crmkit.show.words import attribute, empty, group_words, plain, sentence, short

if TYPE_CHECKING:
    import pandas as pd

Form = Literal["bars", "stacked", "lines", "points"]
Numbers = tuple[float | None, ...]
MOST_BARS, MOST_LINES, MOST_POINTS, MOST_LIMITED, LONGEST = 14, 6, 400, 2, 60
ENDS = ("value", "low", "high")
EXCEL_DAY_ZERO = "1899-12-30"
LOWER, UPPER = mark("lower limit"), mark("upper limit")
NAMED, OF_WHAT = Text("{name}: {limit}"), Text("{name} ({measure})")
LIMITED = Text("{label}, line: {reference}")


@dataclass(frozen=True)
class Series:
    """One row of numbers of a chart.

    Parameters
    ----------
    name : str
    values : tuple of float or None
    low, high : tuple of float or None
        Limits, in the order of the values; empty where there are none.
    x : tuple of float
        Places to the right, of lines and points; days count as Excel counts them.
    side : bool
        Whether it only accompanies others: a limit, a line to compare with. It has no place in the legend.
    x_low, x_high : tuple of float or None
        Limits of the places to the right, of points.
    pale : tuple of bool
        Of each point, whether it must not be read.
    """

    name: str
    values: Numbers
    low: Numbers = ()
    high: Numbers = ()
    x: tuple[float, ...] = ()
    side: bool = False
    x_low: Numbers = ()
    x_high: Numbers = ()
    pale: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Drawing:
    """What a chart holds.

    Parameters
    ----------
    form : {"bars", "stacked", "lines", "points"}
    series : tuple of Series
    categories : tuple of str
        Names of bars, or of points.
    unit, x_unit : Unit
        Of the values, and of places to the right.
    label, x_label : str
        Of the two axes.
    start : float
        Where bars begin.
    log : bool
        Whether values are ratios.
    """

    form: Form
    series: tuple[Series, ...]
    categories: tuple[str, ...] = ()
    unit: Unit = "number"
    x_unit: Unit = "number"
    label: str = ""
    x_label: str = ""
    start: float = 0.0
    log: bool = False


def drawing_of(result: Result, locale: Locale) -> Drawing | None:
    """The chart of an exhibit; None where it is no figure, or holds more than a slide can show."""
    table = result.table
    if table is None or table.empty:
        return None
    if result.kind == "table" and _estimates(table):
        result = replace(result, y=Axis("", str(table["unit"].iloc[0])))  # type: ignore[arg-type]
        return _bars(result, table, locale)
    made = FORMS.get(result.kind)
    return made(result, table, locale) if made else None


def _estimates(table: pd.DataFrame) -> bool:
    """Whether a table holds a few estimates of one unit, one for each group, that can stand side by side."""
    if not set(ESTIMATE_COLUMNS) <= set(table.columns) or len(table) < 3:
        return False
    known = table.loc[table["value"].notna()]
    return bool(len(known) == len(table) and table["unit"].nunique() == 1 and table["group"].is_unique)


def _bars(result: Result, table: pd.DataFrame, locale: Locale) -> Drawing | None:
    """A bar for each group and measure; of one measure, value, interval and n stand beside the name."""
    groups, measures = list(dict.fromkeys(table["group"])), list(dict.fromkeys(table["measure"]))
    if len(groups) * len(measures) > MOST_BARS:
        return None
    unit: Unit = result.y.unit if result.y else "number"
    rows = {(row["group"], row["measure"]): row for row in map(_visible, table.to_dict("records"))}
    named, called = group_words(result, "group", locale), group_words(result, "measure", locale)
    names = [short(named(group), LONGEST) for group in groups]
    if len(measures) > 1 and len(table) == len(groups):
        # one bar each, of different things: what it is stands beside the name
        names = [
            say(Text(OF_WHAT.template, {"name": name, "measure": called(one)}), locale)
            for name, one in zip(names, table["measure"], strict=True)
        ]
        rows, measures = {(group, measures[0]): row for (group, _), row in rows.items()}, measures[:1]
    if len(measures) == 1:
        differ = len({row.get("n") for row in rows.values()}) > 1
        every = [row[key] for row in rows.values() for key in ENDS if key in row]
        decimals = alike(every, unit) if attribute(table, "alike", True) else None
        told = partial(_told, unit=unit, counted=differ, decimals=decimals)
        names = [
            told(name, rows.get((group, measures[0]), {}), locale=locale) for name, group in zip(names, groups, strict=True)
        ]
    series = tuple(_bar_series(called(one), [rows.get((group, one), {}) for group in groups]) for one in measures)
    reference, words = _reference(table, locale)
    label = axis_label(result.y, locale)
    if words:
        label = say(Text(LIMITED.template, {"label": label, "reference": words}), locale) if label else words
    log = bool(attribute(table, "log"))
    start = 1.0 if log else 0.0 if reference is None else reference
    return Drawing("bars", series, tuple(names), unit, label=label, start=start, log=log)


def _bar_series(name: str, rows: Sequence[Mapping[str, Any]]) -> Series:
    values, low, high = (tuple(_number(row.get(key)) for row in rows) for key in ENDS)
    return Series(name, values, low, high)


def _visible(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row as the page shows it: nothing of a group that is too small."""
    hidden = bool(row.get("suppressed", False))
    return {str(name): None if hidden and name in (*ENDS, "n") else value for name, value in row.items()}


def _told(name: str, row: Mapping[str, Any], *, unit: Unit, decimals: int | None, counted: bool, locale: Locale) -> str:
    """The name of a bar, and in a second line what it shows."""
    if empty(row.get("value")):
        return name
    show = partial(format_value, unit=unit, language=locale.language, currency=locale.currency, decimals=decimals)
    limited = not empty(row.get("low")) and not empty(row.get("high"))
    ends = {key: show(row[key]) for key in (ENDS if limited else ENDS[:1])}
    said = [INTERVAL[locale.language].format(**ends) if limited else ends["value"]]
    if counted and not empty(row.get("n")):
        said.append(say(Text(COUNT.template, {"n": Quantity(row["n"], "count")}), locale))
    return f"{name}\n{' · '.join(said)}"


def _reference(table: pd.DataFrame, locale: Locale) -> tuple[float | None, str]:
    found = attribute(table, "reference")
    if isinstance(found, tuple | list):
        return float(found[0]), sentence(found[1], locale)
    return (None if found is None else float(found)), ""


def _stacked(result: Result, table: pd.DataFrame, locale: Locale) -> Drawing | None:
    """Shares of answers, question by question."""
    groups, boxes = list(dict.fromkeys(table["group"])), sorted(dict.fromkeys(table["box"]))
    if len(groups) > MOST_BARS:
        return None
    rows = {(row["group"], row["box"]): row for row in map(_visible, table.to_dict("records"))}
    named, called = group_words(result, "group", locale), group_words(result, "box", locale)
    series = tuple(
        Series(called(box), tuple(_number(rows.get((group, box), {}).get("value")) for group in groups)) for box in boxes
    )
    names = tuple(short(named(group), LONGEST) for group in groups)
    return Drawing("stacked", series, names, "share", label=axis_label(result.x, locale))


def _lines(result: Result, table: pd.DataFrame, locale: Locale) -> Drawing | None:
    """A line for each group, with its limits where there are no more than two groups."""
    if "group" not in table:
        table = table.assign(group="")
    table = table.loc[table["value"].notna()]
    groups = list(dict.fromkeys(table["group"]))
    if not groups or len(groups) > MOST_LINES or table.groupby("group").size().max() < 2:
        return None
    x_unit, unit = result.x.unit if result.x else "number", result.y.unit if result.y else "number"
    named, step = group_words(result, "group", locale), bool(attribute(table, "step"))
    series: list[Series] = []
    for group in groups:
        rows = table.loc[table["group"] == group]
        rows = rows.assign(x=_places(rows["x"], x_unit)).sort_values("x", kind="stable")
        name = named(group) if len(groups) > 1 or str(group).strip() else axis_label(result.y, locale)
        series.append(_line(name, rows, "value", step=step))
        limited = {"low", "high"} <= set(rows.columns) and not rows[["low", "high"]].isna().any(axis=None)
        if limited and len(groups) <= MOST_LIMITED:
            for key, limit in (("low", LOWER), ("high", UPPER)):
                beside = say(Text(NAMED.template, {"name": name, "limit": Text(limit)}), locale)
                series.append(replace(_line(beside, rows, key, step=step), side=True))
    if result.kind == "concentration":
        series.append(Series(say(EQUAL, locale), (0.0, 1.0), x=(0.0, 1.0)))
    label, x_label = axis_label(result.y, locale), axis_label(result.x, locale)
    # LibreOffice 7.4 does not draw a line that is shorter than a later one
    series.sort(key=lambda one: -len(one.values))
    return Drawing("lines", tuple(series), unit=unit, x_unit=x_unit, label=label, x_label=x_label)


def _places(values: pd.Series[Any], unit: Unit) -> list[float]:
    if unit != "date":
        return [float(value) for value in values]
    import pandas as pd

    return [float((pd.Timestamp(value) - pd.Timestamp(EXCEL_DAY_ZERO)).days) for value in values]


def _line(name: str, rows: pd.DataFrame, column: str, *, step: bool) -> Series:
    """Points of a line; a step keeps its value until the next one, and only where it changes are points needed."""
    pairs = [(float(x), float(y)) for x, y in zip(rows["x"], rows[column], strict=True)]
    if step:
        inside = [pair for before, pair in pairwise(pairs) if pair[1] != before[1]]
        pairs = [pairs[0], *inside, *(pairs[-1:] if pairs[-1] not in (pairs[0], *inside[-1:]) else [])]
    every = math.ceil(len(pairs) / MOST_POINTS)
    kept = [pair for place, pair in enumerate(pairs) if place % every == 0 or place == len(pairs) - 1]
    if step:
        kept = [kept[0], *(one for (_, y), (x, then) in pairwise(kept) for one in ((x, y), (x, then)))]
    return Series(name, tuple(y for _, y in kept), x=tuple(x for x, _ in kept))


def _points(result: Result, table: pd.DataFrame, locale: Locale) -> Drawing | None:
    """A map of points, and the two lines that divide it."""
    rows = table.to_dict("records")
    if len(rows) > MOST_BARS:
        return None
    named = group_words(result, "group", locale)
    x = tuple(float(row["x"]) for row in rows)
    values, low, high, x_low, x_high = (tuple(_number(row[key]) for row in rows) for key in (*ENDS, "x_low", "x_high"))
    (across, up), ends = (float(rows[0][key]) for key in ("x_cross", "cross")), [value for value in values if value is not None]
    label, x_label = axis_label(result.y, locale), axis_label(result.x, locale)
    series = (
        Series(label, values, low, high, x, x_low=x_low, x_high=x_high, pale=tuple(bool(row.get("pale")) for row in rows)),
        Series(x_label, (min(ends), max(ends)), x=(across, across), side=True),
        Series(label, (up, up), x=(min(x), max(x)), side=True),
    )
    units = [axis.unit if axis else "number" for axis in (result.y, result.x)]
    names = tuple(short(named(row["group"]), LONGEST) for row in rows)
    return Drawing("points", series, names, units[0], units[1], label, x_label)


FORMS: Mapping[str, Callable[[Result, Any, Locale], Drawing | None]] = {
    "bars": _bars,
    "interval_dots": _bars,
    "curve": _lines,
    "concentration": _lines,
    "diverging": _stacked,
    "quadrants": _points,
}


def _number(value: Any) -> float | None:
    return None if empty(value) else float(value)


def sheet_format(values: Sequence[float | None], unit: Unit, locale: Locale) -> str:
    """How a spreadsheet writes values of a unit, with the decimals that a page would show.

    Examples
    --------
    >>> sheet_format([0.123], "share", Locale()), sheet_format([1234.5], "money", Locale("en", "USD"))
    ('0.0%', '"US$"#,##0;-"US$"#,##0')
    """
    from babel.numbers import get_currency_symbol

    from crmkit.core.format import BABEL_LOCALE

    known = [abs(value) for value in values if value is not None]
    if unit == "date":
        return 'yyyy"年"m"月"' if locale.language == "zh" else "mmm yyyy"
    if unit == "share":
        return "0%" if not (places := alike(known, "share")) else f"0.{'0' * places}%"
    if unit == "money":
        sign = plain(get_currency_symbol(locale.currency, locale=BABEL_LOCALE[locale.language])).replace('"', "")
        number = "#,##0.00" if alike(known, "money") else "#,##0"
        return f'"{sign}"{number};-"{sign}"{number}'
    if unit == "count" or all(value == round(value) for value in known):
        return "#,##0"
    size = math.floor(math.log10(max(known)))
    decimals = {"points": 1, "score": 2}.get(unit, min(4, max(0, 2 - size)))
    return "#,##0" + (f".{'0' * decimals}" if decimals else "")


def scale(values: Sequence[float | None], *, log: bool = False, parts: int = 5) -> tuple[float, float, float]:
    """Where an axis begins and ends, and its step, all round numbers; of ratios powers of two.

    Examples
    --------
    >>> scale([0, 0.42]), scale([-3, 17]), scale([0.7, 1.5], log=True)
    ((0.0, 0.5, 0.1), (-5.0, 20.0, 5.0), (0.5, 2.0, 2.0))
    """
    known = [value for value in values if value is not None and (value > 0 or not log)]
    low, high = min(known, default=float(log)), max(known, default=1.0 + log)
    if log:
        return 2.0 ** math.floor(math.log2(low)), 2.0 ** math.ceil(math.log2(high)), 2.0
    rough = (high - low or abs(high) or 1.0) / parts
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * times for times in (1, 2, 2.5, 5, 10) if size * times >= rough * 0.999)
    # a value that stands on a step up to noise stands on it
    begin, end = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    return round(begin, 12), round(end if end > begin else begin + step, 12), round(step, 12)
