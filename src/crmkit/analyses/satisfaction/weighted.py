"""Which score would all customers have given, and what does weighting cost?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit.analyses.satisfaction.estimating import CES, CSAT, NPS, TOP, main_scores
from crmkit.analyses.satisfaction.labels import SCORE_COLUMNS, group_label, measured
from crmkit.analyses.satisfaction.read import Item, Survey
from crmkit.analyses.satisfaction.scores import too_few, weighted_score
from crmkit.analyses.satisfaction.weights import Weights
from crmkit.core.language import mark
from crmkit.core.results import Finding, Quantity, Result, Text, estimates, not_assessed

if TYPE_CHECKING:
    import pandas as pd

AS_ANSWERED, OF_ALL = mark("as answered"), mark("all customers, weighted")
UNWEIGHTED = Text("no weights could be made: {reason}")


def weighting(past: Survey, weights: Weights) -> Result:
    """Would all customers have given the same scores as those who answered?

    Returns
    -------
    Result
        Table ``group, measure, value, low, high, n, unit, method``: each score of the wave as answered, and weighted to the
        customers (calibrated standard errors; n is the effective one).
    """
    name, title = "satisfaction_weighting", Text("Scores as answered, and weighted to all customers")
    missing = too_few(past, past.current, name, title)
    if missing is not None:
        return missing
    if past.wave not in weights.rakings:
        return not_assessed(name, title, Text(UNWEIGHTED.template, {"reason": weights.reasons[past.wave]}))
    listed: list[dict[str, object]] = []
    for row in main_scores(past, past.current):
        item, top = _source(past, str(row["group"]))
        found = weighted_score(past, weights, past.wave, item, top=top)
        if found is None:
            continue
        value, low, high, n = found
        weighted = {**row, "measure": OF_ALL, "value": value, "low": low, "high": high, "n": n, "method": mark("calibrated")}
        listed += [{**row, "measure": AS_ANSWERED}, weighted]
    if not listed:
        return not_assessed(name, title, Text("there are too few answers"))
    table = estimates(listed)
    table.attrs["confidence"] = past.confidence
    raking = weights.rakings[past.wave]
    note = Text(
        "Raked to {margins} of {base} customers; weights up to {trim} times the mean, {trimmed} of the answers held there, "
        "largest gap {gap} percentage points. Design effect {deff} (Kish), effective n {n} of {answers}, largest "
        "weight {ratio} "
        "times the median. Standard errors know the margins.",
        {
            "margins": Text(", ".join(f"{{{at}}}" for at in _numbered(weights)), _named(weights)),
            "base": Quantity(0 if past.customers is None else len(past.customers), "count"),
            "trim": Quantity(weights.trim, "number"),
            "trimmed": Quantity(raking.trimmed_share, "share"),
            "gap": Quantity(100 * raking.largest_gap, "points"),
            "deff": Quantity(raking.design_effect, "score"),
            "n": Quantity(raking.effective_n, "count"),
            "answers": Quantity(len(raking.weights), "count"),
            "ratio": Quantity(raking.largest_ratio, "score"),
        },
    )
    return Result(name, "table", title, table, SCORE_COLUMNS, finding=_finding(table), note=note)


def _numbered(weights: Weights) -> list[str]:
    return [f"margin{at}" for at in range(len(weights.margins))]


def _named(weights: Weights) -> dict[str, Quantity | Text | str]:
    return dict(zip(_numbered(weights), (group_label(name) for name in weights.margins), strict=True))


def _source(past: Survey, label: str) -> tuple[Item, bool]:
    """The item behind a leading score, and whether it is a share."""
    kind = "nps" if label == NPS else "csat" if label in (CSAT, TOP) else "ces"
    return past.of_kind(kind)[0], label not in (NPS, CSAT, CES)


def _finding(table: pd.DataFrame) -> Finding:
    moved: list[tuple[float, pd.Series[Any], pd.Series[Any]]] = []
    for _, pair in table.groupby("group", sort=False):
        before, after = pair.iloc[0], pair.iloc[1]
        width = max(float(before["high"]) - float(before["low"]), 1e-12)
        moved.append((abs(float(after["value"]) - float(before["value"])) / width, before, after))
    size, before, after = max(moved, key=lambda one: one[0])
    numbers: dict[str, Quantity | Text | str] = {
        "score": Text(str(before["group"])),
        "before": Quantity(before["value"], before["unit"]),
        "after": measured(after),
    }
    evidence = ("satisfaction_weighting",)
    if size < 0.25:
        text = Text("Weighting hardly changes the scores: those who answered speak for the customers in what is known.")
        return Finding("satisfaction.weighting", "good", True, text, evidence=evidence)
    text = Text(
        "Weighted to all customers, {score} is {after} instead of {before}: who answered is not like who kept silent.", numbers
    )
    return Finding("satisfaction.weighting", "info", None, text, evidence=evidence)
