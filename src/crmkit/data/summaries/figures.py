"""What are the figures that every report begins with, and what would they be of other rows?

Revenue of a year, customers, how many of them are customers today, how many of those of a year ago still are, and how many
answers are satisfied: counted in one way, so that two versions of the tables can be compared.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crmkit.data.as_of import known_at
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.quality import spend
from crmkit.data.summaries.standing import ACTIVE, LAPSED, standing

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.core.settings import ItemSettings

YEAR = 365
BUYING = ("transactions", "subscriptions")
ABOUT = (*BUYING, "customers", "surveys")


def figures(
    tables: Mapping[str, Any],
    *,
    as_of: dt.date,
    active_days: int,
    csat: tuple[str, ItemSettings] | None = None,
) -> dict[str, tuple[float, float]]:
    """The figures of some tables.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
    as_of : date
    active_days : int
    csat : (str, ItemSettings) or None
        The question on satisfaction.

    Returns
    -------
    dict
        ``revenue`` (of a year, and of how many customers), ``customers`` (who ever bought or had a contract), ``active``, and
        as a pair of hits and cases ``kept`` (customers of a year ago who still are) and ``satisfied`` (answers of a year in
        the two best boxes). Those that the tables do not tell are left out.
    """
    found: dict[str, tuple[float, float]] = {}
    money = spend(tables, as_of=as_of, days=YEAR)
    if money is not None:
        row = to_frame(money.aggregate(money=money.money.sum().cast("float64"), n=money.count())).iloc[0]
        if row["n"]:
            found["revenue"] = (float(row["money"]), float(row["n"]))
    # whoever is listed and never bought is no customer here
    bought = {name: table for name, table in tables.items() if name in BUYING}
    now = standing(bought, as_of=as_of, active_days=active_days)
    if now is not None:
        state = now.set_index("customer_id")["state"]
        found["customers"] = (float(state.isin((ACTIVE, LAPSED)).sum()),) * 2
        found["active"] = (float((state == ACTIVE).sum()), found["customers"][0])
        before = as_of - dt.timedelta(days=YEAR)
        known = {name: known_at(table, name=name, day=before) for name, table in bought.items()}
        then = standing(known, as_of=before, active_days=active_days)
        if then is not None and len(then):
            those = then.loc[then["state"] == ACTIVE, "customer_id"]
            if len(those):
                found["kept"] = (float((state.reindex(those) == ACTIVE).sum()), float(len(those)))
    if csat is not None and "surveys" in tables:
        found |= _satisfied(tables["surveys"], as_of, *csat)
    return found


def _satisfied(surveys: Any, as_of: dt.date, item: str, asked: ItemSettings) -> dict[str, tuple[float, float]]:
    import ibis

    low, high = (float(end) for end in asked.scale)
    rows = surveys.filter((surveys.item_id == item) & surveys.score.notnull())
    day = next((one for one in ("responded_at", "sent_at") if one in surveys.columns), None)
    if day is not None:
        rows = rows.filter(rows[day].cast("date") > ibis.literal(as_of - dt.timedelta(days=YEAR)))
    score = rows.score.cast("float64")
    best = score <= low + 1 if asked.reverse else score >= high - 1
    row = to_frame(rows.aggregate(hits=rows.count(where=best), n=rows.count())).iloc[0]
    return {"satisfied": (float(row["hits"]), float(row["n"]))} if row["n"] else {}


def joined(tables: Mapping[str, Any], same: pd.DataFrame) -> dict[str, Any]:
    """The tables with records of one person under one number.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
    same : DataFrame
        ``customer_id, one``: of each record that is one too many, the number that it is counted under.
    """
    import ibis

    pairs = ibis.memtable(same[["customer_id", "one"]].rename(columns={"customer_id": "double"}))
    made = dict(tables)
    for name in (one for one in ABOUT if one in tables and "customer_id" in tables[one].columns):
        table = tables[name]
        rows = table.left_join(pairs, table.customer_id == pairs.double)
        made[name] = rows.select(
            customer_id=ibis.coalesce(rows.one, rows.customer_id),
            **{column: rows[column] for column in table.columns if column != "customer_id"},
        )
    return made


def listed(tables: Mapping[str, Any]) -> dict[str, Any]:
    """The tables without rows of those who are not in the customer table."""
    known = tables["customers"].select("customer_id").distinct()
    return {
        name: table.semi_join(known, "customer_id") if name in ABOUT and "customer_id" in table.columns else table
        for name, table in tables.items()
    }


def within(tables: Mapping[str, Any], *, low: float, high: float) -> dict[str, Any]:
    """The tables without purchases of unlike amounts; returns stay."""
    orders = tables["transactions"]
    back = orders.is_return.fill_null(False) if "is_return" in orders.columns else False
    amount = orders.amount.cast("float64")
    return {**tables, "transactions": orders.filter(back | amount.between(low, high) | (amount <= 0))}
