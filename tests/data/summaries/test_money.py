"""Costs by month, cost of goods and what was bought, counted by hand."""

import datetime as dt

import ibis
import pandas as pd

from crmkit.data.summaries.money import bought_by_customer, goods_by_customer, monthly_costs, spend_by_month

UNTIL = dt.date(2025, 12, 31)


def table(rows, columns, **types):
    frame = pd.DataFrame(rows, columns=columns)
    schema = {name: types.get(name, "string") for name in columns}
    return ibis.memtable(frame, schema=schema)


def test_costs_are_summed_by_month_kind_and_channel():
    rows = [
        (dt.date(2025, 11, 1), "marketing", 10.0, "search"),
        (dt.date(2025, 11, 1), "marketing", 5.0, "search"),
        (dt.date(2025, 11, 1), "labour", 7.0, None),
        (dt.date(2026, 1, 1), "labour", 99.0, None),
    ]
    costs = table(rows, ["period", "category", "amount", "channel"], period="date", amount="float64")
    found = monthly_costs(costs, until=UNTIL)
    assert found[["category", "channel", "amount"]].values.tolist() == [["labour", "", 7.0], ["marketing", "search", 15.0]]
    assert monthly_costs(costs.drop("channel"), until=UNTIL)["amount"].tolist() == [7.0, 15.0]


def test_goods_whose_cost_is_not_told_stand_apart():
    rows = [
        ("a", dt.date(2025, 5, 1), 10.0, 6.0, False),
        ("a", dt.date(2025, 6, 1), 20.0, None, False),
        ("a", dt.date(2025, 6, 2), -10.0, 6.0, True),
        ("b", dt.date(2024, 12, 31), 10.0, 6.0, False),
    ]
    types = {"ordered_at": "date", "amount": "float64", "cost": "float64", "is_return": "boolean"}
    sales = table(rows, ["customer_id", "ordered_at", "amount", "cost", "is_return"], **types)
    found = goods_by_customer(sales, after=dt.date(2024, 12, 31), until=UNTIL)
    assert found.values.tolist() == [["a", 10.0, 6.0, 20.0]]


def test_spend_is_summed_by_month_without_returns_and_what_comes_later():
    rows = [
        ("a", dt.date(2024, 12, 31), 1.5, False),
        ("a", dt.date(2025, 11, 1), 10.0, False),
        ("a", dt.date(2025, 11, 30), 20.0, None),
        ("b", dt.date(2025, 11, 30), 5.25, False),
        ("b", dt.date(2025, 11, 30), -5.0, True),
        ("b", dt.date(2026, 1, 1), 99.0, False),
    ]
    types = {"ordered_at": "date", "amount": "float64", "is_return": "boolean"}
    sales = table(rows, ["customer_id", "ordered_at", "amount", "is_return"], **types)
    assert spend_by_month(sales, until=UNTIL).values.tolist() == [[2024, 12, 1.5, 1], [2025, 11, 35.25, 2]]


def test_each_kind_of_goods_counts_once():
    rows = [("a", dt.date(2025, 5, 1), "toys"), ("a", dt.date(2025, 6, 1), "toys"), ("a", dt.date(2025, 7, 1), None)]
    rows += [("b", dt.date(2025, 5, 1), "home"), ("b", dt.date(2026, 5, 1), "toys")]
    sales = table(rows, ["customer_id", "ordered_at", "category"], ordered_at="date")
    assert bought_by_customer(sales, column="category", until=UNTIL).values.tolist() == [["a", "toys"], ["b", "home"]]
