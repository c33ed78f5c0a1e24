"""Histories in which nobody leaves: the negative binomial model, the limit of Pareto/NBD as the rate of leaving goes to 0."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import gammaln

from crmkit.core.errors import ModelError
from crmkit.models.purchases import btyd


def stayers(rates, T, seed):
    rng = np.random.default_rng(seed)
    x = rng.poisson(rates * T)
    last = np.where(x > 0, T * rng.random(len(T)) ** (1 / np.maximum(x, 1)), 0.0)
    return x, last, T


@pytest.fixture(scope="module")
def varied():
    rng = np.random.default_rng(20261129)
    return stayers(rng.gamma(2.0, 1 / 30.0, 800), rng.uniform(40, 200, 800), 1)


def test_the_likelihood_is_that_of_the_negative_binomial(varied):
    x, _, T = varied
    found = btyd.fit_nbd(btyd.tuples(*varied))

    def loss(theta):
        r, alpha = np.exp(theta)
        return -(gammaln(r + x) - gammaln(r) + r * np.log(alpha) - (r + x) * np.log(alpha + T)).sum()

    best = minimize(loss, np.log([1.0, 20.0]), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-9, "maxiter": 5000})
    assert found.log_likelihood == pytest.approx(-best.fun, abs=1e-6)
    assert [found.params["r"], found.params["alpha"]] == pytest.approx(np.exp(best.x), rel=1e-4)
    assert found.names == ("r", "alpha")
    assert found.aic == pytest.approx(4 - 2 * found.log_likelihood)


def test_what_follows_has_a_closed_form(varied):
    x, last, T = varied
    found = btyd.fit_nbd(btyd.tuples(*varied))
    rate = (found.params["r"] + x) / (found.params["alpha"] + T)
    np.testing.assert_allclose(btyd.probability_alive(found, x, last, T), 1, atol=1e-12)
    np.testing.assert_allclose(btyd.expected_purchases(found, 52.0, x, last, T), 52 * rate, rtol=1e-9)
    worth = btyd.discounted_expected_purchases(found, x, last, T, horizon=None, discount_rate=0.002)
    np.testing.assert_allclose(worth, rate / 0.002, rtol=1e-9)


@pytest.mark.parametrize("method", ["bootstrap", "normal"])
def test_other_samples_vary_what_was_searched_for_alone(varied, method):
    histories = btyd.tuples(*varied)
    found = btyd.fit_nbd(histories)
    drawn = btyd.parameter_draws(histories, found, draws=60, method=method)
    assert drawn.failed == 0
    each = [fit.params for fit in drawn.fits()]
    assert {one["s"] for one in each} == {found.params["s"]}
    spread = np.std([np.log(one["alpha"]) for one in each])
    assert spread == pytest.approx(np.sqrt(found.covariance[1, 1]), rel=0.4)


def test_customers_who_all_buy_at_one_rate():
    T = np.random.default_rng(5).uniform(100, 200, 110)
    x = np.round(0.04 * T)
    last = T - 5
    histories = btyd.tuples(x, last, T)
    found = btyd.fit_nbd(histories)
    assert found.names == ("alpha",)
    expected = btyd.expected_purchases(found, 52.0, x, last, T)
    np.testing.assert_allclose(expected, 52 * x.sum() / T.sum(), rtol=1e-4)
    assert btyd.parameter_draws(histories, found, draws=20).failed == 0


@pytest.mark.parametrize(
    "truth", [{"r": 0.55, "alpha": 10.6, "s": 0.61, "beta": 11.7}, {"r": 2.0, "alpha": 10.0, "s": 1.0, "beta": 400.0}]
)
def test_histories_in_which_customers_leave_are_refused(truth):
    x, last, T = btyd.simulate(btyd.known("pareto_nbd", truth), np.full(400, 80.0), np.random.default_rng(0))
    with pytest.raises(ModelError, match="the histories show that customers leave"):
        btyd.fit_nbd(btyd.tuples(x, last, T))


def test_too_few_customers_are_refused():
    with pytest.raises(ModelError, match="NBD cannot be fitted: there are 3 customers"):
        btyd.fit_nbd(btyd.tuples([1, 2, 0], [5, 8, 0], [10, 10, 10]))
