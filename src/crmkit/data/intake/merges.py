"""Which records does the client say are one customer, and under which id does that customer count?

``merge`` in a params file names a file with two columns, ``customer_id`` and ``kept_id``. It is applied when tables are read,
in every column that names a customer, before rows are checked, so that all that follows is as if the exports had been mended.
Of a table with a row per customer the row of the kept id stands; its ``created_at`` is the earliest of them all.
Nothing is ever merged that the file does not name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmkit.core.errors import DataError, Problem, counted, did_you_mean, quoted
from crmkit.core.results import Quantity, Text
from crmkit.core.settings import Settings, TableSettings
from crmkit.data.intake.headers import match_columns
from crmkit.data.intake.ids import find_spoils, id_reading
from crmkit.data.intake.plain import look_at
from crmkit.data.sources import readers
from crmkit.data.sources.engine import identifier, literal, query
from crmkit.data.sources.files import Stamp, stamp_of
from crmkit.data.tables import Column, TableContract

TABLE, MAP = "merge", "merge_map"
OLD, KEPT = "customer_id", "kept_id"
CONTRACT = TableContract(columns={OLD: Column("id", required=True), KEPT: Column("id", required=True)})
# columns that name a customer; whoever was referred may have become one
CUSTOMERS = ("customer_id", "referrer_id", "referred_id")
CREATED = "created_at"
SHOWN = 5
COUNTED = Text("{n} {n:row names|rows name} a customer who was merged into another: {n:it counts|they count} there")


@dataclass(frozen=True)
class Merge:
    """A client's merge map.

    Parameters
    ----------
    where : str
        What to name in a message.
    kept : dict of str to str
        Id that is given up: the id that its customer keeps.
    problems : tuple of str
        What is wrong with the map itself; where there is any, it is not applied.
    found : set of str
        Those of its ids that a table has had so far.
    """

    where: str
    kept: Mapping[str, str]
    problems: tuple[str, ...] = ()
    found: set[str] = field(default_factory=set)

    def unknown(self) -> tuple[str, ...]:
        """What is wrong with ids that no table has, once all have been read."""
        missing = sorted(({*self.kept} | {*self.kept.values()}) - self.found)
        return _told([Problem(self.where, f"names {_several(missing, 'id')} that no table has")] if missing else [])


def merge_stamp(settings: Settings, *, home: Path) -> Stamp | None:
    """How the file of a client's merges is now; None where there is none, or it is not there."""
    path = home / settings.merge
    return stamp_of(path) if settings.merge and path.is_file() else None


def read_merge(con: Any, settings: Settings, *, home: Path, spill: Path) -> Merge | None:
    """A client's merge map with everything that is wrong with it; None where the params file names none.

    A chain is refused, with the id that it ends in: which of two decisions was meant is not guessed.
    """
    if not settings.merge:
        return None
    where, path = f"params/{settings.client}.yml, merge:", home / settings.merge
    if not path.is_file():
        there = [one.name for one in path.parent.iterdir() if one.is_file()] if path.parent.is_dir() else []
        hint = did_you_mean(path.name, there) if there else ""
        return Merge(where, {}, _told([Problem(where, f"there is no file {settings.merge}", hint=hint)]))
    try:
        rows = _rows(con, path, spill=spill, where=where)
    except DataError as err:
        return Merge(where, {}, tuple(err.problems))
    where = f"{settings.merge}:"
    problems = _problems(rows, where=where)
    kept = {old: new for _, old, new in rows if old and new}
    values = ", ".join(f"({literal(old)}, {literal(new)})" for old, new in kept.items())
    empty = "SELECT NULL::VARCHAR AS old, NULL::VARCHAR AS kept WHERE false"
    query(con, f"CREATE OR REPLACE TABLE {MAP} AS {f'FROM (VALUES {values}) AS t(old, kept)' if kept else empty}")
    return Merge(where, kept, _told(problems))


