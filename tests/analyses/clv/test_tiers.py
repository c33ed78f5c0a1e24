"""Tiers: who stands at the cut, who is equal there, one cut for all exhibits, and what the tiers held and brought."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from crmkit.analyses import clv
from crmkit.analyses.clv.values import assign_tiers, tiered
from crmkit.core.errors import ParamError

TIERINGS = [
    clv.Tiering([0.1, 0.3, 0.6]),
    clv.Tiering([0.4, 0.7, 0.9], by="value_share"),
    clv.Tiering([400.0, 150.0, 20.0], by="fixed"),
]


@pytest.fixture(scope="module")
def company(make_company, simulated):
    return make_company(simulated, min_cell=1)


@pytest.fixture(scope="module")
def study(company):
    past = clv.read(company, holdout_days=182)
    models = clv.fit_models(past, compare=[])
    terms = clv.Terms(365, 0.1, 1.0)
    return past, models, clv.customer_values(past, models, terms, tiering=clv.Tiering([0.2, 0.5]), draws=20)


# --- who stands at the cut


@pytest.mark.parametrize("percent", [5, 20, 30, 35, 50, 55, 70, 90])
def test_the_top_share_of_customers_is_that_share(percent):
    """Of n customers of different value the best tier holds n times the share: nobody more where that is a whole number."""
    for n in range(1, 201):
        worth = np.random.default_rng(n).permutation(n).astype("float64")
        best = assign_tiers(worth, clv.Tiering([percent / 100])) == "A"
        assert best.sum() == math.ceil(Fraction(percent, 100) * n)
        assert worth[best].min() > worth[~best].max(initial=-1.0)


def test_who_comes_right_after_the_cut_is_in_the_next_tier():
    worth = np.arange(10.0, 0.0, -1.0)
    assert "".join(assign_tiers(worth, clv.Tiering([0.2, 0.5]))) == "AABBBCCCCC"


def test_the_share_of_value_held_at_the_cut_ends_the_tier():
    """4 of 10 are held before the second, 7 before the third: each begins the next tier."""
    by_share = clv.Tiering([0.4, 0.7], by="value_share")
    assert "".join(assign_tiers([4.0, 3.0, 2.0, 1.0], by_share)) == "ABCC"
    assert "".join(assign_tiers([4.01, 3.0, 2.0, 0.99], by_share)) == "ABCC"
    assert "".join(assign_tiers([3.99, 3.0, 2.0, 1.01], by_share)) == "AABC"


def test_an_amount_at_the_cut_is_in_the_better_tier():
    amounts = [500.0, np.nextafter(500.0, 0.0), 100.0, np.nextafter(100.0, 0.0)]
    assert "".join(assign_tiers(amounts, clv.Tiering([500.0, 100.0], by="fixed"))) == "ABBC"


def test_equal_values_at_the_cut_share_the_better_tier():
    worth = [9.0, 8.0, 8.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0]
    assert "".join(assign_tiers(worth, clv.Tiering([0.2, 0.5]))) == "AAAABCCCCC"  # the four hold places 1 to 4, the cut is at 2
    assert "".join(assign_tiers(worth, clv.Tiering([0.1, 0.5]))) == "ABBBBCCCCC"  # the tie begins right after the cut
    assert "".join(assign_tiers([4.0, 3.0, 3.0, 1.0], clv.Tiering([0.5, 0.7], by="value_share"))) == "AAAC"


def test_equal_values_share_a_tier():
    assert assign_tiers([1.0, 1.0, 1.0, 1.0], clv.Tiering([0.25])).tolist() == ["A"] * 4
    by_share = clv.Tiering([0.25], by="value_share")
    assert assign_tiers([1.0, 1.0, 0.0, -1.0], by_share).tolist() == ["A", "A", "B", "B"]
    assert assign_tiers([0.0, 0.0], clv.Tiering([0.5], by="value_share")).tolist() == ["A", "A"]
    assert assign_tiers([5.0, 4.9, -3.0], clv.Tiering([5.0], by="fixed")).tolist() == ["A", "B", "B"]


@pytest.mark.parametrize(
    ("by", "cuts", "said"),
    [
        ("value_rank", [0.5, 0.2], "tier_cuts: are .*shares of customers that rise between 0 and 1"),
        ("value_rank", [0.2, 1.0], "shares of customers that rise between 0 and 1"),
        ("value_share", [0.5, 1.2], "shares of the value that rise between 0 and 1"),
        ("fixed", [100.0, 500.0], "amounts of money above 0 that fall"),
        ("fixed", [float("nan")], "amounts of money above 0 that fall"),
        ("value", [0.5], "tier_by: is 'value'; did you mean 'value_rank'"),
        ("value_rank", [i / 20 for i in range(1, 11)], "tier_cuts: are 10; at most 9"),
    ],
)
def test_cuts_that_make_no_tiers(by, cuts, said):
    with pytest.raises(ParamError, match=said):
        clv.Tiering(cuts, by=by)


def test_nine_cuts_make_ten_tiers():
    nine = clv.Tiering([i / 10 for i in range(1, 10)])
    assert nine.names == "ABCDEFGHIJ"
    assert "".join(assign_tiers(np.arange(10.0, 0.0, -1.0), nine)) == nine.names


# --- the exhibits


def test_all_exhibits_show_the_same_tiers(study, company):
    """Tiers are cut once: value, service and intervals count the same customers."""
    past, models, values = study
    tiers = clv.tiers(past, models, values).table.set_index("tier")
    intervals = clv.intervals(past, values).table
    worth = intervals[intervals["measure"] == "Expected value"].set_index("group").drop("All customers")
    served = clv.service(company, past, values).table.set_index("tier")
    assert tiers["n"].tolist() == worth["n"].tolist() == served["n"].tolist()
    assert tiers["value"].tolist() == pytest.approx(worth["value"].tolist(), rel=1e-12)
    ranked = values.customers["clv"].sort_values(ascending=False)
    assert tiers.loc["A", "n"] == (values.customers["clv"] >= ranked.iloc[math.ceil(0.2 * len(ranked)) - 1]).sum()
    assert values.customers["tier"].value_counts()["A"] == tiers.loc["A", "n"]


def test_every_customer_is_in_one_tier_and_no_value_is_lost(study):
    past, models, values = study
    for tiering in TIERINGS:
        tiers = clv.tiers(past, models, tiered(values, tiering)).table
        assert tiers["tier"].tolist() == ["A", "B", "C", "D"]
        assert tiers["n"].sum() == len(past.customers)
        assert tiers["value"].sum() == pytest.approx(values.customers["clv"].sum(), rel=1e-9)
        assert tiers["held_n"].sum() == len(past.calibration.customers)
        assert tiers["held_value"].sum() == pytest.approx(past.calibration.customers["holdout_value"].sum(), rel=1e-9)
    assert values.clv.value == pytest.approx(values.customers["clv"].sum(), rel=1e-9)


def test_the_best_tier_by_share_holds_the_share(study):
    past, models, values = study
    table = clv.tiers(past, models, tiered(values, clv.Tiering([0.5, 0.8], by="value_share"))).table
    largest = values.customers["clv"].max() / values.customers["clv"].sum()
    assert 0.5 <= table.loc[0, "share_value"] <= 0.5 + largest
    fixed = clv.tiers(past, models, tiered(values, clv.Tiering([300.0], by="fixed"))).table
    assert fixed.loc[0, "n"] == (values.customers["clv"] >= 300).sum()


def test_better_tiers_brought_more(study):
    """The world is simulated as the model says, so the order must hold."""
    past, models, values = study
    result = clv.tiers(past, models, values)
    assert result.finding.passed
    assert result.table["held_mean"].is_monotonic_decreasing


def test_without_a_spend_model_tiers_are_of_purchases(study):
    past, models, values = study
    unpriced = tiered(replace(values, clv=None), clv.Tiering([0.2]))
    best = unpriced.customers["tier"] == "A"
    assert unpriced.customers.loc[best, "expected_purchases"].min() > unpriced.customers.loc[~best, "expected_purchases"].max()
    assert not clv.tiers(past, models, unpriced).assessed
