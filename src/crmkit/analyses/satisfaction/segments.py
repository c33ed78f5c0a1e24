"""Which groups of customers score differently, and which differences are more than chance?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.satisfaction.estimates import Floats
from crmkit.analyses.satisfaction.labels import FEWEST_RANKED, level_label, quantity, too_few, top_from, unit_of, with_standing
from crmkit.analyses.satisfaction.population import UNKNOWN
from crmkit.analyses.satisfaction.survey import Item, Survey
from crmkit.core.language import mark
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.models.basics.families import holm
from crmkit.models.basics.shares import detectable_mean, detectable_share, newcombe, wilson
from crmkit.models.survey import nps as recommend

if TYPE_CHECKING:
    import pandas as pd

OTHERS = mark("all others")
NO_GROUPS = Text("nothing is known by which answers could be grouped")
NPS_POINTS, TOP_SHARE = mark("NPS"), mark("CSAT, two top boxes")


def groupings(past: Survey) -> list[str]:
    """Columns by which answers can be split: the channel and the language of the answer, then the customers' groups."""
    said = [name for name in ("channel", "language") if name in past.recorded and past.answers.responses[name].nunique() > 1]
    return [*said, *past.population.groups]


def levels_of(past: Survey, rows: pd.DataFrame, name: str) -> pd.Series[str]:
    """The level of each response in a grouping; empty where it is not known."""
    found = rows[name] if name in ("channel", "language") else rows[f"group:{name}"]
    return found.astype("object").where(found.notna() & (found != UNKNOWN)).astype("object")


def leading_score(past: Survey) -> tuple[Item, str] | None:
    """The score that segments and waves are compared by: NPS where it is asked, else satisfaction, else effort."""
    for kind, word in (("nps", NPS_POINTS), ("csat", TOP_SHARE), ("ces", mark("CES, two top boxes"))):
        found = past.of_kind(kind)
        if found:
            return found[0], word
    return None


def box_counts(item: Item, scores: Floats) -> tuple[float, float, float]:
    """What differences need: promoters, detractors and n, or for other items tops, 0 and n."""
    known = scores[~np.isnan(scores)]
    if item.kind == "nps":
        high, low = known >= recommend.PROMOTER_FROM, known <= recommend.DETRACTOR_TO
        return float(high.sum()), float(low.sum()), float(len(known))
    return float((known >= top_from(item)).sum()), 0.0, float(len(known))


def segments(past: Survey) -> Result:
    """How do the groups of customers score?

    Returns
    -------
    Result
        Interval dots of the leading score (NPS, adjusted Wald; else the share in the two top boxes, Wilson) per level of
        the channel, the
        language and the customers' groups: ``group, measure, grouping, level, value, low, high, n, unit, method, suppressed,
        small, standing``. Below ``min_cell`` answers hidden, with the next smallest where only one would be; 10 to 29 grey.
    """
    name, title = "satisfaction_segments", Text("How do groups of customers score?")
    missing = too_few(past, past.current, name, title)
    if missing is not None:
        return missing
    asked, splits = leading_score(past), groupings(past)
    if asked is None or not splits:
        return not_assessed(name, title, NO_GROUPS)
    table = segment_table(past, past.current, *asked)
    unit = unit_of(asked[0])
    table.attrs["confidence"] = past.confidence
    return Result(
        name,
        "interval_dots",
        title,
        table,
        columns=(Column("group", "Group"), Column("measure", "Measure", translate=True)),
        finding=_range_finding(table),
        note=Text(
            "Wave {wave}, as answered. Intervals: {method}. Groups with fewer than {cell} answers are not "
            "shown, nor one from which they could be worked out. Grey: fewer than {ranked}, too few to rank. "
            "{n} answers in all.",
            {
                "wave": past.waves.reported,
                "method": Text(str(table["method"].iloc[0])),
                "cell": Quantity(past.min_cell, "count"),
                "ranked": Quantity(FEWEST_RANKED, "count"),
                "n": Quantity(len(past.current), "count"),
            },
        ),
        alt=Text("A dot with an interval per group of customers, with the number of answers at the right."),
        x=Axis("Group", "text"),
        y=Axis(asked[1], unit),
    )


