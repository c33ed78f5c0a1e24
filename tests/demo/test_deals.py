"""Deals of TechCo: what is drawn is what the module says, and the file that comes with the kit is that draw."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmkit.demo.techco.deals import DAYS_TO_LOSE, DAYS_TO_WIN, GOES_ON, STAGES, add_deals

DEMO = Path(__file__).parents[2] / "data" / "demo" / "techco"


@pytest.fixture(scope="module")
def deals():
    contracts = pd.DataFrame({"customer_id": [f"C{n}" for n in range(50)], "started_at": "2020-01-01"})
    drawn = [add_deals(np.random.default_rng(seed), contracts, as_of="2025-12-31")["opportunities"] for seed in range(40)]
    table = pd.concat(drawn)
    return table.assign(days=(pd.to_datetime(table["closed_at"]) - pd.to_datetime(table["created_at"])).dt.days)


def test_who_passes_every_stage_is_won(deals):
    decided = deals[(deals["won"] != "") & (deals["created_at"] < "2025-06-01")]
    share = (decided["won"] == "True").mean()
    truth = np.prod(GOES_ON)
    assert abs(share - truth) < 3 * np.sqrt(truth * (1 - truth) / len(decided))
    assert (decided.loc[decided["won"] == "True", "stage"] == STAGES[-1]).all()
    assert (decided.loc[decided["won"] == "False", "stage"] != STAGES[-1]).all()


def test_how_long_deals_take(deals):
    old = deals[deals["created_at"] < "2025-01-01"].groupby("won")["days"].median()
    assert old["True"] == pytest.approx(DAYS_TO_WIN, rel=0.06)
    assert old["False"] == pytest.approx(DAYS_TO_LOSE, rel=0.06)


def test_the_file_is_of_customers_under_contract_that_day():
    table = pd.read_csv(DEMO / "opportunities.csv")
    first = pd.read_csv(DEMO / "subscriptions.csv").groupby("customer_id")["started_at"].min()
    assert (pd.to_datetime(table["created_at"]).to_numpy() >= pd.to_datetime(first.loc[table["customer_id"]]).to_numpy()).all()
    assert table["closed_at"].notna().equals(table["won"].notna())
    assert table["opportunity_id"].is_unique
