"""Who leaves, why, who is next, and whom is it worth to keep?

The order of use is that of ``notebooks/churn.ipynb``: :func:`history`, :func:`study`, :func:`worth`, :func:`make_plan`,
then one function per exhibit.
"""

from crmkit.analyses.churn.alarms import board
from crmkit.analyses.churn.backtest import study
from crmkit.analyses.churn.basics import window
from crmkit.analyses.churn.both import beside
from crmkit.analyses.churn.calendar import cohorts, monthly
from crmkit.analyses.churn.campaigns import assignment, uplift
from crmkit.analyses.churn.causes import causes, reasons
from crmkit.analyses.churn.curves import at_risk, group_tests, restricted, survival
from crmkit.analyses.churn.economics import Plan, make_plan, profit_curve, rules, taken, tornado
from crmkit.analyses.churn.effects import effects, proportionality
from crmkit.analyses.churn.evaluation import accuracy, backtest, calibration
from crmkit.analyses.churn.fit import Backtest
from crmkit.analyses.churn.headline import headline
from crmkit.analyses.churn.inputs import columns
from crmkit.analyses.churn.lifelines import lifelines_curves, lifelines_model, lifelines_summary
from crmkit.analyses.churn.read import Definition, Past, define, history
from crmkit.analyses.churn.warning import early_warning
from crmkit.analyses.churn.worth import Worth, totals, worth
from crmkit.models.survival import Campaign

__all__ = [
    "Backtest",
    "Campaign",
    "Definition",
    "Past",
    "Plan",
    "Worth",
    "accuracy",
    "assignment",
    "at_risk",
    "backtest",
    "beside",
    "board",
    "calibration",
    "causes",
    "cohorts",
    "columns",
    "define",
    "early_warning",
    "effects",
    "group_tests",
    "headline",
    "history",
    "lifelines_curves",
    "lifelines_model",
    "lifelines_summary",
    "make_plan",
    "monthly",
    "profit_curve",
    "proportionality",
    "reasons",
    "restricted",
    "rules",
    "study",
    "survival",
    "taken",
    "tornado",
    "totals",
    "uplift",
    "window",
    "worth",
]
