"""Is a verdict said with reservation? Where the data are too weak for it, its own sentence says so, on every page.

Which measure of the data has to have which grade for which verdict stands in the results of the report on the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from crmkit.core.errors import CrmkitError
from crmkit.core.results import Finding, Numbers, Severity, Text

if TYPE_CHECKING:
    from crmkit.core.reading import Reading

OWNER, TABLE = "data_quality", "data_quality_gates"
# the finding that says what a report is for
VERDICTS: Mapping[str, tuple[str, ...]] = {
    "clv": ("clv.value",),
    "churn": ("churn.risk", "churn.shop_risk"),
    "satisfaction": ("satisfaction.level",),
    "audit": ("audit.bridge",),
}
# where a verdict stands in the sentence that holds it; its numbers are recorded as those of the sentence
VERDICT = "verdict"
RESERVED = Text("With reservation: {verdict} The reason: {why}.")


def reasons(reading: Reading | None, analysis: str) -> tuple[str, ...]:
    """Why the verdict of an analysis needs a reservation; none where the data are good enough, or nobody has judged them.

    Parameters
    ----------
    reading : Reading or None
        Results of the report on the data.
    analysis : str
    """
    if reading is None or reading.reason is not None:
        return ()
    try:
        table = reading.table(TABLE)
    except CrmkitError:
        return ()
    weak = table[(table["analysis"] == analysis) & ~table["held"].astype(bool)]
    return tuple(str(why) for why in weak["why"])


def reserved(finding: Finding, analysis: str, why: tuple[str, ...]) -> Finding:
    """The finding, said with reservation where it is the verdict of its report and the data are too weak.

    Examples
    --------
    >>> one = Finding("churn.risk", "good", True, Text("All stay."))
    >>> reserved(one, "churn", ("half is missing",)).severity, reserved(one, "churn", ()) is one
    ('info', True)
    """
    if not why or finding.id not in VERDICTS.get(analysis, ()) or finding.text.template == RESERVED.template:
        return finding
    numbers: Numbers = {VERDICT: finding.text, "why": Text(why[0])}
    severity: Severity = "info" if finding.severity == "good" else finding.severity
    return replace(finding, text=Text(RESERVED.template, numbers), severity=severity, passed=finding.passed or None)


def place_of(place: str, inner: str) -> str:
    """Under which name a number of a sentence within a sentence is recorded.

    Examples
    --------
    >>> place_of("causes", "share"), place_of("verdict", "share")
    ('causes.share', 'share')
    """
    return inner if place == VERDICT else f"{place}.{inner}"
