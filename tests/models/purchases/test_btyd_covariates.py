"""Covariates: the truth comes back, the coding does not matter, and the test of no effect keeps its level."""

import numpy as np
import pytest

import crmkit.models.purchases.btyd.betageo as betageo
import crmkit.models.purchases.btyd.pareto as pareto
from crmkit.core.errors import ModelError
from crmkit.models.purchases.btyd import (
    fit,
    fit_covariates,
    fit_mbgcnbd,
    known,
    likelihood_ratio,
    log_likelihood,
    patterns,
    simulate,
    tuples,
)

TRUTH = {
    "bgnbd": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426},
    "mbgnbd": {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614},
    "pareto_nbd": {"r": 0.553, "alpha": 10.58, "s": 0.606, "beta": 11.67},
}
MODELS = tuple(TRUTH)
BUYS, LEAVES = {"online": 0.5, "region": -0.3}, {"online": 0.4}


def sample(model, customers, seed, buys=BUYS, leaves=LEAVES):
    """Customers in whole weeks, one of four patterns; on BG models the effect of leaving is on a alone."""
    rng = np.random.default_rng(seed)
    z = {"online": rng.integers(0, 2, customers), "region": rng.integers(0, 2, customers)}
    columns = [np.empty(customers) for _ in range(3)]
    for online in (0, 1):
        for region in (0, 1):
            of = (z["online"] == online) & (z["region"] == region)
            params = dict(TRUTH[model])
            params["alpha"] *= np.exp(-buys["online"] * online - buys["region"] * region)
            if model == "pareto_nbd":
                params["beta"] *= np.exp(-leaves["online"] * online)
            else:
                params["a"] *= np.exp(leaves["online"] * online)
            rows = simulate(known(model, params), rng.uniform(20, 60, of.sum()), rng)
            for column, made in zip(columns, rows, strict=True):
                column[of] = made
    return (*columns, z)


@pytest.mark.parametrize("model", MODELS)
def test_simulated_effects_come_back(model):
    x, tx, T, z = sample(model, 8000, 0)
    tx, T = np.ceil(tx * 7) / 7, np.ceil(T * 7) / 7
    found = fit_covariates(patterns(x, tx, T, z), model)
    assert found.gradient_norm < 1e-8
    assert (found.n, found.n_patterns) == (8000, 4)
    expected = {("online", "buying"): 0.5, ("region", "buying"): -0.3}
    if model == "pareto_nbd":
        expected |= {("online", "leaving"): 0.4, ("region", "leaving"): 0.0}
    else:
        expected |= {("online", "leaving: a"): 0.4, ("region", "leaving: a"): 0.0}
        expected |= {("online", "leaving: b"): 0.0, ("region", "leaving: b"): 0.0}
    assert {(one.covariate, one.effect) for one in found.coefficients} == set(expected)
    for one in found.coefficients:
        assert abs(one.value - expected[one.covariate, one.effect]) < 3.5 * one.standard_error, one
        assert one.low < one.value < one.high
    for name, value in TRUTH[model].items():
        assert abs(found.base[name] - value) < 3.5 * found.standard_errors[name], name
    assert found.test.p_value < 1e-4
    assert found.test.degrees == len(expected)
    assert found.aic == 2 * (4 + len(expected)) - 2 * found.log_likelihood


@pytest.mark.parametrize("model", MODELS)
def test_the_likelihood_is_that_of_the_parameters_of_each_pattern(model):
    x, tx, T, z = sample(model, 4000, 1)
    found = fit_covariates(patterns(x, tx, T, z), model, leaving=["online"])
    total = 0.0
    for online in (0, 1):
        for region in (0, 1):
            of = (z["online"] == online) & (z["region"] == region)
            total += log_likelihood(found.at({"online": online, "region": region}), x[of], tx[of], T[of]).sum()
    assert found.log_likelihood == pytest.approx(total, rel=1e-12)
    assert dict(found.at({}).params) == pytest.approx(dict(found.base), rel=1e-15)


def test_the_coding_of_a_group_does_not_matter():
    x, tx, T, z = sample("pareto_nbd", 4000, 2)
    plain = fit_covariates(patterns(x, tx, T, {"online": z["online"]}), "pareto_nbd")
    other = fit_covariates(patterns(x, tx, T, {"shop": 1 - z["online"]}), "pareto_nbd")
    scaled = fit_covariates(patterns(x, tx, T, {"online": 1000.0 * z["online"]}), "pareto_nbd")
    assert other.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-12)
    assert scaled.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-12)
    for one, turned, small in zip(plain.coefficients, other.coefficients, scaled.coefficients, strict=True):
        assert turned.value == pytest.approx(-one.value, rel=1e-5)
        assert small.value == pytest.approx(one.value / 1000, rel=1e-5)
        assert turned.standard_error == pytest.approx(one.standard_error, rel=1e-4)
        assert small.p_value == pytest.approx(one.p_value, rel=1e-3, abs=1e-12)


