"""What real exports hold: several currencies, a wholesaler's thousands of orders, purchases for nothing, customers of today."""

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses import clv
from crmkit.core.errors import ParamError
from crmkit.core.language import Locale, say
from crmkit.core.settings import TableSettings
from crmkit.models.purchases import btyd

TERMS = clv.Terms(365, 0.1, 1.0)


def run(company, **options):
    past = clv.read(company, holdout_days=0, **options)
    models = clv.fit_models(past)
    return past, models, clv.customer_values(past, models, TERMS, draws=20)


@pytest.mark.parametrize(("rates", "said"), [({"dollar": 1.0}, "is not a currency"), ({"USD": 0.0}, "is no rate of USD")])
def test_rates_that_are_none(rates, said):
    with pytest.raises(ValueError, match=said):
        TableSettings(rates=rates)


def test_a_buyer_with_twenty_thousand_orders(make_company, simulated):
    """All of one day count once: the most is one purchase day for each day."""
    days = pd.date_range("2024-01-01", "2025-12-31")
    heavy = pd.DataFrame({"customer_id": "heavy", "ordered_at": np.resize(days, 20_000), "amount": 3.0})
    past, models, values = run(make_company(pd.concat([simulated, heavy])))
    row = values.customers.set_index("customer_id").loc["heavy"]
    assert row["purchase_days"] == len(days)
    assert row["p_alive"] > 0.99
    assert np.isfinite(values.customers[["p_alive", "expected_purchases", "clv"]].to_numpy()).all()
    assert 0.8 * 365 < row["expected_purchases"] < 1.2 * 365
    assert all(finding.id != "clv.not_fitted" for finding in clv.checks(past, models))


@pytest.mark.parametrize("model", ["pareto_nbd", "mbgnbd", "bgnbd"])
def test_twenty_thousand_purchases_of_one_customer_in_the_models(model):
    """A history that no log of days can hold, but that the formulas must survive."""
    params = {"pareto_nbd": (0.55, 10.6, 0.61, 11.7)}.get(model, (0.3, 5.0, 0.8, 2.5))
    fit = btyd.known(model, dict(zip(btyd.PARAMETERS[model], params, strict=True)))
    alive = btyd.probability_alive(fit, 20_000, 1040.0, 1040.1)
    later = btyd.expected_purchases(fit, 52, 20_000, 1040.0, 1040.1)
    assert 0.5 < alive <= 1
    assert 0.8 * 1000 * alive < later < 1.2 * 1000 * alive


def test_spends_of_zero(make_company, simulated):
    """Free orders are purchases; the spend model leaves out customers who never spent, and says so where nobody did."""
    free = simulated.assign(amount=np.where(np.arange(len(simulated)) % 4 == 0, 0.0, simulated["amount"]))
    values = run(make_company(free))[2]
    assert np.isfinite(values.customers["clv"]).all()
    past, models, nothing = run(make_company(simulated.assign(amount=0.0)))
    assert nothing.clv is None
    said = [say(finding.text, Locale()) for finding in clv.headline(past, models, None, nothing)]
    assert any("Gamma-Gamma cannot be fitted" in sentence for sentence in said)
    assert not clv.tiers(past, models, nothing).assessed
    assert clv.alive(past, nothing).assessed


def test_customers_of_the_last_day(make_company, simulated):
    """T = 0: they say nothing about rates and are valued all the same; if everybody is new, nothing can be fitted."""
    new = pd.DataFrame({"customer_id": [f"N{i}" for i in range(50)], "ordered_at": pd.Timestamp("2025-12-31"), "amount": 20.0})
    _, models, values = run(make_company(pd.concat([simulated, new])))
    late = values.customers[values.customers["T_days"] == 0]
    assert len(late) >= 50
    assert (late["p_alive"] > 0.99).all()
    assert np.isfinite(late["clv"]).all()
    past, models, nothing = run(make_company(new))
    assert nothing is None
    assert "T is 0 for every customer" in say(next(iter(models.final.reasons.values())), Locale())
    assert clv.base(past).assessed


def test_orders_by_the_minute_are_a_wrong_unit(make_company, simulated):
    """Purchases on every day by everybody: an implied rate that can hardly be is said, and nothing breaks."""
    ids = [f"C{i}" for i in range(60)]
    days = pd.date_range("2025-06-01", "2025-12-31")
    rng = np.random.default_rng(0)
    daily = pd.DataFrame(
        [(one, day, 1.0) for one in ids for day in days[: rng.integers(100, len(days))]],
        columns=["customer_id", "ordered_at", "amount"],
    )
    past, models, _ = run(make_company(daily))
    found = [finding.id for finding in clv.checks(past, models)]
    assert "clv.regularity" in found or "clv.rate" in found


@pytest.mark.parametrize("margin", [0.0, -0.2, 1.5, float("nan")])
def test_a_margin_that_is_none(margin):
    with pytest.raises(ParamError, match=r"margin: is .*a share above 0 and at most 1"):
        clv.Terms(365, 0.1, margin)
