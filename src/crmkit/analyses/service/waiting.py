"""How long do customers wait for an answer and for a solution, those who still wait included?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.service.read import RESOLUTION, RESPONSE, Service, no_tickets, period
from crmkit.core.language import mark
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.data.summaries.service import UNKNOWN
from crmkit.models.basics.families import holm
from crmkit.models.service.waits import cell_waits
from crmkit.models.survival.curves.logrank import logrank

if TYPE_CHECKING:
    import pandas as pd

WORDS = {RESPONSE: mark("First answer"), RESOLUTION: mark("Solution")}
MEDIAN = {RESPONSE: mark("First answer, median"), RESOLUTION: mark("Solution, median")}
NINETY = {RESPONSE: mark("First answer, nine of ten"), RESOLUTION: mark("Solution, nine of ten")}
IN_TIME = {RESPONSE: mark("Answered in time"), RESOLUTION: mark("Solved in time")}
DIMENSIONS = {
    "channel": mark("channel"),
    "team": mark("team"),
    "priority": mark("priority"),
    "category": mark("category"),
    "kind": mark("kind"),
    "size": mark("size of the customer"),
}
KAPLAN_MEIER = mark("Kaplan-Meier, open tickets included")
ALL_MONTHS, ONE_MONTH = mark("all months"), mark("in the month")
LARGE_RATIO = 1.5
CLEAR_GAP = 0.1  # of the median: below, a dashboard is not far off
ALL_HOURS, BUSINESS = Text("all hours of the day"), Text("business hours only")
NO_END = {RESPONSE: Text("needs the time of the first answer"), RESOLUTION: Text("needs the time of the solution")}


def waits(past: Service) -> Result:
    """How long do customers wait?

    Returns
    -------
    Result
        Value boxes of first answer and solution: median, time by which nine of ten have it, share within the target.
    """
    name, title = "service_waits", Text("How long customers wait")
    missing = no_tickets(past)
    if missing is not None:
        return not_assessed(name, title, missing)
    rows = [row for wait in (RESPONSE, RESOLUTION) if past.knows(wait) for row in _boxes(past, wait)]
    if not rows:
        return not_assessed(name, title, NO_END[RESPONSE])
    table = estimates(rows)
    table.attrs["confidence"] = past.rules.confidence
    note = Text(
        "{n} tickets opened from {first} to {last}, {hours}. Open tickets have waited until now (Kaplan-Meier). Targets: an "
        "answer within {answer}, a solution within {solution}.",
        {
            **period(past),
            "n": Quantity(len(past.tickets), "count"),
            "hours": ALL_HOURS if past.rules.clock is None else BUSINESS,
            "answer": Quantity(past.rules.target[RESPONSE], "hours"),
            "solution": Quantity(past.rules.target[RESOLUTION], "hours"),
        },
    )
    return Result(name, "values", title, table, finding=told_in_time(past, table, RESPONSE), note=note)


def _boxes(past: Service, wait: str) -> list[dict[str, Any]]:
    row = _of(past, wait).iloc[0]
    target = past.rules.target[wait]
    found = []
    for group, measure, name, unit in (
        (MEDIAN[wait], f"{wait}_median", "median", "hours"),
        (NINETY[wait], f"{wait}_p90", "p90", "hours"),
        (IN_TIME[wait], f"{wait}_within", "within", "share"),
    ):
        ends = {"value": row[name], "low": row[f"{name}_low"], "high": row[f"{name}_high"]}
        found.append({"group": group, "measure": measure, **ends, "n": row["n"], "unit": unit, "method": KAPLAN_MEIER})
    return found if target > 0 else found[:2]


def _of(past: Service, wait: str, codes: Any = None, *, rows: Any = None, cells: int | None = None) -> pd.DataFrame:
    """Waits of the tickets, or of some of them, by a number for each."""
    own = past.tickets if rows is None else past.tickets[rows]
    return cell_waits(
        own[wait],
        own[f"{wait}_seen"],
        codes,
        cells=cells,
        target=past.rules.target[wait],
        confidence=past.rules.confidence,
    )


@dataclass(frozen=True)
class _Said:
    """How the share of tickets in time is told."""

    id: str
    half: Text
    few: Text
    rule: Text
    action: Text


SAID = {
    RESPONSE: _Said(
        "service.in_time",
        Text("{share} of tickets are answered within {target}; half wait longer than {median}."),
        Text("{share} of tickets are answered within {target}; fewer than half are answered at all."),
        Text("At least half of all tickets are answered within {target}."),
        Text("Find the channel and the team in which tickets wait, and staff the hours in which they come in."),
    ),
    RESOLUTION: _Said(
        "service.solved_in_time",
        Text("{share} of tickets are solved within {target}; half take longer than {median}."),
        Text("{share} of tickets are solved within {target}; fewer than half are solved at all."),
        Text("At least half of all tickets are solved within {target}."),
        Text("Find the step and the team in which cases lie, and agree who takes them over."),
    ),
}


def told_in_time(past: Service, table: pd.DataFrame | None, wait: str) -> Finding | None:
    """How many tickets are answered, or solved, within the target, in one sentence.

    Parameters
    ----------
    past : Service
    table : DataFrame or None
        Of :func:`waits`.
    wait : str
        The first answer, or the solution.
    """
    row = None if table is None else table[table["measure"] == f"{wait}_within"]
    if table is None or row is None or row.empty or row["value"].isna().all():
        return None
    one, median = row.iloc[0], table[table["measure"] == f"{wait}_median"].iloc[0]
    numbers: dict[str, Quantity | Text | str] = {
        "share": Quantity(one["value"], "share", one["low"], one["high"]),
        "target": Quantity(past.rules.target[wait], "hours"),
        "median": Quantity(median["value"], "hours"),
    }
    said, late = SAID[wait], bool(one["high"] < 0.5)
    text = said.few if np.isnan(median["value"]) else said.half
    return Finding(
        said.id,
        "warning" if late else "info",
        False if late else None,
        Text(text.template, numbers),
        criteria=Text(said.rule.template, numbers) if late else None,
        evidence=("service_waits",),
        action=said.action if late else None,
    )


def closed_only(past: Service) -> Result:
    """How far is the figure of closed tickets, which dashboards show, from what customers wait?

    Returns
    -------
    Result
        Table ``wait, month, value, low, high`` (median, hours, open tickets included), ``ended_median`` (of closed tickets
        alone), ``gap`` (hours), ``n, waiting`` (tickets open), a row per wait and month of opening, the whole first.
    """
    import pandas as pd

    name, title = "service_closed_only", Text("What a dashboard of closed tickets would show")
    missing = no_tickets(past)
    if missing is not None:
        return not_assessed(name, title, missing)
    known = [wait for wait in (RESPONSE, RESOLUTION) if past.knows(wait)]
    if not known:
        return not_assessed(name, title, NO_END[RESOLUTION])
    starts = np.array(past.starts[::-1], dtype="datetime64[D]")
    month = np.searchsorted(starts, past.tickets["opened_at"].to_numpy("datetime64[D]"), side="right") - 1
    parts = []
    for wait in known:
        found = pd.concat([_of(past, wait), _of(past, wait, month, cells=len(starts))], ignore_index=True)
        found.insert(0, "wait", WORDS[wait])
        found.insert(1, "since", [past.since, *past.starts[::-1]])
        found.insert(2, "whole", [True] + [False] * len(starts))
        parts.append(found)
    table = pd.concat(parts, ignore_index=True)
    table["waiting"] = table["n"] - table["ended"]
    table = table[table["n"] >= past.rules.min_cell].rename(
        columns={"median": "value", "median_low": "low", "median_high": "high"}
    )
    table["opened"] = np.where(table["whole"], ALL_MONTHS, ONE_MONTH)
    kept = ["wait", "opened", "since", "whole", "value", "low", "high", "ended_median", "gap", "n", "waiting"]
    table = table[kept].reset_index(drop=True)
    table.attrs["confidence"] = past.rules.confidence
    columns = (
        Column("wait", "Wait", translate=True),
        Column("opened", "Opened", translate=True),
        Column("since", "Since", "date"),
        Column("value", "Median", "hours"),
        Column("interval", "Interval", "hours"),
        Column("ended_median", "Of closed tickets alone", "hours"),
        Column("gap", "Gap", "hours"),
        Column("n", "Tickets", "count"),
        Column("waiting", "Still waiting", "count"),
    )
    note = Text(
        "Median in hours, Kaplan-Meier with log-log limits. A dash: fewer than half have come to their end. Closed tickets "
        "alone leave out those that take longest."
    )
    return Result(name, "table", title, table, columns, finding=_gap_finding(table), note=note)


def _gap_finding(table: pd.DataFrame) -> Finding:
    evidence = ("service_closed_only",)
    off = table[(table["gap"] > CLEAR_GAP * table["ended_median"]) & (table["low"] > table["ended_median"])]
    if off.empty:
        text = Text("The median of closed tickets alone is not far from the true one.")
        return Finding("service.closed_only", "info", None, text, evidence=evidence)
    row = off.iloc[int((off["gap"] / off["ended_median"]).to_numpy().argmax())]
    numbers: dict[str, Quantity | Text | str] = {
        "wait": Text(str(row["wait"])),
        "day": Quantity(row["since"], "date"),
        "closed": Quantity(row["ended_median"], "hours"),
        "true": Quantity(row["value"], "hours", row["low"], row["high"]),
    }
    text = Text("{wait}, tickets from {day}: closed ones show {closed}, in truth it takes {true}.", numbers)
    if not row["whole"]:
        text = Text("{wait}, tickets of the month from {day}: closed ones show {closed}, in truth it takes {true}.", numbers)
    action = Text("Count open tickets in every figure of the service, as here.")
    return Finding("service.closed_only", "info", None, text, evidence=evidence, action=action)


def by_group(past: Service, wait: str = RESPONSE) -> Result:
    """Where do customers wait longest: which channel, team, priority, category, kind?

    Returns
    -------
    Result
        Interval dots of the median in hours. Table ``group, measure`` (the grouping), ``value, low, high, n, unit, method``,
        and ``p90, p90_low, p90_high, within, within_low, within_high, ended_median, gap, p_holm``; groups of fewer than
        ``min_cell`` tickets are left out.
    """
    name = f"service_{wait}_by"
    title = {
        RESPONSE: Text("How long until the first answer, by group?"),
        RESOLUTION: Text("How long until the solution, by group?"),
    }[wait]
    missing = no_tickets(past) or (None if past.knows(wait) else NO_END[wait])
    if missing is not None:
        return not_assessed(name, title, missing)
    table = group_table(past, wait)
    if table.empty:
        return not_assessed(name, title, Text("no column splits the tickets"))
    table.attrs |= {"confidence": past.rules.confidence, "log": True}
    table.attrs["reference"] = (float(_of(past, wait)["median"].iloc[0]), Text("all"))
    if table.attrs["reference"][0] != table.attrs["reference"][0]:
        del table.attrs["reference"]
    return Result(
        name,
        "interval_dots",
        title,
        table,
        columns=(Column("group", "Group"), Column("measure", "Measure", translate=True)),
        finding=_group_finding(past, wait, table),
        note=Text(
            "Median in hours with its interval, open tickets included (Kaplan-Meier). Log-rank test of each grouping, Holm "
            "over the groupings. Teams are compared with equal cases further below. Groups of fewer than {least} tickets are "
            "left out.",
            {"least": Quantity(past.rules.min_cell, "count")},
        ),
        alt=Text("A dot per group: the median wait, with its interval, beside that of all tickets."),
        x=Axis("Group", "text"),
        y=Axis("Median wait", "hours"),
    )


def group_table(past: Service, wait: str) -> pd.DataFrame:
    """One row per group of every grouping; see :func:`by_group`."""
    import pandas as pd

    parts, tests = [], []
    for grouping in past.groups:
        codes, levels = pd.factorize(past.tickets[grouping], sort=True)
        found = _of(past, wait, codes, cells=len(levels)).rename(
            columns={"median": "value", "median_low": "low", "median_high": "high"}
        )
        found.insert(0, "group", [str(level) for level in levels])
        found.insert(1, "measure", MEDIAN[wait])
        found.insert(2, "grouping", grouping)
        kept = (found["n"] >= past.rules.min_cell) & (found["group"] != UNKNOWN)
        parts.append(found[kept].sort_values("value", ascending=False, kind="stable"))
        many = np.isin(codes, np.flatnonzero(kept))
        some = past.tickets.loc[many, f"{wait}_seen"].any() and kept.sum() > 1
        tests.append(
            logrank(past.tickets.loc[many, wait], past.tickets.loc[many, f"{wait}_seen"], group=codes[many]).p
            if some
            else float("nan")
        )
    if not parts:
        return pd.DataFrame()
    adjusted = dict(zip(past.groups, holm(tests), strict=True))
    table = pd.concat(parts, ignore_index=True).assign(unit="hours", method=KAPLAN_MEIER)
    # a team and a category may have one name
    twice = table["group"].duplicated(keep=False)
    table.loc[twice, "group"] += " (" + table.loc[twice, "grouping"] + ")"
    return table.assign(p_holm=table["grouping"].map(adjusted).astype("float64"))


def _group_finding(past: Service, wait: str, table: pd.DataFrame) -> Finding:
    evidence = (f"service_{wait}_by",)
    clear = table[(table["p_holm"] < 1 - past.rules.confidence) & table["value"].notna()]
    if clear.empty:
        numbers = {"k": Quantity(table["grouping"].nunique(), "count")}
        text = Text("The wait for the first answer does not differ beyond chance, by any of {k} groupings.", numbers)
        if wait == RESOLUTION:
            text = Text("The wait for the solution does not differ beyond chance, by any of {k} groupings.", numbers)
        return Finding(f"service.{wait}_by", "good", True, text, evidence=evidence)
    spread = clear.groupby("grouping", sort=False)["value"].agg(lambda one: one.max() / max(one.min(), 1e-9))
    own = clear[clear["grouping"] == spread.idxmax()]
    order = own["value"].to_numpy().argsort(kind="stable")
    slow, fast = own.iloc[int(order[-1])], own.iloc[int(order[0])]
    said: dict[str, Quantity | Text | str] = {
        "grouping": Text(DIMENSIONS[slow["grouping"]]),
        "slow": str(slow["group"]),
        "long": Quantity(slow["value"], "hours", slow["low"], slow["high"]),
        "fast": str(fast["group"]),
        "short": Quantity(fast["value"], "hours"),
    }
    text = Text("The first answer differs most by {grouping}: {long} in “{slow}”, {short} in “{fast}”.", said)
    if wait == RESOLUTION:
        text = Text("The solution differs most by {grouping}: {long} in “{slow}”, {short} in “{fast}”.", said)
    if slow["value"] < LARGE_RATIO * fast["value"]:
        return Finding(f"service.{wait}_by", "info", None, text, evidence=evidence)
    criteria = Text("No group waits {times} times as long as another, beyond chance.", {"times": Quantity(LARGE_RATIO)})
    action = Text("Find out why “{slow}” waits: rules, staff, or the way its tickets take.", said)
    return Finding(f"service.{wait}_by", "warning", False, text, criteria, evidence, action=action)


def cells(past: Service) -> Result:
    """How long does every combination of channel, team, priority and kind wait?

    Returns
    -------
    Result
        For the results file: a row per wait and cell with ``min_cell`` tickets or more, and the columns of
        :func:`crmkit.models.service.waits.cell_waits`.
    """
    import pandas as pd

    name, title = "service_cells", Text("Every combination of channel, team, priority and kind")
    by = [one for one in past.groups if one not in ("category", "size")]
    missing = no_tickets(past) or (None if by else Text("no column splits the tickets"))
    if missing is not None:
        return not_assessed(name, title, missing)
    codes = past.tickets.groupby(by, sort=True).ngroup()
    levels = past.tickets[by].assign(cell=codes).drop_duplicates("cell").sort_values("cell", ignore_index=True)
    parts = [
        pd.concat([levels[by], _of(past, wait, codes, cells=len(levels))], axis=1).assign(wait=WORDS[wait])
        for wait in (RESPONSE, RESOLUTION)
        if past.knows(wait)
    ]
    if not parts:
        return not_assessed(name, title, NO_END[RESOLUTION])
    table = pd.concat(parts, ignore_index=True)
    table = table[table["n"] >= past.rules.min_cell].reset_index(drop=True)
    columns = (Column("wait", "Wait", translate=True), Column("median", "Median", "hours"), Column("n", "Tickets", "count"))
    return Result(name, "table", title, table, columns)
