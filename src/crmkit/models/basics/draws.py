"""How sure are parameters, and whatever follows from them? Draws of parameters, and intervals of what is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError
from crmkit.core.results import Text

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Known:
    """A model with given parameters, for example published or assumed ones, or one draw of them."""

    model: str
    params: Mapping[str, float]


@dataclass(frozen=True)
class Interval:
    """A figure with its interval; each is an array of the shape that the figure has."""

    value: Floats
    low: Floats
    high: Floats
    method: str


@dataclass(frozen=True, eq=False)
class ParameterDraws:
    """Parameters that could as well have come out.

    Parameters
    ----------
    model : str
        Which model.
    names : tuple of str
        The parameters that were estimated.
    values : array, shape (draws, parameters)
        In the units of the fit.
    method : {"bootstrap", "normal"}
        Refits to samples with replacement, or the normal distribution of the log-parameters (Laplace).
    failed : int
        Samples that could not be fitted and were replaced by further ones.
    fixed : mapping of str to float
        Parameters that were not estimated, for example the k of a regularity model.
    """

    model: str
    names: tuple[str, ...]
    values: Floats
    method: str
    failed: int = 0
    fixed: Mapping[str, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.values)

    def fits(self) -> tuple[Known, ...]:
        """The draws as models to predict with."""
        return tuple(
            Known(self.model, MappingProxyType({**dict(zip(self.names, row, strict=True)), **self.fixed}))
            for row in self.values.tolist()
        )


def normal_draws(
    model: str,
    params: Mapping[str, float],
    covariance: ArrayLike,
    *,
    draws: int = 200,
    seed: int = 0,
    fixed: Mapping[str, float] | None = None,
    above: Mapping[str, float] | None = None,
) -> ParameterDraws:
    """Which parameters does the normal distribution of the log-parameters allow? (Laplace's approximation)

    Parameters
    ----------
    model : str
        Goes into the draws.
    params : mapping of str to float > 0
        The estimates; those in `fixed` are not varied.
    covariance : array_like, shape (k, k)
        Of the logarithms of the estimated parameters, in their order.
    draws, seed : int
        How many, and what makes them repeatable.
    fixed : mapping of str to float, optional
        Parameters that were not estimated.
    above : mapping of str to float, optional
        Lower limits, such as q > 1 of a spend model; draws that break one are made anew.

    Returns
    -------
    ParameterDraws
        With method ``"normal"``.

    Raises
    ------
    ModelError
        Where more than half of the draws break a limit: the estimate is too near it for the approximation.

    Examples
    --------
    >>> normal_draws("x", {"r": 2.0}, [[0.01]], draws=1000).values.mean().round(1).item()
    2.0
    """
    kept = dict(fixed or {})
    names = tuple(name for name in params if name not in kept)
    centre = np.log([params[name] for name in names])
    rng = np.random.default_rng(seed)
    rows = np.empty((0, len(names)))
    for _ in range(20):
        more = np.exp(rng.multivariate_normal(centre, np.asarray(covariance, dtype=np.float64), size=draws))
        allowed = np.ones(len(more), dtype=bool)
        for name, limit in (above or {}).items():
            allowed &= more[:, names.index(name)] > limit
        if allowed.mean() < 0.5:
            limits = ", ".join(f"{name} > {limit:g}" for name, limit in (above or {}).items())
            raise ModelError(
                Text(
                    "{model}: too near its limit ({limits}) for the normal approximation; more customers are needed.",
                    {"model": model, "limits": limits},
                )
            )
        rows = np.concatenate([rows, more[allowed]])
        if len(rows) >= draws:
            break
    return ParameterDraws(model, names, rows[:draws], "normal", 0, MappingProxyType(kept))


def interval(
    function: Callable[[Known], ArrayLike], fitted: Known | object, draws: ParameterDraws, *, confidence: float = 0.95
) -> Interval:
    """How sure is a figure that follows from the parameters?

    Parameters
    ----------
    function : callable
        Takes a model with parameters and returns a number or an array, for example a total per tier.
    fitted : fit
        The model with its best parameters: gives the value.
    draws : ParameterDraws
        Other parameters that could have come out.
    confidence : float
        Coverage, between 0 and 1.

    Returns
    -------
    Interval
        Value at the best parameters, and percentiles over the draws. It covers what is not known about the parameters, not the
        chance of what single customers do.

    References
    ----------
    Efron, Tibshirani (1986), Statistical Science 1(1), https://doi.org/10.1214/ss/1177013815.

    Examples
    --------
    >>> draws = normal_draws("x", {"r": 2.0}, [[0.01]], draws=1000)
    >>> found = interval(lambda fit: fit.params["r"] ** 2, Known("x", {"r": 2.0}), draws)
    >>> found.value.item(), found.low.round(1).item(), found.high.round(1).item()
    (4.0, 2.7, 5.8)
    """
    value = np.asarray(function(fitted), dtype=np.float64)  # type: ignore[arg-type]
    spread = np.array([np.asarray(function(one), dtype=np.float64) for one in draws.fits()])
    low, high = percentiles(spread, confidence)
    return Interval(value, low, high, draws.method)


def percentiles(spread: Floats, confidence: float) -> tuple[Floats, Floats]:
    """The lower and upper limit over the first axis.

    The limits are order statistics at (draws + 1) times the share: between these a further draw falls with exactly that
    probability, whatever its distribution. The usual interpolation between the smallest and the largest draw leaves out one
    per cent of 95 with 200 draws.
    """
    if not 0 < confidence < 1:
        raise ModelError(f"confidence is {confidence}; it is a share between 0 and 1.")
    low, high = np.quantile(spread, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0, method="weibull")
    return np.asarray(low), np.asarray(high)
