"""Curves, tests and windows: identities that hold for any data, and messages that name what is wrong."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crmkit.core.errors import ModelError, ParamError
from crmkit.models.survival import (
    at_risk_table,
    choose_window,
    cumulative_incidence,
    inactivity_windows,
    incidence_at,
    kaplan_meier,
    logrank,
    logrank_pairs,
    median_survival,
    restricted_mean,
    restricted_mean_differences,
)
from crmkit.models.survival.curves.curves import left_by, product_limit
from crmkit.models.survival.data.design import _separation
from crmkit.models.survival.data.observed import check_observed, count_at_risk


def sample(seed, n=400):
    rng = np.random.default_rng(seed)
    time = np.ceil(rng.exponential(12, n))
    until = rng.integers(1, 40, n)
    return np.minimum(time, until), time <= until, rng.choice(["a", "b", "c"], n), rng.integers(1, 5, n)


def test_without_censoring_it_is_the_share_still_there():
    time = np.array([3.0, 1, 4, 1, 5, 9, 2, 6])
    curve = kaplan_meier(time, np.ones(8))
    assert np.allclose(curve["value"], [(time > x).mean() for x in curve["x"]])
    assert restricted_mean(time, np.ones(8), tau=9)["value"].iloc[0] == pytest.approx(time.mean())


@pytest.mark.parametrize("seed", range(3))
def test_rows_may_be_permuted_and_folded_into_counts(seed):
    time, left, group, n = sample(seed)
    order = np.random.default_rng(seed).permutation(len(time))
    plain = kaplan_meier(np.repeat(time, n), np.repeat(left, n), group=np.repeat(group, n))
    folded = kaplan_meier(time[order], left[order], group=group[order], copies=n[order])
    pd.testing.assert_frame_equal(plain, folded, check_exact=False, rtol=1e-12)
    assert logrank(np.repeat(time, n), np.repeat(left, n), group=np.repeat(group, n)).statistic == pytest.approx(
        logrank(time[order], left[order], group=group[order], copies=n[order]).statistic, rel=1e-12
    )
    cause = np.where(left, np.where(time % 2 == 0, "price", "service"), "")
    a = cumulative_incidence(np.repeat(time, n), np.repeat(cause, n), censored="")
    b = cumulative_incidence(time[order], cause[order], censored="", copies=n[order])
    pd.testing.assert_frame_equal(a, b, check_exact=False, rtol=1e-10)


def test_weights_are_repeated_rows_in_differences_of_means_and_incidence():
    time, left, group, n = sample(3)
    a = restricted_mean_differences(np.repeat(time, n), np.repeat(left, n), group=np.repeat(group, n), tau=10)
    b = restricted_mean_differences(time, left, group=group, copies=n, tau=10)
    assert np.allclose(a["value"], b["value"], rtol=1e-12)


def test_fractional_weights_that_are_all_gone_leave_nobody():
    """0.1 + 0.2 is not 0.3 to the last bit."""
    counts = SimpleNamespace(at_risk=np.array([0.1 + 0.2]), events=np.array([0.3]))
    assert product_limit(counts)[0].tolist() == [0.0]


@given(st.lists(st.tuples(st.integers(1, 20), st.sampled_from([0, 1, 2])), min_size=2, max_size=60))
@example([(1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1), (7, 1)])  # all for one cause: the sum can miss 1 by a rounding
@settings(max_examples=60, deadline=None)
def test_incidences_and_survival_add_up_to_one(pairs):
    time, cause = (np.array(column) for column in zip(*pairs, strict=True))
    if not cause.any():
        return
    table = cumulative_incidence(time, cause)
    total = table.groupby("x")["value"].sum()
    curve = kaplan_meier(time, cause > 0).set_index("x")["value"]
    assert np.allclose(total + curve, 1.0)
    assert (table.groupby("cause")["value"].diff().dropna() >= -1e-15).all()
    inner = table[(table["value"] > 0) & (table["value"] < 1 - 1e-12)]
    assert ((inner["low"] <= inner["value"]) & (inner["value"] <= inner["high"])).all()


def test_statsmodels_has_the_same_incidence_under_ties():
    from statsmodels.duration.survfunc import CumIncidenceRight

    time, left, _, _ = sample(0)
    cause = np.where(left, 1 + (time % 2 == 0), 0).astype(int)
    with np.errstate(divide="ignore", invalid="ignore"):  # its standard error where nobody is left
        theirs = CumIncidenceRight(time, cause)
    for which in (1, 2):
        mine = incidence_at(cumulative_incidence(time, cause), theirs.times).query("cause == @which")["value"]
        assert np.abs(mine - theirs.cinc[which - 1]).max() < 1e-12


@pytest.mark.parametrize("strata", [False, True])
def test_statsmodels_has_the_same_logrank(strata):
    from statsmodels.duration.survfunc import survdiff

    time, left, group, n = sample(1)
    layer = n if strata else None
    theirs = survdiff(time, left.astype(int), group, strata=layer)
    mine = logrank(time, left, group=group, strata=layer)
    assert (mine.statistic, mine.p) == (pytest.approx(theirs[0], rel=1e-10), pytest.approx(theirs[1], rel=1e-8))


def test_late_entry_leaves_out_who_was_not_yet_there():
    curve = kaplan_meier([5, 6, 7], [1, 1, 1], entry=[0, 5, 0])
    assert curve["at_risk"].tolist() == [2.0, 2.0, 2.0, 1.0]
    assert curve["value"].tolist() == pytest.approx([1, 0.5, 0.25, 0])


def test_a_median_that_is_not_reached_is_missing():
    time, left = np.arange(1.0, 11), np.array([1, 1, 1] + [0] * 7)
    found = median_survival(kaplan_meier(time, left), unit="months").iloc[0]
    assert np.isnan([found["value"], found["high"]]).all()
    assert found["unit"] == "months"


def test_beyond_the_last_time_nothing_is_claimed():
    table = at_risk_table(kaplan_meier([1, 2, 3], [1, 0, 0]), [2, 4])
    assert table["at_risk"].tolist() == [2.0, 0.0]
    assert np.isnan(table["value"].iloc[1])
    gone = at_risk_table(kaplan_meier([1, 2], [1, 1]), [4])
    assert gone["value"].iloc[0] == 0  # nobody is left: that is known


@pytest.mark.slow
def test_the_intervals_cover():
    """1,000 samples; the estimated coverage lies within the 99 % binomial band around 95 %."""
    assert 931 <= covered(range(1000)) <= 967


@pytest.mark.long
def test_the_intervals_cover_in_a_sample():
    assert 188 * 0.955 <= covered(range(200)) <= 198  # 99 % band of 200 draws


def covered(seeds):
    """In how many samples does the interval of the share left at 10 hold the truth?"""
    hits = 0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        time, until = rng.exponential(12, 300), rng.uniform(0, 40, 300)
        row = at_risk_table(kaplan_meier(np.minimum(time, until), time <= until), [10]).iloc[0]
        hits += row["low"] <= np.exp(-10 / 12) <= row["high"]
    return hits


def test_p_is_never_zero_and_pairs_are_corrected():
    n = 20_000
    time = np.concatenate([np.ones(n), np.full(n, 2.0), np.full(n, 3.0)])
    group = np.repeat(["a", "b", "c"], n)
    test = logrank(time, np.ones(3 * n), group=group)
    assert test.p > 0
    assert -np.inf < test.log10_p < -308
    pairs = logrank_pairs(*sample(2)[:2], group=sample(2)[2])
    assert (pairs["p_holm"] >= pairs["p"]).all()
    from statsmodels.stats.multitest import multipletests

    assert pairs["p_holm"].to_numpy() == pytest.approx(multipletests(pairs["p"], method="holm")[1])


def test_the_logarithm_of_a_tiny_p_goes_on_smoothly():
    import mpmath as mp

    from crmkit.models.survival.data.observed import chi_squared

    for statistic, df in ((1300.0, 1), (1500.0, 2), (2352.87, 2), (5000.0, 7)):
        exact = mp.log10(mp.gammainc(mp.mpf(df) / 2, mp.mpf(statistic) / 2, regularized=True))
        assert chi_squared(statistic, df)[1] == pytest.approx(float(exact), rel=1e-9)


def test_differences_of_means_turn_round():
    time, left, group, _ = sample(3)
    table = restricted_mean_differences(time, left, group=group, tau=20)
    other = restricted_mean_differences(time, left, group=pd.Series(group).map({"a": "z", "b": "y", "c": "x"}), tau=20)
    assert sorted(table["value"].round(9)) == sorted((-other["value"]).round(9))
    assert ((table["low"] < table["value"]) & (table["value"] < table["high"])).all()


# --- windows of inactivity


def gaps(n=3000, seed=0, span=365.0):
    """Buyers every 20 days on average; a third leaves for good at a random time."""
    rng = np.random.default_rng(seed)
    out, ended = [], []
    for _ in range(n // 10):
        end = rng.uniform(0, span) if rng.random() < 1 / 3 else np.inf
        at = 0.0
        while True:
            gap = rng.gamma(2, 10)
            if at + gap > min(end, span):
                out.append(span - at)
                ended.append(0)
                break
            out.append(gap)
            ended.append(1)
            at += gap
    return np.array(out), np.array(ended), span


def test_the_window_is_that_of_the_gaps():
    out, ended, span = gaps()
    found = choose_window(out, ended, span=span)
    from scipy.stats import gamma

    assert found.window == pytest.approx(gamma.ppf(0.95, 2, scale=10), abs=3)  # 47.4 days
    row = found.table.loc[found.table["window"] == found.window].iloc[0]
    longer = out > found.window
    assert row["false_churn_share"] == pytest.approx(ended[longer].mean())
    assert row["low"] < row["false_churn_share"] < row["high"]
    assert found.table["missed_share"].is_monotonic_decreasing
    assert found.table["allowed"].all()


def test_a_window_beyond_half_of_the_span_is_refused():
    out, ended, _ = gaps()
    with pytest.raises(ModelError, match=r"more than half of the 60 observed; at most 30; use the probability of a purchase"):
        choose_window(out, ended, span=60)
    as_long = inactivity_windows([10, 20, 30], [1, 1, 0], windows=[20], span=60).iloc[0]
    assert as_long[["longer", "returned"]].tolist() == [1, 0]
    assert inactivity_windows(out, ended, windows=[20, 40], span=60)["allowed"].tolist() == [True, False]
    with pytest.raises(ModelError, match="nobody has bought twice"):
        choose_window([3.0, 4.0], [0, 0], span=60)


# --- messages


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: kaplan_meier([1, -2], [1, 1]), "durations is missing or negative in 1 of 2 rows (row 1)"),
        (lambda: kaplan_meier([1, 2], [1, 2]), "event_observed is not 0 or 1"),
        (lambda: kaplan_meier([1, 2], [1]), "event_observed has 1 row, durations has 2"),
        (lambda: kaplan_meier([1, 2], [1, 1], entry=[1, 0]), "entry is not before durations in 1 of 2 rows (row 0)"),
        (lambda: kaplan_meier([1, 2], [1, 1], group=["a", None]), "group is missing in 1 row (row 1)"),
        (lambda: kaplan_meier([], []), "there are no rows"),
        (lambda: logrank([1, 2], [1, 1], group=["a", "a"]), "there is one group only"),
        (lambda: restricted_mean([1, 2], [1, 0], tau=5), "tau is 5, but groups are observed only '' until 2; tau <= 2"),
        (lambda: cumulative_incidence([1, 2], [0, 0]), "is '0' in every row"),
    ],
)
def test_what_is_wrong_is_said(call, text):
    with pytest.raises(ModelError) as raised:
        call()
    assert text in str(raised.value)


def test_unknown_options_are_met_with_the_nearest():
    with pytest.raises(ParamError, match="did you mean 'log-log'"):
        kaplan_meier([1, 2], [1, 1], interval="loglog")
    with pytest.raises(ParamError, match=r"confidence is 95"):
        kaplan_meier([1, 2], [1, 1], confidence=95)
    with pytest.raises(ParamError, match="tau is 0; it is a time above 0"):
        restricted_mean([1, 2], [1, 0], tau=0)


def test_where_nobody_left_nothing_separates():
    x, weight = np.repeat([0.0, 1.0], 5), np.ones(10)
    assert _separation("new", x, weight, np.zeros(10)) == []
    (problem,) = _separation("new", x, weight, 1 - x)
    assert "of the 5 customers with the value 1, none left" in str(problem)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("seed", range(4))
def test_the_short_way_to_a_quantile_is_that_of_the_curve(seed, share):
    rng = np.random.default_rng(seed)
    time, left, n = rng.integers(0, 30, 60), rng.random(60) < 0.7, rng.integers(1, 4, 60)
    whole = median_survival(kaplan_meier(time, left, copies=n), share=share).iloc[0]
    short = left_by(count_at_risk(check_observed(time, left, copies=n)), share=share, confidence=0.95)
    assert short == pytest.approx([whole["value"], whole["low"], whole["high"]], nan_ok=True)
    assert np.isfinite(short[0]) or share == 0.1


def test_who_came_later_is_not_yet_there_at_the_start():
    table = kaplan_meier([5, 6], [1, 1], entry=[0, 1])
    assert table.loc[table["x"] == 0, "at_risk"].tolist() == [1.0]


def held(sizes, rates, longest, tau, replications):
    """How often the limits of a difference, a ratio and the small group's own mean hold the truth, and of how many."""
    truth = [-np.expm1(-rate * tau) / rate for rate in rates]
    hits, refused = np.zeros(3), 0
    for seed in range(replications):
        rng = np.random.default_rng(seed)
        group = np.repeat([0, 1], sizes)
        time, until = rng.exponential(1 / np.repeat(rates, sizes)), rng.uniform(0, longest, len(group))
        seen = np.ceil(np.minimum(time, until)), time <= until
        try:
            apart = restricted_mean_differences(*seen, group=group, tau=tau).iloc[0]
        except ModelError:  # nobody of the small group was followed until tau
            refused += 1
            continue
        own = restricted_mean(*seen, group=group, tau=tau).iloc[1]
        hits += [
            apart["low"] <= truth[0] - truth[1] <= apart["high"],
            apart["ratio_low"] <= truth[0] / truth[1] <= apart["ratio_high"],
            own["low"] <= truth[1] <= own["high"],
        ]
    return hits, replications - refused


