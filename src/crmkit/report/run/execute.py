"""Run one notebook for one client: what happened, and what is kept of it?

Papermill notes a cell as completed when the kernel died in it or its time was up, so the outcome is worked out here, from
what was raised and from how the kernel ended.
"""

from __future__ import annotations

import datetime as dt
import errno
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Any

from crmkit.core.errors import CrmkitError
from crmkit.core.language import worded
from crmkit.core.messages import in_words
from crmkit.report.engine import ENGINE, kernel_environment
from crmkit.report.folders import RECORD, REPORT, UNDATED, dates_of, keep, note_attempt, read_json, work_folder, write_json
from crmkit.report.guard.identifiers import MARKS, refuse_leaks
from crmkit.report.guard.messages import keepable, naming_nobody, user_errors, without_values
from crmkit.report.guard.mishaps import said_by_kernel, said_of
from crmkit.report.guard.secrets import clean_notebook, scrub_json, scrub_text
from crmkit.report.kernels.pool import KernelServer, Session
from crmkit.report.page.exporter import PageExporter
from crmkit.report.page.since_last import brief
from crmkit.report.params.flatten import Flat
from crmkit.report.params.notebooks import Notebook, question_of, translated
from crmkit.report.record import previous
from crmkit.report.run.inputs import Inputs
from crmkit.report.run.outcome import Outcome, Status

LAST_LINE = "wrote no report.json: its last cell must be page.publish()"
PLAIN_PAGE = "<!doctype html>\n<meta charset='utf-8'>\n<title>{}</title>\n<p>{}</p>\n"
# pages are written one after the other: that is all computing, and nothing is known of the libraries' threads
_RENDERING = threading.Lock()


@dataclass(frozen=True)
class Job:
    """One notebook to be run for one client.

    Parameters
    ----------
    client : str
    notebook : Notebook
    flat : Flat
        Parameters that were checked.
    home : Path
    run_id : str
    secrets : dict
        As :func:`crmkit.report.guard.secrets.secrets_of` found them.
    inputs : Inputs or None
        What the result depends on; None = it is run every time.
    upstream : mapping
        Analysis whose results it reads -> the run that made them.
    server : KernelServer or None
        Forks the kernel; None = a cold kernel.
    share : mapping
        Environment that says how much of the machine the kernel may use.
    timeout, run_timeout : seconds or None
        Longest that a cell, and the notebook, may take.
    stop : Event
        Set when the user wants no more.
    """

    client: str
    notebook: Notebook
    flat: Flat
    home: Path
    run_id: str
    secrets: dict[str, str]
    inputs: Inputs | None = None
    upstream: Mapping[str, str] = field(default_factory=dict)
    server: KernelServer | None = None
    share: Mapping[str, str] = field(default_factory=dict)
    timeout: float | None = None
    run_timeout: float | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def analysis(self) -> str:
        return self.notebook.analysis


class InterruptedRunError(Exception):
    """The user wants no more; nothing of the notebook is kept."""


@dataclass(frozen=True)
class _Ending:
    """How a notebook ended; ``message`` as it may be kept."""

    status: Status
    message: str = ""
    cell: int | None = None
    by_user: bool = False


def execute(job: Job, *, on_cell: Callable[[int], None] | None = None) -> Outcome:
    """Run a notebook, keep what it left, complete or not at all, and say what happened.

    Whatever goes wrong while it runs, is shown, or is written, is the outcome of this notebook, and of no other.

    Parameters
    ----------
    job : Job
    on_cell : callable or None
        Is told the number of each cell before it runs.

    Raises
    ------
    InterruptedRunError
    """
    clock = time.perf_counter()
    try:
        return _execute(job, on_cell, clock)
    except InterruptedRunError:
        raise
    except Exception as err:
        said = said_of(err, home=job.home)
        message = f"could not be kept: {said or keepable(type(err).__name__, scrub_text(str(err), job.secrets))}"
        seconds = round(time.perf_counter() - clock, 3)
        by_user = isinstance(err, CrmkitError) or (bool(said) and not isinstance(err, FileNotFoundError))
        return Outcome(job.client, job.analysis, "failed", seconds, message, by_user=by_user)
    finally:
        _close_loop()


