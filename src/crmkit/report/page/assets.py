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

from crmkit.show.shades import shades_css

SCRIPTS = {
    "page": ("page/page.js", "page/cards.js", "site/sort.js", "page/take.js"),
    "site": ("page/cards.js", "site/sort.js"),
}
DRAWN = ("page/draw.js",)
PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ")


def template_folder(name: str) -> Path:
    """Where a template is."""
    return Path(str(resources.files("crmkit.report") / "templates" / name))


def page_assets(
    name: str = "page", *, running: str = "", foot: str = "", colours: str = "", drawn: bool = False
) -> dict[str, Any]:
    """What goes into a page's head and foot.

    Parameters
    ----------
    name : {"page", "site"}
        The template; both share the style.
    running : str
        What stands at the top of each printed page.
    foot : str
        What stands at its foot, beside the number of the page.
    colours : str
        Style of a client's own colours, as :func:`crmkit.report.brand.brand_css` makes it.
    drawn : bool
        Whether there are drawings on the page.

    Returns
    -------
    dict
        ``style`` and ``script``, to be written as they are, and ``policy``, the Content-Security-Policy.
    """
    style, script = _files(name, drawn=drawn)
    style += colours + _running_header(running, foot)
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_sha256(style)}'; script-src '{_sha256(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return {"style": Markup(style), "script": Markup(script), "policy": policy}


@cache
def _files(name: str, *, drawn: bool) -> tuple[str, str]:
    folder = template_folder("page").parent
    style = compact_css((folder / "page" / "style.css").read_text(encoding="utf-8"))
    if drawn:
        dark = "@media screen and (prefers-color-scheme:dark)"
        style += f"{shades_css(':root')}{dark}{{{shades_css('', ':root')}}}{shades_css('.on-paper')}"
    scripts = ((folder / file).read_text(encoding="utf-8") for file in (DRAWN if drawn else ()) + SCRIPTS[name])
    return style, compact_js("\n".join(scripts))


def _running_header(text: str, foot: str = "") -> str:
    """Style of the printed pages' head and foot; whatever the texts hold, they stay texts of the style sheet."""
    if not text:
        return ""
    head, below = ("".join(one if one in PLAIN else f"\\{ord(one):06x} " for one in each) for each in (text, foot))
    left = f'@bottom-left{{content:"{below}"}}' if foot else ""
    return f'@page{{@top-left{{content:"{head}"}}{left}@bottom-right{{content:counter(page) " / " counter(pages)}}}}'


def compact_css(text: str) -> str:
    """A style sheet without comments and needless space."""
    bare = re.sub(r"\s*([{};,>])\s*", r"\1", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)).strip()
    # a value begins behind its colon, a selector before it; the last value of a block ends with the block
    bare = re.sub(r"(?<=[\w)]) \+ (?=[.\w*])", "+", bare)
    return re.sub(r"(?<=[\w)]):\s+", ":", bare).replace(";}", "}")


def compact_js(text: str) -> str:
    """A script without the space at the beginning of its lines, and without line ends behind a brace, a comma or a step."""
    return re.sub(r"(?<=[;{,])\n", "", re.sub(r"^\s+", "", text, flags=re.MULTILINE)).strip()


def _sha256(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
