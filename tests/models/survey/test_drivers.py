"""Drivers: shares against all regressions, missing answers, noise, planted order, intervals by simulation, bad input."""

from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.survey.drivers import (
    bootstrap,
    halo,
    importance,
    importance_performance,
    johnson,
    lmg,
    moments,
    ready,
    what_if,
)


def survey(n, seed, *, effects=(0.5, 0.35, 0.2, 0.0), common=0.5, scale=True):
    """Ratings 1 to 5 that share one impression, and an overall score; with truth known on the latent scale."""
    rng = np.random.default_rng(seed)
    p = len(effects)
    latent = np.sqrt(common) * rng.normal(size=(n, 1)) + np.sqrt(1 - common) * rng.normal(size=(n, p))
    overall = latent @ np.array(effects) + 0.6 * rng.normal(size=n)
    rated = np.clip(np.round(3.6 + latent), 1, 5) if scale else latent
    data = pd.DataFrame(rated, columns=[f"d{k}" for k in range(p)])
    return data.assign(overall=overall)


def r_squared(cov, subset):
    if not subset:
        return 0.0
    s = [1 + k for k in subset]
    return cov[0, s] @ np.linalg.solve(cov[np.ix_(s, s)], cov[s, 0]) / cov[0, 0]


def lmg_slowly(cov):
    p = len(cov) - 1
    parts = np.zeros(p)
    for i in range(p):
        others = [k for k in range(p) if k != i]
        for size in range(p):
            for subset in combinations(others, size):
                gain = r_squared(cov, [*subset, i]) - r_squared(cov, subset)
                parts[i] += gain / (p * comb(p - 1, size))
    return parts


@pytest.mark.parametrize("p", [1, 2, 5, 7])
def test_shares_equal_all_regressions(p):
    rng = np.random.default_rng(p)
    cov = np.array([np.cov(rng.normal(size=(40, p + 1)) @ rng.normal(size=(p + 1, p + 1)), rowvar=False) for _ in range(3)])
    found = lmg(cov)
    assert found == pytest.approx(np.array([lmg_slowly(one) for one in cov]), abs=1e-12)
    total = [r_squared(one, range(p)) for one in cov]
    assert found.sum(1) == pytest.approx(total, abs=1e-12)
    assert johnson(cov).sum(1) == pytest.approx(total, abs=1e-10)
    assert (found >= -1e-12).all()
    assert lmg(cov * 7.0) == pytest.approx(found, abs=1e-12)


def test_batches_and_order_do_not_matter():
    rng = np.random.default_rng(0)
    cov = np.cov(rng.normal(size=(60, 13)) @ rng.normal(size=(13, 13)), rowvar=False)
    turned = np.r_[0, 1 + rng.permutation(12)]
    assert lmg(cov[np.ix_(turned, turned)]) == pytest.approx(lmg(cov)[turned[1:] - 1], abs=1e-12)
    many = np.broadcast_to(cov, (700, 13, 13))
    assert lmg(many)[-1] == pytest.approx(lmg(cov), abs=1e-14)


def test_a_driver_that_does_not_vary_in_a_sample_explains_nothing():
    """Its variance may come out as a little less than nothing, and the shares of the others are those without it."""
    cov = np.array([[1.0, 0.5, 0.0, 0.3], [0.5, 1.0, 0.0, 0.2], [0.0, 0.0, -1e-17, 0.0], [0.3, 0.2, 0.0, 1.0]])
    alone = lmg(cov[np.ix_([0, 1, 3], [0, 1, 3])])
    np.testing.assert_allclose(lmg(cov), [alone[0], 0.0, alone[1]], atol=1e-12)
    np.testing.assert_allclose(johnson(cov)[1], 0.0, atol=1e-12)


def test_relative_weights_are_near_for_many_drivers():
    rng = np.random.default_rng(1)
    cov = np.cov(rng.normal(size=(4000, 21)) @ (np.eye(21) + 0.15), rowvar=False)
    with pytest.raises(ModelError, match="beyond 18 use relative weights"):
        lmg(cov)
    small = cov[:13, :13]
    shares = [part / part.sum() for part in (lmg(small), johnson(small))]
    assert np.abs(shares[0] - shares[1]).max() < 0.05
    found = importance(
        pd.DataFrame(rng.normal(size=(300, 21))).rename(columns=str),
        outcome="0",
        drivers=[str(k) for k in range(1, 21)],
        draws=100,
    )
    assert set(found.table["method"]) == {"Johnson"}


def test_a_copied_driver_shares_with_its_original():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(200, 2))
    y = x[:, 0] + rng.normal(size=200)
    cov = np.cov(np.column_stack([y, x[:, 0], x[:, 0], x[:, 1]]), rowvar=False)
    for split in (lmg, johnson):
        parts = split(cov)
        assert parts[0] == pytest.approx(parts[1], rel=1e-6)
        assert parts.sum() == pytest.approx(np.corrcoef(y, x[:, 0])[0, 1] ** 2, abs=0.02)