def _close_loop() -> None:
    """Jupyter makes an event loop for each thread that speaks to a kernel, and leaves it open when the thread ends."""
    from jupyter_core.utils import ensure_event_loop

    if threading.current_thread() is not threading.main_thread():
        ensure_event_loop().close()


def _execute(job: Job, on_cell: Callable[[int], None] | None, clock: float) -> Outcome:
    started = dt.datetime.now(dt.UTC)
    work = work_folder(job.home, job.client, job.run_id, job.analysis)
    session = Session(
        job.home,
        {**kernel_environment(job.home, out=work), **job.flat.handed_over(), **job.share},
        server=job.server,
        cell_limit=job.timeout,
        run_limit=job.run_timeout,
        on_cell=on_cell,
        stop=job.stop,
    )
    nb, ending = _run(job, session)
    if ending.status != "ok" and not work.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(work))
    if job.stop.is_set():
        raise InterruptedRunError
    ending = replace(ending, message=naming_nobody(ending.message, work))
    report = _completed_report(job, work)
    if ending.status == "ok" and not report:
        ending = _Ending("failed", LAST_LINE, by_user=True)
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
    ending = _write_page(nb, record, ending, job=job, stem=work / job.analysis, report=report)
    seconds = round(time.perf_counter() - clock, 3)
    record |= asdict(ending) | {
        "message": scrub_text(ending.message, job.secrets),
        "seconds": seconds,
        "finished_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "kernel": session.kernel,
        "kernel_not_forked": scrub_text(session.not_forked, job.secrets),
        "peak_bytes": session.peak_bytes,
        "inputs": _inputs(job, report) if ending.status == "ok" else None,
    }
    write_json(work / RECORD, record)
    folder = keep(work, home=job.home, client=job.client, as_of=as_of, run_id=job.run_id, analysis=job.analysis)
    note_attempt(folder, record, home=job.home, client=job.client, as_of=as_of, analysis=job.analysis)
    message, peak = str(record["message"]), session.peak_bytes
    return Outcome(job.client, job.analysis, ending.status, seconds, message, ending.cell, ending.by_user, folder, peak)


def _inputs(job: Job, report: Mapping[str, Any]) -> dict[str, Any] | None:
    return None if job.inputs is None else job.inputs.recorded(job.upstream, report)


def _newest_date(job: Job) -> str:
    """Where a run is noted that failed before it knew its date: with the newest reports of the client."""
    return next(iter(dates_of(job.home, job.client)), UNDATED)


def _run(job: Job, session: Session) -> tuple[Any, _Ending]:
    """The notebook with the outputs made so far, and how it ended."""
    import nbformat
    import papermill

    # it warns of parameters whose declaration it cannot read; ours were checked
    logging.getLogger("papermill").setLevel(logging.ERROR)
    said = worded(str(job.flat.values["language"]), margin=job.flat.values.get("margin"))
    nb = translated(nbformat.read(job.notebook.path, as_version=4), said)
    try:
        papermill.execute_notebook(
            nb,
            None,
            parameters=dict(job.flat.values),
            engine_name=ENGINE,
            progress_bar=False,
            session=session,
        )
        ending = _Ending("ok")
    except Exception as err:
        ending = _ending(err, session, job)
    return (session.nb if session.nb is not None else nb), ending


