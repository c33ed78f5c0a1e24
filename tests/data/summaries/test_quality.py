"""Counts of the quality of a table: one scan, equal bytes however many threads there are, and equal to pandas."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crmkit.data.sources.engine import query
from crmkit.data.summaries.extremes import returns_by_customer
from crmkit.data.summaries.figures import figures, joined, listed
from crmkit.data.summaries.quality import _counted, matches, profile, spend

AS_OF = dt.date(2025, 12, 31)
ROWS = 5000


def orders(seed=0):
    rng = np.random.default_rng(seed)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, ROWS), unit="D")
    table = pd.DataFrame({"customer_id": [f"c{one}" for one in rng.integers(0, 600, ROWS)], "ordered_at": day})
    table["amount"] = np.round(np.exp(rng.normal(3, 1, ROWS)), 2)
    table["channel"] = np.where(rng.random(ROWS) < 0.2, None, "web")
    table["is_return"] = rng.random(ROWS) < 0.05
    return table


@pytest.fixture(scope="module")
def con(tmp_path_factory):
    path = tmp_path_factory.mktemp("orders") / "orders.parquet"
    con = ibis.duckdb.connect()
    con.con.register("rows", orders())
    cast = "customer_id, ordered_at::DATE AS ordered_at, amount::DECIMAL(18, 4) AS amount, channel, is_return"
    query(con, f"COPY (SELECT {cast} FROM rows) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 1024)")
    query(con, f"CREATE TABLE transactions AS SELECT * FROM '{path}'")
    query(
        con,
        "CREATE TABLE customers AS SELECT DISTINCT customer_id, customer_id AS name FROM transactions WHERE customer_id < 'c4'",
    )
    yield con
    con.disconnect()


def test_a_table_is_scanned_once(con):
    _, counted = _counted(con.table("transactions"), name="transactions", as_of=AS_OF, required=(), money=None)
    sql = str(ibis.to_sql(counted, dialect="duckdb"))
    assert sql.count('FROM "memory"."main"."transactions"') + sql.count('FROM "transactions"') == 1


def test_counts_are_those_of_pandas(con):
    rows = profile(con.table("transactions"), name="transactions", as_of=AS_OF).set_index(["measure", "item"])
    table = orders()
    assert rows.loc[("rows", ""), "hits"] == ROWS
    channel = rows.loc[("filled", "channel")]
    assert channel["hits"] == table["channel"].notna().sum()
    assert channel["money"] == pytest.approx(table.loc[table["channel"].isna(), "amount"].sum(), abs=1e-6)
    assert rows.loc[("newest", "ordered_at"), "hits"] == (pd.Timestamp(AS_OF) - table["ordered_at"].max()).days


def test_threads_change_no_byte(con):
    def said():
        tables = {"transactions": con.table("transactions"), "customers": con.table("customers")}
        money = spend(tables, as_of=AS_OF, days=365)
        frames = [profile(tables["transactions"], name="transactions", as_of=AS_OF)]
        frames += [matches(tables["customers"], {"sales": [tables["transactions"]]}, money=money)]
        frames += [returns_by_customer(tables["transactions"])]
        return b"".join(frame.to_csv(index=False).encode() for frame in frames)

    seen = set()
    for threads in (1, 2, 4):
        query(con, f"SET threads = {threads}")
        seen |= {said() for _ in range(3)}
    assert len(seen) == 1


def test_figures_of_other_rows(con):
    tables = {"transactions": con.table("transactions"), "customers": con.table("customers")}
    now = figures(tables, as_of=AS_OF, active_days=200)
    table = orders()
    assert now["customers"][0] == table.loc[~table["is_return"], "customer_id"].nunique()
    known = table[table["customer_id"] < "c4"]
    fewer = figures(listed(tables), as_of=AS_OF, active_days=200)
    assert fewer["customers"][0] == known.loc[~known["is_return"], "customer_id"].nunique()
    same = pd.DataFrame({"customer_id": ["c1", "c2"], "one": ["c3", "c3"]})
    assert figures(joined(tables, same), as_of=AS_OF, active_days=200)["customers"][0] == now["customers"][0] - 2
    assert figures(joined(tables, same), as_of=AS_OF, active_days=200)["revenue"][0] == pytest.approx(now["revenue"][0])
