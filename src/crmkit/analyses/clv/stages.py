"""Where in their life with the company do customers stand? Stages of the life cycle, each customer in exactly one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.clv.customers import shares
from crmkit.analyses.clv.read import Purchases
from crmkit.analyses.clv.values import Values, awake, lacking
from crmkit.core.errors import ParamError
from crmkit.core.language import mark
from crmkit.core.privacy import suppress_small
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.data.summaries.standing import ACTIVE_DAYS, LAPSED

if TYPE_CHECKING:
    import pandas as pd

POTENTIAL, FIRST, REPEAT, LOYAL = mark("potential"), mark("first purchase"), mark("repeat"), mark("loyal")
AT_RISK = mark("at risk")
STAGES = (POTENTIAL, FIRST, REPEAT, LOYAL, AT_RISK, LAPSED)
NO_MODEL = Text("no purchase model could be fitted")


@dataclass(frozen=True)
class StageRules:
    """Where one stage ends and the next begins.

    Parameters
    ----------
    loyal_from : int
        Purchase days from which a customer is loyal, at least 3.
    at_risk_below : float
        Probability not to have left under which a customer is at risk.
    active_days : int
        Days since the last purchase after which a customer has lapsed, on every page of the client.

    Raises
    ------
    ParamError
        When a limit cannot be.
    """

    loyal_from: int = 5
    at_risk_below: float = 0.5
    active_days: int = ACTIVE_DAYS

    def __post_init__(self) -> None:
        problems = []
        if self.loyal_from < 3:
            problems.append(f"loyal_from: is {self.loyal_from}; at least 3 purchase days, because 2 are a repeat purchase")
        if not 0 < self.at_risk_below < 1:
            problems.append(f"at_risk_below: is {self.at_risk_below}; a share above 0 and below 1 is needed")
        if self.active_days < 1:
            problems.append(f"active_days: is {self.active_days}; at least 1 day is needed")
        if problems:
            raise ParamError(problems)


def assign_stages(purchase_days: np.ndarray, p_alive: np.ndarray, silent_days: np.ndarray, *, rules: StageRules) -> np.ndarray:
    """The stage of each customer.

    Parameters
    ----------
    purchase_days : array, shape (n,)
        Days with a purchase so far; 0 for who never bought.
    p_alive : array, shape (n,)
        Probability not to have left; anything where nothing was bought.
    silent_days : array, shape (n,)
        Days since the last purchase; anything where nothing was bought.
    rules : StageRules

    Returns
    -------
    array of str, shape (n,)
        One of ``STAGES``. Silence weighs more than the past: who has bought nothing for ``active_days`` has lapsed, and who
        has probably left is at risk, however often they bought.

    Examples
    --------
    >>> bought, alive, silent = np.array([[0, 0, 0], [1, 0.9, 1], [3, 0.8, 9], [9, 0.9, 9], [9, 0.1, 90], [9, 0.9, 400]]).T
    >>> assign_stages(bought, alive, silent, rules=StageRules()).tolist()
    ['potential', 'first purchase', 'repeat', 'loyal', 'at risk', 'lapsed']
    """
    bought = np.asarray(purchase_days)
    alive = np.asarray(p_alive, dtype="float64")
    lapsed = np.asarray(silent_days, dtype="float64") > rules.active_days
    conditions = [bought == 0, lapsed, alive < rules.at_risk_below, bought >= rules.loyal_from, bought >= 2]
    return np.select(conditions, [POTENTIAL, LAPSED, AT_RISK, LOYAL, REPEAT], default=FIRST)


def staged(past: Purchases, values: Values, *, rules: StageRules) -> pd.DataFrame:
    """Every customer with a stage: ``customer_id, stage, clv, p_alive``; those who never bought are potential, with value 0.

    Where nothing is known of money, ``clv`` holds the expected purchases.
    """
    import pandas as pd

    known = values.customers
    wanted = ["customer_id", "purchase_days", "days_since_last", "p_alive"]
    table = known[wanted].assign(clv=known[counted_in(past)], awake=awake(known))
    if past.people.never_bought:
        never = pd.DataFrame(
            {"customer_id": list(past.people.never_bought), "purchase_days": 0, "p_alive": float("nan"), "clv": 0.0}
        ).assign(days_since_last=float("nan"))
        table = pd.concat([table, never], ignore_index=True)
    columns = (table[name].to_numpy(dtype="float64") for name in ("purchase_days", "awake", "days_since_last"))
    return table.drop(columns=["awake", "days_since_last"]).assign(stage=assign_stages(*columns, rules=rules))


def counted_in(past: Purchases) -> str:
    """The column that says what a customer is expected to bring: money, or purchases where no amounts are known."""
    return "clv" if past.spend.known else "expected_purchases"


def worth_columns(past: Purchases, *, shared: bool = False) -> list[Column]:
    """How ``value, share_value, mean_value`` of a group are shown."""
    if past.spend.known:
        columns = [
            Column("value", "Expected value", "money"),
            Column("share_value", "Share of value", "share"),
            Column("mean_value", "Value per customer", "money"),
        ]
    else:
        columns = [
            Column("value", "Expected purchases", "count"),
            Column("share_value", "Share of purchases", "share"),
            Column("mean_value", "Purchases per customer", "score"),
        ]
    return [column for column in columns if shared or column.name != "share_value"]


def stages(past: Purchases, values: Values | None, *, rules: StageRules) -> Result:
    """How many customers stand in which stage, and what are they worth?

    Returns
    -------
    Result
        Bars: share of customers per stage with Wilson interval; the finding names the value that is at risk or lapsed.
    """

    title = Text("Customers by stage of their life with the company")
    if values is None or values.under_contract:
        return not_assessed("clv_stages", title, lacking(values) or NO_MODEL)
    table = staged(past, values, rules=rules)
    counts = table["stage"].value_counts().reindex(list(STAGES), fill_value=0)
    n = len(table)
    return Result(
        "clv_stages",
        "bars",
        title,
        shares(counts, confidence=past.confidence),
        columns=(Column("group", "Stage", translate=True),),
        finding=_finding(table),
        note=_note(rules, n, all_stay=values.all_stay),
        alt=Text("Bars: share of customers in each stage: potential, first purchase, repeat, loyal, at risk and lapsed."),
        x=Axis("Stage"),
        y=Axis("Share of customers", "share"),
    )


def stage_table(past: Purchases, values: Values | None, *, rules: StageRules) -> Result:
    """What does each stage hold: customers, expected value, value per customer?"""
    title = Text("What the stages hold")
    if values is None or values.under_contract:
        return not_assessed("clv_stage_table", title, lacking(values) or NO_MODEL)
    table = staged(past, values, rules=rules)
    rows = table.groupby("stage").agg(n=("clv", "size"), value=("clv", "sum"), p_alive=("p_alive", "mean"))
    rows = rows.reindex(list(STAGES)).reset_index()
    rows["n"] = rows["n"].fillna(0)
    rows["mean_value"] = rows["value"] / rows["n"].where(rows["n"] > 0)
    rows["share_value"] = rows["value"] / rows["value"].sum() if rows["value"].sum() > 0 else float("nan")
    shown = suppress_small(rows, values=["value", "mean_value", "share_value", "p_alive"], min_cell=past.min_cell)
    columns = (
        Column("stage", "Stage", translate=True),
        Column("n", "Customers", "count"),
        *worth_columns(past, shared=True),
        Column("p_alive", "Mean probability not to have left", "share"),
    )
    return Result("clv_stage_table", "table", title, shown, columns=columns)


def _finding(table: pd.DataFrame) -> Finding:
    risky = table["stage"].isin([AT_RISK, LAPSED])
    return Finding(
        id="clv.stages",
        severity="info",
        passed=None,
        text=Text(
            "{risky} of {n} customers {risky:is|are} at risk or lapsed; {loyal} {loyal:is|are} loyal.",
            {
                "risky": Quantity(int(risky.sum()), "count"),
                "n": Quantity(len(table), "count"),
                "loyal": Quantity(int((table["stage"] == LOYAL).sum()), "count"),
            },
        ),
        evidence=("clv_stages", "clv_stage_table"),
    )


def _note(rules: StageRules, n: int, *, all_stay: bool) -> Text:
    if all_stay:
        return Text(
            "There is no sign that anybody leaves, so silence counts: half active after three own gaps between purchases, a "
            "quarter after five. Loyal from {loyal} purchase days on; at risk below {risk}; lapsed after {lapsed} without a "
            "purchase; n = {n}. Whiskers are Wilson intervals.",
            {
                "loyal": Quantity(rules.loyal_from, "count"),
                "risk": Quantity(rules.at_risk_below, "share"),
                "lapsed": Quantity(rules.active_days, "days"),
                "n": Quantity(n, "count"),
            },
        )
    return Text(
        "Loyal from {loyal} purchase days on; at risk below a probability of {risk} not to have left; lapsed after {lapsed} "
        "without a purchase; n = {n}. Whiskers are Wilson intervals.",
        {
            "loyal": Quantity(rules.loyal_from, "count"),
            "risk": Quantity(rules.at_risk_below, "share"),
            "lapsed": Quantity(rules.active_days, "days"),
            "n": Quantity(n, "count"),
        },
    )
