"""Shares: identities, bad input, power by simulation, and the chance of any false alarm among twelve segments."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.core.errors import ModelError, ParamError
from crmkit.models.basics.families import holm
from crmkit.models.basics.shares import detectable_mean, detectable_share, newcombe, wilson

COUNTS = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(deadline=None)
@given(COUNTS)
def test_wilson_solves_its_equation(pair):
    """Both limits are the shares whose score test is just at the critical value."""
    k, n = pair
    found = wilson(k, n)
    assert 0 <= found.low[0] <= found.value[0] <= found.high[0] <= 1
    for limit in (found.low[0], found.high[0]):
        if 0 < limit < 1:
            z = (k / n - limit) / np.sqrt(limit * (1 - limit) / n)
            assert abs(z) == pytest.approx(1.959963984540054, rel=1e-9)


@settings(deadline=None)
@given(COUNTS, COUNTS)
def test_newcombe_interval_and_p_value_agree(first, second):
    found = newcombe(*first, *second)
    assert -1 <= found.low[0] <= found.value[0] <= found.high[0] <= 1
    back = newcombe(*second, *first)
    assert back.low[0] == pytest.approx(-found.high[0], abs=1e-12)
    assert back.p_value[0] == pytest.approx(found.p_value[0], rel=1e-9)
    if min(abs(found.low[0]), abs(found.high[0])) > 1e-9:
        assert (found.p_value[0] < 0.05) == (found.low[0] > 0 or found.high[0] < 0)
    if first[0] * second[1] == second[0] * first[1]:
        assert found.p_value[0] == pytest.approx(1, abs=1e-9)


def test_groups_go_side_by_side_and_empty_ones_have_no_share():
    found = wilson([3, 0, 5], [10, 0, 5])
    assert np.isnan(found.value).tolist() == [False, True, False]
    assert found.high[2] == 1
    table = found.table(["a", "b", "c"])
    assert list(table.columns) == ["group", "value", "low", "high", "n", "method"]
    assert np.isnan(newcombe(0, 0, 3, 10).p_value[0])


@pytest.mark.parametrize(("count", "n"), [(5, 4), (-1, 4), (float("nan"), 4)])
def test_refuses_what_is_no_share(count, n):
    with pytest.raises(ModelError, match="is no share"):
        wilson([1, count], [4, n])


def test_refuses_bad_arguments():
    with pytest.raises(ParamError, match="between 0 and 1"):
        wilson(1, 4, confidence=95)
    with pytest.raises(ModelError, match="different shapes"):
        wilson([1, 2], [4, 5, 6])
    with pytest.raises(ParamError, match="power"):
        detectable_share(0.5, 10, 10, power=80)
    with pytest.raises(ParamError, match="comparisons"):
        detectable_mean(1, 10, 10, comparisons=0)


def test_a_detectable_change_is_detected_as_often_as_promised():
    """Chance that Newcombe's test sees it, over all outcomes of both waves; the rule is a normal approximation, hence 0.02."""
    from scipy.stats import binom

    n = 200
    step = detectable_share(0.7, n, n).item()
    assert step == pytest.approx(0.13, abs=0.02)
    k = np.arange(n + 1)
    seen = newcombe(*np.meshgrid(k, [n], k, [n], indexing="ij")).p_value.squeeze() < 0.05
    rates = [binom.pmf(k, n, 0.7) @ seen @ binom.pmf(k, n, other) for other in (0.7 + step, 0.7 - step)]
    assert min(rates) == pytest.approx(0.8, abs=0.02)
    assert detectable_share(0.99, 30, 30).item() > 0.01  # only downwards
    assert np.isnan(detectable_share(0.5, 3, 3).item())
    assert detectable_share(0.7, n, n, comparisons=12).item() > step
    assert np.isnan(detectable_mean(1, 0, 5).item())


@pytest.mark.parametrize("replications", [4000, pytest.param(40_000, marks=pytest.mark.slow)])
def test_twelve_segments_without_change_rarely_alarm(replications):
    """Naive tests alarm in almost every second survey; with Holm the one-sided 99 % lower bound is at most 0.05."""
    rng = np.random.default_rng(0)
    first, second = rng.binomial(60, 0.62, (2, replications, 12))
    p = newcombe(first, 60, second, 60).p_value
    naive, kept = (p < 0.05).any(1).mean(), (np.apply_along_axis(holm, 1, p) < 0.05).any(1).mean()
    assert naive > 0.35
    assert kept > 0.01
    assert kept - 2.326 * np.sqrt(kept * (1 - kept) / replications) <= 0.05, kept
