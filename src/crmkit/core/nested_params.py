"""Was a whole params file given to a notebook that can only take flat parameters?

Plain Papermill would set its top keys as variables, leave every parameter of the analysis at its default, and say nothing.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from crmkit.core.errors import ParamError
from crmkit.core.settings import PrivacySettings, Settings, analysis_names

KEPT = ("source", "title", "tables", "privacy")


def refuse_injected(settings: Settings, *, home: Path) -> None:
    """Stop where the notebook that is running was given a params file as it is.

    Raises
    ------
    ParamError
        With the two commands to use instead.
    """
    names = _user_names()
    found = [
        name
        for name, value in names.items()
        if (name in KEPT or isinstance(value, Mapping)) and _from_params(name, value, settings=settings, home=home)
    ]
    if not found:
        return
    client = settings.client
    analysis = running_analysis(names, home=home) or "<analysis>"
    raise ParamError(
        f"the notebook was given a params file with sections ({', '.join(sorted(found))}), and would run with the defaults; "
        f"use 'crmkit run {client}', or 'crmkit params {client} {analysis} > flat.yml' and papermill with '-f flat.yml'"
    )


def running_analysis(names: Iterable[str], *, home: Path) -> str:
    """Which notebook is running? The one whose parameters are all there; empty where none is.

    Parameters
    ----------
    names : iterable of str
        Names of the notebook's variables. Sections of a params file that was given whole are among them: a section's name says
        nothing of the notebook.
    home : Path
        Project root.
    """
    there = set(names)
    sizes = {}
    for analysis in analysis_names(home):
        own = _parameter_names(home / "notebooks" / f"{analysis}.ipynb")
        if own and own <= there:
            sizes[analysis] = len(own)
    return max(sizes, key=lambda analysis: sizes[analysis], default="")


def _parameter_names(path: Path) -> frozenset[str]:
    """Names that the parameters cell of a notebook declares; none where the file cannot be read so."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        tagged = [cell for cell in cells if "parameters" in cell.get("metadata", {}).get("tags", ())]
        tree = ast.parse("\n".join("".join(cell["source"]) for cell in tagged))
    except (OSError, ValueError, KeyError, TypeError, SyntaxError):
        return frozenset()
    targets = (node.target for node in tree.body if isinstance(node, ast.AnnAssign))
    return frozenset(target.id for target in targets if isinstance(target, ast.Name))


def _from_params(name: str, value: Any, *, settings: Settings, home: Path) -> bool:
    """Whether a variable is a key of a params file, and not something of that name that the reader has made."""
    if name in ("source", "title"):
        return bool(value == getattr(settings, name))
    if not isinstance(value, Mapping) or not value or not all(isinstance(key, str) for key in value):
        return False
    if name == "tables":
        return all(isinstance(table, Mapping) for table in value.values())
    if name == "privacy":
        return set(value) <= set(PrivacySettings.model_fields)
    return name in analysis_names(home)


def _user_names() -> dict[str, Any]:
    """Variables of the notebook, where this runs in one; IPython is there already or not at all."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return {}
    return {name: value for name, value in dict(shell.user_ns).items() if isinstance(name, str) and not name.startswith("_")}
