"""Where the table begins and ends in a file, and what is said where it is looked for in vain."""

import pandas as pd
import pytest

from crmkit.core.errors import DataError, ParamError, as_shown
from crmkit.core.language import Locale, say
from crmkit.data.client import check_client
from crmkit.data.sources.layout import joined

GOOD = "customer_id,ordered_at,amount\nA,2024-01-05,1.50\nB,2024-01-06,2.50\n"
TITLES = "Export of 2025-12-31;;\n;;\nShop: Berlin;;\ncustomer_id;ordered_at;amount\nA;2024-01-05;1,50\nB;2024-01-06;2,50\n"


def problems(project):
    return [*as_shown(check_client("acme", home=project.home).problems)]


def amounts(project):
    frame = project.open().tables["transactions"].to_pandas()
    return {row.customer_id: float(row.amount) for row in frame.itertuples()}


def test_a_title_above_the_header(project):
    project.write("transactions.csv", TITLES)
    assert problems(project) == [
        "transactions: transactions.csv does not have the headers of this table in row 1; the header seems to be in row 4;"
        " write header: 4 under tables.transactions in the params file."
    ]
    project.table(header=4)
    assert amounts(project) == {"A": 1.5, "B": 2.5}


def test_a_title_without_separators(project):
    project.write("transactions.csv", "Report, made in May\n" + TITLES.split("\n", 3)[3])
    assert "write header: 2 under" in problems(project)[0]
    project.table(header=2)
    assert amounts(project) == {"A": 1.5, "B": 2.5}


def test_row_numbers_go_on_counting_from_the_top(project):
    project.write("transactions.csv", TITLES.replace("2,50", "x"))
    project.table(header=4)
    assert "(row 6): 'x'" in problems(project)[0]


def test_rows_that_are_declared_to_be_none(project):
    lines = GOOD.splitlines()
    project.write("transactions.csv", "\n".join([lines[0], "Who,When,How much", '"{""ImportId"":1}",x,y', *lines[1:]]))
    project.table(skip=[2, 3])
    assert amounts(project) == {"A": 1.5, "B": 2.5}
    (one,) = [one for one in check_client("acme", home=project.home).intake if one.table == "transactions"]
    assert [say(note, Locale()) for note in one.notes if "as_of" not in note.template] == [
        "transactions.csv: rows 2, 3 are left out, as declared with skip"
    ]
    assert one.rows_read == 2


def test_lines_below_the_table(project):
    project.write("transactions.csv", GOOD + '\n"Grand Totals (2 records)",,4\n\nConfidential\n"Copyright (c) 2024, us"\n\n')
    project.table(footer=3)
    assert amounts(project) == {"A": 1.5, "B": 2.5}


def test_two_header_lines_are_joined(project):
    project.params(
        as_of="2024-12-31",
        tables={
            "surveys": {
                "header": [1, 2],
                "columns": {"response_id": "id", "responded_at": "day"},
                "items": {
                    "speed": {"column": "Please rate: Speed", "scale": [1, 5]},
                    "quality": {"column": 4, "scale": [1, 5]},
                },
            }
        },
    )
    project.write("surveys.csv", "id,day,Please rate:,Please rate:\n,,Speed,Quality\n1,2024-01-02,5,4\n2,2024-01-03,3,2\n")
    frame = project.open().tables["surveys"].to_pandas()
    assert {(row.response_id, row.item_id): int(row.score) for row in frame.itertuples()} == {
        ("1", "speed"): 5,
        ("1", "quality"): 4,
        ("2", "speed"): 3,
        ("2", "quality"): 2,
    }


def test_headers_of_unequal_length_are_joined():
    assert joined([["a", "b"], ["x", "", "c"]]) == ("a x", "b", "c")


def test_a_column_by_its_number(project):
    project.write("transactions.csv", "who,when,sum,sum\nA,2024-01-05,1,9\n")
    project.table(columns={"customer_id": "who", "ordered_at": "when", "amount": 4})
    assert amounts(project) == {"A": 9}
    project.table(columns={"customer_id": "who", "ordered_at": "when", "amount": 5})
    assert problems(project) == ["transactions: transactions.csv has 4 columns, none with the number 5 for amount."]


