"""What does each customer leave after the cost of goods, and does the money of those who were there a year ago grow?"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.clv.read import Purchases
from crmkit.analyses.clv.values import Values
from crmkit.core.language import mark
from crmkit.core.privacy import suppress_small
from crmkit.core.results import Column, Finding, Numbers, Quantity, Result, Text, not_assessed
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.money import goods_by_customer
from crmkit.models.basics.concentration import top_share
from crmkit.models.basics.estimates import critical
from crmkit.models.basics.ratios import ratio_of_sums

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.data.client import Client

TOP = 0.2
LEAST_TOLD = 0.5
ALL = mark("all customers")
NO_GOODS = Text("needs transactions with the cost of what was sold (cost)")
YEAR_DAYS = 365


def contribution(company: Client, past: Purchases, values: Values | None) -> Result:
    """What did customers leave after the cost of goods, by tier?

    Parameters
    ----------
    company : Client
        With a table ``transactions`` that has a column ``cost``.
    past : Purchases
    values : Values or None

    Returns
    -------
    Result
        A row per tier and one for all: customers who bought in the last year, what they paid, cost of goods, what is left, its
        share of what was paid with an interval over customers, what is left per customer with an interval, customers of whom
        less than nothing is left.
    """
    import pandas as pd

    name, title = "clv_contribution", Text("What customers leave after the cost of goods")
    if "transactions" not in company.tables or past.contracts is not None:
        return not_assessed(name, title, NO_GOODS)
    if "cost" not in company.tables["transactions"].columns or not past.spend.known:
        return not_assessed(name, title, NO_GOODS)
    after = past.as_of - dt.timedelta(days=past.spend.recent_days)
    rows = goods_by_customer(company.tables["transactions"], after=after, until=past.as_of)
    paid, whole = float(rows["paid"].sum()), float(rows["paid"].sum() + rows["without"].sum())
    if not paid > LEAST_TOLD * whole or len(rows) < 2:
        return not_assessed(name, title, Text("the cost of what was sold is known of less than half of the sales"))
    rows = rows[(rows["paid"] != 0) | (rows["cost"] != 0)].reset_index(drop=True)
    rows["left"] = rows["paid"] - rows["cost"]
    known = None if values is None else values.customers.set_index("customer_id")["tier"]
    rows["tier"] = ALL if known is None else known.reindex(rows["customer_id"]).fillna(ALL).to_numpy()
    tiers = [] if known is None or values is None else [one for one in values.tiering.names if (rows["tier"] == one).any()]
    listed = [_left(tier, rows[rows["tier"] == tier], past.confidence) for tier in tiers]
    listed.append(_left(ALL, rows, past.confidence))
    table = pd.DataFrame(listed)
    table["share"] = table["left"] / table["left"].iloc[-1]
    table["whole"] = table["group"] == ALL
    hidden = ["paid", "cost", "left", "value", "low", "high", "each", "each_low", "each_high", "losses", "share"]
    shown = suppress_small(table, values=hidden, min_cell=past.min_cell, within="whole").drop(columns="whole")
    return Result(
        name,
        "table",
        title,
        shown,
        columns=_left_columns(),
        finding=_left_finding(past, rows, listed[-1], values),
        note=Text(
            "Purchases of the last {days} whose cost of goods is known, {told} of sales; returns do not count. Intervals are "
            "normal over customers, of the share by the ratio of sums.",
            {"days": Quantity(past.spend.recent_days, "days"), "told": Quantity(paid / whole, "share")},
        ),
    )


def _left(group: str, own: pd.DataFrame, confidence: float) -> dict[str, Any]:
    n, nan = len(own), float("nan")
    share = ratio_of_sums(own["left"], own["paid"], confidence=confidence) if own["paid"].sum() else None
    each = float(own["left"].mean()) if n else nan
    reach = critical(confidence) * float(own["left"].std(ddof=1)) / n**0.5 if n > 1 else nan
    return {
        "group": group,
        "n": float(n),
        "paid": float(own["paid"].sum()),
        "cost": float(own["cost"].sum()),
        "left": float(own["left"].sum()),
        "value": nan if share is None else share.value,
        "low": nan if share is None else share.low,
        "high": nan if share is None else share.high,
        "each": each,
        "each_low": each - reach,
        "each_high": each + reach,
        "losses": float((own["left"] < 0).sum()),
    }


def _left_columns() -> tuple[Column, ...]:
    return (
        Column("group", "Tier", translate=True),
        Column("n", "Customers who bought", "count"),
        Column("paid", "Paid", "money"),
        Column("left", "Left", "money"),
        Column("value", "Share left", "share", limits=("low", "high")),
        Column("each", "Left per customer", "money", limits=("each_low", "each_high")),
        Column("losses", "Of whom nothing is left", "count"),
    )


def _left_finding(past: Purchases, rows: pd.DataFrame, whole: dict[str, Any], values: Values | None) -> Finding:
    agreed = 1.0 if values is None else values.terms.margin
    numbers: Numbers = {
        "left": Quantity(whole["left"], "money"),
        "share": Quantity(whole["value"], "share", whole["low"], whole["high"]),
        "days": Quantity(past.spend.recent_days, "days"),
        "top": Quantity(TOP, "share"),
        "held": Quantity(_held(rows, past.confidence), "share"),
        "agreed": Quantity(agreed, "share"),
    }
    if agreed < 1 and not whole["low"] <= agreed <= whole["high"]:
        text = Text(
            "Purchases of the last {days} left {share} after the cost of goods; the agreed margin is {agreed}.", numbers
        )
        action = Text("Ask what else the agreed margin holds, and set it to what is left.")
        return Finding("clv.contribution", "info", None, text, evidence=("clv_contribution",), action=action)
    text = Text(
        "In the last {days} customers left {left} after the cost of goods, {share} of what they paid; the best {top} left "
        "{held} of it.",
        numbers,
    )
    return Finding("clv.contribution", "info", None, text, evidence=("clv_contribution",))


def _held(rows: pd.DataFrame, confidence: float) -> float | None:
    left = rows["left"].clip(lower=0.0).to_numpy(dtype="float64")
    return top_share(left, top=TOP, confidence=confidence).value if left.sum() > 0 else None


START, END = mark("Revenue a year before"), mark("Revenue of the same customers now")
GONE, LESS, MORE = mark("Customers who are gone"), mark("Customers who pay less"), mark("Customers who pay more")


def net_retention(company: Client, past: Purchases) -> Result:
    """Of each euro that customers paid a year before, how much do the same customers pay today?

    Parameters
    ----------
    company : Client
        Contracts decide where there are any with a price; else what was bought in two periods.
    past : Purchases

    Returns
    -------
    Result
        A row for each step from the revenue of then to that of now: customers, money, its share of the beginning with an
        interval over customers. The last row is the net revenue retention; newcomers do not count.

    Notes
    -----
    With contracts the prices per month of the day a year before and of the last day are compared. Without them it is what each
    customer bought in the last period and in the one before; who came late in the earlier one had less time to buy in it.
    """
    import pandas as pd

    name, title = "clv_net_retention", Text("Does the revenue of last year's customers grow?")
    pair, what = _pair(company, past)
    pair = pair[pair["then"] > 0].reset_index(drop=True)
    if len(pair) < max(2, past.min_cell):
        return not_assessed(name, title, Text("too few customers paid anything a year before; there is no revenue to be kept"))
    then, now = pair["then"].to_numpy(), pair["now"].to_numpy()
    moved = now - then
    gone, less, more = now == 0, (moved < 0) & (now > 0), moved > 0
    steps = [
        (START, then, np.ones(len(then), dtype=bool)),
        (GONE, np.where(gone, moved, 0.0), gone),
        (LESS, np.where(less, moved, 0.0), less),
        (MORE, np.where(more, moved, 0.0), more),
        (END, now, ~gone),
    ]
    listed: list[dict[str, Any]] = []
    for step, money, who in steps:
        found = ratio_of_sums(money, then, confidence=past.confidence)
        sure = step != START
        low, high = (found.low, found.high) if sure else (float("nan"), float("nan"))
        listed.append(
            {"group": step, "n": float(who.sum()), "money": float(money.sum()), "value": found.value, "low": low, "high": high}
        )
    table = pd.DataFrame(listed)
    small = table["n"].between(1, past.min_cell - 1)
    if small.any():
        table["suppressed"] = table["group"].isin([GONE, LESS, MORE])
        table.loc[table["suppressed"], ["n", "money", "value", "low", "high"]] = float("nan")
    end = listed[-1]
    numbers: Numbers = {
        "share": Quantity(end["value"], "share", end["low"], end["high"]),
        "then": Quantity(listed[0]["money"], "money"),
        "now": Quantity(end["money"], "money"),
        "lost": Quantity(-(listed[1]["value"] + listed[2]["value"]), "share"),
        "gained": Quantity(listed[3]["value"], "share"),
    }
    text = Text("Last year's customers pay {share} of what they paid: {lost} was lost, {gained} gained.", numbers)
    finding = Finding("clv.net_retention", "info", None, text, evidence=("clv_net_retention",))
    columns = (
        Column("group", "Step", translate=True),
        Column("n", "Customers", "count"),
        Column("money", "Revenue", "money"),
        Column("value", "Of the beginning", "share", limits=("low", "high")),
    )
    return Result(name, "table", title, table, columns=columns, finding=finding, note=_kept_note(past, what))


def _pair(company: Client, past: Purchases) -> tuple[pd.DataFrame, str]:
    """What each customer paid then and pays now, and by what it is told: ``customer_id, then, now``."""
    import pandas as pd

    if past.contracts is not None and "mrr" in company.tables["subscriptions"].columns:
        ends = (past.as_of - dt.timedelta(days=YEAR_DAYS), past.as_of)
        prices = [_prices(company, day) for day in ends]
        pair = pd.concat(prices, axis=1, keys=["then", "now"]).fillna(0.0)
        return pair.rename_axis("customer_id").reset_index(), "price"
    windows = past.spend.windows
    if "amount_1" not in windows or not past.spend.known:
        return pd.DataFrame({"customer_id": [], "then": [], "now": []}), "spend"
    return windows.rename(columns={"amount_0": "then", "amount_1": "now"})[["customer_id", "then", "now"]], "spend"


def _prices(company: Client, day: dt.date) -> pd.Series[float]:
    """Price per month of each customer under contract on a day."""
    import ibis

    rows = company.tables["subscriptions"]
    on = ibis.literal(day)
    running = rows.filter((rows.started_at.cast("date") <= on) & rows.mrr.notnull())
    if "ended_at" in rows.columns:
        running = running.filter(running.ended_at.isnull() | (running.ended_at.cast("date") >= on))
    sums = running.group_by("customer_id").agg(price=running.mrr.sum().cast("float64")).order_by("customer_id")
    return to_frame(sums).set_index("customer_id")["price"]


def _kept_note(past: Purchases, what: str) -> Text:
    numbers: Numbers = {"days": Quantity(past.spend.growth_days, "days"), "year": Quantity(YEAR_DAYS, "days")}
    if what == "price":
        return Text(
            "Prices per month of those under contract {year} before the last day, then and on the last day; newcomers do not "
            "count. Intervals by the ratio of sums over customers.",
            numbers,
        )
    return Text(
        "Purchases of the last {days} by those who had bought in the {days} before; newcomers do not count, and who came "
        "late in the earlier period had less time in it. Intervals by the ratio of sums over customers.",
        numbers,
    )
