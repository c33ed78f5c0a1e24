"""Kind ``concentration``: how unequally is value spread over customers?

Reads a curve table: x is the cumulative share of customers and value their cumulative share of value (a Lorenz curve), per
group; counted from the smallest or from the largest customer. The diagonal is where all customers are worth the same, and
the area between is shaded. ``table.attrs``:

- ``marks`` ([(x, Text)]): points of the first curve to name, for example the largest 20 % of customers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crmkit.core.language import Locale, say
from crmkit.core.results import Result, Text
from crmkit.show import theme
from crmkit.show.figures import parts
from crmkit.show.figures.told import ROW
from crmkit.show.words import attribute, group_words, plain, required, sentence, short

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

EQUAL = Text("all customers equal")


def fits(result: Result) -> bool:
    """Whether it can be drawn for a phone."""
    return True


def height(result: Result, *, narrow: bool = False) -> float:
    """Inches; close to a square, in which a diagonal looks like one."""
    required(result, "group", "x", "value")
    return 3.9 if narrow else 4.4


def paint(result: Result, axes: Axes, locale: Locale) -> None:
    """Draws the curves, the diagonal and the area between."""
    import seaborn as sns

    table = required(result, "group", "x", "value")
    table = table.loc[table["value"].notna()]
    table = table.assign(group=[plain(group) for group in table["group"].fillna("")])
    if table.empty:
        parts.nothing(axes, locale)
        return
    parts.write_axis(axes.xaxis, result.x, locale)
    parts.write_axis(axes.yaxis, result.y, locale)
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", anchor="W")
    axes.grid(visible=True, axis="both")
    axes.plot([0, 1], [0, 1], color=theme.MUTED, linewidth=1.1, linestyle=theme.DASHES[1])
    groups = list(table.groupby("group", sort=False))
    for number, (_, rows) in enumerate(groups):
        line = rows.sort_values("x")
        sns.lineplot(
            data=line,
            x="x",
            y="value",
            ax=axes,
            errorbar=None,
            estimator=None,
            legend=False,
            clip_on=False,
            color=theme.colour(number),
            linestyle=theme.dash(number),
        )
        if number == 0:
            axes.fill_between(line["x"], line["x"], line["value"], color=theme.colour(0), alpha=0.14, linewidth=0)
    _write_names(axes, result, groups, locale)
    _write_marks(axes, groups[0][1].sort_values("x"), table, locale)
    for point in table.to_dict("records"):
        parts.tell(axes, point[ROW], (point["x"],) * 2, (point["value"],) * 2)
    axes.set(xlabel=parts.axis_label(result.x, locale), ylabel=parts.axis_label(result.y, locale))


def _write_names(axes: Axes, result: Result, groups: Sequence[tuple[object, pd.DataFrame]], locale: Locale) -> None:
    words = group_words(result, "group", locale)
    lines = axes.get_lines()
    named = [(line, words(group)) for line, (group, _) in zip(lines[1:], groups, strict=True) if words(group)]
    handles = [*(line for line, _ in named), lines[0]]
    names = [*(name for _, name in named), say(EQUAL, locale)]
    axes.legend(
        handles,
        [short(name) for name in names],
        loc="lower left" if parts.narrow(axes) else "center left",
        bbox_to_anchor=(0, 1.0) if parts.narrow(axes) else (1.03, 0.5),
        borderaxespad=0.3 if parts.narrow(axes) else 0,
        handlelength=1.6,
    )


def _write_marks(axes: Axes, line: pd.DataFrame, table: pd.DataFrame, locale: Locale) -> None:
    """Names points on the first curve."""
    import numpy as np

    for x, text in attribute(table, "marks", ()):
        y = float(np.interp(float(x), line["x"].astype("float64"), line["value"].astype("float64")))
        above = y >= x
        axes.plot([x], [y], marker="o", markersize=7, color=theme.colour(0), markeredgecolor=theme.PAPER, zorder=4)
        words = parts.note(
            axes,
            short(sentence(text, locale), parts.letters(axes, 44)),
            (float(x), y),
            shift=(9, -6) if above else (-9, 6),
            across="left" if above else "right",
            up="top" if above else "bottom",
            colour=theme.INK,
        )
        words.set_bbox({"facecolor": theme.PAPER, "edgecolor": "none", "alpha": 0.85, "pad": 1.5})
