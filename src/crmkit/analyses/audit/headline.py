"""Which findings lead the report?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from crmkit.analyses.audit.findings.finding import overall
from crmkit.analyses.audit.findings.model import FINDING, AuditFinding
from crmkit.core.language import Locale
from crmkit.core.results import Finding, Quantity, Severity, Text, Unit


def headline(found: Sequence[AuditFinding], locale: Locale, *, most: int = 5) -> list[Finding]:
    """The findings that lead the report, the surest first; one line where there is none."""
    top = [one for one in found if one.level == FINDING][:most]
    if not top:
        return [overall(found)]
    return [_core(one) for one in top]


def _core(one: AuditFinding) -> Finding:
    severity: Severity = "info" if one.lead.placeholder else "critical" if one.stake.low > 0 else "warning"
    lead, words = one.lead, dict[str, Quantity | Text | str](title=one.title, condition=one.condition)
    text, rule = Text("{title}. {condition}.", words), one.criteria
    if lead.told is not None and np.isfinite(lead.measure.target):
        # cause, cases and period stand in the fields of the finding
        target = Quantity(lead.measure.target, cast(Unit, lead.measure.unit))
        words = {"title": one.title, "told": lead.told, "target": target}
        low, high = (Quantity(end, cast(Unit, lead.measure.unit)) for end in (lead.measure.low, lead.measure.high))
        measured: dict[str, Quantity | Text | str] = {"rule": rule, "target": target, "low": low, "high": high}
        text = Text("{title}. {told}; your target is {target}.", words)
        rule = Text("{rule}. Measured: {low} to {high}.", measured)
        if lead.placeholder:
            text = Text("{title}. {told}.", words)
            rule = Text("{target} is the kit's placeholder, not your target. Measured: {low} to {high}.", measured)
    stake = Quantity(one.stake.money, "money", one.stake.low, one.stake.high) if one.stake.low > 0 else None
    return Finding(
        f"audit.{one.id}",
        severity,
        False,
        text,
        rule,
        ("audit_findings", "audit_finding_fields"),
        stake,
        one.advice,
    )
