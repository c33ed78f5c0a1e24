"""Which amounts and waits are there, and who gives goods back? What a search for outliers starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.purchases import MONEY

if TYPE_CHECKING:
    import ibis
    import pandas as pd


def amounts(transactions: ibis.Table) -> Any:
    """Amounts above 0 of purchases that were not given back: ``customer_id, value``."""
    rows = transactions
    if "is_return" in rows.columns:
        rows = rows.filter(~rows.is_return.fill_null(False))
    value = rows.amount.cast("float64")
    return rows.filter(value > 0).select("customer_id", value=value)


def waits(tickets: ibis.Table, *, until: str) -> Any:
    """Hours above 0 from opening to an event: ``customer_id, value``."""
    rows = tickets.filter(tickets[until].notnull())
    # whole seconds are the same on every engine
    seconds = rows[until].epoch_seconds() - rows.opened_at.epoch_seconds()
    value = seconds.cast("float64") / 3600
    return rows.filter(value > 0).select("customer_id", value=value)


def quartiles(values: Any) -> pd.Series[float]:
    """``lower, middle, upper`` of the logarithms, ``n``."""
    logs = values.mutate(log=values.value.ln())
    shown = {"lower": logs.log.quantile(0.25), "middle": logs.log.quantile(0.5), "upper": logs.log.quantile(0.75)}
    row: pd.Series[float] = to_frame(logs.aggregate(**shown, n=logs.count())).iloc[0]
    return row


def beyond(values: Any, *, low: float, high: float) -> pd.Series[float]:
    """How many values lie beyond limits: ``below, above, customers, money`` (sum of those above), ``whole`` (of all)."""
    far = (values.value < low) | (values.value > high)
    money = values.value.cast(MONEY)
    counts = {
        "below": values.count(where=values.value < low),
        "above": values.count(where=values.value > high),
        "customers": values.customer_id.nunique(where=far),
        "money": money.sum(where=values.value > high).cast("float64"),
        "whole": money.sum().cast("float64"),
    }
    row: pd.Series[float] = to_frame(values.aggregate(**counts)).iloc[0]
    return row.fillna(0.0)


def returns_by_customer(transactions: ibis.Table) -> pd.DataFrame:
    """How many customers have so many purchases and so many returns? ``orders, returns, n, money``, ordered."""
    back = transactions.is_return.fill_null(False)
    worth = transactions.amount.abs().cast(MONEY)
    each = transactions.group_by("customer_id").agg(
        orders=transactions.count(where=~back),
        returns=transactions.count(where=back),
        money=worth.sum(where=back),
    )
    # sums of decimals are the same in every run
    counts = {"n": each.count(), "money": each.money.sum().cast("float64")}
    return to_frame(each.group_by(["orders", "returns"]).agg(**counts).order_by(["orders", "returns"]))


def ended_against_will(subscriptions: ibis.Table) -> pd.DataFrame:
    """Of the contracts that ended, how many because a payment failed? ``ended, forced, money``."""
    ended = subscriptions.filter(subscriptions.ended_at.notnull())
    forced = (ended.churn_kind == "involuntary").fill_null(False)
    counts: dict[str, Any] = {"ended": ended.count(), "forced": ended.count(where=forced)}
    counts["customers"] = ended.customer_id.nunique(where=forced)
    if "mrr" in subscriptions.columns:
        counts["money"] = ended.mrr.cast(MONEY).sum(where=forced).cast("float64")
    return to_frame(ended.aggregate(**counts))
