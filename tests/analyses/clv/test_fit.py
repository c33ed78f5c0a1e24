"""Which models are compared: covariates at work and idle ones, regular buyers, discrete occasions, rules without a model."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses import clv
from crmkit.analyses.clv.fit import fit_kinds
from crmkit.analyses.clv.totals import NORMAL
from crmkit.core.errors import ParamError
from crmkit.core.language import Locale, say
from crmkit.models.purchases import bgbb, btyd

TERMS = clv.Terms(365, 0.1, 1.0)


def log_of(count, seed, days=540, customers=400):
    """Each customer's purchases: `count` gives the gaps of customer i."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(customers):
        first = int(rng.integers(0, 200))
        gaps, still = count(i, rng)
        at = first + np.concatenate([[0], np.cumsum(gaps)])[: still + 1]
        rows += [(f"C{i:03d}", day) for day in np.unique(at[at <= days].astype(int))]
    table = pd.DataFrame(rows, columns=["customer_id", "day"])
    ordered = pd.Timestamp("2025-12-31") - pd.to_timedelta(days - table["day"], unit="D")
    return table[["customer_id"]].assign(ordered_at=ordered, amount=10.0 + (table.index % 7))


@pytest.fixture(scope="module")
def channels(make_company):
    """Customers who came by referral buy three times as often, and their region makes no difference."""

    def gaps(i, rng):
        rate = rng.gamma(2.0, 1 / 60.0) * (3.0 if i % 2 else 1.0)
        return np.ceil(rng.exponential(1 / max(rate, 1e-3), 40)), int(rng.geometric(0.25)) - 1

    customers = pd.DataFrame({"customer_id": [f"C{i:03d}" for i in range(400)]})
    customers["acquisition_channel"] = np.where(np.arange(400) % 2, "referral", "shop")
    customers["region"] = np.where(np.arange(400) % 4 < 2, "North", "South")
    past = clv.read(make_company(log_of(gaps, 0), customers=customers), holdout_days=120)
    models = clv.fit_models(past, covariates=["acquisition_channel", "region"])
    return past, models, clv.hold_out(past, models)


def test_a_covariate_that_works_is_found(channels):
    past, models, check = channels
    result = clv.effects(past, models)
    table = result.table.set_index(["segment", "effect"])
    other = "shop" if "shop" in result.table["segment"].to_numpy() else "referral"
    ratio = table.loc[(other, "buys"), "ratio"]
    assert (1 / ratio if other == "shop" else ratio) == pytest.approx(3.0, rel=0.35)
    assert table.loc[(other, "buys"), "p_adjusted"] < 0.01
    region = result.table[result.table["criterion"] == "Region"]
    assert (region["p_adjusted"] > 0.05).all()
    assert "better by" in say(result.finding.text, Locale())
    choice = clv.model_choice(past, models, check).table.set_index("name")
    assert choice.loc["pareto_nbd+covariates", "aic"] < choice.loc["pareto_nbd", "aic"]
    assert choice.loc["pareto_nbd+covariates", "parameters"] == 4 + 2 * 2
    assert choice["mae"].notna().all()


def test_forecasts_with_covariates_are_those_of_each_kind(channels):
    _, models, check = channels
    kinds = models.calibration.kinds
    forecast = check.forecasts["pareto_nbd+covariates"]
    assert forecast.shape == check.actual.shape
    assert abs(forecast.sum() / check.forecasts["pareto_nbd"].sum() - 1) < 0.25
    assert not np.allclose(forecast, check.forecasts["pareto_nbd"], rtol=0.05)
    assert set(kinds.levels.values()) <= {("acquisition_channel", "shop"), ("acquisition_channel", "referral"),
                                          ("region", "North"), ("region", "South")}  # fmt: skip


@pytest.fixture(scope="module")
def valued(channels):
    """Values that come from the model with covariates."""
    past, models, _ = channels
    chosen = replace(models, chosen="pareto_nbd+covariates")
    return past, chosen, clv.customer_values(past, chosen, TERMS, tiering=clv.Tiering([0.5]), draws=40)


