"""Indicators of the way that cases take, worked out by hand."""

import pandas as pd
import pytest

from crmkit.analyses.audit import Rules
from crmkit.analyses.audit.indicators.estimate import NO_COLUMN, NO_TABLE


@pytest.fixture
def processes(frame):
    return frame(
        "process step position norm_hours",
        ("service", "receive", 1, 1.0),
        ("service", "handle", 2, 2.0),
        ("service", "close", 3, 1.0),
    )


@pytest.fixture
def events(frame):
    """k1 as declared in 10 hours; k2 handled twice, by another team, in 20; k3 without handling in 30; k6 still runs."""
    return frame(
        "ticket_id occurred_at activity team",
        ("k1", "2025-10-06 08:00", "receive", "A"),
        ("k1", "2025-10-06 09:00", "handle", "A"),
        ("k1", "2025-10-06 18:00", "close", "A"),
        ("k2", "2025-10-06 09:00", "receive", "A"),
        ("k2", "2025-10-06 12:00", "handle", "B"),
        ("k2", "2025-10-06 15:00", "handle", "B"),
        ("k2", "2025-10-07 05:00", "close", "B"),
        ("k3", "2025-10-07 08:00", "receive", "A"),
        ("k3", "2025-10-08 14:00", "close", "B"),
        ("k6", "2025-12-01 08:00", "receive", "A"),
        ("k6", "2025-12-02 08:00", "handle", "B"),
    )


@pytest.mark.parametrize(
    ("name", "value", "n"),
    [
        ("P-STEP", 9 / 3, 3),
        ("P-HAND", 2 / 3, 3),
        ("P-CONF", 2 / 3, 3),  # k3 leaves a step out
        ("P-WAIT", (9 + 3 + 3 + 14 + 30) / 60, 3),
    ],
)
def test_cases(measure, make_past, tickets, events, processes, name, value, n):
    found = measure(name, make_past({"tickets": tickets, "ticket_events": events, "processes": processes}))
    assert (found.value, found.n) == (pytest.approx(value), n)


def test_steps_are_held_against_those_declared(measure, make_past, tickets, events, processes, book):
    found = measure("P-STEP", make_past({"tickets": tickets, "ticket_events": events, "processes": processes}))
    assert found.reference == 3
    assert book["P-STEP"].basis == "declared"


def test_a_case_has_the_process_of_its_kind(measure, make_past, tickets, events, processes):
    both = pd.concat([processes.assign(process="question"), processes.assign(process="complaint").head(1)])
    found = measure("P-STEP", make_past({"tickets": tickets, "ticket_events": events, "processes": both}))
    # k1 and k2 are questions with three steps, k3 is a complaint with one; all have a process
    assert (found.reference, found.n_missing) == (pytest.approx(7 / 3), 0)
    other = processes.assign(process="question")
    two = pd.concat([other, other.assign(process="nobody")])
    found = measure("P-CONF", make_past({"tickets": tickets, "ticket_events": events, "processes": two}))
    assert (found.value, found.n, found.n_missing) == (2 / 2, 2, 1)


def test_what_is_missing_is_said(measure, make_past, tickets, events, processes):
    past = make_past({"tickets": tickets, "ticket_events": events.drop(columns="team")})
    assert (measure("P-HAND", past).reason, measure("P-STEP", past).reason) == (NO_COLUMN, NO_TABLE)
    assert measure("P-STEP", past).needs == "processes"
    assert measure("P-WAIT", past).value == pytest.approx(59 / 60)
    no_norm = make_past({"tickets": tickets, "ticket_events": events, "processes": processes.drop(columns="norm_hours")})
    assert measure("P-CONF", no_norm).value == 2 / 3
    patient = make_past({"tickets": tickets, "ticket_events": events, "processes": processes}, rules=Rules(idle_hours=8))
    assert measure("P-WAIT", patient).value == pytest.approx((9 + 14 + 30) / 60)
