"""Whatever line breaks stand inside fields, every row comes in once and every text as it was written."""

import csv
import io
import tempfile
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmkit.core.settings import TableSettings
from crmkit.data.intake.headers import match_columns
from crmkit.data.sources.engine import connect, disconnect, query
from crmkit.data.sources.readers import read_files
from crmkit.data.tables import TABLES

HEADERS = ["response_id", "item_id", "score", "comment"]
BREAKS = ("\n", "\r\n", "\r")
TEXTS = st.lists(st.sampled_from(["a", "é", "客户", '"', ",", " x ", *BREAKS]), max_size=5).map("".join)


@pytest.fixture(scope="module")
def engine():
    con, spill = connect()
    yield con, spill
    disconnect(con)


def match(headers, where):
    return match_columns(headers, contract=TABLES["surveys"], settings=TableSettings(), where=where, params="params")


def read(engine, path, **said):
    con, spill = engine
    raw = read_files(con, "surveys", [path], settings=TableSettings(**said), match=match, spill=spill)
    return query(con, f"SELECT __row, response_id, coalesce(comment, '') FROM {raw.relation} ORDER BY __row")


def as_csv(comments, *, line_end, blanks):
    """A file, and the rows that it holds: number as a spreadsheet counts, id, comment."""
    out, expected, number = io.StringIO(), [], 1
    writer = csv.writer(out, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerow(HEADERS)
    for at, comment in enumerate(comments):
        if at in blanks:
            out.write(line_end)
            number += 1
        number += 1
        writer.writerow([f"r{at}", "csat", 5, comment])
        expected.append((number, f"r{at}", comment))
    return out.getvalue().encode(), expected


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    comments=st.lists(TEXTS, min_size=1, max_size=6),
    line_end=st.sampled_from(BREAKS),
    blanks=st.sets(st.integers(0, 5), max_size=2),
)
def test_text_files(engine, comments, line_end, blanks):
    content, expected = as_csv(comments, line_end=line_end, blanks=blanks)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "surveys.csv"
        path.write_bytes(content)
        assert read(engine, path) == expected


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(comments=st.lists(TEXTS, min_size=1, max_size=4), blank=st.integers(0, 4))
def test_workbooks(engine, comments, blank):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "surveys.xlsx"
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, HEADERS)
            rows = [number + 2 + (number >= blank) for number in range(len(comments))]
            for row, comment in zip(rows, comments, strict=True):
                sheet.write_row(row - 1, 0, [f"r{row}", "csat", 5])
                sheet.write_string(row - 1, 3, comment)
        assert read(engine, path) == [(row, f"r{row}", comment) for row, comment in zip(rows, comments, strict=True)]


@pytest.mark.parametrize("inside", BREAKS)
@pytest.mark.parametrize("line_end", BREAKS)
@pytest.mark.parametrize("position", [0, 1, 2])
def test_each_break_in_each_row(engine, tmp_path, inside, line_end, position):
    comments = [f"one{inside}two" if at == position else "plain" for at in range(3)]
    for blanks in (set(), {0}, {2}):
        content, expected = as_csv(comments, line_end=line_end, blanks=blanks)
        path = tmp_path / "surveys.csv"
        path.write_bytes(content)
        assert read(engine, path) == expected


@pytest.mark.parametrize("quote", ['"', ""])
def test_a_field_of_three_million_letters(engine, tmp_path, quote):
    path = tmp_path / "surveys.csv"
    path.write_text(f"response_id,item_id,score,comment\n1,csat,5,{quote}{'x' * 3_000_000}{quote}\n2,csat,4,short\n")
    assert [(row, len(text)) for row, _, text in read(engine, path)] == [(2, 3_000_000), (3, 5)]
