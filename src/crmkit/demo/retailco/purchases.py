"""When does a customer buy, and for how much? The laws behind the CLV models, drawn for many customers at once.

Purchases come from a Pareto/NBD process: while a customer is alive, they arrive at random with a rate of the customer's own,
and every customer's lifetime ends at random with a rate of its own. The money of a purchase is Gamma-Gamma: it varies around a
mean of the customer's own, whatever the rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

DAYS_PER_WEEK = 7.0


@dataclass(frozen=True)
class Laws:
    """Parameters of the population.

    Parameters
    ----------
    r, alpha : float
        Purchase rate per week ~ Gamma(shape r, rate alpha weeks).
    s, beta : float
        Dropout rate per week ~ Gamma(shape s, rate beta weeks).
    p, q, v : float
        Money of a purchase ~ Gamma(shape p, rate nu), nu ~ Gamma(shape q, rate v); q > 1.
    """

    r: float
    alpha: float
    s: float
    beta: float
    p: float
    q: float
    v: float

    @property
    def mean_spend(self) -> float:
        """Expected money of a purchase of a customer drawn at random."""
        return self.p * self.v / (self.q - 1)

    def expected_repeats(self, weeks: Floats | float) -> Floats | float:
        """Expected purchases of a new customer in the weeks after the first purchase.

        Notes
        -----
        r beta / (alpha (s - 1)) [1 - (beta / (beta + t))^(s - 1)], s != 1: Schmittlein, Morrison, Colombo (1987), equation 17,
        https://doi.org/10.1287/mnsc.33.1.1.
        """
        factor = self.r * self.beta / (self.alpha * (self.s - 1))
        return factor * (1 - (self.beta / (self.beta + weeks)) ** (self.s - 1))


@dataclass(frozen=True)
class People:
    """What nobody can see of the customers; one element per customer.

    Parameters
    ----------
    rate : array
        Purchases per day while alive.
    dropout : array
        Probability of the lifetime's end per day.
    life : array
        Days from the first purchase to the end.
    nu : array
        Rate of the law of the customer's purchases in money; the mean purchase is p / nu.
    """

    rate: Floats
    dropout: Floats
    life: Floats
    nu: Floats


def draw_people(rng: np.random.Generator, laws: Laws, n: int) -> People:
    """Customers from a population."""
    rate = rng.gamma(laws.r, 1 / laws.alpha, n) / DAYS_PER_WEEK
    dropout = rng.gamma(laws.s, 1 / laws.beta, n) / DAYS_PER_WEEK
    return People(rate, dropout, rng.exponential(1 / dropout), rng.gamma(laws.q, 1 / laws.v, n))


def draw_times(rng: np.random.Generator, people: People, days: Floats) -> tuple[Ints, Floats]:
    """Repeat purchases of each customer in the days after the first purchase.

    Parameters
    ----------
    rng : numpy.random.Generator
    people : People
    days : array
        How long each customer is watched.

    Returns
    -------
    who : array of int
        Place of the customer in ``people``, ascending.
    when : array of float
        Days after the first purchase, ascending within a customer.

    Notes
    -----
    Given their number, the arrivals of a Poisson process are uniform over the time; so no purchase waits for the one before.
    """
    until = np.minimum(days, people.life)
    number = rng.poisson(people.rate * until)
    who = np.repeat(np.arange(len(until)), number)
    when = rng.uniform(0, 1, len(who)) * until[who]
    order = np.lexsort((when, who))
    return who[order], when[order]


def draw_cents(rng: np.random.Generator, laws: Laws, nu: Floats) -> Ints:
    """Money of purchases in whole cents, one per element of ``nu``; at least one cent."""
    money = rng.gamma(laws.p, 1 / nu)
    return np.maximum(1, np.rint(money * 100)).astype(np.int64)


def expected_future(people: People, alive: NDArray[np.bool_], days: float) -> Floats:
    """Purchases to expect of each customer in the next days, of somebody who knows rate, dropout and who is alive.

    Notes
    -----
    rate (1 - exp(-dropout * days)) / dropout for who is alive, 0 for others.
    """
    return np.where(alive, people.rate * -np.expm1(-people.dropout * days) / people.dropout, 0.0)
