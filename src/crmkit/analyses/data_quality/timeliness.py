"""How old are the records, and how many have nobody touched for long?"""

from __future__ import annotations

from typing import Any

from crmkit.analyses.data_quality.indicators import WILSON
from crmkit.analyses.data_quality.read import Checked
from crmkit.core.language import mark
from crmkit.core.results import Axis, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.models.basics.shares import wilson

SINCE = (
    (30, mark("within 30 days")),
    (90, mark("within 90 days")),
    (180, mark("within 180 days")),
    (365, mark("within a year")),
)
MEASURE = mark("Records updated")
COMMON = 0.05


def ages(work: Checked) -> Result:
    """Which share of the records was updated within a month, a quarter, half a year, a year?"""
    title = Text("How many records were updated lately")
    if work.derived or "updated_at" not in work.company.tables["customers"].columns:
        return not_assessed("data_quality_ages", title, Text("needs the day on which each customer record was last changed"))
    rows = work.frames["ages"].dropna(subset=["days"])
    total = float(rows["n"].sum())
    if not total:
        return not_assessed("data_quality_ages", title, Text("cannot be assessed: no record says when it was updated"))
    table = []
    for days, words in SINCE:
        hits = float(rows.loc[rows["days"] <= days, "n"].sum())
        found = wilson([hits], [total], confidence=work.confidence)
        table.append(
            {
                "group": words,
                "measure": MEASURE,
                "value": hits / total,
                "low": float(found.low[0]),
                "high": float(found.high[0]),
                "n": total,
                "unit": "share",
                "method": WILSON,
            }
        )
    old = 1 - hits / total
    words_of: dict[str, Any] = {"old": Quantity(old, "share"), "n": Quantity(total, "count")}
    text = Text("{old} of the records have not been touched for more than a year.", words_of)
    if old == 0:
        text = Text("Each record was touched within the last year.", words_of)
    bad = old > COMMON
    return Result(
        "data_quality_ages",
        "bars",
        title,
        estimates(table),
        finding=Finding(
            "data_quality.ages",
            "warning" if bad else "good",
            not bad,
            text,
            Text("A twentieth of the records may be older than a year."),
            ("data_quality_ages",),
            action=Text("Confirm old records at the next contact, and delete those that nobody needs.") if bad else None,
        ),
        alt=Text("Four bars: the share of records updated within 30, 90, 180 and 365 days."),
        x=Axis(mark("Last update")),
        y=Axis(mark("Share of records"), "share"),
        note=Text("n: {n} records. Where a record was never updated, the day on which it was made counts.", words_of),
    )
