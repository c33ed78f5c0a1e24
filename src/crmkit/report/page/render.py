"""Turn an executed notebook into one self-contained page: no request to anywhere, no code unless asked for.

The same notebook gives the same bytes; when it was run stands in one block, ``<footer id="made">``, and nowhere else. Whoever
wants a page asks :class:`crmkit.report.page.exporter.PageExporter`.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from crmkit.core.format import format_value
from crmkit.core.language import translate, undirected
from crmkit.core.messages import in_words
from crmkit.core.results import REPORT_MIME
from crmkit.report.brand import brand_css
from crmkit.report.page.article import Article, read_article
from crmkit.report.page.assets import page_assets, template_folder
from crmkit.report.page.data import quality_of
from crmkit.report.page.since_last import changes

if TYPE_CHECKING:
    from jinja2 import Template

DRAWN = '<svg class="chart'
MADE = re.compile(r'<footer[^>]*\bid="made".*?</footer>', re.DOTALL)


@dataclass(frozen=True)
class Fact:
    """One line of the header."""

    label: str
    value: str


def render_notebook(nb: Any, *, previous: Mapping[str, Any] | None = None) -> str:
    """The page of an executed notebook.

    Parameters
    ----------
    nb : NotebookNode
        With the record that ``page.publish()`` displayed, and the run's own record in its metadata where there is one.
    previous : mapping or None
        ``report.json`` of the report that the headline numbers are compared with; None: what
        :func:`crmkit.report.page.since_last.brief` kept of one in ``nb.metadata["crmkit"]["previous"]``, if anything.

    Returns
    -------
    str
        A whole HTML document.
    """
    return undirected(_template().render(page=page_context(nb, previous=previous))) + "\n"


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    text = (template_folder("page") / "page.html.j2").read_text(encoding="utf-8")
    return Environment(autoescape=True, undefined=StrictUndefined).from_string(text)


def without_provenance(html: str) -> str:
    """A page without the block that says when it was made: equal for equal data, parameters and versions."""
    return MADE.sub("", html)


def page_context(nb: Any, *, previous: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """All that the template shows, escaped where it is HTML.

    Returns
    -------
    dict
        ``t`` translates a word of the page's own, ``article`` holds the sections, ``facts`` the header, ``quality`` the box
        about the data, ``parameters`` and ``versions`` the tables at the end, ``made`` when it was made; ``banner`` says what
        went wrong, where something did.
    """
    declared = nb.metadata.get("crmkit", {})
    run = declared.get("run", {})
    language = _language(nb, run)
    names = {"text": translate("Text output", language), "figure": translate("Figure without a description", language)}
    article = read_article(nb, names=names)
    report = article.report
    article.with_changes(changes(report, previous or declared.get("previous")))
    failed = run.get("status", "ok") != "ok"
    title = undirected(article.title or declared.get("analysis", ""))
    client = undirected(str(report.get("title") or run.get("client", "")))
    brand = report.get("brand") or {}
    confidential = str(brand.get("confidential", ""))
    return {
        "t": partial(translate, language=language),
        "language": language,
        "article": article,
        "short": declared.get("short", False),
        "sheet": declared.get("sheet", False),
        "whole": f"{declared.get('analysis', '')}.html",
        "title": title,
        "client": client,
        "brand": {"logo": "", "author": "", "confidential": "", **brand},
        "failed": failed,
        "banner": in_words(str(run.get("message", "")), language) if failed else None,
        "status": translate("Not finished", language) if failed or not report else translate("Complete", language),
        "facts": _facts(report, language),
        "quality": quality_of(report, language=language, own=_own_intake(article), undrawn=_undrawn(article)),
        "parameters": _parameters(report.get("parameters") or run.get("parameters", {}), language),
        "versions": report.get("versions", {}),
        "fingerprint": report.get("data", {}).get("fingerprint", ""),
        "made": _made(report, run, language),
        "run": run.get("run", ""),
        "contents": [section for section in article.sections if section.visible],
        **page_assets(
            running=" – ".join(part for part in (str(client), str(title)) if part),
            foot=confidential,
            colours=brand_css(brand),
            drawn=any(DRAWN in block.html for block in article.blocks),
        ),
    }


def _language(nb: Any, run: Mapping[str, Any]) -> str:
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            found = output.get("data", {}).get(REPORT_MIME, {}).get("language")
            if found:
                return str(found)
    return str(run.get("parameters", {}).get("language", {}).get("value") or "en")


def _facts(report: Mapping[str, Any], language: str) -> list[Fact]:
    day = partial(format_value, unit="date", language=language)
    facts = []
    period = report.get("period") or {}
    if period.get("from") and period.get("to"):
        facts.append(Fact(translate("Period", language), f"{day(period['from'])} – {day(period['to'])}"))
    if report.get("as_of"):
        facts.append(Fact(translate("Data as of", language), day(report["as_of"])))
    return facts


def _made(report: Mapping[str, Any], run: Mapping[str, Any], language: str) -> str:
    """When the report was made; empty where nobody noted it."""
    made = report.get("generated_at") or run.get("started_at")
    if not made:
        return ""
    moment = dt.datetime.fromisoformat(made)
    return f"{format_value(moment.date().isoformat(), 'date', language=language)}, {moment:%H:%M} UTC"


def _own_intake(article: Article) -> str:
    """The section in which the notebook itself shows what was read and left out; empty where it does not."""
    return next((section.id for section in article.sections if section.intake), "")


def _undrawn(article: Article) -> str:
    """Characters that figures could not draw, each once."""
    pieces = (block.html for block in article.blocks if "undrawn" in block.html)
    found = (text for piece in pieces for text in re.findall(r'<span class="note undrawn" title="([^"]*)"', piece))
    return "".join(dict.fromkeys("".join(Markup(text).unescape() for text in found)))


def _parameters(recorded: Mapping[str, Any], language: str) -> list[dict[str, str]]:
    return [
        {
            "name": name,
            "value": json.dumps(one.get("value"), ensure_ascii=False),
            "origin": translate(str(one.get("origin", "")), language),
        }
        for name, one in recorded.items()
    ]
