"""What did each customer buy, and ask for, in one period after the other, and what did it cost?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.purchases import MONEY

if TYPE_CHECKING:
    import ibis
    import pandas as pd

# payments for contracts: share of customers, days that months differ in, and how many customers tell
PAID_SHARE, MONTH_OFF, FEWEST_PAYERS = 0.8, 3, 30


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


def paid_by_contract(tables: Mapping[str, ibis.Table], *, as_of: dt.date) -> bool:
    """Whether the transactions of a company with contracts are what these cost: they come at even intervals.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        ``transactions`` and ``subscriptions``; False where one of them is missing.
    as_of : date
        Last day that counts.

    Notes
    -----
    Of customers with three payments or more, the last two gaps of four in five have to be equal but for the length of a month.
    """
    if not {"transactions", "subscriptions"} <= set(tables):
        return False
    gaps = last_two_gaps(tables["transactions"], as_of=as_of)
    even = (gaps["later_days"] - gaps["earlier_days"]).abs() <= MONTH_OFF
    return len(gaps) >= FEWEST_PAYERS and float(even.mean()) >= PAID_SHARE


def last_two_gaps(transactions: ibis.Table, *, as_of: dt.date) -> pd.DataFrame:
    """How far apart were each customer's last three purchase days?

    Parameters
    ----------
    transactions : ibis.Table
        As for :func:`spend_in_windows`.
    as_of : date
        Last day that counts.

    Returns
    -------
    pandas.DataFrame
        ``customer_id, earlier_days, later_days`` (1 or more), only customers with three purchase days or more; ordered.
    """
    import ibis

    table = transactions.mutate(day=transactions.ordered_at.cast("date"))
    if "is_return" in transactions.columns:
        table = table.filter(~table.is_return.fill_null(False))
    daily = table.filter(table.day <= ibis.literal(as_of)).select("customer_id", "day").distinct()
    place = ibis.row_number().over(ibis.window(group_by="customer_id", order_by=ibis.desc("day")))
    last = daily.mutate(place=place)
    per = last.filter(last.place < 3).group_by("customer_id")
    days = {f"day_{k}": last.day.max(where=last.place == k) for k in range(3)}
    found = per.agg(**days)
    found = found.filter(found.day_2.notnull())
    return to_frame(
        found.select(
            "customer_id",
            earlier_days=found.day_1.delta(found.day_2, unit="day"),
            later_days=found.day_0.delta(found.day_1, unit="day"),
        ).order_by("customer_id")
    )


def log_gaps(transactions: ibis.Table, *, days: Sequence[dt.date]) -> dict[str, tuple[float, int]]:
    """What do the single intervals between purchases tell of regularity, up to each of several days?

    Parameters
    ----------
    transactions : ibis.Table
        As for :func:`spend_in_windows`.
    days : sequence of date
        Each the last day that counts.

    Returns
    -------
    dict
        ISO day -> sum of log(days between two purchase days that follow each other) over all customers, and how many
        intervals there are. Lengths are counted first, so the sum does not depend on the order of rows.
    """
    import ibis
    import numpy as np

    table = transactions.mutate(day=transactions.ordered_at.cast("date"))
    if "is_return" in transactions.columns:
        table = table.filter(~table.is_return.fill_null(False))
    daily = table.filter(table.day <= ibis.literal(max(days))).select("customer_id", "day").distinct()
    before = daily.day.lag().over(ibis.window(group_by="customer_id", order_by="day"))
    gaps = daily.mutate(before=before)
    gaps = gaps.filter(gaps.before.notnull())
    gaps = gaps.mutate(length=gaps.day.delta(gaps.before, unit="day"))
    sums = {f"n_{place}": gaps.count(where=gaps.day <= ibis.literal(day)) for place, day in enumerate(days)}
    counted = to_frame(gaps.group_by("length").agg(**sums).order_by("length"))
    logs = np.log(counted["length"].to_numpy(dtype="float64"))
    found = [counted[f"n_{place}"].to_numpy(dtype="int64") for place in range(len(days))]
    return {day.isoformat(): (float((logs * n).sum()), int(n.sum())) for day, n in zip(days, found, strict=True)}


def main_of(transactions: ibis.Table, *, column: str, as_of: dt.date) -> pd.DataFrame:
    """Of which category, or through which channel, did each customer buy for most money?

    Parameters
    ----------
    transactions : ibis.Table
        As for :func:`spend_in_windows`, with ``column``.
    column : str
    as_of : date
        Last day that counts.

    Returns
    -------
    pandas.DataFrame
        ``customer_id, <column>``, ordered; the first in alphabetical order where two are equal, nobody without any.
    """
    import ibis

    table = transactions.mutate(day=transactions.ordered_at.cast("date"), money=transactions.amount.cast(MONEY))
    if "is_return" in transactions.columns:
        table = table.filter(~table.is_return.fill_null(False))
    table = table.filter((table.day <= ibis.literal(as_of)) & table[column].notnull())
    sums = table.group_by("customer_id", column).agg(money=table.money.sum())
    order = [ibis.desc("money"), ibis.asc(column)]
    placed = sums.mutate(place=ibis.row_number().over(ibis.window(group_by="customer_id", order_by=order)))
    return to_frame(placed.filter(placed.place == 0).select("customer_id", column).order_by("customer_id"))


def purchase_dates(transactions: ibis.Table, *, as_of: dt.date) -> pd.DataFrame:
    """On which days did anybody buy? ``day``, ordered; returns do not count."""
    import ibis

    table = transactions.mutate(day=transactions.ordered_at.cast("date"))
    if "is_return" in transactions.columns:
        table = table.filter(~table.is_return.fill_null(False))
    return to_frame(table.filter(table.day <= ibis.literal(as_of)).select("day").distinct().order_by("day"))


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
