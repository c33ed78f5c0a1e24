"""Are customers' data kept as they should be? A self-check of which each line passes, fails, or cannot be assessed."""

from __future__ import annotations

from typing import Any

from crmkit.analyses.data_quality.indicators import NAN, WILSON
from crmkit.analyses.data_quality.read import Checked
from crmkit.core.language import Locale, mark, say
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.models.basics.shares import wilson

PASS, FAIL, OPEN = mark("passes"), mark("fails"), mark("cannot be assessed")
LEAST_CELL = 5
COLUMNS = (
    Column("check", "Check", translate=True),
    Column("state", "Result", translate=True),
    Column("found", "Found"),
    Column("concerned", "Concerned", "count"),
)
PURPOSES = (
    Column("purpose", "Purpose", translate=True),
    Column("value", "With consent", "share", limits=("low", "high")),
    Column("n", "Records", "count"),
    Column("without", "Without", "count"),
    Column("money", "Their revenue in a year", "money"),
    Column("method", "Method", translate=True),
)
ANY, ALL = mark("any purpose"), mark("all purposes used")


def purposes(work: Checked) -> Result:
    """For which purposes is there a consent, of how many?"""
    import pandas as pd

    title = Text("Consent, by purpose")
    if work.derived or "consents" not in work.frames:
        return not_assessed("data_quality_consent", title, Text("needs the day on which customers gave consent"))
    told = "consent_purpose" in work.company.tables["customers"].columns
    if work.agreed.purposes and not told:
        reason = Text("cannot be assessed: consents are written down without their purpose")
        return not_assessed("data_quality_consent", title, reason)
    rows = []
    for row in work.frames["consents"].to_dict("records"):
        if not row["n"] or (row["purpose"] == "all" and len(work.agreed.purposes) < 2):
            continue
        limits = wilson([row["given"]], [row["n"]], confidence=work.confidence)
        rows.append(
            {
                "purpose": {"any": ANY, "all": ALL}.get(row["purpose"], row["purpose"]),
                "value": row["given"] / row["n"],
                "low": float(limits.low[0]),
                "high": float(limits.high[0]),
                "n": row["n"],
                "without": row["n"] - row["given"],
                "money": 0.0 if row["n"] == row["given"] and work.has_money else row["money"],
                "method": WILSON,
            }
        )
    if not rows:
        return not_assessed("data_quality_consent", title, Text("cannot be assessed: there is no record"))
    table = pd.DataFrame(rows)
    note = Text("Purposes are those that the company says it uses data for.")
    return Result("data_quality_consent", "table", title, table, columns=PURPOSES, note=note)


def self_check(work: Checked) -> Result:
    """Does the keeping of the data pass its own check: consent, retention, identifiers where they do not belong?"""
    import pandas as pd

    locale = Locale(work.company.language, work.company.currency)
    lines = [_consent(work), _purpose(work), _campaigns(work), *_retention(work), _free_text(work), *_pages(work)]
    rows = [
        {"check": check, "state": state, "found": say(found, locale), "concerned": concerned}
        for check, state, found, concerned in lines
    ]
    table = pd.DataFrame(rows)
    failed, open_ = int((table["state"] == FAIL).sum()), int((table["state"] == OPEN).sum())
    words = {"k": Quantity(failed, "count"), "n": Quantity(len(table), "count"), "open": Quantity(open_, "count")}
    text = Text("{k} of {n} checks of privacy {k:fails|fail}; {open} cannot be assessed.", words)
    if failed and not open_:
        text = Text("{k} of {n} checks of privacy {k:fails|fail}.", words)
    elif not failed:
        text = Text("No check of privacy fails; {open} of {n} cannot be assessed.", words)
        text = text if open_ else Text("All {n} checks of privacy pass.", words)
    finding = Finding(
        "data_quality.privacy",
        "warning" if failed else "info" if open_ else "good",
        False if failed else None if open_ else True,
        text,
        evidence=("data_quality_privacy",),
        action=Text("Mend what fails before the next campaign, and name who answers for it.") if failed else None,
    )
    note = Text("A self-check of what the data show; it is no advice on law.")
    return Result(
        "data_quality_privacy", "table", Text("Self-check of privacy"), table, columns=COLUMNS, finding=finding, note=note
    )


