"""Families of tests: statsmodels' corrections for those that are there, and the same where floats end."""

import gc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.core.errors import ModelError
from crmkit.models.basics.families import benjamini_hochberg, holm, holm_of_logs

FAMILY = st.lists(st.floats(0, 1), min_size=1, max_size=20)


@settings(deadline=None)
@given(FAMILY)
def test_corrections_are_ordered(p):
    h, b = holm(p), benjamini_hochberg(p)
    assert (h >= b - 1e-15).all()
    assert (b >= np.array(p) - 1e-15).all()
    assert (h <= 1).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(h[order]) >= 0).all()


@settings(deadline=None)
@given(FAMILY)
def test_holm_by_its_definition(p):
    """The k-th smallest times the tests that are left, never below a smaller one's."""
    order = np.argsort(p, kind="stable")
    best = 0.0
    for place, one in enumerate(order):
        best = max(best, min(1.0, (len(p) - place) * p[one]))
        assert holm(p)[one] == pytest.approx(best, rel=1e-12)


@pytest.mark.parametrize("correct", [holm, benjamini_hochberg])
def test_untested_ones_do_not_count_and_stay_unknown(correct):
    nan = float("nan")
    found = correct([0.02, nan, 0.03, nan])
    assert found[[0, 2]].tolist() == correct([0.02, 0.03]).tolist()
    assert np.isnan(found).tolist() == [False, True, False, True]
    assert np.isnan(correct([nan, nan])).all()
    assert correct([]).shape == (0,)


def test_untested_ones_do_not_count_among_logarithms():
    found = holm_of_logs([-2.0, float("nan"), -1.0])
    assert found[[0, 2]] == pytest.approx([0.02, 0.1], rel=1e-12)
    assert np.isnan(found[1])
    assert holm_of_logs([]).shape == (0,)


@settings(deadline=None)
@given(st.lists(st.floats(1e-12, 1), min_size=1, max_size=20))
def test_logarithms_give_the_same(p):
    assert holm_of_logs(np.log10(p)) == pytest.approx(holm(p), rel=1e-9)


def test_what_floats_cannot_hold_keeps_its_place():
    found = holm_of_logs([-400.0, -0.5, -305.0])
    assert found[0] == np.finfo(float).tiny
    assert found[2] == pytest.approx(2e-305, rel=1e-9)
    assert found[1] == pytest.approx(10**-0.5, rel=1e-12)


def test_what_is_no_family_is_refused():
    for correct in (holm, benjamini_hochberg):
        with pytest.raises(ModelError, match="between 0 and 1"):
            correct([0.1, 1.2])
        with pytest.raises(ModelError, match=r"shape \(1, 2\)"):
            correct([[0.1, 0.2]])
    with pytest.raises(ModelError, match="0 or less"):
        holm_of_logs([-1.0, 0.5])


def test_nothing_stays_frozen():
    holm([0.01, 0.2])
    assert gc.get_freeze_count() == 0
