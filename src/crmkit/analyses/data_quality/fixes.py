"""What should be mended first? One line per fault, ordered by the money and the customers concerned."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crmkit.analyses.data_quality.indicators import measured
from crmkit.analyses.data_quality.read import Checked
from crmkit.core.language import mark
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed

if TYPE_CHECKING:
    import pandas as pd

ADVICE = {
    "D-COMP": mark("Ask for the empty cells at the next contact; make them required where records are made."),
    "D-VALID": mark("Correct the records that break a rule; check addresses and numbers when they are entered."),
    "D-DUP": mark("Review the pairs and merge them; search before a new record is made."),
    "D-MATCH": mark("Give each customer one number in all systems; look up those who are missing."),
    "D-SILO": mark("Join the records that departments keep apart; agree which of them leads."),
    "D-FRESH": mark("Confirm the oldest records; delete those that nobody needs."),
    "D-ACC": mark("Look up the columns with most errors; find where they are entered."),
    "D-CONS": mark("Ask for consent, and leave out of every campaign whoever has not given it."),
    "D-USE": mark("Ask those who do not use the system why; train them or give back licences."),
}
TRACK = {
    "D-COMP": mark("sales"),
    "D-VALID": mark("sales"),
    "D-DUP": mark("data owner"),
    "D-MATCH": mark("IT"),
    "D-SILO": mark("data owner"),
    "D-FRESH": mark("sales"),
    "D-ACC": mark("data owner"),
    "D-CONS": mark("data protection"),
    "D-USE": mark("IT"),
}
COLUMNS = (
    Column("place", "No.", "count"),
    Column("label", "Fault", translate=True),
    Column("fix", "What to do", translate=True),
    Column("who", "Who could", translate=True),
    Column("grade", "Grade now", "count"),
    Column("customers", "Customers concerned", "count"),
    Column("money", "Their revenue in a year", "money"),
)


def fixes(work: Checked, table: pd.DataFrame | None = None) -> Result:
    """What is to be mended, the fault first that concerns most money, then most customers."""
    title = Text("What to mend, in the order of what is concerned")
    table = measured(work) if table is None else table
    short = table["value"] < table["target"]
    table = table.assign(missed=short.where(table["direction"] == "up", table["value"] > table["target"]))
    if table["grade"].isna().all():
        return not_assessed("data_quality_fixes", title, Text("cannot be assessed: no measure could be graded"))
    due = table[table["missed"] & table["grade"].notna()].copy()
    if due.empty:
        return not_assessed("data_quality_fixes", title, Text("nothing: every measure that is known meets its target"))
    due["fix"], due["who"] = due["indicator"].map(ADVICE), due["indicator"].map(TRACK)
    due = due.sort_values(
        ["money", "customers", "grade"], ascending=[False, False, True], na_position="last", ignore_index=True
    )
    due["place"] = range(1, len(due) + 1)
    first = due.iloc[0]
    words: dict[str, Quantity | Text | str] = {
        "fix": Text(str(first["fix"])),
        "customers": Quantity(first["customers"], "count"),
        "money": Quantity(first["money"], "money"),
    }
    text = Text("First: {fix}", words)
    if not math.isnan(first["customers"]) and first["customers"] > 0:
        text = Text("First: {fix} It concerns {customers} {customers:customer|customers}.", words)
    if not math.isnan(first["money"]) and first["money"] > 0:
        text = Text("First: {fix} It concerns {customers} {customers:customer|customers} who bring {money} a year.", words)
    finding = Finding("data_quality.fixes", "info", None, text, evidence=("data_quality_fixes",))
    note = Text("The money is what these customers bring, not what the fix is worth. A customer may stand in several lines.")
    return Result("data_quality_fixes", "table", title, due, columns=COLUMNS, finding=finding, note=note)
