"""The workbook of targets: it shows what is, comes back filled in, and refuses what cannot be a target."""

import zipfile

import pandas as pd
import pytest
import yaml
from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from crmkit.analyses.audit import load_catalogue
from crmkit.core.errors import ParamError
from crmkit.core.settings import read_settings
from crmkit.report.files.forms import write_targets
from crmkit.report.folders import RECORD, REPORT, note_attempt, reports_folder, write_json
from crmkit.report.record import last_results

PROCESS = [
    {"indicator": "P-RESP", "status": "assessed", "value": 0.43, "low": 0.37, "high": 0.49},
    {"indicator": "P-HAND", "status": "assessed", "value": 2.3, "low": 2.1, "high": 2.5},
    {"indicator": "P-FCR", "status": "not assessed", "value": float("nan"), "low": float("nan"), "high": float("nan")},
    # measured in parts of what was declared, so it has no target in its own unit
    {"indicator": "P-STEP", "status": "assessed", "value": 8.5, "low": 8.0, "high": 9.0},
]
PAST = [
    {"indicator": "P-RESP", "value0": 0.5, "value1": 0.61, "value2": 0.4, "value3": 0.43},
    {"indicator": "P-HAND", "value0": 2.0, "value1": float("nan"), "value2": 1.4, "value3": 2.3},
]


@pytest.fixture(params=["en", "zh"])
def home(request, tmp_path):
    """A client with one audit behind it."""
    for folder in ("params/acme", "notebooks", "data/acme"):
        (tmp_path / folder).mkdir(parents=True)
    said = {"client": "acme", "title": "ACME", "source": "data/acme", "language": request.param}
    (tmp_path / "params" / "acme.yml").write_text(yaml.safe_dump(said), encoding="utf-8")
    folder = reports_folder(tmp_path) / "acme" / "2025-12-31" / "runs" / "r1" / "audit"
    (folder / "results").mkdir(parents=True)
    pd.DataFrame(PROCESS).to_parquet(folder / "results" / "audit_process.parquet")
    pd.DataFrame(PAST).to_parquet(folder / "results" / "audit_trend_table.parquet")
    record = {"run": "r1", "status": "ok", "message": "", "seconds": 1.0, "finished_at": "2026-01-01"}
    write_json(folder / RECORD, record)
    write_json(folder / REPORT, {"analysis": "audit"})
    note_attempt(folder, record, home=tmp_path, client="acme", as_of="2025-12-31", analysis="audit")
    return tmp_path


def written(home):
    settings = read_settings("acme", home=home)
    (path,) = write_targets(last_results("audit", client="acme", home=home), settings, home / "form", home=home)
    head, *lines = CalamineWorkbook.from_path(path).get_sheet_by_name("targets").to_python()
    return {line[0]: dict(zip(head, line, strict=True)) for line in lines}


def fill(home, rows, **targets):
    """The workbook as a person gives it back."""
    columns = list(next(iter(rows.values())))
    with Workbook(home / "params" / "acme" / "targets.xlsx") as book:
        sheet = book.add_worksheet("targets")
        for place, name in enumerate(columns):
            sheet.write(0, place, name)
            for line, (indicator, row) in enumerate(rows.items(), start=1):
                sheet.write(line, place, targets.get(indicator, row[name]) if name == "target" else row[name])


def test_it_shows_what_is_and_what_was_best(home):
    rows = written(home)
    assert set(rows) == {"P-RESP", "P-HAND"}
    shown = {name: value for name, value in rows["P-RESP"].items() if name not in ("name", "better")}
    assert shown == {
        "indicator": "P-RESP",
        "unit": "share",
        "today": 0.43,
        "low": 0.37,
        "high": 0.49,
        "best": 0.61,
        "placeholder": 0.85,
        "target": "",
    }
    assert rows["P-HAND"]["best"] == 1.4  # of what ought to be rare the least


def test_names_and_headers_stay_in_sight(home):
    written(home)
    with zipfile.ZipFile(next((home / "form").glob("*.xlsx"))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert '<pane xSplit="2" ySplit="1" topLeftCell="C2"' in sheet


def test_what_is_filled_in_counts_as_the_companys_own(home):
    fill(home, written(home), **{"P-RESP": 0.6})
    book = load_catalogue(home=home, client="acme")
    assert book["P-RESP"].target == 0.6
    assert book.edited == {"P-RESP"}
    assert book["P-HAND"].target == load_catalogue()["P-HAND"].target
    assert written(home)["P-RESP"]["target"] == 0.6  # the next workbook has it


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ({"P-RESP": 0.2}, "row 2, P-RESP: the target 0.2 is on the wrong side of today's 0.43"),
        ({"P-HAND": 3.0}, "row 3, P-HAND: the target 3 is on the wrong side of today's 2.3"),
        ({"P-RESP": 85}, "row 2, P-RESP: the target is 85; a share from 0 to 1 is expected, for example 0.85"),
        ({"P-RESP": "high"}, "row 2, P-RESP: the target is 'high'; a number is expected"),
    ],
)
def test_what_cannot_be_a_target_is_refused_with_its_row(home, targets, said):
    fill(home, written(home), **targets)
    with pytest.raises(ParamError, match=r"params/acme/targets.xlsx") as caught:
        load_catalogue(home=home, client="acme")
    assert said in str(caught.value)


def test_every_target_is_refused_at_once_and_none_stands_twice(home):
    rows = written(home)
    fill(home, rows, **{"P-RESP": 0.2, "P-HAND": 3.0})
    with pytest.raises(ParamError) as caught:
        load_catalogue(home=home, client="acme")
    assert len(caught.value.problems) == 2
    fill(home, rows, **{"P-RESP": 0.6})
    (home / "params" / "acme" / "indicators.yml").write_text("P-RESP: {target: 0.7}\n", encoding="utf-8")
    with pytest.raises(ParamError, match=r"P-RESP: has a target in params/acme/indicators.yml too; keep one of them"):
        load_catalogue(home=home, client="acme")


def test_a_file_that_is_no_such_workbook_is_named(home):
    path = home / "params" / "acme" / "targets.xlsx"
    path.write_text("indicator,target\n", encoding="utf-8")
    with pytest.raises(ParamError, match=r"targets.xlsx: cannot be read as a workbook"):
        load_catalogue(home=home, client="acme")
    with Workbook(path) as book:
        book.add_worksheet("targets").write(0, 0, "indicator")
    with pytest.raises(ParamError, match=r"has no column target; keep the first row"):
        load_catalogue(home=home, client="acme")


def test_without_an_audit_there_is_nothing_to_show(tmp_path):
    assert last_results("audit", client="acme", home=tmp_path) is None
