"""Where nobody gives notice: shops whose customers leave by a known chance, or never, and shops of odd data."""

import datetime as dt
from dataclasses import replace
from types import SimpleNamespace

import ibis
import numpy as np
import pandas as pd
import pytest

from churn_exhibits import exhibits
from crmkit.analyses import churn
from crmkit.analyses.audit.indicators.from_reports import Source, churn_rate, retention
from crmkit.analyses.churn.absences import compared, months
from crmkit.analyses.churn.backtest import MODEL, SHOP_RULES, Backtest
from crmkit.analyses.churn.chances import GAPS, MEAN, PURCHASES, level, outcome, scale
from crmkit.analyses.churn.fit import parts, score
from crmkit.analyses.churn.panel import build_panel
from crmkit.analyses.churn.shop import customers_on
from crmkit.core.errors import DataError, ReportError
from crmkit.core.language import Locale, say
from crmkit.core.privacy import pseudonyms
from crmkit.core.settings import Settings

DAY = dt.date(2025, 12, 31)
KEY = b"secret"
NEVER_SAID = {"churn_causes", "churn_reasons", "churn_uplift"}


def purchases(n=300, *, days=500, every=40.0, stays=300.0, seed=0):
    """A shop: customers come in the first half, buy at a rate of their own, and leave after an exponential time (0: never)."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        came = at = int(rng.integers(0, days // 2))
        gap = every / rng.gamma(2.0, 0.5)
        until = came + rng.exponential(stays) if stays else np.inf
        while at < days and at <= until:
            rows.append((f"C{i:04d}", at))
            at += max(1, round(rng.exponential(gap)))
    table = pd.DataFrame(rows, columns=["customer_id", "at"])
    ordered = pd.Timestamp(DAY) - pd.to_timedelta(days - 1 - table["at"], unit="D")
    return pd.DataFrame(
        {"customer_id": table["customer_id"], "ordered_at": ordered, "amount": rng.gamma(3.0, 10.0, len(table)).round(2)}
    )


def company_of(table, **more):
    settings = Settings(client="test", title="Test", source="data/test", privacy={"min_cell": 10})
    tables = {"transactions": ibis.memtable(table)} | {name: ibis.memtable(one) for name, one in more.items()}
    return SimpleNamespace(name="test", tables=tables, as_of=DAY, settings=settings, currency="EUR", language="en")


def whole(company, **rule):
    past = churn.history(company, churn.define(**rule))
    work = churn.study(past)
    value = churn.worth(past, work, value_days=365, margin=1.0, key=KEY)
    offer = churn.Campaign(save_rate=0.3, offer_cost=5.0, contact_cost=1.0, uptake=0.5)
    plan = churn.make_plan(past, value, offer, contacts=100, holdout_share=0.2, key=KEY)
    return SimpleNamespace(past=past, work=work, value=value, offer=offer, plan=plan)


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
    found = level(said, rng.random(len(said)) < true)
    assert found == pytest.approx((add, factor), abs=0.05)


def test_too_little_changes_no_level():
    assert level(np.full(100, 0.5), np.arange(100) < 5) == (0.0, 1.0)


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


def test_months_add_up_to_what_was_expected_of_them(shop):
    table = months(shop.past, shop.past.shop)
    assert table["left"].sum() == pytest.approx(table["expected"].sum())
    day = table["month"].iloc[-1].date()
    rows = customers_on(shop.past.shop, day, as_of=DAY)
    assert table["active"].iloc[-1] == len(rows)
    assert table["left"].iloc[-1] == outcome(rows, shop.past.rule.horizon_days).sum()


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


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (purchases().drop_duplicates("customer_id"), "nobody has bought twice"),
        (purchases().assign(ordered_at=pd.Timestamp("2025-12-01")), "all purchases lie on one day"),
        (purchases(5), "too few for any horizon"),
    ],
)
def test_without_gaps_the_page_stands_with_a_sentence(table, said):
    one = whole(company_of(table))
    for result in exhibits(one, {}):
        assert not result.assessed
        assert said in say(result.reason, Locale()), result.name
    assert said in say(churn.headline(one.past, one.work, one.value, one.plan)[0].text, Locale())


def test_returns_only_are_one_message():
    with pytest.raises(DataError, match="nobody has bought anything; check amount and is_return"):
        churn.history(company_of(purchases().assign(is_return=True)), churn.define())


def test_a_shop_younger_than_its_horizon_says_so():
    past = churn.history(company_of(purchases(days=100)), churn.define(horizon_days=90))
    assert not past.usable
    assert "the horizon is 90 days, but the data cover" in say(churn.survival(past).reason, Locale())


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
    """A year is longer than the horizon: retention is who of then still buys, never the share that has not bought again."""
    totals, board = found["churn_totals"].table, found["churn_board"].table
    of = source_of(churn_totals=totals, churn_board=board, churn_at_risk=found["churn_at_risk"].table)
    kept = totals.set_index("measure").loc["kept_year"]
    assert retention(of, None).value == pytest.approx(kept["value"])
    day = pd.Timestamp(DAY) - pd.Timedelta(days=365)
    bought = shop.past.purchases
    last = bought[bought["day"] <= day].groupby("customer_id")["day"].max()
    there = last[(day - last).dt.days <= shop.past.shop.limit_days].index
    since = pd.Timestamp(DAY) - pd.Timedelta(days=shop.past.rule.horizon_days)
    still = set(bought.loc[bought["day"] > since, "customer_id"])
    assert kept["value"] == pytest.approx(np.mean([one in still for one in there]))
    row = board[board["dimension"] == ""].iloc[0]
    months = row["active"] * shop.past.rule.horizon_days / 30.4375
    assert churn_rate(of, None).value == pytest.approx(row["left"] / months)


def test_of_a_shop_younger_than_a_year_no_retention_is_taken(found):
    totals = found["churn_totals"].table
    young = totals[totals["measure"] != "kept_year"]
    of = source_of(churn_totals=young, churn_at_risk=found["churn_at_risk"].table)
    assert retention(of, None).value is None or np.isnan(retention(of, None).value)
