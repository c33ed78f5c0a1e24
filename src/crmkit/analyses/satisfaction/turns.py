"""Since when is a question answered differently? Each question over all waves, before and after every one of them.

A fall that is two waves old has no step between the newest two, and a question that is not the leading score has no control
chart. Here each question is split at each wave, and all of these looks are corrected for together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crmkit.analyses.satisfaction.labels import too_few, unit_of
from crmkit.analyses.satisfaction.segments import box_counts, difference_of
from crmkit.analyses.satisfaction.survey import Item, Survey
from crmkit.analyses.satisfaction.trend import compare_modes
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.models.basics.families import holm
from crmkit.models.basics.shares import wilson

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
FEWEST_WAVES = 3


def turns(past: Survey) -> Result:
    """Since when is a question answered differently?

    Returns
    -------
    Result
        Table ``group, item, since, before, now, now_low, now_high, value, low, high, p_value, p_holm, turned, comparable, n,
        n_others, spread, unit, level_unit, method``, one row per score and question at the wave that divides its answers most
        clearly: ``before`` and ``now`` (with Wilson's interval where it is a share) are all answers of earlier waves and of
        that wave and later ones, in ``level_unit``; ``value`` is their difference in points.
    """
    name, title = "satisfaction_turns", Text("Since when is a question answered differently?")
    missing = too_few(past, past.current, name, title)
    if missing is not None:
        return missing
    table, looks = turn_table(past)
    if not len(table):
        needed = {"n": Quantity(FEWEST_WAVES, "count")}
        return not_assessed(name, title, Text("needs {n} waves with enough answers", needed))
    table.attrs["confidence"] = past.confidence
    columns = (
        Column("group", "Question"),
        Column("since", "Since wave"),
        Column("n_others", "n before", "count"),
        Column("n", "n since", "count"),
        Column("value", "Change, points", "points"),
        Column("interval", "Interval", "points"),
        Column("p_holm", "p, Holm", "p"),
        Column("turned", "Beyond chance"),
        Column("comparable", "Asked in the same way"),
    )
    note = Text(
        "All answers since a wave against all before it, at the wave where they differ most clearly. "
        "Points of NPS, or percentage points of the two top boxes. Holm over all {m} looks. The interval "
        "does not allow for the search.",
        {"m": Quantity(looks, "count")},
    )
    return Result(name, "table", title, table, columns, finding=_finding(table, looks), note=note)


def turn_table(past: Survey) -> tuple[pd.DataFrame, int]:
    """One row per question at its clearest wave, and how many looks were taken; see :func:`turns`."""
    import pandas as pd

    last = past.waves.names.index(past.waves.reported)
    listed = [row for item in past.of_kind("nps", "csat", "ces", "driver") for row in _splits(past, item, last)]
    table = pd.DataFrame(listed)
    if not listed:
        return table, 0
    table["p_holm"] = holm(table["p_value"].to_numpy())
    table["turned"] = table["p_holm"] < 1 - past.confidence
    clearest = table.sort_values("p_value", kind="stable").drop_duplicates("item")
    return clearest.sort_values("p_holm", kind="stable", ignore_index=True), len(table)


def _splits(past: Survey, item: Item, last: int) -> list[dict[str, object]]:
    """One question, divided at each wave up to the one reported."""
    names = past.waves.names[: last + 1]
    counts = np.array([box_counts(item, past.at(wave)[item.id].to_numpy(dtype=np.float64)) for wave in names])
    kept = counts[:, 2] >= past.min_cell
    names, counts = tuple(wave for wave, one in zip(names, kept, strict=True) if one), counts[kept]
    if len(names) < FEWEST_WAVES:
        return []
    rows: list[dict[str, object]] = []
    for at in range(1, len(names)):
        first, second = (_total(part) for part in (counts[:at], counts[at:]))
        before, now = (_level(item, *side) for side in (first, second))
        found = difference_of(item, first, second, past.confidence)
        same = compare_modes(past, names[at - 1], names[at]).comparable
        words = {"group": item.label, "item": item.id, "since": names[at], "before": before, "now": now}
        ends = wilson(second[0], second[2], confidence=past.confidence)
        # the interval of NPS is that of its change alone
        low, high = (np.nan, np.nan) if item.kind == "nps" else (float(ends.low[0]), float(ends.high[0]))
        more = {"comparable": same, "level_unit": unit_of(item), "now_low": low, "now_high": high}
        rows.append({**words, **found, **more})
    return rows


def _total(counts: Floats) -> tuple[float, float, float]:
    up, down, n = counts.sum(0).tolist()
    return up, down, n


def _level(item: Item, up: float, down: float, n: float) -> float:
    return 100 * (up - down) / n if item.kind == "nps" else up / n


def _finding(table: pd.DataFrame, looks: int) -> Finding:
    evidence = ("satisfaction_turns",)
    clear = table[table["turned"] & table["comparable"]]
    if clear.empty:
        looked = {"m": Quantity(looks, "count")}
        text = Text("Over all waves no question is answered differently, beyond chance, in {m} looks.", looked)
        return Finding("satisfaction.turns", "info", None, text, evidence=evidence)
    fallen = clear[clear["value"] < 0]
    first = (fallen if len(fallen) else clear).iloc[0]
    numbers: dict[str, Quantity | Text | str] = {
        "question": str(first["group"]),
        "since": str(first["since"]),
        "before": Quantity(float(first["before"]), first["level_unit"]),
        "now": Quantity(float(first["now"]), first["level_unit"]),
        "k": Quantity(len(fallen), "count"),
    }
    if fallen.empty:
        text = Text("“{question}” has risen since {since}, from {before} to {now}.", numbers)
        return Finding("satisfaction.turns", "good", True, text, evidence=evidence)
    text = Text("“{question}” has fallen since {since}, from {before} to {now}.", numbers)
    if len(fallen) > 1:
        text = Text("{k} questions have fallen, most clearly “{question}”: since {since}, from {before} to {now}.", numbers)
    action = Text("Find out what began before {since} and lowered “{question}”; undo it, or explain it to customers.", numbers)
    return Finding("satisfaction.turns", "warning", False, text, evidence=evidence, action=action)
