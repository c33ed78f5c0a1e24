"""Are these possible observations of customers who stay or leave? The check and the count that every module shares."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, ParamError, Problem, counted, rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Observed(NamedTuple):
    """Checked observations: how long, whether the customer left then, since when observed, and what a row counts.

    `weight` is how many customers the row is a copy of; of `sampled` rows, for how many of a population one customer stands.
    """

    time: Floats
    event: Bools
    entry: Floats | None
    weight: Floats
    sampled: bool = False

    @property
    def number(self) -> Floats:
        """Customers who were observed, per row."""
        return np.ones(len(self.time)) if self.sampled else self.weight


class Counts(NamedTuple):
    """Per different time: customers at risk just before it, who left then, who was censored then."""

    time: Floats
    at_risk: Floats
    events: Floats
    censored: Floats


def check_observed(
    durations: ArrayLike,
    event_observed: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    copies: ArrayLike | None = None,
    sampling_weights: ArrayLike | None = None,
) -> Observed:
    """Are these possible observations? Returns them as arrays of one length.

    Parameters
    ----------
    durations : array_like >= 0, shape (n,)
        Time from the start to leaving, or to the end of observation.
    event_observed : array_like of 0/1 or bool, shape (n,)
        Whether the customer left at `durations`.
    entry : array_like >= 0, shape (n,), optional
        Since when the customer was under observation (left truncation), below `durations`; 0 when left out.
    copies : array_like of whole numbers > 0, shape (n,), optional
        How many customers a row was counted from.
    sampling_weights : array_like > 0, shape (n,), optional
        For how many customers of a population the one of this row stands, in any unit: one over the probability of being drawn,
        of answering, of being treated so. Not together with `copies`: ten copies are ten observations, a customer who stands
        for ten is one.

    Raises
    ------
    ModelError
        All faults at once, each with the number of rows and the first five positions.
    """
    named = {"durations": durations, "event_observed": event_observed, "entry": entry}
    named |= {"copies": copies, "sampling_weights": sampling_weights}
    arrays = {name: _numbers(name, value) for name, value in named.items() if value is not None}
    length = len(arrays["durations"])
    faults = [
        Problem(f"survival: {name}", f"has {counted(len(array), 'row')}, durations has {length}", "all need the same rows")
        for name, array in arrays.items()
        if len(array) != length
    ]
    if not length:
        faults.append(Problem("survival:", "there are no rows", "at least one customer is needed"))
    if faults:
        raise ModelError(faults)
    time, event, since = arrays["durations"], arrays["event_observed"], arrays.get("entry")
    sampled = "sampling_weights" in arrays
    weight = arrays.get("copies", arrays.get("sampling_weights", np.ones(length)))

    def refuse(bad: Bools, column: str, what: str, allowed: str) -> None:
        if bad.any():
            found = np.flatnonzero(bad)
            text = f"{what} in {len(found)} of {length} rows ({rows(found[:5].tolist(), len(found))})"
            faults.append(Problem(f"survival: {column}", text, allowed))

    refuse(~(np.isfinite(time) & (time >= 0)), "durations", "is missing or negative", "it is a time of 0 or more")
    refuse(~np.isin(event, (0.0, 1.0)), "event_observed", "is not 0 or 1", "1 = the customer left")
    positive = np.isfinite(weight) & (weight > 0)
    if sampled:
        faults += _sampling_faults(positive, both="copies" in arrays)
        if positive.any():
            allowed = "each is above 0; leave out who stands for nobody"
            refuse(~positive, "sampling_weights", "is missing, infinite, 0 or negative", allowed)
    else:
        whole = positive & (weight == np.rint(weight))
        allowed = "it counts customers; what is drawn or answers with unequal chances has sampling_weights"
        refuse(~whole, "copies", "is missing, 0, negative or no whole number", allowed)
    if since is not None:
        refuse(~np.isfinite(since) | (since < 0), "entry", "is missing or negative", "it is a time of 0 or more")
        refuse(since >= time, "entry", "is not before durations", "leave out who was never under observation")
    if faults:
        raise ModelError(faults)
    return Observed(time, event > 0, since, weight, sampled)


def _sampling_faults(positive: Bools, *, both: bool) -> list[Problem]:
    faults = []
    if both:
        what = "are given together with copies"
        faults.append(Problem("survival: sampling_weights", what, "a row counts customers or stands for some; give one"))
    if not positive.any():
        what = f"add up to nothing: none of {counted(len(positive), 'row')} is above 0"
        faults.append(Problem("survival: sampling_weights", what, "each is above 0"))
    return faults


def count_at_risk(seen: Observed) -> Counts:
    """How many customers are at risk, leave, and are censored at each different time?"""
    times, position = np.unique(seen.time, return_inverse=True)
    left = total(position, seen.weight * seen.event, len(times))
    gone = total(position, seen.weight, len(times))
    at_risk = np.cumsum(gone[::-1])[::-1]
    if seen.entry is not None:
        # who enters at t is at risk only after t: subtract everybody whose entry is not before t
        upto = np.searchsorted(times, seen.entry, side="right")
        at_risk = at_risk - np.cumsum(total(upto, seen.weight, len(times) + 1)[::-1])[::-1][1:]
    return Counts(times, at_risk, left, gone - left)


def total(position: Ints, weights: Floats, length: int) -> Floats:
    """The sum of the weights per position."""
    return np.asarray(np.bincount(position, weights, length), dtype=np.float64)


def select(seen: Observed, rows_kept: Bools | Ints) -> Observed:
    """The observations of some rows."""
    entry = None if seen.entry is None else seen.entry[rows_kept]
    return Observed(seen.time[rows_kept], seen.event[rows_kept], entry, seen.weight[rows_kept], seen.sampled)


def split(group: ArrayLike | None, length: int, *, what: str = "group") -> list[tuple[Any, Ints]]:
    """Which rows belong to each group, in sorted order of the groups? One group named "" where none is given.

    Raises
    ------
    ModelError
        When the lengths differ or a group is missing.
    """
    if group is None:
        return [("", np.arange(length))]
    codes, labels = group_codes(group, length, what=what)
    order = np.argsort(codes, kind="stable")
    edges = np.searchsorted(codes[order], np.arange(len(labels) + 1))
    return [(label, order[edges[k] : edges[k + 1]]) for k, label in enumerate(labels)]


def group_codes(group: ArrayLike, length: int, *, what: str = "group") -> tuple[Ints, list[Any]]:
    """Each row's group as a number, and the names of the groups: in their own order where they have one, else sorted."""
    import pandas as pd

    values = pd.Series(group) if not isinstance(group, pd.Series) else group.reset_index(drop=True)
    if len(values) != length:
        raise ModelError(
            Problem(f"survival: {what}", f"has {counted(len(values), 'row')}, durations has {length}", "all need the same rows")
        )
    missing = np.flatnonzero(values.isna())
    if len(missing):
        where = rows(missing[:5].tolist(), len(missing))
        raise ModelError(
            Problem(f"survival: {what}", f"is missing in {counted(len(missing), 'row')} ({where})", "name a group for them")
        )
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.cat.remove_unused_categories()
        return np.asarray(values.cat.codes, dtype=np.int64), list(values.cat.categories)
    codes, labels = pd.factorize(values, sort=True)
    return np.asarray(codes, dtype=np.int64), list(labels)


