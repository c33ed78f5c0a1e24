"""Does an early-warning indicator give an alarm? Its last months against the usual up and down of those before."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.audit.catalogue import Catalogue
from crmkit.core.errors import ModelError
from crmkit.models.spc import xmr

if TYPE_CHECKING:
    import pandas as pd

NEWEST, MOST = 6, 24
FEWEST_BEFORE = 8


@dataclass(frozen=True)
class Warned:
    """The state of an early-warning indicator.

    Parameters
    ----------
    value : float
        In the newest month.
    centre, limit : float
        Mean of the months before the last six, and the control limit on the bad side.
    alarm : bool
        Whether one of the last six months signals on the bad side.
    since : date or None
        End of the first month that does.
    months : int
        Months that the limits rest on.
    """

    value: float
    centre: float
    limit: float
    alarm: bool
    since: dt.date | None
    months: int


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
        None where the indicator is unknown, looks back over more than a month at a time, or has too few months.

    Notes
    -----
    XmR chart with limits from the months before the last six; a point beyond the limits or eight in a row on the bad side.
    """
    if indicator not in book.indicators or book[indicator].months > 1:
        return None
    series = months[(months["indicator"] == indicator) & months["value"].notna()].tail(MOST)
    before = len(series) - NEWEST
    if before < FEWEST_BEFORE or book[indicator].direction == "range":
        return None
    try:
        chart = xmr(series["value"].to_numpy(dtype="float64"), baseline=before)
    except ModelError:
        return None
    down = book[indicator].direction == "down"
    values = chart.table["value"].to_numpy()
    bad = values > chart.centre if down else values < chart.centre
    signal = (chart.table["signal"].to_numpy(dtype=bool) & bad)[-NEWEST:]
    first = int(np.argmax(signal)) if signal.any() else -1
    since = series["month_end"].iloc[-NEWEST:].iloc[first].date() if first >= 0 else None
    limit = float(chart.table["high" if down else "low"].iloc[-1])
    return Warned(float(values[-1]), chart.centre, limit, bool(signal.any()), since, before)
