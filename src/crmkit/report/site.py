"""Which reports are there? The index of each client and the portfolio, rebuilt from the records that runs leave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmkit.core.format import DASH, format_value
from crmkit.core.in_short import leading_boxes, rank
from crmkit.core.language import Locale, say, translate, undirected, worded
from crmkit.core.messages import in_words
from crmkit.core.results import SEVERITIES, Text
from crmkit.core.settings import client_language
from crmkit.report.brand import brand_css
from crmkit.report.folders import RECORD, REPORT, UNDATED, dates_of, read_json, read_latest, reports_folder, write_text
from crmkit.report.page.briefs import FIRST
from crmkit.report.page.since_last import changes
from crmkit.report.record import previous
from crmkit.show.boxes import SEVERITY
from crmkit.show.grid import FROM_TO

if TYPE_CHECKING:
    from jinja2 import Template

VALUES_SHOWN = 3
CRITICAL = SEVERITIES[0]
BRIDGE = "audit_bridge"


@dataclass(frozen=True)
class Value:
    """A headline number of a report, and how far it has moved since the previous one; empty where that is not known."""

    label: str
    text: str
    change: str = ""
    since: str = ""
    way: str = ""


@dataclass(frozen=True)
class Line:
    """One report in an index: what it is about, how it stands, what it says first.

    ``page``, ``briefs`` and ``lists`` are paths from the client's folder, the latter two with what they are called; ``page`` is
    empty where no run has succeeded yet.
    """

    analysis: str
    question: str
    as_of: str
    day: str
    status: str
    failed: str
    values: tuple[Value, ...]
    finding: str
    severity: str
    tag: str
    page: str
    failed_page: str
    briefs: tuple[tuple[str, str], ...]
    lists: tuple[tuple[str, str], ...]
    title: str
    language: str
    brand: Mapping[str, Any]
    report: Mapping[str, Any] = field(repr=False)
    before: Mapping[str, Any] | None = field(repr=False)

    @property
    def weight(self) -> tuple[Any, ...]:
        """What comes first: the worst of the leading findings, then the most money at stake; what never succeeded is last."""
        order = SEVERITIES.index(self.severity) if self.severity in SEVERITIES else len(SEVERITIES)
        stakes = [one.get("money_at_stake") or 0.0 for one in self.report.get("findings", [])]
        return (not self.page, order, -max(stakes, default=0.0), rank(self.analysis))

    @property
    def critical(self) -> tuple[tuple[str, str], ...]:
        """Findings that are critical and were not so in the previous report, each with its place; none without one."""
        was = {one["id"] for one in (self.before or {}).get("findings", []) if one.get("severity") == CRITICAL}
        now = [one for one in self.report.get("findings", []) if one.get("severity") == CRITICAL and one["id"] not in was]
        return tuple((f"{self.page}#{one['id']}", str(one["text"])) for one in now) if self.before is not None else ()


@dataclass(frozen=True)
class Standing:
    """A client in the portfolio: the number that leads its reports, and what has changed since its last run.

    Parameters
    ----------
    lines : tuple of Line
        Reports of the newest date, the weightiest first.
    lead : Line or None
        The report of the number.
    value : Value or None
    was : str
        The number in the previous report; empty where there is none.
    """

    lines: tuple[Line, ...]
    lead: Line | None
    value: Value | None
    was: str

    @property
    def compared(self) -> bool:
        """Whether any of the reports has one before it."""
        return any(line.before is not None for line in self.lines)

    @property
    def critical(self) -> tuple[tuple[str, str], ...]:
        """New critical findings of all its reports."""
        return tuple(one for line in self.lines for one in line.critical)


def write_site(home: Path) -> Path:
    """Rebuild every client's index and the portfolio.

    Returns
    -------
    Path
        ``reports/index.html``.
    """
    root = reports_folder(home)
    clients: dict[str, list[Line]] = {}
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        lines = client_lines(home, folder.name)
        if lines:
            clients[folder.name] = lines
            write_text(folder / "index.html", _client_page(home, folder.name, lines))
    write_text(root / "index.html", _portfolio_page(clients))
    return root / "index.html"


def client_lines(home: Path, client: str) -> list[Line]:
    """All reports of a client, the newest date first, in it by weight; a run without a date only where none has one."""
    lines: list[Line] = []
    for as_of in dates_of(home, client):
        latest = read_latest(home, client, as_of)
        dated = {line.analysis for line in lines} if as_of == UNDATED else set()
        names = sorted({*latest["analyses"], *latest["attempts"]} - dated)
        own = [_line(home, client, as_of, analysis, latest) for analysis in names]
        lines += sorted(own, key=lambda line: line.weight)
    return lines


def _line(home: Path, client: str, as_of: str, analysis: str, latest: Mapping[str, Any]) -> Line:
    dated = reports_folder(home) / client / as_of
    good, last = latest["analyses"].get(analysis), latest["attempts"].get(analysis, {})
    folder = dated / (good or last)["folder"]
    report, record = read_json(folder / REPORT) if good else {}, read_json(folder / RECORD)
    language = str(report.get("language") or client_language(client, home=home) or "en")
    leading = _leading_finding(report)
    failed = last.get("status", "ok") != "ok"
    before = _previous(home, client, analysis, as_of, str((good or last).get("run", "")))
    lists = sorted(path for path in (folder / "lists").glob("*") if path.is_file()) if good else []
    return Line(
        analysis=analysis,
        question=str(record.get("question") or analysis),
        as_of=as_of,
        day="" if as_of == UNDATED else format_value(as_of, "date", language=language),
        status="ok" if good else "failed",
        failed=in_words(str(last.get("message", "")), language) if failed else "",
        values=_values(report, language, before)[:VALUES_SHOWN],
        finding=str(leading.get("text", "")),
        severity=str(leading.get("severity", "")),
        tag=say(SEVERITY[leading["severity"]], Locale(language)) if leading else "",
        page=f"{as_of}/{analysis}.html" if good and (folder / f"{analysis}.html").is_file() else "",
        failed_page=f"{as_of}/{last['folder']}/{analysis}.html" if failed else "",
        briefs=_briefs(folder, analysis, report, as_of, language) if good else (),
        lists=tuple((path.name, path.relative_to(dated.parent).as_posix()) for path in lists),
        title=str(report.get("title") or client),
        language=language,
        brand=report.get("brand") or {},
        report=report,
        before=before,
    )


def _briefs(folder: Path, analysis: str, report: Mapping[str, Any], as_of: str, language: str) -> tuple[tuple[str, str], ...]:
    """The short pages of a report, that for executives first; the others in the order of the report."""
    called = {slug: translate(word, language) for slug, word in FIRST.items()} | dict(report.get("briefs") or {})
    files = {slug: f"{analysis}-{slug}.html" for slug in called}
    return tuple((str(called[slug]), f"{as_of}/{file}") for slug, file in files.items() if (folder / file).is_file())


def _leading_finding(report: Mapping[str, Any]) -> Mapping[str, Any]:
    """The worst of the findings that lead the page; of all where none leads."""
    headline = report.get("headline") or []
    findings = [one for one in report.get("findings", []) if not headline or one.get("id") in headline]
    known = [one for one in findings if one.get("severity") in SEVERITIES]
    return min(known, key=lambda one: SEVERITIES.index(one["severity"]), default={})


def _previous(home: Path, client: str, analysis: str, as_of: str, run_id: str) -> Mapping[str, Any] | None:
    if as_of == UNDATED:
        return None
    found = previous(client, analysis, as_of=as_of, run_id=run_id, home=home)
    return found.report if found is not None else None


def _values(report: Mapping[str, Any], language: str, before: Mapping[str, Any] | None) -> tuple[Value, ...]:
    show = partial(format_value, language=language, currency=str(report.get("currency") or "EUR"))
    moved = changes(report, before) if report else {}
    listed = []
    known = [box for box in report.get("values") or [] if box.get("value") is not None]
    for box in known:
        label, change = str(box["label"]), moved.get(str(box["label"]))
        text = str(box.get("text") or show(box.get("value"), box.get("unit", "number")))
        listed.append(Value(label, text, change.short, change.text, change.way) if change else Value(label, text))
    return tuple(listed)


def _client_page(home: Path, client: str, lines: list[Line]) -> str:
    language, title = lines[0].language, lines[0].title
    heading = say(Text("Reports of {title}", {"title": title}), Locale(language))
    money = _money(home, client, lines[0].as_of)
    look = lines[0].brand
    return _render(heading=heading, title=title, lines=lines, language=language, client=client, money=money, brand=look)


@dataclass(frozen=True)
class Money:
    """The chain from what customers are worth to what can be won, as the audit has it: a sentence, a row for each step."""

    title: str
    finding: str
    rows: tuple[tuple[str, str, str, str], ...]


def _money(home: Path, client: str, as_of: str) -> Money | None:
    """What the newest audit of a day says of money; None where it says nothing."""
    entry = read_latest(home, client, as_of)["analyses"].get("audit")
    report = read_json(reports_folder(home) / client / as_of / entry["folder"] / REPORT) if entry else {}
    rows = [row for row in report.get("estimates", []) if row.get("exhibit") == BRIDGE]
    if not rows:
        return None
    language, currency = str(report.get("language") or "en"), str(report.get("currency") or "EUR")
    show = partial(format_value, unit="money", language=language, currency=currency)

    def limits(row: Mapping[str, Any]) -> str:
        if row["low"] is None or row["high"] is None:
            return DASH
        return say(Text(FROM_TO.template, {name: show(row[name]) for name in ("low", "high")}), Locale(language, currency))

    said = {one["id"]: one["text"] for one in report.get("findings", [])}
    titles = {one["name"]: one["title"] for one in report.get("exhibits", [])}
    margin = report.get("parameters", {}).get("margin", {}).get("value")
    words = partial(translate, language=worded(language, margin=margin))
    return Money(
        str(titles.get(BRIDGE, "")),
        str(said.get("audit.bridge", "")),
        tuple((words(row["group"]), show(row["value"]), limits(row), words(row["method"])) for row in rows),
    )


def _portfolio_page(clients: Mapping[str, list[Line]]) -> str:
    languages = {lines[0].language for lines in clients.values()}
    language = languages.pop() if len(languages) == 1 else "en"
    newest = {name: tuple(line for line in lines if line.as_of == lines[0].as_of) for name, lines in clients.items()}
    rows = {name: _standing(lines) for name, lines in newest.items()}
    return _render(heading=translate("All reports", language), title="", clients=rows, language=language)


def _standing(lines: tuple[Line, ...]) -> Standing:
    boxes = leading_boxes({line.analysis: line.report for line in lines}, most=1)
    if not boxes:
        return Standing(lines, None, None, "")
    ((analysis, box),) = boxes
    line = next(one for one in lines if one.analysis == analysis)
    value = next(one for one in _values(line.report, line.language, line.before) if one.label == str(box["label"]))
    old = [one for one in (line.before or {}).get("values", []) if _key(one) == _key(box) and one.get("value") is not None]
    show = partial(format_value, language=line.language, currency=str((line.before or {}).get("currency") or "EUR"))
    return Standing(lines, line, value, show(old[0]["value"], old[0].get("unit", "number")) if old else "")


def _key(box: Mapping[str, Any]) -> str:
    return str(box.get("key") or box.get("label"))


def _render(
    *,
    heading: str,
    title: str,
    language: str,
    lines: list[Line] | None = None,
    clients: Mapping[str, Standing] | None = None,
    client: str = "",
    money: Money | None = None,
    brand: Mapping[str, Any] | None = None,
) -> str:
    from crmkit.report.page.assets import page_assets

    page = _template().render(
        heading=heading,
        title=title,
        language=language,
        lines=[line for line in lines if line.as_of == lines[0].as_of] if lines is not None else None,
        earlier=[line for line in lines if line.as_of != lines[0].as_of] if lines is not None else [],
        clients=clients,
        client=client,
        money=money,
        t=partial(translate, language=language),
        brand=brand or {},
        **page_assets("site", colours=brand_css(brand or {})),
    )
    return undirected(page)


@cache
def _template() -> Template:
    from jinja2 import Environment

    text = (resources.files("crmkit.report") / "templates" / "site" / "index.html.j2").read_text(encoding="utf-8")
    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(text)
