"""Kind ``bars``: how large is each group, by one or several measures?

Reads an estimate table (``group, measure, value``, and ``low, high, n, suppressed`` where there are). Groups and measures keep
the order of the rows. ``result.x`` names the groups and ``result.y`` the values, whichever way the bars lie: they lie down
when a label is long or there are many. A suppressed group has its name and a dash, and no bar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit.core.format import DASH, format_value
from crmkit.core.language import Locale
from crmkit.core.results import Result
from crmkit.show import theme
from crmkit.show.figures import parts
from crmkit.show.figures.told import ROW
from crmkit.show.words import LONGEST_LABEL, empty, folded, group_words, required, short, width

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

LONGEST_UPRIGHT = 12
MOST_UPRIGHT = 8
MOST_VALUE_LABELS = 16
THICKNESS = 0.72
NONE = float("nan")


def fits(result: Result) -> bool:
    """Whether it can be drawn for a phone."""
    return True


def height(result: Result, *, narrow: bool = False) -> float:
    """Inches: fixed for standing bars, by the number of bars for lying ones."""
    table = required(result, "group", "measure", "value")
    if not lies(table, narrow=narrow):
        return 3.4
    measures = max(1, table["measure"].nunique())
    return min(9.0, 1.0 + table["group"].nunique() * (0.16 + 0.22 * measures))


def lies(table: pd.DataFrame, *, narrow: bool = False) -> bool:
    """Whether labels are too long or too many to stand side by side."""
    groups = [str(group) for group in dict.fromkeys(table["group"])]
    most, longest = (MOST_UPRIGHT // 2, LONGEST_UPRIGHT // 2) if narrow else (MOST_UPRIGHT, LONGEST_UPRIGHT)
    return len(groups) > most or max((width(group) for group in groups), default=0) > longest


def paint(result: Result, axes: Axes, locale: Locale) -> None:
    """Draws the bars, their intervals and their values."""
    import seaborn as sns

    table = required(result, "group", "measure", "value")
    if table.empty:
        parts.nothing(axes, locale)
        return
    lying = lies(table, narrow=parts.narrow(axes))
    groups, measures = list(dict.fromkeys(table["group"])), list(dict.fromkeys(table["measure"]))
    position = {group: place for place, group in enumerate(groups)}
    rows = table.assign(place=table["group"].map(position), value=table["value"].astype("float64"))
    sns.barplot(
        data=rows,
        x="value" if lying else "place",
        y="place" if lying else "value",
        hue="measure",
        hue_order=measures,
        order=range(len(groups)),
        orient="y" if lying else "x",
        palette=[theme.colour(i) for i in range(len(measures))],
        saturation=1,
        width=THICKNESS,
        errorbar=None,
        legend=False,
        ax=axes,
    )
    across, along = (axes.yaxis, axes.xaxis) if lying else (axes.xaxis, axes.yaxis)
    parts.write_axis(along, result.y, locale)
    words = group_words(result, "group", locale)
    label, length = folded if lying else short, parts.letters(axes, LONGEST_LABEL)
    across.set_ticks(range(len(groups)), [label(words(group), length) for group in groups])
    across.set_label_text(parts.axis_label(result.x, locale))
    axes.tick_params(axis="y" if lying else "x", length=0)
    axes.grid(visible=False, axis="y" if lying else "x")
    axes.grid(visible=True, axis="x" if lying else "y")
    _write_values(axes, rows, measures, result, locale, lying=lying)
    if len(measures) > 1:
        named = group_words(result, "measure", locale)
        parts.legend_above(axes, [bars[0] for bars in axes.containers if len(bars)], [named(measure) for measure in measures])


def _write_values(axes: Axes, rows: pd.DataFrame, measures: list[Any], result: Result, locale: Locale, *, lying: bool) -> None:
    """Whiskers, and at the tip of each bar its value; the axis is then set so that all of it has room."""
    unit = result.y.unit if result.y else "number"
    tips: list[float] = []
    bar = THICKNESS / max(1, len(measures))
    row: dict[Any, Any]
    for row in rows.to_dict("records"):
        place = row["place"] + (measures.index(row["measure"]) - (len(measures) - 1) / 2) * bar
        value, low, high = row["value"], row.get("low", NONE), row.get("high", NONE)
        known = not empty(value) and not row.get("suppressed", False)
        if known and not empty(low) and not empty(high):
            whisker = (axes.hlines if lying else axes.vlines)(place, low, high, color=theme.INK, linewidth=1.3, zorder=3)
            whisker.set_capstyle("butt")
            tips += [low, high]
        ends = [end for end in (value, low, high) if not empty(end)] if known else [0.0]
        tip = min(ends) if known and value < 0 else max(ends)
        tips.append(tip)
        if known:
            thick, long = (place - bar / 2, place + bar / 2), (min(0.0, *ends), max(0.0, *ends))
            parts.tell(axes, row[ROW], *((long, thick) if lying else (thick, long)))
        if len(rows) <= MOST_VALUE_LABELS:
            text = format_value(value, unit, language=locale.language, currency=locale.currency) if known else DASH
            _at_tip(axes, place, tip, text, lying=lying, below=known and value < 0)
    bounds = parts.limits(tips, unit)
    room = (0.14 if lying else 0.08) * (bounds[1] - bounds[0]) if len(rows) <= MOST_VALUE_LABELS else 0.0
    bounds = (bounds[0] - (room if min(tips) < 0 else 0), bounds[1] + (room if max(tips) > 0 else 0))
    (axes.set_xlim if lying else axes.set_ylim)(*bounds)
    if bounds[0] < 0 < bounds[1]:
        (axes.axvline if lying else axes.axhline)(0, color=theme.MUTED, linewidth=0.9)


def _at_tip(axes: Axes, place: float, tip: float, text: str, *, lying: bool, below: bool) -> None:
    away = -4 if below else 4
    if lying:
        parts.note(axes, text, (tip, place), shift=(away, 0), across="right" if below else "left", colour=theme.INK)
    else:
        parts.note(axes, text, (place, tip), shift=(0, away), up="top" if below else "bottom", colour=theme.INK)
