"""Each indicator of a class stands in one part; parts and the quality of the relationship are weighted means."""

import pytest

from crmkit.analyses.audit import quality, scorecard
from crmkit.analyses.audit.scorecard.parts import PARTS, QUALITY
from crmkit.core.language import Locale, say
from scorecards import BOOK, indicator


def test_each_indicator_of_a_class_stands_in_one_part():
    for group, parts in PARTS.items():
        listed = [name for ids in parts.values() for name in ids]
        assert sorted(listed) == sorted(one.id for one in BOOK if one.group == group)


def test_the_parts_are_those_of_the_system_of_indicators():
    assert [len(PARTS[group]) for group in ("process", "outcome", "input_output")] == [4, 4, 3]


def test_a_part_is_the_weighted_mean_of_its_scores_with_the_range_that_is_possible(work_of):
    work = work_of(indicator("P-CSAT", 0.8, 4), indicator("P-CES", 2.0, 2), indicator("I-COST", 0.1, 5))
    table = scorecard(work).table.set_index("part")
    assert table.index.tolist() == ["Satisfaction", "Cost of it"]
    own = table.loc["Satisfaction"]
    assert (own["score"], own["low"], own["high"], own["of"]) == (3.0, 2.0, 4.0, "2 / 2")
    assert (own["best"], own["worst"]) == (BOOK["P-CSAT"].en, BOOK["P-CES"].en)
    assert table.loc["Cost of it", "best"] == ""
    assert (
        say(scorecard(work).finding.text, Locale()) == "Strongest part: Cost of it, 5.0 of 5. Weakest: Satisfaction, 3.0 of 5."
    )


def test_a_part_of_which_too_little_is_known_has_no_score(work_of):
    rows = [indicator("P-CMPR", 5.0, 4), *(indicator(name, 1.0, 3, assessed=False) for name in ("P-CMPT", "P-CACK"))]
    work = work_of(*rows, indicator("I-COST", 0.1, 5))
    own = scorecard(work).table.set_index("part").loc["Handling of complaints"]
    assert own["score"] != own["score"]
    assert own["of"] == "1 / 3"
    assert not scorecard(work_of(*rows)).assessed
    assert not scorecard(work_of()).assessed


def test_the_weights_of_the_relationship_are_one():
    assert sum(weight for _, weight in QUALITY.values()) == pytest.approx(1)


def test_the_quality_of_the_relationship_is_weighted(work_of):
    scores = {"P-FCR": 5, "P-RESP": 1, "P-CSAT": 3, "R-RET": 2, "R-NPS": 4}
    result = quality(work_of(*(indicator(name, 0.5, score) for name, score in scores.items())))
    assert say(result.finding.text, Locale()) == (
        "The quality of the relationship scores 3.0 of 5; weakest: First response within the agreed time."
    )
    assert (result.table["weight"] * result.table["score"]).sum() == pytest.approx(3.0)
    assert set(result.table["aspect"]) == {"Service that works", "Speed of support", "Satisfaction", "Loyalty"}


def test_without_most_of_its_weight_there_is_no_quality(work_of):
    half = [indicator("P-FCR", 0.5, 5), indicator("P-RESP", 0.5, 5)]
    others = [indicator(name, 0.5, 3, assessed=False) for name in ("P-CSAT", "R-RET", "R-NPS")]
    assert not quality(work_of(*half, *others)).assessed
    assert quality(work_of(*half, indicator("R-RET", 0.5, 3), *others[::2])).assessed
