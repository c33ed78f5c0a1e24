"""The Cox model: paths agree, order and folding do not matter, faults name their column, and the truth is found."""

from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.survival import (
    baseline_curve,
    baselines,
    churn_probability,
    coefficient_table,
    contributions,
    discrete_probability,
    expected_remaining,
    fine_gray_rows,
    fit_cox,
    fit_discrete,
    inflation,
    proportional_hazards,
    term_tests,
    with_robust_errors,
)
from crmkit.models.survival.data.design import encode, make_design
from crmkit.models.survival.data.riskset import Cells, Timeline

EFFECTS = {"plan": -0.8, "calls": 0.25, "fee": 0.1, "senior": 0.4}
COLUMNS = ["plan", "calls", "fee", "senior", "region"]


def customers(n, seed=0, monthly=True, rate=0.03, months=36):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "plan": rng.integers(0, 2, n), "calls": rng.integers(0, 4, n).astype(float), "fee": rng.integers(1, 7, n) / 2,
            "senior": rng.random(n) < 0.2, "region": rng.choice(["north", "south", "west"], n),
        }
    )  # fmt: skip
    eta = sum(b * table[name].to_numpy(dtype=float) for name, b in EFFECTS.items()) + 0.3 * (table["region"] == "south")
    time, until = rng.exponential(1 / (rate * np.exp(eta - 0.2))), rng.uniform(1, months, n)
    left = time <= until
    seen = np.minimum(time, until)
    return (np.ceil(seen) if monthly else seen), left, table, eta.to_numpy() - 0.2


# --- three paths


@pytest.mark.parametrize("options", [{}, {"strata": True}, {"entry": True}, {"copies": True}, {"ties": "breslow"},
                                     {"strata": True, "entry": True, "copies": True}])  # fmt: skip
def test_cells_are_rows(options):
    time, left, table, _ = customers(5000)
    rng = np.random.default_rng(1)
    given = {
        "strata": rng.integers(0, 3, len(time)) if options.get("strata") else None,
        "entry": np.floor(rng.random(len(time)) * time) if options.get("entry") else None,
        "copies": rng.integers(1, 4, len(time)) if options.get("copies") else None,
        "ties": options.get("ties", "efron"),
    }
    rows, cells = (fit_cox(time, left, table, engine=engine, **given) for engine in ("rows", "cells"))
    assert np.abs(rows.coefficients - cells.coefficients).max() < 1e-10
    assert np.abs(rows.standard_errors - cells.standard_errors).max() < 1e-10
    assert rows.log_likelihood == pytest.approx(cells.log_likelihood, rel=1e-12)
    for a, b in zip(baselines(rows), baselines(cells), strict=True):
        assert np.abs(a.hazard - b.hazard).max() < 1e-10
        assert np.abs(a.variance - b.variance).max() < 1e-10
    one, two = (proportional_hazards(found, transform="rank")["statistic"] for found in (rows, cells))
    assert np.abs(one - two).max() < 1e-7


def test_lifelines_agrees():
    time, left, table, _ = customers(2000)
    ours, theirs = fit_cox(time, left, table, engine="rows"), fit_cox(time, left, table)
    assert (ours.engine, theirs.engine) == ("rows", "lifelines")
    assert np.abs(ours.coefficients - theirs.coefficients).max() < 1e-10
    raw = theirs.fitter.params_.to_numpy() / theirs.scale
    assert np.abs(ours.coefficients - raw).max() < 1e-6
    assert theirs.fitter.log_likelihood_ == pytest.approx(ours.log_likelihood, abs=1e-6)


