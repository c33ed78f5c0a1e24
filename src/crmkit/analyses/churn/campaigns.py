"""Who is contacted and who is left alone, and did earlier campaigns keep customers?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.churn.basics import unusable
from crmkit.analyses.churn.economics import CONTROL, POWER, Plan
from crmkit.analyses.churn.read import Past
from crmkit.core.errors import ModelError
from crmkit.core.language import mark
from crmkit.core.results import Column, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.waiting import ORDER, left_to
from crmkit.models import survival as sv

if TYPE_CHECKING:
    import pandas as pd


WEAK = Text(
    "With a control group of {control}, only an effect of {least} or more would be noticed ({power} "
    "power); {expected} is expected. Add up several campaigns before judging the {treated} contacts."
)
STRONG = Text(
    "With {treated} contacts and a control group of {control}, an effect of {least} would be noticed "
    "({power} power); {expected} is expected."
)


def assignment(past: Past, plan: Plan) -> Result:
    """Who is contacted and who is left alone: the rows for the table ``exposures``.

    Returns
    -------
    Result
        A row per chosen customer, the largest expected profit first: ``campaign_id, customer_id, arm, exposed_at`` (empty until
        it happens), the share and rule by which the arms were drawn, ``also`` (the list of the value report that holds them
        too); the finding says which effect could be found.
    """
    title = Text("Arms of the campaign")
    if plan.rows is None or plan.choice is None or not plan.choice.chosen.any():
        return not_assessed(
            "churn_assignment", title, plan.reason or Text("no contact is expected to bring more than it costs")
        )
    own = plan.rows[plan.rows["chosen"]]
    own = own.sort_values(["profit", "customer_id"], ascending=[False, True], kind="stable").reset_index(drop=True)
    table = own[["customer_id", "arm", "profit"]].assign(
        also=[ORDER.get(one, "") for one in own["also"]],
        campaign_id=plan.name,
        exposed_at="",
        control_share=plan.holdout_share,
        rule="HMAC-SHA256(key, campaign, customer)",
    )
    table = table[["campaign_id", "customer_id", "arm", "exposed_at", "control_share", "rule", "profit", "also"]]
    columns = (
        Column("customer_id", "Customer", "customer"),
        Column("profit", "Expected profit", "money"),
        Column("arm", "Arm", translate=True),
        Column("also", "Also in", translate=True),
        Column("campaign_id", "Campaign"),
    )
    note = Text(
        "Drawn by a keyed hash of campaign and customer. So the groups can be recomputed at any time, and"
        " they do not change when the list does. When the campaign is over, hand these rows back as the "
        "table exposures.",
    )
    others = left_to(dict(plan.others))
    if others:
        note = Text("{note} {others}", {"note": note, "others": others})
    both = int((table["also"] != "").sum())
    if both:
        also = Text(
            "{n} {n:customer stands|customers stand} in a list of the value report too. Contact them once, with this offer. "
            "Leave the control group alone there as well.",
            {"n": Quantity(both, "count")},
        )
        note = Text("{note} {also}", {"note": note, "also": also})
    return Result(
        "churn_assignment", "table", title, table, columns=columns, finding=_detectable(own, plan), note=note, customers=True
    )


def _detectable(own: pd.DataFrame, plan: Plan) -> Finding:
    control = int((own["arm"] == CONTROL).sum())
    treated = len(own) - control
    numbers = {"treated": Quantity(treated, "count"), "control": Quantity(control, "count")}
    if not control or not treated:
        text = Text(
            "{treated} customers are contacted and {control} left alone; without both groups no effect can be measured.",
            numbers,
        )
        return Finding("churn.holdout", "warning", False, text, evidence=("churn_assignment",))
    rate = float(own["probability"].mean())
    least = sv.minimum_detectable(treated, control, standard_deviation=float(np.sqrt(rate * (1 - rate))), power=POWER)
    expected = rate * plan.campaign.save_rate
    weak = least > expected
    numbers |= {
        "least": Quantity(least, "share"),
        "expected": Quantity(expected, "share"),
        "power": Quantity(POWER, "share"),
    }
    template = WEAK if weak else STRONG
    text = Text(template.template, numbers)
    return Finding("churn.holdout", "info", None, text, evidence=("churn_assignment",))


def uplift(past: Past) -> Result:
    """Did earlier campaigns keep customers? Treated against control, everybody counted as assigned.

    Returns
    -------
    Result
        Estimate table per campaign: share who left within the horizon, treated minus control (Newcombe), and, where there are
        transactions, spend per customer (two-part pooled variance).
    """
    title = Text("Did earlier campaigns keep customers?")
    if not past.usable:
        return unusable(past, "churn_uplift", title)
    if "exposures" not in past.tables:
        return not_assessed("churn_uplift", title, Text("needs exposures: who was contacted and who was left alone"))
    rows = to_frame(past.tables["exposures"])
    if "exposed_at" not in rows or rows["exposed_at"].isna().all():
        return not_assessed("churn_uplift", title, Text("needs exposures with the day of the contact (exposed_at)"))
    found = [row for name, own in rows.groupby("campaign_id", sort=True) for row in _campaign_rows(past, str(name), own)]
    if not found:
        return not_assessed("churn_uplift", title, Text("no campaign has both groups and its whole horizon behind it"))
    table = estimates(found)
    first = table.iloc[0]
    sure = first["high"] < 0
    text = Text(
        "{name}: {effect} left within {horizon} of the contact, treated less control ({n} customers).",
        {
            "name": str(first["group"]),
            "effect": Quantity(first["value"], "share", first["low"], first["high"]),
            "horizon": Quantity(past.rule.horizon_days, "days"),
            "n": Quantity(first["n"], "count"),
        },
    )
    finding = Finding("churn.uplift", "good" if sure else "info", True if sure else None, text, evidence=("churn_uplift",))
    return Result("churn_uplift", "table", title, table, finding=finding)


def _campaign_rows(past: Past, name: str, own: pd.DataFrame) -> list[dict[str, object]]:
    import pandas as pd

    # those left alone were assigned on the same day as those contacted
    day = pd.Timestamp(own["exposed_at"].min())
    end = day + pd.Timedelta(days=past.rule.horizon_days)
    if end > pd.Timestamp(past.as_of) - pd.Timedelta(days=past.rule.grace_days) or own["arm"].nunique() < 2:
        return []
    left = _left_between(past, own["customer_id"], day, end)
    control = (own["arm"] == "control").to_numpy()
    try:
        one = sv.uplift_share(left.astype("float64"), control, confidence=past.confidence)
    except ModelError:  # an arm is empty after all; the campaign is missing, which the table shows
        return []
    rows: list[dict[str, object]] = [
        {
            "group": name,
            "measure": mark("Left, treated less control"),
            "value": one.value,
            "low": one.low,
            "high": one.high,
            "n": one.n_treated + one.n_control,
            "unit": "share",
            "method": one.method,
        }
    ]
    spend = _spent_between(past, own["customer_id"], day, end)
    if spend is not None and np.count_nonzero(spend) > 1:
        two = sv.uplift_spend(spend, control, confidence=past.confidence)
        rows.append(
            {
                "group": name,
                "measure": mark("Spend per customer, treated less control"),
                "value": two.value,
                "low": two.low,
                "high": two.high,
                "n": two.n_treated + two.n_control,
                "unit": "money",
                "method": two.method,
            }
        )
    return rows


def _left_between(past: Past, customers: pd.Series[str], day: pd.Timestamp, end: pd.Timestamp) -> np.ndarray:
    if past.contractual:
        rows = past.spells[past.spells["event_observed"] & (past.spells["ended_at"] > day) & (past.spells["ended_at"] <= end)]
        return customers.isin(set(rows["customer_id"])).to_numpy()
    assert past.purchases is not None  # noqa: S101
    bought = past.purchases[(past.purchases["day"] > day) & (past.purchases["day"] <= end)]
    return ~customers.isin(set(bought["customer_id"])).to_numpy()


def _spent_between(past: Past, customers: pd.Series[str], day: pd.Timestamp, end: pd.Timestamp) -> np.ndarray | None:
    if past.purchases is None or past.purchases["amount"].isna().all():
        return None
    bought = past.purchases[(past.purchases["day"] > day) & (past.purchases["day"] <= end)]
    return bought.groupby("customer_id")["amount"].sum().reindex(customers).fillna(0.0).to_numpy()
