"""Tables of the service and of the organisation at the door: read, refused where they are wrong, never ahead of their time."""

import datetime as dt

import pandas as pd
import pytest

from crmkit.core.errors import DataError
from crmkit.core.periods import cycle_start
from crmkit.data.as_of import known_at
from crmkit.data.sources.engine import to_frame
from crmkit.data.tables import TABLES
from crmkit.data.tables.organisation import ORGANISATION
from crmkit.data.tables.service import SERVICE

NEW = SERVICE | ORGANISATION
# a row of each kind of column, as a Chinese export might write it, and what is made of it
WRITTEN = {
    "id": ("007 ", "007"),
    "text": (" 客服部", "客服部"),
    "date": ("2025年3月5日", pd.Timestamp("2025-03-05")),
    "timestamp": ("2025/3/5 9:05", pd.Timestamp("2025-03-05 09:05")),
    "month": ("2025年3月", pd.Timestamp("2025-03-01")),
    "cycle": ("2025年第一季度", "2025Q1"),
    "money": ("1,234.50€", 1234.5),
    "number": ("0.5", 0.5),
    "score": ("4", 4.0),
    "integer": ("３", 3),
    "boolean": ("是", True),
}


def value(column):
    return (column.choices[0].upper(), column.choices[0]) if column.choices else WRITTEN[column.kind]


def headers(table: str) -> dict[str, str]:
    """A Chinese header for each of our columns."""
    return {name: f"列{number}" for number, name in enumerate(NEW[table].columns)}


def write(project, table: str, rows: list[dict[str, str]], *, chinese: bool = False, **keys) -> None:
    named = headers(table) if chinese else {name: name for name in NEW[table].columns}
    shown = pd.DataFrame(rows, dtype=str).rename(columns=named)
    project.write(f"{table}.csv", shown.to_csv(index=False))
    project.params(as_of="2025-12-31", tables={table: {"columns": named} if chinese else {}}, **keys)


def rows_of(project, table: str, as_of: str = "") -> pd.DataFrame:
    return to_frame(project.open(as_of=as_of).tables[table])


def problems(project) -> list[str]:
    with pytest.raises(DataError) as caught:
        project.open()
    return list(caught.value.shown)


@pytest.mark.parametrize("chinese", [pytest.param(False, marks=pytest.mark.slow), True])
@pytest.mark.parametrize("table", NEW)
def test_every_column_is_read(project, table, chinese):
    columns = NEW[table].columns
    write(project, table, [{name: value(column)[0] for name, column in columns.items()}], chinese=chinese)
    (found,) = rows_of(project, table).to_dict("records")
    assert found == {name: value(column)[1] for name, column in columns.items()}


@pytest.mark.parametrize("table", NEW)
def test_required_columns_and_keys_are_insisted_on(project, table):
    contract = NEW[table]
    row = {name: value(column)[0] for name, column in contract.columns.items()}
    blank = [row | {name: ""} for name in contract.required]
    write(project, table, [row, row, *blank])
    found = problems(project)
    for place, name in enumerate(contract.required):
        assert any(f"column {name!r} is empty in 1 row (row {place + 4})" in problem for problem in found), name
    if contract.unique or contract.repeats:
        assert any("that an earlier row has" in one or "equal to an earlier one in every column" in one for one in found)


