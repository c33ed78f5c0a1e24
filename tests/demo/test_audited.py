"""Companies with planted problems: what is true of them is in their tables, and only that."""

import numpy as np
import pandas as pd
import pytest

from crmkit.core.errors import ParamError
from crmkit.data.client import open_client
from crmkit.data.tables import TABLES
from crmkit.demo.audited import PROBLEMS, SURVEY, simulate_company, write_client
from crmkit.demo.audited.levels import AT_TARGET, TARGETS, Levels, levels_of, true_values, worse_than_target

SEEDS = range(4)
# how the formula of each is seen in a sample: places of sampling error that the mean of four companies may be off
BAND = 4.0
OF_SALES = {"R-SALESG": (0.05, True), "R-RENEW": (0.8, True), "I-COST": (1.0, False)}


def several(**wishes):
    return [simulate_company(seed=seed, customers=1500, **wishes) for seed in SEEDS]


@pytest.fixture(scope="module")
def healthy():
    return several()


def mean(made, by_hand) -> tuple[pd.Series, pd.Series]:
    values = pd.DataFrame([by_hand(one.tables) for one in made])
    return values.mean(), values.std(ddof=1)


def test_every_table_keeps_its_contract(healthy, tmp_path):
    made = healthy[0]
    for name, table in made.tables.items():
        allowed = {*TABLES[name].columns, *(SURVEY["items"] if name == "surveys" else ())}
        assert set(table.columns) <= allowed, name
        assert set(TABLES[name].required) - {"item_id"} <= set(table.columns), name
    with open_client(write_client(made, tmp_path), home=tmp_path) as client:
        assert {one.table: one.rows_kept for one in client.intake} == {name: len(table) for name, table in made.tables.items()}
        assert not any(one.set_aside for one in client.intake)


def test_equal_seeds_make_equal_companies():
    wishes = {"customers": 300, "problems": ["complex_process"]}
    one, again, other = (simulate_company(seed=seed, **wishes) for seed in (3, 3, 4))
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, again.tables[name])
    assert one.truth == again.truth
    assert not one.tables["tickets"].equals(other.tables["tickets"])


def test_a_healthy_company_is_better_than_every_target(healthy, by_hand):
    values, _ = mean(healthy, by_hand)
    for name, (target, more) in (TARGETS | OF_SALES).items():
        assert values[name] >= target if more else values[name] <= target, name
    assert values["P-CSAT"] > 0.85
    assert values["P-CES"] < 1.8
    assert values["R-NPS"] > 35
    assert healthy[0].truth["planted"] == healthy[0].truth["signs"] == healthy[0].truth["drivers"] == []
    assert set(healthy[0].truth["absent"]) == set(TARGETS)


def test_the_healthy_truth_is_in_the_tables(healthy, by_hand):
    values, spread = mean(healthy, by_hand)
    off = {
        name: (values[name], true)
        for name, true in healthy[0].truth["indicators"].items()
        if not near(name, values, true, spread)
    }
    assert off == {}


def near(name, values, true, spread) -> bool:
    """Within the sampling error of the mean, or two percent of the value; a largest gap is above its true value by chance."""
    room = BAND * spread[name] / len(SEEDS) ** 0.5 + 0.02 * abs(true) + (0.03 if name == "P-REPR" else 0)
    return abs(values[name] - true) <= room


def test_a_company_at_its_targets_is_neither_better_nor_worse(by_hand):
    made = several(at_target=True)
    values, spread = mean(made, by_hand)
    true = made[0].truth["indicators"]
    assert {name: target for name, (target, _) in TARGETS.items()} == pytest.approx(true)
    assert {name: values[name] for name in true if not near(name, values, true[name], spread)} == {}
    for name, target in (("P-CSAT", 0.8), ("P-CES", 2.0), ("R-NPS", 30), ("R-SALESG", 0.05), ("I-COST", 1.0)):
        assert abs(values[name] - target) <= BAND * spread[name] / 2, name
    assert made[0].truth["planted"] == []


@pytest.mark.parametrize("kind", PROBLEMS)
def test_each_problem_is_there_and_no_other(kind, by_hand):
    """Half as bad as can be, in a company of the usual size: each sign is far beyond its target, the rest on the good side."""
    made = [simulate_company(seed=seed, problems=[kind], severity=0.5) for seed in (0, 1)]
    values = pd.DataFrame([by_hand(one.tables) for one in made]).mean()
    truth, targets = made[0].truth, TARGETS | OF_SALES
    assert truth["signs"]
    assert set(truth["signs"]) <= set(truth["planted"])
    for name in truth["signs"]:
        target, more = targets[name]
        assert values[name] < target if more else values[name] > target, name
    for name in truth["absent"]:
        target, more = targets[name]
        # the largest gap between shares lies above the true one, which is 0
        assert name == "P-REPR" or (values[name] > target - 0.01 if more else values[name] < 1.05 * target), name


