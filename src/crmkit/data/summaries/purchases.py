"""What has each customer bought, in the few numbers that the models need?

Every summary is an ibis expression over the transactions, computed inside the engine in one order of operations: the day is
cut, rows outside the window are dropped, a customer's amounts of one day are summed, and these days are aggregated. Only
operations that agree on every supported engine are used. Money is summed as DECIMAL, because sums of floating-point numbers
depend on the order in which threads finish, and becomes float64 in the last step. Every summary is ordered by its key.

``frequency``, ``recency`` and ``T`` are meant strictly as in buy-till-you-die models: days with a repeat purchase, days from
first to last purchase, days from first purchase to the end. A customer's purchases of one day count once.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from crmkit.data.sources.engine import to_frame

if TYPE_CHECKING:
    import ibis
    import pandas as pd

TUPLE = ("frequency", "recency_days", "T_days")
MONEY = "decimal(18, 4)"

# The amount of the first day is the amount of the smallest (day, amount). Several engines have no arg_min, and a window costs
# half as much again as the whole reduction, so day and amount are put into one exact number, day * 10^14 + amount: the
# smallest is that of the first day, and the day is subtracted again. Holds for amounts below 5 * 10^13 per customer and day.
DAY_STEP = 10**14
MARKED = "decimal(38, 4)"
EPOCH = dt.date(1970, 1, 1)


def has_amounts(transactions: ibis.Table) -> bool:
    """Whether a list of purchases says what was paid."""
    return "amount" in transactions.columns


def with_amounts(transactions: ibis.Table) -> ibis.Table:
    """The same with amounts of 0 where it says none, so that purchases can be counted; nothing may be said of these amounts."""
    import ibis

    return transactions if has_amounts(transactions) else transactions.mutate(amount=ibis.literal("0").cast(MONEY))


def purchase_summary(transactions: ibis.Table, *, as_of: dt.date, since: dt.date | None = None) -> ibis.Table:
    """What has each customer bought until a day?

    Parameters
    ----------
    transactions : ibis.Table
        ``customer_id, ordered_at, amount`` and, where there is one, ``is_return``.
    as_of : date
        Last day that counts.
    since : date or None
        First day that counts; earlier purchases are not seen, as if the customer had come later.

    Returns
    -------
    ibis.Table
        One row per customer with at least one purchase, ordered by ``customer_id``:
        ``customer_id``; ``frequency`` (days with a repeat purchase); ``recency_days`` (first to last purchase);
        ``T_days`` (first purchase to ``as_of``); ``monetary_value`` (mean amount of the repeat purchase days, 0 for none);
        ``days_since_last`` (last purchase to ``as_of``); ``first_day``; ``last_day``; ``purchase_days`` (frequency + 1);
        ``total`` (amount of all purchases, returns not subtracted); ``returned`` (amount of all returns, 0 or more).

    Notes
    -----
    Returns make no purchase day and do not lower ``monetary_value``. A customer who only returned has no row.
    """
    table = _per_customer(_daily(transactions, end=as_of, since=since), split=as_of)
    return table.select(*_summary_columns(table, as_of)).order_by("customer_id")


def holdout_summary(transactions: ibis.Table, *, split: dt.date, end: dt.date, since: dt.date | None = None) -> ibis.Table:
    """What had each customer bought until a day, and what did they buy after it?

    Parameters
    ----------
    transactions : ibis.Table
        As for :func:`purchase_summary`.
    split : date
        Last day of the calibration period.
    end : date
        Last day of the holdout period, which starts on the day after ``split``.
    since : date or None
        First day that counts.

    Returns
    -------
    ibis.Table
        One row per customer with a purchase until ``split``, ordered by ``customer_id``: the columns of
        :func:`purchase_summary` as of ``split``, and ``holdout_frequency`` (days with a purchase in the holdout period) and
        ``holdout_value`` (amount of these purchases).

    Raises
    ------
    ValueError
        When ``end`` is not after ``split``.
    """
    if end <= split:
        raise ValueError(f"the holdout period ends on {end}, which is not after its start on {split}")
    table = _per_customer(_daily(transactions, end=end, since=since), split=split)
    holdout = [table.holdout_frequency, table.holdout_value.cast("float64").name("holdout_value")]
    return table.select(*_summary_columns(table, split), *holdout).order_by("customer_id")


def tuples(summary: ibis.Table) -> pd.DataFrame:
    """Which combinations of frequency, recency and age occur, and how often?

    Returns
    -------
    pandas.DataFrame
        ``frequency, recency_days, T_days, n``, ordered; the likelihood of buy-till-you-die models needs no more.
    """
    return to_frame(summary.group_by(list(TUPLE)).agg(n=summary.count()).order_by(list(TUPLE)))


def purchases_by_period(
    transactions: ibis.Table, *, start: dt.date, end: dt.date, days: int = 7, acquired_until: dt.date | None = None
) -> pd.DataFrame:
    """How many repeat purchases were made in each week?

    Parameters
    ----------
    transactions : ibis.Table
        As for :func:`purchase_summary`.
    start, end : date
        First and last day that count; a customer's first purchase is the first one from ``start``.
    days : int
        Length of a period.
    acquired_until : date or None
        Only customers whose first purchase lies on or before this day.

    Returns
    -------
    pandas.DataFrame
        One row per period, those without a purchase included: ``period`` (from 1), ``from_day``, ``to_day`` (of the last
        period: ``end``), ``length_days``, ``purchases`` (days with a repeat purchase, summed over customers),
        ``cumulative`` (sum of these so far).
    """
    import pandas as pd

    daily = _first_days(_purchases(_daily(transactions, end=end, since=start)))
    if acquired_until is not None:
        daily = daily.filter(daily.first_day <= _day(acquired_until))
    repeat = daily.filter(daily.day > daily.first_day)
    # whole days // n: the week difference of dates is not the same number on every engine
    repeat = repeat.mutate(period=repeat.day.delta(_day(start), unit="day") // days)
    counted = to_frame(repeat.group_by("period").agg(purchases=repeat.count()).order_by("period"))
    n_periods = (end - start).days // days + 1
    found = counted.set_index("period")["purchases"].reindex(range(n_periods), fill_value=0).astype("int64")
    from_day = pd.Series(pd.date_range(start, periods=n_periods, freq=f"{days}D"))
    to_day = from_day + pd.Timedelta(days=days - 1)
    to_day.iloc[-1] = pd.Timestamp(end)
    return pd.DataFrame(
        {
            "period": range(1, n_periods + 1),
            "from_day": from_day,
            "to_day": to_day,
            "length_days": (to_day - from_day).dt.days + 1,
            "purchases": found.to_numpy(),
            "cumulative": found.cumsum().to_numpy(),
        }
    )


def acquisitions(transactions: ibis.Table, *, as_of: dt.date, since: dt.date | None = None) -> pd.DataFrame:
    """How many customers made their first purchase on each day?

    Returns
    -------
    pandas.DataFrame
        ``first_day, n``, ordered; days without a new customer have no row.
    """
    daily = _purchases(_daily(transactions, end=as_of, since=since))
    first = daily.group_by("customer_id").agg(first_day=daily.day.min())
    return to_frame(first.group_by("first_day").agg(n=first.count()).order_by("first_day"))


def waits_for_second(transactions: ibis.Table, *, as_of: dt.date, since: dt.date | None = None) -> pd.DataFrame:
    """How long did customers wait until their second purchase day, and who is still waiting?

    Returns
    -------
    pandas.DataFrame
        ``duration_days`` (first to second purchase day, or first purchase day to ``as_of`` for who has not bought again),
        ``event_observed`` (whether there was a second), ``n`` (customers), ordered.
    """
    import ibis

    daily = _first_days(_purchases(_daily(transactions, end=as_of, since=since)))
    per = daily.group_by("customer_id").agg(
        first_day=daily.day.min(),
        second_day=daily.day.min(where=daily.day > daily.first_day),
    )
    again = per.second_day.notnull()
    waited = per.select(
        duration_days=ibis.coalesce(per.second_day, _day(as_of)).delta(per.first_day, unit="day"),
        event_observed=again,
    )
    keys = ["duration_days", "event_observed"]
    return to_frame(waited.group_by(keys).agg(n=waited.count()).order_by(keys))


def _day(day: dt.date) -> Any:
    import ibis

    return ibis.literal(day)


def _daily(transactions: ibis.Table, *, end: dt.date, since: dt.date | None) -> ibis.Table:
    """One row per customer and day: amount bought, amount returned, whether anything was bought."""
    import ibis

    table = transactions.mutate(day=transactions.ordered_at.cast("date"), money=transactions.amount.cast(MONEY))
    table = table.filter(table.day <= _day(end))
    if since is not None:
        table = table.filter(table.day >= _day(since))
    keys = ["customer_id", "day"]
    if "is_return" not in transactions.columns:
        bought = table.group_by(keys).agg(amount=table.money.sum(), n_purchases=table.count())
        return bought.mutate(returned=ibis.literal(0).cast(MONEY))
    back = table.is_return.fill_null(False)
    return table.group_by(keys).agg(
        amount=table.money.sum(where=~back).fill_null(0),
        returned=table.money.abs().sum(where=back).fill_null(0),
        n_purchases=table.count(where=~back),
    )


def _purchases(daily: ibis.Table) -> ibis.Table:
    return daily.filter(daily.n_purchases > 0)


def _first_days(daily: ibis.Table) -> ibis.Table:
    """Each day with the customer's first one beside it; a window, because arg_min is missing on several engines."""
    import ibis

    return daily.mutate(first_day=daily.day.min().over(ibis.window(group_by="customer_id")))


