"""Shares of records: printed digits, identities, and how often the limits hold the truth."""

import math

import numpy as np
import pandas as pd
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.quality.records import (
    cells_share,
    checked_share,
    exact_share,
    extra_share,
    median_of_counts,
    sizes_of,
)
from crmkit.models.records.groups import same_customers

# 99 % binomial band around 95 % at 1,000 replications
BAND = (0.931, 0.967)
TIMES = 1000


def test_exact_limits_are_the_printed_ones():
    """The example of R's manual page of binom.test (Conover 1971): 682 of 925; and statsmodels' beta method."""
    from statsmodels.stats.proportion import proportion_confint

    for count, n in ((81, 263), (0, 20), (20, 20), (1, 3)):
        found = exact_share(count, n)
        assert (found.low, found.high) == pytest.approx(proportion_confint(count, n, method="beta"), abs=1e-12)
    found = exact_share(682, 925)
    assert (found.low, found.high) == pytest.approx((0.7076683, 0.7654066), abs=5e-8)
    assert exact_share(0, 20).high == pytest.approx(0.1684, abs=5e-5)  # Clopper & Pearson: 1 - 0.025^(1/20)


def test_records_that_err_together_widen_the_limits():
    alone = checked_share([1, 1, 1, 0] * 25, [1] * 100)
    together = checked_share([4, 4, 4, 0] * 25, [4] * 100)
    assert alone.value == together.value == 0.75
    assert together.high - together.low > 0.9 * (alone.high - alone.low)
    assert checked_share([4] * 10, [4] * 10).low == pytest.approx(exact_share(40, 40).low)


def test_records_of_one_person_do_not_depend_on_their_order():
    chain = pd.DataFrame({"customer_id": list("abcd"), "email": ["x", "x", None, "y"], "phone": [None, "1", "1", "1"]})
    for order in ([0, 1, 2, 3], [2, 0, 3, 1]):
        found = same_customers(chain.iloc[order])
        assert sizes_of(found["group"].to_numpy() - 1, records=4) == {1: 0.0, 4: 1.0}
    assert same_customers(chain.head(0)).empty


def test_an_empty_table_is_refused():
    for call in (lambda: exact_share(0, 0), lambda: extra_share({1: 0}), lambda: median_of_counts([], [])):
        with pytest.raises(ModelError):
            call()
    with pytest.raises(ModelError, match="5 of 4 is no share"):
        exact_share(5, 4)


def test_a_median_of_few_has_no_limits():
    found = median_of_counts([1.0, 5.0], [1, 1])
    assert (found.value, found.low, found.high) == (3.0, -math.inf, math.inf)


def test_without_faults_the_limits_are_not_of_width_nought():
    assert cells_share(400, 1600, records=100, cells=4).low < 1
    assert extra_share({1: 1000}).high > 0


def share_held(limits, truth):
    return np.mean([low <= truth <= high for low, high in limits])


def test_limits_of_planted_faults_hold_the_truth():
    """Duplicates (12 % of records), missing contacts (22 %, where those of a record go together)."""
    doubled, filled = [], []
    for seed in range(TIMES):
        rng = np.random.default_rng(seed)
        # each person has a second record so often that 12 % of records are one too many
        twice = int(rng.binomial(1760, 0.12 / 0.88))
        found = extra_share({1: 1760 - twice, 2: twice})
        doubled.append((found.low, found.high))
        # a record lacks a cell with a chance of its own, 22 % on average
        cells = rng.binomial(4, 1 - rng.beta(2.2, 7.8, 2000))
        found = cells_share(cells.sum(), (cells**2).sum(), records=2000, cells=4)
        filled.append((found.low, found.high))
    assert BAND[0] <= share_held(doubled, 0.12) <= BAND[1]
    assert BAND[0] <= share_held(filled, 0.78) <= BAND[1]


def test_limits_of_a_checked_sample_hold_the_truth_at_least_as_often_as_said():
    limits = []
    for seed in range(TIMES):
        rng = np.random.default_rng(seed)
        right = rng.binomial(4, rng.beta(28.5, 1.5, 200))
        found = checked_share(right, np.full(200, 4))
        limits.append((found.low, found.high))
    assert share_held(limits, 0.95) >= BAND[0]
