"""Where nobody gives notice: shops whose customers leave by a known chance, or never, and shops of odd data."""

import datetime as dt
import re
from dataclasses import replace
from itertools import combinations
from types import SimpleNamespace

import ibis
import numpy as np
import pandas as pd
import pytest

from churn_exhibits import exhibits
from crmkit.analyses import churn
from crmkit.analyses.audit.findings.rules import Looked, indicators
from crmkit.analyses.audit.indicators.from_reports import CAME_BACK, Source, came_back, churn_rate, retention
from crmkit.analyses.churn.absences import compared, months
from crmkit.analyses.churn.backtest import MODEL, SHOP_RULES, Backtest
from crmkit.analyses.churn.basics import rule_words
from crmkit.analyses.churn.chances import GAPS, MEAN, PURCHASES, Chances, Level, level, outcome, range_of_sum, scale
from crmkit.analyses.churn.fit import parts, score
from crmkit.analyses.churn.panel import build_panel
from crmkit.analyses.churn.shop import customers_on
from crmkit.core.errors import ReportError
from crmkit.core.language import Locale, say
from crmkit.core.privacy import pseudonyms
from crmkit.core.settings import CustomerSettings
from shops import DAY, KEY, company_of, purchases, whole
from unions import small_unions

NEVER_SAID = {"churn_causes", "churn_reasons", "churn_uplift"}


@pytest.fixture(scope="module")
def shop():
    return whole(company_of(purchases()))


@pytest.fixture(scope="module")
def found(shop):
    return {result.name: result for result in exhibits(shop, {})}


@pytest.fixture(scope="module")
def loyal():
    return whole(company_of(purchases(stays=0.0)))


def test_all_that_can_be_said_without_a_reason_is_said(found):
    assert {name for name, result in found.items() if not result.assessed} == NEVER_SAID


def test_the_outcome_is_no_purchase_within_the_horizon(shop):
    """Counted by hand from the purchases, for the customers of one day."""
    past, cut = shop.past, shop.work.tests[-1].cut
    bought = past.purchases
    day, end = pd.Timestamp(cut), pd.Timestamp(cut) + pd.Timedelta(days=past.rule.horizon_days)
    last = bought[bought["day"] <= day].groupby("customer_id")["day"].max()
    there = last[(day - last).dt.days <= past.shop.limit_days].index
    again = set(bought.loc[(bought["day"] > day) & (bought["day"] <= end), "customer_id"])
    rows = shop.work.panel.at(cut)
    assert set(rows["customer_id"]) == set(there)
    assert dict(zip(rows["customer_id"], rows["event_observed"], strict=True)) == {one: one not in again for one in there}


def test_nothing_later_is_known_on_an_earlier_day(shop):
    """The customers of a day, and what is known of them, are the same without what came after it."""
    cut = shop.work.tests[0].cut
    table = purchases()
    then = company_of(table[table["ordered_at"] <= pd.Timestamp(cut)])
    then.as_of = cut
    before = churn.history(then, churn.define(horizon_days=shop.past.rule.horizon_days))
    known = [
        "customer_id",
        "number",
        "mean_gap_days",
        "previous_gap_days",
        "amount",
        "silence_days",
        "frequency",
        "recency",
        "T",
    ]
    now = customers_on(replace(shop.past.shop, limit_days=10**6), cut, as_of=DAY)[known]
    own = customers_on(replace(before.shop, limit_days=10**6), cut, as_of=cut)[known]
    pd.testing.assert_frame_equal(
        now.sort_values("customer_id", ignore_index=True), own.sort_values("customer_id", ignore_index=True)
    )


def test_tests_learn_from_days_whose_horizon_was_over(shop):
    wait = dt.timedelta(days=shop.past.rule.horizon_days)
    assert len(shop.work.tests) == 3
    for one in shop.work.tests:
        assert one.model.chances.fits.day == one.cut
        assert max(one.model.cuts) + wait <= one.cut
        assert set(one.scores) == {MODEL, *SHOP_RULES}
        assert one.scores[MODEL].between(0, 1).all()


