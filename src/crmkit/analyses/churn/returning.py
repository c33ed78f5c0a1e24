"""How long do customers of a shop take to buy again, and how far ahead is it asked? Curves of the gaps, and of cohorts."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.churn.read import Past
from crmkit.analyses.churn.shop import WITH_CUSTOMERS, Shop
from crmkit.core.language import mark
from crmkit.core.privacy import can_be_shown
from crmkit.core.results import Axis, Column, Finding, Numbers, Quantity, Result, Text, curve, not_assessed
from crmkit.models import survival as sv
from crmkit.models.survival import gaps as gm

if TYPE_CHECKING:
    import pandas as pd

FIRST, SECOND, THIRD, LATER = (
    mark("after the first purchase"),
    mark("after the second"),
    mark("after the third"),
    mark("after a later one"),
)
AFTER = {1: FIRST, 2: SECOND, 3: THIRD, 4: LATER}
LEAST_AT_RISK = 10
MOST_DRAWN = 300
COHORT_DAYS = (30, 60, 90, 180, 270, 365, 540, 730)
COHORT_PERIODS = (("M", 31), ("Q", 92), ("Y", 366))
MOST_COHORTS = 12
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
            "This page asks who will not buy within {horizon}; there is no sign that anybody leaves: what follows is how long "
            "they take to come back.",
            numbers,
        )
    elif shop.capped:
        text = Text(
            "This page asks who will not buy within {horizon}, the longest that so few data can be tested with; of those "
            "silent for so long {share} come back later, and only from {lost} on fewer than {limit}.",
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
            "Kaplan–Meier of {n} gaps between purchase days, by which purchase they follow; {confidence} intervals (log-log, "
            "by customer); a curve ends where fewer than {least} gaps are left under it.",
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


def cohorts(past: Past, shop: Shop) -> Result:
    """Which share of those who first bought in a period has bought again after so many days?"""
    import pandas as pd

    title = Text("Who has bought again, by when they first bought")
    rows = shop.gaps[shop.gaps["number"] == 1]
    span = (rows["started_at"].max() - rows["started_at"].min()).days
    frequency = next((name for name, days in COHORT_PERIODS if span / days <= MOST_COHORTS), "Y")
    period = rows["started_at"].dt.to_period(frequency)
    end, cells = pd.Timestamp(past.as_of), []
    shown = can_be_shown(rows.groupby(period)["customer_id"].nunique(), min_cell=past.min_cell)
    for label, own in rows.groupby(period):
        youngest = (end - min(label.end_time.normalize(), own["started_at"].max())).days
        ages = [age for age in COHORT_DAYS if age <= youngest]
        if not shown[label] or not ages:
            continue
        km = sv.kaplan_meier(own["duration_days"], own["event_observed"], confidence=past.confidence)
        at = sv.at_risk_table(km, ages)
        for age, value, low, high in zip(ages, at["value"], at["low"], at["high"], strict=True):
            if np.isfinite(value):
                found = {"value": 1 - value, "low": 1 - high, "high": 1 - low}
                cells.append({"row": str(label), "column": age, **found, "n": len(own)})
    if not cells:
        return not_assessed("churn_cohorts", title, Text("no cohort is large enough and old enough"))
    table = pd.DataFrame(cells).sort_values(["row", "column"], kind="stable")
    order = [str(age) for age in sorted(table["column"].unique())]
    table["column"] = table["column"].astype(str)
    table.attrs["unit"] = "share"
    return Result(
        "churn_cohorts",
        "heat_grid",
        title,
        table.drop(columns="n"),
        finding=_cohort_finding(table, order),
        note=Text(
            "Kaplan–Meier share with a second purchase; {n} customers in {k} cohorts; cells that not the whole cohort could "
            "reach stay empty.",
            {
                "n": Quantity(int(table.drop_duplicates("row")["n"].sum()), "count"),
                "k": Quantity(table["row"].nunique(), "count"),
            },
        ),
        alt=Text(
            "Grid: a row per cohort of customers, a column per age in days, in each cell the share that has bought again."
        ),
        x=Axis("Days since the first purchase", "text"),
        y=Axis("First bought in", "text"),
    )


def _cohort_finding(table: pd.DataFrame, order: list[str]) -> Finding | None:
    """The newest cohort against the one before it, at the age that both have reached."""
    names = sorted(table["row"].unique())
    for before, now in reversed(list(pairwise(names))):
        for age in reversed(order):
            pair = [table[(table["row"] == row) & (table["column"] == age)] for row in (before, now)]
            if all(len(one) == 1 for one in pair):
                old, new = (one.iloc[0] for one in pair)
                worse = bool(new["high"] < old["low"])
                text = Text(
                    "Within {age}, {new} of those who first bought in {now} had bought again; of those of {before} it was "
                    "{old}.",
                    {
                        "age": Quantity(int(age), "days"),
                        "new": Quantity(new["value"], "share", new["low"], new["high"]),
                        "old": Quantity(old["value"], "share", old["low"], old["high"]),
                        "now": str(now),
                        "before": str(before),
                    },
                )
                return Finding("churn.cohorts", "warning" if worse else "info", None, text, evidence=("churn_cohorts",))
    return None
