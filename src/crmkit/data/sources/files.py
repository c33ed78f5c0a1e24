"""Which files hold a table? The source of a client is a folder, a DuckDB file, or a folder inside an installed package."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path, PurePosixPath

from crmkit.core.errors import DataError, Problem, did_you_mean
from crmkit.core.settings import TableSettings, expand

TEXT = (".csv", ".txt", ".tsv")
PARQUET = (".parquet", ".pq")
WORKBOOK = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")
SUFFIXES = (*TEXT, *PARQUET, *WORKBOOK)
DATABASE_SUFFIXES = (".duckdb", ".db")
DATABASE_PREFIX = "duckdb:///"
PREFIX = "package:"
WILDCARDS = frozenset("*?[")


@dataclass(frozen=True)
class Source:
    """Where a client's tables lie: a folder of files, or one database file."""

    path: Path
    database: bool
    label: str

    @cached_property
    def there(self) -> list[str]:
        """Every file below the folder, looked for once."""
        return sorted(path.relative_to(self.path).as_posix() for path in self.path.rglob("*") if path.is_file())


def open_source(source: str, *, home: Path, where: str) -> Source:
    """What does ``source`` of a params file name?

    Parameters
    ----------
    source : str
        A folder, ``duckdb:///path``, a path that ends in .duckdb or .db, or ``package:<distribution>/<subfolder>``;
        relative paths count from the project root; ``${NAME}`` is replaced from the environment.
    home : Path
        Project root.
    where : str
        What to name in a message.

    Raises
    ------
    DataError
        When it does not exist.
    """
    if source.startswith(PREFIX):
        return Source(package_folder(source), database=False, label=source)
    path = home / expand(source, where=f"{where}, source").removeprefix(DATABASE_PREFIX)
    database = source.startswith(DATABASE_PREFIX) or path.suffix in DATABASE_SUFFIXES
    if database and not path.is_file():
        raise DataError(Problem(f"{where}, source:", f"there is no database file {source}", hint=_beside(path)))
    if not database and not path.is_dir():
        raise DataError(Problem(f"{where}, source:", f"there is no folder {source}", hint=_beside(path)))
    return Source(path, database=database, label=source)


def find_files(table: str, *, source: Source, tables: Mapping[str, TableSettings]) -> list[Path]:
    """The files that hold a table, in order of name; none where the client does not have it.

    Parameters
    ----------
    table : str
    source : Source
    tables : mapping of str to TableSettings
        What is declared of each table. Of a table that is not, a file that bears its name is taken, unless it was declared to
        hold another one.

    Raises
    ------
    DataError
        When a declared file does not exist (the nearest name is offered), or two files are named like the table.
    """
    there, settings = source.there, tables.get(table)
    if settings is not None and settings.file is not None:
        return [source.path / name for name in _declared(table, settings.file, source=source, there=there)]
    others = [one.file for one in tables.values() if one.file is not None]
    named = [
        name
        for name in there
        if _is_table(Path(name), table) and not any(name == one or Path(name).match(one) for one in others)
    ]
    if len(named) > 1:
        raise DataError(f"{table}: {' and '.join(named)} are both named like the table; say which one with file")
    if not named and settings is not None:
        hint = did_you_mean(f"{table}.csv", there) or "the folder is empty"
        raise DataError(Problem(f"{table}:", f"no file in {source.label} is named {table}", "declare file", hint))
    return [source.path / name for name in named]


def kind_of(path: Path) -> str:
    """``parquet``, ``workbook`` or ``text``, by the end of its name."""
    suffix = path.suffix.casefold()
    return "parquet" if suffix in PARQUET else "workbook" if suffix in WORKBOOK else "text"


def content_hash(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


@dataclass(frozen=True)
class Stamp:
    """How a file was when it was read: size, time of change, place on the disk, SHA-256 of its bytes."""

    path: Path
    size: int
    changed: int
    inode: int
    sha256: str


def stamp_of(path: Path) -> Stamp:
    """How a file is now; taken before it is read."""
    now = path.stat()
    return Stamp(path, now.st_size, now.st_mtime_ns, now.st_ino, content_hash(path))


def is_as_it_was(stamp: Stamp) -> bool:
    """Whether a file still holds what it held; its bytes are looked at only where something else has changed."""
    try:
        now = stamp.path.stat()
        if (now.st_size, now.st_mtime_ns, now.st_ino) == (stamp.size, stamp.changed, stamp.inode):
            return True
        return now.st_size == stamp.size and content_hash(stamp.path) == stamp.sha256
    except OSError:
        return False


def _declared(table: str, pattern: str, *, source: Source, there: list[str]) -> list[str]:
    if (source.path / pattern).is_file():
        return [pattern]
    if WILDCARDS & set(pattern):
        found = sorted(path.relative_to(source.path).as_posix() for path in source.path.glob(pattern) if path.is_file())
        if found:
            return found
    hint = did_you_mean(pattern, there) or "the folder is empty"
    raise DataError(Problem(f"{table}:", f"there is no file {pattern!r} in {source.label}", hint=hint))


def _is_table(path: Path, table: str) -> bool:
    return path.parent == Path() and path.stem.casefold() == table and path.suffix.casefold() in SUFFIXES


def _beside(path: Path) -> str:
    parent = path.parent
    return did_you_mean(path.name, [entry.name for entry in parent.iterdir()]) if parent.is_dir() else ""


def package_is_missing(source: str) -> bool:
    """Whether the data come with a package that is not installed; looked up without importing it."""
    if not source.startswith(PREFIX):
        return False
    try:
        metadata.distribution(source.removeprefix(PREFIX).split("/")[0])
    except metadata.PackageNotFoundError:
        return True
    return False


def package_folder(source: str) -> Path:
    """The folder that ``package:<distribution>/<subfolder>`` names; the package is never imported.

    Raises
    ------
    DataError
        When the distribution is not installed, with how to get it, or has no such folder.
    """
    distribution, _, subfolder = source.removeprefix(PREFIX).partition("/")
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError as err:
        raise DataError(
            f"source {source}: {distribution!r} is not installed; get the example data with: make examples"
        ) from err
    wanted = PurePosixPath(subfolder)
    folders = {str(file.parent): file for file in files}
    inside = next((file for file in files if file.parent == wanted), None)
    if inside is None:
        raise DataError(f"source {source}: has no folder {subfolder!r}; {did_you_mean(subfolder, folders)}")
    return Path(str(inside.locate())).parent
