"""What may go wrong? The risk register: likelihood, impact, grade, response, owner, early warning, contingency, review."""

from crmkit.analyses.audit.risks.exhibits import contingencies, register_checks, risk_map, risk_table, warnings
from crmkit.analyses.audit.risks.register import Appetite, Risk, likelihood, register
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
