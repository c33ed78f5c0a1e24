"""How good is each table: orders, requests, answers, not only the records of customers?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from crmkit.analyses.data_quality.completeness import fields
from crmkit.analyses.data_quality.read import Checked, spoken
from crmkit.analyses.data_quality.standards import Standard
from crmkit.core.results import Column, Finding, Quantity, Result, Text
from crmkit.models.basics.grades import score
from crmkit.models.basics.shares import wilson

if TYPE_CHECKING:
    import pandas as pd

NAN = math.nan
COLUMNS = (
    Column("table", "Table"),
    Column("rows", "Rows", "count"),
    Column("filled", "Filled", "share", limits=("filled_low", "filled_high")),
    Column("filled_grade", "Grade", "count"),
    Column("valid", "Break no rule", "share", limits=("valid_low", "valid_high")),
    Column("valid_grade", "Grade", "count"),
    Column("unusable", "Could not be used", "share"),
    Column("repeats", "Repeated", "share"),
    Column("wrong", "Rows concerned", "count"),
    Column("money", "Money concerned", "money"),
)


def tables(work: Checked) -> Result:
    """How complete is each table, how many of its rows break a rule, could not be used, or came twice?

    Returns
    -------
    Result
        A row per table: ``filled, valid`` with limits and grades, ``unusable, repeats`` (of the rows read), ``wrong`` (rows
        that break a rule), ``money`` (theirs, where they have any).
    """
    import pandas as pd

    cells = fields(work)
    rows = [_row(name, cells[(cells["table"] == name) & cells["required"]], work) for name in work.profiles]
    table = pd.DataFrame(rows)
    known = table[table[["filled_grade", "valid_grade"]].notna().any(axis=1)]
    worst_of = known[["filled_grade", "valid_grade"]].min(axis=1)
    finding = None
    if len(known):
        worst = known.loc[worst_of.idxmin()]
        words: dict[str, Quantity | Text | str] = {
            "n": Quantity(len(known), "count"),
            "table": spoken(str(worst["table"])),
            "grade": Quantity(float(worst_of.min()), "count"),
        }
        low = float(worst_of.min()) < 3
        text = Text("Of {n} {n:table|tables} that could be graded the weakest is {table}, with grade {grade}.", words)
        finding = Finding("data_quality.tables", "warning" if low else "good", not low, text, evidence=("data_quality_tables",))
    note = Text(
        "Grades go from 1 to 5, by the cuts of complete and of valid records. Rows that could not be used, and rows that came "
        "twice, are already left out of everything else."
    )
    title = Text("How good each table is")
    return Result("data_quality_tables", "table", title, table, columns=COLUMNS, finding=finding, note=note)


def _row(name: str, cells: pd.DataFrame, work: Checked) -> dict[str, Any]:
    total, ok = work.row(name, "rows"), work.row(name, "all_valid")
    n = float(cells["n"].sum())
    filled = _share(n - float(cells["lacking"].sum()), n, work.standards["D-COMP"], work)
    hits, of = (float(ok["hits"]), float(ok["n"])) if ok is not None else (0.0, 0.0)
    valid = _share(hits, of, work.standards["D-VALID"], work)
    intake = {one.table: one for one in getattr(work.company, "intake", ())}.get(name)
    read = float(intake.rows_read) if intake is not None and intake.files else 0.0
    wrong = of - hits if of else NAN
    money = float(ok["money"]) if ok is not None else NAN
    return {
        "table": name,
        "rows": float(total["hits"]) if total is not None else NAN,
        **{f"filled{end}": one for end, one in filled.items()},
        **{f"valid{end}": one for end, one in valid.items()},
        "unusable": intake.rows_rejected / read if intake is not None and read else NAN,
        "repeats": intake.repeats / read if intake is not None and read else NAN,
        "wrong": wrong,
        "money": 0.0 if wrong == 0 and name in ("customers", "transactions") and work.has_money else money,
    }


def _share(hits: float, n: float, held: Standard, work: Checked) -> dict[str, float]:
    if not n > 0:
        return {"": NAN, "_low": NAN, "_high": NAN, "_grade": NAN}
    found = wilson([hits], [n], confidence=work.confidence)
    grade = score(hits / n, cuts=held.cuts, direction=held.direction) if n >= held.least else NAN
    return {"": hits / n, "_low": float(found.low[0]), "_high": float(found.high[0]), "_grade": grade}
