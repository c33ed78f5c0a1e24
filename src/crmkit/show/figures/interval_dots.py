"""Kind ``interval_dots``: where does each group lie, how sure is that, and does it differ from a reference?

Reads an estimate table (``group, measure, value``, and ``low, high, n, suppressed, small`` where there are); one row of
dots per
group, one hue per measure; a ``small`` group, shown but not to be ranked, is grey. ``result.x`` names the groups and
``result.y`` the values, which run from left to right. From
``table.attrs``:

- ``reference`` (number, or (number, Text)): a vertical line, for example the average or a ratio of 1.
- ``quiet`` (measures): those to be looked at last, in grey.
- ``log`` (bool): logarithmic scale, for ratios.
- ``zero`` (bool, default False): whether the axis starts at zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit.core.format import DASH, format_value
from crmkit.core.language import Locale, say
from crmkit.core.results import Quantity, Result, Text
from crmkit.show import theme
from crmkit.show.figures import parts
from crmkit.show.figures.told import ROW
from crmkit.show.words import LONGEST_LABEL, attribute, empty, folded, group_words, required, sentence, short

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

DODGE = 0.5
COUNT_HEADING = Text("n")
ALL_COUNT = Text("n {n}")
# limits of a logarithmic axis that lie closer have ticks at equal steps, or there would be one
CLOSE = 8.0


def fits(result: Result) -> bool:
    """Whether it can be drawn for a phone."""
    return True


def height(result: Result, *, narrow: bool = False) -> float:
    """Inches, by the number of groups and measures."""
    table = required(result, "group", "measure", "value")
    return min(10.0, 1.25 + table["group"].nunique() * (0.2 + 0.14 * max(1, table["measure"].nunique())))


def paint(result: Result, axes: Axes, locale: Locale) -> None:
    """Draws dots and intervals, the reference, and n at the right."""
    table = required(result, "group", "measure", "value")
    if table.empty:
        parts.nothing(axes, locale)
        return
    groups, measures = list(dict.fromkeys(table["group"])), list(dict.fromkeys(table["measure"]))
    position = {group: place for place, group in enumerate(groups)}
    rows = table.assign(value=table["value"].astype("float64"))
    rows["place"] = [_place(row, position, measures) for row in rows.to_dict("records")]
    shown = rows.loc[rows["value"].notna()]
    if "suppressed" in shown:
        shown = shown.loc[~shown["suppressed"].astype(bool)]
    _set_scale(axes, result, shown, locale)
    for number, measure in enumerate(measures):
        one = shown.loc[shown["measure"] == measure]
        grey = one["small"].astype(bool) if "small" in one else one["value"].isna()
        for colour, rest in ((_colour(measures, number, table), one.loc[~grey]), (theme.DIM, one.loc[grey])):
            if rest.empty:
                continue
            if {"low", "high"} <= set(rest.columns):
                axes.hlines(rest["place"], rest["low"], rest["high"], color=colour, linewidth=2.2, zorder=2)
            axes.scatter(rest["value"], rest["place"], color=colour, s=52, edgecolor=theme.PAPER, linewidth=0.6, zorder=3)
    words = group_words(result, "group", locale)
    axes.set_yticks(range(len(groups)), [folded(words(group), parts.letters(axes, LONGEST_LABEL)) for group in groups])
    axes.set_ylim(len(groups) - 0.4, -0.6)
    axes.set_ylabel(parts.axis_label(result.x, locale))
    axes.set_xlabel(parts.axis_label(result.y, locale))
    axes.grid(visible=True, axis="both")
    for row in shown.to_dict("records"):
        ends = [float(str(end)) for end in (row["value"], row.get("low"), row.get("high")) if not empty(end)]
        parts.tell(axes, row[ROW], (min(ends), max(ends)), (row["place"],) * 2)
    line, over = _reference_line(axes, table, locale)
    _write_counts(axes, rows, locale)
    if len(measures) > 1:
        named = group_words(result, "measure", locale)
        dots = [_dot(_colour(measures, number, table)) for number in range(len(measures))]
        # over the plot its words would stand on the legend
        marks = [(line, over)] if line is not None and over else []
        parts.legend_above(axes, [*dots, *(line for line, _ in marks)], [*map(named, measures), *(words for _, words in marks)])
    elif line is not None:
        place = line.get_xdata()[0]
        parts.note(axes, over, (place, 1.0), coords=("data", "axes fraction"), shift=(0, 3), up="bottom")


def _dot(colour: str) -> Line2D:
    from matplotlib.lines import Line2D

    return Line2D([], [], marker="o", markersize=7, linestyle="none", color=colour, markeredgecolor=theme.PAPER)


def _colour(measures: list[Any], number: int, table: pd.DataFrame) -> str:
    quiet = attribute(table, "quiet", ())
    if measures[number] in quiet:
        return theme.DIM
    return theme.colour(sum(measure not in quiet for measure in measures[:number]))


def _place(row: dict[Any, Any], position: dict[Any, int], measures: list[Any]) -> float:
    between = DODGE / max(1, len(measures))
    return position[row["group"]] + (measures.index(row["measure"]) - (len(measures) - 1) / 2) * between


def _set_scale(axes: Axes, result: Result, shown: pd.DataFrame, locale: Locale) -> None:
    """Value axis with room for every interval and the reference."""
    from matplotlib import ticker

    unit = result.y.unit if result.y else "number"
    reference = _reference(shown)[0]
    values = [v for name in ("value", "low", "high") if name in shown for v in shown[name]] + [reference]
    parts.write_axis(axes.xaxis, result.y, locale)
    if not attribute(shown, "log"):
        axes.set_xlim(*parts.limits(values, unit, zero=attribute(shown, "zero", False)))
        return
    known = [float(value) for value in values if not empty(value) and value > 0]
    axes.set_xscale("log")
    axes.set_xlim(min(known, default=0.5) / 1.1, max(known, default=2.0) * 1.1)
    low, high = axes.get_xlim()
    close = high / low < CLOSE
    steps = ticker.MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10])
    axes.xaxis.set_major_locator(steps if close else ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(lambda value, _: format_value(value, "number", language=locale.language))
    axes.xaxis.set_minor_locator(ticker.NullLocator())


def _reference(table: pd.DataFrame) -> tuple[float | None, Text | None]:
    found = attribute(table, "reference")
    if isinstance(found, tuple | list):
        return float(found[0]), found[1]
    return (None if found is None else float(found)), None


def _reference_line(axes: Axes, table: pd.DataFrame, locale: Locale) -> tuple[Any, str]:
    """The line to compare with, and what it is called; None where there is none."""
    value, text = _reference(table)
    if value is None:
        return None, ""
    line = axes.axvline(value, color=theme.MUTED, linewidth=1.2, linestyle=(0, (2, 2)), zorder=1)
    return line, short(sentence(text, locale), parts.letters(axes, 40))


def _write_counts(axes: Axes, rows: pd.DataFrame, locale: Locale) -> None:
    """How many each dot stands for, in a column at the right; a dash where a group is too small to show."""
    if "n" not in rows or rows["n"].isna().all():
        return
    first = rows.drop_duplicates("group")
    corner = ("axes fraction", "axes fraction")
    if len(first) > 1 and first["n"].nunique(dropna=False) == 1 and not first.get("suppressed", first["n"].isna()).any():
        count = say(Text(ALL_COUNT.template, {"n": Quantity(first["n"].iloc[0], "count")}), locale)
        parts.note(axes, count, (1.0, 1.0), coords=corner, shift=(0, 3), across="right", up="bottom")
        return
    for place, row in enumerate(first.to_dict("records")):
        hidden = row.get("suppressed", False) or empty(row["n"])
        text = DASH if hidden else format_value(row["n"], "count", language=locale.language)
        parts.note(axes, text, (1.0, place), coords=("axes fraction", "data"), shift=(44, 0), across="right")
    parts.note(axes, say(COUNT_HEADING, locale), (1.0, 1.0), coords=corner, shift=(44, 3), across="right", up="bottom")
