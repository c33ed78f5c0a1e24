"""What is lost when a customer leaves: by hand, for customers whose probability of leaving stays the same."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses import churn

HORIZON = 90


def valued(monkeypatch, p, *, days, mrr=30.4375, margin=0.5):
    """Worth of customers who leave within each 90 days with probability p; the price makes half a unit of money per day."""

    def score(model, rows, *, later_days=0):
        return pd.DataFrame({"probability": np.asarray(p)})

    monkeypatch.setattr("crmkit.analyses.churn.fit.score", score)
    scores = pd.DataFrame({"customer_id": [f"c{i}" for i in range(len(p))], "probability": p, "mrr": mrr, "tenure_days": 400})
    work = SimpleNamespace(model=SimpleNamespace(horizon_days=HORIZON, chances=None, fit=None), scores=scores, reason=None)
    past = SimpleNamespace(rule=SimpleNamespace(horizon_days=HORIZON), shop=None, contractual=True)
    return churn.worth(past, work, value_days=days, margin=margin).customers


def test_the_first_days_are_not_counted_in_what_is_kept(monkeypatch):
    """Of 180 days, half of the customers are left after 90: these stay 90 * (1 - 1/2) / ln 2 = 64.92 more days on average."""
    found = valued(monkeypatch, [0.5], days=180)
    within = HORIZON * 0.5 / np.log(2)
    assert found["expected_days"].item() == pytest.approx(within + 0.5 * within, rel=1e-12)
    assert found["value"].item() == pytest.approx(0.5 * 1.5 * within, rel=1e-12)
    assert found["value_if_kept"].item() == pytest.approx(0.5 * within, rel=1e-12)
    assert found["at_risk"].item() == pytest.approx(0.5 * 0.5 * within, rel=1e-12)


def test_who_surely_stays_keeps_the_days_after_the_horizon(monkeypatch):
    found = valued(monkeypatch, [1e-13, 0.2], days=365)
    assert found["value_if_kept"][0] == pytest.approx(0.5 * (365 - HORIZON), rel=1e-9)
    rate = -np.log(0.8) / HORIZON
    assert found["value_if_kept"][1] == pytest.approx(0.5 * -np.expm1(-rate * (365 - HORIZON)) / rate, rel=1e-12)


def test_where_value_ends_with_the_horizon_as_many_days_are_added(monkeypatch):
    rate = -np.log(0.7) / HORIZON
    right = 0.5 * -np.expm1(-rate * HORIZON) / rate
    assert valued(monkeypatch, [0.3], days=HORIZON)["value_if_kept"].item() == pytest.approx(right, rel=1e-12)
