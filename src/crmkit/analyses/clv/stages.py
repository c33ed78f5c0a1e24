"""Where in their life with the company do customers stand? Stages of the life cycle, each customer in exactly one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.clv.customers import shares
from crmkit.analyses.clv.read import Purchases
from crmkit.analyses.clv.values import Values, awake, lacking
from crmkit.core.errors import ParamError
from crmkit.core.language import mark
from crmkit.core.privacy import suppress_beside, suppress_small
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.data.summaries.standing import ACTIVE_DAYS, LAPSED

if TYPE_CHECKING:
    import pandas as pd

POTENTIAL, FIRST, REPEAT, LOYAL = mark("potential"), mark("first purchase"), mark("repeat"), mark("loyal")
AT_RISK = mark("at risk")
STAGES = (POTENTIAL, FIRST, REPEAT, LOYAL, AT_RISK, LAPSED)
NO_MODEL = Text("no model could be fitted; the section on the models says why")
BY_SILENCE = Text(
    "There is no sign that anybody leaves, so silence counts: half active after three own gaps between purchases, a quarter "
    "after five. Loyal from {loyal} purchase days on; at risk below {risk}; lapsed after {lapsed} without a purchase; n = {n}. "
    "Whiskers are Wilson intervals."
)
BY_PROBABILITY = Text(
    "Loyal from {loyal} purchase days on; at risk below a probability of {risk} not to have left. "
    "Lapsed after {lapsed} without a purchase; n = {n}. Whiskers are Wilson intervals."
)


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


@dataclass(frozen=True)
class Grouping:
    """Customers in groups that a table of the page shows.

    Parameters
    ----------
    of : Series of str
        The group of each customer, in the order of the customers of :class:`Values`.
    hidden : Series of bool
        By group: whether its row is hidden.
    """

    of: pd.Series[str]
    hidden: pd.Series[bool]

    def beside(self, own: pd.Series[Any], groups: Iterable[object]) -> tuple[pd.DataFrame, list[bool]]:
        """Customers by other groups of the same customers and by these, with which of these are hidden."""
        import pandas as pd

        table = pd.crosstab(own.to_numpy(), self.of.to_numpy())
        return table.reindex(index=list(groups), columns=self.hidden.index, fill_value=0), self.hidden.tolist()


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


def by_tier(past: Purchases, values: Values) -> Grouping:
    """Customers by tier, as the table of tiers shows them."""
    tier = values.customers["tier"]
    counts = tier.value_counts().reindex(list(values.tiering.names), fill_value=0).rename("n").rename_axis("tier").reset_index()
    hidden = suppress_small(counts, values=[], min_cell=past.min_cell).set_index("tier")["suppressed"]
    return Grouping(tier, hidden)


def by_stage(past: Purchases, values: Values, *, rules: StageRules) -> tuple[Grouping, pd.DataFrame]:
    """Customers by stage, and what each stage holds, where that tells of no few customers, tiers beside it or not."""
    table = staged(past, values, rules=rules)
    rows = table.groupby("stage").agg(n=("clv", "size"), value=("clv", "sum"), p_alive=("p_alive", "mean"))
    rows = rows.reindex(list(STAGES)).reset_index()
    rows["n"] = rows["n"].fillna(0)
    rows["mean_value"] = rows["value"] / rows["n"].where(rows["n"] > 0)
    rows["share_value"] = rows["value"] / rows["value"].sum() if rows["value"].sum() > 0 else float("nan")
    bought = table["stage"].head(len(values.customers))
    shown = suppress_beside(
        rows,
        [by_tier(past, values).beside(bought, STAGES)],
        values=["value", "mean_value", "share_value", "p_alive"],
        min_cell=past.min_cell,
    )
    return Grouping(bought, shown.set_index("stage")["suppressed"]), shown


def stages(past: Purchases, values: Values | None, *, rules: StageRules) -> Result:
    """How many customers stand in which stage, and what are they worth?

    Returns
    -------
    Result
        Bars: share of customers per stage with Wilson interval, of the stages that are shown; the finding counts who is at
        risk, lapsed or loyal.
    """

    title = Text("Customers by stage of their life with the company")
    if values is None or values.under_contract:
        return not_assessed("clv_stages", title, lacking(values) or NO_MODEL)
    hidden = by_stage(past, values, rules=rules)[0].hidden
    table = staged(past, values, rules=rules)
    counts = table["stage"].value_counts().reindex(list(STAGES), fill_value=0)
    if not (counts[~hidden] > 0).any():
        return not_assessed("clv_stages", title, Text("every group is too small to be shown"))
    bars = shares(counts, confidence=past.confidence)
    return Result(
        "clv_stages",
        "bars",
        title,
        bars[~bars["group"].map(hidden)].reset_index(drop=True),
        columns=(Column("group", "Stage", translate=True),),
        finding=_finding(counts, hidden),
        note=_note(past, rules, len(table), int(hidden.sum()), all_stay=values.all_stay),
        alt=Text("Bars: share of customers in each stage: potential, first purchase, repeat, loyal, at risk and lapsed."),
        x=Axis("Stage"),
        y=Axis("Share of customers", "share"),
    )


def stage_table(past: Purchases, values: Values | None, *, rules: StageRules) -> Result:
    """What does each stage hold: customers, expected value, value per customer?"""
    title = Text("What the stages hold")
    if values is None or values.under_contract:
        return not_assessed("clv_stage_table", title, lacking(values) or NO_MODEL)
    columns = (
        Column("stage", "Stage", translate=True),
        Column("n", "Customers", "count"),
        *worth_columns(past, shared=True),
        Column("p_alive", "Mean probability not to have left", "share"),
    )
    return Result("clv_stage_table", "table", title, by_stage(past, values, rules=rules)[1], columns=columns)


def _finding(counts: pd.Series[int], hidden: pd.Series[bool]) -> Finding | None:
    """Who is at risk or lapsed, and who is loyal, as far as the stages are shown."""
    text = {
        (False, False): Text("{risky} of {n} customers {risky:is|are} at risk or lapsed; {loyal} {loyal:is|are} loyal."),
        (False, True): Text("{risky} of {n} customers {risky:is|are} at risk or lapsed."),
        (True, False): Text("{loyal} of {n} customers {loyal:is|are} loyal."),
    }.get((bool(hidden[[AT_RISK, LAPSED]].any()), bool(hidden[LOYAL])))
    if text is None:
        return None
    numbers = {"risky": int(counts[[AT_RISK, LAPSED]].sum()), "loyal": int(counts[LOYAL]), "n": int(counts.sum())}
    told = {name: Quantity(count, "count") for name, count in numbers.items() if f"{{{name}}}" in text.template}
    return Finding(
        id="clv.stages",
        severity="info",
        passed=None,
        text=Text(text.template, told),
        evidence=("clv_stages", "clv_stage_table"),
    )


def _note(past: Purchases, rules: StageRules, n: int, hidden: int, *, all_stay: bool) -> Text:
    numbers = {
        "loyal": Quantity(rules.loyal_from, "count"),
        "risk": Quantity(rules.at_risk_below, "share"),
        "lapsed": Quantity(rules.active_days, "days"),
        "n": Quantity(n, "count"),
    }
    said = Text((BY_SILENCE if all_stay else BY_PROBABILITY).template, numbers)
    if not hidden:
        return said
    away = Text(
        "{n} {n:group|groups} {n:is|are} not shown, so that nothing is told of fewer than {least} customers.",
        {"n": Quantity(hidden, "count"), "least": Quantity(past.min_cell, "count")},
    )
    return Text("{rules} {hidden}", {"rules": said, "hidden": away})
