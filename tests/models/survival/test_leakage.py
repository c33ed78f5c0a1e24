"""Columns that know the future are found, each by its own rule, and clean data are left alone."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmkit.models.survival import LEAKAGE_RULES, audit_leakage
from crmkit.models.survival.judging import leakage as rules


def clean(seed=0, n=4000):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "price": rng.normal(50, 15, n), "calls": rng.poisson(2, n) * 1.0, "contract": rng.choice(["month", "year"], n),
            "usage": rng.normal(0, 1, n), "survey": np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n)),
        }
    )  # fmt: skip
    eta = (
        0.02 * (X["price"].to_numpy() - 50)
        + 0.2 * X["calls"].to_numpy()
        - 1.2 * (X["contract"].to_numpy() == "year")
        - 0.5 * X["usage"].to_numpy()
    )
    time, until = np.ceil(rng.exponential(1 / (0.02 * np.exp(eta)))), rng.integers(1, 60, n)
    return X, np.minimum(time, until), time <= until


def high(table):
    return (
        set(zip(*table.loc[table["severity"] == "high", ["column", "rule"]].to_numpy().T, strict=True)) if len(table) else set()
    )


@pytest.mark.parametrize("seed", range(10))
def test_clean_data_have_no_high(seed):
    X, time, left = clean(seed)
    later = clean(seed + 100)
    dated = {"price": ["2025-01-01"] * 4000}
    options = {"dated": dated, "cutoff": "2025-06-30", "train_ids": range(10), "test_ids": range(20, 30)}
    table = audit_leakage(X, time, left, at_entry=clean(seed)[0], out_of_time=later, **options)
    assert not high(table), table


def disguised(seed=0):
    X, time, left = clean(seed)
    rng = np.random.default_rng(seed + 1)
    f = left.astype(float)
    noise = f.std() * np.sqrt(1 / 0.8**2 - 1)  # correlation .8 with leaving
    team = np.where(rng.random(len(f)) < 0.9, f, 1 - f) * 40 + rng.integers(0, 40, len(f))
    planted = {
        "segment_code": f,
        "activity_next_month": np.where(left, 0.0, 5 + X["usage"]) + rng.normal(0, 0.5, len(f)),
        "engagement": f + rng.normal(0, noise, len(f)),
        "team_rate": pd.Series(f).groupby(team).transform("mean").to_numpy(),
        "nps": np.where(left, np.nan, rng.normal(size=len(f))),
    }
    return X.assign(**planted), time, left, list(planted)


@pytest.mark.parametrize("seed", range(3))
def test_disguised_leaks_are_found(seed):
    """Renamed, lagged, a noisy copy with r = .8, aggregated by team, missing for leavers only: at least four of the five."""
    X, time, left, planted = disguised(seed)
    found = {column for column, _ in high(audit_leakage(X, time, left))}
    assert len(found & set(planted)) >= 4
    assert found <= set(planted)


def single_leak(rule):
    """Data in which only this rule has something to find, and the options it needs."""
    X, time, left = clean(3)
    rng = np.random.default_rng(0)
    if rule == "future_date":
        return X, time, left, "price", {"dated": {"price": ["2025-06-01", "2025-07-15"]}, "cutoff": "2025-06-30"}
    if rule == "name":
        return X.rename(columns={"usage": "total_usage"}), time, left, "total_usage", {}
    if rule == "tenure":
        return X.assign(balance=time * rng.uniform(0.6, 1.4, len(time))), time, left, "balance", {}
    if rule == "alone":
        return X.assign(code=left + rng.normal(0, 0.3, len(time))), time, left, "code", {}
    if rule == "missing":
        return X.assign(nps=np.where(left, np.nan, rng.normal(size=len(time)))), time, left, "nps", {}
    if rule == "constant":
        return X.assign(tier=np.where(left, "none", rng.choice(["none", "a", "b", "c"], len(time)))), time, left, "tier", {}
    if rule == "duplicates":
        return X, time, left, "", {"train_ids": ["a", "b"], "test_ids": ["b", "c"]}
    if rule == "late_value":
        before = rng.normal(0, 3, len(time))
        now = before - np.where(left, rng.uniform(1, 2, len(time)), 0) + rng.normal(0, 0.3, len(time))
        return X.assign(logins=now), time, left, "logins", {"at_entry": X.assign(logins=before)}
    # lift: a column that foretells when, which alone is not enough to be conspicuous
    hint = -np.log(time) + rng.normal(0, 0.45, len(time)) + 0.4 * left
    later, later_time, later_left = clean(4)
    other = -np.log(later_time) + rng.normal(0, 0.45, len(later_time)) + 0.4 * later_left
    return X.assign(hint=hint), time, left, "hint", {"out_of_time": (later.assign(hint=other), later_time, later_left)}


@pytest.mark.parametrize("rule", list(LEAKAGE_RULES))
def test_each_rule_finds_its_leak(rule):
    X, time, left, column, options = single_leak(rule)
    table = audit_leakage(X, time, left, **options)
    row = table[(table["column"] == column) & (table["rule"] == rule)]
    assert len(row) == 1, table
    assert row["value"].iloc[0] > row["limit"].iloc[0]
    assert row["severity"].iloc[0] == ("warning" if rule == "name" else "high")
    if rule == "name":
        assert row["value"].iloc[0] == 1.0  # it is there or not


def test_a_rule_is_said_in_its_own_words():
    assert LEAKAGE_RULES["duplicates"] == "the same customers are in training and test"
    assert LEAKAGE_RULES["late_value"] == "changes towards the end for leavers"


@pytest.mark.parametrize("rule", ["alone", "missing", "constant", "late_value", "duplicates", "future_date", "name"])
def test_without_its_rule_a_leak_would_pass(rule, monkeypatch):
    """No other rule covers for it. What runs with the time as a customer ("tenure", "lift") also orders the times ("alone")."""
    function = {"future_date": "_dates", "late_value": "_late"}.get(rule, f"_{rule}")
    monkeypatch.setattr(rules, function, lambda *arguments: [])
    X, time, left, column, options = single_leak(rule)
    table = audit_leakage(X, time, left, **options)
    assert column not in set(table.loc[table["severity"] == "high", "column"])


def test_the_charges_of_telco_are_found():
    path = Path(__file__).parents[2] / "published" / "ibm_2018_telco" / "telco.py"
    spec = importlib.util.spec_from_file_location("telco", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    t = module.read_telco()
    table = audit_leakage(t.drop(columns=["churn", "tenure"]), t["tenure"], t["churn"] == "Yes")
    assert high(table) == {("total_charges", "tenure")}
    assert set(table["column"]) == {"total_charges"}
    assert table.loc[table["rule"] == "tenure", "value"].iloc[0] == pytest.approx(0.89, abs=0.005)


@pytest.mark.parametrize(("leavers", "found"), [(rules.FEWEST - 1, []), (rules.FEWEST, ["constant"])])
def test_leavers_who_are_all_alike_are_told_from_so_many_on(leavers, found):
    left = np.arange(100) < leavers
    column = pd.Series(np.where(left, "gone", "there"))
    assert [row[1] for row in rules._constant("state", column, left)] == found
