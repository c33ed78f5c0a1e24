"""Where is the value? Concentration, tiers of customers, and the customers at the top."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.analyses.clv.fit import Models
from crmkit.analyses.clv.purchase_value import worth_each
from crmkit.analyses.clv.read import Purchases, no_value
from crmkit.analyses.clv.resampling import customer_limits
from crmkit.analyses.clv.values import RULES, Tiering, Values, assign_tiers
from crmkit.core.errors import ModelError
from crmkit.core.language import in_a_row, mark
from crmkit.core.privacy import suppress_small
from crmkit.core.results import Axis, Column, Finding, Numbers, Quantity, Result, Text, Unit, curve, not_assessed
from crmkit.models.basics import concentration as spread
from crmkit.models.basics.estimates import critical

if TYPE_CHECKING:
    import pandas as pd

TOP = 0.2
LIMIT_COLUMNS = (
    Column("low", "Parameters: from", "money"),
    Column("high", "Parameters: to", "money"),
    Column("outcome_low", "With chance: from", "money"),
    Column("outcome_high", "With chance: to", "money"),
)


def concentration(past: Purchases, values: Values | None) -> Result:
    """How unequally is the expected value spread over customers?

    Returns
    -------
    Result
        Lorenz curve; the finding gives the share of the top fifth and the Gini coefficient with intervals.
    """
    import pandas as pd

    title = Text("How the expected value is spread over customers")
    if values is None or values.clv is None:
        return not_assessed("clv_concentration", title, no_value(past))
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


def concentration_finding(past: Purchases, values: Values, gini: spread.Measure | None = None) -> Finding:
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


def tiers(past: Purchases, models: Models, values: Values | None) -> Result:
    """What do the tiers hold, and did the order of customers hold in the held-out days?

    Parameters
    ----------
    past, models, values
        As computed for the page.

    Returns
    -------
    Result
        One row per tier: customers, share of customers, expected value and its share, value per customer, mean probability to
        be active; and, with a hold-out, what customers really bought in it whom the models, which had not seen it, put into
        this tier by the same rule: their number, mean value with interval, and share of all value of those days.
    """
    title = Text("Tiers of customers by expected value")
    if values is None or values.clv is None:
        return not_assessed("clv_tiers", title, no_value(past))
    rows = values.customers.groupby("tier", sort=True).agg(n=("clv", "size"), value=("clv", "sum"), p_alive=("p_alive", "mean"))
    held = _held_out(past, models, values)
    rows = rows.reindex(list(values.tiering.names)).join(held).rename_axis("tier").reset_index()
    rows[["n", "value"]] = rows[["n", "value"]].fillna(0.0)
    total = float(rows["value"].sum())
    rows = rows.assign(
        share_n=rows["n"] / rows["n"].sum(),
        share_value=rows["value"] / total if total else float("nan"),
        mean_value=rows["value"] / rows["n"].where(rows["n"] > 0),
    )
    later = [name for name in HELD if name in rows]
    shown = suppress_small(rows, values=["value", "p_alive", "share_n", "share_value", "mean_value"], min_cell=past.min_cell)
    if later:
        hidden = suppress_small(rows, values=later[1:], n=later[0], min_cell=past.min_cell)
        shown[later] = hidden[later].mask(shown["suppressed"])
    columns = (*_columns(), *(_held_columns() if later else ()))
    return Result(
        "clv_tiers", "table", title, shown, columns=columns, finding=_finding(rows, later), note=_note(values.tiering, later)
    )


HELD = ("held_n", "held_mean", "held_low", "held_high", "held_share", "held_value")


def _columns() -> tuple[Column, ...]:
    return (
        Column("tier", "Tier"),
        Column("n", "Customers", "count"),
        Column("share_n", "Share of customers", "share"),
        Column("value", "Expected value", "money"),
        Column("share_value", "Share of value", "share"),
        Column("mean_value", "Value per customer", "money"),
        Column("p_alive", "Mean probability not to have left", "share"),
    )


def _held_columns() -> tuple[Column, ...]:
    return (
        Column("held_n", "Customers ranked so before", "count"),
        Column("held_mean", "Actual value in the held-out days, per customer", "money", limits=("held_low", "held_high")),
    )


def _held_out(past: Purchases, models: Models, values: Values) -> pd.DataFrame:
    """What each tier of the split really brought afterwards; no columns where nothing is held out."""
    import pandas as pd

    names = pd.Index(list(values.tiering.names), name="tier")
    if past.calibration is None or models.calibration is None:
        return pd.DataFrame(index=names)
    table = past.calibration.customers
    then = worth_each(table, models.calibration, chosen=values.model, per=past.days_per_unit, terms=values.terms)
    if then is None:
        return pd.DataFrame(index=names)
    actual = pd.Series(values.terms.margin * table["holdout_value"].to_numpy(dtype="float64"))
    parts = actual.groupby(assign_tiers(then, values.tiering))
    n, mean = parts.size().reindex(names, fill_value=0), parts.mean().reindex(names)
    reach = critical(past.confidence) * parts.std(ddof=1).reindex(names) / n**0.5
    value = parts.sum().reindex(names, fill_value=0.0)
    share = value / value.sum() if value.sum() else value * float("nan")
    found = dict(zip(HELD, (n, mean, (mean - reach).clip(lower=0.0), mean + reach, share, value), strict=True))
    return pd.DataFrame(found, index=names)


def _finding(rows: pd.DataFrame, later: list[str]) -> Finding | None:
    """Whether better tiers really brought more."""
    known = rows[rows["held_n"] > 0] if later else rows.head(0)
    if len(known) < 2:
        return None
    first, last = known.iloc[0], known.iloc[-1]
    good = bool(known["held_mean"].is_monotonic_decreasing)
    numbers: Numbers = {
        "best": str(first["tier"]),
        "value": Quantity(float(first["held_mean"]), "money", float(first["held_low"]), float(first["held_high"])),
        "share": Quantity(float(first["held_share"]), "share"),
        "worst": str(last["tier"]),
        "other": Quantity(float(last["held_mean"]), "money"),
    }
    text = Text(
        "Customers whom the forecast put into tier {best} really brought {value} each in the held-out days, {share} of all; "
        "those in tier {worst} brought {other}.",
        numbers,
    )
    return Finding(
        "clv.tiers",
        "good" if good else "warning",
        good,
        text,
        criteria=Text("Each tier brought more per customer than the next."),
        evidence=("clv_tiers",),
    )


def _note(tiering: Tiering, later: list[str]) -> Text:
    cuts, by = tiering.cuts, tiering.by
    unit: Unit = "money" if by == "fixed" else "share"
    rule = Text(RULES[by].template, {"cuts": in_a_row([Quantity(cut, unit) for cut in cuts])})
    if not later:
        return Text("{rule} Customers of equal value share the better tier.", {"rule": rule})
    return Text(
        "{rule} Customers of equal value share the better tier. Actual value: revenue times margin in the"
        " held-out days, of customers whom the earlier models put into this tier by the same rule. Limits"
        " are normal intervals of the mean.",
        {"rule": rule},
    )


def limits_note(past: Purchases) -> Text:
    """What the limits of single customers mean."""
    return Text(
        "{confidence} intervals: by the parameters, what is expected of the customer. With chance: what "
        "the customer will really bring, which one purchase more or less decides.",
        {"confidence": Quantity(past.confidence, "share")},
    )


def top_customers(past: Purchases, values: Values | None, *, most: int) -> Result:
    """Who are the customers that are worth most?

    Parameters
    ----------
    past, values
        As computed for the page.
    most : int
        Length of the list.

    Returns
    -------
    Result
        One row per customer, the most valuable first; ties in the order of ids. Shown under pseudonyms. Beside the value, with
        refits: ``low, high`` = what the parameters leave open, ``outcome_low, outcome_high`` = between which limits the
        customer will really bring money.
    """
    title = Text("The customers worth most")
    if values is None or values.clv is None:
        return not_assessed("clv_top_customers", title, no_value(past))
    wanted = [
        "customer_id",
        "clv",
        "frequency",
        "p_alive",
        "expected_purchases",
        "expected_spend",
        "purchase_days",
        "days_since_last",
        "total",
    ]
    ranked = values.customers.sort_values(["clv", "customer_id"], ascending=[False, True], kind="stable")
    chosen = ranked.head(most).reset_index(drop=True)
    limits = customer_limits(values, chosen, confidence=past.confidence)
    table = chosen[wanted] if limits is None else chosen[wanted].join(limits)
    columns: tuple[Column, ...] = (
        Column("customer_id", "Customer", "customer"),
        Column("clv", "Expected value", "money"),
        *(() if limits is None else LIMIT_COLUMNS),
        Column("p_alive", "Probability not to have left", "share"),
        Column("expected_purchases", "Expected purchases", "score"),
        Column("purchase_days", "Purchase days so far", "count"),
        Column("total", "Spent so far", "money"),
    )
    if values.under_contract:
        columns = (
            *columns[: 2 if limits is None else 2 + len(LIMIT_COLUMNS)],
            Column("expected_purchases", "Expected months paid", "score"),
            Column("expected_spend", "Price per month", "money"),
            Column("frequency", "Months so far", "count"),
            Column("total", "Paid so far", "money"),
        )
    note = None if limits is None else limits_note(past)
    table.attrs["rows"] = most
    return Result("clv_top_customers", "table", title, table, columns=columns, note=note, customers=True)
