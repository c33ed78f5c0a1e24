"""Ratios of sums and Poisson counts."""

import numpy as np
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.basics.ratios import poisson_limits, ratio_of_sums


def test_a_ratio_does_not_hang_on_the_unit_or_the_order():
    rng = np.random.default_rng(0)
    bottom = rng.gamma(2.0, 50.0, 80)
    top = 0.3 * bottom + rng.normal(0, 5, 80)
    one = ratio_of_sums(top, bottom)
    other = ratio_of_sums(100 * top[::-1], 100 * bottom[::-1])
    assert one.value == pytest.approx(top.sum() / bottom.sum())
    assert (one.low, one.high) == pytest.approx((other.low, other.high))
    assert one.low < 0.3 < one.high


def test_coverage_of_the_ratio():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(1000):
        bottom = rng.gamma(2.0, 50.0, 60)
        found = ratio_of_sums(rng.binomial(1, 0.4, 60) * bottom, bottom)
        held += found.low <= 0.4 <= found.high
    # 60 skewed units: a little below nominal, as linearisation is
    assert 0.91 <= held / 1000 <= 0.967


def test_what_has_no_ratio():
    assert np.isnan(ratio_of_sums([1.0], [2.0]).low)
    two = ratio_of_sums([1.0, 3.0], [2.0, 2.0])
    assert two.low < 1.0 < two.high
    with pytest.raises(ModelError, match="the sum below is 0"):
        ratio_of_sums([1.0], [0.0])


@pytest.mark.parametrize(("count", "low", "high"), [(0, 0.0, 3.688879), (1, 0.025318, 5.571643), (10, 4.795389, 18.390356)])
def test_limits_of_counts(count, low, high):
    # R 4.3: poisson.test(count)$conf.int
    assert poisson_limits(count) == pytest.approx((low, high), abs=5e-7)
