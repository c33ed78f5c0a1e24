"""Who waits for a call: the latest answer, low, not too old, nobody in touch since; the same as the list of calls says."""

import datetime as dt

import pandas as pd
import pytest

from crmkit.core.language import Locale, say
from crmkit.data.summaries.waiting import ORDER, left_to, overlap, waiting

DAY = dt.date(2025, 12, 31)
ITEMS = {"nps": {"scale": [0, 10], "kind": "nps"}, "ces": {"scale": [1, 7], "kind": "ces"}}


def answered(*rows, **columns):
    """(customer, day, recommendation, ease) -> the long table of a questionnaire."""
    table = pd.DataFrame(rows, columns=["customer_id", "day", "nps", "ces"])
    table["responded_at"] = pd.to_datetime(table.pop("day"))
    table = table.assign(response_id=[f"S{k}" for k in range(len(table))], **columns)
    long = table.melt(
        id_vars=[c for c in table if c not in ITEMS], value_vars=list(ITEMS), var_name="item_id", value_name="score"
    )
    return long.assign(score=long["score"].astype("float64"), not_applicable=False)


@pytest.fixture
def opened(in_memory):
    def make(surveys, items=ITEMS, **tables):
        return in_memory(tables={"surveys": surveys, **tables}, declared={"surveys": {"items": items}}, as_of=DAY)

    return make


ROWS = (("A", "2025-12-01", 6, 7), ("B", "2025-12-01", 7, 7), ("C", "2025-12-01", 9, 3), ("D", "2025-06-01", 0, 1))


def test_low_is_a_detractor_or_a_great_effort(opened):
    assert waiting(opened(answered(*ROWS))) == {"A", "C"}
    assert waiting(opened(answered(*ROWS)), loop_days=365) == {"A", "C", "D"}


def test_the_latest_answer_counts(opened):
    assert waiting(opened(answered(*ROWS, ("A", "2025-12-20", 10, 7), ("B", "2025-12-20", 1, 7)))) == {"B", "C"}


def test_without_a_recommendation_satisfaction_decides_by_the_middle_of_its_scale(opened):
    items = {"nps": {"scale": [0, 10], "kind": "csat"}, "ces": {"scale": [1, 7], "kind": "driver"}}
    rows = [(name, "2025-12-01", score, 1) for name, score in (("low", 4), ("middle", 5), ("high", 6))]
    assert waiting(opened(answered(*rows), items)) == {"low"}


def test_who_was_contacted_since_waits_no_more(opened):
    calls = pd.DataFrame(
        {
            "customer_id": ["A", "C"], "direction": ["outbound", "inbound"],
            "occurred_at": pd.to_datetime(["2025-12-02", "2025-12-02"]),
        }
    )  # fmt: skip
    assert waiting(opened(answered(*ROWS), interactions=calls)) == {"C"}


def test_without_questions_or_names_nobody_waits(opened, in_memory):
    assert waiting(in_memory(tables={}, as_of=DAY)) == frozenset()
    assert waiting(opened(answered(*ROWS).drop(columns="customer_id"))) == frozenset()
    unasked = {name: {**one, "kind": "driver"} for name, one in ITEMS.items()}
    assert waiting(opened(answered(*ROWS), unasked)) == frozenset()


def test_each_customer_is_taken_by_the_first_list_that_holds_him():
    held = {"clv_wake": frozenset("BC"), "satisfaction_loop": frozenset("AB"), "clv_grow": frozenset("C")}
    assert overlap("ABCD", held) == {"satisfaction_loop": 2, "clv_wake": 1, "clv_grow": 0}
    assert next(iter(ORDER)) == "satisfaction_loop"
    said = say(left_to({"clv_wake": 1, "satisfaction_loop": 2}), Locale())
    assert said.endswith("2 by the list of calls, 1 by the list to wake.")
    assert left_to({"clv_wake": 0}) == ""
