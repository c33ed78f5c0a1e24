"""What must not leave the house: secrets, in a notebook, a record or on the terminal; machine paths; run marks that say what
is not so.

Imports little: every command asks it before it prints.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

from crmkit.core.errors import CrmkitError
from crmkit.core.privacy import KEY_VARIABLE

SHORTEST = 6
ERROR_MARKER = "papermill-error-cell-tag"


def secrets_of(client: str, *, home: Path) -> dict[str, str]:
    """Secret values that a run of this client knows, each with what stands for it.

    These are the environment variables that the params file names as ``${NAME}``, and the key of the pseudonyms, each also as
    it is written in a URL, in HTML, in JSON and in Python. Values shorter than six characters are left out: they would be found
    everywhere.
    """
    from crmkit.core.settings import params_path

    text = params_path(client, home=home).read_text(encoding="utf-8")
    names = {*re.findall(r"\$\{(\w+)\}", text), KEY_VARIABLE}
    found = {os.environ[name]: "${" + name + "}" for name in names if name in os.environ}
    key = home / "params" / f"{client}.key"
    if key.is_file():
        found[key.read_text(encoding="utf-8").strip()] = "(key)"
    written = {form: mark for value, mark in found.items() if len(value) >= SHORTEST for form in _forms(value)}
    return {form: mark for form, mark in written.items() if len(form) >= SHORTEST}


class Scrubbed:
    """A stream like another, on which no secret of any client is written.

    Parameters
    ----------
    stream : TextIO
        The terminal, or what stands for it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text without its secrets."""
        self._stream.write(scrub_text(text, _of_project()))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _of_project() -> Mapping[str, str]:
    """Secrets of all clients; none as long as no params file was read, and with it the environment."""
    settings = sys.modules.get("crmkit.core.settings")
    if settings is None:
        return {}
    try:
        folder = settings.find_home() / "params"
        paths = sorted(path for path in folder.iterdir() if path.suffix in (".yml", ".key"))
        # a client may be made, and a key with it, while a command works
        return _read_secrets(folder.parent, tuple((path.name, path.stat().st_mtime_ns) for path in paths))
    except (CrmkitError, OSError):
        return {}


@lru_cache(maxsize=1)
def _read_secrets(home: Path, files: tuple[tuple[str, int], ...]) -> Mapping[str, str]:
    from crmkit.core.settings import client_names

    return {form: mark for client in client_names(home) for form, mark in secrets_of(client, home=home).items()}


def _forms(value: str) -> set[str]:
    """A secret as it may be written: as it is, in a URL, in HTML, in JSON, in Python, and as a header of a request has it."""
    import base64
    import json
    from html import escape
    from urllib.parse import quote, quote_plus

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
    says what happened. Messages of errors have the values of customers covered.
    """
    import json

    import nbformat

    from crmkit.report.guard.messages import kept_error

    content = scrub_json(json.loads(nbformat.writes(nb)), {**secrets, f"{home}/": ""})
    content["metadata"].pop("papermill", None)
    content["cells"] = [cell for cell in content["cells"] if ERROR_MARKER not in cell["metadata"].get("tags", [])]
    for cell in content["cells"]:
        cell["metadata"].pop("papermill", None)
        cell["metadata"].pop("execution", None)
        if cell["cell_type"] != "code":
            continue
        cell["outputs"] = [kept_error(one) if one["output_type"] == "error" else one for one in cell.get("outputs", [])]
    return nbformat.reads(json.dumps(content), as_version=4)