@pytest.mark.parametrize("engine", ["cells", "rows"])
def test_order_does_not_matter_and_folding_neither(engine):
    time, left, table, _ = customers(3000)
    order = np.random.default_rng(3).permutation(len(time))
    first = fit_cox(time, left, table, engine=engine)
    again = fit_cox(time[order], left[order], table.iloc[order], engine=engine)
    assert np.abs(first.coefficients - again.coefficients).max() < 1e-12
    assert np.abs(first.covariance - again.covariance).max() < 1e-12
    counts = table.assign(time=time, left=left).groupby([*COLUMNS, "time", "left"], as_index=False).size()
    folded = fit_cox(counts["time"], counts["left"], counts[COLUMNS], copies=counts["size"], engine=engine)
    assert np.abs(first.coefficients - folded.coefficients).max() < 1e-10
    assert np.abs(first.standard_errors - folded.standard_errors).max() < 1e-10
    # in chunks, as partitions of a warehouse would count them, and put together again
    parts = [part.groupby([*COLUMNS, "time", "left"], as_index=False).size()
             for _, part in table.assign(time=time, left=left).groupby(np.arange(len(time)) % 3)]  # fmt: skip
    merged = pd.concat(parts).groupby([*COLUMNS, "time", "left"], as_index=False)["size"].sum()
    chunked = fit_cox(merged["time"], merged["left"], merged[COLUMNS], copies=merged["size"], engine=engine)
    assert np.array_equal(chunked.coefficients, folded.coefficients)


def test_many_customers_take_the_fast_paths():
    time, left, table, _ = customers(200_000)
    found = fit_cox(time, left, table)
    assert found.engine == "cells"
    assert found.n == 200_000
    truth = np.array([*EFFECTS.values(), 0.3, 0.0])
    assert (np.abs(found.coefficients - truth) < 4 * found.standard_errors + 0.02).all()  # months hide a little
    time, left, table, _ = customers(200_000, monthly=False)
    found = fit_cox(time, left, table.assign(fee=table["fee"] + np.random.default_rng(1).normal(0, 1e-9, len(table))))
    assert found.engine == "rows"
    assert (np.abs(found.coefficients - truth) < 4 * found.standard_errors).all()


def everything(fit, covariates, *, elapsed, strata, cluster):
    """All that can be asked of a fit, as numbers."""
    near = {"elapsed": elapsed, "strata": strata}
    tables = [
        coefficient_table(fit), term_tests(fit), proportional_hazards(fit, transform="rank"), baseline_curve(fit),
        churn_probability(fit, covariates, horizon=3, **near), contributions(fit, covariates),
        coefficient_table(with_robust_errors(fit)), coefficient_table(with_robust_errors(fit, cluster=cluster)),
        expected_remaining(fit, covariates, limit=3, **near),
    ]  # fmt: skip
    return [table.select_dtypes("number").drop(columns="log10_p", errors="ignore").to_numpy() for table in tables]


@pytest.mark.parametrize("given", [{}, {"strata"}, {"entry"}, {"copies"}, {"sampling_weights"}, {"strata", "entry", "copies"}])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize(("serves", "patterns"), [(20_000, True), (0, True), (0, False)])
def test_what_can_be_asked_does_not_depend_on_the_path_taken(given, ties, serves, patterns, monkeypatch):
    """Few customers, many like ones, many who differ: lifelines, cells and rows are taken, and no question is refused."""
    time, left, table, _ = customers(1100)
    rng = np.random.default_rng(2)
    if not patterns:
        table = table.assign(fee=table["fee"] + rng.normal(0, 1, len(table)))
    made = {
        "strata": rng.integers(0, 2, len(time)), "entry": np.floor(rng.random(len(time)) * time),
        "copies": rng.integers(1, 4, len(time)), "sampling_weights": 0.5 + rng.integers(0, 7, len(time)) / 4,
    }  # fmt: skip
    own = {name: made[name] for name in given}
    monkeypatch.setattr("crmkit.models.survival.regression.cox.LIFELINES_ROWS", serves)
    auto = fit_cox(time, left, table, ties=ties, **own)
    rows = fit_cox(time, left, table, ties=ties, engine="rows", **own)
    lifelines = serves and ties == "efron" and "copies" not in given
    assert auto.engine == ("lifelines" if lifelines else "cells" if patterns else "rows")
    asked = {"elapsed": np.minimum(time, 20), "strata": own.get("strata"), "cluster": rng.integers(0, 100, len(time))}
    for one, other in zip(everything(auto, table, **asked), everything(rows, table, **asked), strict=True):
        assert one.shape == other.shape
        assert np.allclose(one, other, rtol=1e-6, atol=1e-8, equal_nan=True)


