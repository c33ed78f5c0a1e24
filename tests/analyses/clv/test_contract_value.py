"""Customers under contract: retention and value by sBG on cohorts of known truth, and sections that say what they lack."""

import datetime as dt
import re
from types import SimpleNamespace

import ibis
import numpy as np
import pandas as pd
import pytest

from crmkit.analyses import clv
from crmkit.analyses.clv.values import tiered
from crmkit.core.errors import ParamError
from crmkit.core.language import Locale, say
from crmkit.data.summaries.windows import paid_by_contract
from crmkit.models.purchases import sbg

DAY = dt.date(2025, 12, 31)
MONTH = 30.4375
TERMS = clv.Terms(365, 0.1, 0.8)


@pytest.fixture(scope="module")
def company(in_memory):
    """1,500 contracts of three years; each month a customer leaves with their own probability, Beta(0.8, 16)."""
    rng = np.random.default_rng(0)
    n = 1500
    start = pd.Timestamp(DAY) - pd.to_timedelta(rng.integers(0, 1095, n), unit="D")
    stays = np.minimum(rng.geometric(rng.beta(0.8, 16.0, n)), 60)
    end = start + pd.to_timedelta(np.floor(stays * MONTH).astype("int64"), unit="D")
    left = end <= pd.Timestamp(DAY)
    price = np.where(np.arange(n) % 10 == 0, 900.0, 100.0)
    table = pd.DataFrame({"customer_id": [f"T{i:04d}" for i in range(n)], "started_at": start.date, "mrr": price})
    table["ended_at"] = pd.Series(end.date, dtype="object").where(pd.Series(left), None)
    customers = pd.DataFrame({"customer_id": [*table["customer_id"], "never"], "region": ["N", "S", "E"] * 500 + ["N"]})
    schema = {"customer_id": "string", "started_at": "date", "mrr": "float64", "ended_at": "date"}
    tables = {"subscriptions": ibis.memtable(table, schema=schema), "customers": ibis.memtable(customers)}
    return SimpleNamespace(**vars(in_memory(tables=tables, as_of=DAY, privacy={"min_cell": 1})), truth=table)


@pytest.fixture(scope="module")
def study(company):
    past = clv.read(company, holdout_days=182)
    models = clv.fit_models(past)
    return past, models, clv.customer_values(past, models, TERMS)


def test_parameters_and_the_curve_are_recovered(study):
    past, models, _ = study
    fit = models.contracts.fit
    for name, truth in {"alpha": 0.8, "beta": 16.0}.items():
        assert abs(fit.params[name] - truth) < 4 * fit.standard_errors[name]
    result = clv.retention(past, models)
    model = result.table[result.table["group"] == "Forecast"].set_index("x")
    from scipy.special import betaln

    for months in (6, 12, 24):
        true = np.exp(betaln(0.8, 16.0 + months) - betaln(0.8, 16.0))
        assert model.loc[months, "low"] - 0.01 <= true <= model.loc[months, "high"] + 0.01
    assert "stay for the first year" in say(result.finding.text, Locale())
    assert re.match(r"Kaplan–Meier estimate and sBG, 1,\d{3} times under contract", say(result.note, Locale()))


def test_where_earlier_leavers_are_missing_the_model_is_the_same(study, company):
    """Without those who left before the last year a cohort looks loyal; counted from that day on, customers do not."""
    since = pd.Timestamp("2025-01-01")
    rows = company.truth[~(pd.to_datetime(company.truth["ended_at"]) < since)]
    schema = {"customer_id": "string", "started_at": "date", "mrr": "float64", "ended_at": "date"}
    tables = {**company.tables, "subscriptions": ibis.memtable(rows, schema=schema)}
    seen = SimpleNamespace(**{**vars(company), "tables": tables})
    fits = {
        sampling: clv.fit_models(clv.read(seen, holdout_days=0, sampling=sampling)).contracts
        for sampling in ("2025-01-01", "cohort")
    }
    fit = fits["2025-01-01"].fit
    for name, truth in {"alpha": 0.8, "beta": 16.0}.items():
        assert abs(fit.params[name] - truth) < 4 * fit.standard_errors[name]
    true = float(sbg.survival(sbg.Known("sbg", {"alpha": 0.8, "beta": 16.0}), 24))
    assert float(sbg.survival(fit, 24)) == pytest.approx(true, abs=0.05)
    # nearly half of those who left are missing
    assert fits["cohort"].constant[0] < 0.6 * fits["2025-01-01"].constant[0]
    held = clv.read(seen, holdout_days=91, sampling="2025-01-01")
    assert held.split is not None
    assert clv.fit_models(held).contracts.errors["sbg"] < 1
    assert clv.read(seen, holdout_days=182, sampling="last_period").split is None


