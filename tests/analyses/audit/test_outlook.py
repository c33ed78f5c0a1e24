"""What is to come of an audit: forecasts, chances, sales of known and new customers, trends that chance does not make."""

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses import audit
from crmkit.analyses.audit.outlook.indicators import METHODS as NAMES
from crmkit.analyses.audit.outlook.indicators import even, month_end, scale_of
from crmkit.analyses.audit.outlook.kinds import BACK, FIRST_TIME, REGULAR, RISING, STEADY, habits, shifts, verdict
from crmkit.analyses.audit.outlook.sales import ALL, NEW, OLD, new_shares
from crmkit.core.language import say
from crmkit.models.outlook.paths import METHODS

DAYS = pd.date_range("2024-01-01", "2025-12-31", freq="D")


def sales(seed=0, *, growth=0.0, months=24):
    """Four hundred purchases a month of 300 customers who come one after the other; toys grow by a share a month."""
    rng = np.random.default_rng(seed)
    rows = []
    for month in range(months):
        start = pd.Timestamp("2025-12-01") - pd.DateOffset(months=months - 1 - month)
        came = 60 + int(240 * month / months)
        for kind, mean in (("toys", 20 * (1 + growth) ** month), ("tools", 20.0), ("books", 20.0)):
            for _ in range(60):
                day = start + pd.Timedelta(days=int(rng.integers(0, 28)))
                rows.append((f"c{rng.integers(0, came)}", day.date(), round(mean * rng.lognormal(0, 0.2), 2), kind))
    return pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount", "category"])


@pytest.fixture(scope="module")
def work(request):
    company = request.getfixturevalue("company")
    peers = pd.DataFrame(
        {
            "indicator": ["market_size", "market_size", "R-NEW"],
            "peer": ["trade", "trade", "trade"],
            "period": ["2024", "2025", "2025"],
            "value": [100000.0, 104000.0, 12.0],
            "source": "Report 7",
            "dated_at": "2025-12-01",
        }
    )
    risks = pd.DataFrame(
        {"risk_id": ["O1"], "category": ["market"], "likelihood": [3], "impact": [3], "response": ["pursue"], "owner": ["Ann"]}
    )
    return audit.study(
        company(tables={"transactions": sales(growth=0.05), "benchmarks": peers, "risks": risks}, as_of="2025-12-31")
    )


def test_each_headline_indicator_has_a_range_a_chance_and_its_earlier_ranges(work):
    found = audit.outlook_table(audit.coming(work))
    own = found.table.set_index("indicator").loc["R-SALES"]
    assert own["low"] < own["value"] < own["high"]
    assert 0 <= own["held"] <= own["tried"] == 24 - 6 - 8 + 1
    assert 0.01 <= own["miss"] <= 0.99
    # growing sales are held against the same cycle a year before
    assert own["target"] == pytest.approx(work.months.query("indicator == 'R-SALES'")["value"].iloc[-12:-6].mean(), rel=1e-9)
    assert found.finding.passed in (True, False)


def test_the_figure_joins_past_and_forecast(work):
    found = audit.outlook_figure(audit.coming(work))
    past, ahead = (found.table[found.table["group"] == name] for name in ("Known", "Forecast"))
    assert past["x"].iloc[-1] == ahead["x"].iloc[0] == "2025-12-31"
    assert past["value"].iloc[-1] == ahead["value"].iloc[0]
    assert ahead["x"].iloc[-1] == "2026-06-30"


def test_known_and_new_customers_are_all_sales(work):
    table = audit.sales_outlook(work).table
    for _, own in table.groupby("months"):
        parts = own.set_index("who")["value"]
        assert parts[OLD] + parts[NEW] == pytest.approx(parts[ALL])
        assert (own["low"] < own["value"]).all()
        assert (own["value"] < own["high"]).all()
    assert sorted(table["months"].unique()) == [3, 6, 12]


def test_a_category_that_grows_is_told_from_those_that_do_not(work):
    table = audit.category_trends(work).table.set_index("kind")
    assert table.loc["toys", "verdict"] == RISING
    assert table.loc["toys", "low"] < 0.05 < table.loc["toys", "high"]
    assert (table.loc[["tools", "books"], "verdict"] == STEADY).all()
    assert audit.category_figure(work).table["group"].nunique() == 3


def test_what_rises_and_what_is_pursued_are_opportunities(work):
    found = audit.opportunities(work, audit.category_trends(work)).table
    assert found["what"].tolist()[-1] == "toys"
    assert found["owner"].tolist()[0] == "Ann"


def test_the_market_stands_beside_the_company(work):
    table = audit.market(audit.coming(work)).table.set_index("indicator")
    assert table.loc["market_size", "change"] == pytest.approx(0.04)
    assert table.loc["market_size", "ours_change"] > 0.1
    assert table.loc["R-NEW", "ours_next"] != "–"