NEAR_THE_END = ((1000, 40), (0.0008, 0.0008), 875, 700)  # 4 of 40 still followed at tau
SMALL = ((60, 25), (0.001, 0.0015), 800, 365)
USUAL = ((300, 60), (0.001, 0.0015), 800, 365)


def test_limits_of_means_in_small_groups_hold_in_a_sample():
    hits, n = held(*NEAR_THE_END, 100)
    assert (hits >= 0.88 * n).all()  # 99 % band of 100 at 95 %: 88 to 99


@pytest.mark.slow
@pytest.mark.parametrize("setting", [NEAR_THE_END, SMALL, USUAL], ids=["near the end", "small", "usual"])
def test_limits_of_means_in_small_groups_hold(setting):
    hits, n = held(*setting, 1000)
    assert n >= 990
    assert (hits / n >= 0.931).all(), hits / n
    assert (hits / n <= 0.967).all(), hits / n


def test_a_group_that_nobody_has_left_has_a_lower_limit():
    own = restricted_mean([10.0] * 20, [0] * 20, tau=10).iloc[0]
    rate = -np.log(0.025) / 200  # the largest rate that leaves 2.5 % chance of seeing none in 200 days
    assert (own["value"], own["high"]) == (10, 10)
    assert own["low"] == pytest.approx((1 - np.exp(-10 * rate)) / rate)
    time, left = [10.0] * 20 + [float(k) for k in range(1, 11)], [0] * 20 + [1] * 10
    apart = restricted_mean_differences(time, left, group=[0] * 20 + [1] * 10, tau=10).iloc[0]
    assert apart["value"] == 4.5
    assert 0 < apart["low"] < 4.5 < apart["high"]
    assert apart["p"] < 0.05


def test_p_is_below_the_risk_where_no_difference_lies_outside_the_limits():
    rng = np.random.default_rng(0)
    for _ in range(50):
        time, group = rng.exponential(10, 60), np.arange(60) % 2
        time = np.where(group == 1, time * 1.5, time)
        apart = restricted_mean_differences(time, np.ones(60), group=group, tau=15).iloc[0]
        assert (apart["p"] < 0.05) == (apart["low"] > 0 or apart["high"] < 0)
        assert (apart["p"] < 0.05) == (apart["ratio_low"] > 1 or apart["ratio_high"] < 1) or abs(apart["p"] - 0.05) < 0.03
