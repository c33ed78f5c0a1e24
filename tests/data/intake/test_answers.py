"""Questionnaires come in two shapes and with five usual faults: each fault is one message, nothing becomes a wrong score."""

import pytest

from crmkit.core.errors import DataError, ParamError
from crmkit.core.language import Locale, say
from crmkit.data.sources.engine import to_frame

ITEMS = {
    "csat": {"column": "总体满意度", "scale": [1, 5], "kind": "csat"},
    "nps": {"column": "推荐意愿", "scale": [0, 10], "kind": "nps"},
    "speed": {"column": "客服响应", "scale": [1, 5], "kind": "driver", "na": [9, "不适用"]},
}
HEADERS = {
    "response_id": "编号", "customer_id": "客户", "wave": "期次", "sent_at": "发送", "responded_at": "提交",
}  # fmt: skip
WIDE = "编号,客户,期次,发送,提交,总体满意度,推荐意愿,客服响应\n"
ROWS = (
    "1,a,w1,2024-01-01,2024-01-03,4,9,9\n2,b,w1,2024-01-01,2024-01-02,5,10,不适用\n3,c,w1,2024-01-01,,,,\n"
    "4,d,w1,2024-01-01,2024-01-05,2,3,\n"
)


def said(intake):
    return tuple(say(note, Locale()) for note in intake.notes)


def declare(project, **keys):
    project.params(as_of="2024-12-31", tables={"surveys": {"columns": HEADERS, "items": ITEMS, **keys}})


def problems(project) -> list[str]:
    with pytest.raises(DataError) as caught:
        project.open()
    return list(caught.value.shown)


def rows_of(project):
    frame = to_frame(project.open().tables["surveys"])
    return {(row.response_id, row.item_id): (row.score, row.not_applicable) for row in frame.itertuples()}


def test_a_wide_export_becomes_one_row_per_answer(project):
    project.write("surveys.csv", WIDE + ROWS)
    declare(project)
    client = project.open()
    intake = next(one for one in client.intake if one.table == "surveys")
    assert (intake.rows_read, intake.rows_kept) == (4, 4)
    assert said(intake) == ("one row per response, 3 answers in each",)
    assert intake.columns["csat"] == "总体满意度"
    found = rows_of(project)
    assert len(found) == 12
    assert found["1", "csat"] == (4.0, False)
    # the code and the word are the same answer; neither is a score, nor is it missing
    for response in "12":
        score, not_applicable = found[response, "speed"]
        assert score != score
        assert not_applicable
    assert found["4", "speed"][1] is False
    assert all(score != score and not na for (response, _), (score, na) in found.items() if response == "3")


def test_a_long_export_says_the_same(project):
    project.write("surveys.csv", WIDE + ROWS)
    declare(project)
    wide = rows_of(project)
    lines = ["编号,客户,期次,发送,提交,题目,得分\n"]
    for line in ROWS.splitlines():
        *head, csat, nps, speed = line.split(",")
        answers = zip(("总体满意度", "推荐意愿", "客服响应"), (csat, nps, speed), strict=True)
        lines += [",".join([*head, item, answer]) + "\n" for item, answer in answers]
    project.write("surveys.csv", "".join(lines))
    declare(project, columns={**HEADERS, "item_id": "题目", "score": "得分"})
    assert str(rows_of(project)) != ""
    assert repr(sorted(rows_of(project).items())) == repr(sorted(wide.items()))


def test_answers_off_the_scale_are_listed(project):
    project.write("surveys.csv", WIDE + ROWS + "5,e,w1,2024-01-01,2024-01-05,7,11,8\n6,f,w1,2024-01-01,2024-01-05,10,1,1\n")
    declare(project)
    found = problems(project)
    assert found[0].startswith("surveys: column 'csat' has 2 values outside 1 to 5 (rows 6, 7): '7', '10'; mend scale or na of")
    assert "two scales need an item each" in found[0]
    assert found[1].startswith("surveys: column 'nps' has 1 value outside 0 to 10 (row 6): '11'")
    assert found[2].startswith("surveys: column 'speed' has 1 value outside 1 to 5 (row 6): '8'")
    assert len(found) == 3


