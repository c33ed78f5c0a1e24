"""What does the company do well, and what not? Strengths beside weaknesses, the surest first.

A strength is as little taken on trust as a finding: it is sure only where the truth is better than the target by more than
chance, after correction for all indicators that were looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit.analyses.audit.by_class import with_numbers
from crmkit.analyses.audit.fit import Audit
from crmkit.analyses.audit.scoring import ASSESSED
from crmkit.core.language import mark, say
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.models.basics.families import holm

if TYPE_CHECKING:
    import pandas as pd

SURE, LIKELY = mark("sure"), mark("by the estimate")
ON_THE_PAGE = 8
SIDES = ("strength", "weakness")
TITLE = Text("Strengths beside weaknesses")


def strengths(work: Audit) -> Result:
    """Where is the company better than its targets, and where worse?

    Parameters
    ----------
    work : Audit

    Returns
    -------
    Result
        The nth strength and the nth weakness in one row: ``strength, strength_words, strength_sure`` and the same of the
        weakness, with ``_value, _low, _high, _n, _target, _unit, _p`` of each (Holm within all strengths, and within all
        weaknesses, that were looked at).
    """
    import pandas as pd

    state = work.state
    own = state[(state["status"] == ASSESSED) & state["target"].notna()].copy()
    if own.empty:
        return not_assessed("audit_strengths", TITLE, Text("no indicator with a target could be assessed"))
    bad = own["indicator"].isin({check.subject for check in work.checks if check.rule == "indicator" and check.off})
    own["p_strength"], own["p_weakness"] = holm(own["p_better"]), holm(own["p_value"])
    sides = {"strength": _ordered(own[~bad], "strength"), "weakness": _ordered(own[bad], "weakness")}
    columns = [_column(rows, side, work) for side, rows in sides.items()]
    table = pd.concat(columns, axis=1)
    for side in SIDES:
        table[[side, f"{side}_words", f"{side}_sure"]] = table[[side, f"{side}_words", f"{side}_sure"]].fillna("")
    table.attrs["rows"] = ON_THE_PAGE
    shown = (
        Column("strength", "Strength"),
        Column("strength_words", "Value, target"),
        Column("strength_sure", "How sure", translate=True),
        Column("weakness", "Weakness"),
        Column("weakness_words", "Value, target"),
        Column("weakness_sure", "How sure", translate=True),
    )
    return with_numbers(
        Result(
            "audit_strengths",
            "table",
            TITLE,
            table,
            columns=shown,
            finding=_finding(sides, work.confidence),
            note=_note(own, work),
        )
    )


def _ordered(rows: pd.DataFrame, side: str) -> pd.DataFrame:
    """The surest first; what is no sample, which has no p, by its score behind them."""
    best = side == "strength"
    return rows.sort_values([f"p_{side}", "score", "indicator"], ascending=[True, not best, True], na_position="last")


def _column(rows: pd.DataFrame, side: str, work: Audit) -> pd.DataFrame:
    import pandas as pd

    listed = [
        {
            side: row["name"],
            f"{side}_words": say(_words(row), work.locale),
            f"{side}_sure": SURE if row[f"p_{side}"] < 1 - work.confidence else LIKELY,
            **{f"{side}_{name}": row[name] for name in ("indicator", "value", "low", "high", "n", "target", "unit")},
            f"{side}_p": row[f"p_{side}"],
        }
        for row in rows.to_dict("records")
    ]
    names = ("", "_words", "_sure", "_indicator", "_value", "_low", "_high", "_n", "_target", "_unit", "_p")
    return pd.DataFrame(listed, columns=[f"{side}{name}" for name in names])


def _words(row: dict[Any, Any]) -> Text:
    unit = row["unit"]
    numbers = {
        "value": Quantity(row["value"], unit, row["low"], row["high"]),
        "n": Quantity(row["n"], "count"),
        "target": Quantity(row["target"], unit),
    }
    return Text("{value}, n = {n}; target {target}", numbers)


def _finding(sides: dict[str, pd.DataFrame], confidence: float) -> Finding:
    sure = {side: rows[rows[f"p_{side}"] < 1 - confidence] for side, rows in sides.items()}
    words: dict[str, Quantity | str] = {side: Quantity(len(rows), "count") for side, rows in sure.items()}
    words |= {f"{side}_name": str(rows["name"].iloc[0]) for side, rows in sure.items() if len(rows)}
    text = {
        (True, True): Text(
            "{strength} {strength:strength is|strengths are} sure, first: {strength_name}. {weakness} {weakness:weakness is|"
            "weaknesses are} sure, first: {weakness_name}.",
            words,
        ),
        (True, False): Text(
            "{strength} {strength:strength is|strengths are} sure, first: {strength_name}. No weakness is sure.", words
        ),
        (False, True): Text(
            "No strength is sure. {weakness} {weakness:weakness is|weaknesses are} sure, first: {weakness_name}.", words
        ),
        (False, False): Text("Neither a strength nor a weakness is sure.", words),
    }[len(sure["strength"]) > 0, len(sure["weakness"]) > 0]
    return Finding("audit.strengths", "info", None, text, evidence=("audit_strengths",))


def _note(own: pd.DataFrame, work: Audit) -> Text:
    numbers = {"kit": Quantity(int(own["placeholder"].sum()), "count"), "n": Quantity(len(own), "count")}
    return Text(
        "Sure: significantly better or worse than the target, corrected for {n} indicators (Holm). {kit} "
        "of the targets are placeholders of the kit.",
        numbers,
    )
