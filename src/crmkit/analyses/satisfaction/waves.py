"""What were the scores and the response of every wave? One long table for other reports and other systems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.analyses.satisfaction.estimating import Row, main_scores
from crmkit.analyses.satisfaction.labels import absent
from crmkit.analyses.satisfaction.read import Survey
from crmkit.analyses.satisfaction.response import ALL, counted_responses
from crmkit.core.language import mark
from crmkit.core.results import ESTIMATE_COLUMNS, Column, Result, Text
from crmkit.models.basics.shares import wilson

if TYPE_CHECKING:
    import pandas as pd

ANSWERED = mark("Response rate")


def waves(past: Survey) -> Result:
    """What were the scores and the response of every wave?

    Returns
    -------
    Result
        Table, the oldest wave first: ``wave, starts_on`` (first day) and the columns of an estimate table, a row per score of
        the wave with at least ``min_cell`` answers, as :func:`crmkit.analyses.satisfaction.scores` has it for the wave
        reported; and ``response``, the share of those asked who answered (n: asked), where it is known who was asked.
    """
    import pandas as pd

    name, title = "satisfaction_waves", Text("Scores and response of every wave")
    if not past.usable or past.surveys is None:
        return absent(past, name, title)
    asked = _rates(past)
    listed = [
        {"wave": wave, "starts_on": pd.Timestamp(past.days[wave]), **row}
        for wave in past.waves
        for row in [*main_scores(past, past.at(wave)), *([asked[wave]] if wave in asked else [])]
        if float(str(row["n"])) >= past.min_cell
    ]
    table = pd.DataFrame(listed, columns=["wave", "starts_on", *ESTIMATE_COLUMNS]).astype({"n": "float64"})
    columns = (
        Column("wave", "Wave"),
        Column("group", "Score", translate=True),
        Column("value", "Value", "number"),
        Column("n", "n", "count"),
    )
    return Result(name, "table", title, table, columns)


def _rates(past: Survey) -> dict[str, Row]:
    """The response of each wave; nothing where nobody wrote down who was asked."""
    table = counted_responses(past)
    whole: pd.DataFrame = table[table["channel"] == ALL]
    if not (table["sent"] > table["responded"]).any():
        return {}
    rate = wilson(whole["responded"], whole["sent"], confidence=past.confidence)
    columns = zip(whole["wave"], rate.value, rate.low, rate.high, whole["sent"], strict=True)
    return {
        str(wave): {
            "group": ANSWERED, "measure": "response", "value": value, "low": low, "high": high, "n": n, "unit": "share",
            "method": rate.method,
        }
        for wave, value, low, high, n in columns
    }  # fmt: skip
