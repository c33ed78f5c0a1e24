"""sBG: identities, several cohorts, intervals, and what is refused."""

import mpmath as mp
import numpy as np
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.basics.draws import interval
from crmkit.models.purchases import sbg

FIT = sbg.Known("sbg", {"alpha": 0.668, "beta": 3.806})


def simulated(alpha, beta, customers, periods, rng):
    lasts = rng.geometric(rng.beta(alpha, beta, customers))  # the renewal at which each leaves
    return [int((lasts > t).sum()) for t in range(periods + 1)]


def test_retention_and_survival_belong_together():
    periods = np.arange(1, 30)
    assert np.cumprod(sbg.retention(FIT, periods)) == pytest.approx(sbg.survival(FIT, periods), rel=1e-12)
    assert (np.diff(sbg.retention(FIT, periods)) > 0).all()
    assert sbg.survival(FIT, 0) == 1


@pytest.mark.parametrize(("alpha", "beta"), [(0.668, 3.806), (0.02, 1.0), (3.0, 0.5), (1.0, 200.0)])
@pytest.mark.parametrize("renewals", [0, 4, 200])
def test_expected_remaining_against_40_digits(alpha, beta, renewals):
    fit = sbg.Known("sbg", {"alpha": alpha, "beta": beta})
    with mp.workdps(40):
        a, b, v = mp.mpf(alpha), mp.mpf(beta) + renewals, 1 / mp.mpf("1.1")
        endless = b / (a + b) * mp.hyp2f1(1, b + 1, a + b + 1, v)
        terms = [mp.beta(a, b + i + 1) / mp.beta(a, b) * v**i for i in range(12)]
    assert sbg.expected_remaining(fit, renewals, discount_rate=0.1).item() == pytest.approx(float(endless), rel=1e-10)
    found = sbg.expected_remaining(fit, renewals, discount_rate=0.1, periods=12).item()
    assert found == pytest.approx(float(mp.fsum(terms)), rel=1e-10)


def test_for_ever():
    with pytest.raises(ModelError, match=r"infinite, because subscribers leave too slowly \(alpha = 0.668"):
        sbg.expected_remaining(FIT, 2)
    quick = sbg.Known("sbg", {"alpha": 3.0, "beta": 2.0})
    assert sbg.expected_remaining(quick, 4).item() == 3.0
    assert sbg.expected_remaining(quick, 4, discount_rate=1e-10).item() == pytest.approx(3.0, rel=1e-8)


def test_several_cohorts_of_different_length():
    rng = np.random.default_rng(0)
    several = [simulated(0.7, 2.5, 6000, periods, rng) for periods in (3, 5, 8)]
    found = sbg.fit_sbg(sbg.cohorts(several))
    assert found.n == 18_000
    assert abs(found.params["alpha"] - 0.7) < 3.5 * found.standard_errors["alpha"]
    assert abs(found.params["beta"] - 2.5) < 3.5 * found.standard_errors["beta"]
    split = sbg.fit_sbg(sbg.cohorts([several[0], *several[1:]][::-1]))
    assert dict(split.params) == pytest.approx(dict(found.params), rel=1e-8)


def test_the_interval_of_a_retention_curve():
    data = sbg.cohorts([[1000, 631, 468, 382, 326, 289, 262, 241]])
    found = sbg.fit_sbg(data)
    draws = sbg.parameter_draws(data, found, draws=100, seed=0)
    assert len(draws.values) == 100
    curve = interval(lambda fit: sbg.survival(fit, np.arange(1, 8)), found, draws)
    assert ((curve.low < curve.value) & (curve.value < curve.high)).all()
    # about as wide as the interval of a share of 1,000, a little less because all periods speak
    assert 0.6 < (curve.high - curve.low)[0] / (2 * 1.96 * np.sqrt(0.631 * 0.369 / 1000)) < 1.1


