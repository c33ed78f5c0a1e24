"""Who leaves, why, who is next: on a company whose customers leave by a known hazard, and on one without contracts."""

import datetime as dt
import itertools
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import ibis
import numpy as np
import pandas as pd
import pytest

from churn_exhibits import exhibits
from crmkit import open_client
from crmkit.analyses import churn, clv
from crmkit.analyses.churn.alarms import alarm_limits
from crmkit.analyses.churn.backtest import MODEL, RECENCY
from crmkit.analyses.churn.backtest import Test as OneTest
from crmkit.analyses.churn.basics import checks
from crmkit.analyses.churn.calendar import chance_limits
from crmkit.analyses.churn.curves import observed, year_finding
from crmkit.analyses.churn.evaluation import comparison
from crmkit.analyses.churn.fit import expected_days, parts, score
from crmkit.analyses.churn.warning import list_rows
from crmkit.core.errors import ParamError
from crmkit.core.language import Locale, say
from crmkit.core.privacy import pseudonym
from crmkit.core.settings import Settings
from crmkit.models import survival as sv
from crmkit.models.survival.data.encoding import apply_recipe
from crmkit.models.survival.regression import cox
from crmkit.show.tables import exhibit_html
from soundness import faults

ROOT = Path(__file__).parents[2]
ACTIONS = {"service": "call", "other": "wait"}
KEY = b"secret"
DAY = dt.date(2025, 12, 31)


def whole(company, *, kind="auto", campaign=None, contacts=100, budget=0.0, margin=0.5, **rule):
    past = churn.history(company, churn.define(kind=kind, **rule))
    work = churn.study(past)
    value = churn.worth(past, work, value_days=365, margin=margin, key=KEY)
    offer = campaign or churn.Campaign(save_rate=0.3, offer_cost=20.0, contact_cost=5.0, uptake=0.5)
    plan = churn.make_plan(past, value, offer, contacts=contacts, budget=budget, holdout_share=0.2, key=KEY)
    return SimpleNamespace(past=past, work=work, value=value, offer=offer, plan=plan)


@pytest.fixture(scope="module")
def techco(tmp_path_factory):
    with open_client("techco", home=ROOT, rejects=tmp_path_factory.mktemp("rejects")) as company:
        yield whole(company)


@pytest.fixture(scope="module")
def retailco(tmp_path_factory):
    with open_client("retailco", home=ROOT, rejects=tmp_path_factory.mktemp("rejects")) as company:
        yield whole(company)


