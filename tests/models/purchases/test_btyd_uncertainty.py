"""Draws of parameters, draws of single customers' purchases and spend, and totals with both parts of what is not known."""

from dataclasses import FrozenInstanceError
from types import SimpleNamespace

import numpy as np
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.basics.draws import normal_draws, percentiles
from crmkit.models.purchases.btyd import (
    SpendPart,
    bootstrap_fits,
    draw_purchases,
    expected_purchases,
    fit,
    fit_mbgcnbd,
    forecast_totals,
    interval,
    known,
    parameter_draws,
    pareto,
    probability_active,
    probability_alive,
    simulate,
    tuples,
)
from crmkit.models.purchases.btyd import bootstrap as samples
from crmkit.models.purchases.btyd.forecast import _Totals
from crmkit.models.purchases.spend import SpendFit, draw_spend, expected_spend, fit_gamma_gamma, spend_draws

TRUTH = {
    "bgnbd": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426},
    "mbgnbd": {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614},
    "pareto_nbd": {"r": 0.553, "alpha": 10.58, "s": 0.606, "beta": 11.67},
    "mbgcnbd": {"r": 0.9, "alpha": 5.0, "a": 0.8, "b": 2.5, "k": 3},
}
MODELS = ("bgnbd", "mbgnbd", "pareto_nbd")
SPEND = SpendFit({"p": 6.25, "q": 3.74, "v": 15.44}, {}, np.diag([0.01, 0.01, 0.02]), -4000.0, 900, 0, 0, 0.0)


def customers(model, n, seed, T=None):
    rng = np.random.default_rng(seed)
    x, tx, T = simulate(known(model, TRUTH[model]), rng.uniform(20, 60, n) if T is None else np.full(n, T), rng)
    return x, tx, T


# --- parameters


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.long
def test_the_short_refit_finds_what_a_full_search_finds(model):
    histories = tuples(*customers(model, 800, 0))
    found = fit(histories, model)
    short = parameter_draws(histories, found, draws=8, seed=3)
    full = np.array([list(one.params.values()) for one in bootstrap_fits(histories, model, draws=8, seed=3)])
    errors = np.array(list(found.standard_errors.values()))
    assert short.failed == 0
    assert (np.abs(short.values - full) < 0.01 * errors).all()
    assert [one.model for one in short.fits()] == [model] * 8


@pytest.mark.parametrize("size", [600, 3000])
def test_many_refits_share_what_each_tuple_says(size, monkeypatch):
    histories = tuples(*customers("pareto_nbd", size, 0))
    found = fit(histories, "pareto_nbd")
    shared = parameter_draws(histories, found, draws=24, seed=3).values
    monkeypatch.setattr(samples, "MOST_AROUND", 0)
    alone = parameter_draws(histories, found, draws=24, seed=3).values
    apart = np.abs(np.log(shared / alone)) / np.sqrt(np.diag(found.covariance))
    # those of which the cubic alone tells are near by, and the others have asked the likelihood
    assert apart.max() < 0.1
    assert np.median(apart) < 0.02
    # limits move by less than 2 % of their width
    low, high = np.quantile(alone, [0.025, 0.975], axis=0)
    assert (np.abs(np.quantile(shared, [0.025, 0.975], axis=0) - [low, high]) < 0.02 * (high - low)).all()


@pytest.mark.parametrize("table", [True, False])
def test_scores_of_tuples_add_up_to_the_gradient(table, monkeypatch):
    monkeypatch.setattr(pareto, "TABLE_GAIN", 4 if table else 0)
    histories = tuples(*(np.ceil(one) for one in customers("pareto_nbd", 900, 1)))
    theta = np.log([0.5, 0.3, 0.7, 0.4])
    each = pareto.scores(histories, 40.0)(theta)
    assert each.shape == (len(histories), 4)
    whole = pareto.objective(histories, 40.0)(theta)[1]
    assert np.allclose(histories.n @ each / histories.customers, whole, rtol=1e-9, atol=1e-12)


def test_a_root_too_far_away_is_not_told():
    powers, places = samples._basis(2, 3), samples._places(2)
    inverse = samples._inverse(2, 3)
    ring = np.stack([places[:, 0] - 1.5, places[:, 1] ** 3 + places[:, 1] - 2.0], axis=1)
    assert np.allclose(samples._zero(powers, inverse @ ring), [1.5, 1.0])
    far = np.stack([places[:, 0] - 7.0, places[:, 1]], axis=1)
    assert samples._zero(powers, inverse @ far) is None
    none = np.stack([places[:, 0] ** 2 + 1.0, places[:, 1]], axis=1)
    assert samples._zero(powers, inverse @ none) is None


