"""Did the campaign work? A hold-out arm that can be recomputed, what it can detect, and the uplift by intention to treat."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, ParamError, Problem
from crmkit.core.language import mark
from crmkit.models.basics.estimates import critical
from crmkit.models.basics.shares import newcombe
from crmkit.models.survival.data.observed import chi_squared

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CONTROL_SHARE = 0.2


@dataclass(frozen=True)
class Uplift:
    """A difference between treated and control customers, all counted as assigned.

    Parameters
    ----------
    value, low, high : float
        Treated minus control; shares 0 to 1, or money per customer.
    p : float
        Never 0.
    treated, control : float
        Mean of each arm.
    n_treated, n_control : int
    method : str
    """

    value: float
    low: float
    high: float
    p: float
    treated: float
    control: float
    n_treated: int
    n_control: int
    method: str


def control_arm(customer_ids: Iterable[object], *, key: bytes, campaign: str, share: float = CONTROL_SHARE) -> Bools:
    """Who is left alone, so that the effect of a campaign can be measured?

    Parameters
    ----------
    customer_ids : iterable
        Of all who were chosen to be contacted.
    key : bytes
        The client's secret.
    campaign : str
        Its name; another campaign draws other customers.
    share : float
        Of the chosen, 0 to 1.

    Returns
    -------
    array of bool
        True = control. Depends on the customer, the campaign and the key alone: it can be recomputed at any time, in any order,
        and a customer stays in the arm when others come or go.

    Notes
    -----
    HMAC-SHA256 of campaign and id; its first 53 bits as a number in [0, 1) are compared with the share.

    Examples
    --------
    >>> arm = control_arm(range(10_000), key=b"secret", campaign="spring")
    >>> bool(abs(arm.mean() - 0.2) < 0.02)
    True
    """
    if not 0 <= share <= 1:
        raise ParamError(Problem("control share", f"is {share}", "it lies between 0 and 1, for example 0.2"))
    limit = round(share * 2**53)
    start = hmac.new(key, f"{campaign}\0".encode(), hashlib.sha256)

    def number(customer: object) -> int:
        own = start.copy()
        own.update(str(customer).encode())
        return int.from_bytes(own.digest()[:7], "big") >> 3

    return np.fromiter((number(customer) < limit for customer in customer_ids), dtype=bool)


def minimum_detectable(
    n_treated: int,
    n_control: int,
    *,
    standard_deviation: float,
    power: float = 0.8,
    confidence: float = 0.95,
) -> float:
    """How large must the true effect be, to be found with this probability?

    Parameters
    ----------
    n_treated, n_control : int >= 1
    standard_deviation : float > 0
        Of the outcome between customers; sqrt(r (1 - r)) for a share r.
    power : float
        Probability of finding it.
    confidence : float
        Level of the two-sided interval that must exclude 0.

    Returns
    -------
    float
        Difference of the means, in the unit of the outcome.

    Examples
    --------
    >>> round(minimum_detectable(4400, 1100, standard_deviation=0.3), 4)
    0.0283
    """
    from scipy.special import ndtri

    if n_treated < 1 or n_control < 1:
        raise ModelError(f"uplift: {n_treated} treated and {n_control} control customers; each arm needs at least one")
    if not 0 < power < 1:
        raise ParamError(Problem("power", f"is {power}", "it lies between 0 and 1, for example 0.8"))
    return (critical(confidence) + float(ndtri(power))) * standard_deviation * float(np.sqrt(1 / n_treated + 1 / n_control))


def uplift_share(outcome: ArrayLike, control: ArrayLike, *, confidence: float = 0.95) -> Uplift:
    """By how much did the campaign change the share of customers who stay (or leave, or buy)?

    Parameters
    ----------
    outcome : array_like of 0/1, shape (n,)
    control : array_like of bool, shape (n,)
        The arm as assigned, whoever was reached.
    confidence : float

    Returns
    -------
    Uplift
        Difference of shares; interval after Newcombe (from the Wilson limits of each arm), p from the score test.

    References
    ----------
    Newcombe (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
    """
    y, arm = _arms(outcome, control)
    if not np.isin(y, (0.0, 1.0)).all():
        raise ModelError("uplift: outcome must be 0 or 1; take uplift_spend for money")
    n1, n0 = int((~arm).sum()), int(arm.sum())
    found = newcombe(y[arm].sum(), n0, y[~arm].sum(), n1, confidence=confidence)
    value, low, high = (float(one[0]) for one in (found.value, found.low, found.high))
    pooled = y.mean()
    variance = pooled * (1 - pooled) * (1 / n1 + 1 / n0)
    p = chi_squared(value**2 / variance, 1)[0] if variance > 0 else 1.0
    method = mark("difference of shares, Newcombe interval")
    return Uplift(value, low, high, p, float(y[~arm].mean()), float(y[arm].mean()), n1, n0, method)


def uplift_spend(spend: ArrayLike, control: ArrayLike, *, confidence: float = 0.95) -> Uplift:
    """By how much did the campaign change what customers spend, when most spend nothing?

    Parameters
    ----------
    spend : array_like, shape (n,)
        Money per customer in the time looked at; 0 where nothing was bought.
    control : array_like of bool, shape (n,)
    confidence : float

    Returns
    -------
    Uplift
        Difference of mean spend per customer.

    Notes
    -----
    The mean of an arm is its share of buyers times their mean amount; its variance is (q (1 - q) m^2 + q s^2) / n with the
    arm's own share q (half a buyer and half a non-buyer added) and with mean m and variance s^2 of the amounts of the buyers
    of both arms together. Amounts are skewed and a small arm has few buyers: its own variance is then small exactly when its
    mean is small, which makes Welch's test reject a true null too often. Pooling the amounts breaks that bond.
    """
    y, arm = _arms(spend, control)
    reach = critical(confidence)
    amounts = y[y != 0]
    if len(amounts) < 2:
        raise ModelError("uplift: fewer than two customers have spent anything")
    m, s2 = float(amounts.mean()), float(amounts.var(ddof=1))
    means, variance, sizes = [], 0.0, []
    for which in (~arm, arm):
        own = y[which]
        q = (np.count_nonzero(own) + 0.5) / (len(own) + 1)
        variance += (q * (1 - q) * m**2 + q * s2) / len(own)
        means.append(float(own.mean()))
        sizes.append(len(own))
    value, error = means[0] - means[1], float(np.sqrt(variance))
    p = chi_squared((value / error) ** 2, 1)[0]
    method = mark("difference of means, two-part pooled variance")
    return Uplift(value, value - reach * error, value + reach * error, p, means[0], means[1], sizes[0], sizes[1], method)


def _arms(outcome: ArrayLike, control: ArrayLike) -> tuple[Floats, Bools]:
    y, arm = np.asarray(outcome, dtype=np.float64), np.asarray(control, dtype=bool)
    if y.shape != arm.shape or not np.isfinite(y).all():
        raise ModelError("uplift: outcome must be a number, and control true or false, for each customer")
    if arm.all() or not arm.any():
        raise ModelError("uplift: one of the arms is empty; without customers left alone nothing can be compared")
    return y, arm
