"""What R's survival 3.5-3 prints, to the bars of the kit; see therneau_2023_survival/README.md for the commands.

[N] the notebook "Customer Churn" of lifelines (examples/Customer Churn.ipynb), to its printed digits.
[A] log-rank statistics of a widely read notebook on the Telco customers (archd3sai), two decimals.
[D] survival of month-to-month customers with internet, Databricks' solution accelerator as restated at lingying.me.
"""

import csv
import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines import datasets

from crmkit.models.survival import (
    at_risk_table,
    auc_at,
    baseline_curve,
    churn_probability,
    coefficient_table,
    concordance,
    cumulative_incidence,
    fit_cox,
    fit_fine_gray,
    incidence_at,
    kaplan_meier,
    logrank,
    median_survival,
    proportional_hazards,
    restricted_mean,
    term_tests,
    with_robust_errors,
)

FOLDER = Path(__file__).parent
TRANSFORMS = ("km", "identity", "log", "rank")
ROSSI_COLUMNS = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]


@cache
def reference():
    with (FOLDER / "therneau_2023_survival" / "r_reference.csv").open(encoding="utf-8") as file:
        return {row["name"]: float("nan" if row["value"].strip() == "NA" else row["value"]) for row in csv.DictReader(file)}


def printed_by_r(name, count=None):
    if count is None:
        return reference()[name]
    return np.array([reference()[f"{name}.{k + 1}"] for k in range(count)])


