"""What a notebook opens and shows: the client as any other door opens it, and values that nobody can change afterwards."""

from dataclasses import FrozenInstanceError

import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from crmkit.core.language import Locale
from crmkit.core.results import Result, Text, estimates, not_assessed
from crmkit.report.exhibits import exhibit_record, kept_record
from crmkit.report.folders import read_json
from crmkit.report.page.page import Shown, _boxes, open_client, open_page
from crmkit.report.params.notebooks import read_notebook
from finished import plain_table


def test_what_is_refused_goes_where_it_is_asked_to(tiny_home, tmp_path):
    folder = tiny_home / "data" / "acme"
    folder.mkdir(parents=True)
    rows = pd.DataFrame({"customer_id": [f"C{n}" for n in range(50)], "ordered_at": "2025-03-01", "amount": ["x", *["5"] * 49]})
    rows.to_csv(folder / "transactions.csv", index=False)
    path = tiny_home / "params" / "acme.yml"
    path.write_text(path.read_text() + "tables:\n  transactions: {rejects: 0.05}\n", encoding="utf-8")
    with open_client("acme", home=tiny_home, rejects=tmp_path / "refused"):
        assert (tmp_path / "refused" / "transactions.csv").is_file()


def test_what_is_shown_stays_as_it_is():
    shown = Shown("<p>1</p>", "1")
    with pytest.raises(FrozenInstanceError):
        shown.text = "2"


def test_an_exhibit_is_recorded_with_its_kind_its_title_and_why_it_is_missing():
    missing = not_assessed("orders", Text("Orders by day"), Text("needs orders"))
    assert exhibit_record(missing, Locale()) == {
        "name": "orders",
        "kind": missing.kind,
        "title": "Orders by day",
        "assessed": False,
        "reason": "needs orders",
    }
    assert missing.kind != "Orders by day"


def test_a_table_is_recorded_with_its_rows_and_the_numbers_of_those_that_have_a_name():
    numbers = {"value": [0.5, float("nan")], "low": [0.4, float("nan")], "high": [0.6, float("nan")], "n": [40.0, 3.0]}
    table = pd.DataFrame({"indicator": ["P-A", "P-B"], "group": ["x", "x"], **numbers})
    named = {"rows": 2, "by": {"P-A": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 40.0}}}
    assert kept_record(table, customers=False) == named
    assert kept_record(table, customers=True) == {"rows": 2}  # a row of a list is a customer
    assert kept_record(table.drop(columns="n"), customers=False) == {"rows": 2}
    assert kept_record(table.drop(columns="indicator"), customers=False) == {"rows": 2}  # two rows of one name
    assert kept_record(table.drop(columns="indicator").assign(measure=["a", "b"]), customers=False)["by"].keys() == {"a"}


def test_a_run_by_papermill_alone_is_kept_with_its_analysis_and_its_question(tiny_home, monkeypatch):
    folder = tiny_home / "data" / "acme"
    folder.mkdir(parents=True)
    (folder / "transactions.csv").write_text("customer_id,ordered_at,amount\nA,2025-03-01,5\n", encoding="utf-8")
    monkeypatch.setattr("crmkit.report.page.page.run_by_program", lambda: True)
    with open_client("acme", home=tiny_home) as company:
        open_page("tiny", company, {"horizon_days": 180}).publish()
    (kept,) = tiny_home.glob("reports/acme/*/runs/*/tiny/run.json")
    record = read_json(kept)
    question = read_notebook("tiny", home=tiny_home).question
    assert [record[name] for name in ("client", "analysis", "question", "status")] == ["acme", "tiny", question, "ok"]
    assert question not in ("", "tiny")


@pytest.mark.parametrize("lists", ["pseudonym", "ids"])
def test_a_workbook_names_customers_as_the_client_wants_it(tiny_home, monkeypatch, lists):
    """Of lists that are shown and of those that are only kept; results never hold an id."""
    folder = tiny_home / "data" / "acme"
    folder.mkdir(parents=True)
    (folder / "transactions.csv").write_text("customer_id,ordered_at,amount\nSECRET0,2025-03-01,5\n", encoding="utf-8")
    path = tiny_home / "params" / "acme.yml"
    path.write_text(f"{path.read_text()}privacy: {{lists: {lists}}}\n", encoding="utf-8")
    monkeypatch.setattr("crmkit.report.page.page.run_by_program", lambda: True)
    with open_client("acme", home=tiny_home) as company:
        page = open_page("tiny", company, {"horizon_days": 180})
        page.show(plain_table("shown", 3, customers=True))
        page.keep(plain_table("kept", 3, customers=True))
        page.publish()
    (run,) = tiny_home.glob("reports/acme/*/runs/*/tiny")
    for name in ("shown", "kept"):
        rows = CalamineWorkbook.from_path(str(run / "lists" / f"{name}.xlsx")).get_sheet_by_index(0).to_python()
        assert any("SECRET" in str(cell) for row in rows for cell in row) == (lists == "ids")
        assert not pd.read_parquet(run / "results" / f"{name}.parquet")["customer_id"].str.contains("SECRET").any()


def test_boxes_that_lead_are_recorded_first():
    rows = [{"group": name, "measure": name, "value": 1.0, "n": 9, "unit": "count", "method": "count"} for name in "abc"]
    table = estimates(rows)
    table.attrs["lead"] = ("c", "a")
    found = _boxes(Result("x", "values", Text("X"), table), Locale())
    assert [one["key"] for one in found] == ["c", "a", "b"]
