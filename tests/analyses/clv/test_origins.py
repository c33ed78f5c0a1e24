"""Forecasts from earlier days: made of what was known, compared with what came, and what they say of the range of today."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses import clv
from crmkit.analyses.clv import origins as module
from crmkit.analyses.clv.fit import COMPARED
from crmkit.analyses.clv.origins import earlier_ranges, levels, origin_days
from crmkit.analyses.clv.resampling import ALL, PURCHASES, VALUE
from crmkit.core.language import Locale, say
from crmkit.models.basics.past_errors import GROUP, log_errors

DAY = dt.date(2025, 12, 31)

TERMS = clv.Terms(91, 0.1, 0.5)
TIERS = clv.Tiering([0.2, 0.5])


def ranges(company, *, draws=20, terms=TERMS, compare=()):
    past = clv.read(company, holdout_days=0)
    models = clv.fit_models(past, compare=compare)
    origins = clv.past_forecasts(company, past, models, terms, tiering=TIERS)
    return past, origins, clv.customer_values(past, models, terms, tiering=TIERS, draws=draws, origins=origins)


@pytest.fixture(scope="module")
def whole(make_company, simulated):
    return ranges(make_company(simulated))


def test_an_earlier_day_knows_what_was_known_on_it(make_company, simulated, whole):
    """The forecast of a day is that of a page made on it, and what came is counted in the sales."""
    _, origins, _ = whole
    days = sorted(origins.table["origin"].unique())
    day, ahead = days[-1], origins.horizon_days
    past = clv.read(make_company(simulated, as_of=day), holdout_days=0)
    values = clv.customer_values(past, clv.fit_models(past, compare=()), replace(TERMS, horizon_days=ahead), draws=0)
    own = origins.table[(origins.table["origin"] == day) & (origins.table["group"] == ALL)].set_index("measure")
    assert own.loc[PURCHASES, "forecast"] == pytest.approx(values.purchases.value)
    assert own.loc[PURCHASES, "n"] == len(values.customers)
    bought = pd.to_datetime(simulated["ordered_at"]).dt.date
    after = simulated[(bought > day) & (bought <= day + dt.timedelta(days=ahead))]
    after = after[after["customer_id"].isin(values.customers["customer_id"])]
    assert own.loc[PURCHASES, "actual"] == len(after.drop_duplicates(["customer_id", "ordered_at"]))
    assert own.loc[VALUE, "actual"] == pytest.approx(0.5 * after["amount"].astype(float).sum())


def test_tiers_add_up_to_all(whole):
    _, origins, _ = whole
    for _, own in origins.table.groupby(["origin", "measure"]):
        parts = own[own["group"] != ALL][["forecast", "actual", "n"]].sum()
        assert parts.to_numpy() == pytest.approx(own[own["group"] == ALL][["forecast", "actual", "n"]].iloc[0].to_numpy())


def test_a_later_day_changes_no_earlier_range(make_company, simulated, whole):
    """What is forecast from a day, and the range that could be known on it, is the same with and without the days after."""
    _, origins, _ = whole
    # half a horizon earlier, so that days are shared
    _, before, _ = ranges(make_company(simulated, as_of=DAY - dt.timedelta(days=origins.horizon_days // 2)))
    assert before.horizon_days == origins.horizon_days
    judged = 0
    for (group, measure), own in origins.table.groupby(["group", "measure"]):
        same = before.table[(before.table["group"] == group) & (before.table["measure"] == measure)]
        now, then = (
            earlier_ranges(one, origins.horizon_days, level=GROUP, confidence=0.95, cut=each.cut)
            for one, each in ((own, origins), (same, before))
        )
        both = now.merge(then, on="origin", suffixes=("", "_before"))
        judged += len(both)
        for name in ("forecast", "actual", "low", "high"):
            assert both[name].to_numpy() == pytest.approx(both[f"{name}_before"].to_numpy())
    assert judged >= 4


def test_the_range_holds_parameters_chance_and_model(whole):
    past, _, values = whole
    table = values.refits.table
    # as ratios: a range that is moved down is narrower in itself; a sum of five purchases is too skewed for twenty draws
    many = table[table["group"].isin([ALL, "A", "B"])]
    wide, narrow = (log_errors(many[f"{one}_high"], many[f"{one}_low"]) for one in ("whole", "outcome"))
    assert (wide > narrow).all()
    total = table[(table["group"] == ALL) & (table["measure"] == VALUE)].iloc[0]
    assert (values.clv.low, values.clv.high) == (
        min(total["whole_low"], total["value"]),
        max(total["whole_high"], total["value"]),
    )
    assert (table["held"] <= table["judged"]).all()
    shown = clv.past_ranges(past, values)
    assert shown.table["group"].tolist() == [ALL, "A", "B", "C"]
    judged = int(shown.table["judged"].sum())
    assert judged >= 8
    assert f"Of {judged} earlier ranges" in say(shown.finding.text, Locale())
    said = say(clv.totals(past, values).note, Locale())
    assert "how far earlier forecasts were off" in said


def test_the_cost_of_keeping_customers_comes_off_the_range(make_company, simulated, whole):
    """It is known, so a range is as wide with it as without, and lies lower by just that."""
    past, origins, _ = whole
    dear = replace(TERMS, retention_cost=1.0)
    models = clv.fit_models(past, compare=())
    values = clv.customer_values(past, models, dear, tiering=clv.Tiering(), draws=20, origins=origins)
    plain = clv.customer_values(past, models, TERMS, tiering=clv.Tiering(), draws=20, origins=origins)
    rows = [one.refits.table.set_index(["group", "measure"]).loc[(ALL, VALUE)] for one in (plain, values)]
    cost = values.customers["years_kept"].sum()
    assert rows[0]["value"] - rows[1]["value"] == pytest.approx(cost)
    assert rows[0]["whole_low"] - rows[1]["whole_low"] == pytest.approx(cost, rel=0.2)
    assert rows[1]["whole_high"] - rows[1]["whole_low"] == pytest.approx(rows[0]["whole_high"] - rows[0]["whole_low"], rel=0.02)


def test_of_very_many_customers_some_are_taken(make_company, simulated, whole, monkeypatch):
    past, origins, _ = whole
    monkeypatch.setattr(module, "MOST_CUSTOMERS", 200)
    some = clv.past_forecasts(make_company(simulated), past, clv.fit_models(past, compare=()), TERMS, tiering=TIERS)
    both = origins.table.merge(some.table, on=["origin", "group", "measure"], suffixes=("", "_some"))
    both = both[both["group"] == ALL]
    assert both["origin"].nunique() >= 3
    assert both["n_some"].between(0.25 * both["n"], 200).all()
    assert (both["forecast_some"] / both["n_some"]).to_numpy() == pytest.approx(
        (both["forecast"] / both["n"]).to_numpy(), rel=0.5
    )


def test_where_only_purchases_can_be_tested_value_says_so(make_company, simulated, whole):
    past, origins, _ = whole
    bought = replace(origins, table=origins.table[origins.table["measure"] == PURCHASES])
    values = clv.customer_values(past, clv.fit_models(past, compare=()), TERMS, tiering=TIERS, draws=20, origins=bought)
    assert "that of value leaves out the error of the model" in say(clv.totals(past, values).note, Locale())
    methods = clv.totals(past, values).table.set_index("measure")["method"]
    assert "earlier forecasts" in methods["purchases"]
    assert "earlier forecasts" not in methods["clv"]
    shown = clv.past_ranges(past, values)
    assert set(shown.table["measure"]) == {PURCHASES}
    assert {column.unit for column in shown.columns[1:]} == {"count"}


def test_where_no_earlier_day_can_be_tested_the_range_says_so(make_company, simulated):
    first = pd.to_datetime(simulated["ordered_at"]).min().date()
    past, origins, values = ranges(make_company(simulated, as_of=first + dt.timedelta(days=80)))
    assert origins is None
    assert "without the error of the model" in say(clv.totals(past, values).note, Locale())
    assert "needs purchases, a horizon, and three earlier days" in say(clv.past_ranges(past, values).reason, Locale())
    assert "whole_low" not in values.refits.table


@pytest.mark.parametrize(
    ("span", "horizon", "ahead", "number"),
    [(730, 365, 182, 5), (1460, 365, 365, 5), (546, 364, 182, 3), (100, 365, 45, 0), (4000, 30, 30, 12)],
)
def test_days_to_forecast_from(span, horizon, ahead, number):
    end = dt.date(2025, 12, 31)
    start = end - dt.timedelta(days=span)
    found, days = origin_days(start, end, horizon)
    assert (found, len(days)) == ((ahead, number) if number else (0, 0))
    assert days == sorted(days)
    for day in days:
        assert day + dt.timedelta(days=found) <= end
        assert (day - start).days >= found


def test_a_fall_that_repeats_moves_the_level_and_is_in_the_range(make_company):
    """Customers who buy ever more rarely, which no model knows: forecasts are too high each time, and the range is moved."""
    rng, rows = np.random.default_rng(2), []
    for i in range(300):
        day, rate = float(rng.integers(0, 60)), rng.gamma(1.5, 0.08)
        end = rng.exponential(1 / rng.gamma(0.6, 1 / 300))
        while day < min(1000.0, end):
            rows.append((f"c{i:03d}", pd.Timestamp("2023-01-01") + pd.Timedelta(days=int(day)), 10.0))
            day += max(1.0, rng.exponential(1 / (rate * np.exp(-day / 1500))))
    sales = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"]).drop_duplicates()
    end = dt.date(2024, 12, 31)
    _, _, values = ranges(make_company(sales, as_of=end), compare=COMPARED, terms=replace(TERMS, horizon_days=182))
    came = sales[
        (sales["ordered_at"] > pd.Timestamp(end)) & (sales["ordered_at"] <= pd.Timestamp(end) + pd.Timedelta(days=182))
    ]
    table = values.refits.table
    row = table[(table["group"] == ALL) & (table["measure"] == PURCHASES)].iloc[0]
    assert row["corrected"] < row["value"]
    assert row["whole_low"] <= len(came) <= row["whole_high"]
    assert not row["outcome_low"] <= len(came) <= row["outcome_high"]


def test_tiers_are_moved_by_what_their_forecasts_were_off_by_and_totals_stay(make_company, simulated, whole):
    """A last tier that brought three times its forecast on every earlier day is expected to bring more than the model says."""
    past, origins, _ = whole
    models = clv.fit_models(past, compare=())
    late = origins.table["group"].eq("C")
    came = origins.table["actual"].mask(late, 3 * origins.table["forecast"])
    planted = replace(origins, table=origins.table.assign(actual=came))
    alone = clv.customer_values(past, models, TERMS, tiering=TIERS, draws=20)
    values = clv.customer_values(past, models, TERMS, tiering=TIERS, draws=20, origins=planted)
    assert (values.clv.value, values.purchases.value) == pytest.approx((alone.clv.value, alone.purchases.value))
    before, after = (one.customers.set_index("customer_id") for one in (alone, values))
    assert after["tier"].equals(before["tier"])
    for name in ("clv", "expected_purchases"):
        assert after[name].sum() == pytest.approx(before[name].sum())
        last = after["tier"] == "C"
        assert after.loc[last, name].sum() > 1.3 * before.loc[last, name].sum()
    # nobody overtakes anybody
    order = before["clv"].sort_values(ascending=False, kind="stable").index
    assert (np.diff(after["clv"].reindex(order)) <= 1e-9).all()
    # what the table of tiers says is the sum of its customers, inside its range
    table = values.refits.table.set_index(["group", "measure"])
    for tier, own in values.customers.groupby("tier"):
        row = table.loc[(tier, VALUE)]
        assert row["value"] == pytest.approx(own["clv"].sum())
        assert row["whole_low"] <= row["value"] <= row["whole_high"]
        assert row["model"] == pytest.approx(before.loc[before["tier"] == tier, "clv"].sum())
    # limits of single customers are moved with them
    least = values.customers[values.customers["tier"] == "C"].nlargest(5, "clv")
    unmoved = alone.customers.loc[least.index]
    limits = [clv.resampling.customer_limits(one, who, confidence=0.95) for one, who in ((values, least), (alone, unmoved))]
    ratio = (limits[0]["high"] / limits[1]["high"]).to_numpy()
    assert ratio == pytest.approx((least["clv"] / unmoved["clv"]).to_numpy(), rel=1e-6)


def test_levels_of_nothing_and_of_one_tier_change_nothing():
    none = np.zeros(3)
    places, tiers = np.arange(3), np.array(["A", "A", "A"])
    assert levels(none, places, tiers, {"A": 0.3}, ordered=True).tolist() == [1.0, 1.0, 1.0]
    each = np.array([3.0, 2.0, 0.0])
    assert levels(each, places, tiers, {"A": 0.3}, ordered=True) == pytest.approx([1.0, 1.0, 1.0], rel=0.5)
    assert (each * levels(each, places, tiers, {"A": 0.3}, ordered=True)).tolist() == pytest.approx([3.0, 2.0, 0.0])
    assert (each * levels(each, places, tiers, {}, ordered=True)).tolist() == [3.0, 2.0, 0.0]
