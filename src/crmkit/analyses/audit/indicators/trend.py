"""Is it worse than it used to be? A series of numbers against its own earlier ones, and sums against those of a year before."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.audit.indicators.estimate import MEAN, NO_DATA, SHORT, TOO_FEW, Estimate, mean, nothing
from crmkit.analyses.audit.sampling import Located

if TYPE_CHECKING:
    import pandas as pd

SHORTEST = 6


def against_own_past(now: pd.Series, earlier: pd.Series, confidence: float, *, n: float) -> Estimate:
    """The mean of a series, beside its earlier numbers.

    Parameters
    ----------
    now, earlier : Series
        One number per week or month.
    n : float
        Observations behind the newer ones.

    Notes
    -----
    The test is Welch's: the earlier numbers, which the target comes from, are a sample too.
    """
    if len(now) < 2:
        return nothing(TOO_FEW if len(now) else NO_DATA, n=n)
    found = replace(mean(now.to_numpy(), confidence, method=MEAN), n=n)
    if len(earlier) < SHORTEST:
        return replace(found, needs=SHORT)
    before = earlier.to_numpy(dtype="float64")
    parts = [float(np.var(now.to_numpy(dtype="float64"), ddof=1)) / len(now), float(np.var(before, ddof=1)) / len(before)]
    error = math.sqrt(sum(parts))
    free = [part**2 / (size - 1) for part, size in zip(parts, (len(now), len(before)), strict=True)]
    df = sum(parts) ** 2 / sum(free) if sum(free) > 0 else len(now) + len(before) - 2
    return replace(found, sampling=Located(found.value, error, df), past=tuple(before.tolist()))
