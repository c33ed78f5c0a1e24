"""What was set in each cycle is counted; the mix of customers moves only where it did."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses.audit import drift, strategy_log
from crmkit.core.language import Locale, say
from scorecards import goal, goals

CYCLES = [SimpleNamespace(end=dt.date.fromisoformat(end)) for end in ("2025-06-30", "2025-12-31")]
RATED = pd.DataFrame({"cycle": ["2025H1", "2025H2", "2025H2"], "rater_id": ["a", "a", "b"], "rater_role": "staff"})
PAST = {"cycles": CYCLES, "current": SimpleNamespace(days=184)}


def test_what_was_set_due_and_reviewed_is_counted_by_cycle(work_of):
    table = goals(
        goal("G1", "P-RESP", 0.9, "2025-03-01", "2025-12-31"),
        goal("G2", "P-CSAT", 0.9, "2025-10-01", "2026-12-31"),
        goal("G3", "P-CSAT", 0.9, "2026-10-01", "2026-12-31"),
    )
    result = strategy_log(work_of(ratings=RATED, past=PAST, goals=table, assessments=RATED))
    rows = result.table.set_index("cycle")
    assert rows.index.tolist() == ["2025H2", "2025H1"]
    assert rows[["raters", "goals_set", "goals_due"]].values.tolist() == [[2, 1, 1], [1, 1, 0]]
    assert rows[["actions_begun", "campaigns"]].isna().all().all()
    assert say(result.finding.text, Locale()) == "A goal, an action or a campaign was last begun 91 days ago."
    assert result.finding.passed


def test_an_old_strategy_and_one_that_never_began(work_of):
    old = strategy_log(work_of(past=PAST, goals=goals(goal("G1", "P-RESP", 0.9, "2024-03-01", "2025-12-31"))))
    assert not old.finding.passed
    assert "Review the strategy" in say(old.finding.action, Locale())
    assert old.table["raters"].isna().all()
    none = strategy_log(work_of(past=PAST, goals=goals(goal("G1", "P-RESP", 0.9, "2026-03-01", "2026-12-31"))))
    assert say(none.finding.text, Locale()) == "No goal, action or campaign has begun yet."
    assert not strategy_log(work_of(past=PAST)).assessed


def who(now, then, reach=24):
    active = np.zeros((24, len(now)), dtype=bool)
    active[0], active[12] = now, then
    return SimpleNamespace(active=active, customers=np.array([f"C{number}" for number in range(len(now))]), reach=reach)


def customers(regions):
    return pd.DataFrame({"customer_id": [f"C{number}" for number in range(len(regions))], "region": regions})


def test_the_index_is_that_of_the_shares(work_of):
    regions = ["North"] * 300 + ["South"] * 300
    now = [True] * 150 + [False] * 150 + [True] * 300
    then = [True] * 300 + [True] * 150 + [False] * 150
    work = work_of(past={"who": who(now, then)}, customers=customers(regions))
    result = drift(work)
    (row,) = result.table.to_dict("records")
    p, q = np.array([150.5, 300.5]) / 451, np.array([300.5, 150.5]) / 451
    assert row["value"] == pytest.approx(((p - q) * np.log(p / q)).sum())
    assert row["low"] < row["value"] < row["high"]
    assert (row["n"], row["then"], row["verdict"]) == (450, 450, "has changed")
    assert (row["share_then"], row["share_now"]) == (pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert say(result.finding.text, Locale()) == "The mix of customers has moved within a year, most by Region: index 0.46."


def test_the_same_customers_are_steady_and_few_of_a_kind_are_counted_together(work_of):
    regions = ["North"] * 300 + ["South"] * 280 + [f"Place {number}" for number in range(20)]
    work = work_of(past={"who": who([True] * 600, [True] * 600)}, customers=customers(regions))
    (row,) = drift(work).table.to_dict("records")
    assert row["value"] == pytest.approx(0)
    assert row["verdict"] == "steady"
    assert drift(work).finding.passed
    few = work_of(past={"who": who([True] * 600, [False] * 580 + [True] * 20)}, customers=customers(regions))
    assert drift(few).table["level"].item() in ("North", "South", "other")


def test_the_interval_covers_the_index_of_the_population(work_of):
    """900 customers of a population in which the share of the north falls from a half to 40 %; 200 seeds."""
    p, q = np.array([0.4, 0.6]), np.array([0.5, 0.5])
    true = float(((p - q) * np.log(p / q)).sum())
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        then = rng.random(900) < 0.5
        north_then, north_now = rng.random(900) < 0.5, rng.random(900) < 0.4
        north = np.where(then, north_then, north_now)
        work = work_of(past={"who": who(~then, then)}, customers=customers(np.where(north, "North", "South")))
        (row,) = drift(work).table.to_dict("records")
        covered += row["low"] <= true <= row["high"]
    # at least what 99 of 100 series of 200 with coverage .95 reach
    assert covered >= 182


def test_what_is_not_known_is_said(work_of):
    regions = customers(["North"] * 50)
    assert not drift(work_of(past={"who": None}, customers=regions)).assessed
    assert not drift(work_of(past={"who": who([True] * 50, [True] * 50, reach=6)}, customers=regions)).assessed
    assert not drift(work_of(past={"who": who([True] * 50, [True] * 50)}, customers=regions)).assessed
    bare = regions.drop(columns="region")
    assert not drift(work_of(past={"who": who([True] * 50, [True] * 50)}, customers=bare)).assessed
