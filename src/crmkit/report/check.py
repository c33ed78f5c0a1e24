"""Can a client's reports be run? Parameters of every analysis, then the data, then what each notebook needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crmkit.core.errors import ReportError
from crmkit.core.language import Locale, say
from crmkit.core.settings import find_home
from crmkit.report.folders import check_writable
from crmkit.report.params.flatten import check_clients
from crmkit.report.params.notebooks import read_notebooks

if TYPE_CHECKING:
    from crmkit.data.intake.table import Intake


# a table that is there and cannot be read is not missing
BROKEN = "cannot run until the problems below are mended"


@dataclass(frozen=True)
class Checked:
    """What was found: lines to read, and the problems of the data; without problems every line is good news."""

    lines: tuple[str, ...]
    problems: tuple[str, ...]


def check_reports(client: str, *, home: Path | None = None) -> Checked:
    """Whether the reports of a client can be run, and what is wrong where they cannot.

    Parameters
    ----------
    client : str
    home : Path or None
        Default: the project that is found from here.

    Raises
    ------
    ParamError
        Every problem of the params file at once; problems of the data are returned.
    """
    place = home or find_home()
    notebooks = read_notebooks(place)
    _, flats = check_clients([client], notebooks, home=place)[client]
    from crmkit.data.client import check_client

    check = check_client(client, home=place)
    good = sum(len(flat.values) for flat in flats.values())
    lines = [f"params/{client}.yml  good: {good} parameters of {len(flats)} analyses"]
    if check.as_of is not None:
        lines.append(f"as of {check.as_of.isoformat()}")
    broken = bool(check.problems)
    lines += [line for intake in check.intake for line in _intake_lines(intake)]
    for analysis, notebook in notebooks.items():
        missing = [table for table in notebook.needs if table in check.missing]
        less = [table for table in notebook.uses if table in check.missing]
        lines.append(f"{analysis}  {BROKEN if broken else _verdict(missing, less)}")
    return Checked(tuple(lines), (*check.problems, *_writing_problems(client, place)))


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
