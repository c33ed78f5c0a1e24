"""One rule of what was known on a day: as an expression, as the SQL made of it, as the cut of a client, and written by hand."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crmkit.data.as_of import count_later, known_at
from crmkit.data.client import _cut_table
from crmkit.data.intake.table import Intake, Loaded
from crmkit.data.sources.engine import connect, disconnect, query, to_frame
from crmkit.data.tables import TABLES
from crmkit.data.tables.check import TYPES

FIRST, LAST = dt.date(2025, 1, 1), dt.date(2025, 12, 31)
# the first and last day of rows, the borders of months, quarters and half years, and days inside them
DAYS = [dt.date(2024, 12, 31), FIRST, dt.date(2025, 6, 30), dt.date(2025, 7, 1), dt.date(2025, 8, 17), LAST]
CYCLES = ["2025", "2025Q2", "2025Q3", "2025H1", "2025H2", "2025-07", "2025-08", "2025-12"]
STARTS = ["2025-01-01", "2025-04-01", "2025-07-01", "2025-01-01", "2025-07-01", "2025-07-01", "2025-08-01", "2025-12-01"]
START_OF = {label: dt.date.fromisoformat(day) for label, day in zip(CYCLES, STARTS, strict=True)}
ROWS = 60


@pytest.fixture(scope="module")
def con():
    made, _ = connect()
    yield made
    disconnect(made)


def some_rows(name: str, *, lacking: set[str]) -> pd.DataFrame:
    """Rows of a table as the contract has them, dates on and around the days that are tried, a third of what may be empty."""
    rng = np.random.default_rng(sum(map(ord, name)))
    # rows often lie on a border, where a rule is right or wrong
    days = [*DAYS, *(FIRST + dt.timedelta(days=int(n)) for n in rng.integers(0, 400, 12))]
    made = {}
    for column, declared in TABLES[name].columns.items():
        values = {
            "date": lambda: days[rng.integers(len(days))],
            "month": lambda: days[rng.integers(len(days))].replace(day=1),
            "timestamp": lambda: dt.datetime.combine(days[rng.integers(len(days))], dt.time(int(rng.integers(2)) * 23, 59, 59)),
            "cycle": lambda: CYCLES[rng.integers(len(CYCLES))],
            "boolean": lambda: bool(rng.integers(2)),
            "integer": lambda: int(rng.integers(1, 5)),
            "money": lambda: float(rng.integers(1, 5)),
            "score": lambda: float(rng.integers(1, 5)),
            "number": lambda: float(rng.integers(1, 5)),
            "id": lambda: f"a{rng.integers(9)}",
            "text": lambda: f"b{rng.integers(9)}",
        }[declared.kind]
        may_be_empty = not declared.required and declared.default is None
        made[column] = pd.Series(
            [None if may_be_empty and rng.random() < 1 / 3 else values() for _ in range(ROWS)], dtype=object
        )
    return pd.DataFrame({"row": range(ROWS), **made}).drop(columns=list(lacking))


def by_hand(rows: pd.DataFrame, name: str, day: dt.date) -> pd.DataFrame:
    """The definition, one row and one value at a time."""
    contract, kept = TABLES[name], []

    def day_of(row, column):
        found = row.get(column)
        if found is None:
            return None
        if contract.columns[column].kind == "cycle":
            return START_OF[found]
        return found.date() if isinstance(found, dt.datetime) else found

    for row in rows.to_dict("records"):
        event = day_of(row, contract.event) if contract.event else None
        event = event or (day_of(row, contract.event_else) if contract.event_else else None)
        if event is not None and event > day:
            continue
        seen = dict(row)
        for date, columns in contract.known.items():
            known_on = day_of(row, date)
            if known_on is None or known_on <= day:
                continue
            for column in columns:
                if column in row:
                    seen[column] = contract.columns[column].until_known or contract.columns[column].default
        kept.append(seen)
    return pd.DataFrame(kept, columns=rows.columns)


def plain(frame: pd.DataFrame) -> list[tuple]:
    """Rows in order, with values that can be compared whatever made them."""
    rows = [tuple(None if pd.isna(value) else value for value in row) for row in frame.astype(object).itertuples(index=False)]
    return sorted(tuple(pd.Timestamp(value) if isinstance(value, dt.date) else value for value in row) for row in rows)


@pytest.mark.parametrize(
    ("name", "whole"),
    [(name, True) for name in TABLES] + [(name, False) for name, contract in TABLES.items() if contract.known],
)
def test_what_was_known_on_a_day_is_one_rule(con, name, whole):
    contract = TABLES[name]
    dates = {contract.event, contract.event_else, *contract.known}
    optional = {column for column, declared in contract.columns.items() if not declared.required} - dates
    rows = some_rows(name, lacking=set() if whole else optional)
    schema = {"row": "int64"} | {column: TYPES[contract.columns[column].kind] for column in rows if column != "row"}
    table = con.create_table(f"kept_{name}", rows, schema=ibis.schema(schema), overwrite=True)
    answers = []
    for day in DAYS if contract.known else DAYS[1:4]:
        expected = by_hand(rows, name, day)
        expression = known_at(table, name=name, day=day)
        compiled = query(con, str(ibis.to_sql(expression, dialect="duckdb")))
        loaded = Loaded(f"kept_{name}", tuple(rows.columns), (), Intake(name))
        left_out, _ = _cut_table(con, name, loaded, day)
        assert plain(to_frame(expression)) == plain(expected)
        assert plain(pd.DataFrame(compiled, columns=rows.columns)) == plain(expected)
        assert plain(to_frame(con.table(name))) == plain(expected)
        assert left_out == count_later(con, f"kept_{name}", list(rows), name=name, day=day)[0] == ROWS - len(expected)
        answers.append(len(expected))
    # the rows are such that the days differ
    assert len(set(answers)) > 1 or not contract.event


@pytest.mark.parametrize("name", [name for name, contract in TABLES.items() if contract.known])
def test_as_many_rows_are_noted_as_have_something_hidden(con, name):
    rows = some_rows(name, lacking=set())
    schema = {"row": "int64"} | {column: TYPES[contract.kind] for column, contract in TABLES[name].columns.items()}
    con.create_table(f"kept_{name}", rows, schema=ibis.schema(schema), overwrite=True)
    for day in DAYS:
        expected = by_hand(rows, name, day)
        before = rows[rows["row"].isin(expected["row"])]
        later = {
            date: int((pd.to_datetime(before[date]).dt.normalize() > pd.Timestamp(day)).sum()) for date in TABLES[name].known
        }
        hidden = {date: n for date, n in later.items() if n}
        assert count_later(con, f"kept_{name}", list(rows), name=name, day=day)[1] == hidden


def test_what_becomes_known_on_the_last_day_counts(company):
    """The borders, through the door: a contract that begins or ends on the day of the cut, and on the day after."""
    day = dt.date(2025, 6, 30)
    ends = [day - dt.timedelta(days=1), day, day + dt.timedelta(days=1)]
    table = pd.DataFrame({"customer_id": ["a", "b", "c"], "started_at": FIRST, "ended_at": ends, "churn_reason": "price"})
    late = pd.DataFrame({"customer_id": ["d", "e"], "started_at": ends[1:], "ended_at": None, "churn_reason": None})
    client = company(tables={"subscriptions": pd.concat([table, late])}, as_of=day.isoformat())
    found = to_frame(client.tables["subscriptions"])
    assert found["customer_id"].tolist() == ["a", "b", "c", "d"]
    assert found["ended_at"].isna().tolist() == [False, False, True, True]
    assert found["churn_reason"].tolist() == ["price", "price", None, None]
    whole = company(tables={"subscriptions": pd.concat([table, late])}, as_of=LAST.isoformat()).tables["subscriptions"]
    pd.testing.assert_frame_equal(to_frame(known_at(whole, name="subscriptions", day=day)), found)
