"""What is each customer worth: from a purchase log to findings, on data whose truth is known."""

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses import clv
from crmkit.analyses.clv.checks import _returns
from crmkit.analyses.clv.customers import shares
from crmkit.analyses.clv.values import tiered
from crmkit.core.errors import ParamError
from crmkit.core.language import Locale, say
from crmkit.models.basics.shares import wilson
from crmkit.models.purchases import btyd
from soundness import faults

HOLDOUT = {"holdout_days": 182, "unit": "week"}
WORTH = {"horizon_days": 365, "discount_rate": 0.1, "margin": 1.0}


@pytest.fixture(scope="module")
def study(make_company, simulated):
    past = clv.read(make_company(simulated), **HOLDOUT)
    models = clv.fit_models(past)
    check = clv.hold_out(past, models)
    return past, models, check, clv.customer_values(past, models, clv.Terms(**WORTH), tiering=clv.Tiering([0.2, 0.5]), draws=40)


def all_results(past, models, check, values):
    return [
        clv.base(past),
        clv.second_purchase(past),
        clv.fit_table(past, models),
        clv.calibration_table(past, models),
        clv.tracking(past, models, check),
        clv.weekly(past, models, check),
        clv.by_frequency(past, check),
        clv.accuracy(past, check),
        clv.totals(past, values),
        clv.alive(past, values),
        clv.concentration(past, values),
        clv.tiers(past, models, values),
        clv.top_customers(past, values, most=5),
    ]


def test_every_exhibit_is_assessed_and_has_a_name_of_its_own(study):
    results = all_results(*study)
    assert all(result.assessed for result in results)
    assert len({result.name for result in results}) == len(results)
    assert not faults(results)
    assert all(result.alt for result in results if result.kind in ("curve", "bars", "concentration"))


def test_every_sentence_can_be_said_in_every_language(study):
    findings = [*clv.headline(*study), *(r.finding for r in all_results(*study) if r.finding)]
    for language, finding in itertools.product(("en", "zh"), findings):
        assert "{" not in say(finding.text, Locale(language))


def test_parameters_are_recovered(study, known_model):
    fit = study[1].final.fits["pareto_nbd"]
    for name, truth in known_model.params.items():
        assert abs(fit.params[name] - truth) < 4 * fit.standard_errors[name]


def test_the_forecast_of_the_held_out_days_is_near_what_came(study):
    past, _, check, _ = study
    expected, actual = check.forecasts["pareto_nbd"].sum(), check.actual.sum()
    assert actual == past.calibration.customers["holdout_frequency"].sum()
    # both the model and the world are random; three standard deviations of an overdispersed count
    assert abs(expected - actual) < 3 * np.sqrt(((check.actual - check.forecasts["pareto_nbd"]) ** 2).sum())


def test_intervals_hold_their_estimates(study):
    for result in all_results(*study):
        if {"low", "high", "value"} <= set(result.table.columns):
            known = result.table.dropna(subset=["low", "high"])
            assert (known["low"] <= known["value"] + 1e-12).all()
            assert (known["value"] <= known["high"] + 1e-12).all()


def test_the_table_of_accuracy_says_of_how_many_and_holds_what_is_captured(study):
    past, _, check, _ = study
    result = clv.accuracy(past, check)
    assert result.note.numbers["n"].value == len(check.actual)
    table = result.table.dropna(subset=["capture_low"])
    assert len(table)
    assert ((table["capture_low"] <= table["capture"]) & (table["capture"] <= table["capture_high"])).all()


def test_the_day_from_which_is_held_out_is_marked_in_weeks(study):
    past, models, check, _ = study
    ((week, _),) = clv.tracking(past, models, check).table.attrs["marks"]
    assert week * 7 == pytest.approx((past.split - past.start).days + 1)


def test_shares_have_limits_of_the_level_that_is_asked():
    table = shares(pd.Series({"a": 30, "b": 70}), confidence=0.8)
    found = wilson([30, 70], 100, confidence=0.8)
    assert table["low"].tolist() == found.low.tolist()
    assert table["high"].tolist() == found.high.tolist()


def test_returns_are_said_as_money_and_as_a_share():
    past = SimpleNamespace(customers=pd.DataFrame({"total": [300.0, 100.0], "returned": [0.0, 50.0]}))
    (found,) = _returns(past)
    assert say(found.text, Locale("en", "EUR")).startswith("Goods for €50.00 were returned, 12.5% of the €400.00 sold")


