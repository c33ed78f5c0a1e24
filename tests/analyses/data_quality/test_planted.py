"""Planted faults are found as large as they are, by tables that go the whole way through the engine."""

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses.data_quality.indicators import measured

PERSONS = 400
MATCHED, DOUBLED, MISSING = 0.72, 0.12, 0.22
# two records of one person are seen to be of one where both hold the same address or the same number
SEEN = 1 - (1 - (1 - MISSING) ** 2) ** 2
TRUTH = {
    "D-MATCH": MATCHED,
    "D-DUP": DOUBLED * SEEN,
    "D-COMP": 1 - MISSING / 2,  # of four cells the two contacts are missing so often
}


def planted(seed):
    """Persons of whom 72 % are listed; 12 % of the records are one too many; 22 % of the contacts are missing."""
    rng = np.random.default_rng(seed)
    person = np.flatnonzero(rng.random(PERSONS) < MATCHED)
    twice = person[rng.random(len(person)) < DOUBLED / (1 - DOUBLED)]
    who = np.concatenate([person, twice])
    n = len(who)
    ids = [f"c{one}" if place < len(person) else f"d{one}" for place, one in enumerate(who)]
    email = np.where(rng.random(n) < MISSING, None, [f"{one}@x.org" for one in who])
    phone = np.where(rng.random(n) < MISSING, None, [f"030 100{one:04d}" for one in who])
    customers = pd.DataFrame({"customer_id": ids, "name": "N", "email": email, "phone": phone, "region": "North"})
    sales = pd.DataFrame({"customer_id": [f"c{one}" for one in range(PERSONS)], "ordered_at": "2025-05-05", "amount": 10.0})
    return {"customers": customers, "transactions": sales}


def held(checked, seeds):
    inside = dict.fromkeys(TRUTH, 0)
    for seed in seeds:
        table = measured(checked(planted(seed))).set_index("indicator")
        for name, true in TRUTH.items():
            inside[name] += bool(table.loc[name, "low"] <= true <= table.loc[name, "high"])
    return inside


def test_one_company_is_near_the_truth(checked):
    table = measured(checked(planted(0))).set_index("indicator")
    for name, true in TRUTH.items():
        assert table.loc[name, "value"] == pytest.approx(true, abs=0.07), name


@pytest.mark.slow
def test_limits_hold_the_truth_as_often_as_they_say(checked):
    """The 99 % binomial band around 95 % at 1,000 replications."""
    inside = held(checked, range(1000))
    assert all(931 <= times <= 967 for times in inside.values()), inside
