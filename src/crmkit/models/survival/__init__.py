"""How long do customers stay, why do they leave, who leaves next, and whom is it worth to keep?

Functions over arrays and small tables, in the unit of time that they are given. Curves, tests and incidence by cause; the Cox
model with its checks, its baseline and the probability of leaving of each customer; evaluation on other data; and the money.
"""

from crmkit.models.survival.baseline import BASELINES, Baseline, baseline_curve, baselines
from crmkit.models.survival.competing import cumulative_incidence, incidence_at
from crmkit.models.survival.cox import ENGINES, TIES, CoxFit, coefficient_table, fit_cox, term_tests
from crmkit.models.survival.curves import INTERVALS, at_risk_table, kaplan_meier, median_survival
from crmkit.models.survival.design import Design, Term, inflation
from crmkit.models.survival.inactivity import InactivityWindow, choose_window, inactivity_windows
from crmkit.models.survival.logrank import LogRank, logrank, logrank_pairs
from crmkit.models.survival.proportional import TRANSFORMS, proportional_hazards
from crmkit.models.survival.restricted import restricted_mean, restricted_mean_differences
from crmkit.models.survival.scoring import churn_probability, contributions, expected_remaining

__all__ = [
    "BASELINES",
    "ENGINES",
    "INTERVALS",
    "TIES",
    "TRANSFORMS",
    "Baseline",
    "CoxFit",
    "Design",
    "InactivityWindow",
    "LogRank",
    "Term",
    "at_risk_table",
    "baseline_curve",
    "baselines",
    "choose_window",
    "churn_probability",
    "coefficient_table",
    "contributions",
    "cumulative_incidence",
    "expected_remaining",
    "fit_cox",
    "inactivity_windows",
    "incidence_at",
    "inflation",
    "kaplan_meier",
    "logrank",
    "logrank_pairs",
    "median_survival",
    "proportional_hazards",
    "restricted_mean",
    "restricted_mean_differences",
    "term_tests",
]
