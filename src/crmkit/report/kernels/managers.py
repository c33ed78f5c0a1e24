"""Jupyter's managers of a kernel: one that is started cold, and one that is forked; both speak through private sockets."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner

from crmkit.report.kernels.child import ERRORS
from crmkit.report.kernels.pool import LONGEST_ERROR, Exit, KernelServer, last_line

# Without the history database a kernel starts faster, and nothing that was run is kept outside the report.
KERNEL_COMMAND = ["-m", "ipykernel_launcher", "-f", "{connection_file}", "--HistoryManager.enabled=False"]
# the name of a socket may have 107 bytes
LONGEST_FOLDER = 80
PAUSE = 0.01
# seconds that the server may take until it has imported everything
LONGEST_IMPORT = 120.0


class OwnKernel(AsyncKernelManager):  # type: ignore[misc]
    """A kernel run by the interpreter of this process, whichever kernels are installed besides.

    It has a private folder, for its temporary files, what its database spills, and the sockets that it is spoken to through: no
    port that another user could listen at or another run could take. The folder goes when the kernel has ended, however it did.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.folder = private_folder()
        self.connection_file = f"{self.folder.name}/kernel.json"
        self.errors_path = Path(self.folder.name) / ERRORS
        if sys.platform != "win32":
            self.transport, self.ip = "ipc", f"{self.folder.name}/k"

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        await super()._async_cleanup_resources(restart=restart)
        if not restart:
            self.folder.cleanup()

    cleanup_resources = _async_cleanup_resources

    async def _async_wait(self, pollinterval: float = PAUSE) -> None:
        """Wait for the end of the kernel; Jupyter looks ten times a second."""
        await super()._async_wait(pollinterval=min(pollinterval, PAUSE))

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(argv=[sys.executable, *KERNEL_COMMAND], display_name="Python 3", language="python")

    def pid(self) -> int | None:
        """Number of the kernel's process, and of the group of all that it has started; None before it is started."""
        return getattr(self.provisioner, "pid", None)

    def ended(self) -> Exit | None:
        """How the kernel ended; None while it runs, or where that is not known."""
        process = getattr(self.provisioner, "process", None)
        code = None if process is None else process.poll()
        return None if code is None else Exit(code)

    def errors(self) -> str:
        """The last line that the kernel has said on stderr, where it was not heard yet; empty where it has said nothing."""
        try:
            return last_line(self.errors_path.read_bytes()[-LONGEST_ERROR:])
        except OSError:
            return ""

    def end_group(self) -> None:
        """End all that the kernel has started and that is still there; it may have ended itself before them."""
        pid = self.pid()
        if pid is not None and hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)


class ForkedKernel(OwnKernel):
    """A kernel that is forked from a server."""

    def __init__(self, server: KernelServer) -> None:
        super().__init__()
        self.server = server

    async def _async_pre_start_kernel(self, **options: Any) -> tuple[list[str], dict[str, Any]]:
        if not self.has_kernel:
            self.provisioner: Any = ForkProvisioner(kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self)
        command, rest = await super()._async_pre_start_kernel(**options)
        return command, rest

    pre_start_kernel = _async_pre_start_kernel

    def ended(self) -> Exit | None:
        pid = self.pid()
        return None if pid is None else self.server.exit_of(pid)

    def errors(self) -> str:
        return super().errors() or self.server.errors()

    def end_group(self) -> None:
        """The server has done it, before it told that the kernel had ended."""


class ForkProvisioner(LocalProvisioner):  # type: ignore[misc]
    """Has a kernel forked where Jupyter would start a program."""

    process: ForkedProcess | None = None

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        """Called by the manager, with the command that it would run; what matters of it is the connection file."""
        manager = self.parent
        asked = manager.server.fork(
            manager.connection_file, cwd=str(options["cwd"]), env=options["env"], folder=Path(manager.folder.name)
        )
        self.pid = self.pgid = await asyncio.wait_for(asyncio.wrap_future(asked), LONGEST_IMPORT)
        self.process = ForkedProcess(self.pid, manager.server)
        return self.connection_info

    async def wait(self) -> int | None:
        """Wait for the end of the kernel."""
        while self.process is not None and self.process.poll() is None:
            await asyncio.sleep(PAUSE)
        code = None if self.process is None else self.process.poll()
        self.process = None
        return code


class ForkedProcess:
    """A process that is another one's child, in the shape of :class:`subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, server: KernelServer) -> None:
        self.pid = pid
        self.server = server

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        ended = self.server.exit_of(self.pid)
        return None if ended is None else ended.code

    def wait(self, timeout: float | None = None) -> int | None:
        """The exit code, as soon as there is one."""
        until = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None and (until is None or time.monotonic() < until):
            time.sleep(PAUSE)
        return self.poll()

    def send_signal(self, number: int) -> None:
        """Send a signal, where it still runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


def private_folder() -> tempfile.TemporaryDirectory[str]:
    """A new folder that only this user can read, whose path is short enough to hold sockets."""
    long = len(os.fsencode(tempfile.gettempdir())) > LONGEST_FOLDER and sys.platform != "win32"
    return tempfile.TemporaryDirectory(prefix="crmkit-", dir="/tmp" if long else None, ignore_cleanup_errors=True)


def peak_bytes(pid: int) -> int:
    """The most memory that a running process has held so far; 0 where that cannot be told."""
    import psutil

    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    except (OSError, IndexError, ValueError):
        pass
    try:
        used = psutil.Process(pid).memory_info()
    except psutil.Error:
        return 0
    return int(getattr(used, "peak_wset", used.rss))
