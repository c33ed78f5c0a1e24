"""Histories in which all leave at one rate: the limit of Pareto/NBD as s and beta grow together."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.special import gammaln

from crmkit.core.errors import ModelError
from crmkit.models.purchases import btyd

TRUTH = btyd.known("pareto_nbd", {"r": 1.5, "alpha": 12.0, "s": 1e4, "beta": 1e4 / 0.02})


@pytest.fixture(scope="module")
def even():
    return btyd.simulate(TRUTH, np.random.default_rng(20261130).uniform(10, 60, 300), np.random.default_rng(20261131))


def likelihood(theta, x, tx, T, s=np.inf):
    """An own likelihood: alive until T, or left at u between the last purchase and T; the integral by QUADPACK."""
    r, alpha, mu = np.exp(theta)
    total = 0.0

    def stays(u):
        return -mu * u if np.isinf(s) else -s * np.log1p(mu * u / s)

    for k, last, age in zip(x, tx, T, strict=True):
        ways = gammaln(r + k) - gammaln(r) + r * np.log(alpha)
        top = -(r + k) * np.log(alpha + last)  # the integrand is largest at the last purchase

        def leaves(u, k=k, top=top):
            return np.exp(-(r + k) * np.log(alpha + u) + stays(u) - top) * mu / (1 + mu * u / s)

        left = quad(leaves, last, age, epsabs=1e-13, epsrel=1e-12)[0]
        total += ways + top + np.log(np.exp(-(r + k) * np.log(alpha + age) + stays(age) - top) + left)
    return total


def test_the_estimate_is_that_of_an_own_likelihood_and_another_optimiser(even):
    x, tx, T = even
    rows = np.column_stack([x, np.ceil(tx), np.ceil(T)])[:60].T
    found = btyd.fit_alike(btyd.tuples(*rows))
    options = {"xatol": 1e-8, "fatol": 1e-10}
    best = minimize(lambda theta: -likelihood(theta, *rows, 1e4), np.log([1, 10, 0.03]), method="Nelder-Mead", options=options)
    mine = np.array([found.params["r"], found.params["alpha"], found.params["s"] / found.params["beta"]])
    assert found.log_likelihood == pytest.approx(-best.fun, abs=1e-6)
    np.testing.assert_allclose(mine, np.exp(best.x), rtol=1e-5)
    # one rate for all, but for a thousandth
    assert found.log_likelihood == pytest.approx(likelihood(np.log(mine), *rows), abs=1e-3)
    assert found.names == ("r", "alpha", "beta")
    assert found.aic == pytest.approx(6 - 2 * found.log_likelihood)


def test_parameters_come_back_and_its_errors_cover_them():
    inside = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        found = btyd.fit_alike(btyd.tuples(*btyd.simulate(TRUTH, rng.uniform(10, 60, 800), rng)))
        error = found.standard_errors["beta"] / found.params["beta"]
        inside += abs(np.log(found.params["beta"] / TRUTH.params["beta"])) < 1.96 * error
    assert 35 <= inside <= 40  # binomial(40, 0.95): 35 to 40 in 95 % and more


def test_it_is_there_where_pareto_nbd_runs_to_the_edge():
    refused = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        histories = btyd.tuples(*btyd.simulate(TRUTH, rng.uniform(10, 60, 800), rng))
        found = btyd.fit_alike(histories)
        try:
            # one parameter more, which has nothing to say: more than 5 would come by chance in one of 600
            assert btyd.fit_pareto_nbd(histories).log_likelihood - found.log_likelihood < 5
        except ModelError as err:
            refused += "nothing in the histories shows that customers differ in how readily they leave" in str(err)
        with pytest.raises(ModelError, match="the histories show that customers leave"):
            btyd.fit_nbd(histories)
    assert refused >= 2


def test_what_follows_has_a_closed_form(even):
    x, tx, T = even
    found = btyd.fit_alike(btyd.tuples(x, tx, T))
    mu = found.params["s"] / found.params["beta"]
    rate = (found.params["r"] + x) / (found.params["alpha"] + T)
    alive = btyd.probability_alive(found, x, tx, T)
    expected = alive * rate * -np.expm1(-mu * 52) / mu
    np.testing.assert_allclose(btyd.expected_purchases(found, 52.0, x, tx, T), expected, rtol=1e-3)
    worth = btyd.discounted_expected_purchases(found, x, tx, T, horizon=None, discount_rate=0.002)
    np.testing.assert_allclose(worth, alive * rate / (mu + 0.002), rtol=1e-3)
    drawn = btyd.draw_purchases(found, 52.0, x[:5], tx[:5], T[:5], draws=20_000, rng=np.random.default_rng(0))
    error = drawn.std(0) / np.sqrt(20_000)
    assert (np.abs(drawn.mean(0) - expected[:5]) < 4 * error + 1e-3 * expected[:5]).all()


@pytest.mark.parametrize("method", ["bootstrap", "normal"])
def test_other_samples_vary_what_was_searched_for_alone(even, method):
    histories = btyd.tuples(*even)
    found = btyd.fit_alike(histories)
    drawn = btyd.parameter_draws(histories, found, draws=60, method=method)
    assert drawn.failed == 0
    each = [fit.params for fit in drawn.fits()]
    assert {one["s"] for one in each} == {found.params["s"]}
    spread = np.std([np.log(one["beta"]) for one in each])
    assert spread == pytest.approx(found.standard_errors["beta"] / found.params["beta"], rel=0.5)


def test_customers_who_all_buy_at_one_rate_and_leave_at_one():
    rng = np.random.default_rng(3)
    T = rng.uniform(50, 100, 300)
    life = np.minimum(rng.exponential(60, 300), T)
    x = np.floor(0.2 * life)
    tx = np.where(x > 0, 5 * x, 0.0)
    found = btyd.fit_alike(btyd.tuples(x, tx, T))
    assert found.names == ("alpha", "beta")
    assert found.params["r"] / found.params["alpha"] == pytest.approx(0.2, rel=0.15)
    assert btyd.parameter_draws(btyd.tuples(x, tx, T), found, draws=20).failed == 0


def test_where_nobody_leaves_there_is_no_rate_of_leaving():
    rng = np.random.default_rng(1)
    T = np.full(400, 52.0)
    x = rng.poisson(rng.gamma(2.0, 1 / 10.0, 400) * T)
    histories = btyd.tuples(x, np.where(x > 0, T, 0.0), T)
    with pytest.raises(ModelError, match="nothing in the histories shows that any customer has left"):
        btyd.fit_alike(histories)
    assert btyd.fit_nbd(histories).params["s"] < 1e-12


def test_too_few_customers_are_refused():
    with pytest.raises(ModelError, match="NBD with one rate of leaving cannot be fitted: there are 3 customers"):
        btyd.fit_alike(btyd.tuples([1, 2, 0], [5, 8, 0], [10, 10, 10]))
