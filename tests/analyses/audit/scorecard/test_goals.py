"""Objectives, goals and actions hang together; what hangs in the air is listed."""

import datetime as dt

from crmkit.analyses.audit import goal_tree
from crmkit.analyses.audit.scorecard.goals import LONG, MEDIUM, SHORT, Goal, first_sentence
from crmkit.core.language import Locale, say
from scorecards import action, goal, goals, indicator

STAY = "Customers who stay"


def of_days(days):
    start = dt.date(2026, 1, 1)
    return Goal("G", "P-RESP", "", "", 0.9, start, start + dt.timedelta(days=days - 1)).horizon


def test_a_year_is_short_and_three_years_are_long():
    assert [of_days(days) for days in (30, 366, 367, 3 * 365 - 1, 3 * 365, 2000)] == [SHORT, SHORT, MEDIUM, MEDIUM, LONG, LONG]


def test_the_tree_goes_from_objectives_to_long_goals_to_short_ones_to_actions(work_of):
    table = goals(
        goal("G0", "I-COST", 0.1, "2025-07-01", "2026-06-30"),
        goal("G1", "P-RESP", 0.9, "2025-07-01", "2026-06-30", objective=STAY),
        goal("G2", "P-CSAT", 0.9, "2026-01-01", "2028-12-31", objective=STAY),
    )
    rows = [indicator("P-RESP", 0.4, 1), indicator("P-CSAT", 0.5, 1), indicator("I-COST", 0.05, 5)]
    actions = [
        action("M1", indicator="P-RESP"),
        action("M2", indicator="D-DUP", finding="indicator.scattered"),
        action("M3", finding="indicator.slow"),
    ]
    result = goal_tree(work_of(*rows, actions=actions, goals=table))
    assert result.table["what"].tolist() == [
        STAY,
        "– Satisfied customers",
        "– First response within the agreed time",
        "– – Do M1",
        "– – Do M3",
        "No objective stated",
        "– Cost of customer relations in sales",
        "Actions that no goal asks for",
        "– Do M2",
    ]
    states = dict(zip(result.table["id"], result.table["state"], strict=True))
    assert (states["G0"], states["G1"], states["G2"]) == ("reached", "under way", "no action leads there")
    assert say(result.finding.text, Locale()) == (
        "3 goals, 1 of them long and 2 short. 1 is overdue, or has no action or milestone. 1 action serves no goal."
    )
    assert "long from three years on" in say(result.note, Locale())
    step = result.table.set_index("id").loc["M1"]
    assert (step["owner"], step["state"]) == (actions[0].owner, actions[0].state)
    assert step["owner"] != step["state"]
    assert result.table.loc[result.table["id"] == "G1", "goes"].item() == "40% (40% to 40%), n = 100 → 90%"


def state(work_of, row, *, actions=(), value=0.4, other=()):
    work = work_of(indicator("P-RESP", value, 1), actions=actions, goals=goals(row, *other))
    table = goal_tree(work).table
    return table.loc[table["id"] == row["goal_id"], "state"].item()


def test_what_a_goal_lacks_is_said(work_of):
    late = goal("G1", "P-RESP", 0.9, "2025-01-01", "2025-06-30")
    assert state(work_of, late) == "overdue and not reached"
    assert state(work_of, late, value=0.95) == "reached"
    assert state(work_of, goal("G1", "R-SHARE", 0.9, "2025-01-01", "2026-06-30")) == "not measured"
    far = goal("G1", "P-RESP", 0.9, "2026-01-01", "2028-12-31", objective=STAY)
    slow = [action("M1", indicator="P-RESP", due="2028-12-31")]
    assert state(work_of, far, actions=slow) == "long, without a milestone"
    assert state(work_of, far, actions=[action("M1", indicator="P-RESP")]) == "under way"
    near = goal("G2", "P-CSAT", 0.9, "2026-01-01", "2026-12-31")
    assert state(work_of, far, actions=slow, other=[near]) == "long, without a milestone"
    assert state(work_of, far, actions=slow, other=[near | {"objective": STAY}]) == "under way"


def test_near_its_target_is_reached_within_what_still_scores_four(work_of):
    for value, wanted in ((85.0, "reached"), (115.0, "reached"), (130.0, "overdue and not reached")):
        work = work_of(indicator("I-INV", value, 4), goals=goals(goal("G1", "I-INV", 100.0, "2025-01-01", "2025-06-30")))
        assert goal_tree(work).table["state"].tolist()[1] == wanted


def test_an_action_stands_under_one_goal_and_counts_for_both(work_of):
    table = goals(
        goal("G1", "P-RESP", 0.9, "2026-01-01", "2026-06-30"), goal("G2", "P-RESP50", 2.0, "2026-01-01", "2026-09-30")
    )
    rows = [indicator("P-RESP", 0.4, 1), indicator("P-RESP50", 9.0, 1)]
    result = goal_tree(work_of(*rows, actions=[action("M1", finding="indicator.slow")], goals=table)).table
    assert result["id"].tolist() == ["", "G1", "M1", "G2"]
    assert result["state"].tolist()[3] == "under way"


def test_without_goals_and_without_objectives_it_is_said(work_of):
    assert not goal_tree(work_of()).assessed
    work = work_of(indicator("P-RESP", 0.95, 5), goals=goals(goal("G1", "P-RESP", 0.9, None, "2026-06-30")))
    result = goal_tree(work)
    assert result.finding.passed
    assert say(result.finding.text, Locale()) == "1 goal, 0 of them long and 1 short. No objective of the company is stated."


def test_an_action_is_named_by_its_first_sentence():
    assert first_sentence("统一客户编号。原因未确定。") == "统一客户编号"
    assert first_sentence("Do it") == "Do it"
