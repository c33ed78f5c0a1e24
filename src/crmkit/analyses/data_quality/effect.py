"""What do the faults do to the figures that every report begins with? Each as it is reported, and with a fault mended."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.data_quality.outliers import AMOUNT, far
from crmkit.analyses.data_quality.read import Checked
from crmkit.core.format import format_value
from crmkit.core.language import mark
from crmkit.core.results import Column, Finding, Quantity, Result, Text, Unit, not_assessed
from crmkit.data.summaries.figures import figures, joined, listed, within

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.core.settings import ItemSettings

FIGURES: dict[str, tuple[str, Unit]] = {
    "revenue": (mark("Revenue of a year"), "money"),
    "customers": (mark("Customers so far"), "count"),
    "active": (mark("Customers today"), "count"),
    "kept": (mark("Customers of a year ago who still are"), "share"),
    "satisfied": (mark("Satisfied answers of a year"), "share"),
}
JOINED, LISTED = mark("with records of one person joined"), mark("without those not in the customer table")
NEAR, BACK = mark("without unlike amounts"), mark("with the rows left out, as if like the others")
MATTERS, LEAST = 0.01, 1e-9
COLUMNS = (
    Column("figure", "Figure", translate=True),
    Column("reported", "As reported"),
    Column("fault", "With the fault mended", translate=True),
    Column("mended", "Then"),
    Column("change", "Change", "share"),
)


def effect(work: Checked) -> Result:
    """How do revenue, customers, retention and satisfaction change when a fault is mended?

    Returns
    -------
    Result
        ``figure, fault, before, after, change`` (a part of what is reported; of shares, in points), ``n``.
    """
    import pandas as pd

    title = Text("What the faults do to the figures of the other reports")
    company, days = work.company, work.agreed.active_days
    said: dict[str, Any] = {"as_of": company.as_of, "active_days": days, "csat": _question(work)}
    now = figures(company.tables, **said)
    if not now:
        reason = Text("needs transactions, subscriptions or surveys")
        return not_assessed("data_quality_effect", title, reason)
    rows = [row for fault, tables in _mended(work).items() for row in _rows(now, figures(tables, **said), fault, work)]
    rows += _left_out(now, work)
    if not rows:
        reason = Text("nothing to mend: no record is double, nobody is missing, no amount unlike, no row left out")
        return not_assessed("data_quality_effect", title, reason)
    # what changes nothing needs no line, unless nothing changes
    changed = [row for row in rows if abs(row["change"]) > LEAST]
    table = pd.DataFrame(changed or rows)
    note = Text("Change: a part of the figure as reported; of shares, in percentage points. Each fault is mended by itself.")
    return Result("data_quality_effect", "table", title, table, columns=COLUMNS, finding=_finding(table), note=note)


def _question(work: Checked) -> tuple[str, ItemSettings] | None:
    asked = work.company.settings.tables.get("surveys")
    items = dict(asked.items) if asked is not None and asked.items else {}
    return next(((name, item) for name, item in items.items() if item.kind == "csat"), None)


def _mended(work: Checked) -> dict[str, dict[str, Any]]:
    """The tables with each fault mended, of those faults that there are."""
    import pandas as pd

    tables, made = work.company.tables, {}
    shared = work.frames.get("shared")
    if shared is not None and len(shared):
        first = shared.groupby("person")["customer_id"].transform("first")
        same = pd.DataFrame({"customer_id": shared["customer_id"].to_numpy(), "one": first.to_numpy()})
        made[JOINED] = joined(tables, same[same["customer_id"] != same["one"]])
    matches = work.frames.get("matches")
    if matches is not None and not work.derived:
        known = matches["listed"] == 1
        if matches.loc[known, "n"].sum() and matches.loc[~known, "n"].sum():
            made[LISTED] = listed(tables)
    extreme = far(work)
    own = extreme[(extreme["what"] == AMOUNT) & (extreme["beyond"] > 0)]
    if len(own):
        made[NEAR] = within(tables, low=0.0, high=float(own["limit"].iloc[0]))
    return made


def _value(pair: tuple[float, float], unit: str) -> float:
    return pair[0] / pair[1] if unit == "share" else pair[0]


def _rows(now: dict[str, Any], then: dict[str, Any], fault: str, work: Checked) -> list[dict[str, Any]]:
    rows = []
    for name, (label, unit) in FIGURES.items():
        if name not in now or name not in then:
            continue
        before, after = _value(now[name], unit), _value(then[name], unit)
        rows.append(_row(label, unit, fault, before, after, work) | {"n": now[name][1]})
    return rows


def _row(label: str, unit: Unit, fault: str, before: float, after: float, work: Checked) -> dict[str, Any]:
    company = work.company
    said: dict[str, Any] = {"language": company.language, "currency": company.currency}
    relative = after - before if unit == "share" else after / before - 1 if before else math.nan
    return {
        "figure": label,
        "unit": unit,
        "fault": fault,
        "before": before,
        "after": after,
        "reported": format_value(before, unit, **said),
        "mended": format_value(after, unit, **said),
        "change": relative,
    }


def _left_out(now: dict[str, Any], work: Checked) -> list[dict[str, Any]]:
    """Figures with the rows that could not be used, were they like the others: shares stay as they are."""
    rows = []
    for one in getattr(work.company, "intake", ()):
        if one.rows_rejected and one.rows_kept and one.table == "transactions" and "revenue" in now:
            money = now["revenue"][0]
            label, unit = FIGURES["revenue"]
            after = money * (1 + one.rows_rejected / one.rows_kept)
            rows.append(_row(label, unit, BACK, money, after, work) | {"n": float(one.rows_rejected)})
    return rows


def _finding(table: pd.DataFrame) -> Finding:
    size = table["change"].abs().fillna(0.0)
    worst: Any = table.loc[int(np.argmax(size.to_numpy()))]
    words: dict[str, Quantity | Text | str] = {
        "figure": Text(str(worst["figure"])),
        "fault": Text(str(worst["fault"])),
        "before": str(worst["reported"]),
        "after": str(worst["mended"]),
    }
    if float(size.max()) < MATTERS:
        text = Text("No figure changes by a hundredth or more when a fault is mended.")
        return Finding("data_quality.effect", "good", True, text, evidence=("data_quality_effect",))
    text = Text("{figure}: {before} as reported, {after} {fault}.", words)
    return Finding("data_quality.effect", "info", None, text, evidence=("data_quality_effect",))
