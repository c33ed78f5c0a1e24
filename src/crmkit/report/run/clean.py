"""Which old runs may go? All but the newest few, the last good ones, and those that they are compared with.

With them go the copies of what was read, which the next run makes again.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from crmkit.core.errors import ParamError, Problem, did_you_mean
from crmkit.core.settings import copy_folder
from crmkit.report.folders import dates_of, locked, read_latest, reports_folder
from crmkit.report.record import previous


@dataclass(frozen=True)
class Removed:
    """What was deleted, and how much room that made."""

    folders: tuple[Path, ...]
    size_bytes: int


def clean_runs(home: Path, *, keep: int, clients: Iterable[str] | None = None) -> Removed:
    """Delete old runs, and the copies of what was read.

    Parameters
    ----------
    home : Path
    keep : int
        How many runs of each date to keep, the newest; the last good and the last run of each notebook are kept besides, and
        the run that the last good one is compared with.
    clients : iterable of str or None
        Default: all that have reports.

    Raises
    ------
    CrmkitError
        When a client has no reports, or is being run.
    """
    root = reports_folder(home)
    there = sorted(path.name for path in root.iterdir() if dates_of(home, path.name)) if root.is_dir() else []
    copied = sorted(path.parent.name for path in (home / "work").glob("*/copy") if path.is_dir())
    chosen = there if not clients else list(dict.fromkeys(clients))
    unknown = [
        Problem(f"client {name!r}", "has no reports", hint=did_you_mean(name, there))
        for name in chosen
        if name not in (*there, *copied)
    ]
    if unknown:
        raise ParamError(unknown)
    removed: list[Path] = []
    size = 0
    for client in copied:
        if not clients or client in chosen:
            size += _remove(copy_folder(client, home=home))
            removed.append(copy_folder(client, home=home))
    for client in (name for name in chosen if name in there):
        with locked(home, client):
            needed = set(_needed(home, client))
            for folder in _old(home, client, keep):
                if folder in needed:
                    continue
                size += _remove(folder)
                removed.append(folder)
                with suppress(OSError):
                    folder.parent.rmdir()  # only where nothing is left of the run
    return Removed(tuple(removed), size)


def _remove(folder: Path) -> int:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    shutil.rmtree(folder)
    return size


def _needed(home: Path, client: str) -> Iterator[Path]:
    for as_of in dates_of(home, client):
        latest, dated = read_latest(home, client, as_of), reports_folder(home) / client / as_of
        for entry in (*latest["analyses"].values(), *latest["attempts"].values()):
            yield dated / entry["folder"]
        for analysis, entry in latest["analyses"].items():
            before = previous(client, analysis, as_of=as_of, run_id=entry["run"], home=home)
            if before is not None and before.folder is not None:
                yield before.folder


def _old(home: Path, client: str, keep: int) -> Iterator[Path]:
    for as_of in dates_of(home, client):
        runs = sorted((reports_folder(home) / client / as_of / "runs").iterdir(), reverse=True)
        for run in runs[keep:]:
            yield from sorted(path for path in run.iterdir() if path.is_dir())