def test_weights_are_as_good_as_repeated_rows():
    data = survey(80, 0)
    values = data.to_numpy()
    times = np.arange(80) % 3 + 1
    weighted, repeated = moments(ready(values, weights=times)), moments(ready(np.repeat(values, times, axis=0)))
    assert weighted[1] == pytest.approx(repeated[1], abs=1e-12)
    holes = values.copy()
    holes[::5, 1] = holes[1::7, 3] = np.nan
    assert moments(ready(holes, weights=times))[1] == pytest.approx(
        moments(ready(np.repeat(holes, times, axis=0)))[1], abs=1e-8
    )


def test_em_reaches_the_highest_likelihood():
    """One incomplete column: the closed form regresses it on the complete ones."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(500, 3)) @ rng.normal(size=(3, 3))
    x[rng.random(500) < 0.4, 2] = np.nan
    answers = ready(x)
    mean, cov = moments(answers)
    z = (x - answers.centre) / answers.scale
    seen = ~np.isnan(z[:, 2])
    design = np.column_stack([np.ones(500), z[:, :2]])
    b, rest, *_ = np.linalg.lstsq(design[seen], z[seen, 2], rcond=None)
    base = np.cov(z[:, :2], rowvar=False, bias=True)
    assert mean[2] == pytest.approx(b[0] + b[1:] @ z[:, :2].mean(0), abs=1e-7)
    assert cov[2, :2] == pytest.approx(base @ b[1:], abs=1e-7)
    assert cov[2, 2] == pytest.approx(rest[0] / seen.sum() + b[1:] @ base @ b[1:], abs=1e-7)


def test_missing_answers_bend_nothing():
    """The unhappy skip questions: leaving them out bends effects, EM does not."""
    bent, straight = [], []
    for seed in range(5):
        data = survey(2000, seed, scale=False)
        full = importance(data, outcome="overall", drivers=["d0", "d1", "d2"], draws=100).effects
        holes = data.copy()
        holes.loc[data["overall"] < 0, "d0"] = np.nan
        found = importance(holes, outcome="overall", drivers=["d0", "d1", "d2"], draws=100)
        straight.append(found.effects - full)
        bent.append(importance(holes.dropna(), outcome="overall", drivers=["d0", "d1", "d2"], draws=100).effects - full)
    assert np.abs(np.mean(straight, 0)).max() < 0.02
    assert np.abs(np.mean(bent, 0)).max() > 0.1
    assert found.complete_n < 0.6 * found.n == 0.6 * 2000
    assert found.effective_n < found.n
    assert found.missing_method == "EM covariance"
    assert found.table.set_index("driver").loc["d0", "n"] == holes["d0"].notna().sum()


def test_bootstrap_with_missing_answers_is_each_resamples_own_em():
    data = survey(120, 5).to_numpy()
    data[::6, 0] = data[1::9, 2] = np.nan
    answers = ready(data)
    _, covs = next(bootstrap(answers, draws=3, seed=0))
    rng = np.random.default_rng(0)
    for cov, drawn in zip(covs, rng.integers(0, 120, (3, 120)), strict=True):
        _, exact = moments(answers, np.bincount(drawn, minlength=120).astype(float))
        assert cov == pytest.approx(exact, abs=1e-4)


def test_planted_order_is_recovered():
    """Four drivers of known effect under a strong common impression, 1,500 respondents, 30 surveys."""
    hits = 0
    for seed in range(30):
        found = importance(survey(1500, seed), outcome="overall", drivers=["d3", "d1", "d0", "d2"], draws=100)
        hits += found.table["driver"].tolist() == ["d0", "d1", "d2", "d3"]
    assert hits >= 29


def test_a_driver_that_only_goes_along_has_no_effect_of_its_own():
    data = survey(3000, 0, scale=False)
    found = importance(data, outcome="overall", drivers=["d0", "d1", "d2", "d3"], draws=300)
    table = found.table.set_index("driver")
    assert table["distinguishable"].all()  # d3 shares the common impression
    effects = what_if(found, rise=0.5, highest=0.4).set_index("driver")
    assert effects["own_effect"].tolist() == [True, True, True, False]
    assert effects.loc["d3", "low"] < 0 < effects.loc["d3", "high"]
    assert not effects["possible"].any()
    assert effects["mean_then"].to_numpy() == pytest.approx(effects["mean_now"].to_numpy() + 0.5)
    design = np.column_stack([np.ones(3000), data[["d0", "d1", "d2", "d3"]]])
    slopes = np.linalg.lstsq(design, data["overall"], rcond=None)[0]
    assert effects["value"].to_numpy() == pytest.approx(slopes[1:] / 2, abs=1e-10)


def test_noise_limit_is_that_of_permuted_outcomes():
    data = survey(300, 1)
    found = importance(data, outcome="overall", drivers=["d0", "d1", "d2", "d3"], draws=100)
    rng = np.random.default_rng(0)
    drivers, overall = data[["d0", "d1", "d2", "d3"]].to_numpy(), data["overall"].to_numpy()
    covs = [np.cov(np.column_stack([rng.permutation(overall), drivers]), rowvar=False) for _ in range(2000)]
    assert found.table["noise_limit"].iloc[0] == pytest.approx(np.quantile(lmg(np.array(covs)).max(1), 0.95), rel=0.07)


@pytest.mark.parametrize("replications", [80, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.long
def test_noise_is_called_noise(replications, weighted):
    """Eight correlated drivers without any effect: some driver stands out in at most 5 % of surveys (one-sided 99 % bound)."""
    alarms = 0
    for seed in range(replications):
        data = survey(200, seed, effects=(0.0,) * 8)
        w = np.random.default_rng([seed, 9]).choice([1.0, 3.0], 200) if weighted else None
        found = importance(data, outcome="overall", drivers=[f"d{k}" for k in range(8)], weights=w, draws=100)
        alarms += bool(found.table["distinguishable"].any())
    rate = alarms / replications
    assert rate - 2.326 * np.sqrt(rate * (1 - rate) / replications) <= 0.05, rate


@pytest.mark.parametrize("replications", [200, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.long
def test_intervals_cover(replications):
    """Shares, effect of half a point and means of three drivers, 500 respondents; truth from 1,000,000."""
    drivers = ["d0", "d1", "d2"]
    crowd = survey(1_000_000, 10**6)
    cov = moments(ready(crowd[["overall", *drivers]].to_numpy()))[1]
    truth = lmg(cov) / lmg(cov).sum()
    slopes = np.linalg.lstsq(np.column_stack([np.ones(len(crowd)), crowd[drivers]]), crowd["overall"], rcond=None)[0][1:] / 2
    hits = np.zeros(6)
    for seed in range(replications):
        found = importance(survey(500, seed), outcome="overall", drivers=drivers, draws=400, seed=seed)
        table, effects = found.table.set_index("driver").loc[drivers], what_if(found).set_index("driver").loc[drivers]
        hits[:3] += (table["low"] <= truth) & (truth <= table["high"])
        hits[3:] += (effects["low"] <= slopes) & (slopes <= effects["high"])
    band = 2.576 * np.sqrt(0.95 * 0.05 / replications)
    assert np.abs(hits / replications - 0.95).max() <= band + 0.01, hits / replications


SEVEN = np.array([0.5, 0.4, 0.3, 0.2, 0.1, 0.05])


def seven_points(n, seed):
    """Six ratings of seven points that go together, and the outcome that they explain."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n, 1))
    rated = np.sqrt(0.5) * common + np.sqrt(0.5) * rng.normal(size=(n, 6))
    rated = np.clip(np.rint(4.8 + 1.3 * rated), 1, 7)
    outcome = np.clip(np.rint(4.8 + rated @ SEVEN - 4.8 * SEVEN.sum() + 1.2 * rng.normal(size=n)), 1, 7)
    return pd.DataFrame(np.column_stack([outcome, rated]), columns=["overall", *"abcdef"])


