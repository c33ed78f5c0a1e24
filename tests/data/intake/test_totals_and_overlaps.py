"""Lines of totals that say so in any column, and rows that several exports share."""

from __future__ import annotations

import pandas as pd
import pytest

from crmkit.core.errors import DataError
from crmkit.core.language import Locale, say

HEAD = "customer_id,ordered_at,amount,order_id"


def amounts(client):
    return sorted(float(one) for one in client.tables["transactions"].execute()["amount"])


@pytest.mark.parametrize(
    "line",
    [
        "x,,192.00,,Total,",
        "x,,192.00,,,Grand total",
        "x,,192.00,,,总计：",
        "Total,,192.00,,,",
        "x, ,192.00,Summe,,",
        '"x",,192.00,,"TOTAL (2 rows)",',
    ],
)
def test_a_word_of_totals_in_any_column_of_a_row_without_a_date(project, line):
    rows = "A,2024-01-01,95.50,O1,web,tea\nB,2024-01-02,96.50,O2,Total,cup\n"
    project.write("transactions.csv", f"{HEAD},Channel name,Item\n{rows}{line}\n")
    client = project.open()
    # a row with a date counts, whatever its channel is called
    assert amounts(client) == [95.5, 96.5]
    assert client.intake[0].rows_set_aside == {"line of totals": 1}


def test_the_same_in_a_file_that_has_to_be_read_line_by_line(project):
    project.write("transactions.csv", f'{HEAD},Note\n"A\nB",2024-01-01,95.50,O1,"a\nb"\nx,,95.50,,Total\n')
    client = project.open()
    assert (amounts(client), client.intake[0].rows_set_aside) == ([95.5], {"line of totals": 1})


def test_a_row_without_a_date_and_without_such_a_word_is_refused(project):
    project.write("transactions.csv", f"{HEAD},Item\nA,2024-01-01,95.50,O1,tea\nx,,192.00,O2,Totally new\n")
    with pytest.raises(DataError, match=r"column 'ordered_at' is empty in 1 row \(row 3\)"):
        project.open()


JANUARY = f"{HEAD},Item\nA,2024-01-30,5,O1,tea\nA,2024-01-30,5,O1,cup\nB,2024-01-31,7,O2,tea\n"
FEBRUARY = f"{HEAD},Note,Item\nB,2024-01-31,7,O2,called back,tea\nC,2024-02-01,9,O3,,tea\nC,2024-02-01,9,O3,gift,tea\n"
OVERLAP = r"transactions: has 1 row \(orders_2\.csv row 2\) equal to an earlier one in every column"


def test_the_same_order_in_two_exports_with_other_headers_beside_ours(project, rejected):
    project.write("orders_1.csv", JANUARY)
    project.write("orders_2.csv", FEBRUARY)
    project.table(file="orders_*.csv")
    with pytest.raises(DataError, match=OVERLAP):
        project.open()
    project.table(file="orders_*.csv", rejects=0.2)
    client = project.open()
    # two lines of O3 differ in a column that the first export lacks: they are two
    assert amounts(client) == [5, 5, 7, 9, 9]
    assert client.intake[0].repeats == 1
    assert rejected()[1:] == ["orders_2.csv,2,,O2,equal to an earlier row in every column"]


def test_an_order_whose_shared_columns_differ_is_another_line(project):
    project.write("orders_1.csv", JANUARY)
    project.write("orders_2.csv", FEBRUARY.replace("called back,tea", "called back,pot"))
    project.table(file="orders_*.csv")
    assert amounts(project.open()) == [5, 5, 7, 7, 9, 9]


def test_the_same_in_parquet(project):
    for number, rows in enumerate((JANUARY, FEBRUARY), start=1):
        lines = [line.split(",") for line in rows.splitlines()]
        frame = pd.DataFrame(lines[1:], columns=lines[0])
        frame.assign(amount=frame["amount"].astype(float)).to_parquet(project.folder / f"orders_{number}.parquet")
    project.table(file="orders_*.parquet", rejects=0.2)
    assert amounts(project.open()) == [5, 5, 7, 9, 9]


def test_a_status_that_only_one_of_two_files_has(project):
    project.write("orders_1.csv", f"{HEAD},Status\nA,2024-01-30,5,O1,paid\nB,2024-01-30,5,O2,open\n")
    project.write("orders_2.csv", f"{HEAD}\nB,2024-01-31,7,O3\n")
    project.table(file="orders_*.csv")
    assert amounts(project.open()) == [5, 5, 7]


