"""The assessed table as a whole: what is missing, what is too little, and what must change nothing."""

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses.audit import assess, class_scores, cycles, monthly
from crmkit.analyses.audit.assess import COLUMNS
from crmkit.analyses.audit.catalogue import Catalogue, merge
from crmkit.analyses.audit.indicators.estimate import NO_BEFORE, NO_PLAN, NO_TABLE, RUN_FIRST, SHORT, TOO_FEW
from crmkit.analyses.audit.scoring import ASSESSED, NOT_ASSESSED
from crmkit.data.client import open_client

NUMBERS = ["value", "low", "high", "n", "n_missing", "target", "score", "score_low", "score_high", "p_value"]
MONEY = ("R-SALES", "I-INV")


@pytest.fixture(scope="module")
def company():
    """Two years of a company with 150 customers; seed 5."""
    rng = np.random.default_rng(5)
    ids = np.array([f"c{i:03d}" for i in range(150)])
    start = pd.Timestamp("2024-01-01")
    n = 900
    opened = start + pd.to_timedelta(rng.uniform(0, 730 * 24, n).round(), unit="h")
    answered = opened + pd.to_timedelta(np.ceil(rng.lognormal(1.2, 1.2, n) * 60), unit="min")
    resolved = answered + pd.to_timedelta(np.ceil(rng.lognormal(3, 1, n) * 60), unit="min")
    tickets = pd.DataFrame(
        {
            "ticket_id": [f"k{i}" for i in range(n)],
            "customer_id": rng.choice(ids, n),
            "opened_at": opened,
            "first_response_at": answered,
            "resolved_at": resolved,
            "closed_notice_at": resolved.where(rng.random(n) < 0.9),
            "kind": rng.choice(["question", "fault", "complaint"], n, p=[0.6, 0.25, 0.15]),
            "agent_id": rng.choice([f"s{i}" for i in range(6)], n),
            "handoffs": rng.poisson(0.4, n),
            "reopened": rng.random(n) < 0.08,
        }
    )
    late = pd.Timestamp("2026-01-01")
    for name in ("first_response_at", "resolved_at", "closed_notice_at"):
        tickets[name] = tickets[name].where(tickets[name] < late)
    days = start + pd.to_timedelta(rng.integers(0, 731, 3000), unit="D")
    sales = pd.DataFrame(
        {"customer_id": rng.choice(ids, 3000), "ordered_at": days, "amount": rng.integers(100, 20000, 3000) / 100}
    )
    sales = sales.assign(is_return=rng.random(3000) < 0.05)
    months = pd.date_range("2024-01-01", "2025-12-01", freq="MS")
    costs = pd.DataFrame(
        [(day, kind, 1000 + 10 * i) for i, day in enumerate(months) for kind in ("labour", "marketing")],
        columns=["period", "category", "amount"],
    )
    customers = pd.DataFrame(
        {
            "customer_id": ids,
            "name": [f"N{i}" for i in range(150)],
            "email": [f"{i % 140}@x.org" for i in range(150)],
            "phone": [f"030 {1000000 + i}" for i in range(150)],
            "region": rng.choice(["North", "South"], 150),
            "created_at": start + pd.to_timedelta(rng.integers(0, 700, 150), unit="D"),
            "updated_at": pd.Timestamp("2025-12-20"),
        }
    )
    goals = pd.DataFrame({"goal_id": ["g1"], "indicator": ["I-INV"], "target": [14.0], "due_on": ["2026-06-30"]})
    return {"tickets": tickets, "transactions": sales, "customers": customers, "costs": costs, "goals": goals}


@pytest.fixture(scope="module")
def table(make_past, company, book):
    return assess(make_past(company), book)


