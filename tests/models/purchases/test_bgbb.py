"""BG/BB: predictions against mpmath and against draws, the truth comes back, and what cannot be used is refused."""

import mpmath as mp
import numpy as np
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.purchases import bgbb
from crmkit.models.purchases.bgbb import fitting

CASES = [(1.2035, 0.7497, 0.6567, 2.7834), (0.3, 0.2, 1.0, 5.0), (20.0, 3.0, 0.05, 0.4), (1.0, 1.0, 2.5, 0.3)]
HISTORIES = [(0, 0, 6), (2, 4, 6), (6, 6, 6), (1, 1, 1), (40, 300, 365), (200, 365, 365)]


def given(params):
    return bgbb.Known("bgbb", dict(zip(bgbb.PARAMETERS, params, strict=True)))


def oracle(params, x, tx, n):
    """Likelihood, and the weight of being active at n + i, by the definition: one term for each occasion of leaving."""
    a, b, c, d = (mp.mpf(value) for value in params)
    buys = [mp.beta(a + x, b + m - x) / mp.beta(a, b) for m in range(tx, n + 1)]
    left = mp.fsum(buys[m - tx] * mp.beta(c + 1, d + m) / mp.beta(c, d) for m in range(tx, n))
    likelihood = left + buys[-1] * mp.beta(c, d + n) / mp.beta(c, d)
    return likelihood, lambda i: buys[-1] * mp.beta(c, d + n + i) / mp.beta(c, d) / likelihood, (a + x) / (a + b + n)


@pytest.mark.parametrize("params", CASES)
@pytest.mark.parametrize("history", HISTORIES)
def test_against_40_digits(params, history):
    with mp.workdps(40):
        likelihood, active, share = oracle(params, *history)
        fit = given(params)
        close = {"rel": 1e-10, "abs": 0}
        assert bgbb.log_likelihood(fit, *history).item() == pytest.approx(float(mp.log(likelihood)), rel=1e-12, abs=1e-12)
        assert bgbb.probability_alive(fit, *history).item() == pytest.approx(float(active(1)), **close)
        for rate in (0.0, 0.1):
            expected = share * mp.fsum(active(i) / (1 + mp.mpf(rate)) ** i for i in range(1, 13))
            found = bgbb.expected_purchases(fit, 12, *history, discount_rate=rate).item()
            assert found == pytest.approx(float(expected), **close)
        c, d = mp.mpf(params[2]), mp.mpf(params[3])
        n, v = history[2], 1 / mp.mpf("1.1")
        endless = share * active(1) * v * mp.hyp2f1(1, d + n + 1, c + d + n + 1, v)
        assert bgbb.discounted_expected_purchases(fit, *history, discount_rate=0.1).item() == pytest.approx(
            float(endless), **close
        )


@pytest.mark.parametrize("params", CASES)
def test_counts_make_a_distribution(params):
    fit = given(params)
    chances = bgbb.probability_purchases(fit, np.arange(11), 10)
    assert chances.sum() == pytest.approx(1, rel=1e-12)
    assert (chances * np.arange(11)).sum() == pytest.approx(bgbb.expected_purchases_new(fit, 10).item(), rel=1e-12)
    assert bgbb.probability_purchases(fit, 11, 10) == 0


def test_for_ever():
    slow = given(CASES[0])
    with pytest.raises(ModelError, match=r"infinite, because customers leave too slowly \(gamma = 0.6567"):
        bgbb.discounted_expected_purchases(slow, 2, 4, 6, discount_rate=0)
    fast = given(CASES[3])
    value = bgbb.discounted_expected_purchases(fast, 2, 4, 6, discount_rate=0).item()
    assert value == pytest.approx(bgbb.expected_purchases(fast, 100_000, 2, 4, 6).item(), rel=1e-4)
    assert bgbb.discounted_expected_purchases(fast, 2, 4, 6, discount_rate=1e-9).item() == pytest.approx(value, rel=1e-6)


def test_gradient():
    rng = np.random.default_rng(0)
    x, tx = bgbb.simulate(given(CASES[0]), np.full(400, 8), rng)
    objective = fitting._objective(bgbb.cells(x, tx, 8))
    theta, step = np.array([0.3, -0.2, 0.5, 0.9]), 1e-6
    for i, shift in enumerate(np.eye(4) * step):
        slope = (objective(theta + shift)[0] - objective(theta - shift)[0]) / (2 * step)
        assert objective(theta)[1][i] == pytest.approx(slope, rel=0, abs=1e-8)


def test_simulated_customers_give_their_parameters_back():
    truth = given(CASES[0])
    rng = np.random.default_rng(3)
    n = rng.integers(4, 11, 30_000)  # customers of several years
    x, tx = bgbb.simulate(truth, n, rng)
    histories = bgbb.cells(x, tx, n)
    found = bgbb.fit_bgbb(histories)
    for name, value in truth.params.items():
        assert abs(found.params[name] - value) < 3.5 * found.standard_errors[name], name
    draws = bgbb.parameter_draws(histories, found, draws=100, seed=1)
    spread = np.log(draws.values).std(axis=0, ddof=1) / np.sqrt(np.diag(found.covariance))
    assert ((spread > 0.75) & (spread < 1.3)).all()  # 99.9 % band of a standard deviation from 100 draws: .77 to 1.24


def test_draws_agree_with_the_expectation():
    fit, rng = given(CASES[0]), np.random.default_rng(0)
    x, tx = [0, 1, 2, 6], [0, 5, 4, 6]
    drawn = bgbb.draw_purchases(fit, 5, x, tx, 6, draws=40_000, rng=rng)
    assert drawn.max() <= 5
    error = drawn.std(0) / 200
    assert (np.abs(drawn.mean(0) - bgbb.expected_purchases(fit, 5, x, tx, 6)) < 4 * error).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: bgbb.cells([2, 0], [1, 0], 6),
            "cannot be a history in 1 of 2 rows (row 0); whole numbers, frequency",
        ),
        (lambda: bgbb.cells([0], [0], [6], [0.5]), "n must be a whole number >= 1"),
        (lambda: bgbb.fit_bgbb(bgbb.cells([0], [0], [6], [500])), "one of them has to have bought"),
        (lambda: bgbb.fit_bgbb(bgbb.cells([1], [1], [6], [3])), "there are 3 customers, at least 20 are needed"),
        (
            lambda: bgbb.probability_alive(bgbb.Known("bgbb", {"alpha": 1}), 0, 0, 6),
            "needs the parameters alpha, beta, gamma",
        ),
        (lambda: bgbb.expected_purchases(given(CASES[0]), -1, 0, 0, 6), "periods is -1"),
        (lambda: bgbb.discounted_expected_purchases(given(CASES[0]), 0, 0, 6, discount_rate=-1), "discount_rate is -1"),
    ],
)
def test_what_cannot_be_used(call, message):
    with pytest.raises(ModelError) as caught:
        call()
    assert message in str(caught.value)
