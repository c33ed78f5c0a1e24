"""Did those who joined change more than others like them? Difference in differences within strata."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError
from crmkit.core.language import mark
from crmkit.core.results import Quantity, Text
from crmkit.models.basics.estimates import critical

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

FEWEST_CONTROLS = 5
FEWEST_MEMBERS = 30
TOO_FEW = Text("needs {needed} members with comparable customers who did not join, there are {found}")


@dataclass(frozen=True)
class Change:
    """How much more members changed than others like them.

    Parameters
    ----------
    value, low, high : float
        Mean change of the members less that of the others in their strata, in the unit of the outcome.
    p : float
        Two-sided, for "no difference".
    members, controls : int
        Who is compared; a control counts once.
    unmatched : int
        Members without enough others in their stratum, left out.
    member_change, control_change : float
        The two means.
    method : str
    """

    value: float
    low: float
    high: float
    p: float
    members: int
    controls: int
    unmatched: int
    member_change: float
    control_change: float
    method: str


def matched_change(
    members: ArrayLike,
    member_strata: ArrayLike,
    controls: ArrayLike,
    control_strata: ArrayLike,
    *,
    control_ids: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Change:
    """By how much does the change of members exceed that of others who were like them before?

    Parameters
    ----------
    members : array of shape (m,)
        After less before, of each member.
    member_strata, control_strata : arrays of int, shapes (m,) and (c,)
        Who is compared with whom: equal numbers.
    controls : array of shape (c,)
        After less before, of customers who did not join; one may stand in several rows, for several days of joining.
    control_ids : array of shape (c,), optional
        Who stands in which row; each row for itself where left out.
    confidence : float

    Returns
    -------
    Change

    Raises
    ------
    ModelError
        With fewer than 30 members in strata with at least five controls.

    Notes
    -----
    The mean over strata, weighted by members, of the difference of mean changes: the effect on those who joined, if without
    joining they had changed as the others in their stratum did. Its variance holds the strata fixed; of the others it sums the
    squared influence of each customer, all rows together.

    References
    ----------
    Heckman, Ichimura & Todd (1997), doi:10.2307/2971733.

    Examples
    --------
    >>> found = matched_change([1.0, 3.0] * 20, [0, 1] * 20, [0.0, 2.0] * 30, [0, 1] * 30)
    >>> found.value, found.members, found.controls
    (1.0, 40, 60)
    """
    own, other = np.asarray(members, dtype=np.float64), np.asarray(controls, dtype=np.float64)
    strata, code = np.unique(np.concatenate([np.asarray(member_strata), np.asarray(control_strata)]), return_inverse=True)
    mine, theirs = code[: len(own)], code[len(own) :]
    size = len(strata)
    ids = np.arange(len(other)) if control_ids is None else np.unique(np.asarray(control_ids), return_inverse=True)[1]
    enough = np.bincount(theirs, minlength=size) >= FEWEST_CONTROLS
    kept, used = enough[mine], enough[theirs] & (np.bincount(mine, minlength=size) > 0)[theirs]
    n = int(kept.sum())
    if n < FEWEST_MEMBERS:
        numbers = {"needed": Quantity(FEWEST_MEMBERS, "count"), "found": Quantity(n, "count")}
        raise ModelError(Text(TOO_FEW.template, numbers))
    own, mine, other, theirs, ids = own[kept], mine[kept], other[used], theirs[used], ids[used]
    weight = np.bincount(mine, minlength=size) / n
    mean_own, mean_other = _means(own, mine, size), _means(other, theirs, size)
    sizes = np.bincount(theirs, minlength=size)
    # residuals around a mean that they made themselves are too small by this factor
    spread = np.sqrt(sizes / np.maximum(sizes - 1, 1))
    influence = np.bincount(ids, weights=(weight * spread / np.maximum(sizes, 1))[theirs] * (other - mean_other[theirs]))
    variance = _variance_of_members(own - mean_own[mine], mine, other - mean_other[theirs], theirs, size)
    variance += float((influence**2).sum())
    first, second = float(weight @ mean_own), float(weight @ mean_other)
    value, error = first - second, variance**0.5
    reach = critical(confidence) * error
    return Change(
        value,
        value - reach,
        value + reach,
        _p(value, error),
        n,
        len(np.unique(ids)),
        int((~kept).sum()),
        first,
        second,
        mark("difference in differences within strata, by customer"),
    )


def _variance_of_members(own: Floats, mine: Codes, other: Floats, theirs: Codes, size: int) -> float:
    """Of the members' mean, the strata held fixed; where few members share a stratum, their spread is that of all in it."""
    n, squares = np.bincount(mine, minlength=size), np.bincount(mine, weights=own**2, minlength=size)
    together = squares + np.bincount(theirs, weights=other**2, minlength=size)
    pooled = together / np.maximum(n + np.bincount(theirs, minlength=size) - 2, 1)
    each = np.where(n >= FEWEST_CONTROLS, squares / np.maximum(n - 1, 1), pooled)
    return float((n * each).sum() / len(own) ** 2)


def _means(values: Floats, code: Codes, size: int) -> Floats:
    counts = np.bincount(code, minlength=size)
    return np.asarray(np.bincount(code, weights=values, minlength=size) / np.maximum(counts, 1), dtype=np.float64)


def _p(value: float, error: float) -> float:
    from scipy.special import ndtr

    if error == 0:
        return 1.0 if value == 0 else 0.0
    return float(2 * ndtr(-abs(value / error)))
