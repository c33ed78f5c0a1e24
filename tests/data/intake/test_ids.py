"""An id is the company's own or it is refused; who stands for nobody is named, set aside where declared, never in silence."""

import pytest

from crmkit.core.errors import DataError
from crmkit.core.language import Locale, say
from crmkit.data.sources.engine import to_frame

HEAD = "customer_id,ordered_at,amount\n"


def said(intake):
    return tuple(say(note, Locale()) for note in intake.notes)


def ids(client, table="transactions"):
    return sorted(to_frame(client.tables[table])["customer_id"])


def test_digits_lost_to_a_spreadsheet_are_refused_with_their_rows(project):
    project.write("transactions.csv", HEAD + "1.38E+10,2024-01-01,5\n1.38E+10,2024-02-01,6\n12,2024-03-01,7\n")
    with pytest.raises(DataError) as caught:
        project.open()
    (problem,) = caught.value.shown
    assert problem.startswith(
        "transactions: column 'customer_id' has 2 values that a spreadsheet has shortened (rows 2, 3): '1.38E+10';"
    )


def test_a_point_and_a_nought_behind_a_number_go(project):
    project.write("transactions.csv", HEAD + "17850.0,2024-01-01,5\n17850,2024-02-01,6\n14527.0,2024-03-01,7\n")
    client = project.open(as_of="2024-03-01")
    assert ids(client) == ["14527", "17850", "17850"]
    assert said(client.intake[0]) == ("customer_id: '.0' behind 2 ids was taken off",)
    # of versions it is a part
    project.write("transactions.csv", HEAD + "1.0,2024-01-01,5\n1.1,2024-02-01,6\n")
    assert ids(project.open()) == ["1.0", "1.1"]


def test_an_apostrophe_before_an_id_goes(project):
    project.write("transactions.csv", HEAD + "'R00840,2024-01-01,5\nR00840,2024-02-01,6\nO'Neil,2024-02-01,6\n")
    client = project.open(as_of="2024-02-01")
    assert ids(client) == ["O'Neil", "R00840", "R00840"]
    assert said(client.intake[0]) == ("customer_id: an apostrophe before 1 id was taken off",)


def test_an_address_is_one_customer_in_every_table(project):
    project.write("transactions.csv", HEAD + "Ann@Example.org,2024-01-01,5\n ann@example.org ,2024-02-01,6\nA@b,2024-02-01,6\n")
    project.write("customers.csv", "customer_id,region\nANN@example.org,north\n")
    client = project.open(as_of="2024-02-01")
    assert ids(client) == ["A@b", "ann@example.org", "ann@example.org"]
    assert ids(client, "customers") == ["ann@example.org"]
    notes = next(said(one) for one in client.intake if one.table == "transactions")
    assert notes[0] == "customer_id: 1 e-mail address with capital letters, read in small ones"


def test_ids_of_parquet_are_mended_too(project):
    import pandas as pd

    frame = pd.DataFrame({"customer_id": ["'7", "NULL", "8.0"], "ordered_at": ["2024-01-01"] * 3, "amount": [1, 2, 3]})
    frame.to_parquet(project.folder / "transactions.parquet")
    project.table(rejects=0.5)
    client = project.open()
    assert ids(client) == ["7", "8"]
    assert client.intake[0].rows_set_aside == {"customer_id: empty": 1}


@pytest.mark.parametrize("word", ["0", "guest", "Guest", "unknown"])
def test_a_placeholder_is_named_with_its_rows(project, word):
    project.write("transactions.csv", HEAD + f"{word},2024-01-01,5\n{word},2024-01-02,5\nA,2024-01-02,5\n")
    client = project.open(as_of="2024-01-02")
    assert said(client.intake[0]) == (
        f"'{word}' stands in 2 of 3 rows of customer_id: guests? Name it under no_customer, unless it is one customer",
    )


def test_one_id_far_ahead_of_all_others_is_named_by_its_row(project):
    lines = "".join(f"C{n},2024-01-01,5\nC{n},2024-01-02,5\n" for n in range(40))
    project.write("transactions.csv", HEAD + lines + "till,2024-01-02,5\n" * 20)
    assert said(project.open(as_of="2024-01-02").intake[0]) == (
        "one customer_id stands in 20 of 100 rows, the next in 2 (see row 82): is that one customer? If not, name it under"
        " no_customer",
    )
    project.write("transactions.csv", HEAD + lines + "till,2024-01-02,5\n" * 19)
    assert said(project.open(as_of="2024-01-02").intake[0]) == ()


def test_rows_of_nobody_are_set_aside_with_what_they_bring(project):
    project.write("transactions.csv", HEAD + "0,2024-01-01,5\nGuest,2024-01-02,10\nA,2024-01-02,45\nB,2024-01-02,40\n")
    project.table(no_customer=["0", "guest"])
    client = project.open(as_of="2024-01-02")
    intake = client.intake[0]
    assert ids(client) == ["A", "B"]
    assert intake.rows_set_aside == {"customer_id: no customer: 0": 1, "customer_id: no customer: Guest": 1}
    assert (intake.rows_read, intake.rows_kept, intake.rows_rejected) == (4, 2, 0)
    assert said(intake) == ("2 rows without a customer bring €15.00, 15% of the sum of amount",)
