"""What moves satisfaction: shares of drivers, effects of a rise, and whether drivers can be told apart."""

from crmkit.models.drivers.diagnostics import Halo, halo
from crmkit.models.drivers.effects import importance_performance, what_if
from crmkit.models.drivers.importance import Importance, importance
from crmkit.models.drivers.moments import Answers, bootstrap, moments, ready
from crmkit.models.drivers.shares import MOST_EXACT, johnson, lmg

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
