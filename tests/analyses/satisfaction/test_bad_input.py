"""What becomes of questionnaires as they come: wrong scores, one answer, equal answers, other languages, nothing at all."""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from crmkit import open_client
from crmkit.analyses import satisfaction
from crmkit.core.errors import CrmkitError, DataError
from crmkit.core.language import Locale, say
from crmkit.show.tables import exhibit_html, exhibit_text

ITEMS = {
    "csat": {"scale": [1, 5], "kind": "csat"},
    "nps": {"scale": [0, 10], "kind": "nps"},
    "ces": {"scale": [1, 7], "kind": "ces"},
    "speed": {"scale": [1, 5], "kind": "driver", "na": [0]},
    "price": {"scale": [1, 5], "kind": "driver"},
    "goods": {"scale": [1, 5], "kind": "driver"},
}
EN = Locale()


def answers(n: int = 120, *, wave: str = "2025Q1", seed: int = 0, day: str = "2025-03-01") -> pd.DataFrame:
    """Answers of n customers, all different: satisfaction follows speed, and price a little."""
    rng = np.random.default_rng(seed)
    drivers = rng.integers(2, 6, (n, 3))
    csat = np.clip(np.rint(0.6 * drivers[:, 0] + 0.3 * drivers[:, 1] + rng.normal(0.4, 0.4, n)), 1, 5).astype(int)
    table = pd.DataFrame(
        {
            "response_id": [f"{wave}-{at}" for at in range(n)],
            "customer_id": [f"K{at:04d}" for at in range(n)],
            "wave": wave,
            "channel": np.where(rng.random(n) < 0.5, "online", "telephone"),
            "sent_at": day,
            "responded_at": day,
        }
    )
    for name, column in zip(("speed", "price", "goods"), drivers.T, strict=True):
        table[name] = column
    return table.assign(csat=csat, nps=np.clip(2 * csat + rng.integers(-1, 2, n), 0, 10), ces=np.clip(csat + 1, 1, 7))


def customers(n: int = 200) -> pd.DataFrame:
    region = np.where(np.arange(n) % 3 == 0, "North", "South")
    return pd.DataFrame({"customer_id": [f"K{at:04d}" for at in range(n)], "region": region, "created_at": "2024-01-01"})


@pytest.fixture
def opened(tmp_path):
    """Opens a client whose tables are given."""
    found = []

    def make(surveys, *, people=None, items=ITEMS, columns=None, rejects=0.0, **tables):
        (tmp_path / "params").mkdir(exist_ok=True)
        (tmp_path / "notebooks").mkdir(exist_ok=True)
        folder = tmp_path / "data"
        folder.mkdir(exist_ok=True)
        declared = {}
        for name, table in {"surveys": surveys, "customers": people, **tables}.items():
            if table is not None:
                table.to_csv(folder / f"{name}.csv", index=False)
                declared[name] = {"file": f"{name}.csv"}
        if "surveys" in declared:
            declared["surveys"] |= {"items": items, "columns": columns or {}, "rejects": rejects}
        params = {"client": "acme", "title": "ACME", "as_of": "2025-12-31", "source": str(folder), "tables": declared}
        (tmp_path / "params" / "acme.yml").write_text(yaml.safe_dump(params, allow_unicode=True), encoding="utf-8")
        company = open_client("acme", home=tmp_path, rejects=tmp_path / "rejects")
        found.append(company)
        return company

    yield make
    for company in found:
        company.close()


def everything(past, *, drawn=False):
    """Every exhibit, none of which may fail; the figures only where `drawn`, because they take long."""
    weights = satisfaction.weigh(past)
    work = satisfaction.drive(past, weights, draws=100)
    satisfaction.headline(past, weights, work)
    plain = ("response", "representative", "items_left_out", "careless", "with_and_without", "distribution", "items", "index")
    plain += ("reliability", "segments", "differences", "trend", "steps", "group_changes", "benchmarks")
    listed = [getattr(satisfaction, name)(past) for name in plain]
    listed += [getattr(satisfaction, name)(past, weights) for name in ("scores", "weighting", "changes")]
    listed += [getattr(satisfaction, name)(past, work) for name in ("importance", "ranks", "importance_performance", "what_if")]
    for result in listed:
        (exhibit_html if drawn else exhibit_text)(result, EN)
    return {result.name: result for result in listed}, work


def test_scores_out_of_range_are_listed_and_stop_the_run(opened):
    table = answers()
    table.loc[[3, 17], "csat"] = [6, 55]
    with pytest.raises(DataError) as caught:
        opened(table)
    assert "csat" in str(caught.value)
    assert "5, 19" in str(caught.value) or "rows 5" in str(caught.value)
    assert "1 to 5" in str(caught.value) or "[1, 5]" in str(caught.value)


def test_zero_for_not_applicable_never_becomes_a_score(opened):
    table = answers()
    table.loc[:39, "speed"] = 0
    past = satisfaction.answers(opened(table, people=customers()))
    assert past.answers.inapplicable["speed"].sum() == 40
    assert past.answers.responses["speed"].min() >= 2
    row = satisfaction.items(past).table.set_index("item").loc["speed"]
    assert row["n"] == 80
    assert row["mean"] == pytest.approx(table.loc[40:, "speed"].mean())


