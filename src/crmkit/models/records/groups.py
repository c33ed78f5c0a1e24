"""Which records are of one customer, told by what no two customers share, and how many are there too many?

Strong keys (e-mail, telephone, tax id) join records, also through others. Name and place join only what no strong key sets
apart: two records with different addresses may be two persons of one name.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]
STRONG, WEAK = ("email", "phone", "tax_id"), "name_place"
KEYS = (*STRONG, WEAK)
# what more records share is a switchboard, a placeholder or somebody's own address, and names nobody
MOST_SHARING = 10


def linked(n: int, pairs: ArrayLike) -> Ints:
    """Which of n records belong together, where some pairs of them do?

    Parameters
    ----------
    n : int
    pairs : array of shape (pairs, 2), 0 to n - 1

    Returns
    -------
    array of int
        The number of each record's group: groups are numbered from 0 in the order of their first records.

    Examples
    --------
    >>> linked(5, [(4, 1), (1, 2)]).tolist()
    [0, 1, 1, 2, 1]
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    two = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    graph = coo_matrix((np.ones(len(two)), (two[:, 0], two[:, 1])), shape=(n, n))
    _, found = connected_components(graph, directed=False)
    _, first, inverse = np.unique(found, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[inverse], dtype=np.int64)


def same_customers(records: pd.DataFrame, *, most: int = MOST_SHARING) -> pd.DataFrame:
    """Which records are of one customer?

    Parameters
    ----------
    records : DataFrame
        ``customer_id`` and of ``email, phone, tax_id, name_place`` those that there are, folded, empty where a record gives
        none; one row per record.
    most : int
        A value that more records share names nobody.

    Returns
    -------
    DataFrame
        ``customer_id, group, keys`` of the records that are not alone, by group and id: ``group`` counts from 1, ``keys`` says
        by which keys the group holds together, for example ``("email", "phone")``.

    Notes
    -----
    Name and place join the records of one name and place only where none of them have different values of a strong key, be it
    their own or that of a record which a strong key joins to them.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"customer_id": list("abcd"), "email": ["x@x", "x@x", "y@y", None]})
    >>> rows["name_place"] = [None, "n", "n", "n"]
    >>> same_customers(rows).to_numpy().tolist()
    [['a', 1, ('email',)], ['b', 1, ('email',)]]
    """
    import pandas as pd

    rows = _naming(records, most)
    links = [(name, *pair) for name in STRONG if name in rows for pair in _chains(rows[name])]
    groups = linked(len(rows), [pair for _, *pair in links])
    if WEAK in rows:
        links += [(WEAK, *pair) for pair in _joined_by_name(rows, groups)]
    groups = linked(len(rows), [pair for _, *pair in links])
    by: dict[int, set[str]] = {}
    for name, first, _ in links:
        by.setdefault(int(groups[first]), set()).add(name)
    found = pd.DataFrame({"customer_id": rows["customer_id"], "group": groups})
    found = found[found["group"].isin(list(by))].sort_values(["group", "customer_id"], ignore_index=True)
    found["keys"] = [tuple(name for name in KEYS if name in by[group]) for group in found["group"]]
    found["group"] = found["group"].rank(method="dense").astype("int64")
    return found


def placeholders(records: pd.DataFrame, *, most: int = MOST_SHARING) -> pd.DataFrame:
    """How many values do so many records share that they name nobody, and of how many records?

    Returns
    -------
    DataFrame
        ``key, values, records``, a row per key that has such values.

    Examples
    --------
    >>> import pandas as pd
    >>> placeholders(pd.DataFrame({"phone": ["0000000"] * 11 + [None] * 20}))[["values", "records"]].to_numpy().tolist()
    [[1, 11]]
    """
    import pandas as pd

    found = []
    for name in KEYS:
        sizes = records[name].value_counts() if name in records else pd.Series(dtype="int64")
        large = sizes[sizes > most]
        found += [(name, len(large), int(large.sum()))] if len(large) else []
    return pd.DataFrame(found, columns=["key", "values", "records"])


def by_key(records: pd.DataFrame, *, most: int = MOST_SHARING) -> pd.DataFrame:
    """How many records, and how many beyond the first of each value, does each key by itself find?

    Returns
    -------
    DataFrame
        ``key, groups, records, extra``: values that several records share, these records, and ``records - groups``. Of name
        and place, those that no strong key sets apart.
    """
    import pandas as pd

    found = []
    for name in KEYS:
        if name not in records:
            continue
        alone = same_customers(records[["customer_id", name]], most=most) if name != WEAK else _by_name(records, most)
        groups = alone["group"].nunique()
        found.append((name, groups, len(alone), len(alone) - groups))
    return pd.DataFrame(found, columns=["key", "groups", "records", "extra"])


def _naming(records: pd.DataFrame, most: int) -> pd.DataFrame:
    """Records without the values that name nobody."""
    rows = records.reset_index(drop=True)
    for name in KEYS:
        if name in rows:
            rows[name] = rows[name].where(rows.groupby(name)[name].transform("size") <= most)
    return rows


def _chains(values: pd.Series[str]) -> list[tuple[int, int]]:
    """Pairs that join all records of a value, of each value."""
    members = (list(map(int, rows)) for rows in values.groupby(values).indices.values() if len(rows) > 1)
    return [(rows[0], other) for rows in members for other in rows[1:]]


def _joined_by_name(rows: pd.DataFrame, groups: Ints) -> list[tuple[int, int]]:
    """Pairs of one name and place that nothing sets apart."""
    values = [_values_by_group(rows[name], groups) for name in STRONG if name in rows]
    found: list[tuple[int, int]] = []
    for members in rows.groupby(WEAK).indices.values():
        of = sorted({int(groups[row]) for row in members})
        if len(members) > 1 and not any(_differ([each.get(group, frozenset()) for group in of]) for each in values):
            found += [(int(members[0]), int(other)) for other in members[1:]]
    return found


def _values_by_group(values: pd.Series[str], groups: Ints) -> dict[int, frozenset[Hashable]]:
    given = values.dropna()
    return {int(str(group)): frozenset(each) for group, each in given.groupby(groups[given.index])}


def _differ(sets: Sequence[frozenset[Hashable]]) -> bool:
    """Whether two groups both have values of a key; they share none, or they would be one group."""
    return sum(map(bool, sets)) > 1


def _by_name(records: pd.DataFrame, most: int) -> pd.DataFrame:
    import pandas as pd

    rows = _naming(records, most)
    strong = [pair for name in STRONG if name in rows for pair in _chains(rows[name])]
    pairs = _joined_by_name(rows, linked(len(rows), strong))
    groups = linked(len(rows), pairs)
    among = np.array(sorted({row for pair in pairs for row in pair}), dtype=np.int64)
    return pd.DataFrame({"customer_id": rows["customer_id"].to_numpy()[among], "group": groups[among]})
