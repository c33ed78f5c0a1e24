"""How sure are the totals? What is not known about the parameters, and what single customers may do, told apart."""

from __future__ import annotations

from crmkit.analyses.clv.fit import NAMES
from crmkit.analyses.clv.read import History
from crmkit.analyses.clv.resampling import Refits
from crmkit.analyses.clv.values import Values
from crmkit.core.results import Column, Numbers, Quantity, Result, Text, not_assessed


def intervals(past: History, values: Values | None) -> Result:
    """Between which limits will purchases and value lie, for all customers and for each tier?

    Parameters
    ----------
    past : History
    values : Values or None
        Made with refits: see the parameters of :func:`crmkit.analyses.clv.value.customer_values`.

    Returns
    -------
    Result
        One row per measure and tier, the table of :class:`crmkit.analyses.clv.resampling.Refits`.
    """
    title = Text("How sure the totals are")
    if values is None:
        return not_assessed("clv_intervals", title, Text("no purchase model could be fitted"))
    if values.refits is None:
        return not_assessed("clv_intervals", title, values.no_refits or Text("no refits were asked for"))
    columns = (
        Column("group", "Tier", translate=True),
        Column("measure", "Measure", translate=True),
        Column("value", "Expected", "count"),
        Column("low", "Parameters: from", "count"),
        Column("high", "to", "count"),
        Column("outcome_low", "With chance: from", "count"),
        Column("outcome_high", "to", "count"),
    )
    table = values.refits.table
    return Result("clv_intervals", "table", title, table, columns=columns, note=_note(past, values, values.refits))


def _note(past: History, values: Values, refits: Refits) -> Text:
    numbers: Numbers = {
        "model": NAMES[values.model],
        "span": values.terms.span(),
        "draws": Quantity(len(refits.models), "count"),
        "futures": Quantity(refits.futures, "count"),
        "confidence": Quantity(past.confidence, "share"),
    }
    if refits.method == "bootstrap":
        return Text(
            "{model}, {span}; {draws} refits to customers drawn with replacement, {futures} futures of every customer; "
            "{confidence} intervals.",
            numbers,
        )
    return Text(
        "{model}, {span}; {draws} draws from the normal approximation of the parameters (Laplace), as with covariates or very "
        "many different histories; {futures} futures of every customer; {confidence} intervals.",
        numbers,
    )
