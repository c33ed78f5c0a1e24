"""One-sided tests: against scipy's, against each other, and at the level that they promise."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from crmkit.analyses.audit.indicators.estimate import clustered_share, count_ratio, ratio, share, waiting_time
from crmkit.analyses.audit.sampling import Counted, CountRatio, Located, Share, Waiting, Within


@pytest.mark.parametrize(
    ("hits", "n", "target"), [(3, 10, 0.5), (0, 7, 0.2), (7, 7, 0.9), (150, 1000, 0.17), (150, 1000, 0.13)]
)
def test_share_is_the_exact_binomial(hits, n, target):
    assert Share(hits, n).below(target) == pytest.approx(stats.binomtest(hits, n, target, "less").pvalue, abs=1e-12)
    assert Share(hits, n).above(target) == pytest.approx(stats.binomtest(hits, n, target, "greater").pvalue, abs=1e-12)


def test_share_at_the_ends():
    assert (Share(10, 10).below(1.0), Share(9, 10).below(1.0), Share(0, 10).above(0.0), Share(1, 10).above(0.0)) == (1, 0, 1, 0)


def test_mean_is_students_t():
    x = np.array([2.0, 3.5, 1.0, 4.0, 2.5])
    found = ratio(x, np.ones(5), 0.95)
    assert found.sampling.below(3.4) == pytest.approx(stats.ttest_1samp(x, 3.4, alternative="less").pvalue)
    assert found.sampling.above(1.4) == pytest.approx(stats.ttest_1samp(x, 1.4, alternative="greater").pvalue)
    assert (found.low, found.high) == pytest.approx(stats.ttest_1samp(x, 0).confidence_interval(0.95))
    assert (Located(2.0, 0.0, 5).below(3.0), Located(2.0, 0.0, 5).below(2.0), Located(2.0, 0.0, 5).above(1.0)) == (
        0.0,
        1.0,
        0.0,
    )


def test_counts_are_the_conditional_binomial():
    found = count_ratio(12, 2.0, 30, 3.0, 0.95)
    assert found.value == pytest.approx(0.6)
    assert found.sampling.below(1.0) == pytest.approx(stats.binomtest(12, 42, 2 / 5, "less").pvalue)
    assert found.low < 0.6 < found.high


def test_median_without_censoring_is_the_sign_test():
    import pandas as pd

    hours = np.array([1, 2, 3, 5, 8, 13, 21, 34, 55])
    rows = pd.DataFrame({"minutes": hours * 60, "event": True, "n": 1})
    found = waiting_time(rows, 0.95)
    assert found.value == 8
    assert found.sampling.above(4.0) == pytest.approx(stats.binomtest(6, 9, 0.5, "greater").pvalue)
    assert found.sampling.below(20.0) == pytest.approx(stats.binomtest(3, 9, 0.5, "less").pvalue)
    assert isinstance(found.sampling, Waiting)


def test_kinds_that_reach_a_share():
    found = Counted((60, 30, 1), 100, 0.05)
    assert found.below(2) == 1.0
    assert found.below(3) == pytest.approx(min(1, 3 * stats.binomtest(1, 100, 0.05, "less").pvalue))
    assert found.below(4) == 0.0
    assert found.above(1) == pytest.approx(2 * stats.binomtest(30, 100, 0.05, "greater").pvalue)


def test_a_stored_interval_and_its_test_agree():
    found = Within(0.2, 0.15, 0.27, 0.95)
    assert found.below(0.27) == pytest.approx(0.025)
    assert found.above(0.15) == pytest.approx(0.025)
    assert found.below(0.2) == pytest.approx(0.5)
    assert Within(0.2, math.nan, math.nan, 0.95).below(0.9) == 1.0
    assert (Within(1.0, 1.0, 1.0, 0.95).below(2.0), Within(1.0, 1.0, 1.0, 0.95).below(1.0)) == (0.0, 1.0)


SAMPLINGS = [
    Share(30, 50),
    Located(0.6, 0.07, 12),
    CountRatio(12, 2.0, 30, 3.0),
    Within(0.6, 0.5, 0.8, 0.95),
    Counted((60, 30, 1), 100, 0.05),
]


@pytest.mark.parametrize("found", SAMPLINGS, ids=lambda one: type(one).__name__)
@given(st.floats(0.01, 3), st.floats(0.01, 3))
def test_a_harder_target_is_never_more_likely_met(found, first, second):
    easy, hard = sorted((first, second))
    assert found.below(hard) <= found.below(easy) + 1e-12
    assert found.above(easy) <= found.above(hard) + 1e-12
    assert 0 <= found.below(hard) <= 1
    assert 0 <= found.above(hard) <= 1


def test_cases_that_go_alike_count_for_less():
    import pandas as pd

    each = pd.DataFrame({"customer_id": list("abcdefghij"), "hits": [9, 1, 10, 0, 10, 0, 8, 1, 10, 1], "of": 10})
    alone = share(50, 100, 0.95)
    found = clustered_share(each, "hits", "of", 0.95)
    assert found.value == alone.value == 0.5
    assert found.high - found.low > 2 * (alone.high - alone.low)
    assert found.sampling.below(0.6) > alone.sampling.below(0.6)
    even = each.assign(hits=5)
    assert clustered_share(even, "hits", "of", 0.95).low == alone.low


@pytest.mark.parametrize("seeds", [300, pytest.param(3000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["share", "clusters", "mean", "median", "counts"])
def test_false_alarms_at_the_target_stay_at_their_level(kind, seeds):
    """Seeds 0 to n-1; the lower end of the exact one-sided 99 % interval of the rate must not exceed 5 %."""
    import pandas as pd

    alarms = 0
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        if kind == "share":
            p = share(float(rng.binomial(80, 0.85)), 80, 0.95).sampling.below(0.85)
        elif kind == "clusters":
            chance = rng.beta(8, 2, 60)
            of = rng.integers(1, 6, 60)
            rows = pd.DataFrame({"customer_id": range(60), "hits": rng.binomial(of, chance), "of": of})
            p = clustered_share(rows, "hits", "of", 0.95).sampling.below(0.8)
        elif kind == "mean":
            p = ratio(rng.normal(2, 1, 20), np.ones(20), 0.95).sampling.above(2.0)
        elif kind == "median":
            hours, limit = rng.exponential(8 / math.log(2), 60), rng.uniform(2, 60, 60)
            rows = pd.DataFrame({"minutes": np.minimum(hours, limit) * 60, "event": hours <= limit, "n": 1})
            p = waiting_time(rows, 0.95).sampling.above(8.0)
        else:
            p = CountRatio(float(rng.poisson(40)), 1.0, float(rng.poisson(40)), 1.0).below(1.0)
        alarms += p < 0.05
    assert stats.binomtest(alarms, seeds, alternative="greater").proportion_ci(0.98).low <= 0.05
    assert alarms > seeds / 200  # and the test can raise one
