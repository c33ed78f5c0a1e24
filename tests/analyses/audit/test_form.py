"""The self-assessment form: its words, its template and calendar, how ratings become scores, and what evidence carries."""

import datetime as dt
import importlib.util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses import audit
from crmkit.analyses.audit.form import (
    calendar,
    cycle_of,
    form_items,
    form_scores,
    load_form,
    next_cycles,
    raters,
    read_answers,
    standard_scores,
    template,
)
from crmkit.analyses.audit.form.questions import cycle_span, merge
from crmkit.core.errors import ParamError
from crmkit.core.language import Locale, say

spec = importlib.util.spec_from_file_location("audit_conftest", Path(__file__).parent / "conftest.py")
here = importlib.util.module_from_spec(spec)
spec.loader.exec_module(here)
ratings = here.ratings
IDS = (
    "A1.response", "A1.frequency", "A1.csat", "A2.growth", "A2.cac", "A2.retention", "A3.efficiency", "A3.complaint_time",
    "A4.collection", "A4.adoption", "A5.skills", "A5.motivation",
)  # fmt: skip


def test_five_items_twelve_standards_anchors_in_both_languages():
    form = load_form()
    assert form.ids == IDS
    assert [item.id for item in form.items] == ["A1", "A2", "A3", "A4", "A5"]
    anchors = [one for standard in form for one in standard.anchors]
    assert len(anchors) == 60
    assert len({one.en for one in anchors}) == len({one.zh for one in anchors}) == 60
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in one.zh) for one in anchors)
    assert all(not any("\u4e00" <= letter <= "\u9fff" for letter in one.en) for one in anchors)


def test_every_indicator_of_a_standard_is_in_the_catalogue():
    from crmkit.analyses.audit.catalogue import load_catalogue

    known = set(load_catalogue().indicators)
    for standard in load_form():
        assert standard.indicators, standard.id
        assert set(standard.indicators) <= known, standard.id


def test_a_clients_form_changes_words_and_says_so():
    form = merge(load_form(), {"A1.response": {"en": "Speed"}, "A5.motivation": {"enabled": False}})
    assert len(form.ids) == 11
    assert [(one.id, one.key, one.after) for one in form.changes] == [
        ("A1.response", "en", "Speed"),
        ("A5.motivation", "enabled", False),
    ]
    assert load_form().ids == IDS


def test_every_difference_of_a_clients_form_is_printed():
    anchors = [{"en": f"step {place}", "zh": f"第{place}步"} for place in range(1, 6)]
    form = merge(load_form(), {"A1.response": {"en": "Speed", "anchors": anchors}, "A5.motivation": {"enabled": False}})
    table = audit.form_changes(SimpleNamespace(form=form)).table
    assert table[["standard", "key", "after"]].to_numpy().tolist() == [
        ["A1.response", "en", "Speed"],
        ["A1.response", "anchors", "step 1 / 第1步, step 2 / 第2步, step 3 / 第3步, step 4 / 第4步, step 5 / 第5步"],
        ["A5.motivation", "enabled", "False"],
    ]
    assert table["before"].tolist() == [str(load_form().items[0].standards[0].en), table["before"][1], "True"]
    assert audit.form_changes(SimpleNamespace(form=load_form())).table is None


def test_everything_wrong_with_a_clients_form_is_said_at_once():
    with pytest.raises(ParamError) as err:
        merge(load_form(), {"A1.respons": {}, "A1.csat": {"anchor": []}, "A2.cac": {"anchors": []}, "A2.growth": 3})
    text = str(err.value)
    assert "did you mean 'A1.response'?" in text
    assert "did you mean 'anchors'?" in text
    assert "A2.cac, anchors" in text
    assert "A2.growth" in text


