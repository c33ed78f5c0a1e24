"""Gap-time and calendar models of repeated events against R's survival 3.5-3: therneau_2023_survival/make_recurrent.R."""

import csv
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmkit.models.survival import fit_cox, with_robust_errors
from crmkit.models.survival.gaps import fit_calendar, fit_gap_times, gap_curves, no_purchase_probability

FOLDER = Path(__file__).parent / "therneau_2023_survival"
BLADDER, FULL, CGD = ["rx", "size", "number"], ["treatment", "number", "size"], ["treat", "inherit", "age", "steroids"]
PLACEBO = {"treatment": "placebo"}


@cache
def reference():
    with (FOLDER / "r_recurrent.csv").open(encoding="utf-8") as file:
        return {row["name"]: float(row["value"]) for row in csv.DictReader(file)}


@cache
def data(name):
    table = pd.read_csv(FOLDER / f"{name}.csv")
    if name == "bladder1":
        return table.assign(event=(table["status"] == 1).astype(int))
    if name == "cgd":
        return table.assign(
            treat=(table["treat"] != "placebo").astype(int),
            inherit=(table["inherit"] == "autosomal").astype(int),
            start=table["tstart"],
            stop=table["tstop"],
            event=table["status"],
        )
    return table


def gap_time(name, columns, strata, **given):
    d = data(name)
    return fit_gap_times(
        d["stop"] - d["start"], d["event"], d[columns], number=d["enum"], customer=d["id"], strata=strata, **given
    )


def calendar(name, columns, strata=None, **given):
    d = data(name)
    number = None if strata is None else d["enum"]
    return fit_calendar(d["start"], d["stop"], d["event"], d[columns], customer=d["id"], number=number, strata=strata, **given)


def marginal(**given):
    d = data("bladder")
    return fit_gap_times(d["stop"], d["event"], d[BLADDER], number=d["enum"], customer=d["id"], strata=4, **given)


MODELS = {
    "bladder2.pwp_gap": lambda **g: gap_time("bladder2", BLADDER, 4, **g),
    "bladder2.pwp_total": lambda **g: calendar("bladder2", BLADDER, 4, **g),
    "bladder2.pooled": lambda **g: gap_time("bladder2", BLADDER, 3, **g),
    "bladder2.ag": lambda **g: calendar("bladder2", BLADDER, **g),
    "bladder.wlw": marginal,
    "bladder1.pwp_gap": lambda **g: gap_time("bladder1", FULL, 4, references=PLACEBO, **g),
    "bladder1.ag": lambda **g: calendar("bladder1", FULL, references=PLACEBO, **g),
    "cgd.pwp_gap": lambda **g: gap_time("cgd", CGD, 3, **g),
    "cgd.pwp_total": lambda **g: calendar("cgd", CGD, 3, **g),
    "cgd.ag": lambda **g: calendar("cgd", [*CGD, "propylac"], **g),
}
CASES = [
    (name, ties, engine)
    for name in MODELS
    for ties in ("efron", "breslow")
    for engine in ("lifelines", "cells", "rows")
    if not (engine == "lifelines" and ties == "breslow")
]


@pytest.mark.parametrize(("name", "ties", "engine"), CASES)
def test_coefficients_errors_and_likelihood(name, ties, engine):
    found = MODELS[name](ties=ties, engine=engine)
    assert found.cox.engine == engine
    p = len(found.cox.coefficients)

    def printed(what):
        return np.array([reference()[f"{name}.{ties}.{what}.{k + 1}"] for k in range(p)])

    assert np.abs(found.cox.coefficients - printed("coef")).max() < 1e-8
    assert np.abs(np.sqrt(np.diag(found.naive)) - printed("naive")).max() < 1e-8
    assert np.abs(found.cox.standard_errors - printed("robust")).max() < 1e-8
    assert abs(found.cox.log_likelihood - reference()[f"{name}.{ties}.loglik"]) < 1e-8
    assert abs(found.cox.log_likelihood_null - reference()[f"{name}.{ties}.null"]) < 1e-8
    ratio = printed("robust") / printed("naive")
    assert np.abs(found.inflation - ratio).max() < 1e-7


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_errors_by_customer_are_those_of_the_kits_other_path(ties):
    d = data("cgd")
    fit = fit_cox(d["stop"], d["event"], d[CGD], entry=d["start"], strata=np.minimum(d["enum"], 3), ties=ties, engine="rows")
    other = with_robust_errors(fit, cluster=d["id"])
    found = calendar("cgd", CGD, 3, ties=ties, engine="rows")
    assert np.abs(found.cox.covariance / other.covariance - 1).max() < 1e-9


def test_probability_of_no_event_within_a_horizon():
    found = gap_time("cgd", CGD, 3)
    scored = no_purchase_probability(found, data("cgd")[CGD].iloc[:3], silence=50, horizon=100, number=[2, 2, 2])
    printed = [reference()[f"cgd.no_event.{i}"] for i in (1, 2, 3)]
    assert np.abs(scored["probability"] - printed).max() < 1e-8
    assert (scored["basis"] == "seen").all()


@pytest.mark.parametrize(("name", "late"), [("bladder2.km", False), ("cgd.km", False), ("cgd.km_late", True)])
def test_curves_with_errors_by_customer(name, late):
    d = data(name.split(".")[0])
    length = d["stop"] - d["start"]
    entry = np.floor(np.arange(1, len(d) + 1) % 5 * (length - 1) / 5) if late else None
    curve = gap_curves(length, d["event"], customer=d["id"], entry=entry)
    times = (5, 10, 20, 30) if name.startswith("bladder2") else (50, 100, 200, 300)
    for time in times:
        row = curve[curve["x"] <= time].iloc[-1]
        assert abs(row["value"] - reference()[f"{name}.{time}.surv"]) < 1e-9
        assert abs(row["standard_error"] - reference()[f"{name}.{time}.se"]) < 1e-9