def test_two_scales_in_one_item_are_noticed(opened):
    """A wave asked from 1 to 5 among others asked from 0 to 10."""
    first = answers(wave="2025Q1")
    second = answers(wave="2025Q2", seed=1, day="2025-06-01")
    second["nps"] = np.clip(second["csat"], 1, 5)
    company = opened(pd.concat([first, second]), people=customers())
    notes = [say(note, EN) for one in company.intake if one.table == "surveys" for note in one.notes]
    assert any("another scale" in note and "nps" in note for note in notes)


def test_a_wave_with_one_answer_is_not_the_report(opened):
    late = answers(1, wave="2025Q2", day="2025-06-01")
    past = satisfaction.answers(opened(pd.concat([answers(), late]), people=customers()))
    assert (past.waves.reported, past.waves.names) == ("2025Q1", ("2025Q1", "2025Q2"))
    found, work = everything(past)
    assert found["satisfaction_scores"].assessed
    said = [say(finding.text, EN) for finding in satisfaction.headline(past, satisfaction.weigh(past), work)]
    assert any("1 answer of 2025Q2 is not reported" in text for text in said)


def test_one_answer_alone_shows_no_number(opened):
    past = satisfaction.answers(opened(answers(1), people=customers()))
    found, work = everything(past, drawn=True)
    assert work.reason is not None
    shown = {name for name, result in found.items() if result.assessed}
    assert shown <= {"satisfaction_response", "satisfaction_representative"}
    assert satisfaction.headline(past, satisfaction.weigh(past), work)[0].id == "satisfaction.base"


def test_where_all_answers_are_equal_alpha_is_undefined_and_said_to_be(opened):
    table = answers(60)
    for name, one in (("csat", 4), ("nps", 8), ("ces", 5), ("speed", 4), ("price", 4), ("goods", 4)):
        table[name] = one
    past = satisfaction.answers(opened(table, people=customers()))
    found, work = everything(past, drawn=True)
    result = found["satisfaction_reliability"]
    assert result.table["value"].isna().all()
    assert "undefined" in say(result.finding.text, EN)
    assert "all answers are equal" in say(result.note, EN)
    assert "equal" in say(work.reason, EN)
    assert "all answers to" in say(found["satisfaction_drivers"].reason, EN)
    csat = found["satisfaction_scores"].table.set_index("group").loc["CSAT, two top boxes"]
    assert (csat["value"], csat["high"]) == (1.0, 1.0)
    assert csat["low"] < 0.95


def test_a_driver_without_variance_is_set_aside_and_said_to_be(opened):
    table = answers()
    table["goods"] = 3
    past = satisfaction.answers(opened(table, people=customers()))
    found, work = everything(past)
    assert work.found.without_variance == ("goods",)
    assert set(work.found.table["driver"]) == {"speed", "price"}
    assert "Got the same answer from everybody" in say(found["satisfaction_drivers"].finding.text, EN)


def test_a_response_that_stands_twice_is_refused_or_found(opened):
    table = answers(60)
    with pytest.raises(DataError, match="response_id"):
        opened(pd.concat([table, table.head(2)]), people=customers())
    again = five(table).head(3).assign(response_id=["x1", "x2", "x3"])
    past = satisfaction.answers(opened(pd.concat([five(table), again]), people=customers(), items=FIVE_POINT))
    assert past.answers.responses["careless"].sum() == 3
    assert past.answers.signs["duplicate"].sum() == 3
    assert len(past.current) == 60


