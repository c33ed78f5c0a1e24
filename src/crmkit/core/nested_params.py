"""How was the notebook that is running started, and was it given parameters that it cannot take?

Plain Papermill sets whatever it is given as variables and says nothing: the top keys of a whole params file, which leaves every
parameter of the analysis at its default, or a name that no parameter has.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from crmkit.core.errors import ParamError, Problem, did_you_mean
from crmkit.core.settings import PrivacySettings, Settings, analysis_names

# how Papermill begins the cell that it puts behind the parameters cell, and the names that it sets there of its own
INJECTED, OWN = "# Parameters\n", "PAPERMILL_"
KEPT = ("source", "title", "tables", "privacy")


def run_by_program() -> bool:
    """Whether the notebook is run by a program, as by Papermill, and not by a person, as in JupyterLab.

    A program tells the kernel with each cell that it could not answer a question.
    """
    kernel = getattr(_shell(), "kernel", None)
    if kernel is None:
        return False
    return not kernel.get_parent("shell").get("content", {}).get("allow_stdin", True)


def refuse_injected(settings: Settings, *, home: Path) -> None:
    """Stop where the notebook that is running was given a params file as it is, or names that are no parameters of it.

    Raises
    ------
    ParamError
        With the two commands to use instead; with the nearest name for each.
    """
    names = _user_names()
    found = [
        name
        for name, value in names.items()
        if (name in KEPT or isinstance(value, Mapping)) and _from_params(name, value, settings=settings, home=home)
    ]
    declared, given = _cells()
    if found:
        client = settings.client
        sections = [name for name in analysis_names(home) if name in found]
        analysis = _running(names, home=home) or (sections[0] if len(sections) == 1 else "<analysis>")
        raise ParamError(
            f"the notebook was given a params file with sections ({', '.join(sorted(found))}), and would run with the "
            f"defaults; use 'crmkit run {client}', or 'crmkit params {client} {analysis} > flat.yml' and papermill with "
            "'-f flat.yml'"
        )
    known = _assigned(declared)
    unknown = [name for name in _assigned(given) if name not in known and not name.startswith(OWN)]
    if unknown:
        what = "unknown parameter {!r}"
        raise ParamError([Problem("command line:", what.format(name), hint=did_you_mean(name, known)) for name in unknown])


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


def _running(names: Mapping[str, Any], *, home: Path) -> str:
    """The analysis whose module the notebook has imported by now, over the section of that name; empty where there is none."""
    imported = {name: getattr(names.get(name), "__name__", "") for name in analysis_names(home)}
    return next((name for name, module in imported.items() if module == f"crmkit.analyses.{name}"), "")


def _shell() -> Any:
    """IPython's shell, where this runs in one; it is there already or not at all."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def _user_names() -> dict[str, Any]:
    """Variables of the notebook."""
    shell = _shell()
    if shell is None:
        return {}
    return {name: value for name, value in dict(shell.user_ns).items() if isinstance(name, str) and not name.startswith("_")}


def _cells() -> tuple[str, str]:
    """Sources of the parameters cell and of the cell that Papermill has put behind it; empty where there is none."""
    shell = _shell()
    run = [] if shell is None else [one for one in shell.user_ns.get("In", ()) if isinstance(one, str)]
    return next((pair for pair in pairwise(run) if pair[1].startswith(INJECTED)), ("", ""))


def _assigned(source: str) -> list[str]:
    """Names that a cell sets."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return []
    targets = [
        node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
        for node in body
        if isinstance(node, ast.AnnAssign | ast.Assign)
    ]
    return [target.id for target in targets if isinstance(target, ast.Name)]
