"""Agreement of raters: identities, what is undefined, intervals, and who is too kind."""

import numpy as np
import pytest

from crmkit.core.errors import ModelError, ParamError
from crmkit.models.audit.agreement import (
    LEVELS,
    alpha_parts,
    cohen_kappa,
    content_validity,
    critical_essential,
    icc,
    krippendorff_alpha,
    leniency,
    paired_difference,
)


def rated(seed, *, raters=6, units=12, noise=0.6, bias=0.0):
    rng = np.random.default_rng(seed)
    table = rng.normal(3, 0.8, units) + rng.normal(0, noise, (raters, units))
    table[0] += bias
    return np.clip(np.round(table), 1, 5)


@pytest.mark.parametrize("level", LEVELS)
def test_perfect_agreement_is_one(level):
    assert krippendorff_alpha([[1, 2, 3, 4]] * 3, level=level, draws=0).value == pytest.approx(1)


@pytest.mark.parametrize("level", LEVELS)
def test_all_equal_is_undefined_and_said(level):
    found = krippendorff_alpha(np.full((4, 6), 5.0), level=level)
    assert np.isnan([found.value, found.low, found.high]).all()
    assert "all ratings are equal" in found.reason.template
    assert (found.units, found.raters, found.ratings) == (6, 4, 24)


def test_nothing_rated_twice():
    found = krippendorff_alpha([[1, np.nan], [np.nan, 2]])
    assert np.isnan(found.value)
    assert "rated twice" in found.reason.template
    assert np.isnan(krippendorff_alpha(np.full((2, 3), np.nan)).value)


def test_chance_is_about_zero():
    values = [krippendorff_alpha(np.random.default_rng(s).integers(1, 6, (5, 40)), draws=0).value for s in range(50)]
    assert abs(np.mean(values)) < 0.02


def test_order_of_raters_and_units_changes_nothing():
    table = rated(1)
    table[2, 3] = np.nan
    rng = np.random.default_rng(0)
    mixed = table[rng.permutation(6)][:, rng.permutation(12)]
    for level in LEVELS:
        one, other = (krippendorff_alpha(each, level=level, draws=0).value for each in (table, mixed))
        assert one == pytest.approx(other, abs=1e-12)
    assert np.allclose(icc(rated(1).T)["value"], icc(rated(1)[::-1].T)["value"])


def test_interval_of_alpha_holds_it_and_grows_with_confidence():
    table = rated(3)
    wide, narrow = (krippendorff_alpha(table, confidence=c, draws=500) for c in (0.99, 0.8))
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high
    assert krippendorff_alpha(table, draws=500) == krippendorff_alpha(table, draws=500)


def test_coverage_of_the_interval_of_alpha():
    """True value from one table of 20,000 units. 300 tables of 60 units; exact binomial 99 % band around .95: .913 to .98."""
    truth = krippendorff_alpha(rated(99, units=20_000), level="interval", draws=0).value
    inside = 0
    for seed in range(300):
        found = krippendorff_alpha(rated(seed, units=60), level="interval", draws=300, seed=seed)
        inside += found.low <= truth <= found.high
    assert 0.913 <= inside / 300 <= 0.98


def test_parts_make_the_whole():
    table, groups = rated(5), ["a"] * 4 + ["b"] * 8
    parts = alpha_parts(table, groups, level="ordinal")
    assert parts["value"] @ parts["n"] / parts["n"].sum() == pytest.approx(krippendorff_alpha(table, draws=0).value)
    assert parts["units"].tolist() == [4, 8]
    assert (parts["low"] < parts["value"]).all()
    assert (parts["value"] <= parts["high"]).all()


def test_parts_of_equal_ratings_have_no_value():
    assert alpha_parts(np.full((3, 4), 2.0), list("aabb"))["value"].isna().all()


