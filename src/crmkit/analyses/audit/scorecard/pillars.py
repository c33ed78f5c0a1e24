"""Where do the five pillars of the evaluation stand: satisfaction, needs, customers lost, value, recommendation?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from crmkit.analyses.audit.fit import Audit
from crmkit.analyses.audit.indicators.estimate import NO_BEFORE, NO_PLAN, SHORT
from crmkit.analyses.audit.scoring import ASSESSED
from crmkit.core.errors import CrmkitError
from crmkit.core.language import in_a_row, mark
from crmkit.core.reading import Reading
from crmkit.core.results import Quantity, Result, Text, estimates, history, not_assessed

TITLE = Text("The five pillars of the evaluation")
# what each pillar is called, what stands for it, and its indicator; needs are what moves satisfaction most
PILLARS: tuple[tuple[str, str, str], ...] = (
    (mark("satisfaction"), mark("Satisfaction: satisfied customers"), "P-CSAT"),
    (mark("needs"), mark("Needs: weight of the strongest driver"), ""),
    (mark("leaving"), mark("Leaving: customers lost per month"), "R-CHURN"),
    (mark("value"), mark("Value of a customer"), "R-CLV"),
    (mark("recommendation"), mark("Recommendation: net promoter score"), "R-NPS"),
)
# known, but without a target to be held against
NO_TARGET = (NO_BEFORE, NO_PLAN, SHORT)
NOT_KNOWN: dict[str, Any] = {
    "value": math.nan,
    "low": math.nan,
    "high": math.nan,
    "n": math.nan,
    "unit": "number",
    "method": "",
}


def pillars(work: Audit, results: Mapping[str, Reading]) -> Result:
    """How does each of the five pillars stand, in one row?

    Parameters
    ----------
    work : Audit
    results : mapping of analysis to Reading
        ``satisfaction`` says what customers need.

    Returns
    -------
    Result
        Estimate table, a row per pillar; a pillar that could not be assessed has no value, and the note names it.
    """
    state = work.state.set_index("indicator")
    need = strongest_need(results)
    rows, lacking, scores, targets = [], [], [], {}
    for pillar, label, name in PILLARS:
        row = need if not name else state.loc[name].to_dict() if name in state.index else None
        known = row is not None and (not name or row["status"] == ASSESSED or row["reason"] in NO_TARGET)
        found = {key: row[key] for key in NOT_KNOWN} if known and row is not None else NOT_KNOWN
        rows.append({"group": label, "measure": "", **found})
        if not known:
            lacking.append(Text(pillar))
        elif name and row is not None and row["status"] == ASSESSED:
            if not row["placeholder"]:
                targets[label] = Quantity(row["target"], row["unit"])
            scores.append(Text("{pillar} {score}", {"pillar": Text(pillar), "score": Quantity(row["score"], "points")}))
    if len(lacking) == len(PILLARS):
        reason = Text("needs answers on satisfaction and recommendation, and the reports on value, leaving and satisfaction")
        return not_assessed("audit_pillars", TITLE, reason)
    table = estimates(rows)
    table.attrs["targets"] = targets
    table.attrs["history"] = {label: _by_month(work, name) for _, label, name in PILLARS if name}
    return Result("audit_pillars", "values", TITLE, table, note=_note(scores, lacking, need))


def _by_month(work: Audit, indicator: str) -> dict[str, Any]:
    """An indicator in the months behind, but for those with too few cases to be shown."""
    own = work.months[(work.months["indicator"] == indicator) & work.months["value"].notna()]
    shown = own[~(own["n"] < work.company.settings.privacy.min_cell)]
    return history(mark("by month"), work.book[indicator].unit, shown["month_end"], shown["value"])


def strongest_need(results: Mapping[str, Reading]) -> dict[str, Any] | None:
    """What moves the satisfaction of customers most: the first driver with an effect of its own; None where none is known."""
    reading = results.get("satisfaction")
    if reading is None or reading.reason is not None:
        return None
    try:
        table = reading.table("satisfaction_drivers")
    except CrmkitError:  # the report made no such table
        return None
    own = table[table["own_effect"].astype(bool)].sort_values("value", ascending=False)
    return None if own.empty else dict(own.iloc[0])


def _note(scores: list[Text], lacking: list[Text], need: Mapping[str, Any] | None) -> Text:
    parts: list[Text] = [Text("{title}.", {"title": TITLE})]
    if scores:
        parts.append(Text("Scores, 1 to 5: {scores}.", {"scores": in_a_row(scores)}))
    if need is not None:
        parts.append(Text("Strongest driver of satisfaction: {need}.", {"need": str(need["group"])}))
    if lacking:
        parts.append(Text("Not assessed: {lacking}.", {"lacking": in_a_row(lacking)}))
    text = parts[0]
    for one in parts[1:]:
        text = Text("{first} {second}", {"first": text, "second": one})
    return text
