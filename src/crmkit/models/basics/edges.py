"""Do the data say where between its limits a model lies? One rule for every model fitted by maximum likelihood.

A model in which customers differ has limits in which they do not: nobody leaves, all leave equally readily, all buy at one
rate. Near such an edge the likelihood is flat, and where its highest point lies, or whether there is one, hangs on the last
bit of a sum. The verdict therefore never asks whether a search came to rest. It asks by how much the log-likelihood rises
above that of each limiting model, and how sharply it falls off around the estimate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmkit.core.errors import ModelError
from crmkit.core.results import Text
from crmkit.models.basics.optimise import Objective, Optimum, minimise, settle

Floats = NDArray[np.float64]

FAR = 11.0
WIDEST = 3.0
LEAST = 1 / (2 * WIDEST**2)
SURE = 0.5
SHORT = 1e-3


ALIKE = Text("nothing in the histories shows that customers differ in how readily they leave")


class LimitError(ModelError):
    """A model that cannot be told from one of its limits, with what that would mean."""

    def __init__(self, problem: Text, limit: Text) -> None:
        super().__init__(problem)
        self.limit = limit


@dataclass(frozen=True, eq=False)
class Edge:
    """A limiting model: its log-parameters are ``base + along @ u`` with free u, and what it would mean."""

    said: Text
    base: Floats
    along: Floats

    def reached(self, theta: Floats) -> bool:
        """Does a point lie at the limit, or beyond?"""
        return bool((theta * self.base).sum() >= (self.base**2).sum())


def chance_edges(k: int, goes: int, stays: int, *, nobody: bool = True) -> list[Edge]:
    """Which limits has a chance of leaving that varies as Beta(exp(theta[goes]), exp(theta[stays]))? Simplest first.

    Parameters
    ----------
    k : int
        Log-parameters of the model.
    goes, stays : int
        Places of the two parameters of the distribution.
    nobody : bool
        Whether the data allow that nobody leaves.
    """
    none = edge(Text("nothing in the histories shows that any customer has left"), k, {goes: -FAR, stays: 0.0})
    every = edge(Text("the histories look as if every customer left at the first chance"), k, {goes: 0.0, stays: -FAR})
    divided = Text("the histories look as if customers left at once or never")
    both = [edge(ALIKE, k, {}, (goes, stays), FAR), edge(divided, k, {}, (goes, stays), -FAR)]
    return [*([none] if nobody else []), every, *both]


def lifetime_edges(k: int, shape: int, rate: int) -> list[Edge]:
    """Which limits has a rate of leaving that varies as Gamma(exp(theta[shape]), exp(theta[rate]))? Simplest first."""
    none = edge(Text("nothing in the histories shows that any customer has left"), k, {shape: -FAR, rate: 0.0})
    divided = Text("the histories look as if customers left at once or never")
    return [none, edge(ALIKE, k, {}, (shape, rate), FAR), edge(divided, k, {rate: -FAR})]


def buying_edges(k: int, shape: int, rate: int) -> list[Edge]:
    """Which limit has a rate of buying that varies as Gamma(exp(theta[shape]), exp(theta[rate]))?"""
    alike = Text("nothing in the histories shows that customers differ in how often they buy")
    return [edge(alike, k, {}, (shape, rate), FAR)]


def occasion_edges(k: int, buys: int, skips: int) -> list[Edge]:
    """Which limits has a chance of using an occasion that varies as Beta(exp(theta[buys]), exp(theta[skips]))?"""
    alike = Text("nothing in the histories shows that customers differ in how often they buy")
    every = Text("the histories look as if every customer used each occasion")
    divided = Text("the histories look as if customers used each occasion or none")
    return [
        edge(every, k, {buys: 0.0, skips: -FAR}),
        edge(alike, k, {}, (buys, skips), FAR),
        edge(divided, k, {}, (buys, skips), -FAR),
    ]


def edge(said: Text, k: int, held: Mapping[int, float], opposed: tuple[int, int] | None = None, level: float = 0.0) -> Edge:
    """The limit at which some log-parameters are held, and two move against each other around one level."""
    base, columns = np.zeros(k), []
    for place, value in held.items():
        base[place] = value
    if opposed:
        base[list(opposed)] = level
        columns.append(np.eye(k)[opposed[0]] - np.eye(k)[opposed[1]])
    columns += [np.eye(k)[i] for i in range(k) if i not in held and i not in (opposed or ())]
    return Edge(said, base, np.array(columns).T.reshape(k, len(columns)))


def widened(edges: Sequence[Edge], more: int) -> list[Edge]:
    """The same limits of a model with so many more parameters, all of them free."""
    return [
        Edge(
            one.said,
            np.append(one.base, np.zeros(more)),
            np.block(
                [
                    [one.along, np.zeros((len(one.base), more))],
                    [np.zeros((more, one.along.shape[1])), np.eye(more)],
                ]
            ),
        )
        for one in edges
    ]


def highest(objective: Objective, start: Floats, customers: int, *, far: float = FAR) -> Optimum:
    """Where is the likelihood highest, as far as that can be said? Searched until what is missing no longer matters."""
    return settle(objective, minimise(objective, start), customers, beyond=far)


def require_inside(
    objective: Objective,
    optimum: Optimum,
    customers: int,
    names: Sequence[str],
    edges: Sequence[Edge],
    what: str,
    *,
    far: float = FAR,
    bounded: Sequence[str] | None = None,
) -> None:
    """Do the data say where between its limits the model lies?

    Parameters
    ----------
    objective : callable
        The mean negative log-likelihood over log-parameters, with its gradient.
    optimum : Optimum
        From :func:`highest`.
    customers : int
        How many the mean is over.
    names : sequence of str
        Of the parameters.
    edges : sequence of Edge
        The limiting models, the simplest first.
    what : str
        The model's name.
    far : float
        Size of a log-parameter that no estimate has.
    bounded : sequence of str or None
        Parameters whose standard error decides; None: all. What is predicted may hang on one of them alone.

    Raises
    ------
    LimitError
        Says in words what the data do not show, and what to try.
    """
    reason = reason_against(objective, optimum, customers, names, edges, far=far, bounded=bounded)
    if reason is not None:
        raise LimitError(
            Text(
                "{what} cannot be fitted: {reason}; take more customers or a longer period, or a model with fewer parts.",
                {"what": what, "reason": reason},
            ),
            reason,
        )


def reason_against(
    objective: Objective,
    optimum: Optimum,
    customers: int,
    names: Sequence[str],
    edges: Sequence[Edge],
    *,
    far: float = FAR,
    bounded: Sequence[str] | None = None,
) -> Text | None:
    """Why can the model not be told from one of its limits? None where it can; parameters as for :func:`require_inside`.

    Notes
    -----
    1. Gain. Let phi, say 1 / a, measure the distance from an edge. Near it the log-likelihood is a parabola in phi, so the gain
       over the limit is G = (phi / se(phi))^2 / 2 = 1 / (2 se(log a)^2). It has to be 1/18 or more (`LEAST`), which is a
       standard error of log a of 3 (`WIDEST`): a 95 % interval that reaches from a 358th of the estimate to 358 times as much.
    2. Curvature. The standard error of each log-parameter, from the second derivatives, has to be 3 at most. This is the same
       bound, and holds as well where the likelihood is flat in a direction that leads to none of the limits listed.

    Neither moves with the last bit. G differs by the rounding of two sums, 1e-10 of the log-likelihood at worst (1e-4 for a
    million customers), wherever in the flat part the search stopped; verdicts can differ between machines only for data whose
    G lies that near to 1/18. Where G is above, the estimate is determined, and so is the curvature there.

    A limit is taken at exp(11) or exp(-11) (`FAR`), 60,000 times from 1, which no sample can tell from the limit itself and at
    which gamma functions still keep ten digits. An estimate beyond that is refused. Where all log-parameters are known to a
    standard error of 0.5 (`SURE`), G is about 2 and more, so the limiting models need not be fitted.
    """
    theta, errors, missing = optimum.theta, standard_errors(optimum, customers), shortfall(optimum, customers)
    inside = bool(np.abs(theta[: len(names)]).max() < far)
    if not (inside and missing < SHORT and errors[: len(names)].max() < SURE):
        for one in edges:
            if customers * (_best(objective, one, theta) - optimum.value) < LEAST:
                return one.said
        for one in edges:
            if one.reached(theta):
                return one.said
    for name, value, error in zip(names, theta, errors, strict=False):
        if abs(value) >= far:
            return Text("{name} runs to {towards}", {"name": name, "towards": Text("zero") if value < 0 else Text("infinity")})
        if (bounded is None or name in bounded) and not error <= WIDEST:
            return Text("the histories leave open how large {name} is, by a factor of more than 300 either way", {"name": name})
    return None if missing < SHORT else Text("the likelihood has no highest point that could be found")


def standard_errors(optimum: Optimum, customers: int) -> Floats:
    """How far may each log-parameter be off? Infinite where the likelihood does not fall off on all sides."""
    values, vectors = np.linalg.eigh(optimum.hessian * customers)
    if not (np.isfinite(values).all() and values.min() > 0):
        return np.full(len(optimum.theta), np.inf)
    return np.asarray(np.sqrt((vectors**2 / values).sum(1)))


def shortfall(optimum: Optimum, customers: int) -> float:
    """By how much does the log-likelihood fall short of its highest point, by its derivatives? All customers together."""
    values, vectors = np.linalg.eigh(optimum.hessian)
    if not (np.isfinite(values).all() and values.min() > 0):
        return np.inf
    return float(customers * ((vectors.T @ optimum.gradient) ** 2 / values).sum() / 2)


def _best(objective: Objective, one: Edge, theta: Floats) -> float:
    """The lowest mean negative log-likelihood of the limiting model."""

    def at(u: Floats) -> tuple[float, Floats]:
        value, gradient = objective(one.base + (one.along * u).sum(1))
        return value, (one.along * gradient[:, None]).sum(0)

    if not one.along.shape[1]:
        return objective(one.base)[0]
    near = np.clip(theta, -FAR, FAR) - one.base
    start = (one.along * near[:, None]).sum(0) / (one.along**2).sum(0)
    return minimise(at, np.clip(start, -5.0, 5.0)).value
