"""What may go wrong, who answers for it, what gives an early warning, and what does the register lack?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.audit.catalogue import Catalogue
from crmkit.analyses.audit.findings.evidence import Grounds
from crmkit.analyses.audit.findings.model import FINDING, NAN, AuditFinding, Theme, theme_of, themes
from crmkit.analyses.audit.read import History, absent
from crmkit.analyses.audit.risks.grading import (
    BY_EXPERTS,
    DRAWS,
    FROM_DATA,
    UNKNOWN,
    Appetite,
    Grading,
    Risk,
    graded,
    impact_of,
    level_of,
    likelihood,
)
from crmkit.analyses.audit.risks.warning import warned
from crmkit.core.format import format_value
from crmkit.core.language import Locale, mark, say
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Severity, Text, not_assessed
from crmkit.models.audit.risk_matrix import GRADES, LEVELS, RiskMatrix, grade

if TYPE_CHECKING:
    import pandas as pd

HIGH = 2
CATEGORY_WORDS = {
    "churn": mark("churn"),
    "service": mark("service"),
    "product": mark("product"),
    "data": mark("data and privacy"),
    "fraud": mark("fraud and arrears"),
    "market": mark("market"),
    "legal": mark("legal"),
    "people": mark("people"),
}
COLUMN_GRADE, COLUMN_RISKS = Column("value", "Grade", "count"), Column("words", "Risks")
MOST_NAMED = 2


def register(
    found: Sequence[AuditFinding],
    past: History,
    grounds: Grounds,
    months: pd.DataFrame,
    book: Catalogue,
    *,
    own: pd.DataFrame | None = None,
    appetite: Appetite | None = None,
    matrix: RiskMatrix | None = None,
) -> list[Risk]:
    """Which risks follow from the findings, and how are they graded?

    Parameters
    ----------
    found : sequence of AuditFinding
        Observations make no risk.
    past, grounds, months, book
        What the findings rest on; months as :func:`crmkit.analyses.audit.monthly` gives them.
    own : pandas.DataFrame or None
        The client's table ``risks``: a row of the same id replaces owner, response, contingency, indicator and review; other
        rows are risks of their own with the levels that experts gave.
    appetite : Appetite or None
    matrix : RiskMatrix or None

    Returns
    -------
    list of Risk
        The gravest first; within a grade by expected loss, because products of levels mean nothing.
    """
    appetite, matrix = appetite or Appetite(), matrix or RiskMatrix()
    total = float(grounds.worth.sum()) if grounds.worth is not None else NAN
    said = _own(own, found)
    risks: dict[str, Risk] = {}
    for one in found:
        name = f"R-{one.theme}"
        if one.level != FINDING or name in risks:
            continue
        risks[name] = _risk(one, past, months, book, total * appetite.critical_share, appetite, matrix, said.get(name, {}))
    for name, row in said.items():
        if name not in risks:
            risks[name] = _by_experts(name, row, months, book, total * appetite.critical_share, appetite, matrix, past.language)
    dated = [_reviewed(risk, past.as_of, appetite) for risk in risks.values()]
    return sorted(dated, key=lambda risk: (-risk.grading.grade, -np.nan_to_num(risk.grading.loss, nan=-1.0), risk.id))


def _own(own: pd.DataFrame | None, found: Sequence[AuditFinding]) -> dict[str, Mapping[Any, Any]]:
    """The client's own rows by id; one whose early warning belongs to the theme of a finding speaks of the same risk."""
    if own is None:
        return {}
    made: dict[str, Mapping[Any, Any]] = {}
    known = {one.theme for one in found if one.level == FINDING}
    for row in own.to_dict("records"):
        theme = theme_of(_text(row, "indicator"))
        same = f"R-{theme.id}" if theme is not None and theme.id in known else ""
        made[same if same and same not in made else str(row["risk_id"])] = row
    return made


