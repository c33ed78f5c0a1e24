"""Borders of the churn analysis, on companies of a few lines: what counts on the very day, at the very number, at the level."""

import datetime as dt
import itertools
from dataclasses import replace
from types import SimpleNamespace

import ibis
import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta, binom

from crmkit.analyses import churn
from crmkit.analyses.churn import alarms, fit, read
from crmkit.analyses.churn.absences import ALARM, RISE, RISING, STEADY
from crmkit.analyses.churn.alarms import _counts
from crmkit.analyses.churn.backtest import MODEL, RULES, tenure_only
from crmkit.analyses.churn.backtest import Test as OneTest
from crmkit.analyses.churn.basics import base_rows, rule_words
from crmkit.analyses.churn.both import BUYERS
from crmkit.analyses.churn.calendar import chance_limits
from crmkit.analyses.churn.economics import _ranges
from crmkit.analyses.churn.effects import ENGINES, _effects_finding
from crmkit.analyses.churn.evaluation import _integrated, comparison
from crmkit.analyses.churn.inputs import WORDS
from crmkit.analyses.churn.panel import SILENT_STEP_DAYS, _contract_labels, _schedule, one_cut
from crmkit.analyses.churn.read import MOST_LEVELS, _window
from crmkit.analyses.churn.worth import SOURCES
from crmkit.core.errors import ModelError, Problem
from crmkit.core.language import Locale, say
from crmkit.data.tables.groups import OTHERS
from crmkit.models import survival as sv
from crmkit.models.basics.shares import wilson

DAY = dt.date(2025, 12, 31)
RULE = churn.define(kind="contractual")


def contracts(n=400, *, plans=2, per_day=0.002):
    """Contracts that end by the same hazard whatever the plan."""
    rng = np.random.default_rng(0)
    start = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D")
    end = start + pd.to_timedelta(np.ceil(rng.exponential(1 / per_day, n)), unit="D")
    left = end <= pd.Timestamp(DAY)
    table = pd.DataFrame(
        {
            "customer_id": [f"C{i:04d}" for i in range(n)],
            "started_at": start.date,
            "ended_at": pd.Series(end.date).where(left, None),
            "plan": [f"p{i % plans}" for i in range(n)],
            "mrr": 100.0,
        }
    )
    types = dict.fromkeys(("customer_id", "plan"), "string") | dict.fromkeys(("started_at", "ended_at"), "date")
    return ibis.memtable(table.astype(object).where(table.notna(), None), schema=types | {"mrr": "float64"})


@pytest.fixture(scope="module")
def past(in_memory):
    return churn.history(in_memory(tables={"subscriptions": contracts()}), RULE, groups=["plan"])


@pytest.fixture(scope="module")
def work(past):
    return churn.study(past, cutoffs=2)


@pytest.mark.parametrize(("plans", "kept"), [(MOST_LEVELS, MOST_LEVELS), (MOST_LEVELS + 1, MOST_LEVELS - 1)])
def test_levels_are_put_together_only_above_their_number(in_memory, plans, kept):
    found = churn.history(in_memory(tables={"subscriptions": contracts(plans=plans)}), RULE, groups=["plan"]).spells["Plan"]
    names = {f"p{i}" for i in range(kept)}
    assert set(found) == (names if plans == kept else names | {OTHERS})


def test_limits_have_the_level_that_is_asked(in_memory):
    company = in_memory(tables={"subscriptions": contracts()})
    past = churn.history(company, RULE, groups=["plan"], confidence=0.8)
    left = next(row for row in base_rows(past) if row["measure"] == "left_share")
    expected = wilson([int(past.spells["event_observed"].sum())], [400], confidence=0.8)
    assert (left["low"], left["high"]) == (expected.low.item(), expected.high.item())


