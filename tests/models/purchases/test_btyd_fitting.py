"""Histories are grouped without loss, the gradient is exact, and the search finds the truth or says why it cannot."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crmkit.core.errors import ModelError
from crmkit.models.purchases.btyd import (
    PARAMETERS,
    bootstrap_fits,
    expected_purchases,
    fit,
    fit_bgnbd,
    fit_mbgnbd,
    fit_pareto_nbd,
    known,
    probability_alive,
    simulate,
    tuples,
)
from crmkit.models.purchases.btyd import betageo as geometric
from crmkit.models.purchases.btyd import pareto as lifetime
from integrals import quad

TRUTH = {
    "bgnbd": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426},
    "mbgnbd": {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614},
    "pareto_nbd": {"r": 0.553, "alpha": 10.58, "s": 0.606, "beta": 11.67},
}
MODELS = tuple(TRUTH)


def by_day(x, tx, T):
    """Times as records show them: whole days, in weeks."""
    return x, np.ceil(tx * 7) / 7, np.ceil(T * 7) / 7


def sample(model, customers, seed, weeks=False):
    rng = np.random.default_rng(seed)
    x, tx, T = simulate(known(model, TRUTH[model]), rng.uniform(20, 60, customers), rng)
    return (x, np.ceil(tx), np.ceil(T)) if weeks else by_day(x, tx, T)


# --- histories


@pytest.mark.parametrize("unit", [1, 7, 30.4375, 365.25, 1 / np.pi])
def test_tuples_are_the_different_rows(unit):
    rng = np.random.default_rng(0)
    T = rng.integers(0, 50, 3000)
    x = np.where(T > 0, rng.poisson(0.8, 3000), 0)
    tx = np.where(x > 0, np.minimum(rng.integers(1, 50, 3000), T), 0)
    rows = np.column_stack([x, tx / unit, T / unit])
    expected, n = np.unique(rows, axis=0, return_counts=True)
    found = tuples(*rows.T)
    assert np.array_equal(np.column_stack([found.frequency, found.recency, found.T]), expected)
    assert np.array_equal(found.n, n)
    assert (found.customers, found.repeat_buyers, len(found)) == (3000, (x > 0).sum(), len(expected))
    for column, (position, values) in zip((found.frequency, found.recency, found.T), found.codes, strict=True):
        assert np.array_equal(values[position], column)


def test_hashing_and_counting_agree():
    """Many cells go through the hash table, few through the counter."""
    rng = np.random.default_rng(1)
    T = rng.integers(1, 3000, 4000)
    x, tx = rng.integers(1, 400, 4000), rng.integers(1, T + 1)
    found = tuples(np.tile(x, 2), np.tile(tx, 2), np.tile(T, 2))
    expected, n = np.unique(np.column_stack([x, tx, T]), axis=0, return_counts=True)
    assert np.array_equal(np.column_stack([found.frequency, found.recency, found.T]), expected)
    assert np.array_equal(found.n, 2 * n)


def test_tuples_cannot_be_changed():
    found = tuples([0, 1], [0, 2], [3, 3])
    with pytest.raises(ValueError, match="read-only"):
        found.n[0] = 5


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            ([1, -1, 0.5], [1, 0, 0], [2, 2, 2]),
            "purchase histories: frequency is not a whole number >= 0 in 2 of 3 rows (rows 1, 2)",
        ),
        (
            ([1, 1], [3, 1], [2, 2]),
            "recency is above T in 1 of 2 rows (row 0); the last purchase lies before the end of observation.",
        ),
        (([0, 1], [1, 0], [2, 2]), "recency and frequency disagree in 2 of 2 rows (rows 0, 1)"),
        (([1], [-1], [2]), "recency is negative in 1 of 1 rows (row 0)"),
        (([1, 1], [1, np.nan], [np.inf, 2]), "frequency, recency or T is missing or infinite in 2 of 2 rows (rows 0, 1)"),
        (([1] * 9, [5] * 9, [2] * 9), "in 9 of 9 rows (rows 0, 1, 2, 3, 4 and 4 more)"),
        (([1, 1], [1, 1, 1], [2, 2]), "must be numbers in columns of one length"),
        ((["a"], [1], [2]), "must be numbers"),
        (([], [], []), "there are no rows"),
        (([0, 0], [0, 0], [1, 1], [1, 0]), "n is not a whole number >= 1 in 1 of 2 rows (row 1)"),
        (([0, 0], [0, 0], [1, 1], [1]), "n has shape (1,), the other columns have 2 rows"),
    ],
)
def test_impossible_histories_are_named(columns, message):
    with pytest.raises(ModelError) as caught:
        tuples(*columns)
    assert message in str(caught.value)


def test_all_faults_at_once():
    with pytest.raises(ModelError) as caught:
        tuples([1.5, 1], [1, 3], [2, 2])
    assert len(caught.value.problems) == 2


# --- likelihood


def exact_likelihood(model, theta, x, tx, T):
    """One history, from the definition, with 40 digits."""
    r, alpha, third, fourth = (mp.exp(v) for v in theta)
    x, tx, T = mp.mpf(x), mp.mpf(tx), mp.mpf(T)
    buys = mp.gamma(r + x) / mp.gamma(r) * alpha**r
    if model == "pareto_nbd":
        left = third * quad(lambda u: (alpha + u) ** -(r + x) * (fourth + u) ** -(third + 1), [tx, (tx + T) / 2, T])
        return mp.log(buys * fourth**third * ((alpha + T) ** -(r + x) * (fourth + T) ** -third + left))
    more = 1 if model == "mbgnbd" else 0
    stays = mp.beta(third, fourth + x + more) / mp.beta(third, fourth) * (alpha + T) ** -(r + x)
    goes = mp.beta(third + 1, fourth + x + more - 1) / mp.beta(third, fourth) * (alpha + tx) ** -(r + x) if x or more else 0
    return mp.log(buys * (stays + goes))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("theta", [(-1.4, -1.0, -0.3, 0.9), (0.7, 0.2, 0.5, -1.2)])
def test_gradient_against_40_digits(model, theta):
    histories = tuples([0, 1, 3, 20, 2], [0, 0.2, 0.9, 1.1, 0.4], [1.0, 0.2, 1.3, 1.2, 1.5], [5, 1, 2, 1, 3])
    objective = (
        lifetime.objective(histories, 1.0, exact=True)
        if model == "pareto_nbd"
        else geometric.objective(histories, 1.0, modified=model == "mbgnbd")
    )
    value, gradient = objective(np.array(theta))
    with mp.workdps(40):

        def mean(*at):
            rows = zip(histories.frequency, histories.recency, histories.T, histories.n.tolist(), strict=True)
            return -mp.fsum(n * exact_likelihood(model, at, *row) for *row, n in rows) / 12

        assert abs(value - mean(*theta)) < 1e-13
        for i in range(4):
            order = tuple(int(i == j) for j in range(4))
            assert abs(gradient[i] - mp.diff(mean, theta, order, h=mp.mpf(10) ** -12)) < 1e-10


@pytest.mark.parametrize("theta", [(-1.4, -1.0, -0.3, 0.9), (0.7, -3.0, 0.5, 2.0), (0.0, 2.0, -1.0, -4.0)])
def test_the_table_of_integrals_is_exact(theta):
    """The Pareto/NBD search looks integrals up by frequency and time; the result is that of one integral per history."""
    histories = tuples(*sample("pareto_nbd", 20_000, 0, weeks=True))
    at = np.array(theta)
    scale = 40.0
    table, single = (lifetime.objective(histories, scale, exact=exact)(at) for exact in (False, True))
    assert table[0] == pytest.approx(single[0], rel=1e-13)
    assert table[1] == pytest.approx(single[1], rel=1e-11, abs=1e-13)


# --- search


@pytest.mark.parametrize("model", MODELS)
def test_simulated_customers_give_their_parameters_back(model):
    found = fit(tuples(*sample(model, 30_000, 3)), model)
    assert found.converged
    assert found.gradient_norm < 1e-9
    assert found.n == 30_000
    assert found.n_tuples < 30_000
    # whole days bias the parameters a little; four errors are wide for noise, and far below any blunder
    for name, truth in TRUTH[model].items():
        assert abs(found.params[name] - truth) < 4 * found.standard_errors[name], name
    assert tuple(found.params) == PARAMETERS[model]
    assert found.aic == 8 - 2 * found.log_likelihood
    spread = np.sqrt(np.diag(found.covariance)) * np.array(list(found.params.values()))
    assert list(found.standard_errors.values()) == pytest.approx(spread, rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_standard_errors_are_those_of_repeated_samples(model):
    """200 samples of 5,000 customers, continuous times: the 95 % intervals of log-parameters cover within the 99 % band."""
    covered = np.zeros(4)
    for seed in range(200):
        rng = np.random.default_rng(seed)
        found = fit(tuples(*simulate(known(model, TRUTH[model]), rng.uniform(20, 60, 5000), rng)), model)
        off = np.log(list(found.params.values())) - np.log(list(TRUTH[model].values()))
        covered += np.abs(off) <= 1.959964 * np.sqrt(np.diag(found.covariance))
    assert (covered >= 182).all(), covered  # 99 % band of Binomial(200, .95): 182 to 199
    assert (covered <= 199).all(), covered


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_a_large_simulation_gives_its_parameters_back(model):
    rng = np.random.default_rng(11)
    found = fit(tuples(*simulate(known(model, TRUTH[model]), rng.uniform(20, 60, 300_000), rng)), model)
    for name, truth in TRUTH[model].items():
        assert abs(found.params[name] - truth) < 3.5 * found.standard_errors[name], name
        assert found.standard_errors[name] < 0.06 * truth


@pytest.mark.parametrize(("named", "model"), [(fit_bgnbd, "bgnbd"), (fit_mbgnbd, "mbgnbd"), (fit_pareto_nbd, "pareto_nbd")])
def test_named_fits(named, model):
    histories = tuples(*sample(model, 2000, 5))
    assert named(histories).params == fit(histories, model).params
    assert named(histories).model == model


def test_customers_without_time_change_nothing():
    x, tx, T = sample("pareto_nbd", 3000, 2)
    grown = tuples(np.append(x, [0] * 50), np.append(tx, [0] * 50), np.append(T, [0] * 50))
    for model in ("bgnbd", "pareto_nbd"):
        plain, more = fit(tuples(x, tx, T), model), fit(grown, model)
        assert dict(more.params) == pytest.approx(dict(plain.params), rel=1e-7)
        assert more.n == plain.n + 50


def test_bootstrap():
    histories = tuples(*sample("mbgnbd", 3000, 4))
    draws = bootstrap_fits(histories, "mbgnbd", draws=40, seed=1)
    assert [draw.n for draw in draws] == [3000] * 40
    again = bootstrap_fits(histories, "mbgnbd", draws=2, seed=1)
    assert [draw.params for draw in again] == [draw.params for draw in draws[:2]]
    whole = fit(histories, "mbgnbd")
    spread = np.std([draw.params["alpha"] for draw in draws], ddof=1)
    assert 0.6 < spread / whole.standard_errors["alpha"] < 1.6  # 99.9 % band of a standard deviation from 40 draws: .63 to 1.4


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([0], [0], [39], [500]), "none of the 500 customers bought a second time"),
        (([0], [0], [0], [500]), "T is 0 for every customer"),
        (([0, 1], [0, 3], [39, 39], [9, 9]), "there are 18 customers, and four parameters need at least 20"),
        (([0, 2], [0, 39], [39, 39], [1, 99]), "cannot be fitted|did not converge"),
    ],
)
@pytest.mark.parametrize("model", MODELS)
def test_what_cannot_be_fitted(columns, message, model):
    with pytest.raises(ModelError, match=message) as caught:
        fit(tuples(*columns), model)
    assert {"bgnbd": "BG/NBD", "mbgnbd": "MBG/NBD", "pareto_nbd": "Pareto/NBD"}[model] in str(caught.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit(tuples([0], [0], [1]), "bgnb"), "model 'bgnb' does not exist; did you mean 'bgnbd'?"),
        (lambda: known("pareto", {}), "model 'pareto' does not exist; did you mean 'pareto_nbd'?"),
        (lambda: known("bgnbd", {"r": 1, "alpha": 1, "a": 1, "beta": 1}), "bgnbd: parameter 'b' is missing."),
        (lambda: known("bgnbd", {"r": 1, "alpha": 1, "a": 1, "b": -1}), "parameter 'b' is -1; it must be a number above 0."),
    ],
)
def test_names_and_values_of_parameters(call, message):
    with pytest.raises(ModelError) as caught:
        call()
    assert message in str(caught.value)


# --- properties


def test_splitting_and_shuffling_rows_changes_nothing():
    x, tx, T = sample("bgnbd", 4000, 6)
    whole = tuples(x, tx, T)
    order = np.random.default_rng(0).permutation(4000)
    merged = tuples(whole.frequency, whole.recency, whole.T, whole.n)
    shuffled = tuples(x[order], tx[order], T[order])
    for model in MODELS:
        expected = fit(whole, model)
        for other in (merged, shuffled):
            assert fit(other, model).params == expected.params
            assert fit(other, model).log_likelihood == expected.log_likelihood


@pytest.mark.parametrize("model", MODELS)
def test_the_unit_of_time_scales_the_rates_only(model):
    x, tx, T = sample(model, 3000, 7)
    weeks, days = fit(tuples(x, tx, T), model), fit(tuples(x, np.rint(tx * 7), np.rint(T * 7)), model)
    for name in weeks.params:
        scale = 7 if name in ("alpha", "beta") else 1
        assert days.params[name] == pytest.approx(scale * weeks.params[name], rel=1e-9)
        assert days.standard_errors[name] == pytest.approx(scale * weeks.standard_errors[name], rel=1e-4)
    assert days.log_likelihood == pytest.approx(weeks.log_likelihood - x.sum() * np.log(7), rel=1e-12)
    assert expected_purchases(days, 70, 3, 100, 200).item() == pytest.approx(
        expected_purchases(weeks, 10, 3, 100 / 7, 200 / 7).item(), rel=1e-8
    )


POSITIVE = st.floats(0.01, 50)


@settings(max_examples=150, deadline=None)
@given(
    model=st.sampled_from(MODELS),
    params=st.tuples(POSITIVE, POSITIVE, POSITIVE, POSITIVE),
    x=st.integers(0, 2000),
    T=st.floats(0.1, 4000),
    share=st.floats(0.001, 1),
    horizon=st.floats(0, 500, allow_subnormal=False),
    more=st.floats(0.001, 500),
)
def test_predictions_keep_their_range_and_order(model, params, x, T, share, horizon, more):
    given_ = known(model, dict(zip(PARAMETERS[model], params, strict=True)))
    tx = T * share if x else 0.0
    assume(tx <= T)
    alive = probability_alive(given_, x, tx, T).item()
    assert 0 <= alive <= 1
    soon, late = (expected_purchases(given_, h, x, tx, T).item() for h in (horizon, horizon + more))
    assert 0 <= soon <= late * (1 + 1e-11)
    rate = (params[0] + x) / (params[1] + T)
    assert soon <= alive * rate * horizon * (1 + 1e-11) + 1e-300  # as if nobody left