@pytest.fixture(scope="module")
def truth():
    return json.loads((ROOT / "data/demo/techco/truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def results(techco):
    return {result.name: result for result in exhibits(techco, ACTIONS)}


def test_every_exhibit_has_a_name_of_its_own_and_can_be_shown(results):
    absent = {"churn_window", "churn_uplift"}
    assert {name for name, result in results.items() if not result.assessed} == absent
    assert len(results) == 24
    for result in results.values():
        assert exhibit_html(result, Locale("en", "CNY"), name=lambda one: pseudonym(one, key=KEY))


def test_every_exhibit_is_sound(results, retail_results):
    assert not faults([*results.values(), *retail_results.values()])


@pytest.fixture(scope="module")
def retail_results(retailco):
    return {result.name: result for result in exhibits(retailco, ACTIONS)}


def test_without_contracts_every_exhibit_is_shown_or_says_why_not(retail_results):
    found = retail_results
    absent = {"churn_causes", "churn_reasons", "churn_uplift"}
    assert {name for name, result in found.items() if not result.assessed} == absent
    assert all(say(found[name].reason, Locale()) for name in absent)
    for result in found.values():
        assert exhibit_html(result, Locale(), name=str)


def test_every_sentence_can_be_said_in_every_language(techco, results, retailco, retail_results):
    findings = [result.finding for result in (*results.values(), *retail_results.values()) if result.finding]
    findings += [finding for one in (techco, retailco) for finding in churn.headline(one.past, one.work, one.value, one.plan)]
    for language, finding in itertools.product(("en", "zh"), findings):
        assert "{" not in say(finding.text, Locale(language))


def test_intervals_hold_their_estimates(results):
    for result in results.values():
        if result.assessed and not result.customers and {"low", "high", "value"} <= set(result.table.columns):
            known = result.table.dropna(subset=["low", "high"])
            assert (known["low"] <= known["value"] + 1e-9).all(), result.name
            assert (known["value"] <= known["high"] + 1e-9).all(), result.name


# the truth of techco


def test_the_counts_are_those_of_the_truth(techco, truth):
    rows = techco.past.spells
    assert rows["customer_id"].nunique() == truth["customers"]
    assert (rows["event"].value_counts().to_dict()) == truth["left_until_as_of"]
    assert len(techco.value.customers) == truth["active_at_as_of"]


def test_predicted_risks_are_near_the_true_ones(techco, truth):
    """As many as are expected, in the right order, and right in each fifth of the customers."""
    rows = techco.value.customers
    true = pd.Series(truth["risk"]).reindex(rows["customer_id"]).to_numpy()
    p = rows["probability"].to_numpy()
    assert p.sum() / true.sum() == pytest.approx(1.0, abs=0.15)  # 910 leavers learned from, and no season in the model
    assert pd.Series(p).corr(pd.Series(true), method="spearman") > 0.85
    assert np.abs(p - true).mean() < 0.025
    fifth = pd.qcut(p, 5, labels=False)
    ratio = pd.Series(true).groupby(fifth).sum() / pd.Series(p).groupby(fifth).sum()
    assert ratio.between(0.75, 1.35).all()


def test_effects_have_the_sign_of_the_truth(techco, truth):
    hazard = truth["hazard"]
    b = dict(zip(techco.work.model.fit.design.columns, techco.work.model.fit.coefficients, strict=True))
    assert b["plan[enterprise]"] < b["plan[pro]"] < 0
    for column, name in (
        ("slow_recent", "slow"),
        ("usage_change", "usage"),
        ("last_csat", "csat"),
        ("tickets_recent", "tickets"),
    ):
        assert np.sign(b[column]) == np.sign(hazard[name]), column


def test_the_back_test_is_out_of_time_and_calibrated(techco):
    assert len(techco.work.tests) == 3
    horizon = dt.timedelta(days=techco.past.rule.horizon_days)
    for one in techco.work.tests:
        assert max(one.model.cuts) + horizon <= one.cut
        assert one.cut + horizon <= techco.past.as_of
        left, expected = one.rows["event_observed"].sum(), one.scores[MODEL].sum()
        assert abs(left - expected) < 3.5 * np.sqrt(expected) + 0.15 * expected
    assert churn.calibration(techco.past, techco.work).finding.passed


def test_the_model_beats_the_simple_rules_where_the_truth_has_more_than_they_see(techco):
    finding = churn.backtest(techco.past, techco.work, techco.offer, contacts=100, value=techco.value).finding
    assert finding.passed
    assert "clearly better than all three" in say(finding.text, Locale())


def test_it_says_so_when_a_simple_rule_is_as_good(retailco):
    """A model that is the longest silence itself is not better than it."""
    same = tuple(replace(at, scores=at.scores.assign(**{MODEL: at.scores[RECENCY]})) for at in retailco.work.tests)
    finding = comparison(retailco.past, replace(retailco.work, tests=same))
    assert finding.passed is False
    assert "longest silence" in say(finding.text, Locale())


def test_a_model_without_information_does_not_beat_the_rules(techco):
    rng = np.random.default_rng(0)
    noise = tuple(
        OneTest(at.cut, at.model, at.rows, at.scores.assign(**{MODEL: rng.random(len(at.rows))}))
        for at in techco.work.tests
        for one in techco.work.tests
    )
    beaten = comparison(techco.past, replace(techco.work, tests=noise))
    assert beaten.passed is False
    assert say(beaten.action, Locale()).startswith("Use the simpler rule")


# the list


def test_the_list_holds_everybody_once_in_its_order(techco, results):
    table = results["churn_list"].table
    assert table["customer_id"].is_unique
    assert len(table) == len(techco.value.customers)
    known = table["at_risk"].dropna()
    assert known.is_monotonic_decreasing
    assert table["probability"].between(0, 1).all()
    assert ((table["low"] < table["probability"]) & (table["probability"] < table["high"])).all()


def test_the_list_is_sorted_by_probabilities_whose_sum_comes(techco):
    model, rows = techco.work.model, techco.value.customers
    X = apply_recipe(model.recipe, rows)
    at = {"elapsed": np.minimum(rows["tenure_days"], model.clock_days), "horizon": model.horizon_days}
    own = sv.list_probability(model.fit, X, **at)["probability"]
    np.testing.assert_allclose(rows["probability"], own, atol=1e-12)
    before = sv.churn_probability(model.fit, X, **at)
    top = before["probability"].nlargest(50).sum()
    assert rows["probability"].nlargest(50).sum() < top
    hazard, was = (np.log1p(-part.to_numpy()) for part in (rows["probability"], before["probability"]))
    np.testing.assert_allclose(np.log1p(-rows["high"]) / hazard, np.log1p(-before["high"]) / was, rtol=1e-9)


def test_the_boxes_have_the_limits_of_a_sum(techco, results):
    """Of leavers, and of the money that goes with them: narrower than the limits of each customer added up."""
    boxes, rows = results["churn_totals"].table.set_index("measure"), techco.value.customers
    for measure, weight in (("expected", 1.0), ("at_risk", rows["value_if_kept"])):
        box = boxes.loc[measure]
        assert (box["low"], box["high"]) == techco.value.ranges[measure]
        assert box["low"] < box["value"] < box["high"]
        assert box["high"] - box["low"] < ((rows["high"] - rows["low"]) * weight).sum()
    assert "chance and an unsure model" in say(results["churn_totals"].note, Locale())


def test_reasons_add_up_to_the_log_hazard(techco):
    rows = techco.value.customers
    table = parts(techco.work.model, rows)
    np.testing.assert_allclose(table.sum(axis=1), rows["log_hazard_ratio"], atol=1e-12)


def test_reasons_are_what_raises_the_risk(techco):
    table = list_rows(techco.past, techco.work, techco.value, actions=ACTIONS)
    worst = table.sort_values("probability", ascending=False).head(50)
    assert (
        worst["reason_1"]
        .isin(["slow answers *", "complaints *", "many tickets *", "low satisfaction *", "falling use *"])
        .mean()
        > 0.8
    )
    assert (worst.loc[worst["reason_1"] == "slow answers *", "action"] == "call").all()
    ordered = table.dropna(subset=["part_1", "part_2"])
    assert (ordered["part_1"] >= ordered["part_2"]).all()


@pytest.mark.parametrize("name", ["retailco", pytest.param("techco", marks=pytest.mark.slow)])
def test_two_runs_give_the_same_bytes(name, techco, retailco, tmp_path):
    def written(one):
        return list_rows(one.past, one.work, one.value, actions=ACTIONS).to_csv(index=False).encode()

    before = {"techco": techco, "retailco": retailco}[name]
    with open_client(name, home=ROOT, rejects=tmp_path) as company:
        again = whole(company)
        assert written(again) == written(before)
        assert again.plan.rows.to_csv() == before.plan.rows.to_csv()


def test_beyond_support_is_not_estimable_and_not_zero(techco):
    """A customer of a level that the model cannot tell, or whose risk has no estimate, has none, and stands last."""
    rows = techco.value.customers.copy()
    rows.loc[rows.index[:3], ["probability", "low", "high", "at_risk", "expected_days"]] = np.nan
    rows.loc[rows.index[:3], "beyond_support"] = True
    table = list_rows(techco.past, techco.work, replace(techco.value, customers=rows), actions=ACTIONS)
    assert set(table["customer_id"].tail(3)) == set(rows["customer_id"].head(3))
    assert table["probability"].tail(3).isna().all()
    assert (table["flag"].tail(3) == "not estimable").all()
    plan = churn.make_plan(techco.past, replace(techco.value, customers=rows), techco.offer, contacts=10, key=KEY)
    assert not set(plan.rows["customer_id"]) & set(rows["customer_id"].head(3))


def test_expected_days_fall_with_the_risk_and_stay_within_the_limit(techco):
    rows = techco.value.customers
    days = expected_days(techco.work.model, rows, days=365)
    assert ((days > 0) & (days < 365)).all()
    assert pd.Series(days).corr(rows["probability"].reset_index(drop=True), method="spearman") < -0.99
    short = expected_days(techco.work.model, rows, days=90)
    p = score(techco.work.model, rows)["probability"].to_numpy()
    assert ((short < 90) & (short > 90 * (1 - p))).all()


def test_who_gave_no_consent_is_not_contacted(techco):
    rows = techco.value.customers
    consent = pd.DataFrame({"customer_id": rows["customer_id"], "consent_at": pd.Timestamp("2024-01-01")})
    refused = set(techco.plan.rows.loc[techco.plan.rows["chosen"], "customer_id"].head(5))
    consent.loc[consent["customer_id"].isin(refused), "consent_at"] = pd.NaT
    past = replace(techco.past, tables={**techco.past.tables, "customers": ibis.memtable(consent)})
    plan = churn.make_plan(past, techco.value, techco.offer, contacts=100, key=KEY)
    assert not refused & set(plan.rows["customer_id"])
    table = list_rows(past, techco.work, techco.value, actions=ACTIONS)
    assert set(table.loc[table["flag"] == "do not contact", "customer_id"]) == refused


def test_an_unknown_kind_of_reason_gets_the_nearest(techco):
    with pytest.raises(ParamError, match=r"'servce' is no kind of reason; did you mean 'service'\?"):
        churn.early_warning(techco.past, techco.work, techco.value, actions={"servce": "call"})


def test_values_come_from_the_value_report_where_it_fits(techco):
    rows = techco.value.customers
    names = [pseudonym(one, key=KEY) for one in rows["customer_id"]]
    table = pd.DataFrame({"customer_id": names[::2], "clv": 1000.0})
    reading = SimpleNamespace(reason=None, report=None, table=lambda _: table)
    value = churn.worth(techco.past, techco.work, reading, value_days=365, margin=0.5, key=KEY)
    assert value.source == "clv"
    assert (value.customers["value"].iloc[::2] == 1000.0).all()
    np.testing.assert_allclose(value.customers["value"].iloc[1::2], rows["value"].iloc[1::2])
    absent = SimpleNamespace(reason="run clv first", table=None)
    assert churn.worth(techco.past, techco.work, absent, value_days=365, margin=0.5, key=KEY).source == "price"


# money


def test_the_choice_keeps_the_budget_and_is_near_the_best(techco):
    plan = churn.make_plan(techco.past, techco.value, techco.offer, contacts=80, budget=900.0, holdout_share=0.2, key=KEY)
    assert plan.choice.chosen.sum() <= 80
    assert plan.choice.cost <= 900.0 * (1 + 1e-9)
    assert plan.choice.value >= 0.99 * plan.choice.bound
    table = churn.rules(plan).table.set_index("rule")
    assert table.loc["Expected profit", "profit"] >= table["profit"].max() - 1e-9


def test_arms_can_be_recomputed_and_do_not_hang_on_the_list(techco):
    small = churn.make_plan(techco.past, techco.value, techco.offer, contacts=50, holdout_share=0.3, key=KEY)
    large = churn.make_plan(techco.past, techco.value, techco.offer, contacts=500, holdout_share=0.3, key=KEY)
    both = small.rows[small.rows["chosen"]].merge(large.rows[large.rows["chosen"]], on="customer_id")
    assert len(both) == 50
    assert (both["arm_x"] == both["arm_y"]).all()
    share = (large.rows.loc[large.rows["chosen"], "arm"] == "control").mean()
    assert 0.22 < share < 0.38
    table = churn.assignment(techco.past, large).table
    assert set(table["arm"]) == {"treated", "control"}
    assert (table["control_share"] == 0.3).all()


def test_the_tornado_holds_the_profit_between_its_ends(techco):
    table = churn.tornado(techco.plan).table
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()
    width = (table["high"] - table["low"]).to_numpy()
    assert (np.diff(width) <= 1e-9).all()


def test_uplift_counts_everybody_as_assigned(techco):
    day = pd.Timestamp(DAY) - pd.Timedelta(days=150)
    rows = techco.past.spells
    there = rows[(rows["started_at"] < day) & ~(rows["ended_at"] <= day)]
    left = there["ended_at"].between(day, day + pd.Timedelta(days=90)) & there["event_observed"]
    # all leavers in one arm: the effect is as large as it can be
    arm = np.where(left, "control", np.where(np.arange(len(there)) % 2, "treated", "control"))
    exposures = pd.DataFrame({"campaign_id": "c1", "customer_id": there["customer_id"], "arm": arm, "exposed_at": day})
    past = replace(techco.past, tables={**techco.past.tables, "exposures": ibis.memtable(exposures)})
    found = churn.uplift(past)
    expected = 0 - left.sum() / (arm == "control").sum()
    assert found.table["value"].iloc[0] == pytest.approx(expected, abs=0.01)
    assert found.finding.passed is True
    days = pd.DataFrame({"customer_id": there["customer_id"], "day": day + pd.Timedelta(days=9), "amount": 10.0})
    spent = (
        churn.uplift(replace(past, purchases=days)).table.set_index("measure").loc["Spend per customer, treated less control"]
    )
    assert spent["low"] <= spent["value"] <= spent["high"]
    assert spent["value"] == 0
    late = replace(past, tables={"exposures": ibis.memtable(exposures.assign(exposed_at=pd.Timestamp(DAY)))})
    assert not churn.uplift(late).assessed


# curves, months, board


def test_the_median_is_said_in_words(techco, results):
    table = results["churn_at_risk"].table
    assert set(table.loc[table["group"] == "enterprise", "reached"]) == {"not reached"}
    loyal = techco.past.spells[techco.past.spells["Plan"] == "enterprise"]
    said = say(year_finding(replace(techco.past, spells=loyal)).text, Locale())
    assert "the median is not reached: more than half are still there" in said


def test_kinds_of_leaving_add_up(techco):
    table = churn.causes(techco.past).table
    last = table.groupby("group")["value"].last().sum()
    rest = churn.survival(techco.past)
    assert 0 < last < 1
    assert rest.assessed


def test_the_limits_of_months_have_their_error():
    """In a steady company at least one of 36 months is outside in at most 5 of 100 histories; 4,000 of them."""
    rng = np.random.default_rng(0)
    n = np.linspace(200, 1500, 36).round().astype(int)
    low, high = chance_limits(n, 0.03, error=0.05)
    share = rng.binomial(n, 0.03, (4000, 36)) / n
    alarms = ((share < low) | (share > high)).any(axis=1).mean()
    assert alarms < 0.05 + 2.33 * np.sqrt(0.05 * 0.95 / 4000)
    assert alarms > 0.01  # not so wide that they cannot find anything


def test_the_board_has_its_error_and_finds_a_doubled_rate():
    rng = np.random.default_rng(1)
    days_before, days_recent = np.full(12, 60_000.0), np.full(12, 16_000.0)
    before = rng.poisson(days_before * 0.001, (3000, 12))
    recent = rng.poisson(days_recent * 0.001, (3000, 12))
    flat = np.array(
        [
            (now > alarm_limits(then, days_before, days_recent, error=0.05)).any()
            for then, now in zip(before, recent, strict=True)
        ]
    )
    assert flat.mean() < 0.05 + 2.33 * np.sqrt(0.05 * 0.95 / 3000)
    doubled = rng.poisson(days_recent * 0.0025, (3000, 12))
    found = [
        (now > alarm_limits(then, days_before, days_recent, error=0.05)).any()
        for then, now in zip(before, doubled, strict=True)
    ]
    assert np.mean(found) > 0.95


# definitions


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"kind": "contract"}, r"kind: is 'contract'; did you mean 'contractual'\?"),
        ({"horizon_days": -1}, "horizon_days: is -1; at least 1 day is needed"),
        ({"active_days": -1}, "active_days: is -1; at least 1 day is needed"),
        ({"limit": 1.0}, "false_limit: is 1.0; a share above 0 and below 1"),
        ({"grace_days": -1}, "grace_days: is -1; 0 or more days are needed"),
        ({"sampling": "cohrt"}, "sampling: is 'cohrt'; it is cohort, last_period, or the day"),
    ],
)
def test_impossible_definitions(rule, said):
    with pytest.raises(ParamError, match=said):
        churn.define(**rule)


