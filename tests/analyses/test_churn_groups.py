"""What can be worked out of the groups of churn by adding and subtracting what is shown? Nothing about few customers."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crmkit.analyses import churn
from crmkit.core.language import Locale, say

DAY = dt.date(2025, 12, 31)
SCHEMA = {"customer_id": "string", "started_at": "date", "ended_at": "date", "plan": "string", "churn_reason": "string"}


def contracts(sizes, reasons=("price",)):
    """Contracts of as many customers of each plan; who leaves gives the reasons in turn."""
    rng, n = np.random.default_rng(3), sum(sizes.values())
    start = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D")
    end = start + pd.to_timedelta(np.ceil(rng.exponential(500, n)), unit="D")
    left = end <= pd.Timestamp(DAY)
    return pd.DataFrame(
        {
            "customer_id": [f"C{at:04d}" for at in range(n)],
            "started_at": start.date,
            "ended_at": pd.Series(end.date).where(left, None),
            "plan": np.repeat(list(sizes), list(sizes.values())),
            "churn_reason": pd.Series(np.resize(reasons, n)).where(left, None),
        }
    )


@pytest.fixture
def study(in_memory):
    def read(table):
        rows = ibis.memtable(table.astype(object).where(table.notna(), None), schema=SCHEMA)
        company = in_memory(tables={"subscriptions": rows}, as_of=DAY, privacy={"min_cell": 10})
        return churn.history(company, churn.define(kind="contractual"))

    return read


@pytest.mark.parametrize("least", [2, 6, 9])
def test_what_the_total_leaves_over_of_the_groups_is_never_few(study, least):
    """The smallest is hidden and, where it is alone or few with others, the next: the total less what is shown is many."""
    sizes = {"a": 200, "b": 150, "c": 40, "d": least}
    past = study(contracts(sizes))
    tables = [churn.at_risk(past).table, churn.survival(past).table, churn.restricted(past).table]
    for table in tables:
        left = {plan: n for plan, n in sizes.items() if plan not in set(table["group"])}
        assert left == {"c": 40, "d": least}
    seen = tables[0].query("x == 0").set_index("group")["at_risk"]
    assert len(past.spells) - seen.sum() == 40 + least
    assert list(churn.lifelines_curves(past)) == ["a", "b"]
    note = say(churn.at_risk(past).note, Locale())
    assert note == "2 groups are not shown, so that nothing is told of fewer than 10 customers."


def test_groups_that_are_many_together_hide_each_other(study):
    past = study(contracts({"a": 200, "b": 150, "c": 7, "d": 6}))
    assert set(churn.at_risk(past).table["group"]) == {"a", "b"}


def test_where_no_group_can_be_shown_all_customers_are(study):
    past = study(contracts({"a": 200, "b": 3}))
    assert set(churn.at_risk(past).table["group"]) == {"All customers"}
    assert set(churn.survival(past).table["group"]) == {""}
    for result in (churn.restricted(past), churn.group_tests(past)):
        assert say(result.reason, Locale()) == "no column splits customers into groups that are large enough to be shown"


def test_the_board_less_its_groups_leaves_no_few_customers(study):
    past = study(contracts({"a": 300, "b": 200, "c": 60, "d": 4}))
    board = churn.board(past, churn.Backtest(None, None, None, (), None, None)).table
    whole = board.loc[board["dimension"] == "", "active"].item()
    shown = board[board["dimension"] == "Plan"]
    assert set(shown["level"]) == {"a", "b"}
    assert whole - shown["active"].sum() >= 10


@pytest.mark.parametrize("rare", [1, 3])
def test_reasons_that_are_few_take_the_next_with_them(study, rare):
    given = ["price"] * 30 + ["service"] * 12 + ["moved"] * rare
    past = study(contracts({"a": 100, "b": 100}, given))
    table = churn.reasons(past).table
    shown = dict(zip(table["group"], (table["value"] * table["n"]).round().astype(int), strict=True))
    counts = past.spells["churn_reason"].value_counts()
    assert counts["moved"] < 10 <= counts["service"]
    assert shown == {"price": counts["price"], "all others": counts["service"] + counts["moved"]}


def test_cohorts_that_are_few_take_the_next_with_them(study):
    table = contracts({"a": 400})
    early = pd.to_datetime(table["started_at"]) < pd.Timestamp("2023-04-01")
    few = pd.concat([table[early].head(4), table[~early]], ignore_index=True)
    rows, all_rows = (set(churn.cohorts(study(one)).table["row"]) for one in (few, table))
    assert {"2023Q1"} < all_rows - rows
    assert len(all_rows - rows) == 2
