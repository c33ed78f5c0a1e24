"""What is each customer worth? Purchase histories, models, a hold-out test, expected values, tiers and lists.

The order of use is that of ``notebooks/clv.ipynb``: :func:`history`, :func:`fit_models`, :func:`hold_out`,
:func:`customer_values`, then one function per exhibit.
"""

from crmkit.analyses.clv.fitting import Models, calibration_table, checks, fit_models, fit_table
from crmkit.analyses.clv.headline import headline
from crmkit.analyses.clv.history import History, base, history, second_purchase
from crmkit.analyses.clv.holdout import HoldOut, accuracy, by_frequency, hold_out, tracking, weekly
from crmkit.analyses.clv.tiers import concentration, tiers, top_customers
from crmkit.analyses.clv.value import Values, alive, customer_values, totals

__all__ = [
    "History",
    "HoldOut",
    "Models",
    "Values",
    "accuracy",
    "alive",
    "base",
    "by_frequency",
    "calibration_table",
    "checks",
    "concentration",
    "customer_values",
    "fit_models",
    "fit_table",
    "headline",
    "history",
    "hold_out",
    "second_purchase",
    "tiers",
    "top_customers",
    "totals",
    "tracking",
    "weekly",
]
