"""Dates as the kit means them: ISO text at the door, whole days inside, one length for a month."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from crmkit.core.errors import ParamError

DAYS_PER_WEEK = 7.0
DAYS_PER_MONTH = 30.4375
DAYS_PER_YEAR = 365.25
DAYS_PER: dict[str, float] = {"day": 1.0, "week": DAYS_PER_WEEK, "month": DAYS_PER_MONTH, "year": DAYS_PER_YEAR}

TimeUnit = Literal["day", "week", "month"]


def parse_iso(text: str, *, where: str) -> dt.date:
    """The date that an ISO text means.

    Parameters
    ----------
    text : str
        ``YYYY-MM-DD``.
    where : str
        What to name in the message, for example ``"params/acme.yml, as_of"``.

    Raises
    ------
    ParamError
        When it is not a date in this form.

    Examples
    --------
    >>> parse_iso("2025-12-31", where="as_of")
    datetime.date(2025, 12, 31)
    """
    try:
        if len(text) != len("YYYY-MM-DD"):
            raise ValueError(text)
        return dt.date.fromisoformat(text)
    except ValueError as err:
        raise ParamError(f"{where}: {text!r} is not a date; write it as YYYY-MM-DD, for example 2025-12-31") from err