def test_values_can_come_from_the_model_with_covariates(valued):
    past, models, values = valued
    kinds, table = models.final.kinds, values.customers
    fit = kinds.fits["pareto_nbd"]
    assert values.model == "pareto_nbd+covariates"
    for i in (0, 17, 399):
        row, own = table.iloc[i], fit.at(kinds.design.iloc[i].to_dict())
        history = (row["frequency"], row["recency_days"] / 7, row["T_days"] / 7)
        assert row["p_alive"] == pytest.approx(float(btyd.probability_alive(own, *history)), rel=1e-9)
        assert row["expected_purchases"] == pytest.approx(float(btyd.expected_purchases(own, 365 / 7, *history)), rel=1e-9)
    assert values.clv.value == pytest.approx(table["clv"].sum(), rel=1e-9)
    assert values.clv.low < values.clv.value < values.clv.high
    assert values.alive.low < values.alive.value < values.alive.high
    assert "(Laplace), as with covariates" in say(clv.intervals(past, values).note, Locale())
    delta = clv.customer_values(past, models, TERMS, draws=0)
    assert 0.5 < (values.clv.high - values.clv.low) / (delta.clv.high - delta.clv.low) < 1.6
    assert clv.customer_values(past, models, clv.Terms(0, 0.1, 1.0)).clv.value > values.clv.value


def test_the_page_of_the_model_with_covariates(valued):
    past, models, values = valued
    check = clv.hold_out(past, models)
    assert check.chosen == values.model
    shown = clv.tracking(past, models, check).table
    plain = clv.tracking(past, models, clv.hold_out(past, replace(models, chosen="pareto_nbd"))).table
    actual, forecast, without = (
        one[one["group"] == name]["value"].iloc[-1]
        for one, name in ((shown, "Actual"), (shown, "Forecast"), (plain, "Forecast"))
    )
    assert actual < forecast < without
    assert forecast == pytest.approx(actual, rel=0.15)
    assert clv.weekly(past, models, check).assessed
    assert "Pareto/NBD with covariates" in say(clv.model_choice(past, models, check).finding.text, Locale())
    assert clv.tiers(past, models, values).table["held_mean"].notna().all()
    limits = clv.top_customers(past, values, most=5).table
    assert (limits["low"] < limits["clv"]).all()
    assert (limits["clv"] < limits["high"]).all()
    assert {"Pareto/NBD with covariates"} <= {say(clv.totals(past, values).note, Locale()).split(",")[0]}


def test_without_kinds_the_model_without_covariates_is_taken(make_company, simulated):
    past = clv.read(make_company(simulated), holdout_days=0)
    models = clv.fit_models(past, model="pareto_nbd+covariates", compare=[], covariates=["region"])
    assert clv.customer_values(past, models, TERMS, draws=0).model == "pareto_nbd"
    (said,) = [one for one in clv.checks(past, models) if one.id == "clv.not_fitted.pareto_nbd+covariates"]
    assert "Pareto/NBD with covariates could not be fitted: the customer table has no column" in say(said.text, Locale())
    with pytest.raises(ParamError, match=r"covariates: is empty, and model 'pareto_nbd\+covariates' needs at least one"):
        clv.fit_models(past, model="pareto_nbd+covariates")


def test_without_columns_there_is_nothing_to_compare(make_company, simulated):
    past = clv.read(make_company(simulated), holdout_days=0)
    models = clv.fit_models(past, compare=[], covariates=["region"])
    result = clv.effects(past, models)
    assert not result.assessed
    assert "no column of covariates" in say(result.reason, Locale())
    with pytest.raises(ParamError, match=r"covariates: no column 'regions'; did you mean 'region'\?"):
        clv.fit_models(past, covariates=["regions"])


def test_rare_and_missing_kinds_are_joined(channels):
    past = channels[0]
    words = np.array(["a"] * 200 + ["b"] * 140 + ["c"] * 55 + ["rare"] * 4 + [None], dtype="object")
    attributes = pd.DataFrame({"customer_id": [f"C{i:03d}" for i in range(400)], "region": words, "size": "one"})
    kinds = fit_kinds(past.customers, attributes, columns=["region", "size"], per=7.0)
    assert kinds.reference == {"region": "a"}
    assert [level for _, level in kinds.levels.values()] == ["b", "c"]


