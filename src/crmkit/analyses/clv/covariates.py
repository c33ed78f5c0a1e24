"""Which kinds of customers buy more often, and which stay longer? The coefficients of the model with covariates, in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crmkit.analyses.clv.fit import NAMES, WITH, WITH_COVARIATES, KindFits, Models
from crmkit.analyses.clv.read import NO_PURCHASES, Purchases
from crmkit.analyses.clv.segments import NAMES as COLUMN_NAMES
from crmkit.core.format import p_words
from crmkit.core.language import mark
from crmkit.core.results import Column, Finding, Numbers, Quantity, Result, Text, not_assessed
from crmkit.models.basics.families import holm

if TYPE_CHECKING:
    pass

EFFECTS = {"buying": mark("buys"), "leaving": mark("leaves")}


def effects(past: Purchases, models: Models) -> Result:
    """Which kinds of customers buy more often than others, and which leave sooner?

    Returns
    -------
    Result
        One row per kind and effect: by which factor the rate differs from that of the reference, with Wald interval and
        Holm-adjusted p over the table. From Pareto/NBD, where buying and leaving have one factor each; the finding tests all
        of them together (likelihood ratio).
    """
    import pandas as pd

    title = Text("Kinds of customers: how often they buy, how soon they leave")
    kinds = models.final.kinds
    fitted = kinds.fits.get(WITH_COVARIATES[0])
    if fitted is None:
        return not_assessed("clv_effects", title, NO_PURCHASES if past.customers.empty else no_kinds(kinds))
    rows = []
    for one in fitted.coefficients:
        column, level = kinds.levels[one.covariate]
        rows.append(
            {
                "criterion": COLUMN_NAMES[column],
                "segment": level,
                "reference": kinds.reference[column],
                "effect": EFFECTS[one.effect],
                "ratio": math.exp(one.value),
                "low": math.exp(one.low),
                "high": math.exp(one.high),
                "p": one.p_value,
                "n": int(kinds.design[one.covariate].sum()) if kinds.design is not None else 0,
            }
        )
    table = pd.DataFrame(rows)
    table["p_adjusted"] = holm(table["p"])
    columns = (
        Column("criterion", "By", translate=True),
        Column("segment", "Segment", translate=True),
        Column("reference", "Compared with", translate=True),
        Column("effect", "Effect", translate=True),
        Column("ratio", "Rate times", "score", limits=("low", "high")),
        Column("p_adjusted", "Adjusted p", "p"),
        Column("n", "Customers", "count"),
    )
    return Result("clv_effects", "table", title, table, columns=columns, finding=_finding(past, models), note=NOTE)


NOTE = Text(
    "A rate times two means: an active customer of this kind buys twice as often, or leaves twice as "
    "soon. It is compared with the kind named, all else equal. Wald intervals; p corrected for all "
    "rows (Holm). Values and lists come from the model without covariates."
)


def no_kinds(kinds: KindFits) -> Text:
    """Why there is no model with covariates."""
    for reason in kinds.reasons.values():
        return Text("{reason}", {"reason": reason if isinstance(reason, Text) else str(reason)})
    return Text("the customer table has no column of covariates with two kinds of customers or more")


def _finding(past: Purchases, models: Models) -> Finding:
    name = WITH_COVARIATES[0]
    with_, without = models.final.kinds.fits[name], models.final.fits.get(name)
    gain = 0.0 if without is None else without.aic - with_.aic
    better = with_.test.p_value < 1 - past.confidence
    numbers: Numbers = {
        "model": Text(NAMES[name + WITH]),
        "statistic": Quantity(with_.test.statistic, "score"),
        "degrees": Quantity(with_.test.degrees, "count"),
        "p": p_words(with_.test.p_value),
        "aic": Quantity(gain, "points"),
    }
    text = (
        Text(
            "Kinds of customers differ in how they buy or leave: {model} is better by {aic} in AIC. Likelihood ratio "
            "{statistic}, {degrees} degrees of freedom, p: {p}.",
            numbers,
        )
        if better
        else Text(
            "Kinds of customers do not differ significantly in how they buy or leave. Likelihood ratio "
            "{statistic}, {degrees} degrees of freedom, p: {p}.",
            numbers,
        )
    )
    return Finding("clv.effects", "info", None, text, evidence=("clv_effects", "clv_model_choice"))
