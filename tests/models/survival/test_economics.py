"""Money: a budget spent nearly as well as can be, published profit measures, and uplift whose error rate is what it says."""

import numpy as np
import pytest

from crmkit.core.errors import ModelError, ParamError
from crmkit.models.basics.budget import choose
from crmkit.models.survival import (
    Campaign,
    break_even_probability,
    compare_rules,
    contact_outlay,
    contact_profit,
    control_arm,
    expected_maximum_profit,
    maximum_profit,
    minimum_detectable,
    profit_curve,
    tornado,
    uplift_share,
    uplift_spend,
)

CAMPAIGN = Campaign(save_rate=0.3, offer_cost=10, contact_cost=1, uptake=0.5)


def customers(seed=0, n=5000):
    rng = np.random.default_rng(seed)
    return rng.beta(1, 9, n), rng.lognormal(5, 1, n)


# --- choice


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("contacts", "money"), [(300, None), (None, 900.0), (300, 900.0), (300, 1500.0), (None, None)])
def test_the_choice_is_within_a_hundredth_of_the_bound(seed, contacts, money):
    p, v = customers(seed)
    gain, cost = contact_profit(p, v, CAMPAIGN), contact_outlay(p, CAMPAIGN)
    choice = choose(gain, cost, count=contacts, budget=money)
    assert choice.chosen.sum() <= (contacts or len(p))
    assert choice.cost <= (money or np.inf) * (1 + 1e-9)
    assert choice.value >= 0.99 * choice.bound
    assert (gain[choice.chosen] > 0).all()


@pytest.mark.parametrize("budget", [(100, None), (None, 400.0), (100, 400.0), (100, 250.0)])
def test_the_bound_is_that_of_the_linear_programme(budget):
    from scipy.optimize import linprog

    p, v = customers(7, 600)
    gain, cost = contact_profit(p, v, CAMPAIGN), contact_outlay(p, CAMPAIGN)
    contacts, money = budget
    rows, limits = [], []
    if contacts is not None:
        rows.append(np.ones(600))
        limits.append(contacts)
    if money is not None:
        rows.append(cost)
        limits.append(money)
    best = linprog(-gain, A_ub=np.array(rows), b_ub=limits, bounds=(0, 1))
    assert choose(gain, cost, count=contacts, budget=money).bound == pytest.approx(-best.fun, rel=1e-9)


