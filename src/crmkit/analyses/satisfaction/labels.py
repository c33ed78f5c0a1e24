"""Words and rules that every exhibit shares: what things are called, which numbers are too small, who is content?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.analyses.satisfaction.population import REST, UNKNOWN
from crmkit.core.language import level_name, mark, translate
from crmkit.core.privacy import suppress_small
from crmkit.core.results import Column, Quantity, Result, Text, Unit, not_assessed
from crmkit.data.tables.groups import GROUP_NAMES, NOT_KNOWN, OTHERS
from crmkit.models.survey.nps import DETRACTOR_TO, PROMOTER_FROM

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.analyses.satisfaction.survey import Item, Survey

FEWEST_RANKED = 30
NOTHING = Text("there are no answers")
LABELS = GROUP_NAMES | {
    "channel": mark("Channel"),
    "language": mark("Language"),
    "wave": mark("Wave"),
}
STANDING = Column("standing", "Basis", translate=True)
SCORE_COLUMNS = (
    Column("group", "Score", translate=True),
    Column("measure", "Measure", translate=True),
    Column("value", "Value", "number"),
    Column("interval", "Interval", "number"),
    Column("n", "n", "count"),
    Column("method", "Method", translate=True),
)
DIMENSIONS = {"product": mark("Product"), "service": mark("Service"), "support": mark("Support")}
NPS_BANDS = (mark("Detractors"), mark("Passives"), mark("Promoters"))
OTHER_BANDS = (mark("Dissatisfied"), mark("In between"), mark("Satisfied"))


def absent(past: Survey, name: str, title: Text) -> Result:
    """What stands in place of an exhibit where there is nothing to show."""
    return not_assessed(name, title, past.reason or NOTHING)


def too_few(past: Survey, rows: pd.DataFrame, name: str, title: Text) -> Result | None:
    """What stands in place of an exhibit where nothing can be shown; None where it can."""
    if not past.usable:
        return absent(past, name, title)
    if len(rows) < past.min_cell:
        return not_assessed(name, title, Text("{n} {n:answer is|answers are} too few", {"n": Quantity(len(rows), "count")}))
    return None


def group_label(name: str) -> Text | str:
    """What a grouping is called: a word of ours for the columns we know, else the column's own name."""
    return Text(LABELS[name]) if name in LABELS else name


def level_label(past: Survey, name: str, level: str) -> str:
    """A level with its grouping before it, in the language of the report: two groupings may have levels of one name."""
    said = translate({UNKNOWN: NOT_KNOWN, REST: OTHERS}.get(level, ""), past.language) or level
    return level_name(translate(LABELS.get(name, name), past.language), said)


def dimension_label(past: Survey, name: str) -> str:
    """What a dimension is called, in the language of the report where it is one of the usual ones."""
    return translate(DIMENSIONS[name], past.language) if name in DIMENSIONS else name


def quantity(row: Any, unit: Unit | None = None) -> Quantity:
    """The estimate of a row of a table, with its interval and in its unit."""
    low, high = (None if row[end] != row[end] else float(row[end]) for end in ("low", "high"))
    return Quantity(float(row["value"]), unit or row["unit"], low, high)


def unit_of(item: Item) -> Unit:
    """Unit of the score by which an item is compared: points of NPS, else a share."""
    return "points" if item.kind == "nps" else "share"


def top_from(item: Item) -> float:
    """From which answer on somebody is satisfied: the two top boxes, on scales of two or three boxes the top one."""
    return item.high - 1 if item.high - item.low > 2 else item.high


def with_standing(
    table: pd.DataFrame, *, values: Sequence[str], min_cell: int, within: str | None = None, n: str = "n"
) -> pd.DataFrame:
    """Which groups may be shown, and which of them may be ranked?

    Parameters
    ----------
    table : DataFrame
        One row per group of a partition.
    values : sequence of str
        Columns blanked where a group is too small.
    min_cell : int
        Smallest group shown; where only one would be hidden, the next smallest goes with it.
    within : str or None
        Column that names the partition.
    n : str
        Column with the number of answers.

    Returns
    -------
    DataFrame
        With ``suppressed`` and ``small`` (bool) and ``standing``: whether it is hidden, shown but not ranked, or neither.
    """
    import numpy as np

    shown = suppress_small(table, values=list(values), n=n, min_cell=min_cell, within=within)
    shown["small"] = ~shown["suppressed"] & (shown[n] < FEWEST_RANKED)
    words = [mark("too few to show"), mark("few: not ranked"), ""]
    shown["standing"] = np.select([shown["suppressed"], shown["small"]], words[:2], default=words[2])
    return shown


def leading_item(past: Survey) -> Item | None:
    """The question that sorts customers: recommendation where it is asked, else satisfaction, else effort; None without any."""
    asked = past.of_kind("nps") or past.of_kind("csat") or past.of_kind("ces")
    return asked[0] if asked else None


def band_names(item: Item) -> tuple[str, str, str]:
    """What the three bands of a question are called, the lowest first."""
    return NPS_BANDS if item.kind == "nps" else OTHER_BANDS


def bands(item: Item, scores: ArrayLike) -> NDArray[Any]:
    """The band of each answer; None where there is none.

    Notes
    -----
    Of the recommendation: 0 to 6, 7 and 8, 9 and 10. Of other questions: below the middle of the scale, above it, and the two
    top boxes.
    """
    given = np.asarray(scores, dtype=np.float64)
    up, down = (PROMOTER_FROM, DETRACTOR_TO + 0.5) if item.kind == "nps" else (top_from(item), (item.low + item.high) / 2)
    low, middle, high = band_names(item)
    found = np.where(given >= up, high, np.where(given < down, low, middle)).astype(object)
    found[np.isnan(given)] = None
    return found
