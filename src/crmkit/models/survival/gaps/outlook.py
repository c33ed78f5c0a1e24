"""Who will not buy within the horizon? The probability of no purchase, per customer, given the silence so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, ParamError, Problem, counted
from crmkit.models.basics.estimates import critical
from crmkit.models.survival.data.design import encode
from crmkit.models.survival.data.observed import one_of
from crmkit.models.survival.data.riskset import Block
from crmkit.models.survival.gaps.counting import stratum_of_number
from crmkit.models.survival.gaps.recurrent import RecurrentFit
from crmkit.models.survival.judging.scoring import stratum_of
from crmkit.models.survival.regression.baseline import Baseline, baselines

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK = 100_000
TAILS = ("none", "constant")
LEAST_AT_RISK = 5
TAIL_ENDINGS = 50.0
TAIL_PARTS, TAIL_POINTS = (0.2, 0.5), 500
BASES = ("seen", "tail", "not seen")


def no_purchase_probability(
    fit: RecurrentFit,
    covariates: pd.DataFrame,
    *,
    silence: ArrayLike,
    horizon: ArrayLike,
    number: ArrayLike | None = None,
    tail: str = "none",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How probable is it that a customer silent for so long buys nothing within the horizon?

    Parameters
    ----------
    fit : RecurrentFit
        Of :func:`~crmkit.models.survival.gaps.fit_gap_times`.
    covariates : pandas.DataFrame of n rows
        Of the gap that each customer is in, as known when it began.
    silence : array_like >= 0, shape (n,)
        How long the gap has lasted.
    horizon : array_like > 0, shape (n,) or a number
        How far to look ahead, in the same unit.
    number : array_like of int >= 1, shape (n,), optional
        Number of the gap; needed where the fit has strata.
    tail : {"none", "constant"}
        What to do where the horizon ends after the longest gap of the stratum that a purchase has ended, or after the last
        time at which 5 gaps are under observation. "none": no number. "constant": from there on the rate of buying stays what
        it was over the last part of the curve (its last fifth, or as much as holds 50 endings, but never more than the later
        half).
    confidence : float

    Returns
    -------
    pandas.DataFrame
        In the order of the customers: `log_hazard_ratio` (against the average gap, above 0 comes back sooner), `probability`
        (of no purchase), `low`, `high` (0 to 1; of the probability, not of what the customer does), `basis` ("seen"; "tail":
        rests on the assumption above; "not seen": no number, and certainly not 1), `missing_inputs`.

    Raises
    ------
    ModelError
        For a fit on the calendar, missing columns, an unknown number, a negative or missing silence.
    ParamError
        For a horizon that is not above 0.

    Notes
    -----
    S_k(s + H | x) / S_k(s | x) = exp(-(H_k(s + H) - H_k(s)) exp(b x)), H_k the cumulative baseline rate of stratum k (Efron).
    Interval: delta method on the logarithm of the difference, with the variance of the baseline and of the coefficients (by
    customer, where the fit has it) and their covariance. The rate of the tail is endings over time at risk, and may come from
    steps that are part of the difference, which is taken into account. Where a stratum has seen no ending in the stretch, the
    probability is 1 and the lower limit is that of the largest rate that leaves 2.5 % chance of seeing none.

    References
    ----------
    Therneau & Grambsch (2000), doi:10.1007/978-1-4757-3294-8, section 10.2.
    """
    import pandas as pd

    one_of(tail, TAILS, "tail")
    if fit.clock != "gap":
        raise ModelError(Problem("no purchase:", "the fit is on the calendar", "give one of fit_gap_times"))
    n = len(covariates)
    since, ahead = _times(silence, horizon, n)
    reach = critical(confidence)
    stratum = stratum_of(fit.cox, None if number is None else stratum_of_number(number, fit.strata), n)
    curves = [
        _curve(base, block, m.sums.S0) for base, block, m in zip(baselines(fit.cox), fit.cox.blocks, fit.cox.at, strict=True)
    ]
    out = {name: np.full(n, np.nan) for name in ("log_hazard_ratio", "probability", "low", "high")}
    basis = np.zeros(n, dtype=np.int64)
    for start in range(0, n, CHUNK):
        part = slice(start, start + CHUNK)
        Z = (encode(fit.cox.design, covariates.iloc[part], strict=False) - fit.cox.center) / fit.cox.scale
        for s in np.unique(stratum[part]):
            rows = np.flatnonzero(stratum[part] == s)
            at = start + rows
            columns, basis[at] = _score(fit, int(s), curves[s], Z[rows], since[at], ahead[at], tail, reach)
            for name, values in columns.items():
                out[name][at] = values
    missing = np.isnan(out["log_hazard_ratio"])
    return pd.DataFrame(out | {"basis": np.array(BASES)[basis], "missing_inputs": missing}, index=covariates.index)


