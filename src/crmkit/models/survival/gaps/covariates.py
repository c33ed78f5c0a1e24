"""What of a gap goes into a model? Columns of numbers that mean the same for every gap, known when it began."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crmkit.core.errors import ModelError, Problem, did_you_mean
from crmkit.models.survival.gaps.rhythm import PRIOR_GAPS, own_rhythm

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

WORDS = ("category", "channel")
SURE = 12  # by so many purchases the own rhythm is known


def gap_covariates(
    gaps: pd.DataFrame,
    *,
    typical: float,
    prior_gaps: float = PRIOR_GAPS,
    words: Sequence[str] = WORDS,
    season: bool = True,
) -> pd.DataFrame:
    """The covariates of each gap, of what was known when it began.

    Parameters
    ----------
    gaps : pandas.DataFrame
        Columns of :func:`crmkit.data.summaries.gaps.purchase_gaps`; ``number`` and ``mean_gap_days`` are needed.
    typical, prior_gaps : float
        Of :func:`~crmkit.models.survival.gaps.rhythm_prior`, on the gaps that the model is fitted to.
    words : sequence of str
        Columns of words that become a covariate each where they are there; nothing said becomes a level "".
    season : bool
        Whether the time of the year is one (needs ``month``); more than a year of data is needed for it to mean anything.

    Returns
    -------
    pandas.DataFrame
        Where their columns are there: ``log_rhythm`` (logarithm of the own rhythm over the typical gap, 0 for a first gap),
        ``log_rhythm_squared`` (its effect bends: the gaps of seldom buyers are not those of frequent ones, stretched),
        ``log_number`` (of the number, at most 12: how well the rhythm is known, within the last stratum), ``log_previous`` (of
        the previous gap over the own rhythm: slower than usual is above 0; 0 for a first gap), ``log_amount`` (of 1 + amount),
        ``log_mean_amount`` (log of (1 + mean) / (1 + amount)), ``returned_share``, ``discount_share``, ``season_sin``,
        ``season_cos``, and the words.

    Raises
    ------
    ModelError
        Names a column that is missing.

    Notes
    -----
    Amounts below 0 count as 0. Nothing is taken from the other rows, so that a gap means the same on another day.
    """
    import pandas as pd

    missing = [name for name in ("number", "mean_gap_days") if name not in gaps.columns]
    if missing:
        raise ModelError(
            Problem("gaps:", f"there is no column '{missing[0]}'", did_you_mean(missing[0], map(str, gaps.columns)))
        )
    count = gaps["number"].to_numpy(dtype=np.float64) - 1
    rhythm = own_rhythm(_floats(gaps["mean_gap_days"]), count, typical=typical, prior_gaps=prior_gaps)
    slow = np.log(rhythm / typical)
    found: dict[str, object] = {"log_rhythm": slow, "log_rhythm_squared": slow**2}
    found["log_number"] = np.log(np.minimum(count + 1, SURE))
    if "previous_gap_days" in gaps.columns:
        previous = _floats(gaps["previous_gap_days"])
        found["log_previous"] = np.where(count > 0, np.log(np.maximum(np.nan_to_num(previous, nan=1.0), 0.5) / rhythm), 0.0)
    if "amount" in gaps.columns:
        amount = np.maximum(_floats(gaps["amount"]), 0.0)
        found["log_amount"] = np.log1p(amount)
        if "mean_amount" in gaps.columns:
            found["log_mean_amount"] = np.log1p(np.maximum(_floats(gaps["mean_amount"]), 0.0)) - np.log1p(amount)
    for name in ("returned_share", "discount_share"):
        if name in gaps.columns:
            found[name] = np.clip(_floats(gaps[name]), 0.0, 1.0)
    if season and "month" in gaps.columns:
        angle = 2 * np.pi * (_floats(gaps["month"]) - 0.5) / 12
        found |= {"season_sin": np.sin(angle), "season_cos": np.cos(angle)}
    table = pd.DataFrame(found, index=gaps.index)
    for name in (name for name in words if name in gaps.columns):
        table[name] = gaps[name].fillna("").astype(str)
    return table


def _floats(column: pd.Series[float]) -> Floats:
    return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
