"""How does an exhibit look inside an open notebook, where the page's own style sheet is not there?"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from crmkit.show.shades import shades_css

# how JupyterLab and VS Code say that their theme is dark
DARK = ':is([data-jp-theme-light="false"],.vscode-dark) .crmkit-shown'


def styled(html: str) -> str:
    """An exhibit that looks right in JupyterLab and VS Code, in light and dark themes.

    Parameters
    ----------
    html : str
        Safe HTML, as the functions of :mod:`crmkit.show.tables` return it.

    Returns
    -------
    str
        The same in a ``<div class="crmkit-shown">`` with its style. Each output carries its own, because JupyterLab takes
        cells that are not in sight out of the document; a page drops the style again and uses that of its template.

    Examples
    --------
    >>> styled("<p>x</p>").endswith("<p>x</p></div>")
    True
    """
    colours = shades_css(".crmkit-shown", DARK) if "<svg" in html else ""
    return f'<div class="crmkit-shown"><style>{notebook_css()}{colours}</style>{html}</div>' if html else ""


@cache
def notebook_css() -> str:
    """The style sheet without comments and needless space."""
    text = (resources.files("crmkit.show") / "notebook.css").read_text(encoding="utf-8")
    return re.sub(r"\s*([{};,])\s*", r"\1", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)).strip()