@pytest.mark.slow
def test_coverage_of_the_bootstrap():
    """1,000 cohorts of 2,000: the 95 % interval of beta / (alpha + beta), first retention, inside the 99 % band."""
    covered, truth = 0, 2.5 / 3.2
    for seed in range(1000):
        data = sbg.cohorts([simulated(0.7, 2.5, 2000, 6, np.random.default_rng(seed))])
        found = sbg.fit_sbg(data)
        first = interval(lambda fit: sbg.retention(fit, 1), found, sbg.parameter_draws(data, found, seed=seed))
        covered += first.low <= truth <= first.high
    assert 931 <= covered <= 967, covered


@pytest.mark.parametrize(
    ("survivors", "message"),
    [
        ([[100, 120]], "cohort 1 is [100.0, 120.0]; two counts or more that never rise"),
        ([[100, 50], [10]], "cohort 2"),
        ([[100, 50.5]], "cohort 1"),
        ([], "there is no cohort"),
    ],
)
def test_what_is_no_cohort(survivors, message):
    with pytest.raises(ModelError) as caught:
        sbg.cohorts(survivors)
    assert message in str(caught.value)


@pytest.mark.parametrize("survivors", [[10, 5, 3], [100, 100, 100], [100, 60], [1000, 900, 810, 729, 656]])
def test_what_cannot_be_fitted(survivors):
    with pytest.raises(ModelError, match=r"sBG cannot be fitted|sBG did not converge"):
        sbg.fit_sbg(sbg.cohorts([survivors]))


@pytest.mark.parametrize("periods", [1, 12, None])
def test_drawn_periods_have_the_expected_mean(periods):
    fit = sbg.Known("sbg", {"alpha": 3.5, "beta": 8.0})
    made = np.array([0, 3, 30])
    drawn = sbg.draw_remaining(fit, made, periods=periods, draws=100_000, rng=np.random.default_rng(0))
    assert drawn.shape == (100_000, 3)
    assert np.array_equal(drawn, np.rint(drawn))
    expected = sbg.expected_remaining(fit, made, periods=periods)
    assert (np.abs(drawn.mean(0) - expected) < 4 * drawn.std(0) / np.sqrt(len(drawn))).all()
    assert periods is None or drawn.max() == periods


def test_limits_of_the_remaining_periods_cover_the_truth():
    """200 samples of 600 subscribers watched for ten renewals; the band is the binomial one of 200."""
    truth, made = sbg.Known("sbg", {"alpha": 0.9, "beta": 3.0}), np.array([0, 3, 10])
    expected = sbg.expected_remaining(truth, made, periods=12)
    held = np.zeros((200, 3))
    for seed in range(200):
        rng = np.random.default_rng(seed)
        left = rng.geometric(rng.beta(0.9, 3.0, 600))
        counts = [600, *(int((left > renewal).sum()) for renewal in range(1, 11))]
        found = sbg.remaining_limits(sbg.fit_sbg(sbg.cohorts([counts])), made, periods=12)
        held[seed] = (found.low <= expected) & (expected <= found.high)
    assert (held.mean(0) >= 0.91).all()
    assert (held.mean(0) <= 0.985).all()


def test_limits_are_those_of_other_samples():
    data = sbg.cohorts([[1000, 869, 743, 653, 593, 551, 517, 491]])
    fit = sbg.fit_sbg(data)
    found = sbg.remaining_limits(fit, [0, 5], discount_rate=0.01, periods=24)
    draws = sbg.parameter_draws(data, fit, draws=400)
    each = np.array([sbg.expected_remaining(one, [0, 5], discount_rate=0.01, periods=24) for one in draws.fits()])
    np.testing.assert_allclose(np.log(found.high / found.low) / (2 * 1.96), np.log(each).std(0), rtol=0.15)
    np.testing.assert_allclose(found.value, sbg.expected_remaining(fit, [0, 5], discount_rate=0.01, periods=24))
