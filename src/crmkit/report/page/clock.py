"""How long has this cell been at work? A line beneath a cell that takes its time, in JupyterLab only."""

from __future__ import annotations

import contextvars
import os
import sys
import time
from threading import Event, Thread
from typing import Any

from crmkit.core.language import Locale, say
from crmkit.core.results import Quantity, Text

VARIABLE = "CRMKIT_LAB"
SHOWN_AFTER, STEP = 3.0, 1.0
WORKING, TOOK = Text("Working for {n} s …"), Text("Took {n} s.")


class Clock:
    """Begins with a cell, ends with it, and says in between for how long it has run."""

    def __init__(self, locale: Locale) -> None:
        self.locale, self.over = locale, Event()
        self.thread: Thread | None = None

    def start(self, *_: Any) -> None:
        """A cell begins."""
        self.stop()
        self.over = Event()
        # what a thread displays belongs to the cell in whose context it runs
        here = contextvars.copy_context()
        self.thread = Thread(target=here.run, args=(self._tell, self.over), daemon=True)
        self.thread.start()

    def stop(self, *_: Any) -> None:
        """A cell ends."""
        self.over.set()
        if self.thread is not None:
            self.thread.join()
            self.thread = None

    def _tell(self, over: Event) -> None:
        began = time.monotonic()
        if over.wait(SHOWN_AFTER):
            return
        from IPython.display import display

        def line(text: Text) -> dict[str, str]:
            seconds = Quantity(round(time.monotonic() - began), "count")
            return {"text/plain": say(Text(text.template, {"n": seconds}), self.locale)}

        shown = display(line(WORKING), raw=True, display_id=True)
        while not over.wait(STEP):
            shown.update(line(WORKING), raw=True)
        shown.update(line(TOOK), raw=True)


def watch_cells(locale: Locale, *, shell: Any = None) -> None:
    """Let a line tell how long a cell has been at work, where ``crmkit lab`` opened the notebook; once for each kernel.

    Parameters
    ----------
    locale : Locale
    shell : IPython shell or None
        Default: that of the running notebook; where there is none, nothing is done.
    """
    if not os.environ.get(VARIABLE) or "IPython" not in sys.modules:
        return
    from IPython import get_ipython

    shell = shell or get_ipython()
    if shell is None:
        return
    before = getattr(shell, "_crmkit_clock", None)
    if before is not None:
        before.locale = locale
        return
    clock = shell._crmkit_clock = Clock(locale)
    shell.events.register("pre_run_cell", clock.start)
    shell.events.register("post_run_cell", clock.stop)
