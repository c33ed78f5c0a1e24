"""How long do customers take to buy again? Curves by purchase number and group, with errors by customer, and their medians."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from crmkit.core.errors import ModelError, Problem
from crmkit.core.results import Quantity, Text
from crmkit.models.survival.curves.curves import kaplan_meier, median_survival

if TYPE_CHECKING:
    import pandas as pd

NOT_REACHED = Text("not reached: after {x} days, the longest time seen, {share} had not bought again")


def gap_curves(
    durations: ArrayLike,
    event_observed: ArrayLike,
    *,
    group: ArrayLike | None = None,
    customer: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    copies: ArrayLike | None = None,
    confidence: float = 0.95,
    interval: str = "log-log",
) -> pd.DataFrame:
    """Which share of customers has not bought again after each time?

    Parameters
    ----------
    durations : array_like >= 0, shape (n,)
        Gaps, in any unit.
    event_observed : array_like of 0/1, shape (n,)
        Whether a purchase ended the gap.
    group : array_like, shape (n,), optional
        A curve for each: purchase number, or a group of customers. To compare groups of customers, give one gap per customer
        (:func:`~crmkit.models.survival.gaps.gaps_on_day`): else who buys often counts often.
    customer : array_like, shape (n,), optional
        Whose gap it is: errors by customer, which hold where a customer has several gaps of like length.
    entry : array_like, shape (n,), optional
        Silence at which the gap came under observation (left truncation).
    copies : array_like, shape (n,), optional
        Gaps per row; not together with `customer`.
    confidence, interval
        As for :func:`~crmkit.models.survival.kaplan_meier`.

    Returns
    -------
    pandas.DataFrame
        As of :func:`~crmkit.models.survival.kaplan_meier`; `value` is the share that has not bought again.

    Notes
    -----
    With `customer` the variance is the sum over customers of their squared influence on the curve (infinitesimal jackknife).

    References
    ----------
    Therneau & Grambsch (2000), doi:10.1007/978-1-4757-3294-8, section 2.3.

    Examples
    --------
    >>> gap_curves([10, 20, 20, 40], [1, 1, 1, 0], customer=["a", "a", "b", "b"])["value"].tolist()
    [1.0, 0.75, 0.25, 0.25]
    """
    if customer is not None and copies is not None:
        raise ModelError(
            Problem("gap curves: copies", "are given with customers", "a row is one gap where errors are by customer")
        )
    return kaplan_meier(
        durations,
        event_observed,
        group=group,
        entry=entry,
        copies=copies,
        cluster=customer,
        confidence=confidence,
        interval=interval,
    )


def gap_medians(curve: pd.DataFrame, *, share: float = 0.5) -> pd.DataFrame:
    """By when has half of the customers bought again?

    Parameters
    ----------
    curve : pandas.DataFrame
        From :func:`gap_curves`.
    share : float
        Share that has not bought again, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        A row per group: `group`, `value`, `low`, `high` (None where not reached), `n` (gaps), `events`, `reason` (a Text
        that says why there is no value, else None).
    """
    import pandas as pd

    found = median_survival(curve, share=share, unit="days")
    columns: dict[str, list[object]] = {name: [] for name in ("group", "value", "low", "high", "n", "events", "reason")}
    for group, *ends, n in found[["group", "value", "low", "high", "n"]].itertuples(index=False):
        own = curve.loc[curve["group"] == group]
        last = own.loc[own["at_risk"] > 0].iloc[-1]
        ends = [float(end) if np.isfinite(end) else None for end in ends]
        said = {"x": Quantity(float(last["x"]), "number"), "share": Quantity(float(last["value"]), "share")}
        reason = Text(NOT_REACHED.template, said) if ends[0] is None else None
        for name, one in zip(columns, (group, *ends, n, own["events"].sum(), reason), strict=True):
            columns[name].append(one)
    # a column of numbers would turn None into nan
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})
