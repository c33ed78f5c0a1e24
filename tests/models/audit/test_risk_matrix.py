"""Grades of risks: the table is consistent, and grades have a stability."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.core.errors import ModelError
from crmkit.models.audit.risk_matrix import CONSISTENT, GRADES, RiskMatrix, grade, stability

# by the product of the two levels, 1-4, 5-9, 10-16, 20-25: usual, and not consistent at two corners
PRODUCT = ((0, 0, 0, 0, 1), (0, 0, 1, 1, 2), (0, 1, 1, 2, 2), (0, 1, 2, 2, 3), (1, 2, 2, 3, 3))
SHARE = st.floats(0, 1, allow_nan=False)


def test_the_usual_table_is_the_product_in_bands():
    """1-4 low, 5-9 medium, 10-16 high, 20-25 very high."""
    for row in range(5):
        for column in range(5):
            product = (row + 1) * (column + 1)
            assert PRODUCT[row][column] == sum(product >= start for start in (5, 10, 20))


def test_our_table_differs_from_it_where_that_one_jumps():
    jumps = [(i + 1, j + 1) for i in range(4) for j in range(4) if PRODUCT[i + 1][j + 1] - PRODUCT[i][j] > 1]
    assert jumps == [(1, 4), (4, 1)]
    different = [(i + 1, j + 1) for i in range(5) for j in range(5) if PRODUCT[i][j] != CONSISTENT[i][j]]
    assert different == [(2, 5), (5, 2)]


def test_a_graver_grade_two_steps_up_is_always_the_greater_loss():
    """Weak consistency, on random points."""
    rng = np.random.default_rng(0)
    p, loss = rng.random(4000), rng.random(4000)
    places = grade(RiskMatrix(), p, loss).grade
    for low in range(2):
        for high in range(low + 2, 4):
            assert (p * loss)[places == low].max() <= (p * loss)[places == high].min()


@given(SHARE, SHARE, SHARE, SHARE)
def test_betweenness_and_order(p, loss, more_p, more_loss):
    """Along a rising line the grade never falls, and moves one step at a time."""
    steps = np.linspace(0, 1, 2001)
    line = grade(RiskMatrix(), p + steps * (1 - p) * more_p, loss + steps * (1 - loss) * more_loss).grade
    assert (np.diff(line) >= 0).all()
    assert (np.diff(line) <= 1).all()


def test_where_levels_begin():
    found = grade(RiskMatrix(), [0.1999, 0.2, 1.0], [0.2, 0.8, 7.0])
    assert found.likelihood.tolist() == [1, 2, 5]
    assert found.impact.tolist() == [2, 5, 5]
    assert [GRADES[one] for one in found.grade] == ["low", "medium", "very high"]


def test_stability():
    rng = np.random.default_rng(1)
    sure = stability(RiskMatrix(), 0.5, 0.5, draws=(np.full(500, 0.5), np.full(500, 0.5)))
    unsure = stability(RiskMatrix(), 0.5, 0.5, draws=(rng.uniform(0, 1, 500), rng.uniform(0, 1, 500)))
    assert sure == 1
    assert 0.2 < unsure < 0.6


@pytest.mark.parametrize(("p", "loss"), [(1.1, 0.5), (-0.1, 0.5), (float("nan"), 0.5), (0.5, -1), (0.5, float("nan"))])
def test_impossible_risks_are_refused(p, loss):
    with pytest.raises(ModelError, match="risk matrix"):
        grade(RiskMatrix(), p, loss)


@pytest.mark.parametrize(
    "wrong",
    [{"cells": ((0,),)}, {"cells": ((9,) * 5,) * 5}, {"impact_cuts": (0.5, 0.4, 0.6, 0.8)}, {"likelihood_cuts": (0.5,)}],
)
def test_impossible_tables_are_refused(wrong):
    with pytest.raises(ModelError, match="risk matrix"):
        RiskMatrix(**wrong)
