"""How a column is read: what its amounts name as their currency, how their digits are grouped, which days have no end."""

from __future__ import annotations

import json

import pytest

from crmkit.core.errors import DataError
from crmkit.data.client import open_client

LINES = "customer_id,ordered_at,amount"


@pytest.fixture
def opened(tmp_path, request):
    """One table as text, opened; the client is closed at the end."""

    def make(*lines, table="transactions", currency="EUR", header=LINES, **settings):
        for folder in ("params", "notebooks", "data/acme"):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        keys = {"client": "acme", "title": "A", "source": "data/acme", "currency": currency, "as_of": "2024-12-31"}
        (tmp_path / "params/acme.yml").write_text(json.dumps({**keys, "tables": {table: settings}}))
        (tmp_path / f"data/acme/{table}.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        client = open_client("acme", home=tmp_path)
        request.addfinalizer(client.close)
        return client

    return make


def amounts(client):
    return [float(value) for value in client.tables["transactions"].order_by("customer_id").execute()["amount"]]


def orders(*values):
    return [f'C{at},2024-01-{at + 1:02d},"{value}"' for at, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "currency", "read"),
    [
        (["$10", "12.5"], "USD", [10, 12.5]),
        (["$10", "12.5"], "CAD", [10, 12.5]),
        (["US$1,234.50", "$99.50"], "USD", [1234.5, 99.5]),
        (["￥99.50元", "¥5"], "CNY", [99.5, 5]),
        (["10.00 EUR", "€ 3"], "EUR", [10, 3]),
        (["R$ 1.234,50", "R$ 2"], "BRL", [1234.5, 2]),
        (["₹1,20,000.00", "₹99.50"], "INR", [120000, 99.5]),
        (["Rs. 5", "Rs 7"], "INR", [5, 7]),
    ],
)
def test_the_clients_own_currency_is_read(opened, values, currency, read):
    assert amounts(opened(*orders(*values), currency=currency)) == read


def test_another_currency_is_refused_with_its_rows(opened):
    with pytest.raises(DataError) as caught:
        opened(*orders("$10.00", "€20.00", "£30.00", "¥40.00", "$5"), currency="USD")
    assert "column 'amount' has amounts in £ (1 row), ¥ (1 row), € (1 row) beside the client's USD" in str(caught.value)
    assert "rates: {GBP: ..., CNY: ..., EUR: ...}" in str(caught.value)


def test_another_currency_is_converted_by_its_rate(opened):
    client = opened(*orders("10", "$20.00", "3 USD"), rates={"USD": 0.5})
    assert amounts(client) == [10, 10, 1.5]


def test_a_sign_and_a_code_that_do_not_fit_are_no_amount(opened):
    with pytest.raises(DataError, match=r"1 value that cannot be read as a number \(row 3\): '€9 xxx'"):
        opened(*orders("10", "€5 USD"))


def test_a_sign_must_fit_the_currency_of_its_row(opened):
    header = f"{LINES},currency"
    with pytest.raises(DataError, match=r"1 value that cannot be read as a number \(row 3\): '\$9'"):
        opened("A,2024-01-01,€4,EUR", "B,2024-01-02,$5,EUR", "C,2024-01-02,$6,USD", header=header)


def test_indian_groups_beside_others_are_asked_about(opened):
    with pytest.raises(DataError, match=r"is written in two ways, '9,99,999' and '999,999'; declare grouping"):
        opened(*orders("1,20,000", "120,000"))
    with pytest.raises(DataError, match=r"cannot be read as a number \(row 3\): '999,999'"):
        opened(*orders("1,20,000", "120,000"), grouping="indian")
    assert amounts(opened(*orders("12,345", "1"), grouping="indian")) == [12345, 1]


@pytest.mark.parametrize("value", ["1 23456", "+49 171 90000003", "0171 234 567", "EUR5USD", "1,23,45", "\x1f5x"])
def test_what_is_no_amount_is_refused_with_its_row(opened, value):
    with pytest.raises(DataError, match=r"1 value that cannot be read as a number \(row 4\)"):
        opened(*orders("10.50", "11.50", value))


@pytest.mark.parametrize("day", ["0024-08-29", "0001-01-01", "epoch", "infinity", "2101-01-01", "9999-12-31", "08/03/14"])
def test_what_is_no_day_is_refused_with_its_row(opened, day):
    with pytest.raises(DataError, match=r"column 'ordered_at' has 1 value that cannot be read as a date \(row 3\)"):
        opened("A,2024-01-01,10", f"B,{day},11")


def test_two_digits_of_a_year_after_the_name_of_a_month(opened):
    client = opened("A,08-Mar-24,10", "A,21-May-24,12", "B,21 May 24,9")
    days = client.tables["transactions"].order_by(["ordered_at", "amount"]).execute()["ordered_at"]
    assert [str(day)[:10] for day in days] == ["2024-03-08", "2024-05-21", "2024-05-21"]


def test_a_day_beyond_all_plans_means_that_a_contract_runs(opened):
    lines = ["A,2024-01-01,9999-12-31", "B,2024-02-01,2999-12-31", "C,2024-02-01,2099-12-31", "D,2024-02-01,2024-05-31"]
    client = opened(*lines, table="subscriptions", header="customer_id,started_at,ended_at")
    ended = client.tables["subscriptions"].order_by("customer_id").execute()["ended_at"]
    assert ended.isna().tolist() == [True, True, True, False]
    (intake,) = [one for one in client.intake if one.table == "subscriptions"]
    assert [note.numbers["rows"].value for note in intake.notes] == [3]


def test_a_length_of_time_becomes_seconds(opened):
    lines = ["1,csat,5,2024-03-05,30秒", "2,csat,4,2024-03-05,5分12秒", "3,csat,4,2024-03-05,75"]
    header = "response_id,item_id,score,responded_at,duration_seconds"
    items = {"csat": {"scale": [1, 5], "kind": "csat"}}
    client = opened(*lines, table="surveys", header=header, items=items)
    assert client.tables["surveys"].order_by("response_id").execute()["duration_seconds"].tolist() == [30, 312, 75]


def test_seconds_since_1970_are_converted_to_the_clients_day(opened):
    client = opened("A,1394321400,10", "B,1400670240,11")
    days = client.tables["transactions"].order_by("customer_id").execute()["ordered_at"]
    assert [str(day)[:10] for day in days] == ["2014-03-08", "2014-05-21"]


def test_a_mark_of_ours_cannot_come_in_from_outside(opened):
    assert amounts(opened(*orders("\x1f5", "12.5"))) == [5, 12.5]
    with pytest.raises(DataError, match=r"cannot be read as a date \(row 2\)"):
        opened("A,\x1f45356,10", "B,2024-01-02,10")
