"""How much of the spread of ratings is between what is rated, and how much between raters? Intraclass correlation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from crmkit.core.errors import ModelError
from crmkit.models.basics.estimates import critical

if TYPE_CHECKING:
    import pandas as pd

FORMS = ("ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)")
MOST = np.finfo(np.float64).max  # stands for a ratio of variances that is infinite


def icc(ratings: ArrayLike, *, confidence: float = 0.95) -> pd.DataFrame:
    """How reliable is one rating, and how reliable is the mean of all raters?

    Parameters
    ----------
    ratings : array of shape (targets, raters)
        Numbers. Targets that not every rater rated are left out.
    confidence : float

    Returns
    -------
    pandas.DataFrame
        One row per form: `form`; `value`, `low`, `high` (at most 1, may be negative); `f`, `df1`, `df2`, `p_value` of the test
        of no reliability; `n` targets, `raters`, `left_out` targets.

    Raises
    ------
    ModelError
        With fewer than two complete targets or two raters, or when all ratings are equal.

    Notes
    -----
    (1,.) each target has raters of its own; (2,.) raters are a sample, and their leniency counts as disagreement; (3,.) these
    raters and no others, leniency left aside. The second number: one rating, or the mean of k.

    References
    ----------
    Shrout & Fleiss (1979), doi:10.1037/0033-2909.86.2.420. McGraw & Wong (1996), doi:10.1037/1082-989X.1.1.30.

    Examples
    --------
    >>> rated = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> icc(rated)["value"].round(2).tolist()
    [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]
    """
    import pandas as pd
    from scipy.special import fdtrc

    critical(confidence)
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2:
        raise ModelError(f"intraclass correlation: ratings have {table.ndim} dimensions; targets by raters are needed")
    whole = table[~np.isnan(table).any(1)]
    n, k = whole.shape
    if n < 2 or k < 2:
        raise ModelError(f"intraclass correlation: {n} targets that all {k} raters rated; at least 2 of each are needed")
    if np.ptp(whole) == 0:
        raise ModelError("intraclass correlation: all ratings are equal, so it is not defined")
    between, raters, within, rest = _mean_squares(whole)
    single = (
        (between - within) / (between + (k - 1) * within),
        (between - rest) / (between + (k - 1) * rest + k * (raters - rest) / n),
        (between - rest) / (between + (k - 1) * rest) if between + (k - 1) * rest > 0 else np.nan,
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (
            (between - within) / between,
            (between - rest) / (between + (raters - rest) / n),
            (between - rest) / between,
        )
        f1, f3 = between / within, between / rest
        limits = _limits(n, k, f1=f1, f3=f3, bms=between, raters=raters, rest=rest, rho=single[1], confidence=confidence)
    df = [(n - 1, n * (k - 1)), (n - 1, (n - 1) * (k - 1)), (n - 1, (n - 1) * (k - 1))]
    f = [f1, f3, f3]
    found = pd.DataFrame({"form": FORMS, "value": np.array([*single, *mean], dtype=np.float64)})
    found["low"], found["high"] = [pair[0] for pair in limits], [pair[1] for pair in limits]
    found["f"], found["df1"], found["df2"] = f * 2, [one for one, _ in df] * 2, [two for _, two in df] * 2
    found["p_value"] = fdtrc(found["df1"], found["df2"], found["f"])
    # the mean of raters for whom all targets are alike has no reliability
    return found.replace(-np.inf, np.nan).assign(n=n, raters=k, left_out=len(table) - n)


def _mean_squares(table: np.ndarray) -> tuple[np.float64, np.float64, np.float64, np.float64]:
    """Of targets, of raters, within targets, and of what neither explains."""
    n, k = table.shape
    total = table.mean()
    ss_between = k * ((table.mean(1) - total) ** 2).sum()
    ss_raters = n * ((table.mean(0) - total) ** 2).sum()
    residual = table - table.mean(1)[:, None] - table.mean(0) + total
    ss_rest = (residual**2).sum()
    parts = (ss_between / (n - 1), ss_raters / (k - 1), (ss_raters + ss_rest) / (n * (k - 1)), ss_rest / ((n - 1) * (k - 1)))
    # numbers of numpy: where raters agree but for their leniency a ratio is infinite, and no error
    between, raters, within, rest = (np.float64(part) for part in parts)
    return between, raters, within, rest


def _limits(
    n: int, k: int, *, f1: float, f3: float, bms: float, raters: float, rest: float, rho: float, confidence: float
) -> list[tuple[float, float]]:
    """Limits of the six forms; those of (2,.) with Satterthwaite's degrees of freedom."""
    from scipy.special import fdtri

    upper = 0.5 + confidence / 2

    def one_way(f: float, df2: int) -> tuple[float, float]:
        return min(f / float(fdtri(n - 1, df2, upper)), MOST), min(f * float(fdtri(df2, n - 1, upper)), MOST)

    pairs = [one_way(f1, n * (k - 1)), two := one_way(f3, (n - 1) * (k - 1)), two]
    single = [((low - 1) / (low + k - 1), (high - 1) / (high + k - 1)) for low, high in pairs]
    mean = [(1 - 1 / low, 1 - 1 / high) for low, high in pairs]
    with np.errstate(divide="ignore", invalid="ignore"):
        fj = raters / rest if rest > 0 else np.inf
        load = k * rho * fj + n * (1 + (k - 1) * rho) - k * rho
        other = n * (1 + (k - 1) * rho) - k * rho
        v = (n - 1) * (k - 1) * load**2 / ((n - 1) * k**2 * rho**2 * fj**2 + other**2)
    if not np.isfinite(v):
        v = float(k - 1)
    f_up, f_low = float(fdtri(n - 1, v, upper)), float(fdtri(v, n - 1, upper))
    low = n * (bms - f_up * rest) / (f_up * (k * raters + (k * n - k - n) * rest) + n * bms)
    high = n * (f_low * bms - rest) / (k * raters + (k * n - k - n) * rest + n * f_low * bms)
    single[1] = (low, high)
    mean[1] = (k * low / (1 + low * (k - 1)), k * high / (1 + high * (k - 1)))
    return [*single, *mean]
