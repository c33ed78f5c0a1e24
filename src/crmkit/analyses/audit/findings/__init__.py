"""What is wrong, how sure is it, why, what does it cost, and what should be done?"""

from crmkit.analyses.audit.findings.evidence import Grounds, grounds
from crmkit.analyses.audit.findings.finding import find, look
from crmkit.analyses.audit.findings.model import (
    FINDING,
    OBSERVATION,
    AuditFinding,
    Check,
    Measure,
    Stake,
    Theme,
    theme_of,
    themes,
)
from crmkit.analyses.audit.findings.rules import RULES, Looked

__all__ = [
    "FINDING",
    "OBSERVATION",
    "RULES",
    "AuditFinding",
    "Check",
    "Grounds",
    "Looked",
    "Measure",
    "Stake",
    "Theme",
    "find",
    "grounds",
    "look",
    "theme_of",
    "themes",
]