@pytest.mark.parametrize(("periods", "step", "number"), [(8, 90, 9), (7, SILENT_STEP_DAYS, 22)])
def test_periods_do_not_overlap_where_six_are_left_to_learn_from(periods, step, number):
    """Nine cut-offs a horizon apart leave six beside the three of the test; eight do not."""
    rule = SimpleNamespace(horizon_days=90, grace_days=0, since=None)
    start = DAY - dt.timedelta(days=90 * (periods + 1) + 30)
    past = SimpleNamespace(
        rule=rule, start=start, as_of=DAY, contractual=True, shop=None, spells=pd.DataFrame({"x": range(100)})
    )
    cuts, tests = _schedule(past, 3)
    assert len(cuts) == number
    assert {abs(a - b).days for a, b in itertools.pairwise(cuts)} == {step}
    assert len(tests) == 3
    # those that are tested are a horizon apart, or the second of those that overlap
    assert {(b - a).days for a, b in itertools.pairwise(tests)} == {step if step == 90 else 2 * step}


def test_as_many_cut_offs_as_are_asked(work):
    assert len(work.tests) == 2


def test_what_is_to_come_is_no_event(past):
    rows = one_cut(past, past.as_of)
    assert len(rows)
    assert not rows["event_observed"].any()
    assert rows["duration_days"].isna().all()


def test_ages_of_cohorts(past):
    """Quarters of a year as 90, 180, 270 and 365 days; those who came in 2023 could reach 730 by the end of 2025."""
    shown = set(churn.cohorts(past).table["column"])
    assert {"90", "180", "270", "365", "540", "730"} <= shown <= {"90", "180", "270", "365", "540", "730", "1095"}


def test_months_are_on_the_axis(past):
    table = churn.monthly(past).table
    assert set(table["group"]) == {"observed", "mean and limits"}
    for _, own in table.groupby("group"):
        assert own["x"].tolist() == sorted(pd.to_datetime(own["x"]))


def test_the_curve_is_drawn_as_steps(past):
    assert churn.survival(past).table.attrs["step"] is True


def test_whether_effects_change_is_said_with_how_it_was_tested(work):
    found = churn.proportionality(work)
    assert found.finding.id == "churn.proportional"
    assert say(found.note, Locale()).startswith("Score test (Grambsch & Therneau)")


def test_limits_of_chance_are_shared_by_both_sides_and_all_groups():
    n = np.array([100, 400])
    low, high = chance_limits(n, 0.1, error=0.04)
    assert (low * n).round(9).tolist() == binom.ppf(0.01, n, 0.1).tolist()
    assert (high * n).round(9).tolist() == binom.isf(0.01, n, 0.1).tolist()


def test_a_save_rate_of_nothing_is_varied_as_one_of_a_hundred():
    low, high = _ranges(churn.Campaign(save_rate=0.0001))["save_rate"]
    assert [low, high] == beta.ppf([0.05, 0.95], 0.2, 19.8).tolist()


def test_each_feature_is_called_what_it_is():
    """In its reason or its heading stands the beginning of its name, but where the word that a reader knows is another."""
    other = {"usage_change": "use", "mrr": "price", "mean_amount": "amount", "known_days": "customer", "returned_share": "back"}
    for name, word in WORDS.items():
        stem = other.get(name, name.partition("_")[0][:5])
        assert stem in f"{word.reason} {word.heading}".lower(), name


def test_models_and_sources_of_value_are_called_what_they_are():
    assert "of one period" in ENGINES["once"].template
    assert "gaps between purchases" in ENGINES["gaps"].template
    assert SOURCES["clv_back"] == "Value: from the value report, of a customer who is still one"
    assert SOURCES["spend_back"].endswith("of a customer who comes back")


def test_customers_today_beside_contracts_are_buyers_today():
    assert BUYERS["Customers today"] == "Buyers today"
    assert BUYERS["Customers assessed"] == "Buyers assessed"


def test_the_board_says_until_when_and_of_how_many_groups(past, work):
    found = churn.board(past, work)
    note = say(found.note, Locale())
    assert note.startswith("Last 90 days until ")
    assert f"at least one of the {len(found.table)} groups is in alarm by chance" in note


def test_groups_that_do_not_differ_are_said_with_column_and_days(past):
    assert say(churn.restricted(past).finding.text, Locale()) == (
        "No two groups (Plan) differ clearly in the days they stay of the first 365 days."
    )


