"""How long do customers take to buy again? Curves by purchase number and group, with errors by customer, and their medians."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, Problem
from crmkit.core.results import Quantity, Text
from crmkit.models.basics.estimates import critical
from crmkit.models.survival.curves.curves import INTERVALS, kaplan_meier, limits, median_survival
from crmkit.models.survival.data.observed import (
    Bools,
    Observed,
    check_observed,
    count_at_risk,
    group_codes,
    one_of,
    select,
    split,
    total,
)

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NOT_REACHED = Text("not reached: after {x} days, the longest time seen, {share} had not bought again")


def gap_curves(
    durations: ArrayLike,
    event_observed: ArrayLike,
    *,
    group: ArrayLike | None = None,
    customer: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    confidence: float = 0.95,
    interval: str = "log-log",
) -> pd.DataFrame:
    """Which share of customers has not bought again after each time?

    Parameters
    ----------
    durations : array_like >= 0, shape (n,)
        Gaps, in any unit.
    event_observed : array_like of 0/1, shape (n,)
        Whether a purchase ended the gap.
    group : array_like, shape (n,), optional
        A curve for each: purchase number, or a group of customers. To compare groups of customers, give one gap per customer
        (:func:`~crmkit.models.survival.gaps.gaps_on_day`): else who buys often counts often.
    customer : array_like, shape (n,), optional
        Whose gap it is: errors by customer, which hold where a customer has several gaps of like length.
    entry : array_like, shape (n,), optional
        Silence at which the gap came under observation (left truncation).
    weights : array_like, shape (n,), optional
        Gaps per row; not together with `customer`.
    confidence, interval
        As for :func:`~crmkit.models.survival.kaplan_meier`.

    Returns
    -------
    pandas.DataFrame
        As of :func:`~crmkit.models.survival.kaplan_meier`; `value` is the share that has not bought again.

    Notes
    -----
    With `customer` the variance is the sum over customers of their squared influence on the curve (infinitesimal jackknife).

    References
    ----------
    Therneau & Grambsch (2000), doi:10.1007/978-1-4757-3294-8, section 2.3.

    Examples
    --------
    >>> gap_curves([10, 20, 20, 40], [1, 1, 1, 0], customer=["a", "a", "b", "b"])["value"].tolist()
    [1.0, 0.75, 0.25, 0.25]
    """
    import pandas as pd

    one_of(interval, INTERVALS, "interval")
    curve = kaplan_meier(
        durations,
        event_observed,
        group=group,
        entry=entry,
        weights=weights,
        confidence=confidence,
        interval=interval,
        engine="counts" if customer is not None or weights is not None else "auto",
    )
    if customer is None:
        return curve
    if weights is not None:
        raise ModelError(
            Problem("gap curves: weights", "are given with customers", "a row is one gap where errors are by customer")
        )
    seen = check_observed(durations, event_observed, entry=entry)
    codes = group_codes(customer, len(seen.time), what="customer")[0]
    parts = []
    for name, members in split(group, len(seen.time)):
        own = curve.loc[curve["group"] == name].copy()
        of = influence(select(seen, members))
        error = np.concatenate([[0.0], clustered_errors(of, codes[members])])[-len(own) :]
        value = own["value"].to_numpy()
        own["standard_error"] = value * error
        own["low"], own["high"] = limits(value, error**2, critical(confidence), interval)
        parts.append(own)
    found: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return found


def gap_medians(curve: pd.DataFrame, *, share: float = 0.5) -> pd.DataFrame:
    """By when has half of the customers bought again?

    Parameters
    ----------
    curve : pandas.DataFrame
        From :func:`gap_curves`.
    share : float
        Share that has not bought again, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        A row per group: `group`, `value`, `low`, `high` (None where not reached), `n` (gaps), `events`, `reason` (a Text
        that says why there is no value, else None).
    """
    import pandas as pd

    found = median_survival(curve, share=share, unit="days")
    columns: dict[str, list[object]] = {name: [] for name in ("group", "value", "low", "high", "n", "events", "reason")}
    for group, *ends, n in found[["group", "value", "low", "high", "n"]].itertuples(index=False):
        own = curve.loc[curve["group"] == group]
        last = own.loc[own["at_risk"] > 0].iloc[-1]
        ends = [float(end) if np.isfinite(end) else None for end in ends]
        said = {"x": Quantity(float(last["x"]), "number"), "share": Quantity(float(last["value"]), "share")}
        reason = Text(NOT_REACHED.template, said) if ends[0] is None else None
        for name, one in zip(columns, (group, *ends, n, own["events"].sum(), reason), strict=True):
            columns[name].append(one)
    # a column of numbers would turn None into nan
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})


class Influence(NamedTuple):
    """What each gap adds to the logarithm of the curve: while it runs as the path does, then once more when it ends."""

    seen: Observed
    times: Floats  # different times, rising
    path: Floats  # (k + 1,) cumulative, from 0
    own: Floats  # (n,) taken off when a purchase ends the gap
    last: float  # the curve is 0 from here on, and has no error


def influence(seen: Observed) -> Influence:
    """The influence of each gap on the Kaplan-Meier curve of these gaps."""
    counts = count_at_risk(seen)
    rest = counts.at_risk - counts.events
    some = rest > 1e-12
    inverse = np.divide(1.0, rest, out=np.zeros_like(rest), where=some)
    steps = np.divide(counts.events * inverse, counts.at_risk, out=np.zeros_like(rest), where=counts.events > 0)
    own = np.where(seen.event, inverse[np.searchsorted(counts.time, seen.time)], 0.0)
    empty = counts.time[~some & (counts.events > 0)]
    path = np.concatenate([[0.0], np.cumsum(steps)])
    return Influence(seen, counts.time, path, own, float(empty[0]) if len(empty) else np.inf)


def influence_at(of: Influence, time: float) -> Floats:
    """Derivative of log S(time) by the weight of each gap, times that weight."""
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
    A customer's influence at t is A path(t) + B, A their gaps that run and B what the others have added. A and B change only
    when a gap begins or ends, so the sum of squares is a running sum over these moments: no table of customers times times.
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
