"""Which way do cases take, where do they wait, and which steps could go? Cases that are resolved, by their events."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.service.read import HOUR, Service, period
from crmkit.core.language import mark
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.models.basics.ratios import ratio_of_sums
from crmkit.models.basics.shares import wilson
from crmkit.models.service import flow

if TYPE_CHECKING:
    import pandas as pd

MOST_EDGES, MOST_STEPS = 12, 7
MUCH = 1.0  # foreign steps per case
ALONE = 0.1  # part of all waiting from which an undeclared step stands on the map by itself
OTHER = mark("other steps")
NO_EVENTS = Text("needs the steps of each case, with their time")


def _missing(past: Service) -> Text | None:
    if past.log is None:
        return NO_EVENTS
    if past.log.cases < past.rules.min_cell:
        numbers = {**period(past), "n": Quantity(past.log.cases, "count")}
        return Text("{n} resolved {n:case|cases} since {first} {n:is|are} too few", numbers)
    return None


def process_map(past: Service) -> Result:
    """Which way do cases take, and how long do they wait between two steps?

    Returns
    -------
    Result
        Process map of at most 12 edges. Table ``before, after, value`` (median hours between them), ``n`` (times), ``p90,
        share, low, high`` (of the time of all cases); ``attrs["order"]`` names the steps from first to last,
        ``attrs["declared"]`` those of the declared process.
    """
    name, title = "service_map", Text("Which way do cases take?")
    missing = _missing(past)
    if missing is not None or past.log is None:
        return not_assessed(name, title, missing or NO_EVENTS)
    log, declared = lumped(past, past.log)
    found = flow.edges(log, confidence=past.rules.confidence)
    if found.empty:
        return not_assessed(name, title, Text("every case has one step only"))
    order = _order(log)
    shown = _chosen(found, [one for one in order if one in declared] if declared else order)
    shown = shown.assign(value=shown["median"] / HOUR, p90=shown["p90"] / HOUR)
    left = {*shown["before"], *shown["after"]}
    table = shown[["before", "after", "value", "n", "p90", "share", "low", "high"]].reset_index(drop=True)
    table.attrs |= {"order": [one for one in order if one in left], "declared": [one for one in order if one in declared]}
    numbers = {
        **period(past),
        "cases": Quantity(log.cases, "count"),
        "shown": Quantity(float(shown["n"].sum() / found["n"].sum()), "share"),
    }
    note = Text(
        "{cases} resolved cases that began from {first} to {last}. On each arrow the median time between the two steps; its "
        "width says how often. {shown} of all changes of step are drawn.",
        numbers,
    )
    columns = (Column("before", "Step before", translate=True), Column("after", "Step after", translate=True))
    return Result(
        name,
        "process_map",
        title,
        table,
        columns=columns,
        finding=_bottleneck(found),
        note=note,
        alt=Text("Steps as boxes, from the first to the last, joined by arrows with the median time between two steps."),
        x=Axis("Step", "text"),
        y=Axis("Median time", "hours"),
    )


def lumped(past: Service, log: flow.Log) -> tuple[flow.Log, set[str]]:
    """The log with rare steps put together, and the names of the declared steps: a map of all of them nobody can read."""
    table = flow.steps_table(log, idle_seconds=past.rules.idle_hours * HOUR)
    declared = set(table.loc[table["declared"], "step"])
    kept = set(declared) or set(table.nlargest(MOST_STEPS, "n")["step"])
    kept |= set(table.loc[table["share"] > ALONE, "step"])
    rest = [step for step in log.steps if step not in kept]
    if len(rest) < 2:
        return log, declared
    names = [*sorted(kept), OTHER]
    place = {step: names.index(step if step in kept else OTHER) for step in log.steps}
    codes = np.array([place[step] for step in log.steps])
    return replace(log, step=codes[log.step], steps=tuple(names)), declared


def _order(log: flow.Log) -> list[str]:
    """Steps from first to last: by their declared place, else by where in the case they mostly stand."""
    at = np.flatnonzero(log.begins)
    length = np.diff(np.append(at, len(log.case)))
    where = (np.arange(len(log.case)) - np.repeat(at, length)) / np.repeat(np.maximum(length - 1, 1), length)
    width = len(log.steps)
    n = np.maximum(np.bincount(log.step, minlength=width), 1)
    mean = np.bincount(log.step, weights=where, minlength=width) / n
    placed = np.bincount(log.step, weights=np.where(log.place < flow.UNDECLARED, log.place, 0), minlength=width) / n
    if placed.max() > 0:  # declared steps keep their order; what has no place stands between them by where it happens
        known = np.flatnonzero(placed > 0)
        mean[known] = np.sort(mean[known])[np.argsort(np.argsort(placed[known], kind="stable"), kind="stable")]
    return [log.steps[one] for one in np.argsort(mean, kind="stable")]


def _chosen(found: pd.DataFrame, path: list[str]) -> pd.DataFrame:
    """The edges that are drawn: the path through the steps, then those with most waiting."""
    pairs = set(pairwise(path))
    first = np.array([(row.before, row.after) in pairs for row in found.itertuples()])
    rank = np.lexsort((np.arange(len(found)), ~first))
    return found.iloc[np.sort(rank[:MOST_EDGES])]


def _bottleneck(found: pd.DataFrame) -> Finding:
    row = found.iloc[0]
    numbers: dict[str, Quantity | Text | str] = {
        "before": _named(row["before"]),
        "after": _named(row["after"]),
        "share": Quantity(row["share"], "share", row["low"], row["high"]),
        "median": Quantity(row["median"] / HOUR, "hours"),
    }
    text = Text("Most time passes between “{before}” and “{after}”: {share} of all, mostly {median}.", numbers)
    action = Text("Begin there: agree on who takes the case over, and by when.")
    return Finding("service.bottleneck", "info", None, text, evidence=("service_map",), action=action)


def _named(step: Any) -> Text | str:
    return Text(OTHER) if step == OTHER else str(step)


def bottlenecks(past: Service) -> Result:
    """Before which step do cases wait, and which steps are repeated or foreign to the process?

    Returns
    -------
    Result
        Table ``step, value, low, high`` (share of all waiting), ``hours`` (waiting per case with the step), ``n`` (cases with
        it), ``cases_share``, ``repeats`` (events beyond the first, per 100 cases), ``in_a_row``, ``declared``, the longest
        waiting first.
    """
    name, title = "service_steps", Text("Before which step do cases wait?")
    missing = _missing(past)
    if missing is not None or past.log is None:
        return not_assessed(name, title, missing or NO_EVENTS)
    found = flow.steps_table(past.log, idle_seconds=past.rules.idle_hours * HOUR, confidence=past.rules.confidence)
    table = found.assign(
        value=found["share"],
        hours=found["idle"] / found["cases"] / HOUR,
        n=found["cases"],
        cases_share=found["cases"] / past.log.cases,
        repeats=found["repeats"] / found["cases"],
    )
    kept = ["step", "value", "low", "high", "hours", "n", "cases_share", "repeats", "in_a_row", "declared"]
    table = table.loc[table["n"] >= past.rules.min_cell, kept].reset_index(drop=True)
    known = bool(table["declared"].any())
    table["standing"] = [mark("declared") if one else mark("not in the process") for one in table["declared"]]
    table.attrs["confidence"] = past.rules.confidence
    columns = [
        Column("step", "Step"),
        Column("value", "Part of all waiting", "share"),
        Column("interval", "Interval", "share"),
        Column("hours", "Waiting per case", "hours"),
        Column("cases_share", "Cases with it", "share"),
        Column("repeats", "Repeats per case", "score"),
    ]
    columns += [Column("standing", "In the process", translate=True)] if known else []
    note = Text(
        "Waiting: a gap of more than {idle} before the step. {cases} resolved cases. The interval of a part is that of a "
        "ratio of sums over cases.",
        {"idle": Quantity(past.rules.idle_hours, "hours"), "cases": Quantity(past.log.cases, "count")},
    )
    return Result(
        name, "table", title, table, tuple(columns), finding=_redundant(table, past.log.cases) if known else None, note=note
    )


def _redundant(table: pd.DataFrame, cases: int) -> Finding:
    evidence = ("service_steps",)
    foreign = table[~table["declared"].astype(bool)]
    if foreign.empty:
        text = Text("All steps of the cases are steps of the declared process.")
        return Finding("service.redundant", "good", True, text, evidence=evidence)
    more = float((foreign["n"] * (1 + foreign["repeats"])).sum() / cases)
    numbers: dict[str, Quantity | Text | str] = {
        "k": Quantity(len(foreign), "count"),
        "more": Quantity(more, "score"),
        "step": str(foreign["step"].iloc[0]),
        "most": Quantity(MUCH, "number"),
    }
    text = Text("On average a case takes {more} steps outside the declared process, of {k} {k:kind|kinds}.", numbers)
    action = Text("Ask of each such step what would be missing without it; begin with “{step}”.", numbers)
    much = more > MUCH
    criteria = Text("At most {most} such steps per case.", numbers)
    return Finding(
        "service.redundant", "warning" if much else "info", False if much else None, text, criteria, evidence, action=action
    )


def handed(past: Service) -> Result:
    """Which team hands cases to which, and how long do they wait then?

    Returns
    -------
    Result
        Heat grid: ``row`` (from), ``column`` (to), ``value`` (hand-offs per 100 cases), ``n`` (hand-offs), ``hours`` (median
        until the next step).
    """
    name, title = "service_handoffs", Text("Who hands cases to whom?")
    missing = _missing(past)
    if missing is not None or past.log is None:
        return not_assessed(name, title, missing or NO_EVENTS)
    if not past.log.teams:
        return not_assessed(name, title, Text("needs the team of each step"))
    found = flow.handoffs(past.log)
    if found.empty:
        return not_assessed(name, title, Text("no case changes the team"))
    table = found.rename(columns={"before": "row", "after": "column"})
    table = table.assign(value=100 * table["n"] / past.log.cases, hours=table["median"] / HOUR)
    table["suppressed"] = table["n"] < past.rules.min_cell
    table = table.sort_values(["row", "column"], kind="stable", ignore_index=True)
    columns_first = sorted({*table["row"], *table["column"]})
    table = table.set_index(table["column"].map(columns_first.index)).sort_values("row", kind="stable").reset_index(drop=True)
    table = table[["row", "column", "value", "n", "hours", "suppressed"]]
    table.attrs["unit"] = "number"
    each = flow.handoffs_per_case(past.log)
    mean = ratio_of_sums(each, np.ones(len(each)), confidence=past.rules.confidence)
    share = found.iloc[0]
    numbers: dict[str, Quantity | Text | str] = {
        "per": Quantity(mean.value, "score", mean.low, mean.high),
        "before": str(share["before"]),
        "after": str(share["after"]),
        "hours": Quantity(share["median"] / HOUR, "hours"),
    }
    text = Text(
        "A case changes the team {per} times; most often from “{before}” to “{after}”, where it waits {hours}.", numbers
    )
    note = Text(
        "Hand-offs per 100 resolved cases; below them how many. n = {n} cases.", {"n": Quantity(past.log.cases, "count")}
    )
    return Result(
        name,
        "heat_grid",
        title,
        table,
        columns=(Column("row", "Handed on by"), Column("column", "Taken over by")),
        finding=Finding("service.handoffs", "info", None, text, evidence=(name,)),
        note=note,
        alt=Text("A grid of teams: how often each hands a case to each other."),
        x=Axis("Taken over by", "text"),
        y=Axis("Handed on by", "text"),
    )


def ways(past: Service, *, most: int = 8) -> Result:
    """Which ways do cases take most often?

    Returns
    -------
    Result
        Table ``way`` (the steps in their order), ``value, low, high`` (share of cases, Wilson), ``n``; the first ``most`` of
        them.
    """
    name, title = "service_variants", Text("Which ways do cases take most often?")
    missing = _missing(past)
    if missing is not None or past.log is None:
        return not_assessed(name, title, missing or NO_EVENTS)
    found = flow.variants(past.log)
    shown = found[found["cases"] >= past.rules.min_cell].head(most).reset_index(drop=True)
    if shown.empty:
        return not_assessed(name, title, Text("no two handfuls of cases take the same way"))
    share = wilson(shown["cases"], past.log.cases, confidence=past.rules.confidence)
    table = shown.assign(
        way=[" → ".join(steps) for steps in shown["steps"]], value=share.value, low=share.low, high=share.high, n=shown["cases"]
    )[["way", "value", "low", "high", "n"]]
    table.attrs["confidence"] = past.rules.confidence
    numbers: dict[str, Quantity | Text | str] = {
        "ways": Quantity(len(found), "count"),
        "cases": Quantity(past.log.cases, "count"),
        "top": Quantity(float(table["value"].iloc[0]), "share", float(table["low"].iloc[0]), float(table["high"].iloc[0])),
    }
    text = Text("{cases} cases take {ways} different ways; the most frequent one is taken by {top}.", numbers)
    columns = (
        Column("way", "Way"),
        Column("value", "Part of the cases", "share"),
        Column("interval", "Interval", "share"),
        Column("n", "Cases", "count"),
    )
    finding = Finding("service.variants", "info", None, text, evidence=(name,))
    note = Text("Ways of fewer than {n} cases are left out. Wilson intervals.", {"n": Quantity(past.rules.min_cell, "count")})
    return Result(name, "table", title, table, columns, finding=finding, note=note)


def conformance(past: Service) -> Result:
    """How many cases take the declared steps in their order, and how do the others depart from it?

    Returns
    -------
    Result
        Estimate table: share of cases that conform, that hold a foreign step, go back, leave a step out (Wilson).
    """
    name, title = "service_conformance", Text("Do cases follow the declared process?")
    missing = _missing(past)
    if missing is not None or past.log is None:
        return not_assessed(name, title, missing or NO_EVENTS)
    declared = np.asarray(past.declared, dtype=np.float64)
    known = ~np.isnan(declared)
    if not known.any():
        return not_assessed(name, title, Text("needs the steps that cases ought to take"))
    each = flow.conformance(past.log, np.where(known, declared, 0))[known[past.log.begins]]
    n = len(each)
    counts = {
        mark("Follow the process"): each["conforms"].sum(),
        mark("Hold a foreign step"): (each["foreign"] > 0).sum(),
        mark("Leave a step out"): (each["skipped"] > 0).sum(),
        mark("Go back to an earlier step"): (each["back"] > 0).sum(),
    }
    share = wilson(list(counts.values()), n, confidence=past.rules.confidence)
    table = estimates(
        {
            "group": group,
            "measure": measure,
            "value": value,
            "low": low,
            "high": high,
            "n": n,
            "unit": "share",
            "method": share.method,
        }
        for group, measure, value, low, high in zip(
            counts, ("conforms", "foreign", "skipped", "back"), share.value, share.low, share.high, strict=True
        )
    )
    table.attrs["confidence"] = past.rules.confidence
    columns = (
        Column("group", "Cases that", translate=True),
        Column("value", "Share", "share"),
        Column("interval", "Interval", "share"),
        Column("n", "Cases", "count"),
    )
    first = table.iloc[0]
    numbers = {"share": Quantity(first["value"], "share", first["low"], first["high"])}
    text = Text("{share} of cases take the declared steps in their order.", numbers)
    finding = Finding("service.conformance", "info", None, text, evidence=(name,))
    note = Text("A step may be done several times in a row. Wilson intervals.")
    return Result(name, "table", title, table, columns, finding=finding, note=note)
