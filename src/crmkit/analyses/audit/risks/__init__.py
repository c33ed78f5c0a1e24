"""What may go wrong? The risk register: likelihood, impact, grade, response, owner, early warning, contingency, review."""

from crmkit.analyses.audit.risks.grading import Appetite, Risk, likelihood
from crmkit.analyses.audit.risks.register import contingencies, register, register_checks, risk_map, risk_table, warnings
from crmkit.analyses.audit.risks.warning import Warned, warned

__all__ = [
    "Appetite",
    "Risk",
    "Warned",
    "contingencies",
    "likelihood",
    "register",
    "register_checks",
    "risk_map",
    "risk_table",
    "warned",
    "warnings",
]
