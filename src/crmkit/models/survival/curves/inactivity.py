"""After how long a silence has a customer without a contract left? The window, and how often it is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, ParamError, Problem
from crmkit.core.results import Text
from crmkit.models.basics.shares import wilson
from crmkit.models.survival.curves.curves import kaplan_meier
from crmkit.models.survival.data.observed import check_observed

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

QUANTILE = 0.95
SPAN_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class InactivityWindow:
    """The window chosen, and what it gets wrong.

    Parameters
    ----------
    window : float
        Silence after which a customer counts as gone, in the unit of the gaps.
    quantile : float
        Share of the silences that end in a purchase which have ended within the window.
    false_churn_share, low, high : float
        Share of the silences longer than the window that a purchase has ended all the same, with its interval.
    longest_allowed : float
        Half of the time observed.
    table : pandas.DataFrame
        From :func:`inactivity_windows`.
    """

    window: float
    quantile: float
    false_churn_share: float
    low: float
    high: float
    longest_allowed: float
    table: pd.DataFrame


def inactivity_windows(
    gaps: ArrayLike,
    ended: ArrayLike,
    *,
    windows: ArrayLike,
    span: float,
    copies: ArrayLike | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How often would each window call somebody gone who then buys again?

    Parameters
    ----------
    gaps : array_like >= 0, shape (n,)
        Times between purchases, and for each customer the time since the last one.
    ended : array_like of 0/1, shape (n,)
        1 where a purchase has ended the gap, 0 for the open one.
    windows : array_like
        Windows to look at, in the unit of the gaps.
    span : float
        How long customers were observed.
    copies : array_like, shape (n,), optional
        Gaps per row.
    confidence : float
        Level of the interval (Wilson).

    Returns
    -------
    pandas.DataFrame
        A row per window: `window`; `longer` (gaps longer than it); `returned` (of these, ended by a purchase);
        `false_churn_share`, `low`, `high` (returned / longer: the window was wrong); `missed_share` (of the gaps that end in a
        purchase, the share longer than the window, from the Kaplan-Meier curve of the gaps with open ones censored);
        `allowed` (at most half of the span).

    Notes
    -----
    An open gap may still end, so `false_churn_share` is a lower bound for recent customers; gaps longer than the span cannot be
    seen at all, which is why a window may not exceed half of it.
    """
    import pandas as pd

    seen = check_observed(gaps, ended, copies=copies)
    asked = np.atleast_1d(np.asarray(windows, dtype=np.float64))
    curve = kaplan_meier(gaps, ended, copies=copies)
    returns = 1 - float(curve["value"].iloc[-1])
    still = curve["value"].to_numpy()[np.maximum(np.searchsorted(curve["x"], asked, side="right") - 1, 0)]
    longer = np.array([seen.weight[seen.time > w].sum() for w in asked])
    returned = np.array([seen.weight[(seen.time > w) & seen.event].sum() for w in asked])
    found = wilson(returned, longer, confidence=confidence)
    missed = np.maximum(returns - (1 - still), 0.0) / returns if returns > 0 else np.full(len(asked), np.nan)
    return pd.DataFrame(
        {
            "window": asked,
            "longer": longer,
            "returned": returned,
            "false_churn_share": found.value,
            "low": found.low,
            "high": found.high,
            "missed_share": missed,
            "allowed": asked <= SPAN_SHARE * span,
        }
    )


def choose_window(
    gaps: ArrayLike,
    ended: ArrayLike,
    *,
    span: float,
    quantile: float = QUANTILE,
    copies: ArrayLike | None = None,
    step: float = 1.0,
    confidence: float = 0.95,
) -> InactivityWindow:
    """After how long a silence do nearly all who come back have come back?

    Parameters
    ----------
    gaps, ended, span, copies, confidence
        As for :func:`inactivity_windows`.
    quantile : float
        Share of the silences ending in a purchase that shall have ended by then, between 0 and 1.
    step : float
        The window is rounded up to a multiple of it.

    Returns
    -------
    InactivityWindow
        With the table of the windows from a quarter of the one chosen to half of the span.

    Raises
    ------
    ModelError
        When no gap has ended, or the window would exceed half of the observation span: then the data are too short for any
        window, and the probability of a purchase within a horizon should be used instead.

    Notes
    -----
    Kaplan-Meier on all gaps with the open one censored; its share of gaps that ever end is set to 1, so customers who are gone
    for good do not push the window up.
    """
    if not 0 < quantile < 1:
        raise ParamError(Problem("quantile", f"is {quantile}", "it lies between 0 and 1, for example 0.95"))
    curve = kaplan_meier(gaps, ended, copies=copies)
    ended_by = 1 - curve["value"].to_numpy()
    if ended_by[-1] <= 0:
        raise ModelError(Text("inactivity window: no gap between purchases has ended; nobody has bought twice"))
    first = int(np.argmax(ended_by >= quantile * ended_by[-1] - 1e-12))
    window = float(np.ceil(curve["x"].to_numpy()[first] / step - 1e-9) * step)
    longest = SPAN_SHARE * span
    if window > longest:
        found = f"would have to be {window:g}, more than half of the {span:g} observed"
        advice = "use the probability of a purchase within a horizon instead"
        raise ModelError(Problem("inactivity window:", found, f"at most {longest:g}", advice))
    grid = np.unique(np.concatenate([np.linspace(window / 4, longest, 40).round(6), [window]]))
    table = inactivity_windows(gaps, ended, windows=grid, span=span, copies=copies, confidence=confidence)
    row = table.loc[table["window"] == window].iloc[0]
    return InactivityWindow(window, quantile, row["false_churn_share"], row["low"], row["high"], longest, table)
