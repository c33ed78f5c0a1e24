"""A short way reads, refuses, counts and says what the long way does, whatever is odd among plain values, and wherever."""

import dataclasses
import datetime as dt
import random
import re
from decimal import Decimal

import pandas as pd
import pytest
import xlsxwriter

from crmkit.core.errors import DataError
from crmkit.core.language import Locale, say
from crmkit.core.settings import TableSettings
from crmkit.data.intake import plain
from crmkit.data.intake import table as intake
from crmkit.data.intake.parse import reading
from crmkit.data.intake.phrases import set_zone
from crmkit.data.sources import workbook
from crmkit.data.sources.engine import connect, disconnect, literal, query, to_frame
from crmkit.data.tables import Column, TableContract

HEADERS = ("customer_id", "ordered_at", "amount", "order_id", "product", "is_return")
ODD = {
    "customer_id": (
        " C1 ",
        "'007",
        "7.0",
        "1.38E+10",
        "Ada@Example.com",
        "null",
        "Total",
        "sum5",
        "",
        "guest",
        "0",
        "C1\u200b",
    ),
    "ordered_at": (
        *("2024-02-31", "31.12.2023", "2024/01/02", "n/a", "", "2023-01-05 10:00", "epoch", "1899-12-31", "20240105"),
        *("2024-1-5", " 2024-01-05", "Jan 5, 2024", "2101-01-01"),
    ),
    "amount": (
        *("n/a", "1,234.50", "12,5", "$5", "(5.00)", "-3", "007", "1e3", "", "1.234", "99999999999999999", " 7", "+5", "1'000"),
        *("5 €", "0", "-0.00", "12.123456789"),
    ),
    "order_id": (" O1", "total", "", "-", "'5", "n/a", "5.0"),
    "product": (" tea ", "Total", "", "'5", "n/a", "合计"),
    "is_return": ("yes", "x", "maybe", "", " True", "1", "n/a"),
}


@pytest.fixture(scope="module")
def engine():
    con, _ = connect()
    set_zone(con, "UTC")
    yield con
    disconnect(con)


def drawn(seed):
    """Rows of plain values, and among them up to three odd ones: in the last row first, for there they are easily missed."""
    chance = random.Random(seed)
    rows = [
        [
            f"C{chance.randrange(9):04d}",
            f"2023-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}",
            f"{chance.randrange(1, 9000) / 100:.2f}",
            f"O-{at // 2}",
            chance.choice(["Tea", "Coffee, black", "茶"]),
            chance.choice(["True", "False"]),
        ]
        for at in range(40)
    ]
    for at in range(chance.randrange(1, 4)):
        column = chance.randrange(len(HEADERS))
        place = -1 if at == 0 else chance.randrange(len(rows))
        rows[place][column] = chance.choice(ODD[HEADERS[column]])
    if chance.random() < 0.2:
        # a column without any value
        empty = chance.choice([3, 4, 5])
        rows = [[*row[:empty], "", *row[empty + 1 :]] for row in rows]
    if chance.random() < 0.3:
        rows.append(list(chance.choice(rows)))
    if chance.random() < 0.2:
        rows.insert(chance.randrange(len(rows)), list(HEADERS))
    if chance.random() < 0.2:
        rows.append(["Total", "", "99.00", "", "", ""])
    return rows


def write(project, rows, *, kind):
    """The rows as a file of texts, or as a sheet in which amounts are numbers where they can be."""
    project.params(as_of="2024-12-31", tables={"transactions": {"file": f"transactions.{kind}", "rejects": 0.9}})
    if kind == "csv":
        lines = [",".join('"' + field.replace('"', '""') + '"' if field else "" for field in row) for row in (HEADERS, *rows)]
        project.write("transactions.csv", "\n".join(lines) + "\n")
        return
    if kind == "parquet":
        texts = [[field or None for field in row] for row in rows]
        pd.DataFrame(texts, columns=HEADERS).to_parquet(project.folder / "transactions.parquet")
        return
    with xlsxwriter.Workbook(project.folder / "transactions.xlsx") as book:
        sheet = book.add_worksheet()
        for at, row in enumerate((HEADERS, *rows)):
            for column, field in enumerate(row):
                number = at and column == 2 and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", field)
                sheet.write(at, column, float(field) if number else field)


