"""How does a run look while it runs? A moving line per client on a terminal, plain lines elsewhere; problems go to stderr."""

from __future__ import annotations

import statistics
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from crmkit.core.language import Locale, say
from crmkit.core.messages import in_words
from crmkit.core.results import Text
from crmkit.core.settings import client_language, find_home
from crmkit.report.folders import dates_of, read_latest
from crmkit.report.run.outcome import GOOD, Outcome

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

WORDS = {"ok": Text("done"), "failed": Text("FAILED"), "killed": Text("KILLED"), "timeout": Text("TIME OUT")}
Task = tuple[str, str]


@dataclass(frozen=True)
class Planned:
    """One notebook that is going to be run: how many cells it has, and how long it took last time, where it has run before."""

    client: str
    analysis: str
    cells: int
    seconds: float | None = None


class Progress(Protocol):
    """Who wants to know how a run is getting on; notebooks that run at once tell it at once."""

    def plan(self, planned: Sequence[Planned], *, jobs: int) -> None:
        """These are going to be run, so many at once."""

    def begin(self, client: str, analysis: str) -> None:
        """A notebook is about to run."""

    def cell(self, client: str, analysis: str, number: int) -> None:
        """A cell of it is about to run."""

    def left_out(self, outcome: Outcome) -> None:
        """A notebook is not run."""

    def done(self, outcome: Outcome) -> None:
        """A notebook is finished."""


class Silent:
    """Nobody wants to know."""

    def plan(self, planned: Sequence[Planned], *, jobs: int) -> None:
        """These are going to be run."""

    def begin(self, client: str, analysis: str) -> None:
        """A notebook is about to run."""

    def cell(self, client: str, analysis: str, number: int) -> None:
        """A cell of it is about to run."""

    def left_out(self, outcome: Outcome) -> None:
        """A notebook is not run."""

    def done(self, outcome: Outcome) -> None:
        """A notebook is finished."""


def last_seconds(client: str, analysis: str, *, home: Path) -> float | None:
    """How long a notebook took when it was last run for a client; None where it never was."""
    for as_of in dates_of(home, client):
        seconds = read_latest(home, client, as_of)["analyses"].get(analysis, {}).get("seconds")
        if seconds is not None:
            return float(seconds)
    return None


class Estimate:
    """How long will the rest take? From what each notebook took last time, and the median of those that are known."""

    def __init__(self, planned: Sequence[Planned], *, jobs: int) -> None:
        self.jobs = jobs
        self.left = {(one.client, one.analysis): one.seconds for one in planned}
        self.known = [one.seconds for one in planned if one.seconds is not None]
        self.began: dict[Task, float] = {}

    def begin(self, task: Task) -> None:
        """A notebook is about to run."""
        self.began[task] = time.monotonic()

    def done(self, task: Task, seconds: float) -> None:
        """A notebook took so long."""
        self.left.pop(task, None)
        self.known.append(seconds)

    def seconds(self) -> float | None:
        """Seconds until the last one is done; None as long as nothing is known."""
        if not self.known:
            return None
        usual, now = statistics.median(self.known), time.monotonic()
        rest = [
            max(0.0, (usual if took is None else took) - (now - self.began.get(task, now))) for task, took in self.left.items()
        ]
        return max(max(rest, default=0.0), sum(rest) / self.jobs)


class Lines:
    """One line for each notebook when it is finished, and on a terminal one per client that says what is running now.

    Each is in the language of its client.
    """

    def __init__(self, *, moving: bool | None = None) -> None:
        self.moving = sys.stdout.isatty() if moving is None else moving
        self.bars: Bars | None = None
        self.rows: dict[str, TaskID] = {}
        self.cells: dict[Task, int] = {}
        self.estimate = Estimate([], jobs=1)
        self.lock = threading.Lock()
        self.locales: dict[str, Locale] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.bars is not None:
            self.bars.stop()

    def plan(self, planned: Sequence[Planned], *, jobs: int) -> None:
        """These are going to be run, so many at once."""
        self.estimate = Estimate(planned, jobs=jobs)
        self.cells = {(one.client, one.analysis): one.cells for one in planned}
        if not self.moving:
            return
        self.bars = _bars()
        totals: dict[str, int] = {}
        for one in planned:
            totals[one.client] = totals.get(one.client, 0) + one.cells
        self.rows = {client: self.bars.add_task(client, total=total, now="", rest="") for client, total in totals.items()}
        self.bars.start()

    def begin(self, client: str, analysis: str) -> None:
        """A notebook is about to run."""
        with self.lock:
            self.estimate.begin((client, analysis))
        self._move(client, now=analysis)

    def cell(self, client: str, analysis: str, number: int) -> None:
        """A cell of it is about to run."""
        numbers = {"analysis": analysis, "number": str(number), "of": str(self.cells[client, analysis])}
        self._move(client, advance=1, now=say(Text("{analysis}  cell {number} of {of}", numbers), self._locale(client)))

    def left_out(self, outcome: Outcome) -> None:
        """A notebook is not run."""
        said = in_words(outcome.message, self._locale(outcome.client).language)
        print(f"{outcome.client}  {outcome.analysis}  {said}{_page(outcome)}", flush=True)

    def done(self, outcome: Outcome) -> None:
        """A notebook is finished: what came of it, where it is, and what to do where it failed."""
        with self.lock:
            self.estimate.done((outcome.client, outcome.analysis), outcome.seconds)
        begin, locale = f"{outcome.client}  {outcome.analysis}", self._locale(outcome.client)
        took = say(Text("{seconds} s", {"seconds": f"{outcome.seconds:.1f}"}), locale)
        print(f"{begin}  {say(WORDS[outcome.status], locale)}  {took}{_page(outcome)}", flush=True)
        if outcome.status not in GOOD:
            place = (
                Text("") if outcome.by_user or outcome.cell is None else Text("cell {number}: ", {"number": str(outcome.cell)})
            )
            for problem in outcome.message.splitlines():
                print(f"{begin}  {say(place, locale)}{in_words(problem, locale.language)}", file=sys.stderr, flush=True)
        self._move(outcome.client, now="")

    def _move(self, client: str, *, advance: int = 0, now: str) -> None:
        if self.bars is None:
            return
        with self.lock:
            seconds = self.estimate.seconds()
            left = None if seconds is None else Text("about {seconds} s left", {"seconds": f"{seconds:.0f}"})
            self.bars.update(self.rows[client], advance=advance, now=now)
            for row in self.rows.values():
                self.bars.update(row, rest=say(left, self._locale(client)) if row == self.rows[client] else "")

    def _locale(self, client: str) -> Locale:
        if client not in self.locales:
            self.locales[client] = Locale(client_language(client, home=find_home()) or "en")
        return self.locales[client]


def _page(outcome: Outcome) -> str:
    """Where its page is: that of a good one is the page of the date, which keeps its place from run to run."""
    if outcome.folder is None:
        return ""
    kept = outcome.folder.parents[2] / f"{outcome.analysis}.html"
    return f"  {kept if outcome.status in GOOD and kept.is_file() else outcome.folder / kept.name}"


def _bars() -> Any:
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), TextColumn("{task.fields[now]}"))
    # on one terminal problems are printed above the bars; where stderr goes elsewhere they go there
    return Bars(
        *columns,
        TextColumn("{task.fields[rest]}"),
        refresh_per_second=4,
        transient=True,
        redirect_stderr=sys.stderr.isatty(),
    )
