"""Words are replaced first, then the type is read; what stands for nothing is empty and counted."""

import pytest

from crmkit.core.errors import DataError, ParamError
from crmkit.core.language import Locale, say
from crmkit.data.sources.engine import to_frame

CONTRACTS = "customer_id,started_at,ended_at,renewed\n"


def said(intake):
    return tuple(say(note, Locale()) for note in intake.notes)


def column(client, table, name):
    frame = to_frame(client.tables[table])
    first = frame.columns[0]
    return [None if value != value else value for value in frame.sort_values([first, name], kind="stable")[name]]


def test_words_of_a_flag_and_of_a_date(project):
    project.write("subscriptions.csv", CONTRACTS + "A,2023-01-01,2023-12-31,renewed\nB,2023-01-01,never,lost\n")
    project.params(
        tables={"subscriptions": {"values": {"renewed": {"renewed": "true", "lost": "false"}, "ended_at": {"never": ""}}}}
    )
    client = project.open()
    assert column(client, "subscriptions", "renewed") == [True, False]
    assert [day is None or str(day)[:10] for day in to_frame(client.tables["subscriptions"])["ended_at"].tolist()][:1] == [
        "2023-12-31"
    ]
    assert to_frame(client.tables["subscriptions"])["ended_at"].isna().tolist() == [False, True]


def test_words_of_a_number_in_a_long_export(project):
    project.write(
        "surveys.csv",
        "response_id,responded_at,item_id,score\n1,2024-01-02,csat,Very satisfied\n2,2024-01-03,csat,Neutral\n"
        "3,2024-01-04,csat,2\n",
    )
    project.params(
        tables={"surveys": {"values": {"score": {"Very satisfied": "5", "Neutral": "3"}}, "items": {"csat": {"scale": [1, 5]}}}}
    )
    assert column(project.open(), "surveys", "score") == [5.0, 3.0, 2.0]


def test_one_header_for_two_columns_of_ours(project):
    project.write("deals.csv", "Record ID,Deal Stage,Create Date,Company ID\n1,Closed Won,2024-01-02,9\n2,Lost,2024-01-03,8\n")
    columns = {
        "opportunity_id": "Record ID",
        "customer_id": "Company ID",
        "created_at": "Create Date",
        "stage": "Deal Stage",
        "won": "Deal Stage",
    }
    words = {"won": {"Closed Won": "true", "Lost": "false"}}
    project.params(tables={"opportunities": {"file": "deals.csv", "columns": columns, "values": words}})
    client = project.open()
    assert column(client, "opportunities", "won") == [True, False]
    assert column(client, "opportunities", "stage") == ["Closed Won", "Lost"]


def test_words_of_a_typed_source(project):
    import pandas as pd

    frame = pd.DataFrame({"customer_id": ["A", "B"], "started_at": ["2023-01-01"] * 2, "ended_at": ["never", "2023-06-30"]})
    frame.assign(renewed=[1, 2]).to_parquet(project.folder / "subscriptions.parquet")
    project.params(tables={"subscriptions": {"values": {"ended_at": {"never": ""}, "renewed": {"2": "no"}}}})
    client = project.open()
    assert column(client, "subscriptions", "renewed") == [True, False]
    assert to_frame(client.tables["subscriptions"])["ended_at"].isna().tolist() == [True, False]


def test_a_word_of_ours_that_no_column_of_that_type_can_hold(project):
    project.write("subscriptions.csv", CONTRACTS + "A,2023-01-01,2023-12-31,renewed\n")
    project.params(tables={"subscriptions": {"values": {"renewed": {"renewed": "treu"}}}})
    with pytest.raises(ParamError) as caught:
        project.open()
    assert list(caught.value.shown) == [
        "params/acme.yml, tables.subscriptions.values.renewed: 'renewed' is to be 'treu', which cannot be read as yes or no;"
        " an empty text stands for nothing."
    ]


@pytest.mark.parametrize("word", ["NULL", "N/A", "NaN", "NaT", "None", "#N/A", "-"])
def test_what_stands_for_nothing_is_empty_and_counted(project, word):
    project.write("subscriptions.csv", f"{CONTRACTS}A,2023-01-01,{word},\nB,2023-01-01,2023-12-31,{word}\n")
    client = project.open()
    assert to_frame(client.tables["subscriptions"])["ended_at"].isna().tolist() == [True, False]
    notes = said(client.intake[0])
    assert f"ended_at: 1 cell read as empty ({word} 1)" in notes
    assert f"renewed: 1 cell read as empty ({word} 1)" in notes


def test_nothing_is_no_customer_and_no_amount(project):
    project.write("transactions.csv", "customer_id,ordered_at,amount,product\nNULL,2024-01-01,5,-\nA,2024-01-01,N/A,NULL\n")
    with pytest.raises(DataError) as caught:
        project.open()
    assert [problem.split(";")[0] for problem in caught.value.shown] == [
        "transactions: column 'customer_id' is empty in 1 row (row 2)",
        "transactions: column 'amount' is empty in 1 row (row 3)",
    ]
    project.write("transactions.csv", "customer_id,ordered_at,amount,product\nA,2024-01-01,5,-\nB,2024-01-01,6,NULL\n")
    assert column(project.open(), "transactions", "product") == ["-", "NULL"]  # text keeps its words


SURVEY = "id,day,nps,sat\n1,2024-01-02,0 - Not at all likely,Very satisfied\n2,2024-01-03,7,neutral\n"
LAST = "3,2024-01-04,10 – Extremely likely,Very satisfied\n"
ITEMS = {"nps": {"scale": [0, 10]}, "sat": {"scale": [1, 5], "answers": {"Very satisfied": 5, "Neutral": 3}}}


def answers(project, item, **keys):
    project.params(tables={"surveys": {"columns": {"response_id": "id", "responded_at": "day"}, "items": ITEMS | keys}})
    frame = to_frame(project.open().tables["surveys"])
    return frame[frame["item_id"] == item].sort_values("response_id")["score"].tolist()


def test_answers_in_words_and_with_anchors(project):
    project.write("surveys.csv", SURVEY + LAST)
    assert answers(project, "nps") == [0.0, 7.0, 10.0]
    assert answers(project, "sat") == [5.0, 3.0, 5.0]


def test_an_anchor_is_read_only_where_every_answer_is_a_number_or_has_one(project):
    project.write("surveys.csv", SURVEY + "3,2024-01-04,rather not,Neutral\n")
    with pytest.raises(DataError) as caught:
        answers(project, "nps")
    assert "cannot be read as a number (rows 2, 4): '0 - Not at all likely', 'rather not'" in caught.value.shown[0]
    # a code counts as an answer of its own
    assert answers(project, "nps", nps={"scale": [0, 10], "na": ["rather not"]})[:2] == [0.0, 7.0]


def test_scores_of_tickets_in_words(project):
    project.write(
        "tickets.csv",
        "ticket_id,customer_id,opened_at,csat\n1,9,2024-01-02 10:00,Good\n2,8,2024-01-03 10:00,Bad\n"
        "3,8,2024-01-04 10:00,Not Offered\n",
    )
    project.params(
        tables={"tickets": {"items": {"csat": {"scale": [0, 1], "answers": {"Good": 1, "Bad": 0}, "na": ["Not Offered"]}}}}
    )
    assert column(project.open(), "tickets", "csat") == [1.0, 0.0, None]
