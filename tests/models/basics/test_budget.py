"""The best choice within a budget: equal to trying everything, with and without a limit on the number."""

import numpy as np
import pytest

from crmkit.core.errors import ModelError, ParamError
from crmkit.models.basics.budget import choose, first_that_fit


def tried(value, cost, budget, count):
    sets = (np.arange(2 ** len(value))[:, None] >> np.arange(len(value))) & 1
    return (sets @ value)[(sets @ cost <= budget + 1e-9) & (sets.sum(1) <= count)].max()


@pytest.mark.parametrize("seed", range(40))
def test_as_good_as_trying_everything(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 13))
    value, cost = rng.integers(0, 50, n), rng.integers(0, 30, n)
    budget, count = float(cost.sum() * rng.uniform(0, 1)), int(rng.integers(1, n + 1)) if seed % 2 else n
    found = choose(value, cost, budget=budget, count=count)
    assert found.cost <= budget
    assert found.chosen.sum() <= count
    assert found.value == tried(value, cost, budget, count) <= found.bound * (1 + 1e-12)


def test_nothing_fits_and_everything_fits():
    assert not choose([5, 6], [3, 4], budget=2).chosen.any()
    assert choose([5, 6], [3, 4], budget=7).chosen.all()
    assert choose([5, 6], [3, 4]).chosen.all()
    assert choose([], [], budget=3).value == 0
    assert choose([1, 2], [0, 0], budget=0, count=1).chosen.tolist() == [False, True]


def test_money_added_up_in_another_order_is_no_reason_to_leave_something_out():
    assert choose([1, 1, 1], [0.1, 0.2, 0.7], budget=1.0).chosen.all()
    assert choose([1, 2], [0.1 + 0.2, 0.7], budget=1.0).chosen.all()


def test_more_than_twenty_five_are_exact():
    """By value per cost 18 of the first kind fit and bring 54; 15 of them and 2 of the others bring 55."""
    value, cost = [3.0] * 20 + [5.0] * 20, [2.2] * 20 + [4.0] * 20
    found = choose(value, cost, budget=41.0)
    assert found.value == 55 == max(3 * a + 5 * b for a in range(21) for b in range(21) if 2.2 * a + 4 * b <= 41 + 1e-9)
    order = np.argsort(-np.array(value) / np.array(cost), kind="stable")
    one_by_one = first_that_fit(order, np.array(cost), budget=41.0, count=40)
    assert np.array(value)[one_by_one].sum() == 54


def test_a_hundred_thousand_are_chosen_within_a_millionth_of_the_bound():
    rng = np.random.default_rng(5)
    value, cost = rng.lognormal(3, 1, 100_000), rng.uniform(1, 9, 100_000)
    found = choose(value, cost, budget=5_000.0, count=3_000)
    assert found.cost <= 5_000.0 * (1 + 1e-9)
    assert found.bound * (1 - 1e-6) <= found.value <= found.bound * (1 + 1e-12)


def test_of_equals_the_earlier_is_taken():
    assert choose([2, 2, 2], [1, 1, 1], budget=2).chosen.tolist() == [True, True, False]


def test_what_brings_nothing_or_is_unknown_is_left():
    assert choose([1, 0, -1, np.nan], [1, 1, 1, np.nan], budget=9).chosen.tolist() == [True, False, False, False]


def test_what_still_fits_is_taken_one_after_the_other():
    order, cost = np.arange(4), np.array([10.0, 3.0, 2.0, 1.0])
    assert first_that_fit(order, cost, budget=5.0, count=4).tolist() == [1, 2]


def test_wrong_numbers_are_refused():
    for value, cost in (([1], [1, 2]), ([[1]], [[1]]), ([1], [-1]), ([1], [np.nan])):
        with pytest.raises(ModelError, match="choice"):
            choose(value, cost, budget=3)
    with pytest.raises(ParamError, match="both are 0 or more"):
        choose([1], [1], budget=-1)
    with pytest.raises(ParamError, match="both are 0 or more"):
        choose([1], [1], count=-1)
    with pytest.raises(ParamError, match="both are 0 or more"):
        choose([1], [1], budget=float("nan"))


def test_the_search_prints_nothing(capfd):
    """HiGHS with its presolve does on these numbers."""
    value, cost = [44, 28, 9, 11, 44, 34, 45, 36, 16, 17], [22, 9, 17, 4, 29, 20, 25, 27, 4, 29]
    assert choose(value, cost, budget=49.18252483430426).value == tried(value, cost, 49.18252483430426, 10)
    assert capfd.readouterr().out == ""
