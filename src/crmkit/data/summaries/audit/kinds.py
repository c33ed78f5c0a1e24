"""What was there of each kind in each month: categories, products, attributes of customers, topics?

Only operations that agree on every supported engine are used; every summary is ordered by its key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.audit.months import month_of
from crmkit.data.summaries.purchases import MONEY, with_amounts

if TYPE_CHECKING:
    import ibis
    import pandas as pd


def sales_by_kind(
    transactions: ibis.Table, column: str, *, starts: Sequence[dt.date], customers: ibis.Table | None = None
) -> pd.DataFrame:
    """What was sold of each kind in each month?

    Parameters
    ----------
    transactions : ibis.Table
    column : str
        The kind: a column of the purchases, or of ``customers`` where they are given.
    starts : sequence of date
        From :func:`crmkit.data.summaries.audit.months.month_starts`.
    customers : ibis.Table or None

    Returns
    -------
    DataFrame
        ``month, kind, n, amount``: customers who bought, and sales less returns; the kind is empty where it is not known.
    """
    import ibis

    rows = with_amounts(transactions)
    back = rows.is_return.fill_null(False) if "is_return" in rows.columns else ibis.literal(False)
    amount = rows.amount.cast(MONEY)
    chosen = {
        "month": month_of(rows.ordered_at, starts=starts),
        "net": ibis.ifelse(back, -amount.abs(), amount),
        "sold": ~back,
    }
    if customers is None:
        rows = rows.select("customer_id", kind=rows[column], **chosen)
    else:
        rows = rows.select("customer_id", **chosen)
        # a customer who stands there twice would count twice
        known = customers.group_by("customer_id").agg(kind=customers[column].max())
        joined = rows.left_join(known, "customer_id")
        rows = joined.select(rows.customer_id, rows.month, rows.net, rows.sold, kind=known.kind)
    rows = rows.filter(rows.month < len(starts))
    rows = rows.mutate(kind=rows.kind.cast("string").fill_null(""))
    counts = {"n": rows.customer_id.nunique(where=rows.sold), "amount": rows.net.sum().cast("float64")}
    return to_frame(rows.group_by(["month", "kind"]).agg(**counts).order_by(["month", "kind"]))


def rows_by_kind(table: ibis.Table, column: str, *, day: str, starts: Sequence[dt.date]) -> pd.DataFrame:
    """How many rows of each kind came in each month?

    Parameters
    ----------
    table : ibis.Table
        With ``customer_id``, or without.
    column : str
        The kind.
    day : str
        The column that says when.
    starts : sequence of date

    Returns
    -------
    DataFrame
        ``month, kind, n, amount``: rows, twice; rows without a kind are left out.
    """
    rows = table.select(month=month_of(table[day].cast("date"), starts=starts), kind=table[column].cast("string"))
    rows = rows.filter((rows.month < len(starts)) & rows.kind.notnull())
    counts = {"n": rows.count(), "amount": rows.count().cast("float64")}
    return to_frame(rows.group_by(["month", "kind"]).agg(**counts).order_by(["month", "kind"]))
