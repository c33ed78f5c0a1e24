"""What do the last reports of a client say, in the order in which somebody who decides wants it?

Read from the records that runs leave: findings in words, value boxes, result tables. Nothing is estimated, and no notebook
is run. Rows of single customers are left out, whatever they are called by: what is taken away is passed on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from crmkit.core.errors import ReportError
from crmkit.core.format import format_value
from crmkit.core.in_short import VERDICTS, WHOLE, leading_boxes, rank
from crmkit.core.language import Locale, translate
from crmkit.core.results import SEVERITIES, Result
from crmkit.core.settings import find_home, read_settings
from crmkit.report.brand import Brand, read_brand
from crmkit.report.exhibits import read_exhibit
from crmkit.report.folders import RECORD, REPORT, UNDATED, dates_of, read_json, read_latest, reports_folder
from crmkit.report.params.notebooks import question_in
from crmkit.show.words import plain

INTAKE = "intake.left_out"
# findings that speak of the page on which they stand
OF_A_PAGE = frozenset({"churn.window", "churn.shop_window"})
# what executives are asked to decide, as their sheet has it
CHOSEN = "audit_decisions"


@dataclass(frozen=True)
class Report:
    """The last good run of one analysis."""

    analysis: str
    question: str
    folder: Path
    record: Mapping[str, Any]
    finished: str

    @property
    def findings(self) -> list[Mapping[str, Any]]:
        """Findings that lead the page first, in its order, then the others in the order of the record."""
        by_id = {one["id"]: one for one in self.record.get("findings", [])}
        leading = [by_id[name] for name in self.record.get("headline", []) if name in by_id]
        return [*leading, *(one for one in by_id.values() if one not in leading)]

    def exhibit(self, name: str, kinds: Collection[str]) -> Result | None:
        """An exhibit of some kinds with its table; None where it was not assessed, or shows single customers.

        The kind ``estimates`` is that of tables that hold estimates; ``table`` is that of all.
        """
        record = next((one for one in self.record.get("exhibits", []) if one["name"] == name), None)
        if record is None or not record.get("shown") or record["shown"]["customers"]:
            return None
        estimated = "estimates" in kinds and any(one["exhibit"] == name for one in self.record.get("estimates", []))
        if record["kind"] not in kinds and not (estimated and record["kind"] == "table"):
            return None
        return read_exhibit(record, self.folder)


@dataclass(frozen=True)
class Number:
    """A headline number: what it is, as the page writes it, and the question of its report."""

    label: str
    text: str
    question: str


@dataclass(frozen=True)
class Decision:
    """Something to do: what was found, what follows, and the money at stake as the page writes it, empty where unknown."""

    found: str
    action: str
    stake: str


@dataclass(frozen=True)
class Shown:
    """An exhibit and the finding that it supports."""

    report: Report
    finding: Mapping[str, Any]
    result: Result

    @property
    def said(self) -> str:
        """The finding in words."""
        return plain(self.finding["text"])


@dataclass(frozen=True)
class Story:
    """All that slides, document and mail are made of.

    Parameters
    ----------
    client, title, as_of : str
    locale : Locale
    brand : Brand
    reports : tuple of Report
        In the order in which they are told.
    folder : Path
        Of the date, where the pages are.
    """

    client: str
    title: str
    as_of: str
    locale: Locale
    brand: Brand
    reports: tuple[Report, ...]
    folder: Path
    home: Path = field(repr=False)

    @property
    def day(self) -> str:
        """The last day that counts, in words."""
        return format_value(self.as_of, "date", language=self.locale.language)

    @property
    def moment(self) -> dt.datetime:
        """What files are dated by: the day that they are about, so that the same reports give the same bytes."""
        return dt.datetime.fromisoformat(self.as_of)

    def t(self, words: str) -> str:
        """Words of ours in the reader's language."""
        return translate(words, self.locale.language)

    @cached_property
    def verdict(self) -> tuple[Report, Mapping[str, Any]]:
        """The finding that answers in money: from value to gain, else what is at risk, else the most at stake."""
        leading = [(report, one) for report in self.reports for one in _leading(report)]
        every = [(report, one) for report in self.reports for one in report.findings if one["id"] != INTAKE]
        known = sorted((pair for pair in every if pair[1]["id"] in VERDICTS), key=lambda pair: VERDICTS.index(pair[1]["id"]))
        staked = sorted((pair for pair in leading if pair[1]["money_at_stake"]), key=lambda pair: -pair[1]["money_at_stake"])
        about = [pair for pair in leading if any(one.get("unit") == "money" for one in pair[1].get("numbers", {}).values())]
        return next(chain(known, staked, about, leading, every))

    @cached_property
    def numbers(self) -> tuple[Number, ...]:
        """The numbers that stand for the reports: at most three, money first."""
        asked = {report.analysis: report.question for report in self.reports}
        boxes = leading_boxes({report.analysis: report.record for report in self.reports})
        return tuple(Number(plain(box["label"]), plain(box["text"]), asked[name]) for name, box in boxes)

    @cached_property
    def chosen(self) -> Result | None:
        """The decisions on the sheet for executives; None where there is none."""
        return next((one.exhibit(CHOSEN, ("table",)) for one in self.reports if one.analysis == WHOLE), None)

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """What is to be done, the most money first; an action that several findings ask for stands once."""
        asked = [one for report in self.reports for one in report.findings if one.get("action")]
        asked.sort(key=lambda one: (-(one["money_at_stake"] or 0), SEVERITIES.index(one["severity"])))
        once = {one["action"]: one for one in reversed(asked)}
        return tuple(
            Decision(plain(one["text"]), plain(one["action"]), self._money(one["money_at_stake"]))
            for one in asked
            if once[one["action"]] is one
        )

    @cached_property
    def others(self) -> tuple[str, ...]:
        """The first finding of each report besides the verdict, which says what else has to be known."""
        told = self.verdict[1]["id"]
        first = (next((one for one in _leading(report) if one["id"] != told), None) for report in self.reports)
        return tuple(plain(one["text"]) for one in first if one is not None)

    @cached_property
    def trust(self) -> tuple[str, ...]:
        """How far the numbers can be trusted: what was read, then what was checked, one finding of each report in turn."""
        said = [one["text"] for report in self.reports for one in report.findings if one["id"] == INTAKE]
        by_report = [
            [one["text"] for one in report.findings if one["severity"] == "good" or _doubt(one)] for report in self.reports
        ]
        checks = [one for several in zip_longest(*by_report) for one in several if one]
        return tuple(plain(one) for one in dict.fromkeys([*said[:1], *checks]))

    def exhibits(self, kinds: Collection[str], suits: Callable[[Result], bool]) -> Iterator[Shown]:
        """Exhibits behind the findings of the reports, one of each report in turn, the leading finding first.

        Parameters
        ----------
        kinds : collection of str
            As for :meth:`Report.exhibit`.
        suits : callable
            Whether an exhibit can be shown as it is wanted.
        """
        rows = [self.behind(report, report.findings, kinds, suits) for report in self.reports]
        yield from (one for several in zip_longest(*rows) for one in several if one is not None)

    def behind(
        self, report: Report, findings: Iterable[Mapping[str, Any]], kinds: Collection[str], suits: Callable[[Result], bool]
    ) -> Iterator[Shown]:
        """The same of one report: of each of some findings the first exhibit that suits."""
        seen: set[str] = set()
        for finding in findings:
            for name in finding.get("evidence", ()) if finding["id"] not in (INTAKE, *OF_A_PAGE) else ():
                result = None if name in seen else report.exhibit(name, kinds)
                if result is not None and suits(result):
                    seen.add(name)
                    yield Shown(report, finding, result)
                    break

    def _money(self, value: float | None) -> str:
        return format_value(value, "money", language=self.locale.language, currency=self.locale.currency) if value else ""