def test_who_is_believed_was_nearest_to_what_came(shop):
    seen = pd.concat([one.rows for one in shop.work.tests])
    error = {name: ((seen[name] - seen["event_observed"]) ** 2).mean() for name in (GAPS, PURCHASES, MEAN)}
    assert shop.work.model.chances.behind == min(error, key=error.get)


@pytest.mark.parametrize(("margin", "times"), [(0.4, 1.0), (0.2, 0.5)])
def test_value_of_the_value_report_is_of_a_customer_who_is_still_one_at_this_margin(shop, margin, times):
    names = pseudonyms(shop.work.scores["customer_id"], key=KEY)
    table = pd.DataFrame({"customer_id": names, "clv": 40.0, "p_alive": 0.8})
    parameters = {"margin": {"value": 0.4}, "retention_cost": {"value": 0.0}}
    reading = SimpleNamespace(reason=None, report={"parameters": parameters}, table=lambda _: table)
    value = churn.worth(shop.past, shop.work, reading, value_days=365, margin=margin, key=KEY)
    assert value.source == "clv_back"
    assert value.customers["value_if_kept"].to_numpy() == pytest.approx(times * 40 / 0.8)
    spent = churn.worth(shop.past, shop.work, value_days=365, margin=margin, key=KEY)
    assert spent.source == "spend_back"


def test_a_list_says_where_the_models_differ(shop, found):
    table = found["churn_list"].table
    apart = (table["by_gaps"] - table["by_purchases"]).abs() > 0.2
    assert (table["is_apart"] == apart).all()
    assert (table.loc[apart & (table["flag"] != ""), "flag"] != "").all()
    assert table["at_risk"].to_numpy() == pytest.approx((table["probability"] * table["value_if_kept"]).to_numpy())


def test_silence_stands_behind_what_the_list_is_sorted_by_and_the_risk(found):
    shown = [column.name for column in found["churn_list"].columns]
    sorted_by = ["at_risk"] if "at_risk" in shown else []
    assert shown[: 3 + len(sorted_by)] == ["customer_id", *sorted_by, "days_since_last", "probability"]


def test_reasons_are_what_keeps_customers_away(shop):
    """Silence alone, all else alike, raises its own part and no other."""
    rows = shop.value.customers
    longer = rows.assign(silence_days=rows["silence_days"].where(rows.index != rows.index[0], rows["silence_days"].max() + 50))
    one, other = (parts(shop.work.model, table).iloc[0] for table in (rows, longer))
    assert set(one.index) >= {"days_since_last", "log_rhythm"}
    assert other["log_amount"] == pytest.approx(one["log_amount"])
    before, after = (score(shop.work.model, table)[GAPS].iloc[0] for table in (rows, longer))
    assert np.sign(after - before) == np.sign(other["days_since_last"] - one["days_since_last"])


def test_nothing_impossible_is_printed(found):
    boxes = found["churn_totals"].table.set_index("measure")
    n = boxes.loc["active", "value"]
    assert 0 <= boxes.loc["expected", "low"] <= boxes.loc["expected", "value"] <= boxes.loc["expected", "high"] <= n
    for name in ("churn_board", "churn_window", "churn_monthly", "churn_cohorts"):
        table = found[name].table
        for column in {"value", "low", "high", "rate", "before", "limit"} & set(table.columns):
            assert table[column].dropna().between(0, 1).all(), (name, column)


def test_where_nobody_leaves_it_says_so(loyal):
    assert not loyal.past.shop.leaving
    assert "no sign that anybody leaves: what follows is how long they take to come back" in say(
        churn.window(loyal.past).finding.text, Locale()
    )


def test_probabilities_are_right_on_days_not_seen(loyal):
    known = churn.accuracy(loyal.past, loyal.work).table
    of = known[known["group"] == loyal.work.model.chances.behind].set_index("measure")["value"]
    assert 0.8 < of["Observed / expected"] < 1.25
    assert of["AUC at the horizon"] > 0.6


@pytest.mark.parametrize(("add", "factor"), [(0.0, 1.0), (0.7, 0.5), (-0.5, 1.3)])
def test_a_level_is_found_again(add, factor):
    rng = np.random.default_rng(0)
    said = rng.uniform(0.05, 0.9, 40_000)
    true = -np.expm1(-np.exp(add + factor * scale(said)))
    day = np.datetime64("2025-01-01") + 30 * (np.arange(40_000) % 8)
    found = level(said, rng.random(len(said)) < true, np.arange(40_000), day, today=DAY)
    assert found[:2] == pytest.approx((add, factor), abs=0.05)
    assert found.free == 7
    assert found.between < 0.01


