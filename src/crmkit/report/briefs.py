"""Who gets a short page of their own? Cells tagged for an audience make one, beside the whole page and scanned with it.

A cell with the tag ``executive`` or ``department`` stands on that page too; title and record of the notebook come along.
"""

from __future__ import annotations

import copy
import re
from typing import Any

from crmkit.core.language import mark, translate
from crmkit.report.article import REPORT_MIME
from crmkit.report.render import render_notebook

AUDIENCES = {"executive": mark("For executives"), "department": mark("For departments")}
TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


def brief_pages(nb: Any) -> dict[str, str]:
    """The short pages of an executed notebook, by audience; none where no cell is tagged, or the notebook did not finish."""
    found = {}
    for audience in AUDIENCES:
        one = brief_notebook(nb, audience)
        if one is not None:
            found[audience] = render_notebook(one)
    return found


def brief_notebook(nb: Any, audience: str) -> Any | None:
    """The notebook with the cells of one audience only; None where it has none, or no record."""
    cells = [cell for cell in nb.cells if audience in cell.metadata.get("tags", [])]
    record = next((cell for cell in nb.cells if _record(cell)), None)
    if not cells or record is None:
        return None
    short = copy.deepcopy(nb)
    language = str(_record(record).get("language", "en"))
    title = next((match[1] for cell in nb.cells if cell.cell_type == "markdown" and (match := TITLE.search(cell.source))), "")
    head = copy.deepcopy(next(cell for cell in nb.cells if cell.cell_type == "markdown"))
    head.source = f"# {title} – {translate(AUDIENCES[audience], language)}"
    short.cells = [head, *copy.deepcopy(cells), *([] if record in cells else [copy.deepcopy(record)])]
    return short


def _record(cell: Any) -> dict[str, Any]:
    for output in cell.get("outputs", []):
        found = output.get("data", {}).get(REPORT_MIME)
        if found:
            return dict(found)
    return {}
