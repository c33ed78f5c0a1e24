"""How satisfied, what moves it, what is real: on two companies whose truth is known, and on answers counted by hand."""

import itertools
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmkit import open_client
from crmkit.analyses import satisfaction
from crmkit.analyses.satisfaction.changes import change_table, group_change_table
from crmkit.analyses.satisfaction.drivers import exhibits as shown_drivers
from crmkit.analyses.satisfaction.drivers.exhibits import _start_finding, own_effects
from crmkit.analyses.satisfaction.labels import with_standing
from crmkit.analyses.satisfaction.segments import difference_of, difference_table, segment_table
from crmkit.analyses.satisfaction.trend import step_table
from crmkit.analyses.satisfaction.weights import _weighting_finding, weighted_score
from crmkit.core.errors import ModelError, ParamError
from crmkit.core.language import Locale, say
from crmkit.core.results import estimates
from crmkit.models.basics.shares import wilson
from crmkit.report.page.page import Page
from crmkit.show.tables import exhibit_html
from soundness import faults

ROOT = Path(__file__).parents[3]
DIMENSIONS = {
    "retailco": {"product": "product", "assortment": "product", "price": "product", "delivery": "service", "ease": "service"},
    "techco": {"product": "product", "reliability": "product", "support_speed": "support", "support_skill": "support"},
}


def whole(company, **given):
    past = satisfaction.answers(company, dimensions=DIMENSIONS[company.name], **given)
    weights = satisfaction.weigh(past)
    # all waves, because the order of small weights needs many answers
    work = satisfaction.drive(past, weights, waves=99, draws=200)
    return SimpleNamespace(company=company, past=past, weights=weights, work=work)


def exhibits(one):
    past, weights, work = one.past, one.weights, one.work
    listed = [
        satisfaction.scores(past, weights),
        satisfaction.response(past),
        satisfaction.representative(past),
        satisfaction.weighting(past, weights),
        satisfaction.items_left_out(past),
        satisfaction.careless(past),
        satisfaction.with_and_without(past),
        satisfaction.distribution(past),
        satisfaction.items(past),
        satisfaction.index(past),
        satisfaction.reliability(past),
        satisfaction.segments(past),
        satisfaction.differences(past),
        satisfaction.trend(past),
        satisfaction.steps(past),
        satisfaction.turns(past),
        satisfaction.changes(past, weights),
        satisfaction.group_changes(past),
        satisfaction.importance(past, work),
        satisfaction.ranks(past, work),
        satisfaction.importance_performance(past, work),
        satisfaction.what_if(past, work),
        satisfaction.benchmarks(past),
    ]
    return {result.name: result for result in listed}


@pytest.fixture(scope="module")
def retailco(tmp_path_factory):
    with open_client("retailco", home=ROOT, rejects=tmp_path_factory.mktemp("rejects")) as company:
        yield whole(company)


@pytest.fixture(scope="module")
def techco(tmp_path_factory):
    with open_client("techco", home=ROOT, rejects=tmp_path_factory.mktemp("rejects"), language="zh") as company:
        yield whole(company)


@pytest.fixture(scope="module")
def both(retailco, techco):
    return {"retailco": retailco, "techco": techco}


@pytest.fixture(scope="module")
def truth():
    return {
        name: json.loads((ROOT / f"data/demo/{name}/truth.json").read_text(encoding="utf-8"))["surveys"] for name in DIMENSIONS
    }


@pytest.fixture(scope="module")
def results(retailco):
    return exhibits(retailco)


def test_every_exhibit_has_a_name_of_its_own_and_only_benchmarks_are_missing(results):
    assert len(results) == 23
    assert [name for name, result in results.items() if not result.assessed] == ["satisfaction_benchmarks"]
    assert "source and date" in say(results["satisfaction_benchmarks"].reason, Locale())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_exhibit_can_be_shown_and_names_nobody(results, retailco, language):
    pages = [exhibit_html(result, Locale(language)) for result in results.values()]
    people = retailco.past.answers.responses[["response_id", "customer_id"]].to_numpy().ravel()
    assert not [one for one in people[:400] for page in pages if str(one) in page]


