"""How does the rate of leaving run over time for the average customer? The baseline of a Cox model, with its uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from crmkit.models.basics.estimates import critical
from crmkit.models.survival.data.observed import one_of
from crmkit.models.survival.regression.cox import CoxFit

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

BASELINES = ("efron", "breslow")


class Baseline(NamedTuple):
    """Of one stratum, for a customer with every column at its mean; entry 0 is time 0.

    Parameters
    ----------
    times : array, shape (k + 1,)
        0 and the times of leaving.
    hazard : array, shape (k + 1,)
        Cumulative hazard.
    variance : array, shape (k + 1,)
        Of the cumulative hazard, the coefficients taken as known.
    means : array, shape (p, k + 1)
        Sum of hazard times the mean of the (scaled) columns at risk: for the part of the variance that the coefficients add.
    last_event, last_seen : float
        Last time at which a customer left, and was seen.
    """

    times: Floats
    hazard: Floats
    variance: Floats
    means: Floats
    last_event: float
    last_seen: float


def baselines(fit: CoxFit, *, method: str = "efron") -> tuple[Baseline, ...]:
    """The baseline of each stratum.

    Parameters
    ----------
    fit : CoxFit
    method : {"efron", "breslow"}
        "efron": increments that treat ties as the fit does, R's default. "breslow": leavers divided by the sum at risk, as
        lifelines does even after a fit with Efron ties. Equal where no two customers leave at one time.

    References
    ----------
    Breslow (1974), doi:10.2307/2529620; Therneau & Grambsch (2000), doi:10.1007/978-1-4757-3294-8, section 10.2.
    """
    one_of(method, BASELINES, "baseline")
    found = []
    for block, m in zip(fit.blocks, fit.at, strict=True):
        S0, S1, _, D1 = m.sums
        if method == "efron" and fit.ties == "efron":
            steps, spread, means = m.a1, m.b0, m.b0 * S1 - m.b1 * D1
        else:
            steps = block.deaths / S0
            spread, means = block.deaths / S0**2, steps / S0 * S1
        start = np.zeros((len(S1), 1))
        found.append(
            Baseline(
                np.concatenate([[0.0], block.times]),
                np.concatenate([[0.0], np.cumsum(steps)]),
                np.concatenate([[0.0], np.cumsum(spread)]),
                np.hstack([start, np.cumsum(means, axis=1)]),
                float(block.times[-1]) if len(block.times) else 0.0,
                float(block.timeline.ends[-1]),
            )
        )
    return tuple(found)


def baseline_curve(fit: CoxFit, *, method: str = "efron", confidence: float = 0.95) -> pd.DataFrame:
    """Which share of average customers is still there after each time, according to the model?

    Parameters
    ----------
    fit : CoxFit
    method : {"efron", "breslow"}
    confidence : float

    Returns
    -------
    pandas.DataFrame
        Curve table: `group` (stratum), `x`, `value`, `low`, `high` (share of customers at the mean of every column who are
        still there), `at_risk`, and `hazard` (cumulative). The interval is symmetric in the log of the cumulative hazard.
    """
    import pandas as pd

    reach = critical(confidence)
    scaled = fit.covariance * np.outer(fit.scale, fit.scale)
    parts = []
    for name, base, block in zip(fit.strata, baselines(fit, method=method), fit.blocks, strict=True):
        variance = base.variance + np.einsum("jk,ji,ik->k", base.means, scaled, base.means)
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = np.exp(reach * np.sqrt(variance) / base.hazard)
        at_risk = np.concatenate([[block.timeline.at_risk(np.array([1e-300]))[0]], block.timeline.at_risk(block.times)])
        parts.append(
            pd.DataFrame(
                {
                    "group": [name] * len(base.times),
                    "x": base.times,
                    "value": np.exp(-base.hazard),
                    "low": np.exp(-base.hazard * spread),
                    "high": np.exp(-base.hazard / spread),
                    "at_risk": at_risk,
                    "hazard": base.hazard,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
