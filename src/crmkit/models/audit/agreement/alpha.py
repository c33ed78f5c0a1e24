"""Do raters agree more than chance would have it? Krippendorff's alpha, for any number of raters and missing ratings."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, ParamError, did_you_mean
from crmkit.core.results import Text
from crmkit.models.basics.estimates import critical

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
LEVELS = ("nominal", "ordinal", "interval", "ratio")
ALL_EQUAL = Text("all ratings are equal, so there is nothing that agreement could show itself in")
NO_PAIRS = Text("no unit was rated twice")
FEWEST_UNITS = 2


@dataclass(frozen=True)
class Alpha:
    """Krippendorff's alpha with its interval.

    Parameters
    ----------
    value, low, high : float
        1 perfect agreement, 0 what chance gives, below 0 systematic disagreement; nan where undefined.
    units : int
        Units with at least two ratings.
    raters, ratings : int
        Raters of these units, and their ratings.
    observed, expected : float
        Mean disagreement of two ratings of one unit, and of any two ratings.
    level : str
    undefined_draws : int
        Resamples in which all ratings were equal; they are left out of the interval.
    reason : Text or None
        Why it is undefined.
    """

    value: float
    low: float
    high: float
    units: int
    raters: int
    ratings: int
    observed: float
    expected: float
    level: str
    undefined_draws: int = 0
    reason: Text | None = None


def krippendorff_alpha(
    ratings: ArrayLike, *, level: str = "ordinal", draws: int = 1000, confidence: float = 0.95, seed: int = 0
) -> Alpha:
    """How far do raters agree beyond chance?

    Parameters
    ----------
    ratings : array of shape (raters, units)
        Numbers; nan where a rater did not rate a unit.
    level : {"nominal", "ordinal", "interval", "ratio"}
        Which differences count how much.
    draws : int
        Bootstrap resamples of units; 0: no interval.
    confidence : float
    seed : int

    Returns
    -------
    Alpha
        Undefined, with the reason, where all ratings are equal or no unit was rated twice: never 1.

    Raises
    ------
    ModelError
        When the ratings are no table, or not finite; negative ones on the ratio level.
    ParamError
        For a level that does not exist.

    Notes
    -----
    ``1 - observed / expected`` disagreement, both from the coincidence matrix. Intervals: percentiles over resampled units.

    References
    ----------
    Krippendorff (2019), Content Analysis, 4th edition, chapter 12. Hayes & Krippendorff (2007),
    doi:10.1080/19312450709336664.

    Examples
    --------
    >>> two = [[1, 2, 3, 3, 2], [1, 2, 3, 3, 1]]
    >>> round(krippendorff_alpha(two, level="nominal", draws=0).value, 4)
    0.7273
    """
    critical(confidence)
    table = _table(ratings, level)
    values, per_unit, counts = _coincidences(table)
    twice = counts.sum(1) > 1
    paired, nan = int(twice.sum()), float("nan")
    raters = int((~np.isnan(table[:, twice])).any(1).sum())
    found = Alpha(nan, nan, nan, paired, raters, int(counts[twice].sum()), nan, nan, level, reason=NO_PAIRS)
    if not paired:
        return found
    observed, expected = (float(one[0]) for one in _disagreements(per_unit.sum(0)[None], values, level))
    found = replace(found, observed=observed, expected=expected, reason=ALL_EQUAL)
    if expected == 0:
        return found
    low, high, lost = nan, nan, 0
    if draws and paired >= FEWEST_UNITS:
        drawn = _resampled(per_unit[twice], values, level, draws=draws, seed=seed)
        lost = int(np.isnan(drawn).sum())
        if lost < draws:
            low, high = np.nanquantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2]).tolist()
    return replace(found, value=1 - observed / expected, low=low, high=high, undefined_draws=lost, reason=None)


def alpha_parts(
    ratings: ArrayLike, groups: Sequence[Hashable], *, level: str = "ordinal", confidence: float = 0.95
) -> pd.DataFrame:
    """On which groups of units do raters agree, on which not?

    Parameters
    ----------
    ratings : array of shape (raters, units)
        As for :func:`krippendorff_alpha`.
    groups : sequence of length units
        What each unit belongs to.
    level, confidence
        As for :func:`krippendorff_alpha`.

    Returns
    -------
    pandas.DataFrame
        One row per group, in order of appearance: `group`, `value`, `low`, `high`, `units`, `n` (ratings). Values are nan
        where no unit of the group was rated twice, or all ratings of all groups are equal.

    Raises
    ------
    ModelError
        When the ratings are no table, or groups are not one per unit.

    Notes
    -----
    Disagreement within the group's units, over the disagreement expected from all ratings: the weighted mean over groups is
    alpha. Intervals: jackknife over raters with Student's t, because a group has few units.

    References
    ----------
    Krippendorff (2019), Content Analysis, 4th edition, chapter 12. Efron & Stein (1981), doi:10.1214/aos/1176345462.

    Examples
    --------
    >>> rated = [[1, 5, 2, 4], [1, 5, 4, 2], [1, 5, 3, 3]]
    >>> alpha_parts(rated, ["a", "a", "b", "b"], level="interval")["value"].round(3).tolist()
    [1.0, 0.607]
    """
    import pandas as pd
    from scipy.special import stdtrit

    table = _table(ratings, level)
    names = list(dict.fromkeys(groups))
    if len(groups) != table.shape[1]:
        raise ModelError(f"agreement: {table.shape[1]} units but {len(groups)} groups; name one per unit")
    place = np.array([names.index(group) for group in groups])
    whole = _parts(table, place, len(names), level)
    left_out = np.array([_parts(np.delete(table, rater, axis=0), place, len(names), level) for rater in range(len(table))])
    low, high = np.full(len(names), np.nan), np.full(len(names), np.nan)
    k = len(table)
    if k > 2:
        spread = np.sqrt((k - 1) / k * ((left_out - left_out.mean(0)) ** 2).sum(0))
        reach = stdtrit(k - 1, 0.5 + confidence / 2) * spread
        low, high = whole - reach, np.minimum(whole + reach, 1.0)
    rated = ~np.isnan(table)
    twice = rated.sum(0) > 1
    rows = pd.DataFrame({"group": names, "value": whole, "low": low, "high": high})
    rows["units"] = [int((twice & (place == number)).sum()) for number in range(len(names))]
    rows["n"] = [int(rated[:, twice & (place == number)].sum()) for number in range(len(names))]
    return rows


def _table(ratings: ArrayLike, level: str) -> Floats:
    if level not in LEVELS:
        raise ParamError(f"agreement: there is no level '{level}'; {did_you_mean(level, LEVELS)}")
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2:
        raise ModelError(f"agreement: ratings have {table.ndim} dimensions; a table of raters by units is needed")
    if np.isinf(table).any():
        raise ModelError("agreement: a rating is infinite; leave it empty")
    if level == "ratio" and (table < 0).any():
        raise ModelError("agreement: a rating is negative; the ratio level starts at 0")
    return table


def _coincidences(table: Floats) -> tuple[Floats, Floats, Floats]:
    """Distinct values of units rated twice, coincidences of each unit, and counts of values in each unit."""
    twice = (~np.isnan(table)).sum(0) > 1
    values = np.unique(table[:, twice][~np.isnan(table[:, twice])])
    counts = (table[:, :, None] == values).sum(0).astype(np.float64)
    counts[~twice] = 0
    m = counts.sum(1)
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(len(values))
    return values, pairs / np.maximum(m - 1, 1)[:, None, None], counts


def _disagreements(coincidences: Floats, values: Floats, level: str) -> tuple[Floats, Floats]:
    """Observed and expected disagreement of coincidence matrices of shape (draws, values, values)."""
    margins = coincidences.sum(2)
    n = margins.sum(1)
    delta = _delta(values, margins, level)
    observed = (coincidences * delta).sum((1, 2)) / n
    chance = np.einsum("bi,bj,bij->b", margins, margins, np.broadcast_to(delta, coincidences.shape))
    return observed, chance / (n * (n - 1))


def _delta(values: Floats, margins: Floats, level: str) -> Floats:
    """How much two values differ, squared; on the ordinal level by how many ratings lie between them."""
    if level == "nominal":
        return 1.0 - np.eye(len(values))
    if level == "ordinal":
        middle = np.cumsum(margins, axis=1) - margins / 2
        return np.asarray((middle[:, :, None] - middle[:, None, :]) ** 2)
    gap = values[:, None] - values
    if level == "interval":
        return np.asarray(gap**2)
    total = values[:, None] + values
    return np.asarray((gap / np.where(total > 0, total, 1.0)) ** 2)


def _resampled(per_unit: Floats, values: Floats, level: str, *, draws: int, seed: int) -> Floats:
    units = len(per_unit)
    times = np.random.default_rng(seed).multinomial(units, np.full(units, 1 / units), size=draws)
    observed, expected = _disagreements(np.einsum("bu,uij->bij", times, per_unit), values, level)
    return np.where(expected > 0, 1 - observed / np.where(expected > 0, expected, 1.0), np.nan)


def _parts(table: Floats, place: NDArray[np.int_], groups: int, level: str) -> Floats:
    values, per_unit, _ = _coincidences(table)
    total = per_unit.sum(0)[None]
    found = np.full(groups, np.nan)
    if not len(values):
        return found
    _, expected = _disagreements(total, values, level)
    delta = np.broadcast_to(_delta(values, total.sum(2), level), total.shape)[0]
    for group in range(groups):
        inside = per_unit[place == group].sum(0)
        if inside.sum() and expected[0] > 0:
            found[group] = 1 - (inside * delta).sum() / inside.sum() / expected[0]
    return found
