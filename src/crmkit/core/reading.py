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


def per_customer(reading: Reading | None, column: str, *, tables: Sequence[str]) -> pd.Series[float] | None:
    """What does another analysis say of each customer?

    Parameters
    ----------
    reading : Reading or None
        Its results.
    column : str
        Column of numbers.
    tables : sequence of str
        Result tables that will do, the best first.

    Returns
    -------
    pandas.Series or None
        The column by pseudonym, as the report was made with its parameters; None where it holds none.
    """
    if reading is None or reading.reason is not None:
        return None
    for name in tables:
        try:
            table = reading.table(name)
        except CrmkitError:  # the report made no such table
            continue
        if column in table and table[column].notna().any():
            return table.drop_duplicates("customer_id").set_index("customer_id")[column].astype("float64")
    return None