def company_of(tables, *, as_of=DAY, min_cell=10):
    settings = Settings(client="test", title="Test", source="data/test", privacy={"min_cell": min_cell})
    return SimpleNamespace(
        name="test", tables={name: ibis.memtable(table) for name, table in tables.items()}, as_of=as_of, settings=settings,
        currency="EUR", language="en",
    )  # fmt: skip


def contracts(n=400, *, seed=0, per_day=0.002):
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D")
    end = start + pd.to_timedelta(np.ceil(rng.exponential(1 / per_day, n)), unit="D")
    left = end <= pd.Timestamp(DAY)
    return pd.DataFrame(
        {
            "customer_id": [f"C{i:04d}" for i in range(n)],
            "started_at": start.date,
            "ended_at": pd.Series(end.date).where(left, None),
            "plan": np.where(rng.random(n) < 0.5, "a", "b"),
            "mrr": 100.0,
            "churn_reason": pd.Series("price", index=range(n), dtype="object").where(left, None),
            "churn_kind": pd.Series("voluntary", index=range(n), dtype="object").where(left, None),
        }
    )


def typed(table):
    schema = {
        "customer_id": "string", "started_at": "date", "ended_at": "date", "plan": "string", "mrr": "decimal(18, 4)",
        "churn_reason": "string", "churn_kind": "string",
    }  # fmt: skip
    return ibis.memtable(table.astype(object).where(table.notna(), None), schema=schema)


