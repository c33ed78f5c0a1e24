"""What are customers worth, how much is at risk, what of it can be won, at which cost, and what remains?

Every sum is read from a result table of the reports on value and on leaving. Sums that overlap are not added: a part of what is
at risk is within the value, and what can be won is a part of what is at risk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crmkit.core.errors import CrmkitError
from crmkit.core.language import mark
from crmkit.core.reading import Reading
from crmkit.core.results import Column, Finding, Quantity, Result, Text, estimates, not_assessed

TITLE = Text("From what customers are worth to what can be won")
NEEDED = ("clv", "churn")
CHOSEN = "Expected profit"
VALUE, LEAVING, CAMPAIGN = mark("value of customers"), mark("customers who leave"), mark("plan of the campaign")


@dataclass(frozen=True)
class Bridge:
    """The sums, in money.

    Parameters
    ----------
    expected, at_risk : Quantity
        What all customers are expected to bring, and what those would bring who are expected to leave; with limits.
    won, cost : float
        What the campaign is expected to win back, before its cost, and what it costs.
    contacts : int
        Customers who are contacted.
    """

    expected: Quantity
    at_risk: Quantity
    won: float
    cost: float
    contacts: int

    @property
    def net(self) -> float:
        """What the campaign is expected to bring after its cost."""
        return self.won - self.cost


def read_bridge(results: Mapping[str, Reading]) -> Bridge | Text:
    """The sums as the reports on value and on leaving have them, or why there are none.

    Parameters
    ----------
    results : mapping of analysis to Reading
        Those of ``clv`` and ``churn``.
    """
    for name in NEEDED:
        reading = results.get(name)
        if reading is None:
            return Text("needs the reports on the value of customers and on who leaves")
        if reading.reason is not None:
            return reading.reason
    value, leaving = (results[name] for name in NEEDED)
    if _margin(value) != _margin(leaving):
        return Text("the reports on value and on leaving count different margins; run both again")
    expected = _sum(value, "clv_totals", "clv")
    at_risk = _sum(leaving, "churn_totals", "at_risk")
    if expected is None or at_risk is None:
        return Text("the reports on value and on leaving hold no sums of money")
    rule = _row(leaving, "churn_rules", "rule", CHOSEN)
    profit, cost, contacts = (0.0, 0.0, 0) if rule is None else (rule["profit"], rule["cost"], rule["contacts"])
    return Bridge(expected, at_risk, float(profit + cost), float(cost), int(contacts))


def _margin(reading: Reading) -> Any:
    return (reading.report or {}).get("parameters", {}).get("margin", {}).get("value")


def _row(reading: Reading, table: str, column: str, word: str) -> Any:
    try:
        found = reading.table(table)
    except CrmkitError:  # the report made no such table
        return None
    rows = found[found[column] == word] if column in found else found.iloc[:0]
    return rows.iloc[0] if len(rows) else None


def _sum(reading: Reading, table: str, measure: str) -> Quantity | None:
    row = _row(reading, table, "measure", measure)
    return None if row is None else Quantity(float(row["value"]), "money", float(row["low"]), float(row["high"]))


def bridge(results: Mapping[str, Reading]) -> Result:
    """How much is at risk, what of it can be won, and what remains? A row for each step, from the top to the bottom.

    Parameters
    ----------
    results : mapping of analysis to Reading

    Returns
    -------
    Result
        Estimate table: ``group`` is the step, ``method`` the report that the sum is from.
    """
    found = read_bridge(results)
    if isinstance(found, Text):
        return not_assessed("audit_bridge", TITLE, found)
    risk, expected = found.at_risk, found.expected
    nothing: tuple[None, None] = (None, None)
    rows = [
        (mark("Value of all customers"), expected.value, expected.low, expected.high, VALUE),
        (mark("At risk"), risk.value, risk.low, risk.high, LEAVING),
        (mark("Can be won back"), found.won, *nothing, CAMPAIGN),
        (mark("Cost of the campaign"), -found.cost, *nothing, CAMPAIGN),
        (mark("Net gain"), found.net, *nothing, CAMPAIGN),
    ]
    names = ("group", "value", "low", "high", "method")
    table = estimates({**dict(zip(names, row, strict=True)), "measure": "money", "unit": "money"} for row in rows)
    # each sum as the sentence over it and the report that owns it have it
    table.attrs["alike"] = False
    columns = (
        Column("group", "Step", translate=True),
        Column("value", "Money", "money"),
        Column("interval", "Interval", "money"),
        Column("method", "From the report on", translate=True),
    )
    return Result("audit_bridge", "table", TITLE, table, columns=columns, finding=_finding(found), note=_note())


def _finding(found: Bridge) -> Finding:
    numbers = {
        "risk": Quantity(found.at_risk.value, "money"),
        "value": Quantity(found.expected.value, "money"),
        "n": Quantity(found.contacts, "count"),
        "cost": Quantity(found.cost, "money"),
        "net": Quantity(found.net, "money"),
    }
    text = (
        Text(
            "Customers are worth {value}; {risk} is at risk. Contacting {n} {n:customer|customers} costs {cost} and leaves a "
            "gain of {net}.",
            numbers,
        )
        if found.contacts
        else Text("Customers are worth {value}; {risk} is at risk. No contact would bring more than it costs.", numbers)
    )
    return Finding("audit.bridge", "info", None, text, evidence=("audit_bridge",))


def _note() -> Text:
    return Text(
        "At risk is what those would bring who are expected to leave or to stay away. A part of it is within the value above, "
        "so the two are neither added nor subtracted. What can be won back, and other sums at stake on these pages, are parts "
        "of it."
    )
