"""Kind ``curve``: how does a value go on along time or another scale, per group, and how sure is it?

Reads a curve table (``group, x, value, low, high, at_risk``; x a number, a date or ISO text) and ``table.attrs``:

- ``step`` (bool): draw steps, for survival curves and counts; straight lines otherwise.
- ``actual`` (group): the observed line; it is drawn in dark ink, and all others, which are expectations, are dashed.
- ``marks`` ([(x, Text)]): vertical dotted lines with a word each, for example where the holdout begins.
- ``ticks`` ([(x, Text)]): what stands at the axis, in place of numbers or days.
- ``quiet`` (groups): lines to compare with, thin and grey.
- ``zero`` (bool, default True): whether the value axis starts at zero.

Where ``at_risk`` is filled in a step curve, the numbers still observed stand under the axis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit.core.format import format_value
from crmkit.core.language import Locale, say
from crmkit.core.results import Result, Text
from crmkit.show import theme
from crmkit.show.figures import parts
from crmkit.show.figures.told import ROW
from crmkit.show.words import attribute, empty, group_words, plain, required, sentence, short

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

DIRECT_LABELS = 6
AT_RISK = Text("Still observed")
BELOW, ROW_POINTS = 46.0, 12.5


def fits(result: Result) -> bool:
    """Whether it can be drawn for a phone."""
    return True


def height(result: Result, *, narrow: bool = False) -> float:
    """Inches: taller by a line for each row of numbers under the axis."""
    table = required(result, "group", "x", "value")
    return 3.5 + (0.3 + 0.17 * table["group"].nunique() if _shows_at_risk(table) else 0.0)


def paint(result: Result, axes: Axes, locale: Locale) -> None:
    """Draws the lines, their bands, and their names at the ends."""
    table = _prepared(required(result, "group", "x", "value"), dated=bool(result.x and result.x.unit == "date"))
    if table.empty:
        parts.nothing(axes, locale)
        return
    unit = result.y.unit if result.y else "number"
    parts.write_axis(axes.xaxis, result.x, locale)
    parts.write_axis(axes.yaxis, result.y, locale)
    known = [table[name] for name in ("value", "low", "high") if name in table]
    axes.set_ylim(*parts.limits([v for column in known for v in column], unit, zero=attribute(table, "zero", True)))
    first, last = table["x"].min(), table["x"].max()
    axes.set_xlim(*((first, last) if last > first else (first - 1, first + 1)))
    named_ticks = attribute(table, "ticks", ())
    if named_ticks:
        places = [_number(place) for place, _ in named_ticks]
        axes.set_xticks(places, [short(sentence(text, locale), 12) for _, text in named_ticks])
    words = group_words(result, "group", locale)
    ends = []
    quiet = [plain(group) for group in attribute(table, "quiet", ())]
    for (group, rows), (colour, line) in zip(table.groupby("group", sort=False), _looks(table), strict=True):
        _line(axes, rows, colour, line, step=bool(attribute(table, "step")), quiet=group in quiet)
        ends.append((float(rows["x"].iloc[-1]), float(rows["value"].iloc[-1]), words(group), colour))
    named = [end for end in ends if end[2]]
    if 1 < len(named) <= DIRECT_LABELS:
        parts.label_ends(axes, named)
    elif len(named) > 1:
        lines = [line for line in axes.get_lines() if line.get_gid() == "series"]
        parts.legend_above(axes, lines, [end[2] for end in named])
    parts.write_marks(axes, result, table, locale, _number)
    for point in table.loc[table[ROW] >= 0].to_dict("records"):
        parts.tell(axes, point[ROW], (point["x"],) * 2, (point["value"],) * 2)
    if _shows_at_risk(table):
        _write_at_risk(axes, table, [short(end[2], parts.letters(axes, 14)) for end in ends], locale)


def _prepared(table: pd.DataFrame, *, dated: bool) -> pd.DataFrame:
    """Rows that can be drawn, x as numbers, sorted along x within each group."""
    ready = table.assign(
        x=[_number(x) if dated else float(x) for x in table["x"]], group=[plain(group) for group in table["group"].fillna("")]
    )
    ready = ready.loc[ready["value"].notna()].astype({"value": "float64"})
    order = {group: place for place, group in enumerate(dict.fromkeys(ready["group"]))}
    ready = ready.sort_values(["group", "x"], key=lambda column: column.map(order) if column.name == "group" else column)
    ready.attrs = table.attrs
    return ready


def _number(x: Any) -> float:
    """Where x stands on the axis; dates count in matplotlib's days."""
    if isinstance(x, int | float):
        return float(x)
    import pandas as pd
    from matplotlib.dates import date2num

    return float(date2num(pd.Timestamp(x).to_pydatetime()))  # type: ignore[no-untyped-call]