def contract_company(table, **more):
    company = company_of({}, **more)
    company.tables["subscriptions"] = typed(table)
    return company


def test_contracts_alone_are_enough():
    one = whole(contract_company(contracts()))
    found = {result.name: result for result in exhibits(one, ACTIONS)}
    assert one.work.model is not None, one.work.reason
    assert found["churn_list"].assessed
    assert found["churn_list"].table["probability"].mean() == pytest.approx(1 - np.exp(-0.18), abs=0.05)


def test_without_the_table_nothing_is_assessed_and_nothing_breaks():
    for rule, said in (({}, "needs subscriptions or transactions"), ({"kind": "contractual"}, "needs subscriptions")):
        one = whole(company_of({}), **rule)
        for result in exhibits(one, ACTIONS):
            assert not result.assessed
            assert said in say(result.reason, Locale()), result.name
        assert said in say(churn.headline(one.past, one.work, one.value, one.plan)[0].text, Locale())


def test_data_too_short_for_the_horizon_are_not_assessed():
    one = whole(contract_company(contracts()), horizon_days=700)
    assert not churn.survival(one.past).assessed
    assert "the horizon is 700 days" in say(churn.survival(one.past).reason, Locale())


def test_a_pause_is_no_end_and_a_recent_end_is_not_counted_within_the_grace():
    table = contracts()
    past = churn.history(contract_company(table), churn.define(kind="contractual"))
    paused = table.assign(churn_kind=table["churn_kind"].where(table["churn_kind"].isna(), "paused"))
    assert not churn.history(contract_company(paused), churn.define(kind="contractual")).spells["event_observed"].any()
    graced = churn.history(contract_company(table), churn.define(kind="contractual", grace_days=60))
    late = past.spells["event_observed"] & (past.spells["ended_at"] > pd.Timestamp(DAY) - pd.Timedelta(days=60))
    assert late.any()
    assert graced.spells["event_observed"].sum() == past.spells["event_observed"].sum() - late.sum()


