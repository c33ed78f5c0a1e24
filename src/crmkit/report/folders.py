"""Where does a run write, who may write there, and which run was the last good one?

A finished notebook is one folder, complete or absent::

    reports/<client>/<as_of>/runs/<run-id>/<analysis>/   page, executed notebook, report.json, results/, lists/
    reports/<client>/<as_of>/latest.json                 for each notebook its last good run
    reports/<client>/<as_of>/<analysis>.html             the last good page, and its short pages <analysis>-<reader>.html
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import secrets
import shutil
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from crmkit.core.dates import parse_iso
from crmkit.core.errors import ReportError

LATEST = "latest.json"
REPORT = "report.json"
RECORD = "run.json"
UNDATED = "undated"
WORK = ".work"
HOLDER = ".holder"


def new_run_id() -> str:
    """A name for a run that sorts by time and is not used twice."""
    now = dt.datetime.now(dt.UTC)
    return f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}-{secrets.token_hex(3)}"


def reports_folder(home: Path) -> Path:
    """Where all reports of a project are."""
    return home / "reports"


def work_folder(home: Path, client: str, run_id: str, analysis: str) -> Path:
    """An empty folder that a notebook fills before it is moved into place; readable by its owner alone."""
    folder = reports_folder(home) / client / WORK / run_id / analysis
    folder.mkdir(parents=True, mode=0o700)
    return folder


def keep(work: Path, *, home: Path, client: str, as_of: str, run_id: str, analysis: str) -> Path:
    """Move a finished folder into place, in one step.

    Raises
    ------
    ReportError
        When ``as_of`` cannot name a folder.
    """
    if as_of != UNDATED:
        parse_iso(as_of, where=f"{analysis}, report.json, as_of")
    target = reports_folder(home) / client / as_of / "runs" / run_id / analysis
    target.parent.mkdir(parents=True, exist_ok=True)
    work.chmod(0o755)
    work.rename(target)
    return target


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file as a dict; empty when it is not there or is no JSON object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all: a reader sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file whole or not at all."""
    write_text(path, json.dumps(content, ensure_ascii=False, indent=1, default=str) + "\n")


def read_latest(home: Path, client: str, as_of: str) -> dict[str, Any]:
    """What ``latest.json`` of a client and date says: ``analyses`` (last good runs) and ``attempts`` (last runs)."""
    content = read_json(reports_folder(home) / client / as_of / LATEST)
    return {"client": client, "as_of": as_of, "analyses": {}, "attempts": {}} | content


def note_attempt(folder: Path, record: Mapping[str, Any], *, home: Path, client: str, as_of: str, analysis: str) -> None:
    """Note a finished notebook; a good one also becomes the last good run, and its page the page of the date.

    Notebooks that end at the same time, in whichever process, note it one after the other. One that was run by Papermill alone
    has no page; that of the date then stays as it was.
    """
    from filelock import FileLock

    dated = reports_folder(home) / client / as_of
    entry = {"run": record["run"], "folder": folder.relative_to(dated).as_posix(), "finished_at": record["finished_at"]}
    with FileLock(dated / ".latest.lock"):
        latest = read_latest(home, client, as_of)
        latest["attempts"][analysis] = entry | {"status": record["status"], "message": record["message"]}
        if record["status"] == "ok":
            latest["analyses"][analysis] = entry | {"seconds": record["seconds"]}
            pages = sorted({*folder.glob(f"{analysis}.html"), *folder.glob(f"{analysis}-*.html")})
            for page in pages:
                write_text(dated / page.name, page.read_text(encoding="utf-8"))
            # a short page for somebody who is not there any more would be taken for one of this run
            for old in {*dated.glob(f"{analysis}-*.html")} - {dated / page.name for page in pages} if pages else ():
                old.unlink()
        write_json(dated / LATEST, {"schema": 1, **latest})


def dates_of(home: Path, client: str) -> list[str]:
    """The dates a client has reports of, newest first; runs that failed before they knew their date come last."""
    names = [path.parent.name for path in (reports_folder(home) / client).glob(f"*/{LATEST}")]
    return sorted(names, key=lambda name: "" if name == UNDATED else name, reverse=True)


@contextlib.contextmanager
def locked(home: Path, client: str) -> Iterator[None]:
    """Be the only run of a client; left-overs of runs that were killed are removed.

    The system frees the lock when its holder ends, however that happens.

    Raises
    ------
    ReportError
        Naming the holder.
    """
    from filelock import FileLock, Timeout

    folder = reports_folder(home) / client
    folder.mkdir(parents=True, exist_ok=True)
    # beside the lock, which others may not read on some systems, and which some releases of filelock empty when they try it
    name = folder / HOLDER
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as err:
        holder = name.read_text(encoding="utf-8").strip() if name.is_file() else "another process"
        raise ReportError(f"client {client!r}: is being run by {holder}; wait for it or end it") from err
    try:
        write_text(name, f"process {os.getpid()} on {socket.gethostname()} since {dt.datetime.now():%H:%M:%S}\n")
        shutil.rmtree(folder / WORK, ignore_errors=True)
        yield
    finally:
        shutil.rmtree(folder / WORK, ignore_errors=True)
        name.unlink(missing_ok=True)
        lock.release()