@pytest.mark.long
def test_regular_buyers_are_told_from_chance(make_company):
    def by_the_clock(i, rng):
        scale = 1 / max(rng.gamma(3.0, 1 / 15.0), 1e-3)
        return np.maximum(1, np.rint(rng.gamma(4.0, scale, 60))), int(rng.geometric(max(rng.beta(1.0, 4.0), 0.02))) - 1

    past = clv.read(make_company(log_of(by_the_clock, 1)), holdout_days=0)
    models = clv.fit_models(past, model="mbgcnbd", compare=["mbgnbd"])
    table = clv.model_choice(past, models, None).table.set_index("name")
    assert models.final.fits["mbgcnbd"].params["k"] in (3, 4, 5)
    assert table["aic"].idxmin() == "mbgcnbd"
    assert "k = " in say(clv.model_choice(past, models, None).note, Locale())
    k = clv.fit_table(past, models).table.set_index(["group", "measure"]).loc[("MBG/CNBD-k", "k")]
    assert k["value"] in (3, 4, 5)
    assert np.isnan(k["low"])
    values = clv.customer_values(past, models, clv.Terms(365, 0.1, 1.0))
    assert np.isfinite(values.customers[["p_alive", "expected_purchases"]]).all().all()
    # a regular buyer is kept at a cost for as long as they stay
    dear = clv.customer_values(past, models, clv.Terms(365, 0.1, 1.0, 20.0), draws=0)
    spent = 20.0 * dear.customers["years_kept"].sum()
    assert dear.clv.value == pytest.approx(values.clv.value - spent, rel=1e-9)
    assert 0 < dear.customers["years_kept"].max() < 1


@pytest.fixture(scope="module")
def appeals(make_company):
    """Donors asked four times a year for five years; who gives, and who has gone, as BG/BB says."""
    truth = bgbb.Known("bgbb", {"alpha": 1.2, "beta": 0.75, "gamma": 0.66, "delta": 4.0})
    days = pd.date_range("2021-03-31", "2025-12-31", freq="QE")
    rng = np.random.default_rng(2)
    rows = [(f"D{i}", days[0]) for i in range(800)]
    p, theta = rng.beta(1.2, 0.75, 800), rng.beta(0.66, 4.0, 800)
    for i in range(800):
        for day in days[1:]:
            if rng.random() < theta[i]:
                break
            rows += [(f"D{i}", day)] if rng.random() < p[i] else []
    table = pd.DataFrame(rows, columns=["customer_id", "ordered_at"]).assign(amount=25.0)
    past = clv.read(make_company(table), holdout_days=365)
    models = clv.fit_models(past, compare=[])
    return truth, past, models, clv.hold_out(past, models)


def test_discrete_occasions_get_their_model(appeals):
    truth, past, models, check = appeals
    fit = models.final.occasions.fit
    assert all(abs(fit.params[name] - truth.params[name]) < 4 * fit.standard_errors[name] for name in truth.params)
    table = clv.model_choice(past, models, check).table.set_index("name")
    assert table.loc["bgbb", "mae"] < 1.1 * table.loc["pareto_nbd", "mae"]
    assert not table.loc["bgbb", "comparable"]
    expected, actual = check.forecasts["bgbb"].sum(), check.actual.sum()
    assert abs(expected - actual) < 4 * np.sqrt(((check.actual - check.forecasts["bgbb"]) ** 2).sum())
    assert "BG/BB applies" in say(clv.model_choice(past, models, check).note, Locale())


def test_days_without_end_are_no_occasions(channels):
    assert channels[1].final.occasions is None
    assert "was not fitted" in say(clv.model_choice(*channels).note, Locale())


def test_rules_that_need_no_model(channels):
    past, _, check = channels
    table = past.calibration.customers
    assert check.forecasts["mean"].sum() == pytest.approx(
        table["frequency"].sum() / table["T_days"].sum() * 120 * len(table), rel=1e-12
    )
    before = past.calibration.last_period.set_index("customer_id")["purchase_days_0"]
    assert check.forecasts["last_period"].sum() == before.sum()
    shown = clv.accuracy(past, check).table
    assert shown["model"].tolist()[-3:] == sorted(shown["model"].tolist()[-3:], key=shown.set_index("model")["mae"].get)
    assert {"As many as in the period before", "Mean rate of all customers so far"} < set(shown["model"])


def test_the_normal_approximation_is_named(channels, monkeypatch):
    from crmkit.models.purchases.btyd import bootstrap

    past, models, _ = channels
    terms = clv.Terms(365, 0.1, 1.0)
    refits = say(clv.intervals(past, clv.customer_values(past, models, terms, draws=20)).note, Locale())
    monkeypatch.setattr(bootstrap, "MOST_TUPLES", 10)
    values = clv.customer_values(past, models, terms, draws=20)
    normal = say(clv.intervals(past, values).note, Locale())
    assert set(clv.totals(past, values).table["method"]) == {"delta method on the log-parameters", NORMAL}
    assert "refits to customers drawn with replacement" in refits
    assert "20 draws from the normal approximation of the parameters (Laplace)" in normal
