"""What follows from other columns is worked out and said; an own column always comes first."""

import pytest

from crmkit.core.errors import DataError, ParamError
from crmkit.core.language import Locale, say
from crmkit.data.sources.engine import to_frame

LINES = (
    "InvoiceNo,Quantity,Price,CustomerID,Date\n536365,6,2.55,17850.0,2010-12-01\n536366,6,3.39,17850.0,2010-12-01\n"
    "C536379,-1,27.5,14527.0,2010-12-01\n536544,1,2.51,14527.0,2010-12-13\n"
)
COLUMNS = {"customer_id": "CustomerID", "ordered_at": "Date", "order_id": "InvoiceNo"}


def said(intake):
    return tuple(say(note, Locale()) for note in intake.notes)


def amounts(client):
    frame = to_frame(client.tables["transactions"]).set_index("order_id").sort_index()
    return list(zip(frame.index, frame["amount"], frame["is_return"], strict=True))


def test_amount_is_price_times_quantity(project):
    project.write("transactions.csv", LINES)
    project.table(columns=COLUMNS)
    client = project.open(as_of="2010-12-31")
    assert amounts(client) == [
        ("536365", 15.3, False),
        ("536366", 20.34, False),
        ("536544", 2.51, False),
        ("C536379", -27.5, True),
    ]
    assert said(client.intake[0])[1:] == ("amount is price times quantity", "1 row with a quantity below zero is a return")


def test_an_amount_of_its_own_comes_first(project):
    project.write("transactions.csv", "customer_id,ordered_at,amount,price,quantity\nA,2024-01-01,9,5,2\n")
    assert to_frame(project.open().tables["transactions"])["amount"].tolist() == [9.0]


def test_an_amount_that_cannot_be_worked_out_is_refused(project):
    project.write("transactions.csv", "customer_id,ordered_at,price,quantity\nA,2024-01-01,5,2\nB,2024-01-01,,2\n")
    with pytest.raises(DataError, match=r"column 'amount' is empty in 1 row \(row 3\)"):
        project.open()


def test_returns_by_the_order_id(project):
    project.write("transactions.csv", "customer_id,ordered_at,amount,order_id\nA,2024-01-01,9,c1\nA,2024-01-01,9,X1\n")
    project.table(returns={"prefix": "C"})
    client = project.open(as_of="2024-01-01")
    assert amounts(client) == [("X1", 9.0, False), ("c1", -9.0, True)]
    assert said(client.intake[0]) == ("1 row is a return, because its order id begins with C",)


def test_a_yearly_price_is_a_twelfth_a_month(project):
    project.write(
        "subscriptions.csv",
        "customer_id,started_at,mrr,Interval\nA,2023-01-01,290,year\nB,2023-01-01,29,Month\nC,2023-01-01,30,\n",
    )
    client = project.open(as_of="2023-02-01")
    assert to_frame(client.tables["subscriptions"])["mrr"].tolist() == [24.1667, 29.0, 30.0]
    assert said(client.intake[0]) == ("1 price for more than a month was divided by its months",)


def test_an_interval_that_nobody_knows(project):
    project.write(
        "subscriptions.csv", "customer_id,started_at,mrr,Interval\nA,2023-01-01,240,biennial\nB,2023-01-01,29,month\n"
    )
    with pytest.raises(DataError) as caught:
        project.open()
    assert caught.value.shown[0].startswith(
        "subscriptions: column 'interval' has 1 value of unknown length (row 2): 'biennial'; say how many months each is under"
    )
    project.params(tables={"subscriptions": {"interval": {"biennial": 24}}})
    assert to_frame(project.open().tables["subscriptions"])["mrr"].tolist() == [10.0, 29.0]
    project.params(tables={"subscriptions": {"interval": {"biennial": 0}}})
    with pytest.raises(ParamError, match="is no number of months for biennial"):
        project.open()


def test_contracts_of_which_only_the_months_are_told(project):
    project.write("subscriptions.csv", "customerID,tenure,Churn\nA,12,No\nB,1,Yes\nC,0,No\n")
    tables = {"subscriptions": {"columns": {"customer_id": "customerID", "churned": "Churn"}}}
    project.params(as_of="2024-03-31", tables=tables)
    client = project.open()
    frame = to_frame(client.tables["subscriptions"]).sort_values("customer_id")
    assert frame["started_at"].astype(str).tolist() == ["2023-03-31", "2024-02-29", "2024-03-31"]
    assert frame["ended_at"].isna().tolist() == [True, False, True]
    assert "1 contract begins on 31 Mar 2024, the last day; nothing has been seen of it yet, so no rate counts it" in said(
        client.intake[0]
    )
    project.params(tables=tables)
    with pytest.raises(DataError, match="has tenure and no started_at, and no day to count back from"):
        project.open()