@pytest.mark.parametrize(("distance", "allowed"), [(2.5, True), (1.5, False)])
def test_a_sample_whose_maximum_is_near_the_end_of_the_range_is_none(monkeypatch, distance, allowed):
    at = SimpleNamespace(theta=np.array([0.0, samples.HIGHEST - distance]), gradient_norm=0.0)
    monkeypatch.setattr(samples, "minimise", lambda *_: at)
    start, far = np.zeros(2), lambda theta: (0.0, np.array([1e9, 1e9]) * (1 + theta.sum() ** 2))
    if allowed:
        assert samples.refit_from(far, start, np.eye(2), 1.0).tolist() == at.theta.tolist()
    else:
        with pytest.raises(ModelError, match="no maximum of the likelihood inside"):
            samples.refit_from(far, start, np.eye(2), 1.0)


def test_a_sample_far_from_the_whole_is_found_without_a_full_search(monkeypatch):
    histories = tuples(*simulate(known("pareto_nbd", TRUTH["pareto_nbd"]), np.full(900, 39.0), np.random.default_rng(4)))
    found = fit(histories, "pareto_nbd")
    buyers = np.where(histories.frequency > 2, 3 * histories.n, histories.n)
    scale, units = samples.unit_of_params(histories, found.names)
    start = np.log(np.array(list(found.params.values())) / units)
    likelihood = samples.objective_of(samples.drawn(histories, buyers), found, scale)
    whole = samples.minimise(likelihood, start).theta
    assert np.abs((whole - start) / np.sqrt(np.diag(found.covariance))).max() > 3
    monkeypatch.setattr(samples, "minimise", None)
    monkeypatch.setattr(samples, "polish", None)
    assert samples.refit_from(likelihood, start, found.covariance, found.n) == pytest.approx(whole, abs=1e-4)


@pytest.mark.parametrize("model", TRUTH)
def test_who_is_still_there_may_be_known_already(model):
    truth, rng = known(model, TRUTH[model]), np.random.default_rng(6)
    history = simulate(truth, np.full(400, 39.0), rng)
    still = probability_alive(truth, *history)
    assert np.array_equal(expected_purchases(truth, 20.0, *history, still=still), expected_purchases(truth, 20.0, *history))
    drawn = [
        draw_purchases(truth, 20.0, *history, draws=3, rng=np.random.default_rng(7), **given)
        for given in ({}, {"still": still})
    ]
    assert np.array_equal(*drawn)
    assert expected_purchases(truth, 20.0, *history, still=0 * still).sum() == 0


def test_totals_of_a_forecast_cannot_be_changed():
    made = _Totals((), 1.0, np.ones(1), np.zeros(1), 1, None)
    with pytest.raises(FrozenInstanceError):
        made.horizon = 2.0


def test_regular_buyers_keep_their_k():
    histories = tuples(*customers("mbgcnbd", 2000, 0))
    found = fit_mbgcnbd(histories, 0.0, k=3)
    draws = parameter_draws(histories, found, draws=30)
    assert {one.params["k"] for one in draws.fits()} == {3.0}
    spread = np.log(draws.values).std(0, ddof=1) / np.sqrt(np.diag(found.covariance))
    assert ((spread > 0.5) & (spread < 1.7)).all()


def test_draws_repeat_and_many_tuples_are_normal(monkeypatch):
    histories = tuples(*customers("mbgnbd", 2000, 4))
    found = fit(histories, "mbgnbd")
    assert np.array_equal(*(parameter_draws(histories, found, draws=5, seed=1).values for _ in range(2)))
    monkeypatch.setattr(samples, "MOST_TUPLES", 10)
    normal = parameter_draws(histories, found, draws=4000, seed=1)
    assert normal.method == "normal"
    assert np.cov(np.log(normal.values).T) == pytest.approx(found.covariance, rel=0.15, abs=0.1 * found.covariance.max())


def test_samples_that_cannot_be_fitted_are_counted_or_refused():
    histories = tuples(*customers("bgnbd", 500, 0))
    found, calls = fit(histories, "bgnbd"), iter(range(1000))

    def refit(counts, every):
        if next(calls) % every == every - 1:
            raise ModelError("no maximum")
        return np.array(list(found.params.values()))

    some = samples.resampled(found, histories.n, lambda counts: refit(counts, 50), draws=60, seed=0)
    assert (len(some), some.failed) == (60, 1)
    with pytest.raises(ModelError, match=r"bootstrap: 4 of 7 samples .* could not be fitted.*the last reason: no maximum"):
        samples.resampled(found, histories.n, lambda counts: refit(counts, 2), draws=60, seed=0)
    with pytest.raises(ModelError, match="draws is 0"):
        parameter_draws(histories, found, draws=0)