def _ending(err: Exception, session: Session, job: Job) -> _Ending:
    from nbclient.exceptions import CellExecutionError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    cell = session.cell
    if isinstance(err, PapermillExecutionError):
        said = said_by_kernel(err.ename, err.evalue, home=job.home, environment=session.env)
        by_user = bool(said) or err.ename in user_errors()
        message = said or keepable(err.ename, scrub_text(err.evalue, job.secrets))
        return _Ending("failed", message, cell, by_user)
    if session.limit == "cell":
        return _Ending("timeout", f"cell {cell} took longer than {session.cell_limit:g} s", cell)
    if session.limit == "run":
        return _Ending("timeout", f"took longer than {session.run_limit:g} s; it was in cell {cell}", cell)
    if isinstance(err, DeadKernelError):
        where = f"in cell {cell}"
        said = f"the kernel was ended {where}" if session.ended is None else session.ended.said(where)
        return _Ending("killed", said, cell)
    if isinstance(err, CellExecutionError):
        # the kernel had no room left to say what went wrong but in its last line
        last = _last_line(session.nb)
        name, _, value = last.partition(": ")
        said = said_by_kernel(name, value, home=job.home, environment=session.env)
        kept = keepable(name, scrub_text(value, job.secrets)) if value else without_values(scrub_text(last, job.secrets))
        return _Ending("failed", said or kept or "the cell failed and did not say why", cell, bool(said))
    told = keepable(type(err).__name__, scrub_text(str(err), job.secrets))
    return _Ending("failed", told, cell, isinstance(err, CrmkitError))


def _last_line(nb: Any) -> str:
    """The last line of what the last cell that complained wrote."""
    cells = nb.cells if nb is not None else []
    outputs = (one for cell in reversed(cells) for one in reversed(cell.get("outputs", [])))
    text = next((one["text"] for one in outputs if one.get("name") == "stderr"), "")
    return next((line.strip() for line in reversed(str(text).splitlines()) if line.strip()), "")


def _completed_report(job: Job, work: Path) -> dict[str, Any]:
    """The notebook's report.json with the parameters as they were handed over, without secrets; empty where there is none."""
    report = read_json(work / REPORT)
    if report:
        report["parameters"] = report.get("parameters", {}) | job.flat.recorded()
        report = scrub_json(report, job.secrets)
        write_json(work / REPORT, report)
    return report


def _write_page(
    nb: Any, record: Mapping[str, Any], ending: _Ending, *, job: Job, stem: Path, report: Mapping[str, Any]
) -> _Ending:
    """Write notebook and page; a page that cannot be made is a failure of this notebook, with a plain page that says so."""
    import nbformat

    page = stem.with_suffix(".html")
    try:
        kept = nb.metadata.setdefault("crmkit", {})
        kept["run"] = dict(record)
        kept["previous"] = _previous(job, report)
        nb = clean_notebook(nb, home=job.home, secrets=job.secrets)
        with _RENDERING:
            html, resources = PageExporter().from_notebook_node(nb)
        short = {name: content.decode() for name, content in resources["outputs"].items()}
        refuse_leaks("\n".join([html, *short.values()]), nb, stem.parent)
        nbformat.write(nb, stem.with_suffix(".ipynb"))
        for name, brief_html in short.items():
            page.with_name(name).write_text(brief_html, encoding="utf-8")
        page.write_text(html, encoding="utf-8")
    except Exception as err:
        (stem.parent / MARKS).unlink(missing_ok=True)
        ending = _page_failed(err, ending, job)
        said = in_words(scrub_text(ending.message, job.secrets), str(job.flat.values["language"]))
        page.write_text(PLAIN_PAGE.format(escape(job.analysis), escape(said)), encoding="utf-8")
    return ending


def _previous(job: Job, report: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the page is compared with: the last good run of an earlier date, else an earlier one of the same."""
    if not report:
        return None
    found = previous(job.client, job.analysis, as_of=str(report["as_of"]), run_id=job.run_id, home=job.home)
    return None if found is None or found.report is None else brief(found.report)


def _page_failed(err: Exception, ending: _Ending, job: Job) -> _Ending:
    said = str(err) if isinstance(err, CrmkitError) else said_of(err, home=job.home)
    found = f"the page could not be made: {said or keepable(type(err).__name__, scrub_text(str(err), job.secrets))}"
    if ending.status == "ok":
        return _Ending("failed", found, by_user=bool(said))
    return replace(ending, message=f"{ending.message}; {found}")
