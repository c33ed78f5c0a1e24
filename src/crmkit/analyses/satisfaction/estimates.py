"""How is each score estimated from answers? One row of an estimate table per score, with the interval that holds for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crmkit.analyses.satisfaction.labels import top_from
from crmkit.analyses.satisfaction.survey import Item, Survey
from crmkit.core.language import mark
from crmkit.models.basics.shares import wilson
from crmkit.models.purchases.calibrated import weighted_mean
from crmkit.models.survey import nps as recommend

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, object]
Floats = NDArray[np.float64]
NPS, TOP, CSAT, CES, EFFORT = (
    mark("NPS"),
    mark("CSAT, two top boxes"),
    mark("CSAT, mean"),
    mark("CES, mean"),
    mark("CES, two top boxes"),
)


def main_scores(past: Survey, rows: pd.DataFrame) -> list[Row]:
    """The scores that lead: CSAT as a share and as a mean, NPS, CES, of some responses.

    Returns
    -------
    list of rows of an estimate table
        Those of the kinds of items that there are; a kind with several items gives its first.
    """
    listed: list[Row] = []
    for item in past.of_kind("csat")[:1]:
        listed += [top_box(past, item, rows, TOP), mean(past, item, rows, CSAT)]
    for item in past.of_kind("nps")[:1]:
        listed.append(net_promoters(past, item, rows, NPS))
    for item in past.of_kind("ces")[:1]:
        listed += [mean(past, item, rows, CES), top_box(past, item, rows, EFFORT)]
    return listed


def given_answers(item: Item, rows: pd.DataFrame) -> Floats:
    """The answers to an item that were given, as numbers."""
    found: Floats = rows[item.id].dropna().to_numpy(dtype=np.float64)
    return found


def top_box(past: Survey, item: Item, rows: pd.DataFrame, label: str) -> Row:
    """Share of answers in the two top boxes, with Wilson's interval."""
    given = given_answers(item, rows)
    found = wilson(float((given >= top_from(item)).sum()), float(len(given)), confidence=past.confidence)
    return _row(label, "top_share", found.value[0], found.low[0], found.high[0], len(given), "share", found.method)


def mean(past: Survey, item: Item, rows: pd.DataFrame, label: str) -> Row:
    """Mean of the answers in points of the scale, with Student's interval cut to the scale."""
    given = given_answers(item, rows)
    method = mark("Student's t")
    if len(given) < 2:
        return _row(label, "mean", given.mean() if len(given) else np.nan, np.nan, np.nan, len(given), "score", method)
    found = weighted_mean(given, confidence=past.confidence)
    low, high = max(found.low, item.low), min(found.high, item.high)
    return _row(label, "mean", found.value, low, high, len(given), "score", method)


def net_promoters(past: Survey, item: Item, rows: pd.DataFrame, label: str) -> Row:
    """Net promoter score with the adjusted Wald interval; the scale is 0 to 10."""
    counted = recommend.tally(rows[item.id].to_numpy(dtype=np.float64))
    found = recommend.nps(counted.promoters, counted.detractors, counted.n, confidence=past.confidence)
    return _row(label, "nps", found.value[0], found.low[0], found.high[0], int(counted.n[0]), "points", found.method)


def _row(label: str, measure: str, value: float, low: float, high: float, n: int, unit: str, method: str) -> Row:
    return {
        "group": label,
        "measure": measure,
        "value": float(value),
        "low": float(low),
        "high": float(high),
        "n": n,
        "unit": unit,
        "method": method,
    }


def promoter_points(scores: Floats) -> Floats:
    """100 for a promoter, 0 for a passive, -100 for a detractor, nan without an answer: their mean is the NPS."""
    points = np.where(scores >= recommend.PROMOTER_FROM, 100.0, np.where(scores <= recommend.DETRACTOR_TO, -100.0, 0.0))
    return np.where(np.isnan(scores), np.nan, points)


def contribution(item: Item, rows: pd.DataFrame, *, top: bool = False) -> Floats:
    """What each answer adds to the score of its item: points of NPS, or with `top` 0 and 1, else the answer itself."""
    scores: Floats = rows[item.id].to_numpy(dtype=np.float64)
    if item.kind == "nps":
        return promoter_points(scores)
    return np.where(np.isnan(scores), np.nan, scores >= top_from(item)) if top else scores


def hundred(item: Item, scores: Floats) -> Floats:
    """Answers on a scale of 0 to 100, so that questions on different scales can stand side by side."""
    return 100 * (scores - item.low) / (item.high - item.low)