@pytest.mark.parametrize(
    ("table", "column", "wrong", "said"),
    [
        ("assessments", "reality", "6", "has 1 value above 5 (row 2); 5 or less is expected"),
        ("assessments", "intention", "0", "has 1 value below 1 (row 2); 1 or more is expected"),
        ("assessments", "rater_role", "boss", "has 1 value that is none of its words (row 2): 'boss'"),
        ("assessments", "cycle", "lately", "read as a quarter, half year, month or year (row 2): 'lately'; write 2025Q4"),
        ("evidence", "kind", "rumour", "none of its words"),
        ("evidence", "coverage", "80", "has 1 value above 1 (row 2)"),
        ("actions", "status", "soon", "planned, running, done, stopped"),
        ("actions", "horizon", "middle", "short, long"),
        ("risks", "likelihood", "0", "has 1 value below 1"),
        ("risks", "impact", "6", "has 1 value above 5"),
        ("risks", "category", "weather", "none of its words"),
        ("risks", "response", "pray", "avoid, reduce, share, accept, pursue"),
        ("processes", "position", "0", "has 1 value below 1"),
        ("processes", "norm_hours", "-1", "has 1 value below 0"),
        ("pairwise", "ratio", "-3", "has 1 value below 0"),
        ("crm_usage", "active_users", "2.5", "cannot be read as a whole number"),
        ("benchmarks", "value", "much", "cannot be read as a number (row 2): 'much'; write 1234.50, or declare decimal"),
    ],
)  # fmt: skip
def test_what_is_out_of_range_is_listed(project, table, column, wrong, said):
    write(project, table, [{name: value(one)[0] for name, one in NEW[table].columns.items()} | {column: wrong}])
    assert any(f"{table}: column {column!r}" in problem and said in problem for problem in problems(project))


@pytest.mark.parametrize(
    ("table", "earlier", "later"), [(table, *pair) for table, contract in NEW.items() for pair in contract.order]
)
def test_dates_in_the_wrong_order_are_listed(project, table, earlier, later):
    row = {name: value(column)[0] for name, column in NEW[table].columns.items()}
    write(project, table, [row | {earlier: "2025-03-05", later: "2025-03-04"}])
    assert problems(project)[0].startswith(f"{table}: column {later!r} has 1 value before {earlier} (row 2)")


@pytest.mark.parametrize("table", [name for name, contract in NEW.items() if contract.event])
def test_rows_of_the_future_do_not_count(project, table):
    contract = NEW[table]
    row = {name: value(column)[0] for name, column in contract.columns.items()}
    later = {"cycle": "Q2 2025", "month": "2025-04"}.get(contract.columns[contract.event].kind, "2025-04-01")
    others = {
        name: "2026-01-01" for name, column in contract.columns.items() if column.kind == "date" and name != contract.event
    }
    other = {contract.unique[0]: "008"} if contract.unique and contract.unique[0] != contract.event else {}
    write(project, table, [row | others, row | others | {contract.event: later} | other])
    assert len(rows_of(project, table, as_of="2025-03-31")) == 1
    client = project.open(as_of="2025-04-01")
    assert len(to_frame(client.tables[table])) == 2
    assert len(to_frame(known_at(client.tables[table], name=table, day=dt.date(2025, 3, 31)))) == 1


@pytest.mark.parametrize("table", [name for name, contract in NEW.items() if not contract.event])
def test_plans_and_registers_always_count(project, table):
    row = {name: value(column)[0] for name, column in NEW[table].columns.items()}
    dates = {name: "2027-01-01" for name, column in NEW[table].columns.items() if column.kind == "date"}
    write(project, table, [row | dates])
    assert len(rows_of(project, table)) == 1


@pytest.mark.parametrize(
    ("table", "date", "column", "seen"),
    [
        (table, date, column, contract.columns[column].until_known or None)
        for table, contract in NEW.items()
        for date, columns in contract.known.items()
        for column in columns
    ],
)
def test_what_came_later_is_not_seen(project, table, date, column, seen):
    row = {name: value(one)[0] for name, one in NEW[table].columns.items()}
    due = {name: "2026-01-01" for name in ("due_on",) if name in row}
    write(project, table, [row | due | {date: "2025-06-01"}])
    client = project.open()
    (now,), (then,) = to_frame(client.tables[table])[column], rows_of(project, table, as_of="2025-05-31")[column]
    (back,) = to_frame(known_at(client.tables[table], name=table, day=dt.date(2025, 5, 31)))[column]
    assert now is not None
    assert now == now
    for what in (then, back):
        assert what == seen if seen else pd.isna(what)