def test_the_sampling_design_changes_the_curve_and_a_wrong_one_is_noticed():
    """Without those who left before 2024-07-01 a cohort looks loyal; counted from that day on, customers do not."""
    since = pd.Timestamp("2024-07-01")
    whole_base = contracts(2000, per_day=0.003)
    seen = whole_base[~(pd.to_datetime(whole_base["ended_at"]) < since)]
    truth = np.exp(-0.003 * 365)

    def year(table, sampling):
        past = churn.history(contract_company(table), churn.define(kind="contractual", sampling=sampling))
        km = churn.survival(past)
        curve = sv.kaplan_meier(**observed(past))
        assert km.assessed
        return float(curve.loc[curve["x"] <= 365, "value"].iloc[-1]), past

    naive, past = year(seen, "cohort")
    fair, _ = year(seen, "2024-07-01")
    assert naive > truth + 0.1
    assert fair == pytest.approx(truth, abs=0.06)
    assert [finding.id for finding in checks(past)] == ["churn.sampling"]
    _, honest = year(whole_base, "cohort")
    assert not checks(honest)


def test_the_model_does_without_a_column_that_knows_the_future_unless_it_was_asked_for():
    table = contracts(800)
    company = contract_company(table)
    gone = table["ended_at"].notna() ^ (np.random.default_rng(1).random(len(table)) < 0.05)
    known = pd.DataFrame({"customer_id": table["customer_id"], "region": np.where(gone, "left", "here")})
    company.tables["customers"] = ibis.memtable(known.assign(industry=np.where(np.arange(len(known)) % 2, "a", "b")))
    past = churn.history(company, churn.define(kind="contractual"))
    work = churn.study(past)
    assert work.model is not None
    assert "region" not in work.model.recipe.columns
    assert "industry" in work.model.recipe.columns
    shown = churn.columns(work)
    assert shown.table.set_index("column").loc["region", "enters"] == "left out: it may know the future"
    assert (shown.finding.severity, say(shown.finding.text, Locale())) == (
        "warning",
        "1 column was left out of the model, because it may know the future: Region.",
    )
    with pytest.raises(ParamError, match="column 'region' may know the future"):
        churn.study(past, covariates=["region", "industry"])
    kept = churn.study(past, waived=["region"])
    assert "region" in kept.model.recipe.columns