@cache
def telco():
    path = FOLDER / "ibm_2018_telco" / "telco.py"
    spec = importlib.util.spec_from_file_location("telco", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.read_telco()


@cache
def rossi():
    data = datasets.load_rossi()
    number = np.arange(1, len(data) + 1)
    data["n"] = 1 + number % 3
    data["entry"] = np.floor(number % 5 * (data["week"] - 1) / 5)
    data["band"] = pd.cut(data["age"], [0, 20, 25, 99])
    data["cause"] = np.where(data["arrest"] == 0, 0, np.where(data["age"] % 2 == 1, 1, 2))
    return data


@cache
def lung():
    return datasets.load_lung()


@cache
def lung_complete():
    data = lung().dropna(subset="ph.ecog")
    return data.assign(cause=np.where(data["status"] == 0, 0, np.where(data["time"] % 2 == 1, 1, 2)))


@cache
def heart():
    return datasets.load_stanford_heart_transplants()


def fit(name, engine):
    r, l, h = rossi(), lung_complete(), heart()  # noqa: E741
    plain = {"durations": r["week"], "event_observed": r["arrest"], "engine": engine}
    calls = {
        "rossi.efron": lambda: fit_cox(covariates=r[ROSSI_COLUMNS], **plain),
        "rossi.breslow": lambda: fit_cox(covariates=r[ROSSI_COLUMNS], ties="breslow", **plain),
        "rossi.strata": lambda: fit_cox(
            covariates=r[[name for name in ROSSI_COLUMNS if name != "wexp"]], strata=r["wexp"], **plain
        ),
        "rossi.grouped": lambda: fit_cox(covariates=r[["fin", "band", "prio"]], **plain),
        "rossi.weighted": lambda: fit_cox(covariates=r[ROSSI_COLUMNS], copies=r["n"], **plain),
        "rossi.late": lambda: fit_cox(covariates=r[ROSSI_COLUMNS], entry=r["entry"], **plain),
        "heart": lambda: fit_cox(h["stop"], h["event"], h[["age", "surgery", "transplant"]], entry=h["start"], engine=engine),
        "lung": lambda: fit_cox(l["time"], l["status"], l[["age", "sex", "ph.ecog"]], engine=engine),
    }
    return calls[name]()


FITS = [
    (name, engine)
    for name in (
        "rossi.efron",
        "rossi.breslow",
        "rossi.strata",
        "rossi.grouped",
        "rossi.weighted",
        "rossi.late",
        "heart",
        "lung",
    )
    for engine in ("lifelines", "cells", "rows")
    if not (engine == "lifelines" and name in ("rossi.breslow", "rossi.weighted"))
]
ZPH = {
    "rossi.efron": "rossi.zph", "rossi.breslow": "rossi.zph_breslow", "rossi.strata": "rossi.zph_strata",
    "rossi.grouped": "rossi.zph_grouped", "rossi.weighted": "rossi.zph_weighted", "rossi.late": "rossi.zph_late",
    "heart": "heart.zph", "lung": "lung.zph",
}  # fmt: skip


# --- Cox


@pytest.mark.parametrize(("name", "engine"), FITS)
def test_coefficients_errors_and_likelihood(name, engine):
    found = fit(name, engine)
    assert found.engine == engine
    p = len(found.coefficients)
    assert np.abs(found.coefficients - printed_by_r(f"{name}.coef", p)).max() < 1e-8
    assert np.abs(found.standard_errors - printed_by_r(f"{name}.se", p)).max() < 1e-8
    assert found.log_likelihood == pytest.approx(printed_by_r(f"{name}.loglik"), abs=1e-8, rel=0)
    assert found.log_likelihood_null == pytest.approx(printed_by_r(f"{name}.null"), abs=1e-8, rel=0)


def test_tests_of_the_whole_model():
    found = fit("rossi.efron", "rows")
    assert term_tests(found).iloc[-1]["statistic"] == pytest.approx(printed_by_r("rossi.efron.lr"), abs=1e-8)
    assert found.score_statistic == pytest.approx(printed_by_r("rossi.efron.score"), abs=1e-8)
    b = found.coefficients
    assert b @ np.linalg.solve(found.covariance, b) == pytest.approx(printed_by_r("rossi.efron.wald"), abs=1e-8)


def test_robust_standard_errors():
    found = fit("rossi.efron", "rows")
    assert np.abs(with_robust_errors(found).standard_errors - printed_by_r("rossi.robust_se", 7)).max() < 1e-8
    cluster = with_robust_errors(found, cluster=rossi()["prio"] % 20)
    assert np.abs(cluster.standard_errors - printed_by_r("rossi.cluster_se", 7)).max() < 1e-8
    cluster = with_robust_errors(fit("heart", "rows"), cluster=heart()["id"])
    assert np.abs(cluster.standard_errors - printed_by_r("heart.cluster_se", 3)).max() < 1e-8


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("engine", ["cells", "rows"])
@pytest.mark.parametrize("name", list(ZPH))
def test_proportional_hazards(name, engine, transform):
    table = proportional_hazards(fit(name, engine), transform=transform)
    prefix = f"{ZPH[name]}.{transform}"
    assert np.abs(table["statistic"] - printed_by_r(f"{prefix}.chisq", len(table))).max() < 1e-6
    assert np.abs(table["p"] - printed_by_r(f"{prefix}.p", len(table))).max() < 1e-6


@pytest.mark.parametrize(("name", "kind", "first"), [("efron", "efron", 0.7148944), ("breslow", "breslow", 0.7156993)])
def test_survival_of_a_person(name, kind, first):
    found, r = fit("rossi.efron", "rows"), rossi()
    people = r.iloc[:3]
    for until in (30, 52):
        scored = churn_probability(found, people, elapsed=0, horizon=until, baseline=kind)
        expected = [printed_by_r(f"rossi.surv.{name}.{k}.{until}") for k in (1, 2, 3)]
        assert np.abs(1 - scored["probability"] - expected).max() < 1e-9
        hazard = -np.log1p(-scored["probability"])
        error = np.log(-np.log1p(-scored["high"]) / hazard) * hazard / 1.959963984540054
        assert np.abs(error - [printed_by_r(f"rossi.cumhaz_se.{name}.{k}.{until}") for k in (1, 2, 3)]).max() < 1e-9
    assert 1 - scored["probability"].iloc[0] == pytest.approx(first, abs=5e-8)  # S(52), as published
    later = churn_probability(found, people, elapsed=30, horizon=22, baseline=kind)["probability"]
    given = [printed_by_r(f"rossi.surv.{name}.{k}.52") / printed_by_r(f"rossi.surv.{name}.{k}.30") for k in (1, 2, 3)]
    assert np.abs(1 - later - given).max() < 1e-9


def test_survival_of_a_person_within_strata_and_after_late_entry():
    people = rossi().iloc[:3]
    scored = churn_probability(fit("rossi.strata", "cells"), people, elapsed=0, horizon=52, strata=people["wexp"])
    assert np.abs(1 - scored["probability"] - printed_by_r("rossi.strata_surv", 3)).max() < 1e-9
    scored = churn_probability(fit("rossi.late", "cells"), people, elapsed=0, horizon=52)
    assert np.abs(1 - scored["probability"] - [printed_by_r(f"rossi.late_surv.{k}.52") for k in (1, 2, 3)]).max() < 1e-9


def test_baseline_is_that_of_the_average_customer():
    found = fit("rossi.efron", "rows")
    average = pd.DataFrame([found.center], columns=ROSSI_COLUMNS)
    p = churn_probability(found, average, elapsed=0, horizon=52).iloc[0]
    last = baseline_curve(found).iloc[-1]
    assert [1 - last["value"], 1 - last["high"], 1 - last["low"]] == pytest.approx(
        [p["probability"], p["low"], p["high"]], abs=1e-12
    )
    assert last["at_risk"] == (rossi()["week"] >= 52).sum()


def test_fine_gray():
    data = lung_complete()
    found, row = fit_fine_gray(data["time"], data["cause"], data[["age", "sex", "ph.ecog"]], of=1)
    assert np.abs(found.coefficients - printed_by_r("lung.finegray.coef", 3)).max() < 1e-8
    assert np.abs(found.standard_errors - printed_by_r("lung.finegray.naive_se", 3)).max() < 1e-8
    assert np.abs(with_robust_errors(found, cluster=row).standard_errors - printed_by_r("lung.finegray.se", 3)).max() < 1e-8
    assert found.log_likelihood == pytest.approx(printed_by_r("lung.finegray.loglik"), abs=1e-8)
    r = rossi()
    found, row = fit_fine_gray(r["week"], r["cause"], r[["fin", "age", "prio"]], of=1)
    assert np.abs(found.coefficients - printed_by_r("rossi.finegray.coef", 3)).max() < 1e-8
    assert np.abs(found.standard_errors - printed_by_r("rossi.finegray.se", 3)).max() < 1e-8


# --- curves


@pytest.mark.parametrize("interval", ["log", "log-log"])
def test_kaplan_meier(interval):
    table = at_risk_table(kaplan_meier(rossi()["week"], rossi()["arrest"], interval=interval), [10, 20, 30, 40, 52])
    name = f"rossi.km.{interval.replace('-', '')}"
    for row in table.itertuples():
        expected = [printed_by_r(f"{name}.{int(row.x)}.{part}") for part in ("surv", "low", "high", "at_risk")]
        assert [row.value, row.low, row.high, row.at_risk] == pytest.approx(expected, abs=1e-9)


def test_kaplan_meier_with_weights_and_late_entry():
    r = rossi()
    weighted = at_risk_table(kaplan_meier(r["week"], r["arrest"], copies=r["n"]), [10, 52])
    late = at_risk_table(kaplan_meier(r["week"], r["arrest"], entry=r["entry"]), [10, 30, 52])
    for name, table in (("rossi.km_weighted", weighted), ("rossi.km_late", late)):
        for row in table.itertuples():
            expected = [printed_by_r(f"{name}.{int(row.x)}.{part}") for part in ("surv", "low", "high", "at_risk")]
            assert [row.value, row.low, row.high, row.at_risk] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "tau", "group", "interval"),
    [("lung.all", 800, None, "log"), ("lung.sex", 800, "sex", "log"), ("lung.loglog", 800, "sex", "log-log")],
)
def test_medians_and_restricted_means(name, tau, group, interval):
    data = lung()
    groups = None if group is None else data[group]
    found = restricted_mean(data["time"], data["status"], group=groups, tau=tau)
    medians = median_survival(kaplan_meier(data["time"], data["status"], group=groups, interval=interval))
    n = len(found)
    assert np.abs(found["value"] - printed_by_r(f"{name}.rmst", n)).max() < 1e-9 * tau
    assert np.abs(found["standard_error"] - printed_by_r(f"{name}.rmst_se", n)).max() < 1e-4
    for column, part in (("value", "median"), ("low", "median_low"), ("high", "median_high")):
        assert medians[column].to_numpy() == pytest.approx(printed_by_r(f"{name}.{part}", n), nan_ok=True)


