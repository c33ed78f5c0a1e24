"""How much does each customer move a survival curve? Errors that hold though rows hang together or were drawn unequally."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crmkit.models.survival.data.observed import Bools, Ints, Observed, count_at_risk, total

Floats = NDArray[np.float64]


class Influence(NamedTuple):
    """What each row adds to the logarithm of the curve: while it runs as the path does, then once more when it ends."""

    seen: Observed
    times: Floats  # different times, rising
    path: Floats  # (k + 1,) cumulative, from 0
    own: Floats  # (n,) taken off when the event ends the row
    last: float  # the curve is 0 from here on, and has no error


def influence(seen: Observed, *, factor: Floats | None = None) -> Influence:
    """The influence of each row on the Kaplan-Meier curve of these rows.

    Parameters
    ----------
    seen : Observed
    factor : array, shape (k,), optional
        By which what each different time adds is multiplied: with the area under the curve after it up to tau, the influence is
        that on the restricted mean.
    """
    counts = count_at_risk(seen)
    rest = counts.at_risk - counts.events
    some = rest > 1e-12
    inverse = np.divide(1.0 if factor is None else factor, rest, out=np.zeros_like(rest), where=some)
    steps = np.divide(counts.events * inverse, counts.at_risk, out=np.zeros_like(rest), where=counts.events > 0)
    own = np.where(seen.event, inverse[np.searchsorted(counts.time, seen.time)], 0.0)
    empty = counts.time[~some & (counts.events > 0)]
    path = np.concatenate([[0.0], np.cumsum(steps)])
    return Influence(seen, counts.time, path, own, float(empty[0]) if len(empty) else np.inf)


def influence_at(of: Influence, time: float) -> Floats:
    """Derivative of log S(time) by the weight of each row, times that weight."""
    seen = of.seen

    def upto(when: Floats) -> Floats:
        return of.path[np.searchsorted(of.times, when, side="right")]

    stayed = upto(np.minimum(seen.time, time))
    if seen.entry is not None:
        stayed = stayed - upto(np.minimum(seen.entry, time))
    return np.asarray((stayed - np.where(seen.time <= time, of.own, 0.0)) * seen.weight)


def clustered_errors(of: Influence, codes: Ints) -> Floats:
    """Standard error of log S at each different time, by customer; nan from where nobody is left.

    Notes
    -----
    A customer's influence at t is A path(t) + B, A their rows that run and B what the others have added. A and B change only
    when a row begins or ends, so the sum of squares is a running sum over these moments: no table of customers times times.
    """
    seen, n = of.seen, len(of.seen.time)
    end = np.searchsorted(of.times, seen.time)
    moments = [(codes, end, -seen.weight, seen.weight * (of.path[end + 1] - of.own))]
    if seen.entry is None:
        moments.insert(0, (codes, np.full(n, -1), seen.weight, np.zeros(n)))
    else:
        start = of.path[np.searchsorted(of.times, seen.entry, side="right")]
        moments.insert(0, (codes, np.searchsorted(of.times, seen.entry), seen.weight, -seen.weight * start))
    who, when, running, done = (np.concatenate(part) for part in zip(*moments, strict=True))
    order = np.lexsort((when, who))
    who, when, running, done = who[order], when[order], running[order], done[order]
    first = np.concatenate([[True], who[1:] != who[:-1]])
    A, B = _within(running, first), _within(done, first)
    before_a, before_b = np.where(first, 0.0, np.roll(A, 1)), np.where(first, 0.0, np.roll(B, 1))
    sums = [
        np.cumsum(total(when + 1, change, len(of.times) + 1))[1:]
        for change in (A * A - before_a * before_a, A * B - before_a * before_b, B * B - before_b * before_b)
    ]
    path = of.path[1:]
    variance = path * path * sums[0] + 2 * path * sums[1] + sums[2]
    return np.where(of.times < of.last, np.sqrt(np.maximum(variance, 0.0)), np.nan)


def _within(values: Floats, first: Bools) -> Floats:
    """Running sums that begin anew with each customer."""
    upto = np.cumsum(values)
    start = np.flatnonzero(first)
    base = np.concatenate([[0.0], upto[start[1:] - 1]])
    return np.asarray(upto - np.repeat(base, np.diff(np.append(start, len(values)))))
