"""Opening a client: what comes in, what is refused with which words, and that nothing is lost on the way."""

import datetime as dt
import gc
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import duckdb
import pandas as pd
import pytest

import crmkit
from crmkit.core.errors import DataError, ParamError
from crmkit.core.language import Locale, say
from crmkit.data import client as client_module
from crmkit.data.intake.plain import APART_FROM
from crmkit.data.sources.engine import to_frame
from crmkit.data.tables import TABLES

GOOD = "customer_id,ordered_at,amount\n007,2024-01-05,10.50\n8,2024-01-06,20\n"
REJECTS = "every such row is in work/acme/rejects/transactions.csv"
PARAMS = "params/acme.yml, tables.transactions"


def said(intake):
    return tuple(say(note, Locale()) for note in intake.notes)


def rows(client, table: str = "transactions") -> list[tuple[Any, ...]]:
    frame = to_frame(client.tables[table])
    return [tuple(row) for row in frame.assign(**_texts(frame)).itertuples(index=False)]


def _texts(frame: pd.DataFrame) -> dict[str, Any]:
    return {name: frame[name].dt.strftime("%Y-%m-%d") for name in frame.select_dtypes("datetime")}


def refused(project, **keys) -> list[str]:
    with pytest.raises(DataError) as caught:
        project.open(**keys)
    # a sentence that ends with a question needs no full stop; whether it has one is not what is tested here
    return [problem.replace("?.", "?") for problem in caught.value.shown]


# what comes in


def test_plain_file(project):
    project.write("transactions.csv", GOOD)
    client = project.open()
    assert rows(client) == [("007", "2024-01-05", 10.5, False), ("8", "2024-01-06", 20.0, False)]
    assert rows(client, "customers") == [("007", "2024-01-05"), ("8", "2024-01-06")]
    assert client.as_of == dt.date(2024, 1, 6)
    assert [table.table for table in client.intake] == ["transactions", "customers"]
    intake = client.intake[0]
    assert (intake.rows_read, intake.rows_kept, intake.rows_set_aside) == (2, 2, {})
    assert (intake.encoding, intake.separator, intake.decimal, intake.date_form) == ("utf-8", ",", ".", "yyyy-mm-dd")


def test_types_are_those_of_the_contract(project):
    project.write("transactions.csv", GOOD)
    found = {name: str(kind) for name, kind in project.open().tables["transactions"].schema().items()}
    assert found == {"customer_id": "string", "ordered_at": "date", "amount": "decimal(18, 4)", "is_return": "boolean"}


def test_open_client_is_offered_by_the_package(project):
    project.write("transactions.csv", GOOD)
    with crmkit.open_client("acme", home=project.home, language="zh") as client:
        assert (client.name, client.title, client.language, client.currency) == ("acme", "ACME", "zh", "EUR")
        assert client.key() == client.key()


def test_language_is_refused_by_name(project):
    project.write("transactions.csv", GOOD)
    with pytest.raises(ParamError, match=r"language: is 'de'; there are 'en', 'zh'\."):
        project.open(language="de")


def test_declared_columns_and_unmapped_headers(project):
    project.write("orders.csv", "Kundennr;Datum;Betrag;Notiz\n007;05.01.2024;1.234,50;x\n8;06.01.2024;12,5;y\n")
    project.table(file="orders.csv", columns={"customer_id": "Kundennr", "ordered_at": "Datum", "amount": "Betrag"})
    client = project.open()
    assert rows(client) == [("007", "2024-01-05", 1234.5, False), ("8", "2024-01-06", 12.5, False)]
    intake = client.intake[0]
    assert intake.unmapped == ("Notiz",)
    assert intake.columns == {"customer_id": "Kundennr", "ordered_at": "Datum", "amount": "Betrag"}
    assert (intake.separator, intake.decimal, intake.date_form) == (";", ",", "dd.mm.yyyy")


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-8-sig"])
def test_chinese_file(project, encoding):
    text = "客户编号,日期,金额\n客户甲,2024年3月5日,￥1,234\n𠮷野,2024年12月5日,（５０）\n".replace("￥1,234", '"￥1,234.00"')
    project.write("订单.csv", text, encoding=encoding)
    project.params(
        currency="CNY",
        tables={
            "transactions": {
                "file": "订单.csv",
                "columns": {"customer_id": "客户编号", "ordered_at": "日期", "amount": "金额"},
                "negative_amounts": "returns",
            }
        },
    )
    client = project.open()
    assert rows(client) == [("客户甲", "2024-03-05", 1234.0, False), ("𠮷野", "2024-12-05", -50.0, True)]
    assert client.intake[0].encoding == encoding.removesuffix("-sig") + ("-sig" if encoding.endswith("-sig") else "")
    guess = ("订单.csv: the encoding gb18030 is a guess",) if encoding == "gb18030" else ()
    assert said(client.intake[0])[:-1] == guess


