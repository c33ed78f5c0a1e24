"""How findings are shown: an overview, the five fields of each, everything that was looked at, and what drives satisfaction."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from crmkit.analyses.audit.findings.evidence import DRIVER_WORDS, Grounds
from crmkit.analyses.audit.findings.model import FINDING, NAN, OBSERVATION, AuditFinding, Check
from crmkit.core.format import p_words
from crmkit.core.language import Locale, mark, say
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Severity, Text, estimates, not_assessed

NOTHING = Text("Nothing that was looked at misses its criterion.")
FIELDS = (mark("Criteria"), mark("Condition"), mark("Cause"), mark("Effect"), mark("Recommendation"))
RULE_WORDS = {
    "indicator": mark("indicator"), "trend": mark("trend"), "gap_data": mark("form and data"),
    "gap_others": mark("form and others"),
    "coverage_roles": mark("raters"), "coverage_tables": mark("voices"), "control_actions": mark("control of actions"),
    "control_risks": mark("control of risks"),
}  # fmt: skip
IN_ORDER = mark("in order")


def findings_overview(found: Sequence[AuditFinding], locale: Locale) -> Result:
    """What was found, the surest first: level, what is off, whom it touches, what is at stake.

    Returns
    -------
    Result
        A row per finding: ``number, level, title, condition, customers, exposed, money, money_low, money_high, p_value, id``,
        and ``numbers``, every number of the condition with its limits and unit, unrounded, as JSON.
    """
    import pandas as pd

    title = Text("What was found")
    rows: list[dict[str, Any]] = [
        {"number": place, "level": one.level, "title": say(one.title, locale), "condition": say(one.condition, locale),
         "customers": one.customers, "exposed": one.value_exposed, "money": one.money, "money_low": one.money_low,
         "money_high": one.money_high, "p_value": one.lead.adjusted,
         "stake": one.money if one.money_low > 0 else NAN, "p_text": p_words(one.lead.adjusted),
         "id": one.id, "indicator": one.lead.subject,
         "value": one.lead.value, "low": one.lead.low, "high": one.lead.high, "target": one.lead.target, "unit": one.lead.unit,
         "numbers": json.dumps(quantities(one.condition))}
        for place, one in enumerate(found, start=1)
    ]  # fmt: skip
    names = ["number", "level", "title", "condition", "customers", "exposed", "money", "money_low", "money_high", "p_value",
             "stake", "p_text",
             "id", "indicator", "value", "low", "high", "target", "unit", "numbers"]  # fmt: skip
    columns = (
        Column("number", "No.", "count"),
        Column("level", "Level", translate=True),
        Column("title", "What"),
        Column("condition", "Condition"),
        Column("customers", "Customers affected", "count"),
        Column("exposed", "Their value", "money"),
        Column("stake", "At stake", "money"),
        Column("p_text", "p (Holm)"),
    )
    sure = sum(one.level == FINDING for one in found)
    text = (
        Text("{sure} findings and {rest} observations.",
             {"sure": Quantity(sure, "count"), "rest": Quantity(len(found) - sure, "count")})
        if found
        else NOTHING
    )  # fmt: skip
    finding = Finding("audit.findings", "warning" if sure else "good", sure == 0, text, evidence=("audit_findings",))
    note = Text(
        "A finding is sure after correction for everything that was looked at (Holm); of an observation only the estimate is "
        "off. At stake: value of the customers affected times how much more of them were lost than of others."
    )
    return Result(
        "audit_findings", "table", title, pd.DataFrame(rows, columns=names), columns=columns, finding=finding, note=note
    )


def finding_fields(found: Sequence[AuditFinding], locale: Locale, *, numbers: Mapping[str, int] | None = None) -> Result:
    """The five fields of each finding: what ought to be, what is, why, what it costs, what to do.

    Parameters
    ----------
    found : sequence of AuditFinding
    locale : Locale
    numbers : mapping of id to int, optional
        Number of each finding, where only some of all are shown.

    Returns
    -------
    Result
        Five rows per finding: ``no, title, field, words, id``, and ``numbers``, every number of the words with its limits and
        unit, unrounded, as JSON.
    """
    import pandas as pd

    rows = []
    for order, one in enumerate(found, start=1):
        place = numbers[one.id] if numbers else order
        texts = (one.criteria, one.condition, one.cause, one.effect, one.recommendation)
        for field, text in zip(FIELDS, texts, strict=True):
            first = field == FIELDS[0]
            rows.append({"no": str(place) if first else "", "title": say(one.title, locale) if first else "",
                         "field": field, "words": say(text, locale), "id": one.id,
                         "numbers": json.dumps(quantities(text))})  # fmt: skip
    table = pd.DataFrame(rows, columns=["no", "title", "field", "words", "id", "numbers"])
    columns = (
        Column("no", "No."),
        Column("title", "Finding"),
        Column("field", "Field", translate=True),
        Column("words", "What the data say"),
    )
    note = Text("Causes are associations unless an experiment says otherwise.")
    return Result("audit_finding_fields", "table", Text("Findings in five fields"), table, columns=columns, note=note)


def quantities(text: Text) -> list[dict[str, Any]]:
    """Every number that a sentence holds, also in the sentences inside it: ``name, value, low, high, unit``.

    Examples
    --------
    >>> inner = Text("{c}", {"c": Quantity(0.5, "share", 0.4, 0.6)})
    >>> quantities(Text("{a} of {b}", {"a": Quantity(1, "count"), "b": inner}))[1]
    {'name': 'c', 'value': 0.5, 'low': 0.4, 'high': 0.6, 'unit': 'share'}
    """
    found: list[dict[str, Any]] = []
    for name, part in text.numbers.items():
        if isinstance(part, Text):
            found += quantities(part)
        elif isinstance(part, Quantity):
            found.append(unrounded(name, part))
    return found


def unrounded(name: str, one: Quantity) -> dict[str, Any]:
    """A number that is shown in words, as a result table keeps it."""
    value, low, high = (_plain(part) for part in (one.value, one.low, one.high))
    return {"name": name, "value": value, "low": low, "high": high, "unit": one.unit}


def _plain(value: Any) -> Any:
    """A number that JSON can hold, a date as text; nan as nothing."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, int | float):
        return value if math.isfinite(value) else None
    return None if value is None else str(value)


