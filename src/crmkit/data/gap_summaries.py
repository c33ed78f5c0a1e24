"""How long do customers wait between two purchases, and how long have they been waiting since the last?

Without a contract nobody says that they leave. How long a silence means something is found from the gaps between purchase days,
the open last gap included: it is censored, not forgotten. Only operations that agree on every supported engine are used.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from crmkit.data.summaries.purchases import to_frame

if TYPE_CHECKING:
    import ibis
    import pandas as pd


def purchase_gaps(transactions: ibis.Table, *, as_of: dt.date, since: dt.date | None = None) -> ibis.Table:
    """How long did each customer wait after each purchase day?

    Parameters
    ----------
    transactions : ibis.Table
        ``customer_id, ordered_at`` and, where there is one, ``is_return``.
    as_of : date
        Last day that counts.
    since : date or None
        First day that counts.

    Returns
    -------
    ibis.Table
        One row per customer and purchase day, ordered: ``customer_id``; ``gap`` (1 after the first purchase day);
        ``from_day``; ``gap_days`` (to the next purchase day, or to ``as_of``); ``event_observed`` (whether there was a next).

    Notes
    -----
    The last gap of every customer is open. Returns make no purchase day. A customer's purchases of one day count once.
    """
    import ibis

    table = transactions.mutate(day=transactions.ordered_at.cast("date"))
    table = table.filter(table.day <= ibis.literal(as_of))
    if since is not None:
        table = table.filter(table.day >= ibis.literal(since))
    if "is_return" in transactions.columns:
        table = table.filter(~table.is_return.fill_null(False))
    days = table.select("customer_id", "day").distinct()
    order = ibis.window(group_by="customer_id", order_by="day")
    numbered = days.mutate(next_day=days.day.lead().over(order), gap=ibis.row_number().over(order) + 1)
    until = ibis.coalesce(numbered.next_day, ibis.literal(as_of))
    return numbered.select(
        "customer_id",
        "gap",
        from_day=numbered.day,
        gap_days=until.delta(numbered.day, unit="day"),
        event_observed=numbered.next_day.notnull(),
    ).order_by("customer_id", "gap")


def gap_cells(gaps: ibis.Table, *, repeat_only: bool = False) -> pd.DataFrame:
    """Which gaps occur, and how often?

    Parameters
    ----------
    gaps : ibis.Table
        As made by :func:`purchase_gaps`.
    repeat_only : bool
        Whether the gap after the first purchase day is left out: who bought once has not shown a rhythm.

    Returns
    -------
    pandas.DataFrame
        ``gap_days, event_observed, n``, ordered; Kaplan-Meier needs no more.
    """
    table = gaps.filter(gaps.gap > 1) if repeat_only else gaps
    keys = ["gap_days", "event_observed"]
    return to_frame(table.group_by(keys).agg(n=table.count()).order_by(keys))


def silences(gaps: ibis.Table) -> pd.DataFrame:
    """How long had customers been silent before they bought again, and how many are silent still?

    Returns
    -------
    pandas.DataFrame
        ``gap_days`` (ascending), ``ended`` (gaps of exactly that length that a purchase ended), ``open`` (last gaps of that
        length), ``longer_ended`` and ``longer_open`` (gaps of more days). A window of W days calls ``longer_ended`` +
        ``longer_open`` customers lost at W, of whom ``longer_ended`` came back: that share is the rate of false churn.
    """
    import pandas as pd

    cells = gap_cells(gaps)
    counts = cells.pivot(index="gap_days", columns="event_observed", values="n").reindex(columns=[True, False]).fillna(0)
    ended, still = (counts[seen].astype("int64").to_numpy() for seen in (True, False))
    return pd.DataFrame(
        {
            "gap_days": counts.index.to_numpy(),
            "ended": ended,
            "open": still,
            "longer_ended": ended.sum() - ended.cumsum(),
            "longer_open": still.sum() - still.cumsum(),
        }
    )
