"""The near end of the process that forks kernels: starts it, asks it for kernels, and knows how each ended.

What a run asks of one kernel, and what it learns of it, is a :class:`Session`.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from crmkit.core.errors import ReportError

KERNELS_VARIABLE = "CRMKIT_KERNELS"
FORKED, COLD = "forked", "cold"
# modules are not looked for in the working folder, where a client's files may be; a kernel adds it when it has started
SERVE = "import sys; del sys.path[0]; from crmkit.report.kernels.server import main; main(int(sys.argv[1]), sys.argv[2:])"
LONGEST_ERROR = 4096
# a fork copies one thread: no library may have started others that hold locks
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")}


def can_fork() -> bool:
    """Whether kernels may be forked here: on Linux, unless ``$CRMKIT_KERNELS`` says cold.

    Windows has no fork; on macOS the system's own libraries are not safe after one.

    Raises
    ------
    ReportError
        When ``$CRMKIT_KERNELS`` is neither ``forked`` nor ``cold``.
    """
    named = os.environ.get(KERNELS_VARIABLE, "")
    if named not in ("", FORKED, COLD):
        raise ReportError(f"${KERNELS_VARIABLE}: {named!r} is not known; write {FORKED} or {COLD}")
    return sys.platform == "linux" and named != COLD


@dataclass(frozen=True)
class Exit:
    """How a process ended.

    Parameters
    ----------
    code : int
        As :class:`subprocess.Popen` gives it: the exit code, or minus the number of the signal.
    peak_bytes : int
        The most memory that it held, pages shared with its server included; 0 where that is not known.
    server : Exit or None
        How the server ended that it ended with; None = it ended by itself.
    """

    code: int
    peak_bytes: int = 0
    server: Exit | None = None

    @property
    def how(self) -> str:
        """The end in words: ``signal 9 (SIGKILL)`` or ``exit code 3``."""
        if self.code >= 0:
            return f"exit code {self.code}"
        try:
            return f"signal {-self.code} ({signal.Signals(-self.code).name})"
        except ValueError:
            return f"signal {-self.code}"

    def said(self, where: str) -> str:
        """What happened to a kernel, with what may have caused it; ``where`` it was then.

        Examples
        --------
        >>> Exit(-15).said("in cell 4")
        'the kernel was ended by signal 15 (SIGTERM) in cell 4'
        >>> Exit(-9).said("in cell 4")
        'the kernel was ended by signal 9 (SIGKILL) in cell 4; the machine may be short of memory'
        >>> Exit(-9, server=Exit(-15)).said("in cell 4")
        'the kernel was ended in cell 4 with the process that it was forked from, which was ended by signal 15 (SIGTERM)'
        """
        cause = self.server or self
        # the number of SIGKILL, which not every system has; only this one is what a system sends when memory runs out
        hint = "; the machine may be short of memory" if cause.code == -9 else ""
        if self.server is None:
            return f"the kernel was ended by {self.how} {where}" + hint
        return f"the kernel was ended {where} with the process that it was forked from, which was ended by {cause.how}" + hint


class KernelServer:
    """A process that imports what some analyses need and forks kernels; it begins to import at once.

    Parameters
    ----------
    analyses : iterable of str
        What the kernels will be used for.
    """

    def __init__(self, analyses: Iterable[str]) -> None:
        near, far = socket.socketpair()
        # what it says is for the record of a run, and not for the terminal
        self.stderr = tempfile.TemporaryFile()  # noqa: SIM115  closed with the server
        with far:
            command = [sys.executable, "-W", "ignore", "-c", SERVE, str(far.fileno()), *analyses]
            # its own session: Ctrl-C is for the process that the user has started
            self.process = subprocess.Popen(
                command,
                pass_fds=[far.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self.stderr,
                start_new_session=True,
                env={**os.environ, **ONE_THREAD},
            )
        self.connection = near
        self.lock = threading.Lock()
        self.numbers = itertools.count()
        self.waiting: dict[int, Future[int]] = {}
        self.kernels: set[int] = set()
        self.ended: dict[int, Exit] = {}
        self.gone = threading.Event()
        self.reader = threading.Thread(target=self._listen, name="kernel server", daemon=True)
        self.reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """Whether it can fork."""
        return not self.gone.is_set()

    def fork(self, connection: str, *, cwd: str, env: Mapping[str, str], folder: Path) -> Future[int]:
        """Ask for a kernel.

        Parameters
        ----------
        connection : str
            Path of its connection file.
        cwd, env : str, mapping
            Its working folder and its environment, whole.
        folder : Path
            Its private folder, removed by the server where this process ends before it.

        Returns
        -------
        Future of int
            The number of its process, once everything is imported; fails with OSError where there is no server any more.
        """
        future: Future[int] = Future()
        number = next(self.numbers)
        request = {"id": number, "connection": connection, "cwd": cwd, "env": dict(env), "folder": str(folder)}
        with self.lock:
            self.waiting[number] = future
            try:
                self.connection.sendall(json.dumps(request).encode() + b"\n")
            except OSError:
                self.gone.set()
        if self.gone.is_set():
            self._fail_waiting()
        return future

    def exit_of(self, pid: int) -> Exit | None:
        """How a kernel ended; None while it runs. With the server its kernels have ended too."""
        return self.ended.get(pid) or (Exit(-signal.SIGKILL, server=self.exit) if self.gone.is_set() else None)

    @property
    def exit(self) -> Exit | None:
        """How the server itself ended; None while it runs."""
        code = self.process.poll()
        return None if code is None else Exit(code)

    def errors(self) -> str:
        """The last line that the server has said on stderr; empty where it has said nothing."""
        descriptor = self.stderr.fileno()
        # the place in the file is shared with the server: reading must not move it
        return last_line(os.pread(descriptor, LONGEST_ERROR, max(0, os.fstat(descriptor).st_size - LONGEST_ERROR)))

    def close(self) -> None:
        """End the server and all its kernels."""
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join()
        self.connection.close()
        self.stderr.close()

    def _listen(self) -> None:
        with suppress(OSError), self.connection.makefile("rb") as lines:
            for line in lines:
                self._take(json.loads(line))
        # however it ended: what it has started, and what that has started, must not go on
        for pid in self.kernels - set(self.ended):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=1)
        self.gone.set()
        self._fail_waiting()

    def _take(self, answer: Mapping[str, Any]) -> None:
        if "ended" in answer:
            self.ended[answer["ended"]] = Exit(answer["code"], answer["peak"])
            return
        with self.lock:
            future = self.waiting.pop(answer["id"])
        # whoever has waited too long has gone; a kernel that comes after that is nobody's
        wanted = future.set_running_or_notify_cancel()
        if "pid" not in answer:
            if wanted:
                future.set_exception(OSError(answer["error"]))
            return
        self.kernels.add(answer["pid"])
        if wanted:
            future.set_result(answer["pid"])
        else:
            # it may not have a group of its own yet
            with suppress(ProcessLookupError, PermissionError):
                os.kill(answer["pid"], signal.SIGKILL)

    def _fail_waiting(self) -> None:
        with self.lock:
            failed, self.waiting = list(self.waiting.values()), {}
        for future in (one for one in failed if one.set_running_or_notify_cancel()):
            future.set_exception(OSError("the kernel server has ended"))


def last_line(errors: bytes) -> str:
    """The last line of what a process has said: the error, where it is a traceback.

    Examples
    --------
    >>> last_line(b"Traceback ...\\n  File\\nRuntimeError: can't start new thread\\n")
    "RuntimeError: can't start new thread"
    """
    lines = errors.decode("utf-8", errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""


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
    not_forked : str
        Why the kernel that was asked for first did not start; empty where it did.
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
    stop: threading.Event = field(default_factory=threading.Event)
    nb: Any = None
    cell: int | None = None
    kernel: Literal["", "forked", "cold"] = ""
    not_forked: str = ""
    ended: Exit | None = None
    limit: Literal["", "cell", "run"] = ""
    peak_bytes: int = 0
