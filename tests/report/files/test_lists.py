"""Lists of customers: nothing in them is run by a spreadsheet, and all that was there is still there."""

import csv
import io
import zipfile

import pandas as pd
import pytest
import yaml
from python_calamine import CalamineWorkbook

from crmkit.core.errors import DataError
from crmkit.core.language import Locale
from crmkit.core.results import Column, Result, Text
from crmkit.data.client import open_client
from crmkit.report.files.lists import guard, write_list

FORMULAE = [
    '=HYPERLINK("http://x","y")',
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "  =1+1",
    "\t=1+1",
    "\r\n=1+1",
    "\ufeff=1+1",
    "\u200b=1+1",
    "＝1+1",
    "＠SUM(A1)",
    "|cmd|' /C calc'!A0",
    "%0A=1",
    '"=1+1',
    "=cmd|' /C calc'!A0",
]


@pytest.mark.parametrize("text", FORMULAE)
def test_what_a_spreadsheet_would_run_is_a_text(text):
    assert guard(text).startswith("'")
    assert not set("\t\r\n") & set(guard(text))


@pytest.mark.parametrize("value", ["R00017", "Smith & Sons", "a=b", "", 3, -3.5, None, "王伟", "'quoted'"])
def test_everything_else_is_as_it_was(value):
    assert guard(value) == value


def list_of(tmp_path, texts, names=("customer_id", "segment", "clv")):
    table = pd.DataFrame({names[0]: texts, names[1]: texts[::-1], names[2]: range(len(texts))})
    columns = (Column(names[0], "Customer", "customer"), Column(names[1], "=Segment"), Column(names[2], "Value", "money"))
    result = Result("best", "table", Text("Best"), table, columns=columns, customers=True)
    return write_list(table, result, tmp_path, locale=Locale())


def test_no_cell_of_a_file_begins_like_a_formula(tmp_path):
    written, book = list_of(tmp_path, FORMULAE, ("customer_id", "=segment", "clv"))
    rows = list(csv.reader(io.StringIO(written.read_text(encoding="utf-8-sig"))))
    assert len(rows) == 1 + len(FORMULAE)
    assert not [cell for row in rows for cell in row if cell[:1] in set("=+-@\t\r|%＝＠")]
    assert rows[0] == ["customer_id", "'=segment", "clv"]
    with zipfile.ZipFile(book) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in sheet
        assert "hyperlink" not in sheet
        assert not [name for name in parts.namelist() if "externalLink" in name]
    cells = CalamineWorkbook.from_path(str(book)).get_sheet_by_index(0).to_python()
    assert cells[0] == ["Customer", "'=Segment", "Value"]
    assert not [cell for row in cells for cell in row if isinstance(cell, str) and cell[:1] in set("=+-@|%＝＠")]


def test_numbers_stay_numbers(tmp_path):
    _, book = list_of(tmp_path, ["A1", "B2"])
    assert CalamineWorkbook.from_path(str(book)).get_sheet_by_index(0).to_python()[1:] == [["A1", "B2", 0.0], ["B2", "A1", 1.0]]


def test_a_day_is_ten_characters(tmp_path):
    table = pd.DataFrame({"customer_id": ["A1"], "seen": pd.to_datetime(["2025-12-31 10:30"])})
    columns = (Column("customer_id", "Customer", "customer"), Column("seen", "Seen", "date"))
    result = Result("seen", "table", Text("Seen"), table, columns=columns, customers=True)
    _, book = write_list(table, result, tmp_path, locale=Locale())
    assert CalamineWorkbook.from_path(str(book)).get_sheet_by_index(0).to_python()[1] == ["A1", "2025-12-31"]


def test_files_of_rejected_rows_run_nothing_either(tmp_path):
    for folder in ("params", "notebooks", "data/acme"):
        (tmp_path / folder).mkdir(parents=True)
    said = {"client": "acme", "title": "ACME", "source": "data/acme"}
    tables = {"transactions": {"file": "=cmd.csv", "rejects": 0.9}}
    (tmp_path / "params" / "acme.yml").write_text(yaml.safe_dump({**said, "tables": tables}), encoding="utf-8")
    days = ["=HYPERLINK(1)", " @x", "＝1", "+1", "-7", "2024-13-01"]
    rows = ["1,2024-01-01,1", "2,2024-01-02,2", *(f"3,{day},1" for day in days), "4,2024-01-03,-5"]
    (tmp_path / "data" / "acme" / "=cmd.csv").write_text("\n".join(["customer_id,ordered_at,amount", *rows]), encoding="utf-8")
    try:
        open_client("acme", home=tmp_path).close()
    except DataError as err:
        pytest.fail(str(err))
    text = (tmp_path / "work/acme/rejects/transactions.csv").read_text(encoding="utf-8")
    written = list(csv.reader(io.StringIO(text)))[1:]
    assert [row[3] for row in written] == ["'=HYPERLINK(1)", "' @x", "'＝1", "'+1", "-7", "2024-13-01", "-5"]
    assert {row[0] for row in written} == {"'=cmd.csv"}


def test_words_of_the_kit_are_in_the_readers_language(tmp_path):
    table = pd.DataFrame({"customer_id": ["a", "b"], "reason": ["among the most valuable", "of the client's own"]})
    columns = (Column("customer_id", "Customer", "customer"), Column("reason", "Reason", translate=True))
    result = Result("best", "table", Text("Best"), table, columns=columns, customers=True)
    for locale, said in ((Locale("zh"), "价值最高之列"), (Locale("en", revenue=True), "among the largest")):
        _, book = write_list(table, result, tmp_path, locale=locale)
        rows = CalamineWorkbook.from_path(book).get_sheet_by_index(0).to_python()
        assert [row[1] for row in rows[1:]] == [said, "of the client's own"]


def test_the_limits_of_a_value_have_columns_of_their_own_in_a_workbook(tmp_path):
    table = pd.DataFrame({"customer_id": ["a"], "risk": [0.5], "low": [0.25], "high": [0.75], "n": [3]})
    columns = (Column("customer_id", "Customer", "customer"), Column("risk", "Risk", "share", limits=("low", "high")))
    result = Result("x", "table", Text("X"), table, columns=(*columns, Column("n", "N", "count")), customers=True)
    _, book = write_list(table, result, tmp_path, locale=Locale())
    rows = CalamineWorkbook.from_path(book).get_sheet_by_index(0).to_python()
    assert rows == [["Customer", "Risk", "from", "to", "N"], ["a", 0.5, 0.25, 0.75, 3.0]]
