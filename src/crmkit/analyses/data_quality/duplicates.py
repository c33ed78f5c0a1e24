"""How many records are one too many? Counted by exact keys: an equal address, number or tax id, or one name in one town."""

from __future__ import annotations

from crmkit.analyses.data_quality.indicators import duplicates as counted
from crmkit.analyses.data_quality.read import Checked
from crmkit.core.language import mark
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.models.records.groups import by_key

BY = {
    "email": mark("same address"),
    "phone": mark("same number"),
    "tax_id": mark("same tax id"),
    "name_place": mark("same name and town, and nothing that sets them apart"),
}
ANY = mark("any of these")
REVIEW = Text(
    "Decide which of them are one person, in the workbook that “crmkit duplicates” writes; then run the reports again."
)
COLUMNS = (
    Column("key", "Joined by", translate=True),
    Column("persons", "Persons with several records", "count"),
    Column("extra", "Records one too many", "count"),
    Column("share", "Of all records", "share"),
)


def exact(work: Checked) -> Result:
    """How many records have an address, a number, a tax id, or a name and town that another record has too?"""
    title = Text("Records that share an address or a number")
    if "shared" not in work.frames:
        return not_assessed("data_quality_exact", title, Text("needs addresses or telephone numbers of customers"))
    shared, total = work.frames["shared"], work.row("customers", "rows")
    records = float(total["hits"]) if total is not None else 0.0
    if not records:
        return not_assessed("data_quality_exact", title, Text("cannot be assessed: there is no record"))
    each = by_key(work.frames["keys"]).assign(share=lambda one: one["extra"] / records)
    rows = each.assign(key=each["key"].map(BY)).rename(columns={"groups": "persons"})
    persons, together = shared["person"].nunique(), len(shared)
    extra = together - persons
    rows.loc[len(rows)] = {"key": ANY, "persons": persons, "records": together, "extra": extra, "share": extra / records}
    found, held = counted(work), work.standards["D-DUP"]
    said = {
        "value": Quantity(found.value, "share", found.low, found.high),
        "n": Quantity(extra, "count"),
        "target": Quantity(held.target, "share"),
    }
    bad = found.low > held.target
    text = Text("{n} {n:record is|records are} of somebody who has another one: {value}; at most {target} is the target.", said)
    if not extra:
        text = Text("No record shares an address or a number with another one.")
    finding = Finding(
        "data_quality.duplicates",
        "warning" if bad else "good",
        not bad,
        text,
        Text("The whole interval lies above the target."),
        ("data_quality_exact",),
        action=REVIEW if bad else None,
    )
    note = Text("Records that share neither are not found here, so the true number is higher where cells are empty.")
    return Result("data_quality_exact", "table", title, rows, columns=COLUMNS, finding=finding, note=note)
