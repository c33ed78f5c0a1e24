"""How long do customers of a shop take to buy again, and how far ahead is it asked? Curves of the gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.churn.read import Past
from crmkit.analyses.churn.shop import WITH_CUSTOMERS, Shop
from crmkit.core.language import mark
from crmkit.core.results import Axis, Column, Finding, Numbers, Quantity, Result, Text, curve
from crmkit.models import survival as sv
from crmkit.models.survival import gaps as gm

if TYPE_CHECKING:
    pass

FIRST, SECOND, THIRD, LATER = (
    mark("after the first purchase"),
    mark("after the second"),
    mark("after the third"),
    mark("after a later one"),
)
AFTER = {1: FIRST, 2: SECOND, 3: THIRD, 4: LATER}
LEAST_AT_RISK = 10
MOST_DRAWN = 300
BACK, SILENT = mark("came back later"), mark("gaps that last longer")


def horizon(past: Past, shop: Shop) -> Result:
    """How far ahead is it asked, and how often would a silence as long as that be taken for leaving wrongly?

    Returns
    -------
    Result
        Curves against the length of a silence: the share that came back all the same (what it gets wrong), and the share of all
        gaps that last longer (what it costs).
    """
    import pandas as pd

    table = shop.horizon.table
    shown = pd.concat(
        [
            pd.DataFrame(
                {
                    "group": BACK,
                    "x": table["horizon"],
                    "value": table["false_share"],
                    "low": table["low"],
                    "high": table["high"],
                }
            ),
            pd.DataFrame({"group": SILENT, "x": table["horizon"], "value": table["called_share"]}),
        ],
        ignore_index=True,
    )
    shown = curve(shown[shown["value"].notna()])
    at = float(shop.horizon_days)
    shown.attrs["marks"] = [(at, Text("chosen: {window}", {"window": Quantity(at, "days")}))]
    return Result(
        "churn_window",
        "curve",
        Text("How far ahead is it asked, and what does such a silence get wrong?"),
        shown,
        columns=(Column("group", "Line", translate=True),),
        finding=horizon_finding(past, shop),
        note=Text(
            "From {n} gaps between purchase days, open ones censored (Kaplan–Meier), followed for {followed}; bands are "
            "{confidence} intervals. Customers are who bought within the last {limit}; {closed}.",
            {
                "n": Quantity(len(shop.gaps), "count"),
                "followed": Quantity(shop.horizon.followed, "days"),
                "confidence": Quantity(past.confidence, "share"),
                "limit": Quantity(float(shop.limit_days), "days"),
                "closed": _closed(shop),
            },
        ),
        alt=Text(
            "Falling curves by the length of a silence: share who came back all the same, and share of gaps that last longer."
        ),
        x=Axis("Length of the silence", "days"),
        y=Axis("Share", "share"),
    )


def _closed(shop: Shop) -> Text:
    if not shop.closed:
        return Text("the shop was open all the time")
    first, last = max(shop.closed, key=lambda one: one[1] - one[0])
    return Text(
        "the days from {first} to {last}, on which nobody bought, are left out",
        {"first": Quantity(first, "date"), "last": Quantity(last, "date")},
    )


def horizon_finding(past: Past, shop: Shop) -> Finding:
    """The horizon in one sentence, with what a silence of that length gets wrong."""
    at = gm.horizon_table(
        shop.gaps["duration_days"], shop.gaps["event_observed"], horizons=[shop.horizon_days], confidence=past.confidence
    ).iloc[0]
    back = float(at["false_share"])
    numbers: Numbers = {
        "horizon": Quantity(float(shop.horizon_days), "days"),
        "share": Quantity(back, "share", float(at["low"]), float(at["high"])) if np.isfinite(back) else Quantity(None, "share"),
        "limit": Quantity(shop.horizon.limit, "share"),
        "lost": Quantity(shop.horizon.days, "days"),
    }
    if not shop.leaving and not shop.telling:
        text = Text(
            "This page asks who will not buy within {horizon}; the data are too short to see whether anybody leaves for good.",
            numbers,
        )
    elif not shop.leaving:
        text = Text(
            "This page asks who will not buy within {horizon}. There is no sign that anybody leaves: what "
            "follows is how long they take to come back.",
            numbers,
        )
    elif shop.capped:
        text = Text(
            "This page asks who will not buy within {horizon}, the longest that so few data can be tested "
            "with. Of those silent for so long {share} come back later, and only from {lost} on fewer than "
            "{limit}.",
            numbers,
        )
    else:
        text = Text(
            "This page asks who will not buy within {horizon}; of those silent for so long {share} come back later.", numbers
        )
    return Finding("churn.window", "info", None, text, evidence=("churn_window",))


def survival(past: Past, shop: Shop) -> Result:
    """Which share has not bought again after a time, by the number of the purchase?"""
    rows = shop.gaps
    group = np.array([AFTER[k] for k in gm.stratum_of_number(rows["number"], len(AFTER))], dtype=object)
    table = gm.gap_curves(
        rows["duration_days"],
        rows["event_observed"],
        group=group,
        customer=rows["customer_id"] if len(rows) <= WITH_CUSTOMERS else None,
        confidence=past.confidence,
    )
    table = table[(table["at_risk"] >= LEAST_AT_RISK) | (table["x"] == 0)]
    kept = []
    for _, own in table.groupby("group", sort=False):
        places = np.unique(np.linspace(0, len(own) - 1, min(len(own), MOST_DRAWN)).round().astype(int))
        kept.append(own.iloc[places])
    import pandas as pd

    shown = curve(pd.concat(kept, ignore_index=True)[["group", "x", "value", "low", "high", "at_risk"]])
    shown.attrs["step"] = True
    return Result(
        "churn_survival",
        "curve",
        Text("How long do customers take to buy again?"),
        shown,
        columns=(Column("group", "Purchase", translate=True),),
        finding=back_finding(past),
        note=Text(
            "Kaplan–Meier of {n} gaps between purchase days, by which purchase they follow. {confidence} "
            "intervals (log-log, by customer); a curve ends where fewer than {least} gaps are left under it.",
            {
                "n": Quantity(len(rows), "count"),
                "confidence": Quantity(past.confidence, "share"),
                "least": Quantity(LEAST_AT_RISK, "count"),
            },
        ),
        alt=Text("Falling step curves, one per purchase: share of customers who have not bought again, by days since then."),
        x=Axis("Time since the purchase", "days"),
        y=Axis("Not bought again", "share"),
    )


def back_finding(past: Past) -> Finding | None:
    """Of the customers of an earlier day, who has bought again within the horizon, and when half had? One gap per customer."""
    rows = past.spells
    table = sv.kaplan_meier(rows["duration_days"], rows["event_observed"], confidence=past.confidence)
    seen = table[table["x"] <= past.rule.horizon_days].iloc[-1]
    median = sv.median_survival(table, unit="days").iloc[0]
    half = (
        Text("half had after {median}", {"median": Quantity(float(median["value"]), "days")})
        if np.isfinite(median["value"])
        else Text("half had not by the end of the {span} observed", {"span": Quantity(float(table["x"].max()), "days")})
    )
    return Finding(
        id="churn.survival",
        severity="info",
        passed=None,
        text=Text(
            "Of the {n} customers of {day}, {share} had bought again within {horizon}; {half}.",
            {
                "n": Quantity(len(rows), "count"),
                "day": Quantity(rows["started_at"].iloc[0], "date"),
                "share": Quantity(1 - seen["value"], "share", 1 - seen["high"], 1 - seen["low"]),
                "horizon": Quantity(past.rule.horizon_days, "days"),
                "half": half,
            },
        ),
        evidence=("churn_survival", "churn_at_risk"),
    )