def test_groups_are_also_compared_within_each_other(in_memory):
    sizes = np.random.default_rng(0).choice(["small", "large"], 400)
    customers = pd.DataFrame({"customer_id": [f"C{i:04d}" for i in range(400)], "size": sizes})
    company = in_memory(tables={"subscriptions": contracts(), "customers": customers})
    past = churn.history(company, RULE, groups=["plan", "size"])
    table = churn.group_tests(past).table
    found = table.groupby("test")["group"].apply(list).to_dict()
    assert found["log-rank"] == ["Plan", "Size"]
    assert found["log-rank within strata"] == ["Size | Plan", "Plan | Size"]
    assert set(table.loc[table["test"] == "log-rank by pairs", "by"]) == {"Plan"}


def test_who_left_on_the_day_after_the_first_counts_and_who_was_never_there_does_not():
    first, middle, end = (dt.date(2025, 1, 1) + dt.timedelta(days=day) for day in (0, 200, 290))
    day = pd.Timestamp("2025-09-01")
    rows = pd.DataFrame(
        {
            "started_at": [day, day, day],
            "ended_at": [day, day + pd.Timedelta(days=1), pd.NaT],
            "event_observed": [True, True, False],
            "duration_days": [0, 1, 100],
        }
    )
    assert _counts(rows, middle, end, first)["left"] == 1


def test_the_day_of_the_cut_off_is_known_to_the_curve_of_the_time_as_a_customer():
    """Of four who came ten days before, one left after five days and one on the day itself: two of four are still there."""
    came, cut = pd.Timestamp("2025-01-01"), dt.date(2025, 1, 11)
    ended = [came + pd.Timedelta(days=5), pd.Timestamp(cut), pd.NaT, pd.NaT]
    spells = pd.DataFrame(
        {
            "started_at": came,
            "ended_at": ended,
            "observed_end": pd.Series(ended).fillna(pd.Timestamp("2025-06-01")),
            "event_observed": [True, True, False, False],
            "entry_days": 0,
        }
    )
    past = SimpleNamespace(contractual=True, shop=None, spells=spells, rule=SimpleNamespace(horizon_days=10, since=None))
    found = tenure_only(past, None, cut, pd.DataFrame({"tenure_days": [0.0]}))
    assert found == pytest.approx([0.5])


def test_who_left_on_the_day_of_the_cut_off_is_no_customer_of_it():
    came, cut = pd.Timestamp("2025-01-01"), pd.Timestamp("2025-01-11")
    ended = pd.Series([cut - pd.Timedelta(days=1), cut, cut + pd.Timedelta(days=1), pd.NaT])
    spells = pd.DataFrame({"customer_id": list("abcd"), "started_at": came, "ended_at": ended, "event": "left"})
    spells = spells.assign(observed_end=ended.fillna(pd.Timestamp("2025-06-01")), event_observed=ended.notna())
    found = _contract_labels(SimpleNamespace(spells=spells, rule=SimpleNamespace(horizon_days=10)), cut.date())
    assert found[["customer_id", "event_observed"]].to_numpy().tolist() == [["c", True], ["d", False]]


def test_a_risk_that_rises_by_just_the_limit_is_steady(past, work, monkeypatch):
    before, now = 0.2, 0.2 * RISE
    assert now / before == RISE
    monkeypatch.setattr(alarms, "_with_risk", lambda table, *_: table.assign(risk_before=before, risk_now=now))
    quiet = churn.board(past, work).table
    assert set(quiet.loc[quiet["state"] != ALARM, "state"]) == {STEADY}
    monkeypatch.setattr(alarms, "_with_risk", lambda table, *_: table.assign(risk_before=before, risk_now=np.nextafter(now, 1)))
    assert RISING in set(churn.board(past, work).table["state"])


def test_the_window_of_a_shop_has_limits_of_the_level_that_is_asked():
    rng = np.random.default_rng(0)
    gaps, ended = rng.exponential(40, 500).round() + 1, rng.random(500) < 0.7
    wide, narrow = (_window(gaps, ended, span=700, declared=90, confidence=level) for level in (0.95, 0.5))
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize(
    ("sampling", "day"), [("2025-02-01", dt.date(2025, 2, 1)), ("last_period", dt.date(2025, 12, 1)), ("cohort", None)]
)
def test_a_shop_is_read_from_the_day_on_which_observation_began(in_memory, monkeypatch, sampling, day):
    asked = []

    def open_shop(table, *, since, **_):
        asked.append(since)
        raise ModelError(Problem("x:", "y", "z"))

    monkeypatch.setattr(read, "open_shop", open_shop)
    orders = pd.DataFrame({"customer_id": ["A"], "ordered_at": [dt.date(2025, 3, 1)], "amount": 5.0})
    table = ibis.memtable(orders, schema={"customer_id": "string", "ordered_at": "date", "amount": "float64"})
    rule = churn.define(kind="non_contractual", sampling=sampling)
    churn.history(in_memory(tables={"transactions": table}), rule)
    assert asked == [day]


