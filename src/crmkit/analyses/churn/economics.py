"""Whom is it worth to contact, what does it bring, and how will it be known whether it worked?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.churn.read import Past
from crmkit.analyses.churn.worth import Worth
from crmkit.core.errors import CrmkitError, ParamError, Problem
from crmkit.core.language import mark
from crmkit.core.privacy import pseudonyms
from crmkit.core.reading import Reading
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, curve, estimates, not_assessed
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.waiting import CALLS, LOOP_DAYS, ORDER, overlap, waiting
from crmkit.models import survival as sv
from crmkit.models.basics.budget import Choice, choose
from crmkit.models.survival import Campaign

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.data.client import Client

TREATED, CONTROL = mark("treated"), mark("control")
POWER = 0.8
SAVE_RANGE = (6.0, 14.0)
AROUND = (0.5, 1.5)
SPREAD = (0.05, 0.95)
NO_VALUE = Text("there is no value per customer; needs prices, transactions, or the value report")
ASSUMPTIONS = {
    "save_rate": mark("Save rate"),
    "offer_cost": mark("Cost of the offer"),
    "contact_cost": mark("Cost of a contact"),
    "uptake": mark("Stayers who take the offer"),
    "value": mark("Value of the customers"),
    "probability": mark("Risk of the customers"),
}


@dataclass(frozen=True, eq=False)
class Plan:
    """Whom to contact, and whom to leave alone for comparison.

    Parameters
    ----------
    campaign : Campaign
    name : str
        Of the campaign; with the key it decides the arms.
    rows : DataFrame or None
        Customers who may be contacted: ``customer_id, probability, value, profit, outlay, chosen, arm``.
    choice : Choice or None
    contacts : int
    budget : float
        Money; 0 = no limit.
    holdout_share : float
    reason : Text or None
        Why there is no plan.
    others : mapping of str to int
        Lists that come before the campaign: how many each takes of those whom a contact would pay for.
    """

    campaign: Campaign
    name: str
    rows: pd.DataFrame | None
    choice: Choice | None
    contacts: int
    budget: float
    holdout_share: float
    reason: Text | None = None
    others: Mapping[str, int] = field(default_factory=dict)


def make_plan(
    past: Past,
    value: Worth,
    campaign: Campaign,
    *,
    contacts: int,
    budget: float = 0.0,
    holdout_share: float = 0.2,
    taken: Mapping[str, frozenset[str]] | None = None,
    key: bytes,
) -> Plan:
    """Whom to contact within the budget, and which of them to leave alone to measure the effect.

    Parameters
    ----------
    past : Past
    value : Worth
    campaign : Campaign
        Save rate, cost of offer and contact, share of stayers who take the offer.
    contacts : int
        Most contacts, those left alone included.
    budget : float
        Most money; 0 = no limit.
    holdout_share : float
        Share [0, 1) of the chosen who are left alone.
    taken : mapping of str to frozenset of str
        The other lists, and who stands in them, as made by :func:`taken`: who waits for a call is left out, the rest are
        marked.
    key : bytes
        The client's secret.

    Returns
    -------
    Plan
        Of customers whose risk and value are known and who may be contacted.

    Raises
    ------
    ParamError
        When a number is out of range.
    """
    import pandas as pd

    faults = []
    if contacts < 1:
        faults.append(Problem("contacts:", f"is {contacts}", "at least 1 is needed"))
    if budget < 0:
        faults.append(Problem("budget:", f"is {budget}", "0 (no limit) or more money is needed"))
    if not 0 <= holdout_share < 1:
        faults.append(Problem("holdout_share:", f"is {holdout_share}", "a share from 0 to below 1 is needed"))
    if faults:
        raise ParamError(faults)
    name = f"churn-{past.as_of.isoformat()}"

    def none(reason: Text) -> Plan:
        return Plan(campaign, name, None, None, contacts, budget, holdout_share, reason)

    if value.customers is None:
        return none(Text("{reason}", {"reason": value.reason}))
    if not value.source:
        return none(NO_VALUE)
    rows = value.customers
    able = rows["probability"].notna() & rows["value_if_kept"].notna()
    able &= ~no_contact(past, rows)
    own = rows.loc[able, ["customer_id", "probability"]].assign(value=rows.loc[able, "value_if_kept"])
    own = own.sort_values("customer_id", kind="stable").reset_index(drop=True)
    lists = dict(taken or {})
    calls = lists.pop(CALLS, frozenset())
    known = pd.Series(pseudonyms(own["customer_id"].astype(str), key=key), dtype="object")
    pays = sv.contact_profit(own["probability"], own["value"], campaign) > 0
    others = overlap(known[pays], {CALLS: calls})
    own, known = own[~known.isin(calls)].reset_index(drop=True), known[~known.isin(calls)]
    also = [next((name for name in lists if one in lists[name]), "") for one in known]
    profit = sv.contact_profit(own["probability"], own["value"], campaign)
    outlay = sv.contact_outlay(own["probability"], campaign)
    choice = choose(profit, outlay, count=contacts, budget=budget or None)
    arm = np.full(len(own), "", dtype=object)
    picked = np.flatnonzero(choice.chosen)
    alone = sv.control_arm(own["customer_id"].iloc[picked], key=key, campaign=name, share=holdout_share)
    arm[picked] = np.where(alone, CONTROL, TREATED)
    table = own.assign(profit=profit, outlay=outlay, chosen=choice.chosen, arm=arm, also=also)
    return Plan(campaign, name, table, choice, contacts, budget, holdout_share, others=others)


def taken(company: Client, reading: Reading | None, *, loop_days: int = LOOP_DAYS) -> dict[str, frozenset[str]]:
    """Who waits for a call, and who stands in a list of the value report?

    Parameters
    ----------
    company : Client
    reading : Reading or None
        Results of the value report, with its lists.
    loop_days : int
        Low answers older than this are not followed up.

    Returns
    -------
    dict of str to frozenset of str
        Name of the list: pseudonyms of the customers in it.
    """
    calls = sorted(waiting(company, loop_days=loop_days))
    found = {CALLS: frozenset(pseudonyms(calls, key=company.key()))}
    for name in ORDER:
        if reading is None or reading.reason is not None or not name.startswith("clv_"):
            continue
        try:
            found[name] = frozenset(reading.table(name)["customer_id"].astype(str))
        except CrmkitError:  # the report made no such list
            continue
    return found


def no_contact(past: Past, rows: pd.DataFrame) -> np.ndarray:
    """Who has given no consent, where consent is recorded at all."""
    known = past.tables.get("customers")
    if known is None or "consent_at" not in known.columns:
        return np.zeros(len(rows), dtype=bool)
    consent = to_frame(known.select("customer_id", "consent_at")).drop_duplicates("customer_id").set_index("customer_id")
    if consent["consent_at"].isna().all():
        return np.zeros(len(rows), dtype=bool)
    return consent["consent_at"].reindex(rows["customer_id"]).isna().to_numpy()


def profit_curve(plan: Plan) -> Result:
    """What would contacting the first few customers bring, by four orders?

    Returns
    -------
    Result
        Curves of the expected profit against the share of customers contacted: by expected profit, by risk, by value, at
        random.
    """
    title = Text("What contacting more customers would bring")
    if plan.rows is None:
        return not_assessed("churn_profit_curve", title, plan.reason or NO_VALUE)
    table = sv.profit_curve(plan.rows["probability"], plan.rows["value"], plan.campaign)
    best = table[table["group"] == "Expected profit"]
    top = best.loc[best["value"].idxmax()]
    shown = curve(table[["group", "x", "value"]])
    n = len(plan.rows)
    shown.attrs["marks"] = [(float(top["x"]), Text("most: {money}", {"money": Quantity(top["value"], "money")}))]
    even = sv.break_even_probability(plan.rows["value"], plan.campaign)
    numbers = {
        "k": Quantity(int(top["contacts"]), "count"),
        "n": Quantity(n, "count"),
        "money": Quantity(float(top["value"]), "money"),
        "even": Quantity(float(np.nanmedian(even)) if np.isfinite(even).any() else None, "share"),
    }
    text = (
        Text(
            "With no limit, contacting {k} of {n} customers would pay and bring {money}. For a customer of "
            "median value, a contact pays from a risk of {even}.",
            numbers,
        )
        if top["contacts"]
        else Text(
            "Even without a limit no customer is worth a contact. For one of median value it pays from a risk of {even} on.",
            numbers,
        )
    )
    finding = Finding(
        id="churn.profit_curve",
        severity="info",
        passed=None,
        text=text,
        evidence=("churn_profit_curve",),
    )
    return Result(
        "churn_profit_curve",
        "curve",
        title,
        shown,
        columns=(Column("group", "Order", translate=True),),
        finding=finding,
        note=_assumed(plan),
        alt=Text(
            "Curves of expected profit by the share of customers contacted: in the order of profit, risk, value, and random."
        ),
        x=Axis("Share of customers contacted", "share"),
        y=Axis("Expected profit", "money"),
    )


def _assumed(plan: Plan) -> Text:
    one = plan.campaign
    return Text(
        "Assumed, not measured: an offer of {offer} keeps {save} of those about to leave. {take} of "
        "those who would stay take it too, and a contact costs {contact}. Only the control group shows "
        "what is gained.",
        {
            "save": Quantity(one.save_rate, "share"),
            "offer": Quantity(one.offer_cost, "money"),
            "take": Quantity(one.uptake, "share"),
            "contact": Quantity(one.contact_cost, "money"),
        },
    )


def rules(plan: Plan) -> Result:
    """What does the choice bring more than contacting by risk, by value or at random, with the same budget?

    Returns
    -------
    Result
        A row per rule: ``rule, contacts, cost, profit``; the finding gives the profit, its distance to the best possible, and
        what the choice brings more.
    """
    title = Text("Whom to contact within the budget")
    if plan.rows is None or plan.choice is None:
        return not_assessed("churn_rules", title, plan.reason or NO_VALUE)
    table = sv.compare_rules(
        plan.rows["probability"], plan.rows["value"], plan.campaign, contacts=plan.contacts, money=plan.budget or None
    )
    columns = (
        Column("rule", "Chosen by", translate=True),
        Column("contacts", "Contacts", "count"),
        Column("cost", "Expected cost", "money"),
        Column("profit", "Expected profit", "money"),
    )
    return Result("churn_rules", "table", title, table, columns=columns, finding=plan_finding(plan), note=_assumed(plan))


def plan_finding(plan: Plan) -> Finding | None:
    """The plan in one sentence."""
    if plan.rows is None or plan.choice is None:
        return None
    table = sv.compare_rules(
        plan.rows["probability"], plan.rows["value"], plan.campaign, contacts=plan.contacts, money=plan.budget or None
    ).set_index("rule")
    k = int(plan.choice.chosen.sum())
    if not k:
        text = Text("No contact is expected to bring more than it costs under these assumptions.")
        return Finding("churn.plan", "info", None, text, evidence=("churn_rules",))
    text = Text(
        "Contacting the {k} most promising customers costs {cost} and brings {profit}; choosing by risk alone would bring "
        "{risk}.",
        {
            "k": Quantity(k, "count"),
            "cost": Quantity(plan.choice.cost, "money"),
            "profit": Quantity(plan.choice.value, "money"),
            "risk": Quantity(float(table["profit"]["Risk only"]), "money"),
        },
    )
    action = Text("Contact the customers marked “treated”, leave the control group alone, and record both.")
    return Finding(
        "churn.plan",
        "info",
        None,
        text,
        evidence=("churn_rules", "churn_assignment"),
        action=action,
        money_at_stake=Quantity(plan.choice.value, "money"),
    )


def tornado(plan: Plan) -> Result:
    """On which assumption does the profit hang most?

    Returns
    -------
    Result
        Dots per assumption: the profit of the chosen at a low and at a high value of it, the weightiest first.
    """
    title = Text("What the profit hangs on")
    if plan.rows is None or plan.choice is None or not plan.choice.chosen.any():
        reason = plan.reason or Text("no contact is expected to bring more than it costs")
        return not_assessed("churn_tornado", title, reason)
    table = sv.tornado(
        plan.rows["probability"], plan.rows["value"], plan.campaign, chosen=plan.choice.chosen, ranges=_ranges(plan.campaign)
    )
    shown = estimates(_ranges_shown(table))
    shown.attrs["reference"] = (0.0, Text("no profit"))
    first = table.iloc[0]
    at_worst = float(min(first["profit_low"], first["profit_high"]))
    finding = Finding(
        id="churn.tornado",
        severity="info" if at_worst >= 0 else "warning",
        passed=None,
        text=Text(
            "The profit hangs most on this: {name}; between its low and high value it lies from {low} to {high}.",
            {
                "name": Text(ASSUMPTIONS[first["assumption"]]),
                "low": Quantity(at_worst, "money"),
                "high": Quantity(float(max(first["profit_low"], first["profit_high"])), "money"),
            },
        ),
        evidence=("churn_tornado",),
    )
    return Result(
        "churn_tornado",
        "interval_dots",
        title,
        shown,
        columns=(Column("group", "Assumption", translate=True),),
        finding=finding,
        note=Text(
            "Save rate: the middle {middle} of a beta distribution around the assumed rate, as precise as one"
            " of {a} in {n}. All others: half less and half more.",
            {
                "middle": Quantity(SPREAD[1] - SPREAD[0], "share"),
                "a": Quantity(SAVE_RANGE[0], "count"),
                "n": Quantity(sum(SAVE_RANGE), "count"),
            },
        ),
        alt=Text("Horizontal ranges, the widest first: expected profit at a low and a high value of each assumption."),
        x=Axis("Assumption", "text"),
        y=Axis("Expected profit", "money"),
    )


def _ranges(one: Campaign) -> dict[str, tuple[float, float]]:
    from scipy.stats import beta

    weight = sum(SAVE_RANGE)
    a = min(max(one.save_rate, 0.01), 0.99) * weight
    save = tuple(float(x) for x in beta.ppf(SPREAD, a, weight - a))
    low, high = AROUND
    return {
        "save_rate": (save[0], save[1]),
        "value": AROUND,
        "probability": AROUND,
        "offer_cost": (low * one.offer_cost, high * one.offer_cost),
        "contact_cost": (low * one.contact_cost, high * one.contact_cost),
        "uptake": (low * one.uptake, min(1.0, high * one.uptake)),
    }


def _ranges_shown(table: pd.DataFrame) -> list[dict[str, object]]:
    """A row per assumption: the profit as assumed, and at both ends of its range."""
    rows = []
    for row in table.to_dict("records"):
        low, high = sorted((row["profit_low"], row["profit_high"]))
        rows.append(
            {
                "group": ASSUMPTIONS[row["assumption"]],
                "measure": mark("Profit of the chosen"),
                "value": row["profit"],
                "low": low,
                "high": high,
                "unit": "money",
                "method": mark("one assumption changed at a time"),
            }
        )
    return rows
