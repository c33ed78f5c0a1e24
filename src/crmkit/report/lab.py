"""Copies of the notebooks with a client's parameters, to be opened and changed; an edited copy is never overwritten."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from crmkit.core.cells import read_cell
from crmkit.core.language import Locale, say, worded
from crmkit.core.results import Text
from crmkit.core.settings import HOME_VARIABLE
from crmkit.report.folders import RECORD, dates_of, read_json, read_latest, reports_folder, write_json, write_text
from crmkit.report.kernels.pool import ONE_THREAD
from crmkit.report.page.clock import VARIABLE as LAB
from crmkit.report.params.flatten import Flat, check_clients
from crmkit.report.params.notebooks import PARAMETERS_TAG, Notebook, cell_source, read_notebooks, translated

WRITTEN = ".written.json"
# Nothing is fetched from elsewhere, and no search for language servers through npm fills the terminal.
QUIET = (
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LanguageServerManager.autodetect=False",
)
# The system allows some 104 characters for the name of a socket; Jupyter adds about 50 to that of its folder.
SOCKET_NAME, ADDED = 104, 52


PLAY_HEADING = Text("To play with")
# change one number and run the cell; nothing here reaches the report
PLAY: Mapping[str, tuple[tuple[str, Text, str], ...]] = {
    "clv": (
        (
            "play-margin",
            Text("What if another share of revenue were kept? Change the number and run the cell; the report stays as it is."),
            "other_margin = 0.25\n"
            "other = clv.Terms(horizon_days, discount_rate, other_margin)\n"
            "clv.totals(past, clv.customer_values(past, models, other, draws=0))",
        ),
        (
            "play-horizon",
            Text("What if only the next half year counted?"),
            "other_days = 182\n"
            "clv.totals(past, clv.customer_values(past, models, clv.Terms(other_days, discount_rate, margin), draws=0))",
        ),
    ),
    "churn": (
        (
            "play-budget",
            Text("What if the campaign had another budget? Change the number and run the cell; the report stays as it is."),
            "other_budget = 100.0\n"
            'other = {**limits, "budget": other_budget}\n'
            "churn.rules(churn.make_plan(past, value, offer, **other, taken=taken, key=company.key()))",
        ),
    ),
}


@dataclass(frozen=True)
class Copies:
    """What became of each notebook.

    Parameters
    ----------
    folder : Path
    written : tuple of Path
        New, or brought up to date.
    kept : tuple of Path
        Left alone because somebody had edited them; the notebook or the parameters have changed since.
    current : tuple of Path
        Left alone, with what they show, because nothing has changed.
    """

    folder: Path
    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    current: tuple[Path, ...] = ()


def write_copies(client: str, *, home: Path) -> Copies:
    """A copy of each notebook in ``work/<client>/``, in the client's language, with the client's values as its parameters.

    It shows what the last good run showed, where that ran with the same values. A copy counts as edited when its words or its
    code are no longer those that were written; to have run it is no edit.

    Raises
    ------
    CrmkitError
        Every problem of the client's parameters at once.
    """
    notebooks = read_notebooks(home)
    _, flats = check_clients([client], notebooks, home=home)[client]
    folder = home / "work" / client
    folder.mkdir(parents=True, exist_ok=True)
    before = read_json(folder / WRITTEN)
    written, kept, current = [], [], []
    for analysis, notebook in notebooks.items():
        path, fresh = folder / f"{analysis}.ipynb", _copy(notebook, flats[analysis])
        _show_last_run(fresh, client, analysis, flats[analysis], home=home)
        found = _digest(read_json(path)) if path.exists() else ""
        if found == _digest(fresh):
            current.append(path)
        elif found and found != before.get(analysis):
            kept.append(path)
            continue
        else:
            write_text(path, json.dumps(fresh, ensure_ascii=False, indent=1) + "\n")
            written.append(path)
        before[analysis] = _digest(fresh)
    write_json(folder / WRITTEN, before)
    return Copies(folder, tuple(written), tuple(kept), tuple(current))


def open_lab(folder: Path, options: list[str], *, home: Path) -> int:
    """Open JupyterLab in a folder; returns when it ends.

    Parameters
    ----------
    folder : Path
    options : list of str
        Passed on to JupyterLab; they win over ours.
    home : Path
        The project.

    Returns
    -------
    int
        Exit code; where the system can, this process becomes JupyterLab and nothing returns.

    Raises
    ------
    FileNotFoundError
        When JupyterLab is not installed beside the kit.
    """
    command = jupyter_command(folder, options)
    environment = lab_environment(home)
    sys.stdout.flush()
    if sys.platform != "win32":
        os.execve(command[0], command, environment)
    import subprocess

    return subprocess.run(command, env=environment, check=False).returncode


def jupyter_command(folder: Path, options: list[str]) -> list[str]:
    """The command that opens JupyterLab in a folder.

    Raises
    ------
    FileNotFoundError
        When JupyterLab is not installed beside the kit.
    """
    found = shutil.which("jupyter-lab", path=str(Path(sys.executable).parent)) or shutil.which("jupyter-lab")
    if found is None:
        raise FileNotFoundError("jupyter-lab")
    return [found, f"--ServerApp.root_dir={folder}", *QUIET, *_sockets(), *options]


def _sockets() -> list[str]:
    """Speak to kernels through files of one's own, where their names are not too long: a port can be listened at by others."""
    from jupyter_core.paths import jupyter_runtime_dir

    if sys.platform == "win32" or len(os.fsencode(jupyter_runtime_dir())) + ADDED > SOCKET_NAME:
        return []
    return ["--KernelManager.transport=ipc"]


