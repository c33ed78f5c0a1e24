"""Which objective has which goals, by when, and which actions lead there? What hangs in the air is listed too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crmkit.analyses.audit.assess import TOLERATED
from crmkit.analyses.audit.findings.model import theme_of
from crmkit.analyses.audit.fit import Audit, own_table
from crmkit.analyses.audit.plan import Action
from crmkit.analyses.audit.plan.actions import theme_named
from crmkit.analyses.audit.plan.plan import first_sentence, goes
from crmkit.analyses.audit.read import absent
from crmkit.core.language import mark, say
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.models.basics.grades import distance

TITLE = Text("From objectives to goals to actions")
OBJECTIVE, GOAL, ACTION = mark("objective"), mark("goal"), mark("action")
SHORT, MEDIUM, LONG = mark("short"), mark("middle"), mark("long")
SHORT_DAYS, LONG_DAYS = 366, 3 * 365
REACHED, OPEN, OVERDUE = mark("reached"), mark("under way"), mark("overdue and not reached")
NO_ACTION, NO_MILESTONE = mark("no action leads there"), mark("long, without a milestone")
NOT_MEASURED = mark("not measured")
NOT_STATED, NO_GOAL = mark("No objective stated"), mark("Actions that no goal asks for")
STEP = "– "


@dataclass(frozen=True)
class Goal:
    """One goal of the company.

    Parameters
    ----------
    id, indicator, owner, objective : str
        The objective is empty where it is not stated.
    target : float
    starts_on, due_on : date
        It starts on the day of the audit where the table does not say.
    actions : tuple of Action
        Those that work on its indicator, or answer a finding of the same theme.
    """

    id: str
    indicator: str
    owner: str
    objective: str
    target: float
    starts_on: dt.date
    due_on: dt.date
    actions: tuple[Action, ...] = ()

    @property
    def horizon(self) -> str:
        """Short up to a year, long from three years on."""
        days = (self.due_on - self.starts_on).days + 1
        return SHORT if days <= SHORT_DAYS else LONG if days >= LONG_DAYS else MEDIUM


def goals_of(work: Audit) -> list[Goal]:
    """The goals that the company has written down, each with the actions that lead there."""
    rows = own_table(work.company, "goals")
    return [] if rows is None else [_goal(row, work) for row in rows.to_dict("records")]


def _goal(row: Mapping[Any, Any], work: Audit) -> Goal:
    def text(name: str) -> str:
        value = row.get(name)
        return "" if absent(value) else str(value).strip()

    indicator: str = str(row["indicator"])
    starts: Any = row.get("starts_on")
    theme = theme_of(indicator)
    leading = [
        one
        for one in work.plan.actions
        if one.aim.indicator == indicator or (theme is not None and theme_named(one.finding) == theme.id)
    ]
    return Goal(
        str(row["goal_id"]),
        indicator,
        text("owner"),
        text("objective"),
        float(row["target"]),
        work.past.as_of if absent(starts) else starts.date(),
        row["due_on"].date(),
        tuple(leading),
    )


def goal_tree(work: Audit) -> Result:
    """Which objective has which goals, which actions lead there, and what hangs in the air?

    Parameters
    ----------
    work : Audit

    Returns
    -------
    Result
        A row per objective, goal (the long ones first) and action, in the order of the tree: ``what`` (indented), ``kind, id,
        horizon, goes`` (now and target in words), ``value, low, high, n, target, unit``, ``due_on, owner, state``. Goals
        without an objective, and actions without a goal, stand last.
    """
    import pandas as pd

    goals = goals_of(work)
    if not goals:
        reason = Text("needs a table goals: which indicator, which target, by when; with a column objective the tree has roots")
        return not_assessed("audit_goal_tree", TITLE, reason)
    shown: set[str] = set()
    rows = [row for objective in _objectives(goals) for row in _branch(objective, goals, work, shown)]
    led = {one.id for goal in goals for one in goal.actions}
    loose = [one for one in work.plan.actions if one.id not in led]
    if loose:
        rows += [_root(say(Text(NO_GOAL), work.locale)), *(_leaf(one, work) for one in loose)]
    columns = (
        Column("what", "Objective, goal, action"),
        Column("kind", "Kind", translate=True),
        Column("horizon", "Horizon", translate=True),
        Column("goes", "Now, target"),
        Column("due_on", "Due", "date"),
        Column("owner", "Owner"),
        Column("state", "State", translate=True),
    )
    table = pd.DataFrame(rows)
    # of a goal or an objective the numbers are columns
    table["numbers"] = table["numbers"].fillna("[]") if "numbers" in table else "[]"
    note = Text(
        "Horizon: short up to a year, long from three years on. A long goal needs a shorter one, or an action due earlier, as "
        "its milestone. An action stands under the first goal whose indicator, or theme, it works on."
    )
    return Result("audit_goal_tree", "table", TITLE, table, columns=columns, finding=_finding(goals, loose, table), note=note)


def _objectives(goals: list[Goal]) -> list[str]:
    """In the order in which they are first named; goals without one come last."""
    return sorted(dict.fromkeys(goal.objective for goal in goals), key=lambda name: not name)


def _branch(objective: str, goals: list[Goal], work: Audit, shown: set[str]) -> Iterator[dict[str, Any]]:
    """An objective with its goals, and under each the actions that no goal before it has."""
    own = [goal for goal in goals if goal.objective == objective]
    yield _root(objective, OBJECTIVE) if objective else _root(say(Text(NOT_STATED), work.locale))
    order = (LONG, MEDIUM, SHORT)
    for goal in sorted(own, key=lambda one: (order.index(one.horizon), one.due_on, one.id)):
        yield _node(goal, own, work)
        for action in goal.actions:
            if action.id not in shown:
                yield _leaf(action, work, STEP)
        shown.update(action.id for action in goal.actions)


def _root(name: str, kind: str = "") -> dict[str, Any]:
    return {"what": name, "kind": kind, "id": "", "horizon": "", "goes": "", "due_on": None, "owner": "", "state": ""}


def _node(goal: Goal, siblings: Sequence[Goal], work: Audit) -> dict[str, Any]:
    known = work.state[work.state["indicator"] == goal.indicator]
    row = known.iloc[0].to_dict() if len(known) else {}
    unit = row.get("unit", "number")
    measured = {name: row.get(name, float("nan")) for name in ("value", "low", "high", "n")}
    words = {
        "now": Quantity(measured["value"], unit, measured["low"], measured["high"]),
        "n": Quantity(measured["n"], "count"),
        "target": Quantity(goal.target, unit),
    }
    return {
        "what": STEP + str(row.get("name", goal.indicator)),
        "kind": GOAL,
        "id": goal.id,
        "horizon": goal.horizon,
        "goes": say(Text("{now}, n = {n} → {target}", words), work.locale),
        **measured,
        "target": goal.target,
        "unit": unit,
        "due_on": goal.due_on,
        "owner": goal.owner,
        "state": state_of(goal, siblings, work),
    }


def state_of(goal: Goal, siblings: Sequence[Goal], work: Audit) -> str:
    """Where a goal stands; what it lacks comes before what is in order.

    Parameters
    ----------
    goal : Goal
    siblings : sequence of Goal
        Goals among which a milestone is looked for: those of the same objective.
    work : Audit
    """
    known = work.state[work.state["indicator"] == goal.indicator]
    value = float(known["value"].iloc[0]) if len(known) else float("nan")
    if not np.isfinite(value):
        return NOT_MEASURED
    if _reached(goal, value, work):
        return REACHED
    if goal.due_on < work.past.as_of:
        return OVERDUE
    if not goal.actions:
        return NO_ACTION
    others = [one for one in siblings if one is not goal and one.objective and one.objective == goal.objective]
    earlier = [one.due_on for one in others] + [one.dates.due_on for one in goal.actions]
    return NO_MILESTONE if goal.horizon == LONG and not any(due < goal.due_on for due in earlier) else OPEN


def _reached(goal: Goal, value: float, work: Audit) -> bool:
    one = work.book[goal.indicator]
    if one.direction == "range":
        return distance(value, goal.target) <= one.cuts[TOLERATED]
    return value >= goal.target if one.direction == "up" else value <= goal.target


def _leaf(action: Action, work: Audit, indent: str = "") -> dict[str, Any]:
    return {
        "what": f"{indent}{STEP}{first_sentence(action.text)}",
        "kind": ACTION,
        "id": action.id,
        "horizon": LONG if action.dates.horizon == "long" else SHORT,
        "goes": goes(action.aim, work.locale),
        "value": action.aim.baseline,
        "low": action.aim.low,
        "high": action.aim.high,
        "target": action.aim.expected,
        "unit": action.aim.unit,
        "numbers": action.aim.numbers,
        "due_on": action.dates.due_on,
        "owner": action.owner,
        "state": action.state,
    }


def _finding(goals: list[Goal], loose: list[Action], table: Any) -> Finding:
    nodes = table[table["kind"] == GOAL]
    lacking = nodes["state"].isin([NO_ACTION, NO_MILESTONE, OVERDUE])
    numbers = {
        "goals": Quantity(len(goals), "count"),
        "long": Quantity(sum(goal.horizon == LONG for goal in goals), "count"),
        "short": Quantity(sum(goal.horizon == SHORT for goal in goals), "count"),
        "lacking": Quantity(int(lacking.sum()), "count"),
        "loose": Quantity(len(loose), "count"),
    }
    text = Text("{goals} {goals:goal|goals}, {long} of them long and {short} short.", numbers)
    if lacking.any():
        more = Text("{lacking} {lacking:is|are} overdue, or {lacking:has|have} no action or milestone.", numbers)
        text = Text("{first} {second}", {"first": text, "second": more})
    if loose:
        more = Text("{loose} {loose:action serves|actions serve} no goal.", numbers)
        text = Text("{first} {second}", {"first": text, "second": more})
    if not any(goal.objective for goal in goals):
        text = Text("{first} {second}", {"first": text, "second": Text("No objective of the company is stated.")})
    fine = not lacking.any() and not loose
    return Finding("audit.goal_tree", "good" if fine else "warning", fine, text, evidence=("audit_goal_tree",))
