"""Run the reports of one or many clients: check everything first, then notebook by notebook, and say what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from crmkit.core.errors import CrmkitError, ParamError, Problem, did_you_mean
from crmkit.core.settings import Settings
from crmkit.report.folders import locked, new_run_id
from crmkit.report.notebooks import Notebook, read_notebooks, with_upstream
from crmkit.report.params import Flat, check_clients
from crmkit.report.scrub import secrets_of
from crmkit.report.site import write_site

if TYPE_CHECKING:
    from crmkit.report.execute import Outcome


class Progress(Protocol):
    """Who wants to know how a run is getting on."""

    def begin(self, client: str, analysis: str) -> None:
        """A notebook is about to run."""

    def cell(self, number: int) -> None:
        """A cell of it is about to run."""

    def left_out(self, client: str, analysis: str, reason: str) -> None:
        """A notebook is not run."""

    def done(self, outcome: Outcome) -> None:
        """A notebook is finished."""


def run_clients(
    clients: Iterable[str],
    *,
    home: Path,
    progress: Progress,
    only: Iterable[str] = (),
    overrides: Mapping[str, Any] | None = None,
    timeout: float | None = None,
) -> list[Outcome]:
    """Run the notebooks of clients, in the order in which they read each other's results.

    Parameters
    ----------
    clients : iterable of str
    home : Path
        The project.
    progress : Progress
    only : iterable of str
        Analyses asked for; those whose results they read are run with them. Empty: all that the client has tables for.
    overrides : mapping or None
        Values given on the command line, for every notebook.
    timeout : float or None
        Seconds that a cell may take.

    Returns
    -------
    list of Outcome
        One for each notebook that was started. A notebook that fails does not stop the others.

    Raises
    ------
    CrmkitError
        Before any kernel starts: every problem of every client's parameters at once.
    """
    notebooks = read_notebooks(home)
    asked = _known(only, notebooks)
    wanted = with_upstream(asked or notebooks, notebooks)
    checked = check_clients(dict.fromkeys(clients), wanted, home=home, overrides=overrides)
    outcomes: list[Outcome] = []
    locks: list[CrmkitError] = []
    for client, (settings, flats) in checked.items():
        try:
            with locked(home, client):
                ready = [name for name in wanted if asked or _ready(notebooks[name], settings, home, progress)]
                outcomes += _run_client(
                    settings, {name: (notebooks[name], flats[name]) for name in ready}, home, progress, timeout
                )
        except CrmkitError as err:
            locks.append(err)
    if outcomes:
        write_site(home)
    if locks:
        raise ParamError([problem for err in locks for problem in err.problems])
    return outcomes


def exit_code(outcomes: Iterable[Outcome]) -> int:
    """0 when all is well, 2 when all that failed can be mended by the user, else 1."""
    failed = [outcome for outcome in outcomes if outcome.status != "ok"]
    if not failed:
        return 0
    return 2 if all(outcome.by_user for outcome in failed) else 1


def _run_client(
    settings: Settings,
    chosen: Mapping[str, tuple[Notebook, Flat]],
    home: Path,
    progress: Progress,
    timeout: float | None,
) -> Iterator[Outcome]:
    from crmkit.report.execute import Job, execute

    run_id = new_run_id()
    for analysis, (notebook, flat) in chosen.items():
        progress.begin(settings.client, analysis)
        # read each time: the key of the pseudonyms is made by the first notebook that needs it
        secrets = secrets_of(settings.client, home=home)
        job = Job(settings.client, notebook, flat, home, run_id, secrets, timeout=timeout)
        outcome = execute(job, on_cell=progress.cell)
        progress.done(outcome)
        yield outcome


def _known(only: Iterable[str], notebooks: Mapping[str, Notebook]) -> list[str]:
    asked = list(dict.fromkeys(only))
    problems = [
        Problem(f"--only: analysis {name!r}", "has no notebook", hint=did_you_mean(name, notebooks))
        for name in asked
        if name not in notebooks
    ]
    if problems:
        raise ParamError(problems)
    return asked


def _ready(notebook: Notebook, settings: Settings, home: Path, progress: Progress) -> bool:
    missing = missing_tables(notebook, settings, home=home)
    if missing:
        progress.left_out(settings.client, notebook.analysis, f"needs {', '.join(missing)}")
    return not missing


def missing_tables(notebook: Notebook, settings: Settings, *, home: Path) -> list[str]:
    """Tables that a notebook needs and a client does not have, as far as file names tell.

    A table is there when the params file names it, or the source is a folder with a file of its name. Where the source is
    a database or a package nothing can be told without opening it, and nothing is reported missing.
    """
    folder = home / settings.source
    if not folder.is_dir():
        return []
    there = {path.stem for path in folder.iterdir()} | set(settings.tables) | {"customers"}
    return [table for table in notebook.needs if table not in there]
