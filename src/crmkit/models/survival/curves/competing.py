"""Who leaves for which reason? Cumulative incidence of each cause, where the other causes compete."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, Problem, counted, rows
from crmkit.models.basics.estimates import critical
from crmkit.models.survival.data.observed import Observed, check_observed, count_at_risk, select, split, total

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

ESTIMATED = ("value", "low", "high", "standard_error")


def cumulative_incidence(
    durations: ArrayLike,
    cause: ArrayLike,
    *,
    censored: object = 0,
    group: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    copies: ArrayLike | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Which share of customers has left for each reason by each time?

    Parameters
    ----------
    durations : array_like >= 0, shape (n,)
        Time to leaving or to the end of observation.
    cause : array_like, shape (n,)
        Reason of leaving; `censored` where the customer is still there.
    censored : object
        The value of `cause` that means "still there".
    group, entry, copies, confidence
        As for :func:`~crmkit.models.survival.curves.curves.kaplan_meier`.

    Returns
    -------
    pandas.DataFrame
        Per group and cause, a row at 0 and one at each different time: `group`, `cause`, `x`, `value`, `low`, `high` (share
        that has left for this cause, 0 to 1), `at_risk`, `events`, `standard_error`.

    Raises
    ------
    ModelError
        Where a cause is missing, nobody leaves, or a row cannot be an observation.

    Notes
    -----
    Aalen-Johansen: F_c(t) = sum of S(t-) d_c / n over the times up to t, exact under ties. One minus the Kaplan-Meier curve of
    one cause is no substitute: it counts what would happen if the other causes did not exist. The variance is that of the
    delta method (equal to the infinitesimal jackknife); the interval is symmetric on the scale log(-log F).

    References
    ----------
    Aalen & Johansen (1978), Scandinavian Journal of Statistics 5(3), 141-150. Marubini & Valsecchi (1995), Analysing
    Survival Data from Clinical Trials and Observational Studies, ch. 10.

    Examples
    --------
    >>> table = cumulative_incidence([1, 2, 3, 4], ["price", "service", "price", "stays"], censored="stays")
    >>> table[table["cause"] == "price"]["value"].round(6).tolist()
    [0.0, 0.25, 0.25, 0.5, 0.5]
    """
    import pandas as pd

    reach = critical(confidence)
    reason = pd.Series(cause).reset_index(drop=True)
    missing = np.flatnonzero(reason.isna())
    if len(missing):
        where = rows(missing[:5].tolist(), len(missing))
        raise ModelError(
            Problem("survival: cause", f"is missing in {counted(len(missing), 'row')} ({where})", f"'{censored}' = still there")
        )
    left = (reason != censored).to_numpy()
    seen = check_observed(durations, left, entry=entry, copies=copies)
    causes = sorted(reason[left].unique(), key=str)
    if not causes:
        raise ModelError(Problem("survival: cause", f"is '{censored}' in every row", "nobody leaves"))
    parts = []
    for name, members in split(group, len(seen.time)):
        own, own_reason = select(seen, members), reason.to_numpy()[members]
        parts += [_one(own, own_reason == one, reach).assign(group=name, cause=one) for one in causes]
    order = ["group", "cause", "x", "value", "low", "high", "at_risk", "events", "standard_error"]
    return pd.concat(parts, ignore_index=True)[order]


def incidence_at(table: pd.DataFrame, times: ArrayLike) -> pd.DataFrame:
    """Which share has left for each reason at a few times?

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`cumulative_incidence`.
    times : array_like
        At which times.

    Returns
    -------
    pandas.DataFrame
        `group`, `cause`, `x`, `value`, `low`, `high`, `standard_error`; nan beyond the last time observed.
    """
    import pandas as pd

    asked = np.atleast_1d(np.asarray(times, dtype=np.float64))
    parts = []
    for (name, cause), own in table.groupby(["group", "cause"], sort=False, observed=True):
        x = own["x"].to_numpy()
        last = np.searchsorted(x, asked, side="right") - 1
        picked = own.iloc[last][list(ESTIMATED)].to_numpy(dtype=np.float64, copy=True)
        picked[asked > x[-1]] = np.nan
        labels = {"group": [name] * len(asked), "cause": [cause] * len(asked), "x": asked}
        parts.append(pd.DataFrame(labels | dict(zip(ESTIMATED, picked.T, strict=True))))
    return pd.concat(parts, ignore_index=True)


def _one(own: Observed, mine: NDArray[np.bool_], reach: float) -> pd.DataFrame:
    import pandas as pd

    counts = count_at_risk(own)
    position = np.searchsorted(counts.time, own.time)
    d = total(position, own.weight * mine, len(counts.time))
    n, events = counts.at_risk, counts.events
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.where(n > 0, events / n, 0.0)
        step = np.where(n > 0, d / n, 0.0)
        rest = np.where(n - events > 1e-12, events / (n * (n - events)), 0.0)
    after = np.cumprod(np.maximum(1 - hazard, 0.0))
    before = np.concatenate([[1.0], after[:-1]])
    value = np.cumsum(before * step)
    # Var F(t) = sum (F(t) - F(s))^2 d/(n(n-d)) + S(s-)^2 d_c (n - d_c)/n^3 - 2 (F(t) - F(s)) S(s-) d_c/n^2, by sums up to t
    own_part = np.where(n > 0, before**2 * step * (1 - step) / np.maximum(n, 1e-300), 0.0)
    cross = np.where(n > 0, before * step / np.maximum(n, 1e-300), 0.0)
    square = value**2 * np.cumsum(rest) - 2 * value * np.cumsum(rest * value) + np.cumsum(rest * value**2)
    variance = square + np.cumsum(own_part) - 2 * (value * np.cumsum(cross) - np.cumsum(cross * value))
    error = np.sqrt(np.maximum(variance, 0.0))
    low, high = _limits(value, error, reach)
    table = {"x": counts.time, "value": value, "low": low, "high": high, "at_risk": n, "events": d, "standard_error": error}
    if counts.time[0] > 0:
        at_risk0 = float(own.weight.sum() if own.entry is None else own.weight[own.entry <= 0].sum())
        start = {"at_risk": at_risk0, "low": np.nan, "high": np.nan}
        table = {name: np.concatenate([[start.get(name, 0.0)], column]) for name, column in table.items()}
    return pd.DataFrame(table)


def _limits(value: Floats, error: Floats, reach: float) -> tuple[Floats, Floats]:
    inner = (value > 0) & (value < 1 - 1e-12)  # a sum that should be 1 can miss it by a rounding
    low, high = np.full_like(value, np.nan), np.full_like(value, np.nan)
    logs = np.log(value[inner])
    spread = reach * error[inner] / (value[inner] * -logs)
    with np.errstate(over="ignore"):  # the limit is then 0
        low[inner], high[inner] = np.exp(logs * np.exp(spread)), np.exp(logs * np.exp(-spread))
    return low, high
