"""Which model values come from where none is set, and what the page says of it."""

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses import clv
from crmkit.analyses.clv.fit import fit_one
from crmkit.analyses.clv.selection import Judged, select
from crmkit.core.language import Locale, say
from crmkit.models.purchases import btyd

TERMS, TIERS = clv.Terms(180, 0.1, 1.0, 5.0), clv.Tiering([0.2, 0.5])
RULES = clv.StageRules(loyal_from=5, at_risk_below=0.5, active_days=365)
END = pd.Timestamp("2025-12-31")


def bought(gaps, customers=300, days=540, seed=5):
    """A log in which `gaps` gives each customer's days between purchases."""
    rng, rows = np.random.default_rng(seed), []
    for i in range(customers):
        first = int(rng.integers(0, 200))
        at = first + np.concatenate([[0], np.cumsum(gaps(rng))])
        rows += [(f"C{i:03d}", END - pd.Timedelta(days=days - int(day))) for day in np.unique(at[at <= days].astype(int))]
    table = pd.DataFrame(rows, columns=["customer_id", "ordered_at"])
    return table.assign(amount=20.0 + rng.gamma(4.0, 2.0, len(table)).round(2))


def by_the_clock(rng):
    gaps = np.maximum(1, np.rint(rng.gamma(6.0, 1 / rng.gamma(4.0, 1 / 20.0), 80)))
    return gaps[: int(rng.geometric(0.08)) - 1]


def leave_alike(rng):
    gaps = np.ceil(rng.exponential(1 / rng.gamma(2.0, 1 / 30.0), 300))
    return gaps[np.cumsum(gaps) < rng.exponential(400)]


def test_another_has_to_be_better_in_all_three():
    usual = Judged(100.0, 0.10, 1.0)
    assert select({"pareto_nbd": usual, "mbgnbd": Judged(97.0, 0.10, 1.0)}) == ("mbgnbd", True)
    assert select({"pareto_nbd": usual, "mbgnbd": Judged(99.0, 0.01, 0.1)}) == ("pareto_nbd", False)  # by less than 2
    assert select({"pareto_nbd": usual, "mbgnbd": Judged(50.0, 0.11, 0.1)}) == ("pareto_nbd", False)
    assert select({"pareto_nbd": usual, "mbgnbd": Judged(50.0, 0.01, 1.1)}) == ("pareto_nbd", False)
    assert select({"pareto_nbd": usual, "bgnbd": Judged(50.0, 0.01, 0.1)}) == ("pareto_nbd", False)
    assert select({"mbgcnbd": usual, "nbd": Judged(60.0, 0.01, 0.1), "alike": Judged(70.0, 0.0, 0.0)}) == ("nbd", True)


def test_without_held_out_days_the_usual_one_is_taken():
    assert select({"pareto_nbd": Judged(100.0), "mbgcnbd": Judged(10.0)}) == ("pareto_nbd", False)
    assert select({"nbd": Judged(100.0), "alike": Judged(99.0)}) == ("nbd", False)


@pytest.fixture(scope="module")
def regular(make_company):
    company = make_company(bought(by_the_clock))
    past = clv.read(company, holdout_days=120)
    return past, clv.fit_models(past)


def test_regular_buyers_get_the_model_that_knows_them(regular):
    past, models = regular
    assert models.chosen == "mbgcnbd"
    usual = min(("pareto_nbd", "mbgnbd"), key=lambda name: name not in models.judged)
    best, plain = models.judged["mbgcnbd"], models.judged[usual]
    assert best.aic < plain.aic - 2
    assert (best.miss, best.error) <= (plain.miss, best.error)
    finding = clv.model_choice(past, models, clv.hold_out(past, models)).finding
    assert "Values come from MBG/CNBD-k: its AIC is lower by" in say(finding.text, Locale())
    assert "Rule: Pareto/NBD" in say(finding.criteria, Locale())


def test_no_warning_of_a_rhythm_that_the_model_knows(regular):
    past, models = regular
    (said,) = [one for one in clv.checks(past, models) if one.id == "clv.regularity"]
    assert (said.severity, said.passed) == ("good", True)
    assert "which allows for regular purchases" in say(said.criteria, Locale())
    (plain,) = [one for one in clv.checks(past, clv.fit_models(past, model="mbgnbd")) if one.id == "clv.regularity"]
    assert (plain.severity, plain.passed) == ("warning", False)
    assert "silence means more than it says" in say(plain.criteria, Locale())


