"""Does an early-warning indicator give an alarm? Its last months against the usual up and down of those before."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crmkit.analyses.audit.catalogue import Catalogue
from crmkit.core.errors import ModelError
from crmkit.models.basics.spc import FEWEST_POINTS, xmr

if TYPE_CHECKING:
    import pandas as pd

NEWEST, MOST = 6, 24
FEWEST_MONTHS = 8


@dataclass(frozen=True)
class Warned:
    """The state of an early-warning indicator.

    Parameters
    ----------
    value : float
        The newest one.
    centre, limit : float
        Mean of the values before the last six known months, and the control limit on the bad side.
    alarm : bool
        Whether a value of the last six known months signals on the bad side.
    since : date or None
        End of the first month that does.
    points : int
        Values that the limits rest on: one a month, or one per wave of a survey.
    known_to : date
        End of the month of the newest value; who has left without a word is known months later only.
    """

    value: float
    centre: float
    limit: float
    alarm: bool
    since: dt.date | None
    points: int
    known_to: dt.date


def warned(indicator: str, months: pd.DataFrame, book: Catalogue) -> Warned | None:
    """Is there an alarm?

    Parameters
    ----------
    indicator : str
    months : pandas.DataFrame
        ``indicator, month_end, value``, the oldest month first.
    book : Catalogue
        Which side is bad.

    Returns
    -------
    Warned or None
        None where the indicator is unknown, looks back over more than a month at a time, or has too few values: four over eight
        months are needed before the last six.

    Notes
    -----
    XmR chart with limits from what was before the last six months; a point beyond the limits or eight in a row on the bad side.
    If nothing changes, 6 % of charts of two waves after four give an alarm, and 7 % of those of six months after eight.
    """
    if indicator not in book.indicators or book[indicator].months > 1 or book[indicator].direction == "range":
        return None
    series = months[(months["indicator"] == indicator) & months["value"].notna()].tail(MOST)
    ages = months_since(series["month_end"])
    before = int((ages >= NEWEST).sum())
    if before < FEWEST_POINTS or ages[0] - ages[before - 1] + 1 < FEWEST_MONTHS:
        return None
    try:
        chart = xmr(series["value"].to_numpy(dtype="float64"), baseline=before)
    except ModelError:
        return None
    down = book[indicator].direction == "down"
    values = chart.table["value"].to_numpy()
    bad = values > chart.centre if down else values < chart.centre
    signal = (chart.table["signal"].to_numpy(dtype=bool) & bad)[before:]
    first = int(np.argmax(signal)) if signal.any() else -1
    since = series["month_end"].iloc[before:].iloc[first].date() if first >= 0 else None
    limit = float(chart.table["high" if down else "low"].iloc[-1])
    known_to = series["month_end"].iloc[-1].date()
    return Warned(float(values[-1]), chart.centre, limit, bool(signal.any()), since, before, known_to)


def months_since(ends: pd.Series) -> NDArray[np.int64]:
    """How many months before the newest of them each month lies."""
    place: NDArray[np.int64] = 12 * ends.dt.year.to_numpy(dtype=np.int64) + ends.dt.month.to_numpy(dtype=np.int64)
    return np.asarray(place[-1:] - place, dtype=np.int64)
