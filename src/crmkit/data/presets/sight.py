"""What is in a file that nobody has described? Its first lines, and of each column how many values there are and of which kind.

Files are read by the readers of the door, so that what is seen here is what will be read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from crmkit.core.errors import DataError
from crmkit.core.settings import TableSettings
from crmkit.data.intake import phrases
from crmkit.data.intake.headers import Matched
from crmkit.data.intake.words import is_empty_word, word_of
from crmkit.data.sources import readers, text, workbook
from crmkit.data.sources.engine import literal, query
from crmkit.data.sources.files import DATABASE_SUFFIXES, PARQUET, SUFFIXES, WORKBOOK
from crmkit.data.sources.layout import LOOKED_AT, Row
from crmkit.data.sources.readers import Raw
from crmkit.data.tables import Column, TableContract

# different words of a column that are listed; a column with more is no list of words
WORDS = 60
# values by which it is told of which kind a column is
SAMPLED = 400
# a text of so many letters is what somebody wrote, and no choice
WRITTEN = 12


@dataclass(frozen=True)
class Seen:
    """What one column holds.

    Parameters
    ----------
    name : str
        Its name inside the engine.
    header : str
    filled, distinct : int
        Cells that are not empty, and how many differ.
    numbers, dates : int
        Cells that read as numbers, and as days.
    words : tuple of (str, int)
        The most frequent words and how often each stands, where they are few.
    low, high : float or None
        Smallest and greatest number.
    fractions : bool
        Whether some number is not whole.
    written : float
        Share of the cells that somebody wrote a text into: long enough, of several words or in Chinese.
    """

    name: str
    header: str
    filled: int
    distinct: int
    numbers: int
    dates: int
    words: tuple[tuple[str, int], ...]
    low: float | None
    high: float | None
    fractions: bool
    written: float

    @property
    def numeric(self) -> bool:
        return 0 < self.filled == self.numbers

    @property
    def dated(self) -> bool:
        """Whether nearly every value is a day; a number alone is none."""
        return self.filled > 0 and self.dates >= 0.9 * self.filled


@dataclass(frozen=True)
class Sight:
    """A file, or several of one kind, as a table inside the engine."""

    files: tuple[Path, ...]
    raw: Raw
    rows: int
    columns: tuple[Seen, ...]

    @property
    def on_disk(self) -> list[Path]:
        """The files, or the database that they are tables of."""
        return [path.parent if is_database(path.parent) else path for path in self.files]

    def column(self, at: int) -> Seen:
        """The column at a position."""
        return self.columns[at]


def is_readable(path: Path) -> bool:
    """Whether the door reads files of this kind."""
    return path.suffix.casefold() in SUFFIXES


def is_database(path: Path) -> bool:
    """Whether a file is a database, which holds many tables."""
    return path.suffix.casefold() in DATABASE_SUFFIXES and path.is_file()


def tables_of(path: Path, *, con: Any) -> list[Path]:
    """The tables and views of a database, which is opened, each as if it were a file in it.

    Raises
    ------
    DataError
        When it cannot be opened, or holds none.
    """
    readers.attach(con, path)
    names = readers.database_tables(con)
    if not names:
        raise DataError(f"{path.name}: holds no table")
    return [path / name for name in names]


def _read(con: Any, files: Sequence[Path], *, settings: TableSettings, spill: Path, name: str) -> Raw:
    if is_database(files[0].parent):
        return readers.read_database(con, name, settings=TableSettings(table=files[0].name), match=_everything())
    return readers.read_files(con, name, files, settings=settings, match=_everything(), spill=spill)


def first_rows(path: Path, *, con: Any, spill: Path) -> list[Row]:
    """Row number and fields of the first lines of a file.

    Raises
    ------
    DataError
        When the file is empty or cannot be read.
    """
    where, suffix = path.name, path.suffix.casefold()
    if is_database(path.parent):
        raw = _read(con, [path], settings=TableSettings(), spill=spill, name="looked_at")
        return [(1, list(raw.matched.headers.values()))]
    if path.stat().st_size == 0:
        raise DataError(f"{where}: has 0 bytes; export it again")
    if suffix in PARQUET:
        import duckdb

        try:
            described = query(con, f"DESCRIBE SELECT * FROM read_parquet({literal(path)})")
        except duckdb.Error as err:
            raise DataError(f"{where} is cut off or no Parquet file; export it again") from err
        return [(1, [name for name, *_ in described])]
    if suffix in WORKBOOK:
        return next(workbook.first_rows(workbook.read_sheet(path, settings=TableSettings(), where=where)))
    found = text.inspect(path, settings=TableSettings(), spill=spill, where=where)
    return list(islice(next(text.first_rows(found, where=where)), LOOKED_AT))


def load(con: Any, files: Sequence[Path], *, settings: TableSettings, spill: Path, name: str) -> Sight:
    """A file, or several of one kind, with every column as text.

    Parameters
    ----------
    con : ibis.backends.duckdb.Backend
        With the time zone of the door.
    files : sequence of Path
    settings : TableSettings
        Where the header stands, and which lines are no rows.
    spill : Path
        Folder for copies.
    name : str
        What the relation is called.

    Raises
    ------
    DataError
        When a file cannot be read, or they do not have the same headers.
    """
    raw = _read(con, files, settings=settings, spill=spill, name=name)
    if not raw.lazy:
        # an empty text is no value
        return Sight(tuple(files), raw, *_look(con, raw))
    chosen = ", ".join(f"CAST({column} AS VARCHAR) AS {column}" for column in raw.types)
    query(con, f"CREATE OR REPLACE TABLE seen_{name} AS SELECT __file, __row, {chosen} FROM {raw.relation}")
    raw = replace(raw, relation=f"seen_{name}", types=dict.fromkeys(raw.types, "VARCHAR"))
    return Sight(tuple(files), raw, *_look(con, raw))


def _everything() -> Callable[[Sequence[str], str], Matched]:
    """Takes every column, whatever it is called; of a further file the columns with the headers of the first."""
    first: list[str] = []

    def match(headers: Sequence[str], where: str) -> Matched:
        if not first:
            first.extend(headers)
        if list(headers) != first:
            missing = [header for header in first if header not in headers]
            more = [header for header in headers if header not in first]
            said = f"has no {missing[0]!r}" if missing else f"has {more[0]!r} too" if more else "has them in another order"
            raise DataError(f"{where} does not have the headers of the other files: it {said}")
        positions = {f"c{at}": at for at in range(len(headers))}
        contract = TableContract(dict.fromkeys(positions, Column("text")))
        return Matched(positions, dict(zip(positions, headers, strict=True)), (), contract)

    return match


def _look(con: Any, raw: Raw) -> tuple[int, tuple[Seen, ...]]:
    """Rows, and what each column holds; numbers and days are told by a part of the values where they are many."""
    (rows,) = query(con, f"SELECT count(*) FROM {raw.relation}")[0]
    values = " UNION ALL ".join(_values(raw, name) for name in raw.types)
    query(con, f"CREATE OR REPLACE TEMP TABLE seen_values AS {values}")
    amount = f"coalesce({', '.join(phrases.number('x', form) for form in ('dot', 'comma', 'indian'))})"
    day = f"coalesce({phrases.date('x', 'true')}, {phrases.date('x', 'false')})"
    found = query(
        con,
        "SELECT c, any_value(filled), any_value(of), sum(n)::BIGINT, sum(n) FILTER (v IS NOT NULL)::BIGINT,"
        " sum(n) FILTER (d IS NOT NULL)::BIGINT, min(v), max(v), coalesce(bool_or(v <> floor(v)), false),"
        f" coalesce(sum(n) FILTER (length(x) >= {WRITTEN} AND regexp_matches(x, '[ \u4e00-\u9fff]')), 0) / sum(n)"
        f" FROM (SELECT *, CAST({amount} AS DOUBLE) AS v, {day} AS d FROM seen_values) GROUP BY 1",
    )
    words: dict[str, list[tuple[str, int]]] = {}
    for name, x, n in query(con, f"SELECT c, {word_of('x')}, n FROM seen_values WHERE of <= {WORDS} ORDER BY c, n DESC, x"):
        words.setdefault(name, []).append((x, n))
    by_name = {}
    for name, filled, distinct, part, numbers, dates, low, high, fractions, written in found:
        shares = [(one or 0) * filled // part for one in (numbers, dates)]
        listed = tuple(words.get(name, ()))
        header = raw.matched.headers[name]
        by_name[name] = Seen(name, header, filled, distinct, shares[0], shares[1], listed, low, high, fractions, float(written))
    empty = {name: Seen(name, raw.matched.headers[name], 0, 0, 0, 0, (), None, None, False, 0.0) for name in raw.types}
    return rows, tuple((empty | by_name)[name] for name in raw.types)


def _values(raw: Raw, name: str) -> str:
    """The SQL of some values of a column, each with how often it stands and of how many values and cells it is one."""
    word = word_of(name)
    return (
        f"(SELECT {literal(name)} AS c, x, n, sum(n) OVER ()::BIGINT AS filled, count(*) OVER () AS of FROM"
        f" (SELECT {name} AS x, count(*) AS n FROM {raw.relation} WHERE {word} IS NOT NULL"
        f" AND NOT {is_empty_word(name, 'date', 'VARCHAR')} GROUP BY 1)"
        f" QUALIFY row_number() OVER (ORDER BY hash(x), x) <= {SAMPLED})"
    )


def newest_day(con: Any, sight: Sight, seen: Seen, *, dayfirst: bool, until: dt.date) -> dt.date | None:
    """The last day of a column that is not after another."""
    found = query(
        con,
        f"SELECT max(d) FROM (SELECT {phrases.date(seen.name, str(dayfirst).lower())} AS d FROM {sight.raw.relation})"
        f" WHERE d <= DATE {literal(until.isoformat())}",
    )[0][0]
    return found if isinstance(found, dt.date) else None