def test_every_exhibit_says_what_it_found_and_from_how_many(results):
    for name, result in results.items():
        if result.assessed:
            assert result.finding is not None, name
            assert result.note is not None or "n" in result.table, name
            assert result.finding.id.startswith("satisfaction.")
    ids = [result.finding.id for result in results.values() if result.finding]
    assert len(set(ids)) == len(ids)


def test_every_exhibit_is_sound(results):
    assert not faults(results.values())


def test_intervals_hold_their_estimates(results):
    checked = 0
    for name, result in results.items():
        if result.assessed and {"low", "high", "value"} <= set(result.table.columns):
            known = result.table.dropna(subset=["low", "high", "value"]).astype({"low": float, "high": float, "value": float})
            assert (known["low"] <= known["value"] + 1e-9).all(), name
            assert (known["value"] <= known["high"] + 1e-9).all(), name
            checked += len(known)
    assert checked > 100


def test_groups_are_compared_with_the_customers_of_the_day(results, retailco):
    """The note gives both numbers: answers of known customers, which the table has too, and customers."""
    result = results["satisfaction_representative"]
    numbers = result.note.numbers
    assert numbers["n"].value == result.table["n"].max()
    assert numbers["base"].value == len(retailco.past.population.customers) > numbers["n"].value


def test_what_is_said_of_waves_and_missing_ratings(results, retailco):
    finding, waves = results["satisfaction_changes"].finding, retailco.past.waves
    assert f" from {waves.previous} to {waves.reported}" in say(finding.text, Locale())
    said = say(results["satisfaction_drivers"].note, Locale())
    assert re.search(r"of the ratings missing \(EM covariance; only \d+ answers are complete\)", said)
    table, now = results["satisfaction_response"].table, waves.reported
    row = table[(table["wave"] == now) & (table["channel"] == table["channel"].iloc[-1])].iloc[-1]
    text = say(results["satisfaction_response"].finding.text, Locale())
    sent, answered = (int(n) for n in re.search(r"of the (\d+) asked answered \((\d+) people\)", text).groups())
    assert sent > answered == table.loc[table["wave"] == now, "responded"].max()
    assert row["wave"] == now


def test_most_bad_answers_are_those_of_the_lower_half(results, retailco):
    """The question of which most answers lie below the middle of its scale."""
    past = retailco.past
    shares = {}
    for item in past.items:
        given = past.current[item.id].dropna() if item.id in past.current else []
        if len(given) >= past.min_cell:
            shares[item.label] = (given < (item.low + item.high) / 2).mean()
    worst = results["satisfaction_distribution"].finding.text.numbers
    assert worst["share"].value == pytest.approx(max(shares.values()))


def test_scales_are_counted_and_bounded(results):
    table = results["satisfaction_reliability"].table
    assert (table["n"] > 100).all()
    assert (table["high"] <= 1).all()


def test_a_driver_agrees_where_both_fits_have_its_sign(results, retailco):
    table = results["satisfaction_ranks"].table.set_index("driver")
    effects = pd.Series(dict(zip(retailco.work.found.drivers, retailco.work.found.effects, strict=True)))
    assert (table["agrees"] == ((table["odds_ratio"] > 1) == (effects.reindex(table.index) > 0))).all()


def test_an_effect_that_is_not_the_same_at_each_step_is_said_of_its_driver(retailco, monkeypatch):
    first, *others = names = retailco.work.found.drivers
    tested = pd.DataFrame({"term": list(names), "proportional": [False, *[True] * len(others)]})
    monkeypatch.setattr(shown_drivers, "proportional_odds_test", lambda *_, **__: tested)
    table = satisfaction.ranks(retailco.past, retailco.work).table.set_index("driver")
    assert table.index[~table["proportional"].astype(bool)].tolist() == [first]
    assert table.loc[first, "agrees"]


def test_what_was_raked_to_is_said_with_how_many_customers(retailco, results):
    said = say(results["satisfaction_weighting"].note, Locale())
    people = len(retailco.past.population.customers)
    named = "Size"
    assert re.match(rf"Raked to [^.]*{named}[^.]* of {people:,} customers; ", said), said


