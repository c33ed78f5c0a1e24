"""What ``jupyter nbconvert --template crmkit`` and the export of JupyterLab find: the same page as that of a run."""

from __future__ import annotations

from typing import Any

from nbconvert.preprocessors import Preprocessor

from crmkit.report.page.render import render_notebook


class PagePreprocessor(Preprocessor):  # type: ignore[misc]
    """Puts the finished page into ``resources``, which is all that the template shows; the notebook is left as it is."""

    def preprocess(self, nb: Any, resources: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        resources["crmkit_page"] = render_notebook(nb)
        return nb, resources