def test_logrank():
    r = rossi()
    times = r["week"], r["arrest"]
    assert logrank(*times, group=r["fin"]).statistic == pytest.approx(printed_by_r("rossi.logrank"), abs=1e-9)
    stratified = logrank(*times, group=r["fin"], strata=r["race"]).statistic
    assert stratified == pytest.approx(printed_by_r("rossi.logrank_strata"), abs=1e-9)
    assert logrank(*times, group=r["fin"], rho=1).statistic == pytest.approx(printed_by_r("rossi.logrank_rho"), abs=1e-9)
    assert logrank(*times, group=r["band"]).statistic == pytest.approx(printed_by_r("rossi.logrank_k"), abs=1e-9)
    assert logrank(lung()["time"], lung()["status"], group=lung()["sex"]).statistic == pytest.approx(
        printed_by_r("lung.logrank"), abs=1e-9
    )


def test_cumulative_incidence():
    mgus2 = pd.read_csv(FOLDER / "therneau_2023_survival" / "mgus2.csv")
    assert mgus2["n"].sum() == 1384
    found = incidence_at(cumulative_incidence(mgus2["time"], mgus2["event"], copies=mgus2["n"]), [60, 120, 240])
    mine = incidence_at(cumulative_incidence(rossi()["week"], rossi()["cause"]), [20, 40, 52])
    for name, table in (("mgus2", found), ("rossi", mine)):
        assert len(table) == 6
        for row in table.itertuples():
            assert row.value == pytest.approx(printed_by_r(f"{name}.cif.{row.cause}.{int(row.x)}"), abs=1e-9)
            assert row.standard_error == pytest.approx(printed_by_r(f"{name}.cif_se.{row.cause}.{int(row.x)}"), abs=1e-9)
    naive = kaplan_meier(mgus2["time"], mgus2["event"] == 1, copies=mgus2["n"])
    alone = 1 - at_risk_table(naive, [240])["value"].iloc[0]
    assert alone == pytest.approx(printed_by_r("mgus2.naive.240"), abs=1e-9)
    assert alone > 2 * found.query("cause == 1 and x == 240")["value"].iloc[0]


