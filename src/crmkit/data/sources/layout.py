"""Which lines of a file hold its header and its table? Titles stand above it, footers below, headers over one line or two.

What is asked for in vain is looked for: a header line further down, or a file that has none, is named in the message.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from crmkit.core.errors import DataError, Problem, at_step, quoted, shortened
from crmkit.core.results import Quantity, Text
from crmkit.core.settings import TableSettings
from crmkit.data.intake.headers import Matched, visible

Match = Callable[[Sequence[str], str], Matched]
Row = tuple[int, list[str]]
# lines among which a header line is looked for
LOOKED_AT = 20
DATE = re.compile(r"\d{1,4}[-/.年]\d{1,2}[-/.月]\d{1,4}日?([T ].*)?")
DECIMAL = re.compile(r"[-+(]?\d[\d ',.]*[.,]\d+\)?")
EMPTY = "is empty; a header line and at least one row are expected"
SKIPPED = Text("{file}: rows {rows} are left out, as declared with skip")
UNSEEN = Text("{file}: characters that nobody sees were taken out of headers: {names}")
FOOTER = Text("{file}: lines below the table that are left out, as declared with footer: {n}")


@dataclass(frozen=True)
class Head:
    """The headers of a table, and the last row that they stand in; 0 where there is no header line.

    ``flat`` says that no text down to there holds a line break; ``unseen`` are the headers out of which characters were taken
    that nobody sees.
    """

    headers: tuple[str, ...]
    row: int
    flat: bool = True
    unseen: tuple[str, ...] = ()


def header_rows(settings: TableSettings) -> list[int]:
    """Rows that the header was declared to stand in; none: it is the first line that is not empty."""
    return settings.header if isinstance(settings.header, list) else [settings.header]


def find_head(rows: Iterable[Row], *, settings: TableSettings, where: str) -> Head:
    """Where is the header, and what does it say?

    Raises
    ------
    DataError
        When the file is empty, or has not the rows that were declared.
    """
    wanted, names = header_rows(settings), settings.names
    if names is not None and not wanted:
        return Head(tuple(names), 0)
    found: dict[int, list[str]] = {}
    flat = True
    for number, fields in rows:
        flat = flat and not any("\n" in field or "\r" in field for field in fields)
        if number in wanted or (not wanted and number not in settings.skip and any(field.strip() for field in fields)):
            found[number] = fields
        if (found and not wanted) or (wanted and number >= wanted[-1]):
            break
    missing = [number for number in wanted if not any(field.strip() for field in found.get(number, []))]
    if missing:
        raise DataError(Problem(where, f"has nothing in row {missing[0]}", "header is the row number of the header line"))
    if not found:
        raise DataError(f"{where} {EMPTY}")
    unseen = tuple(visible(text) for fields in found.values() for text in fields if visible(text) != text.strip())
    return Head(tuple(names) if names is not None else joined(list(found.values())), max(found), flat, unseen)


def joined(lines: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Header lines as one: the texts of each column with a blank between them.

    Examples
    --------
    >>> joined([["id", "Please rate:", "Please rate:"], ["", "Speed", "Quality"]])
    ('id', 'Please rate: Speed', 'Please rate: Quality')
    """
    width = max(len(line) for line in lines)
    columns = ([visible(line[at]) if at < len(line) else "" for line in lines] for at in range(width))
    return tuple(" ".join(text for text in column if text) for column in columns)


def table_rows(rows: Iterable[Row], head: Head, *, settings: TableSettings) -> Iterator[Row]:
    """The rows of the table: those after the header that are not declared to be something else."""
    held: deque[Row] = deque()
    full = 0
    for number, fields in rows:
        if number <= head.row or number in settings.skip:
            continue
        if not settings.footer:
            yield number, fields
            continue
        held.append((number, fields))
        full += _filled(fields)
        while full > settings.footer:
            first = held.popleft()
            full -= _filled(first[1])
            yield first


def left_out(settings: TableSettings, head: Head, *, file: str) -> list[Text]:
    """What a reader should know of lines that were declared to be no rows, and of what was left out of the headers."""
    notes = []
    if head.unseen:
        names = ", ".join(repr(shortened(name)) for name in head.unseen)
        notes.append(Text(UNSEEN.template, {"file": file, "names": names}))
    if settings.skip:
        notes.append(Text(SKIPPED.template, {"file": file, "rows": ", ".join(str(number) for number in settings.skip)}))
    if settings.footer:
        notes.append(Text(FOOTER.template, {"file": file, "n": Quantity(settings.footer, "count")}))
    return notes


def match_head(
    match: Match, head: Head, readings: Callable[[], Iterable[list[Row]]], *, settings: TableSettings, table: str, where: str
) -> Matched:
    """Which header is which of our columns?

    Parameters
    ----------
    match : callable
    head : Head
    readings : callable
        Gives the first rows of the file, in each way in which they may be read.
    settings : TableSettings
    table : str
    where : str
        What to name in a message.

    Raises
    ------
    DataError
        When a column is not there; where another line holds them all, or the file has no header line, that is said instead.
    """
    with at_step("headers"):
        return _match_head(match, head, readings, settings=settings, table=table, where=where)


def _match_head(
    match: Match, head: Head, readings: Callable[[], Iterable[list[Row]]], *, settings: TableSettings, table: str, where: str
) -> Matched:
    try:
        return match(head.headers, where)
    except DataError as err:
        if settings.names is not None or not head.row:
            raise
        looked_at = list(readings())
        for rows in looked_at:
            elsewhere = _elsewhere(rows, head, match, where=where)
            if elsewhere:
                said = f"row {elsewhere[0]}" if len(elsewhere) == 1 else f"rows {elsewhere[0]} and {elsewhere[1]}"
                value = str(elsewhere[0]) if len(elsewhere) == 1 else str(elsewhere)
                what = f"does not have the headers of this table in row {head.row}; the header seems to be in {said}"
                raise DataError(Problem(where, what, f"write header: {value} under tables.{table} in the params file")) from err
        if looked_at and _no_header(looked_at[0], head):
            what = f"looks as if there were no header line: row {head.row} begins with {_beginning(head.headers)}"
            raise DataError(
                Problem(where, what, f"name the columns with names: [...] under tables.{table} in the params file")
            ) from err
        raise


def _filled(fields: Sequence[str]) -> bool:
    return any(field.strip() for field in fields)


def _elsewhere(rows: Sequence[Row], head: Head, match: Match, *, where: str) -> list[int]:
    """Rows that hold every required header, alone or two together; empty where there are none."""
    filled = [(number, fields) for number, fields in rows if _filled(fields)]
    ways = [[one] for one in filled if one[0] != head.row] + [[one, two] for one, two in pairwise(filled)]
    for lines in ways:
        try:
            match(joined([fields for _, fields in lines]), where)
        except DataError:
            continue
        return [number for number, _ in lines]
    return []


def _no_header(rows: Sequence[Row], head: Head) -> bool:
    """Whether the first line looks like the next: dates and decimal numbers in the same columns."""
    after = next((fields for number, fields in rows if number > head.row and _filled(fields)), None)
    first = [_shape(text) for text in head.headers]
    if after is None or not any(first):
        return False
    return all(shape == (_shape(after[at]) if at < len(after) else "") for at, shape in enumerate(first) if shape)


def _shape(text: str) -> str:
    text = text.strip().strip("\x1f")
    return "date" if DATE.fullmatch(text) else "number" if DECIMAL.fullmatch(text) else ""


def _beginning(headers: Sequence[str]) -> str:
    return ", ".join(quoted(repr(shortened(header))) for header in headers[:3])