def _per_customer(daily: ibis.Table, *, split: dt.date) -> ibis.Table:
    """Aggregates of one customer's days up to the split and after it; only customers with a purchase up to the split."""
    until = daily.day <= _day(split)
    bought = daily.n_purchases > 0
    number = daily.day.delta(_day(EPOCH), unit="day")
    table = daily.group_by("customer_id").agg(
        first_day=daily.day.min(where=until & bought),
        last_day=daily.day.max(where=until & bought),
        purchase_days=daily.count(where=until & bought),
        amount=daily.amount.sum(where=until),
        first_marked=((number * DAY_STEP).cast(MARKED) + daily.amount.cast(MARKED)).min(where=until & bought),
        returned=daily.returned.sum(where=until),
        holdout_frequency=daily.count(where=~until & bought),
        holdout_value=daily.amount.sum(where=~until).fill_null(0),
    )
    return table.filter(table.purchase_days > 0)


def _summary_columns(table: ibis.Table, as_of: dt.date) -> list[Any]:
    import ibis

    frequency = table.purchase_days - 1
    first_number = table.first_day.delta(_day(EPOCH), unit="day")
    first_amount = table.first_marked - (first_number * DAY_STEP).cast(MARKED)
    repeat_amount = (table.amount.cast(MARKED) - first_amount).cast("float64")
    return [
        table.customer_id,
        frequency.name("frequency"),
        table.last_day.delta(table.first_day, unit="day").name("recency_days"),
        _day(as_of).delta(table.first_day, unit="day").name("T_days"),
        # nullif: dividing by zero is an error on some engines and infinity on others
        ibis.coalesce(repeat_amount / frequency.nullif(0).cast("float64"), 0.0).name("monetary_value"),
        _day(as_of).delta(table.last_day, unit="day").name("days_since_last"),
        table.first_day,
        table.last_day,
        table.purchase_days,
        table.amount.cast("float64").name("total"),
        table.returned.cast("float64").name("returned"),
    ]