def test_no_effect_is_the_model_without_covariates():
    """Two patterns with the same histories: every coefficient is 0, and the likelihood that of the plain fit."""
    x, tx, T, _ = sample("mbgnbd", 2000, 3)
    twice = [np.tile(column, 2) for column in (x, tx, T)]
    found = fit_covariates(patterns(*twice, {"half": np.repeat([0, 1], 2000)}), "mbgnbd")
    plain = fit(tuples(*twice), "mbgnbd")
    assert [one.value for one in found.coefficients] == pytest.approx([0, 0, 0], abs=1e-7)
    assert found.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-12)
    assert found.test.statistic == pytest.approx(0, abs=1e-6)
    assert found.test.p_value > 0.999
    assert dict(found.base) == pytest.approx(dict(plain.params), rel=1e-6)


def test_grouped_rows_change_nothing():
    x, tx, T, z = sample("bgnbd", 3000, 4)
    tx, T = np.ceil(tx), np.ceil(T)
    rows, n = np.unique(np.column_stack([x, tx, T, z["online"]]), axis=0, return_counts=True)
    single = fit_covariates(patterns(x, tx, T, {"online": z["online"]}), "bgnbd", leaving=[])
    grouped = fit_covariates(patterns(*rows.T[:3], {"online": rows[:, 3]}, n), "bgnbd", leaving=[])
    assert grouped.coefficients[0].value == pytest.approx(single.coefficients[0].value, rel=1e-9)
    assert grouped.log_likelihood == pytest.approx(single.log_likelihood, rel=1e-13)


def wrong(model, seeds, customers=1500):
    """How often a covariate without any effect is found significant at 5 %, and how many data sets have no maximum at all."""
    found = refused = 0
    for seed in range(seeds):
        x, tx, T, z = sample(model, customers, seed, buys={"online": 0, "region": 0}, leaves={"online": 0})
        try:
            found += fit_covariates(patterns(x, tx, T, {"online": z["online"]}), model, leaving=[]).test.p_value < 0.05
        except ModelError:
            refused += 1
    return found, refused


@pytest.mark.long
def test_the_likelihood_ratio_test_keeps_its_level():
    """60 data sets without an effect; 99.9 % band of Binomial(60, .05): at most 9."""
    found, refused = wrong("bgnbd", 60, 800)
    assert found <= 9
    assert refused == 0


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_the_level_over_many_data_sets(model):
    """1,000 data sets: 99 % band of Binomial(1000, .05) is 33 to 69; at most 1 % may look as if customers left all alike."""
    found, refused = wrong(model, 1000)
    assert 33 <= found <= 69
    assert refused <= 10


def test_likelihood_ratio():
    # 5 % points of chi-square with 1 and 3 degrees of freedom
    assert likelihood_ratio(0, 3.841459 / 2, 1).p_value == pytest.approx(0.05, abs=1e-7)
    assert likelihood_ratio(0, 7.814728 / 2, 3).p_value == pytest.approx(0.05, abs=1e-7)
    assert likelihood_ratio(0, -1e-9, 1).p_value == 1


@pytest.mark.parametrize(
    ("covariates", "message"),
    [
        ({"online": [0, 1]}, "covariate 'online': has 2 values for 4 rows"),
        ({"online": [0, 1, np.nan, 1]}, "covariate 'online' is missing or infinite (row 2)"),
        ({"online": [1, 1, 1, 1]}, "one of online does not vary"),
        ({"online": [0, 1, 0, 1], "shop": [1, 0, 1, 0]}, "does not vary, or follows from the others"),
        ({}, "there are none"),
    ],
)
def test_covariates_that_cannot_be_used(covariates, message):
    with pytest.raises(ModelError) as caught:
        patterns([0, 1, 0, 2], [0, 3, 0, 4], 9, covariates) if covariates else patterns([0], [0], [9], covariates)
    assert message in str(caught.value)


