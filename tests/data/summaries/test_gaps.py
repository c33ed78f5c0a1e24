"""Gaps between purchases: against a plain count over rows, the same bytes in every run, and text for other engines."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from crmkit.core.errors import DataError
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.gaps import (
    buying_days,
    gap_cells,
    gap_lengths,
    log_band,
    open_gaps,
    purchase_gaps,
    some_customers,
)

START = dt.date(2024, 1, 1)
END = dt.date(2024, 2, 20)
QUICK = {"deadline": None, "phases": [Phase.explicit, Phase.reuse, Phase.generate]}
SCHEMA = {
    "customer_id": "string",
    "ordered_at": "date",
    "amount": "float64",
    "is_return": "boolean",
    "channel": "string",
}
CLOSED = [(dt.date(2024, 1, 10), dt.date(2024, 1, 16))]
PURCHASES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "007"]),
        st.integers(0, 55),
        st.decimals(0, 99, places=2),
        st.booleans(),
        st.sampled_from(["web", "shop", None]),
    ),
    max_size=25,
)


def log_of(purchases) -> pd.DataFrame:
    columns = list(zip(*purchases, strict=True)) or [()] * 5
    return pd.DataFrame(
        {
            "customer_id": pd.Series(columns[0], dtype="object"),
            "ordered_at": pd.Series([START + dt.timedelta(days=day) for day in columns[1]], dtype="object"),
            "amount": pd.Series([float(amount) for amount in columns[2]], dtype="float64"),
            "is_return": pd.Series(columns[3], dtype="bool"),
            "channel": pd.Series(columns[4], dtype="object"),
        }
    )


@pytest.fixture(scope="module")
def con():
    return ibis.duckdb.connect(threads=2)


def table_of(log: pd.DataFrame, con) -> ibis.Table:
    return con.create_table("log", log, schema=SCHEMA, overwrite=True)


def open_between(first: dt.date, last: dt.date, closed) -> int:
    days = (first + dt.timedelta(days=k + 1) for k in range((last - first).days))
    return sum(not any(a <= day <= b for a, b in closed) for day in days)


def brute_force(log: pd.DataFrame, *, as_of: dt.date, closed=()) -> list[dict]:
    """The definitions, one customer and one purchase after the other."""
    found = []
    seen = log[log.ordered_at <= as_of]
    for customer, rows in sorted(seen.groupby("customer_id")):
        bought = rows[~rows.is_return]
        days = sorted(bought.ordered_at.unique())
        for k, day in enumerate(days):
            so_far, today = rows[rows.ordered_at <= day], bought[bought.ordered_at == day]
            spent = so_far[~so_far.is_return].amount.sum()
            back = so_far[so_far.is_return].amount.sum()
            words = sorted({word for word in today.channel if word})
            known = open_between(days[0], day, closed)
            ends = days[k + 1] if k + 1 < len(days) else as_of
            found.append(
                {
                    "customer_id": customer,
                    "number": k + 1,
                    "started_at": pd.Timestamp(day),
                    "ended_at": pd.Timestamp(ends) if k + 1 < len(days) else pd.NaT,
                    "duration_days": open_between(day, ends, closed),
                    "event_observed": k + 1 < len(days),
                    "previous_gap_days": open_between(days[k - 1], day, closed) if k else np.nan,
                    "mean_gap_days": known / k if k else np.nan,
                    "known_days": known,
                    "amount": today.amount.sum(),
                    "mean_amount": spent / (k + 1),
                    "returned_share": back / spent if spent else 0.0,
                    "month": day.month,
                    "channel": None if not words else words[0] if len(words) == 1 else "several",
                    "rhythm_days": (known + 2 * 12.0) / (k + 2),
                }
            )
    return found


@settings(max_examples=25, **QUICK)
@given(purchases=PURCHASES, closed=st.sampled_from([(), CLOSED]))
def test_gaps_are_the_definition(con, purchases, closed):
    log = log_of(purchases)
    found = to_frame(purchase_gaps(table_of(log, con), as_of=END, closed=closed, typical_days=12.0))
    expected = brute_force(log, as_of=END, closed=closed)
    assert len(found) == len(expected)
    if expected:
        right = pd.DataFrame(expected)
        assert list(found.columns) == list(right.columns)
        words = ["customer_id", "channel"]
        assert found[words].fillna("").values.tolist() == right[words].fillna("").values.tolist()
        pd.testing.assert_frame_equal(found.drop(columns=words), right.drop(columns=words), check_dtype=False, atol=1e-9)


def test_what_follows_the_day_of_the_cut_is_not_seen(con):
    log = log_of([("a", 0, 1, False, None), ("a", 10, 2, False, None), ("a", 30, 3, False, None)])
    cut = START + dt.timedelta(days=20)
    found = to_frame(purchase_gaps(table_of(log, con), as_of=cut))
    assert found[["duration_days", "event_observed"]].values.tolist() == [[10, True], [10, False]]
    assert found["ended_at"].isna().tolist() == [False, True]


def test_gaps_of_a_cut_are_those_of_all_days_up_to_it(con):
    """Nothing that is known when a gap begins changes with what comes after it."""
    rng = np.random.default_rng(0)
    rows = [(f"c{rng.integers(9)}", int(rng.integers(56)), 5, bool(rng.random() < 0.1), "web") for _ in range(120)]
    table = table_of(log_of(rows), con)
    late, early = (to_frame(purchase_gaps(table, as_of=day)) for day in (END, dt.date(2024, 1, 20)))
    names = [name for name in early if name not in ("ended_at", "duration_days", "event_observed")]
    same = late[late.started_at <= pd.Timestamp("2024-01-20")].reset_index(drop=True)
    pd.testing.assert_frame_equal(early[names], same[names])


def test_each_customer_is_in_one_gap(con):
    log = log_of([("a", 0, 1, False, None), ("a", 9, 2, False, None), ("b", 3, 2, False, None), ("b", 4, 1, True, None)])
    found = to_frame(open_gaps(purchase_gaps(table_of(log, con), as_of=END)))
    assert found[["customer_id", "number", "duration_days"]].values.tolist() == [["a", 2, 41], ["b", 1, 47]]
    assert found["returned_share"].tolist() == [0.0, 0.0]  # what came back the day after was not known


def test_returns_only_make_no_gap(con):
    log = log_of([("a", 0, 1, True, None), ("b", 9, 2, True, None)])
    assert to_frame(purchase_gaps(table_of(log, con), as_of=END)).empty


def test_without_amounts_words_and_returns(con):
    log = log_of([("a", 0, 1, False, "web"), ("a", 2, 1, False, "web")])
    table = table_of(log, con).select("customer_id", "ordered_at")
    found = to_frame(purchase_gaps(table, as_of=END))
    assert found["amount"].tolist() == [0.0, 0.0]
    assert "channel" not in found


def test_discounts_are_a_share_of_the_price_before_them(con):
    log = log_of([("a", 0, 8, False, None), ("a", 0, 0, False, None), ("b", 0, 0, False, None)])
    table = table_of(log, con).mutate(discount=ibis.literal(1.0))
    found = to_frame(purchase_gaps(table, as_of=END))
    assert found["discount_share"].tolist() == [0.2, 1.0]


def made_log(tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "log.parquet"
    ibis.duckdb.connect().con.execute(
        "COPY (SELECT (hash(i) % 8000)::VARCHAR AS customer_id, DATE '2023-01-01' + (hash(i + 1) % 730)::INT AS ordered_at,"
        " (hash(i + 2) % 100000)::DOUBLE / 700 AS amount, hash(i + 3) % 20 = 0 AS is_return,"
        " CASE hash(i + 4) % 3 WHEN 0 THEN 'web' WHEN 1 THEN 'shop' END AS channel FROM range(60000) t(i))"
        f" TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 10000)"
    )
    return path


BANDS = {"log_rhythm": log_band("rhythm_days", low=20, high=300, bands=5), "log_amount": log_band("amount", low=10, high=150)}
SUMMARIES = {
    "purchase_gaps": to_frame,
    "gap_cells": lambda gaps: gap_cells(gaps, bands=BANDS, words=["channel"]),
    "open_gaps": lambda gaps: to_frame(open_gaps(gaps)),
    "some_customers": lambda gaps: to_frame(some_customers(gaps, every=10)),
    "gap_lengths": lambda gaps: gap_lengths(gaps, group="channel"),
}


@pytest.fixture(scope="module")
def big_log(tmp_path_factory):
    return made_log(tmp_path_factory)


@pytest.mark.parametrize("name", SUMMARIES)
def test_same_bytes_at_one_two_and_four_threads(big_log, name):
    engines = [ibis.duckdb.connect(threads=threads, preserve_insertion_order=False) for threads in (1, 2, 4)]
    made = [
        SUMMARIES[name](purchase_gaps(engine.read_parquet(big_log), as_of=dt.date(2024, 12, 1), typical_days=90.0))
        for engine in engines
    ]
    assert len(made[0])
    for other in made[1:]:
        pd.testing.assert_frame_equal(other, made[0], check_exact=True)
    for engine in engines:
        engine.disconnect()


def test_cells_count_every_gap_once(big_log, con):
    gaps = purchase_gaps(con.read_parquet(big_log), as_of=dt.date(2024, 12, 1), typical_days=90.0)
    rows, cells = to_frame(gaps), gap_cells(gaps, bands=BANDS, words=["channel"])
    assert cells["n"].sum() == len(rows)
    assert cells["amount"].sum() == pytest.approx(rows["amount"].sum(), rel=1e-9)
    band = BANDS["log_rhythm"]
    rows["log_rhythm"] = np.array(band.values)[np.searchsorted(band.edges, rows["rhythm_days"], side="right")]
    rows["channel"] = rows["channel"].fillna("")
    rows["stratum"] = rows["number"].clip(upper=4)
    keys = ["stratum", "duration_days", "event_observed", "log_rhythm", "channel"]
    one, other = (t.groupby(keys)[what].agg(how) for t, what, how in ((rows, "number", "size"), (cells, "n", "sum")))
    assert one.to_dict() == other.to_dict()
    # a band stands for what is in it
    apart = (np.log(rows["rhythm_days"]) - rows["log_rhythm"])[rows["rhythm_days"].between(20, 300)].abs().max()
    assert apart <= np.log(300 / 20) / 5 / 2 + 1e-9
    assert gap_lengths(gaps)["n"].sum() == len(rows)


def test_some_customers_come_with_all_their_gaps(big_log, con):
    gaps = purchase_gaps(con.read_parquet(big_log), as_of=dt.date(2024, 12, 1))
    every, some = to_frame(gaps), to_frame(some_customers(gaps, every=10))
    kept = every["customer_id"].drop_duplicates().iloc[::10]
    pd.testing.assert_frame_equal(some, every[every["customer_id"].isin(kept)].reset_index(drop=True))


def test_days_of_buying(con):
    log = log_of([("a", 0, 1, False, None), ("b", 0, 1, False, None), ("b", 0, 1, False, None), ("a", 5, 1, True, None)])
    assert buying_days(table_of(log, con), as_of=END).values.tolist() == [[pd.Timestamp(START), 2]]


def test_faults_are_named(con):
    gaps = purchase_gaps(table_of(log_of([("a", 0, 1, False, None)]), con), as_of=END)
    with pytest.raises(DataError, match=r"there is no column 'chanel'; did you mean 'channel'\?"):
        gap_cells(gaps, bands={}, words=["chanel"])
    with pytest.raises(DataError, match="rising limits above 0"):
        log_band("amount", low=0, high=5)


@pytest.mark.parametrize("engine", ["duckdb", "postgres", "databricks"])
def test_text_for_every_engine(engine):
    gaps = purchase_gaps(ibis.table(SCHEMA, name="log"), as_of=END, closed=CLOSED, typical_days=9.0)
    for made in (open_gaps(gaps), some_customers(gaps, every=5)):
        text = str(ibis.to_sql(made, dialect=engine)).upper()
        assert "ORDER BY" in text.rpartition("FROM")[2]
