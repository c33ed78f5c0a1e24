"""What is each buy-till-you-die model made of? One table of functions, so that nothing else asks which model it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

import crmkit.models.purchases.btyd.betageo as betageo
import crmkit.models.purchases.btyd.erlang as erlang
import crmkit.models.purchases.btyd.pareto as pareto
import crmkit.models.purchases.btyd.purchases as purchases
from crmkit.core.errors import ModelError, Problem, did_you_mean
from crmkit.models.basics.edges import Edge, buying_edges, chance_edges, lifetime_edges
from crmkit.models.basics.optimise import Objective
from crmkit.models.basics.quadrature import decay_integrals
from crmkit.models.purchases.btyd.columns import each_once
from crmkit.models.purchases.btyd.tuples import Tuples

Floats = NDArray[np.float64]


class Fitted(Protocol):
    """Anything with a model's name and its parameters: a :class:`Fit`, or :func:`known` parameters."""

    @property
    def model(self) -> str: ...

    @property
    def params(self) -> Mapping[str, float]: ...


@dataclass(frozen=True)
class Search:
    """How the parameters of a model are searched for.

    Parameters
    ----------
    start : callable
        From k, which only MBG/CNBD-k has, to the log-parameters at which the search begins, times in units of the mean T.
    objective : callable
        From tuples, the unit of time and k to the likelihood.
    groups : callable or None
        The same of many small groups at once, where that is quicker.
    exact : callable or None
        The likelihood by itself where the search uses an accelerator.
    scores : callable or None
        What each tuple says, where its likelihood is costly: all samples of a bootstrap then share it.
    """

    start: Callable[[int], Floats]
    objective: Callable[[Tuples, float, int], Objective]
    groups: Callable[[Sequence[Tuples], float], Callable[[Floats], tuple[Floats, Floats]]] | None = None
    exact: Callable[[Tuples, float], Objective] | None = None
    scores: Callable[[Tuples, float], Callable[[Floats], Floats]] | None = None


@dataclass(frozen=True)
class Model:
    """A buy-till-you-die model: functions of its parameters and of columns with a row per customer.

    Parameters
    ----------
    title : str
    names : tuple of str
        The parameters in the order that the functions take; the third says how slowly those leave who stay longest.
    leaves_after : int or None
        The first purchase after which a customer may leave, 0 being the first of all; None: at any time.
    by_recency : bool
        Whether the future of a customer who is alive hangs on the last purchase too.
    search : Search
    log_likelihood, alive : callable
        Of frequency, recency, T.
    active, purchases : callable
        Of frequency, recency, T and a time: how probable is a purchase, and how many are there, of a customer alive at T?
    discounted : callable
        The same number with a rate of discount behind the time.
    for_ever : callable
        Purchases without end of time, where that is finite.
    counted : callable
        Of a number of purchases and a time: how probable is that number in a new customer's first time?
    """

    title: str
    names: tuple[str, ...]
    leaves_after: int | None
    by_recency: bool
    search: Search
    log_likelihood: Callable[[Floats, Floats, Floats, Floats], Floats]
    alive: Callable[[Floats, Floats, Floats, Floats], Floats]
    active: Callable[[Floats, Floats, Floats, Floats, Floats], Floats]
    purchases: Callable[[Floats, Floats, Floats, Floats, Floats], Floats]
    discounted: Callable[[Floats, Floats, Floats, Floats, Floats, float], Floats]
    for_ever: Callable[[Floats, Floats, Floats], Floats]
    counted: Callable[[Floats, Floats, Floats], Floats]

    def edges(self) -> list[Edge]:
        """The limiting models."""
        leaving = lifetime_edges(4, 2, 3) if self.leaves_after is None else chance_edges(4, 2, 3)
        return [*leaving, *buying_edges(4, 0, 1)]


def _stayed(params: Floats) -> Floats:
    """The parameters where a customer has stayed once more than was bought again: after the first purchase of all."""
    return np.asarray(params[:4] + np.array([0.0, 0.0, 0.0, 1.0]))


