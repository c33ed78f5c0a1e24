"""Features become columns: chosen, filled, held within limits, rare levels joined, alike at every use."""

import numpy as np
import pandas as pd
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.survival import discrete_probability
from crmkit.models.survival.data.encoding import REST, apply_recipe, learn_recipe, missing_inputs
from crmkit.models.survival.regression.one_period import fit_one_period


def rows(n=600, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "event_observed": rng.random(n) < 0.3,
            "use": rng.normal(0, 1, n),
            "score": np.where(rng.random(n) < 0.4, np.nan, rng.integers(1, 6, n)),
            "flat": 1.0,
            "kind": rng.choice(["a", "b", "other", "rare"], n, p=[0.4, 0.3, 0.28, 0.02]),
            "day": pd.Timestamp("2025-01-01"),
        }
    )


def test_a_level_that_is_called_like_the_rest_joins_it():
    table = rows()
    recipe = learn_recipe(table, ["kind", "use"])
    levels = apply_recipe(recipe, table)["kind"]
    assert list(levels.cat.categories) == ["a", "b", REST]
    assert (levels[table["kind"] == "rare"] == REST).all()


def test_what_cannot_be_used_is_left_out_with_the_reason():
    recipe = learn_recipe(rows(), ["use", "flat", "day", "kind"])
    assert dict(recipe.dropped) == {
        "flat": "the same for nearly everybody",
        "day": "holds dates; turn it into a number, for example days until",
    }
    with pytest.raises(ModelError, match="no column that could explain leaving"):
        learn_recipe(rows(), ["flat"])


def test_a_gap_is_filled_and_told():
    table = rows()
    recipe = learn_recipe(table, ["score", "use"])
    made = apply_recipe(recipe, table)
    assert made.notna().all(axis=None)
    assert (made["score (none)"] == table["score"].isna()).all()
    assert missing_inputs(recipe, table).sum() == 0  # gaps of score are part of the model
    table.loc[0, "use"] = np.nan
    assert missing_inputs(recipe, table).tolist()[:2] == [1, 0]


def test_later_customers_are_held_within_the_limits_learned():
    recipe = learn_recipe(rows(), ["use"])
    later = apply_recipe(recipe, pd.DataFrame({"use": [-99.0, 0.0, 99.0]}))["use"]
    assert later.tolist() == [recipe.numbers[0].low, 0.0, recipe.numbers[0].high]


def test_the_model_of_one_period_is_the_maximum_of_its_likelihood():
    """Equal to statsmodels, errors by cluster included."""
    import statsmodels.api as sm

    table = rows()
    made = apply_recipe(learn_recipe(table, ["use", "kind"]), table)
    left, customers = table["event_observed"].to_numpy(), np.arange(len(table)) // 2
    fit = fit_one_period(left, made, cluster=customers)
    X = np.column_stack([np.ones(len(table)), made["kind"] == "b", made["kind"] == REST, made["use"]]).astype(float)
    family = sm.families.Binomial(sm.families.links.CLogLog())
    other = sm.GLM(left.astype(float), X, family=family).fit(
        tol=1e-12, cov_type="cluster", cov_kwds={"groups": customers, "use_correction": False}
    )
    np.testing.assert_allclose(fit.coefficients[2:], other.params[1:], atol=1e-8)
    np.testing.assert_allclose(fit.standard_errors[2:], other.bse[1:], rtol=0.02)  # the observed information, there
    p = discrete_probability(fit, made, elapsed=0, horizon=1, confidence=0.95)
    Z = np.column_stack([np.ones(len(table)), X[:, 1:] - X[:, 1:].mean(axis=0)])
    rate = np.exp(Z @ np.delete(fit.coefficients, 1))
    slope = rate * np.exp(-rate)
    q = -np.expm1(-rate)
    bread = np.linalg.inv((Z.T * (slope**2 / (q * (1 - q)))) @ Z)
    scores = pd.DataFrame(Z * ((left - q) * slope / (q * (1 - q)))[:, None]).groupby(customers).sum().to_numpy()
    by_hand = bread @ scores.T @ scores @ bread
    np.testing.assert_allclose(np.delete(np.delete(fit.covariance, 1, 0), 1, 1), by_hand, rtol=1e-6, atol=1e-12)
    assert p["probability"].sum() == pytest.approx(left.sum(), rel=0.02)
    assert ((p["low"] < p["probability"]) & (p["probability"] < p["high"])).all()


def test_customers_of_whom_nothing_is_known_are_told_apart_once():
    table = rows(3000).drop(columns="kind")
    unknown = np.arange(3000) < 400
    rng = np.random.default_rng(1)
    for name in ("size", "region"):
        table[name] = np.where(unknown, None, rng.choice(["a", "b", "c"], 3000, p=[0.5, 0.3, 0.2]))
    recipe = learn_recipe(table, ["size", "region", "use"])
    first, second = recipe.words
    assert first.levels[-1] == first.rest == REST
    assert REST not in second.levels
    assert second.rest == second.levels[0]
    made = apply_recipe(recipe, table)
    assert (made.loc[unknown, "region"] == second.levels[0]).all()
    fit_one_period(table["event_observed"].to_numpy(), made, cluster=np.arange(3000))


def test_a_column_that_follows_from_others_is_left_out_unless_it_was_asked_for():
    table = rows(3000)
    rng = np.random.default_rng(2)
    table["calls"], table["mails"] = rng.integers(0, 4, 3000), rng.integers(0, 4, 3000)
    table["contacts"] = table["calls"] + table["mails"]
    names = ["calls", "mails", "contacts"]
    assert dict(learn_recipe(table, names).dropped) == {"contacts": "follows exactly from the others"}
    asked = apply_recipe(learn_recipe(table, names, chosen=names), table)
    with pytest.raises(ModelError, match="'contacts' follows exactly from 'calls', 'mails'"):
        fit_one_period(table["event_observed"].to_numpy(), asked, cluster=np.arange(3000))


def test_a_count_that_no_leaver_has_cannot_be_estimated():
    table = rows(3000)
    table["complaints"] = (np.arange(3000) % 20 == 0) & ~table["event_observed"]
    table["complaints"] = table["complaints"].astype(float)
    recipe = learn_recipe(table, ["complaints", "use"])
    assert dict(recipe.dropped) == {"complaints": "the same for nearly everybody"}