@pytest.fixture(scope="module", params=["alike", "nbd"])
def limit(request, make_company):
    """A page whose values come from a limit of Pareto/NBD, with everything it needs."""
    stays = request.param == "nbd"
    company = make_company(bought(lambda rng: np.ceil(rng.exponential(60, 300)) if stays else leave_alike(rng)))
    past = clv.read(company, holdout_days=120)
    models = clv.fit_models(past, model=request.param)
    origins = clv.past_forecasts(company, past, models, TERMS, tiering=TIERS)
    values = clv.customer_values(past, models, TERMS, tiering=TIERS, draws=40, origins=origins)
    return request.param, past, models, values


def test_values_of_a_limit(limit):
    name, _, models, values = limit
    table, fit = values.customers, models.final.fits[name]
    assert values.model == name
    assert values.all_stay == (name == "nbd")
    rate = (fit.params["r"] + table["frequency"]) / (fit.params["alpha"] + table["T_days"] / 7) * 180 / 7
    if name == "nbd":
        np.testing.assert_allclose(table["p_alive"], 1.0, atol=1e-9)
        # before customers were moved by what earlier forecasts of such customers were off by
        np.testing.assert_allclose(table["expected_purchases"] / table["level"], rate, rtol=1e-9)
        np.testing.assert_allclose(table["years_kept"], table["years_kept"].iloc[0], rtol=1e-9)
    else:
        assert table["p_alive"].between(0, 1).all()
        assert table["p_alive"].mean() < 0.9
        assert (table["expected_purchases"] / table["level"] < rate * table["p_alive"]).all()
    assert values.clv.low < values.clv.value < values.clv.high
    assert values.refits.origins is not None


def test_every_exhibit_of_a_limit(limit):
    name, past, models, values = limit
    check = clv.hold_out(past, models)
    assert check.chosen == name
    limits = clv.rfm_rules([], [], [])
    shown = [
        clv.totals(past, values),
        clv.weekly(past, models, check),
        clv.by_frequency(past, check),
        clv.accuracy(past, check),
        clv.alive(past, values),
        clv.concentration(past, values),
        clv.tiers(past, models, values),
        clv.intervals(past, values),
        clv.past_ranges(past, values),
        clv.what_if(past, models, values, change=0.1),
        clv.stages(past, values, rules=RULES),
        clv.stage_table(past, values, rules=RULES),
        clv.rfm_grid(past, values, rules=limits, stages=RULES),
        clv.rfm_segments(past, values, rules=limits, stages=RULES),
        clv.protect(past, values, rules=RULES),
        clv.wake(past, values, rules=RULES),
        clv.grow(past, values, rules=RULES),
        clv.top_customers(past, values, most=5),
        clv.model_choice(past, models, check),
        clv.fit_table(past, models),
        clv.calibration_table(past, models),
    ]
    assert [one.id for one in shown if not one.assessed] == []
    parameters = set(clv.fit_table(past, models).table.query("group.str.startswith('NBD')")["measure"])
    assert parameters == {"r", "alpha", "log-likelihood", *(["beta"] if name == "alike" else [])}


def test_what_a_limit_means_is_said_and_is_no_fault(limit):
    name, past, models, values = limit
    findings = clv.headline(past, models, clv.hold_out(past, models), values)
    said = " ".join(say(one.text, Locale()) for one in findings)
    meant = {"nbd": "in which all customers go on buying", "alike": "in which all customers leave at one rate"}
    assert meant[name] in said
    assert ("no sign that anybody leaves" in said) == (name == "nbd")
    assert not any(one.id.startswith("clv.not_fitted") for one in findings)


def test_a_log_that_declines_evenly_has_values(make_company):
    """Nothing in it shows that customers differ in how readily they leave; as it is read on each earlier day too."""
    past = clv.read(make_company(bought(leave_alike, seed=9)), holdout_days=0)
    models = clv.fit_models(past, compare=[])
    assert list(models.final.fits) == ["alike"]
    assert "differ in how readily they leave" in say(models.final.reasons["pareto_nbd"], Locale())
    values = clv.customer_values(past, models, TERMS, draws=0)
    assert (values.customers["clv"] > 0).all()
    assert 0 < values.alive.low < values.alive.value < values.alive.high < len(values.customers)
    again = fit_one(past.customers, "alike", per=7.0)
    assert again.params == pytest.approx(models.final.fits["alike"].params)
    assert isinstance(again, btyd.Fit)
