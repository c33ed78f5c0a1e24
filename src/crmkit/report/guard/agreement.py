"""Do the pages of a client agree with each other, with the index, and with what was recorded of them?

Every page says numbers under a name: a value box, a finding, a cell of a table, a parameter. What several of them say under one
name must be the same to the last digit shown (:func:`contradictions`). Three kinds of names are compared:

- the quantities of :data:`crmkit.report.guard.quantities.NAMED`, which pages call by different words;
- boxes, findings, sums at stake and tables, which stand in the record, on the page, on its short pages, in the index, and in
  the slides and the document beside them;
- sentences that differ in nothing but their numbers: whoever reads both finds one of them wrong.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from crmkit.core.format import format_value
from crmkit.core.results import Unit
from crmkit.core.settings import AGREED
from crmkit.report.folders import RECORD, REPORT, dates_of, read_json, read_latest, reports_folder
from crmkit.report.guard.quantities import NAMED, Source
from crmkit.report.guard.said import Element, Said, cells, framed, read_page
from crmkit.report.guard.taken import taken
from crmkit.report.params.flatten import COMMAND_LINE, NOTEBOOK
from crmkit.show.words import plain

LIMITS = re.compile(r"\s*[(（][^()（）]*[)）]$")
FACTS = ("client", "title", "as_of", "language", "currency")


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
    reports = {analysis: report for analysis, (_, report) in records.items()}
    owners = _labels(reports)
    for analysis, report in reports.items():
        pages = [folder / f"{analysis}.html", *sorted(folder.glob(f"{analysis}-*.html"))]
        for page in (path for path in pages if path.is_file()):
            found += _shown(page, report, owners)
    questions = {name: plain(read_json(kept / RECORD).get("question") or name) for name, (kept, _) in records.items()}
    found += taken(folder, reports, questions, owners, known={one.name for one in found})
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


def _labels(reports: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What a box is called by which only one report has: a page that shows the number of another is held to that report."""
    listed = [(box["label"], f"{name}, {box['key']}") for name, report in reports.items() for box in report.get("values", [])]
    count = Counter(label for label, _ in listed)
    return {label: name for label, name in listed if count[label] == 1}


def _shown(path: Path, report: Mapping[str, Any], owners: Mapping[str, str]) -> Iterator[Said]:
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
        name = f"{analysis}, {keys[label]}" if label in keys else owners.get(label)
        if name is not None:
            yield Said(name, box.first(kind="number"), place)
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
    yield from framed(sentences, place)
    for exhibit in page.all(tag="div", kind="exhibit"):
        yield from cells(_rows_of(exhibit), exhibit.attributes.get("id", ""), place)


def _language(page: Element) -> str:
    """The language that a page says of itself: that of the records, without a country."""
    return next((one.attributes.get("lang", "") for one in page.all(tag="html")), "").split("-")[0]


def _rows_of(exhibit: Element) -> list[list[str]]:
    return [[cell.text for cell in row.all() if cell.tag in ("th", "td")] for row in exhibit.all(tag="tr")]


def _indexed(path: Path, reports: Mapping[str, Mapping[str, Any]], *, day: str) -> Iterator[Said]:
    """What an index says of the reports of a day, found by the pages that its rows lead to."""
    index, client = read_page(path), next((str(one["client"]) for one in reports.values()), "")
    own = path.parent.name == client
    if own:
        yield Said("language", _language(index), path.name)
    for exhibit in index.all(tag="div", kind="exhibit"):
        yield from framed([exhibit.first(kind="finding")], path.name)
        yield from cells(_rows_of(exhibit), exhibit.attributes.get("id", ""), path.name)
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
        # in the portfolio a client has one row; the sentence stands behind its tag
        told = [report] if own else list(reports.values())
        if not words.endswith(tuple(finding["text"] for one in told for finding in one.get("findings", []))):
            yield Said(f"{analysis}, what it says first", words, place)
            yield Said(f"{analysis}, what it says first", "none of the findings recorded", f"{analysis}/{REPORT}")
