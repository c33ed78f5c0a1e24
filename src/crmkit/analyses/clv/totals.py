"""What is to be expected of all customers together, and how sure is it that they are still there?"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from crmkit.analyses.clv.customers import shares
from crmkit.analyses.clv.fit import NAMES
from crmkit.analyses.clv.months import by_month
from crmkit.analyses.clv.read import Purchases
from crmkit.analyses.clv.resampling import ALL, PURCHASES, VALUE
from crmkit.analyses.clv.values import BY_CONTRACT, Refits, Values, awake, lacking
from crmkit.core.language import mark
from crmkit.core.results import Axis, Column, Finding, Numbers, Quantity, Result, Text, Unit, estimates, not_assessed

if TYPE_CHECKING:
    import pandas as pd

AT_RISK_BELOW = 0.5
BANDS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
LEAST_HELD = 0.75


def totals(past: Purchases, values: Values | None) -> Result:
    """What is to be expected of all customers together? Value boxes."""
    title = Text("Expected from all customers together")
    if values is None:
        return not_assessed("clv_totals", title, Text("no model could be fitted; the section on the models says why"))
    n = len(values.customers)
    bound = values.under_contract
    boxes = [
        (
            mark("Customers under contract") if bound else mark("Customers who have not left, estimated"),
            "alive",
            values.alive,
            "count",
        ),
        (mark("Expected months paid") if bound else mark("Expected purchases"), "purchases", values.purchases, "count"),
        (mark("Expected value"), "clv", values.clv, "money"),
    ]
    rows = [
        {
            "group": label,
            "measure": measure,
            "value": one.value,
            "low": one.low if one.low < one.high else float("nan"),
            "high": one.high if one.low < one.high else float("nan"),
            "n": n,
            "unit": unit,
            "method": _method(values, measure),
        }
        for label, measure, one, unit in boxes
        if one is not None
    ]
    finding, table, behind = value_finding(past, values), estimates(rows), by_month(past)
    table.attrs["history"] = {label: behind.get(measure, {}) for label, measure, *_ in boxes}
    return Result("clv_totals", "values", title, table, finding=finding, note=_totals_note(past, values))


METHOD = mark("delta method on the log-parameters")
BOOTSTRAP = mark("refits to customers drawn with replacement")
NORMAL = mark("draws from the normal approximation of the parameters (Laplace)")
WHOLE = mark("refits, chance, and the errors of earlier forecasts")


def _method(values: Values, measure: str) -> str:
    if measure == "alive":
        return mark("count") if values.under_contract else METHOD
    if values.refits is None:
        return METHOD
    if (VALUE if measure == "clv" else PURCHASES) in learned(values):
        return WHOLE
    return BOOTSTRAP if values.refits.method == "bootstrap" else NORMAL


def _totals_note(past: Purchases, values: Values) -> Text:
    terms = values.terms
    numbers: dict[str, Quantity | Text | str] = {
        "model": Text(NAMES[values.model]),
        "span": terms.span(),
        "rate": Quantity(terms.discount_rate, "share"),
        "margin": Quantity(terms.margin, "share"),
        "cost": Quantity(terms.retention_cost, "money"),
        "confidence": Quantity(past.confidence, "share"),
    }
    covers = _covers(values)
    numbers["covers"] = covers
    if not past.spend.known:
        return Text("{model}, {span}, intervals at {confidence}. {covers}", numbers)
    if terms.retention_cost:
        return Text(
            "{model}, {span}, {rate} yearly discount, continuous. {margin} of revenue counts as value, less "
            "{cost} per year for keeping a customer who is still one. Intervals at {confidence}. {covers}",
            numbers,
        )
    return Text(
        "{model}, {span}, {rate} yearly discount, continuous. {margin} of revenue counts as value. Intervals at {confidence}. "
        "{covers}",
        numbers,
    )


def _covers(values: Values) -> Text:
    """What the ranges of the totals hold, and what they leave out."""
    known = learned(values)
    if not known:
        return Text("Ranges hold the uncertainty of the parameters, without the error of the model.")
    if values.clv is not None and VALUE not in known:
        return Text(
            "The range of purchases holds parameters, chance, and how far earlier forecasts were off; that of value leaves out "
            "the error of the model."
        )
    return Text("Ranges of purchases and value hold parameters, chance, and how far earlier forecasts were off.")


def learned(values: Values) -> frozenset[str]:
    """The measures whose ranges hold the errors of earlier forecasts."""
    if values.refits is None or values.refits.origins is None:
        return frozenset()
    table = values.refits.table
    return frozenset(table.loc[(table["group"] == ALL) & table["judged"].notna(), "measure"])


def intervals(past: Purchases, values: Values | None) -> Result:
    """Between which limits will purchases and value lie, for all customers and for each tier?

    Parameters
    ----------
    past : Purchases
    values : Values or None
        Made with refits: see the parameters of :func:`crmkit.analyses.clv.purchase_value.customer_values`.

    Returns
    -------
    Result
        One row per measure and tier, the table of :class:`crmkit.analyses.clv.values.Refits`.
    """
    title = Text("How sure the totals are")
    if values is None:
        return not_assessed("clv_intervals", title, Text("no model could be fitted; the section on the models says why"))
    if values.refits is None:
        return not_assessed("clv_intervals", title, values.no_refits or Text("no refits were asked for"))
    columns = (
        Column("group", "Tier", translate=True),
        Column("measure", "Measure", translate=True),
        Column("value", "Expected", "count"),
        Column("low", "Parameters: from", "count"),
        Column("high", "Parameters: to", "count"),
        Column("outcome_low", "With chance: from", "count"),
        Column("outcome_high", "With chance: to", "count"),
        *(_WHOLE_COLUMNS if learned(values) else ()),
    )
    table = values.refits.table
    return Result("clv_intervals", "table", title, table, columns=columns, note=_intervals_note(past, values, values.refits))


_WHOLE_COLUMNS = (
    Column("whole_low", "With the model's error: from", "count"),
    Column("whole_high", "With the model's error: to", "count"),
)


def _intervals_note(past: Purchases, values: Values, refits: Refits) -> Text:
    numbers: dict[str, Quantity | Text | str] = {
        "model": Text(NAMES[values.model]),
        "span": values.terms.span(),
        "draws": Quantity(len(refits.models), "count"),
        "futures": Quantity(refits.futures, "count"),
        "confidence": Quantity(past.confidence, "share"),
        "covers": _covers(values),
    }
    if refits.method == "bootstrap":
        return Text(
            "{model}, {span}; {draws} refits to customers drawn with replacement, {futures} futures of every customer; "
            "{confidence} intervals. {covers}",
            numbers,
        )
    return Text(
        "{model}, {span}. {draws} draws from the normal approximation of the parameters (Laplace), as "
        "with covariates or very many different histories. {futures} futures of every customer; "
        "{confidence} intervals. {covers}",
        numbers,
    )


def past_ranges(past: Purchases, values: Values | None) -> Result:
    """Did earlier ranges hold?

    Parameters
    ----------
    past : Purchases
    values : Values or None
        Made with ``origins``.

    Returns
    -------
    Result
        One row per tier, and one for all customers: what was forecast from the newest earlier day that can be judged, its
        range as it could be known on that day, what came, and how many of all earlier ranges held; then the value of today,
        and what the model alone says, before tiers are moved by what was off on the earlier days.
    """
    title = Text("Did earlier ranges hold?")
    if values is None or values.refits is None or values.refits.origins is None or not learned(values):
        reason = Text("needs purchases, a horizon, and three earlier days from which a forecast can be tested")
        return not_assessed("clv_past_ranges", title, lacking(values) or reason)
    origins = values.refits.origins
    unit: Unit = "money" if VALUE in learned(values) else "count"
    rows = _judged(values)
    columns = (
        Column("group", "Tier", translate=True),
        Column("then_forecast", "Forecast then", unit, limits=("then_low", "then_high")),
        Column("then_actual", "What came", unit),
        Column("judged", "Ranges judged", "count"),
        Column("held", "Held", "count"),
        Column("value", "Forecast today", unit, limits=("whole_low", "whole_high")),
        Column("model", "By the model alone", unit),
    )
    ahead = origins.horizon_days
    carried = Text(
        "Their errors are carried to {days}, with a doubt that grows.", {"days": Quantity(values.terms.horizon_days, "days")}
    )
    numbers: dict[str, Quantity | Text | str] = {
        "days": Quantity(origins.table["origin"].nunique(), "count"),
        "ahead": Quantity(ahead, "days"),
        "carried": "" if ahead >= values.terms.horizon_days else carried,
        "confidence": Quantity(past.confidence, "share"),
    }
    note = Text(
        "{days} earlier forecasts, each {ahead} ahead; {confidence} ranges. Each rests on errors known on its day. {carried} "
        "Today's forecasts of tiers are moved by what earlier ones were off by; the total is the model's.",
        numbers,
    )
    return Result("clv_past_ranges", "table", title, rows, columns=columns, finding=ranges_finding(values), note=note)


def _judged(values: Values) -> pd.DataFrame:
    """Sums with what past errors say of them; of money where there is money."""
    if values.refits is None or values.refits.origins is None:
        raise ValueError("nothing was learned from earlier forecasts")
    table = values.refits.table
    own = (table["measure"] == (VALUE if VALUE in learned(values) else PURCHASES)) & table["judged"].notna()
    return table[own].reset_index(drop=True)


def ranges_finding(values: Values) -> Finding | None:
    """How many earlier ranges held, in one sentence."""
    if values.refits is None or values.refits.origins is None or not learned(values):
        return None
    rows = _judged(values)
    judged, held = int(rows["judged"].sum()), int(rows["held"].sum())
    if not judged:
        return None
    good = held >= LEAST_HELD * judged
    numbers: Numbers = {
        "judged": Quantity(judged, "count"),
        "held": Quantity(held, "count"),
        "ahead": Quantity(values.refits.origins.horizon_days, "days"),
    }
    return Finding(
        id="clv.past_ranges",
        severity="good" if good else "warning",
        passed=good,
        text=Text("Of {judged} earlier ranges, for all customers and for tiers, {held} held what came in {ahead}.", numbers),
        criteria=Text("At least {limit} of earlier ranges held.", {"limit": Quantity(LEAST_HELD, "share")}),
        evidence=("clv_past_ranges",),
        action=None if good else Text("Plan with the limits of the ranges, not with the values between them."),
    )


def value_finding(past: Purchases, values: Values) -> Finding | None:
    """The value of the customer base in one sentence."""
    if values.clv is None:
        return None
    total = Quantity(values.clv.value, "money", values.clv.low, values.clv.high)
    return Finding(
        id="clv.value",
        severity="info",
        passed=None,
        text=Text(
            "Today's {n} customers are worth {total} over {span}.",
            {"n": Quantity(len(values.customers), "count"), "total": total, "span": values.terms.span()},
        ),
        evidence=("clv_totals",),
    )


def alive_finding(values: Values) -> Finding:
    """How many customers are still there, in one sentence."""
    n = len(values.customers)
    if values.all_stay:
        silent = int((awake(values.customers) < AT_RISK_BELOW).sum())
        text = Text(
            "There is no sign that anybody leaves: what follows is how long they take to come back. {silent} of {n} customers "
            "{silent:has|have} been silent for more than three of their own gaps.",
            {"silent": Quantity(silent, "count"), "n": Quantity(n, "count")},
        )
        return Finding("clv.alive", "info", None, text, evidence=("clv_alive", "clv_totals"))
    return Finding(
        id="clv.alive",
        severity="info",
        passed=None,
        text=Text(
            "An estimated {alive} of {n} customers {alive:has|have} not left, {share}.",
            {
                "alive": Quantity(values.alive.value, "count", values.alive.low, values.alive.high),
                "n": Quantity(n, "count"),
                "share": Quantity(values.alive.value / n, "share"),
            },
        ),
        evidence=("clv_alive", "clv_totals"),
    )


def alive(past: Purchases, values: Values | None) -> Result:
    """How sure is it that customers are still active? Customers by their probability."""
    import pandas as pd

    title = Text("Customers by the probability that they have not left")
    if values is None or values.under_contract:
        return not_assessed("clv_alive", title, lacking(values) or BY_CONTRACT)
    cut = pd.cut(values.customers["p_alive"], BANDS, include_lowest=True, labels=_band_labels())
    counts, n = cut.value_counts(sort=False), len(cut)
    return Result(
        "clv_alive",
        "bars",
        title,
        shares(counts, confidence=past.confidence),
        finding=alive_finding(values),
        note=Text(
            "{model}, n = {n}; whiskers are Wilson intervals of the share in each band.",
            {"model": NAMES[values.model], "n": Quantity(n, "count")},
        ),
        alt=Text("Bars: share of customers in five bands of the probability not to have left, from the lowest to the highest."),
        x=Axis("Probability not to have left", "text"),
        y=Axis("Share of customers", "share"),
    )


def _band_labels() -> list[str]:
    return [f"{low:.0%}–{high:.0%}" for low, high in pairwise(BANDS)]