def everything(project):
    """All that is known after opening: rows, intake with its notes, rows that were not kept; or why it was refused."""
    path = project.home / "work" / "acme" / "rejects" / "transactions.csv"
    path.unlink(missing_ok=True)
    try:
        with project.open() as client:
            rows = to_frame(client.tables["transactions"]).to_csv()
            said = [dataclasses.replace(one, notes=tuple(say(note, Locale()) for note in one.notes)) for one in client.intake]
    except DataError as err:
        rows, said = "", [str(err)]
    return rows, said, path.read_text(encoding="utf-8") if path.exists() else ""


def read_the_long_way(con, relation, *_, **__):
    return plain.Look(query(con, f"SELECT count(*) FROM {relation}")[0][0])


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
@pytest.mark.parametrize("seed", range(5))
def test_the_short_ways_change_nothing(project, monkeypatch, seed, kind):
    write(project, drawn(seed), kind=kind)
    short = everything(project)
    with monkeypatch.context() as patched:
        patched.setattr(plain, "APART_FROM", 0)
        assert everything(project) == short
    monkeypatch.setattr(intake, "look_at", read_the_long_way)
    monkeypatch.setattr(workbook, "columns_of", lambda *_, **__: None)
    assert everything(project) == short


@pytest.mark.parametrize(("column", "value"), [(column, value) for column, values in ODD.items() for value in values])
def test_an_odd_value_in_the_last_row_is_seen(engine, column, value):
    kind = {"ordered_at": "date", "amount": "money", "product": "text", "is_return": "boolean"}.get(column, "id")
    rows = {"date": "2024-01-05", "money": "12.50", "text": "Tea", "boolean": "True", "id": "C1"}
    texts = [rows[kind]] * 3 + [value]
    query(engine, f"CREATE OR REPLACE TABLE found AS SELECT unnest([{', '.join(map(literal, texts))}]) AS x")
    contract = TableContract({"x": Column(kind)})
    look = plain.look_at(engine, "found", {"x": "VARCHAR"}, contract=contract, settings=TableSettings())
    fits = re.fullmatch(plain.PATTERNS[kind], value) is not None and value != "2024-02-31"
    assert look.plain("x") is fits
    assert look.rows == 4


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        ("id", ["1", "C-1", "INV-5", "SO1234", "007", "a3f5-b", "1e5", "-1"]),
        ("date", ["1900-01-01", "2024-02-29", "2099-12-31"]),
        ("timestamp", ["2024-02-29", "2024-02-29 23:59", "1999-12-31 00:00:01"]),
        (
            "money",
            [
                "0",
                "-0",
                "12",
                "-12.5",
                "1234.567",
                "1.2345",
                "0.123456789",
                "9999999999999",
                "\x1f7",
                "\x1f-0.3000000000000004",
            ],
        ),
        ("integer", ["0", "-7", "9999999999999", "\x1f12"]),
        ("boolean", ["True", "0", "FALSE", "1"]),
        ("text", ["Tea", "a", "茶", "a  b", "5'"]),
    ],
)
def test_a_plain_text_is_read_as_the_long_way_reads_it(engine, kind, texts):
    for text in texts:
        x = literal(text)
        both = f"{plain.plain_reading(x, kind)} IS NOT DISTINCT FROM {reading(x, kind=kind, found='VARCHAR')}"
        assert query(engine, f"SELECT {plain.is_plain(x, kind)}, {both}") == [(True, True)], text


@pytest.mark.parametrize(
    "text", ["total", "sum5", "Total 2024", "SUMA2", "insgesamt", "razem5", "celkem1", "null", "n/a", "合计", "7.0", "a@b.c"]
)
def test_what_may_be_a_total_or_nothing_is_no_plain_id(engine, text):
    assert query(engine, f"SELECT {plain.is_plain(literal(text), 'id')}") == [(False,)]


def test_columns_of_which_more_was_declared_have_no_plain_form(engine):
    query(engine, "CREATE OR REPLACE TABLE found AS SELECT '2024-01-05' AS day, '12' AS amount, 'a' AS word")
    contract = TableContract({"day": Column("date"), "amount": Column("money"), "word": Column("text")})
    settings = TableSettings(date_format="%Y-%d-%m", decimal=",", values={"word": {"a": "b"}})
    look = plain.look_at(engine, "found", dict.fromkeys(contract.columns, "VARCHAR"), contract=contract, settings=settings)
    assert not any(map(look.plain, contract.columns))


