"""What is each customer worth? Purchase histories, models, a hold-out test, expected values, tiers and lists.

The order of use is that of ``notebooks/clv.ipynb``: :func:`read`, :func:`fit_models`, :func:`hold_out`,
:func:`customer_values`, then one function per exhibit.
"""

from crmkit.analyses.clv.checks import checks
from crmkit.analyses.clv.choice import calibration_table, fit_table, model_choice
from crmkit.analyses.clv.contribution import contribution, net_retention
from crmkit.analyses.clv.costs import acquisition, cost_months, costs
from crmkit.analyses.clv.covariates import effects
from crmkit.analyses.clv.cross_sell import cross_sell
from crmkit.analyses.clv.customers import base, second_purchase
from crmkit.analyses.clv.fit import Models, fit_models
from crmkit.analyses.clv.headline import headline
from crmkit.analyses.clv.holdout import HoldOut, accuracy, by_frequency, hold_out, tracking, weekly
from crmkit.analyses.clv.lists import grow, protect, scores, wake
from crmkit.analyses.clv.origins import past_forecasts
from crmkit.analyses.clv.purchase_value import customer_values
from crmkit.analyses.clv.read import Purchases, read
from crmkit.analyses.clv.retention import retention
from crmkit.analyses.clv.rfm import migration, migration_matrix, rfm_grid, rfm_rules, rfm_segments
from crmkit.analyses.clv.segments import segments
from crmkit.analyses.clv.served import service_by, service_quality
from crmkit.analyses.clv.service import service
from crmkit.analyses.clv.stages import StageRules, stage_table, stages
from crmkit.analyses.clv.tiers import concentration, tiers, top_customers
from crmkit.analyses.clv.totals import alive, intervals, past_ranges, totals
from crmkit.analyses.clv.values import Origins, Terms, Tiering, Values
from crmkit.analyses.clv.what_if import what_if
from crmkit.data.summaries.waiting import waiting

__all__ = [
    "HoldOut",
    "Models",
    "Origins",
    "Purchases",
    "StageRules",
    "Terms",
    "Tiering",
    "Values",
    "accuracy",
    "acquisition",
    "alive",
    "base",
    "by_frequency",
    "calibration_table",
    "checks",
    "concentration",
    "contribution",
    "cost_months",
    "costs",
    "cross_sell",
    "customer_values",
    "effects",
    "fit_models",
    "fit_table",
    "grow",
    "headline",
    "hold_out",
    "intervals",
    "migration",
    "migration_matrix",
    "model_choice",
    "net_retention",
    "past_forecasts",
    "past_ranges",
    "protect",
    "read",
    "retention",
    "rfm_grid",
    "rfm_rules",
    "rfm_segments",
    "scores",
    "second_purchase",
    "segments",
    "service",
    "service_by",
    "service_quality",
    "stage_table",
    "stages",
    "tiers",
    "top_customers",
    "totals",
    "tracking",
    "waiting",
    "wake",
    "weekly",
    "what_if",
]