class _Curve(NamedTuple):
    """A baseline, until when it rests on enough gaps, and its last part: first step, endings, and time at risk before them."""

    base: Baseline
    end: float
    last: int
    first: int
    endings: float
    exposure: float


def _curve(base: Baseline, block: Block, S0: Floats) -> _Curve:
    """Of the tail endings over time at risk: near the end few are at risk, and a mean of the steps would mostly be chance."""
    deaths, line = block.deaths, block.timeline
    many = np.flatnonzero(line.at_risk(line.ends) >= LEAST_AT_RISK)
    end = min(float(line.ends[many[-1]]) if len(many) else 0.0, base.last_seen)
    last = int(np.searchsorted(base.times, end, side="right")) - 1  # steps up to the end
    if not last:
        return _Curve(base, 0.0, 0, 0, 0.0, 0.0)
    late = np.cumsum(deaths[:last][::-1])
    enough = last - 1 - int(np.argmax(late >= min(TAIL_ENDINGS, late[-1])))  # steps before the one with the 50th last
    part = [int(np.searchsorted(base.times, (1 - share) * end, side="right")) - 1 for share in TAIL_PARTS]
    first = max(min(enough, part[0]), min(part[1], last - 1))
    edges = np.linspace(float(base.times[first]), end, TAIL_POINTS + 1)
    at_risk = line.at_risk((edges[1:] + edges[:-1]) / 2).sum() * (edges[1] - edges[0])
    relative = S0[first:last].sum() / line.at_risk(block.times[first:last]).sum()
    return _Curve(base, end, last, first, float(deaths[first:last].sum()), float(at_risk * relative))


def _score(
    fit: RecurrentFit, s: int, curve: _Curve, Z: Floats, since: Floats, ahead: Floats, tail: str, reach: float
) -> tuple[dict[str, Floats], Ints]:
    base, cox, k, stop = curve.base, fit.cox, curve.first, curve.last
    until = since + ahead
    beyond = until > min(curve.end, base.last_event)
    # nothing of the curve after its end is used: there are too few gaps
    first, last = (np.minimum(np.searchsorted(base.times, at, side="right") - 1, stop) for at in (since, until))
    step = base.hazard[last] - base.hazard[first]
    spread = base.variance[last] - base.variance[first]
    means = np.ascontiguousarray(base.means.T)
    moved = means[last] - means[first]
    known = ~beyond
    if tail == "constant" and curve.endings > 0:
        known = np.ones(len(since), dtype=bool)
        over = np.maximum(until - np.maximum(since, curve.end), 0.0) / curve.exposure
        shared = base.hazard[stop] - base.hazard[np.maximum(first, k)]  # steps that are in both parts
        step = step + over * curve.endings
        spread = spread + over**2 * curve.endings + 2 * over * shared
        mean = (means[stop] - means[k]) / (base.hazard[stop] - base.hazard[k])
        moved = moved + over[:, None] * curve.endings * mean
    eta = Z @ (cox.coefficients * cox.scale)
    scaled = cox.covariance * np.outer(cox.scale, cox.scale)
    gap = moved - Z * step[:, None]
    variance = spread + np.einsum("ij,ij->i", gap @ scaled, gap)
    rate = np.where(known, step * np.exp(eta), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.exp(reach * np.sqrt(np.maximum(variance, 0.0)) / step)
        low, high = np.exp(-rate * factor), np.exp(-rate / factor)
    none = known & (step <= 0)
    if none.any():
        low[none], high[none] = _unseen(fit, s, since[none], until[none], eta[none], reach), 1.0
    basis = np.where(~known, 2, np.where(beyond, 1, 0))
    return {"log_hazard_ratio": eta, "probability": np.exp(-rate), "low": low, "high": high}, basis


def _unseen(fit: RecurrentFit, s: int, since: Floats, until: Floats, eta: Floats, reach: float) -> Floats:
    """Lower limit of no purchase where nobody has bought: those at risk at the end of the stretch could have."""
    from scipy.stats import norm

    line = fit.cox.blocks[s].timeline
    largest = -np.log(norm.sf(reach)) / np.maximum(line.at_risk(np.nextafter(until, np.inf)), 1.0)
    return np.asarray(np.exp(-largest * np.exp(eta)))


def _times(silence: ArrayLike, horizon: ArrayLike, n: int) -> tuple[Floats, Floats]:
    since = np.broadcast_to(np.asarray(silence, dtype=np.float64), (n,))
    ahead = np.broadcast_to(np.asarray(horizon, dtype=np.float64), (n,))
    if not (np.isfinite(ahead) & (ahead > 0)).all():
        raise ParamError(
            Problem("horizon", "is not above 0 for every customer", "it is a time above 0, in the unit of the fit")
        )
    bad = int((~(np.isfinite(since) & (since >= 0))).sum())
    if bad:
        raise ModelError(Problem("silence", f"is missing or negative for {counted(bad, 'customer')}", "it is the time since"))
    return since, ahead