def test_tiers_add_up_to_all_customers(study):
    table = study[3].refits.table
    for _, own in table.groupby("measure"):
        assert own["n"].iloc[0] == len(study[0].customers) == own["n"].iloc[1:].sum()


def test_the_interval_of_the_total_grows_with_confidence(make_company, simulated):
    def width(confidence):
        past = clv.read(make_company(simulated), holdout_days=0, confidence=confidence)
        total = clv.customer_values(past, clv.fit_models(past, compare=[]), clv.Terms(**WORTH), draws=60).clv
        return total.high - total.low

    assert width(0.5) < width(0.95) < width(0.99)


def test_the_unit_of_time_changes_no_value(make_company, simulated):
    totals = {}
    for unit in ("day", "week", "month"):
        past = clv.read(make_company(simulated), holdout_days=0, unit=unit)
        totals[unit] = clv.customer_values(past, clv.fit_models(past, compare=[]), clv.Terms(**WORTH), draws=0).clv.value
    assert totals["day"] == pytest.approx(totals["week"], rel=5e-3)
    assert totals["month"] == pytest.approx(totals["week"], rel=5e-3)


def test_value_falls_with_the_discount_and_grows_with_margin_and_horizon(study):
    past, models, _, values = study

    def total(**changed):
        return clv.customer_values(past, models, clv.Terms(**(WORTH | changed)), draws=0).clv.value

    assert total(discount_rate=0.3) < values.clv.value < total(discount_rate=0.0)
    assert total(margin=0.25) == pytest.approx(0.25 * values.clv.value)
    assert total(horizon_days=180) < values.clv.value < total(horizon_days=730)


def test_value_for_ever(study):
    past, models, _, values = study
    ever = clv.customer_values(past, models, clv.Terms(**(WORTH | {"horizon_days": 0})))
    century = clv.customer_values(past, models, clv.Terms(**(WORTH | {"horizon_days": 36500})), draws=0)
    assert ever.clv.value == pytest.approx(century.clv.value, rel=1e-3)
    assert ever.clv.value > values.clv.value
    assert ever.purchases is None
    assert "all time to come" in say(clv.totals(past, ever).finding.text, Locale())
    assert not clv.intervals(past, ever).assessed


def test_keeping_customers_costs_while_they_are_there(study):
    """The cost is that of the time as a customer, which the simulated world knows."""
    past, models, _, values = study
    dear = clv.customer_values(past, models, clv.Terms(**(WORTH | {"retention_cost": 12.0})), draws=0)
    cost = values.customers["clv"] - dear.customers["clv"]
    assert (cost <= 12.0 * values.customers["p_alive"] + 1e-9).all()
    assert (cost > 0.5 * 12.0 * values.customers["p_alive"]).all()
    assert dear.clv.value == pytest.approx(dear.customers["clv"].sum(), rel=1e-9)
    ruinous = clv.customer_values(past, models, clv.Terms(**(WORTH | {"retention_cost": 1e4})), draws=40)
    assert ruinous.clv.high < 0
    assert ruinous.clv.low < ruinous.clv.value < ruinous.clv.high
    assert not clv.concentration(past, ruinous).assessed
    assert clv.tiers(past, models, tiered(ruinous, clv.Tiering([0.5], by="value_share"))).assessed


def test_order_of_rows_changes_nothing(make_company, simulated, study):
    shuffled = simulated.sample(frac=1, random_state=1)
    past = clv.read(make_company(shuffled), **HOLDOUT)
    again = clv.customer_values(past, clv.fit_models(past), clv.Terms(**WORTH), tiering=clv.Tiering([0.2, 0.5]), draws=40)
    pd.testing.assert_frame_equal(again.customers, study[3].customers)


def test_without_a_holdout_those_sections_say_so(make_company, simulated):
    past = clv.read(make_company(simulated), holdout_days=0)
    models = clv.fit_models(past)
    check = clv.hold_out(past, models)
    assert check is None
    for result in (clv.tracking(past, models, check), clv.accuracy(past, check), clv.calibration_table(past, models)):
        assert not result.assessed
        assert say(result.reason, Locale()) == "nothing is held out: holdout_days is 0, or the data are too short"
    assert clv.tiers(past, models, clv.customer_values(past, models, clv.Terms(**WORTH), draws=20)).assessed


