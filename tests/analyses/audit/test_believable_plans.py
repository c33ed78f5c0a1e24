"""A plan that can be believed: in companies drawn from their indicators on, in simulated ones, and in those of the kit."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from crmkit.analyses.audit.findings import FINDING
from crmkit.analyses.audit.plan.actions import KIT

here = Path(__file__).parent


def beside(name):
    spec = importlib.util.spec_from_file_location(f"audit_{name}", here / f"{name}.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


plans, ratings = beside("plans"), beside("conftest").ratings


@pytest.mark.parametrize("seeds", [range(4), range(4, 8), range(8, 12)], ids=str)
def test_every_row_of_a_drawn_plan_can_be_believed(seeds, monkeypatch):
    works = [plans.drawn(seed, monkeypatch, ratings) for seed in seeds]
    assert {seed: faults for seed, work in zip(seeds, works, strict=True) if (faults := plans.faults(work))} == {}
    assert sum(len(work.plan.actions) for work in works) > 4 * len(works)
    assert sum(one.level == FINDING for work in works for one in work.found) > len(works)


@pytest.mark.slow
def test_every_row_of_two_hundred_drawn_plans_can_be_believed(monkeypatch):
    found = {}
    for seed in range(200):
        found[seed] = plans.faults(plans.drawn(seed, monkeypatch, ratings))
    assert {seed: faults for seed, faults in found.items() if faults} == {}


WRONG = {
    "which is worse": lambda aim: {"effect": -0.05},
    "aims past its target": lambda aim: {"target": aim.baseline + aim.effect / 2},
    "outside of its interval": lambda aim: {"low": aim.baseline + 1},
}


def _rises(one):
    return one.source == KIT and one.aim.effect > 0 and one.aim.direction == "up" and one.aim.unit != "count"


@pytest.mark.parametrize("said", WRONG)
def test_a_plan_that_cannot_be_believed_is_noticed(said, monkeypatch):
    """The first action that aims at something better, with another aim."""
    work = plans.drawn(0, monkeypatch, ratings)
    actions = list(work.plan.actions)
    at = next(n for n, one in enumerate(actions) if _rises(one))
    actions[at] = replace(actions[at], aim=replace(actions[at].aim, **WRONG[said](actions[at].aim)))
    work.plan = replace(work.plan, actions=tuple(actions))
    assert any(said in fault for fault in plans.faults(work))


def test_a_finding_without_an_action_is_noticed(monkeypatch):
    work = plans.drawn(0, monkeypatch, ratings)
    sure = next(one for one in work.found if one.level == FINDING)
    work.plan = replace(work.plan, actions=tuple(one for one in work.plan.actions if one.finding != sure.id))
    assert f"{sure.id} has no action" in plans.faults(work)
