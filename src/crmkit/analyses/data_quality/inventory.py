"""Which sources are there, who answers for them, how new are they, and where is time missing?"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.data_quality.read import Checked, spoken
from crmkit.core.language import in_a_row, mark
from crmkit.core.results import Column, Finding, Quantity, Result, Text
from crmkit.data.intake.rejects import ASIDE
from crmkit.data.summaries.quality import SYSTEMS
from crmkit.models.quality.outliers import lone_gap

if TYPE_CHECKING:
    import pandas as pd

NOBODY, NO_FILE = mark("nobody is named"), mark("worked out of other tables")
GAP, STOPPED, STEADY, NO_DAYS = mark("a gap"), mark("no rows of late"), mark("none found"), mark("no daily rows")
COLUMNS = (
    Column("table", "Table"),
    Column("file", "Comes from", translate=True),
    Column("owner", "Who answers for it", translate=True),
    Column("rows", "Rows", "count"),
    Column("left_out", "Rows left out", "share"),
    Column("newest", "Newest row", "date"),
    Column("age", "Its age", "days"),
    Column("gap", "Longest gap", "days"),
    Column("gap_until", "Gap ended", "date"),
    Column("verdict", "Missing time", translate=True),
)
MARKS = {one: one for one in SYSTEMS}


def sources(work: Checked) -> Result:
    """Which tables are there, from where, of whom, how many rows, how new, and is time missing in them?"""
    import pandas as pd

    found = pd.DataFrame([_source(work, name) for name in work.profiles])
    note = Text(
        "A gap is named where it is longer than the next longest by more than {alarm} of clean companies would show in any "
        "table. Rows left out stand with their reasons above.",
        {"alarm": Quantity(work.agreed.false_alarm, "share")},
    )
    return Result(
        "data_quality_sources",
        "table",
        Text("The sources of the data"),
        found,
        columns=COLUMNS,
        finding=_finding(found, work),
        note=note,
    )


def _source(work: Checked, name: str) -> dict[str, Any]:
    import pandas as pd

    intake = {one.table: one for one in getattr(work.company, "intake", ())}.get(name)
    rows = work.row(name, "rows")
    days = work.frames.get(f"days {name}")
    owner = work.agreed.owners.get(name, "")
    read = float(intake.rows_read) if intake is not None and intake.files else math.nan
    kept = float(intake.rows_kept) if intake is not None else math.nan
    # a record that the client has merged is no row lost
    read -= float(intake.rows_set_aside.get(ASIDE["merged"].template, 0)) if intake is not None else 0.0
    row: dict[str, Any] = {
        "table": name,
        "file": ", ".join(intake.files) if intake is not None and intake.files else NO_FILE,
        "owner": work.company.settings.owner_in(owner, work.company.language) if owner else NOBODY,
        "rows": float(rows["hits"]) if rows is not None else math.nan,
        "left_out": 1 - kept / read if read > 0 else math.nan,
        "newest": pd.NaT,
        "age": math.nan,
        "gap": math.nan,
        "gap_until": pd.NaT,
        "verdict": NO_DAYS,
    }
    if days is None or not len(days):
        newest = work.profiles[name][work.profiles[name]["measure"] == "newest"]
        if len(newest) and newest["hits"].notna().all():
            age = float(newest["hits"].iloc[0])
            row |= {"age": age, "newest": pd.Timestamp(work.company.as_of) - pd.Timedelta(days=int(age))}
        return row
    return row | _time(days, work.company.as_of, work.agreed.false_alarm / max(1, _dated(work)))


def _dated(work: Checked) -> int:
    """Tables of which days are known: one family of tests."""
    return sum(name.startswith("days ") for name in work.frames)


def _time(days: pd.DataFrame, as_of: dt.date, alarm: float) -> dict[str, Any]:
    import pandas as pd

    when = pd.to_datetime(days["day"])
    newest, end = when.iloc[-1], pd.Timestamp(as_of)
    every = np.diff(np.append(when.to_numpy(), np.datetime64(end + pd.Timedelta(days=1)))) / np.timedelta64(1, "D")
    at = int(np.argmax(every))
    open_end = at == len(every) - 1
    verdict = STEADY if lone_gap(every) >= alarm else STOPPED if open_end else GAP
    return {
        "newest": newest,
        "age": float((end - newest).days),
        "gap": float(every[at] - 1),
        "gap_until": pd.NaT if open_end else when.iloc[at + 1],
        "verdict": verdict,
    }


def _finding(found: pd.DataFrame, work: Checked) -> Finding:
    given = found[found["file"] != NO_FILE]
    unowned = int((given["owner"] == NOBODY).sum())
    late = found[found["verdict"].isin((GAP, STOPPED))]
    words: dict[str, Any] = {
        "n": Quantity(len(given), "count"),
        "unowned": Quantity(unowned, "count"),
        "tables": in_a_row([spoken(one) for one in late["table"]]),
    }
    text = Text("{n} {n:table was|tables were} read; someone answers for each of them.", words)
    if len(late):
        text = Text("Time is missing in {tables}; what is counted over that time is too low.", words)
    elif unowned == len(given):
        text = Text("{n} {n:table was|tables were} read; nobody is named who answers for {n:it|them}.", words)
    elif unowned:
        text = Text("{n} {n:table was|tables were} read; for {unowned} of them nobody is named who answers for it.", words)
    bad = bool(len(late))
    return Finding(
        "data_quality.sources",
        "warning" if bad else "info" if unowned else "good",
        not bad,
        text,
        evidence=("data_quality_sources",),
        action=Text("Ask whoever runs the export for the missing days.") if bad else None,
    )
