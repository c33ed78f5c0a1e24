"""How would the parameters vary over other samples of as many customers?

A sample of customers with replacement is a multinomial draw of the counts of the tuples, and each refit starts from the
optimum of the whole, with its second derivatives: a few evaluations of the likelihood instead of a search. Where each of them
takes quadrature (Pareto/NBD), what every tuple says at some fifty places around that optimum serves all samples: of a sample
only the counts differ, so its gradient there is a product of matrices, and a cubic through them tells where it is nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from crmkit.core.errors import ModelError
from crmkit.core.results import Quantity, Text
from crmkit.models.basics.draws import ParameterDraws, normal_draws
from crmkit.models.basics.optimise import HIGHEST, LOWEST, Objective, minimise, polish
from crmkit.models.purchases.btyd.fitting import Fit, fit, objective_of, unit_of_params
from crmkit.models.purchases.btyd.model import model_of
from crmkit.models.purchases.btyd.tuples import Codes, Tuples

Floats = NDArray[np.float64]

DRAWS = 200
MOST_TUPLES = 300_000  # above, the estimates are as good as normal, and refits only cost time
MOST_FAILED = 0.05
SMALL_STEP = 1e-3  # in standard errors
CHORDS = 12
EDGE = 10.0  # of a log-parameter; beyond, the short way is not trusted
FLAT = 1e-6
ARRIVED = 1e-8
# the places around an estimate pay from some twenty samples on, and have to fit into memory
FEWEST_AROUND, MOST_AROUND = 20, 100_000
FARTHEST = 6.0  # standard errors, as the others: beyond, the cubic is not asked
SURE = 0.05  # cubic and square are apart by no more
NEAR, STEPS = 0.02, 6  # after a step of this length no other one is needed; with more the cubic was wrong
ALONG, ACROSS, CORNERS = (1.2, 2.5), 1.5, 1.4


class Estimated(Protocol):
    """A fit: what was estimated, and what was given."""

    @property
    def model(self) -> str: ...

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def fixed(self) -> Mapping[str, float]: ...


def parameter_draws(
    histories: Tuples, fitted: Fit, *, draws: int = DRAWS, seed: int = 0, method: str = "auto"
) -> ParameterDraws:
    """Which other parameters could have come out of a sample like this one?

    Parameters
    ----------
    histories : Tuples
        The customers of the fit.
    fitted : Fit
        From :func:`fit` on these histories.
    draws : int >= 1
        How many.
    seed : int
        Makes the draws repeatable.
    method : {"auto", "bootstrap", "normal"}
        Refits to samples of the customers with replacement, or draws from the normal distribution of the log-parameters
        (Laplace). ``auto`` takes the bootstrap up to 300,000 tuples.

    Returns
    -------
    ParameterDraws
        One row per draw, in the order and units of ``fitted.params``; ``failed`` counts samples that could not be fitted.

    Raises
    ------
    ModelError
        More than 5 % of the samples cannot be fitted, the method does not exist, or there is no draw to make.

    References
    ----------
    Efron (1979), The Annals of Statistics 7(1), https://doi.org/10.1214/aos/1176344552.

    Examples
    --------
    >>> from crmkit.models.purchases.btyd import known, simulate, tuples
    >>> truth = known("mbgnbd", {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614})
    >>> histories = tuples(*simulate(truth, np.full(3000, 39.0), np.random.default_rng(0)))
    >>> found = parameter_draws(histories, fit(histories, "mbgnbd"), draws=20)
    >>> found.values.shape, found.method
    ((20, 4), 'bootstrap')
    """
    if draws < 1 or method not in ("auto", "bootstrap", "normal"):
        raise ModelError(
            f"parameter draws: draws is {draws}, method '{method}'; take 1 or more, and auto, bootstrap or normal."
        )
    if method == "auto":
        method = "bootstrap" if len(histories) <= MOST_TUPLES else "normal"
    if method == "normal":
        return normal_draws(fitted.model, fitted.params, fitted.covariance, draws=draws, seed=seed, fixed=fitted.fixed)
    scale, units = unit_of_params(histories, fitted.names)
    start = np.log(np.array([fitted.params[name] for name in fitted.names]) / units)

    around = None
    scores = model_of(fitted.model).search.scores
    if scores is not None and not fitted.fixed and len(histories) <= MOST_AROUND and draws > FEWEST_AROUND:
        around = Surroundings.of(scores(histories, scale), start, fitted.covariance)

    def refit(counts: NDArray[np.int64]) -> Floats:
        def objective() -> Objective:
            return objective_of(drawn(histories, counts), fitted, scale)

        found = around.root(counts, objective) if around is not None else None
        theta = found if found is not None else refit_from(objective(), start, fitted.covariance, fitted.n)
        return np.asarray(np.exp(theta) * units)

    return resampled(fitted, histories.n, refit, draws=draws, seed=seed)


def resampled(
    fitted: Estimated, n: NDArray[np.int64], refit: Callable[[NDArray[np.int64]], Floats], *, draws: int, seed: int
) -> ParameterDraws:
    """Refit to samples with replacement: `refit` takes the counts of a sample and returns its parameters."""
    rng = np.random.default_rng(seed)
    customers = int(n.sum())
    rows: list[Floats] = []
    failed, last = 0, Text("")
    while len(rows) < draws:
        try:
            rows.append(refit(rng.multinomial(customers, n / customers)))
        except ModelError as err:
            failed, last = failed + 1, err.text
            if failed > max(1.0, MOST_FAILED * draws):
                raise ModelError(
                    Text(
                        "bootstrap: {failed} of {drawn} samples of the customers could not be fitted, so the parameters have "
                        "no interval worth the name; the last reason: {last}",
                        {"failed": Quantity(failed, "count"), "drawn": Quantity(failed + len(rows), "count"), "last": last},
                    )
                ) from err
    return ParameterDraws(fitted.model, tuple(fitted.names), np.array(rows), "bootstrap", failed, fitted.fixed)


def bootstrap_fits(histories: Tuples, model: str, *, draws: int, seed: int) -> tuple[Fit, ...]:
    """Which fits come out of samples of the customers? As :func:`parameter_draws`, each with all that a fit tells.

    Parameters
    ----------
    histories : Tuples
        The customers to draw from, with replacement.
    model : {"bgnbd", "mbgnbd", "pareto_nbd"}
        Which model.
    draws : int >= 1
        How many samples.
    seed : int
        Makes the draws repeatable.

    Returns
    -------
    tuple of Fit
        One per sample.

    Raises
    ------
    ModelError
        Where a sample cannot be fitted; none is left out in silence.
    """
    rng = np.random.default_rng(seed)
    shares = histories.n / histories.customers
    return tuple(fit(drawn(histories, rng.multinomial(histories.customers, shares)), model) for _ in range(draws))


def drawn(histories: Tuples, counts: NDArray[np.int64]) -> Tuples:
    """The same histories with other counts; those that nobody has left out."""
    hit = counts > 0
    codes = [Codes(column.position[hit], column.values) for column in histories.codes]
    return replace(
        histories,
        frequency=histories.frequency[hit],
        recency=histories.recency[hit],
        T=histories.T[hit],
        n=counts[hit],
        codes=(codes[0], codes[1], codes[2]),
    )


def refit_from(objective: Objective, start: Floats, covariance: Floats, n: int) -> Floats:
    """The optimum near another sample's: Newton steps with that sample's second derivatives, a full search where they fail."""
    errors = np.sqrt(np.diag(covariance))
    inverse = covariance * n
    theta = start
    size = np.inf
    for _ in range(CHORDS):
        step = inverse @ objective(theta)[1]
        further = float((np.abs(step) / errors).max())
        if not further < 0.7 * size:
            break
        theta, size = theta - step, further
        if size < SMALL_STEP and np.abs(theta).max() < EDGE:
            return theta
    far = _learning(objective, theta if np.isfinite(theta).all() and np.abs(theta - start).max() < 2 else start, inverse)
    if far is not None:
        return far
    optimum = polish(objective, theta) if np.isfinite(theta).all() and np.abs(theta - start).max() < 2 else None
    if optimum is None or optimum.gradient_norm > 1e-8:
        optimum = minimise(objective, np.clip(start, -EDGE, EDGE))
    # customers of a sample may happen not to differ: then a and b (s and beta) grow together, and forecasts still hold
    if optimum.gradient_norm > FLAT or not LOWEST + 2 < optimum.theta.min() <= optimum.theta.max() < HIGHEST - 2:
        raise ModelError(Text("a sample has no maximum of the likelihood inside the allowed range"))
    return optimum.theta


def _learning(objective: Objective, start: Floats, inverse: Floats) -> Floats | None:
    """The optimum by steps that learn how the second derivatives change on the way; None where they do not arrive inside."""
    from scipy.optimize import minimize

    options = {"hess_inv0": (inverse + inverse.T) / 2, "gtol": ARRIVED, "maxiter": 4 * CHORDS}
    reached = minimize(objective, start, jac=True, method="BFGS", options=options)
    theta = np.asarray(reached.x, dtype=np.float64)
    arrived = np.abs(reached.jac).max() < ARRIVED and np.abs(theta).max() < EDGE
    return theta if arrived else None


@dataclass(frozen=True)
class Surroundings:
    """What each tuple says of the parameters at the places around an estimate.

    Parameters
    ----------
    start : array
        The estimate, in log-parameters.
    root_of_covariance : array
        Places are counted in it from the estimate: a sample's optimum lies about one from it in each direction.
    scores : array
        A row per tuple; in it, for each place, its part of the gradient.
    """

    start: Floats
    root_of_covariance: Floats
    scores: Floats

    @classmethod
    def of(cls, scores: Callable[[Floats], Floats], start: Floats, covariance: Floats) -> Self:
        """Evaluate each tuple once at every place."""
        root = np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)
        return cls(start, root, np.concatenate([scores(start + root @ place) for place in _places(len(start))], axis=1))

    def root(self, counts: NDArray[np.int64], objective: Callable[[], Objective]) -> Floats | None:
        """Where a sample's gradient is nothing; None where that lies too far away to be told from here.

        Parameters
        ----------
        counts : array
            Of the tuples in the sample.
        objective : callable
            Makes the sample's likelihood, where the cubic alone does not tell well enough.

        Notes
        -----
        On CDNOW the cubic's root is off by 0.01 standard errors, and by 0.05 at most, less than a fifth of what it differs from
        that of a square. Where they differ by more than 0.05, the likelihood itself is asked for a step or two.
        """
        size = len(self.start)
        gradients = (counts.astype(np.float64) @ self.scores / counts.sum()).reshape(-1, size)
        cubic, square = (_zero(_basis(size, degree), _inverse(size, degree) @ gradients) for degree in (3, 2))
        if cubic is not None and (square is None or np.abs(square - cubic).max() > SURE):
            cubic = self._asked(cubic, _inverse(size, 3) @ gradients, objective())
        if cubic is None:
            return None
        theta = np.asarray(self.start + self.root_of_covariance @ cubic)
        return theta if np.abs(theta).max() < EDGE else None

    def _asked(self, place: Floats, coefficients: Floats, likelihood: Objective) -> Floats | None:
        """Steps by the gradient of the likelihood itself and the slopes of the cubic; None where they do not become short."""
        powers = _basis(len(place), 3)
        for _ in range(STEPS):
            gradient = likelihood(self.start + self.root_of_covariance @ place)[1]
            step = _step(_slopes(powers, coefficients, place), gradient)
            if step is None:
                return None
            place = place - step
            if not np.abs(place).max() < FARTHEST:
                return None
            if np.abs(step).max() < NEAR:
                return place
        return None


def _zero(powers: NDArray[np.int64], coefficients: Floats) -> Floats | None:
    """Where polynomials are all nothing, by Newton steps from the origin; None where they lead away."""
    place = np.zeros(powers.shape[1])
    for _ in range(3 * CHORDS):
        step = _step(_slopes(powers, coefficients, place), (place**powers).prod(axis=1) @ coefficients)
        if step is None or not np.abs(place - step).max() < FARTHEST:
            return None
        place = place - step
        if np.abs(step).max() < 1e-8:
            return place
    return None


def _slopes(powers: NDArray[np.int64], coefficients: Floats, place: Floats) -> Floats:
    """How polynomials change with each of their arguments, at a place: a row for each, a column per argument."""
    unit = np.eye(len(place), dtype=np.int64)
    lower = np.maximum(powers[None] - unit[:, None, :], 0)
    return np.asarray(((powers.T * (place**lower).prod(axis=2)) @ coefficients).T)


def _step(slopes: Floats, value: Floats) -> Floats | None:
    """The step of Newton, made no longer than the cubic is good for; None where there is none."""
    try:
        step = np.linalg.solve(slopes, value)
    except np.linalg.LinAlgError:
        return None
    return np.asarray(step * min(1.0, ACROSS / max(float(np.abs(step).max()), 1e-300)))


@cache
def _places(size: int) -> Floats:
    """Places around the origin that tell every polynomial of degree three: along the axes, between two, between three."""
    unit = np.eye(size)
    ways = [sign * far * axis for axis in unit for far in ALONG for sign in (1, -1)]
    ways += [
        ACROSS * (first * one + second * other)
        for one, other in itertools.combinations(unit, 2)
        for first, second in itertools.product((1, -1), repeat=2)
    ]
    ways += [sign * CORNERS * (a + b + c) for a, b, c in itertools.combinations(unit, 3) for sign in (1, -1)]
    return np.array([np.zeros(size), *ways])


@cache
def _basis(size: int, degree: int) -> NDArray[np.int64]:
    """The powers of each term of a polynomial."""
    return np.array([powers for powers in itertools.product(range(degree + 1), repeat=size) if sum(powers) <= degree])


@cache
def _inverse(size: int, degree: int) -> Floats:
    """What makes the coefficients of a polynomial of its values at the places."""
    return np.linalg.pinv((_places(size)[:, None, :] ** _basis(size, degree)[None]).prod(axis=2))
