"""Amounts of rows in several currencies: converted once, when the table is read, or refused with their rows, in `check` too."""

from __future__ import annotations

import pytest

from crmkit.core.errors import DataError, as_shown
from crmkit.core.language import Locale, say
from crmkit.data.client import check_client

HEADER = "customer_id,ordered_at,amount,cost,currency"


def write(project, *rows, header=HEADER, **settings):
    project.params(currency="EUR", as_of="2024-12-31", tables={"transactions": settings})
    project.write("transactions.csv", "\n".join([header, *rows]) + "\n")


def money(client, column="amount"):
    return [float(one) for one in client.tables["transactions"].order_by("customer_id").execute()[column]]


def codes(client):
    return client.tables["transactions"].order_by("customer_id").execute()["currency"].tolist()


def test_another_currency_is_refused_by_check_beside_all_other_problems(project):
    write(project, "A,2024-01-01,10,1,usd ", "B,2024-01-02,10,1,USD", "C,2024-01-02,ten,1,EUR", "D,2024-01-02,5,1,GBP")
    (problems,) = [as_shown(check_client("acme", home=project.home).problems)]
    assert any("column 'amount' has 1 value that cannot be read as a number (row 4)" in one for one in problems)
    (found,) = [one for one in problems if "currency" in one]
    assert "column 'currency' has USD (2 rows), GBP (1 row) beside the client's EUR (rows 2, 3, 5)" in found
    assert "give what one unit is worth in EUR, as rates: {USD: ..., GBP: ...} in params/acme.yml, tables.transactions" in found


def test_money_is_converted_at_the_door_and_said(project):
    write(
        project,
        "A,2024-01-01,10,4,USD",
        "B,2024-01-02,10,4,",
        "C,2024-01-02,-3,1,usd",
        rates={"USD": 0.5},
        negative_amounts="returns",
    )
    client = project.open()
    assert (money(client), money(client, "cost")) == ([5, 10, -1.5], [2, 4, 0.5])
    notes = [say(note, Locale()) for note in client.intake[0].notes]
    assert "2 amounts were converted to EUR: USD 0.5 (2)" in notes


def test_a_price_is_converted_and_so_is_what_is_worked_out_of_it(project):
    header = "customer_id,ordered_at,price,quantity,currency"
    write(project, "A,2024-01-01,0.0001,30000,USD", "B,2024-01-02,2,3,EUR", header=header, rates={"USD": 0.5})
    client = project.open()
    assert money(client) == [1.5, 6]
    assert money(client, "price") == [0.0001, 2]  # 0.00005 in four decimals


@pytest.mark.parametrize(
    ("word", "rates", "code", "factor"),
    [
        ("€", {}, "EUR", 1),
        ("eur", {}, "EUR", 1),
        ("N/A", {}, "EUR", 1),
        ("US$", {"USD": 0.5}, "USD", 0.5),
        ("$", {"USD": 0.5}, "USD", 0.5),
        ("$", {"CAD": 0.5, "GBP": 1.2}, "CAD", 0.5),
        ("Rs.", {"INR": 0.01}, "INR", 0.01),
        ("£", {"GBP": 1.2}, "GBP", 1.2),
        ("XTS", {"XTS": 2.0}, "XTS", 2),
    ],
)
def test_a_sign_in_the_column_is_read_as_its_code(project, word, rates, code, factor):
    write(project, f"A,2024-01-01,10,1,{word}", rates=rates)
    client = project.open()
    assert (codes(client), money(client)) == ([code], [10 * factor])


@pytest.mark.parametrize(
    ("word", "rates", "way"),
    [
        ("$", {"USD": 0.5, "CAD": 0.5}, "rates: {USD: ...}"),
        ("$", {}, "rates: {USD: ...}"),
        ("Taler", {"USD": 0.5}, "values: {currency: {TALER: AED}}"),
    ],
)
def test_what_may_be_several_currencies_or_none_is_refused_with_its_row(project, word, rates, way):
    write(project, "A,2024-01-01,10,1,EUR", f"B,2024-01-01,10,1,{word}", rates=rates)
    with pytest.raises(DataError) as caught:
        project.open()
    (shown,) = caught.value.shown
    assert f"column 'currency' has {word.upper()} (1 row)" in shown
    assert "(row 3)" in shown
    assert way in shown


def test_words_of_the_client_come_first(project):
    write(
        project,
        "A,2024-01-01,10,1,Dollars",
        "B,2024-01-01,$10,1,Dollars",
        rates={"USD": 0.5},
        values={"currency": {"Dollars": "USD"}},
    )
    assert money(project.open()) == [5, 5]


def test_a_sign_inside_an_amount_must_fit_the_sign_of_its_row(project):
    write(project, "A,2024-01-01,$10,1,$", "B,2024-01-01,€10,1,", rates={"USD": 0.5})
    assert money(project.open()) == [5, 10]
    write(project, "A,2024-01-01,$10,1,€", rates={"USD": 0.5})
    with pytest.raises(DataError, match=r"cannot be read as a number \(row 2\)"):
        project.open()


def test_rows_that_do_not_count_need_no_rate(project):
    write(project, "A,2024-01-01,10,1,EUR", "B,2024-01-01,10,1,USD", leave_out={"currency": ["USD"]})
    assert money(project.open()) == [10]


def test_all_in_the_clients_currency_stays_as_it_is(project):
    write(project, "A,2024-01-01,10,1,EUR", "B,2024-01-02,12.5,1,eur")
    client = project.open()
    assert (money(client), codes(client)) == ([10, 12.5], ["EUR", "EUR"])
    assert not any("converted" in say(note, Locale()) for note in client.intake[0].notes)


def test_a_parquet_file_is_converted_alike(project):
    import pandas as pd

    project.params(currency="EUR", as_of="2024-12-31", tables={"transactions": {"rates": {"USD": 0.5}}})
    days = pd.to_datetime(["2024-01-01", "2024-01-02"])
    frame = pd.DataFrame({"customer_id": ["A", "B"], "ordered_at": days, "amount": [10.0, 3.0], "currency": ["USD", "EUR"]})
    frame.to_parquet(project.folder / "transactions.parquet")
    assert money(project.open()) == [5, 3]
