"""How does an event log in XES become the table ``ticket_events``? Read event by event, whatever its size.

``python -m crmkit.data.sources.xes log.xes data/acme/ticket_events.csv`` writes the table beside the others of a client. Of
each event its case, moment, step, person and team are taken (``concept:name``, ``time:timestamp``, ``org:resource``,
``org:group`` or ``org:role``), and its number in the file, which keeps a step that is done twice in one second. Declarations of
documents are refused: what they can do to a reader is no part of a log.
"""

from __future__ import annotations

import csv
import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat

from crmkit.core.errors import EXIT_CODE, CrmkitError, DataError

COLUMNS = ("ticket_id", "occurred_at", "activity", "actor", "team", "event_id")
CASE, STEP, MOMENT, PERSON = "concept:name", "concept:name", "time:timestamp", "org:resource"
TEAMS = ("org:group", "org:role")
ATTRIBUTES = frozenset(("string", "date", "int", "float", "boolean", "id"))
PIECE = 1 << 16


class _Reader:
    """What has been read of a log so far: the attributes of the case and of the event that are open."""

    def __init__(self, name: str) -> None:
        self.name, self.rows, self.number = name, list[tuple[str, ...]](), 0
        self.inside: list[str] = []
        self.case: dict[str, str] = {}
        self.event: dict[str, str] = {}
        self.waiting: list[dict[str, str]] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        above = self.inside[-1] if self.inside else ""
        self.inside.append(tag)
        if tag in ("trace", "event"):
            setattr(self, "case" if tag == "trace" else "event", {})
        elif tag in ATTRIBUTES and above in ("trace", "event"):
            of = self.case if above == "trace" else self.event
            of[attributes.get("key", "")] = attributes.get("value", "")

    def end(self, tag: str) -> None:
        tag = self.inside.pop()
        if tag == "event":
            self.waiting.append(self.event)
        elif tag == "trace":
            # the name of a case may stand behind its events
            self.rows += [self._row(event) for event in self.waiting]
            self.waiting = []

    def _row(self, event: dict[str, str]) -> tuple[str, ...]:
        self.number += 1
        found = {"case": self.case.get(CASE, ""), STEP: event.get(STEP, ""), MOMENT: event.get(MOMENT, "")}
        lacking = [name for name, value in found.items() if not value]
        if lacking:
            raise DataError(f"{self.name}: event {self.number} has no {lacking[0]}; a case, a step and a moment are needed")
        team = next((event[one] for one in TEAMS if one in event), "")
        return (found["case"], found[MOMENT], found[STEP], event.get(PERSON, ""), team, str(self.number))

    def refuse(self, *_: Any) -> None:
        raise DataError(f"{self.name}: declares a document type, which no log needs; take the line out and try again")


def read_xes(path: Path) -> Iterator[tuple[str, ...]]:
    """What events does a log hold?

    Parameters
    ----------
    path : Path
        ``.xes`` or ``.xes.gz``.

    Yields
    ------
    tuple of str
        ``ticket_id, occurred_at, activity, actor, team, event_id`` as written in the file; empty where the log says nothing.

    Raises
    ------
    DataError
        Where the file is no XML, declares a document type, or an event lacks its case, step or moment.
    """
    reader, parser = _Reader(path.name), expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.StartDoctypeDeclHandler = reader.refuse
    with gzip.open(path, "rb") if path.suffix.casefold() == ".gz" else path.open("rb") as file:
        try:
            while piece := file.read(PIECE):
                parser.Parse(piece, False)
                yield from reader.rows
                reader.rows.clear()
            parser.Parse(b"", True)
        except (expat.ExpatError, OSError, EOFError) as err:
            raise DataError(f"{path.name}: cannot be read as XES; {err}") from err


def main(arguments: list[str]) -> int:
    """Read a log, write the table; 2 when something is wrong."""
    if len(arguments) != 2:
        print("write: python -m crmkit.data.sources.xes LOG.xes ticket_events.csv", file=sys.stderr)
        return EXIT_CODE
    source, target = (Path(one) for one in arguments)
    try:
        if not source.is_file():
            raise DataError(f"{source}: there is no such file")
        rows = list(read_xes(source))
    except CrmkitError as err:
        print(err, file=sys.stderr)
        return EXIT_CODE
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    print(f"{target}: {len(rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