def test_a_small_budget_is_spent_as_well_as_all_subsets_allow():
    """Twelve customers, every subset tried: whole customers cannot reach the bound, but the choice is the best."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        gain, cost = rng.uniform(1, 10, 12), rng.uniform(1, 5, 12)
        subsets = (np.arange(2**12)[:, None] >> np.arange(12)) & 1
        fits = (subsets @ cost <= 12) & (subsets.sum(1) <= 5)
        best = (subsets @ gain)[fits].max()
        choice = choose(gain, cost, count=5, budget=12)
        assert best <= choice.bound + 1e-9
        assert choice.value == pytest.approx(best, rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_a_small_budget_is_spent_as_well_as_whole_customers_allow(seed):
    """Some twenty contacts: the bound is 2 % higher, the optimum over whole customers (scipy's MILP) is reached."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    p, v = customers(seed)
    gain, cost = contact_profit(p, v, CAMPAIGN), contact_outlay(p, CAMPAIGN)
    best = np.argsort(-gain)[:400]
    limits = LinearConstraint(np.vstack([cost[best], np.ones(400)]), ub=[100, 40])
    whole = milp(-gain[best], constraints=limits, integrality=np.ones(400), bounds=Bounds(0, 1))
    choice = choose(gain, cost, count=40, budget=100.0)
    assert -whole.fun * (1 - 1e-6) <= choice.value <= -whole.fun * (1 + 1e-4)  # milp itself stops within 1e-4
    assert choice.value <= choice.bound


def test_nobody_is_chosen_at_a_loss_or_unknown():
    choice = choose([np.nan, -1.0, 2.0], [1.0, 1.0, 1.0], count=3)
    assert choice.chosen.tolist() == [False, False, True]
    assert choose([1.0], [1.0], budget=0.0).chosen.sum() == 0
    assert choose([1.0], [1.0], count=0).chosen.sum() == 0
    with pytest.raises(ModelError, match="negative or missing for 1 things"):
        choose([1.0, 1.0], [1.0, -1.0])
    with pytest.raises(ParamError, match="save_rate is 30"):
        Campaign(save_rate=30)


def test_our_rule_beats_the_others():
    p, v = customers()
    table = compare_rules(p, v, CAMPAIGN, contacts=500, money=2000.0).set_index("rule")
    assert table["profit"].idxmax() == "Expected profit"
    assert (table["cost"] <= 2000 * (1 + 1e-9)).all()
    assert table.loc["Expected profit", "profit"] > 1.1 * max(table.loc[["Risk only", "Value only"], "profit"])


def test_the_curve_ends_where_all_are_contacted():
    p, v = customers()
    table = profit_curve(p, v, CAMPAIGN)
    ends = table.groupby("group")["value"].last()
    assert ends.to_numpy() == pytest.approx([contact_profit(p, v, CAMPAIGN).sum()] * 4)
    best = table[table["group"] == "Expected profit"]
    others = table[table["group"] != "Expected profit"]
    for _, line in others.groupby("group"):
        assert (best["value"].to_numpy() >= line["value"].to_numpy() - 1e-6).all()


def test_break_even():
    p = break_even_probability([100.0, 5.0], CAMPAIGN)
    assert contact_profit(p[:1], [100.0], CAMPAIGN)[0] == pytest.approx(0, abs=1e-12)
    assert np.isnan(break_even_probability([1.0], Campaign(save_rate=0.3, contact_cost=1))[0])


def test_tornado_puts_the_weightiest_first():
    p, v = customers()
    chosen = choose(contact_profit(p, v, CAMPAIGN), contact_outlay(p, CAMPAIGN), count=500).chosen
    ranges = {"contact_cost": (0.9, 1.1), "save_rate": (0.13, 0.51), "value": (0.8, 1.2)}
    table = tornado(p, v, CAMPAIGN, chosen=chosen, ranges=ranges)
    assert table["assumption"].tolist() == ["save_rate", "value", "contact_cost"]
    assert table["profit"].iloc[0] == pytest.approx(contact_profit(p, v, CAMPAIGN)[chosen].sum())
    with pytest.raises(ParamError, match="'save' is no assumption; did you mean 'save_rate'"):
        tornado(p, v, CAMPAIGN, chosen=chosen, ranges={"save": (0, 1)})


# --- maximum profit: empulse 0.13.1, empc_score and mpc_score with their defaults (those of R's EMP)


@pytest.mark.parametrize(
    ("churned", "score", "empc", "mpc"),
    [
        ([1, 1, 0, 1, 0, 1, 0, 0, 0, 0], list(range(10, 0, -1)), 20.2003164898, 20.2),
        ([0, 1] * 5, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0], 23.600632979568722, 23.6),
        ([1, 0, 1, 0, 0, 1, 0, 0, 0, 0], [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05], 13.508546234774686, 13.5),
        ([0, 1, 0, 1, 0, 1, 0, 1, 1, 0], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.05], 24.700474734686328, 24.7),
    ],
)
def test_maximum_profit_is_the_published_one(churned, score, empc, mpc):
    assert expected_maximum_profit(churned, score).profit == pytest.approx(empc, abs=1e-6)
    assert maximum_profit(churned, score).profit == pytest.approx(mpc, abs=1e-6)


def test_expected_maximum_profit_is_the_integral():
    from scipy.integrate import quad
    from scipy.stats import beta

    rng = np.random.default_rng(0)
    score = rng.normal(size=300)
    churned = (rng.normal(size=300) < score - 1).astype(int)
    best = quad(
        lambda g: maximum_profit(churned, score, save_rate=g).profit * beta.pdf(g, 6, 14), 0, 1, limit=500, epsabs=1e-10
    )[0]
    assert expected_maximum_profit(churned, score).profit == pytest.approx(best, abs=1e-6)
    with pytest.raises(ParamError, match="offer_cost < value"):
        expected_maximum_profit(churned, score, offer_cost=500)
    with pytest.raises(ModelError, match="nobody or everybody left"):
        maximum_profit([0, 0], [1, 2])


# --- hold-out arm and uplift


