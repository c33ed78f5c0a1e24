"""How well does the company look after its customers? Indicators, scores, self-assessment, findings, risks and a plan."""

from crmkit.analyses.audit.agreed import Rules
from crmkit.analyses.audit.assess import assess, cycles, monthly
from crmkit.analyses.audit.bridge import bridge, read_bridge
from crmkit.analyses.audit.by_class import indicator_table, tiles, trend_table, trends
from crmkit.analyses.audit.catalogue import Catalogue, Indicator, load_catalogue
from crmkit.analyses.audit.client_changes import Change
from crmkit.analyses.audit.departments import departments
from crmkit.analyses.audit.executive import executive
from crmkit.analyses.audit.findings.cases import cases
from crmkit.analyses.audit.findings.evidence import drivers
from crmkit.analyses.audit.findings.finding import checks_table, finding_fields, findings_overview
from crmkit.analyses.audit.fit import Audit, smart_checks, study
from crmkit.analyses.audit.form import blank_form, calendar, form_items, form_scores, load_form, raters, read_answers
from crmkit.analyses.audit.headline import headline
from crmkit.analyses.audit.objectivity import agreement, gaps, rater_leniency, self_image
from crmkit.analyses.audit.outlook import (
    category_figure,
    category_trends,
    coming,
    market,
    need_trends,
    opportunities,
    outlook_figure,
    outlook_table,
    sales_figure,
    sales_outlook,
    segment_trends,
)
from crmkit.analyses.audit.overview import benchmarks, catalogue_changes, form_changes, missing, overview
from crmkit.analyses.audit.plan import Means, people_table, plan_table, states
from crmkit.analyses.audit.read import History, Window, history
from crmkit.analyses.audit.risks import Appetite, contingencies, register_checks, risk_map, risk_table, warnings
from crmkit.analyses.audit.scorecard import (
    drift,
    gains,
    goal_tree,
    load,
    management,
    maturity,
    model_cards,
    pillars,
    playbook,
    priorities,
    quality,
    scorecard,
    strategy_log,
    strengths,
    trained_agents,
    training,
)
from crmkit.analyses.audit.scoring import class_scores
from crmkit.models.basics.grades import score

__all__ = [
    "Appetite",
    "Audit",
    "Catalogue",
    "Change",
    "History",
    "Indicator",
    "Means",
    "Rules",
    "Window",
    "agreement",
    "assess",
    "benchmarks",
    "blank_form",
    "bridge",
    "calendar",
    "cases",
    "catalogue_changes",
    "category_figure",
    "category_trends",
    "checks_table",
    "class_scores",
    "coming",
    "contingencies",
    "cycles",
    "departments",
    "drift",
    "drivers",
    "executive",
    "finding_fields",
    "findings_overview",
    "form_changes",
    "form_items",
    "form_scores",
    "gains",
    "gaps",
    "goal_tree",
    "headline",
    "history",
    "indicator_table",
    "load",
    "load_catalogue",
    "load_form",
    "management",
    "market",
    "maturity",
    "missing",
    "model_cards",
    "monthly",
    "need_trends",
    "opportunities",
    "outlook_figure",
    "outlook_table",
    "overview",
    "people_table",
    "pillars",
    "plan_table",
    "playbook",
    "priorities",
    "quality",
    "rater_leniency",
    "raters",
    "read_answers",
    "read_bridge",
    "register_checks",
    "risk_map",
    "risk_table",
    "sales_figure",
    "sales_outlook",
    "score",
    "scorecard",
    "segment_trends",
    "self_image",
    "smart_checks",
    "states",
    "strategy_log",
    "strengths",
    "study",
    "tiles",
    "trained_agents",
    "training",
    "trend_table",
    "trends",
    "warnings",
]