def test_answers_off_the_scale_of_a_long_export(project):
    rows = "response_id,item_id,score\n1,nps,0\n1,csat,0\n2,csat,6\n2,nps,10\n1,speed,4\n"
    project.write("surveys.csv", rows)
    declare(project, columns={})
    assert [problem.split("; ")[0] for problem in problems(project)] == [
        "surveys: column 'score' has 1 value 0 of item 'csat' (row 3), outside 1 to 5",
        "surveys: column 'score' has 1 value of item 'csat' outside 1 to 5 (row 4): '6'",
    ]


def test_zeros_may_mean_not_applicable(project):
    project.write("surveys.csv", WIDE + ROWS + "5,e,w1,2024-01-01,2024-01-05,0,0,3\n")
    declare(project)
    (problem,) = problems(project)
    assert problem.startswith(
        "surveys: column 'csat' has 1 value 0 (row 6), outside 1 to 5; if 0 means 'not applicable', write"
    )
    assert "na: [0] for csat under items in params/acme.yml, tables.surveys" in problem
    declare(project, items={**ITEMS, "csat": {**ITEMS["csat"], "na": [0]}})
    found = rows_of(project)
    assert found["5", "csat"][1]
    # 0 is a score of nps
    assert found["5", "nps"] == (0.0, False)


def test_a_response_that_stands_twice(project):
    project.write("surveys.csv", WIDE + ROWS + "4,d,w1,2024-01-01,2024-01-05,1,1,1\n")
    declare(project)
    (problem,) = problems(project)
    assert problem.startswith("surveys: column 'response_id' has 1 value (row 6) that an earlier row has: '4'")
    project.write("surveys.csv", "response_id,item_id,score\n1,csat,4\n1,csat,5\n1,nps,3\n1,speed,3\n")
    declare(project, columns={})
    (problem,) = problems(project)
    assert problem.startswith(
        "surveys: column 'response_id' has 1 value (row 3) that an earlier row has together with item_id: '1'"
    )


def test_a_customer_who_answers_twice_is_counted(project):
    project.write("surveys.csv", WIDE + ROWS + "5,d,w1,2024-01-01,2024-01-05,1,1,1\n")
    declare(project)
    notes = next(said(one) for one in project.open().intake if one.table == "surveys")
    assert "1 times a customer answered more than once in a wave; all answers are kept" in notes


def test_a_wave_on_another_scale_is_noticed(project):
    low = [f"a{n},a{n},w1,2024-01-01,2024-01-02,4,{n % 6},3\n" for n in range(40)]
    high = [f"b{n},b{n},w2,2024-04-01,2024-04-02,4,{n % 11},3\n" for n in range(40)]
    project.write("surveys.csv", WIDE + "".join([*low, *high]))
    declare(project)
    notes = next(said(one) for one in project.open().intake if one.table == "surveys")
    (note,) = [note for note in notes if "another scale" in note]
    assert note.startswith("no answer of wave w1 to nps is above 5, but ")
    project.write("surveys.csv", WIDE + "".join([*low[:20], *high]))
    declare(project)
    notes = next(said(one) for one in project.open().intake if one.table == "surveys")
    assert not [note for note in notes if "another scale" in note]


def test_an_item_that_is_not_there(project):
    project.write("surveys.csv", WIDE + ROWS)
    declare(project, items={**ITEMS, "ces": {"column": "推荐意原", "scale": [1, 7]}})
    assert problems(project) == ["surveys: surveys.csv has no column '推荐意原' for ces; did you mean '推荐意愿'?"]
    project.write("surveys.csv", "response_id,item_id,score\n1,csat,4\n1,nps,4\n1,sped,4\n")
    declare(project, columns={})
    assert problems(project) == ["surveys: column 'item_id' has no row of the item 'speed'; did you mean 'sped'?"]


