"""Who are the customers, how many came once, and when do they come again?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.analyses.clv.read import NO_PURCHASES, Purchases
from crmkit.core.language import mark
from crmkit.core.results import Axis, Finding, Quantity, Result, Text, curve, estimates, not_assessed
from crmkit.models.basics.estimates import critical
from crmkit.models.basics.shares import wilson

if TYPE_CHECKING:
    import pandas as pd


def base(past: Purchases) -> Result:
    """How many customers are there, and how many came back?

    Returns
    -------
    Result
        Value boxes: customers, share who bought on one day only (Wilson interval), purchase days per customer, mean amount
        of a purchase day; finding on one-time buyers.
    """
    table = past.customers
    n = len(table)
    if not n:
        return not_assessed("clv_base", Text("Customers and purchases"), NO_PURCHASES)
    once = int((table["frequency"] == 0).sum())
    one_time = wilson(once, n, confidence=past.confidence)
    low, high = float(one_time.low[0]), float(one_time.high[0])
    days = table["purchase_days"].astype("float64")
    spend = table["total"].sum() / days.sum()
    rows = [
        {"group": mark("Customers"), "measure": "customers", "value": n, "n": n, "unit": "count", "method": mark("count")},
        {
            "group": mark("Bought on one day only"),
            "measure": "one_time_share",
            "value": once / n,
            "low": low,
            "high": high,
            "n": n,
            "unit": "share",
            "method": mark("Wilson"),
        },
        _mean_row(mark("Purchase days per customer"), "purchase_days", days, past.confidence, "score"),
    ]
    if past.spend.known:
        rows.append(_ratio_row(mark("Spend per purchase day"), "spend_per_day", table["total"], days, spend, past.confidence))
    share = Quantity(once / n, "share", low, high)
    finding = Finding(
        id="clv.one_time",
        severity="info",
        passed=None,
        text=Text(
            "{share} of {n} customers bought on one day only, between {start} and {end}.",
            {
                "share": share,
                "n": Quantity(n, "count"),
                "start": Quantity(past.start, "date"),
                "end": Quantity(past.as_of, "date"),
            },
        ),
        evidence=("clv_base",),
    )
    return Result("clv_base", "values", Text("Customers and purchases"), estimates(rows), finding=finding)


def _mean_row(label: str, measure: str, values: pd.Series, confidence: float, unit: str) -> dict[str, object]:
    return _ratio_row(
        label, measure, values, values * 0 + 1, float(values.mean()), confidence, unit=unit, method=mark("mean, normal")
    )


def _ratio_row(
    label: str,
    measure: str,
    top: pd.Series,
    bottom: pd.Series,
    value: float,
    confidence: float,
    *,
    unit: str = "money",
    method: str = mark("ratio, linearised"),
) -> dict[str, object]:
    """A ratio of two sums over customers; its variance is that of the linear approximation (delta method)."""
    n = len(top)
    residual = (top - value * bottom) / bottom.mean()
    reach = critical(confidence) * float(residual.std(ddof=1)) / n**0.5 if n > 1 else float("nan")
    return {
        "group": label,
        "measure": measure,
        "value": value,
        "low": value - reach,
        "high": value + reach,
        "n": n,
        "unit": unit,
        "method": method,
    }


def second_purchase(past: Purchases) -> Result:
    """How long does it take until a customer buys again for the first time, and how many ever do?

    Returns
    -------
    Result
        Curve of the share who have bought again, by days since the first purchase: one minus the Kaplan-Meier estimate,
        because customers who came late have been watched for a shorter time; exponential Greenwood interval.

    References
    ----------
    Kaplan & Meier (1958), doi:10.1080/01621459.1958.10501452.
    """
    title = Text("When do customers buy for the second time?")
    seen = past.rhythm.waits[past.rhythm.waits["duration_days"] > 0]
    if not seen["event_observed"].any():
        reason = NO_PURCHASES if past.customers.empty else Text("no customer has bought on a second day")
        return not_assessed("clv_second_purchase", title, reason)
    from lifelines import KaplanMeierFitter

    km = KaplanMeierFitter(alpha=1 - past.confidence)
    km.fit(seen["duration_days"], seen["event_observed"], weights=seen["n"])
    limits = km.confidence_interval_survival_function_
    table = curve(
        km.event_table.iloc[:, :0]
        .assign(
            x=km.survival_function_.index.to_numpy(),
            value=1 - km.survival_function_.iloc[:, 0],
            low=1 - limits.iloc[:, 1],
            high=1 - limits.iloc[:, 0],
            at_risk=km.event_table["at_risk"],
        )
        .reset_index(drop=True)
    )
    table.attrs["step"] = True
    row = table[table["x"] <= (watched := min(365.0, float(table["x"].max())))].iloc[-1]
    reached = Quantity(row["value"], "share", row["low"], row["high"])
    finding = Finding(
        id="clv.second_purchase",
        severity="info",
        passed=None,
        text=Text(
            "Within {days} of the first purchase, {share} of customers have bought again.",
            {"days": Quantity(watched, "days"), "share": reached},
        ),
        evidence=("clv_second_purchase",),
    )
    return Result(
        "clv_second_purchase",
        "curve",
        title,
        table,
        finding=finding,
        note=Text(
            "Kaplan–Meier estimate, n = {n}; the band is the {confidence} interval.",
            {"n": Quantity(int(seen["n"].sum()), "count"), "confidence": Quantity(past.confidence, "share")},
        ),
        alt=Text(
            "Step curve that rises from zero: share of customers who have bought again, by days since their first purchase."
        ),
        x=Axis("Days since first purchase", "count"),
        y=Axis("Share who have bought again", "share"),
    )


def shares(counts: pd.Series, *, confidence: float) -> pd.DataFrame:
    """Which share of all customers is in each group? Estimate rows with Wilson intervals, in the order of the counts."""
    n = int(counts.sum())
    found = wilson(counts.to_numpy(), n, confidence=confidence)
    known = {"measure": mark("share"), "n": n, "unit": "share", "method": mark("Wilson")}
    return estimates(
        {"group": group, "value": count / n, "low": lo, "high": hi, **known}
        for group, count, lo, hi in zip(counts.index, counts, found.low, found.high, strict=True)
    )
