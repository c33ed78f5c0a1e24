"""Buy till you die: who is still a customer without a contract, and how often will they buy?

BG/NBD, MBG/NBD, Pareto/NBD and, for regular buyers, MBG/CNBD-k by maximum likelihood on the different (frequency, recency, T)
histories, and what follows from them: the probability of being alive, expected purchases, their present value, draws of what
single customers may do, and how sure all of it is.
"""

from crmkit.models.basics.draws import Interval, Known, ParameterDraws, interval
from crmkit.models.purchases.btyd.bootstrap import bootstrap_fits, parameter_draws
from crmkit.models.purchases.btyd.cohort import expected_cumulative
from crmkit.models.purchases.btyd.covariate_draws import covariate_draws, shifted
from crmkit.models.purchases.btyd.covariates import (
    Coefficient,
    CovariateFit,
    LikelihoodRatio,
    Patterns,
    fit_covariates,
    likelihood_ratio,
    patterns,
)
from crmkit.models.purchases.btyd.fitting import Fit, fit, fit_bgnbd, fit_mbgnbd, fit_pareto_nbd, known
from crmkit.models.purchases.btyd.forecast import SpendPart, forecast_totals
from crmkit.models.purchases.btyd.future import draw_purchases
from crmkit.models.purchases.btyd.histories import Histories, histories
from crmkit.models.purchases.btyd.limits import fit_alike, fit_nbd
from crmkit.models.purchases.btyd.model import PARAMETERS, TITLES, Fitted
from crmkit.models.purchases.btyd.newcomers import expected_purchases_new, probability_purchases
from crmkit.models.purchases.btyd.predict import expected_purchases, log_likelihood, probability_active, probability_alive
from crmkit.models.purchases.btyd.regularity import fit_mbgcnbd, regularity
from crmkit.models.purchases.btyd.simulate import simulate
from crmkit.models.purchases.btyd.tuples import Tuples, tuples
from crmkit.models.purchases.btyd.value import discounted_expected_purchases

__all__ = [
    "PARAMETERS",
    "TITLES",
    "Coefficient",
    "CovariateFit",
    "Fit",
    "Fitted",
    "Histories",
    "Interval",
    "Known",
    "LikelihoodRatio",
    "ParameterDraws",
    "Patterns",
    "SpendPart",
    "Tuples",
    "bootstrap_fits",
    "covariate_draws",
    "discounted_expected_purchases",
    "draw_purchases",
    "expected_cumulative",
    "expected_purchases",
    "expected_purchases_new",
    "fit",
    "fit_alike",
    "fit_bgnbd",
    "fit_covariates",
    "fit_mbgcnbd",
    "fit_mbgnbd",
    "fit_nbd",
    "fit_pareto_nbd",
    "forecast_totals",
    "histories",
    "interval",
    "known",
    "likelihood_ratio",
    "log_likelihood",
    "parameter_draws",
    "patterns",
    "probability_active",
    "probability_alive",
    "probability_purchases",
    "regularity",
    "shifted",
    "simulate",
    "tuples",
]
