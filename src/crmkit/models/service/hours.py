"""How long did somebody wait in the hours in which anybody was there to answer? A clock that runs in business hours only.

Moments are local times without a zone, as tables hold them. On the night on which clocks change, a shift is an hour longer or
shorter than its name says: the clock counts the hours that pass.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ParamError, Problem, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60
SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")


@dataclass(frozen=True, eq=False)
class Clock:
    """The hours in which somebody is there.

    Parameters
    ----------
    opens, closes : array of int
        Seconds since 1970 in UTC; spans that rise and do not overlap.
    before : array of int
        Working seconds before each span.
    zone : str
        In which local times are.
    """

    opens: Ints
    closes: Ints
    before: Ints
    zone: str


def working_clock(
    weekly: Mapping[str, str], *, holidays: Collection[dt.date] = (), first: dt.date, last: dt.date, zone: str = "UTC"
) -> Clock:
    """In which hours from one day to another is somebody there?

    Parameters
    ----------
    weekly : mapping of str to str
        Days (``"mon"``, or ``"mon-fri"``) and their hours: ``"09:00-17:30"``, several parted by commas. A span whose end is not
        after its beginning ends on the next day: ``"22:00-06:00"``; ``"00:00-24:00"`` is the whole day.
    holidays : collection of date
        Days on which no shift begins; one that began the day before ends as ever.
    first, last : date
        Outside of these days the clock stands still.
    zone : str
        Time zone of the hours.

    Returns
    -------
    Clock

    Raises
    ------
    ParamError
        For a day or hours that cannot be read, or where no hour is left.

    Examples
    --------
    >>> clock = working_clock({"mon-fri": "09:00-17:00"}, first=dt.date(2025, 3, 3), last=dt.date(2025, 3, 9))
    >>> clock.opens.size, int((clock.closes - clock.opens).sum()) // 3600
    (5, 40)
    """
    import pandas as pd

    shifts = _shifts(weekly)
    free = set(holidays)
    days = [first + dt.timedelta(days=number) for number in range(-1, (last - first).days + 1)]
    spans = [
        (pd.Timestamp(day) + pd.Timedelta(minutes=opens), pd.Timestamp(day) + pd.Timedelta(minutes=closes))
        for day in days
        if day not in free
        for opens, closes in shifts[day.weekday()]
    ]
    ends = [utc_seconds(pd.Series([span[side] for span in spans], dtype="datetime64[s]"), zone=zone) for side in (0, 1)]
    edges = pd.Series([pd.Timestamp(first), pd.Timestamp(last) + pd.Timedelta(days=1)], dtype="datetime64[s]")
    least, most = utc_seconds(edges, zone=zone)
    opens, closes = _joined(np.clip(ends[0], least, most), np.clip(ends[1], least, most))
    if not len(opens):
        raise ParamError(
            Problem("business hours", f"have no hour from {first} to {last}", "give some, or none at all for all hours")
        )
    lengths = closes - opens
    return Clock(opens, closes, np.cumsum(lengths) - lengths, zone)


def worked_seconds(clock: Clock, start: ArrayLike, end: ArrayLike) -> Ints:
    """How many working seconds lie between two moments?

    Parameters
    ----------
    clock : Clock
    start, end : array of datetime64, shape (n,)
        Local times in the clock's zone. Of an hour that the clock shows twice the first is meant; one that it skips is its end.

    Returns
    -------
    array of int, shape (n,)
        Negative where the end lies before the start.

    Examples
    --------
    >>> clock = working_clock({"mon-fri": "09:00-17:00"}, first=dt.date(2025, 3, 3), last=dt.date(2025, 3, 14))
    >>> worked_seconds(clock, np.array(["2025-03-07T16:00"], "M8[s]"), np.array(["2025-03-10T10:30"], "M8[s]")) / 3600
    array([2.5])
    """
    import pandas as pd

    begun, over = (_read(clock, utc_seconds(pd.Series(np.asarray(one)), zone=clock.zone)) for one in (start, end))
    return np.asarray(over - begun, dtype=np.int64)


def utc_seconds(moments: pd.Series[Any], *, zone: str) -> Ints:
    """Local times as seconds since 1970 in UTC, so that what lies between two of them is what has passed.

    Parameters
    ----------
    moments : Series of datetime64
    zone : str

    Examples
    --------
    >>> import pandas as pd
    >>> both = pd.Series(pd.to_datetime(["2025-03-30 01:30", "2025-03-30 03:30"]))
    >>> np.diff(utc_seconds(both, zone="Europe/Berlin")).tolist()
    [3600]
    """
    local = moments.astype("datetime64[s]").dt
    first = np.ones(len(moments), dtype=bool)  # of an hour that comes twice, daylight saving time is the first
    aware = local.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")  # type: ignore[arg-type, unused-ignore]
    return aware.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.int64)


def _read(clock: Clock, seconds: Ints) -> Ints:
    """What the clock shows: working seconds up to a moment."""
    at = np.searchsorted(clock.opens, seconds, side="right") - 1
    within = np.minimum(seconds, clock.closes[at]) - clock.opens[at] + clock.before[at]
    return np.where(at < 0, 0, within)


def _joined(opens: Ints, closes: Ints) -> tuple[Ints, Ints]:
    """Spans in order of time; those that touch or overlap are one."""
    there = closes > opens
    order = np.argsort(opens[there], kind="stable")
    opens, closes = opens[there][order], closes[there][order]
    if not len(opens):
        return opens, closes
    reach = np.maximum.accumulate(closes)
    new = np.append(True, opens[1:] > reach[:-1])
    return opens[new], np.maximum.reduceat(closes, np.flatnonzero(new))


def _shifts(weekly: Mapping[str, str]) -> list[list[tuple[int, int]]]:
    """Of each weekday, its spans in minutes from its beginning."""
    found: list[list[tuple[int, int]]] = [[] for _ in DAYS]
    problems = []
    for days, hours in weekly.items():
        first, _, last = str(days).strip().lower().partition("-")
        ends = [first.strip(), last.strip() or first.strip()]
        unknown = [end for end in ends if end not in DAYS]
        if unknown:
            problems.append(
                Problem(f"business hours, {days!r}:", f"unknown day {unknown[0]!r}", hint=did_you_mean(unknown[0], DAYS))
            )
            continue
        begin, length = DAYS.index(ends[0]), (DAYS.index(ends[1]) - DAYS.index(ends[0])) % len(DAYS) + 1
        for span in filter(None, (part.strip() for part in str(hours).split(","))):
            minutes = _minutes(span)
            if minutes is None:
                problems.append(Problem(f"business hours, {days!r}:", f"{span!r} are no hours", "write them as in 09:00-17:30"))
                continue
            for number in range(length):
                found[(begin + number) % len(DAYS)].append(minutes)
    if problems:
        raise ParamError(problems)
    return found


def _minutes(span: str) -> tuple[int, int] | None:
    read = SPAN.fullmatch(span)
    if read is None:
        return None
    hours = [int(one) for one in read.groups()]
    opens, closes = 60 * hours[0] + hours[1], 60 * hours[2] + hours[3]
    if max(hours[1], hours[3]) > 59 or opens >= DAY_MINUTES or closes > DAY_MINUTES:
        return None
    return opens, closes if closes > opens else closes + DAY_MINUTES
