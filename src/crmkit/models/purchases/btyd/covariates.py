"""Do customers of different kinds (channel, region, size) buy and leave differently? Static covariates on the rates.

A covariate multiplies a rate by exp(coefficient): of buying, and of leaving. Customers with equal covariates share a pattern,
and equal histories within a pattern are counted, so the fit costs what one without covariates does for each pattern.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, Problem, rows
from crmkit.core.results import Quantity, Text
from crmkit.models.basics.draws import Known
from crmkit.models.basics.edges import FAR, WIDEST, reason_against, standard_errors, widened
from crmkit.models.basics.estimates import critical
from crmkit.models.basics.optimise import Objective, Optimum, polish, settle
from crmkit.models.purchases.btyd.fitting import Fit, fit, objectives_of, unit_of_params
from crmkit.models.purchases.btyd.model import PARAMETERS, TITLES, model_of
from crmkit.models.purchases.btyd.regularity import fit_mbgcnbd, interval_part
from crmkit.models.purchases.btyd.tuples import Tuples, check_histories, tuples

Floats = NDArray[np.float64]

MOST_PATTERNS = 500
LARGEST = 30.0  # of a coefficient; beyond, a group has no buyer or no leaver
# which log-parameters a covariate of buying, and of leaving, moves, and with which sign
BUYING: Mapping[str, tuple[tuple[str, float], ...]] = MappingProxyType(
    dict.fromkeys(("bgnbd", "mbgnbd", "mbgcnbd", "pareto_nbd"), (("alpha", -1.0),))
)
LEAVING: Mapping[str, tuple[tuple[str, float], ...]] = MappingProxyType(
    {**dict.fromkeys(("bgnbd", "mbgnbd", "mbgcnbd"), (("a", 1.0), ("b", 1.0))), "pareto_nbd": (("beta", -1.0),)}
)


@dataclass(frozen=True, eq=False)
class Patterns:
    """Customers by pattern of covariates: ``values[i]`` are the covariates of everyone in ``histories[i]``."""

    names: tuple[str, ...]
    values: Floats
    histories: tuple[Tuples, ...]

    @property
    def customers(self) -> int:
        """How many customers are there?"""
        return sum(part.customers for part in self.histories)


@dataclass(frozen=True)
class Coefficient:
    """What one covariate does: ``effect`` names what it moves, exp(value) multiplies it per unit of the covariate."""

    covariate: str
    effect: str
    value: float
    standard_error: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class LikelihoodRatio:
    """Is the larger model better than chance allows? Chi-square statistic, degrees of freedom, p-value."""

    statistic: float
    degrees: int
    p_value: float


@dataclass(frozen=True, eq=False)
class CovariateFit:
    """A model whose rates differ by covariates.

    Parameters
    ----------
    model : str
        As in :func:`fit`.
    names : tuple of str
        The covariates.
    base : mapping of str to float
        Parameters of a customer whose covariates are all 0.
    standard_errors : mapping of str to float
        Of the parameters in `base`.
    coefficients : tuple of Coefficient
        One for each covariate and effect.
    test : LikelihoodRatio
        Against the model without covariates.
    log_likelihood : float
    n, n_tuples, n_patterns : int
        Customers, different histories over all patterns, and patterns.
    gradient_norm : float
    covariance : array
        Of log-parameters and coefficients, in that order.
    fixed : mapping of str to float
        k of MBG/CNBD-k: that of the customers taken together.
    """

    model: str
    names: tuple[str, ...]
    base: Mapping[str, float]
    standard_errors: Mapping[str, float]
    coefficients: tuple[Coefficient, ...]
    test: LikelihoodRatio
    log_likelihood: float
    n: int
    n_tuples: int
    n_patterns: int
    gradient_norm: float
    covariance: Floats
    fixed: Mapping[str, float] = field(default_factory=dict)

    @property
    def aic(self) -> float:
        """Akaike's information criterion: -2 log L + 2 per parameter and coefficient."""
        return 2 * (len(self.base) + len(self.fixed) + len(self.coefficients)) - 2 * self.log_likelihood

    def at(self, covariates: Mapping[str, float]) -> Known:
        """The parameters of customers with these covariates, to predict with; one left out counts as 0.

        Raises
        ------
        ModelError
            A covariate that the fit does not have.
        """
        unknown = [name for name in covariates if name not in self.names]
        if unknown:
            raise ModelError(Problem(f"covariate '{unknown[0]}'", f"is not in the fit; it has {', '.join(self.names)}"))
        params = {**self.base, **self.fixed}
        for one in self.coefficients:
            name, sign = _moved(self.model, one.effect)
            params[name] *= float(np.exp(sign * one.value * float(covariates.get(one.covariate, 0.0))))
        return Known(self.model, MappingProxyType(params))


