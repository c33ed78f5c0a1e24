"""Who is a customer on a day: by contract, by purchase, and in the words that every page shows."""

import datetime as dt

import ibis
import pandas as pd
import pytest

from crmkit.data.summaries.standing import ACTIVE, LAPSED, NEVER, standing

DAY = dt.date(2025, 12, 31)


def table(rows, dates=()):
    frame = pd.DataFrame(rows)
    return ibis.memtable(frame.assign(**{name: pd.to_datetime(frame[name]) for name in dates})).cast(
        dict.fromkeys(dates, "date")
    )


def states(tables, **keys):
    found = standing(tables, as_of=DAY, **keys)
    return dict(zip(found["customer_id"], found["state"], strict=True))


@pytest.fixture
def shop():
    """One who bought on the last day that counts, one a day before it, one whose last row is a return, one who never bought."""
    rows = [
        {"customer_id": "a", "ordered_at": "2025-10-02", "is_return": False},
        {"customer_id": "a", "ordered_at": "2024-01-01", "is_return": False},
        {"customer_id": "b", "ordered_at": "2025-10-01", "is_return": False},
        {"customer_id": "c", "ordered_at": "2025-01-01", "is_return": False},
        {"customer_id": "c", "ordered_at": "2025-12-30", "is_return": True},
    ]
    return {"transactions": table(rows, ["ordered_at"]), "customers": table([{"customer_id": one} for one in "abcd"])}


def test_without_contracts_who_bought_within_the_days_is_active(shop):
    assert states(shop, active_days=90) == {"a": ACTIVE, "b": LAPSED, "c": LAPSED, "d": NEVER}
    assert states(shop, active_days=91) == {"a": ACTIVE, "b": ACTIVE, "c": LAPSED, "d": NEVER}
    assert states({"transactions": shop["transactions"]}, active_days=365) == dict.fromkeys("abc", ACTIVE)


def test_with_contracts_who_has_one_is_active(shop):
    rows = [
        {"customer_id": "a", "started_at": "2024-01-01", "ended_at": None},
        {"customer_id": "b", "started_at": "2024-01-01", "ended_at": "2025-06-30"},
        {"customer_id": "c", "started_at": "2024-01-01", "ended_at": "2024-12-31"},
        {"customer_id": "c", "started_at": "2025-03-01", "ended_at": None},
        # begins on the day itself: nothing has been seen of it
        {"customer_id": "d", "started_at": "2025-12-31", "ended_at": None},
    ]
    tables = {**shop, "subscriptions": table(rows, ["started_at", "ended_at"])}
    assert states(tables, active_days=7) == {"a": ACTIVE, "b": LAPSED, "c": ACTIVE, "d": NEVER}


def test_where_nothing_says_who_bought_nothing_is_said(shop):
    assert standing({"customers": shop["customers"]}, as_of=DAY) is None