OLD = f"{HEAD},Status\nA,2024-01-30,5,O1,paid\nA,2024-01-31,7,O2,paid\nB,2024-01-31,8,O3,open\n"
NEW = f"{HEAD},Status\nA,2024-01-31,6,O2,paid\nB,2024-01-31,8,O3,paid\nA,2024-02-01,9,O4,paid\n"


@pytest.mark.parametrize("names", [("orders_1.csv", "orders_2.csv"), ("orders_2.csv", "orders_1.csv")])
def test_of_an_order_that_has_changed_the_newest_file_counts(project, rejected, names):
    for name, text in zip(names, (OLD, NEW), strict=True):
        project.write(name, text)
    project.table(file="orders_*.csv", repeats="newest", only={"Status": ["paid"]})
    client = project.open()
    assert amounts(client) == [5, 6, 8, 9]
    assert client.intake[0].rows_set_aside == {"stands in a newer file too": 1, "Status: left out: open": 1}
    assert f"{names[0]},3,,A,stands in a newer file too" in rejected()


def test_what_the_newest_file_cancels_does_not_come_back_from_an_older_one(project):
    project.write("orders_1.csv", OLD)
    project.write("orders_2.csv", NEW.replace("6,O2,paid", "6,O2,voided"))
    project.table(file="orders_*.csv", repeats="newest", only={"Status": ["paid"]})
    assert amounts(project.open()) == [5, 8, 9]


def test_an_older_row_that_cannot_be_read_does_not_stop_the_run(project):
    project.write("orders_1.csv", OLD.replace("7,O2", "seven,O2"))
    project.write("orders_2.csv", NEW)
    project.table(file="orders_*.csv", repeats="newest", only={"Status": ["paid"]})
    assert amounts(project.open()) == [5, 6, 8, 9]


def test_newest_needs_a_number_of_what_stands_in_several_files(project):
    for number in (1, 2):
        project.write(f"orders_{number}.csv", "customer_id,ordered_at,amount\nA,2024-01-30,5\n")
    project.table(file="orders_*.csv", repeats="newest")
    with pytest.raises(DataError, match=r"repeats: is 'newest', but no number says which rows are of one thing; write drop"):
        project.open()


def test_rows_that_stand_twice_are_dropped_and_counted_where_that_was_said(project):
    project.write("orders_1.csv", JANUARY)
    project.write("orders_2.csv", FEBRUARY)
    project.table(file="orders_*.csv", repeats="drop")
    client = project.open()
    assert amounts(client) == [5, 5, 7, 9, 9]
    assert (client.intake[0].repeats, client.intake[0].rows_rejected) == (1, 0)


def test_what_was_refunded_comes_off_the_amount(project):
    project.write("transactions.csv", "customer_id,ordered_at,amount,refunded\nA,2024-01-30,50,12.50\nB,2024-01-31,8,\n")
    client = project.open()
    assert amounts(client) == [8, 37.5]
    assert "1 amount is lessened by what was refunded of it" in [say(note, Locale()) for note in client.intake[0].notes]


def test_no_more_is_refunded_than_was_paid(project):
    project.write("transactions.csv", "customer_id,ordered_at,amount,refunded\nA,2024-01-30,50,60\nB,2024-01-31,8,\n")
    with pytest.raises(DataError) as caught:
        project.open()
    said = "column 'refunded' has 1 value greater than the amount (row 2): '60'; no more can be given back than was paid"
    assert said in caught.value.shown[0]


def test_of_several_customers_in_one_cell_the_first_counts(project):
    project.write("transactions.csv", "customer_id,ordered_at,amount\n901;902,2024-01-30,50\n903,2024-01-31,8\n")
    project.table(first_of={"customer_id": ";"})
    client = project.open()
    assert sorted(client.tables["transactions"].execute()["customer_id"]) == ["901", "903"]
    assert "customer_id: 1 cell names several; the first counts" in [say(note, Locale()) for note in client.intake[0].notes]
    project.table(first_of={"amount": ";"})
    with pytest.raises(DataError, match="first_of: 'amount' is no column of ids; there are 'customer_id', 'order_id'"):
        project.open()
