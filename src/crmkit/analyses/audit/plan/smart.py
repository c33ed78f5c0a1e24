"""Is a goal or an action specific, measurable, attainable, relevant and timed? Decided from data, never from its wording."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.audit.catalogue import Catalogue
from crmkit.analyses.audit.findings.model import AuditFinding, theme_of
from crmkit.analyses.audit.plan.actions import (
    COUNTED,
    REPORTED,
    WRONG_WAY,
    Action,
    Aim,
    best_year,
    months_needed,
    row_of,
)
from crmkit.analyses.audit.read import History, absent
from crmkit.core.language import mark
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed

if TYPE_CHECKING:
    import pandas as pd

PASS, WARN, FAIL = mark("pass"), mark("warn"), mark("fail")
LETTERS = ("S", "M", "A", "R", "T")
MONTH_DAYS = 30.4375
ACTION, GOAL = mark("action"), mark("goal")
FINE = mark("in order")
NO_AIM = Aim()


@dataclass(frozen=True)
class Wanted:
    """What is checked: an action or a goal, with what it wants of which indicator, for whom, from when, until when.

    ``aim``: that of an action, which may move what is no indicator of the catalogue.
    """

    id: str
    what: str
    indicator: str
    population: str
    baseline: float
    target: float
    starts_on: dt.date | None
    due_on: dt.date | None
    owner: str
    findings: tuple[str, ...]
    goals: tuple[str, ...]
    aim: Aim = NO_AIM


@dataclass(frozen=True, eq=False)
class Known:
    """What checks rest on."""

    rows: Mapping[str, Mapping[Any, Any]]
    months: pd.DataFrame
    book: Catalogue
    past: History
    peers: pd.DataFrame | None
    confidence: float = 0.95
    power: float = 0.8


Verdict = tuple[str, str]


def specific(one: Wanted, known: Known) -> Verdict:
    """Does it name an indicator of the catalogue or something counted, a population, and a direction?"""
    direction = _direction(one, known)
    if not direction:
        return FAIL, mark("names no indicator of the catalogue")
    if one.aim.basis == WRONG_WAY:
        return FAIL, mark("goes in the wrong direction")
    if not np.isfinite(one.target):
        return FAIL, mark("says not what is to be reached")
    base = one.baseline if np.isfinite(one.baseline) else _now(one, known)
    better = {"up": one.target >= base, "down": one.target <= base, "range": True}[direction]
    if np.isfinite(base) and not better:
        return FAIL, mark("goes in the wrong direction")
    if not one.owner:
        return FAIL, mark("has no owner")
    return (PASS, FINE) if one.population else (WARN, mark("names no population; taken for everybody"))


def measurable(one: Wanted, known: Known) -> Verdict:
    """Has what it moves a baseline with an interval?"""
    row = _row(one, known)
    if row is None or not np.isfinite(row["value"]):
        return FAIL, mark("its indicator is not assessed")
    if not (np.isfinite(row["low"]) and np.isfinite(row["high"])):
        return WARN, mark("its baseline has no interval")
    return PASS, FINE


def attainable(one: Wanted, known: Known) -> Verdict:
    """Is the change no larger than any within a year so far, or than what the best peers have?"""
    now = _now(one, known)
    if not (np.isfinite(now) and np.isfinite(one.target)):
        return FAIL, mark("its indicator is not assessed")
    up = _direction(one, known) != "down"
    # what is counted is the company's to settle, and what another report expects is known from its data
    if one.aim.basis in (COUNTED, REPORTED):
        return PASS, FINE
    if abs(one.target - now) <= best_year(known.months, one.indicator, up=up):
        return PASS, FINE
    if known.peers is not None and len(known.peers):
        own = known.peers[known.peers["indicator"] == one.indicator]["value"].astype("float64")
        if len(own):
            edge = float(np.quantile(own, 0.9 if up else 0.1))
            if (one.target <= edge) if up else (one.target >= edge):
                return PASS, FINE
    return WARN, mark("more than ever within a year: a stretch")


def relevant(one: Wanted, known: Known) -> Verdict:
    """Does it answer a finding, and does a goal stand behind it?"""
    if one.findings and one.goals:
        return PASS, FINE
    if one.findings:
        return WARN, mark("no goal of the company names its indicator")
    if one.goals:
        return WARN, mark("no finding asks for it")
    return FAIL, mark("neither a finding nor a goal asks for it")


def timed(one: Wanted, known: Known) -> Verdict:
    """Is it due after it began, and not before its effect can be seen?"""
    if one.due_on is None:
        return FAIL, mark("has no due date")
    start = one.starts_on or known.past.as_of
    if start >= one.due_on:
        return FAIL, mark("is due before it begins")
    row = _row(one, known)
    if row is None:
        return FAIL, mark("its indicator is not assessed")
    if one.target == row["value"]:  # what is to be kept is seen each day
        return PASS, FINE
    needed = months_needed(row, one.target - row["value"], known.past, confidence=known.confidence, power=known.power)
    if needed is None:
        return WARN, mark("too few cases to see whether it helped")
    if start + dt.timedelta(days=needed * MONTH_DAYS) > one.due_on:
        return FAIL, mark("is due before its effect can be seen")
    return PASS, FINE


TESTS = {"S": specific, "M": measurable, "A": attainable, "R": relevant, "T": timed}


def wanted_of(actions: Sequence[Action], goals: pd.DataFrame | None, found: Sequence[AuditFinding]) -> list[Wanted]:
    """Goals and actions in one form."""
    themes = {one.theme: one.id for one in found}
    named = [] if goals is None else goals.to_dict("records")
    made = [
        Wanted(
            one.id,
            ACTION,
            one.aim.indicator,
            "all",
            one.aim.baseline,
            one.aim.expected,
            one.dates.starts_on,
            one.dates.due_on,
            one.owner,
            (one.finding,) if one.finding else (),
            tuple(str(row["goal_id"]) for row in named if row["indicator"] == one.aim.indicator),
            one.aim,
        )
        for one in actions
    ]
    for row in named:
        theme = theme_of(str(row["indicator"]))
        answers = tuple(themes[theme.id] for _ in (0,) if theme is not None and theme.id in themes)
        made.append(
            Wanted(
                str(row["goal_id"]),
                GOAL,
                str(row["indicator"]),
                _text(row, "population"),
                _number(row, "baseline"),
                _number(row, "target"),
                _day(row, "starts_on"),
                _day(row, "due_on"),
                _text(row, "owner"),
                answers,
                (str(row["goal_id"]),),
            )
        )
    return made


def smart(wanted: Sequence[Wanted], known: Known) -> Result:
    """Which goals and actions pass which of the five tests?

    Returns
    -------
    Result
        A row per goal or action: ``id, what, indicator, name``, ``S, M, A, R, T`` (pass, warn, fail) and ``why``, the reason of
        the first that does not pass.
    """
    import pandas as pd

    title = Text("Goals and actions: SMART?")
    if not wanted:
        return not_assessed("audit_smart", title, Text("there is no goal and no action with an indicator"))
    rows = []
    for one in wanted:
        said = {letter: test(one, known) for letter, test in TESTS.items()}
        worst = next((why for verdict in (FAIL, WARN) for got, why in said.values() if got == verdict), FINE)
        name = known.book[one.indicator].name(known.past.language) if one.indicator in known.book.indicators else one.aim.name
        row = {"id": one.id, "what": one.what, "indicator": one.indicator, "name": name, "target": one.target, "why": worst}
        rows.append(row | {letter: verdict for letter, (verdict, _) in said.items()})
    table = pd.DataFrame(rows)
    failing = int((table[list(LETTERS)] == FAIL).any(axis=1).sum())
    numbers = {"n": Quantity(failing, "count"), "all": Quantity(len(table), "count")}
    text = (
        Text("{n} of {all} goals and actions {n:fails|fail} a test.", numbers)
        if failing
        else Text("Each of the {all} goals and actions passes its tests.", numbers)
    )
    finding = Finding("audit.smart", "warning" if failing else "good", failing == 0, text, evidence=("audit_smart",))
    columns = (
        Column("what", "Kind", translate=True),
        Column("name", "What is to move"),
        Column("S", "Specific", translate=True),
        Column("M", "Measurable", translate=True),
        Column("A", "Attainable", translate=True),
        Column("R", "Relevant", translate=True),
        Column("T", "Timed", translate=True),
        Column("why", "First reason", translate=True),
    )
    note = Text(
        "Decided from data, not from wording: indicator and direction, baseline with interval, own history and peers, "
        "findings and goals, dates and the number of cases."
    )
    return Result("audit_smart", "table", title, table, columns=columns, finding=finding, note=note)


def _direction(one: Wanted, known: Known) -> str:
    return known.book[one.indicator].direction if one.indicator in known.book.indicators else one.aim.direction


def _row(one: Wanted, known: Known) -> Mapping[Any, Any] | None:
    """Value, limits and period of what is to move; None where nothing is known of it."""
    if one.indicator in known.rows:
        return known.rows[one.indicator]
    return row_of(one.aim, known.rows, known.past) if np.isfinite(one.aim.baseline) else None


def _now(one: Wanted, known: Known) -> float:
    row = _row(one, known)
    return float(row["value"]) if row is not None else float("nan")


def _text(row: Mapping[Any, Any], name: str) -> str:
    value: Any = row.get(name)
    return "" if absent(value) else str(value)


def _number(row: Mapping[Any, Any], name: str) -> float:
    value: Any = row.get(name)
    return float("nan") if absent(value) else float(value)


def _day(row: Mapping[Any, Any], name: str) -> dt.date | None:
    value: Any = row.get(name)
    return None if absent(value) else value.date()
