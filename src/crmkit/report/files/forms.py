"""The self-assessment form as files: a CSV and a workbook in which raters write, with lists to choose from."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmkit.core.errors import ParamError, ReportError
from crmkit.core.format import missing
from crmkit.core.language import Locale, translate
from crmkit.core.settings import Settings, find_home, read_settings
from crmkit.report.files.lists import guard
from crmkit.report.record import Reading, last_results

if TYPE_CHECKING:
    from crmkit.core.results import Result

WIDE = ("question", "score_1", "score_2", "score_3", "score_4", "score_5", "note")
SCORED = ("intention", "reality")


def write_form(client: str, *, out: Path | None = None, cycle: str = "", home: Path | None = None) -> list[Path]:
    """Write the forms that a client's analyses send out: those whose notebooks name one.

    Parameters
    ----------
    client : str
    out : Path or None
        Folder; default ``work/<client>/form`` in the project, which git ignores.
    cycle : str
        For example ``2025H2``; empty: the cycle of ``as_of``, else of today.
    home : Path or None
        Project root.

    Returns
    -------
    list of Path
        ``assessments.csv``, which comes back as the table of that name, and ``assessments.xlsx`` with the same rows; once there
        is an audit, also ``targets.xlsx``, which comes back as ``params/<client>/targets.xlsx``.

    Raises
    ------
    ParamError
        When the params file or the cycle cannot be used, or no notebook has a form.
    """
    import datetime as dt

    from crmkit.core.dates import parse_iso
    from crmkit.report.params.notebooks import read_notebooks

    home = home if home is not None else find_home()
    settings = read_settings(client, home=home)
    day = parse_iso(settings.as_of, where="as_of") if settings.as_of else dt.date.today()
    folder = out if out is not None else home / "work" / client / "form"
    made: list[Path] = []
    for notebook in read_notebooks(home).values():
        if not notebook.form:
            continue
        form = form_of(notebook.analysis, notebook.form)(
            client,
            home=home,
            day=day,
            language=settings.language,
            cycle=cycle,
            parameters=settings.sections.get(notebook.analysis, {}),
        )
        folder.mkdir(parents=True, exist_ok=True)
        made += write_template(form, folder, locale=Locale(settings.language, settings.currency))
    audit = last_results("audit", client=client, home=home)
    if audit is not None:
        made += write_targets(audit, settings, folder, home=home)
    if not made:
        raise ParamError("no notebook has a form; one that has names the function that makes it in its metadata, under crmkit")
    return made


def write_targets(audit: Reading, settings: Settings, folder: Path, *, home: Path) -> list[Path]:
    """The workbook of targets: what each indicator is today, its best, the kit's placeholder, and a column to fill in."""
    import xlsxwriter

    from crmkit.analyses.audit.catalogue import kit_indicators, load_catalogue
    from crmkit.analyses.audit.targets import FILE, target_sheet

    book = load_catalogue(home=home, client=settings.client)
    sheet_of = target_sheet(audit, book, kit=kit_indicators(), language=settings.language)
    if sheet_of.table is None or sheet_of.table.empty:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as workbook:
        sheet = workbook.add_worksheet(sheet_of.name)
        sheet.freeze_panes(1, 2)
        heading, asked = workbook.add_format({"bold": True, "bottom": 1}), workbook.add_format({"bg_color": "#fff4ce"})
        rows = sheet_of.table.to_dict("records")
        for place, column in enumerate(sheet_of.columns):
            sheet.set_column(place, place, 34 if column.name == "name" else 16, asked if column.name == "target" else None)
            sheet.write_string(0, place, column.name, heading)
            sheet.write_comment(0, place, translate(column.label, settings.language))
            for line, row in enumerate(rows, start=1):
                value = row[column.name]
                if isinstance(value, str):
                    words = translate(value, settings.language) if column.translate else value
                    sheet.write_string(line, place, str(guard(words)))
                elif not missing(value):
                    sheet.write_number(line, place, float(value))
    return [path]


def form_of(analysis: str, name: str) -> Callable[..., Result]:
    """The function that makes the form of an analysis, by the name that its notebook gives.

    Raises
    ------
    ReportError
        When the analysis has no function of that name.
    """
    found = getattr(import_module(f"crmkit.analyses.{analysis}"), name, None)
    if not callable(found):
        raise ReportError(
            f"notebooks/{analysis}.ipynb: its metadata says form {name!r}, and crmkit.analyses.{analysis} has no such function"
        )
    made: Callable[..., Result] = found
    return made


def write_template(form: Result, folder: Path, *, locale: Locale) -> list[Path]:
    """A form as ``assessments.csv`` and ``assessments.xlsx``; no cell is one that a spreadsheet would run."""
    if form.table is None:
        return []
    safe = form.table.map(guard)
    csv, book = folder / f"{form.name}.csv", folder / f"{form.name}.xlsx"
    safe.to_csv(csv, index=False, encoding="utf-8-sig", lineterminator="\n")
    _write_workbook(safe.to_dict("records"), form, book, locale)
    return [csv, book]


def _write_workbook(rows: list[dict[Any, Any]], form: Result, path: Path, locale: Locale) -> None:
    import xlsxwriter

    from crmkit.data.tables.organisation import RATER_ROLES

    options = {"strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(path, options) as book:
        # our column names stand in the first row, so that the sheet can be read back; what they mean stands in a comment
        sheet = book.add_worksheet(form.name)
        sheet.freeze_panes(1, 0)
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        heading = book.add_format({"bold": True, "bottom": 1})
        for place, column in enumerate(form.columns):
            sheet.set_column(place, place, 34 if column.name in WIDE else 14, wrapped)
            sheet.write_string(0, place, column.name, heading)
            sheet.write_comment(0, place, translate(column.label, locale.language))
            for line, row in enumerate(rows, start=1):
                if row[column.name]:
                    sheet.write_string(line, place, str(row[column.name]), wrapped)
            if column.name in SCORED:
                allowed = {"validate": "decimal", "criteria": "between", "minimum": 1, "maximum": 5}
                sheet.data_validation(1, place, len(rows), place, allowed)
            elif column.name == "rater_role":
                sheet.data_validation(1, place, len(rows), place, {"validate": "list", "source": list(RATER_ROLES)})
