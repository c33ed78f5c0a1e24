"""What a forked process does to be as good as a kernel that was started cold.

Stands alone: it runs in the fork, where nothing of the server may be touched.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# no history database, as a cold kernel
OPTIONS = ("--HistoryManager.enabled=False", "--IPKernelApp.log_level=40")
# where matplotlib was imported before there was a notebook, it must be told that figures go into one
INLINE = "--matplotlib=inline"
# when memory runs out, the system ends the kernel, and not the run, which can tell of it
EXPENDABLE = "500"


def become_kernel(request: Mapping[str, Any]) -> None:
    """Turn this process into a kernel, and work until it is told to end.

    Parameters
    ----------
    request : mapping
        ``connection`` (path of the connection file), ``cwd``, ``env``.
    """
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # a kernel ends when its parent is gone, and its parent is not the process that asked for it
    os.environ.clear()
    os.environ.update({**request["env"], "JPY_PARENT_PID": str(os.getppid())})
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
    app.initialize(["-f", request["connection"], *OPTIONS, *inline])
    app.start()


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
