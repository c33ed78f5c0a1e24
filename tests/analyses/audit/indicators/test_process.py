"""Indicators of the process, worked out by hand: 57 / 57 with the other modules of this folder."""

import pandas as pd
import pytest

from crmkit.analyses.audit import Rules
from crmkit.analyses.audit.indicators.estimate import NO_COLUMN, NO_DATA, NOT_REACHED

EXACT = 1e-12
DAYS = 92


@pytest.fixture
def past(make_past, tickets):
    return make_past({"tickets": tickets})


@pytest.mark.parametrize(
    ("name", "value", "n", "missing"),
    [
        ("P-RESP", 4 / 7, 7, 1),  # 1, 4, 8 and 2 hours are in time, 9, 30 and the one that waits are not; k7 is 4 hours old
        ("P-RESP50", 8.0, 8, 2),  # 7/8, 6/8, after a censored one 5/8, then 5/8 x 3/4 < 1/2 at 8 hours
        ("P-RES", 40.0, 8, 2),  # k7 censored at 4 hours, then 6/7, 5/7, 4/7, 3/7 at 10, 20, 30, 40
        ("P-CMPT", 100.0, 3, 1),  # 2/3 at 30, 1/3 at 100
        ("P-FCR", 3 / 6, 6, 0),  # k1, k5 and k8
        ("P-REOPEN", 1 / 6, 6, 0),  # k3
        ("P-CACK", 1 / 3, 3, 0),  # k3 after 8 hours; k5 after 30, k6 never
        ("P-CLOSE", 5 / 6, 6, 0),  # all but k2
    ],
)
def test_tickets(measure, past, name, value, n, missing):
    found = measure(name, past)
    assert (found.value, found.n, found.n_missing) == (pytest.approx(value, abs=EXACT), n, missing)
    assert found.low <= found.value <= found.high or (found.low <= found.value and pd.isna(found.high))


def test_nine_of_ten_answered(measure, make_past, tickets):
    hours = pd.DataFrame({"opened_at": pd.Timestamp("2025-11-03 08:00"), "hours": range(1, 11)})
    rows = hours.assign(
        ticket_id=[f"k{hour}" for hour in hours["hours"]],
        customer_id=[f"c{hour}" for hour in hours["hours"]],
        first_response_at=hours["opened_at"] + pd.to_timedelta(hours["hours"], unit="h"),
    ).drop(columns="hours")
    # exactly a tenth waits from 9 to 10 hours: the middle
    assert measure("P-RESP90", make_past({"tickets": rows})).value == 9.5
    # of the eight tickets two have no answer: nine of ten never come
    assert measure("P-RESP90", make_past({"tickets": tickets})).reason == NOT_REACHED


def test_complaints_per_thousand_orders_or_customer_months(measure, make_past, frame, tickets, contracts):
    orders = frame("customer_id ordered_at amount", *[(name, "2025-11-15", 10) for name in "abcd" for _ in range(10)])
    found = measure("P-CMPR", make_past({"tickets": tickets, "transactions": orders}))
    assert (found.value, found.n) == (pytest.approx(3 / 40 * 1000), 40)
    # at the end of October all seven have a contract (b's next one begins on the day after), then e is gone, then f and g
    months = measure("P-CMPR", make_past({"tickets": tickets, "subscriptions": contracts}))
    assert (months.value, months.n) == (pytest.approx(3 / months.n * 1000), 7 + 6 + 4)


def test_backlog_in_weeks_of_inflow(measure, past):
    # k6 is older than five days; eight tickets in 92 days
    assert measure("P-BACK", past).value == pytest.approx(1 / (8 / (DAYS / 7)))


def test_backlog_past_another_norm(measure, make_past, tickets):
    strict = make_past({"tickets": tickets}, rules=Rules(norm_hours=2))
    assert measure("P-BACK", strict).value == pytest.approx(2 / (8 / (DAYS / 7)))


@pytest.mark.parametrize(
    ("rules", "name", "value"),
    [
        (Rules(ack_hours=30), "P-CACK", 2 / 3),  # k5 after 30 hours is in time now
        (Rules(ack_hours=1), "P-CACK", 0.0),
        (Rules(notice_days=60), "P-CLOSE", 2 / 3),  # of k1, k2 and k3, solved in October, k2 was not told
    ],
)
def test_other_limits_of_tickets(measure, make_past, tickets, rules, name, value):
    assert measure(name, make_past({"tickets": tickets}, rules=rules)).value == pytest.approx(value)


def test_tickets_closed_by_agent_and_week(measure, past):
    # hours by kind: questions 80/3, complaints 65, the fault 40, all 250/6; weeks back from the end: 12, 8, 7, 3
    question, complaint, fault = (hours / (250 / 6) for hours in (80 / 3, 65, 40))
    weeks = [(2 * question + complaint) / 2, fault, complaint, question]
    assert measure("P-TPUT", past).value == pytest.approx(sum(weeks) / 4)


def test_throughput_is_held_against_own_weeks(measure, make_past):
    opened = pd.date_range("2025-01-01 08:00", "2025-12-31 20:00", freq="12h")
    rows = pd.DataFrame({"opened_at": opened, "resolved_at": opened + pd.Timedelta(hours=3)})
    rows = rows.assign(ticket_id=[f"k{i}" for i in range(len(rows))], customer_id="a", agent_id="g")
    found = measure("P-TPUT", make_past({"tickets": rows}))
    assert found.value == 14.0  # two a day
    assert len(found.past) == 39
    assert set(found.past) == {14.0}


