"""Who has to do what? Each department that owns a finding, a risk or an action gets a short page of its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from crmkit.analyses.audit.by_class import LEVEL, level_table
from crmkit.analyses.audit.findings import AuditFinding
from crmkit.analyses.audit.findings.finding import finding_fields
from crmkit.analyses.audit.findings.model import themes
from crmkit.analyses.audit.fit import Audit, owner_name
from crmkit.analyses.audit.plan import Action, plan_table
from crmkit.analyses.audit.risks import Risk, risk_table
from crmkit.analyses.audit.risks.register import state_of
from crmkit.core.file_names import file_names
from crmkit.core.language import mark, say
from crmkit.core.results import Brief, Column, Quantity, Result, Text, not_assessed

MOST = 12
TITLE = Text("Who has to do what")
NOBODY, OTHERS = mark("Nobody named yet"), mark("Other departments")
REST = "others"
PREFIX = "department-"
SHOWN = Text("Everything in this short page stands in the whole report too, with how it was found.")


@dataclass
class Department:
    """What one owner answers for: findings by their number in the report, risks, actions."""

    name: str
    found: dict[int, AuditFinding] = field(default_factory=dict)
    risks: list[Risk] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many findings, risks and actions it has."""
        return len(self.found) + len(self.risks) + len(self.actions)


def departments(work: Audit, *, most: int = MOST) -> Result:
    """Who has to do what?

    Parameters
    ----------
    work : Audit
    most : int
        Departments with a page of their own, those with most to do; all others stand on one page together.

    Returns
    -------
    Result
        A row per department: ``department, findings, risks, actions, page`` (file of its short page); and the pages as
        ``briefs``. A finding belongs to whoever owns an action or a risk of it, else to whoever the kit proposes.
    """
    import pandas as pd

    listed = owners(work)
    if not listed:
        return not_assessed("audit_departments", TITLE, Text("there is nothing to be done"))
    own, rest = listed[:most], listed[most:]
    slugs = file_names([one.name for one in own], taken=(REST,))
    pages = [*slugs, *(REST for _ in rest)]
    rows = [
        {
            "department": one.name,
            "findings": len(one.found),
            "risks": len(one.risks),
            "actions": len(one.actions),
            "page": f"audit-{PREFIX}{slug}.html",
        }
        for one, slug in zip(listed, pages, strict=True)
    ]
    columns = (
        Column("department", "Department"),
        Column("findings", "Findings", "count"),
        Column("risks", "Risks", "count"),
        Column("actions", "Actions", "count"),
        Column("page", "Short page"),
    )
    briefs = [Brief(PREFIX + slug, one.name, _exhibits(one, work), SHOWN) for one, slug in zip(own, slugs, strict=True)]
    if rest:
        briefs.append(Brief(PREFIX + REST, Text(OTHERS), _exhibits(_together(rest), work), SHOWN))
    return Result(
        "audit_departments",
        "table",
        TITLE,
        pd.DataFrame(rows),
        columns=columns,
        note=_note(len(own), len(rest)),
        briefs=tuple(briefs),
    )


def owners(work: Audit) -> list[Department]:
    """The departments of an audit, those with most to do first; what nobody owns comes last."""
    found: dict[str, Department] = {}

    def of(owner: str) -> Department:
        name = " ".join(owner.split())
        return found.setdefault(name.casefold(), Department(name))

    for action in work.plan.actions:
        of(action.owner).actions.append(action)
    for risk in work.risks:
        of(risk.owner).risks.append(risk)
    for place, one in enumerate(work.found, start=1):
        mine = [action.owner for action in work.plan.actions if action.finding == one.id]
        mine += [risk.owner for risk in work.risks if risk.finding == one.id]
        for owner in mine or [owner_name(themes()[one.theme].owner.en, work.company)]:
            of(owner).found[place] = one
    nobody = found.pop("", None)
    listed = sorted(found.values(), key=lambda one: (-one.size, one.name))
    if nobody is not None:
        nobody.name = say(Text(NOBODY), work.locale)
        listed.append(nobody)
    return listed


def _together(rest: list[Department]) -> Department:
    found = {place: one for each in rest for place, one in each.found.items()}
    return Department(
        "",
        dict(sorted(found.items())),
        [risk for each in rest for risk in each.risks],
        [action for each in rest for action in each.actions],
    )


def _exhibits(one: Department, work: Audit) -> tuple[Result, ...]:
    """Its findings, risks, indicators and actions, without what is said of those of all; what it has none of is left out."""
    made: list[Result] = []
    if one.found:
        numbers = {each.id: place for place, each in one.found.items()}
        made.append(finding_fields(list(one.found.values()), work.locale, numbers=numbers))
    if one.risks:
        made.append(risk_table(one.risks))
    watched = _watched(one, work)
    if watched is not None:
        made.append(watched)
    if one.actions:
        # the budget is that of all actions, and so is what is said of it
        made.append(replace(plan_table(replace(work.plan, actions=tuple(one.actions)), work.locale), note=None))
    return tuple(replace(result, finding=None) for result in made)


def _watched(one: Department, work: Audit) -> Result | None:
    """The indicators that its findings, risks and actions rest on, each with the state of its early warning."""
    names = {check.subject for each in one.found.values() for check in each.checks}
    names |= {risk.indicator for risk in one.risks} | {action.aim.indicator for action in one.actions}
    states = {risk.indicator: state_of(risk) for risk in work.risks}
    rows = work.state[work.state["indicator"].isin(names)]
    rows = rows.assign(warning=[states.get(name, "") for name in rows["indicator"]])
    columns = (*LEVEL, Column("warning", "Early warning", translate=True))
    return level_table(work, rows, "audit_watched", Text("Indicators to watch"), columns)


def _note(own: int, rest: int) -> Text:
    if not rest:
        return Text("A finding belongs to whoever owns an action or a risk of it, else to whoever is proposed for it.")
    return Text(
        "A finding belongs to whoever owns an action or a risk of it, else to whoever is proposed for it. The {own} with "
        "most to do have a page of their own; {rest} others share one.",
        {"own": Quantity(own, "count"), "rest": Quantity(rest, "count")},
    )
