"""Integrals of two decays, whichever rule their length and depth choose."""

import numpy as np
import pytest

from crmkit.models.basics import quadrature
from crmkit.models.basics.quadrature import RULES, decay_integrals


def drawn(seed, rows=3000):
    """Scales, powers and ends over many orders of magnitude, such as heavy buyers and long times make."""
    rng = np.random.default_rng(seed)
    A, B, h = (10 ** rng.uniform(low, high, rows) for low, high in ((-4, 4), (-4, 4), (-4, 6)))
    return A, 10 ** rng.uniform(-3, 4, rows), B, 1 + 10 ** rng.uniform(-3, 4, rows), h


@pytest.mark.parametrize("seed", range(3))
def test_each_rule_is_exact_in_its_range(seed, monkeypatch):
    columns = drawn(seed)
    found = decay_integrals(*columns, moments=True)
    monkeypatch.setattr(quadrature, "RULES", ((32, 48, np.inf, np.inf),))
    assert found == pytest.approx(decay_integrals(*columns, moments=True), rel=1e-13, abs=0)


def test_without_moments_there_is_one_integral():
    columns = drawn(0, rows=7)
    alone, five = decay_integrals(*columns), decay_integrals(*columns, moments=True)
    assert (alone.shape, five.shape) == ((1, 7), (5, 7))
    assert alone[0].tolist() == five[0].tolist()


def test_every_rule_is_used(monkeypatch):
    used = set()

    def panels(count, nodes, made=quadrature.panels):
        used.add((count, nodes))
        return made(count, nodes)

    monkeypatch.setattr(quadrature, "panels", panels)
    decay_integrals(*drawn(0))
    assert used == {rule[:2] for rule in RULES}


def test_one_decay_has_a_closed_form():
    h = np.array([0.0, 0.5, 20.0, np.inf])
    one = np.ones(4)
    assert decay_integrals(2 * one, 3 * one, one, 0 * one, h)[0] == pytest.approx(1 - (1 + h / 2) ** -2, rel=1e-13)
