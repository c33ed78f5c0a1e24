"""How far are predicted probabilities from what happened? Brier score, over time and against the average curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, Problem
from crmkit.core.language import mark
from crmkit.core.results import estimates
from crmkit.models.basics.estimates import critical
from crmkit.models.survival.curves.curves import survival_at
from crmkit.models.survival.data.observed import Observed, check_observed
from crmkit.models.survival.judging.censoring import censoring_curve, require_followed

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]


def brier_score(
    durations: ArrayLike, event_observed: ArrayLike, probability: ArrayLike, *, horizon: float, confidence: float = 0.95
) -> pd.DataFrame:
    """How far is the probability of leaving within the horizon from what happened?

    Parameters
    ----------
    durations, event_observed : array_like, shape (n,)
        From the day of the prediction on.
    probability : array_like, shape (n,)
        Predicted probability of leaving within the horizon, 0 to 1.
    horizon : float > 0
    confidence : float

    Returns
    -------
    pandas.DataFrame
        Estimate table with the measures "Brier score" (0 = perfect), "Brier score of the average" (everybody gets the
        Kaplan-Meier share) and "Scaled Brier score" (1 = perfect, 0 = no better than the average, below 0 = worse).

    Raises
    ------
    ModelError
        For probabilities outside 0 to 1, or G(horizon) < 0.05.

    Notes
    -----
    Mean of w (y - p)^2, w = 1 / G(t-) for who left up to the horizon, 1 / G(horizon) for who was there after it, 0 for who was
    censored before. Intervals from the variance of the terms, G taken as known.

    References
    ----------
    Graf et al. (1999), doi:10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5.
    """
    reach = critical(confidence)
    seen, p = check_observed(durations, event_observed), _probabilities(probability, (len(np.asarray(durations)),))
    weight, y = inverse_weights(seen, horizon)
    average = 1 - float(survival_at(seen, [horizon])[0])
    own, flat = weight * (y - p) ** 2, weight * (y - average) ** 2
    scaled = 1 - own.mean() / flat.mean() if flat.mean() > 0 else np.nan
    # of a ratio: the delta method on the terms of both scores
    terms = (own - (1 - scaled) * flat) / flat.mean() if flat.mean() > 0 else np.full(len(own), np.nan)
    found = [
        (mark("Brier score"), own.mean(), own.std()),
        (mark("Brier score of the average"), flat.mean(), flat.std()),
        (mark("Scaled Brier score"), scaled, terms.std()),
    ]
    method = mark("weighted by the inverse probability of being observed")
    return estimates(
        {
            "group": "",
            "measure": name,
            "value": value,
            "low": value - reach * spread / np.sqrt(len(p)),
            "high": value + reach * spread / np.sqrt(len(p)),
            "n": len(p),
            "unit": "number",
            "method": method,
        }
        for name, value, spread in found
    )


def integrated_brier_score(
    durations: ArrayLike,
    event_observed: ArrayLike,
    probability: ArrayLike,
    *,
    times: ArrayLike,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How far are the predicted curves from what happened, over a stretch of time?

    Parameters
    ----------
    durations, event_observed : array_like, shape (n,)
    probability : array_like, shape (n, m)
        Predicted probability of leaving up to each of the times.
    times : array_like, shape (m,)
        Rising; two or more.
    confidence : float

    Returns
    -------
    pandas.DataFrame
        `x`, `value` (Brier score) with `low` and `high`, `average` (that of the Kaplan-Meier curve), `scaled` with
        `scaled_low` and `scaled_high`; the last row, with x = nan, holds the means over the stretch (trapezium rule).

    Raises
    ------
    ModelError
        As for :func:`brier_score`.

    Notes
    -----
    Intervals from the variance of each customer's own terms, integrated as the scores are; G taken as known.
    """
    import pandas as pd

    reach = critical(confidence)
    seen, grid = check_observed(durations, event_observed), np.asarray(times, dtype=np.float64)
    if grid.ndim != 1 or len(grid) < 2 or (np.diff(grid) <= 0).any():
        raise ModelError(Problem("Brier score: times", "are no rising times", "two or more are needed"))
    p = _probabilities(probability, (len(seen.time), len(grid)))
    terms = np.empty((len(grid), 2, len(seen.time)))
    average = 1 - survival_at(seen, grid)
    for k, horizon in enumerate(grid):
        weight, y = inverse_weights(seen, float(horizon))
        terms[k] = weight * (y - p[:, k]) ** 2, weight * (y - average[k]) ** 2
    whole = np.trapezoid(terms, grid, axis=0) / (grid[-1] - grid[0])
    rows = [_scored(x, own[0], own[1], reach) for x, own in zip([*grid, np.nan], [*terms, whole], strict=True)]
    return pd.DataFrame(rows)


def _scored(x: float, own: Floats, flat: Floats, reach: float) -> dict[str, float]:
    """A score beside that of the average, each with limits; the ratio's by the delta method."""
    value, average, root = own.mean(), flat.mean(), np.sqrt(len(own))
    scaled = 1 - value / average if average > 0 else np.nan
    half = reach * own.std() / root
    wide = reach * (own - (1 - scaled) * flat).std() / average / root if average > 0 else np.nan
    return {
        "x": float(x),
        "value": value,
        "low": value - half,
        "high": value + half,
        "average": average,
        "scaled": scaled,
        "scaled_low": scaled - wide,
        "scaled_high": scaled + wide,
    }


def inverse_weights(seen: Observed, horizon: float) -> tuple[Floats, Floats]:
    """What each customer counts at the horizon, and whether they had left by then (0/1).

    Raises
    ------
    ModelError
        When G(horizon) < 0.05.
    """
    curve = censoring_curve(seen)
    after = require_followed(curve, horizon)
    left = seen.event & (seen.time <= horizon)
    stayed = seen.time > horizon
    weight = np.where(left, 1 / np.maximum(curve.before(seen.time), 1e-12), 0.0) + stayed / after
    return weight, left.astype(np.float64)


def _probabilities(probability: ArrayLike, shape: tuple[int, ...]) -> Floats:
    p = np.asarray(probability, dtype=np.float64)
    if p.shape != shape:
        raise ModelError(Problem("evaluation: probability", f"has shape {p.shape}", f"{shape} is needed"))
    if not ((p >= 0) & (p <= 1)).all():
        bad = int((~((p >= 0) & (p <= 1))).sum())
        raise ModelError(Problem("evaluation: probability", f"is missing or outside 0 to 1 in {bad} places", "leave them out"))
    return p