def lab_environment(home: Path) -> dict[str, str]:
    """Environment of JupyterLab and its kernels: this one, the project, and nothing that asks or warns before work can begin.

    Fits of few parameters lose most of their time where the linear algebra waits for threads: one is enough, unless this
    environment says otherwise.

    What JupyterLab takes for default settings, which each user may change, lies beside this module.
    """
    defaults = str(resources.files("crmkit.report") / "jupyter")
    given = os.environ.get("JUPYTER_CONFIG_PATH")
    own = {HOME_VARIABLE: str(home), "JUPYTER_CONFIG_PATH": os.pathsep.join([given, defaults] if given else [defaults])}
    # the debugger warns at each start of a kernel that it cannot step into modules which Python has frozen
    return {**ONE_THREAD, **os.environ, **own, LAB: "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}


def _copy(notebook: Notebook, flat: Flat) -> dict[str, Any]:
    content = json.loads(notebook.path.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        if PARAMETERS_TAG in cell.get("metadata", {}).get("tags", []):
            cell["source"] = with_values(cell_source(cell), flat.values)
    language = str(flat.values["language"])
    copy = dict(translated(content, worded(language, margin=flat.values.get("margin"))))
    return copy | {"cells": [*copy["cells"], *play_cells(notebook.analysis, Locale(language))]}


def _show_last_run(copy: dict[str, Any], client: str, analysis: str, flat: Flat, *, home: Path) -> None:
    """Put beneath each cell what it displayed in the last good run, if that had the same values."""
    days = dates_of(home, client)
    last = read_latest(home, client, days[0])["analyses"].get(analysis) if days else None
    if not last:
        return
    folder = reports_folder(home) / client / days[0] / last["folder"]
    used = read_json(folder / RECORD).get("parameters", {})
    if {name: one.get("value") for name, one in used.items()} != dict(flat.values):
        return
    ran = {cell.get("id"): cell for cell in read_json(folder / f"{analysis}.ipynb").get("cells", ())}
    for cell in copy["cells"]:
        shown = ran.get(cell.get("id"), {})
        if cell["cell_type"] == "code" and cell_source(shown) == cell_source(cell):
            cell |= {"outputs": shown["outputs"], "execution_count": shown["execution_count"]}


def with_values(source: str, values: Mapping[str, object]) -> str:
    """A parameters cell with other values in place of its defaults; types and comments stay, and so do values that are equal.

    Examples
    --------
    >>> with_values('client: str = "a"\\nas_of: str = ""\\nlanguage: str = "en"  # en | zh; words', {"client": "acme"})
    'client: str = "acme"\\nas_of: str = ""\\nlanguage: str = "en"  # en | zh; words'
    """
    lines = source.splitlines()
    declared = {one.name: one for one in read_cell(source, where="parameters cell")}
    for node in reversed(ast.parse(source).body):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name) or node.value is None:
            continue
        default = declared[node.target.id].default
        value = values.get(node.target.id, default)
        if (type(value), value) == (type(default), default):
            continue
        start, last = node.value.lineno - 1, (node.value.end_lineno or node.lineno) - 1
        # columns of the syntax tree count bytes
        head = lines[start].encode()[: node.value.col_offset].decode()
        tail = lines[last].encode()[node.value.end_col_offset or 0 :].decode()
        lines[start : last + 1] = [head + _literal(value) + tail]
    return "\n".join(lines)


def _literal(value: object) -> str:
    """A value as the notebooks write it: text in double quotes."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _digest(content: Mapping[str, Any]) -> str:
    """What tells whether somebody has edited a notebook: its words and its code, not what it showed when it ran."""
    said = [[cell.get("cell_type"), cell_source(cell)] for cell in content.get("cells", ())]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def play_cells(analysis: str, locale: Locale) -> list[dict[str, Any]]:
    """The cells of an analysis, with a heading; none where it has none."""
    cells: list[dict[str, Any]] = []
    for name, words, code in PLAY.get(analysis, ()):
        said = say(words, locale)
        said = said if cells else f"## {say(PLAY_HEADING, locale)}\n\n{said}"
        cells.append({"cell_type": "markdown", "id": f"{name}-text", "metadata": {}, "source": said})
        cells.append({"cell_type": "code", "id": name, "metadata": {}, "source": code, "outputs": [], "execution_count": None})
    return cells
