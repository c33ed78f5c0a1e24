"""Which answers were given without reading the questions, by which signs, and does the result depend on them?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.satisfaction.estimates import main_scores
from crmkit.analyses.satisfaction.labels import SCORE_COLUMNS, absent
from crmkit.analyses.satisfaction.survey import Item, Survey
from crmkit.core.errors import ModelError
from crmkit.core.language import mark
from crmkit.core.results import Column, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.models.basics.shares import wilson
from crmkit.models.survey import careless as model

if TYPE_CHECKING:
    import pandas as pd

# with fewer, two halves that disagree are mostly chance
FEWEST_BLOCKS = 5
TOO_FEW = Text("needs {needed} items on one scale, there {items:is|are} {items}")
SIGNS = {
    "monotonous": mark("same answer throughout"),
    "contradictory": mark("answers contradict each other"),
    "unusual": mark("unusual combination of answers"),
    "fast": mark("too fast to read"),
    "duplicate": mark("sent in twice"),
}
MANY = 0.1


def signs_of_carelessness(
    responses: pd.DataFrame, given: pd.DataFrame, items: Sequence[Item]
) -> tuple[pd.DataFrame | None, Text | None]:
    """Who answered without reading, judged over all waves together?

    Parameters
    ----------
    responses, given : DataFrame
        As in :class:`~crmkit.analyses.satisfaction.survey.Answers`.
    items : sequence of Item

    Returns
    -------
    signs : DataFrame or None
        As of :func:`crmkit.models.survey.careless.careless`, one row per response.
    reason : Text or None
        Why they could not be looked for.

    Notes
    -----
    Only items of the scale that most items share count: equal answers on different scales mean nothing. A second response of a
    customer in the same wave is a duplicate; where customers are not known, equal answers are one sign only.
    """
    scales = Counter((item.low, item.high) for item in items)
    if not scales:
        return None, Text(TOO_FEW.template, {"needed": Quantity(model.FEWEST_ITEMS, "count"), "items": Quantity(0, "count")})
    scale = scales.most_common(1)[0][0]
    used = [item for item in items if (item.low, item.high) == scale]
    if len(used) < model.FEWEST_ITEMS:
        counts = {"needed": Quantity(model.FEWEST_ITEMS, "count"), "items": Quantity(len(used), "count")}
        return None, Text(TOO_FEW.template, counts)
    senders = _senders(responses)
    try:
        found = model.careless(
            given[[item.id for item in used]].to_numpy(),
            blocks=_blocks(used),
            reversed_items=[place for place, item in enumerate(used) if item.reverse],
            seconds=responses["duration_seconds"].to_numpy() if responses["duration_seconds"].notna().any() else None,
            senders=senders if senders is None else np.array(senders, dtype=object),
            scale=scale,
        )
    except ModelError as err:
        return None, err.text
    return found, None


def _blocks(items: Sequence[Item]) -> list[list[int]] | None:
    """Columns of each dimension with two items or more, for the even-odd measure; None where they are too few."""
    places: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        if item.dimension:
            places.setdefault(item.dimension, []).append(place)
    blocks = [block for block in places.values() if len(block) > 1]
    return blocks if len(blocks) >= FEWEST_BLOCKS else None


def _senders(responses: pd.DataFrame) -> list[str | None] | None:
    """Customer and wave of each response; None where nobody is known by name."""
    known = responses["customer_id"].notna()
    if not known.any():
        return None
    pairs = zip(responses["wave"], responses["customer_id"], known, strict=True)
    return [f"{wave}\x1f{customer}" if named else None for wave, customer, named in pairs]


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
    if past.answers.signs is None:
        reason = past.answers.unread or Text("it could not be looked for")
        return not_assessed(name, title, reason)
    rows = (past.answers.responses["wave"] == past.waves.reported).to_numpy()
    signs, n = past.answers.signs[rows], int(rows.sum())
    if n < past.min_cell:
        return not_assessed(name, title, Text("{n} {n:answer is|answers are} too few", {"n": Quantity(n, "count")}))
    measured = {sign: word for sign, word in SIGNS.items() if sign != "contradictory" or signs["even_odd"].notna().any()}
    measured = {sign: word for sign, word in measured.items() if sign != "fast" or signs["seconds"].notna().any()}
    counts = [int(signs[sign].sum()) for sign in measured] + [int(signs["careless"].sum())]
    table = _shares([*measured.values(), mark("judged careless: two signs, or sent in twice")], counts, n, past.confidence)
    columns = (
        Column("sign", "Sign", translate=True),
        Column("flagged", "Answers", "count"),
        Column("value", "Share", "share"),
        Column("interval", "Interval", "share"),
    )
    note = Text(
        "n = {n} answers. Equal answers in a row (longstring), no variability (IRV), Mahalanobis distance"
        " beyond the 99th percentile. Less than half the median time or two seconds per question; two "
        "answers of one customer; even-odd consistency where there are enough dimensions. Wilson "
        "intervals.",
        {"n": Quantity(n, "count")},
    )
    return Result(name, "table", title, table, columns, finding=_careless_finding(past, table), note=note)


def _shares(words: list[str], counts: list[int], n: int, confidence: float) -> pd.DataFrame:
    import pandas as pd

    found = wilson(counts, n, confidence=confidence)
    table = pd.DataFrame({"sign": words, "flagged": counts, "value": found.value, "low": found.low, "high": found.high, "n": n})
    table.attrs["confidence"] = confidence
    return table


def _careless_finding(past: Survey, table: pd.DataFrame) -> Finding:
    last = table.iloc[-1]
    share = Quantity(last["value"], "share", last["low"], last["high"])
    numbers: dict[str, Any] = {"n": Quantity(last["flagged"], "count"), "share": share}
    if not last["flagged"]:
        text = Text("All answers seem to have been given after reading.")
    elif past.drop_careless:
        text = Text(
            "{n} {n:answer|answers}, {share}, {n:was|were} given without reading and {n:is|are} left out of all scores below.",
            numbers,
        )
    else:
        text = Text(
            "{n} {n:answer|answers}, {share}, {n:was|were} given without reading; the parameters keep "
            "{n:it|them} in all scores below.",
            numbers,
        )
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
    if past.answers.signs is None:
        return not_assessed(name, title, past.answers.unread or Text("it could not be looked for"))
    everybody = past.at(past.waves.reported, everybody=True)
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
    return Result(name, "table", title, table, SCORE_COLUMNS, finding=_robust_finding(past, table))


def _robust_finding(past: Survey, table: pd.DataFrame) -> Finding:
    """Whether any score leaves its own interval when careless answers are left out."""
    moved = 0
    for _, pair in table.groupby("group", sort=False):
        before, after = pair.iloc[0], pair.iloc[1]
        moved += int(not (before["low"] <= after["value"] <= before["high"]))
    n = Quantity(moved, "count")
    if not moved:
        text = Text("No score changes significantly when careless answers are left out.")
        return Finding("satisfaction.robust", "good", True, text, evidence=("satisfaction_with_and_without",))
    text = Text("{n} {n:score changes|scores change} significantly when careless answers are left out.", {"n": n})
    return Finding("satisfaction.robust", "warning", False, text, evidence=("satisfaction_with_and_without",))
