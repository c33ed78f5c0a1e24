"""Copies of the notebooks with a client's parameters, to be opened and changed; an edited copy is never overwritten."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crmkit.core.settings import read_settings
from crmkit.report.cells import read_cell
from crmkit.report.folders import read_json, write_json, write_text
from crmkit.report.notebooks import PARAMETERS_TAG, Notebook, cell_source, read_notebooks
from crmkit.report.params import Flat, flatten

WRITTEN = ".written.json"


@dataclass(frozen=True)
class Copies:
    """What was written, and what was left because somebody had edited it."""

    folder: Path
    written: tuple[Path, ...]
    kept: tuple[Path, ...]


def write_copies(client: str, *, home: Path) -> Copies:
    """A copy of each notebook in ``work/<client>/`` whose parameters cell holds the client's values.

    Raises
    ------
    CrmkitError
        When the client's parameters cannot be used.
    """
    settings = read_settings(client, home=home)
    folder = home / "work" / client
    folder.mkdir(parents=True, exist_ok=True)
    before = read_json(folder / WRITTEN)
    written, kept = [], []
    for analysis, notebook in read_notebooks(home).items():
        path = folder / f"{analysis}.ipynb"
        if path.exists() and before.get(analysis) != _digest(path):
            kept.append(path)
            continue
        write_text(path, _with_values(notebook, flatten(settings, analysis, home=home)))
        before[analysis] = _digest(path)
        written.append(path)
    write_json(folder / WRITTEN, before)
    return Copies(folder, tuple(written), tuple(kept))


def jupyter_command(folder: Path, options: list[str]) -> list[str]:
    """The command that opens JupyterLab in a folder.

    Raises
    ------
    FileNotFoundError
        When JupyterLab is not installed beside the kit.
    """
    import sys

    found = shutil.which("jupyter-lab", path=str(Path(sys.executable).parent)) or shutil.which("jupyter-lab")
    if found is None:
        raise FileNotFoundError("jupyter-lab")
    return [found, f"--ServerApp.root_dir={folder}", *options]


def _with_values(notebook: Notebook, flat: Flat) -> str:
    content = json.loads(notebook.path.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        if PARAMETERS_TAG in cell.get("metadata", {}).get("tags", []):
            cell["source"] = with_values(cell_source(cell), flat.values)
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def with_values(source: str, values: Mapping[str, object]) -> str:
    """A parameters cell with other values in place of its defaults; types and comments stay.

    Examples
    --------
    >>> with_values('client: str = "a"\\nas_of: str = ""\\nlanguage: str = "en"  # en | zh; words', {"client": "acme"})
    "client: str = 'acme'\\nas_of: str = ''\\nlanguage: str = 'en'  # en | zh; words"
    """
    import ast

    lines = source.splitlines()
    declared = {one.name: one for one in read_cell(source, where="parameters cell")}
    for node in reversed(ast.parse(source).body):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            value, last = node.value, (node.value.end_lineno or node.lineno) - 1
            new = repr(values.get(node.target.id, declared[node.target.id].default))
            # columns of the syntax tree count bytes
            head = lines[value.lineno - 1].encode()[: value.col_offset].decode()
            tail = lines[last].encode()[value.end_col_offset or 0 :].decode()
            lines[value.lineno - 1 : last + 1] = [head + new + tail]
    return "\n".join(lines)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