def test_lifelines_is_asked_with_the_entries_of_the_page(past, work, monkeypatch):
    asked = []
    serves = "crmkit.models.survival.regression.cox.lifelines_serves"
    monkeypatch.setattr(serves, lambda stop, event, *, entry=None: asked.append(entry) or False)
    model = work.model
    rows = pd.concat([one.rows for one in work.tests], ignore_index=True)
    fit._fit_to(past, rows, model.recipe, model.cuts, engine="auto")
    assert len(asked) == 1
    assert asked[0] is not None


def test_the_score_over_the_horizon_is_of_its_thirds(past, work, monkeypatch):
    asked = []

    def score(follow, event, at, *, times, confidence):
        asked.append((list(times), at.shape[1], confidence))
        raise ModelError(Problem("x:", "y", "z"))

    monkeypatch.setattr(sv, "integrated_brier_score", score)
    _integrated(past, work)
    horizon = past.rule.horizon_days
    assert asked == [([round(horizon / 3), round(2 * horizon / 3), horizon], 3, past.confidence)]


def test_the_measures_of_accuracy_are_shown_with_interval_and_n(past, work):
    found = churn.accuracy(past, work)
    assert [column.name for column in found.columns] == ["measure", "value", "interval", "n"]


def test_a_model_that_ranks_by_lot_is_said_with_the_number_of_cut_offs(past, work):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"complete": True, "event_observed": rng.random(300) < 0.3})
    scores = pd.DataFrame({str(rule): rng.random(300) for rule in (*RULES, "Model")})
    lots = tuple(OneTest(one.cut, one.model, rows, scores.rename(columns={"Model": MODEL})) for one in work.tests)
    said = say(comparison(past, SimpleNamespace(tests=lots)).text, Locale())
    assert said.startswith(
        "Over 2 cut-offs the model does not rank customers clearly better than simple rules: segment's last month, "
    )


@pytest.mark.parametrize(
    ("p", "said"), [(0.049, "1 of 2 characteristics is clearly linked"), (0.051, "No characteristic is clearly linked")]
)
def test_an_effect_is_clear_below_five_of_a_hundred(p, said):
    table = pd.DataFrame({"heading": ["slow", "old"], "ratio": [2.0, 1.1], "low": 1.01, "high": 3.0, "p_holm": [p, 1.0]})
    assert said in say(_effects_finding(table).text, Locale())


def test_a_model_that_is_there_is_not_missed(past, work):
    value = churn.worth(past, work, value_days=365, margin=0.5)
    offer = churn.Campaign(save_rate=0.3, offer_cost=20.0, contact_cost=5.0, uptake=0.5)
    plan = churn.make_plan(past, value, offer, contacts=20, key=b"secret")
    found = {one.id for one in churn.headline(past, work, value, plan)}
    assert "churn.effects" in found
    assert "churn.no_model" not in found


def test_each_rule_is_judged_on_all_customers_of_its_cut_off(past, work):
    value = churn.worth(past, work, value_days=365, margin=0.5)
    offer = churn.Campaign(save_rate=0.3, offer_cost=20.0, contact_cost=5.0, uptake=0.5)
    table = churn.backtest(past, work, offer, contacts=20, value=value).table
    assert set(map(str, RULES)) <= set(table["rule"])
    assert table.groupby("cut")["n"].nunique().eq(1).all()
    assert (table["left"] < table["n"]).all()


def test_without_days_of_grace_none_are_spoken_of(past):
    said = {days: say(rule_words(replace(past, rule=replace(past.rule, grace_days=days))), Locale()) for days in (0, 30)}
    assert said[0].startswith("Left: the contract ended and none followed; a pause")
    assert said[30].startswith("Left: the contract ended and none followed within 30 days; a pause")
