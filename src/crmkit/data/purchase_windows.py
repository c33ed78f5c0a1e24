"""How much did each customer buy in one period after the other?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from crmkit.data.summaries import MONEY, to_frame

if TYPE_CHECKING:
    import ibis
    import pandas as pd


def spend_in_windows(transactions: ibis.Table, *, edges: Sequence[dt.date]) -> pd.DataFrame:
    """Amount and purchase days of each customer in consecutive periods.

    Parameters
    ----------
    transactions : ibis.Table
        ``customer_id, ordered_at, amount`` and, where there is one, ``is_return``; returns do not count.
    edges : sequence of date
        Rising; the k-th period runs from the day after ``edges[k]`` to ``edges[k + 1]``.

    Returns
    -------
    pandas.DataFrame
        ``customer_id, amount_0, purchase_days_0, amount_1, ...`` in the client's currency, 0 where nothing was bought; only
        customers who bought in one of the periods; ordered by ``customer_id``.

    Raises
    ------
    ValueError
        When the edges do not rise.
    """
    import ibis

    if any(later <= earlier for earlier, later in pairwise(edges)):
        raise ValueError(f"the edges of periods must rise, not {[edge.isoformat() for edge in edges]}")
    table = transactions.mutate(day=transactions.ordered_at.cast("date"), money=transactions.amount.cast(MONEY))
    if "is_return" in transactions.columns:
        table = table.filter(~table.is_return.fill_null(False))
    table = table.filter((table.day > ibis.literal(edges[0])) & (table.day <= ibis.literal(edges[-1])))
    daily = table.group_by("customer_id", "day").agg(money=table.money.sum())
    sums = {}
    for place, (after, until) in enumerate(pairwise(edges)):
        inside = (daily.day > ibis.literal(after)) & (daily.day <= ibis.literal(until))
        sums[f"amount_{place}"] = daily.money.sum(where=inside).fill_null(0)
        sums[f"purchase_days_{place}"] = daily.count(where=inside)
    return to_frame(daily.group_by("customer_id").agg(**sums).order_by("customer_id"))