def patterns(
    frequency: ArrayLike, recency: ArrayLike, T: ArrayLike, covariates: Mapping[str, ArrayLike], n: ArrayLike | None = None
) -> Patterns:
    """Which combinations of covariates are there, and which histories have their customers?

    Parameters
    ----------
    frequency, recency, T, n : array_like, shape (rows,)
        As for :func:`tuples`.
    covariates : mapping of str to array_like, shape (rows,)
        Numbers; a group as 0 and 1, one column less than there are groups. At most 500 combinations: cut a continuous one into
        bands.

    Returns
    -------
    Patterns

    Raises
    ------
    ModelError
        A covariate is missing somewhere, does not vary, follows from the others, or there are too many combinations.

    Examples
    --------
    >>> found = patterns([0, 2, 0], [0, 30, 0], [39, 39, 39], {"online": [0, 1, 1]})
    >>> found.values.tolist(), [part.customers for part in found.histories]
    ([[0.0], [1.0]], [1, 2])
    """
    x, tx, age = check_histories(frequency, recency, T)
    counts = np.ones(x.shape) if n is None else np.asarray(n, dtype=np.float64)
    names = tuple(covariates)
    columns = [np.asarray(covariates[name], dtype=np.float64) for name in names]
    for name, column in zip(names, columns, strict=True):
        if column.shape != x.shape:
            raise ModelError(f"covariate '{name}': has {column.size} values for {x.size} rows.")
        bad = np.flatnonzero(~np.isfinite(column))
        if len(bad):
            what = f"is missing or infinite ({rows(bad[:5].tolist(), len(bad))})"
            raise ModelError(
                Problem(f"covariate '{name}'", what, "give these customers a group of their own, or leave them out")
            )
    if not names:
        raise ModelError("covariates: there are none; take fit.")
    values, position = np.unique(np.column_stack(columns), axis=0, return_inverse=True)
    if len(values) > MOST_PATTERNS:
        raise ModelError(
            Text(
                "covariates: {n} combinations, at most {most_patterns}; cut continuous ones into bands.",
                {"n": Quantity(len(values), "count"), "most_patterns": Quantity(MOST_PATTERNS, "count")},
            )
        )
    if np.linalg.matrix_rank(np.column_stack([np.ones(len(values)), values])) <= len(names):
        raise ModelError(
            Text(
                "covariates: one of {names} does not vary, or follows from the others; leave it out.",
                {"names": ", ".join(names)},
            )
        )
    parts = []
    for i in range(len(values)):
        of = position.ravel() == i
        parts.append(tuples(x[of], tx[of], age[of], counts[of]))
    return Patterns(names, values, tuple(parts))


