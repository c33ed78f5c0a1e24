"""MBG/CNBD-k: k = 1 is MBG/NBD, predictions against mpmath, k comes back, regularity with its interval."""

import itertools

import mpmath as mp
import numpy as np
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.purchases.btyd import (
    discounted_expected_purchases,
    expected_purchases,
    expected_purchases_new,
    fit,
    fit_mbgcnbd,
    known,
    log_likelihood,
    probability_active,
    probability_alive,
    probability_purchases,
    regularity,
    simulate,
    tuples,
)
from crmkit.models.purchases.btyd import erlang as regular
from integrals import quad

NAMES = ("r", "alpha", "a", "b", "k")
CASES = [
    (0.9, 5.0, 0.8, 2.5, 3),
    (0.525, 6.183, 0.891, 1.614, 1),
    (0.25, 4.0, 1.0, 0.5, 2),  # a = 1
    (3.0, 1.0, 12.0, 30.0, 4),
]
HISTORIES = [(0, 0, 0), (0, 0, 39), (1, 20, 39), (3, 20, 39), (8, 31, 31), (400, 380, 390)]


def given(params):
    return known("mbgcnbd", dict(zip(NAMES, params, strict=True)))


def simulated(truth, customers, seed, T=52.0):
    """Histories, and the sum of log(interval): given the last purchase, the intervals are a Dirichlet share of it."""
    rng = np.random.default_rng(seed)
    x, tx, T = simulate(truth, np.full(customers, T), rng)
    buyers = np.flatnonzero(x > 0)
    owner = np.repeat(buyers, x[buyers].astype(int))
    gaps = rng.gamma(truth.params["k"], size=len(owner))
    gaps *= tx[owner] / np.bincount(owner, gaps, customers)[owner]
    return x, tx, T, owner, gaps


class Oracle:
    """By the definition: sums over phases and purchases, with 30 digits."""

    def __init__(self, params, x, tx, T):
        self.r, self.alpha, self.a, self.b = (mp.mpf(value) for value in params[:4])
        self.k = params[4]
        self.x, self.tx, self.T = x, mp.mpf(tx), mp.mpf(T)
        self.shape = self.r + self.k * x
        z = (self.T - self.tx) / (self.alpha + self.T)
        weights = [mp.rf(self.shape, j) / mp.factorial(j) * z**j for j in range(self.k)]
        left = self.a / (self.b + x) * ((self.alpha + self.T) / (self.alpha + self.tx)) ** self.shape
        self.alive = mp.fsum(weights) / (mp.fsum(weights) + left)
        self.phases = [weight / mp.fsum(weights) for weight in weights]
        common = mp.loggamma(self.shape) - mp.loggamma(self.r) + self.r * mp.log(self.alpha)
        stays = mp.log(mp.beta(self.a, self.b + x + 1) / mp.beta(self.a, self.b))
        self.likelihood = common - self.shape * mp.log(self.alpha + self.T) + stays + mp.log(mp.fsum(weights) + left)

    def purchases(self, t):
        z = mp.mpf(t) / (self.alpha + self.T + t)
        total = mp.mpf(0)
        for j, weight in enumerate(self.phases):
            shape = self.shape + j
            chance, counted, stays, made, n, terms = (1 - z) ** shape, mp.mpf(0), mp.mpf(1), 0, 0, mp.mpf(10) ** -300
            while n < shape * t / (self.alpha + self.T) or chance * (counted + 1) > mp.mpf(10) ** -22 * (
                terms + mp.mpf(10) ** -300
            ):
                if n + j > 0 and (n + j) % self.k == 0:
                    counted += stays
                    stays *= (self.b + self.x + 1 + made) / (self.a + self.b + self.x + 1 + made)
                    made += 1
                terms += chance * counted
                chance *= (shape + n) / (n + 1) * z
                n += 1
            total += weight * terms
        return self.alive * total

    def for_ever(self, rate):
        def worth(y, j):
            s, theta = self.shape + j, 1 / (1 + rate * (self.alpha + self.T) * mp.exp(-y))
            mass = mp.exp(s * y - mp.exp(y) - mp.loggamma(s))
            return mass * theta ** (self.k - j) * mp.hyp2f1(1, self.b + self.x + 1, self.a + self.b + self.x + 1, theta**self.k)

        total = mp.mpf(0)
        for j, weight in enumerate(self.phases):
            s = self.shape + j
            wide = mp.sqrt(90 / s)
            points = [mp.log(s) + step for step in (-wide - 45 / s, -wide, -wide / 2, 0, wide / 2, wide, wide + 2)]
            total += weight * quad(lambda y, j=j: worth(y, j), points)
        return self.alive * total


