"""What a notebook shows and leaves behind: one object that puts results before the reader and writes them down.

``page.show(result)`` displays an exhibit in the reader's language; ``page.publish()`` writes ``report.json``, the result tables
and the lists that later notebooks, the index and the audit read. Nothing is estimated here.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from html import escape
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, overload

from crmkit.core.language import Locale, say
from crmkit.core.nested_params import run_by_program
from crmkit.core.privacy import pseudonym
from crmkit.core.results import BRIEFS_MIME, REPORT_MIME, Brief, Finding, Kind, Numbers, Quantity, Result, Text, worst_first
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.standing import ACTIVE_DAYS
from crmkit.data.tables import TABLES
from crmkit.report.brand import brand_record, read_brand
from crmkit.report.exhibits import exhibit_record, finding_record, json_number, kept_record
from crmkit.report.files.calendars import write_calendar
from crmkit.report.files.lists import write_list
from crmkit.report.folders import RECORD, REPORT, keep, new_run_id, note_attempt, reports_folder, write_json
from crmkit.report.guard.identifiers import unscanned, write_first_marks, write_marks
from crmkit.report.guard.secrets import scrub_json, secrets_of
from crmkit.report.page.briefs import linked
from crmkit.report.page.clock import watch_cells
from crmkit.report.page.data import customers_result, intake_record, intake_result
from crmkit.report.page.display import show_results
from crmkit.report.page.reservations import OWNER, reasons, reserved
from crmkit.report.params.flatten import Used, other_than_agreed, used_parameters
from crmkit.report.params.notebooks import read_notebook
from crmkit.report.record import Reading, read_results
from crmkit.show.boxes import leading_rows
from crmkit.show.notebook_style import styled
from crmkit.show.tables import MAX_ROWS, exhibit_html, exhibit_text, findings_html, findings_text

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.data.client import Client

OUT_VARIABLE = "CRMKIT_OUT"
# where the results of a notebook that Papermill runs by itself are put together
PUBLISHED = ".published"
LEVEL = "confidence"
# of more customers the scores are kept for other systems only: no spreadsheet holds them well
MOST_IN_A_WORKBOOK = 200_000
SCHEMA = 1
FIGURES = frozenset(get_args(Kind)) - {"table", "values"}
VERSIONED = ("crmkit", "pandas", "numpy", "scipy", "statsmodels", "lifelines", "ibis-framework", "duckdb")


@dataclass(frozen=True)
class Shown:
    """Something that Jupyter displays: safe HTML, plain text where there is no browser, and short pages that go with it."""

    html: str
    text: str
    briefs: tuple[Mapping[str, Any], ...] = ()

    def _repr_html_(self) -> str:
        return styled(self.html)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {BRIEFS_MIME: list(self.briefs)} if self.briefs else {}

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Published:
    """The record of a page, displayed as a note and carried by the notebook for the template."""

    folder: Path
    report: Mapping[str, Any]
    text: str

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {REPORT_MIME: dict(self.report), "text/plain": self.text}


@dataclass
class Page:
    """The page of one analysis for one client; made by :func:`open_page`.

    Showing a result again, after a cell was run once more, replaces what was shown under that name before.
    """

    analysis: str
    company: Client
    used: Mapping[str, Used]
    shown: dict[str, Result] = field(default_factory=dict)
    kept: dict[str, Result] = field(default_factory=dict)
    findings: dict[str, Finding] = field(default_factory=dict)
    headlines: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    opened: float = field(default_factory=time.monotonic)

    @property
    def locale(self) -> Locale:
        margin = self.used.get("margin")
        return Locale(self.company.language, self.company.currency, revenue=margin is not None and margin.value == 1)

    def show(self, *results: Result) -> Shown:
        """Display one exhibit, or a figure and the table that belongs to it, and keep them for the record.

        Parameters
        ----------
        *results : Result
            As an analysis returned them.

        Returns
        -------
        Shown
            Safe HTML in the reader's language, text where there is no browser.

        Raises
        ------
        ReportError
            When a figure has no alternative text.
        """
        results = tuple(self._reserved(self._at_level(result)) for result in results)
        for result in results:
            self.shown[result.name] = result
            if result.finding is not None:
                self.findings[result.finding.id] = result.finding
        called = self.customer_name()
        html = "\n".join(exhibit_html(result, self.locale, name=called) for result in results)
        text = "\n\n".join(exhibit_text(result, self.locale, name=called) for result in results)
        briefs = [self._brief(one) for result in results for one in result.briefs]
        return Shown(linked(html, [f"{self.analysis}-{one['slug']}.html" for one in briefs]), text, tuple(briefs))

    def _at_level(self, result: Result) -> Result:
        """The result with the level of its intervals, which is the notebook's where the analysis did not say it."""
        level = self.used.get("confidence")
        if result.table is None or level is None or LEVEL in result.table.attrs:
            return result
        table = result.table.copy(deep=False)
        table.attrs[LEVEL] = level.value
        return replace(result, table=table)

    def _reserved(self, result: Result) -> Result:
        """The result, its verdict with reservation where the data are too weak for it."""
        said = result.finding and reserved(result.finding, self.analysis, self.weak)
        return result if said is result.finding else replace(result, finding=said)

    def keep(self, result: Result) -> Shown:
        """Write a result down without showing it: a table that is too long for a page and meant for other systems."""
        self.kept[result.name] = result
        if not result.assessed:
            return Shown(exhibit_html(result, self.locale), exhibit_text(result, self.locale))
        said = say(Text("{title}: kept in the results", {"title": result.title}), self.locale)
        if result.customers and result.table is not None and len(result.table) <= MOST_IN_A_WORKBOOK:
            numbers: Numbers = {"title": result.title, "n": Quantity(len(result.table), "count"), "file": f"{result.name}.xlsx"}
            said = say(Text("{title}: all {n} are in the workbook {file}", numbers), self.locale)
        return Shown(f'<p class="note">{escape(said)}</p>', said)

    @overload
    def results(self) -> dict[str, Reading]: ...

    @overload
    def results(self, analysis: str) -> Reading: ...

    def results(self, analysis: str = "") -> Reading | dict[str, Reading]:
        """The last good results of another analysis for the same client, day and data.

        Parameters
        ----------
        analysis : str
            Whose; empty: of each that the notebook's metadata names.

        Returns
        -------
        Reading, or dict of str to Reading
            With the results, or with the reason why they cannot be used.
        """
        company = self.company
        read = partial(
            read_results,
            client=company.name,
            as_of=company.as_of.isoformat(),
            fingerprint=company.fingerprint,
            home=company.home,
        )
        if analysis:
            return read(analysis)
        return {one: read(one) for one in read_notebook(self.analysis, home=company.home).results}

    def intake(self) -> Shown:
        """Display which rows count, which were left out, and who counts as a customer."""
        days = self.used.get("active_days")
        counted = customers_result(self.company, active_days=ACTIVE_DAYS if days is None else days.value)
        return self.show(intake_result(self.company), counted)

    def headline(self, findings: Iterable[Finding]) -> Shown:
        """Display what matters most, the worst first; these findings lead the page.

        Parameters
        ----------
        findings : iterable of Finding
        """
        ordered = worst_first(reserved(finding, self.analysis, self.weak) for finding in findings)
        self.findings |= {finding.id: finding for finding in ordered}
        self.headlines = tuple(finding.id for finding in ordered)
        return Shown(findings_html(ordered, self.locale), findings_text(ordered, self.locale))

    def publish(self, folder: Path | None = None) -> Published:
        """Write ``report.json``, ``results/*.parquet`` and ``lists/`` of everything shown.

        Parameters
        ----------
        folder : Path or None
            Default: ``$CRMKIT_OUT``, which a run sets. Where Papermill runs the notebook by itself, the results are kept in
            ``reports/`` as those of a run. Else ``work/<client>/<analysis>`` in the project.

        Returns
        -------
        Published
            The folder and the record.

        Raises
        ------
        DataError
            When a source file has changed since it was opened: a page is made of one export.
        """
        company = self.company
        company.unchanged()
        given, run_id = folder or os.environ.get(OUT_VARIABLE), new_run_id()
        kept_here = not given and run_by_program()
        if kept_here:
            out = reports_folder(company.home) / company.name / PUBLISHED / run_id / self.analysis
        else:
            out = Path(given or company.home / "work" / company.name / self.analysis)
        for part in ("results", "lists"):
            shutil.rmtree(out / part, ignore_errors=True)
            (out / part).mkdir(parents=True)
        for result in self.shown.values():
            if result.table is not None:
                self._write(result, result.table, out)
        for result in self.kept.values():
            if result.table is not None:
                self._keep(result, result.table, out)
        report = self._record(out)
        if kept_here:
            report = scrub_json(report, secrets_of(company.name, home=company.home))
        _write_json(out / REPORT, report)
        if kept_here:
            out = self._keep_run(out, run_id, report)
        return Published(
            out, report, f"{company.name} {self.analysis}: {len(self.shown)} exhibits, {len(self.findings)} findings"
        )

    def _keep_run(self, out: Path, run_id: str, report: Mapping[str, Any]) -> Path:
        """Keep what Papermill alone has run as the last good run, without a page, which is made of the finished notebook."""
        home, day = self.company.home, str(report["as_of"])
        record = {
            "schema": SCHEMA,
            "run": run_id,
            "client": self.company.name,
            "analysis": self.analysis,
            "question": read_notebook(self.analysis, home=home).question,
            "status": "ok",
            "message": "",
            "parameters": report["parameters"],
            "finished_at": report["generated_at"],
            "seconds": round(time.monotonic() - self.opened, 3),
            # whether anything has changed is not known of it: crmkit run will run it again
            "inputs": None,
        }
        write_json(out / RECORD, record)
        folder = keep(out, home=home, client=self.company.name, as_of=day, run_id=run_id, analysis=self.analysis)
        out.parent.rmdir()
        note_attempt(folder, record, home=home, client=self.company.name, as_of=day, analysis=self.analysis)
        return folder

    def customer_name(self) -> Any:
        """How a customer is called on the page: a pseudonym unless the parameters ask for ids."""
        if self.company.settings.privacy.identifiers == "ids":
            return str
        return partial(pseudonym, key=self.company.key())

    def _brief(self, one: Brief) -> dict[str, Any]:
        """A short page as the notebook carries it to whoever writes the pages."""
        called = self.customer_name()
        levelled = [self._at_level(result) for result in one.results]
        shown = [
            exhibit_html(result, self.locale, name=called, max_rows=None, like=self._whole(result.name)) for result in levelled
        ]
        intro = f"<p>{escape(say(one.intro, self.locale))}</p>" if one.intro else ""
        led = findings_html(one.findings, self.locale, name=called, worst_leads=False)
        html = "\n".join([led, intro, *shown])
        return {"slug": one.slug, "name": _called(one, self.locale), "html": html, "sheet": one.sheet}

    def _whole(self, name: str) -> pd.DataFrame | None:
        """The rows that the page itself shows of a table: a short page rounds its own as they are."""
        shown = self.shown.get(name)
        return None if shown is None or shown.table is None else shown.table.head(MAX_ROWS)

    def _write(self, result: Result, table: pd.DataFrame, out: Path) -> None:
        hidden = table
        if result.customers:
            called = partial(pseudonym, key=self.company.key())
            hidden = table.assign(customer_id=[called(one) for one in table["customer_id"]])
            raw = self.company.settings.privacy.lists == "ids"
            write_list(table if raw else hidden, result, out / "lists", locale=self.locale)
        elif result.files:
            write_list(table, result, out / "lists", locale=self.locale)
        if "calendar" in result.files:
            write_calendar(hidden, result, out / "lists", locale=self.locale, as_of=self.company.as_of)
        plain = hidden.copy()
        plain.attrs = {}
        plain.to_parquet(out / "results" / f"{result.name}.parquet", index=False)

    def _keep(self, result: Result, table: pd.DataFrame, out: Path) -> None:
        """The table under pseudonyms in ``results/``, of customers a workbook in ``lists/`` too, with ids where asked for."""
        called = partial(pseudonym, key=self.company.key())
        hidden = table.assign(customer_id=[called(one) for one in table["customer_id"]]) if result.customers else table
        hidden.to_parquet(out / "results" / f"{result.name}.parquet", index=False)
        if result.customers and len(table) <= MOST_IN_A_WORKBOOK:
            raw = self.company.settings.privacy.lists == "ids"
            write_list(table if raw else hidden, result, out / "lists", locale=self.locale)
        if result.customers and self.company.settings.privacy.lists == "ids":
            table.to_parquet(out / "lists" / f"{result.name}.parquet", index=False)

    def _record(self, out: Path) -> dict[str, Any]:
        company, locale = self.company, self.locale
        return {
            "schema": SCHEMA,
            "analysis": self.analysis,
            "client": company.name,
            "title": company.title,
            "as_of": company.as_of.isoformat(),
            "language": company.language,
            "currency": company.currency,
            "brand": brand_record(read_brand(company.settings, home=company.home)),
            "status": "ok",
            "period": {"from": _first_day(company), "to": company.as_of.isoformat()},
            "generated_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "data": {
                "fingerprint": company.fingerprint,
                "tables": {one.table: intake_record(one, locale) for one in company.intake},
                "notes": [say(note, locale) for note in other_than_agreed(self.used, company.settings)],
            },
            "privacy": {"identifiers": company.settings.privacy.identifiers, "unscanned": unscanned(out)},
            "headline": list(self.headlines),
            "findings": [finding_record(finding, locale) for finding in worst_first(self.findings.values())],
            "values": [box for result in self.shown.values() if result.kind == "values" for box in _boxes(result, locale)],
            "estimates": [row for result in self.shown.values() for row in _estimate_rows(result)],
            "exhibits": [exhibit_record(result, locale) for result in self.shown.values()],
            "results": {
                one.name: kept_record(one.table, customers=one.customers)
                for one in self.shown.values()
                if one.table is not None
            },
            "briefs": {one.slug: _called(one, locale) for result in self.shown.values() for one in result.briefs},
            "figures": sum(result.kind in FIGURES and result.assessed for result in self.shown.values()),
            "parameters": {name: {"value": one.value, "origin": one.origin} for name, one in self.used.items()},
            "versions": {name: metadata.version(name) for name in VERSIONED},
        }


