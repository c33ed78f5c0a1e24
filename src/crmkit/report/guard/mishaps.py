"""What did the machine refuse? Said in words where that is known, else written down without values of customers.

Stands alone, and imports what it needs when there is something to say.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOM = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
DENIED = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
# names, because the engine's errors are known to whoever has imported it, and a kernel tells errors by name
NO_MEMORY = frozenset({"OutOfMemoryException", "MemoryError", "ArrayMemoryError", "_ArrayMemoryError"})
SYSTEM_ERRORS = frozenset({"OSError", "PermissionError", "FileNotFoundError"})
# the engine tells what the system refused in words alone
BY_WORDS = {os.strerror(number): number for number in (*sorted(ROOM), *sorted(DENIED))}
ENGINE_ERRORS = frozenset({"IOException"})
NUMBERED = re.compile(r"\[Errno (\d+)\]")
QUOTED = re.compile(r": '(.*)'$")
# a disk that has less than this is taken for full
LITTLE_ROOM = 1 << 20
DETAILS = "work/errors"


def said_of(error: BaseException, *, home: Path) -> str:
    """What the machine refused, as one sentence for the user; empty where that is not known.

    Parameters
    ----------
    error : BaseException
        What was raised, with what it was raised from.
    home : Path
        The project.
    """
    for one in _chain(error):
        if type(one).__name__ in NO_MEMORY:
            return memory_words(os.environ)
        if type(one).__name__ in ENGINE_ERRORS and (said := _engine_words(str(one), home)):
            return said
        if isinstance(one, OSError):
            return _system_words(one.errno or 0, str(one.filename or ""), home)
    return ""


def said_by_kernel(name: str, value: str, *, home: Path, environment: Mapping[str, str]) -> str:
    """The same of an error that a kernel has told: its name, its text, and the environment of the kernel."""
    if name in NO_MEMORY:
        return memory_words(environment)
    if name in ENGINE_ERRORS:
        return _engine_words(value, home)
    number = NUMBERED.match(value)
    if name not in SYSTEM_ERRORS or number is None:
        return ""
    file = QUOTED.search(value)
    return _system_words(int(number[1]), file[1] if file else "", home)


def memory_words(environment: Mapping[str, str]) -> str:
    """How much memory there was, by whom, and what to do.

    Examples
    --------
    >>> memory_words({"CRMKIT_MEMORY": "1MB"})
    'not enough memory: 1 MB by $CRMKIT_MEMORY; give more'
    """
    from crmkit.data.sources.engine import MEMORY_VARIABLE, memory_limit

    named = environment.get(MEMORY_VARIABLE, "")
    size = re.fullmatch(r"([\d.]+)\s*([A-Za-z]+)", named or memory_limit())
    amount = named if size is None else f"{size[1]} {size[2]}"
    if size is not None and size[2] == "B":
        amount = f"{float(size[1]) / 1e6:,.0f} MB"
    if named:
        return f"not enough memory: {amount} by ${MEMORY_VARIABLE}; give more"
    return f"not enough memory: the engine may use {amount}; give more by ${MEMORY_VARIABLE}, on a machine that has more"


def _system_words(number: int, file: str, home: Path) -> str:
    where = _inside(file, home)
    if number in ROOM:
        return f"no room is left on the disk of {_full(home)}; make room, then run again"
    parts = Path(where).parts
    if number in DENIED and parts[:1] in (("reports",), ()):
        return f"reports/ cannot be written: {os.strerror(number)}; allow it, then run again"
    if number in DENIED:
        return f"{where} cannot be read or written: {os.strerror(number)}; allow it, then run again"
    if number == errno.ENOENT and parts[:1] == ("reports",):
        return f"{'/'.join(parts[:2])} was removed while a run was writing to it; run it again"
    return ""


def _engine_words(value: str, home: Path) -> str:
    """What the system refused the engine; empty where it was something else."""
    number = next((number for words, number in BY_WORDS.items() if words in value), 0)
    file = re.search(r'"([^"]+)"', value)
    return _system_words(number, file[1] if file else "", home) if number else ""


def _inside(file: str, home: Path) -> str:
    """A path as seen from the project."""
    return Path(file).relative_to(home).as_posix() if file and Path(file).is_relative_to(home) else file


def _full(home: Path) -> str:
    """Which of the folders that are written has no room."""
    import shutil

    for path, name in ((home / "reports", "reports/"), (Path(tempfile.gettempdir()), "the temporary files")):
        try:
            if shutil.disk_usage(path).free < LITTLE_ROOM:
                return name
        except OSError:
            continue
    return "reports/"


def write_details(error: BaseException, *, home: Path | None) -> Path | None:
    """Write down where something went wrong: the lines of code, without their values, and without what the message quotes.

    Parameters
    ----------
    error : BaseException
    home : Path or None
        The project; None where there is none, or where it cannot be written: a temporary file is made.

    Returns
    -------
    Path or None
        A file that its owner alone can read; None where nothing can be written.
    """
    text = "\n".join(_details(error))
    for folder in (home / DETAILS if home is not None else None, Path(tempfile.gettempdir())):
        if folder is None:
            continue
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(prefix="crmkit-error-", suffix=".txt", dir=folder)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text + "\n")
        except OSError:
            continue
        return Path(name)
    return None


def place_of(error: BaseException) -> str:
    """The line of the kit at which something went wrong, else the line of whatever library."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "crmkit" in Path(frame.filename).parts] or frames
    return f"{Path(own[-1].filename).name}, line {own[-1].lineno}" if own else "nowhere"


def _details(error: BaseException) -> Iterator[str]:
    from importlib.metadata import version

    yield f"crmkit {version('crmkit')}, Python {sys.version.split()[0]}, {sys.platform}"
    for one in _chain(error):
        yield ""
        for frame in traceback.extract_tb(one.__traceback__):
            yield f"{frame.filename}, line {frame.lineno}, in {frame.name}"
            yield f"    {frame.line}"
        yield f"{type(one).__module__}.{type(one).__qualname__}: {_masked(one)}"


def _masked(error: BaseException) -> str:
    """A message may quote what stands in a cell: of it only the length is kept, of the system's errors number and words."""
    if isinstance(error, OSError) and error.errno:
        return f"[Errno {error.errno}] {os.strerror(error.errno)}"
    return f"(a message of {len(str(error))} characters)"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what it was raised from, the last first."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
