"""How should each tier be served, and what does serving it cost against what it brings?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.clv.read import Purchases, no_value
from crmkit.analyses.clv.values import Values
from crmkit.core.language import in_a_row, mark
from crmkit.core.privacy import suppress_small
from crmkit.core.results import Column, Finding, Numbers, Quantity, Result, Text, not_assessed
from crmkit.data.summaries.windows import costs_by_category, tickets_by_customer
from crmkit.models.basics.estimates import critical

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.data.client import Client

PERSONAL, STANDARD = mark("personal"), mark("standard")
SELF, LEANER = mark("self-service first"), mark("leaner than now")
LEVELS = Text(
    "Personal: a named contact who answers first and calls unasked. Standard: answers within the agreed time. Self-service "
    "first: help pages and automatic messages. Leaner: self-service first, because serving costs more than it brings."
)
ELSEWHERE = mark("no tier")
BY_TICKET = ("labour", "technology")
MISSING = {
    "tickets": Text("Not assessed: how often each tier asks for service; needs tickets."),
    "costs": Text("Not assessed: what serving costs; needs costs."),
    "both": Text("Not assessed: what serving each tier costs; needs tickets or costs."),
}


@dataclass(frozen=True)
class Effort:
    """What serving took in the last ``days``: tickets per customer, and money by ticket and by head; None where unknown."""

    days: int
    tickets: pd.DataFrame | None
    by_ticket: float | None
    by_head: float | None


def service(company: Client, past: Purchases, values: Values | None) -> Result:
    """Which level of service suits each tier, what does serving it cost, and what does it bring?

    Parameters
    ----------
    company : Client
        With a table ``tickets`` or ``costs``, or both; without them the level alone is suggested.
    past, values
        As computed for the page.

    Returns
    -------
    Result
        One row per tier, and one for tickets of customers in no tier: suggested level; tickets per customer in the last year
        with normal interval; cost of serving with the interval that follows from it; money brought in the same time (times
        the margin); cost as a share of it; share of the expected value.

    Notes
    -----
    Labour and technology are spread over tickets, marketing and material evenly over customers in tiers; without tickets all
    of it is. The tiers are those of the page, so the shares of the tiers and of those in none add up to the whole cost.
    """
    import pandas as pd

    title = Text("Service for each tier: what it costs and what it brings")
    if values is None or values.clv is None:
        return not_assessed("clv_service", title, no_value(past))
    effort = effort_of(company, past)
    table = values.customers[["customer_id", "clv", "tier"]].copy()
    brought = past.spend.recent.set_index("customer_id")["amount"]
    table["brought"] = values.terms.margin * brought.reindex(table["customer_id"]).fillna(0.0).to_numpy()
    if effort.tickets is not None:
        table["tickets"] = effort.tickets.set_index("customer_id")["tickets"].reindex(table["customer_id"]).fillna(0).to_numpy()
    rows = rows_of(table, effort, past, names=values.tiering.names)
    rows["level"] = levels_of(rows)
    if effort.tickets is not None:
        outside = effort.tickets[~effort.tickets["customer_id"].isin(table["customer_id"])]
        rows = pd.concat([rows, _outside(outside, rows, effort)], ignore_index=True)
    hidden = [name for name in rows.columns if name not in ("tier", "level", "n")]
    shown = suppress_small(rows, values=hidden, min_cell=past.min_cell)
    finding, note = _finding(rows, effort), _note(effort)
    return Result("clv_service", "table", title, shown, columns=_columns(effort), finding=finding, note=note)


def effort_of(company: Client, past: Purchases) -> Effort:
    """What did serving customers take in the last year?"""
    after = past.as_of - dt.timedelta(days=past.spend.recent_days)
    tickets = by_ticket = by_head = None
    if "tickets" in company.tables:
        tickets = tickets_by_customer(company.tables["tickets"], after=after, until=past.as_of)
    if "costs" in company.tables:
        amounts = costs_by_category(company.tables["costs"], after=after, until=past.as_of).set_index("category")["amount"]
        handled = float(amounts.reindex(BY_TICKET).sum()) if tickets is not None and len(tickets) else 0.0
        by_ticket, by_head = handled, float(amounts.sum()) - handled
    return Effort(past.spend.recent_days, tickets, by_ticket, by_head)


def rows_of(table: pd.DataFrame, effort: Effort, past: Purchases, *, names: Sequence[str]) -> pd.DataFrame:
    """What did serving each group cost, and what did it bring? A row per group, in the order of ``names``."""
    parts = table.groupby("tier")
    rows = parts.agg(n=("clv", "size"), value=("clv", "sum"), brought=("brought", "sum")).reindex(list(names))
    rows[["n", "value", "brought"]] = rows[["n", "value", "brought"]].fillna(0.0)
    if effort.tickets is not None:
        rows["tickets"] = parts["tickets"].sum().reindex(list(names)).fillna(0.0)
        rows["tickets_each"] = parts["tickets"].mean()
        reach = critical(past.confidence) * parts["tickets"].std(ddof=1) / rows["n"] ** 0.5
        rows["tickets_low"] = (rows["tickets_each"] - reach).clip(lower=0.0)
        rows["tickets_high"] = rows["tickets_each"] + reach
    if effort.by_head is not None and effort.by_ticket is not None:
        heads = effort.by_head * rows["n"] / rows["n"].sum()
        per_ticket = _per_ticket(effort)
        rows["cost"] = heads + (per_ticket * rows["tickets"] if effort.tickets is not None else 0.0)
        if effort.tickets is not None:
            rows["cost_low"] = heads + per_ticket * rows["n"] * rows["tickets_low"]
            rows["cost_high"] = heads + per_ticket * rows["n"] * rows["tickets_high"]
        rows["ratio"] = rows["cost"] / rows["brought"].where(rows["brought"] > 0)
        rows["share_cost"] = rows["cost"] / (effort.by_head + effort.by_ticket)
    for name, share in (("brought", "share_brought"), ("value", "share_value")):
        total = float(rows[name].sum())
        rows[share] = rows[name] / total if total > 0 else float("nan")
    return rows.rename_axis("tier").reset_index()


def _per_ticket(effort: Effort) -> float:
    total = 0.0 if effort.tickets is None else float(effort.tickets["tickets"].sum())
    return (effort.by_ticket or 0.0) / total if total else 0.0


def _outside(outside: pd.DataFrame, rows: pd.DataFrame, effort: Effort) -> pd.DataFrame:
    """Tickets of customers who are in no tier, because they have left or never bought."""
    import pandas as pd

    if outside.empty:
        return rows.head(0)
    tickets = float(outside["tickets"].sum())
    found: dict[str, object] = {"tier": ELSEWHERE, "n": float(len(outside)), "tickets": tickets}
    if "cost" in rows:
        cost = _per_ticket(effort) * tickets
        found |= {"cost": cost, "share_cost": cost / ((effort.by_head or 0.0) + (effort.by_ticket or 0.0))}
    return pd.DataFrame([found], columns=rows.columns)


def levels_of(rows: pd.DataFrame) -> list[str]:
    """Which level of service suits each group, the best first?"""
    last = len(rows) - 1
    levels = [PERSONAL if place == 0 < last else SELF if place == last > 0 else STANDARD for place in range(len(rows))]
    if "cost" in rows:
        dear = (rows["cost"] > rows["brought"]) & (rows["n"] > 0) & (np.arange(len(rows)) > 0)
        levels = [LEANER if one else level for one, level in zip(dear, levels, strict=True)]
    return levels


def _finding(rows: pd.DataFrame, effort: Effort) -> Finding | None:
    known = rows[rows["tier"] != ELSEWHERE]
    if "cost" not in known or not known["cost"].sum() > 0:
        return None
    dear = known[(known["cost"] > known["brought"]) & (known["n"] > 0)]
    first = known.iloc[0]
    numbers: Numbers = {
        "days": Quantity(effort.days, "days"),
        "tier": str(first["tier"]),
        "share": Quantity(float(first["share_cost"]), "share"),
        "brought": Quantity(float(first["share_brought"]), "share"),
        "tiers": in_a_row(dear["tier"].tolist()),
        "cost": Quantity(float(dear["cost"].sum()), "money"),
        "income": Quantity(float(dear["brought"].sum()), "money"),
    }
    if dear.empty:
        text = Text(
            "In the last {days} every tier brought more than serving it cost; tier {tier} took {share} of the cost and brought "
            "{brought} of the money.",
            numbers,
        )
        return Finding("clv.service", "good", True, text, criteria=CRITERIA, evidence=("clv_service",))
    text = Text("In the last {days} serving tier {tiers} cost {cost}, more than the {income} that it brought.", numbers)
    gap = float((dear["cost"] - dear["brought"]).sum())
    return Finding(
        "clv.service",
        "warning",
        False,
        text,
        criteria=CRITERIA,
        evidence=("clv_service",),
        money_at_stake=Quantity(gap, "money"),
        action=Text("Lead these customers to self-service first, and ask whether the prices of what they use are right."),
    )


CRITERIA = Text("No tier costs more to serve than it brings.")


def _note(effort: Effort) -> Text:
    numbers: Numbers = {"days": Quantity(effort.days, "days")}
    if effort.tickets is None and effort.by_head is None:
        return Text("{levels} {missing}", {"levels": LEVELS, "missing": MISSING["both"]})
    if effort.by_head is None:
        missing = {**numbers, "levels": LEVELS, "missing": MISSING["costs"]}
        return Text("{levels} Tickets of the last {days}; limits are normal intervals of the mean. {missing}", missing)
    if effort.tickets is None:
        missing = {**numbers, "levels": LEVELS, "missing": MISSING["tickets"]}
        return Text("{levels} Costs of the last {days}, spread evenly over customers. {missing}", missing)
    return Text(
        "{levels} Last {days}: costs of labour and technology spread over tickets, {each} each, the "
        "others evenly over customers in tiers. Money brought is revenue times margin. Limits follow from"
        " the mean number of tickets.",
        {**numbers, "levels": LEVELS, "each": Quantity(_per_ticket(effort), "money")},
    )


def _columns(effort: Effort) -> tuple[Column, ...]:
    both = effort.tickets is not None and effort.by_head is not None
    asked = (Column("tickets_each", "Tickets per customer", "score", limits=None if both else ("tickets_low", "tickets_high")),)
    paid = (
        Column("cost", "Cost of serving", "money", limits=("cost_low", "cost_high") if both else None),
        Column("ratio", "Cost per money brought", "share"),
    )
    return (
        Column("tier", "Tier", translate=True),
        Column("level", "Suggested service", translate=True),
        Column("n", "Customers", "count"),
        *(asked if effort.tickets is not None else ()),
        Column("brought", "Money brought", "money"),
        *(paid if effort.by_head is not None else ()),
    )