@pytest.mark.parametrize(("params", "history"), list(itertools.product(CASES, HISTORIES)))
def test_predictions_against_mpmath(params, history):
    fitted = given(params)
    with mp.workdps(30):
        oracle = Oracle(params, *history)
        assert log_likelihood(fitted, *history).item() == pytest.approx(float(oracle.likelihood), rel=1e-13, abs=1e-11)
        assert probability_alive(fitted, *history).item() == pytest.approx(float(oracle.alive), rel=1e-10, abs=1e-290)
        for t in (0.5, 39.0):
            expected = float(oracle.purchases(t))
            assert expected_purchases(fitted, t, *history).item() == pytest.approx(expected, rel=1e-10, abs=1e-290)


@pytest.mark.parametrize(
    ("params", "history"), [(CASES[0], HISTORIES[3]), (CASES[2], HISTORIES[1]), ((3.0, 1.0, 2.0, 5.0, 2), (2, 38, 39))]
)
def test_discounting_against_mpmath(params, history):
    fitted = given(params)
    with mp.workdps(16):
        expected = float(Oracle(params, *history).for_ever(mp.mpf("0.003")))
        found = discounted_expected_purchases(fitted, *history, horizon=None, discount_rate=0.003).item()
        assert found == pytest.approx(expected, rel=1e-10, abs=0)
    # a horizon so long that nothing is left beyond: the other way of counting
    found = discounted_expected_purchases(fitted, *history, horizon=700, discount_rate=0.06).item()
    endless = discounted_expected_purchases(fitted, *history, horizon=None, discount_rate=0.06).item()
    assert found == pytest.approx(endless, rel=1e-9, abs=0)


def test_one_phase_is_mbgnbd():
    one, plain = given((*CASES[0][:4], 1)), known("mbgnbd", dict(zip(NAMES[:4], CASES[0][:4], strict=True)))
    x, tx, T = (np.array(column, dtype=float) for column in zip(*HISTORIES, strict=True))
    for predict in (
        lambda m: log_likelihood(m, x, tx, T),
        lambda m: probability_alive(m, x, tx, T),
        lambda m: expected_purchases(m, 39, x, tx, T),
        lambda m: probability_active(m, 39, x, tx, T),
        lambda m: discounted_expected_purchases(m, x, tx, T, horizon=52, discount_rate=0.002),
        lambda m: discounted_expected_purchases(m, x, tx, T, horizon=None, discount_rate=0.002),
        lambda m: probability_purchases(m, [0, 1, 7, 60], 39),
    ):
        assert predict(one) == pytest.approx(predict(plain), rel=1e-11, abs=0)
    histories = tuples(*simulated(plain_with_k(plain), 3000, 0)[:3])
    both = fit(histories, "mbgnbd"), fit_mbgcnbd(histories, 123.0, k=1)
    assert [both[1].params[name] for name in NAMES[:4]] == pytest.approx(list(both[0].params.values()), rel=1e-7)
    assert both[1].log_likelihood == pytest.approx(both[0].log_likelihood, rel=1e-12)


def plain_with_k(plain):
    return known("mbgcnbd", {**plain.params, "k": 1})


@pytest.mark.parametrize("model", ["bgnbd", "mbgnbd"])
@pytest.mark.parametrize(("a", "b"), [(3e4, 1.7e5), (1e5, 0.5), (2e3, 0.1), (99.0, 5e5), (1e6, 1e6), (0.5, 1e5), (60.0, 0.01)])
def test_customers_who_hardly_differ(model, a, b):
    """Samples of a small base end at such parameters; the sum over purchases by its definition, with 30 digits."""
    fitted = known(model, {"r": 0.22, "alpha": 5.0, "a": a, "b": b})
    x, tx, T, t = 3, 38.0, 39.0, 20.0
    with mp.workdps(30):
        shape, z = mp.mpf(0.22) + x, mp.mpf(t) / (5 + T + t)
        stays, total, more = mp.mpf(1), mp.mpf(0), mp.mpf(1)
        m = 1
        while more > mp.mpf(10) ** -20 * (total + mp.mpf(10) ** -30):
            more = stays * mp.betainc(m, shape, 0, z, regularized=True)
            total += more
            stays *= (mp.mpf(b) + x + (model == "mbgnbd") + m - 1) / (mp.mpf(a) + b + x + (model == "mbgnbd") + m - 1)
            m += 1
    alive = probability_alive(fitted, x, tx, T).item()
    assert expected_purchases(fitted, t, x, tx, T).item() == pytest.approx(alive * float(total), rel=1e-10, abs=0)
    discounted = discounted_expected_purchases(fitted, x, tx, T, horizon=t, discount_rate=1e-11).item()
    assert discounted == pytest.approx(alive * float(total), rel=1e-9, abs=0)
    endless = discounted_expected_purchases(fitted, x, tx, T, horizon=None, discount_rate=0.01).item()
    assert 0 < endless <= alive * 3.22 / 44 / 0.01


