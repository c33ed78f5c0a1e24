"""The sections of the report on the data, on companies of a few rows and on bad input."""

import math

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses import data_quality as dq
from crmkit.analyses.data_quality.effect import JOINED, LISTED
from crmkit.analyses.data_quality.gates import UNKNOWN
from crmkit.analyses.data_quality.inventory import GAP, STEADY, STOPPED
from crmkit.analyses.data_quality.privacy import FAIL, OPEN, PASS
from crmkit.core.language import Locale, say
from typed_tables import frame

DAYS = pd.date_range("2025-01-01", "2025-12-31")


def words(text):
    return say(text, Locale())


def orders(days=DAYS, *, customers=60, amount=20.0, **more):
    who = [f"c{place % customers}" for place in range(len(days))]
    return pd.DataFrame({"customer_id": who, "ordered_at": days.strftime("%Y-%m-%d"), "amount": amount, **more})


def listed(n=60, **more):
    rows = {"customer_id": [f"c{k}" for k in range(n)], "name": [f"N{k}" for k in range(n)]}
    rows |= {"email": [f"{k}@x.org" for k in range(n)], "phone": [f"030 100{k:04d}" for k in range(n)], "region": "North"}
    return pd.DataFrame(rows | {"created_at": "2024-01-01", "updated_at": "2025-12-01", **more})


def everything(work):
    """Every exhibit of the notebook."""
    made = [
        dq.indicators,
        dq.fixes,
        dq.effect,
        dq.gates,
        dq.sources,
        dq.completeness,
        dq.places,
        dq.tables,
        dq.systems,
        dq.reach,
    ]
    made += [
        dq.channels,
        dq.conflicts,
        dq.exact,
        dq.ages,
        dq.accuracy,
        dq.outliers,
        dq.conduct,
        dq.purposes,
        dq.self_check,
        dq.modules,
    ]
    found = {one.__name__: one(work) for one in [*made, dq.series]}
    assert dq.headline(work, more=list(found.values()))
    for result in found.values():
        assert result.table is not None or result.reason is not None
        assert result.kind == "table" or result.alt is not None or not result.assessed
    return found


@pytest.mark.parametrize(
    ("left_out", "verdict", "gap"),
    [
        (slice(0, 0), STEADY, 0.0),
        (slice(150, 180), GAP, 30.0),
        (slice(340, 365), STOPPED, 25.0),
    ],
)
def test_missing_time_is_found(checked, left_out, verdict, gap):
    days = DAYS.delete(np.arange(len(DAYS))[left_out])
    result = dq.sources(checked({"transactions": orders(days)}))
    row = result.table.set_index("table").loc["transactions"]
    assert (row["verdict"], row["gap"]) == (verdict, gap)
    assert (result.finding.passed is False) == (verdict != STEADY)


def test_owners_are_named(checked):
    work = checked({"transactions": orders()}, owners={"transactions": "Head of IT"}, params={"language": "zh"})
    assert dq.sources(work).table["owner"].tolist() == ["Head of IT"]


def test_columns_are_measured_on_the_rows_that_should_fill_them(checked):
    contracts = frame(
        "customer_id started_at ended_at plan mrr churn_reason renewed",
        *[(f"c{k}", "2025-01-01", None if k < 60 else "2025-06-30", "basic", 10, "price" if k > 79 else None, k == 60)
          for k in range(100)],
    )  # fmt: skip
    table = dq.completeness(checked({"subscriptions": contracts})).table.set_index("column")
    # of the 40 that ended one was renewed; 20 of the 39 others have a reason
    assert (table.loc["churn_reason", "n"], table.loc["churn_reason", "lacking"]) == (39, 19)
    assert math.isnan(table.loc["churn_reason", "grade"])  # of fewer than fifty no grade
    assert (table.loc["plan", "value"], table.loc["plan", "grade"]) == (1.0, 5.0)


def test_systems_that_share_no_number_are_said_to(checked):
    other = orders(customers=40).assign(customer_id=lambda rows: "K" + rows["customer_id"])
    found = everything(checked({"customers": listed(), "transactions": other}))
    assert "cannot be assessed: no number of a customer is in both" in words(found["systems"].finding.text)
    assert found["gates"].table.set_index("indicator").loc["D-MATCH", "state"].iloc[0] == UNKNOWN