def test_a_group_on_which_raters_disagree_stands_out():
    table = rated(7, noise=0.1)
    table[:, :3] = np.random.default_rng(0).integers(1, 6, (6, 3))
    parts = alpha_parts(table, ["odd"] * 3 + ["even"] * 9).set_index("group")["value"]
    assert parts["odd"] < 0.4 < 0.8 < parts["even"]


def test_icc_leaves_incomplete_targets_out_and_says_so():
    table = np.random.default_rng(0).normal(size=(8, 3))
    table[2, 1] = np.nan
    found = icc(table)
    assert found["n"].eq(7).all()
    assert found["left_out"].eq(1).all()


def test_icc_of_a_lenient_rater_counts_as_disagreement_only_where_it_should():
    table = np.random.default_rng(0).normal(0, 2, (30, 1)) + np.random.default_rng(1).normal(0, 0.3, (30, 3)) + [0, 0, 3]
    found = icc(table).set_index("form")["value"]
    assert found["ICC(3,1)"] > 0.95
    assert found["ICC(2,1)"] < 0.7


@pytest.mark.parametrize("table", [np.full((4, 3), 2.0), [[1, 2]], [[1], [2]], [1, 2, 3]])
def test_icc_refuses(table):
    with pytest.raises(ModelError, match="intraclass"):
        icc(table)


def test_kappa_of_perfect_and_of_no_choice():
    assert cohen_kappa([[5, 0], [0, 5]]).value == 1
    empty = cohen_kappa([[9, 0], [0, 0]])
    assert np.isnan(empty.value)
    assert empty.reason is not None


def test_near_misses_count_less_where_weighted():
    near, far = [[5, 3, 0], [3, 5, 3], [0, 3, 5]], [[5, 0, 3], [3, 5, 3], [3, 0, 5]]
    assert cohen_kappa(near, weights="quadratic").value > cohen_kappa(near).value
    assert cohen_kappa(far, weights="quadratic").value < cohen_kappa(near, weights="quadratic").value


def test_wrong_calls_are_refused():
    with pytest.raises(ParamError, match="did you mean 'ordinal'"):
        krippendorff_alpha([[1, 2], [1, 2]], level="ordnal")
    with pytest.raises(ParamError, match="linear"):
        cohen_kappa([[1, 2], [1, 2]], weights="linar")
    with pytest.raises(ModelError, match="ratio level"):
        krippendorff_alpha([[-1, 2], [1, 2]], level="ratio")
    with pytest.raises(ModelError, match="one per unit"):
        alpha_parts([[1, 2], [1, 2]], ["a"])
    with pytest.raises(ModelError, match="has shape"):
        cohen_kappa([[1, 2]])
    with pytest.raises(ModelError, match="content validity"):
        content_validity([9], [8])
    with pytest.raises(ModelError, match="content validity"):
        critical_essential(0)
    with pytest.raises(ModelError, match="leniency"):
        leniency(rated(0)[:2])


def test_what_nobody_calls_essential_is_kept_by_chance_at_least_as_often():
    found = content_validity([0, 4], [4, 5])
    assert found["p_value"].tolist() == [1.0, 6 / 32]
    assert found["n"].tolist() == [4, 5]


def test_a_lenient_rater_is_flagged():
    """+1.5 points; 200 tables. Flagged in 95 % or more, and unbiased raters in 5 % or fewer."""
    found = [leniency(rated(seed, bias=1.5)) for seed in range(200)]
    assert np.mean([one["flagged"].iloc[0] for one in found]) >= 0.95
    assert np.mean([one["flagged"].iloc[1:].any() for one in found]) <= 0.05
    clean = [leniency(rated(seed))["flagged"].any() for seed in range(200)]
    assert np.mean(clean) <= 0.05


