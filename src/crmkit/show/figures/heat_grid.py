"""Kind ``heat_grid``: which combinations of two classifications hold much and which little?

Reads a plain table with a row per cell: ``row, column, value`` and, where there are, ``n`` (written small under the value) and
``suppressed``; ``words``, where there is that column, stand in the cell in place of both. Rows and columns keep the order in
which they first appear; a cell that is not in the table, or holds nobody, stays empty.
``result.x`` names the columns, ``result.y`` the rows. ``table.attrs``:

- ``unit`` (Unit, default number): unit of the values.
- ``centre`` (number): value in the middle of a two-sided colour scale.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from crmkit.core.format import DASH, alike, format_value
from crmkit.core.language import Locale, say
from crmkit.core.results import Quantity, Result, Text
from crmkit.show import theme
from crmkit.show.figures import parts
from crmkit.show.figures.told import ROW
from crmkit.show.words import attribute, empty, group_words, plain, required, short

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

CELL_COUNT = Text("n {n}")
CROWDED = 84
MOST_NARROW = 5


def fits(result: Result) -> bool:
    """Whether it can be drawn for a phone: what a cell holds can be read in few columns only."""
    table = required(result, "column")
    return "words" not in table and bool(table["column"].nunique() <= MOST_NARROW)


def height(result: Result, *, narrow: bool = False) -> float:
    """Inches, by the number of rows."""
    table = required(result, "row", "column", "value")
    return min(9.0, 1.2 + table["row"].nunique() * (0.52 if "n" in table else 0.42))


def paint(result: Result, axes: Axes, locale: Locale) -> None:
    """Draws the cells and writes into each what it holds."""
    from matplotlib.patches import Rectangle

    table = required(result, "row", "column", "value")
    if table.empty:
        parts.nothing(axes, locale)
        return
    rows, columns = list(dict.fromkeys(table["row"])), list(dict.fromkeys(table["column"]))
    cells = {(cell["row"], cell["column"]): cell for cell in table.to_dict("records")}
    centre = attribute(table, "centre")
    shades = theme.SEQUENCE if centre is None else theme.DIVERGENCE
    low, high = _range([value for cell in cells.values() if (value := _value(cell)) == value], centre)
    # names are longer than numbers
    size, letters = (7.5, parts.letters(axes, 84) // len(columns)) if "words" in table else (9, 0)
    axes.grid(visible=False)
    axes.set(xlim=(0, len(columns)), ylim=(len(rows), 0))
    for spine in axes.spines.values():
        spine.set_visible(False)
    for (row, column), cell in cells.items():
        across, down, value = columns.index(column), rows.index(row), _value(cell)
        if value == value:
            shade = theme.step((value - low) / (high - low), shades)
            axes.add_patch(Rectangle((across, down), 1, 1, facecolor=shade, edgecolor=theme.PAPER, linewidth=2))
            parts.write_on(axes, (across + 0.5, down + 0.5), _words(cell, table, locale, letters), shade, size=size)
            parts.tell(axes, cell[ROW], (across, across + 1), (down, down + 1))
        elif not _nobody(cell):
            # it is there and must not or cannot be shown
            axes.text(across + 0.5, down + 0.5, DASH, ha="center", va="center", color=theme.MUTED)
    for drawn, names, side in ((axes.xaxis, columns, "column"), (axes.yaxis, rows, "row")):
        words = group_words(result, side, locale)
        places = [place + 0.5 for place in range(len(names))]
        drawn.set_ticks(places, [short(words(name), parts.letters(axes, 22)) for name in names])
    axes.tick_params(length=0, axis="both", rotation=0)
    crowded = CROWDED / 2.2 if parts.narrow(axes) else CROWDED
    if max(_width(label.get_text()) for label in axes.get_xticklabels()) * len(columns) > crowded:
        axes.tick_params(axis="x", rotation=40)
        for label in axes.get_xticklabels():
            label.set_horizontalalignment("right")
            label.set_rotation_mode("anchor")
    axes.set_xlabel(parts.axis_label(result.x, locale))
    axes.set_ylabel(parts.axis_label(result.y, locale))


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


def _words(cell: dict[Any, Any] | None, table: pd.DataFrame, locale: Locale, letters: int) -> str:
    value = _value(cell)
    if cell is None or value != value:
        return ""
    if "words" in cell:
        return "\n".join(short(plain(line), letters) for line in str(cell["words"]).splitlines())
    unit = attribute(table, "unit", "number")
    places = alike(table["value"], unit)
    text = format_value(value, unit, language=locale.language, currency=locale.currency, decimals=places)
    count = cell.get("n")
    return text if empty(count) else f"{text}\n{say(Text(CELL_COUNT.template, {'n': Quantity(count, 'count')}), locale)}"