def test_two_runs_give_the_same_bytes():
    time, left, table, _ = customers(4000)
    for engine in ("cells", "rows"):
        found = [fit_cox(time, left, table, engine=engine) for _ in range(2)]
        scored = [churn_probability(f, table, elapsed=5, horizon=3).to_numpy(dtype=float).tobytes() for f in found]
        assert scored[0] == scored[1]


# --- faults


def test_faults_name_their_column():
    time, left, table, _ = customers(300)
    rng = np.random.default_rng(0)
    wrong = {
        "is missing or infinite in 1 of 300 rows (row 7)": table.assign(calls=table["calls"].where(table.index != 7)),
        "'same' is 4 for every customer; leave it out": table.assign(same=4),
        "'sum' follows exactly from 'calls', 'fee'": table.assign(sum=table["calls"] - 2 * table["fee"] + 1),
        "'trial' separates: of the": table.assign(trial=((~left) & (rng.random(300) < 0.5)).astype(int)),
        "column 'day' holds dates": table.assign(day=pd.Timestamp("2025-01-01")),
    }
    for text, covariates in wrong.items():
        for engine in ("lifelines", "cells", "rows"):
            with pytest.raises(ModelError) as raised:
                fit_cox(time, left, covariates, engine=engine)
            assert text in str(raised.value)


def test_a_dummy_of_every_level_is_named():
    time, left, table, _ = customers(300)
    dummies = pd.get_dummies(table["region"])
    with pytest.raises(ModelError, match="'west' follows exactly from 'north', 'south'"):
        fit_cox(time, left, dummies)


def test_a_number_that_orders_all_times_has_no_finite_effect():
    x = np.arange(30.0)
    for engine in ("rows", "cells"):
        with pytest.raises(ModelError, match="'x' has no finite effect"):
            fit_cox(30 - x, np.ones(30), pd.DataFrame({"x": x}), engine=engine)


def test_other_faults():
    time, left, table, _ = customers(300)
    with pytest.raises(ModelError, match="nobody leaves"):
        fit_cox(time, np.zeros(300), table)
    with pytest.raises(ModelError, match="covariates has 299 rows, durations has 300"):
        fit_cox(time, left, table.iloc[1:])
    with pytest.raises(ModelError, match="copies is missing, 0, negative or no whole number in 300 of 300 rows"):
        fit_cox(time, left, table, copies=np.full(300, 0.5))
    with pytest.raises(ModelError, match="no level 'nroth'; did you mean 'north'"):
        fit_cox(time, left, table, references={"region": "nroth"})
    with pytest.raises(ModelError, match="'lifelines' takes no copies"):
        fit_cox(time, left, table, copies=np.full(300, 2), engine="lifelines")


def test_the_reference_level_can_be_chosen():
    time, left, table, _ = customers(2000)
    fit = fit_cox(time, left, table)
    errors, ratios = (coefficient_table(fit)[name].to_numpy() for name in ("standard_error", "hazard_ratio"))
    assert errors.tolist() == fit.standard_errors.tolist()
    assert ratios.tolist() == np.exp(fit.coefficients).tolist()
    first = coefficient_table(fit_cox(time, left, table)).set_index("column")["coefficient"]
    second = coefficient_table(fit_cox(time, left, table, references={"region": "south"})).set_index("column")["coefficient"]
    assert second["region[north]"] == pytest.approx(-first["region[south]"], abs=1e-9)


def test_inflation_of_variances():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=4000), rng.normal(size=4000)
    table = pd.DataFrame({"a": a, "b": 0.8 * a + 0.6 * b, "c": rng.normal(size=4000)})
    design = make_design(table)
    r = np.corrcoef(table["a"], table["b"])[0, 1]
    assert inflation(design, encode(design, table))[:2] == pytest.approx([1 / (1 - r**2)] * 2, rel=0.01)