def tenure_company(*, month_only, n=4000, seed=3):
    """Months as a customer and whether they left, as of the last day; customers differ: each has a rate of Beta(1, 9)."""
    rng = np.random.default_rng(seed)
    came, stayed = rng.integers(1, 31, n), rng.geometric(rng.beta(1.0, 9.0, n))
    gone = stayed <= came
    kept = ~gone | ~np.full(n, month_only) | (stayed == came)
    tenure = np.minimum(came, stayed)[kept]
    end = pd.Timestamp(DAY)
    start = [(end - pd.DateOffset(months=int(months))).date() for months in tenure]
    table = pd.DataFrame({"customer_id": [f"T{at:04}" for at in range(len(tenure))], "started_at": start, "tenure": tenure})
    table["ended_at"] = pd.Series([DAY if one else None for one in gone[kept]], dtype="object")
    schema = {"customer_id": "string", "started_at": "date", "tenure": "int64", "ended_at": "date"}
    company = company_of({})
    company.tables["subscriptions"] = ibis.memtable(table, schema=schema).mutate(mrr=ibis.literal(10.0))
    return company


@pytest.mark.parametrize(("month_only", "sampling"), [(False, "cohort"), (True, "last_period")])
def test_a_table_of_tenure_says_the_same_on_both_pages_and_nothing_of_days(month_only, sampling):
    company = tenure_company(month_only=month_only)
    one = whole(company, sampling=sampling)
    agreed = clv.read(company, holdout_days=0, sampling=sampling)
    models = clv.fit_models(agreed)
    (first, later) = clv.retention(agreed, models).finding.text.numbers.values()
    curve = sv.kaplan_meier(**observed(one.past))
    year = float(curve.loc[curve["x"] <= 365, "value"].iloc[-1])
    assert year == pytest.approx(first.value, rel=1e-12)
    for found, truth in ((first, 9 / 21), (later, 21 / 33)):
        assert abs(found.value - truth) < 3 * (found.high - found.low) / 3.92
    assert {finding.id for finding in checks(one.past)} >= {"churn.undated"}
    assert "churn.sampling" not in {finding.id for finding in checks(one.past)}
    found = {result.name: result for result in exhibits(one, ACTIONS)}
    for name in ("churn_monthly", "churn_cohorts", "churn_board"):
        assert "not when they left" in say(found[name].reason, Locale()), name