def test_too_little_changes_no_level():
    day = np.full(100, np.datetime64("2025-01-01"))
    assert level(np.full(100, 0.5), np.arange(100) < 5, np.arange(100), day, today=DAY) == Level()


def test_days_that_differ_and_customers_who_are_alike_widen_what_is_expected():
    """A variance between days is found again; rows of one customer twice are no second customer."""
    rng = np.random.default_rng(1)
    n = np.repeat(np.arange(300), 500)
    day, apart = np.datetime64("2025-01-01") + n, 0.3 * rng.standard_normal(300)
    said = rng.uniform(0.1, 0.6, len(n))
    left = rng.random(len(n)) < -np.expm1(-np.exp(apart[n] + scale(said)))
    assert level(said, left, np.arange(len(n)), day, today=DAY).between == pytest.approx(apart.var(), rel=0.1)
    one, two = slice(0, 4000), np.r_[0:4000, 0:4000]
    once = level(said[one], left[one], np.arange(4000), day[one], today=DAY)
    twice = level(said[two], left[two], np.tile(np.arange(4000), 2), day[two], today=DAY)
    assert twice.covariance == pytest.approx(once.covariance, rel=0.05)


@pytest.mark.parametrize("today", [dt.date(2025, 7, 1), dt.date(2025, 12, 31)])
def test_of_more_than_a_year_the_level_is_that_of_the_time_of_the_year(today):
    rng = np.random.default_rng(2)
    n = np.repeat(np.arange(9), 4000)
    day = np.datetime64("2023-06-01") + 91 * n
    said = rng.uniform(0.1, 0.6, len(n))
    wave = 0.4 * np.cos(2 * np.pi * (np.append(day, np.datetime64(today)).astype(int) % 365.2425) / 365.2425)
    found = level(said, rng.random(len(n)) < -np.expm1(-np.exp(wave[:-1] + scale(said))), np.arange(len(n)), day, today=today)
    assert found.add == pytest.approx(wave[-1], abs=0.05)
    assert found.between < 0.01


@pytest.mark.parametrize(("apart", "n"), [(0.0, 100), pytest.param(0.0, 1000, marks=pytest.mark.slow), (0.1, 100)])
def test_what_is_expected_holds_what_comes_as_often_as_stated(apart, n):
    """The number who stay away on a tenth day lies within the limits; the same customers on all days, a model that is off."""
    held = 0
    for seed in range(n):
        rng = np.random.default_rng(seed)
        who = rng.normal(0, 0.8, 200)
        said, left = [], []
        for _ in range(10):
            x = who - 0.8 + rng.normal(0, 0.3, 200)
            said.append(-np.expm1(-np.exp(x)))
            left.append(rng.random(200) < -np.expm1(-np.exp(0.3 + 0.9 * x + apart * rng.standard_normal())))
        day = np.repeat(np.datetime64("2025-01-01") + 30 * np.arange(9), 200)
        given = (np.concatenate(said[:9]), np.concatenate(left[:9]), np.tile(np.arange(200), 9), day)
        own = level(*given, today=DAY)
        expected = -np.expm1(-np.exp(own.add + own.factor * scale(said[9])))
        of = Chances(None, 30, {MEAN: own})
        table = pd.DataFrame({"probability": expected, "low": expected, "high": expected})
        low, high = range_of_sum(of, table, np.ones(200), confidence=0.95)
        held += low <= left[9].sum() <= high
    band = 2.5758 * np.sqrt(0.95 * 0.05 / n)
    assert 0.95 - band <= held / n <= 0.95 + band


def test_groups_are_compared_with_customers_like_them():
    """Twice as many new customers lose twice as many, though none of both kinds has changed."""
    new, old = np.zeros(1000), np.ones(1000)
    away_new, away_old = np.arange(1000) < 500, np.arange(1000) < 100
    expected, spread = compared(away_new, new, np.concatenate([away_new, away_old]), np.concatenate([new, old]))
    assert expected == pytest.approx(500)
    assert spread > 0


