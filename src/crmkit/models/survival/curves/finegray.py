"""Which covariates raise the share that leaves for one reason? The subdistribution model of Fine and Gray."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, Problem, did_you_mean
from crmkit.models.survival.data.observed import Ints, check_observed
from crmkit.models.survival.judging.censoring import censoring_curve
from crmkit.models.survival.regression.cox import fit_observed
from crmkit.models.survival.regression.fitted import CoxFit

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]


def fine_gray_rows(
    durations: ArrayLike, cause: ArrayLike, *, of: object, censored: object = 0, copies: ArrayLike | None = None
) -> pd.DataFrame:
    """Rows for a Cox model in which who left for another reason stays at risk, with falling weight.

    Parameters
    ----------
    durations : array_like >= 0, shape (n,)
    cause : array_like, shape (n,)
        Reason of leaving; `censored` where the customer is still there.
    of : object
        The reason of interest.
    copies : array_like, shape (n,), optional
        Customers per row.

    Returns
    -------
    pandas.DataFrame
        `row` (position in the data), `start`, `stop`, `event` (1 = left for the reason of interest at `stop`), `weight`.

    Raises
    ------
    ModelError
        When nobody has left for that reason.

    Notes
    -----
    Who left at T for another reason counts at t > T with weight G(t-) / G(T-), G the Kaplan-Meier curve of censoring. Rows are
    split only where the weight changes and someone leaves for the reason of interest.

    References
    ----------
    Fine & Gray (1999), doi:10.1080/01621459.1999.10474144; Geskus (2011), doi:10.1111/j.1541-0420.2010.01420.x.
    """
    import pandas as pd

    reason = pd.Series(cause).reset_index(drop=True)
    left = (reason != censored).to_numpy()
    mine = (reason == of).to_numpy()
    if not mine.any():
        named = did_you_mean(str(of), map(str, reason[left].unique()))
        raise ModelError(Problem("survival: cause", f"is '{of}' for nobody", "", named))
    seen = check_observed(durations, left, copies=copies)
    curve = censoring_curve(seen)
    at = np.unique(seen.time[mine])
    G = curve.before(at)
    ends = np.concatenate([np.flatnonzero(np.diff(G) != 0), [len(at) - 1]])  # last time of each stretch of equal weight
    stops, level = at[ends], G[ends]
    other = np.flatnonzero(left & ~mine)
    first = np.searchsorted(stops, seen.time[other], side="right")
    extra = len(stops) - first
    row = np.repeat(other, extra)
    stretch = np.arange(extra.sum()) - np.repeat(np.cumsum(extra) - extra, extra) + np.repeat(first, extra)
    begin = np.maximum(np.concatenate([[0.0], stops])[stretch], seen.time[row])
    falling = level[stretch] / curve.before(seen.time[row])
    return pd.DataFrame(
        {
            "row": np.concatenate([np.arange(len(left)), row]),
            "start": np.concatenate([np.zeros(len(left)), begin]),
            "stop": np.concatenate([seen.time, stops[stretch]]),
            "event": np.concatenate([mine, np.zeros(len(row), dtype=bool)]).astype(np.int64),
            "weight": np.concatenate([seen.weight, seen.weight[row] * falling]),
        }
    )


def fit_fine_gray(
    durations: ArrayLike,
    cause: ArrayLike,
    covariates: pd.DataFrame,
    *,
    of: object,
    censored: object = 0,
    copies: ArrayLike | None = None,
) -> tuple[CoxFit, Ints]:
    """By which factor does each covariate raise the (subdistribution) hazard of leaving for one reason?

    Parameters
    ----------
    durations, cause, of, censored, copies
        As for :func:`fine_gray_rows`.
    covariates : pandas.DataFrame of n rows

    Returns
    -------
    fit : CoxFit
        Its probabilities of leaving, from time 0, are cumulative incidences. Standard errors are the model's own; take
        :func:`~crmkit.models.survival.with_robust_errors` with `row` as cluster for those that allow for the weights.
    row : array of int
        To which row of the data each row of the fit belongs.
    """
    rows = fine_gray_rows(durations, cause, of=of, censored=censored, copies=copies)
    row = rows["row"].to_numpy(dtype=np.int64)
    stop = rows["stop"].to_numpy()
    at_zero = stop <= 0
    if at_zero.any():
        raise ModelError(Problem("survival: durations", f"is 0 in {int(at_zero.sum())} rows", "Fine-Gray needs times above 0"))
    weighted = check_observed(stop, rows["event"], entry=rows["start"])._replace(weight=rows["weight"].to_numpy())
    fit = fit_observed(weighted, covariates.iloc[row], strata=None, references=None, ties="efron", engine="rows")
    return fit, row
