"""What are customers under contract worth? How long they stay (sBG), the months still to be paid for, times the price."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.clv.draws import months_ahead, paid_months
from crmkit.analyses.clv.read import UNEVEN, Purchases
from crmkit.analyses.clv.resampling import resample
from crmkit.analyses.clv.values import CONSTANT, SBG, Terms, Tiering, Total, Values, tiered
from crmkit.core.dates import DAYS_PER_MONTH
from crmkit.core.errors import ModelError, ParamError
from crmkit.core.results import Text
from crmkit.models.basics.edges import ALIKE, LimitError
from crmkit.models.purchases import sbg

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike


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
    alike : bool
        Whether that rate stands behind the fit, because little shows that customers differ.
    errors : mapping
        ``sbg`` and ``constant``: mean absolute error of the months paid in the held-out days, fitted without them; empty where
        nothing is held out.
    """

    fit: sbg.Fit | None
    cohorts: sbg.Cohorts
    reason: Text | str
    constant: tuple[float, float]
    errors: dict[str, float]
    alike: bool = False

    @property
    def model(self) -> str:
        """The name of the model behind the fit."""
        return CONSTANT if self.alike else SBG


def fit_contracts(table: pd.DataFrame, *, as_of: dt.date, split: dt.date | None) -> ContractFit:
    """Which sBG explains how long customers stayed, and would it have told the last days beforehand?

    Parameters
    ----------
    table : DataFrame
        ``contracts`` of :class:`crmkit.analyses.clv.read.Purchases`.
    as_of, split : date
        Last day, and last day of the calibration period, None where nothing is held out.

    Notes
    -----
    A month is 30.4375 days; who leaves within a month leaves at its end, when it would have been renewed. The opponent is one
    rate of leaving for everybody, whose likelihood has a closed form.
    """
    data = _cohorts(table["duration_days"], table["event_observed"], table["entry_days"])
    constant = _constant(data)
    try:
        fit, alike = _fitted(data)
    except ModelError as err:
        return ContractFit(None, data, err.text, constant, {})
    errors = {} if split is None else _held_out(table, as_of=as_of, split=split)
    return ContractFit(fit, data, "", constant, errors, alike)


def _fitted(data: sbg.Cohorts) -> tuple[sbg.Fit, bool]:
    """The sBG, or one rate for everybody where little shows that customers differ (AIC); whether it is that."""
    try:
        fit = sbg.fit_sbg(data)
    except LimitError as err:
        if err.limit != ALIKE:
            raise
        return sbg.fit_alike(data), True
    one = sbg.fit_alike(data)
    alike = 2 - 2 * one.log_likelihood <= fit.aic
    return (one if alike else fit), alike


def _cohorts(duration_days: ArrayLike, left: ArrayLike, entry_days: ArrayLike) -> sbg.Cohorts:
    months, entry = (np.asarray(days, dtype="float64") / DAYS_PER_MONTH for days in (duration_days, entry_days))
    gone = np.asarray(left, dtype=bool)
    period = np.where(gone, np.maximum(np.ceil(months - UNEVEN), 1.0), np.floor(months + UNEVEN))
    before = np.minimum(np.floor(entry + UNEVEN), period - gone)
    rows, n = np.unique(np.column_stack([period, ~gone, before]), axis=0, return_counts=True)
    known = ~((rows[:, 0] == rows[:, 2]) & (rows[:, 1] == 1))  # nothing is known of those who came within the last month
    return sbg.Cohorts(rows[known, 0], rows[known, 1].astype(bool), n[known].astype(np.int64), rows[known, 2])


def _constant(data: sbg.Cohorts) -> tuple[float, float]:
    try:
        fit = sbg.fit_alike(data)
    except ModelError:
        return (1.0 if (~data.stays).any() else 0.0), 0.0
    return fit.params["alpha"] / sbg.EQUAL, fit.log_likelihood