def test_a_log_without_repeat_buyers_says_what_cannot_be_known(make_company):
    days = pd.date_range("2025-01-01", periods=200)
    once = pd.DataFrame({"customer_id": [f"C{i}" for i in range(200)], "ordered_at": days, "amount": 10.0})
    past = clv.read(make_company(once), **HOLDOUT)
    models = clv.fit_models(past)
    check, values = clv.hold_out(past, models), clv.customer_values(past, models, clv.Terms(**WORTH), draws=20)
    assert check is None
    assert values is None
    said = [say(finding.text, Locale()) for finding in clv.headline(past, models, check, values)]
    named = [sentence.partition(" cannot be fitted: ")[0] for sentence in said if "cannot be fitted" in sentence]
    assert sorted(named) == ["BG/NBD", "Gamma-Gamma", "MBG/CNBD-k", "MBG/NBD", "Pareto/NBD"]
    assert any("100%" in sentence and "one day only" in sentence for sentence in said)
    assert clv.base(past).assessed
    for result in (
        clv.totals(past, values),
        clv.alive(past, values),
        clv.concentration(past, values),
        clv.second_purchase(past),
    ):
        assert not result.assessed
        assert say(result.reason, Locale())


def test_one_customer(make_company):
    one = pd.DataFrame({"customer_id": "C1", "ordered_at": pd.date_range("2025-01-01", periods=12, freq="30D"), "amount": 10.0})
    past = clv.read(make_company(one), holdout_days=0)
    models = clv.fit_models(past)
    values = clv.customer_values(past, models, clv.Terms(**WORTH), draws=20)
    assert clv.base(past).table["value"].iloc[0] == 1
    assert clv.headline(past, models, None, values)


@pytest.mark.parametrize("days", [730, 600])
def test_a_holdout_must_leave_something_to_learn_from(make_company, simulated, days):
    with pytest.raises(ParamError, match=rf"holdout_days: is {days}, but the data cover 731 days; at most 438 can be held out"):
        clv.read(make_company(simulated), holdout_days=days)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"margin": 0.0}, "margin: is 0.0; a share above 0 and at most 1 is needed"),
        ({"margin": -0.2}, "margin: is -0.2"),
        ({"discount_rate": -0.1}, "discount_rate: is -0.1"),
        ({"horizon_days": -1}, "horizon_days: is -1; at least 1 day is needed, or 0 for ever"),
        ({"retention_cost": -5.0}, "retention_cost: is -5.0; money per year, 0 or more"),
        ({"horizon_days": 0, "discount_rate": 0.0}, "infinite, because customers leave too slowly .s = .*give a horizon or a"),
        ({"margin": 1.2}, "margin: is 1.2"),
    ],
)
def test_impossible_parameters(study, changed, said):
    with pytest.raises(ParamError, match=said):
        clv.customer_values(study[0], study[1], clv.Terms(**(WORTH | changed)))


def test_an_unknown_unit_gets_the_nearest(make_company, simulated):
    with pytest.raises(ParamError, match=r"unit: is 'weeks'; did you mean 'week'\?"):
        clv.read(make_company(simulated), holdout_days=0, unit="weeks")


def test_small_groups_are_not_shown(make_company, simulated):
    past = clv.read(make_company(simulated, min_cell=60), **HOLDOUT)
    models = clv.fit_models(past, compare=[])
    shown = clv.by_frequency(past, clv.hold_out(past, models)).table
    assert shown["n"].min() >= 60
    values = clv.customer_values(past, models, clv.Terms(**WORTH), draws=20)
    tiers = clv.tiers(past, models, tiered(values, clv.Tiering([0.05, 0.5]))).table
    assert tiers["suppressed"].tolist() == [True, True, False]
    assert tiers.loc[tiers["suppressed"], "value"].isna().all()


def test_the_top_list_is_ordered_and_reproducible(study):
    top = clv.top_customers(study[0], study[3], most=50).table
    assert top["clv"].is_monotonic_decreasing
    assert len(top) == 50


def test_bgnbd_is_not_what_values_come_from_by_default(study):
    """It takes every one-time buyer for active."""
    past, _, _, values = study
    once = past.customers["frequency"] == 0
    assert values.model == "pareto_nbd"
    assert values.customers.loc[once, "p_alive"].max() < 1
    bg = btyd.probability_alive(study[1].final.fits["bgnbd"], np.zeros(1), np.zeros(1), np.full(1, 50.0))
    assert bg[0] == 1
