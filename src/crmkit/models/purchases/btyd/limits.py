"""What if nothing shows that customers differ in how readily they leave, or that anybody leaves? Pareto/NBD at its limits.

Where the likelihood of a model in which customers differ rises up to an edge, the model at that edge has a highest point of its
own, with fewer parameters: all leave at one rate, or nobody leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

import crmkit.models.purchases.btyd.pareto as pareto
from crmkit.core.errors import ModelError
from crmkit.core.results import Text
from crmkit.models.basics.edges import WIDEST, buying_edges, highest, reason_against, standard_errors
from crmkit.models.basics.optimise import CONVERGED, HIGHEST, Optimum, log_covariance, polish
from crmkit.models.purchases.btyd.fitting import Fit, require_information, unit_of_params
from crmkit.models.purchases.btyd.model import PARAMETERS
from crmkit.models.purchases.btyd.tuples import Tuples, dot

Floats = NDArray[np.float64]

# of Pareto/NBD: nobody leaves, to the last digit of what is predicted; customers who buy at one rate; who leave at one rate
NOBODY, ALIKE, ONE_RATE = 1e-15, 1e6, 1e4
# gain in log-likelihood that one more parameter has by chance in one of twenty
SHOWN = 1.92
# rates of leaving that are tried: how much customers differ, and how many leave in the mean time watched
LEAVING_SHAPES, LEAVING_SHARES = (0.3, 1.0, 1e3), (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
# of a log-parameter of one rate of leaving, with log(1e4) in it; beyond, nobody leaves
FARTHEST = HIGHEST - 2


def fit_nbd(histories: Tuples) -> Fit:
    """How often do customers buy, if the histories show no sign that anybody leaves?

    Parameters
    ----------
    histories : Tuples
        From :func:`tuples`; at least 20 customers, one of them with a repeat purchase.

    Returns
    -------
    Fit
        A Pareto/NBD whose rate of leaving is fixed at nothing (s and beta); where customers do not differ in how often they
        buy either, r is fixed too, so high that all buy at one rate.

    Raises
    ------
    ModelError
        Too few customers, no repeat buyer, or histories that do show that customers leave.

    Notes
    -----
    Leaving is shown where some rate of leaving, the same for all or different, raises the log-likelihood by more than 1.92
    (the 95 % quantile of chi-squared with one degree of freedom, halved).

    References
    ----------
    Ehrenberg (1959), The pattern of consumer purchases, Applied Statistics 8(1), https://doi.org/10.2307/2985810.

    Examples
    --------
    >>> from crmkit.models.purchases.btyd import tuples
    >>> rng = np.random.default_rng(0)
    >>> T = np.full(2000, 52.0)
    >>> x = rng.poisson(rng.gamma(2.0, 1 / 10.0, 2000) * T)
    >>> last = np.where(x > 0, T * rng.random(2000) ** (1 / np.maximum(x, 1)), 0)
    >>> found = fit_nbd(tuples(x, last, T))
    >>> found.names, round(found.params["r"]), round(found.params["alpha"])
    (('r', 'alpha'), 2, 10)
    """
    title = "NBD"
    require_information(histories, title)
    scale, _ = unit_of_params(histories, ())
    found = _limit(histories, np.log([0.5, 0.25]), {"s": NOBODY, "beta": scale})
    if _gain_by_leaving(histories, found.params) > SHOWN:
        raise ModelError(
            Text(
                "{title} cannot be fitted: the histories show that customers leave, and it takes them to stay.",
                {"title": title},
            )
        )
    return found


def fit_alike(histories: Tuples) -> Fit:
    """How often do customers buy, and at which one rate do they leave, if nothing shows that they differ in that?

    Parameters
    ----------
    histories : Tuples
        From :func:`tuples`; at least 20 customers, one of them with a repeat purchase.

    Returns
    -------
    Fit
        A Pareto/NBD whose s is fixed at 10,000, so that rates of leaving differ by 1 % and s / beta is the rate of all; where
        customers do not differ in how often they buy either, r is fixed too.

    Raises
    ------
    ModelError
        Too few customers, no repeat buyer, or no rate of leaving that explains the histories better than none.

    Notes
    -----
    The limit of Pareto/NBD as s and beta grow together. It has a highest likelihood where that of Pareto/NBD rises without
    end, as in a log whose customers go silent evenly; three parameters.

    References
    ----------
    Schmittlein, Morrison, Colombo (1987), Management Science 33(1), https://doi.org/10.1287/mnsc.33.1.1.

    Examples
    --------
    >>> from crmkit.models.purchases.btyd import known, simulate, tuples
    >>> truth = known("pareto_nbd", {"r": 2.0, "alpha": 10.0, "s": 1e4, "beta": 1e6})  # 1 in 100 leaves in a week
    >>> found = fit_alike(tuples(*simulate(truth, np.full(3000, 52.0), np.random.default_rng(0))))
    >>> found.names, round(found.params["s"] / found.params["beta"], 2)
    (('r', 'alpha', 'beta'), 0.01)
    """
    title = "NBD with one rate of leaving"
    require_information(histories, title)
    found = _limit(histories, np.log([0.5, 0.25, ONE_RATE / 0.5]), {"s": ONE_RATE})
    beta = found.standard_errors["beta"] / found.params["beta"]
    if not beta <= WIDEST or np.log(found.params["beta"]) >= FARTHEST:
        raise ModelError(
            Text("{title} cannot be fitted: nothing in the histories shows that any customer has left.", {"title": title})
        )
    return found


def _limit(histories: Tuples, start: Floats, held: Mapping[str, float]) -> Fit:
    """Pareto/NBD with some parameters held; r too, where customers do not differ in how often they buy."""
    every = PARAMETERS["pareto_nbd"]
    fixed, customers = dict(held), histories.customers
    names = tuple(name for name in every if name not in fixed)
    scale, units = unit_of_params(histories, names)
    objective = pareto.objective_of_limit(histories, scale, fixed)
    optimum = highest(objective, start, customers, far=FARTHEST)
    if _buy_alike(histories, fixed, scale, optimum):
        names, fixed = names[1:], {"r": ALIKE, **fixed}
        scale, units = unit_of_params(histories, names)
        objective = pareto.objective_of_limit(histories, scale, fixed)
        purchases = max(dot(histories.frequency, histories.n.astype(np.float64)), 1.0)
        first = np.array([np.log(ALIKE * customers / purchases), *optimum.theta[2:]])
        optimum = polish(objective, first) if len(first) == 1 else highest(objective, first, customers, far=FARTHEST)
    found = dict(zip(names, (np.exp(optimum.theta) * units).tolist(), strict=True))
    params = {name: (found | fixed)[name] for name in every}
    wide = standard_errors(optimum, customers)
    covariance = log_covariance(optimum, customers) if np.isfinite(wide).all() else np.diag(wide**2)
    covariance.flags.writeable = False
    errors = np.array([params[name] for name in names]) * np.sqrt(np.diag(covariance))
    return Fit(
        model="pareto_nbd",
        params=MappingProxyType(params),
        standard_errors=MappingProxyType(dict(zip(names, errors.tolist(), strict=True))),
        covariance=covariance,
        log_likelihood=-optimum.value * customers
        - dot(histories.frequency, histories.n.astype(np.float64)) * float(np.log(scale)),
        n=customers,
        n_tuples=len(histories),
        gradient_norm=optimum.gradient_norm,
        iterations=optimum.iterations,
        converged=optimum.gradient_norm < CONVERGED,
        fixed=MappingProxyType(fixed),
    )


def _buy_alike(histories: Tuples, fixed: Mapping[str, float], scale: float, optimum: Optimum) -> bool:
    """Whether nothing shows that customers differ in how often they buy, where their leaving is as estimated."""
    if "beta" in fixed:
        objective, two = pareto.objective_of_limit(histories, scale, fixed), optimum
    else:
        objective = pareto.objective_of_limit(histories, scale, {**fixed, "beta": float(np.exp(optimum.theta[2])) * scale})
        two = highest(objective, optimum.theta[:2], histories.customers)
    return reason_against(objective, two, histories.customers, ("r", "alpha"), buying_edges(2, 0, 1)) is not None


def _gain_by_leaving(histories: Tuples, params: Mapping[str, float]) -> float:
    """By how much does a rate of leaving raise the log-likelihood, other things equal?"""
    columns = (histories.frequency, histories.recency, histories.T)
    n = histories.n.astype(np.float64)

    def likelihood(s: float, beta: float) -> float:
        every = np.array([params["r"], params["alpha"], s, beta])
        return dot(pareto.log_likelihood(every, *columns), n)

    stay = likelihood(NOBODY, params["beta"])
    leave = [likelihood(s, s * params["beta"] / share) for s in LEAVING_SHAPES for share in LEAVING_SHARES]
    return float(max(leave) - stay)