def test_with_careless_answers_there_are_more(results, retailco):
    table = results["satisfaction_with_and_without"].table
    n = table.groupby("measure")["n"].max()
    assert n["with careless answers"] > n["without them"]


def test_scores_without_careless_answers_need_the_least_number_and_no_more(retailco, results):
    fewest = int(results["satisfaction_with_and_without"].table["n"].min())
    assert satisfaction.with_and_without(replace(retailco.past, min_cell=fewest)).assessed
    assert not satisfaction.with_and_without(replace(retailco.past, min_cell=fewest + 1)).assessed


@pytest.mark.parametrize(
    ("clear", "said"),
    [
        ([True, True], "more important than most, and below average, both for certain."),
        ([True, False], "they matter most and score below average. For 1 of the 2 both are certain."),
        ([False, False], "more important than most, and below average, though one of the two may be chance."),
    ],
)
def test_how_sure_it_is_where_to_begin(clear, said):
    table = pd.DataFrame({"group": ["Price", "Delivery"], "field": "start here", "own_effect": True, "clear": clear})
    assert say(_start_finding(table).text, Locale()) == f"Start with “Price”, “Delivery”: {said}"


def test_each_sign_of_careless_answers_has_its_count(results, retailco):
    rows = (retailco.past.answers.responses["wave"] == retailco.past.waves.reported).to_numpy()
    signs = retailco.past.answers.signs[rows]
    shown = results["satisfaction_careless"].table.set_index("sign")["flagged"]
    assert shown["too fast to read"] == signs["fast"].sum() != signs["duplicate"].sum()
    assert shown["sent in twice"] == signs["duplicate"].sum()


def test_limits_have_the_level_that_is_asked(retailco):
    past = replace(retailco.past, confidence=0.8)
    table = satisfaction.careless(past).table
    found = wilson(table["flagged"], table["n"], confidence=0.8)
    assert np.allclose(table[["low", "high"]], np.column_stack([found.low, found.high]))
    assert table.attrs["confidence"] == satisfaction.segments(past).table.attrs["confidence"] == 0.8


def test_as_many_resamples_as_are_asked(retailco, monkeypatch):
    asked = {}

    def importance(data, **options):
        asked.update(options)
        raise ModelError("enough is known")

    monkeypatch.setattr("crmkit.analyses.satisfaction.drivers.fit.model.importance", importance)
    past = replace(retailco.past, confidence=0.8)
    assert satisfaction.drive(past, retailco.weights, draws=40, seed=7).found is None
    assert [asked[name] for name in ("draws", "seed", "confidence")] == [40, 7, 0.8]


def test_groups_of_thirty_are_ranked():
    table = pd.DataFrame({"value": 0.5, "n": [29, 30, 31]})
    assert with_standing(table, values=["value"], min_cell=10)["small"].tolist() == [True, False, False]


@pytest.mark.parametrize("kind", ["csat", "ces"])
def test_what_can_be_noticed_hangs_on_the_share_of_both_groups(kind):
    found = difference_of(SimpleNamespace(kind=kind), (10.0, 5.0, 40.0), (30.0, 20.0, 60.0), 0.95)
    assert found["spread"] == pytest.approx(40 / 100)


def test_the_sentence_on_weighting_names_score_and_both_values():
    row = {"group": "NPS", "low": 10.0, "high": 20.0, "unit": "points", "n": 100}
    table = estimates([{**row, "measure": "as answered", "value": 15.0}, {**row, "measure": "of all", "value": 11.0}])
    assert say(_weighting_finding(table).text, Locale()).startswith("Weighted to all customers, NPS is 11")
    assert "instead of 15" in say(_weighting_finding(table).text, Locale())


