"""How many records are one too many? Counted by exact keys: an equal address or an equal number."""

from __future__ import annotations

import numpy as np

from crmkit.analyses.data_quality.indicators import duplicates as counted
from crmkit.analyses.data_quality.read import Checked
from crmkit.core.language import mark
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.models.quality.records import persons

BY = {"email": mark("same address"), "phone": mark("same number"), "": mark("either")}
COLUMNS = (
    Column("key", "Joined by", translate=True),
    Column("persons", "Persons with several records", "count"),
    Column("extra", "Records one too many", "count"),
    Column("share", "Of all records", "share"),
)


def exact(work: Checked) -> Result:
    """How many records have an address or a number that another record has too?"""
    import pandas as pd

    title = Text("Records that share an address or a number")
    if "shared" not in work.frames:
        return not_assessed("data_quality_exact", title, Text("needs addresses or telephone numbers of customers"))
    shared, total = work.frames["shared"], work.row("customers", "rows")
    records = float(total["hits"]) if total is not None else 0.0
    if not records:
        return not_assessed("data_quality_exact", title, Text("cannot be assessed: there is no record"))
    rows = []
    for key, words in BY.items():
        keys = [shared[key]] if key else [shared["email"], shared["phone"]]
        person = persons(*keys) if len(shared) else np.empty(0, dtype=np.int_)
        sizes = np.bincount(person) if len(person) else np.empty(0, dtype=np.int_)
        extra = float(sizes.sum() - len(sizes))
        rows.append({"key": words, "persons": float((sizes > 1).sum()), "extra": extra, "share": extra / records})
    found, held = counted(work), work.standards["D-DUP"]
    said = {
        "value": Quantity(found.value, "share", found.low, found.high),
        "n": Quantity(rows[-1]["extra"], "count"),
        "target": Quantity(held.target, "share"),
    }
    bad = found.low > held.target
    text = Text("{n} {n:record is|records are} of somebody who has another one: {value}; at most {target} is the target.", said)
    if not rows[-1]["extra"]:
        text = Text("No record shares an address or a number with another one.")
    finding = Finding(
        "data_quality.duplicates",
        "warning" if bad else "good",
        not bad,
        text,
        Text("The whole interval lies above the target."),
        ("data_quality_exact",),
        action=Text("Look at each pair, merge what is one person, and search before a new record is made.") if bad else None,
    )
    note = Text("Records that share neither are not found here, so the true number is higher where cells are empty.")
    return Result("data_quality_exact", "table", title, pd.DataFrame(rows), columns=COLUMNS, finding=finding, note=note)