def board_of(seed):
    past = churn.history(company_of(purchases(150, days=420, every=25.0, stays=0.0, seed=seed)), churn.define(horizon_days=50))
    panel = build_panel(past, cutoffs=3)
    return churn.board(past, Backtest(panel, None, None, (), None, None)).table


def alarms(seeds):
    return sum((board_of(seed)["state"] == "alarm").any() for seed in seeds)


@pytest.mark.long
def test_a_shop_that_nobody_leaves_seldom_sees_an_alarm():
    """At most the stated share of boards; the bound is that of the one-sided 99 % interval."""
    n = 12
    assert alarms(range(n)) <= 3  # binomial(12, .05): above 3 once in 450


@pytest.mark.slow
def test_false_alarms_hold_over_many_shops():
    n = 500
    assert alarms(range(n)) <= 0.05 * n + 2.33 * np.sqrt(0.05 * 0.95 * n)


def test_a_shop_that_many_leave_at_once_sees_an_alarm():
    table = purchases(300, days=420, every=15.0, stays=0.0)
    gone = table["customer_id"].str[-1].isin(list("01234"))
    table = table[~(gone & (table["ordered_at"] > pd.Timestamp(DAY) - pd.Timedelta(days=60)))]
    past = churn.history(company_of(table), churn.define(horizon_days=50))
    found = churn.board(past, Backtest(build_panel(past, cutoffs=3), None, None, (), None, None))
    assert found.table.set_index("group").loc["All customers", "state"] == "alarm"
    assert found.finding.severity == "critical"
    note = say(found.note, Locale())
    assert re.search(r"who bought nothing within 50 days, against customers of [1-9] earlier days? who bought as often", note)


def test_how_many_came_back_is_said_with_the_days(shop):
    text = say(churn.survival(shop.past).finding.text, Locale())
    assert re.search(rf"had bought again within {shop.past.rule.horizon_days} days; half had ", text)


def test_months_add_up_to_what_was_expected_of_them(shop):
    table = months(shop.past, shop.past.shop)
    assert table["left"].sum() == pytest.approx(table["expected"].sum())
    day = table["month"].iloc[-1].date()
    rows = customers_on(shop.past.shop, day, as_of=DAY)
    assert table["active"].iloc[-1] == len(rows)
    assert table["left"].iloc[-1] == outcome(rows, shop.past.rule.horizon_days).sum()


# groups that are few


def test_a_group_that_was_another_on_the_earliest_day_is_on_the_board():
    """All came at once, so that on the first of the earlier days hardly anybody was yet known to buy seldom."""
    rng, rows = np.random.default_rng(4), []
    for number in range(300):
        day, gap = rng.uniform(0, 20), rng.choice([15.0, 45.0, 110.0])
        while day < 420:
            rows.append((f"C{number:03d}", pd.Timestamp(DAY) - pd.Timedelta(days=420 - int(day)), 20.0))
            day += max(1.0, rng.gamma(4, gap / 4))
    table = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"])
    past = churn.history(company_of(table), churn.define(horizon_days=70))
    panel = build_panel(past, cutoffs=3)
    found = churn.board(past, Backtest(panel, None, None, (), None, None)).table.set_index("level")["active"]
    counts = pd.Series(past.shop.groups_of("how often they buy", panel.at(dt.date(2025, 10, 22)))).value_counts()
    assert counts.min() > 50
    assert found.drop("").to_dict() == counts.to_dict()


