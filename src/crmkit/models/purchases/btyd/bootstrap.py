"""How would the parameters vary over other samples of as many customers?

A sample of customers with replacement is a multinomial draw of the counts of the tuples, and each refit starts from the
optimum of the whole, with its second derivatives: a few evaluations of the likelihood instead of a search.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from crmkit.core.errors import ModelError
from crmkit.core.results import Quantity, Text
from crmkit.models.basics.draws import ParameterDraws, normal_draws
from crmkit.models.basics.optimise import HIGHEST, LOWEST, Objective, minimise, polish
from crmkit.models.purchases.btyd.fitting import Fit, fit, objective_of, unit_of_params
from crmkit.models.purchases.btyd.tuples import Codes, Tuples

Floats = NDArray[np.float64]

DRAWS = 200
MOST_TUPLES = 300_000  # above, the estimates are as good as normal, and refits only cost time
MOST_FAILED = 0.05
SMALL_STEP = 1e-3  # in standard errors
CHORDS = 12
EDGE = 10.0  # of a log-parameter; beyond, the short way is not trusted
FLAT = 1e-6


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

    def refit(sample: Tuples) -> Floats:
        return np.exp(refit_from(objective_of(sample, fitted, scale), start, fitted.covariance, fitted.n)) * units

    return resampled(fitted, histories.n, lambda counts: refit(drawn(histories, counts)), draws=draws, seed=seed)


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
    optimum = polish(objective, theta) if np.isfinite(theta).all() and np.abs(theta - start).max() < 2 else None
    if optimum is None or optimum.gradient_norm > 1e-8:
        optimum = minimise(objective, np.clip(start, -EDGE, EDGE))
    # customers of a sample may happen not to differ: then a and b (s and beta) grow together, and forecasts still hold
    if optimum.gradient_norm > FLAT or not LOWEST + 2 < optimum.theta.min() <= optimum.theta.max() < HIGHEST - 2:
        raise ModelError(Text("a sample has no maximum of the likelihood inside the allowed range"))
    return optimum.theta
