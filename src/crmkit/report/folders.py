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
LATEST_LOCK = ".latest.lock"
REPORT = "report.json"
RECORD = "run.json"
UNDATED = "undated"
WORK = ".work"
REJECTS = "rejects"
HOLDER = ".holder"
# how the names of files end that are being written
DRAFT = ".draft"


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
    try:
        work.chmod(0o755)
        work.rename(target)
    except OSError:
        _remove_empty(target.parent)
        raise
    return target


def _remove_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


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
    write_together({path: text})


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file whole or not at all."""
    write_text(path, _as_json(content))


def write_together(files: Mapping[Path, str | None]) -> None:
    """Write the files of a folder, or leave all of them as they were where one cannot be written.

    Parameters
    ----------
    files : mapping
        Path -> content; None = the file goes. Each is replaced in one step, the last one last.
    """
    beside = {path: (_beside(path), _beside(path)) for path in files}
    changed: list[Path] = []
    try:
        for path, text in files.items():
            draft, before = beside[path]
            if text is not None:
                draft.write_text(text, encoding="utf-8")
            # one file alone needs no way back
            if len(files) > 1 and path.is_file():
                shutil.copyfile(path, before)
        for path, text in files.items():
            changed.append(path)
            if text is None:
                path.unlink(missing_ok=True)
            else:
                beside[path][0].replace(path)
    except BaseException:
        for path in changed if len(files) > 1 else ():
            before = beside[path][1]
            with contextlib.suppress(OSError):
                if before.is_file():
                    before.replace(path)
                else:
                    path.unlink(missing_ok=True)
        raise
    finally:
        for left in (one for pair in beside.values() for one in pair):
            with contextlib.suppress(OSError):
                left.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}{DRAFT}")


def _as_json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1, default=str) + "\n"


def read_latest(home: Path, client: str, as_of: str) -> dict[str, Any]:
    """What ``latest.json`` of a client and date says: ``analyses`` (last good runs) and ``attempts`` (last runs)."""
    content = read_json(reports_folder(home) / client / as_of / LATEST)
    return {"client": client, "as_of": as_of, "analyses": {}, "attempts": {}} | content


def note_attempt(folder: Path, record: Mapping[str, Any], *, home: Path, client: str, as_of: str, analysis: str) -> None:
    """Note a finished notebook; a good one also becomes the last good run, and its page the page of the date.

    Notebooks that end at the same time, in whichever process, note it one after the other. One that was run by Papermill alone
    has no page; that of the date then stays as it was. Where it cannot be noted, all that the date shows stays as it was, and
    the folder goes, of which nothing would tell.
    """
    from filelock import FileLock

    dated = reports_folder(home) / client / as_of
    entry = {"run": record["run"], "folder": folder.relative_to(dated).as_posix(), "finished_at": record["finished_at"]}
    try:
        with FileLock(dated / LATEST_LOCK):
            latest = read_latest(home, client, as_of)
            latest["attempts"][analysis] = entry | {"status": record["status"], "message": record["message"]}
            files: dict[Path, str | None] = {}
            if record["status"] == "ok":
                latest["analyses"][analysis] = entry | {"seconds": record["seconds"]}
                pages = sorted({*folder.glob(f"{analysis}.html"), *folder.glob(f"{analysis}-*.html")})
                files |= {dated / page.name: page.read_text(encoding="utf-8") for page in pages}
                # a short page for somebody who is not there any more would be taken for one of this run
                old = {*dated.glob(f"{analysis}-*.html")} if pages else set()
                files |= dict.fromkeys(sorted(old - set(files)))
            write_together({**files, dated / LATEST: _as_json({"schema": 1, **latest})})
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        _remove_empty(folder.parent)
        raise


def note_unchanged(folder: Path, *, home: Path, client: str, analysis: str) -> bool:
    """Note that the last good run of a notebook still holds, where the last attempt had failed; whether anything was noted.

    Parameters
    ----------
    folder : Path
        Of the last good run.
    """
    from filelock import FileLock

    dated = folder.parents[2]
    if read_latest(home, client, dated.name)["attempts"].get(analysis, {}).get("status", "ok") == "ok":
        return False
    with FileLock(dated / LATEST_LOCK):
        latest = read_latest(home, client, dated.name)
        good = {name: value for name, value in latest["analyses"][analysis].items() if name != "seconds"}
        latest["attempts"][analysis] = good | {"status": "ok", "message": ""}
        write_json(dated / LATEST, {"schema": 1, **latest})
    return True


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
        Naming the holder; or saying why nothing can be written there.
    """
    from filelock import FileLock, Timeout

    check_writable(home, client)
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
        # rows with values of customers, which earlier versions kept beside the pages
        shutil.rmtree(folder / REJECTS, ignore_errors=True)
        for left in (*folder.glob(f".*{DRAFT}"), *folder.glob(f"*/.*{DRAFT}")):
            left.unlink(missing_ok=True)
        yield
    finally:
        shutil.rmtree(folder / WORK, ignore_errors=True)
        with contextlib.suppress(OSError):
            name.unlink(missing_ok=True)
        lock.release()


def check_writable(home: Path, client: str) -> None:
    """Whether reports of a client can be written; tried with a file that has no name and is gone afterwards.

    Raises
    ------
    ReportError
        Saying why not.
    """
    import tempfile

    from crmkit.report.guard.mishaps import said_of

    wanted = reports_folder(home) / client
    there = next((folder for folder in (wanted, *wanted.parents) if folder.exists()), wanted)
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"written?")
    except OSError as err:
        said = said_of(err, home=home) or f"reports/{client}: cannot be written: {err.strerror}"
        raise ReportError(said) from err
