"""What do executives decide? One sheet of paper: the verdict, three numbers, three decisions with cost, and the money."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from crmkit.analyses.audit.bridge import bridge
from crmkit.analyses.audit.by_class import tiles
from crmkit.analyses.audit.findings.finding import unrounded
from crmkit.analyses.audit.fit import Audit
from crmkit.analyses.audit.headline import headline
from crmkit.analyses.audit.overview import DONE_BY
from crmkit.analyses.audit.plan import Action
from crmkit.analyses.audit.plan.actions import PEOPLE, PLAN, Aim
from crmkit.analyses.audit.plan.plan import LEFT, TAKEN, first_sentence, goes
from crmkit.analyses.audit.scorecard.pillars import pillars
from crmkit.core.in_short import VERDICTS, WHOLE, leading_boxes
from crmkit.core.language import say
from crmkit.core.reading import Reading
from crmkit.core.results import Brief, Column, Finding, Quantity, Result, Text, Unit, estimates, not_assessed

MOST = 3
# words of a decision and of a name: more would not stand on one sheet
MOST_WORDS, MOST_NAME = 110, 40
WIDE = 0x2E80
NAME, TITLE, NUMBERS = Text("For executives"), Text("What to decide first"), Text("Three numbers")
SLUG = "executive"
LIMITS = ("value", "low", "high", "n")


def executive(work: Audit, results: Mapping[str, Reading]) -> Result:
    """What is to be decided first, by whom, until when, and for how much?

    Parameters
    ----------
    work : Audit
    results : mapping of analysis to Reading
        Whose numbers the sheet shows.

    Returns
    -------
    Result
        A row per decision: ``action_id, text, brings, cost, within, owner, due_on, numbers``; and the sheet for executives as a
        short page. Decisions are actions that have not begun: first those whose worth is known, by worth over cost, then those
        with the most money at stake, one for each finding.
    """
    import pandas as pd

    chosen = _chosen(work)
    if chosen:
        table = pd.DataFrame([_row(one, work) for one in chosen])
        # each sum as the plan and the bridge have it
        table.attrs["alike"] = False
        result = Result("audit_decisions", "table", TITLE, table, columns=_columns(work), note=_note(work))
    else:
        result = not_assessed("audit_decisions", TITLE, Text("no action waits for a decision"))
    money = bridge(results)
    shown = [
        _numbers(work, results),
        replace(result, note=None),
        *([replace(money, finding=None, note=None)] if money.assessed else []),
    ]
    verdict = _verdict(work, results, money)
    worst = [one for one in headline(work.found, work.locale) if one.id != verdict.id][:1]
    said = tuple(replace(one, criteria=None, action=None) for one in (verdict, *worst))
    sheet = Brief(SLUG, NAME, tuple(one for one in shown if one.assessed), findings=said, sheet=True)
    return replace(result, briefs=(sheet,))


def _chosen(work: Audit) -> list[Action]:
    """The actions to decide on, the weightiest first."""
    stakes = {one.id: one.stake.money for one in work.found if one.stake.low > 0}
    waiting = [one for one in work.plan.actions if one.state == PLAN]
    # the sort is stable: what weighs the same stays in the order of the plan, but what only keeps what is reached comes last
    waiting.sort(key=lambda one: (-one.price.ratio, -stakes.get(one.finding, 0.0), one.aim.effect == 0, one.source == PEOPLE))
    once: dict[str, Action] = {}
    for one in waiting:
        once.setdefault(one.finding or one.id, one)
    return list(once.values())[:MOST]


def _row(one: Action, work: Audit) -> dict[str, Any]:
    stake = next((each.stake for each in work.found if each.id == one.finding and each.stake.low > 0), None)
    words: Text | str = _cut(goes(one.aim, work.locale), MOST_WORDS)
    added: list[Quantity] = []
    if one.price.worth > 0:
        added = [Quantity(one.price.worth, "money")]
        words = Text("{worth} a year", {"worth": added[0]})
    elif stake is not None:
        added = [Quantity(stake.money, "money")]
        words = Text("{aim}; at stake: {money}", {"aim": words, "money": added[0]})
    return {
        "action_id": one.id,
        "text": _cut(first_sentence(one.text), MOST_WORDS),
        "brings": words if isinstance(words, str) else say(words, work.locale),
        "cost": one.price.cost if math.isfinite(one.price.cost) else float("nan"),
        "within": TAKEN if one.taken else LEFT,
        "owner": _cut(one.owner, MOST_NAME),
        "due_on": one.dates.due_on,
        "numbers": json.dumps(json.loads(one.aim.numbers) + [unrounded("", each) for each in [*added, *_ends(one.aim)]]),
    }


def _ends(aim: Aim) -> list[Quantity]:
    """Where an indicator is, and where it is to go."""
    unit = cast(Unit, aim.unit)
    return [Quantity(value, unit) for value in (aim.baseline, aim.expected, aim.target) if math.isfinite(value)]


def _columns(work: Audit) -> tuple[Column, ...]:
    columns = (
        Column("text", "Decision"),
        Column("brings", "What it brings"),
        Column("cost", "Cost", "money"),
        Column("owner", "Owner"),
        Column("due_on", "Due", "date"),
    )
    return columns if work.plan.choice is None else (*columns, Column("within", "In the plan", translate=True))


def _note(work: Audit) -> Text:
    return Text(
        "Of {n} planned {n:action|actions}: first those whose worth is known, then those with the most money at stake, one for "
        "each finding. Executives have them on a sheet of their own, beside this report.",
        {"n": Quantity(sum(one.state == PLAN for one in work.plan.actions), "count")},
    )


def _cut(text: str, most: int) -> str:
    """A text that takes no more than so many places, of which a Chinese character takes two; the cut is shown."""
    room, kept = float(most), ""
    for letter in " ".join(text.split()):
        room -= 2 if ord(letter) >= WIDE else 1
        if room < 0:
            return kept.rstrip() + "…"
        kept += letter
    return kept


def _verdict(work: Audit, results: Mapping[str, Reading], money: Result) -> Finding:
    """The sentence that answers in money: from value to gain, else what is at risk, else what is worth most."""
    if money.finding is not None:
        return money.finding
    told = {one["id"]: one for record in _records(results).values() for one in record.get("findings", [])
            if record.get("language") == work.locale.language}  # fmt: skip
    known = next((told[name] for name in VERDICTS if name in told), None)
    if known is not None:
        return Finding(known["id"], known["severity"], known["passed"], Text("{said}", {"said": known["text"]}))
    leading = headline(work.found, work.locale)
    return max(leading, key=lambda one: one.money_at_stake.value if one.money_at_stake else 0.0)


def _numbers(work: Audit, results: Mapping[str, Reading]) -> Result:
    """A number of each report, those of the audit where they leave room."""
    boxes = leading_boxes(_records(results) | {WHOLE: {"values": _own(work, results)}})
    rows = [
        {
            "group": box["key"],
            "measure": name,
            **{part: box.get(part) for part in LIMITS},
            "unit": box["unit"],
            "method": DONE_BY[name],
        }
        for name, box in boxes
    ]
    if not rows:
        return not_assessed("audit_numbers", NUMBERS, Text("needs the reports on value, leaving and satisfaction"))
    table = estimates(rows)
    table.attrs["history"] = {box["key"]: box["history"] for _, box in boxes if box.get("history")}
    return Result("audit_numbers", "values", NUMBERS, table, columns=(Column("group", "Number", translate=True),))


def _records(results: Mapping[str, Reading]) -> dict[str, Mapping[str, Any]]:
    return {name: one.report for name, one in results.items() if one.reason is None and one.report is not None}


def _own(work: Audit, results: Mapping[str, Reading]) -> list[dict[str, Any]]:
    """The value boxes of the audit itself; the range of a score is no interval and stays on its page."""
    found = []
    for result, parts in ((pillars(work, results), LIMITS), (tiles(work), ("value", "n"))):
        rows = [] if result.table is None else result.table.to_dict("records")
        found += [
            {"key": row["group"], "unit": row["unit"], **{part: row[part] for part in parts}}
            for row in rows
            if row["value"] == row["value"]
        ]
    return found
