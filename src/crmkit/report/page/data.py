"""What must a reader know of the data before believing a number? What came in of each table, what was left out, and why.

:func:`intake_result` is the first exhibit of a notebook; :func:`quality_of` is the box that the page shows of its record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crmkit.core.format import format_value
from crmkit.core.language import Locale, mark, one_by_one, say
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.data.summaries.standing import ACTIVE, LAPSED, NEVER, standing

if TYPE_CHECKING:
    from crmkit.data.client import Client
    from crmkit.data.intake.table import Intake

STEPS = (Text("rows read"), Text("rows after the last day that counts"), Text("rows that count"))
SEPARATOR, DECIMAL = Text("separator {sign}"), Text("decimal {sign}")
ALL_ROWS = Text("All {read} rows were used.")
SOME_ROWS = Text("{left} of {read} rows that were read {left:does|do} not count ({share}).")
REASON = Text("{table}: {reason}")
AFTER = Text("after the last day that counts")
NOTE = Text("{table}: {note}")
UNDRAWN = Text("Characters of the data for which no font is there stand as boxes in figures: {characters}")
UNSCANNED = Text(
    "{n} {n:identifier|identifiers} of customers {n:is|are} too short or too common to be looked for on the finished page: "
    "{kinds}. The page was made without them, but that could not be checked."
)
KINDS = {
    "id": Text("customer numbers"),
    "email": Text("e-mail addresses"),
    "phone": Text("phone numbers"),
    "name": Text("names"),
}

SO_FAR = mark("so far")
# with contracts it is they that count, which a page on purchases has to say
BY_CONTRACT = {
    SO_FAR: mark("under contract so far"),
    ACTIVE: mark("under contract"),
    LAPSED: mark("contract ended"),
    NEVER: mark("never under contract"),
}
WORDS: dict[str, dict[str, str]] = {
    "contract": {
        SO_FAR: mark("had a contract for a day or more"),
        ACTIVE: mark("a contract that began before {day} runs"),
        LAPSED: mark("had a contract, and none runs"),
        NEVER: mark("listed as a customer, without any contract"),
    },
    "purchase": {
        SO_FAR: mark("bought at least once"),
        ACTIVE: mark("bought within the last {days}"),
        LAPSED: mark("bought before, but not within the last {days}"),
        NEVER: mark("listed as a customer, without any purchase"),
    },
}


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
        note=Text("{sources}", {"sources": one_by_one(notes)}) if notes else None,
    )


def customers_result(company: Client, *, active_days: int) -> Result:
    """How many customers are known, active today and lapsed, and what do these words mean on every page of the client?

    Returns
    -------
    Result
        ``customers``: a row for each word, ``state, n, rule``.
    """
    import pandas as pd

    title, locale = Text("Who counts as a customer"), Locale(company.language, company.currency)
    found = standing(company.tables, as_of=company.as_of, active_days=active_days)
    if found is None:
        return not_assessed("customers", title, Text("needs subscriptions or transactions"))
    said = {"days": Quantity(active_days, "days"), "day": Quantity(company.as_of, "date")}
    by_contract = "subscriptions" in company.tables
    rules = WORDS["contract" if by_contract else "purchase"]
    counts = found["state"].value_counts().to_dict()
    counts[SO_FAR] = counts.get(ACTIVE, 0) + counts.get(LAPSED, 0)
    rows = [
        {
            "state": BY_CONTRACT[state] if by_contract else state,
            "n": int(counts.get(state, 0)),
            "rule": say(Text(rule, said), locale),
        }
        for state, rule in rules.items()
        if state in counts or state != NEVER
    ]
    columns = (Column("state", "Customers", translate=True), Column("n", "How many", "count"), Column("rule", "Who they are"))
    return Result("customers", "table", title, pd.DataFrame(rows), columns=columns)


def intake_record(one: Intake, locale: Locale) -> dict[str, Any]:
    """One table's intake as the report records it, reasons and notes in the reader's language."""
    return {
        "derived": not one.files,
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
        Text(
            "{left} of {read} rows {left:was|were} left out, {rejected} of them because {rejected:it|they} could not be used.",
            numbers,
        )
        if rejected
        else Text("{left} of {read} rows {left:was|were} left out; each of them could be read.", numbers)
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


@dataclass(frozen=True)
class Quality:
    """The box about the data.

    Parameters
    ----------
    summary : str
        One sentence: how many rows were read and how many of them count.
    calm : bool
        Whether there is nothing more to know.
    reasons : tuple of (str, str)
        Why rows were left out, and how many.
    notes : tuple of str
        What else has to be known.
    tables : tuple of (str, tuple of str)
        Name, and rows in the export, used, set aside, after the date; empty where the notebook shows its own.
    own : str
        The section in which the notebook shows more; empty where it does not.
    """

    summary: str
    calm: bool
    reasons: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    tables: tuple[tuple[str, tuple[str, ...]], ...]
    own: str


def quality_of(report: Mapping[str, Any], *, language: str, own: str = "", undrawn: str = "") -> Quality | None:
    """The box about the data of a report; None where nothing was recorded.

    Parameters
    ----------
    report : mapping
        ``report.json``.
    language : str
    own : str
        The section in which the notebook itself shows what was read and left out.
    undrawn : str
        Characters that figures could not draw.
    """
    data = report.get("data") or {}
    tables: Mapping[str, Mapping[str, Any]] = data.get("tables") or {}
    if not tables:
        return None
    locale = Locale(language)
    # what was worked out of another table has been read there
    given = [row for row in tables.values() if not row.get("derived")]
    read, kept = (sum(int(row.get(key) or 0) for row in given) for key in ("rows", "kept"))
    notes = [*map(str, data.get("notes") or []), *_noted(tables, locale), *_unscanned(report, locale)]
    if undrawn:
        notes.append(say(Text(UNDRAWN.template, {"characters": " ".join(undrawn)}), locale))
    reasons = tuple(_reasons(tables, locale))
    listed = () if own else tuple((name, _counts(row, locale)) for name, row in tables.items())
    return Quality(_summary(read, kept, locale), not reasons and not notes, reasons, tuple(notes), listed, own)


def _summary(read: int, kept: int, locale: Locale) -> str:
    if read <= kept:
        return say(Text(ALL_ROWS.template, {"read": Quantity(read, "count")}), locale)
    numbers = {
        "left": Quantity(read - kept, "count"),
        "read": Quantity(read, "count"),
        "share": Quantity((read - kept) / read, "share"),
    }
    return say(Text(SOME_ROWS.template, numbers), locale)


def _reasons(tables: Mapping[str, Mapping[str, Any]], locale: Locale) -> list[tuple[str, str]]:
    """Why rows were left out, the most frequent reason first."""
    found: list[tuple[int, Text]] = []
    for name, row in tables.items():
        aside = row.get("set_aside")
        if isinstance(aside, Mapping):
            found += [
                (int(n), Text(REASON.template, {"table": name, "reason": Text(_literal(why))})) for why, n in aside.items()
            ]
        if row.get("after_as_of"):
            found.append((int(row["after_as_of"]), Text(REASON.template, {"table": name, "reason": AFTER})))
    ordered = sorted(found, key=lambda one: -one[0])
    return [(say(why, locale), say(Quantity(n, "count"), locale)) for n, why in ordered]


def _literal(words: str) -> str:
    """Words of ours that may hold a column name of the client: no place for a number is looked for in them."""
    return words.replace("{", "{{").replace("}", "}}")


def _noted(tables: Mapping[str, Mapping[str, Any]], locale: Locale) -> list[str]:
    """What was noted when a table was read."""
    listed = [(name, str(note)) for name, row in tables.items() for note in row.get("notes") or []]
    return [say(Text(NOTE.template, {"table": name, "note": note}), locale) for name, note in listed]


def _unscanned(report: Mapping[str, Any], locale: Locale) -> list[str]:
    missed = {kind: int(n) for kind, n in (report.get("privacy") or {}).get("unscanned", {}).items() if n and kind in KINDS}
    if not missed:
        return []
    kinds = ", ".join(say(KINDS[kind], locale) for kind in missed)
    return [say(Text(UNSCANNED.template, {"n": Quantity(sum(missed.values()), "count"), "kinds": kinds}), locale)]


def _counts(row: Mapping[str, Any], locale: Locale) -> tuple[str, ...]:
    aside = row.get("set_aside")
    total = sum(aside.values()) if isinstance(aside, Mapping) else aside
    listed = (row.get("rows"), row.get("kept"), total, row.get("after_as_of"))
    return tuple(format_value(n, "count", language=locale.language) for n in listed)