def test_shrinkage_pulls_who_rated_little_towards_the_middle():
    table = rated(2, raters=8, bias=1.5, noise=0.4)
    few = table.copy()
    few[0, 4:] = np.nan
    whole, part = leniency(table), leniency(few)
    kept = [one["value"].iloc[0] / one["raw"].iloc[0] for one in (whole, part)]
    assert 0 < kept[1] < kept[0] < 1
    assert part["n"].iloc[0] == 4
    few[0, 2:] = np.nan
    assert leniency(few)["value"].isna().tolist() == [True] + [False] * 7


def test_paired_differences():
    rng = np.random.default_rng(0)
    inside = sum(
        found.low <= 1 <= found.high
        for found in (paired_difference(rng.normal(4, 0.6, 12), rng.normal(3, 0.6, 12), draws=400, seed=s) for s in range(400))
    )
    # 99 % binomial band around .95 with 400 series
    assert 0.92 <= inside / 400 <= 0.978
    null = [paired_difference(rng.normal(size=12), rng.normal(size=12), draws=400, seed=s).p_value < 0.05 for s in range(400)]
    assert np.mean(null) <= 0.078


def test_equal_and_impossible_pairs():
    same = paired_difference([4, 4, 4], [4, 4, 4])
    assert (same.value, same.p_value) == (0, 1)
    # what rounding leaves of equal pairs is no difference; a small one is
    assert [paired_difference([gap] * 3, [0] * 3).p_value for gap in (5e-13, 1.5e-12)] == [1, 0.25]
    shifted = paired_difference([5] * 6, [4] * 6)
    assert (shifted.low, shifted.high, shifted.p_value) == (1, 1, 2.0**-5)
    with pytest.raises(ModelError, match="complete pairs"):
        paired_difference([1, 2, np.nan], [1, np.nan, 3])
    with pytest.raises(ModelError, match="equal length"):
        paired_difference([1, 2, 3], [1, 2])


def test_a_count_that_is_just_rare_enough_keeps_the_item():
    """All five of a panel by chance: 1 in 32."""
    at, below = (content_validity([5], [5], significance=level).iloc[0] for level in (1 / 32, 1 / 33))
    assert (at["p_value"], at["keep"], below["keep"]) == (1 / 32, True, False)


def test_two_targets_and_two_raters_are_enough_for_intraclass_correlation():
    assert icc([[1, 2], [4, 6]])["n"].eq(2).all()
    for ratings, said in (([[1, 2]], "1 targets that all 2 raters rated"), ([[1], [2]], "2 targets that all 1 raters rated")):
        with pytest.raises(ModelError, match=said):
            icc(ratings)


@pytest.mark.parametrize(("shift", "ones"), [(0, {"ICC(1,1)", "ICC(2,1)", "ICC(3,1)"}), (1, {"ICC(3,1)"})])
def test_raters_who_differ_by_their_leniency_alone_agree_completely(shift, ones):
    """The ratio of variances is then infinite: 1 where leniency is left aside, less where it counts as disagreement."""
    found = icc([[1, 1 + shift], [3, 3 + shift], [4, 4 + shift]]).set_index("form")
    single = found.loc[["ICC(1,1)", "ICC(2,1)", "ICC(3,1)"]]
    assert set(single.index[single["value"] == 1]) == ones
    assert found.loc["ICC(3,1)", ["value", "low", "high", "p_value"]].tolist() == [1, 1, 1, 0]
    assert (single["low"] <= single["value"]).all()
    assert (single["value"] <= single["high"]).all()
    near = icc([[1, 1 + shift + 1e-7], [3, 3 + shift], [4, 4 + shift]]).set_index("form")
    assert np.allclose(found[["value", "low", "high"]], near[["value", "low", "high"]], atol=1e-5)


def test_targets_that_are_all_alike_have_no_reliable_mean():
    found = icc([[1, 3], [3, 1], [2, 2]]).set_index("form")
    assert found.loc[["ICC(1,1)", "ICC(3,1)"], "value"].tolist() == [-1, -1]
    assert np.isnan(found.loc[["ICC(1,k)", "ICC(3,k)"], "value"]).all()
    assert found["p_value"].tolist() == [1] * 6
