"""Purchases without amounts, of which pages count and say nothing of money; and customers of whom nobody leaves."""

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses import clv
from crmkit.core.language import Locale, say

TERMS = clv.Terms(365, 0.1, 1.0)
RULES = clv.StageRules()
MONEY_WORDS = ("€", "expected value", "of value", "value per", "as value", "spend", "spent", "money", "revenue")


def study(company, holdout_days):
    past = clv.read(company, holdout_days=holdout_days)
    models = clv.fit_models(past)
    return past, models, clv.hold_out(past, models), clv.customer_values(past, models, TERMS, draws=20)


def words(result):
    """What a result says: its title, finding and note, headers of its columns."""
    texts = [result.title, result.finding.text if result.finding else None, result.note]
    return " ".join([say(text, Locale()) for text in texts] + [column.label for column in result.columns])


@pytest.fixture(scope="module")
def counted(make_company, simulated):
    return study(make_company(simulated.drop(columns="amount")), 120)


@pytest.fixture(scope="module")
def priced(make_company, simulated):
    return study(make_company(simulated), 120)


def test_purchases_are_forecast_as_with_amounts(counted, priced):
    columns = ["customer_id", "p_alive", "expected_purchases"]
    pd.testing.assert_frame_equal(counted[3].customers[columns], priced[3].customers[columns])
    assert counted[3].clv is None


def test_exhibits_speak_of_purchases(counted):
    past, _, _, values = counted
    shown = [
        clv.base(past),
        clv.totals(past, values),
        clv.stage_table(past, values, rules=RULES),
        clv.rfm_grid(past, values),
        clv.rfm_segments(past, values),
        clv.migration(past),
    ]
    for result in shown:
        assert result.table is not None
        assert not [word for word in MONEY_WORDS if word in words(result).lower()], result.name
        assert "money" not in result.table.get("unit", pd.Series(dtype=object)).tolist()
    table = shown[2].table
    assert table["value"].sum() == pytest.approx(values.customers["expected_purchases"].sum(), rel=0.05)


def test_what_needs_money_says_so(counted, make_company):
    past, models, _, values = counted
    for result in (
        clv.concentration(past, values),
        clv.tiers(past, models, values),
        clv.segments(past, values, by=["region"]),
        clv.protect(past, values, rules=RULES),
        clv.top_customers(past, values, most=5),
    ):
        assert result.table is None
        assert "the transactions hold no amounts" in " ".join(say(one, Locale()) for one in (result.note, result.reason))


def test_the_headline_says_that_there_are_no_amounts(counted):
    past, models, check, values = counted
    ids = [finding.id for finding in clv.headline(past, models, check, values)]
    assert "clv.no_amounts" in ids
    assert "clv.no_spend_model" not in ids


def test_amounts_of_nothing_are_still_amounts(make_company, simulated):
    past = clv.read(make_company(simulated.assign(amount=0.0)), holdout_days=0)
    ids = [finding.id for finding in clv.checks(past, clv.fit_models(past))]
    assert "clv.no_spend_model" in ids
    assert "clv.no_amounts" not in ids


@pytest.fixture(scope="module")
def stayers(make_company):
    rng, end = np.random.default_rng(20261129), pd.Timestamp("2025-12-31")
    rows = []
    for one in range(120):
        day = pd.Timestamp("2022-01-01") + pd.Timedelta(days=int(rng.integers(0, 500)))
        while day <= end:
            rows.append({"customer_id": f"C{one:03d}", "ordered_at": day, "amount": 20 + rng.gamma(4.0, 2.0)})
            day += pd.Timedelta(days=1 + int(rng.exponential(90)))
    return study(make_company(pd.DataFrame(rows)), 0)


def test_where_nobody_leaves_everybody_is_valued(stayers):
    _, models, _, values = stayers
    assert list(models.final.fits) == ["nbd"]
    assert values.customers["p_alive"].min() > 1 - 1e-9
    assert (values.customers["clv"] > 0).all()
    # one purchase in 90.5 days
    assert 3.7 < values.customers["expected_purchases"].mean() < 4.4


def test_that_nobody_leaves_is_said_once(stayers):
    past, models, check, values = stayers
    findings = clv.headline(past, models, check, values)
    said = [say(finding.text, Locale()) for finding in findings]
    assert sum("no sign that anybody leaves" in one for one in said) == 1
    assert not any("be fitted" in one for one in said)
    table = clv.fit_table(past, models).table
    assert not {"s", "beta"} & set(table["measure"])
