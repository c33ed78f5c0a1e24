"""How many of the customers on top of a list will leave? Probabilities that stay right where the highest are picked out.

Stands alone: the probabilities of :mod:`scoring` are those of the model as it was fitted, these are those to pick by.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ParamError, Problem
from crmkit.models.basics.estimates import critical
from crmkit.models.survival.data.design import encode
from crmkit.models.survival.data.riskset import Block, Moments, moments
from crmkit.models.survival.judging.scoring import stratum_of, times_since
from crmkit.models.survival.regression.fitted import CoxFit

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

SHAPES = (0.2, 5.0)  # of the smooth baseline: a rate that falls like t^-0.8, or rises like t^4
LEAST_EFFECT = 0.1  # the order of the customers stays, however little the effects are known
LOGS = (-2.0, 12.0)  # of the strength with which windows are drawn to it


def list_probability(
    fit: CoxFit, covariates: pd.DataFrame, *, elapsed: ArrayLike, horizon: float, strata: Any = None
) -> pd.DataFrame:
    """How probable is it that a customer leaves within the horizon, if the list is sorted by it and the top is looked at?

    Parameters
    ----------
    fit, covariates, elapsed, horizon, strata
        As for :func:`~crmkit.models.survival.churn_probability`.

    Returns
    -------
    pandas.DataFrame
        In the order of the customers: `probability` (nan beyond the last time at which a customer of the stratum has left, or
        where inputs are missing); and what :func:`list_sum` needs: `log_hazard_ratio`, `seen` (leavers that the rate of these
        times rests on), `level` (leavers that the level rests on).

    Notes
    -----
    The probabilities of a fit are right on average and too high for those who come out on top: effects that chance made large,
    and times of a customer's life in which by chance many left, put them there. Effects are multiplied by 1 - columns / Wald
    statistic. The cumulative hazard of a customer's window is drawn to that of a smooth (Weibull) baseline,
    ``(leavers + a) / (expected + a)`` of it, a from how much more the windows of one horizon differ from the smooth one than
    chance does (gamma-Poisson). Of 400 simulated customers with four effects the sum of the first 20 was 38 % too high before.

    References
    ----------
    Van Houwelingen & Le Cessie (1990), doi:10.1002/sim.4780091109; Clayton & Kaldor (1987), doi:10.2307/2532003.
    """
    import pandas as pd

    if not (np.isfinite(horizon) and horizon > 0):
        raise ParamError(Problem("horizon", f"is {horizon}", "it is a time above 0, in the unit of the fit"))
    since = times_since(elapsed, len(covariates))
    stratum = stratum_of(fit, strata, len(covariates))
    small = _shrunken(fit)
    smooth = [_smooth(block, m) for block, m in zip(small.blocks, small.at, strict=True)]
    strength = _strength(smooth, horizon)
    eta = (encode(fit.design, covariates, strict=False) - fit.center) @ small.coefficients
    out = {name: np.full(len(since), np.nan) for name in ("hazard", "seen", "level")}
    for s, base in enumerate(smooth):
        rows = np.flatnonzero((stratum == s) & (since + horizon <= base.times[-1]))
        if not len(rows):
            continue
        now, then = since[rows], since[rows] + horizon
        leavers = base.deaths(then) - base.deaths(now)
        expected = base.expected(then) - base.expected(now)
        out["seen"][rows] = leavers + strength
        out["level"][rows] = base.upto[-1]
        out["hazard"][rows] = (base.hazard(then) - base.hazard(now)) * (leavers + strength) / (expected + strength)
    p = -np.expm1(-out.pop("hazard") * np.exp(eta))
    return pd.DataFrame({"probability": p, "log_hazard_ratio": eta, **out}, index=covariates.index)


def list_sum(
    fit: CoxFit,
    found: pd.DataFrame,
    covariates: pd.DataFrame,
    *,
    top: int,
    weights: ArrayLike | None = None,
    confidence: float = 0.95,
) -> dict[str, float]:
    """How many of the first `top` customers of the list will leave, or what goes with them, and between which limits?

    Parameters
    ----------
    fit : CoxFit
    found : pandas.DataFrame
        From :func:`list_probability`.
    covariates : pandas.DataFrame
        Of the same customers.
    top : int
        Customers looked at, the highest probabilities first.
    weights : array of shape (customers,), 0 or more, optional
        What goes with each customer, for example money; leavers are counted when left out.
    confidence : float

    Returns
    -------
    dict
        `value` (expected leavers, or what goes with them), `low`, `high` (of what will be seen, 0 to all of it), `n`.

    Raises
    ------
    ParamError
        For a `top` below 1.

    Notes
    -----
    Variances are added: of chance, sum of weight^2 p (1 - p); of the effects; of the level and of the rate of each window,
    taken as one for all customers.
    """
    if top < 1:
        raise ParamError(Problem("top", f"is {top}", "at least one customer is looked at"))
    p = found["probability"].to_numpy()
    order = np.argsort(np.where(np.isfinite(p), -p, np.inf), kind="stable")[: min(top, int(np.isfinite(p).sum()))]
    own = p[order]
    weight = np.ones(len(order)) if weights is None else np.asarray(weights, dtype=np.float64)[order]
    slope = -weight * (1 - own) * np.log1p(-own)  # of the weighted probability by the logarithm of the hazard
    X = encode(fit.design, covariates.iloc[order], strict=False) - fit.center
    gradient = slope @ X
    level = slope.sum() ** 2 / found["level"].to_numpy()[order].min() if len(order) else 0.0
    window = float((slope / np.sqrt(found["seen"].to_numpy()[order])).sum()) ** 2
    chance = float((weight**2 * own * (1 - own)).sum())
    wide = critical(confidence) * float(np.sqrt(chance + gradient @ fit.covariance @ gradient + level + window))
    value = float((weight * own).sum())
    return {
        "value": value,
        "low": max(0.0, value - wide),
        "high": min(float(weight.sum()), value + wide),
        "n": float(len(order)),
    }


class _Smooth(NamedTuple):
    """A Weibull baseline and, at 0 and each time of leaving, leavers so far and those that it expects."""

    times: Floats
    upto: Floats
    under: Floats
    scale: float
    shape: float

    def hazard(self, t: Floats) -> Floats:
        return np.asarray(self.scale * t**self.shape)

    def deaths(self, t: Floats) -> Floats:
        return np.asarray(self.upto[np.searchsorted(self.times, t, side="right") - 1])

    def expected(self, t: Floats) -> Floats:
        return np.asarray(np.interp(self.hazard(t), self.hazard(self.times), self.under))


def _shrunken(fit: CoxFit) -> CoxFit:
    b = fit.coefficients
    wald = float(b @ np.linalg.solve(fit.covariance, b))
    small = b * max(LEAST_EFFECT, 1 - len(b) / wald)
    return replace(fit, coefficients=small, at=tuple(moments(block, small * fit.scale, fit.ties) for block in fit.blocks))


def _smooth(block: Block, m: Moments) -> _Smooth:
    from scipy.optimize import minimize_scalar

    times = np.concatenate([[0.0], block.times])
    if not len(block.times):
        return _Smooth(times, np.zeros(1), np.zeros(1), 0.0, 1.0)
    after = np.concatenate([m.sums.S0[:1], (m.sums.S0 - m.sums.D0)[:-1]])
    between = (after + m.sums.S0) / 2  # at risk, times the relative hazard, since the time before
    d, late = block.tied, np.maximum(block.times, 1e-9)

    def loss(shape: float) -> float:
        under = float(between @ np.diff(times**shape))
        return -float(d.sum() * (np.log(d.sum() / under) + np.log(shape)) + (shape - 1) * (d @ np.log(late)))

    shape = float(minimize_scalar(loss, bounds=SHAPES, method="bounded").x)
    cells = between * np.diff(times**shape)
    scale = float(d.sum() / cells.sum())
    under = np.concatenate([[0.0], np.cumsum(cells) * scale])
    return _Smooth(times, np.concatenate([[0.0], np.cumsum(d)]), under, scale, shape)


def _strength(smooth: list[_Smooth], horizon: float) -> float:
    """How many leavers the smooth baseline counts for in a window: many where windows differ by chance only."""
    from scipy.optimize import minimize_scalar
    from scipy.special import gammaln

    seen, expected = [], []
    for base in smooth:
        edges = np.append(np.arange(0.0, base.times[-1], horizon), base.times[-1])
        seen.append(np.diff(base.deaths(edges)))
        expected.append(np.diff(base.expected(edges)))
    d, mean = np.concatenate(seen), np.concatenate(expected)
    d, mean = d[mean > 0], mean[mean > 0]

    def loss(log: float) -> float:
        a = np.exp(log)
        parts = gammaln(d + a) - gammaln(a) - a * np.log1p(mean / a) - d * np.log(1 / mean + 1 / a) - d * np.log(a)
        return -float(parts.sum())

    return float(np.exp(minimize_scalar(loss, bounds=LOGS, method="bounded").x))