def test_every_indicator_has_its_row(table, book):
    assert table["indicator"].tolist() == list(book.indicators)
    assert table.columns.tolist() == list(COLUMNS)
    done = table[table["status"] == ASSESSED]
    assert len(done) == 18  # those of the data are read, see test_owned
    assert done[["value", "n", "score", "score_low", "score_high", "target", "method", "p_value"]].notna().all().all()
    assert (done["reason"] == "").all()
    assert done["score"].between(done["score_low"], done["score_high"]).all()
    assert done["p_value"].between(0, 1).all()
    rest = table[table["status"] == NOT_ASSESSED]
    assert (rest["reason"] != "").all()
    assert rest[["score", "score_low", "score_high", "p_value"]].isna().all().all()


def test_why_not(table):
    said = table.set_index("indicator")[["reason", "needs"]]
    assert tuple(said.loc["P-STEP"]) == (NO_TABLE, "processes, ticket_events")
    assert tuple(said.loc["R-CHURN"]) == (RUN_FIRST, "churn")
    assert tuple(said.loc["P-CSAT"]) == (RUN_FIRST, "satisfaction")
    assert tuple(said.loc["I-CAC"]) == (RUN_FIRST, "clv")


def test_target_of_a_plan_and_of_the_year_before(table, make_past, company, book):
    rows = table.set_index("indicator")
    assert (rows.loc["I-INV", "target"], rows.loc["I-INV", "placeholder"]) == (14.0, False)
    assert rows.loc["R-SALES", "target"] == rows.loc["R-SALES", "reference"]
    assert rows.loc["R-SALES", "cut5"] == pytest.approx(1.15 * rows.loc["R-SALES", "reference"])
    assert rows.loc["P-RESP", "placeholder"]
    free = assess(make_past({name: one for name, one in company.items() if name != "goals"}), book).set_index("indicator")
    assert (free.loc["I-INV", "reason"], free.loc["I-INV", "status"]) == (NO_PLAN, NOT_ASSESSED)
    assert free.loc["I-INV", "value"] == rows.loc["I-INV", "value"]
    planned = company | {"goals": company["goals"].assign(indicator="R-SALES", target=5000.0)}
    goal = assess(make_past(planned), book).set_index("indicator").loc["R-SALES"]
    assert (goal["target"], goal["cut2"], goal["placeholder"]) == (5000.0, 4750.0, False)


def test_a_young_company_has_no_year_before_and_no_history(make_past, company, book):
    new = {
        name: rows[rows[day] >= "2025-10-01"]
        for name, day in (("transactions", "ordered_at"), ("tickets", "opened_at"))
        for rows in [company[name]]
    }
    rows = assess(make_past(new), book).set_index("indicator")
    assert (rows.loc["R-SALES", "reason"], rows.loc["R-SALESG", "reason"]) == (NO_BEFORE, NO_BEFORE)
    assert rows.loc["P-TPUT", "reason"] == SHORT
    assert rows.loc["P-RESP", "status"] == ASSESSED


def test_too_few_cases_have_a_value_and_no_score(make_past, company, book):
    few = company | {"tickets": company["tickets"][company["tickets"]["opened_at"] >= "2025-10-01"].head(29)}
    row = assess(make_past(few), book).set_index("indicator").loc["P-RES"]
    assert (row["n"], row["reason"], row["status"]) == (29, TOO_FEW, NOT_ASSESSED)
    assert not math.isnan(row["value"])
    assert math.isnan(row["score"])
    one_more = company | {"tickets": company["tickets"][company["tickets"]["opened_at"] >= "2025-10-01"].head(30)}
    assert assess(make_past(one_more), book).set_index("indicator").loc["P-RES", "status"] == ASSESSED


def test_a_missing_table_never_makes_a_class_better(make_past, company, book, table):
    scores = class_scores(table).set_index("class")
    without = class_scores(
        assess(make_past({name: one for name, one in company.items() if name != "tickets"}), book)
    ).set_index("class")
    assert without.loc["process", "coverage"] < scores.loc["process", "coverage"]
    assert math.isnan(without.loc["process", "score"])
    nothing = class_scores(assess(make_past({}), book))
    assert nothing["score"].isna().all()
    assert (nothing["coverage"] == 0).all()


