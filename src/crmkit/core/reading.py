"""What does one analysis read of another's results? Their shape, and what each customer is worth by the value report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from crmkit.core.errors import CrmkitError
from crmkit.core.results import Text

if TYPE_CHECKING:
    import pandas as pd

VALUE = "clv"
BY_PURCHASES, BY_CONTRACT = "clv_scores", "clv_contract_scores"


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


def customer_values(reading: Reading | None, *, names: Sequence[str] = (BY_PURCHASES,)) -> pd.Series[float] | None:
    """What is each customer worth by the value report?

    Parameters
    ----------
    reading : Reading or None
        Results of the value report.
    names : sequence of str
        Tables that will do, the best first.

    Returns
    -------
    pandas.Series or None
        Value in money by pseudonym, as the report was made with its horizon and margin; None where it holds none.
    """
    if reading is None or reading.reason is not None:
        return None
    for name in names:
        try:
            table = reading.table(name)
        except CrmkitError:  # the report made no such table
            continue
        if VALUE in table and table[VALUE].notna().any():
            return table.drop_duplicates("customer_id").set_index("customer_id")[VALUE].astype("float64")
    return None
