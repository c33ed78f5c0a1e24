"""When is what due? Dates of a plan as a calendar file (RFC 5545) that mail programs and telephones read."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmkit.core.language import Locale, translate

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.core.results import Result

OCTETS = 75
# what is written down for a day: column of the date, and the word before the text
DAYS = (("starts_on", "Begins"), ("due_on", "Due"), ("measurable_on", "Effect visible from"))


def escaped(text: str) -> str:
    """A text as a value of a calendar: nothing in it begins a property, a line or a second value.

    Examples
    --------
    >>> print(escaped("a;b,c\\\\d\\r\\nBEGIN:VEVENT"))
    a\\;b\\,c\\\\d\\nBEGIN:VEVENT
    """
    plain = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    plain = plain.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")
    return "".join(letter for letter in plain if letter >= " " and letter not in "\x7f\x85\u2028\u2029")


def folded(line: str) -> str:
    """A line in pieces of at most 75 octets, the later ones after a blank; no character is cut in two."""
    pieces: list[str] = []
    piece, size = "", 0
    for letter in line:
        width = len(letter.encode())
        # a continued line has its blank too
        if size + width > (OCTETS if not pieces else OCTETS - 1):
            pieces.append(piece)
            piece, size = "", 0
        piece, size = piece + letter, size + width
    return "\r\n ".join([*pieces, piece])


def write_calendar(table: pd.DataFrame, result: Result, folder: Path, *, locale: Locale, as_of: dt.date) -> Path:
    """A calendar with the dates of each action that is planned.

    Parameters
    ----------
    table : DataFrame
        ``action_id, text, owner, starts_on, due_on``, and where there are ``measurable_on``, ``taken``.
    result : Result
        Its name is that of the file.
    folder : Path
    locale : Locale
    as_of : date
        Stamp of all entries, so that the same plan gives the same file.

    Returns
    -------
    Path
    """
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//crmkit//plan//EN", "CALSCALE:GREGORIAN"]
    for row in table.to_dict("records"):
        if row.get("taken", True):
            lines += _entries(row, locale, as_of)
    lines.append("END:VCALENDAR")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.name}.ics"
    path.write_bytes(("\r\n".join(folded(line) for line in lines) + "\r\n").encode())
    return path


def _entries(row: dict[Any, Any], locale: Locale, as_of: dt.date) -> list[str]:
    found = []
    for column, word in DAYS:
        day = row.get(column)
        if day is None or day != day:
            continue
        on = day if isinstance(day, dt.date) else dt.date.fromisoformat(str(day)[:10])
        said = f"{translate(word, locale.words)}: {row['text']}"
        found += [
            "BEGIN:VEVENT",
            f"UID:{escaped(str(row['action_id']))}-{column}@crmkit",
            f"DTSTAMP:{as_of:%Y%m%d}T000000Z",
            f"DTSTART;VALUE=DATE:{on:%Y%m%d}",
            f"DTEND;VALUE=DATE:{on + dt.timedelta(days=1):%Y%m%d}",
            f"SUMMARY:{escaped(said)}",
            f"DESCRIPTION:{escaped(str(row.get('owner') or ''))}",
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    return found
