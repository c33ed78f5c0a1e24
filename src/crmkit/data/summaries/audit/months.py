"""In which month before the day of an audit did something happen?

Months are counted back from the day itself, so that each is whole: month 0 ends on ``as_of``, month 1 a month before. Where
``as_of`` ends a calendar month, they are calendar months.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from crmkit.data.sources.engine import to_frame

if TYPE_CHECKING:
    import ibis

MOST_MONTHS = 36


def month_starts(as_of: dt.date, *, months: int = MOST_MONTHS) -> tuple[dt.date, ...]:
    """On which day does each month before a day begin?

    Parameters
    ----------
    as_of : date
        Last day of month 0.
    months : int
        How many.

    Returns
    -------
    tuple of date
        Month 0 first. Month ``k`` goes from ``starts[k]`` to the day before ``starts[k - 1]``.

    Examples
    --------
    >>> [str(day) for day in month_starts(dt.date(2025, 3, 31), months=3)]
    ['2025-03-01', '2025-02-01', '2025-01-01']
    >>> [str(day) for day in month_starts(dt.date(2025, 3, 15), months=2)]
    ['2025-02-16', '2025-01-16']
    """
    import pandas as pd

    after = pd.Timestamp(as_of) + pd.Timedelta(days=1)
    return tuple((after - pd.DateOffset(months=back)).date() for back in range(1, months + 1))


def month_ends(as_of: dt.date, *, months: int = MOST_MONTHS) -> tuple[dt.date, ...]:
    """On which day does each month before a day end? Month 0 first."""
    day = dt.timedelta(days=1)
    return (as_of, *(start - day for start in month_starts(as_of, months=months)[:-1]))


def month_of(day: Any, *, starts: Sequence[dt.date]) -> Any:
    """The number of the month of a date column; the number of months for what lies before all of them, and for no date.

    Notes
    -----
    Where each month begins on the same day of the calendar, months are counted from the parts of the date, which an engine
    reads sooner than three dozen cases; after the 28th the short months begin earlier, and each has its case.
    """
    import ibis

    first, many = starts[0], len(starts)
    if any(start.day != first.day for start in starts):
        return ibis.cases(*((day >= ibis.literal(start), back) for back, start in enumerate(starts)), else_=many).cast("int64")
    whole = (first.year - day.year()) * 12 + (first.month - day.month())
    back = whole + (day.day() < first.day).cast("int64") if first.day > 1 else whole
    return ibis.cases((back <= 0, 0), (back < many, back), else_=many).cast("int64")


def first_day(table: ibis.Table, column: str) -> dt.date | None:
    """The earliest day in a column, None where it holds none."""
    found = to_frame(table.aggregate(day=table[column].cast("date").min()))["day"].iloc[0]
    return None if found != found or found is None else found.date()
