"""The expected time as a customer: against integrals of forty digits, against simulated lives, and where it is infinite."""

import mpmath
import numpy as np
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.purchases.btyd import known, probability_alive, simulate
from crmkit.models.purchases.btyd.upkeep import discounted_time_alive
from integrals import quad

PARAMS = [
    ("pareto_nbd", {"r": 0.55, "alpha": 10.6, "s": 0.61, "beta": 11.7}),
    ("bgnbd", {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}),
    ("mbgnbd", {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}),
    ("bgnbd", {"r": 0.243, "alpha": 4.414, "a": 2.0, "b": 0.5}),
]
HISTORIES = [(0, 0.0, 39.0), (5, 38.0, 39.0), (400, 38.0, 39.0), (2, 10.0, 300.0), (0, 0.0, 0.0)]


def staying(model, p, x, T):
    """P(alive at T + u), given alive at T, in forty digits."""
    p = {name: mpmath.mpf(value) for name, value in p.items()}
    if model == "pareto_nbd":
        return lambda u: (1 + u / (p["beta"] + T)) ** -p["s"]
    b = p["b"] + x + (model == "mbgnbd")
    return lambda u: mpmath.hyp2f1(p["r"] + x, p["a"], p["a"] + b, -u / (p["alpha"] + T))


@pytest.mark.parametrize(("model", "params"), PARAMS)
@pytest.mark.parametrize(("horizon", "rate"), [(52, 0.0), (None, 0.002), (5000, 0.0)])
def test_against_forty_digits(model, params, horizon, rate):
    fit = known(model, params)
    x, tx, T = (np.array(column) for column in zip(*HISTORIES, strict=True))
    found = discounted_time_alive(fit, x, tx, T, horizon=horizon, discount_rate=rate)
    alive = probability_alive(fit, x, tx, T)
    edges = [edge for edge in (0, 5, 20, 52, 300, 1500, 5000, 25_000) if edge <= (horizon or np.inf)]
    with mpmath.workdps(40):
        for i, (count, _, age) in enumerate(HISTORIES):
            stays = staying(model, params, count, age)
            true = quad(lambda u, stays=stays: mpmath.exp(-rate * u) * stays(u), edges)
            assert found[i] == pytest.approx(float(true) * alive[i], rel=1e-10)


def test_simulated_lives():
    """Customers of one age: those who have left had a shorter time, and the mean over all is that of the formula."""
    fit, rng = known(*PARAMS[0]), np.random.default_rng(0)
    n, age, horizon = 200_000, 39.0, 52.0
    rate = rng.gamma(fit.params["s"], 1 / fit.params["beta"], n)
    life = rng.exponential(1 / np.maximum(rate, 1e-300))
    true = np.clip(life - age, 0, horizon)
    x, tx, T = simulate(fit, np.full(n, age), np.random.default_rng(1))
    expected = discounted_time_alive(fit, x, tx, T, horizon=horizon, discount_rate=0.0).mean()
    assert abs(expected - true.mean()) < 4 * true.std() / n**0.5 + 0.1


@pytest.mark.parametrize(("model", "params"), PARAMS)
def test_for_ever_without_a_discount_is_refused(model, params):
    name = list(params)[2]
    why = rf"customers stay for ever on average.*\({name} = {params[name]:.4g}\); give a horizon or a discount_rate above 0"
    with pytest.raises(ModelError, match=why):
        discounted_time_alive(known(model, params), [0, 3], [0, 30], 39, horizon=None, discount_rate=0.0)


@pytest.mark.parametrize(("horizon", "rate"), [(52, 0.0), (None, 0.002), (5000, 0.01)])
def test_regular_buyers_with_one_phase_are_those_of_chance(horizon, rate):
    plain = PARAMS[2][1]
    columns = [np.array(column) for column in zip(*HISTORIES, strict=True)]
    alike = [known("mbgnbd", plain), known("mbgcnbd", {**plain, "k": 1})]
    one, other = (discounted_time_alive(fit, *columns, horizon=horizon, discount_rate=rate) for fit in alike)
    np.testing.assert_allclose(other, one, rtol=1e-10)


def test_simulated_lives_of_regular_buyers():
    """New customers live on from their first purchase; they leave after each one, by the clock of three phases."""
    p, rng, n, horizon, rate = (
        {"r": 0.9, "alpha": 5.0, "a": 0.8, "b": 2.5, "k": 3},
        np.random.default_rng(0),
        200_000,
        52.0,
        0.01,
    )
    fit = known("mbgcnbd", p)
    leaving, pace = rng.beta(p["a"], p["b"], n), rng.gamma(p["r"], 1 / p["alpha"], n)
    bought = rng.geometric(np.maximum(leaving, 1e-12))  # purchases in all, the first included
    life = rng.gamma(3.0 * np.maximum(bought - 1, 1e-300)) / np.maximum(pace, 1e-300)
    true = -np.expm1(-rate * np.minimum(life, horizon)) / rate
    found = discounted_time_alive(fit, 0, 0, 0, horizon=horizon, discount_rate=rate).item()
    assert abs(found - true.mean()) < 4 * true.std() / n**0.5
    longer = discounted_time_alive(fit, [0, 4], [0, 30], [39, 39], horizon=5000, discount_rate=rate)
    np.testing.assert_allclose(
        discounted_time_alive(fit, [0, 4], [0, 30], [39, 39], horizon=None, discount_rate=rate), longer, rtol=1e-10
    )


def test_regular_buyers_need_an_end_or_a_discount():
    fit = known("mbgcnbd", {"r": 0.9, "alpha": 5, "a": 0.8, "b": 2.5, "k": 2})
    with pytest.raises(ModelError, match="MBG/CNBD-k: how long customers stay without an end is not known"):
        discounted_time_alive(fit, 1, 10, 39, horizon=None, discount_rate=0.0)
