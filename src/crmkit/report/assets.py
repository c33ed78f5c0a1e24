"""Style, script and policy of a page: the policy allows exactly these two, by their hashes, and nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from markupsafe import Markup

TEMPLATES = {"crmkit": "page.js", "site": "sort.js"}


def template_folder(name: str = "crmkit") -> Path:
    """Where a template is."""
    return Path(str(resources.files("crmkit.report") / "templates" / name))


@cache
def page_assets(name: str = "crmkit") -> dict[str, Any]:
    """What goes into a page's head and foot.

    Parameters
    ----------
    name : {"crmkit", "site"}
        The template; both share the style.

    Returns
    -------
    dict
        ``style`` and ``script``, to be written as they are, and ``policy``, the Content-Security-Policy.
    """
    style = compact_css((template_folder() / "style.css").read_text(encoding="utf-8"))
    script = (template_folder(name) / TEMPLATES[name]).read_text(encoding="utf-8").strip()
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_sha256(style)}'; script-src '{_sha256(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return {"style": Markup(style), "script": Markup(script), "policy": policy}


def compact_css(text: str) -> str:
    """A style sheet without comments and needless space."""
    return re.sub(r"\s*([{};,])\s*", r"\1", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)).strip()


def _sha256(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