# --- evaluation


@pytest.mark.parametrize("tau", [None, 500])
def test_harrell(tau):
    data, found = lung_complete(), fit("lung", "rows")
    risk = data[["age", "sex", "ph.ecog"]].to_numpy() @ found.coefficients
    c = concordance(data["time"], data["status"], risk, tau=tau)
    names = ("lung.c", "lung.c_se") if tau is None else ("lung.harrell_ymax", "lung.harrell_ymax_se")
    assert [c.value, c.standard_error] == pytest.approx([printed_by_r(name) for name in names], abs=1e-6)


def test_harrell_of_rossi():
    risk = rossi()[ROSSI_COLUMNS].to_numpy() @ fit("rossi.efron", "rows").coefficients
    c = concordance(rossi()["week"], rossi()["arrest"], risk)
    assert [c.value, c.standard_error] == pytest.approx([printed_by_r(f"rossi.efron.{k}") for k in ("c", "c_se")], abs=1e-6)


def test_uno(monkeypatch):
    data, found = lung_complete(), fit("lung", "rows")
    risk = data[["age", "sex", "ph.ecog"]].to_numpy() @ found.coefficients
    c = concordance(data["time"], data["status"], risk, weighting="uno", tau=500)
    assert c.value == pytest.approx(printed_by_r("lung.uno_ymax"), abs=1e-6)
    monkeypatch.setattr(
        "crmkit.models.survival.judging.censoring.LEAST", 0.0
    )  # R goes on where the kit stops: G is .037 at the end
    c = concordance(data["time"], data["status"], risk, weighting="uno")
    assert [c.value, c.standard_error] == pytest.approx([printed_by_r(f"lung.{k}") for k in ("uno", "uno_se")], abs=1e-6)


def test_auc_without_censoring_is_the_rank_statistic():
    r = rossi()
    risk = r[ROSSI_COLUMNS].to_numpy() @ fit("rossi.efron", "rows").coefficients
    left = (r["arrest"] == 1) & (r["week"] <= 40)
    pairs = risk[left][:, None] - risk[~left][None, :]
    expected = ((pairs > 0) + 0.5 * (pairs == 0)).mean()
    assert auc_at(r["week"], r["arrest"], risk, horizon=40).value == pytest.approx(expected, abs=1e-12)


# --- Telco


