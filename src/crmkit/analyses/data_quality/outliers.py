"""Which amounts and waits are unlike all others, and which customers give back or fail to pay more often than chance allows?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.data_quality.read import Checked
from crmkit.core.language import mark
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.data.summaries import extremes
from crmkit.models.basics.shares import wilson
from crmkit.models.quality.outliers import FEWEST, fences, unusual

if TYPE_CHECKING:
    import pandas as pd

AMOUNT, ANSWER, SOLUTION = mark("Amount of a purchase"), mark("Time to the first answer"), mark("Time to the solution")
COLUMNS = (
    Column("what", "What", translate=True),
    Column("n", "Cases", "count"),
    Column("middle", "Half lie below", "number"),
    Column("limit", "Limit", "number"),
    Column("beyond", "Beyond the limit", "count"),
    Column("part", "Their part of the sum", "share"),
    Column("customers", "Customers", "count"),
)
CONDUCT = (
    Column("what", "What", translate=True),
    Column("customers", "Customers", "count"),
    Column("of", "Of customers", "count"),
    Column("value", "Share", "share", limits=("low", "high")),
    Column("money", "Money", "money"),
    Column("rule", "Rule", translate=True),
)
RETURNS, UNPAID = mark("Give back more often than chance allows"), mark("Lost because a payment failed")
BINOMIAL, COUNTED = mark("binomial tail against all others, Bonferroni"), mark("contracts that ended so")


def far(work: Checked) -> pd.DataFrame:
    """Each kind of value: how many there are, the limit, how many lie beyond it.

    Returns
    -------
    DataFrame
        ``what, kind, n, middle, limit, beyond, part, customers``, in money or hours.
    """
    import pandas as pd

    tables = work.company.tables
    searched: list[tuple[str, str, Any]] = []
    if "transactions" in tables and "amount" in tables["transactions"].columns:
        searched.append((AMOUNT, "money", extremes.amounts(tables["transactions"])))
    for what, until in ((ANSWER, "first_response_at"), (SOLUTION, "resolved_at")):
        if "tickets" in tables and until in tables["tickets"].columns:
            searched.append((what, "hours", extremes.waits(tables["tickets"], until=until)))
    rows = []
    for what, kind, values in searched:
        seen = extremes.quartiles(values)
        n = int(seen["n"])
        if n < FEWEST:
            continue
        found = fences(seen["lower"], seen["middle"], seen["upper"], n, false_alarm=work.agreed.false_alarm)
        limit = math.exp(found.high) if found.high < 700 else math.inf
        past = extremes.beyond(values, low=0.0, high=limit)
        rows.append(
            {
                "what": what,
                "kind": kind,
                "n": float(n),
                "middle": math.exp(found.middle),
                "limit": limit,
                "beyond": float(past["above"]),
                "part": float(past["money"] / past["whole"]) if past["whole"] else 0.0,
                "customers": float(past["customers"]),
            }
        )
    names = ["what", "kind", "n", "middle", "limit", "beyond", "part", "customers"]
    return pd.DataFrame(rows, columns=names)


def outliers(work: Checked, table: pd.DataFrame | None = None) -> Result:
    """Which amounts and waits are too large to be of the same kind as all others?"""
    title = Text("Amounts and waits that are unlike all others")
    table = far(work) if table is None else table
    if table.empty:
        return not_assessed("data_quality_outliers", title, Text("needs transactions or tickets with enough rows"))
    alarm = {"alarm": Quantity(work.agreed.false_alarm, "share")}
    some = table[table["beyond"] > 0]
    text = Text("No amount and no wait is unlike the others.")
    if len(some):
        worst = some.loc[some["part"].idxmax()]
        words: dict[str, Any] = {
            "n": Quantity(worst["beyond"], "count"),
            "what": Text(str(worst["what"])),
            "part": Quantity(worst["part"], "share"),
        }
        text = Text("{what}: {n} {n:case is|cases are} unlike all others and {n:makes|make} up {part} of the sum.", words)
    finding = Finding(
        "data_quality.outliers",
        "info" if len(some) else "good",
        None if len(some) else True,
        text,
        Text("Of clean tables at most {alarm} have any case beyond the limit.", alarm),
        ("data_quality_outliers",),
        action=Text("Look at them one by one: a slip of the decimal sign, or the best customer?") if len(some) else None,
    )
    note = Text("Money in the client's currency, waits in hours. The rule takes logarithms, because both have a long tail.")
    return Result("data_quality_outliers", "table", title, table, columns=COLUMNS, finding=finding, note=note)


def conduct(work: Checked) -> Result:
    """Which customers give back, or fail to pay, more often than chance allows?"""
    import pandas as pd

    title = Text("Customers who give back or fail to pay unusually often")
    tables = work.company.tables
    rows = []
    orders = tables.get("transactions")
    if orders is not None and {"is_return", "amount"} <= set(orders.columns):
        rows += _returns(extremes.returns_by_customer(orders), work)
    contracts = tables.get("subscriptions")
    if contracts is not None and {"ended_at", "churn_kind"} <= set(contracts.columns):
        rows += _unpaid(extremes.ended_against_will(contracts), work)
    if not rows:
        reason = Text("cannot be assessed: no table marks returns, or says why contracts ended")
        return not_assessed("data_quality_conduct", title, reason)
    table = pd.DataFrame(rows)
    bad = table[(table["what"] == RETURNS) & (table["customers"] > 0)]
    text = Text("No customer gives back more often than chance allows.")
    if len(bad):
        words = {"n": Quantity(bad["customers"].iloc[0], "count"), "money": Quantity(bad["money"].iloc[0], "money")}
        text = Text("{n} {n:customer gives|customers give} back more often than chance allows, worth {money}.", words)
    elif RETURNS not in set(table["what"]):
        words = {"n": Quantity(table["customers"].iloc[0], "count"), "money": Quantity(table["money"].iloc[0], "money")}
        text = Text("{n} {n:customer was|customers were} lost because a payment failed; they paid {money} a month.", words)
        text = text if table["customers"].iloc[0] else Text("No customer was lost because a payment failed.")
    finding = Finding(
        "data_quality.conduct",
        "info" if len(bad) else "good",
        None if len(bad) or RETURNS not in set(table["what"]) else True,
        text,
        Text("Of clean tables at most {alarm} name anybody.", {"alarm": Quantity(work.agreed.false_alarm, "share")}),
        ("data_quality_conduct",),
        action=Text("Ask these customers why before anything is refused to them.") if len(bad) else None,
    )
    note = Text("Unpaid invoices by age cannot be assessed: no table holds invoices. To return goods is a right, and no proof.")
    return Result("data_quality_conduct", "table", title, table, columns=CONDUCT, finding=finding, note=note)


def _returns(kinds: pd.DataFrame, work: Checked) -> list[dict[str, Any]]:
    kinds = kinds[kinds["orders"] + kinds["returns"] > 0]
    total = float(kinds["n"].sum())
    if total < FEWEST or not kinds["returns"].sum():
        return []
    # a return without its purchase in the data is one case more
    cases = np.maximum(kinds["orders"].to_numpy(dtype="float64"), kinds["returns"].to_numpy(dtype="float64"))
    p = unusual(kinds["returns"].to_numpy(dtype="float64"), cases, times=kinds["n"].to_numpy(dtype="float64"))
    named = kinds[p < work.agreed.false_alarm / total]
    n = float(named["n"].sum())
    limits = wilson([n], [total], confidence=work.confidence)
    return [
        {
            "what": RETURNS,
            "customers": n,
            "of": total,
            "value": n / total,
            "low": float(limits.low[0]),
            "high": float(limits.high[0]),
            "money": float(named["money"].sum()),
            "rule": BINOMIAL,
        }
    ]


def _unpaid(found: pd.DataFrame, work: Checked) -> list[dict[str, Any]]:
    row = found.iloc[0]
    ended, forced = float(row["ended"]), float(row["forced"])
    if not ended:
        return []
    limits = wilson([forced], [ended], confidence=work.confidence)
    return [
        {
            "what": UNPAID,
            "customers": float(row["customers"]),
            "of": ended,
            "value": forced / ended,
            "low": float(limits.low[0]),
            "high": float(limits.high[0]),
            "money": float(row["money"]) if "money" in row and row["money"] == row["money"] else math.nan,
            "rule": COUNTED,
        }
    ]