# --- proportional hazards


def test_a_changing_effect_is_found_with_its_size():
    """The effect of x is log 3 in the first 6 months and none after: the verdict says so; y is constant and left alone."""
    rng = np.random.default_rng(0)
    n = 20_000
    x, y = rng.integers(0, 2, n), rng.integers(0, 2, n)
    early = rng.exponential(1 / (0.05 * np.exp(np.log(3) * x + 0.5 * y)))
    time = np.where(early < 6, early, 6 + rng.exponential(1 / (0.05 * np.exp(0.5 * y))))
    until = rng.uniform(5, 40, n)
    found = fit_cox(np.minimum(time, until), time <= until, pd.DataFrame({"x": x, "y": y}), engine="rows")
    table = proportional_hazards(found).set_index("term")
    assert table.loc["x", "verdict"].startswith("changes: make it a stratum")
    # a straight line through the step from 3 to 1: steep, but not as far apart as the two sides of the step
    assert 2 < table.loc["x", "hr_early"] < 3
    assert 1 < table.loc["x", "hr_late"] < 1.5
    assert table.loc["y", "verdict"] == "no sign of a change"
    assert table.loc["x", "p"] > 0
    assert table.loc["GLOBAL", "df"] == 2


# --- scores


def test_contributions_add_up():
    time, left, table, _ = customers(3000)
    found = fit_cox(time, left, table)
    parts = contributions(found, table)
    assert list(parts.columns) == COLUMNS
    scored = churn_probability(found, table, elapsed=0, horizon=5)
    assert np.abs(parts.sum(axis=1) - scored["log_hazard_ratio"]).max() < 1e-12
    one = contributions(found, table, reference=table.iloc[[4]])
    assert np.abs(one.iloc[4]).max() == 0
    assert np.abs(one.sum(axis=1) - (scored["log_hazard_ratio"] - scored["log_hazard_ratio"].iloc[4])).max() < 1e-12


def test_beyond_support_is_not_zero_and_missing_inputs_are_flagged():
    time, left, table, _ = customers(3000)
    found = fit_cox(time, left, table)
    last = time[left].max()
    asked = table.iloc[:4].copy()
    asked.loc[asked.index[1], "calls"] = np.nan
    asked.loc[asked.index[2], "region"] = "moon"
    scored = churn_probability(found, asked, elapsed=[1, 1, 1, last - 1], horizon=3)
    assert scored["beyond_support"].tolist() == [False, False, False, True]
    assert scored["missing_inputs"].tolist() == [False, True, True, False]
    assert scored["probability"].isna().tolist() == [False, True, True, True]
    assert np.isnan(expected_remaining(found, asked, elapsed=[1, 1, 1, last - 1], limit=3)["value"][3])


def test_remaining_time_is_the_area_under_the_conditional_curve():
    time, left, table, _ = customers(3000)
    found = fit_cox(time, left, table)
    people = table.iloc[:5]
    months = [churn_probability(found, people, elapsed=4, horizon=h)["probability"].to_numpy() for h in range(1, 12)]
    expected = 1 + sum(1 - p for p in months)
    remaining = expected_remaining(found, people, elapsed=4, limit=12)
    assert np.abs(remaining["value"] - expected).max() < 1e-12
    assert ((remaining["low"] < expected) & (expected < remaining["high"])).all()
    assert (expected_remaining(found, people, elapsed=4, limit=12, discount_rate=0.01)["value"] < expected).all()


def test_remaining_time_in_which_nobody_leaves_has_no_limits():
    found = fit_cox([1, 2, 9, 9, 10], [1, 1, 1, 0, 1], pd.DataFrame({"x": [1, 0, 1, 0, 0]}), engine="rows")
    known = expected_remaining(found, pd.DataFrame({"x": [0, 1]}), elapsed=3, limit=5)
    assert known["value"].tolist() == [5, 5]
    assert known[["low", "high"]].isna().all(axis=None)


