"""On which models do these pages rest, how good are they on days that they had not seen, and is a simple rule as good?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crmkit.core.errors import CrmkitError
from crmkit.core.language import mark
from crmkit.core.reading import Reading
from crmkit.core.results import Column, Result, Text, not_assessed

if TYPE_CHECKING:
    import pandas as pd

TITLE = Text("Models behind these pages")
NEEDED = Text("needs the report on customer value, or that on leaving, with days that were held out")
BUYS, LEAVES = mark("what customers will buy"), mark("who leaves")
ERROR = mark("mean error, purchases per customer: less is better")
ORDER = mark("chance to rank a leaver first: more is better")
REPORTED = mark("the model of the report")
MODEL, AUC = "the model", "AUC at the horizon"
# orders that are the model's own
OWN_ORDERS = (MODEL, "the model, by profit", "mean of both models")


def model_cards(results: Mapping[str, Reading]) -> Result:
    """Which model says what, from how many customers, and how good is it on days that it had not seen?

    Parameters
    ----------
    results : mapping of analysis to Reading
        ``clv`` and ``churn``.

    Returns
    -------
    Result
        A row per model in use: ``says, model, measure``, ``value, low, high, n`` on held-out days, ``rule`` (best simple
        rule) and ``by_rule`` (the same measure of it).
    """
    import pandas as pd

    rows = [row for row in (_value(results.get("clv")), _leaving(results.get("churn"))) if row is not None]
    if not rows:
        return not_assessed("audit_models", TITLE, NEEDED)
    columns = (
        Column("says", "Says", translate=True),
        Column("model", "Model", translate=True),
        Column("measure", "Measured on days not seen", translate=True),
        Column("value", "Value", "score"),
        Column("interval", "Interval", "score"),
        Column("n", "n", "count"),
        Column("rule", "Best simple rule", translate=True),
        Column("by_rule", "Of that rule", "score"),
    )
    note = Text("Inputs, tests and limits of each model stand in its own report.")
    return Result("audit_models", "table", TITLE, pd.DataFrame(rows), columns=columns, note=note)


def _table(reading: Reading | None, name: str) -> pd.DataFrame | None:
    if reading is None or reading.reason is not None:
        return None
    try:
        found = reading.table(name)
    except CrmkitError:  # the report made no such table
        return None
    return found if len(found) else None


def _value(clv: Reading | None) -> dict[str, Any] | None:
    """The model of purchases in use, the first of the table; rules are what is no fitted model."""
    held, fitted = _table(clv, "clv_accuracy"), _table(clv, "clv_model_choice")
    if held is None or fitted is None or not {"mae", "model"} <= set(held.columns):
        return None
    first = held.iloc[0]
    rules = held[~held["model"].isin(set(fitted["model"]))].sort_values("mae")
    return {
        "says": BUYS,
        "model": str(first["model"]),
        "measure": ERROR,
        "value": first["mae"],
        "low": first["mae_low"],
        "high": first["mae_high"],
        "n": first["n"],
        "rule": "" if rules.empty else str(rules["model"].iloc[0]),
        "by_rule": float("nan") if rules.empty else float(rules["mae"].iloc[0]),
    }


def _leaving(churn: Reading | None) -> dict[str, Any] | None:
    """The model of leaving, and the best of the simple orders, by their mean over the days of the back-test."""
    found = _table(churn, "churn_accuracy")
    own = None if found is None else found[found["measure"] == AUC]
    if own is None or own.empty:
        return None
    first, tried = own.iloc[0], _table(churn, "churn_backtest")
    rules = None if tried is None else tried[~tried["rule"].isin(OWN_ORDERS)].groupby("rule")["auc"].mean().dropna()
    known = rules is not None and len(rules) > 0
    return {
        "says": LEAVES,
        "model": str(first["group"]) or REPORTED,
        "measure": ORDER,
        **{name: first[name] for name in ("value", "low", "high", "n")},
        "rule": str(rules.idxmax()) if known and rules is not None else "",
        "by_rule": float(rules.max()) if known and rules is not None else float("nan"),
    }