def test_what_a_client_switches_off_is_not_there(make_past, company, book):
    merged, changes = merge(book.indicators, {"P-RESP": {"enabled": False}, "P-RES": {"target": 1}})
    found = assess(make_past(company), Catalogue(merged, changes)).set_index("indicator")
    assert "P-RESP" not in found.index
    assert (found.loc["P-RES", "placeholder"], found.loc["P-FCR", "placeholder"]) == (False, True)
    assert found.loc["P-RES", "p_value"] < 1e-6


def test_names_are_in_the_language_of_the_report(make_past, company, book):
    found = assess(make_past(company, language="zh"), book).set_index("indicator")
    assert found.loc["P-RESP", "name"] == "首次响应达标率"


def test_four_cycles(make_past, company, book, table):
    found = cycles(make_past(company), book)
    assert list(dict.fromkeys(found["cycle"])) == ["2025Q1", "2025Q2", "2025Q3", "2025Q4"]
    newest = found[found["cycle"] == "2025Q4"].drop(columns="cycle").reset_index(drop=True)
    pd.testing.assert_frame_equal(newest, table)
    shares = found[found["indicator"] == "P-RESP"]
    assert shares["n"].sum() == pytest.approx(
        ((company["tickets"]["opened_at"] >= "2025") & (company["tickets"]["opened_at"] < "2025-12-31 16:01")).sum()
    )
    halves = cycles(make_past(company, cycle="half_year", cycles=3), book)
    assert list(dict.fromkeys(halves["cycle"])) == ["2024H2", "2025H1", "2025H2"]


def test_months_add_up_to_the_cycle(make_past, company, book, table):
    found = monthly(make_past(company), book)
    own = found[found["indicator"] == "P-FCR"].set_index("month_end")
    assert own.index.is_monotonic_increasing
    assert len(own) == 24
    newest = own.tail(3)
    cycle = table.set_index("indicator").loc["P-FCR"]
    assert (newest["value"] * newest["n"]).sum() / newest["n"].sum() == pytest.approx(cycle["value"])
    assert newest["n"].sum() == cycle["n"]


# what must change nothing


def same(first, second, *, but=()):
    rows = ~first["indicator"].isin(but)
    for name in [*NUMBERS, "status", "reason"]:
        pd.testing.assert_series_equal(first.loc[rows, name], second.loc[rows, name], check_exact=False, rtol=1e-9)


def test_order_of_rows(make_past, company, book, table):
    mixed = {name: rows.sample(frac=1, random_state=3) for name, rows in company.items()}
    same(table, assess(make_past(mixed), book))


def test_names_of_customers(make_past, company, book, table):
    rng = np.random.default_rng(1)
    ids = company["customers"]["customer_id"]
    new = dict(zip(ids, rng.permutation([f"客户{i}" for i in range(len(ids))]), strict=True))
    renamed = {
        name: rows.assign(customer_id=rows["customer_id"].map(new)) if "customer_id" in rows else rows
        for name, rows in company.items()
    }
    same(table, assess(make_past(renamed), book))


def test_unit_of_money(make_past, company, book, table):
    names = ("transactions", "costs")
    cents = company | {name: company[name].assign(amount=company[name]["amount"] * 100) for name in names}
    cents |= {"goals": company["goals"].assign(target=1400.0)}
    found = assess(make_past(cents), book)
    same(table, found, but=MONEY)
    for name in ("score", "score_low", "score_high", "p_value", "n"):
        pd.testing.assert_series_equal(table[name], found[name], rtol=1e-9)
    money = [
        frame.loc[frame["indicator"].isin(MONEY), ["value", "low", "high", "target"]].to_numpy() for frame in (table, found)
    ]
    np.testing.assert_allclose(money[0] * 100, money[1])


