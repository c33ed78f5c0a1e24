"""Which parts of the CRM system are used, and by how many of those who could?"""

from __future__ import annotations

from typing import Any

from crmkit.analyses.data_quality.indicators import use_of, used
from crmkit.analyses.data_quality.read import CYCLES, Checked
from crmkit.core.language import mark
from crmkit.core.results import Axis, Finding, Quantity, Result, Text, estimates, not_assessed

SHARE = mark("Active of licensed users")


def modules(work: Checked) -> Result:
    """Which share of the licensed users works with each module?"""
    title = Text("Who uses which module of the system")
    if "usage" not in work.frames:
        return not_assessed("data_quality_use", title, Text("needs the use of the system, with the number of licences"))
    months = CYCLES[work.agreed.cycle]
    rows = work.frames["usage"]
    rows = rows[rows["month"] < months]
    if rows.empty:
        return not_assessed("data_quality_use", title, Text("cannot be assessed: no row of the last months"))
    table: list[dict[str, Any]] = []
    for module, own in rows.groupby("module"):
        one = use_of(own, work)
        table.append(
            {
                "group": str(module),
                "measure": SHARE,
                "value": float(own["active"].sum() / own["licensed"].sum()) if one.reason else one.value,
                "low": one.low,
                "high": one.high,
                "n": float(len(own)),
                "unit": "share",
                "method": one.method,
            }
        )
    table.sort(key=lambda row: row["value"])
    held, whole = work.standards["D-USE"], used(work)
    words: dict[str, Any] = {
        "least": str(table[0]["group"]),
        "value": Quantity(table[0]["value"], "share"),
        "all": Quantity(whole.value, "share", whole.low, whole.high),
        "months": Quantity(months, "count"),
    }
    few = table[0]["value"] < held.target
    text = Text("{all} of the licensed users work with the system; {least} is used least, by {value}.", words)
    finding = Finding(
        "data_quality.use",
        "info" if few else "good",
        None if few else True,
        text,
        Text("The target is {target}.", {"target": Quantity(held.target, "share")}),
        ("data_quality_use",),
    )
    made = estimates(table)
    made.attrs["reference"] = (held.target, Text("target"))
    return Result(
        "data_quality_use",
        "interval_dots",
        title,
        made,
        finding=finding,
        alt=Text("For each module of the system the share of its licensed users who work with it."),
        x=Axis(mark("Module")),
        y=Axis(mark("Active of licensed users"), "share"),
        note=Text("n: months, of the last {months}.", words),
    )
