"""Are two builds' reports the same? `python benchmarks/same_reports.py OLD NEW` prints every difference.

OLD and NEW are `reports/` folders (or checkouts that hold one). For each client and day the last good run of each notebook
is compared: report.json, the result tables, the lists, and the words of the pages. Numbers agree to a relative 1e-7, text
and counts exactly; what belongs to one run alone (its id, its time, versions, fingerprints) is left out. Exit code 1 when
anything differs.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pandas as pd

RELATIVE = 1e-7
NEAR_ZERO = 1e-9  # two numbers that are both nothing, such as a p value and a rest of rounding
OF_ONE_RUN = {"generated_at", "versions", "fingerprint", "run", "run_id", "seconds", "packages"}
HIDDEN = {"style", "script", "template"}
PROVENANCE = re.compile(r"[0-9a-f]{6,64}|\d{8}T\d{6,9}(?:-[0-9a-f]+)?|\d{4}-\d\d-\d\d[T ]\d\d:\d\d\S*")
WHEN = re.compile(r"^(Generated|生成时间) .*")


def reports_of(folder: Path) -> Path:
    """The reports folder itself, or that of a checkout."""
    return folder / "reports" if (folder / "reports").is_dir() else folder


def runs(folder: Path) -> dict[str, Path]:
    """Folder of the last good run by client, day and notebook."""
    found = {}
    for latest in sorted(folder.glob("*/*/latest.json")):
        content = json.loads(latest.read_text(encoding="utf-8"))
        for analysis, run in content["analyses"].items():
            found[f"{content['client']} {content['as_of']} {analysis}"] = latest.parent / run["folder"]
    return found


def close(old: float, new: float) -> bool:
    """Equal, both not a number, or within the relative distance."""
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    if isinstance(old, int) and isinstance(new, int):
        return old == new
    if math.isnan(old) or math.isnan(new):
        return math.isnan(old) and math.isnan(new)
    return old == new or abs(old - new) <= max(RELATIVE * max(abs(old), abs(new)), NEAR_ZERO)


def differences(old: Any, new: Any, place: str = "") -> Iterator[str]:
    """Every place where two JSON values differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            if key in OF_ONE_RUN:
                continue
            if key not in old or key not in new:
                yield f"{place}/{key}: only in the {'new' if key in new else 'old'} build"
            else:
                yield from differences(old[key], new[key], f"{place}/{key}")
    elif isinstance(old, list) and isinstance(new, list):
        left, right = _by_name(old), _by_name(new)
        if left and right:
            yield from differences(left, right, place)
            if [name for name in left if name in right] != [name for name in right if name in left]:
                yield f"{place}: in another order"
            return
        if len(old) != len(new):
            yield f"{place}: {len(old)} entries, now {len(new)}"
        for number, (one, other) in enumerate(zip(old, new, strict=False)):
            yield from differences(one, other, f"{place}/{_name(one, number)}")
    elif isinstance(old, int | float) and isinstance(new, int | float):
        if not close(old, new):
            yield f"{place}: {old!r}, now {new!r}"
    elif old != new:
        yield f"{place}: {str(old)[:160]!r}, now {str(new)[:160]!r}"


def _by_name(entries: list[Any]) -> dict[str, Any]:
    """The entries by their ids; none where one has no id, or two have the same."""
    found = {_name(entry, number): entry for number, entry in enumerate(entries)}
    return found if len(found) == len(entries) and not any(name.isdigit() for name in found) else {}


def _name(entry: Any, number: int) -> str:
    """An entry of a list by its id where it has one."""
    if isinstance(entry, dict):
        for key in ("id", "key", "name"):
            if isinstance(entry.get(key), str):
                return entry[key]
    return str(number)


def table_differences(old: Path, new: Path) -> Iterator[str]:
    """Where two tables differ: columns, rows, cells."""
    left, right = _table(old), _table(new)
    if list(left.columns) != list(right.columns):
        yield f"columns {list(left.columns)}, now {list(right.columns)}"
        return
    if len(left) != len(right):
        yield f"{len(left)} rows, now {len(right)}"
        return
    for column in left.columns:
        pairs = zip(left[column], right[column], strict=True)
        bad = [(row, a, b) for row, (a, b) in enumerate(pairs) if not _same_cell(a, b)]
        if bad:
            row, a, b = bad[0]
            yield f"column {column!r}: {len(bad)} of {len(left)} cells, first in row {row}: {a!r}, now {b!r}"


