"""Who left after which answer? Each answer with the time after it, however leaving is seen."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crmkit.analyses.satisfaction.population import UNKNOWN
from crmkit.analyses.satisfaction.survey import Item, Survey
from crmkit.core.dates import DAYS_PER
from crmkit.core.errors import ParamError, Problem, did_you_mean
from crmkit.core.results import Text
from crmkit.data.as_of import known_at
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.purchases import with_amounts
from crmkit.data.summaries.spells import spells

if TYPE_CHECKING:
    import pandas as pd

SHORT_DAYS, LONG_DAYS = 14, 28
MOST_SHORT = 8000
YEAR_DAYS = 365
# days of purchase in the year before the answer: the borders of their levels
STEPS = (1.5, 2.5, 4.5, 8.5)
PLAN, PURCHASES = "first_plan", "purchases"
FEWEST_LEAVERS = 10
MOST_BINS = 6
REST = "other"
NO_CONTRACTS = Text("needs contracts (subscriptions): without them nobody says when a customer has left")
NO_LEAVING = Text("needs contracts (subscriptions) or purchases (transactions): without them nobody knows who has left")
NO_CUSTOMERS = Text("nobody wrote down which customer gave an answer")
NO_ITEM = Text("no question asks for satisfaction or recommendation")
NOBODY = Text("after no answer of a customer has a week gone by yet")


@dataclass(frozen=True)
class Window:
    """How long after an answer is looked at.

    Parameters
    ----------
    periods : int
        How many periods after an answer are looked at.
    period_days : int
        Fourteen days; with many answers 28.
    gap_days : int
        Days after an answer that do not count.
    silent_days : int
        Without contracts: who buys nothing within so many days of an answer counts as having left; 0: contracts tell.
    """

    periods: int
    period_days: int
    gap_days: int
    silent_days: int = 0


@dataclass(frozen=True, eq=False)
class Exposure:
    """Answers and what came after them.

    Parameters
    ----------
    rows : DataFrame
        One row per answer of a customer with a running contract, ordered by customer and day: ``customer_id, day, score``,
        ``tenure_days`` (on that day), ``duration`` (periods of the window, at least 1), ``event`` (left in the last of
        them), ``tenure`` (a level) and a column per group of customers: what the effect of the score is adjusted for.
    latest : DataFrame
        The latest answer of each customer of today, with the same columns but ``duration`` and ``event``.
    mrr : Series
        Price (without contracts, spend of the last year) per month of each customer of today, by ``customer_id``; empty where
        nothing is known.
    customers : frozenset of str
        Those of today.
    item : Item or None
        The question that is read as satisfaction.
    adjusted : tuple of str
        Columns of ``rows`` that the effect is adjusted for.
    window : Window
    after : int
        Answers that came when the contract had ended, left out.
    soon : int
        Answers whose customer left within ``window.gap_days``, left out.
    reason : Text or None
        Why nothing can be said.
    """

    rows: pd.DataFrame = field(repr=False)
    latest: pd.DataFrame = field(repr=False)
    mrr: pd.Series[Any] = field(repr=False)
    customers: frozenset[str] = field(repr=False)
    item: Item | None
    adjusted: tuple[str, ...]
    window: Window
    after: int = 0
    soon: int = 0
    reason: Text | None = None


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
    length = SHORT_DAYS if len(past.answers.responses) <= MOST_SHORT else LONG_DAYS
    window = Window(max(1, horizon_days // length), length, gap_days)
    reason = past.reason
    if reason is None and not {"subscriptions", "transactions"} & set(past.tables):
        reason = NO_LEAVING
    if reason is None and "customer_id" not in past.recorded:
        reason = NO_CUSTOMERS
    if reason is None and chosen is None:
        reason = NO_ITEM
    if reason is not None or chosen is None:
        none: pd.Series[Any] = pd.Series(dtype="float64")
        return Exposure(empty, empty, none, frozenset(), chosen, (), window, reason=reason)
    said = answers_by_day(past, chosen)
    if "subscriptions" not in past.tables:
        return _silent_exposure(past, said, chosen, Window(1, silent_days, gap_days, silent_days))
    known = to_frame(spells(past.tables["subscriptions"], as_of=past.as_of))
    known["started_at"], known["observed_end"] = pd.to_datetime(known["started_at"]), pd.to_datetime(known["observed_end"])
    joined, after = _with_spells(said, known)
    joined, soon = _stretches(joined, past.as_of, window)
    running = known[~known["event_observed"] & (known["observed_end"] >= pd.Timestamp(past.as_of))]
    mrr = running.drop_duplicates("customer_id").set_index("customer_id")["mrr"].astype("float64")
    today = frozenset(mrr.index)
    rows = joined[joined["duration"] >= 1].reset_index(drop=True)
    if rows.empty:
        return Exposure(empty, empty, mrr, today, chosen, (), window, after, soon, reason=NOBODY)
    latest = joined[joined["customer_id"].isin(today)].drop_duplicates("customer_id", keep="last")
    rows, latest, adjusted = in_levels(rows, latest.reset_index(drop=True), (PLAN, *past.population.groups))
    return Exposure(rows, latest, mrr.dropna(), today, chosen, adjusted, window, after, soon)


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


def _stretches(joined: pd.DataFrame, as_of: dt.date, window: Window) -> tuple[pd.DataFrame, int]:
    """``duration`` in periods (0: less than half of one) and ``event``; and how many left before the time began."""
    import pandas as pd

    start = joined["day"] + pd.Timedelta(days=window.gap_days)
    following = start.groupby(joined["customer_id"]).shift(-1)
    gone = joined["observed_end"].where(joined["event_observed"])
    end = pd.concat(
        [
            joined["observed_end"],
            following,
            start + pd.Timedelta(days=window.periods * window.period_days),
            pd.Series(pd.Timestamp(as_of), joined.index),
        ],
        axis=1,
    ).min(axis=1)
    soon = gone.notna() & (gone <= start)
    event = gone.notna() & (gone <= end) & ~soon
    days = (end - start).dt.days
    # who is lost from sight in the middle of a period was there for half of it: rounded, so that on the whole it is right
    duration = np.where(event, np.ceil(days / window.period_days), np.round(days / window.period_days))
    tenure = (joined["day"] - joined["started_at"]).dt.days
    kept = joined.assign(tenure_days=tenure, duration=np.maximum(duration, 0), event=event)[~soon]
    return kept.drop(columns=["started_at", "observed_end", "event_observed"]).reset_index(drop=True), int(soon.sum())


def _silent_exposure(past: Survey, said: pd.DataFrame, item: Item, window: Window) -> Exposure:
    """Who bought nothing for so many days after an answer?

    Parameters
    ----------
    past : Survey
        With a table ``transactions``.
    said : DataFrame
        ``customer_id, day, score`` and the groups, one row per answer.
    item : Item
    window : Window
        One period as long as the silence.

    Returns
    -------
    Exposure
        Answers of customers who had bought within a year before; of answers whose times
        overlap the first counts, so that no purchase is counted twice.

    Notes
    -----
    Who is asked often buys often, and who buys often is seldom silent: the effect is adjusted for the days of purchase in the
    year before the answer, in levels, beside the time as a customer and the groups.
    """
    import pandas as pd

    bought = _purchase_days(past)
    said = said.assign(day=said["day"].astype("datetime64[ns]"))
    first = bought.groupby("customer_id")["day"].min()
    said = said.assign(tenure_days=(said["day"] - said["customer_id"].map(first)).dt.days)
    before = _purchases_between(said, bought, -YEAR_DAYS, 0)
    said = said.assign(**{PURCHASES: pd.Series(np.searchsorted(STEPS, before), said.index).map("step {}".format)})[before > 0]
    start = said["day"] + pd.Timedelta(days=window.gap_days)
    rows = said[start + pd.Timedelta(days=window.silent_days) <= pd.Timestamp(past.as_of)]
    rows = rows[_apart(rows, window.silent_days)]
    rows = rows.assign(
        duration=1.0, event=_purchases_between(rows, bought, window.gap_days, window.gap_days + window.silent_days) == 0
    )
    spent = _monthly_spend(bought, past.as_of)
    today = frozenset(spent.index)
    if rows.empty:
        empty = rows.iloc[:0]
        return Exposure(empty, empty, spent, today, item, (), window, reason=NOBODY)
    latest = said[said["customer_id"].isin(today)].drop_duplicates("customer_id", keep="last").reset_index(drop=True)
    rows, latest, adjusted = in_levels(rows.reset_index(drop=True), latest, (PURCHASES, *past.population.groups))
    return Exposure(rows, latest, spent, today, item, adjusted, window)


def _purchase_days(past: Survey) -> pd.DataFrame:
    """``customer_id, day, money`` of every day of purchase."""
    import pandas as pd

    seen = with_amounts(known_at(past.tables["transactions"], name="transactions", day=past.as_of))
    per = seen.group_by("customer_id", day=seen.ordered_at.cast("date")).agg(money=seen.amount.sum().cast("float64"))
    rows = to_frame(per.order_by("customer_id", "day"))
    return rows.assign(day=pd.to_datetime(rows["day"]).astype("datetime64[ns]"))


def _purchases_between(said: pd.DataFrame, bought: pd.DataFrame, after: int, until: int) -> NDArray[np.int64]:
    """Days of purchase of each answer's customer, later than `after` days from the answer and not later than `until`."""
    pairs = said[["customer_id", "day"]].assign(place=np.arange(len(said)))
    pairs = pairs.merge(bought[["customer_id", "day"]], on="customer_id", suffixes=("", "_bought"))
    gap = (pairs["day_bought"] - pairs["day"]).dt.days
    hits = pairs.loc[(gap > after) & (gap <= until), "place"].to_numpy(dtype=np.int64)
    return np.bincount(hits, minlength=len(said)).astype(np.int64)


