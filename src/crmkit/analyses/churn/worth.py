"""What is lost with each customer? Risk, expected time and value of everybody who is there today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.churn.basics import base_rows, rule_words, unusable
from crmkit.analyses.churn.calendar import monthly
from crmkit.analyses.churn.chances import Chances, range_of_sum
from crmkit.analyses.churn.curves import kept_row
from crmkit.analyses.churn.fit import Backtest, expected_days, range_of_leavers
from crmkit.analyses.churn.read import Past
from crmkit.core.dates import DAYS_PER
from crmkit.core.errors import ParamError, Problem
from crmkit.core.language import mark
from crmkit.core.privacy import pseudonyms
from crmkit.core.reading import Reading, per_customer
from crmkit.core.results import Finding, Numbers, Quantity, Result, Text, estimates, history

if TYPE_CHECKING:
    import pandas as pd

SOURCES = {
    "clv": mark("Value: from the value report"),
    "price": mark("Value: monthly price times margin, while the customer stays"),
    "clv_back": mark("Value: from the value report, of a customer who is still one"),
    "spend_back": mark("Value: spend per day so far times margin, of a customer who comes back"),
    "spend": mark("Value: spend per day so far times margin, while the customer stays"),
    "": mark("No value: needs prices in subscriptions, transactions, or the value report"),
}


FIRST = Text("Look at those at the top of the early-warning list first; the campaign says whom to contact.")
LEAST_ALIVE = 0.05
OF_SUM = Text("Limits hold chance and an unsure model; those of the value leave the value itself as it is.")
SUMMED = Text("Limits of what is expected are those of each customer, summed: wider than the interval of the sum.")
# the boxes that are in sight; the others are a fold
LEAD = ("at_risk", "active", "expected", "kept_year")


@dataclass(frozen=True, eq=False)
class Worth:
    """Today's customers with their risk and what they are worth.

    Parameters
    ----------
    customers : DataFrame
        Features, ``log_hazard_ratio, probability, low, high, beyond_support, missing_inputs``, and ``expected_days`` (of
        the next ``value_days``), ``value`` (money, expected over these days), ``value_if_kept`` (money, after the horizon, of a
        customer who is still there then), ``at_risk`` (money: probability times value if kept).
    source : str
        Where values come from: key of SOURCES.
    value_days : int
    margin : float
    reason : str
        Why there is no list.
    ranges : mapping of str to (low, high)
        Between which limits the number of those who leave or stay away will be, "expected", and what goes with them,
        "at_risk"; empty where the model has none.
    """

    customers: pd.DataFrame | None
    source: str
    value_days: int
    margin: float
    reason: Text | str = ""
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def worth(
    past: Past, work: Backtest, reading: Reading | None = None, *, value_days: int, margin: float, key: bytes = b""
) -> Worth:
    """How likely is each of today's customers to leave, and what would be lost?

    Parameters
    ----------
    past : Past
    work : Backtest
    reading : Reading or None
        Results of the value report with a table ``clv_scores``; customers stand there under pseudonyms.
    value_days : int
        Days over which a customer's value is counted; where they end within the horizon, as many days after it.
    margin : float
        Part of the revenue that counts, above 0 and at most 1.
    key : bytes
        The client's secret, to know customers by their pseudonyms.

    Returns
    -------
    Worth

    Raises
    ------
    ParamError
        When a parameter is out of range.
    """
    if not 0 < margin <= 1:
        raise ParamError(Problem("margin:", f"is {margin}", "a share above 0 and at most 1 is needed"))
    horizon = past.rule.horizon_days
    # what a customer who stays brings is counted from the end of the horizon on, so there must be days behind it
    value_days = value_days if value_days > horizon else value_days + horizon
    rows = work.scores
    if rows is not None and past.contractual:
        # a contract that begins on the last day counts from tomorrow, here as on every page
        rows = rows[rows["tenure_days"] > 0]
    if work.model is None or rows is None or rows.empty:
        return Worth(None, "", value_days, margin, work.reason or Text("there is no customer on the last day"))
    p = rows["probability"].to_numpy()
    days = expected_days(work.model, rows, days=value_days, first=p)
    first = expected_days(work.model, rows, days=horizon, first=p)
    later = np.where(p < 1, (days - first) / np.maximum(1 - p, 1e-12), 0.0)
    per_day, source = _per_day(rows, margin)
    if past.shop is not None:
        found = _shop_worth(rows, days, per_day * (value_days - horizon), source, reading, key, value_days, margin)
        return replace(found, ranges=_ranges(work.model.chances, found.customers, past.confidence))
    value, kept = per_day * days, per_day * later
    known = _clv(reading, rows, margin, key)
    if known is not None:
        source = "clv"
        value = np.where(np.isfinite(known), known, value)
        kept = np.where(np.isfinite(known), known, kept)
    table = rows.assign(expected_days=days, value=value, value_if_kept=kept, at_risk=p * kept)
    limits = {
        "expected": range_of_leavers(work.model, rows, np.ones(len(rows))),
        "at_risk": range_of_leavers(work.model, rows, kept),
    }
    ranges = {name: found for name, found in limits.items() if found is not None}
    return Worth(table, source, value_days, margin, ranges=ranges)


def _shop_worth(
    rows: pd.DataFrame,
    days: np.ndarray,
    kept: np.ndarray,
    source: str,
    reading: Reading | None,
    key: bytes,
    value_days: int,
    margin: float,
) -> Worth:
    """Of a shop: what a customer who comes back brings; the value report gives it for customers who are still active."""
    p = rows["probability"].to_numpy()
    names = pseudonyms(rows["customer_id"].astype(str), key=key)
    clv = _clv(reading, rows, margin, key)
    active = per_customer(reading, "p_alive", tables=["clv_scores"])
    if source:
        source = "spend_back"
    if source and clv is not None and active is not None:
        source = "clv_back"
        alive = active.reindex(names).to_numpy()
        # who is nearly surely gone says little of what they would bring
        awake = clv / np.maximum(alive, LEAST_ALIVE)
        kept = np.where(np.isfinite(awake), awake, kept)
    table = rows.assign(expected_days=days, value=(1 - p) * kept, value_if_kept=kept, at_risk=p * kept)
    return Worth(table, source, value_days, margin)


def _ranges(of: Chances | None, rows: pd.DataFrame | None, confidence: float) -> dict[str, tuple[float, float]]:
    if of is None or rows is None:
        return {}
    weights = {"expected": np.ones(len(rows)), "at_risk": rows["value_if_kept"].to_numpy(dtype="float64")}
    return {name: range_of_sum(of, rows, weight, confidence=confidence) for name, weight in weights.items()}


def _per_day(rows: pd.DataFrame, margin: float) -> tuple[np.ndarray, str]:
    if "mrr" in rows and rows["mrr"].notna().any():
        return np.asarray(margin * rows["mrr"].fillna(0.0).to_numpy(dtype="float64") / DAYS_PER["month"]), "price"
    if "spent" in rows:
        # a month more, so that the first days of a new customer are not taken for their rhythm
        known = rows["T"] if "T" in rows else rows["known_days"]
        seen = known.to_numpy(dtype="float64") + DAYS_PER["month"]
        return np.asarray(margin * rows["spent"].to_numpy(dtype="float64") / seen), "spend"
    return np.full(len(rows), np.nan), ""


def _clv(reading: Reading | None, rows: pd.DataFrame, margin: float, key: bytes) -> np.ndarray | None:
    known = per_customer(reading, "clv", tables=["clv_scores"], margin=margin)
    return None if known is None else known.reindex(pseudonyms(rows["customer_id"].astype(str), key=key)).to_numpy()


def earlier_value(past: Past, rows: pd.DataFrame, value: Worth) -> np.ndarray | None:
    """What customers of an earlier day were worth: revenue per day as known then, over the days valued after the horizon."""
    per_day, source = _per_day(rows, value.margin)
    return per_day * (value.value_days - past.rule.horizon_days / 2) if source else None


def totals(past: Past, value: Worth) -> Result:
    """How many customers came, left, are expected to leave within the horizon, and what goes with them? Value boxes."""
    shop = past.shop is not None
    title = Text("Customers, and who is expected to stay away") if shop else Text("Customers, and who is expected to leave")
    if not past.usable:
        return unusable(past, "churn_totals", title)
    boxes = base_rows(past)
    kept = kept_row(past) if past.shop is None else None
    boxes += [kept] if kept is not None else []
    if value.customers is not None:
        boxes += _expected_rows(past, value, value.customers)
    numbers: Numbers = {
        "rule": rule_words(past),
        "horizon": Quantity(past.rule.horizon_days, "days"),
        "days": Quantity(value.value_days, "days"),
        "margin": Quantity(value.margin, "share"),
        "limits": SUMMED if value.customers is not None and not value.ranges else OF_SUM,
    }
    if past.shop is not None:
        note = Text(
            "{rule} Value over {days}, {margin} of revenue, of a customer who comes back. What will be seen lies within the "
            "limits with a probability of {confidence}: they hold chance, an unsure model, and that days differ.",
            {**numbers, "confidence": Quantity(past.confidence, "share")},
        )
        return Result("churn_totals", "values", title, _led(boxes, past), finding=risk_finding(past, value), note=note)
    note = (
        Text("{rule} Horizon {horizon}; value over {days}, {margin} of revenue. {limits}", numbers)
        if value.source or value.customers is None
        else Text("{rule} Horizon {horizon}. {limits}", numbers)
    )
    return Result("churn_totals", "values", title, _led(boxes, past), finding=risk_finding(past, value), note=note)


def _led(boxes: list[dict[str, object]], past: Past) -> pd.DataFrame:
    """The boxes; those of today lead, if a model says who leaves. Beside who is expected to leave stands who has left."""
    table = estimates(boxes)
    months = monthly(past).table
    if months is not None:
        own = months[months["group"] == months.attrs["actual"]]
        said = mark("share leaving, by month") if past.shop is None else mark("share not back in time, by month")
        left = history(said, "share", own["x"], own["value"])
        table.attrs["history"] = {box: left for box in table["group"] if str(box).startswith("Expected")}
    if "active" in set(table["measure"]):
        table.attrs["lead"] = LEAD
    return table


def _expected_rows(past: Past, value: Worth, rows: pd.DataFrame) -> list[dict[str, object]]:
    shop = past.shop is not None
    # who has been silent for longer than the gaps allow may still be a customer of the other pages
    there = mark("Customers assessed") if past.shop is not None and not past.shop.agreed else mark("Customers today")
    p = rows["probability"].dropna()
    n = len(p)

    def limits(name: str, weight: pd.Series[float] | float) -> tuple[float, float]:
        return value.ranges.get(name, (float((rows["low"] * weight).sum()), float((rows["high"] * weight).sum())))

    low, high = limits("expected", 1.0)
    boxes: list[dict[str, object]] = [
        {
            "group": there,
            "measure": "active",
            "value": len(rows),
            "n": len(rows),
            "unit": "count",
            "method": mark("count"),
        },
        {
            "group": mark("Expected to stay away") if shop else mark("Expected to leave"),
            "measure": "expected",
            "value": p.sum(),
            "low": low,
            "high": high,
            "n": n,
            "unit": "count",
            "method": mark("sum of probabilities"),
        },
        {
            "group": mark("Expected share"),
            "measure": "expected_share",
            "value": p.mean(),
            "low": low / n if n else np.nan,
            "high": high / n if n else np.nan,
            "n": n,
            "unit": "share",
            "method": mark("mean probability"),
        },
    ]
    if value.source:
        low, high = limits("at_risk", rows["value_if_kept"])
        boxes.append(
            {
                "group": mark("Value at risk"),
                "measure": "at_risk",
                "value": rows["at_risk"].sum(),
                "low": low,
                "high": high,
                "n": n,
                "unit": "money",
                "method": SOURCES[value.source],
            }
        )
    return boxes


def risk_finding(past: Past, value: Worth) -> Finding | None:
    """What is expected and what it costs, in one sentence."""
    if value.customers is None:
        return None
    rows = value.customers
    numbers = {
        "n": Quantity(len(rows), "count"),
        "left": Quantity(float(rows["probability"].sum()), "count", *value.ranges.get("expected", ())),
        "share": Quantity(float(rows["probability"].mean()), "share"),
        "horizon": Quantity(past.rule.horizon_days, "days"),
        "money": Quantity(float(rows["at_risk"].sum()), "money"),
    }
    stake = Quantity(float(rows["at_risk"].sum()), "money") if value.source else None
    evidence = ("churn_totals", "churn_list")
    if past.shop is not None:
        text = (
            Text(
                "We expect {left} of {n} customers ({share}) to buy nothing within {horizon}; winning them "
                "back would bring {money}.",
                numbers,
            )
            if value.source
            else Text("We expect {left} of {n} customers ({share}) to buy nothing within {horizon}.", numbers)
        )
        return Finding("churn.risk", "info", None, text, evidence=evidence, money_at_stake=stake, action=FIRST)
    text = (
        Text(
            "We expect {left} of {n} customers ({share}) to leave within {horizon}, putting {money} of value at risk.",
            numbers,
        )
        if value.source
        else Text("We expect {left} of {n} customers ({share}) to leave within {horizon}.", numbers)
    )
    return Finding("churn.risk", "info", None, text, evidence=evidence, money_at_stake=stake, action=FIRST)
