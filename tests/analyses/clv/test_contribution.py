"""What is left after the cost of goods, and whether last year's revenue is kept; counted by hand."""

import pandas as pd
import pytest

from crmkit.analyses import clv
from crmkit.core.language import Locale, say

TERMS = clv.Terms(365, 0.1, 0.4)


@pytest.fixture(scope="module")
def sales():
    """Forty customers who left half of what they paid in 2025, and one who cost more; most had paid 100 the year before."""
    rows = [(f"c{i}", "2025-06-01", 100.0 + i, (100.0 + i) / 2, False) for i in range(40)]
    rows += [("loss", "2025-07-01", 10.0, 30.0, False), ("c0", "2025-08-01", -50.0, 25.0, True)]
    rows += [(f"c{i}", "2024-06-01", 100.0, 50.0, False) for i in range(10, 40)]
    rows += [(f"g{i}", "2024-06-02", 100.0, 50.0, False) for i in range(20)]
    rows.append(("old", "2023-12-01", 100.0, 50.0, False))
    return pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount", "cost", "is_return"])


def study(make_company, table, **others):
    company = make_company(table, min_cell=1, **others)
    return company, clv.read(company, holdout_days=0)


def test_what_is_left_is_paid_less_cost_of_goods(make_company, sales):
    company, past = study(make_company, sales)
    table = clv.contribution(company, past, None).table.set_index("group")
    paid = sum(100 + i for i in range(40)) + 10
    left = sum(100 + i for i in range(40)) / 2 - 20
    row = table.loc["all customers"]
    assert (row["n"], row["paid"], row["left"], row["losses"]) == (41, paid, pytest.approx(left), 1)
    assert row["value"] == pytest.approx(left / paid)
    assert row["low"] < row["value"] < row["high"]
    assert row["each"] == pytest.approx(left / 41)


def test_tiers_add_up_to_all(make_company, simulated):
    table = simulated.assign(cost=simulated["amount"] * 0.6)
    company, past = study(make_company, table)
    values = clv.customer_values(past, clv.fit_models(past, compare=[]), TERMS, tiering=clv.Tiering([0.2, 0.5]), draws=0)
    result = clv.contribution(company, past, values)
    rows = result.table.set_index("group")
    assert rows.loc[["A", "B", "C"], "left"].sum() == pytest.approx(rows.loc["all customers", "left"])
    assert rows["value"].tolist() == pytest.approx([0.4] * 4)
    # what is left is what was agreed
    assert "after the cost of goods" in say(result.finding.text, Locale())
    dear = clv.contribution(*study(make_company, table.assign(cost=table["amount"] * 0.9)), values)
    assert "the agreed margin is 40%" in say(dear.finding.text, Locale())


def test_goods_whose_cost_is_not_known(make_company, sales):
    for table in (sales.drop(columns="cost"), sales.assign(cost=sales["cost"].where(sales.index < 5))):
        assert not clv.contribution(*study(make_company, table), None).assessed


def test_the_steps_from_then_to_now_add_up(make_company, sales):
    company, past = study(make_company, sales)
    result = clv.net_retention(company, past)
    table = result.table
    assert say(result.finding.text, Locale()).endswith("40% was lost, 14.7% gained.")
    # fifty paid 100 each; twenty are gone, thirty pay 110 to 139, more than before
    now = sum(100 + i for i in range(10, 40))
    assert table["money"].tolist() == [5000, -2000, 0, now - 3000, now]
    assert table["money"].iloc[:4].sum() == table["money"].iloc[4]
    assert table["n"].tolist() == [50, 20, 0, 30, 30]
    assert table["value"].iloc[-1] == pytest.approx(now / 5000)
    assert table["low"].iloc[-1] < now / 5000 < table["high"].iloc[-1]


def test_with_contracts_prices_are_compared(company):
    rows = [(f"k{i}", "2024-01-01", None, 10.0) for i in range(10)]
    rows += [(f"u{i}", "2024-01-01", "2025-06-30", 10.0) for i in range(10)]
    rows += [(f"u{i}", "2025-07-01", None, 15.0) for i in range(5)] + [("new", "2025-07-01", None, 99.0)]
    contracts = pd.DataFrame(rows, columns=["customer_id", "started_at", "ended_at", "mrr"])
    client = company(tables={"subscriptions": contracts}, as_of="2025-12-31", privacy={"min_cell": 1})
    table = clv.net_retention(client, clv.read(client, holdout_days=0)).table
    assert table["money"].tolist() == [200, -50, 0, 25, 175]


def test_too_few_to_be_told(make_company, sales):
    few = sales[sales["ordered_at"] > "2025-01-01"]
    assert not clv.net_retention(*study(make_company, few)).assessed