def test_draws_respect_a_limit():
    draws = normal_draws("x", {"q": 1.1, "v": 5.0}, np.diag([0.05, 0.01]), draws=500, above={"q": 1.0})
    assert len(draws) == 500
    assert draws.values[:, 0].min() > 1
    with pytest.raises(ModelError, match=r"too near its limit \(q > 1.01\)"):
        normal_draws("x", {"q": 1.0001}, [[1.0]], draws=500, above={"q": 1.01})
    assert spend_draws(SPEND, draws=50).values.shape == (50, 3)


def test_limits_hold_the_share_they_promise():
    """With 199 draws they are the 5th and the 195th: a 200th falls between them in 190 of 200 cases, whatever is drawn."""
    low, high = percentiles(np.random.default_rng(0).permutation(np.arange(1.0, 200.0))[:, None], 0.95)
    assert (low[0], high[0]) == (pytest.approx(5.0), pytest.approx(195.0))
    rng = np.random.default_rng(1)
    drawn = rng.exponential(size=(200, 20_000))
    low, high = percentiles(drawn, 0.95)
    inside = ((low <= (another := rng.exponential(size=20_000))) & (another <= high)).mean()
    assert abs(inside - 0.95) < 3.3 * np.sqrt(0.95 * 0.05 / 20_000)  # 0.9405 would be 6 standard errors off


def test_any_figure_gets_an_interval():
    columns = customers("mbgnbd", 2000, 0)
    histories = tuples(*columns)
    found = fit(histories, "mbgnbd")
    draws = parameter_draws(histories, found, draws=60)
    groups = (columns[0] > 0).astype(int)
    per_group = interval(lambda one: np.bincount(groups, expected_purchases(one, 39, *columns)), found, draws)
    assert per_group.value.shape == (2,)
    assert ((per_group.low < per_group.value) & (per_group.value < per_group.high)).all()
    with pytest.raises(ModelError, match="confidence is 95"):
        interval(lambda one: 1.0, found, draws, confidence=95)


# --- single customers


@pytest.mark.parametrize("model", [*MODELS, "mbgcnbd"])
@pytest.mark.parametrize("horizon", [4.0, 60.0])
def test_drawn_purchases_have_the_expected_mean_and_zeros(model, horizon):
    truth, rng = known(model, TRUTH[model]), np.random.default_rng(0)
    x, tx, T = [0, 0, 3, 3, 20], [0, 0, 10, 38, 39], [39, 0, 39, 39, 39]
    drawn = draw_purchases(truth, horizon, x, tx, T, draws=40_000, rng=rng)
    assert drawn.shape == (40_000, 5)
    assert np.array_equal(drawn, np.rint(drawn))
    error = drawn.std(0) / 200
    assert (np.abs(drawn.mean(0) - expected_purchases(truth, horizon, x, tx, T)) < 4.5 * error).all()
    bought = (drawn > 0).mean(0)
    assert bought == pytest.approx(probability_active(truth, horizon, x, tx, T), abs=0.01)


@pytest.mark.parametrize("model", [*MODELS, "mbgcnbd"])
def test_the_future_continues_the_past(model):
    """Observed to week 39 and drawn to 78, the counts have the distribution of customers observed to week 78."""
    truth, rng = known(model, TRUTH[model]), np.random.default_rng(1)
    x, tx, T = simulate(truth, np.full(60_000, 39.0), rng)
    later = x + draw_purchases(truth, 39.0, x, tx, T, draws=1, rng=rng)[0]
    whole = simulate(truth, np.full(60_000, 78.0), rng)[0]
    for count in range(4):
        assert (later == count).mean() == pytest.approx((whole == count).mean(), abs=0.01)  # four standard errors
    assert later.mean() == pytest.approx(whole.mean(), abs=4.5 * np.hypot(later.std(), whole.std()) / np.sqrt(60_000))


def test_drawn_spend_has_the_expected_mean():
    rng = np.random.default_rng(0)
    x, z = [0, 1, 2, 30, 4], [0.0, 11.77, 22.35, 50.0, 0.0]  # the last spent nothing so far: nothing is known of them
    money = draw_spend(SPEND, x, z, np.full((100_000, 5), 3.0), rng)
    assert (np.abs(money.mean(0) / 3 - expected_spend(SPEND, x, z)) < 5 * money.std(0) / 3 / np.sqrt(100_000)).all()
    assert (draw_spend(SPEND, x, z, np.zeros(5), rng) == 0).all()


