"""How complete, valid and varied is each column of a table? One query, whatever is asked of how many columns.

Only operations that agree on every supported engine are used. Rules come from the table's contract (limits, words, the order of
dates); addresses and numbers have to look like some. An empty cell breaks no rule: it is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crmkit.data.sources.engine import to_frame
from crmkit.data.tables import TABLES

if TYPE_CHECKING:
    import ibis
    import pandas as pd

EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
# 7 to 15 digits (ITU-T E.164), between them what people write
PHONE = r"^[-+ ()./]*([0-9][-+ ()./]*){7,15}$"
LOOKS = {"email": EMAIL, "phone": PHONE}
COLUMNS = ("column", "n", "missing", "distinct", "invalid")


def profile(
    table: ibis.Table,
    columns: Sequence[str] | None = None,
    *,
    name: str = "",
    rules: Mapping[str, Any] | None = None,
    distinct: bool | Collection[str] = True,
) -> pd.DataFrame:
    """How many cells of each column are missing, different, and against a rule?

    Parameters
    ----------
    table : ibis.Table
    columns : sequence of str or None
        None: all.
    name : str
        Name of the table in the data dictionary, whose rules hold; empty: none but ``rules`` and the look of addresses.
    rules : mapping of str to callable
        Column: makes of the table the condition that a cell keeps, in place of the contract's; empty cells are not asked.
    distinct : bool or collection of str
        Whether different values are counted, or of which columns: they cost most.

    Returns
    -------
    DataFrame
        ``column, n, missing, distinct, invalid``, a row per column in the order asked for: ``n`` rows, of which ``missing``
        have no value; ``distinct`` different values; ``invalid`` values that break a rule. ``distinct`` is empty where it was
        not counted, ``invalid`` where a column has no rule.

    Examples
    --------
    >>> import ibis
    >>> rows = ibis.memtable({"customer_id": ["1", "2", "3"], "email": ["a@x.org", "n/a", None]})
    >>> profile(rows)[["column", "missing", "distinct", "invalid"]].to_numpy().tolist()
    [['customer_id', 0, 3, <NA>], ['email', 1, 2, 1]]
    """
    import pandas as pd

    asked = list(table.columns if columns is None else columns)
    kept = {one: (rules or {}).get(one) or rule_of(table, one, name=name) for one in asked}
    counts: dict[str, Any] = {"n": table.count()}
    grouped: list[Any] = []
    for place, one in enumerate(asked):
        counted = distinct is True or bool(distinct and one in distinct)
        if counted and one in LOOKS and one not in (rules or {}):
            grouped.append(_by_value(table, one, place=place))
            continue
        counts[f"given_{place}"] = table[one].count()
        if counted:
            counts[f"distinct_{place}"] = table[one].nunique()
        if kept[one] is not None:
            counts[f"invalid_{place}"] = table.count(where=~kept[one](table))
    whole = table.aggregate(**counts)
    for part in grouped:
        whole = whole.cross_join(part)
    found = to_frame(whole).iloc[0]
    n = int(found["n"])
    rows = [
        (one, n, n - int(found[f"given_{place}"]), found.get(f"distinct_{place}"), found.get(f"invalid_{place}"))
        for place, one in enumerate(asked)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"distinct": "Int64", "invalid": "Int64"})


def _by_value(table: ibis.Table, column: str, *, place: int) -> ibis.Table:
    """The counts of a column whose rule looks at the value alone: each value is looked at once, however many rows have it."""
    values = table.group_by(value=table[column]).agg(rows=table.count())
    there, pattern = values.value.notnull(), LOOKS[column]
    return values.aggregate(
        **{
            f"given_{place}": values.rows.sum(where=there).fill_null(0).cast("int64"),
            f"distinct_{place}": values.value.count(),
            f"invalid_{place}": values.rows.sum(where=~values.value.re_search(pattern)).fill_null(0).cast("int64"),
        }
    )


def rule_of(table: ibis.Table, column: str, *, name: str = "") -> Any:
    """The condition that a cell of a column keeps, as a function of the table; None where there is none."""
    if column in LOOKS:
        pattern = LOOKS[column]
        return lambda t: t[column].re_search(pattern)
    contract = TABLES.get(name)
    declared = contract.columns.get(column) if contract is not None else None
    if contract is None or declared is None:
        return None
    limits: list[Any] = []
    if declared.low is not None:
        limits.append(lambda t: t[column] >= declared.low)
    if declared.high is not None:
        limits.append(lambda t: t[column] <= declared.high)
    if declared.choices:
        limits.append(lambda t: t[column].isin(declared.choices))
    earlier = [first for first, second in contract.order if second == column and first in table.columns]
    limits += [lambda t, first=first: (t[column] >= t[first]).fill_null(True) for first in earlier]
    if not limits:
        return None

    def kept(rows: ibis.Table) -> Any:
        condition = limits[0](rows)
        for one in limits[1:]:
            condition = condition & one(rows)
        return condition

    return kept
