"""What happened to a notebook?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Status = Literal["ok", "failed", "killed", "timeout", "skipped"]
GOOD = frozenset({"ok", "skipped"})


@dataclass(frozen=True)
class Outcome:
    """What happened to one notebook of one client.

    Parameters
    ----------
    client, analysis : str
    status : Status
        ``killed``: the kernel ended by itself or was ended by the system, as when memory runs out. ``skipped``: it was not
        run; the message says why.
    seconds : float
        Wall time, page included.
    message : str
        What went wrong; empty where nothing did.
    cell : int or None
        Number of the cell where it went wrong, counted from 1.
    by_user : bool
        Whether the user can mend it: the message then says how.
    folder : Path or None
        What was kept.
    peak_bytes : int
        The most memory that the kernel held; 0 where that is not known.
    """

    client: str
    analysis: str
    status: Status
    seconds: float = 0.0
    message: str = ""
    cell: int | None = None
    by_user: bool = False
    folder: Path | None = None
    peak_bytes: int = 0


def exit_code(outcomes: Iterable[Outcome]) -> int:
    """0 when all is well, 2 when all that failed can be mended by the user, else 1."""
    failed = [outcome for outcome in outcomes if outcome.status not in GOOD]
    if not failed:
        return 0
    return 2 if all(outcome.by_user for outcome in failed) else 1
