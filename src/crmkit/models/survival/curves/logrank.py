"""Do groups leave at different rates? Log-rank tests: two or more groups, within strata, pair by pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, Problem, counted
from crmkit.core.results import Text
from crmkit.models.basics.families import holm_of_logs
from crmkit.models.survival.curves.curves import product_limit
from crmkit.models.survival.data.observed import (
    Counts,
    Observed,
    check_observed,
    chi_squared,
    group_codes,
    select,
    split,
    total,
)

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LogRank:
    """A log-rank test.

    Parameters
    ----------
    statistic : float
        Chi squared on `df` degrees of freedom if the groups do not differ.
    df : int
        Groups minus one.
    p : float
        Never 0: it stops at 2.2e-308; `log10_p` goes on.
    log10_p : float
        Decimal logarithm of p.
    table : pandas.DataFrame
        `group`, `n`, `observed`, `expected` (customers who left, and who would have if the groups did not differ).
    """

    statistic: float
    df: int
    p: float
    log10_p: float
    table: pd.DataFrame


def logrank(
    durations: ArrayLike,
    event_observed: ArrayLike,
    *,
    group: ArrayLike,
    strata: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    copies: ArrayLike | None = None,
    sampling_weights: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    rho: float = 0.0,
) -> LogRank:
    """Could groups that do not differ leave at rates as different as these?

    Parameters
    ----------
    durations, event_observed, entry, copies, sampling_weights, cluster
        As for :func:`~crmkit.models.survival.curves.curves.kaplan_meier`.
    group : array_like, shape (n,)
        What is compared; two groups or more.
    strata : array_like, shape (n,), optional
        Compare only within these, so that their differences do not count.
    rho : float
        0: log-rank. 1: early differences count more (Peto & Peto); the weight is S(t-)^rho.

    Returns
    -------
    LogRank
        The test, and observed and expected numbers per group.

    Raises
    ------
    ModelError
        Where there is one group only, nobody leaves, a row cannot be an observation, or there are no more clusters than groups.

    Notes
    -----
    The variance is that of draws without replacement at each time. With sampling weights or clusters it is the sum over
    clusters (without, customers) of their squared part in the score: the robust score test of R's coxph with Breslow ties.

    References
    ----------
    Mantel (1966), Cancer Chemotherapy Reports 50(3), 163-170; Harrington & Fleming (1982), doi:10.1093/biomet/69.3.553;
    Lin & Wei (1989), doi:10.1080/01621459.1989.10478874; Lin (2000),
    doi:10.1093/biomet/87.1.37.

    Examples
    --------
    >>> test = logrank([1, 2, 3, 4, 5, 6], [1] * 6, group=list("aaabbb"))
    >>> round(test.statistic, 4), round(test.p, 4)
    (5.0517, 0.0246)
    """
    seen = check_observed(durations, event_observed, entry=entry, copies=copies, sampling_weights=sampling_weights)
    codes, labels = group_codes(group, len(seen.time))
    if len(labels) < 2:
        raise ModelError(Text("log-rank: there is one group only; at least two are needed"))
    if not seen.event.any():
        raise ModelError(Text("log-rank: nobody leaves, so there is nothing to compare"))
    return _test(seen, codes, labels, strata, cluster, rho)


def logrank_pairs(
    durations: ArrayLike,
    event_observed: ArrayLike,
    *,
    group: ArrayLike,
    strata: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    copies: ArrayLike | None = None,
    sampling_weights: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
) -> pd.DataFrame:
    """Which groups differ from which?

    Parameters
    ----------
    durations, event_observed, group, strata, entry, copies, sampling_weights, cluster
        As for :func:`logrank`.

    Returns
    -------
    pandas.DataFrame
        A row per pair: `group_a`, `group_b`, `statistic` (1 degree of freedom), `p`, `p_holm` (corrected for the number of
        pairs), `log10_p`, `n`. A pair of which nobody left has statistic 0 and p 1.
    """
    import pandas as pd

    seen = check_observed(durations, event_observed, entry=entry, copies=copies, sampling_weights=sampling_weights)
    codes, labels = group_codes(group, len(seen.time))
    if len(labels) < 2:
        raise ModelError(Text("log-rank: there is one group only; at least two are needed"))
    layers, clusters = (None if given is None else np.asarray(given) for given in (strata, cluster))
    found = []
    for a in range(len(labels)):
        for b in range(a + 1, len(labels)):
            both = np.flatnonzero((codes == a) | (codes == b))
            own = select(seen, both)
            inner, within = (None if given is None else given[both] for given in (layers, clusters))
            test = _test(own, (codes[both] == b).astype(np.int64), [labels[a], labels[b]], inner, within, 0.0)
            found.append(
                {
                    "group_a": labels[a],
                    "group_b": labels[b],
                    "statistic": test.statistic,
                    "p": test.p,
                    "log10_p": test.log10_p,
                    "n": float(own.number.sum()),
                }
            )
    table = pd.DataFrame(found)
    table.insert(4, "p_holm", holm_of_logs(table["log10_p"]))
    return table


def _test(
    seen: Observed, codes: Ints, labels: list[object], strata: ArrayLike | None, cluster: ArrayLike | None, rho: float
) -> LogRank:
    import pandas as pd

    robust = seen.sampled or cluster is not None
    parts = np.zeros((len(seen.time) if robust else 0, len(labels)))
    groups = len(labels)
    observed, expected, variance = np.zeros(groups), np.zeros(groups), np.zeros((groups, groups))
    score = np.zeros(groups)
    for _, members in split(strata, len(seen.time), what="strata"):
        d, r, weight = _tables(select(seen, members), codes[members], groups, rho)
        everybody, dead = r.sum(1), d.sum(1)
        share = r / everybody[:, None]
        observed += d.sum(0)
        expected += (dead[:, None] * share).sum(0)
        score += (weight[:, None] * (d - dead[:, None] * share)).sum(0)
        if robust:
            parts[members] = _parts(select(seen, members), codes[members], d, r, weight)
        hyper = np.divide(dead * (everybody - dead), everybody - 1, out=np.zeros_like(dead), where=everybody > 1) * weight**2
        variance += np.diag((hyper[:, None] * share).sum(0)) - (hyper[:, None] * share).T @ share
    at_risk = np.diag(variance) > 0  # a group that is never at risk when someone leaves says nothing
    kept = np.flatnonzero(at_risk)[:-1]
    if robust:
        variance = _by_cluster(parts, cluster, len(kept))
    statistic = float(score[kept] @ np.linalg.solve(variance[np.ix_(kept, kept)], score[kept])) if len(kept) else 0.0
    p, log10_p = chi_squared(statistic, len(kept))
    n = total(codes, seen.number, groups)
    table = pd.DataFrame({"group": labels, "n": n, "observed": observed, "expected": expected})
    return LogRank(statistic, max(len(kept), 0), p, log10_p, table)


def _by_cluster(parts: Floats, cluster: ArrayLike | None, least: int) -> Floats:
    if cluster is not None:
        codes, labels = group_codes(cluster, len(parts), what="cluster")
        if len(labels) <= least:
            what = f"has {counted(len(labels), 'value')}"
            raise ModelError(Problem("log-rank: cluster", what, "more clusters than groups are needed"))
        parts = np.stack([np.bincount(codes, column, len(labels)) for column in parts.T], axis=1)
    return np.asarray(parts.T @ parts)


def _parts(seen: Observed, codes: Ints, d: Floats, r: Floats, weight: Floats) -> Floats:
    """Each row's part of the score per group: that it left, minus what was expected of it, each against the share at risk."""
    times = np.unique(seen.time[seen.event])
    everybody = r.sum(1)
    rate = weight * np.divide(d.sum(1), everybody, out=np.zeros_like(everybody), where=everybody > 0)
    share = r / everybody[:, None]
    upto = np.concatenate([[0.0], np.cumsum(rate)])
    path = np.vstack([np.zeros(r.shape[1]), np.cumsum(rate[:, None] * share, axis=0)])
    leave = np.searchsorted(times, seen.time, side="right")
    join = np.zeros_like(leave) if seen.entry is None else np.searchsorted(times, seen.entry, side="right")
    parts = path[leave] - path[join]
    own = np.arange(len(codes)), codes
    parts[own] -= upto[leave] - upto[join]
    gone = np.flatnonzero(seen.event)
    when = leave[gone] - 1
    parts[gone] -= weight[when, None] * share[when]
    parts[gone, codes[gone]] += weight[when]
    return np.asarray(parts * seen.weight[:, None])


def _tables(seen: Observed, codes: Ints, groups: int, rho: float) -> tuple[Floats, Floats, Floats]:
    """Per time of leaving and group: who left and who was at risk; and the weight of the time."""
    times = np.unique(seen.time[seen.event])
    k = len(times)
    here = np.searchsorted(times, seen.time, side="right")  # at risk at the first `here` times of leaving
    size = (k + 1, groups)
    leave = total(here * groups + codes, seen.weight, size[0] * size[1]).reshape(size)
    r = np.cumsum(leave[::-1], axis=0)[::-1][1:]
    if seen.entry is not None:
        since = np.searchsorted(times, seen.entry, side="right")
        join = total(since * groups + codes, seen.weight, size[0] * size[1]).reshape(size)
        r = r - np.cumsum(join[::-1], axis=0)[::-1][1:]
    event = seen.event
    d = total((here[event] - 1) * groups + codes[event], seen.weight[event], k * groups).reshape(k, groups)
    if not rho:
        return d, r, np.ones(k)
    survival, _ = product_limit(Counts(times, r.sum(1), d.sum(1), np.zeros(k)))
    return d, r, np.concatenate([[1.0], survival[:-1]]) ** rho
