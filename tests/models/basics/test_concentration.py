"""Lorenz, Gini and top shares: known distributions, identities, and coverage by simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.core.errors import ModelError
from crmkit.models.basics.concentration import capture, gini, lorenz, top_share

VALUES = st.lists(st.floats(0.01, 1e6), min_size=2, max_size=60)


@pytest.mark.parametrize(
    ("ppf", "truth"), [(lambda u: u, 1 / 3), (lambda u: -np.log1p(-u), 1 / 2), (lambda u: (1 - u) ** (-1 / 3), 1 / 5)]
)
def test_gini_of_known_distributions(ppf, truth):
    """Uniform 1/3, exponential 1/2, Pareto with shape 3: 1 / (2 * 3 - 1)."""
    grid = (np.arange(1_000_000) + 0.5) / 1_000_000
    assert gini(ppf(grid)).value == pytest.approx(truth, abs=5e-5)


def test_top_share_of_the_exponential_distribution():
    """The top p of an exponential hold p (1 - ln p)."""
    grid = (np.arange(1_000_000) + 0.5) / 1_000_000
    assert top_share(-np.log1p(-grid), top=0.2).value == pytest.approx(0.2 * (1 - np.log(0.2)), abs=5e-5)


@given(VALUES)
def test_bounds_and_invariance(values):
    one = gini(values)
    assert 0 <= one.low <= one.value <= one.high <= 1 + 1e-12
    assert gini(values[::-1]).value == pytest.approx(one.value)
    assert gini([7 * v for v in values]).value == pytest.approx(one.value, abs=1e-9)
    share, held = lorenz(values)
    assert held[0] == 0
    assert held[-1] == pytest.approx(1)
    assert (np.diff(held) >= -1e-12).all()
    assert (held <= share + 1e-9).all()
    assert top_share(values, top=0.3).value == pytest.approx(1 - np.interp(0.7, share, held), abs=1e-9)


def test_equal_customers():
    assert gini([5.0] * 10).value == pytest.approx(0, abs=1e-12)
    assert top_share([5.0] * 10, top=0.2).value == pytest.approx(0.2)


@pytest.mark.parametrize("bad", [[], [1.0, -2.0], [0.0, 0.0], [1.0, float("nan")]])
def test_refuses_what_has_no_distribution(bad):
    with pytest.raises(ModelError, match="concentration of value"):
        gini(bad)


@pytest.mark.parametrize("replications", [400, pytest.param(2000, marks=pytest.mark.slow)])
def test_intervals_cover(replications):
    """Gamma-distributed values, 400 customers; inside the 99 % binomial band around 95 %."""
    truth_source = np.random.default_rng(10**6).gamma(1.5, 1.0, 4_000_000)
    truth = gini(truth_source).value, top_share(truth_source).value
    hits = np.zeros(2)
    for seed in range(replications):
        values = np.random.default_rng(seed).gamma(1.5, 1.0, 400)
        found = gini(values), top_share(values)
        hits += [m.low <= t <= m.high for m, t in zip(found, truth, strict=True)]
    band = 2.576 * np.sqrt(0.95 * 0.05 / replications)
    assert (hits / replications >= 0.95 - band).all(), hits / replications
    assert (hits / replications <= 0.95 + band).all(), hits / replications


def test_capture_counts_ties_in_part():
    flat = np.ones(10)
    assert capture(flat, np.arange(10.0)).value == pytest.approx(0.2)
    whole = capture(np.arange(10.0), np.eye(10)[9], top=0.1)
    assert (whole.value, whole.low, whole.high) == (1.0, 1.0, 1.0)


def test_capture_ends_at_the_cut():
    """Two of ten are the top fifth: what the third made does not count; of two and a half, half of it does."""
    forecast, actual = np.arange(10.0, 0.0, -1.0), np.array([4.0, 3.0, 2.0, 1.0, 0, 0, 0, 0, 0, 0])
    assert capture(forecast, actual, top=0.2).value == pytest.approx(0.7, rel=1e-12)
    assert capture(forecast, actual, top=0.25).value == pytest.approx(0.8, rel=1e-12)


def test_where_nothing_came_nothing_is_captured():
    assert np.isnan(capture(np.arange(5.0), np.zeros(5)).value)
