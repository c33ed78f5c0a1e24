"""Where nobody gives notice: in which gap between purchases is each customer, and how far ahead is it asked?

A customer of a shop is who has bought within a limit; leaving means to buy nothing within the horizon. Both follow from the
gaps between purchases, whose open ones are censored.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.core.errors import DataError, ModelError, Problem
from crmkit.core.language import mark
from crmkit.core.results import Quantity, Text
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.gaps import buying_days, purchase_gaps
from crmkit.data.summaries.purchases import has_amounts
from crmkit.models.survival import gaps as gm

if TYPE_CHECKING:
    import ibis
    import pandas as pd

Closed = tuple[tuple[dt.date, dt.date], ...]

WEEK = 7
TESTED_SHARE = 6  # so many horizons have to fit into the data, so that three earlier days can be tested
LONGEST_LIMIT_SHARE = 3
MOST_BACK = 0.9
LONG_ENOUGH = 4.0
OFTEN, SOMETIMES, SELDOM, ONCE = mark("buys often"), mark("buys now and then"), mark("buys seldom"), mark("bought once")
RHYTHM = mark("how often they buy")
RHYTHMS = (OFTEN, SOMETIMES, SELDOM, ONCE)
WITH_CUSTOMERS = 40_000  # above so many gaps errors by customer and plain ones are both too small to see


@dataclass(frozen=True, eq=False)
class Shop:
    """The gaps of a shop, and what was chosen from them.

    Parameters
    ----------
    gaps : DataFrame
        Every gap with what was known when it began: :func:`crmkit.data.summaries.gaps.purchase_gaps` and
        :func:`crmkit.models.survival.gaps.gap_covariates`.
    horizon : Horizon
        After which silence at most a declared share comes back, and what every silence gets wrong.
    horizon_days : int
        How far ahead is asked.
    limit_days : int
        Silence up to which somebody is a customer.
    capped : bool
        Whether a longer horizon was wanted than the data can be tested with.
    closed : tuple of (date, date)
        Stretches without any purchase, whose days do not count.
    typical : float
        Usual gap, in days.
    thirds : tuple of float
        Own mean gaps at which "often" and "now and then" end.
    largest_share : float
        Of the purchases, made by one customer.
    agreed : bool
        Whether the limit was agreed with the client, and counts by the calendar as on all pages; else it follows from the gaps,
        and days on which the shop was closed do not count.
    people : DataFrame or None
        ``customer_id`` and the groups of each customer.
    """

    gaps: pd.DataFrame
    horizon: gm.Horizon
    horizon_days: int
    limit_days: int
    capped: bool
    closed: Closed
    typical: float
    thirds: tuple[float, float]
    largest_share: float
    agreed: bool = False
    people: pd.DataFrame | None = None

    def level_of(self, by: str) -> pd.Series[Any]:
        """The levels of a group of customers."""
        import pandas as pd

        return pd.Series(RHYTHMS) if by == RHYTHM or self.people is None else self.people[by]

    def groups_of(self, by: str, rows: pd.DataFrame) -> np.ndarray:
        """The group that each of some customers belongs to."""
        if by == RHYTHM or self.people is None:
            return rhythm_level(self, rows)
        return self.people.set_index("customer_id")[by].reindex(rows["customer_id"]).to_numpy(dtype=object)

    @property
    def leaving(self) -> bool:
        """Whether anything in the data shows that customers leave: a silence from which few come back."""
        return self.horizon.days is not None

    @property
    def telling(self) -> bool:
        """Whether the data are long enough to see that customers leave: several usual gaps."""
        return self.horizon.longest >= LONG_ENOUGH * self.typical

    @property
    def running(self) -> pd.DataFrame:
        """The gap that each customer is in on the last day; nothing of it is ahead."""
        rows = self.gaps[~self.gaps["event_observed"]].reset_index(drop=True)
        return rows.assign(silence_days=rows["duration_days"], ahead_days=0)

    def within(self, rows: pd.DataFrame, day: dt.date) -> pd.Series[bool]:
        """Whether the limit has not been passed in the gaps that customers are in on a day."""
        import pandas as pd

        silent = (pd.Timestamp(day) - rows["started_at"]).dt.days if self.agreed else rows["silence_days"]
        return silent <= self.limit_days

    def free(self, day: dt.date, days: int) -> bool:
        """Whether the shop was open on all of the days after one."""
        end = day + dt.timedelta(days=days)
        return not any(first <= end and last > day for first, last in self.closed)


def open_shop(
    transactions: ibis.Table,
    *,
    as_of: dt.date,
    since: dt.date | None,
    horizon_days: int,
    false_limit: float,
    confidence: float,
    active_days: int = 0,
) -> Shop:
    """The gaps of a shop, with the horizon that follows from them where none is declared.

    Parameters
    ----------
    transactions : ibis.Table
    as_of : date
    since : date or None
        First day that counts.
    horizon_days : int
        0: from the gaps.
    false_limit : float
        Share of those called lost who may come back.
    confidence : float
    active_days : int
        Within how many days a customer has bought; 0: from the gaps.

    Raises
    ------
    DataError
        When nobody has bought anything.
    ModelError
        When nobody has bought twice, or the data are too short for any horizon.
    """
    days = buying_days(transactions, as_of=as_of, since=since)
    if days.empty:
        raise DataError("transactions: nobody has bought anything; check amount and is_return")
    closed = tuple(gm.closures(days["day"], days["n"]))
    gaps = _typed(to_frame(purchase_gaps(transactions, as_of=as_of, since=since, closed=closed)), transactions)
    own = (gaps["duration_days"], gaps["event_observed"])
    support = gm.gap_support(*own, gaps["number"], gaps["customer_id"])
    who = gaps["customer_id"] if len(gaps) <= WITH_CUSTOMERS else None
    chosen = gm.choose_horizon(*own, limit=false_limit, customer=who, confidence=confidence)
    typical, prior = gm.rhythm_prior(*own, gaps["customer_id"])
    first = gaps["started_at"].min().date()
    span = int(gm.open_days([first], [as_of], closed)[0])
    ahead, limit, capped = _chosen(gaps, chosen, span, as_of, closed, horizon_days)
    features = gm.gap_covariates(gaps, typical=typical, prior_gaps=prior, words=(), season=span >= 2 * 365)
    # one value for all days: it is of the shop, and no customer is known by it
    known = gaps.loc[gaps["number"] > 1, ["customer_id", "mean_gap_days"]].groupby("customer_id")["mean_gap_days"].last()
    thirds = tuple(float(x) for x in np.quantile(known, (1 / 3, 2 / 3)))
    return Shop(
        gaps=gaps.assign(**{str(name): features[name] for name in features.columns}),
        horizon=chosen,
        horizon_days=ahead,
        limit_days=active_days or limit,
        capped=capped,
        closed=closed,
        typical=typical,
        thirds=(thirds[0], thirds[1]),
        largest_share=support.largest_share,
        agreed=active_days > 0,
    )


def _typed(gaps: pd.DataFrame, transactions: ibis.Table) -> pd.DataFrame:
    import pandas as pd

    if not has_amounts(transactions):
        gaps = gaps.drop(columns=["amount", "mean_amount", "returned_share"])
    return gaps.assign(
        customer_id=gaps["customer_id"].astype(str),
        started_at=pd.to_datetime(gaps["started_at"]),
        ended_at=pd.to_datetime(gaps["ended_at"]),
    )


def _chosen(
    gaps: pd.DataFrame, found: gm.Horizon, span: int, as_of: dt.date, closed: Closed, declared: int
) -> tuple[int, int, bool]:
    """How far ahead, up to which silence somebody is a customer, and whether the data are too short for more."""
    longest = max(WEEK, span // TESTED_SHARE // WEEK * WEEK)
    if span < 4 * WEEK:
        raise ModelError(Text("the data cover {span}; at least four weeks are needed", {"span": Quantity(float(span), "days")}))
    if declared:
        ahead, capped = declared, False
    else:
        wanted = found.days if found.days is not None else _most_back(gaps, as_of, span, closed)
        ahead = min(longest, max(WEEK, math.ceil(wanted / WEEK) * WEEK))
        capped = wanted > longest
    limit = found.days if found.days is not None else 2 * ahead
    return ahead, int(max(ahead, min(limit, span // LONGEST_LIMIT_SHARE))), capped


def _most_back(gaps: pd.DataFrame, as_of: dt.date, span: int, closed: Closed) -> float:
    """Within how many days have nine of ten customers of a day bought again? Where nobody seems to leave for good."""
    half = as_of - dt.timedelta(days=span // 2)
    rows = gm.gaps_on_day(gaps, half, as_of=as_of, closed=closed)
    curve = gm.gap_curves(rows["ahead_days"], rows["event_observed"])
    reached = curve[curve["value"] <= 1 - MOST_BACK]
    return float(reached["x"].iloc[0]) if len(reached) else float(span)


def rhythm_level(shop: Shop, rows: pd.DataFrame) -> np.ndarray:
    """How often does each customer buy, by what was known when the gap began?"""
    mean = rows["mean_gap_days"].to_numpy(dtype="float64", na_value=np.nan)
    often, sometimes = shop.thirds
    return np.select([np.isnan(mean), mean <= often, mean <= sometimes], [ONCE, OFTEN, SOMETIMES], default=SELDOM).astype(
        object
    )


def customers_on(shop: Shop, day: dt.date, *, as_of: dt.date) -> pd.DataFrame:
    """The customers of a day, those who had bought within the limit, with the gap they were in.

    Returns
    -------
    DataFrame
        Rows of ``shop.gaps`` with ``silence_days``, ``ahead_days`` (to the next purchase or ``as_of``), ``event_observed``
        (whether they bought again by then), and ``frequency, recency, T`` for a purchase model, in days on which the shop was
        open. On the last day nothing is ahead.
    """
    import pandas as pd

    rows = gm.gaps_on_day(shop.gaps, day, as_of=as_of, closed=shop.closed) if day < as_of else shop.running
    rows = rows[shop.within(rows, day)].reset_index(drop=True)
    if rows.empty:
        raise ModelError(Problem("customers:", f"nobody had bought within {shop.limit_days} days of {day}", "take another day"))
    recency = rows["known_days"].astype("float64")
    # the rhythm of what is known by the gap's first day: a gap that runs is no part of it
    return rows.assign(
        frequency=rows["number"].astype("float64") - 1,
        recency=recency,
        T=recency + rows["silence_days"],
        day=pd.Timestamp(day),
    )


def known_by(shop: Shop, day: dt.date) -> pd.DataFrame:
    """Every gap that had begun by a day, as it was known then: ended, or open for so long."""
    import pandas as pd

    at = pd.Timestamp(day)
    rows = shop.gaps[shop.gaps["started_at"] <= at]
    ended = rows["ended_at"] <= at
    open_for = gm.open_days(rows["started_at"], pd.Series(at, index=rows.index), shop.closed)
    return rows.assign(
        event_observed=ended.to_numpy(), duration_days=np.where(ended, rows["duration_days"], open_for)
    ).reset_index(drop=True)


def histories_by(shop: Shop, day: dt.date) -> pd.DataFrame:
    """The purchase history of everybody who had bought by a day: ``frequency, recency, T``, in open days."""
    rows = known_by(shop, day)
    last = rows[~rows["event_observed"]]
    recency = last["known_days"].to_numpy(dtype="float64")
    found: dict[str, Any] = {
        "frequency": last["number"].to_numpy(dtype="float64") - 1,
        "recency": recency,
        "T": recency + last["duration_days"].to_numpy(dtype="float64"),
    }
    import pandas as pd

    return pd.DataFrame(found)