def test_a_sample_of_three_is_no_verdict(checked):
    rows = [(f"c{k}", "email", "2025-06-01", True) for k in range(3)]
    work = checked({"verification": frame("customer_id field checked_at correct", *rows)})
    result = dq.accuracy(work)
    assert words(result.reason) == "cannot be assessed: 3 cells were checked in the last year, 50 are needed"


def test_consent_without_purpose_is_a_line(checked):
    work = checked({"customers": listed(consent_at="2025-01-01")}, purposes=("marketing",))
    assert words(dq.purposes(work).reason) == "cannot be assessed: consents are written down without their purpose"
    lines = dq.self_check(work).table.set_index("check")
    assert lines.loc["Each record has a consent", "state"] == PASS
    assert lines.loc["The consent covers the purposes that the data are used for", "state"] == OPEN


def test_a_system_that_fills_nothing_of_a_required_column_is_shown(checked):
    customers = listed(120, source_system=["shop"] * 60 + ["desk"] * 60)
    customers.loc[60:, "region"] = None
    table = dq.places(checked({"customers": customers})).table.set_index("group")
    assert table.loc["system: desk", "value"] == 0.75
    assert table.loc["system: shop", "value"] == 1.0


def test_nothing_at_all_is_no_crash(checked):
    everything(checked({"costs": frame("period category amount", ("2025-01-01", "labour", 10))}))
    everything(checked({"customers": listed().head(0).astype(object)}))
    empty = listed().assign(email=None, phone=None, region=None, name=None, updated_at=None)
    everything(checked({"customers": empty, "transactions": orders()}))


def test_joining_two_records_raises_retention_and_lowers_customers(checked):
    """Each of 20 customers bought a year ago under one number and this year under another."""
    n = 20
    customers = pd.concat([listed(n), listed(n).assign(customer_id=[f"d{k}" for k in range(n)])], ignore_index=True)
    sales = pd.DataFrame(
        {
            "customer_id": [f"c{k}" for k in range(n)] + [f"d{k}" for k in range(n)],
            "ordered_at": ["2024-11-01"] * n + ["2025-11-01"] * n,
            "amount": 10.0,
        }
    )
    result = dq.effect(checked({"customers": customers, "transactions": sales}, active_days=200))
    table = result.table[result.table["fault"] == JOINED].set_index("figure")
    kept = table.loc["Customers of a year ago who still are"]
    assert (kept["before"], kept["after"]) == (0.0, 1.0)
    so_far = table.loc["Customers so far"]
    assert (so_far["before"], so_far["after"], so_far["change"]) == (40, 20, -0.5)
    assert "Revenue of a year" not in table.index  # it does not change


def test_without_the_unlisted_revenue_is_lower(checked):
    result = dq.effect(checked({"customers": listed(30), "transactions": orders()}))
    table = result.table[result.table["fault"] == LISTED].set_index("figure")
    assert table.loc["Customers so far", ["before", "after"]].tolist() == [60, 30]
    # every second order of the year is of somebody who is not listed
    assert table.loc["Revenue of a year", "change"] == pytest.approx(-0.5, abs=0.05)


def test_a_slip_of_the_decimal_sign_is_found_and_a_clean_table_raises_nothing(checked):
    rng = np.random.default_rng(4)
    sales = orders(amount=np.round(np.exp(rng.normal(3, 0.5, len(DAYS))), 2))
    clean = dq.outliers(checked({"transactions": sales}))
    assert clean.table["beyond"].sum() == 0
    assert clean.finding.passed
    sales.loc[7, "amount"] = 4_200.0
    found = dq.outliers(checked({"transactions": sales}))
    assert found.table[["beyond", "customers"]].iloc[0].tolist() == [1, 1]
    assert found.table["part"].iloc[0] == pytest.approx(4200 / sales["amount"].sum())


def test_a_customer_who_always_gives_back_is_counted(checked):
    sales = orders(pd.DatetimeIndex(np.repeat(DAYS, 3)), customers=90)
    sales["is_return"] = False
    back = sales.iloc[:12].assign(customer_id="c7", is_return=True)
    one = sales.iloc[20:30].assign(is_return=True)
    result = dq.conduct(checked({"transactions": pd.concat([sales, back, one], ignore_index=True)}))
    row = result.table.iloc[0]
    assert (row["customers"], row["of"]) == (1, 90)
    assert row["money"] >= 240
    assert "cannot be assessed" in words(dq.conduct(checked({"transactions": orders()})).reason)


