"""Do as many leave as predicted? Calibration by tenth, overall, and as a smooth curve."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, Problem
from crmkit.core.language import mark
from crmkit.core.results import estimates
from crmkit.models.basics.estimates import critical
from crmkit.models.survival.curves.curves import limits, product_limit
from crmkit.models.survival.data.design import natural_spline
from crmkit.models.survival.data.observed import Observed, check_observed, count_at_risk, select
from crmkit.models.survival.judging.accuracy import _probabilities
from crmkit.models.survival.judging.censoring import censoring_curve, require_followed
from crmkit.models.survival.regression.baseline import baselines
from crmkit.models.survival.regression.cox import fit_cox

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

KNOTS = 4
LEAST_EVENTS = 20
DRAWS, MOST_DRAWN = 200, 20_000
# over customers, in the last axis
DISTANCES = {
    "ICI": partial(np.mean, axis=-1),
    "E50": partial(np.median, axis=-1),
    "E90": partial(np.quantile, q=0.9, axis=-1),
}


def calibration_table(
    durations: ArrayLike,
    event_observed: ArrayLike,
    probability: ArrayLike,
    *,
    horizon: float,
    bins: int = 10,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Among customers of about the same predicted probability, how many left?

    Parameters
    ----------
    durations, event_observed : array_like, shape (n,)
        From the day of the prediction on.
    probability : array_like, shape (n,)
        Predicted probability of leaving within the horizon.
    horizon : float > 0
    bins : int
        Groups of equal size; equal probabilities stay together, so there can be fewer.
    confidence : float

    Returns
    -------
    pandas.DataFrame
        A row per group, from the lowest: `group` (1, 2, ...), `n`, `predicted` (mean), `observed` (one minus Kaplan-Meier),
        `low`, `high` (of observed; log-log, exact where nobody or everybody left), `ratio` (observed / predicted), `events`.

    Raises
    ------
    ModelError
        For probabilities outside 0 to 1, or G(horizon) < 0.05.
    """
    import pandas as pd

    reach, seen, p = _prepared(durations, event_observed, probability, horizon, confidence)
    edges = np.unique(np.quantile(p, np.linspace(0, 1, bins + 1)[1:-1], method="inverted_cdf"))
    group = np.searchsorted(edges, p, side="left")
    found = []
    for number, g in enumerate(np.unique(group), start=1):
        own = select(seen, group == g)
        left, low, high = _left_by(own, horizon, reach, confidence)
        mean = float(p[group == g].mean())
        events = float((own.event & (own.time <= horizon)).sum())
        found.append((number, len(own.time), mean, left, low, high, left / mean if mean > 0 else np.nan, events))
    return pd.DataFrame(found, columns=["group", "n", "predicted", "observed", "low", "high", "ratio", "events"])


def calibration_summary(
    durations: ArrayLike, event_observed: ArrayLike, probability: ArrayLike, *, horizon: float, confidence: float = 0.95
) -> pd.DataFrame:
    """By how much are the probabilities off, overall, in spread, and from customer to customer?

    Parameters
    ----------
    durations, event_observed, probability, horizon, confidence
        As for :func:`calibration_table`.

    Returns
    -------
    pandas.DataFrame
        Estimate table. "Observed / expected": 1 = as many as predicted. "Calibration slope": 1 = right spread, below 1 = the
        predictions are too extreme. "ICI", "E50", "E90": mean, median and 90th percentile over customers of the distance
        between predicted and smoothed observed probability (0 to 1).

    Raises
    ------
    ModelError
        As for :func:`calibration_table`, and when fewer than 20 left within the horizon.

    Notes
    -----
    Slope: Cox coefficient of log(-log(1 - p)). Smoothed observed probability: Cox model on a natural spline of the same with
    four knots, up to the horizon; on a straight line where nobody left below some prediction. Intervals of the distances:
    quantiles over draws of the curve from its estimated distribution, on at most 20,000 customers; a perfect model has
    distances above 0 there too.

    References
    ----------
    Austin, Harrell, van Klaveren (2020), doi:10.1002/sim.8570.
    """
    reach, seen, p = _prepared(durations, event_observed, probability, horizon, confidence)
    left = seen.event & (seen.time <= horizon)
    if left.sum() < LEAST_EVENTS:
        raise ModelError(Problem("calibration:", f"only {int(left.sum())} left within the horizon", f"at least {LEAST_EVENTS}"))
    whole, variance = _cumulative(seen, horizon)
    ratio = whole / p.mean()
    spread = np.exp(reach * np.sqrt(variance) * (1 - whole) / whole)
    rows = [
        (mark("Observed / expected"), ratio, ratio / spread, ratio * spread, mark("Kaplan-Meier against the mean prediction"))
    ]
    slope, error, distance, draws = _smooth(seen, left, p, horizon)
    rows.append((mark("Calibration slope"), slope, slope - reach * error, slope + reach * error, mark("Cox model")))
    smooth = mark("Cox model on a spline of the prediction")
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    for name, of in DISTANCES.items():
        low, high = np.quantile(of(draws), tails) if len(draws) else (np.nan, np.nan)
        rows.append((name, float(of(distance[None])[0]), float(low), float(high), smooth))
    units = {"Observed / expected": "ratio", "Calibration slope": "number"}
    return estimates(
        {
            "group": "",
            "measure": name,
            "value": value,
            "low": low,
            "high": high,
            "n": len(p),
            "unit": units.get(name, "share"),
            "method": method,
        }
        for name, value, low, high, method in rows
    )


