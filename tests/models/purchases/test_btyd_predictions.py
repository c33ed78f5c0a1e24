"""Predictions against mpmath, with 60 digits and formulas that the code does not use."""

import itertools

import mpmath as mp
import numpy as np
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.purchases.btyd import (
    discounted_expected_purchases,
    expected_cumulative,
    expected_purchases,
    expected_purchases_new,
    known,
    log_likelihood,
    probability_active,
    probability_alive,
    probability_purchases,
)
from integrals import quad

CLOSE = 1e-10
SMALLEST = 1e-290  # below, float64 has no digits left to compare
GEOMETRIC = [
    (0.243, 4.414, 0.793, 2.426),  # CDNOW
    (0.24, 4.4, 0.4, 0.3),  # b < 1, a + b < 1
    (0.243, 4.414, 1.0, 2.426),  # pole of the textbook form
    (0.25, 4.0, 0.01, 2.0),  # hardly anyone leaves
    (0.25, 4.0, 30.0, 80.0),
    (8.0, 200.0, 1.0000001, 0.9),
    (1.0, 1.0, 1.0, 2.0),  # whole numbers, where scipy's hypergeometric function gives nan for large x
    (3.0, 1.0, 2.0, 2.0),
]
PARETO = [
    (0.553, 10.58, 0.606, 11.67),  # CDNOW
    (10.465, 0.00798565181, 3.0516, 2.82),
    (0.5, 0.5, 0.3, 5000.0),
    (0.5, 900.0, 0.3, 0.01),
    (0.5, 10.0, 1.0, 12.0),  # pole of the textbook form
    (12.0, 100.0, 20.0, 300.0),
]
HISTORIES = [
    (0, 0, 0),
    (0, 0, 38.86),
    (1, 20, 38.86),
    (2, 30.43, 38.86),
    (3, 31, 31),
    (26, 30.86, 31),
    (400, 5, 6),
    (12, 100, 700),
    (5000, 3600, 3650),
]
HORIZONS = (0.01, 39.0, 3650.0)


@pytest.fixture(autouse=True)
def digits():
    with mp.workdps(60):
        yield


def given(model, params):
    names = ("r", "alpha", "s", "beta") if model == "pareto_nbd" else ("r", "alpha", "a", "b")
    return known(model, dict(zip(names, params, strict=True)))


def near(value, reference, tolerance=CLOSE):
    assert np.isfinite(value)
    if abs(reference) < SMALLEST:
        assert abs(value) <= SMALLEST
    else:
        assert float(abs(value - reference) / abs(reference)) <= tolerance, (value, float(reference))


def exactly(*numbers):
    return [mp.mpf(number) for number in numbers]


def geometric_oracle(model, params, history):
    """Log-likelihood, P(alive), and E[Y] as a function of the horizon, from the textbook forms."""
    r, alpha, a, b = exactly(*params)
    x, tx, T = exactly(*history)
    tiny = mp.mpf(10) ** -25
    a_, b_ = (a + tiny if a == 1 else a), b + (1 if model == "mbgnbd" else 0)
    odds = a / (b_ + x - 1) * ((alpha + T) / (alpha + tx)) ** (r + x) if x > 0 or model == "mbgnbd" else mp.mpf(0)
    alive = mp.gammaprod([r + x, a + b, b_ + x], [r, b, a + b_ + x]) * (alpha / (alpha + T)) ** r / (alpha + T) ** x

    def purchases(t):
        t = mp.mpf(t)
        c, z = a_ + b_ + x - 1, t / (alpha + T + t)
        fallen = ((alpha + T) / (alpha + T + t)) ** (r + x)
        return c / (a_ - 1) * (1 - fallen * mp.hyp2f1(r + x, b_ + x, c, z)) / (1 + odds)

    def active(h):
        return (1 - ((alpha + T) / (alpha + T + h)) ** (r + x)) / (1 + odds)

    return mp.log(alive * (1 + odds)), 1 / (1 + odds), purchases, active


GEOMETRIC_CASES = list(itertools.product(("bgnbd", "mbgnbd"), GEOMETRIC, HISTORIES))


def test_the_grid_has_200_cases():
    assert len(GEOMETRIC_CASES) * len(HORIZONS) >= 200
    assert len(PARETO) * len(HISTORIES) * len(HORIZONS) >= 150


