"""What an audit reads: the same bytes in every run, text for every engine that is supported, months that are whole."""

import contextlib
import datetime as dt
import inspect

import ibis
import numpy as np
import pandas as pd
import pytest

from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries import service as of_service
from crmkit.data.summaries.audit import customers as audit_customers
from crmkit.data.summaries.audit import kinds as audit_kinds
from crmkit.data.summaries.audit import organisation as audit_organisation
from crmkit.data.summaries.audit import steps as audit_events
from crmkit.data.summaries.audit import tickets as audit_tickets
from crmkit.data.summaries.audit.months import first_day, month_ends, month_of, month_starts

AS_OF = dt.date(2025, 12, 31)
STARTS = month_starts(AS_OF)
ENGINES = ("duckdb", "postgres", "databricks")
SCHEMAS = {
    "tickets": {
        "ticket_id": "string", "customer_id": "string", "opened_at": "timestamp", "first_response_at": "timestamp",
        "resolved_at": "timestamp", "closed_notice_at": "timestamp", "kind": "string", "category": "string",
        "agent_id": "string", "handoffs": "int64", "reopened": "boolean", "csat": "int64",
    },
    "ticket_events": {"ticket_id": "string", "occurred_at": "timestamp", "activity": "string", "team": "string"},
    "customers": {
        "customer_id": "string", "name": "string", "email": "string", "phone": "string", "region": "string",
        "created_at": "date", "updated_at": "date", "source_system": "string", "department": "string", "consent_at": "date",
        "consent_purpose": "string", "size": "string",
    },
    "transactions": {
        "customer_id": "string", "ordered_at": "date", "amount": "decimal(18, 4)", "is_return": "boolean",
    },
    "interactions": {"customer_id": "string", "occurred_at": "date", "kind": "string", "direction": "string"},
    "subscriptions": {
        "customer_id": "string", "started_at": "date", "ended_at": "date", "renewed": "boolean", "churn_kind": "string",
    },
    "referrals": {"referrer_id": "string", "referred_id": "string", "referred_at": "date"},
    "exposures": {"campaign_id": "string", "customer_id": "string", "arm": "string", "exposed_at": "date"},
    "feedback": {
        "feedback_id": "string", "received_at": "date", "channel": "string", "category": "string", "customer_id": "string",
        "acknowledged_at": "date", "adopted_at": "date",
    },
    "costs": {"period": "date", "category": "string", "amount": "decimal(18, 4)"},
    "crm_usage": {"period": "date", "module": "string", "active_users": "int64", "licensed_users": "int64"},
    "staff": {"staff_id": "string", "joined_at": "date", "left_at": "date"},
    "training": {
        "staff_id": "string", "course": "string", "taken_at": "date", "score_before": "decimal(18, 4)",
        "score_after": "decimal(18, 4)",
    },
    "staff_survey": {"wave": "string", "item_id": "string", "score": "decimal(18, 4)"},
    "verification": {"customer_id": "string", "field": "string", "checked_at": "date", "correct": "boolean"},
}  # fmt: skip
PROCESSES = pd.DataFrame(
    {
        "process": ["question"] * 2 + ["fault"] * 2,
        "step": ["x", "y", "x", "z"],
        "position": [1, 2, 1, 2],
        "norm_hours": [1.0, 2.0, 1.0, 0.5],
    }
)
SUMMARIES = {
    "ticket_counts": lambda t: audit_tickets.ticket_counts(t["tickets"], as_of=AS_OF, starts=STARTS, sla_hours=8.0),
    "ticket_waits": lambda t: audit_tickets.ticket_waits(t["tickets"], until="resolved_at", as_of=AS_OF, starts=STARTS),
    "backlog": lambda t: audit_tickets.backlog(t["tickets"], as_of=AS_OF, starts=STARTS, norm_hours=72.0),
    "closed_by_week": lambda t: audit_tickets.closed_by_week(t["tickets"], as_of=AS_OF, weeks=104),
    "ratings_by_agent": lambda t: audit_tickets.ratings_by_agent(t["tickets"], starts=STARTS),
    "case_counts": lambda t: audit_events.case_counts(
        t["ticket_events"], starts=STARTS, tickets=t["tickets"], processes=PROCESSES
    ),
    "case_events": lambda t: audit_events.case_events(
        t["ticket_events"], since=STARTS[5], tickets=t["tickets"], processes=PROCESSES
    ),
    "handled": lambda t: of_service.handled(t["tickets"], since=STARTS[5], customers=t["customers"]),
    "flow_by_day": lambda t: of_service.flow_by_day(t["tickets"]),
    "orders_by_day": lambda t: of_service.orders_by_day(t["transactions"], since=STARTS[5]),
    "open_ages": lambda t: of_service.open_ages(t["tickets"].mutate(resolved_at=ibis.null("timestamp")), as_of=AS_OF),
    "record_ages": lambda t: audit_customers.record_ages(t["customers"], as_of=AS_OF),
    "purchases": lambda t: audit_customers.purchases(t["transactions"], starts=STARTS),
    "sales_by_kind": lambda t: audit_kinds.sales_by_kind(t["transactions"], "region", starts=STARTS, customers=t["customers"]),
    "rows_by_kind": lambda t: audit_kinds.rows_by_kind(t["tickets"], "category", day="opened_at", starts=STARTS),
    "contacts": lambda t: audit_customers.contacts(t["interactions"], starts=STARTS),
    "arrivals": lambda t: audit_customers.arrivals(t["customers"], starts=STARTS, referrals=t["referrals"]),
    "contract_months": lambda t: audit_customers.contract_months(t["subscriptions"], starts=STARTS),
    "campaign_results": lambda t: audit_customers.campaign_results(
        t["exposures"], t["transactions"], starts=STARTS, effect_days=90
    ),
    "feedback_counts": lambda t: audit_organisation.feedback_counts(
        t["feedback"], as_of=AS_OF, starts=STARTS, answer_days=14, adopt_days=90
    ),
    "cost_totals": lambda t: audit_organisation.cost_totals(t["costs"], starts=STARTS),
    "usage_totals": lambda t: audit_organisation.usage_totals(t["crm_usage"], starts=STARTS),
    "staff_months": lambda t: audit_organisation.staff_months(t["staff"], starts=STARTS),
    "training_results": lambda t: audit_organisation.training_results(t["training"], starts=STARTS),
    "staff_answers": lambda t: audit_organisation.staff_answers(t["staff_survey"], starts=STARTS),
    "check_results": lambda t: audit_organisation.check_results(t["verification"], starts=STARTS),
}
ONE_ROW = ("backlog",)
PLAIN = (*ONE_ROW, "handled", "case_events", "staff_months", "contract_months", "training_results")
WORDS = {
    "kind": ["question", "fault", "complaint"], "category": ["suggestion", "praise", "labour"], "activity": ["x", "y", "z"],
    "direction": ["inbound", "outbound"], "arm": ["treated", "control"], "churn_kind": ["voluntary", "paused"],
    "wave": ["2025Q1", "2025H2", "2025-10", "2025"], "department": ["sales", "service"], "email": ["A@x.org ", "b@x.org", "x"],
}  # fmt: skip