def test_only_a_score_of_boxes_has_a_share(retailco):
    past, wave = retailco.past, retailco.past.waves.reported
    (csat,), (nps,) = past.of_kind("csat")[:1], past.of_kind("nps")[:1]
    share = weighted_score(past, retailco.weights, wave, csat, top=True)[0]
    mean = weighted_score(past, retailco.weights, wave, csat)[0]
    assert 0 < share < 1 < mean < csat.high
    assert weighted_score(past, retailco.weights, wave, nps, top=True) == weighted_score(past, retailco.weights, wave, nps)


def test_the_headline_leads_with_what_must_be_done(retailco):
    found = satisfaction.headline(retailco.past, retailco.weights, retailco.work)
    ids = {finding.id for finding in found}
    assert {"satisfaction.level", "satisfaction.changes", "satisfaction.drivers", "satisfaction.start"} <= ids
    assert all(finding.action is not None for finding in found if finding.severity == "warning")
    # what holds is not at the top
    assert "satisfaction.items_left_out" not in ids


def test_a_figure_and_its_table_are_shown_together(retailco, results):
    page = Page("satisfaction", retailco.company, {})
    pair = results["satisfaction_segments"], results["satisfaction_differences"]
    html = page.show(*pair).html
    assert [html.count(f'id="{result.name}"') for result in pair] == [1, 1]
    assert list(page.shown) == [result.name for result in pair]
    assert set(page.findings) == {result.finding.id for result in pair}


# The truths that were planted.


@pytest.mark.parametrize("name", ["retailco", "techco"])
def test_the_base_is_that_of_the_waves_day(both, truth, name):
    past = both[name].past
    first = (
        past.population.margins[past.population.margins["margin"] == past.population.groups[0]]
        .groupby("wave")["customers"]
        .sum()
    )
    for wave in past.waves.names:
        assert first[wave] == pytest.approx(truth[name]["waves"][wave]["customers"], abs=6)
    assert len(past.population.customers) == first[past.waves.reported]


@pytest.mark.parametrize("name", ["retailco", "techco"])
def test_careless_answers_are_found(both, truth, name):
    past = both[name].past
    flagged = set(past.answers.responses.loc[past.answers.responses["careless"], "response_id"])
    real = set(truth[name]["careless"]) & set(past.answers.responses["response_id"])
    others = len(past.answers.responses) - len(real)
    assert len(flagged & real) / len(real) >= 0.85
    assert len(flagged - real) / others <= 0.02


@pytest.mark.parametrize("name", ["retailco", "techco"])
def test_weights_take_away_what_silence_adds(both, truth, name):
    """The planted bias is the chance to answer, by size and region; over all waves at least four fifths of it go."""
    past, weights = both[name].past, both[name].weights
    bias = cut = 0.0
    for wave in past.waves.names:
        real = truth[name]["waves"][wave]
        scores = past.at(wave)["csat"]
        bias += real["csat_mean_expected_of_answers"] - real["csat_mean"]
        cut += scores.mean() - weights.mean(past, wave, scores).value
    assert 0.8 <= cut / bias <= 1.2


def test_weighted_intervals_cover_what_all_customers_think(both, truth):
    """14 waves; at 95 % each, more than 3 misses happen in 0.4 % of worlds."""
    missed = 0
    for name, one in both.items():
        for wave in one.past.waves.names:
            found = one.weights.mean(one.past, wave, one.past.at(wave)["csat"])
            missed += not found.low <= truth[name]["waves"][wave]["csat_mean"] <= found.high
    assert missed <= 3


@pytest.mark.parametrize("name", ["retailco", "techco"])
def test_the_planted_order_of_drivers_is_recovered(both, truth, name):
    work, planted = both[name].work, truth[name]["driver_weights"]
    width = {item.id: item.high - item.low for item in work.drivers}
    effects = {
        driver: 100 * effect / width[driver] for driver, effect in zip(work.found.drivers, work.found.effects, strict=True)
    }
    order = sorted(planted, key=planted.get, reverse=True)
    # two whose weights differ by less than .05 may change places
    for first, second in itertools.combinations(order, 2):
        if planted[first] - planted[second] >= 0.05:
            assert effects[first] > effects[second], (first, second)
    assert set(work.found.table["driver"][:2]) == set(order[:2])
    own = own_effects(work.found)
    assert all(own[driver] for driver in order[:3])
    assert not own["information"]