def checks_table(checks: Sequence[Check], locale: Locale, *, confidence: float = 0.95) -> Result:
    """Everything that was looked at, what is in order too."""
    import pandas as pd

    rows = [
        {"rule": RULE_WORDS[one.rule], "subject": one.subject, "value": one.value, "low": one.low, "high": one.high,
         "unit": one.unit, "target": one.target, "criteria": say(one.criteria, locale), "n": one.n, "p_value": one.p_value,
         "adjusted": one.adjusted, "p_text": p_words(one.adjusted), "verdict": _verdict(one, confidence)}
        for one in checks
    ]  # fmt: skip
    names = [
        "rule",
        "subject",
        "value",
        "low",
        "high",
        "unit",
        "target",
        "criteria",
        "n",
        "p_value",
        "adjusted",
        "p_text",
        "verdict",
    ]
    columns = (
        Column("rule", "Rule", translate=True),
        Column("criteria", "Criterion"),
        Column("value", "Value", "number"),
        Column("interval", "Interval", "number"),
        Column("n", "n", "count"),
        Column("p_text", "p (Holm)"),
        Column("verdict", "Verdict", translate=True),
    )
    note = Text("p: one-sided, for being worse than the criterion; Holm's correction over all {n} checks with a p-value.",
                {"n": Quantity(sum(one.p_value == one.p_value for one in checks), "count")})  # fmt: skip
    table = pd.DataFrame(rows, columns=names)
    table.attrs["alike"] = False
    return Result("audit_checks", "table", Text("What was looked at"), table, columns=columns, note=note)


def drivers(grounds: Grounds) -> Result:
    """Which troubles move the satisfaction with a ticket, and by how much?

    Returns
    -------
    Result
        Dots: share of what the troubles explain together, with interval; those that do not stand out from noise are told.
    """
    title = Text("What moves satisfaction with a ticket")
    ranked = grounds.ranked
    if ranked is None or grounds.drivers is None:
        return not_assessed("audit_drivers", title, grounds.reason or Text("needs tickets with csat"))
    rows = [
        {"group": DRIVER_WORDS[row["driver"]], "measure": mark("Share of what is explained"), "value": row["value"],
         "low": row["low"], "high": row["high"], "n": row["n"], "unit": "share", "method": row["method"]}
        for row in ranked.to_dict("records")
    ]  # fmt: skip
    table = estimates(rows)
    table["effect"], table["rank"] = ranked["effect"].to_numpy(), ranked["rank"].to_numpy()
    table["distinguishable"], table["r_squared"] = ranked["distinguishable"].to_numpy(), grounds.drivers.r_squared
    first = ranked.iloc[0]
    words: dict[str, Quantity | Text | str] = {"name": Text(DRIVER_WORDS[first["driver"]])}
    words |= {"effect": Quantity(first["effect"], "score"), "r": Quantity(grounds.drivers.r_squared, "share")}
    text = Text(
        "Most goes with {name}: {effect} points per standard deviation. Together the troubles explain {r} of the differences.",
        words,
    )
    noise = [Text(DRIVER_WORDS[name]) for name in ranked.loc[~ranked["distinguishable"], "driver"]]
    note = (
        Text("Shares by LMG over n = {n} rated tickets; not distinguishable from noise: {noise}. Associations only.",
             {"n": Quantity(grounds.drivers.n, "count"), "noise": noise[0]})
        if noise
        else Text("Shares by LMG over n = {n} rated tickets; all stand out from noise. Associations only.",
                  {"n": Quantity(grounds.drivers.n, "count")})
    )  # fmt: skip
    return Result(
        "audit_drivers", "interval_dots", title, table, columns=(Column("group", "Trouble", translate=True),),
        finding=Finding("audit.drivers", "info", None, text, evidence=("audit_drivers",)), note=note,
        alt=Text("Dots with intervals: share of each trouble in what is explained of the satisfaction with tickets."),
        x=Axis("Trouble"), y=Axis("Share of what is explained", "share"),
    )  # fmt: skip


def headline(found: Sequence[AuditFinding], locale: Locale, *, most: int = 5) -> list[Finding]:
    """The findings that lead the report, the surest first; one line where there is none."""
    top = [one for one in found if one.level == FINDING][:most]
    if not top:
        return [Finding("audit.findings", "good", True, NOTHING, evidence=("audit_checks",))]
    return [_core(one) for one in top]


def _core(one: AuditFinding) -> Finding:
    severity: Severity = "critical" if one.money_low > 0 else "warning"
    words: dict[str, Quantity | Text | str] = {"title": one.title, "condition": one.condition, "cause": one.cause}
    text = Text("{title}. {condition}. Cause: {cause}.", words) if one.drivers else Text("{title}. {condition}.", words)
    stake = Quantity(one.money, "money", one.money_low, one.money_high) if one.money_low > 0 else None
    return Finding(
        f"audit.{one.id}",
        severity,
        False,
        text,
        one.criteria,
        ("audit_findings", "audit_finding_fields"),
        stake,
        one.recommendation,
    )


def _verdict(check: Check, confidence: float) -> str:
    if not check.off:
        return IN_ORDER
    return OBSERVATION if check.adjusted >= 1 - confidence else FINDING
