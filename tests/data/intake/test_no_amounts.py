"""A list of customers and days without amounts: read where it was declared so, or where there is nothing else to read."""

from __future__ import annotations

import pytest

from crmkit.core.errors import DataError, as_shown
from crmkit.core.language import Locale, say


def said(client):
    return [say(note, Locale()) for note in client.intake[0].notes]


NOTE = "there are no amounts: purchases are counted, and nothing is said of money"


def test_days_alone_need_no_amounts(project):
    project.write("transactions.csv", "customer_id,ordered_at\nA,2024-01-05\nA,2024-02-05\nB,2024-02-06\n")
    client = project.open()
    assert client.tables["transactions"].columns == ("customer_id", "ordered_at", "is_return")
    assert client.intake[0].rows_kept == 3
    assert NOTE in said(client)


def test_headers_that_are_named_are_all_read(project):
    project.table(columns={"customer_id": "Card", "ordered_at": 2, "channel": "Door"})
    project.write("transactions.csv", "Card,Day,Door\nA,2024-01-05,north\n")
    assert NOTE in said(project.open())


def test_another_column_may_hold_the_amounts(project):
    project.write("transactions.csv", "customer_id,ordered_at,Betrag\nA,2024-01-05,5\n")
    with pytest.raises(DataError, match="has no column 'amount', which is required; if there is none, write amounts: false"):
        project.open()
    project.table(amounts=False)
    assert NOTE in said(project.open())


def test_an_amount_or_what_it_is_worked_out_of_is_still_read(project):
    project.write("transactions.csv", "customer_id,ordered_at,price,quantity\nA,2024-01-05,2,3\n")
    client = project.open()
    assert float(client.tables["transactions"].execute()["amount"].iloc[0]) == 6
    assert NOTE not in said(client)


def test_returns_are_known_by_their_order_id(project):
    project.table(returns={"prefix": "C"})
    project.write("transactions.csv", "customer_id,ordered_at,order_id\nA,2024-01-05,O1\nA,2024-02-05,C2\n")
    table = project.open().tables["transactions"].order_by("ordered_at").execute()
    assert table["is_return"].tolist() == [False, True]


def test_costs_need_their_amounts(project):
    project.write("costs.csv", "period,category\n2024-01,labour\n")
    (problem,) = as_shown(project.check().problems)
    assert problem.startswith("costs: costs.csv has no column 'amount', which is required")
    assert "amounts: false" not in problem


def test_the_same_in_parquet(project):
    import pandas as pd

    days = pd.to_datetime(["2024-01-05", "2024-02-05"])
    pd.DataFrame({"customer_id": ["A", "B"], "ordered_at": days}).to_parquet(project.folder / "transactions.parquet")
    assert NOTE in said(project.open())
