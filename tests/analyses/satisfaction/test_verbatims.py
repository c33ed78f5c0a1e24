"""What customers write: themes by score, and examples in which nobody can be found."""

import datetime as dt
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses.satisfaction import answers
from crmkit.analyses.satisfaction.labels import bands, group_label, leading_item, top_from
from crmkit.analyses.satisfaction.survey import Item
from crmkit.analyses.satisfaction.verbatims import commenting, quotes, read_comments, theme_counts, themes_by_score
from crmkit.core.language import Locale, say
from crmkit.core.masking import MASK
from crmkit.models.basics.shares import newcombe, wilson
from crmkit.models.survey.themes import Themes
from crmkit.show.tables import exhibit_html

ITEMS = {"nps": {"scale": [0, 10], "kind": "nps"}, "csat": {"scale": [1, 5], "kind": "csat"}}
LATE = ["the parcel came late", "late parcel, waited", "parcel was late and broken", "a late, late parcel"]
DEAR = ["far too expensive", "expensive compared with others", "price is expensive", "an expensive price"]
GOOD = ["friendly helpful staff", "helpful and friendly people", "staff was friendly", "so helpful, friendly team"]


def company_of(make, n=300, *, seed=0, comments=None, **options):
    rng = np.random.default_rng(seed)
    score = rng.integers(0, 11, n).astype(float)
    pools = [LATE if one <= 6 and rng.random() < 0.8 else GOOD if one >= 9 else DEAR for one in score]
    said = [rng.choice(pool) if rng.random() < 0.6 else None for pool in pools] if comments is None else comments
    wide = pd.DataFrame(
        {
            "response_id": [f"S{k:04d}" for k in range(n)],
            "customer_id": [f"C{k:04d}" for k in range(n)],
            "wave": np.where(np.arange(n) < n // 2, "2025Q3", "2025Q4"),
            "sent_at": np.where(np.arange(n) < n // 2, "2025-08-01", "2025-11-01"),
            "responded_at": np.where(np.arange(n) < n // 2, "2025-08-05", "2025-11-05"),
            "comment": pd.Series(said, dtype="object"),
            "nps": score,
            "csat": np.clip(np.round(score / 2), 1, 5),
        }
    )
    for name in ("sent_at", "responded_at"):
        wide[name] = pd.to_datetime(wide[name])
    customers = pd.DataFrame({"customer_id": wide["customer_id"], "name": [f"Zoltan Person{k}" for k in range(n)]})
    return make(wide, ITEMS, customers=customers, **options), wide


@pytest.fixture(scope="module")
def one(make_survey_company):
    company, wide = company_of(make_survey_company)
    past = answers(company)
    return past, read_comments(past), wide


def test_comments_are_counted_by_score(one):
    past, voices, wide = one
    result = commenting(past, voices)
    low = wide[wide["nps"] <= 6]
    found = wilson(low["comment"].notna().sum(), len(low))
    row = result.table.iloc[0]
    assert row["group"] == "Detractors"
    assert row["n"] == len(low)
    assert [row["value"], row["low"], row["high"]] == pytest.approx([found.value[0], found.low[0], found.high[0]], abs=1e-12)


def test_comments_sound_worse_where_the_least_content_write_more(make_survey_company):
    _company, wide = company_of(make_survey_company)
    wide.loc[wide["nps"] >= 9, "comment"] = None
    customers = pd.DataFrame({"customer_id": wide["customer_id"]})
    past = answers(make_survey_company(wide, ITEMS, customers=customers))
    text = say(commenting(past, read_comments(past)).finding.text, Locale())
    assert "comments sound worse than the scores are" in text


def test_themes_have_shares_with_intervals(one):
    past, voices, _ = one
    table = theme_counts(past, voices).table
    found = wilson(table["n"], [len(voices.rows)] * len(table))
    assert np.allclose(table[["low", "high"]], np.column_stack([found.low, found.high]))
    assert table["n"].is_monotonic_decreasing
    assert table["n"].min() >= 10
    assert {word for theme in table["theme"] for word in theme.split(" · ")} >= {"parcel", "expensive", "friendly"}


def test_the_theme_of_the_least_content_is_found_and_tested(one):
    past, voices, _ = one
    result = themes_by_score(past, voices)
    late = result.table[result.table["row"].str.contains("parcel")].iloc[0]
    assert late["column"] == "Detractors"
    assert late["p_value"] < 1e-6
    assert "parcel" in say(result.finding.text, Locale())
    band = voices.rows["band"]
    on = voices.rows["text"].str.contains("parcel")
    low, rest = band == "Detractors", band != "Detractors"
    gap = newcombe((on & rest).sum(), rest.sum(), (on & low).sum(), low.sum())
    assert late["difference"] == pytest.approx(gap.value[0], abs=0.05)


def test_where_score_and_theme_have_nothing_to_do_no_theme_is_named(make_survey_company):
    rng = np.random.default_rng(5)
    said = [str(rng.choice(LATE + DEAR + GOOD)) for _ in range(300)]
    past = answers(company_of(make_survey_company, comments=said)[0])
    result = themes_by_score(past, read_comments(past))
    assert "beyond chance" in say(result.finding.text, Locale())
    assert result.finding.severity == "info"


def test_quotes_hide_persons_and_stay_data(make_survey_company):
    hostile = " <script>alert(1)</script> {n} Zoltan +49 30 23125 014 anna@example.com"
    said = [text + hostile for text in (LATE + DEAR + GOOD)] * 25
    past = answers(company_of(make_survey_company, comments=said)[0])
    result = quotes(past, read_comments(past), per_theme=2)
    text = " ".join(result.table["quote"])
    assert MASK in text
    assert f"{MASK} stands for names" in say(result.note, Locale())
    assert not any(secret in text for secret in ("Zoltan", "23125", "anna@"))
    page = exhibit_html(result, Locale())
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert "{n}" in page
    assert result.table.groupby("theme").size().max() <= 2


def test_nothing_that_finds_a_person_names_a_theme(make_survey_company):
    said = ["mail wang@beispiel.com or 13800138000, Zoltan"] * 150 + [
        "the parcel is late",
        "late parcel here",
        "parcel, late",
    ] * 50
    past = answers(company_of(make_survey_company, comments=said)[0])
    voices = read_comments(past)
    words = {word for words in voices.found.words for word in words}
    assert not words & {"wang", "beispiel", "zoltan", "com"}
    assert not any("Zoltan" in text or "wang" in text for text in voices.rows["text"])


@pytest.mark.parametrize(("min_cell", "people", "shown"), [(10, 9, False), (10, 10, True), (1, 4, False), (1, 5, True)])
def test_a_theme_of_too_few_people_is_not_shown(make_survey_company, min_cell, people, shown):
    said = [*(GOOD * 30), *["broken website login fails"] * people, *[None] * (180 - people)]
    past = replace(answers(company_of(make_survey_company, comments=said)[0]), min_cell=min_cell)
    voices = read_comments(past, themes=2)
    own = np.array(["website" in text for text in voices.rows["text"]])
    parts = np.column_stack([own, ~own]).astype(float)
    voices = replace(voices, found=Themes(parts, parts > 0, (("website", "login"), ("friendly",)), np.array([0.9, 0.9])))
    for result in (theme_counts(past, voices), themes_by_score(past, voices), quotes(past, voices)):
        assert ("website" in result.table.to_string()) is shown


def test_one_person_who_writes_often_is_no_theme(make_survey_company):
    said = [*(GOOD * 30), *["broken website login fails"] * 40, *[None] * 140]
    _, wide = company_of(make_survey_company, comments=said)
    wide.loc[120:159, "customer_id"] = "C0120"
    past = answers(make_survey_company(wide, ITEMS))
    voices = read_comments(past, themes=2)
    assert "website" not in theme_counts(past, voices).table.to_string()


def test_only_the_waves_asked_for_are_read(one):
    past, voices, _ = one
    assert voices.waves == ("2025Q3", "2025Q4")
    assert read_comments(past, waves=1).waves == ("2025Q4",)
    assert set(read_comments(past, waves=1).rows["wave"]) == {"2025Q4"}


def test_without_the_package_the_section_says_so_and_the_rest_stands(one, monkeypatch):
    past, _, _ = one
    monkeypatch.setitem(sys.modules, "sklearn.feature_extraction.text", None)
    voices = read_comments(past)
    for result in (theme_counts(past, voices), themes_by_score(past, voices), quotes(past, voices)):
        assert not result.assessed
        assert "scikit-learn" in say(result.reason, Locale())
    assert commenting(past, voices).assessed


@pytest.mark.parametrize("said", [[None] * 300, ["  "] * 300, ["late"] + [None] * 299])
def test_without_comments_the_section_says_so(make_survey_company, said):
    past = answers(company_of(make_survey_company, comments=said)[0])
    voices = read_comments(past)
    for result in (theme_counts(past, voices), themes_by_score(past, voices), quotes(past, voices)):
        assert not result.assessed
        assert result.reason is not None


def test_quotes_can_be_switched_off(one):
    past, voices, _ = one
    assert not quotes(past, voices, per_theme=0).assessed


def test_without_answers_nothing_is_said(make_survey_company):
    past = answers(make_survey_company(company_of(make_survey_company)[1].iloc[:0], ITEMS, as_of=dt.date(2025, 12, 31)))
    voices = read_comments(past)
    assert not any(f(past, voices).assessed for f in (commenting, theme_counts, themes_by_score, quotes))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_exhibit_becomes_a_page(one, language):
    past, voices, _ = one
    for result in (commenting(past, voices), theme_counts(past, voices), themes_by_score(past, voices), quotes(past, voices)):
        assert exhibit_html(result, Locale(language))


def test_bands():
    nps, csat = Item("n", "n", "nps", 0, 10), Item("c", "c", "csat", 1, 5)
    assert bands(nps, [0, 6, 7, 8, 9, 10, np.nan]).tolist() == [
        "Detractors", "Detractors", "Passives", "Passives", "Promoters", "Promoters", None,
    ]  # fmt: skip
    assert bands(csat, [1, 2, 3, 4, 5]).tolist() == ["Dissatisfied", "Dissatisfied", "In between", "Satisfied", "Satisfied"]
    assert [top_from(Item("s", "s", "csat", 1, high)) for high in (2, 3, 4, 5)] == [2, 3, 3, 4]
    assert [str(group_label(name).template) for name in ("industry", "acquisition_channel")] == [
        "Industry",
        "Acquisition channel",
    ]
    assert bands(Item("e", "e", "ces", 1, 7), [3, 4, 5, 6]).tolist() == [
        "Dissatisfied",
        "In between",
        "In between",
        "Satisfied",
    ]


def test_the_recommendation_leads(one):
    assert leading_item(one[0]).id == "nps"
