"""Indicators that other analyses own, read from results as those store them."""

import math

import pytest

from crmkit.analyses.audit.indicators import evaluate
from crmkit.analyses.audit.indicators.estimate import NOT_HELD, RUN_FIRST, SNAPSHOT

ESTIMATES = "group measure value low high n unit method"


@pytest.fixture
def past(make_past, frame):
    items = {"items": {"ces": {"scale": [1, 7], "kind": "ces"}}}
    return make_past({"customers": frame("customer_id created_at", ("a", "2024-01-01"))}, surveys=items)


@pytest.fixture
def owned(frame, reading):
    board = frame("dimension level left days_recent", ("", "All customers", 30, 30.4375 * 1000), ("plan", "basic", 20, 100))
    stayed = frame(ESTIMATES, ("t", "kept_year", 0.65, 0.6, 0.7, 400, "share", "Kaplan-Meier"))
    totals = frame(
        ESTIMATES, ("t", "alive", 5, 4, 6, 50, "count", "m"), ("t", "clv", 5000.0, 4000.0, 6000.0, 50, "money", "delta")
    )
    tiers = frame("tier n value share_value", ("A", 10, 4000.0, 0.8), ("B", 40, 1000.0, 0.2))
    intervals = frame(
        "group measure value low high", ("A", "Expected purchases", 1, 1, 1), ("A", "Expected value", 4000.0, 3800.0, 4400.0)
    )
    second = frame("x value low high at_risk", (0.0, 0, 0, 0, 50), (80.0, 0.25, 0.2, 0.3, 40), (91.0, 0.27, 0.22, 0.33, 30))
    scores = frame(
        ESTIMATES,
        ("CSAT, two top boxes", "top_share", 0.75, 0.7, 0.8, 200, "share", "Wilson"),
        ("CSAT, mean", "mean", 4.1, 4.0, 4.2, 200, "score", "t"),
        ("NPS", "nps", 20.0, 12.0, 28.0, 200, "points", "adjusted Wald"),
        ("CES, mean", "mean", 3.6, 3.5, 3.8, 180, "score", "t"),
    )
    asked = frame(
        "wave channel sent responded value", ("2025Q4", "all channels", 800, 200, 0.25), ("2025Q4", "mail", 300, 90, 0.3)
    )
    said, base = ("Of those who answered", "Of the customers")
    like = frame(
        ESTIMATES,
        ("North", said, 0.40, 0.34, 0.47, 200, "share", "Wilson"),
        ("North", base, 0.5, math.nan, math.nan, 200, "share", "count"),
        ("South", said, 0.60, 0.53, 0.66, 200, "share", "Wilson"),
        ("South", base, 0.5, math.nan, math.nan, 200, "share", "count"),
    )
    return {
        "churn": reading(churn_board=board, churn_totals=stayed),
        "clv": reading(clv_totals=totals, clv_tiers=tiers, clv_intervals=intervals, clv_second_purchase=second),
        "satisfaction": reading(satisfaction_scores=scores, satisfaction_response=asked, satisfaction_representative=like),
    }


@pytest.mark.parametrize(
    ("name", "value", "n"),
    [
        ("R-CHURN", 30 / 1000, 1000),
        ("R-RET", 0.65, 400),
        ("R-REPEAT", 0.25, 50),
        ("R-CLV", 100.0, 50),
        ("R-TIER", 0.8, 50),
        ("P-CSAT", 0.75, 200),
        ("P-CES", 1 + 4 * (7 - 3.6) / 6, 180),
        ("R-NPS", 20.0, 200),
        ("P-FBR", 0.25, 800),
        ("P-REPR", 0.1, 200),
    ],
)
def test_the_owners_number_is_read(measure, past, owned, name, value, n):
    found = measure(name, past, owned=owned)
    assert (found.value, found.n) == (pytest.approx(value), pytest.approx(n))
    assert found.low < found.value < found.high


