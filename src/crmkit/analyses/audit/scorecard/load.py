"""Can the owners carry what the plan gives them, and which action is urgent, which important?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crmkit.analyses.audit.by_class import with_numbers
from crmkit.analyses.audit.findings.model import FINDING
from crmkit.analyses.audit.fit import Audit
from crmkit.analyses.audit.form.questions import cycle_span, next_cycles
from crmkit.analyses.audit.plan import Action
from crmkit.analyses.audit.plan.plan import first_sentence
from crmkit.analyses.audit.scorecard.goals import goals_of
from crmkit.core.language import mark, say
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed

TITLE = Text("Load of each owner")
PERIODS = 4
FULL = 1.0
DONE = ("stopped", "act", "check")
NOBODY = mark("Nobody named yet")
NOTHING = Text("no action within the plan is open")


@dataclass(frozen=True)
class Period:
    """A stretch of time: its name, first and last day."""

    name: str
    start: dt.date
    end: dt.date

    @property
    def work_days(self) -> int:
        """Mondays to Fridays in it."""
        return working_days(self.start, self.end)


def working_days(start: dt.date, end: dt.date) -> int:
    """Mondays to Fridays from one day to another, both counted; none where the end comes first.

    Examples
    --------
    >>> working_days(dt.date(2026, 1, 1), dt.date(2026, 6, 30)), working_days(dt.date(2026, 1, 3), dt.date(2026, 1, 4))
    (129, 0)
    """
    return int(np.busday_count(start, end + dt.timedelta(days=1))) if end >= start else 0


def periods_after(as_of: dt.date, cycle: str, *, count: int = PERIODS) -> list[Period]:
    """The cycles after the day of the audit; the one it lies in is the first as long as it has a working day left."""
    spans = [(label, *cycle_span(label)) for label in next_cycles(as_of, cycle, count=count + 1)]
    left = [Period(label, max(start, as_of + dt.timedelta(days=1)), end) for label, start, end in spans]
    return [one for one in left if one.work_days][:count]


def load(work: Audit, *, cycle: str = "half_year") -> Result:
    """How many days of work does the plan give each owner in each of the next periods, and is that more than one person has?

    Parameters
    ----------
    work : Audit
    cycle : {"quarter", "half_year"}
        Length of the periods.

    Returns
    -------
    Result
        A row per owner, the fullest first: ``owner, actions, unknown`` (actions whose effort is not known), ``together``
        (most of them at the same time), ``days, money``,
        ``days0`` to ``days3`` (person-days in each period), ``fullest`` (their largest share of the working days of a period),
        ``period`` (which), ``conflict`` (more than one person has).

    Notes
    -----
    The days of an action are spread evenly over its working days that are left; of what is under way, the part that is left.
    """
    import pandas as pd

    open_ones = [one for one in work.plan.actions if one.taken and one.state not in DONE]
    if not open_ones:
        return not_assessed("audit_load", TITLE, NOTHING)
    periods = periods_after(work.past.as_of, cycle)
    owners: dict[str, list[Action]] = {}
    for one in open_ones:
        owners.setdefault(" ".join(one.owner.split()).casefold(), []).append(one)
    table = pd.DataFrame([_row(actions, periods, work) for actions in owners.values()])
    table = table.sort_values(["fullest", "owner"], ascending=[False, True], ignore_index=True)
    columns = (
        Column("owner", "Owner"),
        Column("actions", "Actions", "count"),
        Column("together", "Most at a time", "count"),
        Column("days", "Person-days left", "points"),
        Column("money", "Cost", "money"),
        *(Column(f"days{place}", one.name, "points") for place, one in enumerate(periods)),
        Column("fullest", "Fullest period, of one person", "share"),
    )
    unknown = int(table["unknown"].sum())
    note = Text(
        "Only what is within the plan. Person-days are spread evenly over the working days that each action has left; {first} "
        "has {days} of them.",
        {"days": Quantity(periods[0].work_days, "count"), "first": periods[0].name},
    )
    if unknown:
        more = Text("Effort of {n} {n:action|actions} is not known.", {"n": Quantity(unknown, "count")})
        note = Text("{first} {second}", {"first": note, "second": more})
    return with_numbers(Result("audit_load", "table", TITLE, table, columns=columns, finding=_finding(table), note=note))


def _row(actions: Sequence[Action], periods: Sequence[Period], work: Audit) -> dict[str, Any]:
    known = [one for one in actions if np.isfinite(one.price.effort)]
    days = [sum(_days_in(one, period, work.past.as_of) for one in known) for period in periods]
    shares = [own / period.work_days for own, period in zip(days, periods, strict=True)]
    fullest = int(np.argmax(shares))
    money = [one.price.cost for one in actions if np.isfinite(one.price.cost)]
    return {
        "owner": " ".join(actions[0].owner.split()) or say(Text(NOBODY), work.locale),
        "actions": len(actions),
        "unknown": len(actions) - len(known),
        "together": max(sum(_runs(one, day) for one in actions) for day in (each.dates.starts_on for each in actions)),
        "days": sum(_left(one, work.past.as_of) for one in known),
        "money": sum(money) if money else float("nan"),
        **{f"days{place}": own for place, own in enumerate(days)},
        "fullest": shares[fullest],
        "period": periods[fullest].name,
        "conflict": shares[fullest] > FULL,
    }


def _runs(action: Action, day: dt.date) -> bool:
    return action.dates.starts_on <= day <= action.dates.due_on


def _left(action: Action, as_of: dt.date) -> float:
    """Person-days that are still to be done: of what has begun, the part of its working days that is left."""
    whole = working_days(action.dates.starts_on, action.dates.due_on)
    rest = working_days(max(action.dates.starts_on, as_of + dt.timedelta(days=1)), action.dates.due_on)
    return action.price.effort * (rest / whole if whole and rest else 1.0)


def _days_in(action: Action, period: Period, as_of: dt.date) -> float:
    """Its person-days within a period; what is overdue or has no working day left is done in the first one."""
    begin = max(action.dates.starts_on, as_of + dt.timedelta(days=1))
    rest = working_days(begin, action.dates.due_on)
    if not rest:
        return _left(action, as_of) if period.start <= begin <= period.end else 0.0
    inside = working_days(max(begin, period.start), min(action.dates.due_on, period.end))
    return _left(action, as_of) * inside / rest


def _finding(table: Any) -> Finding:
    over = table[table["conflict"]]
    first = table.iloc[0]
    words: dict[str, Quantity | str] = {
        "n": Quantity(len(over), "count"),
        "owner": str(first["owner"]),
        "share": Quantity(first["fullest"], "share"),
        "period": str(first["period"]),
    }
    if len(over):
        text = Text("{n} {n:owner has|owners have} more work than one person can do; {owner} in {period} {share}.", words)
    else:
        text = Text("No owner has more work than one person can do; fullest is {owner}, {share} in {period}.", words)
    return Finding("audit.load", "warning" if len(over) else "good", over.empty, text, evidence=("audit_load",))


URGENT_DAYS = 183
QUADRANTS = {
    (True, True): mark("do first"),
    (False, True): mark("plan"),
    (True, False): mark("hand over, do soon"),
    (False, False): mark("later, or leave out"),
}
CAUSES = {
    "overdue": mark("overdue"),
    "alarm": mark("early warning"),
    "soon": mark("due soon"),
    "worth": mark("worth more than it costs"),
    "sure": mark("answers a sure finding"),
    "goal": mark("a goal of the company"),
    "none": "",
}


def priorities(work: Audit) -> Result:
    """Which open actions are urgent, which important, which both?

    Parameters
    ----------
    work : Audit

    Returns
    -------
    Result
        A row per open action: ``action_id, text, owner, due_on, urgent, important, why_urgent, why_important, what``. Urgent
        is what is overdue, due within half a year, or watched by an early warning that is on; important what answers a sure
        finding, is worth more than it costs, or works on a goal.
    """
    import pandas as pd

    title = Text("What is urgent, what is important")
    open_ones = [one for one in work.plan.actions if one.state not in DONE]
    if not open_ones:
        return not_assessed("audit_priorities", title, NOTHING)
    goals = frozenset(goal.indicator for goal in goals_of(work))
    table = pd.DataFrame([_weighed(one, work, goals) for one in open_ones])
    order = [QUADRANTS[key] for key in ((True, True), (False, True), (True, False), (False, False))]
    table["place"] = [order.index(what) for what in table["what"]]
    table = table.sort_values(["place", "due_on", "action_id"], ignore_index=True)
    numbers = {"n": Quantity(int((table["place"] == 0).sum()), "count"), "all": Quantity(len(table), "count")}
    text = Text("{n} of {all} open actions {n:is|are} urgent and important.", numbers)
    if not numbers["n"].value:
        text = Text("None of {all} open actions is both urgent and important.", numbers)
    columns = (
        Column("what", "What to do with it", translate=True),
        Column("text", "Action"),
        Column("owner", "Owner"),
        Column("due_on", "Due", "date"),
        Column("why_urgent", "Urgent because", translate=True),
        Column("why_important", "Important because", translate=True),
    )
    note = Text(
        "Urgent: overdue, due within {days}, or an early warning is on. Important: answers a sure finding, is worth more than "
        "it costs, or works on a goal.",
        {"days": Quantity(URGENT_DAYS, "days")},
    )
    finding = Finding("audit.priorities", "info", None, text, evidence=("audit_priorities",))
    return with_numbers(Result("audit_priorities", "table", title, table, columns=columns, finding=finding, note=note))


def _weighed(one: Action, work: Audit, goals: frozenset[str]) -> dict[str, Any]:
    urgent, why_urgent = _urgent(one, work)
    important, why_important = _important(one, work, goals)
    return {
        "action_id": one.id,
        "text": first_sentence(one.text),
        "numbers": one.aim.numbers,
        "owner": one.owner,
        "due_on": one.dates.due_on,
        "urgent": urgent,
        "important": important,
        "why_urgent": why_urgent,
        "why_important": why_important,
        "what": QUADRANTS[urgent, important],
    }


def _urgent(one: Action, work: Audit) -> tuple[bool, str]:
    as_of = work.past.as_of
    watched = {risk.indicator for risk in work.risks if risk.warning is not None and risk.warning.alarm}
    if one.dates.due_on < as_of:
        return True, CAUSES["overdue"]
    if one.aim.indicator and one.aim.indicator in watched:
        return True, CAUSES["alarm"]
    if (one.dates.due_on - as_of).days <= URGENT_DAYS:
        return True, CAUSES["soon"]
    return False, CAUSES["none"]


def _important(one: Action, work: Audit, goals: frozenset[str]) -> tuple[bool, str]:
    sure = {each.id for each in work.found if each.level == FINDING}
    if one.price.worth > one.price.cost:
        return True, CAUSES["worth"]
    if one.finding in sure:
        return True, CAUSES["sure"]
    if one.aim.indicator and one.aim.indicator in goals:
        return True, CAUSES["goal"]
    return False, CAUSES["none"]
