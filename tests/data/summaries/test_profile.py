"""What is missing, different and invalid in each column: counted by hand, in one query, the same for every engine."""

import ibis
import pandas as pd
import pytest

from crmkit.data.summaries import profile as module
from crmkit.data.summaries.profile import profile

TICKETS = {
    "ticket_id": ["1", "2", "3", "4"],
    "customer_id": ["a", "a", None, "b"],
    "kind": ["question", "fault", "riddle", None],
    "opened_at": ["2025-01-01", "2025-01-02", "2025-01-03", "2025-01-04"],
    "resolved_at": ["2025-01-02", "2025-01-01", None, "2025-01-04"],
    "handoffs": [0, -1, 3, None],
}
SCHEMA = {
    "ticket_id": "string", "customer_id": "string", "kind": "string", "opened_at": "timestamp",
    "resolved_at": "timestamp", "handoffs": "int64",
}  # fmt: skip


def tickets():
    frame = pd.DataFrame(TICKETS).assign(handoffs=pd.array(TICKETS["handoffs"], dtype="Int64"))
    for name in ("opened_at", "resolved_at"):
        frame[name] = pd.to_datetime(frame[name])
    return ibis.memtable(frame, schema=SCHEMA)


def rows(found):
    return {row["column"]: (row["missing"], row["distinct"], None if row["invalid"] is pd.NA else row["invalid"])
            for row in found.to_dict("records")}  # fmt: skip


def test_counted_by_hand():
    found = profile(tickets(), name="tickets")
    assert found["n"].tolist() == [4] * 6
    assert rows(found) == {
        "ticket_id": (0, 4, None),
        "customer_id": (1, 2, None),
        "kind": (1, 3, 1),
        "opened_at": (0, 4, None),
        "resolved_at": (1, 3, 1),
        "handoffs": (1, 3, 1),
    }


def test_some_columns_own_rules_and_no_distinct_counts():
    found = profile(tickets(), ["handoffs", "kind"], rules={"kind": lambda t: t.kind != "fault"}, distinct=False)
    assert found["column"].tolist() == ["handoffs", "kind"]
    assert found["distinct"].isna().all()
    assert found["invalid"].tolist() == [pd.NA, 1]
    assert profile(tickets(), ["handoffs", "kind"], distinct=["kind"])["distinct"].tolist() == [pd.NA, 3]


@pytest.mark.parametrize(
    ("column", "good", "bad"),
    [
        ("email", ["a@x.org", "a.b+c@mail.x.org"], ["a@x", "a b@x.org", "x.org", "@x.org", "n/a"]),
        (
            "phone",
            ["+49 (0)30 123-4567", "13812345678", "030/1234567"],
            ["123456", "unknown", "1234567890123456", "030 1234x67"],
        ),
    ],
)
def test_addresses_and_numbers_look_like_some(column, good, bad):
    found = profile(ibis.memtable({column: [*good, *bad, None]}, schema={column: "string"}))
    assert found.loc[0, ["missing", "invalid"]].tolist() == [1, len(bad)]


def test_a_value_counts_as_often_as_it_stands_there():
    rows = {
        "email": ["a@x.org"] * 3 + ["n/a"] * 2 + [None],
        "phone": ["unknown"] * 4 + ["1234567"] * 2,
        "customer_id": list("abcdef"),
    }
    table = ibis.memtable(rows, schema={"email": "string", "phone": "string", "customer_id": "string"})
    whole = profile(table)
    assert whole.to_numpy().tolist() == [
        ["email", 6, 1, 2, 2], ["phone", 6, 0, 2, 4], ["customer_id", 6, 0, 6, pd.NA]
    ]  # fmt: skip
    pd.testing.assert_frame_equal(profile(table, distinct=False).drop(columns="distinct"), whole.drop(columns="distinct"))


def test_an_empty_table():
    found = profile(ibis.memtable(pd.DataFrame({"email": pd.Series(dtype="object")}), schema={"email": "string"}))
    assert found.iloc[0].tolist() == ["email", 0, 0, 0, 0]


@pytest.mark.parametrize("engine", ["duckdb", "postgres", "databricks"])
def test_one_pass_for_every_engine(monkeypatch, engine):
    seen = []

    def kept(expression):
        seen.append(str(ibis.to_sql(expression, dialect=engine)).upper())
        raise StopIteration

    monkeypatch.setattr(module, "to_frame", kept)
    with pytest.raises(StopIteration):
        profile(ibis.table(SCHEMA, name="tickets"), name="tickets")
    (text,) = seen
    assert text.count("FROM") == 1
    assert "GROUP BY" not in text
