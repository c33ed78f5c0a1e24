"""What is each customer under contract worth from now on? Months still to be paid for, times the price."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.clv.contracts import ContractFit, months_ahead
from crmkit.analyses.clv.history import History
from crmkit.analyses.clv.terms import SBG, Terms, Total, Values
from crmkit.core.dates import DAYS_PER_MONTH
from crmkit.core.errors import ModelError, ParamError
from crmkit.models import sbg
from crmkit.models.draws import percentiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crmkit.models.draws import ParameterDraws


def contract_values(past: History, agreed: ContractFit | None, terms: Terms) -> Values | None:
    """The value of everybody under contract on the last day.

    Parameters
    ----------
    past : History
        With ``contracts``.
    agreed : ContractFit or None
    terms : Terms

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
        ahead = _ahead(agreed.fit, renewals, terms)
    except ModelError as err:
        raise ParamError(f"horizon_days, discount_rate: are {terms.horizon_days} and {terms.discount_rate:g}; {err}") from err
    net = np.asarray(terms.margin * price - terms.retention_cost / 12, dtype="float64")
    plain = Terms(terms.horizon_days, 0.0, 1.0)
    table = rows[["customer_id"]].assign(
        frequency=renewals,
        recency_days=days,
        T_days=days,
        first_day=rows["started_at"],
        purchase_days=renewals + 1,
        days_since_last=0,
        total=price * days / DAYS_PER_MONTH,
        p_alive=1.0,
        expected_purchases=_or_nan(agreed.fit, renewals, plain),
        expected_spend=price,
        clv=net * ahead,
    )
    draws = sbg.parameter_draws(agreed.cohorts, agreed.fit)
    n = float(len(rows))
    paid = _total(agreed.fit, draws, renewals, np.ones(len(rows)), plain, past.confidence)
    priced = bool(np.isfinite(price).all())
    clv = _total(agreed.fit, draws, renewals, net, terms, past.confidence) if priced else None
    return Values(SBG, table.reset_index(drop=True), Total(n, n, n), paid, clv, terms)


def _ahead(fit: sbg.Fitted, renewals: NDArray[np.int64], terms: Terms) -> NDArray[np.float64]:
    return months_ahead(fit, renewals, horizon_days=terms.horizon_days, yearly_rate=terms.discount_rate)


def _or_nan(fit: sbg.Fitted, renewals: NDArray[np.int64], terms: Terms) -> NDArray[np.float64]:
    try:
        return _ahead(fit, renewals, terms)
    except ModelError:
        return np.full(len(renewals), np.nan)


def _total(
    fit: sbg.Fitted, draws: ParameterDraws, renewals: NDArray[np.int64], weight: NDArray[np.float64], terms: Terms,
    confidence: float,
) -> Total | None:  # fmt: skip
    """A sum over customers with its interval; None where it is infinite."""
    different, place = np.unique(renewals, return_inverse=True)
    weights = np.bincount(place, weights=weight)

    def whole(one: sbg.Fitted) -> float:
        return float((weights * _or_nan(one, different, terms)).sum())

    value = whole(fit)
    if not np.isfinite(value):
        return None
    drawn = np.array([whole(one) for one in draws.fits()])
    low, high = percentiles(drawn[np.isfinite(drawn)][:, None], confidence)
    return Total(value, min(value, float(low[0])), max(value, float(high[0])))
