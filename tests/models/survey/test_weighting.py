"""Raking and calibrated errors: identities, a planted bias removed, coverage by simulation, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.purchases.calibrated import weighted_mean
from crmkit.models.survey.weighting import design_effect, effective_n, rake

TARGETS = {"region": {"N": 0.5, "S": 0.3, "W": 0.2}, "channel": {"web": 0.6, "phone": 0.4}}


def customers(n, seed):
    """Customers whose score depends on region and channel, and who answer the more often the happier their region is."""
    rng = np.random.default_rng(seed)
    region = rng.choice(["N", "S", "W"], n, p=[0.5, 0.3, 0.2])
    channel = rng.choice(["web", "phone"], n, p=[0.6, 0.4])
    level = pd.Series(region).map({"N": 0.6, "S": -0.4, "W": -1.0}).to_numpy() + np.where(channel == "web", -0.3, 0.4)
    answers = rng.random(n) < pd.Series(region).map({"N": 0.5, "S": 0.35, "W": 0.25}).to_numpy() * np.where(
        channel == "web", 0.8, 1.0
    )
    score = 7 + level + rng.normal(0, 1.5, n)
    people = pd.DataFrame({"region": region, "channel": channel, "score": score})
    return people[answers].reset_index(drop=True)


TRUTH = 7 + (0.5 * 0.6 - 0.3 * 0.4 - 0.2 * 1.0) + (-0.6 * 0.3 + 0.4 * 0.4)


def test_margins_are_met_and_order_does_not_matter():
    people = customers(3000, 0)
    found = rake(people, TARGETS)
    assert found.largest_gap < 1e-10
    assert found.weights.sum() == pytest.approx(len(people))
    assert found.margins["after_share"].to_numpy() == pytest.approx(found.margins["target_share"].to_numpy(), abs=1e-10)
    assert found.margins["respondents"].sum() == 2 * len(people)
    assert found.effective_n == pytest.approx(len(people) / found.design_effect)
    turned = rake(people[::-1], dict(reversed(TARGETS.items())), population=5e6)
    assert turned.weights[::-1] == pytest.approx(found.weights * 5e6 / len(people), rel=1e-8)


def test_counts_set_the_population_and_one_margin_is_poststratification():
    people = customers(1000, 1)
    found = rake(people, {"region": {"N": 500, "S": 300, "W": 200}})
    assert found.weights.sum() == pytest.approx(1000)
    assert found.rounds <= 2
    n = people["region"].value_counts()
    assert found.weights == pytest.approx(
        (people["region"].map({"N": 500, "S": 300, "W": 200}) / people["region"].map(n)).to_numpy()
    )


def test_raking_twice_changes_nothing():
    people = customers(1000, 2)
    once = rake(people, TARGETS)
    assert rake(people, TARGETS, design_weights=once.weights).weights == pytest.approx(once.weights, rel=1e-8)


def test_a_planted_bias_is_cut_by_four_fifths():
    """Mean over 40 surveys; unweighted the score is a quarter point too high."""
    plain, weighted = [], []
    for seed in range(40):
        people = customers(8000, seed)
        plain.append(people["score"].mean() - TRUTH)
        weighted.append(weighted_mean(people["score"], rake(people, TARGETS)).value - TRUTH)
    assert np.mean(plain) > 0.15
    assert abs(np.mean(weighted)) <= 0.2 * abs(np.mean(plain))
    assert np.abs(weighted).mean() <= 0.2 * np.abs(plain).mean()


@pytest.mark.parametrize("replications", [400, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.long
def test_calibrated_intervals_cover(replications):
    hits, narrower = 0, 0
    for seed in range(replications):
        people = customers(1000, seed)
        raking = rake(people, TARGETS)
        found = weighted_mean(people["score"], raking)
        hits += found.low <= TRUTH <= found.high
        narrower += found.standard_error < weighted_mean(people["score"], raking.weights).standard_error
    band = 2.576 * np.sqrt(0.95 * 0.05 / replications)
    assert abs(hits / replications - 0.95) <= band, hits / replications
    assert narrower == replications


def test_errors_do_not_depend_on_rows_and_shares_stay_within_bounds():
    people = customers(500, 3)
    raking = rake(people, TARGETS)
    top = (people["score"] > 10).to_numpy(float)
    found = weighted_mean(top, raking, scale="logit")
    assert 0 < found.low < found.value < found.high < 1
    all_same = weighted_mean(np.ones(500)[: len(people)], raking, scale="logit")
    assert all_same.low == all_same.high == 1
    gaps = people["score"].where(people.index % 7 > 0)
    among = weighted_mean(people["score"], raking, among=gaps.notna())
    left_out = weighted_mean(gaps, raking)
    assert left_out.value == pytest.approx(among.value)
    assert left_out.standard_error == pytest.approx(among.standard_error)
    assert left_out.n == gaps.notna().sum()


def test_trimming_holds_the_limit_and_tells_the_gap():
    people = pd.DataFrame({"region": ["N"] * 95 + ["S"] * 5, "channel": (["web"] * 3 + ["phone"] * 2) * 20})
    goal = {"region": {"N": 0.7, "S": 0.3}, "channel": TARGETS["channel"]}
    with pytest.raises(ModelError, match=r"the largest is 8\.1 times the median"):
        rake(people, goal)
    with pytest.raises(ModelError, match=r"within 3 times the mean a share stays off by 1.\.\d%"):
        rake(people, goal, most=3)
    found = rake(people, goal, most=5.5)
    assert found.largest_gap < 0.05
    assert found.trimmed_share == 0.05
    assert found.largest_ratio < 8.1
    loose = rake(people, goal, most=50)
    assert loose.trimmed_share == 0
    assert loose.largest_gap < 1e-10


def test_all_problems_at_once():
    people = pd.DataFrame({"region": ["N", "S", None], "channel": ["web", "fax", "web"]})
    goal = {"region": {"N": 50, "S": 30, "W": 20}, "channel": {"web": 60, "phon": 50}, "regoin": {"N": 100}}
    with pytest.raises(ModelError) as err:
        rake(people, goal)
    text = str(err.value)
    for piece in (
        "margin 'region' is missing for 1 respondents (row 2)",
        "margin 'region' has a target but no respondent in 'W'; join it with a similar level",
        "margin 'channel' has respondents in 'fax' but no target",
        "margin 'channel' adds up to 110, but margin 'region' to 100",
        "margin 'regoin' has no column; did you mean 'region'?",
    ):
        assert piece in text


def test_margins_that_contradict_each_other():
    """Everyone in the north used the web: no weights give the north half and the web two fifths."""
    people = pd.DataFrame({"region": ["N", "N", "S", "S"], "channel": ["web", "web", "phone", "phone"]})
    with pytest.raises(ModelError, match="cannot be met together"):
        rake(people, {"region": {"N": 0.5, "S": 0.5}, "channel": {"web": 0.4, "phone": 0.6}})


def test_refuses_bad_input():
    people = pd.DataFrame({"region": ["N", "S"]})
    goal = {"region": {"N": 0.5, "S": 0.5}}
    with pytest.raises(ModelError, match="2 design weights above 0"):
        rake(people, goal, design_weights=[1, 0])
    with pytest.raises(ModelError, match="above 1"):
        rake(people, goal, most=1)
    with pytest.raises(ModelError, match="targets are above 0"):
        rake(people, {"region": {"N": 1.0, "S": 0.0}})
    with pytest.raises(ModelError, match="0 or more"):
        design_effect([1, -1])
    with pytest.raises(ModelError, match="no spread"):
        weighted_mean([1.0, np.nan])
    with pytest.raises(ModelError, match="one cluster"):
        weighted_mean([1.0, 2.0], clusters=["a", "a"])
    with pytest.raises(ModelError, match="3 values but 2 weights"):
        weighted_mean([1.0, 2.0, 3.0], rake(people, goal))
    with pytest.raises(ModelError, match="no logit interval"):
        weighted_mean([1.0, 2.0], scale="logit")
    with pytest.raises(ModelError, match="impossible"):
        weighted_mean([1.0, 2.0], drawn_from=1)
    assert effective_n([2, 2, 2]) == 3