def test_limits_of_the_owner_are_kept(measure, past, owned):
    assert (measure("R-NPS", past, owned=owned).low, measure("R-NPS", past, owned=owned).high) == (12.0, 28.0)
    assert measure("P-CES", past, owned=owned).low == pytest.approx(1 + 4 * (7 - 3.8) / 6)
    assert measure("R-TIER", past, owned=owned).low == pytest.approx(0.8 * 3800 / 4000)
    assert (measure("R-RET", past, owned=owned).low, measure("R-RET", past, owned=owned).high) == (0.6, 0.7)


def test_who_has_not_run_is_named(measure, past, owned, book, reading):
    for name in ("R-CHURN", "R-RET", "R-REPEAT", "R-CLV", "R-TIER", "P-CSAT", "P-CES", "R-NPS", "P-FBR", "P-REPR"):
        assert (measure(name, past).reason, measure(name, past).needs) == (RUN_FIRST, book[name].owner)
        empty = {analysis: reading() for analysis in owned}
        assert measure(name, past, owned=empty).reason == NOT_HELD
        refused = {analysis: reading(reason="outdated") for analysis in owned}
        assert measure(name, past, owned=refused).reason == RUN_FIRST
        earlier = evaluate(book[name], past, past.cycles[0], results=owned, confidence=0.95)
        assert earlier.reason == (NOT_HELD if name in ("R-CHURN", "P-CSAT", "P-CES", "R-NPS", "P-FBR") else SNAPSHOT)


def test_value_is_held_against_the_audit_before(measure, past, owned, reading, frame):
    then = frame(ESTIMATES, ("t", "clv", 4000.0, 3600.0, 4400.0, 50, "money", "delta"))
    found = measure("R-CLV", past, owned=owned | {"clv_previous": reading(clv_totals=then)})
    assert (found.reference, found.relative.value) == (80.0, 1.25)
    assert found.relative.low < 0.8 * 1.25 < found.relative.high
    assert math.isnan(measure("R-CLV", past, owned=owned).reference)
    nothing = reading(clv_totals=then.assign(value=0.0, low=0.0, high=0.0))
    assert math.isnan(measure("R-CLV", past, owned=owned | {"clv_previous": nothing}).reference)


@pytest.fixture
def by_wave(frame):
    """Three waves as the owner keeps them; the middle one began two months into the oldest quarter."""
    import pandas as pd

    scores = [
        (pd.Timestamp("2025-02-01"), 0.6, 4.0, 10.0, 0.20),
        (pd.Timestamp("2025-03-01"), 0.7, 4.6, 12.0, 0.30),
        (pd.Timestamp("2025-04-01"), 0.8, 5.2, 30.0, 0.40),
    ]
    rows = []
    for day, top, ease, points, answered in scores:
        rows += [
            (f"{day:%Y-%m}", day, "CSAT, two top boxes", "top_share", top, top - 0.1, top + 0.1, 90.0, "share", "Wilson"),
            (f"{day:%Y-%m}", day, "CES, mean", "mean", ease, ease - 0.2, ease + 0.1, 80.0, "score", "t"),
            (f"{day:%Y-%m}", day, "CES, two top boxes", "top_share", 0.1, 0.0, 0.2, 80.0, "share", "Wilson"),
            (f"{day:%Y-%m}", day, "NPS", "nps", points, points - 6, points + 6, 95.0, "points", "adjusted Wald"),
            (f"{day:%Y-%m}", day, "Response rate", "response", answered, 0.0, 1.0, 300.0, "share", "Wilson"),
        ]
    return frame("wave starts_on " + ESTIMATES, *rows)


