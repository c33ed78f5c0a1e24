"""Which BG/BB explains the histories best, and how sure are its parameters?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln, digamma

from crmkit.core.errors import ModelError
from crmkit.models.basics.draws import ParameterDraws
from crmkit.models.basics.edges import chance_edges, highest, occasion_edges, require_inside
from crmkit.models.basics.optimise import Objective, log_covariance
from crmkit.models.purchases.bgbb.cells import TITLE, Cells, read
from crmkit.models.purchases.btyd.bootstrap import refit_from, resampled
from crmkit.models.purchases.btyd.fitting import FEWEST_CUSTOMERS
from crmkit.models.purchases.btyd.model import Fitted
from crmkit.models.purchases.btyd.tuples import dot

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PARAMETERS = ("alpha", "beta", "gamma", "delta")
MOST_BRANCHES = 20_000_000


@dataclass(frozen=True, eq=False)
class Fit:
    """BG/BB with the parameters of highest likelihood.

    Parameters
    ----------
    params, standard_errors : mapping of str to float
        alpha, beta (of buying), gamma, delta (of leaving); errors by the delta method from the logarithms.
    covariance : array, shape (4, 4)
        Of the logarithms of the parameters.
    log_likelihood : float
        At the maximum, natural logarithm, all customers.
    n, n_tuples : int
        Customers, and different histories.
    gradient_norm : float
        Largest derivative of the mean log-likelihood with respect to a log-parameter.
    """

    params: Mapping[str, float]
    standard_errors: Mapping[str, float]
    covariance: Floats
    log_likelihood: float
    n: int
    n_tuples: int
    gradient_norm: float
    model: str = "bgbb"
    names: tuple[str, ...] = PARAMETERS
    fixed: Mapping[str, float] = field(default_factory=dict)

    @property
    def aic(self) -> float:
        """Akaike's information criterion: -2 log L + 2 * 4."""
        return 8 - 2 * self.log_likelihood


def fit_bgbb(histories: Cells) -> Fit:
    """Which BG/BB explains the histories best?

    Parameters
    ----------
    histories : Cells
        From :func:`cells`; at least 20 customers, one of them with a purchase.

    Returns
    -------
    Fit
        Parameters with standard errors.

    Raises
    ------
    ModelError
        Too few customers, no purchase, too many occasions, or no maximum.

    References
    ----------
    Fader, Hardie, Shang (2010), Marketing Science 29(6), https://doi.org/10.1287/mksc.1100.0580.

    Examples
    --------
    >>> from crmkit.models.purchases.bgbb import Known, cells, simulate
    >>> truth = Known("bgbb", {"alpha": 1.2, "beta": 0.75, "gamma": 0.66, "delta": 2.8})
    >>> x, tx = simulate(truth, np.full(20_000, 6), np.random.default_rng(0))
    >>> found = fit_bgbb(cells(x, tx, 6))
    >>> all(abs(found.params[k] - truth.params[k]) < 3 * found.standard_errors[k] for k in PARAMETERS)
    True
    """
    if histories.customers < FEWEST_CUSTOMERS or not histories.frequency.any():
        raise ModelError(
            f"{TITLE} cannot be fitted: there are {histories.customers} customers, at least {FEWEST_CUSTOMERS} are needed, and "
            "one of them has to have bought at one of the occasions."
        )
    objective = _objective(histories)
    optimum = highest(objective, np.zeros(4), histories.customers)
    edges = [*chance_edges(4, 2, 3), *occasion_edges(4, 0, 1)]
    require_inside(objective, optimum, histories.customers, PARAMETERS, edges, TITLE)
    params = np.exp(optimum.theta)
    covariance = log_covariance(optimum, histories.customers)
    errors = params * np.sqrt(np.diag(covariance))
    return Fit(
        params=MappingProxyType(dict(zip(PARAMETERS, params.tolist(), strict=True))),
        standard_errors=MappingProxyType(dict(zip(PARAMETERS, errors.tolist(), strict=True))),
        covariance=covariance,
        log_likelihood=-optimum.value * histories.customers,
        n=histories.customers,
        n_tuples=len(histories.n),
        gradient_norm=optimum.gradient_norm,
    )


