"""What R's survival 3.5-3 prints with `weights=` and robust errors, to 1e-8; the commands are in make_weighted.R.

A weight tells for how many customers one stands; copies tell from how many a row was counted. The columns `n` of whole numbers
are the trap: taken for copies they give errors a third too small.
"""

import csv
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines import datasets

from crmkit.models.survival import (
    at_risk_table,
    concordance,
    contributions,
    fit_cox,
    kaplan_meier,
    logrank,
    logrank_pairs,
    median_survival,
    restricted_mean,
    restricted_mean_differences,
    term_tests,
    with_robust_errors,
)

FOLDER = Path(__file__).parent / "therneau_2023_survival"
WHOLE = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
FEW = ["fin", "band", "race"]


@cache
def reference():
    with (FOLDER / "r_weighted.csv").open(encoding="utf-8") as file:
        return {row["name"]: float(row["value"]) for row in csv.DictReader(file)}


def printed_by_r(name, count=None):
    return reference()[name] if count is None else np.array([reference()[f"{name}.{k + 1}"] for k in range(count)])


@cache
def rossi():
    data = datasets.load_rossi()
    k = np.arange(1, len(data) + 1)
    data["w"], data["n"] = 0.5 + k % 7 / 4, 1 + k % 3
    data["entry"] = np.floor(k % 5 * (data["week"] - 1) / 5)
    data["band"] = pd.cut(data["age"], [0, 20, 25, 99], labels=list("abc"))
    return data


@cache
def heart():
    data = datasets.load_stanford_heart_transplants()
    return data.assign(w=0.5 + data["id"] % 7 / 4)


def fit(name, **how):
    r = rossi()
    given = {
        "w": {"covariates": r[WHOLE], "sampling_weights": r["w"]},
        "n": {"covariates": r[WHOLE], "sampling_weights": r["n"]},
        "cluster": {"covariates": r[WHOLE], "sampling_weights": r["w"], "cluster": r["prio"]},
        "few": {"covariates": r[FEW], "sampling_weights": r["w"]},
        "few_cluster": {"covariates": r[FEW], "sampling_weights": r["w"], "cluster": r["prio"]},
        "few_plain": {"covariates": r[FEW], "cluster": r["prio"]},
        "strata": {"covariates": r[FEW], "sampling_weights": r["w"], "strata": r["wexp"]},
        "late": {"covariates": r[["fin", "age", "prio"]], "sampling_weights": r["w"], "entry": r["entry"]},
    }
    return fit_cox(r["week"], r["arrest"], **given[name], **how)


@pytest.mark.parametrize("engine", ["lifelines", "cells", "rows", "auto"])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("name", ["w", "n", "cluster", "few", "few_cluster", "few_plain", "strata", "late"])
def test_cox(name, ties, engine):
    if engine == "lifelines" and ties == "breslow":
        pytest.skip("lifelines has no Breslow ties")
    found = fit(name, ties=ties, engine=engine)
    assert found.engine == engine or engine == "auto"
    p, prefix = len(found.coefficients), f"rossi.{name}.{ties}"
    assert np.abs(found.coefficients - printed_by_r(f"{prefix}.coef", p)).max() < 1e-8
    assert np.abs(found.standard_errors - printed_by_r(f"{prefix}.robust", p)).max() < 1e-8
    assert np.abs(np.sqrt(np.diag(found.naive)) - printed_by_r(f"{prefix}.naive", p)).max() < 1e-8
    assert found.log_likelihood == pytest.approx(printed_by_r(f"{prefix}.loglik"), abs=1e-8, rel=0)
    assert found.log_likelihood_null == pytest.approx(printed_by_r(f"{prefix}.null"), abs=1e-8, rel=0)
    assert found.score_statistic == pytest.approx(printed_by_r(f"{prefix}.score"), abs=1e-8, rel=0)
    assert (found.n, found.events) == (432, 114)
    if found.fitter is not None:  # what an analyst sees of lifelines' own object are these errors too
        shown = found.fitter.summary["se(coef)"].to_numpy() / found.scale
        assert np.abs(shown - found.standard_errors).max() < 1e-8


