"""Who does not come back, where nobody gives notice? Survival of the gap from a purchase to the customer's next one.

The gaps come from :mod:`crmkit.data.summaries.gaps`. In order: what they can carry (``gap_support``, ``closures``), curves by
purchase number and group (``gap_curves``, ``gap_medians``; one gap per customer by ``gaps_on_day``), the silence after which a
customer counts as lost (``choose_horizon``), what makes gaps long (``fit_gap_times``, ``fit_calendar``), who will not buy
within a horizon (``no_purchase_probability``).
"""

from crmkit.models.survival.gaps.counting import (
    GapSupport,
    choose_strata,
    closures,
    gap_support,
    gaps_on_day,
    open_days,
    stratum_of_number,
)
from crmkit.models.survival.gaps.covariates import gap_covariates
from crmkit.models.survival.gaps.curves import gap_curves, gap_medians
from crmkit.models.survival.gaps.horizon import Horizon, choose_horizon, horizon_table
from crmkit.models.survival.gaps.outlook import no_purchase_probability
from crmkit.models.survival.gaps.recurrent import RecurrentFit, customer_errors, fit_calendar, fit_gap_times
from crmkit.models.survival.gaps.rhythm import own_rhythm, rhythm_prior

__all__ = [
    "GapSupport",
    "Horizon",
    "RecurrentFit",
    "choose_horizon",
    "choose_strata",
    "closures",
    "customer_errors",
    "fit_calendar",
    "fit_gap_times",
    "gap_covariates",
    "gap_curves",
    "gap_medians",
    "gap_support",
    "gaps_on_day",
    "horizon_table",
    "no_purchase_probability",
    "open_days",
    "own_rhythm",
    "rhythm_prior",
    "stratum_of_number",
]
