"""How do tickets end: at the first contact, reopened, reported back, rated? And how often do customers complain?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.service.read import Service, no_tickets, period
from crmkit.core.language import mark
from crmkit.core.results import Column, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.audit.tickets import ticket_counts
from crmkit.models.basics.estimates import critical
from crmkit.models.basics.ratios import ratio_of_sums
from crmkit.models.basics.shares import wilson

if TYPE_CHECKING:
    import pandas as pd

COMPLAINT = "complaint"
CLUSTERED = mark("Wilson, effective n by customer")
LINEAR = mark("ratio of sums over customers")
MEAN = mark("mean over tickets, t interval")
THOUSAND, LOW_RATES = 1000.0, 0.3
# what is counted, of what, in which words
PAIRS = {
    "at_once": ("at_once_of", mark("Solved at the first contact")),
    "reopened": ("reopened_of", mark("Reopened")),
    "acknowledged": ("acknowledged_of", mark("Complaints answered in time")),
    "noticed": ("noticed_of", mark("Outcome reported back to the customer")),
}
COLUMNS = (
    Column("group", "Measure", translate=True),
    Column("value", "Value", "number"),
    Column("interval", "Interval", "number"),
    Column("n", "n", "count"),
)


def outcomes(past: Service) -> Result:
    """How do tickets end?

    Returns
    -------
    Result
        Estimate table: share solved at the first contact, reopened, escalated, complaints answered within ``ack_hours``,
        outcome reported back within a week, complaints on 1,000 orders, the rating of tickets and how many have one.
    """
    name, title = "service_outcomes", Text("How do tickets end?")
    missing = no_tickets(past)
    if missing is not None:
        return not_assessed(name, title, missing)
    counted = ticket_counts(
        past.tables["tickets"],
        as_of=past.as_of,
        starts=past.starts,
        sla_hours=past.rules.target["response"],
        ack_hours=past.rules.ack_hours,
    )
    each = counted.groupby("customer_id").sum()
    rows = [_share(past, each, top, *PAIRS[top]) for top in PAIRS if top in each and each[PAIRS[top][0]].sum() > 0]
    rows += _escalated(past)
    rows += _complaints(past, each)
    rows += _ratings(past)
    if not rows:
        return not_assessed(name, title, Text("no column says how tickets end"))
    table = estimates(rows)
    table.attrs["confidence"] = past.rules.confidence
    note = Text(
        "Tickets opened from {first} to {last}. A ticket counts once the time that it may take is over. Solved at the first "
        "contact: neither handed on nor reopened. Complaints ought to be answered within {ack}.",
        {**period(past), "ack": Quantity(past.rules.ack_hours, "hours")},
    )
    return Result(name, "table", title, table, COLUMNS, finding=_finding(table), note=note)


def _share(past: Service, each: pd.DataFrame, top: str, of: str, group: str) -> dict[str, Any]:
    """A share of tickets whose interval allows for customers with several."""
    hits, n = each[top].to_numpy(dtype="float64"), each[of].to_numpy(dtype="float64")
    whole = float(n.sum())
    value = float(hits.sum() / whole)
    found = ratio_of_sums(hits, n, confidence=past.rules.confidence)
    error = (found.high - found.low) / 2 / critical(past.rules.confidence)
    effective = min(whole, value * (1 - value) / error**2) if error > 0 else whole
    ends = wilson(value * effective, effective, confidence=past.rules.confidence)
    row = {"group": group, "measure": top, "value": value, "low": float(ends.low[0]), "high": float(ends.high[0])}
    return {**row, "n": whole, "unit": "share", "method": CLUSTERED}


def _escalated(past: Service) -> list[dict[str, Any]]:
    if "escalated" not in past.tickets or past.tickets["escalated"].notna().sum() == 0:
        return []
    known = past.tickets[past.tickets["escalated"].notna()]
    each = known.assign(escalated=known["escalated"].astype(bool).astype(float), of=1.0)
    each = each.groupby("customer_id")[["escalated", "of"]].sum()
    return [_share(past, each, "escalated", "of", mark("Escalated"))]


def _complaints(past: Service, each: pd.DataFrame) -> list[dict[str, Any]]:
    if "kind" not in past.tickets or "transactions" not in past.tables:
        return []
    orders = past.tables["transactions"]
    orders = orders.filter(orders.ordered_at.cast("date") >= past.since)
    if "is_return" in orders.columns:
        orders = orders.filter(~orders.is_return.fill_null(False))
    # as the audit counts them: every row that is no return
    counted = to_frame(orders.group_by("customer_id").agg(orders=orders.count()).order_by("customer_id")).set_index(
        "customer_id"
    )
    both = each[["complaints"]].join(counted, how="outer").fillna(0.0)
    if both["orders"].sum() == 0:
        return []
    found = ratio_of_sums(both["complaints"], both["orders"], confidence=past.rules.confidence)
    value, low, high = (THOUSAND * one for one in (found.value, max(found.low, 0.0), found.high))
    row = {"group": mark("Complaints on 1,000 orders"), "measure": "complaints", "value": value, "low": low, "high": high}
    return [{**row, "n": float(both["orders"].sum()), "unit": "score", "method": LINEAR}]


def _ratings(past: Service) -> list[dict[str, Any]]:
    """The mean rating of tickets, that of complaints, and the share of tickets that has one."""
    if "csat" not in past.tickets or past.tickets["csat"].notna().sum() < past.rules.min_cell:
        return []
    rated = past.tickets["csat"].notna()
    ended = past.tickets["resolution_seen"] if "resolution_seen" in past.tickets else rated | True
    rows = [_mean(past, past.tickets["csat"][rated], mark("Rating of the ticket"), "csat")]
    if not ended.any():
        return rows
    each = past.tickets[ended].assign(rated=rated[ended].astype(float), of=1.0)
    each = each.groupby("customer_id")[["rated", "of"]].sum()
    if "kind" in past.tickets:
        own = past.tickets["csat"][rated & (past.tickets["kind"] == COMPLAINT)]
        if len(own) >= past.rules.min_cell:
            rows.append(_mean(past, own, mark("Rating of complaints"), "csat_complaints"))
    return [*rows, _share(past, each, "rated", "of", mark("Solved tickets with a rating"))]


def _mean(past: Service, values: pd.Series[float], group: str, measure: str) -> dict[str, Any]:
    from scipy.stats import t

    x = values.to_numpy(dtype="float64")
    reach = float(t.ppf(0.5 + past.rules.confidence / 2, len(x) - 1)) * float(x.std(ddof=1)) / np.sqrt(len(x))
    mean = float(x.mean())
    row = {"group": group, "measure": measure, "value": mean, "low": mean - reach, "high": mean + reach}
    return {**row, "n": len(x), "unit": "score", "method": MEAN}


def _finding(table: pd.DataFrame) -> Finding:
    evidence = ("service_outcomes",)
    rated = table[table["measure"] == "rated"]
    if len(rated) and rated["high"].iloc[0] < LOW_RATES:
        numbers = {"share": Quantity(rated["value"].iloc[0], "share")}
        text = Text("Only {share} of solved tickets have a rating, so ratings say little of the rest.", numbers)
        action = Text("Ask after every ticket, with one question.")
        return Finding("service.outcomes", "info", None, text, evidence=evidence, action=action)
    row = table.iloc[0]
    said: dict[str, Quantity | Text | str] = {
        "what": Text(str(row["group"])),
        "value": Quantity(row["value"], row["unit"], row["low"], row["high"]),
    }
    return Finding("service.outcomes", "info", None, Text("{what}: {value}.", said), evidence=evidence)
