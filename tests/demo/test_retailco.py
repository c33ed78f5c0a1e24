"""RetailCo: files that a shop could have exported, and a truth that agrees with them."""

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from crmkit.demo.company import Company
from crmkit.demo.retailco.company import AS_OF, CUSTOMERS, LAWS, SEED, simulate
from crmkit.demo.retailco.voices import FORM, PROGRAMME_DAY


@pytest.fixture(scope="module")
def small() -> Company:
    return simulate(CUSTOMERS, SEED)


@pytest.fixture(scope="module")
def large() -> Company:
    return simulate(40_000, 0)


def test_columns_are_those_of_the_dictionary(small):
    from crmkit.data.tables import TABLES

    for name, table in small.tables.items():
        known = {*TABLES[name].columns, *(FORM.items if name == "surveys" else ())}
        assert set(table.columns) <= known
        assert set(TABLES[name].required) - {"item_id"} <= set(table.columns)
    assert not small.tables["transactions"].isna().any(axis=None)
    gaps = small.tables["customers"].isna().mean()
    assert set(gaps[gaps > 0].index) == {"email", "phone"}


def test_customers(small):
    table = small.tables["customers"]
    assert len(table) == CUSTOMERS
    assert table["customer_id"].is_unique
    assert table["customer_id"].str.fullmatch(r"R\d{5}").all()
    assert table["email"].dropna().str.endswith("@example.com").all()
    assert table["name"].str.contains(r"[\u4e00-\u9fff]").mean() == pytest.approx(0.5, abs=0.05)
    assert table["region"].nunique() == table["acquisition_channel"].nunique() == 4


def test_transactions(small):
    table, customers = small.tables["transactions"], small.tables["customers"]
    assert table["ordered_at"].max() <= pd.Timestamp(AS_OF)
    assert table["customer_id"].isin(customers["customer_id"]).all()
    assert not table.duplicated().any()
    assert ((table["amount"] < 0) == table["is_return"]).all()
    assert np.allclose(table["amount"] * 100, (table["amount"] * 100).round(), atol=1e-6)
    assert (table["cost"] >= 0).all()
    assert 0.02 < table["is_return"].mean() < 0.04
    first = table.groupby("customer_id")["ordered_at"].min()
    registered = customers.set_index("customer_id")["created_at"]
    assert (registered.loc[first.index] <= first).all()


def test_what_comes_back_was_bought(small):
    table = small.tables["transactions"]
    bought, back = table[~table["is_return"]], table[table["is_return"]]
    pairs = back.merge(bought, on=["order_id", "product"], suffixes=("_back", ""))
    assert len(pairs) == len(back)
    assert (pairs["amount_back"] == -pairs["amount"]).all()
    assert (pairs["customer_id_back"] == pairs["customer_id"]).all()
    assert (pairs["ordered_at_back"] > pairs["ordered_at"]).all()


def test_truth_agrees_with_the_files(small):
    truth = json.loads(json.dumps(small.truth))
    bought = small.tables["transactions"].loc[lambda table: ~table["is_return"]]
    assert truth["buyers"]["past_purchases"] == bought["order_id"].nunique()
    assert truth["buyers"]["past_spend"] == pytest.approx(bought["amount"].sum())
    assert truth["buyers"]["customers"] == bought["customer_id"].nunique() == CUSTOMERS - truth["never_bought"]
    assert sum(truth["future_purchases"].values()) == truth["buyers"]["actual_purchases"]
    assert sum(truth["future_spend"].values()) == pytest.approx(truth["buyers"]["actual_spend"])
    assert set(truth["future_purchases"]) <= set(bought["customer_id"])
    for fact in ("customers", "alive_at_as_of", "past_purchases", "actual_purchases"):
        assert sum(tier[fact] for tier in truth["tiers_by_past_spend"].values()) == truth["buyers"][fact]
    means = [tier["past_spend"] / tier["customers"] for tier in truth["tiers_by_past_spend"].values()]
    assert all(higher > lower for higher, lower in pairwise(means))


