"""Have these files been read before, just as they are? Then their typed, checked tables lie in one file of the client's own.

Four notebooks, ``check`` and the next run read the same exports; reading, typing and checking them takes longer than most that
is asked of them. The copy is found by what it depends on: content of the files, how they are declared, and the code that reads
them. It is written beside its place and then moved there, so it is whole or absent. It holds what the export holds: it lies in
``work/<client>/copy``, which only its owner may read, is not passed on, and goes with ``crmkit clean``.

Made of text and workbooks alone: Parquet and databases are read where they are, and so is what is read in a moment anyway.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from crmkit.core.results import Quantity, Text
from crmkit.core.settings import Settings, copy_folder
from crmkit.data.intake.merges import merge_stamp
from crmkit.data.intake.rejects import SetAside
from crmkit.data.intake.table import Intake, Loaded
from crmkit.data.sources.engine import literal, query
from crmkit.data.sources.files import Source, Stamp, find_files, kind_of, stamp_of
from crmkit.data.tables import TABLES

# files of fewer bytes are read in less time than a copy of them is made
FEW_BYTES = 1 << 20
FORM = 1
ATTACHED, WRITING = "crm_copy", "crm_new_copy"
SUFFIX = ".duckdb"
# what no reading of a table depends on
BESIDE = {"title", "language", "privacy"}
WRITTEN: dict[str, Any] = {one.__name__: one for one in (Intake, SetAside, Text, Quantity)}


@dataclass(frozen=True)
class Copy:
    """Where the copy of a client's tables is, or will be.

    Parameters
    ----------
    path : Path
        The file, named by all that its content depends on.
    stamps : dict of str to tuple of Stamp
        The files of each table, as they are now.
    rejects : Path
        Folder of the rows that were not kept, which come and go with the tables.
    """

    path: Path
    stamps: Mapping[str, tuple[Stamp, ...]]
    rejects: Path

    def restore(self, con: Any) -> dict[str, Loaded] | None:
        """The tables out of the copy; None where there is none, or it cannot be read."""
        import duckdb

        if not self.path.is_file():
            return None
        try:
            query(con, f"ATTACH {literal(self.path)} AS {ATTACHED} (READ_ONLY)")
            told = json.loads(query(con, f"SELECT told FROM {ATTACHED}.told")[0][0])
        except (duckdb.Error, ValueError):
            with suppress(duckdb.Error):
                query(con, f"DETACH {ATTACHED}")
            return None
        for table, one in told.items():
            _put_back(self.rejects / f"{table}.csv", one["rejects"])
        return {
            table: Loaded(
                f"{ATTACHED}.kept_{table}",
                tuple(one["columns"]),
                self.stamps[table],
                read_back(one["intake"]),
                tuple(one["items"]),
            )
            for table, one in told.items()
        }

    def save(self, con: Any, loaded: Mapping[str, Loaded]) -> None:
        """Keep the tables for the next who reads them; where there is no room for it, that one reads the files again."""
        import duckdb

        told = {table: self._told(table, one) for table, one in loaded.items()}
        if any(read_back(told[table]["intake"]) != one.intake for table, one in loaded.items()):
            return
        partial = self.path.with_name(f".{self.path.stem}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.parent.chmod(0o700)
            query(con, f"ATTACH {literal(partial)} AS {WRITING}")
            try:
                partial.chmod(0o600)
                for table, one in loaded.items():
                    query(con, f"CREATE TABLE {WRITING}.kept_{table} AS SELECT * FROM {one.relation}")
                query(con, f"CREATE TABLE {WRITING}.told AS SELECT {literal(json.dumps(told))} AS told")
            finally:
                query(con, f"DETACH {WRITING}")
            partial.replace(self.path)
            for other in self.path.parent.iterdir():
                if other.suffix == SUFFIX and other != self.path:
                    other.unlink(missing_ok=True)
        except (duckdb.Error, OSError):
            for left in self.path.parent.glob(f"{partial.name}*"):
                with suppress(OSError):
                    left.unlink()

    def _told(self, table: str, one: Loaded) -> dict[str, Any]:
        rejects = self.rejects / f"{table}.csv"
        return {
            "columns": one.columns,
            "items": one.items,
            "intake": written(one.intake),
            "rejects": rejects.read_text(encoding="utf-8") if rejects.is_file() else None,
        }


def copy_of(settings: Settings, source: Source, *, home: Path, rejects: Path) -> Copy | None:
    """Where the copy of a client's tables is; None where there shall be none.

    Raises
    ------
    DataError
        When a table's files cannot be found.
    """
    if source.database or not settings.privacy.keep_copy:
        return None
    found = {table: find_files(table, source=source, tables=settings.tables) for table in TABLES}
    paths = [path for files in found.values() for path in files]
    if any(kind_of(path) == "parquet" for path in paths) or sum(path.stat().st_size for path in paths) < FEW_BYTES:
        return None
    stamps = {table: tuple(stamp_of(path) for path in files) for table, files in found.items() if files}
    merge = merge_stamp(settings, home=home)
    if settings.merge and merge is None:
        return None
    said = {
        "form": FORM,
        "merge": merge.sha256 if merge is not None else "",
        "code": _code(),
        "settings": settings.model_dump(mode="json", exclude=BESIDE),
        "files": {table: [(one.path.name, one.sha256) for one in ones] for table, ones in stamps.items()},
    }
    name = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]
    return Copy(copy_folder(settings.client, home=home) / f"{name}{SUFFIX}", stamps, rejects)


@cache
def _code() -> str:
    """Which release of the engine, and which code of ours reads: in a checkout each change counts, not the release alone."""
    from importlib import metadata

    package = Path(__file__).parents[2]
    files = sorted((*package.glob("core/*.py"), *package.glob("data/**/*.py")))
    states = [(path.relative_to(package).as_posix(), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    said = [metadata.version("duckdb"), metadata.version("crmkit"), states]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def written(value: Any) -> Any:
    """A value of an intake as JSON has it; what is no plain value says what it is.

    Examples
    --------
    >>> written(Text("{n} rows", {"n": Quantity(3, "count")}))["of"]
    'Text'
    >>> read_back(written(Quantity(dt.date(2025, 1, 31), "date"))).value
    datetime.date(2025, 1, 31)
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {"of": type(value).__name__, "with": {one.name: written(getattr(value, one.name)) for one in fields(value)}}
    if isinstance(value, Mapping):
        return {"map": {name: written(one) for name, one in value.items()}}
    if isinstance(value, str | int | float | None):
        return value
    if isinstance(value, Sequence):
        return [written(one) for one in value]
    if type(value) is dt.date:
        return {"day": value.isoformat()}
    return {"number": str(value)} if isinstance(value, Decimal) else {"unknown": repr(value)}


def read_back(value: Any) -> Any:
    """What :func:`written` has written."""
    if isinstance(value, list):
        return tuple(read_back(one) for one in value)
    if not isinstance(value, dict):
        return value
    ((kind, held), *more) = value.items()
    if kind == "of":
        return WRITTEN[held](**{name: read_back(one) for name, one in more[0][1].items()})
    if kind == "map":
        return {name: read_back(one) for name, one in held.items()}
    if kind == "day":
        return dt.date.fromisoformat(held)
    return Decimal(held) if kind == "number" else None


def _put_back(path: Path, content: str | None) -> None:
    """The file of a table's rows that were not kept, as it was when they were read; none where all were."""
    if content is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8", newline="") as file:
        file.write(content)
    partial.replace(path)