def _table(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


def _same_cell(old: Any, new: Any) -> bool:
    number = (int, float)
    if hasattr(old, "item"):
        old = old.item() if getattr(old, "size", 1) == 1 else old.tolist()
    if hasattr(new, "item"):
        new = new.item() if getattr(new, "size", 1) == 1 else new.tolist()
    if isinstance(old, number) and isinstance(new, number):
        return close(old, new)
    if isinstance(old, list | dict) or isinstance(new, list | dict):
        return not list(differences(old, new))
    if isinstance(old, str) and isinstance(new, str) and old[:1] in ("[", "{"):
        return old == new or not list(differences(_parsed(old), _parsed(new)))
    return (pd.isna(old) and pd.isna(new)) or old == new


def _parsed(text: str) -> Any:
    """What a cell of JSON holds; the text itself where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text


class Words(HTMLParser):
    """The pieces of text that a reader of a page sees or hears."""

    def __init__(self) -> None:
        super().__init__()
        self.depth, self.pieces = 0, []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.depth += tag in HIDDEN
        self.pieces += [value for name, value in attributes if name in ("alt", "aria-label", "title") and value]

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag in HIDDEN

    def handle_data(self, data: str) -> None:
        if not self.depth and data.strip():
            self.pieces.append(" ".join(data.split()))


def words(page: Path) -> list[str]:
    """What a page says, without what belongs to one run."""
    reader = Words()
    reader.feed(page.read_text(encoding="utf-8"))
    return [PROVENANCE.sub("#", WHEN.sub(r"\1#", piece)) for piece in reader.pieces]


def page_differences(old: Path, new: Path) -> Iterator[str]:
    """Pieces of text that only one of two pages has."""
    left, right = words(old), words(new)
    if left == right:
        return
    before, after = set(left), set(right)
    gone = [piece for piece in left if piece not in after]
    come = [piece for piece in right if piece not in before]
    if not gone and not come:
        yield "the same words in another order or number"
    for one, other in zip_longest(gone, come):
        yield f"{one[:160] if one else None!r}, now {other[:160] if other else None!r}"


def compare(old: Path, new: Path) -> tuple[int, list[str]]:
    """How many notebooks were compared, and every difference as a line."""
    left, right = runs(reports_of(old)), runs(reports_of(new))
    lines = [f"{name}: only in the {'new' if name in right else 'old'} build" for name in sorted(set(left) ^ set(right))]
    both = sorted(set(left) & set(right))
    for name in both:
        before, after = left[name], right[name]
        reports = [json.loads((path / "report.json").read_text(encoding="utf-8")) for path in (before, after)]
        lines += [f"{name} report.json{line}" for line in differences(*reports)]
        for pattern, judge in (
            ("results/*.parquet", table_differences),
            ("lists/*.csv", table_differences),
            ("*.html", page_differences),
        ):
            files = [{path.relative_to(folder): path for path in folder.glob(pattern)} for folder in (before, after)]
            lines += [f"{name} {path}: only in one build" for path in sorted(set(files[0]) ^ set(files[1]))]
            for path in sorted(set(files[0]) & set(files[1])):
                lines += [f"{name} {path}: {line}" for line in judge(files[0][path], files[1][path])]
    return len(both), lines


def main() -> int:
    """Print every difference and a last line with their number."""
    parser = argparse.ArgumentParser(description="Compare the reports of two builds.")
    parser.add_argument("old", type=Path, nargs="?", help="reports of the old build, or its checkout")
    parser.add_argument("new", type=Path, nargs="?", help="reports of the new build, or its checkout")
    parser.add_argument("--only", help="compare only names that hold this text")
    asked = parser.parse_args()
    if asked.new is None:
        print("two builds are needed: python benchmarks/same_reports.py OLD NEW\ndifferences  not measured 0 short")
        return 0
    compared, lines = compare(asked.old, asked.new)
    lines = [line for line in lines if not asked.only or asked.only in line]
    print("\n".join(lines))
    bar = "met" if compared and not lines else "short"
    print(f"differences in {compared} notebooks  {len(lines)} 0 {bar}")
    return int(bool(lines) or not compared)


if __name__ == "__main__":
    sys.exit(main())