def test_timestamps_are_cut_in_the_clients_time_zone(project):
    project.write(
        "transactions.csv",
        "customer_id,ordered_at,amount\na,2024-01-05T23:30:00Z,1\nb,2024-01-05 23:30:00,1\nc,2024-01-05,1\n"
        "d,2024-01-06 07:30+0800,1\n",
    )
    project.params(timezone="Asia/Shanghai")
    assert [row[1] for row in rows(project.open())] == ["2024-01-06", "2024-01-05", "2024-01-05", "2024-01-06"]


def test_hostile_names(project):
    header = 'a"; drop table x; --'
    quoted = header.replace('"', '""')
    project.write('it\'s "here".csv', f'"{quoted}",ordered_at,amount\n"x\'; drop table y",2024-01-05,1\n')
    project.table(file='it\'s "here".csv', columns={"customer_id": header})
    client = project.open()
    assert rows(client) == [("x'; drop table y", "2024-01-05", 1.0, False)]
    assert client.intake[0].columns["customer_id"] == header


def test_header_like_ours_but_for_case(project):
    project.write("Transactions.CSV", "Customer_ID, ORDERED_AT ,Amount\n1,2024-01-05,1\n")
    assert rows(project.open()) == [("1", "2024-01-05", 1.0, False)]


def test_several_files_of_one_table(project):
    project.write("orders_2023.csv", "customer_id,ordered_at,amount\n1,2023-01-05,1\n")
    project.write("orders_2024.csv", "amount;customer_id;ordered_at\n2;1;2024-01-05\n")
    project.table(file="orders_*.csv")
    client = project.open()
    assert [row[1:3] for row in rows(client)] == [("2023-01-05", 1.0), ("2024-01-05", 2.0)]
    assert client.intake[0].files == ("orders_2023.csv", "orders_2024.csv")


