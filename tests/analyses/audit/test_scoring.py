"""Scores are steps, worse is never better, and no class has a score that too few indicators stand for."""

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.analyses.audit import class_scores, load_catalogue, score
from crmkit.analyses.audit.scoring import ASSESSED, NOT_ASSESSED
from crmkit.models.basics.grades import score_range

BOOK = load_catalogue()
UP, DOWN = [0.6, 0.75, 0.85, 0.95], [24, 8, 4, 2]


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0, 1), (0.5999, 1), (0.6, 2), (0.75, 3), (0.85, 4), (17 / 20, 4), (0.95, 5), (1.0, 5)]
)
def test_steps_upwards(value, expected):
    assert score(value, cuts=UP, direction="up") == expected


@pytest.mark.parametrize(("value", "expected"), [(25, 1), (24, 2), (8, 3), (4.01, 3), (4, 4), (2, 5), (0, 5)])
def test_steps_downwards(value, expected):
    assert score(value, cuts=DOWN, direction="down") == expected


@pytest.mark.parametrize(("value", "expected"), [(100, 5), (110, 5), (89, 4), (120, 4), (130, 3), (50, 2), (151, 1), (0, 1)])
def test_near_the_target_is_best(value, expected):
    assert score(value, cuts=[0.5, 0.3, 0.2, 0.1], direction="range", target=100) == expected


def test_no_value_has_no_score():
    assert math.isnan(score(math.nan, cuts=UP, direction="up"))
    assert all(math.isnan(one) for one in score_range(math.nan, 0.1, 0.9, cuts=UP, direction="up"))


def test_a_limit_that_is_not_known_may_be_anywhere():
    assert score_range(5, 4, math.nan, cuts=DOWN, direction="down") == (1, 4)
    assert score_range(150, 90, 160, cuts=[0.5, 0.3, 0.2, 0.1], direction="range", target=100) == (1, 5)


@pytest.mark.parametrize("name", BOOK.indicators)
@settings(max_examples=60)
@given(st.floats(-200, 1000), st.floats(-200, 1000), st.floats(0, 50), st.floats(0, 50))
def test_worse_never_scores_higher(name, first, second, below, above):
    one = BOOK[name]
    target = 1.0 if one.direction == "range" else one.target
    given_ = {"cuts": one.cuts, "direction": one.direction, "target": target}
    better, worse = sorted((first, second), reverse=one.direction == "up")
    if one.direction == "range":
        better, worse = sorted((first, second), key=lambda value: abs(value - target))
    assert score(worse, **given_) <= score(better, **given_)
    low, high = score_range(first, first - below, first + above, **given_)
    assert 1 <= low <= score(first, **given_) <= high <= 5


def table(scores, weights=None, group="process"):
    rows = pd.DataFrame({"score": scores, "weight": weights or [1.0] * len(scores)})
    done = rows["score"].notna()
    low_high = {"score_low": rows["score"] - 1, "score_high": rows["score"] + 1}
    return rows.assign(**low_high, status=done.map({True: ASSESSED, False: NOT_ASSESSED}), **{"class": group})


def test_a_class_is_the_weighted_mean_of_what_was_assessed():
    found = class_scores(table([5, 2, math.nan], [1, 2, 1])).iloc[0]
    assert (found["score"], found["score_low"], found["score_high"]) == (pytest.approx(3), pytest.approx(2), pytest.approx(4))
    assert (found["coverage"], found["assessed"], found["indicators"], found["status"]) == (0.75, 2, 3, ASSESSED)


def test_below_sixty_percent_of_the_weight_there_is_no_score():
    for scores, weights, enough in (
        ([5, 4, 3, math.nan, math.nan], None, True),
        ([5, 4, math.nan, math.nan, math.nan], None, False),
        ([5, math.nan], [1, 0.7], False),
        ([5, math.nan], [3, 2], True),
    ):
        found = class_scores(table(scores, weights)).iloc[0]
        assert (not math.isnan(found["score"])) is enough
        assert found["status"] == (ASSESSED if enough else NOT_ASSESSED)


def test_classes_stand_in_the_order_of_the_report():
    both = pd.concat([table([1.0], group="people"), table([5.0], group="process"), table([3.0], group="data")])
    assert class_scores(both)["class"].tolist() == ["process", "data", "people"]
