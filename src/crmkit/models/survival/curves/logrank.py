"""Do groups leave at different rates? Log-rank tests: two or more groups, within strata, pair by pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError
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
    weights: ArrayLike | None = None,
    rho: float = 0.0,
) -> LogRank:
    """Could groups that do not differ leave at rates as different as these?

    Parameters
    ----------
    durations, event_observed, entry, weights
        As for :func:`~crmkit.models.survival.curves.curves.kaplan_meier`; weights count customers.
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
        Where there is one group only, nobody leaves, or a row cannot be an observation.

    References
    ----------
    Mantel (1966), Cancer Chemotherapy Reports 50(3), 163-170; Harrington & Fleming (1982), doi:10.1093/biomet/69.3.553.

    Examples
    --------
    >>> test = logrank([1, 2, 3, 4, 5, 6], [1] * 6, group=list("aaabbb"))
    >>> round(test.statistic, 4), round(test.p, 4)
    (5.0517, 0.0246)
    """
    seen = check_observed(durations, event_observed, entry=entry, weights=weights)
    codes, labels = group_codes(group, len(seen.time))
    if len(labels) < 2:
        raise ModelError(Text("log-rank: there is one group only; at least two are needed"))
    if not seen.event.any():
        raise ModelError(Text("log-rank: nobody leaves, so there is nothing to compare"))
    return _test(seen, codes, labels, strata, rho)


def logrank_pairs(
    durations: ArrayLike,
    event_observed: ArrayLike,
    *,
    group: ArrayLike,
    strata: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> pd.DataFrame:
    """Which groups differ from which?

    Parameters
    ----------
    durations, event_observed, group, strata, entry, weights
        As for :func:`logrank`.

    Returns
    -------
    pandas.DataFrame
        A row per pair: `group_a`, `group_b`, `statistic` (1 degree of freedom), `p`, `p_holm` (corrected for the number of
        pairs), `log10_p`, `n`. A pair of which nobody left has statistic 0 and p 1.
    """
    import pandas as pd

    seen = check_observed(durations, event_observed, entry=entry, weights=weights)
    codes, labels = group_codes(group, len(seen.time))
    if len(labels) < 2:
        raise ModelError(Text("log-rank: there is one group only; at least two are needed"))
    layers = None if strata is None else np.asarray(strata)
    found = []
    for a in range(len(labels)):
        for b in range(a + 1, len(labels)):
            both = np.flatnonzero((codes == a) | (codes == b))
            own = select(seen, both)
            inner = None if layers is None else layers[both]
            test = _test(own, (codes[both] == b).astype(np.int64), [labels[a], labels[b]], inner, 0.0)
            found.append(
                {
                    "group_a": labels[a],
                    "group_b": labels[b],
                    "statistic": test.statistic,
                    "p": test.p,
                    "log10_p": test.log10_p,
                    "n": float(own.weight.sum()),
                }
            )
    table = pd.DataFrame(found)
    table.insert(4, "p_holm", holm_of_logs(table["log10_p"]))
    return table


def _test(seen: Observed, codes: Ints, labels: list[object], strata: ArrayLike | None, rho: float) -> LogRank:
    import pandas as pd

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
        hyper = np.divide(dead * (everybody - dead), everybody - 1, out=np.zeros_like(dead), where=everybody > 1) * weight**2
        variance += np.diag((hyper[:, None] * share).sum(0)) - (hyper[:, None] * share).T @ share
    at_risk = np.diag(variance) > 0  # a group that is never at risk when someone leaves says nothing
    kept = np.flatnonzero(at_risk)[:-1]
    statistic = float(score[kept] @ np.linalg.solve(variance[np.ix_(kept, kept)], score[kept])) if len(kept) else 0.0
    p, log10_p = chi_squared(statistic, len(kept))
    n = total(codes, seen.weight, groups)
    table = pd.DataFrame({"group": labels, "n": n, "observed": observed, "expected": expected})
    return LogRank(statistic, max(len(kept), 0), p, log10_p, table)


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
