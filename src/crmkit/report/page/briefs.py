"""Who gets a short page of their own? Each makes one beside the whole page, and is scanned with it.

A result may bring short pages of its own (:class:`crmkit.core.results.Brief`), one for executives or one per department; the
notebook carries them under ``BRIEFS_MIME``. Title and record of the notebook come along.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from crmkit.core.errors import ReportError
from crmkit.core.language import mark
from crmkit.core.results import BRIEFS_MIME, REPORT_MIME

# who is named before the others, also where an earlier version has left no name
FIRST = {"executive": mark("For executives")}
TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def brief_pages(nb: Any) -> dict[str, str]:
    """The short pages of an executed notebook, by the part of the file's name that follows the notebook's.

    None where no result brings one, or where the notebook did not finish.

    Raises
    ------
    ReportError
        When a short page has a name that is no name of a file, or that of another one.
    """
    from crmkit.report.page.render import render_notebook  # a kernel, which writes no page, does without

    found: dict[str, str] = {}
    record = next((cell for cell in nb.cells if _record(cell)), None)
    for part in _brought(nb) if record is not None else ():
        slug = str(part["slug"])
        if not SLUG.fullmatch(slug) or slug in found:
            raise ReportError(f"short page {slug!r}: needs a name of its own of small letters, digits and hyphens")
        found[slug] = render_notebook(brief_notebook(nb, part, record))
    return found


def brief_notebook(nb: Any, part: Mapping[str, Any], record: Any) -> Any:
    """The notebook of a short page: its title that of the whole with a name behind it, which may be text of the client."""
    short = copy.copy(nb)
    short.metadata = copy.deepcopy(nb.metadata)
    short.metadata.setdefault("crmkit", {}).update(short=True, sheet=bool(part.get("sheet")))
    title = next((match[1] for cell in nb.cells if cell.cell_type == "markdown" and (match := TITLE.search(cell.source))), "")
    head = copy.deepcopy(next(cell for cell in nb.cells if cell.cell_type == "markdown"))
    head.source = f"# {title} – {_literally(str(part['name']))}"
    short.cells = [head, _displays(nb, str(part["html"])), copy.deepcopy(record)]
    return short


def linked(html: str, files: Sequence[str]) -> str:
    """The same with the cells that name the file of a short page leading to it."""
    for file in files:
        html = html.replace(f"<td>{escape(file)}</td>", f'<td><a href="{escape(file)}">{escape(file)}</a></td>')
    return html


def _literally(text: str) -> str:
    """Text that Markdown shows as it is."""
    return PUNCTUATION.sub(r"\\\1", " ".join(text.split()))


def _displays(nb: Any, html: str) -> Any:
    """A cell without code that shows a piece of a page."""
    one = copy.deepcopy(next(cell for cell in nb.cells if cell.cell_type == "code"))
    kind = type(one)
    one.source, one.metadata = "", kind()
    one.outputs = [kind(output_type="display_data", data=kind({"text/html": html}), metadata=kind())]
    return one


def _brought(nb: Any) -> Iterator[Mapping[str, Any]]:
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            yield from output.get("data", {}).get(BRIEFS_MIME, [])


def _record(cell: Any) -> dict[str, Any]:
    for output in cell.get("outputs", []):
        found = output.get("data", {}).get(REPORT_MIME)
        if found:
            return dict(found)
    return {}
