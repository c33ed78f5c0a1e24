"""What can a table be asked to hold: types, words, limits, keys, the order of dates, and what is known from which day on?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["id", "text", "date", "timestamp", "month", "cycle", "money", "score", "number", "integer", "boolean"]
# whoever was referred need not have become a customer
CUSTOMER_IDS = ("customer_id", "referrer_id")


@dataclass(frozen=True)
class Column:
    """What one column of a table holds.

    Parameters
    ----------
    kind : {"id", "text", "date", "timestamp", "month", "cycle", "money", "score", "number", "integer", "boolean"}
        ``id`` is text, stripped, never a number; ``date`` is a day in the client's time zone, ``timestamp`` the second in it,
        ``month`` the first day of a month; ``cycle`` the label of a quarter, half year, month or year (``2025Q4, 2025H2,
        2025-10, 2025``); ``money`` is DECIMAL(18,4) in the client's currency, ``score`` a DECIMAL(18,4) on the scale of an
        answer, ``number`` any other DECIMAL(18,4); ``integer`` is a whole number; ``boolean`` is true, false or empty.
    required : bool
        Whether the column must be there and no row may leave it empty.
    low, high : int or None
        Smallest and greatest value allowed, where there is one.
    default : bool, int or None
        What an empty value, or a missing column, means; None: it stays empty or missing.
    choices : tuple of str
        The words allowed in a text column, in small letters; empty: any.
    until_known : str
        What is seen of a required text before the day from which it is known; empty: nothing.
    open_ended : bool
        Whether the last day of a century or of all time means that something has not ended.
    seconds : int
        Of a length of time, seconds in its unit; 0 for every other column.
    """

    kind: Kind
    required: bool = False
    low: int | None = None
    high: int | None = None
    default: bool | int | None = None
    choices: tuple[str, ...] = ()
    until_known: str = ""
    open_ended: bool = False
    seconds: int = 0


@dataclass(frozen=True)
class TableContract:
    """What one table holds.

    Parameters
    ----------
    columns : dict of str to Column
        In the order of the data dictionary.
    event : str
        The date column, or label of a period, that decides whether a row lies after ``as_of``; a period counts from its first
        day. Empty: every row counts whatever ``as_of`` is.
    event_else : str
        The date column that decides where the first is missing or empty; empty: none.
    unique : tuple of str
        Columns that no two rows may share.
    repeats : str
        Column whose presence makes two rows that are equal in every column one row too many; empty: never.
    returns : tuple of str
        Amount and flag columns of a table in which a negative amount must be marked as a return; empty: none.
    order : tuple of (str, str)
        Pairs of date columns of which the second must not lie before the first.
    known : dict of str to tuple of str
        Date column: what nobody knows of a row before that day, the date itself included. A row that began before ``as_of``
        and goes on after it is seen as it was seen then.
    tells_span : bool
        Whether the dates of its rows say over which time the company was watched. Those of registers (staff, benchmarks) and of
        what is done once a cycle do not: they neither tell where the data begin, nor, by lying late, that ``as_of`` is wrong.
    """

    columns: dict[str, Column]
    event: str = ""
    event_else: str = ""
    unique: tuple[str, ...] = ()
    repeats: str = ""
    returns: tuple[str, ...] = field(default=())
    order: tuple[tuple[str, str], ...] = ()
    known: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tells_span: bool = True

    @property
    def required(self) -> list[str]:
        return [name for name, column in self.columns.items() if column.required]

    @property
    def customers(self) -> list[str]:
        """The columns that name a customer."""
        return [name for name in self.columns if name in CUSTOMER_IDS]
