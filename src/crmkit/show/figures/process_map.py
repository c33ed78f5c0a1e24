"""Kind ``process_map``: which way do cases take, and how long do they wait between two steps?

Reads a table with a row per arrow: ``before, after`` (steps), ``value`` (time between them) and ``n`` (how often, the width of
the arrow). From ``table.attrs``:

- ``order`` (steps): from the first to the last.
- ``declared`` (steps): those of the process, which stand in the middle; all others stand beside it. All of them where it is
  empty.

``result.y`` has the unit of the times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit.core.format import format_value
from crmkit.core.language import Locale
from crmkit.core.results import Result
from crmkit.show import theme
from crmkit.show.figures import parts
from crmkit.show.figures.told import ROW
from crmkit.show.words import attribute, group_words, required, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW_INCHES = 0.92
WIDE, HIGH = 0.62, 0.17  # half a box, in columns and rows
LETTERS = 22
LOOP, ASIDE = 0.34, 2.0

Place = tuple[float, float]


def fits(result: Result) -> bool:
    """Whether it can be drawn for a phone: boxes beside each other would have no room for their words."""
    return not _sides(result)


def height(result: Result, *, narrow: bool = False) -> float:
    """Inches, by the number of steps that stand below each other."""
    places = _places(result)
    return 0.5 + ROW_INCHES * (1 + max((row for _, row in places.values()), default=0.0))


def paint(result: Result, axes: Axes, locale: Locale) -> None:
    """Draws boxes and arrows, and writes on each arrow how long it takes."""
    from matplotlib.patches import Rectangle

    table = required(result, "before", "after", "value", "n")
    axes.set_axis_off()
    if table.empty:
        parts.nothing(axes, locale)
        return
    places = _places(result)
    # room on either side for an arrow that comes back, and its words
    ends = [x for x, _ in places.values()]
    axes.set_xlim(min(ends) - 2 * WIDE, max(ends) + 2 * WIDE)
    axes.set_ylim(max(row for _, row in places.values()) + 0.45, -0.45)
    middle = set(_middle(result))
    words = group_words(result, "before", locale)
    for step, (x, y) in places.items():
        face = theme.PALE if step in middle else theme.PAPER
        box = Rectangle((x - WIDE, y - HIGH), 2 * WIDE, 2 * HIGH, facecolor=face, edgecolor=theme.MUTED, linewidth=1, zorder=3)
        axes.add_patch(box)
        parts.note(axes, short(words(step), parts.letters(axes, LETTERS)), (x, y), shift=(0, 0), colour=theme.INK)
    most = float(table["n"].max())
    unit = result.y.unit if result.y else "hours"
    pairs = {(row["before"], row["after"]) for row in table.to_dict("records")}
    for row in table.to_dict("records"):
        start, end = places[row["before"]], places[row["after"]]
        both = (row["after"], row["before"]) in pairs
        label = format_value(row["value"], unit, language=locale.language)
        at = _arrow(axes, start, end, width=0.8 + 3.2 * float(row["n"]) / most, both=both)
        words_on = parts.note(axes, label, at, shift=(0, 0), colour=theme.INK, size=8.5)
        words_on.set_bbox({"facecolor": theme.PAPER, "edgecolor": "none", "pad": 1.5})
        words_on.set_zorder(4)
        parts.tell(axes, row[ROW], (at[0] - 0.25, at[0] + 0.25), (at[1] - 0.1, at[1] + 0.1))


def _middle(result: Result) -> list[Any]:
    table = required(result, "before", "after")
    order = list(attribute(table, "order", ())) or list(dict.fromkeys([*table["before"], *table["after"]]))
    declared = set(attribute(table, "declared", ())) or set(order)
    return [step for step in order if step in declared]


def _sides(result: Result) -> bool:
    return any(column for column, _ in _places(result).values())


def _places(result: Result) -> dict[Any, Place]:
    """Column (0, or aside) and row of each step."""
    table = required(result, "before", "after")
    order = list(attribute(table, "order", ())) or list(dict.fromkeys([*table["before"], *table["after"]]))
    middle = _middle(result)
    places: dict[Any, Place] = {step: (0.0, float(row)) for row, step in enumerate(middle)}
    taken: dict[float, list[float]] = {ASIDE: [], -ASIDE: []}
    for number, step in enumerate(one for one in order if one not in places):
        beside = [
            places[other][1]
            for row in table.to_dict("records")
            for own, other in ((row["before"], row["after"]), (row["after"], row["before"]))
            if own == step and other in places and places[other][0] == 0
        ]
        column = ASIDE if number % 2 == 0 else -ASIDE
        row = sum(beside) / len(beside) if beside else float(len(middle)) / 2
        while any(abs(row - other) < 2.6 * HIGH for other in taken[column]):
            row += 2.6 * HIGH
        taken[column].append(row)
        places[step] = (column, row)
    return places


def _arrow(axes: Axes, start: Place, end: Place, *, width: float, both: bool) -> Place:
    """Draws an arrow from box to box; gives the place of its words."""
    from matplotlib.patches import FancyArrowPatch

    (x0, y0), (x1, y1) = start, end
    bend = 0.0
    if start == end:  # once more
        side = 1.0 if x0 > 0 else -1.0
        ends = (x0 + side * WIDE, y0 - HIGH / 2), (x0 + side * WIDE, y0 + HIGH / 2)
        bend, at = -1.6 * side, (x0 + side * (WIDE + LOOP), y0)
    elif x0 == x1 and abs(y1 - y0) <= 1 and y1 > y0:  # the next step
        away = 0.12 if both else 0.0
        ends = (x0 - away, y0 + HIGH), (x1 - away, y1 - HIGH)
        at = (x0 - away - 0.2, (y0 + y1) / 2) if both else (x0 + 0.22, (y0 + y1) / 2)
    elif x0 == x1:  # over several steps, or back
        side = -1.0 if y1 > y0 else 1.0
        ends = (x0 + side * WIDE, y0), (x1 + side * WIDE, y1)
        bend = 0.35 * (1 if side * (y1 - y0) > 0 else -1)
        at = (x0 + side * (WIDE + 0.13 + 0.09 * abs(y1 - y0)), (y0 + y1) / 2)
        if both and abs(y1 - y0) <= 1:
            ends, bend, at = ((x0 + 0.12, y0 - HIGH), (x1 + 0.12, y1 + HIGH)), 0.0, (x0 + 0.34, (y0 + y1) / 2)
    else:  # aside, and back again
        side = 1.0 if x1 > x0 else -1.0
        lift = (-0.06 if side * (1 if abs(x1) > abs(x0) else -1) * x1 >= 0 and abs(x1) > abs(x0) else 0.06) if both else 0.0
        ends = (x0 + side * WIDE, y0 + lift), (x1 - side * WIDE, y1 + lift)
        at = ((ends[0][0] + ends[1][0]) / 2, (ends[0][1] + ends[1][1]) / 2 + 1.5 * lift)
    style = f"arc3,rad={bend}"
    patch = FancyArrowPatch(
        *ends,
        arrowstyle="-|>,head_length=5,head_width=3",
        connectionstyle=style,
        shrinkA=0,
        shrinkB=0,
        linewidth=width,
        color=theme.DIM,
        zorder=2,
        mutation_scale=1.0,
    )
    axes.add_patch(patch)
    return at