def test_the_planted_shift_is_found_and_only_there(retailco):
    table = step_table(retailco.past)
    moved = table[table["moved"]]
    assert {*zip(moved["from_wave"], moved["to_wave"], strict=True)} <= {("2025Q1", "2025Q2"), ("2025Q2", "2025Q3")}
    first = table.iloc[0]
    assert (first["from_wave"], first["to_wave"]) == ("2025Q1", "2025Q2")
    assert first["value"] < 0
    assert table["comparable"].all()


def test_the_question_behind_the_shift_is_named(retailco):
    past = satisfaction.answers(retailco.company, "2025Q2")
    table = change_table(past, retailco.weights)
    clear = table[table["changed"]]
    assert clear.loc[clear["p_holm"].idxmin(), "item"] == "delivery"
    assert clear["value"].max() < 0
    finding = satisfaction.changes(past, retailco.weights).finding
    assert finding.severity == "warning"
    assert "“Delivery”" in say(finding.text, Locale())


def test_where_nothing_was_planted_nothing_is_found(techco):
    assert not step_table(techco.past)["moved"].any()
    assert not change_table(techco.past, techco.weights)["changed"].any()
    assert not group_change_table(techco.past, techco.past.item("nps"))["changed"].any()


# What is counted by hand.


def test_questions_asked_the_other_way_round_are_turned(retailco):
    past = retailco.past
    turned, given = past.answers.responses["reach"], past.answers.given["reach"]
    assert (turned + given).dropna().unique().tolist() == [8.0]
    assert (past.answers.responses["csat"].dropna() == past.answers.given["csat"].dropna()).all()


def test_not_applicable_is_neither_a_score_nor_missing(retailco):
    past = retailco.past
    assert past.answers.inapplicable["support_speed"].sum() > 100
    assert past.answers.given.loc[past.answers.inapplicable["support_speed"], "support_speed"].isna().all()
    assert past.answers.responses["support_speed"].min() >= 1
    row = satisfaction.items_left_out(past).table.set_index("item").loc["Speed of support"]
    n = (past.answers.responses["wave"] == past.waves.reported).sum()
    assert (
        row["n"]
        == n - past.answers.inapplicable.loc[past.answers.responses["wave"] == past.waves.reported, "support_speed"].sum()
    )


def test_scores_are_those_of_a_plain_count(retailco, results):
    rows = retailco.past.current
    table = results["satisfaction_scores"].table.set_index("group")
    nps, csat = rows["nps"].dropna(), rows["csat"].dropna()
    assert table.loc["NPS", "value"] == pytest.approx(100 * ((nps >= 9).mean() - (nps <= 6).mean()))
    assert table.loc["CSAT, two top boxes", "value"] == pytest.approx((csat >= 6).mean())
    assert table.loc["CSAT, mean", ["value", "n"]].tolist() == pytest.approx([csat.mean(), len(csat)])


def test_shares_of_a_question_add_up_to_one(results):
    table = results["satisfaction_distribution"].table
    assert np.allclose(table.groupby("group")["value"].sum(), 1.0)
    nps = table[table["group"] == "Would recommend us"]
    assert nps["tone"].tolist() == [-1.0, 0.0, 1.0]


def test_small_groups_are_hidden_with_one_more_and_the_next_are_not_ranked(retailco):
    past = retailco.past
    rows = past.current.copy()
    # 8 answers of the east, 12 of the west, the others of the north
    rows["group:region"] = ["East"] * 8 + ["West"] * 12 + ["North"] * (len(rows) - 20)
    table = segment_table(past, rows, past.item("nps"), "NPS")
    region = table[table["grouping"] == "region"].set_index("level")
    assert region.loc[["East", "West"], "suppressed"].all()
    assert region.loc[["East", "West"], "value"].isna().all()
    rows["group:region"] = ["East"] * 15 + ["North"] * (len(rows) - 15)
    region = segment_table(past, rows, past.item("nps"), "NPS").query("grouping == 'region'").set_index("level")
    assert region.loc["East", "small"]
    assert not region["suppressed"].any()
    # below 30 nothing is compared
    assert "region" not in set(difference_table(past, rows, past.item("nps"))["grouping"])