def test_other_refusals():
    x, tx, T, z = sample("bgnbd", 1500, 0)
    data = patterns(x, tx, T, z)
    with pytest.raises(ModelError, match="model 'bgbb' has none"):
        fit_covariates(data, "bgbb")
    with pytest.raises(ModelError, match="covariate 'shop' of buying does not exist; there are online, region"):
        fit_covariates(data, "bgnbd", buying=["shop"])
    with pytest.raises(ModelError, match="covariate 'shop' is not in the fit"):
        fit_covariates(data, "bgnbd", leaving=[]).at({"shop": 1})
    with pytest.raises(ModelError, match="1,500 combinations, at most 500"):
        patterns(x, tx, T, {"age": np.arange(1500)})
    never = patterns(np.append(x, np.zeros(300)), np.append(tx, np.zeros(300)), np.append(T, np.full(300, 40.0)),
                     {"lost": np.append(np.zeros(1500), np.ones(300))})  # fmt: skip
    with pytest.raises(ModelError, match="with covariates did not converge"):
        fit_covariates(never, "bgnbd", leaving=[])


@pytest.mark.parametrize("model", ["bgnbd", "mbgnbd", "pareto_nbd"])
def test_many_groups_at_once_say_what_each_says_alone(model):
    rng = np.random.default_rng(8)
    groups = []
    for number in (1, 7, 60):
        x = rng.integers(0, 5, number).astype(float) * (number > 1)  # a group in which nobody came back
        T = rng.integers(20, 60, number).astype(float)
        groups.append(tuples(x, np.where(x > 0, np.ceil(T * rng.uniform(0.1, 1.0, number)), 0.0), T))
    theta = rng.normal(0, 0.7, (3, 4))
    given = () if model == "pareto_nbd" else (model == "mbgnbd",)
    module = pareto if model == "pareto_nbd" else betageo
    values, slopes = module.objectives(groups, 30.0, *given)(theta)
    for one, row, value, slope in zip(groups, theta, values, slopes, strict=True):
        alone = module.objective(one, 30.0, *given)(row)
        assert value == pytest.approx(alone[0], rel=1e-12)
        assert slope == pytest.approx(alone[1], rel=1e-10, abs=1e-13)


@pytest.fixture(scope="module")
def regular():
    """Regular buyers (k = 2) of two kinds, of which one buys more often and leaves sooner, with their intervals."""
    rng, n, total = np.random.default_rng(0), 3000, 0.0
    z = rng.integers(0, 2, n).astype(float)
    columns = [np.empty(n) for _ in range(3)]
    for kind in (0.0, 1.0):
        own = z == kind
        params = {"r": 0.9, "alpha": 4.0 * np.exp(-0.5 * kind), "a": 0.8 * np.exp(0.6 * kind), "b": 2.5, "k": 2}
        rows = simulate(known("mbgcnbd", params), rng.integers(20, 60, own.sum()).astype(float), rng)
        for column, made in zip(columns, rows, strict=True):
            column[own] = made
    for count, last in zip(columns[0], columns[1], strict=True):
        if count:  # given the last purchase, the intervals share the time between first and last
            total += float(np.log(rng.dirichlet([2.0] * int(count)) * last).sum())
    return (*columns, z, total)


def test_covariates_of_regular_buyers(regular):
    x, tx, T, z, intervals = regular
    found = fit_covariates(patterns(x, tx, T, {"online": z}), "mbgcnbd", log_intervals=intervals)
    assert found.fixed == {"k": 2.0}
    effects = {one.effect: one for one in found.coefficients}
    assert set(effects) == {"buying", "leaving: a", "leaving: b"}
    for effect, true in (("buying", 0.5), ("leaving: a", 0.6), ("leaving: b", 0.0)):
        assert abs(effects[effect].value - true) < 3 * effects[effect].standard_error, effect
    plain = fit_mbgcnbd(tuples(x, tx, T), intervals)
    assert plain.params["k"] == 2
    assert found.test.statistic == pytest.approx(2 * (found.log_likelihood - plain.log_likelihood))
    assert found.aic == pytest.approx(2 * (4 + 1 + 3) - 2 * found.log_likelihood)
    # what the single intervals say is the same for both; the rest is the sum over customers, each with their own parameters
    constant = plain.log_likelihood - log_likelihood(plain, x, tx, T).sum()
    each = [log_likelihood(found.at({"online": kind}), x[z == kind], tx[z == kind], T[z == kind]).sum() for kind in (0.0, 1.0)]
    assert found.log_likelihood == pytest.approx(sum(each) + constant, rel=1e-10)


def test_regular_buyers_need_their_intervals(regular):
    x, tx, T, z, _ = regular
    with pytest.raises(ModelError, match="MBG/CNBD-k with covariates: log_intervals is missing"):
        fit_covariates(patterns(x, tx, T, {"online": z}), "mbgcnbd")