# --- totals


def spend_part(x, z):
    return SpendPart(
        expected=lambda params: expected_spend(with_params(params), x, z),
        drawn=lambda params, y, row, rng: draw_spend(with_params(params), x[row], z[row], y, rng),
        params=SPEND.params,
    )


def with_params(params):
    return SpendFit(params, {}, SPEND.covariance, 0.0, 0, 0, 0, 0.0)


def test_totals_by_group_add_up():
    x, tx, T = customers("mbgnbd", 1500, 0)
    histories = tuples(x, tx, T)
    found = fit(histories, "mbgnbd")
    draws = parameter_draws(histories, found, draws=60)
    tier = np.where(x > 2, "A", np.where(x > 0, "B", "C"))
    table = forecast_totals(found, draws, 39, x, tx, T, groups=tier)
    assert list(table.columns) == ["group", "part", "value", "low", "high", "n", "method"]
    assert table["group"].tolist() == list("AAABBBCCC")
    each = expected_purchases(found, 39, x, tx, T)
    assert table["value"].tolist() == pytest.approx(np.repeat([each[tier == name].sum() for name in "ABC"], 3), rel=1e-12)
    assert table["n"].tolist() == np.repeat([(tier == name).sum() for name in "ABC"], 3).tolist()
    assert ((table["low"] < table["value"]) & (table["value"] < table["high"])).all()
    width = (table["high"] - table["low"]).to_numpy().reshape(3, 3)
    assert (width[:, 2] > 0.9 * np.maximum(width[:, 0], width[:, 1])).all()
    assert (width[:, 2] < 1.4 * np.hypot(width[:, 0], width[:, 1])).all()


@pytest.mark.long
def test_the_normal_shortcut_agrees_with_the_simulation(monkeypatch):
    x, tx, T = customers("mbgnbd", 1500, 0)
    z = np.where(x > 0, 30.0, 0.0)
    histories = tuples(x, tx, T)
    found = fit(histories, "mbgnbd")
    draws = parameter_draws(histories, found, draws=200)
    both = []
    for most in (3_000_000, 1):
        monkeypatch.setattr("crmkit.models.purchases.btyd.forecast.MOST_SIMULATED", most if most > 1 else 16_000)
        both.append(forecast_totals(found, draws, 39, x, tx, T, spend=spend_part(x, z)))
    assert both[0]["method"].tolist() == ["bootstrap", "simulation", "simulation"]
    assert both[1]["method"].tolist() == ["bootstrap", "normal approximation", "normal approximation"]
    exact, short = ((table["high"] - table["low"]).to_numpy() for table in both)
    assert short == pytest.approx(exact, rel=0.3)


def test_grouped_rows_forecast_like_single_ones():
    x, tx, T = customers("bgnbd", 2000, 0, T=39.0)
    tx = np.ceil(tx)
    histories = tuples(x, tx, T)
    found = fit(histories, "bgnbd")
    draws = parameter_draws(histories, found, draws=100)
    rows = forecast_totals(found, draws, 39, x, tx, T)
    cells = forecast_totals(found, draws, 39, histories.frequency, histories.recency, histories.T, n=histories.n)
    assert cells["value"].tolist() == pytest.approx(rows["value"].tolist(), rel=1e-12)
    assert cells["n"].tolist() == [2000] * 3
    widths = [(table["high"] - table["low"]).to_numpy() for table in (rows, cells)]
    assert widths[1][0] == pytest.approx(widths[0][0], rel=1e-9)
    assert widths[1] == pytest.approx(widths[0], rel=0.4)


def coverage(model, seeds, *, size=3000, draws=200, horizon=39.0):
    """How often hold-out totals, and parameters, lie in their 95 % intervals; one future for each data set."""
    truth = known(model, TRUTH[model])
    names = list(TRUTH[model])
    inside, single, covered = 0, 0, np.zeros(4)
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        x, tx, T = simulate(truth, rng.uniform(20, 60, size), rng)
        histories = tuples(x, tx, T)
        found = fit(histories, model)
        drawn = parameter_draws(histories, found, draws=draws, seed=seed)
        table = forecast_totals(
            found, drawn, horizon, histories.frequency, histories.recency, histories.T, n=histories.n, seed=seed
        )
        total = draw_purchases(truth, horizon, x, tx, T, draws=1, rng=rng).sum()
        low, high = table["low"].to_numpy(), table["high"].to_numpy()
        inside += low[2] <= total <= high[2]
        single += low[1] <= total <= high[1]
        limits = percentiles(drawn.values, 0.95)
        actual = np.array([TRUTH[model][name] for name in names])
        covered += (limits[0] <= actual) & (actual <= limits[1])
    return inside, single, covered


