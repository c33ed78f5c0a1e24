"""Intervals of totals, tiers and single customers: parameters and chance, without a contract and with one."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses import clv
from crmkit.analyses.clv.draws import ContractDraws, PurchaseDraws
from crmkit.analyses.clv.resampling import customer_limits
from crmkit.analyses.clv.values import SBG
from crmkit.core.language import Locale, say
from crmkit.models.basics.draws import Known
from crmkit.models.purchases import btyd, sbg
from crmkit.show.grid import table_grid

TERMS = clv.Terms(365, 0.1, 0.8, 2.0)
TIERING = clv.Tiering([0.2, 0.5])


@pytest.fixture(scope="module")
def study(make_company, simulated):
    past = clv.read(make_company(simulated), holdout_days=182)
    models = clv.fit_models(past, compare=[])
    return past, models, clv.customer_values(past, models, TERMS, tiering=TIERING, draws=60)


def test_parameters_and_chance_are_told_apart(study):
    past, models, values = study
    table = clv.intervals(past, values).table
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    assert ((table["outcome_high"] - table["outcome_low"]) > (table["high"] - table["low"])).all()
    for measure, total in (("Expected purchases", values.purchases), ("Expected value", values.clv)):
        own = table[table["measure"] == measure].set_index("group")
        assert own["value"]["All customers"] == pytest.approx(own["value"].drop("All customers").sum())
        assert own["n"].drop("All customers").sum() == own["n"]["All customers"] == len(past.customers)
        assert (total.value, total.low, total.high) == pytest.approx(
            own.loc["All customers", ["value", "low", "high"]].tolist()
        )
    again = clv.customer_values(past, models, TERMS, tiering=TIERING, draws=60)
    pd.testing.assert_frame_equal(table, clv.intervals(past, again).table)


def test_money_is_shown_as_money(study):
    grid = table_grid(clv.intervals(study[0], study[2]), Locale())
    for row in grid.rows:
        assert all(("€" in cell) == (row[1] == "Expected value") for cell in row[2:])


def test_the_report_names_one_interval_for_one_number(study):
    past, _, values = study
    row = clv.totals(past, values).table.set_index("measure").loc["clv"]
    whole = clv.intervals(past, values).table.set_index(["measure", "group"]).loc[("Expected value", "All customers")]
    assert row[["value", "low", "high"]].tolist() == whole[["value", "low", "high"]].tolist()
    assert row["method"] == "refits to customers drawn with replacement"


def test_refits_agree_with_the_delta_method(study):
    past, models, values = study
    delta = clv.customer_values(past, models, TERMS, draws=0)
    for one, other in ((values.purchases, delta.purchases), (values.clv, delta.clv)):
        assert one.value == pytest.approx(other.value)
        assert 0.6 < (one.high - one.low) / (other.high - other.low) < 1.7
    assert not clv.intervals(past, delta).assessed
    assert say(clv.intervals(past, delta).reason, Locale()) == "no refits were asked for"


def test_the_worth_of_a_purchase_hardly_depends_on_the_parameters(study):
    """Sums discounted as in the estimate are off by less than .2 %, where those of the draws differ by 10 %."""
    values = study[2]
    refits, who = values.refits, values.customers
    engine = PurchaseDraws(refits.models, refits.spends, values.terms, refits.per, who)
    x, tx, T = (who[name].to_numpy() / scale for name, scale in (("frequency", 1), ("recency_days", 7), ("T_days", 7)))
    rate = values.terms.rate(7)
    for turn, other in enumerate(refits.models[:5]):
        money = engine.expected(turn)[1]
        exact = btyd.discounted_expected_purchases(other, x, tx, T, horizon=365 / 7, discount_rate=rate)
        plain = np.asarray(btyd.expected_purchases(other, 365 / 7, x, tx, T))
        each = np.divide(exact, plain, out=np.ones(len(who)), where=plain > 0)
        kept = values.terms.retention_cost * who["years_kept"]
        assert ((money + kept) / engine._worth * each).sum() == pytest.approx((money + kept).sum(), rel=2e-3)


def test_the_range_with_chance_holds_what_came(study):
    """The forecast of the held-out days, with both parts of the uncertainty, holds the purchases that were made."""
    past, models, _ = study
    held = replace(past, customers=past.calibration.customers, as_of=past.split)
    then = clv.Models(models.chosen, models.calibration, None)
    values = clv.customer_values(held, then, clv.Terms(182, 0.0, 1.0), tiering=clv.Tiering([0.5]), draws=60)
    table = clv.intervals(held, values).table
    total = table[(table["group"] == "All customers") & (table["measure"] == "Expected purchases")].iloc[0]
    assert total["outcome_low"] <= past.calibration.customers["holdout_frequency"].sum() <= total["outcome_high"]


def test_single_customers_have_limits(study):
    past, _, values = study
    result = clv.top_customers(past, values, most=10)
    table = result.table
    assert len(table) == 10
    assert (table["low"] < table["clv"]).all()
    assert (table["clv"] < table["high"]).all()
    # what a customer will do is far less known than what is expected of them
    assert ((table["outcome_high"] - table["outcome_low"]) > 3 * (table["high"] - table["low"])).all()
    headings = table_grid(result, Locale(), name=lambda one: one).headings
    assert headings[2:6] == ("Parameters: from", "Parameters: to", "With chance: from", "With chance: to")
    assert customer_limits(values, values.customers.head(0), confidence=0.95) is None


def test_limits_of_single_customers_hold_what_came(study):
    """Of 600 customers, those whose held-out money lies within their limits: 99 % band of .95 and more, for limits on steps."""
    past, models, _ = study
    held = replace(past, customers=past.calibration.customers, as_of=past.split)
    then = clv.Models(models.chosen, models.calibration, None)
    values = clv.customer_values(held, then, clv.Terms(182, 0.0, 1.0), draws=60)
    limits = customer_limits(values, values.customers, confidence=0.95)
    came = past.calibration.customers["holdout_value"].to_numpy()
    inside = (limits["outcome_low"] - 1e-9 <= came) & (came <= limits["outcome_high"] + 1e-9)
    assert 0.927 <= inside.mean() <= 0.995


# --- customers under contract


WHO = pd.DataFrame({"frequency": [0, 3, 30], "expected_spend": [10.0, 20.0, 5.0]})


@pytest.mark.parametrize("terms", [clv.Terms(365, 0.1, 0.8, 6.0), clv.Terms(0, 0.3, 1.0), clv.Terms(730, 0.0, 1.0)])
def test_drawn_contracts_have_the_expected_mean(terms):
    engine = ContractDraws([Known(SBG, {"alpha": 1.5, "beta": 8.0})], terms, WHO)
    months, money = engine.drawn(0, np.random.default_rng(0), 200_000)
    for drawn, expected in zip((months, money), engine.expected(0), strict=True):
        if np.isfinite(expected).all() and drawn.std() < 50:
            assert drawn.mean(0) == pytest.approx(expected, rel=0.01)
    assert np.array_equal(months, np.rint(months))


def test_contracts_without_a_price_have_no_money():
    engine = ContractDraws([Known(SBG, {"alpha": 1.5, "beta": 8.0})], TERMS, WHO.assign(expected_spend=[10.0, np.nan, 5.0]))
    assert engine.expected(0)[1] is None
    assert engine.drawn(0, np.random.default_rng(0))[1] is None


def test_what_a_contract_pays_is_discounted_month_by_month():
    engine = ContractDraws([Known(SBG, {"alpha": 1e-9, "beta": 1.0})], clv.Terms(365, 0.1, 1.0), WHO)
    months, money = engine.drawn(0, np.random.default_rng(0))
    assert months.tolist() == [[12.0, 12.0, 12.0]]
    each = sum(1.1 ** (-i / 12) for i in range(12))
    assert money[0] == pytest.approx(each * WHO["expected_spend"].to_numpy())
    assert sbg.expected_remaining(engine.models[0], [0], periods=12)[0] == pytest.approx(12, rel=1e-6)
