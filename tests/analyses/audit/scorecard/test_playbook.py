"""Each segment has its play, its list and its money, as the reports on value and on leaving have them."""

import numpy as np
import pandas as pd

from crmkit.analyses.audit import model_cards, playbook
from crmkit.core.language import Locale, say
from scorecards import reading

STAGES = pd.DataFrame(
    {
        "stage": ["potential", "first purchase", "repeat", "loyal", "at risk", "lapsed"],
        "n": [50, 0, 200, 100, 100, np.nan],
        "value": [0.0, 0.0, 4000.0, 9000.0, 500.0, np.nan],
        "suppressed": [False, False, False, False, False, True],
    }
)


def listed(count, *, bought=2, silent=10, money=100.0):
    return pd.DataFrame({"customer_id": range(count), "purchase_days": bought, "days_since_last": silent, "money": money})


def value(**changed):
    tables = {
        "clv_stage_table": STAGES,
        "clv_grow": pd.concat([listed(20, money=5.0), listed(4, bought=1)]),
        "clv_protect": pd.concat([listed(30, bought=6), listed(9, bought=3)]),
        "clv_wake": pd.concat([listed(15, silent=90), listed(25, silent=400, money=7.0)]),
    }
    return reading(parameters={"loyal_from": 5, "active_days": 365}, **(tables | changed))


LEAVING = pd.DataFrame(
    {
        "customer_id": range(60),
        "at_risk": 50.0,
        "profit": 2.0,
        "chosen": [True] * 40 + [False] * 20,
        "action": ["Ask why"] * 25 + ["Deliver"] * 12 + ["Rare"] * 3 + ["Ask why"] * 20,
    }
)


def rows(table, segment):
    return table[table["segment"] == segment]


def test_each_segment_has_its_numbers_and_begins_with_its_part_of_a_list(work_of):
    table = playbook(work_of(), {"clv": value()}).table
    assert table["segment"].unique().tolist() == ["potential", "repeat", "loyal", "at risk", "lapsed"]
    grow, protect = (row for _, row in rows(table, "repeat").iterrows())
    assert (grow["n"], grow["value"], grow["worth"]) == (200, 200 / 450, 4000.0)
    assert grow["low"] < grow["value"] < grow["high"]
    assert (grow["list"], grow["begin"], grow["money"]) == ("to grow", 20, 100.0)
    # nine customers are too few to be told of
    assert protect["list"] == ""
    assert np.isnan(protect["begin"])
    (loyal,) = rows(table, "loyal").to_dict("records")
    assert (loyal["list"], loyal["begin"], loyal["file"]) == ("to protect", 30, "clv_protect.csv")
    (risky,) = rows(table, "at risk").to_dict("records")
    assert (risky["begin"], risky["money"]) == (15, 1500.0)


def test_as_many_as_may_be_shown_are_shown(work_of):
    """Ten customers are the fewest that a page may speak of."""
    shown = {n: rows(playbook(work_of(), {"clv": value(clv_grow=listed(n, money=5.0))}).table, "repeat") for n in (9, 10)}
    assert np.isnan(shown[9]["begin"].iloc[0])
    assert shown[10]["begin"].iloc[0] == 10


def test_a_hidden_segment_tells_nothing(work_of):
    (row,) = rows(playbook(work_of(), {"clv": value()}).table, "lapsed").to_dict("records")
    assert all(np.isnan(row[name]) for name in ("n", "value", "low", "high", "worth", "begin", "money"))
    (shown,) = rows(
        playbook(work_of(), {"clv": value(clv_stage_table=STAGES.fillna(50).assign(suppressed=False))}).table, "lapsed"
    ).to_dict("records")
    assert (shown["begin"], shown["money"]) == (25, 175.0)


def test_the_campaign_is_told_by_what_is_suggested_and_adds_up(work_of):
    result = playbook(work_of(), {"clv": value(), "churn": reading(churn_list=LEAVING)})
    table = rows(result.table, "likely to leave, and worth a contact").set_index("play")
    rest = "Contact those for whom a contact pays, leave a control group alone"
    assert table["begin"].to_dict() == {"Ask why": 25, rest: 3, "Deliver": 12}
    assert table["money"].sum() == 80.0
    assert table["worth"].sum() == 2000.0
    said = say(result.finding.text, Locale())
    assert said == "Most money is in 30 customers of the segment “loyal”: €3,000, list “to protect”."


def test_customers_under_contract_have_tiers(work_of):
    tiers = pd.DataFrame(
        {"tier": ["A", "B", "C", "D"], "n": [20, 30, 50, 100], "value": [9.0, 5.0, 3.0, 1.0], "suppressed": False}
    )
    table = playbook(work_of(), {"clv": reading(clv_tiers=tiers)}).table
    assert table["segment"].tolist() == ["A", "B", "C", "D"]
    assert table["play"].tolist()[2:] == ["Serve well at low cost"] * 2
    assert table["value"].sum() == 1.0


def test_without_reports_nothing_is_made_up(work_of):
    assert not playbook(work_of(), {}).assessed
    assert not playbook(work_of(), {"clv": reading(reason="old"), "churn": reading()}).assessed
    alone = playbook(work_of(), {"clv": reading(), "churn": reading(churn_list=LEAVING.drop(columns="action"))})
    assert alone.table["begin"].tolist() == [40]


HELD = pd.DataFrame({"model": ["NBD", "Rate", "Mean"], "mae": [0.6, 0.9, 0.8], "mae_low": 0.5, "mae_high": 0.7, "n": 100})
FITTED = pd.DataFrame({"model": ["NBD", "Other"]})
ACCURACY = pd.DataFrame(
    {"group": "both", "measure": ["Brier", "AUC at the horizon"], "value": [0.1, 0.8], "low": 0.7, "high": 0.9, "n": 50.0}
)
TRIED = pd.DataFrame({"rule": ["the model", "silence", "silence", "gone"], "auc": [0.9, 0.6, 0.8, 0.65]})


def test_each_model_stands_beside_the_best_simple_rule():
    clv = reading(clv_accuracy=HELD, clv_model_choice=FITTED)
    table = model_cards({"clv": clv, "churn": reading(churn_accuracy=ACCURACY, churn_backtest=TRIED)}).table
    assert table[["model", "value", "rule"]].values.tolist() == [["NBD", 0.6, "Mean"], ["both", 0.8, "silence"]]
    assert table["by_rule"].tolist() == [0.8, 0.7]
    assert table["n"].tolist() == [100, 50]


def test_without_days_held_out_no_model_is_shown():
    assert not model_cards({"clv": reading(), "churn": reading(reason="old")}).assessed
    alone = model_cards({"churn": reading(churn_accuracy=ACCURACY)}).table
    assert alone["rule"].tolist() == [""]
