"""What did customers write, what was spent, how were staff trained, and how much is the system used?

Only operations that agree on every supported engine are used; every summary is ordered by its key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from crmkit.core.periods import cycle_start
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.audit.months import month_of
from crmkit.data.summaries.purchases import MONEY

if TYPE_CHECKING:
    import ibis
    import pandas as pd

SUGGESTION = "suggestion"


def feedback_counts(
    feedback: ibis.Table, *, as_of: dt.date, starts: Sequence[dt.date], answer_days: int, adopt_days: int
) -> pd.DataFrame:
    """Through which channels did feedback come, was it answered, and were suggestions taken up?

    Parameters
    ----------
    feedback : ibis.Table
    as_of : date
    starts : sequence of date
        From :func:`crmkit.data.summaries.audit.months.month_starts`.
    answer_days, adopt_days : int
        Days that an answer, and the evaluation of a suggestion, may take; newer feedback does not count yet.

    Returns
    -------
    DataFrame
        ``month, channel, customer_id, n, answered_ever, answered, answered_of, adopted, adopted_of``; empty texts where a
        channel or a customer is not known. Suggestions are those of the category ``suggestion``; without
        categories, all. One that was answered was evaluated.
    """
    import ibis

    has = set(feedback.columns)
    empty, never = ibis.literal(""), ibis.null("date")
    day = feedback.received_at.cast("date")
    age = ibis.literal(as_of).delta(day, unit="day")
    answered = (feedback.acknowledged_at if "acknowledged_at" in has else never).notnull()
    kind = (feedback.category == SUGGESTION).fill_null(False) if "category" in has else ibis.literal(True)
    rows = feedback.select(
        month=month_of(day, starts=starts),
        channel=feedback.channel.fill_null("") if "channel" in has else empty,
        customer_id=feedback.customer_id.fill_null("") if "customer_id" in has else empty,
        answered=answered,
        adopted=(feedback.adopted_at if "adopted_at" in has else never).notnull(),
        due=age >= answer_days,
        judged=kind & (age >= adopt_days) & answered,
    )
    rows = rows.filter(rows.month < len(starts))
    keys = ["month", "channel", "customer_id"]
    counts = {
        "n": rows.count(),
        "answered_ever": rows.count(where=rows.answered),
        "answered": rows.count(where=rows.answered & rows.due),
        "answered_of": rows.count(where=rows.due),
        "adopted": rows.count(where=rows.adopted & rows.judged),
        "adopted_of": rows.count(where=rows.judged),
    }
    return to_frame(rows.group_by(keys).agg(**counts).order_by(keys))


def cost_totals(costs: ibis.Table, *, starts: Sequence[dt.date]) -> pd.DataFrame:
    """What was spent in each month, and on what?

    Returns
    -------
    DataFrame
        ``month, category, amount``.
    """
    rows = costs.mutate(month=month_of(costs.period, starts=starts), amount=costs.amount.cast(MONEY))
    rows = rows.filter(rows.month < len(starts))
    keys = ["month", "category"]
    return to_frame(rows.group_by(keys).agg(amount=rows.amount.sum().cast("float64")).order_by(keys))


def usage_totals(usage: ibis.Table, *, starts: Sequence[dt.date]) -> pd.DataFrame:
    """How many users worked with each module of the system, of how many who may?

    Returns
    -------
    DataFrame
        ``month, module, active, licensed``; months without a number of licences are left out.
    """
    rows = usage.filter(usage.licensed_users.notnull())
    rows = rows.mutate(month=month_of(rows.period, starts=starts))
    rows = rows.filter(rows.month < len(starts))
    keys = ["month", "module"]
    counts = {
        "active": rows.active_users.cast("int64").sum().cast("int64"),
        "licensed": rows.licensed_users.cast("int64").sum().cast("int64"),
    }
    return to_frame(rows.group_by(keys).agg(**counts).order_by(keys))


def staff_months(staff: ibis.Table, *, starts: Sequence[dt.date]) -> pd.DataFrame:
    """In which months did staff come and go?

    Returns
    -------
    DataFrame
        ``staff_id, joined, left``: months, empty where a day is not known or has not come.
    """
    import ibis

    def month(name: str) -> ibis.Column:
        if name not in staff.columns:
            return ibis.null("int64")
        return ibis.ifelse(staff[name].notnull(), month_of(staff[name], starts=starts), ibis.null("int64"))

    return to_frame(staff.select("staff_id", joined=month("joined_at"), left=month("left_at")).order_by("staff_id"))


def training_results(training: ibis.Table, *, starts: Sequence[dt.date]) -> pd.DataFrame:
    """Who was trained in which month, and what did they score before and after?

    Returns
    -------
    DataFrame
        ``month, staff_id, course, score_before, score_after``.
    """
    import ibis

    rows = training.mutate(month=month_of(training.taken_at, starts=starts))
    rows = rows.filter(rows.month < len(starts))
    names = ("score_before", "score_after")
    scores = {name: rows[name].cast("float64") if name in rows.columns else ibis.null("float64") for name in names}
    keys = ["month", "staff_id", "course"]
    return to_frame(rows.select(*keys, **scores).order_by(*keys, *names))


def staff_answers(answers: ibis.Table, *, starts: Sequence[dt.date]) -> pd.DataFrame:
    """What did staff answer in each wave?

    Returns
    -------
    DataFrame
        ``month`` (in which the wave began)``, wave, item_id, score, n``.
    """
    rows = answers.filter(answers.score.notnull())
    month = month_of(cycle_start(rows.wave), starts=starts)
    rows = rows.select("wave", "item_id", month=month, score=rows.score.cast("float64"))
    keys = ["month", "wave", "item_id", "score"]
    return to_frame(rows.group_by(keys).agg(n=rows.count()).order_by(keys))


def check_results(verification: ibis.Table, *, starts: Sequence[dt.date]) -> pd.DataFrame:
    """How many of the cells that somebody checked were right?

    Returns
    -------
    DataFrame
        ``month, customer_id, checked, correct``.
    """
    rows = verification.filter(verification.correct.notnull())
    rows = rows.mutate(month=month_of(rows.checked_at, starts=starts))
    rows = rows.filter(rows.month < len(starts))
    keys = ["month", "customer_id"]
    return to_frame(rows.group_by(keys).agg(checked=rows.count(), correct=rows.count(where=rows.correct)).order_by(keys))
