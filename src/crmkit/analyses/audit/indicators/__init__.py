"""What is the value of each indicator in a window of time? One pure function per id, from the summaries of the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from crmkit.analyses.audit.catalogue import Indicator
from crmkit.analyses.audit.indicators.estimate import NO_COLUMN, NO_TABLE, Estimate, nothing
from crmkit.analyses.audit.indicators.from_reports import READERS, Owned, acquisition, read
from crmkit.analyses.audit.indicators.input_output import FUNCTIONS as OF_INPUT_OUTPUT
from crmkit.analyses.audit.indicators.outcome import FUNCTIONS as OF_OUTCOME
from crmkit.analyses.audit.indicators.people import FUNCTIONS as OF_PEOPLE
from crmkit.analyses.audit.indicators.process import FUNCTIONS as OF_PROCESS
from crmkit.analyses.audit.read import History, Window

FUNCTIONS: Mapping[str, Callable[[History, Window, float], Estimate]] = {
    **OF_PROCESS,
    **OF_OUTCOME,
    **OF_INPUT_OUTPUT,
    **OF_PEOPLE,
}
# indicators of what customers pay
PRICED = frozenset({"R-SALES", "R-SALESG", "R-SHARE", "I-COST", "I-CTS", "I-ROI"})
WITH_VALUE = "I-CAC"


def evaluate(one: Indicator, past: History, window: Window, *, results: Owned, confidence: float) -> Estimate:
    """The value of an indicator in a window, or why there is none.

    Parameters
    ----------
    one : Indicator
    past : History
    window : Window
        A cycle or a month; an indicator with a length of its own looks that far back from its end.
    results : mapping of str to Reading
        Results of the analyses that own some indicators.
    confidence : float
        Coverage of the interval.

    Returns
    -------
    Estimate
    """
    if one.owner == "audit":
        missing = sorted(table for table in one.tables if table not in past.tables)
        if missing:
            return nothing(NO_TABLE, ", ".join(missing))
    if one.id in PRICED and "amount" not in past.tables["transactions"]:
        return nothing(NO_COLUMN, "transactions.amount")
    if one.months and one.months > len(window.months):
        window = past.window(window, one.months)
    if one.id == WITH_VALUE:
        return acquisition(past, window, results, confidence)
    if one.id in READERS:
        return read(one.id, past, window, results, confidence)
    return FUNCTIONS[one.id](past, window, confidence)


__all__ = ["FUNCTIONS", "Estimate", "Owned", "evaluate"]