def _held_out(table: pd.DataFrame, *, as_of: dt.date, split: dt.date) -> dict[str, float]:
    """Months paid in the held-out days by those under contract at the split: how far off are both forecasts?"""
    import pandas as pd

    until = (pd.Timestamp(split) - pd.to_datetime(table["started_at"])).dt.days.to_numpy(dtype="float64")
    known = until >= 0
    until, days = until[known], table["duration_days"].to_numpy(dtype="float64")[known]
    left, entry = (table[name].to_numpy()[known] for name in ("event_observed", "entry_days"))
    seen = entry < until
    data = _cohorts(np.minimum(days, until)[seen], (left & (days <= until))[seen], entry[seen])
    there = days > until
    made, ends, last = (
        np.floor(one[there] / DAYS_PER_MONTH + UNEVEN).astype("int64") for one in (until, days, until + (as_of - split).days)
    )
    due = last - made
    actual = ends - made
    try:
        fit, alike = _fitted(data)
    except ModelError:
        return {}
    stays = 1 - _constant(data)[0]
    forecast, flat = np.zeros(len(due)), np.zeros(len(due))
    for months in np.unique(due[due > 0]).tolist():
        own = due == months
        forecast[own] = sbg.expected_remaining(fit, made[own], periods=months)
        flat[own] = sum(stays**i for i in range(1, months + 1))
    own = {} if alike else {SBG: float(np.abs(forecast - actual).mean())}
    return {**own, CONSTANT: float(np.abs(flat - actual).mean())}


def contract_values(
    past: Purchases,
    agreed: ContractFit | None,
    terms: Terms,
    *,
    tiering: Tiering,
    draws: int = 200,
) -> Values | None:
    """The value of everybody under contract on the last day.

    Parameters
    ----------
    past : Purchases
        With ``contracts``.
    agreed : ContractFit or None
    terms : Terms
    tiering : Tiering
    draws : int
        Refits that the intervals of sums are made of; 0 = no intervals.

    Returns
    -------
    Values or None
        ``customers`` as for purchases, in months: ``expected_purchases`` = months that will still be paid, ``expected_spend`` =
        price per month; ``p_alive`` is 1. None where nothing could be fitted, or nobody is under contract.

    Raises
    ------
    ParamError
        When the value for ever is infinite.

    Notes
    -----
    ``clv = (margin * price - cost) * sum over months of P(still there) / (1 + rate)^month``, the next month being due now.
    Intervals of sums: percentiles over refits to customers drawn with replacement.
    """
    if past.contracts is None or agreed is None or agreed.fit is None:
        return None
    rows = past.contracts[past.contracts["active"]]
    if rows.empty:
        return None
    days = rows["duration_days"].to_numpy(dtype="float64")
    renewals = rows["renewals"].to_numpy(dtype="int64")
    price = rows["mrr"].astype("float64").to_numpy()
    try:
        ahead = months_ahead(agreed.fit, renewals, horizon_days=terms.horizon_days, yearly_rate=terms.discount_rate)
    except ModelError as err:
        raise ParamError(f"horizon_days, discount_rate: are {terms.horizon_days} and {terms.discount_rate:g}; {err}") from err
    net = np.asarray(terms.margin * price - terms.retention_cost / 12, dtype="float64")
    table = rows[["customer_id"]].assign(
        frequency=renewals,
        recency_days=days,
        T_days=days,
        first_day=rows["started_at"],
        purchase_days=renewals + 1,
        days_since_last=0,
        total=price * days / DAYS_PER_MONTH,
        p_alive=1.0,
        expected_purchases=paid_months(agreed.fit, renewals, Terms(terms.horizon_days, 0.0, 1.0)),
        expected_spend=price,
        clv=net * ahead,
    )
    n, nan = float(len(rows)), float("nan")
    paid, worth = float(table["expected_purchases"].sum()), float(table["clv"].sum(skipna=False))
    sums = [Total(one, nan, nan) if np.isfinite(one) else None for one in (paid, worth)]
    values = tiered(Values(agreed.model, table.reset_index(drop=True), Total(n, n, n), sums[0], sums[1], terms), tiering)
    if not draws:
        return values
    try:
        others = sbg.parameter_draws(agreed.cohorts, agreed.fit, draws=draws)
    except ModelError as err:
        return replace(values, no_refits=err.text)
    return resample(values, others.fits(), None, method=others.method, per=DAYS_PER_MONTH, confidence=past.confidence)