@pytest.mark.parametrize("sizes", [(90, 50), (60, 57), (80, 66), (40, 37), (12, 9)])
@pytest.mark.parametrize("seed", [1, 2])
def test_whoever_adds_and_subtracts_the_groups_of_the_board_finds_no_few(sizes, seed):
    """Within a grouping, and over each two of them: of regions and sizes some hold nearly the same customers."""
    table = purchases(150, days=420, every=25.0, stays=0.0, seed=seed)
    who = sorted(table["customer_id"].unique())
    region = np.repeat(["N", "S", "W"], [sizes[0], sizes[1], len(who) - sum(sizes)])
    size = np.repeat(["small", "large"], [sizes[0] + 3, len(who) - sizes[0] - 3])
    people = pd.DataFrame({"customer_id": who, "region": region, "size": size})
    past = churn.history(company_of(table, customers=people), churn.define(horizon_days=50))
    panel = build_panel(past, cutoffs=3)
    assert {"Region", "Size"} < set(past.groups)
    found = churn.board(past, Backtest(panel, None, None, (), None, None)).table
    day = [cut for cut in panel.cuts if cut + dt.timedelta(days=50) <= DAY][-1]
    rows = panel.at(day)
    whole = found.loc[found["dimension"] == "", "active"].item()
    assert whole == len(rows)
    of, hidden = {}, {}
    for by in past.groups:
        of[by] = past.shop.groups_of(by, rows).tolist()
        shown = found[found["dimension"] == by].set_index("level")["active"]
        counts = pd.Series(of[by]).value_counts()
        assert shown.to_dict() == counts[shown.index].to_dict()
        hidden[by] = set(counts.index) - set(shown.index)
        assert whole - shown.sum() == 0 or (whole - shown.sum() >= 10 and len(hidden[by]) >= 2)
    for one, other in combinations(past.groups, 2):
        assert small_unions(of[one], of[other], hidden[one], hidden[other], min_cell=5) == 0


def test_first_purchases_of_a_quarter_that_are_few_take_the_next_with_them():
    table = purchases(300, days=800, every=25.0, stays=0.0)
    first = table.groupby("customer_id")["ordered_at"].min()
    late = first.index[first < first.min() + pd.Timedelta(days=90)]
    few = table[~table["customer_id"].isin(late[4:])]
    kept, whole_table = (churn.cohorts(churn.history(company_of(one), churn.define())).table for one in (few, table))
    gone = set(whole_table["row"]) - set(kept["row"])
    came = few.groupby("customer_id")["ordered_at"].min().dt.to_period("Q").astype(str).value_counts()
    assert min(came[came > 0]) < 10
    assert len(gone) >= 2
    assert came.reindex(sorted(gone), fill_value=0).sum() >= 10


# declared silences


def test_a_declared_silence_that_is_wrong_too_often_makes_no_finding():
    company = company_of(purchases(stays=0.0))
    past = churn.history(company, churn.define(kind="silence", active_days=60))
    found = churn.window(past)
    assert found.assessed
    assert found.finding is None
    assert not past.usable
    assert not churn.at_risk(past).assessed
    assert "ended with a purchase, and at most 20" in say(churn.at_risk(past).reason, Locale())
    allowed = churn.history(company, churn.define(kind="silence", active_days=60, limit=0.99))
    assert allowed.usable
    assert allowed.window.window == 60
    assert churn.window(allowed).finding is not None


def test_where_the_model_is_none_of_lifelines_it_says_so_and_gives_the_curves():
    past = churn.history(company_of(purchases()), churn.define(kind="silence", active_days=60, limit=0.99))
    work = churn.study(past)
    assert work.model.engine == "once"
    assert say(rule_words(past), Locale()).startswith("Left: nothing bought for more than 60 days; the day of leaving")
    found = churn.lifelines_model(past, work)
    assert "of one period" in say(found.reason, Locale())
    assert found.fitters
    shown = churn.lifelines_summary(found)
    assert shown.table["n"].sum() == sum(len(one.durations) for one in found.fitters.values())
    assert "of one period" in say(shown.note, Locale())


def test_lifelines_has_the_coefficients_of_the_gaps(shop):
    """Strata by purchase number, time in own gaps; the units are those of the figure of effects."""
    fitted = churn.lifelines_model(shop.past, shop.work)
    effects = churn.effects(shop.past, shop.work).table.set_index("group")["value"]
    assert np.exp(fitted.params_).to_dict() == pytest.approx(effects.to_dict(), rel=1e-6)


# odd data


def test_of_too_few_gaps_the_page_stands_with_a_sentence():
    one = whole(company_of(purchases(5)))
    for result in exhibits(one, {}):
        assert not result.assessed
        assert "too few for any horizon" in say(result.reason, Locale()), result.name


