"""Which cells are empty: by column, by table, by system and by department?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from crmkit.analyses.data_quality.indicators import BY_RECORD, NAN, WILSON
from crmkit.analyses.data_quality.read import Checked, spoken
from crmkit.core.language import Locale, mark, say, translate
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.data.summaries.quality import EXPECTED
from crmkit.models.basics.grades import score, score_range
from crmkit.models.basics.shares import wilson
from crmkit.models.quality.records import cells_share

if TYPE_CHECKING:
    import pandas as pd

FILLED = mark("Filled")
NO_PLACE = mark("nowhere said")
COLUMNS = (
    Column("table", "Table"),
    Column("column", "Column"),
    Column("value", "Filled", "share", limits=("low", "high")),
    Column("n", "Rows that should", "count"),
    Column("distinct", "Different entries", "count"),
    Column("target", "Target", "share"),
    Column("grade", "Grade, 1 to 5", "count"),
    Column("lacking", "Empty", "count"),
    Column("money", "Money concerned", "money"),
    Column("method", "Method", translate=True),
)
PLACE_NAMES = {"source_system": mark("system"), "department": mark("department")}


def fields(work: Checked) -> pd.DataFrame:
    """Each column that a row ought to fill: share filled with limits, target, grade, what is lacking.

    Returns
    -------
    DataFrame
        ``table, column, value, low, high, n, distinct`` (entries)``, target, grade, grade_low, grade_high, lacking, money,
        method, required``.
    """
    import pandas as pd

    held = work.standards["D-COMP"]
    rows = []
    for table, counts in work.profiles.items():
        wanted = set(EXPECTED.get(table, ()))
        if table == "customers":
            wanted = set() if work.derived else set(work.company.tables["customers"].columns) - {"customer_id"}
        different = counts[counts["measure"] == "distinct"].set_index("item")["hits"]
        for row in counts[(counts["measure"] == "filled") & counts["item"].isin(wanted)].to_dict("records"):
            if not row["n"] > 0:
                continue
            found = wilson([row["hits"]], [row["n"]], confidence=work.confidence)
            value, low, high = row["hits"] / row["n"], float(found.low[0]), float(found.high[0])
            few = row["n"] < held.least
            ends = (NAN, NAN) if few else score_range(value, low, high, cuts=held.cuts, direction="up")
            lacking = row["n"] - row["hits"]
            rows.append(
                {
                    "table": table,
                    "column": row["item"],
                    "value": value,
                    "low": low,
                    "high": high,
                    "n": row["n"],
                    "distinct": different[row["item"]],
                    "target": held.target,
                    "grade": NAN if few else score(value, cuts=held.cuts, direction="up"),
                    "grade_low": ends[0],
                    "grade_high": ends[1],
                    "lacking": lacking,
                    "money": 0.0 if lacking == 0 and not math.isnan(row["money"]) else row["money"],
                    "method": WILSON,
                    "required": table != "customers" or row["item"] in work.agreed.required,
                }
            )
    names = [one.name for one in COLUMNS]
    return pd.DataFrame(rows, columns=[*names, "low", "high", "grade_low", "grade_high", "required"])


def completeness(work: Checked) -> Result:
    """How well is each column filled?"""
    title = Text("How well each column is filled")
    table = fields(work)
    if table.empty:
        return not_assessed("data_quality_fields", title, Text("no table has a column that a row ought to fill"))
    table = table.sort_values(["value", "table", "column"], ignore_index=True)
    note = Text(
        "Counted are the rows that should be filled: reasons only of contracts that ended, answers only of "
        "requests a month old."
    )
    table.attrs["alike"] = False
    return Result("data_quality_fields", "table", title, table, columns=COLUMNS, finding=_finding(table, work), note=note)


def _finding(table: pd.DataFrame, work: Checked) -> Finding:
    held = work.standards["D-COMP"]
    due = table[table["required"] & (table["n"] >= held.least)]
    bad = due[due["high"] < held.target]
    words: dict[str, Any] = {"n": Quantity(len(due), "count"), "target": Quantity(held.target, "share")}
    if bad.empty:
        text = Text("No column that rows ought to fill clearly misses {target}; {n} {n:was|were} looked at.", words)
        return Finding("data_quality.fields", "good", True, text, evidence=("data_quality_fields",))
    worst = bad.iloc[0]
    words |= {
        "k": Quantity(len(bad), "count"),
        "column": spoken(worst["column"]),
        "table": spoken(worst["table"]),
        "empty": Quantity(1 - worst["value"], "share"),
    }
    text = Text(
        "In {table}, {empty} of {column} is empty; {k} of {n} columns {k:misses|miss} the target of {target}.",
        words,
    )
    return Finding(
        "data_quality.fields",
        "warning",
        False,
        text,
        Text("The whole interval of the filled share lies below the target."),
        ("data_quality_fields",),
        action=Text("Make the field required where it is entered, and ask for what is missing at the next contact."),
    )


def places(work: Checked) -> Result:
    """How complete are the records of each system and each department?"""
    title = Text("Complete records, by system and department")
    rows: list[dict[str, Any]] = []
    for column, kind in PLACE_NAMES.items():
        if column in work.frames:
            rows += _of_place(work, work.frames[column], kind)
    if not rows:
        reason = Text("needs the system or the department of each customer record")
        return not_assessed("data_quality_places", title, reason)
    table = estimates(rows)
    held = work.standards["D-COMP"]
    table.attrs["reference"] = (held.target, Text("target"))
    least = table.dropna(subset=["value"])
    bad = least[(least["high"] < held.target) & (least["n"] >= held.least)]
    words: dict[str, Any] = {"k": Quantity(len(bad), "count"), "target": Quantity(held.target, "share")}
    text = Text("No system and no department has records that miss the target of {target}.", words)
    if len(bad):
        worst = bad.loc[bad["value"].idxmin()]
        words |= {"worst": str(worst["group"]), "value": Quantity(worst["value"], "share")}
        text = Text("{worst} fills {value} of the cells that a record should fill; the target is {target}.", words)
    finding = Finding(
        "data_quality.places", "warning" if len(bad) else "good", not len(bad), text, evidence=("data_quality_places",)
    )
    alt = Text("For each system and department the share of required cells that is filled, with its interval.")
    return Result(
        "data_quality_places",
        "interval_dots",
        title,
        table,
        finding=finding,
        alt=alt,
        x=Axis(mark("System or department")),
        y=Axis(mark("Required cells filled"), "share"),
        note=Text("n: records. Records that several keep stand under all of their names."),
    )


def _of_place(work: Checked, found: pd.DataFrame, kind: str) -> list[dict[str, Any]]:
    cells, language = len(work.required), work.company.language
    rows = []
    for row in found.to_dict("records"):
        name = row["place"] or translate(NO_PLACE, language)
        group = say(Text("{kind}: {name}", {"kind": Text(kind), "name": name}), Locale(language))
        base = {"group": group, "measure": FILLED, "unit": "share", "method": BY_RECORD, "n": row["n"]}
        if row["n"] < work.company.settings.privacy.min_cell:
            continue
        one = cells_share(row["filled"], row["squares"], records=row["n"], cells=cells, confidence=work.confidence)
        rows.append(base | {"value": one.value, "low": one.low, "high": one.high})
    return rows
