"""A campaign moves a score, the score moves leaving: the effect per point is found, whatever else moves both."""

import numpy as np
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.survey.point_value import effect_per_point


def simulate(seed, n=4000, *, lift=0.5, per_point=-0.08):
    """What lies behind both (the mood of a customer) would mislead whoever compares scores."""
    rng = np.random.default_rng(seed)
    treated, mood = rng.random(n) < 0.5, rng.normal(0, 1, n)
    score = 3 + 0.7 * mood + lift * treated + rng.normal(0, 0.7, n)
    left = (rng.random(n) < np.clip(0.5 + per_point * (score - 3) - 0.1 * mood, 0, 1)).astype(float)
    return left, np.where(rng.random(n) < 0.6, score, np.nan), treated


def test_the_planted_effect_is_found_where_comparing_scores_misleads():
    left, score, treated = simulate(0, 40_000)
    found = effect_per_point(left, score, treated)
    assert found.ratio.low < -0.08 < found.ratio.high
    assert found.ratio.value == pytest.approx(found.outcome.value / found.score.value)
    said = np.isfinite(score)
    naive = np.polyfit(score[said], left[said], 1)[0]
    assert naive < -0.12


def band(replications, level=0.95):
    from scipy.stats import binom

    return binom.ppf([0.005, 0.995], replications, level) / replications


def share_covered(seeds):
    found = [effect_per_point(*simulate(seed)) for seed in seeds]
    assert all(one.ratio is not None for one in found)
    return np.mean([one.ratio.low <= -0.08 <= one.ratio.high for one in found])


def test_the_interval_covers_the_truth():
    low, high = band(1000)
    assert low <= share_covered(range(1000)) <= high


def test_a_score_that_did_not_move_gives_no_ratio():
    found = effect_per_point(*simulate(1, lift=0.0))
    assert found.ratio is None
    assert found.score.low <= 0 <= found.score.high


def test_without_an_error_of_the_score_the_interval_is_that_of_the_outcome():
    """Everybody answers 1 more in the treated arm: the score is exact, and the ratio is the plain difference."""
    treated = np.arange(400) % 2 == 0
    score = np.where(treated, 4.0, 3.0)
    left = (np.random.default_rng(0).random(400) < 0.4).astype(float)
    found = effect_per_point(left, score, treated)
    assert (found.ratio.value, found.ratio.low, found.ratio.high) == pytest.approx(
        (found.outcome.value, found.outcome.low, found.outcome.high)
    )


@pytest.mark.parametrize("score", [np.full(100, np.nan), np.where(np.arange(100) < 2, 3.0, np.nan)])
def test_without_answers_in_both_arms_nothing_can_be_said(score):
    with pytest.raises(ModelError, match="two customers or more in both groups"):
        effect_per_point(np.zeros(100), score, np.arange(100) % 2 == 0)
