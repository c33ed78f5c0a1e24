"""What are customers under contract worth? Retention of cohorts (sBG), months still to be paid for, and their value."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crmkit.core.dates import DAYS_PER_MONTH
from crmkit.core.errors import ModelError
from crmkit.core.results import Text
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.spells import spells
from crmkit.models.purchases import sbg

if TYPE_CHECKING:
    import ibis
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

SBG = "sbg"


@dataclass(frozen=True)
class ContractFit:
    """How long customers under contract stay, month by month.

    Parameters
    ----------
    fit : sbg.Fit or None
    cohorts : sbg.Cohorts
    reason : Text or str
        Why there is no fit.
    constant : tuple of float
        The same rate of leaving for everybody: the rate per month, and its log-likelihood.
    errors : mapping
        ``sbg`` and ``constant``: mean absolute error of the months paid in the held-out days, fitted without them; empty where
        nothing is held out.
    """

    fit: sbg.Fit | None
    cohorts: sbg.Cohorts
    reason: Text | str
    constant: tuple[float, float]
    errors: dict[str, float]


def contract_spells(subscriptions: ibis.Table, *, as_of: dt.date) -> pd.DataFrame:
    """Each time under contract as of a day: start, months passed, renewals made, whether it goes on, price per month.

    Returns
    -------
    DataFrame
        ``customer_id, started_at, duration_days, event_observed, active, mrr, plan, renewals``.
    """
    table = to_frame(spells(subscriptions, as_of=as_of))
    months = table["duration_days"] / DAYS_PER_MONTH
    wanted = ["customer_id", "started_at", "duration_days", "event_observed", "mrr", "plan"]
    return table[wanted].assign(
        event_observed=table["event_observed"].astype(bool),
        active=table["ended_at"].isna(),
        renewals=np.floor(months).astype("int64"),
    )


def paid_in(subscriptions: ibis.Table, *, after: dt.date, until: dt.date) -> pd.DataFrame:
    """What did customers pay in a period by the prices of their contracts? ``customer_id, amount``, ordered."""
    import pandas as pd

    columns = [name for name in ("customer_id", "started_at", "ended_at", "mrr") if name in subscriptions.columns]
    rows = to_frame(subscriptions.select(*columns))
    if "mrr" not in rows:
        return pd.DataFrame({"customer_id": pd.Series(dtype="object"), "amount": pd.Series(dtype="float64")})
    begins, ends = pd.Timestamp(after) + pd.Timedelta(days=1), pd.Timestamp(until)
    first = pd.to_datetime(rows["started_at"]).to_numpy()
    last = pd.to_datetime(rows["ended_at"]) if "ended_at" in rows else pd.Series(pd.NaT, index=rows.index)
    span = np.minimum(last.fillna(ends).to_numpy(), ends.to_numpy()) - np.maximum(first, begins.to_numpy())
    days = np.maximum(span / np.timedelta64(1, "D") + 1, 0.0)
    amount = days / DAYS_PER_MONTH * rows["mrr"].astype("float64").fillna(0.0).to_numpy()
    return pd.DataFrame({"customer_id": rows["customer_id"], "amount": amount}).groupby("customer_id", as_index=False).sum()


def fit_contracts(table: pd.DataFrame, *, as_of: dt.date, split: dt.date | None) -> ContractFit:
    """Which sBG explains how long customers stayed, and would it have told the last days beforehand?

    Parameters
    ----------
    table : DataFrame
        From :func:`contract_spells`.
    as_of, split : date
        Last day, and last day of the calibration period, None where nothing is held out.

    Notes
    -----
    A month is 30.4375 days; who leaves within a month leaves at its end, when it would have been renewed. The opponent is one
    rate of leaving for everybody, whose likelihood has a closed form.
    """
    data = _cohorts(table["duration_days"], table["event_observed"])
    constant = _constant(data)
    try:
        fit = sbg.fit_sbg(data)
    except ModelError as err:
        return ContractFit(None, data, err.text, constant, {})
    return ContractFit(fit, data, "", constant, {} if split is None else _held_out(table, as_of=as_of, split=split))


def _cohorts(duration_days: ArrayLike, left: ArrayLike) -> sbg.Cohorts:
    months, gone = np.asarray(duration_days, dtype="float64") / DAYS_PER_MONTH, np.asarray(left, dtype=bool)
    period = np.where(gone, np.maximum(np.ceil(months), 1.0), np.floor(months))
    pairs, n = np.unique(np.column_stack([period, ~gone]), axis=0, return_counts=True)
    known = ~((pairs[:, 0] == 0) & (pairs[:, 1] == 1))  # nothing is known of those who came within the last month
    return sbg.Cohorts(pairs[known, 0], pairs[known, 1].astype(bool), n[known].astype(np.int64))


def _constant(data: sbg.Cohorts) -> tuple[float, float]:
    left = float(data.n[~data.stays].sum())
    renewed = float((data.n * np.where(data.stays, data.period, data.period - 1)).sum())
    if not left or not renewed:
        return (0.0 if not left else 1.0), 0.0
    rate = left / (left + renewed)
    return rate, left * math.log(rate) + renewed * math.log1p(-rate)


def _held_out(table: pd.DataFrame, *, as_of: dt.date, split: dt.date) -> dict[str, float]:
    """Months paid in the held-out days by those under contract at the split: how far off are both forecasts?"""
    import pandas as pd

    until = (pd.Timestamp(split) - pd.to_datetime(table["started_at"])).dt.days.to_numpy(dtype="float64")
    known = until >= 0
    until, days = until[known], table["duration_days"].to_numpy(dtype="float64")[known]
    left = table["event_observed"].to_numpy(dtype=bool)[known]
    data = _cohorts(np.minimum(days, until), left & (days <= until))
    there = days > until
    made, ends = (np.floor(one[there] / DAYS_PER_MONTH).astype("int64") for one in (until, days))
    due = np.floor((until[there] + (as_of - split).days) / DAYS_PER_MONTH).astype("int64") - made
    actual = ends - made
    try:
        fit = sbg.fit_sbg(data)
    except ModelError:
        return {}
    stays = 1 - _constant(data)[0]
    forecast, flat = np.zeros(len(due)), np.zeros(len(due))
    for months in np.unique(due[due > 0]).tolist():
        own = due == months
        forecast[own] = sbg.expected_remaining(fit, made[own], periods=months)
        flat[own] = sum(stays**i for i in range(1, months + 1))
    return {SBG: float(np.abs(forecast - actual).mean()), "constant": float(np.abs(flat - actual).mean())}


def months_ahead(fit: sbg.Fitted, renewals: NDArray[np.int64], *, horizon_days: int, yearly_rate: float) -> NDArray[np.float64]:
    """Discounted months that customers with so many renewals will still pay for; 0 days = for ever.

    Raises
    ------
    ModelError
        Where it is infinite.
    """
    periods = None if not horizon_days else max(1, round(horizon_days / DAYS_PER_MONTH))
    monthly = math.expm1(math.log1p(yearly_rate) / 12)
    different, place = np.unique(renewals, return_inverse=True)
    return np.asarray(sbg.expected_remaining(fit, different, discount_rate=monthly, periods=periods))[place]
