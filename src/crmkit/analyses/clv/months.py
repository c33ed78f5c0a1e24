"""How did the customer base come to where it is? Revenue, buyers and contracts of the whole months behind.

Stands alone: the small lines beside the headline numbers are drawn from it, and nothing is estimated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit.analyses.clv.read import Purchases
from crmkit.core.language import mark
from crmkit.core.results import Unit, history

if TYPE_CHECKING:
    import pandas as pd

MOST_MONTHS = 24
# a customer who came on the first days of a month makes it a whole one
LATE_DAYS = 3


def by_month(past: Purchases) -> dict[str, dict[str, Any]]:
    """The past of each total, by its measure: "alive", "purchases", "clv"; months with too few customers are left out.

    Parameters
    ----------
    past : Purchases

    Returns
    -------
    dict
        As :func:`crmkit.core.results.history` makes them.
    """
    days = _whole_months(past)
    if past.contracts is not None:
        table = _contracts(past.contracts, days)
        said = {
            "alive": (mark("customers under contract, by month"), "customers"),
            "clv": (mark("price of all contracts, by month"), "amount"),
        }
    else:
        table = _bought(past, days)
        said = {
            "purchases": (mark("customers who bought, by month"), "customers"),
            "clv": (mark("revenue by month"), "amount"),
        }
    units: dict[str, Unit] = {"customers": "count", "amount": "money"}
    shown = table[table["customers"] >= past.min_cell]
    return {
        measure: history(words, units[column], shown["day"], shown[column])
        for measure, (words, column) in said.items()
        if column != "amount" or (past.spend.known and shown[column].notna().all())
    }


def _whole_months(past: Purchases) -> pd.DatetimeIndex:
    """Last days of the whole months behind."""
    import pandas as pd

    first = pd.Timestamp(past.start) - pd.Timedelta(days=LATE_DAYS)
    ends = pd.date_range(first, pd.Timestamp(past.as_of), freq="ME")
    return ends[[end - pd.offsets.MonthBegin(1) >= first for end in ends]][-MOST_MONTHS:]


def _bought(past: Purchases, days: pd.DatetimeIndex) -> pd.DataFrame:
    import pandas as pd

    table = past.spend.by_month
    own = pd.DataFrame({"day": days, "year": days.year, "month": days.month})
    if table is None:
        return own.assign(customers=0, amount=0.0)
    return own.merge(table, on=["year", "month"], how="left").fillna({"customers": 0, "amount": 0.0})


def _contracts(table: pd.DataFrame, days: pd.DatetimeIndex) -> pd.DataFrame:
    """Who was under contract at the end of each month, at which price."""
    import pandas as pd

    began = table["started_at"]
    ended = began + pd.to_timedelta(table["duration_days"], unit="D")
    rows = []
    for day in days:
        there = (began <= day) & (table["active"] | (ended > day))
        rows.append((day, table.loc[there, "customer_id"].nunique(), table.loc[there, "mrr"].sum(min_count=1)))
    return pd.DataFrame(rows, columns=["day", "customers", "amount"])
