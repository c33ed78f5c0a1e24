"""Who gave a low answer and waits for a call? One answer for every list of customers.

:data:`ORDER` says which list comes first, and each leaves those out who stand in one before it: who waits for a call is called,
whatever else could be done with them. The campaign is chosen by what a contact earns, from all who wait for no call, and says
which of them stand in another list too: the best customers are worth keeping by either.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np

from crmkit.core.language import mark
from crmkit.core.results import Quantity, Text
from crmkit.data.as_of import known_at
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.answers import item_answers, response_matrix
from crmkit.data.summaries.spells import spells

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from crmkit.data.client import Client

LOOP_DAYS = 180
LOW_RECOMMENDATION = 6
CALLS, CAMPAIGN = "satisfaction_loop", "churn_assignment"
# the lists of customers, in the order in which they take them
ORDER = {
    CALLS: mark("the list of calls"),
    "clv_protect": mark("the list to protect"),
    "clv_wake": mark("the list to wake"),
    "clv_grow": mark("the list to grow"),
    CAMPAIGN: mark("the campaign"),
}


def latest_low(
    rows: pd.DataFrame, tables: Mapping[str, ibis.Table], *, as_of: dt.date, loop_days: int = LOOP_DAYS
) -> pd.DataFrame:
    """Whose latest answer was a low one, and who has not left since?

    Parameters
    ----------
    rows : DataFrame
        Every answer of a known customer, in the order of days: ``customer_id, day, low, hard`` and what else there is.
    tables : mapping of str to ibis.Table
        Of ``subscriptions`` and ``interactions`` those there are.
    as_of : date
    loop_days : int
        Answers older than this are not followed up any more.

    Returns
    -------
    pandas.DataFrame
        A row per customer, ordered by customer, with ``contacted``: whether somebody got in touch since.
    """
    import pandas as pd

    latest = rows.drop_duplicates("customer_id", keep="last")
    since = pd.Timestamp(as_of - dt.timedelta(days=loop_days))
    found = latest[(latest["low"] | latest["hard"]) & (latest["day"] >= since)]
    if "subscriptions" in tables and len(found):
        known = to_frame(spells(tables["subscriptions"], as_of=as_of))
        gone = set(known["customer_id"]) - set(known.loc[~known["event_observed"], "customer_id"])
        found = found[~found["customer_id"].isin(gone)]
    found = found.sort_values("customer_id", kind="stable", ignore_index=True)
    return found.assign(contacted=_contacted(found, tables, as_of))


def waiting(company: Client, *, loop_days: int = LOOP_DAYS) -> frozenset[str]:
    """Which customers gave a low answer at last, and have not been contacted since?

    Low is 0 to 6 on the recommendation, where it is asked, else below the middle of the scale; on effort below the middle. An
    answer that was given without reading counts too: a call shows what is behind it.
    """
    rows = _answered(company)
    if rows.empty:
        return frozenset()
    found = latest_low(rows, company.tables, as_of=company.as_of, loop_days=loop_days)
    return frozenset(found.loc[~found["contacted"], "customer_id"].astype(str))


def left_to(lists: dict[str, int]) -> Text | str:
    """How many customers who would belong to a list stand in one before it; empty where there are none.

    Parameters
    ----------
    lists : dict of str to int
        Name of the list, as in :data:`ORDER`: how many.
    """
    taken = [(ORDER[name], lists[name]) for name in ORDER if lists.get(name)]
    if not taken:
        return ""
    said: Text | str = ""
    for word, n in taken:
        part: dict[str, Quantity | Text | str] = {"n": Quantity(n, "count"), "list": Text(word)}
        said = Text("{before}, {n} by {list}", {"before": said, **part}) if said else Text("{n} by {list}", part)
    return Text("Of those who belong here, some are contacted otherwise: {said}.", {"said": said})


def overlap(customers: Collection[str], lists: dict[str, frozenset[str]]) -> dict[str, int]:
    """How many of some customers each list takes, the first one first."""
    left, found = set(customers), {}
    for name in (one for one in ORDER if one in lists):
        found[name] = len(left & lists[name])
        left -= lists[name]
    return found


def _answered(company: Client) -> pd.DataFrame:
    """Every answer of a known customer to a question on satisfaction or effort, in the order of days."""
    import pandas as pd

    settings = company.settings.tables.get("surveys")
    items = {} if settings is None else settings.items
    asked = {kind: next((name for name, one in items.items() if one.kind == kind), "") for kind in ("nps", "csat", "ces")}
    leading, effort = asked["nps"] or asked["csat"] or asked["ces"], asked["ces"]
    surveys = company.tables.get("surveys")
    if surveys is None or not leading or "customer_id" not in surveys.columns:
        return pd.DataFrame()
    answers = item_answers(surveys, items=items, as_of=company.as_of)
    beside = [name for name in ("customer_id", "wave", "sent_at", "responded_at") if name in answers.columns]
    rows = response_matrix(answers, items=sorted({leading, effort} - {""}), beside=beside)
    rows = rows[rows["customer_id"].notna()].reset_index(drop=True)
    dates = [pd.to_datetime(rows[name]) for name in ("responded_at", "sent_at") if name in rows]
    day = dates[0] if dates else pd.Series(pd.NaT, index=rows.index)
    day = day.fillna(dates[1]) if len(dates) > 1 else day
    if "wave" in rows:
        day = day.fillna(day.groupby(rows["wave"]).transform("min"))
    found = rows[["customer_id"]].assign(day=day.fillna(pd.Timestamp(company.as_of)).dt.normalize())
    for column, name in (("score", leading), ("effort", effort)):
        found[column] = rows[name].astype("float64") if name else np.nan
    middle = {name: sum(items[name].scale) / 2 for name in (leading, effort) if name}
    found["low"] = found["score"] < (LOW_RECOMMENDATION + 0.5 if leading == asked["nps"] else middle[leading])
    found["hard"] = found["effort"] < middle[effort] if effort else False
    found = found[found["score"].notna() | found["effort"].notna()]
    return found.sort_values(["day", "customer_id"], kind="stable", ignore_index=True)


def _contacted(rows: pd.DataFrame, tables: Mapping[str, ibis.Table], as_of: dt.date) -> np.ndarray:
    """Whether somebody got in touch with the customer after the answer."""
    import pandas as pd

    none = np.zeros(len(rows), dtype=bool)
    if "interactions" not in tables or rows.empty:
        return none
    seen = known_at(tables["interactions"], name="interactions", day=as_of)
    if "direction" not in seen.columns:
        return none
    seen = seen.filter(seen.direction == "outbound")
    last = to_frame(seen.group_by("customer_id").agg(day=seen.occurred_at.max().cast("date")).order_by("customer_id"))
    days = pd.to_datetime(last.set_index("customer_id")["day"]).reindex(rows["customer_id"])
    return np.asarray(days.to_numpy() > rows["day"].to_numpy(), dtype=bool)