def test_more_leavers_than_a_month_can_have_seen_are_noticed():
    company = tenure_company(month_only=False)
    past = churn.history(company, churn.define(kind="contractual", sampling="last_period"))
    assert [one.severity for one in checks(past) if one.id == "churn.sampling"] == ["critical"]


def test_the_window_is_refused_beyond_half_of_the_span():
    rng = np.random.default_rng(0)
    days = pd.to_datetime("2024-01-01") + pd.to_timedelta(rng.integers(0, 730, 120), unit="D")
    bought = pd.DataFrame({"customer_id": [f"C{i % 50}" for i in range(120)], "ordered_at": days, "amount": 10.0})
    company = company_of({"transactions": bought})
    past = churn.history(company, churn.define(kind="silence"))
    assert not past.usable
    found = churn.window(past)
    assert not found.assessed
    assert "more than half of the" in say(found.reason, Locale())


def test_contracts_that_end_by_month_get_a_model_by_month():
    table = contracts(1500)
    end = pd.to_datetime(table["ended_at"]) + pd.offsets.MonthEnd(0)
    kept = end <= pd.Timestamp(DAY)
    table = table.assign(ended_at=pd.Series(end.dt.date).where(kept, None))
    gone = table["ended_at"].isna()
    table.loc[gone, ["churn_reason", "churn_kind"]] = None
    one = whole(contract_company(table))
    assert one.work.model.engine == "cloglog"
    p = one.value.customers["probability"]
    assert p.mean() == pytest.approx(1 - np.exp(-0.002 * 90), abs=0.05)
    table = parts(one.work.model, one.value.customers)
    np.testing.assert_allclose(table.sum(axis=1), one.value.customers["log_hazard_ratio"], atol=1e-12)


def test_small_groups_are_not_shown():
    table = contracts()
    table.loc[:4, "plan"], table.loc[5:60, "plan"] = "rare", "few"
    past = churn.history(contract_company(table), churn.define(kind="contractual"), groups=["plan"])
    for result in (churn.survival(past), churn.at_risk(past), churn.restricted(past)):
        assert "rare" not in set(result.table["group"]), result.name
    said = say(churn.at_risk(past).note, Locale())
    assert said == "2 groups are not shown, so that nothing is told of fewer than 10 customers."


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"contacts": 0}, "contacts: is 0; at least 1 is needed"),
        ({"budget": -1.0}, "budget: is -1.0; 0"),
        ({"holdout_share": 1.0}, "holdout_share: is 1.0; a share from 0 to below 1"),
    ],
)
def test_impossible_plans(techco, changed, said):
    with pytest.raises(ParamError, match=said):
        churn.make_plan(techco.past, techco.value, techco.offer, **({"contacts": 10, "key": KEY} | changed))


