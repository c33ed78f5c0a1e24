"""Can a client's reports be run? Parameters of every analysis, then the data, then what each notebook needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crmkit.core.errors import CrmkitError, ParamError, ReportError
from crmkit.core.language import Locale, say
from crmkit.core.results import Numbers, Quantity, Text
from crmkit.core.settings import find_home, params_path, read_settings
from crmkit.report.folders import check_writable, dates_of, reports_folder
from crmkit.report.params.flatten import check_clients
from crmkit.report.params.notebooks import Notebook, lacking, read_notebooks
from crmkit.report.run.progress import last_seconds

if TYPE_CHECKING:
    from crmkit.data.intake.table import Intake
    from crmkit.report.guard.agreement import Contradiction


# seconds for a cell of a notebook with its part of the page, and rows that take one more: medians of demo companies and of
# public data, on two slow cores
CELL_SECONDS, ROWS_A_SECOND = 0.4, 50_000


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
    lines: list[Text | str] = []
    try:
        _, flats = check_clients([client], notebooks, home=place)[client]
        good = sum(len(flat.values) for flat in flats.values())
        told: Numbers = {"client": client, "good": Quantity(good, "count"), "n": Quantity(len(flats), "count")}
        lines.append(Text("params/{client}.yml  good: {good} {good:parameter|parameters} of {n} {n:analysis|analyses}", told))
    except ParamError as err:
        wrong = err.problems
    from crmkit.data.client import check_client

    check = check_client(client, home=place, tell=tell)
    if check.as_of is not None:
        lines.append(Text("as of {day}", {"day": check.as_of.isoformat()}))
    lines += [line for intake in check.intake for line in _intake_lines(intake)]
    broken = ", ".join(check.broken) or Text("the source")
    able = []
    for analysis, notebook in notebooks.items():
        missing = lacking(notebook.needs, lambda table: table not in check.missing)
        less = [table for table in notebook.uses if table in check.missing]
        own = [problem for problem in wrong if problem.startswith(f"params/{client}.yml, {analysis}")]
        if check.problems:
            verdict = Text(
                "cannot run until {broken} is mended: see below"
                if len(check.broken) < 2
                else "cannot run until {broken} are mended: see below",
                {"broken": broken},
            )
        elif own:
            verdict = Text("cannot run until its parameters are mended: see below")
        else:
            verdict = _verdict(missing, less)
            able += [] if missing else [notebook]
        lines.append(Text("{analysis}  {verdict}", {"analysis": analysis, "verdict": verdict}))
    if able and not wrong:
        lines.append(_how_long(able, check.intake, settings.client, home=place))
    locale = Locale(settings.language)
    return Checked(tuple(say(line, locale) for line in lines), (*check.problems, *wrong, *_writing_problems(client, place)))


def compare_pages(client: str, *, home: Path | None = None) -> Text:
    """Whether the pages of a client's last reports say the same, and how much was compared.

    Raises
    ------
    CrmkitError
        A line for each number that they say in two ways.
    """
    from crmkit.report.guard.agreement import contradictions, statements
    from crmkit.report.guard.taken import unread

    place = home or find_home()
    params_path(client, home=place)
    found = contradictions(client, home=place)
    if found:
        again = f"run all of its reports together: crmkit run {client}"
        old = [f"write again what was taken of them: crmkit deck {client}; crmkit doc {client}"] if taken_differs(found) else []
        raise CrmkitError([*(str(one) for one in found), again, *old])
    left = unread(reports_folder(place) / client / next(iter(dates_of(place, client)), ""))
    numbers: Numbers = {"name": client, "n": f"{len(statements(client, home=place)):,}", "files": ", ".join(left)}
    if left:
        return Text(
            "{name}: {n} statements compared; no two of them differ; not read without the extra office: {files}", numbers
        )
    return Text("{name}: {n} statements compared; no two of them differ", numbers)


def taken_differs(found: Sequence[Contradiction]) -> bool:
    """Whether slides or a document are among what differs."""
    places = [place for one in found for several in one.said.values() for place in several]
    return any(place.endswith((".pptx", ".docx")) for place in places)


def _how_long(notebooks: Sequence[Notebook], intake: Sequence[Intake], client: str, *, home: Path) -> Text:
    """How long a run takes: as long as it took last time, else by the cells of its notebooks and the rows that they read."""
    rows = {one.table: one.rows_kept for one in intake}
    seconds, known = 0.0, 0
    for notebook in notebooks:
        last = last_seconds(client, notebook.analysis, home=home)
        known += last is not None
        read = sum(rows.get(table, 0) for table in dict.fromkeys((*notebook.needs, *notebook.uses)))
        seconds += notebook.cells * CELL_SECONDS + read / ROWS_A_SECOND if last is None else last
    numbers: Numbers = {
        "n": Quantity(len(notebooks), "count"),
        "about": Text("{n} {n:minute|minutes}", {"n": Quantity(round(seconds / 60), "count")})
        if seconds >= 90
        else Text("{n} seconds", {"n": Quantity(max(10, round(seconds, -1)), "count")}),
        "basis": Text("as last time") if known == len(notebooks) else Text("on two slow cores"),
    }
    return Text("a run of {n} {n:notebook|notebooks} takes about {about}, {basis}", numbers)


def _writing_problems(client: str, home: Path) -> tuple[str, ...]:
    try:
        check_writable(home, client)
    except ReportError as err:
        return err.problems
    return ()


def _intake_lines(intake: Intake) -> Iterator[Text]:
    numbers: dict[str, Quantity | Text | str] = {
        "table": intake.table,
        "kept": Quantity(intake.rows_kept, "count"),
        "read": Quantity(intake.rows_read, "count"),
        "later": "",
        "source": "",
    }
    if intake.rows_after_as_of:
        numbers["later"] = Text(", {n} after the date", {"n": Quantity(intake.rows_after_as_of, "count")})
    if intake.files:
        numbers["source"] = Text("  from {files}", {"files": ", ".join(intake.files)})
    yield Text("{table}  {kept} of {read} {read:row|rows}{later}{source}", numbers)
    for one in intake.set_aside:
        yield Text("  {n} set aside: {reason}", {"n": Quantity(one.rows, "count"), "reason": one.text})
    for note in intake.notes:
        yield Text("  {note}", {"note": note})


def _verdict(missing: list[str], less: list[str]) -> Text:
    if missing:
        return Text("cannot run: needs {tables}", {"tables": ", ".join(missing)})
    if less:
        return Text("can run, with less to say: without {tables}", {"tables": ", ".join(less)})
    return Text("can run")