def test_waves_of_the_owner(past, book, reading, by_wave):
    results = {"satisfaction": reading(satisfaction_waves=by_wave)}

    def of(name, place):
        return evaluate(book[name], past, past.cycles[place], results=results, confidence=0.95)

    nps = of("R-NPS", 0)
    assert (nps.value, nps.low, nps.high, nps.n) == (12.0, 6.0, 18.0, 95)
    assert [of("P-CSAT", place).value for place in (0, 1)] == pytest.approx([0.7, 0.8])
    assert of("P-CSAT", 0).sampling.n == 90
    effort = of("P-CES", 0)
    assert (effort.value, effort.n) == (pytest.approx(1 + 4 * (7 - 4.6) / 6), 80)
    assert (effort.low, effort.high) == (pytest.approx(1 + 4 * (7 - 4.7) / 6), pytest.approx(1 + 4 * (7 - 4.4) / 6))
    assert (of("P-FBR", 0).value, of("P-FBR", 0).n) == (pytest.approx(0.3), 300)
    assert all(of(name, 2).reason == NOT_HELD for name in ("P-CSAT", "P-CES", "R-NPS", "P-FBR"))


def test_months_of_the_owner(past, owned, book, reading, frame):
    import pandas as pd

    days = ["2025-01-01", "2025-02-01", "2025-03-01", "2025-12-01"]
    by_month = frame(
        "group x value at_risk", *[("observed", pd.Timestamp(day), 0.1 * i, 100.0 * i) for i, day in enumerate(days, 1)]
    )
    results = {"churn": reading(churn_monthly=by_month, churn_board=owned["churn"].table("churn_board"))}
    churn = evaluate(book["R-CHURN"], past, past.cycles[0], results=results, confidence=0.95)
    assert (churn.value, churn.n) == (pytest.approx((10 + 40 + 90) / 600), 600)
    # the newest month holds what was lost in it, the newest cycle what the owner has for today
    assert evaluate(book["R-CHURN"], past, past.current, results=results, confidence=0.95).value == pytest.approx(0.03)
    month = past.window(past.current, 1)
    assert evaluate(book["R-CHURN"], past, month, results=results, confidence=0.95).value == pytest.approx(0.4)


def test_the_indicators_of_the_data_are_read_to_the_digit(measure, make_past, book, frame, reading, in_memory):
    from crmkit.analyses import data_quality
    from crmkit.analyses.data_quality.indicators import earlier, measured
    from typed_tables import table_of

    rows = [(f"c{k}", f"N{k}", f"{k % 90}@x.org", f"030 100{k:04d}", None if k % 5 else "N", "2025-12-01") for k in range(120)]
    customers = frame("customer_id name email phone region updated_at", *rows)
    use = [(f"2025-{month:02d}-01", module, 60 + month, 100) for month in range(1, 13) for module in ("sales", "service")]
    checks = [(f"c{k}", name, "2025-06-01", k % 17 > 0) for k in range(40) for name in ("email", "phone")]
    tables = {
        "customers": customers,
        "tickets": frame("ticket_id customer_id opened_at", *[(f"t{k}", f"c{k}", "2025-05-05") for k in range(20, 140)]),
        "crm_usage": frame("period module active_users licensed_users", *use),
        "verification": frame("customer_id field checked_at correct", *checks),
    }
    company = in_memory(tables={name: table_of(name, one) for name, one in tables.items()})
    work = data_quality.examine(company, data_quality.Agreed(cycle="quarter"))
    theirs = measured(work).set_index("indicator")
    owned = {"data_quality": reading(data_quality_indicators=measured(work), data_quality_earlier=earlier(work))}
    past = make_past(tables)
    known = [name for name in theirs.index if name not in ("D-SILO", "D-CONS")]
    for name in known:
        found = measure(name, past, owned=owned)
        assert (found.value, found.low, found.high, found.n) == tuple(theirs.loc[name, ["value", "low", "high", "n"]]), name
        assert found.sampling is not None
    assert measure("D-CONS", past, owned=owned).needs == "customers.consent_at"
    assert measure("D-COMP", past).reason == RUN_FIRST
    # of earlier cycles what is counted by month is known, and what changes in place is not
    assert evaluate(book["D-USE"], past, past.cycles[0], results=owned, confidence=0.95).value == pytest.approx(0.62)
    assert evaluate(book["D-COMP"], past, past.cycles[0], results=owned, confidence=0.95).reason == SNAPSHOT