@pytest.mark.parametrize("engine", ["lifelines", "cells", "rows"])
def test_cox_of_rows_that_follow_each_other(engine):
    h = heart()
    covariates = h[["age", "surgery", "transplant"]]
    given = {"entry": h["start"], "sampling_weights": h["w"], "cluster": h["id"], "engine": engine}
    found = fit_cox(h["stop"], h["event"], covariates, **given)
    assert np.abs(found.coefficients - printed_by_r("heart.w.coef", 3)).max() < 1e-8
    assert np.abs(found.standard_errors - printed_by_r("heart.w.robust", 3)).max() < 1e-8
    assert found.score_statistic == pytest.approx(printed_by_r("heart.w.score"), abs=1e-8)


def test_robust_errors_of_robust_errors_are_the_same():
    found = fit("cluster")
    again = with_robust_errors(found, cluster=rossi()["prio"])
    assert np.abs(found.covariance - again.covariance).max() < 1e-15
    rows = with_robust_errors(again)
    assert np.abs(rows.standard_errors - printed_by_r("rossi.w.efron.robust", 7)).max() < 1e-8


def test_the_unit_of_the_weights_does_not_matter_and_no_likelihood_ratio_is_shown():
    r = rossi()
    one, other = (fit_cox(r["week"], r["arrest"], r[WHOLE], sampling_weights=r["w"] * unit) for unit in (1, 1000))
    assert np.abs(one.standard_errors - other.standard_errors).max() < 1e-9
    b = one.coefficients
    assert term_tests(one).iloc[-1]["statistic"] == pytest.approx(b @ np.linalg.solve(one.covariance, b))
    assert np.isnan(one.aic)


@pytest.mark.parametrize("interval", ["log", "log-log", "plain"])
@pytest.mark.parametrize("name", ["w", "n", "cluster", "late"])
def test_kaplan_meier(name, interval):
    r = rossi()
    given = {
        "w": {"sampling_weights": r["w"], "group": r["fin"]},
        "n": {"sampling_weights": r["n"]},
        "cluster": {"sampling_weights": r["w"], "group": r["fin"], "cluster": r["prio"]},
        "late": {"sampling_weights": r["w"], "entry": r["entry"]},
    }[name]
    table = kaplan_meier(r["week"], r["arrest"], interval=interval, **given)
    for group, own in table.groupby("group"):
        for week in (10, 30, 52):
            row = own[own["x"] <= week].iloc[-1]
            prefix = ".".join(["rossi.km", name, interval.replace("-", ""), *([str(group)] if "group" in given else [])])
            expected = [printed_by_r(f"{prefix}.{week}.{part}") for part in ("surv", "se", "low", "high")]
            assert row[["value", "standard_error", "low", "high"]].tolist() == pytest.approx(expected, abs=1e-8)
    counted = at_risk_table(table, [10])["at_risk"].sum()  # customers observed, whatever they stand for
    assert counted == ((r["week"] >= 10) & ((r["entry"] < 10) | (name != "late"))).sum()


def test_medians_and_restricted_means():
    data = datasets.load_lung()
    w = 0.5 + np.arange(1, len(data) + 1) % 7 / 4
    given = {"durations": data["time"], "event_observed": data["status"], "sampling_weights": w, "group": data["sex"]}
    medians = median_survival(kaplan_meier(**given))
    for column, part in (("value", "median"), ("low", "0.95LCL"), ("high", "0.95UCL")):
        assert medians[column].tolist() == printed_by_r(f"lung.{part}", 2).tolist()
    means = restricted_mean(**given, tau=500)
    assert means["value"].tolist() == pytest.approx(printed_by_r("lung.rmst", 2), abs=1e-8)
    assert means["standard_error"].tolist() == pytest.approx(printed_by_r("lung.rmst_se", 2), abs=1e-8)
    apart = restricted_mean_differences(**given, tau=500).iloc[0]
    assert apart["standard_error"] == pytest.approx(np.hypot(*printed_by_r("lung.rmst_se", 2)), abs=1e-8)
    assert means["n"].tolist() == data.groupby("sex").size().tolist()


