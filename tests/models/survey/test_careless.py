"""Careless answers: simple cases, agreement with plain loops, recall and false positives on simulated questionnaires."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.core.errors import ModelError
from crmkit.models.survey.careless import (
    _mean,
    careless,
    duplicates,
    even_odd,
    irv,
    longstring,
    mahalanobis,
    speeders,
)

ROWS = st.lists(st.lists(st.integers(1, 5), min_size=6, max_size=6), min_size=1, max_size=20)
BLOCKS = [range(5 * block, 5 * block + 5) for block in range(4)]
REVERSED = [3, 8, 13, 18]


def questionnaires(n, seed, share=0.04):
    """20 items in four blocks, a strong common impression, many very satisfied; some do not read: straight lines, zigzags,
    chance. Those take a third of the time."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n, 1))
    block = np.repeat(0.75 * common + 0.65 * rng.normal(size=(n, 4)), 5, axis=1)
    x = np.clip(np.round(3.9 + 0.9 * block + 0.6 * rng.normal(size=(n, 20))), 1, 5)
    x[:, REVERSED] = 6 - x[:, REVERSED]
    bad = rng.random(n) < share
    kind = rng.integers(0, 3, n)
    straight = np.repeat(rng.integers(1, 6, n)[:, None], 20, axis=1)
    zigzag = (np.arange(20) + rng.integers(0, 5, n)[:, None]) % 5 + 1
    chance = rng.integers(1, 6, (n, 20))
    x = np.where(bad[:, None], np.choose(kind[:, None], [straight, zigzag, chance]), x)
    seconds = np.exp(rng.normal(np.log(120), 0.35, n)) * np.where(bad, 0.33, 1.0)
    return x, seconds, bad


@given(ROWS)
def test_runs_and_variability_equal_plain_loops(rows):
    x = np.array(rows, dtype=float)
    for row, longest, spread in zip(x, longstring(x), irv(x), strict=True):
        runs = np.split(row, np.flatnonzero(np.diff(row)) + 1)
        assert longest == max(len(run) for run in runs)
        assert spread == pytest.approx(row.std(ddof=1), abs=1e-12)


def test_missing_answers():
    gaps = np.array([[3, 3, np.nan, 3, 3, 3, 1], [np.nan] * 7])
    assert longstring(gaps).tolist() == [3, 0]
    assert irv(gaps)[0] == pytest.approx(np.std([3, 3, 3, 3, 3, 1], ddof=1))
    assert np.isnan(irv(gaps)[1])
    assert speeders([np.nan, np.nan], items=5).tolist() == [False, False]


def test_distance_equals_the_plain_formula():
    x = np.random.default_rng(0).normal(size=(50, 4))
    inverse = np.linalg.inv(np.cov(x, rowvar=False))
    gap = x - x.mean(0)
    assert mahalanobis(x) == pytest.approx([row @ inverse @ row for row in gap])
    assert mahalanobis(np.column_stack([x, np.full(50, 3.0)])) == pytest.approx(mahalanobis(x))
    assert mahalanobis(x).mean() == pytest.approx(4 * 49 / 50)


def test_consistency():
    rng = np.random.default_rng(1)
    level = rng.permutation(5)
    perfect = np.repeat(level, 4)[None, :] + 1.0
    blocks = [range(4 * k, 4 * k + 4) for k in range(5)]
    assert even_odd(perfect, blocks=blocks)[0] == pytest.approx(-1)
    assert np.isnan(even_odd(np.full((1, 20), 4.0), blocks=blocks)[0])
    opposite = perfect.copy()
    opposite[0, 1::2] = 6 - opposite[0, 1::2]
    assert even_odd(opposite, blocks=blocks)[0] == 1


@pytest.mark.parametrize("surveys", [10, pytest.param(200, marks=pytest.mark.slow)])
def test_recall_and_false_positives(surveys):
    """4 % careless of 2,000: at least 85 % found, at most 2 % of the others accused; with and without time."""
    found = np.zeros((2, 2))
    for seed in range(surveys):
        x, seconds, bad = questionnaires(2000, seed)
        for row, took in enumerate((seconds, None)):
            flag = careless(x, blocks=BLOCKS, reversed_items=REVERSED, seconds=took, scale=(1, 5))["careless"].to_numpy()
            found[row] += flag[bad].mean() / surveys, flag[~bad].mean() / surveys
    (recall, accused), (recall_blind, accused_blind) = found
    assert recall >= 0.85, found
    assert accused <= 0.02, found
    assert accused_blind <= 0.02, found
    assert recall_blind >= 0.5, found  # what is lost without time


def test_satisfied_customers_are_not_accused():
    x, *_ = questionnaires(500, 0, share=0)
    x[:50] = 5.0
    x[:50][:, REVERSED] = 1.0
    table = careless(x, blocks=BLOCKS, reversed_items=REVERSED, seconds=np.full(500, 120.0), scale=(1, 5))
    assert not table["careless"][:50].any()
    x[:50] = 5.0  # the same mark for both wordings
    table = careless(x, blocks=BLOCKS, reversed_items=REVERSED, seconds=np.full(500, 120.0), scale=(1, 5))
    assert table["careless"][:50].all()
    assert table["reason"][0][0] == "same answer throughout"
    all_fives = np.full((400, 8), 5.0)
    all_fives[300:] = np.random.default_rng(0).integers(1, 6, (100, 8))
    assert not careless(all_fives)["careless"][:300].any()


def test_missing_answers_are_no_part_of_a_mean():
    found = _mean(np.array([[2.0, np.nan, 4.0], [np.nan, np.nan, np.nan]]))
    assert found[0] == 3
    assert np.isnan(found[1])


def test_duplicates():
    x, *_ = questionnaires(50, 2)
    again = np.vstack([x, x[:3], np.full((2, 20), 5.0)])
    assert np.flatnonzero(duplicates(again)).tolist() == [50, 51, 52]
    # alike but for one answer, twice: chance rarely repeats eight answers that are not all equal
    nearly = np.array([[4.0] * 7 + [5.0]] * 2 + [[4.0] * 8] * 2)
    assert duplicates(nearly).tolist() == [False, True, False, False]
    senders = np.array(["a", "b", None, None, "a"], dtype=object)
    assert duplicates(x[:5], senders=senders).tolist() == [False, False, False, False, True]
    table = careless(again, senders=np.r_[np.arange(50), [0, 60, 61], [70, 71]])
    assert table["careless"][50]
    assert table["duplicate"].sum() == 1


def test_refuses_bad_input():
    with pytest.raises(ModelError, match="at least 6 are needed"):
        careless(np.ones((10, 4)))
    with pytest.raises(ModelError, match="too few for 20 items"):
        mahalanobis(np.random.default_rng(0).normal(size=(20, 20)))
    with pytest.raises(ModelError, match="three blocks"):
        even_odd(np.ones((3, 6)), blocks=[[0, 1], [2, 3]])
    with pytest.raises(ModelError, match="respondents by items"):
        longstring([1, 2, 3])