def test_a_company_with_a_short_past_says_how_long_it_takes(company):
    short = audit.study(company(tables={"transactions": sales(months=5)}, as_of="2025-12-31"))
    found = audit.outlook_table(audit.coming(short))
    assert found.table is None
    assert "Sales per month needs 1 more cycle" in say(found.reason, short.locale)
    assert audit.sales_outlook(short).table is None
    assert audit.sales_figure(short).table is None
    assert audit.outlook_figure(audit.coming(short)).table is None


def test_a_company_without_purchases_has_one_line_for_each(company):
    people = pd.DataFrame({"customer_id": [f"c{i}" for i in range(30)], "created_at": "2025-01-01"})
    bare = audit.study(company(tables={"customers": people}, as_of="2025-12-31"))
    ahead = audit.coming(bare)
    exhibits = (audit.outlook_figure(ahead), audit.sales_outlook(bare), audit.category_trends(bare), audit.need_trends(bare))
    for one in (*exhibits, audit.segment_trends(bare), audit.opportunities(bare), audit.market(ahead)):
        assert one.table is None
        assert say(one.reason, bare.locale)


def months(ends, values):
    return pd.DataFrame({"month_end": pd.to_datetime(ends), "value": values, "low": values, "high": values})


def test_waves_of_a_survey_keep_their_step_and_a_gap_is_bridged():
    ends = pd.date_range("2023-03-31", periods=9, freq="QE")
    series, step, lacking = even(months(ends, np.arange(9.0)))
    assert (step, lacking, len(series)) == (3, 0, 9)
    series, step, _ = even(months(ends.delete(4), np.delete(np.arange(9.0), 4)))
    assert series["value"].tolist() == list(np.arange(9.0))
    assert str(series["month_end"].iloc[4].date()) == "2024-03-31"


def test_what_is_lacking_is_counted_in_months():
    assert even(months(pd.date_range("2025-01-31", periods=5, freq="ME"), np.ones(5)))[1:] == (1, 3)
    assert even(months(pd.date_range("2024-03-31", periods=6, freq="QE"), np.ones(6)))[1:] == (3, 6)
    assert even(months(["2025-01-31"], [1.0]))[2] == 7


@pytest.mark.parametrize(
    ("unit", "values", "scale"),
    [
        ("share", [0.1, 0.9], "logit"),
        ("share", [-0.1, 0.2], "plain"),
        ("money", [1, 2], "log"),
        ("number", [0, 2], "root"),
        ("points", [1, 2], "plain"),
    ],
)
def test_the_scale_follows_from_unit_and_values(unit, values, scale):
    assert scale_of(unit, np.array(values, dtype=float)) == scale


def test_months_end_where_calendar_months_do():
    assert str(month_end(pd.Timestamp("2025-12-31"), 2).date()) == "2026-02-28"
    assert str(month_end(pd.Timestamp("2025-12-15"), -1).date()) == "2025-11-15"


def test_every_method_has_a_name():
    assert set(NAMES) == {*METHODS, "together"}


def test_shares_of_new_customers_by_hand():
    first = np.array([[2.0, 1.0, 1.0], [0.0, 3.0, 1.0], [0.0, 0.0, 2.0]])
    assert new_shares(first, 2).tolist() == [6 / 8]


def test_small_kinds_are_hidden_and_chance_makes_no_trend():
    rng = np.random.default_rng(5)
    false = 0
    for _ in range(30):
        rows = [(month, f"k{kind}", 50, 100 * rng.lognormal(0, 0.1)) for month in range(24) for kind in range(6)]
        rows += [(month, "rare", 3, 100.0) for month in range(24)]
        table = shifts(pd.DataFrame(rows, columns=["month", "kind", "n", "amount"]), many=24, share=False, min_cell=10, cycle=6)
        assert "rare" not in set(table["kind"])
        assert table.attrs["hidden"] == 1
        false += any(verdict(row) == RISING for row in table.to_dict("records"))
    # one family in twenty has a find on either side; the exact 99 % band of 30 draws of .05 ends at 5
    assert false <= 5


def test_habits_by_hand():
    """Twenty months: one buys each month, one pauses for five months, one comes in the newest month."""
    rows = [(month, "a", 1, 10.0) for month in range(20)]
    rows += [(6, "b", 1, 7.0), (0, "b", 1, 7.0), (0, "c", 1, 3.0)]
    table = habits(pd.DataFrame(rows, columns=["month", "customer_id", "orders", "amount"]), 20)
    now = table[table["month"] == 0].set_index("kind")["amount"].to_dict()
    assert now == {REGULAR: 10.0, BACK: 7.0, FIRST_TIME: 3.0}
    assert table["month"].max() == 7
