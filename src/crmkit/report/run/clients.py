"""Run the reports of one or many clients: check everything first, then what has changed, and say what came of it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmkit.core.errors import CrmkitError, ParamError, ReportError
from crmkit.core.privacy import client_key
from crmkit.core.settings import Settings
from crmkit.report.folders import locked, note_unchanged, reports_folder
from crmkit.report.guard.mishaps import said_of
from crmkit.report.guard.secrets import secrets_of
from crmkit.report.imports import light_imports
from crmkit.report.kernels.pool import KernelServer, can_fork
from crmkit.report.params.flatten import Flat, check_clients
from crmkit.report.params.notebooks import Notebook, read_notebooks, with_upstream
from crmkit.report.run.inputs import kit_hashes
from crmkit.report.run.outcome import Outcome
from crmkit.report.run.plan import Plan, known, make_plan, missing_tables, note_state
from crmkit.report.run.progress import Planned, Progress, Silent, last_seconds
from crmkit.report.run.schedule import in_order
from crmkit.report.run.share import shares

if TYPE_CHECKING:
    from crmkit.report.run.execute import Job

Task = tuple[str, str]
# a connection that a forked process cannot share, and a virtual machine that it cannot copy
NOT_FORKED = ("spark:", "spark+", "pyspark:", "databricks:")


def run_clients(
    clients: Iterable[str],
    *,
    home: Path,
    progress: Progress | None = None,
    only: Iterable[str] = (),
    overrides: Mapping[str, Any] | None = None,
    jobs: int = 1,
    force: bool = False,
    resume: bool = False,
    timeout: float | None = None,
    run_timeout: float | None = None,
) -> list[Outcome]:
    """Run the notebooks of clients, in the order in which they read each other's results.

    Parameters
    ----------
    clients : iterable of str
    home : Path
        The project.
    progress : Progress or None
        None = nobody is told.
    only : iterable of str
        Analyses asked for; those whose results they read are run with them, or reused. Empty: all that the client has tables
        for.
    overrides : mapping or None
        Values given on the command line, for every notebook.
    jobs : int
        How many notebooks may run at once, over all clients.
    force : bool
        Run what has not changed too.
    resume : bool
        Take up the last run of each client where it was interrupted.
    timeout, run_timeout : seconds or None
        Longest that a cell, and a notebook, may take.

    Returns
    -------
    list of Outcome
        One for each notebook, as they ended. A notebook that fails does not stop the others.

    Raises
    ------
    CrmkitError
        Before any kernel starts: every problem of every client's parameters at once.
    """
    progress = progress or Silent()
    notebooks = read_notebooks(home)
    asked = known(only, notebooks)
    wanted = with_upstream(asked or notebooks, notebooks)
    checked = check_clients(dict.fromkeys(clients), wanted, home=home, overrides=overrides)
    forking, share = can_fork(), shares(jobs)
    busy: list[CrmkitError] = []
    with ExitStack() as stack:
        plans: list[Plan] = []
        outcomes: list[Outcome] = []
        kit = kit_hashes(home)
        for client, (settings, flats) in checked.items():
            try:
                stack.enter_context(locked(home, client))
            except CrmkitError as err:
                busy.append(err)
                continue
            # what was asked for by name is run whatever is missing, and says so itself; what only comes along must be able to
            along = {name: flats[name] for name in wanted if name not in asked}
            can, lacking = _ready(along, settings, notebooks, home)
            outcomes += lacking
            ready = {name: flats[name] for name in wanted if name in asked or name in can}
            plans.append(make_plan(settings, ready, notebooks, home=home, kit=kit, force=force, resume=resume))
        outcomes += [outcome for plan in plans for outcome in plan.left_out()]
        for outcome in outcomes:
            progress.left_out(outcome)
        run = _Run(plans, notebooks, home, progress, jobs, share, timeout, run_timeout)
        if run.tasks:
            outcomes += run.all(fork=forking)
        cleared = [
            note_unchanged(folder, home=home, client=plan.client, analysis=name)
            for plan in plans
            for name, folder in plan.reused.items()
        ]
        if run.tasks or any(cleared) or (plans and not (reports_folder(home) / "index.html").is_file()):
            said = _write_site(home)
            # once is enough, where a notebook failed by it, or a client could not be run
            if said and not any(said in text for text in (*(one.message for one in outcomes), *map(str, busy))):
                busy.append(ReportError(said))
    if busy:
        raise ParamError([problem for err in busy for problem in err.problems])
    return outcomes


def _ready(
    flats: Mapping[str, Flat], settings: Settings, notebooks: Mapping[str, Notebook], home: Path
) -> tuple[dict[str, Flat], list[Outcome]]:
    """What the client has tables for, and what it has not."""
    missing = {name: missing_tables(notebooks[name], settings, home=home) for name in flats}
    lacking = [
        Outcome(settings.client, name, "skipped", message=f"not run: needs {', '.join(tables)}")
        for name, tables in missing.items()
        if tables
    ]
    return {name: flat for name, flat in flats.items() if not missing[name]}, lacking


def _write_site(home: Path) -> str:
    """Write the index pages; gives what the machine refused, empty where all is well."""
    from crmkit.report.site import write_site

    try:
        write_site(home)
    except OSError as err:
        return said_of(err, home=home) or f"the index could not be written: {err.strerror}"
    return ""


class _Run:
    """All notebooks that must be run, of all clients."""

    def __init__(
        self,
        plans: Sequence[Plan],
        notebooks: Mapping[str, Notebook],
        home: Path,
        progress: Progress,
        jobs: int,
        share: Mapping[str, str],
        timeout: float | None,
        run_timeout: float | None,
    ) -> None:
        self.plans = {plan.client: plan for plan in plans}
        self.notebooks, self.home, self.progress = notebooks, home, progress
        self.jobs, self.share, self.timeout, self.run_timeout = jobs, share, timeout, run_timeout
        self.tasks: dict[Task, list[Task]] = {
            (plan.client, name): [(plan.client, other) for other in notebooks[name].results]
            for plan in plans
            for name in plan.to_do
        }
        self.runs = {plan.client: plan.runs() for plan in plans}
        self.server: KernelServer | None = None
        self.stop = threading.Event()

    def all(self, *, fork: bool) -> list[Outcome]:
        """Run them; the server imports while this process does."""
        analyses = sorted({name for client, name in self.tasks if not self._not_forked(client)})
        with ExitStack() as stack:
            if fork and analyses:
                self.server = stack.enter_context(KernelServer(analyses))
            for plan in self.plans.values():
                if plan.to_do:
                    note_state(plan, home=self.home, ended=False)
            # here, and not by each of the threads; meanwhile the server imports what the kernels need
            with light_imports():
                import crmkit.report.run.execute  # noqa: F401
            self.progress.plan([self._planned(task) for task in self.tasks], jobs=self.jobs)
            outcomes = list(self._outcomes())
        for plan in self.plans.values():
            if plan.to_do:
                # what could not be written is known of the notebooks by now; a run that is not marked as ended can be taken up
                with suppress(OSError):
                    note_state(plan, home=self.home, ended=True)
        return outcomes

    def _outcomes(self) -> Iterator[Outcome]:
        for client in dict.fromkeys(client for client, _ in self.tasks):
            # made now: two kernels that make it at once would be in each other's way, and every result depends on it
            client_key(client, home=self.home)
        for outcome in in_order(self.tasks, self._work, jobs=self.jobs, stop=self.stop):
            self.progress.done(outcome)
            yield outcome

    def _work(self, task: Task) -> Outcome:
        from crmkit.report.run.execute import execute

        client, name = task
        plan = self.plans[client]
        self.progress.begin(client, name)
        outcome = execute(self._job(plan, name), on_cell=lambda number: self.progress.cell(client, name, number))
        # what failed has left nothing that could be read; a name of its own makes those that read it run again
        self.runs[client][name] = plan.run_id if outcome.status == "ok" else f"failed {plan.run_id}"
        return outcome

    def _job(self, plan: Plan, name: str) -> Job:
        from crmkit.report.run.execute import Job

        notebook = self.notebooks[name]
        return Job(
            plan.client,
            notebook,
            plan.flats[name],
            self.home,
            plan.run_id,
            # read each time: the key of the pseudonyms is made by the first notebook that needs it
            secrets_of(plan.client, home=self.home),
            inputs=plan.inputs[name],
            upstream=plan.upstream_of(notebook, self.runs[plan.client]),
            server=None if self._not_forked(plan.client) else self.server,
            share=self.share,
            timeout=self.timeout,
            run_timeout=self.run_timeout,
            stop=self.stop,
        )

    def _planned(self, task: Task) -> Planned:
        client, name = task
        return Planned(client, name, self.notebooks[name].cells, last_seconds(client, name, home=self.home))

    def _not_forked(self, client: str) -> bool:
        return self.plans[client].settings.source.startswith(NOT_FORKED)
