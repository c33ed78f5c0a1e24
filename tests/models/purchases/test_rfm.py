"""RFM: equal values, equal scores; 125 cells, each in one segment; customers counted exactly once when they move."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.core.errors import ModelError, ParamError
from crmkit.models.purchases import rfm

VALUES = st.lists(st.integers(0, 6), min_size=1, max_size=60)


def columns(draw_from):
    return [np.array(column, dtype=float) for column in zip(*draw_from, strict=True)]


ROWS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5), st.integers(0, 30)), min_size=1, max_size=60)


@settings(max_examples=200, deadline=None)
@given(ROWS)
def test_scores_follow_the_rule(drawn):
    days, often, money = columns(drawn)
    r, f, m = rfm.scores(rfm.rules(days, often, money), days, often, money)
    for values, score in ((-days, r), (often, f), (money, m)):
        assert ((score >= 1) & (score <= 5)).all()
        for value in np.unique(values):
            worse = int((values < value).sum())
            # score s where at least (s - 1) / 5 of all do strictly worse
            assert set(score[values == value]) == {1 + (5 * worse) // len(values)}
        order = np.argsort(values, kind="stable")
        assert (np.diff(score[order]) >= 0).all()


@settings(max_examples=50, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_order_does_not_matter(drawn, random):
    mixed = list(drawn)
    random.shuffle(mixed)
    assert rfm.rules(*columns(mixed)) == rfm.rules(*columns(drawn))


def test_fifths_where_nothing_is_equal():
    values = np.random.default_rng(0).permutation(1000).astype(float)
    scores = rfm.scores(rfm.rules(values, values, values), values, values, values)
    for score in scores:
        assert np.bincount(score).tolist() == [0, 200, 200, 200, 200, 200]
    assert (scores[0] == 6 - scores[1]).all()


def test_each_of_125_cells_is_in_exactly_one_segment():
    cells = list(product(range(1, 6), repeat=3))
    hits = dict.fromkeys(cells, 0)
    for _, r, f, m in rfm.BOXES:
        for cell in product(*([int(digit) for digit in digits] for digits in (r, f, m))):
            hits[cell] += 1
    assert set(hits.values()) == {1}
    assert set(rfm.segment_map()) == set(cells)
    assert set(rfm.segment_map().values()) == set(rfm.SEGMENTS)
    assert len(set(rfm.SEGMENTS)) == len(rfm.SEGMENTS)
    assert rfm.segments(*np.array(cells).T).tolist() == [rfm.segment_map()[cell] for cell in cells]


def test_a_better_score_never_makes_a_worse_segment_of_the_same_recency():
    """Among customers of equal recency, more purchases and more money never lead down the list."""
    rank = {name: place for place, name in enumerate(rfm.SEGMENTS)}
    for (r, f, m), name in rfm.segment_map().items():
        for better in ((r, min(f + 1, 5), m), (r, f, min(m + 1, 5))):
            assert rank[rfm.segment_map()[better]] <= rank[name], ((r, f, m), better)


def test_own_cut_points_and_frozen_rules():
    rule = rfm.Rules((90, 60, 30, 7), (2, 3, 5, 10), (20, 50, 100, 500))
    r, f, m = rfm.scores(rule, [7, 8, 90, 91], [10, 9, 2, 1], [500, 499.99, 20, 0])
    assert (r.tolist(), f.tolist(), m.tolist()) == ([5, 4, 2, 1], [5, 4, 2, 1], [5, 4, 2, 1])
    days = np.arange(100.0)
    frozen = rfm.rules(days, days, days)
    later = rfm.scores(frozen, days + 50, days + 50, days)
    assert np.bincount(later[0], minlength=6).tolist()[1:] == [70, 20, 10, 0, 0]  # nobody has become more recent
    assert np.bincount(later[1], minlength=6).tolist()[1:] == [0, 0, 10, 20, 70]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: rfm.Rules((7, 30, 60, 90), (1, 2, 3, 4), (1, 2, 3, 4)),
            ParamError,
            "cuts of recency are [7, 30, 60, 90]; four",
        ),
        (lambda: rfm.Rules((4, 3, 2, 1), (1, 2, 3), (1, 2, 3, 4)), ParamError, "cuts of frequency are [1, 2, 3]; four numbers"),
        (lambda: rfm.Rules((4, 3, 2, 1), (1, 2, 3, 4), (1, 2, 3, np.nan)), ParamError, "cuts of monetary"),
        (lambda: rfm.rules([], [], []), ModelError, "no customers"),
        (lambda: rfm.rules([1], [1, 2], [1]), ModelError, "have shapes (1,), (2,) and (1,)"),
        (lambda: rfm.rules([1, 2], [1, np.nan], [1, 2]), ModelError, "rfm: frequency is missing or infinite (row 1)"),
        (lambda: rfm.segments([0], [1], [6]), ModelError, "are not whole numbers from 1 to 5 (row 0)"),
        (
            lambda: rfm.migration(["Champion"], ["Lost"]),
            ParamError,
            "segment 'Champion' is not in the order; did you",
        ),
        (lambda: rfm.migration(["Lost"], ["Lost", "Lost"]), ModelError, "1 customers before and 2 after"),
        (lambda: rfm.migration([None], [None]), ModelError, "at neither date"),
        (lambda: rfm.migration(["Lost"], ["Lost"], value_after=[1, 2]), ModelError, "value_after has 2 values for 1 customers"),
    ],
)
def test_what_is_refused(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)


def test_one_customer_and_equal_customers():
    assert [score.tolist() for score in rfm.scores(rfm.rules([3], [1], [9]), [3], [1], [9])] == [[1], [1], [1]]
    same = np.ones(50)
    assert {int(score.max()) for score in rfm.scores(rfm.rules(same, same, same), same, same, same)} == {1}


def test_a_cell_of_the_grid_has_its_two_scores():
    table = rfm.grid([5, 5, 2], [1, 1, 4])
    assert table[table["n"] > 0].to_numpy().tolist() == [[2, 4, 1], [5, 1, 2]]


def test_the_grid_holds_everyone():
    rng = np.random.default_rng(0)
    r, f = rng.integers(1, 6, (2, 500))
    value, alive = rng.gamma(2.0, 50, 500), rng.random(500)
    table = rfm.grid(r, f, value=value, p_alive=alive)
    assert len(table) == 25
    assert table["n"].sum() == 500
    assert table["value"].sum() == pytest.approx(value.sum(), rel=1e-12)
    assert (table["n"] * table["p_alive"].fillna(0)).sum() == pytest.approx(alive.sum(), rel=1e-12)


LABELS = st.sampled_from([None, "A", "B", "C"])
MOVES = st.tuples(LABELS, LABELS, st.integers(0, 9), st.integers(0, 9)).filter(lambda row: row[0] or row[1])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(LABELS, LABELS, st.integers(0, 9), st.integers(0, 9)).filter(lambda row: row[0] or row[1]), min_size=1)
)
def test_every_customer_moves_exactly_once(moves):
    before, after, old, new = zip(*moves, strict=True)
    table = rfm.migration(before, after, value_before=old, value_after=new, order=["A", "B", "C"])
    assert len(table) == 15
    assert table["n"].sum() == len(moves)
    assert table["value_before"].sum() == sum(old)
    assert table["change"].sum() == sum(new) - sum(old)
    for row in table.itertuples():
        start = None if row.before == "New" else row.before
        end = None if row.after == "Gone" else row.after
        assert row.n == sum((b, a) == (start, end) for b, a in zip(before, after, strict=True))
        assert row.of == sum(b == start for b in before)
    filled = table[table["of"] > 0]
    assert ((filled["low"] <= filled["share"] + 1e-12) & (filled["share"] <= filled["high"] + 1e-12)).all()
    assert table.loc[table["of"] == 0, ["share", "low", "high"]].isna().all().all()
    summed = rfm.movement(table)
    assert summed["direction"].tolist() == ["up", "same", "down", "gone", "new"]
    assert summed["n"].sum() == len(moves)
    assert summed["change"].sum() == sum(new) - sum(old)


def test_wilson_interval_of_a_move():
    """Wilson (1927): 10 of 100 gives 0.05523 to 0.17437, as statsmodels and R's prop.test without correction print it."""
    table = rfm.migration(["A"] * 100, ["B"] * 10 + ["A"] * 90, order=["A", "B"])
    move = table[(table["before"] == "A") & (table["after"] == "B")].iloc[0]
    assert (move["share"], move["direction"]) == (0.1, "down")
    assert [move["low"], move["high"]] == pytest.approx([0.05523, 0.17437], abs=5e-6)
