"""Days of work are spread over working days, and none gets lost; what is urgent and important is done first."""

import datetime as dt
from types import SimpleNamespace

import pytest

from crmkit.analyses.audit import load, priorities
from crmkit.analyses.audit.findings import OBSERVATION
from crmkit.analyses.audit.scorecard.load import Period, periods_after, working_days
from crmkit.core.language import Locale, say
from scorecards import DAY, action, finding, goal, goals


def test_working_days_are_mondays_to_fridays():
    assert working_days(dt.date(2025, 12, 29), dt.date(2026, 1, 4)) == 5
    assert working_days(dt.date(2026, 1, 3), dt.date(2026, 1, 4)) == 0
    assert working_days(dt.date(2026, 1, 5), dt.date(2026, 1, 4)) == 0
    assert Period("x", dt.date(2026, 1, 5), dt.date(2026, 1, 5)).work_days == 1


def test_periods_follow_the_day_of_the_audit():
    assert [one.name for one in periods_after(DAY, "half_year")] == ["2026H1", "2026H2", "2027H1", "2027H2"]
    part = periods_after(dt.date(2025, 11, 14), "quarter")
    assert [one.name for one in part] == ["2025Q4", "2026Q1", "2026Q2", "2026Q3"]
    assert part[0].start == dt.date(2025, 11, 15)


def test_the_days_of_an_owner_are_spread_and_none_gets_lost(work_of):
    actions = [
        action("A", "Service", start="2026-01-01", due="2026-12-31", effort=26.1),
        action("B", " service", start="2026-02-01", due="2026-03-31", effort=200.0),
        action("C", "IT", start="2026-01-01", due="2026-06-30", effort=float("nan"), cost=float("nan")),
        action("D", "IT", start="2026-01-01", due="2026-06-30", status="stopped", state="stopped"),
        action("E", "IT", taken=False),
    ]
    result = load(work_of(actions=actions))
    table = result.table.set_index("owner")
    own = table.loc["Service"]
    assert (own["actions"], own["together"], own["money"]) == (2, 2, 2000)
    assert own["days"] == pytest.approx(226.1)
    assert own[["days0", "days1", "days2", "days3"]].sum() == pytest.approx(226.1)
    # 129 of 261 working days of the year are in its first half
    assert own["days0"] == pytest.approx(200 + 26.1 * 129 / 261)
    assert own["conflict"]
    assert (table.loc["IT", "actions"], table.loc["IT", "unknown"], table.loc["IT", "days"]) == (1, 1, 0)
    assert say(result.finding.text, Locale()) == "1 owner has more work than one person can do; Service in 2026H1 165.0%."
    assert "Effort of 1 action is not known." in say(result.note, Locale())


def test_of_what_runs_only_what_is_left_counts(work_of):
    half = action("A", start="2025-07-01", due="2026-06-30", effort=100.0, status="running", state="do")
    late = action("B", "IT", start="2025-01-01", due="2025-06-30", effort=8.0)
    table = load(work_of(actions=[half, late])).table.set_index("owner")
    assert table.loc["Service", "days"] == pytest.approx(100 * 129 / 261)
    assert (table.loc["IT", "days"], table.loc["IT", "days0"]) == (8.0, 8.0)
    assert not table["conflict"].any()


def test_nothing_to_carry_is_said(work_of):
    assert not load(work_of()).assessed
    assert not priorities(work_of(actions=[action("A", state="stopped")])).assessed


def test_urgent_and_important_first(work_of):
    actions = [
        action("late", due="2026-12-31"),
        action("both", due="2026-03-31", finding="indicator.slow"),
        action("goal", due="2027-03-31", indicator="P-CSAT"),
        action("worth", due="2027-06-30", worth=2000.0),
        action("soon", due="2026-03-31", finding="indicator.complex"),
        action("alarm", due="2027-03-31", indicator="P-HAND"),
        action("over", due="2025-11-30"),
    ]
    risks = [
        SimpleNamespace(indicator="P-HAND", warning=SimpleNamespace(alarm=True)),
        SimpleNamespace(indicator="P-CSAT", warning=None),
    ]
    found = [finding("slow", "P-RESP"), finding("complex", "P-HAND", OBSERVATION)]
    result = priorities(
        work_of(actions=actions, risks=risks, found=found, goals=goals(goal("G", "P-CSAT", 0.9, "2026-01-01", "2026-12-31")))
    )
    table = result.table.set_index("action_id")
    assert table["what"].to_dict() == {
        "both": "do first",
        "goal": "plan",
        "worth": "plan",
        "over": "hand over, do soon",
        "soon": "hand over, do soon",
        "alarm": "hand over, do soon",
        "late": "later, or leave out",
    }
    assert (table.loc["alarm", "why_urgent"], table.loc["over", "why_urgent"]) == ("early warning", "overdue")
    assert (table.loc["worth", "why_important"], table.loc["goal", "why_important"]) == (
        "worth more than it costs",
        "a goal of the company",
    )
    assert say(result.finding.text, Locale()) == "1 of 7 open actions is urgent and important."
