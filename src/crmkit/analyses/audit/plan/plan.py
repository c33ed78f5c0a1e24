"""What is to be done? Actions for all findings, those that fit into the budget, and where each of them stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.audit.catalogue import Catalogue
from crmkit.analyses.audit.findings.model import NAN, AuditFinding
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
from crmkit.analyses.audit.read import History
from crmkit.core.format import format_value
from crmkit.core.language import Locale, mark, say
from crmkit.core.results import Column, Finding, Quantity, Result, Text, Unit, not_assessed
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
    won: float = NAN,
    confidence: float = 0.95,
) -> Plan:
    """What is to be done?

    Parameters
    ----------
    found : sequence of AuditFinding
        Each gets an action; several of one theme share it.
    state : pandas.DataFrame
        Indicators as assessed: baselines, targets, cases.
    past, book
    locale : Locale
    own : pandas.DataFrame or None
        The client's table ``actions``; its rows come first, and one that answers a finding replaces the kit's proposal.
    means : Means or None
    won : float
        Money that keeping customers is expected to win, where the report on leaving has worked it out.
    confidence : float

    Returns
    -------
    Plan
    """
    means = means or Means()
    rows = {str(row["indicator"]): row for row in state.to_dict("records")}
    made: list[Action] = [of_company(row, past.as_of) for row in ([] if own is None else own.to_dict("records"))]
    answered = {theme_named(action.finding) for action in made}
    for one in found:
        if one.theme not in answered:
            made.append(proposed(one, past, locale))
            answered.add(one.theme)
    made += by_people(found, past, locale.language)
    value = {one.theme: one.stake.money * means.effect_share for one in reversed(found)}
    if np.isfinite(won):
        # what can be won is known; what is at stake is more, and no action wins all of it
        value |= {theme: won for theme in value if theme == "leaving"}
    full = [measured(action, rows, past, book, means, value, confidence) for action in made]
    choice, kept = _within(full, means)
    order = sorted(kept, key=lambda action: (not action.taken, -action.price.ratio, action.dates.due_on, action.id))
    return Plan(tuple(order), choice, means)


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


NOTHING = Text("no finding asks for an action, and the company has none")
HORIZONS = {"short": mark("short"), "long": mark("long")}
TAKEN, LEFT = mark("yes"), mark("not within the budget")


def plan_table(plan: Plan, book: Catalogue, locale: Locale) -> Result:
    """What is to be done, what is worth most for its cost first.

    Returns
    -------
    Result
        A row per action, with the columns of the table ``actions``, so that the file can come back as that table: ``action_id,
        finding_id, text, kind, owner, starts_on, due_on, horizon, effort, budget, indicator, expected_effect, status``; and
        ``baseline, expected, low, high, target, measurable_on, worth, state, taken, source``. Written as CSV, workbook and
        calendar.
    """
    import pandas as pd

    title = Text("Improvement plan")
    if not plan.actions:
        return not_assessed("audit_plan", title, NOTHING)
    table = pd.DataFrame([_row(one, book, locale) for one in plan.actions])
    columns: tuple[Column, ...] = (
        Column("text", "Action"),
        Column("owner", "Owner"),
        Column("due_on", "Due", "date"),
        Column("goes", "Indicator: now, then"),
        Column("measurable_on", "Effect visible from", "date"),
        Column("budget", "Cost", "money"),
        Column("worth", "Worth a year", "money"),
        Column("state", "State", translate=True),
    )
    if plan.choice is not None:
        columns = (*columns, Column("within", "In the plan", translate=True))
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


def people_table(plan: Plan, book: Catalogue, locale: Locale) -> Result:
    """What only people can do, and the measure that each of it is meant to move."""
    import pandas as pd

    title = Text("Done by people, tracked here")
    own = [one for one in plan.actions if one.source == PEOPLE]
    if not own:
        return not_assessed("audit_people", title, Text("no finding asks for what only people can do"))
    table = pd.DataFrame([_row(one, book, locale) for one in own])
    columns = (
        Column("text", "What"),
        Column("owner", "Owner"),
        Column("due_on", "Due", "date"),
        Column("goes", "Indicator: now, then"),
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


def _row(one: Action, book: Catalogue, locale: Locale) -> dict[str, object]:
    dates, aim, price = one.dates, one.aim, one.price
    return {
        "action_id": one.id,
        "finding_id": one.finding,
        "text": one.text,
        "kind": one.kind,
        "owner": one.owner,
        "starts_on": dates.starts_on,
        "due_on": dates.due_on,
        "horizon": HORIZONS.get(dates.horizon, dates.horizon),
        "effort": price.effort,
        "budget": price.cost,
        "indicator": aim.indicator,
        "expected_effect": aim.effect,
        "unit": book[aim.indicator].unit if aim.indicator in book.indicators else "",
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
        "goes": goes(aim, book, locale),
    }


def goes(aim: Aim, book: Catalogue, locale: Locale) -> str:
    """Name of the indicator, its value now, and the value expected."""
    if aim.indicator not in book.indicators:
        return aim.indicator
    unit: Unit = book[aim.indicator].unit
    if aim.effect == 0:
        kept: dict[str, Quantity | str] = {
            "name": book[aim.indicator].name(locale.language),
            "now": Quantity(aim.baseline, unit),
        }
        return say(Text("{name}: {now}, target reached: keep it", kept), locale)
    now, then = (
        format_value(value, unit, language=locale.language, currency=locale.currency) for value in (aim.baseline, aim.expected)
    )
    return say(
        Text("{name}: {now} → {then}", {"name": book[aim.indicator].name(locale.language), "now": now, "then": then}), locale
    )


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
    words: dict[str, Quantity | str] = {
        "action": wanted.text.rstrip(".。"),
        "worth": Quantity(wanted.price.worth, "money"),
        "cost": Quantity(wanted.price.cost, "money"),
        "given": "; ".join(one.text.rstrip(".。") for one in given),
    }
    text = Text("The budget leaves out an action worth {worth} a year for {cost}: {action}.", words)
    action = Text("It fits in place of what has no known worth: {given}. Decide which of them to do.", words)
    return Finding("audit.plan", "warning", False, text, evidence=("audit_plan",), action=action)


def _swap(plan: Plan) -> tuple[Action, list[Action]] | None:
    """The action worth most for its cost that does not fit, and what of unknown worth would have to make room for it."""
    left = [one for one in plan.actions if not one.taken and one.price.worth > 0 and one.price.cost <= plan.means.budget]
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
    if plan.choice is None:
        return Text(
            "No budget is set, so nothing is left out; ranked by worth over cost. Costs without a budget of their own "
            "are effort at {rate} a day.",
            {"rate": Quantity(plan.means.day_rate, "money")},
        )
    bound = sum(one.price.cost for one in plan.actions if one.state == DO and np.isfinite(one.price.cost))
    numbers = {
        "budget": Quantity(plan.means.budget, "money"),
        "bound": Quantity(bound, "money"),
        "cost": Quantity(plan.choice.cost, "money"),
    }
    return Text(
        "Of a budget of {budget}, {bound} is bound by what is running, and {cost} is spent on what is planned. For the money "
        "left no other choice is worth more (exact up to 100 actions).",
        numbers,
    )
