"""Do the gaps carry a model at all? What there is of them, what is odd, and which gap each customer is in on a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, ParamError, Problem
from crmkit.core.results import Quantity, Text
from crmkit.models.survival.data.observed import check_observed, group_codes, total
from crmkit.models.survival.gaps.rhythm import NOBODY_TWICE

if TYPE_CHECKING:
    import pandas as pd

Closed = tuple[dt.date, dt.date]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STRATA = 4
LEAST_ENDED = 30
HEAVY_SHARE = 0.2
CLOSED_DAYS, CLOSED_EXPECTED, AROUND_DAYS = 7, 20.0, 60

NO_PURCHASES = Text("there is no purchase, so there is no gap between purchases")
ONE_DAY = Text("all purchases lie on one day, so nobody can have bought again")
HEAVY = Text("one customer made {share} of the purchases; what is said of gaps is mostly said of them")


@dataclass(frozen=True)
class GapSupport:
    """What a model of gaps can rest on.

    Parameters
    ----------
    gaps, ended : int
        Gaps begun, and those that a purchase has ended.
    customers, repeat : int
        Customers, and those with a second purchase.
    longest_seen : float
        Longest gap that a purchase has ended; nothing is seen of hazards beyond it.
    span : float
        Longest time from a purchase to the end of the data.
    largest_share : float
        Share of the gaps that belong to one customer.
    strata : int
        Into how many strata by purchase number the gaps can be cut, each with enough endings.
    warnings : tuple of Text
        What a reader has to know.
    """

    gaps: int
    ended: int
    customers: int
    repeat: int
    longest_seen: float
    span: float
    largest_share: float
    strata: int
    warnings: tuple[Text, ...] = ()


def gap_support(
    durations: ArrayLike,
    event_observed: ArrayLike,
    number: ArrayLike,
    customer: ArrayLike,
    *,
    strata: int = STRATA,
    least: int = LEAST_ENDED,
) -> GapSupport:
    """Can anything be said of the gaps, and what has to be said with it?

    Parameters
    ----------
    durations, event_observed, number, customer : array_like, shape (n,)
        As in :func:`crmkit.data.summaries.gaps.purchase_gaps`.
    strata : int
        Most strata by purchase number.
    least : int
        Endings that a stratum needs to stand for itself.

    Returns
    -------
    GapSupport

    Raises
    ------
    ModelError
        When there is no purchase (none at all, or returns only), all lie on one day, or nobody has bought twice.
    """
    if not len(np.asarray(durations)):
        raise ModelError(NO_PURCHASES)
    seen = check_observed(durations, event_observed)
    codes, labels = group_codes(customer, len(seen.time), what="customer")
    if not seen.event.any():
        one_day = len(np.unique(seen.time)) == 1 and len(labels) == len(seen.time)
        raise ModelError(ONE_DAY if one_day else NOBODY_TWICE)
    per = total(codes, np.ones(len(codes)), len(labels))
    largest = float(per.max() / per.sum())
    warnings = []
    if largest > HEAVY_SHARE and len(labels) > 1:
        warnings.append(Text(HEAVY.template, {"share": Quantity(largest, "share")}))
    return GapSupport(
        gaps=len(seen.time),
        ended=int(seen.event.sum()),
        customers=len(labels),
        repeat=int((total(codes, seen.event.astype(np.float64), len(labels)) > 0).sum()),
        longest_seen=float(seen.time[seen.event].max()),
        span=float(total(codes, seen.time, len(labels)).max()),
        largest_share=largest,
        strata=choose_strata(number, event_observed, strata=strata, least=least),
        warnings=tuple(warnings),
    )


def choose_strata(
    number: ArrayLike,
    event_observed: ArrayLike,
    *,
    copies: ArrayLike | None = None,
    strata: int = STRATA,
    least: int = LEAST_ENDED,
) -> int:
    """Into how many strata by purchase number can gaps be cut so that each has seen enough endings? At least 1.

    Examples
    --------
    >>> choose_strata([1] * 50 + [2] * 40 + [3] * 5, [1] * 95)
    2
    """
    place = np.asarray(number, dtype=np.int64)
    weight = np.asarray(event_observed, dtype=np.float64)
    if copies is not None:
        weight = weight * np.asarray(copies, dtype=np.float64)
    for most in range(strata, 1, -1):
        if (total(stratum_of_number(place, most) - 1, weight, most) >= least).all():
            return most
    return 1


def stratum_of_number(number: ArrayLike, strata: int = STRATA) -> Ints:
    """The stratum of each gap: its number, with all from ``strata`` on together."""
    place = np.asarray(number)
    if strata < 1 or (len(place) and not (place >= 1).all()):
        raise ParamError(Problem("gaps: number", "is below 1 or missing", "1 is the gap after the first purchase"))
    return np.minimum(place.astype(np.int64), strata)


def gaps_on_day(gaps: pd.DataFrame, day: dt.date, *, as_of: dt.date, closed: Sequence[Closed] = ()) -> pd.DataFrame:
    """In which gap is each customer on a day? One row per customer, so that nobody counts more for buying often.

    Parameters
    ----------
    gaps : pandas.DataFrame
        ``customer_id, number, started_at, ended_at, ...`` as of :func:`crmkit.data.summaries.gaps.purchase_gaps`.
    day : date
        The reference day; purchases on it have been made.
    as_of : date
        Last day of the data, after ``day``.
    closed : sequence of (date, date)
        As given to ``purchase_gaps``.

    Returns
    -------
    pandas.DataFrame
        The rows of the gaps that run on the evening of the day, with ``silence_days`` (so far), ``duration_days`` (whole,
        as far as seen), ``ahead_days`` (from the day to the next purchase or to ``as_of``) and ``event_observed``.

    Raises
    ------
    ParamError
        When the day is not before ``as_of``.
    ModelError
        When nobody had bought by then.

    Notes
    -----
    Long gaps are more likely to be met on a given day. Two ways to use the rows without that bias: ``ahead_days`` as they are
    (how long do customers of this day take to buy again?), or ``duration_days`` with ``entry=silence_days`` (left truncation:
    how long are gaps?). ``duration_days`` alone would be too long.

    References
    ----------
    Cox (1962), Renewal Theory, section 5; Keiding & Gill (1990), doi:10.1214/aos/1176347506.
    """
    import pandas as pd

    if not day < as_of:
        raise ParamError(
            Problem("gaps: day", f"is {day}, the data end on {as_of}", "nothing can have followed; take an earlier day")
        )
    at, end = pd.Timestamp(day), pd.Timestamp(as_of)
    ended = gaps["ended_at"].where(gaps["ended_at"] <= end)
    runs = (gaps["started_at"] <= at) & ~(ended <= at)
    if not runs.any():
        raise ModelError(NO_PURCHASES)
    own, until = gaps.loc[runs], ended[runs].fillna(end)
    silence = open_days(own["started_at"], pd.Series(at, index=own.index), closed)
    whole = open_days(own["started_at"], until, closed)
    found = own.assign(
        silence_days=silence, duration_days=whole, ahead_days=whole - silence, event_observed=ended[runs].notna().to_numpy()
    )
    return found.reset_index(drop=True)


def open_days(start: Any, end: Any, closed: Sequence[Closed] = ()) -> Ints:
    """Days from one day to another without those of the closed stretches after the first."""
    a, b = (np.asarray(days, dtype="datetime64[D]") for days in (start, end))
    found = (b - a).astype(np.int64)
    for first, last in closed:
        before, until = np.datetime64(first, "D") - 1, np.datetime64(last, "D")
        found = found - np.maximum((np.minimum(b, until) - np.maximum(a, before)).astype(np.int64), 0)
    return np.asarray(found, dtype=np.int64)


def closures(
    days: ArrayLike, purchases: ArrayLike, *, least_days: int = CLOSED_DAYS, least_expected: float = CLOSED_EXPECTED
) -> list[Closed]:
    """When could nobody buy? Stretches without any purchase in which many would have been usual.

    Parameters
    ----------
    days : array_like of dates, shape (n,)
        Days with a purchase, rising, as of :func:`crmkit.data.summaries.gaps.buying_days`.
    purchases : array_like, shape (n,)
        How many.
    least_days : int
        A shorter stretch is a weekend or a holiday.
    least_expected : float
        So many purchases must have been usual in such a stretch: 20 make none a chance of 2 in a thousand million.

    Returns
    -------
    list of (date, date)
        First and last day of each stretch, to be given to ``purchase_gaps(closed=...)``: a gap that runs through one is not
        the silence of a customer.

    Notes
    -----
    Usual is the mean per day of the 60 days before and after the stretch, the smaller of both.

    Examples
    --------
    >>> at = np.arange("2024-01-01", "2024-07-01", dtype="datetime64[D]")
    >>> open_ = (at < np.datetime64("2024-03-01")) | (at > np.datetime64("2024-03-31"))
    >>> [(str(a), str(b)) for a, b in closures(at[open_], [5] * open_.sum())]
    [('2024-03-01', '2024-03-31')]
    """
    at, count = np.asarray(days, dtype="datetime64[D]"), np.asarray(purchases, dtype=np.float64)
    upto = np.concatenate([[0.0], np.cumsum(count)])
    found = []
    for k in np.flatnonzero(np.diff(at).astype(np.int64) > least_days):
        first, last = at[k] + 1, at[k + 1] - 1
        early, late = np.searchsorted(at, [first - AROUND_DAYS, last + AROUND_DAYS + 1])
        sides = [
            (upto[k + 1] - upto[early]) / min(AROUND_DAYS, float((first - at[0]).astype(np.int64))),
            (upto[late] - upto[k + 1]) / min(AROUND_DAYS, float((at[-1] - last).astype(np.int64))),
        ]
        if min(sides) * float((last - first).astype(np.int64) + 1) >= least_expected:
            found.append((first.astype(dt.date), last.astype(dt.date)))
    return found
