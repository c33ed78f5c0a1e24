"""Which verdicts of other reports rest on which data, and where are the data too weak for them? One table says so for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crmkit.analyses.data_quality.indicators import measured
from crmkit.analyses.data_quality.read import Checked
from crmkit.core.language import mark
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed

if TYPE_CHECKING:
    import pandas as pd

HOLDS, WEAK, UNKNOWN = mark("without reservation"), mark("with reservation"), mark("not known")


@dataclass(frozen=True)
class Gate:
    """From which grade of which measure on does a verdict hold?

    Parameters
    ----------
    analysis : str
        Whose verdict.
    indicator : str
        The measure.
    least : int
        The lowest grade with which the verdict stands without reservation.
    why : str
        What the fault does to the verdict, in words; it stands behind "with reservation".
    """

    analysis: str
    indicator: str
    least: int
    why: str


GATES: tuple[Gate, ...] = (
    Gate("clv", "D-DUP", 3, mark("customers with two records look like two, each worth less")),
    Gate("churn", "D-DUP", 3, mark("customers with two records may look as if they had left")),
    Gate("churn", "D-MATCH", 3, mark("many customers are missing from the customer table, so groups are of a part")),
    Gate("churn", "D-FRESH", 2, mark("records are so old that groups may be those of the past")),
    Gate("satisfaction", "D-MATCH", 3, mark("many who were asked are missing from the customer table")),
    Gate("satisfaction", "D-COMP", 2, mark("whoever cannot be reached is not asked")),
    Gate("audit", "D-ACC", 2, mark("too many of the records that were looked up are wrong")),
    Gate("audit", "D-USE", 2, mark("too few use the system, so much of what happens is not in it")),
)
VERDICTS = {
    "clv": mark("what customers are worth"),
    "churn": mark("who leaves, and what is at risk"),
    "satisfaction": mark("how satisfied customers are"),
    "audit": mark("the audit"),
}
COLUMNS = (
    Column("verdict", "Verdict", translate=True),
    Column("label", "Rests on", translate=True),
    Column("least", "Lowest grade", "count"),
    Column("grade", "Grade found", "count"),
    Column("state", "So it is said", translate=True),
    Column("why", "Because otherwise", translate=True),
)


MEND = Text("Read those verdicts with the reason beside them, and mend the data in the order of the list below.")


def gates(work: Checked, table: pd.DataFrame | None = None) -> Result:
    """Which verdicts stand, and which are said with reservation?

    Returns
    -------
    Result
        A row for each gate: ``analysis, verdict, indicator, label, least, grade, held, state, why``. Other reports read it:
        where ``held`` is false, their first verdict is said with reservation.
    """
    import pandas as pd

    found: Any = (measured(work) if table is None else table).set_index("indicator")
    rows = []
    for one in GATES:
        grade = float(found.loc[one.indicator, "grade"])
        known = grade == grade
        rows.append(
            {
                "analysis": one.analysis,
                "verdict": VERDICTS[one.analysis],
                "indicator": one.indicator,
                "label": found.loc[one.indicator, "label"],
                "least": float(one.least),
                "grade": grade,
                "held": not known or grade >= one.least,
                "state": UNKNOWN if not known else HOLDS if grade >= one.least else WEAK,
                "why": one.why,
            }
        )
    made = pd.DataFrame(rows)
    title, graded = Text("Which verdicts rest on which data"), made["grade"].notna()
    if not graded.any():
        return not_assessed("data_quality_gates", title, Text("no measure of the data could be graded"))
    weak = made[~made["held"]].drop_duplicates("analysis")
    words = {"n": Quantity(len(weak), "count")}
    text = Text("No verdict of another report needs a reservation for the sake of the data.", words)
    if len(weak):
        text = Text("{n} {n:report says its|reports say their} first verdict with reservation, because of the data.", words)
    finding = Finding(
        "data_quality.gates",
        "warning" if len(weak) else "good",
        not len(weak),
        text,
        Text("The grade found is below the lowest grade in the table."),
        ("data_quality_gates",),
        action=MEND if len(weak) else None,
    )
    note = Text("Grades go from 1 to 5. What could not be graded leads to no reservation, and does not stand here.")
    made = pd.concat([made[graded], made[~graded]], ignore_index=True)
    made.attrs["rows"] = int(graded.sum())
    return Result("data_quality_gates", "table", title, made, columns=COLUMNS, finding=finding, note=note)