def test_logrank():
    r = rossi()
    w = {"sampling_weights": r["w"]}
    cases = {
        "fin": {"group": r["fin"], **w},
        "band": {"group": r["band"], **w},
        "strata": {"group": r["fin"], "strata": r["race"], **w},
        "cluster": {"group": r["band"], "cluster": r["prio"], **w},
        "late": {"group": r["band"], "entry": r["entry"], **w},
        "n": {"group": r["band"], "sampling_weights": r["n"]},
    }
    for name, given in cases.items():
        found = logrank(r["week"], r["arrest"], **given).statistic
        assert found == pytest.approx(printed_by_r(f"rossi.logrank.{name}"), abs=1e-8), name
    for rho in (0, 1):  # of the package survey: the variance of n rows drawn with replacement, about their mean
        found = logrank(r["week"] + np.arange(1, 433) / 1000, r["arrest"], group=r["fin"], rho=rho, **w).statistic
        about_mean = found / (1 - found / 432) * 431 / 432
        assert about_mean == pytest.approx(printed_by_r(f"rossi.svylogrank.{rho}"), abs=1e-8)
    pairs = logrank_pairs(r["week"], r["arrest"], group=r["fin"], **w)
    assert pairs["statistic"].tolist() == pytest.approx([printed_by_r("rossi.logrank.fin")], abs=1e-8)


@pytest.mark.parametrize("name", ["late", "late_strata", "strata", "weighted", "cluster", "ymax", "uno"])
def test_concordance(name):
    r = rossi()
    columns = ["fin", "age", "prio"]
    risk = r[columns].to_numpy() @ fit_cox(r["week"], r["arrest"], r[columns], entry=r["entry"]).coefficients
    w = {"entry": r["entry"], "strata": r["race"], "sampling_weights": r["w"]}
    given = {
        "late": {"entry": r["entry"]},
        "late_strata": {"entry": r["entry"], "strata": r["race"]},
        "strata": {"strata": r["race"]},
        "weighted": w,
        "cluster": {**w, "cluster": r["prio"]},
        "ymax": {**w, "tau": 40},
        "uno": {"strata": r["race"], "weighting": "uno", "tau": 40},
    }[name]
    found = concordance(r["week"], r["arrest"], risk, **given)
    assert found.value == pytest.approx(printed_by_r(f"rossi.c.{name}"), abs=1e-8)
    assert found.standard_error == pytest.approx(printed_by_r(f"rossi.c.{name}.se"), abs=1e-8)


def test_concordance_of_a_fit_with_strata_and_late_entry():
    r = rossi()
    columns, given = ["fin", "age", "prio"], {"entry": rossi()["entry"], "strata": rossi()["race"]}
    found = fit_cox(r["week"], r["arrest"], r[columns], **given)
    risk = contributions(found, r[columns]).sum(axis=1)
    c = concordance(r["week"], r["arrest"], risk, **given)
    assert [c.value, c.standard_error] == pytest.approx([printed_by_r("rossi.c.fit"), printed_by_r("rossi.c.fit.se")], abs=1e-8)


def test_whole_numbers_taken_for_copies_are_another_question():
    r = rossi()
    drawn = fit("n")
    copied = fit_cox(r["week"], r["arrest"], r[WHOLE], copies=r["n"])
    assert (drawn.n, copied.n) == (432, r["n"].sum())
    assert (drawn.standard_errors / copied.standard_errors > 1.2).all()
