"""Drives one kernel through a notebook, within limits of time, and notices at once when the kernel has ended."""

from __future__ import annotations

import asyncio
import time
from queue import Empty
from typing import Any

from jupyter_core.utils import ensure_async, run_sync
from papermill.clientwrap import PapermillNotebookClient

from crmkit.report.kernels.managers import OwnKernel, peak_bytes
from crmkit.report.kernels.pool import Session

LOOK_EVERY = 0.1
# seconds that an answer, and the messages that go with it, may take before the kernel is asked again
ANSWER, PUBLISHED = 1.0, 0.2


class KernelClient(PapermillNotebookClient):  # type: ignore[misc]
    """Papermill's client, which tells a :class:`Session` what happens.

    Parameters
    ----------
    nb_man : NotebookExecutionManager
        Papermill's.
    manager : OwnKernel
        Of a kernel that is not started yet.
    session : Session
    startup_timeout : float
        Seconds.
    """

    def __init__(self, nb_man: Any, manager: OwnKernel, *, session: Session, startup_timeout: float) -> None:
        super().__init__(nb_man, kernel_name="python3", startup_timeout=startup_timeout, shutdown_kernel="immediate")
        self.km = self.manager = manager
        self.session = session
        self.began = self.cell_began = time.monotonic()
        self.on_cell_start = self._begin_cell

    def start(self) -> None:
        """Start the kernel and wait until it answers.

        Raises
        ------
        RuntimeError
            When it does not; what there is of it is ended.
        """
        env = {**self.session.env, "TMPDIR": self.manager.folder.name}
        try:
            with self.manager.errors_path.open("ab") as errors:
                self.start_new_kernel(cwd=str(self.session.cwd), env=env, stderr=errors)
            run_sync(self._connect)()
            self.began = time.monotonic()
        except Exception as err:
            said = self.manager.errors()
            self.end()
            raise RuntimeError(f"the kernel did not start: {err}{f' ({said})' if said else ''}") from err

    def end(self) -> None:
        """End the kernel and all that it has started, and note how it went."""
        manager = self.manager
        pid, ended = manager.pid(), manager.ended()
        if self.km is not None:
            if pid is not None and ended is None:
                self.session.peak_bytes = max(self.session.peak_bytes, peak_bytes(pid))
            self._cleanup_kernel()
        manager.end_group()
        manager.folder.cleanup()
        if ended is not None:
            self.session.ended = ended
            self.session.peak_bytes = max(self.session.peak_bytes, ended.peak_bytes)

    async def _connect(self) -> None:
        """Wait until the kernel answers on both channels; Jupyter would wait for silence, a fifth of a second, besides."""
        self.kc = client = self.manager.client()
        await ensure_async(client.start_channels())
        client.allow_stdin = False
        until = time.monotonic() + self.startup_timeout
        while time.monotonic() < until:
            asked = client.kernel_info()
            try:
                while (await client.get_shell_msg(timeout=ANSWER))["parent_header"].get("msg_id") != asked:
                    pass
                # what was published before this client was connected is lost: ask once more
                while not _idle(await client.get_iopub_msg(timeout=PUBLISHED), asked):
                    pass
                return
            except Empty:
                if not await self.manager.is_alive():
                    raise RuntimeError("it ended before it answered") from None
        raise RuntimeError(f"it did not answer within {self.startup_timeout:g} s")

    def _begin_cell(self, cell: Any, cell_index: int) -> None:
        session = self.session
        self.cell_began = time.monotonic()
        pid = self.manager.pid()
        if pid is not None and cell.cell_type == "code":
            session.peak_bytes = max(session.peak_bytes, peak_bytes(pid))
        session.cell = cell_index + 1
        if session.on_cell is not None:
            session.on_cell(cell_index + 1)

    async def _async_poll_kernel_alive(self) -> None:
        """Runs beside each cell, and calls it off when the kernel has ended or its time is up; nbclient looks once a second."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if self._called_off() or self.manager.ended() is not None or not await self.manager.is_alive():
                if self.task_poll_for_reply is not None:
                    self.task_poll_for_reply.cancel()
                return

    def _called_off(self) -> bool:
        """Whether the user wants no more of it, or it has overstepped a limit, which is noted."""
        session, now = self.session, time.monotonic()
        if session.run_limit is not None and now - self.began > session.run_limit:
            session.limit = "run"
        elif session.cell_limit is not None and now - self.cell_began > session.cell_limit:
            session.limit = "cell"
        return session.stop.is_set() or bool(session.limit)


def _idle(message: dict[str, Any], asked: str) -> bool:
    return bool(message["parent_header"].get("msg_id") == asked and message["content"].get("execution_state") == "idle")