@pytest.fixture(scope="module")
def alike(in_memory):
    """A twentieth of everybody leaves each month: nothing shows that customers differ."""
    rng = np.random.default_rng(0)
    n = 2000
    start = pd.Timestamp(DAY) - pd.to_timedelta(rng.integers(1, 1000, n), unit="D")
    end = start + pd.to_timedelta(np.floor(rng.geometric(0.05, n) * MONTH).astype("int64"), unit="D")
    table = pd.DataFrame({"customer_id": [f"T{i:04d}" for i in range(n)], "started_at": start.date, "mrr": 100.0})
    table["ended_at"] = pd.Series(end.date, dtype="object").where(pd.Series(end <= pd.Timestamp(DAY)), None)
    schema = {"customer_id": "string", "started_at": "date", "mrr": "float64", "ended_at": "date"}
    return SimpleNamespace(**vars(in_memory(tables={"subscriptions": ibis.memtable(table, schema=schema)}, as_of=DAY)))


def test_where_customers_do_not_differ_one_rate_gives_their_value(alike):
    past = clv.read(alike, holdout_days=182)
    models = clv.fit_models(past)
    values = clv.customer_values(past, models, clv.Terms(365, 0.0, 1.0))
    assert (models.contracts.model, values.model, values.under_contract) == ("constant", "constant", True)
    # twelve months due, each paid by those who have stayed so far
    stays = 1 - models.contracts.constant[0]
    assert stays == pytest.approx(0.95, abs=0.005)
    paid = sum(stays**month for month in range(1, 13))
    assert values.customers["expected_purchases"].to_numpy() == pytest.approx(paid, rel=0.03)
    assert values.customers["expected_purchases"].std() < 1e-5
    assert values.clv.low < values.clv.value < values.clv.high
    # 24,000 or so months decide: the limits are about as wide as those of their share
    assert values.clv.high / values.clv.low - 1 == pytest.approx(2 * 1.96 * 12 / 2 * (0.05 / 0.95 / 20000) ** 0.5, rel=0.5)
    choice = clv.model_choice(past, models, None)
    assert choice.table["name"].tolist() == ["constant"]
    assert "little shows that customers differ" in say(choice.finding.text, Locale())
    curve = clv.retention(past, models).table
    model = curve[curve["group"] == "Forecast"].set_index("x")
    assert model.loc[12.0, "value"] == pytest.approx(stays**12, rel=1e-5)
    assert model.loc[12.0, "low"] < 0.95**12 < model.loc[12.0, "high"]


def test_contracts_without_a_price_say_so(alike):
    bare = SimpleNamespace(**{**vars(alike), "tables": {"subscriptions": alike.tables["subscriptions"].drop("mrr")}})
    past = clv.read(bare, holdout_days=0)
    models = clv.fit_models(past)
    values = clv.customer_values(past, models, TERMS)
    found = {finding.id: say(finding.text, Locale()) for finding in clv.headline(past, models, None, values)}
    assert found["clv.no_value"] == "Customers have no value here: the contracts have no price per month (mrr)"
    assert say(clv.concentration(past, values).reason, Locale()) == "the contracts have no price per month (mrr)"


def test_the_usual_half_year_gives_way_where_the_data_are_short(in_memory):
    def held(days, asked=182):
        first = DAY - dt.timedelta(days=days - 1)
        table = pd.DataFrame({"customer_id": [f"T{i}" for i in range(60)], "started_at": first, "mrr": 9.0})
        schema = {"customer_id": "string", "started_at": "date", "mrr": "float64"}
        company = in_memory(tables={"subscriptions": ibis.memtable(table, schema=schema)}, as_of=DAY)
        return clv.read(company, holdout_days=asked).holdout_days

    assert (held(400), held(180), held(84), held(83)) == (182, 60, 28, 0)
    with pytest.raises(ParamError, match=r"holdout_days: is 181, but the data cover 180 days; at most 108 can be held out"):
        held(180, asked=181)


def test_what_was_not_seen_is_called_expected(in_memory):
    def said(days):
        rng = np.random.default_rng(0)
        start = pd.Timestamp(DAY) - pd.to_timedelta(rng.integers(1, days, 2000), unit="D")
        end = start + pd.to_timedelta(np.floor(rng.geometric(0.05, 2000) * MONTH).astype("int64"), unit="D")
        table = pd.DataFrame({"customer_id": [f"T{i}" for i in range(2000)], "started_at": start.date, "mrr": 9.0})
        table["ended_at"] = pd.Series(end.date, dtype="object").where(pd.Series(end <= pd.Timestamp(DAY)), None)
        schema = {"customer_id": "string", "started_at": "date", "mrr": "float64", "ended_at": "date"}
        past = clv.read(in_memory(tables={"subscriptions": ibis.memtable(table, schema=schema)}, as_of=DAY), holdout_days=0)
        return say(clv.retention(past, clv.fit_models(past)).finding.text, Locale())

    assert "customers stay for the first year, and" in said(1200)
    assert "those are expected to stay for the second" in said(600)
    assert "are expected to stay for the first year" in said(200)