def test_the_self_check_fails_where_it_should(checked):
    customers = listed(consent_at="2025-03-01", consent_purpose="service").assign(
        created_at="2015-01-01", updated_at="2016-01-01"
    )
    customers.loc[0, "consent_at"] = None
    touched = frame(
        "campaign_id customer_id arm exposed_at",
        ("k", "c0", "treated", "2025-06-01"),  # no consent
        ("k", "c1", "treated", "2025-02-01"),  # consent came later
        ("k", "c2", "treated", "2025-06-01"),
        ("k", "c3", "control", "2025-02-01"),
    )
    said = ["call me: 030 1234 5678", "mail x.y@z.org please", "ordered 2025-12-01", "all fine, 10 of 10"]
    feedback = frame("feedback_id received_at text", *[(f"f{k}", "2025-06-01", text) for k, text in enumerate(said)])
    tables = {"customers": customers, "exposures": touched, "feedback": feedback, "transactions": orders(customers=50)}
    lines = dq.self_check(checked(tables, purposes=("service", "marketing"), retention_days=1000)).table.set_index("check")
    assert lines["state"].tolist() == [FAIL, FAIL, FAIL, FAIL, FAIL, PASS, PASS]
    # one without consent; all without marketing; two campaigns too early; ten silent for long; two texts
    assert lines["concerned"].tolist()[:5] == [1, 60, 2, 10, 2]


def test_a_low_grade_is_a_reservation(checked):
    doubled = pd.concat([listed(), listed().assign(customer_id=[f"d{k}" for k in range(60)])], ignore_index=True)
    table = dq.gates(checked({"customers": doubled, "transactions": orders()})).table
    weak = table[~table["held"]]
    assert set(weak["analysis"]) == {"clv", "churn"}
    assert set(weak["indicator"]) == {"D-DUP"}
    assert dq.gates(checked({"customers": listed(), "transactions": orders()})).table["held"].all()


def test_fixes_come_in_the_order_of_money(checked):
    customers = listed(80)
    customers.loc[:9, "phone"] = None
    customers.loc[:30, "region"] = None
    result = dq.fixes(checked({"customers": customers, "transactions": orders()}))
    assert result.table["indicator"].tolist() == ["D-COMP"]
    assert result.table["customers"].tolist() == [31]
    own = orders()["customer_id"].isin([f"c{k}" for k in range(31)])
    assert result.table["money"].tolist() == [orders()[own]["amount"].sum()]


def test_orders_and_requests_are_graded_too(checked):
    sales = orders(channel="web").assign(order_id=[f"o{k}" for k in range(len(DAYS))])
    sales.loc[:9, "amount"] = 0.0
    sales.loc[:99, "channel"] = None
    tickets = frame(
        "ticket_id customer_id opened_at first_response_at resolved_at team",
        *[(f"t{k}", f"c{k}", "2025-05-05 08:00", "2025-05-05 09:00", f"2025-05-05 {8 if k < 30 else 10:02d}:30", "A")
          for k in range(60)],
    )  # fmt: skip
    table = dq.tables(checked({"transactions": sales, "tickets": tickets})).table.set_index("table")
    assert table.loc["transactions", "filled"] == pytest.approx(1 - 100 / 730)
    assert table.loc["transactions", ["wrong", "money"]].tolist() == [10, 0.0]
    # half of the requests were solved before they were answered
    assert table.loc["tickets", ["valid", "valid_grade", "wrong"]].tolist() == [0.5, 1.0, 30.0]


def test_channels_are_matched_one_by_one(checked):
    sales = orders(channel=["Web" if place % 2 else "store" for place in range(len(DAYS))], customers=60)
    calls = frame("customer_id occurred_at channel", *[(f"c{k}", "2025-05-05", "web ") for k in range(0, 60, 2)])
    table = dq.channels(checked({"customers": listed(30), "transactions": sales, "interactions": calls})).table
    found = table.set_index("group")
    # even customers buy in the store; by the web come all: the odd ones buy there, and the even ones call
    assert found["n"].to_dict() == {"store": 30, "web": 60}
    assert found["value"].to_dict() == {"store": 0.5, "web": 0.5}
