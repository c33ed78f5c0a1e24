"""Who fell silent after which answer? Without contracts, who buys nothing for long enough counts as having left."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crmkit.analyses.satisfaction.exposed import NOBODY, PURCHASES, Exposure, in_levels
from crmkit.analyses.satisfaction.read import Item, Survey
from crmkit.core.dates import DAYS_PER
from crmkit.data.as_of import known_at
from crmkit.data.sources.engine import to_frame

if TYPE_CHECKING:
    import pandas as pd

YEAR_DAYS = 365
STEPS = (1.5, 2.5, 4.5, 8.5)


def silent_exposure(past: Survey, said: pd.DataFrame, item: Item, *, silent_days: int, gap_days: int) -> Exposure:
    """Who bought nothing for so many days after an answer?

    Parameters
    ----------
    past : Survey
        With a table ``transactions``.
    said : DataFrame
        ``customer_id, day, score`` and the groups, one row per answer.
    item : Item
    silent_days, gap_days : int

    Returns
    -------
    Exposure
        One period as long as the silence. Answers of customers who had bought within a year before; of answers whose times
        overlap the first counts, so that no purchase is counted twice.

    Notes
    -----
    Who is asked often buys often, and who buys often is seldom silent: the effect is adjusted for the days of purchase in the
    year before the answer, in levels, beside the time as a customer and the groups.
    """
    import pandas as pd

    bought = _days(past)
    said = said.assign(day=said["day"].astype("datetime64[ns]"))
    first = bought.groupby("customer_id")["day"].min()
    said = said.assign(tenure_days=(said["day"] - said["customer_id"].map(first)).dt.days)
    before = _count(said, bought, -YEAR_DAYS, 0)
    said = said.assign(**{PURCHASES: pd.Series(np.searchsorted(STEPS, before), said.index).map("step {}".format)})[before > 0]
    start = said["day"] + pd.Timedelta(days=gap_days)
    rows = said[start + pd.Timedelta(days=silent_days) <= pd.Timestamp(past.as_of)]
    rows = rows[_apart(rows, silent_days)]
    rows = rows.assign(duration=1.0, event=_count(rows, bought, gap_days, gap_days + silent_days) == 0)
    spent = _spent(bought, past.as_of)
    today = frozenset(spent.index)
    if rows.empty:
        empty = rows.iloc[:0]
        return Exposure(empty, empty, spent, today, item, (), 1, gap_days, silent_days, silent_days=silent_days, reason=NOBODY)
    latest = said[said["customer_id"].isin(today)].drop_duplicates("customer_id", keep="last").reset_index(drop=True)
    rows, latest, adjusted = in_levels(rows.reset_index(drop=True), latest, (PURCHASES, *past.groups))
    return Exposure(rows, latest, spent, today, item, adjusted, 1, gap_days, silent_days, silent_days=silent_days)


def _days(past: Survey) -> pd.DataFrame:
    """``customer_id, day, money`` of every day of purchase."""
    import pandas as pd

    seen = known_at(past.tables["transactions"], name="transactions", day=past.as_of)
    per = seen.group_by("customer_id", day=seen.ordered_at.cast("date")).agg(money=seen.amount.sum().cast("float64"))
    rows = to_frame(per.order_by("customer_id", "day"))
    return rows.assign(day=pd.to_datetime(rows["day"]).astype("datetime64[ns]"))


def _count(said: pd.DataFrame, bought: pd.DataFrame, after: int, until: int) -> NDArray[np.int64]:
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


def _spent(bought: pd.DataFrame, as_of: dt.date) -> pd.Series[float]:
    """Money per month over the last year, of everybody who bought in it."""
    import pandas as pd

    recent = bought[bought["day"] > pd.Timestamp(as_of - dt.timedelta(days=YEAR_DAYS))]
    return recent.groupby("customer_id")["money"].sum() * DAYS_PER["month"] / YEAR_DAYS