def _risk(
    one: AuditFinding,
    past: History,
    months: pd.DataFrame,
    book: Catalogue,
    critical: float,
    appetite: Appetite,
    matrix: RiskMatrix,
    said: Mapping[Any, Any],
) -> Risk:
    theme = themes()[one.theme]
    kri = _text(said, "indicator") or _warning_indicator(theme, one, book)
    risk = Risk(
        id=f"R-{one.theme}",
        theme=one.theme,
        category=_text(said, "category") or theme.category,
        title=theme.name(past.language),
        response=_text(said, "response") or theme.response,
        owner=_text(said, "owner") or theme.owner.say(past.language),
        contingency=_text(said, "contingency") or theme.contingency.say(past.language),
        indicator=kri,
        warning=warned(kri, months, book),
        review_on=_day(said),
        finding=one.id,
    )
    p, p_draws = likelihood(one, months)
    impact, impact_draws = impact_of(one, critical)
    if not np.isfinite(p):
        p, basis = level_of(said, "likelihood"), BY_EXPERTS
        p_draws = np.full(DRAWS, p)
    else:
        basis = FROM_DATA
    if not np.isfinite(impact) or (not one.stake.low > 0 and np.isfinite(level_of(said, "impact"))):
        # a loss that is not established is no better than what experts think
        impact = level_of(said, "impact")
        impact_draws = np.full(DRAWS, impact)
    money = impact * critical if np.isfinite(critical) else NAN
    grading = Grading(p, impact, p * money, basis if np.isfinite(p) else UNKNOWN)
    return graded(replace(risk, grading=grading), appetite, matrix, p_draws, impact_draws)


def _by_experts(
    name: str,
    row: Mapping[Any, Any],
    months: pd.DataFrame,
    book: Catalogue,
    critical: float,
    appetite: Appetite,
    matrix: RiskMatrix,
    language: str,
) -> Risk:
    p, impact = level_of(row, "likelihood"), level_of(row, "impact")
    category = _text(row, "category")
    words: dict[str, Quantity | Text | str] = {"id": name, "category": Text(CATEGORY_WORDS.get(category, category))}
    title = say(Text("{id}: {category}", words), Locale(language))
    kri = _text(row, "indicator")
    risk = Risk(
        id=name,
        theme="",
        category=category,
        title=title,
        response=_text(row, "response"),
        owner=_text(row, "owner"),
        contingency=_text(row, "contingency"),
        indicator=kri,
        warning=warned(kri, months, book),
        review_on=_day(row),
        grading=Grading(p, impact, p * impact * critical, BY_EXPERTS if np.isfinite(p) else UNKNOWN),
    )
    return graded(risk, appetite, matrix, np.full(DRAWS, p), np.full(DRAWS, impact))


def _warning_indicator(theme: Theme, one: AuditFinding, book: Catalogue) -> str:
    """What moves first: an early-warning indicator of the theme, the one that leads the finding before others."""
    known = [name for name in (one.lead.subject, *theme.indicators) if name in book.indicators]
    return next((name for name in known if book[name].kri), known[0] if known else "")


