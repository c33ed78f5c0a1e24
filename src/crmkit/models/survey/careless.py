"""Which questionnaires were filled in without reading? Measures for each respondent, and a flag from independent signs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError
from crmkit.core.language import mark

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FEWEST_ITEMS = 6
SECONDS_PER_ITEM = 2.0
HALF_THE_MEDIAN = 0.5


def longstring(items: ArrayLike) -> Floats:
    """How many times in a row did each respondent give the same answer?

    Parameters
    ----------
    items : array of shape (n, k)
        Answers in the order asked, as given: reversed items not turned back; nan = missing.

    Returns
    -------
    array of shape (n,)
        Longest run of equal consecutive answers. A missing answer ends a run; 0 without any answer.

    References
    ----------
    Johnson (2005), doi:10.1016/j.jrp.2004.09.009.

    Examples
    --------
    >>> longstring([[3, 3, 3, 2, 2], [1, 2, 3, 4, 5]]).tolist()
    [3.0, 1.0]
    """
    x = _table(items)
    run = (~np.isnan(x[:, 0])).astype(np.float64)
    longest = run.copy()
    for column in range(1, x.shape[1]):
        same = x[:, column] == x[:, column - 1]
        run = np.where(same, run + 1, ~np.isnan(x[:, column]))
        longest = np.maximum(longest, run)
    return longest


def irv(items: ArrayLike) -> Floats:
    """How much do the answers of one respondent vary (intra-individual response variability)?

    Parameters
    ----------
    items : array of shape (n, k)
        Answers on one common scale, as given; nan = missing.

    Returns
    -------
    array of shape (n,)
        Standard deviation over the respondent's answers, in points; 0 for a straight line, nan with fewer than two answers.

    References
    ----------
    Dunn, Heggestad, Shanock & Theilgard (2018), doi:10.1007/s10869-016-9479-0.

    Examples
    --------
    >>> irv([[1, 5, 1, 5], [3, 3, 3, 3]]).round(4).tolist()
    [2.3094, 0.0]
    """
    x = _table(items)
    known = ~np.isnan(x)
    n = known.sum(1)
    some = np.where(n > 1, n, np.nan)
    mean = np.where(known, x, 0.0).sum(1) / some
    gap = np.where(known, x - mean[:, None], 0.0)
    return np.asarray(np.sqrt((gap**2).sum(1) / (some - 1)))


def mahalanobis(items: ArrayLike) -> Floats:
    """How unusual is the combination of answers, given how all others answer?

    Parameters
    ----------
    items : array of shape (n, k)
        Answers; nan = missing and taken as average. Items without variance are left out.

    Returns
    -------
    array of shape (n,)
        Squared distance from the mean, in the metric of the (pairwise) covariances; about chi-squared with k degrees of
        freedom where answers are normal. nan without any answer.

    Raises
    ------
    ModelError
        When no more respondents than items are there.

    References
    ----------
    Meade & Craig (2012), doi:10.1037/a0028085.

    Examples
    --------
    >>> mahalanobis([[1, 1], [2, 2], [3, 3], [1, 3]]).round(4).tolist()
    [1.75, 0.25, 1.75, 2.25]
    """
    x = _table(items)
    frame = pd.DataFrame(x)
    frame = frame.loc[:, frame.nunique() > 1]
    if len(frame) <= frame.shape[1]:
        raise ModelError(f"Mahalanobis distance: {len(frame)} respondents are too few for {frame.shape[1]} items")
    centred = np.nan_to_num((frame - frame.mean()).to_numpy())
    inverse = np.linalg.pinv(frame.cov().to_numpy(), rcond=1e-12, hermitian=True)
    found = np.einsum("ni,ij,nj->n", centred, inverse, centred)
    return np.where(np.isnan(x).all(1), np.nan, found)


def even_odd(items: ArrayLike, *, blocks: Sequence[Sequence[int]]) -> Floats:
    """Do the two halves of each block of items say the same, within one respondent?

    Parameters
    ----------
    items : array of shape (n, k)
        Answers, reversed items turned back; nan = missing.
    blocks : sequence of sequences of int
        Numbers of the columns of each block that measures one thing, two or more items each, three or more blocks.

    Returns
    -------
    array of shape (n,)
        Correlation over blocks between the mean of the 1st, 3rd, ... and of the 2nd, 4th, ... item, stepped up by Spearman and
        Brown, with its sign turned: -1 = consistent, 1 = contradictory. nan where a half does not vary.

    Raises
    ------
    ModelError
        With fewer than three blocks, or a block of one item.

    References
    ----------
    Johnson (2005), doi:10.1016/j.jrp.2004.09.009.

    Examples
    --------
    >>> even_odd([[1, 1, 3, 3, 5, 4]], blocks=[[0, 1], [2, 3], [4, 5]]).round(4).tolist()
    [-0.9909]
    """
    x = _table(items)
    if len(blocks) < 3 or min(len(block) for block in blocks) < 2:
        raise ModelError("even-odd consistency: at least three blocks of two or more items are needed")
    odd = np.column_stack([_mean(x[:, list(block)[::2]]) for block in blocks])
    even = np.column_stack([_mean(x[:, list(block)[1::2]]) for block in blocks])
    both = ~np.isnan(odd) & ~np.isnan(even)
    n = np.where(both.sum(1) > 1, both.sum(1), np.nan)
    a, b = (np.where(both, half - (np.where(both, half, 0.0).sum(1) / n)[:, None], 0.0) for half in (odd, even))
    spread = np.sqrt((a**2).sum(1) * (b**2).sum(1))
    r = np.where(spread > 1e-12, (a * b).sum(1) / np.where(spread > 1e-12, spread, 1.0), np.nan)
    with np.errstate(divide="ignore"):
        return np.asarray(-np.maximum(2 * r / (1 + r), -1.0))


def speeders(seconds: ArrayLike, *, items: int) -> Bools:
    """Who was faster than anybody can read?

    Parameters
    ----------
    seconds : array of shape (n,)
        Time for the questionnaire; nan = not known, never flagged.
    items : int
        Number of items.

    Returns
    -------
    array of bool, shape (n,)
        Less than half of the median time, or less than 2 seconds per item.

    References
    ----------
    Huang, Curran, Keeney, Poposki & DeShon (2012), doi:10.1007/s10869-011-9231-8 (2 seconds per item).

    Examples
    --------
    >>> speeders([60, 65, 70, 12], items=10).tolist()
    [False, False, False, True]
    """
    took = np.asarray(seconds, dtype=np.float64)
    if np.isnan(took).all():
        return np.zeros(len(took), dtype=bool)
    limit = max(HALF_THE_MEDIAN * float(np.nanmedian(took)), SECONDS_PER_ITEM * items)
    # where most take less than 2 seconds per item, the clock is wrong or the items are short: only the median counts
    if np.nanmedian(took) < SECONDS_PER_ITEM * items:
        limit = HALF_THE_MEDIAN * float(np.nanmedian(took))
    return np.asarray(took < limit)


def duplicates(items: ArrayLike, *, senders: ArrayLike | None = None) -> Bools:
    """Which questionnaires were probably sent in twice?

    Parameters
    ----------
    items : array of shape (n, k)
        Answers; nan = missing.
    senders : array of shape (n,), optional
        Who sent it (customer, device), where known; missing = not known.

    Returns
    -------
    array of bool, shape (n,)
        True for the second and later ones. With senders: another questionnaire of the same sender. Without: the same answer
        to every one of eight or more items that are not all equal, which chance rarely repeats.

    Examples
    --------
    >>> duplicates([[1, 2], [2, 2], [1, 2]], senders=["a", "b", "a"]).tolist()
    [False, False, True]
    """
    x = _table(items)
    if senders is not None:
        named = pd.Series(np.asarray(senders, dtype=object))
        return np.asarray(named.duplicated() & named.notna())
    rich = (irv(x) > 0) & ((~np.isnan(x)).sum(1) >= 8)
    return np.asarray(pd.DataFrame(x).duplicated() & rich)


def careless(
    items: ArrayLike,
    *,
    blocks: Sequence[Sequence[int]] | None = None,
    reversed_items: Sequence[int] = (),
    seconds: ArrayLike | None = None,
    senders: ArrayLike | None = None,
    scale: tuple[float, float] | None = None,
    signs_needed: int = 2,
) -> pd.DataFrame:
    """Who did not read the questions, judged by several independent signs?

    Parameters
    ----------
    items : array of shape (n, k), k of 6 or more
        Answers in the order asked, as given; nan = missing.
    blocks : sequence of sequences of int, optional
        Columns of each block that measures one thing, for the even-odd measure.
    reversed_items : sequence of int
        Columns that are worded the other way round; turned back for even-odd (and needed to tell a satisfied customer from a
        straight line).
    seconds : array of shape (n,), optional
        Time for the questionnaire.
    senders : array of shape (n,), optional
        As for :func:`duplicates`.
    scale : tuple of two float, optional
        Ends of the scale, for turning back; smallest and largest answer when left out.
    signs_needed : int
        Signs that make a respondent careless.

    Returns
    -------
    pandas.DataFrame
        One row per respondent: `longstring`, `irv`, `mahalanobis`, `even_odd`, `seconds` (nan where not measured); the signs
        `monotonous`, `contradictory`, `unusual`, `fast`, `duplicate`; `signs` (how many); `careless`; `reason` (the signs in
        words, empty where none).

    Raises
    ------
    ModelError
        With fewer than six items, or no more respondents than items.

    Notes
    -----
    monotonous: a run of at least three quarters of the items, or variability 0. It counts as one sign, and as two where
    reversed items were answered with the same line, since nobody can mean both. contradictory: even-odd above 0, that is
    halves that do not go together. unusual: Mahalanobis distance beyond the 99 % point of chi-squared. fast: see
    :func:`speeders`. duplicate: conclusive by itself where senders are known, else one sign, since many who are satisfied
    answer alike. A satisfied customer who gives the best mark everywhere, in normal
    time, has one sign and stays.

    References
    ----------
    Curran (2016), Methods for the detection of carelessly invalid responses in survey data,
    doi:10.1016/j.jesp.2015.07.006.
    """
    from scipy.special import chdtri

    x = _table(items)
    if x.shape[1] < FEWEST_ITEMS:
        raise ModelError(f"careless answers: {x.shape[1]} items tell too little; at least {FEWEST_ITEMS} are needed")
    back = list(reversed_items)
    turned = x.copy()
    low, high = scale if scale is not None else (np.nanmin(x), np.nanmax(x))
    turned[:, back] = low + high - turned[:, back]
    answered = (~np.isnan(x)).sum(1)
    none = np.full(len(x), np.nan)
    table = pd.DataFrame(
        {
            "longstring": longstring(x),
            "irv": irv(x),
            "mahalanobis": mahalanobis(turned),
            "even_odd": none if blocks is None else even_odd(turned, blocks=blocks),
            "seconds": none if seconds is None else np.asarray(seconds, dtype=np.float64),
        }
    )
    enough = answered >= FEWEST_ITEMS
    table["monotonous"] = enough & ((table["longstring"] >= 0.75 * answered) | (table["irv"] == 0))
    table["contradictory"] = enough & (table["even_odd"] > 0)
    table["unusual"] = table["mahalanobis"] > chdtri(x.shape[1], 0.01)
    table["fast"] = speeders(table["seconds"], items=x.shape[1])
    table["duplicate"] = duplicates(turned, senders=senders)
    impossible = table["monotonous"] & (_spread_of(x, back) == 0)
    signs = ["monotonous", "contradictory", "unusual", "fast", "duplicate"]
    table["signs"] = table[signs].sum(axis=1) + impossible
    table["careless"] = (table["signs"] >= signs_needed) | (table["duplicate"] & (senders is not None))
    table["reason"] = pd.Series(_reasons(table), index=table.index, dtype=object)
    return table


def _spread_of(x: Floats, reversed_items: list[int]) -> Floats:
    """0 where plain and reversed items got one and the same answer, which is not the middle one; nan otherwise."""
    if not reversed_items or len(reversed_items) == x.shape[1]:
        return np.full(len(x), np.nan)
    middle = (np.nanmin(x) + np.nanmax(x)) / 2
    plain = _mean(np.delete(x, reversed_items, axis=1))
    other = _mean(x[:, reversed_items])
    return np.where((plain == other) & (plain != middle), 0.0, np.nan)


def _reasons(table: pd.DataFrame) -> list[tuple[str, ...]]:
    words = {
        "monotonous": mark("same answer throughout"),
        "contradictory": mark("answers contradict each other"),
        "unusual": mark("unusual combination of answers"),
        "fast": mark("too fast to read"),
        "duplicate": mark("sent in twice"),
    }
    flags = table[list(words)].to_numpy()
    return [tuple(word for word, flag in zip(words.values(), row, strict=True) if flag) for row in flags]


def _mean(x: Floats) -> Floats:
    known = ~np.isnan(x)
    n = known.sum(1)
    return np.asarray(np.where(known, x, 0.0).sum(1) / np.where(n > 0, n, np.nan))


def _table(items: ArrayLike) -> Floats:
    x = np.asarray(items, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] < 2:
        raise ModelError("response quality: a table of respondents by items is needed, with at least two items")
    return x