def segment_table(past: Survey, rows: pd.DataFrame, item: Item, word: str) -> pd.DataFrame:
    """The leading score of every level; see :func:`segments`."""
    import pandas as pd

    listed = []
    for name in groupings(past):
        levels = levels_of(past, rows, name)
        for level in sorted(levels.dropna().unique()):
            up, down, n = box_counts(item, rows.loc[levels == level, item.id].to_numpy(dtype=np.float64))
            found = (
                recommend.nps(up, down, n, confidence=past.confidence)
                if item.kind == "nps"
                else wilson(up, n, confidence=past.confidence)
            )
            listed.append(
                {
                    "group": level_label(past, name, level),
                    "measure": word,
                    "grouping": name,
                    "level": level,
                    "value": found.value[0],
                    "low": found.low[0],
                    "high": found.high[0],
                    "n": n,
                    "unit": unit_of(item),
                    "method": found.method,
                }
            )
    return with_standing(pd.DataFrame(listed), values=["value", "low", "high"], min_cell=past.min_cell, within="grouping")


def _range_finding(table: pd.DataFrame) -> Finding | None:
    ranked = table[~table["suppressed"] & ~table["small"] & table["value"].notna()]
    if len(ranked) < 2:
        return None
    worst, best = ranked.loc[ranked["value"].idxmin()], ranked.loc[ranked["value"].idxmax()]
    text = Text(
        "“{worst}” scores lowest with {low}, “{best}” highest with {high}. The next table says which differences hold.",
        {
            "worst": str(worst["group"]),
            "low": quantity(worst),
            "best": str(best["group"]),
            "high": quantity(best),
        },
    )
    return Finding("satisfaction.segments", "info", None, text, evidence=("satisfaction_segments",))


def differences(past: Survey) -> Result:
    """Which groups differ from all others by more than chance?

    Returns
    -------
    Result
        Table ``group, grouping, value, low, high, p_value, p_holm, differs, detectable, n, n_others, unit, method``: each level
        with 30 answers or more against all other answers. NPS by the adjusted two-sample interval, shares by Newcombe's;
        p-values corrected (Holm) over all rows; ``detectable``: the smallest difference that such a comparison would
        notice in four of five cases.
    """
    name, title = "satisfaction_differences", Text("Which groups differ from all others?")
    missing = too_few(past, past.current, name, title)
    if missing is not None:
        return missing
    asked = leading_score(past)
    if asked is None or not groupings(past):
        return not_assessed(name, title, NO_GROUPS)
    table = difference_table(past, past.current, asked[0])
    if not len(table):
        return not_assessed(name, title, Text("no group has {n} answers or more", {"n": Quantity(FEWEST_RANKED, "count")}))
    table.attrs["confidence"] = past.confidence
    columns = (
        Column("group", "Group"),
        Column("n", "n", "count"),
        Column("n_others", "n of all others", "count"),
        Column("value", "Difference, points", "points"),
        Column("interval", "Interval", "points"),
        Column("p_holm", "p, Holm", "p"),
        Column("differs", "Beyond chance"),
        Column("detectable", "Smallest noticed", "points"),
    )
    note = Text(
        "{score}: the group less all other answers of {wave}, in {m} comparisons. Method: {method}; p-values after Holm for "
        "all of them. Smallest noticed: the difference that would be found in four of five such surveys.",
        {
            "score": Text(asked[1]),
            "wave": past.waves.reported,
            "m": Quantity(len(table), "count"),
            "method": Text(str(table["method"].iloc[0])),
        },
    )
    return Result(name, "table", title, table, columns, finding=_differs(table), note=note)


