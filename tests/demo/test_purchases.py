"""Drawn customers follow the laws that they are said to follow."""

import numpy as np
import pytest

from crmkit.demo.retailco.purchases import Laws, draw_cents, draw_people, draw_times, expected_future

LAWS = Laws(r=0.8, alpha=11.0, s=0.7, beta=16.0, p=4.0, q=4.0, v=42.0)
N = 100_000
# two-sided 99.9 % of the normal; seeds are written here and not changed to pass
Z = 3.29


@pytest.fixture(scope="module")
def people():
    return draw_people(np.random.default_rng(0), LAWS, N)


def within(found: np.ndarray, expected: float) -> bool:
    """Whether the mean of a sample lies in the band around what it should be."""
    return abs(found.mean() - expected) < Z * found.std(ddof=1) / len(found) ** 0.5


@pytest.mark.parametrize("weeks", [4, 52, 104])
def test_mean_purchases(people, weeks):
    who, when = draw_times(np.random.default_rng(weeks), people, np.full(N, 7.0 * weeks))
    assert within(np.bincount(who, minlength=N), LAWS.expected_repeats(weeks))
    assert (np.diff(who) >= 0).all()
    assert (np.diff(when)[np.diff(who) == 0] >= 0).all()
    assert (when <= people.life[who]).all()


@pytest.mark.parametrize("weeks", [4, 52, 104])
def test_share_still_alive(people, weeks):
    """P(alive at t) = (beta / (beta + t))^s of Pareto lifetimes: Schmittlein, Morrison, Colombo (1987)."""
    assert within((people.life > 7 * weeks).astype(float), (LAWS.beta / (LAWS.beta + weeks)) ** LAWS.s)


def test_share_without_a_purchase(people):
    """While alive, purchases of all are negative binomial: P(0) = (alpha / (alpha + t))^r."""
    alive = np.flatnonzero(people.life > 7 * 30)
    who, _ = draw_times(np.random.default_rng(1), people, np.full(N, 7.0 * 30))
    silent = ~np.isin(alive, who)
    assert within(silent.astype(float), (LAWS.alpha / (LAWS.alpha + 30)) ** LAWS.r)


def test_money(people):
    """Mean over customers, and the spread between customers and within one: Fader, Hardie (2013), Gamma-Gamma model."""
    rng = np.random.default_rng(2)
    first, second = (draw_cents(rng, LAWS, people.nu) / 100 for _ in range(2))
    assert within(first, LAWS.mean_spend)
    between = LAWS.p**2 * LAWS.v**2 / ((LAWS.q - 1) ** 2 * (LAWS.q - 2))
    covariance = (first - LAWS.mean_spend) * (second - LAWS.mean_spend)
    assert within(covariance, between)
    assert abs(np.corrcoef(people.rate, first)[0, 1]) < Z / N**0.5


def test_expected_future(people):
    """Everybody alive today: what comes in a year is what was expected."""
    expected = expected_future(people, np.ones(N, dtype=bool), 365.0)
    who, _ = draw_times(np.random.default_rng(3), people, np.full(N, 365.0))
    assert within(np.bincount(who, minlength=N) - expected, 0.0)
    assert expected_future(people, np.zeros(N, dtype=bool), 365.0).sum() == 0


def test_cents_are_whole_and_positive():
    cents = draw_cents(np.random.default_rng(0), LAWS, np.full(1000, 1e9))
    assert cents.dtype == np.int64
    assert cents.min() == 1
