"""Turn an executed notebook into one self-contained page: no request to anywhere, no code unless asked for.

The layout is the nbconvert template ``crmkit``, which ``jupyter nbconvert --template crmkit`` finds too; everything it shows is
put together here, by a preprocessor that the template names, so both ways give the same page.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from nbconvert.preprocessors import Preprocessor

from crmkit.core.format import format_value
from crmkit.core.language import translate
from crmkit.report.article import REPORT_MIME, read_article
from crmkit.report.assets import page_assets, template_folder

TEMPLATE = "crmkit"
ORDER_OF_TABLES = ("rows", "kept", "set_aside", "after_as_of")


@dataclass(frozen=True)
class Fact:
    """One line of the header."""

    label: str
    value: str


def render_notebook(nb: Any) -> str:
    """The page of an executed notebook.

    Parameters
    ----------
    nb : NotebookNode
        With the record that ``page.publish()`` displayed, and the run's own record in its metadata where there is one.

    Returns
    -------
    str
        A whole HTML document.
    """
    from nbconvert.exporters import HTMLExporter

    exporter = HTMLExporter(template_name=TEMPLATE, extra_template_basedirs=[str(template_folder().parent)])
    body, _ = exporter.from_notebook_node(nb)
    return str(body)


class PagePreprocessor(Preprocessor):  # type: ignore[misc]
    """Puts everything that the template shows into ``resources["page"]``; the notebook itself is left as it is."""

    def preprocess(self, nb: Any, resources: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        resources["page"] = page_context(nb)
        return nb, resources


def page_context(nb: Any) -> dict[str, Any]:
    """All that the template shows, escaped where it is HTML.

    Returns
    -------
    dict
        ``t`` translates a word of the page's own, ``article`` holds the sections, ``facts`` the header, ``tables``,
        ``parameters`` and ``versions`` the boxes at the end; ``banner`` says what went wrong, where something did.
    """
    declared = nb.metadata.get("crmkit", {})
    run = declared.get("run", {})
    language = _language(nb, run)
    t = partial(translate, language=language)
    names = {"text": t("Text output"), "figure": t("Figure without a description")}
    article = read_article(nb, names=names)
    report = article.report
    failed = run.get("status", "ok") != "ok"
    return {
        "t": t,
        "language": language,
        "article": article,
        "title": article.title or declared.get("analysis", ""),
        "client": report.get("title") or run.get("client", ""),
        "failed": failed,
        "banner": run.get("message") if failed else None,
        "status": t("Not finished") if failed or not report else t("Complete"),
        "facts": _facts(report, run, language),
        # a notebook that shows its intake itself says more than the record does
        "tables": [] if any(section.intake for section in article.sections) else _tables(report, language),
        "notes": report.get("data", {}).get("notes", []),
        "parameters": _parameters(report.get("parameters") or run.get("parameters", {})),
        "versions": report.get("versions", {}),
        "fingerprint": report.get("data", {}).get("fingerprint", ""),
        "run": run.get("run", ""),
        "contents": [section for section in article.sections if section.visible],
        **page_assets(),
    }


def _language(nb: Any, run: Mapping[str, Any]) -> str:
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            found = output.get("data", {}).get(REPORT_MIME, {}).get("language")
            if found:
                return str(found)
    return str(run.get("parameters", {}).get("language", {}).get("value") or "en")


def _facts(report: Mapping[str, Any], run: Mapping[str, Any], language: str) -> list[Fact]:
    t = partial(translate, language=language)
    day = partial(format_value, unit="date", language=language)
    facts = []
    period = report.get("period") or {}
    if period.get("from") and period.get("to"):
        facts.append(Fact(t("Period"), f"{day(period['from'])} – {day(period['to'])}"))
    if report.get("as_of"):
        facts.append(Fact(t("Data as of"), day(report["as_of"])))
    made = report.get("generated_at") or run.get("started_at")
    if made:
        moment = dt.datetime.fromisoformat(made)
        facts.append(Fact(t("Generated"), f"{day(moment.date().isoformat())}, {moment:%H:%M} UTC"))
    return facts


def _tables(report: Mapping[str, Any], language: str) -> list[dict[str, Any]]:
    """A row per table of the data: how many rows there were, were used, and were left out, as a reader sees them."""
    count = partial(format_value, unit="count", language=language)
    tables = report.get("data", {}).get("tables", {})
    return [{"name": name, "counts": [count(row.get(key)) for key in ORDER_OF_TABLES]} for name, row in tables.items()]


def _parameters(recorded: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {"name": name, "value": json.dumps(one.get("value"), ensure_ascii=False), "origin": str(one.get("origin", ""))}
        for name, one in recorded.items()
    ]
