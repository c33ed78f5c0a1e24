"""Published figures on CDNOW, to half a unit of the last printed digit unless a line says otherwise.

[C] CLVTools 0.12.1 (R, CRAN), tests/testthat: test_correctness_bgnbd.R, test_correctness_pnbd_nocovstaticcov.R,
    test_correctness_gg.R.
[F] Fader, Hardie, Lee (2005), https://doi.org/10.1287/mksc.1040.0098, and the authors' worked spreadsheets of it
    (brucehardie.com, notes 004 and 025), as restated in the tests of lifetimes 0.11.3, tests/test_estimation.py.
[P] BTYDplus 1.2.0 (R, CRAN), mbgcnbd-k help page.
[B] BTYD 2.4.3 (R, CRAN), "walkthrough" vignette and manual; the weekly figures as restated in lifetimes tests/test_utils.py.
[M] pymc-marketing 1.3.0, tests/clv/distributions/test_distributions and models/test_(modified_)beta_geo.py, after note 027.
"""

import csv
from pathlib import Path

import numpy as np
import pytest

from crmkit.models.purchases.btyd import (
    discounted_expected_purchases,
    expected_cumulative,
    expected_purchases,
    expected_purchases_new,
    fit,
    known,
    log_likelihood,
    probability_alive,
    probability_purchases,
    tuples,
)
from crmkit.models.purchases.spend import expected_spend, fit_gamma_gamma

FOLDER = Path(__file__).parent / "fader_hardie_2005_cdnow"
MODELS = ("bgnbd", "mbgnbd", "pareto_nbd")


def table(name):
    with (FOLDER / name).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {column: np.array([float(row[column]) for row in rows]) for column in rows[0]}


HISTORIES = table("histories.csv")
WEEKS = tuple(HISTORIES[column] for column in ("frequency", "recency_days", "T_days"))
WEEKS = (WEEKS[0], WEEKS[1] / 7, WEEKS[2] / 7)
N, HOLDOUT = HISTORIES["n"], HISTORIES["holdout"]


@pytest.fixture(scope="module")
def fits():
    histories = tuples(*WEEKS, N)
    return {model: fit(histories, model) for model in MODELS}


def printed(text):
    """A published number and half a unit of its last digit."""
    return pytest.approx(float(text), rel=0, abs=0.5000001 * 10.0 ** -len(text.partition(".")[2]))


def test_the_stored_tables_are_the_published_sample():
    assert N.sum() == 2357
    assert (HOLDOUT * N).sum() == 1882
    weekly = np.cumsum(table("weekly.csv")["repeat_purchases"])
    assert weekly[[38, 77]].tolist() == [(WEEKS[0] * N).sum(), (WEEKS[0] * N).sum() + 1882]
    # [B] actual cumulative repeat purchases, weeks 20 to 25
    assert weekly[19:25].tolist() == [1359, 1414, 1484, 1517, 1573, 1672]


@pytest.mark.parametrize(
    ("model", "published", "relative"),
    [
        ("bgnbd", {"r": 0.2425945, "alpha": 4.4136019, "a": 0.7929199, "b": 2.4258881}, 5e-5),  # [C]
        # [C]; that search stopped early, its log-likelihood is equal to all printed digits
        ("pareto_nbd", {"r": 0.55315, "alpha": 10.57633, "s": 0.60625, "beta": 11.67150}, 5e-4),
    ],
)
def test_parameters(fits, model, published, relative):
    assert fits[model].params == pytest.approx(published, rel=relative)


@pytest.mark.parametrize(
    ("model", "published"),
    [
        ("bgnbd", {"r": ".243", "alpha": "4.414", "a": ".793", "b": "2.426"}),  # [F]
        ("mbgnbd", {"r": ".525", "alpha": "6.183", "a": ".891", "b": "1.614"}),  # [P]
        ("pareto_nbd", {"r": ".553", "alpha": "10.578", "s": ".606", "beta": "11.669"}),  # [F]
    ],
)
def test_parameters_as_printed(fits, model, published):
    assert fits[model].params == {name: printed(text) for name, text in published.items()}


