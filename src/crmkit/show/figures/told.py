"""What does each mark of a figure tell, and which rows stand under it? The result's own, in the words of its table.

A mark tells the row that it was drawn of: a pointer that rests on it shows what stands in the fold below the figure. Of a line
with many points some are told, evenly; all of them are in the results file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

from crmkit.core.language import Locale, say
from crmkit.core.results import Axis, Column, Quantity, Result, Text, Unit
from crmkit.show.grid import WORDS, Grid, table_grid
from crmkit.show.words import Naming, attribute, column_of, required

if TYPE_CHECKING:
    import pandas as pd

# the column that says which row of the result's table a mark was drawn of; below nought, one that is not told
ROW = "told"
# what the axes of a figure know of areas that tell a row: its number, and where the area lies
AREAS = "told_areas"
# begins the name of words that stand on a shade
CELL = "cell "
MOST_POINTS, FEWEST_POINTS = 48, 8
DATA = Text("Data")
LOW, HIGH = Text("Lower limit"), Text("Upper limit")
GROUP, VALUE, ANSWER = Text("Group"), Text("Value"), Text("Answer")
STILL = Text("Still observed")
SOME = Text("{n} of {all} points; all of them are in the results file")


@dataclass(frozen=True)
class Told:
    """Rows of a figure in words.

    Parameters
    ----------
    grid : Grid
        The rows that are told.
    tips : mapping of int to tuple of str
        By the number of the row in the result's table: a line for each of its cells.
    """

    grid: Grid
    tips: Mapping[int, tuple[str, ...]]


def numbered(result: Result) -> pd.DataFrame:
    """The table of a figure with the number of each row that is told, in the column ``told``."""
    table = required(result, "value")
    return table.assign(**{ROW: _numbers(result, table)})


def _numbers(result: Result, table: pd.DataFrame) -> list[int]:
    lines = result.kind in ("curve", "concentration")
    shown = [
        bool(known) and not hidden
        for known, hidden in zip(table["value"].notna(), table.get("suppressed", [False] * len(table)), strict=True)
    ]
    if not lines:
        return [place if is_there else -1 for place, is_there in enumerate(shown)]
    groups: dict[str, list[int]] = {}
    named = table["group"].fillna("") if "group" in table else [""] * len(table)
    for place, group in enumerate(named):
        if shown[place]:
            groups.setdefault(str(group), []).append(place)
    most = max(FEWEST_POINTS, MOST_POINTS // max(1, len(groups)))
    told = {place for places in groups.values() for place in _evenly(places, most)}
    return [place if place in told else -1 for place in range(len(table))]


def _evenly(places: list[int], most: int) -> Iterator[int]:
    """At most so many of them, the first and the last among them."""
    if len(places) <= most:
        yield from places
        return
    yield from (places[round(number * (len(places) - 1) / (most - 1))] for number in range(most))


def told(result: Result, locale: Locale, *, name: Naming | None = None) -> Told:
    """The rows of a figure in the language and with the numbers of the page.

    Parameters
    ----------
    result : Result
        Of a figure kind.
    locale : Locale
    name : callable or None
        What a customer is called on the page; without it customers are withheld.
    """
    table = numbered(result)
    rows = table.loc[table[ROW] >= 0]
    columns = tuple(_columns(result, rows, locale))
    grid = table_grid(replace(result, table=rows, columns=columns, customers=False), locale, name=name)
    if len(rows) < table["value"].notna().sum():
        numbers = {"n": Quantity(len(rows), "count"), "all": Quantity(int(table["value"].notna().sum()), "count")}
        grid = replace(grid, notes=(*grid.notes, say(Text(SOME.template, numbers), locale)))
    tips = {
        int(number): tuple(f"{heading}: {words}" for heading, words in zip(grid.headings, row, strict=True))
        for number, row in zip(rows[ROW], grid.rows, strict=True)
    }
    return Told(grid, tips)


def _columns(result: Result, table: pd.DataFrame, locale: Locale) -> Iterator[Column]:
    """What stands in the rows: which mark, where it lies, how sure that is, of how many."""
    kind, x, y = result.kind, result.x, result.y
    value: Unit = y.unit if y else "number"
    if kind == "heat_grid":
        yield _words(result, "row", y, GROUP, locale)
        yield _words(result, "column", x, GROUP, locale)
        yield _number(result, "value", None, attribute(table, "unit", "number"), locale)
        if "words" in table:
            yield _words(result, "words", None, VALUE, locale)
    elif kind == "process_map":
        yield _words(result, "before", None, GROUP, locale)
        yield _words(result, "after", None, GROUP, locale)
        yield _number(result, "value", y, value, locale)
    elif kind == "diverging":
        yield _words(result, "group", y, GROUP, locale)
        declared = column_of(result, "box")
        translated = declared.translate
        yield Column("box", _label(result, "box", None, ANSWER, locale), "text" if translated else "number", translated)
        yield _number(result, "value", x, "share", locale)
    else:
        lines = kind in ("curve", "concentration")
        if not lines or _says_something(table, "group"):
            yield _words(result, "group", None if lines or kind == "quadrants" else x, GROUP, locale)
        if kind in ("bars", "interval_dots") and table["measure"].nunique() > 1:
            yield _words(result, "measure", None, GROUP, locale)
        if "x" in table:
            yield _number(result, "x", x, x.unit if x else "number", locale)
            yield from _limits(table, ("x_low", "x_high"), x.unit if x else "number", locale)
        yield _number(result, "value", y, value, locale)
        yield from _limits(table, ("low", "high"), value, locale)
    for name, label in (("n", Text("n")), ("at_risk", STILL)):
        if name in table and table[name].notna().any():
            yield Column(name, say(label, locale), "count")


def _says_something(table: pd.DataFrame, name: str) -> bool:
    return name in table and bool(table[name].fillna("").astype(str).str.strip().ne("").any())


def _limits(table: pd.DataFrame, names: tuple[str, str], unit: Unit, locale: Locale) -> Iterator[Column]:
    if set(names) <= set(table.columns) and table[names[0]].notna().any():
        for name, label in zip(names, (LOW, HIGH), strict=True):
            yield Column(name, say(label, locale), unit)


def _words(result: Result, name: str, axis: Axis | None, other: Text, locale: Locale) -> Column:
    return Column(name, _label(result, name, axis, other, locale), "text", column_of(result, name).translate)


def _number(result: Result, name: str, axis: Axis | None, unit: Unit, locale: Locale) -> Column:
    return Column(name, _label(result, name, axis, VALUE, locale), unit if unit not in WORDS else "number")


def _label(result: Result, name: str, axis: Axis | None, other: Text, locale: Locale) -> str:
    """Heading of a column, in the reader's language: the axis's words, those that the result declares, else a word of ours."""
    from crmkit.core.language import translate

    if axis is not None and axis.label.strip():
        return translate(axis.label, locale.words)
    declared = next((one.label for one in result.columns if one.name == name), "")
    return translate(declared, locale.words) if declared else say(other, locale)


def data_html(data: Told, locale: Locale) -> str:
    """The rows as a fold under the figure."""
    grid = data.grid
    if not grid.rows:
        return ""
    kinds = ["" if column.unit in WORDS else ' class="num"' for column in grid.columns]
    head = "".join(f'<th scope="col"{kind}>{escape(text)}</th>' for kind, text in zip(kinds, grid.headings, strict=True))
    rows = "".join(
        "<tr>" + "".join(f"<td{kind}>{escape(text)}</td>" for kind, text in zip(kinds, row, strict=True)) + "</tr>"
        for row in grid.rows
    )
    notes = "".join(f'<p class="note">{escape(text)}</p>' for text in grid.notes)
    word = escape(say(DATA, locale))
    return (
        f'<div class="tools"><details class="rows"><summary>{word}</summary><div class="table-wrap" tabindex="0" role="region"'
        f' aria-label="{word}"><table class="data"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{notes}'
        "</details></div>"
    )
