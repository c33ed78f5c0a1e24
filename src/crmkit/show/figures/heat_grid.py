"""Kind ``heat_grid``: which combinations of two classifications hold much and which little?

Reads a plain table with a row per cell: ``row, column, value`` and, where there are, ``n`` (written small under the value) and
``suppressed``. Rows and columns keep the order in which they first appear; a cell that is not in the table, or holds nobody,
stays empty.
``result.x`` names the columns, ``result.y`` the rows. ``table.attrs``:

- ``unit`` (Unit, default number): unit of the values.
- ``centre`` (number): value in the middle of a two-sided colour scale.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from crmkit.core.format import DASH, format_value
from crmkit.core.language import Locale, say
from crmkit.core.results import Quantity, Result, Text
from crmkit.show import theme
from crmkit.show.figures import parts
from crmkit.show.words import attribute, empty, group_words, required, short

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

CELL_COUNT = Text("n {n}")
CROWDED = 84


def height(result: Result) -> float:
    """Inches, by the number of rows."""
    table = required(result, "row", "column", "value")
    return min(9.0, 1.2 + table["row"].nunique() * (0.52 if "n" in table else 0.42))


def paint(result: Result, axes: Axes, locale: Locale) -> None:
    """Draws the cells and writes into each what it holds."""
    import seaborn as sns
    from matplotlib.colors import LinearSegmentedColormap

    table = required(result, "row", "column", "value")
    if table.empty:
        parts.nothing(axes, locale)
        return
    rows, columns = list(dict.fromkeys(table["row"])), list(dict.fromkeys(table["column"]))
    cells = {(cell["row"], cell["column"]): cell for cell in table.to_dict("records")}
    values = [[_value(cells.get((row, column))) for column in columns] for row in rows]
    centre = attribute(table, "centre")
    shades = theme.SEQUENTIAL if centre is None else theme.DIVERGING
    known = [value for line in values for value in line if value == value]
    low, high = _range(known, centre)
    axes.grid(visible=False)
    sns.heatmap(
        values,
        ax=axes,
        cmap=LinearSegmentedColormap.from_list("grid", shades),
        vmin=low,
        vmax=high,
        cbar=False,
        linewidths=2,
        linecolor=theme.PAPER,
        xticklabels=False,
        yticklabels=False,
        annot=[[_words(cells.get((row, column)), table, locale) for column in columns] for row in rows],
        fmt="",
        annot_kws={"fontsize": 9, "linespacing": 1.35},
    )
    for text, shade in zip(axes.texts, _shades(axes, values), strict=True):
        text.set_color(theme.ink_on(shade))
    for drawn, names, column in ((axes.xaxis, columns, "column"), (axes.yaxis, rows, "row")):
        words = group_words(result, column, locale)
        places = [place + 0.5 for place in range(len(names))]
        drawn.set_ticks(places, [short(words(name), 22) for name in names])
    axes.tick_params(length=0, axis="both", rotation=0)
    if max(_width(label.get_text()) for label in axes.get_xticklabels()) * len(columns) > CROWDED:
        axes.tick_params(axis="x", rotation=40)
        for label in axes.get_xticklabels():
            label.set_horizontalalignment("right")
            label.set_rotation_mode("anchor")
    axes.set_xlabel(parts.axis_label(result.x, locale))
    axes.set_ylabel(parts.axis_label(result.y, locale))
    _write_hidden(axes, values, [[cells.get((row, column)) for column in columns] for row in rows])


def _width(text: str) -> int:
    """How many letters wide a text is: a Chinese sign is as wide as two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _value(cell: dict[Any, Any] | None) -> float:
    hidden = cell is None or empty(cell["value"]) or bool(cell.get("suppressed", False)) or _nobody(cell)
    return float("nan") if hidden or cell is None else float(cell["value"])


def _nobody(cell: dict[Any, Any] | None) -> bool:
    """Whether a cell holds nobody: it stays empty, so that the others can be seen."""
    return cell is not None and cell.get("n") == 0 and not cell.get("suppressed", False)


def _range(known: list[float], centre: float | None) -> tuple[float, float]:
    if not known:
        return 0.0, 1.0
    if centre is not None:
        reach = max(abs(value - centre) for value in known) or 1.0
        return centre - reach, centre + reach
    low, high = min(0.0, *known), max(known)
    return (low, high) if high > low else (low, low + 1.0)


def _shades(axes: Axes, values: list[list[float]]) -> list[str]:
    """Colour of each cell that holds a value, in the order in which seaborn writes into them."""
    import numpy as np
    from matplotlib.colors import to_hex

    mesh = axes.collections[0]
    shown = np.array([value for line in values for value in line if value == value])
    return [to_hex(tuple(shade)) for shade in mesh.to_rgba(shown)]


def _words(cell: dict[Any, Any] | None, table: pd.DataFrame, locale: Locale) -> str:
    value = _value(cell)
    if cell is None or value != value:
        return ""
    text = format_value(value, attribute(table, "unit", "number"), language=locale.language, currency=locale.currency)
    count = cell.get("n")
    return text if empty(count) else f"{text}\n{say(Text(CELL_COUNT.template, {'n': Quantity(count, 'count')}), locale)}"


def _write_hidden(axes: Axes, values: list[list[float]], cells: list[list[dict[Any, Any] | None]]) -> None:
    """A dash where a cell is there but must not or cannot be shown."""
    for down, line in enumerate(cells):
        for across, cell in enumerate(line):
            if cell is not None and not _nobody(cell) and values[down][across] != values[down][across]:
                axes.text(across + 0.5, down + 0.5, DASH, ha="center", va="center", color=theme.MUTED)