def test_items_that_nobody_declared_are_counted(project):
    project.write("surveys.csv", "response_id,item_id,score\n1,csat,4\n1,nps,4\n1,speed,4\n1,age,44\n2,age,50\n")
    declare(project, columns={})
    notes = next(said(one) for one in project.open().intake if one.table == "surveys")
    assert notes == ("2 answers to age, which is not declared under items",)


def test_words_instead_of_scores(project):
    project.write("surveys.csv", WIDE + ROWS + "5,e,w1,2024-01-01,2024-01-05,n/a,4,4\n")
    declare(project)
    (problem,) = problems(project)
    assert problem.startswith(
        "surveys: column 'csat' has 1 value that cannot be read as a number (row 6): 'n/a'; write a number;"
    )
    declare(project, items={**ITEMS, "csat": {**ITEMS["csat"], "na": ["N/A"]}})
    assert rows_of(project)["5", "csat"][1]


def test_an_item_named_like_a_column(project):
    project.write("surveys.csv", WIDE + ROWS)
    declare(project, items={"wave": {"column": "总体满意度", "scale": [1, 5]}})
    assert problems(project) == [
        "params/acme.yml, tables.surveys.items: the item 'wave' is named like a column of the table; give it another id and"
        " name its header with column."
    ]


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (
            {"scale": [5, 1]},
            "items.csat.scale: [5, 1] is no scale; write the lowest and the highest answer, for example [1, 5].",
        ),
        ({}, "items.csat.scale: is missing; it is required."),
        ({"scale": [1, 5], "revers": True}, "items.csat: unknown key 'revers'; did you mean 'reverse'?"),
        (
            {"scale": [1, 5], "kind": "score"},
            "items.csat.kind: is 'score'; one of 'csat', 'nps', 'ces', 'driver', 'other' is expected",
        ),
    ],
)
def test_a_wrong_declaration_is_explained(project, item, said):
    project.write("surveys.csv", WIDE + ROWS)
    declare(project, items={"csat": item})
    with pytest.raises(ParamError) as caught:
        project.open()
    assert caught.value.shown[0].startswith(f"params/acme.yml, tables.surveys.{said}")


def test_answers_after_as_of_have_not_come(project):
    project.write("surveys.csv", WIDE + ROWS + "5,e,w2,2024-05-01,2024-05-02,5,5,5\n")
    declare(project)
    client = project.open(as_of="2024-01-04")
    intake = next(one for one in client.intake if one.table == "surveys")
    assert (intake.rows_kept, intake.rows_after_as_of) == (4, 1)
    assert "responded_at lies after 4 Jan 2024 in 1 row, which is seen as it was on that day" in said(intake)
    late = client.tables["surveys"].filter(client.tables["surveys"].response_id == "4")
    assert late.filter(late.score.notnull() | late.responded_at.notnull()).count().execute() == 0
    assert late.count().execute() == 3


def test_scores_of_tickets_have_a_scale_too(project):
    project.write("tickets.csv", "ticket_id,customer_id,opened_at,csat\n1,a,2024-01-01 08:00,5\n2,a,2024-01-02 09:00,0\n")
    project.params(tables={"tickets": {"items": {"csat": {"scale": [1, 5]}}}})
    assert problems(project)[0].startswith("tickets: column 'csat' has 1 value 0 (row 3), outside 1 to 5")
    project.params(tables={"tickets": {"items": {"csat": {"scale": [1, 5], "na": [0]}}}})
    assert to_frame(project.open().tables["tickets"])["csat"].isna().tolist() == [False, True]
    project.params(tables={"tickets": {"items": {"kind": {"scale": [1, 5]}}}})
    assert problems(project) == ["params/acme.yml, tables.tickets.items: 'kind' is no column of scores; there are 'csat'."]