def test_counts_make_a_distribution():
    fitted = given(CASES[0])
    x = np.arange(4000)
    chances = probability_purchases(fitted, x, 39)
    assert chances.sum() == pytest.approx(1, rel=1e-9)
    assert (chances * x).sum() == pytest.approx(expected_purchases_new(fitted, 39).item(), rel=1e-7)
    assert 1 - chances[0] == pytest.approx(probability_active(fitted, 39, 0, 0, 0).item(), rel=1e-12)


def test_gradient():
    histories = tuples([0, 1, 3, 20, 2], [0, 0.2, 0.9, 1.1, 0.4], [1.0, 0.2, 1.3, 1.2, 1.5], [5, 1, 2, 1, 3])
    objective = regular.objective(histories, 1.0, 3)
    theta, step = np.array([-0.4, -1.0, -0.3, 0.9]), 1e-6
    value, gradient = objective(theta)
    fitted = known("mbgcnbd", {**dict(zip(NAMES[:4], np.exp(theta), strict=True)), "k": 3})
    rows = log_likelihood(fitted, histories.frequency, histories.recency, histories.T)
    assert value == pytest.approx(-(rows * histories.n).sum() / 12, rel=1e-13)
    for i, shift in enumerate(np.eye(4) * step):
        slope = (objective(theta + shift)[0] - objective(theta - shift)[0]) / (2 * step)
        assert gradient[i] == pytest.approx(slope, rel=0, abs=1e-8)


@pytest.mark.parametrize("k", [2, 3])
def test_simulated_customers_give_k_and_parameters_back(k):
    truth = given((*CASES[0][:4], k))
    x, tx, T, owner, gaps = simulated(truth, 6000, 1)
    found = fit_mbgcnbd(tuples(x, tx, T), np.log(gaps).sum())
    assert found.params["k"] == k
    for name in NAMES[:4]:
        assert abs(found.params[name] - truth.params[name]) < 3.5 * found.standard_errors[name], name
    assert (found.names, dict(found.fixed)) == (NAMES[:4], {"k": k})
    days = fit_mbgcnbd(tuples(x, tx * 7, T * 7), np.log(gaps * 7).sum(), k=k)
    assert days.params["alpha"] == pytest.approx(7 * found.params["alpha"], rel=1e-7)
    assert days.log_likelihood == pytest.approx(found.log_likelihood - x.sum() * np.log(7), rel=1e-12)
    # the first two intervals of each customer with three purchases or more
    number = np.arange(len(owner)) - np.searchsorted(owner, owner)
    pairs = x[owner[number == 0]] >= 2
    estimate = regularity(gaps[number == 0][pairs], gaps[number == 1])
    assert estimate.low <= estimate.value <= estimate.high
    assert estimate.low > 1


@pytest.mark.parametrize("k", [1.0, 3.0])
def test_the_interval_of_regularity_covers(k):
    """400 samples of 200 pairs, rates that differ between customers: inside the 99.9 % band of Binomial(400, .95)."""
    covered = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        pairs = rng.gamma(k, size=(2, 200)) / rng.gamma(0.5, size=200)
        found = regularity(*pairs)
        covered += found.low <= k <= found.high
    assert 364 <= covered <= 394, covered


def test_regular_buyers_who_are_overdue_have_left():
    """Five purchases in 40 weeks and 20 weeks of silence: alarming for clockwork, less so for chance."""
    chance, clock = given((5.0, 40.0, 0.8, 2.5, 1)), given((5.0, 10.0, 0.8, 2.5, 4))
    assert probability_alive(clock, 5, 40, 60).item() < 0.5 * probability_alive(chance, 5, 40, 60).item()


def test_for_ever_is_refused_where_infinite():
    with pytest.raises(ModelError, match=r"MBG/CNBD-k: .* infinite, because customers leave too slowly \(a = 0.8"):
        discounted_expected_purchases(given(CASES[0]), 1, 10, 39, horizon=None, discount_rate=0)
    finite = discounted_expected_purchases(given(CASES[3]), 1, 10, 39, horizon=None, discount_rate=0).item()
    assert finite == pytest.approx(expected_purchases(given(CASES[3]), 1e4, 1, 10, 39).item(), rel=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda h: fit(h, "mbgcnbd"), "the fit needs the intervals between purchases; take fit_mbgcnbd"),
        (lambda h: fit_mbgcnbd(h, np.nan), "the sum of log(interval) is nan"),
        (lambda h: fit_mbgcnbd(h, 1.0, k=0), "k is 0; it is a whole number from 1 to 12"),
        (lambda h: known("mbgcnbd", dict(zip(NAMES, (1, 1, 1, 1, 1.5), strict=True))), "it counts the phases"),
        (lambda h: regularity([1, 2], [1, 2]), "pairs of 20 customers or more"),
        (lambda h: regularity([0] * 30, [1] * 30), "an interval is missing, 0 or less"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ModelError) as caught:
        call(tuples([0, 1], [0, 3], [9, 9], [20, 20]))
    assert message in str(caught.value)
