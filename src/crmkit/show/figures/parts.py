"""What do all kinds of figures share? Axes with words and units, labels beside lines, marks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from crmkit.core.format import BABEL_LOCALE, UNITS_OF_TIME
from crmkit.core.language import Locale, say, translate
from crmkit.core.results import Axis, Result, Text, Unit
from crmkit.show import theme
from crmkit.show.figures.told import AREAS, CELL
from crmkit.show.words import attribute, empty, plain, sentence, short, width

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis as DrawnAxis
    from matplotlib.text import Text as Label

NOTHING = Text("No data to show")
WITH_UNIT = Text("{label} ({unit})")
TIME_WORDS = {
    "hours": Text("hours"),
    "days": Text("days"),
    "weeks": Text("weeks"),
    "months": Text("months"),
    "years": Text("years"),
}
LABEL_LINES = 1.45
NARROW_BELOW = 5.0
SHORT_SPAN_DAYS = 150
MOST_DAYS = 3
# names of a legend that stand side by side on a phone
SHORT_NAME = 12


def axis_label(axis: Axis | None, locale: Locale) -> str:
    """Label of an axis, with its unit where the ticks do not show it."""
    if axis is None:
        return ""
    label = plain(translate(axis.label, locale.words))
    if axis.unit in UNITS_OF_TIME and label:
        return say(Text(WITH_UNIT.template, {"label": label, "unit": TIME_WORDS[axis.unit]}), locale)
    return label


def tick_words(unit: Unit, locale: Locale) -> Callable[[float, Sequence[float]], str]:
    """What turns the place of a tick, given all places, into the shortest text that tells the ticks apart."""
    from babel import numbers

    where = BABEL_LOCALE[locale.language]

    def words(value: float, ticks: Sequence[float]) -> str:
        step = min((abs(b - a) for a, b in pairwise(ticks)), default=0.0)
        if unit == "date":
            return _date_words(value, ticks, where)
        if unit == "share":
            return str(numbers.format_percent(value, format="#,##0.#%" if 0 < step < 0.0099 else "#,##0%", locale=where))
        compact = abs(ticks[-1]) >= 10_000 if len(ticks) else False
        if unit == "money" and compact:
            return str(
                numbers.format_compact_currency(value, locale.currency, locale=where, fraction_digits=2 if step < 100 else 1)
            )
        if unit == "money":
            pattern = "¤#,##0;-¤#,##0" if step >= 1 else "¤#,##0.00;-¤#,##0.00"
            return str(numbers.format_currency(value, locale.currency, format=pattern, currency_digits=False, locale=where))
        if compact:
            return str(numbers.format_compact_decimal(value, locale=where, fraction_digits=1))
        return str(numbers.format_decimal(round(value, 9), format="#,##0.######", locale=where))

    return words


def _date_words(value: float, ticks: Sequence[float], where: str) -> str:
    from babel.dates import format_date
    from matplotlib.dates import num2date

    day: dt.date = num2date(value).date()  # type: ignore[no-untyped-call]
    long = len(ticks) > 1 and ticks[-1] - ticks[0] > SHORT_SPAN_DAYS
    patterns = {"en_GB": ("MMM y", "d MMM"), "zh_CN": ("y年M月", "M月d日")}[where]
    return str(format_date(day, format=patterns[0 if long else 1], locale=where))


def write_axis(drawn: DrawnAxis, axis: Axis | None, locale: Locale) -> None:
    """Puts label, ticks and their words on a number or date axis."""
    from matplotlib import dates, ticker

    unit: Unit = axis.unit if axis else "number"
    drawn.set_label_text(axis_label(axis, locale))
    if unit == "date":
        # so many that a step of months or one of years always fits
        most = (2, 5) if narrow(drawn.axes) else (3, 8)
        drawn.set_major_locator(dates.AutoDateLocator(minticks=most[0], maxticks=most[1]))  # type: ignore[no-untyped-call]
    else:
        most_ticks = 4 if narrow(drawn.axes) and drawn is drawn.axes.xaxis else 6
        drawn.set_major_locator(ticker.MaxNLocator(nbins=most_ticks, integer=unit == "count", steps=[1, 2, 2.5, 5, 10]))
    words = tick_words(unit, locale)

    seen: dict[Any, list[float]] = {}

    def with_neighbours(value: float, _position: int | None = None) -> str:
        low, high = sorted(drawn.get_view_interval())
        key = (low, high, drawn.get_major_locator())
        if key not in seen:
            seen.clear()
            seen[key] = [tick for tick in drawn.get_majorticklocs() if low <= tick <= high]
        if unit == "date" and len(seen[key]) > MOST_DAYS and narrow(drawn.axes) and seen[key].index(value) % 2:
            return ""
        return words(value, seen[key])

    drawn.set_major_formatter(ticker.FuncFormatter(with_neighbours))


def narrow(axes: Axes) -> bool:
    """Whether a figure is drawn for a phone."""
    return bool(axes.figure.get_figwidth() < NARROW_BELOW)  # type: ignore[union-attr]


def letters(axes: Axes, length: int) -> int:
    """How long a label may be: on a phone there is room for half of it."""
    return max(8, round(length * 0.56)) if narrow(axes) else length


def tell(axes: Axes, number: float, across: tuple[float, float], up: tuple[float, float]) -> None:
    """An area, in the units of the axes, that tells row ``number`` of the table when a pointer is on it; it is not seen."""
    if number >= 0 and not any(place != place for place in (*across, *up)):
        axes.__dict__.setdefault(AREAS, []).append((int(number), across, up))


def limits(values: Sequence[float], unit: Unit, *, zero: bool = True) -> tuple[float, float]:
    """From where to where an axis goes: from zero where values are amounts, and shares never far past 0 and 1.

    Examples
    --------
    >>> limits([0.2, 0.4], "share"), limits([0.97, 0.99], "share"), limits([], "count")
    ((0.0, 0.42), (0.0, 1.02), (0.0, 1.0))
    """
    known = [float(value) for value in values if not empty(value)]
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        low, high = (0.0, 1.0) if low == 0 else (low - abs(low) / 2, high + abs(high) / 2)
    room = 0.05 * (high - low)
    top = high + room if high > 0 or not zero else 0.0
    bottom = low - room if low < 0 or not zero else 0.0
    return (round(bottom, 9), round(min(top, 1.02) if unit == "share" and high <= 1 else top, 9))


def nothing(axes: Axes, locale: Locale) -> None:
    """Says that there is nothing to draw, instead of an empty frame that looks like a zero."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, say(NOTHING, locale), ha="center", va="center", color=theme.MUTED, transform=axes.transAxes)


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places of labels moved apart until none is nearer than ``gap``, in the same order and inside the limits.

    Examples
    --------
    >>> spread([0.5, 0.5, 0.9], 0.1, 0.0, 1.0)
    [0.45, 0.55, 0.9]
    """
    order = sorted(range(len(places)), key=lambda index: places[index])
    moved = [min(max(places[index], low), high) for index in order]
    for _ in range(60):
        for first in range(len(moved) - 1):
            lacking = gap - (moved[first + 1] - moved[first])
            if lacking > 1e-12:
                moved[first] = max(low, moved[first] - lacking / 2)
                moved[first + 1] = moved[first] + gap if moved[first] == low else min(high, moved[first + 1] + lacking / 2)
    answer = [0.0] * len(places)
    for place, index in zip(moved, order, strict=True):
        answer[index] = round(place, 12)
    return answer


def note(
    axes: Axes,
    text: str,
    at: tuple[float, float],
    *,
    coords: tuple[str, str] = ("data", "data"),
    shift: tuple[float, float] = (0, 0),
    across: Literal["left", "center", "right"] = "center",
    up: Literal["top", "center", "bottom"] = "center",
    size: float = 8.5,
    colour: str = theme.MUTED,
) -> Label:
    """Small words at a place of the axes, moved by some points; they may stand outside of the plot."""
    from matplotlib.transforms import ScaledTranslation

    inside = {"data": axes.transData, "axes fraction": axes.transAxes}
    mixed = {("data", "axes fraction"): axes.get_xaxis_transform, ("axes fraction", "data"): axes.get_yaxis_transform}
    place = inside[coords[0]] if coords[0] == coords[1] else mixed[coords]()
    moved = place + ScaledTranslation(shift[0] / 72, shift[1] / 72, axes.figure.dpi_scale_trans)
    return axes.text(*at, text, transform=moved, ha=across, va=up, fontsize=size, color=colour)


def write_on(axes: Axes, at: tuple[float, float], text: str, shade: str, *, size: float = 9) -> None:
    """Words in the middle of a mark, in the ink that can be read on its shade, whatever the ground of the page."""
    from crmkit.show.shades import name_of

    axes.text(
        *at,
        text,
        ha="center",
        va="center",
        fontsize=size,
        linespacing=1.35,
        color=theme.ink_on(shade),
        zorder=5,
        gid=f"{CELL}{name_of(shade)}",
    )


def label_ends(axes: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Writes the name of each line at its end, instead of a legend that the eye has to travel to.

    Parameters
    ----------
    axes : Axes
        With its limits set.
    ends : sequence of (x, y, name, colour)
    """
    low, high = axes.get_ylim()
    gap = LABEL_LINES * 9.0 / 72 / (axes.figure.get_figheight() * 0.78) * (high - low)  # type: ignore[union-attr]
    right = axes.get_xlim()[1]
    for (_, _, name, colour), y in zip(ends, spread([end[1] for end in ends], gap, low, high), strict=True):
        note(axes, "●", (right, y), shift=(4, 0), across="left", size=7, colour=colour)
        note(axes, short(name, letters(axes, 24)), (right, y), shift=(13, 0), across="left", size=9, colour=theme.INK)


def legend_above(axes: Axes, handles: Sequence[Any], names: Sequence[str]) -> None:
    """A legend without a frame over the plot, in one row where it fits."""
    most = 4 if not narrow(axes) else 1 if max(map(width, names), default=0) > SHORT_NAME else 2
    axes.legend(
        handles,
        [short(name) for name in names],
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=min(len(names), most),
        borderaxespad=0.3,
        handlelength=1.4,
        columnspacing=1.4,
    )


def write_marks(axes: Axes, result: Result, table: pd.DataFrame, locale: Locale, place: Callable[[Any], float]) -> None:
    """Dotted vertical lines with a word each, from ``table.attrs["marks"] = [(x, Text), ...]``."""
    for x, text in attribute(table, "marks", ()):
        axes.axvline(place(x), color=theme.MUTED, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
        over = short(sentence(text, locale), 40)
        note(axes, over, (place(x), 1.0), coords=("data", "axes fraction"), shift=(0, 3), up="bottom")