def fit_covariates(
    data: Patterns,
    model: str,
    *,
    buying: Sequence[str] | None = None,
    leaving: Sequence[str] | None = None,
    log_intervals: float | None = None,
    confidence: float = 0.95,
) -> CovariateFit:
    """Which covariates make customers buy more often, or leave sooner?

    Parameters
    ----------
    data : Patterns
        From :func:`patterns`.
    model : {"bgnbd", "mbgnbd", "mbgcnbd", "pareto_nbd"}
        Which model.
    buying, leaving : sequence of str, optional
        Covariates of the rate of buying and of leaving; all when left out, none when empty.
    log_intervals : float, optional
        Of all customers, as for :func:`.regularity.fit_mbgcnbd`, and needed for it.
    confidence : float
        Coverage of the intervals of the coefficients.

    Returns
    -------
    CovariateFit
        Coefficients with standard errors and Wald intervals; the likelihood-ratio test is against no covariates at all.

    Raises
    ------
    ModelError
        As for :func:`fit`, or a coefficient without a finite estimate.

    Notes
    -----
    Buying: alpha = alpha0 * exp(-c z), so the rate is multiplied by exp(c z). Leaving, Pareto/NBD: beta = beta0 * exp(-c z).
    Leaving, the other models: a = a0 * exp(c z) and b = b0 * exp(d z), two coefficients, since a and b are the two sides of
    the odds of leaving at a purchase. The k of MBG/CNBD-k is chosen without covariates, which move the rates of customers and
    not their rhythm.

    References
    ----------
    Fader, Hardie (2007), Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD models,
    http://brucehardie.com/notes/019/.

    Examples
    --------
    >>> from crmkit.models.purchases.btyd import known, simulate
    >>> rng = np.random.default_rng(0)
    >>> z = np.repeat([0.0, 1.0], 5000)
    >>> halves = [known("pareto_nbd", {"r": 0.6, "alpha": alpha, "s": 0.6, "beta": 11}) for alpha in (10, 10 * np.exp(-0.5))]
    >>> x, tx, T = np.hstack([simulate(one, np.full(5000, 39.0), rng) for one in halves])
    >>> found = fit_covariates(patterns(x, tx, T, {"online": z}), "pareto_nbd", leaving=[])
    >>> found.coefficients[0].low < 0.5 < found.coefficients[0].high, found.test.p_value < 1e-6
    (True, True)
    """
    if model not in BUYING:
        raise ModelError(Problem(f"covariates: model '{model}'", "has none", f"there are {', '.join(BUYING)}"))
    effects = _effects(data, model, buying, leaving)
    plain = _without(data, model, log_intervals)
    names = plain.names
    scale, units = unit_of_params(_together(data), names)
    objective, norms = _objective(data, plain, effects, scale)
    start = np.concatenate([np.log([plain.params[name] for name in names] / units), np.zeros(len(effects))])
    optimum = settle(objective, _search(objective, start), data.customers, beyond=FAR)
    _require_estimates(objective, optimum, data, model, effects, norms)
    covariance = np.linalg.inv(optimum.hessian * data.customers)
    stretch = np.concatenate([np.ones(len(names)), 1 / norms])
    covariance = (covariance * np.outer(stretch, stretch)).astype(np.float64)
    errors = np.sqrt(np.diag(covariance))
    purchases = sum(float((part.frequency * part.n).sum()) for part in data.histories)
    k = plain.fixed.get("k", 1.0)
    likelihood = -optimum.value * data.customers - purchases * k * float(np.log(scale))
    if log_intervals is not None and "k" in plain.fixed:
        likelihood += interval_part(k, purchases, log_intervals)
    base = np.exp(optimum.theta[:4]) * units
    found = optimum.theta[4:] / norms
    return CovariateFit(
        model=model,
        names=data.names,
        base=MappingProxyType(dict(zip(names, base.tolist(), strict=True))),
        standard_errors=MappingProxyType(dict(zip(names, (base * errors[:4]).tolist(), strict=True))),
        coefficients=tuple(
            _coefficient(*effect, value, error, confidence)
            for effect, value, error in zip(effects, found, errors[4:], strict=True)
        ),
        test=likelihood_ratio(plain.log_likelihood, likelihood, len(effects)),
        log_likelihood=likelihood,
        n=data.customers,
        n_tuples=sum(len(part) for part in data.histories),
        n_patterns=len(data.values),
        gradient_norm=optimum.gradient_norm,
        covariance=np.asarray(covariance, dtype=np.float64),
        fixed=plain.fixed,
    )


def _without(data: Patterns, model: str, log_intervals: float | None) -> Fit:
    """The model without covariates."""
    if model != "mbgcnbd":
        return fit(_together(data), model)
    if log_intervals is None:
        raise ModelError("MBG/CNBD-k with covariates: log_intervals is missing; the fit needs the intervals between purchases.")
    return fit_mbgcnbd(_together(data), log_intervals)


def likelihood_ratio(smaller: float, larger: float, degrees: int) -> LikelihoodRatio:
    """Do the extra parameters explain more than chance would? From the log-likelihoods of nested models.

    Examples
    --------
    >>> round(likelihood_ratio(-100.0, -98.0792710, 1).p_value, 4)
    0.05
    """
    from scipy.special import gammaincc

    statistic = max(0.0, 2 * (larger - smaller))
    return LikelihoodRatio(statistic, degrees, float(gammaincc(degrees / 2, statistic / 2)) if degrees else 1.0)


