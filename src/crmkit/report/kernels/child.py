"""What a forked process does to be as good as a kernel that was started cold.

Stands alone: it runs in the fork, where nothing of the server may be touched.
"""

from __future__ import annotations

import ctypes
import os
import random
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# what a kernel says on stderr, in its private folder
ERRORS = "stderr"
# no history database, as a cold kernel
OPTIONS = ("--HistoryManager.enabled=False", "--IPKernelApp.log_level=40")
# where matplotlib was imported before there was a notebook, it must be told that figures go into one
INLINE = "--matplotlib=inline"
# when memory runs out, the system ends the kernel, and not the run, which can tell of it
EXPENDABLE = "500"
# from Linux' sys/prctl.h: the signal that a process gets when its parent ends
PARENT_DEATH_SIGNAL = 1


def become_kernel(request: Mapping[str, Any], *, parent: int) -> None:
    """Turn this process into a kernel, and work until it is told to end or its parent is gone.

    Parameters
    ----------
    request : mapping
        ``connection`` (path of the connection file), ``cwd``, ``env``, ``folder`` (where what it says on stderr is written).
    parent : int
        Number of the process that it was forked from, which is not the one that asked for it.
    """
    os.setsid()
    _errors_into(Path(request["folder"]) / ERRORS)
    _end_with(parent)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update({**request["env"], "JPY_PARENT_PID": str(parent)})
    os.chdir(request["cwd"])
    launcher = find_spec("ipykernel_launcher")
    sys.argv = [str(launcher.origin) if launcher else "", "-f", request["connection"]]
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(EXPENDABLE, encoding="ascii")
    _reseed()
    _private_folders()
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    inline = [INLINE] if "matplotlib.pyplot" in sys.modules else []
    # ipykernel read the variable when its class was made, which was in the server, before there was a fork
    watched = f"--IPKernelApp.parent_handle={parent}"
    app.initialize(["-f", request["connection"], *OPTIONS, watched, *inline])
    app.start()


def _errors_into(path: Path) -> None:
    """What this process, and what it starts, says on stderr goes into a file and not onto the terminal."""
    with path.open("ab") as file:
        os.dup2(file.fileno(), 2)


def _end_with(parent: int) -> None:
    """Let the system end this process when its parent ends; ipykernel, which looks once a second, is a second guard."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before this could be asked for
        os._exit(1)


def _reseed() -> None:
    """Else every kernel would draw the same numbers: the generators' states were copied."""
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


def _private_folders() -> None:
    """Forget where temporary files went in the server; this process has a folder of its own."""
    import tempfile

    tempfile.tempdir = None