def read_story(client: str, *, home: Path | None = None) -> Story:
    """The last reports of a client.

    Raises
    ------
    ParamError
        When the params file or its brand cannot be used.
    ReportError
        When there is no report, or an earlier version has written it, with the command to run first.
    """
    place = home or find_home()
    settings = read_settings(client, home=place)
    brand = read_brand(settings, home=place)
    as_of, reports = last_reports(client, home=place)
    if not all(one.get("shown") for report in reports for one in report.record.get("exhibits", []) if one.get("assessed")):
        raise ReportError(f"{client}: its last reports were made by an earlier version; run first: crmkit run {client} --force")
    record = reports[0].record
    language = str(record.get("language") or "en")
    # Papermill alone records a question as the notebook has it
    told = [
        replace(one, question=question_in(one.question, language))
        for one in sorted(reports, key=lambda each: rank(each.analysis))
    ]
    return Story(
        client,
        plain(record.get("title") or client),
        as_of,
        Locale(language, str(record.get("currency") or "EUR")),
        brand,
        tuple(told),
        reports_folder(place) / client / as_of,
        place,
    )


def last_reports(client: str, *, home: Path) -> tuple[str, tuple[Report, ...]]:
    """The newest date of a client, and the last good run of each analysis.

    Raises
    ------
    ReportError
        When there is none, with the command to run first.
    """
    for as_of in dates_of(home, client):
        dated = reports_folder(home) / client / as_of
        latest = read_latest(home, client, as_of)["analyses"]
        found = [_report(name, entry, dated) for name, entry in latest.items() if as_of != UNDATED]
        if good := tuple(one for one in found if one.record):
            return as_of, good
    raise ReportError(f"{client}: has no report yet; run first: crmkit run {client}")


def newest_page(client: str, *, home: Path | None = None) -> Path:
    """The page of the report that was finished last.

    Raises
    ------
    ParamError
        When there is no such client.
    ReportError
        When it has no page, with the command to run first.
    """
    place = home or find_home()
    read_settings(client, home=place)
    as_of, reports = last_reports(client, home=place)
    dated = reports_folder(place) / client / as_of
    pages = [(one.finished, dated / f"{one.analysis}.html") for one in reports]
    there = [page for _, page in sorted(pages) if page.is_file()]
    if not there:
        raise ReportError(f"{client}: has no page yet; run first: crmkit run {client}")
    return there[-1]


def _report(analysis: str, entry: Mapping[str, Any], dated: Path) -> Report:
    folder = dated / entry["folder"]
    record = read_json(folder / REPORT)
    question = plain(read_json(folder / RECORD).get("question") or analysis)
    return Report(analysis, question, folder, record, str(entry.get("finished_at", "")))


def _doubt(finding: Mapping[str, Any]) -> bool:
    """Whether a finding says that something should not be relied upon, and not what is to be done."""
    return finding["severity"] == "warning" and not finding["action"]


def _leading(report: Report) -> Sequence[Mapping[str, Any]]:
    """The findings that lead a page; all of them where none leads."""
    leading = [one for one in report.findings if one["id"] in report.record.get("headline", [])]
    return leading or [one for one in report.findings if one["id"] != INTAKE]
