"""Which findings lead the report?"""

from __future__ import annotations

from collections.abc import Sequence

from crmkit.analyses.audit.findings.finding import NOTHING
from crmkit.analyses.audit.findings.model import FINDING, AuditFinding
from crmkit.core.language import Locale
from crmkit.core.results import Finding, Quantity, Severity, Text


def headline(found: Sequence[AuditFinding], locale: Locale, *, most: int = 5) -> list[Finding]:
    """The findings that lead the report, the surest first; one line where there is none."""
    top = [one for one in found if one.level == FINDING][:most]
    if not top:
        return [Finding("audit.findings", "good", True, NOTHING, evidence=("audit_checks",))]
    return [_core(one) for one in top]


def _core(one: AuditFinding) -> Finding:
    severity: Severity = "critical" if one.stake.low > 0 else "warning"
    words: dict[str, Quantity | Text | str] = {"title": one.title, "condition": one.condition, "cause": one.cause}
    text = Text("{title}. {condition}. Cause: {cause}.", words) if one.drivers else Text("{title}. {condition}.", words)
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