def chi_squared(statistic: float, degrees: int) -> tuple[float, float]:
    """p value and its decimal logarithm; the p value is never 0, however large the statistic.

    Examples
    --------
    >>> [round(number, 4) for number in chi_squared(3.841458820694124, 1)]
    [0.05, -1.301]
    """
    from scipy.special import gammaln
    from scipy.stats import chi2

    logarithm = float(chi2.logsf(statistic, degrees)) if degrees else 0.0
    if not np.isfinite(logarithm):
        # beyond the reach of floats: the asymptotic series of the incomplete gamma function, x > 300
        a, x = degrees / 2, statistic / 2
        series = 1 + float(np.cumprod((a - np.arange(1, 12)) / x).sum())
        logarithm = -x + (a - 1) * float(np.log(x)) - float(gammaln(a)) + float(np.log(series))
    return max(float(np.exp(logarithm)), float(np.finfo(np.float64).tiny)), logarithm / float(np.log(10))


def one_of(value: str, allowed: tuple[str, ...], name: str) -> str:
    """The value, if it is one of those allowed.

    Raises
    ------
    ParamError
        Otherwise, with the nearest right one.
    """
    from crmkit.core.errors import did_you_mean

    if value not in allowed:
        raise ParamError(
            Problem(name, f"is '{value}'", f"it is one of {', '.join(allowed)}", did_you_mean(str(value), allowed))
        )
    return value


def _numbers(name: str, value: Any) -> Floats:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as err:
        raise ModelError(Problem(f"survival: {name}", "holds something that is no number", f"{err}")) from err
    if array.ndim != 1:
        raise ModelError(Problem(f"survival: {name}", f"has shape {array.shape}", "one value per customer is needed"))
    return array
