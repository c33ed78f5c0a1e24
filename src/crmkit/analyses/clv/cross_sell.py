"""What do customers buy together, and who has not bought the other part yet?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.clv.read import Purchases
from crmkit.core.results import Column, Finding, Numbers, Quantity, Result, Text, not_assessed
from crmkit.data.summaries.money import bought_by_customer
from crmkit.models.basics.families import holm
from crmkit.models.basics.shares import newcombe, wilson

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from crmkit.data.client import Client

COLUMNS = ("category", "product")
MOST_KINDS = 12
SHOWN = 10
SIGNIFICANT = 0.05


def cross_sell(company: Client, past: Purchases) -> Result:
    """Which goods go together, and how many buyers of one have not bought the other yet?

    Parameters
    ----------
    company : Client
        With transactions that tell the category or the product.
    past : Purchases

    Returns
    -------
    Result
        A row per ordered pair of the twelve most bought: buyers of the first, the share of them who have bought the second with
        its Wilson interval, the share among all other customers, the difference with its Newcombe interval and p after Holm,
        and buyers of the first who have not bought the second. The ten largest differences come first.

    Notes
    -----
    Who buys much buys more of everything, and who bought once holds one kind only: customers with two purchase days or more are
    compared with each other.
    """
    import pandas as pd

    name, title = "clv_cross_sell", Text("What is bought together, and by whom not yet")
    sales = company.tables.get("transactions")
    column = next((one for one in COLUMNS if sales is not None and one in sales.columns), "")
    if sales is None or not column or past.contracts is not None:
        return not_assessed(name, title, Text("needs transactions with a category or a product"))
    rows = bought_by_customer(sales, column=column, until=past.as_of)
    often = past.customers.loc[past.customers["purchase_days"] >= 2, "customer_id"]
    rows = rows[rows["customer_id"].isin(set(often))]
    common = rows[column].value_counts().index[:MOST_KINDS].tolist()
    if len(common) < 2 or len(often) < 2 * past.min_cell:
        return not_assessed(name, title, Text("too few customers bought twice, or only one kind of goods is sold"))
    has = pd.crosstab(rows["customer_id"], rows[column])[common].reindex(sorted(often), fill_value=0).to_numpy() > 0
    table = _pairs(has, common, past.confidence)
    told = table[["both", "open", "n_others"]].min(axis=1) >= past.min_cell
    shown = table[told].reset_index(drop=True)
    if shown.empty:
        return not_assessed(name, title, Text("too few customers bought twice, or only one kind of goods is sold"))
    shown["p"] = holm(shown["p"].to_numpy())
    shown = shown.sort_values(["gap", "first", "second"], ascending=[False, True, True], kind="stable").reset_index(drop=True)
    shown.attrs["rows"] = SHOWN
    return Result(
        name,
        "table",
        title,
        shown,
        columns=(
            Column("first", "Buyers of"),
            Column("second", "Have also bought"),
            Column("n", "Buyers", "count"),
            Column("value", "Share of them", "share", limits=("low", "high")),
            Column("others", "Of all others", "share"),
            Column("gap", "Difference", "share"),
            Column("p", "p", "p"),
            Column("open", "Not yet", "count"),
        ),
        finding=_finding(shown),
        note=Text(
            "{n} customers with two purchase days or more. Wilson intervals of shares; difference by Newcombe, p after Holm "
            "for {m} pairs. Not yet: buyers of the first who have never bought the second.",
            {"n": Quantity(len(often), "count"), "m": Quantity(len(shown), "count")},
        ),
    )


def _pairs(has: NDArray[np.bool_], names: list[Any], confidence: float) -> pd.DataFrame:
    """Every ordered pair: who has both, who of the others has the second."""
    import pandas as pd

    places = [(i, j) for i in range(len(names)) for j in range(len(names)) if i != j]
    n = np.array([has[:, i].sum() for i, _ in places])
    both = np.array([(has[:, i] & has[:, j]).sum() for i, j in places])
    n_others = len(has) - n
    alone = np.array([(~has[:, i] & has[:, j]).sum() for i, j in places])
    share = wilson(both, n, confidence=confidence)
    gap = newcombe(alone, n_others, both, n, confidence=confidence)
    return pd.DataFrame(
        {
            "first": [str(names[i]) for i, _ in places],
            "second": [str(names[j]) for _, j in places],
            "n": n.astype("float64"),
            "n_others": n_others.astype("float64"),
            "value": share.value,
            "low": share.low,
            "high": share.high,
            "others": wilson(alone, n_others, confidence=confidence).value,
            "gap": gap.value,
            "gap_low": gap.low,
            "gap_high": gap.high,
            "p": gap.p_value,
            "both": both.astype("float64"),
            "open": (n - both).astype("float64"),
        }
    )


def _finding(table: pd.DataFrame) -> Finding:
    first = table.iloc[0]
    numbers: Numbers = {
        "first": str(first["first"]),
        "second": str(first["second"]),
        "share": Quantity(first["value"], "share", first["low"], first["high"]),
        "others": Quantity(first["others"], "share"),
        "open": Quantity(first["open"], "count"),
        "n": Quantity(len(table), "count"),
    }
    if not (first["gap"] > 0 and first["p"] < SIGNIFICANT):
        text = Text("No two kinds of goods are bought together more often than by chance.", numbers)
        return Finding("clv.cross_sell", "info", None, text, evidence=("clv_cross_sell",))
    text = Text(
        "Buyers of {first} have also bought {second} more often than others: {share}, others {others}.",
        numbers,
    )
    action = Text("Offer {second} to the {open} buyers of {first} who have not bought it yet.", numbers)
    return Finding("clv.cross_sell", "info", None, text, evidence=("clv_cross_sell",), action=action)
