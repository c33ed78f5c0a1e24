"""Do the pages of a client agree with each other, with the index, and with what was recorded of them?

Every page says numbers under a name: a value box, a finding, a cell of a table, a parameter. What several of them say under one
name must be the same to the last digit shown (:func:`contradictions`). Three kinds of names are compared:

- the quantities of :data:`crmkit.report.guard.quantities.NAMED`, which pages call by different words;
- boxes, findings, sums at stake and tables, which stand in the record, on the page, on its short pages and in the index;
- sentences that differ in nothing but their numbers: whoever reads both finds one of them wrong.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

from crmkit.core.format import format_value
from crmkit.core.results import Unit
from crmkit.core.settings import AGREED
from crmkit.report.folders import REPORT, dates_of, read_json, read_latest, reports_folder
from crmkit.report.guard.quantities import NAMED, Source
from crmkit.report.params.flatten import COMMAND_LINE, NOTEBOOK

LIMITS = re.compile(r"\s*[(（][^()（）]*[)）]$")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
VOID = frozenset({"br", "col", "hr", "img", "input", "link", "meta", "path", "source", "wbr"})
# tables of indicators, on the page by class and on short pages by who watches them
INDICATORS = frozenset({"audit_process", "audit_outcome", "audit_input_output", "audit_data_people", "audit_watched"})
FACTS = ("client", "title", "as_of", "language", "currency")


@dataclass(frozen=True)
class Said:
    """What one place says under a name, as a reader sees it."""

    name: str
    text: str
    place: str


@dataclass(frozen=True)
class Contradiction:
    """One name under which several things are said.

    Parameters
    ----------
    name : str
    said : mapping of str to tuple of str
        Text -> where it stands.
    """

    name: str
    said: Mapping[str, tuple[str, ...]]

    def __str__(self) -> str:
        return f"{self.name}: " + "; ".join(f"{text} ({', '.join(places)})" for text, places in self.said.items())


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


def contradictions(client: str, *, home: Path, as_of: str = "") -> list[Contradiction]:
    """Which names stand for more than one number on the pages of a client, in their records and in the index?

    Parameters
    ----------
    client : str
    home : Path
        The project.
    as_of : str
        Day of the reports; empty: the newest.

    Returns
    -------
    list of Contradiction
        By name; empty where all agree.
    """
    by_name: dict[str, dict[str, list[str]]] = {}
    for said in statements(client, home=home, as_of=as_of):
        places = by_name.setdefault(said.name, {}).setdefault(said.text, [])
        if said.place not in places:
            places.append(said.place)
    return [
        Contradiction(name, {text: tuple(places) for text, places in texts.items()})
        for name, texts in sorted(by_name.items())
        if len(texts) > 1
    ]


def statements(client: str, *, home: Path, as_of: str = "") -> list[Said]:
    """Everything that is said of a client on one day, each under its name. Parameters as of :func:`contradictions`."""
    day = as_of or next(iter(dates_of(home, client)), "")
    folder = reports_folder(home) / client / day
    records = {
        name: (folder / entry["folder"], read_json(folder / entry["folder"] / REPORT))
        for name, entry in read_latest(home, client, day)["analyses"].items()
    }
    found: list[Said] = []
    for analysis, (kept, report) in records.items():
        found += _recorded(analysis, report)
        found += _named(analysis, report, kept / "results")
        found += _lists(kept)
    for analysis, (_, report) in records.items():
        pages = [folder / f"{analysis}.html", *sorted(folder.glob(f"{analysis}-*.html"))]
        for page in (path for path in pages if path.is_file()):
            found += _shown(page, report)
    reports = {analysis: report for analysis, (_, report) in records.items()}
    for index in (folder.parent / "index.html", folder.parents[1] / "index.html"):
        if index.is_file():
            found += _indexed(index, reports, day=day)
    return found


def _recorded(analysis: str, report: Mapping[str, Any]) -> Iterator[Said]:
    place = f"{analysis}/{REPORT}"
    show = _format(report)
    yield from (Said(name, str(report.get(name)), place) for name in FACTS)
    yield Said("data", str(report.get("data", {}).get("fingerprint")), place)
    told = bool(report.get("data", {}).get("notes"))
    parameters = report.get("parameters", {})
    for name in AGREED:
        # a page that departs from what is agreed says so
        if name in parameters and not (told and parameters[name]["origin"] in (COMMAND_LINE, NOTEBOOK)):
            yield Said(name, str(parameters[name]["value"]), place)
    for box in report.get("values", []):
        yield Said(f"{analysis}, {box['key']}", box["text"], place)
        yield Said(f"{analysis}, {box['key']}", show(box["value"], box["unit"]), place)
    for finding in report.get("findings", []):
        name = _finding_name(analysis, finding["id"])
        yield Said(name, finding["text"], place)
        if finding.get("money_at_stake") is not None:
            yield Said(f"{name}, at stake", show(finding["money_at_stake"], "money"), place)
        for at, number in finding.get("numbers", {}).items():
            text = show(number["value"], number["unit"])
            if text not in finding["text"]:
                yield Said(f"{name}, {at}", text, f"{place}, numbers")
                yield Said(f"{name}, {at}", finding["text"], f"{place}, text")


def _finding_name(analysis: str, name: str) -> str:
    """What was read is told on every page, so that it is the same finding on all."""
    return name if name.startswith("intake.") else f"{analysis}, {name}"


def _format(report: Mapping[str, Any]) -> Any:
    return partial(format_value, language=str(report.get("language") or "en"), currency=str(report.get("currency") or "EUR"))


def _named(analysis: str, report: Mapping[str, Any], results: Path) -> Iterator[Said]:
    for name, sources in NAMED.items():
        for source in sources:
            if source.owner == analysis:
                value, unit = _value(source, report, results)
                if value is not None and value == value:
                    yield Said(name, _format(report)(value, unit), f"{analysis}: {source.of} {source.at}".rstrip())


def _value(source: Source, report: Mapping[str, Any], results: Path) -> tuple[Any, Unit]:
    """What a report says of a source, None where it says nothing, and its unit."""
    nothing: tuple[Any, Unit] = (None, "number")
    if source.kind == "box":
        box = next((one for one in report.get("values", []) if one["key"] == source.of), None)
        return (box["value"], box["unit"]) if box else nothing
    if source.kind in ("number", "stake"):
        finding: Mapping[str, Any] = next((one for one in report.get("findings", []) if one["id"] == source.of), {})
        if source.kind == "stake":
            return finding.get("money_at_stake"), "money"
        number = finding.get("numbers", {}).get(source.at)
        return (number["value"], number["unit"]) if number else nothing
    path = results / f"{source.of}.parquet"
    if not path.is_file():
        return nothing
    import pandas as pd

    table = pd.read_parquet(path)
    if source.kind == "rows":
        return len(table), "count"
    if source.kind in ("sum", "revenue"):
        if source.at not in table or ("suppressed" in table and table["suppressed"].any()):
            return nothing  # a sum without its hidden rows is another one
        margin = report["parameters"]["margin"]["value"] if source.kind == "revenue" else 1.0
        return float(table[source.at].sum()) / margin, cast(Unit, source.unit or "money")
    rows = table[table.iloc[:, 0] == source.at].to_dict("records")
    return (rows[0].get(source.column), cast(Unit, source.unit or rows[0]["unit"])) if len(rows) == 1 else nothing


def _lists(folder: Path) -> Iterator[Said]:
    """How long each list is: in the results, and in the file that is passed on."""
    import pandas as pd

    for path in sorted((folder / "lists").glob("*.csv")):
        kept = folder / "results" / f"{path.stem}.parquet"
        if kept.is_file():
            yield Said(f"{path.stem}, rows", str(len(pd.read_parquet(kept))), f"results/{kept.name}")
            listed = pd.read_csv(path, dtype=str, skip_blank_lines=False)
            yield Said(f"{path.stem}, rows", str(len(listed)), f"lists/{path.name}")


def _shown(path: Path, report: Mapping[str, Any]) -> Iterator[Said]:
    """What a page says; short pages are held to the record of their analysis like the page itself."""
    page, place, analysis, show = read_page(path), path.name, str(report.get("analysis")), _format(report)
    yield Said("language", _language(page), place)
    yield Said("title", page.first(kind="client"), place)
    facts = [one.text for one in page.all(tag="dd")]
    as_of = show(report["as_of"], "date")
    yield Said("as_of", str(report["as_of"]) if as_of in facts else f"not {as_of}", place)
    keys = {box["label"]: box["key"] for box in report.get("values", [])}
    for box in page.all(kind="value"):
        label = box.first(kind="label")
        if label in keys:
            yield Said(f"{analysis}, {keys[label]}", box.first(kind="number"), place)
    recorded = {one["id"]: one for one in report.get("findings", [])}
    for finding in page.all(tag="li", kind="finding"):
        name = finding.attributes.get("id", "")
        yield Said(_finding_name(analysis, name), finding.first(kind="sentence"), place)
        stake, money = finding.first(kind="stake"), recorded.get(name, {}).get("money_at_stake")
        if stake and money is not None:
            shown = show(money, "money")
            # the sum ends the sentence, whatever the language of the words before it, but for its limits
            without = LIMITS.sub("", stake)
            yield Said(f"{analysis}, {name}, at stake", shown if without.endswith(shown) else stake, place)
    sentences = [one.text for kind in ("sentence", "finding") for one in page.all(tag="span", kind=kind)]
    yield from _framed(sentences, place)
    for exhibit in page.all(tag="div", kind="exhibit"):
        yield from _cells(exhibit, exhibit.attributes.get("id", ""), place)


def _language(page: Element) -> str:
    """The language that a page says of itself: that of the records, without a country."""
    return next((one.attributes.get("lang", "") for one in page.all(tag="html")), "").split("-")[0]


def _framed(sentences: Iterable[str], place: str) -> Iterator[Said]:
    """Sentences by what stands around their numbers."""
    for sentence in sentences:
        numbers = NUMBER.findall(sentence)
        if numbers:
            yield Said(NUMBER.sub("#", sentence), " ".join(numbers), place)


def _cells(exhibit: Element, name: str, place: str) -> Iterator[Said]:
    """The cells of a table whose rows and columns have names of their own."""
    rows = [[cell.text for cell in row.all() if cell.tag in ("th", "td")] for row in exhibit.all(tag="tr")]
    head, body = (rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]) if rows else ([], [])
    labels, name = Counter(row[0] for row in body), "indicator" if name in INDICATORS else name
    for row in body:
        if labels[row[0]] == 1:
            # two columns of one heading have no name of their own
            own = [at for at in range(1, len(row)) if head.count(head[at]) == 1]
            yield from (Said(f"{name}: {row[0]}, {head[at]}", row[at], place) for at in own)


def _indexed(path: Path, reports: Mapping[str, Mapping[str, Any]], *, day: str) -> Iterator[Said]:
    """What an index says of the reports of a day, found by the pages that its rows lead to."""
    index, client = read_page(path), next((str(one["client"]) for one in reports.values()), "")
    own = path.parent.name == client
    if own:
        yield Said("language", _language(index), path.name)
    for exhibit in index.all(tag="div", kind="exhibit"):
        yield from _framed([exhibit.first(kind="finding")], path.name)
        yield from _cells(exhibit, exhibit.attributes.get("id", ""), path.name)
    for row in index.all(tag="tr"):
        links = [link.attributes.get("href", "") for link in row.all(tag="a")]
        pages = [link for link in links if link.endswith(tuple(f"{day}/{analysis}.html" for analysis in reports))]
        if not pages or not (own or pages[0].startswith(f"{client}/")):
            continue
        analysis = Path(pages[0]).stem
        report, place = reports[analysis], path.name if own else f"reports/{path.name}"
        keys = {box["label"]: box["key"] for box in report.get("values", [])}
        for box in row.all(kind="figure"):
            label = box.first(tag="span")
            yield Said(f"{analysis}, {keys.get(label, label)}", box.first(tag="strong"), place)
        shown = _format(report)(report["as_of"], "date")
        yield Said("as_of", str(report["as_of"]) if shown in [one.text for one in row.all(tag="td")] else f"not {shown}", place)
        words = row.first(kind="words")
        for finding in report.get("findings", []):
            # the sentence stands behind its tag
            if words.endswith(finding["text"]):
                break
        else:
            yield Said(f"{analysis}, what it says first", words, place)
            yield Said(f"{analysis}, what it says first", "none of the findings recorded", f"{analysis}/{REPORT}")
