"""What is the company's way of managing customers, on one page: goals, processes, owners, indicators, cycle?"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crmkit.analyses.audit.by_class import LEVEL, level_table
from crmkit.analyses.audit.findings.finding import quantities
from crmkit.analyses.audit.findings.model import theme_of
from crmkit.analyses.audit.fit import Audit, own_table, owner_name
from crmkit.analyses.audit.form import calendar
from crmkit.analyses.audit.read import absent
from crmkit.analyses.audit.scorecard.goals import goal_tree, goals_of
from crmkit.analyses.audit.scorecard.load import load
from crmkit.analyses.audit.scoring import ASSESSED
from crmkit.core.language import mark, say
from crmkit.core.results import Brief, Column, Quantity, Result, Text, not_assessed

if TYPE_CHECKING:
    import pandas as pd

TITLE = Text("The management model on one page")
SLUG = "management-model"
INTRO = Text("How customers are managed here: goals, processes, indicators with their owners, load, and the calendar.")
PARTS = (mark("Goals"), mark("Processes"), mark("Owners"), mark("Indicators"), mark("Cycle"))
NONE = Text("none written down")


def management(work: Audit, *, cycle: str = "half_year") -> Result:
    """How does the company manage its customers: which goals, processes, owners, indicators, and in which cycle?

    Parameters
    ----------
    work : Audit
    cycle : {"quarter", "half_year"}

    Returns
    -------
    Result
        A row per part: ``part, n, words`` (what there is), ``page``; the page itself is a brief.
    """
    import pandas as pd

    goals, steps, owners = goals_of(work), own_table(work.company, "processes"), _owners(work)
    steps = pd.DataFrame() if steps is None else steps
    state = work.state[work.state["status"] == ASSESSED]
    next_one = calendar(work.company.as_of, cycle=cycle, count=2)
    counted = {
        PARTS[0]: (len(goals), Text("{n} {n:goal|goals}", {"n": Quantity(len(goals), "count")})),
        PARTS[1]: (len(steps), _steps_words(steps)),
        PARTS[2]: (
            len(owners),
            Text("{n} {n:owner|owners} of goals, steps and actions", {"n": Quantity(len(owners), "count")}),
        ),
        PARTS[3]: (len(state), Text("{n} {n:indicator|indicators} assessed", {"n": Quantity(len(state), "count")})),
        PARTS[4]: (1, _cycle_words(next_one)),
    }
    rows = [
        {
            "part": part,
            "n": n,
            "words": say(words if n else NONE, work.locale),
            "numbers": json.dumps(quantities(words) if n else [], default=str),
            "page": f"audit-{SLUG}.html",
        }
        for part, (n, words) in counted.items()
    ]
    columns = (Column("part", "Part", translate=True), Column("words", "What there is"), Column("page", "Page"))
    exhibits = [goal_tree(work), _process_table(steps), _watched(work), load(work, cycle=cycle), next_one]
    shown = tuple(replace(one, finding=None) for one in exhibits if one.assessed)
    brief = Brief(SLUG, TITLE, shown, INTRO)
    return Result("audit_management", "table", TITLE, pd.DataFrame(rows), columns=columns, briefs=(brief,))


def _owners(work: Audit) -> set[str]:
    """Who answers for a goal, a step or an action."""
    named: list[Any] = [one.owner for one in work.plan.actions]
    for name in ("goals", "processes"):
        table = own_table(work.company, name)
        named += [] if table is None or "owner" not in table else table["owner"].tolist()
    return {" ".join(str(one).split()) for one in named if not absent(one) and str(one).strip()}


def _steps_words(steps: pd.DataFrame) -> Text:
    if steps.empty:
        return NONE
    numbers = {"n": Quantity(steps["process"].nunique(), "count"), "steps": Quantity(len(steps), "count")}
    return Text("{n} {n:process|processes} of {steps} declared steps", numbers)


def _cycle_words(dates: Result) -> Text:
    """The cycle that runs, and when its forms and its report are due."""
    row = {} if dates.table is None else dates.table.iloc[0].to_dict()
    due = {name: Quantity(row[name], "date") for name in ("form_due", "report_due")}
    return Text("{cycle}: forms due {form_due}, report due {report_due}", {"cycle": str(row["cycle"]), **due})


def _process_table(steps: pd.DataFrame) -> Result:
    """The steps of each process as declared, with who answers for them."""
    title = Text("Processes, as declared")
    if steps.empty:
        return not_assessed("audit_model_steps", title, NONE)
    known = steps.reindex(columns=["process", "position", "step", "owner", "norm_hours"])
    columns = (
        Column("process", "Process"),
        Column("position", "Step", "count"),
        Column("step", "What is done"),
        Column("owner", "Owner"),
        Column("norm_hours", "Standard time", "hours"),
    )
    table = known.sort_values(["process", "position"], ignore_index=True)
    return Result("audit_model_steps", "table", title, table, columns=columns)


def _watched(work: Audit) -> Result:
    """Each indicator with its value, target and who answers for it: the owner of a goal on it, else whom the kit proposes."""
    title = Text("Indicators, and who answers for them")
    own = {goal.indicator: goal.owner for goal in goals_of(work) if goal.owner}
    themes = {name: theme_of(name) for name in work.state["indicator"]}
    usual = {name: "" if theme is None else owner_name(theme.owner.en, work.company) for name, theme in themes.items()}
    rows = work.state.assign(responsible=[own.get(name) or usual[name] for name in work.state["indicator"]])
    found = level_table(work, rows, "audit_model_indicators", title, (*LEVEL, Column("responsible", "Owner")))
    return found or not_assessed("audit_model_indicators", title, NONE)
