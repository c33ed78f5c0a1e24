"""Answers beside their segments: counted by hand, by brute force, and with nothing of the future."""

import datetime as dt

import ibis
import pandas as pd
import pytest

from crmkit.core.errors import DataError
from crmkit.core.settings import ItemSettings
from crmkit.data.client import open_client
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.answers import comments, item_answers, response_counts, response_matrix

AS_OF = dt.date(2024, 3, 31)
ITEMS = {
    "csat": ItemSettings(scale=[1, 5], kind="csat"),
    "reach": ItemSettings(scale=[1, 7], kind="driver", reverse=True),
    "speed": ItemSettings(scale=[1, 5], kind="driver", na=[9]),
}
COLUMNS = {
    "response_id": "string", "item_id": "string", "score": "decimal(18, 4)", "not_applicable": "boolean",
    "customer_id": "string", "wave": "string", "channel": "string", "sent_at": "date", "responded_at": "date",
    "comment": "string",
}  # fmt: skip


def day(number: int) -> dt.date:
    return dt.date(2024, 1, 1) + dt.timedelta(days=number)


def response(one: str, customer: str | None, wave: str, channel: str, sent: int, came: int | None, comment=None, **scores):
    when = None if came is None else day(came)
    return [
        (one, item, None if score == "na" else score, score == "na", customer, wave, channel, day(sent), when, comment)
        for item, score in scores.items()
    ]


@pytest.fixture(scope="module")
def con():
    return ibis.duckdb.connect()


@pytest.fixture(scope="module")
def surveys(con):
    rows = [
        *response("1", "a", "w1", "online", 0, 4, "slow", csat=4, reach=1, speed="na", other=3),
        *response("2", "b", "w1", "online", 0, 2, csat=5, reach=7, speed=None, other=None),
        *response("3", "c", "w1", "phone", 0, None, csat=None, reach=None, speed=None, other=None),
        *response("4", "x", "w2", "online", 60, 62, "fine", csat=4, reach=4, speed=5, other=1),
        *response("5", None, "w2", "online", 60, 100, "late", csat=1, reach=1, speed=1, other=1),
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype(object)
    return con.create_table("surveys", frame.where(frame.notna(), None), schema=ibis.schema(COLUMNS))


@pytest.fixture(scope="module")
def customers(con):
    frame = pd.DataFrame({"customer_id": ["a", "b", "c"], "region": ["N", "S", "N"]})
    return con.create_table("customers", frame)


@pytest.fixture(scope="module")
def answers(surveys, customers):
    return item_answers(surveys, items=ITEMS, as_of=AS_OF, customers=customers, segments=["region"])


def test_answers_stand_beside_their_segment(answers):
    found = to_frame(answers).set_index(["response_id", "item_id"])
    assert len(found) == 9
    assert found.loc[("1", "reach"), ["score", "value", "low", "high"]].tolist() == [1.0, 7.0, 1.0, 7.0]
    assert found.loc[("1", "csat"), ["score", "value", "kind", "region"]].tolist() == [4.0, 4.0, "csat", "N"]
    assert found.loc[("1", "speed"), "not_applicable"]
    assert found.xs("4")["region"].isna().all()


def test_who_was_asked_and_who_answered(surveys):
    found = response_counts(surveys, as_of=AS_OF)
    assert found.drop(columns="days_to_response").values.tolist() == [
        ["w1", "online", 2, 2, 1], ["w1", "phone", 1, 0, 0], ["w2", "online", 2, 1, 1],
    ]  # fmt: skip
    assert found["days_to_response"].tolist()[0] == 3.0
    assert response_counts(surveys, as_of=AS_OF, by=[])[["sent", "responded", "complete"]].values.tolist() == [[5, 3, 2]]
    later = response_counts(surveys, as_of=dt.date(2024, 12, 31), by=["wave"])
    assert later["responded"].tolist() == [2, 2]


def test_without_dates_of_answers_a_response_is_what_says_something(surveys, customers):
    undated = surveys.drop("responded_at")
    assert response_counts(undated, as_of=AS_OF, by=[])[["sent", "responded"]].values.tolist() == [[5, 4]]
    found = to_frame(item_answers(undated, items=ITEMS, as_of=AS_OF))
    assert sorted(found["response_id"].unique()) == ["1", "2", "4", "5"]


def test_matrix_of_responses(answers):
    found = response_matrix(answers, items=["reach", "csat", "speed"], beside=["wave"])
    assert found.columns.tolist() == ["response_id", "wave", "reach", "csat", "speed"]
    assert found["reach"].tolist() == [7.0, 1.0, 4.0]
    assert found["speed"].isna().tolist() == [True, True, False]
    assert response_matrix(answers, items=["reach"], column="score")["reach"].tolist() == [1.0, 7.0, 4.0]


def test_comments_once_per_response(surveys):
    found = comments(surveys, as_of=AS_OF)
    assert found[["response_id", "comment"]].values.tolist() == [["1", "slow"], ["4", "fine"]]
    assert comments(surveys.drop("comment"), as_of=AS_OF).empty


def test_what_is_missing_is_named(surveys, customers):
    with pytest.raises(DataError, match="surveys: no item is declared; say what each question is under items"):
        item_answers(surveys, items={}, as_of=AS_OF)
    with pytest.raises(DataError, match="customers: no column 'regoin'; did you mean 'region'"):
        item_answers(surveys, items=ITEMS, as_of=AS_OF, customers=customers, segments=["regoin"])


def test_the_file_of_techco_by_brute_force():
    with open_client("techco") as client:
        items = client.settings.tables["surveys"].items
        found = to_frame(item_answers(client.tables["surveys"], items=items, as_of=client.as_of))
        path = client.home / "data" / "demo" / "techco" / "surveys.csv"
    raw = pd.read_csv(path, dtype={"答卷编号": str})
    came = raw[raw["提交日期"].notna()]
    assert found["response_id"].nunique() == len(came)
    for item, one in items.items():
        mine = found[found["item_id"] == item].set_index("response_id")["value"]
        said = came.set_index("答卷编号")[one.column]
        said = said.where(~said.isin(one.na))
        turned = one.scale[0] + one.scale[1] - said if one.reverse else said
        pd.testing.assert_series_equal(mine.sort_index(), turned.sort_index().astype(float), check_names=False)