def test_the_number_of_a_row_is_that_of_its_line_in_a_large_file(project):
    rows = [f"C1,2024-01-{at % 28 + 1:02d},{at}.5,O{at}" for at in range(300_000)]
    rows[250_000] = "C1,2024-02-31,1.5,Ox"
    project.table(rejects=0.5)
    project.write("transactions.csv", "\n".join(["customer_id,ordered_at,amount,order_id", *rows]) + "\n")
    client = project.open(as_of="2024-12-31")
    (rejected,) = (project.home / "work" / "acme" / "rejects" / "transactions.csv").read_text().splitlines()[1:]
    assert rejected.startswith("transactions.csv,250002,ordered_at,2024-02-31")
    assert query(client.con, "SELECT count(*), sum(amount), max(ordered_at) FROM transactions") == [
        (299_999, Decimal(sum(range(300_000)) - 250_000) + Decimal("0.5") * 299_999, dt.date(2024, 1, 28))
    ]


def test_columns_without_any_value_need_no_reading(project):
    project.params(as_of="2024-12-31")
    project.write("subscriptions.csv", "customer_id,started_at,ended_at,mrr,tenure\nC1,2024-01-05,,,\nC2,2024-02-05,,,\n")
    client = project.open()
    assert query(client.con, "SELECT count(*), count(ended_at), count(mrr), count(tenure) FROM subscriptions") == [(2, 0, 0, 0)]


def test_an_error_in_the_last_row_of_a_sheet_is_seen(project):
    project.params(as_of="2024-12-31")
    with xlsxwriter.Workbook(project.folder / "transactions.xlsx") as book:
        sheet = book.add_worksheet()
        for at, row in enumerate((HEADERS, *drawn(0)[:-3])):
            sheet.write_row(at, 0, row)
        sheet.write_row(at + 2, 0, ["C1", "2024-01-05", 5, "O-99", "", "True"])
        sheet.write_formula(at + 2, 4, "=NA()", None, "#N/A")
    client = project.open()
    assert query(client.con, "SELECT product, amount FROM transactions WHERE order_id = 'O-99'") == [(None, Decimal(-5))]
    assert any(
        say(note, Locale()).endswith("errors such as #N/A in product count as empty; cells: 1")
        for note in client.intake[0].notes
    )
    with xlsxwriter.Workbook(project.folder / "transactions.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADERS)
        sheet.write_row(1, 0, ["C1", "2024-01-05", 5, "O-99", "Tea", "True"])
        sheet.write_row(2, 0, ["C1", "2024-01-05", 5, "O-98", "Tea", "True"])
        sheet.write_formula(2, 2, "=2+3", None, "")
    with pytest.raises(DataError, match="of which no value is kept"):
        project.open()


@pytest.mark.parametrize("number", [12.5, 100.0, 0.0, -0.0, 0.1 + 0.2, 1e-5, 1e16, 123456789.125, -7.0, 999_999_999.0])
def test_numbers_of_a_sheet_are_written_alike_one_by_one_and_all_at_once(number):
    numbers = [1.25, number]
    (text,) = workbook._string_array(numbers).to_pylist()[1:]
    assert text == workbook._text(number)


@pytest.mark.parametrize("before", range(5))
@pytest.mark.parametrize("mark", [b"<f", b":f", b'="e"', b"='e'"])
def test_a_mark_is_found_wherever_it_stands(mark, before):
    assert workbook._holds(b"x" * before + mark, mark)
    assert workbook._holds(b"x" * before + mark + b"<v>", mark)
    assert not workbook._holds(b"x" * before + mark[:-1] + b"x" + mark[-1:], mark)
    assert not workbook._holds(mark[1:], mark)


def test_rows_of_the_second_of_two_workbooks_keep_their_numbers(project):
    project.params(as_of="2024-12-31", tables={"transactions": {"file": "part*.xlsx", "rejects": 0.5}})
    for part, days in (("part1", ["2024-01-05"] * 3), ("part2", ["2024-01-06", "", "2024-02-31", "2024-01-07"])):
        with xlsxwriter.Workbook(project.folder / f"{part}.xlsx") as book:
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, HEADERS)
            for at, day in enumerate(days, start=1):
                if day:
                    sheet.write_row(at, 0, [f"C{at}", day, 5, f"{part}-{at}", "Tea", "False"])
    client = project.open()
    assert query(client.con, "SELECT count(*) FROM transactions") == [(5,)]
    lines = (project.home / "work" / "acme" / "rejects" / "transactions.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[:4] for line in lines[1:]] == [["part2.xlsx", "4", "ordered_at", "2024-02-31"]]