def test_where_no_customer_can_be_valued_the_page_says_why(in_memory):
    table = pd.DataFrame({"customer_id": [f"T{i}" for i in range(60)], "started_at": dt.date(2025, 1, 1), "mrr": 9.0})
    schema = {"customer_id": "string", "started_at": "date", "mrr": "float64"}
    past = clv.read(in_memory(tables={"subscriptions": ibis.memtable(table, schema=schema)}, as_of=DAY), holdout_days=0)
    models = clv.fit_models(past)
    (found,) = clv.headline(past, models, None, clv.customer_values(past, models, TERMS))
    assert (found.id, found.severity) == ("clv.no_value", "warning")
    assert "sBG cannot be fitted" in say(found.text, Locale())


def test_only_customers_under_contract_have_a_value_and_none_is_lost(study, company):
    past, models, values = study
    today = set(company.truth.loc[company.truth["started_at"] == DAY, "customer_id"])
    running = company.truth["ended_at"].isna() & ~company.truth["customer_id"].isin(today)
    assert len(values.customers) == running.sum()
    assert values.clv.value == pytest.approx(values.customers["clv"].sum(), rel=1e-9)
    assert values.clv.low < values.clv.value < values.clv.high
    assert today
    assert set(past.people.never_bought) == {"never", *today}
    tiers = clv.tiers(past, models, tiered(values, clv.Tiering([0.5, 0.8], by="value_share"))).table
    assert tiers["n"].sum() == len(values.customers)
    assert tiers["value"].sum() == pytest.approx(values.customers["clv"].sum(), rel=1e-9)
    segments = clv.segments(past, values, by=["region"]).table
    assert segments[segments["criterion"] == "Region"]["n"].sum() == len(values.customers)


def test_old_customers_have_more_months_ahead(study):
    months = study[2].customers.sort_values("frequency")["expected_purchases"]
    assert months.is_monotonic_increasing
    assert months.max() < 12
    assert months.min() > 8


def test_money_paid_in_the_last_year(study, company):
    past = study[0]
    truth = company.truth
    last = pd.to_datetime(truth["ended_at"]).fillna(pd.Timestamp(DAY))
    days = ((last - pd.to_datetime(truth["started_at"]).clip(lower=pd.Timestamp("2025-01-01"))).dt.days + 1).clip(lower=0)
    assert past.spend.recent["amount"].sum() == pytest.approx((days / MONTH * truth["mrr"]).sum(), rel=1e-9)


def test_the_models_of_contracts_are_compared(study):
    past, models, _ = study
    table = clv.model_choice(past, models, None).table.set_index("name")
    assert table.loc["sbg", "aic"] < table.loc["constant", "aic"]
    assert table["mae"].between(0, 6).all()
    assert table.loc["sbg", "parameters"] == 2


def test_for_ever_and_the_cost_of_keeping(study):
    past, models, values = study
    ever = clv.customer_values(past, models, clv.Terms(0, 0.1, 0.8))
    assert ever.clv.value > 2 * values.clv.value
    with pytest.raises(ParamError, match=r"infinite, because subscribers leave too slowly"):
        clv.customer_values(past, models, clv.Terms(0, 0.0, 0.8))
    dear = clv.customer_values(past, models, clv.Terms(365, 0.1, 0.8, 120.0))
    assert (values.customers["clv"] - dear.customers["clv"] < 120.0).all()
    assert (values.customers["clv"] - dear.customers["clv"] > 70.0).all()


