"""Which team is slow by itself, and which one only has the harder cases?"""

import numpy as np
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.service.teams import paces

TEAMS, TICKETS = 8, 1200


def drawn(seed, *, slow=1.0):
    """Team 0 has mostly the hard cases, which take five times as long; its own pace is that of all, divided by `slow`."""
    rng = np.random.default_rng(seed)
    team = rng.integers(0, TEAMS, TICKETS)
    hard = rng.random(TICKETS) < np.where(team == 0, 0.8, 0.2)
    wait = rng.lognormal(3, 1, TICKETS) * np.where(hard, 5, 1) * np.where(team == 0, slow, 1)
    seen = rng.uniform(0, 400, TICKETS)
    return np.minimum(wait, seen), wait <= seen, team, hard.astype(int)


def test_a_team_with_the_hard_cases_is_not_named():
    named = [bool(paces(*drawn(seed))["slow"].any()) for seed in range(200)]
    assert sum(named) <= 10
    raw = [bool(paces(*drawn(seed)[:3])["slow"][0]) for seed in range(20)]
    assert sum(raw) >= 18  # without the mix of cases it would be named


def test_a_slow_team_is_named():
    named = [bool(paces(*drawn(seed, slow=1.6))["slow"][0]) for seed in range(200)]
    assert sum(named) >= 180


def test_agents_of_few_tickets_are_drawn_towards_all():
    rng = np.random.default_rng(1)
    wait, agent = rng.exponential(10, 900), rng.integers(0, 90, 900)
    found = paces(wait, np.ones(900), agent)
    assert found["pace"].std() < 0.3 * found["raw"].std()
    assert not found["slow"].any()
    assert ((found["low"] <= 1) & (found["high"] >= 1)).all()


def test_ends_expected_are_as_many_as_there_were():
    time, event, team, mix = drawn(3)
    found = paces(time, event, team, mix)
    assert found["expected"].sum() == pytest.approx(event.sum())
    assert found["n"].sum() == TICKETS


def test_two_teams_are_the_log_rank_test_of_lifelines():
    from lifelines.statistics import logrank_test

    time, event, team, _ = drawn(5)
    two = team < 2
    found = paces(time[two], event[two], team[two])
    first = team[two] == 0
    theirs = logrank_test(time[two][first], time[two][~first], event[two][first], event[two][~first])
    assert found["p_value"].to_numpy() == pytest.approx(theirs.p_value, rel=1e-9)


def test_what_such_cases_take_with_all():
    time, _, team, mix = drawn(7)
    found = paces(time, np.ones(len(time)), team, mix)
    assert found["usual"][0] > 1.5 * found["usual"][1:].max()
    own = np.median(time[team == 0])
    assert found["usual"][0] == pytest.approx(own, rel=0.2)


def test_one_agent_cannot_be_compared():
    found = paces([1.0, 2.0, 3.0], [1, 1, 0], [0, 0, 0])
    assert found["pace"].tolist() == pytest.approx([1.0])
    assert np.isnan(found["p_value"][0])
    assert not found["slow"][0]


def test_nobody_has_finished_anything():
    found = paces([1.0, 2.0], [0, 0], [0, 1])
    assert found["expected"].tolist() == [0, 0]
    assert not found[["slow", "fast"]].any(axis=None)


def test_a_negative_duration_is_refused():
    with pytest.raises(ModelError, match="negative"):
        paces([-1.0], [1], [0])


def test_intervals_of_paces_cover_the_truth():
    """200 draws of 12 teams whose paces spread by a fifth; 99 % band of a binomial around 95 %, with room for the prior."""
    hits = total = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        truth = rng.gamma(25, 1 / 25, 12)
        team = rng.integers(0, 12, 1500)
        wait, seen = rng.exponential(10, 1500) / truth[team], rng.uniform(0, 60, 1500)
        found = paces(np.minimum(wait, seen), wait <= seen, team)
        # paces are told beside that of all
        own = truth / (found["ended"].sum() / (found["ended"] / truth).sum())
        hits += int(((found["low"] <= own) & (found["high"] >= own)).sum())
        total += 12
    assert 0.93 <= hits / total <= 0.98
