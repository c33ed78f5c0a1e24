"""How sure is what is counted of records: shares, cells, checked samples, the age of half of them, records of one person?"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError
from crmkit.models.basics.concentration import Measure
from crmkit.models.basics.estimates import critical
from crmkit.models.basics.shares import wilson

# fewer than so many cases on one side, and a normal interval of a ratio says nothing
FEW = 5


def exact_share(count: float, n: float, *, confidence: float = 0.95) -> Measure:
    """Which share of all cells is right, given a sample that somebody looked up?

    Parameters
    ----------
    count, n : float
        Hits and cases, 0 or more; they need not be whole numbers (effective sizes).
    confidence : float
        Coverage, between 0 and 1, at least held at every share.

    Returns
    -------
    Measure
        Share with its exact binomial interval.

    Raises
    ------
    ModelError
        When there is no case, or more hits than cases.

    References
    ----------
    Clopper & Pearson (1934), doi:10.1093/biomet/26.4.404.

    Examples
    --------
    >>> found = exact_share(3, 3)
    >>> round(found.low, 6), found.high
    (0.292402, 1.0)
    """
    from scipy.special import betaincinv

    critical(confidence)
    if not n > 0 or not 0 <= count <= n:
        raise ModelError(f"exact share: {count:g} of {n:g} is no share")
    tail = (1 - confidence) / 2
    low = float(betaincinv(count, n - count + 1, tail)) if count > 0 else 0.0
    high = float(betaincinv(count + 1, n - count, 1 - tail)) if count < n else 1.0
    return Measure(count / n, low, high, round(n))


def checked_share(hits: ArrayLike, checked: ArrayLike, *, confidence: float = 0.95) -> Measure:
    """The share of right cells, where cells of one record may go wrong together.

    Parameters
    ----------
    hits, checked : arrays of shape (records,)
        Right cells and checked cells of each record.
    confidence : float

    Returns
    -------
    Measure
        ``n`` counts cells; the limits are exact at the number of cells that would be as sure if they were independent.

    References
    ----------
    Korn & Graubard (1998), Confidence intervals for proportions with small expected number of positive counts estimated from
    survey data, Survey Methodology 24, 193-201.

    Examples
    --------
    >>> found = checked_share([4, 4, 0, 4], [4, 4, 4, 4])
    >>> found.value, found.low < 0.4
    (0.75, True)
    """
    from scipy.special import stdtrit

    k, n = (np.asarray(one, dtype=np.float64) for one in (hits, checked))
    cells, right, records = float(n.sum()), float(k.sum()), len(n)
    found = exact_share(right, cells, confidence=confidence)
    share = found.value
    if records < 2 or records == cells or not 0 < share < 1:
        return found
    rest = k - share * n
    effect = records / (records - 1) * float(rest @ rest) / cells / (share * (1 - share))
    if effect <= 1:
        return found
    tail = 0.5 + confidence / 2
    effective = min(cells, cells / effect * float(stdtrit(cells - 1, tail) / stdtrit(records - 1, tail)) ** 2)
    limits = exact_share(share * effective, effective, confidence=confidence)
    return Measure(share, limits.low, limits.high, round(cells))


def cells_share(filled: float, squares: float, *, records: float, cells: int, confidence: float = 0.95) -> Measure:
    """Which share of the required cells is filled, where the cells of a record are filled or empty together?

    Parameters
    ----------
    filled, squares : float
        Sum over records of the number of filled cells, and of its square.
    records : float
        How many.
    cells : int
        Required cells of each record, 1 or more.
    confidence : float

    Returns
    -------
    Measure
        ``n`` counts records. Where hardly any cell is empty, or hardly any is filled, the limits are Wilson's of all cells.

    Examples
    --------
    >>> found = cells_share(300, 1000, records=100, cells=4)
    >>> found.value, round(found.high - found.low, 4)
    (0.75, 0.0997)
    """
    from scipy.special import stdtrit

    whole = records * cells
    if not whole > 0 or not 0 <= filled <= whole:
        raise ModelError(f"cells: {filled:g} of {whole:g} is no share")
    value = filled / whole
    if min(filled, whole - filled) < FEW or records < 2:
        found = wilson([filled], [whole], confidence=confidence)
        return Measure(value, float(found.low[0]), float(found.high[0]), round(records))
    spread = max(squares / records - (filled / records) ** 2, 0.0) / (records - 1)
    reach = float(stdtrit(records - 1, 0.5 + confidence / 2)) * math.sqrt(spread) / cells
    return Measure(value, max(value - reach, 0.0), min(value + reach, 1.0), round(records))


def extra_share(sizes: Mapping[int, float], *, confidence: float = 0.95) -> Measure:
    """Which share of the records is one too many?

    Parameters
    ----------
    sizes : mapping of int to float
        How many persons have so many records.
    confidence : float

    Returns
    -------
    Measure
        Records beyond the first of each person over all records; ``n`` counts records. The unit that is drawn is the person,
        so the limits are those of a ratio of two sums over persons; where fewer than five have several records, Wilson's.

    References
    ----------
    Cochran (1977), Sampling Techniques, 3rd ed., section 6.3.

    Examples
    --------
    >>> found = extra_share({1: 880, 2: 60})
    >>> found.value, round(found.low, 4), round(found.high, 4)
    (0.06, 0.0462, 0.0738)
    """
    size = np.array(list(sizes), dtype=np.float64)
    persons = np.array(list(sizes.values()), dtype=np.float64)
    records, n = float(size @ persons), float(persons.sum())
    if not records > 0:
        raise ModelError("extra records: there are no records")
    extra = records - n
    value = extra / records
    if float(persons[size > 1].sum()) < FEW:
        found = wilson([extra], [records], confidence=confidence)
        return Measure(value, float(found.low[0]), float(found.high[0]), round(records))
    rest = (size - 1) - value * size
    error = math.sqrt(n / (n - 1) * float(persons @ rest**2)) / records
    reach = critical(confidence) * error
    return Measure(value, max(value - reach, 0.0), min(value + reach, 1.0), round(records))


def median_of_counts(values: ArrayLike, counts: ArrayLike, *, confidence: float = 0.95) -> Measure:
    """Which value do half of the cases not exceed, given how often each value occurs?

    Parameters
    ----------
    values, counts : arrays of equal shape
        Different values, and how many cases have each.
    confidence : float

    Returns
    -------
    Measure
        Limits are those order statistics between which the median lies by the sign test, at least as often as asked for;
        infinite where there are too few cases.

    Examples
    --------
    >>> found = median_of_counts([1.0, 2.0, 3.0, 10.0], [2, 2, 2, 2])
    >>> found.value, found.low, found.high
    (2.5, 1.0, 10.0)
    """
    from scipy.stats import binom

    order = np.argsort(np.asarray(values, dtype=np.float64))
    value, many = np.asarray(values, dtype=np.float64)[order], np.asarray(counts, dtype=np.float64)[order]
    reached = np.cumsum(many)
    n = round(float(reached[-1])) if len(reached) else 0
    if n == 0:
        raise ModelError("median: there are no cases")

    def at(rank: int) -> float:
        return float(value[int(np.searchsorted(reached, rank))])

    middle = (at((n + 1) // 2) + at(n // 2 + 1)) / 2
    # the largest rank from below that fewer than half of the error's cases lie under
    rank = int(binom.ppf((1 - confidence) / 2, n, 0.5))
    return Measure(middle, at(rank) if rank >= 1 else -math.inf, at(n + 1 - rank) if rank >= 1 else math.inf, n)


def sizes_of(person: NDArray[np.int_], *, records: float) -> dict[int, float]:
    """How many persons have one, two, ... records, of those that share a key and of all others.

    Parameters
    ----------
    person : array of int
        Number of the person of each record of whom there is another one.
    records : float
        All records.

    Examples
    --------
    >>> sizes_of(np.array([0, 0, 1, 1, 1]), records=10)
    {1: 5.0, 2: 1.0, 3: 1.0}
    """
    found: dict[int, float] = {1: float(records - len(person))}
    if len(person):
        many, times = np.unique(np.bincount(person), return_counts=True)
        for size, count in zip(many.tolist(), times.tolist(), strict=True):
            found[size] = found.get(size, 0.0) + float(count)
    return found
