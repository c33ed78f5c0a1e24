"""How long do customers stay on average within a given time? Restricted mean, and the difference between groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, ParamError, Problem
from crmkit.core.language import mark
from crmkit.core.results import Text, Unit, estimates
from crmkit.models.basics.estimates import critical
from crmkit.models.basics.families import holm_of_logs
from crmkit.models.survival.curves.curves import product_limit
from crmkit.models.survival.curves.influence import influence, influence_at
from crmkit.models.survival.data.observed import (
    Observed,
    check_observed,
    chi_squared,
    count_at_risk,
    group_codes,
    select,
    split,
)

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Mean(NamedTuple):
    """A restricted mean, its standard error and limits, and the customers behind it."""

    value: float
    standard_error: float
    low: float
    high: float
    n: float


def restricted_mean(
    durations: ArrayLike,
    event_observed: ArrayLike,
    *,
    tau: float,
    group: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    copies: ArrayLike | None = None,
    sampling_weights: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
    unit: Unit = "number",
) -> pd.DataFrame:
    """How much time does a customer stay, on average, of the first `tau`?

    Parameters
    ----------
    durations, event_observed, group, entry, copies, sampling_weights, cluster
        As for :func:`~crmkit.models.survival.curves.curves.kaplan_meier`.
    tau : float > 0
        Up to which time; every group must be observed until then.
    confidence : float
        Level of the interval.
    unit : Unit
        Unit of time.

    Returns
    -------
    pandas.DataFrame
        Estimate table (a row per group) with the further column `standard_error`.

    Raises
    ------
    ModelError
        Where a group is not observed until `tau`; names the groups and the largest `tau` possible.

    Notes
    -----
    Area under the Kaplan-Meier curve up to tau; variance sum of (area after t)^2 d / (n (n - d)) over the times t of leaving;
    with sampling weights or clusters the sum over clusters (without, customers) of their squared influence. The limits are
    symmetric in the log odds of the share of tau that is stayed: near the end of their time few customers are left, and limits
    that are symmetric in time miss on one side. Where nobody has left, the
    lower limit is that of the largest constant rate that leaves half of the risk of error of seeing none.

    References
    ----------
    Royston & Parmar (2013), doi:10.1186/1471-2288-13-152.

    Examples
    --------
    >>> table = restricted_mean([1, 2, 3, 4], [1, 1, 1, 1], tau=4)
    >>> round(float(table.loc[0, "value"]), 6)
    2.5
    """
    critical(confidence)
    seen = check_observed(durations, event_observed, entry=entry, copies=copies, sampling_weights=sampling_weights)
    means = _means(seen, group, cluster, tau, confidence)
    method = mark("Area under the Kaplan-Meier curve")
    table = estimates(
        {
            "group": name,
            "measure": mark("Mean time within the limit"),
            "value": m.value,
            "low": m.low,
            "high": m.high,
            "n": m.n,
            "unit": unit,
            "method": method,
        }
        for name, m in means
    )
    return table.assign(standard_error=[m.standard_error for _, m in means])


def restricted_mean_differences(
    durations: ArrayLike,
    event_observed: ArrayLike,
    *,
    tau: float,
    group: ArrayLike,
    entry: ArrayLike | None = None,
    copies: ArrayLike | None = None,
    sampling_weights: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """By how much longer does one group stay than another, within the first `tau`?

    Parameters
    ----------
    durations, event_observed, tau, group, entry, copies, sampling_weights, confidence
        As for :func:`restricted_mean`.
    cluster : array_like, shape (n,), optional
        To whom each row belongs; a cluster lies within one group.

    Returns
    -------
    pandas.DataFrame
        A row per pair: `group_a`, `group_b`, `value` (mean of a minus mean of b, in the unit of time), `standard_error`,
        `low`, `high`, `ratio`, `ratio_low`, `ratio_high`, `p` (below the risk of error where 0 is outside the limits),
        `p_holm`, `log10_p`, `n`.

    Raises
    ------
    ModelError
        As for :func:`restricted_mean`, and where there is one group only.

    Notes
    -----
    The limits are put together from those of the two means: what each adds to the side is squared.

    References
    ----------
    Zou & Donner (2008), doi:10.1002/sim.3095.
    """
    import pandas as pd

    reach = critical(confidence)
    seen = check_observed(durations, event_observed, entry=entry, copies=copies, sampling_weights=sampling_weights)
    means = _means(seen, group, cluster, tau, confidence)
    if len(means) < 2:
        raise ModelError(Text("restricted mean: there is one group only; at least two are needed for a difference"))
    found = []
    for i, (first, a) in enumerate(means):
        for second, b in means[i + 1 :]:
            ratio, value = a.value / b.value, a.value - b.value
            down, up = np.hypot(a.value - a.low, b.high - b.value), np.hypot(a.high - a.value, b.value - b.low)
            fold_down = np.hypot(np.log(a.value / a.low), np.log(b.high / b.value))
            fold_up = np.hypot(np.log(a.high / a.value), np.log(b.value / b.low))
            p, log10_p = chi_squared((reach * value / float(down if value > 0 else up)) ** 2, 1)
            found.append(
                {
                    "group_a": first,
                    "group_b": second,
                    "value": value,
                    "standard_error": float(np.hypot(a.standard_error, b.standard_error)),
                    "low": value - down,
                    "high": value + up,
                    "ratio": ratio,
                    "ratio_low": ratio * np.exp(-fold_down),
                    "ratio_high": ratio * np.exp(fold_up),
                    "p": p,
                    "log10_p": log10_p,
                    "n": a.n + b.n,
                }
            )
    table = pd.DataFrame(found)
    table.insert(10, "p_holm", holm_of_logs(table["log10_p"]))
    return table


def _means(
    seen: Observed, group: ArrayLike | None, cluster: ArrayLike | None, tau: float, confidence: float
) -> list[tuple[object, Mean]]:
    if not (np.isfinite(tau) and tau > 0):
        raise ParamError(Problem("tau", f"is {tau}", "it is a time above 0, in the unit of durations"))
    codes = None if cluster is None else group_codes(cluster, len(seen.time), what="cluster")[0]
    parts = [(name, members, select(seen, members)) for name, members in split(group, len(seen.time))]
    short = [(name, own.time.max()) for name, _, own in parts if not _reaches(own, tau)]
    if short:
        named = ", ".join(f"'{name}' until {last:g}" for name, last in short)
        limit = min(last for _, last in short)
        raise ModelError(
            Problem("restricted mean: tau", f"is {tau:g}, but groups are observed only {named}", f"tau <= {limit:g}")
        )
    return [(name, _mean(own, tau, None if codes is None else codes[members], confidence)) for name, members, own in parts]


def _reaches(own: Observed, tau: float) -> bool:
    last = own.time.max()
    return bool(last >= tau or own.event[own.time == last].all())


def _mean(own: Observed, tau: float, codes: Ints | None, confidence: float) -> Mean:
    counts = count_at_risk(own)
    value, _ = product_limit(counts)
    inside = counts.time < tau
    edges = np.concatenate([[0.0], counts.time[inside], [tau]])
    pieces = np.diff(edges) * np.concatenate([[1.0], value[inside]])
    after = np.cumsum(pieces[::-1])[::-1][1:]
    events, at_risk = counts.events[inside], counts.at_risk[inside]
    rest = at_risk * (at_risk - events)
    if own.sampled or codes is not None:
        area = np.concatenate([after, np.zeros(len(inside) - len(after))])
        each = influence_at(influence(own, factor=area), tau)
        variance = float(((each if codes is None else np.bincount(codes, each)) ** 2).sum())
    else:
        variance = float(np.divide(events, rest, out=np.zeros_like(rest), where=rest > 1e-12) @ after**2)
    mean, error = float(pieces.sum()), float(np.sqrt(variance))
    if events.any():
        low, high = _limits(mean / tau, error / tau, confidence)
    else:
        since = 0.0 if own.entry is None else np.minimum(own.entry, tau)
        rate = -np.log((1 - confidence) / 2) / float(own.number @ (np.minimum(own.time, tau) - since))
        low, high = float(-np.expm1(-rate * tau) / (rate * tau)), 1.0
    return Mean(mean, error, tau * low, tau * high, float(own.number.sum()))


def _limits(share: float, error: float, confidence: float) -> tuple[float, float]:
    from scipy.special import expit, logit

    spread = critical(confidence) * error / (share * (1 - share))
    return float(expit(logit(share) - spread)), float(expit(logit(share) + spread))