@pytest.mark.parametrize(("times", "held"), [(1, ["kept_transactions"]), (APART_FROM // 2, [])])
def test_parquet_of_many_rows_stays_where_it_is(project, times, held):
    frame = pd.DataFrame(
        {"customer_id": [7, 8], "ordered_at": pd.to_datetime(["2024-01-05 10:00", "2024-01-06 23:00"]), "amount": [0.1, 0.2]}
    )
    frame.loc[frame.index.repeat(times)].to_parquet(project.folder / "transactions.parquet")
    client = project.open()
    assert set(rows(client)) == {("7", "2024-01-05", 0.1, False), ("8", "2024-01-06", 0.2, False)}
    found = client.con.con.execute("SELECT table_name FROM duckdb_tables() WHERE estimated_size > 0").fetchall()
    assert [name for (name,) in found] == held


def test_parquet_with_offset(project):
    days = pd.to_datetime(["2024-01-05 23:30"]).tz_localize("UTC")
    pd.DataFrame({"customer_id": ["a"], "ordered_at": days, "amount": [1]}).to_parquet(project.folder / "transactions.parquet")
    project.params(timezone="Asia/Shanghai")
    assert rows(project.open()) == [("a", "2024-01-06", 1.0, False)]


@pytest.mark.parametrize("source", ["data/acme/crm.duckdb", "duckdb:///data/acme/crm.duckdb"])
def test_duckdb_file(project, source):
    with duckdb.connect(str(project.folder / "crm.duckdb")) as con:
        con.execute("CREATE TABLE transactions AS SELECT '007' customer_id, DATE '2024-01-05' ordered_at, 1.5 amount")
        con.execute("CREATE VIEW customers AS SELECT 7.0::DOUBLE customer_id, 'north' region")
    project.params(source=source)
    client = project.open()
    assert rows(client) == [("007", "2024-01-05", 1.5, False)]
    assert rows(client, "customers") == [("7", "north")]


def test_workbook(project):
    frame = pd.DataFrame(
        {
            "customer_id": ["007", 8],
            "ordered_at": [dt.datetime(2024, 1, 5, 10), 45297],
            "amount": [1234.5, "1.000,25"],
        }
    )
    frame.to_excel(project.folder / "transactions.xlsx", index=False, engine="xlsxwriter")
    assert rows(project.open()) == [("007", "2024-01-05", 1234.5, False), ("8", "2024-01-06", 1000.25, False)]


def test_lines_that_hold_nothing_are_set_aside_and_counted(project, rejected):
    project.write(
        "transactions.csv",
        "customer_id,ordered_at,amount\n1,2024-01-05,1\n\ncustomer_id,ordered_at,amount\n,,\n2,2024-01-06,2\n合计,,3\n",
    )
    client = project.open()
    assert [row[0] for row in rows(client)] == ["1", "2"]
    intake = client.intake[0]
    assert (intake.rows_read, intake.rows_kept, intake.rows_rejected) == (5, 2, 0)
    assert intake.rows_set_aside == {"empty line": 1, "line of totals": 1, "repeated header line": 1}
    assert rejected() == [
        "file,row,column,value,reason",
        "transactions.csv,4,,customer_id,repeated header line",
        "transactions.csv,5,,,empty line",
        "transactions.csv,7,,合计,line of totals",
    ]


@pytest.mark.parametrize("word", ["合计", "总计", "Total", "Summe", "GESAMT", "Grand total:"])
def test_words_for_totals(project, word):
    project.write("transactions.csv", f"no,customer_id,ordered_at,amount\n1,a,2024-01-05,1\n{word},,,1\n")
    assert project.open().intake[0].rows_set_aside == {"line of totals": 1}


@pytest.mark.parametrize("word", ["Total", "Итого", "Totaal", "Suma", "Total 2025", "总 计", "Grand Totals (30 records)"])
def test_a_line_of_totals_may_have_a_date(project, word):
    project.write("transactions.csv", f"{GOOD}{word},2024-01-06,30\n")
    client = project.open()
    assert [row[0] for row in rows(client)] == ["007", "8"]
    assert client.intake[0].rows_set_aside == {"line of totals": 1}


def test_returns_are_below_zero_whichever_way_they_were_exported(project):
    project.write(
        "transactions.csv",
        "customer_id,ordered_at,amount,is_return\n1,2024-01-05,10,no\n1,2024-01-06,4,yes\n1,2024-01-07,-3,1\n",
    )
    assert [row[2:] for row in rows(project.open())] == [(10.0, False), (-4.0, True), (-3.0, True)]


# as_of


def test_rows_after_as_of_are_left_out_and_counted(project):
    project.write("transactions.csv", GOOD + "9,2024-01-07,1\n")
    project.params(as_of="2024-01-06")
    intake = project.open().intake[0]
    assert (intake.rows_read, intake.rows_kept, intake.rows_after_as_of) == (3, 2, 1)
    assert project.open(as_of="2024-01-07").intake[0].rows_after_as_of == 0


def test_most_rows_after_as_of(project):
    project.write("transactions.csv", GOOD + "9,2024-01-07,1\n")
    assert refused(project, as_of="2024-01-05") == [
        "transactions: has 2 of 3 rows after as_of 2024-01-05; no more than half may be left out; set a later as_of."
    ]


def test_a_table_that_was_begun_late_does_not_forbid_an_earlier_day(project):
    project.write("transactions.csv", GOOD)
    project.write("interactions.csv", "customer_id,occurred_at\n1,2024-01-06\n1,2024-01-07\n1,2024-01-08\n")
    client = project.open(as_of="2024-01-06")
    assert {one.table: one.rows_after_as_of for one in client.intake} == {"transactions": 0, "interactions": 2, "customers": 0}
    assert "interactions" not in project.open(as_of="2024-01-05").tables


def test_today_is_never_the_last_day(project, monkeypatch):
    project.write("transactions.csv", GOOD)
    monkeypatch.setattr(client_module, "_today", lambda timezone: dt.date(2024, 1, 6))
    client = project.open()
    assert (client.as_of, client.intake[0].rows_after_as_of) == (dt.date(2024, 1, 5), 1)
    assert said(client.intake[0]) == (
        "as_of 5 Jan 2024 was found, not declared: the last day before today on which anything happened",
    )
    monkeypatch.setattr(client_module, "_today", lambda timezone: dt.date(2024, 1, 5))
    assert refused(project) == ["as_of: transactions have no day before today, 2024-01-05; set as_of in the params file"]


def test_the_last_day_is_that_of_any_event(project, monkeypatch):
    monkeypatch.setattr(client_module, "_today", lambda timezone: dt.date(2024, 1, 15))
    project.write(
        "subscriptions.csv",
        "customer_id,started_at,ended_at\nA,2023-01-01,2023-12-31\nB,2023-02-01,2023-11-30\nC,2023-02-01,2024-03-31\n",
    )
    client = project.open()
    assert client.as_of == dt.date(2023, 12, 31)
    ended = to_frame(client.tables["subscriptions"]).sort_values("customer_id")["ended_at"]
    assert ended.isna().tolist() == [False, False, True]
    project.write(
        "tickets.csv",
        "ticket_id,customer_id,opened_at,first_response_at,resolved_at\n"
        "1,A,2024-01-02 08:00:00,2024-01-03 12:15:36,2024-01-03 10:05:38\n"
        "2,B,2024-01-02 08:00:00,2024-01-04 10:00:00,2024-01-05 12:05:38\n",
    )
    client = project.open()
    assert client.as_of == dt.date(2024, 1, 5)
    assert to_frame(client.tables["tickets"])["resolved_at"].notna().all()
    tickets = next(one for one in client.intake if one.table == "tickets")
    assert said(tickets) == ("1 ticket was solved before its first answer; both times count as they are",)


def test_a_day_to_come_is_refused(project, monkeypatch):
    project.write("transactions.csv", GOOD)
    monkeypatch.setattr(client_module, "_today", lambda timezone: dt.date(2024, 1, 15))
    for params, keys in (({}, {"as_of": "2024-01-16"}), ({"as_of": "2024-01-16"}, {})):
        project.params(**params)
        with pytest.raises(ParamError) as caught:
            project.open(**keys)
        assert list(caught.value.shown) == [
            "as_of: is 2024-01-16, which is after today, 2024-01-15; nothing is known of a day to come."
        ]
    project.params()
    assert project.open(as_of="2024-01-15").as_of == dt.date(2024, 1, 15)


def test_an_export_that_ends_early_or_has_a_gap(project):
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=n) for n in range(90)]
    lines = [f"C{day.day},{day},5\n" for day in days for _ in range(3)]
    project.write("transactions.csv", "customer_id,ordered_at,amount\n" + "".join(lines))
    assert said(project.open(as_of="2024-04-30").intake[0]) == ()
    assert said(project.open(as_of="2024-05-05").intake[0]) == (
        "the newest row lies 36 days before as_of 5 May 2024: is the export complete?",
    )
    lines = [line for line in lines if not "2024-02-01" <= line.split(",")[1] <= "2024-02-29"]
    project.write("transactions.csv", "customer_id,ordered_at,amount\n" + "".join(lines))
    assert said(project.open(as_of="2024-03-31").intake[0]) == (
        "1 gap without any row, the longest of 29 days, 1 Feb 2024 to 29 Feb 2024: is a part of the export missing?",
    )


def test_fingerprint_changes_with_content_settings_and_day(project):
    path = project.write("transactions.csv", GOOD)
    prints = [project.open().fingerprint, project.open().fingerprint]
    prints.append(project.open(as_of="2024-01-05").fingerprint)
    project.table(dayfirst=True)
    prints.append(project.open().fingerprint)
    path.write_text(GOOD.replace("20\n", "21\n"))
    prints.append(project.open().fingerprint)
    assert prints[0] == prints[1]
    assert len(set(prints)) == 4


# what is refused, and with which words


def test_missing_file(project):
    project.write("order.csv", GOOD)
    project.table(file="orders.csv")
    assert refused(project) == ["transactions: there is no file 'orders.csv' in data/acme; did you mean 'order.csv'?"]


def test_no_table_at_all(project):
    project.write("transaction.csv", GOOD)
    assert refused(project) == [
        f"params/acme.yml, source: holds no table that is known: {', '.join(TABLES)}; declare tables;"
        " did you mean 'transaction.csv'?"
    ]


def test_missing_folder(project):
    project.params(source="data/acm")
    assert refused(project) == ["params/acme.yml, source: there is no folder data/acm; did you mean 'acme'?"]


def test_two_files_named_alike(project):
    project.write("transactions.csv", GOOD)
    project.write("transactions.txt", GOOD)
    assert refused(project) == [
        "transactions: transactions.csv and transactions.txt are both named like the table; say which one with file"
    ]


def test_unknown_table(project):
    project.write("transactions.csv", GOOD)
    project.params(tables={"transaction": {"file": "transactions.csv"}})
    assert refused(project) == ["params/acme.yml, tables: unknown table 'transaction'; did you mean 'transactions'?"]


def test_missing_column(project):
    project.write("transactions.csv", "custmer_id,ordered_at,total\n1,2024-01-05,1\n")
    assert refused(project) == [
        "transactions: transactions.csv has no column 'customer_id', which is required; did you mean 'custmer_id'?"
        " Then write customer_id: custmer_id under params/acme.yml, tables.transactions.columns.",
        "transactions: transactions.csv has no column 'amount', which is required;"
        " if there is none, write amounts: false under params/acme.yml, tables.transactions;"
        " there are 'custmer_id', 'ordered_at', 'total'.",
    ]


def test_declared_column_that_is_not_there(project):
    project.write("transactions.csv", GOOD)
    project.table(columns={"amount": "Amuont", "chanel": "x"})
    assert refused(project) == [
        "params/acme.yml, tables.transactions.columns: unknown column 'chanel'; did you mean 'channel'?",
        "transactions: transactions.csv has no column 'Amuont' for amount; did you mean 'amount'?",
    ]


def test_header_twice(project):
    project.write("transactions.csv", "customer_id,ordered_at,amount,amount\n1,2024-01-05,1,2\n")
    assert refused(project) == [
        "transactions: transactions.csv has 2 columns with the header 'amount'; one is expected; name it by its number, for"
        " example amount: 3."
    ]


@pytest.mark.parametrize("content", ["", "\n\n", "customer_id,ordered_at,amount\n"])
def test_empty_file(project, content):
    project.write("transactions.csv", content)
    assert refused(project) == ["transactions: transactions.csv is empty; a header line and at least one row are expected"]


def test_every_kind_of_unusable_row_at_once(project, rejected):
    project.write(
        "transactions.csv",
        "customer_id,ordered_at,amount,cost,is_return\n"
        "1,2024-01-05,10,1,\n"
        "1,2024-13-05,abc,1,\n"
        ",2024-01-07,10,1,\n"
        "2,2024-01-08,-5,1,\n"
        "2,2024-01-09,10,-1,\n"
        "2,2024-01-10,10,1,perhaps\n"
        "2,2024-01-11,10,1,,extra\n"
        "2,,10,1,\n",
    )
    assert refused(project) == [
        "transactions: has 1 row (row 8) with more fields than the header line; quote fields that hold the separator;"
        f" {REJECTS}.",
        f"transactions: column 'customer_id' is empty in 1 row (row 4); every row needs a value; {REJECTS}.",
        f"transactions: column 'ordered_at' is empty in 1 row (row 9); every row needs a value; {REJECTS}.",
        "transactions: column 'ordered_at' has 1 value that cannot be read as a date (row 3): '2024-13-05';"
        f" write YYYY-MM-DD, or declare date_format in {PARAMS}; {REJECTS}.",
        "transactions: column 'amount' has 1 value that cannot be read as a number (row 3): 'abc';"
        f" write 1234.50, or declare decimal in {PARAMS}; {REJECTS}.",
        "transactions: column 'is_return' has 1 value that cannot be read as yes or no (row 7): 'perhaps';"
        f" write true or false; {REJECTS}.",
        f"transactions: column 'cost' has 1 value below 0 (row 6); 0 or more is expected; {REJECTS}.",
        "transactions: column 'amount' has 1 negative value (row 5); mark refunds with is_return,"
        f" or set negative_amounts: returns in {PARAMS}; {REJECTS}.",
    ]
    assert rejected() == [
        "file,row,column,value,reason",
        "transactions.csv,3,amount,abc,cannot be read as a number",
        "transactions.csv,3,ordered_at,2024-13-05,cannot be read as a date",
        "transactions.csv,4,customer_id,,empty",
        'transactions.csv,5,amount,-5,"negative, and not marked as a return"',
        "transactions.csv,6,cost,-1,below 0",
        "transactions.csv,7,is_return,perhaps,cannot be read as yes or no",
        "transactions.csv,8,,6,more fields than the header line",
        "transactions.csv,9,ordered_at,,empty",
    ]


def test_allowed_rejects_are_set_aside_and_nothing_is_lost(project, rejected):
    project.write("transactions.csv", GOOD + "9,someday,1\n9,2024-01-06,2\n")
    project.table(rejects=0.25)
    client = project.open()
    intake = client.intake[0]
    assert (intake.rows_read, intake.rows_kept, intake.rows_rejected) == (4, 3, 1)
    assert intake.rows_set_aside == {"ordered_at: cannot be read as a date": 1}
    assert rejected()[1:] == ["transactions.csv,4,ordered_at,someday,cannot be read as a date"]
    project.table(rejects=0.24)
    assert len(refused(project)) == 1


def test_file_of_rejects_goes_when_there_are_none(project, rejected):
    path = project.write("transactions.csv", GOOD + "9,someday,1\n")
    refused(project)
    assert len(rejected()) == 2
    path.write_text(GOOD)
    project.open()
    assert rejected() == []


def test_rejects_go_where_the_caller_says(project, tmp_path):
    project.write("transactions.csv", GOOD + "9,someday,1\n")
    (problem,) = refused(project, rejects=tmp_path / "elsewhere")
    assert "elsewhere/transactions.csv" in problem
    assert (tmp_path / "elsewhere" / "transactions.csv").exists()


def test_rejects_are_their_owners_alone_and_lie_outside_the_reports(project):
    project.write("transactions.csv", GOOD + "9,someday,1\n")
    refused(project)
    path = project.home / "work" / "acme" / "rejects" / "transactions.csv"
    assert "someday" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [*path.parent.iterdir()] == [path]
    assert not (project.home / "reports").exists()
    # written anew, it is no wider
    refused(project)
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_wrong_is_kept_without_values_and_shown_with_them(project):
    project.write("transactions.csv", GOOD + "9,anna@example.com,1\n")
    with pytest.raises(DataError) as caught:
        project.open()
    assert "(row 4): 'xxxx@xxxxxxx.xxx'; write" in str(caught.value)
    assert "(row 4): 'anna@example.com'; write" in caught.value.shown[0]


def test_repeated_order_lines(project, rejected):
    project.write(
        "transactions.csv",
        "customer_id,ordered_at,amount,order_id\n1,2024-01-05,1,A\n1,2024-01-05,1,A\n1,2024-01-05,1,B\n1,2024-01-05,1,\n1,2024-01-05,1,\n",
    )
    assert refused(project) == [
        "transactions: has 1 row (row 3) equal to an earlier one in every column; each line of an order is expected once;"
        f" {REJECTS}."
    ]
    assert rejected()[1:] == ["transactions.csv,3,,A,equal to an earlier row in every column"]
    project.table(rejects=0.5)
    intake = project.open().intake[0]
    assert (intake.rows_kept, intake.repeats) == (4, 1)


def test_equal_purchases_without_order_ids_are_kept(project):
    project.write("transactions.csv", GOOD + "8,2024-01-06,20\n")
    assert project.open().intake[0].rows_kept == 3


def test_negative_amounts_as_returns(project):
    project.write("transactions.csv", GOOD + "8,2024-01-06,-5\n")
    assert refused(project) == [
        "transactions: column 'amount' has 1 negative value (row 4); mark refunds with is_return,"
        f" or set negative_amounts: returns in {PARAMS}; {REJECTS}."
    ]
    project.table(negative_amounts="returns")
    assert rows(project.open())[-2:] == [("8", "2024-01-06", -5.0, True), ("8", "2024-01-06", 20.0, False)]


def test_customers_stand_once(project):
    project.write("customers.csv", "customer_id,name\n1,A\n2,B\n1,C\n")
    project.write("transactions.csv", GOOD)
    assert refused(project) == [
        "customers: column 'customer_id' has 1 value (row 4) that an earlier row has: '1'; one row each is expected;"
        " every such row is in work/acme/rejects/customers.csv."
    ]


def test_problems_of_all_tables_at_once(project):
    project.write("customers.csv", "name\nA\n")
    project.write("transactions.csv", "customer_id,ordered_at,amount\n1,never,1\n")
    assert [problem.split(":")[0] for problem in refused(project)] == ["customers", "transactions"]


def test_amounts_that_can_be_read_in_two_ways(project):
    project.write("transactions.csv", "customer_id;ordered_at;amount\n1;2024-01-05;1.234\n")
    assert refused(project) == [
        "transactions: column 'amount' can be read in two ways, '1.234' is 1.234 or 1234;"
        f" declare decimal: '.' or decimal: ',' in {PARAMS}."
    ]
    project.table(decimal=",")
    assert rows(project.open())[0][2] == 1234.0


def test_amounts_written_in_two_ways(project):
    project.write("transactions.csv", "customer_id;ordered_at;amount\n1;2024-01-05;1.5\n1;2024-01-05;1,5\n")
    assert refused(project) == [
        "transactions: column 'amount' is written in two ways, '1.5' and '1,5';"
        f" declare decimal: '.' or decimal: ',' in {PARAMS}."
    ]


def test_dates_that_can_be_read_in_two_ways(project):
    project.write("transactions.csv", "customer_id,ordered_at,amount\n1,03/04/2024,1\n")
    assert refused(project) == [
        "transactions: column 'ordered_at' can be read in two ways, '03/04/2024' is 2024-04-03 or 2024-03-04;"
        f" declare dayfirst: true or dayfirst: false in {PARAMS}."
    ]
    project.table(dayfirst=True)
    assert rows(project.open())[0][1] == "2024-04-03"
    project.table(dayfirst=False)
    assert rows(project.open())[0][1] == "2024-03-04"


def test_one_date_tells_the_order_of_all(project):
    project.write("transactions.csv", "customer_id,ordered_at,amount\n1,03/04/2024,1\n1,25/04/2024,1\n")
    client = project.open()
    assert [row[1] for row in rows(client)] == ["2024-04-03", "2024-04-25"]
    assert client.intake[0].date_form == "dd/mm/yyyy"


def test_quote_that_never_closes(project):
    project.write("transactions.csv", 'customer_id,ordered_at,amount\n1,2024-01-05,1\n"2,2024-01-05,1\n3,2024-01-05,1\n')
    assert refused(project) == [
        "transactions: transactions.csv, row 3: a quotation mark is not closed, or stands inside a field"
    ]


def test_checksum(project):
    project.write("transactions.csv", GOOD)
    project.table(sha256="0" * 64)
    assert refused(project) == [
        "transactions: transactions.csv does not have the declared sha256; it is not the file that was meant"
    ]


def test_column_of_a_wrong_type(project):
    frame = pd.DataFrame({"customer_id": ["a"], "ordered_at": [True], "amount": [dt.date(2024, 1, 5)]})
    frame.to_parquet(project.folder / "transactions.parquet")
    assert refused(project) == [
        "transactions: column 'ordered_at' is of type BOOLEAN; a date is expected.",
        "transactions: column 'amount' is of type DATE; a number is expected.",
    ]


def test_not_a_parquet_file_not_a_workbook_not_a_database(project):
    path = project.write("transactions.parquet", GOOD)
    assert refused(project) == ["transactions: transactions.parquet is cut off or no Parquet file; export it again"]
    path.rename(path.with_suffix(".xlsx"))
    assert refused(project)[0].startswith("transactions: transactions.xlsx cannot be read as a workbook: ")
    project.write("crm.duckdb", "not a database, but long enough to be looked at" * 20)
    project.params(source="data/acme/crm.duckdb")
    assert refused(project)[0].startswith("crm.duckdb cannot be opened as a DuckDB database: ")


def test_database_without_the_table(project):
    with duckdb.connect(str(project.folder / "crm.duckdb")) as con:
        con.execute("CREATE TABLE transaction_log AS SELECT 1 a")
    project.params(source="data/acme/crm.duckdb", tables={"transactions": {"table": "transactions_log"}})
    assert refused(project) == ["transactions: the database has no table 'transactions_log'; did you mean 'transaction_log'?"]


# check


OTHERS = tuple(name for name in TABLES if name not in ("customers", "transactions"))


def test_check_says_what_there_is(project):
    project.write("transactions.csv", GOOD + "9,someday,1\n")
    project.table(rejects=0.5)
    check = project.check()
    assert [intake.table for intake in check.intake] == ["transactions", "customers"]
    assert (check.problems, check.missing, check.as_of) == ((), OTHERS, dt.date(2024, 1, 6))


def test_check_collects_problems(project):
    project.write("customers.csv", "customer_id\n1\n")
    project.write("transactions.csv", "customer_id,ordered_at,amount\n1,never,1\n")
    check = project.check()
    assert [intake.table for intake in check.intake] == ["customers"]
    assert check.missing == ("transactions", *OTHERS)
    # the day of the report follows from the days, so that nothing is asked of it before they can be read
    assert len(check.problems) == 1
    assert check.problems[0].startswith("transactions: column 'ordered_at' has 1 value that cannot be read as a date (row 2)")
    project.params(source="nowhere")
    assert project.check().problems == (
        "params/acme.yml, source: there is no folder nowhere; there are 'data', 'notebooks', 'params', 'work'.",
    )


# a whole params file given to plain Papermill


@pytest.mark.parametrize(
    "names",
    [
        {"source": "data/acme"},
        {"title": "ACME"},
        {"tables": {"transactions": {"file": "x.csv"}}},
        {"privacy": {"min_cell": 5}},
        {"clv": {"horizon_days": 90}},
    ],
)
def test_params_file_given_to_plain_papermill(project, monkeypatch, names):
    project.write("transactions.csv", GOOD)
    (project.home / "notebooks" / "clv.ipynb").write_text("{}")
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(user_ns=names)))
    with pytest.raises(ParamError) as caught:
        project.open()
    analysis = "clv" if "clv" in names else "<analysis>"
    assert str(caught.value) == (
        f"the notebook was given a params file with sections ({next(iter(names))}), and would run with the defaults; use"
        f" 'crmkit run acme', or 'crmkit params acme {analysis} > flat.yml' and papermill with '-f flat.yml'"
    )


