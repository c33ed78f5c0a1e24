"""How much money can a ranking of customers make at best? Maximum profit, and its expectation over an uncertain save rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, ParamError, Problem

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MaximumProfit:
    """The most that a ranking brings.

    Parameters
    ----------
    profit : float
        Money per customer of the whole base.
    target_share : float
        Share of customers to contact for it (0 to 1; expected, where the save rate is uncertain).
    """

    profit: float
    target_share: float


def maximum_profit(
    churned: ArrayLike,
    score: ArrayLike,
    *,
    save_rate: float = 0.3,
    value: float = 200.0,
    offer_cost: float = 10.0,
    contact_cost: float = 1.0,
) -> MaximumProfit:
    """How much does contacting the best part of this ranking bring per customer, at a known save rate? (MPC)

    Parameters
    ----------
    churned : array_like of 0/1, shape (n,)
        Who left.
    score : array_like, shape (n,)
        Higher = more likely to leave.
    save_rate : float
        Share of the leavers contacted who stay, 0 to 1.
    value, offer_cost, contact_cost : float
        Money: worth of a customer who stays, the offer, the contact.

    Returns
    -------
    MaximumProfit

    References
    ----------
    Verbraken, Verbeke, Baesens (2013), doi:10.1109/TKDE.2012.50.
    """
    leavers, stayers, prior = _hull(churned, score)
    profit = _profit(save_rate, leavers, stayers, prior, value, offer_cost, contact_cost)
    best = int(np.argmax(profit))
    return MaximumProfit(float(profit[best]), float(prior * leavers[best] + (1 - prior) * stayers[best]))


def expected_maximum_profit(
    churned: ArrayLike,
    score: ArrayLike,
    *,
    alpha: float = 6.0,
    beta: float = 14.0,
    value: float = 200.0,
    offer_cost: float = 10.0,
    contact_cost: float = 1.0,
) -> MaximumProfit:
    """How much does this ranking bring per customer if the save rate is only roughly known? (EMPC)

    Parameters
    ----------
    churned, score, value, offer_cost, contact_cost
        As for :func:`maximum_profit`.
    alpha, beta : float > 0
        The save rate is Beta(alpha, beta): mean alpha / (alpha + beta), 0.30 as it stands.

    Returns
    -------
    MaximumProfit

    Raises
    ------
    ModelError
        When nobody or everybody left, or a score is missing.
    ParamError
        When the offer is worth as much as the customer, or a parameter is out of range.

    Notes
    -----
    The integral over the save rate of the best profit at it, exact: between two corners of the convex hull of the ROC curve the
    best threshold is fixed, and the integrals are incomplete beta functions.

    References
    ----------
    Verbraken, Verbeke, Baesens (2013), doi:10.1109/TKDE.2012.50.

    Examples
    --------
    >>> ranking = [1, 1, 0, 1, 0, 1, 0, 0, 0, 0]
    >>> round(expected_maximum_profit(ranking, list(range(10, 0, -1))).profit, 10)
    20.2003164898
    """
    from scipy.special import betainc

    if not (alpha > 0 and beta > 0 and 0 <= offer_cost < value and contact_cost >= 0):
        found = f"alpha {alpha:g}, beta {beta:g}, value {value:g}, offer_cost {offer_cost:g}, contact_cost {contact_cost:g}"
        raise ParamError(Problem("expected maximum profit:", found, "alpha, beta > 0, offer_cost < value, costs of 0 or more"))
    leavers, stayers, prior = _hull(churned, score)
    gained, lost = np.diff(leavers) * prior, np.diff(stayers) * (1 - prior)
    with np.errstate(divide="ignore"):
        switch = ((offer_cost + contact_cost) * lost / gained + contact_cost) / (value - offer_cost)
    edges = np.concatenate([[0.0], np.clip(switch, 0.0, 1.0), [1.0]])
    share = np.diff(betainc(alpha, beta, edges))  # how probable it is that each corner is the best one
    mean = alpha / (alpha + beta) * np.diff(betainc(alpha + 1, beta, edges))
    fixed = contact_cost * prior * leavers + (offer_cost + contact_cost) * (1 - prior) * stayers
    profit = (value - offer_cost) * prior * leavers * mean - fixed * share
    targeted = share @ (prior * leavers + (1 - prior) * stayers)
    return MaximumProfit(float(profit.sum()), float(targeted))


def _profit(
    save_rate: float, leavers: Floats, stayers: Floats, prior: float, value: float, offer_cost: float, contact_cost: float
) -> Floats:
    gain = (save_rate * (value - offer_cost) - contact_cost) * prior * leavers
    return np.asarray(gain - (offer_cost + contact_cost) * (1 - prior) * stayers)


def _hull(churned: ArrayLike, score: ArrayLike) -> tuple[Floats, Floats, float]:
    """Corners of the convex hull of the ROC curve: shares of leavers and of stayers contacted; and the share that left."""
    y, s = np.asarray(churned, dtype=np.float64), np.asarray(score, dtype=np.float64)
    if y.shape != s.shape or not np.isfinite(s).all() or not np.isin(y, (0, 1)).all():
        raise ModelError("maximum profit: churned must be 0 or 1 and score a number, one of each per customer")
    if y.min() == y.max():
        raise ModelError("maximum profit: nobody or everybody left, so no ranking can be judged")
    order = np.argsort(-s, kind="stable")
    last = np.flatnonzero(np.append(np.diff(s[order]) != 0, True))
    hits, misses = np.cumsum(y[order])[last], np.cumsum(1 - y[order])[last]
    x, z = np.concatenate([[0.0], misses / misses[-1]]), np.concatenate([[0.0], hits / hits[-1]])
    corners = [0]
    for k in range(1, len(x)):
        while len(corners) > 1:
            i, j = corners[-2], corners[-1]
            if (z[j] - z[i]) * (x[k] - x[j]) > (z[k] - z[j]) * (x[j] - x[i]):
                break
            corners.pop()
        corners.append(k)
    return z[corners], x[corners], float(y.mean())
