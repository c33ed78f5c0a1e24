"""Gamma-Gamma: the gradient is exact, the truth comes back, and what cannot be used is refused."""

import mpmath as mp
import numpy as np
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.basics.draws import normal_draws
from crmkit.models.purchases import spend
from crmkit.models.purchases.spend import SpendFit, expected_spend, fit_gamma_gamma, spend_draws, spend_frequency_correlation

TRUTH = {"p": 6.25, "q": 3.74, "v": 15.44}


def sample(customers, seed, p=6.25, q=3.74, v=15.44):
    rng = np.random.default_rng(seed)
    x = rng.integers(1, 12, customers)
    return x, rng.gamma(p * x, 1 / (x * rng.gamma(q, 1 / v, customers)))


def test_simulated_customers_give_their_parameters_back():
    found = fit_gamma_gamma(*sample(20_000, 0))
    assert found.gradient_norm < 1e-9
    for name, truth in TRUTH.items():
        assert abs(found.params[name] - truth) < 3.5 * found.standard_errors[name], name
    assert found.population_mean == pytest.approx(6.25 * 15.44 / 2.74, rel=0.02)


def test_gradient_against_40_digits():
    x, z, n = np.array([1.0, 2, 5]), np.array([10.0, 35.5, 3]), np.array([2.0, 1, 4])
    theta = (0.8, 1.1, 2.5)
    value, gradient = spend._objective(x, z, n)(np.array(theta))
    with mp.workdps(40):

        def mean(*at):
            p, q, v = (mp.exp(a) for a in at)
            terms = []
            for k, m, count in zip(x.tolist(), z.tolist(), n.tolist(), strict=True):
                density = (p * k) ** (p * k) / (p * k) ** (p * k) * mp.mpf(k) ** (p * k) * mp.mpf(m) ** (p * k - 1) * v**q
                terms.append(count * mp.log(density / mp.beta(p * k, q) / (v + mp.mpf(k) * m) ** (p * k + q)))
            return -mp.fsum(terms) / 7

        assert abs(value - mean(*theta)) < 1e-13
        for i in range(3):
            order = tuple(int(i == j) for j in range(3))
            assert abs(gradient[i] - mp.diff(mean, theta, order, h=mp.mpf(10) ** -12)) < 1e-12


def test_grouped_rows_and_order_change_nothing():
    x, z = sample(500, 1)
    z = z.round()
    rows, n = np.unique(np.column_stack([x, z]), axis=0, return_counts=True)
    plain, grouped = fit_gamma_gamma(x, z), fit_gamma_gamma(*rows.T, n)
    assert dict(grouped.params) == pytest.approx(dict(plain.params), rel=1e-9)
    assert grouped.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-12)
    assert grouped.n == 500
    assert spend_frequency_correlation(*rows.T, n) == pytest.approx(np.corrcoef(x, z)[0, 1], rel=1e-12)


def test_the_currency_scales_v_only():
    x, z = sample(2000, 2)
    euro, cent = fit_gamma_gamma(x, z), fit_gamma_gamma(x, 100 * z)
    assert cent.params["v"] == pytest.approx(100 * euro.params["v"], rel=1e-8)
    assert (cent.params["p"], cent.params["q"]) == pytest.approx((euro.params["p"], euro.params["q"]), rel=1e-8)
    assert cent.log_likelihood == pytest.approx(euro.log_likelihood - 2000 * np.log(100), rel=1e-12)


def test_customers_left_out_are_counted():
    x, z = sample(300, 3)
    found = fit_gamma_gamma(np.append(x, [0, 0, 3, 2]), np.append(z, [np.nan, 7, 0, -5]), np.append(np.ones(300), [1, 4, 2, 1]))
    assert (found.n, found.without_repeat, found.not_positive) == (300, 5, 3)
    assert dict(found.params) == pytest.approx(dict(fit_gamma_gamma(x, z).params), rel=1e-12)


def test_expected_spend_lies_between_own_and_population_mean():
    found = fit_gamma_gamma(*sample(2000, 4))
    x, z = np.array([1, 5, 1000, 0, 3]), np.array([100.0, 100.0, 100.0, np.nan, -2.0])
    value = expected_spend(found, x, z)
    assert found.population_mean < value[0] < value[1] < value[2] < 100
    assert value[2] == pytest.approx(100, rel=0.002)
    assert value[3:].tolist() == [found.population_mean] * 2


