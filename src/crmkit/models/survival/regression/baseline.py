"""How does the rate of leaving run over time for the average customer? The baseline of a Cox model, with its uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from crmkit.models.basics.estimates import critical
from crmkit.models.survival.data.observed import one_of
from crmkit.models.survival.regression.fitted import CoxFit

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
    together : array, shape (p, k + 1)
        Covariance of the cumulative hazard with the score, the coefficients taken as known; 0 but where rows were sampled.
    last_event, last_seen : float
        Last time at which a customer left, and was seen.
    """

    times: Floats
    hazard: Floats
    variance: Floats
    means: Floats
    together: Floats
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

    Notes
    -----
    Of sampled rows the variance is that of the weighted sum: each customer who leaves counts by the square of the weight.
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
        together = np.zeros_like(S1)
        if fit.sampled:
            square, of_columns = block.squares()
            together = (of_columns - square * (m.a1 * S1 - m.a2 * D1) / block.deaths) * steps / block.deaths
            spread = spread * square / block.deaths
        found.append(
            Baseline(
                np.concatenate([[0.0], block.times]),
                np.concatenate([[0.0], np.cumsum(steps)]),
                np.concatenate([[0.0], np.cumsum(spread)]),
                np.hstack([start, np.cumsum(means, axis=1)]),
                np.hstack([start, np.cumsum(together, axis=1)]),
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
    parts = []
    for name, base, block in zip(fit.strata, baselines(fit, method=method), fit.blocks, strict=True):
        variance = base.variance + of_coefficients(fit, base.means.T, base.together.T)
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


def of_coefficients(fit: CoxFit, gap: Floats, together: Floats) -> Floats:
    """What the coefficients add to the variance of a cumulative hazard that moves by `-gap @ coefficients`, shape (n,).

    Parameters
    ----------
    fit : CoxFit
    gap, together : arrays, shape (n, p)
        In scaled columns; `together` as of :class:`Baseline`.
    """
    units = np.outer(fit.scale, fit.scale)
    found = np.einsum("ij,ij->i", gap @ (fit.covariance * units), gap)
    if fit.sampled and fit.naive is not None:
        found = found - 2 * np.einsum("ij,ij->i", gap @ (fit.naive * units), together)
    return np.asarray(found)
