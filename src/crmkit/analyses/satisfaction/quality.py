"""How many answers were given without reading, by which signs, and does the result depend on them?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.satisfaction.estimating import main_scores
from crmkit.analyses.satisfaction.labels import SCORE_COLUMNS, absent
from crmkit.analyses.satisfaction.read import Survey
from crmkit.core.language import mark
from crmkit.core.results import Column, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.models.basics.shares import wilson

if TYPE_CHECKING:
    import pandas as pd

SIGNS = {
    "monotonous": mark("same answer throughout"),
    "contradictory": mark("answers contradict each other"),
    "unusual": mark("unusual combination of answers"),
    "fast": mark("too fast to read"),
    "duplicate": mark("sent in twice"),
}
MANY = 0.1


def careless(past: Survey) -> Result:
    """How many answers of the wave were given without reading, and by which signs was it seen?

    Returns
    -------
    Result
        Table ``sign, flagged, value, low, high, n``: responses with each sign (Wilson), and those left out in the last row.
    """
    name, title = "satisfaction_careless", Text("How many answered without reading?")
    if not past.usable:
        return absent(past, name, title)
    if past.signs is None:
        reason = past.unread or Text("it could not be looked for")
        return not_assessed(name, title, reason)
    rows = (past.responses["wave"] == past.wave).to_numpy()
    signs, n = past.signs[rows], int(rows.sum())
    if n < past.min_cell:
        return not_assessed(name, title, Text("{n} answers are too few", {"n": Quantity(n, "count")}))
    measured = {sign: word for sign, word in SIGNS.items() if sign != "contradictory" or signs["even_odd"].notna().any()}
    measured = {sign: word for sign, word in measured.items() if sign != "fast" or signs["seconds"].notna().any()}
    counts = [int(signs[sign].sum()) for sign in measured] + [int(signs["careless"].sum())]
    table = _shares([*measured.values(), mark("judged careless: two signs, or sent in twice")], counts, n, past.confidence)
    columns = (
        Column("sign", "Sign", translate=True), Column("flagged", "Answers", "count"), Column("value", "Share", "share"),
        Column("interval", "Interval", "share"),
    )  # fmt: skip
    note = Text(
        "n = {n} answers. Equal answers in a row (longstring), no variability (IRV), Mahalanobis distance beyond the 99th "
        "percentile, less than half the median time or two seconds per question, two answers of one customer; even-odd "
        "consistency where there are enough dimensions. Wilson intervals.",
        {"n": Quantity(n, "count")},
    )
    return Result(name, "table", title, table, columns, finding=_finding(past, table), note=note)


def _shares(words: list[str], counts: list[int], n: int, confidence: float) -> pd.DataFrame:
    import pandas as pd

    found = wilson(counts, n, confidence=confidence)
    table = pd.DataFrame({"sign": words, "flagged": counts, "value": found.value, "low": found.low, "high": found.high, "n": n})
    table.attrs["confidence"] = confidence
    return table


def _finding(past: Survey, table: pd.DataFrame) -> Finding:
    last = table.iloc[-1]
    share = Quantity(last["value"], "share", last["low"], last["high"])
    numbers: dict[str, Any] = {"n": Quantity(last["flagged"], "count"), "share": share}
    if past.drop_careless:
        text = Text("{n} answers, {share}, were given without reading and are left out of all scores below.", numbers)
    else:
        text = Text("{n} answers, {share}, were given without reading; the parameters keep them in all scores below.", numbers)
    many = bool(last["low"] > MANY)
    action = Text("Shorten the questionnaire, and ask the provider how people were reached.") if many else None
    return Finding(
        "satisfaction.careless",
        "warning" if many else "info",
        not many,
        text,
        evidence=("satisfaction_careless",),
        action=action,
    )


def with_and_without(past: Survey) -> Result:
    """Do the scores depend on the careless answers?

    Returns
    -------
    Result
        Table ``group, measure, value, low, high, n, unit, method``: each score of the wave with and without them.
    """
    name, title = "satisfaction_with_and_without", Text("Scores with and without careless answers")
    if not past.usable:
        return absent(past, name, title)
    if past.signs is None:
        return not_assessed(name, title, past.unread or Text("it could not be looked for"))
    everybody = past.at(past.wave, everybody=True)
    parts = {mark("with careless answers"): everybody, mark("without them"): everybody[~everybody["careless"]]}
    scores = {word: main_scores(past, rows) for word, rows in parts.items()}
    listed = [
        {**row, "measure": word, "group": row["group"]}
        for place in range(len(next(iter(scores.values()))))
        for word, rows in scores.items()
        for row in [rows[place]]
    ]
    if not listed or any(float(str(row["n"])) < past.min_cell for row in listed):
        return not_assessed(name, title, Text("there are too few answers"))
    table = estimates(listed)
    table.attrs["confidence"] = past.confidence
    return Result(name, "table", title, table, SCORE_COLUMNS, finding=_difference(past, table))


def _difference(past: Survey, table: pd.DataFrame) -> Finding:
    """Whether any score leaves its own interval when careless answers are left out."""
    moved = 0
    for _, pair in table.groupby("group", sort=False):
        before, after = pair.iloc[0], pair.iloc[1]
        moved += int(not (before["low"] <= after["value"] <= before["high"]))
    n = Quantity(moved, "count")
    if not moved:
        text = Text("No score changes by more than chance when careless answers are left out.")
        return Finding("satisfaction.robust", "good", True, text, evidence=("satisfaction_with_and_without",))
    text = Text("{n} scores change by more than chance when careless answers are left out.", {"n": n})
    return Finding("satisfaction.robust", "warning", False, text, evidence=("satisfaction_with_and_without",))


def flagged_share(past: Survey) -> float:
    """Share of the wave's answers that were judged careless; nan where it could not be looked for."""
    rows = past.responses["wave"] == past.wave
    return float(np.mean(past.responses.loc[rows, "careless"])) if past.signs is not None and rows.any() else float("nan")
