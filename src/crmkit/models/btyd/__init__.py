"""Buy till you die: who is still a customer without a contract, and how often will they buy?

BG/NBD, MBG/NBD, Pareto/NBD and, for regular buyers, MBG/CNBD-k by maximum likelihood on the different (frequency, recency, T)
histories, and what follows from them: the probability of being alive, expected purchases, their present value, draws of what
single customers may do, and how sure all of it is.
"""

from crmkit.models.btyd.bootstrap import bootstrap_fits, parameter_draws
from crmkit.models.btyd.cohort import expected_cumulative
from crmkit.models.btyd.covariate_draws import covariate_draws, shifted
from crmkit.models.btyd.covariates import (
    Coefficient,
    CovariateFit,
    LikelihoodRatio,
    Patterns,
    fit_covariates,
    likelihood_ratio,
    patterns,
)
from crmkit.models.btyd.fitting import (
    PARAMETERS,
    TITLES,
    Fit,
    Fitted,
    fit,
    fit_bgnbd,
    fit_mbgnbd,
    fit_pareto_nbd,
    known,
)
from crmkit.models.btyd.forecast import SpendPart, forecast_totals
from crmkit.models.btyd.future import draw_purchases
from crmkit.models.btyd.newcomers import expected_purchases_new, probability_purchases
from crmkit.models.btyd.predict import expected_purchases, log_likelihood, probability_active, probability_alive
from crmkit.models.btyd.regularity import fit_mbgcnbd, regularity
from crmkit.models.btyd.simulate import simulate
from crmkit.models.btyd.tuples import Tuples, tuples
from crmkit.models.btyd.value import discounted_expected_purchases
from crmkit.models.draws import Interval, Known, ParameterDraws, interval

__all__ = [
    "PARAMETERS",
    "TITLES",
    "Coefficient",
    "CovariateFit",
    "Fit",
    "Fitted",
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
    "fit_bgnbd",
    "fit_covariates",
    "fit_mbgcnbd",
    "fit_mbgnbd",
    "fit_pareto_nbd",
    "forecast_totals",
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
