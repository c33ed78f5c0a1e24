"""Tables of events at the door: times to the second, months, whole numbers, words, the order of dates, unknown customers."""

import datetime as dt

import pandas as pd
import pytest

from crmkit.core.errors import DataError
from crmkit.core.language import Locale, say
from crmkit.data.sources.engine import to_frame

TICKETS = "ticket_id,customer_id,opened_at,first_response_at,resolved_at,kind,handoffs\n"


def said(intake):
    return tuple(say(note, Locale()) for note in intake.notes)


def problems(project) -> list[str]:
    with pytest.raises(DataError) as caught:
        project.open()
    return list(caught.value.shown)


def test_times_are_kept_to_the_second_in_the_clients_zone(project):
    rows = (
        "1,a,2024-01-01 23:30:05,2024-01-02T00:10:00Z,2024-01-02,fault,0\n2,a,2024年1月3日 7:05,,05.01.2024 13:00,Question,2\n"
        "3,a,2024-01-01T23:30:00.750-05:00,,,,\n"
    )
    project.write("tickets.csv", TICKETS + rows)
    project.params(timezone="Asia/Shanghai", as_of="2024-01-31")
    frame = to_frame(project.open().tables["tickets"])
    assert frame["opened_at"].tolist() == [
        pd.Timestamp("2024-01-01 23:30:05"),
        pd.Timestamp("2024-01-03 07:05:00"),
        pd.Timestamp("2024-01-02 12:30:00"),
    ]
    assert frame["first_response_at"].iloc[0] == pd.Timestamp("2024-01-02 08:10:00")
    assert frame["resolved_at"].tolist()[:2] == [pd.Timestamp("2024-01-02"), pd.Timestamp("2024-01-05 13:00")]
    assert frame["kind"].tolist() == ["fault", "question", None]
    assert frame["handoffs"].tolist()[:2] == [0, 2]


def test_the_last_second_of_as_of_counts(project):
    project.write("tickets.csv", TICKETS + "1,a,2024-01-31 23:59:59,2024-02-01 00:00:01,,,\n2,a,2024-02-01 00:00:00,,,,\n")
    project.params(as_of="2024-01-31")
    frame = to_frame(project.open().tables["tickets"])
    assert frame["ticket_id"].tolist() == ["1"]
    assert frame["first_response_at"].isna().all()


def test_dates_in_the_wrong_order_are_listed(project):
    rows = (
        "1,a,2024-01-02 10:00,2024-01-02 09:59,2024-01-02,,\n2,a,2024-01-02 10:00,2024-01-02 10:00,2024-01-01,,\n"
        "3,a,2024-01-02 10:00,2024-01-03 01:00,2024-01-04 01:00,,\n"
    )
    project.write("tickets.csv", TICKETS + rows)
    assert [problem.split("; ")[0] for problem in problems(project)] == [
        "tickets: column 'first_response_at' has 1 value before opened_at (row 2): '2024-01-02 09:59'",
        "tickets: column 'resolved_at' has 1 value before opened_at (row 3): '2024-01-01'",
    ]


def test_a_contract_cannot_end_before_it_starts(project):
    project.write("subscriptions.csv", "customer_id,started_at,ended_at\na,2024-02-01,2024-01-31\nb,2024-02-01,2024-02-01\n")
    (problem,) = problems(project)
    assert problem.startswith("subscriptions: column 'ended_at' has 1 value before started_at (row 2): '2024-01-31'")
    assert "started_at or later is expected" in problem


def test_words_are_known_or_mapped(project):
    rows = "customer_id,started_at,churn_kind\na,2024-01-01,Kündigung\nb,2024-01-01,VOLUNTARY\nc,2024-01-01,?\nd,2024-01-01,\n"
    project.write("subscriptions.csv", rows)
    (problem,) = problems(project)
    assert problem.startswith(
        "subscriptions: column 'churn_kind' has 2 values that are none of its words (rows 2, 4): 'Kündigung', '?'; map them to"
        " voluntary, involuntary, paused with values in params/acme.yml, tables.subscriptions"
    )
    project.params(tables={"subscriptions": {"values": {"churn_kind": {"Kündigung": "voluntary", "?": ""}}}})
    found = to_frame(project.open().tables["subscriptions"])
    assert found["churn_kind"].tolist() == ["voluntary", "voluntary", None, None]
    project.params(tables={"subscriptions": {"values": {"churn_kid": {"x": "voluntary"}}}})
    assert problems(project) == [
        "params/acme.yml, tables.subscriptions.values: unknown column 'churn_kid'; did you mean 'churn_kind'?"
    ]


