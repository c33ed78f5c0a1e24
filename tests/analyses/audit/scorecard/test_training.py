"""Whom training has reached, what it brings by mode, and how trained agents are rated; counted by hand."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from crmkit.analyses.audit import gains, trained_agents, training
from crmkit.core.language import Locale, say
from crmkit.data.summaries.audit.months import month_starts
from scorecards import DAY

STAFF = pd.DataFrame(
    {
        "staff_id": [f"E{number}" for number in range(12)],
        "team": ["front"] * 6 + ["back"] * 6,
        "role": ["lead"] * 2 + ["agent"] * 10,
        "left_at": pd.to_datetime([None] * 11 + ["2025-05-01"]),
    }
)


def taken(*rows, **more):
    table = pd.DataFrame(rows, columns=["staff_id", "course", "taken_at"])
    return table.assign(taken_at=pd.to_datetime(table["taken_at"]), **more)


def test_courses_by_role_within_a_year_of_those_who_are_there(work_of):
    rows = taken(("E0", "care", "2025-02-01"), ("E2", "care", "2025-03-01"), ("E3", "care", "2024-03-01"),
                 ("E11", "care", "2025-03-01"), ("E2", "tools", "2025-03-01"))  # fmt: skip
    result = training(work_of(staff=STAFF, training=rows))
    table = result.table.set_index(["course", "role"])
    assert table["n"].to_dict()["care", "agent"] == 9
    assert table["trained"].to_dict() == {
        ("care", "agent"): 1,
        ("tools", "agent"): 1,
        ("tools", "lead"): 0,
        ("care", "lead"): 1,
    }
    own = table.loc["care", "agent"]
    assert own["value"] == pytest.approx(1 / 9)
    assert own["low"] < own["value"] < own["high"]
    assert say(result.finding.text, Locale()) == (
        "Widest gap: 8 of 9 with the role “agent” have not taken “care” within a year."
    )


def test_everybody_trained_and_nothing_known(work_of):
    rows = taken(*((f"E{number}", "care", "2025-03-01") for number in range(11)))
    assert say(training(work_of(staff=STAFF, training=rows)).finding.text, Locale()) == (
        "Everybody has taken every course within a year."
    )
    bare = training(work_of(staff=STAFF[["staff_id"]], training=rows)).table
    assert bare["role"].tolist() == ["not known"]
    assert not training(work_of(staff=STAFF)).assessed
    assert not training(work_of(training=rows)).assessed


def courses(mode, gain, count, seed):
    rng = np.random.default_rng(seed)
    before = rng.normal(60, 10, count)
    return pd.DataFrame({"staff_id": "E1", "course": "care", "taken_at": pd.Timestamp("2025-01-01"), "mode": mode,
                         "score_before": before, "score_after": before + gain + rng.normal(0, 3, count)})  # fmt: skip


def test_the_gain_of_each_mode_and_whether_they_differ(work_of):
    rows = pd.concat([courses("class", 10, 40, 1), courses("online", 2, 40, 2), courses("drill", 9, 3, 3)])
    result = gains(work_of(training=rows))
    table = result.table.set_index("group")
    assert table.index.tolist() == ["class", "online"]
    own = rows[rows["mode"] == "class"]
    assert table.loc["class", "value"] == pytest.approx((own["score_after"] - own["score_before"]).mean())
    # limits as R: t.test(gain)$conf.int
    rise = own["score_after"] - own["score_before"]
    limits = t.interval(0.95, 39, rise.mean(), rise.std() / 40**0.5)
    assert (table.loc["class", "low"], table.loc["class", "high"]) == pytest.approx(limits, rel=1e-12)
    assert "Welch" in say(result.note, Locale())
    assert "The modes differ; the gain is largest with “class”" in say(result.finding.text, Locale())
    same = gains(work_of(training=pd.concat([courses("class", 5, 40, 1), courses("online", 5, 40, 2)])))
    assert say(same.finding.text, Locale()) == "What participants gain does not differ significantly between the modes."
    one = gains(work_of(training=courses("class", 5, 40, 1)))
    assert one.finding is None
    assert not gains(work_of(training=courses("class", 5, 3, 1))).assessed
    assert not gains(work_of(training=courses("class", 5, 30, 1).drop(columns="mode"))).assessed
    assert not gains(work_of()).assessed


def rated(scores):
    """Ten rated tickets of each agent, half of them a point better and half a point worse."""
    rows = [(agent, score + shift) for agent, score in scores.items() for shift in (-1, 1) * 5]
    table = pd.DataFrame(rows, columns=["agent_id", "csat"])
    return table.assign(opened_at=pd.Timestamp("2025-06-01"), ticket_id=range(len(table)), customer_id="C")


def test_agents_are_the_observations(work_of):
    scores = {f"E{number}": 4.0 if number < 6 else 3.0 for number in range(11)}
    rng = np.random.default_rng(0)
    scores = {agent: score + float(rng.normal(0, 0.1)) for agent, score in scores.items()}
    rows = taken(*((f"E{number}", "care", "2025-03-01") for number in range(6)))
    survey = pd.DataFrame({"wave": ["2025H1", "2025H2", "2025H2"], "item_id": "a", "score": [1, 4, 5], "team": "front"})
    past = {"starts": month_starts(DAY)}
    result = trained_agents(work_of(past=past, staff=STAFF, training=rows, tickets=rated(scores), staff_survey=survey))
    table = result.table.set_index("team")
    assert table["agents"].to_dict() == {"back": 5, "front": 6}
    assert table["n"].to_dict() == {"back": 50, "front": 60}
    assert table.loc["front", "value"] == pytest.approx(np.mean([scores[f"E{number}"] for number in range(6)]))
    assert table.loc["front", ["trained", "engagement"]].tolist() == [1.0, 4.5]
    assert table.loc["back", "engagement"] != table.loc["back", "engagement"]
    assert say(result.finding.text, Locale()) == "Customers rate the 6 trained of 11 agents better than the others."
    swapped = taken(*((f"E{number}", "care", "2025-03-01") for number in range(6, 11)))
    worse = trained_agents(work_of(past=past, staff=STAFF, training=swapped, tickets=rated(scores)))
    assert say(worse.finding.text, Locale()) == "Customers rate the 5 trained of 11 agents worse than the others."
    none = trained_agents(work_of(past=past, staff=STAFF, tickets=rated(scores)))
    assert none.finding is None


def test_no_difference_is_said_so_and_old_tickets_do_not_count(work_of):
    scores = {f"E{number}": 3.0 + 0.1 * (number % 3) for number in range(11)}
    rows = taken(*((f"E{number}", "care", "2025-03-01") for number in range(6)))
    past = {"starts": month_starts(DAY)}
    result = trained_agents(work_of(past=past, staff=STAFF, training=rows, tickets=rated(scores)))
    assert say(result.finding.text, Locale()) == ("Customers rate the 6 trained of 11 agents no differently than the others.")
    assert say(result.note, Locale()).startswith("Trained less others: ")
    old = rated(scores).assign(opened_at=pd.Timestamp(dt.date(2024, 6, 1)))
    assert not trained_agents(work_of(past=past, staff=STAFF, training=rows, tickets=old)).assessed
    assert not trained_agents(work_of(past=past, staff=STAFF, training=rows)).assessed
