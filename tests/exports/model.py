"""One export before it is written: rows of texts, and beside each what is to be read of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

from crmkit.data.tables import TABLES

AS_OF = dt.date(2024, 12, 31)
FIRST = dt.date(2023, 1, 2)
USED, AFTER = "used", "after"
REPEATED = "equal to an earlier row in every column"
# the tables that are made; a questionnaire with a column per question is one of them
TABLES_MADE = (
    "transactions",
    "subscriptions",
    "tickets",
    "surveys",
    "customers",
    "interactions",
    "campaigns",
    "exposures",
    "loyalty",
    "referrals",
    "costs",
    "ticket_events",
    "feedback",
    "opportunities",
    "verification",
    "staff",
    "training",
    "crm_usage",
    "benchmarks",
    "goals",
    "assessments",
    "pairwise",
    "evidence",
    "actions",
    "risks",
)
WEIGHTS = (10, 5, 5, 4, 2) + (1,) * 20
ITEMS = {"csat": {"scale": [1, 5], "kind": "csat"}, "nps": {"scale": [0, 10], "kind": "nps"}}
# columns that say how others are to be understood; they come in by a kind that is about them
LEFT_TO_KINDS = {
    "transactions": {"currency", "quantity", "price", "cost", "is_return", "refunded"},
    "subscriptions": {"interval", "tenure", "churned"},
    "surveys": {"item_id", "score", "not_applicable", "duration_seconds"},
    "interactions": {"quantity"},
    "opportunities": {"won"},
}
NUMERIC = ("money", "number", "integer", "score")
MOMENTS = ("date", "timestamp", "month", "cycle")
Maker = Callable[[int, dt.date, Random], Any]


@dataclass
class Row:
    """One line: its cells as written, what is to be read of it, and what becomes of it.

    ``fate`` is ``used``, ``after`` (later than the last day that counts), or the reason for which it is set aside, as the file
    of rejected rows has it, with the column in front: ``"amount: cannot be read as a number"``.
    """

    cells: dict[str, Any]
    truth: dict[str, Any]
    fate: str = USED


@dataclass
class Export:
    """A table before it is written.

    Parameters
    ----------
    table : str
    kinds : dict of str to str
        Our columns that it has and what each holds.
    rows : list of Row
    headers : dict of str to str
        Our column, or a header that is none of ours: how the file calls it; in the order of the file.
    declared : dict
        ``tables.<table>`` of the params file.
    client : dict
        Other keys of the params file.
    source : str
        ``csv``, ``xlsx``, ``parquet`` or ``duckdb``.
    form : dict
        How a file of text is written: see ``files``.
    refused : list of tuple of str
        Texts that must all stand in one problem of the refusal; a refusal that is not listed is an error.
    touched : set of str
        What has been changed already: our columns, and parts of the file.
    """

    table: str
    kinds: dict[str, str]
    rows: list[Row]
    headers: dict[str, str]
    declared: dict[str, Any] = field(default_factory=dict)
    client: dict[str, Any] = field(default_factory=dict)
    source: str = "csv"
    form: dict[str, Any] = field(default_factory=dict)
    refused: list[tuple[str, ...]] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)

    def free(self, *kinds: str) -> list[str]:
        """Our columns of these kinds that nothing was done to yet."""
        return [name for name, kind in self.kinds.items() if kind in kinds and name not in self.touched]

    def columns(self, *kinds: str) -> list[str]:
        """Our columns that hold one of these kinds."""
        return [name for name, kind in self.kinds.items() if kind in kinds]

    def used(self) -> list[Row]:
        """Rows that still count."""
        return [row for row in self.rows if row.fate == USED]

    def write_column(self, name: str, how: Callable[[Any], str]) -> None:
        """Write a whole column in one way; empty cells stay empty."""
        for row in self.rows:
            if name in row.cells and row.truth.get(name) is not None:
                row.cells[name] = how(row.truth[name])

    def number_of(self, row: Row) -> int:
        """The row as a spreadsheet counts it."""
        return next(at for at, one in enumerate(self.rows) if one is row) + 2 + len(self.form.get("above", ()))


@dataclass(frozen=True)
class Kind:
    """One way in which an export differs from a plain one.

    Parameters
    ----------
    name : str
    change : callable
        Changes an export in place, and its truth with it; false where the export has nothing to change.
    stage : str
        ``reads`` (everything is read right), ``row`` (one row is refused), ``file`` (the whole table is refused).
    tables : tuple of str
        Where it makes sense; empty: everywhere.
    sources : tuple of str
    """

    name: str
    change: Callable[[Export, Random], bool]
    stage: str = "reads"
    tables: tuple[str, ...] = ()
    sources: tuple[str, ...] = ("csv", "xlsx", "parquet", "duckdb")


def plain(value: Any) -> str:
    """A value as a careful system writes it."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return str(value)