def test_the_notebook_that_runs_is_named_and_not_another_section(project, monkeypatch):
    """The import of its analysis has taken the place of its own section."""
    project.write("transactions.csv", GOOD)
    for name in ("audit", "clv"):
        (project.home / "notebooks" / f"{name}.ipynb").write_text("{}")
    names = {"audit": {"cycle": "year"}, "clv": ModuleType("crmkit.analyses.clv"), "tables": {"transactions": {}}}
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(user_ns=names)))
    with pytest.raises(ParamError, match=r"with sections \(audit, tables\).*'crmkit params acme clv > flat.yml'"):
        project.open()


def test_names_that_a_reader_made_are_no_params_file(project, monkeypatch):
    project.write("transactions.csv", GOOD)
    names = {
        "source": 1,
        "title": "My plot",
        "tables": {"transactions": object()},
        "privacy": {"a": 1},
        "clv": {},
        "client": "acme",
    }
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(user_ns=names)))
    assert project.open().name == "acme"


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, crmkit; print(sorted({'pandas', 'ibis', 'duckdb', 'pydantic', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_spill_folder_goes_with_the_client(project):
    project.write("transactions.csv", GOOD)
    client = project.open()
    (folder,) = client.con.con.execute("SELECT current_setting('temp_directory')").fetchone()
    assert Path(folder).is_dir()
    client.close()
    assert not Path(folder).exists()


def test_a_cached_table_ends_with_the_client(project):
    project.write("transactions.csv", GOOD)
    client = project.open()
    cached = client.tables["transactions"].cache()
    assert len(to_frame(cached)) == 2
    client.close()
    # pytest makes an error of an exception in a finaliser
    del cached
    gc.collect()


def test_a_day_to_come_is_one_problem_among_all(project):
    project.write("transactions.csv", "customer_id,ordered_at,amount\n1,never,1\n2,2024-01-05,3\n")
    project.write("customers.csv", "name\nA\n")
    project.params(as_of="2100-01-01")
    problems = project.check().problems
    assert [one.split(" ")[0] for one in problems] == ["customers:", "transactions:", "as_of:"]
    assert "is 2100-01-01, which is after today" in problems[-1]


def test_a_day_before_all_data_is_one_problem_among_all(project):
    project.write("transactions.csv", GOOD)
    project.write("customers.csv", "name\nA\n")
    project.params(as_of="2000-01-01")
    problems = project.check().problems
    assert [one.split(" ")[0] for one in problems] == ["customers:", "transactions:"]
    assert "has 2 of 2 rows after as_of 2000-01-01; no more than half may be left out" in problems[-1]


def test_a_day_without_end_among_plain_ones(project):
    project.write("campaigns.csv", "campaign_id,started_at,ended_at\nA1,2024-01-02,2099-12-31\nA2,2024-01-03,2024-01-09\n")
    client = project.open(as_of="2024-02-01")
    assert to_frame(client.tables["campaigns"])["ended_at"].isna().tolist() == [True, False]


def test_a_day_before_christ_among_plain_ones(project, rejected):
    project.write("transactions.csv", "customer_id,ordered_at,amount\nA,2024-01-02,5\nB,2024-03-05 (BC),6\n")
    assert "1 value that cannot be read as a date (row 3)" in refused(project)[0]
    assert rejected()[1].startswith("transactions.csv,3,ordered_at,2024-03-05 (BC)")
