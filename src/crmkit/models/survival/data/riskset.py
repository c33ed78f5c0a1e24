"""Sums over the customers at risk, per time of leaving: all that a Cox model needs from its data.

Two forms with equal answers. :class:`Rows` holds one row per customer, sorted by time, and works for any covariates; sums over
the risk sets are cumulative sums. :class:`Cells` holds one row per different pattern of covariates and the counts of each
pattern at each time; its cost does not depend on the number of customers. Covariates are centred and scaled in both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crmkit.models.survival.data.observed import Observed, total

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Timeline(NamedTuple):
    """All times of a stratum, rising: when customers were last seen, and when they entered (empty: all at 0).

    `gone` and `came` are customers observed, also where they stand for more.
    """

    ends: Floats
    gone: Floats
    starts: Floats
    came: Floats

    def ranks(self, times: Floats) -> tuple[Floats, Floats]:
        """Customers last seen before the times, and up to and with them."""
        upto = np.concatenate([[0.0], np.cumsum(self.gone)])
        return upto[np.searchsorted(self.ends, times)], upto[np.searchsorted(self.ends, times, side="right")]

    def at_risk(self, times: Floats) -> Floats:
        """Customers under observation just before the times."""
        risk = self.gone.sum() - self.ranks(times)[0]
        if not len(self.starts):
            return np.asarray(risk)
        upto = np.concatenate([[0.0], np.cumsum(self.came)])
        return np.asarray(risk - (self.came.sum() - upto[np.searchsorted(self.starts, times)]))


class Sums(NamedTuple):
    """Per time of leaving: sums of the relative hazard, and of it times the covariates, at risk (S) and leaving (D)."""

    S0: Floats  # (k,)
    S1: Floats  # (p, k)
    D0: Floats
    D1: Floats


class Members(NamedTuple):
    """The rows of the data behind counts: their position, pattern, and what was observed."""

    origin: Ints
    pattern: Ints
    seen: Observed


@dataclass(frozen=True, eq=False)
class Rows:
    """Customers of one stratum, latest time first.

    Parameters
    ----------
    X : array, shape (p, n)
        Covariates.
    weight : array, shape (n,)
        What each row counts.
    leave, join : arrays of int, shape (n,)
        At risk at the times of leaving with position `join <= k < leave`.
    by_join : array of int, shape (n,), or None
        Rows in falling order of `join`; None where nobody enters late.
    who, when : arrays of int, shape (e,)
        Rows that leave, in order of time, and the position of their time.
    times, deaths, tied : arrays, shape (k,)
        Times of leaving, how much leaves then by weight, and how many customers that are.
    origin : array of int, shape (n,)
        Position of the row in the data.
    timeline : Timeline
    """

    X: Floats
    weight: Floats
    leave: Ints
    join: Ints
    by_join: Ints | None
    who: Ints
    when: Ints
    times: Floats
    deaths: Floats
    tied: Floats
    origin: Ints
    timeline: Timeline
    leaving: Ints = field(init=False)
    joining: Ints = field(init=False)

    def __post_init__(self) -> None:
        k = np.arange(len(self.times))
        # rows with leave > k, and those of them not yet entered: join > k
        object.__setattr__(self, "leaving", np.searchsorted(-self.leave, -k, side="left"))
        ordered = self.join if self.by_join is None else self.join[self.by_join]
        object.__setattr__(self, "joining", np.searchsorted(-ordered, -k, side="left"))

    def relative(self, beta: Floats) -> tuple[Floats, Floats]:
        eta = beta @ self.X
        return eta, np.exp(eta) * self.weight

    def _at_risk(self, values: Floats) -> Floats:
        gone = np.cumsum(values)[self.leaving - 1]
        if self.by_join is None:
            return gone
        late = np.concatenate([[0.0], np.cumsum(values[self.by_join])])[self.joining]
        return np.asarray(gone - late)

    def sums(self, theta: Floats) -> Sums:
        k = len(self.times)
        risk = theta[self.who]
        S1 = np.stack([self._at_risk(theta * x) for x in self.X])
        D1 = np.stack([total(self.when, risk * x[self.who], k) for x in self.X])
        return Sums(self._at_risk(theta), S1, total(self.when, risk, k), D1)

    def gram(self, theta: Floats, at_risk: Floats, leaving: Floats) -> Floats:
        upto = np.concatenate([[0.0], np.cumsum(at_risk)])
        weights = theta * (upto[self.leave] - upto[self.join])
        weights[self.who] -= theta[self.who] * leaving[self.when]
        return np.asarray((self.X * weights) @ self.X.T)

    def observed(self) -> Floats:
        k = len(self.times)
        weight = self.weight[self.who]
        return np.stack([total(self.when, weight * x[self.who], k) for x in self.X])

    def squares(self) -> tuple[Floats, Floats]:
        k = len(self.times)
        square = self.weight[self.who] ** 2
        return total(self.when, square, k), np.stack([total(self.when, square * x[self.who], k) for x in self.X])

    def linear(self, eta: Floats) -> float:
        return float(self.weight[self.who] @ eta[self.who])


@dataclass(frozen=True, eq=False)
class Cells:
    """Customers of one stratum, counted per pattern of covariates and time.

    Parameters
    ----------
    X : array, shape (p, patterns)
    at_risk, leaving : arrays, shape (k, patterns)
        Of each pattern at risk, and leaving, at each time of leaving, by weight.
    squared : array, shape (k, patterns)
        Of each pattern leaving, the squares of the weights.
    times, deaths, tied : arrays, shape (k,)
    timeline : Timeline
    members : Members
    """

    X: Floats
    at_risk: Floats
    leaving: Floats
    squared: Floats
    times: Floats
    deaths: Floats
    tied: Floats
    timeline: Timeline
    members: Members

    def relative(self, beta: Floats) -> tuple[Floats, Floats]:
        eta = beta @ self.X
        return eta, np.exp(eta)

    def sums(self, theta: Floats) -> Sums:
        columns = np.vstack([theta, theta * self.X]).T
        S, D = self.at_risk @ columns, self.leaving @ columns
        return Sums(S[:, 0], S[:, 1:].T, D[:, 0], D[:, 1:].T)

    def gram(self, theta: Floats, at_risk: Floats, leaving: Floats) -> Floats:
        weights = theta * (at_risk @ self.at_risk - leaving @ self.leaving)
        return np.asarray((self.X * weights) @ self.X.T)

    def observed(self) -> Floats:
        return np.asarray((self.leaving @ self.X.T).T)

    def squares(self) -> tuple[Floats, Floats]:
        return self.squared.sum(1), np.asarray((self.squared @ self.X.T).T)

    def linear(self, eta: Floats) -> float:
        return float((self.leaving @ eta).sum())


Block = Rows | Cells


class Moments(NamedTuple):
    """What follows for the partial likelihood from one vector of coefficients, per time of leaving."""

    log_likelihood: float
    sums: Sums
    theta: Floats
    # sum over tied leavers of w / (S0 - f D0), w their mean weight: the Efron increment of the baseline hazard
    a1: Floats
    a2: Floats  # ... of w f / ()
    b0: Floats  # ... of w / ()^2
    b1: Floats  # ... of w f / ()^2
    b2: Floats  # ... of w f^2 / ()^2


def moments(block: Block, beta: Floats, ties: str) -> Moments:
    """The partial log-likelihood at these coefficients, and the sums that its derivatives are made of.

    Efron: d customers leaving at one time are taken out of the risk set by 0, 1/d, ..., (d-1)/d of their own sum. Where they
    stand for different numbers, each of the d steps counts their mean weight.
    """
    eta, theta = block.relative(beta)
    sums = block.sums(theta)
    d = block.deaths
    if ties == "breslow":
        a1, zero = d / sums.S0, np.zeros(len(d))
        log_likelihood = block.linear(eta) - float(d @ np.log(sums.S0))
        return Moments(log_likelihood, sums, theta, a1, zero, d / sums.S0**2, zero, zero)
    count = np.rint(block.tied).astype(np.int64)
    first = np.cumsum(count) - count
    f = (np.arange(count.sum()) - np.repeat(first, count)) / np.repeat(count, count)
    mean = np.repeat(d / block.tied, count)
    inverse = 1 / (np.repeat(sums.S0, count) - f * np.repeat(sums.D0, count))
    log_likelihood = block.linear(eta) + float(mean @ np.log(inverse))

    def add(values: Floats) -> Floats:
        return np.asarray(np.add.reduceat(values, first))

    each = mean * inverse
    square, once = each * inverse, f * each
    inner, twice = once * inverse, f * once * inverse
    return Moments(log_likelihood, sums, theta, add(each), add(once), add(square), add(inner), add(twice))


def residuals(block: Block, m: Moments) -> Floats:
    """Score per time of leaving, shape (p, k): covariates of who left minus what was expected."""
    return np.asarray(block.observed() - (m.a1 * m.sums.S1 - m.a2 * m.sums.D1))


def information(block: Block, m: Moments, weights: Floats | None = None) -> Floats:
    """Sum over times of leaving of weights times the variance of the covariates at risk: minus the second derivative."""
    g = np.ones(len(block.times)) if weights is None else weights
    first = block.gram(m.theta, g * m.a1, g * m.a2)
    S1, D1 = m.sums.S1, m.sums.D1
    mixed = (g * m.b1 * S1) @ D1.T
    return np.asarray(first - ((g * m.b0 * S1) @ S1.T - mixed - mixed.T + (g * m.b2 * D1) @ D1.T))
