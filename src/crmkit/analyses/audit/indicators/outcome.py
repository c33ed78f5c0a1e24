"""What do customers do: how many are there, what do they buy, renew, return? One function per indicator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.audit.indicators.estimate import (
    NAN,
    NO_BEFORE,
    NO_COLUMN,
    NO_DATA,
    NO_TABLE,
    Estimate,
    against_own_past,
    clustered_share,
    compared,
    count_ratio,
    nothing,
    ratio,
    share,
)
from crmkit.analyses.audit.read import YEAR, History, Window
from crmkit.core.language import mark

if TYPE_CHECKING:
    import pandas as pd

MARKET, YEAR_DIGITS = "market_size", 4
COUNTED, SUMMED = mark("count, compared by customer"), mark("sum, compared by customer")
OUTSIDE = mark("sum over an outside figure, compared by customer")


def customers(past: History, window: Window, confidence: float) -> Estimate:
    """R-NCUST: how many customers are active at the end, beside a year before?"""
    who = past.who
    if who is None:
        return nothing(NO_TABLE, "subscriptions | transactions | customers")
    now = who.at_end(window)
    if now is None:
        return nothing(NO_DATA)
    n = float(now.sum())
    found = Estimate(n, n, n, n, 0.0, COUNTED)
    earlier = past.before(window)
    then = who.at_end(earlier) if earlier is not None else None
    if then is None or not then.any():
        return found
    either = now | then
    return compared(found, float(then.sum()), ratio(now[either], then[either], confidence))


def newcomers(past: History, window: Window, confidence: float) -> Estimate:
    """R-NEW: how many customers come in a month, beside a year before?"""
    if "arrivals" not in past.frames:
        return nothing(NO_COLUMN, "customers.created_at")
    if not past.reaches("customers", window):
        return nothing(NO_DATA)
    months = float(len(window.months))
    n = float(past.rows("arrivals", window)["n"].sum())
    found = Estimate(n / months, n / months, n / months, n, 0.0, COUNTED)
    earlier = past.before(window)
    if earlier is None or not past.reaches("customers", earlier, whole=True):
        return found
    then = float(past.rows("arrivals", earlier)["n"].sum())
    relative = count_ratio(n, window.days, then, earlier.days, confidence)
    return replace(compared(found, then / earlier.days * window.days / months, relative), method=relative.method or COUNTED)


def sales(past: History, window: Window, confidence: float) -> Estimate:
    """R-SALES: what do customers buy in a month, beside a year before?"""
    if not past.reaches("transactions", window):
        return nothing(NO_DATA)
    now = past.rows("purchases", window).groupby("customer_id")["amount"].sum()
    months, total = float(len(window.months)), float(now.sum())
    found = Estimate(total / months, NAN, NAN, float(len(now)), 0.0, SUMMED)
    growth = _growth(past, window, now, confidence)
    # a window without sales has no growth to reckon back from
    if not growth.known or not growth.value > 0:
        return replace(found, low=found.value, high=found.value)
    return compared(found, found.value / growth.value, growth)


def growth(past: History, window: Window, confidence: float) -> Estimate:
    """R-SALESG: by how much do sales of a day exceed those of a year before?"""
    if not past.reaches("transactions", window):
        return nothing(NO_DATA)
    now = past.rows("purchases", window).groupby("customer_id")["amount"].sum()
    found = _growth(past, window, now, confidence)
    if not found.known:
        return found
    moved = replace(found.sampling, value=found.value - 1)  # type: ignore[type-var]
    return replace(found, value=found.value - 1, low=found.low - 1, high=found.high - 1, sampling=moved)


def _growth(past: History, window: Window, now: pd.Series, confidence: float) -> Estimate:
    """Sales per day over those of a year before; customers are the sample."""
    earlier = past.before(window)
    if earlier is None or not past.reaches("transactions", earlier, whole=True):
        return nothing(NO_BEFORE)
    then = past.rows("purchases", earlier).groupby("customer_id")["amount"].sum()
    both = now.rename("now").to_frame().join(then.rename("then"), how="outer").fillna(0.0).sort_index()
    return ratio(both["now"] / window.days, both["then"] / earlier.days, confidence)


def renewals(past: History, window: Window, confidence: float) -> Estimate:
    """R-RENEW: of contracts that end, how many are renewed or followed by another?"""
    contracts = past.frames["contracts"]
    if "renewed" not in past.tables["subscriptions"] and not contracts["follows"].any():
        return nothing(NO_COLUMN, "subscriptions.renewed")
    due = contracts[contracts["last"].isin(window.months) & ~contracts["paused"]]
    kept = (due["renewed"].eq(True) | due["follows"]).astype("float64")
    return clustered_share(due.assign(kept=kept, one=1.0), "kept", "one", confidence)


def orders(past: History, window: Window, confidence: float) -> Estimate:
    """R-FREQ: how often does an active customer order in a year, beside the own earlier months?"""
    who = past.who
    if who is None or not past.reaches("transactions", window):
        return nothing(NO_DATA)
    bought = past.frames["purchases"].groupby("month")["orders"].sum()
    reach = min(who.reach, past.covered["transactions"])
    rate = {
        month: YEAR * float(bought.get(month, 0.0)) / float(who.active[month].sum())
        for month in range(reach)
        if who.active[month].any()
    }
    now = _series(rate, [month for month in window.months if month in rate])
    earlier = _series(rate, [month for month in rate if month > window.months[-1]])
    return against_own_past(now, earlier, confidence, n=float(past.rows("purchases", window)["orders"].sum()))


def _series(rate: Mapping[int, float], months: list[int]) -> pd.Series:
    import pandas as pd

    ordered = sorted(months, reverse=True)
    return pd.Series([rate[month] for month in ordered], index=ordered, dtype="float64")


def referred(past: History, window: Window, confidence: float) -> Estimate:
    """R-REF: which share of new customers was referred?"""
    if "arrivals" not in past.frames:
        return nothing(NO_COLUMN, "customers.created_at")
    if not past.reaches("customers", window):
        return nothing(NO_DATA)
    rows = past.rows("arrivals", window)
    return share(float(rows["referred"].sum()), float(rows["n"].sum()), confidence)


def market_share(past: History, window: Window, confidence: float) -> Estimate:
    """R-SHARE: which part of the market is ours, beside a year before? The market is taken as exact, customers as a sample."""
    market = _market(past, window)
    if market is None:
        return nothing(NO_DATA, f"benchmarks: {MARKET}")
    now = past.rows("purchases", window).groupby("customer_id")["amount"].sum()
    value = float(now.sum()) / market
    found = Estimate(value, value, value, float(len(now)), 0.0, OUTSIDE)
    earlier = past.before(window)
    before = _market(past, earlier) if earlier is not None else None
    if earlier is None or before is None:
        return found
    then = past.rows("purchases", earlier).groupby("customer_id")["amount"].sum()
    both = now.rename("now").to_frame().join(then.rename("then"), how="outer").fillna(0.0).sort_index()
    return compared(found, float(then.sum()) / before, ratio(both["now"] / market, both["then"] / before, confidence))


def _market(past: History, window: Window) -> float | None:
    """The newest figure of the market in the year in which a window ends; None where own sales are not known all through it."""
    table = past.frames["benchmarks"]
    year = table["period"].astype(str).str.slice(0, YEAR_DIGITS) == str(window.end.year)
    seen = table[(table["indicator"] == MARKET) & year].sort_values(["dated_at", "peer"])
    if seen.empty or not past.reaches("transactions", window, whole=True):
        return None
    market = float(seen["value"].iloc[-1])
    return market if market > 0 else None


def returns(past: History, window: Window, confidence: float) -> Estimate:
    """R-RETURN: how many returns come on an order?"""
    if "is_return" not in past.tables["transactions"]:
        return nothing(NO_COLUMN, "transactions.is_return")
    if not past.reaches("transactions", window):
        return nothing(NO_DATA)
    each = past.rows("purchases", window).groupby("customer_id", sort=True)[["returns", "orders"]].sum()
    found = ratio(each["returns"], each["orders"], confidence, n=float(each["orders"].sum()))
    return replace(found, low=float(np.fmax(found.low, 0.0))) if found.known else found


FUNCTIONS: Mapping[str, Callable[[History, Window, float], Estimate]] = {
    "R-NCUST": customers,
    "R-NEW": newcomers,
    "R-SALES": sales,
    "R-SALESG": growth,
    "R-RENEW": renewals,
    "R-FREQ": orders,
    "R-REF": referred,
    "R-SHARE": market_share,
    "R-RETURN": returns,
}
