"""The rule at the edges: the gain it takes, limits by the model's own likelihood, and the words for each."""

import numpy as np
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.basics.edges import LEAST, WIDEST, chance_edges, highest, reason_against, require_inside, standard_errors
from crmkit.models.purchases import sbg

# exactly one in ten leaves, but for so many fewer at the fourth renewal: from no difference at all to one that shows
FEWER = range(0, 40, 4)


def judged(survivors):
    data = sbg.cohorts([survivors])
    objective = sbg._objective(data)
    optimum = highest(objective, np.zeros(2), data.customers)
    p = (survivors[0] - survivors[-1]) / sum(survivors[:-1])
    left = survivors[0] - survivors[-1]
    constant = left * np.log(p) + (sum(survivors[:-1]) - left) * np.log1p(-p)
    reason = reason_against(objective, optimum, data.customers, sbg.PARAMETERS, chance_edges(2, 0, 1, nobody=False))
    return -optimum.value * data.customers - constant, standard_errors(optimum, data.customers), reason


def test_the_verdict_is_that_of_the_gain_over_one_rate_for_all():
    verdicts = []
    for fewer in FEWER:
        gain, errors, reason = judged([10000, 9000, 8100, 7290, 6561 + fewer])
        assert (reason is None) == (gain >= LEAST), (fewer, gain)
        if reason is None:
            assert errors.max() == pytest.approx(1 / np.sqrt(2 * gain), rel=0.1)
        verdicts.append(reason is None)
    assert verdicts == sorted(verdicts)
    assert {True, False} == set(verdicts)
    assert pytest.approx(1 / (2 * WIDEST**2)) == LEAST


@pytest.mark.parametrize("scale", [1, 3, 10, 100])
def test_a_likelihood_off_in_the_tenth_digit_gives_the_same_verdict(scale):
    data = sbg.cohorts([[scale * n for n in (1000, 900, 810, 729, 656)]])
    exact, rng = sbg._objective(data), np.random.default_rng(0)
    edges = chance_edges(2, 0, 1, nobody=False)
    for _ in range(3):
        by = 1 + 1e-10 * rng.uniform(-1, 1, 3)

        def off(theta, by=by):
            value, gradient = exact(theta)
            return value * by[0], gradient * by[1:]

        reason = reason_against(off, highest(off, np.zeros(2), data.customers), data.customers, sbg.PARAMETERS, edges)
        assert reason.template == "nothing in the histories shows that customers differ in how readily they leave"


def test_the_words_name_the_simplest_limit():
    with pytest.raises(ModelError, match="left at once or never"):
        sbg.fit_sbg(sbg.cohorts([[100, 60, 60, 60]]))


def test_only_the_parameters_that_decide_have_to_be_known():
    flat = np.array([1.0, 1e-4])
    optimum = highest(lambda theta: (0.5 * float(flat @ theta**2), flat * theta), np.zeros(2), 100)
    given = (lambda theta: (0.5 * float(flat @ theta**2), flat * theta), optimum, 100, ("a", "b"), [], "A model")
    require_inside(*given, bounded=("a",))
    with pytest.raises(ModelError, match="A model cannot be fitted: the histories leave open how large b is"):
        require_inside(*given)