def test_telephone_instead_of_the_screen_is_not_comparable(retailco):
    from dataclasses import replace

    past = retailco.past
    changed = past.answers.responses.copy()
    changed.loc[changed["wave"] == past.waves.reported, "channel"] = "telephone"
    other = replace(past, answers=replace(past.answers, responses=changed))
    finding = satisfaction.changes(other, retailco.weights).finding
    assert finding.severity == "warning"
    assert "not comparable" in say(finding.text, Locale())
    assert not step_table(other)["comparable"].all()


def test_a_fall_that_is_two_waves_old_is_told(techco, truth):
    """The price was raised in July 2025; the newest two waves do not differ."""
    result, past = satisfaction.turns(techco.past), techco.past
    row = result.table.iloc[0]
    assert (row["item"], row["since"], bool(row["turned"])) == ("price", "2025Q3", True)
    scores = past.answers.responses[["wave", "price", "careless"]].dropna()
    high = scores[~scores["careless"]]["price"] >= 4
    later = scores[~scores["careless"]]["wave"] >= "2025Q3"
    assert (row["before"], row["now"]) == pytest.approx((high[~later].mean(), high[later].mean()))
    assert result.finding.passed is False
    assert say(result.finding.text, Locale()).startswith(f"“{row['group']}” has fallen since 2025Q3, from 47.9% to 18.9%")
    assert "2025Q3" in say(result.finding.action, Locale())
    assert not change_table(past, techco.weights).query("item == 'price'")["changed"].any()


@pytest.mark.parametrize(("draws", "most"), [(4, 2), pytest.param(20, 3, marks=pytest.mark.slow)])
def test_nothing_has_turned_where_waves_are_drawn_anew(techco, draws, most):
    """The waves of the answers are mixed: what remains is chance, and Holm's correction is over every question and wave."""
    past, rng = techco.past, np.random.default_rng(0)
    told = 0
    for _ in range(draws):
        mixed = past.answers.responses.assign(wave=rng.permutation(past.answers.responses["wave"]))
        result = satisfaction.turns(replace(past, answers=replace(past.answers, responses=mixed)))
        told += bool(result.table["turned"].any())
    assert told <= most  # at most one in twenty is expected; four or more of 20 would come in one of sixty
    assert say(result.finding.text, Locale()).startswith("Over all waves no question is answered differently")
    assert result.finding.evidence == (result.name,)


def test_two_waves_have_no_turn(techco):
    past = techco.past
    two = past.answers.responses[past.answers.responses["wave"].isin(past.waves.names[-2:])]
    waves = replace(past.waves, names=past.waves.names[-2:])
    result = satisfaction.turns(replace(past, waves=waves, answers=replace(past.answers, responses=two)))
    assert say(result.reason, Locale()) == "needs 3 waves with enough answers"


def test_the_sentence_on_chance_counts_what_chance_would_show(retailco):
    result = satisfaction.group_changes(retailco.past)
    said = say(result.note, Locale())
    m = len(result.table)
    assert f"{m} groups" in said
    assert f"{100 * (1 - 0.95**m):.1f}%" in said


def test_limits_are_those_of_an_xmr_chart_of_the_waves(techco):
    result = satisfaction.trend(techco.past)
    table = result.table
    own = table[table["group"] == "NPS"]["value"].to_numpy()
    reach = 3 / 1.128 * np.abs(np.diff(own)).mean()
    flat = table[table["group"] != "NPS"].groupby("group")["value"].first()
    assert flat["upper limit"] == pytest.approx(own.mean() + reach)
    assert flat["lower limit"] == pytest.approx(own.mean() - reach)
    # an old wave outside of the limits informs; only the wave reported warns
    assert (own < flat["lower limit"]).tolist() == [True] + [False] * 7
    assert (result.finding.severity, result.finding.passed) == ("info", True)


