"""Net promoter score: identities, exact coverage over all outcomes, false alarms in a family, speed and bad input."""

from math import lgamma

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.core.errors import DataError, ModelError
from crmkit.models.basics.families import holm
from crmkit.models.basics.shares import detectable_mean
from crmkit.models.survey.nps import Tally, deviation, nps, nps_difference, tally

STEPS = [(i / 20, j / 20) for i in range(1, 19) for j in range(1, 20 - i)]


def outcomes(n):
    """All splits of n answers into promoters and detractors, and the logarithm of their multinomial coefficient."""
    p, d = (part.ravel() for part in np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij"))
    p, d = p[p + d <= n], d[p + d <= n]
    factorial = np.array([lgamma(k + 1) for k in range(n + 1)])
    return p, d, factorial[n] - factorial[p] - factorial[d] - factorial[n - p - d]


def coverage(n):
    """Exact chance that the interval holds the true score, at the 171 points in steps of 0.05."""
    p, d, ways = outcomes(n)
    found = nps(p, d, n)
    rates = []
    for up, down in STEPS:
        chance = np.exp(ways + p * np.log(up) + d * np.log(down) + (n - p - d) * np.log1p(-up - down))
        assert chance.sum() == pytest.approx(1)
        truth = 100 * (up - down)
        rates.append(chance[(found.low <= truth + 1e-9) & (found.high >= truth - 1e-9)].sum())
    return np.array(rates)


@pytest.mark.parametrize("n", [*range(10, 31), 50, 100, *(pytest.param(n, marks=pytest.mark.slow) for n in range(31, 201))])
def test_interval_covers_at_every_point(n):
    rates = coverage(n)
    assert len(rates) == 171
    assert rates.min() >= 0.93, rates.min()


def test_the_plain_wald_interval_would_not():
    """The check above can fail: without the added answers it does."""
    p, d, ways = outcomes(10)
    up, down = 0.9, 0.05
    chance = np.exp(ways + p * np.log(up) + d * np.log(down) + (10 - p - d) * np.log(0.05))
    reach = 1.96 * np.sqrt((p + d) / 10 - ((p - d) / 10) ** 2) / np.sqrt(10)
    assert chance[np.abs((p - d) / 10 - 0.85) <= reach].sum() < 0.75


@given(st.lists(st.integers(0, 10), min_size=1, max_size=200))
def test_bounds_and_mirror(scores):
    t = tally(scores)
    found, mirrored = nps(t.promoters, t.detractors, t.n), nps(t.detractors, t.promoters, t.n)
    assert -100 <= found.low[0] <= found.value[0] <= found.high[0] <= 100
    assert mirrored.value[0] == -found.value[0]
    assert mirrored.low[0] == pytest.approx(-found.high[0])
    assert t.promoters[0] == sum(score >= 9 for score in scores)
    assert t.detractors[0] == sum(score <= 6 for score in scores)


def test_only_promoters_is_a_hundred():
    found = nps(20, 0, 20)
    assert found.value.item() == found.high.item() == 100
    assert found.low.item() < 95


@pytest.mark.parametrize(("p", "d", "n"), [(30, 12, 60), (10, 10, 40), (90, 5, 100)])
def test_three_answers_are_added(p, d, n):
    """By hand: 3 answers, 0.75 of one to promoters and detractors each; two added would be off by a twentieth of the reach."""
    up, down = (p + 0.75) / (n + 3), (d + 0.75) / (n + 3)
    reach = 1.959963984540054 * ((up + down - (up - down) ** 2) / (n + 3)) ** 0.5
    found = nps(p, d, n)
    assert found.low.item() == pytest.approx(100 * (up - down - reach), rel=1e-12)
    assert found.high.item() == pytest.approx(100 * (up - down + reach), rel=1e-12)


def test_the_example_of_the_docstring_by_hand():
    """(30.75 - 12.75) / 63 = 2/7; variance (43.5/63 - 4/49) / 63 = 0.00966456..."""
    found = nps(30, 12, 60)
    middle, reach = (found.low.item() + found.high.item()) / 2, (found.high.item() - found.low.item()) / 2
    assert middle == pytest.approx(200 / 7, rel=1e-12)
    assert reach == pytest.approx(196 * 0.0983, rel=2e-3)


def test_cells_weights_and_missing_answers():
    scores, cells = [10, 3, np.nan, 8, 9, 9], [0, 0, 0, 2, 2, 2]
    t = tally(scores, cells, n_cells=4)
    assert t.n.tolist() == [2, 0, 3, 0]
    assert np.isnan(nps(t.promoters, t.detractors, t.n).value).tolist() == [False, True, False, True]
    same = tally(scores, cells, n_cells=4, weights=np.full(6, 7.0))
    assert same.promoters == pytest.approx(t.promoters)
    uneven = tally([10, 3, 10], weights=[1.0, 2.0, 1.0])
    assert uneven.n.item() == pytest.approx(16 / 6)
    assert uneven.answers.item() == 3
    assert nps(uneven.promoters, uneven.detractors, uneven.n).value.item() == pytest.approx(0, abs=1e-12)


def test_differences():
    first, second = tally([10] * 30 + [8] * 18 + [3] * 12), tally([10] * 40 + [8] * 12 + [3] * 8)
    found = nps_difference(first, second)
    assert found.value.item() == pytest.approx(70 / 3)
    assert found.n_first.item() == 60
    back = nps_difference(second, first)
    assert back.low.item() == pytest.approx(-found.high.item())
    assert (found.p_value.item() < 0.05) == (found.low.item() > 0)
    assert np.isnan(nps_difference((0, 0, 0), (1, 0, 3)).low.item())


@pytest.mark.parametrize("bad", [[11.0, 5.0], [-1.0, 5.0]])
def test_scores_outside_the_scale_are_listed(bad):
    with pytest.raises(DataError, match=r"1 scores lie outside 0 to 10 \(row 0\)"):
        tally(bad)


def test_cells_are_checked():
    with pytest.raises(ModelError, match="0 to 1"):
        tally([5, 6], [0, 2], n_cells=2)


def test_more_than_all_is_refused():
    with pytest.raises(ModelError, match="8 promoters and 3 detractors of 10 answers"):
        nps([2, 8], [1, 3], 10)


@pytest.mark.parametrize("replications", [4000, pytest.param(40_000, marks=pytest.mark.slow)])
def test_twelve_segments_without_change_rarely_alarm(replications):
    """60 answers per segment and wave, no change: the one-sided 99 % lower bound of any alarm is at most 0.05."""
    rng = np.random.default_rng(0)
    draws = rng.multinomial(60, (0.45, 0.3, 0.25), (2, replications, 12))
    waves = [Tally(w[..., 0], w[..., 1], w[..., 2], np.full(w.shape[:-1], 60.0), w.sum(-1)) for w in draws]
    found = nps_difference(*waves)
    naive, kept = (found.p_value < 0.05).any(1).mean(), (np.apply_along_axis(holm, 1, found.p_value) < 0.05).any(1).mean()
    assert naive > 0.35
    assert kept > 0.01
    assert kept - 2.326 * np.sqrt(kept * (1 - kept) / replications) <= 0.05, kept
    assert (np.abs(found.value) >= 10).any(1).mean() > 0.99


@pytest.mark.parametrize(("n1", "n2", "a", "b"), [(60, 60, (0.45, 0.25), (0.45, 0.25)), (30, 300, (0.9, 0.05), (0.9, 0.05))])
def test_differences_cover(n1, n2, a, b):
    """Exact over both samples is too many; 20,000 pairs. Wald's interval falls to 87 % in the second cell."""
    rng = np.random.default_rng(0)
    x = rng.multinomial(n1, (*a, 1 - sum(a)), 20_000)
    y = rng.multinomial(n2, (*b, 1 - sum(b)), 20_000)
    found = nps_difference((x[:, 0], x[:, 1], n1), (y[:, 0], y[:, 1], n2))
    truth = 100 * (b[0] - b[1] - a[0] + a[1])
    rate = ((found.low <= truth) & (truth <= found.high)).mean()
    assert 0.9435 <= rate <= 0.996, rate


def test_a_detectable_change_is_detected_as_often_as_promised():
    rng = np.random.default_rng(0)
    sd = deviation(450, 250, 1000)
    step = detectable_mean(sd, 400, 400).item()
    x, y = (rng.multinomial(400, (0.45 + s / 200, 0.25 - s / 200, 0.3), 20_000) for s in (0, step))
    found = nps_difference((x[:, 0], x[:, 1], 400), (y[:, 0], y[:, 1], 400))
    assert (found.p_value < 0.05).mean() == pytest.approx(0.8, abs=0.03)
