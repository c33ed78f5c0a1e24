"""Buy till you die: who is still a customer without a contract, and how often will they buy?

BG/NBD, MBG/NBD and Pareto/NBD by maximum likelihood on the different (frequency, recency, T) histories, and what follows from
them: the probability of being alive, expected purchases, and their present value.
"""

from crmkit.models.btyd.cohort import expected_cumulative
from crmkit.models.btyd.fitting import (
    PARAMETERS,
    TITLES,
    Fit,
    Fitted,
    Known,
    bootstrap_fits,
    fit,
    fit_bgnbd,
    fit_mbgnbd,
    fit_pareto_nbd,
    known,
)
from crmkit.models.btyd.newcomers import expected_purchases_new, probability_purchases
from crmkit.models.btyd.predict import expected_purchases, log_likelihood, probability_active, probability_alive
from crmkit.models.btyd.simulate import simulate
from crmkit.models.btyd.tuples import Tuples, tuples
from crmkit.models.btyd.value import discounted_expected_purchases

__all__ = [
    "PARAMETERS",
    "TITLES",
    "Fit",
    "Fitted",
    "Known",
    "Tuples",
    "bootstrap_fits",
    "discounted_expected_purchases",
    "expected_cumulative",
    "expected_purchases",
    "expected_purchases_new",
    "fit",
    "fit_bgnbd",
    "fit_mbgnbd",
    "fit_pareto_nbd",
    "known",
    "log_likelihood",
    "probability_active",
    "probability_alive",
    "probability_purchases",
    "simulate",
    "tuples",
]
