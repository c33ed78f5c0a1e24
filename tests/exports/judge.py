"""Opens an export as any client's data and says everything that is not as it should be."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

from crmkit.core.errors import CrmkitError
from crmkit.data.client import open_client
from crmkit.data.sources.engine import identifier, query
from exports.files import write
from exports.model import AFTER, ITEMS, USED, Export


def judge(export: Export, home: Path) -> list[str]:
    """What is wrong in the reading of this export; nothing where all is right.

    An error of the kit that was due is right; any other exception is let through, as the traceback that it is.
    """
    write(export, home)
    try:
        client = open_client("acme", home=home)
    except CrmkitError as err:
        return _refused(export, err.shown)
    with client:
        wrong = [] if not export.refused else [f"opened, although refused is right: {export.refused}"]
        return wrong or [*_rows(export, client, home), *_values(export, client)]


def _refused(export: Export, problems: tuple[str, ...]) -> list[str]:
    said = [
        f"not said: {parts} in {problems}"
        for parts in export.refused
        if not any(all(p in one for p in parts) for one in problems)
    ]
    return said if export.refused else [f"refused: {' | '.join(problems)}"]


def _rows(export: Export, client: Any, home: Path) -> list[str]:
    """Rows that count, and rows by reason."""
    intake = next(one for one in client.intake if one.table == export.table)
    wrong = []
    fates = Counter(row.fate for row in export.rows)
    after, used = fates.pop(AFTER, 0), fates.pop(USED, 0)
    if intake.rows_read != len(export.rows):
        wrong.append(f"{intake.rows_read} rows read, {len(export.rows)} are there")
    if intake.rows_set_aside != dict(fates):
        wrong.append(f"set aside {intake.rows_set_aside}, right is {dict(fates)}")
    if intake.rows_read != intake.rows_kept + sum(intake.rows_set_aside.values()) + intake.rows_after_as_of:
        wrong.append(f"rows do not add up: {intake}")
    if intake.rows_after_as_of != after or intake.rows_kept != used:
        wrong.append(f"{intake.rows_kept} kept, {intake.rows_after_as_of} after; right is {used} used and {after} after")
    wrong += _rejects(export, home)
    return wrong


def _rejects(export: Export, home: Path) -> list[str]:
    """Every row that is not kept stands in the file of rejected rows, with its number."""
    path = home / "work" / "acme" / "rejects" / f"{export.table}.csv"
    there = path.exists()
    aside = [row for row in export.rows if row.fate not in (USED, AFTER)]
    if not aside:
        return (
            [f"{path.name} has rows although none is set aside"]
            if there and len(path.read_text("utf-8").splitlines()) > 1
            else []
        )
    if not there:
        return ["there is no file of rejected rows"]
    if export.source not in ("csv", "xlsx") or export.form.get("parts") or export.form.get("unnumbered"):
        return []
    import csv

    with open(path, encoding="utf-8", newline="") as handle:
        numbers = {int(line["row"]) for line in csv.DictReader(handle)}
    missing = [export.number_of(row) for row in aside if export.number_of(row) not in numbers]
    return [f"rows {missing} are not among the rejected {sorted(numbers)}"] if missing else []


def _values(export: Export, client: Any) -> list[str]:
    table = export.table
    wide = table == "surveys"
    relation = client.tables[table].get_name()
    names = [name for name in export.kinds if not (wide and name in ITEMS)]
    if not names or relation is None:
        return []
    found = query(client.con, f"SELECT {', '.join(map(identifier, names))} FROM {identifier(relation)}")
    rows = export.used()
    if wide:
        found = list(dict.fromkeys(found))
    wrong = _differing(names, [[row.truth.get(name) for name in names] for row in rows], found)
    if wide:
        answers = query(client.con, f"SELECT response_id, item_id, score FROM {identifier(relation)} WHERE score IS NOT NULL")
        right = [
            [row.truth["response_id"], item, row.truth[item]]
            for row in rows
            for item in ITEMS
            if row.truth.get(item) is not None
        ]
        wrong += _differing(["response_id", "item_id", "score"], right, answers)
    return wrong


def _differing(names: list[str], right: list[list[Any]], found: list[tuple[Any, ...]]) -> list[str]:
    wanted, there = (Counter(tuple(map(_same, line)) for line in lines) for lines in (right, found))
    missing, surplus = wanted - there, there - wanted
    if not missing and not surplus:
        return []
    shown = [dict(zip(names, line, strict=True)) for line in [*list(missing)[:1], *list(surplus)[:1]]]
    if len(shown) == 2 and missing and surplus:
        one, other = shown
        nearest = max(surplus, key=lambda line: sum(a == b for a, b in zip(line, next(iter(missing)), strict=True)))
        other = dict(zip(names, nearest, strict=True))
        shown = [{name: value for name, value in each.items() if one[name] != other[name]} for each in (one, other)]
    return [f"{sum(missing.values())} rows read wrong: right {shown[0]}, read {shown[-1]}"]


def _same(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, Decimal | int | float):
        return Decimal(str(value)).normalize() + 0
    if isinstance(value, dt.datetime):
        return value.replace(microsecond=0).isoformat()
    return value.isoformat() if isinstance(value, dt.date) else value