def remaining_covered(seeds):
    """How often the limits of a customer's expected time, of the next 8, hold the true one; whole and discounted."""
    hits = np.zeros(2)
    for seed in seeds:
        time, left, table, eta = customers(400, seed=seed, monthly=False)
        found = fit_cox(time, left, table, engine="rows")
        rate = 0.03 * np.exp(eta[0])
        for k, discount in enumerate((0.0, 0.05)):
            given = {"elapsed": 3, "limit": 8, "discount_rate": discount}
            row = expected_remaining(found, table.iloc[[0]], **given).iloc[0]
            hits[k] += row["low"] <= -np.expm1(-(rate + discount) * 8) / (rate + discount) <= row["high"]
    return hits


def test_limits_of_remaining_times_cover_in_a_sample():
    assert (remaining_covered(range(60)) >= 52).all()  # 99 % band of 60 at 95 %


@pytest.mark.slow
def test_limits_of_remaining_times_cover():
    hits = remaining_covered(range(1000))
    assert (hits >= 931).all(), hits
    assert (hits <= 967).all(), hits


def test_scoring_in_chunks_is_scoring_at_once(monkeypatch):
    time, left, table, _ = customers(3000)
    strata = np.where(table["plan"] == 1, "year", "month")
    found = fit_cox(time, left, table.drop(columns="plan"), strata=strata)
    whole = churn_probability(found, table, elapsed=np.minimum(time, 20), horizon=3, strata=strata)
    monkeypatch.setattr("crmkit.models.survival.judging.scoring.CHUNK", 700)
    parts = churn_probability(found, table, elapsed=np.minimum(time, 20), horizon=3, strata=strata)
    assert np.abs(whole.to_numpy(dtype=float) - parts.to_numpy(dtype=float)).max() < 1e-13
    with pytest.raises(ModelError, match="'day' is unknown to the fit"):
        churn_probability(found, table, elapsed=1, horizon=3, strata=np.where(table["plan"] == 1, "year", "day"))


