"""What may be seen of a person: pseudonyms that only the client's key can explain, and groups too small to show."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crmkit.core.errors import ParamError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

KEY_VARIABLE = "CRMKIT_KEY"
PSEUDONYM_LETTERS = 10
KEY_BYTES = 32
# of one that is hidden alone the total tells all
FEWEST_HIDDEN = 2


def client_key(client: str, *, home: Path) -> bytes:
    """The secret that a client's pseudonyms are made with.

    ``$CRMKIT_KEY`` where it is set, else ``params/<client>.key``, which is made on first use with mode 0600.

    Raises
    ------
    ParamError
        When the key file is empty.
    """
    named = os.environ.get(KEY_VARIABLE)
    if named:
        import hashlib

        return hashlib.sha256(f"{client}\0{named}".encode()).digest()
    path = home / "params" / f"{client}.key"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        import secrets

        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
    key = path.read_text().strip()
    if not key:
        raise ParamError(f"params/{client}.key: is empty; restore it, or delete it and accept new pseudonyms")
    return key.encode()


def pseudonym(customer_id: str, *, key: bytes) -> str:
    """A name for a customer that is equal in every run and cannot be turned back by trying ids.

    The first ten base32 letters of HMAC-SHA256 of the id under the client's key.

    Examples
    --------
    >>> pseudonym("007", key=b"secret") == pseudonym("007", key=b"secret")
    True
    >>> pseudonym("007", key=b"secret") == pseudonym("7", key=b"secret")
    False
    """
    # not before they are needed: the terminal's help imports this module, and they load a library of ciphers
    import base64
    import hashlib
    import hmac

    digest = hmac.new(key, customer_id.encode("utf-8"), hashlib.sha256).digest()
    return base64.b32encode(digest).decode("ascii")[:PSEUDONYM_LETTERS]


def pseudonyms(customer_ids: Iterable[str], *, key: bytes) -> list[str]:
    """Pseudonyms of several customers, in the order given."""
    return [pseudonym(customer_id, key=key) for customer_id in customer_ids]


def suppress_small(
    table: pd.DataFrame, *, values: list[str], n: str = "n", min_cell: int, within: str | Sequence[str] | None = None
) -> pd.DataFrame:
    """Which groups are too small to show, and which must go with them?

    A group of fewer than ``min_cell`` customers is hidden. Whoever knows a total can subtract what is shown from it, so the
    next smallest goes too, until at least two groups of each partition are hidden that are ``min_cell`` customers together.

    Parameters
    ----------
    table : DataFrame
        One row per group of a partition.
    values : list of str
        Columns that are blanked, besides ``n``.
    n : str
        Column with the number of customers.
    min_cell : int
        Smallest group shown; 1 hides nothing.
    within : str, sequence of str or None
        Column that names the partition, where the table holds several; several columns, where the sum of the rows that are
        equal in one of them is told elsewhere.

    Returns
    -------
    DataFrame
        A copy with a column ``suppressed`` (bool); in hidden rows ``values`` and ``n`` are nan. Groups of nobody are shown.

    Examples
    --------
    >>> import pandas as pd
    >>> groups = pd.DataFrame({"n": [400, 300, 2, 1], "mean": [4.0, 4.1, 1.5, 1.0]})
    >>> suppress_small(groups, values=["mean"], min_cell=10)["suppressed"].tolist()
    [False, True, True, True]
    """
    import numpy as np

    shown = table.copy()
    names = [within] if isinstance(within, str) else list(within or ())
    parts = [np.asarray(rows) for name in names for rows in table.groupby(name, sort=False, dropna=False).indices.values()]
    counts = shown[n].to_numpy(dtype="float64")
    small = (counts > 0) & (counts < min_cell)
    return _blanked(shown, [*values, n], _with_others(small, counts, parts if names else [np.arange(len(counts))], min_cell))


def can_be_shown(counts: pd.Series[int], *, min_cell: int) -> pd.Series[bool]:
    """Which groups of a partition can be shown? None of nobody, and what :func:`suppress_small` leaves.

    Examples
    --------
    >>> import pandas as pd
    >>> can_be_shown(pd.Series({"a": 400, "b": 300, "c": 2, "d": 0}), min_cell=10).tolist()
    [True, False, False, False]
    """
    hidden = suppress_small(counts.rename("n").to_frame(), values=[], min_cell=min_cell)["suppressed"]
    return ~hidden & (counts > 0)


def suppress_beside(
    table: pd.DataFrame,
    beside: Sequence[tuple[pd.DataFrame, Sequence[bool]]],
    *,
    values: list[str],
    n: str = "n",
    min_cell: int,
) -> pd.DataFrame:
    """Which groups must be hidden where other tables show the same customers in other groups?

    Besides what :func:`suppress_small` hides, so many groups go that no union of fewer than ``min_cell`` customers is left
    when groups of the table and of one of the others are added up and subtracted.

    Parameters
    ----------
    table : DataFrame
        One row per group.
    beside : sequence of (DataFrame, sequence of bool)
        Of each other table: customers by group of ``table`` (rows, in its order) and group of the other table (columns, at
        most some twelve), and which groups of the other table are hidden. Groups of which it has nobody are a part by
        themselves: what is hidden of all others is enough without them.
    values, n, min_cell
        As for :func:`suppress_small`.

    Returns
    -------
    DataFrame
        As of :func:`suppress_small`.

    Notes
    -----
    Sums of groups that leave a union of customers take some groups of one table once and subtract groups of the other that
    lie inside: a combination with larger factors is a sum of such. Of the hidden groups only the sum is known, from the total,
    so they count as one. All subsets of the other table's groups are tried; of the groups that can go, the one goes that
    leaves the fewest small unions, the smallest first; what was not needed in the end is shown again.
    """
    import numpy as np

    counts = table[n].to_numpy(dtype="float64")
    others = [_seen_groups(groups, hidden) for groups, hidden in beside]
    parts = [np.arange(len(counts)), *(np.flatnonzero(groups.sum(axis=1) > 0) for groups in others)]

    def found(away: NDArray[np.bool_]) -> int:
        return sum(_small_unions(groups, away, min_cell=min_cell) for groups in others)

    away = _with_others((counts > 0) & (counts < min_cell), counts, parts, min_cell)
    left = found(away)
    while left and (~away & (counts > 0)).any():
        tried = []
        for one in np.flatnonzero(~away & (counts > 0)):
            more = away.copy()
            more[one] = True
            more = _with_others(more, counts, parts, min_cell)
            tried.append((found(more), int(more.sum()), counts[one], int(one), more))
        left, *_, away = min(tried, key=lambda one: one[:4])
    # what went first may not have been needed in the end
    for one in sorted(np.flatnonzero(away & (counts >= min_cell)), key=lambda at: -counts[at]):
        less = away.copy()
        less[one] = False
        if (_with_others(less, counts, parts, min_cell) == less).all() and not found(less):
            away = less
    return _blanked(table.copy(), [*values, n], away)


def _seen_groups(groups: pd.DataFrame, hidden: Sequence[bool]) -> NDArray[np.float64]:
    """Customers by groups that are shown, and by all that is hidden together."""
    import numpy as np

    counts, unseen = groups.to_numpy(dtype="float64"), np.asarray(hidden, dtype=bool)
    return np.column_stack([counts[:, ~unseen], counts[:, unseen].sum(axis=1)]) if unseen.any() else counts


def _small_unions(groups: NDArray[np.float64], away: NDArray[np.bool_], *, min_cell: int) -> int:
    """How many unions of too few customers can be worked out from groups by rows, of which some are hidden, and by columns?"""
    import numpy as np

    size, sizes, touched = groups.sum(axis=1), groups.sum(axis=0), (groups > 0).astype(np.float32)
    columns = groups.shape[1]
    taken = ((np.arange(2**columns)[:, None] >> np.arange(columns)) & 1).astype(np.float32)
    inside = np.asarray(((1 - taken) @ touched.T == 0) & (size > 0))
    # columns less the rows that lie inside them, once with and once without the sum of all that is hidden
    rest = taken @ sizes - (inside & ~away) @ size
    bare = np.where((inside | ~away | (size == 0)).all(axis=1), rest - size[away].sum(), 0)
    # the rows that cover the columns, less these; where one of them is hidden, all that is hidden
    cover = np.asarray(taken @ touched.T > 0)
    cover |= (cover & away).any(axis=1, keepdims=True) & away
    over = cover @ size - taken @ sizes
    return int(sum(((one > 0) & (one < min_cell)).sum() for one in (rest, bare, over)))


def _blanked(table: pd.DataFrame, columns: Sequence[str], hidden: NDArray[np.bool_]) -> pd.DataFrame:
    table["suppressed"] = hidden
    for column in columns:
        table[column] = table[column].astype("float64").mask(table["suppressed"])
    return table


def _with_others(
    small: NDArray[np.bool_], counts: NDArray[np.float64], parts: Sequence[NDArray[np.int64]], min_cell: int
) -> NDArray[np.bool_]:
    """What is too small and what goes with it in each part; what is hidden for the sake of one part is hidden in the others."""
    hidden = small.copy()
    before = -1
    while before != hidden.sum():
        before = int(hidden.sum())
        for rows in parts:
            while hidden[rows].any() and (hidden[rows].sum() < FEWEST_HIDDEN or counts[rows][hidden[rows]].sum() < min_cell):
                others = rows[~hidden[rows] & (counts[rows] > 0)]
                if not len(others):
                    break
                hidden[others[counts[others].argmin()]] = True
    return hidden
