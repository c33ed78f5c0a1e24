"""Different histories, each once: counts, the way back to every customer, and kinds with parameters of their own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.core.errors import ModelError
from crmkit.models.purchases import btyd

FIT = btyd.known("pareto_nbd", {"r": 0.55, "alpha": 10.6, "s": 0.61, "beta": 11.7})
ROW = st.tuples(st.integers(0, 3), st.integers(1, 4), st.integers(4, 6), st.integers(0, 1))


def columns_of(rows):
    x, tx, T, kind = np.array(rows, dtype="float64").T
    return x, np.where(x > 0, tx, 0.0) / 7, T / 7, kind


@given(st.lists(ROW, min_size=1, max_size=40))
def test_every_customer_is_found_again(rows):
    x, tx, T, kind = columns_of(rows)
    found = btyd.histories(x, tx, T, kind=kind, kinds=[{}, {}])
    assert np.array_equal(found.columns[:, found.inverse], np.array([x, tx, T]))
    assert np.array_equal(found.kind[found.inverse], kind)
    assert np.array_equal(np.bincount(found.inverse), found.n)
    assert len(found.n) == len({*zip(x, tx, T, kind, strict=True)})
    assert np.array_equal(np.lexsort((found.kind, *found.columns[::-1])), np.arange(len(found.n)))
    everyone = found.everyone
    assert np.array_equal(everyone.columns, np.array([x, tx, T]))
    assert everyone.n.sum() == len(rows)


def test_a_function_of_histories_is_that_of_every_customer():
    x, tx, T, _ = columns_of([(2, 3, 6, 0), (0, 1, 5, 0), (2, 3, 6, 0)])
    found = btyd.histories(x, tx, T)
    each = found.each(FIT, btyd.probability_alive)
    assert len(each) == 2
    assert each[found.inverse] == pytest.approx(btyd.probability_alive(FIT, x, tx, T), rel=1e-15)


def test_kinds_have_their_own_parameters():
    kind = np.arange(600) % 2
    rare, often = FIT, btyd.known("pareto_nbd", {**FIT.params, "alpha": 3.5})
    parts = [btyd.simulate(one, np.full(300, 60.0), np.random.default_rng(0)) for one in (rare, often)]
    x, tx, T = (np.stack(pair, axis=1).ravel() for pair in zip(*parts, strict=True))
    fit = btyd.fit_covariates(btyd.patterns(x, tx, T, {"often": kind.astype("float64")}), "pareto_nbd")
    kinds = ({"often": 0.0}, {"often": 1.0})
    found = btyd.histories(x, tx, T, kind=kind, kinds=kinds)
    expected = found.each(fit, lambda one, *history: btyd.expected_purchases(one, 10.0, *history))[found.inverse]
    for number, covariates in enumerate(kinds):
        own = kind == number
        plain = btyd.expected_purchases(fit.at(covariates), 10.0, x[own], tx[own], T[own])
        assert expected[own] == pytest.approx(plain, rel=1e-12)
    assert found.each(fit, lambda one, *history: np.ones((3, len(history[0])))).shape == (3, len(found.n))


def test_what_is_no_history_is_refused():
    with pytest.raises(ModelError, match="recency is above T"):
        btyd.histories([1], [5], [4])
