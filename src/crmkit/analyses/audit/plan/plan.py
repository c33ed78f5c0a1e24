"""What is to be done? Actions for all findings, those that fit into the budget, and where each of them stands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from crmkit.analyses.audit.catalogue import Catalogue
from crmkit.analyses.audit.findings.model import FINDING, AuditFinding
from crmkit.analyses.audit.plan.actions import (
    DO,
    PEOPLE,
    PLAN,
    Action,
    Aim,
    Means,
    by_people,
    measured,
    of_company,
    proposed,
    theme_named,
)
from crmkit.analyses.audit.plan.asked import asked_for
from crmkit.analyses.audit.read import History
from crmkit.core.language import Locale, mark, one_by_one, say
from crmkit.core.reading import Reading
from crmkit.core.results import Column, Finding, Numbers, Quantity, Result, Text, Unit, not_assessed
from crmkit.models.basics.budget import Choice, choose

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Plan:
    """All actions, those worth most for their cost first; what was chosen within the budget; goals of the company."""

    actions: tuple[Action, ...]
    choice: Choice | None
    means: Means = field(default_factory=Means)


def make_plan(
    found: Sequence[AuditFinding],
    state: pd.DataFrame,
    past: History,
    book: Catalogue,
    locale: Locale,
    *,
    own: pd.DataFrame | None = None,
    means: Means | None = None,
    results: Mapping[str, Reading] | None = None,
    months: pd.DataFrame | None = None,
    confidence: float = 0.95,
) -> Plan:
    """What is to be done?

    Parameters
    ----------
    found : sequence of AuditFinding
        Each that is sure gets an action of its own; observations ask for a look, and for no money.
    state : pandas.DataFrame
        Indicators as assessed: baselines, targets, cases.
    past, book
    locale : Locale
    own : pandas.DataFrame or None
        The client's table ``actions``; its rows come first, and one that answers a finding replaces the kit's proposal.
    means : Means or None
    results : mapping of analysis to Reading, or None
        Those of ``clv``, ``churn`` and ``satisfaction``, for what they ask to do.
    months : pandas.DataFrame or None
        Indicators by month: whether a change as large was seen before.
    confidence : float

    Returns
    -------
    Plan
    """
    means = means or Means()
    rows = {str(row["indicator"]): row for row in state.to_dict("records")}
    made: list[Action] = [of_company(row, past.as_of) for row in ([] if own is None else own.to_dict("records"))]
    owned = {action.finding for action in made if action.finding}
    answered = {theme_named(name) for name in owned}
    kit: set[str] = set()
    for one in found:
        # what the company does about a theme answers all of it; what may be chance asks for a look and not for money
        if one.theme in answered or one.level != FINDING:
            continue
        made.append(proposed(one, past, locale, more=one.theme in kit))
        kit.add(one.theme)
    made += [one for one in asked_for(results or {}, past, locale) if one.finding not in owned]
    known = frozenset(name for name, row in rows.items() if np.isfinite(row["value"]))
    made += by_people(found, past, locale.language, assessed=known)
    value = _worth(found, means)
    full = [measured(action, rows, past, book, means, value, confidence, months) for action in made]
    choice, kept = _within(full, means)
    order = sorted(kept, key=lambda action: (not action.taken, -action.price.ratio, action.dates.due_on, action.id))
    return Plan(tuple(order), choice, means)


def _worth(found: Sequence[AuditFinding], means: Means) -> dict[str, float]:
    """What the action against a finding is expected to save in a year, where a loss is established.

    Of those who leave more is at risk than any action wins back; what a campaign wins is known from its report.
    """
    sure: dict[str, float] = {}
    counted = {LEAVING}
    for one in found:
        if one.stake.low > 0 and one.theme not in counted:
            counted.add(one.theme)  # two findings of a theme touch the same customers
            sure[one.id] = one.stake.money * means.effect_share
    return sure


def _within(actions: list[Action], means: Means) -> tuple[Choice | None, list[Action]]:
    """What fits into the budget: what runs stays, of the rest the choice that is worth most."""
    if means.budget <= 0:
        return None, actions
    open_ones = [place for place, one in enumerate(actions) if one.state == PLAN and np.isfinite(one.price.cost)]
    # what saves nothing that is known still answers a finding; the cheapest of them go first where money is left
    value = [actions[place].price.worth + 1e-6 for place in open_ones]
    bound = sum(one.price.cost for one in actions if one.state == DO and np.isfinite(one.price.cost))
    choice = choose(value, [actions[place].price.cost for place in open_ones], budget=max(0.0, means.budget - bound))
    taken = dict(zip(open_ones, choice.chosen.tolist(), strict=True))
    return choice, [replace(one, taken=taken.get(place, True)) for place, one in enumerate(actions)]


LEAVING = "leaving"
NOTHING = Text("no finding asks for an action, and the company has none")
HORIZONS = {"short": mark("short"), "long": mark("long")}
TAKEN, LEFT = mark("yes"), mark("no")
# ids of what the kit proposes on a finding, where it stands in full
PROPOSED = ("P-", "S-")


def plan_table(plan: Plan, locale: Locale) -> Result:
    """What is to be done, what is worth most for its cost first.

    Returns
    -------
    Result
        A row per action, with the columns of the table ``actions``, so that the file can come back as that table: ``action_id,
        finding_id, text, kind, owner, starts_on, due_on, horizon, effort, budget, indicator, expected_effect, status``; and
        ``what`` (the action in short: its first step), ``baseline, expected, low, high, target,
        measurable_on, worth, state, taken, source, numbers``. Written as CSV, workbook and calendar.
    """
    import pandas as pd

    title = Text("Improvement plan")
    if not plan.actions:
        return not_assessed("audit_plan", title, NOTHING)
    table = pd.DataFrame([_row(one, locale) for one in plan.actions])
    columns: tuple[Column, ...] = (
        Column("what", "Action"),
        Column("owner", "Owner"),
        Column("due_on", "Due", "date"),
        Column("goes", "Indicator: now, aim"),
        Column("budget", "Cost", "money"),
        Column("worth", "Worth a year", "money"),
        Column("state", "State", translate=True),
    )
    if plan.choice is not None:
        columns = (*columns[:-1], Column("within", "In the plan", translate=True))
    return Result(
        "audit_plan",
        "table",
        title,
        table,
        columns=columns,
        finding=_finding(plan),
        note=_note(plan),
        files=("calendar",),
    )


def people_table(plan: Plan, locale: Locale) -> Result:
    """What only people can do, and the measure that each of it is meant to move."""
    import pandas as pd

    title = Text("Done by people, tracked here")
    own = [one for one in plan.actions if one.source == PEOPLE]
    if not own:
        return not_assessed("audit_people", title, Text("no finding asks for what only people can do"))
    table = pd.DataFrame([_row(one, locale) for one in own])
    columns = (
        Column("text", "What"),
        Column("owner", "Owner"),
        Column("due_on", "Due", "date"),
        Column("goes", "Indicator: now, aim"),
        Column("measurable_on", "Effect visible from", "date"),
    )
    note = Text("Training, rewards, design and partnership are no work of software; owner, date and the measure are kept here.")
    return Result("audit_people", "table", title, table, columns=columns, note=note)


def states(plan: Plan) -> Result:
    """How many actions stand where: plan, do, check, act; and how many are overdue."""
    import pandas as pd

    title = Text("Where the actions stand")
    if not plan.actions:
        return not_assessed("audit_states", title, NOTHING)
    order = ("plan", "do", "check", "act", "stopped")
    counts = pd.Series([one.state for one in plan.actions]).value_counts()
    nexts = {
        "plan": mark("begin on the day planned"),
        "do": mark("carry on"),
        "check": mark("wait until the effect can be seen"),
        "act": mark("compare with the baseline; keep as standard, change, or stop"),
        "stopped": mark("say why"),
    }
    rows = [{"state": state, "n": int(counts[state]), "next": nexts[state]} for state in order if state in counts.index]
    columns = (
        Column("state", "State", translate=True),
        Column("n", "Actions", "count"),
        Column("next", "Next", translate=True),
    )
    return Result("audit_states", "table", title, pd.DataFrame(rows), columns=columns)


def _row(one: Action, locale: Locale) -> dict[str, object]:
    dates, aim, price = one.dates, one.aim, one.price
    return {
        "action_id": one.id,
        "finding_id": one.finding,
        "text": one.text,
        "what": first_clause(one.text) if one.id.startswith(PROPOSED) else first_sentence(one.text),
        "kind": one.kind,
        "owner": one.owner,
        "starts_on": dates.starts_on,
        "due_on": dates.due_on,
        "horizon": HORIZONS.get(dates.horizon, dates.horizon),
        "effort": price.effort,
        "budget": price.cost,
        "indicator": aim.indicator,
        "expected_effect": aim.effect,
        "unit": aim.unit if aim.direction else "",
        "direction": aim.direction,
        "basis": aim.basis,
        "expected": aim.expected,
        "status": one.status,
        "baseline": aim.baseline,
        "low": aim.low,
        "high": aim.high,
        "target": aim.target,
        "measurable_on": dates.measurable_on,
        "worth": price.worth if price.worth > 0 else float("nan"),
        "state": one.state,
        "taken": one.taken,
        "within": TAKEN if one.taken else LEFT,
        "source": one.source,
        "goes": goes(aim, locale),
        "numbers": aim.numbers,
    }


def goes(aim: Aim, locale: Locale) -> str:
    """What is to move, its value now, and the value that is aimed at."""
    if not (aim.name and np.isfinite(aim.baseline)):
        return aim.name or aim.indicator
    unit = cast(Unit, aim.unit)
    words: dict[str, Quantity | str] = {"name": aim.name, "now": Quantity(aim.baseline, unit)}
    if aim.effect == 0:
        return say(Text("{name}: {now}, target reached: keep it", words), locale)
    if not np.isfinite(aim.effect):
        return say(Text("{name}: {now}", words), locale)
    return say(Text("{name}: {now} → {then}", words | {"then": Quantity(aim.expected, unit)}), locale)


def _finding(plan: Plan) -> Finding:
    kept: Sequence[Action] = [one for one in plan.actions if one.taken]
    seen = sum(one.dates.measurable_on is not None for one in kept)
    swap = _swap(plan)
    if swap is None:
        numbers = {"n": Quantity(len(kept), "count"), "seen": Quantity(seen, "count")}
        if not kept:
            text = Text("No action is within the plan.")
        elif seen:
            text = Text(
                "{n} {n:action is|actions are} within the plan; of {seen} it is known from which day on the effect can be "
                "seen.",
                numbers,
            )
        else:
            text = Text("{n} {n:action is|actions are} within the plan; when an effect can be seen is not known.", numbers)
        return Finding("audit.plan", "info", None, text, evidence=("audit_plan",))
    wanted, given = swap
    words: Numbers = {
        "action": first_sentence(wanted.text),
        "worth": Quantity(wanted.price.worth, "money"),
        "cost": Quantity(wanted.price.cost, "money"),
        "given": one_by_one([first_sentence(one.text) for one in given]),
    }
    text = Text("The budget leaves out an action worth {worth} a year for {cost}: {action}.", words)
    action = Text("It fits in place of what has no known worth: {given}. Decide which of them to do.", words)
    return Finding("audit.plan", "warning", False, text, evidence=("audit_plan",), action=action)


def first_sentence(text: str) -> str:
    """What is done, without how and why: the first sentence of an action.

    Examples
    --------
    >>> first_sentence("Call the customers. Begin with the largest.")
    'Call the customers'
    """
    return re.split(r"(?<=[.!])\s+|(?<=[。！])", text.strip())[0].rstrip(".。")


def first_clause(text: str) -> str:
    """What is done first, of several things that a sentence asks for; names in quotes stay together.

    Examples
    --------
    >>> first_clause("Agree on a response time per channel, route tickets by it, and staff the hours.")
    'Agree on a response time per channel'
    >>> first_clause("Decide on one change for “Price”, “Delivery”, and who owns it.")
    'Decide on one change for “Price”, “Delivery”'
    """
    return re.split(r"[,;，；](?!\s*“)", first_sentence(text))[0]


def _swap(plan: Plan) -> tuple[Action, list[Action]] | None:
    """The action worth most for its cost that does not fit, and what of unknown worth would have to make room for it."""
    left = [one for one in plan.actions if not one.taken and one.price.cost < min(one.price.worth, plan.means.budget + 1e-9)]
    if not left or plan.choice is None:
        return None
    wanted = max(left, key=lambda one: one.price.ratio)
    rivals = [one for one in plan.actions if one.taken and one.state in (PLAN, DO) and np.isfinite(one.price.cost)]
    short = sum(one.price.cost for one in rivals) + wanted.price.cost - plan.means.budget
    unknown = sorted((one for one in rivals if not one.price.worth > 0), key=lambda one: -one.price.cost)
    enough = [one for one in unknown if one.price.cost >= short]
    if enough:
        return wanted, [enough[-1]]
    given: list[Action] = []
    while unknown and short > 0:
        given.append(unknown.pop(0))
        short -= given[-1].price.cost
    return (wanted, given) if short <= 0 else None


def _note(plan: Plan) -> Text:
    aims = Text(
        "Aims go {share} of the way to the target; where the effect is not known, that is a wish and no forecast.",
        {"share": Quantity(plan.means.effect_share, "share")},
    )
    if plan.choice is None:
        return Text(
            "No budget is set, so nothing is left out; ranked by worth over cost. Costs without a budget of their own are "
            "effort at {rate} a day. {aims}",
            {"rate": Quantity(plan.means.day_rate, "money"), "aims": aims},
        )
    bound = sum(one.price.cost for one in plan.actions if one.state == DO and np.isfinite(one.price.cost))
    numbers: dict[str, Quantity | Text | str] = {
        "aims": aims,
        "budget": Quantity(plan.means.budget, "money"),
        "bound": Quantity(bound, "money"),
        "cost": Quantity(plan.choice.cost, "money"),
    }
    return Text(
        "Left out is what the budget of {budget} does not pay for: {bound} is bound by what is running, {cost} by what is "
        "planned. {aims}",
        numbers,
    )
