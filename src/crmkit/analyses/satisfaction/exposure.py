"""Who left after which answer? Each answer with the time after it, until the next answer, the horizon or today."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.satisfaction.base import UNKNOWN
from crmkit.analyses.satisfaction.history import Item, Survey
from crmkit.core.errors import ParamError, Problem, did_you_mean
from crmkit.core.results import Text
from crmkit.data.subscription_summaries import spells
from crmkit.data.summaries import to_frame

if TYPE_CHECKING:
    import pandas as pd

SHORT_DAYS, LONG_DAYS = 14, 28
MOST_SHORT = 8000
PLAN = "first_plan"
FEWEST_LEAVERS = 10
MOST_BINS = 6
REST = "other"
NO_CONTRACTS = Text("needs contracts (subscriptions): without them nobody says when a customer has left")
NO_CUSTOMERS = Text("nobody wrote down which customer gave an answer")
NO_ITEM = Text("no question asks for satisfaction or recommendation")
NOBODY = Text("after no answer of a customer has a week gone by yet")


@dataclass(frozen=True, eq=False)
class Exposure:
    """Answers and what came after them.

    Parameters
    ----------
    rows : DataFrame
        One row per answer of a customer with a running contract, ordered by customer and day: ``customer_id, day, score``,
        ``tenure_days`` (on that day), ``duration`` (periods of ``period_days``, at least 1), ``event`` (left in the last of
        them), ``tenure`` (a level) and a column per group of customers: what the effect of the score is adjusted for.
    latest : DataFrame
        The latest answer of each customer of today, with the same columns but ``duration`` and ``event``.
    mrr : Series
        Price per month of each customer of today, by ``customer_id``; empty where no prices are known.
    customers : frozenset of str
        Those of today.
    item : Item or None
        The question that is read as satisfaction.
    adjusted : tuple of str
        Columns of ``rows`` that the effect is adjusted for.
    periods : int
        How many periods after an answer are looked at.
    period_days : int
        Fourteen days; with many answers 28.
    gap_days : int
        Days after an answer that do not count.
    after : int
        Answers that came when the contract had ended, left out.
    soon : int
        Answers whose customer left within ``gap_days``, left out.
    reason : Text or None
        Why nothing can be said.
    """

    rows: pd.DataFrame = field(repr=False)
    latest: pd.DataFrame = field(repr=False)
    mrr: pd.Series[Any] = field(repr=False)
    customers: frozenset[str] = field(repr=False)
    item: Item | None
    adjusted: tuple[str, ...]
    periods: int
    gap_days: int
    period_days: int = SHORT_DAYS
    after: int = 0
    soon: int = 0
    reason: Text | None = None


def exposure(past: Survey, *, item: str = "", horizon_days: int = 364, gap_days: int = 14) -> Exposure:
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
    if reason is None and "subscriptions" not in past.tables:
        reason = NO_CONTRACTS
    if reason is None and "customer_id" not in past.recorded:
        reason = NO_CUSTOMERS
    if reason is None and chosen is None:
        reason = NO_ITEM
    if reason is not None or chosen is None:
        none: pd.Series[Any] = pd.Series(dtype="float64")
        return Exposure(empty, empty, none, frozenset(), chosen, (), periods, gap_days, length, reason=reason)
    said = answers_by_day(past, chosen)
    known = to_frame(spells(past.tables["subscriptions"], as_of=past.as_of))
    known["started_at"], known["observed_end"] = pd.to_datetime(known["started_at"]), pd.to_datetime(known["observed_end"])
    joined, after = _with_spells(said, known)
    joined, soon = _stretches(joined, past.as_of, periods, length, gap_days)
    running = known[~known["event_observed"] & (known["observed_end"] >= pd.Timestamp(past.as_of))]
    mrr = running.drop_duplicates("customer_id").set_index("customer_id")["mrr"].astype("float64")
    rows = joined[joined["duration"] >= 1].reset_index(drop=True)
    if rows.empty:
        today = frozenset(mrr.index)
        return Exposure(empty, empty, mrr, today, chosen, (), periods, gap_days, length, after, soon, NOBODY)
    latest = joined[joined["customer_id"].isin(set(mrr.index))].drop_duplicates("customer_id", keep="last")
    rows, latest, adjusted = _levels(rows, latest.reset_index(drop=True), (PLAN, *past.groups))
    today = frozenset(mrr.index)
    return Exposure(rows, latest, mrr.dropna(), today, chosen, adjusted, periods, gap_days, length, after, soon)


def read_item(past: Survey, name: str) -> Item | None:
    """The question that is read as satisfaction: the one named, else the first that asks for it, else the recommendation."""
    if not name:
        return next(iter([*past.of_kind("csat"), *past.of_kind("nps")]), None)
    fit = {one.id: one for one in past.of_kind("csat", "nps", "ces")}
    if past.usable and name not in fit:
        raise ParamError(Problem("satisfaction_item:", f"is {name!r}", did_you_mean(name, fit)))
    return fit.get(name)


def answers_by_day(past: Survey, item: Item) -> pd.DataFrame:
    """``customer_id, day, score`` and the groups; one row per customer and day."""
    import pandas as pd

    rows = past.responses.join(past.profile.add_prefix("group:"))
    if past.drop_careless:
        rows = rows[~rows["careless"]]
    days = rows["wave"].map(past.days)
    for name in ("sent_at", "responded_at"):
        if name in past.recorded:
            days = rows[name].where(rows[name].notna(), days)
    rows = rows.assign(day=pd.to_datetime(days).dt.normalize(), score=rows[item.id])
    rows = rows[rows["customer_id"].notna() & rows["score"].notna() & rows["day"].notna()]
    groups = {f"group:{name}": (f"group:{name}", "last") for name in past.groups}
    found = rows.groupby(["customer_id", "day"], sort=True).agg(score=("score", "mean"), **groups).reset_index()
    return found.rename(columns=lambda name: name.removeprefix("group:"))


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


def _levels(
    rows: pd.DataFrame, latest: pd.DataFrame, groups: tuple[str, ...]
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...]]:
    """Tenure in levels, rare levels of the groups joined: in each at least ten customers left and as many stayed."""
    import pandas as pd

    left = int(rows["event"].sum())
    bins = int(np.clip(left // FEWEST_LEAVERS, 1, MOST_BINS))
    edges = np.unique(np.quantile(rows["tenure_days"], np.linspace(0, 1, bins + 1)[1:-1]))
    rows, latest = (
        one.assign(tenure=pd.Series(np.searchsorted(edges, one["tenure_days"], side="right"), one.index).map("level {}".format))
        for one in (rows, latest)
    )
    adjusted = []
    for name in ("tenure", *groups):
        rows, latest = (one.assign(**{name: one[name].astype("object").fillna(UNKNOWN)}) for one in (rows, latest))
        counts = rows.groupby(name)["event"].agg(["sum", "size"])
        rare = set(counts.index[(counts["sum"] < FEWEST_LEAVERS) | (counts["size"] - counts["sum"] < FEWEST_LEAVERS)])
        unseen = set(latest[name]) - set(counts.index)
        rows, latest = (one.assign(**{name: one[name].where(~one[name].isin(rare | unseen), REST)}) for one in (rows, latest))
        if len(rare) and counts.loc[list(rare), "sum"].sum() < FEWEST_LEAVERS:
            common = counts.drop(list(rare))["size"]
            if len(common):
                rows, latest = (one.assign(**{name: one[name].replace(REST, common.idxmax())}) for one in (rows, latest))
        if rows[name].nunique() > 1:
            adjusted.append(name)
    return rows, latest, tuple(adjusted)
