"""The process that kernels are forked from: imports once, then forks on request and tells how each child ended.

It is started by :class:`crmkit.report.kernels.pool.KernelServer` with a socket to the process that wants kernels. Requests and
answers are lines of JSON. When the socket closes, every kernel is ended, whatever it was doing.

Forking a process is safe while no other thread holds a lock. Nothing is opened here and nothing is computed: BLAS is held to
one thread, no database is connected, and this process has one thread of Python.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import warnings
from contextlib import suppress
from typing import Any, NoReturn

from crmkit.report.kernels.child import become_kernel
from crmkit.report.kernels.preload import load, modules_of

KILOBYTE = 1 if sys.platform == "darwin" else 1024


class Server:
    """Forks kernels for the process at the other end of a socket."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.pid = os.getpid()
        self.kernels: dict[int, str] = {}
        self.unread = b""
        self.selector = selectors.DefaultSelector()
        self.wake, self.waker = socket.socketpair()
        for end in (self.wake, self.waker):
            end.setblocking(False)
        # a child that ends wakes the loop
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.waker.fileno(), warn_on_full_buffer=False)

    def serve(self) -> None:
        """Answer requests until the other end is gone."""
        for end in (self.connection, self.wake):
            self.selector.register(end, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in self.selector.select()}
            if self.wake in ready:
                with suppress(BlockingIOError):
                    self.wake.recv(4096)
                self.reap()
            if self.connection in ready and not self.read():
                break
        self.end_all()

    def read(self) -> bool:
        """Answer what has come in; false when the other end is gone."""
        try:
            received = self.connection.recv(1 << 16)
        except ConnectionError:
            return False
        *lines, self.unread = (self.unread + received).split(b"\n")
        for line in lines:
            self.start(json.loads(line))
        return bool(received)

    def start(self, request: dict[str, Any]) -> None:
        """Fork a kernel."""
        try:
            with warnings.catch_warnings():
                # Python warns that other threads might hold locks: those here belong to memory allocators, which handle a fork
                warnings.simplefilter("ignore", DeprecationWarning)
                pid = os.fork()
        except OSError as err:
            self.tell({"id": request["id"], "error": str(err)})
            return
        if pid == 0:
            self.leave(request)
        self.kernels[pid] = request["folder"]
        self.tell({"id": request["id"], "pid": pid})

    def leave(self, request: dict[str, Any]) -> NoReturn:
        """In the child: let go of all that belongs to the server, and be a kernel."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for end in (self.selector, self.connection, self.wake, self.waker):
                end.close()
            become_kernel(request, parent=self.pid)
            code = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(code)

    def reap(self) -> None:
        """Tell of each kernel that has ended, after ending what it had started."""
        while self.kernels:
            try:
                # not yet taken off the list of processes, so that its number cannot be another's already
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            self._end_group(ended.si_pid)
            pid, status, used = os.wait4(ended.si_pid, 0)
            self.kernels.pop(pid, None)
            code = os.waitstatus_to_exitcode(status)
            self.tell({"ended": pid, "code": code, "peak": used.ru_maxrss * KILOBYTE})

    def tell(self, answer: dict[str, Any]) -> None:
        """Send a line; when nobody is there any more, reading will find out."""
        with suppress(OSError):
            self.connection.sendall(json.dumps(answer).encode() + b"\n")

    def end_all(self) -> None:
        """End every kernel, and remove its folder, which nobody else will do now."""
        for pid, folder in self.kernels.items():
            self._end_group(pid)
            shutil.rmtree(folder, ignore_errors=True)

    @staticmethod
    def _end_group(pid: int) -> None:
        for end in (os.killpg, os.kill):
            # a kernel that has just been forked has no group yet
            with suppress(ProcessLookupError, PermissionError):
                end(pid, signal.SIGKILL)


def main(descriptor: int, analyses: list[str]) -> None:
    """Import what the analyses need, then serve."""
    # somebody who ends it by this means it, and needs no traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    server = Server(socket.socket(fileno=descriptor))
    load(modules_of(analyses))
    # children share these objects: a collection in one of them must not touch, and so copy, every page
    gc.collect()
    gc.freeze()
    server.serve()
