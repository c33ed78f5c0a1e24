"""What do the sources ask, and how much of it do the reports answer? Counts the rows of ``data/coverage.csv``.

``python tools/coverage.py`` prints rows by source and status. ``--open`` lists what is still lacking, ``--check`` looks up each
place in the reports of the demo companies that lie under ``reports/`` and names those that hold nothing. Needs Python alone.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = ("id", "quote", "english", "class", "status", "report", "pointer", "missing")
STATUSES = {
    "answered": "a number with n, a table, a finding or a decision stands in the report at the pointer",
    "partly": "the pointer leads to what there is; `missing` says what is not",
    "no": "nothing answers it; `missing` says what would",
    "people": "only people can do it; the pointer leads to the plan that holds it, where a demo company needs it",
    "lost": "the source announces a list that it does not have",
}
Row = dict[str, str]


def read(path: Path = ROOT / "data" / "coverage.csv") -> list[Row]:
    """The rows, in the order of the file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def counts(rows: Iterable[Row]) -> dict[str, Counter[str]]:
    """How many rows of each source have which status; ``all`` for all sources."""
    found: dict[str, Counter[str]] = {}
    for row in rows:
        for source in (row["id"].split("-")[0], "all"):
            found.setdefault(source, Counter())[row["status"]] += 1
    return dict(sorted(found.items()))


def look_up(report: Any, pointer: str) -> Any:
    """What a JSON pointer (RFC 6901) leads to; None where it leads nowhere."""
    found = report
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list):
            found = found[int(name)] if name.isdecimal() and int(name) < len(found) else None
        else:
            found = found.get(name) if isinstance(found, dict) else None
    return found


def holds(found: Any) -> bool:
    """Whether a place is an answer: a table with rows, or a number with its interval and how many it rests on."""
    if not isinstance(found, dict):
        return False
    if "rows" in found:
        return bool(found["rows"])
    return None not in (found.get("value"), found.get("low")) and bool(found.get("n"))


def newest(report: str, *, home: Path) -> Any:
    """The newest ``report.json`` of a client's notebook, named ``client/notebook``; None where it was not run."""
    client, notebook = report.split("/")
    paths = (home / "reports" / client).glob(f"*/runs/*/{notebook}/report.json")
    path = max(paths, key=lambda one: one.stat().st_mtime, default=None)
    return None if path is None else json.loads(path.read_text(encoding="utf-8"))


def check(rows: Iterable[Row], *, home: Path = ROOT) -> tuple[int, list[str]]:
    """How many places were looked up in the reports that there are, and what is wrong with which."""
    reports: dict[str, Any] = {}
    looked, wrong = 0, []
    for row in rows:
        if not row["pointer"]:
            continue
        name = row["report"]
        if name not in reports:
            reports[name] = newest(name, home=home)
        if reports[name] is None:
            continue
        looked += 1
        if not holds(look_up(reports[name], row["pointer"])):
            wrong.append(f"{row['id']}: {name} has nothing at {row['pointer']}")
    return looked, wrong


def table(found: dict[str, Counter[str]]) -> str:
    """The counts as lines of text."""
    lines = [["source", *STATUSES, "rows"]]
    lines += [[source, *(str(by[status]) for status in STATUSES), str(by.total())] for source, by in found.items()]
    return "\n".join("".join(f"{cell:>10}" for cell in line) for line in lines)


def main(arguments: list[str]) -> int:
    rows = read()
    if "--open" in arguments:
        for row in rows:
            if row["missing"]:
                print(f"{row['id']:12} {row['status']:8} {row['missing']}")
        return 0
    print(table(counts(rows)))
    if "--check" not in arguments:
        return 0
    looked, wrong = check(rows)
    print(
        f"{looked} of {sum(bool(row['pointer']) for row in rows)} places were looked up, {len(wrong)} hold nothing",
        *wrong,
        sep="\n",
    )
    return 1 if wrong or not looked else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
