"""Features by hand, as of any day; rows of the future change nothing, and the newest dates prove it."""

import datetime as dt

import ibis
import pandas as pd
import pytest

from crmkit.data.client import open_client
from crmkit.data.sources.engine import frames_on, to_frame
from crmkit.data.summaries.features import FEATURES, churn_features

T0 = dt.date(2024, 6, 30)


def day(days: int) -> dt.date:
    """So many days before the cut-off."""
    return T0 - dt.timedelta(days=days)


def moment(days: int, hour: int = 12) -> dt.datetime:
    return dt.datetime.combine(day(days), dt.time(hour))


@pytest.fixture(scope="module")
def con():
    return ibis.duckdb.connect()


def make(con, name: str, columns: dict[str, str], rows: list[tuple]) -> ibis.Table:
    frame = pd.DataFrame(rows, columns=list(columns)).astype(object)
    return con.create_table(name, frame.where(frame.notna(), None), schema=ibis.schema(columns), overwrite=True)


TICKET = {
    "ticket_id": "string", "customer_id": "string", "opened_at": "timestamp(6)", "first_response_at": "timestamp(6)",
    "resolved_at": "timestamp(6)", "kind": "string",
}  # fmt: skip
INTERACTION = {"customer_id": "string", "occurred_at": "date", "kind": "string", "quantity": "int64"}
SURVEY = {
    "response_id": "string", "item_id": "string", "score": "decimal(18, 4)", "not_applicable": "boolean",
    "customer_id": "string", "sent_at": "date", "responded_at": "date",
}  # fmt: skip
CONTRACT = {"customer_id": "string", "started_at": "date", "ended_at": "date", "plan": "string", "mrr": "decimal(18, 4)"}


@pytest.fixture(scope="module")
def tables(con):
    return {
        "subscriptions": make(
            con, "subscriptions", CONTRACT,
            [("a", day(400), None, "pro", 100), ("a", day(50), None, "seat", 20), ("b", day(20), None, "basic", 10),
             ("gone", day(90), day(0), "basic", 1), ("soon", day(90), day(-1), "basic", 1), ("later", day(-1), None, "x", 1)],
        ),
        "tickets": make(
            con, "tickets", TICKET,
            [("1", "a", moment(90), moment(90, 13), moment(80), "fault"),  # outside the window
             ("2", "a", moment(89), moment(87), moment(80), "complaint"),  # slow
             ("3", "a", moment(2), moment(-3), None, "fault"),  # unanswered for two days
             ("4", "a", moment(0), None, None, "question"),  # not yet slow
             ("5", "a", moment(-1), moment(-1, 13), None, "complaint"),  # of the future
             ("6", "a", moment(30), moment(30, 13), moment(-1), None)],  # open at the cut-off
        ),
        "interactions": make(
            con, "interactions", INTERACTION,
            [("a", day(112), "usage", 1000), ("a", day(111), "usage", 20), ("a", day(28), "usage", 10),
             ("a", day(27), "usage", 5),
             ("a", day(0), "usage", 2), ("a", day(-1), "usage", 500), ("a", day(0), "call", 1), ("b", day(5), "call", 1),
             ("b", day(3), "usage", 4)],
        ),
        "surveys": make(
            con, "surveys", SURVEY,
            [("1", "csat", 2, False, "a", day(300), day(290)), ("2", "csat", 4, False, "a", day(30), day(20)),
             ("3", "csat", 1, False, "a", day(5), day(-1)), ("4", "csat", None, True, "a", day(3), day(2)),
             ("5", "nps", 9, False, "a", day(3), day(1)), ("6", "csat", 5, False, "b", day(400), day(365))],
        ),
        "customers": make(con, "customers", {"customer_id": "string", "region": "string"}, [("a", "North"), ("soon", "South")]),
    }  # fmt: skip


