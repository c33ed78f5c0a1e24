"""Values far from all others: the rate of false alarms is the stated one or less, and what is planted is found."""

import math

import numpy as np
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.quality.outliers import fences, lone_gap, unusual


def most_false_alarms(times, nominal=0.01):
    """One-sided 99 % bound: so many alarms of a clean table are no sign of more than the nominal rate."""
    from scipy.stats import binom

    return int(binom.ppf(0.99, times, nominal))


@pytest.mark.parametrize("n", [60, 400, 3000])
def test_a_clean_table_raises_no_more_alarms_than_said(n):
    times, alarms = 1000, 0
    for seed in range(times):
        values = np.random.default_rng(seed).normal(3.0, 0.8, n)
        found = fences(*np.quantile(values, [0.25, 0.5, 0.75]), n)
        alarms += bool((values < found.low).any() or (values > found.high).any())
    assert alarms <= most_false_alarms(times)


def test_planted_values_are_found_and_few_values_say_nothing():
    values = np.append(np.random.default_rng(1).normal(3.0, 0.8, 2000), [9.0, 12.0, -4.0])
    found = fences(*np.quantile(values, [0.25, 0.5, 0.75]), len(values))
    assert ((values > found.high) | (values < found.low)).sum() == 3
    assert fences(0.0, 1.0, 2.0, 49).high == math.inf
    assert fences(1.0, 1.0, 1.0, 500).low == -math.inf
    with pytest.raises(ModelError, match="false alarm"):
        fences(0.0, 1.0, 2.0, 500, false_alarm=0.0)


def test_customers_alike_raise_no_alarm_and_one_who_always_returns_does():
    alarms, times, customers = 0, 1000, 500
    for seed in range(times):
        rng = np.random.default_rng(seed)
        orders = rng.poisson(8, customers) + 1
        alarms += bool((unusual(rng.binomial(orders, 0.03), orders) < 0.01 / customers).any())
    assert alarms <= most_false_alarms(times)
    orders = np.full(500, 10)
    back = np.zeros(500)
    back[7], back[9] = 9, 1
    assert np.flatnonzero(unusual(back, orders) < 0.01 / 500).tolist() == [7]


def test_kinds_of_customers_count_as_often_as_they_are():
    assert unusual([1, 9], [10, 10], times=[99, 1])[1] == pytest.approx(unusual([1] * 99 + [9], [10] * 100)[-1])


def test_a_rhythm_is_no_gap_and_a_lone_gap_is():
    alarms = 0
    for seed in range(1000):
        alarms += lone_gap(np.random.default_rng(seed).exponential(1.4, 400)) < 0.01
    assert alarms <= most_false_alarms(1000)
    assert lone_gap([7] * 51 + [8]) > 0.5  # weeks
    assert lone_gap([1, 1, 1, 80] * 8) == 1.0  # waves
    assert lone_gap([1] * 700 + [21]) < 1e-6
    assert lone_gap([1, 30]) == 1.0