def merged(con: Any, table: str, typed: str, merge: Merge, *, contract: TableContract, present: Sequence[str]) -> str:
    """The relation in which every customer counts under the id that was kept: ``merged_<table>``, or ``typed`` itself.

    Of rows that only the map makes equal in what no two rows may share, that of the kept id stands; others are set aside.
    """
    ids = [name for name in CUSTOMERS if name in present and name in contract.columns]
    if not (ids and merge.kept):
        return typed
    values = " UNION ALL ".join(f"SELECT {identifier(name)} AS id FROM {typed} WHERE __aside IS NULL" for name in ids)
    known = f"SELECT old AS id FROM {MAP} UNION SELECT kept FROM {MAP}"
    there = query(con, f"SELECT DISTINCT id FROM ({values}) SEMI JOIN ({known}) USING (id)")
    merge.found.update(one for (one,) in there)
    if merge.problems or not merge.found & {*merge.kept}:
        return typed
    joins = " ".join(f"LEFT JOIN {MAP} AS m{at} ON t.{identifier(name)} = m{at}.old" for at, name in enumerate(ids))
    was = " OR ".join(f"m{at}.old IS NOT NULL" for at in range(len(ids)))
    mapped = ", ".join(f"coalesce(m{at}.kept, t.{identifier(name)}) AS {identifier(name)}" for at, name in enumerate(ids))
    select = f"SELECT t.* REPLACE ({mapped}), ({was}) AS __merged FROM {typed} AS t {joins}"
    replaced = []
    if set(contract.unique) & set(ids) and set(contract.unique) <= set(present):
        keys = ", ".join(map(identifier, contract.unique))
        nth = f"row_number() OVER (PARTITION BY {keys}, __aside IS NULL ORDER BY __merged, __file, __row)"
        replaced.append(f"CASE WHEN __merged AND __aside IS NULL AND {nth} > 1 THEN 'merged' ELSE __aside END AS __aside")
        if contract.event == CREATED and CREATED in present and contract.unique == (OLD,):
            first = f"min({CREATED}) FILTER (WHERE __aside IS NULL) OVER (PARTITION BY {OLD})"
            replaced.append(f"CASE WHEN __aside IS NULL THEN {first} ELSE {CREATED} END AS {CREATED}")
    columns = f"* REPLACE ({', '.join(replaced)})" if replaced else "*"
    query(con, f"CREATE OR REPLACE VIEW merged_{table} AS SELECT {columns} FROM ({select})")
    return f"merged_{table}"


def merge_notes(con: Any, relation: str) -> list[Text]:
    """How many rows of a merged table count for another id than they name."""
    ((n,),) = query(con, f"SELECT count(*) FILTER (__merged AND __aside IS NULL) FROM {relation}")
    return [Text(COUNTED.template, {"n": Quantity(n, "count")})] if n else []


def _rows(con: Any, path: Path, *, spill: Path, where: str) -> list[tuple[int, str, str]]:
    """Row number, id given up and id kept of each line that holds anything, read as the ids of any table are."""
    settings = TableSettings()

    def match(headers: Sequence[str], place: str) -> Any:
        return match_columns(headers, contract=CONTRACT, settings=settings, where=place, params=where)

    raw = readers.read_files(con, TABLE, [path], settings=settings, match=match, spill=spill)
    look = look_at(con, raw.relation, raw.types, contract=CONTRACT, settings=settings)
    pointed, _ = find_spoils(con, raw.relation, raw.types, CONTRACT, look=look)
    old, kept = (
        id_reading(identifier(name), pointed=name in pointed) if found == "VARCHAR" else f"CAST({identifier(name)} AS VARCHAR)"
        for name, found in ((name, raw.types[name]) for name in (OLD, KEPT))
    )
    found = query(con, f"SELECT __row, coalesce({old}, ''), coalesce({kept}, '') FROM {raw.relation} ORDER BY __row")
    readers.forget(con, raw)
    return [(row, old, kept) for row, old, kept in found if old or kept]


def _problems(rows: Sequence[tuple[int, str, str]], *, where: str) -> list[Problem]:
    """Half lines, ids given up twice, circles, and ids that are kept and given up."""
    half = [str(row) for row, old, kept in rows if not (old and kept)]
    pairs = dict.fromkeys((old, kept) for _, old, kept in rows if old and kept)
    into: dict[str, list[str]] = {}
    for old, kept in pairs:
        into.setdefault(old, []).append(kept)
    twice = sorted(old for old, kept in into.items() if len(kept) > 1)
    once = {old: kept[0] for old, kept in into.items()}
    circles, chains = [], []
    for old, kept in once.items():
        way = [old]
        while way[-1] in once and once[way[-1]] not in way:
            way.append(once[way[-1]])
        if way[-1] in once:
            circles.append(old)
        elif len(way) > 2:
            chains.append((kept, way[-1]))
    found = []
    if half:
        said = f"row {half[0]}" if len(half) == 1 else f"rows {', '.join(half[:SHOWN])}"
        more = f" and {len(half) - SHOWN} more" if len(half) > SHOWN else ""
        found.append(Problem(where, f"has one id only in {said}{more}", f"{OLD} and {KEPT} are expected"))
    if twice:
        found.append(Problem(where, f"gives up {_several(twice, 'id')} for two others", "one kept_id each is expected"))
    if circles:
        found.append(
            Problem(where, f"leads in a circle from {_several(sorted(circles), 'id')}", "one id of each has to be kept")
        )
    for kept, last in dict.fromkeys(chains):
        what = f"keeps {quoted(repr(kept))}, which it gives up itself"
        found.append(Problem(where, what, f"write {quoted(repr(last))}, in which that ends"))
    return found


def _told(problems: Sequence[Problem]) -> tuple[str, ...]:
    return tuple(DataError(list(problems)).problems) if problems else ()


def _several(ids: Sequence[str], noun: str) -> str:
    """How many ids, and the first of them, covered wherever the message is kept."""
    listed = ", ".join(quoted(repr(one)) for one in ids[:SHOWN])
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return f"{counted(len(ids), noun)} ({listed}{more})"
