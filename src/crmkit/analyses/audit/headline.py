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
    said = one.lead.condition.numbers
    words: dict[str, Quantity | Text | str] = {"title": one.title, "condition": one.condition}
    text = Text("{title}. {condition}.", words)
    if "value" in said and np.isfinite(one.lead.measure.target):
        # cause, cases and period stand in the fields of the finding
        target = Quantity(one.lead.measure.target, cast(Unit, one.lead.measure.unit))
        words = {"title": one.title, "name": said["name"], "value": said["value"], "target": target}
        text = (
            Text("{title}. {name}: {value}; {target} is the kit's placeholder, not your target.", words)
            if one.lead.placeholder
            else Text("{title}. {name}: {value}; your target is {target}.", words)
        )
    stake = Quantity(one.stake.money, "money", one.stake.low, one.stake.high) if one.stake.low > 0 else None
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