def test_customers_who_differ_by_chance_alone_share_one_mean():
    """Ten samples of one Gamma(4, 0.08) for all: where q has no maximum, the limit has the likelihood that q comes near to."""
    limits = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        x = rng.integers(1, 20, 800)
        z = rng.gamma(4.0 * x, 12.5 / x)
        found = fit_gamma_gamma(x, z)
        assert found.population_mean == pytest.approx(50, rel=0.03)
        if not found.alike:
            continue
        limits += 1
        assert found.params["p"] == pytest.approx(4, rel=0.2)
        assert expected_spend(found, x, z) == pytest.approx(np.average(z, weights=x), rel=1e-3)
        at = spend._objective(x.astype(float), z, np.ones(800))
        p, q, v = found.params.values()
        near = [-800 * at(np.log([p, q / by, v * (q / by - 1) / (q - 1)]))[0] for by in (100, 10)]
        assert near[0] < near[1] < found.log_likelihood < near[1] + 0.1
        assert np.isnan(found.standard_errors["q"])
        assert found.standard_errors["p"] == pytest.approx(found.params["p"] * np.sqrt(2 / x.size), rel=0.1)
        means = [one.params["p"] * one.params["v"] / (one.params["q"] - 1) for one in spend_draws(found, draws=500).fits()]
        assert np.std(means) == pytest.approx(found.population_mean / np.sqrt(p * x.sum()), rel=0.1)
    assert 2 <= limits <= 8


def test_purchases_that_all_cost_the_same():
    found = fit_gamma_gamma([1, 2, 7] * 20, [9.99] * 60)
    assert found.alike
    assert expected_spend(found, [0, 3], [0, 9.99]) == pytest.approx(9.99, rel=1e-9)


def test_draws_have_a_finite_mean():
    """Near q = 1 the normal approximation reaches beyond; such draws are made anew, since their mean spend is infinite."""
    near = SpendFit({"p": 6.0, "q": 1.2, "v": 15.0}, {}, np.diag([0.001, 0.03, 0.001]), -4000.0, 900, 0, 0, 0.0)
    drawn = spend_draws(near, draws=400)
    assert len(drawn) == 400
    q = drawn.values[:, drawn.names.index("q")]
    assert q.min() > 1
    assert (spend_draws(near, draws=400, seed=1).values != drawn.values).any()
    free = normal_draws("gamma_gamma", near.params, near.covariance, draws=400)
    assert (free.values[:, 1] <= 1).mean() > 0.05  # without the limit some would


def test_draws_too_near_an_infinite_mean_are_refused():
    # three of five draws lie at 1 or below
    edge = SpendFit({"p": 6.0, "q": np.exp(-0.05), "v": 15.0}, {}, np.diag([0.001, 0.04, 0.001]), -4000.0, 900, 0, 0, 0.0)
    with pytest.raises(ModelError, match=r"gamma_gamma: too near its limit \(q > 1\)"):
        spend_draws(edge, draws=4000)


def test_correlation_needs_variation():
    assert np.isnan(spend_frequency_correlation([2, 2], [5.0, 9.0]))
    assert np.isnan(spend_frequency_correlation([0, 0], [0.0, 0.0]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: fit_gamma_gamma([1] * 19 + [0] * 9, [5.0] * 28),
            "19 customers have a repeat purchase and a mean spend above 0",
        ),
        (lambda: fit_gamma_gamma(*sample(4000, 5, q=0.7)), "Gamma-Gamma cannot be used: q is 0."),
        (lambda: fit_gamma_gamma([1, 1.5], [1, 1]), "spend: frequency is not a whole number in range in 1 of 2 rows (row 1)"),
        (
            lambda: fit_gamma_gamma([1, 0], [np.nan, np.nan]),
            "spend: monetary_value is missing or infinite in 1 of 2 rows (row 0)",
        ),
        (lambda: fit_gamma_gamma([1, 1], [1, 1], [0, 1]), "spend: n is not a whole number in range in 1 of 2 rows (row 0)"),
        (lambda: fit_gamma_gamma([1, 1], [1]), "spend: frequency, monetary_value and n have shapes"),
    ],
)
def test_what_cannot_be_used(call, message):
    with pytest.raises(ModelError) as caught:
        call()
    assert message in str(caught.value)
