"""What is there to do for one client, and what of it is done already?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmkit.core.errors import DataError, ParamError, Problem, did_you_mean
from crmkit.core.settings import Settings
from crmkit.data.sources.files import PREFIX, package_folder
from crmkit.report.folders import RECORD, new_run_id, read_json, reports_folder, write_json
from crmkit.report.params.flatten import Flat
from crmkit.report.params.notebooks import Notebook, lacking
from crmkit.report.run.inputs import Inputs, data_of, inputs_of, last_equal
from crmkit.report.run.outcome import Outcome

STATE = ".run.json"


@dataclass
class Plan:
    """The notebooks of one client in running order, and those that need not be run.

    Parameters
    ----------
    settings : Settings
    flats : mapping
        Analysis -> parameters, for those that are to be run or reused.
    run_id : str
    earlier : tuple of str
        Runs that were interrupted, which this one takes up.
    inputs : dict
        Analysis -> what its result depends on.
    reused : dict
        Analysis -> the folder of the run whose result still holds.
    resumed : dict
        The same, of the runs that this one takes up.
    """

    settings: Settings
    flats: Mapping[str, Flat]
    run_id: str
    earlier: tuple[str, ...] = ()
    inputs: dict[str, Inputs] = field(default_factory=dict)
    reused: dict[str, Path] = field(default_factory=dict)
    resumed: dict[str, Path] = field(default_factory=dict)

    @property
    def client(self) -> str:
        return self.settings.client

    @property
    def to_do(self) -> list[str]:
        """Analyses to be run, in order."""
        return [name for name in self.flats if name not in self.reused and name not in self.resumed]

    def left_out(self) -> list[Outcome]:
        """Analyses that need not be run, and why."""
        unchanged = [
            Outcome(self.client, name, "skipped", message=f"unchanged since run {folder.parent.name}", folder=folder)
            for name, folder in self.reused.items()
        ]
        return unchanged + [
            Outcome(self.client, name, "skipped", message=f"finished by run {folder.parent.name}", folder=folder)
            for name, folder in self.resumed.items()
        ]

    def upstream_of(self, notebook: Notebook, runs: Mapping[str, str]) -> dict[str, str]:
        """Analyses that a notebook reads -> the run that made what it will find."""
        return {name: runs.get(name, "") for name in notebook.results}

    def runs(self) -> dict[str, str]:
        """Analyses whose results still hold -> the run that made them."""
        return {name: folder.parent.name for name, folder in (self.reused | self.resumed).items()}


def make_plan(
    settings: Settings,
    flats: Mapping[str, Flat],
    notebooks: Mapping[str, Notebook],
    *,
    home: Path,
    kit: Mapping[str, str],
    force: bool,
    resume: bool,
) -> Plan:
    """What must be run for a client.

    Parameters
    ----------
    settings : Settings
    flats : mapping
        Analysis -> parameters, in running order.
    notebooks : mapping
    home : Path
    kit : mapping
        As :func:`crmkit.report.run.inputs.kit_hashes` found them.
    force : bool
        Run what has not changed too.
    resume : bool
        Take up the run that was interrupted: what it has finished, with these parameters, notebooks and kit, is not run again,
        even where it cannot be told whether the data have changed.
    """
    state = read_json(reports_folder(home) / settings.client / STATE)
    going_on = resume and bool(state) and not state.get("ended")
    plan = Plan(settings, flats, new_run_id(), earlier=tuple(state["runs"]) if going_on else ())
    data = data_of(settings, home=home)
    for name, flat in flats.items():
        notebook = notebooks[name]
        inputs = plan.inputs[name] = inputs_of(notebook, flat, settings, home=home, data=data, kit=kit)
        if any(other in plan.to_do for other in notebook.results if other in plan.inputs):
            continue
        done = _finished(plan, name, state, home=home)
        if done is not None:
            plan.resumed[name] = done
        elif not force:
            upstream = plan.upstream_of(notebook, plan.runs())
            found = last_equal(inputs, upstream, client=settings.client, analysis=name, home=home)
            if found is not None:
                plan.reused[name] = found
    return plan


def note_state(plan: Plan, *, home: Path, ended: bool) -> None:
    """Note that a run has begun, and with what, or that it has ended."""
    fixed = {name: dict(inputs.fixed) for name, inputs in plan.inputs.items()}
    state = {"schema": 1, "runs": [*plan.earlier, plan.run_id], "ended": ended, "inputs": fixed}
    write_json(reports_folder(home) / plan.client / STATE, state)


def _finished(plan: Plan, name: str, state: Mapping[str, Any], *, home: Path) -> Path | None:
    """What the interrupted runs had finished, where they were begun with the same parameters, notebook and kit."""
    if not plan.earlier or state.get("inputs", {}).get(name) != dict(plan.inputs[name].fixed):
        return None
    root = reports_folder(home) / plan.client
    found = [folder for run in reversed(plan.earlier) for folder in root.glob(f"*/runs/{run}/{name}")]
    return next((folder for folder in found if read_json(folder / RECORD).get("status") == "ok"), None)


def missing_tables(notebook: Notebook, settings: Settings, *, home: Path) -> list[str]:
    """Tables that a notebook needs and a client does not have, as far as file names tell.

    A table is there when the params file names it, or the source is a folder, of the project or of an installed package, with
    a file of its name. Where the source is a database nothing can be told without opening it, and nothing is reported missing.
    """
    try:
        folder = package_folder(settings.source) if settings.source.startswith(PREFIX) else home / settings.source
    except DataError:  # it is not installed; opening the client says what to do
        return []
    if not folder.is_dir():
        return []
    there = {path.stem for path in folder.iterdir()} | set(settings.tables) | {"customers"}
    return lacking(notebook.needs, there.__contains__)


def known(only: Iterable[str], notebooks: Mapping[str, Notebook]) -> list[str]:
    """The analyses asked for, each once.

    Raises
    ------
    ParamError
        For each that has no notebook.
    """
    asked = list(dict.fromkeys(only))
    problems = [
        Problem(f"--only: analysis {name!r}", "has no notebook", hint=did_you_mean(name, notebooks))
        for name in asked
        if name not in notebooks
    ]
    if problems:
        raise ParamError(problems)
    return asked