def _apart(rows: pd.DataFrame, days: int) -> NDArray[np.bool_]:
    """The first answer of each customer, and each later one that comes when the time after the last one kept is over."""
    kept, last = np.zeros(len(rows), dtype=bool), dict[str, int]()
    numbers = (rows["day"].to_numpy(dtype="datetime64[D]").astype(np.int64)).tolist()
    for place, (customer, day) in enumerate(zip(rows["customer_id"], numbers, strict=True)):
        if day >= last.get(customer, -(10**9)) + days:
            kept[place], last[customer] = True, day
    return kept


def _monthly_spend(bought: pd.DataFrame, as_of: dt.date) -> pd.Series[float]:
    """Money per month over the last year, of everybody who bought in it."""
    import pandas as pd

    recent = bought[bought["day"] > pd.Timestamp(as_of - dt.timedelta(days=YEAR_DAYS))]
    return recent.groupby("customer_id")["money"].sum() * DAYS_PER["month"] / YEAR_DAYS


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

    rows = past.answers.responses.join(past.answers.profile.add_prefix("group:"))
    if past.drop_careless:
        rows = rows[~rows["careless"]]
    days = rows["wave"].map(past.waves.days)
    for name in ("sent_at", "responded_at"):
        if name in past.recorded:
            days = rows[name].where(rows[name].notna(), days)
    rows = rows.assign(day=pd.to_datetime(days).dt.normalize(), score=rows[item.id])
    rows = rows[rows["customer_id"].notna() & rows["score"].notna() & rows["day"].notna()]
    groups = {f"group:{name}": (f"group:{name}", "last") for name in past.population.groups}
    found = rows.groupby(["customer_id", "day"], sort=True).agg(score=("score", "mean"), **groups).reset_index()
    return found.rename(columns=lambda name: name.removeprefix("group:"))


def in_levels(
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
