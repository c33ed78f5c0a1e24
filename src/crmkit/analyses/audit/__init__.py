"""How good is the company with its customers? Indicators, scores, self-assessment, findings, risks and a plan."""

from crmkit.analyses.audit.assess import assess, cycles, monthly
from crmkit.analyses.audit.catalogue import Catalogue, Change, Indicator, load_catalogue
from crmkit.analyses.audit.history import History, Rules, Window, history
from crmkit.analyses.audit.scoring import class_scores, score

__all__ = [
    "Catalogue",
    "Change",
    "History",
    "Indicator",
    "Rules",
    "Window",
    "assess",
    "class_scores",
    "cycles",
    "history",
    "load_catalogue",
    "monthly",
    "score",
]