@pytest.mark.parametrize("written", ["2024-03", "2024/3", "2024年3月", "202403", "2024-03-31", "31.03.2024"])
def test_months(project, written):
    project.write("costs.csv", f"period,category,amount\n{written},labour,100\n2024-01,Marketing,-3.5\n")
    project.params(as_of="2024-12-31")
    frame = to_frame(project.open().tables["costs"])
    assert sorted(frame["period"]) == [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-03-01")]
    assert frame["amount"].sum() == 96.5


def test_whole_numbers(project):
    project.write("interactions.csv", "customer_id,occurred_at,kind,quantity\na,2024-01-01,usage,7\na,2024-01-02,call,\n")
    project.params(as_of="2024-01-31")
    assert to_frame(project.open().tables["interactions"])["quantity"].tolist() == [7, 1]
    project.write("interactions.csv", "customer_id,occurred_at,kind,quantity\na,2024-01-01,usage,7.5\na,2024-01-02,call,-1\n")
    assert [problem.split("; ")[0] for problem in problems(project)] == [
        "interactions: column 'quantity' has 1 value that cannot be read as a whole number (row 2): '7.5'",
        "interactions: column 'quantity' has 1 value below 0 (row 3)",
    ]


def test_unknown_customers_are_counted_and_kept(project):
    project.write("customers.csv", "customer_id\na\nb\n")
    project.write("interactions.csv", "customer_id,occurred_at\na,2024-01-01\nx,2024-01-02\nx,2024-01-03\ny,2024-01-03\n")
    project.write("referrals.csv", "referrer_id,referred_id,referred_at\na,p1,2024-01-01\nz,b,2024-01-02\n")
    project.params(as_of="2024-01-31")
    client = project.open()
    notes = {one.table: said(one) for one in client.intake}
    assert notes["interactions"] == ("3 rows name 2 customers in customer_id that the table customers lacks; they are kept",)
    assert notes["referrals"] == ("1 row names 1 customer in referrer_id that the table customers lacks; it is kept",)
    assert notes["customers"] == ()
    assert client.tables["interactions"].count().execute() == 4


def test_later_ends_are_hidden_and_counted(project):
    rows = "customer_id,started_at,ended_at,churn_reason\na,2024-01-01,2024-03-31,price\nb,2024-01-01,2024-02-01,moved\n"
    project.write("subscriptions.csv", rows)
    client = project.open(as_of="2024-02-29")
    frame = to_frame(client.tables["subscriptions"])
    assert frame["churn_reason"].tolist() == [None, "moved"]
    assert frame["ended_at"].isna().tolist() == [True, False]
    intake = next(one for one in client.intake if one.table == "subscriptions")
    assert said(intake) == ("ended_at lies after 29 Feb 2024 in 1 row, which is seen as it was on that day",)
    # and the customers come from the contracts where nothing else names them
    assert to_frame(client.tables["customers"])["created_at"].tolist() == [pd.Timestamp("2024-01-01")] * 2


def test_parquet_keeps_its_types(project):
    opened = [dt.datetime(2024, 1, 1, 8, 30, 15, 900_000), dt.datetime(2024, 1, 2, 9, 0)]
    table = pd.DataFrame(
        {"ticket_id": [1, 2], "customer_id": ["a", "b"], "opened_at": opened, "handoffs": [0, 3], "csat": [4, 5]}
    )
    table.to_parquet(project.folder / "tickets.parquet")
    project.params(as_of="2024-01-31", tables={"tickets": {"items": {"csat": {"scale": [1, 5]}}}})
    frame = to_frame(project.open().tables["tickets"])
    assert frame["opened_at"].tolist() == [pd.Timestamp("2024-01-01 08:30:15"), pd.Timestamp("2024-01-02 09:00")]
    assert frame[["handoffs", "csat"]].values.tolist() == [[0, 4], [3, 5]]
