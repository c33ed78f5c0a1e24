"""How mature is customer management, step by step, and what does the next level need?

Levels are decided from what the company keeps and measures, never from what it says of itself: a level holds where its
condition and those of all levels below it are met. The first level needs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from crmkit.analyses.audit.by_class import with_numbers
from crmkit.analyses.audit.fit import Audit, own_table
from crmkit.analyses.audit.form.answers import ROLES
from crmkit.analyses.audit.read import absent
from crmkit.analyses.audit.scorecard.goals import (
    LONG,
    NO_ACTION,
    NO_MILESTONE,
    NOT_MEASURED,
    OVERDUE,
    SHORT,
    Goal,
    goals_of,
    state_of,
)
from crmkit.analyses.audit.scoring import ASSESSED
from crmkit.core.errors import CrmkitError
from crmkit.core.language import mark
from crmkit.core.reading import Reading
from crmkit.core.results import Column, Finding, Quantity, Result, Text

TITLE = Text("Maturity: the five steps, and the use of data")
FIRST, HIGHEST = mark("nothing is kept yet"), mark("nothing: the highest level")
MOST = 5


@dataclass(frozen=True, eq=False)
class Kept:
    """What levels are decided from: the audit, the goals with where they stand, and results of other reports."""

    work: Audit
    goals: tuple[tuple[Goal, str], ...]
    results: Mapping[str, Reading]

    def rows(self, name: str) -> list[dict[Any, Any]]:
        """A table that the company keeps; empty where there is none."""
        table = own_table(self.work.company, name)
        return [] if table is None else table.to_dict("records")

    def measured(self, *names: str) -> bool:
        """Whether all of these indicators were assessed."""
        known = self.work.state[self.work.state["status"] == ASSESSED]["indicator"]
        return set(names) <= set(known)

    def on_target(self, *names: str) -> bool:
        """Whether the estimates of all of these are as good as their targets."""
        rows = self.work.state[self.work.state["indicator"].isin(names)]
        good = np.where(rows["direction"] == "up", rows["value"] >= rows["target"], rows["value"] <= rows["target"])
        return self.measured(*names) and bool(good.all())

    def holds(self, analysis: str, table: str = "") -> bool:
        """Whether another report has results, and that table among them."""
        reading = self.results.get(analysis)
        if reading is None or reading.reason is not None:
            return False
        try:
            return not table or len(reading.table(table)) > 0
        except CrmkitError:  # the report made no such table
            return False


Level = tuple[str, Callable[[Kept], bool]]


def _complete(rows: list[dict[Any, Any]], *columns: str) -> bool:
    return bool(rows) and not any(absent(row.get(column)) for row in rows for column in columns)


def _horizons(kept: Kept) -> bool:
    states = {state for _, state in kept.goals}
    return {SHORT, LONG} <= {goal.horizon for goal, _ in kept.goals} and not states & {OVERDUE, NO_MILESTONE}


def _own_targets(kept: Kept) -> bool:
    done = kept.work.state[kept.work.state["status"] == ASSESSED]
    return len(done) > 0 and float(done["placeholder"].mean()) <= 0.5


def _rated(kept: Kept, roles: int, cycles: int) -> bool:
    rows = kept.work.answers.ratings
    return bool(len(rows)) and int((rows.groupby("cycle")["rater_role"].nunique() >= roles).sum()) >= cycles


STEPS: dict[str, tuple[Level, Level, Level, Level]] = {
    mark("Goals"): (
        (mark("goals are written down"), lambda kept: bool(kept.goals)),
        (
            mark("each goal has a start, a due date and an owner"),
            lambda kept: _complete(kept.rows("goals"), "starts_on", "owner"),
        ),
        (
            mark("each goal is measured, and an action leads there"),
            lambda kept: not {state for _, state in kept.goals} & {NOT_MEASURED, NO_ACTION},
        ),
        (mark("short and long goals, none overdue, each long one with a milestone"), _horizons),
    ),
    mark("Processes"): (
        (mark("the steps of a process are declared"), lambda kept: bool(kept.rows("processes"))),
        (
            mark("each step has an owner and a standard time"),
            lambda kept: _complete(kept.rows("processes"), "owner", "norm_hours"),
        ),
        (mark("what really happens is recorded and compared"), lambda kept: kept.measured("P-CONF")),
        (mark("cases follow the declared order, on target"), lambda kept: kept.on_target("P-CONF")),
    ),
    mark("CRM system"): (
        (mark("customers have records"), lambda kept: "customers" in kept.work.company.tables),
        (mark("the use of the system is measured"), lambda kept: kept.measured("D-USE")),
        (mark("gaps and duplicates in the records are measured"), lambda kept: kept.measured("D-COMP", "D-DUP")),
        (mark("use, completeness and duplicates are on target"), lambda kept: kept.on_target("D-USE", "D-COMP", "D-DUP")),
    ),
    mark("Evaluation"): (
        (mark("a self-assessment came back"), lambda kept: _rated(kept, 1, 1)),
        (mark("all four roles rated, in two cycles or more"), lambda kept: _rated(kept, len(ROLES), 2)),
        (mark("at least half of the targets are the company's own"), _own_targets),
        (
            mark("an action was compared with its baseline"),
            lambda kept: any(action.state == "act" for action in kept.work.plan.actions),
        ),
    ),
    mark("Training"): (
        (mark("training is recorded"), lambda kept: "training" in kept.work.past.frames),
        (mark("courses are tested before and after"), lambda kept: kept.measured("I-TRAING")),
        (mark("enough of the staff are trained, on target"), lambda kept: kept.on_target("I-TRAINCOV")),
        (mark("training helps, on target"), lambda kept: kept.on_target("I-TRAING")),
    ),
    mark("Use of data"): (
        (mark("indicators are computed from data"), lambda kept: bool((kept.work.state["status"] == ASSESSED).any())),
        (mark("models say what customers are worth or who leaves"), lambda kept: kept.holds("clv") or kept.holds("churn")),
        (
            mark("forecasts were checked on days that they had not seen"),
            lambda kept: kept.holds("clv", "clv_accuracy") or kept.holds("churn", "churn_backtest"),
        ),
        (
            mark("a campaign was measured against a control group"),
            lambda kept: "control" in {str(row.get("arm")) for row in kept.rows("exposures")},
        ),
    ),
}


def maturity(work: Audit, results: Mapping[str, Reading]) -> Result:
    """On which of five levels is each step, and what does the next level need?

    Parameters
    ----------
    work : Audit
    results : mapping of analysis to Reading
        ``clv`` and ``churn``, for the use of data.

    Returns
    -------
    Result
        A row per step: ``step, level`` (1 to 5), ``reached`` (condition of that level), ``lacking`` (that of the next one), and
        ``level2`` to ``level5`` (whether the condition of each is met by itself).
    """
    import pandas as pd

    goals = goals_of(work)
    kept = Kept(work, tuple((goal, state_of(goal, goals, work)) for goal in goals), results)
    rows = [_row(step, levels, kept) for step, levels in STEPS.items()]
    table = pd.DataFrame(rows)
    columns = (
        Column("step", "Step", translate=True),
        Column("level", "Level, 1 to 5", "count"),
        Column("reached", "What is in place", translate=True),
        Column("lacking", "What the next level needs", translate=True),
    )
    note = Text(
        "Decided from what is kept and measured, not from self-assessment. A level holds where its condition and all below it "
        "are met."
    )
    return with_numbers(Result("audit_maturity", "table", TITLE, table, columns=columns, finding=_finding(table), note=note))


def _row(step: str, levels: tuple[Level, ...], kept: Kept) -> dict[str, Any]:
    met = [bool(holds(kept)) for _, holds in levels]
    reached = next((place for place, one in enumerate(met) if not one), len(met))
    return {
        "step": step,
        "level": reached + 1,
        "reached": levels[reached - 1][0] if reached else FIRST,
        "lacking": levels[reached][0] if reached < len(levels) else HIGHEST,
        **{f"level{place + 2}": one for place, one in enumerate(met)},
    }


def _finding(table: Any) -> Finding:
    worst = table.loc[table["level"].idxmin()]
    numbers: dict[str, Quantity | Text | str] = {
        "mean": Quantity(float(table["level"].mean()), "points"),
        "step": Text(str(worst["step"])),
        "level": Quantity(int(worst["level"]), "count"),
        "lacking": Text(str(worst["lacking"])),
    }
    if int(worst["level"]) == MOST:
        return Finding(
            "audit.maturity", "good", True, Text("Every step is on the highest level."), evidence=("audit_maturity",)
        )
    text = Text("Mean level {mean} of 5. Least mature: {step}, level {level}.", numbers)
    action = Text("Next for {step}: {lacking}.", numbers)
    return Finding("audit.maturity", "info", None, text, evidence=("audit_maturity",), action=action)
