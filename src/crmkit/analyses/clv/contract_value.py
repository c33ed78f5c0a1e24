"""What is each customer under contract worth from now on? Months still to be paid for, times the price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from crmkit.analyses.clv.contracts import ContractFit, months_ahead
from crmkit.analyses.clv.futures import paid_months
from crmkit.analyses.clv.read import History
from crmkit.analyses.clv.resampling import resample
from crmkit.analyses.clv.values import SBG, Terms, Total, Values
from crmkit.core.dates import DAYS_PER_MONTH
from crmkit.core.errors import ModelError, ParamError
from crmkit.models.purchases import sbg


def contract_values(
    past: History,
    agreed: ContractFit | None,
    terms: Terms,
    *,
    cuts: Sequence[float] = (),
    by: str = "value_rank",
    draws: int = 200,
) -> Values | None:
    """The value of everybody under contract on the last day.

    Parameters
    ----------
    past : History
        With ``contracts``.
    agreed : ContractFit or None
    terms : Terms
    cuts, by
        Tiers whose sums get intervals.
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
    values = Values(SBG, table.reset_index(drop=True), Total(n, n, n), sums[0], sums[1], terms)
    if not draws:
        return values
    try:
        others = sbg.parameter_draws(agreed.cohorts, agreed.fit, draws=draws)
    except ModelError as err:
        return replace(values, no_refits=err.text)
    return resample(
        values, others.fits(), None, method=others.method, per=DAYS_PER_MONTH, cuts=cuts, by=by, confidence=past.confidence
    )
