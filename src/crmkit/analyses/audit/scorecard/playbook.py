"""What should be done with which customers? A play for each segment, with its numbers and the list to begin with.

Segments are those of the report on customer value, lists are its lists and that of the report on leaving: nothing is counted
here a second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.audit.fit import Audit
from crmkit.core.errors import CrmkitError
from crmkit.core.language import mark
from crmkit.core.reading import Reading
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.models.basics.shares import wilson

if TYPE_CHECKING:
    import pandas as pd

TITLE = Text("Playbook: what to do with which customers")
NEEDED = Text("needs the report on customer value, or that on leaving, of the same day")
LEAVING = mark("likely to leave, and worth a contact")
# of each stage: what is done, and the list of whom to begin with
PLAYS: dict[str, tuple[tuple[str, str], ...]] = {
    mark("potential"): ((mark("Win the first order: offer an easy start"), ""),),
    mark("first purchase"): ((mark("Lead to the second purchase while the first is fresh"), "clv_grow"),),
    mark("repeat"): (
        (mark("Offer what suits what they bought"), "clv_grow"),
        (mark("Look after the most valuable in person"), "clv_protect"),
    ),
    mark("loyal"): ((mark("Thank them, ask for referrals, look after the most valuable in person"), "clv_protect"),),
    mark("at risk"): ((mark("Ask why they are silent, and win them back"), "clv_wake"),),
    mark("lapsed"): ((mark("Win back those who spent much; spend nothing on the others"), "clv_wake"),),
}
TIERS: tuple[str, ...] = (
    mark("Look after the most valuable in person"),
    mark("Offer what suits what they bought"),
    mark("Serve well at low cost"),
)
CALL = mark("Contact those for whom a contact pays, leave a control group alone")
LISTS = {
    "clv_grow": mark("to grow"),
    "clv_protect": mark("to protect"),
    "clv_wake": mark("to wake"),
    "churn_assignment": mark("campaign"),
}
COLUMNS = (
    Column("segment", "Segment", translate=True),
    Column("n", "Customers", "count"),
    Column("value", "Share", "share"),
    Column("interval", "Interval", "share"),
    Column("worth", "Expected value, or at risk", "money"),
    Column("play", "What to do", translate=True),
    Column("begin", "Begin with", "count"),
    Column("money", "Money in it", "money"),
    Column("list", "List", translate=True),
)


def playbook(work: Audit, results: Mapping[str, Reading]) -> Result:
    """Which customers should be treated how, beginning with whom?

    Parameters
    ----------
    work : Audit
        Whose client says how few customers are not to be counted.
    results : mapping of analysis to Reading
        ``clv`` and ``churn``.

    Returns
    -------
    Result
        A row per segment and play: ``segment, n, value, low, high`` (share of the customers shown, Wilson), ``worth`` (expected
        value of the segment), ``play``, ``begin`` (customers on the list, of this segment), ``money`` (what the list says they
        bring), ``list, file``. A segment too small to be shown has no numbers. The last rows are the campaign of the report on
        leaving, by what it suggests, with the value at risk and the expected profit.
    """
    import pandas as pd

    value, leaving = (_usable(results.get(name)) for name in ("clv", "churn"))
    rows = [
        *(() if value is None else _by_stage(value, work)),
        *(() if leaving is None else _campaign(leaving, work.company.settings.privacy.min_cell)),
    ]
    if not rows:
        return not_assessed("audit_playbook", TITLE, NEEDED)
    table = pd.DataFrame(rows)
    note = Text(
        "Segments and expected values are those of the report on customer value, lists those of the reports on value and on "
        "leaving. Money: expected value of those to protect, one more purchase of those to grow, what those to wake would be "
        "worth more. Of the campaign: the profit expected. Customers of the campaign may stand in another list "
        "too. The sums are of different kinds, so they are not added. Shares are those of the segments shown."
    )
    return Result("audit_playbook", "table", TITLE, table, columns=COLUMNS, finding=_finding(table), note=note)


def _usable(reading: Reading | None) -> Reading | None:
    return None if reading is None or reading.reason is not None else reading


def _table(reading: Reading, name: str) -> pd.DataFrame | None:
    try:
        return reading.table(name)
    except CrmkitError:  # the report made no such table
        return None


def _by_stage(value: Reading, work: Audit) -> Iterator[dict[str, Any]]:
    """Stages of the life cycle; of customers under contract, who have none, the tiers."""
    stages, column = _table(value, "clv_stage_table"), "stage"
    if stages is None:
        stages, column = _table(value, "clv_tiers"), "tier"
    if stages is None:
        return
    min_cell = work.company.settings.privacy.min_cell
    total = float(stages["n"].sum())  # a hidden group has no number
    for place, row in enumerate(stages.to_dict("records")):
        name, hidden = str(row[column]), bool(row.get("suppressed", False))
        if not hidden and not row["n"] > 0:
            continue
        sure = wilson([0 if hidden else row["n"]], [total], confidence=work.confidence)
        about = {"n": row["n"], "value": sure.value[0], "low": sure.low[0], "high": sure.high[0], "worth": row["value"]}
        for play, wanted in PLAYS.get(name) or ((TIERS[min(place, len(TIERS) - 1)], ""),):
            begin, money = (0, np.nan) if hidden else _begin(value, name, wanted)
            shown = begin >= max(1, min_cell)
            yield {
                "segment": name,
                **(dict.fromkeys(about, np.nan) if hidden else about),
                "play": play,
                "begin": begin if shown else np.nan,
                "money": money if shown else np.nan,
                "list": LISTS[wanted] if shown else "",
                "file": f"{wanted}.csv" if shown else "",
            }


def _begin(value: Reading, stage: str, wanted: str) -> tuple[int, float]:
    """How many customers of a stage are on a list, and how much money it says is in them."""
    listed = _table(value, wanted) if wanted else None
    if listed is None or listed.empty:
        return 0, np.nan
    loyal, silent = _parameter(value, "loyal_from", 5), _parameter(value, "active_days", 365)
    if wanted == "clv_wake":
        stages = np.where(listed["days_since_last"] > silent, "lapsed", "at risk")
    else:  # nobody on the other lists is at risk or lapsed
        bought = listed["purchase_days"].to_numpy()
        stages = np.select([bought >= loyal, bought >= 2], ["loyal", "repeat"], default="first purchase")
    own = listed[stages == stage]
    return len(own), float(own["money"].sum())


def _campaign(leaving: Reading, min_cell: int) -> Iterator[dict[str, Any]]:
    """Whom to contact against leaving, by what the report suggests to them; suggestions to too few of them together."""
    listed = _table(leaving, "churn_list")
    if listed is None or not {"chosen", "profit", "at_risk"} <= set(listed.columns):
        return
    chosen = listed[listed["chosen"]]
    suggested = chosen["action"] if "action" in chosen else chosen["chosen"].map({True: CALL})
    size = suggested.map(suggested.value_counts())
    for play, own in chosen.groupby(suggested.where(size >= min_cell, CALL), sort=True):
        yield {
            "segment": LEAVING,
            **dict.fromkeys(("n", "value", "low", "high"), np.nan),
            "worth": float(own["at_risk"].sum()),
            "play": str(play),
            "begin": len(own),
            "money": float(own["profit"].sum()),
            "list": LISTS["churn_assignment"],
            "file": "churn_assignment.csv",
        }


def _parameter(reading: Reading, name: str, usual: float) -> float:
    used = dict((reading.report or {}).get("parameters", {})).get(name, {})
    return float(used.get("value", usual)) if isinstance(used, Mapping) else usual


def _finding(table: pd.DataFrame) -> Finding:
    listed = table[table["begin"].notna() & table["money"].notna()]
    numbers: dict[str, Quantity | Text | str] = {"n": Quantity(table["segment"].nunique(), "count")}
    if listed.empty:
        text = Text("{n} {n:segment has|segments have} a play; no list says with whom to begin.", numbers)
    else:
        first = listed.loc[listed["money"].idxmax()]
        numbers |= {
            "segment": Text(str(first["segment"])),
            "begin": Quantity(first["begin"], "count"),
            "money": Quantity(first["money"], "money"),
            "list": Text(str(first["list"])),
        }
        text = Text("Most money is in {begin} customers of the segment “{segment}”: {money}, list “{list}”.", numbers)
    return Finding("audit.playbook", "info", None, text, evidence=("audit_playbook",))