def test_days_on_which_the_shop_was_closed_are_no_silence():
    table = purchases(days=900)
    shut = table["ordered_at"].between("2024-06-01", "2025-05-31")
    one = whole(company_of(table[~shut]))
    (first, last) = one.past.shop.closed[0]
    assert (first, last) == (dt.date(2024, 6, 1), dt.date(2025, 5, 31)) or (last - first).days > 350
    assert one.past.shop.gaps["duration_days"].max() < 900 - 350
    wait = dt.timedelta(days=one.past.rule.horizon_days)
    assert not [cut for cut in one.work.panel.cuts[:-1] if cut < last and cut + wait >= first]
    assert {finding.id for finding in churn.headline(one.past, one.work, one.value, one.plan)} >= {"churn.closed"}


def test_one_customer_with_half_of_the_purchases_is_named():
    table = purchases(60)
    many = pd.date_range(pd.Timestamp(DAY) - pd.Timedelta(days=len(table) - 1), DAY)[-480:]
    heavy = pd.DataFrame({"customer_id": "BIG", "ordered_at": many, "amount": 5.0})
    one = whole(company_of(pd.concat([table, heavy], ignore_index=True)))
    said = [say(one.text, Locale()) for one in churn.headline(one.past, one.work, one.value, one.plan)]
    assert [text for text in said if text.startswith("One customer made ")]


# both kinds in one company


def contracts(table):
    people = sorted(table["customer_id"].unique())
    rng = np.random.default_rng(0)
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 400, len(people)), unit="D")
    end = start + pd.to_timedelta(rng.exponential(400, len(people)).astype(int) + 1, unit="D")
    ended = pd.Series(end.date).where(end <= pd.Timestamp(DAY), None)
    rows = pd.DataFrame({"customer_id": people, "started_at": start.date, "ended_at": ended, "mrr": 10.0})
    schema = {"customer_id": "string", "started_at": "date", "ended_at": "date", "mrr": "decimal(18, 4)"}
    return ibis.memtable(rows.astype(object).where(rows.notna(), None), schema=schema)


def test_both_kinds_give_both_sections():
    table = purchases()
    company = company_of(table)
    company.tables["subscriptions"] = contracts(table)
    past = churn.history(company, churn.define())
    assert past.contractual
    found = churn.beside(company, past, value_days=365, margin=1.0, actions={})
    assert [one.name for one in found] == [
        "churn_shop_totals",
        "churn_shop_window",
        "churn_shop_calibration",
        "churn_shop_list",
    ]
    assert all(one.assessed for one in found)
    assert {one.finding.id for one in found if one.finding} <= {
        "churn.shop_risk",
        "churn.shop_window",
        "churn.shop_calibration",
    }
    del company.tables["transactions"]
    assert churn.beside(company, past, value_days=365, margin=1.0, actions={}) == ()


# what the audit takes


def source_of(**tables):
    def table(name):
        if name not in tables:
            raise ReportError(f"no table {name}")
        return tables[name]

    return Source(SimpleNamespace(reason=None, report=None, table=table), 0.95)


def test_the_audit_takes_what_a_shop_means_by_staying(shop, found):
    """Counted by hand: who of a year ago is still a customer, and who of so long ago as the limit is lost."""
    totals = found["churn_totals"].table
    of = source_of(churn_totals=totals, churn_at_risk=found["churn_at_risk"].table)
    bought, limit = shop.past.purchases, shop.past.shop.limit_days
    rows = totals.set_index("measure")
    today = bought.groupby("customer_id")["day"].max()
    lost = set(today.index[(pd.Timestamp(DAY) - today).dt.days > limit])

    def there(days):
        day = pd.Timestamp(DAY) - pd.Timedelta(days=days)
        last = bought[bought["day"] <= day].groupby("customer_id")["day"].max()
        return last[(day - last).dt.days <= limit].index

    assert rows.loc["came_back", "value"] <= 0.2
    assert retention(of, None).value == pytest.approx(np.mean([one not in lost for one in there(365)]))
    gone = np.mean([one in lost for one in there(limit)])
    assert churn_rate(of, None).value == pytest.approx(gone / (limit / 30.4375), rel=1e-6)


