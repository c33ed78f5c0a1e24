"""How probable is it to be still observed? The curve of censoring, by whose inverse those who are seen stand for the unseen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmkit.core.errors import ModelError, Problem
from crmkit.models.survival.data.observed import Observed, count_at_risk

Floats = NDArray[np.float64]

LEAST = 0.05


@dataclass(frozen=True, eq=False)
class CensoringCurve:
    """G: probability of not yet being censored, a step function that falls at `times` to `value`."""

    times: Floats
    value: Floats

    def before(self, t: Floats) -> Floats:
        """G(t-): not censored before t."""
        return np.asarray(np.concatenate([[1.0], self.value])[np.searchsorted(self.times, t, side="left")])

    def at(self, t: Floats) -> Floats:
        """G(t): not censored up to and with t."""
        return np.asarray(np.concatenate([[1.0], self.value])[np.searchsorted(self.times, t, side="right")])


def censoring_curve(seen: Observed) -> CensoringCurve:
    """Kaplan-Meier curve of censoring; at one time, who leaves leaves first and is not at risk of being censored (as in R)."""
    counts = count_at_risk(seen)
    open_ = counts.at_risk - counts.events
    kept = np.divide(open_ - counts.censored, open_, out=np.ones_like(open_), where=open_ > 0)
    return CensoringCurve(counts.time, np.asarray(np.cumprod(np.maximum(kept, 0.0)), dtype=np.float64))


def require_followed(curve: CensoringCurve, horizon: float, *, before: bool = False) -> float:
    """G at the horizon, if enough customers are observed that long.

    Raises
    ------
    ModelError
        When less than 5 % would be: every one of those would stand for more than twenty, and the result for a few of them.
    """
    at = np.array([horizon])
    value = float((curve.before(at) if before else curve.at(at))[0])
    if value < LEAST:
        found = f"is {horizon:g}, but only {value:.1%} of customers would be observed that long"
        raise ModelError(Problem("evaluation: horizon", found, f"at least {LEAST:.0%} are needed", "take a shorter horizon"))
    return value