def covered(n, replications):
    """How often the intervals of R squared and of each share hold the truth of two million respondents."""
    cov = seven_points(2_000_000, 10**9).cov().to_numpy()
    shares = lmg(cov) / lmg(cov).sum()
    explained = cov[0, 1:] @ np.linalg.solve(cov[1:, 1:], cov[0, 1:]) / cov[0, 0]
    hits = np.zeros(7)
    for seed in range(replications):
        found = importance(seven_points(n, seed), outcome="overall", drivers=list("abcdef"), seed=seed)
        table = found.table.sort_values("driver")
        hits[0] += found.r_squared_low <= explained <= found.r_squared_high
        hits[1:] += (table["low"] <= shares) & (shares <= table["high"])
    return hits


def test_intervals_of_few_respondents_cover_in_a_sample():
    assert (covered(120, 60) >= 52).all()  # 99 % band of 60 at 95 %: 52 to 60


@pytest.mark.slow
@pytest.mark.parametrize("n", [120, 400])
def test_intervals_of_few_respondents_cover(n):
    hits = covered(n, 1000)
    assert (hits >= 931).all(), hits
    assert (hits <= 967).all(), hits


def test_map_and_halo():
    data = survey(1500, 4)
    data["d3"] += 1.0 - (data["d3"] == 5)  # never used, well done
    found = importance(data, outcome="overall", drivers=["d0", "d1", "d2", "d3"], draws=200)
    table = importance_performance(found, lowest=1, highest=5)
    assert table["performance"].between(0, 100).all()
    assert table["importance"].sum() == pytest.approx(1)
    assert (table["importance_cross"] == 0.25).all()
    assert table["performance_cross"].to_numpy() == pytest.approx(float((table["performance"] * table["importance"]).sum()))
    by_driver = table.set_index("driver")["field"]
    assert by_driver["d0"] in ("start here", "keep it up")
    assert by_driver["d3"] == "more than needed"
    common = halo(importance(survey(800, 0, common=0.95, effects=(0.3, 0.3, 0.3)), outcome="overall",
                             drivers=["d0", "d1", "d2"], draws=100))  # fmt: skip
    assert common.suspected
    apart = halo(importance(survey(800, 0, common=0.0), outcome="overall", drivers=["d0", "d1", "d2"], draws=100))
    assert not apart.suspected
    assert apart.table["vif"].to_numpy() == pytest.approx(1, abs=0.05)
    assert abs(apart.mean_correlation) < 0.1


