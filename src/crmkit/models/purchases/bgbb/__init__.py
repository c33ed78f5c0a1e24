"""Who still gives, renews or attends, when there is one occasion per period? (BG/BB)

At each of n occasions (a year's appeal, a conference, a season) an active customer buys with probability p ~ Beta(alpha, beta);
before each occasion a customer leaves for good with probability theta ~ Beta(gamma, delta). All that matters of a history is
(x, t_x, n): how many occasions were used, which was the last, and how many there were.
"""

from crmkit.models.basics.draws import Known
from crmkit.models.purchases.bgbb.cells import Cells, cells
from crmkit.models.purchases.bgbb.fitting import PARAMETERS, Fit, fit_bgbb, log_likelihood, parameter_draws
from crmkit.models.purchases.bgbb.predict import (
    discounted_expected_purchases,
    draw_purchases,
    expected_purchases,
    expected_purchases_new,
    probability_alive,
    probability_purchases,
    simulate,
)

__all__ = [
    "PARAMETERS",
    "Cells",
    "Fit",
    "Known",
    "cells",
    "discounted_expected_purchases",
    "draw_purchases",
    "expected_purchases",
    "expected_purchases_new",
    "fit_bgbb",
    "log_likelihood",
    "parameter_draws",
    "probability_alive",
    "probability_purchases",
    "simulate",
]
