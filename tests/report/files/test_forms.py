"""The self-assessment form as files: it goes out with its questions and comes back as the table assessments."""

import csv
import json
import sys
from pathlib import Path

import pytest
import yaml
from python_calamine import CalamineWorkbook

from crmkit import cli
from crmkit.analyses.audit.form import load_form, read_answers
from crmkit.core.errors import ParamError, ReportError
from crmkit.data.client import open_client
from crmkit.report.files.forms import write_form

ROOT = Path(__file__).parents[3]


@pytest.fixture
def home(tmp_path):
    for folder in ("params", "notebooks", "data/acme"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "notebooks" / "audit.ipynb").write_bytes((ROOT / "notebooks" / "audit.ipynb").read_bytes())
    settings = {"client": "acme", "title": "ACME", "as_of": "2025-12-31", "source": "data/acme", "language": "zh"}
    (tmp_path / "params" / "acme.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return tmp_path


def rows_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_the_form_goes_out_and_comes_back(home):
    path, book = write_form("acme", home=home)
    assert path == home / "work" / "acme" / "form" / "assessments.csv"
    rows = rows_of(path)
    assert [row["standard_id"] for row in rows] == list(load_form().ids)
    assert {row["cycle"] for row in rows} == {"2025H2"}
    assert rows[0]["standard"] == "响应时间"
    filled = [row | {"rater_id": f"R{i}", "rater_role": role, "intention": "4", "reality": "3", "note": "=1+1"}
              for i, role in enumerate(("manager", "staff")) for row in rows]  # fmt: skip
    with (home / "data" / "acme" / "assessments.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(filled)
    answers = read_answers(open_client("acme", home=home), load_form())
    assert len(answers.now) == 24
    assert set(answers.now["reality"]) == {3}
    sheet = CalamineWorkbook.from_path(book).get_sheet_by_name("assessments").to_python()
    assert sheet[0] == list(rows[0])
    assert [line[3] for line in sheet[1:]] == list(load_form().ids)


def test_the_cycle_is_the_parameter_or_that_of_the_client(home):
    text = (home / "params" / "acme.yml").read_text(encoding="utf-8")
    (home / "params" / "acme.yml").write_text(text + "audit: {cycle: quarter}\n", encoding="utf-8")
    assert rows_of(write_form("acme", home=home)[0])[0]["cycle"] == "2025Q4"
    assert rows_of(write_form("acme", home=home, cycle="2026H1")[0])[0]["cycle"] == "2026H1"
    with pytest.raises(ParamError, match="2025Q4 or 2025H2 is expected"):
        write_form("acme", home=home, cycle="H2")


def test_words_of_the_client_are_no_formulas(home):
    (home / "params" / "acme").mkdir()
    (home / "params" / "acme" / "form.yml").write_text("A1.csat: {ask_zh: '=HYPERLINK(1)'}\n", encoding="utf-8")
    path, book = write_form("acme", home=home)
    assert rows_of(path)[2]["question"] == "'=HYPERLINK(1)"
    assert "'=HYPERLINK(1)" in CalamineWorkbook.from_path(book).get_sheet_by_index(0).to_python()[3]


def test_the_command(home, monkeypatch, capsys):
    monkeypatch.setenv("CRMKIT_HOME", str(home))
    monkeypatch.setattr(sys, "argv", ["crmkit", "form", "acme", "--out", str(home / "sent")])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    assert capsys.readouterr().out.split() == [str(home / "sent" / f"assessments.{kind}") for kind in ("csv", "xlsx")]


def test_a_form_is_found_by_what_its_notebook_says(home):
    """The report layer knows no analysis: another name is another function, and none is no form."""
    path = home / "notebooks" / "audit.ipynb"
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["metadata"]["crmkit"]["form"] == "blank_form"
    content["metadata"]["crmkit"]["form"] = "blankform"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ReportError, match=r"notebooks/audit\.ipynb: its metadata says form 'blankform'"):
        write_form("acme", home=home)
    del content["metadata"]["crmkit"]["form"]
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ParamError, match="no notebook has a form"):
        write_form("acme", home=home)
    assert not (home / "work").exists()