def test_impossible_values_and_groups(techco):
    with pytest.raises(ParamError, match="margin: is 0"):
        churn.worth(techco.past, techco.work, value_days=365, margin=0)
    short = churn.worth(techco.past, techco.work, value_days=30, margin=0.5)
    assert short.value_days == techco.past.rule.horizon_days + 30
    assert (short.customers["at_risk"] > 0).any()
    with pytest.raises(ParamError, match=r"groups: no column 'plam'; did you mean 'plan'\?"):
        churn.history(contract_company(contracts()), churn.define(kind="contractual"), groups=["plam"])


# --- in lifelines


def test_the_model_that_is_shown_comes_from_lifelines_and_the_tests_of_it_do_not(techco):
    assert techco.work.model.fit.engine == "lifelines"
    assert techco.work.voluntary.fit.engine == "lifelines"
    assert {one.model.fit.engine for one in techco.work.tests} == {"rows"}


def test_lifelines_prints_the_coefficients_of_the_page(techco, results, capsys):
    fitted = churn.lifelines_model(techco.past, techco.work)
    fitted.print_summary(style="ascii")
    printed = capsys.readouterr().out
    page = results["churn_effects"].table
    page = page[page["measure"] == "all who leave"].set_index("group")["value"].to_dict()
    assert len(page) == min(len(fitted.params_), 24)
    for name, ratio in page.items():
        assert f"\n{name} " in printed
        assert np.exp(fitted.params_[name]) == pytest.approx(ratio, rel=1e-8)
    assert fitted.log_likelihood_ == pytest.approx(techco.work.model.fit.log_likelihood, rel=1e-8)
    named = churn.lifelines_model(techco.past, techco.work, language="zh").params_
    assert "Last satisfaction score" in fitted.params_.index
    assert "Last satisfaction score" not in named.index  # levels keep the client's own words
    assert list(named) == list(fitted.params_)
    shown = churn.lifelines_summary(fitted).columns
    assert [one.name for one in shown] == ["column", "coefficient", "ratio", "standard_error", "p"]


def test_lifelines_draws_the_effects(techco):
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    fitted = churn.lifelines_model(techco.past, techco.work)
    ax = fitted.plot()
    assert {one.get_text() for one in ax.get_yticklabels()} == set(fitted.params_.index)
    plt.close(ax.figure)


def test_curves_are_those_of_the_page(techco):
    fitters = churn.lifelines_curves(techco.past)
    page = sv.kaplan_meier(**observed(techco.past, by=techco.past.groups[0]), engine="counts")
    assert set(fitters) == set(page["group"])
    for name, own in page.groupby("group"):
        assert fitters[name].survival_function_at_times(own["x"]).to_numpy() == pytest.approx(own["value"], rel=1e-8)
        ends = fitters[name].confidence_interval_.loc[own["x"]].to_numpy()[own["low"].notna()]
        assert ends == pytest.approx(own[["low", "high"]].dropna().to_numpy(), rel=1e-8)


def test_a_group_that_lifelines_draws_no_curve_of_is_left_out():
    """All that are under observation on the first days leave, then others come in."""
    table = contracts()
    first = np.arange(20)
    table.loc[first, "plan"], table.loc[first, "started_at"] = "a", dt.date(2025, 6, 1)
    table.loc[first, "ended_at"] = dt.date(2025, 6, 10)
    table.loc[20:, "plan"] = np.where(np.arange(380) % 2, "a", "b")
    table = table[(table.index < 20) | (pd.to_datetime(table["started_at"]) < "2025-01-01")]
    late = (table["plan"] == "b") & (pd.to_datetime(table["started_at"]) > "2024-01-01")
    table.loc[late, ["ended_at", "churn_reason", "churn_kind"]] = None
    window = churn.define(kind="contractual", sampling="2025-06-01")
    past = churn.history(contract_company(table), window, groups=["plan"])
    curve = churn.survival(past).table
    assert set(curve["group"]) == {"a", "b"}
    assert set(churn.lifelines_curves(past)) == {"b"}


def test_a_model_too_large_for_lifelines_says_so(techco, monkeypatch):
    monkeypatch.setattr(cox, "LIFELINES_LOOKS", 1000)
    found = churn.lifelines_model(techco.past, techco.work)
    assert "which lifelines does not work out in about a second" in say(found.reason, Locale())
