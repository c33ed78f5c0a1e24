"""Gaps between purchase days are their definition; the last one is open."""

import datetime as dt

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.data.gap_summaries import gap_cells, purchase_gaps, silences
from crmkit.data.summaries.purchases import to_frame

START, AS_OF = dt.date(2024, 1, 1), dt.date(2024, 2, 9)
SALES = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 50), st.booleans()), max_size=20)


@pytest.fixture(scope="module")
def con():
    return ibis.duckdb.connect(threads=2)


def table_of(con, sales) -> ibis.Table:
    frame = pd.DataFrame(
        {
            "customer_id": pd.Series([row[0] for row in sales], dtype="object"),
            "ordered_at": pd.Series([START + dt.timedelta(days=row[1]) for row in sales], dtype="object"),
            "is_return": pd.Series([row[2] for row in sales], dtype="bool"),
        }
    )
    schema = ibis.schema({"customer_id": "string", "ordered_at": "date", "is_return": "boolean"})
    return con.create_table("sales", frame, schema=schema, overwrite=True)


@settings(max_examples=15, deadline=None)
@given(sales=SALES)
def test_gaps_are_the_definition(con, sales):
    expected = []
    last = (AS_OF - START).days
    for customer in "abc":
        days = sorted({day for who, day, back in sales if who == customer and not back and day <= last})
        for number, (first, after) in enumerate(zip(days, [*days[1:], None][: len(days)], strict=True), start=1):
            expected.append((customer, number, (last if after is None else after) - first, after is not None))
    gaps = purchase_gaps(table_of(con, sales), as_of=AS_OF)
    found = to_frame(gaps)
    assert list(zip(found.customer_id, found.gap, found.gap_days, found.event_observed, strict=True)) == expected
    cells = gap_cells(gaps)
    assert cells["n"].sum() == len(expected)
    assert gap_cells(gaps, repeat_only=True)["n"].sum() == sum(number > 1 for _, number, *_ in expected)
    for row in silences(gaps).itertuples():
        longer = [observed for _, _, days, observed in expected if days > row.gap_days]
        assert (row.longer_ended, row.longer_open) == (sum(longer), len(longer) - sum(longer))


def test_a_window(con):
    sales = [("a", 0, False), ("a", 10, False), ("a", 12, True), ("a", 30, False)]
    found = to_frame(purchase_gaps(table_of(con, sales), as_of=AS_OF, since=START + dt.timedelta(days=5)))
    assert found[["gap", "gap_days", "event_observed"]].values.tolist() == [[1, 20, True], [2, 9, False]]
    without_flag = table_of(con, sales).drop("is_return")
    assert len(to_frame(purchase_gaps(without_flag, as_of=AS_OF))) == 4
