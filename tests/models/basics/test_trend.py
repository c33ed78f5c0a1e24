"""A trend by restricted likelihood with correlated errors: identities, coverage, false alarms."""

import numpy as np
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.basics.trend import slope


def noise(seed, n, rho):
    rng = np.random.default_rng(seed)
    e = rng.normal(size=n)
    for t in range(1, n):
        e[t] = rho * e[t - 1] + np.sqrt(1 - rho**2) * e[t]
    return e


def test_a_straight_line_is_found_whatever_is_missing():
    line = 3 + 0.25 * np.arange(24.0)
    line[[3, 4, 10]] = np.nan
    found = slope(line + 1e-6 * noise(0, 24, 0))
    assert found.value == pytest.approx(0.25, abs=1e-5)
    assert found.n == 21
    assert found.p_value < 1e-9


def test_shift_scale_and_direction():
    y = noise(1, 24, 0.3) + 0.1 * np.arange(24)
    one, other, back = slope(y), slope(100 + 5 * y), slope(y[::-1])
    assert other.value == pytest.approx(5 * one.value)
    assert other.p_value == pytest.approx(one.p_value)
    assert back.value == pytest.approx(-one.value)
    assert slope(np.full(20, 4.0)).p_value == 1


@pytest.mark.parametrize(("rho", "most"), [(0.0, 0.08), (0.3, 0.09), (0.6, 0.12)])
def test_false_alarms_and_coverage(rho, most):
    """24 months without a trend, 300 series; the nominal .05 is kept without correlation and exceeded where it is strong."""
    found = [slope(noise(seed, 24, rho)) for seed in range(300)]
    alarms = np.mean([one.p_value < 0.05 for one in found])
    assert alarms <= most
    assert np.mean([one.low <= 0 <= one.high for one in found]) == pytest.approx(1 - alarms)


def test_a_planted_trend_is_found():
    assert np.mean([slope(noise(seed, 24, 0.3) + 0.15 * np.arange(24)).p_value < 0.05 for seed in range(100)]) > 0.8


def test_too_short_is_refused():
    with pytest.raises(ModelError, match="at least 12"):
        slope(np.arange(11))