@pytest.mark.long
def test_the_future_is_what_was_to_be_expected(large):
    """Actual less expected purchases: 99.9 % band with the variance of a Poisson count inflated by uncertain lifetimes."""
    buyers = large.truth["buyers"]
    spread = 3.29 * (3 * buyers["expected_purchases"]) ** 0.5
    assert abs(buyers["actual_purchases"] - buyers["expected_purchases"]) < spread
    assert buyers["actual_spend"] / buyers["actual_purchases"] == pytest.approx(LAWS.mean_spend, rel=0.03)
    repeats = buyers["past_purchases"] - buyers["customers"]
    assert repeats == pytest.approx(large.truth["expected_repeat_purchases_until_as_of"], rel=0.03)


def test_groups_differ_as_they_were_made(large):
    customers, sales = large.tables["customers"], large.tables["transactions"].loc[lambda table: ~table["is_return"]]
    orders = sales.groupby("customer_id")["order_id"].nunique()
    spend = sales.groupby("customer_id")["amount"].sum() / orders
    known = customers.set_index("customer_id").assign(orders=orders, spend=spend).dropna()
    by_channel, by_size = known.groupby("acquisition_channel")["orders"].mean(), known.groupby("size")["spend"].mean()
    assert by_channel["referral"] > 1.3 * by_channel["social"]
    assert by_size["large firm"] > by_size["small firm"] > by_size["private"]
    assert abs(np.corrcoef(known["orders"], known["spend"])[0, 1]) < 0.05


def test_surveys_of_people_who_bought(small):
    surveys, sales = small.tables["surveys"], small.tables["transactions"]
    asked = surveys.merge(sales.groupby("customer_id")["ordered_at"].min().rename("first"), on="customer_id")
    assert len(asked) == len(surveys)
    assert (asked["first"] < asked["sent_at"]).all()
    came = surveys["responded_at"].notna()
    assert surveys.loc[~came, FORM.items].isna().all(axis=None)
    assert (surveys.loc[came, "responded_at"] > surveys.loc[came, "sent_at"]).all()
    assert surveys["response_id"].is_unique


def test_satisfaction_falls_and_the_move_is_seen(large):
    waves = pd.DataFrame(large.truth["surveys"]["waves"]).T
    assert waves["csat_mean"].iloc[-1] < waves["csat_mean"].iloc[0] - 0.1
    assert waves["csat_mean"].idxmin() == large.truth["surveys"]["planted"]["shift"]["wave"]
    others = (waves["csat_mean"].iloc[2] + waves["csat_mean"].iloc[4]) / 2
    assert waves.loc["2025Q2", "csat_mean"] < others - 0.15


def test_referrals_agree_with_the_customers(small):
    referrals, customers = small.tables["referrals"], small.tables["customers"].set_index("customer_id")
    first = small.tables["transactions"].groupby("customer_id")["ordered_at"].min()
    converted = referrals[referrals["converted_at"].notna()].set_index("referred_id")
    assert (customers.loc[converted.index, "acquisition_channel"] == "referral").all()
    assert (converted["converted_at"] == first.loc[converted.index]).all()
    assert (converted["converted_at"] > converted["referred_at"]).all()
    assert not referrals.loc[referrals["converted_at"].isna(), "referred_id"].isin(customers.index).any()
    # nobody recommends before having bought
    assert (first.loc[referrals["referrer_id"]].to_numpy() < referrals["referred_at"].to_numpy()).all()
    assert (len(referrals), len(converted)) == (small.truth["referrals"]["referred"], small.truth["referrals"]["converted"])


def test_members_bought_often_before_and_not_because_of_it(large):
    """Among equals before the programme, members and others buy equally often after it: 99.9 % band of the difference."""
    sales = large.tables["transactions"].loc[lambda table: ~table["is_return"]]
    day = (sales["ordered_at"] - pd.Timestamp("2024-01-01")).dt.days
    before = sales[day < PROGRAMME_DAY].groupby("customer_id")["order_id"].nunique()
    after = sales[day >= PROGRAMME_DAY].groupby("customer_id")["order_id"].nunique().reindex(before.index, fill_value=0)
    member = pd.Series(before.index.isin(large.tables["loyalty"]["customer_id"]), before.index)
    assert after[member].mean() > 1.2 * after[~member].mean()
    equals = before == 2
    groups = [after[equals & member], after[equals & ~member]]
    spread = sum(group.var() / len(group) for group in groups) ** 0.5
    assert abs(groups[0].mean() - groups[1].mean()) < 3.29 * spread
