"""The best choice within a budget: equal to trying everything, and the greedy one never worse than half of it."""

import itertools

import numpy as np
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.audit.knapsack import choose


def tried(value, cost, budget):
    sets = itertools.product([False, True], repeat=len(value))
    return max(np.dot(one, value) for one in sets if np.dot(one, cost) <= budget + 1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_as_good_as_trying_everything(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 11))
    value, cost = rng.integers(0, 50, n), rng.integers(0, 30, n)
    budget = float(cost.sum() * rng.uniform(0, 1))
    found = choose(value, cost, budget=budget)
    assert found.exact
    assert found.cost <= budget
    assert found.value == tried(value, cost, budget)


def test_nothing_fits_and_everything_fits():
    assert not choose([5, 6], [3, 4], budget=2).taken.any()
    assert choose([5, 6], [3, 4], budget=7).taken.all()
    assert choose([], [], budget=3).value == 0


def test_twenty_five_are_exact_and_more_are_greedy():
    rng = np.random.default_rng(0)
    value, cost = rng.uniform(1, 10, 26), rng.uniform(1, 10, 26)
    exact, greedy = choose(value[:25], cost[:25], budget=40), choose(value, cost, budget=40)
    assert exact.exact
    assert not greedy.exact
    assert greedy.cost <= 40
    assert greedy.value >= 0.5 * exact.value
    assert choose([1.0] * 26 + [100.0], [1.0] * 26 + [20.0], budget=20).taken[-1]


def test_wrong_numbers_are_refused():
    for value, cost, budget in (([1], [1, 2], 3), ([-1], [1], 3), ([1], [float("nan")], 3), ([1], [1], -1)):
        with pytest.raises(ModelError, match="choice"):
            choose(value, cost, budget=budget)
