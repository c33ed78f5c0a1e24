"""Which parameters explain the purchase histories best, and how sure are they?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

import crmkit.models.purchases.btyd.pareto as pareto
from crmkit.core.errors import ModelError, Problem, did_you_mean
from crmkit.core.results import Quantity, Text
from crmkit.models.basics.draws import Known
from crmkit.models.basics.edges import highest, require_inside
from crmkit.models.basics.optimise import CONVERGED, Objective, Optimum, log_covariance, polish
from crmkit.models.purchases.btyd.model import model_of
from crmkit.models.purchases.btyd.tuples import Tuples, dot

Floats = NDArray[np.float64]

RATES = ("alpha", "beta")  # carry the unit of time
FEWEST_CUSTOMERS = 20
EXACT = 1e-10
# per group; with more, each group by itself is quicker
FEW_TUPLES = 500


@dataclass(frozen=True, eq=False)
class Fit:
    """A buy-till-you-die model with the parameters of highest likelihood.

    Parameters
    ----------
    model : {"bgnbd", "mbgnbd", "pareto_nbd", "mbgcnbd"}
        Which model.
    params : mapping of str to float
        r, alpha, a, b or r, alpha, s, beta; alpha and beta in the unit of time of the tuples. MBG/CNBD-k also has k.
    standard_errors : mapping of str to float
        Of the parameters, in their units; by the delta method from the log-parameters.
    covariance : array, shape (4, 4)
        Of the logarithms of the parameters, in the order of `params`: the scale on which the estimates are nearest to normal.
    log_likelihood : float
        At the maximum, natural logarithm, all customers.
    n, n_tuples : int
        Customers, and different histories.
    gradient_norm : float
        Largest derivative of the mean log-likelihood with respect to a log-parameter; 0 at the exact maximum.
    iterations : int
        Steps of the search.
    converged : bool
        Always true in what :func:`fit` returns: otherwise it raises.
    fixed : mapping of str to float
        Parameters that the search did not vary: k of MBG/CNBD-k; what :func:`fit_nbd` and :func:`fit_alike` hold.
    """

    model: str
    params: Mapping[str, float]
    standard_errors: Mapping[str, float]
    covariance: Floats
    log_likelihood: float
    n: int
    n_tuples: int
    gradient_norm: float
    iterations: int
    converged: bool
    fixed: Mapping[str, float] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that were searched for, in the order of the covariance."""
        return tuple(name for name in self.params if name not in self.fixed)

    @property
    def aic(self) -> float:
        """Akaike's information criterion: -2 log L + 2 per parameter, k included. Lower is better, for the same customers."""
        return 2 * (len(self.names) + ("k" in self.fixed)) - 2 * self.log_likelihood


def known(model: str, params: Mapping[str, float]) -> Known:
    """A model with parameters from elsewhere, to predict with.

    Parameters
    ----------
    model : {"bgnbd", "mbgnbd", "pareto_nbd", "mbgcnbd"}
        Which model.
    params : mapping of str to float > 0
        Exactly the model's parameters.

    Returns
    -------
    Known
        Goes wherever a fit goes in predictions.

    Raises
    ------
    ModelError
        A name or value that the model does not have.

    Examples
    --------
    >>> known("bgnbd", {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}).params["alpha"]
    4.414
    """
    names = model_of(model).names
    problems = [
        Problem(f"{model}: parameter '{k}'", "does not exist", did_you_mean(k, names)) for k in params if k not in names
    ]
    problems += [Problem(f"{model}: parameter '{name}'", "is missing", "") for name in names if name not in params]
    for name, value in params.items():
        if name in names and not (np.isfinite(value) and value > 0):
            problems.append(Problem(f"{model}: parameter '{name}'", f"is {value}", "it must be a number above 0"))
        elif name == "k" and name in names and value != int(value):
            problems.append(Problem(f"{model}: parameter 'k'", f"is {value}", "it counts the phases between two purchases"))
    if problems:
        raise ModelError(problems)
    return Known(model, MappingProxyType({name: float(params[name]) for name in names}))


def fit(histories: Tuples, model: str) -> Fit:
    """Which parameters make these purchase histories most probable?

    Parameters
    ----------
    histories : Tuples
        From :func:`tuples`; at least 20 customers, one of them with a repeat purchase.
    model : {"bgnbd", "mbgnbd", "pareto_nbd"}
        BG/NBD counts every customer without a repeat purchase as alive; for questions about who has left take one of the
        other two.

    Returns
    -------
    Fit
        Parameters with standard errors, log-likelihood and how the search went.

    Raises
    ------
    ModelError
        Unknown model, too few customers, no repeat buyer, no time observed, or no maximum (with what to try).

    Notes
    -----
    Maximum likelihood on log-parameters, times in units of the mean T, by L-BFGS and Newton steps. Customers with T = 0 stay
    in: they say nothing on the rates.

    References
    ----------
    BG/NBD: Fader, Hardie, Lee (2005), Marketing Science 24(2), https://doi.org/10.1287/mksc.1040.0098.
    MBG/NBD: Batislam, Denizel, Filiztekin (2007), International Journal of Research in Marketing 24(3),
    https://doi.org/10.1016/j.ijresmar.2006.12.005.
    Pareto/NBD: Schmittlein, Morrison, Colombo (1987), Management Science 33(1), https://doi.org/10.1287/mnsc.33.1.1.

    Examples
    --------
    >>> from crmkit.models.purchases.btyd import known, simulate, tuples
    >>> truth = known("pareto_nbd", {"r": 0.55, "alpha": 10.6, "s": 0.61, "beta": 11.7})  # near the published fit to CDNOW
    >>> x, tx, T = simulate(truth, np.full(20_000, 39.0), np.random.default_rng(0))
    >>> found = fit(tuples(x, tx, T), "pareto_nbd")
    >>> all(abs(found.params[k] - truth.params[k]) < 3 * found.standard_errors[k] for k in truth.params)
    True
    """
    if model == "mbgcnbd":
        raise ModelError("MBG/CNBD-k: the fit needs the intervals between purchases; take fit_mbgcnbd.")
    return search(histories, model)


