"""What do the slides and the document of a client say? Whoever takes them away has the numbers of the pages, or is told.

Stands alone: the only part of the comparison that needs the libraries of the extra ``office``; without them these files are
left unread, and :func:`unread` names them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from crmkit.report.guard.said import Said, cells, framed
from crmkit.report.office.package import PACKAGES
from crmkit.show.words import plain

KINDS = {"deck": ".pptx", "doc": ".docx"}
CUT = "…"


def taken(
    folder: Path,
    reports: Mapping[str, Mapping[str, Any]],
    questions: Mapping[str, str],
    owners: Mapping[str, str],
    *,
    known: Collection[str],
) -> Iterator[Said]:
    """What slides and document beside the pages of a day say.

    Parameters
    ----------
    folder : Path
        Of the day.
    reports : mapping of analysis to mapping
        Their records.
    questions : mapping of analysis to str
        By which slides and document name a report.
    owners : mapping of str to str
        Names of the boxes whose label only one report has.
    known : collection of str
        Names under which pages say something: a sentence that none of them says is compared with nothing.
    """
    asked = {question: name for name, question in questions.items()}
    boxes = {(plain(box["label"]), name): box["key"] for name, report in reports.items() for box in report.get("values", [])}
    titles = [(plain(one["title"]), one["name"]) for report in reports.values() for one in report.get("exhibits", [])]
    names = {title: name for title, name in titles if sum(title == other for other, _ in titles) == 1}

    def box(label: str, number: str, question: str, place: str) -> Iterator[Said]:
        key = boxes.get((label, asked.get(question, "")))
        name = f"{asked[question]}, {key}" if key is not None else owners.get(label)
        if name is not None:
            yield Said(name, number, place)

    for path, kind in _files(folder):
        if find_spec(PACKAGES[kind][0]) is None:
            continue
        texts, tables = _slides(path) if kind == "deck" else _document(path)
        yield from (one for one in framed((text for text in texts if not text.endswith(CUT)), path.name) if one.name in known)
        # a headline number stands between its label and the question of its report
        for label, number, question in zip(texts, texts[1:], texts[2:], strict=False):
            if question in asked:
                yield from box(label, number, question, path.name)
        for about, rows in tables:
            name = next((names[title] for title in names if title and title in about), None)
            if name is not None:
                yield from cells([[plain(cell) for cell in row] for row in rows], name, path.name)
            for row in rows:
                if len(row) == 3 and row[2] in asked:
                    yield from box(row[0], row[1], row[2], path.name)


def unread(folder: Path) -> list[str]:
    """The files that need a library which is not installed."""
    return [path.name for path, kind in _files(folder) if find_spec(PACKAGES[kind][0]) is None]


def _files(folder: Path) -> list[tuple[Path, Any]]:
    return [(path, kind) for kind, ending in KINDS.items() for path in sorted(folder.glob(f"*{ending}"))]


Tables = Sequence[tuple[str, Sequence[Sequence[str]]]]


def _slides(path: Path) -> tuple[list[str], Tables]:
    """Paragraphs in their order, and tables with the foot of their slide, which names the exhibit."""
    from pptx import Presentation

    texts: list[str] = []
    tables = []
    for slide in Presentation(str(path)).slides:
        own = [one.text for shape in slide.shapes if shape.has_text_frame for one in shape.text_frame.paragraphs if one.text]
        texts += own
        for shape in slide.shapes:
            if shape.has_table:
                tables.append(("\n".join(own), [[cell.text for cell in row.cells] for row in shape.table.rows]))
    return texts, tables


def _document(path: Path) -> tuple[list[str], Tables]:
    """Paragraphs in their order, and tables with the heading over them."""
    from docx import Document
    from docx.table import Table

    texts: list[str] = []
    tables = []
    about = ""
    for one in Document(str(path)).iter_inner_content():
        if isinstance(one, Table):
            tables.append((about, [[cell.text for cell in row.cells] for row in one.rows]))
        elif one.text:
            texts.append(one.text)
            about = one.text if one.style is not None and str(one.style.name).startswith("Heading") else about
    return texts, tables