def test_cycles():
    assert cycle_of(dt.date(2026, 1, 1), "half_year") == "2026H1"
    assert next_cycles(dt.date(2025, 8, 3), "quarter") == ["2025Q3", "2025Q4", "2026Q1", "2026Q2"]
    assert cycle_span("2025Q4") == (dt.date(2025, 10, 1), dt.date(2025, 12, 31))
    assert cycle_span("2024H1") == (dt.date(2024, 1, 1), dt.date(2024, 6, 30))
    for wrong in ("2025H3", "2025", "Q42025"):
        with pytest.raises(ParamError, match="2025Q4 or 2025H2"):
            cycle_span(wrong)
    with pytest.raises(ParamError, match="half_year"):
        cycle_of(dt.date(2025, 1, 1), "half_yea")


def test_calendar():
    result = calendar(here.DAY, cycle="half_year")
    table = result.table
    assert [column.name for column in result.columns] == ["cycle", "begins", "ends", "form_due", "report_due"]
    assert table["cycle"].tolist() == ["2025H2", "2026H1", "2026H2", "2027H1"]
    assert (table["ends"] < table["form_due"]).all()
    assert (table["form_due"] < table["report_due"]).all()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_template_holds_what_the_table_assessments_needs(language):
    table = template(load_form(), cycle="2025H2", language=language).table
    from crmkit.data.tables import TABLES

    assert set(TABLES["assessments"].columns) <= set(table.columns)
    assert table["standard_id"].tolist() == list(IDS)
    assert (table[["rater_id", "reality", "intention"]] == "").all(axis=None)
    assert table["question"].iloc[0] == next(iter(load_form())).question(language)


def test_median_within_role_and_equal_weight_per_role(company_of):
    """Forty managers do not outvote two customers."""
    rows = [("2025H2", f"M{i}", "manager", "A1.csat", 5.0) for i in range(40)]
    rows += [("2025H2", f"C{i}", "customer", "A1.csat", score) for i, score in enumerate((1.0, 3.0))]
    table = pd.DataFrame(rows, columns=["cycle", "rater_id", "rater_role", "standard_id", "reality"]).assign(evidence_id="E1")
    answers = read_answers(company_of(assessments=table), load_form())
    found = standard_scores(answers).set_index("standard").loc["A1.csat"]
    assert (found["manager"], found["customer"], found["reality"]) == (5, 2, 3.5)
    assert found["low"] < 3.5 < found["high"]
    heavy = read_answers(company_of(assessments=table), load_form(), weights={"manager": 3})
    assert standard_scores(heavy).set_index("standard").loc["A1.csat", "reality"] == 4.25


@pytest.mark.parametrize(("kind", "most"), [("none", 3), ("statement", 4), ("document", 5), ("data", 5)])
def test_evidence_caps_a_score(company_of, kind, most):
    table = ratings(roles={"manager": 3}, level=9)
    evidence = pd.DataFrame({"evidence_id": ["E1"], "kind": [kind]})
    answers = read_answers(company_of(assessments=table, evidence=evidence), load_form())
    assert (answers.now["capped"] == most).all()
    assert (answers.now["reality"] == 5).all()
    assert standard_scores(answers)["capped"].eq(float(most < 5)).all()


def test_caps_are_parameters_and_do_not_bind_customers(company_of):
    table = ratings(roles={"manager": 3, "customer": 3}, level=9)
    company = company_of(assessments=table, evidence=None)
    assert read_answers(company, load_form(), caps={"none": 2}).now.groupby("rater_role")["capped"].max().to_dict() == {
        "manager": 2, "customer": 5,
    }  # fmt: skip
    with pytest.raises(ParamError) as err:
        read_answers(company, load_form(), caps={"documnt": 2, "data": 9}, weights=None)
    assert "did you mean 'document'?" in str(err.value)
    assert "from 1 to 5" in str(err.value)


def test_the_sentence_names_the_standard_that_is_furthest_behind(company_of):
    table = ratings(roles={"manager": 3}, level=2)
    table.loc[table["standard_id"] == "A3.efficiency", ["intention", "reality"]] = [5.0, 1.0]
    numbers = form_scores(read_answers(company_of(assessments=table), load_form())).finding.text.numbers
    assert (numbers["reality"].value, numbers["intention"].value) == (1, 5)


