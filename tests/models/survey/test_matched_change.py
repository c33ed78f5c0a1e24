"""Members against others like them: the planted effect is found, selection does not count, and the interval covers."""

import numpy as np
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.survey.matched_change import matched_change


def simulate(seed, n=600, *, effect=0.0, waves=3):
    """Who buys more joins more often, and changes less; each control stands in a row per wave of joining."""
    rng = np.random.default_rng(seed)
    stratum = rng.integers(0, 6, n)
    joins = rng.random(n) < 0.08 + 0.08 * stratum
    own = rng.normal(0, 1, n)
    change = -1.0 * stratum + own + rng.normal(0, 1, n) + effect * joins
    rows = np.repeat(np.flatnonzero(~joins), waves)
    wave = np.tile(np.arange(waves), (~joins).sum())
    again = -1.0 * stratum[rows] + own[rows] + rng.normal(0, 1, len(rows))
    mine = stratum[joins] * waves + rng.integers(0, waves, joins.sum())
    return change[joins], mine, again, stratum[rows] * waves + wave, rows


def test_the_planted_effect_is_found_and_the_selection_is_not():
    members, mine, controls, theirs, ids = simulate(0, 4000, effect=0.5)
    found = matched_change(members, mine, controls, theirs, control_ids=ids)
    assert found.low < 0.5 < found.high
    assert found.p < 1e-6
    assert members.mean() - controls.mean() < -0.3


def band(replications, level):
    from scipy.stats import binom

    return binom.ppf([0.005, 0.995], replications, level) / replications


def share_covered(seeds):
    found = [matched_change(*parts[:4], control_ids=parts[4]) for parts in (simulate(seed, effect=0.3) for seed in seeds)]
    return np.mean([one.low <= 0.3 <= one.high for one in found])


def test_the_interval_covers_the_truth():
    low, high = band(300, 0.95)
    assert low <= share_covered(range(300)) <= high


@pytest.mark.slow
def test_the_interval_covers_the_truth_in_2000_replications():
    low, high = band(2000, 0.95)
    assert low <= share_covered(range(2000)) <= high


def test_rows_of_one_control_count_as_one():
    members, mine, controls, theirs, ids = simulate(1)
    together = matched_change(members, mine, controls, theirs, control_ids=ids)
    apart = matched_change(members, mine, controls, theirs)
    assert together.value == pytest.approx(apart.value, abs=1e-12)
    assert together.controls * 3 == apart.controls
    assert together.high - together.low > apart.high - apart.low


def test_members_alone_in_their_stratum_still_vary():
    """Forty strata with one member each: the spread comes from the others."""
    rng = np.random.default_rng(0)
    controls, theirs = rng.normal(0, 1, 400), np.repeat(np.arange(40), 10)
    found = matched_change(rng.normal(0, 1, 40), np.arange(40), controls, theirs)
    assert found.high - found.low == pytest.approx(2 * 1.96 * (1 / 40 + 1 / 400) ** 0.5, rel=0.15)


def test_members_with_nobody_like_them_are_left_out_and_counted():
    found = matched_change([1.0] * 40 + [99.0] * 5, [0] * 40 + [7] * 5, [0.0, 1.0] * 10, [0] * 20)
    assert (found.members, found.unmatched, found.controls) == (40, 5, 20)
    assert found.value == 0.5


def test_the_order_of_rows_changes_nothing():
    members, mine, controls, theirs, ids = simulate(2)
    first = matched_change(members, mine, controls, theirs, control_ids=ids)
    one, two = (np.random.default_rng(0).permutation(len(part)) for part in (members, controls))
    again = matched_change(members[one], mine[one], controls[two], theirs[two], control_ids=ids[two])
    assert (again.value, again.low) == pytest.approx((first.value, first.low), abs=1e-12)


@pytest.mark.parametrize("n", [0, 29])
def test_few_members_are_refused(n):
    with pytest.raises(ModelError, match=f"needs 30 members .* there are {n}"):
        matched_change([1.0] * n, [0] * n, [0.0, 1.0] * 10, [0] * 20)


def test_equal_changes_have_no_spread():
    assert matched_change([1.0] * 30, [0] * 30, [1.0] * 10, [0] * 10).p == 1.0
    assert matched_change([2.0] * 30, [0] * 30, [1.0] * 10, [0] * 10).p == 0.0