def _effects(data: Patterns, model: str, buying: Sequence[str] | None, leaving: Sequence[str] | None) -> list[tuple[str, str]]:
    chosen = []
    for kind, wanted, moves in (("buying", buying, BUYING[model]), ("leaving", leaving, LEAVING[model])):
        for name in data.names if wanted is None else wanted:
            if name not in data.names:
                raise ModelError(Problem(f"covariate '{name}' of {kind}", f"does not exist; there are {', '.join(data.names)}"))
            chosen += [(name, kind if len(moves) == 1 else f"{kind}: {parameter}") for parameter, _ in moves]
    return chosen


def _moved(model: str, effect: str) -> tuple[str, float]:
    kind, _, parameter = effect.partition(": ")
    moves = BUYING[model] if kind == "buying" else LEAVING[model]
    return next((name, sign) for name, sign in moves if not parameter or name == parameter)


def _together(data: Patterns) -> Tuples:
    columns = [np.concatenate([getattr(part, name) for part in data.histories]) for name in ("frequency", "recency", "T", "n")]
    return tuples(columns[0], columns[1], columns[2], columns[3])


def _objective(data: Patterns, plain: Fit, effects: list[tuple[str, str]], scale: float) -> tuple[Objective, Floats]:
    """The mean over all customers; a pattern's log-parameters are linear in the parameters and coefficients searched for.

    The coefficients are searched for in units in which the covariates are of size 1; the second result holds those units.
    """
    names = plain.names
    norms = np.array([max(np.abs(data.values[:, data.names.index(covariate)]).max(), 1e-12) for covariate, _ in effects])
    designs = []
    for row in data.values:
        design = np.hstack([np.eye(4), np.zeros((4, len(effects)))])
        for column, (covariate, effect) in enumerate(effects):
            moved, sign = _moved(plain.model, effect)
            design[names.index(moved), 4 + column] = sign * row[data.names.index(covariate)] / norms[column]
        designs.append(design)
    parts = objectives_of(data.histories, plain, scale)
    shares = np.array([part.customers / data.customers for part in data.histories])
    stacked = np.array(designs)

    def at(theta: Floats) -> tuple[float, Floats]:
        values, slopes = parts((stacked * theta).sum(2))
        return float((shares * values).sum()), (stacked * (shares[:, None] * slopes)[:, :, None]).sum((0, 1))

    return at, norms


def _search(objective: Objective, start: Floats) -> Optimum:
    from scipy.optimize import minimize

    bounds = [(-15.0, 20.0)] * 4 + [(-LARGEST, LARGEST)] * (len(start) - 4)
    reached = minimize(
        objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-6}
    )
    return polish(objective, np.asarray(reached.x, dtype=np.float64), int(reached.nit))


def _require_estimates(
    objective: Objective, optimum: Optimum, data: Patterns, model: str, effects: list[tuple[str, str]], norms: Floats
) -> None:
    """Coefficients move the logarithm of a rate, and answer to the same bound; in units of the covariate's range."""
    spans = np.array([np.ptp(data.values[:, data.names.index(covariate)]) for covariate, _ in effects]) / norms
    errors = standard_errors(optimum, data.customers)[4:] * spans
    which = None
    for (covariate, effect), value, error in zip(effects, optimum.theta[4:], errors, strict=True):
        if abs(value) > LARGEST / 3 or not error <= WIDEST:
            which = Text("the coefficient of {name} has no finite estimate", {"name": f"{covariate} ({effect})"})
            break
    if which is None:
        edges = widened(model_of(model).edges(), len(effects))
        which = reason_against(objective, optimum, data.customers, PARAMETERS[model][:4], edges)
    if which is not None:
        raise ModelError(
            Text(
                "{model} with covariates did not converge: {which}; take fewer covariates, join small groups, or let a "
                "covariate act on buying only.",
                {"model": TITLES[model], "which": which},
            )
        )


def _coefficient(covariate: str, effect: str, value: float, error: float, confidence: float) -> Coefficient:
    from scipy.special import ndtr

    reach = critical(confidence) * error
    p_value = float(2 * ndtr(-abs(value) / error))
    return Coefficient(covariate, effect, float(value), float(error), float(value - reach), float(value + reach), p_value)