def test_a_late_register_does_not_stop_a_run(project):
    """Most of the assessments lie after an early day, and that says nothing about the day."""
    row = {name: value(column)[0] for name, column in NEW["assessments"].columns.items()}
    rows = [row | {"cycle": cycle} for cycle in ("2024Q4", "2025Q1", "2025Q2", "2025Q3")]
    write(project, "assessments", rows)
    client = project.open(as_of="2024-12-31")
    assert to_frame(client.tables["assessments"])["cycle"].tolist() == ["2024Q4"]
    assert client.intake[0].rows_after_as_of == 3


LABELS = {
    "2025Q4": ("2025Q4", "2025-Q4", "2025/q4", "Q4 2025", "Q4-2025", "2025年第四季度", "2025年4季度", "２０２５Q４"),
    "2025H2": ("2025H2", "2025-h2", "H2 2025", "2025年下半年", "2025下半年", "2025年 下半年"),
    "2025-03": ("2025-03", "2025/3", "2025年3月", "2025.03"),
    "2025": ("2025", "2025年", "2025年度"),
}
STARTS = {"2025Q4": "2025-10-01", "2025H2": "2025-07-01", "2025-03": "2025-03-01", "2025": "2025-01-01"}


@pytest.mark.parametrize("label", LABELS)
def test_periods_are_read_however_they_are_written(project, label):
    row = {name: value(column)[0] for name, column in NEW["staff_survey"].columns.items()}
    write(project, "staff_survey", [row | {"wave": written} for written in LABELS[label]])
    client = project.open()
    table = client.tables["staff_survey"]
    assert to_frame(table)["wave"].tolist() == [label] * len(LABELS[label])
    assert set(to_frame(table.select(day=cycle_start(table.wave)))["day"]) == {pd.Timestamp(STARTS[label])}


@pytest.mark.parametrize("label", ["2025Q5", "2025H3", "2025-13", "25Q1", "Q4", "2025Q4-2026Q1", "spring 2025"])
def test_what_is_no_period_is_refused(project, label):
    row = {name: value(column)[0] for name, column in NEW["staff_survey"].columns.items()}
    write(project, "staff_survey", [row | {"wave": label}])
    assert "cannot be read as a quarter, half year, month or year" in problems(project)[0]


def test_scores_of_staff_lie_on_their_scale(project):
    row = {name: value(column)[0] for name, column in NEW["staff_survey"].columns.items()}
    write(project, "staff_survey", [row, row | {"score": "6"}])
    project.params(as_of="2025-12-31", tables={"staff_survey": {"items": {"score": {"scale": [1, 5]}}}})
    assert problems(project)[0].startswith("staff_survey: column 'score' has 1 value outside 1 to 5 (row 3): '6'")


def test_registers_do_not_tell_where_the_data_begin(project):
    from crmkit.report.page.page import _first_day

    project.write("tickets.csv", "ticket_id,customer_id,opened_at\n1,a,2025-01-02\n")
    project.write("staff.csv", "staff_id,joined_at\n1,2009-01-01\n")
    project.params(as_of="2025-12-31")
    assert _first_day(project.open()) == "2025-01-02"


def test_the_check_names_every_table(project):
    project.write("transactions.csv", "customer_id,ordered_at,amount\na,2025-01-01,1\n")
    project.write("risks.csv", "risk_id,category\n1,churn\n")
    check = project.check()
    assert [intake.table for intake in check.intake] == ["transactions", "risks", "customers"]
    assert check.missing == tuple(name for name in TABLES if name not in ("customers", "transactions", "risks"))


def test_a_table_that_was_begun_later_is_as_if_it_were_not_there(project):
    row = {name: value(column)[0] for name, column in NEW["pairwise"].columns.items()}
    project.write("tickets.csv", "ticket_id,customer_id,opened_at\n1,a,2024-01-02\n")
    write(project, "pairwise", [row])
    assert "pairwise" in project.open().tables
    client = project.open(as_of="2024-12-31")
    assert "pairwise" not in client.tables
    assert {one.table: (one.rows_kept, one.rows_after_as_of) for one in client.intake}["pairwise"] == (0, 1)
