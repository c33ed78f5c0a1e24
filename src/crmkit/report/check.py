"""Can a client's reports be run? Parameters of every analysis, then the data, then what each notebook needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from crmkit.core.settings import Settings
from crmkit.report.notebooks import Notebook, read_notebooks
from crmkit.report.params import check_clients
from crmkit.report.run import missing_tables


def check_client(client: str, *, home: Path) -> Iterator[str]:
    """What was found, line by line.

    Raises
    ------
    CrmkitError
        Every problem of the params file at once, or of the data.
    """
    notebooks = read_notebooks(home)
    settings, flats = check_clients([client], notebooks, home=home)[client]
    yield f"params/{client}.yml  good: {sum(len(flat.values) for flat in flats.values())} parameters of {len(flats)} analyses"
    for notebook in notebooks.values():
        yield f"{notebook.analysis}  {_verdict(notebook, settings, home)}"


def _verdict(notebook: Notebook, settings: Settings, home: Path) -> str:
    missing = missing_tables(notebook, settings, home=home)
    if missing:
        return f"cannot run: needs {', '.join(missing)}"
    return "can run"