def test_a_number_that_is_also_a_header(project):
    project.write("transactions.csv", "who,when,2025,2\nA,2024-01-05,1,9\n")
    project.table(columns={"customer_id": "who", "ordered_at": "when", "amount": 2})
    assert problems(project) == [
        "transactions: transactions.csv has the header '2' in column 4, and a column 2 with another one; quote it where the"
        " header is meant: amount: '2' under params/acme.yml, tables.transactions.columns."
    ]
    project.table(columns={"customer_id": "who", "ordered_at": "when", "amount": "2025"})
    assert amounts(project) == {"A": 1}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("header", [2, 1], r"header: \[2, 1\] are no rows; they count from 1 and rise, for example 4 or \[1, 2\]"),
        ("skip", [0], r"skip: \[0\] are no rows; they count from 1 and rise"),
        ("columns", {"amount": 1.5}, r"amount: 1\.5 is no header and no number of a column; quote a header"),
    ],
)
def test_settings_that_cannot_be_meant(project, key, value, said):
    project.table(**{key: value})
    with pytest.raises(ParamError, match=said):
        project.open()


def test_a_file_without_a_header_line(project):
    project.write("transactions.csv", GOOD.split("\n", 1)[1])
    assert problems(project) == [
        "transactions: transactions.csv looks as if there were no header line: row 1 begins with 'A', '2024-01-05', '1.50';"
        " name the columns with names: [...] under tables.transactions in the params file."
    ]
    project.table(names=["customer_id", "ordered_at", "amount"])
    assert amounts(project) == {"A": 1.5, "B": 2.5}


@pytest.mark.parametrize("header", ["\ufeff\ufeffcustomer_id", "customer\u200b_id", "customer_id\u00ad"])
def test_characters_that_nobody_sees_are_no_part_of_a_header(project, header):
    project.write("transactions.csv", GOOD.replace("customer_id", header))
    assert amounts(project) == {"A": 1.5, "B": 2.5}
    frame = pd.DataFrame({header: ["A"], "ordered_at": pd.to_datetime(["2024-01-05"]), "amount": [3.0]})
    (project.folder / "transactions.csv").unlink()
    frame.to_parquet(project.folder / "transactions.parquet")
    assert amounts(project) == {"A": 3}


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark(project, encoding):
    project.write("transactions.csv", GOOD.replace("A", "客户"), encoding=encoding)
    assert amounts(project) == {"客户": 1.5, "B": 2.5}
    notes = [
        say(note, Locale()) for note in check_client("acme", home=project.home).intake[0].notes if "as_of" not in note.template
    ]
    assert notes == [f"transactions.csv: the encoding {encoding} is a guess"]


@pytest.mark.parametrize("encoding", ["shift_jis", "cp932"])
def test_the_yen_of_japan_is_a_backslash_in_bytes(project, encoding):
    lines = [b"customer_id,ordered_at,amount,product", b"A,2024-01-05,\\1.50,\x82\xa8", b"B,2024-01-06,2.50,C:\\tea"]
    (project.folder / "transactions.csv").write_bytes(b"\n".join(lines) + b"\n")
    project.params(as_of="2024-12-31", currency="JPY", tables={"transactions": {"encoding": encoding}})
    found = {row.product: float(row.amount) for row in project.open().tables["transactions"].to_pandas().itertuples()}
    assert found == {"お": 1.5, "C:\\tea": 2.5}


def test_bytes_of_nought(project):
    project.write("transactions.csv", GOOD.replace("B", "B\0"))
    assert problems(project) == [
        "transactions: transactions.csv, read as utf-8, holds bytes of value 0, the first at byte 50: it is damaged or no text"
        " file; export it again, or declare its encoding, for example encoding: utf-16-le."
    ]


@pytest.mark.parametrize("name", ["transactions.csv", "transactions.parquet", "transactions.xlsx"])
def test_nothing_in_a_file(project, name):
    project.write(name, b"")
    assert problems(project) == [f"transactions: {name} is empty; a header line and at least one row are expected"]


def test_parquet_that_is_cut_off(project):
    frame = pd.DataFrame({"customer_id": ["A"], "ordered_at": pd.to_datetime(["2024-01-05"]), "amount": [3.0]})
    path = project.folder / "transactions.parquet"
    frame.to_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    assert problems(project) == ["transactions: transactions.parquet is cut off or no Parquet file; export it again"]


