"""Do those who leave first have the higher risk? Harrell's and Uno's C, and AUC at a horizon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, Problem
from crmkit.core.language import mark
from crmkit.core.results import Text
from crmkit.models.basics.estimates import critical
from crmkit.models.survival.data.observed import (
    Bools,
    Observed,
    check_observed,
    group_codes,
    one_of,
    select,
    split,
)
from crmkit.models.survival.judging.censoring import censoring_curve, require_followed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WEIGHTINGS = ("harrell", "uno")


@dataclass(frozen=True)
class Agreement:
    """A probability that risk and outcome agree in their order, with its interval.

    Parameters
    ----------
    value : float
        0.5 = no better than chance, 1 = perfect.
    standard_error, low, high : float
    n, events : float
        Customers, and leavers that count.
    method : str
    """

    value: float
    standard_error: float
    low: float
    high: float
    n: float
    events: float
    method: str


def concordance(
    durations: ArrayLike,
    event_observed: ArrayLike,
    risk: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    sampling_weights: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    weighting: str = "harrell",
    tau: float | None = None,
    confidence: float = 0.95,
) -> Agreement:
    """In which share of the pairs that can be compared did the customer with the higher risk leave first?

    Parameters
    ----------
    durations, event_observed, entry, sampling_weights, cluster : array_like, shape (n,)
        As for :func:`~crmkit.models.survival.curves.curves.kaplan_meier`. A leaver is compared with who was under observation
        then: not with who entered later.
    risk : array_like, shape (n,)
        Higher = expected to leave sooner; any scale.
    strata : array_like, shape (n,), optional
        Only customers of one stratum are compared, as a Cox model with these strata does.
    weighting : {"harrell", "uno"}
        "harrell": every pair counts once, so the result depends on the censoring. "uno": each leaver stands for those whose
        leaving was not seen, by 1 / G(t-)^2 of the stratum; it does not depend on the censoring. Not with `entry`.
    tau : float, optional
        Only who leaves up to and with `tau` counts. Uno's C needs it where few are observed for long.
    confidence : float

    Returns
    -------
    Agreement
        Pairs with equal risk count one half. Who leaves and who is censored at the same time: the leaver was first. Two who
        leave at the same time are not compared.

    Raises
    ------
    ModelError
        When no pair can be compared, or, for Uno's C, G < 0.05 at the last time that counts.

    Notes
    -----
    Standard error from the infinitesimal jackknife, by cluster where there are some, G taken as known. R's tie rule:
    survival::concordance with timewt "n" or "n/G2". A pair weighs the product of its sampling weights.

    References
    ----------
    Harrell et al. (1982), doi:10.1001/jama.1982.03320430047030; Uno et al. (2011), doi:10.1002/sim.4154.

    Examples
    --------
    >>> concordance([1, 2, 3], [1, 1, 0], [3.0, 1.0, 2.0]).value
    0.6666666666666666
    """
    one_of(weighting, WEIGHTINGS, "weighting")
    if weighting == "uno" and entry is not None:
        what = "is 'uno', and customers enter late"
        raise ModelError(Problem("concordance: weighting", what, "how long they would be followed is unknown; take 'harrell'"))
    reach = critical(confidence)
    seen, score = _with_risk(durations, event_observed, risk, entry=entry, sampling_weights=sampling_weights)
    codes = None if cluster is None else group_codes(cluster, len(score), what="cluster")[0]
    rank = np.unique(score, return_inverse=True)[1]
    concordant, comparable, leavers = np.zeros((2, len(score))), np.zeros((2, len(score))), 0
    for _, members in split(strata, len(score), what="strata"):
        own = select(seen, members)
        counted = own.event if tau is None else own.event & (own.time <= tau)
        if counted.any():
            leavers += int(counted.sum())
            concordant[:, members], comparable[:, members] = _pairs(own, rank[members], counted, weighting)
    if not leavers:
        raise ModelError(Text("concordance: nobody leaves within the time that counts"))
    conc, pairs = float(seen.weight @ concordant[0]), float(seen.weight @ comparable[0])
    if pairs <= 0:
        raise ModelError(Text("concordance: no two customers can be compared"))
    value = conc / pairs
    influence = seen.weight * (concordant - value * comparable).sum(axis=0) / pairs
    error = float(np.sqrt(((influence if codes is None else np.bincount(codes, influence)) ** 2).sum()))
    name = mark("Harrell's C") if weighting == "harrell" else mark("Uno's C")
    low, high = max(0.0, value - reach * error), min(1.0, value + reach * error)
    return Agreement(value, error, low, high, float(len(score)), float(leavers), name)


def auc_at(
    durations: ArrayLike, event_observed: ArrayLike, risk: ArrayLike, *, horizon: float, confidence: float = 0.95
) -> Agreement:
    """How well does the risk tell who leaves within the horizon from who stays longer?

    Parameters
    ----------
    durations, event_observed, risk, confidence
        As for :func:`concordance`.
    horizon : float > 0

    Returns
    -------
    Agreement
        The probability that one who left up to the horizon had a higher risk than one who was still there after it.

    Raises
    ------
    ModelError
        When nobody left within the horizon, nobody stayed longer, or G(horizon) < 0.05.

    Notes
    -----
    Cumulative/dynamic AUC: leavers weigh 1 / G(t-), so that they stand for those censored before. Standard error from the
    influence of each leaver and each stayer, G taken as known.

    References
    ----------
    Hung & Chiang (2010), doi:10.1002/cjs.10046; Uno et al. (2007), doi:10.1198/016214507000000149.
    """
    reach = critical(confidence)
    seen, score = _with_risk(durations, event_observed, risk)
    curve = censoring_curve(seen)
    require_followed(curve, horizon)
    left, stayed = seen.event & (seen.time <= horizon), seen.time > horizon
    if not left.any() or not stayed.any():
        what = "nobody leaves within" if not left.any() else "nobody is observed beyond"
        raise ModelError(Problem("AUC: horizon", f"is {horizon:g}; {what} it"))
    weight = 1 / curve.before(seen.time[left])
    cases, controls = score[left], np.sort(score[stayed])
    above = (np.searchsorted(controls, cases) + np.searchsorted(controls, cases, side="right")) / 2 / len(controls)
    value = float(weight @ above / weight.sum())
    order = np.argsort(cases, kind="stable")
    upto = np.concatenate([[0.0], np.cumsum(weight[order])])
    low_side, high_side = (upto[np.searchsorted(cases[order], controls, side=side)] for side in ("left", "right"))
    below = 1 - (low_side + high_side) / 2 / weight.sum()
    variance = ((weight * (above - value)) ** 2).sum() / weight.sum() ** 2 + ((below - value) ** 2).sum() / len(controls) ** 2
    error = float(np.sqrt(variance))
    low, high = max(0.0, value - reach * error), min(1.0, value + reach * error)
    return Agreement(value, error, low, high, float(len(score)), float(left.sum()), mark("AUC at the horizon"))


def _with_risk(
    durations: ArrayLike,
    event_observed: ArrayLike,
    risk: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    sampling_weights: ArrayLike | None = None,
) -> tuple[Observed, Floats]:
    seen = check_observed(durations, event_observed, entry=entry, sampling_weights=sampling_weights)
    score = np.asarray(risk, dtype=np.float64)
    if score.shape != seen.time.shape or not np.isfinite(score).all():
        what = f"has shape {score.shape}" if score.shape != seen.time.shape else "is missing or infinite somewhere"
        raise ModelError(Problem("evaluation: risk", what, f"{len(seen.time)} numbers are needed"))
    return seen, score


def _time_weight(seen: Observed, time: Floats, weighting: str) -> Floats:
    if weighting == "harrell":
        return np.ones(len(time))
    curve = censoring_curve(seen)
    require_followed(curve, float(time.max()), before=True)
    return np.asarray(1 / curve.before(time) ** 2)


def _first_of_group(t: Floats, e: NDArray[np.bool_]) -> Ints:
    """For each position, the first position with the same time and kind."""
    new = np.concatenate([[True], (t[1:] != t[:-1]) | (e[1:] != e[:-1])])
    return np.asarray(np.maximum.accumulate(np.where(new, np.arange(len(t)), 0)))


def _pairs(seen: Observed, rank: Ints, counted: Bools, weighting: str) -> tuple[Floats, Floats]:
    """Per customer: weight of the partners in concordant and in comparable pairs, as the one who left first, as the other."""
    # latest first; at one time, who leaves comes after (so the prefix before a group of leavers is what they are compared with)
    order = np.lexsort((seen.event, -seen.time))
    time, weight, place = seen.time[order], seen.weight[order], rank[order]
    who = np.flatnonzero(counted[order])
    size = _first_of_group(time, seen.event[order])[who]
    leaver = weight[who] * (of_time := _time_weight(seen, time[who], weighting))
    found = _pair_sums(place, weight, who, size, leaver)
    if seen.entry is not None:  # those who enter at or after the time are later too, and were not there to be compared with
        since = seen.entry[order]
        late = np.argsort(-since, kind="stable")
        inside = np.searchsorted(-since[late], -time[who], side="right")
        position = np.searchsorted(-time[who], -since, side="left")
        found = found - _pair_sums(place, weight, who, inside, leaver, points=late, longer=len(who) - position)
    found[:, 0, who] *= of_time
    out = np.zeros_like(found)
    out[:, :, order] = found
    return out[0], out[1]


def _pair_sums(
    rank: Ints,
    weight: Floats,
    who: Ints,
    size: Ints,
    leaver: Floats,
    *,
    points: Ints | None = None,
    longer: Ints | None = None,
) -> Floats:
    """Of the pairs of each leaver `who` with the first `size` of `points`: (concordant, comparable) x (leaver, other) x n.

    Falling times; each sum is of the partner's weight, `leaver` that of the leavers. `longer`: with how many leavers, counted
    from the earliest, each customer is paired.
    """
    n = len(rank)
    out = np.zeros((2, 2, n))
    at = np.arange(n) if points is None else points
    lower, equal = lower_in_prefix(rank[at], weight[at], size, rank[who])
    out[0, 0, who] = lower + equal / 2
    out[1, 0, who] = np.concatenate([[0.0], np.cumsum(weight[at])])[size]
    # the same pairs seen from the other side: leavers whose prefix is longer than my position, and whose rank is above mine
    falling = np.argsort(-size, kind="stable")
    top = int(rank.max())
    if longer is None:
        longer = np.searchsorted(-size[falling], -np.arange(n), side="left")  # leavers with size > position
    higher, same = lower_in_prefix(top - rank[who][falling], leaver[falling], longer, top - rank)
    out[0, 1] = higher + same / 2
    out[1, 1] = np.concatenate([[0.0], np.cumsum(leaver[falling])])[longer]
    return out


def lower_in_prefix(rank: Ints, weight: Floats, size: Ints, limit: Ints) -> tuple[Floats, Floats]:
    """For each question: the weight of the first `size` points whose rank is below `limit`, and equal to it.

    Parameters
    ----------
    rank : array of int >= 0, shape (n,)
        Of the points, in their order.
    weight : array, shape (n,)
        Of the points.
    size, limit : arrays of int, shape (m,)
        The questions; 0 <= size <= n.

    Returns
    -------
    lower, equal : arrays of float64, shape (m,)

    Notes
    -----
    A prefix is made of at most log2(n) blocks whose length is a power of two, one per binary digit of its size. Blocks of one
    length are sorted once; with the number of the block as leading digit they form one sorted array, in which all questions are
    looked up together.

    Examples
    --------
    >>> lower_in_prefix(np.array([2, 0, 1]), np.ones(3), np.array([3, 1]), np.array([1, 2]))
    (array([1., 0.]), array([1., 1.]))
    """
    n = len(rank)
    lower, equal = np.zeros(len(size)), np.zeros(len(size))
    base = int(max(rank.max(initial=0), limit.max(initial=0))) + 2
    position = np.arange(n)
    for level in range(int(n).bit_length()):
        asked = np.flatnonzero((size >> level) & 1)
        if not len(asked):
            continue
        key = (position >> level) * base + rank
        order = np.argsort(key, kind="stable")
        key = key[order]
        upto = np.concatenate([[0.0], np.cumsum(weight[order])])
        block = ((size[asked] >> (level + 1)) << 1) * base  # the block that this digit stands for
        first = upto[np.searchsorted(key, block, side="left")]
        below = upto[np.searchsorted(key, block + limit[asked], side="left")]
        through = upto[np.searchsorted(key, block + limit[asked], side="right")]
        lower[asked] += below - first
        equal[asked] += through - below
    return lower, equal