def test_vif_is_that_of_statsmodels():
    from statsmodels.stats.outliers_influence import variance_inflation_factor

    data = survey(300, 6)
    drivers = ["d0", "d1", "d2", "d3"]
    found = halo(importance(data, outcome="overall", drivers=drivers, draws=100))
    design = np.column_stack([np.ones(300), data[drivers]])
    assert found.table["vif"].tolist() == pytest.approx([variance_inflation_factor(design, k) for k in range(1, 5)])
    doubled = data.assign(d4=data["d0"])
    twin = halo(importance(doubled, outcome="overall", drivers=[*drivers, "d4"], draws=100)).table.set_index("driver")
    assert np.isinf(twin.loc[["d0", "d4"], "vif"]).all()
    assert np.isfinite(twin.loc["d1", "vif"])


def test_controls_explain_first():
    data = survey(1000, 7)
    data["phone"] = (np.arange(1000) % 2).astype(float)
    data["overall"] += data["phone"]
    with_control = importance(data, outcome="overall", drivers=["d0", "d1"], controls=["phone"], draws=100)
    explained = with_control.table["explained"].sum()
    share_of_phone = np.corrcoef(data["phone"], data["overall"])[0, 1] ** 2
    assert explained + share_of_phone == pytest.approx(with_control.r_squared, abs=1e-10)


def test_equal_seeds_give_equal_tables_and_flat_drivers_are_set_aside():
    data = survey(200, 8).assign(flat=4.0)
    first, again = (importance(data, outcome="overall", drivers=["d0", "flat", "d1"], draws=100, seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(first.table, again.table)
    assert first.without_variance == ("flat",)
    assert first.drivers == ("d0", "d1")
    assert (first.table["low"] <= first.table["value"]).all()
    assert (first.table["rank_low"] <= first.table["rank"]).all()
    assert (first.table["rank"] <= first.table["rank_high"]).all()
    assert (first.table["rank_low"] < first.table["rank_high"]).any()
    assert first.r_squared_low <= first.r_squared <= first.r_squared_high


def test_refuses_bad_input():
    data = survey(60, 9).assign(flat=1.0)
    with pytest.raises(ModelError, match=r"column 'overal' is not there; did you mean 'overall'"):
        importance(data, outcome="overal", drivers=["d0", "d1"])
    with pytest.raises(ModelError, match="named twice"):
        importance(data, outcome="overall", drivers=["d0", "d0"])
    with pytest.raises(ModelError, match="all answers to 'flat' are equal"):
        importance(data, outcome="flat", drivers=["d0"])
    with pytest.raises(ModelError, match="every driver are equal"):
        importance(data, outcome="overall", drivers=["flat"])
    with pytest.raises(ModelError, match="19 respondents are too few for 4 drivers"):
        importance(data.head(19), outcome="overall", drivers=["d0", "d1", "d2", "d3"])
    assert importance(data.head(20), outcome="overall", drivers=["d0", "d1", "d2", "d3"], draws=100).n == 20
    with pytest.raises(ModelError, match="at least 100"):
        importance(data, outcome="overall", drivers=["d0"], draws=10)
    with pytest.raises(ModelError, match="no variance"):
        ready(np.ones((5, 2)))
    with pytest.raises(ModelError, match="at least one driver"):
        lmg(np.eye(1))
    found = importance(data, outcome="overall", drivers=["d0"], draws=100)
    with pytest.raises(ModelError, match="lower end first"):
        importance_performance(found, lowest=5, highest=1)
    with pytest.raises(ModelError, match="lies outside the scale 4 to 5"):
        importance_performance(found, lowest=4, highest=5)
    with pytest.raises(ModelError, match="changes nothing"):
        what_if(found, rise=0)
