"""One notebook at work: what the run asks of its kernel, and what is known of the kernel while it works and after."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from crmkit.report.kernels.pool import KernelServer


@dataclass(frozen=True)
class Exit:
    """How a process ended.

    Parameters
    ----------
    code : int
        As :class:`subprocess.Popen` gives it: the exit code, or minus the number of the signal.
    peak_bytes : int
        The most memory that it held, pages shared with its server included; 0 where that is not known.
    """

    code: int
    peak_bytes: int = 0

    @property
    def how(self) -> str:
        """The end in words: ``signal 9 (SIGKILL)`` or ``exit code 3``."""
        if self.code >= 0:
            return f"exit code {self.code}"
        try:
            return f"signal {-self.code} ({signal.Signals(-self.code).name})"
        except ValueError:
            return f"signal {-self.code}"


@dataclass
class Session:
    """What a run hands to the engine for one notebook, and what the engine finds out meanwhile.

    Parameters
    ----------
    cwd : Path
        Working folder of the kernel.
    env : mapping
        Environment of the kernel, whole.
    server : KernelServer or None
        Forks the kernel; None = a cold kernel.
    cell_limit, run_limit : seconds or None
        Longest that a cell, and all cells together, may take; None = no limit.
    on_cell : callable or None
        Is told the number of each cell, from 1, before it runs.
    stop : Event
        Set when nothing more is wanted; the kernel is then ended.
    nb : NotebookNode or None
        The notebook with the outputs made so far.
    cell : int or None
        The cell that was begun last.
    kernel : str
        The kernel that answered: ``"forked"`` or ``"cold"``; empty as long as none has.
    ended : Exit or None
        How the kernel ended, where it ended by itself.
    limit : str
        The limit that was overstepped.
    peak_bytes : int
        The most memory that the kernel held.
    """

    cwd: Path
    env: Mapping[str, str]
    server: KernelServer | None = None
    cell_limit: float | None = None
    run_limit: float | None = None
    on_cell: Callable[[int], None] | None = None
    stop: Event = field(default_factory=Event)
    nb: Any = None
    cell: int | None = None
    kernel: Literal["", "forked", "cold"] = ""
    ended: Exit | None = None
    limit: Literal["", "cell", "run"] = ""
    peak_bytes: int = 0