@pytest.mark.parametrize(
    ("model", "published"),
    [("bgnbd", "-9582.429"), ("pareto_nbd", "-9594.976"), ("mbgnbd", "-9582.136")],  # [C], [C], own full search
)
def test_log_likelihood_at_the_maximum(fits, model, published):
    assert fits[model].log_likelihood == printed(published)
    assert fits[model].gradient_norm < 1e-9
    assert fits[model].n == 2357
    assert fits[model].n_tuples == 1016
    by_row = (log_likelihood(fits[model], *WEEKS) * N).sum()
    assert fits[model].log_likelihood == pytest.approx(by_row, rel=1e-13)


def test_standard_errors(fits):
    # lifetimes 0.11.3, BetaGeoFitter().fit(...).summary on its table of weeks rounded to two decimals, hence the tolerance
    assert fits["bgnbd"].standard_errors == pytest.approx({"r": 0.01256, "alpha": 0.3782, "a": 0.1857, "b": 0.7053}, rel=5e-4)
    # taken from [C]
    published = {"r": 0.0476264, "alpha": 0.8427222, "s": 0.1872594, "beta": 6.2105448}
    assert fits["pareto_nbd"].standard_errors == pytest.approx(published, rel=5e-4)


def test_expected_purchases_of_one_customer(fits):
    given = known("bgnbd", {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426})
    assert expected_purchases(given, 39, 2, 30.43, 38.86).item() == printed("1.226")  # [F]
    assert expected_purchases(fits["bgnbd"], 39, 2, 30.43, 38.86).item() == printed("1.226")


def test_expected_purchases_of_a_new_customer(fits):
    t = [0.1429, 1, 3, 31.8571, 32]
    published = ["0.0078", "0.0532", "0.1506", "1.0405", "1.0437"]  # [F]
    assert expected_purchases_new(fits["bgnbd"], t).tolist() == [printed(text) for text in published]


def test_the_spreadsheet_stops_its_series_after_150_terms(fits):
    """[F] prints 1.8576 at t = 78; the series of 2F1 has not converged there, and its limit is 1.8580."""
    r, alpha, a, b = fits["bgnbd"].params.values()
    z = 78 / (alpha + 78)
    j = np.arange(1, 151)
    series = 1 + np.cumprod((r + j - 1) * (b + j - 1) / ((a + b + j - 2) * j) * z).sum()
    sheet = (a + b - 1) / (a - 1) * (1 - (alpha / (alpha + 78)) ** r * series)
    assert sheet == printed("1.8576")
    assert expected_purchases_new(fits["bgnbd"], 78).item() == printed("1.8580")


def test_probability_of_a_number_of_purchases():
    given = known("bgnbd", {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426})
    assert probability_purchases(given, 0, 39).item() == printed("0.5737864")  # [B]
    assert probability_purchases(given, 10, 2).item() == pytest.approx(1.07869e-07, rel=0, abs=0.5e-12)
    published = """0.0019995214 0.0015170236 0.0011633150 0.0009003148 0.0007023638
                   0.0005517902 0.0004361913 0.0003467171 0.0002769613 0.0002222260"""
    assert probability_purchases(given, np.arange(11, 21), 30).tolist() == [printed(text) for text in published.split()]


@pytest.mark.parametrize(
    ("model", "x", "tx", "published"),
    [
        ("bgnbd", 0, 0, "-0.59947382"),
        ("bgnbd", 200, 38, "100.7957"),
        ("mbgnbd", 0, 0, "-0.41792826"),
        ("mbgnbd", 200, 38, "100.7869"),
    ],
)
def test_log_likelihood_of_one_customer(model, x, tx, published):
    given = known(model, {"r": 0.25, "alpha": 4, "a": 0.8, "b": 2.5})  # [M]
    assert log_likelihood(given, x, tx, 40).item() == printed(published)


def test_pareto_walkthrough(fits):
    given = known("pareto_nbd", {"r": 0.5534, "alpha": 10.5802, "s": 0.6061, "beta": 11.6562})  # [B]
    assert probability_alive(given, 26, 30.86, 31).item() == printed("0.9979")
    # printed 25.46 from a recency and T of full precision; the arguments above give 25.455
    assert expected_purchases(given, 52, 26, 30.86, 31).item() == pytest.approx(25.46, rel=0, abs=0.006)
    # [B] R/pnbd.R, 0.2941633 with the parameters of a search that stopped early, as [C] did
    assert probability_alive(fits["pareto_nbd"], 0, 0, 39).item() == pytest.approx(0.2941633, rel=5e-4)