def open_client(
    client: str, *, as_of: str = "", language: str = "", home: Path | None = None, rejects: Path | None = None
) -> Client:
    """What do we know of this client, up to this day? :func:`crmkit.data.client.open_client`, for a page.

    Parameters
    ----------
    client, as_of, language, home, rejects
        As there. In a run, what cannot be opened leaves what whoever writes the page has to look for in it.
    """
    from crmkit.data import client as data

    out = os.environ.get(OUT_VARIABLE)
    found = partial(write_first_marks, folder=Path(out)) if out else None
    return data.open_client(client, as_of=as_of, language=language, home=home, rejects=rejects, found=found)


def open_page(analysis: str, company: Client, parameters: Mapping[str, Any] | None = None) -> Page:
    """The page that a notebook fills.

    Parameters
    ----------
    analysis : str
        Name of the analysis, which is also the name of its notebook.
    company : Client
        As :func:`crmkit.open_client` returned it.
    parameters : mapping or None
        Values in use; default: those of the notebook's parameters cell, read from the running notebook.

    Raises
    ------
    ParamError
        When a parameter is unknown, of the wrong type or out of range; all at once.

    Examples
    --------
    >>> page = open_page("clv", open_client("retailco"))  # doctest: +SKIP
    """
    page = Page(analysis, company, used_parameters(analysis, company.settings, home=company.home, values=parameters))
    if OWNER in read_notebook(analysis, home=company.home).results:
        page.weak = reasons(page.results(OWNER), analysis)
    show_results(page.locale, page.customer_name())
    watch_cells(page.locale)
    out = os.environ.get(OUT_VARIABLE)
    if out:
        # whoever writes the page looks for these in it, and refuses a page that names a customer
        write_marks(company.tables, Path(out), ids=company.settings.privacy.identifiers != "ids")
    return page


