"""Why do customers leave? Incidence of each kind of leaving where the others compete, and the reasons that were given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.churn.basics import kinds_unknown, unusable
from crmkit.analyses.churn.curves import MOST_DAYS_DRAWN, YEAR, observed
from crmkit.analyses.churn.read import Past
from crmkit.core.language import mark
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, curve, estimates, not_assessed
from crmkit.models import survival as sv
from crmkit.models.basics.shares import wilson

if TYPE_CHECKING:
    import pandas as pd

NO_KIND = Text("without contracts nobody says why; kinds and reasons of leaving need a table subscriptions")
KINDS = {"voluntary": mark("voluntary"), "involuntary": mark("involuntary"), "unknown": mark("unknown")}
STAYS = ""
LEAST_AT_RISK = 10
MOST_REASONS = 10
LEAST_SHOWN = 0.0005


def causes(past: Past) -> Result:
    """Which share of customers has left of their own will, and which had to, by each time?

    Returns
    -------
    Result
        Step curves of the cumulative incidence per kind (Aalen-Johansen, exact under ties); the finding is at one year.
    """
    import pandas as pd

    title = Text("Of their own will, or because they had to?")
    if not past.usable:
        return unusable(past, "churn_causes", title)
    if not past.contractual:
        return not_assessed("churn_causes", title, NO_KIND)
    kind = past.spells["event"].fillna(STAYS).astype(str).to_numpy(dtype=object)
    if (kind == STAYS).all():
        return not_assessed("churn_causes", title, Text("nobody has left"))
    if kinds_unknown(past.spells):
        return not_assessed("churn_causes", title, Text("no kind of leaving is recorded; needs the column churn_kind"))
    given = observed(past)
    table = sv.cumulative_incidence(given["durations"], kind, censored=STAYS, entry=given["entry"], confidence=past.confidence)
    table = table[(table["at_risk"] >= LEAST_AT_RISK) | (table["x"] == 0)].assign(group=lambda rows: rows["cause"])
    parts = [
        own.iloc[np.unique(np.linspace(0, len(own) - 1, min(len(own), MOST_DAYS_DRAWN)).round().astype(int))]
        for _, own in table.groupby("cause", sort=False)
    ]
    shown = curve(pd.concat(parts, ignore_index=True)[["group", "x", "value", "low", "high"]])
    shown.attrs["step"] = True
    return Result(
        "churn_causes",
        "curve",
        title,
        shown,
        columns=(Column("group", "Kind", translate=True),),
        finding=_kinds_finding(past, table),
        note=Text(
            "Cumulative incidence (Aalen–Johansen), n = {n}; at each time the curves add up to all who have left. One minus "
            "Kaplan–Meier of one kind would count customers who had already left otherwise.",
            {"n": Quantity(len(past.spells), "count")},
        ),
        alt=Text("Rising step curves, one per kind of leaving: share of customers who have left so, by days since they came."),
        x=Axis("Time since the first day", "days"),
        y=Axis("Share who have left", "share"),
    )


def _kinds_finding(past: Past, table: pd.DataFrame) -> Finding | None:
    asked = min(YEAR, float(table["x"].max()))
    at = sv.incidence_at(table, [asked]).set_index("cause")
    if "voluntary" not in at.index:
        return None
    own, forced = at.loc["voluntary"], at["value"].get("involuntary", 0.0)
    numbers = {
        "time": Quantity(asked, "days"),
        "own": Quantity(float(own["value"]), "share", float(own["low"]), float(own["high"])),
        "forced": Quantity(float(forced), "share"),
    }
    text = Text("Within {time}, {own} of the customers leave of their own will and {forced} because they have to.", numbers)
    if float(forced) < LEAST_SHOWN:
        text = Text("Within {time}, {own} of the customers leave, all of their own will.", numbers)
    return Finding(
        id="churn.kinds",
        severity="info",
        passed=None,
        text=text,
        evidence=("churn_causes",),
    )


def reasons(past: Past) -> Result:
    """Which reasons do those who leave give, the most frequent first?

    Returns
    -------
    Result
        Bars: share of the leavers per reason (simultaneous Wilson intervals); reasons of fewer than ``min_cell`` are joined,
        with the next where these are few together.
    """
    title = Text("Reasons of leaving, as given")
    if not past.usable:
        return unusable(past, "churn_reasons", title)
    if not past.contractual:
        return not_assessed("churn_reasons", title, NO_KIND)
    left = past.spells[past.spells["event_observed"]]
    given = left["churn_reason"].dropna().astype(str)
    if given.empty:
        return not_assessed("churn_reasons", title, Text("no reason is recorded; needs the column churn_reason"))
    counts = given.value_counts()
    order = sorted(counts.index, key=lambda name: (-counts[name], name))
    kept = [name for name in order if counts[name] >= past.min_cell][:MOST_REASONS]
    while kept and 0 < counts.drop(kept).sum() < past.min_cell:
        kept.pop()
    rest = int(counts.drop(kept).sum())
    labels, k = (
        [*kept, *([mark("all others")] if rest else [])],
        [*(int(counts[name]) for name in kept), *([rest] if rest else [])],
    )
    n = len(given)
    # the ranking is read as a whole, so the intervals hold together
    together = 1 - (1 - past.confidence) / max(1, len(labels))
    found = wilson(k, [n] * len(k), confidence=together)
    rows = [
        {
            "group": label,
            "measure": mark("Share"),
            "value": v,
            "low": lo,
            "high": hi,
            "n": n,
            "unit": "share",
            "method": mark("Wilson"),
        }
        for label, v, lo, hi in zip(labels, found.value, found.low, found.high, strict=True)
    ]
    return Result(
        "churn_reasons",
        "bars",
        title,
        estimates(rows),
        columns=(Column("group", "Reason", translate=True),),
        finding=_reasons_finding(labels, found.value, found.low, found.high, n, len(left)),
        note=Text(
            "n = {n} who left with a reason; Wilson intervals that hold together ({confidence}, Bonferroni).",
            {"n": Quantity(n, "count"), "confidence": Quantity(past.confidence, "share")},
        ),
        alt=Text("Bars, the longest first: share of those who left, by the reason they gave."),
        x=Axis("Reason", "text"),
        y=Axis("Share of those who left", "share"),
    )


def _reasons_finding(labels: list[str], value: np.ndarray, low: np.ndarray, high: np.ndarray, n: int, left: int) -> Finding:
    first = Quantity(float(value[0]), "share", float(low[0]), float(high[0]))
    numbers: dict[str, Quantity | Text | str] = {
        "first": labels[0],
        "share": first,
        "known": Quantity(n / left, "share"),
    }
    sure = len(labels) > 1 and float(low[0]) > float(high[1])
    text = (
        Text("The reason given most is “{first}”: {share} of those who left; {known} of them gave one.", numbers)
        if sure
        else Text(
            "The reason given most is “{first}” with {share}, but not clearly so; {known} of those who left gave one.", numbers
        )
    )
    return Finding(id="churn.reasons", severity="info", passed=None, text=text, evidence=("churn_reasons",))
