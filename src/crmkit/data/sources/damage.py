"""Which file is damaged, cut off, or packed up in an archive? Said in one sentence, before or while the engine reads it.

Stands alone: the client's door asks it around all that the engine reads later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crmkit.core.errors import DataError
from crmkit.data.sources.engine import literal, query
from crmkit.data.sources.files import SUFFIXES, kind_of

DAMAGED_DATABASE = ("Corrupt", "enough bytes", "not a valid DuckDB", "checksum", "Serialization", "deserialize")
# what the engine calls its own errors where a source is damaged
OF_DAMAGE = ("InvalidInputException", "SerializationException", "InternalException", "FatalException")
PACKED = {
    b"\x1f\x8b": "a gzip archive",
    b"PK\x03\x04": "a zip archive or a workbook",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a rar archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"PAR1": "a Parquet file",
    b"\xd0\xcf\x11\xe0": "a workbook",
}


@contextmanager
def telling_damage(con: Any, paths: Callable[[], Sequence[Path]], *, where: str = "") -> Iterator[None]:
    """Name the Parquet or DuckDB file that the engine cannot read to its end; whatever else goes wrong passes through.

    Raises
    ------
    DataError
        When one of the files that ``paths`` gives is damaged.
    """
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as err:
        files = paths()
        lazy = [path for path in files if kind_of(path) == "parquet" or path.suffix.casefold() not in SUFFIXES]
        worst = next((path for path in lazy if _is_damaged(con, path)), None)
        # a disk that is full is no damage, nor is a statement that is wrong
        said = (
            type(err) is duckdb.Error or type(err).__name__ in OF_DAMAGE or any(word in str(err) for word in DAMAGED_DATABASE)
        )
        if not lazy or (worst is None and not said):
            raise
        named = worst.name if worst is not None else ", ".join(path.name for path in lazy)
        raise DataError(f"{where}{named} is damaged, it cannot be read to its end; export it again") from err


def _is_damaged(con: Any, path: Path) -> bool:
    import duckdb

    try:
        if kind_of(path) == "parquet":
            query(con, f"SELECT max(hash(COLUMNS(*))) FROM read_parquet({literal(path)})")
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        return True
    return False


def refuse_packed(path: Path, *, where: str) -> None:
    """A file that has to be unpacked before anybody can read it."""
    if kind_of(path) != "text":
        return
    with path.open("rb") as file:
        start = file.read(8)
    packed = next((name for mark, name in PACKED.items() if start.startswith(mark)), "")
    if packed:
        raise DataError(f"{where} is no text file but {packed}; unpack it, or name it by what it is")