def _first_day(company: Client) -> str | None:
    """The first day with an event in any table."""
    days = [
        day
        for name, table in company.tables.items()
        if (event := TABLES[name].event) in table.columns and TABLES[name].tells_span and name != "customers"
        for day in to_frame(table.aggregate(day=table[event].min()))["day"].dropna()
    ]
    return min(days).date().isoformat() if days else None


def _boxes(result: Result, locale: Locale) -> list[dict[str, Any]]:
    if result.table is None:
        return []
    from crmkit.core.language import translate

    rows = result.table.to_dict("records")
    first, others = leading_rows(result.table)
    past = result.table.attrs.get("history", {})
    return [
        {
            "key": str(row["group"]),
            "label": translate(str(row["group"]), locale.words),
            **{key: json_number(row[key]) for key in ("value", "low", "high", "n")},
            "unit": row["unit"],
            "text": say(Quantity(row["value"], row["unit"]), locale),
            **({"history": past[row["group"]]} if past.get(row["group"]) else {}),
        }
        for row in (rows[place] for place in (*first, *others))
    ]


def _estimate_rows(result: Result) -> list[dict[str, Any]]:
    from crmkit.core.results import ESTIMATE_COLUMNS

    table = result.table
    if table is None or result.customers or not set(ESTIMATE_COLUMNS) <= set(table.columns):
        return []
    rows = table[list(ESTIMATE_COLUMNS)].to_dict("records")
    return [{"exhibit": result.name, **{str(key): json_number(value) for key, value in row.items()}} for row in rows]


def _called(one: Brief, locale: Locale) -> str:
    return say(one.name, locale)


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Whole or not at all: written beside and moved into place."""
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(content, ensure_ascii=False, indent=1, default=str, allow_nan=False) + "\n", encoding="utf-8")
    draft.replace(path)