@pytest.mark.parametrize(
    "headers",
    [
        ("工单编号", "客户编号", "创建时间", "首次响应时间", "解决时间"),
        ("工單編號", "客戶編號", "建立時間", "首次回應時間", "解決時間"),
    ],
)
def test_headers_in_either_chinese(tmp_path, make_past, company, book, headers):
    ours = ["ticket_id", "customer_id", "opened_at", "first_response_at", "resolved_at"]
    (tmp_path / "params").mkdir()
    (tmp_path / "notebooks").mkdir()
    folder = tmp_path / "data" / "acme"
    folder.mkdir(parents=True)
    company["tickets"][ours].set_axis(list(headers), axis=1).to_csv(folder / "tickets.csv", index=False)
    columns = "".join(f"      {name}: {header}\n" for name, header in zip(ours, headers, strict=True))
    said = f'client: acme\ntitle: ACME\nsource: data/acme\nas_of: "2025-12-31"\ntables:\n  tickets:\n    columns:\n{columns}'
    (tmp_path / "params" / "acme.yml").write_text(said, encoding="utf-8")
    from crmkit.analyses.audit.read import history

    with open_client("acme", home=tmp_path) as client:
        found = assess(history(client, cycle="quarter"), book)
    plain = assess(make_past({"tickets": company["tickets"][ours]}), book)
    names = plain["indicator"].isin(["P-RESP", "P-RESP50", "P-RESP90", "P-RES", "P-BACK", "P-FCR"])
    same(plain[names], found[names])
    assert found[names]["score"].notna().sum() == 5


# what must not get better


WORSE = {
    "first_response_at": (pd.NaT, ["P-RESP", "P-RESP50", "P-RESP90", "P-CACK"]),
    "resolved_at": (pd.NaT, ["P-RES", "P-CMPT", "P-BACK"]),
    "closed_notice_at": (pd.NaT, ["P-CLOSE"]),
    "reopened": (True, ["P-FCR", "P-REOPEN"]),
    "handoffs": (5, ["P-FCR"]),
}


@pytest.mark.parametrize("name", WORSE)
def test_worse_cases_never_raise_a_score(make_past, company, book, name):
    """Sixty tickets of the newest quarter, half of all, go worse in one way."""
    how, judged = WORSE[name]
    tickets = company["tickets"]
    newest = np.random.default_rng(2).permutation(tickets.index[tickets["opened_at"] >= "2025-10-01"])
    only = Catalogue({one: book[one] for one in judged})
    signs = np.array([1 if book[one].direction == "up" else -1 for one in judged])
    before = None
    for many in (0, 60):
        worse = tickets.copy()
        worse.loc[newest[:many], name] = how
        if name == "resolved_at":
            worse.loc[newest[:many], "closed_notice_at"] = pd.NaT
        found = assess(make_past({"tickets": worse}), only)
        now = found[["score", "score_low", "score_high"]].to_numpy()
        if before is not None:
            # where nine of ten are no longer answered, or too few are known, there is no score at all
            assert (np.isnan(now) | (now <= before[0]) | np.isnan(before[0])).all()
            values = signs * found["value"].to_numpy()
            assert (np.isnan(values) | np.isnan(before[1]) | (values <= before[1] + 1e-12)).all()
            first = values - before[1]
        before = (now, signs * found["value"].to_numpy())
    assert (first < 0).any()


def test_a_second_run_is_the_same(make_past, company, book, table):
    pd.testing.assert_frame_equal(assess(make_past(company), book), table, check_exact=True)


def test_cycles_that_do_not_fit_are_refused(make_past, company):
    from crmkit.core.errors import ParamError

    with pytest.raises(ParamError, match=r"cycle is 'quartr'; did you mean 'quarter'?"):
        make_past(company, cycle="quartr")
    with pytest.raises(ParamError, match="cycles is 13; 1 to 12 quarter cycles can be looked back"):
        make_past(company, cycles=13)


def test_months_end_on_the_day_of_the_audit(make_past, company):
    past = make_past(company, as_of=dt.date(2025, 11, 15))
    assert (past.current.start, past.current.end, past.current.name) == (
        dt.date(2025, 8, 16),
        dt.date(2025, 11, 15),
        "2025-11-15",
    )