def parameter_draws(histories: Cells, fitted: Fit, *, draws: int = 200, seed: int = 0) -> ParameterDraws:
    """Which other parameters could have come out? Refits to samples of the customers with replacement.

    Parameters
    ----------
    histories : Cells
        The customers of the fit.
    fitted : Fit
        From :func:`fit_bgbb`.
    draws, seed : int
        How many, and what makes them repeatable.

    Returns
    -------
    ParameterDraws
        For :func:`crmkit.models.basics.draws.interval`.
    """
    start = np.log([fitted.params[name] for name in PARAMETERS])

    def refit(counts: Ints) -> Floats:
        hit = counts > 0
        sample = Cells(histories.frequency[hit], histories.recency[hit], histories.occasions[hit], counts[hit])
        return np.exp(refit_from(_objective(sample), start, fitted.covariance, fitted.n))

    return resampled(fitted, histories.n, refit, draws=draws, seed=seed)


def log_likelihood(fit: Fitted, frequency: ArrayLike, recency: ArrayLike, occasions: ArrayLike) -> Floats:
    """How probable is each history, as a natural logarithm?"""
    params, (x, tx, n) = values(fit), read(frequency, recency, occasions)
    return log_likelihood_of(params, x, tx, n)


def log_likelihood_of(params: Floats, x: Floats, tx: Floats, n: Floats) -> Floats:
    """The log-likelihood of checked histories: a sum over the occasions after which the customer may have left."""
    shape, flat = x.shape, [column.ravel() for column in (x, tx, n)]
    if not flat[0].size:
        return np.zeros(shape)
    alpha, beta, gamma, delta = params
    which, lived, stays = _branches(*flat)
    count = flat[0][which]
    terms = betaln(alpha + count, beta + lived - count) - betaln(alpha, beta)
    terms = terms + np.where(stays, betaln(gamma, delta + lived), betaln(gamma + 1, delta + lived)) - betaln(gamma, delta)
    starts = np.flatnonzero(np.diff(which, prepend=-1))
    return np.asarray(np.logaddexp.reduceat(terms, starts).reshape(shape))


def _objective(histories: Cells) -> Objective:
    which, lived, stays = _branches(histories.frequency, histories.recency, histories.occasions)
    count, starts = histories.frequency[which], np.flatnonzero(np.diff(which, prepend=-1))
    w = histories.n.astype(np.float64)
    customers, left = w.sum(), np.where(stays, 0.0, 1.0)

    def at(theta: Floats) -> tuple[float, Floats]:
        alpha, beta, gamma, delta = np.exp(theta)
        terms = betaln(alpha + count, beta + lived - count) - betaln(alpha, beta)
        terms = terms + betaln(gamma + left, delta + lived) - betaln(gamma, delta)
        whole = np.logaddexp.reduceat(terms, starts)
        part = w[which] * np.exp(terms - whole[which])
        lived_in = digamma(alpha + beta + lived) - digamma(alpha + beta)
        gone_by = digamma(gamma + delta + left + lived) - digamma(gamma + delta)
        d_alpha = dot(part, digamma(alpha + count) - digamma(alpha) - lived_in)
        d_beta = dot(part, digamma(beta + lived - count) - digamma(beta) - lived_in)
        d_gamma = dot(part, digamma(gamma + left) - digamma(gamma) - gone_by)
        d_delta = dot(part, digamma(delta + lived) - digamma(delta) - gone_by)
        gradient = np.array([d_alpha * alpha, d_beta * beta, d_gamma * gamma, d_delta * delta])
        return -dot(w, whole) / customers, -gradient / customers

    return at


def _branches(x: Floats, tx: Floats, n: Floats) -> tuple[Ints, Floats, NDArray[np.bool_]]:
    """Each history could have ended at t_x, t_x + 1, ..., n: the history, the occasions lived, whether still active."""
    width = (n - tx).astype(np.int64) + 1
    if width.sum() > MOST_BRANCHES:
        raise ModelError(f"{TITLE}: too many occasions per customer for this model; take BG/NBD or Pareto/NBD.")
    which = np.repeat(np.arange(len(x)), width)
    starts = np.concatenate([[0], np.cumsum(width)[:-1]])
    lived = tx[which] + np.arange(len(which)) - starts[which]
    return which, lived, lived == n[which]


def values(fit: Fitted) -> Floats:
    """The parameters in their order, if they are those of BG/BB."""
    found = [float(fit.params.get(name, np.nan)) for name in PARAMETERS]
    if fit.model != "bgbb" or not all(value > 0 for value in found):
        raise ModelError(f"{TITLE}: needs the parameters {', '.join(PARAMETERS)}, each above 0; got {dict(fit.params)}.")
    return np.array(found)