def made(name: str, rows: int) -> pd.DataFrame:
    """Rows of a table; seed of its name. Customers repeat, a tenth of what may be empty is."""
    rng = np.random.default_rng(len(name))
    columns = {}
    for column, kind in SCHEMAS[name].items():
        if kind == "timestamp":
            values = pd.Series(pd.Timestamp("2023-06-01") + pd.to_timedelta(rng.integers(0, 900 * 24 * 60, rows), unit="min"))
        elif kind == "date":
            values = pd.Series(pd.Timestamp("2023-06-01") + pd.to_timedelta(rng.integers(0, 900, rows), unit="D"))
        elif kind == "boolean":
            values = pd.Series(rng.random(rows) < 0.3)
        elif kind == "int64":
            values = pd.Series(rng.integers(0, 9, rows))
        elif kind.startswith("decimal"):
            values = pd.Series(rng.integers(1, 10**6, rows) / 700).round(4)
        elif column in WORDS:
            values = pd.Series(rng.choice(WORDS[column], rows))
        elif column == "ticket_id":
            values = pd.Series([f"n{i}" for i in (range(rows) if name == "tickets" else rng.integers(0, rows, rows))])
        elif column == f"{name.removesuffix('s')}_id":
            values = pd.Series([f"n{i}" for i in range(rows)])
        else:
            values = pd.Series([f"{column}{i}" for i in rng.integers(0, max(rows // 8, 1), rows)])
        columns[column] = values
    return pd.DataFrame(columns)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Every table as a file in several row groups, so that threads share the work."""
    folder = tmp_path_factory.mktemp("tables")
    con = ibis.duckdb.connect()
    for name, schema in SCHEMAS.items():
        frame = made(name, 3000)
        con.con.register("rows", frame)
        types = {"string": "VARCHAR", "int64": "BIGINT", "boolean": "BOOLEAN", "date": "DATE", "timestamp": "TIMESTAMP"}
        select = ", ".join(
            f"CAST({column} AS {types.get(kind, 'DECIMAL(18, 4)')}) AS {column}" for column, kind in schema.items()
        )
        con.con.execute(f"COPY (SELECT {select} FROM rows) TO '{folder / name}.parquet' (FORMAT parquet, ROW_GROUP_SIZE 1024)")
    con.disconnect()
    return folder


@pytest.fixture(scope="module")
def engines():
    found = [ibis.duckdb.connect(threads=threads, preserve_insertion_order=False) for threads in (1, 2, 4)]
    yield found
    for engine in found:
        engine.disconnect()


def read(engine, files):
    return {name: engine.read_parquet(files / f"{name}.parquet") for name in SCHEMAS}


@pytest.mark.parametrize("runs", [3, pytest.param(10, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", SUMMARIES)
def test_same_bytes_in_every_run_at_one_two_and_four_threads(files, engines, name, runs):
    tables = [read(engine, files) for engine in engines]
    first = SUMMARIES[name](tables[0])
    assert len(first)
    for run in range(1, runs):
        pd.testing.assert_frame_equal(SUMMARIES[name](tables[run % 3]), first, check_exact=True)


def test_every_summary_is_here():
    modules = (audit_tickets, audit_events, audit_customers, audit_organisation, audit_kinds, of_service)
    public = {
        name for module in modules for name, one in inspect.getmembers(module, inspect.isfunction)
        if one.__module__ == module.__name__ and not name.startswith("_")
    }  # fmt: skip
    assert public == set(SUMMARIES)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", SUMMARIES)
def test_text_for_every_engine(monkeypatch, name, engine):
    """The expressions compile for each engine; what leaves one is ordered by its key."""
    seen = []

    def kept(expression):
        seen.append(expression)
        return pd.DataFrame()

    for module in (audit_tickets, audit_events, audit_customers, audit_organisation, audit_kinds, of_service):
        monkeypatch.setattr(module, "to_frame", kept)
    tables = {name: ibis.table(schema, name=name) for name, schema in SCHEMAS.items()}
    # what is done with the rows after they have left the engine has none here
    with contextlib.suppress(IndexError, KeyError):
        SUMMARIES[name](tables)
    assert seen
    for expression in seen:
        text = str(ibis.to_sql(expression, dialect=engine)).upper()
        assert "GROUP BY" in text or name in PLAIN
        assert "ORDER BY" in text.rpartition("FROM")[2] or name in ONE_ROW


@pytest.mark.parametrize(
    "day", ["2025-12-31", "2025-03-15", "2024-02-28", "2024-02-29", "2025-01-29", "2025-01-30", "2025-02-27"]
)
def test_each_day_belongs_to_the_month_that_has_begun_by_then(day):
    starts = month_starts(dt.date.fromisoformat(day), months=14)
    days = pd.date_range(starts[-1] - dt.timedelta(days=40), day)
    table = ibis.memtable(pd.DataFrame({"day": [*days, pd.NaT]}), schema={"day": "date"})
    found = to_frame(table.mutate(month=month_of(table.day, starts=starts)).order_by("day"))["month"].tolist()
    assert found[:-1] == [next((k for k, start in enumerate(starts) if one.date() >= start), 14) for one in days]
    assert found[-1] == 14


def test_a_ticket_is_late_at_the_end_of_each_month_until_it_is_done():
    rows = [
        ("2025-10-30 10:00", "2025-12-01 00:00"),  # late at the end of November only: at the end of October within its 72 hours
        ("2025-10-28 23:59", None),  # late at the end of all three
        ("2025-11-28 00:00", "2025-11-30 23:59"),
        ("2024-01-01 00:00", "2025-11-01 00:00"),  # from before; late at the end of October
        ("2025-12-29 00:00", None),  # its time is over with the last day, and is not yet past it
    ]
    frame = pd.DataFrame(rows, columns=["opened_at", "resolved_at"]).apply(pd.to_datetime)
    table = ibis.memtable(frame, schema={"opened_at": "timestamp", "resolved_at": "timestamp"})
    found = audit_tickets.backlog(table, as_of=AS_OF, starts=month_starts(AS_OF, months=3), norm_hours=72.0)
    assert found.to_dict("list") == {"month": [0, 1, 2], "late": [1, 2, 2], "inflow": [1, 1, 2], "days": [31, 30, 31]}


def test_months_count_back_from_the_day():
    starts, ends = month_starts(AS_OF, months=3), month_ends(AS_OF, months=3)
    assert [f"{a}..{b}" for a, b in zip(starts, ends, strict=True)] == [
        "2025-12-01..2025-12-31", "2025-11-01..2025-11-30", "2025-10-01..2025-10-31"
    ]  # fmt: skip
    middle = dt.date(2025, 3, 30)
    assert month_ends(middle, months=2) == (middle, dt.date(2025, 2, 27))
    days = [dt.date(2025, 12, 31), dt.date(2025, 12, 1), dt.date(2025, 11, 30), dt.date(2025, 9, 30), None]
    table = ibis.memtable({"day": days}, schema={"day": "date"})
    found = to_frame(table.mutate(month=month_of(table.day, starts=starts)).order_by(ibis.desc("day")))
    assert found.dropna()["month"].tolist() == [0, 0, 1, 3]
    assert found[found["day"].isna()]["month"].tolist() == [3]
    assert first_day(table, "day") == dt.date(2025, 9, 30)
    assert first_day(table.filter(table.day.isnull()), "day") is None


def test_cases_hand_counted():
    """One case of a question in order, one of a fault with a step too many; an unresolved one is none."""
    moments = [
        "2025-12-01 08:00",
        "2025-12-01 12:00",
        "2025-12-02 08:00",
        "2025-12-02 09:00",
        "2025-12-02 10:00",
        "2025-12-03 08:00",
    ]
    events = pd.DataFrame(
        {
            "ticket_id": ["1", "1", "2", "2", "2", "3"],
            "occurred_at": pd.to_datetime(moments),
            "activity": ["x", "y", "x", "q", "z", "x"],
            "team": ["A", "B", "A", None, "A", "A"],
        }
    )
    done = pd.to_datetime(["2025-12-09", "2025-12-09", None])
    tickets = pd.DataFrame(
        {
            "ticket_id": ["1", "2", "3"],
            "customer_id": ["a", "b", "c"],
            "kind": ["question", "fault", "fault"],
            "resolved_at": done,
        }
    )
    found = audit_events.case_counts(ibis.memtable(events), starts=STARTS, tickets=ibis.memtable(tickets), processes=PROCESSES)
    names = ["customer_id", "cases", "steps", "handoffs", "declared", "conform", "flow", "idle"]
    assert found[names].to_numpy().tolist() == [["a", 1, 2, 1, 2, 1, 4 * 3600, 4 * 3600], ["b", 1, 3, 0, 2, 0, 2 * 3600, 0]]


def test_sales_of_each_kind_less_returns_and_buyers_counted_once():
    """Counted by hand: two customers, one of them twice; a return takes its amount off and makes no buyer."""
    bought = ibis.memtable(
        pd.DataFrame(
            {
                "customer_id": ["a", "a", "b", "b", "c"],
                "ordered_at": pd.to_datetime(["2025-12-05", "2025-12-09", "2025-12-09", "2025-11-01", "2019-01-01"]).date,
                "amount": [10.0, 5.0, 7.0, 3.0, 99.0],
                "is_return": [False, False, False, True, False],
                "category": ["toys", "toys", None, "toys", "toys"],
            }
        )
    )
    found = audit_kinds.sales_by_kind(bought, "category", starts=STARTS)
    assert found.to_dict("list") == {
        "month": [0, 0, 1],
        "kind": ["", "toys", "toys"],
        "n": [1, 1, 0],
        "amount": [7.0, 15.0, -3.0],
    }
    people = ibis.memtable(pd.DataFrame({"customer_id": ["a", "a", "b"], "region": ["North", None, "South"]}))
    by_region = audit_kinds.sales_by_kind(bought, "region", starts=STARTS, customers=people)
    assert by_region["kind"].tolist() == ["North", "South", "South"]
    assert by_region["amount"].tolist() == [15.0, 7.0, -3.0]


def test_rows_of_each_kind():
    rows = ibis.memtable(
        pd.DataFrame({"opened_at": pd.to_datetime(["2025-12-01", "2025-12-31", "2025-11-30"]), "category": ["x", "x", None]})
    )
    found = audit_kinds.rows_by_kind(rows, "category", day="opened_at", starts=STARTS)
    assert found.to_dict("list") == {"month": [0], "kind": ["x"], "n": [2], "amount": [2.0]}
