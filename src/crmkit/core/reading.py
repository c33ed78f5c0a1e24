"""What does one analysis read of another's results? Their shape, and what they say of each customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from crmkit.core.errors import CrmkitError
from crmkit.core.results import Text

if TYPE_CHECKING:
    import pandas as pd


class Reading(Protocol):
    """Results of another analysis, or the reason why they cannot be used, as the page hands them over."""

    @property
    def reason(self) -> Text | None:
        """Why they cannot be used."""

    @property
    def report(self) -> Mapping[str, Any] | None:
        """Their record, with its parameters."""

    def table(self, name: str) -> pd.DataFrame:
        """One of their result tables."""


def per_customer(
    reading: Reading | None, column: str, *, tables: Sequence[str], margin: float | None = None
) -> pd.Series[float] | None:
    """What does another analysis say of each customer?

    Parameters
    ----------
    reading : Reading or None
        Its results.
    column : str
        Column of numbers.
    tables : sequence of str
        Result tables that will do, the best first.
    margin : float or None
        For a column of value: the part of revenue that the reader counts, above 0 and at most 1. Value that the report counted
        at another margin is brought to this one.

    Returns
    -------
    pandas.Series or None
        The column by pseudonym, as the report was made with its parameters; None where it holds none, or where its value
        cannot be brought to the margin because a cost of keeping customers is taken off it.
    """
    if reading is None or reading.reason is not None:
        return None
    factor = _to_margin(reading, margin)
    if factor is None:
        return None
    for name in tables:
        try:
            table = reading.table(name)
        except CrmkitError:  # the report made no such table
            continue
        if column in table and table[column].notna().any():
            return table.drop_duplicates("customer_id").set_index("customer_id")[column].astype("float64") * factor
    return None


def _to_margin(reading: Reading, margin: float | None) -> float | None:
    """What value of a report is multiplied with to count this part of revenue; None where no factor does it."""
    used = (reading.report or {}).get("parameters", {})
    theirs, cost = (used.get(name, {}).get("value") for name in ("margin", "retention_cost"))
    if margin is None or not theirs or theirs == margin:
        return 1.0
    return None if cost else margin / float(theirs)
