"""The Cox model as lifelines fits it: the engine of what a page shows, and the object that analysts know."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError
from crmkit.models.survival.data.observed import Observed, check_observed

if TYPE_CHECKING:
    import pandas as pd
    from lifelines import CoxPHFitter

Floats = NDArray[np.float64]

# lifelines stops by the first of three rules: length of the step, Newton decrement, relative gain. Its own 1e-7 and 1e-9 leave
# 5e-6 on nearly separated columns; a decrement of 1e-22 leaves 1e-11 of a standard error, and the gain is not asked
STOP = {"precision": 1e-22, "r_precision": 0.0, "max_steps": 60}


class Start(NamedTuple):
    """What is known of a model before lifelines begins.

    Parameters
    ----------
    coefficients : numpy.ndarray, shape (columns,)
        In the units of the columns that lifelines gets.
    log_likelihood_null : float
        With all coefficients zero.
    """

    coefficients: Floats
    log_likelihood_null: float


def cox_fitter(
    durations: ArrayLike,
    event_observed: ArrayLike,
    columns: pd.DataFrame,
    *,
    entry: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    start: Start | None = None,
    confidence: float = 0.95,
) -> CoxPHFitter:
    """What does lifelines make of the same customers? Its own fitted object, for an analyst to go on with.

    Parameters
    ----------
    durations, event_observed, entry : array_like, shape (n,)
        As for :func:`~crmkit.models.survival.fit_cox`.
    columns : pandas.DataFrame of n rows
        Numbers only, in the units in which the coefficients are wanted; their names are those of the object.
    strata : array_like, shape (n,), optional
        Groups with a baseline of their own.
    start : Start, optional
        What :func:`~crmkit.models.survival.fit_cox` has found, from which lifelines begins: it then looks at every row once
        instead of half a dozen times. By default lifelines begins at zeros.
    confidence : float

    Returns
    -------
    lifelines.CoxPHFitter

    Raises
    ------
    ModelError
        When lifelines finds no maximum, with its reason.

    Notes
    -----
    Coefficients, model-based errors and log-likelihood are those of :func:`~crmkit.models.survival.fit_cox`. Not its: the
    baseline (Breslow here), errors by customer, and the test of proportional hazards.
    """
    seen = check_observed(durations, event_observed, entry=entry)
    table = columns.astype("float64").reset_index(drop=True)
    return _fitted(seen, table, None if strata is None else np.asarray(strata), start, confidence)


def fit_lifelines(seen: Observed, X: Floats, stratum: NDArray[np.int64] | None, start: Start) -> CoxPHFitter:
    """lifelines' CoxPHFitter on centred and scaled columns, which it names x0, x1, ..., begun at what is known.

    Raises
    ------
    ModelError
        When lifelines finds no maximum, with its reason.
    """
    import pandas as pd

    return _fitted(seen, pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])]), stratum, start, 0.95)


def _fitted(
    seen: Observed, table: pd.DataFrame, stratum: NDArray[Any] | None, start: Start | None, confidence: float
) -> CoxPHFitter:
    from lifelines import CoxPHFitter
    from lifelines.exceptions import ConvergenceError

    taken = set(map(str, table.columns))
    names = ("duration", "event", "entry", "stratum", "weight")
    duration, event, entry, strata, weight = (_free(name, taken) for name in names)
    given: dict[str, Any] = {duration: seen.time, event: seen.event.astype(np.int64)}
    options: dict[str, Any] = {"duration_col": duration, "event_col": event, "fit_options": STOP}
    if seen.entry is not None:
        given[entry], options["entry_col"] = seen.entry, entry
    if seen.sampled:
        given[weight], options["weights_col"] = seen.weight, weight
    if stratum is not None:
        given[strata], options["strata"] = stratum, [strata]
    if start is not None:  # lifelines scales each column to a standard deviation of 1 first
        options["initial_point"] = start.coefficients * table.std(axis=0, ddof=1).to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether the maximum is one is checked on our own derivatives
        try:
            fitter = CoxPHFitter(alpha=1 - confidence).fit(table.assign(**given), **options)
        except (ConvergenceError, ValueError, np.linalg.LinAlgError) as err:
            raise ModelError(f"Cox model: lifelines finds no maximum; {str(err).splitlines()[0]}") from err
    if start is not None:  # begun elsewhere than at zeros, 0.30.3 fits a null model of its own, with the columns mixed up
        fitter._model._ll_null_ = start.log_likelihood_null
    return fitter


def lend_errors(fitter: CoxPHFitter, covariance: Floats) -> None:
    """Puts other errors than its own into lifelines' object: its robust ones take tied times for different ones."""
    import pandas as pd

    fitter._model.variance_matrix_ = pd.DataFrame(covariance, index=fitter.params_.index, columns=fitter.params_.index)
    fitter._model.standard_errors_ = pd.Series(np.sqrt(np.diag(covariance)), index=fitter.params_.index, name="se")


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name