def make(table: str, rng: Random, *, source: str = "csv") -> Export:
    """A table with a dozen rows in which nothing is unusual."""
    contract = TABLES[table]
    skipped = LEFT_TO_KINDS.get(table, set())
    kinds = {name: column.kind for name, column in contract.columns.items() if name not in skipped}
    if table == "surveys":
        kinds |= dict.fromkeys(ITEMS, "score")
    optional = [name for name in kinds if name in contract.columns and not contract.columns[name].required]
    event = {contract.event} | ({"responded_at", "customer_id"} if table == "surveys" else set())
    dropped = {name for name in optional if rng.random() < 0.3 and name not in event | {"order_id", "mrr", "ended_at"}}
    kinds = {name: kind for name, kind in kinds.items() if name not in dropped}
    number = rng.randint(9, 14)
    start = [FIRST + dt.timedelta(days=23 + 31 * at + rng.randint(0, 2)) for at in range(number)]
    makers = [(name, _maker(table, name, kind)) for name, kind in kinds.items()]
    rows = [_row(makers, at, start[at], rng) for at in range(number)]
    export = Export(table, kinds, rows, {name: name for name in kinds}, source=source)
    export.client = {"as_of": AS_OF.isoformat(), "currency": "USD"}
    if table == "surveys":
        export.declared["items"] = {name: dict(item) for name, item in ITEMS.items()}
    return export


def _row(makers: list[tuple[str, Maker]], at: int, day: dt.date, rng: Random) -> Row:
    truth = {name: maker(at, day, rng) for name, maker in makers}
    return Row({name: plain(value) for name, value in truth.items()}, truth)


@cache
def _maker(table: str, name: str, kind: str) -> Maker:
    """What makes the value of a column in the row of a number, on a day: said once, because most rows are made in vain."""
    contract = TABLES[table]
    column = contract.columns.get(name)
    low, high = (column.low, column.high) if column else tuple(ITEMS[name]["scale"])
    later = dt.timedelta(days={second: at + 1 for at, (_, second) in enumerate(contract.order)}.get(name, 0))
    least, most = int(low or 0), int(high) if high is not None else 40
    lowest, highest = int(low if low is not None else 1), int(high) if high is not None else 5
    choices = column.choices if column is not None else ()
    texts = ("Mug blue", "Tea & more", "north 2", "Kaffee", "茶叶")

    def cycle(at: int, day: dt.date, rng: Random) -> str:
        moment = day + later
        return f"{moment.year}Q{(moment.month + 2) // 3}"

    def money(at: int, day: dt.date, rng: Random) -> Decimal:
        return Decimal(rng.randint(1_050_01, 9_950_99)) / 100 if at % 3 == 0 else Decimal(rng.randint(105, 99_899)) / 100

    if choices:
        return lambda at, day, rng: choices[rng.randrange(len(choices))]
    makers: dict[str, Maker] = {
        "id": lambda at, day, rng: f"{name[0].upper()}{1000 + 37 * at}",
        "text": (lambda at, day, rng: rng.choice(texts)) if name not in contract.unique else (lambda at, day, rng: f"T{at}"),
        "date": lambda at, day, rng: day + later,
        "timestamp": lambda at, day, rng: dt.datetime.combine(day + later, dt.time(8 + at % 9, 5 + at, 7)),
        "month": lambda at, day, rng: (day + later).replace(day=1),
        "cycle": cycle,
        "money": money,
        "boolean": lambda at, day, rng: bool(rng.randrange(2)),
        "integer": lambda at, day, rng: rng.randint(least, most),
        "score": lambda at, day, rng: rng.randint(lowest, highest),
    }
    return makers.get(kind, lambda at, day, rng: Decimal(rng.randint(1, 99)) / 100)
