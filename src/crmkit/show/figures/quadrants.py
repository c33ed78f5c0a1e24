"""Kind ``quadrants``: which things matter much and do badly? A map of two estimates, each with its interval.

Reads a plain table with a row per point: ``group``; ``x, x_low, x_high`` (to the right) and ``value, low, high`` (upwards);
``x_cross, cross`` (where the lines of the map cross) and, where there is, ``pale`` (bool: drawn in grey, a point that must not
be read). ``result.x`` and ``result.y`` name the axes. ``table.attrs["corners"]``: four Texts, written into the corners: upper
left, upper right, lower left, lower right; the first, and what lies there, in the colour of what is to be mended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from crmkit.core.language import Locale
from crmkit.core.results import Result
from crmkit.show import theme
from crmkit.show.figures import parts
from crmkit.show.figures.told import ROW
from crmkit.show.words import attribute, empty, group_words, required, sentence, short

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

NEEDED = ("group", "x", "x_low", "x_high", "value", "low", "high", "x_cross", "cross")
LABEL_GAP = 0.045
Side = Literal["left", "right"]
CORNERS = (
    (0.01, 0.99, "left", "top"),
    (0.99, 0.99, "right", "top"),
    (0.01, 0.01, "left", "bottom"),
    (0.99, 0.01, "right", "bottom"),
)


def fits(result: Result) -> bool:
    """Whether it can be drawn for a phone."""
    return True


def height(result: Result, *, narrow: bool = False) -> float:
    """Inches; the same for any number of points."""
    required(result, *NEEDED)
    return 4.8


def paint(result: Result, axes: Axes, locale: Locale) -> None:
    """Draws the points, their intervals and names, and the lines that divide the map."""
    table = required(result, *NEEDED)
    if table.empty:
        parts.nothing(axes, locale)
        return
    for names, drawn, axis in ((NEEDED[1:4], axes.xaxis, result.x), (NEEDED[4:7], axes.yaxis, result.y)):
        crossing = "x_cross" if names[0] == "x" else "cross"
        ends = [value for column in (*names, crossing) for value in table[column]]
        (axes.set_xlim if names[0] == "x" else axes.set_ylim)(*parts.limits(ends, axis.unit if axis else "number", zero=False))
        parts.write_axis(drawn, axis, locale)
        drawn.set_label_text(parts.axis_label(axis, locale))
    axes.grid(visible=True, axis="both")
    first = table.iloc[0]
    axes.axvline(float(first["x_cross"]), color=theme.MUTED, linewidth=1.0, linestyle=(0, (2, 2)), zorder=1)
    axes.axhline(float(first["cross"]), color=theme.MUTED, linewidth=1.0, linestyle=(0, (2, 2)), zorder=1)
    rows = table.to_dict("records")
    for row in rows:
        _point(axes, row)
    _write_names(axes, result, table, rows, locale)
    for place, (text, (x, y, across, up)) in enumerate(zip(attribute(table, "corners", ()), CORNERS, strict=False)):
        said = short(sentence(text, locale), parts.letters(axes, 30))
        look: dict[str, Any] = {"color": theme.MUTED, "style": "italic"} if place else {"color": theme.BAD}
        axes.text(x, y, said, transform=axes.transAxes, ha=across, va=up, fontsize=8.5, **look)


def _point(axes: Axes, row: dict[Any, Any]) -> None:
    colour = _colour(row)
    if not empty(row["x_low"]) and not empty(row["x_high"]):
        axes.hlines(row["value"], row["x_low"], row["x_high"], color=colour, linewidth=1.1, alpha=0.4, zorder=2)
    if not empty(row["low"]) and not empty(row["high"]):
        axes.vlines(row["x"], row["low"], row["high"], color=colour, linewidth=1.1, alpha=0.4, zorder=2)
    parts.tell(axes, row[ROW], (row["x"],) * 2, (row["value"],) * 2)
    axes.scatter([row["x"]], [row["value"]], s=52, color=colour, edgecolor=theme.PAPER, zorder=3)


def _colour(row: dict[Any, Any]) -> str:
    if row.get("pale", False):
        return theme.DIM
    return theme.BAD if row["value"] >= row["cross"] and row["x"] < row["x_cross"] else theme.colour(0)


def _write_names(axes: Axes, result: Result, table: pd.DataFrame, rows: list[dict[Any, Any]], locale: Locale) -> None:
    """A name beside each point, moved up or down until none covers another."""
    words = group_words(result, "group", locale)
    low, high = axes.get_ylim()
    left, right = axes.get_xlim()
    places = parts.spread([float(row["value"]) for row in rows], LABEL_GAP * (high - low), low, high)
    for row, place in zip(rows, places, strict=True):
        far = float(row["x"]) > left + 0.72 * (right - left)
        side: Side = "right" if far else "left"
        name, shift = short(words(row["group"]), parts.letters(axes, 24)), (-7 if far else 7, 6)
        parts.note(
            axes,
            name,
            (float(row["x"]), place),
            shift=shift,
            across=side,
            colour=theme.MUTED if row.get("pale", False) else theme.INK,
        )
