"""Where is the value? Concentration, tiers of customers, and the customers at the top."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from crmkit.analyses.clv.history import History
from crmkit.analyses.clv.holdout import HoldOut
from crmkit.analyses.clv.value import Values
from crmkit.core.errors import ModelError, ParamError
from crmkit.core.language import mark
from crmkit.core.privacy import suppress_small
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, curve, not_assessed
from crmkit.models import concentration as spread

LETTERS = "ABCDEFGHIJ"
TOP = 0.2
NO_VALUE = Text("there is no value per customer, because a model could not be fitted")


def concentration(past: History, values: Values | None) -> Result:
    """How unequally is the expected value spread over customers?

    Returns
    -------
    Result
        Lorenz curve; the finding gives the share of the top fifth and the Gini coefficient with intervals.
    """
    import pandas as pd

    title = Text("How the expected value is spread over customers")
    if values is None or values.clv is None:
        return not_assessed("clv_concentration", title, NO_VALUE)
    worth = values.customers["clv"].to_numpy()
    try:
        share, held = spread.lorenz(worth)
        gini = spread.gini(worth, confidence=past.confidence)
    except ModelError as err:
        return not_assessed("clv_concentration", title, err.text)
    table = curve(pd.DataFrame({"group": mark("customers"), "x": share, "value": held}))
    note = Text(
        "n = {n}; intervals at {confidence} treat the values as known.",
        {"n": Quantity(len(worth), "count"), "confidence": Quantity(past.confidence, "share")},
    )
    return Result(
        "clv_concentration",
        "concentration",
        title,
        table,
        columns=(Column("group", "Group", translate=True),),
        finding=concentration_finding(past, values, gini),
        note=note,
        alt=Text(
            "Lorenz curve under the diagonal: share of expected value held by the customers worth least, up to all of them."
        ),
        x=Axis("Share of customers, the least valuable first", "share"),
        y=Axis("Share of expected value", "share"),
    )


def concentration_finding(past: History, values: Values, gini: spread.Measure | None = None) -> Finding:
    """Concentration in one sentence."""
    worth = values.customers["clv"].to_numpy()
    gini = gini or spread.gini(worth, confidence=past.confidence)
    top = spread.top_share(worth, top=TOP, confidence=past.confidence)
    return Finding(
        id="clv.concentration",
        severity="info",
        passed=None,
        text=Text(
            "The most valuable {top} of customers hold {held} of the expected value; the Gini coefficient is {gini}.",
            {
                "top": Quantity(TOP, "share"),
                "held": Quantity(top.value, "share", top.low, top.high),
                "gini": Quantity(gini.value, "score", gini.low, gini.high),
            },
        ),
        evidence=("clv_concentration",),
    )


def assign_tiers(worth: Sequence[float] | np.ndarray, cuts: Sequence[float]) -> np.ndarray:
    """Which tier does each customer belong to?

    Parameters
    ----------
    worth : array, shape (n,)
        Expected value.
    cuts : sequence of float
        Rising cumulative shares of customers between 0 and 1: ``[0.2, 0.5]`` makes A the top 20 %, B the next 30 %, C the rest.

    Returns
    -------
    array of str, shape (n,)
        ``A`` for the best; customers of equal value share the better tier.

    Raises
    ------
    ParamError
        When the cuts do not rise strictly between 0 and 1, or are too many.

    Examples
    --------
    >>> assign_tiers([5.0, 1.0, 3.0, 2.0], [0.25, 0.5]).tolist()
    ['A', 'C', 'B', 'C']
    """
    edges = [0.0, *cuts, 1.0]
    if any(low >= high for low, high in pairwise(edges)) or len(edges) - 1 > len(LETTERS):
        raise ParamError(f"tiers: are {list(cuts)}; shares that rise between 0 and 1 are needed, at most {len(LETTERS) - 1}")
    values = np.asarray(worth, dtype="float64")
    ahead = len(values) - np.searchsorted(np.sort(values), values, side="right")
    place = np.searchsorted(np.asarray(cuts), ahead / max(len(values), 1), side="right")
    return np.array(list(LETTERS))[place]


def tiers(past: History, values: Values | None, check: HoldOut | None, *, cuts: Sequence[float]) -> Result:
    """What do the tiers hold, and did the order of customers hold in the held-out days?

    Returns
    -------
    Result
        One row per tier: customers, share of customers, expected value and its share, value per customer, mean probability to
        be active; and, with a hold-out, mean purchases that customers ranked so beforehand really made.
    """
    title = Text("Tiers of customers by expected value")
    if values is None or values.clv is None:
        return not_assessed("clv_tiers", title, NO_VALUE)
    table = values.customers.assign(tier=assign_tiers(values.customers["clv"].to_numpy(), cuts))
    grouped = table.groupby("tier", sort=True)
    rows = grouped.agg(n=("clv", "size"), value=("clv", "sum"), p_alive=("p_alive", "mean")).reset_index()
    total = float(rows["value"].sum())
    rows = rows.assign(
        share_n=rows["n"] / rows["n"].sum(),
        share_value=rows["value"] / total if total else float("nan"),
        mean_value=rows["value"] / rows["n"],
        holdout=rows["tier"].map(_holdout_by_tier(check, cuts)),
    )
    hidden = ["value", "p_alive", "share_n", "share_value", "mean_value", "holdout"]
    shown = suppress_small(rows, values=hidden, min_cell=past.min_cell)
    columns = (
        Column("tier", "Tier"),
        Column("n", "Customers", "count"),
        Column("share_n", "Share of customers", "share"),
        Column("value", "Expected value", "money"),
        Column("share_value", "Share of value", "share"),
        Column("mean_value", "Value per customer", "money"),
        Column("p_alive", "Mean probability to be active", "share"),
        *([Column("holdout", "Purchases in the held-out days", "score")] if check else []),
    )
    note = Text(
        "Customers of equal value share the better tier. Purchases in the held-out days: mean of the customers whom the "
        "forecast, which had not seen those days, put into this tier."
    )
    return Result("clv_tiers", "table", title, shown, columns=columns, note=note)


def _holdout_by_tier(check: HoldOut | None, cuts: Sequence[float]) -> dict[str, float]:
    import pandas as pd

    if check is None:
        return {}
    tier = assign_tiers(check.forecasts[check.chosen], cuts)
    return {str(name): float(mean) for name, mean in pd.Series(check.actual).groupby(tier).mean().items()}


def top_customers(values: Values | None, *, most: int) -> Result:
    """Who are the customers that are worth most?

    Parameters
    ----------
    values : Values or None
    most : int
        Length of the list.

    Returns
    -------
    Result
        One row per customer, the most valuable first; ties in the order of ids. Shown under pseudonyms.
    """
    title = Text("The customers worth most")
    if values is None or values.clv is None:
        return not_assessed("clv_top_customers", title, NO_VALUE)
    wanted = [
        "customer_id",
        "clv",
        "p_alive",
        "expected_purchases",
        "expected_spend",
        "purchase_days",
        "days_since_last",
        "total",
    ]
    ranked = values.customers.sort_values(["clv", "customer_id"], ascending=[False, True], kind="stable")
    table = ranked.head(most)[wanted].reset_index(drop=True)
    columns = (
        Column("customer_id", "Customer", "customer"),
        Column("clv", "Expected value", "money"),
        Column("p_alive", "Probability to be active", "share"),
        Column("expected_purchases", "Expected purchases", "score"),
        Column("expected_spend", "Expected spend per purchase", "money"),
        Column("purchase_days", "Purchase days so far", "count"),
        Column("days_since_last", "Days since last purchase", "count"),
        Column("total", "Spent so far", "money"),
    )
    return Result("clv_top_customers", "table", title, table, columns=columns, customers=True)