def test_the_arm_can_be_recomputed():
    ids = [f"C{k:05d}" for k in range(20_000)]
    arm = control_arm(ids, key=b"secret", campaign="2025-12", share=0.2)
    assert 0.2 - 0.0075 < arm.mean() < 0.2 + 0.0075  # 99 % band
    order = np.random.default_rng(0).permutation(len(ids))
    assert np.array_equal(control_arm([ids[k] for k in order], key=b"secret", campaign="2025-12"), arm[order])
    other = control_arm(ids, key=b"secret", campaign="2026-01")
    assert abs(np.corrcoef(arm, other)[0, 1]) < 0.02
    assert not np.array_equal(arm, control_arm(ids, key=b"else", campaign="2025-12"))
    wider = control_arm(ids, key=b"secret", campaign="2025-12", share=0.3)
    assert (wider | ~arm).all()  # a larger arm holds the smaller one
    assert control_arm(ids, key=b"secret", campaign="x", share=1.0).all()
    assert not control_arm(ids, key=b"secret", campaign="x", share=0.0).any()


@pytest.mark.long
def test_the_detectable_effect_is_detected_as_often_as_promised():
    size = minimum_detectable(8000, 2000, standard_deviation=np.sqrt(0.1 * 0.9), power=0.8)
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(1000):
        treated, control = rng.binomial(8000, 0.1 + size / 2), rng.binomial(2000, 0.1 - size / 2)
        outcome = np.repeat([1, 0, 1, 0], [treated, 8000 - treated, control, 2000 - control])
        hits += uplift_share(outcome, np.repeat([False, True], [8000, 2000])).low > 0
    assert 760 <= hits <= 840  # 99 % band around 80 % is 767 to 832; one point for the normal approximation


def test_uplift_of_shares_is_statsmodels():
    from statsmodels.stats.proportion import confint_proportions_2indep

    outcome, arm = np.repeat([1, 0, 1, 0], [90, 910, 30, 170]), np.repeat([False, True], [1000, 200])
    found = uplift_share(outcome, arm)
    low, high = confint_proportions_2indep(90, 1000, 30, 200, method="newcomb", compare="diff", correction=False)
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-9), pytest.approx(high, abs=1e-9))
    assert found.value == pytest.approx(0.09 - 0.15)
    with pytest.raises(ModelError, match="one of the arms is empty"):
        uplift_share(outcome, np.zeros(1200, dtype=bool))


def rejections(seeds, controls=1100, treated=9900, buyers=0.01):
    """How often Welch's test and ours reject a true null: one buyer in a hundred, amounts lognormal."""
    from scipy.stats import ttest_ind

    ours = welch = 0
    arm = np.repeat([True, False], [controls, treated])
    for seed in seeds:
        rng = np.random.default_rng(seed)
        spend = (rng.random(len(arm)) < buyers) * rng.lognormal(4, 1, len(arm))
        ours += uplift_spend(spend, arm).p < 0.05
        welch += ttest_ind(spend[arm], spend[~arm], equal_var=False).pvalue < 0.05
    return ours, welch


def test_uplift_of_spend_holds_its_level_where_welch_does_not():
    """500 campaigns without effect and 1,100 controls: Welch rejects about 12 % of them, ours 5 % (99 % band: 2.4 to 7.6)."""
    ours, welch = rejections(range(500))
    assert welch / 500 > 0.085
    assert 0.024 <= ours / 500 <= 0.076


@pytest.mark.slow
def test_uplift_of_spend_holds_its_level():
    """4,000 campaigns: the 99 % band around 5 % is 4.1 to 5.9."""
    ours, welch = rejections(range(4000))
    assert welch / 4000 > 0.10
    assert 0.041 <= ours / 4000 <= 0.059


def test_uplift_of_spend_needs_two_who_spent():
    arm = np.arange(40) % 2 == 0
    spend = np.where(np.arange(40) < 2, 10.0, 0.0)
    assert uplift_spend(spend, arm).value == 0
    with pytest.raises(ModelError, match="fewer than two customers have spent anything"):
        uplift_spend(np.where(np.arange(40) < 1, 10.0, 0.0), arm)


def test_uplift_of_spend_finds_a_real_effect():
    rng = np.random.default_rng(0)
    arm = np.repeat([True, False], [2000, 18_000])
    spend = (rng.random(20_000) < np.where(arm, 0.05, 0.10)) * rng.lognormal(4, 1, 20_000)
    found = uplift_spend(spend, arm)
    truth = 0.05 * np.exp(4.5)
    assert found.low < truth < found.high
    assert found.p < 0.001
