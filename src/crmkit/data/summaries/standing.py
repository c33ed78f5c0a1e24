"""Who is a customer today, who has lapsed, and who never was one? One definition for all pages of a client.

With contracts a customer is active whose contract began before the day and runs on; a contract that begins on the day itself
has not been seen yet. Without contracts a customer is active who bought within so many days. Every other one has lapsed. What a
model expects of somebody is another question, and another word.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

from crmkit.core.language import mark
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.spells import spells

if TYPE_CHECKING:
    import ibis
    import pandas as pd

ACTIVE, LAPSED, NEVER = mark("active"), mark("lapsed"), mark("never bought")
ACTIVE_DAYS = 365


def standing(tables: Mapping[str, ibis.Table], *, as_of: dt.date, active_days: int = ACTIVE_DAYS) -> pd.DataFrame | None:
    """Who is a customer on a day?

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        Of ``subscriptions``, ``transactions`` and ``customers`` those there are; contracts decide where there are any.
    as_of : date
    active_days : int
        Without contracts: within how many days an active customer has bought.

    Returns
    -------
    DataFrame or None
        ``customer_id, state`` (active, lapsed, never bought), ordered by customer; None where no table says who bought.
    """
    import pandas as pd

    if "subscriptions" in tables:
        rows = to_frame(spells(tables["subscriptions"], as_of=as_of))
        rows = rows[rows["duration_days"] > 0].assign(runs=lambda one: one["ended_at"].isna())
        active = rows.groupby("customer_id")["runs"].any()
    elif "transactions" in tables:
        bought = tables["transactions"]
        if "is_return" in bought.columns:
            bought = bought.filter(~bought.is_return.fill_null(False))
        days = bought.group_by("customer_id").agg(last=bought.ordered_at.cast("date").max())
        last = to_frame(days.order_by("customer_id")).set_index("customer_id")["last"]
        active = (pd.Timestamp(as_of) - pd.to_datetime(last)).dt.days <= active_days
    else:
        return None
    state = active.map({True: ACTIVE, False: LAPSED})
    state.index = state.index.astype(str)
    if "customers" in tables:
        listed = to_frame(tables["customers"].select("customer_id").distinct())["customer_id"].dropna().astype(str)
        state = state.reindex(sorted({*state.index, *listed}), fill_value=NEVER)
    return state.rename("state").rename_axis("customer_id").sort_index().reset_index()