def test_features_by_hand(tables):
    found = to_frame(churn_features(tables, t0=T0)).set_index("customer_id")
    # the contract that ended on the cut-off is over, the one that ends on the next day runs
    assert found.index.tolist() == ["a", "b", "soon"]
    a = found.loc["a"]
    assert (a["tenure_days"], a["plan"], a["mrr"]) == (400, "seat", 120.0)
    assert (a["tickets_recent"], a["complaints_recent"], a["faults_recent"]) == (4, 1, 1)
    assert (a["slow_recent"], a["tickets_open"]) == (2, 3)
    assert (a["usage_recent"], a["usage_before"]) == (7, 30)
    assert a["usage_change"] == pytest.approx((7 / 28) / (30 / 84) - 1)
    assert (a["last_csat"], a["days_since_csat"], a["days_since_interaction"]) == (4.0, 20, 0)
    assert a["region"] == "North"
    b = found.loc["b"]
    assert (b["tickets_recent"], b["usage_recent"], b["days_since_interaction"]) == (0, 4, 3)
    # too short a history, an answer too old
    assert pd.isna(b["usage_change"])
    assert pd.isna(b["last_csat"])
    assert pd.isna(found.loc["soon", "days_since_interaction"])


def test_newest_dates(tables):
    found = to_frame(churn_features(tables, t0=T0)).set_index("customer_id")
    newest = {
        "subscriptions_newest": day(50), "tickets_newest": day(0), "interactions_newest": day(0), "usage_newest": day(0),
        "csat_newest": day(20),
    }  # fmt: skip
    assert {name: found.loc["a", name].date() for name in newest} == newest
    assert {feature.newest for feature in FEATURES.values()} == set(newest)


def test_windows_are_parameters(tables):
    found = to_frame(churn_features(tables, t0=T0, window_days=91, recent_days=7, before_days=28, csat_days=400))
    found = found.set_index("customer_id")
    assert found.loc["a", "tickets_recent"] == 5
    assert (found.loc["a", "usage_recent"], found.loc["a", "usage_before"]) == (2, 15)
    assert found.loc["b", "last_csat"] == 5.0


def test_tables_that_are_not_there(tables):
    found = to_frame(churn_features({"subscriptions": tables["subscriptions"]}, t0=T0))
    assert found.columns.tolist() == ["customer_id", "started_at", "tenure_days", "plan", "mrr", "subscriptions_newest"]
    assert len(found) == 3


@pytest.fixture(scope="module")
def techco():
    with open_client("techco") as client:
        yield client


@pytest.mark.parametrize("t0", [dt.date(2023, 2, 1), dt.date(2024, 4, 1), dt.date(2025, 9, 30)])
def test_rows_of_the_future_change_nothing(techco, t0):
    """The same with every later row taken out beforehand, by the event dates and by nothing else."""
    events = {"subscriptions": "started_at", "tickets": "opened_at", "interactions": "occurred_at", "surveys": "responded_at"}
    end = ibis.literal(t0)
    before = {
        name: techco.tables[name].filter(techco.tables[name][event].cast("date") <= end) for name, event in events.items()
    }
    full = to_frame(churn_features(techco.tables, t0=t0))
    cut = to_frame(churn_features({**before, "customers": techco.tables["customers"]}, t0=t0))
    pd.testing.assert_frame_equal(full, cut)
    for newest in {feature.newest for feature in FEATURES.values()}:
        assert not (full[newest] > pd.Timestamp(t0)).any()
    assert full["customer_id"].is_monotonic_increasing


def test_many_days_at_once_give_what_each_day_gives(techco):
    """Dates of a calendar's every kind: the end of a month, of a year, a day that only a leap year has."""

    def on(day):
        return churn_features(techco.tables, t0=day, grace_days=30, attributes=())

    days = [dt.date(2024, 2, 29), dt.date(2024, 12, 31), dt.date(2025, 1, 1), dt.date(2025, 9, 30)]
    found = frames_on(on, days)
    assert [len(one) > 50 for one in found] == [True] * len(days)
    for day, one in zip(days, found, strict=True):
        pd.testing.assert_frame_equal(one, to_frame(on(day)))


def test_same_bytes_in_every_run(techco):
    runs = {to_frame(churn_features(techco.tables, t0=dt.date(2025, 6, 1))).to_csv() for _ in range(4)}
    assert len(runs) == 1
