"""How does the company stand at a glance, do its goals hang together, who carries what, and what is done with whom?"""

from crmkit.analyses.audit.scorecard.goals import goal_tree
from crmkit.analyses.audit.scorecard.load import load, priorities
from crmkit.analyses.audit.scorecard.management import management
from crmkit.analyses.audit.scorecard.maturity import maturity
from crmkit.analyses.audit.scorecard.models import model_cards
from crmkit.analyses.audit.scorecard.parts import quality, scorecard
from crmkit.analyses.audit.scorecard.pillars import pillars
from crmkit.analyses.audit.scorecard.playbook import playbook
from crmkit.analyses.audit.scorecard.strategy import drift, strategy_log
from crmkit.analyses.audit.scorecard.strengths import strengths
from crmkit.analyses.audit.scorecard.training import gains, trained_agents, training

__all__ = [
    "drift",
    "gains",
    "goal_tree",
    "load",
    "management",
    "maturity",
    "model_cards",
    "pillars",
    "playbook",
    "priorities",
    "quality",
    "scorecard",
    "strategy_log",
    "strengths",
    "trained_agents",
    "training",
]
