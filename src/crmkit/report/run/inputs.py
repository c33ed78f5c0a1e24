"""Has anything changed since a notebook was last run? Answered without pandas, Jupyter, or opening the data.

Everything that a result depends on is hashed and kept in the run's record. A file is read only when its size or its time of
change is another than when it was last read.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from crmkit.core.errors import CrmkitError
from crmkit.core.privacy import KEY_VARIABLE
from crmkit.core.settings import Settings
from crmkit.data.sources.files import content_hash, open_source
from crmkit.report.folders import RECORD, REPORT, dates_of, read_json, read_latest, reports_folder, write_json
from crmkit.report.params.flatten import Flat
from crmkit.report.params.notebooks import Notebook

FILES = ".files.json"
# what a client changes of the kit, and the picture that stands on its pages
BESIDE = ("*.yml", "*.xlsx", "*.png", "*.jpg", "*.jpeg")
Stamp = tuple[int, int]


@dataclass(frozen=True)
class Inputs:
    """What the results of one notebook depend on.

    Parameters
    ----------
    fixed : mapping
        Hashes of parameters and what the client has set beside them, notebook, kit and installed packages.
    key_path : Path
        Where the key of the pseudonyms is, once it has been made.
    data : Data or None
        The files; None where the source is not made of files, or cannot be read: it is then run every time.
    timezone : str
        The client's.
    """

    fixed: Mapping[str, str]
    key_path: Path
    data: Data | None
    timezone: str

    def recorded(self, upstream: Mapping[str, str], report: Mapping[str, Any]) -> dict[str, Any] | None:
        """As a run's record keeps them; None where it could not be told later whether the data have changed.

        Parameters
        ----------
        upstream : mapping
            Analysis whose results were read -> the run that made them.
        report : mapping
            What the notebook wrote.
        """
        content = self.data.content() if self.data is not None else None
        if content is None:
            return None
        # rows after the last day that counts may count tomorrow, where no day was asked for
        tables = report.get("data", {}).get("tables", {})
        moves = not _asked_day(report) and any(table.get("after_as_of") for table in tables.values())
        kept = {"key": self.key(), "data": content, "upstream": dict(upstream), "day": self.today() if moves else ""}
        return {**self.fixed, **kept}

    def key(self) -> str:
        """Which key the pseudonyms are made with; never a hash of a secret that could be tried: that of the file is random."""
        if os.environ.get(KEY_VARIABLE):
            return "variable"
        return content_hash(self.key_path) if self.key_path.is_file() else ""

    def today(self) -> str:
        """The date, where the client is."""
        return dt.datetime.now(ZoneInfo(self.timezone)).date().isoformat()

    def equal(self, recorded: Mapping[str, Any], upstream: Mapping[str, str]) -> bool:
        """Whether a run with these inputs would find what the recorded one has found."""
        now = {**self.fixed, "key": self.key(), "upstream": dict(upstream)}
        if {name: recorded.get(name) for name in now} != now or recorded.get("day") not in ("", self.today()):
            return False
        return self.data is not None and self.data.content() == recorded.get("data")


class Data:
    """The files of a client's source, with what is known of their content from last time.

    Parameters
    ----------
    root : Path
        A folder, or one file.
    memory : Path
        Where sizes, times and hashes are kept.
    """

    def __init__(self, root: Path, memory: Path) -> None:
        self.root = root
        self.memory = memory
        self.stamps = _stamps(root)

    def content(self) -> str | None:
        """Hash of all names and contents; None when a file was changed since this was made."""
        known = read_json(self.memory).get("files", {})
        files: dict[str, list[Any]] = {}
        for name, stamp in self.stamps.items():
            kept = known.get(name)
            if kept is not None and tuple(kept[:2]) == stamp:
                files[name] = kept
                continue
            try:
                files[name] = [*stamp, content_hash(self.root / name if name else self.root)]
            except OSError:
                return None
        if files != known:
            if _stamps(self.root) != self.stamps:
                return None
            write_json(self.memory, {"schema": 1, "files": files})
        return digest({name: kept[2] for name, kept in files.items()})


def inputs_of(
    notebook: Notebook, flat: Flat, settings: Settings, *, home: Path, data: Data | None, kit: Mapping[str, str]
) -> Inputs:
    """What the results of a notebook depend on, for one client.

    Parameters
    ----------
    notebook : Notebook
    flat : Flat
        Its parameters.
    settings : Settings
        The client's params file.
    home : Path
    data : Data or None
        As :func:`data_of` found them.
    kit : mapping
        As :func:`kit_hashes` found them.
    """
    fixed = {
        "parameters": digest({"common": settings.model_dump(mode="json"), "own": dict(flat.values)}),
        "notebook": content_hash(notebook.path),
        "beside": _beside(home / "params" / settings.client),
        "merge": _merge(settings, home),
        **kit,
    }
    return Inputs(fixed, home / "params" / f"{settings.client}.key", data, settings.timezone)


def _beside(folder: Path) -> str:
    """Hash of what a client changes of the kit, and of its logo: the files of ``params/<client>/``."""
    files = sorted(path for kind in BESIDE for path in folder.glob(kind) if path.is_file())
    return digest({path.name: content_hash(path) for path in files})


def _merge(settings: Settings, home: Path) -> str:
    """Hash of the file of merged customers, which need not lie among the data."""
    path = home / settings.merge
    return content_hash(path) if settings.merge and path.is_file() else ""


def data_of(settings: Settings, *, home: Path) -> Data | None:
    """The files of a client; None where the source cannot be read, or is not made of files."""
    try:
        source = open_source(settings.source, home=home, where=f"params/{settings.client}.yml")
    except CrmkitError:
        return None
    return Data(source.path, reports_folder(home) / settings.client / FILES)


def kit_hashes(home: Path) -> dict[str, str]:
    """Hashes of the kit's own source, and of what is installed besides."""
    package = Path(__file__).parents[2]
    sources = sorted(path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc")
    said = hashlib.sha256()
    for path in sources:
        said.update(f"{path.relative_to(package).as_posix()}\0".encode())
        said.update(path.read_bytes())
    lock = home / "requirements.lock"
    installed = sorted(name for name in os.listdir(sysconfig.get_path("purelib")) if name.endswith(".dist-info"))
    locked = content_hash(lock) if lock.is_file() else ""
    return {"package": said.hexdigest(), "environment": digest([sys.version, sys.platform, installed, locked])}


def last_equal(inputs: Inputs, upstream: Mapping[str, str], *, client: str, analysis: str, home: Path) -> Path | None:
    """The folder of the last good run of some date, where it had equal inputs and is all there; None where there is none."""
    for as_of in dates_of(home, client):
        dated = reports_folder(home) / client / as_of
        entry = read_latest(home, client, as_of)["analyses"].get(analysis)
        if entry is None:
            continue
        folder = dated / entry["folder"]
        recorded = read_json(folder / RECORD).get("inputs")
        there = (folder / REPORT).is_file() and (dated / f"{analysis}.html").is_file()
        if recorded and there and inputs.equal(recorded, upstream):
            return Path(folder)
    return None


def digest(value: Any) -> str:
    """SHA-256 of a value that JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()


def _asked_day(report: Mapping[str, Any]) -> bool:
    return bool(report.get("parameters", {}).get("as_of", {}).get("value"))


def _stamps(root: Path) -> dict[str, Stamp]:
    """Size and time of change of each file under a folder, by its name; of a file itself under the empty name."""
    if root.is_file():
        return {"": _stamp(root)}
    return {
        path.relative_to(root).as_posix(): _stamp(path)
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return found.st_size, found.st_mtime_ns
