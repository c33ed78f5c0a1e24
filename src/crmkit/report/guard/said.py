"""What is said in one place, and under which name? Sentences and tables of pages, slides and documents, read alike."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
VOID = frozenset({"br", "col", "hr", "img", "input", "link", "meta", "path", "source", "wbr"})
# tables of indicators, on the page by class and on short pages by who watches them
INDICATORS = frozenset({"audit_process", "audit_outcome", "audit_input_output", "audit_data_people", "audit_watched"})


@dataclass(frozen=True)
class Said:
    """What one place says under a name, as a reader sees it."""

    name: str
    text: str
    place: str


def framed(sentences: Iterable[str], place: str) -> Iterator[Said]:
    """Sentences by what stands around their numbers."""
    for sentence in sentences:
        numbers = NUMBER.findall(sentence)
        if numbers:
            yield Said(NUMBER.sub("#", sentence), " ".join(numbers), place)


def cells(rows: Sequence[Sequence[str]], name: str, place: str) -> Iterator[Said]:
    """The cells of a table whose rows and columns have names of their own; the first row is its head."""
    head, body = (rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]) if rows else ([], [])
    labels, name = Counter(row[0] for row in body), "indicator" if name in INDICATORS else name
    for row in body:
        if labels[row[0]] == 1:
            # two columns of one heading have no name of their own
            own = [at for at in range(1, len(row)) if head.count(head[at]) == 1]
            yield from (Said(f"{name}: {row[0]}, {head[at]}", row[at], place) for at in own)


@dataclass
class Element:
    """One element of a page."""

    tag: str
    attributes: Mapping[str, str]
    parts: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Its words, as a reader sees them."""
        return " ".join("".join(self._words()).split())

    def _words(self) -> Iterator[str]:
        for part in self.parts:
            if isinstance(part, str):
                yield part
            elif part.tag not in ("script", "style"):
                yield from part._words()

    def all(self, *, tag: str = "", kind: str = "") -> Iterator[Element]:
        """The elements within it of a tag, and of a class."""
        for part in self.parts:
            if isinstance(part, Element):
                if part.tag == (tag or part.tag) and (not kind or kind in part.attributes.get("class", "").split()):
                    yield part
                yield from part.all(tag=tag, kind=kind)

    def first(self, *, tag: str = "", kind: str = "") -> str:
        """The words of the first such element; empty where there is none."""
        return next((one.text for one in self.all(tag=tag, kind=kind)), "")


class _Reader(HTMLParser):
    """Makes elements of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].parts.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        place = next((n for n in range(len(self.open) - 1, 0, -1) if self.open[n].tag == tag), 0)
        if place:
            del self.open[place:]

    def handle_data(self, data: str) -> None:
        self.open[-1].parts.append(data)


def read_page(path: Path) -> Element:
    """A page as its elements."""
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader.open[0]
