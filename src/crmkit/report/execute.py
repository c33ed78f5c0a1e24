"""Run one notebook for one client: what happened, and what is kept of it?

Papermill notes a cell as completed when the kernel died in it or its time was up, so the outcome is worked out here, from
what was raised.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from crmkit.core.errors import CrmkitError
from crmkit.report.engine import ENGINE, kernel_environment
from crmkit.report.folders import RECORD, REPORT, UNDATED, dates_of, keep, note_attempt, read_json, work_folder, write_json
from crmkit.report.notebooks import Notebook, question_of, translated
from crmkit.report.params import Flat
from crmkit.report.render import render_notebook
from crmkit.report.scrub import clean_notebook, scrub_json, scrub_text

Status = Literal["ok", "failed", "killed", "timeout"]


@dataclass(frozen=True)
class Job:
    """One notebook to be run for one client."""

    client: str
    notebook: Notebook
    flat: Flat
    home: Path
    run_id: str
    secrets: dict[str, str]
    timeout: float | None = None
    engine: str = ENGINE

    @property
    def analysis(self) -> str:
        return self.notebook.analysis


@dataclass(frozen=True)
class Outcome:
    """What happened to one notebook.

    Parameters
    ----------
    client, analysis : str
    status : Status
    seconds : float
        Wall time, page included.
    message : str
        What went wrong; empty where nothing did.
    cell : int or None
        Number of the cell where it went wrong, counted from 1.
    by_user : bool
        Whether the user can mend it: the message then says how.
    folder : Path or None
        What was kept.
    """

    client: str
    analysis: str
    status: Status
    seconds: float = 0.0
    message: str = ""
    cell: int | None = None
    by_user: bool = False
    folder: Path | None = None


@dataclass(frozen=True)
class _Ending:
    status: Status
    message: str = ""
    cell: int | None = None
    by_user: bool = False


def execute(job: Job, *, on_cell: Callable[[int], None] | None = None) -> Outcome:
    """Run a notebook, keep what it left, complete or not at all, and say what happened.

    Parameters
    ----------
    job : Job
        With parameters that were checked.
    on_cell : callable or None
        Is told the number of each cell before it runs.
    """
    started, clock = dt.datetime.now(dt.UTC), time.perf_counter()
    work = work_folder(job.home, job.client, job.run_id, job.analysis)
    nb, ending = _run(job, work, on_cell)
    report = _completed_report(job, work)
    if ending.status == "ok" and not report:
        ending = _Ending("failed", "wrote no report.json: its last cell must be page.publish()", by_user=True)
    as_of = str(report.get("as_of") or job.flat.values["as_of"] or _newest_date(job))
    record = {
        "schema": 1,
        "run": job.run_id,
        "client": job.client,
        "analysis": job.analysis,
        "question": question_of(nb.cells) or job.notebook.question,
        **asdict(ending),
        "message": scrub_text(ending.message, job.secrets),
        "started_at": started.isoformat(timespec="seconds"),
        "parameters": job.flat.recorded(),
    }
    nb.metadata.setdefault("crmkit", {})["run"] = record
    nb = clean_notebook(nb, home=job.home, secrets=job.secrets)
    _write_page(nb, work / job.analysis)
    seconds = round(time.perf_counter() - clock, 3)
    record |= {"seconds": seconds, "finished_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds")}
    write_json(work / RECORD, record)
    folder = keep(work, home=job.home, client=job.client, as_of=as_of, run_id=job.run_id, analysis=job.analysis)
    note_attempt(folder, record, home=job.home, client=job.client, as_of=as_of, analysis=job.analysis)
    return Outcome(
        job.client, job.analysis, ending.status, seconds, str(record["message"]), ending.cell, ending.by_user, folder
    )


def _newest_date(job: Job) -> str:
    """Where a run is noted that failed before it knew its date: with the newest reports of the client."""
    return next(iter(dates_of(job.home, job.client)), UNDATED)


def _run(job: Job, work: Path, on_cell: Callable[[int], None] | None) -> tuple[Any, _Ending]:
    """The notebook with the outputs made so far, and how it ended."""
    import nbformat
    import papermill

    # it warns of parameters whose declaration it cannot read; ours were checked
    logging.getLogger("papermill").setLevel(logging.ERROR)
    nb = translated(nbformat.read(job.notebook.path, as_version=4), str(job.flat.values["language"]))
    managers: list[Any] = []
    cells: list[int] = []

    def begin_cell(index: int) -> None:
        cells.append(index + 1)
        if on_cell is not None:
            on_cell(index + 1)

    try:
        papermill.execute_notebook(
            nb,
            None,
            parameters=dict(job.flat.values),
            engine_name=job.engine,
            progress_bar=False,
            checked=True,
            watch=managers.append,
            on_cell=begin_cell,
            kernel_cwd=job.home,
            kernel_env=kernel_environment(job.home, out=work),
            execution_timeout=job.timeout,
        )
        ending = _Ending("ok")
    except Exception as err:
        ending = _ending(err, cells[-1] if cells else None)
    return (managers[0].nb if managers else nb), ending


def _ending(err: Exception, cell: int | None) -> _Ending:
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    if isinstance(err, PapermillExecutionError):
        by_user = err.ename in user_errors()
        message = err.evalue if by_user else f"{err.ename}: {err.evalue}"
        return _Ending("failed", message, cell, by_user)
    if isinstance(err, CellTimeoutError):
        return _Ending("timeout", f"cell {cell} was not done in time", cell)
    if isinstance(err, DeadKernelError):
        return _Ending("killed", f"the kernel died in cell {cell}; the machine may be short of memory", cell)
    return _Ending("failed", f"{type(err).__name__}: {err}", cell, isinstance(err, CrmkitError))


def user_errors() -> frozenset[str]:
    """Names of the errors that a user can mend; a kernel reports its errors by name."""

    def family(kind: type[CrmkitError]) -> Iterator[str]:
        yield kind.__name__
        for child in kind.__subclasses__():
            yield from family(child)

    return frozenset(family(CrmkitError))


def _completed_report(job: Job, work: Path) -> dict[str, Any]:
    """The notebook's report.json with the parameters as they were handed over, without secrets; empty where there is none."""
    report = read_json(work / REPORT)
    if report:
        report["parameters"] = report.get("parameters", {}) | job.flat.recorded()
        report = scrub_json(report, job.secrets)
        write_json(work / REPORT, report)
    return report


def _write_page(nb: Any, stem: Path) -> None:
    import nbformat

    nbformat.write(nb, stem.with_suffix(".ipynb"))
    stem.with_suffix(".html").write_text(render_notebook(nb), encoding="utf-8")
