"""What must not leave the house with an executed notebook: secrets, machine paths, and run marks that say what is not so."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from crmkit.core.privacy import KEY_VARIABLE
from crmkit.core.settings import params_path

SHORTEST = 6
ERROR_MARKER = "papermill-error-cell-tag"


def secrets_of(client: str, *, home: Path) -> dict[str, str]:
    """Secret values that a run of this client knows, each with what stands for it.

    These are the environment variables that the params file names as ``${NAME}``, and the key of the pseudonyms, each also as
    it is written in a URL, in HTML, in JSON and in Python. Values shorter than six characters are left out: they would be found
    everywhere.
    """
    text = params_path(client, home=home).read_text(encoding="utf-8")
    names = {*re.findall(r"\$\{(\w+)\}", text), KEY_VARIABLE}
    found = {os.environ[name]: "${" + name + "}" for name in names if name in os.environ}
    key = home / "params" / f"{client}.key"
    if key.is_file():
        found[key.read_text(encoding="utf-8").strip()] = "(key)"
    written = {form: mark for value, mark in found.items() if len(value) >= SHORTEST for form in _forms(value)}
    return {form: mark for form, mark in written.items() if len(form) >= SHORTEST}


def _forms(value: str) -> set[str]:
    """A secret as it may be written: as it is, in a URL, in HTML, in JSON, in Python, and as a header of a request has it."""
    texts = {value, quote(value, safe=""), quote(value), quote_plus(value), escape(value), escape(value, quote=False)}
    texts |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    return texts | {base64.b64encode(value.encode()).decode(), value.strip()}


def scrub_text(text: str, secrets: Mapping[str, str]) -> str:
    """A text with each secret replaced by what stands for it, the longest first."""
    for value in sorted(secrets, key=len, reverse=True):
        text = text.replace(value, secrets[value])
    return text


def scrub_json(content: Any, secrets: Mapping[str, str]) -> Any:
    """The same for every text inside a JSON value, keys included."""
    if isinstance(content, str):
        return scrub_text(content, secrets)
    if isinstance(content, list | tuple):
        return [scrub_json(item, secrets) for item in content]
    if isinstance(content, Mapping):
        return {scrub_text(str(key), secrets): scrub_json(value, secrets) for key, value in content.items()}
    return content


def clean_notebook(nb: Any, *, home: Path, secrets: Mapping[str, str]) -> Any:
    """An executed notebook as it may be kept.

    Papermill calls cells completed that never ran when a kernel dies, and notes absolute paths; both go. The run record
    says what happened.
    """
    import nbformat

    content = json.loads(nbformat.writes(nb))
    content["metadata"].pop("papermill", None)
    content["cells"] = [cell for cell in content["cells"] if ERROR_MARKER not in cell["metadata"].get("tags", [])]
    for cell in content["cells"]:
        cell["metadata"].pop("papermill", None)
        cell["metadata"].pop("execution", None)
    marks = {**secrets, f"{home}/": ""}
    return nbformat.reads(json.dumps(scrub_json(content, marks)), as_version=4)
