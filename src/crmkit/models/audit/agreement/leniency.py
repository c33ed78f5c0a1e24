"""Who rates more kindly or more severely than the others, and by how much?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError
from crmkit.core.results import Quantity, Text
from crmkit.models.basics.estimates import critical
from crmkit.models.basics.families import holm

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
FEWEST_RATERS = 3
FEWEST_RATINGS = 3


def leniency(ratings: ArrayLike, *, least_points: float = 0.5, confidence: float = 0.95) -> pd.DataFrame:
    """Which raters differ from the middle of all raters on the same things?

    Parameters
    ----------
    ratings : array of shape (raters, units)
        Points; nan where a rater did not rate a unit.
    least_points : float
        Smaller differences are never flagged, however sure.
    confidence : float
        Of intervals; raters are flagged where the corrected p-value is below the rest.

    Returns
    -------
    pandas.DataFrame
        One row per rater, in the order given: `raw` (points above the middle rater, units held equal), `value` (drawn towards 0
        by how little the rater rated), `low`, `high`, `p_value` (Holm over raters), `flagged`, `n` ratings. Nan where a rater
        has fewer than three.

    Raises
    ------
    ModelError
        With fewer than three such raters.

    Notes
    -----
    Least squares with one effect per rater and one per unit; the middle is the median of the raters, so that one very lenient
    rater makes nobody else look severe. Shrinkage: empirical Bayes with the spread of raters by moments.

    References
    ----------
    Searle, Casella & McCulloch (1992), Variance Components, chapter 3, doi:10.1002/9780470316856.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rated = 3 + rng.normal(0, 0.5, (6, 12)) + rng.normal(0, 1, 12)
    >>> rated[0] += 1.5
    >>> leniency(rated)["flagged"].tolist()
    [True, False, False, False, False, False]
    """
    import pandas as pd
    from scipy.special import stdtr

    z = critical(confidence)
    table = np.asarray(ratings, dtype=np.float64)
    n = (~np.isnan(table)).sum(1)
    used = np.flatnonzero(n >= FEWEST_RATINGS)
    if len(used) < FEWEST_RATERS:
        raise ModelError(
            Text(
                "leniency: {n} raters with {fewest_ratings} ratings or more; {fewest_raters} are needed",
                {
                    "n": Quantity(len(used), "count"),
                    "fewest_ratings": Quantity(FEWEST_RATINGS, "count"),
                    "fewest_raters": Quantity(FEWEST_RATERS, "count"),
                },
            )
        )
    effects, variances, df = _effects(table[used])
    raw = effects - np.median(effects)
    # the middle is estimated too: a median has pi/2 times the variance of a mean
    doubt = variances + np.pi / 2 * variances.mean() / len(used)
    spread = max(0.0, float(raw.var(ddof=1) - doubt.mean()))
    kept = spread / (spread + doubt)
    reach = z * np.sqrt(kept * doubt)
    p = holm(2 * stdtr(df, -np.abs(raw) / np.sqrt(doubt)))
    found = pd.DataFrame(index=range(len(table)), columns=["raw", "value", "low", "high", "p_value"], dtype="float64")
    found.loc[used] = np.column_stack([raw, kept * raw, kept * raw - reach, kept * raw + reach, p])
    found["flagged"] = (found["p_value"] < 1 - confidence) & (found["value"].abs() >= least_points)
    return found.assign(n=n)


def _effects(table: Floats) -> tuple[Floats, Floats, int]:
    """Effect of each rater with the units held equal, its variance, and the degrees of freedom that are left."""
    table = table[:, (~np.isnan(table)).sum(0) > 1]
    rater, unit = np.nonzero(~np.isnan(table))
    raters, units = table.shape
    design = np.zeros((len(rater), raters + units))
    design[np.arange(len(rater)), rater] = 1
    design[np.arange(len(rater)), raters + unit] = 1
    y = table[rater, unit]
    inverse = np.linalg.pinv(design.T @ design, hermitian=True)
    coefficients = inverse @ design.T @ y
    rank = int(np.linalg.matrix_rank(design))
    df = len(y) - rank
    if df < 1:
        raise ModelError(Text("leniency: too few ratings of the same things to tell raters apart"))
    residual = y - design @ coefficients
    # ratings on a coarse scale may agree perfectly by chance; no rater is then sure to the last digit
    sigma2 = max(float(residual @ residual) / df, 1e-12)
    centred = np.eye(raters) - 1 / raters
    cover = centred @ inverse[:raters, :raters] @ centred
    return centred @ coefficients[:raters], sigma2 * np.diag(cover), df
