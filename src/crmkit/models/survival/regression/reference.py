"""The Cox model as lifelines fits it: the reference path, and the object that analysts know.

Stands alone: the one place at which a Cox model is left to lifelines.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmkit.core.errors import ModelError
from crmkit.models.survival.data.observed import Observed

Floats = NDArray[np.float64]

PRECISION = 1e-12  # lifelines' own stop leaves 5e-6 on nearly separated columns


def fit_lifelines(seen: Observed, X: Floats, stratum: NDArray[np.int64] | None) -> Any:
    """lifelines' CoxPHFitter on centred and scaled columns, which it names x0, x1, ...

    Raises
    ------
    ModelError
        When lifelines finds no maximum, with its reason.
    """
    import pandas as pd
    from lifelines import CoxPHFitter
    from lifelines.exceptions import ConvergenceError

    table = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
    table["duration"], table["event"] = seen.time, seen.event.astype(np.int64)
    options: dict[str, Any] = {"duration_col": "duration", "event_col": "event", "fit_options": {"precision": PRECISION}}
    if seen.entry is not None:
        table["entry"], options["entry_col"] = seen.entry, "entry"
    if stratum is not None:
        table["stratum"], options["strata"] = stratum, ["stratum"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether the maximum is one is checked on our own derivatives
        try:
            return CoxPHFitter().fit(table, **options)
        except (ConvergenceError, ValueError, np.linalg.LinAlgError) as err:
            raise ModelError(f"Cox model: lifelines finds no maximum; {str(err).splitlines()[0]}") from err
