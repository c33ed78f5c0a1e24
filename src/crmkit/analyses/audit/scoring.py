"""Which score from 1 to 5 does a value deserve, how sure is the score, and what is the score of a class?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.audit.catalogue import GROUPS
from crmkit.core.language import mark
from crmkit.models.basics.grades import EQUAL

if TYPE_CHECKING:
    import pandas as pd

ASSESSED, NOT_ASSESSED = mark("assessed"), mark("not assessed")
LEAST_COVERAGE = 0.6


def class_scores(table: pd.DataFrame) -> pd.DataFrame:
    """What is the score of each class of indicators, and on how much of it does it rest?

    Parameters
    ----------
    table : DataFrame
        As made by :func:`crmkit.analyses.audit.assess`: ``class, score, score_low, score_high, weight, status``.

    Returns
    -------
    DataFrame
        ``class, score, score_low, score_high, coverage, assessed, indicators, status``, in the order of the report: weighted
        mean of the scores assessed (1 to 5; nan below 60 % coverage), the same of the lowest and highest scores possible, part
        of the weight that was assessed (0 to 1), indicators assessed and in all.
    """
    import pandas as pd

    rows = []
    for group in GROUPS:
        own = table[table["class"] == group]
        if not own.empty:
            rows.append({"class": group, **mean_score(own)})
    names = ["class", "score", "score_low", "score_high", "coverage", "assessed", "indicators", "status"]
    return pd.DataFrame(rows, columns=names)


def mean_score(own: pd.DataFrame) -> dict[str, float | int | str]:
    """The score of some indicators together, on how much of them it rests: the columns of :func:`class_scores`."""
    done = own[own["status"] == ASSESSED]
    coverage = float(done["weight"].sum() / own["weight"].sum())
    enough = coverage >= LEAST_COVERAGE - EQUAL
    means = {
        name: float(np.average(done[name], weights=done["weight"])) if enough else math.nan
        for name in ("score", "score_low", "score_high")
    }
    status = ASSESSED if enough else NOT_ASSESSED
    return {**means, "coverage": coverage, "assessed": len(done), "indicators": len(own), "status": status}
