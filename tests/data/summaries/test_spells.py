"""Spells are their definition, day by day; nothing of what came later is seen."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from crmkit.data.as_of import known_at
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.spells import spells

START, AS_OF = dt.date(2024, 1, 1), dt.date(2024, 3, 31)
SCHEMA = {
    "customer_id": "string",
    "started_at": "date",
    "ended_at": "date",
    "plan": "string",
    "mrr": "decimal(18, 4)",
    "renewed": "boolean",
    "churn_reason": "string",
    "churn_kind": "string",
}
# a failure is shown as it was found: making it smaller would take minutes, a table at a time
QUICK = {"deadline": None, "phases": [Phase.explicit, Phase.reuse, Phase.generate]}
CONTRACTS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 100),
        st.one_of(st.none(), st.integers(0, 40)),
        st.sampled_from(["voluntary", "involuntary", "paused", None]),
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def con():
    return ibis.duckdb.connect(threads=2)


def table_of(con, rows) -> ibis.Table:
    """Rows of (customer, first day, days or None, kind) and, where given, (plan, mrr, renewed, reason)."""
    made = [
        (
            customer,
            START + dt.timedelta(days=first),
            None if days is None else START + dt.timedelta(days=first + days),
            *(rest[:1] or ["p"]),
            *(rest[1:2] or [1.0]),
            *(rest[2:3] or [None]),
            *(rest[3:4] or ["r"]),
            kind,
        )
        for customer, first, days, kind, *rest in rows
    ]
    frame = pd.DataFrame(made, columns=list(SCHEMA)).astype(object)
    return con.create_table("contracts", frame.where(frame.notna(), None), schema=ibis.schema(SCHEMA), overwrite=True)


def by_day(rows, *, as_of: dt.date, grace_days: int) -> list[tuple]:
    """The definition: days under contract, joined over gaps of no more than the grace days."""
    found = []
    for customer in sorted({row[0] for row in rows}):
        mine = []
        for _, first, days, kind in (row for row in rows if row[0] == customer):
            start = START + dt.timedelta(days=first)
            end = None if days is None else start + dt.timedelta(days=days)
            if start <= as_of:
                mine.append((start, None if end is None or end > as_of else end, None if end is None or end > as_of else kind))
        covered: set[dt.date] = set()
        for start, end, _ in mine:
            last = as_of if end is None else end
            covered |= {start + dt.timedelta(days=n) for n in range((last - start).days + 1)}
        days_there = sorted(covered)
        groups: list[list[dt.date]] = []
        for day in days_there:
            if groups and (day - groups[-1][-1]).days <= grace_days + 1:
                groups[-1].append(day)
            else:
                groups.append([day])
        for number, group in enumerate(groups, start=1):
            running = any(end is None and start in group for start, end, _ in mine)
            kinds = {kind or "unknown" for _, end, kind in mine if end == group[-1]}
            # of several kinds on one day the greatest word, and a word before none
            named = {kind for _, end, kind in mine if end == group[-1] and kind}
            kind = max(named or kinds, default=None)
            sure = not running and (as_of - group[-1]).days >= grace_days and kind != "paused"
            found.append((customer, number, group[0], None if running else group[-1], sure, kind if sure else None))
    return found


@settings(max_examples=25, **QUICK)
@given(rows=CONTRACTS, grace_days=st.sampled_from([0, 7]))
def test_spells_are_the_definition(con, rows, grace_days):
    frame = to_frame(spells(table_of(con, rows), as_of=AS_OF, grace_days=grace_days))
    found = [
        (
            row.customer_id,
            row.spell,
            row.started_at.date(),
            None if pd.isna(row.ended_at) else row.ended_at.date(),
            bool(row.event_observed),
            row.event if isinstance(row.event, str) else None,
        )
        for row in frame.itertuples()
    ]
    assert found == by_day(rows, as_of=AS_OF, grace_days=grace_days)
    until = frame["ended_at"].fillna(pd.Timestamp(AS_OF))
    assert (frame["observed_end"] == until).all()
    assert (frame["duration_days"] == (until - frame["started_at"]).dt.days).all()


def test_plan_price_and_reason_of_the_last_contract(con):
    rows = [
        ("a", 0, 30, None, "basic", 10, True, "none"),
        ("a", 31, 20, "voluntary", "pro", 30, False, "price"),
        ("a", 31, 10, None, "seat", 5, False, "x"),
    ]
    (row,) = to_frame(spells(table_of(con, rows), as_of=AS_OF)).itertuples()
    assert (row.first_plan, row.plan, row.mrr, row.churn_reason, row.contracts) == ("basic", "seat", 35.0, "price", 3)
    assert row.duration_days == 51


def test_who_has_renewed_is_not_gone(con):
    rows = [("a", 0, 30, None, "p", 1, True), ("a", 31, None, None), ("b", 0, 30, None, "p", 1, True)]
    table = table_of(con, rows)
    on_the_day = to_frame(spells(table, as_of=START + dt.timedelta(days=30)))
    assert on_the_day["ended_at"].isna().all()
    later = to_frame(spells(table, as_of=AS_OF)).set_index("customer_id")
    assert pd.isna(later.loc["a", "ended_at"])
    # a renewal without a follower is a fault of the data: neither gone nor there
    assert later.loc["b", "ended_at"] == pd.Timestamp(START + dt.timedelta(days=30))
    assert not later.loc["b", "event_observed"]


def test_left_truncation(con):
    rows = [("a", 0, 10, "voluntary"), ("b", 0, 50, "voluntary"), ("c", 40, None, None)]
    found = to_frame(spells(table_of(con, rows), as_of=AS_OF, since=START + dt.timedelta(days=20)))
    assert found[["customer_id", "entry_days", "duration_days"]].values.tolist() == [["b", 20, 50], ["c", 0, 50]]


@settings(max_examples=8, **QUICK)
@given(rows=CONTRACTS, cut=st.integers(5, 80))
def test_a_day_of_the_past_is_seen_as_it_was(con, rows, cut):
    """Rows that did not exist yet, and ends that had not come, change nothing."""
    day = START + dt.timedelta(days=cut)
    then = [
        (
            customer,
            first,
            None if days is None or first + days > cut else days,
            None if days is None or first + days > cut else kind,
        )
        for customer, first, days, kind in rows
        if first <= cut
    ]
    now, before = to_frame(spells(table_of(con, rows), as_of=day)), to_frame(spells(table_of(con, then), as_of=day))
    pd.testing.assert_frame_equal(now, before)


def test_known_at_hides_what_came_later(con):
    table = table_of(con, [("a", 0, 50, "voluntary"), ("b", 60, None, None), ("c", 0, 10, "paused")])
    seen = to_frame(known_at(table, name="subscriptions", day=START + dt.timedelta(days=20)))
    assert seen["customer_id"].tolist() == ["a", "c"]
    assert seen["ended_at"].isna().tolist() == [True, False]
    assert seen["churn_kind"].tolist() == [None, "paused"]


def test_a_table_of_two_columns(con):
    table = table_of(con, [("a", 0, None, None)]).select("customer_id", "started_at")
    (row,) = to_frame(spells(table, as_of=AS_OF)).itertuples()
    assert (row.duration_days, row.event_observed) == (90, False)
    assert np.isnan(row.mrr)
