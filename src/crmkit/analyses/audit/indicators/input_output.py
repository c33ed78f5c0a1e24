"""What does it cost to look after customers, and what does it bring? One function per indicator."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.audit.indicators.estimate import (
    NO_COLUMN,
    NO_DATA,
    NO_TABLE,
    Estimate,
    compared,
    deviate,
    nothing,
    ratio,
)
from crmkit.analyses.audit.read import History, Window
from crmkit.analyses.audit.sampling import Located
from crmkit.core.language import mark

if TYPE_CHECKING:
    import pandas as pd

BY_MONTH = mark("ratio, linearised by month")
JACKKNIFE = mark("jackknife over groups of customers")
DIFFERENCE = mark("difference to the control group, normal")
IN_COST = ("labour", "technology", "marketing")
TIERS = (0.2, 0.5)
FOLDS = 50
NORMAL = 1e6


def investment(past: History, window: Window, confidence: float) -> Estimate:
    """I-INV: what is spent on an active customer in a month?"""
    who = past.who
    if who is None:
        return nothing(NO_TABLE, "subscriptions | transactions | customers")
    spent = _by_month(past, window, None)
    months = [month for month in spent.index if month < who.reach]
    customers = [float(who.active[month].sum()) for month in months]
    return ratio(spent.loc[months], customers, confidence, method=BY_MONTH)


def cost_share(past: History, window: Window, confidence: float) -> Estimate:
    """I-COST: which part of sales goes into labour, technology and marketing, beside a year before?"""
    found, top, bottom = _cost_share(past, window, confidence)
    earlier = past.before(window)
    if not found.known or earlier is None:
        return found
    then, top_then, bottom_then = _cost_share(past, earlier, confidence)
    if not then.known or not then.value > 0 or len(top_then) < len(earlier.months):
        return found
    # the months of both years are the sample: the relative errors of the two ratios add up
    change = found.value / then.value
    parts = [_relative_error(top, bottom), _relative_error(top_then, bottom_then)]
    located = Located(change, change * math.hypot(*parts), len(top) + len(top_then) - 2)
    low, high = located.limits(confidence)
    relative = Estimate(change, max(low, 0.0), high, found.n, sampling=located)
    return compared(found, then.value, relative)


def _cost_share(past: History, window: Window, confidence: float) -> tuple[Estimate, pd.Series, pd.Series]:
    spent = _by_month(past, window, IN_COST)
    sales = past.rows("purchases", window).groupby("month")["amount"].sum()
    sales = sales[sales.index < past.covered["transactions"]]
    months = spent.index.intersection(sales.index)
    top, bottom = spent.loc[months], sales.loc[months]
    return ratio(top, bottom, confidence, method=BY_MONTH), top, bottom


def _relative_error(top: pd.Series, bottom: pd.Series) -> float:
    found = ratio(top, bottom, 0.95)
    error = found.sampling.error if isinstance(found.sampling, Located) else 0.0
    return error / found.value if found.value else 0.0


def _by_month(past: History, window: Window, categories: tuple[str, ...] | None) -> pd.Series:
    rows = past.rows("costs", window)
    rows = rows[rows["month"] < past.covered["costs"]]
    rows = rows[rows["category"].isin(categories)] if categories else rows
    return rows.groupby("month")["amount"].sum()


def acquisition_cost(past: History, window: Window) -> tuple[float, float] | None:
    """Marketing cost per new customer, and new customers, in the months that both are known of."""
    if "arrivals" not in past.frames:
        return None
    spent = _by_month(past, window, ("marketing",))
    months = [month for month in spent.index if month < past.covered["customers"]]
    came = past.frames["arrivals"].set_index("month")["n"].reindex(months).sum()
    total = float(spent.loc[months].sum())
    return (total / float(came), float(came)) if came > 0 and total > 0 else None


def mismatch(past: History, window: Window, confidence: float) -> Estimate:
    """I-CTS: how far is the work for customers from what they bring?

    Notes
    -----
    Customers are ranked by sales of the window: the first fifth, the next three tenths, the rest. Tickets stand for the cost of
    service. The standard error is that of a jackknife over 50 random groups of customers, drawn with a fixed seed in the order
    of their sales, so that it depends neither on names nor on the order of rows.
    """
    bought = past.rows("purchases", window).groupby("customer_id")["amount"].sum()
    served = past.rows("tickets", window).groupby("customer_id")["tickets"].sum()
    both = bought.to_frame("sales").join(served.rename("service"), how="outer").fillna(0.0)
    both = both.assign(sales=both["sales"].clip(lower=0.0))
    both = both.sort_values(["sales", "service"], ascending=False)
    sales, service = both["sales"].to_numpy(), both["service"].to_numpy()
    if sales.sum() <= 0 or service.sum() <= 0:
        return nothing(NO_DATA, n=float(len(both)))
    value, fold = _index(sales, service), np.random.default_rng(0).permutation(len(sales)) % FOLDS
    folds = min(FOLDS, len(sales))
    if folds < 2:
        return nothing(NO_DATA, n=float(len(both)))
    left = np.array([_index(sales[fold != k], service[fold != k]) for k in range(folds)])
    error = math.sqrt((folds - 1) / folds * float(((left - left.mean()) ** 2).sum()))
    located = Located(value, error, folds - 1)
    low, high = located.limits(confidence)
    return Estimate(value, max(low, 0.0), min(high, 1.0), float(len(both)), 0.0, JACKKNIFE, located)


def _index(sales: np.ndarray, service: np.ndarray) -> float:
    """Half the sum of absolute differences of the tiers' shares; customers are in order of sales."""
    ends = [0, *(math.ceil(cut * len(sales)) for cut in TIERS), len(sales)]
    if sales.sum() <= 0 or service.sum() <= 0:
        return math.nan
    parts = [(sales[a:b].sum() / sales.sum(), service[a:b].sum() / service.sum()) for a, b in pairwise(ends)]
    return float(sum(abs(value - cost) for value, cost in parts)) / 2