def _reviewed(risk: Risk, as_of: dt.date, appetite: Appetite) -> Risk:
    if risk.review_on is not None or not risk.theme:
        return risk
    months = max(1, appetite.review_months // 4) if risk.grading.grade >= HIGH else appetite.review_months
    return replace(risk, review_on=as_of + dt.timedelta(days=round(months * 30.4375)))


def _text(row: Mapping[Any, Any], name: str) -> str:
    value: Any = row.get(name)
    return "" if absent(value) else str(value)


def _day(row: Mapping[Any, Any]) -> dt.date | None:
    value: Any = row.get("review_on")
    if absent(value):
        return None
    return value.date() if hasattr(value, "date") else dt.date.fromisoformat(str(value)[:10])


RESPONSE_WORDS = {
    "avoid": mark("avoid"),
    "reduce": mark("reduce"),
    "share": mark("share"),
    "accept": mark("accept"),
    "pursue": mark("pursue"),
}
NONE = Text("no finding makes a risk, and the client has registered none")
NOT_GRADED = mark("not graded")
LIKELIHOODS = (mark("very unlikely"), mark("unlikely"), mark("possible"), mark("likely"), mark("almost sure"))
IMPACTS = (mark("very small"), mark("small"), mark("noticeable"), mark("grave"), mark("critical"))


def risk_table(risks: Sequence[Risk]) -> Result:
    """The register, the gravest first.

    Returns
    -------
    Result
        A row per risk: ``id, title, category, likelihood, impact`` (share of the critical loss), ``basis, grade, stability,
        loss, response, residual, owner, contingency, indicator, review_on``.
    """
    import pandas as pd

    title = Text("Risk register")
    if not risks:
        return not_assessed("audit_risks", title, NONE)
    rows = [
        {
            "id": risk.id,
            "title": risk.title,
            "category": CATEGORY_WORDS.get(risk.category, risk.category),
            "likelihood": risk.grading.likelihood,
            "impact": risk.grading.impact,
            "basis": risk.grading.basis,
            "grade": _grade(risk.grading.grade),
            "stability": risk.grading.stability,
            "loss": risk.grading.loss,
            "response": RESPONSE_WORDS.get(risk.response, risk.response),
            "residual": _grade(risk.grading.residual),
            "owner": risk.owner,
            "contingency": risk.contingency,
            "indicator": risk.indicator,
            "review_on": risk.review_on,
            "finding": risk.finding,
        }
        for risk in risks
    ]
    columns = (
        Column("title", "Risk"),
        Column("grade", "Grade", translate=True),
        Column("stability", "Stable in", "share"),
        Column("likelihood", "Likelihood", "share"),
        Column("loss", "Expected loss", "money"),
        Column("response", "Response", translate=True),
        Column("residual", "Grade after it", translate=True),
        Column("owner", "Owner"),
        Column("review_on", "Review", "date"),
    )
    high = sum(risk.grading.grade >= HIGH for risk in risks)
    numbers = {"high": Quantity(high, "count"), "n": Quantity(len(risks), "count")}
    text = (
        Text("{high} of {n} risks {high:is|are} graded high or very high.", numbers)
        if high
        else Text("None of the {n} risks in the register is graded high or very high.", numbers)
    )
    note = Text(
        "Grades come from a table of likelihood and impact; within a grade risks are ranked by expected loss. Stable in: share "
        "of resamples with the same grade. Likelihood: that the trouble goes on over the next six months."
    )
    known = any(risk.grading.grade >= HIGH and risk.grading.basis == FROM_DATA for risk in risks)
    severity: Severity = "critical" if known else "warning" if high else "info"
    finding = Finding("audit.risks", severity, high == 0, text, evidence=("audit_risks",))
    return Result("audit_risks", "table", title, pd.DataFrame(rows), columns=columns, finding=finding, note=note)


def contingencies(risks: Sequence[Risk]) -> Result:
    """What is done when a risk comes true."""
    import pandas as pd

    title = Text("What is done when it happens")
    if not risks:
        return not_assessed("audit_contingency", title, NONE)
    table = pd.DataFrame([{"title": risk.title, "owner": risk.owner, "contingency": risk.contingency} for risk in risks])
    columns = (Column("title", "Risk"), Column("owner", "Owner"), Column("contingency", "Contingency plan"))
    return Result("audit_contingency", "table", title, table, columns=columns)


def risk_map(risks: Sequence[Risk], *, matrix: RiskMatrix | None = None) -> Result:
    """Where do the risks stand in likelihood and impact?

    Returns
    -------
    Result
        A grid of 5 by 5: colour by grade (1 low to 4 very high), ``n`` risks in each cell, ``words`` their names.
    """
    import pandas as pd

    title = Text("Map of risks")
    graded = [risk for risk in risks if risk.grading.grade >= 0]
    if not graded:
        return not_assessed("audit_risk_map", title, NONE if not risks else Text("no risk could be graded"))
    matrix = matrix or RiskMatrix()
    places = grade(matrix, [risk.grading.likelihood for risk in graded], [risk.grading.impact for risk in graded])
    counts = np.zeros((LEVELS, LEVELS), dtype=int)
    np.add.at(counts, (places.likelihood - 1, places.impact - 1), 1)
    standing: dict[tuple[int, int], list[str]] = {}
    for risk, p, loss in zip(graded, places.likelihood - 1, places.impact - 1, strict=True):
        standing.setdefault((int(p), int(loss)), []).append(risk.title)
    rows: list[dict[str, Any]] = [
        {
            "row": LIKELIHOODS[p],
            "column": IMPACTS[loss],
            "value": float(matrix.cells[p][loss] + 1),
            "n": float(counts[p, loss]) if counts[p, loss] else float("nan"),
            "words": _listed(standing.get((p, loss), [])),
        }
        for p in reversed(range(LEVELS))
        for loss in range(LEVELS)
    ]
    table = pd.DataFrame(rows)
    table.attrs["unit"] = "count"
    return Result(
        "audit_risk_map",
        "heat_grid",
        title,
        table,
        columns=(
            Column("row", "Likelihood", translate=True),
            Column("column", "Impact", translate=True),
            COLUMN_GRADE,
            COLUMN_RISKS,
        ),
        note=Text("Colour: grade from 1 (light) to 4 (dark, very high). In each cell: the risks that stand there."),
        alt=Text("Grid of likelihood by impact: grade of each cell, and which risks stand in it."),
        x=Axis("Impact"),
        y=Axis("Likelihood"),
    )


def _listed(titles: Sequence[str]) -> str:
    """Names of the risks of one cell, a line each; of many the first and how many more."""
    more = len(titles) - MOST_NAMED
    return "\n".join([*titles[:MOST_NAMED], *([f"+ {more}"] if more > 0 else [])])


def register_checks(risks: Sequence[Risk], as_of: dt.date) -> Result:
    """What does the register lack?

    Returns
    -------
    Result
        A row per check: ``check, failing, all, passed, which``.
    """
    import pandas as pd

    title = Text("Checks of the register")
    if not risks:
        return not_assessed("audit_risk_checks", title, NONE)
    high = [risk for risk in risks if risk.grading.grade >= HIGH]
    accepted = [risk for risk in risks if risk.response == "accept"]
    looks: list[tuple[str, list[Risk], list[Risk]]] = [
        (mark("every high risk has an owner"), high, [risk for risk in high if not risk.owner]),
        (mark("every high risk has a contingency plan"), high, [risk for risk in high if not risk.contingency]),
        (mark("every high risk has an early warning"), high, [risk for risk in high if not risk.indicator]),
        (
            mark("every accepted risk has a day on which it is looked at again"),
            accepted,
            [risk for risk in accepted if risk.review_on is None],
        ),
        (mark("no review is overdue"), list(risks), [risk for risk in risks if risk.review_on and risk.review_on < as_of]),
        (mark("every risk is graded"), list(risks), [risk for risk in risks if risk.grading.grade < 0]),
    ]
    rows = [
        {
            "check": name,
            "failing": len(bad),
            "all": len(every),
            "passed": not bad,
            "which": ", ".join(risk.title for risk in bad),
        }
        for name, every, bad in looks
    ]
    table = pd.DataFrame(rows)
    failing = int((~table["passed"]).sum())
    numbers = {"n": Quantity(failing, "count"), "all": Quantity(len(table), "count")}
    text = (
        Text("{n} of {all} checks of the register {n:fails|fail}.", numbers)
        if failing
        else Text("The register passes all {all} checks.", numbers)
    )
    columns = (
        Column("check", "Check", translate=True),
        Column("passed", "Passed"),
        Column("failing", "Failing", "count"),
        Column("all", "Of", "count"),
        Column("which", "Which"),
    )
    finding = Finding("audit.register", "warning" if failing else "good", failing == 0, text, evidence=("audit_risk_checks",))
    return Result("audit_risk_checks", "table", title, table, columns=columns, finding=finding)


def _grade(place: int) -> str:
    return GRADES[place] if place >= 0 else NOT_GRADED


ALARM, QUIET, UNWATCHED = mark("alarm"), mark("quiet"), mark("not watched")


def warnings(risks: Sequence[Risk], book: Catalogue, locale: Locale) -> Result:
    """Which early warnings give an alarm?"""
    import pandas as pd

    title = Text("Early warnings")
    if not risks:
        return not_assessed("audit_warnings", title, NONE)
    rows = []
    for risk in risks:
        now = risk.warning
        known = risk.indicator in book.indicators
        unit = book[risk.indicator].unit if known else "number"

        def said(value: float, unit: Any = unit) -> str:
            return format_value(value, unit, language=locale.language, currency=locale.currency)

        rows.append(
            {
                "title": risk.title,
                "indicator": risk.indicator,
                "name": book[risk.indicator].name(locale.language) if known else risk.indicator,
                "state": state_of(risk),
                "value": now.value if now else np.nan,
                "limit": now.limit if now else np.nan,
                "unit": unit,
                "value_text": said(now.value) if now else "",
                "limit_text": said(now.limit) if now else "",
                "since": now.since if now else None,
                "points": now.points if now else np.nan,
                "known_to": now.known_to if now else None,
            }
        )
    columns = (
        Column("title", "Risk"),
        Column("name", "Early warning"),
        Column("state", "State", translate=True),
        Column("value_text", "Newest value"),
        Column("known_to", "Month of it", "date"),
        Column("limit_text", "Alarm beyond"),
        Column("since", "Since", "date"),
        Column("points", "Values before", "count"),
    )
    note = Text(
        "Control chart of the values of months, or of waves of a survey, with limits from those before the last six months. "
        "Alarm: a value beyond the limit, or eight in a row on the bad side. Watched from four values over eight months on."
    )
    return Result("audit_warnings", "table", title, pd.DataFrame(rows), columns=columns, note=note)


def state_of(risk: Risk) -> str:
    """Whether the early warning of a risk gives an alarm."""
    return UNWATCHED if risk.warning is None else ALARM if risk.warning.alarm else QUIET
