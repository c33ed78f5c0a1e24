"""Who is content and who is not? Answers in three bands, by the question that asks most directly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.analyses.satisfaction.labels import top_from
from crmkit.core.language import mark
from crmkit.models.survey.nps import DETRACTOR_TO, PROMOTER_FROM

if TYPE_CHECKING:
    from crmkit.analyses.satisfaction.read import Item, Survey

NPS_BANDS = (mark("Detractors"), mark("Passives"), mark("Promoters"))
OTHER_BANDS = (mark("Dissatisfied"), mark("In between"), mark("Satisfied"))


def leading_item(past: Survey) -> Item | None:
    """The question that sorts customers: recommendation where it is asked, else satisfaction, else effort; None without any."""
    asked = past.of_kind("nps") or past.of_kind("csat") or past.of_kind("ces")
    return asked[0] if asked else None


def band_names(item: Item) -> tuple[str, str, str]:
    """What the three bands of a question are called, the lowest first."""
    return NPS_BANDS if item.kind == "nps" else OTHER_BANDS


def bands(item: Item, scores: ArrayLike) -> NDArray[Any]:
    """The band of each answer; None where there is none.

    Notes
    -----
    Of the recommendation: 0 to 6, 7 and 8, 9 and 10. Of other questions: below the middle of the scale, above it, and the two
    top boxes.
    """
    given = np.asarray(scores, dtype=np.float64)
    up, down = (PROMOTER_FROM, DETRACTOR_TO + 0.5) if item.kind == "nps" else (top_from(item), (item.low + item.high) / 2)
    low, middle, high = band_names(item)
    found = np.where(given >= up, high, np.where(given < down, low, middle)).astype(object)
    found[np.isnan(given)] = None
    return found
