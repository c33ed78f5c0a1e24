"""Lines of totals that say so in any column, and rows that several exports share."""

from __future__ import annotations

import pandas as pd
import pytest

from crmkit.core.errors import DataError

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