def five(table):
    """The same answers on five points everywhere."""
    return table.assign(nps=(table["nps"] // 2).clip(1, 5), ces=table["ces"].clip(upper=5))


FIVE_POINT = ITEMS | {"ces": {"scale": [1, 5], "kind": "ces"}, "nps": {"scale": [1, 5], "kind": "other"}}
FIVE_POINT |= {name: {"scale": [1, 5], "kind": "driver"} for name in ("speed", "price", "goods")}


def test_chinese_headers_and_words_come_through(opened):
    headers = {"response_id": "答卷编号", "customer_id": "客户编号", "wave": "期次", "channel": "渠道", "sent_at": "发送日期"}
    headers |= {"responded_at": "提交日期"}
    asked = {"csat": "总体满意度", "nps": "推荐意愿", "ces": "办事轻松", "speed": "响应速度", "price": "价格", "goods": "商品"}
    items = {name: one | {"column": asked[name], "label": {"zh": asked[name]}} for name, one in ITEMS.items()}
    table = answers().replace({"channel": {"telephone": "电话", "online": "网上"}}).rename(columns=headers | asked)
    people = customers().replace({"region": {"North": "华北", "South": "华南"}})
    past = satisfaction.answers(opened(table, people=people, items=items, columns=headers))
    found, work = everything(past, drawn=True)
    assert set(found["satisfaction_items"].table["item"]) == {"总体满意度", "办事轻松", "响应速度", "价格", "商品"}
    assert {"电话", "网上", "华北", "华南"} <= set(found["satisfaction_segments"].table["level"])
    assert work.label("speed") == "响应速度"


def test_without_surveys_every_exhibit_says_so(opened):
    bought = pd.DataFrame({"customer_id": ["K1", "K2"], "ordered_at": ["2025-01-01", "2025-02-01"], "amount": [10, 20]})
    past = satisfaction.answers(opened(None, transactions=bought))
    found, work = everything(past)
    assert not [name for name, result in found.items() if result.assessed]
    assert say(found["satisfaction_scores"].reason, EN) == "needs surveys"
    finding = satisfaction.headline(past, satisfaction.weigh(past), work)[0]
    assert "needs surveys" in say(finding.text, EN)


def test_without_customers_nothing_is_weighted_and_the_rest_stands(opened):
    past = satisfaction.answers(opened(answers()))
    assert past.population.groups == ()
    found, work = everything(past)
    assert not found["satisfaction_weighting"].assessed
    assert "nothing is known of customers" in say(found["satisfaction_weighting"].reason, EN)
    assert not found["satisfaction_representative"].assessed
    assert found["satisfaction_scores"].assessed
    assert work.found is not None
    assert set(found["satisfaction_segments"].table["grouping"]) == {"channel"}


def test_answers_without_names_are_counted_but_not_weighted(opened):
    table = answers()
    table.loc[:69, "customer_id"] = None
    past = satisfaction.answers(opened(table, people=customers()))
    weights = satisfaction.weigh(past)
    assert "58.3% of the answers the customer is not known" in say(weights.reasons["2025Q1"], EN)
    assert satisfaction.scores(past, weights).table["n"].max() == 120


def test_without_waves_a_quarter_is_one(opened):
    table = pd.concat([answers(40), answers(40, wave="x", seed=2, day="2025-07-09")]).drop(columns="wave")
    past = satisfaction.answers(opened(table, people=customers()))
    assert past.waves.names == ("2025Q1", "2025Q3")
    assert past.waves.days["2025Q3"] == dt.date(2025, 7, 9)


def test_without_a_list_of_who_was_asked_there_is_no_response_rate(opened):
    past = satisfaction.answers(opened(answers(), people=customers()))
    result = satisfaction.response(past)
    assert result.table["value"].isna().all()
    assert "no response rate" in say(result.finding.text, EN)
    assert "Keep a row for everybody who is asked" in say(result.finding.action, EN)
    assert "value" not in [column.name for column in result.columns]


@pytest.mark.parametrize(("n", "shown"), [(9, False), (10, True)])
def test_what_is_left_out_is_shown_from_the_smallest_group_on(opened, n, shown):
    past = satisfaction.answers(opened(pd.concat([answers(), answers(n, wave="2025Q2", day="2025-06-01")])), "2025Q2")
    assert past.waves.reported == "2025Q2"
    assert satisfaction.items_left_out(past).assessed is shown


def test_an_item_named_like_a_column_is_refused(opened):
    table = answers().rename(columns={"speed": "Language?"})
    items = {("language" if name == "speed" else name): one for name, one in ITEMS.items()}
    items["language"] = items["language"] | {"column": "Language?"}
    with pytest.raises(CrmkitError, match="language"):
        satisfaction.answers(opened(table, items=items))


def test_published_intervals_come_out_of_answers(opened):
    """Wilson's interval of 81 of 263 (R, prop.test) and the adjusted Wald one of 30 promoters and 12 detractors of 60."""
    n = 263
    table = answers(n).assign(csat=[5] * 81 + [3] * (n - 81))
    table["nps"] = [10] * 30 + [7] * 18 + [2] * 12 + [None] * (n - 60)
    past = satisfaction.answers(opened(table.astype({"nps": "Int64"}), people=customers(300)), drop_careless=False)
    found = satisfaction.scores(past, satisfaction.weigh(past)).table.set_index("group")
    wilson = found.loc["CSAT, two top boxes"]
    assert wilson["low"] == pytest.approx(0.255288519878, abs=5e-13)
    assert wilson["high"] == pytest.approx(0.366209576983, abs=5e-13)
    nps = found.loc["NPS"]
    assert (nps["value"], nps["n"]) == (30.0, 60)
    assert [nps["low"], nps["high"]] == pytest.approx([9.30, 47.84], abs=0.005)


def test_careless_answers_are_kept_where_the_parameters_say_so(opened):
    table = answers(60)
    again = five(table).head(3).assign(response_id=["x1", "x2", "x3"])
    company = opened(pd.concat([five(table), again]), people=customers(), items=FIVE_POINT)
    past = satisfaction.answers(company, drop_careless=False)
    assert len(past.current) == 63
    assert "keep them" in say(satisfaction.careless(past).finding.text, EN)


def test_nothing_is_written_beside_the_data(opened, tmp_path):
    company = opened(answers(30))
    satisfaction.answers(company)
    assert {path.name for path in Path(tmp_path / "data").iterdir()} == {"surveys.csv"}
