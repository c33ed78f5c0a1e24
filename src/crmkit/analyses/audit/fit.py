"""One audit, from the tables to the plan: everything that the exhibits of the page are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from crmkit.analyses.audit.agreed import Rules
from crmkit.analyses.audit.assess import assess, cycles, monthly
from crmkit.analyses.audit.catalogue import Catalogue, load_catalogue
from crmkit.analyses.audit.findings import AuditFinding, Check, Grounds, Looked, find, grounds, look
from crmkit.analyses.audit.findings.model import themes
from crmkit.analyses.audit.form import Answers, Form, load_form, read_answers
from crmkit.analyses.audit.plan import Known, Means, Plan, make_plan, smart, wanted_of
from crmkit.analyses.audit.plan.actions import library
from crmkit.analyses.audit.read import History, history
from crmkit.analyses.audit.risks import Appetite, Risk, register
from crmkit.core.language import Locale
from crmkit.core.results import Result
from crmkit.data.sources.engine import to_frame

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.data.client import Client


@dataclass(frozen=True, eq=False)
class Audit:
    """Everything that an audit knows.

    Parameters
    ----------
    company : Client
    book : Catalogue
        With the client's changes.
    past : History
    state, over, months : pandas.DataFrame
        Indicators of the newest cycle, of all cycles, and by month.
    answers : Answers
    grounds : Grounds
    checks : tuple of Check
    found : tuple of AuditFinding
    risks : tuple of Risk
    plan : Plan
    """

    company: Client
    book: Catalogue
    past: History
    state: pd.DataFrame
    over: pd.DataFrame
    months: pd.DataFrame
    answers: Answers
    grounds: Grounds
    checks: tuple[Check, ...]
    found: tuple[AuditFinding, ...]
    risks: tuple[Risk, ...]
    plan: Plan

    @property
    def locale(self) -> Locale:
        """In which language and currency it is told."""
        return Locale(self.company.language, self.company.currency, revenue=self.past.rules.margin == 1)

    @property
    def form(self) -> Form:
        """The form with the client's changes."""
        return self.answers.form

    @property
    def confidence(self) -> float:
        """Coverage of every interval."""
        return self.answers.confidence


def study(
    company: Client,
    *,
    results: Mapping[str, Any] | None = None,
    cycle: str = "half_year",
    count: int = 4,
    rules: Rules | None = None,
    caps: Mapping[str, float] | None = None,
    roles: Mapping[str, float] | None = None,
    gap_points: float = 0.75,
    appetite: Appetite | None = None,
    means: Means | None = None,
    confidence: float = 0.95,
) -> Audit:
    """How good is the company with its customers, what is wrong, what may go wrong, and what is to be done?

    Parameters
    ----------
    company : Client
    results : mapping of analysis to Reading, or None
        Results of ``clv``, ``churn`` and ``satisfaction``.
    cycle : {"quarter", "half_year"}
    count : int
        Cycles to look back.
    rules : Rules or None
        What the company has agreed upon.
    caps, roles : mapping or None
        What evidence carries, and how much roles of raters weigh.
    gap_points : float
        From how many points on a gap of the form matters.
    appetite : Appetite or None
        What the company can bear.
    means : Means or None
        What it can spend.
    confidence : float

    Returns
    -------
    Audit

    Raises
    ------
    ParamError
        When the client's catalogue, form or a parameter cannot be used.
    """
    owned = results or {}
    book = load_catalogue(home=company.home, client=company.name)
    book = book.without_margin() if rules is not None and rules.margin == 1 else book
    form = load_form(home=company.home, client=company.name)
    past = history(company, cycle=cycle, cycles=count, rules=rules)
    locale = Locale(company.language, company.currency, revenue=rules is not None and rules.margin == 1)
    state = assess(past, book, owned=owned, confidence=confidence)
    months = monthly(past, book, owned=owned, confidence=confidence)
    answers = read_answers(company, form, caps=caps, weights=roles, confidence=confidence)
    base = grounds(company, past, results=owned, key=company.key(), confidence=confidence)
    actions, risks = own_table(company, "actions"), own_table(company, "risks")
    looked = Looked(state, months, book, answers, frozenset(company.tables), actions, risks, gap_points, confidence)
    checks = look(looked)
    found = find(checks, past, base, confidence=confidence)
    listed = register(found, past, base, months, book, own=risks, appetite=appetite)
    plan = make_plan(
        found, state, past, book, locale, own=actions, means=means, results=owned, months=months, confidence=confidence
    )
    # one name for each owner, whether the company's tables or the kit name him
    listed = [replace(one, owner=owner_name(one.owner, company)) for one in listed]
    plan = replace(plan, actions=tuple(replace(one, owner=owner_name(one.owner, company)) for one in plan.actions))
    over = cycles(past, book, owned=owned, confidence=confidence)
    return Audit(
        company,
        book,
        past,
        state,
        over,
        months,
        answers,
        base,
        tuple(checks),
        tuple(found),
        tuple(listed),
        plan,
    )


def smart_checks(work: Audit) -> Result:
    """Which goals and actions pass the SMART tests?"""
    goals, peers = own_table(work.company, "goals"), own_table(work.company, "benchmarks")
    rows = {str(row["indicator"]): row for row in work.state.to_dict("records")}
    known = Known(rows, work.months, work.book, work.past, peers, work.confidence, work.plan.means.power)
    return smart(wanted_of(work.plan.actions, goals, work.found), known)


def own_table(company: Client, name: str) -> pd.DataFrame | None:
    """A table that the company keeps by hand, its owners named in the language of the report; None where it has none."""
    if name not in company.tables:
        return None
    table = to_frame(company.tables[name])
    if "owner" in table:
        table["owner"] = [owner_name(one, company) if isinstance(one, str) else one for one in table["owner"]]
    return table


def owner_name(name: str, company: Client) -> str:
    """An owner in the language of the report: as the client's file says, else as the kit calls this owner, else as written."""
    said = company.settings.owner_in(name, company.language)
    return _kit_owners(company.language).get(said.casefold(), said)


@cache
def _kit_owners(language: str) -> dict[str, str]:
    """The owners that the kit proposes, by their name in either language."""
    named = [*(theme.owner for theme in themes().values()), *(one.owner for one in library().people)]
    return {said.casefold(): one.say(language) for one in named for said in (one.en, one.zh)}
