"""The small lines beside what customers are worth: whole months, counted by hand, none that tells of few customers."""

import datetime as dt

import pandas as pd

from crmkit.analyses import clv
from crmkit.analyses.clv.months import by_month


def bought(*, first="2025-01-01", months=6, customers=12):
    days = pd.date_range(first, periods=months, freq="MS") + pd.Timedelta(days=4)
    rows = [(f"C{n:02d}", day, 10.0 * (place + 1)) for place, day in enumerate(days) for n in range(customers)]
    rows.append(("C00", pd.Timestamp(first), 1.0))
    return pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"])


def test_revenue_and_buyers_of_each_whole_month(in_memory):
    table = bought(months=7)
    past = clv.read(in_memory(tables={"transactions": table}, as_of=dt.date(2025, 7, 20)), holdout_days=0)
    lines = by_month(past)
    assert lines["clv"]["points"] == [
        ["2025-01-31", 121.0], ["2025-02-28", 240.0], ["2025-03-31", 360.0], ["2025-04-30", 480.0], ["2025-05-31", 600.0],
        ["2025-06-30", 720.0],
    ], "July is not over"  # fmt: skip
    assert {value for _, value in lines["purchases"]["points"]} == {12.0}


def test_a_month_that_began_before_the_data_and_one_of_few_customers_are_left_out(in_memory):
    table = bought(first="2025-01-20", months=6)
    table = table[(table["ordered_at"].dt.month != 4) | (table["customer_id"] < "C03")]
    past = clv.read(in_memory(tables={"transactions": table}, as_of=dt.date(2025, 7, 31)), holdout_days=0)
    assert [day[:7] for day, _ in by_month(past)["clv"]["points"]] == ["2025-02", "2025-03", "2025-05", "2025-06", "2025-07"]


def test_without_amounts_no_money_is_drawn(in_memory):
    table = bought().drop(columns="amount")
    past = clv.read(in_memory(tables={"transactions": table}, as_of=dt.date(2025, 6, 30)), holdout_days=0)
    assert set(by_month(past)) == {"purchases"}


def test_contracts_are_those_of_the_end_of_each_month(company):
    rows = [(f"C{n:02d}", "2025-01-01", "2025-03-15" if n < 5 else None, 10.0) for n in range(20)]
    table = pd.DataFrame(rows, columns=["customer_id", "started_at", "ended_at", "mrr"])
    past = clv.read(company(tables={"subscriptions": table}, as_of="2025-04-30"), holdout_days=0)
    lines = by_month(past)
    assert lines["alive"]["points"] == [["2025-01-31", 20.0], ["2025-02-28", 20.0], ["2025-03-31", 15.0], ["2025-04-30", 15.0]]
    assert lines["clv"]["points"][-1] == ["2025-04-30", 150.0]