def test_weekly_tracking(fits):
    born = 39 - WEEKS[2] - 1 / 7  # T counts from the day of the first purchase to the last day of week 39
    expected = expected_cumulative(fits["pareto_nbd"], born, np.arange(1, 79), N)
    # [B] cumulative, weeks 20 to 25; incremental, weeks 20 to 25
    assert expected[19:25].round().tolist() == [1309, 1385, 1460, 1533, 1604, 1674]
    published = ["78.31", "76.42", "74.65", "72.98", "71.41", "69.93"]
    # the parameters of the walkthrough were rounded: one unit of the last digit
    assert np.diff(expected)[18:24] == pytest.approx([float(text) for text in published], rel=0, abs=0.01)
    assert expected[[38, 77]].round(1).tolist() == [2532.8, 4275.4]


def test_heavy_buyers_stay_finite():
    """[C] pnbd with x to 254 on the day of the last purchase; lifetimes test_estimation.py, overflow cases."""
    given = known("pareto_nbd", {"r": 0.5143, "alpha": 2.8845, "s": 0.2856, "beta": 14.1087})
    x, tx = [221, 254, 161, 204], [103.42857, 97.14286, 94.71429, 98.57143]
    alive = probability_alive(given, x, tx, [103.57143, 97.28571, 98.0, 99.42857])
    assert ((alive > 0) & (alive <= 1)).all()
    extreme = known("pareto_nbd", {"r": 10.465, "alpha": 0.00798565181, "s": 3.0516, "beta": 2.82})
    assert np.isfinite(log_likelihood(extreme, [400, 500, 500], [5, 1, 4], [6, 37, 37])).all()


def test_discounted_expected_purchases():
    """BTYD manual, parameters of pnbd.DERT; Fader, Hardie, Lee (2005), https://doi.org/10.1509/jmkr.2005.42.4.415."""
    given = known("pareto_nbd", {"r": 0.5629966, "alpha": 12.559037, "s": 0.4081095, "beta": 10.5148048})
    value = discounted_expected_purchases(given, [1, 7, 0, 7], [30, 35, 0, 77.86], 77.86, horizon=None, discount_rate=0.0027)
    assert value[:2].tolist() == [printed("2.2"), printed("1.9")]
    # own integral, confirmed by Tricomi's function in the tests of the predictions
    assert value == pytest.approx([2.1992, 1.8642, 0.36476, 18.504], rel=5e-5)


@pytest.mark.parametrize(("model", "mae", "rmse", "total"), [
    ("bgnbd", "0.7855", "1.608", "1653.4"),
    ("mbgnbd", "0.7648", "1.607", "1576.7"),
    ("pareto_nbd", "0.7545", "1.603", "1665.5"),
])  # fmt: skip
def test_holdout(fits, model, mae, rmse, total):
    """Own figures, kept so that they cannot slip; 1,882 purchase days are actual."""
    forecast = expected_purchases(fits[model], 39, *WEEKS)
    off = forecast - HOLDOUT
    assert (np.abs(off) * N).sum() / N.sum() == printed(mae)
    assert np.sqrt((off**2 * N).sum() / N.sum()) == printed(rmse)
    assert (forecast * N).sum() == printed(total)
    naive = 39 * WEEKS[0] / WEEKS[2] - HOLDOUT
    assert (np.abs(off) * N).sum() < 0.78 * (np.abs(naive) * N).sum()


def test_gamma_gamma():
    data = table("spend.csv")
    mean = data["total_spend"] / data["frequency"]
    found = fit_gamma_gamma(data["frequency"], mean)
    assert found.params == {"p": printed("6.25"), "q": printed("3.74"), "v": pytest.approx(15.44, rel=0, abs=0.005)}  # [C]
    assert found.log_likelihood == printed("-4055.9177")
    assert found.n == 946
    assert found.gradient_norm < 1e-9
    # [F] note 025, customers 1 to 10; the sheet's parameters differ in the fifth digit
    x, z = np.zeros(10), np.zeros(10)
    for number, frequency, total in zip(data["id"], data["frequency"], data["total_spend"], strict=True):
        if number <= 10:
            x[int(number) - 1], z[int(number) - 1] = frequency, total / frequency
    published = "24.65 18.91 35.17 35.17 35.17 71.46 18.91 35.17 27.28 35.17"
    assert expected_spend(found, x, z).tolist() == [printed(text) for text in published.split()]
