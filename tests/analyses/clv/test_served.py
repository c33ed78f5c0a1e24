"""Speed and quality of service by tier, and the cost of serving each kind of customer."""

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses import clv
from crmkit.core.language import Locale, say

TERMS = clv.Terms(365, 0.1, 0.4)


@pytest.fixture(scope="module")
def people(simulated):
    ids = np.unique(simulated["customer_id"])
    size = np.where(np.arange(len(ids)) % 3 == 0, "large", "small")
    owner = np.where(np.arange(len(ids)) % 3 == 0, "key account", None)
    return pd.DataFrame({"customer_id": ids, "size": size, "owner": owner})


@pytest.fixture(scope="module")
def costs():
    months = pd.date_range("2025-01-01", "2025-12-01", freq="MS").date
    return pd.DataFrame([(month, "labour", 300.0) for month in months], columns=["period", "category", "amount"])


@pytest.fixture(scope="module")
def study(make_company, simulated, people, costs):
    def make(tickets=None, **others):
        tables = {"customers": people, "costs": costs} | others | ({} if tickets is None else {"tickets": tickets})
        company = make_company(simulated, min_cell=1, **tables)
        past = clv.read(company, holdout_days=0)
        values = clv.customer_values(past, clv.fit_models(past, compare=[]), TERMS, tiering=clv.Tiering([0.2, 0.5]), draws=0)
        return company, past, values

    return make


def tickets_of(people, hours):
    """A ticket of each customer on one day, answered after so many hours and solved after twice as many."""
    opened = pd.Timestamp("2025-06-02 08:00")
    wait = pd.to_timedelta(np.round(np.asarray(hours) * 3600), unit="s")
    return people[["customer_id"]].assign(
        ticket_id=[f"t{i}" for i in range(len(people))],
        opened_at=opened,
        first_response_at=opened + wait,
        resolved_at=opened + 2 * wait,
    )


def test_tiers_that_are_served_alike_are_called_so(study, people):
    hours = np.random.default_rng(0).gamma(2.0, 4.0, len(people))
    result = clv.service_quality(*study(tickets_of(people, hours)))
    assert "served alike" in say(result.finding.text, Locale())
    table = result.table
    assert table.groupby("measure")["n"].sum().tolist() == [len(people)] * 2
    first = table[table["measure"] == "Hours to the first answer"]
    assert np.average(first["value"], weights=first["n"]) == pytest.approx(hours.mean(), rel=1e-4)
    assert (first["low"] < first["value"]).all()


def test_a_tier_that_waits_longer_is_told(study, people):
    _, _, values = study()
    tier = values.customers.set_index("customer_id")["tier"].reindex(people["customer_id"])
    hours = np.random.default_rng(0).gamma(2.0, 4.0, len(people)) * np.where(tier == "A", 3.0, 1.0)
    result = clv.service_quality(*study(tickets_of(people, hours)))
    assert result.table.loc[result.table["measure"] == "Hours to the first answer", "p"].max() < 1e-6
    assert "Tiers are not served alike" in say(result.finding.text, Locale())


def test_costs_of_all_kinds_add_up(study, people):
    company, past, values = study(tickets_of(people, np.ones(len(people))))
    result = clv.service_by(company, past, values)
    table = result.table.set_index("tier")
    assert set(table.index) == {"large", "small"}
    assert table["cost"].sum() == pytest.approx(12 * 300)
    assert table["n"].sum() == len(values.customers)
    assert table.loc["large", "owner"] == "key account"
    assert table.loc["large", "cost_each"] == pytest.approx(table.loc["large", "cost"] / table.loc["large", "n"])
    assert "owner" in [column.name for column in result.columns]
    alone = clv.service_by(*study(customers=people.drop(columns="owner")))
    assert "names nobody in charge" in say(alone.note, Locale())
    assert "owner" not in [column.name for column in alone.columns]


def test_what_is_missing_is_said(study, make_company, simulated):
    company = make_company(simulated, min_cell=1)
    past = clv.read(company, holdout_days=0)
    values = clv.customer_values(past, clv.fit_models(past, compare=[]), TERMS, draws=0)
    assert "needs tickets" in say(clv.service_quality(company, past, values).reason, Locale())
    assert "needs customers with a size" in say(clv.service_by(company, past, values).reason, Locale())
    assert not clv.service_quality(company, past, None).assessed