def test_telco_curves():
    t = telco()
    left = t["churn"] == "Yes"
    assert (len(t), left.sum()) == (7043, 1869)
    table = at_risk_table(kaplan_meier(t["tenure"], left), [12, 24, 72])
    assert np.abs(table["value"] - [printed_by_r(f"telco.km.{x}.surv") for x in (12, 24, 72)]).max() < 1e-9
    assert table["at_risk"].tolist() == [printed_by_r(f"telco.km.{x}.at_risk") for x in (12, 24, 72)]
    found = restricted_mean(t["tenure"], left, group=t["contract"], tau=72)
    assert np.abs(found["value"] - printed_by_r("telco.contract.rmst", 3)).max() < 1e-7  # R prints 15 digits of 36 to 71
    assert np.abs(found["standard_error"] - printed_by_r("telco.contract.rmst_se", 3)).max() < 1e-4
    medians = median_survival(kaplan_meier(t["tenure"], left, group=t["contract"]))
    assert medians["value"].to_numpy() == pytest.approx([35, np.nan, np.nan], nan_ok=True)  # one and two years: not reached


@pytest.mark.parametrize(
    ("column", "published"),
    [("female", 0.53), ("senior_citizen", 109.49), ("partner", 423.54), ("internet_service", 520.12),
     ("payment_method", 865.24), ("contract", 2352.87)],
)  # fmt: skip
def test_telco_logrank(column, published):
    t = telco()
    test = logrank(t["tenure"], t["churn"] == "Yes", group=t[column])
    assert test.statistic == pytest.approx(printed_by_r(f"telco.logrank.{column}"), abs=1e-9, rel=1e-12)
    assert test.statistic == pytest.approx(published, abs=0.005)  # [A]
    assert 0 < test.p < 1
    assert test.log10_p < -180 or column in ("female", "senior_citizen", "partner", "internet_service")


def notebook_covariates():
    t = telco()
    X = t[["female", "senior_citizen", "partner", "dependents"]].copy()
    for name in ("multiple_lines", "online_security", "online_backup", "device_protection", "tech_support"):
        X[name] = (t[name] == "Yes").astype(int)
    for name in ("contract", "paperless_billing", "payment_method", "monthly_charges"):
        X[name] = t[name]
    strata = t[["internet_service", "phone_service"]].assign(
        movies=t["streaming_movies"].replace("No internet service", "No"),
        tv=t["streaming_tv"].replace("No internet service", "No"),
    )
    return X, t["tenure"], t["churn"] == "Yes", strata


@pytest.mark.parametrize("engine", ["lifelines", "rows"])
def test_telco_notebook(engine):
    X, tenure, left, strata = notebook_covariates()
    found = fit_cox(tenure, left, X, strata=strata, engine=engine)
    assert np.abs(found.coefficients - printed_by_r("telco.notebook.coef", 16)).max() < 1e-8
    assert np.abs(found.standard_errors - printed_by_r("telco.notebook.se", 16)).max() < 1e-8
    assert found.log_likelihood == pytest.approx(printed_by_r("telco.notebook.loglik"), abs=1e-8)
    # [N] log-likelihood, partial AIC, likelihood ratio on 16 degrees of freedom, the longest contract
    assert found.log_likelihood == pytest.approx(-10106.05, abs=0.005)
    assert found.aic == pytest.approx(20244.10, abs=0.005)
    whole = term_tests(found).iloc[-1]
    assert (whole["statistic"], whole["df"]) == (pytest.approx(2614.83, abs=0.005), 16)
    table = coefficient_table(found).set_index("column")
    assert table.loc["contract[Two year]", "coefficient"] == pytest.approx(-3.11, abs=0.005)
    assert table.loc["contract[Two year]", "p"] > 0
    for transform in TRANSFORMS[:2]:
        zph = proportional_hazards(found, transform=transform)
        assert np.abs(zph["statistic"] - printed_by_r(f"telco.zph.{transform}.chisq", len(zph))).max() < 1e-6


def test_telco_month_to_month():
    t = telco()
    t = t[(t["contract"] == "Month-to-month") & (t["internet_service"] != "No")]
    left = t["churn"] == "Yes"
    assert (len(t), left.sum()) == (3351, 1556)
    curve = kaplan_meier(t["tenure"], left)
    assert median_survival(curve)["value"].iloc[0] == 34.0
    published = [0.7803, 0.6950, 0.5753, 0.3872, 0.2890]  # [D]
    assert np.abs(at_risk_table(curve, [6, 12, 24, 48, 60])["value"] - published).max() < 5.1e-5
