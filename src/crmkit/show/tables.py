"""How is a result put before a reader? Any exhibit as safe HTML for a page, or as plain text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from crmkit.core.language import Locale, say
from crmkit.core.results import Column, Finding, Result, Text, worst_first
from crmkit.show.boxes import (
    finding_html,
    finding_sentence,
    finding_words,
    findings_html,
    not_assessed_html,
    ranges_words,
    reason_words,
    value_words,
    values_html,
)
from crmkit.show.figures import figure_html
from crmkit.show.grid import WORDS, Grid, table_grid
from crmkit.show.words import Naming, sentence, width

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "exhibit_html",
    "exhibit_text",
    "figure_html",
    "findings_html",
    "findings_text",
    "not_assessed_html",
    "table_html",
    "values_html",
]

NO_ROWS = Text("no rows")
MAX_ROWS = 50
TERMINAL_ROWS = 20
LONG, WORDY = 10, 48


def exhibit_html(
    result: Result,
    locale: Locale,
    *,
    name: Naming | None = None,
    max_rows: int | None = MAX_ROWS,
    like: pd.DataFrame | None = None,
) -> str:
    """A result of any kind as a piece of a page; everything from data is escaped.

    Parameters
    ----------
    result : Result
    locale : Locale
    name : callable or None
        What a customer is called on the page, from the identifier, usually a pseudonym; without it customers are withheld.
    max_rows : int or None
        Rows of a table shown at most.
    like : DataFrame or None
        Rows that those of a table are rounded like, as where it shows some of them on a page of their own.

    Raises
    ------
    ReportError
        As :func:`crmkit.show.tables.table_html` and :func:`crmkit.show.figures.figure_html` do.
    """
    if not result.assessed:
        return not_assessed_html(result, locale, name=name)
    if result.kind == "values":
        return values_html(result, locale, name=name)
    if result.kind == "table":
        return table_html(result, locale, name=name, max_rows=max_rows, like=like)
    return figure_html(result, locale, name=name)


def table_html(
    result: Result,
    locale: Locale,
    *,
    name: Naming | None = None,
    max_rows: int | None = None,
    like: pd.DataFrame | None = None,
) -> str:
    """A result as a table of a page; everything from data is escaped.

    Parameters
    ----------
    result : Result
        Of any kind. Without ``columns``, an estimate table shows its own in words, with one column for the interval; any other
        table shows all its columns but names, addresses and comments of persons. A column of the name ``interval`` shows
        ``low`` and ``high`` together.
    locale : Locale
    name : callable or None
        What a customer is called on the page, from the identifier, usually a pseudonym; without it customers are withheld.
    max_rows : int or None
        Rows shown at most; a line says how many more there are.
    like : DataFrame or None
        Rows that these are rounded like; None: those shown.

    Returns
    -------
    str
        ``<div class="exhibit">`` with a scrolling ``<div class="table-wrap">``, the table and the notes under it. A long table
        is ``sortable``: its cells carry the unrounded numbers in ``data-key``, for the page's script.

    Raises
    ------
    ReportError
        When there is no table, a declared column is not in it, or a value does not have its unit.
    """
    grid = table_grid(result, locale, name=name, max_rows=max_rows, like=like)
    title = escape(sentence(result.title, locale, name))
    caption = f'<strong class="title">{title}</strong>{finding_html(result.finding, locale, name)}'
    head = "".join(
        f'<th scope="col"{_class(column)}>{escape(text)}</th>' for column, text in zip(grid.columns, grid.headings, strict=True)
    )
    long = len(grid.rows) >= LONG
    kind = "data sortable" if long else "data"
    wordy = {
        place
        for place, column in enumerate(grid.columns)
        if column.unit in WORDS and any(width(row[place]) > WORDY for row in grid.rows)
    }
    body = "".join(_row_html(grid, place, keyed=long, wordy=wordy) for place in range(len(grid.rows)))
    if not grid.rows:
        body = f'<tr><td colspan="{len(grid.columns)}">{escape(say(NO_ROWS, locale))}</td></tr>'
    notes = "".join(
        f'<p class="note">{escape(text)}</p>' for text in (*grid.notes, sentence(result.note, locale, name)) if text
    )
    return (
        f'<div class="exhibit" id="{escape(result.name)}">'
        f'<div class="table-wrap" tabindex="0" role="region" aria-label="{title}"><table class="{kind}">'
        f"<caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        f"{notes}</div>"
    )


def _row_html(grid: Grid, row: int, *, keyed: bool, wordy: set[int]) -> str:
    parts = []
    for place, (column, text, key) in enumerate(zip(grid.columns, grid.rows[row], grid.keys[row], strict=True)):
        if place == 0 and column.unit in WORDS and text:
            parts.append(f'<th scope="row"{_class(column, wordy=place in wordy)}>{escape(text)}</th>')
        else:
            shown = _class(column, suppressed=grid.hidden[row] and column.unit not in WORDS, wordy=place in wordy)
            sorted_by = f' data-key="{key}"' if keyed and key else ""
            parts.append(f"<td{shown}{sorted_by}>{escape(text)}</td>")
    return f"<tr>{''.join(parts)}</tr>"


def _class(column: Column, *, suppressed: bool = False, wordy: bool = False) -> str:
    numeric = column.unit not in WORDS
    kinds = {"num": numeric, "limits": column.limits is not None, "suppressed": suppressed, "wordy": wordy}
    names = [name for name, is_so in kinds.items() if is_so]
    return f' class="{" ".join(names)}"' if names else ""


def exhibit_text(result: Result, locale: Locale, *, name: Naming | None = None, max_rows: int | None = TERMINAL_ROWS) -> str:
    """A result of any kind as lines of plain text; a figure is told by its alt text. Parameters as in :func:`exhibit_html`."""
    lines = [sentence(result.title, locale, name)]
    if not result.assessed:
        return "\n".join([*lines, reason_words(result, locale, name)])
    if result.finding is not None:
        said, ranges = finding_sentence(result.finding, locale, name), ranges_words(result.finding, locale)
        lines.append(f"{said} {ranges}".rstrip())
    if result.kind == "values":
        for label, number, interval, basis in value_words(result, locale):
            small = "; ".join(part for part in (interval, basis) if part)
            lines.append(f"{label}: {number}" + (f" ({small})" if small else ""))
    elif result.kind == "table":
        grid = table_grid(result, locale, name=name, max_rows=max_rows)
        lines += [*_lined_up(grid), *grid.notes]
    else:
        lines.append(sentence(result.alt, locale, name))
    return "\n".join(line for line in [*lines, sentence(result.note, locale, name)] if line)


def findings_text(findings: Iterable[Finding], locale: Locale, *, name: Naming | None = None) -> str:
    """Findings as lines of plain text, the worst first."""
    listed = (finding_words(finding, locale, name) for finding in worst_first(findings))
    return "\n".join(f"{severity[1]}: {' '.join(text for _, text in rest)}" for severity, *rest in listed)


def _lined_up(grid: Grid) -> list[str]:
    """Rows of a table with columns under each other, numbers to the right."""
    lines = [grid.headings, *grid.rows]
    widths = [max(width(line[place]) for line in lines) for place in range(len(grid.columns))]
    right = [column.unit not in WORDS for column in grid.columns]
    return [
        "  ".join(_fill(text, places, flush) for text, places, flush in zip(line, widths, right, strict=True)).rstrip()
        for line in lines
    ]


def _fill(text: str, places: int, right: bool) -> str:
    blanks = " " * (places - width(text))
    return blanks + text if right else text + blanks
