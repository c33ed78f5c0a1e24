"""Can a client's reports be run? Parameters of every analysis, then the data, then what each notebook needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crmkit.core.errors import ParamError, ReportError, counted
from crmkit.core.language import Locale, say
from crmkit.core.settings import find_home, read_settings
from crmkit.report.folders import check_writable
from crmkit.report.params.flatten import check_clients
from crmkit.report.params.notebooks import Notebook, read_notebooks
from crmkit.report.run.progress import last_seconds

if TYPE_CHECKING:
    from crmkit.data.intake.table import Intake


# seconds for a cell of a notebook with its part of the page, and rows that take one more: medians of the demo companies on two
# slow cores
CELL_SECONDS, ROWS_A_SECOND = 0.75, 50_000


@dataclass(frozen=True)
class Checked:
    """What was found: lines to read, and the problems of the data; without problems every line is good news."""

    lines: tuple[str, ...]
    problems: tuple[str, ...]


def check_reports(client: str, *, home: Path | None = None, tell: Callable[[str], None] | None = None) -> Checked:
    """Whether the reports of a client can be run, and what is wrong where they cannot.

    Parameters
    ----------
    client : str
    home : Path or None
        Default: the project that is found from here.
    tell : callable or None
        Is told the name of each table before it is read.

    Returns
    -------
    Checked
        Problems in the order in which they are mended: files, what cannot be read, headers, values, what does not go together,
        parameters of the notebooks, and where the reports are written.

    Raises
    ------
    ParamError
        When what all notebooks share of the params file cannot be read: nothing else can be looked at then.
    """
    place = home or find_home()
    notebooks = read_notebooks(place)
    settings = read_settings(client, home=place)
    wrong: tuple[str, ...] = ()
    lines = []
    try:
        _, flats = check_clients([client], notebooks, home=place)[client]
        good = sum(len(flat.values) for flat in flats.values())
        lines.append(f"params/{client}.yml  good: {good} parameters of {len(flats)} analyses")
    except ParamError as err:
        wrong = err.problems
    from crmkit.data.client import check_client

    check = check_client(client, home=place, tell=tell)
    if check.as_of is not None:
        lines.append(f"as of {check.as_of.isoformat()}")
    lines += [line for intake in check.intake for line in _intake_lines(intake)]
    broken = ", ".join(check.broken) or "the source"
    able = []
    for analysis, notebook in notebooks.items():
        missing = [table for table in notebook.needs if table in check.missing]
        less = [table for table in notebook.uses if table in check.missing]
        own = [problem for problem in wrong if problem.startswith(f"params/{client}.yml, {analysis}")]
        if check.problems:
            verdict = f"cannot run until {broken} {'is' if len(check.broken) < 2 else 'are'} mended: see below"
        elif own:
            verdict = "cannot run until its parameters are mended: see below"
        else:
            verdict = _verdict(missing, less)
            able += [] if missing else [notebook]
        lines.append(f"{analysis}  {verdict}")
    if able and not wrong:
        lines.append(_how_long(able, check.intake, settings.client, home=place))
    return Checked(tuple(lines), (*check.problems, *wrong, *_writing_problems(client, place)))


def _how_long(notebooks: Sequence[Notebook], intake: Sequence[Intake], client: str, *, home: Path) -> str:
    """How long a run takes: as long as it took last time, else by the cells of its notebooks and the rows that they read."""
    rows = {one.table: one.rows_kept for one in intake}
    seconds, known = 0.0, 0
    for notebook in notebooks:
        last = last_seconds(client, notebook.analysis, home=home)
        known += last is not None
        read = sum(rows.get(table, 0) for table in dict.fromkeys((*notebook.needs, *notebook.uses)))
        seconds += notebook.cells * CELL_SECONDS + read / ROWS_A_SECOND if last is None else last
    about = counted(round(seconds / 60), "minute") if seconds >= 90 else f"{max(10, round(seconds, -1)):.0f} seconds"
    basis = "as last time" if known == len(notebooks) else "on two slow cores"
    return f"a run of {counted(len(notebooks), 'notebook')} takes about {about}, {basis}"


def _writing_problems(client: str, home: Path) -> tuple[str, ...]:
    try:
        check_writable(home, client)
    except ReportError as err:
        return err.problems
    return ()


def _intake_lines(intake: Intake) -> Iterator[str]:
    source = f"  from {', '.join(intake.files)}" if intake.files else ""
    later = f", {intake.rows_after_as_of:,} after the date" if intake.rows_after_as_of else ""
    noun = "row" if intake.rows_read == 1 else "rows"
    yield f"{intake.table}  {intake.rows_kept:,} of {intake.rows_read:,} {noun}{later}{source}"
    for reason, number in intake.rows_set_aside.items():
        yield f"  {number:,} set aside: {reason}"
    for note in intake.notes:
        yield f"  {say(note, Locale())}"


def _verdict(missing: list[str], less: list[str]) -> str:
    if missing:
        return f"cannot run: needs {', '.join(missing)}"
    return f"can run, with less to say: without {', '.join(less)}" if less else "can run"
