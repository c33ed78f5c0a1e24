"""What is bought together: planted pairs are found, chance is called chance, and all counts are of customers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses import clv
from crmkit.core.language import Locale, say


def sales_of(together, seed=0, n=400):
    """Customers with three purchases; every one of kind a is followed by b in a share of cases, else kinds come by chance."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        kinds = list(rng.choice(["a", "b", "c", "d"], 3))
        if "a" in kinds and rng.random() < together:
            kinds[(kinds.index("a") + 1) % 3] = "b"
        days = pd.to_datetime("2025-01-01") + pd.to_timedelta(np.sort(rng.choice(300, 3, replace=False)), unit="D")
        rows += [(f"c{i:03d}", day, 10.0, kind) for day, kind in zip(days, kinds, strict=True)]
    return pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount", "category"])


def study(make_company, sales):
    company = make_company(sales)
    return company, clv.read(company, holdout_days=0)


def test_a_planted_pair_comes_first(make_company):
    sales = sales_of(1.0)
    company, past = study(make_company, sales)
    result = clv.cross_sell(company, past)
    first = result.table.iloc[0]
    assert (first["first"], first["second"]) in {("a", "b"), ("b", "a")}
    bought = {kind: set(own["customer_id"]) for kind, own in sales.groupby("category")}
    one, other = bought[first["first"]], bought[first["second"]]
    assert (first["n"], first["open"]) == (len(one), len(one - other))
    assert first["value"] == pytest.approx(len(one & other) / len(one))
    assert first["others"] == pytest.approx(len(other - one) / (sales["customer_id"].nunique() - len(one)))
    assert first["p"] < 1e-4
    said = result.finding.text.numbers
    assert (said["share"].value, said["others"].value) == (first["value"], first["others"])
    narrow = replace(past, confidence=0.5)
    assert (clv.cross_sell(company, narrow).table["high"] < result.table["high"]).all()
    assert say(result.finding.action, Locale()).startswith("Offer b to the" if first["second"] == "b" else "Offer a to the")


def test_goods_bought_by_chance_are_not_offered(make_company):
    # three purchases of four kinds: who has one kind has less room for the others, never more
    result = clv.cross_sell(*study(make_company, sales_of(0.0, seed=3)))
    assert "No two kinds of goods" in say(result.finding.text, Locale())
    assert result.finding.action is None


def test_small_groups_and_missing_columns(make_company):
    sales = sales_of(0.5)
    few = sales[sales["customer_id"] < "c012"]
    assert not clv.cross_sell(*study(make_company, few)).assessed
    assert "needs transactions" in say(clv.cross_sell(*study(make_company, sales.drop(columns="category"))).reason, Locale())
    table = clv.cross_sell(*study(make_company, sales)).table
    assert table[["open", "n_others", "both"]].min().min() >= 10
