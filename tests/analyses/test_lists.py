"""Nobody stands in two lists of calls, to protect, to wake, to grow; the campaign takes nobody who waits for a call."""

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses import churn, clv, satisfaction
from crmkit.core.errors import ReportError
from crmkit.core.language import Locale, say
from crmkit.core.privacy import pseudonyms
from crmkit.data.summaries.waiting import CALLS, CAMPAIGN, ORDER

KEY = b"secret"
ITEMS = {"nps": {"scale": [0, 10], "kind": "nps"}}


@pytest.fixture(scope="module")
def shop(simulated, make_survey_company):
    """A shop of which every third customer has given an answer, half of them a low one."""
    asked = sorted(simulated["customer_id"].unique())[::3]
    day = pd.Timestamp("2025-12-01")
    given = pd.DataFrame(
        {"response_id": [f"S{k:03d}" for k in range(len(asked))], "customer_id": asked, "wave": "2025Q4", "responded_at": day}
    )
    given["nps"] = np.where(np.arange(len(asked)) % 2, 2, 9)
    company = make_survey_company(given, ITEMS, transactions=simulated)
    company.key = lambda: KEY
    return company


@pytest.fixture(scope="module")
def lists(shop):
    """The lists as the three reports make them, each with what was read of the one before."""
    past = clv.read(shop, holdout_days=0)
    values = clv.customer_values(past, clv.fit_models(past, compare=[]), clv.Terms(365, 0.1, 0.4), draws=0)
    rules, calls = clv.StageRules(active_days=240), clv.waiting(shop)
    made = [one(past, values, rules=rules, calls=calls) for one in (clv.protect, clv.wake, clv.grow)]
    kept = {one.name: one.table.assign(customer_id=pseudonyms(one.table["customer_id"], key=KEY)) for one in made}

    def table(name):
        if name not in kept:
            raise ReportError(f"no table {name}")
        return kept[name]

    reading = SimpleNamespace(reason=None, report=None, table=table)
    gone = churn.history(shop, churn.define())
    work = churn.study(gone)
    worth = churn.worth(gone, work, value_days=365, margin=0.4, key=KEY)
    offer = churn.Campaign(save_rate=0.5, offer_cost=0.5, contact_cost=0.01, uptake=0.5)
    taken = churn.taken(shop, reading)
    plan = churn.make_plan(gone, worth, offer, contacts=100, taken=taken, key=KEY)
    free = churn.make_plan(gone, worth, offer, contacts=100, key=KEY)
    calling = satisfaction.closed_loop(satisfaction.answers(shop), due_days=14)
    every = (calling, *made, churn.assignment(gone, plan))
    return {one.name: one for one in every}, plan, free


def test_no_customer_stands_in_two_lists(lists):
    held = {name: set(one.table["customer_id"]) for name, one in lists[0].items()}
    assert list(held) == list(ORDER)
    assert all(held[name] for name in ORDER if name != "clv_grow")
    campaign = held.pop(CAMPAIGN)
    assert {(a, b): held[a] & held[b] for a, b in combinations(held, 2) if held[a] & held[b]} == {}
    assert campaign & held[CALLS] == set()


def test_the_campaign_is_chosen_by_what_it_earns_and_says_who_stands_in_another_list(lists):
    made, plan, free = lists
    table = made[CAMPAIGN].table
    also = dict(zip(table["customer_id"], table["also"], strict=True))
    for name in ("clv_protect", "clv_wake", "clv_grow"):
        own = set(made[name].table["customer_id"])
        assert {one for one, word in also.items() if word == ORDER[name]} == own & set(also)
    both = sum(word != "" for word in also.values())
    assert both
    assert f"{both} customers stand in a list of the value report too" in say(made[CAMPAIGN].note, Locale())
    # whom the value report would wake or protect is worth a contact here too
    assert plan.rows.loc[plan.rows["chosen"], "profit"].sum() <= free.rows.loc[free.rows["chosen"], "profit"].sum()
    assert plan.rows["customer_id"].isin(free.rows["customer_id"]).all()


def test_each_list_says_whom_it_leaves_to_another(lists):
    made, plan, free = lists
    said = {name: say(one.note, Locale()) for name, one in made.items()}
    assert "left out of all other lists" in said[CALLS]
    assert "by the list of calls." in said["clv_protect"]
    assert "first" in said["clv_wake"]
    assert sum(plan.others.values()) > 0
    assert set(plan.others) == {CALLS}
    assert f"{plan.others[CALLS]} by the list of calls" in said[CAMPAIGN]
    # those who are left to others were in the campaign
    assert len(free.rows) - len(plan.rows) >= sum(plan.others.values())


def test_each_list_is_sorted_by_what_stands_beside_the_customer(lists):
    for name, one in lists[0].items():
        key = one.columns[1].name
        groups = one.table.groupby("reason", sort=False) if name == "clv_protect" else [("", one.table)]
        assert all(rows[key].is_monotonic_decreasing for _, rows in groups), name