def test_problems_are_independent_switches():
    changed = {kind: set(problem.worst) for kind, problem in PROBLEMS.items()}
    kinds = list(changed)
    assert all(not changed[one] & changed[other] for place, one in enumerate(kinds) for other in kinds[place + 1 :])
    both = simulate_company(customers=50, problems={"slow_response": 0.4, "returns": 1.0}).truth
    assert both["problems"] == {"slow_response": 0.4, "returns": 1.0}
    assert both["signs"] == ["R-RETURN"]
    assert "P-RESP" in both["planted"]


def test_what_is_wrong_is_felt_through_the_customers_and_makes_them_leave(by_hand):
    """No problem touches answers or contracts: delays, hand-offs and lost records lower satisfaction, and that drives away."""
    kinds = ["slow_response", "complex_process", "scattered_data"]
    bad = simulate_company(customers=3000, seed=1, problems=kinds)
    good = simulate_company(customers=3000, seed=1)
    values, before = by_hand(bad.tables), by_hand(good.tables)
    assert values["P-CSAT"] < 0.65 < before["P-CSAT"]
    assert values["R-RENEW"] < before["R-RENEW"] - 0.03
    assert bad.truth["drivers"][:2] in (["response", "complexity"], ["complexity", "response"])
    surveys, tickets = bad.tables["surveys"], bad.tables["tickets"]
    hands = tickets.groupby("customer_id")["handoffs"].mean()
    asked = surveys[surveys["responded_at"].notna()].assign(hands=surveys["customer_id"].map(hands)).dropna(subset=["hands"])
    assert np.corrcoef(asked["hands"], asked["csat"].astype(float))[0, 1] < -0.08
    known = surveys["customer_id"].isin(bad.tables["customers"]["customer_id"])
    csat = surveys["csat"].astype(float)
    assert csat[known].mean() > csat[~known].mean() + 0.2
    waves = surveys.groupby("wave")["csat"].mean().astype(float)
    assert waves.iloc[-2:].mean() < waves.iloc[:2].mean() - 0.2


def test_raters_judge_by_what_is_true_and_err_as_told():
    fair = simulate_company(seed=2, problems={"training_gap": 1.0})
    kind = simulate_company(seed=2, problems={"training_gap": 1.0}, manager_bias=1.0, leniency=1.5)
    table = fair.tables["assessments"]
    last = table[table["cycle"] == "2025H2"]
    assert last.loc[last["standard_id"] == "A5.skills", "reality"].mean() < 1.5
    assert last.loc[last["standard_id"] == "A1.frequency", "reality"].mean() > 3.8
    means = [one.tables["assessments"].groupby("rater_role")["reality"].mean() for one in (fair, kind)]
    assert abs(means[0]["manager"] - means[0]["third_party"]) < 0.15
    assert means[1]["manager"] > means[1]["third_party"] + 0.2
    one = kind.tables["assessments"].groupby("rater_id")["reality"].mean()
    assert one["S1"] > one["S2"] + 0.2
    assert kind.truth["rater_bias"] == {"manager": 1.0, "S1": 1.5}
    assert last.groupby("rater_role")["rater_id"].nunique().to_dict() == {
        "customer": 8,
        "manager": 4,
        "staff": 8,
        "third_party": 3,
    }


def test_levels_interpolate_and_judge():
    half = levels_of({"returns": 0.5})
    assert half.returned == pytest.approx((Levels().returned + 0.16) / 2)
    assert levels_of({"returns": 0.5}, part=0.0) == Levels()
    assert worse_than_target(true_values(AT_TARGET, at_target=True)) == []
    assert worse_than_target(true_values(half)) == ["R-RETURN"]


def test_what_cannot_be_simulated_is_refused():
    with pytest.raises(ParamError, match="problems: there is no 'slow_respons'; did you mean 'slow_response'"):
        simulate_company(problems=["slow_respons"])
    with pytest.raises(ParamError, match=r"severity: 1.5 of returns is out of range; 0 to 1 is allowed"):
        simulate_company(problems=["returns"], severity=1.5)
    with pytest.raises(ParamError, match="a company exactly at its targets has none"):
        simulate_company(problems=["returns"], at_target=True)


def test_targets_are_those_of_the_catalogue():
    from crmkit.analyses.audit.catalogue import load_catalogue
    from crmkit.demo.audited.rating import CUTS, STANDARDS

    book = load_catalogue()
    for name, (target, more) in TARGETS.items():
        if name == "P-STEP":
            continue
        assert (book[name].target, book[name].direction == "up") == (target, more), name
    for name, cuts in CUTS.items():
        assert tuple(book[name].cuts) == cuts, name
    assert sum(map(len, STANDARDS.values())) <= len(book.indicators)
