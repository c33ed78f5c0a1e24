"""What comes out of the rules? Checks corrected for their number, told as findings with cause, effect and recommendation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from crmkit.analyses.audit.findings.causes import Cause, cause_of, exposed_effect, sure_and_negative
from crmkit.analyses.audit.findings.evidence import Grounds
from crmkit.analyses.audit.findings.model import FINDING, NAN, OBSERVATION, AuditFinding, Check, joined
from crmkit.analyses.audit.findings.rules import RULES, Looked, Rule
from crmkit.analyses.audit.findings.themes import Theme, themes
from crmkit.analyses.audit.read import History
from crmkit.core.results import Quantity, Text, Unit
from crmkit.models.basics.families import holm

TITLES = {
    "trend": Text("{name}: getting worse"),
    "gap_data": Text("{name}, compared with the data"),
    "gap_others": Text("{name}, compared with others"),
}
PLAIN = Text("{name}")
Words = dict[str, Quantity | Text | str]
# what misses its target by a share of all customers costs that share of their value; a monthly rate twelve times as much
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
    exposed, (money, low, high) = _at_stake(theme, ordered[0], grounds)
    return AuditFinding(
        id=f"{rule}.{theme.id}",
        rule=rule,
        theme=theme.id,
        level=FINDING if sure else OBSERVATION,
        title=Text(TITLES.get(rule, PLAIN).template, {"name": theme.name(past.language)}),
        checks=tuple(ordered),
        cause=cause.text,
        effect=_effect(theme, grounds, exposed, (money, low, high)),
        recommendation=_recommendation(theme, cause, past.language),
        drivers=cause.names,
        customers=float(affected) if affected else NAN,
        value_exposed=exposed,
        money=money,
        money_low=low,
        money_high=high,
    )


def _by_hand(check: Check) -> Cause:
    """Of what no table shows the cause: where it shows most, as far as that is known."""
    if not check.where:
        return Cause(Text("not established: ask who should have done it"))
    words = {"where": check.where}
    return Cause(Text("it is greatest in {where}", words), (check.where,), Text("{where}", words))


def _at_stake(theme: Theme, lead: Check, grounds: Grounds) -> tuple[float, tuple[float, float, float]]:
    """Value of the customers touched, and what of it is likely lost: value times how much more of them leave."""
    ids = grounds.exposed.get(theme.id)
    if grounds.worth is None:
        return NAN, (NAN, NAN, NAN)
    total = float(grounds.worth.sum())
    if lead.subject in OF_ALL and lead.rule == "indicator":
        part = total * OF_ALL[lead.subject]
        # the interval of the value, turned into that of the shortfall
        ends = sorted(max(0.0, abs(lead.target - one) if (one - lead.target) * (lead.value - lead.target) > 0 else 0.0)
                      for one in (lead.low, lead.high))  # fmt: skip
        return total, (abs(lead.target - lead.value) * part, ends[0] * part, ends[1] * part)
    if not ids:
        return NAN, (NAN, NAN, NAN)
    exposed = float(grounds.worth.reindex(sorted(ids)).fillna(0.0).sum())
    loss = grounds.losses.get(theme.id)
    if loss is None:
        return exposed, (NAN, NAN, NAN)
    return exposed, (max(0.0, loss.value) * exposed, max(0.0, loss.low) * exposed, max(0.0, loss.high) * exposed)


def _effect(theme: Theme, grounds: Grounds, exposed: float, money: tuple[float, float, float]) -> Text:
    ids = grounds.exposed.get(theme.id)
    parts: list[Text] = []
    if ids:
        share = len(ids) / grounds.active if grounds.active else NAN
        parts.append(
            Text("{n} customers are affected, {share} of those active",
                 {"n": Quantity(len(ids), "count"), "share": Quantity(min(1.0, share), "share")})
        )  # fmt: skip
    if not ids and np.isfinite(money[0]) and grounds.basis is not None:
        words: Words = {"value": Quantity(exposed, "money"), "basis": grounds.basis, "money": Quantity(*_money(money))}
        parts.append(Text("all customers together are worth {value} ({basis}); at stake: {money}", words))
    elif np.isfinite(exposed) and grounds.basis is not None:
        parts.append(Text("they are worth {value} ({basis})",
                          {"value": Quantity(exposed, "money"), "basis": grounds.basis}))  # fmt: skip
    loss = grounds.losses.get(theme.id)
    if loss is not None:
        gap = Quantity(loss.value, "share", loss.low, loss.high)
        said: Words = {"hit": Quantity(loss.with_it, "share"), "rest": Quantity(loss.without, "share"), "gap": gap,
                 "money": Quantity(*_money(money))}  # fmt: skip
        parts.append(
            Text("of those affected a cycle earlier {hit} were lost, of the others {rest}; at stake: {money}", said)
            if loss.low > 0
            else Text("more losses than among others are not established ({gap})", said)
        )
    points = exposed_effect(theme, grounds)
    if sure_and_negative(points):
        parts.append(Text("one standard deviation more costs {points} points of satisfaction with a ticket",
                          {"points": Quantity(points, "score")}))  # fmt: skip
    if not parts:
        return Text("not established: the data do not say which customers are affected")
    return joined(parts)


def _money(money: tuple[float, float, float]) -> tuple[float, Unit, float, float]:
    return money[0], "money", money[1], money[2]


def _recommendation(theme: Theme, cause: Cause, language: str) -> Text:
    said = theme.recommend.say(language)
    if cause.short is None and not theme.indicators:
        return Text("{what}", {"what": said})
    if cause.short is None:
        return Text("{what} The cause is not established; look for it first.", {"what": said})
    return Text("{what} Begin with {cause}.", {"what": said, "cause": cause.short})
