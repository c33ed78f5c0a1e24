"""Rows are chosen by any header of the export, counted by word; rows read = rows used + rows of each reason."""

import pytest

from crmkit.core.errors import DataError
from crmkit.core.language import Locale, say
from crmkit.data.sources.engine import to_frame

HEAD = "customer_id,ordered_at,amount,Status\n"
LINES = (
    "A,2024-01-01,5,completed\nB,2024-01-02,6,voided\nB,2024-01-02,7,Cancelled\nC,2024-01-03,8,completed\nD,2024-01-03,9,\n"
    "E,2024-01-03,10,cancelled\n"
)


def said(intake):
    return tuple(say(note, Locale()) for note in intake.notes)


def ids(client):
    return sorted(to_frame(client.tables["transactions"])["customer_id"])


def adds_up(intake):
    return intake.rows_read == intake.rows_kept + sum(each.rows for each in intake.set_aside)


def test_words_that_do_not_count_are_left_out_and_counted(project, rejected):
    project.write("transactions.csv", HEAD + LINES)
    project.table(leave_out={"Status": ["voided", "cancelled"]})
    client = project.open(as_of="2024-01-03")
    intake = client.intake[0]
    assert ids(client) == ["A", "C", "D"]
    assert intake.rows_set_aside == {
        "Status: left out: Cancelled": 1,
        "Status: left out: cancelled": 1,
        "Status: left out: voided": 1,
    }
    assert adds_up(intake)
    assert said(intake) == ()
    assert rejected()[1] == "transactions.csv,3,Status,B,left out: voided"


def test_words_that_count(project):
    project.write("transactions.csv", HEAD + LINES)
    project.table(only={"status": ["completed", "processing"]})
    intake = project.open(as_of="2024-01-03").intake[0]
    assert intake.rows_kept == 2
    assert intake.rows_set_aside["status: left out: (empty)"] == 1
    assert adds_up(intake)
    assert said(intake) == ("no row has processing in status",)


def test_a_header_that_is_not_there(project):
    project.write("transactions.csv", HEAD + LINES)
    project.table(leave_out={"Statsu": ["voided"]})
    with pytest.raises(DataError) as caught:
        project.open()
    assert list(caught.value.shown) == [
        "transactions: transactions.csv has no column 'Statsu' for leave_out; did you mean 'Status'?"
    ]


def test_rows_of_parquet_and_of_flags(project):
    import pandas as pd

    frame = pd.DataFrame({"customer_id": ["a", "b", "c"], "ordered_at": ["2024-01-01"] * 3, "amount": [1, 2, 3]})
    frame.assign(paid=[True, False, True]).to_parquet(project.folder / "transactions.parquet")
    project.table(only={"paid": [True]})
    client = project.open(as_of="2024-01-01")
    assert ids(client) == ["a", "c"]
    assert client.intake[0].rows_set_aside == {"paid: left out: false": 1}


def test_previews_of_a_questionnaire(project):
    project.write("surveys.csv", "id,day,Status,Q1\nR1,2024-01-02,1,5\nR2,2024-01-03,0,3\nR3,2024-01-03,0,4\n")
    columns = {"response_id": "id", "responded_at": "day"}
    items = {"csat": {"column": "Q1", "scale": [1, 5]}}
    project.params(tables={"surveys": {"columns": columns, "items": items, "leave_out": {"Status": [1]}}})
    intake = project.open().intake[0]
    assert (intake.rows_kept, intake.rows_set_aside) == (2, {"Status: left out: 1": 1})


def test_many_words_are_counted_together(project):
    lines = "".join(f"C{n},2024-01-01,5,country {n}\n" for n in range(30))
    project.write("transactions.csv", HEAD.replace("Status", "country") + lines)
    project.table(only={"country": ["country 7", "country 8"]})
    intake = project.open().intake[0]
    assert len(intake.set_aside) == 12
    assert intake.rows_set_aside["country: left out: ..."] == 17
    assert adds_up(intake)


@pytest.mark.parametrize("header", ["Status", "Financial Status", "order status", "订单状态"])
def test_a_status_that_nobody_reads_is_named_with_its_words(project, header):
    project.write("transactions.csv", HEAD.replace("Status", header) + LINES.replace("Cancelled", "cancelled"))
    (note,) = said(project.open(as_of="2024-01-03").intake[0])
    assert note == (
        f"the header {header} looks like a status and is not read (cancelled 2, completed 2, voided 1, (empty) 1); only or"
        " leave_out says which rows count"
    )


def test_lines_that_differ_in_a_column_nobody_reads_are_two(project):
    head = "customer_id,ordered_at,amount,order_id,Item\n"
    project.write("transactions.csv", head + "A,2024-01-01,22.96,O1,mug\nA,2024-01-01,22.96,O1,cup\nB,2024-02-01,5,O2,cup\n")
    assert project.open().intake[0].rows_kept == 3
    project.write("transactions.csv", head + "A,2024-01-01,22.96,O1,mug\nA,2024-01-01,22.96,O1,mug \nB,2024-02-01,5,O2,cup\n")
    with pytest.raises(DataError, match=r"has 1 row \(row 3\) equal to an earlier one in every column"):
        project.open()


def test_reasons_do_not_overlap(project, rejected):
    project.write(
        "transactions.csv",
        "customer_id,ordered_at,amount\n,someday,abc\n1,2024-13-05,5\n2,2024-01-02,6\n3,2024-01-02,6\n\t\n \nTotal,,12\n",
    )
    project.table(rejects=1)
    intake = project.open().intake[0]
    assert (intake.rows_read, intake.rows_kept, intake.rows_rejected) == (7, 2, 2)
    assert intake.rows_set_aside == {
        "customer_id: empty": 1,
        "ordered_at: cannot be read as a date": 1,
        "empty line": 2,
        "line of totals": 1,
    }
    assert adds_up(intake)
    assert len(rejected()) == 1 + 3 + 1 + 2 + 1  # the file has every reason of every row


def test_a_row_with_the_sum_of_all_others_is_named(project):
    lines = "".join(f"C{n},2024-01-0{n},{n}.50\n" for n in range(1, 6))
    project.write("transactions.csv", "customer_id,ordered_at,amount\n" + lines + "Z9,2024-01-06,17.50\n")
    assert said(project.open(as_of="2024-01-06").intake[0]) == (
        "row 7 holds in amount the sum of all other rows; is it a line of totals?",
    )
