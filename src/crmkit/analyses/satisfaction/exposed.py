"""Who was how satisfied, and who then left? What the answers and the time after them look like, however leaving is seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.satisfaction.population import UNKNOWN
from crmkit.analyses.satisfaction.read import Item, Survey
from crmkit.core.errors import ParamError, Problem, did_you_mean
from crmkit.core.results import Text

if TYPE_CHECKING:
    import pandas as pd

SHORT_DAYS = 14
PLAN, PURCHASES = "first_plan", "purchases"
FEWEST_LEAVERS = 10
MOST_BINS = 6
REST = "other"
NO_CONTRACTS = Text("needs contracts (subscriptions): without them nobody says when a customer has left")
NO_LEAVING = Text("needs contracts (subscriptions) or purchases (transactions): without them nobody knows who has left")
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
        Price (without contracts, spend of the last year) per month of each customer of today, by ``customer_id``; empty where
        nothing is known.
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
    silent_days : int
        Without contracts: who buys nothing within so many days of an answer counts as having left; 0: contracts tell.
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
    silent_days: int = 0
    reason: Text | None = None


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
