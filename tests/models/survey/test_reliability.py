"""Reliability: known structures, undefined cases, coverage by simulation, agreement of the two ways in."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.core.errors import ModelError, ParamError
from crmkit.models.survey.reliability import alpha_of, cronbach_alpha, mcdonald_omega, omega_of

LOADINGS = st.lists(st.floats(0.3, 0.9), min_size=3, max_size=8)


def answers(n, seed, loadings=(0.8, 0.7, 0.6, 0.5)):
    rng = np.random.default_rng(seed)
    a = np.array(loadings)
    return rng.normal(size=(n, 1)) * a + rng.normal(size=(n, len(a))) * np.sqrt(1 - a**2)


@settings(deadline=None)  # the first call imports scipy.stats
@given(LOADINGS)
def test_omega_of_one_factor_is_exact(loadings):
    a = np.array(loadings)
    r = np.outer(a, a) + np.diag(1 - a**2)
    assert omega_of(r).item() == pytest.approx(a.sum() ** 2 / r.sum(), abs=1e-8)
    assert alpha_of(r, 100).value <= omega_of(r).item() + 1e-9
    scale = np.arange(1, len(a) + 1)
    assert omega_of(r * np.outer(scale, scale)).item() == pytest.approx((a @ scale) ** 2 / (scale @ r @ scale), abs=1e-8)


def test_omega_is_where_the_likelihood_is_highest():
    """Against a general search for loadings and unique variances."""
    from scipy.optimize import minimize

    r = np.corrcoef(answers(150, 0), rowvar=False)

    def misfit(x):
        model = np.outer(x[:4], x[:4]) + np.diag(np.exp(x[4:]))
        return np.linalg.slogdet(model)[1] + np.trace(r @ np.linalg.inv(model))

    found = minimize(misfit, [0.6] * 4 + [-0.5] * 4, method="BFGS", options={"gtol": 1e-9}).x
    omega = found[:4].sum() ** 2 / (found[:4].sum() ** 2 + np.exp(found[4:]).sum())
    assert omega_of(r).item() == pytest.approx(omega, abs=1e-7)


def test_items_that_hardly_go_together_still_have_an_answer():
    rng = np.random.default_rng(0)
    found = omega_of(np.array([np.corrcoef(rng.normal(size=(30, 5)), rowvar=False) for _ in range(200)]))
    assert np.isfinite(found).mean() > 0.95
    assert ((found[np.isfinite(found)] >= 0) & (found[np.isfinite(found)] <= 1)).all()


@pytest.mark.parametrize("replications", [50, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.long
def test_intervals_cover(replications):
    """Equal loadings for Feldt, unequal ones for the bootstrap; 200 respondents."""
    alpha, a = 4 * 0.49 / (1 + 3 * 0.49), np.array([0.8, 0.7, 0.6, 0.5])
    omega = a.sum() ** 2 / (a.sum() ** 2 + (1 - a**2).sum())
    hits = np.zeros(2)
    for seed in range(replications):
        found = cronbach_alpha(answers(200, seed, (0.7,) * 4))
        hits[0] += found.low <= alpha <= found.high
        found = mcdonald_omega(answers(200, seed), draws=300, seed=seed)
        hits[1] += found.low <= omega <= found.high
    band = 2.576 * np.sqrt(0.95 * 0.05 / replications)
    assert np.abs(hits / replications - 0.95).max() <= band, hits / replications


@pytest.mark.parametrize("measure", [cronbach_alpha, mcdonald_omega])
@pytest.mark.parametrize(
    ("items", "words"),
    [
        (np.full((50, 4), 5.0), "all answers are equal"),
        (np.full((50, 4), np.nan), "too few"),
        (np.where(np.eye(4)[np.arange(40) % 4] > 0, np.arange(40.0)[:, None], np.nan), "never answered together|too few"),
    ],
)
def test_undefined_is_said_and_not_printed_as_one(measure, items, words):
    import re

    found = measure(items)
    assert np.isnan([found.value, found.low, found.high]).all()
    assert re.search(words, found.reason.template)


def test_missing_answers():
    x = answers(300, 1)
    holes = x.copy()
    holes[::5, 0] = holes[1::7, 2] = np.nan
    pairwise, listwise = cronbach_alpha(holes), cronbach_alpha(holes, missing="listwise")
    assert pairwise.n == 300
    assert listwise.n == (~np.isnan(holes).any(1)).sum()
    assert listwise.value == cronbach_alpha(holes[~np.isnan(holes).any(1)]).value
    cov = pd.DataFrame(holes).cov().to_numpy()
    assert pairwise.value == pytest.approx(alpha_of(cov, 300).value, abs=1e-12)
    assert mcdonald_omega(holes, draws=100).n == listwise.n


def test_refuses_bad_input():
    with pytest.raises(ModelError, match="at least two items"):
        cronbach_alpha(np.ones((5, 1)))
    with pytest.raises(ModelError, match="at least 3 are needed"):
        mcdonald_omega(np.ones((5, 2)))
    with pytest.raises(ParamError, match="'pairwise' and 'listwise'"):
        cronbach_alpha(np.ones((5, 3)), missing="drop")