def test_contacts_per_active_customer_and_month(measure, make_past, frame, contracts):
    rows = frame(
        "customer_id occurred_at kind direction",
        *[("a", "2025-10-05", "call", "inbound")] * 4,
        *[("b", "2025-12-05", "visit", "outbound")] * 5,
        *[("c", "2025-12-05", "usage", None)] * 90,
    )
    found = measure("P-CONT", make_past({"interactions": rows, "subscriptions": contracts}))
    assert (found.value, found.n) == (pytest.approx(9 / 17), 17)
    only_use = make_past({"interactions": rows[rows["kind"] == "usage"], "subscriptions": contracts})
    assert measure("P-CONT", only_use).reason == NO_DATA


def test_follow_up_of_active_customers(measure, make_past, frame, contracts):
    rows = frame(
        "customer_id occurred_at kind direction",
        ("a", "2025-10-05", "follow_up", "outbound"),
        ("b", "2025-12-05", "Follow-up", "outbound"),
        ("b", "2025-12-06", "follow_up", "outbound"),
        ("c", "2025-09-30", "follow_up", "outbound"),  # too long ago
        ("d", "2025-12-06", "call", "outbound"),  # no follow-up
        ("e", "2025-12-06", "follow_up", "outbound"),  # has left
    )
    found = measure("P-COVER", make_past({"interactions": rows, "subscriptions": contracts}))
    assert (found.value, found.n) == (2 / 4, 4)
    calls = rows.assign(kind="call")
    assert measure("P-COVER", make_past({"interactions": calls, "subscriptions": contracts})).value == 3 / 4
    silent = rows.drop(columns=["direction"]).assign(kind="call")
    assert measure("P-COVER", make_past({"interactions": silent, "subscriptions": contracts})).reason == NO_COLUMN


@pytest.fixture
def feedback(frame):
    """Forty comments of November, and five suggestions of the summer."""
    rows = [("phone", "complaint", True)] * 20 + [("mail", "praise", True)] * 14 + [("mail", "praise", False)] * 3
    rows += [("web", "question", False)] * 2 + [("chat", "praise", True)]
    november = [
        (f"f{i}", "2025-11-05", "x", channel, kind, "2025-11-09" if done else None, None)
        for i, (channel, kind, done) in enumerate(rows)
    ]
    summer = [
        (f"s{i}", "2025-08-05", "x", "phone", "suggestion", "2025-08-09", "2025-10-01" if i < 2 else None) for i in range(5)
    ]
    late = [
        ("l0", "2025-12-30", "x", "phone", "suggestion", "2025-12-30", "2025-12-31"),
        ("l1", "2025-12-30", "x", None, "praise", None, None),
    ]
    return frame("feedback_id received_at text channel category acknowledged_at adopted_at", *november, *summer, *late)


def test_channels_that_bring_feedback_and_answers(measure, make_past, feedback):
    # of 41 with a channel phone has 21, mail 17, chat 1 (2.4 %); web has 2 (4.9 %) and no answer
    found = measure("P-CHAN", make_past({"feedback": feedback}))
    assert (found.value, found.n, found.n_missing) == (2, 41, 1)
    assert found.low <= 2 <= found.high


def test_feedback_answered(measure, make_past, feedback):
    # 35 of 40 of November; those of the last days have time
    found = measure("P-LOOP", make_past({"feedback": feedback}))
    assert (found.value, found.n, found.n_missing) == (35 / 40, 40, 2)


def test_feedback_that_may_be_answered_later(measure, make_past, feedback):
    # with sixty days to answer nothing of the quarter is due yet but what was answered
    usual, patient = (make_past({"feedback": feedback}, rules=Rules(answer_days=days)) for days in (14, 60))
    assert measure("P-LOOP", patient).n < measure("P-LOOP", usual).n


def test_suggestions_adopted(measure, make_past, feedback):
    # those of the summer; that of December is too new to be held against anybody
    half = make_past({"feedback": feedback}, cycle="half_year")
    assert (measure("P-ADOPT", half).value, measure("P-ADOPT", half).n) == (2 / 5, 5)
    sooner = make_past({"feedback": feedback}, cycle="half_year", rules=Rules(adopt_days=1))
    assert measure("P-ADOPT", sooner).value == 3 / 6
    unread = feedback.assign(acknowledged_at=feedback["acknowledged_at"].where(feedback["feedback_id"] != "s4"))
    assert measure("P-ADOPT", make_past({"feedback": unread}, cycle="half_year")).value == 2 / 4
    assert measure("P-ADOPT", make_past({"feedback": feedback.drop(columns="adopted_at")})).reason == NO_COLUMN


@pytest.mark.parametrize(
    ("column", "names"),
    [
        ("first_response_at", ["P-RESP", "P-RESP50", "P-RESP90", "P-CACK"]),
        ("resolved_at", ["P-RES", "P-CMPT", "P-BACK", "P-TPUT", "P-FCR", "P-REOPEN", "P-CLOSE"]),
        ("reopened", ["P-FCR", "P-REOPEN"]),
        ("handoffs", ["P-FCR"]),
        ("closed_notice_at", ["P-CLOSE"]),
        ("kind", ["P-CMPR", "P-CMPT"]),
        ("agent_id", ["P-TPUT"]),
    ],
)
def test_a_missing_column_is_named_and_no_good_score(measure, make_past, tickets, column, names):
    past = make_past({"tickets": tickets.drop(columns=column)})
    for name in names:
        found = measure(name, past)
        assert (found.reason, pd.isna(found.value)) == (NO_COLUMN, True), name
        assert found.needs, name
