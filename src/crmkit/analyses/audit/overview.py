"""What was audited, what was not, what did the company change, and how do others do?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from crmkit.analyses.audit.by_class import in_words
from crmkit.analyses.audit.client_changes import differences
from crmkit.analyses.audit.findings.finding import unrounded
from crmkit.analyses.audit.fit import Audit, own_table
from crmkit.analyses.audit.scoring import ASSESSED
from crmkit.core.language import mark, say
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed

if TYPE_CHECKING:
    pass

DONE_BY = {
    "clv": mark("report on customer value"),
    "churn": mark("report on leaving"),
    "satisfaction": mark("report on satisfaction"),
    "data_quality": mark("report on the data"),
    "audit": mark("this audit"),
}


def overview(work: Audit, *, purpose: str = "", team: list[str] | None = None) -> Result:
    """What was audited: purpose, scope, period, conduct, team, coverage."""
    import pandas as pd

    state, past = work.state, work.past
    done = int((state["status"] == ASSESSED).sum())
    placeholders = int((state["placeholder"] & (state["status"] == ASSESSED)).sum())
    raters = work.answers.now["rater_id"].nunique() if work.answers.reason is None else 0

    def counted(*values: int) -> tuple[Quantity, ...]:
        return tuple(Quantity(value, "count") for value in values)

    period = (Quantity(past.current.start, "date"), Quantity(past.current.end, "date"))
    checks = sum(one.p_value == one.p_value for one in work.checks)
    lines: list[tuple[str, tuple[Quantity, ...], str]] = [
        (mark("Purpose"), (), purpose or "–"),
        (mark("Team"), (), ", ".join(team or []) or "–"),
        (mark("Period"), period, " – "),
        (mark("Cycles compared"), (), ", ".join(window.name for window in past.cycles)),
        (mark("Tables read"), counted(len(past.tables)), ""),
        (mark("Indicators assessed"), counted(done, len(state)), " / "),
        (mark("Targets that are placeholders of the kit"), counted(placeholders, done), " / "),
        (mark("Raters of the form"), counted(raters), ""),
        (mark("Checks, corrected together"), counted(checks), ""),
        (mark("Catalogue (fingerprint)"), (), work.book.digest[:12]),
    ]
    rows = [
        {
            "what": what,
            "words": words.join(say(one, work.locale) for one in numbers) if numbers else words,
            "numbers": json.dumps([unrounded("", one) for one in numbers]),
        }
        for what, numbers, words in lines
    ]
    table = pd.DataFrame(rows)
    columns = (Column("what", "What", translate=True), Column("words", "In this audit"))
    text = Text(
        "{n} of {all} targets are placeholders of the kit, no benchmarks; set your own before a verdict counts.",
        {"n": Quantity(placeholders, "count"), "all": Quantity(done, "count")},
    )
    finding = Finding(
        "audit.targets", "warning" if placeholders else "good", placeholders == 0, text, evidence=("audit_overview",)
    )
    return Result("audit_overview", "table", Text("What was audited"), table, columns=columns, finding=finding)


def missing(work: Audit) -> Result:
    """What could not be assessed, and what is needed for it?"""
    title = Text("Not assessed")
    own = work.state[work.state["status"] != ASSESSED].copy()
    if own.empty:
        return not_assessed("audit_missing", title, Text("nothing: every indicator was assessed"))
    own["by"] = own["owner"].map(DONE_BY)
    columns = (
        Column("name", "Indicator"),
        Column("reason", "Reason", translate=True),
        Column("needs", "Needs"),
        Column("by", "Computed by", translate=True),
    )
    note = Text("What is not assessed has no score; it is neither good nor bad.")
    return Result("audit_missing", "table", title, own.reset_index(drop=True), columns=columns, note=note)


def catalogue_changes(work: Audit) -> Result:
    """What has the company changed in the catalogue of indicators?"""
    title = Text("The catalogue, as the company changed it")
    table = work.book.differences()
    if table.empty:
        return not_assessed("audit_catalogue", title, Text("nothing was changed: all targets, cuts and weights are the kit's"))
    columns = (Column("indicator", "Indicator"), Column("key", "What"), Column("before", "Kit"), Column("after", "Company"))
    return Result("audit_catalogue", "table", title, table, columns=columns)


def form_changes(work: Audit) -> Result:
    """What has the company changed in the form?"""
    title = Text("The form, as the company changed it")
    table = differences(work.form.changes, of="standard")
    if table.empty:
        return not_assessed("audit_form_changes", title, Text("nothing was changed: all standards are the kit's"))
    columns = (Column("standard", "Standard"), Column("key", "What"), Column("before", "Kit"), Column("after", "Company"))
    return Result("audit_form_changes", "table", title, table, columns=columns)


def benchmarks(work: Audit) -> Result:
    """How does the company compare with others, by whom and when was it said?"""
    title = Text("External benchmarks")
    peers = own_table(work.company, "benchmarks")
    if peers is None or peers.empty:
        reason = Text("needs a table benchmarks with source and date; no figure of others is built in")
        return not_assessed("audit_benchmarks", title, reason)
    own = work.state.set_index("indicator")
    known = peers[peers["indicator"].isin(own.index)].copy()
    if known.empty:
        return not_assessed("audit_benchmarks", title, Text("the table benchmarks names no indicator of the catalogue"))
    known["name"] = known["indicator"].map(own["name"])
    units = known["indicator"].map(own["unit"])
    known["own_value"], known["unit"] = known["indicator"].map(own["value"]), units
    known["ours"] = [in_words(value, unit, work) for value, unit in zip(known["own_value"], units, strict=True)]
    known["theirs"] = [in_words(value, unit, work) for value, unit in zip(known["value"], units, strict=True)]
    columns = (
        Column("name", "Indicator"),
        Column("ours", "Here"),
        Column("theirs", "There"),
        Column("peer", "Who"),
        Column("period", "Period"),
        Column("source", "Source"),
        Column("dated_at", "As of", "date"),
    )
    note = Text("Others count in other ways; only large differences mean something.")
    return Result("audit_benchmarks", "table", title, known.reset_index(drop=True), columns=columns, note=note)
