"""How often does each customer usually buy, and how long is their silence in own gaps? The rule that a model has to beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, ParamError, Problem
from crmkit.core.results import Text
from crmkit.models.survival.data.observed import group_codes, total

Floats = NDArray[np.float64]

PRIOR_GAPS, MOST_GAPS, LEAST_CUSTOMERS = 2.0, 20.0, 10
NORMAL_QUARTERS = 1.3489795  # distance of the quartiles of a normal distribution with standard deviation 1
NOBODY_TWICE = Text("no gap between purchases has ended; nobody has bought twice")


def own_rhythm(
    mean_gap: ArrayLike, gaps_before: ArrayLike, *, typical: float, prior_gaps: float = PRIOR_GAPS
) -> NDArray[np.float64]:
    """How long is a customer's usual gap, as far as their few gaps can tell?

    Parameters
    ----------
    mean_gap : array_like, shape (n,)
        Mean of the customer's ended gaps; anything where there is none.
    gaps_before : array_like >= 0, shape (n,)
        How many gaps that is.
    typical : float > 0
        The usual gap of the shop.
    prior_gaps : float >= 0
        How many gaps the typical one counts for; see :func:`rhythm_prior`.

    Returns
    -------
    array of float64, shape (n,)
        (k typical + sum of own gaps) / (k + their number), in the unit of the gaps; ``typical`` for who has none.

    Examples
    --------
    >>> own_rhythm([float("nan"), 10.0, 10.0], [0, 2, 98], typical=30).tolist()
    [30.0, 20.0, 10.4]
    """
    if not (np.isfinite(typical) and typical > 0 and prior_gaps >= 0):
        raise ParamError(
            Problem("own rhythm: typical", f"is {typical} for {prior_gaps} gaps", "a time above 0, for 0 gaps or more")
        )
    count, mean = np.asarray(gaps_before, dtype=np.float64), np.asarray(mean_gap, dtype=np.float64)
    own = np.where(count > 0, mean * count, 0.0)
    weight = count + prior_gaps
    return np.asarray(np.where(weight > 0, (prior_gaps * typical + own) / np.where(weight > 0, weight, 1.0), typical))


def rhythm_prior(durations: ArrayLike, event_observed: ArrayLike, customer: ArrayLike) -> tuple[float, float]:
    """What is the usual gap of the shop, and how many gaps of one customer say as much as it does?

    Parameters
    ----------
    durations, event_observed : array_like, shape (n,)
        Gaps, and whether a purchase ended them.
    customer : array_like, shape (n,)

    Returns
    -------
    typical : float
        Geometric mean of the ended gaps over customers, each customer counting once.
    prior_gaps : float
        Variance of the logarithms within customers over that between them: many where all are alike, near 0 where each has
        their own rhythm. 2 where there are too few customers with two ended gaps (fewer than 10), at most 20.

    Raises
    ------
    ModelError
        When no gap has ended.

    Notes
    -----
    Each customer counts once, so that one with half of the purchases does not speak for all: within is the mean of the
    customers' own variances, between the variance of their means (from the quartiles) less what chance gives them. Long gaps
    are cut by the end of the data, so both are a little too short; the Cox model takes that up.
    """
    time, ended = np.asarray(durations, dtype=np.float64), np.asarray(event_observed, dtype=bool)
    codes, labels = group_codes(customer, len(time), what="customer")
    kept = ended & (time > 0)
    if not kept.any():
        raise ModelError(NOBODY_TWICE)
    logs, who = np.log(time[kept]), codes[kept]
    count = total(who, np.ones(len(logs)), len(labels))
    mean = total(who, logs, len(labels)) / np.maximum(count, 1)
    present = count > 0
    typical = float(np.exp(mean[present].mean()))
    several = count > 1
    if several.sum() < LEAST_CUSTOMERS:
        return typical, PRIOR_GAPS
    own = total(who, (logs - mean[who]) ** 2, len(labels))[several] / (count[several] - 1)
    within = float(own.mean())
    quarter, three = np.quantile(mean[several], (0.25, 0.75))
    between = float((three - quarter) / NORMAL_QUARTERS) ** 2 - within * float((1 / count[several]).mean())
    return typical, float(np.clip(within / between, 0.0, MOST_GAPS)) if between > 0 else MOST_GAPS
