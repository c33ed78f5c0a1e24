"""Which notebooks are there, what does each declare of itself, and in which order do they run?

A notebook is read as the JSON that it is: neither Jupyter nor the notebook's code is needed to know what it asks for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from crmkit.core.errors import ParamError, Problem, ReportError, did_you_mean
from crmkit.core.language import translate_markdown
from crmkit.core.settings import analysis_names

PARAMETERS_TAG = "parameters"


@dataclass(frozen=True)
class Notebook:
    """What one notebook says of itself.

    Parameters
    ----------
    analysis : str
        Its name; also the stem of the file and the key of its section in a params file.
    path : Path
    question : str
        The first heading.
    needs, uses : tuple of str
        Tables without which it cannot run, ``a|b`` where one of two will do, and tables that it reads where they are there.
    results : tuple of str
        Analyses whose results it reads.
    form : str
        The function of the analysis that makes a form to be filled in; empty where there is none.
    parameters : str
        Source of the parameters cell.
    cells : int
        How many cells there are.
    """

    analysis: str
    path: Path
    question: str
    needs: tuple[str, ...]
    uses: tuple[str, ...]
    results: tuple[str, ...]
    parameters: str
    cells: int = 0
    form: str = ""


def lacking(needs: Iterable[str], there: Callable[[str], bool]) -> list[str]:
    """What a notebook needs and a client does not have; of tables that stand for each other, all in one.

    Examples
    --------
    >>> lacking(["surveys", "orders|contracts"], {"customers"}.__contains__)
    ['surveys', 'orders / contracts']
    >>> lacking(["surveys", "orders|contracts"], {"contracts", "surveys"}.__contains__)
    []
    """
    return [need.replace("|", " / ") for need in needs if not any(there(table) for table in need.split("|"))]


def read_notebook(analysis: str, *, home: Path) -> Notebook:
    """What the notebook of an analysis declares.

    Raises
    ------
    ParamError
        When there is no such notebook; the nearest name is offered.
    ReportError
        When the file is not a notebook, or its first code cell is not its only parameters cell.
    """
    path = home / "notebooks" / f"{analysis}.ipynb"
    names = analysis_names(home)
    if analysis not in names:
        raise ParamError(
            Problem(f"analysis {analysis!r}", f"has no notebook notebooks/{analysis}.ipynb", hint=did_you_mean(analysis, names))
        )
    where = f"notebooks/{analysis}.ipynb"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        cells = content["cells"]
    except (ValueError, KeyError, TypeError) as err:
        raise ReportError(f"{where}: is not a notebook ({err})") from err
    declared = content.get("metadata", {}).get("crmkit", {})
    named = declared.get("analysis", analysis)
    if named != analysis:
        raise ReportError(f"{where}: its metadata says analysis {named!r}; both names must be equal")
    tables = declared.get("tables", {})
    return Notebook(
        analysis=analysis,
        path=path,
        question=question_of(cells) or analysis,
        needs=tuple(tables.get("needs", ())),
        uses=tuple(tables.get("uses", ())),
        results=tuple(declared.get("results", ())),
        parameters=_parameters_source(cells, where),
        cells=len(cells),
        form=str(declared.get("form", "")),
    )


def read_notebooks(home: Path) -> dict[str, Notebook]:
    """All notebooks of a project by name, in the order in which they run."""
    return run_order(read_notebook(name, home=home) for name in analysis_names(home))


def run_order(notebooks: Iterable[Notebook]) -> dict[str, Notebook]:
    """Notebooks by name, each after those whose results it reads; alphabetical where that leaves a choice.

    Raises
    ------
    ReportError
        When notebooks read each other's results in a circle.
    """
    listed = {notebook.analysis: notebook for notebook in sorted(notebooks, key=lambda notebook: notebook.analysis)}
    graph = {name: [other for other in notebook.results if other in listed] for name, notebook in listed.items()}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as err:
        raise ReportError(f"notebooks read each other's results in a circle: {' -> '.join(err.args[1])}") from err
    return {name: listed[name] for name in order}


def with_upstream(names: Iterable[str], notebooks: dict[str, Notebook]) -> list[str]:
    """The named analyses and all those whose results they read, in running order."""
    wanted: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in wanted and name in notebooks:
            wanted.add(name)
            waiting.extend(notebooks[name].results)
    return [name for name in notebooks if name in wanted]


def cell_source(cell: Mapping[str, Any]) -> str:
    """Source of a cell, which a notebook file keeps as one text or as a list of lines."""
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def question_of(cells: Iterable[Mapping[str, Any]]) -> str:
    """The first heading of a notebook's cells, in whatever language they are; empty where there is none."""
    for cell in cells:
        if cell.get("cell_type") == "markdown":
            for line in cell_source(cell).splitlines():
                if line.startswith("# "):
                    return line[2:].strip()
    return ""


def question_in(question: str, language: str) -> str:
    """A notebook's question in a language; as it is where it was never translated."""
    return question_of([{"cell_type": "markdown", "source": translate_markdown(f"# {question}", language)}])


def _parameters_source(cells: list[dict[str, Any]], where: str) -> str:
    code = [cell for cell in cells if cell.get("cell_type") == "code"]
    tagged = [cell for cell in code if PARAMETERS_TAG in cell.get("metadata", {}).get("tags", [])]
    if len(tagged) != 1:
        raise ReportError(f"{where}: has {len(tagged)} cells tagged '{PARAMETERS_TAG}'; it needs exactly one")
    if tagged[0] is not code[0]:
        raise ReportError(f"{where}: the cell tagged '{PARAMETERS_TAG}' must be the first code cell")
    return cell_source(tagged[0])


def translated(nb: Any, language: str) -> Any:
    """A notebook with its prose in another language; code stays as it is."""
    for cell in nb["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = translate_markdown("".join(cell["source"]), language)
    return nb