@pytest.mark.parametrize(("model", "params", "history"), GEOMETRIC_CASES)
def test_geometric_predictions(model, params, history):
    fit = given(model, params)
    likelihood, alive, purchases, active = geometric_oracle(model, params, history)
    assert abs(log_likelihood(fit, *history).item() - likelihood) <= 1e-11 + 1e-15 * history[0] * 10
    near(probability_alive(fit, *history).item(), alive)
    for t in HORIZONS:
        near(expected_purchases(fit, t, *history).item(), purchases(t))
        near(probability_active(fit, t, *history).item(), active(mp.mpf(t)))


def log_axis(f, low, high, origin):
    """Integral over log(origin + u), in pieces."""
    length = mp.log((origin + high) / (origin + low))
    return quad(lambda v: f((origin + low) * mp.exp(v) - origin) * (origin + low) * mp.exp(v), mp.linspace(0, length, 6))


def pareto_oracle(params, history):
    r, alpha, s, beta = exactly(*params)
    x, tx, T = exactly(*history)
    k, origin = r + x, min(alpha, beta)
    odds = mp.mpf(0)
    if tx < T:
        reach = min(T, tx + (alpha + tx) * mp.expm1(45 / k))
        inner = log_axis(lambda u: ((alpha + tx) / (alpha + u)) ** k * ((beta + tx) / (beta + u)) ** (s + 1), tx, reach, origin)
        odds = s * inner / (beta + tx) * ((alpha + T) / (alpha + tx)) ** k * ((beta + T) / (beta + tx)) ** s
    likelihood = mp.loggamma(k) - mp.loggamma(r) + r * mp.log(alpha) - k * mp.log(alpha + T) + s * mp.log(beta / (beta + T))

    def purchases(t):
        span = mp.log((beta + T + t) / (beta + T))
        growth = span if s == 1 else (1 - mp.exp((1 - s) * span)) / (s - 1)
        return k * (beta + T) / (alpha + T) * growth / (1 + odds)

    return likelihood + mp.log(1 + odds), 1 / (1 + odds), purchases


@pytest.mark.parametrize(("params", "history"), list(itertools.product(PARETO, HISTORIES)))
def test_pareto_predictions(params, history):
    fit = given("pareto_nbd", params)
    with mp.workdps(20):
        likelihood, alive, purchases = pareto_oracle(params, history)
        assert abs(log_likelihood(fit, *history).item() - likelihood) <= 1e-11
        near(probability_alive(fit, *history).item(), alive)
        for t in HORIZONS:
            near(expected_purchases(fit, t, *history).item(), purchases(mp.mpf(t)))


@pytest.mark.parametrize("params", PARETO)
@pytest.mark.parametrize("history", HISTORIES[1::3])
def test_pareto_within_a_horizon(params, history):
    fit = given("pareto_nbd", params)
    r, alpha, s, beta = exactly(*params)
    x, _, T = exactly(*history)
    k, span = r + x, beta + T
    alive = probability_alive(fit, *history).item()
    with mp.workdps(20):
        first = log_axis(lambda u: (1 + u / (alpha + T)) ** (-k - 1) * (1 + u / span) ** -s, 0, 39, min(alpha, beta) + T)
        near(probability_active(fit, 39.0, *history).item(), alive * k / (alpha + T) * first)
        for rate in (0.0002, 0.0027, 0.1):
            tricomi = mp.hyperu(1, 2 - s, rate * span)
            value = discounted_expected_purchases(fit, *history, horizon=None, discount_rate=rate)
            near(value.item(), alive * k / (alpha + T) * span * tricomi)
        part = log_axis(lambda u: mp.exp(-u / 100) * (1 + u / span) ** -s, 0, 52, span)
        value = discounted_expected_purchases(fit, *history, horizon=52, discount_rate=0.01)
        near(value.item(), alive * k / (alpha + T) * part)


