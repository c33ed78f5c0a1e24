"""What has changed since the last wave, and how much of it would chance alone have shown?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.satisfaction.labels import FEWEST_RANKED, level_label, quantity, too_few
from crmkit.analyses.satisfaction.segments import box_counts, detectable, difference_of, groupings, leading_score, levels_of
from crmkit.analyses.satisfaction.survey import Item, Survey
from crmkit.analyses.satisfaction.trend import compare_modes
from crmkit.analyses.satisfaction.weights import Weights, weighted_score
from crmkit.core.language import mark
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.models.basics.families import holm

if TYPE_CHECKING:
    import pandas as pd

FIRST_WAVE = Text("there is no earlier wave to compare with")
LARGE_MOVE = 10.0
COLUMNS = (Column("n_others", "n before", "count"), Column("n", "n now", "count"))


def changes(past: Survey, weights: Weights) -> Result:
    """Which scores and questions have changed since the wave before?

    Returns
    -------
    Result
        Table ``group, measure, before, now, value, low, high, p_value, p_holm, changed, weighted, detectable, n,
        n_others, unit,
        method``, one row per score: NPS in points (adjusted two-sample interval), all others as the share in the two top
        boxes (Newcombe).
        ``weighted``: the change of all customers. p-values corrected (Holm) over the table.
    """
    name, title = "satisfaction_changes", Text("What has changed since the wave before?")
    missing = too_few(past, past.current, name, title)
    if missing is not None:
        return missing
    if not past.waves.previous:
        return not_assessed(name, title, FIRST_WAVE)
    table = change_table(past, weights)
    if not len(table):
        return not_assessed(name, title, Text("there are too few answers in one of the two waves"))
    table.attrs["confidence"] = past.confidence
    columns = (
        Column("group", "Question"),
        Column("measure", "Measure", translate=True),
        *COLUMNS,
        Column("value", "Change, points", "points"),
        Column("interval", "Interval", "points"),
        Column("p_holm", "p, Holm", "p"),
        Column("changed", "Beyond chance"),
        Column("weighted", "Weighted", "points"),
        Column("detectable", "Smallest noticed", "points"),
    )
    both = _in_both(past)
    note = Text(
        "{before} to {now}, in points: of NPS, or percentage points of the answers in the two top boxes. NPS: adjusted "
        "two-sample interval; shares: Newcombe; Holm over {m} comparisons. {careful} Weighted: the "
        "change of all customers. Smallest noticed: found in four of five such surveys.",
        {
            "before": past.waves.previous,
            "now": past.waves.reported,
            "m": Quantity(len(table), "count"),
            "careful": Text(
                "{both} {both:customer|customers} answered in both waves, which makes the tests careful.",
                {"both": Quantity(both, "count")},
            )
            if both
            else Text("No customer answered in both waves."),
        },
    )
    return Result(name, "table", title, table, columns, finding=_changes_finding(past, table), note=note)


def change_table(past: Survey, weights: Weights) -> pd.DataFrame:
    """One row per score; see :func:`changes`."""
    import pandas as pd

    listed = []
    for item in past.of_kind("nps", "csat", "ces", "driver"):
        row = _change(past, item, past.waves.previous, past.waves.reported)
        if row is None:
            continue
        now, then = (weighted_score(past, weights, wave, item, top=True) for wave in (past.waves.reported, past.waves.previous))
        by = 1.0 if item.kind == "nps" else 100.0
        row["weighted"] = np.nan if now is None or then is None else by * (now[0] - then[0])
        listed.append(row)
    if not listed:
        return pd.DataFrame(listed)
    table = pd.DataFrame(listed)
    table["p_holm"] = holm(table["p_value"].to_numpy())
    table["changed"] = table["p_holm"] < 1 - past.confidence
    single = [table.iloc[[at]] for at in range(len(table))]
    table["detectable"] = [
        float(detectable(past.item(str(one["item"].iloc[0])), one, past.confidence, of=len(table))[0]) for one in single
    ]
    return table


def _change(past: Survey, item: Item, before: str, now: str) -> dict[str, object] | None:
    """One score in two waves; None where one of them has too few answers."""
    pair = [box_counts(item, past.at(wave)[item.id].to_numpy(dtype=np.float64)) for wave in (before, now)]
    if min(one[2] for one in pair) < past.min_cell:
        return None
    levels = [100 * (one[0] - one[1]) / one[2] if item.kind == "nps" else one[0] / one[2] for one in pair]
    word = mark("NPS") if item.kind == "nps" else mark("two top boxes")
    found = difference_of(item, pair[0], pair[1], past.confidence)
    return {"group": item.label, "item": item.id, "measure": word, "before": levels[0], "now": levels[1], **found}


def _in_both(past: Survey) -> int:
    pair = [set(past.at(wave)["customer_id"].dropna()) for wave in (past.waves.previous, past.waves.reported)]
    return len(pair[0] & pair[1])


def _changes_finding(past: Survey, table: pd.DataFrame) -> Finding:
    clear = table[table["changed"]]
    mode = compare_modes(past, past.waves.previous, past.waves.reported)
    evidence = ("satisfaction_changes",)
    numbers: dict[str, Quantity | Text | str] = {
        "before": past.waves.previous,
        "now": past.waves.reported,
        "k": Quantity(len(clear), "count"),
        "m": Quantity(len(table), "count"),
    }
    if not mode.comparable:
        text = Text(
            "{before} and {now} were asked in different ways: {why}. Their scores are not comparable.",
            {**numbers, "why": mode.why},
        )
        action = Text("Compare only answers of the same channel, or keep the channels in equal parts.")
        return Finding("satisfaction.changes", "warning", False, text, evidence=evidence, action=action)
    if clear.empty:
        text = Text("None of the {m} scores changed significantly from {before} to {now}.", numbers)
        return Finding("satisfaction.changes", "info", None, text, evidence=evidence)
    first = clear.loc[clear["p_holm"].idxmin()]
    numbers |= {"question": str(first["group"]), "change": quantity(first)}
    fell = bool((clear["value"] < 0).any())
    text = Text(
        "{k} of {m} scores changed significantly from {before} to {now}, most clearly “{question}”: {change}.",
        numbers,
    )
    return Finding("satisfaction.changes", "warning" if fell else "good", not fell, text, evidence=evidence)


def group_changes(past: Survey) -> Result:
    """In which groups of customers has the leading score changed, and how many would seem to have by chance?

    Returns
    -------
    Result
        Table ``group, grouping, value, low, high, p_value, p_holm, changed, n, n_others, unit, method``: each level with
        30 answers or more in
        both waves; Holm over all. The note says what chance alone would show.
    """
    name, title = "satisfaction_group_changes", Text("In which groups has the score changed?")
    missing = too_few(past, past.current, name, title)
    if missing is not None:
        return missing
    asked = leading_score(past)
    if not past.waves.previous:
        return not_assessed(name, title, FIRST_WAVE)
    table = None if asked is None else group_change_table(past, asked[0])
    if asked is None or table is None or not len(table):
        return not_assessed(
            name, title, Text("no group has {n} answers or more in both waves", {"n": Quantity(FEWEST_RANKED, "count")})
        )
    table.attrs["confidence"] = past.confidence
    columns = (
        Column("group", "Group"),
        *COLUMNS,
        Column("value", "Change, points", "points"),
        Column("interval", "Interval", "points"),
        Column("p_holm", "p, Holm", "p"),
        Column("changed", "Beyond chance"),
        Column("detectable", "Smallest noticed", "points"),
    )
    return Result(name, "table", title, table, columns, finding=_group_finding(past, table), note=chance(past, table, asked[1]))


def group_change_table(past: Survey, item: Item) -> pd.DataFrame:
    """One row per level; see :func:`group_changes`."""
    import pandas as pd

    before, now = past.at(past.waves.previous), past.at(past.waves.reported)
    listed = []
    for name in groupings(past):
        then, today = levels_of(past, before, name), levels_of(past, now, name)
        for level in sorted(set(then.dropna()) & set(today.dropna())):
            pair = [
                box_counts(item, rows.loc[levels == level, item.id].to_numpy(dtype=np.float64))
                for rows, levels in ((before, then), (now, today))
            ]
            if min(one[2] for one in pair) >= FEWEST_RANKED:
                found = difference_of(item, pair[0], pair[1], past.confidence)
                listed.append({"group": level_label(past, name, level), "grouping": name, **found})
    table = pd.DataFrame(listed)
    if listed:
        table["p_holm"] = holm(table["p_value"].to_numpy())
        table["changed"] = table["p_holm"] < 1 - past.confidence
        table["detectable"] = detectable(item, table, past.confidence, of=len(table))
    return table


def chance(past: Survey, table: pd.DataFrame, score: str) -> Text:
    """What would chance alone show? The sentence that stands under every family of comparisons."""
    from scipy.special import ndtr

    m = len(table)
    reach = (table["high"] - table["low"]) / 2
    error = reach / _deviate(past.confidence)
    moves = float((2 * ndtr(-LARGE_MOVE / error.to_numpy())).sum())
    return Text(
        "{score}, {before} to {now}; {m} groups, Holm over all of them. If nothing had changed anywhere, "
        "chance alone would still move about {moves} of these groups by {large} points or more. Without "
        "correction, {share} of such reports would show at least one “significant” change.",
        {
            "score": Text(score),
            "before": past.waves.previous,
            "now": past.waves.reported,
            "m": Quantity(m, "count"),
            "moves": Quantity(moves, "count"),
            "large": Quantity(LARGE_MOVE, "count"),
            "share": Quantity(1 - past.confidence**m, "share"),
        },
    )


def _deviate(confidence: float) -> float:
    from crmkit.models.basics.estimates import critical

    return critical(confidence)


def _group_finding(past: Survey, table: pd.DataFrame) -> Finding:
    clear = table[table["changed"]]
    evidence = ("satisfaction_group_changes",)
    numbers: dict[str, Quantity | Text | str] = {"k": Quantity(len(clear), "count"), "m": Quantity(len(table), "count")}
    if clear.empty:
        text = Text("The score changed significantly in none of the {m} groups.", numbers)
        return Finding("satisfaction.group_changes", "info", None, text, evidence=evidence)
    first = clear.loc[clear["p_holm"].idxmin()]
    numbers |= {"group": str(first["group"]), "change": quantity(first)}
    text = Text("The score changed significantly in {k} of {m} groups, most clearly in “{group}”: {change}.", numbers)
    fell = bool((clear["value"] < 0).any())
    return Finding("satisfaction.group_changes", "warning" if fell else "good", not fell, text, evidence=evidence)
