"""What should the reader know first?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crmkit.analyses.data_quality.indicators import measured
from crmkit.analyses.data_quality.read import Checked
from crmkit.core.results import Finding, Quantity, Result, Severity, Text

LOW, MIDDLE = 3.0, 4.0


def headline(work: Checked, *, more: Sequence[Result] = ()) -> list[Finding]:
    """The verdict on the data, then the findings of the sections that do not hold, and what to mend first.

    Parameters
    ----------
    work : Checked
    more : sequence of Result
        Exhibits of the sections.
    """
    found = [verdict(work)]
    found += [one.finding for one in more if one.finding is not None and one.finding.passed is not True]
    return found


def verdict(work: Checked) -> Finding:
    """How many measures meet their target, and which is the worst?"""
    table = measured(work)
    known = table[table["grade"].notna()]
    if known.empty:
        text = Text("How good the records are cannot be assessed: no table tells more of customers than their numbers.")
        return Finding("data_quality.verdict", "info", None, text, evidence=("data_quality_sources",))
    up = known["direction"] == "up"
    met = (known["value"] >= known["target"]).where(up, known["value"] <= known["target"])
    worst: Any = known.loc[known["grade"].idxmin()]
    words: dict[str, Quantity | Text | str] = {
        "met": Quantity(int(met.sum()), "count"),
        "n": Quantity(len(known), "count"),
        "worst": Text(str(worst["label"])),
        "value": Quantity(worst["value"], worst["unit"], worst["low"], worst["high"]),
        "grade": Quantity(worst["grade"], "count"),
    }
    severity: Severity = "warning" if worst["grade"] < LOW else "info" if worst["grade"] < MIDDLE else "good"
    text = Text(
        "{met} of {n} measures of the data {met:meets its|meet their} target. The lowest grade is {grade}: {worst}, {value}.",
        words,
    )
    if met.all():
        severity, text = "good", Text("Every measure of the data that could be assessed meets its target: {n} in all.", words)
    elif not met.any():
        text = Text("None of {n} measures of the data meets its target. The lowest grade is {grade}: {worst}, {value}.", words)
    return Finding("data_quality.verdict", severity, severity == "good" or None, text, evidence=("data_quality_indicators",))
