"""Which teams and agents are slow with equal cases? Those with the harder cases are not named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.service.read import RESOLUTION, Service, no_tickets
from crmkit.analyses.service.waiting import NO_END
from crmkit.core.language import mark
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.models.service.teams import paces
from crmkit.models.service.waits import cell_waits

if TYPE_CHECKING:
    import pandas as pd

MIX = ("kind", "category", "priority", "channel")
PACE = mark("Pace with equal cases")
METHOD = mark("tickets solved over those expected of such cases, drawn towards all")


def teams(past: Service) -> Result:
    """Which teams solve tickets more slowly than others with the same cases?

    Returns
    -------
    Result
        Interval dots of the pace, 1 being that of all. Table ``group, measure, value, low, high, n, unit, method, raw, median``
        (hours), ``usual`` (hours that such cases take with all), ``p_holm, slow, fast``.
    """
    name, title = "service_teams", Text("Which teams are slow with equal cases?")
    missing = _missing(past, "team")
    if missing is not None:
        return not_assessed(name, title, missing)
    table = pace_table(past, "team")
    if len(table) < 2:
        return not_assessed(name, title, Text("one alone cannot be compared"))
    table.attrs |= {"confidence": past.rules.confidence, "reference": (1.0, Text("all")), "log": True}
    return Result(
        name,
        "interval_dots",
        title,
        table,
        columns=(Column("group", "Service team"), Column("measure", "Measure", translate=True)),
        finding=_finding(past, table),
        note=Text(
            "1: as fast as all with the same cases; below 1: slower. Equal cases: by {mix}. Drawn towards 1 where there are "
            "few tickets. Log-rank test within equal cases, Holm over {m} teams.",
            {"mix": _mixed(past), "m": Quantity(len(table), "count")},
        ),
        alt=Text("A dot per team: how fast tickets are solved beside all others with the same cases."),
        x=Axis("Service team", "text"),
        y=Axis("Pace (1: as all)", "ratio"),
    )


def agents(past: Service) -> Result:
    """Do agents differ with equal cases, or is it luck? No league table: most of what such a table ranks is chance.

    Returns
    -------
    Result
        Value boxes: agents compared, those slower and faster beyond chance (Holm), and how far paces spread before and after
        they are drawn towards that of all.
    """
    name, title = "service_agents", Text("Do agents differ with equal cases?")
    missing = _missing(past, "agent_id")
    if missing is not None:
        return not_assessed(name, title, missing)
    table = pace_table(past, "agent_id", least=1)
    if len(table) < 2:
        return not_assessed(name, title, Text("one alone cannot be compared"))
    slow, fast = int(table["slow"].sum()), int(table["fast"].sum())
    spread = {
        side: float(np.quantile(table[side], 0.9) / max(np.quantile(table[side], 0.1), 1e-9)) for side in ("raw", "value")
    }
    rows = [
        {"group": mark("Agents compared"), "measure": "agents", "value": len(table), "unit": "count"},
        {"group": mark("Slower beyond chance"), "measure": "slow", "value": slow, "unit": "count"},
        {"group": mark("Faster beyond chance"), "measure": "fast", "value": fast, "unit": "count"},
        {"group": mark("Fast over slow, as counted"), "measure": "spread_raw", "value": spread["raw"], "unit": "ratio"},
        {"group": mark("Fast over slow, without luck"), "measure": "spread", "value": spread["value"], "unit": "ratio"},
    ]
    n = float(table["n"].sum())
    boxes = estimates([{**row, "n": n, "method": METHOD} for row in rows])
    note = Text(
        "Agents with a ticket in these months. Fast over slow: the pace that one agent in ten exceeds over that which one in "
        "ten stays below. Without luck: drawn towards all, by empirical Bayes."
    )
    numbers = {"k": Quantity(slow, "count"), "n": Quantity(len(table), "count")}
    text = Text("With equal cases no agent is slower than the others beyond chance.")
    action = None
    if slow:
        text = Text("{k} of {n} agents {k:is|are} slower than others with equal cases, beyond chance.", numbers)
        action = Text("Look at their cases together first: the reason may lie in tools or in training.")
    finding = Finding("service.agents", "info", None, text, evidence=(name,), action=action)
    return Result(name, "values", title, boxes, finding=finding, note=note)


def _missing(past: Service, who: str) -> Text | None:
    missing = no_tickets(past) or (None if past.knows(RESOLUTION) else NO_END[RESOLUTION])
    if missing is not None or who in past.tickets:
        return missing
    return Text("needs the team of each ticket") if who == "team" else Text("needs the agent of each ticket")


def _mixed(past: Service) -> Text | str:
    words = {
        "kind": Text("kind"),
        "category": Text("category"),
        "priority": Text("priority"),
        "channel": Text("channel"),
    }
    said: Text | str = ""
    for one in (words[name] for name in MIX if name in past.groups):
        said = Text("{before}, {one}", {"before": said, "one": one}) if said else one
    return said or Text("nothing, for want of columns")


def pace_table(past: Service, who: str, *, least: int | None = None) -> pd.DataFrame:
    """A row per team with enough tickets, the slowest first; see :func:`teams`."""
    import pandas as pd

    rows = past.tickets[past.tickets[who].notna() & (past.tickets[who] != "unknown")]
    codes, levels = pd.factorize(rows[who], sort=True)
    by = [name for name in MIX if name in past.groups]
    mix = rows.groupby(by, sort=True).ngroup().to_numpy() if by else np.zeros(len(rows), dtype=np.int64)
    seen = rows[f"{RESOLUTION}_seen"]
    found = paces(rows[RESOLUTION], seen, codes, mix, teams=len(levels), confidence=past.rules.confidence)
    found.insert(0, "group", [str(level) for level in levels])
    found.insert(1, "measure", PACE)
    found["median"] = cell_waits(rows[RESOLUTION], seen, codes, cells=len(levels))["median"]
    found = found[found["n"] >= (least or past.rules.min_cell)].rename(columns={"pace": "value"})
    return found.assign(unit="ratio", method=METHOD).sort_values("value", kind="stable", ignore_index=True)


def _finding(past: Service, table: pd.DataFrame) -> Finding:
    evidence = ("service_teams",)
    slow = table[table["slow"]]
    if slow.empty:
        text = Text("With equal cases no team is slower than the others beyond chance.")
        return Finding("service.teams", "good", True, text, evidence=evidence)
    worst = slow.iloc[0]
    numbers: dict[str, Quantity | Text | str] = {
        "who": str(worst["group"]),
        "own": Quantity(worst["median"], "hours"),
        "usual": Quantity(worst["usual"], "hours"),
    }
    text = Text("“{who}” is slow: half of its cases take {own}, such cases take {usual} with all.", numbers)
    action = Text("Ask the team what holds its cases up; lend it people from a team that is faster with equal cases.")
    criteria = Text("No team is slower than all with equal cases (log-rank test, Holm).")
    return Finding("service.teams", "warning", False, text, criteria=criteria, evidence=evidence, action=action)
