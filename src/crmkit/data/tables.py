"""Which tables does the kit know, and what must hold in each of their columns?

One declaration per table: the checks of :mod:`crmkit.data.contracts`, the way text is read and the data dictionary in
``data/README.md`` all come from it. A new table is one more entry.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["id", "text", "date", "money", "boolean"]


@dataclass(frozen=True)
class Column:
    """What one column of a table holds.

    Parameters
    ----------
    kind : {"id", "text", "date", "money", "boolean"}
        ``id`` is text, stripped, never a number; ``date`` is a day in the client's time zone; ``money`` is DECIMAL(18,4) in
        the client's currency; ``boolean`` is true, false or empty.
    required : bool
        Whether the column must be there and no row may leave it empty.
    low : int or None
        Smallest value allowed, where there is one.
    default : bool or None
        What an empty value, or a missing column, means; None: it stays empty or missing.
    """

    kind: Kind
    required: bool = False
    low: int | None = None
    default: bool | None = None


@dataclass(frozen=True)
class TableContract:
    """What one table holds.

    Parameters
    ----------
    columns : dict of str to Column
        In the order of the data dictionary.
    event : str
        The date column that decides whether a row lies after ``as_of``.
    unique : tuple of str
        Columns that no two rows may share.
    repeats : str
        Column whose presence makes two rows that are equal in every column one row too many; empty: never.
    returns : tuple of str
        Amount and flag columns of a table in which a negative amount must be marked as a return; empty: none.
    """

    columns: dict[str, Column]
    event: str
    unique: tuple[str, ...] = ()
    repeats: str = ""
    returns: tuple[str, ...] = field(default=())

    @property
    def required(self) -> list[str]:
        return [name for name, column in self.columns.items() if column.required]


TABLES: dict[str, TableContract] = {
    "customers": TableContract(
        columns={
            "customer_id": Column("id", required=True),
            "name": Column("text"),
            "email": Column("text"),
            "phone": Column("text"),
            "industry": Column("text"),
            "region": Column("text"),
            "size": Column("text"),
            "acquisition_channel": Column("text"),
            "created_at": Column("date"),
            "updated_at": Column("date"),
            "source_system": Column("text"),
            "department": Column("text"),
            "owner": Column("text"),
            "consent_at": Column("date"),
            "consent_purpose": Column("text"),
        },
        event="created_at",
        unique=("customer_id",),
    ),
    "transactions": TableContract(
        columns={
            "customer_id": Column("id", required=True),
            "ordered_at": Column("date", required=True),
            "amount": Column("money", required=True),
            "order_id": Column("id"),
            "currency": Column("text"),
            "product": Column("text"),
            "category": Column("text"),
            "channel": Column("text"),
            "is_return": Column("boolean", default=False),
            "cost": Column("money", low=0),
        },
        event="ordered_at",
        repeats="order_id",
        returns=("amount", "is_return"),
    ),
}

MAIN_TABLE = "transactions"
