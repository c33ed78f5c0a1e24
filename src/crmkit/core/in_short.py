"""Which sentence and which numbers stand for the reports of a client, where there is room for few?

Sheets, slides, mails and the index take them from here, so that all of them say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain, zip_longest
from typing import Any

# who leads where the reports are put in order: first what has the whole in view, then the money at risk, then what it is worth
WHOLE = "audit"
ORDER = (WHOLE, "churn", "clv", "satisfaction", "service")
VERDICTS = ("audit.bridge", "churn.risk", "clv.value")
MOST_NUMBERS = 3


def rank(analysis: str) -> tuple[int, str]:
    """The place of a report among others; those without one stand behind, by name."""
    return (ORDER.index(analysis) if analysis in ORDER else len(ORDER), analysis)


def leading_boxes(records: Mapping[str, Mapping[str, Any]], *, most: int = MOST_NUMBERS) -> list[tuple[str, Mapping[str, Any]]]:
    """The value boxes that stand for some reports, each with its analysis.

    Parameters
    ----------
    records : mapping of analysis to mapping
        As ``report.json`` holds them.
    most : int

    Returns
    -------
    list
        One of each report, money before all; what has the whole in view repeats the others and comes last. Where there are few
        reports, their next boxes follow in turn.

    Examples
    --------
    >>> money = {"key": "Value", "value": 2.0, "unit": "money"}
    >>> [box["key"] for _, box in leading_boxes({"clv": {"values": [{"key": "n", "value": 1, "unit": "count"}, money]}})]
    ['Value', 'n']
    """
    told = sorted(records, key=lambda name: (name == WHOLE, rank(name)))
    rows = [[(name, box) for box in _money_first(records[name])] for name in told]
    first = sorted((row[0] for row in rows if row), key=lambda pair: pair[1].get("unit") != "money" or pair[0] == WHOLE)
    others = (pair for several in zip_longest(*(row[1:] for row in rows)) for pair in several if pair is not None)
    return list(chain(first, others))[:most]


def _money_first(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The boxes of a report whose value is known; the first that is money leads."""
    known = [box for box in record.get("values") or [] if box.get("value") is not None]
    lead = next((box for box in known if box.get("unit") == "money"), None)
    return known if lead is None else [lead, *(box for box in known if box is not lead)]
