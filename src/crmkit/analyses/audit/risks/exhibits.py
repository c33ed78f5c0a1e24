"""How risks are shown: the register, the map of likelihood and impact, early warnings, and what the register lacks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np

from crmkit.analyses.audit.catalogue import Catalogue
from crmkit.analyses.audit.risks.register import CATEGORY_WORDS, FROM_DATA, HIGH, Risk
from crmkit.core.format import format_value
from crmkit.core.language import Locale, mark
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Severity, Text, not_assessed
from crmkit.models.audit.risk_matrix import GRADES, LEVELS, RiskMatrix, grade

NONE = Text("no finding makes a risk, and the client has registered none")
NOT_GRADED = mark("not graded")
ALARM, QUIET, UNWATCHED = mark("alarm"), mark("quiet"), mark("not watched")
RESPONSE_WORDS = {
    "avoid": mark("avoid"), "reduce": mark("reduce"), "share": mark("share"), "accept": mark("accept"),
    "pursue": mark("pursue"),
}  # fmt: skip
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
        {"id": risk.id, "title": risk.title, "category": CATEGORY_WORDS.get(risk.category, risk.category),
         "likelihood": risk.likelihood, "impact": risk.impact, "basis": risk.basis, "grade": _grade(risk.grade),
         "stability": risk.stability, "loss": risk.loss, "response": RESPONSE_WORDS.get(risk.response, risk.response),
         "residual": _grade(risk.residual), "owner": risk.owner, "contingency": risk.contingency, "indicator": risk.indicator,
         "review_on": risk.review_on, "finding": risk.finding}
        for risk in risks
    ]  # fmt: skip
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
    high = sum(risk.grade >= HIGH for risk in risks)
    text = Text("{high} of {n} risks are graded high or very high.",
                {"high": Quantity(high, "count"), "n": Quantity(len(risks), "count")})  # fmt: skip
    note = Text(
        "Grades come from a table of likelihood and impact; within a grade risks are ranked by expected loss. Stable in: share "
        "of resamples with the same grade. Likelihood: that the trouble goes on over the next six months."
    )
    known = any(risk.grade >= HIGH and risk.basis == FROM_DATA for risk in risks)
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
        A grid of 5 by 5: colour by grade (1 low to 4 very high), n risks in each cell.
    """
    import pandas as pd

    title = Text("Map of risks")
    graded = [risk for risk in risks if risk.grade >= 0]
    if not graded:
        return not_assessed("audit_risk_map", title, NONE if not risks else Text("no risk could be graded"))
    matrix = matrix or RiskMatrix()
    places = grade(matrix, [risk.likelihood for risk in graded], [risk.impact for risk in graded])
    counts = np.zeros((LEVELS, LEVELS), dtype=int)
    np.add.at(counts, (places.likelihood - 1, places.impact - 1), 1)
    rows: list[dict[str, Any]] = [
        {
            "row": LIKELIHOODS[p],
            "column": IMPACTS[loss],
            "value": float(matrix.cells[p][loss] + 1),
            "n": float(counts[p, loss]) if counts[p, loss] else float("nan"),
        }
        for p in reversed(range(LEVELS))
        for loss in range(LEVELS)
    ]
    table = pd.DataFrame(rows)
    table.attrs["unit"] = "count"
    return Result(
        "audit_risk_map", "heat_grid", title, table,
        columns=(Column("row", "Likelihood", translate=True), Column("column", "Impact", translate=True)),
        note=Text("Colour and number: grade from 1 (low) to 4 (very high); n: risks in the cell."),
        alt=Text("Grid of likelihood by impact: grade of each cell, and how many risks stand in it."),
        x=Axis("Impact"), y=Axis("Likelihood"),
    )  # fmt: skip


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

        rows.append({
            "title": risk.title, "indicator": risk.indicator,
            "name": book[risk.indicator].name(locale.language) if known else risk.indicator,
            "state": state_of(risk),
            "value": now.value if now else np.nan, "limit": now.limit if now else np.nan, "unit": unit,
            "value_text": said(now.value) if now else "", "limit_text": said(now.limit) if now else "",
            "since": now.since if now else None, "points": now.points if now else np.nan,
            "known_to": now.known_to if now else None,
        })  # fmt: skip
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
    high = [risk for risk in risks if risk.grade >= HIGH]
    accepted = [risk for risk in risks if risk.response == "accept"]
    looks: list[tuple[str, list[Risk], list[Risk]]] = [
        (mark("every high risk has an owner"), high, [risk for risk in high if not risk.owner]),
        (mark("every high risk has a contingency plan"), high, [risk for risk in high if not risk.contingency]),
        (mark("every high risk has an early warning"), high, [risk for risk in high if not risk.indicator]),
        (mark("every accepted risk has a day on which it is looked at again"), accepted,
         [risk for risk in accepted if risk.review_on is None]),
        (mark("no review is overdue"), list(risks), [risk for risk in risks if risk.review_on and risk.review_on < as_of]),
        (mark("every risk is graded"), list(risks), [risk for risk in risks if risk.grade < 0]),
    ]  # fmt: skip
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
    text = Text("{n} of {all} checks of the register fail.",
                {"n": Quantity(failing, "count"), "all": Quantity(len(table), "count")})  # fmt: skip
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
