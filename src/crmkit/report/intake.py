"""What came in of each table, what was left out, and why: the first exhibit of every page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit.core.language import Locale, say
from crmkit.core.results import Column, Finding, Quantity, Result, Text

if TYPE_CHECKING:
    from crmkit.data.client import Client
    from crmkit.data.intake.table import Intake

STEPS = (Text("rows read"), Text("rows after the last day that counts"), Text("rows that count"))
SEPARATOR, DECIMAL = Text("separator {sign}"), Text("decimal {sign}")


def intake_result(company: Client) -> Result:
    """Which rows count here, and which were left out?

    Parameters
    ----------
    company : Client

    Returns
    -------
    Result
        Table ``table, step, rows``: rows read, rows left out by reason, rows that count; the finding says how many rows were
        left out in all.
    """
    import pandas as pd

    locale = Locale(company.language, company.currency)
    rows = [row for one in company.intake for row in _steps(one, locale)]
    columns = (Column("table", "Table"), Column("step", "Step"), Column("rows", "Rows", "count"))
    notes = [_how(one, locale) for one in company.intake if one.files]
    return Result(
        "intake",
        "table",
        Text("Rows that count, and rows that were left out"),
        pd.DataFrame(rows, columns=["table", "step", "rows"]),
        columns=columns,
        finding=_finding(company),
        note=Text("{sources}", {"sources": "; ".join(notes)}) if notes else None,
    )


def intake_record(one: Intake, locale: Locale) -> dict[str, Any]:
    """One table's intake as the report records it, reasons and notes in the reader's language."""
    return {
        "rows": one.rows_read,
        "kept": one.rows_kept,
        "set_aside": {say(each.text, locale): each.rows for each in one.set_aside},
        "after_as_of": one.rows_after_as_of,
        "notes": [say(note, locale) for note in one.notes],
    }


def _steps(one: Intake, locale: Locale) -> list[dict[str, Any]]:
    left_out = [(each.text, -each.rows) for each in one.set_aside]
    after = [(STEPS[1], -one.rows_after_as_of)] if one.rows_after_as_of else []
    listed = [(STEPS[0], one.rows_read), *left_out, *after, (STEPS[2], one.rows_kept)]
    return [{"table": one.table, "step": say(step, locale), "rows": count} for step, count in listed]


def _finding(company: Client) -> Finding:
    read = sum(one.rows_read for one in company.intake if one.files)
    kept = sum(one.rows_kept for one in company.intake if one.files)
    rejected = sum(one.rows_rejected for one in company.intake)
    numbers = {
        "left": Quantity(read - kept, "count"),
        "read": Quantity(read, "count"),
        "rejected": Quantity(rejected, "count"),
        "as_of": Quantity(company.as_of, "date"),
    }
    text = (
        Text("{left} of {read} rows were left out, {rejected} of them because they could not be used.", numbers)
        if read > kept
        else Text("All {read} rows count; the last day is {as_of}.", numbers)
    )
    return Finding(
        id="intake.left_out",
        severity="warning" if rejected else "info",
        passed=None,
        text=text,
        evidence=("intake",),
        action=Text("Mend them at the source; the files under rejects name row, column and reason.") if rejected else None,
    )


def _how(one: Intake, locale: Locale) -> str:
    """How the source was written, in one line."""
    signs = ((SEPARATOR, one.separator), (DECIMAL, one.decimal))
    said = [say(Text(text.template, {"sign": repr(sign)}), locale) for text, sign in signs if sign]
    facts = ", ".join(part for part in (one.encoding, *said, one.date_form) if part)
    return f"{', '.join(one.files)} ({facts})" if facts else ", ".join(one.files)
