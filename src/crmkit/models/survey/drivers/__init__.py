"""What moves satisfaction: shares of drivers, effects of a rise, and whether drivers can be told apart."""

from crmkit.models.survey.drivers.diagnostics import Halo, halo
from crmkit.models.survey.drivers.effects import importance_performance, what_if
from crmkit.models.survey.drivers.importance import Importance, importance
from crmkit.models.survey.drivers.moments import Answers, bootstrap, moments, ready
from crmkit.models.survey.drivers.shares import MOST_EXACT, johnson, lmg

__all__ = [
    "MOST_EXACT",
    "Answers",
    "Halo",
    "Importance",
    "bootstrap",
    "halo",
    "importance",
    "importance_performance",
    "johnson",
    "lmg",
    "moments",
    "ready",
    "what_if",
]
