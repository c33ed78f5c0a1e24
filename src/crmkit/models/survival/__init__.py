"""How long do customers stay, why do they leave, who leaves next, and whom is it worth to keep?

Functions over arrays and small tables, in the unit of time that they are given. Curves, tests and incidence by cause; the Cox
model with its checks, its baseline and the probability of leaving of each customer; evaluation on other data; and the money.
"""

from crmkit.models.survival.curves.competing import cumulative_incidence, incidence_at
from crmkit.models.survival.curves.curves import INTERVALS, at_risk_table, kaplan_meier, kaplan_meier_fitter, median_survival
from crmkit.models.survival.curves.finegray import fine_gray_rows, fit_fine_gray
from crmkit.models.survival.curves.inactivity import InactivityWindow, choose_window, inactivity_windows
from crmkit.models.survival.curves.logrank import LogRank, logrank, logrank_pairs
from crmkit.models.survival.curves.restricted import restricted_mean, restricted_mean_differences
from crmkit.models.survival.data.design import Design, Term, inflation
from crmkit.models.survival.judging.accuracy import brier_score, integrated_brier_score
from crmkit.models.survival.judging.calibration import calibration_summary, calibration_table
from crmkit.models.survival.judging.censoring import CensoringCurve, censoring_curve
from crmkit.models.survival.judging.concordance import Agreement, auc_at, concordance
from crmkit.models.survival.judging.empc import MaximumProfit, expected_maximum_profit, maximum_profit
from crmkit.models.survival.judging.leakage import LEAKAGE_RULES, audit_leakage
from crmkit.models.survival.judging.lift import lift_table, population_stability
from crmkit.models.survival.judging.profit import (
    Campaign,
    break_even_probability,
    compare_rules,
    contact_outlay,
    contact_profit,
    profit_curve,
    tornado,
)
from crmkit.models.survival.judging.remaining import remaining_limits
from crmkit.models.survival.judging.scoring import churn_probability, contributions, expected_remaining
from crmkit.models.survival.judging.uplift import Uplift, control_arm, minimum_detectable, uplift_share, uplift_spend
from crmkit.models.survival.regression.baseline import BASELINES, Baseline, baseline_curve, baselines
from crmkit.models.survival.regression.cox import (
    ENGINES,
    TIES,
    CoxFit,
    coefficient_table,
    fit_cox,
    lifelines_serves,
    term_tests,
)
from crmkit.models.survival.regression.discrete import DiscreteFit, discrete_probability, fit_discrete
from crmkit.models.survival.regression.proportional import TRANSFORMS, proportional_hazards
from crmkit.models.survival.regression.reference import Start, cox_fitter
from crmkit.models.survival.regression.robust import with_robust_errors

__all__ = [
    "BASELINES",
    "ENGINES",
    "INTERVALS",
    "LEAKAGE_RULES",
    "TIES",
    "TRANSFORMS",
    "Agreement",
    "Baseline",
    "Campaign",
    "CensoringCurve",
    "CoxFit",
    "Design",
    "DiscreteFit",
    "InactivityWindow",
    "LogRank",
    "MaximumProfit",
    "Start",
    "Term",
    "Uplift",
    "at_risk_table",
    "auc_at",
    "audit_leakage",
    "baseline_curve",
    "baselines",
    "break_even_probability",
    "brier_score",
    "calibration_summary",
    "calibration_table",
    "censoring_curve",
    "choose_window",
    "churn_probability",
    "coefficient_table",
    "compare_rules",
    "concordance",
    "contact_outlay",
    "contact_profit",
    "contributions",
    "control_arm",
    "cox_fitter",
    "cumulative_incidence",
    "discrete_probability",
    "expected_maximum_profit",
    "expected_remaining",
    "fine_gray_rows",
    "fit_cox",
    "fit_discrete",
    "fit_fine_gray",
    "inactivity_windows",
    "incidence_at",
    "inflation",
    "integrated_brier_score",
    "kaplan_meier",
    "kaplan_meier_fitter",
    "lifelines_serves",
    "lift_table",
    "logrank",
    "logrank_pairs",
    "maximum_profit",
    "median_survival",
    "minimum_detectable",
    "population_stability",
    "profit_curve",
    "proportional_hazards",
    "remaining_limits",
    "restricted_mean",
    "restricted_mean_differences",
    "term_tests",
    "tornado",
    "uplift_share",
    "uplift_spend",
    "with_robust_errors",
]