def test_each_wave_is_counted_as_the_one_reported(retailco, results):
    """Scores of the newest wave are those of its boxes, the response is that of the table, and older waves stand beside."""
    table = satisfaction.waves(retailco.past).table
    now = table[(table["wave"] == retailco.past.waves.reported) & (table["measure"] != "response")]
    shown = results["satisfaction_scores"].table
    assert now[list(shown.columns)].reset_index(drop=True).equals(shown.reset_index(drop=True))
    answered = table[table["measure"] == "response"].set_index("wave")
    whole = results["satisfaction_response"].table.loc[lambda rows: rows["channel"] == "all channels"].set_index("wave")
    assert set(answered.index) == set(whole.index) == set(retailco.past.waves.names)
    for name in ("value", "low", "high", "n"):
        assert answered[name].sort_index().tolist() == whole[name].sort_index().tolist()
    trend = results["satisfaction_trend"].table
    trend = trend[trend["group"] == "NPS"]
    own = table[table["measure"] == "nps"]
    assert own["value"].tolist() == trend["value"].tolist()
    assert [f"{day:%Y-%m-%d}" for day in own["starts_on"]] == trend["x"].tolist()


def test_waves_of_too_few_answers_have_no_scores(retailco):
    few = replace(retailco.past, min_cell=150)
    table = satisfaction.waves(few).table
    assert (table["n"] >= 150).all()
    assert set(table["wave"]) == set(retailco.past.waves.names)  # 337 and more were asked in each
    assert table[table["measure"] == "nps"]["wave"].nunique() == 5


def test_an_index_is_the_mean_of_its_questions_on_a_hundred(retailco, results):
    rows = retailco.past.current
    parts = (rows[["product", "assortment", "price"]] - 1) / 6 * 100
    enough = parts.notna().sum(axis=1) >= 2
    table = results["satisfaction_index"].table.set_index(["group", "measure"])
    found = table.loc[("Product", retailco.past.waves.reported)]
    assert found["value"] == pytest.approx(parts[enough].mean(axis=1).mean())
    assert found["n"] == enough.sum()


def test_benchmarks_need_source_and_date(retailco):
    good = {"item": "nps", "measure": "nps", "peer": "Trade", "value": 31, "source": "Report 7", "dated_at": "2025-03-01"}
    result = satisfaction.benchmarks(retailco.past, [good])
    assert result.table["verdict"].tolist() == ["ours is lower"]
    assert result.table["source"].tolist() == ["Report 7"]
    assert result.table[["peer", "theirs", "theirs_shown"]].to_numpy().tolist() == [["Trade", 31, 31]]
    assert result.table["n"].tolist() == [retailco.past.current["nps"].notna().sum()]
    share = good | {"item": "csat", "measure": "top_share", "value": 0.31}
    assert satisfaction.benchmarks(retailco.past, [share]).table[["unit", "theirs_shown"]].to_numpy().tolist() == [
        ["share", 31.0]
    ]
    bad = [{**good, "source": ""}, {**good, "dated_at": "spring"}, {**good, "item": "npss"}]
    with pytest.raises(ParamError) as caught:
        satisfaction.benchmarks(retailco.past, bad)
    assert len(caught.value.problems) == 3
    assert "has no source" in str(caught.value)
    assert "did you mean 'nps'?" in str(caught.value)


def test_half_a_point_is_worth_half_of_what_a_point_is(retailco):
    half, one = (satisfaction.what_if(retailco.past, retailco.work, rise=rise).table.set_index("group") for rise in (0.5, 1.0))
    assert np.allclose(2 * half["value"], one.loc[half.index, "value"])
    assert half.loc["Delivery", "value"] == pytest.approx(0.14, abs=0.04)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"groups": ["regoin"]}, "did you mean 'region'?"),
        ({"wave": "2025Q5"}, "did you mean '2025Q4'?"),
        ({"dimensions": {"delivry": "service"}}, "did you mean 'delivery'?"),
    ],
)
def test_a_wrong_name_is_refused_with_the_right_one(retailco, given, said):
    with pytest.raises(ParamError) as caught:
        satisfaction.answers(retailco.company, **given)
    assert said in str(caught.value)
