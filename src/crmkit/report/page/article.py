"""What does an executed notebook say, in the order in which a reader wants it?

In front stand the section that calls ``page.headline``, its value boxes before all, and what cells with the tag ``front``
display: who reads no further knows what was found, what to do and for how much money. All else is the annex, a fold for each
section: the measures first, then what stands before the headline in the notebook (what is needed, how the data were read).
A short page has no annex: all of it is in sight, in the order of its cells.
Code is kept beside each output, folded away; so is prose that leads to nothing but what could not be assessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

from markupsafe import Markup

from crmkit.core.results import REPORT_MIME
from crmkit.report.guard.html import image, markdown, plain, safe_html, text_of
from crmkit.report.page.since_last import Change

HEADLINE_CALL = re.compile(r"\bpage\.headline\(")
INTAKE_CALL = re.compile(r"\bpage\.intake\(")
VALUE_BOXES = 'class="values"'
NUMBER_OF_BOX = re.compile(r'<dt class="label">(.*?)</dt><dd class="number[^"]*">.*?</dd>', re.DOTALL)
IDENTIFIED = re.compile(r'\bid="([^"]+)"')
ABSENT = re.compile(r'<div\b[^>]*\bclass="exhibit not-assessed"')
PRESENT = re.compile(r'\bclass="exhibit"')
ABSENT_TITLE = re.compile(r'<strong class="title">(.*?)</strong>', re.DOTALL)
ABSENT_REASON = re.compile(r'<span class="reason">(.*?)</span>', re.DOTALL)
HEADING = re.compile(r"<h([12])>(.*?)</h\1>", re.DOTALL)
PICTURES = ("image/png", "image/jpeg", "image/svg+xml")
HIDDEN_TAGS = frozenset({"hide-cell", "remove-cell"})
FRONT_TAG = "front"


@dataclass
class Block:
    """One piece of a section: prose, an output, or the code that made it."""

    kind: Literal["prose", "output", "code", "log"]
    html: Markup


@dataclass
class Section:
    """A heading and what stands under it; the first one has no heading."""

    id: str
    title: str
    blocks: list[Block] = field(default_factory=list)
    headline: bool = False
    intake: bool = False

    def boxes_first(self) -> Section:
        """The same without prose, value boxes before findings, which is what the first section of a page wants."""
        return replace(self, blocks=sorted((block for block in self.blocks if block.kind != "prose"), key=_rank))

    @property
    def visible(self) -> bool:
        """Whether there is anything to read but code."""
        return any(block.kind in ("prose", "output") for block in self.blocks)


@dataclass(frozen=True)
class Fronted:
    """What a cell shows in front, and the section of the annex that says more."""

    block: Block
    section: Section


@dataclass(frozen=True)
class Article:
    """A notebook in the order of its page."""

    title: str
    intro: Section
    lead: tuple[Section, ...]
    front: tuple[Fronted, ...]
    measures: tuple[Section, ...]
    background: tuple[Section, ...]
    report: Mapping[str, Any]

    def with_changes(self, changes: Mapping[str, Change]) -> None:
        """Put under each headline number how far it has moved, where that is known."""
        if changes:
            for block in self.blocks:
                if VALUE_BOXES in block.html:
                    block.html = Markup(NUMBER_OF_BOX.sub(partial(_with_change, changes), str(block.html)))

    @property
    def blocks(self) -> list[Block]:
        """All pieces of the page."""
        own = [block for section in (self.intro, *self.sections) for block in section.blocks]
        return own + [one.block for one in self.front]

    @property
    def sections(self) -> tuple[Section, ...]:
        """All sections with a heading, in the order of the page."""
        return (*self.lead, *self.measures, *self.background)


def read_article(nb: Any, *, names: Mapping[str, str]) -> Article:
    """The sections of an executed notebook.

    Parameters
    ----------
    nb : NotebookNode
    names : mapping
        Words of the reader's language for ``text`` and ``figure``.
    """
    title = ""
    report: dict[str, Any] = {}
    sections, front = [Section("intro", "")], []
    short = nb.metadata.get("crmkit", {}).get("short", False)
    taken = {"main", "intro", "front", "annex", "data", "made", "provenance", "contents", "show-code", *_displayed_ids(nb)}
    for cell in nb.cells:
        if HIDDEN_TAGS & set(cell.metadata.get("tags", [])):
            continue
        if cell.cell_type == "markdown":
            title = _add_prose(markdown(cell.source), title, sections, taken)
        elif cell.cell_type == "code":
            had = len(sections[-1].blocks)
            report = _add_code(cell, sections[-1], names) or report
            if FRONT_TAG in cell.metadata.get("tags", []) and not short:
                front += _fronted(sections[-1], had)
    intro, *rest = sections
    for section in rest:
        section.blocks = _folded(section.blocks)
    lead = [section for section in rest if section.headline][:1]
    before = rest[: rest.index(lead[0])] if lead else []
    after = [section for section in rest if section not in before and section not in lead]
    if intro.headline:
        intro.blocks.sort(key=_rank)
    # what is said of how the figures were made is for those who read on
    intro.blocks += [block for section in lead for block in section.blocks if block.kind == "prose"]
    lead = [section.boxes_first() for section in lead]
    return Article(title, intro, tuple(lead), tuple(front), tuple(after), tuple(before), report)


def _fronted(section: Section, start: int) -> list[Fronted]:
    """Take what the last cell displayed out of its section, but for what could not be assessed, which leads to nothing."""
    taken = [block for block in section.blocks[start:] if block.kind == "output" and not ABSENT.search(block.html)]
    section.blocks = [block for block in section.blocks if not any(block is one for one in taken)]
    return [Fronted(block, section) for block in taken]


def _with_change(changes: Mapping[str, Change], box: re.Match[str]) -> str:
    change = changes.get(text_of(box[1]))
    if change is None:
        return box[0]
    return box[0] + str(Markup('<dd class="change {}">{}</dd>').format(change.way, change.text))


def _rank(block: Block) -> int:
    if block.kind != "output":
        return 2
    return 0 if VALUE_BOXES in block.html else 1


def _add_prose(html: Markup, title: str, sections: list[Section], taken: set[str]) -> str:
    """Split at the headings; the first h1 is the title of the page and each h2 opens a section."""
    start = 0
    for match in HEADING.finditer(html):
        _append(sections[-1], "prose", html[start : match.start()])
        start = match.end()
        words = text_of(match[2])
        if match[1] == "1" and not title:
            title = words
        else:
            sections.append(Section(_slug(words, taken), words))
    _append(sections[-1], "prose", html[start:])
    return title


def _add_code(cell: Any, section: Section, names: Mapping[str, str]) -> dict[str, Any]:
    """The code of a cell and what it displayed; returns the record of the page, where this cell published it."""
    report: dict[str, Any] = {}
    section.headline |= bool(HEADLINE_CALL.search(cell.source))
    section.intake |= bool(INTAKE_CALL.search(cell.source))
    if cell.source.strip():
        code = Markup("<pre><code>{}</code></pre>").format(cell.source)
        section.blocks.append(Block("code", code))
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            _append(section, "output" if output.name == "stdout" else "log", plain(output.text, names["text"]))
        elif output.output_type == "error":
            _append(section, "log", plain("\n".join(output.traceback), names["text"]))
        elif REPORT_MIME in output.data:
            report = dict(output.data[REPORT_MIME])
        else:
            _append(section, "output", _displayed(output, cell, names))
    return report


def _folded(blocks: Sequence[Block]) -> list[Block]:
    """The blocks of a section, prose and what could not be assessed after it as one line that opens."""
    runs: list[list[Block]] = []
    for block in blocks:
        if block.kind == "prose" or not runs:
            runs.append([])
        runs[-1].append(block)
    return [block for run in runs for block in _fold(run)]


def _fold(run: list[Block]) -> list[Block]:
    shown = [block.html for block in run if block.kind == "output"]
    if not shown or not all(ABSENT.search(html) and not PRESENT.search(html) for html in shown):
        return run
    titles = dict.fromkeys(title for html in shown for title in ABSENT_TITLE.findall(html))
    reasons = dict.fromkeys(reason for html in shown for reason in ABSENT_REASON.findall(html))
    # both were escaped when they were displayed
    named = Markup(" · ").join(Markup("<strong>{}</strong>").format(Markup(title)) for title in titles)
    said = Markup(" ").join(Markup("<span>{}</span>").format(Markup(reason)) for reason in reasons)
    inside = Markup("\n").join(block.html for block in run if block.kind in ("prose", "output"))
    html = Markup('<details class="absent"><summary>{} {}</summary>{}</details>').format(named, said, inside)
    return [Block("output", html), *(block for block in run if block.kind in ("code", "log"))]


def _displayed(output: Any, cell: Any, names: Mapping[str, str]) -> Markup:
    data = output.data
    if "text/html" in data:
        return safe_html(data["text/html"], figure=names["figure"])
    for kind in PICTURES:
        if kind in data:
            alt = output.metadata.get(kind, {}).get("alt") or output.metadata.get("alt") or cell.metadata.get("alt")
            return image(data[kind], kind, alt or names["figure"])
    if "text/markdown" in data:
        return markdown(data["text/markdown"])
    return plain(data.get("text/plain", ""), names["text"])


def _append(section: Section, kind: Literal["prose", "output", "log"], html: Markup) -> None:
    if html.strip():
        section.blocks.append(Block(kind, html))


def _displayed_ids(nb: Any) -> set[str]:
    """Names that outputs give to their elements; no section may have one of them."""
    shown = ("".join(output.get("data", {}).get("text/html", "")) for cell in nb.cells for output in cell.get("outputs", []))
    return {name for html in shown for name in IDENTIFIED.findall(html)}


def _slug(words: str, taken: set[str]) -> str:
    base = re.sub(r"[^\w]+", "-", words.casefold()).strip("-") or "section"
    slug, number = base, 2
    while slug in taken:
        slug, number = f"{base}-{number}", number + 1
    taken.add(slug)
    return slug
