"""How much weight lies below a value among the first few points? Pairs counted without a loop over rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def lower_in_prefix(rank: Ints, weight: Floats, size: Ints, limit: Ints) -> tuple[Floats, Floats]:
    """For each question: the weight of the first `size` points whose rank is below `limit`, and equal to it.

    Parameters
    ----------
    rank : array of int >= 0, shape (n,)
        Of the points, in their order.
    weight : array, shape (n,)
        Of the points.
    size, limit : arrays of int, shape (m,)
        The questions; 0 <= size <= n.

    Returns
    -------
    lower, equal : arrays of float64, shape (m,)

    Notes
    -----
    A prefix is made of at most log2(n) blocks whose length is a power of two, one per binary digit of its size. Blocks of one
    length are sorted once; with the number of the block as leading digit they form one sorted array, in which all questions are
    looked up together.

    Examples
    --------
    >>> lower_in_prefix(np.array([2, 0, 1]), np.ones(3), np.array([3, 1]), np.array([1, 2]))
    (array([1., 0.]), array([1., 1.]))
    """
    n = len(rank)
    lower, equal = np.zeros(len(size)), np.zeros(len(size))
    base = int(max(rank.max(initial=0), limit.max(initial=0))) + 2
    position = np.arange(n)
    for level in range(int(n).bit_length()):
        asked = np.flatnonzero((size >> level) & 1)
        if not len(asked):
            continue
        key = (position >> level) * base + rank
        order = np.argsort(key, kind="stable")
        key = key[order]
        upto = np.concatenate([[0.0], np.cumsum(weight[order])])
        block = ((size[asked] >> (level + 1)) << 1) * base  # the block that this digit stands for
        first = upto[np.searchsorted(key, block, side="left")]
        below = upto[np.searchsorted(key, block + limit[asked], side="left")]
        through = upto[np.searchsorted(key, block + limit[asked], side="right")]
        lower[asked] += below - first
        equal[asked] += through - below
    return lower, equal
