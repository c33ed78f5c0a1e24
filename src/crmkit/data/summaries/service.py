"""What did customers ask of the company, and what did looking after them cost?"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from crmkit.data.sources.engine import to_frame

if TYPE_CHECKING:
    import ibis
    import pandas as pd


def tickets_by_customer(tickets: ibis.Table, *, after: dt.date, until: dt.date) -> pd.DataFrame:
    """How many tickets did each customer open in a period?

    Parameters
    ----------
    tickets : ibis.Table
        ``customer_id, opened_at``.
    after, until : date
        The period runs from the day after ``after`` to ``until``.

    Returns
    -------
    pandas.DataFrame
        ``customer_id, tickets``, only customers with a ticket; ordered.
    """
    import ibis

    day = tickets.opened_at.cast("date")
    seen = tickets.filter((day > ibis.literal(after)) & (day <= ibis.literal(until)))
    return to_frame(seen.group_by("customer_id").agg(tickets=seen.count()).order_by("customer_id"))


def costs_by_category(costs: ibis.Table, *, after: dt.date, until: dt.date) -> pd.DataFrame:
    """What was spent in a period, by kind of cost?

    Parameters
    ----------
    costs : ibis.Table
        ``period, category, amount``.
    after, until : date
        Months that begin from the day after ``after`` to ``until`` count.

    Returns
    -------
    pandas.DataFrame
        ``category, amount``, ordered.
    """
    import ibis

    seen = costs.filter((costs.period > ibis.literal(after)) & (costs.period <= ibis.literal(until)))
    return to_frame(seen.group_by("category").agg(amount=seen.amount.sum()).order_by("category"))
