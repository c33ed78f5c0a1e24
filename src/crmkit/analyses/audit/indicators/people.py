"""Are staff trained, does it help, and are they engaged? One function per indicator."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from crmkit.analyses.audit.indicators.estimate import NO_COLUMN, NO_DATA, TOO_FEW, Estimate, nothing, share
from crmkit.analyses.audit.read import History, Window
from crmkit.analyses.audit.sampling import Located
from crmkit.core.language import mark

GAIN = mark("standardised mean gain, large-sample error")
ANSWERS = mark("mean of the answers, n by items")


def trained(past: History, window: Window, confidence: float) -> Estimate:
    """I-TRAINCOV: how many of the staff were trained?"""
    staff, end = past.frames["staff"], window.months[0]
    # who left within the last month is gone at its end; who joins later is not there yet
    there = staff[(staff["joined"].fillna(len(past.starts)) >= end) & (staff["left"].fillna(-1) < end)]
    taken = set(past.rows("training", window)["staff_id"])
    return share(float(there["staff_id"].isin(taken).sum()), float(len(there)), confidence)


def gain(past: History, window: Window, confidence: float) -> Estimate:
    """I-TRAING: by how many standard deviations do test scores rise?

    Notes
    -----
    The mean gain of each person over the standard deviation of the scores before, with the large-sample error of that ratio:
    ``sqrt(var(gain) / (n sd^2) + d^2 / (2 (n - 1)))``.

    References
    ----------
    Becker (1988), doi:10.1111/j.2044-8317.1988.tb00901.x.
    """
    rows = past.rows("training", window)
    scored = (
        rows.dropna(subset=["score_before", "score_after"])
        if {"score_before", "score_after"} <= past.tables["training"]
        else None
    )
    if scored is None:
        return nothing(NO_COLUMN, "training.score_before | training.score_after")
    each = scored.groupby("staff_id", sort=True)[["score_before", "score_after"]].mean()
    n = float(len(each))
    if n < 3:
        return nothing(TOO_FEW if n else NO_DATA, n=n)
    spread = float(each["score_before"].std(ddof=1))
    if spread <= 0:
        return nothing(TOO_FEW, n=n)
    change = (each["score_after"] - each["score_before"]).to_numpy()
    value = float(change.mean()) / spread
    error = math.sqrt(float(change.var(ddof=1)) / (n * spread**2) + value**2 / (2 * (n - 1)))
    located = Located(value, error, n - 1)
    low, high = located.limits(confidence)
    missing = float(rows["staff_id"].nunique()) - n
    return Estimate(value, low, high, n, missing, GAIN, located)


def engagement(past: History, window: Window, confidence: float) -> Estimate:
    """P-ENG: what do staff say of their work, in the newest survey?

    Notes
    -----
    Who answered is not known, so the answers to several items are taken for as many people as the longest item has answers.
    """
    rows = past.rows("staff_answers", window)
    if rows.empty:
        return nothing(NO_DATA)
    newest = rows[rows["month"] == rows["month"].min()]
    newest = newest[newest["wave"] == newest["wave"].max()]
    score, n = newest["score"].to_numpy(dtype="float64"), newest["n"].to_numpy(dtype="float64")
    answers, people = float(n.sum()), float(newest.groupby("item_id")["n"].sum().max())
    if people < 2:
        return nothing(TOO_FEW, n=people)
    value = float(score @ n) / answers
    variance = float(n @ (score - value) ** 2) / answers * people / (people - 1)
    located = Located(value, math.sqrt(variance / people), people - 1)
    low, high = located.limits(confidence)
    return Estimate(value, float(np.fmax(low, score.min())), float(np.fmin(high, score.max())), people, 0.0, ANSWERS, located)


FUNCTIONS: Mapping[str, Callable[[History, Window, float], Estimate]] = {
    "I-TRAINCOV": trained,
    "I-TRAING": gain,
    "P-ENG": engagement,
}
