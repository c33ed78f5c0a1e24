"""One page holds the goals, the processes, the owners, the indicators and the cycle."""

import pandas as pd

from crmkit.analyses.audit import management
from scorecards import action, goal, goals, indicator

PROCESS = pd.DataFrame(
    {
        "process": ["ask", "ask"],
        "step": ["b", "a"],
        "position": [2, 1],
        "owner": ["Head of IT", "Head"],
        "norm_hours": [1.0, None],
    }
)


def test_the_page_holds_its_five_parts(work_of):
    work = work_of(
        indicator("P-RESP", 0.4, 1),
        indicator("D-DUP", 0.01, 5),
        actions=[action("M1", "Head ", indicator="P-RESP")],
        goals=goals(goal("G1", "P-RESP", 0.9, "2026-01-01", "2026-12-31", owner="Owner of the goal")),
        processes=PROCESS,
    )
    result = management(work)
    words = dict(zip(result.table["part"], result.table["words"], strict=True))
    assert words["Goals"] == "1 goal"
    assert words["Processes"] == "1 process of 2 declared steps"
    assert words["Owners"] == "3 owners of goals, steps and actions"
    assert words["Indicators"] == "2 indicators assessed"
    assert words["Cycle"] == "2025H2: forms due 14 Jan 2026, report due 28 Jan 2026"
    (brief,) = result.briefs
    assert set(result.table["page"]) == {f"audit-{brief.slug}.html"}
    shown = {one.name: one.table for one in brief.results}
    assert list(shown) == ["audit_goal_tree", "audit_model_steps", "audit_model_indicators", "audit_load", "audit_calendar"]
    assert shown["audit_model_steps"]["step"].tolist() == ["a", "b"]
    responsible = shown["audit_model_indicators"].set_index("indicator")["responsible"]
    assert responsible.to_dict() == {"P-RESP": "Owner of the goal", "D-DUP": "Head of data"}


def test_what_is_not_written_down_is_said(work_of):
    result = management(work_of())
    words = dict(zip(result.table["part"], result.table["words"], strict=True))
    assert [words[part] for part in ("Goals", "Processes", "Owners", "Indicators")] == ["none written down"] * 4
    assert [one.name for one in result.briefs[0].results] == ["audit_calendar"]
