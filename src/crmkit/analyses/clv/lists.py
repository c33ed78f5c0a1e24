"""Whom to protect, whom to wake, whom to grow? Lists of customers with the reason and the money.

Nobody stands in two of these. Who waits for a call after a low answer is in none; who has lapsed, or has probably left, is to
be woken or in none. Of the others the most valuable are to be protected, and the rest may grow. Each list holds everybody it is
about, by the money that stands first in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.clv.read import Purchases, no_value
from crmkit.analyses.clv.stages import StageRules, staged
from crmkit.analyses.clv.values import Values, awake, lacking
from crmkit.core.language import mark
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.data.summaries.waiting import CALLS, left_to

if TYPE_CHECKING:
    import pandas as pd

TOP = 0.2
FADING_BELOW = 0.8
REASONS = {
    "protect": mark("among the most valuable, and silent for longer than usual"),
    "protect_sure": mark("among the most valuable"),
    "wake": mark("spent much, and has probably left"),
    "silent": mark("spent much, and is silent for long against the own rhythm"),
    "second": mark("bought once, spends above average, has probably not left"),
    "more": mark("active, buys rarely, spends above average"),
}

PROTECTED = Text("Those who are silent for longer than usual come first, then the largest expected value.")
BY_MONEY = Text("The largest sum in the second column comes first.")
WAKE = Text("Write to them with a reason to come back; leave a random part without it, to see what it brings.")
GROW = Text("Offer what suits their last purchase; leave a random part without it, to see what it brings.")


def protect(past: Purchases, values: Values | None, *, rules: StageRules, calls: frozenset[str] = frozenset()) -> Result:
    """Which of the most valuable customers should be looked after, those first who have begun to be silent?

    Parameters
    ----------
    past : Purchases
    values : Values or None
    rules : StageRules
    calls : frozenset of str
        Customers who wait for a call, and are left out.

    Returns
    -------
    Result
        The fifth of customers worth most, without those who have lapsed or probably left: those whose probability to be active
        has fallen below 80 % come first; the money is the expected value.
    """
    title = Text("To protect: the most valuable customers, the doubtful ones first")
    if values is None or values.clv is None or values.under_contract:
        return not_assessed("clv_protect", title, lacking(values) or no_value(past))
    table = values.customers
    best, note = _left(table[(table["clv"] >= _threshold(table["clv"])) & ~_asleep(table, rules)], calls, PROTECTED)
    fading = awake(table)[table.index.get_indexer(best.index)] < FADING_BELOW
    best["reason"] = np.where(fading, REASONS["protect"], REASONS["protect_sure"])
    best["money"] = best["clv"]
    ranked = best.assign(fading=fading).sort_values(["fading", "money", "customer_id"], ascending=[False, False, True])
    text = Text(
        "{n} of the {all} most valuable active customers {n:has|have} been silent for longer than usual; {money} of expected "
        "value depends on them.",
        {
            "n": Quantity(int(fading.sum()), "count"),
            "all": Quantity(len(best), "count"),
            "money": Quantity(float(best.loc[fading, "money"].sum()), "money"),
        },
    )
    if not fading.any():
        text = Text(
            "None of the {n} most valuable customers is silent for longer than usual.", {"n": Quantity(len(best), "count")}
        )
    action = Text("Call them before they leave, those at the top of the list first.") if fading.any() else None
    return _list("clv_protect", title, ranked, text, Column("money", "Expected value", "money"), action, note)


def wake(past: Purchases, values: Values | None, *, rules: StageRules, calls: frozenset[str] = frozenset()) -> Result:
    """Which customers who used to spend much are asleep, and what would they be worth awake?

    Returns
    -------
    Result
        Of the fifth of customers who spent most, those at risk or lapsed; the money is what the same history would be worth
        if the customer were certainly active, less what is expected now.
    """
    title = Text("To wake: customers who spent much and have fallen silent")
    if values is None or values.clv is None or values.under_contract:
        return not_assessed("clv_wake", title, lacking(values) or no_value(past))
    table = values.customers
    asleep = table[(table["total"] >= _threshold(table["total"])) & _asleep(table, rules) & (table["clv"] > 0)]
    asleep, note = _left(asleep, calls, BY_MONEY)
    asleep["reason"] = REASONS["wake"]
    asleep["money"] = asleep["clv"] * (1 / asleep["p_alive"].clip(lower=1e-9) - 1)
    if values.all_stay:  # what is expected of them hangs on their coming back
        asleep["reason"] = REASONS["silent"]
        asleep["money"] = asleep["clv"]
    ranked = asleep.sort_values(["money", "customer_id"], ascending=[False, True])
    numbers = {"n": Quantity(len(asleep), "count"), "money": Quantity(float(asleep["money"].sum()), "money")}
    if values.all_stay:
        text = Text(
            "{n} {n:customer who spent much has|customers who spent much have} been silent for long against their own rhythm; "
            "{money} of expected value depend on them.",
            numbers,
        )
        return _list("clv_wake", title, ranked, text, Column("money", "Expected value", "money"), WAKE, note)
    text = Text(
        "{n} {n:customer who spent much has|customers who spent much have} probably left; winning all of "
        "them back would add {money} of value.",
        numbers,
    )
    return _list("clv_wake", title, ranked, text, Column("money", "Worth more if they had not left", "money"), WAKE, note)


def grow(past: Purchases, values: Values | None, *, rules: StageRules, calls: frozenset[str] = frozenset()) -> Result:
    """Which active customers buy rarely though they spend much when they do?

    Returns
    -------
    Result
        Probably active and not among the most valuable, at most two purchase days, spend per purchase above the mean of all;
        the money is what one further purchase brings.
    """
    title = Text("To grow: active customers who buy rarely and spend much")
    if values is None or values.clv is None or values.under_contract:
        return not_assessed("clv_grow", title, lacking(values) or no_value(past))
    table = values.customers
    per_day = table["total"] / table["purchase_days"]
    rest = ~_asleep(table, rules) & (table["clv"] < _threshold(table["clv"]))
    rare, note = _left(table[rest & (table["purchase_days"] <= 2) & (per_day > per_day.mean())], calls, BY_MONEY)
    rare["reason"] = np.where(rare["purchase_days"] == 1, REASONS["second"], REASONS["more"])
    rare["money"] = values.terms.margin * rare["expected_spend"]
    ranked = rare.sort_values(["money", "customer_id"], ascending=[False, True])
    text = Text(
        "{n} {n:customer buys|customers buy} rarely but {n:spends|spend} above average, and {n:has|have} "
        "probably not left; one more order from each would bring {money}.",
        {"n": Quantity(len(rare), "count"), "money": Quantity(float(rare["money"].sum()), "money")},
    )
    return _list("clv_grow", title, ranked, text, Column("money", "One further purchase", "money"), GROW, note)


def _left(rows: pd.DataFrame, calls: frozenset[str], order: Text) -> tuple[pd.DataFrame, Text]:
    """Who of a list is in none before it, and how the list is sorted and whom it leaves out."""
    called = rows["customer_id"].astype(str).isin(calls)
    said = left_to({CALLS: int(called.sum())})
    note = Text("{order} {others}", {"order": order, "others": said}) if said else order
    return rows[~called].copy(), note


def _asleep(table: pd.DataFrame, rules: StageRules) -> np.ndarray:
    """Who has lapsed, or has probably left."""
    silent = table["days_since_last"].to_numpy(dtype="float64") > rules.active_days
    return np.asarray(silent | (awake(table) < rules.at_risk_below))


def scores(past: Purchases, values: Values | None, *, rules: StageRules) -> Result:
    """What is known of every customer: the file that other systems read, and a workbook; not shown on the page.

    Returns
    -------
    Result
        ``clv_scores``, with the tier and the stage of each customer, those worth most first; of customers under contract
        ``clv_contract_scores``, where purchases are months and spend is the price, and which has no stages.
    """
    title = Text("Scores of all customers")
    if values is None:
        return not_assessed("clv_scores", title, lacking(values) or no_value(past))
    wanted = ["customer_id", "frequency", "recency_days", "T_days", "p_alive", "expected_purchases", "expected_spend", "clv"]
    table = values.customers[[*wanted, "tier"]]
    if not values.under_contract:
        stage = staged(past, values, rules=rules).set_index("customer_id")["stage"]
        table = table.assign(stage=stage.reindex(table["customer_id"]).to_numpy())
    by = "expected_purchases" if values.clv is None else "clv"
    table = table.sort_values([by, "customer_id"], ascending=[False, True], kind="stable").reset_index(drop=True)
    name = "clv_contract_scores" if values.under_contract else "clv_scores"
    return Result(name, "table", title, table, columns=_score_columns(values), customers=True)


def _score_columns(values: Values) -> tuple[Column, ...]:
    """What the workbook of all scores holds."""
    bound = values.under_contract
    return (
        Column("customer_id", "Customer", "customer"),
        *(() if values.clv is None else (Column("clv", "Expected value", "money"),)),
        Column("tier", "Tier"),
        *(() if bound else (Column("stage", "Stage", translate=True),)),
        Column("p_alive", "Probability not to have left", "share"),
        Column("expected_purchases", "Expected months paid" if bound else "Expected purchases", "score"),
        Column("expected_spend", "Price per month" if bound else "Expected per purchase", "money"),
        Column("frequency", "Months so far" if bound else "Repeat purchases so far", "count"),
        Column("recency_days", "Days from the first to the last purchase", "days"),
        Column("T_days", "Days since the first purchase", "days"),
    )


def _threshold(amounts: pd.Series[float]) -> float:
    """Amount from which a customer is among the top fifth."""
    return float(np.quantile(amounts.to_numpy(), 1 - TOP))


def _list(name: str, title: Text, ranked: pd.DataFrame, text: Text, money: Column, action: Text | None, note: Text) -> Result:
    wanted = ["customer_id", "money", "reason", "p_alive", "purchase_days", "days_since_last", "total"]
    columns = (
        Column("customer_id", "Customer", "customer"),
        money,
        Column("reason", "Reason", translate=True),
        Column("p_alive", "Probability not to have left", "share"),
        Column("purchase_days", "Purchase days so far", "count"),
        Column("days_since_last", "Days since last purchase", "count"),
        Column("total", "Spent so far", "money"),
    )
    action = action if len(ranked) else None
    finding = Finding(name.replace("_", ".", 1), "info", None, text, evidence=(name,), action=action)
    table = ranked[wanted].reset_index(drop=True)
    return Result(name, "table", title, table, columns=columns, finding=finding, note=note, customers=True)
