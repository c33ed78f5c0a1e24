"""Which old runs may go? All but the newest few, the last good ones, and those that they are compared with.

With them go the copies of what was read and the rows that could not be used, which the next run writes anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from crmkit.core.errors import ParamError, Problem, did_you_mean
from crmkit.core.settings import copy_folder, rejects_folder
from crmkit.report.folders import REJECTS, dates_of, locked, read_latest, reports_folder
from crmkit.report.record import previous


@dataclass(frozen=True)
class Removed:
    """What was deleted, and how much room that made; a folder of rows that were not kept is among the folders."""

    folders: tuple[Path, ...]
    size_bytes: int


def clean_runs(home: Path, *, keep: int, clients: Iterable[str] | None = None) -> Removed:
    """Delete old runs, copies of what was read, and rows that were not kept.

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
    beside = {path.parent.name for name in ("copy", REJECTS) for path in (home / "work").glob(f"*/{name}") if path.is_dir()}
    chosen = sorted({*there, *beside}) if not clients else list(dict.fromkeys(clients))
    unknown = [
        Problem(f"client {name!r}", "has no reports", hint=did_you_mean(name, there))
        for name in chosen
        if name not in (*there, *beside)
    ]
    if unknown:
        raise ParamError(unknown)
    removed: list[Path] = []
    size = 0
    for client in chosen:
        with locked(home, client):
            old = _old(home, client, keep) if client in there else ()
            needed = set(_needed(home, client)) if client in there else set()
            for folder in (one for one in old if one not in needed):
                size += _remove(folder)
                removed.append(folder)
                with suppress(OSError):
                    folder.parent.rmdir()  # only where nothing is left of the run
            for folder in (copy_folder(client, home=home), rejects_folder(client, home=home)):
                if folder.is_dir():
                    size += _remove(folder)
                    removed.append(folder)
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