@pytest.mark.parametrize(("back", "allowed"), [(0.19, True), (0.21, False), (float("nan"), False)])
def test_where_too_many_of_the_lost_come_back_the_audit_has_no_number(found, back, allowed):
    totals = found["churn_totals"].table.copy()
    totals.loc[totals["measure"] == "came_back", "value"] = back
    of = source_of(churn_totals=totals, churn_at_risk=found["churn_at_risk"].table)
    for one in (retention(of, None), churn_rate(of, None)):
        assert one.known == allowed
        assert one.reason == ("" if allowed else CAME_BACK)


def test_the_warning_of_the_owner_travels_with_its_number(found):
    totals = found["churn_totals"].table
    reading = source_of(churn_totals=totals).reading
    share = totals.set_index("measure").loc["came_back", "value"]
    assert came_back("R-RET", {"churn": reading}, 0.95) == share
    assert np.isnan(came_back("R-REPEAT", {"churn": reading}, 0.95))
    row = {"indicator": "R-RET", "status": "assessed", "name": "Kept", "value": 0.5, "low": 0.4, "high": 0.6, "target": 0.8}
    row |= {"unit": "share", "n": 100.0, "direction": "up", "p_value": 0.01, "came_back": share}
    row |= {"start": pd.Timestamp(DAY), "end": pd.Timestamp(DAY), "owner": "churn", "placeholder": False}
    state = pd.DataFrame([row])
    (check,) = indicators(Looked(state, pd.DataFrame(), None, None, frozenset()))
    assert say(check.condition, Locale()).endswith("of those counted as lost came back later")
    (plain,) = indicators(Looked(state.assign(came_back=np.nan), pd.DataFrame(), None, None, frozenset()))
    assert "came back" not in say(plain.condition, Locale())


def test_the_year_that_nobody_agreed_on_gives_way_to_the_gaps(shop):
    """What is agreed is by the calendar and the same on all pages; else the limit is of the shop's own rhythm."""
    usual = churn.history(company_of(purchases()), churn.define(active_days=365))
    assert (usual.shop.limit_days, usual.shop.agreed) == (shop.past.shop.limit_days, False)
    typed = churn.history(company_of(purchases()), churn.define(active_days=200))
    assert (typed.shop.limit_days, typed.shop.agreed) == (200, True)
    company = company_of(purchases())
    company.settings = company.settings.model_copy(update={"customer": CustomerSettings(active_days=365)})
    agreed = churn.history(company, churn.define(active_days=365))
    assert (agreed.shop.limit_days, agreed.shop.agreed) == (365, True)
    boxes = churn.totals(agreed, churn.worth(agreed, churn.study(agreed), value_days=365, margin=1.0, key=KEY)).table
    last = agreed.purchases.groupby("customer_id")["day"].max()
    there = int(((pd.Timestamp(DAY) - last).dt.days <= 365).sum())
    assert boxes.set_index("group").loc["Customers today", "value"] == there


def test_nobody_is_called_lost_after_a_silence_of_which_too_many_come_back():
    """Customers who never leave: of those silent for long most come back, so no share of them is said to be lost."""
    past = churn.history(company_of(purchases(stays=0.0)), churn.define())
    rows = churn.totals(past, churn.worth(past, churn.study(past), value_days=365, margin=1.0, key=KEY)).table
    rows = rows.set_index("measure")
    assert rows.loc["came_back", "value"] > past.rule.false_limit
    assert rows.loc["limit_days", "group"] == "Watched up to a silence of"
    assert not {"left_share", "lost_share", "kept_year"} & set(rows.index)
    of = source_of(churn_totals=rows.reset_index())
    assert {retention(of, None).reason, churn_rate(of, None).reason} == {CAME_BACK}


def test_a_declared_silence_says_how_often_it_is_wrong():
    past = churn.history(company_of(purchases()), churn.define(kind="silence", active_days=120, limit=0.99))
    rows = churn.totals(past, churn.worth(past, churn.study(past), value_days=365, margin=1.0, key=KEY)).table.set_index(
        "measure"
    )
    assert rows.loc["came_back", "value"] == past.window.false_churn_share
    assert rows.loc["limit_days", "value"] == 120


def test_of_a_shop_younger_than_a_year_no_retention_is_taken(found):
    totals = found["churn_totals"].table
    young = totals[totals["measure"] != "kept_year"]
    of = source_of(churn_totals=young, churn_at_risk=found["churn_at_risk"].table)
    assert not retention(of, None).known