@pytest.mark.parametrize(("ids", "kind"), [([["A"], ["B"]], "VARCHAR[]"), ([True, False], "BOOLEAN"), ([b"A", b"B"], "BLOB")])
def test_parquet_ids_that_are_no_text(project, ids, kind):
    frame = pd.DataFrame({"customer_id": ids, "ordered_at": pd.to_datetime(["2024-01-05"] * 2), "amount": [3.0, 4.0]})
    frame.to_parquet(project.folder / "transactions.parquet")
    assert problems(project) == [f"transactions: column 'customer_id' is of type {kind}; text is expected."]


def test_a_message_names_the_file(project):
    project.table(file="orders-*.csv")
    project.write("orders-1.csv", GOOD)
    project.write("orders-2.csv", GOOD.replace("2.50", "x"))
    project.write("orders-3.csv", GOOD.replace("1.50", "y").replace("2.50", "z"))
    assert "(orders-2.csv row 3; orders-3.csv rows 2, 3): 'x', 'y', 'z'" in problems(project)[0]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_files_of_other_columns(project, suffix):
    project.table(file=f"orders-*.{suffix}")
    for number, columns in ((1, {"channel": ["web"]}), (2, {})):
        frame = pd.DataFrame(
            {"customer_id": [f"{number}"], "ordered_at": pd.to_datetime(["2024-01-05"]), "amount": [1.0]} | columns
        )
        path = project.folder / f"orders-{number}.{suffix}"
        frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    assert problems(project) == [
        f"transactions: orders-2.{suffix} has no column 'channel', as other files have; all files of a table need the same"
        " columns."
    ]


def test_long_values_are_shortened_in_messages(project):
    project.write("transactions.csv", GOOD.replace("2.50", "x" * 200_000))
    assert len(problems(project)[0]) < 300


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_source_that_changes_while_it_is_read(project, suffix):
    frame = pd.DataFrame({"customer_id": ["A"], "ordered_at": pd.to_datetime(["2024-01-05"]), "amount": [3.0]})
    path = project.folder / f"transactions.{suffix}"
    write = (lambda: frame.to_csv(path, index=False)) if suffix == "csv" else (lambda: frame.to_parquet(path))
    write()
    client = project.open()
    client.unchanged()
    write()
    client.unchanged()
    frame = frame.assign(amount=[4.0])
    write()
    with pytest.raises(DataError, match=rf"transactions\.{suffix} changed while the data were open; run again"):
        client.unchanged()
    path.unlink()
    with pytest.raises(DataError, match="changed while the data were open"):
        client.unchanged()


@pytest.mark.parametrize(("key", "value"), [("header", 4), ("skip", [2]), ("footer", 1), ("sheet", "Orders")])
def test_what_has_no_lines_has_none_to_name(project, key, value):
    frame = pd.DataFrame({"customer_id": ["A"], "ordered_at": pd.to_datetime(["2024-01-05"]), "amount": [3.0]})
    frame.to_parquet(project.folder / "transactions.parquet")
    project.table(**{key: value})
    assert problems(project) == [
        f"transactions: transactions.parquet has no lines for {key}; it is for text files and workbooks."
    ]


@pytest.mark.parametrize(("rows", "said"), [(1, "has 1 value that is none of its"), (2, "has 2 values that are none")])
def test_one_value_is_and_two_values_are(project, rows, said):
    lines = [f"t{row},A,2024-01-05 10:00:00,riddle\n" for row in range(rows)]
    project.params(as_of="2024-12-31")
    project.write("tickets.csv", "ticket_id,customer_id,opened_at,kind\n" + "".join(lines))
    assert said in problems(project)[0]


def test_rows_below_the_declared_header_that_are_not_there(project):
    project.write("transactions.csv", GOOD)
    project.table(header=40)
    assert problems(project) == [
        "transactions: transactions.csv has nothing in row 40; header is the row number of the header line."
    ]


def test_a_declared_header_that_is_the_wrong_row(project):
    project.write("transactions.csv", TITLES)
    project.table(header=3)
    assert "in row 3; the header seems to be in row 4; write header: 4 under" in problems(project)[0]


def test_a_header_with_a_line_break_before_its_separators(project):
    project.write("transactions.csv", '"customer\nid";ordered_at;amount\nA;2024-01-05;1,50\n')
    project.table(columns={"customer_id": "customer\nid"})
    assert amounts(project) == {"A": 1.5}


def test_a_repeated_blank_line_of_separators_does_not_hide_a_footer(project):
    project.write("transactions.csv", GOOD + ",,\nTotals of everything,,4\n,,\n")
    project.table(footer=1)
    assert amounts(project) == {"A": 1.5, "B": 2.5}
