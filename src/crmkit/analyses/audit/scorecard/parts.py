"""How do the parts of customer management stand: contact, service, complaints; number, sales, retention, referral; input, cost?

Each class of indicators has its parts, and each of its indicators stands in one of them. The quality of the relationship, which
cuts across the classes, is a weighted score of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crmkit.analyses.audit.by_class import CLASSES, LEVEL, level_table
from crmkit.analyses.audit.fit import Audit
from crmkit.analyses.audit.scoring import ASSESSED, mean_score
from crmkit.core.language import mark
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed

if TYPE_CHECKING:
    import pandas as pd

PARTS: dict[str, dict[str, tuple[str, ...]]] = {
    "process": {
        mark("Contact with customers"): ("P-CONT", "P-COVER", "P-FBR", "P-REPR", "P-CHAN", "P-ADOPT", "P-LOOP"),
        mark("Service"): (
            "P-RESP",
            "P-RESP50",
            "P-RESP90",
            "P-RES",
            "P-FCR",
            "P-REOPEN",
            "P-CLOSE",
            "P-STEP",
            "P-HAND",
            "P-WAIT",
            "P-CONF",
            "P-TPUT",
            "P-BACK",
        ),
        mark("Handling of complaints"): ("P-CMPR", "P-CMPT", "P-CACK"),
        mark("Satisfaction"): ("P-CSAT", "P-CES"),
    },
    "outcome": {
        mark("Number of customers"): ("R-NCUST", "R-NEW"),
        mark("Sales and value"): ("R-SALES", "R-SALESG", "R-SHARE", "R-FREQ", "R-CLV", "R-TIER", "R-RETURN"),
        mark("Customers kept"): ("R-RET", "R-CHURN", "R-RENEW", "R-REPEAT"),
        mark("Referrals"): ("R-NPS", "R-REF"),
    },
    "input_output": {
        mark("Input"): ("I-INV", "I-CTS"),
        mark("Cost of it"): ("I-COST",),
        mark("Benefit"): ("I-CAC", "I-ROI"),
    },
}
# what the quality of the relationship is made of, and how much each weighs
QUALITY: dict[str, tuple[str, float]] = {
    "P-FCR": (mark("Service that works"), 0.25),
    "P-RESP": (mark("Speed of support"), 0.25),
    "P-CSAT": (mark("Satisfaction"), 0.25),
    "R-RET": (mark("Loyalty"), 0.125),
    "R-NPS": (mark("Loyalty"), 0.125),
}
NOTHING = Text("too few indicators could be assessed")
LACKING = Text(
    "needs tickets with first response and hand-offs, answers on satisfaction and recommendation, and the report on leaving: "
    "at least 60% of the weight"
)
SCORE = (
    Column("score", "Score, 1 to 5", "points"),
    Column("interval", "Possible scores", "points"),
)


def scorecard(work: Audit) -> Result:
    """How does each part of customer management stand?

    Parameters
    ----------
    work : Audit

    Returns
    -------
    Result
        A row per part: ``class, part``, ``score, low, high`` (1 to 5, weighted mean of its indicators and the range that their
        intervals allow; nan below 60 % coverage), ``assessed, indicators`` (how many, of how many), ``best, worst`` (names of
        the indicators with the highest and the lowest score, where they differ).
    """
    import pandas as pd

    title = Text("Scorecard: the parts of each class")
    rows = [_part(work.state, group, part, ids) for group, parts in PARTS.items() for part, ids in parts.items()]
    table = pd.DataFrame([row for row in rows if row is not None])
    if table.empty or not table["score"].notna().any():
        return not_assessed("audit_scorecard", title, NOTHING)
    columns = (
        Column("class", "Class", translate=True),
        Column("part", "Part", translate=True),
        *SCORE,
        Column("of", "Assessed"),
        Column("best", "Strongest"),
        Column("worst", "Weakest"),
    )
    table.attrs["limits"] = Text("possible scores")
    note = Text(
        "Weighted mean of the scores of the indicators in each part; the range follows from their intervals. A part of which "
        "less than 60% could be assessed has no score."
    )
    return Result("audit_scorecard", "table", title, table, columns=columns, finding=_finding(table), note=note)


def _part(state: pd.DataFrame, group: str, part: str, ids: tuple[str, ...]) -> dict[str, Any] | None:
    own = state[state["indicator"].isin(ids)]
    if own.empty:
        return None
    found = mean_score(own)
    done = own[own["status"] == ASSESSED].sort_values("score", kind="stable")
    apart = len(done) > 0 and done["score"].iloc[0] < done["score"].iloc[-1]
    return {
        "class": CLASSES[group],
        "part": part,
        "score": found["score"],
        "value": found["score"],
        "low": found["score_low"],
        "high": found["score_high"],
        "assessed": found["assessed"],
        "indicators": found["indicators"],
        "of": f"{found['assessed']} / {found['indicators']}",
        "best": str(done["name"].iloc[-1]) if apart else "",
        "worst": str(done["name"].iloc[0]) if apart else "",
    }


def _finding(table: pd.DataFrame) -> Finding:
    known = table.dropna(subset=["score"])
    worst, best = known.loc[known["score"].idxmin()], known.loc[known["score"].idxmax()]
    words: dict[str, Quantity | Text | str] = {
        "worst": Text(str(worst["part"])),
        "low": Quantity(worst["score"], "points"),
        "best": Text(str(best["part"])),
        "high": Quantity(best["score"], "points"),
    }
    if worst["score"] == best["score"]:
        text = Text("All parts that could be assessed score {low} of 5.", words)
    else:
        text = Text("Strongest part: {best}, {high} of 5. Weakest: {worst}, {low} of 5.", words)
    return Finding("audit.scorecard", "info", None, text, evidence=("audit_scorecard",))


def quality(work: Audit) -> Result:
    """How good is the relationship with customers: service that works, speed, satisfaction, loyalty?

    Parameters
    ----------
    work : Audit

    Returns
    -------
    Result
        A row per component: ``aspect, indicator, name, weight`` (0 to 1), ``value, low, high`` in its unit, ``n``, its score;
        the finding has the index, the weighted mean score, and the note the range that intervals allow.

    Notes
    -----
    The four aspects weigh the same, and within loyalty both indicators do. Below 60 % of the weight there is no index.
    """
    name, title = "audit_quality", Text("Quality of the relationship")
    own = work.state[work.state["indicator"].isin(QUALITY)].copy()
    own["aspect"] = [QUALITY[one][0] for one in own["indicator"]]
    own["weight"] = [QUALITY[one][1] for one in own["indicator"]]
    found = mean_score(own) if len(own) else {}
    columns = (
        Column("aspect", "Aspect", translate=True),
        Column("weight", "Weight", "share"),
        *LEVEL,
        Column("n", "n", "count"),
    )
    shown = level_table(work, own, name, title, columns)
    if shown is None or found.get("status") != ASSESSED:
        return not_assessed(name, title, LACKING)
    done = own[own["status"] == ASSESSED]
    worst = done.loc[done["score"].idxmin()]
    text = Text(
        "The quality of the relationship scores {index} of 5; weakest: {name}.",
        {"index": Quantity(found["score"], "points"), "name": str(worst["name"])},
    )
    note = Text(
        "Index: weighted mean of the scores; {low} to {high} are possible within the intervals of {n} of {all} indicators. "
        "Service, speed, satisfaction and loyalty weigh the same.",
        {
            "low": Quantity(found["score_low"], "points"),
            "high": Quantity(found["score_high"], "points"),
            "n": Quantity(found["assessed"], "count"),
            "all": Quantity(len(QUALITY), "count"),
        },
    )
    finding = Finding("audit.quality", "info", None, text, evidence=(name,))
    return replace(shown, finding=finding, note=note)