@pytest.mark.long
def test_hold_out_totals_are_covered():
    """12 data sets; 99.9 % band of Binomial(12, .95): at least 9. The chance of single customers alone is not enough."""
    inside, single, covered = coverage("mbgnbd", 12, size=600, draws=100)
    assert inside >= 9, inside
    assert single <= inside
    assert (covered >= 9).all(), covered


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_coverage_of_parameters_and_hold_out_total(model):
    """1,000 data sets of 3,000 customers, 200 draws each: inside the 99 % band of Binomial(1000, .95), 931 to 967."""
    inside, _, covered = coverage(model, 1000)
    assert 931 <= inside <= 967, inside
    assert ((covered >= 931) & (covered <= 967)).all(), covered


# --- hard cases


@pytest.mark.parametrize("model", [*MODELS, "mbgcnbd"])
def test_a_heavy_buyer_and_one_customer(model):
    truth, rng = known(model, TRUTH[model]), np.random.default_rng(0)
    drawn = draw_purchases(truth, 365, 20_000, 3649.0, 3650.0, draws=200, rng=rng)
    expected = expected_purchases(truth, 365, 20_000, 3649.0, 3650.0).item()
    assert np.isfinite(drawn).all()
    assert np.isfinite(expected)
    assert expected > 0
    assert drawn.mean() == pytest.approx(expected, abs=5 * drawn.std() / np.sqrt(200) + 1)
    fixed = {"k": 3.0} if model == "mbgcnbd" else None
    draws = normal_draws(model, TRUTH[model], np.eye(4) * 1e-4, draws=10, fixed=fixed)
    alone = forecast_totals(truth, draws, 39, 2, 10, 39)
    assert alone["n"].tolist() == [1, 1, 1]
    assert np.isfinite(alone["high"]).all()


def test_a_base_with_a_heavy_buyer_can_be_fitted():
    x, tx, T = customers("mbgnbd", 5000, 0)
    x, tx, T = np.append(x, 20_000), np.append(tx, 59.0), np.append(T, 60.0)
    for model in MODELS:
        found = fit(tuples(x, tx, T), model)
        assert found.converged
        assert np.isfinite(list(found.standard_errors.values())).all()


@pytest.mark.parametrize("model", [*MODELS, "mbgcnbd"])
def test_no_time_and_no_horizon(model):
    truth, rng = known(model, TRUTH[model]), np.random.default_rng(0)
    assert (draw_purchases(truth, 0, [0, 2], [0, 9], [0, 10], draws=50, rng=rng) == 0).all()
    assert draw_purchases(truth, 39, 0, 0, 0, draws=5000, rng=rng).mean() > 0


def test_spends_of_zero_and_below_are_left_out_and_counted():
    rng = np.random.default_rng(0)
    x = rng.integers(1, 8, 2000)
    z = rng.gamma(6.25 * x, 1 / (x * rng.gamma(3.74, 1 / 15.44, x.size)))
    z[:50], z[50:60] = 0.0, -3.0
    found = fit_gamma_gamma(x, z)
    assert (found.n, found.not_positive) == (1940, 60)
    assert (draw_spend(found, x[:60], z[:60], np.ones((20, 60)), rng) > 0).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, d: forecast_totals(m, d, 39, [0, 1], [0, 2], 9, n=[1]), "one value for each of the 2 rows"),
        (lambda m, d: forecast_totals(m, d, 39, [1], [9], 3), "recency is above T"),
        (
            lambda m, d: draw_purchases(m, 39, 0, 0, 1, draws=0, rng=np.random.default_rng(0)),
            "draws is 0; it must be",
        ),
        (
            lambda m, d: forecast_totals(m, d, 39, 0, 0, 1, spend=SpendPart(len, len, {}, ({},))),
            "1 draws of the spend parameters, 10 of the others",
        ),
    ],
)
def test_what_is_refused(call, message):
    truth = known("bgnbd", TRUTH["bgnbd"])
    with pytest.raises(ModelError) as caught:
        call(truth, normal_draws("bgnbd", TRUTH["bgnbd"], np.eye(4) * 1e-4, draws=10))
    assert message in str(caught.value)
