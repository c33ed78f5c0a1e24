"""Simulated answers: the planted weights, the planted bias and the careless are in the files as the truth says."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from crmkit.demo.company import Company
from crmkit.demo.questionnaire import CARELESS_SHARE, OUTCOMES, SENTENCES, answer_all, draw_comments, opinions
from crmkit.demo.retailco import company as retailco
from crmkit.demo.retailco import voices
from crmkit.demo.techco import company as techco
from crmkit.demo.techco import survey as techco_survey

FORMS = {"techco": techco_survey.FORM, "retailco": voices.FORM}


@pytest.fixture(scope="module", params=["techco", "retailco"])
def made(request) -> tuple[Company, pd.DataFrame, object]:
    """A company of 10,000 customers, the answers that came, under item ids, and its form."""
    module = {"techco": techco, "retailco": retailco}[request.param]
    form, company = FORMS[request.param], module.simulate(10_000, 0)
    table = company.tables["surveys"].rename(columns={theirs: ours for ours, theirs in form.headers.items()})
    return company, table[table["responded_at"].notna()].copy(), form


def careful(made) -> pd.DataFrame:
    company, table, form = made
    kept = table[~table["response_id"].isin(company.truth["surveys"]["careless"])].copy()
    for driver in form.drivers:
        kept[driver.name] = kept[driver.name].where(kept[driver.name] != form.na_code)
    return kept.dropna(subset=form.items).astype(dict.fromkeys(form.items, float))


@pytest.mark.long
def test_weights_are_found_again(made):
    """Least squares on the answers as given; satisfaction is rounded and held on its scale, which shrinks a little."""
    _, _, form = made
    kept = careful(made)
    inner = kept[(kept["csat"] > 1) & (kept["csat"] < form.high)]
    assert len(inner) > 1000
    table = pd.DataFrame(
        {driver.name: form.high + 1 - kept[driver.name] if driver.reverse else kept[driver.name] for driver in form.drivers}
    )
    fitted = sm.OLS(kept["csat"], sm.add_constant(table)).fit()
    weights = np.array([driver.weight for driver in form.drivers])
    found = fitted.params.drop("const").to_numpy()
    # rounding and the ends of the scale shrink all weights by one factor
    factor = (found @ weights) / (weights @ weights)
    assert 0.75 < factor < 1.02
    assert np.abs(found - factor * weights).max() < 4 * fitted.bse.drop("const").max()
    assert (np.argsort(-found)[:3] == np.argsort(-weights)[:3]).all()


def test_bias_is_in_the_margins(made):
    """Whoever answers thinks better of the company, and not any more within a cell of size and region."""
    company, _, _ = made
    waves = pd.DataFrame(company.truth["surveys"]["waves"]).T
    bias = waves["csat_mean_expected_of_answers"] - waves["csat_mean"]
    assert (bias > 0.05).all()
    kept = careful(made).merge(company.tables["customers"][["customer_id", "size", "region"]], on="customer_id")
    shares = kept.groupby("wave")["csat"].mean() - waves["csat_mean"].astype(float)
    assert shares.mean() > 0.04


def test_careless_answers(made):
    company, table, form = made
    careless = table["response_id"].isin(company.truth["surveys"]["careless"])
    n = len(table)
    assert abs(careless.mean() - CARELESS_SHARE) < 3.29 * (CARELESS_SHARE * (1 - CARELESS_SHARE) / n) ** 0.5
    drivers = [driver.name for driver in form.drivers]
    straight = table[drivers].astype(float).std(axis=1) == 0
    assert straight[careless].mean() > 0.5
    assert straight[~careless].mean() < 0.05
    assert table.loc[careless, "duration_seconds"].median() < 0.35 * table.loc[~careless, "duration_seconds"].median()


def test_scores_are_on_their_scales(made):
    _, table, form = made
    for item in form.items:
        given = table[item].dropna().astype(int)
        low, high = {"nps": (0, 10), "ces": (1, 7)}.get(item, (1, form.high))
        allowed = {*range(low, high + 1), *({form.na_code} if item not in OUTCOMES else ())}
        assert set(given) <= allowed
        assert set(given) >= set(range(low, high + 1))


def test_comments_in_the_language_of_the_customer(made):
    _, table, _ = made
    said = table[table["comment"] != ""]
    chinese = said["comment"].str.contains("[\u4e00-\u9fff]")
    assert (chinese == said["language"].eq("zh")).all()
    assert 0.1 < len(said) / len(table) < 0.3
    # what must not reach a page is there to be found
    assert said["comment"].str.contains("@example.com").any()
    assert said["comment"].str.contains("13800138000").any()


def test_every_driver_has_sentences():
    assert {driver.name for form in FORMS.values() for driver in form.drivers} <= set(SENTENCES)
    for four in SENTENCES.values():
        assert [len(sentences) for sentences in four] == [2, 2, 2, 2]


def test_the_worst_is_complained_of():
    felt = np.array([[0.2, 0.9], [0.95, 0.9], [0.2, 0.9]])
    said = draw_comments(
        np.random.default_rng(0), ["price", "ease"], felt,
        chinese=np.array([False, False, True]), wants=np.array([True, True, False]),
    )  # fmt: skip
    assert said[0].startswith(SENTENCES["price"][0])
    assert said[1].startswith(SENTENCES["price"][1])
    assert said[2] == ""


def test_answers_by_hand():
    form = techco_survey.FORM
    latent = np.full((50_000, len(form.drivers)), 4.0)
    scores = answer_all(np.random.default_rng(0), form, latent)
    assert (scores[:, form.place("product")] == 4).all()
    # reversed as it stands in the file
    assert (scores[:, form.place("reach")] == 2).all()
    expected = form.level + sum(driver.weight * (4.0 - driver.usual) for driver in form.drivers)
    assert scores[:, form.place("csat")].mean() == pytest.approx(expected, abs=0.02)
    seen = opinions(np.random.default_rng(1), form, np.zeros(50_000), np.zeros((50_000, len(form.drivers))))
    assert seen.mean(axis=0) == pytest.approx([driver.usual for driver in form.drivers], abs=0.01)