@pytest.mark.parametrize("model", ["bgnbd", "mbgnbd"])
@pytest.mark.parametrize("params", GEOMETRIC)
@pytest.mark.parametrize("history", [(0, 0, 38.86), (2, 30.43, 38.86), (5000, 3600, 3650)])
def test_geometric_discounting(model, params, history):
    """The rate of purchases, in its closed form for a customer who is alive, discounted and integrated."""
    fit = given(model, params)
    with mp.workdps(40):
        r, alpha, a, b = exactly(*params)
        x, _, T = exactly(*history)
        b += 1 if model == "mbgnbd" else 0
        c = a + b + x
        alive = probability_alive(fit, *history).item()

        def speed(u):
            v = u / (alpha + T)
            return (r + x) / (alpha + T) * (1 + v) ** -a * mp.hyp2f1(a, c - (r + x + 1), c, v / (1 + v))

        with mp.workdps(18):
            for rate, horizon in ((0.01, 52), (0.0027, None)):
                end = mp.mpf(horizon or 45 / rate)
                total = log_axis(lambda u, rate=rate: mp.exp(-rate * u) * speed(u), mp.mpf(0), end, alpha + T)
                value = discounted_expected_purchases(fit, *history, horizon=horizon, discount_rate=rate).item()
                near(value, alive * total)


@pytest.mark.parametrize("model", ["bgnbd", "mbgnbd", "pareto_nbd"])
def test_discounting_by_nothing_is_counting(model):
    fit = given(model, PARETO[0] if model == "pareto_nbd" else GEOMETRIC[0])
    x, tx, T = (np.array(column, dtype=float) for column in zip(*HISTORIES, strict=True))
    counted = expected_purchases(fit, 52, x, tx, T)
    assert discounted_expected_purchases(fit, x, tx, T, horizon=52, discount_rate=0) == pytest.approx(counted, rel=1e-13)
    assert discounted_expected_purchases(fit, x, tx, T, horizon=52, discount_rate=1e-12) == pytest.approx(counted, rel=1e-9)
    assert (discounted_expected_purchases(fit, x, tx, T, horizon=52, discount_rate=0.002) < counted).all()


@pytest.mark.parametrize(("model", "params"), [("bgnbd", (0.5, 9.0, 1.5, 2.0)), ("mbgnbd", (0.5, 9.0, 1.5, 2.0)),
                                               ("pareto_nbd", (0.5, 9.0, 1.5, 12.0))])  # fmt: skip
def test_for_ever_without_discount_is_the_limit(model, params):
    fit = given(model, params)
    value = discounted_expected_purchases(fit, [0, 4], [0, 20], 39, horizon=None, discount_rate=0)
    late = expected_purchases(fit, 1e13, [0, 4], [0, 20], 39)
    assert value == pytest.approx(late, rel=1e-4)  # the last bit comes like t^-(r + x)
    assert (value > late * (1 - 1e-12)).all()


@pytest.mark.parametrize(("model", "name"), [("bgnbd", "a = 0.793"), ("pareto_nbd", "s = 0.606")])
def test_for_ever_without_discount_is_refused_where_infinite(model, name):
    fit = given(model, PARETO[0] if model == "pareto_nbd" else GEOMETRIC[0])
    with pytest.raises(ModelError, match=f"infinite, because customers leave too slowly .{name}.*give a horizon or a discount"):
        discounted_expected_purchases(fit, 1, 10, 39, horizon=None, discount_rate=0)


def negative_binomial(r, alpha, x, t):
    return mp.gammaprod([r + x], [r, x + 1]) * (alpha / (alpha + t)) ** r * (t / (alpha + t)) ** x


@pytest.mark.parametrize("params", GEOMETRIC)
@pytest.mark.parametrize(("x", "t"), [(0, 0.5), (0, 39), (1, 39), (7, 39), (60, 300), (5000, 3650)])
def test_probability_of_a_count(params, x, t):
    r, alpha, a, b = exactly(*params)
    t_ = mp.mpf(t)
    # left with the x-th: at least x purchases by t, as one less the sum of the smaller counts where that keeps its digits
    if x <= 60:
        with mp.workdps(400):
            reached = 1 - mp.fsum(negative_binomial(r, alpha, mp.mpf(j), t_) for j in range(x))
    else:
        reached = mp.betainc(x, r, 0, t_ / (alpha + t_), regularized=True)

    def beta_ratio(i, j):
        return mp.gammaprod([a + i, b + j, a + b], [a, b, a + b + i + j])

    now = negative_binomial(r, alpha, mp.mpf(x), t_)
    bg = beta_ratio(0, x) * now + (beta_ratio(1, x - 1) * reached if x else 0)
    near(probability_purchases(given("bgnbd", params), x, t).item(), bg)
    near(probability_purchases(given("mbgnbd", params), x, t).item(), beta_ratio(0, x + 1) * now + beta_ratio(1, x) * reached)


