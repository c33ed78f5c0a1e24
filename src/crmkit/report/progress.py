"""How does a run look while it runs? A moving line on a terminal, plain lines elsewhere; problems go to stderr."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.status import Status

    from crmkit.report.execute import Outcome

WORDS = {"ok": "done", "failed": "FAILED", "killed": "KILLED", "timeout": "TIME OUT"}


class Lines:
    """One line for each notebook, and on a terminal one that says what is running now."""

    def __init__(self, *, moving: bool | None = None) -> None:
        self.moving = sys.stdout.isatty() if moving is None else moving
        self.status: Status | None = None
        self.now = ""

    def __enter__(self) -> Self:
        if self.moving:
            from rich.console import Console

            self.status = Console().status("starting")
            self.status.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.status is not None:
            self.status.stop()

    def begin(self, client: str, analysis: str) -> None:
        """A notebook is about to run."""
        self.now = f"{client}  {analysis}"
        if self.status is not None:
            self.status.update(self.now)

    def cell(self, number: int) -> None:
        """A cell of it is about to run."""
        if self.status is not None:
            self.status.update(f"{self.now}  cell {number}")

    def left_out(self, client: str, analysis: str, reason: str) -> None:
        """A notebook is not run."""
        print(f"{client}  {analysis}  not run: {reason}", flush=True)

    def done(self, outcome: Outcome) -> None:
        """A notebook is finished: what came of it, where it is, and what to do where it failed."""
        where = "" if outcome.folder is None else f"  {outcome.folder}/{outcome.analysis}.html"
        line = f"{outcome.client}  {outcome.analysis}  {WORDS[outcome.status]}  {outcome.seconds:.1f} s{where}"
        print(line, flush=True)
        if outcome.status != "ok":
            place = "" if outcome.by_user or outcome.cell is None else f"cell {outcome.cell}: "
            for problem in outcome.message.splitlines():
                print(f"{outcome.client}  {outcome.analysis}  {place}{problem}", file=sys.stderr, flush=True)