def test_sections_on_purchases_say_what_they_lack(study, company):
    past, models, values = study
    check, rules = clv.hold_out(past, models), clv.StageRules()
    lacking = [
        clv.base(past),
        clv.second_purchase(past),
        clv.tracking(past, models, check),
        clv.weekly(past, models, check),
        clv.by_frequency(past, check),
        clv.accuracy(past, check),
        clv.alive(past, values),
        clv.stages(past, values, rules=rules),
        clv.stage_table(past, values, rules=rules),
        clv.rfm_grid(past, values),
        clv.rfm_segments(past, values),
        clv.migration(past),
        clv.migration_matrix(past),
        clv.protect(past, values, rules=rules),
        clv.wake(past, values, rules=rules),
        clv.grow(past, values, rules=rules),
        clv.effects(past, models),
        clv.fit_table(past, models),
        clv.calibration_table(past, models),
    ]
    for result in lacking:
        assert not result.assessed
        assert "needs transactions" in say(result.reason, Locale()), result.name
    shown = [
        clv.totals(past, values),
        clv.concentration(past, values),
        clv.scores(past, values, rules=clv.StageRules()),
        clv.top_customers(past, values, most=3),
    ]
    assert all(result.assessed for result in [*shown, clv.service(company, past, values)])
    found = clv.headline(past, models, check, values)
    assert [finding.id for finding in found] == ["clv.value", "clv.concentration", "clv.retention"]
    for language in ("en", "zh"):
        assert all("{" not in say(finding.text, Locale(language)) for finding in found)


def test_payments_for_contracts_are_no_purchases(company):
    """A payment on the day of each month on which a contract began, against purchases on any day."""
    rows, rng = company.truth.head(300), np.random.default_rng(0)
    until = pd.to_datetime(rows["ended_at"]).fillna(pd.Timestamp(DAY))
    days = [
        pd.date_range(began, end, freq=pd.DateOffset(months=1)) for began, end in zip(rows["started_at"], until, strict=True)
    ]
    paid = pd.DataFrame(
        {
            "customer_id": np.repeat(rows["customer_id"].to_numpy(), [len(one) for one in days]),
            "ordered_at": np.concatenate([one.to_numpy() for one in days]),
            "amount": 100.0,
        }
    )
    bought = paid.assign(ordered_at=paid["ordered_at"] + pd.to_timedelta(rng.integers(-14, 15, len(paid)), unit="D"))
    schema = {"customer_id": "string", "ordered_at": "timestamp", "amount": "decimal(18, 4)"}

    def read(table):
        tables = {**company.tables, "transactions": ibis.memtable(table, schema=schema)}
        return clv.read(SimpleNamespace(**{**vars(company), "tables": tables}), holdout_days=0)

    past = read(paid)
    models = clv.fit_models(past)
    values = clv.customer_values(past, models, TERMS)
    assert (past.rhythm.paid, past.customers.empty, values.under_contract) == (True, True, True)
    assert [one.id for one in clv.headline(past, models, None, values)][-2:] == ["clv.paid", "clv.retention"]
    assert paid_by_contract({**company.tables, "transactions": ibis.memtable(paid, schema=schema)}, as_of=DAY)
    assert not paid_by_contract({"transactions": ibis.memtable(paid, schema=schema)}, as_of=DAY)
    other = read(bought)
    assert (other.rhythm.paid, other.contracts, other.customers.empty) == (False, None, False)


def test_with_transactions_contracts_are_left_to_the_churn_report(make_company, simulated):
    past = clv.read(make_company(simulated), holdout_days=0)
    models = clv.fit_models(past, compare=[])
    result = clv.retention(past, models)
    assert past.contracts is None
    assert "clients without transactions" in say(result.reason, Locale())


def test_a_client_with_neither_gets_a_page_that_says_so(company):
    bare = SimpleNamespace(**{**vars(company), "tables": {"customers": company.tables["customers"]}})
    past = clv.read(bare, holdout_days=182)
    models = clv.fit_models(past)
    check, values = clv.hold_out(past, models), clv.customer_values(past, models, TERMS)
    assert values is None
    assert clv.headline(past, models, check, values) == []
    results = [
        clv.base(past),
        clv.totals(past, values),
        clv.retention(past, models),
        clv.tracking(past, models, check),
        clv.tiers(past, models, values),
        clv.service(bare, past, values),
        clv.migration(past),
        clv.effects(past, models),
        clv.model_choice(past, models, check),
        clv.scores(past, values, rules=clv.StageRules()),
        clv.segments(past, values, by=["region"]),
    ]
    assert not any(result.assessed for result in results)
    assert all(say(result.reason, Locale()) for result in results)


def test_totals_and_tiers_have_intervals_with_chance(study):
    past, models, _ = study
    values = clv.customer_values(past, models, TERMS, tiering=clv.Tiering([0.2, 0.5]), draws=60)
    table = clv.intervals(past, values).table
    assert set(table["measure"]) == {"Expected months paid", "Expected value"}
    assert set(table["group"]) == {"All customers", "A", "B", "C"}
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    assert ((table["outcome_high"] - table["outcome_low"]) > 0.9 * (table["high"] - table["low"])).all()
    limits = clv.top_customers(past, values, most=3).table
    assert (limits["outcome_low"] < limits["clv"]).all()
    assert (limits["clv"] < limits["outcome_high"]).all()