def search(histories: Tuples, model: str, *, k: int = 0) -> Fit:
    """Find the parameters of highest likelihood; for MBG/CNBD-k given k, and without the part of the single intervals."""
    one = model_of(model)
    names, title = tuple(name for name in one.names if name != "k"), one.title
    require_information(histories, title)
    scale, units = unit_of_params(histories, names)
    objective = one.search.objective(histories, scale, k)
    optimum = highest(objective, one.search.start(k), histories.customers)
    if one.search.exact is not None:
        optimum = _confirm(one.search.exact(histories, scale), optimum)
    require_inside(objective, optimum, histories.customers, names, one.edges(), title)

    params = np.exp(optimum.theta) * units
    covariance = log_covariance(optimum, histories.customers)
    covariance.flags.writeable = False
    errors = params * np.sqrt(np.diag(covariance))
    purchases = dot(histories.frequency, histories.n.astype(np.float64))
    fixed = {"k": float(k)} if k else {}
    return Fit(
        model=model,
        params=MappingProxyType({**dict(zip(names, params.tolist(), strict=True)), **fixed}),
        standard_errors=MappingProxyType(dict(zip(names, errors.tolist(), strict=True))),
        covariance=covariance,
        # a density of `purchases` moments in time (each of k phases): it changes with the unit of time
        log_likelihood=-optimum.value * histories.customers - purchases * max(k, 1) * float(np.log(scale)),
        n=histories.customers,
        n_tuples=len(histories),
        gradient_norm=optimum.gradient_norm,
        iterations=optimum.iterations,
        converged=optimum.gradient_norm < CONVERGED,
        fixed=MappingProxyType(fixed),
    )


def unit_of_params(histories: Tuples, names: Iterable[str]) -> tuple[float, Floats]:
    """The unit of time of the search, the mean T, and what each searched parameter is multiplied with afterwards."""
    scale = dot(histories.T, histories.n.astype(np.float64)) / histories.customers
    return scale, np.array([scale if name in RATES else 1.0 for name in names])


def objective_of(histories: Tuples, fitted: Fit, scale: float) -> Objective:
    """The likelihood of a fit's model on other customers."""
    if fitted.model == "pareto_nbd" and fitted.fixed:
        return pareto.objective_of_limit(histories, scale, fitted.fixed)
    return model_of(fitted.model).search.objective(histories, scale, int(fitted.fixed.get("k", 0)))


def objectives_of(groups: Sequence[Tuples], fitted: Fit, scale: float) -> Callable[[Floats], tuple[Floats, Floats]]:
    """The likelihood of a fit's model on each of several groups: from a row of log-parameters each to values and gradients."""
    together = model_of(fitted.model).search.groups
    if together is not None and not fitted.fixed and sum(map(len, groups)) < FEW_TUPLES * len(groups):
        return together(groups, scale)
    parts = [objective_of(one, fitted, scale) for one in groups]

    def at(theta: Floats) -> tuple[Floats, Floats]:
        found = [part(row) for part, row in zip(parts, theta, strict=True)]
        return np.array([value for value, _ in found]), np.array([gradient for _, gradient in found])

    return at


def fit_bgnbd(histories: Tuples) -> Fit:
    """Which BG/NBD explains the histories best? See :func:`fit`."""
    return fit(histories, "bgnbd")


def fit_mbgnbd(histories: Tuples) -> Fit:
    """Which modified BG/NBD, where also the first purchase can be the last, explains the histories best? See :func:`fit`."""
    return fit(histories, "mbgnbd")


def fit_pareto_nbd(histories: Tuples) -> Fit:
    """Which Pareto/NBD explains the histories best? See :func:`fit`."""
    return fit(histories, "pareto_nbd")


def _confirm(exact: Objective, optimum: Optimum) -> Optimum:
    """The table of the search is an accelerator; the integral of each tuple by itself has the last word."""
    value, gradient = exact(optimum.theta)
    if np.abs(gradient).max() > EXACT:
        return polish(exact, optimum.theta, optimum.iterations)
    return replace(optimum, value=float(value), gradient=gradient)


def require_information(histories: Tuples, title: str) -> None:
    """Refuse histories that say nothing of a rate: too few customers, no time, or no second purchase."""
    if histories.customers < FEWEST_CUSTOMERS:
        raise ModelError(
            Text(
                "{title} cannot be fitted: there {customers:is|are} {customers} {customers:customer|customers}, and four "
                "parameters need at least {fewest_customers}; take a longer acquisition period.",
                {
                    "title": title,
                    "customers": Quantity(histories.customers, "count"),
                    "fewest_customers": Quantity(FEWEST_CUSTOMERS, "count"),
                },
            )
        )
    if not histories.T.max() > 0:
        raise ModelError(
            Text(
                "{title} cannot be fitted: T is 0 for every customer, so no time was observed after the first purchase; take "
                "a later end of observation.",
                {"title": title},
            )
        )
    if histories.repeat_buyers == 0:
        raise ModelError(
            Text(
                "{title} cannot be fitted: none of the {customers} customers bought a second time; take a longer period, or "
                "check that each customer has one id.",
                {"title": title, "customers": Quantity(histories.customers, "count")},
            )
        )