def _looks(table: pd.DataFrame) -> list[tuple[str, Any]]:
    """Colour and dash of each group in turn."""
    groups, actual = list(dict.fromkeys(table["group"])), plain(attribute(table, "actual"))
    others = [group for group in groups if group != actual]
    quiet = [plain(group) for group in attribute(table, "quiet", ())]
    others = [group for group in others if group not in quiet]
    looks = {group: (theme.colour(i), theme.dash(i)) for i, group in enumerate(others)}
    if actual in groups:
        looks = {group: (theme.colour(i), theme.DASHES[1 + i % (len(theme.DASHES) - 1)]) for i, group in enumerate(others)}
        looks[actual] = (theme.NEUTRAL, "-")
    looks |= dict.fromkeys(quiet, (theme.MUTED, theme.DASHES[1]))
    return [looks[group] for group in groups]


def _line(axes: Axes, rows: pd.DataFrame, colour: str, line: Any, *, step: bool, quiet: bool = False) -> None:
    import seaborn as sns

    before = len(axes.get_lines())
    if len(rows) == 1:
        axes.plot(rows["x"], rows["value"], marker="o", markersize=6, color=colour, linestyle="none")
    elif step:
        axes.step(rows["x"], rows["value"], where="post", color=colour, linestyle=line)
    else:
        sns.lineplot(
            data=rows, x="x", y="value", ax=axes, color=colour, linestyle=line, errorbar=None, estimator=None, legend=False
        )
    axes.get_lines()[before].set_gid("series")
    if quiet:
        axes.get_lines()[before].set_linewidth(1.1)
    if not {"low", "high"} <= set(rows.columns) or rows[["low", "high"]].isna().all(axis=None):
        return
    low, high = rows["low"].astype("float64"), rows["high"].astype("float64")
    if len(rows) == 1:
        axes.vlines(rows["x"], low, high, color=colour, linewidth=2)
    else:
        axes.fill_between(rows["x"], low, high, step="post" if step else None, color=colour, alpha=0.16, linewidth=0)


def _shows_at_risk(table: pd.DataFrame) -> bool:
    return bool(attribute(table, "step") and "at_risk" in table and table["at_risk"].notna().any())


def _write_at_risk(axes: Axes, table: pd.DataFrame, names: list[str], locale: Locale) -> None:
    """How many were still observed at each tick: a curve is only as good as what is left under it."""
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    corner = ("axes fraction", "axes fraction")
    parts.note(axes, say(AT_RISK, locale), (0, 0), coords=corner, shift=(0, -BELOW), across="left", up="top", size=8)
    for row, (name, (_, rows)) in enumerate(zip(names, table.groupby("group", sort=False), strict=True), start=1):
        down = -(BELOW + row * ROW_POINTS)
        parts.note(axes, name, (0, 0), coords=corner, shift=(-22, down), across="right", up="top", size=8)
        for tick in ticks:
            left = rows.loc[rows["x"] <= tick, "at_risk"]
            value = None if left.empty or empty(left.iloc[-1]) or tick > rows["x"].iloc[-1] else left.iloc[-1]
            count = format_value(value, "count", language=locale.language)
            parts.note(axes, count, (tick, 0), coords=("data", "axes fraction"), shift=(0, down), up="top", size=8)
