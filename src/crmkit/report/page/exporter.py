"""Who makes a page of an executed notebook? One class, for a run, for ``jupyter nbconvert --to crmkit``, and for JupyterLab.

nbconvert finds it by its entry point ``crmkit``. The pages are the same bytes whoever asks for them.
"""

from __future__ import annotations

from typing import Any, ClassVar

from nbconvert.exporters.exporter import Exporter

from crmkit.report.page.briefs import brief_pages
from crmkit.report.page.render import render_notebook


class PageExporter(Exporter):  # type: ignore[misc]
    """Writes the page of an executed notebook, and beside it the short pages that it has."""

    output_mimetype = "text/html"
    export_from_notebook = "Report page (crmkit)"
    # nothing is done to the notebook before; with --execute it is run first
    default_preprocessors: ClassVar[list[str]] = ["nbconvert.preprocessors.ExecutePreprocessor"]

    def _file_extension_default(self) -> str:
        return ".html"

    def from_notebook_node(self, nb: Any, resources: Any = None, **_: Any) -> tuple[str, Any]:
        """The page of a notebook; called by nbconvert.

        Returns
        -------
        tuple of str and mapping
            A whole HTML document, and nbconvert's resources: under ``outputs`` the short pages, bytes by name of the file, as
            the whole page leads to them.

        Raises
        ------
        ReportError
            When a short page has a name that is no name of a file, or that of another one.
        """
        nb, resources = super().from_notebook_node(nb, resources)
        declared = nb.metadata.get("crmkit", {})
        good = declared.get("run", {}).get("status", "ok") == "ok"
        short = brief_pages(nb) if good else {}
        stem = declared.get("analysis", "")
        resources["outputs"] = {f"{stem}-{audience}.html": html.encode() for audience, html in short.items()}
        return render_notebook(nb), resources
