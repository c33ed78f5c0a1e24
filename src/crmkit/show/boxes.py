"""What does a reader see first? Large numbers, findings in words with what to do, and what could not be assessed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

from crmkit.core.format import DASH
from crmkit.core.language import Locale, in_a_row, say, translate
from crmkit.core.results import Column, Finding, Quantity, Result, Severity, Text, limited, without_limits, worst_first
from crmkit.show.grid import FROM_TO, interval_heading, interval_words
from crmkit.show.sparks import spark_html
from crmkit.show.words import Naming, attribute, cell, column_of, empty, required, sentence

if TYPE_CHECKING:
    import pandas as pd

SEVERITY: dict[Severity, Text] = {
    "critical": Text("Critical"),
    "warning": Text("Warning"),
    "info": Text("For information"),
    "good": Text("Good"),
}
NOT_ASSESSED = Text("Not assessed: {reason}")
NO_REASON = Text("no reason was given")
RULE = Text("Rule: {rule}")
AT_STAKE = Text("At stake: {money}")
WHAT_TO_DO = Text("What to do: {action}")
COUNT = Text("n = {n}")
MORE_BOXES = Text("{n} more {n:number|numbers}")
PASSED = Text("{n} checks of these figures were passed.")
LIMITS = Text("{heading}: {limits}")
INTERVAL = Text("Interval: {limits}")
INTERVALS = Text("Intervals: {each}")
TARGET = Text("Target: {target}")


def values_html(result: Result, locale: Locale, *, name: Naming | None = None) -> str:
    """Value boxes: one large number per row of an estimate table, the interval and its basis small.

    Parameters
    ----------
    result : Result
        Of kind ``values``; ``group`` is the label of a box, in words of ours. ``table.attrs["targets"]`` holds the client's own
        targets by group.
    locale : Locale
    name : callable or None
        What a customer is called in the note.

    Returns
    -------
    str
        ``<div class="exhibit">`` with ``<dl class="values">``.
    """
    table = required(result, "group", "value", "unit")
    words, (first, others) = value_words(result, locale), leading_rows(table)
    known, groups = attribute(table, "history", {}), table["group"].tolist()
    sparks = [spark_html(known.get(group, {}), locale) for group in groups]
    aims = attribute(table, "targets", {})
    targets = [say(Text(TARGET.template, {"target": aims[group]}), locale) if group in aims else "" for group in groups]
    boxes, more = (
        "".join(_box_html(*words[place], sparks[place], targets[place]) for place in places) for places in (first, others)
    )
    if more:
        said = escape(say(Text(MORE_BOXES.template, {"n": Quantity(len(others), "count")}), locale))
        more = f'<details class="fold"><summary>{said}</summary><dl class="values">{more}</dl></details>'
    note = sentence(result.note, locale, name)
    title = escape(sentence(result.title, locale, name))
    return (
        f'<div class="exhibit" id="{escape(result.name)}" role="group" aria-label="{title}"><dl class="values">{boxes}</dl>'
        + more
        + (f'<p class="note">{escape(note)}</p>' if note else "")
        + "</div>"
    )


def leading_rows(table: pd.DataFrame) -> tuple[list[int], list[int]]:
    """Which boxes are in sight, and which are a fold?

    Those of the measures that the table names (``table.attrs["lead"]``) lead in that order; without names all are in sight.
    """
    lead = attribute(table, "lead", ())
    measures = table["measure"].tolist() if "measure" in table else []
    first = [measures.index(one) for one in lead if one in measures] or list(range(len(table)))
    return first, [place for place in range(len(table)) if place not in first]


def _box_html(label: str, number: str, interval: str, basis: str, spark: str, target: str) -> str:
    small = (("interval", interval), ("interval", target), ("interval basis", basis))
    shown = [f'<dd class="{kind}">{escape(text)}</dd>' if text else "" for kind, text in small]
    rest = "".join([*shown[:2], spark, shown[2]])
    large = f'<dt class="label">{escape(label)}</dt><dd class="{_size(number)}">{escape(number)}</dd>'
    return f'<div class="value">{large}{rest}</div>'


def _size(number: str) -> str:
    """The class of a number: long ones are set smaller, so that they stay in their box."""
    return "number" if len(number) <= 9 else "number long" if len(number) <= 13 else "number longer"


def value_words(result: Result, locale: Locale) -> list[tuple[str, str, str, str]]:
    """Label, number, interval, and n with method of each value box, as plain text."""
    table = required(result, "group", "value", "unit")
    label = replace(column_of(result, "group"), unit="text", translate=True)
    listed = []
    for row in table.to_dict("records"):
        hidden = bool(row.get("suppressed", False))
        number = DASH if hidden else _number(row, locale, result.name)
        interval = (
            "" if hidden else interval_words(row, Column("interval", "Interval", row["unit"]), locale, exhibit=result.name)
        )
        if interval in ("", DASH):
            interval = ""
        else:
            interval = say(Text(LIMITS.template, {"heading": interval_heading(table, locale), "limits": interval}), locale)
        listed.append((cell(row["group"], label, locale), number, interval, "" if hidden else _basis(row, locale)))
    return listed


def _number(row: dict[Any, Any], locale: Locale, exhibit: str) -> str:
    return cell(row["value"], Column("value", "Value", row["unit"]), locale, exhibit=exhibit)


def _basis(row: dict[Any, Any], locale: Locale) -> str:
    parts = []
    if not empty(row.get("n")):
        parts.append(say(Text(COUNT.template, {"n": Quantity(row["n"], "count")}), locale))
    if not empty(row.get("method")) and str(row["method"]).strip():
        parts.append(translate(str(row["method"]), locale.words))
    return " · ".join(parts)


def findings_html(findings: Iterable[Finding], locale: Locale, *, name: Naming | None = None, worst_leads: bool = True) -> str:
    """Findings as a list, the worst first unless they come in an order of their own; everything from data is escaped.

    Returns
    -------
    str
        ``<ul class="findings">`` with an ``<li class="finding warning">`` each, and folded beneath it those that only say that
        a rule is met, where there are more than one; empty where there are no findings.
    """
    ordered = worst_first(findings) if worst_leads else list(findings)
    passed = [one for one in ordered if one.severity == "good" and one.criteria is not None and one.action is None]
    folded = passed if 1 < len(passed) < len(ordered) else []
    items = "".join(_finding_html(finding, locale, name) for finding in ordered if finding not in folded)
    listed = f'<ul class="findings">{items}</ul>' if items else ""
    if not folded:
        return listed
    checks = "".join(_finding_html(finding, locale, name) for finding in folded)
    said = escape(say(Text(PASSED.template, {"n": Quantity(len(folded), "count")}), locale))
    return f'{listed}<details class="fold checks"><summary>{said}</summary><ul class="findings">{checks}</ul></details>'


def _finding_html(finding: Finding, locale: Locale, name: Naming | None) -> str:
    _, sentence_, *more = finding_words(finding, locale, name)
    spans = "".join(f' <span class="{kind}">{escape(text)}</span>' for kind, text in more)
    severity = escape(say(SEVERITY[finding.severity], locale))
    return (
        f'<li class="finding {finding.severity}" id="{escape(finding.id)}"><span class="severity">{severity}</span> '
        f'<span class="sentence">{escape(sentence_[1])}</span>{spans}</li>'
    )


def finding_words(finding: Finding, locale: Locale, name: Naming | None = None) -> list[tuple[str, str]]:
    """The parts of a finding as plain text: severity, sentence, then intervals, criteria, money at stake, action."""
    parts = [("severity", say(SEVERITY[finding.severity], locale)), ("sentence", finding_sentence(finding, locale, name))]
    ranges = ranges_words(finding, locale)
    if ranges:
        parts.append(("evidence", ranges))
    if finding.criteria is not None:
        rule = Text(RULE.template, {"rule": sentence(finding.criteria, locale, name)})
        parts.append(("criteria", say(rule, locale)))
    if finding.money_at_stake is not None:
        parts.append(("stake", say(Text(AT_STAKE.template, {"money": finding.money_at_stake}), locale)))
    if finding.action is not None:
        parts.append(("action", sentence(Text(WHAT_TO_DO.template, {"action": finding.action}), locale, name)))
    return parts


def finding_sentence(finding: Finding | None, locale: Locale, name: Naming | None = None) -> str:
    """What a finding says, its numbers without their intervals; empty without one."""
    return "" if finding is None else sentence(without_limits(finding.text), locale, name)


def finding_html(finding: Finding | None, locale: Locale, name: Naming | None = None) -> str:
    """A finding over an exhibit: its sentence, and its intervals beneath."""
    parts = [("finding", finding_sentence(finding, locale, name)), ("note", ranges_words(finding, locale))]
    return "".join(f' <span class="{kind}">{escape(text)}</span>' for kind, text in parts if text)


def ranges_words(finding: Finding | None, locale: Locale) -> str:
    """The intervals of the numbers of a finding, in a line of their own; empty where none has one."""
    known = [] if finding is None else limited(finding.text)
    if len(known) == 1:
        limits = {name: Quantity(limit, known[0].unit) for name, limit in (("low", known[0].low), ("high", known[0].high))}
        return say(Text(INTERVAL.template, {"limits": Text(FROM_TO.template, limits)}), locale)
    return say(Text(INTERVALS.template, {"each": in_a_row(known)}), locale) if known else ""


def not_assessed_html(result: Result, locale: Locale, *, name: Naming | None = None) -> str:
    """Says in place of an exhibit why it is missing."""
    title, reason = sentence(result.title, locale, name), reason_words(result, locale, name)
    return (
        f'<div class="exhibit not-assessed" id="{escape(result.name)}"><strong class="title">{escape(title)}</strong>'
        f' <span class="reason">{escape(reason)}</span></div>'
    )


def reason_words(result: Result, locale: Locale, name: Naming | None = None) -> str:
    """Why there is no exhibit, as plain text."""
    return sentence(Text(NOT_ASSESSED.template, {"reason": result.reason or NO_REASON}), locale, name)
