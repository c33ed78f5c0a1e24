"""Was a whole params file given to a notebook that can only take flat parameters?

Plain Papermill would set its top keys as variables, leave every parameter of the analysis at its default, and say nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crmkit.core.errors import ParamError
from crmkit.core.settings import PrivacySettings, Settings, analysis_names


def refuse_injected(settings: Settings, *, home: Path) -> None:
    """Stop where the notebook that is running was given a params file as it is.

    Raises
    ------
    ParamError
        With the two commands to use instead.
    """
    names = _user_names()
    found = [name for name, value in names.items() if _from_params(name, value, settings=settings, home=home)]
    if not found:
        return
    client = settings.client
    analysis = _running(home) or next((name for name in analysis_names(home) if name in found), "<analysis>")
    raise ParamError(
        f"the notebook was given a params file with sections ({', '.join(sorted(found))}), and would run with the defaults; "
        f"use 'crmkit run {client}', or 'crmkit params {client} {analysis} > flat.yml' and papermill with '-f flat.yml'"
    )


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


def _running(home: Path) -> str:
    """The analysis whose module the notebook has imported by now, over the section of that name; empty where there is none."""
    names = _namespace()
    imported = {name: getattr(names.get(name), "__name__", "") for name in analysis_names(home)}
    return next((name for name, module in imported.items() if module == f"crmkit.analyses.{name}"), "")


def _user_names() -> dict[str, Any]:
    """Variables of the notebook that a params file could have made."""
    kept = ("source", "title", "tables", "privacy")
    return {
        name: value
        for name, value in _namespace().items()
        if isinstance(name, str) and not name.startswith("_") and (name in kept or isinstance(value, Mapping))
    }


def _namespace() -> dict[str, Any]:
    """Variables of the notebook, where this runs in one; IPython is there already or not at all."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return dict(shell.user_ns) if shell is not None else {}
