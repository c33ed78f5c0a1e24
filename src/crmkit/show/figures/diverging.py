"""Kind ``diverging``: how are answers on a scale spread around its middle, question by question?

Reads a plain table with a row per question and answer: ``group, box, value`` (share of the answers, 0 to 1), ``tone`` (-1 the
worst answer to 1 the best; 0 lies on both sides of the middle line) and, where there are, ``n`` and ``suppressed``. Questions
keep the order of the rows. ``result.x`` names the shares and ``result.y`` the questions. ``table.attrs["ends"]``: three Texts
in place of "worst answers", "middle" and "best answers".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from crmkit.core.format import DASH, format_value
from crmkit.core.language import Locale, say
from crmkit.core.results import Result, Text
from crmkit.show import theme
from crmkit.show.figures import parts
from crmkit.show.figures.told import ROW
from crmkit.show.words import LONGEST_LABEL, attribute, empty, folded, group_words, required

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

THICKNESS = 0.72
LEAST_LABELLED = 0.06
COUNT_HEADING = Text("n")
ENDS = (Text("worst answers"), Text("middle"), Text("best answers"))


def fits(result: Result) -> bool:
    """Whether it can be drawn for a phone."""
    return True


def height(result: Result, *, narrow: bool = False) -> float:
    """Inches, by the number of questions."""
    table = required(result, "group", "box", "value", "tone")
    return min(10.0, 1.25 + 0.36 * table["group"].nunique())


def paint(result: Result, axes: Axes, locale: Locale) -> None:
    """Draws a bar per question, the shares within it, and n at the right where it is that of a whole bar."""
    table = required(result, "group", "box", "value", "tone")
    if table.empty:
        parts.nothing(axes, locale)
        return
    groups = list(dict.fromkeys(table["group"]))
    reach = 0.1
    for place, group in enumerate(groups):
        rows = table.loc[table["group"] == group].sort_values(["tone", "box"]).to_dict("records")
        reach = max(reach, _bar(axes, place, rows, locale))
    words = group_words(result, "group", locale)
    axes.set_yticks(range(len(groups)), [folded(words(group), parts.letters(axes, LONGEST_LABEL)) for group in groups])
    axes.set_ylim(len(groups) - 0.45, -0.6)
    axes.set_ylabel(parts.axis_label(result.y, locale))
    parts.write_axis(axes.xaxis, result.x, locale)
    axes.xaxis.set_major_formatter(lambda value, _: format_value(abs(value), "share", language=locale.language, decimals=0))
    axes.set_xlim(-reach - 0.02, reach + 0.02)
    axes.axvline(0, color=theme.MUTED, linewidth=1.0, zorder=1)
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    _write_counts(axes, table, groups, locale)
    _write_legend(axes, attribute(table, "ends", ENDS), locale)


def _bar(axes: Axes, place: int, rows: list[dict[Any, Any]], locale: Locale) -> float:
    """One question; how far its bar reaches from the middle."""
    from matplotlib.patches import Rectangle

    look: dict[str, Any] = {"edgecolor": theme.PAPER, "linewidth": 0.8, "zorder": 2}
    known = [row for row in rows if not empty(row["value"]) and not row.get("suppressed", False)]
    if not known:
        parts.note(axes, DASH, (0.0, place), shift=(6, 0), across="left", colour=theme.MUTED)
        return 0.0
    middle = sum(float(row["value"]) for row in known if abs(row["tone"]) < 1e-9)
    left = -middle / 2 - sum(float(row["value"]) for row in known if row["tone"] < -1e-9)
    start = left
    for row in known:
        share, shade = float(row["value"]), theme.step((float(row["tone"]) + 1) / 2, theme.DIVERGENCE)
        axes.add_artist(Rectangle((start, place - THICKNESS / 2), share, THICKNESS, **look, facecolor=shade))
        parts.tell(axes, row[ROW], (start, start + share), (place - THICKNESS / 2, place + THICKNESS / 2))
        if share >= (3 if parts.narrow(axes) else 1) * LEAST_LABELLED:
            text = format_value(share, "share", language=locale.language, decimals=0)
            parts.write_on(axes, (start + share / 2, place), text, shade, size=8)
        start += share
    return max(-left, start)


def _write_counts(axes: Axes, table: pd.DataFrame, groups: list[Any], locale: Locale) -> None:
    if "n" not in table:
        return
    # where each part has its own, they are told by the parts
    if table.groupby("group")["n"].nunique().max() > 1:
        return
    first = table.drop_duplicates("group").set_index("group")["n"]
    for place, group in enumerate(groups):
        count = first[group]
        text = DASH if empty(count) else format_value(count, "count", language=locale.language)
        parts.note(axes, text, (1.0, place), coords=("axes fraction", "data"), shift=(44, 0), across="right")
    corner = ("axes fraction", "axes fraction")
    parts.note(axes, say(COUNT_HEADING, locale), (1.0, 1.0), coords=corner, shift=(44, 3), across="right", up="bottom")


def _write_legend(axes: Axes, ends: Sequence[Text], locale: Locale) -> None:
    from matplotlib.patches import Patch

    named = tuple(zip(ends, (0, len(theme.DIVERGENCE) // 2, -1), strict=True))
    handles = [Patch(facecolor=theme.DIVERGENCE[at], edgecolor=theme.RULE) for _, at in named]
    parts.legend_above(axes, handles, [say(text, locale) for text, _ in named])
