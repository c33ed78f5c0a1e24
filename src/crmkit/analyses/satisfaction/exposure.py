"""Who left after which answer? Each answer with the time after it, until the next answer, the horizon or today."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.satisfaction.exposed import (
    NO_CUSTOMERS,
    NO_ITEM,
    NO_LEAVING,
    NOBODY,
    PLAN,
    SHORT_DAYS,
    Exposure,
    answers_by_day,
    in_levels,
    read_item,
)
from crmkit.analyses.satisfaction.read import Survey
from crmkit.analyses.satisfaction.silence import silent_exposure
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.spells import spells

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Exposure", "exposure"]

LONG_DAYS = 28
MOST_SHORT = 8000


def exposure(past: Survey, *, item: str = "", horizon_days: int = 364, gap_days: int = 14, silent_days: int = 180) -> Exposure:
    """Who was how satisfied, and who then left?

    Parameters
    ----------
    past : Survey
    item : str
        The question that is read as satisfaction; empty: the first that asks for it, else the recommendation.
    horizon_days : int
        How long after an answer leaving is looked at, in whole periods of 14 or 28 days, at least one.
    gap_days : int
        Days after an answer that do not count: who leaves at once had decided when answering.
    silent_days : int
        Without contracts: who buys nothing within so many days counts as having left.

    Returns
    -------
    Exposure

    Raises
    ------
    ParamError
        For an item that is not declared, or that does not ask for satisfaction, recommendation or effort.

    Notes
    -----
    The time after an answer begins ``gap_days`` later and ends when the customer answers again (whose new answer then counts),
    with the horizon, or today. A customer leaves once, so the stretches of one customer make one history. Careless answers are
    left out where scores leave them out.
    """
    import pandas as pd

    empty = pd.DataFrame()
    chosen = read_item(past, item)
    length = SHORT_DAYS if len(past.responses) <= MOST_SHORT else LONG_DAYS
    periods = max(1, horizon_days // length)
    reason = past.reason
    if reason is None and not {"subscriptions", "transactions"} & set(past.tables):
        reason = NO_LEAVING
    if reason is None and "customer_id" not in past.recorded:
        reason = NO_CUSTOMERS
    if reason is None and chosen is None:
        reason = NO_ITEM
    if reason is not None or chosen is None:
        none: pd.Series[Any] = pd.Series(dtype="float64")
        return Exposure(empty, empty, none, frozenset(), chosen, (), periods, gap_days, length, reason=reason)
    said = answers_by_day(past, chosen)
    if "subscriptions" not in past.tables:
        return silent_exposure(past, said, chosen, silent_days=silent_days, gap_days=gap_days)
    known = to_frame(spells(past.tables["subscriptions"], as_of=past.as_of))
    known["started_at"], known["observed_end"] = pd.to_datetime(known["started_at"]), pd.to_datetime(known["observed_end"])
    joined, after = _with_spells(said, known)
    joined, soon = _stretches(joined, past.as_of, periods, length, gap_days)
    running = known[~known["event_observed"] & (known["observed_end"] >= pd.Timestamp(past.as_of))]
    mrr = running.drop_duplicates("customer_id").set_index("customer_id")["mrr"].astype("float64")
    rows = joined[joined["duration"] >= 1].reset_index(drop=True)
    if rows.empty:
        today = frozenset(mrr.index)
        return Exposure(empty, empty, mrr, today, chosen, (), periods, gap_days, length, after, soon, reason=NOBODY)
    latest = joined[joined["customer_id"].isin(set(mrr.index))].drop_duplicates("customer_id", keep="last")
    rows, latest, adjusted = in_levels(rows, latest.reset_index(drop=True), (PLAN, *past.groups))
    today = frozenset(mrr.index)
    return Exposure(rows, latest, mrr.dropna(), today, chosen, adjusted, periods, gap_days, length, after, soon)


def _with_spells(said: pd.DataFrame, known: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Each answer with the contract that ran on its day, and how many came when none ran."""
    # the plan that a customer began with: a later one may be the answer to dissatisfaction
    kept = known[["customer_id", "started_at", "observed_end", "event_observed"]].assign(**{PLAN: known["first_plan"]})
    joined = said.reset_index(names="answer").merge(kept, on="customer_id", how="inner")
    joined = joined[(joined["started_at"] <= joined["day"]) & (joined["day"] <= joined["observed_end"])]
    joined = joined.drop_duplicates("answer", keep="last")
    ever = set(kept["customer_id"])
    after = int(said["customer_id"].isin(ever).sum()) - len(joined)
    return joined.drop(columns="answer").reset_index(drop=True), after


def _stretches(joined: pd.DataFrame, as_of: dt.date, periods: int, period_days: int, gap_days: int) -> tuple[pd.DataFrame, int]:
    """``duration`` in periods (0: less than half of one) and ``event``; and how many left before the time began."""
    import pandas as pd

    start = joined["day"] + pd.Timedelta(days=gap_days)
    following = start.groupby(joined["customer_id"]).shift(-1)
    gone = joined["observed_end"].where(joined["event_observed"])
    end = pd.concat(
        [
            joined["observed_end"],
            following,
            start + pd.Timedelta(days=periods * period_days),
            pd.Series(pd.Timestamp(as_of), joined.index),
        ],
        axis=1,
    ).min(axis=1)
    soon = gone.notna() & (gone <= start)
    event = gone.notna() & (gone <= end) & ~soon
    days = (end - start).dt.days
    # who is lost from sight in the middle of a period was there for half of it: rounded, so that on the whole it is right
    duration = np.where(event, np.ceil(days / period_days), np.round(days / period_days))
    tenure = (joined["day"] - joined["started_at"]).dt.days
    kept = joined.assign(tenure_days=tenure, duration=np.maximum(duration, 0), event=event)[~soon]
    return kept.drop(columns=["started_at", "observed_end", "event_observed"]).reset_index(drop=True), int(soon.sum())