Line = tuple[str, str, Text, float]


def _consent(work: Checked) -> Line:
    check = mark("Each record has a consent")
    if work.derived or "consents" not in work.frames:
        return check, OPEN, Text("no column says when consent was given"), NAN
    row: Any = work.frames["consents"].set_index("purpose").loc["any"]
    return _counted(check, float(row["n"] - row["given"]), float(row["n"]))


def _counted(check: str, wrong: float, n: float) -> Line:
    words = {"k": Quantity(wrong, "count"), "n": Quantity(n, "count")}
    if not wrong:
        return check, PASS, Text("all {n} records", words), 0.0
    return check, FAIL, Text("not so in {k} of {n} records", words), wrong


def _purpose(work: Checked) -> Line:
    check = mark("The consent covers the purposes that the data are used for")
    if not work.agreed.purposes:
        return check, OPEN, Text("nobody has said what data are used for"), NAN
    if work.derived or "consents" not in work.frames:
        return check, OPEN, Text("no column says when consent was given"), NAN
    rows: Any = work.frames["consents"].set_index("purpose")
    if "all" not in rows.index:
        return check, OPEN, Text("consents are written down without their purpose"), NAN
    return _counted(check, float(rows.loc["all", "n"] - rows.loc["all", "given"]), float(rows.loc["all", "n"]))


def _campaigns(work: Checked) -> Line:
    check = mark("Campaigns went only to customers with consent")
    if "contacted" not in work.frames:
        return check, OPEN, Text("needs exposures, and the day on which customers gave consent"), NAN
    row: Any = work.frames["contacted"].iloc[0]
    return _counted(check, float(row["without"]), float(row["n"]))


def _retention(work: Checked) -> list[Line]:
    check = mark("Nobody is kept longer than agreed")
    days = work.agreed.retention_days
    if not days:
        return [(check, OPEN, Text("no time of retention is agreed"), NAN)]
    if "silent" not in work.frames:
        return [(check, OPEN, Text("needs customers"), NAN)]
    row: Any = work.frames["silent"].iloc[0]
    _, state, found, wrong = _counted(check, float(row["over"]), float(row["n"]))
    return [(check, state, found, wrong)]


def _free_text(work: Checked) -> Line:
    check = mark("Free text names no address and no number")
    rows = [row for one in work.profiles.values() for row in one[one["measure"] == "named"].to_dict("records")]
    if not rows:
        return check, OPEN, Text("there is no column of free text"), NAN
    wrong, n = sum(row["hits"] for row in rows), sum(row["n"] for row in rows)
    words = {"k": Quantity(wrong, "count"), "n": Quantity(n, "count")}
    if not wrong:
        return check, PASS, Text("none in {n} texts", words), 0.0
    return check, FAIL, Text("in {k} of {n} texts", words), float(wrong)


def _pages(work: Checked) -> list[Line]:
    privacy = work.company.settings.privacy
    hidden = privacy.identifiers == privacy.lists == "pseudonym"
    cell = Quantity(privacy.min_cell, "count")
    return [
        (
            mark("Pages and lists name customers by pseudonyms"),
            PASS if hidden else FAIL,
            Text("pseudonyms") if hidden else Text("customer numbers stand on pages or in lists"),
            NAN,
        ),
        (
            mark("Groups of few customers are not shown"),
            PASS if privacy.min_cell >= LEAST_CELL else FAIL,
            Text("groups of fewer than {n} are hidden", {"n": cell}),
            NAN,
        ),
    ]