def test_scoring_needs_memory_of_the_customers_only():
    """100,000 customers, 60,000 different times: the full grid would take 48 GB; here it is below 200 bytes per customer."""
    import tracemalloc

    time, left, table, _ = customers(100_000, monthly=False)
    found = fit_cox(time, left, table, engine="rows")
    tracemalloc.start()
    churn_probability(found, table, elapsed=np.minimum(time, 20), horizon=3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6


# --- simulation with known truth


def test_probabilities_are_the_truth_at_200_000_customers():
    """Mean distance to the true probability <= .01, and observed / expected within .95 to 1.05 in every tenth."""
    from crmkit.models.survival import calibration_table

    time, left, table, eta = customers(200_000, seed=5, monthly=False)
    found = fit_cox(time, left, table)
    scored = churn_probability(found, table, elapsed=6, horizon=6)["probability"].to_numpy()
    truth = 1 - np.exp(-0.03 * 6 * np.exp(eta))
    assert np.abs(scored - truth).mean() <= 0.01
    fresh_time, fresh_left, fresh, _ = customers(200_000, seed=6, monthly=False)
    alive = fresh_time > 6
    p = churn_probability(found, fresh[alive], elapsed=6, horizon=6)["probability"]
    tenths = calibration_table(fresh_time[alive] - 6, fresh_left[alive], p, horizon=6)
    assert tenths["ratio"].between(0.95, 1.05).all(), tenths


def coverage(seeds):
    hits = 0
    for seed in seeds:
        time, left, table, eta = customers(1000, seed=seed, monthly=False)
        found = fit_cox(time, left, table, engine="rows")
        row = churn_probability(found, table.iloc[[0]], elapsed=3, horizon=6).iloc[0]
        hits += row["low"] <= 1 - np.exp(-0.03 * 6 * np.exp(eta[0])) <= row["high"]
    return hits


@pytest.mark.long
def test_intervals_of_probabilities_cover_in_a_sample():
    assert 182 <= coverage(range(200)) <= 197  # 99 % band of 200 draws at 95 %


@pytest.mark.slow
def test_intervals_of_probabilities_cover():
    assert 931 <= coverage(range(1000)) <= 967


# --- discrete time, and competing causes


def test_discrete_time_is_cox_where_hazards_are_proportional():
    time, left, table, eta = customers(40_000, seed=2)
    continuous = customers(40_000, seed=2, monthly=False)
    cox = fit_cox(continuous[0], continuous[1], continuous[2], engine="rows")
    # who is censored within a month was not at risk for the whole of it: count full months only
    full = np.where(left, time, time - 1)
    kept = full >= 1
    found = fit_discrete(full[kept], left[kept], table[kept])
    effects = found.coefficients[-len(cox.coefficients) :]
    assert np.abs(effects - cox.coefficients).max() < 0.02
    scored = discrete_probability(found, table.iloc[:500], elapsed=6, horizon=6)
    truth = 1 - np.exp(-0.03 * 6 * np.exp(eta[:500]))
    assert np.abs(scored["probability"] - truth).mean() < 0.01
    assert ((scored["low"] < scored["probability"]) & (scored["probability"] < scored["high"])).all()


def test_discrete_time_lets_an_effect_change():
    rng = np.random.default_rng(0)
    n = 30_000
    x = rng.integers(0, 2, n)
    time = np.full(n, 25.0)
    for month in range(24, 0, -1):
        time = np.where(rng.random(n) < -np.expm1(-0.04 * np.exp((1.0 - 0.08 * month) * x)), month, time)
    left = time <= 24
    found = fit_discrete(np.minimum(time, 24), left, pd.DataFrame({"x": x}), changing=["x"])
    slope, error = found.coefficients[-1], found.standard_errors[-1]
    assert abs(slope + 0.08) < 3 * error < 0.08
    with pytest.raises(ModelError, match="'y' is no covariate"):
        fit_discrete(np.minimum(time, 24), left, pd.DataFrame({"x": x}), changing=["y"])
    with pytest.raises(ModelError, match="no whole number of 1 or more"):
        fit_discrete(time + 0.5, left, pd.DataFrame({"x": x}))


def test_discrete_time_takes_late_entry_and_counts():
    time, left, table, _ = customers(3000)
    entry = np.floor(np.random.default_rng(0).random(3000) * time)
    entry = np.minimum(entry, time - 1)
    n = np.random.default_rng(1).integers(1, 4, 3000)
    one = fit_discrete(time, left, table, entry=entry, copies=n)
    two = fit_discrete(np.repeat(time, n), np.repeat(left, n), table.loc[np.repeat(table.index, n)], entry=np.repeat(entry, n))
    assert np.abs(one.coefficients - two.coefficients).max() < 1e-8


def test_weights_of_who_left_for_another_reason_fall():
    rows = fine_gray_rows([1, 2, 3, 4, 5, 6], [2, 0, 1, 0, 1, 1], of=1)
    mine = rows[rows["row"] == 0]
    assert mine[["start", "stop"]].values.tolist() == [[0, 1], [1, 3], [3, 6]]
    assert mine["weight"].tolist() == pytest.approx([1, 4 / 5, 4 / 5 * 2 / 3])
    assert mine["event"].sum() == 0
    with pytest.raises(ModelError, match="cause is '3' for nobody"):
        fine_gray_rows([1, 2], [1, 0], of=3)


def test_counts_of_a_stratum_cannot_be_changed():
    cells = Cells(*[np.zeros((1, 1))] * 7, timeline=None, members=None)
    with pytest.raises(FrozenInstanceError):
        cells.times = np.ones(1)


def test_nobody_is_at_risk_before_the_first_has_come():
    line = Timeline(*(np.array(part, dtype=float) for part in ([5, 9], [2, 1], [2, 3], [1, 2])))
    assert line.at_risk(np.array([1.0, 2.0, 2.5, 4.0, 5.0, 6.0])).tolist() == [0, 0, 1, 3, 3, 1]