@pytest.mark.parametrize("params", PARETO)
@pytest.mark.parametrize(("x", "t"), [(0, 0.5), (0, 39), (1, 39), (7, 39), (60, 900), (5000, 3650)])
def test_pareto_probability_of_a_count(params, x, t):
    r, alpha, s, beta = exactly(*params)
    t_ = mp.mpf(t)
    with mp.workdps(20):
        # in y = -log(u / t); the chance of x purchases falls at least like this towards short lives
        longest = (
            mp.mpf(110) if x == 0 else min(mp.mpf(110), mp.log1p((alpha + t) / alpha * mp.expm1(min(mp.mpf(90) / x, 110))))
        )

        def left(y):
            u = t_ * mp.exp(-y)
            return s / beta * (1 + u / beta) ** (-s - 1) * negative_binomial(r, alpha, mp.mpf(x), u) * u

        size = left(mp.mpf(0))  # mpmath stops at an absolute error
        reference = negative_binomial(r, alpha, mp.mpf(x), t_) * (beta / (beta + t_)) ** s
        reference += size * quad(lambda y: left(y) / size, mp.linspace(0, longest, 12))
    near(probability_purchases(given("pareto_nbd", params), x, t).item(), reference)


@pytest.mark.parametrize(("model", "params"), [("bgnbd", GEOMETRIC[0]), ("mbgnbd", GEOMETRIC[1]), ("pareto_nbd", PARETO[0])])
def test_counts_make_a_distribution(model, params):
    fit = given(model, params)
    x = np.arange(4000)
    chances = probability_purchases(fit, x, 39)
    assert chances.sum() == pytest.approx(1, rel=1e-9)
    assert (chances * x).sum() == pytest.approx(expected_purchases_new(fit, 39).item(), rel=1e-7)
    assert probability_purchases(fit, [0, 1], 0) == pytest.approx([1, 0], rel=1e-15, abs=0)
    assert 1 - probability_purchases(fit, 0, 39).item() == pytest.approx(
        (probability_active(fit, 39, 0, 0, 0)).item(), rel=1e-12
    )


def test_a_cohort_is_the_sum_of_its_customers():
    fit = given("pareto_nbd", PARETO[0])
    born, n, when = np.array([0.0, 2.0, 2.0, 30.0]), np.array([3, 1, 4, 2]), np.array([1.0, 10.0, 39.0])
    expected = [sum(k * expected_purchases_new(fit, max(t - b, 0)).item() for b, k in zip(born, n, strict=True)) for t in when]
    assert expected_cumulative(fit, born, when, n) == pytest.approx(expected, rel=1e-13)
    assert expected_cumulative(fit, np.repeat(born, n), when) == pytest.approx(expected, rel=1e-13)


def test_many_rows_equal_one_row_each():
    """Above a few hundred rows equal ones are evaluated once; the results are the same to the last bit."""
    rng = np.random.default_rng(0)
    T = rng.integers(1, 60, 500) / 7
    x = rng.poisson(1.5, 500)
    tx = np.where(x > 0, T, 0)
    for model, params in (("bgnbd", GEOMETRIC[0]), ("mbgnbd", GEOMETRIC[1]), ("pareto_nbd", PARETO[0])):
        fit = given(model, params)
        for predict in (probability_alive, log_likelihood, lambda *a: expected_purchases(a[0], 39, *a[1:])):
            alone = [predict(fit, *row).item() for row in zip(x, tx, T, strict=True)]
            assert predict(fit, x, tx, T).tolist() == alone


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda fit: expected_purchases(fit, -1, 0, 0, 39),
            "prediction: horizon is -1.0; it is a time >= 0 in the unit of the fit.",
        ),
        (lambda fit: expected_purchases_new(fit, np.nan), "prediction: t is nan"),
        (lambda fit: probability_purchases(fit, [1, 1.5], 39), "prediction: x is not a whole number >= 0 (row 1)."),
        (lambda fit: probability_alive(fit, 1, 40, 39), "recency is above T in 1 of 1 rows (row 0)"),
        (lambda fit: discounted_expected_purchases(fit, 0, 0, 1, horizon=1, discount_rate=-0.1), "discount_rate is -0.1"),
        (lambda fit: expected_cumulative(fit, [0, 1], [1], n=[1]), "tracking: n has shape (1,), acquired_at has (2,)."),
    ],
)
def test_what_cannot_be_predicted(call, message):
    with pytest.raises(ModelError) as caught:
        call(given("bgnbd", GEOMETRIC[0]))
    assert message in str(caught.value)
