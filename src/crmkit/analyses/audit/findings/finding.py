"""What comes out of the rules? Checks corrected for their number, told as findings with cause, effect and recommendation."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from crmkit.analyses.audit.findings.causes import Cause, cause_of, exposed_effect, sure_and_negative
from crmkit.analyses.audit.findings.evidence import Grounds
from crmkit.analyses.audit.findings.model import FINDING, NAN, OBSERVATION, AuditFinding, Check, Stake, Theme, joined, themes
from crmkit.analyses.audit.findings.rules import RULES, Looked, Rule
from crmkit.analyses.audit.read import History
from crmkit.core.format import p_words
from crmkit.core.language import Locale, mark, say
from crmkit.core.results import Column, Finding, Quantity, Result, Text
from crmkit.models.basics.families import holm

NOTHING = Text("Nothing that was looked at misses its criterion.")
TITLES = {
    "trend": Text("{name}: getting worse"),
    "gap_data": Text("{name}, compared with the data"),
    "gap_others": Text("{name}, compared with others"),
}
PLAIN = Text("{name}")
# how many of the checks of a finding its recommendation names
NAMED = 2
REMEDIES = {
    "trend": Text("Find out what changed when it began to get worse, and stop it there."),
    "gap_others": Text("Let all groups rate the same standards together, and settle each difference by evidence."),
}
Words = dict[str, Quantity | Text | str]
# what misses its target by a share of all customers costs that share of their value; a monthly rate twelve times as much
LEAVING = frozenset({"R-RET", "R-CHURN"})
OF_ALL = {"R-RET": 1.0, "R-RENEW": 1.0, "R-SALESG": 1.0, "R-CHURN": 12.0}


def look(looked: Looked, *, rules: Mapping[str, Rule] = RULES) -> list[Check]:
    """Everything that the rules looked at, with p-values corrected for all of it (Holm)."""
    checks = [check for rule in rules.values() for check in rule(looked)]
    adjusted = holm([check.p_value for check in checks])
    return [replace(check, adjusted=float(one)) for check, one in zip(checks, adjusted, strict=True)]


def find(checks: Sequence[Check], past: History, grounds: Grounds, *, confidence: float = 0.95) -> list[AuditFinding]:
    """What is to be reported?

    Parameters
    ----------
    checks : sequence of Check
        From :func:`look`.
    past : History
    grounds : Grounds
    confidence : float
        A check is sure where its corrected p-value is below the rest.

    Returns
    -------
    list of AuditFinding
        Findings first, then observations; within a level the surest first. One per rule and theme: indicators that show the
        same trouble are told together.
    """
    groups: dict[tuple[str, str], list[Check]] = {}
    for check in checks:
        if check.off:
            groups.setdefault((check.rule, check.theme), []).append(check)
    found = [_told(themes()[theme], rule, own, past, grounds, confidence) for (rule, theme), own in groups.items()]
    return sorted(found, key=lambda one: (one.level != FINDING, _surety(one.lead)))


def _surety(check: Check) -> float:
    """What comes first: what is no matter of chance, then the smallest p-value."""
    return -1.0 if np.isnan(check.p_value) else check.p_value


def _told(theme: Theme, rule: str, checks: list[Check], past: History, grounds: Grounds, confidence: float) -> AuditFinding:
    place = {name: number for number, name in enumerate(theme.indicators)}
    sure = [check for check in checks if not check.adjusted >= 1 - confidence]
    # among sure ones the leading indicator of the theme speaks for all
    ordered = sorted(checks, key=lambda check: (check not in sure, place.get(check.subject, 99), _surety(check)))
    cause = _by_hand(ordered[0]) if not theme.indicators else cause_of(theme, past, grounds, confidence=confidence)
    affected = len(grounds.exposed.get(theme.id, ()))
    stake = replace(_at_stake(theme, ordered[0], grounds), customers=float(affected) if affected else NAN)
    return AuditFinding(
        id=f"{rule}.{theme.id}",
        rule=rule,
        theme=theme.id,
        level=FINDING if sure else OBSERVATION,
        title=Text(TITLES.get(rule, PLAIN).template, {"name": theme.name(past.language, ordered[0].subject)}),
        checks=tuple(ordered),
        cause=cause.text,
        effect=_effect(theme, grounds, stake, silence=past.who.active_days if past.who is not None else 0),
        recommendation=_recommendation(theme, ordered[: min(NAMED, max(1, len(sure)))], cause, past.language),
        drivers=cause.names,
        stake=stake,
    )


def _by_hand(check: Check) -> Cause:
    """Of what no table shows the cause: where it shows most, as far as that is known."""
    if not check.where:
        return Cause(Text("not established: ask who should have done it"))
    words = {"where": check.where}
    return Cause(Text("it is greatest in {where}", words), (check.where,), Text("{where}", words))


def _at_stake(theme: Theme, lead: Check, grounds: Grounds) -> Stake:
    """Value of the customers touched, and what of it is likely lost: value times how much more of them leave."""
    ids = grounds.exposed.get(theme.id)
    if grounds.worth is None:
        return Stake()
    total = float(grounds.worth.sum())
    if lead.subject in LEAVING and grounds.at_risk is not None:
        # measured, whatever the target is: what those would bring who are expected to leave
        return Stake(NAN, total, *(float(one or 0.0) for one in grounds.at_risk))
    if lead.subject in OF_ALL and lead.rule == "indicator" and not lead.placeholder:
        part, met = total * OF_ALL[lead.subject], lead.measure
        # the interval of the value, turned into that of the shortfall
        ends = sorted(
            max(0.0, abs(met.target - one) if (one - met.target) * (met.value - met.target) > 0 else 0.0)
            for one in (met.low, met.high)
        )
        return Stake(value=total, money=abs(met.target - met.value) * part, low=ends[0] * part, high=ends[1] * part)
    if not ids:
        return Stake()
    exposed = float(grounds.worth.reindex(sorted(ids)).fillna(0.0).sum())
    loss = grounds.losses.get(theme.id)
    if loss is None:
        return Stake(value=exposed)
    lost = (max(0.0, one) * exposed for one in (loss.value, loss.low, loss.high))
    return Stake(NAN, exposed, *lost)


def _effect(theme: Theme, grounds: Grounds, stake: Stake, *, silence: int) -> Text:
    money = Quantity(stake.money, "money", stake.low, stake.high)
    ids = grounds.exposed.get(theme.id)
    parts: list[Text] = []
    if ids:
        share = len(ids) / grounds.active if grounds.active else NAN
        parts.append(
            Text(
                "{n} {n:customer is|customers are} affected, {share} of those active",
                {"n": Quantity(len(ids), "count"), "share": Quantity(min(1.0, share), "share")},
            )
        )
    if not ids and np.isfinite(stake.money) and grounds.basis is not None:
        words: Words = {"value": Quantity(stake.value, "money"), "basis": grounds.basis, "money": money}
        parts.append(Text("all customers together are worth {value} ({basis}); at stake: {money}", words))
    elif np.isfinite(stake.value) and grounds.basis is not None:
        worth = Quantity(stake.value, "money")
        parts.append(Text("they are worth {value} ({basis})", {"value": worth, "basis": grounds.basis}))
    loss = grounds.losses.get(theme.id)
    if loss is not None:
        gap = Quantity(loss.value, "share", loss.low, loss.high)
        said: Words = {
            "hit": Quantity(loss.with_it, "share"),
            "rest": Quantity(loss.without, "share"),
            "gap": gap,
            "money": money,
        }
        more = Text("of those affected a cycle earlier {hit} were lost, of the others {rest}; at stake: {money}", said)
        if silence:  # nobody gives notice to a shop, and some of the silent come back
            more = Text(
                "of those affected a cycle earlier {hit} have bought nothing for {silence}, of the others {rest}; at stake: "
                "{money}",
                {**said, "silence": Quantity(silence, "days")},
            )
        parts.append(more if loss.low > 0 else Text("more losses than among others are not established ({gap})", said))
    points = exposed_effect(theme, grounds)
    if sure_and_negative(points):
        parts.append(
            Text(
                "one standard deviation more costs {points} points of satisfaction with a ticket",
                {"points": Quantity(points, "score")},
            )
        )
    if not parts:
        return Text("not established: the data do not say which customers are affected")
    return joined(parts)


def _recommendation(theme: Theme, checks: list[Check], cause: Cause, language: str) -> Text:
    """What to do, where to begin as far as a cause is established, and on what it rests."""
    lead = checks[0]
    words: Words = {"found": joined([check.named for check in checks])}
    words["what"] = REMEDIES.get(lead.rule) or theme.remedy(language, lead.subject)
    if cause.short is None:
        return Text("{what} Found: {found}.", words)
    return Text("{what} Begin with {cause}. Found: {found}.", words | {"cause": cause.short})


FIELDS = (mark("Criteria"), mark("Condition"), mark("Cause"), mark("Effect"), mark("Recommendation"))
RULE_WORDS = {
    "indicator": mark("indicator"),
    "trend": mark("trend"),
    "gap_data": mark("form and data"),
    "gap_others": mark("form and others"),
    "coverage_roles": mark("raters"),
    "coverage_tables": mark("voices"),
    "control_actions": mark("control of actions"),
    "control_risks": mark("control of risks"),
}
IN_ORDER = mark("in order")


def overall(found: Sequence[AuditFinding]) -> Finding:
    """How much misses its criterion, for sure and as far as the estimate goes?"""
    sure = sum(one.level == FINDING for one in found)
    numbers = {"sure": Quantity(sure, "count"), "rest": Quantity(len(found) - sure, "count")}
    if sure and sure == len(found):
        text = Text("The audit has {sure} {sure:finding|findings}.", numbers)
    elif sure:
        text = Text("The audit has {sure} {sure:finding|findings} and {rest} {rest:observation|observations}.", numbers)
    elif found:
        text = Text(
            "Nothing misses its criterion for sure; {rest} {rest:observation asks|observations ask} for a look.", numbers
        )
    else:
        text = NOTHING
    return Finding("audit.findings", "warning" if sure else "good", sure == 0, text, evidence=("audit_findings",))


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
        {
            "number": place,
            "level": one.level,
            "title": say(one.title, locale),
            "condition": say(one.condition, locale),
            "customers": one.stake.customers,
            "exposed": one.stake.value,
            "money": one.stake.money,
            "money_low": one.stake.low,
            "money_high": one.stake.high,
            "p_value": one.lead.adjusted,
            "stake": one.stake.money if one.stake.low > 0 else NAN,
            "p_text": p_words(one.lead.adjusted),
            "id": one.id,
            "indicator": one.lead.subject,
            "value": one.lead.measure.value,
            "low": one.lead.measure.low,
            "high": one.lead.measure.high,
            "target": one.lead.measure.target,
            "unit": one.lead.measure.unit,
            "numbers": json.dumps(quantities(one.condition)),
        }
        for place, one in enumerate(found, start=1)
    ]
    names = [
        "number",
        "level",
        "title",
        "condition",
        "customers",
        "exposed",
        "money",
        "money_low",
        "money_high",
        "p_value",
        "stake",
        "p_text",
        "id",
        "indicator",
        "value",
        "low",
        "high",
        "target",
        "unit",
        "numbers",
    ]
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
    finding = overall(found)
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
            rows.append(
                {
                    "no": str(place) if first else "",
                    "title": say(one.title, locale) if first else "",
                    "field": field,
                    "words": say(text, locale),
                    "id": one.id,
                    "numbers": json.dumps(quantities(text)),
                }
            )
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
        {
            "rule": RULE_WORDS[one.rule],
            "subject": one.subject,
            "value": one.measure.value,
            "low": one.measure.low,
            "high": one.measure.high,
            "unit": one.measure.unit,
            "target": one.measure.target,
            "criteria": say(one.criteria, locale),
            "n": one.measure.n,
            "p_value": one.p_value,
            "adjusted": one.adjusted,
            "p_text": p_words(one.adjusted),
            "verdict": _verdict(one, confidence),
        }
        for one in checks
    ]
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
    note = Text(
        "p: one-sided, for being worse than the criterion; Holm's correction over all {n} checks with a p-value.",
        {"n": Quantity(sum(one.p_value == one.p_value for one in checks), "count")},
    )
    table = pd.DataFrame(rows, columns=names)
    table.attrs["alike"] = False
    return Result("audit_checks", "table", Text("What was looked at"), table, columns=columns, note=note)


def _verdict(check: Check, confidence: float) -> str:
    if not check.off:
        return IN_ORDER
    return OBSERVATION if check.adjusted >= 1 - confidence else FINDING
