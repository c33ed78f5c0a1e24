"""Who has left where nobody says so? Purchases, the silence after which a customer counts as gone, and the spells."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np

from crmkit.core.errors import DataError, ModelError
from crmkit.core.results import Text
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.purchases import MONEY
from crmkit.models.survival import InactivityWindow, choose_window

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.data.client import Client

QUANTILE = 0.95
MOST_FALSE = 0.10


def silences(
    company: Client, *, since: dt.date | None, confidence: float
) -> tuple[pd.DataFrame, InactivityWindow | None, Text | str, pd.DataFrame]:
    """The spells of customers without a contract, the window they follow from, why there is none, and the purchases.

    Notes
    -----
    A customer has left when nothing was bought for longer than the window; the day of leaving is that of the last purchase.
    Whose last purchase is more recent than the window is censored there: nothing is known of them since.
    """
    import pandas as pd

    bought = purchase_days(company)
    if bought.empty:
        raise DataError("transactions: nobody has bought anything; check amount and is_return")
    end = pd.Timestamp(company.as_of)
    gaps, ended = _gaps(bought, end)
    span = float((end - bought["day"].min()).days)
    try:
        window: InactivityWindow | None = choose_window(gaps, ended, span=span, quantile=QUANTILE, confidence=confidence)
        reason: Text | str = ""
    except ModelError as err:
        window, reason = None, err.text
    grouped = bought.groupby("customer_id", sort=True)["day"]
    table = pd.DataFrame({"started_at": grouped.min(), "last": grouped.max()}).reset_index()
    silent = (end - table["last"]).dt.days
    left = silent > (window.window if window is not None else np.inf)
    start = pd.Timestamp(since) if since is not None else None
    spells = table.assign(
        spell=1,
        ended_at=table["last"].where(left),
        observed_end=table["last"],
        entry_days=0 if start is None else (start - table["started_at"]).dt.days.clip(lower=0),
        duration_days=(table["last"] - table["started_at"]).dt.days,
        event_observed=left,
        event=pd.Series("left", index=table.index, dtype="object").where(left),
        churn_reason=None,
    ).drop(columns="last")
    if start is not None:
        spells = spells[(spells["observed_end"] >= start) & (spells["duration_days"] > spells["entry_days"])]
    return spells.reset_index(drop=True), window, reason, bought


def purchase_days(company: Client) -> pd.DataFrame:
    """``customer_id, day, amount``: one row per customer and day with a purchase, ordered; returns make no purchase."""
    rows = company.tables["transactions"]
    if "is_return" in rows.columns:
        rows = rows.filter(~rows.is_return.fill_null(False))
    rows = rows.mutate(day=rows.ordered_at.cast("date"), money=rows.amount.cast(MONEY))
    table = rows.group_by(["customer_id", "day"]).agg(amount=rows.money.sum())
    return to_frame(table.mutate(amount=table.amount.cast("float64")).order_by(["customer_id", "day"]))


def _gaps(bought: pd.DataFrame, end: pd.Timestamp) -> tuple[np.ndarray, np.ndarray]:
    """Days between purchases, and of each customer the days since the last one, which has not ended."""
    own = bought["customer_id"].to_numpy()
    day = bought["day"].to_numpy()
    last = np.append(own[1:] != own[:-1], True)
    until = np.where(last, np.datetime64(end, "ns"), np.append(day[1:], np.datetime64(end, "ns")))
    return (until - day) / np.timedelta64(1, "D"), ~last