def difference_table(past: Survey, rows: pd.DataFrame, item: Item) -> pd.DataFrame:
    """Each level with enough answers against all others of its grouping; see :func:`differences`."""
    import pandas as pd

    scores = rows[item.id].to_numpy(dtype=np.float64)
    listed = []
    for name in groupings(past):
        levels = levels_of(past, rows, name)
        known = levels.notna().to_numpy()
        present = sorted(levels.dropna().unique())
        for level in present[:1] if len(present) == 2 else present:
            inside = (levels == level).to_numpy()
            mine, others = box_counts(item, scores[inside]), box_counts(item, scores[known & ~inside])
            if min(mine[2], others[2]) < FEWEST_RANKED:
                continue
            listed.append(
                {
                    "group": level_label(past, name, level),
                    "grouping": name,
                    **difference_of(item, others, mine, past.confidence),
                }
            )
    table = pd.DataFrame(listed)
    if not listed:
        return table
    table["p_holm"] = holm(table["p_value"].to_numpy())
    table["differs"] = table["p_holm"] < 1 - past.confidence
    table["detectable"] = detectable(item, table, past.confidence, of=len(table))
    return table.sort_values("value", ignore_index=True, kind="stable")


def difference_of(
    item: Item, first: tuple[float, float, float], second: tuple[float, float, float], confidence: float
) -> dict[str, object]:
    """Second less first, in points of NPS or percentage points; each side is (up, down, n).

    Returns
    -------
    dict
        ``value, low, high, p_value, n, n_others, spread, unit, method``.
    """
    if item.kind == "nps":
        found = recommend.nps_difference(first, second, confidence=confidence)
        spread = recommend.deviation(first[0] + second[0], first[1] + second[1], first[2] + second[2])[0]
    else:
        share = newcombe(first[0], first[2], second[0], second[2], confidence=confidence)
        found = replace(share, value=100 * share.value, low=100 * share.low, high=100 * share.high)
        spread = (first[0] + second[0]) / (first[2] + second[2])
    return {
        "value": found.value[0],
        "low": found.low[0],
        "high": found.high[0],
        "p_value": found.p_value[0],
        "n": second[2],
        "n_others": first[2],
        "spread": float(spread),
        "unit": "points",
        "method": found.method,
    }


def detectable(item: Item, table: pd.DataFrame, confidence: float, *, of: int) -> Floats:
    """The smallest difference, in points, noticed in four of five cases, at the hardest step of Holm over so many."""
    sizes = table["n_others"].to_numpy(), table["n"].to_numpy()
    if item.kind == "nps":
        return detectable_mean(table["spread"].to_numpy(), *sizes, confidence=confidence, comparisons=of)
    return 100 * detectable_share(table["spread"].to_numpy(), *sizes, confidence=confidence, comparisons=of)


def _differs(table: pd.DataFrame) -> Finding:
    clear = table[table["differs"]]
    evidence = ("satisfaction_differences", "satisfaction_segments")
    m = Quantity(len(table), "count")
    if clear.empty:
        text = Text("None of the {m} groups differs significantly from the others.", {"m": m})
        return Finding("satisfaction.differences", "info", None, text, evidence=evidence)
    worst = clear.iloc[0] if clear.iloc[0]["value"] < 0 else clear.iloc[-1]
    numbers: dict[str, Quantity | Text | str] = {
        "k": Quantity(len(clear), "count"),
        "m": m,
        "group": str(worst["group"]),
        "gap": Quantity(abs(worst["value"]), "points"),
        "low": Quantity(min(abs(worst["low"]), abs(worst["high"])), "points"),
        "high": Quantity(max(abs(worst["low"]), abs(worst["high"])), "points"),
    }
    if worst["value"] < 0:
        text = Text(
            "{k} of {m} groups {k:scores|score} significantly differently; “{group}” lies {gap} points "
            "below all others ({low} to {high}).",
            numbers,
        )
        action = Text(
            "Ask “{group}” first: look at their questions in the files, and call some of them.", {"group": str(worst["group"])}
        )
        return Finding("satisfaction.differences", "warning", False, text, evidence=evidence, action=action)
    text = Text(
        "{k} of {m} groups {k:scores|score} significantly differently; “{group}” lies {gap} points above "
        "all others ({low} to {high}).",
        numbers,
    )
    return Finding("satisfaction.differences", "info", None, text, evidence=evidence)