def test_roles_without_weight_are_as_if_they_had_not_answered(company_of):
    both = ratings(roles={"manager": 4, "staff": 6})
    alone = both[both["rater_role"] == "staff"]
    weights = {"manager": 0, "staff": 1}
    found, other = (
        form_items(read_answers(company_of(assessments=table), load_form(), weights=weights)).table for table in (both, alone)
    )
    for column in ("low", "high"):
        assert found[column].dropna().tolist() == other[column].dropna().tolist()


def test_newest_cycle_or_the_one_asked_for(company_of):
    table = pd.concat([ratings(0, cycle="2025H2"), ratings(1, cycle="2024H2"), ratings(2, cycle="2025H1")])
    company = company_of(assessments=table)
    assert read_answers(company, load_form()).cycle == "2025H2"
    assert read_answers(company, load_form()).cycles == ["2024H2", "2025H1", "2025H2"]
    assert read_answers(company, load_form(), cycle="2025H1").now["cycle"].eq("2025H1").all()
    assert read_answers(company, load_form(), cycle="2023H1").reason is not None


def test_no_form_is_not_assessed_and_says_how_to_get_one(company_of):
    answers = read_answers(company_of(), load_form())
    for result in (form_scores(answers), form_items(answers), raters(answers)):
        assert not result.assessed
        assert say(result.reason, Locale()) == "needs assessments; write the form with: crmkit form test"


def test_raters_are_counted_and_unknown_standards_too(company_of):
    table = ratings(roles={"manager": 2, "staff": 4})
    extra = table.head(1).assign(standard_id="A9.x")
    result = raters(read_answers(company_of(assessments=pd.concat([table, extra])), load_form()))
    assert result.table["verdict"].tolist() == ["too few", "enough", "nobody", "nobody"]
    assert result.table["raters"].tolist() == [2, 4, 0, 0]
    assert result.table["needed"].tolist()[:2] == [3, 3]
    assert result.note.numbers["unknown"].value == 1


def test_order_of_rows_and_names_of_raters_change_nothing(company_of):
    table = ratings(4)
    one = standard_scores(read_answers(company_of(assessments=table), load_form()))
    mixed = table.sample(frac=1, random_state=0).assign(rater_id=lambda rows: "x" + rows["rater_id"])
    other = standard_scores(read_answers(company_of(assessments=mixed), load_form()))
    pd.testing.assert_frame_equal(one, other)


def test_a_better_rating_never_lowers_a_score(company_of):
    table = ratings(5)
    before = standard_scores(read_answers(company_of(assessments=table), load_form()))["reality"]
    rng = np.random.default_rng(0)
    for _ in range(20):
        better = table.copy()
        place = rng.integers(len(better))
        better.loc[place, "reality"] = min(5, better.loc[place, "reality"] + 1)
        after = standard_scores(read_answers(company_of(assessments=better), load_form()))["reality"]
        assert (after >= before - 1e-12).all()


def test_data_scores_stand_beside(company_of):
    state = pd.DataFrame({"indicator": ["P-RESP", "P-RESP50", "P-CSAT"], "score": [2.0, 4.0, np.nan]})
    answers = read_answers(company_of(assessments=ratings()), load_form())
    found = standard_scores(answers, state).set_index("standard")["data"]
    assert found["A1.response"] == 3
    assert np.isnan(found["A1.csat"])
    shown = form_items(answers, state).table
    assert shown["measure"].unique().tolist() == ["Reality", "Intention", "Computed from data"]
    assert form_scores(answers, state).table["item_name"].iloc[0] == "Contact with customers"
    chinese = read_answers(company_of(assessments=ratings(), language="zh"), load_form())
    assert form_scores(chinese).table["name"].iloc[0] == "响应时间"