def _buys(params: Floats, x: Floats, tx: Floats, T: Floats, t: Floats) -> Floats:
    return np.asarray(-np.expm1(-(params[0] + x) * np.log1p(t / (params[1] + T))))


def _buys_before_leaving(params: Floats, x: Floats, tx: Floats, T: Floats, t: Floats) -> Floats:
    r, alpha, s, beta = params
    span = alpha + T
    return np.asarray((r + x) / span * decay_integrals(span, r + x + 1, beta + T, s, t)[0])


def _geometric(title: str, *, modified: bool) -> Model:
    of = _stayed if modified else np.asarray
    return Model(
        title=title,
        names=("r", "alpha", "a", "b"),
        leaves_after=0 if modified else 1,
        by_recency=False,
        search=Search(
            start=lambda k: betageo.log_start(),
            objective=lambda histories, scale, k: betageo.objective(histories, scale, modified),
            groups=lambda groups, scale: betageo.objectives(groups, scale, modified),
        ),
        log_likelihood=lambda params, x, tx, T: betageo.log_likelihood(params, x, tx, T, modified),
        alive=lambda params, x, tx, T: np.asarray(betageo.probability_alive(params, x, tx, T, modified)),
        active=_buys,
        purchases=lambda params, x, tx, T, t: purchases.geometric_purchases(of(params), x, T, t),
        discounted=lambda params, x, tx, T, t, rate: purchases.geometric_discounted(of(params), x, T, t, rate),
        for_ever=lambda params, x, T: purchases.geometric_for_ever(of(params), x, T),
        counted=lambda params, x, t: purchases.geometric_probability(params, x, t, modified),
    )


MODELS: Mapping[str, Model] = MappingProxyType(
    {
        "bgnbd": _geometric("BG/NBD", modified=False),
        "mbgnbd": _geometric("MBG/NBD", modified=True),
        "pareto_nbd": Model(
            title="Pareto/NBD",
            names=("r", "alpha", "s", "beta"),
            leaves_after=None,
            by_recency=False,
            search=Search(
                start=lambda k: pareto.log_start(),
                objective=lambda histories, scale, k: pareto.objective(histories, scale),
                exact=lambda histories, scale: pareto.objective(histories, scale, exact=True),
                scores=pareto.scores,
            ),
            log_likelihood=pareto.log_likelihood,
            alive=lambda params, *history: each_once(lambda x, tx, T: pareto.probability_alive(params, x, tx, T), *history),
            active=_buys_before_leaving,
            purchases=lambda params, x, tx, T, t: purchases.pareto_purchases(params, x, T, t),
            discounted=lambda params, x, tx, T, t, rate: purchases.pareto_discounted(params, x, T, t, rate),
            for_ever=purchases.pareto_for_ever,
            counted=purchases.pareto_probability,
        ),
        "mbgcnbd": Model(
            title="MBG/CNBD-k",
            names=("r", "alpha", "a", "b", "k"),
            leaves_after=0,
            by_recency=True,
            search=Search(start=erlang.log_start, objective=erlang.objective),
            log_likelihood=erlang.log_likelihood,
            alive=lambda params, *history: each_once(lambda x, tx, T: erlang.probability_alive(params, x, tx, T), *history),
            active=erlang.active,
            purchases=erlang.purchases,
            discounted=erlang.discounted,
            for_ever=lambda params, x, T: purchases.geometric_for_ever(_stayed(params), x, T),
            counted=erlang.probability_purchases,
        ),
    }
)
PARAMETERS: Mapping[str, tuple[str, ...]] = MappingProxyType({name: one.names for name, one in MODELS.items()})
TITLES: Mapping[str, str] = MappingProxyType({name: one.title for name, one in MODELS.items()})


def model_of(name: str) -> Model:
    """The model of this name.

    Raises
    ------
    ModelError
        Where there is none.
    """
    if name not in MODELS:
        raise ModelError(Problem("model", f"'{name}' does not exist", did_you_mean(str(name), MODELS)))
    return MODELS[name]


def values(fitted: Fitted) -> Floats:
    """The parameters in the order that the model's functions take."""
    return np.array([fitted.params[name] for name in model_of(fitted.model).names])