def campaign_return(past: History, window: Window, confidence: float) -> Estimate:
    """I-ROI: what do campaigns bring beyond what customers would have bought anyway, over their cost?"""
    if "cost" not in past.tables["campaigns"]:
        return nothing(NO_COLUMN, "campaigns.cost")
    rows, campaigns = past.rows("campaign_results", window), past.frames["campaigns"]
    cost = dict(zip(campaigns["campaign_id"], campaigns["cost"].astype("float64"), strict=True))
    gain = variance = spent = people = 0.0
    for name, own in rows.groupby("campaign_id", sort=True):
        arms = own.groupby("arm")[["n", "revenue", "squares"]].sum()
        if {"treated", "control"} - set(arms.index) or math.isnan(cost.get(str(name), math.nan)) or (arms["n"] < 2).any():
            continue
        counted = arms.loc[["control", "treated"]].to_numpy(dtype="float64").T
        n, average = counted[0], counted[1] / counted[0]
        spread = (counted[2] - n * average**2) / (n - 1)
        treated = past.rules.margin * float(n[1])
        gain += treated * float(average[1] - average[0])
        variance += treated**2 * float((spread / n).sum())
        spent += cost[str(name)]
        people += float(n.sum())
    if spent <= 0:
        return nothing(NO_DATA, n=people)
    located = Located((gain - spent) / spent, math.sqrt(variance) / spent, NORMAL)
    low, high = located.limits(confidence)
    return Estimate(located.value, low, high, people, 0.0, DIFFERENCE, located)


def value_over_cost(past: History, window: Window, confidence: float, value: Estimate) -> Estimate:
    """I-CAC: what is a customer worth, over what it costs to win one? ``value`` is that of a customer, from clv."""
    from crmkit.analyses.audit.sampling import Within

    cost = acquisition_cost(past, window)
    if cost is None:
        return nothing(NO_DATA)
    each, came = cost
    if not (each > 0 and value.value > 0):
        return nothing(NO_DATA, n=came)
    found = value.value / each
    reach = deviate(confidence)
    # of the value its limits, of newcomers Poisson's spread; both on the scale of logarithms, where a ratio is a difference
    spread = reach / math.sqrt(came)
    up, down = (math.hypot(math.log(end / value.value), spread) if end > 0 else math.inf for end in (value.high, value.low))
    low, high = found * math.exp(-down), found * math.exp(up)
    return Estimate(found, low, high, came, 0.0, value.method, Within(found, low, high, confidence))


FUNCTIONS: Mapping[str, Callable[[History, Window, float], Estimate]] = {
    "I-INV": investment,
    "I-COST": cost_share,
    "I-CTS": mismatch,
    "I-ROI": campaign_return,
}