def _smooth(seen: Observed, left: NDArray[np.bool_], p: Floats, horizon: float) -> tuple[float, float, Floats, Floats]:
    """Slope, its standard error, each customer's distance between prediction and smoothed observation, and draws of these."""
    import pandas as pd

    inner = np.clip(p, 1e-10, 1 - 1e-10)
    score = np.log(-np.log1p(-inner))
    if np.ptp(score) < 1e-9:
        return np.nan, np.nan, np.abs(p - (_cumulative(seen, horizon)[0])), np.empty((0, len(p)))
    time = np.minimum(seen.time, horizon)
    linear = fit_cox(time, left, pd.DataFrame({"score": score}), engine="rows")
    knots = np.unique(np.quantile(score, np.linspace(0.05, 0.95, KNOTS)))
    basis = natural_spline(score, knots)
    try:
        curved = fit_cox(time, left, pd.DataFrame(basis, columns=[f"s{k}" for k in range(basis.shape[1])]), engine="rows")
    except ModelError:  # nobody left below some prediction, so a curve would fall without end there; a straight line does not
        curved, basis = linear, score[:, None]
    base = baselines(curved)[0].hazard[-1]
    centred = basis - curved.center
    observed = -np.expm1(-base * np.exp(centred @ curved.coefficients))
    rng = np.random.default_rng(0)
    some = slice(None) if len(p) <= MOST_DRAWN else rng.choice(len(p), MOST_DRAWN, replace=False)
    betas = rng.multivariate_normal(curved.coefficients, curved.covariance, DRAWS, method="cholesky")
    bases = base * np.exp(rng.standard_normal(DRAWS) / np.sqrt(left.sum()))
    drawn = np.abs(-np.expm1(-bases[:, None] * np.exp(betas @ centred[some].T)) - p[some])
    return float(linear.coefficients[0]), float(linear.standard_errors[0]), np.abs(observed - p), drawn


def _prepared(
    durations: ArrayLike, event_observed: ArrayLike, probability: ArrayLike, horizon: float, confidence: float
) -> tuple[float, Observed, Floats]:
    seen = check_observed(durations, event_observed)
    p = _probabilities(probability, (len(seen.time),))
    require_followed(censoring_curve(seen), horizon)
    return critical(confidence), seen, p


def _cumulative(own: Observed, horizon: float) -> tuple[float, float]:
    """Share that has left by the horizon, and Greenwood's sum (the variance of the log of the share still there)."""
    counts = count_at_risk(own)
    value, greenwood = product_limit(counts)
    last = int(np.searchsorted(counts.time, horizon, side="right")) - 1
    return (0.0, 0.0) if last < 0 else (1 - float(value[last]), float(greenwood[last]))


def _left_by(own: Observed, horizon: float, reach: float, confidence: float) -> tuple[float, float, float]:
    from scipy.stats import beta

    left, variance = _cumulative(own, horizon)
    if 0 < left < 1:
        low, high = limits(np.array([1 - left]), np.array([variance]), reach, "log-log")
        return left, 1 - float(high[0]), 1 - float(low[0])
    n = float((own.time > horizon).sum()) if left <= 0 else float(own.event.sum())
    tail = (1 - confidence) / 2
    if n == 0:
        return left, 0.0, 1.0
    return (left, 0.0, float(beta.ppf(1 - tail, 1, n))) if left <= 0 else (left, float(beta.ppf(tail, n, 1)), 1.0)
