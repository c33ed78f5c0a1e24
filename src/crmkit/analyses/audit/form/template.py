"""Which form goes out, for which cycle, and when is it due? The template that raters fill in, and the calendar."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from crmkit.analyses.audit.form.standards import Form
from crmkit.core.errors import ParamError, Problem, did_you_mean
from crmkit.core.language import mark
from crmkit.core.results import Column, Result, Text

if TYPE_CHECKING:
    import pandas as pd

MONTHS = {"quarter": 3, "half_year": 6}
LABEL = re.compile(r"(\d{4})([QH])([1-4])")
FORM_DAYS, REPORT_DAYS = 14, 28
SCORE_COLUMNS = ("score_1", "score_2", "score_3", "score_4", "score_5")
FILLED_BY_RATERS = ("rater_id", "rater_role", "intention", "reality", "note", "evidence_id")


def cycle_of(day: dt.date, cycle: str) -> str:
    """The label of the quarter or half year that a day lies in.

    Parameters
    ----------
    day : date
    cycle : {"quarter", "half_year"}

    Raises
    ------
    ParamError
        For another cycle.

    Examples
    --------
    >>> cycle_of(dt.date(2025, 12, 31), "half_year"), cycle_of(dt.date(2025, 4, 1), "quarter")
    ('2025H2', '2025Q2')
    """
    months = _months(cycle)
    return f"{day.year}{'Q' if months == 3 else 'H'}{(day.month - 1) // months + 1}"


def cycle_span(label: str) -> tuple[dt.date, dt.date]:
    """First and last day of a quarter or half year.

    Raises
    ------
    ParamError
        When the label names none.

    Examples
    --------
    >>> [day.isoformat() for day in cycle_span("2025H2")]
    ['2025-07-01', '2025-12-31']
    """
    found = LABEL.fullmatch(label)
    number = int(found[3]) if found else 0
    if found is None or (found[2] == "H" and number > 2):
        raise ParamError(Problem("cycle:", f"is {label!r}", "2025Q4 or 2025H2 is expected"))
    months = 3 if found[2] == "Q" else 6
    start = dt.date(int(found[1]), (number - 1) * months + 1, 1)
    after = dt.date(start.year + (start.month + months > 12), (start.month + months - 1) % 12 + 1, 1)
    return start, after - dt.timedelta(days=1)


def next_cycles(day: dt.date, cycle: str, *, count: int = 4) -> list[str]:
    """Labels of the cycle that a day lies in and those after it.

    Examples
    --------
    >>> next_cycles(dt.date(2025, 12, 31), "half_year", count=3)
    ['2025H2', '2026H1', '2026H2']
    """
    labels = [cycle_of(day, cycle)]
    while len(labels) < count:
        _, end = cycle_span(labels[-1])
        labels.append(cycle_of(end + dt.timedelta(days=1), cycle))
    return labels


def calendar(as_of: dt.date, *, cycle: str = "half_year", count: int = 4) -> Result:
    """When is the form filled in, and when is the audit reported?

    Parameters
    ----------
    as_of : date
    cycle : {"quarter", "half_year"}
    count : int
        Cycles, the present one first.

    Returns
    -------
    Result
        A row per cycle: ``cycle, begins, ends, form_due, report_due``.
    """
    import pandas as pd

    rows = []
    for label in next_cycles(as_of, cycle, count=count):
        start, end = cycle_span(label)
        due = [end + dt.timedelta(days=days) for days in (FORM_DAYS, REPORT_DAYS)]
        rows.append({"cycle": label, "begins": start, "ends": end, "form_due": due[0], "report_due": due[1]})
    columns = (
        Column("cycle", "Cycle"),
        Column("begins", "Begins", "date"),
        Column("ends", "Ends", "date"),
        Column("form_due", "Forms due", "date"),
        Column("report_due", "Report due", "date"),
    )
    note = Text("Raters do not see their scores of the cycle before until they have answered.")
    return Result("audit_calendar", "table", Text("Calendar of the audit"), pd.DataFrame(rows), columns=columns, note=note)


def template(form: Form, *, cycle: str, language: str = "en") -> Result:
    """The form to be filled in: one row per standard; a filled copy per rater comes back as the table assessments.

    Parameters
    ----------
    form : Form
    cycle : str
        For example ``2025H2``.
    language : {"en", "zh"}
        Of questions and anchors.

    Returns
    -------
    Result
        Columns of the table assessments, empty where the rater writes, and beside them the question and what each score means.
    """
    import pandas as pd

    cycle_span(cycle)
    rows: list[dict[str, str]] = []
    for standard in form:
        row = {"cycle": cycle} | dict.fromkeys(FILLED_BY_RATERS, "") | {"standard_id": standard.id}
        row |= {"item": form.item_of(standard.id).name(language), "standard": standard.name(language)}
        row |= {"question": standard.question(language)}
        rows.append(row | dict(zip(SCORE_COLUMNS, standard.meanings(language), strict=True)))
    columns = (
        Column("cycle", "Cycle"),
        Column("rater_id", "Rater"),
        Column("rater_role", "Role of the rater"),
        Column("standard_id", "Standard (id)"),
        Column("item", "Item"),
        Column("standard", "Standard"),
        Column("question", "Question"),
        Column("score_1", "1 means"),
        Column("score_2", "2 means"),
        Column("score_3", "3 means"),
        Column("score_4", "4 means"),
        Column("score_5", "5 means"),
        Column("intention", "Intention, 1 to 5"),
        Column("reality", "Reality, 1 to 5"),
        Column("evidence_id", "Evidence (id)"),
        Column("note", "Note"),
    )
    table: pd.DataFrame = pd.DataFrame(rows)[[column.name for column in columns]]
    return Result("assessments", "table", Text(mark("Self-assessment form")), table, columns=columns)


def _months(cycle: str) -> int:
    if cycle not in MONTHS:
        raise ParamError(Problem("cycle:", f"is {cycle!r}", hint=did_you_mean(cycle, MONTHS)))
    return MONTHS[cycle]
