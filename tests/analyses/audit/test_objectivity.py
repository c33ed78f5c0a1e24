"""Objectivity of the form: agreement, leniency, and self-assessment beside other eyes and data."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses.audit.form import load_form, standard_scores
from crmkit.analyses.audit.form.answers import rated
from crmkit.analyses.audit.objectivity import agreement, gap_table, gaps, rater_leniency

spec = importlib.util.spec_from_file_location("audit_conftest", Path(__file__).parent / "conftest.py")
here = importlib.util.module_from_spec(spec)
spec.loader.exec_module(here)
ratings = here.ratings


@pytest.fixture(scope="module")
def answers_of():
    evidence = pd.DataFrame({"evidence_id": ["E1"], "kind": ["document"]})
    return lambda table, **options: rated(table, evidence, load_form(), **options)


def test_agreement_over_all_and_per_item(answers_of):
    found = agreement(answers_of(ratings(noise=0.1)))
    assert found.table["group"].tolist()[:2] == ["All standards", "Contact with customers"]
    assert len(found.table) == 1 + 5 + 2
    assert (found.table["low"] <= found.table["value"]).all()
    assert (found.table["value"] <= found.table["high"]).all()
    assert {"group", "value", "verdict"} <= {column.name for column in found.columns}
    whole = found.table.iloc[0]
    assert whole["n"] == 17 * 12
    assert whole["verdict"] in ("tentative", "reliable")
    loud = agreement(answers_of(ratings(noise=2.5)))
    assert loud.table["verdict"].iloc[0] == "not reliable"
    assert loud.finding.action is not None
    assert found.finding.action is None


def test_equal_ratings_have_no_alpha(answers_of):
    found = agreement(answers_of(ratings(level=20)))
    assert not found.assessed
    assert "all ratings are equal" in found.reason.numbers["reason"].template


def test_a_kind_rater_is_flagged_and_named_by_role_and_number(answers_of):
    """+1.5 points on one of twelve: flagged in 95 % of 100 forms or more, others in 5 % or fewer."""
    hits, others = 0, 0
    for seed in range(100):
        table = rater_leniency(answers_of(ratings(seed, bias={"staff2": 1.5}, level=2.8))).table
        flagged = table[table["flagged"]]
        hits += ((flagged["role"] == "Staff") & (flagged["number"] == 3)).any()
        others += len(flagged) > 1
    assert hits >= 95
    assert others <= 5


@pytest.mark.long
def test_no_rater_is_flagged_where_all_are_alike(answers_of):
    assert sum(rater_leniency(answers_of(ratings(seed))).table["flagged"].any() for seed in range(100)) <= 5


def test_too_few_raters_is_said(answers_of):
    assert not rater_leniency(answers_of(ratings(roles={"manager": 2}))).assessed
    assert not agreement(answers_of(ratings(roles={"manager": 1}))).assessed


def test_managers_who_think_well_of_themselves(answers_of):
    """+1.0 against the third party: the interval covers the truth, and the gap is found."""
    covered, found = 0, 0
    for seed in range(100):
        table = gap_table(answers_of(ratings(seed, bias={"manager": 1.0}, level=2.5, noise=0.5)), None)
        gap = table[(table["group"] == "Managers less third party") & (table["item"] == "")].iloc[0]
        covered += gap["low"] <= 1.0 <= gap["high"]
        found += gap["p_value"] < 0.05
    assert covered >= 90
    assert found >= 95


def test_gaps_against_data_and_per_item(answers_of):
    answers = answers_of(ratings(1, bias={"manager": 1.5}, level=2.5))
    truth = standard_scores(answers).set_index("standard")["third_party"]
    ids = {indicator: truth[standard.id] for standard in load_form() for indicator in standard.indicators}
    state = pd.DataFrame({"indicator": list(ids), "score": list(ids.values())})
    table = gap_table(answers, state)
    assert set(table["group"]) >= {"Managers less data", "Third party less data", "Managers less staff"}
    whole = table[table["item"] == ""].set_index("group")
    assert whole.loc["Managers less data", "low"] > 0.5
    assert abs(whole.loc["Third party less data", "value"]) < 0.3
    items = table[(table["item"] != "") & (table["group"] == "Managers less data")]
    assert len(items) == 5
    assert set(items["item"]) == {item.id for item in load_form().items}
    assert np.average(items["value"], weights=items["n"]) == pytest.approx(whole.loc["Managers less data", "value"])
    result = gaps(answers, state)
    assert result.finding.passed is False
    assert result.finding.text.numbers["name"].template.startswith("Managers less")


@pytest.mark.long
def test_no_gap_where_there_is_none(answers_of):
    """Any gap called at all, in forms without bias: at most what .05 allows."""
    called = sum(gaps(answers_of(ratings(seed)), None, gap_points=0.0).finding.passed is False for seed in range(100))
    assert called <= 11  # one-sided 99 % limit of 5 of 100


def test_one_role_alone_has_nobody_to_be_compared_with(answers_of):
    assert not gaps(answers_of(ratings(roles={"manager": 4})), None).assessed
