"""Are the records true? What a sample that somebody looked up says, with exact limits."""

from __future__ import annotations

from typing import Any

from crmkit.analyses.data_quality.indicators import EXACT, correct
from crmkit.analyses.data_quality.read import Checked
from crmkit.core.language import mark
from crmkit.core.results import Column, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.models.quality.records import exact_share

ALONE = mark("exact binomial")
RIGHT, ALL = mark("Right"), mark("all columns, of a year")
COLUMNS = (
    Column("group", "Column", translate=True),
    Column("value", "Right", "share", limits=("low", "high")),
    Column("n", "Cells checked", "count"),
    Column("method", "Method", translate=True),
)


def accuracy(work: Checked) -> Result:
    """Which share of the checked cells was right, and how many wrong ones may there be at most?"""
    title = Text("Cells that were looked up")
    if "checks" not in work.frames:
        return not_assessed("data_quality_accuracy", title, Text("needs verification"))
    held, whole = work.standards["D-ACC"], correct(work)
    if whole.reason:
        return not_assessed("data_quality_accuracy", title, Text("cannot be assessed: no cell was checked in the last year"))
    if whole.n < held.least:
        said = {"n": Quantity(whole.n, "count"), "least": Quantity(held.least, "count")}
        reason = Text("cannot be assessed: {n} {n:cell was|cells were} checked in the last year, {least} are needed", said)
        return not_assessed("data_quality_accuracy", title, reason)
    rows: list[dict[str, Any]] = [
        {
            "group": ALL,
            "measure": RIGHT,
            "value": whole.value,
            "low": whole.low,
            "high": whole.high,
            "n": whole.n,
            "unit": "share",
            "method": EXACT,
        }
    ]
    for row in work.frames["checks by field"].to_dict("records"):
        one = exact_share(row["correct"], row["checked"], confidence=work.confidence)
        rows.append(
            {
                "group": row["field"],
                "measure": RIGHT,
                "value": one.value,
                "low": one.low,
                "high": one.high,
                "n": one.n,
                "unit": "share",
                "method": ALONE,
            }
        )
    words = {
        "wrong": Quantity(1 - whole.value, "share"),
        "most": Quantity(1 - whole.low, "share"),
        "n": Quantity(whole.n, "count"),
    }
    bad = whole.high < held.target
    finding = Finding(
        "data_quality.accuracy",
        "warning" if bad else "good",
        not bad,
        Text("{wrong} of {n} cells that were looked up were wrong; in all records it may be up to {most}.", words)
        if whole.value < 1
        else Text("None of {n} cells that were looked up was wrong; in all records it may be up to {most}.", words),
        Text("The whole interval lies below the target of {target}.", {"target": Quantity(held.target, "share")}),
        ("data_quality_accuracy",),
        action=Text("Look up the worst column first, and ask where it is entered.") if bad else None,
    )
    note = Text("The limits by column are of cells; those of all columns allow for records whose cells are wrong together.")
    return Result("data_quality_accuracy", "table", title, estimates(rows), columns=COLUMNS, finding=finding, note=note)
