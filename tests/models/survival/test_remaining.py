"""Limits of the time that customers are expected to stay: against the value itself, other formulas, and a known truth."""

import numpy as np
import pandas as pd
import pytest

from crmkit.core.errors import ParamError
from crmkit.models.survival import churn_probability, expected_remaining, fit_cox, remaining_limits


def customers(n, seed, effect=0.7, rate=0.05):
    rng = np.random.default_rng(seed)
    z, w = rng.integers(0, 2, n).astype(float), rng.normal(size=n)
    life = rng.exponential(1 / (rate * np.exp(effect * z + 0.4 * w)))
    end = rng.uniform(10, 60, n)
    return np.minimum(life, end), life <= end, pd.DataFrame({"z": z, "w": w})


@pytest.fixture(scope="module")
def fitted():
    time, left, table = customers(400, 1)
    return fit_cox(time, left, table), table


@pytest.mark.parametrize("rate", [0.0, 0.02])
def test_the_value_is_the_expectation(fitted, rate):
    fit, table = fitted
    since = np.tile([0.0, 4.0, 7.5, 30.0], 100)
    given = {"elapsed": since, "limit": 12.0, "discount_rate": rate}
    found = remaining_limits(fit, table, **given)
    np.testing.assert_allclose(found["value"], expected_remaining(fit, table, **given), rtol=1e-12)
    assert (found["low"] < found["value"]).all()
    assert (found["value"] < found["high"]).all()
    assert (found["high"] < 12).all()


def test_with_one_leaver_ahead_it_is_the_interval_of_the_probability(fitted):
    """Until just after the next leaver the time is w_0 + w_1 * S, so its error is w_1 times that of the probability."""
    fit, table = fitted
    time, left, _ = customers(400, 1)
    times = np.sort(time[left])
    place = int(np.argmax(np.diff(times[20:60]))) + 20
    since, limit = times[place] - 1e-9, (times[place + 1] - times[place]) * 0.9 + 1e-9
    found = remaining_limits(fit, table.iloc[:5], elapsed=since, limit=limit)
    scored = churn_probability(fit, table.iloc[:5], elapsed=since, horizon=limit)
    hazard = -np.log1p(-scored["probability"])
    error_of_p = (1 - scored["probability"]) * np.log(-np.log1p(-scored["high"]) / hazard) * hazard
    share = found["value"] / limit
    error = np.log((found["high"] / limit) / (1 - found["high"] / limit) * (1 - share) / share) * share * (1 - share)
    np.testing.assert_allclose(error, error_of_p * (1 - 1e-9 / limit), rtol=1e-5)


def test_limits_cover_the_truth():
    """200 samples of 150 customers; 95 % limits of four kinds of customers: the band is the binomial one of 200."""
    asked = pd.DataFrame({"z": [0.0, 1.0, 0.0, 1.0], "w": [0.0, 0.0, 1.0, -1.0]})
    rates = 0.05 * np.exp(0.7 * asked["z"] + 0.4 * asked["w"]).to_numpy()
    truth = -np.expm1(-rates * 15) / rates  # without memory, so the same at every age
    held = np.zeros((200, 4))
    for seed in range(200):
        time, left, table = customers(150, 1000 + seed)
        found = remaining_limits(fit_cox(time, left, table), asked, elapsed=5.0, limit=15.0)
        held[seed] = (found["low"] <= truth) & (truth <= found["high"])
    assert (held.mean(0) >= 0.91).all()
    assert (held.mean(0) <= 0.985).all()


def test_beyond_the_last_leaver_there_is_nothing_to_say(fitted):
    fit, table = fitted
    found = remaining_limits(fit, table.iloc[:2], elapsed=[0.0, 59.0], limit=20.0)
    assert found.notna().all(axis=1).tolist() == [True, False]
    with pytest.raises(ParamError, match="limit is 0"):
        remaining_limits(fit, table, elapsed=0, limit=0)
